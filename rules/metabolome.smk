"""The metabolome arm: from feature tables to normalised, annotated metabolites.

Required: the feature tables of metabolome_features.smk, or finished tables (config `metabolome.tables`). Gives:
metabolome/normalised (log2 values, quality, messages), metabolome/qc (figures, intake), metabolome/annotation (names,
candidates, coverage, ratios), metabolome/enrichment; the layer `metabolites` is made of them. Response is read nowhere
here but by the enrichment of a finished result table.
"""

# Files of a feature table, and what processing writes.
FEATURE_TABLE = ("values", "state", "features")
PROCESSED = (
    *FEATURE_TABLE,
    "controls",
    "feature_quality",
    "injection_quality",
    "components",
    "batches",
    "steps",
    "design",
    "messages",
)
METABOLOME_FIGURES = ("drift", "dilution", "precision", "components")


rule import_metabolites:
    """Finished tables of other software or a vendor, as a feature table."""
    input:
        [source["path"] for source in config["metabolome"]["tables"]],
    output:
        **{name: f"{MTB}/features/tables/{name}.tsv" for name in FEATURE_TABLE},
        summary=f"{MTB}/features/tables/summary.tsv",
    log:
        f"{OUT}/logs/import_metabolites/import_metabolites.log",
    benchmark:
        f"{OUT}/benchmarks/import_metabolites/import_metabolites.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(60),
    params:
        sources=config["metabolome"]["tables"],
        code=code("import_metabolites"),
    message:
        "Finished metabolite tables"
    script:
        "../scripts/import_metabolites.py"


rule normalise_metabolites:
    """Blanks, drift, batches, dilution, precision, gaps: from areas to log2 values, with evidence for every step."""
    input:
        **{name: expand(f"{MTB}/features/{{mode}}/{name}.tsv", mode=MODES) for name in FEATURE_TABLE},
    output:
        **{name: f"{MTB}/normalised/{name}.tsv" for name in PROCESSED},
        **{f"{name}_svg": f"{MTB}/qc/{name}.svg" for name in METABOLOME_FIGURES},
        **{f"{name}_html": f"{MTB}/qc/{name}.html" for name in METABOLOME_FIGURES},
    log:
        f"{OUT}/logs/normalise_metabolites/normalise_metabolites.log",
    benchmark:
        f"{OUT}/benchmarks/normalise_metabolites/normalise_metabolites.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(120),
    params:
        injections=INJECTIONS,
        settings=config["metabolome"]["normalisation"],
        reference=FROZEN["normalisation"],
        figures=METABOLOME_FIGURES,
        tables=PROCESSED,
        code=code("normalise_metabolites"),
    message:
        "Quality control and normalisation of the metabolome"
    script:
        "../scripts/normalise_metabolites.py"


rule annotate_metabolites:
    """A name, a level from 1 to 5 and every candidate for each feature; what of the panel was seen; ratios."""
    input:
        features=f"{MTB}/normalised/features.tsv",
        values=f"{MTB}/normalised/values.tsv",
        panels=PANELS,
        references=config["metabolome"]["references"] or [],
        matches=spectral_matches,
        ratios=resource("metabolites/ratios.tsv"),
    output:
        annotations=f"{MTB}/annotation/annotations.tsv",
        candidates=f"{MTB}/annotation/candidates.tsv",
        coverage=f"{MTB}/annotation/coverage.tsv",
        ratios=f"{MTB}/annotation/ratios.tsv",
        ratios_about=f"{MTB}/annotation/ratios_about.tsv",
    log:
        f"{OUT}/logs/annotate_metabolites/annotate_metabolites.log",
    benchmark:
        f"{OUT}/benchmarks/annotate_metabolites/annotate_metabolites.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(60),
    params:
        settings={key: value for key, value in config["metabolome"]["annotation"].items() if key != "ratio_level"},
        ratio_level=config["metabolome"]["annotation"]["ratio_level"],
        absolute=any(table["format"] == "panel" or table.get("targeted") for table in config["metabolome"]["tables"]),
        code=code("annotate_metabolites"),
    message:
        "Names of metabolites"
    script:
        "../scripts/annotate_metabolites.py"


rule enrich_metabolites:
    """Reactome pathways of a contrast's metabolites, against what was measured; exploratory."""
    input:
        results=f"{OUT}/differential/metabolites/{{contrast}}.tsv",
        annotations=f"{MTB}/annotation/annotations.tsv",
        pathways=resource("metabolites/chebi_reactome.tsv.gz"),
        forms=resource("metabolites/chebi_forms.tsv.gz"),
    output:
        f"{MTB}/enrichment/{{contrast}}.tsv",
    log:
        f"{OUT}/logs/enrich_metabolites/{{contrast}}.log",
    benchmark:
        f"{OUT}/benchmarks/enrich_metabolites/{{contrast}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(30),
    params:
        fdr=config["statistics"]["fdr"],
        code=code("enrich_metabolites"),
    message:
        "Pathways of metabolites, {wildcards.contrast}"
    script:
        "../scripts/enrich_metabolites.py"
