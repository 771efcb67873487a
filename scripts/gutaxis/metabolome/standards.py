"""Internal standards and lock masses: where they should be, and how far from it a file shows them."""

from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.errors import GutaxisError, raise_if_errors
from gutaxis.metabolome.formats import MODES, problem
from gutaxis.metabolome.spectra import Scan

COLUMNS = ["name", "mz", "rt", "mode"]
MASS_COLUMNS = ["sample_id", "name", "mz", "rt_s", "scans", "observed_mz", "error_ppm", "height"]
#: Scans of a standard that are trusted, the highest first, and seconds around its retention time that are searched.
SCANS, RT_WINDOW = 5, 30.0


def read_standards(*, path: Path | None, mode: str) -> pd.DataFrame:
    """Read internal standards and lock masses of one mode.

    Parameters
    ----------
    path
        TSV with name, mz, and optionally rt (seconds; empty for a lock mass) and mode (positive, negative; empty for
        both). None gives an empty table.
    mode
        positive or negative.

    Raises
    ------
    GutaxisError
        M12: the table lacks a column, repeats a name within a mode, or has an m/z that is no positive number.
    """
    if path is None:
        return pd.DataFrame(columns=["name", "mz", "rt"])
    table = pd.read_csv(path, sep="\t", dtype=str)
    allowed = "A table of standards has name and mz, and may have rt (seconds) and mode (positive, negative)"
    missing = [column for column in COLUMNS[:2] if column not in table]
    if missing:
        wrong = f"the table has no column {' and no column '.join(missing)}"
        raise GutaxisError(problem("M12", path, wrong, allowed, "Add the column", line=1))
    table = table.reindex(columns=COLUMNS)
    problems = [
        problem("M12", path, "unknown mode", allowed, "Correct it", line=int(row) + 2, column="mode", value=word)
        for row, word in table["mode"].dropna().items()
        if word not in MODES
    ]
    for column in ("mz", "rt"):
        number = pd.to_numeric(table[column], errors="coerce")
        bad = table[column].notna() & ~(number > 0) if column == "rt" else ~(number > 0)
        problems += [
            problem(
                "M12",
                path,
                f"{column} is no positive number",
                allowed,
                "Correct the value",
                line=int(row) + 2,
                column=column,
                value=table.at[row, column],
            )
            for row in table.index[bad]
        ]
        table[column] = number
    raise_if_errors(problems)
    table = table[table["mode"].isna() | (table["mode"] == mode)]
    for name in sorted(set(table.loc[table["name"].duplicated(), "name"])):
        mend = "Keep one row per standard and mode"
        problems.append(problem("M12", path, "a name is given twice", allowed, mend, column="name", value=name))
    raise_if_errors(problems)
    return table[["name", "mz", "rt"]].reset_index(drop=True)


class MassAccuracy:
    """Collects, scan by scan, the highest point near each standard.

    Parameters
    ----------
    standards
        From :func:`read_standards`.
    search_ppm
        Half width of the search, parts per million.
    """

    def __init__(self, *, standards: pd.DataFrame, search_ppm: float) -> None:
        self.standards = standards.sort_values(["mz", "name"]).reset_index(drop=True)
        self.ppm = search_ppm
        self._seen: list[list[tuple[float, float]]] = [[] for _ in self.standards.index]

    def add(self, *, scan: Scan) -> None:
        """Look for every standard in one MS1 scan."""
        if not len(scan.mz):
            return
        for row, (mz, rt) in enumerate(zip(self.standards["mz"], self.standards["rt"], strict=True)):
            if not np.isnan(rt) and abs(scan.rt - rt) > RT_WINDOW:
                continue
            width = mz * self.ppm * 1e-6
            first, last = np.searchsorted(scan.mz, [mz - width, mz + width])
            if last > first:
                best = first + int(np.argmax(scan.intensity[first:last]))
                if scan.intensity[best] > 0:
                    self._seen[row].append((float(scan.intensity[best]), float(scan.mz[best])))

    def table(self, *, sample: str) -> pd.DataFrame:
        """Return one row per standard.

        observed_mz is the intensity-weighted mean over the highest five scans; error_ppm is
        1e6 * (observed - expected) / expected, NA where the standard was not seen in 3 scans.
        """
        rows = []
        for row, standard in self.standards.iterrows():
            best = sorted(self._seen[row], reverse=True)[:SCANS]
            mz, height = np.nan, np.nan
            if len(best) >= 3:
                intensity, seen = np.array(best).T
                mz, height = float((seen * intensity).sum() / intensity.sum()), float(intensity.max())
            error = 1e6 * (mz - standard["mz"]) / standard["mz"]
            rows.append(
                (sample, standard["name"], standard["mz"], standard["rt"], len(self._seen[row]), mz, error, height)
            )
        return pd.DataFrame(rows, columns=MASS_COLUMNS)
