"""The last words of a run, and one line for each finished job."""

import io
import logging

import pytest

from gutaxis.report.ending import failure_words, failures, success_words
from gutaxis.report.progress import HANDLER, one_line_per_job

pytestmark = pytest.mark.unit

STARTED = "[Mon Nov 23 23:26:53 2026]\nJob {job}: {words}\nReason: Missing output files: x\n"
FINISHED = "[Mon Nov 23 23:26:54 2026]\nFinished jobid: {job} (Rule: {rule})\n1 of 3 steps (33%) done\n"
FAILED = (
    "[Mon Nov 23 23:26:53 2026]\nError in rule {rule}:\n    message: None\n    jobid: {job}\n    input: a.fq\n"
    "    output: out/{job}.tsv\n    log: {log} (check log file(s) for error details)\nLogfile {log}:\n====\n"
    "    jobid: 99\nsome program's words\n====\n"
)


def test_failed_jobs_with_sample_and_log():
    text = (
        STARTED.format(job=4, words="KneadData of CUT")
        + FAILED.format(rule="clean_reads", job=4, log="logs/clean_reads/CUT.log")
        + STARTED.format(job=5, words="MetaPhlAn of GOOD")
        + FINISHED.format(rule="profile_taxa", job=5)
    )
    assert failures(text=text) == [("clean_reads", "KneadData of CUT", ("logs/clean_reads/CUT.log",), "")]


def test_a_second_attempt_that_succeeds_is_no_failure():
    failed = FAILED.format(rule="clean_reads", job=4, log="a.log")
    assert failures(text=failed + FINISHED.format(rule="clean_reads", job=4)) == []
    assert len(failures(text=FINISHED.format(rule="clean_reads", job=4) + failed)) == 1


def test_a_job_that_fails_twice_is_told_once():
    text = FAILED.format(rule="clean_reads", job=4, log="a.log") * 2
    assert [failure.logs for failure in failures(text=text)] == [("a.log",)]


def test_several_logs_and_a_job_without_words():
    [failure] = failures(text=FAILED.format(rule="layer", job=4, log="a.log, b.log"))
    assert failure == ("layer", "out/4.tsv", ("a.log", "b.log"), "")


def test_failure_words_name_rule_sample_and_log(tmp_path):
    log = tmp_path / "snakemake.log"
    log.write_text(
        STARTED.format(job=4, words="KneadData of CUT")
        + FAILED.format(rule="clean_reads", job=4, log="logs/clean_reads/CUT.log")
    )
    words = failure_words(output="results/x", logs=[str(log)])
    assert "1 job failed:\n  clean_reads: KneadData of CUT\n    read logs/clean_reads/CUT.log\n" in words
    assert "results/x" in words and "give the same command" in words


def test_a_full_file_system_is_told_with_the_way_out(tmp_path):
    log, job_log = tmp_path / "snakemake.log", tmp_path / "layer.log"
    log.write_text(STARTED.format(job=4, words="Layer taxa") + FAILED.format(rule="layer", job=4, log=job_log))
    job_log.write_text("OSError: [Errno 28] No space left on device\n")
    words = failure_words(output=tmp_path / "results", logs=[log], needed_gb=0.25)
    assert words.startswith(f"\n1 job failed:\n  layer: Layer taxa\n    read {job_log}\n\nA file system is full")
    assert f"the results ({tmp_path / 'results'})" in words and "about 250 MB" in words
    assert "give the\nsame command again" in words and "qc to FAIL" not in words
    log.write_text("WorkflowError:\n[Errno 28] No space left on device\n")
    assert "A file system is full" in failure_words(output=tmp_path, logs=[log])


def test_a_stop_without_a_failed_job_points_at_the_log(tmp_path):
    log = tmp_path / "snakemake.log"
    log.write_text("MissingInputException\n")
    assert "no job failed by itself" in failure_words(output="results/x", logs=[log])
    assert str(log) in failure_words(output="results/x", logs=[log])
    assert "no job failed by itself" in failure_words(output="results/x", logs=[])


def test_success_names_what_is_there_and_nothing_else(tmp_path):
    log = tmp_path / "snakemake.log"
    log.write_text(FINISHED.format(rule="methods", job=1))
    out = tmp_path / "results"
    (out / "provenance").mkdir(parents=True)
    (out / "provenance/methods.md").write_text("x")
    words = success_words(output=out, logs=[log])
    assert f"Methods:  {out}/provenance/methods.md" in words
    assert "Report:" not in words
    (out / "report").mkdir()
    (out / "report/index.html").write_text("x")
    assert f"Report:   {out}/report/index.html" in success_words(output=out, logs=[log])


@pytest.mark.parametrize("rule", ["validate", "estimate"])
def test_rules_that_print_have_the_last_word(tmp_path, rule):
    log = tmp_path / "snakemake.log"
    log.write_text(FINISHED.format(rule=rule, job=1))
    assert success_words(output=tmp_path, logs=[log]) == ""


@pytest.fixture
def logger():
    """A logger with a handler as Snakemake makes it; what was written is in ``handler.stream``."""
    handler = logging.StreamHandler(io.StringIO())
    handler.name = HANDLER
    handler.setFormatter(logging.Formatter("other: %(message)s"))
    made = logging.Logger("snakemake")
    made.addHandler(handler)
    return made


def written(logger):
    return logger.handlers[0].stream.getvalue()


def start(logger, job, words, rule="rule_a"):
    logger.info("Rule", extra={"event": "job_info", "jobid": job, "rule_name": rule, "rule_msg": words})


def finish(logger, job, done, total=9):
    logger.info("Finished jobid", extra={"event": "job_finished", "job_id": job})
    logger.info(None, extra={"event": "progress", "done": done, "total": total})


def test_one_line_for_each_finished_job(logger):
    assert one_line_per_job(handlers=logger.handlers)
    logger.info("Select jobs to execute...")
    logger.info("Execute 2 jobs...", extra={"event": "job_started", "jobs": [1, 2]})
    start(logger, 1, "MetaPhlAn of P01_PRE", "profile_taxa")
    start(logger, 2, None, "all")
    assert written(logger) == "", "nothing is said when a job starts"
    finish(logger, 2, 1)
    finish(logger, 1, 2)
    first, second = written(logger).splitlines()
    assert first.endswith("1 of 9  all  [all, 0 s]")
    assert second.endswith("2 of 9  MetaPhlAn of P01_PRE  [profile_taxa, 0 s]")


def test_errors_and_other_text_are_as_before(logger):
    one_line_per_job(handlers=logger.handlers)
    start(logger, 1, "x")
    logger.error("Error in rule", extra={"event": "job_error"})
    logger.info("Job stats")
    assert written(logger) == "other: Error in rule\nother: Job stats\n"


def test_a_job_that_ends_without_a_start_is_told(logger):
    one_line_per_job(handlers=logger.handlers)
    finish(logger, 7, 3)
    assert "3 of 9  job 7" in written(logger)


def test_other_handlers_are_left_alone(logger):
    logger.handlers[0].name = "plugin"
    before = logger.handlers[0].formatter
    assert not one_line_per_job(handlers=logger.handlers)
    assert logger.handlers[0].formatter is before and not logger.handlers[0].filters
