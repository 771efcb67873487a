"""Tables and cells: the same bytes every time, also compressed."""

import gzip
import time
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutaxis.files import comments_above, open_text, write_h5ad, write_tsv

pytestmark = pytest.mark.unit
TABLE = pd.DataFrame({"name": ["a", None], "value": [1 / 3, 2.0]})
TEXT = "# said\nname\tvalue\na\t0.3333333333\nNA\t2\n"


def test_a_gzipped_table_holds_the_same_text_and_no_time(tmp_path):
    for name in ("t.tsv", "t.tsv.gz"):
        write_tsv(TABLE, tmp_path / name, comment="said")
    assert (tmp_path / "t.tsv").read_bytes() == TEXT.encode()
    packed = (tmp_path / "t.tsv.gz").read_bytes()
    assert gzip.decompress(packed) == TEXT.encode()
    assert packed[3:8] == bytes(5)  # no file name, no time stamp
    with open_text(tmp_path / "t.tsv.gz") as handle:
        assert handle.read() == TEXT
    time.sleep(1.1)  # gzip counts seconds
    write_tsv(TABLE, tmp_path / "again.tsv.gz", comment="said")
    assert (tmp_path / "again.tsv.gz").read_bytes() == packed
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.tsv.gz", "t.tsv", "t.tsv.gz"]


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path):
    target = tmp_path / "t.tsv.gz"
    write_tsv(TABLE, target)
    before = target.read_bytes()
    with pytest.raises(AttributeError):
        write_tsv("no table", target)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["t.tsv.gz"]


@pytest.mark.parametrize("name", ["t.tsv", "t.tsv.gz"])
def test_comments_are_the_lines_above_the_header_alone(tmp_path, name):
    path = tmp_path / name
    write_tsv(pd.DataFrame({"a": ["#1", "x"]}), path, comment="first\nsecond")
    above = comments_above(path=path)
    assert above == ["# first", "# second"]
    assert pd.read_csv(path, sep="\t", skiprows=len(above))["a"].tolist() == ["#1", "x"]
    write_tsv(pd.DataFrame({"a": ["x"]}), path)
    assert comments_above(path=path) == []


def test_cells_are_written_without_the_compressor_that_depends_on_memory(tmp_path):
    rng = np.random.default_rng(4)
    counts = sparse.csr_matrix(rng.poisson(0.1, (50, 400)).astype(np.float32))
    for number in (1, 2):
        write_h5ad(adata=ad.AnnData(counts), path=tmp_path / f"{number}.h5ad")
    assert (tmp_path / "1.h5ad").read_bytes() == (tmp_path / "2.h5ad").read_bytes()
    assert (counts != ad.read_h5ad(tmp_path / "1.h5ad").X).nnz == 0
    with h5py.File(tmp_path / "1.h5ad") as file:
        assert file["X/data"].compression == "gzip"
    library = Path(__file__).parents[2] / "scripts"
    others = [path.name for path in library.rglob("*.py") if '"lzf"' in path.read_text()]
    assert others == [], "LZF: the same content, now and then other bytes"
