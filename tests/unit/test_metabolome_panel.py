"""The tracked panel, and panels and reference times of users with mistakes."""

import re
from pathlib import Path

import pandas as pd
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.masses import neutral_mass
from gutaxis.metabolome.panel import isomers, panel_ions, read_panel, read_references
from gutaxis.metabolome.ratios import read_ratios

pytestmark = pytest.mark.unit

RESOURCES = Path(__file__).resolve().parents[2] / "resources" / "metabolites"


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return read_panel(paths=RESOURCES / "panel.tsv")


def write(path: Path, text: str) -> Path:
    path.write_text(text.replace("|", "\t"), encoding="utf-8")
    return path


def test_the_panel_has_the_compounds_of_the_axis(panel):
    assert len(panel) == 103
    classes = panel["class"].value_counts()
    assert classes["scfa"] == 7
    assert classes["primary_bile_acid"] == 6
    assert classes["secondary_bile_acid"] == 12
    asked = {
        "butyric acid", "L-tryptophan", "L-kynurenine", "indole-3-propionic acid", "inosine", "choline",
        "hippuric acid", "trimethylamine N-oxide", "L-carnitine", "deoxycholic acid", "cholic acid",
    }  # fmt: skip
    assert asked <= set(panel.index)
    assert panel["chebi"].notna().all() and panel["inchikey"].notna().all()
    # Short-chain fatty acids need derivatisation, so not finding them says nothing.
    assert (panel.loc[panel["class"] == "scfa", "assay"] == "derivatised").all()


@pytest.mark.parametrize(
    ("name", "inchikey", "chebi", "mass"),
    [
        ("butyric acid", "FERIUCNNQQJTOY-UHFFFAOYSA-N", "CHEBI:30772", 88.05243),
        ("L-tryptophan", "QIVBCDIJIAJPQS-VIFPVBQESA-N", "CHEBI:16828", 204.08988),
        ("L-kynurenine", "YGPSJZOEDVAXAB-QMMMGPOBSA-N", "CHEBI:16946", 208.08479),
        ("inosine", "UGQMRVRMYYASKQ-KQYNXXCUSA-N", "CHEBI:17596", 268.08077),
        ("cholic acid", "BHQCQFFYRZLCQQ-OELDTZBJSA-N", "CHEBI:16359", 408.28757),
        ("deoxycholic acid", "KXGVEGMKQFWNSR-LLQZFEROSA-N", "CHEBI:28834", 392.29266),
        ("taurocholic acid", "WBWWGRHZICKQGZ-HZAMXZRMSA-N", "CHEBI:28865", 515.29167),
        ("choline", "OEYIOHPDSNJKLS-UHFFFAOYSA-N", "CHEBI:15354", 104.10754),
        ("L-carnitine", "PHIQHXFUZVPYII-ZCFIWIBFSA-N", "CHEBI:16347", 161.10519),
    ],
)
def test_known_identities_and_masses(panel, name, inchikey, chebi, mass):
    row = panel.loc[name]
    assert (row["inchikey"], row["chebi"]) == (inchikey, chebi)
    assert neutral_mass(formula=row["formula"]) == pytest.approx(mass, abs=1e-5)


def test_formula_and_structure_of_each_row_have_the_same_atoms(panel):
    """Heavy atoms counted in the SMILES: an independent look at every formula."""
    for name, row in panel.iterrows():
        smiles = re.sub(r"\[(?:\d*)([A-Z][a-z]?|[cnos])[^\]]*\]", r"(\1)", row["smiles"]).replace("(H)", "")
        letters = re.findall(r"Cl|Br|[CNOSPcnos]", smiles)
        counted = {symbol: sum(letter.upper() == symbol for letter in letters) for symbol in "CNOS"}
        stated = {s: int(n or 1) for s, n in re.findall(r"([A-Z][a-z]?)(\d*)", row["formula"]) if s != "H"}
        assert {symbol: n for symbol, n in counted.items() if n} == stated, name


def test_ions_of_the_panel(panel):
    positive, negative = (panel_ions(panel=panel, mode=mode) for mode in ("positive", "negative"))
    assert positive["mz"].is_monotonic_increasing
    choline = positive[positive["name"] == "choline"]
    assert choline["adduct"].tolist() == ["[M]+"]
    assert "choline" not in set(negative["name"])
    assert set(negative["adduct"]) <= {"[M-H]-", "[M+HCOO]-", "[M+Cl]-", "[M-H-H2O]-", "[M+CH3COO]-", "[2M-H]-"}
    assert set(panel.index) == set(positive["name"])
    with pytest.raises(ValueError, match="mode"):
        panel_ions(panel=panel, mode="pos")


