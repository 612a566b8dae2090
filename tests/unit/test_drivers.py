"""Key drivers, the map of importance and performance, penalty and reward."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from analysis.methods.drivers import DriverStudy, key_drivers, shapley_contributions
from analysis.methods.estimate import CannotEstimate
from analysis.methods.importance_performance import importance_performance, performance_score
from analysis.methods.penalty_reward import PenaltyRewardStudy, penalty_reward
from analysis.methods.regression import Floats

NAMES = ("support", "billing", "returns", "none")


def sample(n: int = 2000, seed: int = 1) -> tuple[Floats, Floats]:
    """Overall score and four scores that have a mood in common; the last moves nothing."""
    rng = np.random.default_rng(seed)
    x = np.clip(np.rint(3.4 + 0.6 * rng.normal(size=(n, 1)) + rng.normal(size=(n, 4))), 1, 5)
    return x @ np.array([0.8, 0.4, 0.6, 0.0]) + rng.normal(size=n), x


def study_of(n: int = 2000, seed: int = 1) -> DriverStudy:
    return key_drivers(*sample(n, seed), NAMES)


def test_independent_drivers_share_by_their_squared_slopes() -> None:
    slopes = np.array([2.0, 1.0, 0.0])
    moments = np.eye(4)
    moments[:3, 3] = moments[3, :3] = slopes
    moments[3, 3] = 10.0
    assert shapley_contributions(moments) == pytest.approx([0.4, 0.1, 0.0])


def test_two_that_are_nearly_one_share_alike() -> None:
    moments = np.array([[1.0, 0.999, 0.5], [0.999, 1.0, 0.5], [0.5, 0.5, 1.0]])
    first, second = shapley_contributions(moments)
    assert first == pytest.approx(second)
    assert first + second == pytest.approx(0.25, abs=0.001)


def test_all_subsets_equal_all_orders() -> None:
    rng = np.random.default_rng(3)
    root = rng.normal(size=(6, 6))
    moments = root @ root.T
    p = 5

    def explained(members: tuple[int, ...]) -> float:
        if not members:
            return 0.0
        chosen = list(members)
        side = moments[chosen, p]
        block = moments[np.ix_(chosen, chosen)]
        return float(side @ np.linalg.solve(block, side) / moments[p, p])

    gains = np.zeros(p)
    orders = list(permutations(range(p)))
    for order in orders:
        for place, driver in enumerate(order):
            gains[driver] += explained(order[: place + 1]) - explained(order[:place])
    assert shapley_contributions(moments) == pytest.approx(gains / len(orders), rel=1e-9)


def test_twelve_drivers_are_exact_and_quick() -> None:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(400, 12))
    study = key_drivers(x.sum(axis=1) + rng.normal(size=400), x, tuple(f"d{i}" for i in range(12)))
    assert sum(driver.share.value for driver in study.drivers) == pytest.approx(1)
    assert sum(d.contribution for d in study.drivers) == pytest.approx(study.explained.value)


def test_shares_rank_what_was_planted_and_the_null_is_told() -> None:
    study = study_of()
    assert [driver.name for driver in study.drivers][:2] == ["support", "returns"]
    null = study.named("none")
    assert not null.distinguishable
    assert null.share.value > 0.02  # it goes with the others: a share is not a proof
    assert study.named("billing").distinguishable
    assert study.named("support").share_is_trusted
    assert not study_of(500).named("support").share_is_trusted


def test_influence_is_what_a_little_more_weight_moves() -> None:
    outcome, x = sample(300)
    study = key_drivers(outcome, x, NAMES)
    doubled = key_drivers(
        np.tile(outcome, 2), np.tile(x, (2, 1)), NAMES, np.tile(np.arange(300), 2)
    )
    # Every customer twice tells nothing new: clustered errors must not shrink.
    for name in NAMES:
        once, twice = study.named(name).share, doubled.named(name).share
        assert twice.value == pytest.approx(once.value)
        assert twice.lower == pytest.approx(once.lower, abs=1e-9)
        assert twice.upper == pytest.approx(once.upper, abs=1e-9)


def test_rows_units_and_names_of_customers_change_nothing() -> None:
    outcome, x = sample(600)
    who = np.arange(600) // 2
    order = np.random.default_rng(2).permutation(600)
    first = key_drivers(outcome, x, NAMES, who)
    second = key_drivers(100 * outcome[order], x[order] * [1, 10, 1, 1], NAMES, 9999 - who[order])
    for name in NAMES:
        one, other = first.named(name), second.named(name)
        assert other.share.value == pytest.approx(one.share.value, rel=1e-9)
        assert other.share.upper == pytest.approx(one.share.upper, rel=1e-7)
        assert other.p_value == pytest.approx(one.p_value, rel=1e-6, abs=1e-12)


def test_controls_take_their_part_out_first() -> None:
    rng = np.random.default_rng(8)
    tenure = rng.normal(size=1500)
    x = np.column_stack([tenure + 0.3 * rng.normal(size=1500), rng.normal(size=1500)])
    outcome = 2 * tenure + 0.5 * x[:, 1] + rng.normal(size=1500)
    raw = key_drivers(outcome, x, ("goes with tenure", "own"))
    held = key_drivers(outcome, x, ("goes with tenure", "own"), controls=tenure[:, None])
    assert raw.named("goes with tenure").share.value > 0.8
    assert not held.named("goes with tenure").distinguishable
    assert held.named("own").share.value > 0.95


def test_gaps_are_counted() -> None:
    outcome, x = sample(500)
    x[:7, 1] = np.nan
    outcome[20] = np.nan
    study = key_drivers(outcome, x, NAMES)
    assert (study.rows, study.rows_left_out) == (492, 8)


def test_having_left_is_an_outcome_too() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(3000, 2))
    left = (rng.random(3000) < 1 / (1 + np.exp(2 + 1.2 * x[:, 0]))).astype(float)
    study = key_drivers(left, x, ("score", "nothing"), outcome_name="Having left", unit="share")
    assert study.named("score").share.value > 0.9
    assert study.named("score").coefficient.value < 0
    assert not study.named("nothing").distinguishable


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("constant driver", "billing is the same for everybody"),
        ("constant outcome", "The outcome is the same for everybody"),
        ("copy", "is determined by the other columns"),
        ("noise", "no more than chance"),
        ("few", "Too few complete answers"),
        ("all gaps", "Too few complete answers"),
        ("one customer", "All rows belong to one cluster"),
        ("held", "support is determined by the columns that are held equal"),
    ],
)
def test_data_that_bear_no_shares_give_a_sentence(change: str, says: str) -> None:
    outcome, x = sample(200)
    who, controls = np.arange(200), None
    if change == "constant driver":
        x[:, 1] = 4
    elif change == "constant outcome":
        outcome[:] = 1
    elif change == "copy":
        x[:, 2] = x[:, 0]
    elif change == "noise":
        outcome = np.random.default_rng(11).normal(size=200)
    elif change == "few":
        outcome, x, who = outcome[:5], x[:5], who[:5]
    elif change == "all gaps":
        x[:, 0] = np.nan
    elif change == "one customer":
        who = np.zeros(200, dtype=int)
    else:
        controls = x[:, :1] * 2 + 1
    with pytest.raises(CannotEstimate, match=says):
        key_drivers(outcome, x, NAMES, who, controls)


# Importance and performance


def test_the_map_names_the_corner() -> None:
    outcome, x = sample(4000)
    x[:, 0] = np.maximum(x[:, 0] - 1, 1)  # what matters most is done worst
    study = key_drivers(outcome, x, NAMES)
    drawn = importance_performance(study, NAMES, x, np.arange(4000), ((1.0, 5.0),) * 4)
    corner = {point.name: point.quadrant for point in drawn.points}
    assert corner["support"] == "concentrate here"
    assert corner["returns"] == "keep up"
    assert corner["none"] == "possible overkill"
    assert drawn.points[0].clear
    assert drawn.importance_line == 0.25


def test_performance_runs_from_worst_to_best_whatever_the_scale() -> None:
    who = np.arange(4)
    csat = performance_score("support", np.array([1.0, 5.0, 3.0, 3.0]), who, (1, 5))
    effort = performance_score("effort", np.array([7.0, 1.0, 4.0, np.nan]), who, (7, 1))
    assert csat.value == pytest.approx(50)
    assert (effort.value, effort.n) == (pytest.approx(50), 3)
    assert csat.lower is not None
    assert csat.lower >= 0
    with pytest.raises(CannotEstimate, match="Fewer than two customers scored support"):
        performance_score("support", np.full(3, np.nan), np.arange(3), (1, 5))


# Penalty and reward


def planted(n: int = 3000, seed: int = 6) -> PenaltyRewardStudy:
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 6, size=(n, 4)).astype(float)
    low, high = x <= 2, x >= 4
    outcome = (
        5 - 1.0 * low[:, 0] + 0.1 * high[:, 0] + 0.8 * high[:, 1]
        + 0.5 * (high[:, 2].astype(float) - low[:, 2]) + rng.normal(size=n)
    )  # fmt: skip
    return penalty_reward(outcome, x, ("returns", "gifts", "reply", "logo"), 2, 4)


def test_attributes_are_classed_as_planted() -> None:
    kinds = {one.name: one.kind for one in planted().attributes}
    assert kinds == {
        "returns": "basic",
        "gifts": "excitement",
        "reply": "performance",
        "logo": "indistinguishable",
    }


def test_penalty_and_reward_hold_what_was_planted() -> None:
    returns = planted().attributes[0]
    assert returns.penalty.lower is not None
    assert returns.penalty.upper is not None
    assert returns.penalty.lower < 1.0 < returns.penalty.upper
    assert returns.asymmetry.value < 0
    assert returns.low + returns.middle + returns.high == 3000


def test_an_attribute_without_low_scores_is_left_out_with_its_reason() -> None:
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.integers(1, 6, 300), rng.integers(4, 6, 300)]).astype(float)
    study = penalty_reward(x[:, 0] + rng.normal(size=300), x, ("support", "driver"), 2, 4)
    assert [one.name for one in study.attributes] == ["support"]
    ((name, reason),) = study.unavailable
    assert name == "driver"
    assert reason.reason == "Fewer than 8 customers gave driver a low score."
    with pytest.raises(CannotEstimate, match="No attribute has enough customers"):
        penalty_reward(x[:, 0], x[:, 1:], ("driver",), 2, 4)
    with pytest.raises(CannotEstimate, match="No attribute has enough customers"):
        penalty_reward(np.empty(0), np.empty((0, 1)), ("driver",), 2, 4)
