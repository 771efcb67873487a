"""Blood and tumour in the report: figures taken over, composition over time, genes as a table."""

import altair as alt
import pandas as pd
import pytest
from tests.report_folder import HOSTILE, charts, checked_page, put, results_of, tables, words

from gutaxis.clinical.figure_frame import save_figure, titled
from gutaxis.report import drawn
from gutaxis.report.cells import CELLS
from gutaxis.report.items import Absent
from gutaxis.stats.results import RESULT_COLUMNS

pytestmark = pytest.mark.unit

BLOOD, TUMOR = (item.build for item in CELLS)
UNIT = "unit of estimate: log2 fold change"


def differential(root, layer, contrast, rows, *head):
    names = [*RESULT_COLUMNS, "reason"]
    about = {"layer": layer, "contrast": contrast, "n": 12, "n_r": 6, "n_nr": 6, "se": 0.2, "method": "linda",
             "role": "primary", "agreement": 0.75}  # fmt: skip
    filled_in = [{**dict.fromkeys(names), **about, **row} for row in rows]
    put(root, f"differential/{layer}/{contrast}.tsv", pd.DataFrame(filled_in, columns=names), UNIT, *head)


def row(feature, estimate, p, q, label=None):
    return {"feature": feature, "label": label or feature, "estimate": estimate, "ci_low": estimate - 0.4,
            "ci_high": estimate + 0.4, "p": p, "q": q}  # fmt: skip


def map_page(root, tissue, cells):
    data = pd.DataFrame(
        {"x": range(cells), "y": 1.23456789, "kind": ["nk (9)" if at % 10 else "b (1)" for at in range(cells)]}
    )
    chart = titled(chart=alt.Chart(data).mark_circle().encode(x="x:Q", y="y:Q"), title="Cells", notes=["UMAP."])
    page = root / f"single_cell/{tissue}/figures/map.html"
    page.parent.mkdir(parents=True)
    with alt.data_transformers.disable_max_rows():
        save_figure(chart=chart, svg=page.with_suffix(".svg"), html=page)


@pytest.fixture
def folder(tmp_path):
    differential(tmp_path, "tumor_cells", "baseline", [row("nk", 0.1, 0.6, 0.8), row("treg", 0.2, 0.5, 0.8)])
    differential(
        tmp_path, "tumor_cells", "change", [row("treg", -0.9, 0.004, 0.03), row("cd8_exhausted", -0.5, 0.2, 0.4)]
    )
    differential(tmp_path, "tumor_programs", "change", [row("tls", 0.7, 0.001, 0.01, HOSTILE)])
    genes = [row(f"nk|G{at}", 1.0, (at + 1) / 1000, 0.5) for at in range(200)]
    differential(tmp_path, "tumor_expression", "change", genes)
    put(
        tmp_path, "clinical/sample_response.tsv",
        pd.DataFrame({"sample_id": ["A", "B", "C"], "patient_id": ["P1", "P1", "P2"], "assay": "SCRNA",
                      "material": ["TUMOR", "TUMOR", "PBMC"], "response": "R"}),
    )  # fmt: skip
    put(
        tmp_path, "single_cell/quality.tsv",
        pd.DataFrame({"sample_id": ["A", "B", "C"], "n_barcodes": [500, 300, 900], "n_kept": [400, 0, 800],
                      "status": ["ok", "excluded", "ok"], "reason": [None, f"few cells {HOSTILE}", None]}),
    )  # fmt: skip
    return tmp_path


def test_contrasts_and_the_features_named_beforehand_are_said(folder):
    said = words(TUMOR(results_of(folder)).findings)
    assert any(
        "Tumour, cell types, baseline" in line and "no feature passed q < 0.1, of 2 tested" in line for line in said
    )
    treg = next(line for line in said if line.startswith("treg, change (primary)"))
    assert "lower after ILDR, −0.90 (95 % interval −1.30 to −0.50; p = 0.004, q = 0.03)" in treg
    assert any(line.startswith("cd8_exhausted, change (primary)") and "q = 0.4" in line for line in said)
    assert any(line.startswith(f"{HOSTILE}, change (primary): higher after ILDR, +0.70") for line in said)


