"""Frozen or refit: which batches teach what is learned across samples, and whether the config's choice can be kept."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gutaxis.cohort.config import config_problem, did_you_mean
from gutaxis.cohort.model import Cohort
from gutaxis.errors import Problem, raise_if_errors
from gutaxis.layers.plan import tissue_samples

FROZEN, REFIT = "frozen", "refit"
#: Parts of the config section `batches` that may be frozen.
PARTS = ("normalisation", "embedding", "models")


def reference_batches(*, config: Mapping[str, Any], part: str) -> list[str] | None:
    """Return the batches that a part learns from, sorted, or None where it learns from all.

    Parameters
    ----------
    config
        The filled config.
    part
        One of :data:`PARTS`.
    """
    section = config["batches"]
    return sorted(section["reference"]) if section[part] == FROZEN else None


def check_frozen(*, config: Mapping[str, Any], cohort: Cohort) -> None:
    """Refuse a choice that cannot be kept, before anything runs.

    Parameters
    ----------
    config
        The filled config.
    cohort
        The cohort of the run.

    Raises
    ------
    GutaxisError
        C40 a frozen part without a reference; C41 an unknown batch, there or as the newest; C42 a reference without
        samples of what is frozen; C43 a reference that nothing uses.
    """
    raise_if_errors(_problems(config=config, cohort=cohort))


def _problems(*, config: Mapping[str, Any], cohort: Cohort) -> Iterator[Problem]:
    section = config["batches"]
    frozen = [part for part in PARTS if section[part] == FROZEN]
    known = sorted(set(cohort.samples["batch"].dropna().astype(str)))
    yield from _unknown("newest", section["newest"] or [], known)
    if section["reference"] is None:
        for part in frozen:
            yield config_problem(
                "C40", f"batches.{part}", FROZEN, "It is frozen, but `batches.reference` names no batch to learn from",
                f"Batches of the sample sheets: {', '.join(known)}",
                f"Write them as a list, as in `reference: [{known[0]}]`, or set `{part}: {REFIT}`",
            )  # fmt: skip
        return
    if not frozen:
        yield config_problem(
            "C43", "batches.reference", section["reference"], "Nothing is frozen, so the reference changes nothing",
            f"{', '.join(PARTS)}: `{FROZEN}` learns from the reference, `{REFIT}` from all batches",
            f"Set a part to `{FROZEN}`, or write `reference: null`",
        )  # fmt: skip
    unknown = list(_unknown("reference", section["reference"], known))
    yield from unknown
    if not unknown:
        yield from _empty(config=config, cohort=cohort, frozen=frozen)


def _unknown(key: str, names: Iterable[str], known: list[str]) -> Iterator[Problem]:
    """Yield C41 for every batch that no sheet has."""
    for name in names:
        if name not in known:
            close = did_you_mean(word=name, known=known)
            yield config_problem(
                "C41", f"batches.{key}", name, "No sample sheet has this batch", f"Batches are {', '.join(known)}",
                f"Did you mean `{close}`" if close else "Correct the name, or add the sheet to `cohort.samples`",
            )  # fmt: skip


def _empty(*, config: Mapping[str, Any], cohort: Cohort, frozen: list[str]) -> Iterator[Problem]:
    """Yield C42 for every frozen part that the run has, but whose reference holds no patient's sample of it."""
    own = {
        "normalisation": {"plasma metabolome": cohort.sample_ids(assay="METAB", control=False)},
        "embedding": {f"single cells of {name}": ids for name, ids in tissue_samples(cohort=cohort).items()},
        "models": {"any assay": cohort.sample_ids(control=False)},
    }
    for part in frozen:
        for what, samples in own[part].items():
            batches = sorted(set(cohort.samples.loc[samples, "batch"].astype(str)))
            if batches and not set(batches) & set(config["batches"]["reference"]):
                yield config_problem(
                    "C42", f"batches.{part}", FROZEN, f"The reference batches hold no patient's sample of {what}",
                    f"Batches that do: {', '.join(batches)}",
                    f"Add one of them to `batches.reference`, or set `{part}: {REFIT}`",
                )  # fmt: skip
