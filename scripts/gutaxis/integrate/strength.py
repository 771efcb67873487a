"""How strong the evidence for a feature is, in one word, by rules that anyone can check in the table.

``not demonstrated`` unless the feature is a discovery over all tables: tables (layer x contrast) are tested first by
Simes, then the features of those that stand out (:func:`gutaxis.stats.multiplicity.hierarchical`), so that many tables
do not make a finding. A discovery is ``weak``, and becomes

``moderate`` if it is a discovery at a stricter rate too, with enough patients in both groups, sensitivity analyses
that agree, and a test that kept its level in the calibration at about this number of patients;

``strong`` if moreover the contrast is primary, patients are more, agreement is high, and two kinds of support come from
elsewhere: a model that predicts beyond chance uses the feature in most folds; a module that
holds in patients left out contains it; it goes with a discovery of another layer; another contrast shows the same
direction; publications report the same direction. Strong means strong within this study: one trial without a control
arm confirms no biomarker.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.stats.multiplicity import hierarchical

NOT_TESTED, NOT_DEMONSTRATED = "not tested", "not demonstrated"
WEAK, MODERATE, STRONG = "weak", "moderate", "strong"
#: From the strongest.
STRENGTHS = (STRONG, MODERATE, WEAK, NOT_DEMONSTRATED, NOT_TESTED)
#: Kinds of support, column -> words.
SUPPORT = {
    "support_model": "used by a model that predicts beyond chance",
    "support_module": "in a module that holds in patients left out",
    "support_partner": "goes with a discovery of another layer",
    "support_contrast": "same direction in another contrast",
    "support_literature": "same direction in publications",
}


@dataclass(frozen=True, kw_only=True)
class StrengthSettings:
    """The rules.

    Parameters
    ----------
    fdr, strict_fdr
        Over all tables: of any discovery, and of those that may be more than weak.
    agreement, strong_agreement
        Smallest share of sensitivity analyses that agree, for moderate and strong.
    patients, strong_patients
        Fewest patients.
    per_group, strong_per_group
        Fewest responders and fewest non-responders, in contrasts that compare them.
    frequency
        Smallest share of training folds in which a model, or of repeats in which a module, has the feature.
    support
        Kinds of support that strong evidence needs.
    """

    fdr: float = 0.1
    strict_fdr: float = 0.05
    agreement: float = 0.5
    strong_agreement: float = 0.75
    patients: int = 24
    strong_patients: int = 40
    per_group: int = 6
    strong_per_group: int = 10
    frequency: float = 0.6
    support: int = 2

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> "StrengthSettings":
        """Return the settings of a config section; keys that belong to others are ignored."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in settings.items() if name in known})


def discoveries(*, table: pd.DataFrame, fdr: float) -> np.ndarray:
    """Return which rows are discoveries over all tables, shape (m,).

    Parameters
    ----------
    table
        layer, contrast, p, role. Tables of the role exploratory are tested among themselves.
    fdr
        Level.
    """
    found = np.zeros(len(table), dtype=bool)
    explores = (table["role"] == "exploratory").to_numpy(dtype=bool)
    families = (table["layer"].astype(str) + " " + table["contrast"].astype(str)).to_numpy(dtype=object)
    for rows in (explores, ~explores):
        if rows.any():
            p = table["p"].to_numpy(dtype=float)[rows]
            found[rows] = hierarchical(p=p, families=families[rows], alpha=fdr).features["discovery"].to_numpy(bool)
    return found


def strengths(*, table: pd.DataFrame, settings: StrengthSettings) -> pd.DataFrame:
    """Return strength and the reason for it.

    Parameters
    ----------
    table
        contrast, n, n_r, n_nr, p, q, role, agreement, discovery, discovery_strict; coverage, fdp, met of the
        calibration (None where the test was not calibrated); the columns of :data:`SUPPORT`, bool.
    settings
        Rules.

    Returns
    -------
    pandas.DataFrame
        Index of the table; strength, supports (how many), why: what a higher word lacks.
    """
    compares = ~table["contrast"].isin(["change", "survival"]).to_numpy(dtype=bool)
    number = {name: pd.to_numeric(table[name], errors="coerce").to_numpy(float) for name in (
        "n", "n_r", "n_nr", "p", "q", "agreement", "coverage", "fdp")}  # fmt: skip
    fewest = np.fmin(number["n_r"], number["n_nr"])
    calibrated = (number["coverage"] >= 0.92) & (number["fdp"] <= 0.1) & (table["met"] == "Y").to_numpy(dtype=bool)
    supports = table[list(SUPPORT)].to_numpy(dtype=bool).sum(axis=1)
    n = number["n"]
    needs = {
        MODERATE: {
            f"no discovery at {settings.strict_fdr:g}": table["discovery_strict"].to_numpy(dtype=bool),
            f"fewer than {settings.patients} patients": n >= settings.patients,
            f"fewer than {settings.per_group} of a group": ~compares | (fewest >= settings.per_group),
            "sensitivity analyses do not agree": number["agreement"] >= settings.agreement,
            "the test has not kept its level at this size in the calibration": calibrated,
            "an exploratory contrast": (table["role"] != "exploratory").to_numpy(dtype=bool),
        },
        STRONG: {
            "not a primary contrast": (table["role"] == "primary").to_numpy(dtype=bool),
            f"fewer than {settings.strong_patients} patients": n >= settings.strong_patients,
            f"fewer than {settings.strong_per_group} of a group": ~compares | (fewest >= settings.strong_per_group),
            f"less than {settings.strong_agreement:g} of the sensitivity analyses agree": number["agreement"]
            >= settings.strong_agreement,
            f"fewer than {settings.support} kinds of support": supports >= settings.support,
        },
    }
    tested = np.isfinite(number["p"])
    found = tested & table["discovery"].to_numpy(dtype=bool)
    moderate = found & np.logical_and.reduce(list(needs[MODERATE].values()))
    strong = moderate & np.logical_and.reduce(list(needs[STRONG].values()))
    strength = np.select(
        [strong, moderate, found, tested], [STRONG, MODERATE, WEAK, NOT_DEMONSTRATED], NOT_TESTED
    ).astype(object)
    why = np.full(len(table), None, dtype=object)
    why[tested & ~found] = [
        f"q {q:.2g} in its table" + (", but too little over all tables" if q < settings.fdr else "")
        for q in number["q"][tested & ~found]
    ]
    for rows, level in ((found & ~moderate, MODERATE), (moderate & ~strong, STRONG)):
        for at in np.flatnonzero(rows):
            why[at] = "; ".join(words for words, met in needs[level].items() if not met[at])
    return pd.DataFrame({"strength": strength, "supports": supports, "why": why}, index=table.index)
