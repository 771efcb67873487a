"""Picture of the links between layers: clusters of features as points, their correlations as lines."""

import re
from pathlib import Path

import altair as alt
import networkx as nx
import pandas as pd

from gutaxis.clinical.figure_frame import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    Chart,
    empty_figure,
    line_legend,
    save_figure,
    titled,
)
from gutaxis.files import comments_above

#: Layers in alphabetical order take these; blue and vermilion are the signs of the links.
LAYER_COLORS = (GREEN, ORANGE, PURPLE, SKY, YELLOW, GREY, INK)
SIGNS = {"with each other": BLUE, "against each other": VERMILION}
#: A picture with more lines than this cannot be read.
MAX_LINKS = 60
#: Pixels: width of the picture, room for a name beside a point, room around a group.
SIDE, LABEL, MARGIN = 760, 180, 24


def links(*, table: pd.DataFrame, clusters: pd.DataFrame, fdr: float) -> pd.DataFrame:
    """Return one row per pair of clusters below the level: the lines of the picture.

    Parameters
    ----------
    table, clusters
        As :func:`gutaxis.integrate.associations.associations_files` writes them.
    fdr
        Of ``q_cluster_study``, which holds over all pairs of layers.

    Returns
    -------
    pandas.DataFrame
        layer_a cluster_a label_a n_a layer_b cluster_b label_b n_b rho q; by q, then by falling absolute rho.
    """
    found = table[(table["q_cluster_study"] < fdr).fillna(False)]
    found = found.drop_duplicates(["layer_a", "cluster_a", "layer_b", "cluster_b"])
    about = clusters.drop_duplicates(["layer", "cluster"]).set_index(["layer", "cluster"])
    sides = {}
    for side in "ab":
        keys = pd.MultiIndex.from_frame(found[[f"layer_{side}", f"cluster_{side}"]])
        described = about.reindex(keys)
        sides |= {
            f"layer_{side}": found[f"layer_{side}"].to_numpy(),
            f"cluster_{side}": found[f"cluster_{side}"].to_numpy(),
            f"label_{side}": described["cluster_label"].to_numpy(),
            f"n_{side}": described["n_features"].to_numpy(dtype=int),
        }
    rows = pd.DataFrame({**sides, "rho": found["rho_cluster"].to_numpy(), "q": found["q_cluster_study"].to_numpy()})
    order = rows.assign(size=-rows["rho"].abs()).sort_values(["q", "size", "layer_a", "cluster_a", "cluster_b"])
    return order.drop(columns="size").reset_index(drop=True)


