"""Tables go to R, numbers come back: what the comparisons of the linear, mixed and Cox models share."""

import functools
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

R_JSON = """
options(digits = 17)
number <- function(x) ifelse(is.na(x), "NaN", ifelse(is.infinite(x), "Infinity",
  format(as.numeric(x), digits = 17, scientific = TRUE, trim = TRUE)))
json <- function(...) { l <- list(...)
  cat("{", paste(sprintf('"%s": [%s]', names(l), sapply(l, function(x) paste(number(x), collapse = ", "))),
    collapse = ", "), "}\\n") }
"""


@functools.cache
def missing(package: str) -> str | None:
    if shutil.which("Rscript") is None:
        return "Rscript is not installed"
    probe = subprocess.run(["Rscript", "-e", f"library({package})"], capture_output=True, check=False)
    return f"the R package {package} is not installed" if probe.returncode else None


def run_r(*, script: str, package: str, folder: Path, **tables: np.ndarray | pd.DataFrame) -> dict[str, np.ndarray]:
    """Run a script that ends in ``json(...)``; every table is there as a data frame under its name."""
    if missing(package):
        pytest.skip(missing(package))
    head = f"suppressMessages(library({package}))\n"
    for name, table in tables.items():
        path = folder / f"{name}.csv"
        pd.DataFrame(table).to_csv(path, index=False, float_format="%.17g", na_rep="NA")
        head += f'{name} <- read.csv("{path}")\n'
    done = subprocess.run(["Rscript", "-e", R_JSON + head + script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name: np.array(values, dtype=float) for name, values in json.loads(done.stdout).items()}
