"""Injections of the simulated plasma run: order, drift of the instrument, dilution, retention and mass shifts."""

from typing import Any

import numpy as np

#: Largest correlation of the order with timepoint or response that is accepted in a batch of 6 samples or more.
MAX_CONFOUNDING = 0.25
#: Smallest and largest loss of signal from first to last injection of a batch, log2.
LOSS_RANGE = (0.8, 1.2)
#: Standard deviation of the amount injected of a study sample (its dilution) and of a QC, log2.
SD_DILUTION, SD_INJECTION = 0.12, 0.03
#: Retention of every batch but the first, seconds later.
BATCH_DELAY = 1.5


def plan_injections(
    *, truth: dict[str, Any], stool: dict[str, dict[str, Any]], qcs: int, blanks: int, stream: int
) -> dict[str, dict[str, Any]]:
    """Return sample id -> injection, batch after batch in the order of injection.

    A batch begins with a blank, pooled QCs stand at its start, its end and evenly in between, the other blanks follow.
    Study samples come in random order, drawn again until it has little to do with timepoint and response.

    Parameters
    ----------
    truth
        The trial's truth.
    stool
        Stool samples of the patients; each gives a plasma sample of the same visit.
    qcs, blanks
        Injections of each batch.
    stream
        First number of the random streams.

    Returns
    -------
    dict
        patient_id, timepoint, batch, control, run_order (from 1 in each batch), drift and dilution (log2), rt_shift
        (two amplitudes and an offset, seconds) and mass_error (ppm).
    """
    injections: dict[str, dict[str, Any]] = {}
    for number, batch in enumerate(sorted({sample["batch"] for sample in stool.values()})):
        rng = np.random.default_rng([stream, truth["seed"], 4, number])
        names = _order(rng=rng, truth=truth, stool={n: s for n, s in stool.items() if s["batch"] == batch})
        before = np.round(np.linspace(0, len(names), qcs)).astype(int)
        line: list[tuple[str, str, str | None]] = [(f"{batch}_PLASMA_BLANK1", "BLANK", None)]
        done = 0
        for place in range(len(names) + 1):
            for _ in range(int((before == place).sum())):
                done += 1
                line.append((f"{batch}_PLASMA_QC{done}", "POOL_QC", None))
            if place < len(names):
                line.append((f"{names[place]}_PLASMA", "N", names[place]))
        line += [(f"{batch}_PLASMA_BLANK{extra}", "BLANK", None) for extra in range(2, blanks + 1)]
        drift = _drift(rng=rng, n=len(line))
        for order, (name, control, source) in enumerate(line):
            spread = {"N": SD_DILUTION, "POOL_QC": SD_INJECTION, "BLANK": 0.0}[control]
            injections[name] = {
                "patient_id": stool[source]["patient_id"] if source else None,
                "timepoint": stool[source]["timepoint"] if source else None,
                "batch": batch,
                "control": control,
                "run_order": order + 1,
                "drift": round(float(drift[order]), 4),
                "dilution": round(float(rng.normal(0.0, 1.0)) * spread, 4),
                "rt_shift": [
                    round(float(rng.uniform(-2.5, 2.5)), 3),
                    round(float(rng.uniform(-1.0, 1.0)), 3),
                    BATCH_DELAY * number,
                ],
                "mass_error": round(float(rng.normal(0.0, 0.6)), 3),
            }
    return injections


def _order(*, rng: np.random.Generator, truth: dict[str, Any], stool: dict[str, dict[str, Any]]) -> list[str]:
    names = list(stool)
    post = np.array([stool[name]["timepoint"] == "POST" for name in names], dtype=float)
    responder = np.array([truth["patients"][stool[name]["patient_id"]]["response"] == "R" for name in names], float)
    for _ in range(500):
        order = rng.permutation(len(names))
        if len(names) < 6 or all(
            factor.std() == 0 or abs(np.corrcoef(np.arange(len(names)), factor[order])[0, 1]) < MAX_CONFOUNDING
            for factor in (post, responder)
        ):
            break
    return [names[place] for place in order]


def _drift(*, rng: np.random.Generator, n: int) -> np.ndarray:
    """Return the instrument's response (n,) in log2: a loss that slows down, and a slow wave on it."""
    time = np.linspace(0.0, 1.0, n)
    loss = -rng.uniform(*LOSS_RANGE) * (1 - np.exp(-1.5 * time)) / (1 - np.exp(-1.5))
    return loss + 0.1 * np.sin(2 * np.pi * (time + rng.uniform()))


def shifted_rt(*, rt: np.ndarray, shift: list[float], gradient: float) -> np.ndarray:
    """Return where retention times (seconds) come out in an injection: two half waves and an offset.

    The two amplitudes bend the middle and the two halves of the gradient; the order of compounds is kept.
    """
    phase = np.pi * rt / gradient
    return rt + shift[0] * np.sin(phase) + shift[1] * np.sin(2 * phase) + shift[2]
