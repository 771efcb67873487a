"""Two published studies with stool genera and metabolites, as sheets and tables this workflow reads.

``python -m gutaxis.cohort.published_omics --data public --study he_infants_2019 --out sheets/he_infants_2019`` writes
patients.tsv, samples.tsv, genera.tsv (fractions) and metabolites.tsv (log2; a 0 is below detection and becomes half of
the metabolite's smallest value). Neither study is a trial of ILDR: they are here because their findings are known.

``erawijantari_2020``
    Gastrectomy (42) against healthy (54), one sample each. The column ``response`` carries the group, R = gastrectomy
    and NR = healthy, so that the contrast ``baseline`` is gastrectomy minus healthy. It is no tumour response.
``he_infants_2019``
    80 infants; PRE is the visit Baseline, POST is Month12: 57 pairs. There is no response.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from gutaxis.cohort.published_sources import read_public
from gutaxis.errors import GutaxisError
from gutaxis.files import write_tsv

FOLDER = "microbiome_metabolome"
STUDIES = {
    "erawijantari_2020": ("ERAWIJANTARI_GASTRIC_CANCER_2020", "genera.counts.tsv.gz"),
    "he_infants_2019": ("HE_INFANTS_MFGM_2019", "genera.tsv"),
}
GROUPS = {"Gastrectomy": "R", "Healthy": "NR"}
VISITS = {"Baseline": "PRE", "Month12": "POST"}


def study_sheets(*, data: Path | str, study: str) -> dict[str, pd.DataFrame]:
    """Return the sheets and tables of one study.

    Parameters
    ----------
    data
        Folder of the public files (config/examples/README.md).
    study
        One of ``STUDIES``.

    Returns
    -------
    dict
        ``patients``, ``samples`` (sheets); ``genera`` (fractions), ``metabolites`` (log2), index sample.

    Raises
    ------
    GutaxisError
        P01 a file is absent, P02 it lacks a column.
    """
    folder, genera_file = STUDIES[study]
    meta = read_public(
        data=Path(data), path=f"{FOLDER}/{folder}/metadata.tsv", columns=("Sample", "Subject", "Study.Group")
    )
    genera, metabolites = (
        read_public(data=Path(data), path=f"{FOLDER}/{folder}/{name}", columns=("Sample",))
        .set_index("Sample")
        .astype(float)
        for name in (genera_file, "mtb.tsv")
    )
    if study == "erawijantari_2020":
        meta = meta.assign(timepoint="PRE", response=meta["Study.Group"].map(GROUPS), cohort=study)
    else:
        meta = meta[meta["Study.Group"].isin(VISITS)]
        meta = meta.assign(timepoint=meta["Study.Group"].map(VISITS), response="NA", cohort=meta["diet"])
    meta = meta.assign(age=meta["Age"], sex=meta["Gender"].map({"Male": "M", "Female": "F"}))
    patients = meta.drop_duplicates("Subject")[["Subject", "cohort", "response", "sex"]]
    samples = meta[["Sample", "Subject", "timepoint"]].assign(batch=study, control="N")
    names = meta["Sample"]
    # joined by name: the tables of one study are in different row order
    fractions = genera.loc[names].div(genera.loc[names].sum(axis=1), axis=0)
    values = metabolites.loc[names].replace(0, np.nan)
    values = values.loc[:, values.notna().any()]
    return {
        "patients": patients.rename(columns={"Subject": "patient_id"}).sort_values("patient_id"),
        "samples": samples.rename(columns={"Sample": "sample_id", "Subject": "patient_id"}).sort_values("sample_id"),
        "genera": fractions.loc[:, fractions.sum() > 0].sort_index(),
        "metabolites": np.log2(values.fillna(values.min() / 2)).sort_index(),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(prog="gutaxis.cohort.published_omics", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", required=True, help="folder with the public files")
    parser.add_argument("--study", required=True, choices=sorted(STUDIES))
    parser.add_argument("--out", type=Path, required=True, help="folder that receives sheets and tables")
    chosen = parser.parse_args(arguments)
    try:
        tables = study_sheets(data=chosen.data, study=chosen.study)
    except GutaxisError as error:
        print(error, file=sys.stderr)
        return 1
    for name, table in tables.items():
        write_tsv(table, chosen.out / f"{name}.tsv", index=name in {"genera", "metabolites"})
        print(f"{name}.tsv: {table.shape[0]} rows, {table.shape[1]} columns")
    return 0


if __name__ == "__main__":
    sys.exit(main())
