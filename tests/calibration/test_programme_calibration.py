"""Programme effects on simulated companies: do the intervals hold the planted effect?"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.methods.intervals import holm, normal_quantile, p_value_t, t_quantile
from analysis.methods.programme_effect.cutoff import regression_discontinuity
from analysis.methods.programme_effect.experiment import ArmDifference, arm_difference
from analysis.methods.programme_effect.honest_trends import HonestTrends, honest_trends
from analysis.methods.programme_effect.permutation import permutation_test
from analysis.methods.programme_effect.selected import (
    AdjustedDifference,
    Covariates,
    adjusted_difference,
)
from analysis.methods.programme_effect.sequential import always_valid_factor
from analysis.methods.programme_effect.staggered import (
    GroupTimeEffects,
    by_event_time,
    group_time_effects,
    per_unit_period,
)

pytestmark = pytest.mark.calibration

EFFECT = 4.0


def holds(estimate: Any, truth: float) -> bool:
    return bool(estimate.lower <= truth <= estimate.upper)


# --- Experiment: skewed margins, customers who leave and then bring nothing.


@cache
def experiment(seed: int) -> ArmDifference:
    rng = np.random.default_rng([1, seed])
    n = 800
    level = rng.gamma(2, 25, n)
    arm = rng.random(n) < 0.5
    stays = rng.random(n) < 0.9
    after = stays * (level * rng.gamma(4, 0.25, n) + arm * rng.exponential(EFFECT / 0.9, n))
    before = np.column_stack([level * rng.gamma(4, 0.25, n), rng.normal(size=n)])
    return arm_difference(after, arm, before, rng.integers(1, 5, n))


def test_experiment_interval_covers(runs: int, calibration: Any) -> None:
    hits = [holds(experiment(s).estimate("EUR", ""), EFFECT) for s in range(runs)]
    calibration.coverage("effect, experiment", hits)


def test_percentage_interval_covers(runs: int, calibration: Any) -> None:
    truth = EFFECT / (0.9 * 50)
    hits = [holds(experiment(s).relative(), truth) for s in range(runs)]
    calibration.coverage("effect in per cent, experiment", hits)


def looks(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Estimates and errors after one to eight quarters of the same customers; no effect."""
    rng = np.random.default_rng([2, seed])
    n, quarters = 400, 8
    margin = rng.gamma(2, 5, (n, 1)) + rng.gamma(2, 15, (n, quarters))
    so_far = np.cumsum(margin, axis=1) / np.arange(1, quarters + 1)
    arm = rng.random(n) < 0.5
    one, other = so_far[arm], so_far[~arm]
    errors = np.sqrt(one.var(axis=0, ddof=1) / len(one) + other.var(axis=0, ddof=1) / len(other))
    return one.mean(axis=0) - other.mean(axis=0), errors


def test_interval_bears_looking_every_quarter(runs: int, calibration: Any) -> None:
    always, fixed = [], []
    for seed in range(runs):
        values, errors = looks(seed)
        factors = np.array([always_valid_factor(error, errors[0]) for error in errors])
        always.append(bool((np.abs(values) > factors * errors).any()))
        fixed.append(bool((np.abs(values) <= normal_quantile() * errors).all()))
    calibration.rejections("always-valid interval at eight looks", always)
    calibration.misses("ordinary interval at eight looks", fixed)


def test_several_arms_hold_the_family(runs: int, calibration: Any) -> None:
    rejected = []
    for seed in range(runs):
        rng = np.random.default_rng([3, seed])
        y, arm = rng.gamma(2, 20, 400), rng.integers(0, 4, 400)
        p_values = []
        for k in (1, 2, 3):
            pair = (arm == 0) | (arm == k)
            fit = arm_difference(y[pair], arm[pair] == k)
            p_values.append(p_value_t(fit.value / fit.robust_error, fit.degrees_of_freedom))
        rejected.append(bool(holm(p_values).min() < 0.05))
    calibration.rejections("three arms and one control, family-wise", rejected)


# --- Staggered roll-out over forty areas; effects grow from quarter to quarter.

PERIODS = 14
STARTS = np.array([5] * 10 + [7] * 10 + [9] * 10 + [99] * 10)


def growing(event_time: np.ndarray) -> np.ndarray:
    return np.where(event_time >= 0, 2.0 + event_time, 0.0)


