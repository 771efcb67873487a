"""The words of a certificate, and whether the results are still those that it speaks of."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gutaxis.errors import GutaxisError, Problem
from gutaxis.provenance.hashing import sha256_of
from gutaxis.provenance.manifest import read_manifest, result_files

#: Names of files in a list on the terminal; the certificate names all.
SHOWN = 25


def read_certificate(*, path: Path | str) -> dict[str, Any]:
    """Read a certificate that :func:`write_certificate` wrote."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def check_unchanged(*, manifest: Path, output: Path, parts: Iterable[str]) -> None:
    """Check that no result changed since the manifest was written.

    Files of the same size that are older than the manifest are taken as unchanged; every other is read.

    Raises
    ------
    GutaxisError
        V05 with every file that was changed or removed since.
    """
    known = read_manifest(path=manifest)["outputs"]
    written = manifest.stat().st_mtime_ns
    there = {path.relative_to(output).as_posix(): path for path in result_files(output=output, parts=parts)}
    found = {name: "was removed" for name in known if name not in there}
    for name in (name for name in there if name in known):
        status = there[name].stat()
        same = status.st_size == known[name]["bytes"]
        if not same or (status.st_mtime_ns >= written and sha256_of(path=there[name]) != known[name]["sha256"]):
            found[name] = "was changed"
    if found:
        mend = "Write the manifest again: snakemake certify --forcerun manifest, with your other options"
        allowed = "Results stay as they are from the manifest to the verdict"
        raise GutaxisError(
            Problem("V05", name, None, None, None, f"This result {what} after the manifest was written", allowed, mend)
            for name, what in sorted(found.items())
        )


def verdict_words(*, certificate: Mapping[str, Any], path: str) -> str:
    """Return a certificate as lines for the terminal: the verdict, what failed and why it may have.

    Parameters
    ----------
    certificate
        Of :func:`read_certificate`.
    path
        Where it lies.
    """
    lines = [f"Certificate: {certificate['verdict'].upper()}. {certificate['why']}."]
    outputs = certificate["outputs"]
    failed = {name: entry for name, entry in outputs.items() if entry["verdict"] == "fail"}
    for name, entry in list(failed.items())[:SHOWN]:
        lines.append(f"  {entry['how']:<8} {name}{_columns(entry)}")
    if len(failed) > SHOWN:
        lines.append(f"  and {len(failed) - SHOWN} more")
    near = [name for name, entry in outputs.items() if entry["how"] == "within tolerance"]
    if near:
        lines.append(f"Not the same bytes, but within the tolerance: {_listed(near)}.")
    extra = [name for name, entry in outputs.items() if entry["how"] == "extra"]
    if extra:
        lines.append(f"Not in the reference: {_listed(extra)}.")
    lines += certificate["explanations"]
    return "\n".join([*lines, f"All of it: {path}"])


def _columns(entry: Mapping[str, Any]) -> str:
    told = []
    for column in entry.get("columns", [])[:3]:
        times = f", {column['times_tolerance']:g} times the tolerance" if column["times_tolerance"] else ""
        told.append(f"{column['column'] or 'table'}: {column['why']}{times}")
    more = len(entry.get("columns", [])) - 3
    return f" ({'; '.join(told)}{f'; and {more} more columns' if more > 0 else ''})" if told else ""


def _listed(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def tell_verdict(*, certificate: Path, manifest: Path, parts: Iterable[str]) -> str:
    """Return the words of a certificate that does not fail.

    Parameters
    ----------
    certificate, manifest
        Of this run.
    parts
        As in :func:`gutaxis.provenance.manifest.write_manifest`.

    Raises
    ------
    GutaxisError
        The words of one that fails; V05 if results changed since the manifest was written.
    """
    check_unchanged(manifest=manifest, output=manifest.parents[1], parts=parts)
    content = read_certificate(path=certificate)
    words = verdict_words(certificate=content, path=certificate.as_posix())
    if content["verdict"] == "fail":
        raise GutaxisError(words)
    return words
