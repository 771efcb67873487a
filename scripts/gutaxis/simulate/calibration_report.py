"""The page of the calibration: what was run, what came out, and where a target was missed."""

import json
from collections.abc import Sequence
from pathlib import Path

import altair as alt
import pandas as pd
import vl_convert

from gutaxis.clinical.figure_frame import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    VERMILION,
    Chart,
    chart_spec,
    empty_figure,
    titled,
)
from gutaxis.files import atomic_write

TEXT = """\
# Calibration of the tests

Written by `make calibrate` (`python -m gutaxis.simulate.calibration`), seed {seed}. Do not edit. All numbers are in
[calibration/results.tsv](calibration/results.tsv), with Monte-Carlo intervals.
{quick}
## What was run

**Simulated tables** (`gutaxis/simulate/tables.py`): three cohorts with different response rates, two batches, 20 %
with antibiotics; each of these three shifts a third of the features by half a SD. Species are log-normal amounts (SD
2.6 log2 between patients, 2.2 of the change in a patient: the values of the TOPOSCORE cohort), on average absent in
20 % of the patients, drawn as reads. Metabolites are normal on the log2 scale, with unequal variances and 3 % gaps.
Genes are negative binomial counts. Features are correlated (10 % shared variance). The scheme `mixed` lacks 15 % of
the POST samples. Three quarters of the changed features rise. `response_change` has a change from PRE to POST in half
of all features as a nuisance, 0.5 SD (1.5 SD for PERMANOVA). Models adjust for cohort, antibiotics and batch.

**Real tables** ({sources}): patients and labels are drawn at random, so that nothing is different (null), or
features are multiplied (`gutaxis/simulate/implants.py`). Species of Lee 2022 (one sample per patient) and HMP2 (two
samples of a patient, order drawn), metabolites of MTBLS79 (20 animals in two of eight batches).

**Effects** are in SD of what the contrast compares: one sample for `baseline` and `post`, the change of a patient for
`change` and `response_change`. One SD of a change is much easier to see than one SD between patients. For `survival`
it is the log hazard ratio per SD, shared by all changed features.

**Targets** bind the primary tests on simulated tables with 48 patients: level within 0.035 to 0.065 over 1,000 null
tables; mean false discovery proportion at most 0.06 (10 % changed) and 0.08 (30 %), effect 1 SD; coverage of 95 %
intervals 93 to 97 %, null tables and 10 % changed. All other rows are there to be read. The interval of the Cox model
is only looked at in null tables: with several features behind one hazard, a model of one of them has another truth.

{verdict}
## Level

![Type I error](calibration/type_i.svg)

{type_i}

## False discoveries and coverage

![False discovery proportion](calibration/fdp.svg)

{fdp}

![Coverage](calibration/coverage.svg)

{coverage}

## Power

![Power](calibration/power.svg)

{power}

## Tests of the whole table

{whole}
"""


def write_report(
    *, results: pd.DataFrame, out: Path, quick: bool, seed: int, sources: Sequence[str], share: float = 1.0
) -> None:
    """Write the page and its figures.

    Parameters
    ----------
    results
        From :func:`gutaxis.simulate.calibration.run`.
    out
        Markdown file; figures go into the folder of its name without the suffix.
    quick, seed, sources, share
        Of the run.
    """
    folder = out.with_suffix("")
    charts = {
        "type_i": level_figure(results=results),
        "fdp": error_figure(results=results, measure="fdp"),
        "coverage": error_figure(results=results, measure="coverage"),
        "power": power_figure(results=results),
    }
    for name, chart in charts.items():
        with atomic_write(folder / f"{name}.svg") as part:
            part.write_text(vl_convert.vegalite_to_svg(json.dumps(chart_spec(chart=chart))), encoding="utf-8")
    feature = results[results["measure"] != "single_power"]
    signal = feature[(feature["changed"] > 0) & (feature["effect"] == 1.0)]
    text = TEXT.format(
        seed=seed,
        quick=_extent(quick=quick, share=share),
        sources=", ".join(sources) if sources else "none at hand in this run",
        verdict=_verdict(results),
        type_i=_table(feature[(feature["measure"] == "type_i") & (feature["changed"] == 0)], ["patients"]),
        fdp=_table(signal[signal["measure"] == "fdp"], ["patients", "changed"]),
        coverage=_table(
            feature[(feature["measure"] == "coverage") & ((feature["changed"] == 0) | (feature["effect"] == 1.0))],
            ["patients", "changed"],
        ),
        power=_table(feature[feature["measure"] == "power"], ["patients", "changed", "effect"]),
        whole=_table(results[results["measure"] == "single_power"], ["patients", "effect"]),
    )
    with atomic_write(out) as part:
        part.write_text(text, encoding="utf-8")


def _extent(*, quick: bool, share: float) -> str:
    """Return a warning where the run is not the full one."""
    if quick:
        return "\n**A quick run: two data sets per scenario. Its numbers mean nothing.**\n"
    if share != 1.0:
        command = f"`make calibrate SHARE={share:g}`"
        return f"\n**Not the full run: {share:g} of its data sets ({command}). Mind the intervals.**\n"
    return ""


