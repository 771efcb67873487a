"""The real tools, used in other ways than plainly, give what they plainly give."""

import gzip
import os
import threading
from pathlib import Path

import pytest

from gutaxis.errors import GutaxisError
from gutaxis.metagenome.humann import normalise_table, profile_functions
from gutaxis.metagenome.joint_index import build_joint_index
from gutaxis.metagenome.kneaddata import clean_reads
from gutaxis.metagenome.metaphlan import profile_taxa
from gutaxis.metagenome.programs import TAIL, environment_of, find_program, run_program
from gutaxis.provenance.environment import prepare_environment
from gutaxis.simulate.databases import humann_data_folder
from tests.workflow.conftest import ROOT

pytestmark = pytest.mark.tools
SAMPLE = "P02_PRE"


@pytest.fixture(autouse=True)
def tools_on_path(monkeypatch):
    monkeypatch.setenv("PATH", os.environ["PATH"])
    prepare_environment(base=ROOT)


@pytest.fixture
def databases(finished):
    return finished.folder / "simulated/databases"


@pytest.fixture
def results(finished):
    return finished.folder / "results/trial/metagenome"


def clean(finished, folder, *, chunk_pairs, reads=9000, **more):
    library = finished.folder / "simulated/reads"
    arguments = {
        "sample": SAMPLE,
        "mates_1": [str(library / f"{SAMPLE}_R1.fastq.gz")],
        "mates_2": [str(library / f"{SAMPLE}_R2.fastq.gz")],
        "host": finished.folder / "simulated/databases/host",
        "reads": reads,
        "adapters": "NexteraPE",
        "trf": True,
        "chunk_pairs": chunk_pairs,
        "min_pairs": 1,
        "control": False,
        "threads": 1,
        "output": folder / "reads.fastq.gz",
        "counts": folder / "counts.tsv",
    }
    clean_reads(**{**arguments, **more})
    records = gzip.decompress((folder / "reads.fastq.gz").read_bytes()).decode().split("@GSIM")[1:]
    return sorted(records), (folder / "counts.tsv").read_text()


class Disk:
    """Largest size of a folder while a block runs."""

    def __init__(self, folder):
        self.folder, self.peak, self.done = folder, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def watch(self):
        while not self.done.wait(0.01):
            size = 0
            for parent, _, files in os.walk(self.folder):
                for name in files:
                    try:
                        size += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118
                    except FileNotFoundError:
                        continue  # removed between listing and looking
            self.peak = max(self.peak, size)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()


def test_chunks_keep_the_same_reads_and_bound_the_disk(finished, tmp_path, record_property):
    raw = sum((finished.folder / f"simulated/reads/{SAMPLE}_R{mate}.fastq.gz").stat().st_size for mate in (1, 2))
    for name in ("whole", "chunks"):
        (tmp_path / name).mkdir()
    whole = clean(finished, tmp_path / "whole", chunk_pairs=10**9)
    with Disk(tmp_path / "chunks") as disk:
        chunked = clean(finished, tmp_path / "chunks", chunk_pairs=1000)
    assert chunked == whole
    record_property("peak_disk_over_input", disk.peak / raw)
    assert disk.peak <= 4 * raw, f"peak {disk.peak / raw:.2f} x the compressed input"


def test_host_reads_are_gone_and_others_are_not(finished, tmp_path):
    records, _ = clean(finished, tmp_path, chunk_pairs=10**9)
    assert len(records) > 10_000
    assert not [record for record in records if ":host" in record[:20]]


def test_users_own_adapter_file(finished, tmp_path):
    adapters = tmp_path / "my adapters.fa"
    adapters.write_text(">PrefixNX/1\nAGATGTGTATAAGAGACAG\n>PrefixNX/2\nAGATGTGTATAAGAGACAG\n")
    records, _ = clean(finished, tmp_path, chunk_pairs=10**9, adapters=str(adapters))
    assert records


