"""Is the data sound: batches against biology and the quality of each arm; sentences equal the tables."""

import json

import pandas as pd
import pytest
import vl_convert
from tests.report_folder import HOSTILE, charts, checked_page, put, results_of, tables, words

from gutaxis.clinical.figure_frame import chart_spec
from gutaxis.report.items import Absent
from gutaxis.report.sound import SOUND

pytestmark = pytest.mark.unit

PATIENTS = ["P1", "P2", "P3", "P4"]
RESPONSE = {"P1": "R", "P2": "R", "P3": "NR", "P4": None}


def samples(root, *, batch_of):
    """Write sample_response.tsv; ``batch_of`` tells the batch from assay, patient and timepoint."""
    put(root, "clinical/sample_response.tsv", pd.DataFrame([
        {"sample_id": f"{assay}_{one}_{time}", "patient_id": one, "assay": assay, "material": "ANY", "timepoint": time,
         "cohort": HOSTILE if one == "P1" else "LUNG", "response": RESPONSE[one], "batch": batch_of(assay, one, time)}
        for assay in ("METAB", "MGX") for one in PATIENTS for time in ("PRE", "POST")
    ]))  # fmt: skip


def mixed(assay, patient, time):
    return "1" if patient in {"P1", "P3"} else "2"


def permanova(root, *, layer="taxa", metric="braycurtis", p=0.0004, r2=0.25, reason=None):
    put(root, f"diversity/{layer}/permanova_{metric}.tsv", pd.DataFrame([
        {"contrast": contrast, "term": term, "df": 1, "r2": r2, "f": 2.5, "p": p, "permutations": 999, "scheme": "free",
         "n": 4, "reason": reason}
        for contrast in ("baseline", "post") for term in ("response", "batch", "Residual")
    ]), f"layer {layer}; {metric}")  # fmt: skip


def stool(root):
    put(root, "metagenome/qc/metagenome_qc.tsv", pd.DataFrame([
        {"sample_id": name, "batch": "1", "control": control, "lanes": 1, "raw": raw, "trimmed": raw - 100,
         "trimmed_orphans": 10, "repeats": 5, "host": 40, "final": raw - 150, "final_orphans": 5,
         "host_percent": 4000 / raw, "left_percent": 100 * (raw - 145) / raw, "species": species,
         "unclassified_percent": None}
        for name, control, raw, species in (("A", "N", 1000, 8), (HOSTILE, "N", 500, 4), ("BLANK", "BLANK", 200, 1))
    ]))  # fmt: skip
    put(root, "metagenome/qc/controls.tsv", pd.DataFrame([
        {"sample_id": "BLANK", "batch": "1", "control": "BLANK", "species": species, "percent": percent}
        for species, percent in ((HOSTILE, 100.0), ("UNCLASSIFIED", 0.0))
    ]))  # fmt: skip


def plasma(root):
    room = "metabolome/normalised"
    put(root, f"{room}/injection_quality.tsv", pd.DataFrame([
        {"sample_id": name, "mode": "positive", "batch": "1", "control": control, "timepoint": "PRE", "run_order": 1,
         "n_detected": n, "n_forced": 1, "n_absent": 0, "kept": kept, "reason": reason}
        for name, control, n, kept, reason in (
            ("A", "N", 50, True, None), ("B", "N", 10, False, HOSTILE), ("QC", "POOL_QC", 55, False, "control"),
        )
    ]))  # fmt: skip
    put(root, f"{room}/batches.tsv", pd.DataFrame([
        {"batch": batch, "mode": "positive", "n_injections": 9, "n_qc": n, "n_features": 60, "method": method,
         "error_constant": before, "error_curve": after}
        for batch, n, method, before, after in (("1", 6, "loess", 0.25, 0.125), ("2", 1, None, None, None))
    ]))  # fmt: skip
    steps = pd.DataFrame({"step": ["table", "sample filter"], "n_features": [60, 42], "n_samples": [3, 1]})
    put(root, f"{room}/steps.tsv", steps)
    message = {"level": ["info", "warning"], "step": "drift", "mode": "positive", "message": ["fine", HOSTILE]}
    put(root, f"{room}/messages.tsv", pd.DataFrame(message))
    put(root, f"{room}/feature_quality.tsv", pd.DataFrame({
        "feature": ["a", "b", "c"], "kept": [True, True, False], "rsd_before": [0.5, 0.25, 0.875],
        "rsd_held_out": [0.125, None, None],
    }))  # fmt: skip
    put(root, f"{room}/design.tsv", pd.DataFrame({
        "check": ["batch_by_timepoint", "run_order_by_timepoint"], "n": 2, "confounded": [True, False],
    }))  # fmt: skip


