"""Named targets beside `all`: each a part of the work that can be asked for alone.

What they hold is listed in the functions *_files of results.smk, the only place that knows what "done" means.
"""


rule layers:
    input:
        layer_files,
    localrule: True


rule clinical:
    input:
        clinical_files,
    localrule: True


rule diversity:
    input:
        diversity_files,
    localrule: True


rule differential:
    input:
        differential_files,
    localrule: True


rule metabolome:
    input:
        metabolome_files,
    localrule: True


rule single_cell:
    input:
        single_cell_files,
    localrule: True


rule integration:
    input:
        integration_files,
    localrule: True


rule prediction:
    input:
        prediction_files,
    localrule: True


rule report:
    input:
        report_files,
    localrule: True
