"""The injections of a run: whether all are described, and whether order or batch stand in for the timepoint.

The injection table has one row per sample: patient_id, timepoint, batch, control (N, POOL_QC, BLANK, MOCK), run_order,
group. It never holds an outcome: nothing in this arm reads one.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from gutaxis.errors import GutaxisError, Problem
from gutaxis.layers.names import refuse_outcomes, some

STUDY, QC, BLANK = "N", "POOL_QC", "BLANK"
COLUMNS = ("patient_id", "timepoint", "batch", "control", "run_order")
ONE_BATCH = "all"
FILE = "samples"
#: A test of order or batch against timepoint below this probability is told.
LEVEL = 0.05


def check_injections(*, injections: pd.DataFrame, samples: Sequence[str], need_order: bool) -> pd.DataFrame:
    """Return the rows of a table's samples, in run order.

    Parameters
    ----------
    injections
        Indexed by sample_id, columns :data:`COLUMNS` and more.
    samples
        Samples of the feature table.
    need_order
        Whether the run order is used. If so, all study samples and pooled QCs have one, or none has.

    Returns
    -------
    pandas.DataFrame
        Sorted by batch, run order and sample; without batches, all injections are of batch ``all``.

    Raises
    ------
    GutaxisError
        L09 an outcome among the columns; M42 a sample of the table that the sheet does not have; M43 a missing run
        order; M44 one place in the run order twice; M45 a missing batch; M46 no study sample.
    """
    if lacking := [column for column in COLUMNS if column not in injections]:
        raise ValueError(f"the injection table lacks {lacking}")
    refuse_outcomes(names=injections.columns, file=FILE, what="observation")
    problems = [
        _problem("M42", "sample_id", name, "the feature table has a sample that the sample sheet does not have",
                 "A row of assay METAB for each sample of the table", "Add the row, or rename the sample in the table")
        for name in sorted(set(samples) - set(injections.index))
    ]  # fmt: skip
    rows = injections.loc[[name for name in injections.index if name in set(samples)]].copy()
    used = rows["control"].isin([STUDY, QC])
    if not (rows["control"] == STUDY).any() and not problems:
        problems.append(
            _problem("M46", "control", None, "no study sample has values", "At least one row with control=N",
                     "Compare the sample names of the table with sample_id of the sheet")
        )  # fmt: skip
    if rows["batch"].isna().all():
        rows["batch"] = ONE_BATCH
    problems += [
        _problem("M45", "batch", name, "this injection has no batch although others have one",
                 "A batch for all or none", "Fill in the column batch")
        for name in rows.index[rows["batch"].isna() & used]
    ]  # fmt: skip
    order = pd.to_numeric(rows["run_order"], errors="coerce")
    if need_order and order[used].notna().any():
        problems += [
            _problem("M43", "run_order", name, "this injection has no run order although others have one",
                     "A number: its place in the run of its batch",
                     "Fill in run_order, or switch the drift correction off")
            for name in rows.index[order.isna() & used]
        ]  # fmt: skip
        twice = pd.DataFrame({"batch": rows["batch"], "order": order})[used & order.notna()].duplicated(keep="first")
        problems += [
            _problem("M44", "run_order", name, f"batch {rows.at[name, 'batch']} has this run order twice",
                     "Each place in a batch once", "Correct run_order")
            for name in twice.index[twice]
        ]  # fmt: skip
    if problems:
        raise GutaxisError(problems)
    rows["run_order"] = order
    rows["batch"] = rows["batch"].astype(str)
    return rows.sort_index(kind="stable").sort_values(["batch", "run_order"], kind="stable")


def design_checks(*, injections: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Say whether run order or batch is confounded with the timepoint, and whether pairs are split between batches.

    Order: Mann-Whitney test of the study samples' places, each the share of its batch that was injected before it.
    Batch: Fisher's exact test for two batches, chi-squared for more.

    Parameters
    ----------
    injections
        Of :func:`check_injections`.

    Returns
    -------
    tuple
        Rows check, n, statistic (order: probability that a later timepoint was injected later, batch: Cramer's V,
        pairs: number of split pairs), p, confounded; and warnings, in sentences.
    """
    study = injections[(injections["control"] == STUDY) & injections["timepoint"].notna()]
    rows, warnings = [], []
    points = sorted(study["timepoint"].unique(), key=lambda word: (word != "PRE", word))
    if len(points) >= 2:
        early, late = points[0], points[-1]
        places = _places(study)
        a, b = places[study["timepoint"] == early].dropna(), places[study["timepoint"] == late].dropna()
        if len(a) and len(b):
            test = stats.mannwhitneyu(b, a, alternative="two-sided")
            share = float(test.statistic) / (len(a) * len(b))
            rows.append(_row("run_order_by_timepoint", len(a) + len(b), share, float(test.pvalue)))
            if test.pvalue < LEVEL:
                warnings.append(
                    f"Run order is confounded with the timepoint: a {late} sample was injected after a {early} sample "
                    f"in {share:.0%} of their pairs (p = {test.pvalue:.2g}). Drift that the pooled QCs do not show "
                    "would look like a change. Randomise the order of the next batch"
                )
        counts = pd.crosstab(study["batch"], study["timepoint"])
        if len(counts) > 1:
            v, p = _association(counts)
            rows.append(_row("batch_by_timepoint", len(study), v, p))
            if p < LEVEL:
                warnings.append(
                    f"Batch is confounded with the timepoint (Cramer's V = {v:.2f}, p = {p:.2g}): steps between "
                    "batches are taken off by pooled QCs alone, never by study samples"
                )
    batches = study.groupby("patient_id")["batch"].nunique()
    times = study.groupby("patient_id")["timepoint"].nunique()
    split = sorted(map(str, batches.index[(batches > 1) & (times > 1)]))
    rows.append({"check": "pairs_split_between_batches", "n": int((times > 1).sum()), "statistic": float(len(split)),
                 "p": np.nan, "confounded": bool(split)})  # fmt: skip
    if split:
        warnings.append(
            f"The timepoints of {len(split)} patients lie in different batches: {some(split)}. Their change also holds "
            "what is left of the step between batches. Keep the samples of a patient together"
        )
    return pd.DataFrame(rows), warnings


def _places(study: pd.DataFrame) -> pd.Series:
    """Return each sample's place in its batch, from 0 (first) to 1 (last)."""
    ranks = study.groupby("batch")["run_order"].rank()
    size = study.groupby("batch")["run_order"].transform("count")
    return (ranks - 0.5) / size


def _association(counts: pd.DataFrame) -> tuple[float, float]:
    """Return Cramer's V of a table of counts and the p value of independence."""
    table = counts.to_numpy()
    result = stats.chi2_contingency(table, correction=False)
    v = float(np.sqrt(result.statistic / (table.sum() * (min(table.shape) - 1))))
    p = stats.fisher_exact(table).pvalue if table.shape == (2, 2) else result.pvalue
    return v, float(p)


def _row(check: str, n: int, statistic: float, p: float) -> dict[str, object]:
    return {"check": check, "n": n, "statistic": statistic, "p": p, "confounded": bool(p < LEVEL)}


def _problem(code: str, column: str, value: object, *sentences: str) -> Problem:
    """Return a problem of the sample sheet; the sentences are what is wrong, what is allowed, how to mend it."""
    wrong, allowed, mend = sentences
    return Problem(code, FILE, None, column, None if value is None else str(value), wrong, allowed, mend)
