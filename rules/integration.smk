"""Integration: what the layers say together. Every analysis here is exploratory, and none shows a cause.

Required: layers/{layer}.h5ad of at least two layers, clinical/sample_response.tsv. Gives, in integration/: associations
(pairs of features of two layers, per state: baseline, change), factors (MOFA), modules (supervised, against shuffled
responses), mediation (the declared chain), evidence (one row per feature, layer and contrast, ranked).
"""

INTEGRATION = f"{OUT}/integration"
# Layers that are read together: those of the config, else all but counts, whose features are too many for pairs.
INTEGRATED = config["integration"]["layers"] or [name for name, plan in LAYERS.items() if plan.kind != "counts"]
INTEGRATED_FILES = [f"{OUT}/layers/{layer}.h5ad" for layer in INTEGRATED]
INTEGRATION_SHARED = {"prevalence": config["differential"]["prevalence"]}
FACTOR_TABLES = ("scores", "weights", "explained", "tests", "nuisance", "stability")


rule factors:
    """MOFA over all layers: factors, weights, variance explained, tests, stability."""
    input:
        layers=INTEGRATED_FILES,
        outcomes=f"{OUT}/clinical/sample_response.tsv",
    output:
        **{name: f"{INTEGRATION}/factors/{name}.tsv" for name in FACTOR_TABLES},
    log:
        f"{OUT}/logs/factors/factors.log",
    benchmark:
        f"{OUT}/benchmarks/factors/factors.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(240),
    params:
        **ANALYSIS,
        layers=INTEGRATED,
        settings=config["integration"]["factors"],
        shared=INTEGRATION_SHARED,
        code=code("factors"),
    message:
        "Factors over all layers"
    script:
        "../scripts/factors.py"


rule modules:
    """Supervised modules over layers, each against shuffled responses."""
    input:
        layers=INTEGRATED_FILES,
        outcomes=f"{OUT}/clinical/sample_response.tsv",
    output:
        modules=f"{INTEGRATION}/modules.tsv",
        tests=f"{INTEGRATION}/module_tests.tsv",
    log:
        f"{OUT}/logs/modules/modules.log",
    benchmark:
        f"{OUT}/benchmarks/modules/modules.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(240),
    params:
        layers=INTEGRATED,
        settings=config["integration"]["modules"],
        shared=INTEGRATION_SHARED,
        states=config["integration"]["states"],
        seed=config["seed"],
        code=code("modules"),
    message:
        "Modules over all layers"
    script:
        "../scripts/modules.py"


rule associations:
    """Pairs of features of two layers, and of clusters of features, in one state."""
    input:
        layers=INTEGRATED_FILES,
        outcomes=f"{OUT}/clinical/sample_response.tsv",
    output:
        table=report(
            f"{INTEGRATION}/associations/{{state}}.tsv",
            caption="../resources/captions/associations.rst",
            category="Integration",
        ),
        clusters=f"{INTEGRATION}/associations/{{state}}.clusters.tsv",
    log:
        f"{OUT}/logs/associations/{{state}}.log",
    benchmark:
        f"{OUT}/benchmarks/associations/{{state}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_pairs,
        runtime=by_attempt(240),
    params:
        **ANALYSIS,
        layers=INTEGRATED,
        settings=config["integration"]["associations"],
        declared=config["integration"]["mediation"]["panel"],
        shared=INTEGRATION_SHARED,
        code=code("associations"),
    message:
        "Associations between layers, {wildcards.state}"
    script:
        "../scripts/associations.py"


rule network:
    """A picture of the associations of one state."""
    input:
        table=f"{INTEGRATION}/associations/{{state}}.tsv",
        clusters=f"{INTEGRATION}/associations/{{state}}.clusters.tsv",
    output:
        svg=f"{INTEGRATION}/associations/{{state}}.svg",
        html=f"{INTEGRATION}/associations/{{state}}.html",
    log:
        f"{OUT}/logs/network/{{state}}.log",
    benchmark:
        f"{OUT}/benchmarks/network/{{state}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(60),
    params:
        fdr=config["statistics"]["fdr"],
        seed=config["seed"],
        code=code("network"),
    message:
        "Network of associations, {wildcards.state}"
    script:
        "../scripts/network.py"
