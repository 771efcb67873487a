"""GutAxis: from raw files to responder-linked results. This file is the table of contents; rules/ holds the rules."""

from snakemake.utils import min_version

min_version("9.27")


# Without --configfile the demo runs. A user's config never mixes with it.
if not workflow.config_settings.configfiles:

    configfile: "config/config.yaml"


include: "rules/common.smk"
include: "rules/functions.smk"
include: "rules/functions_arms.smk"
include: "rules/functions_run.smk"
include: "rules/results.smk"
include: "rules/functions_certificate.smk"
include: "rules/targets.smk"
include: "rules/references.smk"
include: "rules/cohort.smk"
include: "rules/clinical.smk"
include: "rules/metagenome.smk"
include: "rules/metabolome_features.smk"
include: "rules/metabolome.smk"
include: "rules/metabolome_engines.smk"
include: "rules/single_cell.smk"
include: "rules/single_cell_results.smk"
include: "rules/single_cell_engines.smk"
include: "rules/simulate.smk"
include: "rules/layers.smk"
include: "rules/diversity.smk"
include: "rules/differential.smk"
include: "rules/integration.smk"
include: "rules/prediction.smk"
include: "rules/evidence.smk"
include: "rules/batches_frozen.smk"
include: "rules/functions_batches.smk"
include: "rules/batches.smk"
include: "rules/recovery.smk"
include: "rules/report.smk"
include: "rules/methods.smk"
include: "rules/report_page.smk"
include: "rules/provenance.smk"
include: "rules/certificate.smk"


# Snakemake takes a default target only from this file.
rule all:
    input:
        clinical_files,
        layer_files,
        diversity_files,
        differential_files,
        integration_files,
        prediction_files,
        metagenome_files,
        metabolome_files,
        single_cell_files,
        report_files,
        recovery_files,
        batch_files,
    localrule: True
