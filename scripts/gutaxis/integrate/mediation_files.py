"""Chains over the layers of a study: from files to one table, or to a table that says why there is none."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gutaxis.files import write_tsv
from gutaxis.integrate.blocks import read_blocks
from gutaxis.integrate.literature import read_literature
from gutaxis.integrate.mediation_panel import PANEL_COLUMNS
from gutaxis.integrate.mediation_study import CHAIN, COLUMNS, PLACES, MediationSettings, mediation, stacked


def mediation_files(
    *, layers: Mapping[str, Path | str], outcomes: Path | str, states: Sequence[str], covariates: Sequence[str],
    chain: Mapping[str, Sequence[str]] | None, panel: Mapping[str, Sequence[str]] | None,
    literature: Path | str | None, settings: Mapping[str, Any], table: Path | str, panel_table: Path | str, seed: int,
) -> None:  # fmt: skip
    """Write the chains of every state, and the panels they were made of.

    Parameters
    ----------
    layers
        Name -> ``layers/{layer}.h5ad``; layers that are in no place of the chain are not read.
    outcomes
        ``clinical/sample_response.tsv``.
    states
        baseline, post, change.
    covariates
        Columns of the layers' ``obs``.
    chain
        species, metabolites, immune -> layers; None or a place that is not here: :data:`CHAIN`.
    panel
        Layer -> features, labels or globs; None: the rule.
    literature
        ``resources/literature.tsv`` or None.
    settings
        Keys of :class:`MediationSettings`; others are ignored.
    table, panel_table
        Targets.
    seed
        Of the bootstrap.
    """
    chosen = MediationSettings.from_mapping(settings)
    places = {place: tuple((chain or {}).get(place, CHAIN[place])) for place in PLACES}
    read = None if literature is None else read_literature(path=literature)
    wanted = {name: path for name, path in layers.items() if any(name in names for names in places.values())}
    made = []
    for state in states:
        blocks = read_blocks(
            layers=wanted, outcomes=outcomes, state=state, covariates=covariates, prevalence=chosen.prevalence,
            min_patients=chosen.min_patients,
        )  # fmt: skip
        made.append(
            mediation(
                blocks=blocks, covariates=covariates, chain=places, panel=panel or {}, literature=read,
                settings=chosen, seed=seed,
            )
        )  # fmt: skip
    notes = [note for item in made for note in item.notes]
    shown = stacked(tables=[item.table for item in made], columns=COLUMNS)
    text = [
        *(["no result: see below"] if shown.empty else []),
        f"chains species -> metabolite -> immune subset (-> response), by state; seed {seed}. Exploratory: an arrow is "
        "a correlation given the features before it and has no direction",
        "a: metabolite on species; b: subset on metabolite, given the species; d: response on subset, given both; "
        "c_prime: species on the last, past the chain. SD of normal scores per SD; on the response, difference of its "
        "probability",
        f"indirect: product of the arrows; interval: {chosen.interval} bootstrap of patients, {chosen.bootstrap} "
        "resamples, 95 %, not corrected for the number of chains",
        "p_joint: largest p of the arrows (joint significance); q: Benjamini-Hochberg over all chains of a state that "
        "end alike, strict where they are many: a short panel, declared in the config, tests a hypothesis, a long one "
        "only ranks; signs: of the arrows in turn",
        "reverse_p, immune_first_p: p_joint of the orders metabolite -> species -> subset and subset -> metabolite -> "
        "species: where they are as small, the data do not tell the orders apart",
        *notes,
    ]
    write_tsv(shown, table, comment="\n".join(text))
    panels = stacked(tables=[item.panel for item in made], columns=PANEL_COLUMNS)
    rule = (
        "features whose chains were tested, and why they are in the panel; no response and no correlation was looked at"
    )
    write_tsv(panels, panel_table, comment=rule)
