"""The cohort as every analysis sees it: patients, samples, files, pairs, batches, given responder status."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from gutaxis.cohort import checks_design, checks_keys
from gutaxis.cohort.checks_clinical import clinical_problems
from gutaxis.cohort.checks_columns import check_columns
from gutaxis.cohort.checks_response import response_problems
from gutaxis.cohort.completeness import completeness_table
from gutaxis.cohort.covariates import covariate_names, observation_table
from gutaxis.cohort.pairs import make_pairs
from gutaxis.cohort.sheets import read_sheet
from gutaxis.cohort.vocabulary import SHEETS, day_column
from gutaxis.errors import GutaxisError, Problem, raise_if_errors

Tables = dict[str, pd.DataFrame]
CLINICAL_SHEETS = ("lesions", "measurements", "progressions", "adverse_events", "medications")


@dataclass(frozen=True)
class Sample:
    """One row of the samples sheets; None where the sheet is silent.

    ``files_1`` and ``files_2`` hold one path per lane; ``files_2`` is empty for single-end reads and other formats.
    """

    sample_id: str
    patient_id: str | None
    assay: str
    material: str
    timepoint: str | None
    collect_date: str | None
    batch: str
    qc: str
    control: str
    replicate: str | None
    files_1: tuple[str, ...]
    files_2: tuple[str, ...]


@dataclass(frozen=True)
class Cohort:
    """Checked sheets and what follows from them.

    Parameters
    ----------
    patients
        Index ``patient_id``, sorted; every column of the vocabulary, NaN where the sheet is silent. Numbers are floats.
        Beside each date column stands its day number from the patient's ILDR (``death_date``: ``death_day``; ILDR is 0,
        the day after 1), NaN if either is not known.
    samples
        Index ``sample_id``, sorted; as above, with tuples ``files_1`` and ``files_2``, and ``control``, ``qc``.
    pairs
        One row per patient, assay and material: patient_id assay material pre post pair_id pair_status reason, and
        ``response`` (R, NR, NaN) if the config says it is given. ``pre`` and ``post`` are sample ids or NaN.
    lesions, measurements, progressions, adverse_events, medications
        As the sheets, sorted, or None if not named in the config.
    covariates
        Adjusters that the config asks for and the sheets have; columns of :meth:`observations`.
    warnings
        What the checks found odd but not wrong.
    batch_sheets
        Batches of each samples sheet, sorted, the sheets in the order of the config.
    """

    patients: pd.DataFrame
    samples: pd.DataFrame
    pairs: pd.DataFrame
    lesions: pd.DataFrame | None = None
    measurements: pd.DataFrame | None = None
    progressions: pd.DataFrame | None = None
    adverse_events: pd.DataFrame | None = None
    medications: pd.DataFrame | None = None
    covariates: tuple[str, ...] = ()
    warnings: list[Problem] = field(default_factory=list)
    batch_sheets: tuple[tuple[str, ...], ...] = ()

    def _select(self, *, assay: str | None) -> pd.DataFrame:
        return self.samples if assay is None else self.samples[self.samples["assay"] == assay]

    def sample_ids(
        self, *, assay: str | None = None, control: bool | str | None = None, qc_pass: bool = True
    ) -> list[str]:
        """Return sample ids in order.

        Parameters
        ----------
        assay
            Only this assay; None: all.
        control
            False: only patients' samples. True: only controls. A kind, such as ``POOL_QC``: only those. None: all.
        qc_pass
            Whether samples with a verdict other than PASS are left out.
        """
        rows = self._select(assay=assay)
        if isinstance(control, str):
            rows = rows[rows["control"] == control]
        elif control is not None:
            rows = rows[(rows["control"] != "N") == control]
        return sorted(rows.index[rows["qc"] == "PASS"] if qc_pass else rows.index)

    def sample(self, *, sample_id: str) -> Sample:
        """Return one sample; raises KeyError for an unknown id."""
        row = self.samples.loc[sample_id]
        names = [name for name in Sample.__dataclass_fields__ if name != "sample_id"]
        plain = {name: None if isinstance(row[name], float) else row[name] for name in names}
        return Sample(sample_id=sample_id, **plain)

    def files(self, *, sample_id: str) -> tuple[list[str], list[str]]:
        """Return the paths of a sample's raw files, lane by lane, usable from the working directory.

        Returns
        -------
        tuple
            Mates 1 and mates 2; the second list is empty for single-end reads and other formats, both are empty if the
            sheet names no file. Raises KeyError for an unknown id.
        """
        return list(self.samples.at[sample_id, "files_1"]), list(self.samples.at[sample_id, "files_2"])

    @property
    def completeness(self) -> pd.DataFrame:
        """Which patient has which material when: patient_id assay material pre post status reason."""
        return completeness_table(pairs=self.pairs)

    def observations(self, *, assay: str | None = None) -> pd.DataFrame:
        """Describe samples for a feature table; no outcome is among the columns.

        Parameters
        ----------
        assay
            Only this assay; None: all.

        Returns
        -------
        pandas.DataFrame
            Index ``sample_id``, sorted, controls and failed samples included: patient_id timepoint batch cohort control
            days_from_ildr pair_id pair_status assay material qc, then the covariates that have any value. A sample that
            no pair uses has the status EXTRA, or FAILED_QC.
        """
        return observation_table(
            samples=self._select(assay=assay), patients=self.patients, pairs=self.pairs, medications=self.medications
        )

    def digest(self, *, assay: str | None = None) -> str:
        """Return a SHA-256 over the content, whatever the order of rows, columns and files.

        Parameters
        ----------
        assay
            Only the samples of this assay and the patients they come from, so that a change elsewhere does not change
            the digest; None: everything.
        """
        samples = self._select(assay=assay)
        patients = self.patients
        tables = {"samples": samples.reset_index()}
        if assay is None:
            tables |= {name: getattr(self, name) for name in CLINICAL_SHEETS if getattr(self, name) is not None}
        else:
            patients = patients[patients.index.isin(samples["patient_id"])]
        tables["patients"] = patients.reset_index()
        # Empty columns are left out: adding one, or a newer vocabulary, changes nothing.
        content = {
            name: sorted(
                json.dumps(
                    {key: value for key, value in row.items() if not (isinstance(value, float) and math.isnan(value))},
                    sort_keys=True,
                )
                for row in table.to_dict("records")
            )
            for name, table in tables.items()
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_cohort(*, config: Mapping[str, Any], root: Path) -> Cohort:
    """Read and check every sheet that the config names.

    Parameters
    ----------
    config
        What :func:`gutaxis.cohort.load_config` returned.
    root
        The working directory, to which the config's paths are relative.

    Returns
    -------
    Cohort
        With the warnings found.

    Raises
    ------
    GutaxisError
        With all errors of all sheets, sorted by file, line and code.
    """
    root = Path(root)
    tables, problems = _read(config, root)
    # A sheet that cannot be read is told once; checks between sheets run on what is there.
    if "samples" in tables:
        tables["samples"], found = checks_keys.find_files(samples=tables["samples"], config=config, root=root)
        problems += found
    problems += checks_keys.key_problems(tables=tables)
    # A cell that is no number is told already; that a number is missing there need not be told as well.
    told = {(problem.code, problem.file, problem.line, problem.column) for problem in problems}
    found = clinical_problems(tables=tables, config=config)
    problems += [item for item in found if (item.code, item.file, item.line, item.column) not in told]
    problems += response_problems(tables=tables)
    problems += checks_design.layer_problems(config=config, root=root)
    if "patients" not in tables or "samples" not in tables:
        raise GutaxisError([problem for problem in problems if not problem.is_warning])
    covariates, found = covariate_names(tables=tables, config=config)
    problems += found
    raise_if_errors(problems)

    by_sheet = tables["samples"].groupby("_file", sort=False)["batch"]
    batch_sheets = tuple(tuple(sorted(set(names.astype(str)))) for _, names in by_sheet)
    tables = {name: _finish(name, table, tables["patients"]) for name, table in tables.items()}
    pairs = make_pairs(samples=tables["samples"], patients=tables["patients"], visits=config["visits"])
    if config["response"]["source"] == "given":
        pairs["response"] = pairs["patient_id"].map(tables["patients"]["response"])
    else:
        tables["patients"] = tables["patients"].drop(columns="response")
    problems += checks_design.design_problems(
        samples=tables["samples"], patients=tables["patients"], pairs=pairs, config=config
    )
    tables = {name: table.drop(columns=["_file", "_line"]) for name, table in tables.items()}
    return Cohort(
        **tables, pairs=pairs, covariates=covariates, warnings=sorted(problems, key=Problem.sort_key),
        batch_sheets=batch_sheets,
    )  # fmt: skip


def _read(config: Mapping[str, Any], root: Path) -> tuple[Tables, list[Problem]]:
    """Read and type the sheets; several samples sheets become one table."""
    paths = {sheet: config["cohort"][sheet] for sheet in SHEETS if config["cohort"][sheet]}
    listed = [
        (sheet, path) for sheet, entry in paths.items() for path in ([entry] if isinstance(entry, str) else entry)
    ]
    names = [Path(path).name for _, path in listed]
    parts: dict[str, list[pd.DataFrame]] = {}
    problems: list[Problem] = []
    for (sheet, path), name in zip(listed, names, strict=True):
        try:
            label = name if names.count(name) == 1 else path
            table = read_sheet(path=root / path, sheet=sheet, label=label)
        except GutaxisError as error:
            problems += error.problems
            parts.setdefault(sheet, [])
            continue
        position = len(parts.setdefault(sheet, [])) + 1
        typed, found = check_columns(table=table, sheet=sheet, config=config, position=position)
        typed["_folder"] = str(Path(path).parent)
        problems += found
        parts[sheet].append(typed)
    tables = {sheet: pd.concat(found, ignore_index=True) for sheet, found in parts.items() if found}
    return tables, problems


def _finish(name: str, table: pd.DataFrame, patients: pd.DataFrame) -> pd.DataFrame:
    """Count days from the patient's ILDR, sort, and set the index."""
    table = table.drop(columns="_folder")
    days = [day_column(name=column.name) for column in SHEETS[name] if column.kind in {"date", "partial_date"}]
    days += [f"{day}_last" for day in days if f"{day}_last" in table]
    ildr = table["patient_id"].map(patients.set_index("patient_id")["ildr_day"]).astype(float)
    table[days] = table[days].sub(ildr, axis=0)
    if name in {"patients", "samples"}:
        return table.set_index("patient_id" if name == "patients" else "sample_id").sort_index()
    order = [column.name for column in SHEETS[name] if column.kind in {"id", "date", "partial_date", "word"}]
    return table.sort_values(order, kind="stable", ignore_index=True)
