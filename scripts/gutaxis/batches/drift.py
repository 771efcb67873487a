"""Do patients of the newest batches differ from earlier ones? Distances by layer, and the features that moved most."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gutaxis.stats.permanova import gower

DRIFT_COLUMNS = [
    "layer", "metric", "patients_new", "patients_earlier", "distance_within_earlier", "distance_to_earlier", "r2", "p",
    "permutations", "scheme", "note",
]  # fmt: skip
SHIFT_COLUMNS = ["layer", "feature", "label", "difference", "sd_earlier", "standardised"]
#: Features listed for a layer.
LISTED = 10
#: Patients of either side below which nothing is tested, and values of a feature below which no shift is told.
MIN_PATIENTS = 3
SCHEME = "patients within cohort and timepoint"


@dataclass(frozen=True)
class Drift:
    """``table``: one row, ``DRIFT_COLUMNS``; ``shifts``: ``SHIFT_COLUMNS``."""

    table: pd.DataFrame
    shifts: pd.DataFrame


def one_sample_each(*, samples: pd.DataFrame) -> pd.DataFrame:
    """Return one sample of each patient, PRE before POST, then the first by name: the patient is the unit.

    So a patient with a PRE sample in an earlier batch is an earlier patient, whatever the newest batch holds of it.

    Parameters
    ----------
    samples
        Index sample_id; patient_id, timepoint, batch, cohort.
    """
    order = samples.assign(_order=(samples["timepoint"] != "PRE").astype(int)).rename_axis("sample_id").reset_index()
    chosen = order.dropna(subset="patient_id").sort_values(["_order", "sample_id"]).drop_duplicates("patient_id")
    return chosen.set_index("sample_id").drop(columns="_order").sort_index()


def batch_r2(*, gram: np.ndarray, new: np.ndarray) -> float:
    """Return the share of the variation that lies between two groups.

    With the Gower-centred matrix G it is ``sum_g (1 / n_g) sum_{i, j in g} G_ij / trace(G)``, the R2 of a PERMANOVA of
    one factor (Anderson, Austral Ecol 2001;26:32-46). NaN where nothing varies. Oracle: scikit-bio's permanova in
    ``tests/unit/test_batch_drift.py``.

    Parameters
    ----------
    gram
        Shape (n, n), from :func:`gutaxis.stats.permanova.gower`.
    new
        Shape (n,), bool.
    """
    between = sum(gram[np.ix_(group, group)].sum() / group.sum() for group in (new, ~new))
    total = np.trace(gram)
    return float(between / total) if total > 0 else np.nan


def layer_drift(
    *, layer: str, metric: str, distances: pd.DataFrame, values: pd.DataFrame, samples: pd.DataFrame,
    newest: Sequence[str], labels: pd.Series, permutations: int, seed: int,
) -> Drift:  # fmt: skip
    """Compare the newest batches of a layer with the earlier ones.

    Parameters
    ----------
    layer, metric
        Names.
    distances
        Square, samples x samples.
    values
        Samples x features, on the scale in which a shift is to be told.
    samples
        Index sample_id: patient_id timepoint batch cohort.
    newest
        Batches.
    labels
        feature -> label.
    permutations
        Random arrangements of the patients, within each cohort and timepoint.
    seed
        Of these; each layer draws by its own name.

    Returns
    -------
    Drift
        Median distances within the earlier patients, and of the newest to them; R2 of the batch with p = (b + 1) /
        (m + 1). A batch of another season or another kind of patients differs for that reason too: this is no proof of
        a technical effect. ``note`` says why nothing was tested. Shifts: mean of the newest less mean of the earlier,
        over the earlier standard deviation, of features with at least three values on both sides.
    """
    chosen = one_sample_each(samples=samples.loc[samples.index.intersection(distances.index)])
    new = chosen["batch"].astype(str).isin(set(newest)).to_numpy()
    counts = int(new.sum()), int((~new).sum())
    empty = pd.DataFrame(columns=SHIFT_COLUMNS)
    if min(counts) < MIN_PATIENTS:
        note = f"fewer than {MIN_PATIENTS} patients on a side ({counts[0]} newest, {counts[1]} earlier)"
        row = (layer, metric, *counts, *[np.nan] * 4, 0, None, note)
        return Drift(pd.DataFrame([row], columns=DRIFT_COLUMNS), empty)
    d = distances.loc[chosen.index, chosen.index].to_numpy(dtype=float)
    gram = gower(distances=d)
    observed = batch_r2(gram=gram, new=new)
    rng = np.random.default_rng([seed, zlib.crc32(layer.encode())])
    strata = (chosen["cohort"].fillna("NA") + "\t" + chosen["timepoint"].fillna("NA")).to_numpy()
    groups = [np.flatnonzero(strata == name) for name in sorted(set(strata))]
    movable = any(0 < new[group].sum() < len(group) for group in groups)
    beyond, p, note = 0, np.nan, None
    if not np.isfinite(observed):
        note = "nothing varies between the patients"
    elif movable:
        for _ in range(permutations):
            moved = new.copy()
            for group in groups:
                moved[group] = rng.permutation(new[group])
            beyond += batch_r2(gram=gram, new=moved) >= observed - 1e-12
        p = (beyond + 1) / (permutations + 1)
    else:
        note = "every cohort and timepoint is of one side only: they and the batch cannot be told apart"
    earlier = d[np.ix_(~new, ~new)]
    row = (
        layer, metric, *counts, np.median(earlier[np.triu_indices(len(earlier), 1)]), np.median(d[np.ix_(new, ~new)]),
        observed, p, permutations if note is None else 0, SCHEME if note is None else None, note,
    )  # fmt: skip
    shifts = _shifts(layer=layer, values=values.loc[chosen.index], new=new, labels=labels)
    return Drift(pd.DataFrame([row], columns=DRIFT_COLUMNS), shifts)


def _shifts(*, layer: str, values: pd.DataFrame, new: np.ndarray, labels: pd.Series) -> pd.DataFrame:
    enough = (values[new].notna().sum() >= MIN_PATIENTS) & (values[~new].notna().sum() >= MIN_PATIENTS)
    values = values.loc[:, enough]
    difference = values[new].mean() - values[~new].mean()
    sd = values[~new].std(ddof=1)
    table = pd.DataFrame({"layer": layer, "feature": values.columns, "label": labels.reindex(values.columns).to_numpy(),
                          "difference": difference.to_numpy(), "sd_earlier": sd.to_numpy()})  # fmt: skip
    table["standardised"] = table["difference"] / table["sd_earlier"].where(table["sd_earlier"] > 0)
    order = table.assign(_size=-table["standardised"].abs()).dropna(subset="standardised")
    return order.sort_values(["_size", "feature"]).head(LISTED)[SHIFT_COLUMNS].reset_index(drop=True)
