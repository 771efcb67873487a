"""Did it work: waterfall (F1), spider and swimmer (F2), rates (T3), survival (F3, F4), lesions out of field (F5)."""

import pandas as pd
from markupsafe import Markup

from gutaxis.report.clinical_rates import ABSCOPAL, rates_item, weeks_of
from gutaxis.report.items import Absent, Content, Item, Table, absent_unless
from gutaxis.report.numbers import Condition, cell, chosen, listed, sentence, total
from gutaxis.report.sources import Results
from gutaxis.report.survival_items import TIMES, pfs2_item, survival_item
from gutaxis.report.wording import ALL, arm_figures, in_words, rate_words, spread_words

BEST = "clinical/best_response.tsv"
LESIONS = "clinical/abscopal_lesions.tsv"
SCANS = "clinical/recist_timepoints.tsv"
PATIENTS = "clinical/cohort/patients.tsv"
FIGURES = "clinical/figures"
RESPONSES = ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE", "MISSING")
FIELDS = {"N": "outside the field of ILDR", "Y": "in the field of ILDR", "U": "of which the field is not known"}
ANSWERS = {"Y": "yes", "N": "no", "NE": "not evaluable", "PENDING": "waits for confirmation"}
LESION_HEADS = {
    "patient_id": "Patient", "lesion_id": "Lesion", "organ": "Organ", "category": "Kind", "irradiated": "In the field",
    "evaluable": "Evaluable", "baseline_mm": "Before, mm", "best_mm": "Smallest, mm",
    "best_pct_change": "Best change, %", "best_day": "On day", "responding": "Abscopal effect",
    "confirmed": "Confirmed", "reason": "Not evaluable because",
}  # fmt: skip
BEST_HEADS = {
    "patient_id": "Patient", "bor": "Best response", "cbor": "Confirmed best response", "response": "Response",
    "first_response_day": "First response, day", "confirmed_day": "Confirmed, day", "reason": "Reason",
}  # fmt: skip


def waterfall_item(results: Results) -> Content | Absent:
    """F1: best change of the target lesions, in and outside the field of ILDR, with the best response."""
    missing = absent_unless(results, BEST, LESIONS, f"{FIGURES}/waterfall.html")
    if missing:
        return missing
    where = _reader(results)
    if chosen(table=results.table(BEST), where=where).empty:
        return Absent(why="No patient received ILDR: there is no best response.")
    figures = {f"{FIGURES}/waterfall.html": ("Best change of target lesions", LESIONS)}
    drawn = arm_figures(results=results, figures=figures)
    target = [("category", "==", "TARGET"), ("best_pct_change", "known", None)]
    rows = chosen(table=results.table(LESIONS), where=target)
    fields = [
        _change(results=results, where=[*target, ("irradiated", "==", field)], words=words)
        for field, words in FIELDS.items()
        if (rows["irradiated"] == field).any()
    ]
    measured = total(results=results, source=LESIONS, where=target, what="distinct", column="patient_id")
    n = total(results=results, source=BEST, where=where)
    table = chosen(table=results.table(BEST), where=where)
    return Content(
        findings=[_best(results), *fields],
        counted=[
            sentence("{k} of {n} patients have a target lesion measured before and after ILDR.", k=measured, n=n),
            sentence("Read by {reader}. Scans under another therapy do not count.", reader=results.settings["reader"]),
            *drawn.said,
        ],
        blocks=[
            *drawn.figures,
            Table(
                title="Best response of each patient", rows=in_words(rows=table, heads=BEST_HEADS), source=BEST,
                filters=("Best response", "Response") if table["response"].notna().any() else ("Best response",),
            ),
        ],
    )  # fmt: skip


