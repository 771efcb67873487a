"""How far each patient's microbiome moved between PRE and POST, and whether that goes with response.

A patient's two samples are expected to be more alike than those of two patients. Where they are not, the patient
changed, or two tubes were exchanged: the columns ``own_rank`` and ``warning`` are there to be looked at.
"""

import numpy as np
import pandas as pd

from gutaxis.stats.design import Design
from gutaxis.stats.linear import ols
from gutaxis.stats.permutations import p_value, permute_rows
from gutaxis.stats.ranks import rank_fits
from gutaxis.stats.results import RESULT_COLUMNS, Fits, refusal_table, result_table

SHIFT_COLUMNS = ["patient_id", "pre", "post", "cohort", "response", "metric", "distance", "percentile", "own_rank",
                 "nearest_post", "own_is_nearest", "warning"]  # fmt: skip
#: Contrast name of the rows in the table of tests.
CONTRAST = "within_patient_shift"
#: Samples of two patients nearer than this share of the median distance between patients are suspect.
NEAR = 0.1


def within_patient_shift(*, distances: pd.DataFrame, design: Design, patients: pd.Series, metric: str) -> pd.DataFrame:
    """Return one row per patient with both samples.

    Parameters
    ----------
    distances
        Samples x samples.
    design
        Of the contrast ``change`` with ``pairs="differences"``: its units are the complete pairs.
    patients
        Index sample_id: the patient of every sample in ``distances``.
    metric
        Written into the table.

    Returns
    -------
    pandas.DataFrame
        ``SHIFT_COLUMNS``, sorted by patient. ``percentile``: share (%) of the distances between PRE of one and POST of
        another patient that are below the own distance, ties half. ``own_rank``: place of the own POST among all POST
        by distance from the own PRE; 1 is expected. ``warning``: a sample that is nearly the same as one of another
        patient, or two patients whose POST samples fit better the other way round.
    """
    units = design.units.sort_values("patient_id") if len(design.units) else design.units
    if len(units) == 0:
        return pd.DataFrame(columns=SHIFT_COLUMNS)
    pre, post = list(units["pre"]), list(units["post"])
    cross = distances.loc[pre, post].to_numpy(dtype=float)
    own = np.diagonal(cross)
    others = cross[~np.eye(len(own), dtype=bool)]
    nearest = cross.argmin(axis=1)
    names = units["patient_id"].to_numpy(object)
    percentile = [
        100 * ((others < value).mean() + 0.5 * (others == value).mean()) if others.size else np.nan for value in own
    ]
    exchanged = _exchanged(cross)
    twins = _near_identical(distances, patients)
    warnings = []
    for place in range(len(units)):
        found = [twins[sample] for sample in (pre[place], post[place]) if sample in twins]
        if place in exchanged:
            found.append(f"POST fits {names[exchanged[place]]} better, and the other way round: exchanged samples?")
        warnings.append("; ".join(found) if found else None)
    return pd.DataFrame(
        {
            "patient_id": names,
            "pre": pre,
            "post": post,
            "cohort": units["cohort"].to_numpy(object) if "cohort" in units else None,
            "response": units["response"].to_numpy(object),
            "metric": metric,
            "distance": own,
            "percentile": percentile,
            "own_rank": 1 + (cross < own[:, None]).sum(axis=1),
            "nearest_post": names[nearest],
            "own_is_nearest": (cross >= own[:, None]).all(axis=1),
            "warning": pd.Series(warnings, dtype=object).to_numpy(),
        }
    )[SHIFT_COLUMNS]


