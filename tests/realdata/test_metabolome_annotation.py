"""Names of a real table (MTBLS290, newborn urine, 236 metabolites with ChEBI ids and InChI) in panel and Reactome."""

import re
from pathlib import Path

import pandas as pd
import pytest

from gutaxis.metabolome.annotate import annotate
from gutaxis.metabolome.levels import Settings
from gutaxis.metabolome.panel import read_panel
from gutaxis.metabolome.pathways import measured_compounds, read_pathways

pytestmark = pytest.mark.realdata

RESOURCES = Path(__file__).resolve().parents[2] / "resources" / "metabolites"


@pytest.fixture(scope="module")
def peaks(public_data) -> pd.DataFrame:
    table = pd.read_csv(public_data / "metabolomics" / "MTBLS290" / "Peak.tsv", sep="\t").set_index("Name")
    return table.rename(columns={"Label": "name", "database_identifier": "chebi"}).rename_axis("feature")


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return read_panel(paths=RESOURCES / "panel.tsv")


def test_formulas_of_the_panel_are_those_deposited_for_the_same_chebi_id(peaks, panel):
    shared = panel.reset_index().merge(peaks[["chebi", "inchi"]].drop_duplicates("chebi"), on="chebi")
    shared = shared[shared["inchi"].str.startswith("InChI=", na=False)]
    assert len(shared) == 39
    deposited = [text.split("/")[1] for text in shared["inchi"]]
    atoms = lambda formula: dict(re.findall(r"([A-Z][a-z]?)(\d*)", formula))  # noqa: E731
    different = [
        name for name, own, theirs in zip(shared["name"], shared["formula"], deposited, strict=True)
        if atoms(own) != atoms(theirs)
    ]  # fmt: skip
    assert different == []


def test_a_tables_names_are_kept_and_found_by_their_ids(peaks, panel):
    annotations = annotate(features=peaks[["name", "chebi"]], panel=panel, settings=Settings(table_level=2)).annotations
    assert annotations["level"].tolist() == [2] * 236
    assert annotations.loc[peaks.index[peaks["name"] == "Hippurate"], "label"].tolist() == ["hippuric acid"]
    assert annotations["label"].notna().all()
    found = annotations["label"].isin(panel.index)
    assert found.sum() >= 39
    # What the panel does not have keeps the table's own name.
    assert (annotations.loc[~found, "label"] == peaks.loc[~found, "name"]).all()


def test_most_chebi_ids_are_known_to_reactome(peaks):
    given = peaks[peaks["chebi"].str.startswith("CHEBI:", na=False)]
    annotations = given[["chebi"]].assign(level=2, adduct=None, ppm=float("nan"))
    pathways = read_pathways(path=RESOURCES / "chebi_reactome.tsv.gz", forms=RESOURCES / "chebi_forms.tsv.gz")
    compounds = measured_compounds(annotations=annotations, pathways=pathways, max_level=5)
    known = compounds["pathways"].map(len) > 0
    assert len(compounds) < len(given)  # metabolites measured twice count once
    assert known.mean() > 0.5
