"""Every test the package ships, as the calibration runs it: with the design and the filters of a real run."""

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist, squareform

from gutaxis.simulate.calibration_run import COVARIATES, Answer, Shipped
from gutaxis.simulate.tables import SimulatedTable
from gutaxis.stats.alpha import alpha_values
from gutaxis.stats.alpha_tests import fit_design
from gutaxis.stats.composition import filter_features
from gutaxis.stats.contrast_permanova import contrast_permanova
from gutaxis.stats.design import Design, contrast_design
from gutaxis.stats.differential_methods import primary_fits, transformed
from gutaxis.stats.dispersion import contrast_dispersion
from gutaxis.stats.linear import ols
from gutaxis.stats.prevalence import prevalence_fits
from gutaxis.stats.ranks import rank_fits
from gutaxis.stats.results import Fits
from gutaxis.stats.shift import shift_tests

#: Permutations of a data set: 199 give an exact level of 0.05 like any 20 k - 1.
PERMUTATIONS = 199
#: contrast -> the term of its table that is the contrast itself.
OWN_TERM = {
    "baseline": "response", "post": "response", "change": "time", "response_change": "response:time",
    "survival": "pfs2",
}  # fmt: skip

BETWEEN = (("baseline", "between"), ("post", "between"))
DIFFERENCE = (("change", "difference"), ("response_change", "difference"))
MIXED = (("change", "mixed"), ("response_change", "mixed"))


def _table(table: SimulatedTable, design: Design) -> pd.DataFrame:
    """Return the samples of the design and the features that pass the filters of a run."""
    return filter_features(table=table.values.loc[design.samples], kind=table.kind)[0]


def _tested(fits: Fits, features: pd.Index, *, interval: bool = True) -> Answer:
    low, high = (fits.ci_low, fits.ci_high) if interval else (None, None)
    return Answer(p=fits.p, ci_low=low, ci_high=high, features=list(features))


def run_primary(table: SimulatedTable, design: Design, seed: int) -> Answer:
    """Give the test that a run makes first for this kind of layer and this design.

    The interval of the Cox model is compared with the truth in null tables only: see the report.
    """
    values = _table(table, design)
    fits = primary_fits(table=values, kind=table.kind, design=design)
    return _tested(fits, values.columns, interval=design.scheme != "survival" or not table.truth["changed"].any())


def run_ols(table: SimulatedTable, design: Design, seed: int) -> Answer:
    """Least squares without moderation."""
    values = _table(table, design)
    data = design.values(table=transformed(table=values, kind=table.kind, design=design))
    return _tested(ols(values=data, matrix=design.matrix, tested=design.tested_index), values.columns)


def run_ranks(table: SimulatedTable, design: Design, seed: int) -> Answer:
    """Signed rank or stratified Mann-Whitney; their shift is the simulated effect, but covariates are ignored."""
    values = _table(table, design)
    data = design.values(table=transformed(table=values, kind=table.kind, design=design))
    return _tested(rank_fits(values=data, design=design), values.columns)


def run_prevalence(table: SimulatedTable, design: Design, seed: int) -> Answer:
    """Presence and absence; the simulator plants amounts, so only null tables say something."""
    values = _table(table, design)
    fits = prevalence_fits(table=values, design=design)
    return _tested(fits, values.columns, interval=not table.truth["changed"].any())


def run_alpha(table: SimulatedTable, design: Design, seed: int) -> Answer:
    """Shannon, observed, inverse Simpson and Pielou, each by the model of the contrast."""
    values = alpha_values(table=table.values.loc[design.samples])
    fits = fit_design(values=design.values(table=values), design=design)
    return Answer(p=fits.p, ci_low=fits.ci_low, ci_high=fits.ci_high)


def _distances(table: SimulatedTable, design: Design) -> pd.DataFrame:
    """Return Bray-Curtis distances of the samples of a design."""
    values = table.values.loc[design.samples]
    return pd.DataFrame(squareform(pdist(values, "braycurtis")), index=values.index, columns=values.index)


def run_permanova(table: SimulatedTable, design: Design, seed: int) -> Answer:
    """PERMANOVA of the contrast's own term: response, time, response on differences, PFS2."""
    found = contrast_permanova(distances=_distances(table, design), design=design, permutations=PERMUTATIONS, seed=seed)
    return Answer(p=found.loc[found["term"] == OWN_TERM[design.contrast], "p"].to_numpy(dtype=float))


def run_permanova_covariate(table: SimulatedTable, design: Design, seed: int) -> Answer:
    """PERMANOVA of a covariate that means nothing, adjusted for response and cohort."""
    observations = table.joined()
    patients = sorted(observations["patient_id"].unique())
    coin = dict(zip(patients, np.random.default_rng([seed, 1]).permutation(len(patients)) % 2, strict=True))
    observations["noise"] = observations["patient_id"].map(coin).map({0: "N", 1: "Y"})
    with_noise = contrast_design(
        contrast=design.contrast, observations=observations, covariates=(*COVARIATES, "noise"), pairs="differences"
    )
    found = contrast_permanova(
        distances=_distances(table, with_noise), design=with_noise, permutations=PERMUTATIONS, seed=seed
    )
    return Answer(p=found.loc[found["term"].isin(["noise", "noise:time"]), "p"].to_numpy(dtype=float))


