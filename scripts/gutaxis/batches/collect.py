"""The main results of a finished run as one table, whatever they come from."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

COLUMNS = ["table", "layer", "contrast", "feature", "label", "n", "estimate", "ci_low", "ci_high", "p", "q"]
#: What singles out a row, before and after.
KEY = ["table", "layer", "contrast", "feature"]


def read_result(*, path: Path | str) -> pd.DataFrame:
    """Return a result table without the comments above its header; every cell is text, missing ones are NaN.

    Parameters
    ----------
    path
        A table of this workflow.
    """
    with open(path, encoding="utf-8") as handle:
        skip = 0
        for line in handle:
            if not line.startswith("#"):
                break
            skip += 1
    return pd.read_csv(path, sep="\t", skiprows=skip, keep_default_na=False, na_values=["NA", ""], dtype=str)


def collect_results(*, root: Path, files: Sequence[str]) -> pd.DataFrame:
    """Return every test of the files that holds a main result.

    Parameters
    ----------
    root
        Results folder.
    files
        Paths below it: ``differential/{layer}/{contrast}.tsv``, ``diversity/{layer}/alpha_tests.tsv``,
        ``diversity/{layer}/permanova_{metric}.tsv``, ``prediction/{state}/performance.tsv``,
        ``clinical/response_rates.tsv``.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``, sorted. ``table`` says which kind: differential, alpha, permanova (estimate: R2), prediction
        (estimate: AUC, or C for survival), response_rate (estimate: rate). Numbers are floats.

    Raises
    ------
    ValueError
        For a file that is none of these: a defect of the caller.
    """
    parts = []
    for name in sorted(set(files)):
        rows = read_result(path=root / name)
        folder, *rest = Path(name).parts
        if folder == "differential":
            rows = rows.assign(table="differential")
        elif folder == "diversity" and rest[-1] == "alpha_tests.tsv":
            rows = rows.assign(table="alpha")
        elif folder == "diversity" and rest[-1].startswith("permanova_"):
            rows = _permanova(rows, layer=rest[0], metric=Path(name).stem.removeprefix("permanova_"))
        elif folder == "prediction" and rest[-1] == "performance.tsv":
            rows = _performance(rows, state=rest[0])
        elif name == "clinical/response_rates.tsv":
            rows = _rates(rows)
        else:
            raise ValueError(f"{name} holds no main result")
        parts.append(rows.reindex(columns=COLUMNS))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
    table = table[table["feature"].notna()]
    numbers = ["n", "estimate", "ci_low", "ci_high", "p", "q"]
    table[numbers] = table[numbers].astype(float)
    table[["layer", "contrast"]] = table[["layer", "contrast"]].fillna("-")
    return table.sort_values(KEY, kind="stable", ignore_index=True)


def _permanova(rows: pd.DataFrame, *, layer: str, metric: str) -> pd.DataFrame:
    rows = rows[rows["term"].notna() & ~rows["term"].isin(["Residual", "Total"])]
    return rows.assign(
        table="permanova",
        layer=layer,
        feature=metric + ":" + rows["term"],
        label=rows["term"] + " (" + metric + ")",
        estimate=rows["r2"],
    )


def _performance(rows: pd.DataFrame, *, state: str) -> pd.DataFrame:
    rows = rows[rows["model"].notna()]
    names = [name for name in ("model", "outcome", "scheme", "metric") if name in rows]
    return rows.assign(
        table="prediction",
        layer="-",
        contrast=state,
        feature=rows[names].fillna("-").agg("|".join, axis=1),
        label=rows["model"],
        estimate=rows["auc"],
        p=rows["p_null"],
    )


def _rates(rows: pd.DataFrame) -> pd.DataFrame:
    feature = rows["endpoint"] + "|week " + rows["week"] + "|" + rows["cohort"]
    readers = rows["reader"].fillna("-") if "reader" in rows else "-"
    return rows.assign(
        table="response_rate",
        layer="-",
        contrast=rows["analysis_set"],
        feature=feature + "|" + readers,
        label=rows["endpoint"] + " at week " + rows["week"] + ", " + rows["cohort"],
        estimate=rows["rate"],
    )
