"""Figures of the single-cell arm: the numbers they show, no empty plot, the same bytes twice, small pages."""

import json
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from gutaxis.clinical.figure_frame import chart_spec
from gutaxis.clinical.figure_page import read_spec
from gutaxis.single_cell.figures import (
    MAX_VIOLINS,
    dots_figure,
    fates,
    quality_figure,
    violins,
    write_dots_figure,
    write_quality_figure,
)
from gutaxis.single_cell.figures_dynamics import (
    dynamics_figure,
    paired_values,
    pairs_figure,
    write_dynamics_figure,
    write_pairs_figure,
    write_programs_figure,
)
from gutaxis.single_cell.figures_map import (
    LABEL_COLORS,
    binned,
    cell_labels,
    hexagons,
    label_colors,
    map_figure,
    read_map,
    write_map_figure,
)

pytestmark = pytest.mark.unit
NASTY = """<script>alert("x")</script> & 'P'"""
LIMIT = 3_000_000


def drawn(chart) -> list[dict]:
    """All rows of data in a chart."""
    return [row for rows in chart_spec(chart=chart).get("datasets", {}).values() for row in rows]


def said(chart) -> str:
    return json.dumps(chart_spec(chart=chart), ensure_ascii=False)


def twice_the_same(write, folder: Path) -> tuple[str, str]:
    """Write the files twice; return their text."""
    for name in ("a", "b"):
        write(svg=folder / f"{name}.svg", html=folder / f"{name}.html")
    for end in ("svg", "html"):
        assert (folder / f"a.{end}").read_bytes() == (folder / f"b.{end}").read_bytes()
    return (folder / "a.svg").read_text(), (folder / "a.html").read_text()


# ---- map -----------------------------------------------------------------------------------------------------------


