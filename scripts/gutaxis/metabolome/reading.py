"""Reading the arm's own tables back: comment lines above the header, ``NA`` for missing, ids as text."""

import itertools
from pathlib import Path

import pandas as pd

from gutaxis.files import open_text


def read_commented(*, path: Path) -> pd.DataFrame:
    """Read a TSV whose first lines may be comments.

    Only lines above the header are comments: a ``#`` within a cell stays. The columns ``feature`` and ``chebi`` are
    text.
    """
    with open_text(path) as handle:
        comments = sum(1 for _ in itertools.takewhile(lambda line: line.startswith("#"), handle))
    text = {"feature": str, "chebi": str}
    return pd.read_csv(path, sep="\t", skiprows=comments, keep_default_na=False, na_values=["NA", ""], dtype=text)
