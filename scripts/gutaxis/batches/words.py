"""The sentences and short tables of the batch report's page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gutaxis.batches.checksums import LAYER_ROW
from gutaxis.batches.plan import BatchPlan
from gutaxis.batches.quality import LIMIT, MIN_EARLIER

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
    *, tables: dict[str, pd.DataFrame], plan: BatchPlan, labels: pd.DataFrame, before: str | None,
    before_batches: Collection[str], fdr: float, one_class: Sequence[tuple[str, str, int]], profiled: bool,
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
    before_batches
        Batches of that set.
    fdr
        Level of q.
    one_class
        From :func:`gutaxis.batches.compare.one_class_batches`.
    profiled
        Whether this run profiles stool, blanks among it.
    """
    if not plan.earlier:
        text = "This run has one batch, so there is nothing to compare. Its snapshot is kept for the next one."
        if len(plan.batches) > 1:
            text = "`batches.newest` names every batch of this run, so there is none to compare with."
        return [Section(question="What is new?", said=[text, *_one_class(one_class)])]
    new = labels[labels["batch"].isin(plan.newest)]
    patients = new["patient_id"].dropna()
    earlier = set(labels.loc[~labels["batch"].isin(plan.newest), "patient_id"].dropna())
    own = int((new["control"] == "N").sum())
    first = [
        f"{', '.join(plan.newest)} against {', '.join(plan.earlier)}: {count(own, 'new sample')} of "
        f"{count(patients.nunique(), 'patient')}, {len(set(patients) - earlier)} of them with no earlier sample, and "
        f"{count(len(new) - own, 'control')}."
    ]
    return [
        Section(question="What is new?", said=[*first, *_one_class(one_class)]),
        _quality(tables["quality"]),
        _drift(tables["drift"], tables["shifts"]),
        _contamination(tables["contamination"], new, profiled),
        *_plasma_blanks(tables["plasma_blanks"]),
        *_before_and_after(tables, plan, before, before_batches, fdr),
    ]


def _one_class(found: Sequence[tuple[str, str, int]]) -> list[str]:
    said = []
    for batch, name, number in found:
        who = "The only patient" if number == 1 else f"All {number} patients"
        said.append(
            f"{who} of batch {batch} with a known response {'is' if number == 1 else 'are'} {name}: in this batch an "
            "effect of the batch cannot be told from response. No correction can mend that; say it where you report "
            "results, and leave the batch out in a second run to see what rests on it."
        )
    return said


def _quality(table: pd.DataFrame) -> Section:
    flagged = table[table["flag"] == "Y"]
    judged = table[table["value"].notna() & (table["earlier_n"] >= MIN_EARLIER)]
    if table.empty:
        said = ["There is no table of quality for the newest samples."]
    elif judged.empty:
        said = [f"No value of the newest samples has the {MIN_EARLIER} earlier ones that it takes to judge it."]
    else:
        said = [
            f"{count(len(judged), 'value')} of {count(judged['sample_id'].nunique(), 'sample')} could be compared with "
            f"at least {MIN_EARLIER} earlier ones; {len(flagged)} in "
            f"{count(flagged['sample_id'].nunique(), 'sample')} lie far outside (robust z beyond {LIMIT:g})."
        ]
    rows = flagged.drop(columns=["flag"]).head(SHOWN) if len(flagged) else None
    return Section(question="Is the quality as before?", said=said, table="quality", rows=rows)


def _drift(table: pd.DataFrame, shifts: pd.DataFrame) -> Section:
    tested = table[table["p"].notna()]
    apart = tested[tested["p"] < 0.05]
    said = ["Newest and earlier patients could be compared in no layer."]
    if len(tested):
        said = [
            f"Newest and earlier patients were compared in {count(len(tested), 'layer')}; in {len(apart)} they differ "
            "at p < 0.05 (not corrected). New patients may differ for reasons of their own: a question, not a verdict."
        ]
    said += [f"{row.layer}: not tested, {row.note}." for row in table[table["p"].isna()].itertuples()]
    moved = []
    for layer, own in shifts[shifts["layer"].isin(apart["layer"])].groupby("layer", sort=True):
        names = [f"{row.label} ({row.standardised:+.1f} SD)" for row in own.head(3).itertuples()]
        moved.append(f"{layer}: most moved {', '.join(names)}.")
    rows = table.drop(columns=["note"]) if len(table) else None
    return Section(question="Do the new samples differ?", said=[*said, *moved], table="drift", rows=rows)


