"""What a run was made from and what it made: provenance/manifest.json.

Two runs of the same code, config and inputs on one machine write the same bytes: no dates, no absolute paths, no names
of machines or users; sorted throughout. The entries are::

    format, version    what this file is
    workflow           version, a checksum of the code, and digits of one for every file of it
    config, seed       the validated config with its defaults and its checksum (see gutaxis.provenance.settings)
    inputs             sheets by their role, data and other named files by their path: bytes, sha256
    databases          by name: path, files, bytes, checksum and what it covers; what was fetched, where it was
    locks              checksum of every envs/*.requirements.txt
    tools              version of every program, as asked before the first job; empty with conda
    outputs            by path in the results folder: bytes, sha256, and the fingerprint of a table (`table`)
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import atomic_write
from gutaxis.provenance.fingerprints import fingerprint
from gutaxis.provenance.hashing import OUTSIDE, describe_files, describe_folder, portable, sha256_of, visible_files
from gutaxis.provenance.settings import checksum_of_config, settings_of
from gutaxis.provenance.tolerances import read_tolerances, way_of

FORMAT, VERSION = "gutaxis-manifest", 1
NAME = "provenance/manifest.json"
#: Of the certificate itself; written after the manifest.
OWN = (NAME, "provenance/certificate.json", "provenance/ro-crate-metadata.json", "provenance/crate.zip")
#: Written beside the jobs: versions are an entry of their own (`tools`), an estimate is no result.
BESIDE = ("provenance/versions.tsv", "provenance/estimate.tsv")
#: Folders below the results that are no results: they hold times, or what earlier runs left (batches).
ASIDE = ("logs", "benchmarks", "batches")
#: The code of the workflow; in resources/ also what git ignores lies, and manifests.
CODE = ("Snakefile", "pyproject.toml", "rules", "scripts", "resources")
NO_CODE = ("resources/databases/", "resources/simulated/", "resources/demo_manifest.json")
#: Digits kept of the checksum of a file of code.
DIGITS = 16


def write_manifest(
    *,
    output: Path,
    parts: Iterable[str],
    base: Path,
    config: Mapping[str, Any],
    sheets: Mapping[str, list[str]],
    data: Iterable[str],
    databases: Mapping[str, str],
    tolerances: Path | str,
    threads: int = 1,
) -> None:
    """Write the manifest of a finished run.

    Parameters
    ----------
    output
        Results folder.
    parts
        Its files and folders that this workflow makes; whatever else lies there is left alone.
    base
        Folder of the workflow.
    config
        Validated config with its defaults. ``certify.inputs`` says whether inputs are read or only measured.
    sheets
        Role (``patients``, ``samples``, ...) -> paths.
    data
        Paths of files or folders that the run reads.
    databases
        Name -> folder; those that are used.
    tolerances
        resources/tolerances.tsv: which tables get a fingerprint.
    threads
        Files read at a time.

    Raises
    ------
    GutaxisError
        V01 if the table of tolerances cannot be used.
    """
    root = Path.cwd()
    checksum = config["certify"]["inputs"] == "checksum"
    named = {role: _described(paths=paths, root=root, checksum=True, threads=threads) for role, paths in sheets.items()}
    values = settings_of(config=config, root=root)
    content = {
        "format": FORMAT,
        "version": VERSION,
        "workflow": code_of(base=base),
        "config": {"sha256": checksum_of_config(values=values), "values": values},
        "seed": config["seed"],
        "inputs": {
            "sheets": named,
            "data": {
                entry.pop("path"): entry
                for entry in _described(paths=sorted(set(data)), root=root, checksum=checksum, threads=threads)
            },
        },
        "databases": {
            name: _database(folder=Path(folder), root=root, checksum=checksum, threads=threads)
            for name, folder in databases.items()
        },
        "locks": {
            path.name.removesuffix(".requirements.txt"): sha256_of(path=path)
            for path in sorted((base / "envs").glob("*.requirements.txt"))
        },
        "tools": _tools(table=output / "provenance/versions.tsv"),
        "outputs": describe_outputs(output=output, parts=parts, tolerances=tolerances, threads=threads),
    }
    write_json(content=content, path=output / NAME)


def result_files(*, output: Path, parts: Iterable[str]) -> list[Path]:
    """Return the result files of a run, sorted: without logs, measurements, hidden files and the certificate's own."""
    tops = [output / part for part in sorted(set(parts)) if part not in ASIDE]
    found = [path for top in tops if top.is_dir() for path in visible_files(folder=top)]
    found += [top for top in tops if top.is_file()]
    return sorted(path for path in found if path.relative_to(output).as_posix() not in (*OWN, *BESIDE))


def describe_outputs(
    *, output: Path, parts: Iterable[str], tolerances: Path | str, threads: int = 1
) -> dict[str, dict[str, Any]]:
    """Return bytes, checksum and, for a table compared by tolerance, fingerprint of every result, by path."""
    ways = read_tolerances(table=tolerances)
    paths = result_files(output=output, parts=parts)
    described = {}
    for path, entry in zip(paths, describe_files(paths=paths, threads=threads), strict=True):
        name = path.relative_to(output).as_posix()
        way = way_of(path=name, ways=ways)
        if way.compare == "tolerance":
            entry["table"] = fingerprint(path=path, rtol=way.rtol, atol=way.atol)
        described[name] = entry
    return described


