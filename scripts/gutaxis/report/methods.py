"""The methods text of a run, made from its config and the pinned versions, with its references beside it.

Nothing is written that the config or the plan of the run does not say. Every method carries its reference as
``[@key]``; the bibliography of a run holds the keys that its text cites, and no other.
"""

import re
from pathlib import Path
from typing import NamedTuple

from gutaxis.errors import GutaxisError
from gutaxis.files import atomic_write
from gutaxis.report.checklist import write_storms
from gutaxis.report.methods_arms import arms
from gutaxis.report.methods_cohort import clinical, cohort
from gutaxis.report.methods_facts import Facts, Section, code
from gutaxis.report.methods_models import models
from gutaxis.report.methods_statistics import statistics

CITED = re.compile(r"@([a-z0-9_]+)")
ENTRY = re.compile(r"^@(?P<kind>[a-z]+)\{(?P<key>[a-z0-9_]+),\n(?P<fields>.*?)^\}$", flags=re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^  (?P<name>[a-z]+) = \{(?P<value>.*)\},$", flags=re.MULTILINE)
HEAD = """# Methods

This text was written by GutAxis from the config of the run and the pinned versions of its programs. It says what was
computed, not what was found. Read it before you use it, and add what a program cannot know: collection, storage,
extraction, sequencing and instruments, ethics, funding.
"""


class Entry(NamedTuple):
    """One reference: its text in the bibliography, and its fields."""

    text: str
    fields: dict[str, str]


def methods_text(*, facts: Facts) -> list[Section]:
    """Return the sections of the text that a run has, in their order."""
    return [
        cohort(facts),
        clinical(facts),
        *arms(facts),
        *statistics(facts),
        *models(facts),
        software(facts),
    ]


def software(facts: Facts) -> Section:
    """Return what ran everything, and which layers there are."""
    text = (
        f"All steps were run by the workflow GutAxis under {facts.tool('snakemake', 'Snakemake')} [@molder_2021]."
        " Versions of all programs and packages are pinned."
    )
    if facts.run["multiqc"]:
        text += f" Quality was collected with {facts.tool('multiqc', 'MultiQC')} [@ewels_2016]."
    if facts.run["layers"]:
        text += f" Layers ({code(sorted(facts.run['layers']))}) are stored as MuData [@bredikhin_2022]."
    if facts.arm("metagenome"):
        text += (
            " Items of the STORMS checklist [@mirzayi_2021] that a workflow can answer are in `provenance/storms.tsv`."
        )
    return Section("Software", [text])


def read_bibliography(*, path: Path | str) -> dict[str, Entry]:
    """Return the references of a BibTeX file by key.

    Raises
    ------
    GutaxisError
        If a key stands there twice.
    """
    found: dict[str, Entry] = {}
    for match in ENTRY.finditer(Path(path).read_text(encoding="utf-8")):
        if match["key"] in found:
            raise GutaxisError(f"{Path(path).name} has the key {match['key']} twice. Remove one of the two entries")
        values = {item["name"]: item["value"].strip("{}") for item in FIELD.finditer(match["fields"])}
        found[match["key"]] = Entry(match[0], values)
    return found


def reference(*, entry: Entry) -> str:
    """Return a reference as one line of text."""
    fields = entry.fields
    names = [" ".join(reversed(name.split(", "))) for name in fields["author"].split(" and ")]
    authors = ", ".join("et al." if name == "others" else name for name in names).rstrip(".")
    place = " ".join(part for part in (fields.get("journal"), fields.get("howpublished")) if part)
    numbers = ":".join(part.replace("--", "-") for part in (fields.get("volume"), fields.get("pages")) if part)
    line = f"{authors}. {fields['title']}. {place} {fields['year']}{';' if numbers else ''}{numbers}."
    return f"{line} doi:{fields['doi']}" if "doi" in fields else line


def write_methods(
    *, facts: Facts, bibliography: Path | str, checklist: Path | str, text: Path, citations: Path, storms: Path
) -> None:
    """Write the methods text, its references and the checklist.

    Parameters
    ----------
    facts
        What is known of the run.
    bibliography, checklist
        resources/methods/citations.bib and storms.tsv.
    text, citations, storms
        Files to write: Markdown, BibTeX, TSV.

    Raises
    ------
    GutaxisError
        If the text cites what the bibliography lacks.
    """
    sections = methods_text(facts=facts)
    body = "\n".join(f"## {section.title}\n\n" + "\n\n".join(section.paragraphs) + "\n" for section in sections)
    known = read_bibliography(path=bibliography)
    cited = sorted(set(CITED.findall(body)))
    missing = [key for key in cited if key not in known]
    if missing:
        raise GutaxisError(
            f"The methods text cites {', '.join(missing)}, which {Path(bibliography).name} lacks. Restore it from git"
        )
    references = "\n".join(f"- `{key}` {reference(entry=known[key])}" for key in cited)
    with atomic_write(text) as part:
        part.write_text(f"{HEAD}\n{body}\n## References\n\n{references}\n", encoding="utf-8")
    with atomic_write(citations) as part:
        part.write_text("\n\n".join(known[key].text for key in cited) + "\n", encoding="utf-8")
    write_storms(facts=facts, checklist=checklist, output=storms)
