"""The page and tables of a batch report, of a tiny made-up run: every number in a sentence is a count of a table."""

import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist, squareform

from gutaxis.batches.collect import COLUMNS as RESULTS_COLUMNS
from gutaxis.batches.plan import plan_batches
from gutaxis.batches.report import COLUMNS, Sources, write_batch_report
from gutaxis.batches.snapshot import CHECKSUMS, LABELS, OUTCOMES, RESULTS, SAMPLE_COLUMNS
from gutaxis.errors import GutaxisError
from gutaxis.files import write_tsv
from gutaxis.layers.build import build_layer, write_layer

pytestmark = pytest.mark.unit
RESOURCES = Path(__file__).parents[2] / "resources" / "report"
SHEETS = [["B1", "B2"], ["B3"]]
PATIENTS = {"B1": 6, "B2": 4, "B3": 4}
#: Of B3 all respond.
RESPONSES = {"B1": ["R", "NR"], "B2": ["NR", "R"], "B3": ["R"]}
#: feature -> estimate and q before, after.
TESTED = {
    "F0": ((1.0, 0.01), (1.2, 0.02)), "F1": ((1.0, 0.05), (0.2, 0.6)), "F2": ((0.1, 0.9), (0.9, 0.03)),
    "F3": ((0.1, 0.8), (-0.1, 0.9)),
}  # fmt: skip


def labels(*, batches, changed=False):
    rows = []
    for batch in batches:
        for at in range(PATIENTS[batch]):
            name = f"{batch}P{at}"
            response = RESPONSES[batch][at % len(RESPONSES[batch])]
            if changed and name == "B1P0":
                response = "NR"
            for time in ("PRE", "POST"):
                rows.append((f"{name}_{time}", name, "MGX", "STOOL", time, batch, "N", "LUNG", response))
        rows.append((f"{batch}_BLANK", None, "MGX", "STOOL", None, batch, "BLANK", None, None))
    return pd.DataFrame(rows, columns=[*SAMPLE_COLUMNS, "cohort", "response"]).reindex(
        columns=[*SAMPLE_COLUMNS, "cohort", *OUTCOMES]
    )


def snapshot(folder, *, batches, side):
    """Write labels, results and checksums of a set of batches, before (0) or after (1) the newest."""
    known = labels(batches=batches, changed=side == 1)
    rows = [
        {"table": "differential", "layer": "taxa", "contrast": "baseline", "feature": name, "label": f"Species {name}",
         "n": len(known), "estimate": found[side][0], "p": found[side][1], "q": found[side][1]}
        for name, found in TESTED.items()
    ]  # fmt: skip
    own = known[known["control"] == "N"]
    sums = [
        (sample, "MGX", what, name, f"{sample}{what}{'!' * (side and change)}")
        for at, sample in enumerate(own["sample_id"])
        for what, name, change in (("taxonomic profile", f"metagenome/profiles/{sample}.tsv", at == 3),
                                   ("row of layer", "taxa", at % 2))
    ]  # fmt: skip
    write_tsv(known, folder / LABELS, comment="labels")
    write_tsv(pd.DataFrame(rows, columns=RESULTS_COLUMNS), folder / RESULTS, comment="results")
    write_tsv(pd.DataFrame(sums, columns=["sample_id", "assay", "what", "name", "sha256"]), folder / CHECKSUMS)
    return known