def test_every_point_lies_in_the_nearest_hexagon():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-20, 20, (2, 400))
    centres = hexagons(x=x, y=y, radius=1.5)
    wide, tall = np.sqrt(3) * 1.5, 4.5
    grid = [(column * wide + shift * wide / 2, row * tall + shift * tall / 2)
            for shift in (0, 1) for column in range(-12, 12) for row in range(-8, 8)]  # fmt: skip
    distance = ((np.column_stack([x, y])[:, None] - np.array(grid)[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(centres, np.array(grid)[distance.argmin(axis=1)], atol=1e-9)
    assert np.hypot(*(centres - np.column_stack([x, y])).T).max() <= 1.5


def test_a_hexagon_has_its_commonest_label_and_ties_go_by_name():
    table = pd.DataFrame({"x": [0.0, 0.1, 0.2, 50.0, 50.0], "y": [0.0] * 5, "label": ["b", "nk", "b", "t", "mast"]})
    made = binned(table=table, by="label", radius=4)
    assert made[["label", "n", "share"]].values.tolist() == [["b", 3, 0.667], ["mast", 2, 0.5]]


def cells(n: int, samples: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(n)
    labels = np.array(["cd8_exhausted", "b", "unresolved", "my own"])
    group = rng.integers(4, size=n)
    return pd.DataFrame({
        "sample_id": [f"S{number}" for number in rng.integers(samples, size=n)], "label": labels[group],
        "x": 10.0 * group + rng.normal(size=n), "y": rng.normal(size=n),
    })  # fmt: skip


def test_few_cells_are_points_and_many_are_hexagons_with_every_cell_counted():
    few = drawn(map_figure(cells=cells(300), tissue="blood", words="UMAP of all cells", total=300))
    points = [row for row in few if "kind" in row]
    assert len(points) == 300
    assert {row["kind"].split(" (")[0] for row in points} == {"cd8_exhausted", "b", "unresolved", "my own"}
    many = map_figure(cells=cells(300), tissue="blood", words="UMAP of all cells", total=300, max_points=299)
    hexes = [row for row in drawn(many) if "kind" in row]
    assert len(hexes) < 300 and sum(row["n"] for row in hexes) == 300
    samples = [row for row in drawn(many) if "sample_id" in row]
    assert sum(row["n"] for row in samples) == 300
    assert all(row["share"] >= 0.25 for row in samples)
    assert "n = 300 cells of 4 samples; 300 are drawn" in said(many)


def test_colours_of_labels_are_fixed_and_those_of_own_labels_are_added():
    assert len(set(LABEL_COLORS.values())) > 30
    colors = label_colors(labels=["zebra", "b", "cd4_naive", "no label", "apple"])
    assert list(colors) == ["cd4_naive", "b", "apple", "no label", "zebra"]
    assert colors["b"] == LABEL_COLORS["b"] and colors["apple"] != colors["zebra"]


def embedding(folder: Path, table: pd.DataFrame, *, placed: np.ndarray | None, words: str) -> tuple[Path, dict]:
    names = [f"{row.sample_id}_{number}" for number, row in enumerate(table.itertuples())]
    obs = pd.DataFrame({"sample_id": pd.Categorical(table["sample_id"])}, index=names)
    adata = ad.AnnData(obs=obs, uns={"map": words})
    if placed is not None:
        adata.obsm["X_umap"] = placed.astype(np.float32)
    adata.write_h5ad(folder / "embedding.h5ad")
    labels = {}
    for sample, own in table.assign(cell=names, lineage="x").groupby("sample_id"):
        labels[sample] = folder / f"{sample}.tsv"
        own[["cell", "lineage", "label"]].to_csv(labels[sample], sep="\t", index=False)
    return folder / "embedding.h5ad", labels


def test_cells_without_a_place_are_counted_and_not_drawn(tmp_path):
    table = cells(60).assign(label=lambda rows: rows["label"].mask(rows.index < 5, NASTY))
    placed = table[["x", "y"]].to_numpy(copy=True)
    placed[50:] = np.nan
    words = "UMAP of 50 of 60 cells, as many of each sample"
    path, labels = embedding(tmp_path, table, placed=placed, words=words)
    read, what, total = read_map(embedding=path, labels=cell_labels(labels=labels))
    assert (len(read), what, total) == (50, words, 60)
    assert read["label"].tolist() == table["label"].tolist()[:50]
    svg, html = twice_the_same(
        lambda **files: write_map_figure(embedding=path, labels=labels, tissue="blood", **files), tmp_path
    )
    assert "UMAP of 50 of 60 cells" in svg and "n = 60 cells of 4 samples; 50 are drawn" in svg
    assert "<script>alert" not in html and "<script>alert" not in svg


def test_a_map_without_cells_or_places_says_why(tmp_path):
    path, labels = embedding(tmp_path, cells(0), placed=None, words="none")
    write_map_figure(embedding=path, labels=labels, tissue="tumor", svg=tmp_path / "a.svg", html=tmp_path / "a.html")
    assert "no cell of this tissue passed the checks" in (tmp_path / "a.svg").read_text()
    path, labels = embedding(tmp_path, cells(10), placed=None, words="none")
    write_map_figure(embedding=path, labels=labels, tissue="tumor", svg=tmp_path / "a.svg", html=tmp_path / "a.html")
    assert "no cell has a place on a map (none)" in (tmp_path / "a.svg").read_text()


def test_one_cell_or_one_sample_can_be_drawn():
    for table in (cells(1), cells(40, samples=1)):
        rows = drawn(
            map_figure(cells=table, tissue="blood", words="first two components of all cells", total=len(table))
        )
        assert len([row for row in rows if "kind" in row]) == len(table)


def test_the_page_of_480000_cells_is_small(tmp_path):
    table = cells(480_000, samples=96)
    chart = map_figure(cells=table, tissue="blood", words="UMAP of all cells", total=len(table))
    assert len(json.dumps(chart_spec(chart=chart))) < LIMIT - 1_000_000  # the page's own JavaScript has under 1 MB


# ---- quality -------------------------------------------------------------------------------------------------------


def barcodes(n: int, seed: int = 0, *, scores: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    reason = np.array([None, None, None, "low_counts;mito", "mito", "top20;doublet", "doublet"], dtype=object)
    reason = reason[np.arange(n) % 7]
    return pd.DataFrame({
        "kept": np.where(pd.isna(reason), "Y", "N"), "reason": reason, "total_counts": rng.lognormal(7, 1, n).round(),
        "n_genes": rng.lognormal(6, 1, n).round(), "pct_mito": rng.gamma(2, 2, n),
        "doublet_score": rng.beta(1, 9, n) if scores else np.nan,
    })  # fmt: skip


def status(**values: str) -> pd.DataFrame:
    return pd.DataFrame({"sample_id": list(values), "status": list(values.values())})


def test_a_barcode_is_counted_once_by_its_first_reason():
    table = barcodes(14)
    assert fates(cells=table).value_counts().to_dict() == {"kept": 6, "low": 2, "mito": 2, "top20": 2, "doublet": 2}
    gone = pd.DataFrame({"kept": ["N", "N"], "reason": ["sample_excluded", "low_genes"]})
    assert fates(cells=gone).tolist() == ["sample_excluded", "low"]


def test_a_violin_is_as_wide_as_its_cells_are_many():
    table = pd.DataFrame({"kept": ["Y"] * 300 + ["N"], "pct_mito": [*np.repeat([2.0, 20.0], [250, 50]), 5.0]})
    shape = violins(cells=table, measure="pct_mito", logarithm=False, limits=(0.0, 28.0))
    assert set(shape["kept"]) == {"Y"}  # one dropped cell has no shape
    top = shape.sort_values("width").iloc[-1]
    assert top["width"] == 1 and abs(top["value"] - 2) <= 1
    other = shape[shape["value"].between(19, 21)]["width"].max()
    assert other == pytest.approx(50 / 250, rel=0.01)


def test_quality_shows_numbers_of_barcodes_and_quantiles_of_kept_and_dropped():
    chart = quality_figure(
        cells={"S2": barcodes(70, 1), "S1": barcodes(140, 2), "S3": barcodes(0)},
        quality=status(S1="ok", S2="excluded", S3="excluded"), tissue="tumor",
    )  # fmt: skip
    rows = drawn(chart)
    counts = {(row["sample"], row["fate"]): row["n"] for row in rows if "fate" in row}
    assert counts["S1", "kept"] == 60 and counts["S2", "doublet"] == 10
    own = barcodes(140, 2)
    expected = own.loc[own["kept"] == "Y", "total_counts"].quantile(0.75)
    medians = [row["q75"] for row in rows if row.get("sample") == "S1" and row.get("cells") == "kept"]
    assert len(medians) == 4 and any(value == pytest.approx(expected) for value in medians)
    text = said(chart)
    assert "S2 (excluded)" in text and "n = 2 of 3 samples. Not shown: 1 without barcodes" in text
    assert "90 of 210 barcodes are kept. Samples excluded as a whole: 1." in text


def test_many_samples_are_drawn_without_violins_and_missing_scores_without_a_panel():
    table = barcodes(21, scores=False)
    many = {f"S{number:03d}": table for number in range(MAX_VIOLINS + 1)}
    chart = quality_figure(cells=many, quality=status(), tissue="blood")
    assert not any("edge" in row for row in drawn(chart))
    assert "Doublet score" not in said(chart) and "Red: median" in said(chart)
    few = quality_figure(cells=dict(list(many.items())[:-1]), quality=status(), tissue="blood")
    assert any("edge" in row for row in drawn(few))
    assert "no sample of blood has a barcode" in said(quality_figure(cells={}, quality=status(), tissue="blood"))


def test_the_quality_page_is_written_from_the_files_and_small(tmp_path):
    cells, rows = {}, {}
    for number in range(MAX_VIOLINS):
        sample = f"P{number:02d}_PRE_BLOOD"
        cells[sample], rows[sample] = tmp_path / f"{sample}.cells.tsv.gz", tmp_path / f"{sample}.qc.tsv"
        barcodes(200, number).to_csv(cells[sample], sep="\t", index=False, na_rep="NA")
        status(**{sample: "ok"}).to_csv(rows[sample], sep="\t", index=False)
    svg, html = twice_the_same(
        lambda **files: write_quality_figure(cells=cells, quality=rows, tissue="blood", **files), tmp_path
    )
    assert "P59_PRE_BLOOD" in svg and len(html) < LIMIT


# ---- markers -------------------------------------------------------------------------------------------------------


def test_dots_are_scaled_by_gene_and_a_gene_without_counts_stays(tmp_path):
    rows = [("b", "MS4A1", "b", 2.0, 0.9, 10), ("nk", "MS4A1", "b", 0.5, 0.1, 30),
            ("b", "NKG7", "nk", 0.0, 0.0, 10), ("nk", "NKG7", "nk", 0.0, 0.0, 30)]  # fmt: skip
    dots = pd.DataFrame(rows, columns=["label", "gene", "marker_of", "mean", "share", "n_cells"])
    found = [row for row in drawn(dots_figure(dots=dots, tissue="blood")) if "gene" in row]
    assert [(row["strength"], row["percent"]) for row in found] == [(1, 90), (0.25, 10), (0, 0), (0, 0)]
    assert "n = 40 cells of 2 labels; 2 markers" in said(dots_figure(dots=dots, tissue="blood"))
    dots.to_csv(tmp_path / "dots.tsv", sep="\t", index=False)
    svg, _ = twice_the_same(lambda **files: write_dots_figure(dots=tmp_path / "dots.tsv", tissue="blood", **files),
                            tmp_path)  # fmt: skip
    assert "Markers of the labels of blood" in svg
    assert "no cell of tumor has a label" in said(dots_figure(dots=dots.head(0), tissue="tumor"))


# ---- over time -----------------------------------------------------------------------------------------------------

OUTCOMES = pd.DataFrame(
    [
        ("A0", "A", "PRE", "PAIRED", "R"), ("A1", "A", "POST", "PAIRED", "R"), ("AX", "A", "PRE", "NONE", "R"),
        ("B0", "B", "PRE", "PAIRED", "NR"), ("B1", "B", "POST", "PAIRED", "NR"),
        ("C0", "C", "PRE", "PRE_ONLY", None), ("D0", "D", "PRE", "PAIRED", "NR"), ("D1", "D", "POST", "PAIRED", "NR"),
        ("E0", "E", "PRE", "PAIRED", "NR"), ("E1", "E", "POST", "PAIRED", "NR"),
    ],
    columns=["sample_id", "patient_id", "timepoint", "pair_status", "response"],
)  # fmt: skip


def values(**samples: float) -> pd.DataFrame:
    return pd.DataFrame({"sample_id": list(samples), "feature": "nk", "value": list(samples.values())})


ALL = values(A0=1, A1=2, AX=9, B0=3, B1=4, C0=5, D0=1, D1=np.nan, E0=8, E1=10)


def test_samples_that_were_not_chosen_are_left_out_and_pairs_need_both_values():
    table = paired_values(values=ALL, outcomes=OUTCOMES)
    assert table[["patient_id", "timepoint", "value", "response", "both"]].values.tolist() == [
        ["A", "PRE", 1, "R", True], ["A", "POST", 2, "R", True], ["B", "PRE", 3, "NR", True],
        ["B", "POST", 4, "NR", True], ["C", "PRE", 5, "NA", False], ["D", "PRE", 1, "NR", False],
        ["E", "PRE", 8, "NR", True], ["E", "POST", 10, "NR", True],
    ]  # fmt: skip


def test_medians_are_drawn_of_three_pairs_or_more():
    chart = dynamics_figure(values=ALL, outcomes=OUTCOMES, title="T", axis="%", n_samples=10)
    assert not [row for row in drawn(chart) if "patient_id" not in row]
    full = values(A0=1, A1=2, B0=3, B1=4, D0=1, D1=2, E0=8, E1=10)
    chart = dynamics_figure(values=full, outcomes=OUTCOMES, title="T", axis="%", n_samples=10)
    middle = {(row["kind"], row["timepoint"]): row["value"] for row in drawn(chart) if "patient_id" not in row}
    assert middle == {("non-responders", "PRE"): 3, ("non-responders", "POST"): 4}
    assert "1 responders, 3 non-responders; 4 patients with PRE and POST. n = 8 of 10 samples. Not shown: 2" in said(
        chart
    )


def test_a_label_that_a_sample_lacks_is_0_and_an_excluded_sample_is_not(tmp_path):
    tables = {"A0": [("b", 3, 0.75), ("nk", 1, 0.25)], "A1": [("b", 4, 1.0)], "B0": [], "B1": [("nk", 5, 1.0)]}
    paths = {}
    for sample, rows in tables.items():
        paths[sample] = tmp_path / f"{sample}.tsv"
        pd.DataFrame(rows, columns=["label", "n_cells", "fraction"]).to_csv(paths[sample], sep="\t", index=False)
    OUTCOMES.to_csv(tmp_path / "outcomes.tsv", sep="\t", index=False, na_rep="NA")
    svg, html = twice_the_same(
        lambda **files: write_dynamics_figure(
            fractions=paths, outcomes=tmp_path / "outcomes.tsv", tissue="blood", **files
        ),
        tmp_path,
    )
    assert "Labels of blood over time" in svg and "n = 3 of 4 samples" in svg
    (tmp_path / "page.html").write_text(html)
    data = read_spec(html=tmp_path / "page.html")["datasets"]
    rows = {(row["patient_id"], row["timepoint"], round(row["value"], 6)) for rows in data.values() for row in rows}
    assert rows == {
        ("A", "PRE", 75.0), ("A", "POST", 100.0), ("B", "POST", 0.0), ("A", "PRE", 25.0), ("A", "POST", 0.0),
        ("B", "POST", 100.0),
    }  # fmt: skip


def test_programs_over_time_and_a_figure_without_samples(tmp_path):
    OUTCOMES.to_csv(tmp_path / "outcomes.tsv", sep="\t", index=False, na_rep="NA")
    paths = {}
    for number, sample in enumerate(["A0", "A1"]):
        paths[sample] = tmp_path / f"{sample}.tsv"
        rows = [("ifn", 0.5 + number, 9, "mean", None), ("tls", None, 3, "mean", "3 cells in scope")]
        pd.DataFrame(rows, columns=["program", "value", "n_cells", "unit", "reason"]).to_csv(
            paths[sample], sep="\t", index=False, na_rep="NA"
        )
    shared = {"outcomes": tmp_path / "outcomes.tsv", "tissue": "blood"}
    svg, _ = twice_the_same(lambda **files: write_programs_figure(programs=paths, **shared, **files), tmp_path)
    assert ">ifn<" in svg and ">tls<" not in svg
    write_dynamics_figure(fractions={}, **shared, svg=tmp_path / "e.svg", html=tmp_path / "e.html")
    assert "Nothing to show: no sample of a patient, PRE or POST, has a value" in (tmp_path / "e.svg").read_text()


# ---- ligand-receptor pairs -----------------------------------------------------------------------------------------


def test_pairs_are_averaged_over_the_samples_that_have_both_labels(tmp_path):
    columns = ["sample_id", "source", "target", "n_source", "n_target", "n_pairs", "n_best", "best"]
    rows = [
        ("S1", "b", "nk", 10, 10, 5, 4, "A-B"),
        ("S2", "b", "nk", 10, 10, 5, 1, None),
        ("S1", "b", "b", 1, 1, 0, 0, None),
    ]
    table = pd.DataFrame(rows, columns=columns)
    found = {(row["source"], row["target"]): (row["mean"], row["n"])
             for row in drawn(pairs_figure(summary=table, tissue="blood"))}  # fmt: skip
    assert found == {("b", "nk"): (2.5, 2), ("b", "b"): (0, 1)}
    table.head(0).to_csv(tmp_path / "s.tsv", sep="\t", index=False)
    write_pairs_figure(summary=tmp_path / "s.tsv", tissue="blood", svg=tmp_path / "p.svg", html=tmp_path / "p.html")
    assert "no sample has two labels with enough cells" in (tmp_path / "p.svg").read_text()
