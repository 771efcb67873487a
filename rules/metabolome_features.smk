"""Features of the metabolome: from mzML files to one feature table per ionisation mode.

Required: METAB samples with files in the sample sheets (file_1 positive, file_2 negative mode). Gives:
metabolome/intake/{mode} (one row per file), metabolome/qc/intake_{mode} (all files), metabolome/features/{mode} (matrix, state of every cell, features).
"""

PANELS = [resource("metabolites/panel.tsv"), *config["metabolome"]["panel"]]


rule extract_features:
    """One injection: read to its end, checked, and its features found."""
    input:
        spectra=injection,
        standards=config["metabolome"]["standards"] or [],
    output:
        row=f"{MTB}/intake/{{mode}}/{{sample}}.tsv",
        trace=f"{MTB}/intake/{{mode}}/{{sample}}.trace.tsv",
        masses=f"{MTB}/intake/{{mode}}/{{sample}}.masses.tsv",
        features=f"{MTB}/features/{{mode}}/{{sample}}.featureXML",
    log:
        f"{OUT}/logs/extract_features/{{mode}}.{{sample}}.log",
    benchmark:
        f"{OUT}/benchmarks/extract_features/{{mode}}.{{sample}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_injection,
        runtime=by_attempt(60),
    params:
        instrument=config["metabolome"]["instrument"],
        parameters=config["metabolome"]["parameters"],
        control=control_of,
        rt_unit=config["metabolome"]["rt_unit"],
        code=code("extract_features"),
    message:
        "Features of {wildcards.sample}, {wildcards.mode} mode"
    script:
        "../scripts/extract_features.py"


rule link_features:
    """All files of a mode aligned and linked; features kept that are seen often enough or are of the panel."""
    input:
        features=of_samples(f"{MTB}/features/{{mode}}/{{sample}}.featureXML"),
        panel=PANELS,
    output:
        linked=f"{MTB}/features/{{mode}}/linked.tsv",
        areas=f"{MTB}/features/{{mode}}/areas.tsv",
        alignment=f"{MTB}/features/{{mode}}/alignment.tsv",
        transformations=f"{MTB}/features/{{mode}}/transformations.tsv",
        consensus=f"{MTB}/features/{{mode}}/consensus.tsv",
        decisions=f"{MTB}/features/{{mode}}/decisions.tsv",
    log:
        f"{OUT}/logs/link_features/{{mode}}.log",
    benchmark:
        f"{OUT}/benchmarks/link_features/{{mode}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(240),
    params:
        instrument=config["metabolome"]["instrument"],
        parameters=config["metabolome"]["parameters"],
        samples=samples_of,
        reference=reference_of_mode,
        injections=INJECTIONS,
        min_share=config["metabolome"]["normalisation"]["min_detection"],
        code=code("link_features"),
    message:
        "Features of all files, {wildcards.mode} mode"
    script:
        "../scripts/link_features.py"


rule force_integrate:
    """Integrate every kept feature in the files of a part of a batch, also where it was not detected."""
    input:
        spectra=spectra_of,
        rows=of_samples(f"{MTB}/intake/{{mode}}/{{sample}}.tsv"),
        consensus=f"{MTB}/features/{{mode}}/consensus.tsv",
        transformations=f"{MTB}/features/{{mode}}/transformations.tsv",
    output:
        f"{MTB}/features/{{mode}}/forced/{{part}}.tsv",
    log:
        f"{OUT}/logs/force_integrate/{{mode}}.{{part}}.log",
    benchmark:
        f"{OUT}/benchmarks/force_integrate/{{mode}}.{{part}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_part,
        runtime=by_attempt(240),
    params:
        instrument=config["metabolome"]["instrument"],
        parameters=config["metabolome"]["parameters"],
        samples=samples_of,
        code=code("force_integrate"),
    message:
        "Cells of batch {wildcards.part}, {wildcards.mode} mode"
    script:
        "../scripts/force_integrate.py"


rule feature_matrix:
    """The feature table of a mode: areas, and what each cell is (detected, forced, absent)."""
    input:
        consensus=f"{MTB}/features/{{mode}}/consensus.tsv",
        areas=f"{MTB}/features/{{mode}}/areas.tsv",
        forced=of_parts(f"{MTB}/features/{{mode}}/forced/{{part}}.tsv"),
    output:
        matrix=f"{MTB}/features/{{mode}}/values.tsv",
        state=f"{MTB}/features/{{mode}}/state.tsv",
        features=f"{MTB}/features/{{mode}}/features.tsv",
        cells=f"{MTB}/features/{{mode}}/cells.tsv",
    log:
        f"{OUT}/logs/feature_matrix/{{mode}}.log",
    benchmark:
        f"{OUT}/benchmarks/feature_matrix/{{mode}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(60),
    params:
        reference=reference_of_mode,
        code=code("feature_matrix"),
    message:
        "Feature table, {wildcards.mode} mode"
    script:
        "../scripts/feature_matrix.py"


rule intake:
    """One row per injection of a mode: scans, polarity, ion current, mass accuracy; and pictures of them."""
    input:
        rows=of_samples(f"{MTB}/intake/{{mode}}/{{sample}}.tsv"),
        traces=of_samples(f"{MTB}/intake/{{mode}}/{{sample}}.trace.tsv"),
    output:
        table=f"{MTB}/qc/intake_{{mode}}.tsv",
        chromatograms_svg=f"{MTB}/qc/chromatograms_{{mode}}.svg",
        chromatograms_html=f"{MTB}/qc/chromatograms_{{mode}}.html",
        overview_svg=f"{MTB}/qc/intake_{{mode}}.svg",
        overview_html=f"{MTB}/qc/intake_{{mode}}.html",
    log:
        f"{OUT}/logs/intake/{{mode}}.log",
    benchmark:
        f"{OUT}/benchmarks/intake/{{mode}}.tsv"
    conda:
        "../envs/workflow.yaml"
    threads: 1
    resources:
        mem_mb=by_attempt(1500),
        runtime=by_attempt(30),
    params:
        samples=samples_of,
        injections=INJECTIONS,
        code=code("intake"),
    message:
        "Quality table of the injections, {wildcards.mode} mode"
    script:
        "../scripts/intake.py"
