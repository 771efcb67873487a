"""What a run keeps of itself: main results, labels, checksums by sample; and which snapshot is the one before."""

import hashlib
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from gutaxis.batches.checksums import FILES, LAYER_ROW, row_digests, sample_checksums
from gutaxis.batches.collect import COLUMNS, KEY, collect_results, read_result
from gutaxis.batches.snapshot import CHECKSUMS, LABELS, OUTCOMES, RESULTS, earlier_snapshot, write_snapshot
from gutaxis.clinical.response_rates import RATE_COLUMNS
from gutaxis.files import write_tsv
from gutaxis.layers.build import write_layer
from gutaxis.predict.tables import PERFORMANCE
from gutaxis.stats.contrast_permanova import TABLE as PERMANOVA
from gutaxis.stats.results import refusal_table, write_results

pytestmark = pytest.mark.unit
TESTS = {"layer": "taxa", "n": 12, "ci_low": -1.0, "ci_high": 1.0, "p": 0.01, "q": 0.04}


def write(root, name, rows, comment="first line\n# of the comments"):
    write_tsv(pd.DataFrame(rows), root / name, comment=comment)
    return name


@pytest.fixture
def tables(tmp_path):
    """One table of each kind; returns the root and the names."""
    alpha = [
        {**TESTS, "contrast": "baseline", "feature": "shannon", "label": "Shannon", "estimate": -0.5, "role": role}
        for role in ("sensitivity", "primary")
    ]
    alpha[0]["estimate"] = 99.0
    differential = [
        {**TESTS, "contrast": "change", "feature": "F1", "label": "one", "estimate": 2.5, "role": "exploratory"},
        {**TESTS, "contrast": "change", "feature": "F0", "label": "none", "estimate": None, "p": None, "q": None,
         "role": "exploratory"},
    ]  # fmt: skip
    terms = ["response", "batch", "age", "Residual", "Total"]
    permanova = [
        {"contrast": "baseline", "term": term, "r2": 0.2, "p": 0.03, "n": 12, "reason": None} for term in terms
    ]
    permanova += [
        {"contrast": "change", "term": term, "r2": 0.1, "p": 0.5, "n": 9, "reason": None}
        for term in ("time", "patient")
    ]
    permanova += [
        {"contrast": "response_change", "term": "response:time", "r2": 0.1, "p": 0.5, "n": 9, "reason": None},
        {"contrast": "survival", "term": "pfs2", "r2": 0.3, "p": 0.5, "n": 9, "reason": None},
        {"contrast": "post", "term": None, "r2": None, "p": None, "n": 1, "reason": "one patient"},
    ]
    model = {"model": "elastic_net", "layers": "taxa", "outcome": "response", "n": 12, "auc": 0.7, "ci_low": 0.5,
             "ci_high": 0.9, "p_null": 0.02, "metric": "auc", "reason": None}  # fmt: skip
    performance = [{**model, "scheme": scheme} for scheme in ("nested_cv", "leave_one_cohort_out")]
    performance += [{**model, "layers": "cells", "scheme": "nested_cv"}]
    performance += [dict.fromkeys(model) | {"layers": "genes", "outcome": "response", "reason": "few"}]
    rates = [
        {"endpoint": "ORR", "week": 8, "cohort": cohort, "analysis_set": "FAS", "n": 12, "rate": rate, "ci_low": 0.1,
         "ci_high": 0.5, "reader": "INVESTIGATOR"}
        for cohort, rate in (("ALL", 0.25), ("LUNG", None))
    ]  # fmt: skip
    names = [
        write(tmp_path, "diversity/taxa/alpha_tests.tsv", alpha),
        write(tmp_path, "differential/taxa/change.tsv", differential),
        write(tmp_path, "diversity/taxa/permanova_braycurtis.tsv", permanova),
        write(tmp_path, "prediction/baseline/performance.tsv", performance),
        write(tmp_path, "clinical/response_rates.tsv", rates),
    ]
    return tmp_path, names


def test_every_kind_of_result_is_one_row_with_a_key_of_its_own(tables):
    root, names = tables
    found = collect_results(root=root, files=names)
    assert list(found.columns) == COLUMNS
    assert not found.duplicated(KEY).any()
    assert found["table"].value_counts().to_dict() == {
        "permanova": 4, "prediction": 3, "differential": 2, "response_rate": 2, "alpha": 1
    }  # fmt: skip
    assert found.equals(collect_results(root=root, files=[*reversed(names), names[0]])), "no order, no repetition"
    by_key = found.set_index(KEY)
    assert by_key.at[("alpha", "taxa", "baseline", "shannon"), "estimate"] == -0.5, "the primary method, not the other"
    row = by_key.loc[("differential", "taxa", "change", "F1")]
    assert row[["label", "n", "estimate", "ci_low", "ci_high", "p", "q"]].tolist() == [
        "one",
        12,
        2.5,
        -1,
        1,
        0.01,
        0.04,
    ]
    assert by_key.loc[("differential", "taxa", "change", "F0"), ["estimate", "p", "q"]].isna().all()
    assert by_key.at[("permanova", "taxa", "baseline", "braycurtis:response"), "estimate"] == 0.2
    assert np.isnan(by_key.at[("permanova", "taxa", "baseline", "braycurtis:response"), "q"])
    terms = {feature.partition(":")[2] for table, _, _, feature in by_key.index if table == "permanova"}
    assert terms == {"response", "time", "response:time", "pfs2"}, "what is adjusted for is no main result"
    key = ("prediction", "-", "baseline", "elastic_net|cells|response|nested_cv|auc")
    assert by_key.loc[key, ["estimate", "p"]].tolist() == [0.7, 0.02]
    assert by_key.at[("response_rate", "-", "FAS", "ORR|week 8|ALL|INVESTIGATOR"), "estimate"] == 0.25


