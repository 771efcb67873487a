"""Figures of the run: drift of the pooled QCs, dilution, precision of the features, principal components."""

from collections.abc import Mapping
from pathlib import Path

import altair as alt
import pandas as pd

from gutaxis.clinical.figure_frame import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PURPLE,
    SKY,
    VERMILION,
    WIDTH,
    Chart,
    counted,
    empty_figure,
    save_figure,
    titled,
)
from gutaxis.metabolome.injections import BLANK, QC

STAGES = {"before": "before correction", "after": "after correction"}
QC_NAME, OTHER_NAME = "pooled QC", "study sample"
COLORS = (BLUE, GREEN, PURPLE, GREY)
#: Of a figure's panel beside another.
HALF, HEIGHT = 330, 220
PRECISION = {
    "rsd_before": ("before correction", GREY, [1, 0]),
    "rsd_after": ("after, same QCs", SKY, [6, 3]),
    "rsd_held_out": ("held-out QCs", VERMILION, [1, 0]),
}
#: Features with a larger RSD are drawn at it.
LARGEST_PERCENT = 100.0
# no mark is clipped: Vega numbers its clip paths through a process, and the same figure would differ in bytes


def drift_figure(*, injections: pd.DataFrame) -> Chart:
    """Draw how far each injection lies from the median QC over the run order, before and after.

    Parameters
    ----------
    injections
        ``injection_quality`` of :class:`gutaxis.metabolome.process.Processed`.
    """
    title = "Pooled QCs over the run"
    rows = injections[(injections["control"] != BLANK) & injections["run_order"].notna()]
    if rows.empty:
        return empty_figure(title=title, reason="no injection has a run order")
    parts = []
    for stage, label in STAGES.items():
        part = rows[["sample_id", "mode", "batch", "run_order"]].assign(stage=label, kind=_kinds(rows))
        for share in ("25", "50", "75"):
            part[f"q{share}"] = rows[f"deviation_{share}_{stage}"].round(4)
        parts.append(part.dropna(subset=["q50"]))
    data = pd.concat(parts, ignore_index=True)
    kinds = _order(data["kind"])
    panels = []
    for mode in sorted(data["mode"].unique()):
        for batch in sorted(data["batch"].unique()):
            here = data[(data["mode"] == mode) & (data["batch"] == batch)]
            if not here.empty:
                panels.append([_drift_panel(here[here["stage"] == label], mode, batch, label, kinds)
                               for label in STAGES.values()])  # fmt: skip
    chart = alt.vconcat(*[alt.hconcat(*row).resolve_scale(y="shared") for row in panels])
    notes = [
        "Point: median over features of log2 intensity minus that of the median QC; bar: quartiles (pooled QCs only).",
        "QCs are all the same sample: drift and batch steps show in them. After: the QCs that the curve was fitted to.",
        "Dilution was taken off, too: it puts every median at 0." if (rows["pqn_log2"] != 0).any() else "",
        _counts(rows),
    ]
    return titled(chart=chart, title=title, notes=notes)


def _drift_panel(data: pd.DataFrame, mode: str, batch: str, label: str, kinds: list[str]) -> Chart:
    colors = alt.Color("kind:N", title=None, scale=alt.Scale(domain=kinds, range=_colors(kinds)))
    name = "" if mode == "all" else f" {mode},"
    x = alt.X(
        "run_order:Q", title=f"Run order,{name} batch {batch}", scale=alt.Scale(zero=False, nice=False, padding=8)
    )
    y = alt.Y("q50:Q", title=f"log2 difference, {label}")
    base = alt.Chart(data)
    tips = ["sample_id:N", "kind:N", "run_order:Q", "q25:Q", "q50:Q", "q75:Q"]
    zero = alt.Chart(pd.DataFrame({"y": [0.0]})).mark_rule(color=INK, strokeWidth=0.6).encode(y="y:Q")
    qcs = alt.datum.kind == QC_NAME
    bars = base.transform_filter(qcs).mark_rule(strokeWidth=2).encode(x=x, y="q25:Q", y2="q75:Q", color=colors)
    place = {"x": x, "y": y, "color": colors, "tooltip": tips}
    others = base.transform_filter(~qcs).mark_circle(size=26, opacity=0.65).encode(**place)
    points = base.transform_filter(qcs).mark_circle(size=60, opacity=1).encode(**place)
    return (zero + others + bars + points).properties(width=HALF, height=HEIGHT * 0.75)


