"""Robustness of a slope, checked by adding the very confounder that it speaks of."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.estimate import CannotEstimate
from analysis.methods.intervals import t_quantile
from analysis.methods.regression import Floats, Ints, fit_least_squares
from analysis.methods.sensitivity import (
    adjusted_for,
    bounds_from_covariate,
    partial_r2,
    robustness_value,
    sensitivity_of_fit,
    slope_sensitivity,
)

NAMES = ("constant", "score", "tenure", "office")
Sample = tuple[Floats, Floats, Ints]


def sample(n: int = 300, slope: float = 2.0) -> Sample:
    rng = np.random.default_rng(5)
    customer = np.arange(n, dtype=np.int64) // 3
    tenure, office = rng.normal(size=n), rng.integers(0, 2, n).astype(float)
    score = 0.3 * tenure + 0.5 * office + rng.normal(size=n)
    spend = slope * score + tenure + 4 * office + rng.normal(0, 6, n)
    return spend, np.column_stack([np.ones(n), score, tenure, office]), customer


def residuals_of(outcome: Floats, design: Floats) -> Floats:
    return outcome - design @ np.linalg.lstsq(design, outcome, rcond=None)[0]


def confounder(spend: Floats, design: Floats, with_score: float, with_spend: float) -> Floats:
    """A column with exactly these partial R² that works against the slope."""
    others = np.delete(design, 1, axis=1)
    of_score = residuals_of(design[:, 1], others)
    of_spend = residuals_of(spend, design)
    free = np.random.default_rng(6).normal(size=len(spend))
    free = residuals_of(free, np.column_stack([design, of_spend]))
    unit = [x / np.sqrt(x @ x) for x in (of_score, of_spend, free)]
    rest = 1 - with_score
    return (
        np.sqrt(with_score) * unit[0]
        + np.sqrt(rest * with_spend) * unit[1]
        + np.sqrt(rest * (1 - with_spend)) * unit[2]
    )


@pytest.mark.parametrize("strength", [(0.05, 0.1), (0.3, 0.02), (0.1, 0.6)])
@pytest.mark.parametrize("slope", [2.0, -2.0])
def test_adjusted_slope_equals_the_regression_with_that_confounder(
    strength: tuple[float, float], slope: float
) -> None:
    spend, design, _ = sample(slope=slope)
    fit = fit_least_squares(spend, design, NAMES, "classical")
    value, error = float(fit.coefficients[1]), float(fit.standard_errors[1])
    hidden = confounder(spend if value > 0 else -spend, design, *strength)
    full = fit_least_squares(spend, np.column_stack([design, hidden]), (*NAMES, "z"), "classical")
    told = adjusted_for(value, error, fit.degrees_of_freedom, *strength)
    assert told.value == pytest.approx(full.coefficients[1])
    assert told.standard_error == pytest.approx(full.standard_errors[1])
    half = t_quantile(0.95, full.degrees_of_freedom) * full.standard_errors[1]
    assert told.upper - told.value == pytest.approx(half)


def test_a_confounder_of_the_robustness_value_brings_slope_and_interval_to_zero() -> None:
    spend, design, _ = sample()
    fit = fit_least_squares(spend, design, NAMES, "classical")
    value, error, df = fit.coefficients[1], fit.standard_errors[1], fit.degrees_of_freedom
    strength = robustness_value(value, error, df)
    assert adjusted_for(value, error, df, strength, strength).value == pytest.approx(0, abs=1e-12)
    half = robustness_value(value, error, df, share=0.5)
    assert adjusted_for(value, error, df, half, half).value == pytest.approx(value / 2)
    less = robustness_value(value, error, df, critical=t_quantile(0.95, df - 1))
    assert less < strength
    assert adjusted_for(value, error, df, less, less).lower == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(("t", "df"), [(3.0, 8.0), (4.0, 40.0), (9.0, 3.0), (30.0, 3.0)])
def test_no_weaker_confounder_brings_the_interval_to_zero(t: float, df: float) -> None:
    """By brute force over the square of strengths, also where the best is not at its corner."""
    strength = robustness_value(t, 1.0, df, critical=t_quantile(0.95, df - 1))
    grid = np.linspace(0, 1, 101)
    for factor, reached in ((0.98, False), (1.02, True)):
        largest = min(strength * factor, 1 - 1e-9)
        lowest = min(
            adjusted_for(t, 1.0, df, largest * a, largest * b).lower for a in grid for b in grid
        )
        assert (lowest <= 0) == reached


def test_partial_r2_is_the_share_that_the_regressor_explains() -> None:
    spend, design, customer = sample()
    fit = fit_least_squares(spend, design, NAMES, "cluster", customer)
    found = sensitivity_of_fit(fit, spend, design, "score")
    without = residuals_of(spend, np.delete(design, 1, axis=1))
    left = residuals_of(spend, design)
    assert found.partial_r2 == pytest.approx(1 - left @ left / (without @ without))
    assert found.benchmarks == ()


def test_benchmark_bounds_hold_for_a_confounder_like_the_covariate() -> None:
    """Split a covariate's strength exactly: with a second, orthogonal column just as strong."""
    with_score, with_spend = 0.04, 0.1
    r2_score, r2_spend = bounds_from_covariate(with_score, with_spend)
    assert r2_score == pytest.approx(0.04 / 0.96)
    shared = 0.04**2 / 0.96**2
    assert r2_spend == pytest.approx(((1 + np.sqrt(shared)) / np.sqrt(1 - shared)) ** 2 * 0.1 / 0.9)
    assert bounds_from_covariate(with_score, with_spend, 3)[0] == pytest.approx(3 * r2_score)
    assert bounds_from_covariate(0.01, 0.7, 3)[1] == 1


