"""Two engines on the same files: which features both have, and whether they tell the same of the samples."""

from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.metabolome.feature_table import read_feature_table
from gutaxis.metabolome.presets import Preset

COLUMNS = ["feature", "other", "mz", "rt", "delta_ppm", "delta_rt_s", "samples", "r"]
#: Samples with both values that a correlation needs.
MIN_SAMPLES = 3


def concordance(
    *,
    features: pd.DataFrame,
    values: pd.DataFrame,
    other_features: pd.DataFrame,
    other_values: pd.DataFrame,
    ppm: float,
    rt_s: float,
) -> pd.DataFrame:
    """Compare the features of two engines on the same files.

    Parameters
    ----------
    features, other_features
        Index feature; mz, rt (s).
    values, other_values
        features x samples, areas; samples in common are compared.
    ppm, rt_s
        Largest distance of a pair. Nearest pairs are made first (distance: the sum of both, each as a share of its
        limit); a feature is in one pair at most.

    Returns
    -------
    DataFrame
        feature, other, mz, rt, delta_ppm, delta_rt_s, samples (with both values), r (Pearson, log areas; NA below 3).
        First the pairs and the features without partner, then those that only the other engine has.
    """
    pairs = []
    order = other_features.sort_values("mz")
    mz, rt = order["mz"].to_numpy(dtype=float), order["rt"].to_numpy(dtype=float)
    for name, row in features[["mz", "rt"]].iterrows():
        first, last = np.searchsorted(mz, [row["mz"] / (1 + ppm * 1e-6), row["mz"] * (1 + ppm * 1e-6)])
        for place in range(first, last):
            error, shift = 1e6 * (mz[place] / row["mz"] - 1), rt[place] - row["rt"]
            if abs(shift) <= rt_s:
                distance = abs(error) / ppm + abs(shift) / rt_s
                pairs.append((distance, str(name), str(order.index[place]), error, shift))
    partner: dict[str, tuple[str, float, float]] = {}
    taken: set[str] = set()
    for _, name, other, error, shift in sorted(pairs):
        if name not in partner and other not in taken:
            partner[name] = (other, error, shift)
            taken.add(other)
    common = sorted(set(values.columns) & set(other_values.columns))
    rows: list[tuple[object, ...]] = []
    for name, row in features[["mz", "rt"]].iterrows():
        if name not in partner:
            rows.append((name, None, row["mz"], row["rt"], np.nan, np.nan, 0, np.nan))
            continue
        other, error, shift = partner[str(name)]
        x, y = values.loc[name, common], other_values.loc[other, common]
        both = (x > 0) & (y > 0)
        r = float(np.corrcoef(np.log(x[both]), np.log(y[both]))[0, 1]) if both.sum() >= MIN_SAMPLES else np.nan
        rows.append((name, other, row["mz"], row["rt"], error, shift, int(both.sum()), r))
    rows += [
        (None, name, row["mz"], row["rt"], np.nan, np.nan, 0, np.nan)
        for name, row in other_features[["mz", "rt"]].iterrows()
        if name not in taken
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def compare_engines(
    *, openms: tuple[Path, Path, Path], asari: tuple[Path, Path, Path], preset: Preset, output: Path
) -> None:
    """Write the concordance of our own features (``feature``) with asari's (``other``).

    Parameters
    ----------
    openms, asari
        Values, states and features of each engine (:mod:`gutaxis.metabolome.feature_table`).
    preset
        ``link_ppm`` and ``link_rt_s`` are the largest distances of a pair; the two engines may have chosen another
        reference for time, which these bounds have to cover.
    output
        Table to write, of :func:`concordance`; a comment line counts pairs and gives the median r.
    """
    first, second = (
        read_feature_table(path_values=paths[0], path_state=paths[1], path_features=paths[2])
        for paths in (openms, asari)
    )
    table = concordance(
        features=first.features,
        values=first.values,
        other_features=second.features,
        other_values=second.values,
        ppm=preset.link_ppm,
        rt_s=preset.link_rt_s,
    )
    pairs = table["feature"].notna() & table["other"].notna()
    middle = table.loc[pairs, "r"].median()
    said = (
        f"{int(pairs.sum())} features of both engines, {int(table['other'].isna().sum())} of openms alone, "
        f"{int(table['feature'].isna().sum())} of asari alone (which lists isotopes as features of their own)\n"
        f"median r of the log areas over the samples: {'NA' if pd.isna(middle) else f'{middle:.4f}'}"
    )
    write_tsv(table, output, comment=said)
