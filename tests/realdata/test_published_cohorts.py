"""Six published cohorts, from public files to a taxa layer: shapes, traps, and a check that no samples are swapped."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import wilcoxon

from gutaxis.cohort.published import make_sheets
from gutaxis.cohort.published_sources import SOURCES
from gutaxis.errors import GutaxisError
from gutaxis.layers.assemble import assemble_layer
from gutaxis.layers.metaphlan import read_profiles
from gutaxis.layers.ranks import taxa_of_rank

pytestmark = pytest.mark.realdata

# samples in the layer, species, dropped by reason, responses of patients R / NR / NA
EXPECTED = {
    "lee_2022": (164, 2006, {"no profile in the table": ["ERR10290768"]}, (65, 97, 3)),
    "frankel_2017": (39, 1412, {}, (19, 20, 0)),
    "matson_2018": (38, 1119, {"no profile in the table": ["SRR6000943"]}, (14, 24, 1)),
    "peters_2019": (27, 1231, {"not in the sheets": 20}, (14, 9, 4)),
    "baruch_2021": (40, 1010, {"not in the sheets": ["SRR13068852", "SRR13068853"]}, (4, 6, 0)),
    "toposcore": (97, 2039, {}, (0, 0, 65)),
}


def frame(layer):
    return pd.DataFrame(layer.X, index=layer.obs_names, columns=layer.var_names)


@pytest.mark.parametrize("name", SOURCES)
def test_shapes_sums_and_drops(runs, name):
    cohort, layer, _ = runs[name]
    samples, species, dropped, responses = EXPECTED[name]
    assert layer.shape == (samples, species)
    assert np.abs(layer.X.sum(axis=1) - 1).max() < 1e-4
    found = layer.uns["dropped"].groupby("reason", observed=True)["sample_id"].apply(list).to_dict()
    assert {reason: len(ids) for reason, ids in found.items()} == {
        reason: ids if isinstance(ids, int) else len(ids) for reason, ids in dropped.items()
    }
    assert all(found[reason] == ids for reason, ids in dropped.items() if isinstance(ids, list))
    assert cohort.patients["response"].fillna("NA").value_counts().reindex(["R", "NR", "NA"]).fillna(
        0
    ).tolist() == list(responses)
    assert not set(layer.obs.columns) & {"response", "bor"}
    assert layer.uns["unit"] == "fraction"


def test_index_line_is_recorded_where_there_is_one(runs):
    indexes = {name: layer.uns.get("index") for name, (_, layer, _) in runs.items()}
    assert indexes.pop("peters_2019") == "mpa_vOct22_CHOCOPhlAnSGB_202212"
    assert indexes.pop("toposcore") is None
    assert set(indexes.values()) == {"unknown"}


@pytest.mark.parametrize(
    ("name", "sgb"),
    [("lee_2022", 2112), ("frankel_2017", 1492), ("matson_2018", 1188), ("peters_2019", 1298), ("baruch_2021", 1067)],
)
def test_sgb_rank(public_data, name, sgb):
    source = SOURCES[name]
    profiles = read_profiles(paths=[public_data / source.table], sample_prefix=source.prefix)
    taxa = taxa_of_rank(profiles=profiles, rank="sgb")
    assert taxa.values.shape[1] == sgb
    assert np.allclose(taxa.values.sum(axis=1), 1, atol=1e-4)
    assert taxa.unclassified.isna().all()
    assert (taxa.var["kingdom"] != "").all()


def test_wrong_prefix_suggests_the_right_one(public_data, runs, tmp_path):
    cohort = runs["peters_2019"][0]
    with pytest.raises(GutaxisError, match="Set `sample_prefix: metaphlan4d_`: it turns 27 of 47 names"):
        assemble_layer(
            name="taxa", source="metaphlan", paths=[str(public_data / SOURCES["peters_2019"].table)],
            observations=cohort.observations(assay="MGX"), sample_prefix="metaphlan_",
            output_h5ad=str(tmp_path / "a"), output_tsv=str(tmp_path / "b"), output_dropped=str(tmp_path / "c"),
        )  # fmt: skip


def test_lee_labels(runs, public_data):
    cohort, layer, sheets = runs["lee_2022"]
    topics = pd.DataFrame(sheets.notes, columns=["topic", "patient", "sample", "note"])
    disagree = topics[topics["topic"] == "labels_disagree"]["sample"].tolist()
    assert sorted(disagree) == ["ERR6279649", "ERR6281941"]
    assert (topics["topic"] == "definitions_differ").sum() == 29  # 28 with stable disease, 1 with two labels
    given = make_sheets(data=public_data, cohort="lee_2022", definition="given").patients["response"].value_counts()
    assert given.to_dict() == {"R": 94, "NR": 70, "NA": 1}
    sites = layer.obs["batch"].value_counts().to_dict()
    assert sites == {"PRIMM-NL": 55, "PRIMM-UK": 54, "Leeds": 43, "Barcelona": 12}
    assert layer.obs["antibiotics"].value_counts().sum() == 161  # 3 are unknown and stay so
    assert "antibiotics" in cohort.covariates


def test_frankel_given_labels_count_stable_disease(public_data):
    given = make_sheets(data=public_data, cohort="frankel_2017", definition="given")
    assert given.patients["response"].value_counts().to_dict() == {"R": 24, "NR": 15}


def test_baruch_patients_weeks_and_pairs(runs):
    cohort, layer, sheets = runs["baruch_2021"]
    assert layer.obs["patient_id"].nunique() == 10
    assert not layer.obs["patient_id"].astype(str).str.contains("Donor").any()
    assert layer.obs.groupby("patient_id", observed=True).size().eq(4).all()
    assert layer.obs["timepoint"].value_counts().to_dict() == {"POST": 30, "PRE": 10}
    pairs = cohort.pairs
    assert pairs["pair_status"].tolist() == ["PAIRED"] * 10
    days = cohort.samples.loc[pairs["post"], "collect_day"]
    assert set(days) == {31.0}  # nearest to day 21 within day 7 to 63
    assert len([note for note in sheets.notes if note[0] == "donor"]) == 2
    values = frame(layer)["Barnesiella_intestinihominis"]
    change = values[pairs["post"]].to_numpy() - values[pairs["pre"]].to_numpy()
    assert (change > 0).all()  # in 10 of 10, as computed independently from the same file
    assert wilcoxon(change).pvalue == pytest.approx(0.002, abs=2e-4)


def test_toposcore_pairs_are_not_swapped(runs):
    cohort, layer, _ = runs["toposcore"]
    assert cohort.pairs["pair_status"].value_counts().to_dict() == {"PAIRED": 32, "PRE_ONLY": 23, "POST_ONLY": 10}
    pairs = cohort.pairs[cohort.pairs["pair_status"] == "PAIRED"]
    values = frame(layer)
    distance = cdist(values.loc[pairs["pre"]], values.loc[pairs["post"]], metric="braycurtis")
    own = np.diag(distance)
    assert int((distance.argmin(axis=1) == np.arange(32)).sum()) == 25
    others = (distance.sum(axis=1) - own) / 31
    assert int((own < others).sum()) == 30
    assert np.median(own) == pytest.approx(0.43, abs=0.02)
    assert np.median(others) == pytest.approx(0.79, abs=0.02)


def test_table_with_a_duplicate_row_or_an_outcome_is_refused(public_data, runs, tmp_path):
    text = (public_data / SOURCES["toposcore"].table).read_text()
    broken = tmp_path / "DS6.csv"
    outputs = {f"output_{kind}": str(tmp_path / kind) for kind in ("h5ad", "tsv", "dropped")}
    arguments = {
        "name": "taxa", "source": "table", "paths": [str(broken)], "kind": "compositional", "unit": "percent",
        "observations": runs["toposcore"][0].observations(assay="MGX"),
    }  # fmt: skip
    broken.write_text(text + text.splitlines()[1] + "\n")
    with pytest.raises(GutaxisError, match="sample LUM3_652 occurs more than once in lines 2 and 99"):
        assemble_layer(**arguments, **outputs)
    broken.write_text(text.replace("Candidatus_Methanomethylophilus_alvus", "OS", 1))
    with pytest.raises(GutaxisError, match="feature `OS` reads like a response or an outcome"):
        assemble_layer(**arguments, **outputs)


def test_humann_demo_tables(public_data, tmp_path):
    folder = public_data / "metagenome_reads" / "humann_demo"
    if not folder.is_dir():
        pytest.skip("no HUMAnN example tables in the public data folder")
    obs = pd.DataFrame({"patient_id": ["P1"]}, index=["demo"])
    for name, features in (("demo_genefamilies", 1412), ("demo_pathabundance", 27)):
        outputs = {f"output_{kind}": str(tmp_path / kind) for kind in ("h5ad", "tsv", "dropped")}
        layer = assemble_layer(
            name=name, source="humann", paths=[str(folder / f"{name}.tsv")], observations=obs, **outputs
        )
        special = sum(layer.obs[column].iloc[0] for column in layer.obs if column.startswith("un"))
        assert layer.X.sum() + special == pytest.approx(1e6)
        assert layer.n_vars == features
    bugs = assemble_layer(
        name="taxa", source="metaphlan", paths=[str(folder / "demo_metaphlan_bugs_list.tsv")],
        observations=obs.rename(index={"demo": "demo_metaphlan_bugs_list"}), **outputs,
    )  # fmt: skip
    assert bugs.X.round(4).tolist() == [[0.6522, 0.3478]]
    assert bugs.obs["unclassified"].tolist() == pytest.approx([0.5149], abs=1e-4)
    assert bugs.uns["denominator"] == "classified reads"
