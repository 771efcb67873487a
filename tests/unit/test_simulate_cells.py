"""Simulated single-cell libraries: plan, cells, counts, raw files. One truth, the same bytes."""

import json
import re
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from gutaxis.layers.build import build_layer
from gutaxis.simulate.cells import file_name, gene_ids, samples_rows, write_cells, write_libraries
from gutaxis.simulate.cells_catalogue import (
    EFFECTS,
    FEMALE,
    G2M_PHASE,
    INTERFERON,
    LINEAGES,
    LINKS,
    MALE,
    MITO,
    PERSONAL,
    SETS,
    SHARES,
    TYPES,
    genes,
)
from gutaxis.simulate.cells_levels import sample_levels
from gutaxis.simulate.cells_matrix import cell_counts, cell_truth
from gutaxis.simulate.cells_plan import plan_cells
from gutaxis.simulate.clinical import ildr_date, patients_sheet
from gutaxis.simulate.findings import driven
from gutaxis.simulate.metabolome_catalogue import NAMED
from gutaxis.simulate.metabolome_plan import plan_metabolome
from gutaxis.simulate.trial import plan_trial
from gutaxis.stats.differential import DifferentialSettings, differential

pytestmark = pytest.mark.unit
SEED = 20240611


@pytest.fixture(scope="module")
def trial():
    return plan_metabolome(truth=plan_trial(n=12, seed=SEED, pairs=16_000))


@pytest.fixture(scope="module")
def truth(trial):
    return plan_cells(truth=trial)


@pytest.fixture(scope="module")
def counted(truth):
    """Every library: cells and counts."""
    return {name: cell_counts(truth=truth, sample_id=name) for name in truth["cells"]["samples"]}


def libraries(truth, tissue):
    return {name: plan for name, plan in truth["cells"]["samples"].items() if plan["tissue"] == tissue}


def column(name):
    return genes().index(name)


# catalogue


def test_gene_panel_and_types_fit_together():
    assert len(genes()) == len(set(genes())) == len(set(gene_ids()))
    assert 1000 <= len(genes()) <= 1300
    assert all(re.fullmatch(r"ENSG\d{11}", name) for name in gene_ids())
    for tissue, shares in SHARES.items():
        assert sum(shares.values()) == pytest.approx(1)
        assert set(shares) <= set(TYPES), tissue
    assert {name for kind in TYPES.values() for name in kind.sets} == set(SETS)
    assert set(LINEAGES) == set(TYPES)


def test_planted_features_exist():
    for layer, contrasts in EFFECTS.items():
        tissue, kind = layer.split("_")
        assert set(contrasts) == {"baseline", "change", "response_change"}
        for feature in (name for sizes in contrasts.values() for name in sizes):
            label, _, gene = feature.partition("|")
            assert label in SHARES[tissue], feature
            assert (kind == "cells" and not gene) or gene in genes(), feature


# plan


def test_plan_adds_to_the_truth_and_changes_nothing_in_it(trial, truth):
    assert {key: value for key, value in truth.items() if key != "cells"} == trial
    assert json.dumps(plan_cells(truth=trial)) == json.dumps(truth)
    assert len(json.dumps(truth["cells"], indent=1)) < 60_000
    assert json.loads(json.dumps(truth)) == truth


def test_design(truth):
    samples = truth["cells"]["samples"]
    assert not set(samples) & {*truth["samples"], *truth["metabolome"]["injections"]}, "sample ids are unique"
    blood, tumor = libraries(truth, "blood"), libraries(truth, "tumor")
    stool = [(s["patient_id"], s["timepoint"]) for s in truth["samples"].values() if s["control"] == "N"]
    assert sorted((s["patient_id"], s["timepoint"]) for s in blood.values()) == sorted(stool)
    before = {s["patient_id"] for s in tumor.values() if s["timepoint"] == "PRE"}
    after = {s["patient_id"] for s in tumor.values() if s["timepoint"] == "POST"}
    assert before == set(truth["patients"])
    responses = [truth["patients"][patient]["response"] for patient in after]
    assert (responses.count("R"), responses.count("NR")) == (5, 4)
    assert {truth["patients"][patient]["cohort"] for patient in after} == {"LUNG", "ESOPHAGEAL", "OTHER"}
    assert len({s["seed"] for s in samples.values()}) == len(samples)
    for plan in samples.values():
        assert plan["batch"] == truth["patients"][plan["patient_id"]]["batch"]
        assert len(plan["shares"]) == len(truth["cells"]["types"][plan["tissue"]])
        assert sum(plan["shares"]) == pytest.approx(1, abs=1e-4)
        assert 340 <= plan["cells"] <= 460 and 0.04 < plan["doublet_rate"] < 0.08 and 0.02 < plan["dead_rate"] < 0.08
    assert "response" not in {key for plan in samples.values() for key in plan}


