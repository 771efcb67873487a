"""Named targets beside `all`: each a part of the work that can be asked for alone.

What they hold is listed in the functions *_files of common.smk, the only place that knows what "done" means.
"""


rule layers:
    input:
        layer_files,
    localrule: True


rule clinical:
    input:
        f"{OUT}/clinical/completeness.tsv",
        f"{OUT}/clinical/pairs.tsv",
    localrule: True
