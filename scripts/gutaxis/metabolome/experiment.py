"""One file's MS1 spectra as an OpenMS experiment: of one polarity, centroided, sorted, times in seconds."""

from pathlib import Path

import pyopenms

from gutaxis.errors import GutaxisError
from gutaxis.metabolome.formats import NEGATIVE, POSITIVE, format_of, problem

POLARITY = {POSITIVE: pyopenms.IonSource.Polarity.POSITIVE, NEGATIVE: pyopenms.IonSource.Polarity.NEGATIVE}


def load_ms1(*, path: Path, mode: str, profile: bool, rt_factor: float = 1.0) -> pyopenms.MSExperiment:
    """Load the MS1 spectra of one mode.

    Parameters
    ----------
    path
        A file that passed :func:`gutaxis.metabolome.intake.inspect_file`.
    mode
        positive or negative; scans of the other polarity are left out, scans that name none stay.
    profile
        Whether the data are profile (by the intake's look at the data, not by the file's word): they are centroided
        with PeakPickerHiRes.
    rt_factor
        What the file's times are multiplied by, from the intake.

    Returns
    -------
    pyopenms.MSExperiment
        MS1 spectra ascending in time, points ascending in m/z.

    Raises
    ------
    GutaxisError
        M02: OpenMS cannot read the file.
    """
    kind, packed = format_of(path=path), path.name.lower().endswith(".gz")
    if kind == "mzML" or (kind == "mzXML" and not packed):
        experiment = _load(path=path, reader=pyopenms.MzMLFile() if kind == "mzML" else pyopenms.MzXMLFile())
    else:
        experiment = _copy(path=path)
    other = POLARITY[NEGATIVE if mode == POSITIVE else POSITIVE]
    # views change spectra where they are; a list of spectra would be a second copy of all points
    views = experiment.spectrum_views()
    kept = [v.getMSLevel() == 1 and v.getInstrumentSettings().getPolarity() != other for v in views]
    for view in views:
        view.setRT(view.getRT() * rt_factor)
        if profile:
            view.setType(pyopenms.SpectrumSettings.SpectrumType.PROFILE)
    del views
    if not all(kept):
        spectra = experiment.getSpectra()
        experiment.setSpectra([spectrum for spectrum, keep in zip(spectra, kept, strict=True) if keep])
        del spectra
    experiment.sortSpectra(True)
    if profile:
        picker = pyopenms.PeakPickerHiRes()
        picker.setLogType(pyopenms.LogType.NONE)
        experiment = picker.pickExperiment(experiment, True)
    experiment.updateRanges()
    return experiment


def _load(*, path: Path, reader: pyopenms.MzMLFile | pyopenms.MzXMLFile) -> pyopenms.MSExperiment:
    experiment, options = pyopenms.MSExperiment(), reader.getOptions()
    options.setMSLevels([1])
    reader.setOptions(options)
    reader.setLogType(pyopenms.LogType.NONE)
    try:
        reader.load(str(path), experiment)
    except RuntimeError as error:
        wrong = f"OpenMS cannot read the file ({str(error).splitlines()[0][:160]})"
        mend = "Convert the raw file again with msconvert --mzML --zlib"
        raise GutaxisError(problem("M02", path, wrong, "A file has to be readable to its end", mend)) from error
    return experiment


def _copy(*, path: Path) -> pyopenms.MSExperiment:
    """Build the experiment from pyteomics' scans, for formats OpenMS does not read."""
    # pyteomics takes longer to import than most files to load, and hardly a file needs it here
    from gutaxis.metabolome.spectra import read_scans  # noqa: PLC0415

    experiment = pyopenms.MSExperiment()
    for scan in read_scans(path=path):
        if scan.level != 1:
            continue
        spectrum = pyopenms.MSSpectrum()
        spectrum.setMSLevel(1)
        spectrum.setRT(scan.rt)
        spectrum.set_peaks((scan.mz, scan.intensity))
        if scan.polarity is not None:
            settings = spectrum.getInstrumentSettings()
            settings.setPolarity(POLARITY[scan.polarity])
            spectrum.setInstrumentSettings(settings)
        experiment.addSpectrum(spectrum)
    return experiment
