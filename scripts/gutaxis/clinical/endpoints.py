"""The clinical arm in one pass: from the checked sheets to every table of ``results/clinical/``."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from gutaxis.clinical.abscopal import abscopal_effect
from gutaxis.clinical.abscopal_rates import abscopal_rates
from gutaxis.clinical.adverse_event_rates import adverse_events
from gutaxis.clinical.adverse_events import adverse_event_problems, adverse_events_long
from gutaxis.clinical.best_response import best_response
from gutaxis.clinical.eligibility import analysis_sets, eligibility
from gutaxis.clinical.follow_up import cut_days
from gutaxis.clinical.irecist import irecist_best, irecist_timepoints
from gutaxis.clinical.label_sensitivity import label_sensitivity
from gutaxis.clinical.progression import progression_days, progression_problems
from gutaxis.clinical.recist import Recist, assess
from gutaxis.clinical.response_rates import landmarks, response_rates
from gutaxis.clinical.sample_response import COLUMNS, sample_response
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.clinical.simon import simon_table
from gutaxis.clinical.survival_rates import cumulative_incidences, survival_curves, survival_rates
from gutaxis.clinical.time_to_event import sensitivity_times, time_to_event
from gutaxis.cohort.tables import read_tables
from gutaxis.errors import Problem
from gutaxis.files import write_tsv

Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Endpoints:
    """What :func:`derive_endpoints` returns.

    Parameters
    ----------
    tables
        Table name -> table; the names are the files of ``results/clinical/``.
    recist
        Time points, baselines and lesion cells, for the figures.
    cut
        patient_id -> last day of follow-up from ILDR.
    warnings
        What the derivation had to assume.
    """

    tables: dict[str, pd.DataFrame]
    recist: Recist
    cut: pd.Series
    warnings: list[Problem]


def given(*, tables: Tables, name: str) -> pd.DataFrame | None:
    """Return a sheet's table, or None if the sheet was not given."""
    table = tables.get(name)
    return None if table is None or table.empty else table


def derive_endpoints(*, tables: Tables, settings: ClinicalSettings, data_cut: str | None, dates: str) -> Endpoints:
    """Derive every clinical endpoint from the checked sheets.

    Parameters
    ----------
    tables
        The cohort's tables (:mod:`gutaxis.cohort.tables`).
    settings
        The clinical choices.
    data_cut
        Day of the data cut, or None for the latest date in the sheets.
    dates
        ``iso`` or ``study_day``.
    """
    patients, lesions, measurements = tables["patients"], tables["lesions"], tables["measurements"]
    progressions, events = given(tables=tables, name="progressions"), given(tables=tables, name="adverse_events")
    cut = cut_days(patients=patients, measurements=measurements, adverse_events=events, data_cut=data_cut, dates=dates)
    recist = assess(lesions=lesions, measurements=measurements, settings=settings)
    times = {"patients": patients, "timepoints": recist.timepoints, "settings": settings}
    best = best_response(**times, follow_up=cut, baselines=recist.baselines)
    marks = landmarks(**times, best=best.table, follow_up=cut)
    criteria = eligibility(patients=patients, baselines=recist.baselines, settings=settings)
    sets = analysis_sets(**times, criteria=criteria, baselines=recist.baselines)
    cohorts = patients["cohort"].loc[sets.loc[sets["FAS"] == "Y", "patient_id"]]
    abscopal = abscopal_effect(**times, lesions=lesions, cells=recist.cells, cut=cut)
    event_times = time_to_event(**times, progressions=progressions, cut=cut, dates=dates)
    other_times = sensitivity_times(**times, progressions=progressions, cut=cut, dates=dates)
    both = pd.concat([event_times, other_times], ignore_index=True)
    progression = progression_days(**times, progressions=progressions)
    made = {
        "recist_timepoints": recist.timepoints,
        "best_response": best.table,
        "landmarks": marks,
        "response_rates": response_rates(landmarks=marks, patients=patients, analysis_sets=sets),
        "eligibility": criteria,
        "analysis_sets": sets,
        "abscopal": abscopal.patients,
        "abscopal_lesions": abscopal.lesions,
        "abscopal_rates": abscopal_rates(effect=abscopal, cohorts=cohorts),
        "time_to_event": both,
        "survival_rates": survival_rates(times=both, cohorts=cohorts, settings=settings),
        "survival_curves": survival_curves(times=both, cohorts=cohorts),
        "cumulative_incidence": cumulative_incidences(times=both, cohorts=cohorts, settings=settings),
        "sample_response": sample_response(
            samples=tables["samples"],
            pairs=tables["pairs"],
            medications=given(tables=tables, name="medications"),
            best_response=best.table,
            landmarks=marks,
            abscopal=abscopal.patients,
            times=event_times,
            progression=progression,
            cut=cut,
            data_cut=data_cut,
            **times,
        ),
    }
    sensitivity = label_sensitivity(
        patients=patients, lesions=lesions, recist=recist, progressions=progressions, cut=cut, settings=settings,
        dates=dates,
    )  # fmt: skip
    made["label_sensitivity"], made["label_sensitivity_switches"] = sensitivity.table, sensitivity.summary
    warnings = [*best.warnings, *progression_problems(patients=patients, progressions=progressions)]
    if events is not None:
        long = adverse_events_long(adverse_events=events, patients=patients)
        safety = sets.set_index("patient_id")["SAF"]
        made["adverse_events_long"] = long
        made["adverse_events"] = adverse_events(
            events=long, patients=patients, safety=safety, weeks=settings.weeks_adverse_events, cut=cut
        )
        warnings += adverse_event_problems(adverse_events=events, patients=patients)
    if settings.irecist:
        irecist = irecist_timepoints(timepoints=recist.timepoints, cells=recist.cells, settings=settings)
        made["irecist_timepoints"] = irecist
        made["irecist_best"] = irecist_best(irecist=irecist, patients=patients)
    if settings.simon is not None:
        made["simon"] = simon_table(**settings.simon)
    warnings.sort(key=Problem.sort_key)
    rows = [[item.code, item.file, item.column, item.value, str(item)] for item in warnings]
    made["warnings"] = pd.DataFrame(rows, columns=["code", "file", "column", "value", "message"])
    return Endpoints(made, recist, cut, warnings)


