"""A simulated run of a mass spectrometer as a table: drift, batch steps, dilution and noise, with the truth."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gutaxis.metabolome.feature_table import FeatureTable, make_feature_table

#: Technical noise of 0.12 in log2 is a relative SD of 8.3 %.
NOISE = 0.12
TRUE_RSD = float(np.sqrt(np.exp((np.log(2) * NOISE) ** 2) - 1))


@dataclass(frozen=True, kw_only=True)
class Run:
    """Simulated data. ``truth``: log2 without drift, batch, dilution and noise, features x injections."""

    table: FeatureTable
    injections: pd.DataFrame
    truth: pd.DataFrame

    @property
    def study(self) -> list[str]:
        return sorted(self.injections.index[self.injections["control"] == "N"])

    def error(self, values: pd.DataFrame) -> float:
        """Root mean square error of study samples, log2, each feature about its mean: its level is arbitrary."""
        off = values[self.study] - self.truth.loc[values.index, self.study]
        return float(np.sqrt((off.sub(off.mean(axis=1), axis=0) ** 2).to_numpy().mean()))


def simulate_run(
    *, seed=1, features=300, injections=130, qcs=18, batches=2, drift=0.3, curve=0.15, step=0.35, dilution=0.13,
    blanks=0, noise=NOISE,
) -> Run:  # fmt: skip
    """Simulate. Drift of a feature over its batch: a line and a half wave of normal sizes, beside one common line."""
    rng = np.random.default_rng(seed)
    size, qcs_each = injections // batches, qcs // batches
    names, rows = [], []
    patient = 0
    for number in range(batches):
        places = set(np.linspace(0, size - 1, qcs_each).round().astype(int)) if qcs_each else set()
        times = rng.permutation([word for word in ("PRE", "POST") for _ in range(size)])
        study = 0
        for place in range(size):
            control = "POOL_QC" if place in places else "N"
            if control == "N":
                patient = (number * size + study // 2) if study % 2 == 0 else patient
                time = ("PRE", "POST")[(study + int(times[study // 2] == "PRE")) % 2]
                study += 1
            rows.append(
                {
                    "patient_id": f"P{patient:04}" if control == "N" else None,
                    "timepoint": time if control == "N" else None,
                    "batch": f"B{number + 1}", "control": control, "run_order": place + 1,
                    "group": time if control == "N" else control,
                }
            )  # fmt: skip
            names.append(f"B{number + 1}_{place + 1:03}")
    table = pd.DataFrame(rows, index=pd.Index(names, name="sample_id"))
    qc, batch = (table["control"] == "POOL_QC").to_numpy(), table["batch"].to_numpy()
    truth = rng.normal(15, 2, features)[:, None] + np.where(qc[None, :], 0, rng.normal(0, 0.8, (features, len(qc))))
    seen = truth.copy()
    time = np.linspace(-1, 1, size)
    for name in sorted(set(batch)):
        line, wave = rng.normal(0, drift, features), rng.normal(0, curve, features)
        phase, shift = rng.uniform(0, np.pi, features), rng.normal(0, step, features)
        common = rng.normal(0, drift)
        seen[:, batch == name] += (
            (line + common)[:, None] * time + wave[:, None] * np.sin(np.pi * time + phase[:, None]) + shift[:, None]
        )
    seen += np.where(qc, 0.3, 1.0) * rng.normal(0, dilution, len(qc))
    seen += rng.normal(0, noise, seen.shape)
    ids = pd.Index([f"POS_{n + 1:04}" for n in range(features)], name="feature")
    values = pd.DataFrame(np.exp2(seen), index=ids, columns=names)
    for number in range(blanks):
        name = f"BLANK_{number + 1}"
        values[name] = np.exp2(rng.normal(6, 1, features))
        table.loc[name] = {"batch": "B1", "control": "BLANK", "run_order": -number, "group": "BLANK"}
    about = pd.DataFrame({"mz": np.linspace(80, 900, features), "rt": 100.0, "mode": "positive"}, index=ids)
    return Run(
        table=make_feature_table(values=values, features=about),
        injections=table,
        truth=pd.DataFrame(truth, index=ids, columns=names),
    )
