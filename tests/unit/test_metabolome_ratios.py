"""Ratios of metabolites, by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gutaxis.files import write_tsv
from gutaxis.metabolome.panel import read_panel
from gutaxis.metabolome.ratios import compute_ratios, ratios_files, read_ratios
from gutaxis.metabolome.reading import read_commented

pytestmark = pytest.mark.unit

RESOURCES = Path(__file__).resolve().parents[2] / "resources" / "metabolites"
PANEL = read_panel(paths=RESOURCES / "panel.tsv")
RATIOS = pd.DataFrame(
    [
        ("secondary_to_primary", ("deoxycholic acid", "lithocholic acid"), ("cholic acid",), "bacteria"),
        ("kyn_trp", ("L-kynurenine",), ("L-tryptophan",), ""),
    ],
    columns=["ratio", "numerator", "denominator", "meaning"],
)


def values(**features: list[float]) -> pd.DataFrame:
    return pd.DataFrame(features, index=["S1", "S2", "S3"]).T.rename_axis("feature")


def annotations(rows: dict[str, tuple[str | None, int]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index", columns=["compound", "level"]).rename_axis("feature")


def test_concentrations_are_added_intensities_are_balanced():
    table = values(A=[3.0, 4.0, np.nan], B=[1.0, 2.0, 2.0], C=[5.0, 5.0, 5.0])
    names = annotations({"A": ("deoxycholic acid", 1), "B": ("lithocholic acid", 2), "C": ("cholic acid", 3)})
    ratio, about = compute_ratios(values=table, annotations=names, ratios=RATIOS, absolute=True)
    by_hand = [np.log2((8 + 2) / 32), np.log2((16 + 4) / 32), np.nan]
    np.testing.assert_allclose(ratio.loc["secondary_to_primary"], by_hand)
    ratio, about = compute_ratios(values=table, annotations=names, ratios=RATIOS, absolute=False)
    np.testing.assert_allclose(ratio.loc["secondary_to_primary"], [2 - 5, 3 - 5, np.nan])
    about = about.set_index("ratio")
    row = about.loc["secondary_to_primary"]
    assert (row["method"], row["level"], row["n_samples"], row["n_missing"]) == ("balance", 3, 2, 1)
    assert ratio.loc["kyn_trp"].isna().all()
    assert about.loc["kyn_trp", "status"] == "not measured"
    assert about.loc["kyn_trp", "not_measured"] == "L-kynurenine;L-tryptophan"


def test_what_stands_on_a_mass_or_on_several_names_is_not_used():
    table = values(A=[1.0, 2, 3], B=[1.0, 1, 1])
    for level, compound, used in ((3, "L-kynurenine", 1), (4, "L-kynurenine", 0), (1, None, 0)):
        names = annotations({"A": (compound, level), "B": ("L-tryptophan", 1)})
        _, about = compute_ratios(values=table, annotations=names, ratios=RATIOS, absolute=False)
        assert (about.set_index("ratio").loc["kyn_trp", "status"] == "ok") == bool(used)
    loose = annotations({"A": ("L-kynurenine", 5), "B": ("L-tryptophan", 1)})
    _, about = compute_ratios(values=table, annotations=loose, ratios=RATIOS, absolute=False, max_level=5)
    assert about.set_index("ratio").loc["kyn_trp", "level"] == 5


def test_one_feature_stands_for_a_compound():
    table = values(A=[1.0, 1, 1], B=[9.0, 9, np.nan], C=[5.0, 5, 5], T=[0.0, 0, 0])
    names = annotations({"A": ("L-kynurenine", 2), "B": ("L-kynurenine", 1), "C": ("L-kynurenine", 2),
                         "T": ("L-tryptophan", 1)})  # fmt: skip
    ratio, _ = compute_ratios(values=table, annotations=names, ratios=RATIOS, absolute=False)
    np.testing.assert_allclose(ratio.loc["kyn_trp"], [9, 9, np.nan])  # identified best
    ratio, _ = compute_ratios(values=table.drop("B"), annotations=names, ratios=RATIOS, absolute=False)
    np.testing.assert_allclose(ratio.loc["kyn_trp"], [5, 5, 5])  # the strongest of equal ones


@given(
    st.lists(st.floats(-10, 10), min_size=9, max_size=9),
    st.lists(st.floats(-8, 8), min_size=3, max_size=3),
)
@settings(max_examples=30, deadline=None)
def test_response_factors_shift_a_balance_by_a_constant(numbers, factors):
    table = pd.DataFrame(np.reshape(numbers, (3, 3)), index=list("ABC"), columns=["S1", "S2", "S3"])
    names = annotations({"A": ("deoxycholic acid", 1), "B": ("lithocholic acid", 1), "C": ("cholic acid", 1)})
    shifted = table.add(factors, axis=0)
    first, second = (
        compute_ratios(values=t, annotations=names, ratios=RATIOS, absolute=False)[0].loc["secondary_to_primary"]
        for t in (table, shifted)
    )
    np.testing.assert_allclose(np.ptp(second - first), 0, atol=1e-9)


def test_files(tmp_path):
    table = values(A=[1.0, 2.0, 3.0], B=[1.0, 1.0, np.nan])
    write_tsv(table, tmp_path / "values.tsv", index=True)
    names = annotations({"A": ("inosine", 2), "B": ("hypoxanthine", 3)})
    write_tsv(names, tmp_path / "annotations.tsv", index=True)
    ratios_files(
        path_values=tmp_path / "values.tsv", path_annotations=tmp_path / "annotations.tsv",
        path_ratios=RESOURCES / "ratios.tsv", panel=PANEL, absolute=False, max_level=3, path_out=tmp_path / "out.tsv",
        path_about=tmp_path / "about.tsv",
    )  # fmt: skip
    out = read_commented(path=tmp_path / "out.tsv").set_index("ratio")
    assert out.index.tolist() == read_ratios(path=RESOURCES / "ratios.tsv", panel=PANEL)["ratio"].tolist()
    np.testing.assert_allclose(out.loc["inosine_to_hypoxanthine"], [0, 1, np.nan])
    about = read_commented(path=tmp_path / "about.tsv").set_index("ratio")
    assert about["status"].value_counts().to_dict() == {"not measured": 9, "ok": 1}