def cells(root):
    put(root, "single_cell/quality.tsv", pd.DataFrame([
        {"sample_id": name, "n_barcodes": barcodes, "n_kept": kept, "n_doublets": 3, "median_genes": 400,
         "median_pct_mito": 4.5, "status": status, "reason": reason}
        for name, barcodes, kept, status, reason in (("A", 300, 250, "ok", None), ("B", 90, 0, "excluded", HOSTILE))
    ]))  # fmt: skip
    put(root, "single_cell/identity.tsv", pd.DataFrame({
        "sample_id": ["A", "B"], "patient_id": ["P1", "P2"], "tissue": "blood", "verdict": ["mismatch", "ok"],
        "reason": [HOSTILE, None],
    }), "warnings, no genotypes")  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "results"
    samples(root, batch_of=mixed)
    for make in (permanova, stool, plasma, cells):
        make(root)
    put(root, "clinical/warnings.tsv", pd.DataFrame({"code": ["W34", "W34"], "file": "ae.tsv", "message": HOSTILE}))
    return root


def built(root, key):
    return next(item for item in SOUND if item.key == key).build(results_of(root, layers=()))


def said(made):
    return words([*made.findings, *made.counted])


def test_every_number_of_the_page_stands_in_its_table_and_names_are_only_words(folder, tmp_path):
    page = checked_page(results_of(folder, layers=()), SOUND, tmp_path)
    assert page.count("data-item=") >= len(SOUND)


def test_every_chart_is_drawn(folder):
    made = [built(folder, item.key) for item in SOUND]
    drawn = [chart for one in made for chart in charts(one).values()]
    assert len(drawn) == 4  # batches, fate of the reads, host reads, barcodes
    for chart in drawn:
        assert "<svg" in vl_convert.vegalite_to_svg(json.dumps(chart_spec(chart=chart)))


def test_a_missing_arm_is_said(tmp_path):
    samples(tmp_path, batch_of=mixed)
    for key in ("T6-stool", "T6-plasma"):
        assert built(tmp_path, key) == Absent(why="This run does not make it.")
    assert built(tmp_path, "T6-cells") == Absent(why="No single-cell sample.")
    lines = said(built(tmp_path, "T6"))
    assert "Warnings of the clinical arm: This run does not make it." in lines
    assert any(line.startswith("How much the batch explains was not tested") for line in lines)


def test_a_batch_of_one_class_is_named_and_a_confounded_factor_is_called_so(tmp_path):
    samples(tmp_path, batch_of=lambda assay, patient, time: time if assay == "MGX" else mixed(assay, patient, time))
    first, second, *_ = said(built(tmp_path, "T6"))
    # P4 has no response: batch 2 of METAB holds the responder P2 alone, batch 1 both classes
    assert first == (
        "METAB, 2 batches: by cohort, 2 holds LUNG only (4 samples); by response, 2 holds responders only (2 samples)."
    )
    assert second == (
        "MGX, 2 batches: by timepoint, POST holds POST only (4 samples) and PRE holds PRE only (4 samples): so an "
        "effect of the batch cannot be told from timepoint, and no correction mends this."
    )


def test_one_batch_and_batches_with_every_class_are_called_harmless(tmp_path):
    samples(tmp_path, batch_of=lambda assay, patient, time: None if assay == "METAB" else "1")
    lines = said(built(tmp_path, "T6"))
    assert lines[0] == "METAB: no batch is recorded."
    assert lines[1] == "MGX: 1 batch (1): no class can be mixed up with it."
    assert "Of 8 samples the batch is not known." in lines
    flip = {"P1": 0, "P2": 1, "P3": 0, "P4": 1}
    samples(tmp_path, batch_of=lambda assay, patient, time: str((flip[patient] + (time == "PRE")) % 2))
    assert said(built(tmp_path, "T6"))[0].startswith("METAB, 2 batches: every batch holds more than one class")


