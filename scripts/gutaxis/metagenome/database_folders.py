"""What a database folder really holds, told before a job is started on it.

MetaPhlAn and HUMAnN look for files by name and say little when they do not find them, or stop at a file that they do
not know; these checks read names only and take milliseconds.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from gutaxis.errors import Problem

#: Parts of a large bowtie2 index; MetaPhlAn wants `.bt2l` also where a small index would do.
INDEX_PARTS = ("1", "2", "3", "4", "rev.1", "rev.2")
#: Snakemake's time stamp in an output folder; not part of a database.
IGNORED = {".snakemake_timestamp"}
SHOWN = 5


def folder_problem(code: str, name: str, folder: Path | str, *sentences: str) -> Problem:
    """Return a problem of config key ``metagenome.databases.<name>``; the sentences say wrong, allowed, mend."""
    wrong, allowed, mend = sentences
    return Problem(code, "config", None, f"metagenome.databases.{name}", str(folder), wrong, allowed, mend)


def installed_index(*, folder: Path | str) -> dict[str, list[str]]:
    """List the MetaPhlAn indexes of a folder, each with the files that it lacks.

    Parameters
    ----------
    folder
        Folder given to MetaPhlAn as ``--bowtie2db``.

    Returns
    -------
    dict
        Index name -> names of missing files, sorted; an empty list means the index is complete.
    """
    names = {path.name for path in Path(folder).iterdir()}
    index_file = re.compile(r"(?P<index>.+?)(?:(?:\.rev)?\.[1-4]\.bt2l?|\.pkl)")
    indexes = {match["index"] for name in names if (match := index_file.fullmatch(name))}
    return {index: sorted(_index_files(index) - names) for index in sorted(indexes)}


def _index_files(index: str) -> set[str]:
    return {f"{index}.pkl", *(f"{index}.{part}.bt2l" for part in INDEX_PARTS)}


def check_metaphlan_folder(*, folder: Path | str, index: str) -> list[Problem]:
    """Check that a folder holds the wanted MetaPhlAn index, whole.

    Returns
    -------
    list of Problem
        D20 no index in the folder, D21 another index than the wanted one, D22 parts of the bowtie2 index are missing,
        D23 the taxonomy pickle is missing.
    """
    folder, right = Path(folder), f"MetaPhlAn needs {index}.pkl and {index}.{{{','.join(INDEX_PARTS)}}}.bt2l"
    fetch = f"Leave metagenome.databases.metaphlan empty and {index} is fetched, or unpack its two archives here"
    if not folder.is_dir():
        return [folder_problem("D20", "metaphlan", folder, "This is not a folder", right, fetch)]
    installed = installed_index(folder=folder)
    if not installed:
        return [folder_problem("D20", "metaphlan", folder, "The folder holds no MetaPhlAn index", right, fetch)]
    if index not in installed:
        found = f"The folder holds {', '.join(installed)}, not {index}"
        return [folder_problem("D21", "metaphlan", folder, found, right, fetch)]
    problems, missing = [], installed[index]
    parts = [name for name in missing if name.endswith(".bt2l")]
    if parts:
        wrong = f"Missing of {index}: {', '.join(parts)}"
        if any((folder / name.removesuffix("l")).exists() for name in parts):
            wrong += " (there is a small index, .bt2, which MetaPhlAn does not read)"
        mend = f"Unpack {index}_bt2.tar here, or rebuild the index with bowtie2-build --large-index"
        problems.append(folder_problem("D22", "metaphlan", folder, wrong, right, mend))
    if f"{index}.pkl" in missing:
        mend = f"Unpack {index}.tar here"
        problems.append(folder_problem("D23", "metaphlan", folder, f"Missing: {index}.pkl", right, mend))
    return problems


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _humann_folder(*, name: str, folder: Path, pattern: str, demo: str, suffixes: tuple[str, ...]) -> Iterator[Problem]:
    """Yield what HUMAnN would stop at in one of its two folders: it checks every name, hidden files too."""
    tag = pattern.strip("*")
    allowed = f"Every file name must contain {tag}, and at least one must end in {' or '.join(suffixes)}"
    fetch = f"Leave metagenome.databases.{name} empty and it is fetched, or give the folder of version {tag}"
    if not folder.is_dir():
        yield folder_problem("D24", name, folder, "This is not a folder", allowed, fetch)
        return
    if folder.resolve().name == demo:
        wrong = f"HUMAnN takes a folder called {demo} for its demonstration database and refuses real reads"
        yield folder_problem("D26", name, folder, wrong, "Any other name", "Rename the folder")
    names = sorted(path.name for path in folder.iterdir() if path.name not in IGNORED)
    stray = [file for file in names if not fnmatch(file, pattern)]
    if stray:
        wrong = f"HUMAnN stops at files that are not of version {tag}: {_listed(stray)}"
        mend = fetch if len(stray) == len(names) else "Move these files elsewhere"
        yield folder_problem("D25", name, folder, wrong, allowed, mend)
    if not any(file.endswith(suffixes) for file in names if file not in stray):
        yield folder_problem("D24", name, folder, f"The folder holds no {' or '.join(suffixes)} file", allowed, fetch)


def check_nucleotide_folder(*, folder: Path | str, pattern: str = "*v201901_v31*") -> list[Problem]:
    """Check the folder of HUMAnN's pangenomes (ChocoPhlAn).

    Parameters
    ----------
    folder
        Folder given to HUMAnN as ``--nucleotide-database``.
    pattern
        What every file name must match (resources/compatibility.tsv).

    Returns
    -------
    list of Problem
        D24 no folder or no pangenome, D25 files of another version or stray files, by name, D26 demonstration name.
    """
    suffixes = (".ffn.gz", ".ffn")
    return list(
        _humann_folder(
            name="nucleotide", folder=Path(folder), pattern=pattern, demo="chocophlan_DEMO", suffixes=suffixes
        )
    )


def check_protein_folder(*, folder: Path | str, pattern: str = "*201901b*") -> list[Problem]:
    """Check the folder of HUMAnN's protein database; see :func:`check_nucleotide_folder`."""
    return list(
        _humann_folder(name="protein", folder=Path(folder), pattern=pattern, demo="uniref_DEMO", suffixes=(".dmnd",))
    )


