"""Figures of the raw files: chromatograms one over another, and each injection's totals over the run order."""

from collections.abc import Mapping
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd

from gutaxis.clinical.figure_frame import (
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    VERMILION,
    WIDTH,
    Chart,
    empty_figure,
    save_figure,
    titled,
)

KINDS = {"N": "study sample", "POOL_QC": "pooled QC", "BLANK": "blank", "MOCK": "mock"}
COLORS = {"study sample": BLUE, "pooled QC": VERMILION, "blank": GREY, "mock": PURPLE}
#: Points drawn per chromatogram: a figure of 96 files of 1,000 scans would be no figure but a data base.
POINTS = 240
MEASURES = {
    "tic": "Total ion current",
    "base_peak_intensity": "Base peak",
    "peaks_median": "Points per scan",
    "error_ppm_median": "Mass error, ppm",
}
LIMIT_PPM = 5.0
#: Equal room for labels, so that panels stand below each other.
AXIS = alt.Axis(format="~s", minExtent=34)


def thin_trace(*, trace: pd.DataFrame, points: int = POINTS) -> pd.DataFrame:
    """Return a chromatogram in ``points`` stretches of equal time: the mean total, the highest base peak of each.

    Parameters
    ----------
    trace
        rt_s, tic, base_peak_intensity: one row per scan.
    points
        Number of stretches; shorter traces stay as they are.

    Returns
    -------
    DataFrame
        minutes (middle of the stretch), tic, base_peak_intensity.
    """
    minutes = trace["rt_s"] / 60
    if len(trace) <= points:
        return trace[["tic", "base_peak_intensity"]].assign(minutes=minutes).reset_index(drop=True)
    edges = np.linspace(minutes.min(), minutes.max(), points + 1)
    place = np.clip(np.searchsorted(edges, minutes, side="right") - 1, 0, points - 1)
    grouped = trace.groupby(place)
    made = pd.DataFrame({"tic": grouped["tic"].mean(), "base_peak_intensity": grouped["base_peak_intensity"].max()})
    made["minutes"] = (edges[made.index] + edges[made.index + 1]) / 2
    return made.reset_index(drop=True)


def chromatogram_figure(*, traces: Mapping[str, pd.DataFrame], injections: pd.DataFrame, mode: str) -> Chart:
    """Draw the total ion current of every file over time, one panel per kind of injection.

    Parameters
    ----------
    traces
        Trace by sample, of :func:`gutaxis.metabolome.intake.intake`.
    injections
        Index sample_id, columns control and batch.
    mode
        positive or negative.
    """
    title = f"Chromatograms, {mode} mode"
    parts = []
    for sample in sorted(traces):
        if len(traces[sample]):
            kind = KINDS.get(str(injections.at[sample, "control"]), "study sample")
            batch = str(injections.at[sample, "batch"])
            parts.append(thin_trace(trace=traces[sample]).assign(sample_id=sample, kind=kind, batch=batch))
    if not parts:
        return empty_figure(title=title, reason="no file has a scan")
    data = pd.concat(parts, ignore_index=True).round({"minutes": 4, "tic": 0})
    panels = []
    for kind in KINDS.values():
        here = data[data["kind"] == kind]
        if here.empty:
            continue
        lines = (
            alt.Chart(here)
            .mark_line(strokeWidth=0.9, opacity=0.55)
            .encode(
                x=alt.X("minutes:Q", title="Retention time, minutes", scale=alt.Scale(zero=False, nice=False)),
                y=alt.Y("tic:Q", title=["Total ion current", f"{kind} (n = {here['sample_id'].nunique()})"], axis=AXIS),
                color=alt.Color(
                    "batch:N", title="Batch", scale=alt.Scale(range=[BLUE, VERMILION, GREEN, PURPLE, GREY])
                ),
                detail="sample_id:N",
                tooltip=["sample_id:N", "batch:N", "minutes:Q", "tic:Q"],
            )
        )
        panels.append(lines.properties(width=WIDTH, height=130))
    notes = [
        "One line per file. Pooled QCs should lie on each other; a blank should be flat and low.",
        "A line that breaks off, or is much lower than the others, is a failed injection.",
    ]
    return titled(chart=alt.vconcat(*panels).resolve_scale(x="shared", y="shared"), title=title, notes=notes)