def dilution_figure(*, injections: pd.DataFrame) -> Chart:
    """Draw the dilution that PQN has taken off each injection; a difference between timepoints deserves a look."""
    title = "Dilution against the pooled QC"
    rows = injections[injections["control"] != BLANK].dropna(subset=["pqn_log2"])
    if rows.empty or (rows["pqn_log2"] == 0).all():
        return empty_figure(title=title, reason="no dilution was taken off (see the messages of the run)")
    data = rows[["sample_id", "mode", "batch", "run_order"]].assign(
        kind=_kinds(rows), fold=(2 ** rows["pqn_log2"]).round(4)
    )
    kinds = _order(data["kind"])
    chart = (
        alt.Chart(data)
        .mark_tick(thickness=2, size=16)
        .encode(
            x=alt.X("fold:Q", title="Fold of the pooled QC", scale=alt.Scale(type="log", nice=False, padding=15)),
            y=alt.Y("kind:N", title=None, sort=kinds),
            row=alt.Row("mode:N", title=None),
            color=alt.Color("kind:N", legend=None, scale=alt.Scale(domain=kinds, range=_colors(kinds))),
            tooltip=["sample_id:N", "batch:N", "run_order:Q", "fold:Q"],
        )
        .properties(width=WIDTH, height=24 * len(kinds))
    )
    notes = ["Probabilistic quotient: median over features of sample / QC. It was divided out.", _counts(rows)]
    return titled(chart=chart, title=title, notes=notes)


def precision_figure(*, features: pd.DataFrame, limit: float | None) -> Chart:
    """Draw the share of features with at most a given RSD of the pooled QCs, before, after and on held-out QCs.

    Parameters
    ----------
    features
        ``feature_quality`` of :class:`gutaxis.metabolome.process.Processed`.
    limit
        Largest RSD of the held-out QCs that was kept, a fraction; None: no filter.
    """
    title = "Precision of the features in pooled QCs"
    passed = features[features["rsd_after"].notna()]
    if passed.empty:
        return empty_figure(title=title, reason="fewer than three pooled QCs have values")
    parts, notes = [], []
    for column, (label, _, _) in PRECISION.items():
        percent = (100 * passed[column].dropna()).sort_values()
        share = [100 * (place + 1) / len(passed) for place in range(len(percent))]
        steps = pd.DataFrame({"rsd": percent.clip(upper=LARGEST_PERCENT).round(3), "share": share, "stage": label})
        # one point per drawn step is enough for any number of features
        parts.append(steps.drop_duplicates("rsd", keep="last"))
        notes.append(f"median {label} {percent.median():.1f} %" if len(percent) else "")
    labels = [label for label, _, _ in PRECISION.values()]
    colors = alt.Scale(domain=labels, range=[color for _, color, _ in PRECISION.values()])
    dashes = alt.Scale(domain=labels, range=[dash for _, _, dash in PRECISION.values()])
    lines = (
        alt.Chart(pd.concat(parts, ignore_index=True))
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=alt.X("rsd:Q", title="Relative SD of the pooled QCs (%)", scale=alt.Scale(domain=[0, LARGEST_PERCENT])),
            y=alt.Y("share:Q", title="Features with this RSD or less (%)", scale=alt.Scale(domain=[0, 100])),
            color=alt.Color("stage:N", title=None, scale=colors),
            strokeDash=alt.StrokeDash("stage:N", title=None, scale=dashes),
            order="rsd:Q",
            tooltip=["stage:N", "rsd:Q", alt.Tooltip("share:Q", format=".1f")],
        )
        .properties(width=WIDTH, height=HEIGHT * 1.3)
    )  # fmt: skip
    chart: Chart = lines
    if limit is not None:
        rule = alt.Chart(pd.DataFrame({"x": [100 * limit]})).mark_rule(color=INK, strokeDash=[2, 3]).encode(x="x:Q")
        chart = lines + rule
    dropped = features[features["rsd_after"].isna()]
    text = [
        "RSD: " + "; ".join(note for note in notes if note) + ".",
        "Only held-out QCs are evidence: the QCs that a correction was fitted to look good whatever it is worth.",
        "" if limit is None else f"Dotted: limit of {100 * limit:g} % for held-out QCs.",
        counted(shown=len(passed), total=len(features), missing=_reasons(dropped), what="features"),
    ]
    return titled(chart=chart, title=title, notes=text)


