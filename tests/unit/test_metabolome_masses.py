"""Masses of ions, isotopes and notation, against sums of the NIST masses written out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.masses import (
    ADDUCTS,
    ISOTOPE_STEP,
    fits,
    ion_mz,
    isotopes,
    mass_from_mz,
    neutral_mass,
    parse_adduct,
    parse_formula,
    ppm,
)

pytestmark = pytest.mark.unit

ELECTRON = 0.000548579909
# NIST masses of the most abundant isotopes.
H, C, N, O, NA, K, CL, S = (  # noqa: E741
    1.00782503223, 12.0, 14.00307400443, 15.99491461957, 22.989769282, 38.9637064864, 34.968852682, 31.9720711744,
)  # fmt: skip
TRYPTOPHAN = 11 * C + 12 * H + 2 * N + 2 * O


@pytest.mark.parametrize(
    ("name", "by_hand", "published"),
    [
        ("[M+H]+", TRYPTOPHAN + H - ELECTRON, 205.09715),
        ("[M+Na]+", TRYPTOPHAN + NA - ELECTRON, 227.07910),
        ("[M+K]+", TRYPTOPHAN + K - ELECTRON, 243.05304),
        ("[M+NH4]+", TRYPTOPHAN + N + 4 * H - ELECTRON, 222.12370),
        ("[M+H-H2O]+", TRYPTOPHAN - H - O - ELECTRON, 187.08659),
        ("[2M+H]+", 2 * TRYPTOPHAN + H - ELECTRON, 409.18703),
        ("[M+2H]2+", (TRYPTOPHAN + 2 * H - 2 * ELECTRON) / 2, 103.05222),
        ("[M-H]-", TRYPTOPHAN - H + ELECTRON, 203.08260),
        ("[M+Cl]-", TRYPTOPHAN + CL + ELECTRON, 239.05928),
        ("[M+HCOO]-", TRYPTOPHAN + C + H + 2 * O + ELECTRON, 249.08808),
        ("[M+CH3COO]-", TRYPTOPHAN + 2 * C + 3 * H + 2 * O + ELECTRON, 263.10373),
        ("[2M-H]-", 2 * TRYPTOPHAN - H + ELECTRON, 407.17248),
        ("[M-H-H2O]-", TRYPTOPHAN - 3 * H - O + ELECTRON, 185.07204),
    ],
)
def test_mz_of_adducts_with_the_electron_mass(name, by_hand, published):
    mz = ion_mz(formula="C11H12N2O2", adduct=parse_adduct(name=name))
    assert mz == pytest.approx(by_hand, abs=1e-6)
    assert mz == pytest.approx(published, abs=1e-5)


def test_a_missing_electron_would_be_seen():
    # What a carrier given as text makes of sodium: 2.4 ppm too heavy, within a tolerance of 5 ppm.
    wrong = 227.07965
    right = ion_mz(formula="C11H12N2O2", adduct=parse_adduct(name="[M+Na]+"))
    assert wrong - right == pytest.approx(ELECTRON, abs=5e-6)
    assert ppm(measured=wrong, expected=right) == pytest.approx(2.4, abs=0.05)


def test_a_permanent_cation_is_seen_as_it_is_and_lacks_one_electron():
    choline = 5 * C + 14 * H + N + O - ELECTRON
    bare, protonated, deprotonated = (parse_adduct(name=name) for name in ("[M]+", "[M+H]+", "[M-H]-"))
    assert ion_mz(formula="C5H14NO", adduct=bare, charge=1) == pytest.approx(choline, abs=1e-8)
    assert choline == pytest.approx(104.10699, abs=1e-5)
    assert not fits(formula="C5H14NO", adduct=protonated, charge=1)
    assert not fits(formula="C5H14NO", adduct=deprotonated, charge=1)
    assert not fits(formula="C11H12N2O2", adduct=bare)
    with pytest.raises(ValueError, match="makes no"):
        ion_mz(formula="C5H14NO", adduct=protonated, charge=1)


def test_water_is_not_lost_where_there_is_none():
    lost = parse_adduct(name="[M+H-H2O]+")
    assert not fits(formula="C8H7N", adduct=lost)
    assert fits(formula="C2H4O2", adduct=lost)


@pytest.mark.parametrize("adduct", [adduct for adduct in ADDUCTS if adduct.atoms], ids=lambda adduct: adduct.name)
def test_mass_comes_back_from_the_mz(adduct):
    mz = ion_mz(formula="C24H40O5", adduct=adduct)
    assert mass_from_mz(mz=mz, adduct=adduct) == pytest.approx(neutral_mass(formula="C24H40O5"), abs=1e-8)
    both = mass_from_mz(mz=np.array([mz, mz + 1]), adduct=adduct)
    assert both[1] - both[0] == pytest.approx(abs(adduct.charge) / adduct.copies)


def test_modes_of_the_adducts():
    assert {adduct.mode for adduct in ADDUCTS if adduct.name.endswith("+")} == {"positive"}
    assert {adduct.mode for adduct in ADDUCTS if adduct.name.endswith("-")} == {"negative"}
    assert len({adduct.name for adduct in ADDUCTS}) == len(ADDUCTS) == 14


def test_isotope_pattern_is_the_binomial_of_carbon():
    # Graphite-like: carbon alone, so the pattern is binomial with the NIST share of 13C.
    share, atoms = 0.0107, 24
    pattern = isotopes(formula="C24", adduct=parse_adduct(name="[M+H]+"), minimum=1e-7)
    for isotope in pattern[:3]:
        expected = math.comb(atoms, isotope.shift) * share**isotope.shift * (1 - share) ** (atoms - isotope.shift)
        assert isotope.share == pytest.approx(expected, rel=2e-3)  # hydrogen adds 0.01 %
    assert pattern[1].mz - pattern[0].mz == pytest.approx(ISOTOPE_STEP, abs=2e-5)
    assert abs(ISOTOPE_STEP - 1.0033548) < 1e-6


def test_isotopes_of_chlorine_stand_two_apart_and_charges_halve_the_step():
    chlorinated = {i.shift: i for i in isotopes(formula="C2H3ClO2", adduct=parse_adduct(name="[M-H]-"))}
    assert chlorinated[2].share / chlorinated[0].share == pytest.approx(0.2424 / 0.7576, rel=0.02)
    assert chlorinated[0].mz == pytest.approx(ion_mz(formula="C2H3ClO2", adduct=parse_adduct(name="[M-H]-")), abs=1e-9)
    double = isotopes(formula="C24H40O5", adduct=parse_adduct(name="[M+2H]2+"))
    assert double[1].mz - double[0].mz == pytest.approx(ISOTOPE_STEP / 2, abs=1e-4)
    assert sum(isotope.share for isotope in double) <= 1 + 1e-9


@pytest.mark.parametrize("text", ["", "c6h12", "C6H12X", "C2H4+", "(CH2)2", "C2H-4", "C0H1", "Xx2", "12", "C6 H12"])
def test_what_is_no_formula_is_named(text):
    with pytest.raises(GutaxisError) as caught:
        parse_formula(formula=text)
    problem = caught.value.problems[0]
    assert (problem.code, problem.value) == ("M60", text.strip())


@pytest.mark.parametrize("text", ["M+H", "[M+H]", "[M+Qq]+", "", "[0M+H]+", "[M+H]0+", "H+"])
def test_what_is_no_adduct_is_named(text):
    with pytest.raises(GutaxisError) as caught:
        parse_adduct(name=text)
    assert caught.value.problems[0].code in {"M60", "M61"}


def test_notations_of_other_programs_are_read():
    assert parse_adduct(name="[M+FA-H]-").atoms == parse_adduct(name="[M+HCOO]-").atoms
    assert parse_adduct(name="[M+Hac-H]-").atoms == parse_adduct(name="[M+CH3COO]-").atoms
    assert parse_adduct(name="[M-H2O+H]+").atoms == parse_adduct(name="[M+H-H2O]+").atoms
    assert parse_adduct(name="[M+2Na-H]+").atoms == (("H", -1), ("Na", 2))


@given(st.integers(1, 40), st.integers(1, 80), st.integers(0, 5), st.integers(0, 10))
def test_masses_add_up(carbon, hydrogen, nitrogen, oxygen):
    parts = [f"C{carbon}", f"H{hydrogen}", f"N{nitrogen}" if nitrogen else "", f"O{oxygen}" if oxygen else ""]
    expected = carbon * C + hydrogen * H + nitrogen * N + oxygen * O
    assert neutral_mass(formula="".join(parts)) == pytest.approx(expected, abs=1e-6)