def test_permanova_of_the_batch_is_told_for_primary_contrasts_with_p_or_reason(folder):
    lines = said(built(folder, "T6"))
    assert (
        "taxa (braycurtis), baseline, primary: 25 % of the variation goes with the batch (p < 0.001, n = 4 patients)."
        in lines
    )
    assert not any("post" in line for line in lines)
    table = tables(built(folder, "T6"))["Batch in the PERMANOVA of every layer"]
    assert table["Contrast"].tolist() == ["baseline", "post"]
    assert table["Role"].tolist() == ["primary", "exploratory"]
    permanova(folder, metric="aitchison", p=None, r2=None, reason=HOSTILE)
    assert f"taxa (aitchison), baseline, primary: the batch was not tested: {HOSTILE}." in said(built(folder, "T6"))


def test_warnings_are_counted_by_code(folder):
    assert "The clinical arm warns of 2 findings: 2 of W34." in said(built(folder, "T6"))
    put(folder, "clinical/warnings.tsv", pd.DataFrame(columns=["code", "file", "message"]))
    assert "The clinical arm has no warning." in said(built(folder, "T6"))


def test_cross_table_adds_up_to_the_samples(folder):
    table = tables(built(folder, "T6"))["Samples by assay, batch, timepoint, cohort and response"]
    assert table["Samples"].sum() == 16
    parts = table[["Of responders", "Of non-responders", "Response not known"]].sum()
    assert parts.tolist() == [8, 4, 4]


def test_reads_of_every_sample_add_up(folder):
    made = built(folder, "T6-stool")
    chart = next(chart for title, chart in charts(made).items() if title.startswith("What became"))
    rows = pd.DataFrame(next(iter(chart_spec(chart=chart)["datasets"].values())))
    assert rows.groupby("sample_id")["reads"].sum().to_dict() == {"A": 990, HOSTILE: 490, "BLANK": 190}
    assert rows.loc[(rows["sample_id"] == "A") & (rows["fate"] == "left"), "reads"].tolist() == [855]
    lines = said(made)
    assert "Reads per sample before cleaning: median 750 (500 to 1,000)." in lines
    assert f"Species in BLANK: 1; the largest {HOSTILE}." in lines
    assert not any(line.startswith("Share that no known species explains") for line in lines)


def test_stool_without_controls_says_that_contamination_cannot_be_judged(folder):
    rows = pd.read_csv(folder / "metagenome/qc/metagenome_qc.tsv", sep="\t")
    put(folder, "metagenome/qc/metagenome_qc.tsv", rows[rows["control"] == "N"])
    assert any("contamination cannot be judged" in line for line in said(built(folder, "T6-stool")))


def test_plasma_tells_drift_precision_losses_and_confounding(folder):
    lines = said(built(folder, "T6-plasma"))
    assert (
        "Batch 1, positive: 6 pooled QCs; error on held-out QCs 0.25 log2 without and 0.12 log2 with a drift model "
        "(loess)." in lines
    )
    assert any(
        line.startswith("Batch 2, positive: 1 pooled QCs; the error of the drift model cannot") for line in lines
    )
    assert any("median 38 % before correction (2 features) and median 12 % on held-out QCs" in line for line in lines)
    assert "Of 60 features, 42 are left after all filters, in 1 samples." in lines
    assert "Mixed up in the run: batch against timepoint. No correction can mend this." in lines
    assert "Messages that need a look: 1 of level warning." in lines
    assert "n = 2 samples of patients and 1 controls; samples that were dropped: 1." in lines
    assert f"B (positive): {HOSTILE}." in lines
    assert any(line.startswith("Pooled QCs over the run: This run does not make it") for line in lines)


def test_excluded_and_mismatched_cells_are_named(folder):
    lines = said(built(folder, "T6-cells"))
    assert "Of 300 barcodes, 250 cells are kept." in lines
    assert f"B is excluded: {HOSTILE}." in lines
    assert f"A of patient P1: {HOSTILE}." in lines
    assert any("1 fit their patient and 1 do not fit their patient" in line for line in lines)
