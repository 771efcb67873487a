"""What the cohorts looked like before treatment (T2): median and range, or counts and percent."""

from dataclasses import replace
from typing import Any

import pandas as pd
from markupsafe import Markup

from gutaxis.cohort.vocabulary import PATIENTS, Column
from gutaxis.report.items import Absent, Content, Table, absent_unless
from gutaxis.report.numbers import Condition, listed, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.wording import POOLED, spread_words

SHEET = "clinical/cohort/patients.tsv"
#: Columns that are no property of a patient before treatment: the group of the table itself, and its key.
NOT_SHOWN = {"patient_id", "cohort"}
NUMBERS = ("number", "integer")
#: Whole numbers with so few values that counts say more than a median.
COUNTED = {"ecog"}
#: Of a text column, more different words than this are summed up.
MAX_LEVELS = 12
YES, NO = "Y", "N"
NOT_KNOWN = "not known"


def baseline_item(results: Results) -> Content | Absent:
    """T2: age, sex, performance, earlier treatment and exposures, by cohort and pooled."""
    missing = absent_unless(results, SHEET)
    if missing:
        return missing
    patients = results.table(SHEET)
    if patients.empty:
        return Absent(why="The patients sheet holds no patient.")
    columns = [column for column in shown_columns() if column.name in patients]
    known = [column for column in columns if patients[column.name].notna().any()]
    empty = [column.meaning for column in columns if column not in known]
    counted = [_incomplete(results=results, column=column) for column in known if patients[column.name].isna().any()]
    if empty:
        counted.append(sentence("Not recorded for anybody: {names}.", names=listed(empty)))
    counted.append(Markup("The cohorts are described, they are not compared by a test."))
    table = baseline_table(patients=patients, columns=known)
    return Content(
        findings=_findings(results=results, names={column.name for column in known}),
        counted=counted,
        blocks=[Table(title="Patients before treatment: median [range] or n (%)", rows=table, source=SHEET)],
    )


def shown_columns() -> list[Column]:
    """Return the columns of the patients sheet that describe a patient before treatment; what they mean, in short."""
    kinds = (*NUMBERS, "word", "text")
    return [
        replace(column, meaning=column.meaning.partition(" (covariate")[0])
        for column in PATIENTS
        if column.kind in kinds and column.use != "outcome" and column.name not in NOT_SHOWN
    ]


def baseline_table(*, patients: pd.DataFrame, columns: list[Column]) -> pd.DataFrame:
    """Return one row per property or level, one column per cohort and one of all patients.

    Parameters
    ----------
    patients
        The checked patients sheet.
    columns
        Properties to show.
    """
    groups = {str(name): rows for name, rows in patients.groupby("cohort", sort=True)} if "cohort" in patients else {}
    groups = groups if len(groups) > 1 else {}
    groups[POOLED] = patients
    heads = {name: f"{name} (n = {len(rows)})" for name, rows in groups.items()}
    lines = []
    for column in columns:
        if column.kind in NUMBERS and column.name not in COUNTED:
            cells = {heads[name]: _spread(rows[column.name]) for name, rows in groups.items()}
            lines.append({"Property": column.meaning, "Level": "median [range]", **cells})
        else:
            lines += _levels(patients=patients, column=column, groups=groups, heads=heads)
            continue
        if patients[column.name].isna().any():
            cells = {heads[name]: _share(rows[column.name].isna()) for name, rows in groups.items()}
            lines.append({"Property": column.meaning, "Level": NOT_KNOWN, **cells})
    return pd.DataFrame(lines, columns=["Property", "Level", *heads.values()])


def _levels(
    *, patients: pd.DataFrame, column: Column, groups: dict[str, pd.DataFrame], heads: dict[str, str]
) -> list[dict[str, str]]:
    """Return one row per level; of a yes-or-no column the yes alone, and what is not known."""
    words = {name: rows[column.name].map(_word) for name, rows in groups.items()}
    seen = list(words[POOLED].value_counts().index)
    if set(column.allowed) == {YES, NO}:
        levels = {YES: "yes"}
    elif column.allowed:
        levels = {level: level for level in column.allowed if level in seen}
    elif column.kind in NUMBERS:
        levels = {level: level for level in sorted(set(seen) - {NOT_KNOWN}, key=float)}
    else:
        levels = {level: level for level in seen[:MAX_LEVELS] if level != NOT_KNOWN}
    rows = [
        {"Property": column.meaning, "Level": said, **{heads[g]: _share(words[g] == level) for g in groups}}
        for level, said in levels.items()
    ]
    rest = set(seen) - set(levels) - {NOT_KNOWN, NO}
    if rest:
        cells = {heads[g]: _share(words[g].isin(rest)) for g in groups}
        rows.append({"Property": column.meaning, "Level": f"{len(rest)} others", **cells})
    if patients[column.name].isna().any():
        cells = {heads[g]: _share(words[g] == NOT_KNOWN) for g in groups}
        rows.append({"Property": column.meaning, "Level": NOT_KNOWN, **cells})
    return rows


def _word(value: Any) -> str:
    if pd.isna(value):
        return NOT_KNOWN
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _spread(values: pd.Series) -> str:
    known = values.dropna()
    if known.empty:
        return NOT_KNOWN
    return f"{known.median():.4g} [{known.min():.4g} to {known.max():.4g}]"


def _share(mask: pd.Series) -> str:
    return f"{int(mask.sum())} ({100 * mask.mean():.0f} %)" if len(mask) else "0"


def _incomplete(*, results: Results, column: Column) -> Markup:
    n = total(results=results, source=SHEET, where=[(column.name, "missing", None)])
    return sentence("{what}: not known for {n} patients.", what=column.meaning, n=n)


def _findings(*, results: Results, names: set[str]) -> list[Markup]:
    patients = results.table(SHEET)
    n = total(results=results, source=SHEET)
    cohorts = sorted(set(patients["cohort"].dropna()), key=str) if "cohort" in patients else []
    parts = [
        sentence("{name} {k}", name=str(name), k=total(results=results, source=SHEET, where=[("cohort", "==", name)]))
        for name in cohorts
    ]
    first = sentence("{n} patients", n=n)
    found = [sentence("{first}: {parts}.", first=first, parts=listed(parts)) if len(parts) > 1 else first + Markup(".")]
    if "age" in names:
        words = spread_words(results=results, source=SHEET, column="age", unit="years")
        found.append(sentence("Age: {words}.", words=words))
    exposed: dict[str, tuple[str, list[Condition]]] = {
        "sex": ("women", [("sex", "==", "F")]),
        "liver_mets": ("liver metastases", [("liver_mets", "==", YES)]),
        "abx_60d": ("antibiotics before ILDR", [("abx_60d", "==", YES)]),
        "ppi_30d": ("proton pump inhibitor before ILDR", [("ppi_30d", "==", YES)]),
    }
    shares = [
        sentence(
            words + " {k} of {n}",
            k=total(results=results, source=SHEET, where=where),
            n=total(results=results, source=SHEET, where=[(name, "known", None)]),
        )
        for name, (words, where) in exposed.items()
        if name in names
    ]
    return (
        [*found, sentence("Of the patients of whom it is known: {shares}.", shares=listed(shares))] if shares else found
    )
