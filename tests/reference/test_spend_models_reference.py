"""Models of spend beyond least squares equal R and published figures.

See regression/make_spend_references.R. Errors by the convention of the product: HC0 summed within
customers × G/(G−1), G the customers that are left after all-zero ones are dropped in both.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.logistic import average_slope, fit_logistic
from analysis.methods.poisson import fit_poisson, fit_poisson_fixed_effects
from analysis.methods.regression import Floats, Ints, dummies, fit_least_squares
from analysis.methods.regression_diagnostics import conditioning, reset
from analysis.methods.response_weights import (
    response_weights,
    slope_with_response_weights,
    weighted_mean,
)
from analysis.methods.sensitivity import (
    adjusted_for,
    partial_r2,
    robustness_value,
    sensitivity_of_fit,
)

HERE = Path(__file__).parent / "regression"
RELATIVE = 1e-8
NAMES = ("(Intercept)", "score", "tenure", "segmentoffice", "segmentsingle")


def close(value: float) -> object:
    return pytest.approx(value, rel=RELATIVE)


@pytest.fixture(scope="module")
def golden() -> dict[str, float]:
    return dict(pd.read_csv(HERE / "spend_golden.csv").itertuples(index=False))


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return pd.read_csv(HERE / "spend_panel.csv")


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return pd.read_csv(HERE / "candidates.csv")


def columns(panel: pd.DataFrame) -> tuple[Floats, Floats, Ints]:
    """Spend, the design of NAMES, and customers' codes."""
    segment = panel["segment"].astype("category")
    block, _ = dummies(
        segment.cat.codes.to_numpy(np.int64), tuple(segment.cat.categories), "segment"
    )
    design = np.column_stack([np.ones(len(panel)), panel["score"], panel["tenure"], block])
    return panel["spend"].to_numpy(float), design, panel["customer"].to_numpy(np.int64) - 1


def error_of(estimate: Estimate) -> float:
    """The standard error behind a t interval with customers − 1 degrees."""
    assert estimate.lower is not None
    assert estimate.upper is not None
    return (estimate.upper - estimate.lower) / 2 / t_quantile(0.95, estimate.n - 1)


def test_poisson_equals_r(golden: dict[str, float], panel: pd.DataFrame) -> None:
    spend, design, customer = columns(panel)
    fit = fit_poisson(spend, design, NAMES, customer)
    for name in ("(Intercept)", "score", "tenure", "segmentsingle"):
        place = fit.position(name)
        assert fit.coefficients[place] == close(golden[f"poisson_{name}"])
        assert fit.standard_errors[place] == close(golden[f"poisson_{name}_cluster"])
    by_row = fit_poisson(spend, design, NAMES)
    assert by_row.standard_errors[1] == close(golden["poisson_score_rows"])


def test_poisson_within_customers_equals_r_with_dummies(
    golden: dict[str, float], panel: pd.DataFrame
) -> None:
    spend, _, customer = columns(panel)
    quarter = panel["quarter"].to_numpy(np.int64)
    block, names = dummies(quarter, tuple(map(str, range(9))), "quarter")
    regressors = np.column_stack([panel["score"], block])
    fit = fit_poisson_fixed_effects(spend, regressors, ("score", *names), customer)
    assert (fit.n, fit.units) == (golden["own_rows"], golden["own_units"])
    silent = panel.groupby("customer")["spend"].transform("sum") == 0
    assert fit.dropped_units == panel.loc[silent, "customer"].nunique() >= 3
    assert fit.dropped_rows == silent.sum() == len(panel) - fit.n
    for name, r_name in (("score", "score"), ("quarter: 2", "factor(quarter)2"),
                         ("quarter: 8", "factor(quarter)8")):  # fmt: skip
        place = fit.position(name)
        assert fit.coefficients[place] == close(golden[f"own_{r_name}"])
        assert fit.standard_errors[place] == close(golden[f"own_{r_name}_cluster"])


