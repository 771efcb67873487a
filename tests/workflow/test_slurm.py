"""Slurm for real: the metagenome arm of the small trial on a one-node cluster, and jobs that the cluster ends."""

import hashlib
import re
import subprocess
import sys
import time

import pytest
import yaml

from tests.slurm_cluster import cluster, unavailable
from tests.workflow.conftest import ROOT, make_project, make_trial

pytestmark = [pytest.mark.slurm, pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))]

OUT = "results/trial"
WANTED = (
    "layers/taxa.h5ad",
    "layers/pathways.h5ad",
    "layers/pathways.stratified.tsv",
    "metagenome/qc/metagenome_qc.tsv",
)
#: There is no accounting data base, and jobs here take seconds.
HERE = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "3")
#: Beside the groups of the profile: one Slurm job for all that is done with a sample, since its reads are few.
TOGETHER = {
    "profile_taxa": "reads",
    "profile_functions": "reads",
    "simulate_databases": "simulated_reads",
    "metagenome_qc": "layers",
}


def profile():
    return yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text())


def groups():
    return [*profile()["groups"], *(f"{rule}={group}" for rule, group in TOGETHER.items())]


@pytest.fixture(scope="module")
def slurm():
    with cluster(cpus=8) as running:
        yield running


@pytest.fixture(scope="module")
def through_slurm(slurm, tmp_path_factory):
    """The small trial again, from its truth file to layers, every job by Slurm; and what was said."""
    project = make_project(tmp_path_factory.mktemp("slurm") / "project")
    make_trial(project)
    done = project.run(
        *(f"{OUT}/{name}" for name in WANTED),
        "--profile", "profiles/slurm", *HERE, "--groups", *groups(), "--configfile", "trial/config.yaml",
    )  # fmt: skip
    return project, done.text, slurm.jobs()


def test_every_job_ran_on_the_cluster_and_each_sample_was_one_job(through_slurm):
    _, text, jobs = through_slurm
    assert {state for state, _ in jobs.values()} == {"COMPLETED"}
    comments = [comment for _, comment in jobs.values()]
    assert len([comment for comment in comments if "clean_reads" in comment]) == 5
    assert len(jobs) == 7, comments  # databases and reads, five samples, layers
    assert "29 of 29" in text


def test_results_are_those_of_a_local_run(through_slurm, request):
    project, _, _ = through_slurm
    local = request.getfixturevalue("finished").folder
    patterns = (
        "metagenome/profiles/*",
        "metagenome/functions/*",
        "metagenome/qc/*/*.tsv",
        "metagenome/qc/metagenome_qc.tsv",
    )
    files = [
        path for pattern in (*patterns, *WANTED) for path in (project.folder / OUT).glob(pattern) if path.is_file()
    ]
    files += sorted((project.folder / "simulated/reads").glob("*"))
    assert len(files) > 30
    for path in files:
        twin = local / path.relative_to(project.folder)
        same = hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(twin.read_bytes()).digest()
        assert same, f"{path.relative_to(project.folder)} differs from the local run"


def test_nothing_is_left_to_do_for_a_local_run(through_slurm):
    project, _, _ = through_slurm
    targets = [f"{OUT}/{name}" for name in WANTED]
    assert project.planned("--configfile", "trial/config.yaml", "--", *targets) == {}


@pytest.fixture(scope="module")
def ended(slurm, tmp_path_factory):
    """Jobs that are cancelled, too slow, too big or bad; the first attempt of one is cancelled from here."""
    folder = tmp_path_factory.mktemp("ended")
    log = folder / "said.txt"
    before = set(slurm.jobs())
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", ROOT / "tests/workflow/failing_jobs.smk", "--cores", "2",
        "--profile", ROOT / "profiles/slurm", "--workflow-profile", ROOT / "profiles/default", *HERE,
    ]  # fmt: skip
    with open(log, "w") as said, subprocess.Popen(
        list(map(str, command)), cwd=folder, stdout=said, stderr=said, stdin=subprocess.DEVNULL
    ) as run:  # fmt: skip
        cancelled = None
        while run.poll() is None:
            for number, (state, comment) in slurm.jobs().items():
                if cancelled is None and number not in before and (state, comment) == ("RUNNING", "rule_cancelled"):
                    slurm.call("scancel", str(number))
                    cancelled = number
            time.sleep(1)
    jobs = {number: told for number, told in slurm.jobs().items() if number not in before}
    return folder, run.returncode, log.read_text(), jobs, cancelled


def states(jobs, rule):
    return [state for _, (state, comment) in sorted(jobs.items()) if comment == f"rule_{rule}"]


def test_jobs_that_the_cluster_ended_are_tried_again_with_more(ended):
    folder, _, text, jobs, cancelled = ended
    for rule, state, first in (("cancelled", "CANCELLED", 20), ("slow", "TIMEOUT", 1), ("big", "FAILED", 700)):
        assert states(jobs, rule)[0] == state, text[-5000:]
        assert states(jobs, rule)[-1] == "COMPLETED"
        assert int((folder / f"results/{rule}.txt").read_text()) > first, "no more was asked for at the second attempt"
    assert jobs[cancelled][1] == "rule_cancelled"


def test_what_failed_in_the_end_is_told_by_rule_sample_reason_and_log(ended):
    folder, status, text, jobs, _ = ended
    assert status == 1
    words = text[text.rindex("3 jobs failed:") :]
    for line in (
        "  endless: Endless job of P01_PRE (time limit)\n",
        "  greedy: Greedy job of P02_PRE (out of memory)\n",
        "  second: Second of BAD\n    read results/logs/second_BAD.log\n",
    ):
        assert line in words, words
    assert "--set-resources" in words
    assert "First of" not in words
    assert "Second of GOOD" not in words
    for rule in ("endless", "greedy"):
        assert len(states(jobs, rule)) == 1
    named = re.findall(r"read (\.snakemake/slurm_logs/\S+)", words)
    assert len(named) == 3
    assert all((folder / path).is_file() for path in named)


def test_what_did_not_depend_on_them_is_done(ended):
    folder = ended[0]
    assert (folder / "results/second_GOOD.txt").exists()
    assert not (folder / "results/endless.txt").exists()
