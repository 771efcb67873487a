"""What makes a file of spectra unusable: counts, polarity, impossible values, times in a wrong unit."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.errors import Problem
from gutaxis.metabolome.formats import problem

MIN_MS1 = 3
#: A median time between MS1 scans outside these bounds, or a run outside those, is a wrong unit of time.
INTERVAL_S, RUN_S, SHORT_RUN_INTERVAL_S = (0.03, 20.0), (45.0, 4 * 3600.0), 0.06


@dataclass
class Tally:
    """What is counted while scans go by; only scans of the declared mode give peaks."""

    scans: int = 0
    ms2: int = 0
    ms1: int = 0
    bad: int = 0
    unsorted: bool = False
    mz_min: float = np.inf
    mz_max: float = -np.inf


def find_problems(
    *,
    path: Path,
    mode: str,
    blank: bool,
    tally: Tally,
    declared: int | None,
    polarities: set[str | None],
    trace: pd.DataFrame,
    units: set[str | None],
    rt_unit: str,
) -> list[Problem]:
    """Return everything that makes the file unusable."""
    again = "Convert the raw file again"
    found: list[Problem] = []
    if declared is not None and declared != tally.scans:
        wrong = f"the header promises {declared} scans, the file has {tally.scans}"
        found.append(problem("M03", path, wrong, "Both numbers have to agree", again + ", or copy the file again"))
    if tally.bad:
        wrong = f"{tally.bad} points have a negative or infinite intensity, or an m/z that is not positive"
        found.append(problem("M08", path, wrong, "Intensities are 0 or more, m/z is above 0", again))
    if tally.ms1 == 0 and not (blank and tally.scans == 0):
        wrong = f"no MS1 scan among {tally.scans} scans"
        mend = "Name the file of the full-scan injection in the sample sheet"
        found.append(problem("M05", path, wrong, "Features are found in MS1 scans alone", mend))
    elif tally.ms1 and not len(trace):
        other = "negative" if mode == "positive" else "positive"
        wrong = f"the sample sheet says {mode}, all {tally.ms1} MS1 scans are {other}"
        mend = "Exchange file_1 (positive) and file_2 (negative) in the sample sheet"
        found.append(problem("M04", path, wrong, "file_1 is the positive, file_2 the negative file", mend))
    elif not blank and len(trace) < MIN_MS1:
        wrong = f"{len(trace)} MS1 scans of the {mode} mode"
        mend = "Check whether the injection was stopped, or set qc to FAIL for this sample"
        found.append(problem("M06", path, wrong, f"A chromatogram has {MIN_MS1} MS1 scans or more", mend))
    elif not blank and trace["peaks"].sum() == 0:
        wrong = f"no peak in {len(trace)} MS1 scans"
        mend = "Set qc to FAIL for this sample, or control to BLANK if it is one"
        found.append(problem("M10", path, wrong, "Only a blank may be without peaks", mend))
    return found + _time_problems(path=path, trace=trace, units=units, rt_unit=rt_unit)


def _time_problems(*, path: Path, trace: pd.DataFrame, units: set[str | None], rt_unit: str) -> list[Problem]:
    """Return whether the times of the MS1 scans can be what they are said to be."""
    if len(trace) < MIN_MS1:
        return []
    times = np.sort(trace["rt_s"].to_numpy(dtype=float))
    interval, run = float(np.median(np.diff(times))), float(times[-1] - times[0])
    fast = interval < INTERVAL_S[0] or (run < RUN_S[0] and interval < SHORT_RUN_INTERVAL_S)
    slow = interval > INTERVAL_S[1] or run > RUN_S[1]
    if not fast and not slow and len(units) < 2 and np.isfinite(times).all():
        return []
    stated = ", ".join(sorted(unit or "no unit" for unit in units)) if rt_unit == "auto" else f"{rt_unit} (config)"
    wrong = f"times in {stated}: {interval:.4g} s between MS1 scans, {run:.4g} s in all"
    likely = "minute" if fast else "second"
    mend = f"If the times are really in {likely}s, set rt_unit to {likely}; else convert the raw file again"
    allowed = f"MS1 scans are {INTERVAL_S[0]:g} to {INTERVAL_S[1]:g} s apart, a run lasts less than 4 hours"
    return [problem("M07", path, wrong, allowed, mend)]


def file_notes(*, row: dict[str, Any], unsorted: bool, rt_unit: str) -> list[str]:
    """Return what a reader should know that is no error."""
    found = [
        (row["status"] == "empty", "blank without signal"),
        (
            row["spectra"] == "profile" and row["spectra_said"] != "profile",
            f"spectra are profile, the file says {row['spectra_said']}: they are centroided",
        ),
        (
            row["spectra"] == "profile" and row["spectra_said"] == "profile",
            "profile spectra: they are centroided",
        ),
        (row["polarity"] == "unknown", "the file names no polarity: the sheet is trusted"),
        (row["polarity"] == "mixed", f"the file has scans of other or no polarity: only {row['mode']} ones are used"),
        (row["rt_unit"] is None, "the file names no unit of time: seconds are assumed"),
        (rt_unit != "auto" and row["rt_factor"] != 1.0, f"times are read as {rt_unit}s against the file"),
        (unsorted, "scans are not in order of time: they are sorted"),
        (row["scans_declared"] is None, "the file does not say how many scans it has"),
        (row["standards"] > row["standards_found"], "not every internal standard was found"),
    ]
    return [text for holds, text in found if holds]
