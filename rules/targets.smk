"""Named targets beside `all`: each a part of the work that can be asked for alone.

What they hold is listed in the functions *_files of common.smk, the only place that knows what "done" means.
"""


rule layers:
    input:
        layer_files,
    localrule: True


rule clinical:
    input:
        clinical_files,
    localrule: True
