"""Abscopal effect: shrinkage of lesions outside the field of ILDR, per lesion and per patient."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from gutaxis.clinical.settings import ClinicalSettings

COLUMNS = [
    "patient_id",
    "week",
    "evaluable",
    "n_lesions",
    "n_responding",
    "best_pct_change",
    "abscopal",
    "abscopal_confirmed",
    "reached",
    "reason",
]
LESION_COLUMNS = [
    "patient_id",
    "lesion_id",
    "organ",
    "category",
    "is_node",
    "irradiated",
    "evaluable",
    "responding",
    "confirmed",
    "baseline_mm",
    "best_mm",
    "best_pct_change",
    "best_day",
    "first_response_day",
    "baseline_day",
    "reason",
]
#: Smallest size at which a lesion is measurable, in tenths of a millimetre: longest diameter; short axis of a node.
MEASURABLE_TENTHS, MEASURABLE_NODE_TENTHS = 100, 150
KEY = ["patient_id", "lesion_id"]


class Abscopal(NamedTuple):
    """What :func:`abscopal_effect` returns."""

    patients: pd.DataFrame
    lesions: pd.DataFrame
    lesion_weeks: pd.DataFrame


def abscopal_effect(
    *,
    patients: pd.DataFrame,
    lesions: pd.DataFrame,
    cells: pd.DataFrame,
    timepoints: pd.DataFrame,
    cut: pd.Series,
    settings: ClinicalSettings,
) -> Abscopal:
    """Judge every lesion against its own baseline, and every patient at every landmark.

    A lesion counts if it lies outside the field (``irradiated`` N), is measurable at baseline (target or non-target;
    10 mm, a node 15 mm short axis; an earlier irradiated lesion only as a target), and has a size after ILDR. It
    responds with a decrease of 30 % or more (in whole tenths of a millimetre); a lesion that is gone changed by -100 %.
    A lesion with ``irradiated`` U is never evaluable, and never a non-response. Scans from the first day of a new
    antitumour therapy on do not count, nor scans after the end of follow-up. Landmark of week W: scans up to 7 x W days
    plus the visit window.

    Parameters
    ----------
    patients
        Index patient_id; ildr_date, new_therapy_day, death_day.
    lesions
        Sheet of lesions; irradiated and prior_rt are read.
    cells
        From :func:`gutaxis.clinical.recist.assess`: sizes in tenths, nodes by their short axis.
    timepoints
        Table recist_timepoints, for the day of overall progression.
    cut
        patient_id -> last day of follow-up from ILDR.
    settings
        ``abscopal_rule`` (``any_lesion``; ``sum``: of all such lesions of a scan that shows every one of them),
        ``abscopal_decrease_percent``, ``abscopal_confirmed`` (still decreased ``confirmation_days`` or more later,
        and at every size between), ``abscopal_without_pd`` (no overall progression up to the landmark),
        ``weeks_response``, ``visit_window_days``, ``baseline_window_days``, ``reader``.

    Returns
    -------
    Abscopal
        ``patients``: ``COLUMNS``; abscopal Y, N or NE by the configured rule; abscopal_confirmed Y, N, NE or PENDING
        (follow-up too short to confirm). ``reached``: follow-up covers the week and its window, or the patient died.
        ``lesions``: one row per target and non-target lesion, ``LESION_COLUMNS``; days from ILDR, sizes in mm; the
        irradiated ones carry their changes, but are not evaluable.
        ``lesion_weeks``: patient_id lesion_id week responding (bool) confirmed (bool) of evaluable lesions.
    """
    treated = patients[patients["ildr_date"].notna()].sort_index()
    table = _lesion_table(lesions, cells, treated, settings)
    scans = _scans(cells, table, treated, cut, settings)
    counted = table.loc[table["reason"] == "", KEY]
    outside = scans.merge(counted, on=KEY)
    judged = outside if settings.abscopal_rule == "any_lesion" else _sums(outside, counted, table, settings)
    progressed = timepoints[(timepoints["reader"] == settings.reader) & (timepoints["overall_response"] == "PD")]
    pd_day = progressed.groupby("patient_id")["day"].min().reindex(treated.index)

    parts, weeks = [], []
    for week in settings.weeks_response:
        limit = 7 * week + settings.visit_window_days
        by_lesion = _by_lesion(outside, limit, cut, settings)
        weeks.append(by_lesion[[*KEY, "responding", "confirmed"]].assign(week=week))
        by_patient = by_lesion if judged is outside else _by_lesion(judged, limit, cut, settings)
        parts.append(
            _patients_at(
                week,
                settings,
                treated=treated,
                by_lesion=by_lesion,
                judged=by_patient,
                table=table,
                pd_day=pd_day,
                cut=cut,
            )
        )
    result = pd.concat(parts, ignore_index=True).sort_values(["patient_id", "week"], ignore_index=True)
    lesion_weeks = pd.concat(weeks, ignore_index=True)[[*KEY, "week", "responding", "confirmed"]]
    return Abscopal(
        patients=result[COLUMNS],
        lesions=_describe(table, scans, cut, settings),
        lesion_weeks=lesion_weeks.sort_values([*KEY, "week"], ignore_index=True),
    )


def _lesion_table(
    lesions: pd.DataFrame, cells: pd.DataFrame, treated: pd.DataFrame, settings: ClinicalSettings
) -> pd.DataFrame:
    """Return one row per lesion with its baseline, and the reason why it cannot be judged, if any."""
    wanted = (lesions["category"] != "NEW") & lesions["patient_id"].isin(treated.index)
    table = lesions[wanted].sort_values(KEY, ignore_index=True)
    inside = cells["day"].between(-settings.baseline_window_days, 0) & (cells["reader"] == settings.reader)
    before = cells[inside & cells["tenths"].notna()].sort_values("day", kind="stable")
    last = before.drop_duplicates(KEY, keep="last")[[*KEY, "tenths", "day"]]
    table = table.merge(last.rename(columns={"tenths": "base", "day": "baseline_day"}), on=KEY, how="left")
    smallest = np.where(table["is_node"] == "Y", MEASURABLE_NODE_TENTHS, MEASURABLE_TENTHS)
    old_field = (table["category"] != "TARGET") & (_column(table, "prior_rt") == "Y")
    table["irradiated"] = _column(table, "irradiated").fillna("U")
    table["reason"] = np.select(
        [
            table["irradiated"] == "Y",
            table["irradiated"] == "U",
            table["base"].isna(),
            (table["base"] < smallest) | old_field,
        ],
        ["IRRADIATED", "IRRADIATION NOT KNOWN", "NO SIZE AT BASELINE", "NOT MEASURABLE AT BASELINE"],
        "",
    )
    return table


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    return table[name] if name in table else pd.Series(np.nan, index=table.index, dtype=object)


def _scans(
    cells: pd.DataFrame, table: pd.DataFrame, treated: pd.DataFrame, cut: pd.Series, settings: ClinicalSettings
) -> pd.DataFrame:
    """Return sizes after ILDR of lesions with a baseline, with their change."""
    rows = cells[(cells["day"] > 0) & cells["tenths"].notna() & (cells["reader"] == settings.reader)]
    rows = rows[[*KEY, "assessment_id", "day", "tenths"]].merge(table.loc[table["base"] > 0, [*KEY, "base"]], on=KEY)
    therapy = rows["patient_id"].map(treated["new_therapy_day"].astype(float)).fillna(np.inf)
    end = rows["patient_id"].map(cut).fillna(np.inf)
    return _changes(rows[(rows["day"] < therapy) & (rows["day"] <= end)], settings)


def _changes(rows: pd.DataFrame, settings: ClinicalSettings) -> pd.DataFrame:
    """Add change and response, and the unbroken run of responses that a scan belongs to."""
    rows = rows.sort_values([*KEY, "day", "assessment_id"], ignore_index=True)
    rows["pct"] = 100 * (rows["tenths"] - rows["base"]) / rows["base"]
    rows["responds"] = 100 * rows["tenths"] <= (100 - settings.abscopal_decrease_percent) * rows["base"]
    rows["run"] = (~rows["responds"]).groupby([rows[name] for name in KEY]).cumsum()
    responses = rows[rows["responds"]].groupby([*KEY, "run"])["day"]
    found = responses.agg(run_start="min", run_end="max").reset_index()
    rows = rows.merge(found, on=[*KEY, "run"], how="left")
    rows[["run_start", "run_end"]] = rows[["run_start", "run_end"]].where(rows["responds"], np.nan)
    rows["open"] = rows["run_end"] == rows.groupby(KEY)["day"].transform("max")
    return rows


def _sums(
    outside: pd.DataFrame, counted: pd.DataFrame, table: pd.DataFrame, settings: ClinicalSettings
) -> pd.DataFrame:
    """Return the sum of a patient's lesions as if it were one lesion; scans that miss a lesion have none."""
    whole = table.merge(counted, on=KEY).groupby("patient_id")["base"].agg(["size", "sum"])
    rows = outside.groupby(["patient_id", "assessment_id"]).agg(
        day=("day", "max"), tenths=("tenths", "sum"), lesions=("lesion_id", "nunique")
    )
    rows = rows.reset_index().assign(lesion_id="SUM")
    complete = rows["lesions"] == rows["patient_id"].map(whole["size"])
    rows["base"] = rows["patient_id"].map(whole["sum"])
    return _changes(rows[complete].drop(columns="lesions"), settings)


