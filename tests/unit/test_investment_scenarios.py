"""Which input moves the value of a programme, other margins and durations, score and money."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.investment import BenefitFlow, Costs, InvestmentValue, value_investment
from analysis.methods.investment.agreement import compare_score_and_money
from analysis.methods.investment.scenarios import scenario_grid, scenario_value, tornado

UNIT = "EUR per customer-quarter"


def worth(
    quarters: int = 4,
    upfront: float = 300.0,
    monthly: float = 10.0,
    rate: float = 0.1,
    error: float | None = 20.0,
) -> InvestmentValue:
    """A programme of 100 a quarter."""
    covariance = None if error is None else error**2 * np.eye(quarters)
    months = 3.0 * np.arange(1, quarters + 1)
    flow = BenefitFlow(
        months, np.full(quarters, 100.0), covariance, np.full(quarters, 10.0), 1.96, 10, "test"
    )
    return value_investment(flow, Costs(upfront, monthly, 3 * quarters), rate, "EUR")


EFFECT = Estimate(10.0, 6.0, 14.0, UNIT, 10, "test")


def test_the_scenario_of_what_was_declared_is_the_value_itself() -> None:
    value = worth()
    same = scenario_value(value)
    assert same.value == pytest.approx(value.net_present_value.value)
    assert same.lower == pytest.approx(value.net_present_value.lower)
    assert scenario_value(value, months=12).upper == pytest.approx(value.net_present_value.upper)


def test_scenarios_by_hand_without_discounting() -> None:
    value = worth(rate=0.0)
    assert scenario_value(value, months=6).value == pytest.approx(200 - 300 - 60)
    assert scenario_value(value, margin_factor=0.5).value == pytest.approx(200 - 300 - 120)
    assert scenario_value(value, cost_factor=2.0).value == pytest.approx(400 - 840)
    # Beyond the last month the mean month goes on: 400 / 12 a month, and so do running costs.
    assert scenario_value(value, months=24).value == pytest.approx(800 - 300 - 240)
    half = 1.96 * 20 * np.sqrt(4)
    assert scenario_value(value).upper == pytest.approx(400 - 420 + half)
    assert scenario_value(value, months=24).upper == pytest.approx(260 + 2 * half)


def test_only_the_last_year_is_carried_on() -> None:
    flow = BenefitFlow(
        np.array([3.0, 6.0, 9.0, 12.0, 15.0]), np.array([900.0, 10, 10, 10, 10]), None,
        np.ones(5), np.nan, 5, "test",
    )  # fmt: skip
    value = value_investment(flow, Costs(0, 0, 15), 0.0, "EUR")
    assert scenario_value(value, months=27).value == pytest.approx(940 + 40)


def test_a_programme_that_has_ended_costs_nothing_more() -> None:
    flow = BenefitFlow(np.array([3.0, 6.0]), np.array([50.0, 50]), None, np.ones(2), np.nan, 5, "t")
    value = value_investment(flow, Costs(0, 10, 3), 0.0, "EUR")
    assert scenario_value(value, months=12).value == pytest.approx(200 - 30)


def test_the_tornado_puts_first_what_moves_most() -> None:
    value = worth(quarters=8)
    swings = tornado(value, EFFECT)
    assert [swing.input for swing in swings[:2]] == ["duration", "effect"]
    assert [s.width for s in swings] == sorted((s.width for s in swings), reverse=True)
    by_name = {swing.input: swing for swing in swings}
    lower, upper = value.net_present_value.lower, value.net_present_value.upper
    assert (by_name["effect"].at_low, by_name["effect"].at_high) == (lower, upper)
    assert by_name["cost"].at_low > by_name["cost"].at_high
    assert by_name["cost"].width == pytest.approx(0.2 * value.cost)
    assert by_name["margin"].width == pytest.approx(0.2 * value.benefit.value)
    assert by_name["duration"].low == 12
    assert by_name["duration"].high == 36


def test_a_short_programme_has_no_year_to_take_away_and_a_free_one_no_cost_to_move() -> None:
    assert "duration" not in {swing.input for swing in tornado(worth(quarters=4), EFFECT)}
    free = tornado(worth(upfront=0.0, monthly=0.0), EFFECT)
    assert "cost" not in {swing.input for swing in free}


def test_without_an_interval_there_is_no_tornado() -> None:
    with pytest.raises(CannotEstimate, match="interval"):
        tornado(worth(error=None), EFFECT)


def test_the_grid_marks_what_is_extrapolated() -> None:
    value = worth()
    grid = scenario_grid(value, horizon_months=24)
    assert {(cell.months, cell.extrapolated) for cell in grid} == {
        (6, False), (12, False), (24, True),
    }  # fmt: skip
    as_it_is = next(c for c in grid if c.margin_factor == 1.0 and c.months == 12)
    assert as_it_is.net_present_value.value == pytest.approx(value.net_present_value.value)
    dearer = [c.net_present_value.value for c in grid if c.months == 12]
    assert dearer == sorted(dearer)


def test_score_times_worth_of_a_point_by_hand() -> None:
    margin = Estimate(5.0, 3.0, 7.0, UNIT, 900, "m")
    score = Estimate(0.5, 0.3, 0.7, "points", 400, "s")
    point = Estimate(4.0, 3.0, 5.0, UNIT, 800, "w")
    found = compare_score_and_money(margin, score, point)
    assert found.expected.value == pytest.approx(2.0)
    # Half-widths of a product of independent estimates: √((.5·1)² + (4·.2)² + (.2·1/1.96)²).
    half = np.sqrt(0.5**2 + 0.8**2 + (0.2 * 1.0 / 1.959964) ** 2)
    assert found.expected.upper - found.expected.value == pytest.approx(half, rel=1e-6)
    assert found.difference.value == pytest.approx(3.0)
    assert found.difference.upper - 3.0 == pytest.approx(np.hypot(2.0, half), rel=1e-6)
    assert not found.agrees
    assert found.expected.n == 400


def test_score_and_money_that_agree() -> None:
    margin = Estimate(2.2, 0.2, 4.2, UNIT, 900, "m")
    score = Estimate(0.5, 0.3, 0.7, "points", 400, "s")
    assert compare_score_and_money(margin, score, Estimate(4, 3, 5, UNIT, 800, "w")).agrees
    monthly = Estimate(4, 3, 5, "EUR per customer-month", 800, "w")
    with pytest.raises(CannotEstimate, match="units"):
        compare_score_and_money(margin, score, monthly)
    bare = Estimate(0.5, None, None, "points", 400, "s")
    with pytest.raises(CannotEstimate, match="intervals"):
        compare_score_and_money(margin, bare, Estimate(4, 3, 5, UNIT, 800, "w"))


def test_the_error_of_a_product_holds_in_simulation() -> None:
    rng = np.random.default_rng(5)
    score, point = 0.4 + 0.15 * rng.standard_normal(40_000), 4 + 1.2 * rng.standard_normal(40_000)
    found = compare_score_and_money(
        Estimate(1.0, 0.0, 2.0, UNIT, 9, "m"),
        Estimate(0.4, 0.4 - 1.96 * 0.15, 0.4 + 1.96 * 0.15, "points", 9, "s"),
        Estimate(4.0, 4 - 1.96 * 1.2, 4 + 1.96 * 1.2, UNIT, 9, "w"),
    )
    half = found.expected.upper - found.expected.value
    assert half / 1.96 == pytest.approx((score * point).std(), rel=0.02)
