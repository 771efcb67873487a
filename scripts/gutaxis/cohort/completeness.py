"""Completeness: who has which material when, as a table and as a grid to read in a terminal."""

import pandas as pd

COLUMNS = ["patient_id", "assay", "material", "pre", "post", "status", "reason"]
SYMBOLS = {"PAIRED": "#", "PRE_ONLY": "<", "POST_ONLY": ">", "NONE": ".", "FAILED_QC": "x"}
MEANINGS = {
    "PAIRED": "PRE and POST",
    "PRE_ONLY": "PRE only",
    "POST_ONLY": "POST only",
    "NONE": "no usable sample",
    "FAILED_QC": "no sample passed",
}


def completeness_table(*, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the columns ``COLUMNS``, one row per patient, assay and material.

    Parameters
    ----------
    pairs
        From :func:`gutaxis.cohort.pairs.make_pairs`.
    """
    return pairs.rename(columns={"pair_status": "status"})[COLUMNS].reset_index(drop=True)


def render_grid(*, completeness: pd.DataFrame) -> str:
    """Draw the completeness of a cohort.

    Parameters
    ----------
    completeness
        ``Cohort.completeness``.

    Returns
    -------
    str
        One row per patient, one column per assay and material, a legend, totals, then the pairs kept and, one line
        each, the pairs that could not be made and why. Ends with a line end.
    """
    if completeness.empty:
        return "No patient's samples in the sheets.\n"
    table = completeness.assign(_column=_headings(completeness))
    headings = list(dict.fromkeys(table["_column"]))
    statuses = table.pivot(index="patient_id", columns="_column", values="status")[headings]
    label, *totals = "patient", *(status for status in SYMBOLS if (table["status"] == status).any())
    first = max(len(text) for text in [label, *totals, *statuses.index])

    def line(name: str, cells: list[str]) -> str:
        return "  ".join(
            [name.ljust(first), *(cell.center(len(head)) for cell, head in zip(cells, headings, strict=True))]
        ).rstrip()

    rule = "-" * len(line(label, headings))
    lines = [line(label, headings), rule]
    lines += [
        line(patient, [SYMBOLS[status] for status in row])
        for patient, row in zip(statuses.index, statuses.to_numpy(), strict=True)
    ]
    lines += [rule, *(line(status, [str((statuses[head] == status).sum()) for head in headings]) for status in totals)]
    lines += ["", "Legend: " + ", ".join(f"{SYMBOLS[status]} {MEANINGS[status]}" for status in SYMBOLS)]
    kept = table["status"] == "PAIRED"
    dropped = table[~kept & (table["status"] != "NONE") | (table["reason"] != "no sample") & ~kept]
    absent = len(table) - kept.sum() - len(dropped)
    lines += [f"Pairs kept: {kept.sum()}. Dropped: {len(dropped)}. No sample at all: {absent}."]
    lines += [
        f"  {row['patient_id']} {row['_column']} {row['status']}: {row['reason']}" for row in dropped.to_dict("records")
    ]
    return "\n".join(lines) + "\n"


def _headings(table: pd.DataFrame) -> pd.Series:
    """Name a column by its assay, and by the material too where the sheets say one."""
    return table["assay"] + ("/" + table["material"]).where(table["material"] != "ANY", "")
