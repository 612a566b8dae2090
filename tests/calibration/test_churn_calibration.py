"""Intervals on churn hold what was planted as often as they say; shuffled labels find nothing.

Companies whose truth is known in closed form: starts over years, an export that begins later than
the oldest customers, an as-of day that cuts everybody off.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import gamma, gammainc

from analysis.methods.estimate import Estimate
from analysis.methods.intervals import holm
from analysis.methods.lifetime_value.contractual import value_on_grid
from analysis.methods.lifetime_value.retention_worth import RetentionGain, worth_on_grid
from analysis.methods.lifetime_value.tenure_grid import tenure_grid
from analysis.methods.survival.cox import fit_cox
from analysis.methods.survival.nonparametric import kaplan_meier, log_rank, pairwise_log_rank
from analysis.methods.survival.restricted_mean import restricted_mean_difference

pytestmark = pytest.mark.calibration

FIRST_START = -72.0
SEEN_FROM = -48.0
LEVEL = 0.05


def holds(estimate: Estimate, truth: float) -> bool:
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower <= truth <= estimate.upper


@dataclass(frozen=True)
class Company:
    """Those of the starters whom the export shows: seen from SEEN_FROM on, up to day 0."""

    start: np.ndarray
    life: np.ndarray
    seen: np.ndarray

    @property
    def entry(self) -> np.ndarray:
        return np.maximum(SEEN_FROM - self.start, 0.0)

    @property
    def exit(self) -> np.ndarray:
        return np.minimum(self.life, -self.start)

    @property
    def ended(self) -> np.ndarray:
        return self.life <= -self.start


def company(rng: np.random.Generator, life: np.ndarray) -> Company:
    """Starts even over six years; whoever left before the export began is in no file."""
    start = FIRST_START * rng.random(len(life))
    seen = start + life > SEEN_FROM
    return Company(start[seen], life[seen], np.flatnonzero(seen))


# Retention


def test_retention_interval_covers(runs: int, calibration: Any) -> None:
    def one(seed: int) -> bool:
        rng = np.random.default_rng((21, seed))
        there = company(rng, rng.exponential(30.0, 150))
        curve = kaplan_meier(there.entry, there.exit, there.ended)
        return holds(curve.at(12.0), float(np.exp(-12 / 30)))

    calibration.coverage("12-month retention, log-log", [one(seed) for seed in range(runs)])


def test_counting_the_unseen_from_the_start_misses(runs: int, calibration: Any) -> None:
    # The export lacks those who left before it began: the late entrants' early months are no test.
    def one(seed: int) -> bool:
        rng = np.random.default_rng((22, seed))
        there = company(rng, rng.exponential(30.0, 400))
        curve = kaplan_meier(np.zeros(len(there.exit)), there.exit, there.ended)
        return holds(curve.at(12.0), float(np.exp(-12 / 30)))

    calibration.misses("12-month retention, entry ignored", [one(seed) for seed in range(runs)])


# Hazard ratio of a score that changes


def scored_lives(
    rng: np.random.Generator, n: int, log_ratio: float
) -> tuple[np.ndarray, np.ndarray]:
    """Scores of 1 to 5 anew every six months of tenure (n × 12), and lives that hang on them."""
    base = rng.integers(2, 5, n)[:, None]
    scores = np.clip(base + rng.integers(-1, 2, (n, 12)), 1, 5).astype(float)
    hazard = 0.03 * np.exp(log_ratio * (scores - 3))
    cumulative = np.hstack([np.zeros((n, 1)), np.cumsum(hazard * 6, axis=1)])
    drawn = rng.exponential(1.0, n)
    place = (drawn[:, None] >= cumulative[:, 1:]).sum(axis=1)
    within = np.minimum(place, 11)
    life = 6 * within + (drawn - cumulative[np.arange(n), within]) / hazard[np.arange(n), within]
    return scores, life


def split_where_scores_change(
    there: Company, scores: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Intervals (start, stop], the loss in the last of them, and the score known in each."""
    edges = 6.0 * np.arange(12)
    low = np.maximum(edges, there.entry[:, None])
    high = np.minimum(np.append(edges[1:], np.inf), there.exit[:, None])
    who, when = np.nonzero(high > low)
    stop = high[who, when]
    ended = there.ended[who] & (stop == there.exit[who])
    return low[who, when], stop, ended, scores[there.seen[who], when]


def test_hazard_ratio_interval_covers(runs: int, calibration: Any) -> None:
    def one(seed: int) -> bool:
        rng = np.random.default_rng((23, seed))
        scores, life = scored_lives(rng, 250, np.log(0.75))
        there = company(rng, life)
        start, stop, ended, score = split_where_scores_change(there, scores)
        fit = fit_cox(start, stop, ended, score[:, None], ("score",))
        return holds(fit.hazard_ratio("score"), 0.75)

    calibration.coverage("hazard ratio, time-varying score", [one(seed) for seed in range(runs)])


# Restricted means


def weibull_mean(shape: float, scale: float, horizon: float) -> float:
    """Mean of the smaller of a Weibull life and the horizon."""
    return float(scale / shape * gamma(1 / shape) * gammainc(1 / shape, (horizon / scale) ** shape))


