"""The declared chain, and one table of the evidence for every feature.

Required: the differential tables, and what integration.smk and prediction.smk made. Gives integration/mediation.tsv,
mediation_panel.tsv, evidence.tsv (one row per feature, layer and contrast) and candidates.tsv (ranked, in plain words).
"""

# States of what more than one layer says together, and of predictions; none where there is nothing to read.
ASSOCIATED = config["integration"]["states"] if len(INTEGRATED) > 1 else []
PREDICTED = config["prediction"]["states"] if PREDICTING else []


rule mediation:
    """Chains species, metabolite, immune subset, response; exploratory, other orders beside."""
    input:
        layers=INTEGRATED_FILES,
        outcomes=f"{OUT}/clinical/sample_response.tsv",
        literature=resource("literature.tsv"),
    output:
        table=f"{INTEGRATION}/mediation.tsv",
        panel=f"{INTEGRATION}/mediation_panel.tsv",
    log:
        f"{OUT}/logs/mediation/mediation.log",
    benchmark:
        f"{OUT}/benchmarks/mediation/mediation.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(240),
    params:
        **ANALYSIS,
        layers=INTEGRATED,
        settings=config["integration"]["mediation"],
        shared=INTEGRATION_SHARED,
        states=config["integration"]["states"],
        code=code("mediation"),
    message:
        "Chains over the layers"
    script:
        "../scripts/mediation.py"


rule evidence:
    """One row per feature, layer and contrast: effect, interval, agreement, support, reliability; ranked candidates."""
    input:
        differential=[
            f"{OUT}/differential/{layer}/{contrast}.tsv" for layer in LAYERS for contrast in config["contrasts"]
        ],
        associations=[f"{INTEGRATION}/associations/{state}.tsv" for state in ASSOCIATED],
        importance=[f"{PREDICTION}/{state}/importance.tsv" for state in PREDICTED],
        performance=[f"{PREDICTION}/{state}/performance.tsv" for state in PREDICTED],
        modules=f"{INTEGRATION}/modules.tsv" if ASSOCIATED else [],
        module_tests=f"{INTEGRATION}/module_tests.tsv" if ASSOCIATED else [],
        chains=f"{INTEGRATION}/mediation.tsv" if ASSOCIATED else [],
        literature=resource("literature.tsv"),
        reliability=resource("reliability.tsv"),
    output:
        table=report(f"{INTEGRATION}/evidence.tsv", caption="../resources/captions/evidence.rst", category="Evidence"),
        ranked=report(
            f"{INTEGRATION}/candidates.tsv", caption="../resources/captions/evidence.rst", category="Evidence"
        ),
    log:
        f"{OUT}/logs/evidence/evidence.log",
    benchmark:
        f"{OUT}/benchmarks/evidence/evidence.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(60),
    params:
        associated=ASSOCIATED,
        predicted=PREDICTED,
        settings=config["integration"]["evidence"] | {"fdr": config["statistics"]["fdr"]},
        code=code("evidence"),
    message:
        "Evidence for every feature"
    script:
        "../scripts/evidence.py"
