"""What the methods text is made from: sections of the config, what the run has, and the pinned versions."""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gutaxis.cohort.model import Cohort

#: Numbers that a sentence spells out.
SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", flags=re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that the text may say; nothing else is looked up.

    Parameters
    ----------
    config
        The filled config without paths of the cohort: sections by name.
    run
        What the run has: ``patients`` (number), ``cohorts`` (name -> patients), ``batches`` (number), ``samples`` and
        ``pairs`` (assay/material -> number), ``controls`` (assay and kind -> number), ``layers`` (name -> kind, source,
        arm, metrics), ``covariates``, ``tissues``, ``modes``, ``recist``, ``adverse_events``, ``simulated``,
        ``multiqc``, ``integrated``, ``predicting``.
    versions
        Program or package, small letters -> pinned version.
    """

    config: Mapping[str, Any]
    run: Mapping[str, Any]
    versions: Mapping[str, str] = field(default_factory=dict)

    def arm(self, name: str) -> bool:
        """Return whether the run makes layers of an arm from raw files or finished metabolite tables."""
        return any(layer["arm"] == name for layer in self.run["layers"].values())

    def layers(self, *, kinds: Iterable[str] | None = None, source: str | None = None) -> list[str]:
        """Return the layers of some kinds, or of one source, sorted."""
        wanted = None if kinds is None else set(kinds)
        return sorted(
            name
            for name, layer in self.run["layers"].items()
            if (wanted is None or layer["kind"] in wanted) and (source is None or layer["source"] == source)
        )

    def tool(self, name: str, shown: str | None = None) -> str:
        """Return a tool with its pinned version, ``MetaPhlAn 4.1.1``; without one where none is pinned."""
        version = self.versions.get(name.lower())
        return f"{shown or name} {version}" if version else shown or name


@dataclass(frozen=True)
class Section:
    """A heading and its paragraphs."""

    title: str
    paragraphs: list[str]


def cohort_facts(*, cohort: Cohort) -> dict[str, Any]:
    """Return what the text may say of the sheets: numbers, never a patient.

    Parameters
    ----------
    cohort
        The cohort of the run.

    Returns
    -------
    dict
        ``patients``, ``cohorts``, ``batches``, ``samples``, ``pairs``, ``controls``, ``covariates`` of :class:`Facts`.
    """
    samples, paired = cohort.samples, cohort.completeness
    own = samples[samples["control"] == "N"].groupby(["assay", "material"]).size()
    pairs = paired[paired["status"] == "PAIRED"].groupby(["assay", "material"]).size()
    controls = samples[samples["control"] != "N"].groupby(["assay", "control"]).size()
    cohorts = cohort.patients["cohort"].value_counts().sort_index() if "cohort" in cohort.patients else {}
    return {
        "patients": len(cohort.patients),
        "cohorts": {str(name): int(n) for name, n in dict(cohorts).items()},
        "batches": int(samples["batch"].nunique()),
        "samples": {"/".join(name): int(n) for name, n in own.items()},
        "pairs": {"/".join(name): int(n) for name, n in pairs.items()},
        "controls": {" ".join(name): int(n) for name, n in controls.items()},
        "covariates": list(cohort.covariates),
    }


def pinned_versions(*, tools: Path | str, requirements: Path | str) -> dict[str, str]:
    """Return program or package (small letters) -> pinned version.

    Parameters
    ----------
    tools
        resources/tools.tsv.
    requirements
        envs/workflow.requirements.txt.
    """
    with open(tools, encoding="utf-8") as handle:
        found = {row["program"].lower(): row["version"] for row in csv.DictReader(handle, delimiter="\t")}
    packages = PIN.finditer(Path(requirements).read_text(encoding="utf-8"))
    return {match["name"].lower().replace("_", "-"): match["version"] for match in packages} | found


def number(n: int, thing: str, things: str | None = None) -> str:
    """Return a count with its noun: ``two pairs``, ``one pair``, ``48 patients``."""
    word = SMALL[n] if 0 <= n < len(SMALL) else f"{n:,}"
    return f"{word} {thing if n == 1 else things or thing + 's'}"


def listing(items: Iterable[str]) -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    words = list(items)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "none"


def percent(share: float) -> str:
    """Return a share as percent without needless digits: ``0.1`` is ``10 %``."""
    return f"{100 * share:g} %"


def code(names: Iterable[str]) -> str:
    """Return names as they stand in files, listed."""
    return listing(f"`{name}`" for name in names)
