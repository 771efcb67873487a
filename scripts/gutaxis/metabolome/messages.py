"""What a run has to say about itself: information and warnings, as one table."""

from collections.abc import Iterator

import pandas as pd

from gutaxis.metabolome.drift import CURVE, STUDY_SHIFT, TYPICAL_SHIFT, Corrected

INFO, WARNING = "info", "warning"
COLUMNS = ("level", "step", "mode", "message")


class Messages:
    """Collects sentences; the table has them in the order in which they were told."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str, str]] = []

    def tell(self, *, step: str, message: str, mode: str = "any", warn: bool = False) -> None:
        """Add a sentence about a step and an ionisation mode."""
        self._rows.append((WARNING if warn else INFO, step, mode, message))

    def table(self) -> pd.DataFrame:
        """Return level, step, mode, message."""
        return pd.DataFrame(self._rows, columns=list(COLUMNS))


def drift_messages(*, corrected: Corrected, fewest: int, drift: bool) -> Iterator[tuple[str, bool]]:
    """Yield what was done to each batch, and whether it is a warning.

    Parameters
    ----------
    corrected
        Result for one mode.
    fewest
        QCs that a curve needs.
    drift
        Whether curves were asked for.
    """
    if drift:
        for row in corrected.batches.itertuples():
            if row.n_qc < fewest:
                yield f"Batch {row.batch} has {row.n_qc} pooled QCs, fewer than {fewest}: no drift is modelled", True
            elif pd.isna(row.span):
                yield (
                    f"Batch {row.batch}: no curve predicts held-out QCs better than a constant: no drift to correct",
                    False,
                )
            else:
                gain = 1 - row.error_curve / row.error_constant
                yield (
                    f"Batch {row.batch}: LOESS with span {row.span:g} for {row.n_features} features; the error on "
                    f"held-out QCs is {gain:.0%} less than that of a constant",
                    False,
                )
            if row.n_outside:
                yield (
                    f"Batch {row.batch}: {row.n_outside} study samples lie before the first or after the last pooled "
                    "QC; the curve is held constant there",
                    True,
                )
    counts = corrected.methods.stack().value_counts()
    if counts.get(STUDY_SHIFT, 0):
        yield (
            f"{counts[STUDY_SHIFT]} steps of a feature in a batch were aligned by the medians of study samples, for "
            "lack of pooled QCs: this supposes that batches hold comparable patients",
            True,
        )
    if counts.get(TYPICAL_SHIFT, 0):
        yield (
            f"{counts[TYPICAL_SHIFT]} steps of a feature in a batch were aligned by the typical step of the other "
            "features, for lack of values",
            True,
        )


def odd_controls(*, corrected: Corrected) -> Iterator[str]:
    """Yield a sentence for each pooled QC that differs from the other QCs by more than a factor of two after all.

    The median over features of a held-out QC (at the ends of a curve: as corrected) minus the median of these medians.
    """
    held = corrected.held_out
    medians = held.where(held.notna(), corrected.values[held.columns]).sub(
        corrected.values[held.columns].median(axis=1), axis=0
    )
    levels = medians.median(axis=0)
    away = levels - levels.median()
    for name in sorted(away.index[away.abs() > 1]):
        yield (
            f"Pooled QC {name} is {2 ** float(away[name]):.2g}-fold the other QCs, drift taken into account: if its "
            "injection failed, take it off the sample sheet, for it bends the curve of its neighbours"
        )


def drift_words(*, methods: pd.DataFrame) -> pd.Series:
    """Return by feature how its batches were corrected, in short: ``loess``, or ``loess:2,qc_median:1``."""
    if not methods.shape[1]:
        return pd.Series("none", index=methods.index)

    def short(row: pd.Series) -> str:
        counts = row.value_counts()
        if len(counts) == 1:
            return str(counts.index[0])
        words = sorted(counts.index, key=lambda word: (word != CURVE, word))
        return ",".join(f"{word}:{counts[word]}" for word in words)

    return methods.apply(short, axis=1)
