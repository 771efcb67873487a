"""Clopper-Pearson intervals against R's binom.test, for every count up to 20 and the sizes of the trial."""

import io
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from gutaxis.clinical.intervals import clopper_pearson

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(shutil.which("Rscript") is None, reason="no Rscript: install r-base-core"),
]
SCRIPT = """
for (n in c(1:20, 48, 96, 240)) for (k in 0:n) {
  ci <- binom.test(k, n, conf.level = LEVEL)$conf.int
  cat(k, n, sprintf("%.15g", ci[1]), sprintf("%.15g", ci[2]), sep = "\\t"); cat("\\n")
}
"""


@pytest.mark.parametrize("level", [0.95, 0.9])
def test_intervals_equal_binom_test(level):
    script = SCRIPT.replace("LEVEL", str(level))
    done = subprocess.run(["Rscript", "--vanilla", "-e", script], capture_output=True, text=True, check=True)
    table = pd.read_csv(io.StringIO(done.stdout), sep="\t", header=None, names=["k", "n", "low", "high"])
    found = clopper_pearson(k=table["k"], n=table["n"], level=level)
    assert len(table) == sum(n + 1 for n in [*range(1, 21), 48, 96, 240])
    np.testing.assert_allclose(found.low, table["low"], atol=1e-9)
    np.testing.assert_allclose(found.high, table["high"], atol=1e-9)
