"""Names, levels and candidates of features: what each kind of evidence may claim, and what it may not."""

from pathlib import Path

import pandas as pd
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.files import write_tsv
from gutaxis.metabolome.annotate import NO_MATCHES, NO_REFERENCES, Annotation, annotate, annotate_files
from gutaxis.metabolome.candidates import adduct_key, name_key
from gutaxis.metabolome.levels import Settings
from gutaxis.metabolome.masses import ion_mz, parse_adduct
from gutaxis.metabolome.panel import read_panel
from gutaxis.metabolome.reading import read_commented

pytestmark = pytest.mark.unit

RESOURCES = Path(__file__).resolve().parents[2] / "resources" / "metabolites"
PANEL = read_panel(paths=RESOURCES / "panel.tsv")
DIHYDROXY = ["chenodeoxycholic acid", "deoxycholic acid", "hyodeoxycholic acid", "ursodeoxycholic acid"]


def mz(name: str, adduct: str = "[M+H]+") -> float:
    row = PANEL.loc[name]
    return ion_mz(formula=row["formula"], adduct=parse_adduct(name=adduct), charge=row["charge"])


def table(**columns: list) -> pd.DataFrame:
    size = len(next(iter(columns.values())))
    mode = ["positive"] * size
    index = pd.Index([f"POS_{n:04d}" for n in range(1, size + 1)], name="feature")
    return pd.DataFrame({"mode": mode, "rt": [100.0 * (n + 1) for n in range(size)], **columns}, index=index)


