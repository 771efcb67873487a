"""Numbers of the dot plot: as by hand on a dense matrix, sample by sample, and which genes are chosen."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutaxis.errors import GutaxisError
from gutaxis.single_cell.marker_dots import COLUMNS, chosen_genes, marker_dots
from gutaxis.single_cell.markers import read_markers

pytestmark = pytest.mark.unit
PROJECT = Path(__file__).resolve().parents[2]
ROWS = [
    ("lineage", "t_nk", "NA", "CD3D", 1, "both", "t"), ("lineage", "t_nk", "NA", "CD3E", 1, "both", "t"),
    ("lineage", "t_nk", "NA", "NKG7", 1, "both", "nk"), ("lineage", "b", "NA", "MS4A1", 1, "both", "b"),
    ("lineage", "b", "NA", "CD3D", -1, "both", "b"), ("lineage", "mast", "NA", "KIT", 1, "tumor", "mast"),
    ("state", "treg", "t_nk", "FOXP3", 1, "both", "treg"), ("state", "treg", "t_nk", "CD3E", 1, "both", "treg"),
    ("state", "nk", "t_nk", "GNLY", 1, "both", "nk_state"),
]  # fmt: skip
GENES = frozenset({"CD3D", "CD3E", "NKG7", "MS4A1", "KIT", "FOXP3", "GNLY"})


@pytest.fixture
def markers(tmp_path) -> Path:
    columns = ["level", "label", "parent", "gene", "sign", "tissue", "set"]
    pd.DataFrame(ROWS, columns=columns).assign(source="me2020").to_csv(tmp_path / "m.tsv", sep="\t", index=False)
    return tmp_path / "m.tsv"


def write(folder: Path, sample: str, genes: list[str], counts: np.ndarray, labels: list[str]) -> tuple[Path, Path]:
    cells = [f"{sample}_{number}" for number in range(len(labels))]
    adata = ad.AnnData(sparse.csr_matrix(counts, dtype=np.float32), obs=pd.DataFrame(index=cells),
                       var=pd.DataFrame(index=genes))  # fmt: skip
    adata.write_h5ad(folder / f"{sample}.h5ad")
    table = pd.DataFrame({"cell": cells, "lineage": "x", "label": labels}).iloc[::-1]
    table.to_csv(folder / f"{sample}.tsv", sep="\t", index=False)
    return folder / f"{sample}.h5ad", folder / f"{sample}.tsv"


def genes_of(markers: Path, **options) -> list[tuple[str, str]]:
    shared = {"markers": read_markers(path=markers), "tissue": "blood", "genes": GENES, "per_set": 1}
    return list(chosen_genes(**{**shared, **options}).itertuples(index=False, name=None))


def test_the_first_markers_of_every_label_and_its_lineage_are_chosen(markers):
    assert genes_of(markers, found=["treg", "mast"]) == [("CD3D", "t_nk"), ("NKG7", "t_nk"), ("FOXP3", "treg")]
    assert genes_of(markers, found=["b"]) == [("MS4A1", "b")]  # CD3D speaks against B cells
    assert genes_of(markers, found=["mast"], tissue="tumor") == [("KIT", "mast")]
    assert genes_of(markers, found=["t_nk_unresolved"]) == [("CD3D", "t_nk"), ("NKG7", "t_nk")]
    assert genes_of(markers, found=["treg"], genes=GENES - {"CD3D"})[0] == ("CD3E", "t_nk")
    two = genes_of(markers, found=["treg"], per_set=2)
    assert two == [("CD3D", "t_nk"), ("CD3E", "t_nk"), ("NKG7", "t_nk"), ("FOXP3", "treg")]  # CD3E only once


def test_labels_that_the_table_does_not_know_are_drawn_with_all_lineages(markers):
    assert genes_of(markers, found=["CD4 T cells"]) == [("CD3D", "t_nk"), ("NKG7", "t_nk"), ("MS4A1", "b")]


def test_means_and_shares_are_those_of_a_dense_matrix(markers, tmp_path):
    rng = np.random.default_rng(5)
    one, two = ["CD3D", "MS4A1", "OTHER", "FOXP3"], ["OTHER", "MS4A1", "CD3D"]
    first, second = rng.poisson(1.5, (6, 4)), rng.poisson(1.5, (5, 3))
    first[:, 2] += 5
    second[:, 0] += 5
    labels = {"S1": ["b", "treg", "b", "b", "treg", "b"], "S2": ["b", "b", "treg", "b", "treg"]}
    paths = {
        "S2": write(tmp_path, "S2", two, second, labels["S2"]),
        "S1": write(tmp_path, "S1", one, first, labels["S1"]),
        "S0": write(tmp_path, "S0", one, np.zeros((0, 4)), []),
    }
    marker_dots(
        counts={sample: pair[0] for sample, pair in paths.items()},
        labels={sample: pair[1] for sample, pair in paths.items()},
        markers=markers, tissue="blood", output=tmp_path / "dots.tsv",
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "dots.tsv", sep="\t")
    assert table.columns.tolist() == COLUMNS
    assert table["label"].unique().tolist() == ["b", "treg"]
    assert table["gene"].unique().tolist() == ["CD3D", "MS4A1", "FOXP3"]
    dense = np.zeros((11, 3))  # CD3D, MS4A1, FOXP3; S2 lacks FOXP3
    dense[:6] = first[:, [0, 1, 3]] / first.sum(axis=1, keepdims=True)
    dense[6:, :2] = second[:, [2, 1]] / second.sum(axis=1, keepdims=True)
    logged, types = np.log1p(1e4 * dense), np.array(labels["S1"] + labels["S2"])
    for (label, gene), row in table.set_index(["label", "gene"]).iterrows():
        values = logged[types == label, ["CD3D", "MS4A1", "FOXP3"].index(gene)]
        assert row["mean"] == pytest.approx(values.mean(), rel=1e-4)
        assert row["share"] == pytest.approx((values > 0).mean(), rel=1e-5)
        assert row["n_cells"] == len(values)


def test_no_cells_give_a_header_and_other_cells_are_named(markers, tmp_path):
    empty = write(tmp_path, "S0", ["CD3D"], np.zeros((0, 1)), [])
    shared = {"markers": markers, "tissue": "blood", "output": tmp_path / "dots.tsv"}
    for counts, labels in (({}, {}), ({"S0": empty[0]}, {"S0": empty[1]})):
        marker_dots(counts=counts, labels=labels, **shared)
        assert (tmp_path / "dots.tsv").read_text() == "\t".join(COLUMNS) + "\n"
    counts, _ = write(tmp_path, "S1", ["CD3D"], np.ones((2, 1)), ["b", "b"])
    _, labels = write(tmp_path, "S2", ["CD3D"], np.ones((2, 1)), ["b", "b"])
    with pytest.raises(GutaxisError, match="X20"):
        marker_dots(counts={"S1": counts}, labels={"S1": labels}, **shared)


def test_every_label_of_the_shipped_table_has_a_gene():
    table = read_markers(path=PROJECT / "resources" / "markers" / "cell_markers.tsv")
    for tissue in ("blood", "tumor"):
        own = table[table["tissue"].isin([tissue, "both"])]
        found = own["label"].unique().tolist()
        chosen = chosen_genes(markers=table, tissue=tissue, found=found, genes=frozenset(table["gene"]), per_set=3)
        assert chosen["gene"].is_unique
        assert set(chosen["marker_of"]) == set(found)
