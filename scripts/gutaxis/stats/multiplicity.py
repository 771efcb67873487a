"""Testing many features: families of features first, then the features of the families that stand out."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from gutaxis.stats.results import adjust


class Families(NamedTuple):
    """Result of :func:`hierarchical`.

    Parameters
    ----------
    families
        One row per family: family, n (tests made), p (Simes), q (BH over families), selected.
    features
        One row per test, in the order given: family, family_p, family_q, q_within (BH inside its family), selected
        (its family), discovery.
    """

    families: pd.DataFrame
    features: pd.DataFrame


def simes(*, p: np.ndarray) -> float:
    """Return the Simes p value of the hypothesis that no test of a family has an effect: min_i p_(i) n / i.

    Parameters
    ----------
    p
        Shape (n,); NaN was not tested and does not count.

    Returns
    -------
    float
        NaN for a family without a test.

    Notes
    -----
    Assumption: independent tests or positive dependence. Source: Simes RJ, Biometrika 1986;73:751-754.
    """
    made = np.sort(np.asarray(p, dtype=float)[np.isfinite(p)])
    if not made.size:
        return float("nan")
    return float(min(1.0, (made * made.size / np.arange(1, made.size + 1)).min()))


def hierarchical(*, p: np.ndarray, families: np.ndarray, alpha: float) -> Families:
    """Test families by Simes and BH, then the features inside the selected families at a level cut in proportion.

    1. Family p: :func:`simes`. 2. BH at ``alpha`` over the families selects R of M. 3. Inside each selected family BH
    at ``alpha R / M``. This controls the average false discovery proportion over the selected families at ``alpha``.

    Parameters
    ----------
    p
        Shape (m,); NaN was not tested.
    families
        Shape (m,), labels; None or NaN is a family of its own, named ``no family``.
    alpha
        Level, 0 to 1.

    Returns
    -------
    Families
        Families sorted by name.

    Raises
    ------
    ValueError
        For arrays of different length, or a level outside (0, 1).

    Notes
    -----
    Assumption: independence, or positive dependence within families. Source: Benjamini Y, Bogomolov M, J R Stat Soc B
    2014;76:297-318. Oracle: brute force in ``tests/unit/test_multiplicity.py``.
    """
    p = np.asarray(p, dtype=float)
    labels = np.array(["no family" if pd.isna(name) else str(name) for name in families], dtype=object)
    if p.shape != labels.shape:
        raise ValueError(f"{p.shape} p values and {labels.shape} family labels")
    if not 0 < alpha < 1:
        raise ValueError(f"the level lies between 0 and 1, got {alpha}")
    names = sorted(set(labels))
    table = pd.DataFrame(
        {
            "family": names,
            "n": [int(np.isfinite(p[labels == name]).sum()) for name in names],
            "p": [simes(p=p[labels == name]) for name in names],
        }
    )
    table["q"] = adjust(p=table["p"].to_numpy(dtype=float))
    table["selected"] = (table["q"] <= alpha).to_numpy()
    within = np.full(p.shape, np.nan)
    for name in names:
        within[labels == name] = adjust(p=p[labels == name])
    tested = int((table["n"] > 0).sum())
    level = alpha * int(table["selected"].sum()) / tested if tested else 0.0
    of = table.set_index("family").loc[list(labels)]
    selected = of["selected"].to_numpy(dtype=bool)
    features = pd.DataFrame(
        {
            "family": labels,
            "family_p": of["p"].to_numpy(),
            "family_q": of["q"].to_numpy(),
            "q_within": within,
            "selected": selected,
            "discovery": selected & (within <= level),
        }
    )
    return Families(families=table, features=features)
