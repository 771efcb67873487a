"""Enrichment: both tests against scipy and against listing every draw; the background is what was measured."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gutaxis.files import write_tsv
from gutaxis.metabolome import enrichment
from gutaxis.metabolome.enrichment import (
    EnrichmentSettings,
    enrich,
    enrichment_files,
    odds_ratio,
    over_representation,
    rank_sum,
)
from gutaxis.metabolome.panel import read_panel
from gutaxis.metabolome.pathways import Pathways, measured_compounds, read_pathways
from gutaxis.metabolome.reading import read_commented

pytestmark = pytest.mark.unit

RESOURCES = Path(__file__).resolve().parents[2] / "resources" / "metabolites"
PANEL = read_panel(paths=RESOURCES / "panel.tsv")


@pytest.fixture(scope="module")
def reactome() -> Pathways:
    return read_pathways(path=RESOURCES / "chebi_reactome.tsv.gz", forms=RESOURCES / "chebi_forms.tsv.gz")


@st.composite
def counts(draw):
    total = draw(st.integers(2, 60))
    size, drawn = draw(st.integers(1, total)), draw(st.integers(0, total))
    low, high = max(0, size + drawn - total), min(size, drawn)
    return draw(st.integers(low, high)), size, drawn, total


@given(counts())
@settings(max_examples=200, deadline=None)
def test_fisher_is_that_of_scipy(numbers):
    hits, size, drawn, total = numbers
    table = [[hits, size - hits], [drawn - hits, total - size - drawn + hits]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert over_representation(counts=numbers) == pytest.approx(expected, rel=1e-7, abs=1e-12)
    assert odds_ratio(counts=numbers) > 0


def test_fisher_is_that_of_all_draws():
    # 8 compounds, 3 in the pathway, 4 hits: how many of the 70 draws have 2 or more of the 3?
    draws = [len(set(draw) & {0, 1, 2}) for draw in combinations(range(8), 4)]
    for hits in range(4):
        expected = np.mean([draw >= hits for draw in draws])
        assert over_representation(counts=(hits, 3, 4, 8)) == pytest.approx(expected)
    assert odds_ratio(counts=(2, 3, 4, 8)) == pytest.approx(2 * 3 / (1 * 2))
    assert odds_ratio(counts=(3, 3, 4, 8)) == pytest.approx(3.5 * 4.5 / (0.5 * 1.5))


@given(st.lists(st.integers(-4, 4), min_size=3, max_size=9), st.data())
@settings(max_examples=80, deadline=None)
def test_rank_test_is_that_of_all_choices_also_with_ties(numbers, data):
    values = np.array(numbers, float)
    size = data.draw(st.integers(1, len(values) - 1))
    inside = np.zeros(len(values), bool)
    inside[data.draw(st.permutations(range(len(values))))[:size]] = True
    ranks = stats.rankdata(values)
    sums = np.array([ranks[list(choice)].sum() for choice in combinations(range(len(values)), size)])
    observed = ranks[inside].sum()
    expected = min(1.0, 2 * min((sums <= observed + 1e-9).mean(), (sums >= observed - 1e-9).mean()))
    chance, p = rank_sum(values=values, inside=inside)
    assert p == pytest.approx(expected, abs=1e-12)
    pairs = [(a > b) + 0.5 * (a == b) for a in values[inside] for b in values[~inside]]
    assert chance == pytest.approx(np.mean(pairs))


@pytest.mark.parametrize("size", [1, 5, 30, 55])
def test_rank_test_is_that_of_scipy(size, monkeypatch):
    rng = np.random.default_rng(size)
    values = rng.normal(size=60) + np.repeat([0.6, 0.0], [size, 60 - size])
    inside = np.repeat([True, False], [size, 60 - size])
    chance, p = rank_sum(values=values, inside=inside)
    exact = stats.mannwhitneyu(values[inside], values[~inside], method="exact")
    assert p == pytest.approx(exact.pvalue, rel=1e-9)
    assert chance == pytest.approx(exact.statistic / (size * (60 - size)))
    monkeypatch.setattr(enrichment, "EXACT_STEPS", 0)
    tied = values.round(1)
    normal = stats.mannwhitneyu(tied[inside], tied[~inside], method="asymptotic", use_continuity=False)
    assert rank_sum(values=tied, inside=inside)[1] == pytest.approx(normal.pvalue, rel=1e-9)
    assert rank_sum(values=np.zeros(60), inside=inside)[1] == 1.0


def named(compounds: dict[str, str], level: int = 2) -> pd.DataFrame:
    chebi = [";".join(PANEL.loc[name.split(";"), "chebi"]) for name in compounds.values()]
    table = pd.DataFrame({"chebi": chebi, "level": level, "adduct": "[M+H]+", "ppm": 0.0}, index=list(compounds))
    return table.rename_axis("feature")


def test_charge_states_and_stereoisomers_are_the_compounds_of_reactome(reactome):
    # Reactome has the zwitterion of tryptophan, the anion of hexanoic acid and carnitine without stereochemistry.
    assert reactome.compound(chebi="CHEBI:16828") == {"57912"}
    assert reactome.compound(chebi="CHEBI:30776") == {"17120"}
    assert reactome.compound(chebi="CHEBI:16347") == {"17126"}
    assert reactome.compound(chebi="CHEBI:17596") == {"17596"}
    assert len(reactome.names) == 2243
    names = measured_compounds(annotations=named({"F1": "L-tryptophan"}), pathways=reactome, max_level=5)
    assert "Tryptophan catabolism" in {reactome.names[pathway] for pathway in names.loc["F1", "pathways"]}


def test_ions_of_a_compound_count_once_and_unsure_features_only_where_all_agree(reactome):
    table = named({
        "F1": "inosine", "F2": "inosine", "F3": "cholic acid", "F4": "chenodeoxycholic acid;deoxycholic acid",
        "F5": "urolithin A",
    })  # fmt: skip
    table.loc["F1", "adduct"] = "[M+Na]+"
    found = measured_compounds(annotations=table, pathways=reactome, max_level=5)
    assert found.index.tolist() == ["F2", "F3", "F4", "F5"]
    both = set(found.loc["F4", "pathways"])
    singles = [
        set(measured_compounds(annotations=named({"F": name}), pathways=reactome, max_level=5).loc["F", "pathways"])
        for name in ("chenodeoxycholic acid", "deoxycholic acid")
    ]
    assert both == singles[0] & singles[1]
    assert len(both) < max(map(len, singles))
    assert found.loc["F5", "pathways"] == frozenset()
    assert measured_compounds(annotations=table, pathways=reactome, max_level=1).empty


def planted(reactome: Pathways) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every panel compound measured; those of tryptophan catabolism have risen."""
    annotations = named({f"F{number:03d}": name for number, name in enumerate(PANEL.index)})
    compounds = measured_compounds(annotations=annotations, pathways=reactome, max_level=5)
    pathway = next(key for key, name in reactome.names.items() if name == "Tryptophan catabolism")
    inside = [feature for feature in annotations.index if pathway in compounds["pathways"].get(feature, ())]
    statistic = pd.Series(np.random.default_rng(1).normal(size=len(annotations)), index=annotations.index)
    statistic[inside] += 4
    results = pd.DataFrame({
        "layer": "metabolites", "contrast": "change", "feature": annotations.index, "statistic": statistic.to_numpy(),
        "q": np.where(annotations.index.isin(inside), 0.01, 0.8),
    })  # fmt: skip
    return results, annotations