def test_tables_without_a_result_and_no_tables_are_empty(tmp_path):
    table = refusal_table(layer="taxa", contrast="change", role="primary", reason="no pair")
    write_results(table=table, path=tmp_path / "differential/taxa/change.tsv", unit="log2")
    refused = [
        write(tmp_path, "prediction/baseline/performance.tsv", [dict.fromkeys(PERFORMANCE) | {"reason": "few"}]),
        write(tmp_path, "diversity/taxa/permanova_jaccard.tsv", [dict.fromkeys(PERMANOVA) | {"reason": "few"}]),
        write(tmp_path, "clinical/response_rates.tsv", pd.DataFrame(columns=RATE_COLUMNS)),
    ]
    for files in (["differential/taxa/change.tsv"], [], *[[name] for name in refused], refused):
        found = collect_results(root=tmp_path, files=files)
        assert list(found.columns) == COLUMNS and found.empty


def test_a_table_without_main_results_is_a_defect(tmp_path):
    name = write(tmp_path, "clinical/pairs.tsv", [{"patient_id": "P1"}])
    with pytest.raises(ValueError, match=r"clinical/pairs\.tsv holds no main result"):
        collect_results(root=tmp_path, files=[name])


def test_comments_and_missing_cells(tmp_path):
    (tmp_path / "t.tsv").write_text("# one\n# two\nsample_id\tbatch\tx\n007\t1\tNA\nnan\tnull\t\n")
    table = read_result(path=tmp_path / "t.tsv")
    assert table["sample_id"].tolist() == ["007", "nan"] and table["batch"].tolist() == ["1", "null"]
    assert table["x"].isna().all()


def layer(values, *, kind="compositional", samples=("S1", "S2"), features=("a", "b", "c")):
    return ad.AnnData(
        X=np.asarray(values, dtype=float), obs=pd.DataFrame(index=list(samples)),
        var=pd.DataFrame(index=list(features)), uns={"kind": kind},
    )  # fmt: skip


def test_a_row_of_a_composition_keeps_its_checksum_when_others_bring_features():
    small = row_digests(adata=layer([[0.5, 0.5, 0], [0.1, 0, 0.9]]))
    wide = row_digests(
        adata=layer(
            [[0.0, 1.0, 0, 0], [0.0, 0.5, 0.5, 0], [0.0, 0.1, np.nan, 0.9]], samples=("S0", "S1", "S2"),
            features=("0new", "a", "b", "c"),
        )
    )  # fmt: skip
    assert {name: wide[name] for name in small} == small
    other = row_digests(adata=layer([[0.5, 0.5, 0], [0.1, 0.9, 0]]))
    assert other["S1"] == small["S1"] and other["S2"] != small["S2"], "the same values of another feature"
    again = row_digests(adata=layer([[0, 0.5, 0.5], [0.9, 0, 0.1]], features=("c", "b", "a")))
    assert again == small, "the order of features is no content"


def test_on_scales_where_zero_is_a_value_it_counts():
    zero, missing = ([[0.0, 1, 2], [1, 1, 1]], [[np.nan, 1, 2], [1, 1, 1]])
    for kind, alike in (("continuous", False), ("log_intensity", False), ("compositional", True), ("counts", True)):
        pair = [row_digests(adata=layer(values, kind=kind))["S1"] for values in (zero, missing)]
        assert (pair[0] == pair[1]) is alike, kind


def test_files_of_samples_and_rows_of_layers_have_checksums(tmp_path):
    write_layer(adata=layer([[0.5, 0.5, 0], [0.1, 0, 0.9]]), path=tmp_path / "layers/taxa.h5ad")
    (tmp_path / "metagenome/profiles").mkdir(parents=True)
    (tmp_path / "metagenome/profiles/S1.tsv").write_bytes(b"profile")
    samples = pd.DataFrame({"sample_id": ["S2", "S1"], "assay": ["METAB", "MGX"]})
    found = sample_checksums(root=tmp_path, samples=samples, layers={"taxa": tmp_path / "layers/taxa.h5ad"})
    assert found[["sample_id", "assay", "what", "name"]].to_numpy().tolist() == [
        ["S1", "MGX", LAYER_ROW, "taxa"],
        ["S1", "MGX", "taxonomic profile", "metagenome/profiles/S1.tsv"],
        ["S2", "METAB", LAYER_ROW, "taxa"],
    ]
    assert found["sha256"].iloc[1] == hashlib.sha256(b"profile").hexdigest()