def _by_lesion(scans: pd.DataFrame, limit: float, cut: pd.Series, settings: ClinicalSettings) -> pd.DataFrame:
    """Return one row per lesion with a scan up to the limit: best change, response, confirmed, pending."""
    rows = scans[scans["day"] <= limit]
    held = rows["run_end"] - rows["run_start"] >= settings.confirmation_days
    ends = rows["patient_id"].map(cut).fillna(np.inf)
    waits = rows["open"] & (ends < rows["run_start"] + settings.confirmation_days)
    rows = rows.assign(held=held, waits=waits)
    return rows.groupby(KEY, as_index=False).agg(
        best=("pct", "min"), responding=("responds", "any"), confirmed=("held", "any"), pending=("waits", "any")
    )


def _patients_at(
    week: int,
    settings: ClinicalSettings,
    *,
    treated: pd.DataFrame,
    by_lesion: pd.DataFrame,
    judged: pd.DataFrame,
    table: pd.DataFrame,
    pd_day: pd.Series,
    cut: pd.Series,
) -> pd.DataFrame:
    out = pd.DataFrame(index=treated.index.rename("patient_id")).assign(week=week)
    lesions = by_lesion.groupby("patient_id")["responding"].agg(["size", "sum"]).reindex(out.index).fillna(0)
    out["n_lesions"], out["n_responding"] = lesions["size"].astype(int), lesions["sum"].astype(int)
    status = judged.groupby("patient_id").agg(
        best=("best", "min"), any=("responding", "any"), held=("confirmed", "any"), waits=("pending", "any")
    )
    evaluable = pd.Series(out.index.isin(status.index), index=out.index)
    status = status.reindex(out.index)
    out["best_pct_change"] = status["best"]
    flags = {name: status[name].eq(True) for name in ("any", "held", "waits")}
    excluded = settings.abscopal_without_pd & (pd_day <= 7 * week + settings.visit_window_days)
    end = cut.reindex(out.index).fillna(np.inf)
    reached = (end >= 7 * week + settings.visit_window_days) | (treated["death_day"] <= end)
    pending = evaluable & flags["waits"] & ~flags["held"] & ~excluded
    held, found = (flags[name] & ~excluded for name in ("held", "any"))
    # Before the week is over the answer can still become yes; no is not known yet.
    confirmed = np.select([~evaluable, held, pending, ~reached], ["NE", "Y", "PENDING", "NE"], "N")
    plain = np.select([~evaluable, found, ~reached], ["NE", "Y", "NE"], "N")
    out["abscopal"] = np.where(confirmed == "PENDING", "NE", confirmed) if settings.abscopal_confirmed else plain
    out["abscopal_confirmed"] = confirmed
    out["evaluable"] = np.where(evaluable, "Y", "N")
    out["reached"] = np.where(reached, "Y", "N")
    unknown = out.index.isin(table.loc[table["irradiated"] == "U", "patient_id"])
    some = out.index.isin(table.loc[table["reason"] == "", "patient_id"])
    out["reason"] = np.select(
        [
            evaluable & (out["abscopal"] != "NE"),
            evaluable & pending & settings.abscopal_confirmed,
            ~reached,
            some,
            unknown,
        ],
        ["", "RESPONSE NOT CONFIRMED YET", "WEEK NOT REACHED", "NO SIZE AFTER ILDR", "IRRADIATION NOT KNOWN"],
        "NO MEASURABLE LESION OUTSIDE THE FIELD",
    )
    return out.reset_index()


