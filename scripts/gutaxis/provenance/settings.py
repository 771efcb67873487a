"""The config as a manifest holds it, and what differs between two of them."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gutaxis.provenance.hashing import portable_values

#: Sections that say how a run is certified, not what it computes.
NO_SETTINGS = ("certify",)
#: Keys that say where something lies. The content of sheets is told by their checksums.
PLACES = ("output", "cohort")
#: Keys of config ``certify`` that decide what a crate holds.
CRATE_KEYS = ("sheets", "licence", "crate_mb")
#: Longest text that may be a path; the system refuses to look up longer ones.
LONGEST = 1000


def settings_of(*, config: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Return a config without what does not belong to the run, its absolute paths made portable.

    Parameters
    ----------
    config
        Validated config with defaults.
    root
        The working directory.
    """
    return {key: portable_values(value=value, root=root) for key, value in config.items() if key not in NO_SETTINGS}


def checksum_of_config(*, values: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the settings as canonical JSON, without the keys that only say where something lies."""
    computed = {key: value for key, value in values.items() if key not in PLACES}
    text = json.dumps(computed, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def named_files(*, value: Any) -> set[str]:
    """Return every text of a config, at any depth, that is the path of an existing file."""
    if isinstance(value, Mapping):
        return set().union(*(named_files(value=item) for item in value.values()))
    if isinstance(value, list | tuple):
        return set().union(*(named_files(value=item) for item in value))
    return {value} if isinstance(value, str) and len(value) < LONGEST and Path(value).is_file() else set()


def differences(*, here: Mapping[str, Any], there: Mapping[str, Any]) -> list[str]:
    """Return which keys of two configs differ, as ``key: reference -> here``, without those of places."""
    mine = {key: value for key, value in here.items() if key not in PLACES}
    other = {key: value for key, value in there.items() if key not in PLACES}
    return list(_differences(here=mine, there=other, key=""))


def _differences(*, here: Any, there: Any, key: str) -> Iterator[str]:
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        for name in sorted({*here, *there}):
            path = f"{key}.{name}" if key else name
            if name not in here:
                yield f"{path}: {_shown(there[name])} -> not there"
            elif name not in there:
                yield f"{path}: not there -> {_shown(here[name])}"
            else:
                yield from _differences(here=here[name], there=there[name], key=path)
    elif here != there:
        yield f"{key}: {_shown(there)} -> {_shown(here)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."