def test_unknown_adapter_set_is_named(finished, tmp_path):
    with pytest.raises(GutaxisError, match=r"Adapter set Nonsense was not found.*metagenome\.reads\.adapters"):
        clean(finished, tmp_path, chunk_pairs=10**9, adapters="Nonsense")


def functions(finished, results, databases, folder, **more):
    folder.mkdir()
    arguments = {
        "sample": SAMPLE,
        "reads": results / f"reads/{SAMPLE}.fastq.gz",
        "profile": results / f"profiles/{SAMPLE}.tsv",
        "nucleotide": databases / "nucleotide",
        "protein": databases / "protein",
        "pathways": databases / "pathways",
        "joint_index": None,
        "threads": 1,
        "gene_families": folder / "families.tsv",
        "path_abundance": folder / "pathways.tsv",
        "summary": folder / "summary.tsv",
    }
    profile_functions(**{**arguments, **more})
    return (folder / "families.tsv").read_text(), (folder / "pathways.tsv").read_text()


def finished_functions(results):
    names = (f"functions/{SAMPLE}_genefamilies.tsv", f"functions/{SAMPLE}_pathabundance.tsv")
    return tuple((results / name).read_text() for name in names)


def test_reactions_of_absent_families_change_nothing(finished, results, databases, tmp_path):
    """The miniature reaction table holds only families of the miniature databases; HUMAnN's own gives the same."""
    assert functions(finished, results, databases, tmp_path / "own", pathways=None) == finished_functions(results)


def test_joint_index_gives_the_same_functions(finished, results, databases, tmp_path):
    """On the simulated trial, where no absent species shares sequence, the joint index equals the sample's own."""
    profiles = sorted((results / "profiles").glob("P*.tsv"))
    assert len(profiles) == 3
    build_joint_index(profiles=profiles, nucleotide=databases / "nucleotide", threads=1, output=tmp_path / "joint")
    joint = functions(finished, results, databases, tmp_path / "f", joint_index=tmp_path / "joint")
    assert joint == finished_functions(results)


def test_plain_humann_gives_the_same_tables(finished, results, databases, tmp_path):
    """What the wrapper keeps is what an untouched call of HUMAnN writes, up to the order and sign of zero rows."""
    (tmp_path / "reads.fastq").write_bytes(gzip.decompress((results / f"reads/{SAMPLE}.fastq.gz").read_bytes()))
    for name in ("nucleotide", "protein"):
        (tmp_path / name).mkdir()
        for path in (databases / name).iterdir():
            if not path.name.startswith("."):
                (tmp_path / name / path.name).symlink_to(path)
    command = ["humann", "--input", tmp_path / "reads.fastq", "--output", tmp_path / "out", "--output-basename", SAMPLE]
    command += ["--taxonomic-profile", results / f"profiles/{SAMPLE}.tsv", "--remove-temp-output"]
    command += ["--nucleotide-database", tmp_path / "nucleotide", "--protein-database", tmp_path / "protein"]
    run_program(command=command, what="plain HUMAnN")
    plain = [
        normalise_table(table=(tmp_path / "out" / f"{SAMPLE}_{kind}.tsv").read_text())
        for kind in ("genefamilies", "pathabundance")
    ]
    assert tuple(plain) == finished_functions(results)


def test_failed_program_is_told_with_the_end_of_its_output(tmp_path):
    command = ["bowtie2", "-x", tmp_path / "none", "-U", tmp_path / "none.fastq"]
    with pytest.raises(GutaxisError, match=r"Alignment of X failed \(.*bowtie2 ended with status(.|\n)*none") as caught:
        run_program(command=command, what="Alignment of X")
    assert len(str(caught.value).splitlines()) <= TAIL + 1


def test_missing_program_is_told():
    with pytest.raises(GutaxisError, match=r"no_such_program is not on PATH\. Run `make setup`"):
        find_program(name="no_such_program")


def test_tools_do_not_see_the_projects_modules(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "scripts")
    assert "PYTHONPATH" not in environment_of(program=find_program(name="multiqc"))


