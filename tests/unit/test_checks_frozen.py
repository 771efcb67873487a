"""Frozen or refit: what the config may ask of the sheets, told before anything runs."""

from pathlib import Path

import pytest

from gutaxis.cohort import load_cohort, load_config
from gutaxis.cohort.checks_frozen import check_frozen, reference_batches
from gutaxis.errors import GutaxisError

pytestmark = pytest.mark.unit
SCHEMA = Path(__file__).parents[2] / "config" / "schemas" / "config.schema.json"
PATIENTS = ["patient_id\tresponse", "P1\tR", "P2\tNR"]
SAMPLES = ["sample_id\tpatient_id\tassay\tmaterial\ttimepoint\tbatch\tqc\tcontrol\tfile_1\trun_order"]
ROWS = {
    "plasma": ["{b}_{p}_M\t{p}\tMETAB\tPLASMA\tPRE\t{b}\tPASS\tN\t\t"],
    "blood": ["{b}_{p}_C\t{p}\tSCRNA\tPBMC\tPRE\t{b}\tPASS\tN\tx.h5\t"],
    "stool": ["{b}_{p}_S\t{p}\tMGX\tSTOOL\tPRE\t{b}\tPASS\tN\t\t"],
}


def check(folder, *, sheet=(("plasma", "B1"), ("plasma", "B2"), ("blood", "B2"), ("stool", "B1")), **section):
    rows = [line.format(b=batch, p=f"P{1 + at % 2}") for at, (kind, batch) in enumerate(sheet) for line in ROWS[kind]]
    (folder / "p.tsv").write_text("\n".join(PATIENTS) + "\n")
    (folder / "s.tsv").write_text("\n".join([*SAMPLES, *rows]) + "\n")
    (folder / "x.h5").touch()
    config = load_config(
        config={
            "cohort": {"patients": "p.tsv", "samples": "s.tsv"}, "response": {"source": "given"}, "batches": section,
            "contrasts": {"baseline": {"role": "primary"}},
        },
        schema_path=SCHEMA,
    )  # fmt: skip
    check_frozen(config=config, cohort=load_cohort(config=config, root=folder))
    return config


def refused(folder, **section):
    with pytest.raises(GutaxisError) as caught:
        check(folder, **section)
    return [str(problem) for problem in caught.value.problems]


def test_without_a_section_all_batches_teach(tmp_path):
    config = check(tmp_path)
    assert {part: reference_batches(config=config, part=part) for part in ("normalisation", "embedding", "models")} == {
        "normalisation": None, "embedding": None, "models": None
    }  # fmt: skip


def test_each_part_chooses_by_itself(tmp_path):
    config = check(tmp_path, reference=["B2", "B1"], normalisation="frozen")
    assert reference_batches(config=config, part="normalisation") == ["B1", "B2"]
    assert reference_batches(config=config, part="embedding") is None


def test_frozen_needs_a_reference(tmp_path):
    told = refused(tmp_path, normalisation="frozen", models="frozen")
    assert [line[:3] for line in told] == ["C40", "C40"]
    assert "column=batches.models value=frozen" in told[0]
    assert "Batches of the sample sheets: B1, B2" in told[0]
    assert "`reference: [B1]`, or set `models: refit`" in told[0]


def test_an_unknown_batch_lists_the_known(tmp_path):
    (told,) = refused(tmp_path, reference=["B1", "BX2"], normalisation="frozen")
    assert told.startswith("C41 config column=batches.reference value=BX2: No sample sheet has this batch.")
    assert "Batches are B1, B2. Did you mean `B2`" in told


def test_an_unknown_newest_batch_is_told_with_and_without_a_reference(tmp_path):
    (told,) = refused(tmp_path, newest=["B2", "b2"])
    assert told.startswith("C41 config column=batches.newest value=b2: No sample sheet has this batch.")
    assert "Batches are B1, B2." in told
    both = refused(tmp_path, newest=["B9"], reference=["B8"], models="frozen")
    assert [line.partition(":")[0] for line in both] == [
        "C41 config column=batches.newest value=B9", "C41 config column=batches.reference value=B8"
    ]  # fmt: skip
    check(tmp_path, newest=["B2"])
    assert refused(tmp_path, newest=[])[0].startswith("C03")


def test_a_reference_that_nothing_uses_is_refused(tmp_path):
    (told,) = refused(tmp_path, reference=["B1"])
    assert told.startswith("C43 ")
    assert "Set a part to `frozen`, or write `reference: null`" in told


def test_a_reference_without_cells_or_plasma_is_told(tmp_path):
    (told,) = refused(tmp_path, reference=["B1"], embedding="frozen")
    assert told.startswith("C42 config column=batches.embedding")
    assert "no patient's sample of single cells of blood" in told
    assert "Batches that do: B2" in told
    sheet = (("stool", "B1"), ("plasma", "B2"))
    (told,) = refused(tmp_path, reference=["B1"], normalisation="frozen", sheet=sheet)
    assert "plasma metabolome" in told
    check(tmp_path, reference=["B1"], normalisation="frozen", sheet=(("stool", "B1"), ("stool", "B2")))


def test_words_that_are_no_choice_are_refused_by_the_schema(tmp_path):
    (told,) = refused(tmp_path, reference=["B1"], normalisation="frosen")
    assert told.startswith("C03 config column=batches.normalisation value=frosen")
    assert "Did you mean `frozen`" in told
    assert refused(tmp_path, reference=[], models="frozen")[0].startswith("C03")
