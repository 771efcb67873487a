"""Masses of ions: formulas, adducts and isotopes, by pyteomics, with the mass of the electron.

An ion weighs less (positive) or more (negative) than its atoms by the electrons it lost or gained: 0.00055 per charge,
2.4 ppm at m/z 227. pyteomics keeps that mass only if the charge is written as electrons in the composition
(``{"Na": 1, "e*": -1}``); a carrier given as text (``"Na+"``) leaves it out. So every ion is one composition here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
from pyteomics import mass

from gutaxis.errors import GutaxisError, Problem

ELECTRON = mass.nist_mass["e*"][0][0]
#: Difference between 13C and 12C.
ISOTOPE_STEP = mass.nist_mass["C"][13][0] - mass.nist_mass["C"][12][0]
POSITIVE, NEGATIVE = "positive", "negative"
MODES = (POSITIVE, NEGATIVE)
_FORMULA = re.compile(r"(?:[A-Z][a-z]?\d*)+")
_ADDUCT = re.compile(r"\[(?P<copies>\d*)M(?P<parts>(?:[+-]\d*[A-Za-z0-9]+)*)\](?P<charge>\d*)(?P<sign>[+-])")
_PART = re.compile(r"([+-])(\d*)([A-Za-z][A-Za-z0-9]*)")
#: What other programs write for a part.
_SHORT = {"FA": "CH2O2", "Hac": "C2H4O2", "ACN": "C2H3N", "MeOH": "CH4O"}


@dataclass(frozen=True, kw_only=True)
class Adduct:
    """How a molecule becomes an ion.

    Parameters
    ----------
    name
        As written, such as ``[M+Na]+``.
    copies
        Molecules in the ion: 2 for ``[2M+H]+``.
    atoms
        Atoms gained (> 0) or lost (< 0), as sorted pairs of element and number.
    charge
        Signed charge of the ion of a neutral molecule.
    common
        0 = the ion that most compounds make, 1 = frequent, 2 = seen in some; decides only which candidate is named
        first, never which is listed.
    """

    name: str
    copies: int
    atoms: tuple[tuple[str, int], ...]
    charge: int
    common: int = 2

    @property
    def mode(self) -> str:
        """Ionisation mode in which the ion is seen."""
        return POSITIVE if self.charge > 0 else NEGATIVE


@dataclass(frozen=True, kw_only=True)
class Isotope:
    """One peak of an isotope pattern: ``shift`` neutrons above the first, its m/z, its share of the whole pattern."""

    shift: int
    mz: float
    share: float


def parse_formula(*, formula: str) -> mass.Composition:
    """Return the atoms of a formula such as ``C11H12N2O2``.

    Raises
    ------
    GutaxisError
        M60: not a formula, or a symbol that is no element.
    """
    text = str(formula).strip()
    if not _FORMULA.fullmatch(text):
        raise _not_formula(text, "it is not element symbols with numbers")
    atoms = mass.Composition()
    for symbol, number in re.findall(r"([A-Z][a-z]?)(\d*)", text):
        if symbol not in mass.nist_mass:
            raise _not_formula(text, f"{symbol} is no element")
        if number == "0":
            raise _not_formula(text, f"{symbol} has the number 0")
        atoms[symbol] += int(number or 1)
    return atoms


@cache
def parse_adduct(*, name: str, common: int = 2) -> Adduct:
    """Return an adduct from its usual notation: ``[M+H]+``, ``[M-H2O+H]+``, ``[2M-H]-``, ``[M+2H]2+``, ``[M]+``.

    Raises
    ------
    GutaxisError
        M61: the notation cannot be read, or it has no charge.
    """
    match = _ADDUCT.fullmatch(name.strip().replace(" ", ""))
    if match is None:
        raise _not_adduct(name, "it cannot be read")
    atoms = mass.Composition()
    for sign, count, part in _PART.findall(match["parts"]):
        for symbol, number in parse_formula(formula=_SHORT.get(part, part)).items():
            atoms[symbol] += number * int(count or 1) * (1 if sign == "+" else -1)
    charge = int(match["charge"] or 1) * (1 if match["sign"] == "+" else -1)
    copies = int(match["copies"] or 1)
    if not charge or not copies:
        raise _not_adduct(name, "it has no charge or no molecule")
    pairs = tuple(sorted((symbol, int(number)) for symbol, number in atoms.items() if number))
    return Adduct(name=name.strip(), copies=copies, atoms=pairs, charge=charge, common=common)


def _adducts(names: Iterable[tuple[str, int]]) -> tuple[Adduct, ...]:
    return tuple(parse_adduct(name=name, common=common) for name, common in names)


#: What is looked for unless the user says otherwise. ``[M]+`` is for molecules that are cations themselves.
ADDUCTS = _adducts(
    [
        ("[M+H]+", 0), ("[M]+", 0), ("[M+Na]+", 1), ("[M+NH4]+", 1), ("[M+H-H2O]+", 1), ("[M+K]+", 2), ("[2M+H]+", 2),
        ("[M+2H]2+", 2), ("[M-H]-", 0), ("[M+HCOO]-", 1), ("[M+Cl]-", 1), ("[M-H-H2O]-", 2), ("[M+CH3COO]-", 2),
        ("[2M-H]-", 2),
    ]
)  # fmt: skip


def neutral_mass(*, formula: str) -> float:
    """Return the monoisotopic mass of the atoms of a formula, in Da."""
    return float(mass.calculate_mass(composition=parse_formula(formula=formula)))


@cache
def fits(*, formula: str, adduct: Adduct, charge: int = 0) -> bool:
    """Whether a molecule can make this ion: atoms to lose are there, and cations are seen as they are.

    A molecule with a charge of its own is seen as ``[M]+`` (or ``[M]-``) only; a neutral one never is.
    """
    bare = not adduct.atoms
    if charge:
        return bare and adduct.copies == 1 and adduct.charge == charge
    atoms = parse_formula(formula=formula)
    return not bare and all(number >= 0 or adduct.copies * atoms[symbol] >= -number for symbol, number in adduct.atoms)


def ion_composition(*, formula: str, adduct: Adduct, charge: int = 0) -> mass.Composition:
    """Return the atoms and electrons of an ion.

    Parameters
    ----------
    formula
        Atoms of the molecule as it stands in the panel.
    adduct
        The ion.
    charge
        Charge of the molecule itself: 1 for choline.
    """
    ion = mass.Composition()
    for symbol, number in parse_formula(formula=formula).items():
        ion[symbol] += adduct.copies * number
    for symbol, number in adduct.atoms:
        ion[symbol] += number
    # Panel formulas of cations already name the cation's atoms, so the electron is missing whichever way it was lost.
    ion["e*"] = -adduct.charge
    if not fits(formula=formula, adduct=adduct, charge=charge):
        raise ValueError(f"{formula} (charge {charge}) makes no {adduct.name}")
    return ion


@cache
def ion_mz(*, formula: str, adduct: Adduct, charge: int = 0) -> float:
    """Return the m/z of the first (monoisotopic) peak of an ion.

    Formula: (sum of atom masses - z m_e) / |z|, with the signed charge z and the mass of the electron m_e.
    Oracle: sums of the NIST masses by hand (tests).
    """
    ion = ion_composition(formula=formula, adduct=adduct, charge=charge)
    return float(mass.calculate_mass(composition=ion)) / abs(adduct.charge)


def mass_from_mz(*, mz: np.ndarray | float, adduct: Adduct) -> np.ndarray | float:
    """Return the mass of the molecule behind an m/z, if the ion is ``adduct``; the reverse of :func:`ion_mz`."""
    gained = mass.Composition(dict(adduct.atoms)) if adduct.atoms else mass.Composition()
    gained["e*"] = -adduct.charge
    return (mz * abs(adduct.charge) - float(mass.calculate_mass(composition=gained))) / adduct.copies


def isotopes(*, formula: str, adduct: Adduct, charge: int = 0, minimum: float = 1e-4) -> list[Isotope]:
    """Return the isotope pattern of an ion, peaks of one nominal mass merged at their weighted m/z.

    Parameters
    ----------
    formula, adduct, charge
        As of :func:`ion_composition`.
    minimum
        Isotopologues rarer than this share are left out.

    Returns
    -------
    list of Isotope
        By shift, from 0; the shares of what is kept sum to slightly less than 1.

    Notes
    -----
    Source: NIST isotope abundances as in pyteomics. Oracle: binomial of the carbon atoms (tests).
    """
    ion = ion_composition(formula=formula, adduct=adduct, charge=charge)
    atoms = mass.Composition({symbol: number for symbol, number in ion.items() if symbol != "e*" and number})
    lightest = sum(number * round(mass.nist_mass[symbol][0][0]) for symbol, number in atoms.items())
    peaks: dict[int, tuple[float, float]] = {}
    for item in mass.isotopologues(composition=atoms, report_abundance=True, overall_threshold=minimum):
        isotopologue, share = item
        weight = float(mass.calculate_mass(composition=isotopologue))
        shift = _nominal(isotopologue) - lightest
        total, moment = peaks.get(shift, (0.0, 0.0))
        peaks[shift] = (total + share, moment + share * weight)
    size = abs(adduct.charge)
    return [
        Isotope(shift=shift, mz=(moment / share - adduct.charge * ELECTRON) / size, share=share)
        for shift, (share, moment) in sorted(peaks.items())
    ]


def ppm(*, measured: np.ndarray | float, expected: np.ndarray | float) -> np.ndarray | float:
    """Return the error of a measured m/z in parts per million of the expected one."""
    return (measured - expected) / expected * 1e6


def _nominal(isotopologue: mass.Composition) -> int:
    """Return the sum of the mass numbers, which pyteomics writes into the symbols: ``C[13]``."""
    return sum(int(symbol[symbol.index("[") + 1 : -1]) * number for symbol, number in isotopologue.items())


def _not_formula(text: str, why: str) -> GutaxisError:
    return GutaxisError(
        Problem(
            code="M60", file="formula", line=None, column=None, value=text, wrong=f"This is no formula: {why}",
            allowed="Element symbols with their numbers, without charge, brackets or isotopes, such as C11H12N2O2",
            mend="Correct the formula; put the charge of a cation into the column `charge`",
        )
    )  # fmt: skip


def _not_adduct(text: str, why: str) -> GutaxisError:
    return GutaxisError(
        Problem(
            code="M61", file="adduct", line=None, column=None, value=text, wrong=f"This is no adduct: {why}",
            allowed="The usual notation: [M+H]+, [M+H-H2O]+, [2M-H]-, [M+2H]2+",
            mend="Write the adduct so; FA, Hac, ACN and MeOH are known besides formulas",
        )
    )  # fmt: skip
