"""Modules judged against shuffled responses, and the tables of the rule."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.integrate.blocks import Blocks, read_blocks
from gutaxis.integrate.modules import Module, ModuleSettings, find_modules, joined

MODULES = ["state", "module", "layer", "feature", "label", "frequency", "direction"]
TESTS = ["state", "module", "layers", "n_features", "n", "n_r", "n_nr", "auc_left_out", "ci_low", "ci_high", "p", "q",
         "shuffles", "reason"]  # fmt: skip
FEWEST_PER_CLASS = 6


def usable_patients(*, blocks: Blocks) -> tuple[list[str], list[str], str | None]:
    """Return the layers and patients that modules can be looked for in, and why there are none.

    A layer that more than half of the patients with a response lack is left out; the patients are those with all other
    layers.

    Parameters
    ----------
    blocks
        Of one state.
    """
    known = blocks.patients.index[blocks.patients["response"].isin(["R", "NR"])] if len(blocks.patients) else []
    layers = [name for name, block in blocks.blocks.items() if block.values.index.isin(known).sum() * 2 >= len(known)]
    patients = sorted(set(known).intersection(*(blocks.blocks[name].values.index for name in layers)))
    response = blocks.patients.loc[patients, "response"] if patients else pd.Series(dtype=object)
    if len(layers) < 2:
        return layers, patients, f"{len(layers)} layers with at least half of the patients; modules need two"
    few = min((response == "R").sum(), (response == "NR").sum())
    if few < FEWEST_PER_CLASS:
        told = f"{(response == 'R').sum()} responders and {(response == 'NR').sum()} others with all of these layers"
        return layers, patients, f"{told}; at least {FEWEST_PER_CLASS} of each"
    return layers, patients, None


def module_p_values(
    *, found: Sequence[Module], values: np.ndarray, layers: np.ndarray, response: np.ndarray, strata: np.ndarray,
    settings: ModuleSettings, seed: int,
) -> np.ndarray:  # fmt: skip
    """Return the p value of each module against the best module of every shuffle.

    Parameters
    ----------
    found
        Modules of the data.
    values, layers, response, strata, settings, seed
        As in :func:`gutaxis.integrate.modules.find_modules`. The response is shuffled inside the strata, and everything
        (subsamples, choice of features, consensus, scores) is done again.

    Returns
    -------
    numpy.ndarray
        (b + 1) / (k + 1), b = shuffles whose best module reaches the AUC. Comparing with the best of all modules holds
        the level for all modules together (max-T), so no further adjustment is due.
    """
    if not found:
        return np.zeros(0)
    rng = np.random.default_rng([seed, 1])
    best = np.zeros(settings.shuffles)
    for place in range(settings.shuffles):
        mixed = response.copy()
        for label in sorted(set(strata.tolist())):
            own = np.flatnonzero(strata == label)
            mixed[own] = response[rng.permutation(own)]
        modules = find_modules(
            values=values, layers=layers, response=mixed, strata=strata, settings=settings, seed=seed
        )
        best[place] = modules[0].auc if modules else 0.0
    return np.array([(np.count_nonzero(best >= module.auc - 1e-12) + 1) / (len(best) + 1) for module in found])


def bootstrap_auc(*, scores: np.ndarray, response: np.ndarray, seed: int, draws: int = 2000) -> tuple[float, float]:
    """Return the 95 % percentile interval of the AUC over resampled patients, drawn within the classes.

    Parameters
    ----------
    scores, response
        Shape (n,); NaN scores are left out.
    seed, draws
        Of the resampling.
    """
    known = np.isfinite(scores)
    high, low = scores[known & (response == 1)], scores[known & (response == 0)]
    wins = (high[:, None] > low) + 0.5 * (high[:, None] == low)
    rng = np.random.default_rng(seed)
    rows = rng.multinomial(len(high), np.full(len(high), 1 / len(high)), size=draws)
    columns = rng.multinomial(len(low), np.full(len(low), 1 / len(low)), size=draws)
    drawn = np.einsum("di,ij,dj->d", rows, wins, columns, optimize=True) / (len(high) * len(low))
    return float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975))


def modules_of(*, blocks: Blocks, settings: ModuleSettings, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find and test the modules of one state.

    Parameters
    ----------
    blocks
        Of baseline or change.
    settings, seed
        Of the search.

    Returns
    -------
    tuple of pandas.DataFrame
        ``MODULES``, one row per feature; ``TESTS``, one row per module, or one row with the reason why there is none.
        p is adjusted for all modules of the state; q repeats it.
    """
    names, patients, reason = usable_patients(blocks=blocks)
    blank = dict.fromkeys(TESTS, None) | {"state": blocks.state, "layers": "+".join(names), "n": len(patients)}
    if reason is not None:
        return pd.DataFrame(columns=MODULES), pd.DataFrame([blank | {"reason": reason}])[TESTS]
    tables = {name: blocks.blocks[name].values.loc[patients] for name in names}
    values, layers = joined(blocks={name: table.to_numpy() for name, table in tables.items()})
    features = [feature for table in tables.values() for feature in table.columns]
    people = blocks.patients.loc[patients]
    response = (people["response"] == "R").to_numpy().astype(int)
    strata = people["cohort"].astype(str).to_numpy() if "cohort" in people else np.full(len(people), "all")
    common = {"values": values, "layers": layers, "response": response, "strata": strata, "settings": settings}
    found = find_modules(**common, seed=seed)
    counts = {"n_r": int(response.sum()), "n_nr": int((1 - response).sum())}
    if not found:
        row = blank | counts | {"reason": "no features of two layers were chosen together often enough"}
        return pd.DataFrame(columns=MODULES), pd.DataFrame([row])[TESTS]
    p = module_p_values(found=found, **common, seed=seed)
    rows, tests = [], []
    for number, module in enumerate(found, start=1):
        name = f"module_{number}"
        low, high = bootstrap_auc(scores=module.scores, response=response, seed=seed)
        tests.append(
            blank
            | counts
            | {"module": name, "layers": "+".join(sorted(set(layers[module.features])))}
            | {"n_features": len(module.features), "auc_left_out": module.auc, "ci_low": low, "ci_high": high}
            | {"p": p[number - 1], "q": p[number - 1], "shuffles": settings.shuffles}
        )
        for column, frequency in zip(module.features, module.frequency, strict=True):
            own = values[:, column]
            higher = own[response == 1].mean() > own[response == 0].mean()
            rows.append(
                {"state": blocks.state, "module": name, "layer": layers[column], "feature": features[column]}
                | {"label": blocks.blocks[layers[column]].labels[features[column]], "frequency": frequency}
                | {"direction": "higher in R" if higher else "lower in R"}
            )
    return pd.DataFrame(rows, columns=MODULES), pd.DataFrame(tests)[TESTS]


