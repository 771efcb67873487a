"""PERMANOVA of a contrast: which samples, which inner products, and which arrangements are valid for each term.

=================== ============================== ==================================================================
contrast            rows of the model              arrangements
=================== ============================== ==================================================================
baseline, post      one sample per patient         whole patients inside blocks; a term that is constant inside every
                                                   block (the cohort itself) is permuted over all patients
change              POST - PRE of complete pairs   PRE and POST swapped inside patients; the model is ~ patient + time
response_change     POST - PRE of complete pairs   patients (their labels) over the differences, inside blocks
survival            PRE samples                    whole patients inside blocks; the term is the martingale residual of
                                                   PFS2 without covariates (MiRKAT-S: Plantinga 2017, Microbiome 5:17)
=================== ============================== ==================================================================

Sums of squares of the two contrasts over time are those of the model on the samples: half of what the differences give.
F is the same. R2 of ``change`` is of the variation of all paired samples, so that time and patient can be compared;
R2 of ``response_change`` is of the variation of the changes between patients.

Patients without both samples cannot be swapped or differenced, and stay out of these two contrasts.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from gutaxis.stats.design import Design
from gutaxis.stats.permanova import COLUMNS, difference_gram, gower, permanova
from gutaxis.stats.permutations import Arrangements, permute_rows, swap_within_patient

#: Columns of permanova_{metric}.tsv.
TABLE = ["contrast", "term", "df", "ss", "r2", "f", "p", "permutations", "scheme", "n", "exact", "reason"]


class Chance(NamedTuple):
    """How many arrangements at most, and the seed of their choice."""

    permutations: int
    seed: int


def contrast_permanova(*, distances: pd.DataFrame, design: Design, permutations: int, seed: int) -> pd.DataFrame:
    """Test the terms of one contrast.

    Parameters
    ----------
    distances
        Samples x samples, index and columns sample_id; holds every sample of the design.
    design
        From :func:`gutaxis.stats.design.contrast_design` with ``pairs="differences"``.
    permutations
        Most arrangements per term.
    seed
        Of the arrangements.

    Returns
    -------
    pandas.DataFrame
        ``TABLE``: one row per term, then Residual and Total; n = patients. A contrast that cannot be made is one row
        with ``reason``.

    Raises
    ------
    ValueError
        For a mixed design: permutations need complete pairs.
    """
    if design.refusal is not None:
        return _refused(design, design.refusal)
    if design.scheme == "mixed":
        raise ValueError("PERMANOVA needs a design with pairs='differences'")
    if len(design.matrix) - design.matrix.shape[1] - (design.scheme == "survival") < 1:
        return _refused(design, f"{len(design.matrix)} rows for {design.matrix.shape[1]} columns of the model")
    chance = Chance(permutations, seed)
    if design.contrast == "change":
        table = _change(distances, design, chance)
    elif design.scheme == "difference":
        gram = contrast_gram(distances=distances, design=design) / 2
        table = _between(gram, design.matrix, _renamed(design), design.blocks, chance)
    elif design.scheme == "survival":
        residual = martingale(time=design.time, event=design.event, strata=design.blocks)
        if np.ptp(residual) < 1e-12:
            return _refused(design, "the same PFS2 for all patients")
        matrix = np.column_stack([np.ones(len(residual)), design.matrix, residual])
        terms = {"pfs2": (matrix.shape[1] - 1,)}
        table = _between(contrast_gram(distances=distances, design=design), matrix, terms, design.blocks, chance)
    else:
        gram = contrast_gram(distances=distances, design=design)
        table = _between(gram, design.matrix, _renamed(design), design.blocks, chance)
    return table.assign(contrast=design.contrast, n=design.n, reason=None)[TABLE]


def contrast_gram(*, distances: pd.DataFrame, design: Design, samples: bool = False) -> np.ndarray:
    """Return the inner products of the rows of a design: of samples, or of the changes of patients.

    Parameters
    ----------
    distances
        Samples x samples.
    design
        Scheme between, difference or survival.
    samples
        For a difference: the inner products of all its samples instead, PRE of every patient and then POST.
    """
    names = design.samples
    gram = gower(distances=distances.loc[names, names].to_numpy(dtype=float))
    if design.scheme != "difference" or samples:
        return gram
    pairs = len(design.units)
    return difference_gram(gram=gram, pre=np.arange(pairs), post=np.arange(pairs, 2 * pairs))


def martingale(*, time: np.ndarray, event: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Return event - H(time), H the Nelson-Aalen cumulative hazard of the stratum; shape (n,), unit events.

    Positive: the event came earlier than expected. Sums to 0 in each stratum. Oracle: R
    ``residuals(coxph(Surv(time, event) ~ 1, ties = "breslow"))``.
    """
    found = np.empty(len(time))
    for label in set(strata.tolist()):
        own = np.flatnonzero(strata == label)
        at_risk = (time[own][None, :] >= time[own][:, None]).sum(axis=1)
        steps = event[own] / at_risk
        earlier = time[own][None, :] <= time[own][:, None]
        found[own] = event[own] - earlier @ steps
    return found


