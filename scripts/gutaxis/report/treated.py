"""Who was treated: flow of patients and samples (T1), and what the cohorts looked like before treatment (T2)."""

import altair as alt
import pandas as pd
from markupsafe import Markup

from gutaxis.clinical.figure_frame import (
    BLUE,
    INK,
    LIGHT,
    ORANGE,
    SKY,
    VERMILION,
    in_order,
    row_step,
)
from gutaxis.cohort.completeness import MEANINGS, SYMBOLS
from gutaxis.report.baseline import baseline_item
from gutaxis.report.charts import MAX_MARKS
from gutaxis.report.items import Absent, Content, Figure, Item, Table, absent_unless
from gutaxis.report.numbers import listed, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.wording import in_words

GRID = "clinical/completeness.tsv"
PATIENTS = "clinical/cohort/patients.tsv"
SAMPLES = "clinical/cohort/samples.tsv"
SETS = "clinical/analysis_sets.tsv"
CRITERIA = "clinical/eligibility.tsv"
LINKED = "clinical/sample_response.tsv"
#: Analysis sets in the order in which patients leave them.
SET_WORDS = {
    "SAF": "received ILDR (safety set)",
    "FAS": "at the dose of the trial (primary set)",
    "EVAL": "can be evaluated for response",
    "PP": "violate no criterion that is known (per protocol)",
}
CRITERION_WORDS = {
    "METASTATIC": "Metastatic tumour",
    "PRIOR_ICB": "Earlier checkpoint blockade",
    "PROGRESSED_ON_ICB": "Progression under it, before ILDR",
    "ECOG_0_2": "ECOG 0 to 2",
    "LIFE_EXPECTANCY_3_MONTHS": "Life expectancy of 3 months or more",
    "MEASURABLE_LESION": "Measurable lesion at baseline",
    "NO_PELVIC_RADIOTHERAPY": "No earlier radiotherapy of the pelvis",
    "NO_INFECTION": "No ongoing infection",
    "NO_ORGAN_DYSFUNCTION": "No major organ dysfunction",
    "NO_CONCURRENT_THERAPY": "No other antitumour therapy",
    "ILDR_DOSE": "Dose of the trial",
    "ICI_WITHIN_24_H": "Antibody within 24 hours of ILDR",
}
STATUS_COLORS = {"PAIRED": BLUE, "PRE_ONLY": SKY, "POST_ONLY": ORANGE, "FAILED_QC": VERMILION, "NONE": LIGHT}


def flow_item(results: Results) -> Content | Absent:
    """T1: how many patients and samples there are, and where the others were lost."""
    missing = absent_unless(results, PATIENTS, GRID)
    if missing:
        return missing
    if results.table(PATIENTS).empty:
        return Absent(why="The patients sheet holds no patient.")
    findings = [_sets(results), *_pairs(results)]
    counted = [*_left_out(results), *_samples(results)]
    grid = results.table(GRID)
    blocks: list[Figure | Table] = [
        Figure(title="Flow of patients", chart=_flow(results), source=_flow_source(results))
    ]
    if not grid.empty:
        note = _grid_note(grid)
        counted += [note] if note else []
        blocks.append(Figure(title="Samples of each patient", chart=_grid(grid), source=GRID))
        blocks.append(_without_pair(grid))
    if results.has(CRITERIA):
        findings.append(_violations(results))
        blocks.append(_criteria(results.table(CRITERIA)))
    return Content(findings=findings, counted=counted, blocks=blocks)


def _sets(results: Results) -> Markup:
    patients = total(results=results, source=PATIENTS)
    if not results.has(SETS):
        return sentence("{n} patients are in the sheets. {why}", n=patients, why=results.why(SETS))
    counts = {name: total(results=results, source=SETS, where=[(name, "==", "Y")]) for name in SET_WORDS}
    parts = [sentence("{n} " + words, n=counts[name]) for name, words in SET_WORDS.items()]
    return sentence("Of {n} patients in the sheets, {parts}.", n=patients, parts=listed(parts))


def _pairs(results: Results) -> list[Markup]:
    """Return one sentence per assay and material: pairs, and what there is instead."""
    grid = results.table(GRID)
    if grid.empty:
        return [Markup("No patient has a sample in the sheets.")]
    found = []
    for (assay, material), rows in grid.groupby(["assay", "material"], sort=True):
        own = [("assay", "==", assay), ("material", "==", material)]
        others = [
            sentence("{n} with {what}", n=total(results=results, source=GRID, where=[*own, ("status", "==", status)]),
                     what=MEANINGS[status])
            for status in MEANINGS
            if status != "PAIRED" and (rows["status"] == status).any()
        ]  # fmt: skip
        tail = sentence("; {others}", others=listed(others)) if others else Markup("")
        pairs = total(results=results, source=GRID, where=[*own, ("status", "==", "PAIRED")])
        found.append(
            sentence(
                "{name}: {k} of {n} patients have a sample before and after treatment{tail}.",
                name=_heading(assay, material), k=pairs, n=total(results=results, source=GRID, where=own), tail=tail,
            )
        )  # fmt: skip
    return found


