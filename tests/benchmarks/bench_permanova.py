"""PERMANOVA against vegan::adonis2, side by side: n = 96, 4 terms, permuted within 3 blocks, 9,999 permutations.

Both start from the distances, make their own arrangements and test the marginal terms of the same model by permuting
rows. Ours also runs as the analyses use it (what the other terms leave is permuted, Freedman and Lane). Time of one
process on one core; the time to load packages is left out of both. `make bench` runs it.
"""

import argparse
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from gutaxis.stats.permanova import gower, permanova
from gutaxis.stats.permutations import permute_rows

TARGET = 50
R = """
suppressMessages(library(vegan)); options(mc.cores = 1)
d <- as.dist(as.matrix(read.table("{folder}/d.tsv"))); e <- read.table("{folder}/e.tsv", header = TRUE)
e$cohort <- factor(e$cohort)
h <- how(nperm = {permutations}); setBlocks(h) <- e$cohort
s <- system.time(a <- adonis2(d ~ response + cohort + antibiotics + age, e, by = "margin", permutations = h))
cat(format(c(s[["elapsed"]], a[[4]][1:4], a[[5]][1:4]), digits = 15))
"""


def make(*, n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return Bray-Curtis distances, the columns response, cohort (0-2), antibiotics, age, and the model matrix."""
    rng = np.random.default_rng(seed)
    amounts = np.exp(rng.normal(0, 2, (n, 300))) * (rng.random((n, 300)) < 0.4)
    shares = amounts / amounts.sum(axis=1, keepdims=True)
    distances = 0.5 * np.abs(shares[:, None, :] - shares[None, :, :]).sum(axis=2)
    cohort = np.arange(n) % 3
    data = np.column_stack([rng.integers(0, 2, n), cohort, rng.integers(0, 2, n), rng.normal(60, 10, n)])
    matrix = np.column_stack([np.ones(n), data[:, 0], cohort == 1, cohort == 2, data[:, 2], data[:, 3]])
    return distances, data, matrix.astype(float)


def ours(*, distances: np.ndarray, data: np.ndarray, matrix: np.ndarray, permutations: int, permute: str) -> tuple:
    """Return seconds, F and p."""
    start = time.perf_counter()
    arrangements = permute_rows(blocks=data[:, 1], permutations=permutations, seed=1)
    terms = {"response": (1,), "cohort": (2, 3), "antibiotics": (4,), "age": (5,)}
    table = permanova(
        gram=gower(distances=distances), matrix=matrix, terms=terms, arrangements=arrangements, permute=permute
    )
    return time.perf_counter() - start, table["f"].to_numpy()[:4], table["p"].to_numpy()[:4].astype(float)


def theirs(*, distances: np.ndarray, data: np.ndarray, permutations: int) -> tuple:
    """Return seconds, F and p of vegan."""
    with tempfile.TemporaryDirectory() as folder:
        np.savetxt(Path(folder) / "d.tsv", distances, fmt="%.17g")
        np.savetxt(Path(folder) / "e.tsv", data, fmt="%.17g", header="response cohort antibiotics age", comments="")
        script = R.format(folder=folder, permutations=permutations)
        done = subprocess.run(["Rscript", "-"], input=script, capture_output=True, text=True, check=True)
    found = np.array(done.stdout.split()[-9:], dtype=float)
    return found[0], found[1:5], found[5:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=96)
    parser.add_argument("--permutations", type=int, default=9999)
    arguments = parser.parse_args()
    distances, data, matrix = make(n=arguments.samples)
    common = {"distances": distances, "data": data, "matrix": matrix, "permutations": arguments.permutations}
    ours(**common | {"permutations": 99}, permute="raw")
    seconds, f, p = min((ours(**common, permute="raw") for _ in range(3)), key=lambda item: item[0])
    reduced = min(ours(**common, permute="reduced")[0] for _ in range(3))
    print(f"PERMANOVA, n = {arguments.samples}, 4 terms, 3 blocks, {arguments.permutations} permutations")
    print(f"  gutaxis, rows permuted       {seconds:8.3f} s (best of 3)")
    print(f"  gutaxis, residuals permuted  {reduced:8.3f} s (best of 3)")
    if shutil.which("Rscript") is None:
        print("  vegan: Rscript is not installed")
        return
    vegan, their_f, their_p = theirs(distances=distances, data=data, permutations=arguments.permutations)
    print(f"  vegan::adonis2               {vegan:8.3f} s")
    print(f"  ratio                        {vegan / seconds:8.1f} x (target {TARGET} x)")
    print(f"  largest difference in F {np.abs(f - their_f).max():.1e}, in p {np.abs(p - their_p).max():.4f}")
    if not np.allclose(f, their_f, rtol=1e-8):
        raise SystemExit("F differs")
    if vegan / seconds < TARGET:
        raise SystemExit(f"slower than {TARGET} x vegan")


if __name__ == "__main__":
    main()