@pytest.fixture
def run(tmp_path):
    """A run with B1, B2 and B3 and the snapshot of B1 and B2; returns what write_batch_report takes."""
    out = tmp_path / "results"
    snapshot(out / "batches/B1_B2", batches=["B1", "B2"], side=0)
    known = snapshot(out / "batches/B1_B2_B3", batches=["B1", "B2", "B3"], side=1).set_index("sample_id")
    rng = np.random.default_rng(5)
    own = known[known["control"] == "N"]
    names = [f"s{at}" for at in range(6)]
    values = pd.DataFrame(rng.lognormal(size=(len(own), 6)), own.index, names)
    values.loc[own["batch"] == "B3", "s1"] *= 200
    values = values.div(values.sum(axis=1), axis=0)
    layer = build_layer(
        values=values, observations=own[["patient_id", "timepoint", "batch", "cohort"]], name="taxa", arm="metagenome",
        kind="compositional", unit="fraction",
    )  # fmt: skip
    write_layer(adata=layer, path=out / "layers/taxa.h5ad")
    write_tsv(values.T.rename_axis("feature"), out / "layers/taxa.tsv", index=True, comment="layer taxa")
    distances = pd.DataFrame(squareform(pdist(values, "braycurtis")), values.index, values.index)
    write_tsv(distances.rename_axis("sample_id"), out / "beta.tsv", index=True, comment="layer taxa\nunit")
    reads = pd.DataFrame({"raw": 1000 + np.arange(len(known)), "version": 4}, index=known.index)
    reads.loc["B3P1_PRE", "raw"] = 3
    quality = known[["batch", "control"]].join(reads).reset_index()
    write_tsv(quality, out / "qc.tsv")
    blanks = [("B1_BLANK", "B1", "BLANK", "s0", 90.0), ("B3_BLANK", "B3", "BLANK", "s0", 60.0),
              ("B3_BLANK", "B3", "BLANK", "s1", 40.0)]  # fmt: skip
    write_tsv(
        pd.DataFrame(blanks, columns=["sample_id", "batch", "control", "species", "percent"]), out / "controls.tsv"
    )
    folder = out / "batches/B1_B2_B3"
    return {
        "sources": {
            "snapshot": folder, "before": None, "quality": {"MGX": out / "qc.tsv"}, "controls": out / "controls.tsv",
            "taxa": out / "layers/taxa.tsv",
            "layers": {"taxa": (out / "layers/taxa.h5ad", "braycurtis", out / "beta.tsv")},
        },
        "plan": plan_batches(sheets=SHEETS, chosen=None), "fdr": 0.1, "permutations": 99, "seed": 1,
        "template": RESOURCES / "batch.html.j2", "style": RESOURCES / "page.css",
        "targets": {name: folder / f"batch_{name}.tsv" for name in COLUMNS}, "page": folder / "batch_report.html",
    }  # fmt: skip


def made(run, *, plan=None, **sources):
    """Write the report; return its tables by name and the sentences by question."""
    given = {**run, "sources": Sources(**{**run["sources"], **sources}), "plan": plan or run["plan"]}
    write_batch_report(**given)
    tables = {name: pd.read_csv(path, sep="\t", comment="#") for name, path in run["targets"].items()}
    text = run["page"].read_text()
    said = {}
    for section in text.split("<section>")[1:]:
        question = html.unescape(re.search("<h2>(.*?)</h2>", section)[1])
        said[question] = " ".join(html.unescape(part) for part in re.findall('<p class="finding">(.*?)</p>', section))
    return tables, said, text


def numbers(text):
    return [int(number) for number in re.findall(r"(?<![\w.])\d+(?![\w.]*\d)", text)]


def test_the_numbers_in_the_sentences_are_those_of_the_tables(run):
    tables, said, text = made(run)
    assert {name: list(table.columns) for name, table in tables.items()} == COLUMNS
    assert "Batch report: B3" in text

    new = said["What is new?"]
    assert new.startswith(
        "B3 against B1, B2: 8 new samples of 4 patients, 4 of them with no earlier sample, and 1 control"
    )
    assert "All 4 patients of batch B3 with a known response are R:" in new and "leave the batch out" in new
    assert "batch B1 with" not in new, "that one has both classes"

    quality, own = tables["quality"], said["Is the quality as before?"]
    flagged = quality[quality["flag"] == "Y"]
    assert flagged[["sample_id", "measure", "value"]].to_numpy().tolist() == [["B3P1_PRE", "raw", 3]]
    assert numbers(own)[:2] == [len(quality), quality["sample_id"].nunique()] == [16, 8]
    assert numbers(own)[3:5] == [len(flagged), flagged["sample_id"].nunique()]
    assert not quality["sample_id"].str.contains("BLANK").any()

    drift, own = tables["drift"], said["Do the new samples differ?"]
    assert drift[["patients_new", "patients_earlier"]].to_numpy().tolist() == [[4, 10]]
    assert (drift["p"] < 0.05).all()
    assert "compared in 1 layer; in 1 they differ at p < 0.05" in own
    first = tables["shifts"].iloc[0]
    assert first["feature"] == "s1" and f"most moved s1 ({first['standardised']:+.1f} SD)" in own

    blanks, own = tables["contamination"], said["What do the stool blanks hold?"]
    assert own.startswith(f"{len(blanks)} species in the newest blanks; 1 in no earlier blank.")
    assert blanks.set_index("species")["in_earlier_blanks"].to_dict() == {"s0": "Y", "s1": "N"}
    assert (blanks["samples"] == 8).all()

    moved, own = tables["labels"], said["Did outcomes of earlier patients change?"]
    what = moved["what"].value_counts()
    assert what.to_dict() == {"new patient": 4, "response": 1}
    assert own == (
        "Compared with B1_B2: 4 new patients, 1 earlier patient with another response, 1 earlier patient with another "
        "outcome of any kind."
    )

    results, summary = tables["results"], tables["summary"].iloc[0]
    counts = results["status"].value_counts()
    assert f"At q < 0.1, {counts['entered']} result entered and {counts['left']} result left" in said[
        "Do the main results change?"
    ]  # fmt: skip
    assert (summary["found_before"], summary["found_after"], summary["entered"], summary["left"]) == (2, 2, 1, 1)
    assert "<td>Species F2</td>" in text and "<td>entered</td>" in text

    outputs, own = tables["outputs"], said["Did earlier samples keep what was made of them?"]
    old = outputs[outputs["batch"] != "B3"]
    states = old.groupby([old["what"] == "row of layer", "state"]).size()
    assert (
        f"20 files of earlier samples: {states[False, 'unchanged']} unchanged, {states[False, 'changed']} changed"
        in own
    )
    assert f"20 rows of layers: {states[True, 'unchanged']} unchanged; taxa: {states[True, 'changed']} changed" in own
    assert (states[False, "changed"], states[True, "unchanged"]) == (1, 10)
    assert (outputs.loc[outputs["batch"] == "B3", "state"] == "new").all()


