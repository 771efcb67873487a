"""Tables that must not be read in silence: each mistake has its code, and the file, line, column and value of it."""

import json

import numpy as np
import pytest
from openpyxl import Workbook
from tests import metabolome_tables as made
from tests.metabolome_tables import NAMES, SAMPLES

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.tables.read import read_table, read_with_notes

pytestmark = pytest.mark.unit

PLAIN = {"format": "plain", "orientation": "features_by_samples", "mode": "positive"}


def problems(path, **options):
    with pytest.raises(GutaxisError) as error:
        read_table(path=path, **options)
    return [(one.code, one.file, one.line, one.column, one.value) for one in error.value.problems]


def changed(path, old, new, *, count=1):
    text = path.read_text()
    assert old in text, "the test changes something"
    path.write_text(text.replace(old, new, count))
    return path


# ---- cells --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "code"),
    [("-5021.0", "M84"), ("inf", "M84"), ("high", "M83"), ("5,021", "M83"), ("1_000", "M83"), (">ULOQ", "M83")],
)
def test_negative_infinite_and_text_values_are_named_with_their_place(tmp_path, cell, code):
    path = changed(made.write_plain(tmp_path / "t.tsv"), "5021.0", cell)
    assert problems(path, **PLAIN) == [(code, "t.tsv", 5, "P01_POST", cell)]


def test_places_are_right_in_every_kind_of_file(tmp_path):
    by_sample = changed(made.write_plain(tmp_path / "s.tsv", rows_are="samples"), "5021.0", "-1")
    options = {"format": "plain", "orientation": "samples_by_features"}
    assert problems(by_sample, **options) == [("M84", "s.tsv", 3, "Inosine", "-1")]
    msdial = changed(made.write_msdial(tmp_path / "Area.txt"), "5021.0", "x")
    assert problems(msdial, format="msdial", mode="positive") == [("M83", "Area.txt", 9, "P01_POST", "x")]
    mztab = changed(made.write_mztab(tmp_path / "t.mztab"), "5021.0", "-1")
    line = next(at for at, text in enumerate(mztab.read_text().splitlines(), 1) if "\t-1\t" in text)
    assert problems(mztab, format="mztab") == [("M84", "t.mztab", line, "P01_POST", "-1")]
    mwtab = changed(made.write_mwtab(tmp_path / "t.txt"), "5021.0", "TR")
    assert problems(mwtab, format="mwtab") == [("M83", "t.txt", 13, "P01_POST", "TR")]
    as_json = changed(made.write_mwtab_json(tmp_path / "t.json"), '"5021.0"', '"TR"')
    assert problems(as_json, format="mwtab") == [("M83", "t.json", None, "P01_POST", "TR")]
    book, _ = made.metabolon_book()
    book["Batch-normalized Data"]["C3"] = -1
    book["Batch-normalized Data"]["D3"] = True
    found = problems(made.write_book(book, tmp_path / "t.xlsx"), format="metabolon")
    assert found == [
        ("M83", "t.xlsx[Batch-normalized Data]", 3, "Hippurate", "TRUE"),
        ("M84", "t.xlsx[Batch-normalized Data]", 3, "X - 12345", "-1"),
    ]


def test_a_decimal_comma_is_named_as_such(tmp_path):
    path = made.write_plain(tmp_path / "t.csv", sign=";")
    path.write_text(path.read_text().replace(".", ","))
    with pytest.raises(GutaxisError, match=r'Set `decimal: ","` if this is a decimal comma'):
        read_table(path=path, **PLAIN)


def test_no_more_than_twenty_cells_are_listed(tmp_path):
    rows = [["id", "A"], *[[f"f{at}", "bad"] for at in range(50)]]
    assert len(problems(made.write(tmp_path / "t.tsv", rows), **PLAIN)) == 20


def test_an_mz_that_is_text(tmp_path):
    path = changed(made.write_plain(tmp_path / "t.tsv"), "180.0655", "180.0655 Da")
    assert problems(path, **PLAIN) == [("M83", "t.tsv", 4, "mz", "180.0655 Da")]


# ---- names --------------------------------------------------------------------------------------------------------


def test_a_feature_twice_or_without_a_name(tmp_path):
    path = changed(made.write_plain(tmp_path / "t.tsv"), "Inosine", "Hippurate")
    assert problems(path, **PLAIN) == [("M85", "t.tsv", 5, None, "Hippurate")]
    with pytest.raises(GutaxisError, match="feature Hippurate occurs twice, in lines 4 and 5"):
        read_table(path=path, **PLAIN)
    changed(path, "\nHippurate", "\n")
    assert problems(path, **PLAIN)[0] == ("M85", "t.tsv", 4, None, "(empty)")


