"""What is read from the logs of a cluster: texts as Slurm 22.05 and Snakemake 9.27 write them."""

import pytest

from gutaxis.report.cluster_log import unfinished, why, without_shown_logs
from gutaxis.report.ending import failure_words, failures

pytestmark = pytest.mark.unit

TOLD = "(check log file(s) for error details)"
TIME = "slurmstepd-vm: error: *** STEP 7.0 ON vm CANCELLED AT 2026-11-24T04:12:12 DUE TO TIME LIMIT ***\n"
MEMORY = (
    "slurmstepd-vm: error: StepId=6.0 exceeded memory limit (835944448 > 734003200), being killed\n"
    "slurmstepd-vm: error: *** STEP 6.0 ON vm CANCELLED AT 2026-11-24T04:10:52 ***\nsrun: error: vm: task 0: Killed\n"
)
CGROUP = "slurmstepd: error: Detected 1 oom-kill event(s) in StepId=9.0. Some of your processes may have been killed\n"
CANCELLED = "slurmstepd-vm: error: *** STEP 5.0 ON vm CANCELLED AT 2026-11-24T04:12:01 ***\n"
INNER = """
SNAKEMAKE
=========
  Date: 2026-11-24 04:09:24

[Tue Nov 24 04:09:25 2026]
Job 1: First of G1
Reason: Forced execution
[Tue Nov 24 04:09:25 2026]
Finished jobid: 1 (Rule: first)
1 of 2 steps (50%) done

[Tue Nov 24 04:09:25 2026]
Job 0: Second of G1
Reason: Forced execution
"""
BROKE = f"""[Tue Nov 24 04:09:25 2026]
Error in rule second:
    message: None
    jobid: 0
    output: results/second_G1.txt, results/more.txt
    log: results/logs/second_G1.log {TOLD}
"""


def group_error(log, *, shown=""):
    return f"""[Tue Nov 24 04:09:11 2026] Group job pair (jobs in lexicogr. order):

    [Tue Nov 24 04:09:11 2026]
    Job 6: First of G1
    Reason: Missing output files: results/first_G1.txt
    [Tue Nov 24 04:09:11 2026]
    Job 5: Second of G1
    Reason: Missing output files: results/second_G1.txt
[Tue Nov 24 04:09:50 2026]
    message: Error in group pair
    log: {log} {TOLD}
    jobs:
        rule first:
            jobid: 6
            output: results/first_G1.txt
            log: results/logs/first_G1.log {TOLD}
        rule second:
            jobid: 5
            output: results/second_G1.txt, results/more.txt
            log: results/logs/second_G1.log {TOLD}
{shown}    [Tue Nov 24 04:09:50 2026]
    Error in rule first:
        message: None
        jobid: 6
"""


def job_error(status, *logs):
    return f"""[Tue Nov 24 04:10:45 2026]
Job 3: MetaPhlAn of P01
Reason: Missing output files: x
[Tue Nov 24 04:12:00 2026]
Error in rule profile_taxa:
    message: SLURM-job '6' failed, SLURM status is: '{status}'. Detailed failure reason unavailable.
    jobid: 3
    output: results/P01.tsv
    log: {", ".join(map(str, logs))} {TOLD}
    external_jobid: 6
"""


@pytest.mark.parametrize(
    ("status", "log", "reason"),
    [
        ("TIMEOUT", TIME, "time limit"),
        ("TIMEOUT", "", "time limit"),
        ("FAILED", MEMORY, "out of memory"),
        ("OUT_OF_MEMORY", "", "out of memory"),
        ("FAILED", CGROUP, "out of memory"),
        ("CANCELLED", CANCELLED, "cancelled or killed"),
        ("NODE_FAIL", "", "its node failed"),
        ("FAILED", BROKE, ""),
    ],
)
def test_why_a_job_ended(status, log, reason):
    assert why(message=f"SLURM-job '6' failed, SLURM status is: '{status}'.", log=log) == reason


def test_a_job_that_slurm_does_not_take():
    message = (
        "SLURM sbatch failed. The error message was 'sbatch: error: Batch job submission failed: Memory required'."
    )
    assert why(message=message, log="") == (
        "not accepted by Slurm: sbatch: error: Batch job submission failed: Memory required"
    )


def test_shown_logs_are_taken_away_even_with_logs_in_them():
    inner = "Logfile b.log:\n=====\nError in rule x:\n=====\n"
    text = (
        f"before\nLogfile a.log:\n========\nJob 3: no\n=========\n{inner}Finished jobid: 3 (Rule: x)\n========\nafter\n"
    )
    assert without_shown_logs(text=text) == "before\nLogfile a.log:\nafter\n"


def test_a_log_that_is_cut_short_takes_nothing_away():
    text = "before\nLogfile a.log:\n====\nError in rule x:\n"
    assert without_shown_logs(text=text) == text


def test_jobs_of_a_group_that_failed_or_were_cut_short():
    assert unfinished(log=INNER + BROKE) == ({"results/second_G1.txt"}, {"Second of G1"})
    assert unfinished(log=INNER + TIME) == (set(), {"Second of G1"})
    assert unfinished(log="") == (set(), set())


def test_of_a_group_only_the_job_that_broke_is_named(tmp_path):
    log = tmp_path / "3.log"
    log.write_text(INNER + BROKE)
    shown = f"Logfile {log}:\n{'=' * 80}\n{INNER}{BROKE}{'=' * 80}\n"
    [failure] = failures(text=group_error(log, shown=shown))
    assert failure == ("second", "Second of G1", ("results/logs/second_G1.log", str(log)), "")


def test_of_a_group_that_ran_out_of_time_the_job_that_ran_is_named(tmp_path):
    log = tmp_path / "3.log"
    log.write_text(INNER + TIME)
    [failure] = failures(text=group_error(log))
    assert (failure.rule, failure.reason) == ("second", "time limit")


def test_of_a_group_without_a_log_all_jobs_are_named(tmp_path):
    found = failures(text=group_error(tmp_path / "gone.log"))
    assert [failure.what for failure in found] == ["First of G1", "Second of G1"]


def test_a_group_that_succeeds_at_its_second_attempt_is_no_failure(tmp_path):
    done = "".join(f"Finished jobid: {job} (Rule: x)\n" for job in (5, 6))
    assert failures(text=group_error(tmp_path / "gone.log") + done) == []


def test_the_last_words_name_sample_reason_and_what_to_give(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    slurm = tmp_path / ".snakemake/slurm_logs/rule_profile_taxa/P01/6.log"
    slurm.parent.mkdir(parents=True)
    slurm.write_text(INNER + MEMORY)
    log = tmp_path / "snakemake.log"
    log.write_text(job_error("FAILED", "results/logs/P01.log", slurm))
    words = failure_words(output="results", logs=[log])
    assert "  profile_taxa: MetaPhlAn of P01 (out of memory)\n" in words
    assert "    read .snakemake/slurm_logs/rule_profile_taxa/P01/6.log\n" in words
    assert "results/logs/P01.log" not in words, "the rule's log was never written"
    assert "--set-resources RULE:mem_mb=" in words


def test_a_job_that_failed_by_itself_says_nothing_of_limits(tmp_path):
    log = tmp_path / "snakemake.log"
    log.write_text(job_error("FAILED", "results/logs/P01.log"))
    words = failure_words(output="results", logs=[log])
    assert "  profile_taxa: MetaPhlAn of P01\n    read results/logs/P01.log\n" in words
    assert "--set-resources" not in words
