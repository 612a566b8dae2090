"""E-values as published; retention under dependent censoring, repaired by weights or bounded."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.survival.inverse_weights import weighted_survival
from analysis.methods.survival.nonparametric import kaplan_meier
from analysis.methods.survival.sensitivity import (
    censored_by_calendar,
    contrast_of_steps,
    dependent_censoring,
    e_value,
    e_value_of_risk_ratio,
    last_of_spell,
    leaving_bounds,
    risk_ratio_of,
)


def ratio(value: float, lower: float | None, upper: float | None) -> Estimate:
    return Estimate(value, lower, upper, "hazard ratio", 500, "Cox, Efron ties")


# E-values


def test_e_values_equal_the_published_ones() -> None:
    # VanderWeele & Ding (2017): maternal smoking RR 3.9; breastfeeding RR .80 (.71, .91).
    assert round(e_value_of_risk_ratio(3.9), 2) == 7.26
    found = e_value("breast-fed or not", ratio(0.80, 0.71, 0.91), share_with_event=0.05)
    assert round(found.point, 2) == 1.81
    assert round(found.limit, 2) == 1.43
    assert found.risk_ratio == 0.80
    assert "at most 15 %" in found.approximation


def test_an_interval_that_holds_one_needs_no_confounder() -> None:
    found = e_value("a point", ratio(0.9, 0.7, 1.1), 0.1)
    assert found.limit == 1
    assert found.point > 1


def test_common_outcomes_shrink_the_ratio_before() -> None:
    rare = e_value("CSAT 2 against 4", ratio(1.8, 1.5, 2.1), 0.15)
    common = e_value("CSAT 2 against 4", ratio(1.8, 1.5, 2.1), 0.16)
    assert common.risk_ratio == pytest.approx((1 - 0.5**1.8**0.5) / (1 - 0.5 ** (1 / 1.8) ** 0.5))
    assert 1 < common.limit < common.point < rare.point
    assert "more than 15 %" in common.approximation
    assert risk_ratio_of(1 / 1.8, common=True) == pytest.approx(1 / risk_ratio_of(1.8, common=True))


def test_a_contrast_of_two_points_down_is_the_inverse_square() -> None:
    found = contrast_of_steps(ratio(0.75, 0.70, 0.80), -2)
    assert found.value == pytest.approx(0.75**-2)
    assert found.lower == pytest.approx(0.80**-2)
    assert found.upper == pytest.approx(0.70**-2)
    up = e_value("CSAT 4 against 2", contrast_of_steps(ratio(0.75, 0.70, 0.80), 2), 0.3)
    down = e_value("CSAT 2 against 4", found, 0.3)
    assert up.point == pytest.approx(down.point), "the direction of a contrast changes nothing"
    assert up.limit == pytest.approx(down.limit)


def test_what_has_no_e_value_says_so() -> None:
    with pytest.raises(CannotEstimate, match="no interval"):
        e_value("a point", ratio(0.9, None, None), 0.1)
    with pytest.raises(CannotEstimate, match="not a positive number"):
        e_value_of_risk_ratio(0.0)


# Bounds


@pytest.fixture
def company() -> dict[str, np.ndarray]:
    """Four hundred customers, entry delayed for a third, some lost to sight, ties by tenths."""
    rng = np.random.default_rng(3)
    n = 400
    life = np.maximum(np.round(rng.exponential(20, n), 1), 0.2)
    entry = np.where(rng.random(n) < 0.33, np.round(0.5 * life * rng.random(n), 1), 0.0)
    until = np.maximum(np.round(entry + rng.exponential(15, n), 1), entry + 0.1)
    return {"start": entry, "stop": np.minimum(life, until), "ended": life <= until}


def test_at_the_same_hazard_the_bound_is_kaplan_meier_with_greenwood(company: dict) -> None:
    lost = ~company["ended"]
    (same,) = leaving_bounds(**company, censored=lost, horizon_months=12, times_hazard=(1.0,))
    plain = kaplan_meier(*company.values()).at(12)
    assert same.retention.value == pytest.approx(plain.value, abs=1e-12)
    assert same.retention.lower == pytest.approx(plain.lower, abs=1e-12)
    assert same.retention.upper == pytest.approx(plain.upper, abs=1e-12)


def test_the_bound_by_hand() -> None:
    # Four; one leaves at 1, one is lost at 2, one leaves at 3, one stays. Observed hazard at 3: 1/2.
    data = np.zeros(4), np.array([1.0, 2, 3, 5]), np.array([True, False, True, False])
    lost = np.array([False, True, False, True])
    found = leaving_bounds(*data, lost, 4, times_hazard=(1.0, 2.0))
    assert found[0].retention.value == pytest.approx(3 / 4 * 1 / 2)
    assert found[1].retention.value == pytest.approx((1 + (1 / 2) ** 2) / 4)


def test_the_bound_falls_with_the_hazard_and_only_where_somebody_was_lost(company: dict) -> None:
    bounds = leaving_bounds(**company, censored=~company["ended"], horizon_months=12)
    values = [bound.retention.value for bound in bounds]
    plain = kaplan_meier(*company.values()).at(12).value
    assert plain > values[0] > values[1] > values[2]
    nobody = leaving_bounds(**company, censored=np.zeros(400, dtype=bool), horizon_months=12)
    assert {round(bound.retention.value, 12) for bound in nobody} == {round(plain, 12)}


def test_bounds_of_several_spells_are_clustered_by_customer(company: dict) -> None:
    lost = ~company["ended"]
    plain = leaving_bounds(**company, censored=lost, horizon_months=12)
    alone = leaving_bounds(**company, censored=lost, horizon_months=12, customer=np.arange(400))
    twice = {name: np.concatenate([values, values]) for name, values in company.items()}
    both = leaving_bounds(
        **twice, censored=np.concatenate([lost, lost]), horizon_months=12,
        customer=np.tile(np.arange(400), 2),
    )  # fmt: skip
    for one, other, doubled in zip(plain, alone, both, strict=True):
        width = one.retention.upper - one.retention.lower
        assert other.retention.value == pytest.approx(one.retention.value, abs=1e-12)
        assert other.retention.upper - other.retention.lower == pytest.approx(width, rel=0.05)
        assert doubled.retention.value == pytest.approx(one.retention.value, abs=1e-12)
        assert doubled.retention.upper - doubled.retention.lower == pytest.approx(width, rel=0.05)
        assert doubled.retention.n == 400


def test_the_interval_of_a_bound_is_that_of_the_jackknife() -> None:
    rng = np.random.default_rng(6)
    n = 150
    life, lost = rng.exponential(15, n), rng.exponential(6, n)
    data = [np.zeros(n), np.minimum(life, lost), life <= lost, life > lost]

    def bound(rows: np.ndarray) -> Estimate:
        chosen = [values[rows] for values in data]
        return leaving_bounds(*chosen, 8.0, times_hazard=(4.0,))[0].retention

    whole = bound(np.arange(n))
    without = np.array([bound(np.delete(np.arange(n), i)).value for i in range(n)])
    error = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    half = np.log(np.log(whole.lower) / np.log(whole.upper)) / 2
    assert half * whole.value * abs(np.log(whole.value)) / 1.96 == pytest.approx(error, rel=0.06)


def test_bounds_say_what_they_cannot() -> None:
    n = 10
    data = {"start": np.zeros(n), "stop": np.arange(1.0, n + 1), "censored": np.zeros(n, bool)}
    with pytest.raises(CannotEstimate, match="Nobody was followed for 12 months"):
        leaving_bounds(**data, ended=np.ones(n, bool), horizon_months=12)
    with pytest.raises(CannotEstimate, match="Nobody has left before the horizon"):
        leaving_bounds(**data, ended=np.zeros(n, bool), horizon_months=5)
    all_gone = leaving_bounds(**data, ended=np.ones(n, bool), horizon_months=10)
    assert all_gone[0].retention.value == 0
    assert all_gone[0].retention.lower is None


# Weights

TRUE_RETENTION = 0.5 * np.exp(-12 * 0.02) + 0.5 * np.exp(-12 * 0.12)


def drawn(seed: int, n: int = 3000, informative: bool = True) -> dict[str, np.ndarray]:
    """Half of the customers leave six times as fast, and (if informative) are lost far faster too."""
    rng = np.random.default_rng(seed)
    kind = np.arange(n) % 2 == 1
    life = rng.exponential(1 / np.where(kind, 0.12, 0.02))
    lost = rng.exponential(1 / np.where(kind & informative, 0.12, 0.015))
    stop = np.minimum(np.minimum(life, lost), 24)
    return {
        "start": np.zeros(n), "stop": stop, "ended": stop == life, "censored": stop == lost,
        "spell": np.arange(n), "customer": np.arange(n), "covariates": kind[:, None].astype(float),
    }  # fmt: skip


def test_weights_correct_the_dependence_that_kaplan_meier_misses() -> None:
    covered, missed = 0, 0
    for seed in range(10):
        data = drawn(seed)
        weighted = weighted_survival(**data, names=("kind",), horizon_months=12)
        plain = kaplan_meier(data["start"], data["stop"], data["ended"]).at(12)
        covered += weighted.retention.lower <= TRUE_RETENTION <= weighted.retention.upper
        missed += plain.lower > TRUE_RETENTION
        assert 0 < weighted.effective_sample_size < weighted.followed
        assert weighted.truncated <= 0.02
    assert covered >= 8
    assert missed == 10, "those who leave fast are lost, so that retention looks too high"


def test_weights_change_little_where_loss_depends_on_nothing() -> None:
    data = drawn(1, informative=False)
    weighted = weighted_survival(**data, names=("kind",), horizon_months=12)
    plain = kaplan_meier(data["start"], data["stop"], data["ended"]).at(12)
    assert weighted.retention.value == pytest.approx(plain.value, abs=0.003)
    assert weighted.effective_sample_size > 0.99 * weighted.followed
    width = weighted.retention.upper - weighted.retention.lower
    assert width == pytest.approx(plain.upper - plain.lower, rel=0.05)


def test_delayed_entry_alone_weighs_nobody_up_or_down() -> None:
    rng = np.random.default_rng(9)
    data = drawn(9, 6000)
    start = np.where(np.arange(6000) % 4 < 2, 8.0, 0.0)
    lost = rng.exponential(1 / 0.15, 6000)
    life = rng.exponential(1 / 0.04, 6000)
    stop = np.minimum(np.minimum(life, lost), 24)
    data |= {"start": start, "stop": stop, "ended": stop == life, "censored": stop == lost}
    data = {name: values[stop > start] for name, values in data.items()}
    weighted = weighted_survival(**data, names=("kind",), horizon_months=12)
    plain = kaplan_meier(data["start"], data["stop"], data["ended"]).at(12)
    assert weighted.effective_sample_size > 0.99 * weighted.followed
    assert weighted.retention.value == pytest.approx(plain.value, abs=0.003)


def test_cutting_rows_and_shuffling_them_change_nothing() -> None:
    data = drawn(2, 600)
    whole = weighted_survival(**data, names=("kind",), horizon_months=12)
    order = np.random.default_rng(0).permutation(600)
    shuffled = weighted_survival(
        **{name: values[order] for name, values in data.items()}, names=("kind",), horizon_months=12
    )
    assert shuffled.retention.value == pytest.approx(whole.retention.value, abs=1e-12)
    assert shuffled.retention.lower == pytest.approx(whole.retention.lower, abs=1e-12)
    # Cut at three months: first rows end in nothing, the rest goes on with the same covariates.
    long = data["stop"] > 3
    first = {name: values.copy() for name, values in data.items()}
    first["stop"] = np.minimum(data["stop"], 3.0)
    first["ended"], first["censored"] = data["ended"] & ~long, data["censored"] & ~long
    rest = {name: values[long] for name, values in data.items()} | {
        "start": np.full(long.sum(), 3.0)
    }
    cut = {name: np.concatenate([first[name], rest[name]]) for name in data}
    again = weighted_survival(**cut, names=("kind",), horizon_months=12)
    # Weights are cut at quantiles over rows, of which there are now more.
    assert again.retention.value == pytest.approx(whole.retention.value, abs=2e-3)
    assert again.retention.lower == pytest.approx(whole.retention.lower, abs=4e-3)
    assert again.followed == whole.followed


def test_one_customer_in_several_spells_counts_once_in_the_interval() -> None:
    data = drawn(4, 800)
    single = weighted_survival(**data, names=("kind",), horizon_months=12)
    twice = {name: np.concatenate([values, values]) for name, values in data.items()}
    twice["spell"] = np.arange(1600)
    both = weighted_survival(**twice, names=("kind",), horizon_months=12)
    assert both.retention.value == pytest.approx(single.retention.value, abs=2e-3)
    width = single.retention.upper - single.retention.lower
    assert both.retention.upper - both.retention.lower == pytest.approx(width, rel=0.02)


# All together


def test_loss_by_calendar_is_recognised() -> None:
    days = pd.to_datetime(["2024-01-01", "2025-01-01", "2025-06-01"])
    exits = (pd.Timestamp("2026-01-01") - days).days.to_numpy() / 30.4375
    frame = pd.DataFrame({"started_on": days, "exit_months": exits, "ended": [False, False, True]})
    assert censored_by_calendar(frame.assign(exit_months=[exits[0], exits[1], 2.0]))
    assert not censored_by_calendar(frame.assign(exit_months=[exits[0], 3.0, 2.0]))
    assert censored_by_calendar(frame.assign(started_on=pd.NaT)), "a snapshot is one day"


def arguments(data: dict[str, np.ndarray]) -> dict:
    chosen = {name: values for name, values in data.items() if name != "censored"}
    return chosen | {"names": ("kind",), "horizon_months": 12.0}


def test_by_calendar_there_is_a_bound_and_no_weight() -> None:
    data = drawn(5, 500)
    found = dependent_censoring(**arguments(data), by_calendar=True)
    assert isinstance(found.weighted, NotEstimable)
    assert "follows from their start alone" in found.weighted.reason
    assert isinstance(found.later_start, NotEstimable)
    assert isinstance(found.plain, Estimate)
    assert not isinstance(found.bounds, NotEstimable)
    assert [bound.times_hazard for bound in found.bounds] == [1.5, 2.0, 3.0]
    assert found.no_longer_followed == int((data["censored"] & (data["stop"] < 12)).sum())


def test_later_starters_who_leave_faster_are_found() -> None:
    rng = np.random.default_rng(8)
    n = 2000
    years = rng.uniform(0, 3, n)
    life = rng.exponential(1 / (0.03 * np.exp(0.4 * years)))
    until = 12 * (3 - years) + 1
    data = drawn(5, n) | {"stop": np.minimum(life, until), "ended": life <= until}
    found = dependent_censoring(**arguments(data), by_calendar=True, started_years=years)
    assert isinstance(found.later_start, Estimate)
    assert found.later_start.lower < np.exp(0.4) < found.later_start.upper
    assert found.later_start.lower > 1


def test_several_spells_of_a_customer_are_one(company: dict) -> None:
    n = 400
    twice = {name: np.concatenate([values, values]) for name, values in company.items()}
    years = np.random.default_rng(1).uniform(0, 3, n)
    x = np.random.default_rng(2).normal(size=(n, 1))
    single = dependent_censoring(
        **company, spell=np.arange(n), customer=np.arange(n), covariates=x, names=("x",),
        horizon_months=12, by_calendar=True, started_years=years,
    )  # fmt: skip
    both = dependent_censoring(
        **twice, spell=np.arange(2 * n), customer=np.tile(np.arange(n), 2),
        covariates=np.vstack([x, x]), names=("x",), horizon_months=12, by_calendar=True,
        started_years=np.tile(years, 2),
    )  # fmt: skip
    for name in ("plain", "later_start"):
        one, two = getattr(single, name), getattr(both, name)
        assert two.value == pytest.approx(one.value, rel=1e-6)
        assert two.upper - two.lower == pytest.approx(one.upper - one.lower, rel=0.05)
        assert one.n == two.n == n


def test_without_the_calendar_weights_stand_beside_the_bound() -> None:
    found = dependent_censoring(**arguments(drawn(6)), by_calendar=False)
    assert not isinstance(found.weighted, NotEstimable)
    assert isinstance(found.plain, Estimate)
    assert found.weighted.retention.value < found.plain.value


@pytest.mark.parametrize("n", [0, 1, 5])
@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("by_calendar", [False, True])
def test_degenerate_samples_give_sentences(n: int, ended: bool, by_calendar: bool) -> None:
    codes = np.arange(n, dtype=np.int64)
    found = dependent_censoring(
        np.zeros(n), np.arange(1.0, n + 1), np.full(n, ended), codes, codes, np.ones((n, 1)),
        ("constant",), 12.0, by_calendar, np.zeros(n),
    )  # fmt: skip
    for part in (found.plain, found.weighted, found.later_start, found.bounds):
        assert isinstance(part, NotEstimable)
        assert part.reason.endswith(".")


def test_a_constant_or_separating_covariate_gives_a_sentence() -> None:
    data = arguments(drawn(7, 300))
    constant = dependent_censoring(**data | {"covariates": np.ones((300, 1))}, by_calendar=False)
    assert isinstance(constant.weighted, NotEstimable)
    assert "does not vary" in constant.weighted.reason


def test_the_last_row_of_a_spell() -> None:
    spell, stop = np.array([1, 0, 1, 0]), np.array([2.0, 5.0, 9.0, 1.0])
    assert last_of_spell(spell, stop).tolist() == [False, True, True, False]
