"""Public tables: an mwTab file, the mzTab-M of MS-DIAL, and direct-infusion data as a plain table."""

import gzip
import io

import numpy as np
import pandas as pd
import pytest
from pyteomics import mztab

from gutaxis.metabolome.tables.read import read_table, read_with_notes

pytestmark = pytest.mark.realdata

MZTAB = "lcmsms_dda_hydrophilic_height_mzTab.mztab.gz"


def test_mwtab_of_rat_serum(public_data):
    path = public_data / "metabolomics" / "mwtab" / "ST000017_AN000035.txt"
    table, notes = read_with_notes(path=path, format="mwtab")
    assert table.values.shape == (319, 42)
    assert table.unit == "peak area"
    assert not table.targeted
    assert set(table.features["mode"]) == {"negative"}
    assert table.values.at["13(S)-HPODE", "S00009477"] == 4727405
    assert table.features.at["15(S)-HETE", "kegg"] == "C04742"
    # The file holds metabolites twice, with the same peak areas in other samples: lines 124 and 370, for instance.
    moved = table.features["same_values_as"].dropna()
    assert moved.at["13(S)-HPODE (*)"] == "13(S)-HPODE"
    assert len(moved) == 67
    rows = table.values.loc[["13(S)-HPODE", "13(S)-HPODE (*)"]]
    assert np.array_equal(*np.sort(rows.fillna(0)).astype(int))
    assert not rows.iloc[0].equals(rows.iloc[1])
    assert any(
        note.startswith("WARNING: 67 features have the values of another one in other samples") for note in notes
    )


def test_mztab_of_msdial_agrees_with_pyteomics(public_data):
    path = public_data / "metabolomics" / "mztab_m" / MZTAB
    table = read_table(path=path, format="mztab")
    assert table.values.shape == (5144, 6)
    assert table.unit == "precursor intensity (peak height)"
    assert set(table.features["mode"]) == {"positive"}
    assert table.features["formula"].notna().sum() == 5144 - 4371
    assert "level" not in table.features, "999 and 530 are codes of MS-DIAL"
    with gzip.open(path, "rt", encoding="utf-8") as handle:
        oracle = mztab.MzTab(io.StringIO(handle.read()))
    rows = oracle.small_molecule_table
    names = [oracle.metadata[f"assay[{at}]"] for at in range(1, 7)]
    ids = [f"POS_{at}" for at in rows["SML_ID"]]
    theirs = rows[[f"abundance_assay[{at}]" for at in range(1, 7)]].to_numpy(dtype=float)
    assert np.array_equal(table.values.loc[ids, names].to_numpy(), theirs)
    peaks = oracle.small_molecule_feature_table.set_index("SMF_ID").loc[rows["SMF_ID_REFS"]]
    assert np.allclose(table.features.loc[ids, "mz"], peaks["exp_mass_to_charge"])
    assert np.allclose(table.features.loc[ids, "rt"], peaks["retention_time_in_seconds"])


def test_msdial_format_takes_its_mztab_export(public_data):
    path = public_data / "metabolomics" / "mztab_m" / MZTAB
    table = read_table(path=path, format="msdial", section="feature")
    assert table.values.shape == (5144, 6)
    assert table.features.loc[["POS_0", "POS_5141"], "adduct"].tolist() == ["[M+H]+", "[2M+H]+"]


def test_plain_table_of_mtbls79(public_data):
    path = public_data / "metabolomics" / "MTBLS79" / "matrix.tsv.gz"
    table = read_table(path=path, format="plain", orientation="features_by_samples")
    oracle = pd.read_csv(path, sep="\t", index_col=0)
    assert table.values.shape == (2488, 172)
    assert float(table.values.isna().to_numpy().mean()) == pytest.approx(0.043, abs=0.001)
    assert table.values.sum().loc[oracle.columns].to_numpy() == pytest.approx(oracle.sum().to_numpy())
