"""What the clinical arm writes: names that a workflow plans with, without loading the libraries behind them."""

#: Figures by file name.
FIGURES = (
    "waterfall",
    "spider",
    "swimmer",
    "survival_pfs2",
    "survival_os",
    "cumulative_incidence",
    "abscopal_lesions",
    "adverse_events",
)


def endpoint_names(*, adverse_events: bool, irecist: bool, simon: bool) -> list[str]:
    """Return the names of the tables that :mod:`gutaxis.clinical.endpoints` makes, so that a workflow can plan them.

    Parameters
    ----------
    adverse_events
        Whether the sheet of adverse events is given.
    irecist, simon
        Whether these optional tables are asked for.
    """
    names = [
        "recist_timepoints",
        "best_response",
        "landmarks",
        "response_rates",
        "eligibility",
        "analysis_sets",
        "abscopal",
        "abscopal_lesions",
        "abscopal_rates",
        "time_to_event",
        "survival_rates",
        "survival_curves",
        "cumulative_incidence",
        "sample_response",
        "label_sensitivity",
        "label_sensitivity_switches",
        "warnings",
    ]
    names += ["adverse_events", "adverse_events_long"] if adverse_events else []
    names += ["irecist_timepoints", "irecist_best"] if irecist else []
    return names + (["simon"] if simon else [])
