"""Planted against recovered: how well the workflow found what the simulated trial holds."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.simulate.reads import draw_counts


def bray_curtis(*, first: pd.Series, second: pd.Series) -> float:
    """Return the Bray-Curtis dissimilarity of two compositions, each scaled to sum 1; absent features count as 0.

    Formula: ``sum |a - b| / sum (a + b)``. Oracle: ``scipy.spatial.distance.braycurtis``.
    """
    names = first.index.union(second.index)
    a = first.reindex(names, fill_value=0.0) / first.sum()
    b = second.reindex(names, fill_value=0.0) / second.sum()
    return float((a - b).abs().sum() / (a + b).sum())


def _log2_change(
    *, taxa: pd.DataFrame, samples: dict[str, dict], patients: dict[str, dict], contrast: str
) -> pd.Series:
    """Return each species' estimate of a contrast: difference of mean centred log-ratios, in log2 units.

    Zeros are replaced by half the smallest positive share. No test is made here: this is a look at the planted effects.
    """
    shares = taxa.replace(0, np.nan)
    logs = np.log2(shares.fillna(shares.min().min() / 2))
    clr = logs - logs.mean()

    def group(timepoint: str, response: str | None) -> dict[str, pd.Series]:
        return {
            sample["patient_id"]: clr[name]
            for name, sample in samples.items()
            if name in clr
            and sample["timepoint"] == timepoint
            and (response is None or patients[sample["patient_id"]]["response"] == response)
        }

    def change(response: str | None) -> pd.Series:
        before, after = group("PRE", response), group("POST", response)
        return pd.DataFrame({name: after[name] - before[name] for name in after if name in before}).mean(axis=1)

    if contrast == "baseline":
        return pd.DataFrame(group("PRE", "R")).mean(axis=1) - pd.DataFrame(group("PRE", "NR")).mean(axis=1)
    if contrast == "change":
        return change(None)
    return change("R") - change("NR")


def measure_recovery(
    *, truth: Path, taxa: Path, pathways: Path | None, host: dict[str, Path], samples: Path, effects: Path
) -> None:
    """Compare a finished simulated run with its truth.

    Parameters
    ----------
    truth
        The trial's ``truth.json``.
    taxa, pathways
        Layer tables, features x samples.
    host
        Sample id -> file with the number of host reads left.
    samples
        Table to write: sample_id, bray_curtis, pathways_planted, pathways_missing, host_reads, host_left,
        host_removed_percent.
    effects
        Table to write: contrast, species, planted (log2), recovered (log2 difference of centred log-ratios).
    """
    trial = json.loads(truth.read_text())
    abundance = pd.read_csv(taxa, sep="\t", index_col=0, comment="#")
    abundance.index = abundance.index.str.split("|").str[-1].str.removeprefix("s__")
    functions = None if pathways is None else pd.read_csv(pathways, sep="\t", index_col=0, comment="#")
    rows = []
    for name, planted in sorted(trial["samples"].items()):
        if name not in abundance:
            continue
        missing: list[str] = []
        if functions is not None:
            found = functions.index[functions[name] > 0].str.split(":").str[0]
            missing = sorted(set(planted["pathways"]) - set(found))
        # host reads of every library, two mates each
        lengths = dict.fromkeys(planted["composition"], 1)
        per_library = planted["pairs"] // len(planted["libraries"])
        pairs = draw_counts(planted=planted, lengths=lengths, pairs=per_library)["host"] * len(planted["libraries"])
        left = int(host[name].read_text())
        rows.append(
            {
                "sample_id": name,
                "bray_curtis": bray_curtis(first=pd.Series(planted["composition"]), second=abundance[name]),
                "pathways_planted": len(planted["pathways"]),
                "pathways_missing": ",".join(missing) or "none",
                "host_reads": 2 * pairs,
                "host_left": left,
                "host_removed_percent": 100 * (1 - left / (2 * pairs)),
            }
        )
    write_tsv(pd.DataFrame(rows), samples, digits=6)
    found_effects = [
        {"contrast": contrast, "species": species, "planted": size, "recovered": float(estimate.get(species, np.nan))}
        for contrast, sizes in trial["effects"].items()
        for estimate in [
            _log2_change(taxa=abundance, samples=trial["samples"], patients=trial["patients"], contrast=contrast)
        ]
        for species, size in sizes.items()
    ]
    write_tsv(pd.DataFrame(found_effects), effects, digits=4)
