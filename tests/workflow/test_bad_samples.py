"""One bad sample: named, nothing of it trusted, the others unharmed."""

import gzip

import pytest


@pytest.fixture
def with_bad_samples(finished, project):
    """Real databases of the small trial, four samples: sound, truncated, swapped mates, nothing left after cleaning."""
    data = finished.folder / "simulated"
    (project.folder / "simulated").symlink_to(data)
    one, two = (gzip.decompress((data / f"reads/P02_PRE_R{mate}.fastq.gz").read_bytes()) for mate in (1, 2))
    lines = 4 * 1500
    first, second = (b"\n".join(text.split(b"\n")[:lines]) + b"\n" for text in (one, two))
    folder = project.folder / "my reads"
    folder.mkdir()

    def save(name, mate, text):
        (folder / f"{name}_R{mate}.fastq.gz").write_bytes(text)

    for name in ("GOOD", "CUT", "SWAPPED", "POOR"):
        pair = (second, first) if name == "SWAPPED" else (first, second)
        for mate, text in enumerate(pair, start=1):
            if name == "POOR":  # every base of quality 2
                rows = text.split(b"\n")
                rows[3::4] = [b"#" * len(row) for row in rows[3::4]]
                text = b"\n".join(rows)  # noqa: PLW2901
            save(name, mate, gzip.compress(text, mtime=0))
    cut = (folder / "CUT_R2.fastq.gz").read_bytes()
    (folder / "CUT_R2.fastq.gz").write_bytes(cut[: len(cut) // 2])
    rows = [
        f"{name}\tP{number}\tMGX\tSTOOL\tPRE\tmy reads/{name}_R1.fastq.gz\tmy reads/{name}_R2.fastq.gz"
        for number, name in enumerate(("GOOD", "CUT", "SWAPPED", "POOR"), start=1)
    ]
    header = "sample_id\tpatient_id\tassay\tmaterial\ttimepoint\tfile_1\tfile_2"
    project.write("s.tsv", "\n".join([header, *rows]) + "\n")
    project.write("p.tsv", "patient_id\tresponse\nP1\tR\nP2\tNR\nP3\tR\nP4\tNR\n")
    databases = {name: f"simulated/databases/{name}" for name in ("host", "metaphlan", "nucleotide", "protein")}
    project.write(
        "bad.yaml",
        {
            "output": "results/bad",
            "cohort": {"patients": "p.tsv", "samples": "s.tsv"},
            "response": {"source": "given"},
            "contrasts": {"baseline": {"role": "primary"}},
            "covariates": [],
            "metagenome": {"databases": databases, "functions": False},
        },
    )
    return project


def test_one_bad_sample_does_not_take_the_others_down(with_bad_samples):
    project = with_bad_samples
    done = project.run("--configfile", "bad.yaml", check=False)
    out = project.folder / "results/bad"
    assert done.returncode == 1
    # each fault is named with its file, and how to go on
    assert "my reads/CUT_R2.fastq.gz" in done.text
    assert "truncated or damaged" in done.text
    assert "the mates are swapped" in done.text
    assert "sample POOR: 0 of 1500 pairs are left after quality control" in done.text
    assert "set its qc to FAIL" in done.text
    # the sound sample went through to the end of its own jobs
    assert (out / "metagenome/profiles/GOOD.tsv").exists()
    assert (out / "metagenome/qc/fastqc/GOOD").is_dir()
    # nothing of the bad ones is there to be trusted
    made = {path.name for path in out.rglob("*") if "logs" not in path.parts and "benchmarks" not in path.parts}
    for name in ("CUT", "SWAPPED"):
        assert not {part for part in made if part.startswith(name)}, made
    assert "POOR.tsv" in {path.name for path in (out / "metagenome/qc/check_reads").iterdir()}
    assert not (out / "metagenome/reads/POOR.fastq.gz").exists()
    assert not (out / "metagenome/profiles/POOR.tsv").exists()
    assert not [path for path in out.rglob(".*") if path.name != ".snakemake_timestamp"]

    # the way out that the message names
    sheet = project.folder / "s.tsv"
    header, *rows = sheet.read_text().splitlines()
    qc = ["PASS" if row.startswith("GOOD") else "FAIL" for row in rows]
    sheet.write_text(
        "\n".join([f"{header}\tqc", *(f"{row}\t{cell}" for row, cell in zip(rows, qc, strict=True))]) + "\n"
    )
    project.run("--configfile", "bad.yaml")
    assert (out / "layers/taxa.h5ad").exists()
    dropped = (out / "layers/taxa.dropped.tsv").read_text()
    for name in ("CUT", "SWAPPED", "POOR"):
        assert name in dropped
