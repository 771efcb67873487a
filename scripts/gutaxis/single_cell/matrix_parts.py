"""What the readers of count files share: one matrix as it stands in a file, damage told, genomes told apart."""

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.single_cell.genes import ID_COLUMNS

#: What a damaged file raises in HDF5, gzip, the readers of matrices and of text.
DAMAGE = (OSError, EOFError, zlib.error, KeyError, ValueError, TypeError, IndexError)
#: More barcodes than any lane has cells, and the mean number of genes of a barcode below which most are empty droplets.
RAW_BARCODES, RAW_GENES = 100_000, 100
FORMATS = (
    "A 10x HDF5 file (filtered_feature_bc_matrix.h5), a folder with matrix.mtx, barcodes.tsv and features.tsv or "
    "genes.tsv (also as .gz), or an h5ad file"
)
#: Prefix that references of two genomes put before every gene.
_PREFIX = re.compile(r"((?:GRC[a-z]|hg|mm|rn|T2T|CHM)[A-Za-z0-9.\-]*)_+")


@dataclass(frozen=True)
class Matrix:
    """One matrix as it stands in a file.

    Parameters
    ----------
    kind
        Name of the format.
    genome
        What the file says it was aligned to, or None.
    candidates
        Names of the places that may hold counts, and the matrices, barcodes x genes: one but for h5ad. ``var``: index
        as in the file; of 10x files also ``gene_id``.
    """

    kind: str
    genome: str | None
    candidates: Mapping[str, anndata.AnnData]


def problem(*, code: str, path: Path, wrong: str, allowed: str, mend: str, value: str | None = None) -> Problem:
    """Return a problem of one file."""
    return Problem(
        code=code, file=path.name, line=None, column=None, value=value, wrong=wrong, allowed=allowed, mend=mend
    )


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Tell what a reader raises on a damaged file as X01."""
    try:
        yield
    except DAMAGE as error:
        words = (str(error).replace(str(path), path.name).splitlines() or [type(error).__name__])[0]
        raise GutaxisError(
            problem(
                code="X01",
                path=path,
                wrong=f"The file is truncated or damaged ({words})",
                allowed=FORMATS,
                mend="Copy it again from where it was made and compare checksums",
            )
        ) from error


def refuse_droplets(*, path: Path, barcodes: int, entries: int) -> None:
    """Raise X11 for a matrix of all droplets, before it fills the memory."""
    if barcodes > RAW_BARCODES and entries < RAW_GENES * barcodes:
        raise GutaxisError(
            problem(
                code="X11",
                path=path,
                value=str(barcodes),
                wrong=f"{barcodes} barcodes with {entries / barcodes:.3g} genes in the mean: all droplets, not cells",
                allowed="The filtered matrix, one column per cell",
                mend="Name filtered_feature_bc_matrix.h5 (Cell Ranger) or the folder Gene/filtered (STARsolo)",
            )
        )


def one_genome(*, path: Path, genomes: list[str], wanted: str | None) -> str:
    """Return the genome to read, or raise X05 with the names of those in the file."""
    if wanted in genomes:
        return str(wanted)
    if wanted is None and len(genomes) == 1:
        return genomes[0]
    raise GutaxisError(
        problem(
            code="X05",
            path=path,
            value=wanted,
            wrong=f"The file holds genes of {len(genomes)} genomes"
            if wanted is None
            else "The file has no such genome",
            allowed=f"genome: one of {', '.join(sorted(genomes))}",
            mend="Set single_cell.input.genome, or that of the sample",
        )
    )


def without_genome(*, names: Iterable[str], genome: str | None) -> list[str]:
    """Return names without the prefix of a genome."""
    if genome is None:
        return list(names)
    begin = re.compile(re.escape(genome) + r"_+")
    return [begin.sub("", str(name), count=1) if begin.match(str(name)) else str(name) for name in names]


def plain_var(*, names: Iterable[str], ids: Iterable[str], genome: str | None) -> pd.DataFrame:
    """Return var with symbols as index and gene_id, without the prefix of a genome."""
    ids = without_genome(names=ids, genome=genome)
    return pd.DataFrame({"gene_id": ids}, index=pd.Index(without_genome(names=names, genome=genome), dtype=object))


def of_genome(*, adata: anndata.AnnData, path: Path, genome: str | None) -> tuple[anndata.AnnData, str | None]:
    """Choose a genome where only prefixes (``mm10_Cd3e``) tell it; without prefixes nothing is chosen."""
    matches = [_PREFIX.match(str(name)) for name in adata.var_names]
    named = np.array([match.group(1) if match else "" for match in matches], dtype=object)
    if not len(named) or (named == "").mean() > 0.1:
        return adata, None
    chosen = one_genome(path=path, genomes=sorted(set(named) - {""}), wanted=genome)
    part = adata[:, named == chosen].copy()
    for column in set(ID_COLUMNS) & set(part.var.columns):
        part.var[column] = without_genome(names=part.var[column], genome=chosen)
    part.var_names = without_genome(names=part.var_names, genome=chosen)
    return part, chosen
