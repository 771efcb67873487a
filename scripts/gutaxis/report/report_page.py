"""Every item of the report, in its order, and the page made of them."""

from pathlib import Path
from typing import Any

from gutaxis.report.axis import AXIS
from gutaxis.report.candidates import CANDIDATES
from gutaxis.report.cells import CELLS
from gutaxis.report.gut import GUT
from gutaxis.report.items import Item
from gutaxis.report.other import other_items
from gutaxis.report.page import Look, write_page
from gutaxis.report.plasma import PLASMA
from gutaxis.report.predicted import PREDICTED
from gutaxis.report.safe import SAFE
from gutaxis.report.sound import SOUND
from gutaxis.report.sources import LayerInfo, Results, relative_names
from gutaxis.report.treated import TREATED
from gutaxis.report.worked import WORKED

#: What an investigator expects, whatever the run has.
ITEMS: tuple[Item, ...] = (
    *TREATED, *WORKED, *SAFE, *SOUND, *GUT, *PLASMA, *CELLS, *CANDIDATES, *AXIS, *PREDICTED,
)  # fmt: skip


def report_page(
    *, files: list[str], methods: Path, look: list[str], output: Path, title: str,
    layers: dict[str, dict[str, str]], absent: dict[str, str], settings: dict[str, Any],
) -> None:  # fmt: skip
    """Write ``report/index.html``.

    Parameters
    ----------
    files
        Result files of the run.
    methods
        ``provenance/methods.md``.
    look
        Template, style and script of the page.
    output
        The page, in the folder ``report`` of the results.
    title
        Head of the page.
    layers
        Name -> arm, source, kind, room.
    absent
        Of :func:`gutaxis.report.absence.absence_reasons`.
    settings
        What sentences need of the config: fdr, contrasts, covariates, permutations, response_source, reader, seed,
        simulated.
    """
    root = output.parents[1]
    results = Results(
        root=root,
        files=relative_names(root=root, paths=files),
        absent=absent,
        layers={name: LayerInfo(name=name, **about) for name, about in layers.items()},
        settings=settings,
    )
    template, style, script = map(Path, look)
    write_page(
        results=results,
        items=[*ITEMS, *other_items(results)],
        look=Look(template=template, style=style, script=script),
        output=output,
        title=title,
        methods=methods,
    )