def areas(seed: int, starts: np.ndarray = STARTS, violation: float = 0.0) -> np.ndarray:
    """Mean margin by area and quarter: area levels, a season, shocks that last.

    violation: by how much treated areas rise each quarter beyond the others, and before the
    start, too.
    """
    rng = np.random.default_rng([4, seed])
    shape = (len(starts), PERIODS)
    shocks = rng.normal(0, 1.5, shape)
    lasting = np.zeros(shape)
    for t in range(1, PERIODS):
        lasting[:, t] = 0.5 * lasting[:, t - 1] + rng.normal(0, 1.5, len(starts))
    season = 3 * np.sin(np.arange(PERIODS) * np.pi / 2)
    own = growing(np.arange(PERIODS)[None, :] - starts[:, None])
    trend = violation * (starts[:, None] < 99) * np.arange(PERIODS)[None, :]
    return rng.normal(50, 8, (len(starts), 1)) + season + shocks + lasting + own + trend


@cache
def skeleton(starts: tuple[int, ...]) -> pd.DataFrame:
    """The stack of risk sets without outcomes, which is the same in every run."""
    rows = [
        (cohort, area, own == cohort, own == 99, period - cohort, period)
        for cohort in sorted({start for start in starts if start < 99})
        for area, own in enumerate(starts)
        if own >= cohort
        for period in range(PERIODS)
        if own == cohort or period < own
    ]
    names = ["cohort", "unit", "treated", "never", "event_time", "period"]
    return pd.DataFrame(rows, columns=names).assign(cluster=lambda frame: frame["unit"])


def effects_of(
    margin: np.ndarray, starts: np.ndarray = STARTS, base_periods: int = 4
) -> GroupTimeEffects:
    stack = skeleton(tuple(starts.tolist()))
    outcome = margin[stack["unit"], stack["period"]]
    return group_time_effects(stack.assign(outcome=outcome), base_periods=base_periods)


def true_mean(starts: np.ndarray, effects: GroupTimeEffects) -> float:
    """Mean planted effect over the treated area-quarters that could be compared."""
    weights = {cell: cell.treated for cell in effects.cells if cell.event_time >= 0}
    planted = growing(np.array([cell.event_time for cell in weights]))
    return float(np.average(planted, weights=list(weights.values())))


def two_way(margin: np.ndarray, starts: np.ndarray) -> tuple[float, float]:
    """Two-way fixed effects and its half-width, errors clustered by area."""

    def demeaned(values: np.ndarray) -> np.ndarray:
        return values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()

    treated = demeaned((np.arange(PERIODS)[None, :] >= starts[:, None]).astype(float))
    y = demeaned(margin)
    slope = float((treated * y).sum() / (treated**2).sum())
    scores = (treated * (y - slope * treated)).sum(axis=1) / (treated**2).sum()
    count = len(starts)
    return slope, t_quantile(0.95, count - 1) * float(
        np.sqrt(count / (count - 1) * (scores @ scores))
    )


def test_rollout_interval_covers_and_two_way_fixed_effects_do_not(
    runs: int, calibration: Any
) -> None:
    hits, wrong, off = [], [], []
    for seed in range(runs):
        margin = areas(seed)
        effects = effects_of(margin)
        truth = true_mean(STARTS, effects)
        hits.append(holds(effects.estimate(per_unit_period(effects), "EUR", ""), truth))
        slope, half = two_way(margin, STARTS)
        wrong.append(abs(slope - truth) <= half)
        off.append(slope - truth)
    calibration.coverage("effect, roll-out over forty areas", hits)
    calibration.misses("two-way fixed effects where effects grow", wrong)
    # It uses areas already treated as controls, whose growing effect it takes off.
    assert np.mean(off) < -0.5


def test_many_areas_against_six_cover(runs: int, calibration: Any) -> None:
    """Six areas tell what six tell, however many they are compared with."""
    starts = np.array([7] * 30 + [99] * 6)
    hits, plain = [], []
    for seed in range(runs):
        effects = effects_of(areas(seed, starts), starts)
        found = per_unit_period(effects)
        truth = true_mean(starts, effects)
        hits.append(holds(effects.estimate(found, "EUR", ""), truth))
        plain.append(
            abs(found.value - truth)
            <= t_quantile(0.95, 35) * np.sqrt(36 / 35) * found.standard_error
        )
    calibration.coverage("effect, thirty areas against six", hits)
    assert np.mean(plain) < np.mean(hits)


def test_no_interval_where_later_quarters_rest_on_one_area() -> None:
    """All but one area are reached in turn: early areas of the comparison do not make up for it."""
    starts = np.array([5] * 3 + [7] * 3 + [9] * 3 + [99])
    found = per_unit_period(effects_of(areas(0, starts), starts))
    assert min(found.treated_clusters, found.control_clusters) >= 6, "by mere number it would do"
    assert found.worth.fewest < 2
    assert not found.bears_interval