def given_sample_response(*, tables: Tables) -> pd.DataFrame:
    """Link samples to a response that the patients sheet gives (``response.source: given``); no endpoint is derived.

    Parameters
    ----------
    tables
        The cohort's tables; ``patients`` has the column response (R, NR, missing).

    Returns
    -------
    pandas.DataFrame
        The leading columns of :func:`gutaxis.clinical.sample_response.sample_response`; what only RECIST measurements
        could tell is missing. A response that is not given stays missing, it is never NR.
    """
    samples, patients = tables["samples"], tables["patients"]
    table = samples[samples["control"] == "N"].reset_index()
    used = tables["pairs"].melt(id_vars=["pair_id", "pair_status"], value_vars=["pre", "post"], value_name="sample_id")
    used = used.dropna(subset="sample_id").drop(columns="variable")
    table = table.merge(used, on="sample_id", how="left").join(patients[["cohort", "response"]], on="patient_id")
    table["days_from_ildr"] = table["collect_day"]
    return table.reindex(columns=COLUMNS).sort_values("sample_id", ignore_index=True)


def write_endpoints(*, paths: list[str], config: dict, files: dict[str, str]) -> None:
    """Derive and write the endpoints that a workflow asks for; what had to be assumed is printed.

    Parameters
    ----------
    paths
        Files of the cohort's tables.
    config
        Sections clinical, visits, response and the key dates of the config.
    files
        Table name -> file to write.
    """
    tables = read_tables(paths=paths)
    if config["response"]["source"] == "given":
        write_tsv(given_sample_response(tables=tables), files["sample_response"])
        return
    made = derive_from_config(tables=tables, config=config)
    for name, path in files.items():
        write_tsv(made.tables[name], path)
    for warning in made.warnings:
        print(warning)


def derive_from_config(*, tables: Tables, config: dict) -> Endpoints:
    """Derive the endpoints with the choices of a config; see :func:`derive_endpoints`."""
    return derive_endpoints(
        tables=tables,
        settings=ClinicalSettings.from_config(config),
        data_cut=config["clinical"]["data_cut"],
        dates=config["dates"],
    )
