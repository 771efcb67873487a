"""Forced integration: what a file holds where a kept feature was not found; and the matrix of all cells."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyopenms

from gutaxis.files import write_tsv
from gutaxis.metabolome.clock import read_alignment
from gutaxis.metabolome.experiment import load_ms1
from gutaxis.metabolome.feature_table import ABSENT, DETECTED, FORCED, make_feature_table, write_feature_table
from gutaxis.metabolome.intake_table import read_row, read_table
from gutaxis.metabolome.presets import Preset

COLUMNS = ["feature", "rt_s", "apex_s", "area", "height", "noise", "points", "signal"]
#: Half of the integrated window in peak widths at half height (2.8 standard deviations of a Gaussian peak), and its
#: bounds in seconds.
WINDOW, WINDOW_S = 1.2, (2.0, 45.0)
#: A signal: points in a row, and height over the noise beside it. The flanks reach this many half windows.
MIN_POINTS, MIN_SNR, FLANK = 3, 3.0, 4.0
#: Detected cells from which the ratio of detected to forced area is taken per feature instead of over all.
MIN_CELLS = 3


@dataclass(frozen=True)
class Integral:
    """One window: apex (s), area (intensity x s), smoothed height, noise beside it, longest run of points, verdict."""

    apex: float
    area: float
    height: float
    noise: float
    points: int
    signal: bool


class Chromatograms:
    """Extracted ion chromatograms of one file on its grid of MS1 scans."""

    def __init__(self, *, experiment: pyopenms.MSExperiment) -> None:
        self._experiment = experiment
        self.times = np.array([view.getRT() for view in experiment.spectrum_views()])

    def extract(self, *, mz: float, ppm: float, start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
        """Return times (s) and summed intensity of all scans from ``start`` to ``end``; 0 where there is no point."""
        first, last = np.searchsorted(self.times, [start, end])
        times = self.times[first:last]
        trace = np.zeros(len(times))
        if len(times):
            width = mz * ppm * 1e-6
            seen, _, intensity = self._experiment.get2DPeakDataLong(
                float(times[0]) - 1e-4, float(times[-1]) + 1e-4, mz - width, mz + width, 1
            )
            place = np.searchsorted(times, np.asarray(seen) - 1e-4).clip(0, len(times) - 1)
            np.add.at(trace, place, np.asarray(intensity, dtype=float))
        return times, trace


def integrate(*, times: np.ndarray, trace: np.ndarray, rt: float, half: float, search: float) -> Integral:
    """Integrate a chromatogram around an expected time.

    Parameters
    ----------
    times, trace
        Scans (s) and intensities, both (scans,); wide enough to hold the flanks.
    rt
        Expected time, s.
    half
        Half of the integrated window, s.
    search
        The apex is looked for this far from ``rt``, s.

    Returns
    -------
    Integral
        Area by the trapezoid rule over apex +- half. Noise: the 90th percentile of the smoothed trace beside the
        window, on the quieter side, so that a neighbour on one side does not hide a peak. A signal has 3 points in a
        row, 3 times the noise, and an apex that is not the flank of something higher outside the search.
    """
    nothing = Integral(apex=rt, area=0.0, height=0.0, noise=0.0, points=0, signal=False)
    inside = np.flatnonzero(np.abs(times - rt) <= search)
    if not len(inside) or not trace[inside].any():
        return nothing
    smooth = np.convolve(trace, [0.25, 0.5, 0.25], mode="same")
    top = int(inside[np.argmax(smooth[inside])])
    around = smooth[max(top - 1, 0) : top + 2]
    flank = smooth[top] < around.max()
    window = np.abs(times - times[top]) <= half
    sides = [smooth[times < times[top] - 1.3 * half], smooth[times > times[top] + 1.3 * half]]
    noise = min((float(np.percentile(side, 90)) for side in sides if len(side) >= MIN_POINTS + 1), default=0.0)
    points = _longest_run(trace[window] > 0)
    return Integral(
        apex=float(times[top]),
        area=float(np.trapezoid(trace[window], times[window])),
        height=float(smooth[top]),
        noise=noise,
        points=points,
        signal=bool(not flank and points >= MIN_POINTS and smooth[top] >= MIN_SNR * noise),
    )


def _longest_run(present: np.ndarray) -> int:
    """Return the length of the longest run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], present.astype(np.int8), [0]])))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def integrate_file(
    *, experiment: pyopenms.MSExperiment, features: pd.DataFrame, expected: np.ndarray, preset: Preset
) -> pd.DataFrame:
    """Integrate every feature in one file, found there or not.

    Parameters
    ----------
    experiment
        Centroided MS1 spectra.
    features
        Index feature; mz, width_s.
    expected
        Time of each feature on this file's clock, s, (features,).
    preset
        ``forced_ppm``, ``link_rt_s``, ``fwhm_s``.

    Returns
    -------
    DataFrame
        ``COLUMNS``, one row per feature.
    """
    traces = Chromatograms(experiment=experiment)
    width = features["width_s"].fillna(preset.fwhm_s).to_numpy(dtype=float)
    halves = np.clip(WINDOW * width, *WINDOW_S)
    rows = []
    for name, mz, rt, half in zip(features.index, features["mz"], expected, halves, strict=True):
        reach = FLANK * half
        times, trace = traces.extract(mz=mz, ppm=preset.forced_ppm, start=rt - reach, end=rt + reach)
        found = integrate(times=times, trace=trace, rt=rt, half=half, search=min(half, preset.link_rt_s / 2))
        rows.append((name, rt, found.apex, found.area, found.height, found.noise, found.points, found.signal))
    return pd.DataFrame(rows, columns=COLUMNS)


