"""The checked sheets as files: written and read back they are the same tables."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
import yaml

from gutaxis.cohort.config import load_config
from gutaxis.cohort.model import load_cohort
from gutaxis.cohort.tables import FILES, TABLES, read_tables, write_tables

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def demo():
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    schema = ROOT / "config/schemas/config.schema.json"
    return load_cohort(config=load_config(config=config, schema_path=schema), root=ROOT)


def test_round_trip(demo, tmp_path):
    files = {name: tmp_path / f"{name}.tsv" for name in TABLES}
    write_tables(cohort=demo, files=files)
    read = read_tables(paths=[str(path) for path in files.values()])
    for name in TABLES:
        table = getattr(demo, name)
        if table is None:
            assert len(read[name]) == 0
            assert "patient_id" in read[name]
            continue
        table = table.drop(columns=[column for column in FILES if column in table])
        empty = [column for column in table if table[column].isna().all()]
        expected, found = table.drop(columns=empty), read[name].drop(columns=empty)
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, check_like=True)
    assert read["measurements"]["value_mm"].dtype == float
    assert read["patients"].index.name == "patient_id"


def test_words_in_a_column_whose_name_ends_in_day(demo, tmp_path):
    # `same_day` says whether a sample of the day of ILDR was taken before it; `collect_day` is a number of days
    demo = dataclasses.replace(demo, samples=demo.samples.assign(same_day="BEFORE"))
    files = {name: tmp_path / f"{name}.tsv" for name in TABLES}
    write_tables(cohort=demo, files=files)
    samples = read_tables(paths=[str(files["samples"])])["samples"]
    assert set(samples["same_day"]) == {"BEFORE"}
    assert samples["collect_day"].dtype == float
