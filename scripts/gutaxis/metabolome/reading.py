"""Reading the arm's own tables back: comment lines above the header, ``NA`` for missing, ids as text."""

from pathlib import Path

import pandas as pd

from gutaxis.files import comments_above


def read_commented(*, path: Path) -> pd.DataFrame:
    """Read a TSV whose first lines may be comments.

    Only lines above the header are comments: a ``#`` within a cell stays. The columns ``feature`` and ``chebi`` are
    text.
    """
    comments = len(comments_above(path=path))
    text = {"feature": str, "chebi": str}
    return pd.read_csv(path, sep="\t", skiprows=comments, keep_default_na=False, na_values=["NA", ""], dtype=text)
