"""Any finished table: reading, checks by kind and unit, outcomes refused."""

import gzip

import numpy as np
import pandas as pd
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.layers.names import outcome_like
from gutaxis.layers.table import check_values, read_table

pytestmark = pytest.mark.unit

TEXT = "sample\tCD4\tCD8\nA\t0.6\t0.4\nB\t0.7\tNA\n"


def write(path, text):
    path.write_text(text)
    return path


def message(call, **arguments):
    with pytest.raises(GutaxisError) as error:
        call(**arguments)
    return str(error.value)


def read(path, **more):
    return read_table(path=path, **({"orientation": "samples_by_features"} | more))


def check(values, kind, unit):
    frame = pd.DataFrame(values, index=[f"S{i}" for i in range(len(values))], dtype=float)
    return check_values(values=frame.add_prefix("f"), kind=kind, unit=unit, file="t.tsv")


def test_both_orientations_separators_and_gzip(tmp_path):
    table = read(write(tmp_path / "t.tsv", TEXT))
    assert table.index.tolist() == ["A", "B"]
    assert table.loc["A"].to_dict() == {"CD4": 0.6, "CD8": 0.4}
    assert np.isnan(table.at["B", "CD8"])  # kept, not made 0
    comma = write(tmp_path / "t.csv", TEXT.replace("\t", ","))
    assert read(comma).equals(table)
    (tmp_path / "t.tsv.gz").write_bytes(gzip.compress(TEXT.encode()))
    assert read(tmp_path / "t.tsv.gz").equals(table)
    turned = write(tmp_path / "u.tsv", "id\tA\tB\nCD4\t0.6\t0.7\nCD8\t0.4\t\n")
    assert read(turned, orientation="features_by_samples").equals(table)


def test_table_as_r_writes_it_with_quotes_comment_bom_and_crlf(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b'\xef\xbb\xbf# unit percent\r\n"CD4","CD8, naive"\r\n"A",1,2\r\n"B",3,4\r\n')
    table = read(path)
    assert table.columns.tolist() == ["CD4", "CD8, naive"]
    assert table.to_numpy().tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_prefix_of_samples_in_either_orientation(tmp_path):
    path = write(tmp_path / "t.tsv", TEXT.replace("\nA", "\nx_A").replace("\nB", "\nx_B"))
    assert read(path, sample_prefix="x_").index.tolist() == ["A", "B"]


def test_text_in_a_cell_is_named_with_line_and_column(tmp_path):
    found = message(read, path=write(tmp_path / "t.tsv", TEXT.replace("0.6", "<LOD").replace("0.7", "0,7")))
    assert "L04 t.tsv:2 column=CD4 value=<LOD: the cell holds text" in found
    assert "L04 t.tsv:3 column=CD4 value=0,7: the cell holds text" in found
    assert "with a point (not a comma) before the decimals" in found


def test_infinite_value(tmp_path):
    found = message(read, path=write(tmp_path / "t.tsv", TEXT.replace("0.6", "-inf")))
    assert "L04 t.tsv:2 column=CD4 value=-inf: the value is infinite" in found


def test_duplicate_rows_and_columns(tmp_path):
    found = message(read, path=write(tmp_path / "t.tsv", TEXT + "A\t1\t2\n"))
    assert "L02 t.tsv:4 value=A: sample A occurs more than once in lines 2 and 4" in found
    found = message(read, path=write(tmp_path / "t.tsv", TEXT.replace("CD8", "CD4")))
    assert "feature CD4 occurs more than once in the header" in found
    found = message(read, path=write(tmp_path / "t.tsv", TEXT.replace("\nB", "\n")))
    assert "a sample has no name" in found


