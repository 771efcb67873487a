"""Where the public data is: the folder named by GUTAXIS_REALDATA, else ../shared/data beside the project."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def public_data() -> Path:
    folder = Path(os.environ.get("GUTAXIS_REALDATA") or PROJECT.parent / "shared" / "data")
    if not (folder / "ici_metagenome").is_dir():
        pytest.skip(
            f"no public data: set GUTAXIS_REALDATA to a folder with ici_metagenome/ and toposcore/, not {folder}"
        )
    return folder
