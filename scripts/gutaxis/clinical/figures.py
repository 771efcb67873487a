"""The figures of the clinical arm, in one place: each is one chart, saved as SVG and as one interactive HTML page."""

from gutaxis.clinical.figure_events import adverse_events_figure
from gutaxis.clinical.figure_frame import Chart, chart_spec, empty_figure, save_figure
from gutaxis.clinical.figure_lesions import abscopal_figure, spider, waterfall
from gutaxis.clinical.figure_survival import incidence_figure, survival_figure
from gutaxis.clinical.figure_swimmer import swimmer
from gutaxis.clinical.lesion_changes import field_changes, lesion_courses

__all__ = [
    "Chart",
    "abscopal_figure",
    "adverse_events_figure",
    "chart_spec",
    "empty_figure",
    "field_changes",
    "incidence_figure",
    "lesion_courses",
    "save_figure",
    "spider",
    "survival_figure",
    "swimmer",
    "waterfall",
]
