"""Small cohorts for the tests of prediction: matrices in memory, and layers on disk."""

from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.layers.build import build_layer, write_layer
from gutaxis.predict.matrices import Cohort, Matrix
from gutaxis.predict.settings import Settings

#: Small enough for a second a run.
QUICK = {"repeats": 1, "folds": 3, "permutations": 0, "bootstrap": 100, "survival": False, "schemes": ["nested_cv"]}


def quick(**more):
    return Settings.of(settings=QUICK | more)


def people(*, n=36, share=0.34, seed=0):
    """Patients with response, cohort, PFS2, independent of everything."""
    rng = np.random.default_rng(seed)
    names = [f"P{number:03d}" for number in range(n)]
    response = np.where(rng.permutation(n) < round(share * n), "R", "NR")
    return pd.DataFrame(
        {
            "cohort": np.array(["LUNG", "OTHER", "ESOPHAGEAL"])[np.arange(n) % 3],
            "age": rng.integers(40, 80, n).astype(float),
            "sex": rng.choice(["F", "M"], n),
            "response": response,
            "pfs2_days": np.ceil(rng.exponential(100, n)),
            "pfs2_cnsr": (rng.random(n) < 0.3).astype(float),
        },
        index=pd.Index(names, name="patient_id"),
    ).astype({"response": object})


def matrix(*, values, layer="programs", kind="continuous", post=None, batches=None):
    if batches is None:
        batches = pd.Series([(f"B{at % 2}",) for at in range(len(values))], index=values.index, dtype=object)
    labels = pd.Series(values.columns, index=values.columns)
    return Matrix(layer=layer, kind=kind, unit="", values=values, post=post, labels=labels, batches=batches)


def noise(*, patients, m=20, seed=0, effect=0.0, columns=3):
    """Normal values; responders have ``effect`` more in the first columns."""
    rng = np.random.default_rng([seed, 7])
    table = rng.normal(size=(len(patients), m))
    table[(patients["response"] == "R").to_numpy(), :columns] += effect
    return pd.DataFrame(table, index=patients.index, columns=[f"f{number:02d}" for number in range(m)])


def composition(*, patients, m=20, seed=0, effect=0.0, zeros=0.2):
    logs = noise(patients=patients, m=m, seed=seed, effect=effect) * 1.5
    table = np.exp2(logs).where(np.random.default_rng([seed, 8]).random(logs.shape) > zeros, 0.0)
    return table.div(table.sum(axis=1), axis=0)


def cohort(*, patients, matrices, state="baseline"):
    dropped = pd.DataFrame(columns=["what", "name", "reason"])
    return Cohort(state=state, matrices={item.layer: item for item in matrices}, patients=patients, dropped=dropped)


def write_study(*, folder, patients, tables, post=None, batches=None, after_pd=()):
    """Write layers (name -> (kind, patients x features)) and sample_response; PRE samples, POST as well if given."""
    folder = Path(folder)
    rows, paths = [], {}
    for name, (kind, table) in tables.items():
        parts = [("PRE", table)] + ([("POST", post[name])] if post and name in post else [])
        values, about = [], []
        for time, part in parts:
            ids = [f"{patient}_{time}_{name}" for patient in part.index]
            values.append(part.set_axis(ids))
            frame = patients.reindex(part.index)[["cohort", "age", "sex"]].set_axis(ids)
            batch = ["B1" if at % 2 else "B2" for at in range(len(ids))] if batches is None else batches[part.index]
            about.append(frame.assign(patient_id=list(part.index), timepoint=time, batch=np.asarray(batch)))
        values, about = pd.concat(values), pd.concat(about)
        layer = build_layer(
            values=values, observations=about.assign(pair_status="PAIRED" if post else "PRE_ONLY"), name=name,
            arm="test", kind=kind, unit="unit",
        )  # fmt: skip
        paths[name] = folder / f"{name}.h5ad"
        write_layer(adata=layer, path=paths[name])
        known = patients.reindex(about["patient_id"])[["response", "pfs2_days", "pfs2_cnsr"]].set_axis(about.index)
        rows.append(about[["patient_id", "timepoint", "batch", "cohort"]].join(known))
    table = pd.concat(rows).rename_axis("sample_id").sort_index()
    table["after_pd"] = np.where(table.index.isin(after_pd), "Y", "N")
    write_tsv(table.reset_index(), folder / "sample_response.tsv")
    return {"layers": paths, "outcomes": folder / "sample_response.tsv"}


def outputs(folder):
    folder = Path(folder)
    tables = {name: folder / f"{name}.tsv" for name in ("performance", "predictions", "importance", "null", "roc")}
    figures = {
        f"{name}_{kind}": folder / f"{name}.{kind}" for name in ("roc", "calibration") for kind in ("svg", "html")
    }
    return tables | figures


def read(path):
    return pd.read_csv(path, sep="\t", comment="#")