def overview_figure(*, table: pd.DataFrame, injections: pd.DataFrame, mode: str) -> Chart:
    """Draw what every file holds over the run order: total, base peak, points per scan, mass error where measured.

    Parameters
    ----------
    table
        Of :func:`gutaxis.metabolome.intake_table.collect_intake`.
    injections
        Index sample_id, columns control, batch, run_order.
    mode
        positive or negative.
    """
    title = f"Raw files over the run, {mode} mode"
    rows = table.set_index("sample_id").join(injections[["control", "batch", "run_order"]]).reset_index()
    rows["kind"] = rows["control"].map(KINDS).fillna("study sample")
    rows["batch"] = rows["batch"].astype(str)
    unplaced = int(rows["run_order"].isna().sum())
    rows = rows[rows["run_order"].notna()]
    if rows.empty:
        return empty_figure(title=title, reason="no injection has a run order")
    kinds = [kind for kind in KINDS.values() if kind in set(rows["kind"])]
    color = alt.Color("kind:N", title=None, scale=alt.Scale(domain=kinds, range=[COLORS[kind] for kind in kinds]))
    batches = sorted(rows["batch"].unique())
    grid = []
    for measure, label in MEASURES.items():
        if rows[measure].isna().all():
            continue
        line = []
        for batch in batches:
            here = rows[(rows["batch"] == batch) & rows[measure].notna()]
            x = alt.X(
                "run_order:Q", title=f"Run order, batch {batch}", scale=alt.Scale(zero=False, nice=False, padding=8)
            )
            points = (
                alt.Chart(here[["sample_id", "kind", "run_order", measure]])
                .mark_circle(size=42, opacity=0.85)
                .encode(
                    x=x,
                    y=alt.Y(
                        f"{measure}:Q", title=label, scale=alt.Scale(zero=measure != "error_ppm_median"), axis=AXIS
                    ),
                    color=color,
                    tooltip=["sample_id:N", "kind:N", "run_order:Q", f"{measure}:Q"],
                )
            )
            line.append(points.properties(width=WIDTH / len(batches), height=110))
        grid.append(alt.hconcat(*line).resolve_scale(y="shared"))
    notes = [
        f"n = {len(rows)} files" + (f"; not shown: {unplaced} without run order" if unplaced else ""),
        f"Mass error: median over internal standards; look at the instrument beyond {LIMIT_PPM:g} ppm."
        if rows["error_ppm_median"].notna().any()
        else "No internal standard was given or found, so that mass accuracy is not known.",
    ]
    return titled(chart=alt.vconcat(*grid), title=title, notes=notes)


def write_intake_figures(
    *,
    table: Path,
    traces: Mapping[str, Path],
    injections: pd.DataFrame,
    mode: str,
    chromatograms: tuple[Path, Path],
    overview: tuple[Path, Path],
) -> None:
    """Draw both figures of a mode.

    Parameters
    ----------
    table, traces
        Of :func:`gutaxis.metabolome.intake_table.collect_intake` and, by sample, of
        :func:`gutaxis.metabolome.intake.intake`.
    injections
        Index sample_id, columns control, batch, run_order.
    mode
        positive or negative.
    chromatograms, overview
        SVG and HTML to write.
    """
    rows = pd.read_csv(table, sep="\t", dtype={"sample_id": str})
    read = {sample: pd.read_csv(path, sep="\t") for sample, path in traces.items()}
    for chart, (svg, html) in (
        (chromatogram_figure(traces=read, injections=injections, mode=mode), chromatograms),
        (overview_figure(table=rows, injections=injections, mode=mode), overview),
    ):
        save_figure(chart=chart, svg=svg, html=html)
