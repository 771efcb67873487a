"""Every clinical figure of a run: which there are, what each is drawn from."""

from pathlib import Path
from typing import Any

from gutaxis.clinical.endpoints import derive_from_config
from gutaxis.clinical.figures import (
    Chart,
    abscopal_figure,
    adverse_events_figure,
    empty_figure,
    incidence_figure,
    lesion_courses,
    save_figure,
    spider,
    survival_figure,
    swimmer,
    waterfall,
)
from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.cohort.tables import read_tables


def clinical_charts(*, tables: dict[str, Any], config: dict[str, Any]) -> dict[str, Chart]:
    """Return every clinical figure by name.

    Parameters
    ----------
    tables
        The cohort's tables.
    config
        Sections clinical, visits, response and the key dates of the config.
    """
    settings = ClinicalSettings.from_config(config)
    endpoints = derive_from_config(tables=tables, config=config)
    made = endpoints.tables
    patients = tables["patients"].loc[lambda rows: rows["ildr_date"].notna()]
    courses = lesion_courses(
        patients=patients, lesions=tables["lesions"], measurements=tables["measurements"], settings=settings
    )
    common = {"best_response": made["best_response"], "settings": settings}
    followed = {"patients": patients, "timepoints": made["recist_timepoints"], **common}
    week = max(settings.weeks_adverse_events)
    if "adverse_events_long" in made:
        sets = made["analysis_sets"]
        safety = sets.loc[sets["SAF"] == "Y", "patient_id"].tolist()
        events = adverse_events_figure(events=made["adverse_events_long"], safety=safety, week=week)
    else:
        events = empty_figure(title="Adverse events", reason="the config names no sheet of adverse events")
    return {
        "waterfall": waterfall(courses=courses, **common),
        "spider": spider(**followed),
        "swimmer": swimmer(**followed, time_to_event=made["time_to_event"]),
        "survival_pfs2": survival_figure(time_to_event=made["time_to_event"], paramcd="PFS2", settings=settings),
        "survival_os": survival_figure(time_to_event=made["time_to_event"], paramcd="OS", settings=settings),
        "cumulative_incidence": incidence_figure(time_to_event=made["time_to_event"]),
        "abscopal_lesions": abscopal_figure(lesions=made["abscopal_lesions"], patients=patients, settings=settings),
        "adverse_events": events,
    }


def draw_figures(*, paths: list[str], config: dict[str, Any], files: dict[str, str]) -> None:
    """Draw every clinical figure as SVG and as one interactive HTML page.

    Parameters
    ----------
    paths
        Files of the cohort's tables.
    config
        As :func:`clinical_charts`.
    files
        ``{figure}_svg`` and ``{figure}_html`` -> file to write.
    """
    for name, chart in clinical_charts(tables=read_tables(paths=paths), config=config).items():
        save_figure(chart=chart, svg=Path(files[f"{name}_svg"]), html=Path(files[f"{name}_html"]))