def _contamination(table: pd.DataFrame, new: pd.DataFrame, profiled: bool) -> Section:
    blanks = new[(new["control"] == "BLANK") & (new["assay"] == "MGX")]
    if not profiled:
        said = ["This run starts from no stool reads, so what blanks hold is not known."]
    elif blanks.empty:
        said = ["The newest batches have no stool blank: contamination of their reagents cannot be seen."]
    elif table.empty:
        said = ["No species was found in the newest stool blanks."]
    else:
        own = int((table["in_earlier_blanks"] == "N").sum())
        said = [
            f"{count(len(table), 'species', 'species')} in the newest blanks; "
            + (
                f"{own} in no earlier blank."
                if table["in_earlier_blanks"].notna().all()
                else "there is no earlier blank."
            )
            + " A species of the gut in a blank is as likely spilled over from a sample."
        ]
    rows = table.head(SHOWN) if len(table) else None
    return Section(question="What do the stool blanks hold?", said=said, table="contamination", rows=rows)


def _plasma_blanks(table: pd.DataFrame) -> list[Section]:
    if table.empty:
        return []
    said = []
    for mode, own in table.groupby("mode", sort=True):
        of = "The plasma table" if mode == "NA" else f"{str(mode).capitalize()} mode"
        new, old = own[own["newest"] == "Y"], own[own["newest"] == "N"]
        if new.empty:
            said.append(f"{of}: the newest batches have no blank.")
            continue
        held = f"{new['detected'].max()} of {count(int(new['features'].max()), 'feature')}"
        before = (
            f"those of earlier batches at most {old['detected'].max()}" if len(old) else "there is no earlier blank"
        )
        said.append(f"{of}: {count(len(new), 'newest blank')} with at most {held}, {before}.")
    rows = table.head(SHOWN)
    return [Section(question="What do the plasma blanks hold?", said=said, table="plasma_blanks", rows=rows)]


def _before_and_after(
    tables: dict[str, pd.DataFrame], plan: BatchPlan, before: str | None, before_batches: Collection[str], fdr: float
) -> list[Section]:
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
    relearned = rows_of_layers.loc[rows_of_layers["state"] != "unchanged", "name"].value_counts().sort_index()
    where = "; ".join(f"{layer}: {number} changed or gone" for layer, number in relearned.items())
    entered, left = (results[results["status"] == name] for name in ("entered", "left"))
    said = (
        f"Compared with {before}: {count(int((labels['what'] == 'new patient').sum()), 'new patient')}, "
        f"{count(switched['patient_id'].nunique(), 'earlier patient')} with another response, "
        f"{count(changed['patient_id'].nunique(), 'earlier patient')} with another outcome of any kind."
    )
    if set(before_batches) != set(plan.earlier):
        said += (
            f" That set holds {', '.join(sorted(before_batches))}, not {', '.join(plan.earlier)}: what is told from "
            "here on is not of the newest batches alone."
        )
    return [
        Section(
            question="Did outcomes of earlier patients change?",
            said=[said], table="labels", rows=changed.head(SHOWN) if len(changed) else None,
        ),
        Section(
            question="Do the main results change?",
            said=[
                f"At q < {fdr:g}, {count(len(entered), 'result')} entered and {count(len(left), 'result')} left the "
                "findings. Settings or software that changed since then change results too."
            ],
            table="summary", rows=summary.head(4 * SHOWN) if len(summary) else None,
        ),
        Section(
            question="Which results entered or left?",
            said=["Results are sorted with these first in the table."],
            table="results",
            rows=results[results["status"].isin(["entered", "left"])].head(SHOWN)[MOVED]
            if len(entered) + len(left)
            else None,
        ),
        Section(
            question="Did earlier samples keep what was made of them?",
            said=[
                f"{count(len(files), 'file')} of earlier samples: {len(files) - len(moved)} unchanged, {len(moved)} "
                "changed or gone. Such a file rests on its raw file, settings and software; files of functions also on "
                "all samples where the config asks for a joint index.",
                f"{count(len(rows_of_layers), 'row')} of layers: {int((rows_of_layers['state'] == 'unchanged').sum())} "
                f"unchanged{'; ' + where if where else ''}. Rows of layers that are learned across samples change when "
                "a batch is added, unless they are frozen (config `batches`).",
            ],
            table="outputs", rows=moved.head(SHOWN) if len(moved) else None,
        ),
    ]  # fmt: skip
