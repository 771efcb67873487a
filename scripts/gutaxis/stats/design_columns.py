"""Covariates as centred columns of a model matrix, and which of them the data can carry."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

#: A covariate missing in more of the units than this leaves the model; below it, the units with a gap do.
MAX_MISSING = 1 / 3
Dropped = list[tuple[str, str, str]]


@dataclass(frozen=True)
class Term:
    """One column of the model: the term it belongs to, its own name, its values, shape (n,)."""

    term: str
    name: str
    values: np.ndarray


def covariate_columns(
    *, samples: pd.DataFrame, names: list[str], scheme: str
) -> tuple[pd.DataFrame, list[Term], Dropped]:
    """Return samples without gaps in the covariates, the covariates' columns, and what was left out.

    Parameters
    ----------
    samples
        Sorted by patient and time; in the scheme ``difference`` exactly PRE and POST of each patient.
    names
        Covariates by falling importance.
    scheme
        Decides how a covariate enters: see :mod:`gutaxis.stats.design`.

    Returns
    -------
    tuple
        Samples; columns, centred (numeric ones in SD units, words as one indicator per level but the most frequent);
        dropped rows.
    """
    dropped: Dropped = []
    kept = []
    for name in names:
        gaps = samples[name].isna()
        if gaps.mean() > MAX_MISSING:
            dropped.append(("covariate", name, f"missing in {int(gaps.sum())} of {len(gaps)} samples"))
        else:
            kept.append(name)
    gaps = samples[kept].isna().any(axis=1) if kept else pd.Series(False, index=samples.index)
    if gaps.any():
        # A difference needs both samples; elsewhere only the sample itself is lost.
        owners = samples["patient_id"].isin(samples.loc[gaps, "patient_id"]) if scheme == "difference" else gaps
        for sample_id, row in samples.loc[gaps, kept].iterrows():
            dropped.append(("sample", str(sample_id), f"no value of {', '.join(row.index[row.isna()])}"))
        samples = samples[~owners]
    terms: list[Term] = []
    for name in kept:
        if samples[name].nunique() < 2:
            dropped.append(("covariate", name, "one level only"))
            continue
        terms += _columns(samples=samples, name=name, scheme=scheme)
        if not any(term.term in {name, f"{name}:time"} for term in terms):
            dropped.append(("covariate", name, "the same in both samples of every patient: it cancels"))
    return samples, terms, dropped


def _columns(*, samples: pd.DataFrame, name: str, scheme: str) -> list[Term]:
    """Return the columns of one covariate."""
    coded = _coded(samples[name])
    constant = bool((samples.groupby("patient_id")[name].nunique() <= 1).all())
    time = (samples["timepoint"] == "POST").to_numpy()
    if scheme == "difference" and constant:
        coded = {} if name == "batch" else {level: values[~time] for level, values in coded.items()}
    elif scheme == "difference":
        coded = {level: values[time] - values[~time] for level, values in coded.items()}
    # A difference of a covariate that varies within patients is not centred: the mean change is the one at a difference
    # of 0, and a batch that changes with time in every patient must show as confounded.
    varies = scheme == "difference" and not constant
    terms = [Term(name, level, values if varies else values - values.mean()) for level, values in coded.items()]
    if scheme == "mixed" and constant and name != "batch":
        # centred over the POST samples, so that the coefficient of time stays the mean change
        terms += [
            Term(f"{name}:time", f"{level}:time", (values - values[time].mean()) * time)
            for level, values in coded.items()
        ]
    return [term for term in terms if np.abs(term.values).max() > 1e-12]


def _coded(column: pd.Series) -> dict[str, np.ndarray]:
    """Return column name -> numbers: SD units, or indicators of all levels but the most frequent (then the first)."""
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        values = column.to_numpy(float)
        return {str(column.name): (values - values.mean()) / values.std(ddof=1)}
    words = column.astype(str)
    levels = sorted(words.unique(), key=lambda level: (-int((words == level).sum()), level))
    return {f"{column.name}={level}": (words == level).to_numpy(float) for level in sorted(levels[1:])}


def choose_terms(
    *, base: list[Term], covariates: list[Term], tested: str, limit: int
) -> tuple[list[Term], Dropped, str | None]:
    """Return the columns of a full-rank model, what was left out, and a refusal where the contrast is confounded.

    Parameters
    ----------
    base
        Columns the contrast needs, the tested one among them.
    covariates
        Columns by falling importance.
    tested
        Name of the tested column, or ``feature`` if it is not here.
    limit
        Most columns the model may have.

    Returns
    -------
    tuple
        Columns; dropped rows; None or a sentence that names the columns which cannot be told apart.
    """
    dropped: Dropped = []
    for term in dict.fromkeys(item.term for item in covariates):
        block = [item.values for item in covariates if item.term == term]
        if _aliased(base=base, tested=tested, others=block):
            return (
                base,
                dropped,
                f"{tested} cannot be told apart from {term}: the samples differ in both at once",
            )
    if _aliased(base=base, tested=tested, others=[item.values for item in covariates]):
        names = ", ".join(dict.fromkeys(item.term for item in covariates))
        return base, dropped, f"{tested} cannot be told apart from the covariates together ({names})"
    chosen = list(base)
    for term in dict.fromkeys(item.term for item in covariates):
        columns = [item for item in covariates if item.term == term]
        new = []
        for item in columns:
            stack = np.column_stack([other.values for other in [*chosen, *new, item]])
            if _rank(stack) == stack.shape[1]:
                new.append(item)
        if not new:
            dropped.append(("covariate", term, "follows from the columns before it (collinear)"))
        elif len(chosen) + len(new) > limit:
            dropped.append(("covariate", term, f"too few observations: the model may have {max(limit, 0)} columns"))
        else:
            if len(new) < len(columns):
                gone = ", ".join(item.name for item in columns if item not in new)
                dropped.append(("covariate", gone, "follows from the columns before it (collinear)"))
            chosen += new
    if tested != "feature" and len(base) > limit:
        return chosen, dropped, f"{len(base)} columns are needed and the data can carry {max(limit, 0)}"
    return chosen, dropped, None


def _aliased(*, base: list[Term], tested: str, others: list[np.ndarray]) -> bool:
    """Whether the tested column lies in the space of the other columns."""
    target = [item.values for item in base if item.name == tested]
    rest = [item.values for item in base if item.name != tested] + others
    if not target or not others or not rest:
        return False
    return _rank(np.column_stack(rest)) == _rank(np.column_stack([*rest, *target]))


def _rank(matrix: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(matrix, tol=1e-8 * max(matrix.shape) * max(1.0, float(np.abs(matrix).max()))))
