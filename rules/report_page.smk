"""The page that people look at first.

Required: the tables and figures of every part of the run. Gives: report/index.html, one page that needs no network.
"""

from gutaxis.report.absence import absence_reasons
from gutaxis.report.sources import layer_room

REPORT_LAYERS = {
    name: {
        "arm": plan.arm,
        "source": plan.source,
        "kind": plan.kind,
        "room": layer_room(name=name, arm=plan.arm, source=plan.source, assay=plan.assay),
    }
    for name, plan in LAYERS.items()
}


rule report_page:
    """One page by question: every figure and table of the run, with sentences made from the numbers."""
    input:
        results=report_inputs,
        methods=f"{OUT}/provenance/methods.md",
        look=[resource(f"report/{name}") for name in ("page.html.j2", "page.css", "page.js")],
    output:
        f"{OUT}/report/index.html",
    log:
        f"{OUT}/logs/report_page/report_page.log",
    benchmark:
        f"{OUT}/benchmarks/report_page/report_page.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(4000),
        runtime=by_attempt(60),
    params:
        title=config["report"]["title"],
        layers=REPORT_LAYERS,
        absent=absence_reasons(
            recist=RECIST,
            adverse_events="adverse_events" in ENDPOINTS,
            metagenome=METAGENOME_ARM,
            functions=config["metagenome"]["functions"],
            metabolome=METABOLOME_ARM,
            finished_tables=MODES == ["tables"],
            tissues=list(TISSUES),
            layers=len(INTEGRATED),
            survival="survival" in config["contrasts"],
            predicted=list(PREDICTED),
        ),
        settings={
            "fdr": config["statistics"]["fdr"],
            "permutations": config["statistics"]["permutations"],
            "contrasts": config["contrasts"],
            "covariates": list(COHORT.covariates),
            "response_source": config["response"]["source"],
            "reader": config["clinical"]["reader"],
            "seed": config["seed"],
            "simulated": config["simulate"] is not None,
        },
        code=code("report_page"),
    message:
        "Report"
    script:
        "../scripts/report_page.py"
