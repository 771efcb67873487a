"""Intake: every file is read to its end once, before anything trusts it; what it holds becomes one row."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.errors import raise_if_errors
from gutaxis.files import write_tsv
from gutaxis.metabolome.formats import format_of, is_profile
from gutaxis.metabolome.intake_checks import MIN_MS1, Tally, file_notes, find_problems
from gutaxis.metabolome.intake_table import COLUMNS
from gutaxis.metabolome.spectra import SECONDS, Scan, declared_scans, read_scans
from gutaxis.metabolome.standards import MassAccuracy, read_standards

TRACE_COLUMNS = ["rt_s", "tic", "base_peak_mz", "base_peak_intensity", "peaks"]
RT_UNITS = ("auto", "second", "minute")
#: Scans that vote on centroid or profile.
VOTES = 25


@dataclass(frozen=True)
class Inspection:
    """One file: its row, its trace (one row per MS1 scan of the mode), its standards (one row each)."""

    row: dict[str, Any]
    trace: pd.DataFrame
    masses: pd.DataFrame


def _rt_factor(*, rt_unit: str, stated: str | None) -> float:
    """Return what a time in seconds, as the file states it, is multiplied by to be right."""
    if rt_unit == "auto":
        return 1.0
    return SECONDS[rt_unit] / SECONDS.get(stated or "second", 1.0)


def inspect_file(
    *,
    sample: str,
    path: Path,
    mode: str,
    blank: bool = False,
    standards: pd.DataFrame | None = None,
    rt_unit: str = "auto",
    search_ppm: float = 20.0,
) -> Inspection:
    """Read a file to its end and say what it holds.

    Parameters
    ----------
    sample
        Sample id.
    path
        mzML, mzXML (both also as .gz) or mzMLb; with or without an index.
    mode
        positive or negative; in a file that switches polarity the other scans are left out.
    blank
        Whether it is a blank: it may have no peak and fewer than 3 MS1 scans (``status`` is then ``empty``).
    standards
        From :func:`gutaxis.metabolome.standards.read_standards`.
    rt_unit
        auto takes the file's word; second or minute overrule it.
    search_ppm
        How far from a standard's m/z its signal is looked for.

    Returns
    -------
    Inspection
        ``row`` has the keys of ``COLUMNS``; ``content`` is a digest of all points used, equal for copies of a file.

    Raises
    ------
    GutaxisError
        M01, M02 of :func:`gutaxis.metabolome.spectra.read_scans`; M03 scans differ from the header's count; M04 other
        polarity; M05 no MS1 scan; M06 fewer than 3 MS1 scans; M07 times that no unit explains; M08 impossible values;
        M10 no peak in a file that is no blank.
    """
    kind = format_of(path=path)
    accuracy = MassAccuracy(
        standards=read_standards(path=None, mode=mode) if standards is None else standards, search_ppm=search_ppm
    )
    tally, used, votes = Tally(), [], []
    polarities: set[str | None] = set()
    said: set[str | None] = set()
    units: set[str | None] = set()
    digest = hashlib.sha256()
    for scan in read_scans(path=path):
        tally.scans += 1
        tally.ms1 += scan.level == 1
        tally.ms2 += scan.level == 2
        if scan.level != 1:
            continue
        polarities.add(scan.polarity)
        if scan.polarity not in {mode, None}:
            continue
        units.add(scan.unit)
        said.add(scan.kind)
        used.append(_summary(scan=scan, tally=tally))
        digest.update(scan.mz.tobytes() + scan.intensity.tobytes())
        if len(votes) < VOTES and len(scan.mz) > 2:
            votes.append(is_profile(mz=scan.mz, intensity=scan.intensity))
        accuracy.add(scan=scan)
    trace = pd.DataFrame(used, columns=TRACE_COLUMNS)
    unit = min(units, key=str) if units else None
    factor = _rt_factor(rt_unit=rt_unit, stated=unit)
    trace["rt_s"] *= factor
    declared = declared_scans(path=path)
    raise_if_errors(
        find_problems(
            path=path,
            mode=mode,
            blank=blank,
            tally=tally,
            declared=declared,
            polarities=polarities,
            trace=trace,
            units=units,
            rt_unit=rt_unit,
        )
    )
    masses = accuracy.table(sample=sample)
    spectra = "none" if not votes else "profile" if np.mean(votes) > 0.5 else "centroid"
    stated = "unknown" if said in (set(), {None}) else "mixed" if len(said) > 1 else min(said, key=str)
    polarity = "unknown" if polarities == {None} else "mixed" if len(polarities) > 1 else mode
    row: dict[str, Any] = {
        "sample_id": sample,
        "mode": mode,
        "status": "empty" if trace["peaks"].sum() == 0 or len(trace) < MIN_MS1 else "ok",
        "file": path.name,
        "format": kind,
        "scans_declared": declared,
        "scans": tally.scans,
        "ms1": tally.ms1,
        "ms2": tally.ms2,
        "ms1_used": len(trace),
        "polarity": polarity,
        "spectra_said": stated,
        "spectra": spectra,
        "rt_unit": unit,
        "rt_factor": factor,
        **_numbers(trace=trace, tally=tally),
        **_errors(masses=masses),
        "content": digest.hexdigest()[:32],
    }
    row["notes"] = "; ".join(file_notes(row=row, unsorted=tally.unsorted, rt_unit=rt_unit)) or None
    return Inspection(row={column: row[column] for column in COLUMNS}, trace=trace, masses=masses)


def _summary(*, scan: Scan, tally: Tally) -> tuple[float, float, float, float, int]:
    """Return one row of the trace, and keep what is counted over all scans."""
    present = scan.intensity > 0
    peaks = int(present.sum())
    wrong = ~np.isfinite(scan.intensity) | (scan.intensity < 0) | ~np.isfinite(scan.mz) | (scan.mz <= 0)
    tally.bad += int(wrong.sum())
    if not peaks:
        return scan.rt, 0.0, np.nan, 0.0, 0
    tally.mz_min, tally.mz_max = min(tally.mz_min, scan.mz[0]), max(tally.mz_max, scan.mz[-1])
    top = int(np.argmax(scan.intensity))
    return scan.rt, float(scan.intensity.sum()), float(scan.mz[top]), float(scan.intensity[top]), peaks


def _numbers(*, trace: pd.DataFrame, tally: Tally) -> dict[str, Any]:
    """Return the numbers of the row that follow from the trace."""
    times = np.sort(trace["rt_s"].to_numpy(dtype=float))
    tally.unsorted = bool((trace["rt_s"].diff() < 0).any())
    seen = trace["peaks"].sum() > 0
    top = trace.loc[trace["base_peak_intensity"].idxmax()] if seen else None
    return {
        "rt_min_s": times[0] if len(times) else None,
        "rt_max_s": times[-1] if len(times) else None,
        "scan_interval_s": float(np.median(np.diff(times))) if len(times) > 1 else None,
        "mz_min": tally.mz_min if seen else None,
        "mz_max": tally.mz_max if seen else None,
        "peaks": int(trace["peaks"].sum()),
        "peaks_median": float(trace["peaks"].median()) if len(trace) else None,
        "tic": float(trace["tic"].sum()),
        "tic_median": float(trace["tic"].median()) if len(trace) else None,
        "base_peak_mz": None if top is None else float(top["base_peak_mz"]),
        "base_peak_intensity": None if top is None else float(top["base_peak_intensity"]),
    }


def _errors(*, masses: pd.DataFrame) -> dict[str, Any]:
    """Return the mass accuracy over all standards: median, and the largest by size."""
    found = masses["error_ppm"].dropna()
    return {
        "standards": len(masses),
        "standards_found": len(found),
        "error_ppm_median": float(found.median()) if len(found) else None,
        "error_ppm_max": float(found.loc[found.abs().idxmax()]) if len(found) else None,
    }


def intake(
    *,
    sample: str,
    path: Path,
    mode: str,
    control: str,
    standards: Path | None,
    rt_unit: str,
    search_ppm: float,
    row: Path,
    trace: Path,
    masses: Path,
) -> None:
    """Inspect one file and write its row, its trace and the mass accuracy of its standards.

    Parameters
    ----------
    sample, path, mode, rt_unit, search_ppm
        As in :func:`inspect_file`.
    control
        N, BLANK, POOL_QC or MOCK.
    standards
        Table of internal standards and lock masses, or None.
    row, trace, masses
        Tables to write: ``COLUMNS``; ``TRACE_COLUMNS``; the columns of :mod:`gutaxis.metabolome.standards`.

    Raises
    ------
    GutaxisError
        What :func:`inspect_file` and :func:`gutaxis.metabolome.standards.read_standards` find.
    """
    table = read_standards(path=standards, mode=mode)
    seen = inspect_file(
        sample=sample,
        path=path,
        mode=mode,
        blank=control == "BLANK",
        standards=table,
        rt_unit=rt_unit,
        search_ppm=search_ppm,
    )
    write_tsv(seen.trace, trace)
    write_tsv(seen.masses, masses)
    write_tsv(pd.DataFrame([seen.row], columns=COLUMNS), row)
