"""Does the prediction keep its word? Simulated studies with known truth: mean AUC of noise, level, coverage.

    python -m gutaxis.predict.calibration --profile realistic --layer blood_cells --features 50 --populations 10

The truth of a study is what its models reach in new patients of the same population, on average over studies of this
size: that is what a cross-validation estimates (Bates S, Hastie T, Tibshirani R, JASA 2024;119:1434-1445).
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.predict.folds import stratified_folds
from gutaxis.predict.inputs import SINGLE, Block, Spec, make_block
from gutaxis.predict.matrices import Matrix
from gutaxis.predict.metrics import (
    PairCounter,
    concordance,
    delong_variance,
    interval,
    no_variance_floor,
    smaller_class,
    widening,
)
from gutaxis.predict.nested import cross_validate, fit_layer
from gutaxis.predict.null import shuffled_runs
from gutaxis.predict.settings import ELASTIC_NET, NESTED, Settings
from gutaxis.predict.targets import RESPONSE, Target
from gutaxis.simulate.multilayer import simulate_study

COLUMNS = [
    "profile", "layer", "features", "population", "study", "auc", "delong_low", "delong_high", "widening", "ci_low",
    "ci_high", "p_null", "own_truth", "truth",
]  # fmt: skip
#: Patients of a population: those not in a study are its test set.
POPULATION = 1600


def calibrate(
    *, profile: str, layer: str, features: int, populations: Sequence[int], studies: int, settings: Settings,
    n: int = 48, share: float = 0.25,
) -> pd.DataFrame:  # fmt: skip
    """Judge one layer in many studies drawn from simulated populations.

    Parameters
    ----------
    profile, layer, features
        Of :func:`gutaxis.simulate.multilayer.simulate_study`.
    populations
        Seeds; each population has its own planted features.
    studies
        Studies per population, without a patient in common.
    settings
        Folds, repeats, permutations; only nested cross-validation is run.
    n, share
        Patients of a study and their share of responders.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`COLUMNS`; own_truth: AUC of the study's own model in the rest of the population; truth: the mean
        of that over the studies of the population (null: exactly one half).
    """
    rows = []
    for number in populations:
        block, target = _population(profile=profile, layer=layer, features=features, seed=number, share=share)
        part = [
            _study(block, target, settings, (number, study), study_rows)
            for study, study_rows in enumerate(_draw(target, studies, n, share, number))
        ]
        truth = 0.5 if profile == "null" else float(np.mean([row["own_truth"] for row in part]))
        rows += [row | {"truth": truth, "population": number} for row in part]
    return pd.DataFrame(rows).assign(profile=profile, layer=layer, features=features)[COLUMNS]


def summary(*, table: pd.DataFrame) -> dict[str, float]:
    """Return mean AUC, mean truth, coverage of both intervals, and the share of studies with p < 0.05."""
    inside = [
        float(((table[f"{name}_low"] <= table["truth"]) & (table["truth"] <= table[f"{name}_high"])).mean())
        for name in ("ci", "delong")
    ]
    return {
        "studies": len(table), "mean_auc": float(table["auc"].mean()), "mean_truth": float(table["truth"].mean()),
        "coverage": inside[0], "coverage_delong": inside[1], "p_below_0.05": float((table["p_null"] < 0.05).mean()),
        "width": float((table["ci_high"] - table["ci_low"]).mean()),
    }  # fmt: skip


def _population(*, profile: str, layer: str, features: int, seed: int, share: float) -> tuple[Block, Target]:
    """Return the PRE samples of a large simulated study."""
    study = simulate_study(
        n=POPULATION, seed=seed, sizes={layer: features}, profile=profile, missing=0.0, response_share=share
    )
    adata = study.layers[layer]
    adata = adata[(adata.obs["timepoint"] == "PRE").to_numpy()]
    who = adata.obs["patient_id"].astype(str).to_numpy()
    values = pd.DataFrame(np.asarray(adata.X), index=who, columns=adata.var_names).sort_index()
    known = study.outcomes.drop_duplicates("patient_id").set_index("patient_id").loc[values.index]
    matrix = Matrix(
        layer=layer, kind=str(adata.uns["kind"]), unit="", values=values, post=None,
        labels=pd.Series(values.columns, index=values.columns), batches=pd.Series(dtype=object),
    )  # fmt: skip
    target = Target(
        outcome=RESPONSE, classes=(known["response"] == "R").to_numpy(dtype=float), time=None,
        groups=np.arange(len(known)), strata=known["cohort"].to_numpy(dtype=object),
        names=values.index.to_numpy(dtype=object),
    )  # fmt: skip
    return make_block(matrix=matrix, rows=target.names), target


def _draw(target: Target, studies: int, n: int, share: float, seed: int) -> list[np.ndarray]:
    """Return the rows of studies without a patient in common."""
    rng = np.random.default_rng([seed, 1])
    count = round(n * share)
    one, zero = (rng.permutation(np.flatnonzero(target.classes == label)) for label in (1, 0))
    return [
        np.sort(np.concatenate([one[at * count : (at + 1) * count], zero[at * (n - count) : (at + 1) * (n - count)]]))
        for at in range(studies)
    ]


def _study(
    block: Block, target: Target, settings: Settings, seed: tuple[int, int], rows: np.ndarray
) -> dict[str, float]:  # fmt: skip
    """Return the numbers of one study."""
    few = replace(settings, schemes=(NESTED,))
    here = replace(block, values=block.values[rows], present=block.present[rows], batches=[()] * len(rows))
    mine = Target(
        outcome=RESPONSE, classes=target.classes[rows], time=None, groups=np.arange(len(rows)),
        strata=target.strata[rows], names=target.names[rows],
    )  # fmt: skip
    spec = Spec(learner=ELASTIC_NET, fusion=SINGLE, layers=(block.layer,))
    common = {"blocks": {block.layer: here}, "target": mine, "specs": [spec], "settings": few}
    pairs = cross_validate(**common, seed=seed)[spec, NESTED].counter.pairs
    null = shuffled_runs(**common, seed=seed[0] * 1000 + seed[1])[spec, NESTED]
    value, variance = concordance(pairs=pairs), delong_variance(pairs=pairs, groups=mine.groups)
    factor = widening(estimates=null.estimates, variances=null.variances)
    low, high = interval(
        estimate=value,
        variance=variance if variance > 1e-12 else no_variance_floor(pairs=pairs),
        factor=factor,
        df=smaller_class(pairs=pairs),
    )
    delong = interval(estimate=value, variance=variance)
    inner = stratified_folds(
        classes=mine.classes,
        groups=mine.groups,
        folds=few.inner_folds,
        rng=np.random.default_rng([*seed, 9]),
    )
    model = fit_layer(
        learner=ELASTIC_NET, blocks=[here], target=mine, rows=np.arange(mine.n), inner=inner, settings=few
    )
    others = np.setdiff1d(np.arange(target.n), rows)
    counter = PairCounter(above=target.above)
    counter.add(rows=others, scores=model.score(values=block.values[others]))
    return {
        "study": seed[1], "auc": value, "delong_low": delong[0], "delong_high": delong[1], "widening": factor,
        "ci_low": low, "ci_high": high, "p_null": null.p_value(observed=value),
        "own_truth": concordance(pairs=counter.pairs),
    }  # fmt: skip


def main() -> None:
    """Calibrate from the command line and print the summary."""
    parser = argparse.ArgumentParser(description="AUC intervals and shuffled runs in simulated studies")
    parser.add_argument("--profile", default="realistic", choices=["null", "realistic", "detectable"])
    parser.add_argument("--layer", default="blood_cells")
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--populations", type=int, default=10)
    parser.add_argument("--first", type=int, default=1, help="seed of the first population")
    parser.add_argument("--studies", type=int, default=20, help="per population")
    parser.add_argument("--permutations", type=int, default=40)
    parser.add_argument("--output", type=Path, default=None)
    given = parser.parse_args()
    table = calibrate(
        profile=given.profile, layer=given.layer, features=given.features,
        populations=range(given.first, given.first + given.populations), studies=given.studies,
        settings=Settings(permutations=given.permutations),
    )  # fmt: skip
    if given.output:
        write_tsv(table, given.output)
    print("\n".join(f"{name}\t{value:.4g}" for name, value in summary(table=table).items()))


if __name__ == "__main__":
    main()
