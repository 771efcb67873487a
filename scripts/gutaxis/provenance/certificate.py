"""A run against a reference: provenance/certificate.json.

The verdict rests on the outputs alone. What else differs (config, code, inputs, tools) is told beside it: it says why
outputs may differ.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gutaxis.provenance.fingerprints import compare
from gutaxis.provenance.hashing import sha256_of
from gutaxis.provenance.manifest import read_manifest, write_json
from gutaxis.provenance.settings import differences
from gutaxis.provenance.tolerances import Way, read_tolerances, way_of

#: Names in one explanation; the manifests hold all.
SHOWN = 25
NO_REFERENCE = (
    "No reference is configured: the manifest tells what was made, and nothing to compare it with. Name another run's "
    "manifest.json as certify.reference"
)


def write_certificate(
    *, manifest: Path | str, reference: Path | str | None, tolerances: Path | str, certificate: Path
) -> None:
    """Compare a run's manifest with a reference and write the certificate.

    Parameters
    ----------
    manifest
        This run's provenance/manifest.json.
    reference
        Another run's; None: there is nothing to compare with, the verdict is ``none``.
    tolerances
        resources/tolerances.tsv.
    certificate
        Receives JSON: ``verdict`` (pass, fail, none), ``why``, ``counts``, ``reference``, ``outputs`` (by path:
        verdict, how, and where a table differs ``columns``), ``explanations``.

    Raises
    ------
    GutaxisError
        V02 to V04 for a reference that cannot be read, V01 for the table of tolerances.
    """
    here = read_manifest(path=manifest)
    if reference is None:
        content = {"verdict": "none", "why": NO_REFERENCE, "counts": {}, "outputs": {}, "explanations": []}
        write_json(content={**content, "reference": None}, path=certificate)
        return
    there = read_manifest(path=reference)
    outputs = judge_outputs(here=here["outputs"], there=there["outputs"], ways=read_tolerances(table=tolerances))
    verdicts = Counter(entry["verdict"] for entry in outputs.values())
    verdict = "fail" if verdicts["fail"] or not there["outputs"] else "pass"
    content = {
        "verdict": verdict,
        "why": _why(outputs=outputs),
        "counts": dict(Counter(entry["how"] for entry in outputs.values())),
        "reference": {
            "file": Path(reference).name,
            "sha256": sha256_of(path=Path(reference)),
            "workflow_version": there["workflow"].get("version"),
            "config_sha256": there["config"].get("sha256"),
            "outputs": len(there["outputs"]),
        },
        "outputs": outputs,
        "explanations": explain(here=here, there=there),
    }
    write_json(content=content, path=certificate)


def judge_outputs(*, here: Mapping[str, Any], there: Mapping[str, Any], ways: list[Way]) -> dict[str, dict[str, Any]]:
    """Return the verdict on every output of two runs.

    Parameters
    ----------
    here, there
        ``outputs`` of this run's manifest and of the reference's.
    ways
        Of :func:`gutaxis.provenance.tolerances.read_tolerances`.

    Returns
    -------
    dict
        Path -> ``verdict`` (pass, fail, not compared), ``how`` (identical, within tolerance, differs, missing, extra),
        ``why`` where it is not identical, ``columns`` where a table differs.
    """
    judged = {path: _judge(path=path, here=here, there=there, ways=ways) for path in sorted({*here, *there})}
    for path, entry in judged.items():
        way = way_of(path=path, ways=ways)
        if entry["how"] != "differs" or way.compare != "through":
            continue
        twins = way.twins(path=path, outputs=sorted(judged))
        failed = [name for name in twins if judged[name]["verdict"] != "pass"]
        if twins and not failed:
            words = f"bytes differ; {', '.join(twins[:3])}{' and others' if len(twins) > 3 else ''} hold the values"
            judged[path] = {"verdict": "pass", "how": "within tolerance", "why": f"{words}: {way.reason}"}
        elif failed:
            entry["why"] += f"; {', '.join(failed[:3])} did not pass"
    return judged


def _judge(*, path: str, here: Mapping[str, Any], there: Mapping[str, Any], ways: list[Way]) -> dict[str, Any]:
    way = way_of(path=path, ways=ways)
    if path not in there:
        return {"verdict": "not compared", "how": "extra", "why": "the reference holds no such file"}
    if path not in here:
        if way.compare == "none":
            return {"verdict": "not compared", "how": "missing", "why": way.reason}
        return {"verdict": "fail", "how": "missing", "why": "the reference holds this file, this run does not"}
    mine, other = here[path], there[path]
    if (mine["bytes"], mine["sha256"]) == (other["bytes"], other["sha256"]):
        return {"verdict": "pass", "how": "identical"}
    if way.compare == "none":
        return {"verdict": "not compared", "how": "differs", "why": way.reason}
    return _judge_different(mine=mine, other=other, way=way)


def _judge_different(*, mine: Mapping[str, Any], other: Mapping[str, Any], way: Way) -> dict[str, Any]:
    """Judge two files of different bytes."""
    if way.compare != "tolerance" or "table" not in mine or "table" not in other:
        return {"verdict": "fail", "how": "differs", "why": "bytes differ"}
    columns = compare(here=mine["table"], there=other["table"])
    if columns:
        return {"verdict": "fail", "how": "differs", "why": "the table differs", "columns": columns}
    rtol, atol = mine["table"]["tolerance"]
    why = f"bytes differ, every cell within rtol {rtol:g}, atol {atol:g} ({way.reason})"
    return {"verdict": "pass", "how": "within tolerance", "why": why}


def _why(*, outputs: Mapping[str, Any]) -> str:
    counts = Counter(entry["verdict"] for entry in outputs.values())
    compared = counts["pass"] + counts["fail"]
    if not compared:
        return "The reference lists no output"
    words = f"{counts['pass']} of {compared} outputs agree with the reference"
    return f"{words}; {counts['not compared']} are not compared" if counts["not compared"] else words


def explain(*, here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """Return what two runs differ in beside their outputs, a sentence each: config, code, inputs, databases, tools."""
    told = [
        f"The config differs: {words}"
        for words in differences(here=here["config"]["values"], there=there["config"]["values"])
    ]
    mine, other = here["workflow"], there["workflow"]
    if mine["version"] != other["version"]:
        told.append(f"The workflow's version differs: {other['version']} -> {mine['version']}")
    told += _changed("code", here=mine["files"], there=other["files"])
    sheets = {
        part: {
            f"{role} {number}": entry
            for role, entries in manifest["inputs"]["sheets"].items()
            for number, entry in enumerate(entries, start=1)
        }
        for part, manifest in (("here", here), ("there", there))
    }
    told += _changed("sheets", **sheets)
    told += _changed("inputs", here=here["inputs"]["data"], there=there["inputs"]["data"])
    for part, words in (("databases", "databases"), ("locks", "locked environments"), ("tools", "tools")):
        told += _changed(words, here=here.get(part, {}), there=there.get(part, {}))
    return told


def _same(mine: Any, other: Any) -> bool:
    """Whether two entries tell the same content, wherever it lies; without a checksum on both sides sizes decide."""
    if not (isinstance(mine, dict) and isinstance(other, dict)) or "bytes" not in mine or "bytes" not in other:
        return _placeless(mine) == _placeless(other)
    alike = None not in (mine["sha256"], other["sha256"]) and mine.get("covers") == other.get("covers")
    return mine["bytes"] == other["bytes"] and (not alike or mine["sha256"] == other["sha256"])


def _placeless(entry: Any) -> Any:
    return {key: value for key, value in entry.items() if key != "path"} if isinstance(entry, dict) else entry


def _changed(what: str, *, here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    names = sorted(name for name in {*here, *there} if not _same(here.get(name), there.get(name)))
    if not names:
        return []

    def shown(name: str) -> str:
        if name not in there:
            return f"{name} (only here)"
        if name not in here:
            return f"{name} (only in the reference)"
        mine, other = here[name], there[name]
        return f"{name} {other} -> {mine}" if what == "tools" else name

    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return [f"Different {what}: {', '.join(shown(name) for name in names[:SHOWN])}{more}"]
