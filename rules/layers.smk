"""Layers: one feature table per data type, whatever it was made from.

Required: per-sample results of an arm, or finished tables named in config `layers`.
Gives: layers/{layer}.h5ad (AnnData), layers/{layer}.tsv, layers/{layer}.dropped.tsv (samples left out and why),
layers/{layer}.stratified.tsv (HUMAnN), layers.h5mu (all layers).
"""


rule layer:
    """Assemble one layer: read, check, align with the sample sheet, write."""
    input:
        tables=layer_input,
    output:
        h5ad=f"{OUT}/layers/{{layer}}.h5ad",
        table=f"{OUT}/layers/{{layer}}.tsv",
        dropped=f"{OUT}/layers/{{layer}}.dropped.tsv",
    log:
        f"{OUT}/logs/layer/{{layer}}.log",
    benchmark:
        f"{OUT}/benchmarks/layer/{{layer}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_reads,
        runtime=by_attempt(60),
    params:
        source=layer_param("source"),
        sample_prefix=layer_param("sample_prefix"),
        sample_suffix=layer_param("sample_suffix"),
        rank=layer_param("rank"),
        orientation=layer_param("orientation"),
        kind=layer_param("kind"),
        unit=layer_param("unit"),
        missing=layer_param("missing"),
        observations=layer_observations,
        code=code("layer"),
    message:
        "Layer {wildcards.layer}"
    script:
        "../scripts/layer.py"


rule stratify_layer:
    """The rows by species of a layer made from HUMAnN tables, beside the layer."""
    input:
        tables=layer_input,
    output:
        f"{OUT}/layers/{{layer}}.stratified.tsv",
    log:
        f"{OUT}/logs/stratify_layer/{{layer}}.log",
    benchmark:
        f"{OUT}/benchmarks/stratify_layer/{{layer}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_reads,
        runtime=by_attempt(60),
    params:
        sample_prefix=layer_param("sample_prefix"),
        sample_suffix=layer_param("sample_suffix"),
        missing=layer_param("missing"),
        observations=layer_observations,
        code=code("stratify_layer"),
    message:
        "Layer {wildcards.layer}, by species"
    script:
        "../scripts/stratify_layer.py"


rule layers_h5mu:
    """All layers in one MuData file."""
    input:
        layers=expand(f"{OUT}/layers/{{layer}}.h5ad", layer=sorted(LAYERS)),
    output:
        f"{OUT}/layers.h5mu",
    log:
        f"{OUT}/logs/layers_h5mu/layers_h5mu.log",
    benchmark:
        f"{OUT}/benchmarks/layers_h5mu/layers_h5mu.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_reads,
        runtime=by_attempt(60),
    params:
        code=code("layers_h5mu"),
    message:
        "All layers in one file"
    script:
        "../scripts/layers_h5mu.py"
