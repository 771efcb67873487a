"""Whose sample it is: sex genes and likeness within patients, with planted swaps."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from gutaxis.single_cell.identity import IDENTITY_COLUMNS, IdentitySettings, identity, identity_files

GENES = [f"G{number}" for number in range(400)] + ["XIST", "RPS4Y1", "DDX3Y", "IGHV1"]


def _cohort(folder, *, patients, swap=(), mixed=None, times=("PRE", "POST")):
    """Two samples of each patient: a fifth of the genes differs between patients, treatment changes others."""
    rng = np.random.default_rng(17)
    base = rng.lognormal(3.5, 1.0, 400)
    change = np.where(rng.random(400) < 0.2, rng.normal(0, 0.8, 400), 0)
    rows, files = [], {}
    own = {
        patient: np.where(rng.random(400) < 0.2, rng.normal(0, 0.8, 400), 0) for patient in range(patients)
    }  # fmt: skip
    for patient in range(patients):
        for time in times:
            sample = f"P{patient}_{time}"
            true = dict(swap).get(sample, sample)
            giver = int(true[1 : true.index("_")])
            types = {}
            for name in ("b", "nk"):
                mean = base * np.exp(own[giver] + change * (time == "POST") + rng.normal(0, 0.1, 400))
                female = giver % 2 == 0
                sexed = np.array([200.0 * female, 60.0 * (not female), 60.0 * (not female), rng.gamma(0.2, 500)])
                if sample == mixed:
                    sexed[:3] = 60.0
                types[name] = rng.poisson(np.concatenate([mean, sexed]))
            files[sample] = folder / f"{sample}.h5ad"
            ad.AnnData(
                X=sparse.csr_matrix(np.array(list(types.values())).astype(np.int32)),
                obs=pd.DataFrame({"n_cells": 50}, index=pd.Index(list(types), dtype=object)),
                var=pd.DataFrame(index=pd.Index(GENES, dtype=object)),
            ).write_h5ad(files[sample])
            rows.append((sample, f"P{patient}", "blood", "F" if patient % 2 == 0 else "M", time))
    return pd.DataFrame(rows, columns=["sample_id", "patient_id", "tissue", "sex", "timepoint"]), files


def test_every_sample_is_nearest_to_its_own_patient_and_of_the_right_sex(tmp_path):
    samples, files = _cohort(tmp_path, patients=6)
    table = identity(samples=samples, pseudobulk=files)
    assert table.columns.tolist() == IDENTITY_COLUMNS
    assert set(table["verdict"]) == {"ok"}
    assert (table["nearest_patient"] == table["patient_id"]).all()
    assert (table["sex_inferred"] == table["sex_sheet"]).all()
    assert (table["own_r"] > table["best_other_r"] + 0.3).all()
    # what treatment does to everybody is taken off: without the timepoint the patient is harder to see
    blind = identity(samples=samples.drop(columns="timepoint"), pseudobulk=files)
    assert blind["own_r"].mean() < table["own_r"].mean() - 0.1


def test_a_swap_within_a_sex_is_found_by_likeness_and_all_four_are_named(tmp_path, capsys):
    samples, files = _cohort(tmp_path, patients=6, swap=[("P1_POST", "P3_POST"), ("P3_POST", "P1_POST")])
    identity_files(samples=samples, pseudobulk=files, output=tmp_path / "identity.tsv")
    table = pd.read_csv(tmp_path / "identity.tsv", sep="\t", comment="#").set_index("sample_id")
    wrong = table.index[table["verdict"] == "mismatch"].tolist()
    assert wrong == ["P1_POST", "P1_PRE", "P3_POST", "P3_PRE"]
    assert table.loc["P1_POST", "nearest_patient"] == "P3"
    assert set(table["sex_match"]) == {"Y"}
    assert "WARNING: P1_POST of patient P1 (blood): patient P3 is nearer" in capsys.readouterr().out


def test_a_swap_between_sexes_is_found_without_any_other_sample(tmp_path):
    samples, files = _cohort(tmp_path, patients=4, swap=[("P0_PRE", "P1_PRE")], times=("PRE",))
    table = identity(samples=samples, pseudobulk=files).set_index("sample_id")
    assert table.loc["P0_PRE", ["sex_inferred", "sex_match", "verdict"]].tolist() == ["M", "N", "mismatch"]
    # one sample of a patient cannot be compared with the patient
    assert table.loc["P2_PRE", "verdict"] == "unsure"
    assert "no other sample of this patient" in table.loc["P2_PRE", "reason"]


def test_both_sex_genes_too_few_counts_and_an_unknown_sex_infer_nothing(tmp_path):
    samples, files = _cohort(tmp_path, patients=4, mixed="P2_PRE")
    samples.loc[samples["patient_id"] == "P3", "sex"] = None
    table = identity(samples=samples, pseudobulk=files).set_index("sample_id")
    assert table.loc["P2_PRE", "sex_inferred"] is None
    assert table.loc["P3_PRE", ["sex_inferred", "sex_match"]].tolist() == ["M", None]
    many = identity(samples=samples, pseudobulk=files, settings=IdentitySettings(min_sex_counts=10_000))
    assert many["sex_inferred"].isna().all()
    assert many["x_counts"].sum() > 0


def test_samples_without_cells_and_of_one_patient_only_are_unsure(tmp_path):
    samples, files = _cohort(tmp_path, patients=2)
    del files["P1_PRE"], files["P1_POST"]
    table = identity(samples=samples, pseudobulk=files).set_index("sample_id")
    assert table.loc["P1_PRE", ["verdict", "reason"]].tolist() == ["unsure", "no cells"]
    assert table.loc["P0_PRE", "verdict"] == "unsure"


def test_row_order_changes_nothing(tmp_path):
    samples, files = _cohort(tmp_path, patients=4)
    one = identity(samples=samples, pseudobulk=files)
    two = identity(samples=samples.iloc[::-1], pseudobulk=dict(reversed(files.items())))
    pd.testing.assert_frame_equal(one, two)


@pytest.mark.parametrize("times", [("PRE", "POST"), ("PRE",)])
def test_a_tissue_without_any_counts_is_no_error(times):
    samples = pd.DataFrame([(f"P0_{time}", "P0", "tumor", "F") for time in times],
                           columns=["sample_id", "patient_id", "tissue", "sex"])  # fmt: skip
    assert identity(samples=samples, pseudobulk={})["verdict"].tolist() == ["unsure"] * len(times)
