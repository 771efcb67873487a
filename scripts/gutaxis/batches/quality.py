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
#: Earlier samples needed before one can be told to be unlike them.
MIN_EARLIER = 5
#: |robust z| beyond which a value is flagged.
LIMIT = 3.5
#: Columns that are no measure of a sample's quality.
NO_MEASURE = {"run_order", "lanes", "n_genes", "n_barcodes"}


def compare_quality(*, tables: dict[str, pd.DataFrame], newest: Sequence[str]) -> pd.DataFrame:
    r"""Return every measure of the newest samples against the earlier ones.

    Parameters
    ----------
    tables
        Assay -> one row per sample: sample_id, batch, measures. Controls are to be left out.
    newest
        Batches.

    Returns
    -------
    pandas.DataFrame
        ``QUALITY_COLUMNS``. ``earlier_low`` and ``_high`` are the least and largest earlier value, ``robust_z`` is
        :math:`(x - \mathrm{median}) / (1.4826\,\mathrm{MAD})` of the earlier values, NA below five of them or where
        all are equal. ``flag``: Y beyond 3.5 (Iglewicz and Hoaglin, How to detect and handle outliers, 1993) or,
        where all earlier values are equal, if the value is another one.
    """
    rows = []
    for assay, table in sorted(tables.items()):
        measures = [name for name in table.columns if name not in {"sample_id", "batch", "mode", *NO_MEASURE}]
        groups = table.groupby("mode", sort=True) if "mode" in table else [("", table)]
        for mode, own in groups:
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
                        far = abs(z) > LIMIT if spread > 0 else earlier.nunique() == 1 and value != median
                        flag = "Y" if far else "N"
                    rows.append(
                        (
                            assay, f"{name}, {mode} mode" if mode else name, own.at[row, "sample_id"],
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
        ``BLANK_COLUMNS``, the species that is most in the samples first; empty if there is no blank. A species of the
        gut in a blank is as likely a sample that spilled over as a contaminant of the samples: no verdict is given.
    """
    blanks = controls[(controls["control"] == "BLANK") & (controls["species"] != "UNCLASSIFIED")]
    blanks = blanks.assign(percent=blanks["percent"].astype(float))
    blanks = blanks[blanks["percent"] > 0]
    new = blanks["batch"].astype(str).isin(set(newest))
    mine = [name for name in taxa.columns if str(batches.get(name)) in set(newest)]
    others = [name for name in taxa.columns if name not in mine]
    rows = []
    for species, own in blanks[new].groupby("species", sort=True):
        there = taxa.loc[species] if species in taxa.index else pd.Series(0.0, taxa.columns)
        rows.append(
            (
                species, own["sample_id"].nunique(), own["percent"].mean(),
                "Y" if species in set(blanks.loc[~new, "species"]) else "N",
                len(mine), int((there[mine] > 0).sum()), 100 * there[mine].mean(), 100 * there[mine].max(),
                int((there[others] > 0).sum()), 100 * there[others].mean(),
            )
        )  # fmt: skip
    table = pd.DataFrame(rows, columns=BLANK_COLUMNS)
    return table.sort_values(["mean_percent", "species"], ascending=[False, True], ignore_index=True)
