"""CellTypist as a program of its own: what is no model is named, a trained model predicts, twice the same."""

import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutaxis.errors import GutaxisError
from gutaxis.single_cell import celltypist_program, communication
from gutaxis.single_cell.celltypist_votes import PROGRAM, celltypist_votes

pytestmark = pytest.mark.unit
PROJECT = Path(__file__).resolve().parents[2]
GENES = ["MS4A1", "CD79A", "NKG7", "GNLY", *(f"X{number}" for number in range(40))]


def counts(path: Path, *, cells: int, seed: int, genes: list[str] | None = None) -> np.ndarray:
    """Write B and NK cells by turns; return their types."""
    types = np.array(["B cells", "NK cells"] * cells)[:cells]
    means = np.full((cells, len(GENES)), 2.0)
    means[:, :2] = np.where(types[:, None] == "B cells", 8, 0.1)
    means[:, 2:4] = np.where(types[:, None] == "NK cells", 8, 0.1)
    matrix = sparse.csr_matrix(np.random.default_rng(seed).poisson(means).astype(np.float32))
    obs = pd.DataFrame(index=[f"S1_{number}" for number in range(cells)])
    ad.AnnData(matrix, obs=obs, var=pd.DataFrame(index=genes or GENES)).write_h5ad(path)
    return types


def test_a_name_that_is_no_file_is_refused_so_that_nothing_is_downloaded(tmp_path):
    with pytest.raises(GutaxisError, match=r"X51 Immune_All_Low\.pkl: There is no such model file"):
        celltypist_votes(python="none", sample="S1", counts=tmp_path / "c.h5ad", model=Path("Immune_All_Low.pkl"),
                         output=tmp_path / "v.tsv")  # fmt: skip


def test_our_program_without_celltypist_says_what_to_do(tmp_path):
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({}))
    with pytest.raises(GutaxisError, match=r"X50 .* has no celltypist: run `make extras`"):
        celltypist_votes(python=sys.executable, sample="S1", counts=tmp_path / "c.h5ad", model=tmp_path / "m.pkl",
                         output=tmp_path / "v.tsv")  # fmt: skip
    assert not (tmp_path / "v.tsv").exists()


# ---- with CellTypist, which shares an environment with LIANA -------------------------------------------------------

TRAIN = """
import sys
import anndata, celltypist, numpy as np
adata = anndata.read_h5ad(sys.argv[1])
matrix = adata.X.toarray()
adata.X = np.log1p(matrix / matrix.sum(axis=1, keepdims=True) * 1e4)
labels = np.array(sys.argv[3].split(","))
model = celltypist.train(adata, labels=labels, feature_selection=False, check_expression=False)
model.write(sys.argv[2])
"""


@pytest.fixture(scope="module")
def python() -> str:
    for path in (os.environ.get("GUTAXIS_LIANA_PYTHON"), PROJECT / ".tools" / "liana" / "bin" / "python"):
        if path and shutil.which(str(path)):
            return str(path)
    pytest.skip("no Python with CellTypist: make extras, or set GUTAXIS_LIANA_PYTHON")


@pytest.fixture(scope="module")
def model(python, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("celltypist")
    types = counts(folder / "train.h5ad", cells=200, seed=1)
    environment = {**os.environ, "CELLTYPIST_FOLDER": str(folder / "home")}
    command = [python, "-c", TRAIN, folder / "train.h5ad", folder / "own model.pkl", ",".join(types)]
    subprocess.run([str(word) for word in command], check=True, env=environment, capture_output=True)
    return folder / "own model.pkl"


def test_a_model_predicts_every_cell_twice_the_same_and_leaves_no_folder(python, model, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    types = counts(tmp_path / "S1.h5ad", cells=60, seed=2)
    for name in ("a", "b"):
        celltypist_votes(python=python, sample="S1", counts=tmp_path / "S1.h5ad", model=model,
                         output=tmp_path / f"{name}.tsv.gz")  # fmt: skip
    assert (tmp_path / "a.tsv.gz").read_bytes() == (tmp_path / "b.tsv.gz").read_bytes()
    table = pd.read_csv(tmp_path / "a.tsv.gz", sep="\t")
    assert table.columns.tolist() == ["cell", "label", "probability"]
    assert table["cell"].tolist() == [f"S1_{number}" for number in range(60)]
    assert (table["label"] == types).mean() > 0.95
    assert table["probability"].between(0.5, 1).all()
    assert not (tmp_path / "home" / ".celltypist").exists()
    counts(tmp_path / "S0.h5ad", cells=0, seed=2)
    celltypist_votes(python=python, sample="S0", counts=tmp_path / "S0.h5ad", model=model, output=tmp_path / "e.tsv")
    assert (tmp_path / "e.tsv").read_text() == "cell\tlabel\tprobability\n"


# ---- what the program does around CellTypist -----------------------------------------------------------------------


def test_a_model_of_other_genes_is_refused(tmp_path, capsys):
    counts(tmp_path / "S1.h5ad", cells=10, seed=2)
    adata = celltypist_program.read_counts(path=tmp_path / "S1.h5ad")
    features = [*GENES[:4], *(f"ENSG{number}" for number in range(12))]
    celltypist_program.check_genes(adata=adata, features=features, share=0.25, name="S1.h5ad")
    assert capsys.readouterr().out == "4 of 16 genes of the model are in the data\n"
    for share, own in ((0.26, features), (0.0, features[4:])):
        with pytest.raises(celltypist_program.UserError, match=r"X53 S1\.h5ad: (4 of 16|0 of 12) genes"):
            celltypist_program.check_genes(adata=adata, features=own, share=share, name="S1.h5ad")


def test_what_is_no_model_is_named(tmp_path):
    path = tmp_path / "bad.pkl"
    for content, words in (
        (b"not a pickle", "no CellTypist model can be read"),
        (b"", "no CellTypist model can be read"),
        (pickle.dumps([1]), "a pickle, but no CellTypist model"),
        (pickle.dumps({"Model": 1}), "a pickle, but no CellTypist model"),
    ):
        path.write_bytes(content)
        with pytest.raises(celltypist_program.UserError, match=rf"X51 bad\.pkl: {words}"):
            celltypist_program.read_model(path=path, models=None)


def test_counts_are_scaled_over_all_genes(tmp_path):
    counts(tmp_path / "S1.h5ad", cells=5, seed=2)
    raw = ad.read_h5ad(tmp_path / "S1.h5ad").X.toarray()
    made = celltypist_program.read_counts(path=tmp_path / "S1.h5ad").X.toarray()
    np.testing.assert_allclose(made, np.log1p(1e4 * raw / raw.sum(axis=1, keepdims=True)), rtol=1e-5)


def test_the_programs_import_nothing_of_the_library():
    for program in (PROGRAM, communication.PROGRAM):
        assert not re.search(r"^\s*(import|from) gutaxis", program.read_text(), re.MULTILINE)
