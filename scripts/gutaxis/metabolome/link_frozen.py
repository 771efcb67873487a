"""Features of later files found among those that the reference files linked; the list of features stays as it is."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd
import pyopenms

from gutaxis.errors import GutaxisError, Problem
from gutaxis.metabolome.clock import Alignment
from gutaxis.metabolome.features import feature_rows
from gutaxis.metabolome.presets import Preset


def refuse_no_file(*, mode: str, samples: Collection[str]) -> None:
    """Refuse a reference without a file in a mode, which could teach nothing of it.

    Parameters
    ----------
    mode
        positive or negative.
    samples
        Reference samples with a file in it.

    Raises
    ------
    GutaxisError
        M14.
    """
    if not samples:
        raise GutaxisError(
            Problem(
                code="M14", file="config", line=None, column="batches.reference", value=None,
                wrong=f"The reference batches have no file in {mode} mode",
                allowed="Frozen features are learned from files of the reference batches, in each mode",
                mend="Name a batch that has such files, or set `batches.normalisation: refit`",
            )
        )  # fmt: skip


def match_features(
    *, features: pd.DataFrame, maps: Mapping[str, pyopenms.FeatureMap], alignments: Mapping[str, Alignment],
    preset: Preset,
) -> pd.DataFrame:  # fmt: skip
    """Return the areas of later files for the linked features of the reference.

    A feature of a file and a linked feature are a pair if they lie within ``link_ppm`` and ``link_rt_s``, and no known
    charges differ. Nearest pairs first (distances as shares of the windows), each partner once; of equal pairs the one
    that comes first in both lists.

    Parameters
    ----------
    features
        Of :func:`gutaxis.metabolome.link.link`: mz, rt (s, on the reference's clock), charge.
    maps, alignments
        Features of the later files, and their clocks.
    preset
        Windows.

    Returns
    -------
    pandas.DataFrame
        Linked features x samples, sorted; area, NaN where the file shows none.
    """
    columns = {
        sample: _matched(features=features, found=maps[sample], alignment=alignments[sample], preset=preset)
        for sample in sorted(maps)
    }
    return pd.DataFrame(columns, index=features.index, dtype=float)


def _matched(*, features: pd.DataFrame, found: pyopenms.FeatureMap, alignment: Alignment, preset: Preset) -> pd.Series:
    """Return the areas of one file."""
    rows = feature_rows(features=found)
    areas = pd.Series(np.nan, index=features.index)
    if not len(rows):
        return areas
    times = alignment.to_reference(rows["rt"].to_numpy())
    mz, rt, charge = (features[name].to_numpy(dtype=float) for name in ("mz", "rt", "charge"))
    order = np.argsort(mz, kind="stable")
    pairs = []
    for row, (mass, time, own) in enumerate(zip(rows["mz"], times, rows["charge"], strict=True)):
        window = mass * preset.link_ppm * 1e-6
        first, last = np.searchsorted(mz[order], [mass - window, mass + window])
        for at in order[first:last]:
            off = abs(rt[at] - time) / preset.link_rt_s
            if off <= 1 and not (own and charge[at] and own != charge[at]):
                pairs.append((((mz[at] - mass) / window) ** 2 + off**2, int(at), row))
    taken_features, taken_rows = set(), set()
    for _, at, row in sorted(pairs):
        if at not in taken_features and row not in taken_rows:
            taken_features.add(at)
            taken_rows.add(row)
            areas.iloc[at] = rows["intensity"].iloc[row]
    return areas
