"""Bad files of the metabolome: told by name, the other injections unharmed."""

import pytest
import yaml

from gutaxis.simulate.metabolome import write_injection
from gutaxis.simulate.metabolome_plan import plan_metabolome
from gutaxis.simulate.trial import plan_trial

ORDER = ("P01_PRE_PLASMA", "P01_POST_PLASMA", "P02_PRE_PLASMA", "B1_PLASMA_QC1")


@pytest.fixture
def plasma(project):
    """Four simulated injections of one batch as a study of its own, without the simulator."""
    truth = plan_metabolome(truth=plan_trial(n=2, seed=11, pairs=100), qcs=2, blanks=1)
    rows = ["sample_id\tpatient_id\tassay\tmaterial\ttimepoint\tbatch\trun_order\tcontrol\tfile_1"]
    for number, sample in enumerate(ORDER, start=1):
        write_injection(truth=truth, sample_id=sample, mode="positive", path=project.folder / f"raw/{sample}.mzML")
        patient, point = sample.split("_")[:2] if sample.startswith("P") else ("", "")
        control = "N" if patient else "POOL_QC"
        material = "PLASMA" if patient else ""
        rows.append(f"{sample}\t{patient}\tMETAB\t{material}\t{point}\tB1\t{number}\t{control}\traw/{sample}.mzML")
    project.write("s.tsv", "\n".join(rows) + "\n")
    project.write("p.tsv", "patient_id\tresponse\nP01\tR\nP02\tNR\n")
    config = {
        "output": "results/x",
        "cohort": {"patients": "p.tsv", "samples": "s.tsv"},
        "response": {"source": "given"},
        "contrasts": {"baseline": {"role": "primary"}},
        "covariates": [],
    }
    project.write("x.yaml", yaml.safe_dump(config))
    return project


def test_a_cut_off_file_is_named_and_the_others_are_extracted(plasma):
    path = plasma.folder / "raw/P02_PRE_PLASMA.mzML"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    done = plasma.run("metabolome", "--keep-going", "--configfile", "x.yaml", check=False)
    assert done.returncode == 1
    told = [line for line in done.text.splitlines() if "P02_PRE_PLASMA.mzML" in line and line.startswith("extract")]
    assert told, done.text[-3000:]
    features = plasma.folder / "results/x/metabolome/features/positive"
    made = sorted(item.name.removesuffix(".featureXML") for item in features.glob("*.featureXML"))
    assert made == sorted(set(ORDER) - {"P02_PRE_PLASMA"})
    assert not (features / "linked.tsv").exists()
    log = (plasma.folder / "results/x/logs/extract_features/positive.P02_PRE_PLASMA.log").read_text()
    assert "Traceback" not in log
    assert "M0" in log


def test_few_samples_with_one_pooled_qc_go_through_and_nothing_is_invented(plasma):
    plasma.run("metabolome", "--configfile", "x.yaml")
    out = plasma.folder / "results/x"
    messages = (out / "metabolome/normalised/messages.tsv").read_text()
    assert "LOESS" not in messages.split("drift")[0]
    assert "info\tdrift" not in messages or "LOESS with span" not in messages
    assert "no result: 1 responders and 1 non-responders" in (out / "differential/metabolites/baseline.tsv").read_text()


def test_a_file_of_the_other_polarity_is_refused(plasma):
    sheet = (plasma.folder / "s.tsv").read_text().replace("file_1", "file_2")
    plasma.write("s.tsv", sheet)
    done = plasma.run("metabolome", "--configfile", "x.yaml", check=False)
    assert done.returncode == 1
    assert "positive" in done.text
    assert "Traceback" not in done.text
    assert not list((plasma.folder / "results/x/metabolome/features").rglob("*.featureXML"))
