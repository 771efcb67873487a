"""A small results folder with layers, as the workflow writes it, for the parts of the report that read layers."""

from unittest.mock import patch

import pandas as pd

from gutaxis.report.items import Item
from gutaxis.report.page import Look, write_page
from gutaxis.report.sources import LayerInfo, Results
from tests.report_numbers import check_numbers, loose_digits
from tests.workflow.conftest import ROOT

HOSTILE = "<script>window.bad = 1</script>\"Ünïcode\" & 'q'"
LOOK = Look(**{name: ROOT / f"resources/report/page.{end}" for name, end in
               (("template", "html.j2"), ("style", "css"), ("script", "js"))})  # fmt: skip
RESPONSES = {"P1": "R", "P2": "NR", "P3": None, "P4": "R"}
CONTRASTS = {"baseline": {"role": "primary"}, "change": {"role": "primary"}, "response_change": {"role": "secondary"}}
LAYERS = {
    "taxa": LayerInfo(name="taxa", arm="metagenome", source="metaphlan", kind="compositional", room="gut"),
    "pathways": LayerInfo(name="pathways", arm="metagenome", source="humann", kind="compositional", room="gut"),
    "metabolites": LayerInfo(
        name="metabolites", arm="metabolome", source="metabolome", kind="log_intensity", room="plasma"
    ),
    "cytometry": LayerInfo(name="cytometry", arm="config", source="table", kind="compositional", room="other"),
}


def write(root, name, rows, comment=""):
    """Write a table with comment lines above it."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    path.write_text(head + pd.DataFrame(rows).to_csv(sep="\t", index=False, na_rep="NA"), encoding="utf-8")


def result_rows(*, contrast, features, role="primary", layer="taxa", **changes):
    """Return result rows: feature -> (estimate, p, q); None as estimate: the row has a reason and no result."""
    rows = []
    for feature, (estimate, p, q) in features.items():
        made = estimate is not None
        rows.append({
            "layer": layer, "contrast": contrast, "feature": feature, "label": feature.replace("_", " "), "n": 4,
            "n_r": 2, "n_nr": 1, "estimate": estimate, "se": 0.25 if made else None,
            "ci_low": estimate - 0.5 if made else None, "ci_high": estimate + 0.5 if made else None,
            "statistic": 2.5 if made else None, "df": 3 if made else None, "p": p, "q": q, "method": "linda",
            "role": role, "agreement": 0.75 if made else None, "reason": None if made else "constant",
        } | changes)  # fmt: skip
    return rows


EMPTY = pd.DataFrame(columns=list(result_rows(contrast="baseline", features={"a": (1.0, 0.1, 0.2)})[0]))
UNIT = "unit of estimate: log2 fold change against the features that do not change"


def write_samples(root, *, suffix="", status=None):
    """Write clinical/sample_response.tsv: P1 to P4, P4 without a POST sample."""
    rows = [
        {"sample_id": f"{patient}_{time}{suffix}", "patient_id": patient, "timepoint": time,
         "pair_id": f"{patient}{suffix}", "pair_status": status or ("PRE_ONLY" if patient == "P4" else "PAIRED"),
         "response": response, "batch": "B1", "cohort": "LUNG"}
        for patient, response in RESPONSES.items()
        for time in ("PRE", "POST")
        if (patient, time) != ("P4", "POST")
    ]  # fmt: skip
    write(root, "clinical/sample_response.tsv", rows)
    return [row["sample_id"] for row in rows]


def make_results(root, *, layers=("taxa",), contrasts=None):
    """Return the results of everything that stands in the folder."""
    files = frozenset(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return Results(
        root=root, files=files, absent={"*": "Nobody made it."}, layers={name: LAYERS[name] for name in layers},
        settings={"fdr": 0.1, "contrasts": contrasts or CONTRASTS, "simulated": True},
    )  # fmt: skip


def shown(content):
    """Return findings and counts as plain words."""
    return [line.striptags() for line in (*content.findings, *content.counted)]


def page_of(results, build):
    """Write a page with one item, check every number of its sentences against the tables, and return its text."""
    output = results.root / "page/report.html"
    items = [Item(key="X1", title="An item", section="gut", build=build)]
    # the drawing programs are large and slow to make; nothing here draws
    with patch("gutaxis.report.page.figure_bundle", return_value=""):
        write_page(results=results, items=items, look=LOOK, output=output, title="T", methods=None)
    assert check_numbers(page=output, root=results.root) > 0
    assert loose_digits(page=output) == []
    return output.read_text(encoding="utf-8")
