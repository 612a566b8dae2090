"""The example company's scorecard: planted figures found, frames agree, no exact count published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.disclosure import Disclosure
from analysis.intake.dataset import Dataset, open_dataset
from analysis.methods.estimate import Estimate
from analysis.methods.revenue_split import Reconciliation, RevenueSplit
from analysis.methods.scorecard.customers import CustomerFlow, as_of_earlier, retention_level
from analysis.methods.scorecard.measures import Tables
from analysis.methods.scorecard.nonresponse import WeightedScore
from analysis.methods.scorecard.rounding import coarse_step
from analysis.methods.scorecard.study import Scorecard, study_scorecard

DEMO = Path(__file__).resolve().parents[2] / "data/demo"


@pytest.fixture(scope="module")
def data() -> Dataset:
    return open_dataset(DEMO, "2026Q2")


@pytest.fixture(scope="module")
def tables(data: Dataset) -> Tables:
    names = ("customers", "transactions", "periods", "surveys", "contacts", "marketing")
    return Tables(
        lifetimes=data.lifetimes(),
        customer_periods=data.customer_periods(),
        **{name: data.table(name) for name in names},
    )


@pytest.fixture(scope="module")
def study(data: Dataset, tables: Tables) -> Scorecard:
    return study_scorecard(data.period, tables, data.settings, data.disclosure)


@pytest.fixture(scope="module")
def exact(data: Dataset, tables: Tables) -> Scorecard:
    return study_scorecard(data.period, tables, data.settings, Disclosure(enabled=False))


def test_retention_from_lifetimes_is_that_of_the_periods(data: Dataset, tables: Tables) -> None:
    """Two ways from the exports to retention, in each quarter covered."""
    frame = tables.customer_periods
    for back in range(12):
        period = data.period.shifted(-back)
        rows = frame[frame["period"] == period.label]
        level = retention_level(tables.lifetimes, "contract", period)
        assert level.estimate.n == len(rows)
        assert level.estimate.value == pytest.approx(1 - rows["left"].mean(), rel=1e-12)


def test_lifetimes_cut_to_an_earlier_day_are_those_known_then(
    data: Dataset, tables: Tables
) -> None:
    earlier = open_dataset(DEMO, "2025Q2")
    known = earlier.lifetimes().sort_values("customer_id", ignore_index=True)
    cut = as_of_earlier(tables.lifetimes, earlier.period.last_day)
    cut = cut.sort_values("customer_id", ignore_index=True)
    assert cut["customer_id"].tolist() == known["customer_id"].tolist()
    assert np.allclose(cut["exit_months"], known["exit_months"])
    assert cut["ended"].tolist() == known["ended"].tolist()


def test_value_of_a_year_ago_is_what_was_reported_then(exact: Scorecard) -> None:
    then = open_dataset(DEMO, "2025Q2")
    from analysis.methods.lifetime_value.contractual import lifetime_value

    economics = then.settings.economics
    value = lifetime_value(
        then.lifetimes(), then.customer_periods(), economics.horizon_months,
        economics.discount_rate_annual, 3, "EUR",
    )  # fmt: skip
    ago = exact.metric("customer-lifetime-value").year_before
    assert isinstance(ago, Estimate)
    assert ago.value == pytest.approx(value.total.value, rel=1e-9)
    assert ago.lower == pytest.approx(value.total.lower, rel=1e-9)


def test_books_and_split_agree_to_the_cent(study: Scorecard) -> None:
    assert isinstance(study.reconciliation, Reconciliation)
    assert study.reconciliation.difference == 0
    for split in (study.split_on_previous, study.split_on_year):
        assert isinstance(split, RevenueSplit)
        parts = (split.customers, split.frequency, split.order_value, split.refunds)
        assert sum(round(100 * part) for part in parts) == round(100 * split.total)
        assert split.after.customers % 5 == split.after.orders % 5 == 0


def test_flow_of_customers_adds_up(exact: Scorecard) -> None:
    flow = exact.flow
    assert isinstance(flow, CustomerFlow)
    assert flow.at_end == flow.at_start - flow.lost + flow.joined - flow.joined_and_left
    retention = exact.metric("retention").now
    assert isinstance(retention, Estimate)
    new = flow.joined - flow.joined_and_left
    assert retention.value == (flow.at_end - new) / flow.at_start


def test_published_figures_do_not_give_the_number_of_customers(
    study: Scorecard, exact: Scorecard
) -> None:
    """Were revenue known to the cent, what is divided into it would allow for many numbers."""
    split = exact.split_on_year
    assert isinstance(split, RevenueSplit)
    gross, orders, customers = (
        split.after.gross_cents / 100,
        split.after.orders,
        split.after.customers,
    )

    def could_be(id: str, total: float, true: int) -> list[int]:
        """Numbers that, divided into the total, would have been published as the figure was."""
        now = study.metric(id).now
        assert isinstance(now, Estimate)
        candidates = range(true - 60, true + 61)
        step = coarse_step(now.value, now.n, now.unit)
        return [k for k in candidates if abs(total / k - now.value) <= step / 2 + 1e-9]

    possible = could_be("average-order-value", gross, orders)
    assert orders in possible
    assert len(possible) >= 5
    behind = could_be("orders-per-customer", orders, customers)
    assert customers in behind
    assert len(behind) >= 5


def test_response_that_depends_on_little_moves_little(study: Scorecard) -> None:
    for score in study.weighted:
        assert isinstance(score, WeightedScore)
        assert score.effective_n > 0.9 * score.raw.n
        assert score.shift.lower is not None
        assert score.shift.upper is not None
        assert score.shift.lower <= 0 <= score.shift.upper