def test_buying_at_all_equals_r(golden: dict[str, float], panel: pd.DataFrame) -> None:
    spend, design, customer = columns(panel)
    fit = fit_logistic(spend > 0, design, NAMES, customer)
    for name in ("(Intercept)", "score", "tenure", "segmentoffice"):
        place = fit.position(name)
        assert fit.coefficients[place] == close(golden[f"buying_{name}"])
        assert fit.standard_errors[place] == close(golden[f"buying_{name}_cluster"])
    slope = average_slope(fit, design, "score", customer)
    assert slope.value == close(golden["buying_slope"])
    assert error_of(slope) == close(golden["buying_slope_cluster"])


def test_reset_equals_lmtest_and_its_clustered_form(
    golden: dict[str, float], panel: pd.DataFrame
) -> None:
    spend, design, customer = columns(panel)
    fit = fit_least_squares(spend, design, NAMES, "classical")
    plain = reset(fit, spend, design)
    assert plain.statistic == close(golden["reset"])
    assert plain.p_value == close(golden["reset_p"])
    clustered = reset(fit, spend, design, customer)
    assert clustered.statistic == close(golden["reset_cluster"])
    assert clustered.p_value == close(golden["reset_cluster_p"])


def test_condition_number_equals_kappa(golden: dict[str, float], panel: pd.DataFrame) -> None:
    _, design, _ = columns(panel)
    assert conditioning(design, NAMES).number == close(golden["condition"])


def test_partial_r2_equal_sums_of_squares(golden: dict[str, float], panel: pd.DataFrame) -> None:
    spend, design, customer = columns(panel)
    segments = {"segment": ("segmentoffice", "segmentsingle")}
    fit = fit_least_squares(spend, design, NAMES, "cluster", customer)
    found = sensitivity_of_fit(fit, spend, design, "score", segments)
    assert found.partial_r2 == close(golden["partial_r2"])
    assert found.robustness_value == close(golden["robustness"])
    (segment,) = found.benchmarks
    assert segment.r2_regressor == close(golden["segment_with_score"])
    assert segment.r2_outcome == close(golden["segment_with_spend"])


def test_robustness_of_the_darfur_study() -> None:
    """Published: Cinelli & Hazlett (2020), table 1 and section 5, R package sensemakr."""
    estimate, error, degrees = 0.09732, 0.02326, 783
    assert partial_r2(estimate, error, degrees) == pytest.approx(0.0219, abs=5e-5)
    assert robustness_value(estimate, error, degrees) == pytest.approx(0.1388, abs=5e-5)
    critical = t_quantile(0.95, degrees - 1)
    assert robustness_value(estimate, error, degrees, critical=critical) == pytest.approx(
        0.0763, abs=1e-4
    )
    as_female = adjusted_for(estimate, error, degrees, 0.00916, 0.12464)
    assert as_female.value == pytest.approx(0.0752, abs=5e-5)
    assert as_female.standard_error == pytest.approx(0.0219, abs=5e-5)
    assert (as_female.lower, as_female.upper) == pytest.approx((0.0323, 0.1182), abs=2e-4)
    thrice = adjusted_for(estimate, error, degrees, 0.02747, 0.37405)
    assert thrice.value == pytest.approx(0.0304, abs=1e-4)


def test_weighted_mean_equals_stacked_equations(
    golden: dict[str, float], people: pd.DataFrame
) -> None:
    customer = people["customer"].to_numpy(np.int64) - 1
    covariates = people[["orders", "office"]].to_numpy(float)
    weights = response_weights(
        people["invited"].to_numpy(bool), people["answered"].to_numpy(bool), covariates,
        ("orders", "office"), customer,
    )  # fmt: skip
    assert weights.truncated == 0
    assert weights.effective_n == close(golden["effective_n"])
    mean = weighted_mean(people["score"].to_numpy(float), weights)
    assert mean.value == close(golden["weighted_mean"])
    assert error_of(mean) == close(golden["weighted_mean_cluster"])
    answered = people.iloc[weights.rows]
    _, codes = np.unique(answered["customer"], return_inverse=True)
    slope = slope_with_response_weights(
        answered["score"].to_numpy(float),
        np.column_stack([np.ones(len(answered)), answered["orders"]]),
        ("constant", "orders"), weights.weights, codes,
    )  # fmt: skip
    assert slope.coefficients[1] == close(golden["weighted_orders"])
    assert slope.standard_errors[1] == close(golden["weighted_orders_cluster"])