def shift_tests(
    *, distances: pd.DataFrame, change: Design, response: Design, layer: str, metric: str, role: str,
    permutations: int, seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Test whether the shift is smaller than between patients, and whether it differs between responders and others.

    Parameters
    ----------
    distances
        Samples x samples.
    change, response
        Designs of ``change`` and ``response_change`` with ``pairs="differences"``.
    layer, metric, role
        Written into the rows; the metric is the ``feature``.
    permutations, seed
        Of the test of the pairing.

    Returns
    -------
    pandas.DataFrame
        ``RESULT_COLUMNS`` and reason, unit of the metric. ``pairing_permutation``: estimate = mean distance inside
        minus mean distance between patients, p one-sided (smaller inside), POST samples permuted among patients inside
        blocks. ``ols``: difference of the mean shift R - NR, adjusted for the covariates. ``mann_whitney`` or
        ``van_elteren``: Hodges-Lehmann difference with its interval, sensitivity.
    """
    parts = []
    if change.refusal is None:
        fits = _pairing(distances, change, permutations, seed)
        label = f"{metric}: within - between patients"
        parts.append(_rows(fits=fits, label=label, layer=layer, metric=metric, design=change, role=role))
    if response.refusal is None:
        own = np.array([[distances.at[row.pre, row.post]] for row in response.units.itertuples()], dtype=float)
        label = f"{metric}: shift, R - NR"
        fits = ols(values=own, matrix=response.matrix, tested=response.tested_index)
        common = {"label": label, "layer": layer, "metric": metric, "design": response}
        parts.append(_rows(fits=fits, role=role, **common))
        parts.append(_rows(fits=rank_fits(values=own, design=response), role="sensitivity", **common))
    reasons = [f"{design.contrast}: {design.refusal}" for design in (change, response) if design.refusal]
    if not parts:
        return refusal_table(layer=layer, contrast=CONTRAST, role=role, reason="; ".join(reasons))
    table = pd.concat(parts, ignore_index=True)
    table.attrs = {"refusal": "; ".join(reasons)} if reasons else {}
    return table


def _pairing(distances: pd.DataFrame, design: Design, permutations: int, seed: int) -> Fits:
    """Test whether own pairs are nearer than pairs drawn from the same block."""
    cross = distances.loc[list(design.units["pre"]), list(design.units["post"])].to_numpy(dtype=float)
    n = len(cross)
    blocks = design.blocks
    if max(np.count_nonzero(blocks == label) for label in set(blocks.tolist())) < 2:
        blocks = np.zeros(n)
    arrangements = permute_rows(blocks=blocks, permutations=permutations, seed=seed)
    observed = float(np.trace(cross)) / n
    permuted = cross[np.arange(n), arrangements.order].mean(axis=1)
    estimate = observed - float((cross.sum() - np.trace(cross)) / (n * (n - 1)))
    nothing = np.array([np.nan])
    return Fits(
        method="pairing_permutation",
        estimate=np.array([estimate]), se=nothing, statistic=np.array([observed]), df=nothing,
        p=np.array([p_value(observed=observed, permuted=permuted, tail="less")]), ci_low=nothing, ci_high=nothing,
        n=np.array([float(n)]), reason=np.array([None], dtype=object),
    )  # fmt: skip


def _rows(*, fits: Fits, label: str, layer: str, metric: str, design: Design, role: str) -> pd.DataFrame:
    table = result_table(
        fits=fits, layer=layer, contrast=CONTRAST, features=[metric], labels=[label], design=design, role=role
    )
    return table[[*RESULT_COLUMNS, "reason"]]


def _exchanged(cross: np.ndarray) -> dict[int, int]:
    """Return i -> j where each patient's PRE is nearest to the other's POST, nearer than either own pair."""
    nearest = cross.argmin(axis=1)
    own = np.diagonal(cross)
    return {
        i: int(j)
        for i, j in enumerate(nearest)
        if j != i and nearest[j] == i and max(cross[i, j], cross[j, i]) < min(own[i], own[j])
    }


def _near_identical(distances: pd.DataFrame, patients: pd.Series) -> dict[str, str]:
    """Return sample -> sentence, for samples that are nearly the same as one of another patient."""
    values = distances.to_numpy(dtype=float)
    owner = patients.reindex(distances.index).astype(str).to_numpy()
    between = owner[:, None] != owner[None, :]
    if not between.any():
        return {}
    limit = NEAR * float(np.median(values[between]))
    apart = np.where(between, values, np.inf)
    found = {}
    for place, sample in enumerate(distances.index):
        other = int(apart[place].argmin())
        if apart[place, other] < limit:
            found[sample] = (
                f"{sample} is nearly identical to {distances.index[other]} of {owner[other]} "
                f"(distance {apart[place, other]:.3g})"
            )
    return found
