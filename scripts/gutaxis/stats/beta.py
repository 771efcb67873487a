"""Beta diversity of a layer under one metric: distances, principal coordinates, PERMANOVA, dispersion, shift.

No clusters, no enterotypes: nothing here sorts samples into types, because types of the gut microbiome have no
evidence of stability in trials of this size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from anndata import AnnData

from gutaxis.files import write_tsv
from gutaxis.stats.composition import TABLE_HALF_MINIMUM
from gutaxis.stats.contrast_permanova import TABLE as PERMANOVA_COLUMNS
from gutaxis.stats.contrast_permanova import contrast_permanova
from gutaxis.stats.design import Design, contrast_design
from gutaxis.stats.dispersion import TABLE as DISPERSION_COLUMNS
from gutaxis.stats.dispersion import contrast_dispersion
from gutaxis.stats.distances import UNITS, Distances, distance_matrix
from gutaxis.stats.inputs import samples_with_outcomes
from gutaxis.stats.ordination import Coordinates, principal_coordinates
from gutaxis.stats.results import refusal_table, write_results
from gutaxis.stats.shift import CONTRAST, SHIFT_COLUMNS, shift_tests, within_patient_shift

if TYPE_CHECKING:
    from skbio import TreeNode

#: Columns of a layer's samples that go beside the coordinates.
ABOUT = ("patient_id", "timepoint", "cohort", "batch")
DROPPED_COLUMNS = ["contrast", "what", "name", "reason"]


@dataclass(frozen=True, kw_only=True)
class BetaSettings:
    """Choices of the config.

    Parameters
    ----------
    permutations
        Most arrangements of each test; fewer where there are fewer, and then p is exact.
    batch, min_patients
        Of :func:`gutaxis.stats.design.contrast_design`.
    pseudocount
        For the Aitchison distance, see :func:`gutaxis.stats.composition.replace_zeros`.
    axes
        Principal coordinates in the table.
    bias_adjust
        Of :func:`gutaxis.stats.dispersion.distances_to_centre`.
    """

    permutations: int = 9999
    batch: str = "covariate"
    min_patients: int = 3
    pseudocount: str | float = TABLE_HALF_MINIMUM
    axes: int = 10
    bias_adjust: bool = True


@dataclass(frozen=True, kw_only=True)
class BetaResult:
    """Everything about one layer and metric.

    Parameters
    ----------
    layer
        Its name.
    distances
        With what was left out of them.
    coordinates
        None where there are no distances.
    pcoa
        sample_id, patient_id, timepoint, cohort, batch, axis_1 ...
    permanova, dispersion
        Columns of :mod:`gutaxis.stats.contrast_permanova` and :mod:`gutaxis.stats.dispersion`.
    shift
        One row per complete pair.
    shift_tests
        ``RESULT_COLUMNS`` and reason.
    dropped
        contrast (``all``: of the distances), what, name, reason.
    """

    layer: str
    distances: Distances
    coordinates: Coordinates | None
    pcoa: pd.DataFrame
    permanova: pd.DataFrame
    dispersion: pd.DataFrame
    shift: pd.DataFrame
    shift_tests: pd.DataFrame
    dropped: pd.DataFrame


def beta_diversity(
    *,
    adata: AnnData,
    outcomes: pd.DataFrame,
    contrasts: Mapping[str, str],
    covariates: Sequence[str],
    settings: BetaSettings,
    metric: str,
    seed: int,
    tree: "TreeNode | None" = None,
) -> BetaResult:
    """Compute distances and every analysis that rests on them.

    Parameters
    ----------
    adata
        A layer.
    outcomes
        Index sample_id: response (R, NR, missing), pfs2_days, pfs2_cnsr, and pair_status if the layer lacks it.
    contrasts
        contrast -> role, in the order of the output.
    covariates
        Columns of the layer's samples to adjust for, most important first.
    settings
        Choices of the config.
    metric
        One of :func:`gutaxis.stats.distances.metrics_for`.
    seed
        Of the arrangements; the same for every test, so that adding a contrast changes no other.
    tree
        For UniFrac.

    Returns
    -------
    BetaResult
        Where something cannot be done the tables have a row, or a header line, that says why.
    """
    layer = str(adata.uns["name"])
    distances = distance_matrix(adata=adata, metric=metric, tree=tree, pseudocount=settings.pseudocount)
    dropped = [("all", *row) for row in distances.dropped.itertuples(index=False, name=None)]
    if distances.refusal is not None:
        return _without(layer, distances, contrasts, dropped)
    observations = samples_with_outcomes(adata=adata, outcomes=outcomes).loc[distances.values.index]
    pairs = _design("change", observations, (), settings, batch="ignore")
    response = _design("response_change", observations, covariates, settings)
    permanova, dispersion = [], []
    common = {"distances": distances.values, "permutations": settings.permutations, "seed": seed}
    for contrast in contrasts:
        # Swapping inside patients is exact; only what varies there needs a place in the model (and a value).
        own = _varying(observations, covariates) if contrast == "change" else covariates
        design = response if contrast == "response_change" else _design(contrast, observations, own, settings)
        dropped += [(contrast, *row) for row in design.dropped.itertuples(index=False, name=None)]
        permanova.append(contrast_permanova(design=design, **common))
        dispersion.append(contrast_dispersion(design=design, bias_adjust=settings.bias_adjust, **common))
    role = contrasts.get("response_change", "exploratory")
    coordinates = principal_coordinates(distances=distances.values, axes=settings.axes)
    about = observations[[name for name in ABOUT if name in observations]]
    return BetaResult(
        layer=layer,
        distances=distances,
        coordinates=coordinates,
        pcoa=about.join(coordinates.points).rename_axis("sample_id").reset_index(),
        permanova=_stack(permanova, PERMANOVA_COLUMNS),
        dispersion=_stack(dispersion, DISPERSION_COLUMNS),
        shift=within_patient_shift(
            distances=distances.values, design=pairs, patients=observations["patient_id"], metric=metric
        ),
        shift_tests=shift_tests(change=pairs, response=response, layer=layer, metric=metric, role=role, **common),
        dropped=pd.DataFrame(dropped, columns=DROPPED_COLUMNS, dtype=object),
    )


def write_beta(*, result: BetaResult, outputs: Mapping[str, Path | str]) -> None:
    """Write the tables that have a path.

    Parameters
    ----------
    result
        From :func:`beta_diversity`.
    outputs
        Any of ``distances``, ``pcoa``, ``pcoa_axes``, ``permanova``, ``dispersion``, ``shift``, ``shift_tests``,
        ``dropped`` -> target.

    Raises
    ------
    ValueError
        For another name.
    """
    metric = result.distances.metric
    head = [f"layer {result.layer}; {metric}", *result.distances.notes[1:], f"unit of the distances: {UNITS[metric]}"]
    if result.distances.refusal is not None:
        head.insert(0, f"no result: {result.distances.refusal}")
    lines = {
        "pcoa": _explained(result.coordinates),
        "pcoa_axes": _explained(result.coordinates),
        "permanova": [
            "marginal terms; p from permutations of what the other terms leave (Freedman and Lane); n: patients",
            "r2 of change: of all paired samples; of response_change: of the changes between patients",
            *_left_out(result.dropped),
        ],
        "dispersion": ["as vegan::betadisper; spread: mean distance to the centre of each group"],
        "shift": ["percentile: share of the PRE-POST distances between patients that are smaller than the own one"],
    }
    tables = {
        "distances": result.distances.values.rename_axis("sample_id").reset_index(),
        "pcoa": result.pcoa,
        "pcoa_axes": _axes(result.coordinates),
        "permanova": result.permanova,
        "dispersion": result.dispersion,
        "shift": result.shift,
        "dropped": result.dropped,
    }
    for name, path in outputs.items():
        if name == "shift_tests":
            comment = "pairing_permutation: p is one-sided (own pairs are nearer)"
            write_results(table=result.shift_tests, path=path, unit=UNITS[metric], comment=comment)
        elif name in tables:
            write_tsv(tables[name], path, comment="\n".join([*head, *lines.get(name, [])]))
        else:
            raise ValueError(f"{name}: one of {', '.join([*tables, 'shift_tests'])}")


def _design(
    contrast: str,
    observations: pd.DataFrame,
    covariates: Sequence[str],
    settings: BetaSettings,
    batch: str | None = None,
) -> Design:
    return contrast_design(
        contrast=contrast, observations=observations, covariates=tuple(covariates), batch=batch or settings.batch,
        pairs="differences", min_patients=settings.min_patients,
    )  # fmt: skip


def _varying(observations: pd.DataFrame, covariates: Sequence[str]) -> list[str]:
    """Return the covariates that differ between two samples of any patient."""
    by_patient = observations.groupby(observations["patient_id"].astype(str), observed=True)
    return [name for name in covariates if name in observations and (by_patient[name].nunique() > 1).any()]


def _without(
    layer: str, distances: Distances, contrasts: Mapping[str, str], dropped: list[tuple[str, str, str, str]]
) -> BetaResult:
    reason = f"no {distances.metric} distances: {distances.refusal}"
    rows = [{"contrast": contrast, "reason": reason} for contrast in contrasts]
    return BetaResult(
        layer=layer,
        distances=distances,
        coordinates=None,
        pcoa=pd.DataFrame(columns=["sample_id", *ABOUT]),
        permanova=pd.DataFrame(rows, columns=PERMANOVA_COLUMNS),
        dispersion=pd.DataFrame(rows, columns=DISPERSION_COLUMNS),
        shift=pd.DataFrame(columns=SHIFT_COLUMNS),
        shift_tests=refusal_table(layer=layer, contrast=CONTRAST, role="exploratory", reason=reason),
        dropped=pd.DataFrame(dropped, columns=DROPPED_COLUMNS, dtype=object),
    )


def _stack(parts: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    """Join tables whose columns may be all missing in some of them."""
    rows = [row for part in parts for row in part.to_dict("records")]
    return pd.DataFrame(rows, columns=columns)


def _left_out(dropped: pd.DataFrame) -> list[str]:
    """Return one line per contrast and reason; long lists of names as a number."""
    lines = []
    for (contrast, what, reason), rows in dropped.groupby(["contrast", "what", "reason"], sort=False):
        names = list(rows["name"])
        told = ", ".join(names) if len(names) <= 5 else f"{len(names)} {what}s"
        lines.append(f"left out of {contrast}: {what if len(names) <= 5 else ''} {told}: {reason}".replace("  ", " "))
    return lines


def _explained(coordinates: Coordinates | None) -> list[str]:
    if coordinates is None:
        return []
    first = coordinates.axes.head(3)
    shares = ", ".join(f"{row.axis} {row.explained:.1%}" for row in first.itertuples())
    return [
        f"explained, of the positive eigenvalues: {shares}",
        f"share of negative eigenvalues: {coordinates.negative_share:.1%}",
    ]


def _axes(coordinates: Coordinates | None) -> pd.DataFrame:
    return pd.DataFrame(columns=["axis", "eigenvalue", "explained"]) if coordinates is None else coordinates.axes