def _left_out(results: Results) -> list[Markup]:
    """Return how many patients each analysis set leaves out, by reason."""
    if not results.has(SETS):
        return []
    sets, found = results.table(SETS), []
    for name in SET_WORDS:
        reasons = sorted(set(sets.loc[sets[name] == "N", f"reason_{name}"].dropna().astype(str)))
        for reason in reasons:
            n = total(results=results, source=SETS, where=[(name, "==", "N"), (f"reason_{name}", "==", reason)])
            found.append(sentence("Not in {name}: {n} ({reason}).", name=name, n=n, reason=reason))
    return found or [Markup("No patient is left out of an analysis set.")]


def _samples(results: Results) -> list[Markup]:
    found = []
    if results.has(SAMPLES):
        own = [("control", "==", "N")]
        found.append(
            sentence(
                "{n} samples of patients, {bad} of them did not pass quality control; {controls} controls.",
                n=total(results=results, source=SAMPLES, where=own),
                bad=total(results=results, source=SAMPLES, where=[*own, ("qc", "known", None), ("qc", "!=", "PASS")]),
                controls=total(results=results, source=SAMPLES, where=[("control", "!=", "N")]),
            )
        )
    if results.has(LINKED):
        known = {
            word: total(results=results, source=LINKED, where=[("response", "==", word)], what="distinct",
                        column="patient_id")
            for word in ("R", "NR")
        }  # fmt: skip
        words = sentence(
            "Of the patients with samples, {r} are responders and {nr} non-responders", r=known["R"], nr=known["NR"]
        )
        where = [("response", "missing", None)]
        tail = Markup(".")
        if results.table(LINKED)["response"].isna().any():
            unknown = total(results=results, source=LINKED, where=where, what="distinct", column="patient_id")
            tail = sentence("; the response of {na} is not known: they never count as non-responders.", na=unknown)
        found.append(words + tail)
    return found


def _violations(results: Results) -> Markup:
    violated, unknown = [("met", "==", "N")], [("met", "missing", None)]
    return sentence(
        "Criteria of eligibility: {bad} violations in {patients} patients; {open} answers are not known, which is "
        "no violation.",
        bad=total(results=results, source=CRITERIA, where=violated),
        patients=total(results=results, source=CRITERIA, where=violated, what="distinct", column="patient_id"),
        open=total(results=results, source=CRITERIA, where=unknown),
    )


def _flow_source(results: Results) -> str:
    return SETS if results.has(SETS) else GRID


def _flow(results: Results) -> alt.LayerChart:
    """Return boxes from top to bottom, those who leave at their right."""
    patients = results.table(PATIENTS)
    steps = [{"label": "In the sheets", "n": len(patients), "out": ""}]
    if results.has(SETS):
        sets = results.table(SETS)
        for name, words in list(SET_WORDS.items())[:3]:
            reasons = sets.loc[sets[name] == "N", f"reason_{name}"].fillna("no reason given").value_counts()
            out = "; ".join(f"{count} {reason}" for reason, count in reasons.sort_index().items())
            steps.append({"label": words[0].upper() + words[1:], "n": int((sets[name] == "Y").sum()), "out": out})
    grid = results.table(GRID)
    for (assay, material), rows in grid.groupby(["assay", "material"], sort=True):
        counts = rows["status"].value_counts()
        out = "; ".join(f"{counts[s]} {MEANINGS[s]}" for s in MEANINGS if s != "PAIRED" and s in counts)
        label = f"Pair before and after: {_heading(assay, material)}"
        steps.append({"label": label, "n": int(counts.get("PAIRED", 0)), "out": out})
    data = pd.DataFrame(steps).assign(place=range(len(steps)))
    data["text"] = data["label"] + ": n = " + data["n"].astype(str)
    data["left"] = data["out"].where(data["out"] == "", "not: " + data["out"])
    place = alt.Y("place:O", axis=None, scale=alt.Scale(paddingInner=0.3))
    tips = [
        alt.Tooltip("label:N", title="Step"),
        alt.Tooltip("n:Q", title="Patients"),
        alt.Tooltip("out:N", title="Not in it"),
    ]
    base = alt.Chart(data).encode(y=place, tooltip=tips)
    boxes = base.mark_rect(fill="white", stroke=INK).encode(x=alt.value(0), x2=alt.value(330))
    words = base.mark_text(align="left", fontSize=11, limit=315, color=INK).encode(x=alt.value(9), text="text:N")
    away = base.mark_text(align="left", fontSize=11, limit=270, color="#555555").encode(x=alt.value(342), text="left:N")
    return alt.layer(boxes, words, away).properties(width=620, height=34 * len(data))


