"""All figures of a tissue: one call for the rule."""

from collections.abc import Mapping
from pathlib import Path

from gutaxis.single_cell.figures import write_dots_figure, write_quality_figure
from gutaxis.single_cell.figures_dynamics import write_dynamics_figure, write_programs_figure
from gutaxis.single_cell.figures_map import write_map_figure
from gutaxis.single_cell.marker_dots import marker_dots


def cell_figures(
    *, counts: Mapping[str, Path], cells: Mapping[str, Path], quality: Mapping[str, Path], labels: Mapping[str, Path],
    fractions: Mapping[str, Path], programs: Mapping[str, Path], embedding: Path, markers: Path, outcomes: Path,
    tissue: str, folder: Path,
) -> None:  # fmt: skip
    """Write map, quality, dynamics, programs and markers as SVG and HTML, and the table behind the markers.

    Parameters
    ----------
    counts, cells, quality, labels, fractions, programs
        The files of each sample, by sample id.
    embedding, markers, outcomes
        Clusters and map; marker genes; ``clinical/sample_response.tsv``.
    tissue
        blood or tumor.
    folder
        Where ``{figure}.svg``, ``{figure}.html`` and ``markers.tsv`` go.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def pages(name: str) -> dict[str, Path]:
        return {"svg": folder / f"{name}.svg", "html": folder / f"{name}.html"}

    dots = folder / "markers.tsv"
    marker_dots(counts=counts, labels=labels, markers=markers, tissue=tissue, output=dots)
    write_map_figure(embedding=embedding, labels=labels, tissue=tissue, **pages("map"))
    write_quality_figure(cells=cells, quality=quality, tissue=tissue, **pages("quality"))
    write_dynamics_figure(fractions=fractions, outcomes=outcomes, tissue=tissue, **pages("dynamics"))
    write_programs_figure(programs=programs, outcomes=outcomes, tissue=tissue, **pages("programs"))
    write_dots_figure(dots=dots, tissue=tissue, **pages("markers"))
