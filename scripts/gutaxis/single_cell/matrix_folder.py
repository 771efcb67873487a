"""The folder that Cell Ranger and STARsolo write: matrix.mtx, barcodes.tsv, features.tsv or genes.tsv."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
from scipy import io, sparse

from gutaxis.errors import Problem, raise_if_errors
from gutaxis.files import open_text
from gutaxis.single_cell.matrix_parts import Matrix, damage_told, of_genome, plain_var, problem, refuse_droplets

MTX = "mtx"
MATRIX, BARCODES, FEATURES = ("matrix.mtx",), ("barcodes.tsv",), ("features.tsv", "genes.tsv")


def read_folder(*, folder: Path, genome: str | None) -> Matrix:
    """Read matrix.mtx, barcodes.tsv and features.tsv (v3, STARsolo) or genes.tsv (v2), each plain or gzipped.

    Own code, for ``scanpy.read_10x_mtx`` takes v3 only gzipped (scverse/scanpy#3541) and reads a gene called NA as
    missing.

    Parameters
    ----------
    folder
        Holds one of each file.
    genome
        Which genome of several, told by the prefixes of the genes.

    Returns
    -------
    Matrix
        As in the files; antibodies and other features beside genes are left out.

    Raises
    ------
    GutaxisError
        X01 damaged; X03 a file is missing or there are several; X04 files that do not fit; X05 a genome has to be
        named; X11 droplets without cells.
    """
    found = {names: _files(folder=folder, names=names) for names in (MATRIX, BARCODES, FEATURES)}
    raise_if_errors(_file_problem(folder=folder, names=k, found=v) for k, v in found.items() if len(v) != 1)
    (matrix,), (barcodes,), (features,) = found.values()
    with damage_told(matrix):
        _, n_barcodes, entries, *_ = io.mminfo(matrix)
        refuse_droplets(path=matrix, barcodes=n_barcodes, entries=entries)
        counts = sparse.csr_matrix(io.mmread(matrix).T)
    cells, genes = _rows(barcodes), _rows(features)
    lengths = ((barcodes, len(cells), counts.shape[0]), (features, len(genes), counts.shape[1]))
    raise_if_errors(_length_problem(path=path, lines=n, columns=m) for path, n, m in lengths if n != m)
    # Of a features table the third column tells genes from antibodies; v2 and some programs have none.
    kept = np.array([len(row) < 3 or row[2] in ("Gene Expression", "") for row in genes], dtype=bool)
    rows = [row for row, keep in zip(genes, kept, strict=True) if keep]
    adata = anndata.AnnData(
        counts[:, kept],
        obs=pd.DataFrame(index=pd.Index([row[0] for row in cells], dtype=object)),
        var=plain_var(
            names=[row[1] if len(row) > 1 else row[0] for row in rows], ids=[r[0] for r in rows], genome=None
        ),
    )
    adata, chosen = of_genome(adata=adata, path=folder, genome=genome)
    return Matrix(kind=MTX, genome=chosen, candidates={"matrix": adata})


def _files(*, folder: Path, names: tuple[str, ...]) -> list[Path]:
    """Return the files of the folder with one of the names, plain or gzipped."""
    return [folder / f"{name}{end}" for name in names for end in ("", ".gz") if (folder / f"{name}{end}").is_file()]


def _file_problem(*, folder: Path, names: tuple[str, ...], found: list[Path]) -> Problem:
    """Tell that a file is missing, or that there is more than one."""
    inside = sorted(entry.name for entry in folder.iterdir())
    shown = ", ".join(inside[:8]) + (" ..." if len(inside) > 8 else "")
    return problem(
        code="X03",
        path=folder,
        value=" and ".join(path.name for path in found) or None,
        wrong=f"The folder has {'more than one' if found else 'no'} {' or '.join(names)}",
        allowed="One each of matrix.mtx, barcodes.tsv, and features.tsv or genes.tsv; each plain or as .gz",
        mend="Remove the copy" if found else f"Name the folder that holds it; this one holds: {shown or 'nothing'}",
    )


def _length_problem(*, path: Path, lines: int, columns: int) -> Problem:
    """Tell that a list has another length than the matrix."""
    return problem(
        code="X04",
        path=path,
        value=str(lines),
        wrong=f"{lines} lines, but the matrix has {columns}",
        allowed="The files of one folder, written by one run",
        mend="Copy the whole folder again",
    )


def _rows(path: Path) -> list[list[str]]:
    """Read a table without header, all cells as text; blank lines at the end do not count."""
    with damage_told(path), open_text(path) as handle:
        return [line.rstrip("\r\n").split("\t") for line in handle if line.strip()]
