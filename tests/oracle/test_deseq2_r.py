"""PyDESeq2 through our designs against R DESeq2 with the same matrix, within the documented tolerance."""

import functools
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from gutaxis.stats.counts import deseq2, reference_features
from gutaxis.stats.design import contrast_design

pytestmark = pytest.mark.oracle
SCRIPT = """
suppressMessages(library(DESeq2)); options(digits = 15)
for (folder in list.dirs(recursive = FALSE)) {
counts <- t(as.matrix(read.table(file.path(folder, "counts.tsv"), header = TRUE, row.names = 1, check.names = FALSE)))
x <- as.matrix(read.table(file.path(folder, "matrix.tsv"), header = TRUE, row.names = 1))
storage.mode(counts) <- "integer"
kept <- which(read.table(file.path(folder, "reference.tsv"), header = TRUE)$kept == 1)
d <- DESeqDataSetFromMatrix(counts, data.frame(s = colnames(counts)), design = x)
d <- estimateSizeFactors(d, controlGenes = kept)
d <- suppressMessages(DESeq(d, quiet = TRUE, betaPrior = FALSE))
r <- results(d, contrast = c(rep(0, ncol(x) - 1), 1), independentFiltering = FALSE)
out <- data.frame(lfc = r$log2FoldChange, se = r$lfcSE, stat = r$stat)
write.table(out, file.path(folder, "out.tsv"), sep = "\\t", row.names = FALSE) }
"""


@functools.cache
def missing():
    if shutil.which("Rscript") is None:
        return "Rscript is not installed"
    probe = subprocess.run(["Rscript", "-e", "library(DESeq2)"], capture_output=True, check=False)
    return "the R package DESeq2 is not installed" if probe.returncode else None


def study(n=10, m=300):
    rng = np.random.default_rng(4)
    rows = [
        (f"s{i:02d}{t}", f"p{i:02d}", t, "R" if i % 2 else "NR", "AB"[i // 5])
        for i in range(n)
        for t in ("PRE", "POST")
    ]
    names = ["sample_id", "patient_id", "timepoint", "response", "cohort"]
    obs = pd.DataFrame(rows, columns=names).set_index("sample_id")
    mean = np.exp(rng.normal(4.5, 1.2, m)) * np.repeat(np.exp(rng.normal(0, 0.4, (n, m))), 2, axis=0)
    mean[1::2, : m // 10] *= np.exp(rng.normal(0, 1, m // 10))
    mean *= np.exp(rng.normal(0, 0.3, (2 * n, 1)))
    size = 1 / (0.05 + 2 / mean.mean(axis=0))
    values = rng.negative_binomial(size, size / (size + mean))
    return obs, pd.DataFrame(values, index=obs.index, columns=[f"g{j:03d}" for j in range(m)])


def matrix(design):
    if design.scheme == "between":
        others = np.delete(design.matrix, design.tested_index, axis=1)
        return pd.DataFrame(np.column_stack([others, design.matrix[:, design.tested_index]]), index=design.samples)
    n = len(design.units)
    after = np.repeat([0.0, 1.0], n)
    columns = [np.tile(np.eye(n), (2, 1))]
    order = [k for k in range(design.matrix.shape[1]) if k != design.tested_index] + [design.tested_index]
    columns += [(np.tile(design.matrix[:, k], 2) * after)[:, None] for k in order]
    return pd.DataFrame(np.hstack(columns), index=design.samples)


CONTRASTS = ("change", "response_change", "baseline")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Per contrast our fits and R's table; R is started once."""
    if missing():
        pytest.skip(missing())
    root = tmp_path_factory.mktemp("deseq2")
    obs, counts = study()
    ours = {}
    for contrast in CONTRASTS:
        design = contrast_design(contrast=contrast, observations=obs, covariates=("cohort",), batch="ignore")
        ours[contrast] = deseq2(counts=counts, design=design)
        (root / contrast).mkdir()
        counts.loc[design.samples].to_csv(root / contrast / "counts.tsv", sep="\t")
        columns = matrix(design)
        columns.add_prefix("c").to_csv(root / contrast / "matrix.tsv", sep="\t")
        values = counts.loc[design.samples].to_numpy(float)
        kept = reference_features(counts=values, matrix=columns.to_numpy(), tested=columns.shape[1] - 1)
        pd.DataFrame({"kept": kept.astype(int)}).to_csv(root / contrast / "reference.tsv", sep="\t", index=False)
    subprocess.run(["Rscript", "-e", SCRIPT], cwd=root, check=True, capture_output=True, text=True)
    return {name: (fits, with_reference_error(root / name)) for name, fits in ours.items()}


def with_reference_error(folder):
    """R's table, with the error of the size factors counted: pi / 2 times the median variance over r features."""
    table = pd.read_csv(folder / "out.tsv", sep="\t")
    kept = pd.read_csv(folder / "reference.tsv", sep="\t")["kept"] == 1
    shared = np.pi / 2 * (table["se"][kept] ** 2).median() / kept.sum()
    return table.assign(stat=table["lfc"] / np.sqrt(table["se"] ** 2 + shared))


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_fold_changes_and_statistics(results, contrast):
    fits, expected = results[contrast]
    both = np.isfinite(fits.statistic) & expected["stat"].notna().to_numpy()
    assert both.mean() > 0.97
    assert np.abs(fits.estimate - expected["lfc"])[both].max() < 0.02  # 0.013 when this was written
    assert np.abs(fits.statistic - expected["stat"])[both].max() < 0.1  # 0.052
    assert np.corrcoef(fits.statistic[both], expected["stat"][both])[0, 1] > 0.9999
