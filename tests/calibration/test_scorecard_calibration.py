"""Intervals of the scorecard cover, and segments without a difference are left alone.

Two periods of one company: some customers answer or order in both, alike in both, so that the
change has a covariance to count. Truths are those of the distributions drawn from.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import pandas as pd
import pytest

from analysis.disclosure import Disclosure
from analysis.intake.periods import Period
from analysis.methods.estimate import Estimate
from analysis.methods.intervals import net_promoter_score
from analysis.methods.scorecard.answers import Answers
from analysis.methods.scorecard.customer_value import margin_concentration
from analysis.methods.scorecard.ledger import Ledger, make_ledger
from analysis.methods.scorecard.level import (
    Level,
    change_between,
    change_p_value,
    median_level,
    ratio_level,
    share_level,
)
from analysis.methods.scorecard.mix import split_by_mix
from analysis.methods.scorecard.satisfaction_index import index_level
from analysis.methods.scorecard.segments import flag_segments

CUSTOMERS = 400
ANSWERING = 0.45
# Chances of a detractor, passive and promoter, by period: NPS of 10, then of 25.
VOTES = ((0.30, 0.30, 0.40), (0.20, 0.35, 0.45))
SEGMENTS = 20
PERIOD = Period(dt.date(2026, 4, 1), 3)
NO_RULES = Disclosure(enabled=False)


class Judge(Protocol):
    """What the fixture `calibration` offers here."""

    def coverage(self, name: str, covered: Iterable[bool]) -> None: ...
    def rejections(self, name: str, rejected: Iterable[bool]) -> None: ...


def covers(estimate: Estimate, truth: float) -> bool:
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower <= truth <= estimate.upper


def normal_share(x: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))


def promoters(votes: np.ndarray, who: np.ndarray) -> Level:
    estimate = net_promoter_score(*(int((votes == side).sum()) for side in (1, 0, -1)))
    influence = 100 * (votes - votes.mean()) / len(votes)
    return Level(estimate, who, influence, None, 100.0 * votes, np.ones(len(votes)))


@dataclass(frozen=True)
class Run:
    """Whether each interval held its truth, and whether a change or segment was found in vain."""

    nps: bool
    nps_change: bool
    share_change: bool
    order_value: bool
    median: bool
    within: bool
    top_tenth: bool
    index: bool
    no_change: bool
    flagged: bool


def one_run(seed: int) -> Run:
    rng = np.random.default_rng([20, seed])
    who = np.array([f"C{i:03d}" for i in range(CUSTOMERS)], dtype=object)
    mood = rng.normal(size=CUSTOMERS)

    def answers(chances: tuple[float, float, float]) -> Level:
        chosen = rng.random(CUSTOMERS) < ANSWERING
        quantile = normal_share((mood + rng.normal(size=CUSTOMERS)) / np.sqrt(2))
        votes = np.where(quantile < chances[0], -1, np.where(quantile < sum(chances[:2]), 0, 1))
        return promoters(votes[chosen], who[chosen])

    first, second, again = answers(VOTES[0]), answers(VOTES[1]), answers(VOTES[0])
    # Customers stay with a chance of .9, then of .94; losses of the first are not in the second.
    stayed = rng.random(CUSTOMERS) < 0.90
    later = rng.random(CUSTOMERS) < 0.94
    retention = change_between(share_level(later[stayed], who[stayed]), share_level(stayed, who))
    # Orders of a customer are alike: gamma amounts times the customer's own size.
    orders = 1 + rng.poisson(0.6, CUSTOMERS).astype(float)
    size = rng.lognormal(0, 0.3, CUSTOMERS) / np.exp(0.3**2 / 2)
    value = ratio_level(who, rng.gamma(2 * orders, 60) * size, orders, "EUR per order")
    # Waiting, two contacts of half the customers; a tenth is still open.
    owner = np.r_[np.arange(CUSTOMERS), np.arange(0, CUSTOMERS, 2)]
    hours = np.exp(0.7 * rng.normal(size=CUSTOMERS)[owner] + 0.7 * rng.normal(size=len(owner)))
    hours[rng.random(len(owner)) < 0.1] = np.inf
    open_share = 0.1
    waiting = median_level(hours, who[owner], "hours")
    group = {name: f"s{i % SEGMENTS:02d}" for i, name in enumerate(who)}
    rise = 25.0 - 10.0
    split = split_by_mix(second, first, group)
    many = np.array([f"C{i:04d}" for i in range(SEGMENTS * 60)], dtype=object)
    alike = share_level(rng.random(len(many)) < 0.3, many)
    segment = {name: f"s{i % SEGMENTS:02d}" for i, name in enumerate(many)}
    return Run(
        nps=covers(first.estimate, 10.0),
        nps_change=covers(change_between(second, first), rise),
        share_change=covers(retention, 0.04),
        order_value=covers(value.estimate, 120.0),
        median=covers(waiting.estimate, median_with_open(open_share)),
        within=covers(split.within, rise),
        top_tenth=top_tenth_covers(rng),
        index=index_covers(rng),
        no_change=change_p_value(again, first) < 0.05,
        flagged=bool(flag_segments([("x", "X", alike)], {"segment": segment}, NO_RULES).flags),
    )


def median_with_open(open_share: float) -> float:
    """Median of a log-normal with variance .98 of which a share is never seen to end."""
    from scipy.special import ndtri

    return float(np.exp(np.sqrt(2 * 0.7**2) * ndtri(0.5 / (1 - open_share))))


def top_tenth_covers(rng: np.random.Generator) -> bool:
    """Exponential margins: the top tenth holds .1 (1 − ln .1) of all."""
    amounts = rng.exponential(80.0, CUSTOMERS)
    rows = pd.DataFrame(
        {
            "customer_id": [f"C{i:03d}" for i in range(CUSTOMERS)],
            "occurred_on": np.datetime64("2026-05-01", "ns"),
            "amount": amounts,
        }
    )
    ledger = Ledger(make_ledger(rows, pd.DataFrame(), 1.0))
    found = margin_concentration(ledger, pd.DataFrame(), None, PERIOD, NO_RULES)
    return covers(found.top_share, 0.1 * (1 - np.log(0.1)))


def index_covers(rng: np.random.Generator) -> bool:
    """Three attributes; customers who score high also find more important."""
    n = 120
    mood = rng.normal(size=n)
    means, weights = np.array([60.0, 70.0, 80.0]), np.array([2.0, 5.0, 8.0])
    score = means + 8 * mood[:, None] + 10 * rng.normal(size=(n, 3))
    importance = weights + 0.5 * mood[:, None] + rng.normal(size=(n, 3))
    day = np.datetime64("2026-05-01", "ns")
    rows = pd.DataFrame(
        {
            "response_id": [f"R{i:04d}" for i in range(3 * n)],
            "customer_id": np.repeat([f"C{i:03d}" for i in range(n)], 3),
            "instrument": "csi", "invited_on": day, "answered_on": day,
            "score": score.ravel(), "importance": importance.ravel(),
            "attribute": np.tile(["price", "quality", "speed"], n),
        }
    )  # fmt: skip
    level = index_level(Answers(rows), (0.0, 100.0), {}, PERIOD)
    return covers(level.estimate, float(weights @ means / weights.sum()))


@lru_cache(maxsize=1)
def simulated(runs: int) -> tuple[Run, ...]:
    return tuple(one_run(seed) for seed in range(runs))


@pytest.mark.calibration
@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Net Promoter Score", "nps"),
        ("change of the Net Promoter Score, customers in both", "nps_change"),
        ("change of retention", "share_change"),
        ("order value", "order_value"),
        ("median wait, some open", "median"),
        ("share of margin of the top tenth", "top_tenth"),
        ("satisfaction index, importance answered", "index"),
        ("change of NPS within twenty segments", "within"),
    ],
)
def test_intervals_cover(runs: int, calibration: Judge, name: str, field: str) -> None:
    calibration.coverage(name, [getattr(run, field) for run in simulated(runs)])


@pytest.mark.calibration
def test_nothing_moves_where_nothing_moved(runs: int, calibration: Judge) -> None:
    calibration.rejections("change of NPS, none", [run.no_change for run in simulated(runs)])


@pytest.mark.calibration
def test_twenty_segments_alike_are_not_flagged(runs: int, calibration: Judge) -> None:
    found = [run.flagged for run in simulated(runs)]
    calibration.rejections("twenty segments of the scorecard, family-wise", found)