def test_a_planted_pathway_is_found_against_the_measured_background(reactome):
    results, annotations = planted(reactome)
    table = enrich(results=results, annotations=annotations, pathways=reactome, settings=EnrichmentSettings())
    for _, rows in table.groupby("method"):
        assert rows.iloc[0]["name"] == "Tryptophan catabolism"
        assert rows.iloc[0]["q"] < 0.01
        assert (rows["q"] >= rows["p"] - 1e-12).all()
    # The background is what was measured and is known to Reactome, not the panel and not the database.
    known = measured_compounds(annotations=annotations, pathways=reactome, max_level=5)["pathways"].map(len) > 0
    assert set(table["n_background"]) == {int(known.sum())}
    assert 50 < known.sum() < len(PANEL)
    assert (table["n_pathway"] >= 3).all()
    members = table["members"].groupby(table["method"]).apply(lambda sets: sets.is_unique)
    assert members.all()


def test_no_hits_no_statistics_and_no_names_give_no_p(reactome):
    results, annotations = planted(reactome)
    table = enrich(
        results=results.assign(q=1.0), annotations=annotations, pathways=reactome, settings=EnrichmentSettings()
    )
    without = table[table["method"] == "fisher_ora"]
    assert without["p"].isna().all() and set(without["reason"]) == {"no hits"}
    assert table.loc[table["method"] == "rank_sum", "p"].notna().all()
    for frame, other in ((results.assign(statistic=np.nan), annotations), (results, annotations.assign(chebi=None))):
        empty = enrich(results=frame, annotations=other, pathways=reactome, settings=EnrichmentSettings())
        assert empty.empty and list(empty.columns) == enrichment.COLUMNS


def test_p_values_are_calibrated_under_the_null(reactome):
    """Independent compounds without any effect: a share of at most 5 % (plus chance) below 0.05."""
    results, annotations = planted(reactome)
    rng = np.random.default_rng(7)
    small = {"rank_sum": [], "fisher_ora": []}
    for _ in range(20):
        null = results.assign(statistic=rng.normal(size=len(results)), q=rng.uniform(size=len(results)))
        table = enrich(results=null, annotations=annotations, pathways=reactome, settings=EnrichmentSettings(hit_q=0.2))
        for method, shares in small.items():
            shares.append((table.loc[table["method"] == method, "p"] < 0.05).mean())
    for method, shares in small.items():
        assert np.mean(shares) < 0.06, method
    assert np.mean(small["rank_sum"]) > 0.02


def test_files_have_the_same_bytes_whatever_the_order_of_the_rows(reactome, tmp_path):
    results, annotations = planted(reactome)
    write_tsv(annotations.assign(label="a # b"), tmp_path / "annotations.tsv", index=True)
    written = []
    for name, frame in (("a", results), ("b", results.iloc[::-1])):
        write_tsv(frame, tmp_path / "results.tsv", comment="unit of estimate: log2")
        enrichment_files(
            path_results=tmp_path / "results.tsv", path_annotations=tmp_path / "annotations.tsv",
            path_pathways=RESOURCES / "chebi_reactome.tsv.gz", path_forms=RESOURCES / "chebi_forms.tsv.gz",
            settings=EnrichmentSettings(), path_out=tmp_path / f"{name}.tsv",
        )  # fmt: skip
        written.append((tmp_path / f"{name}.tsv").read_bytes())
    assert written[0] == written[1]
    assert read_commented(path=tmp_path / "a.tsv")["name"].iloc[0] == "Tryptophan catabolism"
    assert b"CC0" in written[0]
