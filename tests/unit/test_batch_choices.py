"""The record of what was learned from which batches."""

from pathlib import Path

import pandas as pd
import pytest

from gutaxis.cohort import load_cohort, load_config
from gutaxis.layers.plan import LayerPlan
from gutaxis.provenance.batch_choices import COLUMNS, batch_choices, write_batch_choices
from gutaxis.provenance.batch_samples import learned_from

pytestmark = pytest.mark.unit
SCHEMA = Path(__file__).parents[2] / "config" / "schemas" / "config.schema.json"
REFIT = {"reference": None, "normalisation": "refit", "embedding": "refit", "models": "refit"}
FROZEN = {"reference": ["B2", "B1"], "normalisation": "frozen", "embedding": "frozen", "models": "frozen"}
PLASMA = {"a": "B1", "b": "B2", "c": "B3", "d": "B3"}
SAMPLES = {
    "normalisation": {"metabolites": PLASMA},
    "embedding": {"blood": {"e": "B1", "f": "B3"}, "tumor": {"g": "B2"}},
    "models": {"response and PFS2": PLASMA},
    "analyses": {"all layers": PLASMA | {"e": "B1", "f": "B3", "g": "B2"}},
}


def responses(*words):
    return pd.DataFrame({"patient_id": list("PQRS"), "batch": ["B1", "B2", "B3", "B3"], "response": words})


def made(choices=FROZEN, *, controls=None, known=None):
    controls = {"B1": 5, "B2": 5, "B3": 5} if controls is None else controls
    return batch_choices(choices=choices, samples=SAMPLES, controls=controls, responses=known).set_index(["part", "of"])


def test_refit_learns_from_all_and_places_nobody():
    table = made(REFIT)
    assert table.loc[("normalisation", "metabolites"), ["choice", "reference", "n_learned", "n_placed"]].tolist() == [
        "refit", "B1;B2;B3", 4, 0
    ]  # fmt: skip
    assert table["frozen"].isna().all()
    assert "may change" in table.at[("embedding", "blood"), "told"]


def test_frozen_says_what_and_from_whom():
    table = made(known=responses("R", "NR", "R", "R"))
    row = table.loc[("normalisation", "metabolites")]
    assert row[["choice", "reference", "n_learned", "n_placed", "placed_batches"]].tolist() == [
        "frozen", "B1;B2", 2, 2, "B3"
    ]  # fmt: skip
    assert "feature list" in row["frozen"]
    assert "own pooled QCs" in row["told"]
    assert table.loc[("embedding", "blood"), ["n_learned", "n_placed"]].tolist() == [1, 1]
    assert "no later batch yet" in table.at[("embedding", "tumor"), "told"]
    assert "1 R, 1 NR" in table.at[("models", "response and PFS2"), "told"]
    assert "no model" not in table.at[("models", "response and PFS2"), "told"]


def test_what_a_reference_lacks_is_told():
    table = made(controls={"B1": 5}, known=responses("NR", "NR", "R", "R"))
    assert "no pooled QC in B2, B3" in table.at[("normalisation", "metabolites"), "told"]
    told = table.at[("models", "response and PFS2"), "told"]
    assert "0 R, 2 NR" in told
    assert "the reference holds no R" in told


def test_analyses_use_all_samples_whatever_is_frozen():
    row = made().loc[("analyses", "all layers")]
    assert row[["choice", "n_learned", "n_placed"]].tolist() == ["all samples", 7, 0]
    assert "always use all samples" in row["told"]


def test_a_part_without_data_says_so():
    table = batch_choices(choices=FROZEN, samples=SAMPLES | {"embedding": {}}, controls={}, responses=None)
    row = table[table["part"] == "embedding"].iloc[0]
    assert row["told"] == "the run has no data for this part"
    assert pd.isna(row["n_learned"])


def test_the_file_is_the_same_bytes_twice(tmp_path):
    known = tmp_path / "sample_response.tsv"
    responses("R", "NR", "R", None).to_csv(known, sep="\t", index=False)
    for name in ("one", "two"):
        write_batch_choices(
            choices=FROZEN, samples=SAMPLES, controls={"B1": 5}, responses=[known], output=tmp_path / name
        )
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert list(pd.read_csv(tmp_path / "one", sep="\t", comment="#").columns) == COLUMNS


def test_samples_are_counted_by_what_the_run_has(tmp_path):
    rows = ["sample_id\tpatient_id\tassay\tmaterial\ttimepoint\tbatch\tqc\tcontrol\tfile_1"]
    rows += ["M1\tP1\tMETAB\tPLASMA\tPRE\tB1\tPASS\tN\t", "M2\tP2\tMETAB\tPLASMA\tPRE\tB2\tFAIL\tN\t"]
    rows += ["C1\tP1\tSCRNA\tPBMC\tPRE\tB3\tPASS\tN\tx.h5", "Q1\t\tMETAB\tPLASMA\t\tB1\tPASS\tPOOL_QC\t"]
    (tmp_path / "s.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "p.tsv").write_text("patient_id\tresponse\nP1\tR\nP2\tNR\n")
    (tmp_path / "x.h5").touch()
    given = {
        "cohort": {"patients": "p.tsv", "samples": "s.tsv"}, "response": {"source": "given"},
        "contrasts": {"baseline": {"role": "primary"}},
    }  # fmt: skip
    cohort = load_cohort(config=load_config(config=given, schema_path=SCHEMA), root=tmp_path)
    layer = LayerPlan("metabolites", "metabolome", "metabolome", [], assay="METAB")
    assert learned_from(cohort=cohort, layers={"metabolites": layer}, predicting=["metabolites"]) == {
        "normalisation": {"metabolites": {"M1": "B1"}},
        "embedding": {"blood": {"C1": "B3"}},
        "models": {"response and PFS2": {"M1": "B1"}},
        "analyses": {"all layers": {"C1": "B3", "M1": "B1"}},
    }
    assert learned_from(cohort=cohort, layers={}, predicting=[])["models"] == {}
