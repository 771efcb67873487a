"""Checks of the design: C07 files of layers, W06 patients without a pair, W07 batches mixed up with biology."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from gutaxis.cohort.config import config_problem, needs_post
from gutaxis.errors import Problem


def layer_problems(*, config: Mapping[str, Any], root: Path) -> list[Problem]:
    """Return a C07 problem for every file or folder of a layer that is not there.

    Parameters
    ----------
    config
        The filled config. With ``simulate`` set the files may be made later.
    root
        The working directory.
    """
    if config["simulate"] is not None:
        return []
    problems = []
    for name, layer in config["layers"].items():
        for path in [layer["path"]] if isinstance(layer["path"], str) else layer["path"]:
            if not (root / path).exists():
                allowed = "A path relative to the folder in which Snakemake is started"
                problems.append(
                    config_problem("C07", f"layers.{name}.path", path, "It does not exist", allowed, "Correct the path")
                )
    return problems


def design_problems(
    *, samples: pd.DataFrame, patients: pd.DataFrame, pairs: pd.DataFrame, config: Mapping[str, Any]
) -> list[Problem]:
    """Return the warnings W06 and W07.

    Parameters
    ----------
    samples, patients
        Finished tables with ``_file`` and ``_line``.
    pairs
        From :func:`gutaxis.cohort.pairs.make_pairs`, with ``response`` if it is given.
    config
        The filled config.
    """
    problems = _unpaired(samples, pairs) if needs_post(config=config) else []
    own = samples[(samples["control"] == "N") & (samples["qc"] == "PASS")]
    factors = {"timepoint": own["timepoint"], "cohort": own["patient_id"].map(patients["cohort"])}
    if "response" in pairs:
        factors["response"] = own["patient_id"].map(patients["response"])
    for assay, rows in own.groupby("assay", sort=True):
        for factor, values in factors.items():
            problems += _confounded(str(assay), factor, rows.assign(_factor=values.loc[rows.index]))
    return problems


def _unpaired(samples: pd.DataFrame, pairs: pd.DataFrame) -> list[Problem]:
    problems = []
    alone = pairs[pairs["pair_status"].isin(("PRE_ONLY", "POST_ONLY"))]
    for row in alone.to_dict("records"):
        sample_id = row["pre"] if row["pair_status"] == "PRE_ONLY" else row["post"]
        file, line = samples.loc[sample_id, ["_file", "_line"]]
        wrong = f"{row['patient_id']} {row['assay']} {row['material']} makes no pair: {row['reason']}"
        allowed = (
            f"Status {row['pair_status']}: tests of differences leave it out, models with a random intercept keep it"
        )
        problems.append(
            Problem(
                "W06", file, int(line), "sample_id", sample_id, wrong, allowed, "Add the other sample, if there is one"
            )
        )
    return problems


def _confounded(assay: str, factor: str, rows: pd.DataFrame) -> list[Problem]:
    """Warn when every batch holds one level of a factor only, and both have two levels or more."""
    known = rows.dropna(subset="_factor")
    levels = known.groupby("batch")["_factor"].nunique()
    if known["_factor"].nunique() < 2 or len(levels) < 2 or levels.max() > 1:
        return []
    first = known.iloc[0]
    return [
        Problem(
            "W07",
            first["_file"],
            None,
            "batch",
            None,
            f"{assay}: every batch holds one {factor} only, so that an effect of "
            f"the batch cannot be told from {factor}",
            "Each batch holds several levels",
            "No correction can mend this; say it where you report the result",
        )
    ]
