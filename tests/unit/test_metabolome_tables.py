"""Tables of other software and of vendors: one made-up table, read from every format, has to come out the same."""

import gzip

import numpy as np
import pandas as pd
import pytest
from tests import metabolome_tables as made
from tests.metabolome_tables import MZ, NAMES, RT, SAMPLES, VALUES, expected

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.feature_table import read_feature_table
from gutaxis.metabolome.tables.found import is_absolute
from gutaxis.metabolome.tables.options import FORMATS
from gutaxis.metabolome.tables.read import ADAPTERS, import_tables, read_table, read_with_notes

pytestmark = pytest.mark.unit

FT = [f"FT_{at}" for at in range(1, 7)]
POS = [f"POS_{at}" for at in range(6)]
POSITIVE = {"mode": "positive"}


def no_gaps(table):
    """Zeros are left to the processing; here they stand for gaps."""
    return table.values.mask(table.values == 0)


CASES = {
    "xcms": (made.write_xcms, "t.csv", "xcms", POSITIVE, [f"POS_FT{at:02d}" for at in range(1, 7)]),
    "mzmine": (made.write_mzmine, "t.csv", "mzmine", POSITIVE, [f"POS_{at}" for at in range(1, 7)]),
    "mzmine modular": (made.write_mzmine_modular, "t.csv", "mzmine", POSITIVE, [f"POS_{at}" for at in range(1, 7)]),
    "msdial": (made.write_msdial, "Area_0.txt", "msdial", POSITIVE, POS),
    "progenesis": (made.write_progenesis, "t.csv", "progenesis", {"mode": "negative"},
                   [f"NEG_{rt / 60:.2f}_{mz:.4f}m/z" for rt, mz in zip(RT, MZ, strict=True)]),
    "metaboanalyst": (made.write_metaboanalyst, "t.csv", "metaboanalyst", {}, NAMES),
    "plain": (made.write_plain, "t.tsv", "plain", {"orientation": "features_by_samples"} | POSITIVE,
              [f"POS_{name}" for name in NAMES]),
    "mwtab": (made.write_mwtab, "t.txt", "mwtab", {}, ["1_2-TRYPTOPHAN", *NAMES[1:]]),
    "mwtab JSON": (made.write_mwtab_json, "t.json", "mwtab", {}, NAMES),
    "mwtab old JSON": (made.write_mwtab_old_json, "t.json", "mwtab", {}, NAMES),
    "mztab": (made.write_mztab, "t.mztab", "mztab", {}, POS),
    "mztab of msdial": (made.write_mztab, "t.mzTab", "msdial", {}, POS),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_format_gives_the_same_values_samples_and_gaps(tmp_path, case):
    write, name, table_format, options, ids = CASES[case]
    table = read_table(path=write(tmp_path / name), format=table_format, **options)
    pd.testing.assert_frame_equal(no_gaps(table).loc[ids], expected(ids)[sorted(SAMPLES)], check_names=False)
    assert not table.targeted
    known = table.values.notna().to_numpy()
    assert (table.state.to_numpy()[~known] == "absent").all()
    assert (table.state.to_numpy()[known] != "absent").all()
    if "mz" in table.features:
        assert np.allclose(table.features.loc[ids, "mz"], MZ)
        assert table.features["mz"].is_monotonic_increasing, "features are sorted by m/z"
    if "rt" in table.features:
        assert np.allclose(table.features.loc[ids, "rt"], RT), "retention times are in seconds"


def test_every_format_has_an_adapter_and_a_test():
    assert set(ADAPTERS) == set(FORMATS)
    assert set(FORMATS) - {case[2] for case in CASES.values()} == {"metabolon", "panel"}, (
        "these have tests of their own"
    )


def test_text_of_other_encodings_and_separators_and_gzip(tmp_path):
    plain = read_table(path=made.write_plain(tmp_path / "t.tsv"), format="plain", orientation="features_by_samples",
                       mode="positive")  # fmt: skip
    text = (tmp_path / "t.tsv").read_text()
    (tmp_path / "u.tsv").write_bytes(text.replace("\n", "\r\n").encode("utf-16"))
    (tmp_path / "b.tsv").write_bytes(b"\xef\xbb\xbf# from the laboratory\n" + text.encode())
    (tmp_path / "z.tsv.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "s.csv").write_text(text.replace(".", ",").replace("\t", ";"))
    for name, options in (("u.tsv", {}), ("b.tsv", {}), ("z.tsv.gz", {}), ("s.csv", {"decimal": ","})):
        table = read_table(path=tmp_path / name, format="plain", orientation="features_by_samples", mode="positive",
                           **options)  # fmt: skip
        pd.testing.assert_frame_equal(table.values, plain.values)
        pd.testing.assert_frame_equal(table.features, plain.features)


def test_a_header_one_cell_short_as_r_writes_it(tmp_path):
    made.write_plain(tmp_path / "t.tsv", rows_are="samples")
    text = (tmp_path / "t.tsv").read_text().removeprefix("sample\t")
    (tmp_path / "t.tsv").write_text(text)
    table = read_table(path=tmp_path / "t.tsv", format="plain", orientation="samples_by_features")
    pd.testing.assert_frame_equal(table.values.loc[NAMES], expected(NAMES)[sorted(SAMPLES)])


def test_sample_names_lose_endings_of_raw_files_then_affixes_then_are_renamed(tmp_path):
    path = made.write_mzmine(tmp_path / "t.csv")
    options = {"sample_prefix": "P0", "rename": {"QC_1": "POOL_01"}}
    table = read_table(path=path, format="mzmine", mode="positive", **options)
    assert list(table.values.columns) == ["1_POST", "1_PRE", "2_PRE", "POOL_01"]


def test_rows_in_another_order_give_the_same_table(tmp_path):
    one = read_table(path=made.write_xcms(tmp_path / "t.csv"), format="xcms", mode="positive")
    header, *rows = (tmp_path / "t.csv").read_text().splitlines()
    (tmp_path / "u.csv").write_text("\n".join([header, *rows[::-1]]))
    other = read_table(path=tmp_path / "u.csv", format="xcms", mode="positive")
    pd.testing.assert_frame_equal(one.values, other.values)
    pd.testing.assert_frame_equal(one.features, other.features)


# ---- what each format says of its features -------------------------------------------------------------------------


def test_xcms_counts_in_classes_are_no_samples(tmp_path):
    _, notes = read_with_notes(path=made.write_xcms(tmp_path / "t.csv"), format="xcms", mode="positive")
    assert notes == ["3 columns that count peaks in classes of samples were left out: PRE, POST, QC"]
    text = (tmp_path / "t.csv").read_text().replace(",5,2,1,1,1,", ",5,2,1,0,1,")
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(GutaxisError, match=r"M90 t.csv:1 column=QC: this column is 0 everywhere"):
        read_table(path=tmp_path / "t.csv", format="xcms", mode="positive")
    table = read_table(path=tmp_path / "t.csv", format="xcms", mode="positive", samples=SAMPLES)
    assert sorted(SAMPLES) == list(table.values.columns)


def test_mzmine_tells_which_values_were_filled_in(tmp_path):
    table = read_table(path=made.write_mzmine_modular(tmp_path / "t.csv"), format="mzmine", mode="positive")
    assert table.state.loc["POS_1"].to_dict() == {
        "P01_PRE": "detected", "P01_POST": "detected", "P02_PRE": "detected", "QC_1": "forced"
    }  # fmt: skip
    assert (table.state.drop("POS_1") == "forced").to_numpy().sum() == 0
    assert table.features.loc["POS_1", ["name", "adduct"]].tolist() == ["Tryptophan", "[M+H]+"]
    heights = read_table(
        path=made.write_mzmine(tmp_path / "u.csv"), format="mzmine", mode="positive", quantity="height"
    )
    assert heights.unit == "peak height"
    assert (heights.values == 7.5).to_numpy().all()
    assert pd.isna(heights.features.at["POS_2", "name"])


def test_msdial_leaves_averages_out_and_marks_names_without_a_spectrum(tmp_path):
    table, notes = read_with_notes(path=made.write_msdial(tmp_path / "Area_1.txt"), format="msdial", mode="positive")
    assert notes == ["2 columns of averages and standard deviations were left out: A, A"]
    assert table.unit == "peak area"
    assert table.features.loc["POS_0", ["name", "name_doubt"]].tolist() == ["Tryptophan", "w/o MS2"]
    assert pd.isna(table.features.at["POS_1", "name"]), "Unknown is no name"
    normalised = read_table(path=made.write_msdial(tmp_path / "Normalized_1.txt"), format="msdial", mode="positive")
    assert normalised.done == {"normalised"}
    assert normalised.unit == "peak area or height"


def test_progenesis_reads_the_block_that_is_asked_for(tmp_path):
    path = made.write_progenesis(tmp_path / "t.csv")
    raw = read_table(path=path, format="progenesis", mode="negative")
    other = read_table(path=path, format="progenesis", mode="negative", block="normalised")
    assert raw.done == frozenset()
    assert other.done == {"normalised"}
    pd.testing.assert_frame_equal(other.values, 2 * raw.values)
    first = raw.features.loc["NEG_3.01_205.0972m/z"]
    assert first[["name", "adduct", "accepted_id"]].tolist() == ["Tryptophan", "M+H, M+Na", "CSID1"]


def test_progenesis_with_one_block_ends_at_the_known_columns(tmp_path):
    rows = [line.split(",") for line in made.write_progenesis(tmp_path / "t.csv").read_text().splitlines()]
    one = [row[:6] + row[10:-2] + row[-1:] for row in rows]  # without the normalised block
    one = [row[:12] for row in one]
    made.write(tmp_path / "u.csv", one, ",")
    table = read_table(path=tmp_path / "u.csv", format="progenesis", mode="negative")
    pd.testing.assert_frame_equal(
        table.values, read_table(path=tmp_path / "t.csv", format="progenesis", mode="negative").values
    )


def test_metaboanalyst_in_rows_or_columns_never_shows_its_labels(tmp_path):
    tables = [
        read_table(path=made.write_metaboanalyst(tmp_path / f"{rows}.csv", rows_are=rows), format="metaboanalyst")
        for rows in ("features", "samples")
    ]
    pd.testing.assert_frame_equal(tables[0].values, tables[1].values)
    for table in tables:
        assert "Label" not in table.values.index
        assert not {"R", "NR"} & set(table.features.to_numpy().ravel())


def test_metaboanalyst_names_that_are_places(tmp_path):
    rows = [["Sample", *SAMPLES], ["Label", *"ABAB"], *[[f"{mz:.4f}__{rt / 60:.2f}", *values] for mz, rt, values in
                                                        zip(MZ, RT, made.rows_of("NA"), strict=True)]]  # fmt: skip
    path = made.write(tmp_path / "t.csv", rows, ",")
    table = read_table(path=path, format="metaboanalyst", mode="positive", rt_unit="minutes")
    assert table.features["mz"].tolist() == sorted(MZ)
    assert table.features.at["POS_269.0880__1.60", "rt"] == pytest.approx(96)


def test_mwtab_keeps_the_unit_and_joins_names_with_commas(tmp_path):
    for write, name in ((made.write_mwtab, "t.txt"), (made.write_mwtab_json, "t.json")):
        table = read_table(path=write(tmp_path / name), format="mwtab")
        assert table.unit == "peak height"
        assert set(table.features["mode"]) == {"negative"}
        assert table.features["pubchem"].tolist() == ["1148"] * 6
        assert np.allclose(table.features["mz"], sorted(MZ))
    assert read_table(path=tmp_path / "t.txt", format="mwtab").features.at["1_2-TRYPTOPHAN", "name"] == "1,2-TRYPTOPHAN"


def test_mwtab_with_concentrations_is_targeted_and_a_fragment_is_no_ion(tmp_path):
    text = made.write_mwtab(tmp_path / "t.txt").read_text().replace("peak height", "umol/L")
    text = text.replace("MS:ION_MODE                      \tNEGATIVE", "MS:MS_TYPE\tEI\nMS:ION_MODE\tPOSITIVE")
    (tmp_path / "t.txt").write_text(text)
    table = read_table(path=tmp_path / "t.txt", format="mwtab")
    assert table.targeted
    assert table.unit == "umol/L"
    assert "mz" not in table.features
    assert float(table.features.at["Hippurate", "quant_mz"]) == MZ[2]


def test_mztab_takes_place_level_and_identity_from_where_they_stand(tmp_path):
    table = read_table(path=made.write_mztab(tmp_path / "t.mztab"), format="mztab")
    first = table.features.loc["POS_0"]
    assert first[["name", "chebi", "adduct", "level", "mz"]].tolist() == [
        "Tryptophan",
        "CHEBI:16828",
        "[M+H]+",
        2,
        MZ[0],
    ]
    assert table.features.at["POS_1", "name"] == "1234", "a name of digits stays a name"
    assert table.done == {"normalised"}
    own = made.write_mztab(tmp_path / "u.mztab", scale="[MS, MS:1003032, confidence code in MS-DIAL, ]")
    assert "level" not in read_table(path=own, format="mztab").features, "codes of a program are no levels"
    peaks = read_table(path=own, format="mztab", section="feature")
    assert list(peaks.values.index)[-1] == "POS_4"
    assert peaks.values.loc["POS_90"].tolist() == [6, 5, 7, 8]
    assert peaks.done == frozenset()


# ---- Metabolon ----------------------------------------------------------------------------------------------------


def test_metabolon_takes_batch_normalised_values_and_the_clients_names(tmp_path):
    book, _ = made.metabolon_book()
    path = made.write_book(book, tmp_path / "t.xlsx")
    table, notes = read_with_notes(path=path, format="metabolon", sample_column="CLIENT_SAMPLE_ID")
    names = [NAMES[0], "X - 12345", *NAMES[2:]]
    assert table.values.loc[names, SAMPLES[:3]].to_numpy() == pytest.approx(VALUES[:, :3], nan_ok=True)
    assert "CMTRX-1" in table.values, "controls of Metabolon keep their name"
    assert table.done == {"batch"}
    assert table.features.loc[names, "mode"].tolist() == ["positive", "negative"] * 3
    assert pd.isna(table.features.at["X - 12345", "name"])
    assert table.features.at["Hippurate", "chem_id"] == "300"
    assert notes[0] == "Sheet Batch-normalized Data was read"
    peak = read_table(path=path, format="metabolon", sheet="Peak Area Data", id_column="CHEM_ID")
    assert peak.done == frozenset()
    assert peak.values.loc["FT_100", made.PARENTS].to_numpy() == pytest.approx(2 * VALUES[0])


@pytest.mark.parametrize("base", [np.e, 2.0, 10.0])
def test_metabolon_logarithms_become_log2_and_imputed_cells_are_known(tmp_path, base):
    book, filled = made.metabolon_book(log_base=base)
    path = made.write_book(book, tmp_path / "t.xlsx")
    table = read_table(path=path, format="metabolon", sheet="Log Transformed Data", id_column="CHEM_ID")
    ids = [f"FT_{chem_id}" for chem_id in made.CHEM_IDS]
    assert table.values.loc[ids, made.PARENTS].to_numpy() == pytest.approx(np.log2(filled))
    assert table.done == {"log2", "batch", "imputed"}
    assert ((table.state.loc[ids, made.PARENTS] == "imputed").to_numpy() == np.isnan(VALUES)).all()


def test_metabolon_of_an_unknown_base_or_sheet_has_to_be_explained(tmp_path):
    book, filled = made.metabolon_book()
    book.remove(book["Batch-norm Imputed Data"])
    book["Peak Area Data"].title = "Volume-normalized Data"
    path = made.write_book(book, tmp_path / "t.xlsx")
    with pytest.raises(GutaxisError, match=r"M90 t.xlsx\[Log Transformed Data\]: the base of the logarithm"):
        read_table(path=path, format="metabolon", sheet="Log Transformed Data")
    table = read_table(path=path, format="metabolon", sheet="Log Transformed Data", log="ln")
    assert table.values.loc["Hippurate", made.PARENTS].to_numpy() == pytest.approx(np.log2(filled[2]))
    with pytest.raises(GutaxisError, match=r"M90.*Volume-normalized Data: it is not known what was done"):
        read_table(path=path, format="metabolon", sheet="Volume-normalized Data")
    other = read_table(path=path, format="metabolon", sheet="Volume-normalized Data", done=["normalised", "batch"])
    assert other.done == {"normalised", "batch"}
    with pytest.raises(GutaxisError, match=r"M82 t.xlsx value=Peak Area Data: the workbook has no such sheet"):
        read_table(path=path, format="metabolon", sheet="Peak Area Data")


def test_the_older_workbook_of_metabolon(tmp_path):
    book, scaled = made.metabolon_old_book()
    path = made.write_book(book, tmp_path / "t.xlsx")
    table = read_table(path=path, format="metabolon")
    pd.testing.assert_frame_equal(table.values.loc[NAMES], expected(NAMES)[sorted(SAMPLES)])
    assert table.done == frozenset()
    assert table.features.loc["Hippurate", ["hmdb", "chem_id", "mode"]].tolist() == ["HMDB00002", "300", "negative"]
    assert not {"R", "NR"} & set(table.features.to_numpy().ravel())
    imputed = read_table(path=path, format="metabolon", sheet="ScaledImpData", sample_column="SAMPLE_NAME")
    assert imputed.values.loc[NAMES, made.PARENTS].to_numpy() == pytest.approx(scaled)
    assert imputed.done == {"batch", "imputed"}
    assert ((imputed.state.loc[NAMES, made.PARENTS] == "imputed").to_numpy() == np.isnan(VALUES)).all()


# ---- panels -------------------------------------------------------------------------------------------------------


def test_a_panel_keeps_the_unit_of_each_compound_and_values_below_its_limit_are_missing(tmp_path):
    rows = [
        ["sample", "Butyrate [umol/L]", "Benzo[a]pyrene [ng/mL]", "Acetate (mM)"],
        ["A", "1.5", "<LOD", "0.1"], ["B", "< 0.05", "3", "BLQ"], ["C", "2", "4", "0"],
    ]  # fmt: skip
    path = made.write(tmp_path / "t.csv", rows, ",")
    table, notes = read_with_notes(path=path, format="panel", orientation="samples_by_features")
    assert table.targeted
    assert table.unit == "mixed"
    assert table.features["unit"].to_dict() == {"Acetate": "mM", "Benzo[a]pyrene": "ng/mL", "Butyrate": "umol/L"}
    assert table.features["n_below_limit"].to_dict() == {"Acetate": 1, "Benzo[a]pyrene": 1, "Butyrate": 1}
    assert np.isnan(table.values.at["Butyrate", "B"])
    assert table.values.at["Acetate", "C"] == 0
    assert notes == ["3 values lie below a limit of detection: they are missing, not zero"]


def test_units_of_a_panel_from_a_column_a_row_or_the_options(tmp_path):
    by_feature = made.write(tmp_path / "a.tsv", [["id", "unit", "lod", "A", "B"], ["Butyrate", "uM", 0.1, 1, 2]])
    by_sample = made.write(tmp_path / "b.tsv", [["id", "Butyrate"], ["unit", "uM"], ["A", 1], ["B", 2]])
    bare = made.write(tmp_path / "c.tsv", [["id", "Butyrate"], ["A", 1], ["B", 2]])
    one = read_table(path=by_feature, format="panel", orientation="features_by_samples")
    assert one.features.at["Butyrate", "lod"] == 0.1
    for path, options in ((by_sample, {}), (bare, {"unit": "uM"})):
        table = read_table(path=path, format="panel", orientation="samples_by_features", **options)
        pd.testing.assert_frame_equal(table.values, one.values)
        assert (table.unit, table.features.at["Butyrate", "unit"], table.targeted) == ("uM", "uM", True)
    with pytest.raises(
        GutaxisError, match=r"M92 c.tsv column=Butyrate value=Butyrate: 1 compounds of the panel have no"
    ):
        read_table(path=bare, format="panel", orientation="samples_by_features")


@pytest.mark.parametrize("unit", ["umol/L", "µM", "nM", "ng/mL", "nmol/g", "mg/dL", "micromolar", "pg/ml plasma", "M"])
def test_units_of_a_calibration(unit):
    assert is_absolute(unit=unit)


@pytest.mark.parametrize("unit", ["peak area", "m", "counts", "", None, "mm", "log2 peak height", "relative", "g"])
def test_other_units(unit):
    assert not is_absolute(unit=unit)


def test_logarithms_are_told_by_the_unit_or_the_options(tmp_path):
    rows = [["id", "A", "B"], *[[name, at - 3, at] for at, name in enumerate(NAMES)]]
    path = made.write(tmp_path / "t.tsv", rows)
    read = {"path": path, "format": "plain", "orientation": "features_by_samples"}
    for options, factor in (
        ({"log": "ln"}, 1 / np.log(2)), ({"log": "log10"}, np.log2(10)), ({"unit": "log2 peak area"}, 1),
        ({"done": ["log2", "normalised"]}, 1),
    ):  # fmt: skip
        table = read_table(**read, **options)
        assert "log2" in table.done
        assert table.values.loc[NAMES, "A"].to_numpy() == pytest.approx(factor * (np.arange(6) - 3))
    assert read_table(**read, unit="log2 peak area").unit == "peak area"
    with pytest.raises(GutaxisError, match=r"M90 t.tsv column=unit value=log\(area\): the unit names a logarithm"):
        read_table(**read, unit="log(area)")


# ---- one function for the rule ------------------------------------------------------------------------------------


def test_tables_of_both_modes_are_put_together_and_written(tmp_path):
    positive = {"path": made.write_mzmine(tmp_path / "p.csv"), "format": "mzmine", "mode": "positive"}
    negative = {"path": made.write_mzmine_modular(tmp_path / "n.csv"), "format": "mzmine", "mode": "negative"}
    paths = {f"path_{name}": tmp_path / "out" / f"{name}.tsv" for name in ("values", "state", "features", "summary")}
    import_tables(sources=[positive, negative], **paths)
    first = {name: path.read_bytes() for name, path in paths.items()}
    import_tables(sources=[negative, positive], **paths)
    assert first == {name: path.read_bytes() for name, path in paths.items()}, "the order of the tables is irrelevant"
    table = read_feature_table(**{name: path for name, path in paths.items() if name != "path_summary"})
    assert table.values.shape == (12, 4)
    assert table.features["mode"].value_counts().to_dict() == {"positive": 6, "negative": 6}
    summary = pd.read_csv(paths["path_summary"], sep="\t", keep_default_na=False)
    assert summary["file"].tolist() == ["n.csv", "p.csv"]
    assert summary["n_missing"].tolist() == [2, 0]
    assert summary["n_zero"].tolist() == [0, 2]
    assert str(tmp_path) not in "".join(path.read_text() for path in paths.values())


def test_tables_that_do_not_go_together_are_refused(tmp_path):
    one = {"path": made.write_mzmine(tmp_path / "p.csv"), "format": "mzmine", "mode": "positive"}
    other = {"path": made.write_progenesis(tmp_path / "n.csv"), "format": "progenesis", "mode": "negative"}
    paths = {f"path_{name}": tmp_path / f"{name}.tsv" for name in ("values", "state", "features", "summary")}
    with pytest.raises(GutaxisError, match=r"M93 n.csv, p.csv column=unit: the tables differ in `unit`"):
        import_tables(sources=[one, other], **paths)
    with pytest.raises(GutaxisError, match=r"M93 .* column=mode: several tables are given, and not each has"):
        import_tables(sources=[one, one | {"path": other["path"]}], **paths)
    assert not paths["path_values"].exists()