def test_samples_of_the_tissue_alone_are_counted_and_excluded_ones_named(folder):
    said = words(TUMOR(results_of(folder)).counted)
    counts = "Samples: 2, patients: 1; 400 of 800 barcodes are kept as cells. Samples excluded as a whole: 1."
    assert said[0] == counts
    assert said[1] == f"Excluded: B, few cells {HOSTILE}."


def test_genes_are_a_table_of_the_strongest_and_no_chart(folder):
    made = TUMOR(results_of(folder))
    title = "Tumour, genes of a cell type: features by p in each contrast"
    assert len(tables(made)[title]) == 100
    assert tables(made)[title]["Name in the tables"].iloc[0] == "nk|G0"
    assert not any("genes of a cell type" in title for title in charts(made))


def test_a_map_of_many_cells_keeps_each_label_in_its_share_and_says_so(folder):
    map_page(folder, "tumor", 6000)
    made = TUMOR(results_of(folder))
    spec = charts(made)["Tumour: map of the cells"]
    (rows,) = spec["datasets"].values()
    assert len(rows) == 3000
    assert sum(row["kind"] == "b (1)" for row in rows) == 300
    assert rows[0]["y"] == 1.235
    assert "Here 3,000 of the 6,000 cells" in spec["title"]["subtitle"][-1]
    assert any("shows a part of the cells" in line for line in words(made.counted))


def test_a_small_map_stays_whole(folder):
    map_page(folder, "tumor", 200)
    made = TUMOR(results_of(folder))
    (rows,) = charts(made)["Tumour: map of the cells"]["datasets"].values()
    assert len(rows) == 200
    assert not any("a part of the cells" in line for line in words(made.counted))


def test_a_logarithmic_scale_of_a_figure_has_no_zero(folder):
    data = pd.DataFrame({"counts": [10, 1000], "share": [0.1, 0.2]})
    log, linear = (alt.Scale(type=kind, zero=False) for kind in ("log", "linear"))
    chart = alt.Chart(data).mark_point().encode(x=alt.X("counts:Q", scale=log), y=alt.Y("share:Q", scale=linear))
    page = folder / "single_cell/tumor/figures/quality.html"
    page.parent.mkdir(parents=True)
    save_figure(chart=titled(chart=chart, title="Quality", notes=[]), svg=page.with_suffix(".svg"), html=page)
    encoding = charts(TUMOR(results_of(folder)))["Tumour: quality of the cells"]["encoding"]
    assert encoding["x"]["scale"] == {"type": "log"}
    assert encoding["y"]["scale"] == {"type": "linear", "zero": False}


def test_a_figure_too_large_for_the_page_is_named_by_its_file(folder, monkeypatch):
    map_page(folder, "tumor", 200)
    monkeypatch.setattr(drawn, "LARGEST", 1000)
    made = TUMOR(results_of(folder))
    assert "Tumour: map of the cells" not in charts(made)
    said = "Tumour: map of the cells: too large for this page, it stands in single_cell/tumor/figures/map.html."
    assert said in words(made.counted)


def test_a_refused_contrast_says_why_and_is_not_drawn(tmp_path):
    differential(tmp_path, "blood_cells", "change", [], "no result: 2 pairs, at least 3 are needed")
    made = BLOOD(results_of(tmp_path))
    assert any("not tested: 2 pairs, at least 3 are needed." in line for line in words(made.findings))
    assert charts(made) == {}


def test_a_tissue_without_samples_is_absent(folder):
    made = BLOOD(results_of(folder, layers=("tumor_cells",)))
    assert isinstance(made, Absent)
    assert made.why == "No single-cell sample."


def test_every_number_of_the_page_stands_in_its_table(folder):
    map_page(folder, "tumor", 200)
    checked_page(results_of(folder), CELLS, folder)
