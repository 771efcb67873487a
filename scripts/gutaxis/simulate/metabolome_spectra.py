"""Scans of one simulated injection: ions with isotopes, peak shapes, background ions, noise, mass error."""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from gutaxis.simulate.metabolome_masses import isotope_pattern
from gutaxis.simulate.metabolome_mzml import Scan
from gutaxis.simulate.metabolome_order import shifted_rt
from gutaxis.simulate.metabolome_plan import RT_RANGE, STREAM

MODES = ("positive", "negative")
WINDOW = (70.0, 700.0)
#: Centroids below this are not recorded.
THRESHOLD = 1500.0
#: Isotopes below this share of the monoisotopic peak are left out.
LEAST_ISOTOPE = 0.005
#: Relative standard deviation of one point of a peak.
SD_POINT = 0.05
#: Standard deviation of one centroid's mass, ppm: a constant part, and one that grows as a peak sinks to THRESHOLD.
SD_MASS, SD_MASS_WEAK = 0.7, 2.0
#: Tailing: width of the falling side of a peak relative to the rising one.
TAILING = 1.25


@dataclass(frozen=True)
class Surroundings:
    """What a mode holds beside compounds.

    Parameters
    ----------
    background
        Ions that are in every scan of every injection, blanks too.
    noise_peaks
        Random centroids of each scan.
    strays
        Peaks at a random place in one injection only, for the detection filter to remove; none in blanks.
    """

    background: int
    noise_peaks: int
    strays: int


SURROUNDINGS = {"positive": Surroundings(40, 180, 12), "negative": Surroundings(12, 60, 4)}


def _stream(*, truth: dict[str, Any], sample_id: str, mode: str, kind: int) -> np.random.Generator:
    return np.random.default_rng(
        [STREAM, truth["seed"], kind, MODES.index(mode), zlib.crc32(sample_id.encode())],
    )


def true_ions(*, truth: dict[str, Any], mode: str) -> list[dict[str, Any]]:
    """Return every ion of a mode, isotopes too: compound, group, adduct, main, isotope, mz, rt (seconds), share.

    ``share`` is the intensity relative to the monoisotopic peak of the compound's main ion in this mode.
    """
    ions = []
    for name, compound in truth["metabolome"]["compounds"].items():
        for place, (adduct, strength) in enumerate(compound["ions"].get(mode, {}).items()):
            pattern = isotope_pattern(formula=compound["formula"], adduct=adduct)
            ions += [
                {
                    "compound": name,
                    "group": compound["group"],
                    "adduct": adduct,
                    "main": place == 0,
                    "isotope": isotope,
                    "mz": mz,
                    "rt": compound["rt"],
                    "share": strength * share,
                }
                for isotope, (mz, share) in enumerate(pattern)
                if share >= LEAST_ISOTOPE
            ]
    return ions


def injected_levels(*, truth: dict[str, Any], sample_id: str, mode: str) -> dict[str, float]:
    """Return compound -> log2 apex intensity of its main ion in one raw file; what is absent is left out.

    Level of the sample (pool: mean of all samples; blank: contaminants only), plus dilution, drift of the instrument
    times the compound's loading, the batch's step, and technical noise.
    """
    plan = truth["metabolome"]
    injection = plan["injections"][sample_id]
    names = [name for name, compound in plan["compounds"].items() if mode in compound["ions"]]
    # drawn for every compound of the mode, so that an absent one does not shift the others
    noise = _stream(truth=truth, sample_id=sample_id, mode=mode, kind=5).normal(0.0, plan["technical_sd"], len(names))
    column = plan["samples"].index(sample_id) if injection["control"] == "N" else None
    levels = {}
    for name, technical in zip(names, noise, strict=True):
        compound = plan["compounds"][name]
        solvent = compound["group"] == "contaminant"
        if solvent:
            level = compound["base"]
        elif injection["control"] == "BLANK":
            continue
        else:
            level = plan["pool"].get(name) if column is None else plan["levels"][name][column]
        if level is None:
            continue
        level += 0.0 if solvent else injection["dilution"]
        level += compound["drift_loading"] * injection["drift"] + compound["batch_step"][injection["batch"]]
        levels[name] = level + float(technical)
    return levels


def background_mz(*, truth: dict[str, Any], mode: str) -> np.ndarray:
    """Return the m/z of the background ions of a mode, none within 40 ppm of an ion of a compound."""
    rng = np.random.default_rng([STREAM, truth["seed"], 6, MODES.index(mode)])
    taken = np.array([ion["mz"] for ion in true_ions(truth=truth, mode=mode)])
    chosen: list[float] = []
    while len(chosen) < SURROUNDINGS[mode].background:
        mz = float(rng.uniform(WINDOW[0] + 5, WINDOW[1] - 5))
        if np.min(np.abs(taken / mz - 1)) * 1e6 > 40:
            chosen.append(mz)
    return np.array(sorted(chosen))


