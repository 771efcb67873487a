"""Samples of a table against samples of the sheets: who is in, who is dropped, and why."""

import pandas as pd

from gutaxis.errors import GutaxisError
from gutaxis.layers.names import problem, some, suggest_affix

NOT_IN_SHEETS = "not in the sheets"
NO_PROFILE = "no profile in the table"
EMPTY = "empty profile: nothing was found in it"
MISSING_MODES = ("report", "fail")


def ineligible(*, observations: pd.DataFrame) -> pd.Series:
    """Return why samples of the sheets are kept out of every layer: controls and failed samples.

    Parameters
    ----------
    observations
        Indexed by sample_id; columns ``control`` (N, BLANK, MOCK, POOL_QC) and ``qc`` (PASS, FAIL, PENDING) if known.

    Returns
    -------
    pandas.Series
        Reason per sample; only those kept out.
    """
    reasons = pd.Series(index=observations.index[:0], dtype=object)
    for column, good, word in (("qc", "PASS", "qc"), ("control", "N", "control")):
        if column in observations:
            cells = observations[column].fillna(good).astype(str)
            reasons = (word + " " + cells[cells != good]).combine_first(reasons)  # a failed control is a control
    return reasons.astype(object)


def align(
    *, values: pd.DataFrame, observations: pd.DataFrame, missing: str = "report", file: str = "table"
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Bring a table and the observations to the same samples in the same order.

    Parameters
    ----------
    values
        Samples x features.
    observations
        What the sheets say about the samples, indexed by sample_id.
    missing
        ``report``: samples found on one side only are listed. ``fail``: they are an error. Controls and samples that
        failed quality control are listed either way.
    file
        Name of the table, for the messages.

    Returns
    -------
    tuple of pandas.DataFrame
        Values and observations of the shared samples, sorted by sample_id, and the dropped ones: sample_id, reason.

    Raises
    ------
    GutaxisError
        L12 if no sample is shared (with the prefix or orientation that would mend it), L11 if ``missing`` is ``fail``.
    """
    if missing not in MISSING_MODES:
        raise GutaxisError(
            f"L11 missing={missing}: unknown mode. Allowed: {', '.join(MISSING_MODES)}. Correct `missing` of the layer."
        )
    values = values.set_axis(values.index.astype(str), axis=0)
    out = ineligible(observations=observations)
    eligible = observations.index.difference(out.index)
    shared = sorted(eligible.intersection(values.index))
    extra = sorted(values.index.difference(observations.index))
    lacking = sorted(eligible.difference(values.index))
    if not shared:
        raise GutaxisError(_no_overlap(values=values, observations=observations, eligible=eligible, file=file))
    if missing == "fail" and (extra or lacking):
        sides = [f"in the table, not in the sheets: {some(extra)}"] if extra else []
        sides += [f"in the sheets, not in the table: {some(lacking)}"] if lacking else []
        raise GutaxisError(
            problem(
                code="L11", file=file, wrong=f"{len(extra) + len(lacking)} sample(s) without a counterpart: "
                + "; ".join(sides),
                allowed="With `missing: fail` table and sheets hold the same samples",
                mend="Add the missing ones, mark failed samples qc FAIL, or set `missing: report`",
            )
        )  # fmt: skip
    reasons = {**out.to_dict(), **dict.fromkeys(extra, NOT_IN_SHEETS), **dict.fromkeys(lacking, NO_PROFILE)}
    return values.loc[shared], observations.loc[shared], dropped_table(reasons=reasons)


def dropped_table(*, reasons: dict[str, str]) -> pd.DataFrame:
    """Return the table of dropped samples, sorted: sample_id, reason."""
    return pd.DataFrame(sorted(reasons.items()), columns=["sample_id", "reason"], dtype=object)


def _no_overlap(*, values: pd.DataFrame, observations: pd.DataFrame, eligible: pd.Index, file: str) -> object:
    """Say why table and sheets share no sample, as far as names can tell."""
    names = sorted(values.index)
    if eligible.empty:
        wrong = "the sheets hold no patient's sample for this layer that passed quality control"
        mend = "Check `assay` of the layer, and the columns assay, control and qc of the samples sheets"
    elif set(values.columns.astype(str)) & set(observations.index):
        wrong = "the sample ids are where the features should be"
        mend = "Set the other `orientation`"
    else:
        wrong = (
            f"none of the {len(names)} sample names of the table ({some(names, most=3)}) is a sample_id of the sheets "
            f"({some(sorted(eligible), most=3)})"
        )
        mend = suggest_affix(names=names, sample_ids=eligible) or "Use the same names in the table and in samples.tsv"
    return problem(code="L12", file=file, wrong=wrong, allowed="Sample names equal to sample_id", mend=mend)
