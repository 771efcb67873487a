"""The sentences and short tables of the batch report's page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gutaxis.batches.checksums import LAYER_ROW
from gutaxis.batches.plan import BatchPlan

#: Rows of a table on the page; the file has all.
SHOWN = 25
#: Columns of the results that entered or left.
MOVED = ["table", "layer", "contrast", "label", "estimate_before", "estimate_after", "q_before", "q_after", "status"]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A question, what there is to say, and the rows to show.

    Parameters
    ----------
    question, said
        Heading and sentences.
    table
        Name of the table that has it all, or None.
    rows
        What of it is shown.
    """

    question: str
    said: list[str]
    table: str | None = None
    rows: pd.DataFrame | None = None

    def heads(self) -> list[str]:
        """Column names in words."""
        return [] if self.rows is None else [str(name).replace("_", " ") for name in self.rows.columns]

    def cells(self) -> list[list[str]]:
        """Rows as text."""
        return [] if self.rows is None else [[_cell(value) for value in row] for row in self.rows.to_numpy()]


def _cell(value: Any) -> str:
    if pd.isna(value):
        return "NA"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def count(number: int, one: str, many: str | None = None) -> str:
    """Return ``1 sample`` or ``3 samples``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def sections(
    *, tables: dict[str, pd.DataFrame], plan: BatchPlan, labels: pd.DataFrame, before: str | None, fdr: float,
    one_class: Sequence[tuple[str, str, int]],
) -> list[Section]:  # fmt: skip
    """Return the sections of the page.

    Parameters
    ----------
    tables
        As :func:`gutaxis.batches.report.batch_tables` makes them.
    plan
        Batches.
    labels
        ``labels.tsv`` of this run.
    before
        Name of the set compared with, or None.
    fdr
        Level of q.
    one_class
        From :func:`gutaxis.batches.compare.one_class_batches`.
    """
    if not plan.earlier:
        text = "This run has one batch, so there is nothing to compare. Its snapshot is kept for the next one."
        return [Section(question="What is new?", said=[text])]
    new = labels[labels["batch"].isin(plan.newest)]
    patients = new["patient_id"].dropna()
    earlier = set(labels.loc[~labels["batch"].isin(plan.newest), "patient_id"].dropna())
    first = [
        f"{', '.join(plan.newest)} against {', '.join(plan.earlier)}: {count(len(new), 'new sample')} of "
        f"{count(patients.nunique(), 'patient')}, {len(set(patients) - earlier)} of them with no earlier sample, and "
        f"{count(int((new['control'] != 'N').sum()), 'control')}."
    ]
    first += [
        f"All {number} patients of batch {batch} with a known response are {name}: in this batch an effect of the "
        "batch cannot be told from response. No correction can mend that; say it where you report results, and leave "
        "the batch out in a second run to see what rests on it."
        for batch, name, number in one_class
    ]
    return [
        Section(question="What is new?", said=first),
        _quality(tables["quality"]),
        _drift(tables["drift"], tables["shifts"], fdr),
        _contamination(tables["contamination"], new),
        *_before_and_after(tables, before, fdr),
    ]


def _quality(table: pd.DataFrame) -> Section:
    flagged = table[table["flag"] == "Y"]
    judged = table[table["robust_z"].notna() | (table["flag"] == "Y")]
    if table.empty:
        said = ["There is no table of quality for the newest samples."]
    else:
        said = [
            f"{count(len(judged), 'value')} of {count(table['sample_id'].nunique(), 'sample')} could be compared with "
            f"at least five earlier ones; {len(flagged)} in {count(flagged['sample_id'].nunique(), 'sample')} lie far "
            "outside (robust z beyond 3.5)."
        ]
    rows = flagged.drop(columns=["flag"]).head(SHOWN) if len(flagged) else None
    return Section(question="Is the quality as before?", said=said, table="quality", rows=rows)


def _drift(table: pd.DataFrame, shifts: pd.DataFrame, fdr: float) -> Section:
    tested = table[table["p"].notna()]
    apart = tested[tested["p"] < 0.05]
    said = [
        f"Newest and earlier patients were compared in {count(len(tested), 'layer')}; in {len(apart)} they differ at "
        "p < 0.05 (not corrected). New patients may differ for reasons of their own: a question, not a verdict."
    ]
    said += [f"{row.layer}: not tested, {row.note}." for row in table[table["p"].isna()].itertuples()]
    moved = []
    for layer, own in shifts[shifts["layer"].isin(apart["layer"])].groupby("layer", sort=True):
        names = [f"{row.label} ({row.standardised:+.1f} SD)" for row in own.head(3).itertuples()]
        moved.append(f"{layer}: most moved {', '.join(names)}.")
    rows = table.drop(columns=["note"]) if len(table) else None
    return Section(question="Do the new samples differ?", said=[*said, *moved], table="drift", rows=rows)


def _contamination(table: pd.DataFrame, new: pd.DataFrame) -> Section:
    blanks = new[(new["control"] == "BLANK") & (new["assay"] == "MGX")]
    if blanks.empty:
        said = ["The newest batches have no stool blank: contamination of their reagents cannot be seen."]
    elif table.empty:
        said = ["No species was found in the newest stool blanks."]
    else:
        own = int((table["in_earlier_blanks"] == "N").sum())
        said = [
            f"{count(len(table), 'species', 'species')} in the newest blanks; {own} in no earlier blank. A species of "
            "the gut in a blank is as likely spilled over from a sample."
        ]
    rows = table.head(SHOWN) if len(table) else None
    return Section(question="What do the blanks hold?", said=said, table="contamination", rows=rows)


def _before_and_after(tables: dict[str, pd.DataFrame], before: str | None, fdr: float) -> list[Section]:
    if before is None:
        text = (
            "No snapshot of an earlier set of batches is in this results folder, so labels and results before are not "
            "known. Run the workflow with the earlier sheets and another `output`, and name its folder batches/{set} "
            "under `batches.before`."
        )
        return [Section(question="What was it before?", said=[text])]
    labels, summary, results, outputs = (tables[name] for name in ("labels", "summary", "results", "outputs"))
    changed = labels[~labels["what"].isin(["new patient", "patient gone"])]
    switched = changed[changed["what"] == "response"]
    old = outputs[(outputs["state"] != "new")]
    files = old[old["what"] != LAYER_ROW]
    rows_of_layers = old[old["what"] == LAYER_ROW]
    moved = files[files["state"] != "unchanged"]
    entered, left = (results[results["status"] == name] for name in ("entered", "left"))
    return [
        Section(
            question="Did outcomes of earlier patients change?",
            said=[
                f"Compared with {before}: {int((labels['what'] == 'new patient').sum())} new patients, "
                f"{count(switched['patient_id'].nunique(), 'earlier patient')} with another response, "
                f"{count(changed['patient_id'].nunique(), 'earlier patient')} with another outcome of any kind."
            ],
            table="labels", rows=changed.head(SHOWN) if len(changed) else None,
        ),
        Section(
            question="Do the main results change?",
            said=[
                f"At q < {fdr:g}, {count(len(entered), 'result')} entered and {count(len(left), 'result')} left the "
                "findings."
            ],
            table="summary", rows=summary.head(4 * SHOWN) if len(summary) else None,
        ),
        Section(
            question="Which results entered or left?",
            said=["Results are sorted with these first in the table."],
            table="results",
            rows=pd.concat([entered, left]).head(SHOWN)[MOVED] if len(entered) + len(left) else None,
        ),
        Section(
            question="Did earlier samples keep what was made of them?",
            said=[
                f"{count(len(files), 'file')} of earlier samples: {len(files) - len(moved)} unchanged, {len(moved)} "
                "changed or gone.",
                f"{count(len(rows_of_layers), 'row')} of layers: {int((rows_of_layers['state'] == 'unchanged').sum())} "
                "unchanged. Rows of layers that are learned across samples change when a batch is added, unless they "
                "are frozen (config `batches`).",
            ],
            table="outputs", rows=moved.head(SHOWN) if len(moved) else None,
        ),
    ]  # fmt: skip