def course_item(results: Results) -> Content | Absent:
    """F2: the sum of target lesions over time, and the course of each patient."""
    missing = absent_unless(results, SCANS, TIMES, BEST)
    if missing:
        return missing
    figures = {
        f"{FIGURES}/spider.html": ("Change of the sum of target lesions over time", SCANS),
        f"{FIGURES}/swimmer.html": ("Course of each patient", TIMES),
    }
    drawn = arm_figures(results=results, figures=figures)
    if not drawn.figures:
        return Absent(why=" ".join(str(said.striptags()) for said in drawn.said))
    after: list[Condition] = [*_reader(results), ("day", ">", 0), ("pct_change_baseline", "known", None)]
    whole = [*after, ("targets_missing", "==", 0)] if "targets_missing" in results.table(SCANS) else after
    findings = [_followed(results)]
    if not chosen(table=results.table(SCANS), where=whole).empty:
        scans = total(results=results, source=SCANS, where=whole)
        words = spread_words(results=results, source=SCANS, where=whole, column="pct_change_baseline", unit="%")
        findings.insert(0, sentence("{scans} scans after ILDR: change of the sum {words}.", scans=scans, words=words))
    shown = total(results=results, source=SCANS, where=whole, what="distinct", column="patient_id")
    n = total(results=results, source=BEST, where=_reader(results))
    counted = [
        sentence("{k} of {n} patients have a scan after ILDR that shows every target lesion.", k=shown, n=n),
        *_next_therapy(results),
        *drawn.said,
    ]
    return Content(findings=findings, counted=counted, blocks=list(drawn.figures))


def lesions_item(results: Results) -> Content | Absent:
    """F5: every lesion outside the field of ILDR, and how many show an abscopal effect."""
    missing = absent_unless(results, LESIONS, ABSCOPAL)
    if missing:
        return missing
    lesions = results.table(LESIONS)
    figures = {f"{FIGURES}/abscopal_lesions.html": ("Lesions outside the field of ILDR", LESIONS)}
    drawn = arm_figures(results=results, figures=figures)
    outside: list[Condition] = [("evaluable", "==", "Y")]
    if chosen(table=lesions, where=outside).empty:
        return Absent(why="No lesion outside the field of ILDR was measured before and after it.")
    hit = [*outside, ("responding", "==", "Y")]
    findings = [
        sentence(
            "{k} of {n} evaluable lesions outside the field shrank by as much as the rule of the config asks for, in "
            "{patients} of {all} patients with such a lesion.",
            k=total(results=results, source=LESIONS, where=hit),
            n=total(results=results, source=LESIONS, where=outside),
            patients=total(results=results, source=LESIONS, where=hit, what="distinct", column="patient_id"),
            all=total(results=results, source=LESIONS, where=outside, what="distinct", column="patient_id"),
        ),
        *_rates(results),
        _change(
            results=results, where=[*outside, ("best_pct_change", "known", None)], words="outside the field of ILDR",
            kind="Evaluable lesions",
        ),
    ]  # fmt: skip
    rows = lesions.sort_values(["best_pct_change", "patient_id", "lesion_id"])
    for name in ("evaluable", "responding", "confirmed"):
        rows[name] = rows[name].map(ANSWERS)
    rows["irradiated"] = rows["irradiated"].map({"Y": "yes", "N": "no", "U": "not known"})
    table = Table(
        title="Every target and non-target lesion", rows=in_words(rows=rows, heads=LESION_HEADS), source=LESIONS,
        filters=("In the field", "Evaluable"),
    )  # fmt: skip
    return Content(findings=findings, counted=[*_not_evaluable(results), *drawn.said], blocks=[*drawn.figures, table])


def _reader(results: Results) -> list[Condition]:
    return [("reader", "==", results.settings["reader"])]


def _best(results: Results) -> Markup:
    where = _reader(results)
    rows = chosen(table=results.table(BEST), where=where)
    parts = [
        sentence("{name} in {k}", name=name, k=total(results=results, source=BEST, where=[*where, ("bor", "==", name)]))
        for name in RESPONSES
        if (rows["bor"] == name).any()
    ]
    n = total(results=results, source=BEST, where=where)
    return sentence("Best response of {n} patients, confirmed or not: {parts}.", n=n, parts=listed(parts))


