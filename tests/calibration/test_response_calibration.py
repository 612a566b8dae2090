"""What weights mend and what they cannot: coverage of the weighted mean by simulation.

Each customer is a candidate twice, with a mood of its own in both answers, so that rows are not
independent. Orders, recorded, raise the score and the readiness to answer; invitations go by orders
too. In the second world readiness depends on the score itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import pytest

from analysis.methods.estimate import Estimate
from analysis.methods.response_weights import (
    ResponseWeights,
    TippingPoint,
    raw_mean,
    response_weights,
    tipping_point,
    weighted_mean,
)

CUSTOMERS = 500
MEAN_SCORE = 6.0  # of all, by construction
# "The mean of all lies above …": true by so much in the first world, false in the second.
THRESHOLDS = {False: MEAN_SCORE - 0.3, True: MEAN_SCORE + 0.2}
LARGE_DIFFERENCE = 0.8  # standard deviations (Cohen)


class Judge(Protocol):
    """What the fixture `calibration` offers here."""

    def coverage(self, name: str, covered: Iterable[bool]) -> None: ...
    def misses(self, name: str, covered: Iterable[bool]) -> None: ...
    def at_least(self, name: str, happened: Iterable[bool], bound: float) -> None: ...


@dataclass(frozen=True)
class Run:
    """One simulated survey: estimates, and what only the simulation knows of the silent."""

    raw: Estimate
    weighted: Estimate
    tip: TippingPoint
    silent_mean: float


def one_run(seed: int, by_score: bool) -> Run:
    rng = np.random.default_rng([seed, int(by_score)])
    customer = np.repeat(np.arange(CUSTOMERS), 2)
    orders = rng.poisson(3, CUSTOMERS)[customer].astype(float)
    office = rng.integers(0, 2, CUSTOMERS)[customer].astype(float)
    mood = rng.normal(size=CUSTOMERS)[customer]
    score = MEAN_SCORE + 0.4 * (orders - 3) + mood + rng.normal(0, 1.5, len(customer))
    invited = rng.random(len(customer)) < 1 / (1 + np.exp(-(0.3 + 0.2 * orders - 0.4 * office)))
    pull = 0.5 * (score - MEAN_SCORE) if by_score else 0.3 * (orders - 3) + 0.3 * office
    answered = invited & (rng.random(len(customer)) < 1 / (1 + np.exp(0.5 - pull)))
    columns = np.column_stack([orders, office])
    weights = response_weights(invited, answered, columns, ("orders", "office"), customer)
    return _told(score, weights, THRESHOLDS[by_score])


def _told(score: np.ndarray, weights: ResponseWeights, threshold: float) -> Run:
    raw, weighted = raw_mean(score, weights), weighted_mean(score, weights)
    heard = score[weights.rows]
    tip = tipping_point(
        weighted, weights.response_share, threshold, float(heard.std()), raw=raw.value
    )
    silent = np.delete(score, weights.rows)
    return Run(raw, weighted, tip, float(silent.mean()))


@lru_cache(maxsize=2)
def simulated(runs: int, by_score: bool) -> tuple[Run, ...]:
    return tuple(one_run(seed, by_score) for seed in range(runs))


def covers(estimate: Estimate) -> bool:
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower <= MEAN_SCORE <= estimate.upper


@pytest.mark.calibration
def test_weights_mend_answering_by_what_is_recorded(runs: int, calibration: Judge) -> None:
    found = simulated(runs, False)
    calibration.misses("raw mean score, answering by orders", [covers(run.raw) for run in found])
    calibration.coverage("weighted mean score", [covers(run.weighted) for run in found])


@pytest.mark.calibration
def test_weights_do_not_mend_answering_by_the_score(runs: int, calibration: Judge) -> None:
    found = simulated(runs, True)
    calibration.misses("raw mean score, answering by score", [covers(run.raw) for run in found])
    calibration.misses(
        "weighted mean score, answering by score", [covers(run.weighted) for run in found]
    )


@pytest.mark.calibration
def test_tipping_point_tells_which_of_the_two_it_is(runs: int, calibration: Judge) -> None:
    """A false finding turns with a difference that the silent have; a true one does not."""
    false = simulated(runs, True)
    calibration.at_least(
        "weighted mean above the threshold, wrongly",
        [run.weighted.lower > run.tip.threshold > MEAN_SCORE for run in false],
        0.90,
    )
    calibration.at_least(
        "wrong finding: the silent lie beyond the tipping point",
        [run.silent_mean < run.tip.silent_mean for run in false],
        0.90,
    )
    calibration.at_least(
        "wrong finding: less than a large difference would turn it",
        [abs(run.tip.difference_in_sd or 0) < LARGE_DIFFERENCE for run in false],
        0.90,
    )
    calibration.at_least(
        "right finding: the silent do not reach the tipping point",
        [run.silent_mean > run.tip.silent_mean for run in simulated(runs, False)],
        0.90,
    )
