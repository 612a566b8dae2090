"""Comparisons of treated and untreated on data whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate
from analysis.methods.programme_effect.clusters import effective_number
from analysis.methods.programme_effect.experiment import arm_difference, independent_columns
from analysis.methods.programme_effect.selected import (
    Covariates,
    adjusted_difference,
    assignment_test,
    covariate_matrix,
)
from analysis.methods.programme_effect.staggered import (
    basis,
    by_event_time,
    group_time_effects,
    per_unit_period,
    pre_trend,
)


def areas_panel(
    starts: list[int | None],
    effect: float = 5.0,
    units: int = 12,
    noise: float = 2.0,
    seed: int = 1,
) -> pd.DataFrame:
    """Stack of a roll-out: one entry of `starts` per area, periods 0 … 9, a common trend."""
    rng = np.random.default_rng(seed)
    level = rng.normal(50, 5, (len(starts), units))
    shocks = rng.normal(0, noise, (len(starts), units, 10))
    rows = []
    for cohort in sorted({start for start in starts if start is not None}):
        for area, start in enumerate(starts):
            own = 99 if start is None else start
            if own < cohort:
                continue
            for period in range(10):
                if own != cohort and period >= own:
                    continue
                values = level[area] + 1.5 * period + shocks[area, :, period]
                values = values + (effect if period >= own else 0.0)
                for unit in range(units):
                    rows.append(
                        (cohort, f"{area}-{unit}", f"A{area}", own == cohort, start is None,
                         period - cohort, values[unit])
                    )  # fmt: skip
    names = ["cohort", "unit", "cluster", "treated", "never", "event_time", "outcome"]
    return pd.DataFrame(rows, columns=names)


STARTS = [3] * 6 + [5] * 6 + [7] * 6 + [None] * 8


@pytest.mark.parametrize("base_periods", [1, 4])
@pytest.mark.parametrize("controls", ["not yet", "never"])
def test_a_common_trend_is_taken_out(base_periods: int, controls: str) -> None:
    effects = group_time_effects(areas_panel(STARTS), controls, base_periods=base_periods)
    found = effects.estimate(per_unit_period(effects), "EUR", "test")
    assert found.lower < 5.0 < found.upper
    assert found.upper - found.lower < 2.5
    assert found.n == 18 * 12
    assert all(abs(c.value) < 1.5 for t, c in by_event_time(effects).items() if t < 0)


def test_a_year_as_base_is_more_precise_than_a_quarter() -> None:
    errors = [
        per_unit_period(group_time_effects(areas_panel(STARTS), base_periods=n)).standard_error
        for n in (1, 4)
    ]
    assert errors[1] < errors[0]


def test_clusters_are_what_counts() -> None:
    """Every customer twice is no more information, for areas are as many as before."""
    panel = areas_panel(STARTS)
    twin = panel.assign(unit=panel["unit"] + "-twin")
    once = per_unit_period(group_time_effects(panel))
    twice = per_unit_period(group_time_effects(pd.concat([panel, twin], ignore_index=True)))
    assert twice.value == pytest.approx(once.value)
    assert twice.standard_error == pytest.approx(once.standard_error)


def test_order_of_rows_does_not_matter() -> None:
    panel = areas_panel(STARTS)
    shuffled = panel.sample(frac=1, random_state=3)
    first, second = (per_unit_period(group_time_effects(p)) for p in (panel, shuffled))
    assert second.value == pytest.approx(first.value, rel=1e-12)
    assert second.standard_error == pytest.approx(first.standard_error, rel=1e-12)


def test_start_dates_of_one_area_each_carry_uncertainty() -> None:
    starts: list[int | None] = [2, 3, 4, 5, 6, 7, 8, *[None] * 8]
    effects = group_time_effects(areas_panel(starts, noise=4.0))
    found = per_unit_period(effects)
    assert abs(found.value - 5.0) < 4 * found.standard_error
    own = [i for i, cell in enumerate(effects.cells) if cell.event_time >= 0]
    treated = effects.members[own] > 0
    # Within such a start date the treated mean has no spread; the spread between them counts.
    assert np.abs(effects.influence[own][treated]).max() < 1e-12
    assert np.abs(found.influence[treated.any(axis=0)]).min() > 0


@pytest.mark.parametrize("starts", [[3] * 5 + [None] * 8, [3] * 8 + [None] * 5])
def test_few_areas_get_an_estimate_without_interval(starts: list[int | None]) -> None:
    effects = group_time_effects(areas_panel(starts))
    found = effects.estimate(per_unit_period(effects), "EUR", "group-time effects")
    assert (found.lower, found.upper) == (None, None)
    assert "too few areas" in found.method
    assert found.value == pytest.approx(5.0, abs=1.0)
    assert pre_trend(effects) is None


def test_each_estimate_needs_its_own_clusters() -> None:
    """Late quarters of which only one early start is left have no interval; the others have."""
    starts: list[int | None] = [3, 3, 5, 5, 7, 7, 7, *[None] * 8]
    effects = group_time_effects(areas_panel(starts))
    found = {
        time: effects.estimate(combination, "EUR", "event study")
        for time, combination in by_event_time(effects).items()
    }
    assert found[2].lower is not None, "three starts with seven areas"
    for time in (3, 4, 5, 6):
        assert found[time].lower is None, "at most four areas"
        assert "too few areas" in found[time].method
    total = per_unit_period(effects)
    assert total.bears_interval
    assert (total.treated_clusters, total.control_clusters, total.clusters) == (7, 13, 15)


def test_a_differing_trend_is_noticed() -> None:
    panel = areas_panel(STARTS)
    assert pre_trend(group_time_effects(panel, base_periods=4))[0] > 0.01
    drifting = panel.assign(outcome=panel["outcome"] + panel["treated"] * panel["event_time"] * 1.5)
    assert pre_trend(group_time_effects(drifting, base_periods=4))[0] < 0.01


def test_one_start_over_equal_areas_is_welchs_test() -> None:
    from scipy import stats

    stack = areas_panel([4] * 7 + [None] * 13)
    effects = group_time_effects(stack, base_periods=1)
    last = max(cell.event_time for cell in effects.cells)
    found = effects.combine(
        lambda cell: float(cell.event_time == last), lambda cell: float(cell.event_time == last)
    )
    wide = stack.groupby(["cluster", "event_time"])["outcome"].mean().unstack()
    change = wide[last] - wide[-1]
    arm = stack.groupby("cluster")["treated"].first()
    welch = stats.ttest_ind(change[arm], change[~arm], equal_var=False)
    interval = welch.confidence_interval(0.95)
    estimate = effects.estimate(found, "EUR", "")
    assert estimate.value == pytest.approx(change[arm].mean() - change[~arm].mean())
    assert estimate.lower == pytest.approx(interval.low)
    assert estimate.upper == pytest.approx(interval.high)


def test_clusters_are_counted_by_their_weight() -> None:
    even = np.ones((1, 8))
    assert effective_number(np.ones(1), even) == pytest.approx(8)
    assert effective_number(np.ones(1), even * [8, 1, 1, 1, 1, 1, 1, 1]) < 4
    # Later cells rest on one cluster alone.
    cells = np.vstack([even, np.eye(8)[[0, 0, 0]]])
    assert effective_number(np.ones(4), cells) < 2
    assert effective_number(np.zeros(4), cells) == 0


def test_a_difference_from_a_few_counts_as_resting_on_a_few() -> None:
    """So that disclosure withholds it, however many were treated."""
    assert basis(400, 5) == 5
    assert basis(5, 400) == 5
    assert basis(400, 100) == 400


def test_nothing_to_compare_with_is_said() -> None:
    panel = areas_panel(STARTS)
    with pytest.raises(CannotEstimate, match="same date"):
        group_time_effects(areas_panel([4] * 8))
    with pytest.raises(CannotEstimate, match="no area"):
        group_time_effects(panel.iloc[:0])
    with pytest.raises(CannotEstimate, match="whole quarter"):
        group_time_effects(panel[panel["event_time"] < 0])


def selected_customers(n: int = 4000, seed: int = 2) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outcome, treated, past: chosen by the past, which moves the outcome; effect 2."""
    rng = np.random.default_rng(seed)
    past = rng.normal(0, 1, n)
    treated = (rng.random(n) < 1 / (1 + np.exp(-1.2 * past))).astype(float)
    outcome = 10 + 6 * past + 2 * treated + rng.normal(0, 4, n)
    return outcome, treated, past


