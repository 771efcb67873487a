"""How many patients had an adverse event by a week: by component, grade, system organ class and term."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gutaxis.clinical.intervals import CLOPPER_PEARSON, clopper_pearson

ALL = "ALL"
COLUMNS = [
    "week",
    "cohort",
    "component",
    "level",
    "soc",
    "term",
    "category",
    "n",
    "k",
    "rate",
    "ci_low",
    "ci_high",
    "ci_method",
    "n_reached",
]
#: Related to ILDR or the antibody, to each, and whatever the relation.
COMPONENTS = ("ANY", "ILDR", "ICI", "ALL_CAUSES")
#: Level and the columns that name its group.
LEVELS = {"OVERALL": [], "SOC": ["soc"], "TERM": ["soc", "term"]}
CATEGORIES = (
    "ANY_GRADE",
    "GRADE_GE3",
    "SERIOUS",
    "IRAE",
    *(f"GRADE_{grade}" for grade in range(1, 6)),
    "GRADE_MISSING",
)


def adverse_events(
    *, events: pd.DataFrame, patients: pd.DataFrame, safety: pd.Series, weeks: Sequence[int], cut: pd.Series
) -> pd.DataFrame:
    """Return the share of patients with an adverse event that began from ILDR to study day 7 x week.

    Each patient counts once per row. ANY_GRADE, GRADE_GE3, SERIOUS and IRAE (immune-related): at least one such event.
    GRADE_1 to GRADE_5: the patient's worst grade within the group; GRADE_MISSING: none of the events has a grade, so
    these six add up to ANY_GRADE.

    Parameters
    ----------
    events
        From :func:`gutaxis.clinical.adverse_events.adverse_events_long`.
    patients
        Index patient_id; cohort, death_day.
    safety
        patient_id -> Y or N: the safety set (any ILDR), the denominator.
    weeks
        Landmarks.
    cut
        patient_id -> last day of follow-up from ILDR.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``, sorted, ALL last. ``component``: related to ILDR or the antibody (ANY), to ILDR, to ICI, or
        ALL_CAUSES. Level OVERALL has every category, also with ``k`` 0; SOC and TERM have ANY_GRADE in every cohort for
        each group seen at all, and other categories where ``k`` is above 0. ``n``: safety set; ``n_reached``: of it,
        those whose follow-up covers the week or who died.

    Notes
    -----
    Clopper-Pearson intervals; see :func:`gutaxis.clinical.intervals.clopper_pearson`.
    """
    members = safety.index[safety == "Y"]
    owner = patients["cohort"].reindex(members)
    end = cut.reindex(members).fillna(np.inf)
    died = patients["death_day"].reindex(members) <= end
    rows = events[(events["trtemfl"] == "Y") & events["patient_id"].isin(members)]
    rows = rows.assign(cohort=rows["patient_id"].map(owner), grade=rows["grade"].astype(float))
    cohorts = [*sorted(set(owner.dropna()) - {ALL}), ALL]
    sizes = {name: owner.index if name == ALL else owner.index[owner == name] for name in cohorts}
    parts = []
    for week in weeks:
        reached = (end >= 7 * week - 1) | died
        for component in COMPONENTS:
            part = _of_component(rows[rows["start_day"] <= 7 * week - 1], component)
            for level, keys in LEVELS.items():
                table = _counts(part, keys, cohorts).assign(week=week, component=component, level=level)
                table["n"] = table["cohort"].map({name: len(index) for name, index in sizes.items()})
                table["n_reached"] = table["cohort"].map({name: int(reached[i].sum()) for name, i in sizes.items()})
                parts.append(table)
    table = pd.concat(parts, ignore_index=True)
    table["rate"], table["ci_low"], table["ci_high"] = clopper_pearson(k=table["k"], n=table["n"])
    table["ci_method"] = CLOPPER_PEARSON
    return _sort(table.reindex(columns=COLUMNS))


def _of_component(rows: pd.DataFrame, component: str) -> pd.DataFrame:
    if component == "ALL_CAUSES":
        return rows
    names = {"ANY": ["rel_ildr", "rel_ici"], "ILDR": ["rel_ildr"], "ICI": ["rel_ici"]}[component]
    return rows[(rows[names] == "RELATED").any(axis=1)]


def _counts(rows: pd.DataFrame, keys: list[str], cohorts: list[str]) -> pd.DataFrame:
    """Return patients per group, cohort and category; ``k`` 0 where nobody has it, see :func:`adverse_events`."""
    grouped = rows.assign(serious=rows["serious"] == "Y", irae=rows["irae"] == "Y").groupby(
        ["patient_id", "cohort", *keys], dropna=False
    )
    worst = grouped.agg(grade=("grade", "max"), serious=("serious", "any"), irae=("irae", "any")).reset_index()
    flags = {"ANY_GRADE": np.ones(len(worst), bool), "GRADE_GE3": worst["grade"] >= 3}
    flags |= {"SERIOUS": worst["serious"], "IRAE": worst["irae"]}
    flags |= {f"GRADE_{grade}": worst["grade"] == grade for grade in range(1, 6)}
    flags |= {"GRADE_MISSING": worst["grade"].isna()}
    counted = pd.concat([worst[["cohort", *keys]], pd.DataFrame(flags).astype(int)], axis=1)
    counted = pd.concat([counted[counted["cohort"] != ALL], counted.assign(cohort=ALL)])
    sums = counted.groupby(["cohort", *keys])[list(CATEGORIES)].sum()
    if keys:
        groups = worst[keys].drop_duplicates()
        full = groups.merge(pd.DataFrame({"cohort": cohorts}), how="cross")[["cohort", *keys]]
        sums = sums.reindex(pd.MultiIndex.from_frame(full), fill_value=0)
    else:
        sums = sums.reindex(cohorts, fill_value=0)
    sums.columns.name = "category"
    long = sums.rename_axis(index=["cohort", *keys]).stack().rename("k").astype(int).reset_index()
    return long[(long["k"] > 0) | (long["category"] == "ANY_GRADE") | (not keys)]


def _sort(table: pd.DataFrame) -> pd.DataFrame:
    places = {
        "component": {name: number for number, name in enumerate(COMPONENTS)},
        "level": {name: number for number, name in enumerate(LEVELS)},
        "category": {name: number for number, name in enumerate(CATEGORIES)},
    }
    keys = table[["week", "cohort", "component", "level", "soc", "term", "category"]].copy()
    for name, place in places.items():
        keys[name] = keys[name].map(place)
    keys.insert(1, "_all", keys["cohort"] == ALL)
    order = keys.fillna("").sort_values(list(keys), kind="stable").index
    return table.loc[order].reset_index(drop=True)