def _grid(grid: pd.DataFrame) -> alt.LayerChart:
    """Return the state of every patient's samples; the sign in a cell says the same as its colour."""
    rows = _drawn(grid).assign(column=_headings, state=lambda table: table["status"].map(MEANINGS))
    rows = rows.assign(sign=rows["status"].map(SYMBOLS), reason=rows["reason"].fillna(""))
    order = sorted(set(rows["patient_id"]))
    keep = ["patient_id", "column", "state", "sign", "reason"]
    rows, y = in_order(rows=rows[keep], order=order, title="Patients", upright=True)
    seen = [MEANINGS[status] for status in STATUS_COLORS if MEANINGS[status] in set(rows["state"])]
    colors = [color for status, color in STATUS_COLORS.items() if MEANINGS[status] in seen]
    pick = alt.selection_point(fields=["state"], bind="legend")
    base = alt.Chart(rows).encode(
        x=alt.X("column:N", title="Assay and material", axis=alt.Axis(labelAngle=0, orient="top")),
        y=y,
        tooltip=[
            alt.Tooltip("patient_id:N", title="Patient"),
            alt.Tooltip("column:N", title="Samples"),
            alt.Tooltip("state:N", title="There is"),
            alt.Tooltip("reason:N", title="Reason"),
        ],
    )
    cells = base.mark_rect(stroke="white", strokeWidth=1).encode(
        color=alt.Color("state:N", title="There is", scale=alt.Scale(domain=seen, range=colors)),
        opacity=alt.condition(pick, alt.value(1), alt.value(0.15)),
    )
    chart = cells.add_params(pick)
    if len(order) <= 120:
        chart += base.mark_text(fontSize=10).encode(
            text="sign:N",
            color=alt.condition(alt.datum.state == MEANINGS["PAIRED"], alt.value("white"), alt.value(INK)),
        )
    width = min(110, 520 / rows["column"].nunique())
    return chart.properties(width=alt.Step(width), height=alt.Step(row_step(rows=len(order))))


def _drawn(grid: pd.DataFrame) -> pd.DataFrame:
    kinds = max(1, len(grid[["assay", "material"]].drop_duplicates()))
    patients = sorted(set(grid["patient_id"]))[: MAX_MARKS // kinds]
    return grid[grid["patient_id"].isin(patients)]


def _grid_note(grid: pd.DataFrame) -> Markup | None:
    if len(_drawn(grid)) == len(grid):
        return None
    return Markup("The grid draws the first patients only; its source table holds all of them.")


def _headings(table: pd.DataFrame) -> list[str]:
    return [_heading(assay, material) for assay, material in zip(table["assay"], table["material"], strict=True)]


def _heading(assay: str, material: str) -> str:
    return str(assay) if material == "ANY" else f"{assay} {material}"


def _without_pair(grid: pd.DataFrame) -> Table:
    rows = grid[grid["status"] != "PAIRED"].assign(status=lambda table: table["status"].map(MEANINGS))
    heads = {
        "patient_id": "Patient",
        "assay": "Assay",
        "material": "Material",
        "status": "There is",
        "reason": "Reason",
    }
    return Table(
        title="Patients without a pair of samples", rows=in_words(rows=rows, heads=heads), source=GRID,
        filters=("Assay", "There is"),
    )  # fmt: skip


def _criteria(criteria: pd.DataFrame) -> Table:
    order = list(dict.fromkeys(criteria["criterion"]))
    counts = pd.crosstab(criteria["criterion"], criteria["met"].fillna("not known")).reindex(order)
    counts = counts.reindex(columns=["Y", "N", "not known"], fill_value=0).reset_index()
    violating = criteria[criteria["met"] == "N"].groupby("criterion")["patient_id"].agg(", ".join)
    counts["who"] = counts["criterion"].map(violating).fillna("none")
    counts["criterion"] = counts["criterion"].map(lambda name: CRITERION_WORDS.get(name, name))
    heads = ["Criterion", "Met, patients", "Violated, patients", "Not known, patients", "Violated by"]
    return Table(title="Eligibility", rows=counts.set_axis(heads, axis=1), source=CRITERIA)


TREATED: tuple[Item, ...] = (
    Item(key="T1", title="Flow of patients and samples", section="treated", build=flow_item),
    Item(key="T2", title="Patients before treatment", section="treated", build=baseline_item),
)