def test_selection_on_the_past_is_adjusted_away() -> None:
    outcome, treated, past = selected_customers()
    n = len(outcome)
    covariates = Covariates(("past",), past[:, None])
    naive = outcome[treated == 1].mean() - outcome[treated == 0].mean()
    found = adjusted_difference(outcome, treated, covariates, np.ones(n), np.arange(n))
    estimate = found.estimate("EUR", "test")
    assert naive > 6
    assert estimate.lower < 2.0 < estimate.upper
    assert abs(found.balance[0].before) > 0.5
    assert abs(found.balance[0].after) < 0.05
    assert sum(found.overlap.treated) == treated.sum()


@pytest.mark.parametrize("broken", ["choice", "outcome"])
def test_one_right_model_is_enough(broken: str) -> None:
    """Doubly robust: a curved outcome with a right choice model, or the reverse."""
    rng = np.random.default_rng(5)
    n = 20_000
    past = rng.normal(0, 1, n)
    curve = past**2
    index = 0.8 * past if broken == "outcome" else 0.5 * curve - 0.5
    treated = (rng.random(n) < 1 / (1 + np.exp(-index))).astype(float)
    expected = 3 * curve if broken == "outcome" else 3 * past
    outcome = expected + 2 * treated + rng.normal(0, 1, n)
    covariates = Covariates(("past",), past[:, None])
    found = adjusted_difference(outcome, treated, covariates, np.ones(n), np.arange(n))
    assert found.value == pytest.approx(2.0, abs=0.25)