def test_plasma_blanks_are_counted_by_mode_the_newest_against_the_earlier(run):
    counts = [("OLD", "positive", "B1", 6), ("NEW1", "positive", "B3", 2), ("NEW2", "positive", "B3", 9),
              ("OLD", "negative", "B2", 4)]  # fmt: skip
    rows = [(name, mode, batch, "BLANK", held, 1, 99 - held) for name, mode, batch, held in counts]
    rows.append(("QC", "positive", "B3", "POOL_QC", 90, 0, 10))
    columns = ["sample_id", "mode", "batch", "control", "n_detected", "n_forced", "n_absent"]
    path = run["page"].parents[2] / "injection_quality.tsv"
    write_tsv(pd.DataFrame(rows, columns=columns), path)
    tables, said, _ = made(run, quality={"METAB": path})
    assert tables["plasma_blanks"][["sample_id", "newest", "detected", "features"]].to_numpy().tolist() == [
        ["OLD", "N", 4, 100], ["NEW1", "Y", 2, 100], ["NEW2", "Y", 9, 100], ["OLD", "N", 6, 100],
    ]  # fmt: skip
    assert said["What do the plasma blanks hold?"] == (
        "Negative mode: the newest batches have no blank. Positive mode: 2 newest blanks with at most 9 of 100 "
        "features, those of earlier batches at most 6."
    )
    # a run without plasma has no such section
    assert "What do the plasma blanks hold?" not in made(run)[1]


def test_the_page_loads_nothing_tells_of_no_folder_and_is_the_same_twice(run, tmp_path):
    _, _, text = made(run)
    assert "default-src 'none'" in text and "<script" not in text and "http" not in text.replace("http-equiv", "")
    assert str(tmp_path) not in text
    links = set(re.findall('href="([^"]+)"', text))
    assert links and all((run["page"].parent / name).is_file() for name in links)
    before = {path: path.read_bytes() for path in [run["page"], *run["targets"].values()]}
    made(run)
    assert {path: path.read_bytes() for path in before} == before


def test_names_from_the_sheets_are_text_on_the_page(run):
    path = run["sources"]["snapshot"].parent / "B1_B2" / RESULTS
    path.write_text(path.read_text().replace("Species F1", "<b>F1</b>"))
    after = run["sources"]["snapshot"] / RESULTS
    after.write_text(after.read_text().replace("Species F1", "<b>F1</b>"))
    _, _, text = made(run)
    assert "&lt;b&gt;F1&lt;/b&gt;" in text and "<b>" not in text


def test_a_patient_with_samples_in_an_earlier_batch_is_no_new_one(run):
    path = run["sources"]["snapshot"] / LABELS
    path.write_text(path.read_text().replace("\tB3P0\t", "\tB2P0\t"))
    tables, said, _ = made(run)
    assert "8 new samples of 4 patients, 3 of them with no earlier sample" in said["What is new?"]
    assert tables["drift"]["patients_new"].item() == 3, "its PRE sample of the earlier batch counts"
    assert (tables["labels"]["what"] == "new patient").sum() == 3


def test_one_batch_has_nothing_to_compare(run):
    tables, said, _ = made(run, plan=plan_batches(sheets=[["B1"]], chosen=None))
    assert all(table.empty for table in tables.values())
    assert "one batch, so there is nothing to compare" in said["What is new?"]
    assert list(said) == ["What is new?"]