def places(*, rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the points: layer cluster label n x y, in pixels from the upper left corner.

    Each connected group of clusters is laid out by itself, two above each other, more by springs (Fruchterman and
    Reingold); the groups stand in rows, the largest first. The same links and seed give the same places.

    Parameters
    ----------
    rows
        From :func:`links`.
    seed
        Of the springs.
    """
    about, graph = {}, nx.Graph()
    for row in rows.sort_values(["layer_a", "cluster_a", "layer_b", "cluster_b"]).itertuples():
        ends = [(row.layer_a, row.cluster_a), (row.layer_b, row.cluster_b)]
        about |= {ends[0]: (row.label_a, row.n_a), ends[1]: (row.label_b, row.n_b)}
        graph.add_edge(*ends, weight=abs(row.rho))
    groups = sorted((sorted(group) for group in nx.connected_components(graph)), key=lambda group: (-len(group), group))
    made, left, top, tallest = [], 0.0, 0.0, 0.0
    for group in groups:
        size = len(group) ** 0.5
        width, height = (0.0, 40.0) if len(group) == 2 else (105.0 * size, 75.0 * size)
        if left and left + width + LABEL > SIDE:
            left, top, tallest = 0.0, top + tallest, 0.0
        for node, (x, y) in _group(graph, group, seed).items():
            made.append((*node, *about[node], round(left + MARGIN + x * width, 1), round(top + MARGIN + y * height, 1)))
        left, tallest = left + width + LABEL, max(tallest, height + 2 * MARGIN)
    return pd.DataFrame(made, columns=["layer", "cluster", "label", "n", "x", "y"])


def _group(graph: nx.Graph, group: list[tuple[str, str]], seed: int) -> dict[tuple[str, str], tuple[float, float]]:
    """Return places of a connected group, 0 to 1 in both directions."""
    if len(group) == 2:
        return {group[0]: (0.0, 0.0), group[1]: (0.0, 1.0)}
    # networkx goes through nodes in the order they were added
    own = nx.Graph()
    own.add_nodes_from(group)
    own.add_edges_from(sorted(graph.subgraph(group).edges(data=True), key=lambda edge: edge[:2]))
    found = nx.spring_layout(own, seed=seed, iterations=200)
    low = [min(place[axis] for place in found.values()) for axis in (0, 1)]
    span = [max(place[axis] for place in found.values()) - low[axis] or 1.0 for axis in (0, 1)]
    return {node: tuple((found[node][axis] - low[axis]) / span[axis] for axis in (0, 1)) for node in group}


def association_network(
    *, table: pd.DataFrame, clusters: pd.DataFrame, state: str, fdr: float = 0.1, seed: int = 1
) -> Chart:
    """Draw the links between clusters of different layers.

    Parameters
    ----------
    table, clusters, fdr
        See :func:`links`.
    state
        For the title.
    seed
        Of the layout.

    Returns
    -------
    Chart
        A text that says so where there is no link below the level.
    """
    title = f"Associations between layers, {state}"
    rows = links(table=table, clusters=clusters, fdr=fdr)
    if rows.empty:
        tested = "no pair of layers could be tested" if table.empty else f"no link at q < {fdr:g}"
        return empty_figure(title=title, reason=tested)
    total, rows = len(rows), rows.head(MAX_LINKS)
    points = places(rows=rows, seed=seed)
    points["shown"] = [
        _short(text) if n == 1 else f"{_short(text)} (+{n - 1})"
        for text, n in zip(points["label"], points["n"], strict=True)
    ]
    at = points.set_index(["layer", "cluster"])
    lines = rows.assign(
        sign=[list(SIGNS)[int(rho < 0)] for rho in rows["rho"]],
        width=1.0 + 4.0 * rows["rho"].abs(),
        **{
            f"{axis}{number}": at.loc[
                pd.MultiIndex.from_frame(rows[[f"layer_{side}", f"cluster_{side}"]]), axis
            ].to_numpy()
            for number, side in (("", "a"), ("2", "b"))
            for axis in "xy"
        },
    )
    layers = sorted(set(points["layer"]))
    wide, high = max(SIDE, points["x"].max() + LABEL), points["y"].max() + 2 * MARGIN
    across = {"axis": None, "scale": alt.Scale(domain=[0, wide], nice=False, zero=False)}
    down = {"axis": None, "scale": alt.Scale(domain=[high, 0], nice=False, zero=False)}
    edges = (
        alt.Chart(lines)
        .mark_rule(opacity=0.8)
        .encode(
            x=alt.X("x:Q", **across),
            y=alt.Y("y:Q", **down),
            x2="x2:Q",
            y2="y2:Q",
            strokeWidth=alt.StrokeWidth("width:Q", scale=None),
            color=alt.Color(
                "sign:N", scale=alt.Scale(domain=list(SIGNS), range=list(SIGNS.values())), title="Vary",
                legend=line_legend(),
            ),
            tooltip=[
                alt.Tooltip("label_a:N", title="One"),
                alt.Tooltip("label_b:N", title="Other"),
                alt.Tooltip("rho:Q", title="rho of the clusters", format=".2f"),
                alt.Tooltip("q:Q", title="q", format=".3g"),
            ],
        )
    )  # fmt: skip
    shared = alt.Chart(points).encode(x=alt.X("x:Q", **across), y=alt.Y("y:Q", **down))
    colors = [LAYER_COLORS[number % len(LAYER_COLORS)] for number in range(len(layers))]
    nodes = shared.mark_circle(opacity=1, stroke="white", strokeWidth=1).encode(
        size=alt.Size(
            "n:Q",
            scale=alt.Scale(type="sqrt", domain=[1, max(10, int(points["n"].max()))], range=[110, 500]),
            title="Features",
            legend=None,
        ),
        fill=alt.Fill("layer:N", scale=alt.Scale(domain=layers, range=colors), title="Layer"),
        tooltip=[
            alt.Tooltip("label:N", title="Medoid"),
            alt.Tooltip("layer:N", title="Layer"),
            alt.Tooltip("n:Q", title="Features in the cluster"),
        ],
    )
    names = shared.mark_text(dx=13, align="left", fontSize=10, color=INK, limit=LABEL - 40).encode(text="shown:N")
    chart = (edges + nodes + names).properties(width=wide, height=high)
    more = f", the {MAX_LINKS} strongest shown" if total > MAX_LINKS else ""
    notes = [
        f"{total} links at q < {fdr:g} over all pairs of layers{more}. A point is a cluster of correlated features, "
        "named by its medoid.",
        "Partial Spearman correlation over patients, adjusted for cohort and covariates; permutation within cohort.",
        "Exploratory: a link is no effect of one on the other. Lengths of lines mean nothing.",
    ]
    return titled(chart=chart, title=title, notes=notes)


def _short(label: str) -> str:
    """Return the last rank of a lineage; other labels stay."""
    return re.split(r"[;|]", label)[-1] if re.match(r"[dk]__", label) else label


def read_associations(*, path: Path | str) -> pd.DataFrame:
    """Read a table of associations or clusters; only lines above the header are comments, a ``#`` in a name stays."""
    comments = len(comments_above(path=path))
    names = ["layer", "feature", "label", "cluster"]
    names += [f"{name}_{side}" for name in names for side in "ab"] + ["cluster_label"]
    return pd.read_csv(
        path, sep="\t", skiprows=comments, dtype=dict.fromkeys(names, str), keep_default_na=False, na_values=["NA"]
    )


def network_files(
    *, table: Path | str, clusters: Path | str, state: str, fdr: float, svg: Path | str, html: Path | str, seed: int
) -> None:
    """Write the picture of the links between layers as SVG and interactive HTML.

    Parameters
    ----------
    table, clusters
        As :func:`gutaxis.integrate.associations.associations_files` writes them.
    state, fdr, seed
        See :func:`association_network`.
    svg, html
        Targets.
    """
    chart = association_network(
        table=read_associations(path=table), clusters=read_associations(path=clusters), state=state, fdr=fdr, seed=seed
    )
    save_figure(chart=chart, svg=Path(svg), html=Path(html))