def host_folder(*, path: Path | str) -> Path:
    """Return the folder of a host index that may be given as folder or as bowtie2 prefix."""
    path = Path(path)
    return path.parent if not path.is_dir() and any(path.parent.glob(f"{path.name}.*bt2*")) else path


def check_host_index(*, path: Path | str) -> list[Problem]:
    """Check that a path is a bowtie2 index in a folder of its own: the folder, or the index's prefix.

    Returns
    -------
    list of Problem
        D27 if there is no index, more than one (KneadData takes the folder and would pick one), or parts are missing.
    """
    path, folder = Path(path), host_folder(path=path)
    names = {entry.name for entry in folder.glob("*.bt2*")}
    prefixes = {match[1] for name in names if (match := re.fullmatch(r"(.+?)(?:\.rev)?\.[1-4]\.bt2l?", name))}
    allowed = "A folder with one bowtie2 index, or the index's prefix (the path without .1.bt2)"
    fetch = "Leave metagenome.databases.host empty and the human genome is fetched, or correct the path"
    if not prefixes:
        return [folder_problem("D27", "host", path, "There is no bowtie2 index", allowed, fetch)]
    if len(prefixes) > 1:
        wrong = f"The folder holds several bowtie2 indexes: {', '.join(sorted(prefixes))}"
        return [folder_problem("D27", "host", path, wrong, allowed, "Give the wanted one a folder of its own")]
    prefix = prefixes.pop()
    missing = {ending: [p for p in INDEX_PARTS if f"{prefix}.{p}.{ending}" not in names] for ending in ("bt2", "bt2l")}
    if not all(missing.values()):
        return []
    fewest = min(missing, key=lambda ending: len(missing[ending]))
    wrong = f"Missing: {', '.join(f'{prefix}.{part}.{fewest}' for part in missing[fewest])}"
    return [folder_problem("D27", "host", path, wrong, allowed, fetch)]