def code_of(*, base: Path) -> dict[str, Any]:
    """Return version, checksum and files of the workflow's code; git is not asked, a copy has none."""
    files = {}
    for name in CODE:
        top = base / name
        for path in visible_files(folder=top) if top.is_dir() else [top]:
            shown = path.relative_to(base).as_posix()
            if not shown.startswith(NO_CODE) and path.suffix != ".pyc":
                files[shown] = sha256_of(path=path)[:DIGITS]
    version = tomllib.loads((base / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    digest = hashlib.sha256("".join(f"{name}\t{digits}\n" for name, digits in sorted(files.items())).encode())
    return {"version": version, "sha256": digest.hexdigest(), "files": files}


def read_manifest(*, path: Path | str) -> dict[str, Any]:
    """Read a manifest.

    Raises
    ------
    GutaxisError
        V02 no such file, V03 not a manifest, V04 a manifest of another format version.
    """
    path = Path(path)
    allowed = "A manifest.json that `snakemake certify` wrote"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        mend = "Correct certify.reference, or set it to null: there is then nothing to compare with"
        raise _refused("V02", path, "The reference manifest is not there", allowed, mend) from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        mend = "Take it anew from the results or the crate that it belongs to"
        raise _refused("V03", path, f"This file cannot be read as JSON ({error})", allowed, mend) from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        mend = "Name the manifest.json of a run, not another file of it"
        raise _refused("V03", path, "This is not a manifest of this workflow", allowed, mend)
    if content.get("version") != VERSION:
        found = str(content.get("version"))
        mend = "Take the release of the workflow that wrote it, or make the reference anew with this one"
        wrong = f"This manifest has the format version {found}"
        raise _refused("V04", path, wrong, f"This release reads version {VERSION}", mend)
    lacking = [key for key in ("workflow", "config", "inputs", "outputs") if not isinstance(content.get(key), dict)]
    if lacking:
        wrong = f"The manifest lacks {', '.join(lacking)}"
        raise _refused("V03", path, wrong, allowed, "Take it anew: it was changed or cut off")
    return content


def write_json(*, content: Mapping[str, Any], path: Path) -> None:
    """Write JSON sorted by key, one entry of each section on a line: short, and ``git diff`` can be read."""

    def short(value: Any) -> str:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    def lines(value: Any, depth: int) -> str:
        if not isinstance(value, dict) or not value or depth == 0:
            return short(value)
        pad = " " * (3 - depth)
        body = ",\n".join(f"{pad}{short(key)}: {lines(value[key], depth - 1)}" for key in sorted(value))
        return "{\n" + body + "\n" + " " * (2 - depth) + "}"

    with atomic_write(path) as part:
        part.write_text(lines(dict(content), 2) + "\n", encoding="utf-8")


def _refused(code: str, path: Path, *sentences: str) -> GutaxisError:
    wrong, allowed, mend = sentences
    return GutaxisError(Problem(code, path.name, None, "certify.reference", path.as_posix(), wrong, allowed, mend))


def _described(*, paths: Iterable[str], root: Path, checksum: bool, threads: int) -> list[dict[str, Any]]:
    """Return path, bytes and checksum of inputs; a folder is told by one entry, what is gone has neither."""
    paths = list(paths)
    files = [path for path in paths if Path(path).is_file()]
    told = dict(zip(files, describe_files(paths=map(Path, files), checksum=checksum, threads=threads), strict=True))
    entries = []
    for path in paths:
        entry = told.get(path) or _folder(folder=Path(path), checksum=checksum, threads=threads)
        shown = portable(path=path, root=root)
        if shown.startswith(f"{OUTSIDE}/"):
            # two folders may hold files of one name; digits of the content keep them apart
            shown = f"{shown} ({str(entry['sha256'] or entry['bytes'])[:8]})"
        entries.append({"path": shown, **entry})
    return entries


def _folder(*, folder: Path, checksum: bool, threads: int) -> dict[str, Any]:
    """Tell a folder; raw data may have been put away after the run, which is then told by None."""
    if not folder.is_dir():
        return {"bytes": None, "sha256": None}
    return describe_folder(folder=folder, checksum=checksum, threads=threads)


def _database(*, folder: Path, root: Path, checksum: bool, threads: int) -> dict[str, Any]:
    """Tell a database: one that was fetched by its record, another by its files."""
    record = folder.parent / "database.json"
    shown = portable(path=str(folder), root=root)
    if folder.name == "files" and record.is_file():
        told = json.loads(record.read_text(encoding="utf-8"))
        files = [{key: entry.get(key) for key in ("file", "size", "sha256")} for entry in told["files"]]
        return {"path": shown, "version": told["version"], "files": files, "covers": "what was fetched"}
    return {"path": shown, **_folder(folder=folder, checksum=checksum, threads=threads)}


def _tools(*, table: Path) -> dict[str, str]:
    """Return program -> version, as the preflight found them; with conda there is no such table."""
    if not table.is_file():
        return {}
    rows = pd.read_csv(table, sep="\t", dtype=str)
    return dict(zip(rows["environment"] + "/" + rows["program"], rows["version"], strict=True))
