"""MS2 spectra of features compared with spectral libraries by matchms. A program of its own, run by another Python.

matchms needs an older scipy than the rest of the workflow, so nothing of gutaxis is imported here, and nothing of
gutaxis imports this file. :func:`gutaxis.metabolome.ms2.match_spectra` runs it::

    python spectral_match.py --queries q.mgf --library massbank.msp --in-house own.mgf --output matches.tsv

Every library spectrum of the query's polarity and precursor mass is compared, and every comparison is written: a reader
must know which isomers were compared, not only which fit. The score is the cosine of the square roots of the
intensities of fragments paired within the tolerance (CosineGreedy). The precursor's own peak is left out on both sides:
it agrees by construction.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matchms import Spectrum, set_matchms_logger_level
from matchms.filtering import default_filters
from matchms.importing import load_from_mgf, load_from_msp
from matchms.similarity import CosineGreedy

COLUMNS = [
    "feature", "compound", "inchikey", "formula", "adduct", "score", "matched", "in_house", "library", "entry",
    "precursor_ppm",
]  # fmt: skip
#: Fragments weaker than this share of the highest are noise; at most so many are compared; so near to the precursor
#: (Da) a peak is the precursor.
MIN_SHARE, MAX_PEAKS, PRECURSOR_WINDOW = 0.01, 100, 0.05


class UserError(Exception):
    """A mistake in the input, told in one line."""


@dataclass(frozen=True)
class Entry:
    """One spectrum that can be compared: precursor m/z, polarity (None if unknown), cleaned peaks, what is known."""

    mz: float
    mode: str | None
    peaks: Spectrum
    known: dict[str, str | None]


def read_library(*, path: Path) -> list[Entry]:
    """Read an MSP or MGF library; entries without precursor m/z or without fragments are left out and counted."""
    entries, left = [], 0
    for number, spectrum in enumerate(_load(path), start=1):
        filtered = default_filters(spectrum)
        entry = None if filtered is None else _entry(filtered, number)
        if entry is None:
            left += 1
        else:
            entries.append(entry)
    print(f"{path.name}: {len(entries)} spectra can be compared, {left} lack a precursor m/z or fragments")
    if not entries:
        raise UserError(
            f"M68 {path.name}: no spectrum can be compared. Spectra need PRECURSORMZ (MSP) or PEPMASS (MGF)"
        )
    return entries


def compare(*, queries: Path, libraries: Sequence[tuple[Path, bool]], ppm: float, tolerance: float) -> pd.DataFrame:
    """Compare each query with the library spectra of its precursor and polarity.

    Parameters
    ----------
    queries
        MGF with FEATURE_ID, PEPMASS, IONMODE.
    libraries
        Paths, and whether they hold the lab's own reference standards.
    ppm
        Precursor tolerance.
    tolerance
        Fragment tolerance, Da.

    Returns
    -------
    pandas.DataFrame
        :data:`COLUMNS`, sorted by feature, then the best first.
    """
    similarity = CosineGreedy(tolerance=tolerance, mz_power=0.0, intensity_power=0.5)
    asked = list(_queries(queries))
    rows = []
    for path, in_house in libraries:
        entries = sorted(read_library(path=path), key=lambda entry: entry.mz)
        masses = np.array([entry.mz for entry in entries])
        for feature, query in asked:
            low, high = np.searchsorted(masses, [query.mz * (1 - ppm * 1e-6), query.mz * (1 + ppm * 1e-6)])
            for entry in entries[low:high]:
                if None not in (entry.mode, query.mode) and entry.mode != query.mode:
                    continue
                score, matched = _score(similarity.pair(entry.peaks, query.peaks))
                known = entry.known
                rows.append((
                    feature, known["compound"], known["inchikey"], known["formula"], known["adduct"], score, matched,
                    in_house, path.name, known["entry"], (query.mz - entry.mz) / entry.mz * 1e6,
                ))  # fmt: skip
    table = pd.DataFrame(rows, columns=COLUMNS).round({"score": 6, "precursor_ppm": 3})
    order = ["feature", "score", "matched", "compound", "library", "entry"]
    return table.sort_values(order, ascending=[True, False, False, True, True, True], ignore_index=True)


def _score(pair: object) -> tuple[float, int]:
    """Return score and number of common peaks, whichever way matchms returns them."""
    if isinstance(pair, np.ndarray):
        return float(pair["score"]), int(pair["matches"])
    return float(pair[0]), int(pair[1])


def _queries(path: Path) -> Iterator[tuple[str, Entry]]:
    for number, spectrum in enumerate(load_from_mgf(str(path), metadata_harmonization=False), start=1):
        feature = spectrum.get("feature_id")
        if feature is None:
            raise UserError(f"M68 {path.name}: spectrum {number} has no FEATURE_ID")
        entry = _entry(spectrum, number)
        if entry is not None:
            yield str(feature), entry


def _load(path: Path) -> Iterator[Spectrum]:
    """Read by the file's ending; the caller has made sure that it is one of the two."""
    yield from (load_from_msp if path.suffix.lower() == ".msp" else load_from_mgf)(str(path))


def _entry(spectrum: Spectrum, number: int) -> Entry | None:
    """Return a cleaned spectrum, or None if it has no precursor or no fragment."""
    precursor = spectrum.get("precursor_mz") or spectrum.get("pepmass")
    precursor = precursor[0] if isinstance(precursor, list | tuple) else precursor
    if precursor is None or float(precursor) <= 0:
        return None
    mz, intensity = spectrum.peaks.mz, spectrum.peaks.intensities
    kept = np.abs(mz - float(precursor)) > PRECURSOR_WINDOW
    mz, intensity = mz[kept], intensity[kept]
    if not len(mz) or intensity.max() <= 0:
        return None
    strong = np.flatnonzero(intensity >= MIN_SHARE * intensity.max())
    top = np.sort(strong[np.argsort(-intensity[strong], kind="stable")[:MAX_PEAKS]])
    adduct = spectrum.get("adduct") or spectrum.get("precursor_type")
    known = {
        "compound": str(spectrum.get("compound_name") or spectrum.get("name") or f"entry {number}"),
        "inchikey": spectrum.get("inchikey") or None,
        "formula": spectrum.get("formula") or None,
        "adduct": adduct or None,
        "entry": str(number),
    }
    peaks = Spectrum(mz=mz[top], intensities=intensity[top] / intensity.max(), metadata={})
    return Entry(float(precursor), _mode(spectrum.get("ionmode"), adduct), peaks, known)


def _mode(stated: object, adduct: object) -> str | None:
    """Return positive or negative from the stated mode, else from the adduct's sign."""
    word = str(stated or "").lower()
    if word[:3] in ("pos", "neg"):
        return "positive" if word.startswith("pos") else "negative"
    sign = re.search(r"([+-])\s*$", str(adduct or ""))
    return None if sign is None else {"+": "positive", "-": "negative"}[sign[1]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, compare, write the table; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--library", type=Path, action="append", default=[])
    parser.add_argument("--in-house", type=Path, action="append", default=[])
    parser.add_argument("--ppm", type=float, default=10.0)
    parser.add_argument("--tolerance", type=float, default=0.01)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args(arguments)
    set_matchms_logger_level("ERROR")
    libraries = [*((path, False) for path in given.library), *((path, True) for path in given.in_house)]
    if not libraries:
        parser.error("at least one --library or --in-house is needed")
    try:
        table = compare(queries=given.queries, libraries=libraries, ppm=given.ppm, tolerance=given.tolerance)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    table.to_csv(given.output, sep="\t", index=False, na_rep="NA", lineterminator="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