def test_a_sample_twice_also_after_its_ending_is_gone(tmp_path):
    path = changed(made.write_plain(tmp_path / "t.tsv"), "P01_POST", "P01_PRE.raw")
    assert problems(path, **PLAIN) == [("M86", "t.tsv", None, "P01_PRE.raw", "P01_PRE")]
    content = made.write_mwtab_json(tmp_path / "t.json").read_text().replace("P01_POST", "P01_PRE")
    (tmp_path / "t.json").write_text(content)
    assert problems(tmp_path / "t.json", format="mwtab") == [("M86", "t.json", None, "P01_PRE", "Tryptophan")]


def test_two_samples_with_the_same_content(tmp_path):
    values = made.VALUES.copy()
    values[:, 3] = values[:, 1]
    rows = [["id", *SAMPLES], *[[name, *map(made.text, row)] for name, row in zip(NAMES, values, strict=True)]]
    path = made.write(tmp_path / "t.tsv", rows)
    assert problems(path, **PLAIN) == [("M87", "t.tsv", None, "QC_1", "QC_1")]
    with pytest.raises(GutaxisError, match=r"sample QC_1 has the same values as P01_POST, to the last digit"):
        read_table(path=path, **PLAIN)
    turned = made.write(tmp_path / "u.tsv", np.array(rows).T.tolist())
    found = problems(turned, format="plain", orientation="samples_by_features")
    assert found == [("M87", "u.tsv", 5, None, "QC_1")]


def test_empty_blanks_are_alike_and_allowed(tmp_path):
    rows = [["id", "A", "B1", "B2"], *[[name, at + 1, 0, 0] for at, name in enumerate(NAMES)]]
    assert read_table(path=made.write(tmp_path / "t.tsv", rows), **PLAIN).values.shape == (6, 3)


def test_the_same_values_under_two_names_are_told_and_worse_if_they_moved(tmp_path):
    rows = [
        ["id", *"ABCDE"],
        ["x", 1, 2, 3, 4, 5],
        ["x (*)", 5, 4, 3, 2, 1],
        ["y", 2, 2, 3, 9, 8],
        ["x again", 1, 2, 3, 4, 5],
    ]
    table, notes = read_with_notes(path=made.write(tmp_path / "t.tsv", rows), **PLAIN)
    assert table.features["same_values_as"].dropna().to_dict() == {"POS_x (*)": "POS_x", "POS_x again": "POS_x"}
    assert notes[0] == "1 features repeat the values of another one: POS_x again and POS_x"
    assert notes[1].startswith("WARNING: 1 features have the values of another one in other samples")


def test_an_outcome_as_a_feature_is_refused(tmp_path):
    rows = [["sample", "Tryptophan", "best_response"], ["A", 1, 0], ["B", 2, 1]]
    found = problems(made.write(tmp_path / "t.tsv", rows), format="plain", orientation="samples_by_features")
    assert found == [("L09", "t.tsv", None, "best_response", None)]


# ---- files --------------------------------------------------------------------------------------------------------


def test_files_that_cannot_be_read(tmp_path):
    assert problems(tmp_path / "no.tsv", **PLAIN) == [("M80", "no.tsv", None, None, None)]
    assert problems(tmp_path / "no.xlsx", format="metabolon") == [("M80", "no.xlsx", None, None, None)]
    for name in ("t.xlsx", "t.tsv.gz", "t.xls"):
        (tmp_path / name).write_bytes(b"PK\0\1 neither text nor a workbook")
        assert problems(tmp_path / name, **PLAIN)[0][0] == "M80"
    (tmp_path / "e.tsv").write_text("\n\n")
    assert problems(tmp_path / "e.tsv", **PLAIN)[0][0] == "M89"
    Workbook().save(tmp_path / "e.xlsx")
    assert problems(tmp_path / "e.xlsx", **PLAIN)[0][0] == "M89"
    made.write(tmp_path / "h.tsv", [["id", "A"]])
    assert problems(tmp_path / "h.tsv", **PLAIN)[0][0] == "M89"


def test_a_cut_off_file_is_not_a_file_with_gaps(tmp_path):
    plain = made.write_plain(tmp_path / "t.tsv")
    plain.write_text(plain.read_text()[:-30])
    assert problems(plain, **PLAIN)[0][:3] == ("M88", "t.tsv", 7)
    mztab = made.write_mztab(tmp_path / "t.mztab")
    mztab.write_text(mztab.read_text().split("SMF\t5")[0] + "SMF\t5\t[M+H]1+\t409.2")
    assert problems(mztab, format="mztab")[0][0] == "M88"
    mwtab = made.write_mwtab(tmp_path / "t.txt")
    mwtab.write_text(mwtab.read_text().split("MS_METABOLITE_DATA_END")[0])
    with pytest.raises(
        GutaxisError, match=r"M82 t.txt: the line MS_METABOLITE_DATA_END is missing: the file was cut off"
    ):
        read_table(path=mwtab, format="mwtab")
    content = made.write_mwtab_json(tmp_path / "t.json").read_text()
    (tmp_path / "t.json").write_text(content[:-20])
    assert problems(tmp_path / "t.json", format="mwtab")[0][0] == "M82"
    rows = made.mwtab_json()
    del rows["MS_METABOLITE_DATA"]["Data"][2]["QC_1"]
    (tmp_path / "t.json").write_text(json.dumps(rows))
    assert problems(tmp_path / "t.json", format="mwtab") == [("M88", "t.json", None, None, "Hippurate")]


