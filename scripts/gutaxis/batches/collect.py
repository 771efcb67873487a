"""The main results of a finished run as one table, whatever they come from."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gutaxis.files import comments_above

COLUMNS = ["table", "layer", "contrast", "feature", "label", "n", "estimate", "ci_low", "ci_high", "p", "q"]
#: What singles out a row, before and after.
KEY = ["table", "layer", "contrast", "feature"]
#: Terms of a PERMANOVA that its contrast asks about; the others (batch, covariates, patients) are adjusted for.
TERMS = ("response", "response:time", "time", "pfs2")
#: Kinds of tables whose p is not corrected, for there is no q in them.
WITHOUT_Q = ("permanova", "prediction")


def read_result(*, path: Path | str) -> pd.DataFrame:
    """Return a result table without the comments above its header; every cell is text, missing ones are NaN.

    Parameters
    ----------
    path
        A table of this workflow.
    """
    skip = len(comments_above(path=path))
    return pd.read_csv(path, sep="\t", skiprows=skip, keep_default_na=False, na_values=["NA", ""], dtype=str)


def collect_results(*, root: Path, files: Sequence[str]) -> pd.DataFrame:
    """Return every main result of the files: sensitivity analyses and terms that are adjusted for are left out.

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
        (estimate: AUC, or C for survival), response_rate (estimate: rate). Numbers are floats. A row is singled out by
        ``KEY``.

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
            rows = _tests(rows, table="differential")
        elif folder == "diversity" and rest[-1] == "alpha_tests.tsv":
            rows = _tests(rows, table="alpha")
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


def _tests(rows: pd.DataFrame, *, table: str) -> pd.DataFrame:
    return rows[rows["role"] != "sensitivity"].assign(table=table)


def _permanova(rows: pd.DataFrame, *, layer: str, metric: str) -> pd.DataFrame:
    rows = rows[rows["term"].isin(TERMS)]
    return rows.assign(
        table="permanova",
        layer=layer,
        feature=metric + ":" + rows["term"],
        label=rows["term"] + " (" + metric + ")",
        estimate=rows["r2"],
    )


def _performance(rows: pd.DataFrame, *, state: str) -> pd.DataFrame:
    rows = rows[rows["model"].notna()]
    names = ["model", "layers", "outcome", "scheme", "metric"]
    parts = rows[names].fillna("-")
    return rows.assign(
        table="prediction",
        layer="-",
        contrast=state,
        feature=["|".join(row) for row in parts.to_numpy()],
        label=[", ".join(row) for row in parts.to_numpy()],
        estimate=rows["auc"],
        p=rows["p_null"],
    )


def _rates(rows: pd.DataFrame) -> pd.DataFrame:
    feature = rows["endpoint"] + "|week " + rows["week"] + "|" + rows["cohort"]
    readers = rows["reader"].fillna("-")
    return rows.assign(
        table="response_rate",
        layer="-",
        contrast=rows["analysis_set"],
        feature=feature + "|" + readers,
        label=rows["endpoint"] + " at week " + rows["week"] + ", " + rows["cohort"] + ", " + readers,
        estimate=rows["rate"],
    )
