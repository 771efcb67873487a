"""The programs that `make setup` installed are the pinned ones."""

import os
from pathlib import Path

import pytest

from gutaxis.provenance.preflight import check_tools

pytestmark = pytest.mark.tools

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("environment", ["metagenome", "multiqc", "workflow"])
def test_installed_programs_are_the_pinned_ones(environment, monkeypatch):
    monkeypatch.setenv("PATH", f"{ROOT / '.tools' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("PYTHONPATH", raising=False)
    versions, problems = check_tools(table=ROOT / "resources" / "tools.tsv", environment=environment)
    assert [str(problem) for problem in problems] == []
    assert versions["version"].notna().all()
