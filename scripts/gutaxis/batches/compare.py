"""Before and after a new batch: main results, labels of patients, what was made of the earlier samples."""

import numpy as np
import pandas as pd

from gutaxis.batches.checksums import LAYER_ROW
from gutaxis.batches.collect import KEY, WITHOUT_Q

RESULT_COLUMNS = [
    *KEY, "label", "n_before", "n_after", "estimate_before", "estimate_after", "ci_low_before", "ci_high_before",
    "ci_low_after", "ci_high_after", "q_before", "q_after", "sign", "status",
]  # fmt: skip
SUMMARY_COLUMNS = [
    "table", "layer", "contrast", "features", "n_before", "n_after", "correlation", "same_sign", "found_before",
    "found_after", "entered", "left",
]  # fmt: skip
LABEL_COLUMNS = ["patient_id", "cohort", "batch", "what", "before", "after"]
OUTPUT_COLUMNS = ["sample_id", "assay", "batch", "what", "name", "state"]
#: Kinds of tables whose estimate has a sign; shares, rates and areas have none.
SIGNED = ("differential", "alpha")


def compare_results(*, before: pd.DataFrame, after: pd.DataFrame, fdr: float) -> pd.DataFrame:
    """Return every main result before and after.

    Parameters
    ----------
    before, after
        Tables of :func:`gutaxis.batches.collect.collect_results`.
    fdr
        A result with q (or p, in the kinds of tables that have no q) below it is found.

    Returns
    -------
    pandas.DataFrame
        ``RESULT_COLUMNS``. ``sign``: same, changed, or NA where a side is missing or an estimate has no sign;
        ``status``: stays found, entered (found now alone, also if it was not tested before), left (found before alone,
        also if it is not tested now), not found; only before, only after: tested on this side alone, and not found.
        Sorted: entered and left first, then by q after.
    """
    numbers = ["n", "estimate", "ci_low", "ci_high", "p", "q"]
    sides = []
    for table, name in ((before, "before"), (after, "after")):
        values = table.astype(dict.fromkeys(numbers, float)).drop_duplicates(KEY)
        values["q"] = values["q"].where(~values["table"].isin(WITHOUT_Q), values["p"])
        sides.append(values.rename(columns={column: f"{column}_{name}" for column in (*numbers, "label")}))
    made = sides[0].merge(sides[1], on=KEY, how="outer", indicator=True)
    made["label"] = made["label_after"].fillna(made["label_before"])
    signs = np.sign(made["estimate_before"]) * np.sign(made["estimate_after"])
    made["sign"] = signs.where(made["table"].isin(SIGNED)).map({1.0: "same", 0.0: "same", -1.0: "changed"})
    was, now = made["q_before"] < fdr, made["q_after"] < fdr
    made["status"] = np.select(
        [was & now, now, was, made["_merge"] == "left_only", made["_merge"] == "right_only"],
        ["stays found", "entered", "left", "only before", "only after"],
        "not found",
    )
    order = made["status"].map({"entered": 0, "left": 0, "stays found": 1}).fillna(2)
    made = made.assign(_order=order).sort_values(["_order", "q_after", *KEY], kind="stable", na_position="last")
    return made[RESULT_COLUMNS].reset_index(drop=True)


