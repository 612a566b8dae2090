"""Money: discounting, return, payback, break-even, and a published claim taken apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.investment import (
    BenefitFlow,
    Costs,
    break_even_margin,
    discounted_cost,
    net_present_value,
    payback_months,
    return_on_investment,
    revenue_behind_uplift,
    value_investment,
)


def flow(amounts: list[float], error: float | None = 1.0) -> BenefitFlow:
    values = np.array(amounts)
    covariance = None if error is None else error**2 * np.eye(len(values))
    months = 3.0 * np.arange(1, len(values) + 1)
    return BenefitFlow(months, values, covariance, np.full(len(values), 10.0), 1.96, 10, "test")


def test_flows_at_year_ends_are_discounted_as_in_the_textbook() -> None:
    value = net_present_value([12, 24, 36], [0, 4_224_000, 8_719_488], 0.10)
    assert round(value) == 10_041_989


def test_costs_fall_due_at_the_start_and_at_month_ends() -> None:
    assert discounted_cost(Costs(1000, 100, 12), 0.0) == pytest.approx(2200)
    by_hand = 1000 + sum(100 / 1.1 ** (month / 12) for month in range(1, 13))
    assert discounted_cost(Costs(1000, 100, 12), 0.10) == pytest.approx(by_hand)
    assert Costs(1000, 100, 12).total == 2200


def test_airline_claim_does_not_follow_from_its_own_numbers() -> None:
    cost, revenue = 3e6, 55e6
    assert round(return_on_investment(revenue, cost), 2) == 17.33, "published as 18.99"
    assert round(return_on_investment(revenue * 0.38, cost), 2) == 5.97
    assert round(break_even_margin(cost, revenue), 3) == 0.055
    assert revenue_behind_uplift(revenue, 0.1, 0.1) == pytest.approx(5.5e9)


def test_no_return_without_cost() -> None:
    with pytest.raises(CannotEstimate, match="no cost"):
        return_on_investment(100.0, 0.0)
    with pytest.raises(CannotEstimate, match="revenue"):
        break_even_margin(10.0, 0.0)


def test_payback_is_the_quarter_from_which_on_the_cost_stays_covered() -> None:
    costs = Costs(upfront=100, monthly=0, months=12)
    benefits = np.array([[60.0, 60.0, 60.0], [10.0, 10.0, 10.0], [200.0, -500.0, 900.0]])
    found = payback_months(benefits, np.array([3.0, 6.0, 9.0]), costs, 0.0)
    assert found.tolist() == [6.0, np.inf, 9.0], "a balance that falls again has not paid back"


def test_payback_is_read_at_quarter_ends() -> None:
    """Costs come by the month, benefits by the quarter: months between dip only seemingly."""
    costs = Costs(upfront=0, monthly=450, months=12)
    months, enough = np.array([3.0, 6.0, 9.0, 12.0]), np.full((1, 4), 1400.0)
    assert payback_months(enough, months, costs, 0.1)[0] == 3.0
    assert payback_months(enough * 0.9, months, costs, 0.1)[0] == np.inf


def test_payback_without_spread_shows_no_interval() -> None:
    value = value_investment(flow([90.0, 90.0], 0.1), Costs(50, 0, 6), 0.1, "EUR")
    month = value.payback_month
    assert isinstance(month, Estimate)
    assert (month.value, month.lower, month.upper) == (3.0, None, None)


def test_payback_needs_every_month_to_bear_an_interval() -> None:
    costs = Costs(150, 1, 12)
    bears = flow([60.0, 60.0, 60.0, 60.0], 30.0)
    full, part = (
        value_investment(replace(bears, each_month_bears=each), costs, 0.1, "EUR")
        for each in (True, False)
    )
    assert isinstance(full.payback_month, Estimate)
    assert isinstance(part.payback_month, Estimate)
    assert full.payback_month.lower is not None
    assert part.payback_month.lower is None
    assert part.net_present_value == full.net_present_value


def test_running_costs_delay_payback() -> None:
    months, benefits = np.array([3.0, 6.0, 9.0]), np.array([[60.0, 60.0, 60.0]])
    without = payback_months(benefits, months, Costs(50, 0, 9), 0.0)[0]
    running = payback_months(benefits, months, Costs(50, 10, 9), 0.0)[0]
    assert (without, running) == (3.0, 6.0)


def test_value_is_linear_in_the_benefit_and_so_is_its_interval() -> None:
    value = value_investment(flow([100.0, 100.0], error=10.0), Costs(120, 0, 6), 0.0, "EUR")
    worth, ratio = value.net_present_value, value.return_on_investment
    assert worth.value == pytest.approx(80)
    assert worth.upper - worth.lower == pytest.approx(2 * 1.96 * np.sqrt(200))
    assert isinstance(ratio, Estimate)
    assert ratio.value == pytest.approx(80 / 120)
    assert ratio.lower == pytest.approx((worth.lower) / 120)
    assert value.probability_positive == pytest.approx(1.0, abs=1e-6)
    assert isinstance(value.break_even_effect, Estimate)
    assert value.break_even_effect.value == pytest.approx(120 / 20)


def test_without_cost_there_is_a_benefit_and_no_return() -> None:
    value = value_investment(flow([100.0]), Costs(0, 0, 3), 0.1, "EUR")
    assert value.net_present_value.value > 0
    for missing in (value.return_on_investment, value.benefit_per_cost, value.payback_month):
        assert isinstance(missing, NotEstimable)
        assert "no cost" in missing.reason


def test_without_an_interval_nothing_pretends_to_one() -> None:
    value = value_investment(flow([100.0], error=None), Costs(50, 0, 3), 0.1, "EUR")
    assert value.net_present_value.lower is None
    assert value.probability_positive is None
    assert isinstance(value.payback_month, Estimate)
    assert value.payback_month.lower is None


def test_payback_limits_are_the_same_every_time() -> None:
    costs = Costs(150, 1, 12)
    first, second = (
        value_investment(flow([60.0, 60.0, 60.0, 60.0], 8.0), costs, 0.1, "EUR") for _ in "ab"
    )
    assert first == second
    paid = first.payback_month
    assert isinstance(paid, Estimate)
    assert paid.lower is not None
    assert paid.upper is None or paid.lower <= paid.value <= paid.upper


def test_no_whole_quarter_means_no_value() -> None:
    with pytest.raises(CannotEstimate, match="whole quarter"):
        value_investment(flow([]), Costs(50, 0, 3), 0.1, "EUR")
