"""One nucleotide index for the whole study: the pangenomes of every species that any sample holds.

With the index of its own species, each sample is searched in another reference; the joint index makes samples
comparable and is built once. HUMAnN itself selects and indexes the pangenomes: it is given the largest share of each
clade over the samples as if it were one profile.
"""

import shutil
from pathlib import Path

from gutaxis.errors import GutaxisError
from gutaxis.files import atomic_write
from gutaxis.metagenome.metaphlan import HEADER
from gutaxis.metagenome.programs import linked_files, run_program, scratch_folder

#: A read for HUMAnN to chew on while it builds the index; it aligns nowhere.
DUMMY = "@dummy\n" + "ACGT" * 25 + "\n+\n" + "I" * 100 + "\n"


def joint_profile(*, profiles: list[Path]) -> str:
    """Return the profile that holds each clade's maximum over the samples, first header line kept.

    Raises
    ------
    GutaxisError
        If the profiles were made with different indices.
    """
    largest: dict[str, tuple[float, str]] = {}
    headers = set()
    for path in profiles:
        lines = path.read_text().splitlines()
        headers.add(lines[0])
        for line in lines:
            if line.startswith(("#", "UNCLASSIFIED")):
                continue
            clade, taxid, share, *_ = line.split("\t")
            largest[clade] = max(largest.get(clade, (0.0, taxid)), (float(share), taxid))
    if len(headers) != 1:
        raise GutaxisError(f"profiles of different MetaPhlAn indices cannot be joined: {', '.join(sorted(headers))}")
    rows = [f"{clade}\t{taxid}\t{share}\t" for clade, (share, taxid) in sorted(largest.items())]
    return "\n".join([headers.pop(), HEADER, *rows]) + "\n"


def build_joint_index(*, profiles: list[Path], nucleotide: Path, threads: int, output: Path) -> None:
    """Build the joint index folder with HUMAnN.

    Parameters
    ----------
    profiles
        MetaPhlAn profiles of all samples.
    nucleotide
        Folder of ChocoPhlAn.
    threads
        Threads of bowtie2-build.
    output
        Folder to make; it holds one bowtie2 index.

    Raises
    ------
    GutaxisError
        If HUMAnN fails or no profile holds a species that ChocoPhlAn has.
    """
    with scratch_folder(beside=output, name="joint_index") as work:
        (work / "profile.tsv").write_text(joint_profile(profiles=profiles))
        (work / "dummy.fastq").write_text(DUMMY)
        command = ["humann", "--input", work / "dummy.fastq", "--output", work / "out", "--output-basename", "joint"]
        command += ["--taxonomic-profile", work / "profile.tsv", "--bypass-translated-search"]
        command += ["--nucleotide-database", linked_files(target=nucleotide, folder=work, name="nucleotide")]
        run_program(command=[*command, "--threads", str(threads)], what="HUMAnN's joint nucleotide index")
        parts = sorted((work / "out" / "joint_humann_temp").glob("*bowtie2_index*.bt2*"))
        if not parts:
            raise GutaxisError("no species of any profile has a pangenome in the nucleotide database: no joint index")
        with atomic_write(output) as part:
            part.mkdir()
            for path in parts:
                shutil.copy(path, part / path.name)