def test_sex_is_that_of_the_patients_sheet(truth):
    sheet = {row["patient_id"]: row["sex"] for row in patients_sheet(truth=truth)}
    assert truth["cells"]["sex"] == sheet
    assert set(sheet.values()) == {"F", "M"}


def test_a_quarter_of_the_markers_is_missing(truth):
    for name, text in truth["cells"]["markers"].items():
        known, kept = SETS[name].split(), text.split()
        assert [gene for gene in known if gene in kept] == kept
        assert len(known) - len(kept) == (len(known) // 4 if len(known) > 4 else 0)
    other = plan_cells(truth={**truth, "seed": 5})["cells"]["markers"]
    assert other != truth["cells"]["markers"]


def test_planted_shifts_are_in_the_shares(truth):
    """Mean log2 ratios of the planted shares to those of all types without an effect; libraries differ by chance."""
    for tissue in SHARES:
        plans, labels = libraries(truth, tissue), truth["cells"]["types"][tissue]
        effects = EFFECTS[f"{tissue}_cells"]
        moved = {name for sizes in effects.values() for name in sizes}
        logs = pd.DataFrame({name: np.log2(plan["shares"]) for name, plan in plans.items()}, index=labels).T
        logs = logs.sub(logs[[label for label in labels if label not in moved]].mean(axis=1), axis=0)
        about = pd.DataFrame(plans).T.loc[logs.index]
        responder = about["patient_id"].map(lambda patient: truth["patients"][patient]["response"] == "R")
        pre = about["timepoint"] == "PRE"
        first = logs[pre].set_axis(about.loc[pre, "patient_id"], axis=0)
        last = logs[~pre].set_axis(about.loc[~pre, "patient_id"], axis=0)
        change = last - first.loc[last.index]
        group = pd.Series({patient: truth["patients"][patient]["response"] == "R" for patient in first.index})
        seen = {
            "baseline": logs[pre & responder].mean() - logs[pre & ~responder].mean(),
            "change": change.mean(),
            "response_change": change[group[change.index]].mean() - change[~group[change.index]].mean(),
        }
        for contrast, sizes in effects.items():
            for label, size in sizes.items():
                slack = 0.7 if contrast == "baseline" else 0.4
                assert seen[contrast][label] == pytest.approx(size, abs=slack), (tissue, contrast, label)
        still = [label for label in labels if label not in moved]
        assert seen["response_change"][still].abs().max() < 0.5


def test_a_patient_keeps_its_libraries_when_patients_are_added(truth):
    # P03 and P04 change their batch with the number of patients; with it a species, and what follows it
    arms = {"P01 P02 P03 P04": lambda truth: truth, "P01 P02": lambda truth: plan_metabolome(truth=truth)}
    for patients, arm in arms.items():
        few, many = (plan_cells(truth=arm(plan_trial(n=n, seed=SEED, pairs=1000)))["cells"]["samples"] for n in (4, 12))
        assert set(few) <= set(many)
        for name, plan in few.items():
            if plan["patient_id"] in patients.split():
                assert {**plan, "batch": None} == {**many[name], "batch": None}


def test_a_type_follows_its_compound_at_every_visit_and_nothing_else_does(trial, truth):
    link = LINKS[0]
    labels, own = truth["cells"]["types"][link.tissue], truth["cells"]["types"][link.tissue].index(link.label)
    raised = json.loads(json.dumps(trial))
    levels = raised["metabolome"]["levels"][link.compound]
    raised["metabolome"]["levels"][link.compound] = [level + 1.0 for level in levels]
    after = plan_cells(truth=raised)["cells"]
    assert {key: part for key, part in after.items() if key != "samples"} == {
        key: part for key, part in truth["cells"].items() if key != "samples"
    }
    assert {plan["timepoint"] for plan in libraries(truth, link.tissue).values()} == {"PRE", "POST"}
    for name, before in truth["cells"]["samples"].items():
        plan = after["samples"][name]
        if before["tissue"] != link.tissue:
            assert plan == before
            continue
        shift = np.log2(plan["shares"]) - np.log2(before["shares"])
        # shares are rounded to 5 digits
        np.testing.assert_allclose(np.delete(shift - shift[labels.index("b")], own), 0, atol=0.01)
        assert shift[own] - shift[labels.index("b")] == pytest.approx(link.slope, abs=0.01)


def test_truth_names_the_links_and_the_chains(trial, truth):
    assert truth["cells"]["links"] == [vars(link) for link in LINKS]
    assert truth["cells"]["chains"] == [
        {"taxa": "Akkermansia_muciniphila", "metabolites": "inosine", "blood_cells": "cd8_effector_memory"}
    ]
    prevalence = {compound.name: compound.prevalence for compound in NAMED}
    for link in LINKS:
        assert prevalence[link.compound] == 1, "a patient without the compound would have no level to follow"
        assert link.label in SHARES[link.tissue]
    alone = plan_cells(truth={key: part for key, part in trial.items() if key != "metabolome"})["cells"]
    assert alone["links"] == alone["chains"] == []


def test_smallest_trial():
    names = list(plan_cells(truth=plan_trial(n=2, seed=11, pairs=1000), cells=30)["cells"]["samples"])
    assert names == [f"P01_{t}_{x}" for x in ("BLOOD", "TUMOR") for t in ("PRE", "POST")] + [
        "P02_PRE_BLOOD",
        "P02_PRE_TUMOR",
    ]
    with pytest.raises(ValueError, match="at least 20 cells, got 19"):
        plan_cells(truth=plan_trial(n=2, seed=11, pairs=1000), cells=19)


# cells


def test_cells_are_what_the_plan_says(truth, counted):
    for tissue in SHARES:
        plans = libraries(truth, tissue)
        cells = pd.concat([counted[name][0] for name in plans])
        assert len(cells) == sum(plan["cells"] for plan in plans.values())
        assert cells["doublet"].mean() == pytest.approx(np.mean([p["doublet_rate"] for p in plans.values()]), abs=0.01)
        assert cells["dead"].mean() == pytest.approx(np.mean([p["dead_rate"] for p in plans.values()]), abs=0.01)
        assert not (cells["doublet"] & cells["dead"]).any()
        assert (cells["label_2"].notna() == cells["doublet"]).all()
        expected = np.average(
            [p["shares"] for p in plans.values()], axis=0, weights=[p["cells"] for p in plans.values()]
        )
        seen = cells["label"].value_counts(normalize=True)[truth["cells"]["types"][tissue]]
        np.testing.assert_allclose(seen, expected, atol=0.015)
    for name, (cells, _) in counted.items():
        assert cells["barcode"].is_monotonic_increasing and cells["barcode"].is_unique
        assert cells["barcode"].str.fullmatch("[ACGT]{16}-1").all()
        assert (cells["cell"] == name + "_" + cells["barcode"]).all()


def test_truth_of_cells_needs_no_file_and_is_that_of_the_counts(truth, counted):
    name = "P05_POST_TUMOR"
    pd.testing.assert_frame_equal(cell_truth(truth=json.loads(json.dumps(truth)), sample_id=name), counted[name][0])


def test_counts_look_like_cells(counted):
    for cells, counts in counted.values():
        alone = (~cells["doublet"] & ~cells["dead"]).to_numpy()
        total = counts.sum(axis=1)
        mito = counts[:, np.isin(genes(), MITO.split())].sum(axis=1) / total
        dead, double = cells["dead"].to_numpy(), cells["doublet"].to_numpy()
        assert 1300 < np.median(total[alone]) < 3300
        assert 0.03 < np.median(mito[alone]) < 0.06
        assert mito[dead].min() > 0.1
        assert np.quantile(mito[alone], 0.95) < 0.09
        assert np.median(total[double]) > 1.3 * np.median(total[alone])
        assert np.median((counts[alone] > 0).sum(axis=1)) > 300


def test_counts_vary_more_than_poisson(truth, counted):
    """Of a high gene in cells of one type, counts per depth: variance = mean + about mean^2 / 6."""
    cells, counts = counted["P01_PRE_BLOOD"]
    mine = (cells["label"] == "cd4_naive").to_numpy() & (~cells["doublet"] & ~cells["dead"]).to_numpy()
    share = counts[mine] / counts[mine].sum(axis=1, keepdims=True) * 2000
    high = share.mean(axis=0) > 10
    spread = (share[:, high].var(axis=0, ddof=1) - share[:, high].mean(axis=0)) / share[:, high].mean(axis=0) ** 2
    assert 0.1 < np.median(spread) < 0.3


def test_markers_mark_and_leak(truth, counted):
    """A type's last set is its own: higher in its cells than in all others, in most of the genes that are kept."""
    for tissue in SHARES:
        names = list(libraries(truth, tissue))
        cells = pd.concat([counted[name][0] for name in names])
        counts = np.vstack([counted[name][1] for name in names])
        alone = (~cells["doublet"] & ~cells["dead"]).to_numpy()
        means = pd.DataFrame(
            {label: counts[alone & (cells["label"] == label).to_numpy()].mean(axis=0) for label in SHARES[tissue]},
            index=genes(),
        )
        for label in SHARES[tissue]:
            own = TYPES[label].sets[-1]
            rest = [other for other in SHARES[tissue] if own not in TYPES[other].sets]
            kept = truth["cells"]["markers"][own].split()
            above = means.loc[kept, label] > 2 * means.loc[kept, rest].mean(axis=1)
            assert above.mean() > 0.7, (tissue, label)
            lost = sorted(
                {*SETS[own].split()} - {gene for text in truth["cells"]["markers"].values() for gene in text.split()}
            )
            assert (means.loc[lost, label] < 1.2).all(), (tissue, label)
        # ambient counts: a gene of one type is seen in every other
        assert (means.loc["CD79A" if means.loc["CD79A"].max() > 1 else "MS4A1"] > 0).all()


def test_sex_genes_follow_the_sheet(truth, counted):
    for name, (_, counts) in counted.items():
        sex = truth["cells"]["sex"][truth["cells"]["samples"][name]["patient_id"]]
        female, male = (counts[:, [column(gene) for gene in group]].sum() for group in (FEMALE, MALE))
        assert (female > 20 * male) if sex == "F" else (male > 20 * female), name


def test_samples_of_a_patient_are_alike_in_personal_genes(truth, counted):
    plans = truth["cells"]["samples"]
    has = {
        name: tuple(counts[:, column(gene)].mean() > 0.3 for gene in PERSONAL) for name, (_, counts) in counted.items()
    }
    for patient in truth["patients"]:
        assert len({has[name] for name, plan in plans.items() if plan["patient_id"] == patient}) == 1
    assert len(set(has.values())) >= 11


def test_cycling_cells_raise_the_genes_of_their_phase(counted):
    cells = pd.concat([cells for cells, _ in counted.values()])
    counts = np.vstack([counts for _, counts in counted.values()])
    late = counts[:, np.isin(genes(), G2M_PHASE.split())].sum(axis=1) / counts.sum(axis=1)
    single = ~cells["doublet"].to_numpy()
    phase = cells["phase"].to_numpy()
    assert late[single & (phase == "G2M")].mean() > 3 * late[single & (phase == "G1")].mean()
    assert 0.01 < (phase != "G1").mean() < 0.06


def test_batches_differ_and_the_first_is_the_reference(truth):
    def batch_shift(truth_):
        return sample_levels(truth=truth_, sample_id="P07_PRE_BLOOD")

    one_batch = json.loads(json.dumps(truth))
    for plan in one_batch["cells"]["samples"].values():
        plan["batch"] = "B1"
    shift = batch_shift(truth) - batch_shift(one_batch)
    assert np.allclose(shift, shift[0])
    assert shift[0].std() == pytest.approx(0.25, rel=0.15)
    np.testing.assert_array_equal(
        sample_levels(truth=truth, sample_id="P01_PRE_BLOOD"), sample_levels(truth=one_batch, sample_id="P01_PRE_BLOOD")
    )


def test_planted_expression_is_in_the_levels_of_its_type_only(truth):
    without = json.loads(json.dumps(truth))
    for contrasts in without["cells"]["effects"].values():
        # the features stay named, so that their base level does
        contrasts.update({c: dict.fromkeys(sizes, 0.0) for c, sizes in contrasts.items()})
    labels = truth["cells"]["types"]["blood"]
    for name, side in (("P01_POST_BLOOD", 0.5), ("P02_POST_BLOOD", -0.5)):
        shift = sample_levels(truth=truth, sample_id=name) - sample_levels(truth=without, sample_id=name)
        expected = np.zeros_like(shift)
        for gene in INTERFERON:
            expected[labels.index("monocyte_classical"), column(gene)] = 1.5
        for gene in ("GZMB", "PRF1", "IFNG", "TNF"):
            expected[labels.index("cd8_effector_memory"), column(gene)] = side * 2.0
        np.testing.assert_allclose(shift, expected, atol=1e-9)
    shift = [sample_levels(truth=t, sample_id="P01_PRE_BLOOD") for t in (truth, without)]
    np.testing.assert_array_equal(*shift)


@pytest.mark.parametrize("contrast", ["baseline", "change", "response_change"])
@pytest.mark.parametrize("tissue", ["blood", "tumor"])
def test_planted_shifts_are_found_in_the_true_fractions(truth, tissue, contrast):
    """What an annotation without a mistake would find in 12 patients, by the compositional path with all covariates."""
    plans = libraries(truth, tissue)
    counts = {}
    for name in plans:
        cells = cell_truth(truth=truth, sample_id=name)
        counts[name] = cells.loc[~cells["doublet"] & ~cells["dead"], "label"].value_counts()
    fractions = pd.DataFrame(counts).T.fillna(0)
    fractions = fractions.div(fractions.sum(axis=1), axis=0)
    sheet = {row["patient_id"]: row for row in patients_sheet(truth=truth)}
    obs = pd.DataFrame(plans).T[["patient_id", "timepoint", "batch"]].astype(str)
    obs["cohort"] = obs["patient_id"].map(lambda patient: sheet[patient]["cohort"])
    obs["antibiotics"] = obs["patient_id"].map(lambda patient: sheet[patient]["abx_60d"])
    outcomes = pd.DataFrame({"response": obs["patient_id"].map(lambda p: truth["patients"][p]["response"])})
    layer = build_layer(
        values=fractions,
        observations=obs,
        name=f"{tissue}_cells",
        arm="single_cell",
        kind="compositional",
        unit="fraction",
    )
    table = differential(
        adata=layer,
        outcomes=outcomes,
        contrast=contrast,
        role="primary",
        covariates=("cohort", "antibiotics"),
        seed=1,
        settings=DifferentialSettings(),
    ).table.set_index("feature")
    planted = EFFECTS[f"{tissue}_cells"][contrast]
    for label, size in planted.items():
        assert table.loc[label, "q"] < 0.1 and table.loc[label, "estimate"] * size > 0, label
    follow = driven(trial=truth, layer=f"{tissue}_cells", contrast=contrast)
    assert follow == ({"cd8_effector_memory"} if (tissue, contrast) == ("blood", "baseline") else set())
    assert list(table.index[(table["q"] < 0.1) & ~table.index.isin([*planted, *follow])]) == []


# raw files


def test_same_truth_same_bytes_from_file_or_memory(truth, tmp_path):
    (tmp_path / "truth.json").write_text(json.dumps(truth, indent=1))
    write_cells(truth=truth, sample_id="P01_PRE_BLOOD", path=tmp_path / "a.h5")
    time.sleep(1.1)
    write_cells(truth=tmp_path / "truth.json", sample_id="P01_PRE_BLOOD", path=tmp_path / "elsewhere" / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "elsewhere" / "b.h5").read_bytes()
    assert (tmp_path / "a.h5").stat().st_size < 1_000_000


def test_file_has_the_layout_of_cell_ranger(truth, counted, tmp_path):
    write_cells(truth=truth, sample_id="P01_PRE_TUMOR", path=tmp_path / "x.h5")
    cells, counts = counted["P01_PRE_TUMOR"]
    with h5py.File(tmp_path / "x.h5") as file:
        assert set(file["matrix"]) == {"barcodes", "data", "features", "indices", "indptr", "shape"}
        assert set(file["matrix/features"]) == {"_all_tag_keys", "feature_type", "genome", "id", "name"}
        assert tuple(file["matrix/shape"]) == counts.shape[::-1]
        assert [name.decode() for name in file["matrix/barcodes"]] == list(cells["barcode"])
        assert len(file["matrix/indptr"]) == len(cells) + 1
        assert (file["matrix/data"][:] > 0).all()
        assert file["matrix/data"][:].sum() == counts.sum()


def test_scanpy_reads_what_was_written(truth, counted, tmp_path):
    import scanpy as sc  # takes seconds to import, and only this test needs it

    write_cells(truth=truth, sample_id="P01_PRE_TUMOR", path=tmp_path / "x.h5")
    read = sc.read_10x_h5(tmp_path / "x.h5")
    cells, counts = counted["P01_PRE_TUMOR"]
    np.testing.assert_array_equal(read.X.toarray(), counts)
    assert list(read.var_names) == genes() and list(read.var["gene_ids"]) == gene_ids()
    assert list(read.obs_names) == list(cells["barcode"])
    assert set(read.var["genome"]) == {"GRCh38"} and set(read.var["feature_types"]) == {"Gene Expression"}


@pytest.mark.parametrize("sample", ["nobody", "P01_PRE"])
def test_unknown_library_is_refused(trial, truth, tmp_path, sample):
    for known in (truth, trial):
        with pytest.raises(ValueError, match=f"no single-cell library '{sample}'"):
            write_cells(truth=known, sample_id=sample, path=tmp_path / "x.h5")
    assert list(tmp_path.iterdir()) == []


def test_files_named_together_are_the_same_as_one_by_one(tmp_path):
    truth = plan_cells(truth=plan_trial(n=2, seed=11, pairs=1000), cells=40)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    rows = samples_rows(truth=truth, batch="B1", folder=str(tmp_path / "raw"))
    write_libraries(truth=tmp_path / "truth.json", paths=[Path(row["file_1"]) for row in rows])
    assert len(list((tmp_path / "raw").iterdir())) == len(rows) == 4
    write_cells(truth=truth, sample_id="P01_POST_TUMOR", path=tmp_path / "one.h5")
    together = tmp_path / "raw" / file_name(sample_id="P01_POST_TUMOR")
    assert (tmp_path / "one.h5").read_bytes() == together.read_bytes()
    with pytest.raises(ValueError, match="no single-cell library 'nobody'"):
        write_libraries(truth=tmp_path / "truth.json", paths=[tmp_path / file_name(sample_id="nobody")])


# sheet


def test_rows_of_the_sample_sheet(truth):
    rows = [row for batch in ("B1", "B2") for row in samples_rows(truth=truth, batch=batch, folder="../raw")]
    wanted = "sample_id patient_id assay material timepoint collect_date batch qc file_1 file_2 control"
    assert {tuple(row) for row in rows} == {tuple(wanted.split())}
    assert sorted(row["sample_id"] for row in rows) == sorted(truth["cells"]["samples"])
    first = next(row for row in rows if row["sample_id"] == "P01_POST_TUMOR")
    assert first["material"] == "TUMOR" and first["assay"] == "SCRNA" and first["batch"] == "B1"
    assert first["file_1"] == "../raw/P01_POST_TUMOR_filtered_feature_bc_matrix.h5"
    for row in rows:
        day = (pd.Timestamp(row["collect_date"]).date() - ildr_date(number=int(row["patient_id"][1:]))).days
        assert -28 <= day < 0 if row["timepoint"] == "PRE" else 7 <= day <= 63
        assert row["material"] == {"BLOOD": "PBMC", "TUMOR": "TUMOR"}[row["sample_id"].rsplit("_", 1)[1]]
