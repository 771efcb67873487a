"""What an adapter finds in a file, and how that becomes a feature table: names, numbers, states and all checks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.layers.names import refuse_outcomes, some, strip_affixes
from gutaxis.metabolome.feature_table import ABSENT, DEFAULT_UNIT, DETECTED, FeatureTable, make_feature_table
from gutaxis.metabolome.tables.about import PLACES, add_mode, feature_columns
from gutaxis.metabolome.tables.cells import problem
from gutaxis.metabolome.tables.numbers import TO_LOG2, parse
from gutaxis.metabolome.tables.options import Options
from gutaxis.metabolome.tables.repeats import identical_samples, mark_repeats

PREFIX = {"positive": "POS_", "negative": "NEG_"}
NUMBER_PREFIX = "FT_"
#: Endings of raw files, which are no part of a sample name.
RAW_FILE = re.compile(r"\.(mzml|mzxml|mzdata|mzmlb|raw|d|cdf|netcdf|abf|wiff2?|lcd|ibf|imzml)(\.gz)?$", re.I)
_NUMBER = re.compile(r"\d+(\.0)?")
#: Units of amounts per volume or mass, which only a calibration gives: umol/L, ng/mL, nM, micromolar ... M is no m.
_ABSOLUTE = re.compile(
    r"[fpnuµμm]?M|([Pp]ico|[Nn]ano|[Mm]icro|[Mm]illi)molar|[fpnuµμm]?(mol|g)\s*(/|per)\s*[pnuµμmkd]?([lLg]|lit(er|re))\b.*"
)
_LOG = re.compile(r"\b(log|ln)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A table as its file has it.

    Parameters
    ----------
    file
        Name for the messages.
    samples, ids
        Names of the samples and of the features, as in the file.
    cells
        Features x samples, text.
    lines
        Line of each feature, or of each sample if ``rows_are_samples``; None where the format has no lines.
    features
        Column -> entry of each feature; ``""`` and None = missing.
    rt_factor
        Seconds in the unit of the file's retention times.
    rows_are_samples
        Whether a row of the file is a sample.
    state
        Features x samples, where the file tells; a cell without a value is absent all the same.
    unit
        Unit, if the file tells it.
    done
        What the file says was done to the values.
    mode
        Ionisation mode of all features, if the file tells it.
    log
        Logarithm that the file says the values are.
    targeted
        Whether the format is one of quantities.
    notes
        Sentences about what was left out or understood.
    """

    file: str
    samples: Sequence[str]
    ids: Sequence[str]
    cells: Sequence[Sequence[str]]
    lines: Sequence[int | None]
    features: dict[str, Sequence[object]] = field(default_factory=dict)
    rt_factor: float = 1.0
    rows_are_samples: bool = False
    state: np.ndarray | None = None
    unit: str | None = None
    done: frozenset[str] = frozenset()
    mode: str | None = None
    log: str | None = None
    targeted: bool = False
    notes: tuple[str, ...] = ()

    def place(self, feature: int, sample: int) -> tuple[int | None, str]:
        """Return line and column of a cell."""
        if self.rows_are_samples:
            return self.lines[sample], str(self.ids[feature])
        return self.lines[feature], str(self.samples[sample])


def finish(*, found: Found, options: Options) -> tuple[FeatureTable, list[str]]:
    """Check what was found and bring it into the canonical form.

    Parameters
    ----------
    found
        Of an adapter.
    options
        Of the user; they go before what the file tells.

    Returns
    -------
    tuple
        The table, its features sorted by m/z, retention time and id; and notes, in sentences. Beside what the file
        tells, features may have ``n_below_limit`` and ``same_values_as`` (an earlier feature with the same values).

    Raises
    ------
    GutaxisError
        M83 text, M84 a negative or infinite value, M85 a feature twice or without a name, M86 a sample twice or without
        a name, M87 two samples with the same content, M89 no values, M90 a logarithm of unknown base or m/z without a
        mode, M91 another ionisation mode than declared, L09 an outcome as a feature.
    """
    if not found.ids or not found.samples:
        what = "feature" if not found.ids else "sample"
        raise GutaxisError(
            problem(
                code="M89", file=found.file, wrong=f"the table has no {what}", allowed="Features and samples",
                mend="Correct the format, or export the table again in full",
            )
        )  # fmt: skip
    samples = [_sample_name(name, options) for name in found.samples]
    ids = [str(name).strip() for name in found.ids]
    refuse_outcomes(names=ids, file=found.file, what="feature")
    problems = [*_twice("feature", ids, found), *_twice("sample", samples, found)]
    log, unit = _logarithm(found, options)
    values, below, bad = parse(
        cells=found.cells, file=found.file, place=found.place, decimal=options.decimal, logarithm=log != "none"
    )
    mode = _mode(found, options)
    names = _prefixed(ids, options.mode, mode)
    features, unread = feature_columns(
        columns=found.features, names=names, file=found.file, decimal=options.decimal, rt_factor=found.rt_factor,
        lines=None if found.rows_are_samples else found.lines,
    )  # fmt: skip
    if problems := [*problems, *bad, *unread]:
        raise GutaxisError(problems)
    if log != "none":
        values *= TO_LOG2[log]
    twins = identical_samples(values=values)
    if twins is not None:
        raise GutaxisError(_twins(*twins, samples, found))
    add_mode(features=features, mode=mode, file=found.file)
    if found.targeted and "unit" not in features and unit:
        features["unit"] = unit
    if below.any():
        features["n_below_limit"] = below
    repeats = mark_repeats(values=values, features=features)
    order = [*[column for column in PLACES if column in features], "id"]
    key = features.assign(id=names).sort_values(order, kind="stable").index
    frame = pd.DataFrame(values, index=names, columns=samples)
    state = np.where(np.isnan(values), ABSENT, DETECTED if found.state is None else found.state)
    table = make_feature_table(
        values=frame.loc[key], state=pd.DataFrame(state, index=names, columns=samples, dtype=object),
        features=features, unit=unit or DEFAULT_UNIT, targeted=_targeted(found, options, unit),
        done=found.done | set(options.done) | ({"log2"} if log != "none" else set()),
    )  # fmt: skip
    notes = [*found.notes, *repeats]
    if below.any():
        notes.append(f"{below.sum()} values lie below a limit of detection: they are missing, not zero")
    if empty := int(np.isnan(values).all(axis=1).sum()):
        notes.append(f"{empty} features have no value in any sample")
    return table, notes


