"""Where results come from: the versions of the tools, compared with the pins before the first job.

Gives: provenance/versions.tsv.
"""


onstart:
    run_preflight()
