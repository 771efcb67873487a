"""Check a crate and unpack it: ``python -m gutaxis.provenance.unpack CRATE.zip FOLDER``.

Every file has to be there with the checksum that the crate's metadata tells, and no other file; results have to be
those of the manifest as well. Nothing is unpacked otherwise. This finds damage and careless changes. It is no
signature: whoever changes a file, its checksum and the manifest is not found out.
"""

import argparse
import hashlib
import json
import os
import shlex
import shutil
import stat
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

import yaml

from gutaxis.errors import GutaxisError, Problem, raise_if_errors
from gutaxis.files import atomic_write
from gutaxis.provenance.crate_metadata import METADATA
from gutaxis.provenance.hashing import OUTSIDE

AGAIN = "Get the crate anew from where it was published, or ask its authors for a whole one"
#: Where the run is repeated, below the folder of the unpacked crate.
REPEATED = "repeated"


def unpack(*, crate: Path, folder: Path) -> str:
    """Check a crate and unpack it.

    Parameters
    ----------
    crate
        Zip file that rule ``crate`` wrote.
    folder
        New or empty folder. In its ``config.yaml`` sheets, reference and output are named by their new paths.

    Returns
    -------
    str
        What was found, and the next command.

    Raises
    ------
    GutaxisError
        V06 not a crate, V07 a file was changed, V08 one is missing, V09 one does not belong to it, V10 the folder is
        in use; for V07 to V09 every file is named.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        wrong, allowed = "This folder is in use", "A crate is unpacked into a new or empty folder"
        raise GutaxisError(Problem("V10", str(folder), None, None, None, wrong, allowed, "Name another folder"))
    try:
        with zipfile.ZipFile(crate) as archive:
            expected = _expected(archive=archive, name=crate.name)
            raise_if_errors(_problems(archive=archive, expected=expected))
            folder.mkdir(parents=True, exist_ok=True)
            for name in (*sorted(expected), METADATA):
                _extract(archive=archive, name=name, target=folder / name)
    except (zipfile.BadZipFile, zlib.error, FileNotFoundError) as error:
        raise _no_crate(crate.name, f"This cannot be read as a zip file ({error})") from None
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    _move(config=config, folder=folder)
    with atomic_write(folder / "config.yaml") as part:
        part.write_text(yaml.safe_dump(config, sort_keys=True, allow_unicode=True), encoding="utf-8")
    return _words(config=config, folder=folder, files=len(expected))


def _no_crate(name: str, wrong: str) -> GutaxisError:
    allowed = "A crate.zip that `snakemake certify` wrote"
    return GutaxisError(Problem("V06", name, None, None, None, wrong, allowed, AGAIN))


def _expected(*, archive: zipfile.ZipFile, name: str) -> dict[str, str]:
    """Return file -> checksum as the metadata tells it."""
    try:
        graph = json.loads(archive.read(METADATA))["@graph"]
        files = [entity for entity in graph if "File" in _types(entity)]
        expected = {unquote(entity["@id"]): entity["sha256"] for entity in files}
    except (KeyError, TypeError, ValueError) as error:
        raise _no_crate(name, f"Its {METADATA} is missing or tells no checksums ({error})") from None
    lacking = [file for file in ("config.yaml", "manifest.json") if file not in expected]
    if lacking:
        raise _no_crate(name, f"Its metadata name no {' and no '.join(lacking)}")
    return expected


def _types(entity: dict[str, Any]) -> list[str]:
    kinds = entity.get("@type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def _problems(*, archive: zipfile.ZipFile, expected: dict[str, str]) -> Iterator[Problem]:
    entries = {entry.filename: entry for entry in archive.infolist() if not entry.is_dir()}
    for name in sorted(expected.keys() - entries.keys()):
        wrong = "The crate's metadata name this file, but it is not in the crate"
        yield Problem("V08", name, None, None, None, wrong, "A crate is whole", AGAIN)
    for name, entry in sorted(entries.items()):
        path = PurePosixPath(name)
        odd = path.is_absolute() or ".." in path.parts or "\\" in name or stat.S_ISLNK(entry.external_attr >> 16)
        if odd or (name not in expected and name != METADATA):
            wrong = "The crate's metadata do not name this file" if not odd else "This name leads out of the crate"
            yield Problem("V09", name, None, None, None, wrong, "A crate holds what its metadata name", AGAIN)
    found = {name: _sha256(archive=archive, name=name) for name in sorted(expected.keys() & entries.keys())}
    for name, digits in found.items():
        if digits != expected[name]:
            wrong = "This file was changed: its checksum is not the one in the crate's metadata"
            yield Problem("V07", name, None, None, None, wrong, f"SHA-256 {expected[name]}", AGAIN)
    if found.get("manifest.json") != expected["manifest.json"]:
        return
    outputs = json.loads(archive.read("manifest.json"))["outputs"]
    for name in sorted(name for name, digits in found.items() if digits == expected[name]):
        result = name.removeprefix("results/")
        if result != name and outputs.get(result, {}).get("sha256") != found[name]:
            wrong = "This result is not the one of the manifest in the crate"
            yield Problem("V07", name, None, None, None, wrong, "Results are those that the manifest lists", AGAIN)


def _sha256(*, archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    try:
        with archive.open(name) as handle:
            while block := handle.read(1 << 20):
                digest.update(block)
    except (zipfile.BadZipFile, zlib.error):
        return "damaged"  # cannot be unpacked, or the zip's own checksum does not fit
    return digest.hexdigest()


def _extract(*, archive: zipfile.ZipFile, name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)


def _move(*, config: dict[str, Any], folder: Path) -> None:
    """Name what was unpacked by its new path, and results by a folder of their own."""

    def moved(value: Any) -> Any:
        if isinstance(value, list):
            return [moved(item) for item in value]
        return str(folder / value) if isinstance(value, str) and (folder / value).is_file() else value

    config["cohort"] = {role: moved(value) for role, value in config["cohort"].items()}
    config["certify"]["reference"] = str(folder / "manifest.json")
    config["output"] = str(folder / REPEATED)


def _words(*, config: dict[str, Any], folder: Path, files: int) -> str:
    lines = [f"{files} files, each as the crate's metadata say. Unpacked into {folder}."]
    if not config["certify"]["sheets"]:
        lines.append("The crate holds no sheets. Ask the authors for them; config.yaml says where they are sought.")
    given = list(_outside(value=config, key=""))
    if given:
        lines.append(f"These lay outside the authors' folder. Write your paths into {folder / 'config.yaml'}:")
        lines += [f"  {key}: {value}" for key, value in given]
    lines += [
        "Raw data are looked for where the sheets name them, databases where the config does; manifest.json holds their"
        " checksums.",
        "",
        "To repeat the run and compare it with the crate's manifest:",
        f"  .venv/bin/snakemake certify --cores all --configfile {shlex.quote(str(folder / 'config.yaml'))}",
    ]
    return "\n".join(lines)


def _outside(*, value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, item in pairs:
            yield from _outside(value=item, key=f"{key}.{name}" if key else str(name))
    elif isinstance(value, str) and value.startswith(f"{OUTSIDE}/"):
        yield key, value


def main() -> None:
    """Check and unpack."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("crate", type=Path)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    folder = Path(os.path.normpath(arguments.folder))
    try:
        print(unpack(crate=arguments.crate, folder=folder))
    except GutaxisError as error:
        sys.exit(f"{error}\n\nNothing was unpacked.")


if __name__ == "__main__":
    main()
