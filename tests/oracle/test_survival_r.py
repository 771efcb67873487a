"""Survival against R: survival::survfit (curve, rates, medians, intervals) and cmprsk::cuminc, to 1e-8."""

import functools
import json
import shutil
import subprocess

import numpy as np
import pytest

from gutaxis.clinical.survival import (
    cumulative_incidence,
    follow_up_median,
    incidence_at,
    kaplan_meier,
    median_survival,
    survival_at,
)

pytestmark = pytest.mark.oracle
CLOSE = {"rel": 0, "abs": 1e-8, "nan_ok": True}
R_JSON = """
options(digits = 17)
number <- function(x) ifelse(is.na(x), "NaN", ifelse(is.infinite(x), "Infinity",
  format(x, digits = 17, scientific = TRUE, trim = TRUE)))
json <- function(...) { l <- list(...)
  cat("{", paste(sprintf('"%s": [%s]', names(l), sapply(l, function(x) paste(number(x), collapse = ", "))),
    collapse = ", "), "}\n") }
"""
FIT = """
suppressMessages(library(survival))
f <- survfit(Surv(time, event) ~ 1, conf.type = "log-log")
r <- survfit(Surv(time, 1 - event) ~ 1, conf.type = "log-log")
s <- summary(f, times = at); t <- summary(f)$table; u <- summary(r)$table; k <- c("median", "0.95LCL", "0.95UCL")
json(time = time, event = event, at = s$time, rate = s$surv, low = s$lower, high = s$upper, risk = s$n.risk,
  curve = f$surv, curve_low = f$lower, curve_high = f$upper, se = f$std.err, median = t[k], follow_up = u[k])
"""
# sixteen patients, as in one cohort; the curve stays on 0.5 between two deaths
PLATEAU = {
    "plateau_uncensored": ([8] * 8 + [10] * 8, [1] * 16),
    "plateau": ([1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17], [1] * 8 + [0] * 2 + [1, 0, 1, 0, 0, 0]),
    "plateau_to_the_end": ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], [1] * 8 + [0] * 8),
    "lower_limit_missing": ([5] * 2 + [9] * 14, [1] * 2 + [0] * 14),
    "all_dead_with_ties": ([1, 1, 2, 2, 2, 3, 3, 4], [1] * 8),
    "nobody": ([3, 4, 5], [0, 0, 0]),
}  # fmt: skip


@functools.cache
def missing(package: str) -> str | None:
    if shutil.which("Rscript") is None:
        return "Rscript is not installed"
    probe = subprocess.run(["Rscript", "-e", f"library({package})"], capture_output=True, check=False)
    return f"the R package {package} is not installed" if probe.returncode else None


def run_r(script: str, package: str) -> dict[str, np.ndarray]:
    if missing(package):
        pytest.skip(missing(package))
    done = subprocess.run(["Rscript", "-e", R_JSON + script], capture_output=True, text=True, check=True)
    return {name: np.array(values, dtype=float) for name, values in json.loads(done.stdout).items()}


def vector(values) -> str:
    return f"c({', '.join(str(value) for value in values)})"


def compare(expected: dict[str, np.ndarray]) -> None:
    curve = kaplan_meier(time=expected["time"], event=expected["event"])
    for column, name in (("survival", "curve"), ("ci_low", "curve_low"), ("ci_high", "curve_high")):
        assert curve[column].to_numpy() == pytest.approx(expected[name], **CLOSE), column
    finite = np.isfinite(expected["se"])
    assert curve["std_error"].to_numpy()[finite] == pytest.approx(expected["se"][finite], **CLOSE)
    for place, time in enumerate(expected["at"]):
        found = survival_at(curve=curve, time=time)
        limits = [expected[name][place] for name in ("low", "high")]
        # with nobody's event yet R prints 1 to 1 before the first observation, NA after it: neither is an interval
        limits = [np.nan, np.nan] if expected["rate"][place] == 1 else limits
        assert found == pytest.approx([expected["rate"][place], *limits], **CLOSE)
    assert list(median_survival(curve=curve)) == pytest.approx(expected["median"], **CLOSE)
    follow_up = follow_up_median(time=expected["time"], event=expected["event"])
    assert list(follow_up) == pytest.approx(expected["follow_up"], **CLOSE)


def test_lung():
    head = "library(survival); time <- lung$time; event <- as.numeric(lung$status == 2); at <- seq(0, 1000, 28)"
    expected = run_r(head + FIT, "survival")
    compare(expected)
    curve = kaplan_meier(time=expected["time"], event=expected["event"])
    assert median_survival(curve=curve) == (310, 284, 361)
    assert survival_at(curve=curve, time=168) == pytest.approx((0.75322, 0.69170, 0.80422), abs=5e-6)


@pytest.mark.parametrize("name", PLATEAU)
def test_small_cohorts_with_a_plateau_at_one_half(name):
    time, event = PLATEAU[name]
    compare(run_r(f"time <- {vector(time)}; event <- {vector(event)}; at <- 1:max(time);" + FIT, "survival"))


def test_the_plateau_is_halved():
    curve = kaplan_meier(time=PLATEAU["plateau_uncensored"][0], event=PLATEAU["plateau_uncensored"][1])
    assert median_survival(curve=curve).value == 9


@pytest.mark.parametrize("seed", range(4))
def test_random_data_with_ties(seed):
    generator = np.random.default_rng(seed)
    n = (16, 48, 120, 400)[seed]
    time, event = generator.integers(1, 30, n), generator.integers(0, 2, n)
    compare(run_r(f"time <- {vector(time)}; event <- {vector(event)}; at <- 1:max(time);" + FIT, "survival"))


@pytest.mark.parametrize(("seed", "n"), [(1, 16), (2, 48), (3, 48), (4, 400)])
def test_cumulative_incidence_and_its_variance(seed, n):
    generator = np.random.default_rng(seed)
    time, cause = generator.integers(1, 25, n), generator.integers(0, 3, n)
    script = f"""
    suppressMessages(library(cmprsk)); time <- {vector(time)}; cause <- {vector(cause)}
    p <- timepoints(cuminc(time, cause), 1:max(time))
    json(one = p$est[1, ], two = p$est[2, ], var_one = p$var[1, ], var_two = p$var[2, ])
    """
    expected = run_r(script, "cmprsk")
    for of, name in ((1, "one"), (2, "two")):
        curve = cumulative_incidence(time=time, cause=cause, of=of)
        found = [incidence_at(curve=curve, time=day) for day in range(1, time.max() + 1)]
        known = ~np.isnan(expected[name])
        assert np.array([item[0].value for item in found])[known] == pytest.approx(expected[name][known], **CLOSE)
        assert np.array([item[1] for item in found])[known] == pytest.approx(expected[f"var_{name}"][known], **CLOSE)
