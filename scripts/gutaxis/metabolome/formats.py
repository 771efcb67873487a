"""Files of spectra: their formats, findings on them, and whether data are profile or centroid."""

from pathlib import Path

import numpy as np

from gutaxis.errors import GutaxisError, Problem

POSITIVE, NEGATIVE = "positive", "negative"
MODES = (POSITIVE, NEGATIVE)
FORMATS = {
    ".mzml": "mzML",
    ".mzml.gz": "mzML",
    ".mzxml": "mzXML",
    ".mzxml.gz": "mzXML",
    ".mzmlb": "mzMLb",
}
#: Data points this near to a peak, on both sides and high enough, belong to a profile; centroids stand alone.
PROFILE_PPM, PROFILE_SHARE, PROFILE_PEAKS = 100.0, 0.2, 10


def problem(code: str, path: Path | str, wrong: str, allowed: str, mend: str, **place: str | int | None) -> Problem:
    """Return a finding on a file, which is named without its folder."""
    line, column, value = place.get("line"), place.get("column"), place.get("value")
    return Problem(code, Path(path).name, line, column, None if value is None else str(value), wrong, allowed, mend)  # type: ignore[arg-type]


def format_of(*, path: Path) -> str:
    """Return mzML, mzXML or mzMLb by the end of the file's name.

    Raises
    ------
    GutaxisError
        M01: the file is missing, empty, or of another format.
    """
    name = path.name.lower()
    formats = [FORMATS[end] for end in FORMATS if name.endswith(end)]
    if not formats:
        wrong = "the file's name does not end like an open mass spectrometry format"
        mend = "Convert the vendor's raw file with ProteoWizard: msconvert --mzML --zlib --filter 'peakPicking vendor'"
        raise GutaxisError(problem("M01", path, wrong, "Allowed are " + ", ".join(FORMATS) + " in any case", mend))
    if not path.is_file() or path.stat().st_size == 0:
        wrong = "the file is empty" if path.is_file() else "there is no such file"
        raise GutaxisError(problem("M01", path, wrong, "A file with spectra is needed", "Correct the sample sheet"))
    return formats[0]


def is_profile(*, mz: np.ndarray, intensity: np.ndarray) -> bool | None:
    """Tell profile from centroid by the data alone; None where there is too little to tell (fewer than 3 points).

    A point of a profile has neighbours within 100 ppm on both sides that reach 20 % of it; the ten highest points
    vote. Made for high-resolution instruments (orbitrap, tof), not for unit resolution.
    """
    if len(mz) < 3:
        return None
    top = np.argsort(intensity[1:-1], kind="stable")[::-1][:PROFILE_PEAKS] + 1
    near = PROFILE_PPM * 1e-6 * mz[top]
    left = (mz[top] - mz[top - 1] < near) & (intensity[top - 1] >= PROFILE_SHARE * intensity[top])
    right = (mz[top + 1] - mz[top] < near) & (intensity[top + 1] >= PROFILE_SHARE * intensity[top])
    return bool((left & right).mean() > 0.5)
