"""Quality table and figures of the injections of one mode."""

from pathlib import Path

import pandas as pd

from gutaxis.entry import script
from gutaxis.metabolome.intake_figures import write_intake_figures
from gutaxis.metabolome.intake_table import collect_intake

with script(snakemake):
    outputs = {name: Path(path) for name, path in snakemake.output.items()}
    collect_intake(rows=[Path(path) for path in snakemake.input.rows], output=outputs["table"])
    write_intake_figures(
        table=outputs["table"],
        traces=dict(zip(snakemake.params.samples, map(Path, snakemake.input.traces), strict=True)),
        injections=pd.DataFrame(snakemake.params.injections).set_index("sample_id"),
        mode=snakemake.wildcards.mode,
        **{name: (outputs[f"{name}_svg"], outputs[f"{name}_html"]) for name in ("chromatograms", "overview")},
    )
