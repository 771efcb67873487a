"""The picture of links between layers: what it draws, that it is the same every time, and what it says when empty."""

import json

import numpy as np
import pandas as pd
import pytest

from gutaxis.clinical.figure_frame import chart_spec
from gutaxis.files import write_tsv
from gutaxis.integrate.network import MAX_LINKS, association_network, links, network_files, places

pytestmark = pytest.mark.unit


def tables(pairs):
    """Pairs are (cluster_a, cluster_b, rho, q); every cluster of layer b has two features."""
    rows = pd.DataFrame(pairs, columns=["cluster_a", "cluster_b", "rho_cluster", "q_cluster_study"])
    rows = rows.assign(layer_a="metabolites", layer_b="taxa", feature_a=rows["cluster_a"], feature_b=rows["cluster_b"])
    made = [("metabolites", name, f"Label {name}", 1, name) for name in sorted(set(rows["cluster_a"]))]
    made += [
        ("taxa", name, f"k__Bacteria;s__{name}", 2, feature)
        for name in sorted(set(rows["cluster_b"]))
        for feature in (name, f"{name}_2")
    ]
    clusters = pd.DataFrame(made, columns=["layer", "cluster", "cluster_label", "n_features", "feature"])
    return rows, clusters.assign(label=clusters["feature"], rho_medoid=1.0)


PAIRS = [("m1", "t1", 0.8, 0.01), ("m1", "t1", 0.8, 0.01), ("m1", "t2", -0.7, 0.02), ("m2", "t2", 0.6, 0.04),
         ("m3", "t3", 0.6, 0.04), ("m4", "t4", 0.3, 0.4)]  # fmt: skip


def test_a_link_is_a_pair_of_clusters_below_the_level():
    table, clusters = tables(PAIRS)
    made = links(table=table, clusters=clusters, fdr=0.1)
    assert list(zip(made["cluster_a"], made["cluster_b"], strict=True)) == [
        ("m1", "t1"), ("m1", "t2"), ("m2", "t2"), ("m3", "t3"),
    ]  # fmt: skip
    assert made["n_a"].tolist() == [1] * 4
    assert made["n_b"].tolist() == [2] * 4
    assert made["label_a"].tolist()[0] == "Label m1"


def test_groups_do_not_overlap_and_places_depend_on_the_seed_alone():
    table, clusters = tables(PAIRS)
    rows = links(table=table, clusters=clusters, fdr=0.1)
    first = places(rows=rows, seed=1)
    pd.testing.assert_frame_equal(first, places(rows=rows.iloc[::-1], seed=1))
    assert len(first) == 6
    assert not first.duplicated(["layer", "cluster"]).any()
    spots = first[["x", "y"]].to_numpy()
    far = np.linalg.norm(spots[:, None] - spots, axis=2)[np.triu_indices(6, 1)]
    assert far.min() > 20
    pair = first[first["cluster"].isin(["m3", "t3"])]
    assert pair["x"].nunique() == 1


def test_the_figure_names_layers_signs_and_clusters():
    table, clusters = tables(PAIRS)
    spec = chart_spec(chart=association_network(table=table, clusters=clusters, state="baseline", fdr=0.1))
    text = json.dumps(spec)
    assert "4 links at q < 0.1" in text
    assert "with each other" in text
    assert "against each other" in text
    assert "s__t1 (+1)" in text
    assert "Label m1" in text
    assert "no effect" in text


def test_many_links_are_cut_and_counted():
    table, clusters = tables([(f"m{i:03d}", f"t{i % 9}", 0.9 - i / 1000, 0.01) for i in range(MAX_LINKS + 25)])
    spec = chart_spec(chart=association_network(table=table, clusters=clusters, state="change", fdr=0.1))
    assert f"{MAX_LINKS + 25} links at q < 0.1 over all pairs of layers, the {MAX_LINKS} strongest shown" in json.dumps(
        spec
    )
    assert max(len(rows) for rows in spec["datasets"].values()) <= MAX_LINKS + 9


def test_no_link_is_said_in_words(tmp_path):
    table, clusters = tables(PAIRS)
    for rows, words in ((table, "no link at q &lt; 0.001"), (table.iloc[:0], "no pair of layers could be tested")):
        write_tsv(rows, tmp_path / "table.tsv", comment="a # comment\nand more")
        write_tsv(clusters, tmp_path / "clusters.tsv", comment="clusters")
        network_files(
            table=tmp_path / "table.tsv", clusters=tmp_path / "clusters.tsv", state="baseline", fdr=0.001,
            svg=tmp_path / "n.svg", html=tmp_path / "n.html", seed=1,
        )  # fmt: skip
        assert words in (tmp_path / "n.svg").read_text()
        assert (tmp_path / "n.html").stat().st_size > 1000


def test_two_pictures_have_the_same_bytes(tmp_path):
    table, clusters = tables(PAIRS)
    write_tsv(table, tmp_path / "table.tsv", comment="table")
    write_tsv(clusters, tmp_path / "clusters.tsv", comment="clusters")
    for name in "ab":
        network_files(
            table=tmp_path / "table.tsv", clusters=tmp_path / "clusters.tsv", state="baseline", fdr=0.1,
            svg=tmp_path / f"{name}.svg", html=tmp_path / f"{name}.html", seed=3,
        )  # fmt: skip
    for kind in ("svg", "html"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
