"""Quality control and normalisation of the metabolome."""

from pathlib import Path

import pandas as pd

from gutaxis.entry import script
from gutaxis.metabolome.process import process_files
from gutaxis.metabolome.process_settings import ProcessSettings
from gutaxis.metabolome.quality_figures import write_quality_figures

with script(snakemake):
    outputs = {name: Path(path) for name, path in snakemake.output.items()}
    settings = ProcessSettings(**snakemake.params.settings)
    process_files(
        tables=list(zip(*(map(Path, snakemake.input[name]) for name in ("values", "state", "features")), strict=True)),
        injections=pd.DataFrame(snakemake.params.injections).set_index("sample_id"),
        settings=settings,
        reference=snakemake.params.reference,
        **{f"path_{name}": outputs[name] for name in snakemake.params.tables},
    )
    write_quality_figures(
        **{name: outputs[name] for name in ("injection_quality", "feature_quality", "components")},
        limit=settings.rsd_max,
        figures={name: (outputs[f"{name}_svg"], outputs[f"{name}_html"]) for name in snakemake.params.figures},
    )
