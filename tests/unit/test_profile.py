"""The default profile: progress bars on a terminal alone, and only where their plugin is installed."""

import importlib.util
import io
import sys
from pathlib import Path

import pytest
import yte

pytestmark = pytest.mark.unit

PROFILE = Path(__file__).parents[2] / "profiles/default/profile.yaml"


class Stream(io.StringIO):
    """A stream that says whether it is a terminal."""

    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.mark.parametrize(
    ("stdout", "stderr", "installed", "logger"),
    [
        (True, True, True, ["rich"]),
        (True, True, False, None),
        (True, False, True, None),
        (False, True, True, None),  # --rulegraph dot | dot: the plugin would take standard output
    ],
)
def test_rich_logger_on_a_terminal_only(monkeypatch, stdout, stderr, installed, logger):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if installed else None)
    monkeypatch.setattr(sys, "stdout", Stream(stdout))
    monkeypatch.setattr(sys, "stderr", Stream(stderr))
    with open(PROFILE, encoding="utf-8") as handle:
        profile = yte.process_yaml(handle, require_use_yte=True)
    assert profile.get("logger") == logger
    assert profile["keep-going"] is True and profile["scheduler"] == "greedy"
