"""The table of landmark rates: which day a week is, cohorts and pooled, who is left out, cumulative incidence."""

import numpy as np
import pandas as pd
import pytest

from gutaxis.clinical.settings import ClinicalSettings
from gutaxis.clinical.survival_rates import COLUMNS, cumulative_incidences, survival_curves, survival_rates

pytestmark = pytest.mark.unit
COHORTS = pd.Series({"A1": "LUNG", "A2": "LUNG", "B1": "OTHER", "B2": "OTHER"})


def times(paramcd: str, *rows: tuple) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["patient_id", "aval_days", "cnsr"])
    return table.assign(paramcd=paramcd)


TIMES = times("PFS2", ("A1", 43, 0), ("A2", 90, 0), ("B1", 44, 0), ("B2", 200, 1))


def rates(table=TIMES, cohorts=COHORTS, **keys) -> pd.DataFrame:
    found = survival_rates(times=table, cohorts=cohorts, settings=ClinicalSettings(**keys))
    return found.set_index(["paramcd", "week", "cohort"])


def test_columns_order_and_names():
    found = survival_rates(times=TIMES, cohorts=COHORTS, settings=ClinicalSettings())
    assert list(found.columns) == COLUMNS
    assert found[["week", "cohort"]].to_numpy().tolist() == [
        [week, cohort] for week in (6, 12, 24) for cohort in ("LUNG", "OTHER", "ALL")
    ]
    assert set(found["ci_type"]) == {"log-log"}


def test_an_event_on_the_last_day_of_the_week_counts():
    # 42 days after ILDR is day 43: inside week 6; the next day is not
    table = rates()
    assert table.loc[("PFS2", 6, "LUNG"), "rate"] == 0.5
    assert table.loc[("PFS2", 6, "OTHER"), "rate"] == 1
    assert table.loc[("PFS2", 6, "ALL"), ["rate", "n_at_risk", "n", "n_events"]].tolist() == [0.75, 4, 4, 3]


def test_median_follow_up_and_at_risk():
    table = rates()
    assert table.loc[("PFS2", 12, "ALL"), "median"] == 67.0  # on 0.5 from day 44 to 90
    assert table.loc[("PFS2", 12, "ALL"), "follow_up_median"] == 200
    assert np.isnan(table.loc[("PFS2", 12, "LUNG"), "follow_up_median"])
    assert table.loc[("PFS2", 24, "ALL"), "n_at_risk"] == 1


def test_beyond_the_last_observation_there_is_no_rate():
    table = rates(times("OS", ("A1", 50, 1), ("A2", 60, 1)))
    assert table.loc[("OS", 24, "LUNG"), ["rate", "ci_low", "ci_high", "median"]].isna().all()
    assert table.loc[("OS", 24, "OTHER"), "n"] == 0
    assert np.isnan(table.loc[("OS", 24, "OTHER"), "rate"])


def test_weeks_follow_the_parameter_and_patients_the_analysis_set():
    table = rates(pd.concat([TIMES, TIMES.assign(paramcd="OS")]), COHORTS.drop("B2"), weeks_survival=(10,))
    assert sorted(set(table.loc["OS"].index.get_level_values("week"))) == [10]
    assert table.loc[("PFS2", 6, "ALL"), "n"] == 3


def test_a_single_pooled_cohort_is_not_written_twice():
    found = rates(cohorts=pd.Series("ALL", index=COHORTS.index))
    assert list(found.index.get_level_values("cohort")) == ["ALL"] * 3


def test_cumulative_incidence_treats_other_deaths_as_competing():
    css = times("CSS", ("A1", 10, 0), ("A2", 20, 2), ("B1", 30, 0), ("B2", 400, 1))
    found = cumulative_incidences(times=css, cohorts=COHORTS, settings=ClinicalSettings())
    found = found.set_index(["cause", "week", "cohort"])
    assert found.loc[("CANCER", 24, "ALL"), "incidence"] == pytest.approx(0.5)
    assert found.loc[("OTHER", 24, "ALL"), "incidence"] == pytest.approx(0.25)
    # 1 - Kaplan-Meier overstates it: 1 - 3/4 * 1/2
    assert 1 - rates(css).loc[("CSS", 24, "ALL"), "rate"] == pytest.approx(0.625)
    assert found.loc[("CANCER", 24, "LUNG"), ["n", "n_events"]].tolist() == [2, 1]


def test_curves_for_figures():
    curves = survival_curves(times=TIMES, cohorts=COHORTS)
    assert curves[curves["cohort"] == "ALL"]["survival"].tolist() == [0.75, 0.5, 0.25, 0.25]
    assert survival_curves(times=TIMES.iloc[:0], cohorts=COHORTS).empty