def test_restricted_mean_difference_covers(runs: int, calibration: Any) -> None:
    truth = weibull_mean(0.8, 40.0, 24.0) - weibull_mean(1.3, 22.0, 24.0)

    def one(seed: int) -> bool:
        rng = np.random.default_rng((24, seed))
        group = np.arange(240) % 2
        life = np.where(
            group == 0, 40 * rng.weibull(0.8, len(group)), 22 * rng.weibull(1.3, len(group))
        )
        there = company(rng, life)
        found = restricted_mean_difference(
            there.entry, there.exit, there.ended, group[there.seen], ("a", "b"), 24.0
        )
        return holds(found.differences[0].difference, truth)

    calibration.coverage("restricted-mean difference", [one(seed) for seed in range(runs)])


# Lifetime value: two kinds of customers, the better ones stay longer; money grows with tenure


HAZARDS = np.array([0.02, 0.045])
LEVELS = np.array([1.4, 0.7])
FIRST_MONTH, GROWTH = 10.0, 0.15
HORIZON = 36
DISCOUNT = 0.10


def money_until(tenure: np.ndarray) -> np.ndarray:
    """Margin of a customer of level one from the start to a tenure."""
    return FIRST_MONTH * tenure + GROWTH * tenure**2 / 2


@cache
def planted_value(horizon: int, retention_added: float = 0.0) -> float:
    """Discounted margin to the horizon with the hazard at every tenure lowered to add retention.

    Margin of those there stays as it is.
    """
    fine = (np.arange(horizon * 200) + 0.5) / 200
    alive = np.exp(-HAZARDS * fine[:, None]) / 2
    survival = alive.sum(axis=1)
    rate = (alive * LEVELS).sum(axis=1) / survival * (FIRST_MONTH + GROWTH * fine)
    kept = float(np.exp(-12 * HAZARDS).mean())
    ratio = np.log(kept + retention_added) / np.log(kept)
    return float((survival**ratio * rate * (1 + DISCOUNT) ** (-np.ceil(fine) / 12)).sum() / 200)


def frames_of_money(seed: int, n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng((25, seed))
    # Drawn, not fixed: how many are of which kind is part of what the interval must bear.
    kind = rng.integers(0, 2, n)
    there = company(rng, rng.exponential(1 / HAZARDS[kind]))
    # Levels differ among customers of a kind as well: a customer's quarters go together.
    level = (LEVELS[kind] * rng.gamma(4, 0.25, n))[there.seen]
    opens = np.arange(SEEN_FROM, 0, 3.0)
    until = there.start + there.exit
    who, when = np.nonzero((there.start[:, None] < opens) & (until[:, None] >= opens))
    tenure = opens[when] - there.start[who]
    money = money_until(np.minimum(tenure + 3, there.life[who])) - money_until(tenure)
    lifetimes = pd.DataFrame(
        {
            "customer_id": np.arange(len(until)), "entry_months": there.entry,
            "exit_months": there.exit, "ended": there.ended,
        }
    )  # fmt: skip
    periods = pd.DataFrame(
        {
            "customer_id": who, "tenure_months": tenure,
            "margin": level[who] * money * rng.gamma(2, 0.5, len(who)),
        }
    )  # fmt: skip
    return lifetimes, periods


def test_lifetime_value_interval_covers(runs: int, calibration: Any) -> None:
    def one(seed: int) -> bool:
        grid = tenure_grid(*frames_of_money(seed, 400), 3)
        value = value_on_grid(grid, HORIZON, DISCOUNT, "EUR")
        return holds(value.total, planted_value(value.horizon_months))

    calibration.coverage("lifetime value", [one(seed) for seed in range(runs)])


def test_worth_of_retention_interval_covers(runs: int, calibration: Any) -> None:
    def one(seed: int) -> bool:
        grid = tenure_grid(*frames_of_money(10_000 + seed, 400), 3)
        worth = worth_on_grid(grid, 24, DISCOUNT, "EUR", "points")
        assert isinstance(worth.per_customer, RetentionGain)
        truth = planted_value(24, 0.05) - planted_value(24)
        return holds(worth.per_customer.gain, truth)

    calibration.coverage("worth of five points of retention", [one(seed) for seed in range(runs)])


# Shuffled control


def test_shuffled_labels_find_nothing(runs: int, calibration: Any) -> None:
    def one(seed: int) -> tuple[bool, bool, bool, bool]:
        rng = np.random.default_rng((26, seed))
        n = 200
        group, score = np.arange(n) % 3, rng.integers(1, 6, n).astype(float)
        life = rng.exponential(30 * np.exp(0.4 * (group - 1) + 0.25 * (score - 3)))
        there = company(rng, life)
        times = (there.entry, there.exit, there.ended)
        size = len(there.exit)
        # Labels of others: what remains of a difference is chance.
        group = group[there.seen][rng.permutation(size)]
        score = score[there.seen][rng.permutation(size)]
        overall = log_rank(*times, group).p_value
        pairs = min(pairwise_log_rank(*times, group).values())
        of_score = fit_cox(*times, score[:, None], ("score",)).p_value("score")
        family = holm([overall, of_score])
        # Pairs are looked at only where the groups differ at all.
        anything = bool((family <= LEVEL).any() or (family[0] <= LEVEL and pairs <= LEVEL))
        return overall <= LEVEL, pairs <= LEVEL, of_score <= LEVEL, anything

    outcomes = np.array([one(seed) for seed in range(runs)])
    calibration.rejections("log-rank, shuffled groups", outcomes[:, 0])
    calibration.rejections("pairwise log-rank with Holm, shuffled groups", outcomes[:, 1])
    calibration.rejections("hazard ratio, shuffled score", outcomes[:, 2])
    calibration.rejections("family of log-rank and hazard ratio with Holm", outcomes[:, 3])