def _verdict(results: pd.DataFrame) -> str:
    """Return the sentence and the list of missed targets."""
    judged = results[results["verdict"] != ""]
    missed = judged[judged["verdict"] == "MISSED"]
    if missed.empty:
        return f"**All {len(judged)} targets are met.**\n"
    lines = [f"**{len(judged) - len(missed)} targets are met, {len(missed)} are missed:**", ""]
    lines += [
        f"- {row.test}, {row.contrast} ({row.scheme}), {row.changed:.0%} changed: {row.measure} {row.value:.3f} "
        f"[{row.mc_low:.3f}, {row.mc_high:.3f}], target {row.target_low:g} to {row.target_high:g}"
        for row in missed.itertuples()
    ]
    return "\n".join([*lines, ""])


def _table(rows: pd.DataFrame, keys: list[str]) -> str:
    """Return rows as a Markdown table."""
    if rows.empty:
        return "None in this run."
    head = ["test", "contrast", "scheme", "tables", *keys, "value", "Monte-Carlo 95 %", "data sets", "verdict"]
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    for row in rows.to_dict("records"):
        name = row["test"] if row["primary"] else f"{row['test']} (sensitivity)"
        cells = [name, row["contrast"], row["scheme"], row["source"], *(f"{row[key]:g}" for key in keys)]
        cells += [f"{row['value']:.3f}", f"{row['mc_low']:.3f} to {row['mc_high']:.3f}", str(row["replicates"])]
        lines.append(" | ".join([*cells, row["verdict"] or ""]))
    return "\n".join(f"| {line} |" for line in lines)


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(
        name=rows["test"] + ", " + rows["contrast"] + " (" + rows["scheme"] + ")",
        tables=rows["source"].where(rows["source"] != "simulated", "simulated, n = " + rows["patients"].astype(str)),
    )


def _dots(*, rows: pd.DataFrame, low: float, high: float, title: str, axis: str, notes: Sequence[str]) -> Chart:
    """Draw means with Monte-Carlo intervals over a band that marks the target."""
    height = 16 * rows["name"].nunique()
    order = list(dict.fromkeys(rows["name"]))
    band = alt.Chart(pd.DataFrame({"low": [low], "high": [high]})).mark_rect(color=BLUE, opacity=0.1)
    base = alt.Chart(rows).encode(y=alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelLimit=330)))
    color = alt.Color(
        "tables:N", title="Tables", scale=alt.Scale(range=[INK, BLUE, ORANGE, VERMILION, GREY, "#CC79A7"])
    )
    value = alt.X("value:Q", title=axis, scale=alt.Scale(zero=False))
    dots = base.mark_point(filled=True, size=45, opacity=0.9).encode(x=value, color=color)
    bars = base.mark_rule(opacity=0.5).encode(x="mc_low:Q", x2="mc_high:Q", color=color)
    layers = alt.layer(band.encode(x="low:Q", x2="high:Q"), bars, dots).properties(width=460, height=height)
    return titled(chart=layers, title=title, notes=notes)


def level_figure(*, results: pd.DataFrame) -> Chart:
    """Draw the type I error of every test and source of null tables."""
    rows = _named(results[(results["measure"] == "type_i") & (results["changed"] == 0)])
    if rows.empty:
        return empty_figure(title="Type I error", reason="no null tables were run")
    notes = ["Share of p <= 0.05 in tables without any difference; band: target of the primary tests",
             "Bars: Monte-Carlo 95 % interval"]  # fmt: skip
    return _dots(rows=rows, low=0.035, high=0.065, title="Type I error", axis="share of p <= 0.05", notes=notes)


def error_figure(*, results: pd.DataFrame, measure: str) -> Chart:
    """Draw the false discovery proportion or the coverage with 10 % of the features changed by one SD."""
    chosen = (results["measure"] == measure) & (results["changed"] == 0.1) & (results["effect"] == 1.0)
    titles = {"fdp": "False discovery proportion at BH 5 %", "coverage": "Coverage of 95 % intervals"}
    if not chosen.any():
        return empty_figure(title=titles[measure], reason="no tables with changed features were run")
    low, high = {"fdp": (0.0, 0.06), "coverage": (0.93, 0.97)}[measure]
    return _dots(
        rows=_named(results[chosen]), low=low, high=high, title=titles[measure], axis=titles[measure].lower(),
        notes=["10 % of the features changed by 1 SD; band: target of the primary tests at n = 48"],
    )  # fmt: skip


def power_figure(*, results: pd.DataFrame) -> Chart:
    """Draw power against the size of the effect, one small panel per test."""
    rows = results[
        (results["measure"] == "power") & (results["changed"] == 0.1) & (results["source"] == "simulated")
        & results["primary"]
    ]  # fmt: skip
    if rows.empty:
        return empty_figure(title="Power", reason="no tables with changed features were run")
    color = alt.Color("patients:O", title="Patients", scale=alt.Scale(range=[ORANGE, INK, BLUE]))
    lines = alt.Chart(_named(rows)).mark_line(point=True).encode(
        x=alt.X("effect:Q", title="effect, SD"), y=alt.Y("value:Q", title="power", scale=alt.Scale(domain=[0, 1])),
        color=color,
    ).properties(width=150, height=110)  # fmt: skip
    panels = lines.facet(facet=alt.Facet("name:N", title=None, header=alt.Header(labelFontSize=10)), columns=3)
    return titled(chart=panels, title="Power at BH 5 %", notes=["10 % of the features changed; simulated tables"])