def test_a_workbook_with_several_sheets_needs_a_name(tmp_path):
    book, _ = made.metabolon_book()
    path = made.write_book(book, tmp_path / "t.xlsx")
    with pytest.raises(
        GutaxisError, match=r"M82 t.xlsx: the workbook has several sheets. One of: Data Key & Explanation"
    ):
        read_table(path=path, **PLAIN)
    options = {"format": "plain", "orientation": "samples_by_features", "sheet": "Peak Area Data"}
    assert read_table(path=path, **options).values.shape == (6, 4)


@pytest.mark.parametrize(
    ("table_format", "options"),
    [
        ("xcms", {}),
        ("mzmine", {}),
        ("msdial", {}),
        ("progenesis", {}),
        ("mwtab", {}),
        ("mztab", {}),
        ("metaboanalyst", {}),
    ],
)
def test_a_table_of_another_format_is_refused_by_what_it_lacks(tmp_path, table_format, options):
    path = made.write(tmp_path / "t.csv", [["gene", "A", "B"], ["TP53", 1, 2], ["KRAS", 3, 4]], ",")
    found = problems(path, format=table_format, **options)
    assert found[0][0] == ("M90" if table_format == "metaboanalyst" else "M82")


def test_mztab_for_proteins_or_without_a_version(tmp_path):
    path = changed(made.write_mztab(tmp_path / "t.mztab"), "2.0.0-M", "1.0.0")
    with pytest.raises(GutaxisError, match=r"M82 t.mztab: version 1.0.0 of mzTab is not the one for metabolomics"):
        read_table(path=path, format="mztab")
    changed(path, "MTD\tmzTab-version\t1.0.0\n", "")
    with pytest.raises(GutaxisError, match="the metadata do not give the version of mzTab"):
        read_table(path=path, format="mztab")


def test_metabolon_columns_have_to_be_annotated_once(tmp_path):
    book, _ = made.metabolon_book()
    book["Batch-normalized Data"]["H1"] = "AGE"
    book["Batch-normalized Data"]["H2"] = 61
    found = problems(made.write_book(book, tmp_path / "t.xlsx"), format="metabolon")
    assert found == [("M82", "t.xlsx[Batch-normalized Data]", 1, "AGE", None)]
    book, _ = made.metabolon_book()
    book["Chemical Annotation"]["A3"] = 100
    found = problems(made.write_book(book, tmp_path / "u.xlsx"), format="metabolon")
    assert found == [("M85", "u.xlsx[Chemical Annotation]", 3, "CHEM_ID", "100")]


def test_progenesis_blocks(tmp_path):
    path = changed(made.write_progenesis(tmp_path / "t.csv"), "Raw abundance", "")
    with pytest.raises(
        GutaxisError, match=r"M82 t.csv:1 value=raw: the table has no such block. One of: Normalised abund"
    ):
        read_table(path=path, format="progenesis", mode="positive")
    path = made.write_progenesis(tmp_path / "u.csv")
    lines = path.read_text().splitlines()
    lines[2] = lines[2].replace("QC_1", "QC_9", 1)
    path.write_text("\n".join(lines))
    with pytest.raises(GutaxisError, match="the blocks of the table name different samples"):
        read_table(path=path, format="progenesis", mode="positive")


# ---- options ------------------------------------------------------------------------------------------------------


def test_what_the_file_does_not_tell_is_not_guessed(tmp_path):
    path = made.write_plain(tmp_path / "t.tsv")
    assert problems(path, format="plain")[0][::3] == ("M90", "orientation")
    assert problems(path, format="plain", orientation="features_by_samples")[0][::3] == ("M90", "mode")


def test_another_mode_than_the_file_says(tmp_path):
    path = made.write_mztab(tmp_path / "t.mztab")
    assert problems(path, format="mztab", mode="negative") == [("M91", "t.mztab", None, "mode", "positive")]


@pytest.mark.parametrize(
    ("options", "column"),
    [
        ({"format": "excel"}, "format"), ({"format": "plain", "colour": "red"}, "colour"),
        ({"format": "mwtab", "sheet": "A"}, "sheet"), ({"format": "mwtab", "mode": "both"}, "mode"),
        ({"format": "mwtab", "done": ["scaled"]}, "done"),
    ],
)  # fmt: skip
def test_unknown_formats_options_and_words(tmp_path, options, column):
    (found,) = problems(tmp_path / "t.tsv", **options)
    assert found[0] == "M81"
    assert found[3] == column
