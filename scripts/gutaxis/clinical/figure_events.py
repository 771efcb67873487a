"""Figure of adverse events: share of patients per term, by worst grade."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from gutaxis.clinical.figure_frame import Chart, counted, empty_figure, titled

#: From light to dark with the grade; orange to brown is told apart with any colour vision, grey is no grade.
GRADES = {
    "1": "#FDE3B8",
    "2": "#F6B04F",
    "3": "#D9730D",
    "4": "#99400A",
    "5": "#3D1302",
    "not recorded": "#B5B5B5",
}
PANELS = {"rel_ildr": "Related to ILDR", "rel_ici": "Related to the antibody"}
MAX_TERMS = 30


def adverse_events_figure(*, events: pd.DataFrame, safety: Sequence[str], week: int) -> Chart:
    """Draw, per term, the share of treated patients by their worst grade, related to ILDR and to the antibody.

    Parameters
    ----------
    events
        Table adverse_events_long: patient_id term grade start_day (days from ILDR) trtemfl rel_ildr rel_ici.
    safety
        Patients of the safety set: the denominator.
    week
        Events that began up to study day 7 x week are counted.
    """
    title = f"Treatment-related adverse events by week {week}"
    total = len(set(safety))
    if total == 0:
        return empty_figure(title=title, reason="no patient received ILDR")
    rows = events[(events["trtemfl"] == "Y") & (events["start_day"] < 7 * week) & events["patient_id"].isin(safety)]
    related = rows[(rows["rel_ildr"] == "RELATED") | (rows["rel_ici"] == "RELATED")]
    if related.empty:
        return empty_figure(title=title, reason=f"none of {total} treated patients had one")
    counts = related.groupby("term")["patient_id"].nunique()
    order = sorted(counts.index, key=lambda term: (-counts[term], term))
    shown = order[:MAX_TERMS]
    parts = [
        _worst(related[(related[name] == "RELATED") & related["term"].isin(shown)], total).assign(component=label)
        for name, label in PANELS.items()
    ]
    data = pd.concat(parts, ignore_index=True)
    grades = [grade for grade in GRADES if grade in set(data["grade"])]
    widest = float(data.groupby(["component", "term"])["percent"].sum().max())
    chart = (
        alt.Chart(data)
        .mark_bar(stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("percent:Q", title="% of treated patients", scale=alt.Scale(domain=[0, max(10.0, widest)])),
            y=alt.Y("term:N", sort=shown, title=None, axis=alt.Axis(labelLimit=260, ticks=False, domain=False)),
            color=alt.Color(
                "grade:N",
                scale=alt.Scale(domain=grades, range=[GRADES[grade] for grade in grades]),
                title="Worst grade",
            ),
            order=alt.Order("place:Q"),
            column=alt.Column("component:N", sort=list(PANELS.values()), title=None),
            tooltip=[
                alt.Tooltip("term:N", title="Term"),
                alt.Tooltip("grade:N", title="Worst grade"),
                alt.Tooltip("k:Q", title="Patients"),
                alt.Tooltip("percent:Q", title="%", format=".1f"),
            ],
        )
        .properties(width=250, height=alt.Step(20))
    )
    severe = related.loc[related["grade"] >= 3, "patient_id"].nunique()
    hit = related["patient_id"].nunique()
    more = f" The {MAX_TERMS} most frequent of {len(order)} terms." if len(order) > MAX_TERMS else ""
    notes = [
        counted(shown=hit, total=total, missing={"without a related event": total - hit}, what="treated patients"),
        f"Grade 3 or more in {severe} ({100 * severe / total:.1f} %). Each patient counts once per term, at the worst "
        f"grade.{more}",
        "CTCAE v5.0. A relation that is not recorded counts as related; a grade that is not recorded stays apart.",
    ]
    return titled(chart=chart, title=title, notes=notes)


def _worst(rows: pd.DataFrame, total: int) -> pd.DataFrame:
    """Return term, grade, patients and percent; a patient counts once per term at the worst grade."""
    worst = rows.groupby(["patient_id", "term"])["grade"].max().reset_index()
    worst["grade"] = worst["grade"].map(lambda grade: "not recorded" if pd.isna(grade) else str(int(grade)))
    table = worst.groupby(["term", "grade"]).size().rename("k").reset_index()
    places = {grade: place for place, grade in enumerate(GRADES)}
    return table.assign(percent=100 * table["k"] / total, place=table["grade"].map(places))
