"""How far a test can be trusted at a number of patients: a small table made from the calibration of the whole library.

``python -m gutaxis.integrate.reliability docs/calibration/results.tsv resources/reliability.tsv`` makes it again after
``make calibrate``.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.files import write_tsv

COLUMNS = [
    "method", "contrast", "scheme", "kind", "patients", "type_i", "coverage", "fdp", "power_half_sd", "power_one_sd",
    "power_one_and_a_half_sd", "met",
]  # fmt: skip
#: Effect sizes of the power curve, in SD of what the contrast compares.
POWER = {0.5: "power_half_sd", 1.0: "power_one_sd", 1.5: "power_one_and_a_half_sd"}
#: Share of features changed in the simulations that power and false discoveries are read from.
CHANGED = 0.1


def reliability_table(*, calibration: pd.DataFrame) -> pd.DataFrame:
    """Return one row per method, contrast, scheme, kind of layer and number of patients.

    Parameters
    ----------
    calibration
        ``docs/calibration/results.tsv``: columns test, contrast, scheme, kind, primary, source, patients, changed,
        effect, measure, replicates, value, verdict.

    Returns
    -------
    pandas.DataFrame
        :data:`COLUMNS`. Simulated cohorts, a tenth of the features changed, BH at 5 %; means over nuisances and, for
        the false discovery proportion, over effect sizes. ``met``: N where a target of the calibration was missed.
    """
    table = calibration[calibration["primary"].astype(bool) & (calibration["source"] == "simulated")]
    table = table[table["measure"].isin(["type_i", "coverage", "fdp", "power"])]
    keys = ["test", "contrast", "scheme", "kind", "patients"]
    rows = []
    for values, group in table.groupby(keys, sort=True):
        signal = group[(group["changed"] == CHANGED) & (group["effect"] > 0)]
        null = group[group["changed"] == 0]
        row = dict(zip(["method", *keys[1:]], values, strict=True)) | {"method": str(values[0]).split(",")[0]}
        row["type_i"], row["coverage"] = _mean(null, "type_i"), _mean(null, "coverage")
        row["fdp"] = _mean(signal, "fdp")
        for effect, name in POWER.items():
            # effects on survival are log hazard ratios shared among features: no SD to name them by
            row[name] = np.nan if values[1] == "survival" else _mean(signal[signal["effect"] == effect], "power")
        row["met"] = "N" if (group["verdict"] == "MISSED").any() else "Y"
        rows.append(row)
    made = pd.DataFrame(rows, columns=COLUMNS)
    # tests of whole communities have no feature to be reliable about
    return made[made["fdp"].notna()].reset_index(drop=True)


def _mean(rows: pd.DataFrame, measure: str) -> float:
    """Return the mean of a measure over scenarios, weighted by their simulated cohorts."""
    rows = rows[(rows["measure"] == measure) & rows["value"].notna()]
    return float(np.average(rows["value"], weights=rows["replicates"])) if len(rows) else float("nan")


def reliability_at(
    *, table: pd.DataFrame, method: str, contrast: str, patients: float, scheme: str | None = None
) -> dict[str, float | str | None]:
    """Return what is known of a test at the nearest number of patients.

    Parameters
    ----------
    table
        From :func:`reliability_table`.
    method, contrast
        As in a table of differential abundance.
    patients
        Number of patients; the nearest size on a log scale is taken, of two equally near the smaller.
    scheme
        Of the design; None or one that is not known: the worst of all.

    Returns
    -------
    dict
        reliability_n, type_i, coverage, fdp, power_one_sd, power_one_and_a_half_sd, met; all None if the method was not
        calibrated.
    """
    names = ["type_i", "coverage", "fdp", "power_one_sd", "power_one_and_a_half_sd", "met"]
    rows = table[(table["method"] == method) & (table["contrast"] == contrast)]
    if scheme is not None and (rows["scheme"] == scheme).any():
        rows = rows[rows["scheme"] == scheme]
    if rows.empty or not np.isfinite(patients) or patients < 1:
        return dict.fromkeys(["reliability_n", *names])
    sizes = np.array(sorted(set(rows["patients"])), dtype=float)
    nearest = sizes[np.argmin(np.round(np.abs(np.log(sizes / patients)), 9))]
    rows = rows[rows["patients"] == nearest]
    worst = {"type_i": rows["type_i"].max(), "coverage": rows["coverage"].min(), "fdp": rows["fdp"].max()}
    for name in names[3:5]:
        worst[name] = rows[name].min()
    return {
        "reliability_n": int(nearest), **{name: float(value) for name, value in worst.items()},
        "met": "N" if (rows["met"] == "N").any() else "Y",
    }  # fmt: skip


def write_reliability(*, calibration: Path | str, table: Path | str) -> None:
    """Write the table of reliability.

    Parameters
    ----------
    calibration
        ``docs/calibration/results.tsv``.
    table
        Target.
    """
    made = reliability_table(calibration=pd.read_csv(calibration, sep="\t", comment="#"))
    text = (
        "calibration of the primary tests, from docs/calibration/results.tsv by gutaxis.integrate.reliability: "
        "simulated cohorts, a tenth of the features changed\n"
        "type_i: share of p < 0.05 without any effect; coverage: of the 95 % interval; fdp: mean share of false among "
        "those called at q < 0.05, effects of one SD or as in the power curve; power: share found at q < 0.05"
    )
    write_tsv(made, table, comment=text, digits=4)


if __name__ == "__main__":
    write_reliability(calibration=sys.argv[1], table=sys.argv[2])
