"""Quality of the newest samples against that of the earlier ones; what the newest blanks hold."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

QUALITY_COLUMNS = [
    "assay", "measure", "sample_id", "batch", "value", "earlier_n", "earlier_median", "earlier_low", "earlier_high",
    "robust_z", "flag",
]  # fmt: skip
BLANK_COLUMNS = [
    "species", "blanks", "blank_percent", "in_earlier_blanks", "samples", "samples_with", "mean_percent", "max_percent",
    "earlier_samples_with", "earlier_mean_percent",
]  # fmt: skip
PLASMA_COLUMNS = ["mode", "sample_id", "batch", "newest", "detected", "features"]
#: Earlier samples needed before one can be told to be unlike them.
MIN_EARLIER = 5
#: |robust z| beyond which a value is flagged.
LIMIT = 3.5
#: Columns that are no measure of a sample's quality: who it is, and the bounds that its cells were held against.
NO_MEASURE = {
    "sample_id", "patient_id", "timepoint", "batch", "control", "material", "mode", "run_order", "lanes", "file",
    "n_genes", "n_barcodes", "n_duplicated_symbols", "doublet_threshold", "min_counts", "min_genes", "max_mito",
    "max_top20",
}  # fmt: skip


def compare_quality(*, tables: dict[str, pd.DataFrame], newest: Sequence[str]) -> pd.DataFrame:
    r"""Return every measure of the newest samples against the earlier ones.

    Parameters
    ----------
    tables
        Assay -> one row per sample (and ``mode``): sample_id, batch, material, measures, as text or numbers. Controls
        are to be left out. Samples are compared within their material and mode.
    newest
        Batches.

    Returns
    -------
    pandas.DataFrame
        ``QUALITY_COLUMNS``. ``earlier_low`` and ``_high`` are the least and largest earlier value, ``robust_z`` is
        :math:`(x - \mathrm{median}) / (1.4826\,\mathrm{MAD})` of the earlier values, NA below five of them or where
        more than half are equal. ``flag``: Y beyond 3.5 (Iglewicz and Hoaglin, How to detect and handle outliers,
        1993) or, where more than half of the earlier values are equal, outside of all of them.
    """
    rows = []
    for assay, table in sorted(tables.items()):
        measures = [name for name in table.columns if name not in NO_MEASURE]
        kinds = ["material"] if table["material"].nunique() > 1 else []
        kinds += ["mode"] if "mode" in table else []
        groups = table.groupby(kinds, sort=True) if kinds else [((), table)]
        for kind, own in groups:
            new = own["batch"].astype(str).isin(set(newest))
            for name in measures:
                values = pd.to_numeric(own[name], errors="coerce")
                if values.notna().sum() == 0:
                    continue
                earlier = values[~new].dropna()
                median = earlier.median() if len(earlier) else np.nan
                spread = 1.4826 * (earlier - median).abs().median() if len(earlier) else np.nan
                for row in own[new].index:
                    value, z, flag = values[row], np.nan, "N"
                    if np.isfinite(value) and len(earlier) >= MIN_EARLIER:
                        z = (value - median) / spread if spread > 0 else np.nan
                        far = abs(z) > LIMIT if spread > 0 else not earlier.min() <= value <= earlier.max()
                        flag = "Y" if far else "N"
                    rows.append(
                        (
                            assay, ", ".join([name, *map(str, kind)]), own.at[row, "sample_id"],
                            own.at[row, "batch"], value, len(earlier), median, earlier.min(), earlier.max(), z, flag,
                        )
                    )  # fmt: skip
    table = pd.DataFrame(rows, columns=QUALITY_COLUMNS)
    return table.sort_values(["assay", "measure", "sample_id"], ignore_index=True)


def contamination(
    *, controls: pd.DataFrame, taxa: pd.DataFrame, batches: pd.Series, newest: Sequence[str]
) -> pd.DataFrame:
    """Return the species of the newest batches' blanks, and how much of them is in the samples.

    Parameters
    ----------
    controls
        ``metagenome/qc/controls.tsv``: sample_id batch control species percent.
    taxa
        Shares, species x samples, 0 to 1.
    batches
        sample_id -> batch.
    newest
        Batches.

    Returns
    -------
    pandas.DataFrame
        ``BLANK_COLUMNS``, the species that is most in the newest samples first; empty if there is no blank. A gut
        species in a blank is as likely a sample that spilled over as a contaminant of the samples: no verdict is given.
        ``blank_percent``: mean of the newest blanks that hold it; ``in_earlier_blanks``: NA where there are none.
    """
    blanks = controls[controls["control"] == "BLANK"]
    # a blank without a species has the row UNCLASSIFIED
    before = not blanks["batch"].astype(str).isin(set(newest)).all()
    blanks = blanks.assign(percent=blanks["percent"].astype(float))
    blanks = blanks[(blanks["species"] != "UNCLASSIFIED") & (blanks["percent"] > 0)]
    new = blanks["batch"].astype(str).isin(set(newest))
    known = set(blanks.loc[~new, "species"])
    mine = [name for name in taxa.columns if str(batches.get(name)) in set(newest)]
    others = [name for name in taxa.columns if name not in mine]
    rows = []
    for species, own in blanks[new].groupby("species", sort=True):
        there = taxa.loc[species] if species in taxa.index else pd.Series(0.0, taxa.columns)
        rows.append(
            (
                species, own["sample_id"].nunique(), own["percent"].mean(),
                ("Y" if species in known else "N") if before else None,
                len(mine), int((there[mine] > 0).sum()), 100 * there[mine].mean(), 100 * there[mine].max(),
                int((there[others] > 0).sum()), 100 * there[others].mean(),
            )
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=BLANK_COLUMNS)
    return table.sort_values(["mean_percent", "species"], ascending=[False, True], ignore_index=True)


def plasma_blanks(*, injections: pd.DataFrame, newest: Sequence[str]) -> pd.DataFrame:
    """Return how many of the features a plasma blank holds, for all blanks.

    Parameters
    ----------
    injections
        ``metabolome/normalised/injection_quality.tsv``: sample_id mode batch control n_detected n_forced n_absent.
    newest
        Batches.

    Returns
    -------
    pandas.DataFrame
        ``PLASMA_COLUMNS``, the newest blanks of a mode first. ``features``: those of the table that is normalised;
        which of them are mostly of the blanks is decided there, for all batches (``metabolome/normalised``).
    """
    own = injections[injections["control"] == "BLANK"]
    counts = own[["n_detected", "n_forced", "n_absent"]].astype(float)
    mode = own["mode"] if "mode" in own else pd.Series("NA", own.index)
    table = pd.DataFrame(
        {
            "mode": mode,
            "sample_id": own["sample_id"],
            "batch": own["batch"].astype(str),
            "newest": np.where(own["batch"].astype(str).isin(set(newest)), "Y", "N"),
            "detected": counts["n_detected"].astype(int),
            "features": counts.sum(axis=1).astype(int),
        },
        columns=PLASMA_COLUMNS,
    )
    order = table.assign(_old=table["newest"] == "N").sort_values(["mode", "_old", "sample_id"], kind="stable")
    return order[PLASMA_COLUMNS].reset_index(drop=True)
