"""The chance that a customer's silence goes on, where churn is inactivity."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.survival.outlook import _orders_with_starts
from analysis.methods.survival.silence import (
    expected_share,
    rank_silent_customers,
    risk_of_silence,
)
from analysis.methods.survival.silence_check import check_silence

FIRST = pd.Timestamp("2023-01-01")
CUT = dt.date(2025, 1, 1)


def orders(n: int = 1500, seed: int = 4) -> pd.DataFrame:
    """Customers who order at random, a third of them rarely, each until he stops for good."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        pace = 120.0 if i % 3 == 0 else 30.0
        day, stops = rng.uniform(0, 300), rng.exponential(600)
        while day < min(900, stops + 300):
            rows.append((f"C{i:04d}", FIRST + pd.Timedelta(days=int(day)), 50.0))
            day += rng.exponential(pace)
    return pd.DataFrame(rows, columns=["customer_id", "occurred_on", "amount"])


def test_who_ordered_lately_cannot_be_lost_in_the_coming_quarter() -> None:
    known = orders()
    known = known[known["occurred_on"] <= pd.Timestamp(CUT)]
    risk = risk_of_silence(known, CUT, 180, 91).customers
    assert (risk.loc[risk["silent_days"] < 89, "risk"] == 0).all()
    assert (risk.loc[risk["silent_days"] >= 89, "risk"] > 0).all()
    assert risk["silent_days"].max() < 180
    long, short = risk[risk["silent_days"] > 150], risk[risk["silent_days"].between(89, 110)]
    assert long["risk"].mean() > short["risk"].mean()


def test_as_many_are_lost_as_expected() -> None:
    everything = orders(3000)
    known = everything[everything["occurred_on"] <= pd.Timestamp(CUT)]
    risk = risk_of_silence(known, CUT, 180, 91).customers.set_index("customer_id")
    last = known.groupby("customer_id")["occurred_on"].max()
    later = everything[everything["occurred_on"] > pd.Timestamp(CUT)]
    following = later.groupby("customer_id")["occurred_on"].min().reindex(risk.index)
    lost_on = last.reindex(risk.index) + pd.Timedelta(days=180)
    within = lost_on <= pd.Timestamp(CUT) + pd.Timedelta(days=91)
    lost = within & (following.isna() | (following >= lost_on))
    spread = np.sqrt((risk["risk"] * (1 - risk["risk"])).sum())
    assert risk["risk"].sum() > 30
    assert abs(lost.sum() - risk["risk"].sum()) < 4 * spread


def test_the_list_is_ordered_by_margin_at_risk_and_permuting_rows_changes_nothing() -> None:
    known = orders(600)
    known = known[known["occurred_on"] <= pd.Timestamp(CUT)]
    periods = pd.DataFrame(
        {"customer_id": known["customer_id"].unique(), "period_index": 3, "margin": 10.0}
    )
    listed = rank_silent_customers(risk_of_silence(known, CUT, 180, 91), periods, "2024Q4", "EUR")
    table = listed.customers
    assert list(table["margin_at_risk"]) == sorted(table["margin_at_risk"], reverse=True)
    summary = listed.summary
    assert isinstance(summary.margin_at_risk, Estimate)
    assert summary.margin_at_risk.value == pytest.approx(10 * summary.expected_losses.value)
    shuffled = known.sample(frac=1, random_state=1)
    again = rank_silent_customers(risk_of_silence(shuffled, CUT, 180, 91), periods, "2024Q4", "EUR")
    pd.testing.assert_frame_equal(again.customers, table)


def test_refunds_are_no_orders() -> None:
    known = orders(300)
    known = known[known["occurred_on"] <= pd.Timestamp(CUT)]
    back = known.groupby("customer_id").tail(1).assign(occurred_on=pd.Timestamp(CUT), amount=-50.0)
    with_refunds = risk_of_silence(pd.concat([known, back]), CUT, 180, 91).customers
    pd.testing.assert_frame_equal(with_refunds, risk_of_silence(known, CUT, 180, 91).customers)