def test_strongest_covariate_comes_first_and_errors_are_clustered() -> None:
    spend, design, customer = sample()
    recorded = {"tenure": ("tenure",), "office": ("office",)}
    clustered = fit_least_squares(spend, design, NAMES, "cluster", customer)
    found = slope_sensitivity(spend, design, NAMES, "score", customer, recorded)
    assert found == sensitivity_of_fit(clustered, spend, design, "score", recorded)
    assert [one.name for one in found.benchmarks] == ["office", "tenure"]
    first = found.benchmarks[0].confounder
    assert 0 < first.value < found.benchmarks[1].confounder.value < found.slope
    assert found.standard_error == clustered.standard_errors[1]
    ratio = first.standard_error / found.standard_error
    wider = (1 - first.r2_outcome) / (1 - first.r2_regressor) * 296 / 295
    assert ratio == pytest.approx(np.sqrt(wider))
    assert found.robustness_value_interval < found.robustness_value


def test_the_benchmark_finds_the_truth_where_the_hidden_one_is_as_strong() -> None:
    """Two columns alike in all, one recorded and one not: the adjusted slope is the true one."""
    rng = np.random.default_rng(7)
    n = 40_000
    recorded, hidden = rng.normal(size=(2, n))
    score = 0.4 * (recorded + hidden) + rng.normal(size=n)
    spend = 2 * score + 1.5 * (recorded + hidden) + rng.normal(0, 3, n)
    design, names = np.column_stack([np.ones(n), score, recorded]), ("constant", "score", "seen")
    fit = fit_least_squares(spend, design, names, "cluster", np.arange(n))
    found = sensitivity_of_fit(fit, spend, design, "score", {"seen": ("seen",)})
    assert found.slope > 2.3
    assert found.benchmarks[0].confounder.value == pytest.approx(2, abs=0.05)


def test_a_slope_inside_the_noise_has_no_robustness() -> None:
    assert robustness_value(0.5, 1.0, 100, critical=t_quantile(0.95, 99)) == 0
    assert partial_r2(0.0, 1.0, 100) == robustness_value(0.0, 1.0, 100) == 0


def test_reasons() -> None:
    spend, design, customer = sample()
    perfect = design @ [1.0, 2, 3, 4]
    for outcome, rows, reason in ((perfect, 300, "fits perfectly"), (spend, 5, "too few rows")):
        fit = fit_least_squares(outcome[:rows], design[:rows], NAMES, "cluster", customer[:rows])
        with pytest.raises(CannotEstimate, match=reason):
            sensitivity_of_fit(fit, outcome[:rows], design[:rows], "score")
    with pytest.raises(CannotEstimate, match="nothing of the score"):
        adjusted_for(1.0, 1.0, 100, 1.0, 0.5)
    with pytest.raises(CannotEstimate, match="nothing of the score"):
        bounds_from_covariate(0.6, 0.1)