def test_ragged_empty_and_absent(tmp_path):
    found = message(read, path=write(tmp_path / "t.tsv", TEXT + "C\t1\n"))
    assert "L03 t.tsv:4: 1 row(s) are longer or shorter than the header" in found
    assert "the table has no row or no column" in message(read, path=write(tmp_path / "e.tsv", "sample\tCD4\n"))
    assert "the table has no row or no column" in message(read, path=write(tmp_path / "c.csv", TEXT))
    assert "L01 none.tsv: there is no such file" in message(read, path=tmp_path / "none.tsv")
    assert "orientation=sideways" in message(read, path=tmp_path / "t.tsv", orientation="sideways")


@pytest.mark.parametrize("name", ["response", "OS", "PFS", "Death", "PFS2_days", "disease_response_orr", "osMonths"])
def test_outcome_among_the_features_is_refused_by_name(tmp_path, name):
    found = message(read, path=write(tmp_path / "t.tsv", TEXT.replace("CD8", name)))
    assert f"L09 t.tsv column={name}: feature `{name}` reads like a response or an outcome" in found


def test_outcome_names():
    bad = [
        "Response", "responder", "BOR", "recist", "os_days", "PFS.months", "best_overall_response", "vital_status",
        "Progression", "abscopal", "time to death", "DCR", "overall survival", "PFSmonths", "cnsr", "death_date",
    ]  # fmt: skip
    good = [
        "CD8", "Death receptor 5", "PD-1", "OS9", "Responsive_genus", "PWY-1: stress response", "Dead cells", "cohort",
        "pair_status", "days_from_ildr", "age", "control", "prior_icb_best", "Treg of CD4", "class", "order", "time",
    ]  # fmt: skip
    assert outcome_like(names=bad) == bad
    assert outcome_like(names=good) == []


def test_composition(tmp_path):
    values, unit = check([[60, 40], [70, np.nan]], "compositional", "percent")
    assert unit == "fraction"
    assert values.iloc[0].tolist() == [0.6, 0.4]
    assert np.isnan(values.iat[1, 1])
    assert check([[0.5, 0.2]], "compositional", "fraction")[1] == "fraction"  # a part of all cell types is fine


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ([[0.5, -0.1]], "fraction", "sample S0, feature f1 (1 value(s) in all): a composition has no negative values"),
        ([[60, 40], [50, 50]], "fraction", "sample S0 sums to 100: these look like percent"),
        ([[0.6, 0.4], [0.5, 0.5]], "percent", "sample S0 sums to 1: these look like fractions"),
        ([[0.9, 0.9], [0.5, 0.5]], "fraction", "sample S0 sums to 1.8: parts overlap"),
        ([[0, 0], [50, 50]], "percent", "sample S0 sums to 0: a near-empty sample (the median sum is 50)"),
        ([[0.001, 0.001], [0.5, 0.5], [0.5, 0.4]], "fraction", "mark it qc FAIL in samples.tsv"),
    ],
)
def test_composition_refused(values, unit, expected):
    assert expected in message(check, values=values, kind="compositional", unit=unit)


def test_many_wrong_samples_are_summed_up():
    found = message(check, values=[[0.9, 0.9]] * 30, kind="compositional", unit="fraction")
    assert found.count("\n") == 10
    assert "the same holds for 20 more" in found


def test_counts():
    assert check([[5, 0], [3, np.nan]], "counts", "count")[0].iat[0, 0] == 5
    assert "these look like log values" in message(check, values=[[1.5, 2]], kind="counts", unit="count")
    found = message(check, values=[[150.5, 2]], kind="counts", unit="count")
    assert "sample S0, feature f0 (1 value(s) in all): counts are whole numbers" in found
    assert "look like log" not in found
    assert "counts are whole numbers of 0 or more" in message(check, values=[[-1, 2]], kind="counts", unit="count")


def test_log_intensity_and_continuous():
    assert check([[-3.0, 20.0]], "log_intensity", "log2")[1] == "log2"
    assert "these look like raw intensities" in message(check, values=[[2e6, 3e5]], kind="log_intensity", unit="log2")
    assert check([[-3.0, 2e9]], "continuous", "other")[0].shape == (1, 2)
    assert "kind=ratio: unknown kind" in message(check, values=[[1]], kind="ratio", unit="other")
