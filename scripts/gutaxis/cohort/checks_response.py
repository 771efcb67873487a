"""Warnings about the course of responses: W10 reader misses a new lesion, W11 confirmed too early, W12 CR regress.

They look for data to query. Responses for the analysis are computed by the clinical arm, not here.
"""

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import pandas as pd

from gutaxis.cohort.checks_lesions import with_lesions
from gutaxis.errors import Problem

Row = dict[str, Any]
CONFIRM_DAYS = 28
RESPONSES = ("CR", "PR")
NEW_STATES = ("MEASURED", "PRESENT", "UNEQUIVOCAL PROGRESSION")
NODE_NORMAL_TENTHS = 100
TOO_SMALL_TENTHS = 50


def response_problems(*, tables: Mapping[str, pd.DataFrame]) -> list[Problem]:
    """Return the warnings W10, W11 and W12.

    The response of an assessment is the reader's (``overall``), if given, else that of the target lesions.

    Parameters
    ----------
    tables
        Typed sheets by name; without patients, lesions and measurements there is nothing to say.
    """
    if not {"patients", "lesions", "measurements"} <= set(tables):
        return []
    rows = with_lesions(tables=tables)
    rows = rows[rows["assess_day"].notna() & rows["patient_id"].notna() & rows["ildr_day"].notna()]
    # Plain records: a data frame per scan would make this the slowest of all checks.
    records = rows.sort_values(["patient_id", "reader", "assess_day"], kind="stable").to_dict("records")
    problems: list[Problem] = []
    for _, course in groupby(records, key=itemgetter("patient_id", "reader")):
        problems += _course(list(course))
    return problems


def _warn(code: str, row: Row, *sentences: str) -> Problem:
    return Problem(code, row["_file"], row["_line"], "assess_date", str(row["assess_date"]), *sentences)


def _course(course: list[Row]) -> list[Problem]:
    """Walk through one patient's assessments by one reader."""
    problems, seen = [], []
    baseline = _tenths([row for row in course if row["baseline"]])
    for day, scan in groupby(
        (row for row in course if row["assess_day"] > row["ildr_day"]), key=itemgetter("assess_day")
    ):
        rows = list(scan)
        overall = next((row["overall"] for row in rows if not pd.isna(row["overall"])), None)
        new = [row for row in rows if row["category"] == "NEW" and row["state"] in NEW_STATES]
        who = f"{rows[0]['patient_id']} ({rows[0]['reader']})"
        if new and overall not in {None, "PD"}:
            wrong = f"{who}: new lesion {new[0]['lesion_id']}, but the reader's overall response is {overall}"
            problems.append(_warn("W10", new[0], wrong, "A new lesion means PD", "Query the reading"))
        now = overall or ("PD" if new else _target_response(baseline, _tenths(rows)))
        if seen and seen[-1][1] == "CR" and now in {"PR", "SD"}:
            wrong = f"{who}: {now} after a complete response"
            problems.append(_warn("W12", rows[0], wrong, "After CR only CR, PD or NE", "Query the reading"))
        seen.append((day, now, rows[0]))
        if now == "PD":  # what comes later is no response any more
            break
    responses = [(day, row) for day, now, row in seen if now in RESPONSES]
    gaps = [day - responses[0][0] for day, _ in responses[1:]]
    if gaps and max(gaps) < CONFIRM_DAYS:
        wrong = f"{responses[0][1]['patient_id']}: response seen again after {max(gaps):g} days only"
        allowed = "A response is confirmed 4 weeks later or more"
        problems.append(_warn("W11", responses[-1][1], wrong, allowed, "Not confirmed unless a later scan follows"))
    return problems


def _tenths(scan: list[Row]) -> dict[str, tuple[int | None, bool]]:
    """Return the targets' sizes in whole tenths of mm (None: not evaluable) and whether each is a node."""
    sizes: dict[str, tuple[int | None, bool]] = {}
    for row in (row for row in scan if row["category"] == "TARGET"):
        node = row["is_node"] == "Y"
        if row["state"] == "MEASURED" and row["axis"] != ("LPERP" if node else "LDIAM"):
            continue
        size = {"ABSENT": 0, "TOO SMALL": TOO_SMALL_TENTHS}.get(row["state"])
        if row["state"] == "MEASURED" and not pd.isna(row["value_mm"]):
            size = round(row["value_mm"] * 10)
        sizes[row["lesion_id"]] = (size, node)
    return sizes


def _target_response(before: dict[str, tuple[int | None, bool]], now: dict[str, tuple[int | None, bool]]) -> str:
    """Return CR, PR, other, or NE; progression against the nadir is not told apart: no warning needs it."""
    if not before or set(before) - set(now) or any(size is None for size, _ in [*before.values(), *now.values()]):
        return "NE"
    if all(size < NODE_NORMAL_TENTHS if node else size == 0 for size, node in now.values()):
        return "CR"
    start, total = (sum(size for size, _ in sizes.values()) for sizes in (before, now))
    return "PR" if 10 * total <= 7 * start else "other"
