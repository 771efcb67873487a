"""Features of all files of a mode, aligned, linked and chosen."""

from pathlib import Path

import pandas as pd

from gutaxis.entry import script
from gutaxis.metabolome.link import link_features
from gutaxis.metabolome.presets import preset_of
from gutaxis.metabolome.selection import select_features

with script(snakemake):
    outputs = {name: Path(path) for name, path in snakemake.output.items()}
    features = dict(zip(snakemake.params.samples, map(Path, snakemake.input.features), strict=True))
    shared = {
        "injections": pd.DataFrame(snakemake.params.injections).set_index("sample_id").loc[list(features)],
        "mode": snakemake.wildcards.mode,
        "reference": snakemake.params.reference,
        "preset": preset_of(instrument=snakemake.params.instrument, overrides=snakemake.params.parameters),
    }
    made = {name: outputs.pop(name) for name in ("consensus", "decisions")}
    link_features(files=features, **shared, **outputs)
    select_features(
        linked=outputs["linked"],
        areas=outputs["areas"],
        panel=[Path(path) for path in snakemake.input.panel],
        min_share=snakemake.params.min_share,
        **shared,
        **made,
    )
