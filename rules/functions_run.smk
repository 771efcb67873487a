"""A run as a process: the folders it locks, what it clears at its start and its end. No rule stands here."""

from gutaxis.provenance.cluster_jobs import end_cluster_jobs
from gutaxis.provenance.takeover import start_run
from gutaxis.report.estimate import disk_gb


def begin_run():
    """Lock what this run writes to, before its first job; only the main process does, and no dry-run."""
    if not workflow.is_main_process:
        return
    filled_by = {SIMULATED["directory"]: "simulate_", DATABASES["directory"]: "fetch_database"}
    jobs = list(workflow.dag.needrun_jobs())
    rules_to_run = {job.rule.name for job in jobs}
    filled = {folder for folder, rule in filled_by.items() if any(name.startswith(rule) for name in rules_to_run)}
    try:
        words = start_run(folders={OUT, *filled}, shared=set(filled_by) - filled)
        # no id is noted unless a run was killed: a job that ends takes its mark away
        on_cluster = {name for job in jobs for name in workflow.persistence.external_jobids(job)}
        words = "\n".join(filter(None, [words, end_cluster_jobs(ids=on_cluster, folder=Path.cwd())]))
    except GutaxisError as error:
        sys.exit(f"\n{error}\n\nNo job was started.")
    if words:
        print(words, file=sys.stderr)


def remove_temporary():
    """Remove temporary files that Snakemake forgot because it was killed between a job's end and its clearing up."""
    if workflow.storage_settings.notemp:
        return
    for path in {path for job in workflow.dag.jobs for path in job.temp_output} - set(workflow.dag.targetfiles):
        Path(path).unlink(missing_ok=True)


def disk_needed():
    """Disk that the whole run takes by the estimate, GB: told where a file system is full."""
    rates = resource("rates.tsv")
    return disk_gb(jobs=ESTIMATED, rates=rates, production=config["simulate"] is None, at_once=1)
