"""What is predicted: response (who responds should score higher) or PFS2 (who progresses earlier should)."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import expit

from gutaxis.predict.survival import partial_likelihood, risk_sets

RESPONSE, PFS2 = "response", "pfs2"


@dataclass(frozen=True, kw_only=True)
class Target:
    """Outcome of each row.

    Parameters
    ----------
    outcome
        response or pfs2.
    classes
        Shape (n,): 1 responder or progressed, 0 otherwise.
    time
        Days, shape (n,); None for response.
    groups, strata
        Patient and cohort of each row, shape (n,).
    names
        Of the rows.
    """

    outcome: str
    classes: np.ndarray
    time: np.ndarray | None
    groups: np.ndarray
    strata: np.ndarray
    names: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=object))

    @property
    def n(self) -> int:
        """Rows."""
        return len(self.classes)

    @cached_property
    def above(self) -> np.ndarray:
        """Shape (n, n): whether row i should score above row j; pairs of one patient as well."""
        if self.time is None:
            return (self.classes[:, None] == 1) & (self.classes[None, :] == 0)
        # j was followed for longer than i, who progressed; who is censored on the day of i's event was still free of it
        later = self.time[None, :] > self.time[:, None]
        same = (self.time[None, :] == self.time[:, None]) & (self.classes[None, :] == 0)
        return (self.classes[:, None] == 1) & (later | same)

    def labels(self, *, rows: np.ndarray) -> np.ndarray:
        """Return what a model is fitted to: classes, or time and event side by side."""
        if self.time is None:
            return self.classes[rows]
        return np.column_stack([self.time[rows], self.classes[rows]])

    def moved(self, *, source: np.ndarray) -> "Target":
        """Return the target with the outcome of row ``source[i]`` in row i; patients and strata stay."""
        time = None if self.time is None else self.time[source]
        return Target(
            outcome=self.outcome, classes=self.classes[source], time=time, groups=self.groups, strata=self.strata,
            names=self.names,
        )  # fmt: skip

    def enough(self, *, rows: np.ndarray) -> bool:
        """Return whether a model can be fitted to the rows: two patients of each class, or three events."""
        one = len(np.unique(self.groups[rows][self.classes[rows] == 1]))
        if self.time is not None:
            return one >= 3
        return one >= 2 and len(np.unique(self.groups[rows][self.classes[rows] == 0])) >= 2

    def held_out_loss(self, *, scores: np.ndarray, rows: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Return how badly scores fit rows that were held out, by setting; lower is better.

        response: deviance of the test rows, ``2 sum log(1 + exp(-s eta))``. pfs2: minus the gain in log partial
        likelihood, ``-(l(all) - l(training))`` (Verweij PJM, van Houwelingen HC, Stat Med 1993;12:2305-2314).

        Parameters
        ----------
        scores
            Shape (rows, C), of all rows by the model of the training rows.
        rows
            Their numbers.
        test
            Shape (rows,), which were held out.
        """
        if self.time is None:
            sign = 2 * self.classes[rows[test]] - 1
            return -2 * np.log(np.clip(expit(sign[:, None] * scores[test]), 1e-12, None)).sum(axis=0)
        made = []
        for part in (np.arange(len(rows)), np.flatnonzero(~test)):
            sets = risk_sets(time=self.time[rows[part]], event=self.classes[rows[part]])
            made.append(partial_likelihood(scores=scores[part], sets=sets))
        return -(made[0] - made[1])


def response_target(*, patients: pd.DataFrame) -> Target:
    """Return the response of the patients for whom it is known, in their order."""
    known = patients[patients["response"].isin(["R", "NR"])]
    return Target(
        outcome=RESPONSE, classes=(known["response"] == "R").to_numpy(dtype=float), time=None,
        groups=np.arange(len(known)), strata=_strata(known), names=known.index.to_numpy(dtype=object),
    )  # fmt: skip


def pfs2_target(*, patients: pd.DataFrame) -> Target:
    """Return PFS2 of the patients for whom time and event are known."""
    table = patients.assign(
        time=pd.to_numeric(patients["pfs2_days"], errors="coerce"),
        censored=pd.to_numeric(patients["pfs2_cnsr"], errors="coerce"),
    )
    known = table[table["time"].notna() & table["censored"].notna()]
    return Target(
        outcome=PFS2, classes=(known["censored"] == 0).to_numpy(dtype=float), time=known["time"].to_numpy(dtype=float),
        groups=np.arange(len(known)), strata=_strata(known), names=known.index.to_numpy(dtype=object),
    )  # fmt: skip


def _strata(patients: pd.DataFrame) -> np.ndarray:
    cohort = patients["cohort"] if "cohort" in patients else pd.Series("", index=patients.index)
    return cohort.fillna("").astype(str).to_numpy(dtype=object)
