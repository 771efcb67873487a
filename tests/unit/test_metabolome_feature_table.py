"""The canonical feature table: its form, its files, and what they refuse."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.feature_table import (
    FeatureTable,
    join_modes,
    make_feature_table,
    read_feature_table,
    write_feature_table,
    zero_is_missing,
)

pytestmark = pytest.mark.unit


def values() -> pd.DataFrame:
    return pd.DataFrame(
        {"S2": [5.0, np.nan, 0.0], "S1": [1.25, 1 / 3, 7e8]}, index=pd.Index(["POS_0001", "POS_0002", "POS_0003"])
    )


def features() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "mz": [101.5, np.nan, 300.25],
            "name": ["compound #1", "NA-like", None],
            "panel": [True, False, False],
        },
        index=["POS_0001", "POS_0002", "POS_0003"],
    )


def paths(folder: Path) -> dict[str, Path]:
    return {f"path_{name}": folder / f"{name}.tsv" for name in ("values", "state", "features")}


def test_samples_are_sorted_and_every_cell_has_a_state():
    table = make_feature_table(values=values())
    assert list(table.values.columns) == ["S1", "S2"]
    assert table.state.at["POS_0002", "S2"] == "absent"
    assert (table.state == "detected").to_numpy().sum() == 5


def test_a_table_reads_back_as_it_was_written_and_twice_the_same_bytes(tmp_path):
    table = make_feature_table(
        values=values(), features=features(), done={"drift", "batch"}, unit="umol/L", targeted=True
    )
    for name in ("a", "b"):
        write_feature_table(table=table, **paths(tmp_path / name))
    again = read_feature_table(**paths(tmp_path / "a"))
    pd.testing.assert_frame_equal(again.values, table.values, rtol=1e-11)
    pd.testing.assert_frame_equal(again.state, table.state)
    assert list(again.features["name"][:2]) == ["compound #1", "NA-like"]
    assert again.features["panel"].tolist() == [True, False, False]
    assert again.features["mz"].tolist()[::2] == [101.5, 300.25]
    assert (again.done, again.unit, again.targeted) == ({"drift", "batch"}, "umol/L", True)
    for path in paths(tmp_path / "a").values():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_the_order_of_samples_does_not_change_the_files(tmp_path):
    write_feature_table(table=make_feature_table(values=values()), **paths(tmp_path / "a"))
    write_feature_table(table=make_feature_table(values=values()[["S1", "S2"]]), **paths(tmp_path / "b"))
    for path in paths(tmp_path / "a").values():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_files_without_comments_are_raw_peak_areas(tmp_path):
    write_feature_table(table=make_feature_table(values=values()), **paths(tmp_path))
    text = (tmp_path / "features.tsv").read_text().splitlines()
    (tmp_path / "features.tsv").write_text("\n".join(line for line in text if not line.startswith("#")) + "\n")
    table = read_feature_table(**paths(tmp_path))
    assert (table.unit, table.done, table.targeted) == ("peak area", frozenset(), False)


@pytest.mark.parametrize("bad", ["-3", "high", "inf"])
def test_a_cell_that_is_no_intensity_is_named(tmp_path, bad):
    write_feature_table(table=make_feature_table(values=values()), **paths(tmp_path))
    path = tmp_path / "values.tsv"
    path.write_text(path.read_text().replace("1.25", bad))
    with pytest.raises(GutaxisError, match=rf"M40 values.tsv column=S1 value={bad}: .*POS_0001") as caught:
        read_feature_table(**paths(tmp_path))
    assert caught.value.problems[0].code == "M40"


def test_logarithms_may_be_negative(tmp_path):
    table = make_feature_table(values=values() - 3, done={"log2"})
    write_feature_table(table=table, **paths(tmp_path))
    assert read_feature_table(**paths(tmp_path)).values.to_numpy()[1, 0] == pytest.approx(1 / 3 - 3)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("state", "S1", "S9"), ("features", "POS_0003", "POS_0009"), ("state", "absent", "gone"),
     ("values", "POS_0003", "POS_0002")],
)  # fmt: skip
def test_files_that_do_not_fit_together_are_refused(tmp_path, name, old, new):
    write_feature_table(table=make_feature_table(values=values()), **paths(tmp_path))
    path = tmp_path / f"{name}.tsv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(GutaxisError, match="M41"):
        read_feature_table(**paths(tmp_path))


def test_zero_is_missing_but_not_among_logarithms():
    table, count = zero_is_missing(table=make_feature_table(values=values()))
    assert count == 1
    assert np.isnan(table.values.at["POS_0003", "S2"])
    assert table.state.at["POS_0003", "S2"] == "absent"
    assert zero_is_missing(table=make_feature_table(values=values(), done={"log2"}))[1] == 0


def test_modes_are_joined_and_a_sample_without_one_is_absent_there():
    positive = make_feature_table(values=values())
    negative = make_feature_table(values=values()[["S1"]].rename(index=lambda name: name.replace("POS", "NEG")))
    both = join_modes(tables=[positive, negative])
    assert both.values.shape == (6, 2)
    assert (both.state.loc["NEG_0001", "S2"], both.state.loc["NEG_0001", "S1"]) == ("absent", "detected")
    with pytest.raises(ValueError, match="differ in unit"):
        join_modes(tables=[positive, make_feature_table(values=values(), unit="umol/L")])


def test_a_table_out_of_shape_is_a_defect():
    table = make_feature_table(values=values())
    with pytest.raises(ValueError, match="values and state differ"):
        FeatureTable(values=table.values, state=table.state.iloc[:2], features=table.features)
    with pytest.raises(ValueError, match="unknown in done"):
        make_feature_table(values=values(), done={"smoothed"})