def injection_scans(*, truth: dict[str, Any], sample_id: str, mode: str) -> list[Scan]:
    """Return the centroided scans of one injection in one mode.

    Parameters
    ----------
    truth
        The trial's truth with ``metabolome``.
    sample_id
        A key of its ``injections``.
    mode
        ``positive`` or ``negative``.

    Returns
    -------
    list of Scan
        One every ``cycle_seconds`` over the gradient. m/z are multiples of 2^-17, intensities have 12 significant
        bits: it costs less than 0.06 ppm and 0.02 %, and the files compress well.
    """
    plan = truth["metabolome"]
    injection = plan["injections"][sample_id]
    rng = _stream(truth=truth, sample_id=sample_id, mode=mode, kind=7)
    times = np.arange(0.0, plan["gradient_seconds"], plan["cycle_seconds"])
    levels = injected_levels(truth=truth, sample_id=sample_id, mode=mode)
    ions = [ion for ion in true_ions(truth=truth, mode=mode) if ion["compound"] in levels]
    strays = 0 if injection["control"] == "BLANK" else SURROUNDINGS[mode].strays
    mz = np.array([*(ion["mz"] for ion in ions), *rng.uniform(*WINDOW, strays)])
    rt = np.array([*(ion["rt"] for ion in ions), *rng.uniform(*RT_RANGE, strays)])
    width = np.array([*(plan["compounds"][ion["compound"]]["width"] for ion in ions), *rng.uniform(1.6, 2.4, strays)])
    apex = np.exp2([*(np.log2(ion["share"]) + levels[ion["compound"]] for ion in ions), *rng.uniform(15, 19, strays)])
    rt = shifted_rt(rt=rt, shift=injection["rt_shift"], gradient=plan["gradient_seconds"])
    distance = times[None, :] - rt[:, None]
    height = apex[:, None] * np.exp(-0.5 * (distance / (np.where(distance > 0, TAILING, 1.0) * width[:, None])) ** 2)
    height *= 1 + SD_POINT * rng.standard_normal(height.shape)
    parts = [
        _recorded(mz=mz, height=height, rng=rng),
        _background(truth=truth, mode=mode, times=times, rng=rng),
        _noise(mode=mode, n=len(times), rng=rng),
    ]
    scan, mz, height = (np.concatenate(values) for values in zip(*parts, strict=True))
    mz = np.round(mz * (1 + injection["mass_error"] * 1e-6) * 2**17) / 2**17
    fraction, exponent = np.frexp(height)
    height = np.ldexp(np.round(fraction * 4096) / 4096, exponent).astype(np.float32)
    order = np.lexsort((height, mz, scan))
    bounds = np.searchsorted(scan[order], np.arange(len(times) + 1))
    return [
        Scan(float(time), mz[order[start:end]], height[order[start:end]])
        for time, start, end in zip(times, bounds[:-1], bounds[1:], strict=True)
    ]


def _recorded(
    *, mz: np.ndarray, height: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return scan number, m/z and intensity of the centroids (ions x scans) above the threshold."""
    error = rng.standard_normal(height.shape)
    ion, scan = np.nonzero(height > THRESHOLD)
    seen = height[ion, scan]
    spread = SD_MASS + SD_MASS_WEAK * np.sqrt(THRESHOLD / seen)
    return scan, mz[ion] * (1 + 1e-6 * spread * error[ion, scan]), seen


def _background(
    *, truth: dict[str, Any], mode: str, times: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    mz = background_mz(truth=truth, mode=mode)
    # the strength of a background ion belongs to the instrument, its slow wave and its flicker to the injection
    strength = np.random.default_rng([STREAM, truth["seed"], 8, MODES.index(mode)]).uniform(8.5, 11.5, len(mz))
    wave = 0.15 * np.sin(2 * np.pi * (times[None, :] / 120.0 + rng.random(len(mz))[:, None]))
    height = np.exp(strength[:, None] + wave + 0.1 * rng.standard_normal((len(mz), len(times))))
    return _recorded(mz=mz, height=height, rng=rng)


def _noise(*, mode: str, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    peaks = SURROUNDINGS[mode].noise_peaks
    height = np.maximum(rng.lognormal(np.log(2800.0), 0.4, n * peaks), THRESHOLD)
    return np.repeat(np.arange(n), peaks), rng.uniform(*WINDOW, n * peaks), height
