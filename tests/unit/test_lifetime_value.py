"""Lifetime value and the worth of retention against hand-made numbers, plain loops and each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.intervals import t_quantile
from analysis.methods.lifetime_value.contractual import (
    LifetimeValue,
    landmark_lifetime_value,
    lifetime_value,
    lifetime_value_by,
)
from analysis.methods.lifetime_value.retention_worth import (
    RetentionGain,
    worth_of_retention,
    worth_on_grid,
)
from analysis.methods.lifetime_value.tenure_grid import tenure_grid

Frames = tuple[pd.DataFrame, pd.DataFrame]


def complete() -> Frames:
    """Ten customers of two quarters: two leave in the first, having brought a third of the rest."""
    ids = [f"C{i}" for i in range(10)]
    gone = np.arange(10) < 2
    lifetimes = pd.DataFrame(
        {"customer_id": ids, "entry_months": 0.0, "exit_months": np.where(gone, 2.0, 6.0), "ended": gone}
    )  # fmt: skip
    first = pd.DataFrame(
        {"customer_id": ids, "tenure_months": 0.0, "margin": np.where(gone, 10.0, 30.0), "left": gone}
    )  # fmt: skip
    second = pd.DataFrame(
        {"customer_id": ids[2:], "tenure_months": 3.0, "margin": 60.0, "left": False}
    )
    return lifetimes, pd.concat([first, second], ignore_index=True)


def company(n: int = 300, seed: int = 4, hazard: float = 0.03) -> Frames:
    """Starts over six years, seen for four; better customers stay longer; quarters of money."""
    rng = np.random.default_rng(seed)
    start = -72 * rng.random(n)
    good = rng.random(n) < 0.5
    life = rng.exponential(np.where(good, 1.3, 0.8) / hazard)
    last = np.minimum(start + life, 0.0)
    seen = last > np.maximum(start, -48)
    start, good, life, last = start[seen], good[seen], life[seen], last[seen]
    ids = np.array([f"C{i:04}" for i in range(len(start))])
    lifetimes = pd.DataFrame(
        {
            "customer_id": ids,
            "entry_months": np.maximum(-48 - start, 0),
            "exit_months": last - start,
            "ended": last < 0,
            "segment": np.where(good, "good", "other"),
        }
    )
    opens = np.arange(-48, 0, 3.0)
    who, when = np.nonzero((start[:, None] < opens) & (last[:, None] >= opens))
    there = np.minimum(start[who] + life[who] - opens[when], 3)
    margin = there * np.where(good[who], 14, 8) * rng.gamma(2, 0.5, len(who))
    periods = pd.DataFrame(
        {
            "customer_id": ids[who],
            "period_index": when,
            "tenure_months": opens[when] - start[who],
            "margin": margin,
        }
    )
    return lifetimes, periods


def value_of(frames: Frames, horizon: int = 24, rate: float = 0.1) -> LifetimeValue:
    return lifetime_value(*frames, horizon, rate, 3, "EUR")


def limits(estimate: Estimate) -> tuple[float, float]:
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower, estimate.upper


# By hand


def test_leaving_counts_once() -> None:
    value = value_of(complete(), horizon=6, rate=0.0)
    # All money there was, per customer who started: 2 × 10 + 8 × 30 + 8 × 60 over ten.
    assert value.total.value == pytest.approx(74)
    assert value.survival.tolist() == [1.0, 0.8]
    assert value.margin_per_month == pytest.approx([26 / 3, 20])
    assert value.contribution == pytest.approx([26, 48])
    assert value.base.tolist() == [10, 8]
    assert (value.total.unit, value.total.n, value.horizon_months) == ("EUR per customer", 10, 6)


def test_with_everybody_followed_the_error_is_that_of_a_mean() -> None:
    value = value_of(complete(), horizon=6, rate=0.0)
    brought = np.array([10.0] * 2 + [90.0] * 8)
    assert value.standard_error == pytest.approx(brought.std(ddof=1) / np.sqrt(10), rel=1e-12)


def test_discount_is_at_the_ends_of_months() -> None:
    value = value_of(complete(), horizon=6, rate=0.1)
    factors = 1.1 ** (-np.arange(1, 7) / 12)
    expected = 26 * factors[:3].mean() + 48 * factors[3:].mean()
    assert value.total.value == pytest.approx(expected, rel=1e-12)


def test_horizon_ends_with_follow_up_or_where_too_few_are_left() -> None:
    value = value_of(complete(), horizon=24)
    assert value.horizon_months == 6
    assert "6 months, not to the 24 declared" in value.remarks[0]
    assert value_of(complete(), horizon=6).remarks == ()
    lifetimes, periods = complete()
    fewer = periods[~((periods["tenure_months"] == 3) & (periods["customer_id"] == "C9"))]
    assert value_of((lifetimes, fewer), horizon=6).horizon_months == 3


def test_a_period_belongs_to_the_interval_in_which_most_of_it_lies() -> None:
    lifetimes, periods = complete()
    lifetimes["exit_months"] += 3.0
    later = periods.assign(tenure_months=periods["tenure_months"] + 1.4)
    assert value_of((lifetimes, later), horizon=6).base.tolist() == [10, 8]
    # All start early in a quarter: no period opens near their start, and the value says so.
    late = periods.assign(tenure_months=periods["tenure_months"] + 2.6)
    value = value_of((lifetimes, late), horizon=6)
    assert value.base.tolist() == [10, 8]
    assert value.lag_months == pytest.approx(2.6)
    assert "2.6 months later" in value.remarks[0]
    never = periods.assign(tenure_months=periods["tenure_months"] + 3.1)
    with pytest.raises(CannotEstimate, match="first months"):
        value_of((lifetimes, never), horizon=6)


# Against a plain loop, and leaving customers out


def plain_loop(lifetimes: pd.DataFrame, periods: pd.DataFrame, horizon: int, rate: float) -> float:
    rows = lifetimes[["entry_months", "exit_months", "ended"]].to_numpy(float)
    total = 0.0
    for opens in range(0, horizon, 3):
        survival = 1.0
        for time in sorted({exit_ for _, exit_, ended in rows if ended and exit_ < opens}):
            at_risk = sum(entry < time <= exit_ for entry, exit_, _ in rows)
            losses = sum(bool(ended) and exit_ == time for _, exit_, ended in rows)
            survival *= 1 - losses / at_risk
        money = [
            row.margin
            for row in periods.itertuples()
            if opens - 1.5 <= row.tenure_months < opens + 1.5
        ]
        for month in range(opens + 1, opens + 4):
            total += survival * sum(money) / len(money) / 3 * (1 + rate) ** (-month / 12)
    return total


def test_value_equals_a_plain_loop() -> None:
    frames = company(150)
    assert value_of(frames).total.value == pytest.approx(plain_loop(*frames, 24, 0.1), rel=1e-12)


def jackknife(frames: Frames, figure: Callable[[Frames], list[float]]) -> np.ndarray:
    lifetimes, periods = frames
    without = np.array(
        [
            figure((lifetimes[lifetimes["customer_id"] != c], periods[periods["customer_id"] != c]))
            for c in lifetimes["customer_id"]
        ]
    )
    n = len(without)
    return np.sqrt((n - 1) / n * ((without - without.mean(axis=0)) ** 2).sum(axis=0))


def test_error_is_that_of_leaving_customers_out() -> None:
    frames = company(150)
    (expected,) = jackknife(frames, lambda f: [value_of(f, 12).total.value])
    assert value_of(frames, 12).standard_error == pytest.approx(expected, rel=0.05)


def test_value_finds_what_was_planted() -> None:
    rate = np.array([0.03 / 1.3, 0.03 / 0.8])
    months = np.arange(0, 24, 0.01) + 0.005
    planted = ((np.exp(-rate * months[:, None]) * [14, 8]).mean(axis=1)) * 0.01
    truth = float((planted * 1.1 ** (-np.ceil(months) / 12)).sum())
    value = value_of(company(20_000))
    assert value.total.value == pytest.approx(truth, abs=2.5 * value.standard_error)
    assert value.standard_error < truth / 100


# What must not matter


def test_order_and_names_of_customers_change_nothing() -> None:
    lifetimes, periods = company()
    other = value_of(
        (
            lifetimes.assign(customer_id="Z" + lifetimes["customer_id"].str[::-1]).sample(
                frac=1, random_state=1
            ),
            periods.assign(customer_id="Z" + periods["customer_id"].str[::-1]).sample(
                frac=1, random_state=2
            ),
        )
    )
    plain = value_of((lifetimes, periods))
    assert other.total.value == pytest.approx(plain.total.value, rel=1e-11)
    assert other.standard_error == pytest.approx(plain.standard_error, rel=1e-10)


def test_currency_scales_money_only() -> None:
    lifetimes, periods = company()
    tenfold = periods.assign(margin=10 * periods["margin"])
    plain, scaled = value_of((lifetimes, periods)), value_of((lifetimes, tenfold))
    assert scaled.total.value == pytest.approx(10 * plain.total.value)
    assert limits(scaled.total) == pytest.approx([10 * x for x in limits(plain.total)])
    assert scaled.survival.tolist() == plain.survival.tolist()
    for before, after in zip(
        worth_of_retention(lifetimes, periods, 24, 0.1, 3, "EUR"),
        worth_of_retention(lifetimes, tenfold, 24, 0.1, 3, "EUR"),
        strict=True,
    ):
        assert isinstance(before.active, RetentionGain)
        assert isinstance(after.active, RetentionGain)
        assert after.active.gain.value == pytest.approx(10 * before.active.gain.value)
        assert after.active.lift.value == pytest.approx(before.active.lift.value)
        assert limits(after.active.lift) == pytest.approx(limits(before.active.lift), rel=1e-6)
        assert after.active.hazard_ratio == pytest.approx(before.active.hazard_ratio)


# Groups and landmarks


def test_groups_share_one_horizon_and_are_compared() -> None:
    lifetimes, periods = company(900)
    values = lifetime_value_by(lifetimes, periods, "segment", 24, 0.1, 3, "EUR")
    (_, good), (_, other) = values.groups
    assert isinstance(good, LifetimeValue)
    assert isinstance(other, LifetimeValue)
    assert good.horizon_months == other.horizon_months == values.horizon_months == 24
    (pair,) = values.differences
    assert pair.difference.value == pytest.approx(good.total.value - other.total.value)
    half = float(np.hypot(good.standard_error, other.standard_error))
    assert limits(pair.difference)[1] - pair.difference.value == pytest.approx(
        1.96 * half, rel=0.01
    )
    assert pair.p_value == pair.adjusted_p_value < 0.001


def test_a_group_followed_too_briefly_does_not_shorten_the_others() -> None:
    lifetimes, periods = company(900)
    fresh = lifetimes["exit_months"] < 7
    lifetimes["segment"] = lifetimes["segment"].where(~fresh, "fresh")
    values = lifetime_value_by(lifetimes, periods, "segment", 24, 0.1, 3, "EUR")
    groups = dict(values.groups)
    assert values.horizon_months == 24
    brief = groups["fresh"]
    assert isinstance(brief, NotEstimable)
    assert "only 6 months" in brief.reason
    assert len(values.differences) == 1


def test_landmark_starts_the_clock_at_the_answer() -> None:
    lifetimes, periods = company(900)
    answered = lifetimes["entry_months"] + 2.0
    stayed = lifetimes["exit_months"] > answered
    landmarks = pd.DataFrame(
        {
            "customer_id": lifetimes["customer_id"],
            "group": lifetimes["segment"],
            "entry_months": 0.0,
            "exit_months": lifetimes["exit_months"] - answered,
            "ended": lifetimes["ended"],
        }
    )[stayed]
    at = answered.set_axis(lifetimes["customer_id"])
    joined = periods.assign(
        months_since_answer=periods["tenure_months"] - periods["customer_id"].map(at)
    )
    values = landmark_lifetime_value(landmarks, joined, 24, 0.1, 3, "EUR")
    by_hand = lifetime_value_by(
        landmarks,
        joined[joined["months_since_answer"] >= 0].assign(
            tenure_months=lambda f: f["months_since_answer"]
        ),
        "group", 24, 0.1, 3, "EUR",
    )  # fmt: skip
    for (_, one), (_, two) in zip(values.groups, by_hand.groups, strict=True):
        assert isinstance(one, LifetimeValue)
        assert isinstance(two, LifetimeValue)
        # Half a day of tolerance at the answer is all that may differ.
        assert one.total.value == pytest.approx(two.total.value, rel=0.01)
    assert [name for name, _ in values.groups] == ["good", "other"]
    # Other instruments' periods and the number of the spell are of no matter.
    twice = pd.concat(
        [joined.assign(instrument="nps"), joined.assign(instrument="csat", margin=0.0)]
    )
    again = landmark_lifetime_value(
        landmarks.assign(instrument="nps", spell=2), twice, 24, 0.1, 3, "EUR"
    )
    assert again.differences == values.differences


def test_only_first_spells_share_their_clock_with_margin() -> None:
    lifetimes, periods = company()
    again = lifetimes.head(20).assign(spell=2, entry_months=0.0, exit_months=1.0, ended=True)
    spells = pd.concat([lifetimes.assign(spell=1), again], ignore_index=True)
    assert value_of((spells, periods)).total == value_of((lifetimes, periods)).total
    with pytest.raises(ValueError, match="more than one row"):
        value_of((spells.drop(columns="spell"), periods))


# Worth of retention


def test_worth_of_retention_at_a_constant_hazard() -> None:
    hazard = 0.03
    lifetimes, periods = company(30_000, hazard=hazard)
    good = lifetimes[lifetimes["segment"] == "good"]
    points, per_cent = worth_of_retention(good, periods, 24, 0.1, 3, "EUR")
    rate = hazard / 1.3
    months = np.arange(0, 24, 0.01) + 0.005
    factor = 14 * 0.01 * 1.1 ** (-np.ceil(months) / 12)
    kept = np.exp(-12 * rate)
    for worth, raised in ((points, kept + 0.05), (per_cent, kept * 1.05)):
        ratio = np.log(raised) / np.log(kept)
        staying = np.exp(-rate * months)
        truth = float(((staying**ratio - staying) * factor).sum())
        new, active = worth.per_customer, worth.active
        assert isinstance(new, RetentionGain)
        assert isinstance(active, RetentionGain)
        assert new.retention.value == pytest.approx(kept, abs=0.01)
        assert new.raised_to == pytest.approx(raised, abs=0.011)
        assert new.hazard_ratio == pytest.approx(ratio, abs=0.02)
        assert new.gain.value == pytest.approx(truth, rel=0.03)
        assert new.lift.value == pytest.approx(truth / (staying * factor).sum(), rel=0.03)
        # At a constant hazard tenure is of no matter.
        assert active.gain.value / active.customers == pytest.approx(truth, rel=0.05)
        assert new.gain.unit == "EUR per customer"
        assert active.gain.unit == "EUR"
        assert active.customers + worth.left_out == (~good["ended"]).sum()


def test_error_of_the_worth_is_that_of_leaving_customers_out() -> None:
    frames = company(110)

    def gains(parts: Frames) -> list[float]:
        worth = worth_on_grid(tenure_grid(*parts, 3), 12, 0.1, "EUR", "points")
        assert isinstance(worth.per_customer, RetentionGain)
        assert isinstance(worth.active, RetentionGain)
        # How many are active is taken as it is.
        return [worth.per_customer.gain.value, worth.active.gain.value / worth.active.customers]

    worth = worth_on_grid(tenure_grid(*frames, 3), 12, 0.1, "EUR", "points")
    assert isinstance(worth.per_customer, RetentionGain)
    assert isinstance(worth.active, RetentionGain)
    expected = jackknife(frames, gains)
    for gain, customers, error, tolerance in (
        (worth.per_customer.gain, 1, expected[0], 0.05),
        (worth.active.gain, worth.active.customers, expected[1], 0.2),
    ):
        lower, upper = limits(gain)
        # The interval is even on the log scale.
        assert upper / gain.value == pytest.approx(gain.value / lower)
        spread = np.log(upper / gain.value) / t_quantile(0.95, len(frames[0]) - 1)
        assert spread * gain.value / customers == pytest.approx(error, rel=tolerance)


def test_retention_cannot_rise_beyond_everybody() -> None:
    lifetimes, periods = company(600, hazard=0.002)
    points, _ = worth_of_retention(lifetimes, periods, 12, 0.1, 3, "EUR")
    new = points.per_customer
    assert isinstance(new, RetentionGain)
    assert new.capped
    assert (new.raised_to, new.hazard_ratio) == (1.0, 0.0)
    assert "nobody leaving" in new.remark
    assert new.gain.value > 0


# Where the data do not bear it


def test_degenerate_samples_give_a_sentence() -> None:
    lifetimes, periods = company()
    nobody_left = lifetimes.assign(ended=False)
    cases = [
        (lifetimes, periods.iloc[:0], "no money"),
        (lifetimes, periods.drop(columns="tenure_months"), "no money"),
        (lifetimes.head(5), periods, "Fewer than 8"),
        (lifetimes.iloc[:0], periods, "Fewer than 8"),
        (nobody_left, periods, "Nobody has left"),
        (lifetimes.assign(entry_months=lifetimes["exit_months"] / 2), periods, "first months"),
    ]
    for left, right, words in cases:
        with pytest.raises(CannotEstimate, match=words):
            value_of((left, right))
        with pytest.raises(CannotEstimate, match=words):
            worth_of_retention(left, right, 24, 0.1, 3, "EUR")
    with pytest.raises(CannotEstimate, match="shorter than one period"):
        value_of((lifetimes, periods), horizon=2)
    with pytest.raises(CannotEstimate, match="No group"):
        lifetime_value_by(nobody_left, periods, "segment", 24, 0.1, 3, "EUR")
    with pytest.raises(CannotEstimate, match="less than a year"):
        worth_of_retention(*complete(), 6, 0.1, 3, "EUR")


def test_all_lost_and_money_lost_give_a_sentence_or_a_value() -> None:
    lifetimes, periods = company()
    everybody = value_of((lifetimes.assign(ended=True), periods))
    assert everybody.total.value > 0
    losing = periods.assign(margin=-periods["margin"])
    assert value_of((lifetimes, losing)).total.value < 0
    points, _ = worth_of_retention(lifetimes, losing, 24, 0.1, 3, "EUR")
    assert isinstance(points.per_customer, NotEstimable)
    assert "no margin" in points.per_customer.reason
