"""Figures of the samples and labels: quality of each sample's cells, and the markers by which labels were called."""

import json
from collections.abc import Mapping
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd

from gutaxis.clinical.figure_frame import (
    BLUE,
    GREY,
    INK,
    LIGHT,
    ORANGE,
    PURPLE,
    VERMILION,
    Chart,
    counted,
    empty_figure,
    save_figure,
    titled,
)

#: Measures of a cell: heading, whether its scale is logarithmic, digits.
MEASURES = {
    "total_counts": ("Counts", True),
    "n_genes": ("Genes", True),
    "pct_mito": ("Mitochondrial counts, %", False),
    "doublet_score": ("Doublet score", False),
}
#: What became of a barcode: name, colour; the first reason that fits counts.
FATES = {
    "kept": ("kept", BLUE),
    "low": ("few counts or genes", GREY),
    "top20": ("few genes hold most counts", PURPLE),
    "mito": ("mitochondrial", VERMILION),
    "doublet": ("doublet", ORANGE),
    "sample_excluded": ("cell of an excluded sample", LIGHT),
}
SHAPES = {"Y": ("kept", BLUE, 1), "N": ("dropped", VERMILION, -1)}
#: More samples than these are drawn as quantiles only. Points of a violin; its half width, of a row.
MAX_VIOLINS, GRID, HALF = 60, 28, 0.44
QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}
PANEL = 190


def fates(*, cells: pd.DataFrame) -> pd.Series:
    """Return what became of each barcode: a key of :data:`FATES`.

    Parameters
    ----------
    cells
        kept (Y, N); reason: words with ``;`` between them, as of
        :func:`gutaxis.single_cell.sample.process_sample`.
    """
    words = cells["reason"].fillna("")
    fate = pd.Series("low", index=cells.index)
    for name in ("sample_excluded", "doublet", "mito", "top20"):
        fate = fate.mask(words.str.contains(name, regex=False), name)
    fate = fate.mask(words.str.contains("low_", regex=False), "low")
    return fate.mask(cells["kept"] == "Y", "kept")


def violins(*, cells: pd.DataFrame, measure: str, logarithm: bool, limits: tuple[float, float]) -> pd.DataFrame:
    """Return the outline of a sample's half violins: value, width (0 to 1), kept (Y or N).

    The outline is a histogram of :data:`GRID` equal steps (of the logarithm), smoothed once by 1-2-1. Each half is
    scaled to its own highest point, so that few dropped cells can be seen beside many kept ones.
    """
    low, high = limits
    edges = np.linspace(low, high, GRID + 1)
    middles = (edges[1:] + edges[:-1]) / 2
    outline = 10**middles if logarithm else middles
    shapes: dict[str, list[np.ndarray]] = {"value": [], "width": [], "kept": []}
    for kept in SHAPES:
        values = np.clip(_scaled(cells.loc[cells["kept"] == kept, measure].dropna(), logarithm), low, high)
        if len(values) < 2:
            continue
        heights = np.convolve(np.histogram(values, edges)[0], [0.25, 0.5, 0.25], mode="same")
        for name, column in (("value", outline), ("width", heights / heights.max()), ("kept", np.repeat(kept, GRID))):
            shapes[name].append(column)
    return pd.DataFrame({name: np.concatenate(parts) if parts else [] for name, parts in shapes.items()})


def quality_figure(*, cells: Mapping[str, pd.DataFrame], quality: pd.DataFrame, tissue: str) -> Chart:
    """Draw for each sample what became of its barcodes, and the measures of the kept and of the dropped ones.

    Parameters
    ----------
    cells
        ``samples/{sample}.cells.tsv.gz`` by sample id.
    quality
        Rows of ``samples/{sample}.qc.tsv``: sample_id, status.
    tissue
        For the title.
    """
    title = f"Quality of the cells of {tissue}"
    samples = [sample for sample in sorted(cells) if len(cells[sample])]
    if not samples:
        return empty_figure(title=title, reason=f"no sample of {tissue} has a barcode")
    status = quality.set_index("sample_id")["status"]
    names = [f"{sample} (excluded)" if status.get(sample) == "excluded" else sample for sample in samples]
    height = len(samples) * max(7.0, min(26.0, 1400 / len(samples)))
    # a place is a number so that two half violins fit on one row; the axis says the names
    axis = alt.Axis(
        values=list(range(len(names))), labelExpr=f"{json.dumps(names)}[datum.value]", grid=False, ticks=False,
        labelLimit=260, labelFontSize=10 if len(names) <= MAX_VIOLINS else 7,
    )  # fmt: skip
    scale = alt.Scale(domain=[-0.6, len(names) - 0.4], reverse=True, nice=False, zero=False)
    y = {"axis": axis, "scale": scale, "title": None}
    panels = [_fates_panel(cells, samples, y, height)]
    for measure, (label, logarithm) in MEASURES.items():
        tables = {sample: cells[sample][["kept", measure]] for sample in samples}
        panel = _measure_panel(tables, logarithm, label, {**y, "axis": None}, height)
        if panel is not None:
            panels.append(panel)
    excluded = int((status.reindex(samples) == "excluded").sum())
    barcodes = sum(len(cells[sample]) for sample in samples)
    kept = sum(int((cells[sample]["kept"] == "Y").sum()) for sample in samples)
    few = len(samples) <= MAX_VIOLINS
    notes = [
        counted(shown=len(samples), total=len(cells), missing={"without barcodes": len(cells) - len(samples)},
                what="samples"),
        f"{kept:,} of {barcodes:,} barcodes are kept. Samples excluded as a whole: {excluded}.",
        "Blue, above: kept cells; red, below: dropped. Each half has its own scale of width." if few else "",
        "Black: median and quartiles of the kept cells; thin: 5 to 95 %."
        + ("" if few else " Red: median of the dropped ones."),
    ]  # fmt: skip
    return titled(chart=alt.hconcat(*panels, spacing=14).resolve_scale(color="independent"), title=title, notes=notes)


