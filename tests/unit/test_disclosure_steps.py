"""Numbers in steps of five customers: once rounded they stay, and hold no count or largest customer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.disclosure import Disclosure, step_at_least, to_step
from analysis.methods.estimate import Estimate, Finding, Metric, NotEstimable
from analysis.methods.revenue_split import Reconciliation
from analysis.methods.scorecard.level import Level, ratio_level, share_level, total_level
from analysis.methods.scorecard.measures import Measure
from analysis.methods.scorecard.taker import Taker, published_level
from analysis.methods.survival.at_risk import AtRiskList, AtRiskSummary
from analysis.presentation import output
from analysis.presentation.outlook import show_at_risk
from analysis.presentation.output import disclosed, json_ready
from analysis.presentation.published import (
    in_steps,
    levels_in_steps,
    may_be_dominated,
    round_estimate,
)
from analysis.presentation.scorecard_trust_words import word_reconciliation

ON, OFF = Disclosure(), Disclosure(enabled=False)
UNITS = ("share", "points", "EUR", "EUR per customer", "months", "hazard ratio", "CSAT points")


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    unit = draw(st.sampled_from(UNITS))
    largest = 1.0 if unit == "share" else 1e6 if unit.startswith("EUR") else 100.0
    low, value, high = sorted(draw(st.floats(0, largest)) for _ in range(3))
    n = draw(st.integers(8, 20_000))
    return Estimate(value, low, high, unit, n, draw(st.sampled_from(["Wilson", "mean, t", "Cox"])))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(estimates())
def test_rounding_what_is_rounded_changes_nothing(exact: Estimate) -> None:
    shown = round_estimate(exact, ON)
    assert shown.n % 5 == 0
    assert round_estimate(shown, ON) == shown
    assert json_ready(disclosed(shown, ON)) == json_ready(shown), "text and numbers.json agree"
    assert shown.lower is not None
    assert shown.upper is not None
    assert exact.lower is not None
    assert exact.upper is not None
    slack = 1e-9 * max(abs(exact.value), 1.0)
    nearest = 0.0 if exact.method != "Cox" else 1.25 * max(exact.upper - exact.lower, slack)
    assert shown.lower <= max(exact.lower, nearest) + slack, "limits go outwards"
    assert shown.upper >= exact.upper - slack
    assert round_estimate(exact, OFF) == exact


@pytest.mark.parametrize("n", [60, 519, 2931])
def test_events_of_a_share_cannot_be_told_closer_than_to_five(n: int) -> None:
    for events in (1, 7, n // 3):
        shown = round_estimate(Estimate(events / n, 0.0, 1.0, "share", n, "Wilson"), ON)
        could_be = [
            k for k in range(n + 1)
            if round_estimate(Estimate(k / n, 0.0, 1.0, "share", n, "Wilson"), ON).value == shown.value
        ]  # fmt: skip
        assert events in could_be
        assert len(could_be) >= 3 if shown.value in (0.0, 1.0) else len(could_be) >= 5


def test_a_fitted_figure_keeps_what_its_error_allows() -> None:
    slope = Estimate(0.23, 0.2, 0.26, "CSAT points", 40, "random intercept of employees, t")
    shown = round_estimate(slope, ON)
    assert shown.value == pytest.approx(0.23, abs=0.01)
    counted = round_estimate(replace(slope, method="mean, t"), ON)
    assert counted.value == pytest.approx(0.24), "0.23 × 5 / 40 is the least step"


def test_what_is_told_from_nought_stays_told_from_nought() -> None:
    better = Estimate(-0.0007, -0.0012, -0.0002, "Brier score", 4222, "difference, paired")
    shown = round_estimate(better, ON)
    assert shown.upper is not None
    assert shown.upper < 0
    few = Estimate(0.3, 0.01, 0.6, "CSAT points", 30, "least squares")
    shown = round_estimate(few, ON)
    assert shown.lower is not None
    assert 0 < shown.lower <= shown.value


def test_few_are_left_to_be_withheld_and_prices_stay() -> None:
    few = Estimate(0.5, 0.1, 0.9, "share", 7, "Wilson")
    assert round_estimate(few, ON) == few
    assert isinstance(disclosed(few, ON), NotEstimable)
    price = Estimate(123.456, None, None, "EUR", 0, "declared")
    assert round_estimate(price, ON) == price


@dataclass(frozen=True, slots=True)
class Part:
    rates: dict[str, Estimate]
    series: tuple[Estimate, ...]
    array: np.ndarray


def test_every_estimate_in_a_study_is_rounded_and_the_rest_is_left() -> None:
    exact = Estimate(0.46301, 0.42534, 0.50070, "share", 676, "Wilson")
    part = Part({"a": exact}, (exact, exact), np.arange(3))
    found = in_steps((part, "text", None), ON)[0]
    shown = round_estimate(exact, ON)
    assert shown.value != exact.value
    assert found.rates == {"a": shown}
    assert found.series == (shown, shown)
    assert found.array is part.array
    assert in_steps(part, OFF) is part
    finding = Finding("x", "X.", {"a": exact}, "description", "None.", money=exact)
    assert disclosed(finding, ON).money == shown
    untouched = (NotEstimable("No."), 3, "a")
    assert in_steps(untouched, ON) is untouched


def test_steps_go_into_the_whole() -> None:
    for least in (0.0011, 0.013, 0.3, 7, 210, 99_000):
        step = step_at_least(least)
        assert least <= step <= 2.5 * least
    assert to_step(0.3, step_at_least(0.1)) == 0.3


def test_money_is_withheld_where_one_or_few_make_it_up() -> None:
    assert ON.money(100.0, [50, 10, 10, 10, 5, 5, 5, 5]) is None, "one makes half of it"
    assert ON.money(70.0, [10] * 7) is None, "seven customers"
    assert OFF.money(70.5, [10] * 7) == 70.5
    amounts = [*([10.0] * 90), 333.3]
    shown = ON.money(sum(amounts), amounts)
    assert shown is not None
    assert shown % 400 == 0, "in steps of at least the largest"


def test_an_interval_rules_out_that_one_customer_dominates() -> None:
    rng = np.random.default_rng(4)
    for n in (12, 40, 300):
        even = rng.gamma(4, 25, n)
        led = np.array([*even[1:], 1.1 * even[1:].sum()])
        for amounts, dominated in ((even, False), (led, True)):
            error = amounts.std(ddof=1) / math.sqrt(n)
            mean = float(amounts.mean())
            found = Estimate(
                mean, mean - 1.96 * error, mean + 1.96 * error, "EUR per customer", n, ""
            )
            assert ON.dominated(amounts.tolist()) == dominated
            assert may_be_dominated(found, ON) == dominated
            assert not may_be_dominated(found, OFF)


def test_a_sum_or_mean_of_money_does_not_show_its_largest_customer() -> None:
    amounts = np.array([*np.full(99, 100.0), 4000.0])
    who = np.array([f"C{i:03d}" for i in range(100)])
    total = published_level(total_level(pd.Series(amounts, index=who), "EUR"), ON)
    each = published_level(ratio_level(who, amounts, np.ones(100), "EUR per customer"), ON)
    assert total.value % 4000 == 0
    assert each.value % 40 == 0
    exact = total_level(pd.Series(amounts, index=who), "EUR")
    assert published_level(exact, OFF) == exact.estimate
    share = published_level(share_level(amounts > 50, who), ON)
    assert share.value == 1.0


def test_a_drawn_curve_does_not_hold_the_numbers_at_risk() -> None:
    n = 137
    levels = np.cumprod(1 - 6 / np.arange(n, n - 60, -6))
    shown = levels_in_steps(levels, n, ON)
    assert np.array_equal(levels_in_steps(levels, n, OFF), levels)
    first = [
        m for m in range(100, 180)
        if math.isclose(levels_in_steps(np.array([1 - 6 / m]), n, ON)[0], shown[0])
    ]  # fmt: skip
    assert n in first
    assert len(first) >= 8


@dataclass(frozen=True, slots=True)
class Quarter:
    """A period that knows its neighbours."""

    number: int

    @property
    def label(self) -> str:
        return f"Q{self.number}"

    def shifted(self, periods: int) -> Quarter:
        return Quarter(self.number + periods)

    @property
    def previous(self) -> Quarter:
        return self.shifted(-1)

    @property
    def year_before(self) -> Quarter:
        return self.shifted(-4)


def taken(level: Callable[[Quarter], Level]) -> Metric:
    found = Measure("x", "X", "money", True, level, "", 4)  # type: ignore[arg-type]
    return Taker(None, Disclosure()).metric(found, Quarter(9), None)  # type: ignore[arg-type]


def test_a_change_of_a_sum_is_what_the_two_published_sums_differ_by() -> None:
    spent = np.random.default_rng(3).gamma(2.0, 50.0, 400)
    metric = taken(lambda period: total_level(pd.Series(spent * (1 + period.number / 97)), "EUR"))
    now, before, change = metric.now, metric.previous, metric.change
    assert isinstance(now, Estimate)
    assert isinstance(before, Estimate)
    assert isinstance(change, Estimate)
    assert change.value == pytest.approx(now.value - before.value)
    assert change.lower is not None
    assert change.upper is not None
    assert change.lower <= change.value <= change.upper


def test_what_its_step_would_swallow_is_withheld_in_words_not_shown_as_nought() -> None:
    # One of thirty pays for nearly half: the step of a mean is as large as what that one adds.
    money = np.array([1900.0] + [70.0] * 29)
    customers = np.arange(30)
    small_mean = taken(lambda _: ratio_level(customers, money, np.full(30, 40.0), "EUR per order"))
    assert isinstance(small_mean.now, Estimate)
    assert small_mean.now.value > 0
    one_in_fifty = taken(lambda _: share_level(np.arange(50) == 0, np.arange(50)))
    assert isinstance(one_in_fifty.now, NotEstimable)
    assert "would read as none or as all" in one_in_fifty.now.reason
    but_one = taken(lambda _: share_level(np.arange(50) > 0, np.arange(50)))
    assert isinstance(but_one.now, NotEstimable), "nor does 98% of fifty stand as all of them"
    none = taken(lambda _: share_level(np.zeros(50, dtype=bool), np.arange(50)))
    assert isinstance(none.now, Estimate)
    assert none.now.value == 0.0, "nobody is nobody"


def test_the_books_are_compared_to_the_cent_and_shown_in_steps() -> None:
    found = Reconciliation("2026Q1", 123456.78, 123450.0, 6.78, 0.0001).in_steps_of(1000.0)
    assert (found.ours, found.declared, found.difference) == (123000.0, 123000.0, 6.78)
    said = word_reconciliation(found, "EUR")
    assert "about €123,000" in said
    assert "€6.78" in said
    assert "456" not in said


def test_a_mean_that_one_customer_may_hold_half_of_is_blurred_by_that_one() -> None:
    held = Estimate(50.0, 1.0, 99.0, "EUR per customer", 40, "mean, clustered by customer")
    spread = Estimate(50.0, 45.0, 55.0, "EUR per customer", 40, "mean, clustered by customer")
    shown = round_estimate(held, Disclosure())
    assert shown.value % 40.0 == 0.0, "in steps of what one customer may add"
    assert abs(round_estimate(spread, Disclosure()).value - 50.0) < 4.0


@pytest.mark.parametrize(("largest", "withheld"), [(900.0, True), (12.0, False)])
def test_margin_at_risk_that_is_one_customers_is_withheld(
    largest: float, withheld: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    margins = [largest, *[10.0] * 39]
    losses = Estimate(4.0, 1.0, 8.0, "count", 40, "expected number, simulated")
    money = Estimate(sum(margins), 100.0, 2000.0, "EUR", 40, "expected sum, simulated")
    summary = AtRiskSummary(40, 0, 0, losses, money, 0.5, 4)
    listed = pd.DataFrame({"customer_id": [f"C{i}" for i in range(40)], "margin_at_risk": margins})
    said: list[str] = []
    monkeypatch.setattr(
        output, "publish_output", lambda data, metadata=None: said.append(str(data))
    )
    show_at_risk(SimpleNamespace(at_risk=AtRiskList(listed, summary)), False, Disclosure())  # type: ignore[arg-type]
    assert said
    assert any("of margin a quarter" in text for text in said) is not withheld
    assert any("margin-at-risk-per-quarter" in text for text in said) is not withheld


def test_a_share_of_few_is_rounded_neither_to_none_nor_to_all() -> None:
    one = Estimate(1 / 60, 0.003, 0.09, "share", 60, "Wilson")
    assert round_estimate(one, Disclosure()).value == 0.1
    all_but_one = Estimate(59 / 60, 0.91, 0.997, "share", 60, "Wilson")
    assert round_estimate(all_but_one, Disclosure()).value == 0.9
    effect = Estimate(0.001, -0.2, 0.2, "share", 60, "difference in means")
    assert round_estimate(effect, Disclosure()).value == 0.0, "an effect may be nought"
