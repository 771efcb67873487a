"""The reproducibility certificate: what a run was made from and made, compared with a reference, as an RO-Crate.

Required: everything that `all` makes. Gives: provenance/manifest.json, certificate.json, crate.zip with
ro-crate-metadata.json; `snakemake certify` tells the verdict and fails where outputs do not agree.
"""

from gutaxis.provenance.settings import CRATE_KEYS

CERTIFY = config["certify"]
PROVENANCE = f"{OUT}/provenance"


rule manifest:
    """Checksums of inputs and results, config, code, locks, databases, tools. Every file of the results is read."""
    input:
        results=all_files,
        tolerances=resource("tolerances.tsv"),
    output:
        f"{PROVENANCE}/manifest.json",
    log:
        f"{OUT}/logs/manifest/manifest.log",
    benchmark:
        f"{OUT}/benchmarks/manifest/manifest.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: threads_up_to(4)
    resources:
        mem_mb=mem_mb_manifest,
        runtime=by_attempt(480),
    params:
        parts=result_parts,
        base=os.path.relpath(BASE),
        config=config | {"certify": {"inputs": CERTIFY["inputs"]}},
        sheets=named_sheets(),
        data=data_inputs,
        databases=used_databases(),
        code=code("manifest"),
        workflow=workflow_digest,
    message:
        "Manifest: checksums of inputs and results"
    script:
        "../scripts/manifest.py"


rule certificate:
    """The manifest against the reference that the config names. A failed verdict is a result like any other."""
    input:
        unpack(reference_manifest),
        manifest=rules.manifest.output[0],
        tolerances=resource("tolerances.tsv"),
    output:
        f"{PROVENANCE}/certificate.json",
    log:
        f"{OUT}/logs/certificate/certificate.log",
    benchmark:
        f"{OUT}/benchmarks/certificate/certificate.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(30),
    params:
        code=code("certificate"),
    message:
        "Certificate: results against the reference"
    script:
        "../scripts/certificate.py"


rule crate:
    """The run as a Workflow Run RO-Crate: config, sheets, manifest, main results, workflow. It holds today's date."""
    input:
        manifest=rules.manifest.output[0],
        certificate=rules.certificate.output[0],
    output:
        metadata=f"{PROVENANCE}/ro-crate-metadata.json",
        crate=f"{PROVENANCE}/crate.zip",
    log:
        f"{OUT}/logs/crate/crate.log",
    benchmark:
        f"{OUT}/benchmarks/crate/crate.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(1000),
        runtime=by_attempt(60),
    params:
        base=os.path.relpath(BASE),
        config=config | {"certify": {key: CERTIFY[key] for key in CRATE_KEYS}},
        sheets=named_sheets(),
        code=code("crate"),
    message:
        "RO-Crate of the run"
    script:
        "../scripts/crate.py"


rule certify:
    """Tell the verdict; fails, after everything was written, where outputs do not agree with the reference."""
    input:
        manifest=rules.manifest.output[0],
        certificate=rules.certificate.output[0],
        crate=rules.crate.output.crate,
    log:
        f"{OUT}/logs/certify/certify.log",
    localrule: True
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(500),
        runtime=by_attempt(60),
    params:
        parts=result_parts,
        code=code("certify"),
    message:
        "Verdict"
    script:
        "../scripts/certify.py"