def is_absolute(*, unit: str | None) -> bool:
    """Whether a unit is that of a concentration: umol/L, uM, ng/mL, nmol/g, micromolar ..."""
    return bool(_ABSOLUTE.fullmatch((unit or "").strip()))


def _sample_name(name: str, options: Options) -> str:
    bare = RAW_FILE.sub("", str(name).strip())
    bare = strip_affixes(name=bare, prefix=options.sample_prefix, suffix=options.sample_suffix)
    return str(options.rename.get(bare, bare)).strip()


def _twice(what: str, names: list[str], found: Found) -> list[Problem]:
    """Return a finding for each name that is empty or occurred before."""
    by_row = (what == "sample") == found.rows_are_samples
    first: dict[str, int] = {}
    problems = []
    for at, name in enumerate(names):
        if name and name not in first:
            first[name] = at
            continue
        line = found.lines[at] if by_row else None
        again = f"lines {found.lines[first[name]]} and {line}" if line and name else "the table"
        problems.append(
            problem(
                code="M85" if what == "feature" else "M86", file=found.file, line=line, value=name or "(empty)",
                column=None if by_row else str((found.ids if what == "feature" else found.samples)[at]),
                wrong=f"{what} {name} occurs twice, in {again}" if name else f"a {what} has no name",
                allowed=f"Each {what} once, by name",
                mend="Remove one, or choose a column of unique names by `id_column`" if what == "feature"
                else "Remove one, or tell them apart (sample_prefix, sample_suffix and raw file endings are taken off)",
            )
        )  # fmt: skip
    return problems[:20]


def _logarithm(found: Found, options: Options) -> tuple[str, str | None]:
    """Return the logarithm of the values and their unit without it; a unit that speaks of one has to name its base."""
    unit = options.unit or found.unit
    log = options.log or found.log or ("log2" if "log2" in (found.done | set(options.done)) else None)
    if not (unit and _LOG.search(unit)):
        return log or "none", unit
    base = re.search(r"log[\s_]?(2|10)\b", unit, re.IGNORECASE)
    if log is None and base is None:
        raise GutaxisError(
            problem(
                code="M90", file=found.file, column="unit", value=unit, allowed="log: none, log2, ln or log10",
                wrong="the unit names a logarithm, not its base", mend="Set `log` of the table",
            )
        )  # fmt: skip
    bare = re.sub(r"\b(log[\s_]?(2|10)?|ln)\b[\s(]*", "", unit, flags=re.IGNORECASE).strip(" ()-")
    return log or f"log{base.group(1)}", bare or None


def _twins(first: int, at: int, samples: list[str], found: Found) -> Problem:
    return problem(
        code="M87", file=found.file, line=found.lines[at] if found.rows_are_samples else None,
        column=None if found.rows_are_samples else str(found.samples[at]), value=samples[at],
        wrong=f"sample {samples[at]} has the same values as {samples[first]}, to the last digit",
        allowed="Each injection once", mend="Find out which of the two is right and remove the other",
    )  # fmt: skip


def _mode(found: Found, options: Options) -> str | None:
    if options.mode and found.mode and options.mode != found.mode:
        raise GutaxisError(
            problem(
                code="M91", file=found.file, column="mode", value=found.mode,
                wrong=f"the file says that its ionisation mode is {found.mode}, not {options.mode}",
                allowed="The table of each mode at its place", mend="Exchange the paths, or correct the mode",
            )
        )  # fmt: skip
    return options.mode or found.mode


def _prefixed(ids: list[str], declared: str | None, mode: str | None) -> list[str]:
    """Return ids that say their mode where it was declared, and that are no plain numbers."""
    if declared:
        prefix = PREFIX[declared]
        return [name if name.startswith(prefix) else f"{prefix}{name}" for name in ids]
    prefix = PREFIX.get(mode or "", NUMBER_PREFIX)
    return [f"{prefix}{name}" if _NUMBER.fullmatch(name) else name for name in ids]


def _targeted(found: Found, options: Options, unit: str | None) -> bool:
    if options.targeted is not None:
        return options.targeted
    return found.targeted or is_absolute(unit=unit)


def left_out(*, names: Sequence[str], what: str) -> tuple[str, ...]:
    """Return the note on columns that were not read; none if there are none."""
    return (f"{len(names)} {what} were left out: {some(names)}",) if names else ()
