"""Quality tables of the metagenome arm: one row per sample, whatever steps it went through."""

import pandas as pd
import pytest

from gutaxis.metagenome.quality import controls_table, quality_table

pytestmark = pytest.mark.unit
INDEX = "#mpa_vJun23_CHOCOPhlAnSGB_202403\n"
HEADER = "#clade_name\tNCBI_tax_id\trelative_abundance\tadditional_species\n"


def table(path, text):
    path.write_text(text)
    return str(path)


@pytest.fixture
def tables(tmp_path):
    counts = "sample_id\traw\ttrimmed\ttrimmed_orphans\trepeats\thost\tfinal\tfinal_orphans\n"
    check = "sample_id\tlane\tlayout\tname_format\treads\n"
    taxa = "sample_id\treads\tspecies\tunclassified_percent\n"
    return {
        "check": [
            table(tmp_path / "c1", check + "S2\t1\tpaired\tslash\t50\nS2\t2\tpaired\tslash\t50\n"),
            table(tmp_path / "c2", check + "BL\t1\tpaired\tslash\t0\n"),
        ],
        "clean": [
            table(tmp_path / "k1", counts + "S2\t200\t190\t5\t1\t20\t160\t4\n"),
            table(tmp_path / "k2", counts + "BL\t0\t0\t0\t0\t0\t0\t0\n"),
        ],
        "taxa": [
            table(tmp_path / "t1", taxa + "S2\t164\t8\t1.5\n"),
            table(tmp_path / "t2", taxa + "BL\t0\t0\t100\n"),
        ],
        "functions": [table(tmp_path / "f1", "sample_id\tpathways\nS2\t21\n")],
    }


def test_one_row_per_sample(tables, tmp_path):
    samples = {"S2": ["B1", "N"], "BL": ["B1", "BLANK"]}
    quality_table(samples=samples, **tables, output=tmp_path / "qc.tsv")
    qc = pd.read_csv(tmp_path / "qc.tsv", sep="\t", index_col=0)
    assert qc.index.tolist() == ["BL", "S2"]
    assert qc.loc["S2", ["lanes", "host_percent", "left_percent", "pathways"]].tolist() == [2, 10, 82, 21]
    # an empty blank has no percentages and no functions: missing, not zero
    assert qc.loc["BL", ["host_percent", "left_percent", "pathways"]].isna().all()


def test_without_functions(tables, tmp_path):
    quality_table(samples={"S2": ["B1", "N"]}, **{**tables, "functions": []}, output=tmp_path / "qc.tsv")
    assert "pathways" not in pd.read_csv(tmp_path / "qc.tsv", sep="\t")


def test_controls(tmp_path):
    rows = "UNCLASSIFIED\t-1\t10\t\nk__B|s__A\t1\t30\t\nk__B|s__A|t__SGB1\t1\t30\t\nk__B|s__C\t1\t60\t\n"
    profile = table(tmp_path / "MOCK1.tsv", INDEX + HEADER + rows)
    controls_table(profiles=[profile], samples={"MOCK1": ["B1", "MOCK"]}, output=tmp_path / "controls.tsv")
    found = pd.read_csv(tmp_path / "controls.tsv", sep="\t")
    assert found["species"].tolist() == ["C", "A", "UNCLASSIFIED"]
    assert set(found["control"]) == {"MOCK"}


def test_no_controls_header_only(tmp_path):
    controls_table(profiles=[], samples={}, output=tmp_path / "controls.tsv")
    assert (tmp_path / "controls.tsv").read_text() == "sample_id\tbatch\tcontrol\tspecies\tpercent\n"
