"""Features of a mode by asari, and how both engines agree."""

from pathlib import Path

import pandas as pd

from gutaxis.entry import script
from gutaxis.metabolome.asari import asari_features, run_asari
from gutaxis.metabolome.concordance import compare_engines
from gutaxis.metabolome.presets import preset_of

with script(snakemake):
    samples = snakemake.params.samples
    outputs = {name: Path(path) for name, path in snakemake.output.items()}
    shared = {
        "intake": dict(zip(samples, map(Path, snakemake.input.rows), strict=True)),
        "injections": pd.DataFrame(snakemake.params.injections).set_index("sample_id").loc[samples],
        "mode": snakemake.wildcards.mode,
        "preset": preset_of(instrument=snakemake.params.instrument, overrides=snakemake.params.parameters),
    }
    run_asari(
        files=dict(zip(samples, map(Path, snakemake.input.spectra), strict=True)), output=outputs["table"], **shared
    )
    asari_features(
        panel=[Path(path) for path in snakemake.input.panel],
        min_share=snakemake.params.min_share,
        **{name: path for name, path in outputs.items() if name != "concordance"},
        **shared,
    )
    compare_engines(
        openms=tuple(Path(snakemake.input[name]) for name in ("values", "state", "features")),
        asari=tuple(outputs[name] for name in ("matrix", "state", "features")),
        preset=shared["preset"],
        output=outputs["concordance"],
    )
