"""Where the summaries of samples are: folders of parts, each with three files for each of its samples."""

from collections.abc import Iterable
from pathlib import Path

#: What is summed up of a sample -> end of its file's name.
ENDINGS = {"fractions": ".fractions.tsv", "pseudobulk": ".pseudobulk.h5ad", "programs": ".programs.tsv"}


def summary_files(*, folders: Iterable[Path | str], what: str) -> dict[str, Path]:
    """Return sample -> its file of one kind, sorted by sample.

    Parameters
    ----------
    folders
        Of :func:`gutaxis.single_cell.summary.summarise_samples`.
    what
        A key of ``ENDINGS``.

    Raises
    ------
    FileNotFoundError
        If one of the folders has no such file.
    """
    found = {}
    for folder in map(Path, folders):
        paths = list(folder.glob(f"*{ENDINGS[what]}"))
        if not paths:
            raise FileNotFoundError(f"{folder} has no file of a sample's {what}")
        found |= {path.name.removesuffix(ENDINGS[what]): path for path in paths}
    return dict(sorted(found.items()))