def times(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame([(*row, None) if len(row) == 3 else row for row in rows], columns=NO_REFERENCES.columns)


def spectra(*rows: tuple) -> pd.DataFrame:
    """Rows: feature, compound, score, matched, in_house; the InChIKey is the panel's."""
    full = [
        (feature, name, PANEL["inchikey"].get(name), None, None, score, matched, own)
        for feature, name, score, matched, own in rows
    ]
    return pd.DataFrame(full, columns=NO_MATCHES.columns)


def run(features: pd.DataFrame, **more: object) -> Annotation:
    settings = more.pop("settings", Settings())
    return annotate(features=features, panel=PANEL, settings=settings, **more)


def test_a_mass_alone_is_level_5_and_marked():
    row = run(table(mz=[mz("L-tryptophan") * (1 + 2e-6)])).annotations.iloc[0]
    assert (row["label"], row["level"], row["adduct"], row["evidence"]) == ("L-tryptophan?", 5, "[M+H]+", "mz")
    assert row["ppm"] == pytest.approx(2.0, abs=0.01)
    assert row["chebi"] == "CHEBI:16828"
    # The ammonium adduct of indole acrylic acid is the same ion: it is told.
    assert row["alternatives"] == "indole-3-acrylic acid [M+NH4]+"
    assert row["n_candidates"] == 2


def test_the_tolerance_is_kept_on_both_sides():
    exact = mz("inosine")
    features = table(mz=[exact * (1 + error * 1e-6) for error in (-5.1, -4.9, 4.9, 5.1)])
    assert (run(features).annotations["compound"] == "inosine").tolist() == [False, True, True, False]
    assert run(features, settings=Settings(ppm=6)).annotations["compound"].tolist() == ["inosine"] * 4


def test_isomers_share_a_feature_and_none_is_chosen():
    result = run(table(mz=[mz("deoxycholic acid", "[M-H]-")], mode=["negative"]))
    row = result.annotations.iloc[0]
    assert row["names"].split(";") == DIHYDROXY
    assert row["compound"] is None
    assert row["label"] == " / ".join(DIHYDROXY) + "?"
    assert row["isomers"] == "isodeoxycholic acid"
    assert row["class"] == "primary_bile_acid;secondary_bile_acid"
    assert set(result.candidates["name"]) == set(DIHYDROXY)
    coverage = result.coverage.set_index("compound")
    assert coverage.loc["deoxycholic acid", "status"] == "mass only"
    assert coverage.loc["deoxycholic acid", "note"] == "only together with other names"


def test_every_feature_has_a_level_and_unknown_ones_say_what_they_are():
    annotations = run(table(mz=[500.12345, float("nan")])).annotations
    assert annotations["level"].tolist() == [5, 5]
    assert annotations["label"].tolist() == ["unknown m/z 500.1234 at 100 s", "unknown"]
    assert annotations["n_candidates"].tolist() == [0, 0]


def test_two_ions_of_a_molecule_give_the_formula_and_no_more():
    both = table(
        mz=[mz("L-tryptophan"), mz("L-tryptophan", "[M+Na]+")], adduct=["[M+H]+", "[M+Na]+"], group=["G1", "G1"]
    )
    annotations = run(both).annotations
    assert annotations["level"].tolist() == [4, 4]
    assert annotations["compound"].tolist() == ["L-tryptophan"] * 2
    assert annotations["evidence"].tolist() == ["mz+adduct"] * 2
    # One ion with a default adduct is no evidence.
    assert run(both.iloc[:1]).annotations["level"].tolist() == [5]
    # Partners that say sodium take the name from the compound that would need a proton.
    wrong = both.assign(adduct=["[M+Na]+", "[M+K]+"])
    assert run(wrong).annotations.iloc[0]["evidence"] == "mz"
    assert run(wrong).annotations.iloc[0]["level"] == 5


def test_a_grouping_cannot_deny_a_permanent_cation():
    features = table(mz=[mz("choline", "[M]+"), 126.0889], adduct=["[M+H]+", "[M+Na]+"], group=["G1", "G1"])
    row = run(features).annotations.iloc[0]
    assert (row["compound"], row["adduct"], row["level"]) == ("choline", "[M]+", 5)


def test_a_known_charge_must_fit():
    features = table(mz=[mz("spermine", "[M+2H]2+")] * 3, charge=[1, 2, 0])
    assert ["spermine" in str(names) for names in run(features).annotations["names"]] == [False, True, True]


def test_the_time_of_a_reference_separates_isomers_but_is_only_tentative():
    features = table(mz=[mz("deoxycholic acid", "[M-H]-")] * 2, mode=["negative"] * 2, rt=[300.0, 330.0])
    known = times(
        ("deoxycholic acid", "negative", 331.0), ("chenodeoxycholic acid", "negative", 302.0),
        ("ursodeoxycholic acid", "negative", 250.0),
    )  # fmt: skip
    result = run(features, references=known)
    assert result.annotations["compound"].tolist() == ["chenodeoxycholic acid", "deoxycholic acid"]
    assert result.annotations["level"].tolist() == [3, 3]
    assert result.annotations["evidence"].tolist() == ["mz+rt"] * 2
    # The isomer without a reference is still listed, the contradicted ones are not.
    assert result.annotations["isomers"].tolist() == ["hyodeoxycholic acid;isodeoxycholic acid"] * 2
    denied = result.candidates[result.candidates["contradicted"]]
    assert set(denied.loc[denied["feature"] == "POS_0001", "name"]) == {"deoxycholic acid", "ursodeoxycholic acid"}
    assert result.coverage.set_index("compound").loc["deoxycholic acid", "status"] == "tentative"


def test_a_time_that_contradicts_everything_names_nothing():
    row = run(table(mz=[mz("inosine")]), references=times(("inosine", "positive", 300.0))).annotations.iloc[0]
    assert row["label"].startswith("unknown")
    assert (row["level"], row["n_candidates"]) == (5, 1)
    assert row["note"] == "the retention time contradicts every candidate"
    # A reference of the other mode says nothing here.
    other = run(table(mz=[mz("inosine")]), references=times(("inosine", "negative", 300.0))).annotations.iloc[0]
    assert other["label"] == "inosine?"


def test_a_rare_ion_gains_nothing_from_a_time():
    features = table(mz=[mz("inosine", "[2M+H]+")], rt=[50.0])
    row = run(features, references=times(("inosine", "positive", 50.0))).annotations.iloc[0]
    assert (row["compound"], row["level"]) == ("inosine", 5)
    grouped = features.assign(adduct="[2M+H]+", group="G1")
    pair = pd.concat([grouped, table(mz=[mz("inosine")], rt=[50.0]).rename({"POS_0001": "POS_0002"})])
    pair.loc["POS_0002", ["adduct", "group"]] = ["[M+H]+", "G1"]
    assert run(pair, references=times(("inosine", "positive", 50.0))).annotations["level"].tolist() == [3, 3]


def test_a_library_spectrum_gives_level_2_only_if_it_is_alone():
    features = table(mz=[mz("L-kynurenine")])
    row = run(features, matches=spectra(("POS_0001", "L-kynurenine", 0.93, 8, False))).annotations.iloc[0]
    assert (row["label"], row["level"], row["evidence"]) == ("L-kynurenine", 2, "mz+ms2")
    for score, matched in ((0.65, 8), (0.93, 3)):
        weak = run(features, matches=spectra(("POS_0001", "L-kynurenine", score, matched, False)))
        assert weak.annotations["level"].tolist() == [5]


def test_isomers_that_fit_alike_or_were_not_compared_stay_tentative():
    features = table(mz=[mz("L-leucine")])
    alone = run(features, matches=spectra(("POS_0001", "L-leucine", 0.95, 6, False))).annotations.iloc[0]
    assert (alone["compound"], alone["level"]) == ("L-leucine", 3)
    assert "L-isoleucine" in alone["isomers"]
    alike = spectra(("POS_0001", "L-leucine", 0.95, 6, False), ("POS_0001", "L-isoleucine", 0.92, 6, False))
    row = run(features, matches=alike).annotations.iloc[0]
    assert (row["compound"], row["level"], row["names"]) == (None, 3, "L-leucine;L-isoleucine")
    apart = spectra(("POS_0001", "L-leucine", 0.95, 6, False), ("POS_0001", "L-isoleucine", 0.75, 6, False))
    row = run(features, matches=apart).annotations.iloc[0]
    assert (row["compound"], row["level"]) == ("L-leucine", 2)


def test_level_1_needs_the_labs_own_spectrum_and_time():
    features = table(mz=[mz("L-kynurenine")], rt=[140.0])
    own = spectra(("POS_0001", "L-kynurenine", 0.93, 8, True))
    library = spectra(("POS_0001", "L-kynurenine", 0.93, 8, False))
    here, elsewhere = (times(("L-kynurenine", "positive", time)) for time in (143.0, 190.0))
    cases = [(own, here, 1), (own, NO_REFERENCES, 2), (library, here, 2), (NO_MATCHES, here, 3), (own, elsewhere, 5)]
    for matches, references, level in cases:
        row = run(features, matches=matches, references=references).annotations.iloc[0]
        assert row["level"] == level
    row = run(features, matches=own, references=here).annotations.iloc[0]
    assert (row["evidence"], row["label"]) == ("mz+rt+ms2", "L-kynurenine")


def test_isomers_of_equal_spectra_are_separated_by_their_own_times_only():
    features = table(mz=[mz("L-leucine")], rt=[100.0])
    both = spectra(("POS_0001", "L-leucine", 0.95, 6, True), ("POS_0001", "L-isoleucine", 0.95, 6, True))
    one = run(features, matches=both, references=times(("L-leucine", "positive", 100.0)))
    assert one.annotations["level"].tolist() == [3]
    two = run(
        features, matches=both,
        references=times(("L-leucine", "positive", 100.0), ("L-isoleucine", "positive", 80.0)),
    )  # fmt: skip
    assert two.annotations[["compound", "level"]].iloc[0].tolist() == ["L-leucine", 1]


def test_library_compounds_outside_the_panel_and_without_stereochemistry():
    features = table(mz=[mz("L-tryptophan"), mz("chenodeoxycholic acid")])
    foreign = spectra(("POS_0001", "made-up compound", 0.9, 7, False)).assign(
        inchikey="ABCDEFGHIJKLMN-UHFFFAOYSA-N", formula="C11H12N2O2"
    )
    row = run(features, matches=foreign).annotations.iloc[0]
    assert (row["label"], row["level"], row["formula"]) == ("made-up compound", 2, "C11H12N2O2")
    assert pd.isna(row["chebi"])
    flat = spectra(("POS_0002", "CDCA, flat", 0.9, 7, False)).assign(inchikey="RUDATBOHQWOJDD-UHFFFAOYSA-N")
    row = run(features, matches=flat).annotations.iloc[1]
    assert set(row["names"].split(";")) == {"chenodeoxycholic acid", "ursodeoxycholic acid"}
    assert row["level"] == 3


def test_names_of_a_table_are_found_in_the_panel_and_keep_the_tables_level():
    features = table(
        name=["Tryptophan", "cholate", "something", "x", "y", "inosine"], mz=[float("nan")] * 6,
        chebi=[None, None, None, "CHEBI:17596", None, None],
        inchikey=[None, None, None, None, "YGPSJZOEDVAXAB-QMMMGPOBSA-N", None], level=[1, 2, float("nan"), 3, 4, 5],
    )  # fmt: skip
    annotations = run(features).annotations
    assert annotations["label"].tolist() == [
        "L-tryptophan", "cholic acid", "something", "inosine", "L-kynurenine", "inosine",
    ]  # fmt: skip
    assert annotations["level"].tolist() == [1, 2, 5, 3, 4, 5]
    assert annotations["evidence"].tolist() == ["table"] * 6
    assert run(features, settings=Settings(table_level=2)).annotations["level"].iloc[2] == 2


def test_a_tables_name_goes_before_a_mass_and_a_mass_that_contradicts_it_is_told():
    features = table(mz=[mz("L-leucine"), mz("L-leucine")], name=["isoleucine", "inosine"])
    annotations = run(features).annotations
    assert annotations["label"].tolist() == ["L-isoleucine", "inosine"]
    assert annotations["evidence"].tolist() == ["mz+table", "table"]
    assert annotations["note"].tolist()[1] == "the m/z fits no usual ion of the compound that the table names"


def test_what_was_not_found_is_not_called_absent_where_the_assay_cannot_see_it():
    coverage = run(table(mz=[mz("inosine")])).coverage.set_index("compound")
    assert coverage.loc["butyric acid", "status"] == "not assayed"
    assert coverage.loc["cholic acid", "status"] == "not found"
    assert coverage.loc["inosine", ["status", "n_features", "adducts"]].tolist() == ["mass only", 1, "[M+H]+"]
    assert coverage.index.tolist() == PANEL.index.tolist()


@pytest.mark.parametrize(("column", "value"), [("mode", "pos"), ("level", 6.0), ("level", 2.5)])
def test_features_that_cannot_be_read_are_named(column, value):
    features = table(mz=[mz("inosine")]).assign(**{column: value})
    with pytest.raises(GutaxisError) as caught:
        run(features)
    assert (caught.value.problems[0].code, caught.value.problems[0].column) == ("M65", column)


def test_the_order_of_the_features_is_kept_and_changes_nothing():
    names = ["inosine", "L-leucine", "glycine betaine", "spermidine", "hippuric acid"]
    features = table(mz=[mz(name) for name in names])
    forward, backward = run(features), run(features.iloc[::-1])
    assert backward.annotations.index.tolist() == features.index[::-1].tolist()
    pd.testing.assert_frame_equal(forward.annotations, backward.annotations.loc[features.index])


def test_files_of_two_runs_have_the_same_bytes(tmp_path):
    features = table(mz=[mz("inosine"), mz("L-leucine"), 500.5], name=[None, None, "a # b"])
    write_tsv(features, tmp_path / "features.tsv", index=True, comment="unit: peak area\ndone: nothing")
    write_tsv(spectra(("POS_0001", "inosine", 0.9, 5, False)), tmp_path / "ms2.tsv")
    (tmp_path / "rt.tsv").write_text("name\tmode\trt\nL-leucine\tpositive\t200\n")
    written = []
    for run_name in ("a", "b"):
        out = [tmp_path / run_name / f"{kind}.tsv" for kind in ("annotations", "candidates", "coverage")]
        annotate_files(
            path_features=tmp_path / "features.tsv", panels=[RESOURCES / "panel.tsv"], references=tmp_path / "rt.tsv",
            matches=[tmp_path / "ms2.tsv"], settings=Settings(), path_annotations=out[0], path_candidates=out[1],
            path_coverage=out[2],
        )  # fmt: skip
        written.append([path.read_bytes() for path in out])
    assert written[0] == written[1]
    back = read_commented(path=tmp_path / "a" / "annotations.tsv").set_index("feature")
    assert back["level"].tolist() == [2, 3, 5]
    assert back["label"].tolist() == ["inosine", "L-leucine", "a # b"]


def test_spellings():
    assert adduct_key(name="[M-H2O+H]+") == adduct_key(name="[M+H-H2O]+") == adduct_key(name="M-H2O+H;1+")
    assert adduct_key(name="[M+2H]2+") != adduct_key(name="[M+H]+")
    assert name_key(name="L-Tryptophan ") == name_key(name="tryptophan")
    assert name_key(name="Deoxycholate") == name_key(name="deoxycholic acid")
    assert name_key(name="lactic acid") != name_key(name="lactose")