def run_dispersion(table: SimulatedTable, design: Design, seed: int) -> Answer:
    """Spread of the groups around their spatial median; nothing is planted into spreads."""
    found = contrast_dispersion(
        distances=_distances(table, design), design=design, permutations=PERMUTATIONS, seed=seed
    )
    own = (found["term"] == OWN_TERM[design.contrast]) & (found["centre"] == "median")
    return Answer(p=found.loc[own, "p"].to_numpy(dtype=float))


def _shift(table: SimulatedTable, distances: pd.DataFrame, design: Design, seed: int) -> pd.DataFrame:
    change = contrast_design(contrast="change", observations=table.joined(), covariates=COVARIATES, pairs="differences")
    return shift_tests(
        distances=distances, change=change, response=design, layer="simulated", metric="braycurtis", role="primary",
        permutations=PERMUTATIONS, seed=seed,
    )  # fmt: skip


def run_shift(table: SimulatedTable, design: Design, seed: int) -> Answer:
    """Distance between the two samples of a patient, responders against others."""
    found = _shift(table, _distances(table, design), design, seed)
    rows = found[found["method"] == "ols"]
    return Answer(**{name: rows[name].to_numpy(dtype=float) for name in ("p", "ci_low", "ci_high")})


def run_shift_pairing(table: SimulatedTable, design: Design, seed: int) -> Answer:
    """Whether own samples are nearer than others': null tables get POST samples drawn within blocks."""
    distances = _distances(table, design)
    if not table.truth["changed"].any():
        # a stream of its own: the test draws its permutations from `seed`
        generator, post = np.random.default_rng([seed, 1]), design.units["post"].to_numpy(object)
        names = dict(zip(post, post, strict=True))
        for block in sorted(set(design.blocks)):
            own = post[design.blocks == block]
            names.update(zip(own, generator.permutation(own), strict=True))
        distances = distances.rename(index=names, columns=names)
    found = _shift(table, distances, design, seed)
    return Answer(p=found.loc[found["method"] == "pairing_permutation", "p"].to_numpy(dtype=float))


def shipped_tests() -> dict[str, Shipped]:
    """Return every shipped test by key, in the order of the report."""
    species = {"kind": "compositional", "primary": True}
    whole = {**species, "whole": True, "planted": True}
    made = [
        *(Shipped(name="linda", contrast=c, scheme=s, run=run_primary, **species) for c, s in (*BETWEEN, *DIFFERENCE)),
        *(
            Shipped(name="linda", contrast=c, scheme=s, run=run_primary, features=60, weight=0.5, **species)
            for c, s in MIXED
        ),
        *(
            Shipped(name="moderated_t", contrast=c, scheme=s, kind="log_intensity", primary=True, run=run_primary)
            for c, s in (*BETWEEN, *DIFFERENCE)
        ),
        *(
            Shipped(
                name="random_intercept_reml", contrast=c, scheme=s, kind="log_intensity", primary=True,
                run=run_primary, features=60, weight=0.5,
            )
            for c, s in MIXED
        ),
        *(
            Shipped(
                name=f"cox, {kind}", contrast="survival", scheme="survival", kind=kind, primary=True, run=run_primary
            )
            for kind in ("compositional", "log_intensity")
        ),
        *(
            Shipped(
                name="ols", contrast=c, scheme=s, kind="log_intensity", primary=False, run=run_ols, weight=0.25
            )
            for c, s in (BETWEEN[0], DIFFERENCE[1])
        ),
        *(
            Shipped(
                name=f"ranks, {kind}", contrast=c, scheme=s, kind=kind, primary=False, run=run_ranks, weight=0.25
            )
            for kind in ("compositional", "log_intensity")
            for c, s in (BETWEEN[0], *DIFFERENCE)
        ),
        *(
            Shipped(
                name="prevalence", contrast=c, scheme=s, kind="compositional", primary=False, run=run_prevalence,
                weight=0.25,
            )
            for c, s in (BETWEEN[0], *DIFFERENCE)
        ),
        *(
            Shipped(name="alpha", contrast=c, scheme=s, run=run_alpha, **(whole | {"planted": False}))
            for c, s in (BETWEEN[0], *DIFFERENCE, ("survival", "survival"))
        ),
        *(
            Shipped(name="alpha", contrast=c, scheme=s, run=run_alpha, **(whole | {"planted": False, "features": 60}))
            for c, s in MIXED
        ),
        *(
            Shipped(name="permanova", contrast=c, scheme=s, run=run_permanova, **whole)
            for c, s in (BETWEEN[0], *DIFFERENCE, ("survival", "survival"))
        ),
        *(
            Shipped(name="dispersion", contrast=c, scheme=s, run=run_dispersion, **(whole | {"planted": False}))
            for c, s in (BETWEEN[0], *DIFFERENCE)
        ),
        Shipped(
            name="shift, R - NR", contrast="response_change", scheme="difference", run=run_shift,
            **(whole | {"planted": False}),
        ),
        Shipped(
            name="shift, own - others", contrast="response_change", scheme="difference", run=run_shift_pairing, **whole
        ),
        *(
            Shipped(
                name="deseq2", contrast=c, scheme=s, kind="counts", primary=True, run=run_primary, features=30,
                weight=0.25,
            )
            for c, s in (BETWEEN[0], *DIFFERENCE)
        ),
        *(
            Shipped(
                name="permanova, a covariate", contrast=c, scheme=s, run=run_permanova_covariate,
                **(whole | {"planted": False}),
            )
            for c, s in (BETWEEN[0], DIFFERENCE[1])
        ),
    ]  # fmt: skip
    return {shipped.key: shipped for shipped in made}
