"""Names: sample ids out of column and file names, and the guard that keeps outcomes out of every layer."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from gutaxis.errors import GutaxisError, Problem

# Written by MetaPhlAn 2 and 3 where no sample id was given: the same for every sample, hence no id.
PLACEHOLDER_IDS = frozenset({"Metaphlan_Analysis", "Metaphlan2_Analysis", "MetaPhlAn_Analysis"})
TABLE_SUFFIXES = frozenset({".txt", ".tsv", ".csv", ".gz", ".tab", ".profile"})


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# A name is refused only if all its words are of these two sets, one of them of the first: `Response`, `os_days`,
# `disease_response_orr` are outcomes; `Death receptor 5`, `PD-1`, `PWY-1: stress response` are measurements.
_OUTCOMES = _words(
    """response responses responder responders nonresponder nonresponders respond responding bor cbor recist irecist orr
    dcr dcb ndb pfs pfs1 pfs2 os css ttp dfs rfs efs death deaths dead died deceased alive survival surv outcome
    outcomes cnsr censor censored censoring progression progressed relapse relapsed abscopal irae trae vital"""
)
_QUALIFIERS = _words(
    """best overall confirmed clinical disease tumor tumour objective complete partial status event events group label
    class category days day weeks week wk months month mo years year time to date free control rate at y n yn flag
    cause code aval last is non no durable benefit patient treatment therapy binary value w6 w12 w24 w48"""
)
_GLUED = re.compile(r"(os|pfs2?|css|ttp|dfs|rfs|efs)(days?|weeks?|months?|mo|years?|time|event|status|cnsr|censor\w*)")
_OBSERVATION_ONLY = frozenset({"after_pd", "label_locked_at"})


def problem(
    *, code: str, file: str | Path, wrong: str, allowed: str, mend: str, line: int | None = None,
    column: str | None = None, value: object = None,
) -> Problem:  # fmt: skip
    """Return a finding about a layer's table, named by the file alone so that no folder of a machine is shown."""
    shown = None if value is None else str(value)
    return Problem(code, Path(file).name or str(file), line, column, shown, wrong, allowed, mend)


def some(names: Iterable[object], *, most: int = 5) -> str:
    """Return the first few names and how many more there are: ``a, b and 3 more``."""
    listed = [str(name) for name in names]
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")


def strip_affixes(*, name: str, prefix: str = "", suffix: str = "") -> str:
    """Return the name without the configured prefix and suffix; a name that is nothing else stays as it is."""
    short = name.removeprefix(prefix).removesuffix(suffix)
    return short or name


def id_from_file(*, path: Path | str) -> str:
    """Return the file name without its table extensions: ``a/S1_profile.txt.gz`` -> ``S1_profile``."""
    name = Path(path)
    while name.suffix.lower() in TABLE_SUFFIXES:
        name = name.with_suffix("")
    return name.name


def suggest_affix(*, names: Sequence[str], sample_ids: Iterable[str]) -> str:
    """Say how table names could become the sheet's sample ids; empty if there is no such way.

    A prefix (or suffix) is suggested if, taken off, it turns at least one name into a sample id, or if all names of
    the table begin with it (end in it).
    """
    known = {str(sample) for sample in sample_ids}
    for kind in ("prefix", "suffix"):
        counts: dict[str, int] = {}
        for name in names:
            for cut in range(1, len(name)):
                rest, affix = (name[cut:], name[:cut]) if kind == "prefix" else (name[:cut], name[cut:])
                if rest in known:
                    counts[affix] = counts.get(affix, 0) + 1
        if counts:
            best = min(counts, key=lambda affix: (-counts[affix], affix))
            return f"Set `sample_{kind}: {best}`: it turns {counts[best]} of {len(names)} names into sample ids"
    if len(names) > 1:
        shared = re.match(r"(.*[_.\-])", _common_start(names))
        if shared:
            return f"All names begin with `{shared.group(1)}`: if it is no part of the id, set it as `sample_prefix`"
    return ""


def _common_start(names: Sequence[str]) -> str:
    """Return the longest start shared by all names."""
    low, high = min(names), max(names)
    for at, letter in enumerate(low):
        if at >= len(high) or letter != high[at]:
            return low[:at]
    return low


def outcome_like(*, names: Iterable[object]) -> list[str]:
    """Return the names that read like a response or an outcome of a patient.

    Parameters
    ----------
    names
        Feature names or column names.

    Returns
    -------
    list of str
        Those made only of outcome words (`response`, `OS`, `PFS2`, `death`, ...) and their qualifiers, in given order.
    """
    found = []
    for name in map(str, names):
        spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
        words = [word for word in re.split(r"[^0-9a-z]+", spaced.lower()) if word]
        glued = bool(_GLUED.fullmatch("".join(words)))
        worded = any(word in _OUTCOMES for word in words) and all(word in _OUTCOMES | _QUALIFIERS for word in words)
        if glued or worded:
            found.append(name)
    return found


def refuse_outcomes(*, names: Iterable[object], file: str | Path, what: str) -> None:
    """Raise if a response or outcome is among the names; ``what`` is ``feature`` or ``observation``.

    Raises
    ------
    GutaxisError
        L09, one problem per column.
    """
    listed = [str(name) for name in names]
    found = outcome_like(names=listed)
    if what == "observation":
        found += [name for name in listed if name in _OBSERVATION_ONLY and name not in found]
    if found:
        raise GutaxisError(
            problem(
                code="L09", file=file, column=name,
                wrong=f"{what} `{name}` reads like a response or an outcome",
                allowed="No response or outcome may be in a layer: it would leak into every model that reads it",
                mend="Take the column out of the table; responses belong into the sheets, or rename a real measurement",
            )
            for name in found
        )  # fmt: skip
