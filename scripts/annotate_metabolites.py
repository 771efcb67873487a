"""Names of the metabolites, and ratios of them."""

from pathlib import Path

from gutaxis.entry import script
from gutaxis.metabolome.annotate import annotate_files
from gutaxis.metabolome.levels import Settings
from gutaxis.metabolome.panel import read_panel
from gutaxis.metabolome.ratios import ratios_files

with script(snakemake):
    outputs = {name: Path(path) for name, path in snakemake.output.items()}
    panels = [Path(path) for path in snakemake.input.panels]
    annotate_files(
        path_features=Path(snakemake.input.features),
        panels=panels,
        references=Path(snakemake.input.references) if snakemake.input.get("references") else None,
        matches=[Path(path) for path in snakemake.input.matches],
        settings=Settings(**snakemake.params.settings),
        **{f"path_{name}": outputs[name] for name in ("annotations", "candidates", "coverage")},
    )
    ratios_files(
        path_values=Path(snakemake.input["values"]),
        path_annotations=outputs["annotations"],
        path_ratios=Path(snakemake.input.ratios),
        panel=read_panel(paths=panels),
        absolute=snakemake.params.absolute,
        max_level=snakemake.params.ratio_level,
        path_out=outputs["ratios"],
        path_about=outputs["ratios_about"],
    )