def test_isomers_are_listed(panel):
    listed = isomers(panel=panel)
    assert listed["deoxycholic acid"] == [
        "chenodeoxycholic acid", "hyodeoxycholic acid", "ursodeoxycholic acid", "isodeoxycholic acid",
    ]  # fmt: skip
    assert "L-valine" in listed["glycine betaine"]
    assert listed["L-leucine"][0] == "L-isoleucine"
    assert listed["L-tryptophan"] == []


def test_two_panels_are_read_as_one(tmp_path):
    first = write(tmp_path / "a.tsv", "name|formula|chebi\nglucose|C6H12O6|CHEBI:17634\n")
    second = write(tmp_path / "b.tsv", "# own\nname|formula|charge\nacetylcholine|C7H16NO2|1\n")
    panel = read_panel(paths=[first, second])
    assert panel.index.tolist() == ["glucose", "acetylcholine"]
    assert panel["charge"].tolist() == [0, 1]
    assert panel["isomers"].isna().all()
    assert isomers(panel=panel) == {"glucose": [], "acetylcholine": []}


@pytest.mark.parametrize(
    ("row", "column", "value"),
    [
        ("|C6H12O6|0|CHEBI:1|AAAAAAAAAAAAAA-AAAAAAAASA-N", "name", None),
        ("x||0|CHEBI:1|NA", "formula", None),
        ("x|C6H12Q6|0|CHEBI:1|NA", "formula", "C6H12Q6"),
        ("x|C6H12O6|one|CHEBI:1|NA", "charge", "one"),
        ("x|C6H12O6|0|17634|NA", "chebi", "17634"),
        ("x|C6H12O6|0|CHEBI:1|WQZGKKKJIJFFOK", "inchikey", "WQZGKKKJIJFFOK"),
        ("a;b|C6H12O6|0|CHEBI:1|NA", "name", "a;b"),
        ("first|C6H12O6|0|CHEBI:2|NA", "name", "first"),
        ("x|C6H12O6|0|CHEBI:9|NA", "chebi", "CHEBI:9"),
    ],
)
def test_mistakes_in_a_panel_are_named(tmp_path, row, column, value):
    head = "# a comment\nname|formula|charge|chebi|inchikey\nfirst|C2H4O2|0|CHEBI:9|NA\n"
    path = write(tmp_path / "own.tsv", f"{head}{row}\n")
    with pytest.raises(GutaxisError) as caught:
        read_panel(paths=path)
    (problem,) = caught.value.problems
    assert (problem.code, problem.file, problem.line, problem.column, problem.value) == (
        "M62", "own.tsv", 4, column, value,
    )  # fmt: skip


def test_all_mistakes_are_told_together_and_a_missing_column_is_named(tmp_path):
    path = write(tmp_path / "own.tsv", "name|formula\na|C2Q\nb|\n")
    with pytest.raises(GutaxisError) as caught:
        read_panel(paths=path)
    assert [(problem.line, problem.column) for problem in caught.value.problems] == [(2, "formula"), (3, "formula")]
    with pytest.raises(GutaxisError, match=r"M62 own\.tsv:1: columns are missing: formula"):
        read_panel(paths=write(tmp_path / "own.tsv", "name\na\n"))


def test_reference_times(panel, tmp_path):
    path = write(tmp_path / "rt.tsv", "name|mode|rt|adduct\nL-tryptophan|positive|120.5|[M+H]+\ninosine|negative|60|\n")
    table = read_references(path=path, panel=panel)
    assert table["name"].tolist() == ["L-tryptophan", "inosine"]
    assert table["rt"].tolist() == [120.5, 60.0]
    assert table["adduct"].tolist() == ["[M+H]+", None]
    bad = write(tmp_path / "rt.tsv", "name|mode|rt|adduct\nwater|positive|1|\ninosine|pos|1 min|M+H\n")
    with pytest.raises(GutaxisError) as caught:
        read_references(path=bad, panel=panel)
    found = {(problem.code, problem.line, problem.column) for problem in caught.value.problems}
    assert found == {("M63", 2, "name"), ("M63", 3, "mode"), ("M63", 3, "rt"), ("M63", 3, "adduct")}


def test_ratios_name_compounds_of_the_panel(panel, tmp_path):
    ratios = read_ratios(path=RESOURCES / "ratios.tsv", panel=panel).set_index("ratio")
    row = ratios.loc["secondary_to_primary_bile_acids"]
    assert set(row["numerator"]) == set(panel.index[panel["class"] == "secondary_bile_acid"])
    assert set(row["denominator"]) == set(panel.index[panel["class"] == "primary_bile_acid"])
    assert ratios.loc["kynurenine_to_tryptophan", "numerator"] == ("L-kynurenine",)
    head = "ratio|numerator|denominator|meaning\n"
    for line in ("x|water|inosine|", "x|inosine|inosine|", "x||inosine|"):
        with pytest.raises(GutaxisError, match=r"M64 r\.tsv:2"):
            read_ratios(path=write(tmp_path / "r.tsv", f"{head}{line}\n"), panel=panel)