def summarise_results(*, compared: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each kind of table, layer and contrast.

    Parameters
    ----------
    compared
        From :func:`compare_results`.

    Returns
    -------
    pandas.DataFrame
        ``SUMMARY_COLUMNS``: ``correlation`` (Pearson, of the estimates before and after; NA below three features) and
        ``same_sign`` (share, NA where an estimate has no sign) over the features on both sides; how many were found,
        entered and left.
    """
    rows = []
    for keys, own in compared.groupby(["table", "layer", "contrast"], sort=True):
        both = own.dropna(subset=["estimate_before", "estimate_after"])
        varies = len(both) > 2 and both[["estimate_before", "estimate_after"]].std().min() > 0
        rows.append(
            (
                *keys, len(own), own["n_before"].max(), own["n_after"].max(),
                both["estimate_before"].corr(both["estimate_after"]) if varies else np.nan,
                (both["sign"].dropna() == "same").mean(),
                int(own["status"].isin(["stays found", "left"]).sum()),
                int(own["status"].isin(["stays found", "entered"]).sum()),
                int((own["status"] == "entered").sum()), int((own["status"] == "left").sum()),
            )
        )  # fmt: skip
    return pd.DataFrame(rows, columns=SUMMARY_COLUMNS)


def compare_labels(*, before: pd.DataFrame, after: pd.DataFrame, outcomes: list[str]) -> pd.DataFrame:
    """Return the patients that are new, and every outcome of an earlier patient that changed.

    Parameters
    ----------
    before, after
        ``labels.tsv`` of two snapshots, every cell text or NaN.
    outcomes
        Columns of outcomes; one that a side does not have is not compared.

    Returns
    -------
    pandas.DataFrame
        ``LABEL_COLUMNS``, sorted; ``what``: new patient (after: the response), patient gone, or the outcome.
    """
    sides = [table.dropna(subset="patient_id").sort_values("sample_id") for table in (before, after)]
    was, now = (side.drop_duplicates("patient_id").set_index("patient_id") for side in sides)
    batches = sides[1].groupby("patient_id")["batch"].agg(lambda names: " ".join(sorted(set(names))))
    rows = []
    for patient in sorted(set(was.index) | set(now.index)):
        if patient not in was.index:
            rows.append((patient, now.at[patient, "cohort"], batches[patient], "new patient", None,
                         now.at[patient, "response"]))  # fmt: skip
        elif patient not in now.index:
            rows.append((patient, was.at[patient, "cohort"], None, "patient gone", was.at[patient, "response"], None))
        else:
            for name in [name for name in outcomes if name in was and name in now]:
                pair = was.at[patient, name], now.at[patient, name]
                if pair[0] != pair[1] and not (pd.isna(pair[0]) and pd.isna(pair[1])):
                    rows.append((patient, now.at[patient, "cohort"], batches[patient], name, *pair))
    return pd.DataFrame(rows, columns=LABEL_COLUMNS)


def one_class_batches(*, labels: pd.DataFrame) -> list[tuple[str, str, int]]:
    """Return batch, class and number of patients of every batch whose patients are all of one response class.

    Parameters
    ----------
    labels
        ``labels.tsv``; patients without a response do not count. Where all batches hold the same class there is nothing
        to mix up, and nothing is returned.
    """
    known = labels.dropna(subset=["patient_id", "response"]).drop_duplicates(["batch", "patient_id"])
    if known["response"].nunique() < 2:
        return []
    groups = known.groupby("batch")["response"]
    return [(str(name), str(own.iloc[0]), len(own)) for name, own in groups if own.nunique() == 1]


def compare_outputs(*, before: pd.DataFrame, after: pd.DataFrame, batches: pd.Series) -> pd.DataFrame:
    """Return whether what was made of each earlier sample kept its bytes.

    Parameters
    ----------
    before, after
        ``checksums.tsv`` of two snapshots.
    batches
        sample_id -> batch, of both.

    Returns
    -------
    pandas.DataFrame
        ``OUTPUT_COLUMNS``, files first, sorted: unchanged, changed, gone, new. A changed row of a layer may rest on a
        refit (log intensities, cells); a file of an earlier sample changes with its raw file, settings and code alone
        (and functions, where HUMAnN searches an index joint over the samples).
    """
    key = ["sample_id", "assay", "what", "name"]
    made = before.merge(after, on=key, how="outer", suffixes=("_before", "_after"), indicator=True)
    same = made["sha256_before"] == made["sha256_after"]
    made["state"] = np.select(
        [made["_merge"] == "left_only", made["_merge"] == "right_only", same], ["gone", "new", "unchanged"], "changed"
    )
    made["batch"] = made["sample_id"].map(batches)
    made = made.assign(_row=made["what"] == LAYER_ROW)
    return made.sort_values(["_row", *key], ignore_index=True)[OUTPUT_COLUMNS]