def test_too_little_is_said_in_a_sentence() -> None:
    few = orders(2).head(5)
    with pytest.raises(CannotEstimate, match="Fewer than 30 orders"):
        risk_of_silence(few, CUT, 180, 91)
    with pytest.raises(CannotEstimate, match="no orders"):
        risk_of_silence(few.iloc[:0], CUT, 180, 91)
    with pytest.raises(CannotEstimate, match="Nobody is a customer any more"):
        risk_of_silence(orders(100), dt.date(2030, 1, 1), 180, 91)


def many_orders(n: int, seed: int) -> pd.DataFrame:
    """As `orders`, quickly: exponential gaps, a third of the customers rarely, each until he stops."""
    rng = np.random.default_rng(seed)
    pace = np.where(np.arange(n) % 3 == 0, 120.0, 30.0)
    end = np.minimum(900, rng.exponential(600, n) + 300)
    gaps = np.column_stack([rng.uniform(0, 300, n), rng.exponential(pace[:, None], (n, 120))])
    days = np.cumsum(gaps, axis=1)
    who, which = np.nonzero(days < end[:, None])
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:04d}" for i in who],
            "occurred_on": FIRST + pd.to_timedelta(days[who, which].astype(int), unit="D"),
            "amount": 50.0,
        }
    )


@pytest.mark.parametrize("threshold", [45, 60, 90, 180])
def test_a_short_threshold_can_be_reached_after_another_order(threshold: int) -> None:
    expected = lost = 0.0
    for seed in range(3):
        later = many_orders(800, seed)
        later = later[later["occurred_on"] <= pd.Timestamp(CUT) + pd.Timedelta(days=91)]
        check = check_silence(later, CUT + dt.timedelta(days=91), threshold, 91)
        expected += check.expected.value * check.expected.n
        lost += check.observed.value * check.observed.n
    assert expected == pytest.approx(lost, rel=0.1)


def test_the_interval_carries_the_curves_as_well_as_chance() -> None:
    known = many_orders(400, 1)
    known = known[known["occurred_on"] <= pd.Timestamp(CUT)]
    silence = risk_of_silence(known, CUT, 180, 91)
    risk = silence.customers["risk"].to_numpy(float)
    share = expected_share(silence)
    assert share.lower is not None
    by_chance = 1.96 * np.sqrt((risk * (1 - risk)).sum()) / len(risk)
    assert share.value - share.lower > 1.02 * by_chance


def test_the_check_says_what_happened_to_those_listed() -> None:
    known = many_orders(800, 3)
    known = known[known["occurred_on"] <= pd.Timestamp(CUT)]
    check = check_silence(known, CUT, 180, 91)
    assert isinstance(check.auc, Estimate)
    assert check.auc.value > 0.8
    assert check.expected.lower is not None
    assert check.expected.upper is not None
    assert check.expected.lower < check.observed.value < check.expected.upper
    with pytest.raises(CannotEstimate, match="to judge the list by"):
        check_silence(many_orders(40, 3), CUT, 180, 91)


def test_who_has_started_and_not_ordered_yet_is_on_the_list() -> None:
    known = orders(200)
    known = known[known["occurred_on"] <= pd.Timestamp(CUT)]
    start = pd.Timestamp(CUT) - pd.Timedelta(days=120)
    lifetimes = pd.DataFrame(
        {"customer_id": ["new", "old"], "spell": 1, "started_on": start, "entry_months": [0.0, 3.0]}
    )
    everything = _orders_with_starts(known, lifetimes)
    risk = risk_of_silence(everything, CUT, 180, 91).customers.set_index("customer_id")
    assert risk.loc["new", "silent_days"] == 120
    assert "old" not in risk.index, "whose last order lies before the export is not known"