def test_all_batches_named_as_newest_is_told_as_such(run):
    _, said, _ = made(run, plan=plan_batches(sheets=SHEETS, chosen=["B1", "B2", "B3"]))
    assert "`batches.newest` names every batch of this run" in said["What is new?"]


def test_without_an_earlier_snapshot_the_way_to_one_is_told(run):
    (run["sources"]["snapshot"].parent / "B1_B2" / LABELS).unlink()
    tables, said, _ = made(run)
    assert all(tables[name].empty for name in ("labels", "results", "summary", "outputs"))
    assert len(tables["drift"]) == 1, "what rests on this run alone is there"
    assert "under `batches.before`" in said["What was it before?"]


def test_a_set_that_lacks_more_than_the_newest_batch_is_told(run):
    snapshot(run["sources"]["snapshot"].parent / "B1", batches=["B1"], side=0)
    (run["sources"]["snapshot"].parent / "B1_B2" / LABELS).unlink()
    _, said, _ = made(run)
    assert "That set holds B1, not B1, B2" in said["Did outcomes of earlier patients change?"]


def test_before_may_lie_in_another_output(run, tmp_path):
    snapshot(tmp_path / "elsewhere/batches/B1_B2", batches=["B1", "B2"], side=1)
    tables, said, _ = made(run, before=tmp_path / "elsewhere/batches/B1_B2")
    assert set(tables["results"]["status"]) == {"stays found", "not found"}
    assert "0 results entered and 0 results left" in said["Do the main results change?"]


def test_a_wrong_before_is_b01_and_lists_what_there_is(run, tmp_path):
    half = tmp_path / "half"
    write_tsv(labels(batches=["B1"]), half / LABELS)
    own = run["sources"]["snapshot"]
    for path, wrong in (
        (tmp_path / "absent", f"It lacks {LABELS}, {RESULTS}, {CHECKSUMS}"),
        (half, f"It lacks {RESULTS}, {CHECKSUMS}"),
        (own.parent / "." / own.name, "It is the snapshot of this very run"),
    ):
        with pytest.raises(GutaxisError) as caught:
            made(run, before=path)
        (problem,) = caught.value.problems
        assert (problem.code, problem.column, problem.value) == ("B01", "batches.before", str(path))
        assert problem.wrong == wrong
        assert "of this output: B1_B2" in problem.allowed and "leave the key out" in problem.mend
    assert not run["page"].exists()


def test_a_run_without_stool_reads_layers_or_quality_says_so(run):
    tables, said, _ = made(run, quality={}, controls=None, taxa=None, layers={})
    assert tables["quality"].empty and tables["drift"].empty and tables["contamination"].empty
    assert said["Is the quality as before?"] == "There is no table of quality for the newest samples."
    assert said["Do the new samples differ?"] == "Newest and earlier patients could be compared in no layer."
    assert "starts from no stool reads" in said["What do the stool blanks hold?"]


def test_too_few_earlier_samples_judge_no_quality(run):
    path = run["sources"]["quality"]["MGX"]
    table = pd.read_csv(path, sep="\t")
    write_tsv(table[(table["batch"] == "B3") | table["sample_id"].isin(["B1P0_PRE", "B1P1_PRE", "B2P0_PRE"])], path)
    tables, said, _ = made(run)
    assert (tables["quality"]["earlier_n"] == 3).all() and (tables["quality"]["flag"] == "N").all()
    assert said["Is the quality as before?"].startswith("No value of the newest samples has the 5 earlier ones")


def test_batches_named_by_the_place_of_their_sheet_are_found(run):
    """Without a column `batch` the batches are 1, 2, ...: read as numbers they would match no name."""
    folder = run["sources"]["snapshot"]
    for path in [folder / LABELS, folder.parent / "B1_B2" / LABELS]:
        table = pd.read_csv(path, sep="\t", comment="#", dtype=str, keep_default_na=False)
        table["batch"] = table["batch"].str.removeprefix("B")
        write_tsv(table, path)
    tables, said, _ = made(run, plan=plan_batches(sheets=[["1", "2"], ["3"]], chosen=None))
    assert said["What is new?"].startswith("3 against 1, 2: 8 new samples of 4 patients")
    assert tables["drift"]["patients_new"].item() == 4 and len(tables["quality"]) == 16
    assert "Compared with B1_B2: 4 new patients" in said["Did outcomes of earlier patients change?"]