def arrangements_for(
    *, matrix: np.ndarray, columns: tuple[int, ...], blocks: np.ndarray, permutations: int, seed: int
) -> Arrangements:
    """Return arrangements of patients that are valid for a term, and say in ``scheme`` what they kept.

    Parameters
    ----------
    matrix
        Shape (n, p), one row per patient.
    columns
        Of the term. If all are constant inside every block, permuting inside blocks would change nothing.
    blocks
        Shape (n,).
    permutations, seed
        As in :func:`gutaxis.stats.permutations.permute_rows`.
    """
    inside = len(set(blocks.tolist())) > 1 and _varies(matrix[:, list(columns)], blocks)
    scheme = "patients within blocks" if inside else "patients"
    kept = blocks if inside else np.zeros(len(blocks))
    return permute_rows(blocks=kept, permutations=permutations, seed=seed, design=matrix, scheme=scheme)


def _varies(values: np.ndarray, blocks: np.ndarray) -> bool:
    """Whether any column varies inside any block."""
    return any(np.ptp(values[blocks == label], axis=0).max() > 1e-9 for label in set(blocks.tolist()))


def _between(
    gram: np.ndarray, matrix: np.ndarray, terms: dict[str, tuple[int, ...]], blocks: np.ndarray, chance: Chance
) -> pd.DataFrame:
    chosen: dict[str, Arrangements] = {}
    made: dict[bool, Arrangements] = {}
    for name, columns in terms.items():
        inside = _varies(matrix[:, list(columns)], blocks)
        if inside not in made:
            made[inside] = arrangements_for(
                matrix=matrix, columns=columns, blocks=blocks, permutations=chance.permutations, seed=chance.seed
            )
        chosen[name] = made[inside]
    return permanova(gram=gram, matrix=matrix, terms=terms, arrangements=chosen, permute="reduced")


def _change(distances: pd.DataFrame, design: Design, chance: Chance) -> pd.DataFrame:
    pairs = len(design.units)
    total = float(np.trace(contrast_gram(distances=distances, design=design, samples=True)))
    gram = contrast_gram(distances=distances, design=design) / 2
    # Centred columns belong to patients; swapping is exact without them. What varies inside patients has to stay.
    varying = [
        column
        for column in range(1, design.matrix.shape[1])
        if abs(design.matrix[:, column].mean()) > 1e-9 * np.abs(design.matrix[:, column]).max()
    ]
    matrix = design.matrix[:, [0, *varying]]
    terms = {"time": (0,)} | {
        name: tuple(1 + varying.index(column) for column in columns)
        for name, columns in design.terms.items()
        if set(columns) <= set(varying)
    }
    table = permanova(
        gram=gram,
        matrix=matrix,
        terms=terms,
        arrangements=swap_within_patient(pairs=pairs, permutations=chance.permutations, seed=chance.seed),
        permute="reduced",
        total=total,
    )
    patient = total - float(np.trace(gram))
    row = pd.DataFrame({"term": ["patient"], "df": [pairs - 1], "ss": [patient], "r2": [patient / total]})
    table = pd.concat([table.iloc[:-2], row, table.iloc[-2:]], ignore_index=True)
    table.loc[table["term"] == "Total", "df"] = 2 * pairs - 1
    return table


def _renamed(design: Design) -> dict[str, tuple[int, ...]]:
    """Return the terms without the intercept; of differences, patient-level terms are interactions with time."""
    found = {}
    for name, columns in design.terms.items():
        if name == "intercept":
            continue
        varies = any(abs(design.matrix[:, column].mean()) > 1e-9 for column in columns) and name != "response"
        found[f"{name}:time" if design.scheme == "difference" and not varies else name] = columns
    return found


def _refused(design: Design, reason: str) -> pd.DataFrame:
    row = dict.fromkeys([*TABLE, *COLUMNS], None) | {"contrast": design.contrast, "n": design.n, "reason": reason}
    return pd.DataFrame([row])[TABLE]