def _scaled(values: pd.Series, logarithm: bool) -> np.ndarray:
    numbers = values.to_numpy(float)
    return np.log10(np.maximum(numbers, 1)) if logarithm else numbers


def _fates_panel(cells: Mapping[str, pd.DataFrame], samples: list[str], y: dict, height: float) -> Chart:
    rows = []
    for place, sample in enumerate(samples):
        counts = fates(cells=cells[sample]).value_counts()
        start = 0
        for fate, (label, _) in FATES.items():
            count = int(counts.get(fate, 0))
            if count:
                rows.append((place, sample, label, start, start + count, count))
            start += count
    data = pd.DataFrame(rows, columns=["place", "sample", "fate", "start", "end", "n"])
    data = data.assign(low=data["place"] - 0.36, high=data["place"] + 0.36)
    seen = [(label, color) for label, color in FATES.values() if (data["fate"] == label).any()]
    scale = alt.Scale(domain=[label for label, _ in seen], range=[color for _, color in seen])
    chart = alt.Chart(data).mark_rect().encode(
        x=alt.X("start:Q", title="Barcodes"), x2="end:Q", y=alt.Y("low:Q", **y), y2="high:Q",
        color=alt.Color("fate:N", title="Barcodes", scale=scale, legend=alt.Legend(orient="bottom", columns=1)),
        tooltip=["sample:N", "fate:N", alt.Tooltip("n:Q", title="barcodes")],
    )  # fmt: skip
    return chart.properties(width=PANEL, height=height)


def _measure_panel(
    tables: Mapping[str, pd.DataFrame], logarithm: bool, label: str, y: dict, height: float
) -> Chart | None:
    """Return a measure's panel, or None if no cell has a value (no doublet scores in small samples).

    ``tables`` has kept and the measure by sample, in the order of the rows.
    """
    measure = next(iter(tables.values())).columns[-1]
    known = [_scaled(table[measure].dropna(), logarithm) for table in tables.values()]
    known = [values for values in known if len(values)]
    if not known:
        return None
    limits = min(np.quantile(one, 0.001) for one in known), max(np.quantile(one, 0.999) for one in known)
    limits = limits if limits[1] > limits[0] else (limits[0] - 0.5, limits[0] + 0.5)
    boxes, shapes = [], []
    for place, (sample, table) in enumerate(tables.items()):
        for kept, (fate, _, side) in SHAPES.items():
            values = table.loc[table["kept"] == kept, measure].dropna().to_numpy(float)
            if len(values):
                row = dict(zip(QUANTILES, np.quantile(values, list(QUANTILES.values())), strict=True))
                boxes.append({"place": place, "sample": sample, "cells": fate, "n": len(values), "side": side, **row})
        if len(tables) <= MAX_VIOLINS:
            shape = violins(cells=table, measure=measure, logarithm=logarithm, limits=limits)
            side = shape["kept"].map({kept: values[2] for kept, values in SHAPES.items()}).astype(float)
            edge = (place - side * HALF * shape["width"].astype(float)).round(3)
            shapes.append(shape[["value"]].assign(cells=shape["kept"].map(_fate), edge=edge, place=place))
    ends = [10**limit if logarithm else limit for limit in limits]
    x = {
        "title": label,
        "scale": alt.Scale(type="log" if logarithm else "linear", domain=ends, nice=False, zero=False, clamp=True),
        "axis": alt.Axis(tickCount=4, grid=not logarithm),
    }
    layers = []
    colors = alt.Color("cells:N", scale=alt.Scale(domain=["kept", "dropped"], range=[BLUE, VERMILION]), legend=None)
    if shapes:
        data = pd.concat(shapes, ignore_index=True)
        data["value"] = [float(f"{value:.4g}") for value in data["value"].astype(float)]
        areas = alt.Chart(data).mark_area(opacity=0.55, orient="vertical", aria=False)
        layers.append(
            areas.encode(
                x=alt.X("value:Q", **x), y=alt.Y("edge:Q", **y), y2="place:Q", color=colors, detail=["place:O"]
            )
        )
    data = pd.DataFrame(boxes).round(4)
    box = alt.Chart(data).encode(y=alt.Y("place:Q", **y), tooltip=["sample:N", "cells:N", "n:Q", *QUANTILES])
    kept, dropped = box.transform_filter(alt.datum.side > 0), box.transform_filter(alt.datum.side < 0)
    layers.append(kept.mark_rule(color=INK, strokeWidth=0.7).encode(x=alt.X("q05:Q", **x), x2="q95:Q"))
    layers.append(kept.mark_rule(color=INK, strokeWidth=2.5).encode(x=alt.X("q25:Q", **x), x2="q75:Q"))
    layers.append(kept.mark_point(color=INK, filled=True, size=26, opacity=1).encode(x=alt.X("q50:Q", **x)))
    if not shapes:
        layers.append(
            dropped.mark_point(color=VERMILION, filled=True, size=14, opacity=1).encode(x=alt.X("q50:Q", **x))
        )
    return alt.layer(*layers).properties(width=PANEL, height=height)


