"""The results a report is made from: which files there are, what they hold, and why others are not there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from gutaxis.clinical.figure_page import read_spec
from gutaxis.files import comments_above, open_text

#: Columns of ids and names: a patient `007` or a feature `NaN` stays as it is written.
TEXT = {"patient_id", "sample_id", "lesion_id", "pair_id", "batch", "feature", "label", "cluster", "module", "factor"}


@dataclass(frozen=True, kw_only=True)
class LayerInfo:
    """What the report knows of a layer before it opens a file.

    Parameters
    ----------
    name, arm, source, kind
        As :class:`gutaxis.layers.plan.LayerPlan`.
    room
        gut, plasma, blood, tumor or other: the part of the page it belongs to.
    """

    name: str
    arm: str
    source: str
    kind: str
    room: str


def layer_room(*, name: str, arm: str, source: str, assay: str | None) -> str:
    """Return the part of the page a layer belongs to: gut, plasma, blood, tumor or other.

    Parameters
    ----------
    name, arm, source, assay
        As :class:`gutaxis.layers.plan.LayerPlan`.
    """
    if arm == "single_cell":
        return name.partition("_")[0]
    if arm == "metabolome" or assay == "METAB":
        return "plasma"
    if source in {"metaphlan", "humann"} or assay == "MGX":
        return "gut"
    return "other"


@dataclass(frozen=True, kw_only=True)
class Results:
    """The result files a page may use.

    Parameters
    ----------
    root
        Results folder.
    files
        Paths below ``root`` that exist, such as ``clinical/best_response.tsv``.
    absent
        Shell pattern of paths -> why such files are not there, in one sentence; the first that fits is said.
    layers
        Name -> layer, sorted.
    settings
        Parts of the config that sentences need, such as ``fdr`` and ``contrasts``.
    """

    root: Path
    files: frozenset[str]
    absent: Mapping[str, str] = field(default_factory=dict)
    layers: Mapping[str, LayerInfo] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def has(self, *names: str) -> bool:
        """Say whether every one of the files is there."""
        return all(name in self.files for name in names)

    def matching(self, pattern: str) -> list[str]:
        """Return the files that fit a shell pattern, sorted."""
        return sorted(name for name in self.files if fnmatchcase(name, pattern))

    def why(self, name: str) -> str:
        """Return why a file is not there, as a sentence.

        Raises
        ------
        KeyError
            If nobody said why: a defect of the rule that makes the page.
        """
        for pattern, reason in self.absent.items():
            if fnmatchcase(name, pattern):
                return reason
        raise KeyError(f"no reason is given for the absence of {name}")

    def table(self, name: str) -> pd.DataFrame:
        """Return a table, read once: ``NA`` is missing, other words stay as they are."""
        if name not in self._tables:
            if name not in self.files:
                raise KeyError(f"{name} is no source of the report")
            self._tables[name] = _read(path=self.root / name)
        return self._tables[name].copy()

    def header(self, name: str) -> list[str]:
        """Return the comment lines above a table, without their sign."""
        return [line[1:].strip() for line in comments_above(path=self.root / name)]

    def spec(self, name: str) -> dict[str, Any]:
        """Return the Vega-Lite specification of a figure page (``.html``) of this package."""
        if name not in self.files:
            raise KeyError(f"{name} is no source of the report")
        return read_spec(html=self.root / name)

    def in_room(self, *rooms: str) -> list[LayerInfo]:
        """Return the layers of one or more parts of the page."""
        return [layer for layer in self.layers.values() if layer.room in rooms]

    @cached_property
    def _tables(self) -> dict[str, pd.DataFrame]:
        return {}


def relative_names(*, root: Path, paths: Iterable[Path | str]) -> frozenset[str]:
    """Return paths as they are named below the results folder.

    Parameters
    ----------
    root
        Results folder.
    paths
        Files below it.
    """
    return frozenset(Path(path).relative_to(root).as_posix() for path in paths)


def _read(*, path: Path) -> pd.DataFrame:
    with open_text(path) as handle:
        skip, head = next((at, line) for at, line in enumerate(handle) if not line.startswith("#"))
    text = {column: str for column in head.rstrip("\n").split("\t") if column in TEXT}
    return pd.read_csv(path, sep="\t", skiprows=skip, keep_default_na=False, na_values=["NA", ""], dtype=text)
