"""True ions behind the features of a simulated run: how many compounds were found, and how well their intensities."""

from typing import Any

import numpy as np
import pandas as pd

from gutaxis.simulate.metabolome_spectra import injected_levels, true_ions

#: How near a feature has to be to a true ion: ppm and seconds. Isomers lie at least 18 s apart.
PPM, SECONDS = 8.0, 9.0


def match_features(
    *, truth: dict[str, Any], mode: str, features: pd.DataFrame, ppm: float = PPM, seconds: float = SECONDS
) -> pd.DataFrame:
    """Return the true ion behind each feature.

    Parameters
    ----------
    truth
        The trial's truth with ``metabolome``.
    mode
        ``positive`` or ``negative``.
    features
        Indexed by feature id; columns ``mz`` and ``rt`` (seconds).
    ppm, seconds
        Tolerances. Of several ions within both, the one that is nearest in units of the tolerances.

    Returns
    -------
    pandas.DataFrame
        Index as ``features``; compound, group, adduct, isotope and main, missing where no ion explains the feature.
    """
    ions = pd.DataFrame(true_ions(truth=truth, mode=mode))
    columns = ["compound", "group", "adduct", "isotope", "main"]
    if features.empty:
        return pd.DataFrame(columns=columns, index=features.index)
    mz, rt = ions["mz"].to_numpy(), ions["rt"].to_numpy()
    off_mz = np.abs(features["mz"].to_numpy(float)[:, None] / mz - 1) * 1e6 / ppm
    off_rt = np.abs(features["rt"].to_numpy(float)[:, None] - rt) / seconds
    distance = np.where((off_mz <= 1) & (off_rt <= 1), off_mz + off_rt, np.inf)
    matched = ions.loc[distance.argmin(axis=1), columns].astype(object)
    matched.index = features.index
    return matched.where(pd.Series(np.isfinite(distance.min(axis=1)), index=features.index), axis=0)


def main_features(*, matched: pd.DataFrame, values: pd.DataFrame) -> dict[str, str]:
    """Return compound -> feature of the monoisotopic peak of its main ion; of several, the most complete and intense.

    Parameters
    ----------
    matched
        From :func:`match_features`.
    values
        Features x samples, missing where nothing was found; features without a row are passed over.
    """
    own = matched[(matched["main"] == True) & (matched["isotope"] == 0)]  # noqa: E712 (the column also holds NaN)
    own = own[own.index.isin(values.index)]
    rank = pd.DataFrame(
        {
            "compound": own["compound"],
            "complete": values.loc[own.index].notna().sum(axis=1),
            "level": values.loc[own.index].median(axis=1),
            "feature": own.index,
        }
    ).sort_values(["compound", "complete", "level", "feature"], ascending=[True, False, False, True])
    return {str(row.compound): str(row.feature) for row in rank.drop_duplicates("compound").itertuples(index=False)}


def injected_table(*, truth: dict[str, Any], mode: str) -> pd.DataFrame:
    """Return compounds x injections: log2 apex intensity that was written into each raw file, missing where absent."""
    return pd.DataFrame(
        {
            sample_id: pd.Series(injected_levels(truth=truth, sample_id=sample_id, mode=mode), dtype=float)
            for sample_id in truth["metabolome"]["injections"]
        }
    )


def score_features(
    *, truth: dict[str, Any], mode: str, features: pd.DataFrame, values: pd.DataFrame
) -> dict[str, float | int | str]:
    """Score a feature table before normalisation.

    Parameters
    ----------
    truth, mode, features
        As in :func:`match_features`.
    values
        Features x samples: raw area, missing or 0 where nothing was found.

    Returns
    -------
    dict
        ``compounds`` that the mode sees, ``found`` (main ion), ``recall``, ``recall_panel``, ``features``,
        ``explained`` by a true ion or isotope, ``precision``, ``median_r`` (Pearson, log2 area against the log2
        intensity written, over all injections with both, 5 or more), ``cells`` (compound present in a raw file) and
        ``cells_missing`` (of these, no value), ``cells_invented`` (a value where the compound is absent).
    """
    areas = values.astype(float).where(values.astype(float) > 0)
    matched = match_features(truth=truth, mode=mode, features=features)
    best = main_features(matched=matched, values=areas)
    written = injected_table(truth=truth, mode=mode)
    written = written.loc[:, written.columns.isin(areas.columns)]
    panel = [name for name in written.index if truth["metabolome"]["compounds"][name]["group"] == "panel"]
    found = areas.loc[list(best.values()), written.columns]
    found.index = list(best)
    expected = written.loc[list(best)]
    present, seen = expected.notna(), found.notna()
    logs = np.log2(found)
    correlations = [logs.loc[name].corr(expected.loc[name], min_periods=5) for name in best]
    explained = int(matched["compound"].notna().sum())
    return {
        "mode": mode,
        "compounds": len(written),
        "found": len(best),
        "recall": len(best) / len(written),
        "recall_panel": sum(name in best for name in panel) / len(panel),
        "features": len(features),
        "explained": explained,
        "precision": explained / len(features) if len(features) else np.nan,
        "median_r": float(np.nanmedian(correlations)) if best else np.nan,
        "cells": int(present.to_numpy().sum()),
        "cells_missing": int((present & ~seen).to_numpy().sum()),
        "cells_invented": int((seen & ~present).to_numpy().sum()),
    }
