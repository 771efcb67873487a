"""Miniature databases in the real formats of KneadData, MetaPhlAn 4 and HUMAnN 3, written from a simulated gut.

They are simulated: the folder they stand in holds ``SIMULATED.txt``, because the MetaPhlAn index has to borrow the
name of a real one.
"""

import bz2
import gzip
import pickle
import shutil
import subprocess
from pathlib import Path

from gutaxis.files import atomic_write
from gutaxis.simulate.catalogue import INDEX, SPECIES
from gutaxis.simulate.genomes import Gut, simulate_gut

#: Seed of the sequence world; the trial's own seed only decides who carries what.
SEQUENCE_SEED = 7
NOTICE = (
    "Simulated databases of GutAxis: random sequence under real labels. For tests and the demo, never for a study.\n"
)


def humann_data_folder() -> Path:
    """Find the data folder of the HUMAnN on PATH, whatever environment it is installed in."""
    program = shutil.which("humann")
    if program is None:
        raise FileNotFoundError("humann is not on PATH: run `make setup` or use --sdm conda")
    interpreter = Path(program).resolve().read_text().splitlines()[0].removeprefix("#!").strip()
    command = [interpreter, "-c", "import humann, os; print(os.path.join(os.path.dirname(humann.__file__), 'data'))"]
    return Path(subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout.strip())


def _run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)


def write_host(*, gut: Gut, folder: Path, threads: int) -> None:
    """Write the host decoy and its bowtie2 index."""
    folder.mkdir(parents=True)
    fasta = folder.parent / "host_decoy.fna"
    fasta.write_text(f">host_decoy_chr1\n{gut.host}\n")
    _run("bowtie2-build", "--quiet", "--threads", str(threads), fasta, folder / "host_decoy")
    fasta.unlink()


def write_metaphlan(*, gut: Gut, folder: Path, threads: int) -> None:
    """Write a MetaPhlAn 4 database: marker FASTA, taxonomy pickle, tree and a large bowtie2 index.

    MetaPhlAn counts ``*.bt2l`` files, so ``--large-index`` is needed although the database is small.
    """
    folder.mkdir(parents=True)
    base = folder / INDEX
    taxonomy, markers, sequences = {}, {}, []
    for species in SPECIES:
        genome = gut.genomes[species.name]
        clade = f"{species.lineage}|s__{species.name}|t__{species.sgb}"
        # seven taxonomy ids and a trailing bar: MetaPhlAn splits this into eight fields
        taxonomy[clade] = (f"{species.taxids}|", len(genome.sequence))
        for name, sequence in genome.markers:
            markers[name] = {
                "clade": f"t__{species.sgb}",
                "ext": [],
                "len": len(sequence),
                "score": 0.0,
                "taxon": clade,
            }
            sequences.append(f">{name}\n{sequence}\n")
    with bz2.open(base.with_suffix(".pkl"), "wb") as handle:
        pickle.dump({"taxonomy": taxonomy, "markers": markers, "merged_taxon": {}}, handle, protocol=2)
    base.with_suffix(".fna").write_text("".join(sequences))
    tips = ",".join(f"{species.sgb.removeprefix('SGB')}:0.2" for species in SPECIES)
    base.with_suffix(".nwk").write_text(f"({tips});\n")
    (folder / "mpa_latest").write_text(f"{INDEX}\n")
    _run("bowtie2-build", "--quiet", "--large-index", "--threads", str(threads), base.with_suffix(".fna"), base)


def write_nucleotide(*, gut: Gut, folder: Path) -> None:
    """Write ChocoPhlAn pangenomes, one gzipped FASTA per species that has one."""
    folder.mkdir(parents=True)
    for species in SPECIES:
        if species.pangenome is None:
            continue
        taxid = species.taxids.split("|")[-1]
        lineage = f"{species.lineage.replace('|', '.')}.s__{species.name}"
        records = []
        for number, (family, sequence) in enumerate(gut.genomes[species.name].genes):
            accession = family.removeprefix("UniRef90_")
            header = f"{taxid}__{accession}__MINI_{number:04d}|{lineage}|{family}|UniRef50_{accession}|{len(sequence)}"
            records.append(f">{header}\n{sequence}\n")
        target = folder / f"{species.pangenome}.centroids.v201901_v31.ffn.gz"
        # a fixed time stamp and no file name: same seed, same bytes
        with open(target, "wb") as raw, gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as handle:
            handle.write("".join(records).encode())


def write_protein(*, gut: Gut, folder: Path, threads: int) -> None:
    """Write the UniRef90 protein database for translated search."""
    folder.mkdir(parents=True)
    fasta = folder.parent / "uniref90_mini.faa"
    fasta.write_text("".join(f">{name}|{3 * len(seq)}\n{seq}\n" for name, seq in sorted(gut.proteins.items())))
    target = folder / "uniref90_mini_v201901b"
    _run("diamond", "makedb", "--in", fasta, "--db", target, "--threads", str(threads), "--quiet")
    fasta.unlink()


def write_pathways(*, gut: Gut, humann_data: Path, folder: Path) -> None:
    """Write HUMAnN's reaction and pathway tables, the reactions limited to families that these databases hold.

    Reading the full reaction table is most of HUMAnN's run time on a small sample; families that no database holds
    can never be found, so leaving them out changes no result (``tests/workflow/test_functions.py`` compares both).
    """
    folder.mkdir(parents=True)
    held = set(gut.proteins)
    kept = []
    with bz2.open(humann_data / "pathways" / "metacyc_reactions_level4ec_only.uniref.bz2", "rt") as handle:
        for line in handle:
            reaction, number, *families = line.rstrip("\n").split("\t")
            present = [family for family in families if family in held]
            if present:
                kept.append("\t".join([reaction, number, *present]))
    (folder / "reactions.tsv").write_text("\n".join(kept) + "\n")
    shutil.copyfile(
        humann_data / "pathways" / "metacyc_pathways_structured_filtered_v24_subreactions", folder / "pathways.tsv"
    )


def write_genomes(*, gut: Gut, folder: Path) -> None:
    """Write the genomes and the host decoy as FASTA: the source of the simulated reads."""
    folder.mkdir(parents=True)
    for name, genome in gut.genomes.items():
        (folder / f"{name}.fna").write_text(f">{name}\n{genome.sequence}\n")
    (folder / "host.fna").write_text(f">host_decoy_chr1\n{gut.host}\n")
    (folder / "SIMULATED.txt").write_text(NOTICE)


def simulate_databases(
    *, genomes: Path, host: Path, metaphlan: Path, nucleotide: Path, protein: Path, pathways: Path, threads: int
) -> None:
    """Write the genomes and every miniature database, each in a folder of its own.

    Parameters
    ----------
    genomes, host, metaphlan, nucleotide, protein, pathways
        Folders to make.
    threads
        Threads of the index builders.
    """
    data = humann_data_folder()
    gut = simulate_gut(humann_data=data, seed=SEQUENCE_SEED)
    with atomic_write(genomes) as part:
        write_genomes(gut=gut, folder=part)
    with atomic_write(host) as part:
        write_host(gut=gut, folder=part, threads=threads)
    with atomic_write(metaphlan) as part:
        write_metaphlan(gut=gut, folder=part, threads=threads)
    with atomic_write(nucleotide) as part:
        write_nucleotide(gut=gut, folder=part)
    with atomic_write(protein) as part:
        write_protein(gut=gut, folder=part, threads=threads)
    with atomic_write(pathways) as part:
        write_pathways(gut=gut, humann_data=data, folder=part)
