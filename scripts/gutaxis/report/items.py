"""What a page is made of: sections by question, items in them, and what an item shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from gutaxis.clinical.figure_frame import Chart
from gutaxis.report.sources import Results

#: Parts of the page in their order: name, question, what it is about in one line.
SECTIONS = (
    ("treated", "Who was treated?", "Patients, samples, and what is missing."),
    ("worked", "Did it work?", "Endpoints by RECIST 1.1, as the config defines them."),
    ("safe", "Is it safe?", "Adverse events by CTCAE 5.0."),
    ("sound", "Is the data sound?", "Quality, batches, identity of samples."),
    ("gut", "What changed in the gut?", "Stool metagenomes: diversity, species, pathways."),
    ("plasma", "What changed in the plasma?", "Metabolites, the panel and its ratios."),
    ("cells", "What changed in blood and tumour?", "Fractions of cell types and their programs."),
    ("response", "What goes with response?", "The evidence for every feature, ranked."),
    ("axis", "How do the layers hang together?", "Associations between layers, chains, factors. Exploratory."),
    ("predicted", "What can be predicted?", "Models judged on patients held out."),
    ("methods", "Methods and limits", "What was done, with what, and what it cannot show."),
)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One chart of an item.

    Parameters
    ----------
    title
        Name of the figure, also read aloud in its place.
    chart
        Altair chart, or the Vega-Lite specification of one (:meth:`Results.spec`).
    source
        Table or figure file below the results folder that holds its numbers.
    """

    title: str
    chart: Chart | dict[str, Any]
    source: str


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of an item, to sort and to search.

    Parameters
    ----------
    title
        Name of the table.
    rows
        Values as they are shown: numbers stay numbers. Column names are the heads, in words.
    source
        File below the results folder it was read from.
    filters
        Heads with few different words that get a choice of their own.
    """

    title: str
    rows: pd.DataFrame
    source: str
    filters: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Content:
    """What an item shows.

    Parameters
    ----------
    findings
        Plain sentences that state what was found with its uncertainty, of :func:`gutaxis.report.numbers.sentence`.
    counted
        How many patients or samples it rests on, who is left out and why: sentences likewise.
    blocks
        Figures and tables in their order.
    """

    findings: Sequence[Markup]
    counted: Sequence[Markup]
    blocks: Sequence[Figure | Table]


@dataclass(frozen=True, kw_only=True)
class Absent:
    """In place of an item that cannot be shown.

    Parameters
    ----------
    why
        What is missing and why, in one or two sentences.
    mend
        What would bring it, or an empty text.
    """

    why: str
    mend: str = ""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One figure or table of the investigator's list.

    Parameters
    ----------
    key
        Such as ``F1`` or ``T6``; the element's ``data-item``.
    title
        Head of the item.
    section
        A name of :data:`SECTIONS`.
    build
        Makes the content from the results.
    """

    key: str
    title: str
    section: str
    build: Callable[[Results], Content | Absent]


def absent_unless(results: Results, *names: str) -> Absent | None:
    """Return why the first of these files is missing, or None if all are there.

    Parameters
    ----------
    results
        The results.
    *names
        Files below the results folder.
    """
    for name in names:
        if not results.has(name):
            return Absent(why=results.why(name))
    return None