def _fate(kept: str) -> str:
    return SHAPES[kept][0]


def dots_figure(*, dots: pd.DataFrame, tissue: str) -> Chart:
    """Draw the markers: the larger a dot the more cells of the label express the gene, the darker the stronger.

    Parameters
    ----------
    dots
        Of :func:`gutaxis.single_cell.marker_dots.marker_dots`.
    tissue
        For the title.
    """
    title = f"Markers of the labels of {tissue}"
    if dots.empty:
        return empty_figure(title=title, reason=f"no cell of {tissue} has a label, or no marker gene is in the data")
    labels, genes = dots["label"].unique().tolist(), dots["gene"].unique().tolist()
    top = dots.groupby("gene")["mean"].transform("max")
    data = dots.assign(
        strength=(dots["mean"] / top.where(top > 0)).fillna(0.0).round(3),
        percent=(100 * dots["share"]).round(1),
        mean=dots["mean"].round(4),
    ).drop(columns="share")
    chart = alt.Chart(data).mark_circle(opacity=1, stroke=GREY, strokeWidth=0.3).encode(
        x=alt.X("label:N", sort=labels, title=None, axis=alt.Axis(labelAngle=-60, orient="top", labelLimit=0)),
        y=alt.Y("gene:N", sort=genes, title=None, axis=alt.Axis(labelFontSize=9, labelFontStyle="italic")),
        size=alt.Size("percent:Q", title="Cells that express it, %", scale=alt.Scale(domain=[0, 100], range=[0, 130])),
        # a legend of a gradient would be numbered through the process, and the same figure would differ in bytes
        color=alt.Color("strength:Q", title="Mean, of the gene's highest",
                        scale=alt.Scale(scheme="blues", domain=[0, 1]),
                        legend=alt.Legend(type="symbol", values=[0, 0.2, 0.4, 0.6, 0.8, 1], symbolSize=90)),
        tooltip=["label:N", "gene:N", alt.Tooltip("marker_of:N", title="marker of"),
                 alt.Tooltip("mean:Q", title="mean ln(1 + counts per 10,000)"),
                 alt.Tooltip("percent:Q", title="cells that express it, %"), alt.Tooltip("n_cells:Q", title="cells")],
    ).properties(width=alt.Step(20), height=alt.Step(13))  # fmt: skip
    cells = dots.drop_duplicates("label")["n_cells"].sum()
    notes = [
        f"n = {int(cells):,} cells of {len(labels)} labels; {len(genes)} markers, the first of each set.",
        "Means are over all cells of a label, so large samples weigh more. Labels were called from such genes: "
        "a check, no evidence of its own.",
    ]
    return titled(chart=chart, title=title, notes=notes)


def write_quality_figure(
    *, cells: Mapping[str, Path], quality: Mapping[str, Path], tissue: str, svg: Path, html: Path
) -> None:
    """Draw the quality of the samples of a tissue from ``samples/{sample}.cells.tsv.gz`` and ``.qc.tsv``."""
    columns = ["kept", "reason", *MEASURES]
    tables = {
        sample: pd.read_csv(path, sep="\t", usecols=columns, dtype={"kept": str, "reason": str})
        for sample, path in cells.items()
    }
    rows = [pd.read_csv(path, sep="\t", dtype={"sample_id": str, "status": str}) for path in quality.values()]
    known = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["sample_id", "status"])
    save_figure(chart=quality_figure(cells=tables, quality=known, tissue=tissue), svg=svg, html=html)


def write_dots_figure(*, dots: Path, tissue: str, svg: Path, html: Path) -> None:
    """Draw the markers of a tissue from the table of :func:`gutaxis.single_cell.marker_dots.marker_dots`."""
    table = pd.read_csv(dots, sep="\t", keep_default_na=False, na_values=["NA"], dtype={"label": str, "gene": str})
    save_figure(chart=dots_figure(dots=table, tissue=tissue), svg=svg, html=html)