def test_customers_listed_twice_count_once() -> None:
    outcome, treated, past = selected_customers(1000)
    ids = np.arange(1000)
    twice = [np.concatenate([a, a]) for a in (outcome, treated, past, ids)]
    single = adjusted_difference(
        outcome, treated, Covariates(("past",), past[:, None]), np.ones(1000), ids
    )
    double = adjusted_difference(
        twice[0], twice[1], Covariates(("past",), twice[2][:, None]), np.ones(2000), twice[3]
    )
    assert double.value == pytest.approx(single.value, abs=1e-6)
    assert double.standard_error == pytest.approx(single.standard_error, rel=1e-4)


def test_without_overlap_there_is_no_comparison() -> None:
    past = np.linspace(-3, 3, 400)
    treated = (past > 0).astype(float)
    covariates = Covariates(("past",), past[:, None])
    with pytest.raises(CannotEstimate, match="too different"):
        adjusted_difference(past, treated, covariates, np.ones(400), np.arange(400))
    with pytest.raises(CannotEstimate, match="too few"):
        adjusted_difference(past, np.arange(400) < 3, covariates, np.ones(400), np.arange(400))


def test_assignment_test_tells_a_draw_from_a_choice() -> None:
    rng = np.random.default_rng(8)
    _, chosen, past = selected_customers(800)
    covariates = Covariates(("past",), past[:, None])
    assert assignment_test(covariates, chosen) < 1e-6
    p_values = [assignment_test(covariates, rng.random(800) < 0.5) for _ in range(200)]
    assert 0.01 <= np.mean(np.array(p_values) < 0.05) <= 0.1
    with pytest.raises(CannotEstimate, match="too few"):
        assignment_test(covariates, np.arange(800) < 3)


def test_covariates_are_numbers_without_repetition() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "spent": rng.gamma(2, 50, 200),
            "age": np.where(np.arange(200) < 20, np.nan, 40 + np.arange(200) % 7),
            "age_again": np.where(np.arange(200) < 20, np.nan, 80 + 2 * (np.arange(200) % 7)),
            "constant": 1.0,
            "segment": np.where(np.arange(200) < 100, "a", "b"),
            "rare": np.where(np.arange(200) < 5, "x", "y"),
        }
    )
    found = covariate_matrix(
        frame, ("spent",), ("age", "age_again", "constant"), ("segment", "rare")
    )
    assert "age is missing" in found.names
    assert "segment: b" in found.names
    assert not {"age_again", "constant", "rare: x"} & set(found.names)
    assert sum(name.startswith("spent") for name in found.names) > 3
    assert np.isfinite(found.matrix).all()
    design = np.column_stack([np.ones(200), found.matrix])
    assert np.linalg.matrix_rank(design) == design.shape[1]


def test_weights_count_quarters() -> None:
    """A customer followed for two quarters weighs as two rows of one quarter do in the mean."""
    rng = np.random.default_rng(4)
    outcome, treated = rng.normal(0, 1, 100), (np.arange(100) % 2).astype(float)
    quarters = rng.integers(1, 4, 100)
    repeated = np.repeat(np.arange(100), quarters)
    weighted = arm_difference(outcome, treated, weights=quarters)
    spread = arm_difference(outcome[repeated], treated[repeated], clusters=repeated)
    assert weighted.value == pytest.approx(spread.value)
    assert weighted.robust_error == pytest.approx(spread.robust_error, rel=0.02)


def test_an_arm_with_hardly_anybody_is_refused() -> None:
    with pytest.raises(CannotEstimate, match="fewer than 10"):
        arm_difference(np.arange(50.0), np.arange(50) < 3)
    with pytest.raises(CannotEstimate, match="nobody"):
        arm_difference(np.arange(50.0), np.zeros(50))


def test_collinear_columns_are_dropped_but_the_first_are_kept() -> None:
    x = np.arange(10.0)
    design = np.column_stack([np.ones(10), x, 2 * x + 1, x**2])
    assert independent_columns(design).shape[1] == 3
    assert independent_columns(design, keep=3).shape[1] == 4
