"""A small results folder for the tests of the report: tables are written by hand, pages are read back."""

import re
from html import unescape

from gutaxis.report.items import Absent, Figure
from gutaxis.report.page import Look, write_page
from gutaxis.report.sources import LayerInfo, Results, layer_room
from tests.report_numbers import check_numbers, loose_digits
from tests.workflow.conftest import ROOT

#: A name that would do harm if it were read as HTML.
HOSTILE = "<script>window.bad = 1</script>\"Ünïcode\" & 'q'"
LOOK = Look(**{name: ROOT / f"resources/report/page.{end}" for name, end in
               (("template", "html.j2"), ("style", "css"), ("script", "js"))})  # fmt: skip
CONTRASTS = {"baseline": {"role": "primary"}, "change": {"role": "primary"}}
#: Layers that the folders of the tests may have: name -> arm, source, kind.
LAYERS = {
    "blood_cells": ("single_cell", "cell_fractions", "compositional"),
    "metabolites": ("metabolome", "metabolome", "log_intensity"),
    "taxa": ("metagenome", "metaphlan", "compositional"),
    "tumor_cells": ("single_cell", "cell_fractions", "compositional"),
    "tumor_expression": ("single_cell", "pseudobulk", "counts"),
    "tumor_programs": ("single_cell", "cell_programs", "continuous"),
}


def put(root, name, frame, *head):
    """Write a table with lines above it."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"# {line}\n" for line in head) + frame.to_csv(sep="\t", index=False, na_rep="NA"))


def results_of(root, *, contrasts=CONTRASTS, layers=tuple(LAYERS)):
    """Return the results of a folder, as the rule would hand them over."""
    about = {name: LAYERS[name] for name in layers}
    return Results(
        root=root,
        files=frozenset(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()),
        absent={"single_cell/*": "No single-cell sample.", "*": "This run does not make it."},
        layers={
            name: LayerInfo(
                name=name, arm=arm, source=source, kind=kind,
                room=layer_room(name=name, arm=arm, source=source, assay=None),
            )
            for name, (arm, source, kind) in sorted(about.items())
        },
        settings={"fdr": 0.1, "contrasts": contrasts, "simulated": False, "response_source": "recist"},
    )  # fmt: skip


def words(sentences):
    """Return sentences as they are read."""
    return [unescape(re.sub("<[^>]+>", "", str(one))) for one in sentences]


def tables(made):
    """Return title -> rows of the tables of an item."""
    return {block.title: block.rows for block in made.blocks if not isinstance(block, Figure)}


def charts(made):
    """Return title -> chart of the figures of an item."""
    return {block.title: block.chart for block in made.blocks if isinstance(block, Figure)}


def checked_page(results, items, tmp_path):
    """Write a page, look every number of it up in its table, and return its text.

    No sentence may hold a digit of its own, and no name of the data may become an element.
    """
    output = tmp_path / "page/index.html"
    write_page(results=results, items=items, look=LOOK, output=output, title="Report", methods=None)
    shown = [item for item in items if not isinstance(item.build(results), Absent)]
    assert check_numbers(page=output, root=results.root) >= (1 if shown else 0)
    assert loose_digits(page=output) == []
    text = output.read_text(encoding="utf-8")
    assert "<script>window.bad" not in text
    return text
