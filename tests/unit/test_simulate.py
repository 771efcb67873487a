"""Simulator: one seed, one truth, the same bytes; the committed demo is what the command writes."""

import json
from pathlib import Path

import numpy as np
import pytest

from gutaxis.simulate.__main__ import write_trial
from gutaxis.simulate.catalogue import PATHWAYS, SPECIES
from gutaxis.simulate.composition import FLOOR
from gutaxis.simulate.genomes import CODONS, reverse_translate
from gutaxis.simulate.reads import draw_counts, simulate_reads
from gutaxis.simulate.trial import plan_trial

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]
DEMO = {"patients": 12, "seed": 20240611, "pairs": 16_000}


def test_the_committed_demo_is_what_the_command_writes(tmp_path):
    out = tmp_path / "config" / "demo"
    write_trial(out=out, data=tmp_path / "resources" / "simulated", output="results/demo", **DEMO)
    written = {path.name: path.read_bytes() for path in out.iterdir() if path.name != "config.yaml"}
    committed = {path.name: path.read_bytes() for path in (ROOT / "config" / "demo").iterdir()}
    assert written == committed, "run `make sheets` and commit the result"


@pytest.fixture(scope="module")
def trial():
    return plan_trial(n=DEMO["patients"], seed=DEMO["seed"], pairs=DEMO["pairs"])


def test_design_of_the_demo(trial):
    patients, samples = trial["patients"].values(), trial["samples"].values()
    assert trial["simulated"] is True
    assert [p["response"] for p in patients].count("R") == 6
    for cohort in ("LUNG", "ESOPHAGEAL", "OTHER"):
        assert [p["response"] for p in patients if p["cohort"] == cohort].count("R") == 2
        assert len([p for p in patients if p["cohort"] == cohort]) == 4
    assert len([s for s in samples if s["control"] == "N"]) == 23
    assert {s["batch"] for s in samples} == {"B1", "B2"}
    assert sorted(s["control"] for s in samples if s["control"] != "N") == ["BLANK", "MOCK"]


def test_compositions(trial):
    for sample in trial["samples"].values():
        shares = sample["composition"]
        assert sum(shares.values()) == pytest.approx(1, abs=1e-4)
        if sample["control"] == "N":
            # the floor holds up to the closure after it
            assert min(shares.values()) > 0.8 * FLOOR
        assert sample["pathways"] == sorted(p for p in PATHWAYS if set(PATHWAYS[p]) & set(shares))


def test_a_patient_keeps_its_samples_when_patients_are_added():
    few, many = (plan_trial(n=n, seed=3, pairs=1000)["samples"]["P01_PRE"] for n in (4, 8))
    assert few == many


def test_other_seed_other_trial(trial):
    other = plan_trial(n=12, seed=1, pairs=16_000)
    assert other["samples"]["P01_PRE"]["composition"] != trial["samples"]["P01_PRE"]["composition"]


def test_one_patient_is_refused():
    with pytest.raises(ValueError, match="at least 2 patients, got 1"):
        plan_trial(n=1, seed=1, pairs=10)


def test_counts_follow_copies_times_length():
    planted = {"composition": {"A": 0.5, "B": 0.5}, "host_fraction": 0.1, "unknown_fraction": 0.0}
    counts = draw_counts(planted=planted, lengths={"A": 1000, "B": 3000}, pairs=1000)
    assert counts == {"A": 225, "B": 675, "host": 100, "unknown": 0}


def test_reverse_translation_codes_the_same_protein():
    back = {codon: residue for residue, codons in CODONS.items() for codon in codons}
    sequence = reverse_translate(rng=np.random.default_rng(1), protein="MKVLAW")
    assert "".join(back[sequence[i : i + 3]] for i in range(0, len(sequence), 3)) == "MKVLAW*"


def test_genetic_code():
    assert sorted(len(codons) for codons in CODONS.values()) == sorted([6] * 3 + [4] * 5 + [3] * 2 + [2] * 9 + [1] * 2)


@pytest.fixture
def genomes(tmp_path):
    folder = tmp_path / "genomes"
    folder.mkdir()
    rng = np.random.default_rng(5)
    for name in [species.name for species in SPECIES] + ["host"]:
        (folder / f"{name}.fna").write_text(f">{name}\n{''.join(rng.choice(list('ACGT'), 5000))}\n")
    return folder


def test_reads_same_truth_same_bytes(tmp_path, genomes):
    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps(plan_trial(n=4, seed=9, pairs=300)))
    made = []
    for turn in ("a", "b"):
        files = [tmp_path / f"{turn}{mate}.fastq.gz" for mate in (1, 2)]
        simulate_reads(truth=truth, library="P02_PRE", genomes=genomes, mates_1=files[0], mates_2=files[1])
        made.append([path.read_bytes() for path in files])
    assert made[0] == made[1]


def test_reads_are_of_their_genomes_with_few_errors(tmp_path, genomes):
    import gzip

    truth = tmp_path / "truth.json"
    truth.write_text(json.dumps(plan_trial(n=4, seed=9, pairs=300)))
    one, two = tmp_path / "1.fastq.gz", tmp_path / "2.fastq.gz"
    simulate_reads(truth=truth, library="P02_PRE", genomes=genomes, mates_1=one, mates_2=two)
    complement = str.maketrans("ACGT", "TGCA")
    exact = total = 0
    for path in (one, two):
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        for header, bases in zip(lines[::4], lines[1::4], strict=True):
            origin = header.split(":")[2].split("/")[0]
            if origin == "unknown":
                continue
            sequence = (genomes / f"{origin}.fna").read_text().splitlines()[1] * 2
            probe = bases[:50]
            total += 1
            exact += probe in sequence or probe.translate(complement)[::-1] in sequence
    # 50 bases at about Q37: 1 % of probes hold an error
    assert total > 400
    assert exact / total > 0.95
