"""Exact masses and isotope patterns of the simulated ions.

Written without any library on purpose: the workflow's masses come from pyteomics, so that a wrong mass on either side
shows as a compound that is not found. Isotope masses: AME 2020; abundances: IUPAC 2013 best measurements.
"""

import re
from collections import Counter

ELECTRON = 0.000548579909065
#: Element -> isotopes as (mass in Da, abundance); the first is the lightest and the most abundant.
ISOTOPES: dict[str, tuple[tuple[float, float], ...]] = {
    "C": ((12.0, 0.9893), (13.00335483507, 0.0107)),
    "H": ((1.00782503223, 0.999885), (2.01410177812, 0.000115)),
    "N": ((14.00307400443, 0.99636), (15.00010889888, 0.00364)),
    "O": ((15.99491461957, 0.99757), (16.9991317565, 0.00038), (17.99915961286, 0.00205)),
    "P": ((30.97376199842, 1.0),),
    "S": ((31.9720711744, 0.9499), (32.9714589098, 0.0075), (33.967867004, 0.0425)),
    "Na": ((22.989769282, 1.0),),
    "Cl": ((34.968852682, 0.7576), (36.965902602, 0.2424)),
}
#: Adduct -> atoms added to the neutral molecule (negative: removed) and charge. ``M+`` is an ion by itself.
ADDUCTS: dict[str, tuple[dict[str, int], int]] = {
    "M+": ({}, 1),
    "M+H": ({"H": 1}, 1),
    "M+Na": ({"Na": 1}, 1),
    "M+NH4": ({"N": 1, "H": 4}, 1),
    "M-H": ({"H": -1}, -1),
    "M+Cl": ({"Cl": 1}, -1),
    "M+HCOO": ({"C": 1, "H": 1, "O": 2}, -1),
}


def atoms(*, formula: str) -> Counter[str]:
    """Return the atoms of a formula such as ``C11H12N2O2``.

    Raises
    ------
    ValueError
        If the formula holds anything but the elements of ``ISOTOPES``.
    """
    parts = re.findall(r"([A-Z][a-z]?)(\d*)", formula)
    if "".join(name + number for name, number in parts) != formula or any(name not in ISOTOPES for name, _ in parts):
        raise ValueError(f"not a formula of the elements {', '.join(ISOTOPES)}: {formula!r}")
    counts: Counter[str] = Counter()
    for name, number in parts:
        counts[name] += int(number or 1)
    return counts


def isotope_pattern(*, formula: str, adduct: str, peaks: int = 4) -> list[tuple[float, float]]:
    """Return the m/z and relative intensity of an ion's isotopes, the monoisotopic peak (intensity 1) first.

    Isotopologues of one nominal mass are one peak at their mean mass, as a centroided spectrum shows them.

    Parameters
    ----------
    formula
        Formula of the neutral molecule (of the ion itself for ``M+``).
    adduct
        A key of ``ADDUCTS``; all are singly charged.
    peaks
        Number of peaks; those without intensity are left out.

    Returns
    -------
    list of tuple
        (m/z, intensity relative to the monoisotopic peak). The m/z carries the electron mass:
        ``(mass - charge * electron) / |charge|``.
    """
    added, charge = ADDUCTS[adduct]
    counts = atoms(formula=formula)
    for name, number in added.items():
        counts[name] += number
    # nominal shift -> (probability, probability x mass); one atom after the other is convolved in
    pattern: dict[int, tuple[float, float]] = {0: (1.0, 0.0)}
    for name, number in counts.items():
        light = ISOTOPES[name][0][0]
        for _ in range(number):
            grown: dict[int, tuple[float, float]] = {}
            for shift, (chance, weighted) in pattern.items():
                for mass, abundance in ISOTOPES[name]:
                    place = shift + round(mass - light)
                    if place < peaks:
                        before = grown.get(place, (0.0, 0.0))
                        grown[place] = (
                            before[0] + chance * abundance,
                            before[1] + abundance * (weighted + chance * mass),
                        )
            pattern = grown
    first = pattern[0][0]
    return [
        (weighted / chance - charge * ELECTRON, chance / first)
        for _, (chance, weighted) in sorted(pattern.items())
        if chance > 0
    ]


def mz(*, formula: str, adduct: str) -> float:
    """Return the monoisotopic m/z of an ion."""
    return isotope_pattern(formula=formula, adduct=adduct, peaks=1)[0][0]
