"""Real tables with known truth: labels drawn at random are a null, features multiplied are a signal.

What a simulator cannot know (the shape of zeros, tails, the ties between features) is here as measured. The null is
exact because the labels are drawn independently of everything: response among patients, and which of two samples of a
patient is called PRE.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.layers.metaphlan import read_profiles
from gutaxis.layers.ranks import taxa_of_rank
from gutaxis.simulate.tables import SimulatedTable, balanced

#: Share of patients called responders.
RESPONSE_SHARE = 0.4
#: Near-empty samples of HMP2 hold less than this share of their reads in the table.
SMALLEST_SUM = 0.5


@dataclass(frozen=True, kw_only=True)
class RealTable:
    """A public table.

    Parameters
    ----------
    name
        Short name of the study.
    kind
        As of a layer.
    values
        Samples x features.
    observations
        Same index: patient_id, cohort; batch and antibiotics where known. No outcome of the study.
    """

    name: str
    kind: str
    values: pd.DataFrame
    observations: pd.DataFrame


def read_lee(*, data: Path) -> RealTable:
    """Return species of 164 melanoma patients before checkpoint therapy (Lee 2022): one sample per patient."""
    profiles = read_profiles(paths=[data / "ici_metagenome" / "Lee_merged_table.txt"], sample_prefix="metaphlan_")
    values = taxa_of_rank(profiles=profiles, rank="species").values
    observations = pd.DataFrame({"patient_id": values.index.astype(str), "cohort": "LEE"}, index=values.index)
    return RealTable(name="lee", kind="compositional", values=values, observations=observations)


def read_hmp2(*, data: Path) -> RealTable:
    """Return species of IBD patients over time (HMP2): 2 to 26 samples per patient; cohort is the diagnosis."""
    values = pd.read_csv(data / "hmp2" / "HMP2_taxonomy.tsv", sep="\t", index_col="ID")
    about = pd.read_csv(data / "hmp2" / "HMP2_metadata.tsv", sep="\t", index_col="ID").loc[values.index]
    observations = pd.DataFrame(
        {
            "patient_id": about["subject"],
            "cohort": about["diagnosis"],
            "antibiotics": about["antibiotics"].map({"Yes": "Y", "No": "N"}),
        }
    )
    sound = values.sum(axis=1) >= SMALLEST_SUM
    return RealTable(name="hmp2", kind="compositional", values=values[sound], observations=observations[sound])


def read_mtbls79(*, data: Path) -> RealTable:
    """Return log2 intensities of 20 animals (10 cows, 10 sheep), each measured in 6 to 8 of 8 batches, with gaps."""
    folder = data / "metabolomics" / "MTBLS79"
    raw = pd.read_csv(folder / "matrix.tsv.gz", sep="\t", index_col="mz").T
    about = pd.read_csv(folder / "samples.tsv", sep="\t", index_col="sample").loc[raw.index]
    animals = about["Class"] != "QC"
    observations = pd.DataFrame(
        {"patient_id": about["Class2"], "cohort": about["Class"], "batch": "B" + about["Batch"].astype(str)}
    )
    values = np.log2(raw[animals].where(raw[animals] > 0))
    values.columns = "mz" + values.columns.astype(str)
    return RealTable(
        name="mtbls79", kind="log_intensity", values=values.loc[:, ~values.columns.duplicated()],
        observations=observations[animals],
    )  # fmt: skip


READERS = {"lee": read_lee, "hmp2": read_hmp2, "mtbls79": read_mtbls79}


def read_real(*, data: Path) -> Mapping[str, RealTable]:
    """Return the tables whose files are there, by name; an absent folder leaves a table out."""
    folders = {"lee": "ici_metagenome", "hmp2": "hmp2", "mtbls79": "metabolomics/MTBLS79"}
    return {name: READERS[name](data=data) for name, folder in folders.items() if (data / folder).is_dir()}


def implant(
    *,
    real: RealTable,
    seed: int | list[int],
    patients: int = 48,
    features: int = 100,
    prevalence: float = 0.2,
    missing_post: float = 0.0,
    estimand: str = "baseline",
    changed: float = 0.0,
    effect: float = 0.0,
    up: float = 0.75,
) -> SimulatedTable:
    """Draw patients and labels from a real table, and plant effects into some features.

    Parameters
    ----------
    real
        The table. With two samples of a patient or more, two are drawn and called PRE and POST in random order (of
        different batches where it has batches); patients with one sample have PRE alone.
    seed
        Of numpy's default generator.
    patients, features
        At most so many are drawn; features among those present in ``prevalence`` of the samples drawn.
    prevalence
        See ``features``.
    missing_post
        Share of patients whose POST sample is taken away.
    estimand, changed, effect, up
        As :class:`gutaxis.simulate.tables.TableSettings`. Non-zero values are multiplied by ``2^(effect x SD)``, where
        SD is that of log2 values between patients or of their paired change; zeros stay zero, so that a species that
        is often absent carries less of the effect than ``truth`` says.

    Returns
    -------
    SimulatedTable
        Compositional tables closed to 1.
    """
    generator = np.random.default_rng(seed)
    drawn = _drawn(real=real, generator=generator, patients=patients, missing_post=missing_post)
    values = real.values.loc[drawn.pop("source")].set_axis(drawn.index)
    seen = (values > 0 if real.kind == "compositional" else values.notna()).mean()
    common = seen.index[seen >= prevalence]
    names = sorted(generator.choice(common, min(features, len(common)), replace=False))
    values = values[names]
    if real.kind == "compositional":
        # a sample without any of the features drawn says nothing; all its reads then go to the most common one
        values.loc[values.sum(axis=1) == 0, values.mean().idxmax()] = 1.0
    log2 = np.log2(values.where(values > 0)) if real.kind == "compositional" else values
    sd = _sd(log2=log2, observations=drawn, change=estimand in {"change", "response_change"})
    number = round(changed * len(names))
    hit = np.zeros(len(names), dtype=bool)
    hit[generator.choice(len(names), number, replace=False)] = True
    signs = np.ones(len(names))
    signs[np.flatnonzero(hit)[round(up * number) :]] = -1.0
    planted = effect * sd * signs * hit
    responder = (drawn["response"] == "R").to_numpy()
    post = (drawn["timepoint"] == "POST").to_numpy()
    rows = {"baseline": responder, "post": responder & post, "response_change": responder & post, "change": post}
    where = rows.get(estimand, np.zeros(len(drawn), dtype=bool))
    moved = log2.to_numpy() + where[:, None] * planted
    if real.kind == "compositional":
        amounts = np.nan_to_num(2.0**moved)
        values = pd.DataFrame(amounts / amounts.sum(axis=1, keepdims=True), index=drawn.index, columns=names)
    else:
        values = pd.DataFrame(moved, index=drawn.index, columns=names)
    outcomes = drawn[["response", "pfs2_days", "pfs2_cnsr"]]
    return SimulatedTable(
        kind=real.kind, values=values, observations=drawn.drop(columns=list(outcomes)), outcomes=outcomes,
        truth=pd.DataFrame({"changed": hit, "effect": planted, "sd": sd}, index=pd.Index(names, name="feature")),
    )  # fmt: skip


def _drawn(*, real: RealTable, generator: np.random.Generator, patients: int, missing_post: float) -> pd.DataFrame:
    """Return the samples drawn: index sample_id, ``source`` the row of the table, random labels."""
    groups = real.observations.groupby("patient_id", sort=True).indices
    paired = {name: at for name, at in groups.items() if len(at) > 1}
    pool = sorted(paired or groups)
    rows = []
    names = sorted(generator.choice(pool, min(patients, len(pool)), replace=False))
    responders = balanced(generator.random(len(names)) < RESPONSE_SHARE, generator=generator)
    for patient, responder in zip(names, responders, strict=True):
        chosen = generator.permutation(groups[patient])[:2]
        lost = len(chosen) == 2 and generator.random() < missing_post
        status = "PRE_ONLY" if lost or len(chosen) == 1 else "PAIRED"
        response = "R" if responder else "NR"
        time, end = np.ceil(generator.exponential(130.0)), np.ceil(generator.uniform(180.0, 400.0))
        rows += [
            {
                "sample_id": f"{patient}_{point}", "source": real.values.index[at], "patient_id": patient,
                "timepoint": point, "pair_status": status, "response": response,
                "pfs2_days": min(time, end), "pfs2_cnsr": float(time > end),
            }
            for point, at in zip(("PRE", "POST")[: 1 if lost else len(chosen)], chosen, strict=False)
        ]  # fmt: skip
    drawn = pd.DataFrame(rows).set_index("sample_id")
    about = real.observations.loc[drawn["source"]].drop(columns="patient_id")
    return drawn.join(about.set_axis(drawn.index))


def _sd(*, log2: pd.DataFrame, observations: pd.DataFrame, change: bool) -> np.ndarray:
    """Return per feature the SD between patients, or of the paired change; 1 where it cannot be told."""
    pre, post = (log2[(observations["timepoint"] == point).to_numpy()] for point in ("PRE", "POST"))
    if change:
        pre, post = (part.set_axis(part.index.str.rsplit("_", n=1).str[0]) for part in (pre, post))
        pre = post - pre.reindex(post.index)
    sd = pre.std(ddof=1).to_numpy()
    return np.where(np.isfinite(sd) & (sd > 0), sd, 1.0)
