"""From mzML to the feature table: a simulated cohort comes back, twice the same, in whatever order its files come."""

import numpy as np
import pandas as pd
import pytest
from tests.metabolome_files import ISOTOPE, SODIUM, cohort

from gutaxis.metabolome.feature_table import read_feature_table
from gutaxis.metabolome.features import extract_features
from gutaxis.metabolome.forced import assemble_matrix, force_integrate
from gutaxis.metabolome.intake import intake
from gutaxis.metabolome.link import link_features
from gutaxis.metabolome.presets import PRESETS
from gutaxis.metabolome.selection import select_features

pytestmark = pytest.mark.unit
ORBITRAP = PRESETS["orbitrap"]
LINKED = ("linked", "areas", "alignment", "transformations")
FINAL = ("matrix", "state", "features", "cells")


def run_arm(folder, *, paths, injections, mode="positive"):
    """Run every step as the rules do and return the paths of all tables."""
    folder.mkdir(parents=True)
    tables = {name: folder / f"{name}.tsv" for name in (*LINKED, *FINAL, "consensus", "decisions")}
    rows, features, forced = {}, {}, []
    for sample, path in paths.items():
        rows[sample], features[sample] = folder / f"{sample}.row.tsv", folder / f"{sample}.featureXML"
        about = {"sample": sample, "path": path, "mode": mode}
        rest = {"trace": folder / f"{sample}.trace.tsv", "masses": folder / f"{sample}.masses.tsv"}
        control = injections.at[sample, "control"]
        intake(**about, control=control, standards=None, rt_unit="auto", search_ppm=20.0, row=rows[sample], **rest)
        extract_features(**about, intake=rows[sample], preset=ORBITRAP, output=features[sample])
    link_features(
        files=features, injections=injections, mode=mode, preset=ORBITRAP, **{name: tables[name] for name in LINKED}
    )
    select_features(
        linked=tables["linked"],
        areas=tables["areas"],
        injections=injections,
        mode=mode,
        panel=[],
        preset=ORBITRAP,
        min_share=0.5,
        consensus=tables["consensus"],
        decisions=tables["decisions"],
    )
    # two parts, as the rule makes of a batch: the order of tables does not matter
    names = list(paths)
    for number, part in enumerate((names[5:], names[:5])):
        forced.append(folder / f"forced.{number}.tsv")
        force_integrate(
            files={sample: paths[sample] for sample in part},
            mode=mode,
            intake=rows,
            consensus=tables["consensus"],
            transformations=tables["transformations"],
            preset=ORBITRAP,
            output=forced[-1],
        )
    given = {"consensus": tables["consensus"], "areas": tables["areas"], "forced": forced}
    assemble_matrix(**given, **{name: tables[name] for name in FINAL})
    return tables


@pytest.fixture(scope="module")
def arm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    truth, log2, injections, paths = cohort(folder / "spectra", files=12, n=40, noise=400, weakest=4.6, strays=6)
    tables = run_arm(folder / "one", paths=paths, injections=injections)
    table = read_feature_table(
        path_values=tables["matrix"], path_state=tables["state"], path_features=tables["features"]
    )
    return folder, truth, log2, injections, paths, tables, table


def hits(truth, features):
    """Return the feature of each compound, and all features that an ion or isotope of the truth explains."""
    own, explained = {}, set()
    for name, row in truth.iterrows():
        near = abs(features["rt"] - row["rt"]) < 10
        for isotope in range(3):
            for mz in (row["mz"], row["mass"] + SODIUM):
                found = features.index[near & (abs(features["mz"] / (mz + isotope * ISOTOPE) - 1) < 8e-6)]
                explained |= set(found)
                if isotope == 0 and mz == row["mz"] and len(found):
                    own[name] = found[0]
    return own, explained


def test_each_file_of_a_part_is_integrated_as_it_is_alone(arm, tmp_path):
    """By its own spectra, its own row of the intake (one clock is stretched here) and its own alignment."""
    folder, _, _, _, paths, tables, _ = arm
    names = sorted(paths)[:3]
    rows = {name: folder / f"one/{name}.row.tsv" for name in names}
    stretched = pd.read_csv(rows[names[1]], sep="\t", dtype=str)
    stretched["rt_factor"] = f"{1.01 * float(stretched.at[0, 'rt_factor'])}"
    rows[names[1]] = tmp_path / "stretched.tsv"
    stretched.to_csv(rows[names[1]], sep="\t", index=False)
    # an alignment of its own for each, whatever the simulated clocks are
    shifted = pd.read_csv(tables["transformations"], sep="\t")
    shifted["rt_s"] += shifted["sample_id"].map({name: 3.0 * place for place, name in enumerate(names)}).fillna(0)
    shifted.to_csv(tmp_path / "shifted.tsv", sep="\t", index=False)

    def integrated(*samples):
        out = tmp_path / "out.tsv"
        force_integrate(
            files={name: paths[name] for name in samples},
            mode="positive",
            intake=rows,
            consensus=tables["consensus"],
            transformations=tmp_path / "shifted.tsv",
            preset=ORBITRAP,
            output=out,
        )
        return pd.read_csv(out, sep="\t")

    alone = [integrated(name) for name in names]
    assert not alone[0].drop(columns="sample_id").equals(alone[1].drop(columns="sample_id"))
    pd.testing.assert_frame_equal(integrated(*names), pd.concat(alone, ignore_index=True))