def _reasons(dropped: pd.DataFrame) -> dict[str, int]:
    words = {"blank": "also in blanks", "detection": "too rarely detected"}
    counts = dropped["reason"].fillna("").map(words).fillna("with too few pooled QCs").value_counts()
    return {str(word): int(counts[word]) for word in sorted(counts.index)}


def components_figure(*, components: pd.DataFrame) -> Chart:
    """Draw the first two principal components before and after: pooled QCs should meet, batches should not part.

    Parameters
    ----------
    components
        ``components`` of :class:`gutaxis.metabolome.process.Processed`.
    """
    title = "Principal components of the injections"
    rows = components.dropna(subset=["pc1", "pc2"])
    if rows.empty:
        return empty_figure(title=title, reason="too few injections or features have values")
    data = rows[["sample_id", "batch", "pc1", "pc2", "stage"]].round(4).assign(kind=_kinds(rows))
    kinds = _order(data["kind"])
    panels = []
    for stage, label in STAGES.items():
        here = rows[rows["stage"] == stage]
        if here.empty:
            continue
        shares = [f"{100 * here[f'share_{number}'].iloc[0]:.0f} %" for number in (1, 2)]
        panels.append(
            alt.Chart(data[data["stage"] == stage])
            .mark_point(size=55, filled=True, opacity=0.8)
            .encode(
                x=alt.X("pc1:Q", title=f"PC1 ({shares[0]}), {label}", scale=alt.Scale(padding=10)),
                y=alt.Y("pc2:Q", title=f"PC2 ({shares[1]})", scale=alt.Scale(padding=10)),
                color=alt.Color("kind:N", title=None, scale=alt.Scale(domain=kinds, range=_colors(kinds))),
                shape=alt.Shape("batch:N", title="Batch"),
                tooltip=["sample_id:N", "kind:N", "batch:N", "pc1:Q", "pc2:Q"],
            )
            .properties(width=HALF, height=HALF)
        )
    notes = [
        "Kept features, log2, unit variance. The pooled QCs are one sample injected many times: they should meet.",
        _counts(rows[rows["stage"] == rows["stage"].iloc[0]]),
    ]
    return titled(chart=alt.hconcat(*panels), title=title, notes=notes)


def write_quality_figures(
    *, injection_quality: Path, feature_quality: Path, components: Path, limit: float | None,
    figures: Mapping[str, tuple[Path, Path]],
) -> None:  # fmt: skip
    """Draw all figures from the tables of :func:`gutaxis.metabolome.process.process_files`.

    Parameters
    ----------
    injection_quality, feature_quality, components
        Tables to read.
    limit
        ``rsd_max`` of the settings.
    figures
        SVG and HTML to write, by name: drift, dilution, precision, components.
    """
    text = {"sample_id": str, "batch": str, "mode": str, "timepoint": str, "reason": str}
    injections, features, points = (
        pd.read_csv(path, sep="\t", dtype=text) for path in (injection_quality, feature_quality, components)
    )
    charts = {
        "drift": lambda: drift_figure(injections=injections),
        "dilution": lambda: dilution_figure(injections=injections),
        "precision": lambda: precision_figure(features=features, limit=limit),
        "components": lambda: components_figure(components=points),
    }
    for name, (svg, html) in figures.items():
        save_figure(chart=charts[name](), svg=svg, html=html)


def _kinds(rows: pd.DataFrame) -> pd.Series:
    """Return what each injection is: a pooled QC, or the timepoint of a study sample."""
    names = rows["timepoint"].astype(object).where(rows["timepoint"].notna(), OTHER_NAME)
    return names.mask(rows["control"] == QC, QC_NAME)


def _order(kinds: pd.Series) -> list[str]:
    """Return the kinds that occur: PRE, other timepoints, study samples without one, pooled QCs."""
    return sorted(set(kinds), key=lambda kind: (kind == QC_NAME, kind == OTHER_NAME, kind != "PRE", kind))


def _colors(kinds: list[str]) -> list[str]:
    """Return a colour for each kind: the pooled QCs, which come last, in vermilion."""
    return [VERMILION if kind == QC_NAME else COLORS[place % len(COLORS)] for place, kind in enumerate(kinds)]


def _counts(rows: pd.DataFrame) -> str:
    counts = _kinds(rows.drop_duplicates("sample_id")).value_counts()
    return "n = " + ", ".join(f"{counts[kind]} {kind}" for kind in _order(pd.Series(counts.index)))
