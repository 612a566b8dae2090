"""Roll-outs whose trends may differ, and roll-outs over a handful of areas."""

from __future__ import annotations

import datetime as dt
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.programme_effect.honest_trends import (
    bias_per_bend,
    breakdown_ratio,
    honest_trends,
    relative_magnitudes,
)
from analysis.methods.programme_effect.permutation import permutation_test
from analysis.methods.programme_effect.relative import relative_difference
from analysis.methods.programme_effect.sequential import always_valid_factor, mixture_parameter
from analysis.methods.programme_effect.staggered import group_time_effects
from analysis.methods.programme_effect.study import ProgrammeStudy, Terms, study_programmes

TERMS = Terms(dt.date(2026, 6, 30), "EUR", 0.1)


def rollout(
    starts: list[int | None], effect: float = 8.0, drift: float = 0.0, seed: int = 4
) -> pd.DataFrame:
    """Risk sets of areas reached `starts` quarters after the first, None never; scores, too."""
    rng = np.random.default_rng(seed)
    days = {0: pd.Timestamp("2025-04-01"), 1: pd.Timestamp("2025-07-01")}
    rows = []
    level = rng.normal(50, 3, len(starts))
    noise = rng.normal(0, 6, (len(starts), 12, 11))
    for cohort in sorted({start for start in starts if start is not None}):
        for area, start in enumerate(starts):
            own = 99 if start is None else start
            if own < cohort:
                continue
            for quarter in range(-6, 5 - cohort):
                period = quarter + cohort
                if own != cohort and period >= own:
                    continue
                for unit in range(12):
                    margin = level[area] + noise[area, unit, period + 6]
                    margin += effect * (period >= own) + drift * period * (own < 99)
                    csat = 3 + 0.4 * (period >= own) + noise[area, unit, period + 6] / 20
                    rows.append(
                        (days[cohort], f"{area}-{unit}", f"A{area}", own == cohort, own == 99,
                         quarter, margin, csat if unit < 4 else np.nan)
                    )  # fmt: skip
    names = [
        "starts_on", "customer_id", "area", "treated", "never", "quarter", "margin", "csat",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


def study(frame: pd.DataFrame, upfront: float = 1000.0) -> ProgrammeStudy:
    table = pd.DataFrame(
        {
            "programme_id": ["chat"], "name": ["Chat"], "starts_on": pd.Timestamp("2025-04-01"),
            "upfront_cost": [upfront], "monthly_cost": [0.0],
        }
    )  # fmt: skip
    (found,) = study_programmes(table, {"chat": frame}, {}, TERMS)
    return found


def number(estimate: object) -> Estimate:
    assert isinstance(estimate, Estimate), estimate
    return estimate


MANY: list[int | None] = [0] * 8 + [1] * 8 + [None] * 8


def test_other_trends_and_what_a_test_of_trends_can_see() -> None:
    found = study(rollout(MANY))
    honest = found.honest
    assert not isinstance(honest, NotEstimable)
    lower, upper = honest.intervals[0.0]
    assert lower == pytest.approx(honest.effect.lower)
    assert upper == pytest.approx(honest.effect.upper)
    widths = [high - low for low, high in honest.intervals.values()]
    assert widths == sorted(widths)
    assert 0 < honest.breakdown < np.inf
    assert honest.slope.lower < 0 < honest.slope.upper
    # What 80 % power needs is more than what would just be told from chance.
    assert honest.detectable_slope > (honest.slope.upper - honest.slope.lower) / 2
    assert honest.linear.lower < 8.0 < honest.linear.upper


def test_a_drift_is_seen_and_taken_off_where_it_goes_on() -> None:
    honest = study(rollout(MANY, effect=0.0, drift=1.5)).honest
    assert not isinstance(honest, NotEstimable)
    assert honest.effect.lower > 0, "taken as parallel, the drift looks like an effect"
    assert honest.slope.lower > 0
    assert honest.linear.lower < 0 < honest.linear.upper
    low, high = honest.intervals[1.0]
    assert low < 0 < high


def test_bounds_with_certainty_are_elementary() -> None:
    none = np.zeros(3)
    low, high = relative_magnitudes(
        6.0, none, np.array([1.0, -2.0]), np.zeros((2, 3)), 1.5, 2.0, 1.0
    )
    assert (low, high) == pytest.approx((3.0, 9.0))
    ratio = breakdown_ratio(6.0, none, np.array([1.0, -2.0]), np.zeros((2, 3)), 1.5, 2.0)
    assert ratio == pytest.approx(2.0, abs=1e-6)
    assert breakdown_ratio(6.0, none, np.zeros(2), np.zeros((2, 3)), 1.5, 2.0) == np.inf
    assert breakdown_ratio(0.0, none, np.ones(2), np.zeros((2, 3)), 1.5, 2.0) == 0.0


def test_worst_bend_equals_a_linear_programme() -> None:
    from scipy.optimize import linprog

    times = np.arange(-4.0, 3.0)
    weights = np.array([0.3, 0.1, -0.2, -1.2, 0.4, 0.3, 0.3])
    line = np.column_stack([np.ones(7), times])
    weights -= line @ np.linalg.lstsq(line, weights, rcond=None)[0]
    bends = np.diff(np.eye(7), n=2, axis=0)
    found = linprog(
        -weights, A_ub=np.vstack([bends, -bends]), b_ub=np.ones(10), bounds=[(None, None)] * 7
    )
    assert bias_per_bend(times, weights) == pytest.approx(-found.fun, rel=1e-8)


def test_bend_until_nothing_is_left() -> None:
    clear = study(rollout(MANY, effect=20.0)).honest
    none = study(rollout(MANY, effect=0.0)).honest
    assert not isinstance(clear, NotEstimable)
    assert not isinstance(none, NotEstimable)
    assert clear.linear.lower > 0
    assert clear.bend > 0
    assert none.bend == 0


def test_trends_need_quarters_before_the_start() -> None:
    frame = rollout(MANY)
    short = frame[frame["quarter"] >= -1]
    found = study(short)
    assert isinstance(found.effect, Estimate)
    assert isinstance(found.honest, NotEstimable)
    assert "before the start" in found.honest.reason


@pytest.mark.parametrize("starts", [[0] * 3 + [None] * 9, [0] * 3 + [1] * 2 + [None] * 7])
def test_three_treated_areas_have_no_interval_but_a_permutation(
    starts: list[int | None],
) -> None:
    found = study(rollout(starts))
    effect = number(found.effect)
    assert effect.lower is None
    assert "too few areas" in effect.method
    assert isinstance(found.honest, NotEstimable)
    assert number(found.relative).lower is None
    assert not isinstance(found.permutation, NotEstimable)
    assert found.permutation.p_value < 0.05
    nothing = study(rollout(starts, effect=0.0)).permutation
    assert not isinstance(nothing, NotEstimable)
    assert nothing.p_value > 0.05
    assert isinstance(study(rollout(MANY)).permutation, NotEstimable)


def test_permutation_counts_every_pick() -> None:
    change = np.array([0.5, 3.0, -1.0, 0.2, 0.9, 0.1])
    arm = np.array([False, True, False, False, True, False])
    found = permutation_test([change], [arm])
    seen = change[arm].mean() - change[~arm].mean()
    by_hand = [
        abs(change[list(c)].mean() - np.delete(change, list(c)).mean()) >= abs(seen) - 1e-12
        for c in combinations(range(6), 2)
    ]
    assert found.picks == 15
    assert found.p_value == pytest.approx(np.mean(by_hand))
    assert found.difference == pytest.approx(seen)
    order = np.array([4, 2, 0, 5, 1, 3])
    assert permutation_test([change[order]], [arm[order]]) == found


def test_many_picks_are_drawn_and_always_the_same() -> None:
    rng = np.random.default_rng(3)
    change, arm = rng.normal(size=40), np.arange(40) < 5
    first = permutation_test([change], [arm])
    assert first.picks == 658_008
    assert first == permutation_test([change], [arm])
    assert 0.05 < first.p_value <= 1
    with pytest.raises(CannotEstimate, match="no other way"):
        permutation_test([change], [np.ones(40, dtype=bool)])


def test_areas_all_reached_at_once_have_a_break_even_only() -> None:
    frame = rollout([0] * 8)
    found = study(frame)
    assert isinstance(found.effect, NotEstimable)
    assert "nothing to compare" in found.effect.reason
    assert number(found.break_even).value == pytest.approx(1000 / (8 * 12 * 5), rel=0.1)


def test_score_of_the_areas_moves_with_the_money() -> None:
    found = study(rollout(MANY))
    csat = number(found.scores["csat"])
    assert csat.lower < 0.4 < csat.upper
    assert csat.lower > 0
    assert found.satisfaction == csat
    assert isinstance(found.scores["nps"], NotEstimable)
    # Treated customers who answered: were they a few, the figure would have to be withheld.
    assert csat.n == 16 * 4


def test_percentage_over_areas() -> None:
    found = study(rollout(MANY))
    relative = number(found.relative)
    assert relative.lower < 8 / 50 < relative.upper
    assert relative.value == pytest.approx(number(found.effect).value / 50, rel=0.1)


def test_honest_trends_need_enough_areas() -> None:
    frame = rollout([0] * 3 + [None] * 9).rename(
        columns={
            "starts_on": "cohort", "customer_id": "unit", "area": "cluster",
            "quarter": "event_time", "margin": "outcome",
        }
    )  # fmt: skip
    with pytest.raises(CannotEstimate, match="too few areas"):
        honest_trends(group_time_effects(frame, base_periods=1), "EUR")


def test_always_valid_factor() -> None:
    # Narrowest where it is tuned to be; α = 5 %: 3.03 in place of 1.96.
    tuned = always_valid_factor(1.0, 1.0)
    assert tuned == pytest.approx(3.035, abs=0.002)
    v = mixture_parameter(0.05) * np.array([0.8, 1.0, 1.25])
    half = np.sqrt(2 * (v + 1) / v * np.log(np.sqrt(v + 1) / 0.05))
    assert half[1] < half[0]
    assert half[1] == pytest.approx(half.min(), rel=2e-3)
    assert always_valid_factor(0.5, 1.0) > tuned


def test_percentages_of_next_to_nothing_are_refused() -> None:
    rng = np.random.default_rng(2)
    moved, mean = rng.normal(0, 0.1, 50), rng.normal(0, 0.1, 50)
    with pytest.raises(CannotEstimate, match="too near zero"):
        relative_difference(1.0, 1.2, moved, mean, 50)
    with pytest.raises(CannotEstimate, match="too few"):
        relative_difference(1.0, 9.0, moved[:1], mean[:1], 1)
