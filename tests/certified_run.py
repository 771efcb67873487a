"""A finished run of a few small files, for the tests of what certifies it."""

import json
from pathlib import Path

from gutaxis.provenance.manifest import write_manifest

TOLERANCES = Path(__file__).parents[1] / "resources" / "tolerances.tsv"
PARTS = ["clinical", "diversity", "layers", "layers.h5mu", "logs", "benchmarks", "provenance", "report"]
SHEETS = {"patients": ["sheets/p.tsv"], "samples": ["sheets/s1.tsv", "sheets/s2.tsv"]}


def finished_run(tmp_path):
    """Write a finished run of a few files, beside a workflow of a few files, into the working directory."""
    write(tmp_path, "results/clinical/best_response.tsv", "patient_id\tbor\nP1\tCR\n")
    write(tmp_path, "results/diversity/taxa/alpha_tests.tsv", "feature\tp\nshannon\t0.02\n")
    write(tmp_path, "results/layers/taxa.h5ad", "matrix")
    write(tmp_path, "results/layers.h5mu", "matrices")
    write(tmp_path, "results/provenance/methods.md", "words")
    write(tmp_path, "results/provenance/manifest.json", "old")
    write(tmp_path, "results/provenance/crate.zip", "old")
    write(tmp_path, "results/logs/layer/taxa.log", "10:31")
    write(tmp_path, "results/benchmarks/layer/taxa.tsv", "s\n1.2\n")
    write(tmp_path, "results/diversity/.snakemake_timestamp", "")
    write(tmp_path, "results/notes/mine.txt", "not made by a rule")
    write(
        tmp_path, "results/provenance/versions.tsv", "program\tversion\tpinned\tenvironment\nbowtie2\t2.5.0\t2.5.0\tx\n"
    )
    for name in ("sheets/p.tsv", "sheets/s1.tsv", "sheets/s2.tsv", "data/reads.fastq.gz", "bases/host/x.bt2"):
        write(tmp_path, name, name)
    write(tmp_path, "code/Snakefile", "rules")
    write(tmp_path, "code/rules/a.smk", "rule a")
    write(tmp_path, "code/scripts/a.py", "print(1)")
    write(tmp_path, "code/scripts/__pycache__/a.pyc", "compiled")
    write(tmp_path, "code/resources/tools.tsv", "tools")
    write(tmp_path, "code/resources/databases/host/files/x", "fetched")
    write(tmp_path, "code/pyproject.toml", '[project]\nversion = "0.9.0"\n')
    write(tmp_path, "code/envs/workflow.requirements.txt", "numpy==1")
    return tmp_path


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def settings(folder):
    """Return the config of the run."""
    return {
        "output": "results",
        "seed": 7,
        "cohort": {"patients": "sheets/p.tsv", "samples": ["sheets/s1.tsv", "sheets/s2.tsv"]},
        "metagenome": {"databases": {"host": str(folder / "bases/host"), "protein": "/big/disk/uniref"}},
        "report": {"title": "A study"},
        "certify": {"inputs": "checksum", "reference": None, "sheets": True, "licence": "Ask us", "crate_mb": 1},
    }


def make(folder, **changes):
    """Write the manifest of the run and return it; the folder is the working directory."""
    arguments = {
        "output": Path("results"),
        "parts": PARTS,
        "base": Path("code"),
        "config": settings(folder),
        "sheets": SHEETS,
        "data": ["data/reads.fastq.gz", "data/put_away.fastq.gz"],
        "databases": {"host": str(folder / "bases/host")},
        "tolerances": TOLERANCES,
    }
    write_manifest(**{**arguments, **changes})
    return json.loads((folder / "results/provenance/manifest.json").read_text())
