"""Optional engines of the metabolome, each in an environment of its own (`make extras`): asari, and MS2 by matchms.

Required: config `metabolome.second_engine` or `metabolome.spectra`, and the feature tables of metabolome_features.smk.
Gives: metabolome/features/{mode}/asari (a feature table), metabolome/features/{mode}/concordance.tsv,
metabolome/annotation/{mode}.mgf and {mode}.matches.tsv.
"""

SPECTRA = config["metabolome"]["spectra"]


rule asari:
    """Features of a mode by asari, filtered and grouped like our own, and how both agree."""
    input:
        **{name: f"{MTB}/features/{{mode}}/{name}.tsv" for name in FEATURE_TABLE},
        spectra=spectra_of,
        rows=of_samples(f"{MTB}/intake/{{mode}}/{{sample}}.tsv"),
        panel=PANELS,
    output:
        table=f"{MTB}/features/{{mode}}/asari/full_feature_table.tsv",
        matrix=f"{MTB}/features/{{mode}}/asari/values.tsv",
        state=f"{MTB}/features/{{mode}}/asari/state.tsv",
        features=f"{MTB}/features/{{mode}}/asari/features.tsv",
        cells=f"{MTB}/features/{{mode}}/asari/cells.tsv",
        decisions=f"{MTB}/features/{{mode}}/asari/decisions.tsv",
        concordance=f"{MTB}/features/{{mode}}/concordance.tsv",
    log:
        f"{OUT}/logs/asari/{{mode}}.log",
    benchmark:
        f"{OUT}/benchmarks/asari/{{mode}}.tsv"
    conda:
        "../envs/asari.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(240),
    params:
        instrument=config["metabolome"]["instrument"],
        parameters=config["metabolome"]["parameters"],
        samples=samples_of,
        injections=INJECTIONS,
        min_share=config["metabolome"]["normalisation"]["min_detection"],
        code=code("asari"),
    message:
        "asari, {wildcards.mode} mode"
    script:
        "../scripts/asari.py"


rule match_spectra:
    """The strongest MS2 spectrum of each feature, and what of the libraries it is like."""
    input:
        spectra=spectra_of,
        rows=of_samples(f"{MTB}/intake/{{mode}}/{{sample}}.tsv"),
        features=f"{MTB}/features/{{mode}}/features.tsv",
        transformations=f"{MTB}/features/{{mode}}/transformations.tsv",
        libraries=SPECTRA["libraries"],
        in_house=SPECTRA["in_house"],
        program=program("metabolome/spectral_match.py"),
    output:
        queries=f"{MTB}/annotation/{{mode}}.mgf",
        matches=f"{MTB}/annotation/{{mode}}.matches.tsv",
    log:
        f"{OUT}/logs/match_spectra/{{mode}}.log",
    benchmark:
        f"{OUT}/benchmarks/match_spectra/{{mode}}.tsv"
    conda:
        "../envs/matchms.yaml"
    threads: 1
    resources:
        mem_mb=mem_mb_analysis,
        runtime=by_attempt(240),
    params:
        samples=samples_of,
        ppm=config["metabolome"]["annotation"]["ppm"],
        rt_tolerance=config["metabolome"]["annotation"]["rt_tolerance"],
        tolerance=SPECTRA["tolerance"],
        python=MATCHMS_PYTHON,
        code=code("match_spectra"),
    message:
        "MS2 spectra, {wildcards.mode} mode"
    script:
        "../scripts/match_spectra.py"
