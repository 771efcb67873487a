"""Principal coordinates: samples as points whose distances are the distances of the metric, as far as that is possible.

Axes are for pictures. Tests use the distances themselves (:mod:`gutaxis.stats.permanova`).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gutaxis.stats.permanova import gower


@dataclass(frozen=True, kw_only=True)
class Coordinates:
    """Principal coordinates of n samples.

    Parameters
    ----------
    points
        Samples x axes (``axis_1`` ...), in the unit of the distances.
    axes
        One row per axis with a positive eigenvalue: axis, eigenvalue, explained (share of the sum of the positive
        eigenvalues).
    negative_share
        Sum of the negative eigenvalues over the sum of all absolute ones: how far the metric is from Euclidean. Above
        about 0.1 the picture leaves out a part that tests do see.
    """

    points: pd.DataFrame
    axes: pd.DataFrame
    negative_share: float


def principal_coordinates(*, distances: pd.DataFrame, axes: int = 10) -> Coordinates:
    r"""Return principal coordinates (classical scaling, Gower 1966, Biometrika 53:325).

    :math:`G = U \Lambda U'`, points :math:`U \Lambda^{1/2}` for positive eigenvalues. The sign of an axis is arbitrary;
    here the sample farthest from 0 is positive, so that the same data always give the same picture.

    Parameters
    ----------
    distances
        Samples x samples.
    axes
        Most axes in ``points``.

    Notes
    -----
    Oracle: ``skbio.stats.ordination.pcoa`` and vegan's eigenvalues of dune.
    """
    values, vectors = np.linalg.eigh(gower(distances=distances.to_numpy(dtype=float)))
    values, vectors = values[::-1], vectors[:, ::-1]
    magnitude = float(np.abs(values).sum())
    keep = np.flatnonzero(values > 1e-9 * max(magnitude, 1e-300))
    points = vectors[:, keep] * np.sqrt(values[keep])
    # rounding hides machine noise between two samples that are equally far out
    peak = np.argmax(np.round(np.abs(points), 9), axis=0) if len(keep) else []
    points = points * np.where(points[peak, np.arange(len(keep))] < 0, -1.0, 1.0)
    names = [f"axis_{number + 1}" for number in range(len(keep))]
    table = pd.DataFrame(
        {"axis": names, "eigenvalue": values[keep], "explained": values[keep] / max(values[keep].sum(), 1e-300)}
    )
    return Coordinates(
        points=pd.DataFrame(points[:, :axes], index=distances.index, columns=names[:axes]),
        axes=table,
        negative_share=float(-values[values < 0].sum() / magnitude) if magnitude > 0 else 0.0,
    )
