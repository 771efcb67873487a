"""MS2 spectra of features: found in the files, written for the spectral match, the match run in its own environment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyopenms

from gutaxis.errors import GutaxisError, Problem, raise_if_errors
from gutaxis.files import atomic_write
from gutaxis.metabolome.masses import POSITIVE
from gutaxis.metagenome.programs import run_program

PROGRAM = Path(__file__).with_name("spectral_match.py")
LIBRARIES = (".msp", ".mgf")
#: Peaks below this share of the highest are not written.
MIN_SHARE = 0.001


@dataclass(frozen=True, kw_only=True)
class Fragments:
    """One MS2 spectrum: of which sample, its precursor, its time (s, as in the features), its peaks."""

    sample: str
    precursor: float
    rt: float
    mz: np.ndarray
    intensity: np.ndarray

    @property
    def total(self) -> float:
        """Sum of the intensities."""
        return float(self.intensity.sum())


def read_ms2(*, path: Path, sample: str, mode: str, rt_factor: float = 1.0, knots: pd.DataFrame | None = None,
             ) -> list[Fragments]:  # fmt: skip
    """Read the MS2 spectra of one polarity from an mzML or mzXML file.

    Parameters
    ----------
    path
        A file that passed the intake.
    sample
        Its sample id.
    mode
        positive or negative; spectra of the other polarity are left out.
    rt_factor
        What the file's times are multiplied by to be seconds, from the intake.
    knots
        rt_s and rt_reference_s of this sample's alignment: spectra get the time that their features have.

    Raises
    ------
    GutaxisError
        M66: the file cannot be read.
    """
    experiment = pyopenms.MSExperiment()
    loader = pyopenms.MzXMLFile() if path.name.lower().endswith(".mzxml") else pyopenms.MzMLFile()
    options = loader.getOptions()
    options.setMSLevels([2])
    loader.setOptions(options)
    try:
        loader.load(str(path), experiment)
    except RuntimeError as error:
        raise GutaxisError(
            Problem(
                code="M66", file=path.name, line=None, column=None, value=None,
                wrong=f"The MS2 spectra cannot be read ({str(error).splitlines()[0][:120]})",
                allowed="mzML, mzML.gz or mzXML", mend="Convert the file to mzML, or leave MS2 matching out",
            )
        ) from error  # fmt: skip
    polarity = pyopenms.IonSource.Polarity
    other = polarity.NEGATIVE if mode == POSITIVE else polarity.POSITIVE
    spectra = []
    for spectrum in experiment:
        precursors = spectrum.getPrecursors()
        mz, intensity = spectrum.get_peaks()
        if not precursors or not len(mz) or spectrum.getInstrumentSettings().getPolarity() == other:
            continue
        time = spectrum.getRT() * rt_factor
        if knots is not None and len(knots):
            time = float(np.interp(time, knots["rt_s"], knots["rt_reference_s"]))
        spectra.append(
            Fragments(
                sample=sample, precursor=precursors[0].getMZ(), rt=time, mz=np.asarray(mz, float),
                intensity=np.asarray(intensity, float),
            )
        )  # fmt: skip
    return spectra


def choose(
    *, spectra: Sequence[Fragments], features: pd.DataFrame, mode: str, ppm: float, rt_tolerance: float
) -> dict[str, Fragments]:
    """Choose for each feature its strongest MS2 spectrum.

    A spectrum belongs to the feature of its precursor's m/z that is nearest in time, so that two isomers one after the
    other do not share spectra.

    Parameters
    ----------
    spectra
        Of all files, times in seconds as in the features.
    features
        Index feature; mz, rt, mode.
    mode
        Of the spectra.
    ppm, rt_tolerance
        Farthest precursor (ppm of the feature's m/z) and time (s).

    Returns
    -------
    dict
        By feature, in the order of the features; ties go to the first sample by id, then time.
    """
    table = features[(features["mode"] == mode) & features["mz"].notna()].sort_values("mz", kind="stable")
    masses, times = table["mz"].to_numpy(float), table["rt"].to_numpy(float)
    best: dict[str, Fragments] = {}
    for spectrum in sorted(spectra, key=lambda one: (-one.total, one.sample, one.rt)):
        low = np.searchsorted(masses, spectrum.precursor / (1 + ppm * 1e-6), side="left")
        high = np.searchsorted(masses, spectrum.precursor / (1 - ppm * 1e-6), side="right")
        gap = np.abs(times[low:high] - spectrum.rt)
        if len(gap) and np.nanmin(gap, initial=np.inf) <= rt_tolerance:
            best.setdefault(str(table.index[low + int(np.nanargmin(gap))]), spectrum)
    return {str(feature): best[str(feature)] for feature in features.index if str(feature) in best}


def write_mgf(*, chosen: Mapping[str, Fragments], mode: str, path: Path) -> None:
    """Write the spectra as MGF with FEATURE_ID, for the spectral match; the same spectra give the same bytes."""
    with atomic_write(path) as part, open(part, "w", encoding="utf-8", newline="\n") as handle:
        for feature, spectrum in chosen.items():
            strong = spectrum.intensity >= MIN_SHARE * spectrum.intensity.max()
            handle.write(
                f"BEGIN IONS\nFEATURE_ID={feature}\nSAMPLE_ID={spectrum.sample}\nPEPMASS={spectrum.precursor:.6f}\n"
                f"RTINSECONDS={spectrum.rt:.3f}\nIONMODE={mode}\nMSLEVEL=2\n"
            )
            for mz, intensity in zip(spectrum.mz[strong], spectrum.intensity[strong], strict=True):
                handle.write(f"{mz:.6f} {intensity:.6g}\n")
            handle.write("END IONS\n\n")


def ms2_files(
    *, files: Mapping[str, Path], features: pd.DataFrame, mode: str, ppm: float, rt_tolerance: float, path: Path,
    rt_factors: Mapping[str, float] | None = None, knots: pd.DataFrame | None = None,
) -> int:  # fmt: skip
    """Write the strongest MS2 spectrum of each feature from all files of a mode; return how many features have one.

    Parameters
    ----------
    files
        By sample id; read in order of the ids.
    features, mode, ppm, rt_tolerance
        As of :func:`choose`.
    path
        MGF that is written; empty if there is no spectrum.
    rt_factors
        By sample id; 1 where not given.
    knots
        sample_id, rt_s, rt_reference_s of the alignment.
    """
    spectra: list[Fragments] = []
    for sample in sorted(files):
        own = None if knots is None else knots[knots["sample_id"] == sample].sort_values("rt_s")
        factor = (rt_factors or {}).get(sample, 1.0)
        spectra += read_ms2(path=files[sample], sample=sample, mode=mode, rt_factor=factor, knots=own)
    chosen = choose(spectra=spectra, features=features, mode=mode, ppm=ppm, rt_tolerance=rt_tolerance)
    write_mgf(chosen=chosen, mode=mode, path=path)
    return len(chosen)


def _is_library(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in LIBRARIES


def _not_library(path: Path) -> Problem:
    wrong = "This library is no .msp or .mgf file" if path.is_file() else "There is no such library"
    allowed = "Spectral libraries are .msp or .mgf files"
    return Problem("M68", path.name, None, None, None, wrong, allowed, "Correct the path, or convert the library")


def match_spectra(
    *, python: str, queries: Path, libraries: Sequence[Path], in_house: Sequence[Path], ppm: float, tolerance: float,
    output: Path,
) -> None:  # fmt: skip
    """Run the spectral match with a Python that has matchms.

    Parameters
    ----------
    python
        Program: that Python's path or name.
    queries
        MGF of :func:`write_mgf`.
    libraries, in_house
        The user's MSP or MGF files; those in house are of the lab's own standards, with its own instrument.
    ppm, tolerance
        Of the precursor (ppm) and of fragments (Da).
    output
        TSV; see :data:`gutaxis.metabolome.annotate.NO_MATCHES` for the columns that are read.

    Raises
    ------
    GutaxisError
        M68: a library is missing or no .msp or .mgf file; else the program's message, if it fails.
    """
    raise_if_errors(_not_library(path) for path in [*libraries, *in_house] if not _is_library(path))
    # -P: the folder of the program, whose modules have plain names, must not be searched for matchms' imports.
    options = ["--queries", queries, "--ppm", str(ppm), "--tolerance", str(tolerance)]
    for path in libraries:
        options += ["--library", path]
    for path in in_house:
        options += ["--in-house", path]
    with atomic_write(output) as part:
        command = [python, "-P", PROGRAM, *options, "--output", part]
        run_program(command=command, what="spectral match by matchms")
