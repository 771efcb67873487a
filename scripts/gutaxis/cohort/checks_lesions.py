"""Checks of lesions and their measurements: E07-E12, W01-W03, W08, W09."""

from collections.abc import Mapping

import pandas as pd

from gutaxis.cohort.checks_columns import flag
from gutaxis.cohort.vocabulary import LESION_TARGET_MM, NODE_TARGET_MM
from gutaxis.errors import Problem

Tables = Mapping[str, pd.DataFrame]
MAX_SCAN_GAP_DAYS = 14 * 7
#: Findings that mean a lesion is there.
SEEN = ("MEASURED", "TOO SMALL", "PRESENT", "UNEQUIVOCAL PROGRESSION", "EQUIVOCAL")


def by_patient(*, tables: Tables, name: str, sheet: str) -> pd.Series:
    """Return a column of the patients sheet for every row of another sheet."""
    patients = tables["patients"].drop_duplicates("patient_id").set_index("patient_id")
    return tables[sheet]["patient_id"].map(patients[name])


def with_lesions(*, tables: Tables) -> pd.DataFrame:
    """Return the measurements with category, organ, is_node of the lesion, ``ildr_day`` and whether it is the baseline.

    The baseline of a patient and reader is the last assessment on or before ILDR.
    """
    lesions = tables["lesions"].drop_duplicates(["patient_id", "lesion_id"])
    rows = tables["measurements"].merge(
        lesions[["patient_id", "lesion_id", "category", "organ", "is_node"]], on=["patient_id", "lesion_id"], how="left"
    )
    patients = tables["patients"].drop_duplicates("patient_id").set_index("patient_id")
    rows["ildr_day"] = rows["patient_id"].map(patients["ildr_day"]).astype(float)
    before = rows["assess_day"].where(rows["assess_day"] <= rows["ildr_day"])
    rows["baseline"] = before == before.groupby([rows["patient_id"], rows["reader"]]).transform("max")
    return rows


def lesion_problems(*, rows: pd.DataFrame) -> list[Problem]:
    """Return E07, too many targets, and W03, field not known.

    Parameters
    ----------
    rows
        The typed lesions sheet.
    """
    targets = rows[(rows["category"] == "TARGET") & rows["patient_id"].notna()].drop_duplicates(
        ["patient_id", "lesion_id"]
    )
    targets = targets.assign(_organ=targets["organ"].mask(targets["is_node"] == "Y", "lymph nodes (one organ)"))
    sixth = targets.groupby("patient_id").cumcount() >= 5
    third = (targets.groupby(["patient_id", "_organ"]).cumcount() >= 2) & ~sixth
    told = {"code": "E07", "column": "lesion_id", "mend": "Make the surplus lesions NON-TARGET"}
    return [
        *flag(
            targets[sixth],
            wrong="Patient {patient_id} has more than 5 target lesions",
            allowed="At most 5 (RECIST 1.1)",
            **told,
        ),
        *flag(
            targets[third],
            wrong="Patient {patient_id} has more than 2 target lesions in {_organ}",
            allowed="At most 2 per organ (RECIST 1.1)",
            **told,
        ),
        *flag(
            rows[rows["irradiated"] == "U"],
            code="W03",
            column="irradiated",
            wrong="It is not known whether lesion {lesion_id} of {patient_id} was in the ILDR field",
            allowed="The lesion does not count for the abscopal endpoint",
            mend="Fill Y or N, if the plan tells",
        ),
    ]


def measurement_problems(*, rows: pd.DataFrame) -> list[Problem]:
    """Return E08-E12 and W08: measurements that contradict themselves, the lesion or the baseline.

    Parameters
    ----------
    rows
        From :func:`with_lesions`.
    """
    measured = rows["state"] == "MEASURED"
    problems = [
        *flag(
            rows[rows["value_mm"].notna() & rows["state"].notna() & ~measured],
            code="E11",
            column="value_mm",
            wrong="A size is given with state {state}",
            allowed="A size only with state MEASURED",
            mend="Empty value_mm, or write MEASURED",
        ),
        *flag(
            rows[rows["value_mm"].isna() & measured & rows["value_mm"].notna().any()],
            code="E11",
            column="value_mm",
            wrong="The size is missing",
            allowed="With state MEASURED a number from 0 to 500",
            mend="Fill it, or write NOT EVALUATED",
        ),
        *flag(
            rows[measured & rows["axis"].isna() & rows["axis"].notna().any()],
            code="E03",
            column="axis",
            wrong="The axis is missing",
            allowed="LDIAM (longest diameter) or LPERP (short axis)",
            mend="Fill it",
        ),
    ]
    when = ["patient_id", "lesion_id", "assess_day", "reader"]
    node = (rows["is_node"] == "Y") & measured
    short = (rows["axis"] == "LPERP").groupby([rows[name] for name in when]).transform("max").astype(bool)
    problems += flag(
        rows[node & (rows["axis"] == "LDIAM") & ~short],
        code="E12",
        column="axis",
        wrong="Lymph node {lesion_id} has only a longest diameter",
        allowed="Lymph nodes count with their short axis, LPERP",
        mend="Add the short axis",
    )
    return problems + _baseline(rows) + _suspect_unit(rows)


