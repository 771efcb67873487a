"""One row of evidence per feature, layer and contrast, and the candidates ranked, with plain words on strength."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gutaxis.files import write_tsv
from gutaxis.integrate import evidence_sources as sources
from gutaxis.integrate.evidence_words import sentence
from gutaxis.integrate.literature import entries_for, read_literature, summary
from gutaxis.integrate.reliability import reliability_at
from gutaxis.integrate.strength import (
    MODERATE,
    STRENGTHS,
    STRONG,
    SUPPORT,
    WEAK,
    StrengthSettings,
    discoveries,
    strengths,
)

KEY = sources.KEY
RELIABILITY = ["reliability_n", "type_i", "coverage", "fdp", "power_one_sd", "power_one_and_a_half_sd", "met"]
COLUMNS = [
    "layer", "contrast", "feature", "label", "n", "n_r", "n_nr", "estimate", "se", "ci_low", "ci_high", "p", "q",
    "method", "role", "agreement", "discovery", "discovery_strict", "strength", "supports", "why",
    "selection_frequency", "selection_model", "module", "module_frequency", "module_q", "partners", "chain",
    "chain_rank", "chain_q",
    "literature_direction", "literature_agrees", "literature", *RELIABILITY, *SUPPORT, "reason",
]  # fmt: skip
CANDIDATES = [
    "rank", "layer", "feature", "label", "contrast", "strength", "estimate", "ci_low", "ci_high", "q", "n", "n_r",
    "agreement", "supports", "words", "literature",
]  # fmt: skip
#: Contrasts in which a sign means better for the patient, and that sign.
FAVOURABLE = {"baseline": 1.0, "post": 1.0, "response_change": 1.0, "survival": -1.0}
ROLE_ORDER = {"primary": 0, "secondary": 1, "exploratory": 2}


def evidence(
    *, differential: pd.DataFrame, associations: Mapping[str, pd.DataFrame],
    models: Mapping[str, tuple[pd.DataFrame, pd.DataFrame | None]], modules: tuple[pd.DataFrame, pd.DataFrame] | None,
    chains: pd.DataFrame | None, literature: pd.DataFrame, reliability: pd.DataFrame, settings: StrengthSettings,
) -> pd.DataFrame:  # fmt: skip
    """Return one row per feature, layer and contrast with :data:`COLUMNS`, by layer, contrast and feature.

    Parameters
    ----------
    differential
        From :func:`gutaxis.integrate.evidence_sources.read_differential`.
    associations
        State -> table.
    models
        State -> importance and performance of the prediction.
    modules
        Members and tests, or None.
    chains
        ``integration/mediation`` or None.
    literature, reliability
        Tables of resources.
    settings
        Rules of strength.
    """
    table = differential.reset_index(drop=True)
    table["discovery"] = discoveries(table=table, fdr=settings.fdr)
    table["discovery_strict"] = discoveries(table=table, fdr=settings.strict_fdr)
    found = set(table.loc[table["discovery"], KEY].itertuples(index=False, name=None))
    both = {state: sources.partners(table=rows, fdr=settings.fdr) for state, rows in associations.items()}
    tops = {state: sources.top_partners(both=rows, discovered=found) for state, rows in both.items()}
    parts = []
    for contrast, rows in table.groupby("contrast", sort=True):
        parts.append(
            _joined(rows=rows, contrast=str(contrast), tops=tops, models=models, modules=modules, chains=chains)
        )
    made = pd.concat(parts, ignore_index=True) if parts else table
    made = made.reindex(columns=[*dict.fromkeys([*made.columns, *COLUMNS])])
    made["support_model"] = (
        (made.pop("support_frequency") >= settings.frequency) if "support_frequency" in made else False
    )
    held = pd.to_numeric(made["module_q"], errors="coerce") < settings.fdr
    made["support_module"] = held & (pd.to_numeric(made["module_frequency"], errors="coerce") >= settings.frequency)
    made["support_partner"] = made["support_partner"].eq(True)
    made["support_contrast"] = _same_direction(made)
    _read(made, literature)
    made["support_literature"] = made["literature_agrees"] == "Y"
    _rely(made, reliability)
    made = made.drop(columns=["strength", "supports", "why"]).join(strengths(table=made, settings=settings))
    return made[COLUMNS].sort_values(["layer", "contrast", "feature"], ignore_index=True)


def _joined(
    *, rows: pd.DataFrame, contrast: str, tops: Mapping[str, pd.DataFrame],
    models: Mapping[str, tuple[pd.DataFrame, pd.DataFrame | None]],
    modules: tuple[pd.DataFrame, pd.DataFrame] | None, chains: pd.DataFrame | None,
) -> pd.DataFrame:  # fmt: skip
    """Return the rows of a contrast with what other analyses of the same samples say."""
    state = sources.STATES.get(contrast, contrast)
    others = []
    if state in tops:
        others.append(tops[state])
    if state in models and contrast in sources.OUTCOMES:
        importance, performance = models[state]
        others.append(
            sources.selection(importance=importance, performance=performance, outcome=sources.OUTCOMES[contrast])
        )
    # modules were made with the response: they say nothing of time to progression or of the change of all patients
    if modules is not None and contrast in {"baseline", "post", "response_change"}:
        others.append(sources.module_members(modules=modules[0], tests=modules[1], state=state))
    if chains is not None:
        others.append(sources.best_chains(table=chains, state=state))
    for other in others:
        rows = rows.merge(other, on=KEY, how="left")
    return rows


def _same_direction(table: pd.DataFrame) -> np.ndarray:
    """Return whether another contrast demonstrates the feature with the same meaning for the patient."""
    sign = np.sign(pd.to_numeric(table["estimate"], errors="coerce")) * table["contrast"].map(FAVOURABLE)
    shown = table.assign(sign=sign)[table["discovery"] & sign.isin([-1.0, 1.0])]
    counts = shown.groupby([*KEY, "sign"]).size()
    keys = pd.MultiIndex.from_arrays([table["layer"], table["feature"], sign])
    number = counts.reindex(keys).fillna(0).to_numpy() if len(counts) else np.zeros(len(table))
    own = (table["discovery"] & sign.isin([-1.0, 1.0])).to_numpy(float)
    return number - own > 0


def _read(table: pd.DataFrame, literature: pd.DataFrame) -> None:
    """Fill in what publications report, and whether the direction agrees: Y, N, or None without one to compare."""
    for name in ("literature_direction", "literature_agrees", "literature"):
        table[name] = pd.Series(None, index=table.index, dtype=object)
    sign = np.sign(pd.to_numeric(table["estimate"], errors="coerce")) * table["contrast"].map(FAVOURABLE)
    for layer, rows in table.groupby("layer", sort=True):
        named = rows.drop_duplicates("feature")
        names = {row.feature: [row.feature, row.label] for row in named.itertuples()}
        for feature, entries in entries_for(literature=literature, layer=str(layer), names=names).items():
            told = summary(entries=entries)
            places = rows.index[rows["feature"] == feature]
            for name, value in told.items():
                table.loc[places, name] = value
            wanted = {"favourable": 1.0, "unfavourable": -1.0}.get(str(told["literature_direction"]))
            if wanted is not None:
                known = places[sign[places].isin([-1.0, 1.0])]
                table.loc[known, "literature_agrees"] = np.where(sign[known] == wanted, "Y", "N")


def _rely(table: pd.DataFrame, reliability: pd.DataFrame) -> None:
    """Fill in the calibration of the test at the nearest number of patients."""
    for name in RELIABILITY:
        table[name] = pd.Series(None, index=table.index, dtype=object)
    keys = ["method", "contrast", "scheme", "n"]
    for (method, contrast, scheme, n), rows in table.groupby(keys, sort=True, dropna=False):
        known = reliability_at(
            table=reliability, method=str(method), contrast=str(contrast), patients=float(n),
            scheme=None if pd.isna(scheme) else str(scheme),
        )  # fmt: skip
        for name, value in known.items():
            table.loc[rows.index, name] = value


def candidates(*, table: pd.DataFrame, rows: int = 50) -> pd.DataFrame:
    """Return the features in the order of their evidence, each by its best contrast, with a sentence.

    Parameters
    ----------
    table
        From :func:`evidence`.
    rows
        Most features.

    Notes
    -----
    Order: strength; role of the contrast; kinds of support; q; p. Features without a discovery follow those with one,
    and say so.
    """
    shown = table[table["p"].notna()].copy()
    shown["_strength"] = shown["strength"].map({name: at for at, name in enumerate(STRENGTHS)})
    shown["_role"] = shown["role"].map(ROLE_ORDER).fillna(len(ROLE_ORDER))
    shown["_supports"] = -shown["supports"]
    order = ["_strength", "_role", "_supports", "q", "p", "layer", "feature", "contrast"]
    best = shown.sort_values(order).drop_duplicates(KEY).head(rows)
    best = best.assign(
        rank=np.arange(1, len(best) + 1), words=[sentence(row=row) for row in best.to_dict(orient="records")]
    )  # fmt: skip
    return best.reindex(columns=CANDIDATES).reset_index(drop=True)


def evidence_files(
    *, differential: Sequence[Path | str], associations: Mapping[str, Path | str], importance: Mapping[str, Path | str],
    performance: Mapping[str, Path | str], modules: Path | str | None, module_tests: Path | str | None,
    chains: Path | str | None, literature: Path | str, reliability: Path | str, settings: Mapping[str, Any],
    table: Path | str, ranked: Path | str,
) -> None:  # fmt: skip
    """Write the table of evidence and the ranked candidates.

    Parameters
    ----------
    differential
        Every ``differential/{layer}/{contrast}.tsv``.
    associations, importance, performance
        State -> table; a state that is not here was not analysed.
    modules, module_tests, chains
        ``integration/modules``, its tests, ``integration/mediation``; None: not made.
    literature, reliability
        ``resources/literature.tsv``, ``resources/reliability.tsv``.
    settings
        Keys of :class:`StrengthSettings` and ``candidates`` (most rows); others are ignored.
    table, ranked
        Targets.
    """
    rules = StrengthSettings.from_mapping(settings)
    models = {
        state: (sources.read_table(path=path), sources.by_state(paths=performance, state=state))
        for state, path in importance.items()
    }
    made = evidence(
        differential=sources.read_differential(paths=differential),
        associations={state: sources.read_table(path=path) for state, path in associations.items()},
        models=models,
        modules=None if modules is None or module_tests is None
        else (sources.read_table(path=modules), sources.read_table(path=module_tests)),
        chains=None if chains is None else sources.read_table(path=chains),
        literature=read_literature(path=literature), reliability=sources.read_table(path=reliability), settings=rules,
    )  # fmt: skip
    best = candidates(table=made, rows=int(settings.get("candidates", 50)))
    counts = made["strength"].value_counts()
    said = ", ".join(f"{int(counts.get(name, 0))} {name}" for name in STRENGTHS)
    shown = int(sum(counts.get(name, 0) for name in (STRONG, MODERATE, WEAK)))
    verdict = (
        f"{shown} rows are demonstrated at a false discovery rate of {rules.fdr:g} over all tables"
        if shown
        else f"no feature is demonstrated at a false discovery rate of {rules.fdr:g} over all tables: what follows is "
        "not demonstrated"
    )
    limits = (
        "strong is meant within this study: one trial without a control arm and without masking shows associations and "
        "confirms no biomarker"
    )
    rule = (
        f"weak: a discovery over all tables; moderate: also at {rules.strict_fdr:g}, {rules.patients} patients, "
        f"{rules.per_group} of each group, agreement {rules.agreement:g}, test calibrated at this size; strong: "
        f"primary, {rules.strong_patients} patients, {rules.strong_per_group} of each group, agreement "
        f"{rules.strong_agreement:g}, {rules.support} kinds of support"
    )
    support = "support_*: " + "; ".join(f"{name.removeprefix('support_')}: {words}" for name, words in SUPPORT.items())
    calibration = (
        "type_i, coverage, fdp, power_*: of the test in simulated cohorts of reliability_n patients, the nearest size "
        "(resources/reliability.tsv)"
    )
    head = [verdict, said, rule, limits]
    write_tsv(made, table, comment="\n".join([*head, support, calibration]))
    about = "candidates, each by its best contrast; not corrected for choosing it"
    write_tsv(best, ranked, comment="\n".join([about, *head]))