def _describe(table: pd.DataFrame, scans: pd.DataFrame, cut: pd.Series, settings: ClinicalSettings) -> pd.DataFrame:
    """Return the table of lesions over the whole follow-up."""
    best = scans.sort_values([*KEY, "tenths", "day"], kind="stable").drop_duplicates(KEY)
    best = best[[*KEY, "tenths", "pct", "day"]].rename(
        columns={"tenths": "best_mm", "pct": "best_pct_change", "day": "best_day"}
    )
    first = scans[scans["responds"]].groupby(KEY)["day"].min().rename("first_response_day").reset_index()
    out = table.merge(best, on=KEY, how="left").merge(first, on=KEY, how="left")
    out = out.merge(_by_lesion(scans, np.inf, cut, settings), on=KEY, how="left")
    seen = out["best_mm"].notna()
    judged = (out["reason"] == "") & seen
    for name in ("responding", "confirmed"):
        answer = np.where(out[name].eq(True), "Y", "N").astype(object)
        if name == "confirmed":
            answer = np.where(out["pending"].eq(True) & (answer == "N"), "PENDING", answer)
        out[name] = np.where(judged, answer, "NE")
    out["reason"] = out["reason"].where((out["reason"] != "") | seen, "NO SIZE AFTER ILDR")
    out["evaluable"] = np.where(judged, "Y", "N")
    out["baseline_mm"], out["best_mm"] = out["base"] / 10, out["best_mm"] / 10
    return out.reindex(columns=LESION_COLUMNS).sort_values(KEY, ignore_index=True)
