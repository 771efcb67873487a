"""Where results come from, and what a run says while it goes and at its end.

Gives: provenance/versions.tsv, the versions of the tools, compared with the pins before the first job. The methods text
is made in methods.smk.
"""

from gutaxis.report.ending import failure_words, success_words
from gutaxis.report.progress import one_line_per_job

# A plan (--dry-run) keeps its blocks with the reasons; so does --verbose.
if workflow.is_main_process and not (workflow.output_settings.dryrun or workflow.output_settings.verbose):
    one_line_per_job(handlers=logger.handlers)


onstart:
    begin_run()
    run_preflight()


onsuccess:
    remove_temporary()
    print(success_words(output=OUT, logs=log), file=sys.stderr)


onerror:
    print(failure_words(output=OUT, logs=log, needed_gb=disk_needed()), file=sys.stderr)