@pytest.mark.realdata
def test_humann_demo_reads_go_through_with_their_two_species(public_data, databases, tmp_path):
    """HUMAnN's own demo reads are of B. dorei and B. vulgatus, single-end, every quality Phred 89."""
    source = str(public_data / "metagenome_reads/humann_demo/demo.fastq.gz")
    arguments = {"sample": "DEMO", "mates_1": [source], "mates_2": [], "host": databases / "host", "reads": 21_000}
    arguments |= {"adapters": "NexteraPE", "trf": True, "chunk_pairs": 10**9, "min_pairs": 1, "control": False}
    reads = tmp_path / "reads.fastq.gz"
    clean_reads(**arguments, threads=1, output=reads, counts=tmp_path / "counts.tsv")
    index = "mpa_vJun23_CHOCOPhlAnSGB_202403"
    profile = tmp_path / "profile.tsv"
    profile_taxa(
        sample="DEMO",
        reads=reads,
        database=databases / "metaphlan",
        index=index,
        threads=1,
        output=profile,
        summary=tmp_path / "taxa.tsv",
    )
    # the miniature markers are random sequence: nothing real may be found in them
    assert profile.read_text().splitlines()[5].startswith("UNCLASSIFIED\t-1\t100.0")
    rows = [
        f"k__Bacteria|p__Bacteroidota|c__Bacteroidia|o__Bacteroidales|f__Bacteroidaceae|g__{g}|s__{s}\t1|2|3|4|5|6|7\t50\t"
        for g, s in (("Bacteroides", "Bacteroides_dorei"), ("Bacteroides", "Bacteroides_vulgatus"))
    ]
    profile.write_text(
        f"#{index}\n#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species\n" + "\n".join(rows) + "\n"
    )
    data = humann_data_folder()
    families, pathways = tmp_path / "families.tsv", tmp_path / "pathways.tsv"
    profile_functions(
        sample="DEMO",
        reads=reads,
        profile=profile,
        nucleotide=data / "chocophlan_DEMO",
        protein=data / "uniref_DEMO",
        pathways=None,
        joint_index=None,
        threads=1,
        gene_families=families,
        path_abundance=pathways,
        summary=tmp_path / "functions.tsv",
    )
    text = families.read_text()
    assert "s__Bacteroides_dorei" in text
    assert "s__Bacteroides_vulgatus" in text
    assert "stercoris" not in text
    assert pathways.read_text().startswith("# Pathway\tDEMO_Abundance\n")


@pytest.mark.realdata
def test_stub_reads_of_two_species_go_through_as_two_lanes(public_data, databases, tmp_path):
    """Both stub samples name their reads 0..999: as lanes of one sample every read must stay."""
    folder = public_data / "metagenome_reads/stub"
    mates = [[str(folder / f"{name}_R{mate}.fastq.gz") for name in ("Mycoplasma", "Streptococcus")] for mate in (1, 2)]
    reads = tmp_path / "reads.fastq.gz"
    clean_reads(
        sample="STUB",
        mates_1=mates[0],
        mates_2=mates[1],
        host=databases / "host",
        reads=2000,
        adapters="NexteraPE",
        trf=False,
        chunk_pairs=10**9,
        min_pairs=1,
        control=False,
        threads=1,
        output=reads,
        counts=tmp_path / "counts.tsv",
    )
    counts = dict(zip(*[line.split("\t") for line in (tmp_path / "counts.tsv").read_text().splitlines()], strict=True))
    assert counts["raw"] == "4000"
    assert counts["host"] == "0"
    names = gzip.decompress(reads.read_bytes()).decode().splitlines()[::4]
    assert len(names) == len(set(names)) == int(counts["final"]) + int(counts["final_orphans"])
    assert len(names) > 3600
    profile_taxa(
        sample="STUB",
        reads=reads,
        database=databases / "metaphlan",
        index="mpa_vJun23_CHOCOPhlAnSGB_202403",
        threads=1,
        output=Path(tmp_path / "profile.tsv"),
        summary=tmp_path / "summary.tsv",
    )
    assert "\t100.0\t" in (tmp_path / "profile.tsv").read_text()
