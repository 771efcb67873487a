"""Before results are passed on: paths of this machine, names of raw files, dates, words of a list in them.

``python -m gutaxis.provenance.privacy --configfile my.yaml [--words names.txt]`` reads every file under the results
folder, compressed ones and the text inside HDF5 included, but not ``logs/`` and ``benchmarks/``, which hold paths and
are not meant to be passed on. What is found is listed by file; the exit status is then 1.
"""

import argparse
import gzip
import io
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import pandas as pd
import yaml

#: Folders of a results folder that are for its owner alone.
OWN = ("logs", "benchmarks")
HDF5 = (".h5ad", ".h5mu", ".h5")
#: A calendar date; years alone and version numbers are none, nor are constants in the code of a page's chart library.
DATE = re.compile(rb"(?<!new Date\(\")(?<![\d.-])(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?![\d.-])")
#: A shorter name would be found in words that have nothing to do with it.
SHORTEST = 4


@dataclass(frozen=True, order=True)
class Finding:
    """Something that should not be passed on: file (a member of an archive after ``!``), what it is, the text."""

    file: str
    what: str
    text: str


def _hdf5_text(path: Path) -> bytes:
    """Return every name, attribute and text value of an HDF5 file; numbers are not looked at."""
    parts: list[str] = []

    def visit(name: str, item: h5py.Group | h5py.Dataset) -> None:
        parts.append(name)
        parts.extend(str(value) for value in item.attrs.values())
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "OSU":
            values = item[()]
            parts.extend(
                value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                for value in (values.ravel().tolist() if hasattr(values, "ravel") else [values])
            )

    with h5py.File(path) as file:
        file.visititems(visit)
    return "\n".join(parts).encode()


def contents(*, path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (member, bytes) of a file: uncompressed, each file of an archive, the text of HDF5.

    Parameters
    ----------
    path
        A file. ``member`` is empty but for archives.
    """
    if path.suffix in HDF5:
        yield "", _hdf5_text(path)
        return
    raw = path.read_bytes()
    if path.suffix == ".gz":
        yield "", gzip.decompress(raw)
    elif path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            for name in sorted(archive.namelist()):
                yield name, archive.read(name)
    else:
        yield "", raw


def scan(*, folder: Path, words: Mapping[str, Iterable[str]], dates: bool = False) -> list[Finding]:
    """Look for words, and for calendar dates, in every file of a results folder.

    Parameters
    ----------
    folder
        Results; ``logs`` and ``benchmarks`` in it are left out.
    words
        What it is (``path of this machine``) -> texts that must not be there, in file names neither.
    dates
        Whether calendar dates are looked for as well: for studies that use days.

    Returns
    -------
    list of Finding
        Sorted; each text once for each file.
    """
    wanted = {text.encode(): what for what, texts in words.items() for text in texts if text}
    longest = sorted(wanted, key=len, reverse=True)
    pattern = re.compile(b"|".join(map(re.escape, longest))) if longest else None
    found: set[Finding] = set()
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if not path.is_file() or inside.parts[0] in OWN:
            continue
        for member, data in [("", str(inside).encode()), *contents(path=path)]:
            name = f"{inside}!{member}" if member else str(inside)
            if pattern is not None:
                hits = {match[0] for match in pattern.finditer(data)}
                found |= {Finding(name, wanted[hit], hit.decode("utf-8", "replace")) for hit in hits}
            if dates:
                found |= {Finding(name, "date", match.decode()) for match in set(DATE.findall(data))}
    return sorted(found)


def raw_names(*, sheets: Iterable[Path]) -> set[str]:
    """Return the names of the raw files of sample sheets, with their folders as they stand there, not of the samples.

    Parameters
    ----------
    sheets
        Sample sheets. A file named like its sample (``P01_PRE_R1.fastq.gz``) tells nothing that the sample does not.
    """
    names: set[str] = set()
    for sheet in sheets:
        table = pd.read_csv(sheet, sep="\t", dtype=str, keep_default_na=False)
        samples = sorted(set(table["sample_id"]), key=len, reverse=True)
        for column in [name for name in table.columns if name.startswith("file_")]:
            for lane in ";".join(table[column]).split(";"):
                path = Path(lane.strip())
                names |= {str(path.parent)} if len(str(path.parent)) >= SHORTEST else set()
                stem = path.name.split(".")[0]
                own = any(stem.startswith(sample) for sample in samples)
                names |= {path.name} if path.name and not own else set()
    return {name for name in names if name not in {".", "NA"} and len(name) >= SHORTEST}


def main() -> None:
    """Read the command line, scan, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", type=Path, required=True, help="config of the run")
    parser.add_argument("--words", type=Path, help="a file of words that must not be there, one a line")
    given = parser.parse_args()
    config = yaml.safe_load(given.configfile.read_text())
    folder = Path(config["output"])
    if not folder.is_dir():
        sys.exit(f"{folder} is not there. The config's key `output` names the results folder; run the workflow first.")
    named = config["cohort"]["samples"]
    sheets = [Path(sheet) for sheet in ([named] if isinstance(named, str) else named)]
    listed = given.words.read_text().split("\n") if given.words else []
    words = {
        "path of this machine": {str(Path.cwd()), str(Path.home())} - {"/"},
        "name of a raw file or its folder": raw_names(sheets=sheets),
        "word of the list": {word.strip() for word in listed if word.strip()},
    }
    found = scan(folder=folder, words=words, dates=config.get("dates") == "study_day")
    for finding in found:
        print(f"{folder / finding.file}: {finding.what}: {finding.text}")
    if found:
        sys.exit(f"{len(found)} findings in {len({finding.file for finding in found})} files")
    print(f"{folder}: nothing found")


if __name__ == "__main__":
    main()
