"""TOPOSCORE: published counts and scores, names of other databases, refusals."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from gutaxis.errors import GutaxisError
from gutaxis.stats.signatures import (
    COLUMNS,
    FILES,
    plain_name,
    read_signature,
    topo_scores,
    toposcore,
    write_toposcore,
)

pytestmark = pytest.mark.unit
LISTS = Path(__file__).resolve().parents[2] / "resources" / "signatures"
# sample, SIG1, SIG2 present, score as published with the discovery cohort (valerioiebba/TOPOSCORE scores_disc.csv)
PUBLISHED = [
    ("C26490", 6, 33, 0.785585585585586, "Gray"),
    ("LUM_09", 6, 1, 0.43003003003003, "SIG1"),
    ("LUM_278", 10, 15, 0.531531531531532, "SIG1"),
    ("LUM_276", 12, 18, 0.537837837837838, "Gray"),
    ("LUM_261", 4, 31, 0.79039039039039, "Gray"),
    ("LUM_296", 8, 36, 0.791891891891892, "SIG2"),
    ("LUM_65", 0, 41, 0.955555555555555, "SIG2"),
]


def layer(columns, rows=4, scale=1.0, seed=1):
    values = np.random.default_rng(seed).random((rows, len(columns))) * scale
    obs = pd.DataFrame({"patient_id": [f"p{i}" for i in range(rows)], "timepoint": "PRE"})
    obs.index = [f"s{i}" for i in range(rows)]
    return ad.AnnData(values, obs=obs, var=pd.DataFrame(index=columns))


def names(which):
    return list(read_signature(path=LISTS / FILES[which])["species"])


def test_published_counts_give_the_published_scores():
    table = topo_scores(
        sig1_present=np.array([row[1] for row in PUBLISHED]),
        sig2_present=np.array([row[2] for row in PUBLISHED]),
        akkermansia=np.full(len(PUBLISHED), np.nan),
    )
    assert table["score"].to_numpy() == pytest.approx([row[3] for row in PUBLISHED], abs=1e-12)
    assert list(table["zone"]) == [row[4] for row in PUBLISHED]


def test_the_grey_zone_is_settled_by_akkermansia():
    table = topo_scores(
        sig1_present=np.array([6, 6, 6, 6, 8, 10]),
        sig2_present=np.array([33, 33, 33, 33, 36, 15]),
        akkermansia=np.array([0, 0.01, 4.799, np.nan, 0, 0.01]),
    )
    assert list(table["toposcore"]) == ["SIG1+", "SIG2+", "SIG1+", None, "SIG2+", "SIG1+"]
    assert list(table["akkermansia_class"]) == ["zero", "low", "high", None, "zero", "low"]


def test_the_lists_are_the_published_ones():
    assert (len(names("sig1")), len(names("sig2"))) == (37, 45)
    assert not set(names("sig1")) & set(names("sig2"))
    assert "MIT" in (LISTS / "LICENSE.toposcore").read_text()


def test_counts_of_a_layer_whatever_its_unit_and_spelling():
    spelled = ["s__" + name.replace("_", " ") for name in names("sig1")] + [n.upper() for n in names("sig2")]
    data = layer([*spelled, "Akkermansia_muciniphila", "Other"], scale=0.01)
    data.X[1, :37] = 0
    data.X[2, 37:60] = 0
    data.X[3, -2] = 0
    table = toposcore(adata=data, signatures=LISTS)
    assert list(table.columns) == COLUMNS
    assert table["sig1_present"].tolist() == [37, 0, 37, 37]
    assert table["sig2_present"].tolist() == [45, 45, 22, 45]
    assert table["score"].tolist() == pytest.approx([0.5, 1, (22 / 45) / 2, 0.5])
    assert table["akkermansia_class"].tolist()[3] == "zero"
    assert table["akkermansia_percent"][0] == pytest.approx(100 * data.X[0, -2] / data.X[0].sum())
    percent = data.copy()
    percent.X = data.X * 100
    pd.testing.assert_frame_equal(toposcore(adata=percent, signatures=LISTS), table)


def test_renamed_species_are_matched_and_several_sgbs_are_one_species():
    data = layer([*names("sig1"), *names("sig2"), "Akkermansia_muciniphila"])
    data.var_names = [
        "Enterocloster_aldenensis" if name == "Enterocloster_aldensis" else name for name in data.var_names
    ]
    assert toposcore(adata=data, signatures=LISTS)["sig1_matched"].tolist() == [37] * 4
    sgb = layer([f"SGB{i}" for i in range(2 * 82)])
    sgb.var["species"] = [*names("sig1"), *names("sig2")] * 2
    table = toposcore(adata=sgb, signatures=LISTS)
    assert table["sig2_present"].tolist() == [45] * 4
    assert table["akkermansia_class"].tolist() == ["zero"] * 4  # most species are named, this one is not


def test_few_matches_are_refused_with_the_reason_and_nothing_is_said_of_akkermansia():
    data = layer([*names("sig1")[:20], *names("sig2"), "Other"])
    table = toposcore(adata=data, signatures=LISTS)
    assert table["score"].isna().all()
    assert table["toposcore"].isna().all()
    assert table["akkermansia_class"].isna().all()
    assert table["reason"].str.contains("20 of 37 species of SIG1").all()
    assert len(table.attrs["unmatched"]) == 17


def test_an_empty_sample_has_no_score():
    data = layer([*names("sig1"), *names("sig2"), "Akkermansia_muciniphila"])
    data.X[2] = 0
    table = toposcore(adata=data, signatures=LISTS).set_index("sample_id")
    assert table.loc["s2", "reason"] == "no taxon in the sample"
    assert np.isnan(table.loc["s2", "score"])
    assert table.loc["s2", "akkermansia_class"] is None
    assert table["score"].notna().sum() == 3


def test_writing_names_the_source(tmp_path):
    data = layer([*names("sig1"), *names("sig2")[1:]])
    write_toposcore(table=toposcore(adata=data, signatures=LISTS), path=tmp_path / "t.tsv")
    text = (tmp_path / "t.tsv").read_text()
    assert "Derosa" in text
    assert names("sig2")[0] in text.split("sample_id")[0]
    assert len(pd.read_csv(tmp_path / "t.tsv", sep="\t", comment="#")) == 4


def test_plain_names_and_a_broken_list(tmp_path):
    assert plain_name("s__[Clostridium] innocuum") == plain_name("Clostridium_innocuum")
    (tmp_path / "x.tsv").write_text("a\tb\n1\t2\n")
    with pytest.raises(GutaxisError, match="S01"):
        read_signature(path=tmp_path / "x.tsv")
