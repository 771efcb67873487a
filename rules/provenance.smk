"""Where results come from: the versions of the tools, checked against the pins before the first job.

Gives: provenance/preflight/{environment}.tsv, on which every job of that environment waits.
"""


rule preflight:
    """Compare the version of every program of an environment with its pin; stop with one message if one differs.

    The table is temporary: whenever a job is due, the programs are looked at again.
    """
    input:
        tools=ancient(resource("tools.tsv")),
    output:
        versions=temp(preflight_path("{environment}")),
    log:
        f"{OUT}/logs/preflight/{{environment}}.log",
    benchmark:
        f"{OUT}/benchmarks/preflight/{{environment}}.tsv"
    conda:
        "../envs/{environment}.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        environment="{environment}",
        code=code("preflight"),
    message:
        "Preflight: versions of the programs of environment {wildcards.environment}"
    script:
        "../scripts/preflight.py"
