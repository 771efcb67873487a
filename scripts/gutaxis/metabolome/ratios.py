"""Ratios of metabolites that carry a meaning: secondary to primary bile acids, kynurenine to tryptophan."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import write_tsv
from gutaxis.metabolome.panel import table_rows
from gutaxis.metabolome.reading import read_commented

SUM, BALANCE = "sum", "balance"
RATIO_COLUMNS = ("ratio", "numerator", "denominator", "meaning")
ABOUT_COLUMNS = [
    "ratio", "method", "level", "numerator", "denominator", "not_measured", "n_samples", "n_missing", "status",
    "meaning",
]  # fmt: skip
#: What a ratio is computed from, at worst: what stands on a mass alone (4, 5) names too many compounds.
MAX_LEVEL = 3
OK, NOT_MEASURED = "ok", "not measured"


def read_ratios(*, path: Path, panel: pd.DataFrame) -> pd.DataFrame:
    """Read the definitions: ratio, numerator, denominator (names of the panel, ``;`` between them), meaning.

    Raises
    ------
    GutaxisError
        M64: a compound is not in the panel, stands on both sides, or a ratio occurs twice.
    """
    rows, seen = [], set()
    for line, row in table_rows(path=path, required=RATIO_COLUMNS, code="M64"):
        top, bottom = ((row[key] or "").split(";") for key in ("numerator", "denominator"))
        unknown = [name for name in [*top, *bottom] if name not in panel.index]
        if unknown or set(top) & set(bottom) or row["ratio"] in seen or row["ratio"] is None:
            why = f"not in the panel: {', '.join(unknown)}" if unknown else "a name is missing or stands twice"
            raise GutaxisError(
                Problem(
                    code="M64", file=Path(path).name, line=line, column=None, value=row["ratio"],
                    wrong=f"This ratio cannot be computed: {why}", allowed="Names of the panel, each on one side",
                    mend="Correct this line of the table of ratios",
                )
            )  # fmt: skip
        seen.add(row["ratio"])
        rows.append((row["ratio"], tuple(top), tuple(bottom), row["meaning"] or ""))
    return pd.DataFrame(rows, columns=list(RATIO_COLUMNS))


def compute_ratios(
    *, values: pd.DataFrame, annotations: pd.DataFrame, ratios: pd.DataFrame, absolute: bool, max_level: int = MAX_LEVEL
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compute each ratio in each sample, on the log2 scale.

    Parameters
    ----------
    values
        Features x samples, log2; NaN = missing.
    annotations
        Index feature: ``compound`` (the panel's name, None where several compounds fit) and ``level``.
    ratios
        Of :func:`read_ratios`.
    absolute
        Whether the values are concentrations in one unit.
    max_level
        Features identified worse than this are not used.

    Returns
    -------
    values : pandas.DataFrame
        Ratios x samples, log2; NaN where a sample lacks a part, or the whole ratio could not be measured.
    about : pandas.DataFrame
        One row per ratio: what it was computed from, the worst level among it, what was not measured.

    Notes
    -----
    Concentrations: log2(sum of the numerator / sum of the denominator). Intensities of different compounds must not be
    added, since each ionises in its own way; for them the balance mean(log2 numerator) - mean(log2 denominator) is
    given: an unknown factor per compound then shifts all samples by one constant, and no difference between samples
    depends on it. Oracle: both by hand; the invariance as a property test.
    """
    chosen = best_features(values=values, annotations=annotations, max_level=max_level)
    table, about = {}, []
    for row in ratios.itertuples():
        top, bottom = ([name for name in side if name in chosen] for side in (row.numerator, row.denominator))
        missing = sorted({*row.numerator, *row.denominator} - {*top, *bottom})
        used = [chosen[name] for name in [*top, *bottom]]
        result = np.full(values.shape[1], np.nan)
        if top and bottom:
            sides = [values.loc[[chosen[name] for name in side]].to_numpy(float) for side in (top, bottom)]
            result = _sum(sides) if absolute else sides[0].mean(axis=0) - sides[1].mean(axis=0)
        table[row.ratio] = result
        made = int(np.isfinite(result).sum())
        about.append((
            row.ratio, SUM if absolute else BALANCE, annotations.loc[used, "level"].max() if top and bottom else None,
            ";".join(top) or None, ";".join(bottom) or None, ";".join(missing) or None, made, values.shape[1] - made,
            OK if top and bottom else NOT_MEASURED, row.meaning,
        ))  # fmt: skip
    result_table = pd.DataFrame.from_dict(table, orient="index", columns=values.columns)
    result_table.index.name = "ratio"
    return result_table, pd.DataFrame(about, columns=ABOUT_COLUMNS)


def best_features(*, values: pd.DataFrame, annotations: pd.DataFrame, max_level: int) -> dict[str, str]:
    """Return the feature that stands for each compound: identified best, then in most samples, then strongest.

    Features for which several compounds fit stand for none of them.
    """
    known = annotations[annotations["compound"].notna() & (annotations["level"] <= max_level)]
    known = known.loc[known.index.intersection(values.index, sort=False)]
    rank = pd.DataFrame(
        {
            "compound": known["compound"],
            "level": known["level"],
            "seen": -values.loc[known.index].notna().sum(axis=1),
            "height": -values.loc[known.index].median(axis=1).fillna(-np.inf),
            "feature": known.index,
        }
    ).reset_index(drop=True)
    first = rank.sort_values(["compound", "level", "seen", "height", "feature"]).drop_duplicates("compound")
    return dict(zip(first["compound"], first["feature"], strict=True))


def ratios_files(
    *, path_values: Path, path_annotations: Path, path_ratios: Path, panel: pd.DataFrame, absolute: bool,
    max_level: int, path_out: Path, path_about: Path,
) -> None:  # fmt: skip
    """Compute the ratios of a table of log2 values (TSV, feature first); write ratios x samples and what they are."""
    values = read_commented(path=path_values).set_index("feature")
    annotations = read_commented(path=path_annotations).set_index("feature")
    table, about = compute_ratios(
        values=values, annotations=annotations, ratios=read_ratios(path=path_ratios, panel=panel), absolute=absolute,
        max_level=max_level,
    )  # fmt: skip
    write_tsv(table, path_out, index=True)
    write_tsv(about, path_about)


def _sum(sides: Sequence[np.ndarray]) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # a missing part makes the sum missing
        top, bottom = (np.logaddexp2.reduce(side, axis=0) for side in sides)
    return top - bottom