def test_the_patterns_are_those_that_the_rules_write():
    rules = "".join(path.read_text() for path in sorted((Path(__file__).parents[2] / "rules").glob("*.smk")))
    folders = {"metagenome": "MGX", "metabolome": "MTB", "single_cell": "CELLS"}
    for patterns in FILES.values():
        for pattern in patterns.values():
            arm, _, rest = pattern.partition("/")
            for mode in ("positive", "negative"):
                rest = rest.replace(f"/{mode}/", "/{mode}/")
            written = f'f"{{{folders[arm]}}}/{rest}"'.replace("{mode}", "{{mode}}").replace("{sample}", "{{sample}}")
            assert written in rules, pattern


SAMPLES = [
    {"sample_id": "S2", "patient_id": "P2", "assay": "MGX", "batch": "2", "control": "N", "qc": "PASS"},
    {"sample_id": "S1", "patient_id": "P1", "assay": "MGX", "batch": "1", "control": "N", "qc": "PASS"},
    {"sample_id": "S3", "patient_id": "P1", "assay": "MGX", "batch": "1", "control": "N", "qc": "FAIL"},
    {"sample_id": "BL", "patient_id": None, "assay": "MGX", "batch": "1", "control": "BLANK", "qc": "PASS"},
]


def test_a_snapshot_of_a_run(tables):
    root, names = tables
    write(root, "clinical/cohort/samples.tsv", [{**row, "material": "STOOL", "timepoint": "PRE"} for row in SAMPLES])
    write(root, "clinical/sample_response.tsv", [
        {"sample_id": "S1", "cohort": "LUNG", "response": "R", "os_days": "120"}, {"sample_id": "S2", "cohort": "OTHER"}
    ])  # fmt: skip
    write_layer(adata=layer([[0.5, 0.5, 0], [0.1, 0, 0.9]]), path=root / "layers/taxa.h5ad")
    for sample in ("S1", "BL", "S3"):
        (root / "metagenome/profiles").mkdir(parents=True, exist_ok=True)
        (root / f"metagenome/profiles/{sample}.tsv").write_text(sample)
    folder = root / "batches/1_2"
    targets = {"labels": folder / LABELS, "results": folder / RESULTS, "checksums": folder / CHECKSUMS}
    wanted = {
        "root": root, "samples": root / "clinical/cohort/samples.tsv", "layers": {"taxa": root / "layers/taxa.h5ad"},
        "outcomes": root / "clinical/sample_response.tsv", "tables": names,
    }  # fmt: skip
    write_snapshot(**wanted, **targets)
    labels = read_result(path=folder / LABELS)
    assert labels["sample_id"].tolist() == ["BL", "S1", "S2"]
    assert labels["batch"].tolist() == ["1", "1", "2"], "numbers of sheets stay text"
    assert set(OUTCOMES) < set(labels.columns), "an outcome that the run does not have is a column all the same"
    assert labels.set_index("sample_id").loc["S1", ["response", "os_days"]].tolist() == ["R", "120"]
    assert pd.isna(labels.set_index("sample_id").at["S2", "response"]), "not known is not NR"
    made = read_result(path=folder / CHECKSUMS)
    assert set(made["sample_id"]) == {"S1", "S2"}, "a control's files may be made later than the layers"
    assert len(read_result(path=folder / RESULTS)) == 12
    before = {name: path.read_bytes() for name, path in targets.items()}
    write_snapshot(**wanted, **targets)
    assert {name: path.read_bytes() for name, path in targets.items()} == before


def kept(folder, batches, *, files=(LABELS, RESULTS, CHECKSUMS)):
    rows = [{"sample_id": f"S{name}", "batch": name} for name in batches]
    for name in files:
        write(folder, f"{'_'.join(batches)}/{name}", rows or {"sample_id": [], "batch": []})
    return folder / "_".join(batches)


def test_the_one_before_is_the_largest_set_of_earlier_batches(tmp_path):
    assert earlier_snapshot(folder=tmp_path, earlier=["B1", "B2"]) is None
    kept(tmp_path, ["B1"])
    two = kept(tmp_path, ["B1", "B2"])
    kept(tmp_path, ["B1", "B2", "B3"])
    kept(tmp_path, ["B1", "B3"])
    kept(tmp_path, ["B1", "B2", "B9"])
    assert earlier_snapshot(folder=tmp_path, earlier=["B1", "B2"]) == two, "no set that has the newest batch"
    assert earlier_snapshot(folder=tmp_path, earlier=["B1"]).name == "B1"
    assert earlier_snapshot(folder=tmp_path, earlier=["B7"]) is None
    assert earlier_snapshot(folder=tmp_path / "absent", earlier=["B1"]) is None


def test_half_a_snapshot_and_an_empty_one_are_none(tmp_path):
    kept(tmp_path, ["B1", "B2"], files=(LABELS, RESULTS))
    kept(tmp_path, [])
    whole = kept(tmp_path, ["B1"])
    assert earlier_snapshot(folder=tmp_path, earlier=["B1", "B2"]) == whole
