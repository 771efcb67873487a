"""Names of genes: symbols, Ensembl ids, species, mitochondrial genes; and the cell cycle, which is read from genes."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, Problem

#: An Ensembl gene id of any species; the letters after ENS name the species, none means human.
ENSEMBL = re.compile(r"ENS([A-Z]{3,4})?G\d{6,}")
#: What a symbol looks like: no blank inside, begins with a letter or a digit.
SYMBOL = re.compile(r"[A-Za-z0-9][\w.\-/@]*")
#: Mouse and rat symbols begin with one capital; human ones are in capitals but for `orf` in C1orf112.
_RODENT = re.compile(r"[A-Z][a-z](?!.*orf)[\w.\-]*")
SPECIES = {"MUS": "mouse", "RNO": "rat", "MMUL": "macaque", "DAR": "zebrafish", "SSC": "pig", "CAF": "dog"}
#: Column names under which programs keep symbols, the commonest first.
SYMBOL_COLUMNS = (
    "gene_symbols", "gene_symbol", "symbol", "feature_name", "gene_name", "gene_names", "gene_short_name", "name",
)  # fmt: skip
ID_COLUMNS = ("gene_id", "gene_ids", "ensembl_id", "ensembl_ids", "ensembl")
#: Genes of a phase, and genes with counts in all, without which no phase is told.
MIN_CYCLE_GENES, MIN_POOL = 10, 200
PHASES = ("G1", "S", "G2M")


def ensembl_share(*, names: Sequence[str]) -> float:
    """Return the share of the names that are Ensembl gene ids."""
    return float(np.mean([ENSEMBL.match(name) is not None for name in names])) if len(names) else 0.0


def foreign_species(*, symbols: Sequence[str], ids: Sequence[str]) -> str | None:
    """Tell whether genes are those of another species than human.

    Parameters
    ----------
    symbols, ids
        Names of the genes; ids need not be Ensembl's.

    Returns
    -------
    str or None
        Name of the species, as far as known, if more than half of the Ensembl ids carry its letters, or if more than
        half of the symbols are written like those of mouse and rat (``Cd3e``); None for human.
    """
    found = [match.group(1) or "" for match in map(ENSEMBL.match, ids) if match]
    letters = pd.Series(found, dtype=object).value_counts()
    if len(letters) and letters.index[0] and letters.iloc[0] > len(found) / 2:
        return SPECIES.get(letters.index[0], f"ENS{letters.index[0]}")
    words = [name for name in symbols if len(name) > 2 and name[0].isalpha() and not ENSEMBL.match(name)]
    rodent = sum(_RODENT.fullmatch(name) is not None for name in words)
    return "mouse or rat" if rodent > len(words) / 2 else None


def mitochondrial(*, symbols: Iterable[str]) -> np.ndarray:
    """Return which genes the mitochondrion's own genome codes for: symbols that begin with ``MT-``."""
    return np.array([name.startswith("MT-") for name in symbols], dtype=bool)


def symbol_column(*, var: pd.DataFrame) -> str | None:
    """Find the column that holds symbols where the index does not.

    Returns
    -------
    str or None
        The first column, those of :data:`SYMBOL_COLUMNS` before others, in which at most a fifth of the entries are
        missing and a fifth Ensembl ids, nine tenths are written like symbols, and nine tenths differ from each other.
    """
    known = [name for name in SYMBOL_COLUMNS if name in var.columns]
    for name in [*known, *(name for name in var.columns if name not in known)]:
        column = var[name]
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            continue
        words = column.dropna().astype(str)
        if len(words) < 0.8 * len(column) or not len(words) or ensembl_share(names=list(words)) > 0.2:
            continue
        if words.nunique() >= 0.9 * len(words) and np.mean([SYMBOL.fullmatch(w) is not None for w in words]) >= 0.9:
            return str(name)
    return None


def read_cycle_genes(*, path: Path) -> pd.DataFrame:
    """Read ``resources/markers/cell_cycle.tsv``.

    Returns
    -------
    pandas.DataFrame
        gene, phase (S or G2M), previous (an older symbol or NA).

    Raises
    ------
    GutaxisError
        X15: a column is missing, a phase is neither S nor G2M, or a gene occurs twice.
    """
    table = pd.read_csv(path, sep="\t", comment="#", dtype=str)
    problems = []
    lacking = [name for name in ("gene", "phase", "previous") if name not in table.columns]
    if lacking:
        problems.append(_cycle_problem(path=path, value=",".join(lacking), wrong="The table lacks these columns"))
    else:
        phases = sorted(set(table["phase"].fillna("NA")) - {"S", "G2M"})
        twice = sorted(set(table.loc[table["gene"].duplicated(), "gene"].dropna()))
        problems += [_cycle_problem(path=path, value=name, wrong="This is neither S nor G2M") for name in phases]
        problems += [_cycle_problem(path=path, value=name, wrong="The gene occurs twice") for name in twice]
    if problems:
        raise GutaxisError(problems)
    return table[["gene", "phase", "previous"]]


def _cycle_problem(*, path: Path, value: str, wrong: str) -> Problem:
    return Problem(
        code="X15",
        file=path.name,
        line=None,
        column=None,
        value=value,
        wrong=wrong,
        allowed="Tab-separated columns gene, phase (S or G2M), previous; each gene once",
        mend="Restore resources/markers/cell_cycle.tsv",
    )


def score_cycle(*, adata: anndata.AnnData, cycle: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, str | None]:
    """Score S and G2/M of each cell and name its phase.

    ``scanpy.tl.score_genes_cell_cycle``: the mean log-normalised expression of a phase's genes minus that of control
    genes of like expression; G1 where both scores are negative, else the phase of the larger one (Tirosh et al. 2016,
    Satija et al. 2015). Genes without a count in the sample take no part.

    Parameters
    ----------
    adata
        Cells x genes, log-normalised.
    cycle
        From :func:`read_cycle_genes`.
    seed
        Of the choice of control genes.

    Returns
    -------
    pandas.DataFrame
        Index as ``adata.obs``: s_score, g2m_score (float), phase (G1, S, G2M); all missing if genes are too few.
    str or None
        Why nothing was scored.
    """
    import scanpy as sc  # noqa: PLC0415 - 5 CPU seconds; the names of genes are read without it

    empty = pd.DataFrame({"s_score": np.nan, "g2m_score": np.nan, "phase": None}, index=adata.obs_names)
    expressed = adata[:, np.asarray((adata.X > 0).sum(axis=0)).ravel() > 0]
    present = set(expressed.var_names)
    genes = {phase: [] for phase in ("S", "G2M")}
    for row in cycle.itertuples():
        name = row.gene if row.gene in present else row.previous
        if name in present:
            genes[row.phase].append(name)
    fewest = min(map(len, genes.values()))
    if fewest < MIN_CYCLE_GENES or expressed.n_vars < MIN_POOL:
        return empty, (
            f"no cell cycle: {len(genes['S'])} genes of S and {len(genes['G2M'])} of G2M among {expressed.n_vars} with "
            f"counts, and {MIN_CYCLE_GENES} of each among {MIN_POOL} are needed"
        )
    scored = expressed.copy()
    sc.tl.score_genes_cell_cycle(scored, s_genes=genes["S"], g2m_genes=genes["G2M"], random_state=seed, use_raw=False)
    result = scored.obs[["S_score", "G2M_score", "phase"]]
    return result.set_axis(["s_score", "g2m_score", "phase"], axis=1), None
