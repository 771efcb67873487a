"""TOPOSCORE on the published longitudinal cohort: Akkermansia classes as published, counts as in the file."""

from pathlib import Path

import anndata as ad
import pandas as pd
import pytest
from scipy.stats import wilcoxon

from gutaxis.stats.signatures import toposcore

pytestmark = pytest.mark.realdata
LISTS = Path(__file__).resolve().parents[2] / "resources" / "signatures"


@pytest.fixture(scope="module")
def scored(public_data):
    profiles = pd.read_csv(public_data / "toposcore" / "DS6_longitudinal_microbiome_data.csv", index_col=0)
    visits = pd.read_csv(public_data / "toposcore" / "DS5_longitudinal_clinical_data.csv")
    obs = pd.DataFrame({"patient_id": profiles.index, "timepoint": "PRE"}, index=profiles.index)
    data = ad.AnnData(profiles.to_numpy(float), obs=obs, var=pd.DataFrame(index=profiles.columns))
    return toposcore(adata=data, signatures=LISTS).set_index("sample_id"), visits


def test_every_species_has_a_column_and_every_sample_a_score(scored):
    table, _ = scored
    assert table.attrs.get("unmatched") == []
    assert table["score"].between(0, 1).all()
    assert len(table) == 97


def test_akkermansia_classes_are_the_published_ones(scored):
    table, visits = scored
    for visit in ("V0", "V3"):
        known = visits.dropna(subset=f"Sample_id_{visit}").set_index(f"Sample_id_{visit}")[f"AKK_TRICHO_{visit}"]
        assert table.loc[known.index, "akkermansia_class"].tolist() == known.str.lower().tolist()


def test_pairs_do_not_shift(scored):
    table, visits = scored
    pairs = visits.dropna(subset=["Sample_id_V0", "Sample_id_V3"])
    assert len(pairs) == 32
    for column, medians, p in (("sig1_present", (8, 8.5), 0.89), ("sig2_present", (25, 28.5), 0.30)):
        before, after = (table.loc[pairs[f"Sample_id_{visit}"], column].to_numpy() for visit in ("V0", "V3"))
        assert (pd.Series(before).median(), pd.Series(after).median()) == medians
        assert wilcoxon(after, before).pvalue == pytest.approx(p, abs=0.01)
