"""What each file of a mode is integrated by, set apart from the job that linked all files."""

import shutil
from pathlib import Path

from gutaxis.files import atomic_write


def copy_targets(*, source: Path | str, target: Path | str) -> None:
    """Copy one table, written under a temporary name first.

    Parameters
    ----------
    source, target
        A table of ``link_features``, and where each file's job looks for it.

    Raises
    ------
    FileNotFoundError
        If there is no such table.
    """
    with atomic_write(target) as part:
        shutil.copyfile(source, part)