def test_recall_and_precision(arm):
    _, truth, _, _, _, _, table = arm
    own, explained = hits(truth, table.features)
    assert len(own) / len(truth) >= 0.95
    assert len(explained) / len(table.features) >= 0.98
    assert len(set(own.values())) == len(own)


def test_areas_follow_the_truth_and_absent_stays_absent(arm):
    _, truth, log2, _, _, _, table = arm
    own, _ = hits(truth, table.features)
    study = [name for name in table.values if name.startswith("P")]
    r, invented, lost, absent = [], 0, 0, 0
    for name, feature in own.items():
        y, x = np.log2(table.values.loc[feature, study]), log2.loc[name, study]
        both = x.notna() & y.notna()
        r.append(np.corrcoef(x[both], y[both])[0, 1])
        invented += int((x.isna() & y.notna()).sum())
        lost += int((x.notna() & y.isna()).sum())
        absent += int(x.isna().sum())
    assert np.median(r) >= 0.99
    assert absent > 10
    assert invented == 0
    assert lost == 0


def test_forced_cells_agree_with_detected_ones(arm):
    _, truth, log2, _, _, _, table = arm
    own, _ = hits(truth, table.features)
    errors = []
    for name, feature in own.items():
        y, x = np.log2(table.values.loc[feature]), log2.loc[name].reindex(table.values.columns)
        state = table.state.loc[feature]
        offset = (y - x)[state == "detected"].median()
        errors += list((y - x - offset)[state == "forced"].dropna())
    assert len(errors) >= 3
    assert np.abs(errors).max() < 0.3


def test_blank_has_a_column_without_values(arm):
    *_, table = arm
    assert table.values["BLANK1"].isna().all()
    assert set(table.state["BLANK1"]) == {"absent"}


def test_sodium_adducts_are_grouped_with_their_molecule(arm):
    _, truth, _, _, _, _, table = arm
    own, _ = hits(truth, table.features)
    grouped = 0
    for name, row in truth[truth["sodium"]].iterrows():
        near = abs(table.features["rt"] - row["rt"]) < 10
        other = table.features.index[near & (abs(table.features["mz"] / (row["mass"] + SODIUM) - 1) < 8e-6)]
        if len(other):
            grouped += 1
            assert table.features.at[other[0], "group"] == table.features.at[own[name], "group"]
            assert table.features.at[other[0], "adduct"] == "[M+Na]+"
            assert table.features.at[own[name], "neutral_mass"] == pytest.approx(row["mass"], rel=4e-6)
    assert grouped >= 4
    plain = [feature for name, feature in own.items() if not truth.at[name, "sodium"]]
    assert table.features.loc[plain, "adduct"].isna().all()


def test_second_run_in_another_order_gives_the_same_bytes(arm):
    folder, _, _, injections, paths, tables, _ = arm
    reverse = dict(sorted(paths.items(), reverse=True))
    again = run_arm(folder / "two", paths=reverse, injections=injections.iloc[::-1])
    for name, path in tables.items():
        assert path.read_bytes() == again[name].read_bytes(), name
        assert str(folder) not in path.read_text()


def test_tables_of_the_steps_agree(arm):
    *_, tables, table = arm
    decisions = pd.read_csv(tables["decisions"], sep="\t", index_col=0)
    linked = pd.read_csv(tables["linked"], sep="\t", index_col=0)
    assert list(decisions.index) == list(linked.index)
    assert list(decisions.index[decisions["kept_by"].notna()]) == list(table.features.index)
    assert len(decisions) > len(table.features)  # noise made features that the filter took away
    cells = pd.read_csv(tables["cells"], sep="\t", index_col=0)
    assert (cells.sum(axis=1) == len(table.features)).all()
    assert cells["forced"].to_dict() == (table.state == "forced").sum().to_dict()
