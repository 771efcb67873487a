"""What was learned from which batches: the record of frozen and refit parts, beside the results they made."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gutaxis.files import write_tsv

FROZEN = "frozen"
COLUMNS = ["part", "of", "choice", "reference", "n_learned", "n_placed", "placed_batches", "frozen", "told"]
#: What a part learns across samples, and so keeps when it is frozen.
LEARNED = {
    "normalisation": "reference file of the retention times, feature list, ratio of detected to integrated areas; "
    "blank, detection and precision filters; levels of drift correction and batches, profile of dilution, bounds and "
    "neighbours of imputation",
    "embedding": "variable genes, principal components, integration, clusters and their labels, map; also of subsets",
    "models": "filters, scaling, choice of features, penalty and weights of every model, and how well they do",
}
PLACED = {
    "normalisation": "each later batch is moved to the reference's level by its own pooled QCs",
    "embedding": "cells of later batches get the cluster of most of their nearest reference cells",
    "models": "patients of later batches are in no fold; lock a model (`prediction.lock`) and apply it to them "
    "(`prediction.apply`)",
}
ALL = "differential abundance, diversity, integration and every clinical table always use all samples"


def batch_choices(
    *, choices: Mapping[str, Any], samples: Mapping[str, Mapping[str, Mapping[str, str]]],
    controls: Mapping[str, int], responses: pd.DataFrame | None,
) -> pd.DataFrame:  # fmt: skip
    """Return one row per part of the run that learns across samples, and one for what never is frozen.

    Parameters
    ----------
    choices
        Config section `batches`.
    samples
        Of :func:`gutaxis.provenance.batch_samples.learned_from`.
    controls
        Batch -> pooled QCs.
    responses
        ``clinical/sample_response.tsv``, for the classes that frozen models learn from; None: not asked.

    Returns
    -------
    pandas.DataFrame
        part; of; choice (frozen, refit); reference (batches learned from); n_learned, n_placed (samples of patients);
        placed_batches; frozen (in words; NA for refit); told (what a reader has to know).
    """
    rows = []
    for part, learned in LEARNED.items():
        frozen = choices[part] == FROZEN
        for of, batches in samples.get(part, {}).items():
            given = sorted(set(batches.values()))
            reference = sorted(choices["reference"]) if frozen else given
            inside = sum(batch in reference for batch in batches.values())
            later = [batch for batch in given if batch not in reference]
            rows.append(
                {
                    "part": part, "of": of, "choice": choices[part], "reference": ";".join(reference),
                    "n_learned": inside, "n_placed": len(batches) - inside, "placed_batches": ";".join(later) or None,
                    "frozen": learned if frozen else None,
                    "told": _told(part=part, frozen=frozen, reference=reference, later=later, controls=controls,
                                  responses=responses),
                }
            )  # fmt: skip
        if not samples.get(part):
            rows.append({"part": part, "choice": choices[part], "told": "the run has no data for this part"})
    for of, batches in samples["analyses"].items():
        given = ";".join(sorted(set(batches.values())))
        rows.append(
            {"part": "analyses", "of": of, "choice": "all samples", "reference": given, "n_learned": len(batches),
             "n_placed": 0, "told": ALL}
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({"n_learned": "Int64", "n_placed": "Int64"})


def write_batch_choices(
    *, choices: Mapping[str, Any], samples: Mapping[str, Mapping[str, Mapping[str, str]]],
    controls: Mapping[str, int], responses: Sequence[Path | str], output: Path | str,
) -> None:  # fmt: skip
    """Write the table of :func:`batch_choices`.

    Parameters
    ----------
    choices, samples, controls
        As there.
    responses
        The path of ``clinical/sample_response.tsv``, or nothing.
    output
        TSV to write.
    """
    known = pd.read_csv(responses[0], sep="\t", dtype=str, comment="#") if responses else None
    table = batch_choices(choices=choices, samples=samples, controls=controls, responses=known)
    write_tsv(table, output, comment="what was learned across samples, from which batches; n: samples of patients")


def _told(
    *, part: str, frozen: bool, reference: Sequence[str], later: Sequence[str], controls: Mapping[str, int],
    responses: pd.DataFrame | None,
) -> str:  # fmt: skip
    """Return what a reader has to know of one row."""
    if not frozen:
        return "learned again whenever a batch is added: values of earlier samples may change"
    words = [PLACED[part] if later else "no later batch yet"]
    if part == "normalisation":
        without = [name for name in [*reference, *later] if not controls.get(name)]
        if without:
            words.append(
                f"no pooled QC in {', '.join(without)}: their level is told by study samples, which supposes that "
                "batches hold comparable patients"
            )
    if part == "models" and responses is not None:
        own = responses[responses["batch"].isin(list(reference))].drop_duplicates("patient_id")
        counts = {name: int((own["response"] == name).sum()) for name in ("R", "NR")}
        words.append(f"patients with a sample in the reference: {counts['R']} R, {counts['NR']} NR")
        lacking = [name for name, n in counts.items() if n == 0]
        if lacking:
            words.append(f"no model of response can be made: the reference holds no {' and no '.join(lacking)}")
    return "; ".join(words)
