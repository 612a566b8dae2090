"""Relative differences and buying at all: planted truths, awkward panels, reasons."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.estimate import CannotEstimate
from analysis.methods.logistic import average_slope, fit_logistic
from analysis.methods.poisson import change_per_unit, fit_poisson, fit_poisson_fixed_effects
from analysis.methods.regression import Floats, Ints

Panel = tuple[Floats, Floats, Ints]
SLOPE = 0.2


def panel(customers: int = 400, periods: int = 6, seed: int = 3) -> Panel:
    """Spend with a level per customer that goes with the score: outcome, score (n × 1), customer."""
    rng = np.random.default_rng(seed)
    customer = np.repeat(np.arange(customers, dtype=np.int64), periods)
    level = rng.normal(size=customers)[customer]
    score = np.clip(np.rint(3 + level + rng.normal(size=len(customer))), 1, 5)
    mean = np.exp(2 + level + SLOPE * score)
    spend = rng.binomial(1, 0.6, len(mean)) * rng.gamma(1.5, mean)
    return spend, score[:, None], customer


def with_constant(columns: Floats) -> Floats:
    return np.column_stack([np.ones(len(columns)), columns])


def test_within_customers_the_planted_slope_is_found_and_pooled_it_is_not() -> None:
    spend, score, customer = panel()
    own = fit_poisson_fixed_effects(spend, score, ("score",), customer)
    pooled = fit_poisson(spend, with_constant(score), ("constant", "score"), customer)
    assert abs(own.coefficients[0] - SLOPE) < 3 * own.standard_errors[0]
    assert pooled.coefficients[1] - SLOPE > 5 * pooled.standard_errors[1]


def test_a_mean_without_noise_is_found_to_the_last_digit() -> None:
    _, score, customer = panel(40)
    spend = np.exp(1 + SLOPE * score[:, 0] + customer / 20)
    own = fit_poisson_fixed_effects(spend, score, ("score",), customer)
    assert own.coefficients[0] == pytest.approx(SLOPE, abs=1e-12)
    assert own.standard_errors[0] == pytest.approx(0, abs=1e-10)
    assert change_per_unit(own, "score").value == pytest.approx(np.expm1(SLOPE))


def test_interval_of_the_change_is_that_of_the_coefficient_carried_over() -> None:
    spend, score, customer = panel(60)
    fit = fit_poisson_fixed_effects(spend, score, ("score",), customer)
    change = change_per_unit(fit, "score")
    assert change.lower is not None
    assert change.upper is not None
    middle = (np.log1p(change.lower) + np.log1p(change.upper)) / 2
    assert middle == pytest.approx(fit.coefficients[0])
    assert change.n == fit.units


def test_row_order_scale_of_money_and_empty_codes_change_nothing() -> None:
    spend, score, customer = panel(80)
    fit = fit_poisson_fixed_effects(spend, score, ("score",), customer)
    mixed = np.random.default_rng(1).permutation(len(spend))
    for other in (
        fit_poisson_fixed_effects(spend[mixed], score[mixed], ("score",), customer[mixed]),
        fit_poisson_fixed_effects(1e6 * spend, score, ("score",), customer),
        fit_poisson_fixed_effects(spend, score, ("score",), 3 * customer + 2),
    ):
        assert other.coefficients == pytest.approx(fit.coefficients, rel=1e-10)
        assert other.covariance == pytest.approx(fit.covariance, rel=1e-9)
        assert (other.units, other.n) == (fit.units, fit.n)


def test_influence_is_what_leaving_a_customer_out_moves() -> None:
    spend, score, customer = panel(200)
    fit = fit_poisson_fixed_effects(spend, score, ("score",), customer)
    for one in np.argsort(-np.abs(fit.influence[:, 0]))[:3]:
        kept = customer != one
        without = fit_poisson_fixed_effects(spend[kept], score[kept], ("score",), customer[kept])
        moved = fit.coefficients[0] - without.coefficients[0]
        assert moved == pytest.approx(fit.influence[one, 0], rel=0.25)


def test_customers_who_never_spent_are_dropped_and_counted() -> None:
    spend, score, customer = panel(50)
    spend = np.where(customer < 5, 0, spend)
    fit = fit_poisson_fixed_effects(spend, score, ("score",), customer)
    assert (fit.dropped_units, fit.dropped_rows, fit.units) == (5, 30, 45)
    assert not fit.influence[:5].any()
    rest = customer >= 5
    only = fit_poisson_fixed_effects(spend[rest], score[rest], ("score",), customer[rest] - 5)
    assert fit.covariance == pytest.approx(only.covariance, rel=1e-12)


def test_net_refunds_count_as_zero_and_are_said() -> None:
    spend, score, customer = panel(50)
    refunded = spend.copy()
    refunded[:7] = -3.0
    spend[:7] = 0
    fit = fit_poisson_fixed_effects(refunded, score, ("score",), customer)
    same = fit_poisson_fixed_effects(spend, score, ("score",), customer)
    assert fit.coefficients == pytest.approx(same.coefficients)
    assert (fit.set_to_zero, same.set_to_zero) == (7, 0)
    assert fit.share_set_to_zero == pytest.approx(21 / spend.sum())


def test_one_heavy_row_does_not_derail_the_search() -> None:
    spend, score, customer = panel(60)
    spend[5] = 1e9
    pooled = fit_poisson(spend, with_constant(score), ("constant", "score"), customer)
    fitted = np.exp(with_constant(score) @ pooled.coefficients)
    assert fitted.sum() == pytest.approx(spend.sum())
    assert np.isfinite(fit_poisson_fixed_effects(spend, score, ("s",), customer).coefficients).all()


SCORE, WHO = panel(10)[1], panel(10)[2]
FIRST = (WHO == 0).astype(float)[:, None]


@pytest.mark.parametrize(
    ("spend", "columns", "customer", "reason"),
    [
        (np.zeros(60), SCORE, WHO, "Nobody spent anything"),
        (np.full(60, -1.0), SCORE, WHO, "Nobody spent anything"),
        (np.ones(60), FIRST, WHO, "never changes for any customer"),
        (np.ones(60), np.hstack([SCORE, 2 * SCORE]), WHO, "determined by the other"),
        (np.ones(60), SCORE, 0 * WHO, "Only one customer who spent was seen"),
        (np.ones(60), SCORE, np.arange(60), "No customer who spent was seen in more"),
        (np.where(SCORE[:, 0] > 3, 0.0, 1.0), (SCORE > 3) * 1.0, WHO, "score alone settles"),
        (np.where(SCORE[:, 0] > 3, 1.0, 0.0), (SCORE > 3) * 1.0, WHO, "score alone settles"),
        (np.ones(60), np.where(SCORE > 4, np.nan, SCORE), WHO, "score is missing in"),
        (np.ones(0), SCORE[:0], WHO[:0], "no rows"),
    ],
)  # fmt: skip
def test_reasons_within_customers(
    spend: Floats, columns: Floats, customer: Ints, reason: str
) -> None:
    names = ("score", "twice")[: columns.shape[1]]
    with pytest.raises(CannotEstimate) as caught:
        fit_poisson_fixed_effects(spend, columns, names, customer)
    assert reason in caught.value.reason


@pytest.mark.parametrize(
    ("spend", "columns", "reason"),
    [
        (np.zeros(60), SCORE, "Nobody spent anything"),
        (np.ones(60), np.ones((60, 1)), "determined by the other"),
        (np.where(SCORE[:, 0] > 3, 0.0, 1.0), (SCORE > 3) * 1.0, "score alone settles"),
        (np.where(SCORE[:, 0] > 3, 1.0, 0.0), (SCORE > 3) * 1.0, "score alone settles"),
        (np.ones(2), SCORE[:2], "2 rows for 2 coefficients"),
    ],
)
def test_reasons_of_the_plain_form(spend: Floats, columns: Floats, reason: str) -> None:
    with pytest.raises(CannotEstimate) as caught:
        fit_poisson(spend, with_constant(columns), ("constant", "score"))
    assert reason in caught.value.reason


def test_buying_at_all_finds_the_planted_slope_and_its_share() -> None:
    rng = np.random.default_rng(8)
    customer = np.repeat(np.arange(1500), 2)
    score = rng.integers(1, 6, len(customer)).astype(float)
    bought = rng.random(len(score)) < 1 / (1 + np.exp(2 - 0.5 * score))
    design = with_constant(score[:, None])
    fit = fit_logistic(bought, design, ("constant", "score"), customer)
    assert abs(fit.coefficients[1] - 0.5) < 3 * fit.standard_errors[1]
    assert fit.events == bought.sum() == pytest.approx(fit.probabilities.sum())
    share = average_slope(fit, design, "score", customer)
    raised = 1 / (1 + np.exp(-(design + np.array([0, 1e-6])) @ fit.coefficients))
    assert share.value == pytest.approx((raised - fit.probabilities).mean() / 1e-6, rel=1e-5)


@pytest.mark.parametrize(
    ("bought", "reason"),
    [
        (np.ones(60), "Every row has a purchase"),
        (np.zeros(60), "No row has a purchase"),
        (SCORE[:, 0] > 2, "score alone settles"),
        (SCORE[:, 0] <= 2, "score alone settles"),
    ],
)
def test_reasons_of_buying_at_all(bought: Floats, reason: str) -> None:
    with pytest.raises(CannotEstimate) as caught:
        fit_logistic(bought, with_constant(SCORE), ("constant", "score"))
    assert reason in caught.value.reason