def force_integrate(
    *,
    files: Mapping[str, Path],
    mode: str,
    intake: Mapping[str, Path],
    consensus: Path,
    transformations: Path,
    preset: Preset,
    output: Path,
) -> None:
    """Integrate every kept feature in some files, one after the other, and write one row per file and feature.

    Parameters
    ----------
    files, intake
        Sample -> its spectra, and the row that :func:`gutaxis.metabolome.intake.intake` wrote of them.
    mode
        ``positive`` or ``negative``.
    consensus
        Kept features, of :func:`gutaxis.metabolome.selection.select_features`.
    transformations
        Of :func:`gutaxis.metabolome.link.link_features`; features are looked for at the time of each file's clock.
    preset
        Settings of the instrument.
    output
        Table to write: sample_id and ``COLUMNS``, samples in the order of ``files``. Features that were found are
        integrated too: their ratio makes forced areas comparable with detected ones.
    """
    features = read_table(path=consensus)
    tables = []
    for sample, path in files.items():
        row = read_row(path=intake[sample])
        expected = read_alignment(transformations=transformations, sample=sample).to_file(features["rt"].to_numpy())
        profile = row["spectra"] == "profile"
        experiment = load_ms1(path=path, mode=mode, profile=profile, rt_factor=float(row["rt_factor"]))
        table = integrate_file(experiment=experiment, features=features, expected=expected, preset=preset)
        tables.append(table.assign(sample_id=sample)[["sample_id", *COLUMNS]])
    write_tsv(pd.concat(tables), output)


def fill_cells(
    *, areas: pd.DataFrame, forced: pd.DataFrame, signal: pd.DataFrame, reference: Collection[str] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series]:
    """Fill what was not detected from forced integration where there is a signal.

    Parameters
    ----------
    areas
        features x samples, detected areas, NaN = not detected.
    forced, signal
        Same shape: area of the window, and whether it holds a signal.
    reference
        Samples that the ratios are taken from; None: all.

    Returns
    -------
    values, state : DataFrame
        features x samples. ``absent`` cells have no value: noise is no measurement.
    ratio : Series
        Median of detected over forced area of each feature, by which its forced areas are multiplied; the median over
        all cells for features with fewer than 3 detected ones.
    """
    forced, signal = forced.reindex_like(areas), signal.reindex_like(areas).eq(True)
    found = areas.notna()
    ratios = (areas / forced.where(forced > 0)).where(found)
    if reference is not None:
        ratios = ratios[[sample for sample in ratios if sample in reference]]
    everywhere = float(np.nanmedian(ratios.to_numpy())) if ratios.notna().to_numpy().any() else 1.0
    ratio = ratios.median(axis=1).where(ratios.notna().sum(axis=1) >= MIN_CELLS, everywhere)
    usable = ~found & signal & (forced > 0)
    values = areas.where(found, forced.mul(ratio, axis=0).where(usable))
    state = pd.DataFrame(
        np.select([found, usable], [DETECTED, FORCED], ABSENT), index=areas.index, columns=areas.columns
    ).astype(object)
    return values, state, ratio.rename("forced_ratio")


def assemble_matrix(
    *,
    consensus: Path,
    areas: Path,
    forced: Iterable[Path],
    matrix: Path,
    state: Path,
    features: Path,
    cells: Path,
    reference: Collection[str] | None = None,
) -> None:
    """Put detected and forced areas of all files into the feature table of a mode.

    Parameters
    ----------
    consensus, areas
        Kept features, and detected areas of all linked features.
    forced
        Tables of :func:`force_integrate` that together hold every sample; the order does not matter.
    matrix, state, features
        The feature table to write (:mod:`gutaxis.metabolome.feature_table`).
    cells
        Table to write: sample_id, detected, forced, absent (counts).
    reference
        As of :func:`fill_cells`.

    Raises
    ------
    KeyError
        If a sample of ``areas`` has no forced integration.
    """
    kept = read_table(path=consensus)
    detected = read_table(path=areas).loc[kept.index].sort_index(axis=1)
    area: dict[str, pd.Series] = {}
    signal: dict[str, pd.Series] = {}
    for path in forced:
        for sample, table in pd.read_csv(path, sep="\t", dtype={"sample_id": str, "feature": str}).groupby("sample_id"):
            rows = table.set_index("feature")
            area[sample], signal[sample] = rows["area"], rows["signal"].astype(bool)
    values, states, ratio = fill_cells(
        areas=detected,
        forced=pd.DataFrame({sample: area[sample] for sample in detected}),
        signal=pd.DataFrame({sample: signal[sample] for sample in detected}),
        reference=reference,
    )
    table = make_feature_table(values=values, state=states, features=kept.join(ratio))
    write_feature_table(table=table, path_values=matrix, path_state=state, path_features=features)
    counts = pd.DataFrame({word: (states == word).sum() for word in (DETECTED, FORCED, ABSENT)})
    counts.index.name = "sample_id"
    write_tsv(counts, cells, index=True)
