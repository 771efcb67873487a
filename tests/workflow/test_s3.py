"""Raw files, tables and results in a bucket, on a local S3 server: the same bytes as in files; nothing stays behind."""

import gzip
from pathlib import Path

import pytest

from gutaxis.simulate.metabolome import write_injection
from gutaxis.simulate.metabolome_plan import plan_metabolome
from gutaxis.simulate.multilayer import simulate_study
from gutaxis.simulate.multilayer_run import write_run
from gutaxis.simulate.trial import plan_trial
from tests.s3_server import client, environment, server, unavailable
from tests.workflow.conftest import make_project

PLASMA = "P01_PRE_PLASMA"
READS = {"1": "reads/P01_PRE_R1.fastq.gz", "2": "reads/P01_PRE_R2.fastq.gz"}
WANTED = (
    "metagenome/qc/check_reads/P01_PRE.tsv",
    f"metabolome/intake/positive/{PLASMA}.tsv",
    f"metabolome/features/positive/{PLASMA}.featureXML",
)
CONFIG = {
    "cohort": {"patients": "p.tsv"},
    "response": {"source": "given"},
    "contrasts": {"baseline": {"role": "primary"}},
    "covariates": [],
}
PAGE = "patient_id\tresponse\nP01\tR\nP02\tNR\n"

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))


def write_files(folder):
    """Write reads of one stool sample and one simulated injection."""
    truth = plan_metabolome(truth=plan_trial(n=2, seed=11, pairs=100), qcs=2, blanks=1)
    write_injection(truth=truth, sample_id=PLASMA, mode="positive", path=folder / f"raw/{PLASMA}.mzML")
    for mate, path in READS.items():
        (folder / path).parent.mkdir(exist_ok=True)
        records = (f"@read{number}/{mate}\n{'ACGT' * 25}\n+\n{'I' * 100}\n" for number in range(200))
        (folder / path).write_bytes(gzip.compress("".join(records).encode(), mtime=0))


def sheet(prefix):
    rows = [
        "sample_id\tpatient_id\tassay\tmaterial\ttimepoint\tbatch\trun_order\tfile_1\tfile_2",
        f"P01_PRE\tP01\tMGX\tSTOOL\tPRE\tB1\t\t{prefix}{READS['1']}\t{prefix}{READS['2']}",
        f"{PLASMA}\tP01\tMETAB\tPLASMA\tPRE\tB1\t1\t{prefix}raw/{PLASMA}.mzML\t",
    ]
    return "\n".join(rows) + "\n"


def study(project, name, *, prefix):
    project.write(f"{name}.tsv", sheet(prefix))
    cohort = {**CONFIG["cohort"], "samples": f"{name}.tsv"}
    project.write(f"{name}.yaml", {**CONFIG, "cohort": cohort, "output": f"results/{name}"})
    return [f"results/{name}/{path}" for path in WANTED]


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    """A project, a bucket with the raw files, and what the plugin has to know of the server."""
    project = make_project(tmp_path_factory.mktemp("s3") / "project")
    project.write("p.tsv", PAGE)
    write_files(project.folder)
    with server(log=project.folder / "moto.log") as address, pytest.MonkeyPatch.context() as patch:
        for name, value in environment(address).items():
            patch.setenv(name, value)
        s3 = client(address)
        s3.create_bucket(Bucket="trial")
        for path in (*READS.values(), f"raw/{PLASMA}.mzML"):
            s3.upload_file(str(project.folder / path), "trial", f"batch1/{path}")
        yield project, s3


def test_raw_files_in_a_bucket_give_the_same_bytes(bucket):
    project, _ = bucket
    project.run(*study(project, "files", prefix=""), "--configfile", "files.yaml")
    project.run(*study(project, "bucket", prefix="s3://trial/batch1/"), "--configfile", "bucket.yaml")
    for path in WANTED:
        assert (project.folder / "results/bucket" / path).read_bytes() == (
            project.folder / "results/files" / path
        ).read_bytes(), path
    copies = [path for path in (project.folder / ".snakemake/storage").rglob("*") if path.is_file()]
    assert not copies, "a copy of a raw file was left behind"


def test_a_finished_study_is_not_run_again(bucket):
    project, _ = bucket
    assert (
        project.planned("--configfile", "bucket.yaml", "--", *study(project, "bucket", prefix="s3://trial/batch1/"))
        == {}
    )


def test_a_file_that_is_not_in_the_bucket_is_named_before_any_job(bucket):
    project, _ = bucket
    [reads, *_] = study(project, "absent", prefix="s3://trial/batch2/")
    done = project.run(reads, "--configfile", "absent.yaml", check=False)
    assert done.returncode == 1
    assert "s3://trial/batch2/reads/P01_PRE_R1.fastq.gz" in done.text
    assert "Traceback" not in done.text
    assert not (project.folder / "results/absent/metagenome").exists()


TABLES = ("clinical/pairs.tsv", "layers/taxa.tsv", "diversity/taxa/alpha_tests.tsv")


def test_results_of_a_study_of_tables_may_be_in_the_bucket(bucket, monkeypatch):
    """Tables that rules read come from the bucket, results go there, and no copy of them is kept."""
    project, s3 = bucket
    monkeypatch.chdir(project.folder)
    write_run(study=simulate_study(n=24, seed=3), folder=Path("study"), output="results/study")
    s3.upload_file("study/taxa.tsv", "trial", "study/taxa.tsv")
    targets = [f"results/study/{path}" for path in TABLES]
    project.run(
        *targets, "--default-storage-provider", "s3", "--default-storage-prefix", "s3://trial",
        "--configfile", "study/config.yaml",
    )  # fmt: skip
    stored = {path: s3.get_object(Bucket="trial", Key=path)["Body"].read() for path in targets}
    here = {path.name for path in Path("results/study").rglob("*") if path.is_file()}
    assert here <= {"versions.tsv"}, "results were written beside the bucket as well"
    project.run(*targets, "--configfile", "study/config.yaml")
    for path in targets:
        assert Path(path).read_bytes() == stored[path], path