def modules_files(
    *, layers: Mapping[str, Path | str], outcomes: Path | str, states: Sequence[str], settings: ModuleSettings,
    seed: int, modules: Path, tests: Path,
) -> None:  # fmt: skip
    """Find, test and write the modules.

    Parameters
    ----------
    layers, outcomes
        As in :func:`gutaxis.integrate.blocks.read_blocks`.
    states
        baseline, change.
    settings, seed
        Of the search.
    modules, tests
        Tables to write.
    """
    found = []
    for state in states:
        blocks = read_blocks(
            layers=layers, outcomes=outcomes, state=state, prevalence=settings.prevalence,
            max_features=settings.max_features,
        )  # fmt: skip
        found.append(modules_of(blocks=blocks, settings=settings, seed=seed))
    about = (
        f"supervised modules over layers (SGCCA with response, consensus of {settings.repeats} subsamples of "
        f"{settings.share:.0%}, threshold {settings.consensus:g}); seed {seed}; exploratory, no cause is shown\n"
        "auc_left_out: patients outside the subsamples, but a module is what all subsamples agree on, so it is "
        f"somewhat too good; p is against the best module of each of {settings.shuffles} shuffles of the response "
        "within cohort, all steps anew"
    )
    parts = [table for table, _ in found if len(table)]
    members = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=MODULES)
    write_tsv(members, modules, comment=about, digits=6)
    rows = [row for _, table in found for row in table.to_dict("records")]
    write_tsv(pd.DataFrame(rows, columns=TESTS), tests, comment=about, digits=6)