def _baseline(rows: pd.DataFrame) -> list[Problem]:
    target, node, base = rows["category"] == "TARGET", rows["is_node"] == "Y", rows["baseline"]
    short = target & base & ~node & (rows["axis"] == "LDIAM") & (rows["value_mm"] < LESION_TARGET_MM)
    thin = target & base & node & (rows["axis"] == "LPERP") & (rows["value_mm"] < NODE_TARGET_MM)
    unmeasured = target & base & rows["state"].notna() & (rows["state"] != "MEASURED")
    rows = rows.assign(_organ=rows["organ"].fillna("organ not given"))
    told = {"code": "E08", "column": "value_mm", "mend": "Make lesion {lesion_id} NON-TARGET or correct value_mm"}
    seen = rows[rows["state"].isin(SEEN)].sort_values("assess_day", kind="stable")
    first = seen.drop_duplicates(["patient_id", "lesion_id"])
    after = first[first["category"].isin(("TARGET", "NON-TARGET")) & (first["assess_day"] > first["ildr_day"])]
    early = rows[(rows["category"] == "NEW") & rows["state"].isin(SEEN) & (rows["assess_day"] <= rows["ildr_day"])]
    return [
        *flag(
            rows[short],
            wrong="Lesion {lesion_id} ({_organ}): longest diameter {value_mm:g} mm at baseline",
            allowed=f"A target lesion needs >= {LESION_TARGET_MM} mm",
            **told,
        ),
        *flag(
            rows[thin],
            wrong="Lesion {lesion_id} (lymph node): short axis {value_mm:g} mm at baseline",
            allowed=f"A target node needs >= {NODE_TARGET_MM} mm",
            **told,
        ),
        *flag(
            rows[unmeasured],
            value="state",
            wrong="Target lesion {lesion_id} is {state} at baseline",
            allowed="A target lesion is measured at baseline",
            **told,
        ),
        *flag(
            after.sort_index(),
            code="E09",
            column="assess_date",
            wrong="{category} lesion {lesion_id} of {patient_id} is first seen after ILDR",
            allowed="TARGET and NON-TARGET lesions are seen at baseline",
            mend="Make it NEW, or correct the date",
        ),
        *flag(
            early,
            code="E10",
            column="assess_date",
            wrong="NEW lesion {lesion_id} of {patient_id} is seen on or before ILDR",
            allowed="NEW lesions appear after ILDR",
            mend="Make it TARGET or NON-TARGET, or correct the date",
        ),
    ]


def _suspect_unit(rows: pd.DataFrame) -> list[Problem]:
    """W08: ten times the value fits the lesion's last size: it was probably written in cm."""
    rows = rows[(rows["state"] == "MEASURED") & rows["value_mm"].notna() & rows["assess_day"].notna()]
    ordered = rows.sort_values("assess_day", kind="stable")
    last = ordered.groupby(["patient_id", "lesion_id", "reader", "axis"])["value_mm"].shift()
    ordered = ordered.assign(_last=last)
    odd = ordered["value_mm"].between(0.1, 9) & (ordered["value_mm"] * 10 / last).between(0.5, 1.5)
    return flag(
        ordered[odd & (ordered["category"] == "TARGET")].sort_index(),
        code="W08",
        column="value_mm",
        wrong="{lesion_id} of {patient_id} was {_last:g} before: this looks like cm",
        allowed="Sizes are in mm",
        mend="Multiply by 10, if it is cm",
    )


def scan_problems(*, tables: Tables) -> list[Problem]:
    """Return W01 no target, W02 no scan after ILDR, W09 a long gap.

    Parameters
    ----------
    tables
        Typed sheets by name: patients, lesions, measurements.
    """
    patients, lesions, scans = tables["patients"], tables["lesions"], tables["measurements"]
    with_target = lesions.loc[lesions["category"] == "TARGET", "patient_id"]
    after = scans.loc[
        scans["assess_day"] > by_patient(tables=tables, name="ildr_day", sheet="measurements"), "patient_id"
    ]
    problems = [
        *flag(
            patients[~patients["patient_id"].isin(with_target)],
            code="W01",
            column="patient_id",
            wrong="The patient has no measurable (target) lesion",
            allowed="The trial asks for one or more",
            mend="Add it to the lesions sheet, if there is one",
        ),
        *flag(
            patients[~patients["patient_id"].isin(after)],
            code="W02",
            column="patient_id",
            wrong="The patient has no scan after ILDR",
            allowed="The response is MISSING (not a responder in ORR, NA in analyses)",
            mend="Add the scan when there is one",
        ),
    ]
    dates = scans.dropna(subset=["patient_id", "assess_day"]).drop_duplicates(["patient_id", "assess_day"])
    dates = dates.sort_values(["patient_id", "assess_day"], kind="stable")
    dates = dates.assign(_gap=dates.groupby("patient_id")["assess_day"].diff())
    return problems + flag(
        dates[dates["_gap"] > MAX_SCAN_GAP_DAYS],
        code="W09",
        column="assess_date",
        wrong="{_gap:g} days lie between this scan of {patient_id} and the one before",
        allowed="At most 14 weeks",
        mend="Add the scan between, if there was one",
    )
