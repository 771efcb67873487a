"""Simulated plasma metabolome: masses, plan, raw files. One truth, the same bytes."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pyopenms
import pytest
from lxml import etree
from pyteomics import mass, mzml

from gutaxis.simulate import metabolome_plan
from gutaxis.simulate.metabolome import file_name, samples_rows, write_injection, write_injections
from gutaxis.simulate.metabolome_catalogue import CONTAMINANTS, EFFECTS, ION, LINKS, NAMED
from gutaxis.simulate.metabolome_masses import ADDUCTS, atoms, isotope_pattern, mz
from gutaxis.simulate.metabolome_mzml import Scan, write_mzml
from gutaxis.simulate.metabolome_order import shifted_rt
from gutaxis.simulate.metabolome_plan import CLASH_PPM, CLASH_SECONDS, plan_metabolome
from gutaxis.simulate.metabolome_recovery import contrast_estimates, true_levels
from gutaxis.simulate.metabolome_spectra import (
    MODES,
    SURROUNDINGS,
    WINDOW,
    background_mz,
    injected_levels,
    injection_scans,
    true_ions,
)
from gutaxis.simulate.trial import plan_trial

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]
SEED = 20240611


FILES = ("file_1", "file_2")


@pytest.fixture(scope="module")
def trial():
    return plan_trial(n=12, seed=SEED, pairs=16_000)


@pytest.fixture(scope="module")
def truth(trial):
    return plan_metabolome(truth=trial)


@pytest.fixture(scope="module")
def study_file(truth, tmp_path_factory):
    path = tmp_path_factory.mktemp("raw") / "P01_PRE_PLASMA_positive.mzML"
    write_injection(truth=truth, sample_id="P01_PRE_PLASMA", mode="positive", path=path)
    return path


# masses


@pytest.mark.parametrize(
    ("adduct", "expected"), [("M+H", 205.09715), ("M+Na", 227.07910), ("M-H", 203.08260), ("M+Cl", 239.05928)]
)
def test_tryptophan_carries_the_electron_mass(adduct, expected):
    assert mz(formula="C11H12N2O2", adduct=adduct) == pytest.approx(expected, abs=2e-5)


@pytest.mark.oracle
def test_masses_equal_pyteomics():
    electron = mass.calculate_mass(composition=mass.Composition({"e*": 1}))
    for compound in (*NAMED, *CONTAMINANTS):
        for adducts in ION[compound.ionisation].values():
            for adduct in adducts:
                added, charge = ADDUCTS[adduct]
                whole = mass.Composition(formula=compound.formula) + mass.Composition(added)
                expected = mass.calculate_mass(composition=whole) - charge * electron
                assert mz(formula=compound.formula, adduct=adduct) == pytest.approx(expected, rel=1e-8)


@pytest.mark.oracle
def test_isotope_pattern_equals_pyteomics_summed_by_nominal_mass():
    formula = "C8H7NO4S"
    by_shift: dict[int, list[tuple[float, float]]] = {}
    light = mass.calculate_mass(formula=formula)
    for composition, abundance in mass.isotopologues(formula=formula, report_abundance=True, isotope_threshold=1e-6):
        place = mass.calculate_mass(composition=composition)
        by_shift.setdefault(round(place - light), []).append((place, abundance))
    whole = isotope_pattern(formula=formula, adduct="M+")
    first = sum(abundance for _, abundance in by_shift[0])
    for shift, (place, share) in enumerate(whole[:3]):
        total = sum(abundance for _, abundance in by_shift[shift])
        centre = sum(mass_ * abundance for mass_, abundance in by_shift[shift]) / total
        assert share == pytest.approx(total / first, rel=2e-3)
        assert place + 0.00054858 == pytest.approx(centre, abs=2e-5)


def test_chlorine_adduct_shows_its_second_isotope():
    pattern = isotope_pattern(formula="C6H12O6", adduct="M+Cl")
    assert pattern[2][1] == pytest.approx(0.2424 / 0.7576, rel=0.1)


def test_proton_is_removed_not_added_in_negative_mode():
    assert mz(formula="C9H9NO3", adduct="M+H") - mz(formula="C9H9NO3", adduct="M-H") == pytest.approx(2 * 1.00727646)


@pytest.mark.parametrize("formula", ["C6H12X", "c6", "C6-H2", "C6 H2"])
def test_what_is_no_formula_is_refused(formula):
    with pytest.raises(ValueError, match="not a formula"):
        atoms(formula=formula)


# plan


def test_plan_adds_to_the_truth_and_changes_nothing_in_it(trial, truth):
    assert trial == plan_trial(n=12, seed=SEED, pairs=16_000)
    assert {key: value for key, value in truth.items() if key != "metabolome"} == trial
    assert json.dumps(plan_metabolome(truth=trial)) == json.dumps(truth)
    assert len(json.dumps(truth, indent=1)) < 400_000


def test_design(truth):
    injections = truth["metabolome"]["injections"]
    for batch in ("B1", "B2"):
        mine = {name: planned for name, planned in injections.items() if planned["batch"] == batch}
        assert [planned["run_order"] for planned in mine.values()] == list(range(1, len(mine) + 1))
        controls = [planned["control"] for planned in mine.values()]
        assert controls.count("POOL_QC") == 6
        assert controls.count("BLANK") == 2
        # QCs enclose the study samples, and no more than three of these follow each other
        inner = "".join(control[0] for control in controls).strip("B")
        assert inner.startswith("P") and inner.endswith("P") and "NNNN" not in inner
    study = [name for name, planned in injections.items() if planned["control"] == "N"]
    assert sorted(study) == sorted(truth["metabolome"]["samples"])
    assert len(study) == 23
    assert not set(injections) & set(truth["samples"]), "sample ids are unique over all assays"


def test_both_samples_of_a_patient_share_a_batch(truth):
    batches: dict[str, set[str]] = {}
    for planned in truth["metabolome"]["injections"].values():
        if planned["patient_id"]:
            batches.setdefault(planned["patient_id"], set()).add(planned["batch"])
    assert all(len(mine) == 1 for mine in batches.values())


def test_order_has_little_to_do_with_timepoint_or_response(truth):
    for batch in ("B1", "B2"):
        mine = [i for i in truth["metabolome"]["injections"].values() if i["batch"] == batch and i["control"] == "N"]
        order = np.arange(len(mine))
        post = [planned["timepoint"] == "POST" for planned in mine]
        responder = [truth["patients"][planned["patient_id"]]["response"] == "R" for planned in mine]
        assert abs(np.corrcoef(order, post)[0, 1]) < 0.25
        assert abs(np.corrcoef(order, responder)[0, 1]) < 0.25


def test_response_is_nowhere_in_the_injections(truth):
    assert "response" not in {key for planned in truth["metabolome"]["injections"].values() for key in planned}


def test_a_patient_keeps_its_levels_when_patients_are_added(truth):
    few = plan_metabolome(truth=plan_trial(n=4, seed=SEED, pairs=1000))["metabolome"]
    driven = {link.compound for link in LINKS}
    for name, row in few["levels"].items():
        # P03 changes its batch with the number of patients, and its stool with the batch
        same = 4 if name in driven else len(row)
        assert row[:same] == truth["metabolome"]["levels"][name][:same]
    assert len(few["samples"]) == 7
    assert few["samples"] == truth["metabolome"]["samples"][: len(few["samples"])]


def test_smallest_trial_has_its_controls():
    plan = plan_metabolome(truth=plan_trial(n=2, seed=11, pairs=1000), qcs=5, blanks=1)["metabolome"]
    controls = [(planned["batch"], planned["control"]) for planned in plan["injections"].values()]
    assert plan["samples"] == ["P01_PRE_PLASMA", "P01_POST_PLASMA", "P02_PRE_PLASMA"]
    assert controls.count(("B1", "POOL_QC")) == controls.count(("B2", "POOL_QC")) == 5


def test_a_batch_without_blank_or_qc_is_refused(trial):
    with pytest.raises(ValueError, match="at least 2 QCs and 1 blank, got 6 and 0"):
        plan_metabolome(truth=trial, blanks=0)


@pytest.mark.parametrize("seed", [SEED, 1, 2])
def test_ions_of_one_mass_are_apart(seed):
    truth = plan_metabolome(truth=plan_trial(n=2, seed=seed, pairs=1000))
    for mode in MODES:
        ions = [ion for ion in true_ions(truth=truth, mode=mode) if ion["isotope"] < 3]
        places, times = np.array([ion["mz"] for ion in ions]), np.array([ion["rt"] for ion in ions])
        owner = np.array([ion["compound"] for ion in ions])
        near = np.abs(places[:, None] / places - 1) * 1e6 < CLASH_PPM
        met = near & (np.abs(times[:, None] - times) < CLASH_SECONDS) & (owner[:, None] != owner)
        assert not met.any(), owner[np.argwhere(met)]
        assert WINDOW[0] < places.min() and places.max() < WINDOW[1]
        taken = np.array([ion["mz"] for ion in true_ions(truth=truth, mode=mode)])
        assert np.abs(background_mz(truth=truth, mode=mode)[:, None] / taken - 1).min() * 1e6 > 40


def test_other_compounds_are_no_isomers_of_named_ones(truth):
    formulas = [compound["formula"] for compound in truth["metabolome"]["compounds"].values()]
    others = [c["formula"] for c in truth["metabolome"]["compounds"].values() if c["group"] == "other"]
    assert len(others) == metabolome_plan.OTHERS
    assert all(formulas.count(formula) == 1 for formula in others)
    assert 60 <= len(formulas) <= 100


def test_names_and_planted_compounds():
    names = [compound.name for compound in (*NAMED, *CONTAMINANTS)]
    assert len(set(names)) == len(names)
    planted = [name for sizes in EFFECTS.values() for name in sizes] + [link.compound for link in LINKS]
    assert set(planted) <= {compound.name for compound in NAMED if compound.group == "panel"}
    assert len(set(planted)) == len(planted), "one reason for each change"


def test_panel_compounds_are_those_of_the_workflows_panel():
    panel = pd.read_csv(ROOT / "resources" / "metabolites" / "panel.tsv", sep="\t", comment="#").set_index("name")
    mine = [compound for compound in NAMED if compound.group == "panel"]
    assert {compound.name: compound.formula for compound in mine} == panel.loc[
        [compound.name for compound in mine], "formula"
    ].to_dict()
    assert {compound.name for compound in mine if compound.ionisation == "cation"} == {"choline"}
    assert panel.loc["choline", "charge"] == 1
    assert not {compound.name for compound in NAMED if compound.group == "plasma"} & set(panel.index)
    short_chain = set(panel.index[panel["class"] == "scfa"])
    assert short_chain and not short_chain & {compound.name for compound in NAMED}, "not assayed, on purpose"


def test_planted_effects_are_in_the_true_levels(truth):
    realised = contrast_estimates(truth=truth, values=true_levels(truth=truth))
    for contrast, sizes in EFFECTS.items():
        for name, size in sizes.items():
            assert realised.loc[name, contrast] == pytest.approx(size, abs=0.75), (contrast, name)
    compounds = truth["metabolome"]["compounds"]
    quiet = [name for name in realised.index if compounds[name]["group"] == "other"]
    assert realised.loc[quiet].median().abs().max() < 0.25


def test_a_driven_compound_follows_its_species(truth):
    levels = true_levels(truth=truth)
    for link in LINKS:
        shares = [truth["samples"][name.removesuffix("_PLASMA")]["composition"][link.species] for name in levels]
        assert np.corrcoef(np.log2(shares), levels.loc[link.compound])[0, 1] > 0.85, link


def test_pool_is_the_mean_of_all_samples(truth):
    levels = true_levels(truth=truth).loc["caffeine"]
    assert levels.isna().any() and levels.notna().any()
    expected = np.log2(np.exp2(levels).fillna(0).mean())
    assert truth["metabolome"]["pool"]["caffeine"] == pytest.approx(expected, abs=1e-4)


def test_qcs_drift_within_a_batch_and_step_between_batches(truth):
    injections = truth["metabolome"]["injections"]
    qcs = {b: [n for n, i in injections.items() if i["control"] == "POOL_QC" and i["batch"] == b] for b in ("B1", "B2")}
    level = {
        name: np.array(list(injected_levels(truth=truth, sample_id=name, mode="positive").values()))
        for batch in qcs
        for name in qcs[batch]
    }
    for batch in ("B1", "B2"):
        assert np.median(level[qcs[batch][-1]] - level[qcs[batch][0]]) < -0.5
    assert np.std(level[qcs["B2"][0]] - level[qcs["B1"][0]]) > 0.2


def test_technical_noise_is_what_the_truth_says(truth):
    plan, off = truth["metabolome"], []
    for name, injection in plan["injections"].items():
        if injection["control"] != "POOL_QC":
            continue
        for compound, level in injected_levels(truth=truth, sample_id=name, mode="positive").items():
            own = plan["compounds"][compound]
            if own["group"] != "contaminant":
                known = plan["pool"][compound] + injection["dilution"] + own["batch_step"][injection["batch"]]
                off.append(level - known - own["drift_loading"] * injection["drift"])
    assert np.std(off) == pytest.approx(plan["technical_sd"], rel=0.1)
    assert np.mean(off) == pytest.approx(0, abs=0.02)


# raw files


def test_same_truth_same_bytes_from_file_or_memory(truth, study_file, tmp_path):
    (tmp_path / "truth.json").write_text(json.dumps(truth, indent=1))
    again = tmp_path / "elsewhere" / "other.mzML"
    write_injection(truth=tmp_path / "truth.json", sample_id="P01_PRE_PLASMA", mode="positive", path=again)
    assert again.read_bytes() == study_file.read_bytes()
    assert study_file.stat().st_size < 1_500_000
    text = study_file.read_text()
    assert "TimeStamp" not in text and str(tmp_path) not in text
    assert '<userParam name="simulated" value="true"' in text


def test_file_is_valid_indexed_mzml(study_file):
    schemas = Path(pyopenms.__file__).parent / "share" / "OpenMS" / "SCHEMAS"
    schema = etree.XMLSchema(etree.parse(str(schemas / "mzML_idx_1_10.xsd")))
    schema.assertValid(etree.parse(str(study_file)))
    data = study_file.read_bytes()
    for name, offset in re.findall(rb'<offset idRef="([^"]+)">(\d+)</offset>', data):
        assert re.match(rb'<spectrum index="\d+" id="%s"' % name, data[int(offset) :])
    offset = int(re.search(rb"<indexListOffset>(\d+)<", data)[1])
    assert data[offset:].startswith(b"<indexList ")
    body, digest = re.match(rb"(.*<fileChecksum>)(\w+)<", data, re.DOTALL).groups()
    assert hashlib.sha1(body).hexdigest().encode() == digest


def test_pyteomics_reads_what_was_written(truth, study_file):
    scans = injection_scans(truth=truth, sample_id="P01_PRE_PLASMA", mode="positive")
    with mzml.read(str(study_file), use_index=True) as reader:
        spectra = list(reader)
    assert len(spectra) == len(scans) == 286
    for scan, spectrum in zip(scans, spectra, strict=True):
        assert spectrum["ms level"] == 1 and "positive scan" in spectrum and "centroid spectrum" in spectrum
        np.testing.assert_array_equal(spectrum["m/z array"], scan.mz)
        np.testing.assert_array_equal(spectrum["intensity array"], scan.intensity)
        assert np.all(np.diff(scan.mz) >= 0)
        start = spectrum["scanList"]["scan"][0]["scan start time"]
        assert start.unit_info == "minute" and float(start) * 60 == pytest.approx(scan.seconds, abs=1e-5)
        assert spectrum["total ion current"] == pytest.approx(scan.intensity.astype(float).sum(), abs=0.06)


def test_pyopenms_reads_polarity_and_type(truth, tmp_path):
    path = tmp_path / "negative.mzML"
    write_injection(truth=truth, sample_id="P01_PRE_PLASMA", mode="negative", path=path)
    experiment = pyopenms.MSExperiment()
    pyopenms.MzMLFile().load(str(path), experiment)
    assert experiment.getNrSpectra() == 286
    first = experiment.getSpectrum(0)
    assert first.getInstrumentSettings().getPolarity() == pyopenms.IonSource.Polarity.NEGATIVE
    assert first.getType() == pyopenms.SpectrumSettings.SpectrumType.CENTROID


def test_a_scan_without_peaks_can_be_written(tmp_path):
    path = tmp_path / "empty.mzML"
    scans = [Scan(float(n), np.empty(0), np.empty(0, np.float32)) for n in range(3)]
    write_mzml(scans=scans, mode="positive", run="empty", window=WINDOW, path=path)
    with mzml.read(str(path)) as reader:
        assert [len(spectrum["m/z array"]) for spectrum in reader] == [0, 0, 0]


def trace(scans, place, ppm=8.0):
    """Return the summed intensity near an m/z in each scan."""
    return np.array([scan.intensity[np.abs(scan.mz / place - 1) * 1e6 < ppm].sum(dtype=float) for scan in scans])


def test_a_compound_comes_out_where_and_as_strong_as_planted(truth):
    sample, plan = "P03_POST_PLASMA", truth["metabolome"]
    scans = injection_scans(truth=truth, sample_id=sample, mode="positive")
    own, level = plan["compounds"]["inosine"], injected_levels(truth=truth, sample_id=sample, mode="positive")
    times = np.array([scan.seconds for scan in scans])
    ions = [ion for ion in true_ions(truth=truth, mode="positive") if ion["compound"] == "inosine"]
    expected = shifted_rt(
        rt=np.array([own["rt"]]), shift=plan["injections"][sample]["rt_shift"], gradient=plan["gradient_seconds"]
    )[0]
    light = trace(scans, ions[0]["mz"])
    assert abs(times[light.argmax()] - expected) < 1.5
    near = np.abs(times - expected) < 6
    # area of two half Gaussians, the falling one 1.25 times as wide
    area = 2 ** level["inosine"] * own["width"] * np.sqrt(2 * np.pi) * (1 + 1.25) / 2
    assert light[near].sum() * plan["cycle_seconds"] == pytest.approx(area, rel=0.06)
    assert trace(scans, ions[1]["mz"])[near].sum() / light[near].sum() == pytest.approx(ions[1]["share"], rel=0.1)
    sodium = next(ion for ion in ions if ion["adduct"] == "M+Na")
    assert trace(scans, sodium["mz"])[near].sum() / light[near].sum() == pytest.approx(sodium["share"], rel=0.1)


def test_blank_holds_contaminants_and_background_only(truth):
    scans = injection_scans(truth=truth, sample_id="B1_PLASMA_BLANK1", mode="positive")
    levels = injected_levels(truth=truth, sample_id="B1_PLASMA_BLANK1", mode="positive")
    assert sorted(levels) == sorted(compound.name for compound in CONTAMINANTS)
    main = {ion["compound"]: ion for ion in true_ions(truth=truth, mode="positive") if ion["main"]}
    for name in ("inosine", "L-tryptophan", "L-carnitine"):
        # a noise peak may fall there in a few scans
        assert (trace(scans, main[name]["mz"]) > 0).sum() < 12
    assert trace(scans, mz(formula="C12H27O4P", adduct="M+H")).max() == pytest.approx(
        2 ** levels["tributyl phosphate"], rel=0.2
    )
    assert injected_levels(truth=truth, sample_id="B1_PLASMA_BLANK1", mode="negative") == {}
    empty = injection_scans(truth=truth, sample_id="B1_PLASMA_BLANK1", mode="negative")
    assert len(empty[0].mz) == SURROUNDINGS["negative"].background + SURROUNDINGS["negative"].noise_peaks


def test_an_absent_compound_is_not_in_the_file(truth):
    levels = true_levels(truth=truth).loc["caffeine"]
    place = mz(formula="C8H10N4O2", adduct="M+H")
    without = injection_scans(truth=truth, sample_id=levels.index[levels.isna()][0], mode="positive")
    assert "caffeine" not in injected_levels(truth=truth, sample_id=levels.index[levels.isna()][0], mode="positive")
    assert (trace(without, place) > 0).sum() < 12


def test_order_of_compounds_is_kept_by_the_shift(truth):
    rt = np.linspace(0, 200, 400)
    for injection in truth["metabolome"]["injections"].values():
        assert np.all(np.diff(shifted_rt(rt=rt, shift=injection["rt_shift"], gradient=200.0)) > 0)


@pytest.mark.parametrize(("sample", "mode"), [("nobody", "positive"), ("P01_PRE_PLASMA", "neutral")])
def test_unknown_injection_or_mode_is_refused(truth, tmp_path, sample, mode):
    with pytest.raises(ValueError, match=f"no injection '{sample}' in mode '{mode}'"):
        write_injection(truth=truth, sample_id=sample, mode=mode, path=tmp_path / "x.mzML")


def test_files_named_together_are_the_same_as_one_by_one(tmp_path):
    truth = plan_metabolome(truth=plan_trial(n=2, seed=11, pairs=1000), qcs=2, blanks=1)
    (tmp_path / "truth.json").write_text(json.dumps(truth))
    rows = samples_rows(truth=truth, batch="B2", folder=str(tmp_path / "raw"))
    write_injections(truth=tmp_path / "truth.json", paths=[Path(row[name]) for row in rows for name in FILES])
    assert len(list((tmp_path / "raw").iterdir())) == 2 * len(rows) == 8
    write_injection(truth=truth, sample_id="P02_PRE_PLASMA", mode="negative", path=tmp_path / "one.mzML")
    together = tmp_path / "raw" / "P02_PRE_PLASMA_negative.mzML"
    assert (tmp_path / "one.mzML").read_bytes() == together.read_bytes()
    with pytest.raises(ValueError, match="no injection 'nobody'"):
        write_injections(truth=tmp_path / "truth.json", paths=[tmp_path / "nobody_positive.mzML"])


# sheet


def test_rows_of_the_sample_sheet(truth):
    rows = [row for batch in ("B1", "B2") for row in samples_rows(truth=truth, batch=batch, folder="../raw")]
    first = "sample_id patient_id assay material timepoint collect_date batch run_order qc file_1 file_2 control"
    assert " ".join(rows[0]) == first
    assert {row["assay"] for row in rows} == {"METAB"}
    by_id = {row["sample_id"]: row for row in rows}
    assert len(by_id) == len(rows) == len(truth["metabolome"]["injections"])
    post = by_id["P02_POST_PLASMA"]
    assert (post["patient_id"], post["timepoint"], post["control"]) == ("P02", "POST", "N")
    assert (post["material"], post["collect_date"]) == ("PLASMA", "2025-11-03")
    assert post["file_1"] == "../raw/" + file_name(sample_id="P02_POST_PLASMA", mode="positive")
    assert post["file_2"] == "../raw/P02_POST_PLASMA_negative.mzML"
    qc = by_id["B2_PLASMA_QC1"]
    assert (qc["patient_id"], qc["material"], qc["collect_date"], qc["control"]) == ("", "", "", "POOL_QC")
    files = [row[name] for row in rows for name in ("file_1", "file_2")]
    assert len(set(files)) == len(files)
