"""One sentence for a candidate, from the numbers of its row and nothing else."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from gutaxis.integrate.strength import MODERATE, NOT_DEMONSTRATED, STRONG, SUPPORT, WEAK

#: Contrast -> what a positive and a negative estimate say.
DIRECTION = {
    "baseline": ("higher in responders before the dose", "lower in responders before the dose"),
    "post": ("higher in responders after the dose", "lower in responders after the dose"),
    "change": ("rises from before to after the dose", "falls from before to after the dose"),
    "response_change": (
        "rises more (or falls less) in responders than in others",
        "rises less (or falls more) in responders than in others",
    ),
    "survival": ("goes with earlier progression", "goes with later progression"),
}
VERDICT = {
    STRONG: "Strong within this study",
    MODERATE: "Moderate",
    WEAK: "Weak",
    NOT_DEMONSTRATED: "Not demonstrated",
}


def sentence(*, row: Mapping[str, Any]) -> str:
    """Return the words for one row of evidence.

    Parameters
    ----------
    row
        contrast, strength, estimate, ci_low, ci_high, q, n, agreement, why, partners, power_one_sd, reliability_n,
        literature_agrees and the columns of ``SUPPORT``.
    """
    up, down = DIRECTION.get(str(row["contrast"]), ("estimate above 0", "estimate below 0"))
    shown = row["strength"] != NOT_DEMONSTRATED
    said = up if row["estimate"] > 0 else down
    first = said[0].upper() + said[1:] if shown else f"The estimate points to: {said}"
    parts = [
        f"{VERDICT.get(str(row['strength']), str(row['strength']))}. {first}: {_number(row['estimate'])} (95% CI "
        f"{_number(row['ci_low'])} to {_number(row['ci_high'])}, q {_number(row['q'])}, {int(row['n'])} patients)"
    ]
    if _known(row["agreement"]):
        parts.append(f"{row['agreement']:.0%} of the sensitivity analyses agree")
    support = [words for name, words in SUPPORT.items() if bool(row[name])]
    if shown and support:
        parts.append("supported: " + ", ".join(support))
    if row["literature_agrees"] == "N":
        parts.append("publications report the other direction")
    if shown and row["strength"] != STRONG and _known(row["why"]):
        parts.append(f"no stronger word because: {row['why']}")
    if shown and _known(row["power_one_sd"]) and row["power_one_sd"] < 0.5:
        parts.append(
            f"with {int(row['reliability_n'])} patients this test finds {row['power_one_sd']:.0%} of effects of one "
            "SD, so what it finds is probably overstated"
        )
    return "; ".join(parts) + "."


def _known(value: Any) -> bool:
    return value is not None and not pd.isna(value)


def _number(value: Any) -> str:
    return f"{value:.2g}" if _known(value) else "NA"