def _change(*, results: Results, where: list[Condition], words: str, kind: str = "Target lesions") -> Markup:
    return sentence(
        "{kind} {words}: best change {spread} in {n} lesions of {patients} patients.",
        kind=kind, words=words,
        spread=spread_words(results=results, source=LESIONS, where=where, column="best_pct_change", unit="%"),
        n=total(results=results, source=LESIONS, where=where),
        patients=total(results=results, source=LESIONS, where=where, what="distinct", column="patient_id"),
    )  # fmt: skip


def _followed(results: Results) -> Markup:
    own: list[Condition] = [("paramcd", "==", "OS"), ("aval_days", "known", None)]
    if chosen(table=results.table(TIMES), where=own).empty:
        return Markup("Of no patient is the follow-up known.")
    progressed = [("paramcd", "==", "PFS2"), ("cnsr", "==", 0)]
    return sentence(
        "Follow-up: {words} in {n} patients; {dead} died, {pd} had an event of progression-free survival.",
        words=spread_words(
            results=results, source=TIMES, where=own, column="aval_days", style="integer", unit="days"
        ),
        n=total(results=results, source=TIMES, where=own),
        dead=total(results=results, source=TIMES, where=[*own, ("cnsr", "==", 0)]),
        pd=total(results=results, source=TIMES, where=progressed),
    )  # fmt: skip


def _next_therapy(results: Results) -> list[Markup]:
    if not results.has(PATIENTS) or "new_therapy_day" not in results.table(PATIENTS):
        return []
    if results.table(PATIENTS)["new_therapy_day"].isna().all():
        return [Markup("No patient is known to have begun another therapy.")]
    n = total(results=results, source=PATIENTS, where=[("new_therapy_day", "known", None)])
    return [sentence("Patients who began another therapy, whose scans from then on are not drawn: {n}.", n=n)]


def _rates(results: Results) -> list[Markup]:
    """Return the rate of patients and of lesions in the last week."""
    found = []
    for endpoint, words in (("ABSCOPAL", "Patients (primary endpoint)"), ("LESION", "Lesions")):
        where: list[Condition] = [("endpoint", "==", endpoint), ("cohort", "==", ALL)]
        weeks = weeks_of(results=results, source=ABSCOPAL, where=where)
        if not weeks:
            continue
        own = [*where, ("week", "==", weeks[-1])]
        rate = rate_words(results=results, source=ABSCOPAL, where=own, k="k", n="n")
        method = chosen(table=results.table(ABSCOPAL), where=own)["ci_method"].iloc[0]
        week = cell(results=results, source=ABSCOPAL, where=own, column="week", style="integer")
        text = "{words} with an abscopal effect by week {week}: {rate}; interval: {method}."
        method = "none" if pd.isna(method) else method
        found.append(sentence(text, words=words, week=week, rate=rate, method=method))
    return found


def _not_evaluable(results: Results) -> list[Markup]:
    rows = results.table(LESIONS)
    reasons = sorted(set(rows.loc[rows["evaluable"] != "Y", "reason"].dropna().astype(str)))
    parts = [
        sentence("{n} {reason}", n=total(results=results, source=LESIONS, where=[("reason", "==", reason)]),
                 reason=reason.lower())
        for reason in reasons
    ]  # fmt: skip
    n = total(results=results, source=LESIONS)
    if not parts:
        return [sentence("n = {n} lesions; all are evaluable.", n=n)]
    return [sentence("n = {n} lesions; not evaluable: {parts}.", n=n, parts=listed(parts))]


WORKED: tuple[Item, ...] = (
    Item(key="T3", title="Response, disease control and abscopal rates", section="worked", build=rates_item),
    Item(key="F1", title="Best change of target lesions (waterfall)", section="worked", build=waterfall_item),
    Item(key="F2", title="Course over time (spider, swimmer)", section="worked", build=course_item),
    Item(key="F3", title="Progression-free survival (PFS2)", section="worked", build=pfs2_item),
    Item(key="F4", title="Overall and cancer-specific survival", section="worked", build=survival_item),
    Item(key="F5", title="Lesions outside the field of ILDR", section="worked", build=lesions_item),
)
