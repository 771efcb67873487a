"""Cell types by a CellTypist model that the user names, run in an environment of its own.

The table has one prediction for each cell. Clusters take the votes of their cells in
:mod:`gutaxis.single_cell.annotate`, beside the label of the markers and never in its place.
"""

from pathlib import Path

import pandas as pd

from gutaxis.errors import GutaxisError, Problem
from gutaxis.files import write_tsv
from gutaxis.metagenome.programs import run_program, scratch_folder

PROGRAM = Path(__file__).with_name("celltypist_program.py")
COLUMNS = ["cell", "label", "probability"]


def celltypist_votes(*, python: str, sample: str, counts: Path, model: Path, output: Path, min_genes: float = 0.1
                     ) -> None:  # fmt: skip
    """Predict a label for every cell of a sample with a Python that has CellTypist.

    Parameters
    ----------
    python
        Program: that Python's path or name.
    sample
        Its id, for messages.
    counts
        ``samples/{sample}.h5ad``: counts of the kept cells.
    model
        The user's model file. It is a pickle, so loading it runs whatever it holds: only models from a source that is
        trusted. Nothing is downloaded; a name of CellTypist's own models is no file and is refused.
    output
        TSV, gzip if its name ends so: :data:`COLUMNS`, in the order of the counts. Labels are the model's own words.
        The probability is that of the label alone (one logistic regression per label); it need not sum to 1 over
        labels. CellTypist: Dominguez Conde et al. 2022, doi:10.1126/science.abl5197.
    min_genes
        Smallest share of the model's genes that must be in the counts.

    Raises
    ------
    GutaxisError
        X50 no CellTypist; X51 the model is missing or none; X53 the counts lack the model's genes.
    """
    if not model.is_file():
        problem = Problem(
            code="X51", file=model.name, line=None, column=None, value=None, wrong="There is no such model file",
            allowed="A CellTypist model is a .pkl file on disk", mend="Download or train a model, and give its path",
        )  # fmt: skip
        raise GutaxisError(problem)
    with scratch_folder(beside=output, name=f"celltypist.{sample}") as folder:
        found = folder / "found.tsv"
        options = ["--counts", counts, "--model", model.resolve(), "--min-genes", f"{min_genes:g}", "--output", found]
        # -P: the folder of the program, whose modules have plain names, must not be searched for CellTypist's imports
        run_program(command=[python, "-P", PROGRAM, *options], what=f"CellTypist of sample {sample}")
        table = pd.read_csv(found, sep="\t", dtype={"cell": str, "label": str}, keep_default_na=False)
    write_tsv(table[COLUMNS], output)
