"""The clinical arm: lesion measurements and events to endpoints, and the responder status of every sample.

Required: clinical/cohort/{table}.tsv. Gives, with response.source recist: the tables of ENDPOINTS, and figures. With response.source given: sample_response alone, from the column `response` of the patients sheet.
"""

from gutaxis.clinical.outputs import FIGURES, endpoint_names

RECIST = config["response"]["source"] == "recist"
ENDPOINTS = endpoint_names(
    adverse_events=COHORT.adverse_events is not None and not COHORT.adverse_events.empty,
    irecist=config["clinical"]["irecist"],
    simon=config["clinical"]["simon"] is not None,
)
CLINICAL = {name: config[name] for name in ("clinical", "visits", "response", "dates")}


rule endpoints:
    """RECIST 1.1, best response, rates, abscopal effect, time to event, adverse events, the status of every sample."""
    input:
        expand(f"{OUT}/clinical/cohort/{{table}}.tsv", table=TABLES),
    output:
        **{
            name: report(
                f"{OUT}/clinical/{name}.tsv", caption="../resources/captions/endpoints.rst", category="Clinical"
            )
            for name in ENDPOINTS
            if RECIST or name == "sample_response"
        },
    log:
        f"{OUT}/logs/endpoints/endpoints.log",
    benchmark:
        f"{OUT}/benchmarks/endpoints/endpoints.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_reads,
        runtime=by_attempt(30),
    params:
        config=CLINICAL,
        code=code("endpoints"),
    message:
        "Clinical endpoints"
    script:
        "../scripts/endpoints.py"


rule clinical_figures:
    """Waterfall, spider, swimmer, survival, cumulative incidence, abscopal and adverse event figures, SVG and HTML."""
    input:
        expand(f"{OUT}/clinical/cohort/{{table}}.tsv", table=TABLES),
    output:
        **{
            f"{name}_svg": report(
                f"{OUT}/clinical/figures/{name}.svg",
                caption="../resources/captions/clinical_figures.rst",
                category="Clinical",
                subcategory="Figures",
            )
            for name in FIGURES
        },
        **{f"{name}_html": f"{OUT}/clinical/figures/{name}.html" for name in FIGURES},
    log:
        f"{OUT}/logs/clinical_figures/clinical_figures.log",
    benchmark:
        f"{OUT}/benchmarks/clinical_figures/clinical_figures.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(2000),
        runtime=by_attempt(30),
    params:
        config=CLINICAL,
        code=code("clinical_figures"),
    message:
        "Clinical figures"
    script:
        "../scripts/clinical_figures.py"
