"""Restricted means of groups, and each customer's influence on the curve."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.group_differences import GroupValue, group_differences
from analysis.methods.intervals import normal_quantile
from analysis.methods.survival.nonparametric import kaplan_meier
from analysis.methods.survival.restricted_mean import (
    by_customer,
    followed_months,
    restricted_mean_difference,
    restricted_mean_influence,
    survival_influence,
)

Sample = tuple[np.ndarray, np.ndarray, np.ndarray]


def company(n: int, seed: int = 3) -> Sample:
    """Delayed entry for half of them, losses in days, censoring after up to four years."""
    rng = np.random.default_rng(seed)
    life = np.round(rng.exponential(20, n), 1) + 0.1
    entry = np.where(rng.random(n) < 0.5, np.round(rng.random(n) * 10, 1), 0.0)
    stop = np.minimum(life, entry + np.round(6 + rng.random(n) * 40, 1))
    seen = stop > entry
    return entry[seen], stop[seen], (life <= stop)[seen]


def greenwood(estimate: Estimate) -> float:
    assert estimate.upper is not None
    return (estimate.upper - estimate.value) / normal_quantile()


def test_influence_sums_to_zero_and_agrees_with_greenwood_in_large_data() -> None:
    entry, stop, ended = company(20_000)
    curve = kaplan_meier(entry, stop, ended)
    on_mean = restricted_mean_influence(entry, stop, ended, 24.0)
    assert abs(on_mean.sum()) < 1e-9
    robust = np.sqrt((on_mean**2).sum())
    assert robust == pytest.approx(greenwood(curve.restricted_mean(24.0)), rel=0.03)
    months = np.array([3.0, 12.0, 24.0])
    on_curve = survival_influence(entry, stop, ended, months)
    place = np.searchsorted(curve.times, months, side="right") - 1
    terms = curve.events / (curve.at_risk * (curve.at_risk - curve.events).clip(1))
    expected = curve.survival[place] * np.sqrt(np.cumsum(terms)[place])
    assert np.sqrt((on_curve**2).sum(axis=0)) == pytest.approx(expected, rel=0.03)


def test_influence_is_what_leaving_a_customer_out_changes() -> None:
    entry, stop, ended = company(2_000)
    influence = restricted_mean_influence(entry, stop, ended, 24.0)
    whole = kaplan_meier(entry, stop, ended).restricted_mean(24.0).value
    for out in (0, 7, 500, 1_200):
        rest = np.arange(len(stop)) != out
        without = kaplan_meier(entry[rest], stop[rest], ended[rest]).restricted_mean(24.0).value
        assert whole - without == pytest.approx(influence[out], rel=0.02, abs=1e-6)


def test_no_censoring_gives_the_influence_of_a_mean() -> None:
    stop = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 20])
    everybody = np.ones(10, dtype=bool)
    influence = restricted_mean_influence(np.zeros(10), stop, everybody, 10.0)
    inside = np.minimum(stop, 10.0)
    np.testing.assert_allclose(influence, (inside - inside.mean()) / 10, atol=1e-12)


def test_customers_with_several_spells_count_once() -> None:
    entry, stop, ended = company(600)
    twice = [np.concatenate([part, part]) for part in (entry, stop, ended)]
    who = np.tile(np.arange(len(stop)), 2)
    group = np.zeros(len(who), dtype=np.int64)
    (_, plain) = restricted_mean_difference(
        entry, stop, ended, group[: len(stop)], ("all",), 24.0
    ).groups[0]
    (_, doubled) = restricted_mean_difference(*twice, group, ("all",), 24.0, customers=who).groups[
        0
    ]
    assert isinstance(plain, Estimate)
    assert isinstance(doubled, Estimate)
    # The same customers written down twice know no more than once.
    assert doubled.value == pytest.approx(plain.value)
    assert greenwood(doubled) == pytest.approx(greenwood(plain), rel=0.03)
    assert doubled.n == plain.n
    summed = by_customer(np.ones((4, 2)), np.array([0, 0, 1, 2]))
    assert summed.tolist() == [[2, 2], [1, 1], [1, 1]]


def test_groups_that_cannot_be_compared_say_why() -> None:
    entry, stop, ended = company(300)
    stop, ended = stop.copy(), ended.copy()
    group = np.arange(len(stop)) % 4
    group[group == 3] = np.where(np.arange((group == 3).sum()) < 5, 3, 0)
    ended[group == 2] = False
    stop[group == 2] = entry[group == 2] + 30
    few, many = "few", "many"
    result = restricted_mean_difference(
        entry, stop, ended, group, (many, "others", "loyal", few), 20.0
    )
    means = dict(result.groups)
    assert isinstance(means[few], NotEstimable)
    assert few in means[few].reason
    loyal = means["loyal"]
    assert isinstance(loyal, Estimate)
    assert (loyal.value, loyal.lower) == (20.0, None)
    assert [(d.first, d.second) for d in result.differences] == [(many, "others")]
    with pytest.raises(CannotEstimate, match="followed for 900 months"):
        restricted_mean_difference(entry, stop, ended, group, (many, "others", "loyal", few), 900.0)


def test_horizon_is_cut_to_where_eight_of_each_group_are_followed() -> None:
    entry = np.zeros(24)
    stop = np.concatenate([np.full(12, 40.0), np.arange(7.0, 19.0)])
    group = np.repeat([0, 1], 12)
    # Of the second group eight are there at month 11 (exits at 11 … 18).
    assert followed_months(entry, stop, group, 24) == 11
    assert followed_months(entry, stop, group, 6) == 6
    assert followed_months(entry, stop, group, 24, fewest=30) == 0


def test_order_and_names_of_rows_change_nothing() -> None:
    entry, stop, ended = company(400)
    group = np.arange(len(stop)) % 3
    shuffled = np.random.default_rng(1).permutation(len(stop))
    plain = restricted_mean_difference(entry, stop, ended, group, ("a", "b", "c"), 18.0)
    other = restricted_mean_difference(
        entry[shuffled], stop[shuffled], ended[shuffled], group[shuffled], ("a", "b", "c"), 18.0
    )
    for one, two in zip(plain.differences, other.differences, strict=True):
        assert two.difference.value == pytest.approx(one.difference.value, rel=1e-10)
        assert two.adjusted_p_value == pytest.approx(one.adjusted_p_value, rel=1e-8)


# Differences between groups


def test_differences_by_hand() -> None:
    groups = (
        GroupValue("a", 10.0, 3.0, 50, 49),
        GroupValue("b", 4.0, 4.0, 90, 89),
        GroupValue("c", 9.0, 1.0, 20, 19),
    )
    first, second, third = group_differences(groups, "EUR", "difference")
    assert (first.first, first.second, first.difference.value) == ("a", "b", 6.0)
    degrees = 25**2 / (81 / 49 + 256 / 89)
    assert 130 < degrees < 140
    assert first.difference.upper == pytest.approx(6 + 1.978 * 5, abs=0.01)
    raw = [first.p_value, second.p_value, third.p_value]
    assert first.adjusted_p_value == pytest.approx(max(sorted(raw)[1] * 2, min(raw) * 3))
    to_largest = group_differences(groups, "EUR", "difference", against_largest=True)
    assert [(d.first, d.second) for d in to_largest] == [("a", "b"), ("c", "b")]


def test_one_group_has_no_difference_and_certain_ones_are_told_apart() -> None:
    assert group_differences((GroupValue("a", 1.0, 1.0, 9),), "EUR", "difference") == ()
    (same,) = group_differences((GroupValue("a", 1, 0, 9), GroupValue("b", 1, 0, 9)), "EUR", "d")
    (apart,) = group_differences((GroupValue("a", 2, 0, 9), GroupValue("b", 1, 0, 9)), "EUR", "d")
    assert (same.p_value, apart.p_value) == (1.0, 0.0)
