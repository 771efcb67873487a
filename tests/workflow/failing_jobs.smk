"""Jobs that a cluster ends: tests/workflow/test_slurm.py runs them with the functions and the last words of the project.

`attempts` are told by the memory or time that a job was given: the first attempt of the first three does not end well.
"""

import sys
from pathlib import Path

ROOT = Path(workflow.basedir).parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from gutaxis.report.ending import failure_words


include: "../../rules/functions.smk"


onerror:
    print(failure_words(output="results", logs=log), file=sys.stderr)


rule all:
    input:
        expand("results/{job}.txt", job=["cancelled", "slow", "big", "endless", "greedy"]),
        expand("results/second_{sample}.txt", sample=["GOOD", "BAD"]),


# the test cancels its first attempt
rule cancelled:
    output:
        "results/cancelled.txt",
    log:
        "results/logs/cancelled.log",
    resources:
        mem_mb=by_attempt(500),
        runtime=by_attempt(20),
    message:
        "Cancelled job"
    shell:
        "if [ {resources.runtime} = 20 ]; then sleep 1000; fi; echo {resources.runtime} >{output}"


rule slow:
    output:
        "results/slow.txt",
    log:
        "results/logs/slow.log",
    resources:
        mem_mb=by_attempt(500),
        runtime=by_attempt(1),
    message:
        "Slow job"
    shell:
        "if [ {resources.runtime} = 1 ]; then sleep 1000; fi; echo {resources.runtime} >{output}"


rule big:
    output:
        "results/big.txt",
    log:
        "results/logs/big.log",
    resources:
        mem_mb=by_attempt(700),
        runtime=by_attempt(20),
    params:
        python=sys.executable,
    message:
        "Big job"
    shell:
        "{params.python} -c 'import time; x = b\"x\" * 900_000_000; time.sleep(4); print({resources.mem_mb})' >{output}"


rule endless:
    output:
        "results/endless.txt",
    log:
        "results/logs/endless.log",
    retries: 0
    resources:
        mem_mb=by_attempt(500),
        runtime=by_attempt(1),
    message:
        "Endless job of P01_PRE"
    shell:
        "echo began >{log}; sleep 1000"


rule greedy:
    output:
        "results/greedy.txt",
    log:
        "results/logs/greedy.log",
    retries: 0
    resources:
        mem_mb=by_attempt(600),
        runtime=by_attempt(20),
    params:
        python=sys.executable,
    message:
        "Greedy job of P02_PRE"
    shell:
        "echo began >{log}; {params.python} -c 'import time; x = b\"x\" * 900_000_000; time.sleep(60)'"


rule first:
    output:
        "results/first_{sample}.txt",
    log:
        "results/logs/first_{sample}.log",
    retries: 0
    group:
        "pair"
    resources:
        mem_mb=by_attempt(500),
        runtime=by_attempt(20),
    message:
        "First of {wildcards.sample}"
    shell:
        "echo first >{output}"


rule second:
    input:
        "results/first_{sample}.txt",
    output:
        "results/second_{sample}.txt",
    log:
        "results/logs/second_{sample}.log",
    retries: 0
    group:
        "pair"
    resources:
        mem_mb=by_attempt(500),
        runtime=by_attempt(20),
    message:
        "Second of {wildcards.sample}"
    shell:
        "echo {wildcards.sample} >{log}; test {wildcards.sample} = GOOD; echo second >{output}"
