"""Counts (pseudobulk): negative binomial models by PyDESeq2, one cell type at a time, patients as fixed effects."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from gutaxis.stats.design import Design
from gutaxis.stats.linda import FEWEST_FOR_MODE, LEAST_WIDTH, mode_of
from gutaxis.stats.linear import ols
from gutaxis.stats.moderated import trigamma_inverse
from gutaxis.stats.pseudobulk import feature_groups
from gutaxis.stats.results import Fits, t_fits

#: With fewer residual degrees of freedom there is no dispersion to estimate.
MIN_RESIDUAL_DF = 3
#: Median-of-ratios size factors need this many features above zero in every sample; else those of positive counts.
MIN_COMMON = 10
#: Features that seem to change at this false discovery rate do not set the size factors.
REFERENCE_FDR = 0.1


class _Model(NamedTuple):
    """Samples, full-rank matrix (n, p), tested column; or why there is none."""

    samples: list[str]
    matrix: np.ndarray
    tested: int
    reason: str | None


def deseq2(*, counts: pd.DataFrame, design: Design, groups: np.ndarray | None = None) -> Fits:
    """Fit a negative binomial model to every feature and test one coefficient by Wald.

    ``K ~ NB(mean s_i q_ij, dispersion a_j)``, ``log2 q = X b``; size factors ``s`` by median of ratios within the group
    (cell type), so that a sample with more cells of a type is not taken for one with more expression, over the
    features that do not seem to change (:func:`reference_features`); dispersions
    shrunken to their trend; no shrinkage of ``b``. ``between``: the design's matrix. ``difference``: all samples of the
    pairs with one column per patient (the patient is a fixed effect), ``time``, and the other columns of the design
    times ``time``: the tested coefficient is the same estimand as in the linear model of the differences.

    Parameters
    ----------
    counts
        Samples x features, whole numbers >= 0; all samples of the design.
    design
        Scheme ``between`` or ``difference``.
    groups
        Shape (m,), the group of each feature. None: see :func:`feature_groups`. Samples without any count in a group
        are left out of it, with the patient where pairs are compared.

    Returns
    -------
    Fits
        Method ``deseq2``; estimate = log2 fold change. ``n`` counts rows of the design. Reasons: too few samples of a
        group, no counts, an outlying count (Cook's distance).

    Raises
    ------
    ValueError
        For another scheme, a design with a refusal, or counts that are not whole numbers.

    Notes
    -----
    Assumptions: negative binomial counts, most features of a group do not change.

    DESeq2 compares estimate / se with the normal distribution, as if dispersions were known. Here it is t on
    ``n - p + d0`` degrees of freedom: the log dispersion of a feature has a sampling variance of
    ``trigamma((n - p) / 2)``, its prior the variance ``trigamma(d0 / 2)``, so the shrinkage is worth ``d0`` samples, as
    in limma; ``d0 = 0`` for a dispersion left unshrunken. In null simulations with 12 to 48 patients that vary more
    than a negative binomial, p < 0.05 had a share of 0.045 to 0.078 with the normal and 0.034 to 0.063 with t; with
    plain negative binomial counts 0.035 to 0.053 and 0.031 to 0.044. There is no independent filtering: q is made by
    the caller over all features of the layer.

    The median of ratios over all features is biased where more of them rise than fall, and pairs see that bias well: in
    100 simulated studies (48 pairs, 30 genes, 30 % of them changed by 1 SD, three quarters of these up) 12 % of the
    discoveries at q < 0.05 were false. Leaving out what seems to change, as TCC does (Sun J et al., BMC Bioinformatics
    2013;14:219), mends it. The error of the size factors themselves is counted too, as the error of the mode is in
    LinDA here: ``se^2 = se_Wald^2 + (pi / 2) median(se_Wald^2) / r`` with r features of reference (the variance of a
    median of normal values). With thousands of genes it is nothing, with 30 it is 3 % of se; without it 7 % of the
    discoveries at q < 0.05 were false where 3 of 30 genes change. ``docs/calibration.md`` has the level, the false
    discoveries and the coverage.

    Source: Love MI, Huber W, Anders S, Genome Biology 2014;15:550; Muzellec B et al., Bioinformatics 2023;39:btad547.
    Oracle: R DESeq2, same matrix and features of reference (``tests/oracle/test_deseq2_r.py``): the implementations
    differ in the optimiser and the trend; log2 fold changes agree to 0.02 and statistics to 0.1 there, with the error
    of the size factors added to R's.
    """
    if design.refusal is not None or design.scheme not in {"between", "difference"}:
        raise ValueError(f"no count model for scheme {design.scheme}: {design.refusal or 'give complete pairs'}")
    used = counts.loc[design.samples]
    values = used.to_numpy(dtype=float)
    if not np.isfinite(values).all() or (values < 0).any() or (values != np.rint(values)).any():
        raise ValueError("counts are whole numbers that are not negative")
    groups = feature_groups(features=[str(name) for name in counts.columns]) if groups is None else np.asarray(groups)
    m = counts.shape[1]
    estimate, se, df, n = (np.full(m, np.nan) for _ in range(4))
    reason = np.full(m, None, dtype=object)
    for name in sorted(set(groups.tolist())):
        columns = np.flatnonzero(groups == name)
        some = values[:, columns].sum(axis=0) > 0
        reason[columns[~some]] = "no counts"
        columns = columns[some]
        table = used.iloc[:, columns]
        model = _model(design=design, totals=table.sum(axis=1))
        if model.reason or not columns.size:
            reason[columns] = model.reason
            continue
        here = table.loc[model.samples]
        counted = (here > 0).any(axis=0).to_numpy()
        reason[columns[~counted]] = "no counts"
        columns, here = columns[counted], here.loc[:, counted]
        result = _fit(counts=here.astype(int), model=model)
        estimate[columns], se[columns], df[columns] = result.T
        n[columns] = len(model.samples) / (2 if design.scheme == "difference" else 1)
        reason[columns[~np.isfinite(estimate[columns])]] = "an outlying count (Cook's distance) or no convergence"
    return t_fits(method="deseq2", estimate=estimate, se=se, df=df, n=n, reason=reason)


def _model(*, design: Design, totals: pd.Series) -> _Model:
    """Return the model of the samples that have counts."""
    has = totals > 0
    if design.scheme == "difference":
        keep = (has.loc[design.units["pre"]].to_numpy() & has.loc[design.units["post"]].to_numpy()).nonzero()[0]
    else:
        keep = has.loc[design.units.index].to_numpy().nonzero()[0]
    units, matrix = design.units.iloc[keep], design.matrix[keep]
    tested = matrix[:, design.tested_index]
    others = np.delete(matrix, design.tested_index, axis=1)
    if design.scheme == "difference":
        n = len(units)
        patients = np.tile(np.eye(n), (2, 1))
        after = np.repeat([0.0, 1.0], n)[:, None]
        tested, others = np.tile(tested, 2) * after[:, 0], np.hstack([patients, np.tile(others, (2, 1)) * after])
        samples = [*units["pre"], *units["post"]]
    else:
        samples = list(units.index)
    chosen = np.zeros((len(samples), 0))
    for column in others.T:
        wider = np.column_stack([chosen, column])
        if np.linalg.matrix_rank(wider) == wider.shape[1]:
            chosen = wider
    full = np.column_stack([chosen, tested])
    reason = None
    if len(samples) - full.shape[1] < MIN_RESIDUAL_DF:
        reason = f"{len(samples)} samples with counts for {full.shape[1]} columns of the model"
    elif np.linalg.matrix_rank(full) < full.shape[1]:
        reason = "the samples with counts do not tell the contrast apart"
    return _Model([str(sample) for sample in samples], full, full.shape[1] - 1, reason)


def reference_features(*, counts: np.ndarray, matrix: np.ndarray, tested: int) -> np.ndarray:
    """Return which features do not seem to change with the tested column.

    ``y_ij = log2(K_ij + 0.5)``, less its mean over the features of a sample; least squares of ``y_j`` on the matrix
    gives ``b_j`` with standard error ``e_j``; ``d`` is the mode of the ``b_j``, the shift that the mean brings. A
    feature is left out if ``(b_j - d) / e_j`` is a discovery (t test, Benjamini-Hochberg at 0.1).

    Parameters
    ----------
    counts
        Shape (n, m), >= 0.
    matrix
        Design, shape (n, p), full rank.
    tested
        Position of the tested column.

    Returns
    -------
    numpy.ndarray
        Shape (m,), bool; all True where fewer than half of the features, or too few for a mode, would be left.

    Notes
    -----
    Assumption: more than half of the features do not change. Source: the first step of DEGES (Sun J et al., BMC
    Bioinformatics 2013;14:219) with the mode of LinDA (Zhou H et al., Genome Biology 2022;23:95) in place of a first
    normalisation. Oracle: planted changes (``tests/unit/test_counts.py``).
    """
    logs = np.log2(counts + 0.5)
    fits = ols(values=logs - logs.mean(axis=1, keepdims=True), matrix=matrix, tested=tested)
    made = np.isfinite(fits.estimate) & np.isfinite(fits.se) & (fits.se > 0)
    everything = np.ones(counts.shape[1], dtype=bool)
    if made.sum() < FEWEST_FOR_MODE:
        return everything
    estimate, se = fits.estimate[made], fits.se[made]
    centre = mode_of(coefficients=estimate, least_width=LEAST_WIDTH * float(np.median(se))).location
    p = 2 * stats.t.sf(np.abs(estimate - centre) / se, fits.df[made])
    left = everything.copy()
    left[np.flatnonzero(made)[stats.false_discovery_control(p, method="bh") < REFERENCE_FDR]] = False
    return left if left.sum() >= counts.shape[1] / 2 else everything


def _fit(*, counts: pd.DataFrame, model: _Model) -> np.ndarray:
    """Return log2 fold change, standard error and degrees of freedom, shape (m, 3); NaN where there is no test."""
    # 7 s of import that only layers of counts need
    from pydeseq2.dds import DeseqDataSet  # noqa: PLC0415
    from pydeseq2.default_inference import DefaultInference  # noqa: PLC0415
    from pydeseq2.ds import DeseqStats  # noqa: PLC0415

    names = [f"c{place}" for place in range(model.matrix.shape[1])]
    matrix = pd.DataFrame(model.matrix, index=counts.index, columns=names)
    inference = DefaultInference(n_cpus=1)
    reference = reference_features(counts=counts.to_numpy(dtype=float), matrix=model.matrix, tested=model.tested)
    common = int((counts > 0).all(axis=0)[reference].sum())
    data = DeseqDataSet(
        counts=counts,
        metadata=pd.DataFrame({"sample": counts.index}, index=counts.index),
        design=matrix,
        size_factors_fit_type="ratio" if common >= MIN_COMMON else "poscounts",
        control_genes=counts.columns[reference],
        inference=inference,
        quiet=True,
    )
    data.deseq2()
    contrast = np.zeros(len(names))
    contrast[model.tested] = 1.0
    tests = DeseqStats(data, contrast=contrast, independent_filter=False, inference=inference, quiet=True)
    tests.summary()
    found = tests.results_df.loc[counts.columns]
    residual = float(len(counts) - model.matrix.shape[1])
    prior = 2 * trigamma_inverse(value=float(data.uns["prior_disp_var"]))
    # size factors are estimates: the error of a median of so many features is shared by every coefficient
    shared = np.pi / 2 * float(np.nanmedian(found["lfcSE"].to_numpy(dtype=float)[reference] ** 2)) / reference.sum()
    # dispersions far above the trend are not shrunken towards it
    df = residual + np.where(data.var["_outlier_genes"].to_numpy(dtype=bool), 0.0, prior)
    columns = np.column_stack([found["log2FoldChange"], np.sqrt(found["lfcSE"] ** 2 + shared), df])
    columns[~np.isfinite(found["pvalue"].to_numpy(dtype=float))] = np.nan
    return columns
