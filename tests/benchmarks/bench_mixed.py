"""Random-intercept models of 1,000 features x 96 samples against R lmerTest, one core, both in one run.

`make bench` runs it. lmerTest takes minutes: it fits the first features only, and its time is multiplied.
"""

import argparse
import json
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.stats.mixed import random_intercept

FASTER = 150
SCRIPT = """
suppressMessages(library(lmerTest))
values <- read.csv(file.path(FOLDER, "values.csv")); frame <- read.csv(file.path(FOLDER, "frame.csv"))
one <- function(y) suppressWarnings(suppressMessages(coef(summary(lmer(
  y ~ response * time + c2 + c3 + age + (1 | patient), data.frame(y = y, frame))))["response:time", ]))
invisible(one(values[[1]]))
seconds <- system.time(fit <- sapply(values, one))["elapsed"]
cat(sprintf('{"seconds": %.6f, "estimate": [%s], "p": [%s]}', seconds, paste(format(fit[1, ], digits = 15),
  collapse = ", "), paste(format(fit[5, ], digits = 15), collapse = ", ")))
"""


def make(*, features: int, missing: float, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Return frame, design and values of 48 pairs."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(48), 2)
    frame = pd.DataFrame(
        {
            "response": patient % 2,
            "time": np.tile([0, 1], 48),
            "c2": patient % 3 == 1,
            "c3": patient % 3 == 2,
            "age": rng.normal(60, 9, 48)[patient],
        }
    ).astype(float)
    matrix = np.column_stack([np.ones(96), frame, frame["response"] * frame["time"]])
    values = rng.normal(size=(96, features)) + 1.2 * rng.normal(size=(48, features))[patient]
    values[rng.random(values.shape) < missing] = np.nan
    return frame.assign(patient=patient), matrix, values


def main() -> None:
    """Print seconds, their ratio, and how far the estimates agree; exit 1 below the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--features", type=int, default=1000)
    parser.add_argument("--lmer-features", type=int, default=60, help="how many of them lmerTest fits")
    options = parser.parse_args()
    ratios = []
    for missing in (0.0, 0.1):
        frame, matrix, values = make(features=options.features, missing=missing)
        given = {"matrix": matrix, "patients": frame["patient"].to_numpy(), "tested": 6}
        random_intercept(values=values[:, :10], **given)
        start = time.perf_counter()
        found = random_intercept(values=values, **given)
        seconds = time.perf_counter() - start
        shared = options.lmer_features
        with tempfile.TemporaryDirectory() as folder:
            pd.DataFrame(values[:, :shared]).to_csv(Path(folder) / "values.csv", index=False, na_rep="NA")
            frame.to_csv(Path(folder) / "frame.csv", index=False)
            script = f"FOLDER <- '{folder}'\n{SCRIPT}"
            done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, check=True)
        lmer = json.loads(done.stdout)
        theirs = lmer["seconds"] * options.features / shared
        ratios.append(theirs / seconds)
        gaps = [
            np.nanmax(np.abs(getattr(found, name)[:shared] - np.array(lmer[name], dtype=float)))
            for name in ("estimate", "p")
        ]
        print(
            f"{options.features} features x 96 samples, {missing:.0%} missing: {seconds:.3f} s; lmerTest {theirs:.0f} s"
            f" (from {shared}); {ratios[-1]:.0f} times faster"
        )
        print(f"largest difference of estimates {gaps[0]:.1e}, of p {gaps[1]:.1e}")
    if ratios[0] < FASTER:
        raise SystemExit(f"{ratios[0]:.0f} times faster than lmerTest; the bound is {FASTER}")


if __name__ == "__main__":
    main()
