"""HUMAnN of one sample: gene families and pathways from cleaned reads and the sample's MetaPhlAn profile."""

import re
from pathlib import Path

import pandas as pd

from gutaxis.files import atomic_write, write_tsv
from gutaxis.metagenome.programs import linked, linked_files, run_program, scratch_folder

UNALIGNED = re.compile(r"Unaligned reads after (nucleotide|translated) alignment: ([\d.]+) %")


def normalise_table(*, table: str) -> str:
    """Return a HUMAnN table that depends on its content only.

    HUMAnN writes rows whose value is 0 in changing order and sign: ``-0`` becomes 0, strata that are 0 are dropped,
    rows are sorted. Rows of the whole community stay even if they are 0.
    """
    header, *rows = table.rstrip("\n").split("\n")
    kept = []
    for row in rows:
        feature, _, value = row.rpartition("\t")
        number = float(value) + 0.0  # -0.0 + 0.0 is 0.0
        if number == 0 and "|" in feature:
            continue
        # eight digits: the order of additions inside HUMAnN may change the last ones
        kept.append(f"{feature}\t{number:.8g}")
    return "\n".join([header, *sorted(kept)]) + "\n"


def summarise_log(*, sample: str, log: str, families: str, pathways: str) -> dict[str, object]:
    """Return the yields of a HUMAnN run: unaligned percent after each search, numbers of families and pathways."""
    unaligned = {kind: float(percent) for kind, percent in UNALIGNED.findall(log)}
    special = ("UNMAPPED", "UNINTEGRATED")

    def count(table: str) -> int:
        names = [line.split("\t")[0] for line in table.splitlines()[1:]]
        return sum("|" not in name and not name.startswith(special) for name in names)

    return {
        "sample_id": sample,
        "unaligned_nucleotide_percent": unaligned.get("nucleotide", float("nan")),
        "unaligned_translated_percent": unaligned.get("translated", float("nan")),
        "gene_families": count(families),
        "pathways": count(pathways),
    }


def profile_functions(
    *,
    sample: str,
    reads: Path,
    profile: Path,
    nucleotide: Path,
    protein: Path,
    pathways: Path | None,
    joint_index: Path | None,
    threads: int,
    gene_families: Path,
    path_abundance: Path,
    summary: Path,
) -> None:
    """Run HUMAnN 3 on the cleaned reads of a sample.

    Parameters
    ----------
    sample
        Sample id.
    reads
        Cleaned reads, gzip FASTQ.
    profile
        The sample's MetaPhlAn profile: decides which pangenomes are searched.
    nucleotide, protein
        Folders of ChocoPhlAn and UniRef90.
    pathways
        Folder with ``reactions.tsv`` and ``pathways.tsv`` in place of HUMAnN's own tables, or None.
    joint_index
        Folder of the study's one nucleotide index (see :mod:`gutaxis.metagenome.joint_index`), or None for an index of
        the species in this sample's profile.
    threads
        Threads of bowtie2 and diamond.
    gene_families, path_abundance, summary
        Files to write.

    Raises
    ------
    GutaxisError
        If HUMAnN fails.
    """
    with scratch_folder(beside=gene_families, name=f"humann_{sample}") as work:
        command = ["humann", "--input", linked(target=reads, folder=work, name=f"{sample}.fastq.gz")]
        command += ["--output", work / "out", "--output-basename", sample, "--threads", str(threads)]
        command += [
            "--protein-database",
            linked_files(target=protein, folder=work, name="protein"),
            "--remove-temp-output",
        ]
        if joint_index is None:
            command += ["--taxonomic-profile", linked(target=profile, folder=work, name="profile.tsv")]
            command += ["--nucleotide-database", linked_files(target=nucleotide, folder=work, name="nucleotide")]
        else:
            command += ["--bypass-nucleotide-index"]
            command += ["--nucleotide-database", linked_files(target=joint_index, folder=work, name="nucleotide")]
        if pathways is not None:
            command += [
                "--pathways-database",
                f"{(pathways / 'reactions.tsv').resolve()},{(pathways / 'pathways.tsv').resolve()}",
            ]
        run_program(command=[*command, "--o-log", work / "humann.log"], what=f"HUMAnN of sample {sample}")
        tables = {
            gene_families: normalise_table(table=(work / "out" / f"{sample}_genefamilies.tsv").read_text()),
            path_abundance: normalise_table(table=(work / "out" / f"{sample}_pathabundance.tsv").read_text()),
        }
        yields = summarise_log(
            sample=sample,
            log=(work / "humann.log").read_text(),
            families=tables[gene_families],
            pathways=tables[path_abundance],
        )
    for path, table in tables.items():
        with atomic_write(path) as part:
            part.write_text(table)
    write_tsv(pd.DataFrame([yields]), summary)
