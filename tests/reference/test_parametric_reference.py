"""Accelerated failure times equal R's survreg (survival 3.5-3); survival/make_parametric_references.R.

veteran: Kalbfleisch & Prentice 1980, as in R package survival (LGPL), public data.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.survival.families import fit_families
from analysis.methods.survival.parametric import (
    FAMILIES,
    Booleans,
    Family,
    Floats,
    ParametricFit,
    fit_parametric,
)

HERE = Path(__file__).parent / "survival"
ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-7
R_FAMILY = {"weibull": "weibull", "log-normal": "lognormal", "log-logistic": "loglogistic"}
COVARIATES = {
    "rossi": ("fin", "age", "race", "wexp", "mar", "paro", "prio"),
    "lung": ("age", "sex"),
    "veteran": ("trt", "karno", "age"),
    "telco": ("monthly_charges", "one_year", "two_year"),
}


@cache
def golden(data: str, family: str) -> dict[str, float]:
    table = pd.read_csv(HERE / "parametric_golden.csv")
    chosen = table[(table["data"] == data) & (table["family"] == R_FAMILY[family])]
    return dict(zip(chosen["term"], chosen["value"], strict=True))


@cache
def sample(data: str) -> tuple[Floats, Booleans, Floats]:
    if data == "telco":
        frame = pd.read_csv(ROOT / "data/telco/subscribers.csv")
        frame["one_year"] = frame["contract"] == "One year"
        frame["two_year"] = frame["contract"] == "Two year"
        time, ended = frame["tenure"], frame["churn"] == "yes"
    else:
        frame = pd.read_csv(HERE / f"{data}.csv")
        time, ended = {
            "rossi": lambda: (frame["week"], frame["arrest"] == 1),
            "lung": lambda: (frame["time"], frame["dead"]),
            "veteran": lambda: (frame["time"], frame["status"] == 1),
        }[data]()
    x = frame[list(COVARIATES[data])].to_numpy(float)
    return time.to_numpy(float), ended.to_numpy(bool), x


@cache
def fitted(data: str, family: Family) -> ParametricFit:
    time, ended, x = sample(data)
    return fit_parametric(np.zeros(len(time)), time, ended, x, COVARIATES[data], family)


CASES = [(data, family) for data in COVARIATES for family in FAMILIES]


@pytest.mark.parametrize(("data", "family"), CASES)
def test_coefficients_scale_and_errors_equal_survreg(data: str, family: Family) -> None:
    fit, expected = fitted(data, family), golden(data, family)
    for place, name in enumerate(("(Intercept)", *COVARIATES[data])):
        assert fit.coefficients[place] == pytest.approx(expected[name], rel=TOLERANCE, abs=1e-9)
        assert fit.standard_errors[place] == pytest.approx(expected[f"se {name}"], rel=TOLERANCE)
    assert fit.scale == pytest.approx(expected["scale"], rel=TOLERANCE)
    assert fit.standard_errors[-1] == pytest.approx(expected["se log scale"], rel=TOLERANCE)
    assert fit.log_likelihood == pytest.approx(expected["log-likelihood"], abs=1e-6)


@pytest.mark.parametrize(("data", "family"), CASES)
def test_intercept_alone_and_medians_equal_survreg(data: str, family: Family) -> None:
    time, ended, x = sample(data)
    expected = golden(data, family)
    alone = fit_parametric(np.zeros(len(time)), time, ended, None, (), family)
    assert alone.log_likelihood == pytest.approx(expected["log-likelihood alone"], abs=1e-6)
    first = x[time > 0][0]
    median = fitted(data, family).extrapolated_median(first)
    assert median.value == pytest.approx(expected["median of the first row"], rel=TOLERANCE)


def test_customers_of_zero_tenure_are_left_out_and_counted() -> None:
    fit = fitted("telco", "weibull")
    assert (fit.n, fit.left_out) == (7032, 11)


def test_families_come_in_the_order_of_their_likelihood() -> None:
    time, ended, x = sample("telco")
    study = fit_families(np.zeros(len(time)), time, ended, x, COVARIATES["telco"])
    order = sorted(FAMILIES, key=lambda family: -golden("telco", family)["log-likelihood"])
    assert [result.family for result in study.families] == order


def test_the_distance_from_kaplan_meier_is_that_of_the_curves() -> None:
    # On lung without covariates, Kaplan–Meier counted out again.
    time, ended, _ = sample("lung")
    study = fit_families(np.zeros(len(time)), time, ended, None, ())
    for result in study.families:
        days = np.unique(time[ended])
        at_risk = (time[:, None] >= days).sum(axis=0)
        lost = ((time[:, None] == days) & ended[:, None]).sum(axis=0)
        after = np.cumprod(1 - lost / at_risk)
        before = np.concatenate([[1.0], after[:-1]])
        model = result.fit.curve(days)
        ends = abs(result.fit.curve(np.array([time.max()]))[0] - after[-1])
        largest = max(np.abs(model - after).max(), np.abs(model - before).max(), ends)
        assert result.distance.largest == pytest.approx(largest, abs=1e-12)
