"""Money: discounting, return, payback, break-even, and a published claim taken apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.investment import (
    BenefitFlow,
    Costs,
    discounted_cost,
    payback_months,
    return_on_investment,
    value_investment,
)
from analysis.methods.investment.published import break_even_margin, revenue_behind_uplift
from analysis.methods.investment.uncertainty import (
    Spreads,
    draw_benefits,
    draw_net_values,
    joint_value,
    seed_of,
)


def flow(amounts: list[float], error: float | None = 1.0) -> BenefitFlow:
    values = np.array(amounts)
    covariance = None if error is None else error**2 * np.eye(len(values))
    months = 3.0 * np.arange(1, len(values) + 1)
    return BenefitFlow(months, values, covariance, np.full(len(values), 10.0), 1.96, 10, "test")


def test_costs_fall_due_at_the_start_and_at_month_ends() -> None:
    assert discounted_cost(Costs(1000, 100, 12), 0.0) == pytest.approx(2200)
    by_hand = 1000 + sum(100 / 1.1 ** (month / 12) for month in range(1, 13))
    assert discounted_cost(Costs(1000, 100, 12), 0.10) == pytest.approx(by_hand)
    assert Costs(1000, 100, 12).total == 2200


def test_no_return_without_cost() -> None:
    with pytest.raises(CannotEstimate, match="no cost"):
        return_on_investment(100.0, 0.0)
    with pytest.raises(CannotEstimate, match="revenue"):
        break_even_margin(10.0, 0.0)
    with pytest.raises(CannotEstimate, match="spends more"):
        revenue_behind_uplift(10.0, 0.0, 0.1)


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
    assert value.share_positive == 1.0
    assert value.running_value.value == pytest.approx(200)
    assert isinstance(value.break_even_effect, Estimate)
    assert value.break_even_effect.value == pytest.approx(120 / 20)


def test_without_cost_there_is_a_benefit_and_no_return() -> None:
    value = value_investment(flow([100.0]), Costs(0, 0, 3), 0.1, "EUR")
    assert value.net_present_value.value > 0
    for missing in (
        value.return_on_investment, value.benefit_per_cost, value.payback_month,
        value.break_even_effect,
    ):  # fmt: skip
        assert isinstance(missing, NotEstimable)
        assert "no cost" in missing.reason


def test_without_an_interval_nothing_pretends_to_one() -> None:
    value = value_investment(flow([100.0], error=None), Costs(50, 0, 3), 0.1, "EUR")
    assert value.net_present_value.lower is None
    assert value.share_positive is None
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


def test_draws_have_the_covariance_they_are_drawn_from() -> None:
    covariance = np.array([[4.0, 3.0, 0.0], [3.0, 9.0, -1.0], [0.0, -1.0, 1.0]])
    months, amounts = np.array([3.0, 6.0, 9.0]), np.array([10.0, 20.0, 30.0])
    given = BenefitFlow(months, amounts, covariance, np.ones(3), 1.959964, 5, "test")
    draws = draw_benefits(given, np.random.default_rng(1), 40_000)
    assert draws.mean(axis=0) == pytest.approx(amounts, abs=1e-9), (
        "half the draws mirror the others"
    )
    assert np.cov(draws, rowvar=False) == pytest.approx(covariance, abs=0.2)


def test_few_clusters_widen_the_draws_as_they_widen_the_interval() -> None:
    wide = replace(flow([100.0, 100.0], 10.0), critical=2.57)
    middle = np.quantile(draw_net_values(wide, Costs(0, 0, 6), 0.0)[0], [0.025, 0.975])
    half = 2.57 * np.sqrt(200)
    assert middle == pytest.approx([200 - half, 200 + half], rel=0.05)


def test_a_change_of_currency_changes_no_draw() -> None:
    given = flow([60.0, 61.0, 62.0], 8.0)
    mixed = replace(given, covariance=64 * np.array([[1, 0.5, 0], [0.5, 1, 0.2], [0, 0.2, 1.0]]))
    dear = replace(mixed, amounts=90 * mixed.amounts, covariance=8100 * mixed.covariance)
    first, second = draw_net_values(mixed, Costs(150, 1, 9), 0.1)[0], None
    second = draw_net_values(dear, Costs(13_500, 90, 9), 0.1)[0]
    assert second == pytest.approx(90 * first, rel=1e-9)


def test_the_seed_is_what_the_draw_is_about() -> None:
    costs = Costs(10, 1, 6)
    first = flow([60.0, 60.0])
    assert seed_of(first, costs) == seed_of(replace(first, amounts=first.amounts * 2), costs)
    assert seed_of(first, costs) != seed_of(replace(first, n=11), costs)
    assert seed_of(first, costs) != seed_of(first, Costs(10, 1, 9))


def test_uncertain_costs_and_margins_widen_the_interval_and_nothing_else() -> None:
    given, costs = flow([100.0, 100.0], error=10.0), Costs(120, 5, 6)
    exact = value_investment(given, costs, 0.1, "EUR")
    known = joint_value(given, costs, 0.1, "EUR", Spreads())
    wider = joint_value(given, costs, 0.1, "EUR", Spreads(cost=0.3, margin=0.2))
    assert known.net_present_value.value == wider.net_present_value.value
    assert known.net_present_value.value == pytest.approx(exact.net_present_value.value)
    widths = [
        one.net_present_value.upper - one.net_present_value.lower for one in (exact, known, wider)
    ]
    assert widths[1] == pytest.approx(widths[0], rel=0.06)
    # Half-widths: of the benefit 1.96 × 14.1 × discount, of costs 30 % of 150, of margin 20 % of 190.
    assert widths[2] > 1.8 * widths[1]
    assert known.share_positive == exact.share_positive
    assert wider.return_on_investment is not None
    assert wider.return_on_investment.lower < exact.return_on_investment.lower


def test_without_an_interval_there_is_nothing_to_draw_from() -> None:
    with pytest.raises(CannotEstimate, match="no interval"):
        joint_value(flow([100.0], None), Costs(1, 0, 3), 0.1, "EUR", Spreads(0.1, 0.1))
