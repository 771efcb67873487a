"""Features of one file: mass traces, chromatographic peaks, isotopes put together; by OpenMS."""

from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyopenms

from gutaxis.files import atomic_write
from gutaxis.metabolome.experiment import load_ms1
from gutaxis.metabolome.intake_table import read_row
from gutaxis.metabolome.presets import Preset

COLUMNS = ["mz", "rt", "intensity", "charge", "width_s", "isotopes", "height"]
Algorithm = TypeVar("Algorithm")


def configure(algorithm: Algorithm, **values: Any) -> Algorithm:
    """Set parameters of an OpenMS algorithm (``a__b`` stands for ``a:b``), silence its progress, and return it."""
    parameters = algorithm.getDefaults()  # type: ignore[attr-defined]
    for name, value in values.items():
        key = name.replace("__", ":")
        if not parameters.exists(key):
            raise KeyError(f"{type(algorithm).__name__} has no parameter {key}")  # another release of OpenMS
        parameters.setValue(key, value)
    algorithm.setParameters(parameters)  # type: ignore[attr-defined]
    if hasattr(algorithm, "setLogType"):
        algorithm.setLogType(pyopenms.LogType.NONE)
    return algorithm


def find_features(*, experiment: pyopenms.MSExperiment, preset: Preset) -> pyopenms.FeatureMap:
    """Find the features of one centroided experiment.

    MassTraceDetection follows every ion through the scans, ElutionPeakDetection cuts traces into peaks,
    FeatureFindingMetabo puts isotopes together. Intensity is the area of the monoisotopic trace (intensity x seconds).

    Returns
    -------
    pyopenms.FeatureMap
        Sorted by m/z, then time; unique ids 1..n, so that the same input gives the same bytes. Empty where there is
        nothing (a blank), and for fewer than 3 spectra, which OpenMS refuses.
    """
    if experiment.getNrSpectra() < 3:
        return ordered(features=[])
    traces = configure(
        pyopenms.MassTraceDetection(),
        mass_error_ppm=preset.trace_ppm,
        noise_threshold_int=preset.noise,
        chrom_peak_snr=preset.snr,
        min_trace_length=preset.min_trace_s,
    ).run(experiment, 0)
    peaks = configure(
        pyopenms.ElutionPeakDetection(),
        chrom_fwhm=preset.fwhm_s,
        chrom_peak_snr=preset.snr,
        width_filtering="fixed",
        min_fwhm=preset.min_fwhm_s,
        max_fwhm=preset.max_fwhm_s,
    ).detectPeaks(traces)
    if not peaks:
        return ordered(features=[])
    found = pyopenms.FeatureMap()
    configure(
        pyopenms.FeatureFindingMetabo(),
        chrom_fwhm=preset.fwhm_s,
        charge_upper_bound=preset.max_charge,
    ).run(peaks, found)
    return ordered(features=list(found))


def ordered(*, features: list[pyopenms.Feature]) -> pyopenms.FeatureMap:
    """Return a map of features sorted by m/z, time and area, numbered from 1."""
    made = pyopenms.FeatureMap()
    for number, feature in enumerate(sorted(features, key=lambda f: (f.getMZ(), f.getRT(), f.getIntensity())), start=1):
        feature.setUniqueId(number)
        made.push_back(feature)
    made.setUniqueId(1)
    made.updateRanges()
    return made


def feature_rows(*, features: pyopenms.FeatureMap) -> pd.DataFrame:
    """Return the features as a table: m/z, time (s), area, charge (0 = unknown), width (s), isotopes, height."""
    rows = [
        (
            feature.getMZ(),
            feature.getRT(),
            feature.getIntensity(),
            feature.getCharge(),
            float(feature.getMetaValue("FWHM")) if feature.metaValueExists("FWHM") else np.nan,
            int(feature.getMetaValue("num_of_masstraces")) if feature.metaValueExists("num_of_masstraces") else 1,
            float(feature.getMetaValue("max_height")) if feature.metaValueExists("max_height") else np.nan,
        )
        for feature in features
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({**dict.fromkeys(COLUMNS, float), "charge": int, "isotopes": int})


def extract_features(*, sample: str, path: Path, mode: str, intake: Path, preset: Preset, output: Path) -> None:
    """Find the features of one file and write them as featureXML.

    Parameters
    ----------
    sample
        Sample id, which the file of features names instead of a path.
    path
        Spectra.
    mode
        positive or negative.
    intake
        The row of :func:`gutaxis.metabolome.intake.intake`: profile or centroid, and the factor of time.
    preset
        Settings of the instrument.
    output
        featureXML to write; without features for an empty blank.

    Raises
    ------
    GutaxisError
        M02: OpenMS cannot read the file.
    """
    row = read_row(path=intake)
    experiment = load_ms1(path=path, mode=mode, profile=row["spectra"] == "profile", rt_factor=float(row["rt_factor"]))
    features = find_features(experiment=experiment, preset=preset)
    features.setIdentifier(sample)
    print(f"{sample} {mode}: {experiment.getNrSpectra()} MS1 spectra, {features.size()} features")
    store(features=features, path=output)


def store(*, features: pyopenms.FeatureMap, path: Path) -> None:
    """Write featureXML, atomically."""
    with atomic_write(path) as part:
        named = part.with_name(part.name + ".featureXML")  # OpenMS judges a file by the end of its name
        try:
            pyopenms.FeatureXMLFile().store(str(named), features)
            named.replace(part)
        finally:
            named.unlink(missing_ok=True)


def load(*, path: Path) -> pyopenms.FeatureMap:
    """Read featureXML."""
    features = pyopenms.FeatureMap()
    pyopenms.FeatureXMLFile().load(str(path), features)
    return features
