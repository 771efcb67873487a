"""Quality control on public runs: their own figures of QC precision, the documented filters, and batch correction."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.metabolome.feature_table import make_feature_table
from gutaxis.metabolome.process import ProcessSettings, process
from gutaxis.metabolome.quality import blank_ratio, relative_sd

pytestmark = pytest.mark.realdata


def read(public_data, study: str, name: str) -> pd.DataFrame:
    return pd.read_csv(public_data / "metabolomics" / study / name, sep="\t")


def injections(ids, control, **columns) -> pd.DataFrame:
    rows = {"patient_id": list(ids), "timepoint": None, "batch": None, "run_order": None, "control": list(control)}
    return pd.DataFrame(rows | columns, index=pd.Index(list(ids), name="sample_id"))


def published_table(public_data, study: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Values (features x injections), kinds of injections, the published peak table."""
    data, peaks = read(public_data, study, "Data.tsv"), read(public_data, study, "Peak.tsv").set_index("Name")
    # MTBLS290 injects individuals more than once: SampleID is no key there, Idx is
    data.index = [f"I{number:03}" for number in data["Idx"]]
    return data[peaks.index].T.astype(float), data["SampleType"], peaks


def test_gastric_cancer_nmr_precision_is_the_published_and_the_documented_filter_keeps_52(public_data):
    values, kinds, peaks = published_table(public_data, "GastricCancer_NMR")
    rows = injections(values.columns, np.where(kinds == "QC", "POOL_QC", "N"))
    settings = ProcessSettings(rsd_max=0.2, min_detection=0.9, pqn=False)
    done = process(table=make_feature_table(values=values, targeted=True), injections=rows, settings=settings)
    np.testing.assert_allclose(100 * done.feature_quality["rsd_before"], peaks["QC_RSD"], atol=1e-9, rtol=0)
    documented = peaks.index[(peaks["QC_RSD"] < 20) & (peaks["Perc_missing"] < 10)]
    assert len(documented) == 52
    assert list(done.values.index) == list(documented)
    assert "Not done: there is no run order" in set(done.messages["message"])


def test_newborn_urine_precision_and_blanks_are_the_published(public_data):
    values, kinds, peaks = published_table(public_data, "MTBLS290")
    qcs, blanks = values.loc[:, (kinds == "QC").to_numpy()], values.loc[:, (kinds == "Blank").to_numpy()]
    np.testing.assert_allclose(100 * relative_sd(values=np.log2(qcs)), peaks["QC_RSD"], atol=1e-9, rtol=0)
    ratio = blank_ratio(blanks=blanks, references=qcs)
    assert ((ratio > 0.2).sum(), (ratio > 0.05).sum()) == (6, 58)
    control = kinds.map({"QC": "POOL_QC", "Sample": "N", "Blank": "BLANK"})
    rows = injections(values.columns, control, batch="B1", run_order=range(1, values.shape[1] + 1))
    done = process(table=make_feature_table(values=values), injections=rows, settings=ProcessSettings())
    assert (done.feature_quality["reason"] == "blank").sum() == 6
    assert set(done.feature_quality.loc[done.feature_quality["reason"] == "blank"].index) == set(
        ratio.index[ratio > 0.2]
    )


def test_eight_batches_of_direct_infusion_come_near_the_precision_within_batches(public_data):
    samples = read(public_data, "MTBLS79", "samples.tsv").set_index("sample")
    values = pd.read_csv(public_data / "metabolomics" / "MTBLS79" / "matrix.tsv.gz", sep="\t", index_col=0)
    values.index = [f"POS_{number:04}" for number in range(1, len(values) + 1)]
    rows = injections(
        samples.index, np.where(samples["Class"] == "QC", "POOL_QC", "N"),
        batch="B" + samples["Batch"].astype(str).to_numpy(), run_order=samples["run_order"].to_numpy(),
    )  # fmt: skip
    rows["patient_id"] = samples["Class2"]
    done = process(table=make_feature_table(values=values), injections=rows, settings=ProcessSettings())
    quality = done.feature_quality
    assert 100 * quality["rsd_before"].median() == pytest.approx(24.2, abs=0.05)
    assert quality["rsd_held_out"].median() <= 0.15
    assert quality["rsd_held_out_plain"].median() <= 0.15
    few = samples[samples["Class"] == "QC"].groupby("Batch").size().loc[lambda n: n < 5].index
    batches = done.batches.set_index("batch")
    assert batches.loc[[f"B{number}" for number in few], "span"].isna().all()
    assert batches.loc["B1", "method"] == "loess"