def test_growth_is_seen_by_the_event_study() -> None:
    found = [by_event_time(effects_of(areas(seed))) for seed in range(60)]
    for time in (0, 2, 4):
        assert np.mean([f[time].value for f in found]) == pytest.approx(2.0 + time, abs=0.6)


def test_three_treated_areas_get_no_interval(runs: int, calibration: Any) -> None:
    """But randomisation inference, which holds its level."""
    starts = np.array([7] * 3 + [99] * 17)
    bare, rejected = [], []
    for seed in range(runs):
        margin = areas(seed, starts) - growing(np.arange(PERIODS)[None, :] - starts[:, None])
        if seed < 20:
            effects = effects_of(margin, starts)
            estimate = effects.estimate(per_unit_period(effects), "EUR", "")
            bare.append(estimate.lower is None and estimate.upper is None)
        change = margin[:, 7:].mean(axis=1) - margin[:, 3:7].mean(axis=1)
        rejected.append(permutation_test([change], [starts == 7]).p_value <= 0.05)
    assert all(bare)
    calibration.rejections("randomisation inference, three treated areas", rejected)


@cache
def drifting(seed: int) -> tuple[HonestTrends, float]:
    """Treated areas rise by one a quarter beyond the others, before and after the start."""
    effects = effects_of(areas(seed, violation=1.0), base_periods=1)
    return honest_trends(effects, "EUR"), true_mean(STARTS, effects)


def test_honest_interval_covers_where_trends_differ(runs: int, calibration: Any) -> None:
    """The drift after the start equals the one before: the ratio is one."""
    covered, naive = [], []
    for seed in range(runs):
        found, truth = drifting(seed)
        lower, upper = found.intervals[1.0]
        covered.append(lower <= truth <= upper)
        naive.append(holds(found.effect, truth))
    calibration.at_least("effect under a drift, relative magnitudes", covered, 0.95)
    calibration.misses("effect under a drift, taken as parallel", naive)


def test_drift_carried_on_covers(runs: int, calibration: Any) -> None:
    hits = [holds(drifting(s)[0].linear, drifting(s)[1]) for s in range(runs)]
    calibration.coverage("effect, difference in trend carried on", hits)


# --- Customers chosen by what is recorded of them.


def chosen(seed: int) -> tuple[AdjustedDifference, float]:
    rng = np.random.default_rng([5, seed])
    n = 1500
    past = rng.gamma(4, 12, n)
    other = rng.normal(size=n)
    arm = rng.random(n) < 1 / (1 + np.exp(-(past - 55) / 20 - 0.4 * other))
    gain = EFFECT + 0.05 * (past - 48)
    after = 0.8 * past + 2 * other + gain * arm + rng.gamma(2, 10, n) * (0.5 + past / 96)
    matrix = np.column_stack([(past - 48) / 24, other, np.maximum(past - 60, 0) / 20])
    fit = adjusted_difference(
        after, arm, Covariates(("past", "other", "past above"), matrix), np.ones(n), np.arange(n)
    )
    # The effect differs between customers: what is asked for is that on the treated compared.
    return fit, float(gain[arm & fit.inside].mean())


def population_gain() -> float:
    """Mean planted effect on the treated in the range of overlap, over many samples."""
    return float(np.mean([chosen(10**6 + seed)[1] for seed in range(40)]))


def test_selected_interval_covers(runs: int, calibration: Any) -> None:
    truth = population_gain()
    fits = [chosen(seed)[0] for seed in range(runs)]
    calibration.coverage(
        "effect, customers chosen", [holds(fit.estimate("EUR", ""), truth) for fit in fits]
    )


# --- Chosen by a cut-off.


def test_threshold_interval_covers(runs: int, calibration: Any) -> None:
    hits = []
    for seed in range(runs):
        rng = np.random.default_rng([6, seed])
        past = rng.gamma(4, 12, 1500)
        arm = past >= 55
        mean = 20 + 0.9 * past - 0.004 * (past - 55) ** 2 + 0.03 * arm * (past - 55)
        after = mean + EFFECT * arm + rng.gamma(2, 6, 1500)
        found = regression_discontinuity(after, past, 55.0)
        hits.append(holds(found.estimate("EUR"), EFFECT))
    calibration.coverage("effect at a threshold", hits)
