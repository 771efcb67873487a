"""Ligand-receptor pairs between the cell types of each sample by LIANA, run in an environment of its own.

The scores describe one sample. They are no test between patients, and no layer is made of them: the number of pairs
grows with the number of cells and with sequencing depth.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import comments_above, write_tsv
from gutaxis.metagenome.programs import run_program, scratch_folder
from gutaxis.single_cell.labels import read_labels
from gutaxis.single_cell.markers import UNRESOLVED

PROGRAM = Path(__file__).with_name("liana_program.py")
COLUMNS = ["sample_id", "source", "target", "ligand", "receptor", "magnitude_rank", "specificity_rank"]
SUMMARY = ["sample_id", "source", "target", "n_source", "n_target", "n_pairs", "n_best", "best"]
TEXT = dict.fromkeys(("sample_id", "source", "target", "ligand", "receptor", "best"), str)
#: Begin of the comment line with the types.
TYPES = "cell types: "
#: Pairs named in the summary.
NAMED = 5


def cell_types(*, labels: Path, column: str, min_cells: int) -> tuple[pd.Series, pd.Series]:
    """Choose the cells between which pairs are scored.

    Parameters
    ----------
    labels
        ``labels/{sample}.tsv``: cell and ``column``.
    column
        label or lineage.
    min_cells
        Types with fewer cells in this sample are left out, and so are unresolved ones.

    Returns
    -------
    tuple
        Type by cell, of the types that are used; number of cells by type, of those that are left out.
    """
    types = read_labels(path=labels)[column].dropna()
    sizes = types.value_counts().sort_index()
    used = [name for name, count in sizes.items() if count >= min_cells and not name.endswith(UNRESOLVED)]
    return types[types.isin(used)], sizes.drop(used)


def communicate(
    *, python: str, sample: str, counts: Path, labels: Path, output: Path, column: str = "label", min_cells: int = 10,
    share: float = 0.1, permutations: int = 100, resource: str = "consensus", seed: int = 0,
) -> None:  # fmt: skip
    """Score the ligand-receptor pairs between the cell types of a sample with a Python that has LIANA.

    Parameters
    ----------
    python
        Program: that Python's path or name.
    sample
        Its id, written into the table.
    counts
        ``samples/{sample}.h5ad``: counts of the kept cells.
    labels
        ``labels/{sample}.tsv``.
    output
        TSV, gzip if its name ends so: :data:`COLUMNS`, then the scores of the single methods; the best first. Both
        ranks are of robust rank aggregation, corrected for the number of methods and not for the number of pairs.
        Comment lines say which types were used and left out, and why a table has no rows.
    column, min_cells
        As of :func:`cell_types`.
    share
        Smallest share of a type's cells that must express each subunit of a ligand or receptor.
    permutations
        Of the labels, for CellPhoneDB's p. Memory grows with them: with 5,000 cells of 20 types and all pairs
        expressed, 100 took 1.5 GB and 1,000 took 6.1 GB, and the same pairs came out best.
    resource
        A resource that LIANA ships (``consensus``, ``cellphonedb``, ...), or a TSV with ligand and receptor, subunits
        joined by ``_``. The shipped ones come from OmniPath; their sources have licences of their own.
    seed
        Of the permutations.

    Raises
    ------
    GutaxisError
        X50 no LIANA; X52 no such resource; X53 counts and labels, or counts and resource, do not fit.
    """
    own = resource.endswith(".tsv")
    if own and not Path(resource).is_file():
        raise GutaxisError(_problem("X52", Path(resource).name, "There is no such resource", "Correct the path"))
    types, left = cell_types(labels=labels, column=column, min_cells=min_cells)
    sizes = types.value_counts().sort_index()
    notes = [
        f"LIANA rank_aggregate; resource {Path(resource).name if own else resource}; permutations {permutations}; "
        f"seed {seed}; share {share:g}",
        f"{TYPES}{_listed(sizes)}",
        f"left out (unresolved, or under {min_cells} cells): {_listed(left)}",
    ]
    if len(sizes) < 2:
        notes.append(f"no pairs: {len(sizes)} cell types have {min_cells} cells, two are needed")
        write_tsv(pd.DataFrame(columns=COLUMNS), output, comment="\n".join(notes))
        return
    with scratch_folder(beside=output, name=f"communication.{sample}") as folder:
        cells, found = folder / "cells.tsv", folder / "found.tsv"
        write_tsv(types.rename("label").rename_axis("cell").reset_index(), cells)
        options = ["--counts", counts, "--cells", cells, "--resource", Path(resource).resolve() if own else resource]
        options += ["--share", f"{share:g}", "--permutations", str(permutations), "--seed", str(seed)]
        # -P: the folder of the program, whose modules have plain names, must not be searched for LIANA's imports
        run_program(
            command=[python, "-P", PROGRAM, *options, "--output", found], what=f"cell communication of sample {sample}"
        )
        table = pd.read_csv(found, sep="\t", keep_default_na=False, na_values=["NA"], dtype=TEXT)
    table.insert(0, "sample_id", sample)
    if table.empty:
        notes.append(f"no pairs: none has ligand and receptor in {100 * share:g} % of the cells of a type")
    write_tsv(table, output, comment="\n".join(notes), digits=5)


def read_communication(*, path: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Read a table of :func:`communicate`; return it and the number of cells by type."""
    notes = [line[1:].strip() for line in comments_above(path=path)]
    table = pd.read_csv(path, sep="\t", skiprows=len(notes), keep_default_na=False, na_values=["NA"], dtype=TEXT)
    sizes = json.loads(next(note for note in notes if note.startswith(TYPES)).removeprefix(TYPES))
    return table, pd.Series(sizes, dtype=float).astype(int)


def summarise_communication(*, tables: Mapping[str, Path], output: Path, limit: float = 0.05) -> None:
    """Count the best pairs between every two cell types of every sample.

    Parameters
    ----------
    tables
        By sample id, of :func:`communicate`.
    output
        TSV with :data:`SUMMARY`: cells of both types, scored pairs, those with both ranks at most ``limit``, and the
        names of the first of them. Two types without a scored pair have a row with 0.
    limit
        Of magnitude_rank and specificity_rank.
    """
    rows = []
    for sample in sorted(tables):
        table, sizes = read_communication(path=tables[sample])
        groups = dict(list(table.groupby(["source", "target"], sort=True)))
        for source in sizes.index:
            for target in sizes.index:
                own = groups.get((source, target), table.iloc[:0])
                best = own[(own["magnitude_rank"] <= limit) & (own["specificity_rank"] <= limit)]
                names = "; ".join(f"{row.ligand}-{row.receptor}" for row in best.head(NAMED).itertuples())
                rows.append((sample, source, target, sizes[source], sizes[target], len(own), len(best), names or None))
    write_tsv(pd.DataFrame(rows, columns=SUMMARY), output)


def _listed(sizes: pd.Series) -> str:
    """Return the numbers as JSON on one line: a name of the user's own may hold any sign."""
    return json.dumps({str(name): int(count) for name, count in sizes.items()})


def _problem(code: str, file: str, wrong: str, mend: str) -> Problem:
    allowed = "A resource of LIANA, such as consensus, or a TSV with the columns ligand and receptor"
    return Problem(code, file, None, None, None, wrong, allowed, mend)
