"""The clinical arm in one pass: the demo's planted courses come out, a given response is linked as it is."""

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from gutaxis.clinical.draw import clinical_charts
from gutaxis.clinical.endpoints import derive_from_config, given_sample_response
from gutaxis.clinical.outputs import FIGURES, endpoint_names
from gutaxis.cohort.config import load_config
from gutaxis.cohort.model import load_cohort
from gutaxis.cohort.tables import TABLES, read_tables, write_tables
from gutaxis.simulate.cells import TAKEN

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def config():
    written = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    written["clinical"] = {"irecist": True, "simon": {"p0": 0.05, "p1": 0.25}}
    return load_config(config=written, schema_path=ROOT / "config/schemas/config.schema.json")


@pytest.fixture(scope="module")
def tables(config, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    files = {name: folder / f"{name}.tsv" for name in TABLES}
    write_tables(cohort=load_cohort(config=config, root=ROOT), files=files)
    return read_tables(paths=[str(path) for path in files.values()])


@pytest.fixture(scope="module")
def made(tables, config):
    return derive_from_config(tables=tables, config=config).tables


@pytest.fixture(scope="module")
def truth():
    return json.loads((ROOT / "config/demo/truth.json").read_text())["patients"]


def test_every_planned_table_is_made(made):
    assert sorted(made) == sorted(endpoint_names(adverse_events=True, irecist=True, simon=True))
    assert [name for name, table in made.items() if table.empty] == ["warnings"], "the demo leaves nothing to assume"


def test_planted_courses_come_out(made, truth):
    best = made["best_response"].set_index("patient_id")
    for patient, planted in truth.items():
        assert best.at[patient, "bor"] == planted["course"].removesuffix("_DEATH"), patient
        assert best.at[patient, "response"] == planted["response"], patient


def test_death_is_an_event(made, truth):
    [died] = [patient for patient, planted in truth.items() if planted["course"] == "PD_DEATH"]
    times = made["time_to_event"].set_index(["patient_id", "paramcd"])
    assert times.at[(died, "OS"), "cnsr"] == 0
    assert times.at[(died, "OS"), "aval_days"] == 71
    assert times.at[(died, "PFS2"), "aval_days"] == 43


#: material -> day of the sample before and after, as simulated
TISSUE_DAYS = {
    material: tuple(TAKEN[tissue, point] for point in ("PRE", "POST"))
    for material, tissue in (("PBMC", "blood"), ("TUMOR", "tumor"))
}


def test_every_sample_has_its_status(made, truth):
    table = made["sample_response"].set_index("sample_id")
    assert table["assay"].value_counts().to_dict() == {"MGX": 23, "METAB": 23, "SCRNA": 44}
    assert not {"B1_MOCK", "B1_BLANK"} & set(table.index)
    for sample, row in table.iterrows():
        assert row["response"] == truth[sample[:3]]["response"]
        days = {"MGX": (-2, 21), "METAB": (-1, 21)}.get(row["assay"]) or TISSUE_DAYS[row["material"]]
        assert row["days_from_ildr"] == days[row["timepoint"] == "POST"]


def test_figures(tables, config):
    assert tuple(clinical_charts(tables=tables, config=config)) == FIGURES


def test_given_response_is_linked_as_it_is(tables):
    patients = tables["patients"].copy()
    patients["response"] = ["R", "NR", None] * 4
    table = given_sample_response(tables={**tables, "patients": patients}).set_index("sample_id")
    assert table["assay"].value_counts().to_dict() == {"MGX": 23, "METAB": 23, "SCRNA": 44}
    assert table.at["P01_PRE", "response"] == "R"
    assert table.at["P02_PRE", "response"] == "NR"
    # not given is missing, never NR
    assert pd.isna(table.at["P03_PRE", "response"])
    assert table["bor"].isna().all()
    assert table.at["P12_PRE", "pair_status"] == "PRE_ONLY"
    assert table.at["P01_POST", "pair_id"] == "P01.MGX.STOOL"
