"""The report: one HTML page that holds its charts, tables and JavaScript and loads nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
import pandas as pd
from markdown_it import MarkdownIt
from markupsafe import Markup

from gutaxis.clinical.figure_frame import chart_spec, figure_bundle
from gutaxis.clinical.figure_page import script_json
from gutaxis.files import atomic_write
from gutaxis.report.items import SECTIONS, Absent, Content, Figure, Item, Table
from gutaxis.report.sources import Results

#: More rows than this are not searched by eye; the source table has them all.
MAX_ROWS = 500
#: Characters from which a cell is given room, so that it does not become a tower of single words.
LONG = 60


@dataclass(frozen=True, kw_only=True)
class Look:
    """The fixed parts of the page.

    Parameters
    ----------
    template, style, script
        Files of ``resources/report``.
    """

    template: Path
    style: Path
    script: Path


def write_page(
    *, results: Results, items: Sequence[Item], look: Look, output: Path, title: str, methods: Path | None
) -> None:
    """Write the page; the same results always give the same bytes.

    Parameters
    ----------
    results
        What it is made from; ``results.settings["simulated"]`` puts a banner on top.
    items
        Figures and tables, in their order within a section.
    look
        Template, style and script.
    output
        The page, beside the results: links to source tables go one folder up.
    title
        Head of the page.
    methods
        Markdown text of the section on methods, or None.
    """
    built = [(item, item.build(results)) for item in items]
    sections = [
        {
            "name": name,
            "question": question,
            "about": about,
            "items_": [_item(item=item, made=made) for item, made in built if item.section == name],
            "text": _markdown(path=methods) if name == "methods" else "",
        }
        for name, question, about in SECTIONS
    ]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    page = environment.from_string(look.template.read_text(encoding="utf-8")).render(
        title=title,
        simulated=results.settings["simulated"],
        sections=sections,
        style=Markup(look.style.read_text(encoding="utf-8")),
        script=Markup(look.script.read_text(encoding="utf-8")),
        bundle=Markup(figure_bundle(snippet="window.vegaEmbed = vegaEmbed;")),
    )
    with atomic_write(output) as part:
        part.write_text(page, encoding="utf-8")


def _item(*, item: Item, made: Content | Absent) -> dict[str, Any]:
    if isinstance(made, Absent):
        return {"key": item.key, "title": item.title, "absent": made}
    blocks = [_block(block=block, name=f"{item.key}-{place}") for place, block in enumerate(made.blocks, start=1)]
    return {
        "key": item.key,
        "title": item.title,
        "absent": None,
        "findings": made.findings,
        "counted": made.counted,
        "blocks": blocks,
    }


def _block(*, block: Figure | Table, name: str) -> dict[str, Any]:
    common = {"id": name, "title": block.title, "source": block.source, "link": quote(block.source)}
    if isinstance(block, Figure):
        spec = block.chart if isinstance(block.chart, dict) else chart_spec(chart=block.chart)
        return {**common, "kind": "figure", "spec": Markup(script_json(value=spec))}
    rows = block.rows.head(MAX_ROWS)
    heads = [str(head) for head in rows.columns]
    left = len(block.rows) - len(rows)
    return {
        **common,
        "kind": "table",
        "title": block.title + (f" (the first {MAX_ROWS} of {len(block.rows)} rows)" if left else ""),
        "heads": heads,
        "filters": [
            {"head": head, "column": heads.index(head), "words": sorted({str(word) for word in rows[head].dropna()})}
            for head in block.filters
        ],
        "cells": [[_cell(value) for value in row] for row in rows.itertuples(index=False)],
    }


def _cell(value: Any) -> Mapping[str, Any]:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return {"number": False, "text": "NA", "long": False}
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        return {"number": False, "text": str(value), "long": len(str(value)) > LONG}
    number = float(value)
    text = f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:.4g}"
    return {"number": True, "value": f"{number:.10g}", "text": text}


def _markdown(*, path: Path | None) -> Markup:
    """Return Markdown as HTML; raw HTML in it is shown, not executed."""
    if path is None:
        return Markup("")
    return Markup(MarkdownIt("commonmark", {"html": False}).enable("table").render(path.read_text(encoding="utf-8")))
