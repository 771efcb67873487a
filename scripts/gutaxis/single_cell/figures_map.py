"""Map of a tissue: its cells on a plane, by label and by how well samples mix."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import altair as alt
import anndata as ad
import numpy as np
import pandas as pd

from gutaxis.clinical.figure_frame import GREY, INK, LIGHT, Chart, empty_figure, save_figure, titled
from gutaxis.single_cell.labels import read_labels

#: Colour of each label, the same in every figure: CD4 blue, CD8 green, other T and NK purple, myeloid red to yellow,
#: B and plasma dark, all others brown and grey. States of one family differ in lightness; names stand on the map.
LABEL_COLORS = {
    "t_nk": "#0072B2", "cd4_naive": "#9ECAE9", "cd4_memory": "#3C8DC4", "treg": "#08306B",
    "cd8_naive": "#A8DDB5", "cd8_effector_memory": "#41AE76", "cd8_exhausted": "#00441B",
    "cd8_progenitor_exhausted": "#238B45", "cd8_trm": "#66C2A4", "t_proliferating": "#F0E442",
    "mait": "#DDB4D5", "gamma_delta_t": "#B97BB5", "nk": "#7A3F82", "t_nk_unresolved": "#C5CED6",
    "myeloid": "#D55E00", "monocyte_classical": "#E69F00", "monocyte_nonclassical": "#FDD49E",
    "macrophage_c1qc": "#D55E00", "macrophage_spp1": "#8C2D04", "cdc1": "#FC8D59", "cdc2": "#FDAE6B",
    "dc_lamp3": "#B30000", "myeloid_unresolved": "#E3D3C8", "b": "#3F3F8F", "plasma": "#14144A",
    "pdc": "#56B4E9", "mast": "#A6761D", "neutrophil": "#C7B299", "platelet": "#7F6A55", "erythroid": "#99000D",
    "hspc": "#525252", "fibroblast": "#8A7A3B", "endothelial": "#B0A160", "epithelial": "#5B3A1E",
    "unresolved": LIGHT,
}  # fmt: skip
#: For labels of the user's own.
OTHER_COLORS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#525252", "#F0E442")
#: More cells than these are drawn as hexagons; a hexagon's corner is so far from its centre (pixels).
MAX_POINTS, RADIUS = 20_000, 4.5
SIZE = 460
#: A hexagon with fewer cells shows no share of a sample; a label with a smaller share of the cells is not named.
FEWEST, NAMED_SHARE = 10, 0.005
HEXAGON = "M0,1L0.866,0.5L0.866,-0.5L0,-1L-0.866,-0.5L-0.866,0.5Z"
NO_LABEL = "no label"


def label_colors(*, labels: Sequence[str]) -> dict[str, str]:
    """Return the colours of labels, in the order of :data:`LABEL_COLORS` and then of the alphabet."""
    place = {label: number for number, label in enumerate(LABEL_COLORS)}
    order = sorted(set(labels), key=lambda label: (place.get(label, len(place)), label))
    own = [label for label in order if label not in LABEL_COLORS and label != NO_LABEL]
    spare = {label: OTHER_COLORS[number % len(OTHER_COLORS)] for number, label in enumerate(own)}
    return {label: LABEL_COLORS.get(label) or spare.get(label, GREY) for label in order}


def cell_labels(*, labels: Mapping[str, Path]) -> pd.Series:
    """Return the label by cell id of all samples of :func:`gutaxis.single_cell.labels.label_files`."""
    parts = [read_labels(path=labels[sample])["label"] for sample in sorted(labels)]
    return pd.concat(parts) if parts else pd.Series(dtype=object)


def read_map(*, embedding: Path, labels: pd.Series) -> tuple[pd.DataFrame, str, int]:
    """Read the cells that have a place on the map.

    Parameters
    ----------
    embedding
        ``{tissue}/embedding.h5ad``: obs.sample_id, obsm.X_umap (NaN: not on the map), uns.map (what it is, in words).
    labels
        Of :func:`cell_labels`.

    Returns
    -------
    tuple
        sample_id, label, x, y of the drawn cells; what the map is; number of cells of the tissue.
    """
    adata = ad.read_h5ad(embedding)
    words = str(adata.uns.get("map", "UMAP of all cells"))
    places = np.asarray(adata.obsm["X_umap"], float) if "X_umap" in adata.obsm else np.full((adata.n_obs, 2), np.nan)
    table = pd.DataFrame(
        {"sample_id": adata.obs["sample_id"].astype(str).to_numpy(), "x": places[:, 0], "y": places[:, 1]}
    )
    table["label"] = labels.reindex(adata.obs_names).fillna(NO_LABEL).to_numpy()
    return table.dropna(subset=["x", "y"]).reset_index(drop=True), words, adata.n_obs


def hexagons(*, x: np.ndarray, y: np.ndarray, radius: float) -> np.ndarray:
    """Return the centre of the hexagon (one corner up) that each point lies in.

    Centres form two rectangular grids, one shifted by half a cell; the nearer of a point's two candidates is its own.

    Parameters
    ----------
    x, y
        In units of ``radius``'s.
    radius
        From the centre to a corner.

    Returns
    -------
    numpy.ndarray
        Points x 2.
    """
    wide, tall = np.sqrt(3) * radius, 3 * radius
    points = np.column_stack([x, y])
    step = np.array([wide, tall])
    first = np.round(points / step) * step
    second = (np.floor(points / step) + 0.5) * step
    nearer = ((points - first) ** 2).sum(axis=1) <= ((points - second) ** 2).sum(axis=1)
    return np.where(nearer[:, None], first, second)


def binned(*, table: pd.DataFrame, by: str, radius: float) -> pd.DataFrame:
    """Count the cells of each hexagon.

    Parameters
    ----------
    table
        x, y, ``by``.
    by
        label or sample_id.
    radius
        As of :func:`hexagons`.

    Returns
    -------
    pandas.DataFrame
        x, y of the centre, n cells, ``by``: its commonest value (ties: the first by name), share: of the cells.
    """
    centres = hexagons(x=table["x"].to_numpy(), y=table["y"].to_numpy(), radius=radius).round(1)
    counts = pd.DataFrame({"x": centres[:, 0], "y": centres[:, 1], by: table[by].astype(str)})
    counts = counts.value_counts(sort=False).rename("top").reset_index()
    counts["n"] = counts.groupby(["x", "y"])["top"].transform("sum")
    best = counts.sort_values(["x", "y", "top", by], ascending=[True, True, False, True]).drop_duplicates(["x", "y"])
    best["share"] = (best["top"] / best["n"]).round(3)
    return best.drop(columns="top").reset_index(drop=True)


def map_figure(*, cells: pd.DataFrame, tissue: str, words: str, total: int, max_points: int = MAX_POINTS) -> Chart:
    """Draw the map twice: by label, and by the share of the commonest sample.

    Parameters
    ----------
    cells, words, total
        Of :func:`read_map`.
    tissue
        For the title.
    max_points
        More cells than these are drawn as hexagons.
    """
    title = f"Cells of {tissue}"
    if cells.empty:
        reason = "no cell of this tissue passed the checks" if not total else f"no cell has a place on a map ({words})"
        return empty_figure(title=title, reason=reason)
    table = cells.assign(x=_pixels(cells["x"]), y=_pixels(cells["y"]))
    sizes = table["label"].value_counts()
    dense = len(table) > max_points
    panels = [_label_panel(table, sizes, dense=dense), _sample_panel(table)]
    samples = table["sample_id"].value_counts()
    notes = [
        f"{words[:1].upper()}{words[1:]}. n = {total:,} cells of {len(samples)} samples; {len(table):,} are drawn. "
        "Neighbours are alike; distances and areas mean nothing.",
        "Left: each hexagon in the colour of its commonest label, paler where it has few cells." if dense else "",
        f"Right: share of the commonest sample in each hexagon of {FEWEST} cells or more (grey: fewer), "
        f"dark where samples mix. Over all drawn cells it is {100 * samples.iloc[0] / len(table):.0f} %.",
    ]
    return titled(chart=alt.hconcat(*panels).resolve_scale(color="independent"), title=title, notes=notes)


def _pixels(values: pd.Series) -> pd.Series:
    """Return the place on a panel of :data:`SIZE` pixels: map axes have no unit."""
    low, high = values.min(), values.max()
    return ((values - low) / max(high - low, 1e-9) * SIZE).round(1)


def _axes() -> dict[str, alt.X | alt.Y]:
    scale = alt.Scale(domain=[-8, SIZE + 8], nice=False, zero=False)
    return {"x": alt.X("x:Q", scale=scale, axis=None), "y": alt.Y("y:Q", scale=scale, axis=None)}


def _label_panel(table: pd.DataFrame, sizes: pd.Series, *, dense: bool) -> Chart:
    colors = label_colors(labels=sizes.index.tolist())
    names = {label: f"{label} ({sizes[label]:,})" for label in colors}
    legend = alt.Legend(title="Label (cells drawn)", symbolType="circle", symbolOpacity=1, symbolLimit=0, labelLimit=0)
    # a click in the legend of the page leaves one label in colour; its name is fixed, so that bytes are the same
    picked = alt.selection_point(name="picked", fields=["kind"], bind="legend")
    color = alt.Color(
        "kind:N", scale=alt.Scale(domain=list(names.values()), range=list(colors.values())), legend=legend
    )
    shared = {**_axes(), "color": color}
    if dense:
        data = binned(table=table, by="label", radius=RADIUS)
        depth = (0.45 + 0.55 * np.log(data["n"]) / max(np.log(data["n"].max()), 1e-9)).round(2)
        data = data.assign(kind=data["label"].map(names), depth=depth).drop(columns="label")
        marks = _hexagons(data).encode(
            **shared,
            opacity=alt.when(picked).then(alt.Opacity("depth:Q", scale=None, legend=None)).otherwise(alt.value(0.05)),
            tooltip=[alt.Tooltip("kind:N", title="Label"), alt.Tooltip("n:Q", title="Cells in the hexagon"),
                     alt.Tooltip("share:Q", title="Share of the label", format=".0%")],
        )  # fmt: skip
    else:
        data = table[["x", "y"]].assign(kind=table["label"].map(names))
        radius = 2.6 if len(table) < 3000 else 1.6
        marks = alt.Chart(data).mark_circle(size=(2 * radius) ** 2, aria=False)
        marks = marks.encode(**shared, opacity=alt.when(picked).then(alt.value(0.75)).otherwise(alt.value(0.05)))
    named = table[table["label"].map(sizes) >= NAMED_SHARE * len(table)]
    middle = named.groupby("label", sort=True)[["x", "y"]].median().round(1).reset_index()
    text = alt.Chart(middle).encode(**_axes(), text="label:N")
    halo = text.mark_text(fontSize=10, stroke="white", strokeWidth=3, strokeOpacity=0.85, fill="white", aria=False)
    layers = alt.layer(marks.add_params(picked), halo, text.mark_text(fontSize=10, color=INK))
    return layers.properties(width=SIZE, height=SIZE)


def _sample_panel(table: pd.DataFrame) -> Chart:
    data = binned(table=table, by="sample_id", radius=2 * RADIUS)
    least = min(table["sample_id"].value_counts(normalize=True).max(), 0.5)
    scale = alt.Scale(scheme="viridis", type="log", domain=[round(least, 3), 1], clamp=True)
    # a legend of a gradient would be numbered through the process, and the same figure would differ in bytes
    legend = alt.Legend(type="symbol", symbolType="square", format=".0%", values=_levels(least))
    tips = [
        alt.Tooltip("sample_id:N", title="Commonest sample"),
        alt.Tooltip("share:Q", title="Its share", format=".0%"),
        alt.Tooltip("n:Q", title="Cells in the hexagon"),
    ]
    base = _hexagons(data, radius=2 * RADIUS).encode(**_axes(), tooltip=tips)
    few = base.transform_filter(alt.datum.n < FEWEST).encode(color=alt.value(LIGHT))
    color = alt.Color("share:Q", title="Commonest sample", scale=scale, legend=legend)
    mixed = base.transform_filter(alt.datum.n >= FEWEST).encode(color=color)
    return (few + mixed).properties(width=SIZE, height=SIZE)


def _levels(least: float) -> list[float]:
    return [level for level in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if level >= round(least, 3)]


def _hexagons(data: pd.DataFrame, radius: float = RADIUS) -> alt.Chart:
    # Vega scales a symbol's path by half the root of its size
    return alt.Chart(data).mark_point(shape=HEXAGON, size=4 * radius**2, filled=True, opacity=1, aria=False)


def write_map_figure(*, embedding: Path, labels: Mapping[str, Path], tissue: str, svg: Path, html: Path) -> None:
    """Draw the map of a tissue.

    Parameters
    ----------
    embedding
        ``{tissue}/embedding.h5ad``.
    labels
        ``{tissue}/labels/{sample}.tsv`` by sample id.
    tissue
        For the title.
    svg, html
        Files to write.
    """
    cells, words, total = read_map(embedding=embedding, labels=cell_labels(labels=labels))
    save_figure(chart=map_figure(cells=cells, tissue=tissue, words=words, total=total), svg=svg, html=html)
