"""Shares of drivers cover, a null driver is not called one, alike segments are not told apart.

The truth of a world is exact for normal drivers, and from half a million customers for answers in
steps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import pytest

from analysis.methods.drivers import DriverStudy, key_drivers, shapley_contributions
from analysis.methods.regression import Floats, Ints
from analysis.methods.segment_flags import flag_segments

CUSTOMERS = 1000
NAMES = ("first", "second", "third", "fourth", "none")
SMALLEST_SHARE = 0.05


class Judge(Protocol):
    """What the fixture `calibration` offers here."""

    def coverage(self, name: str, covered: Iterable[bool]) -> None: ...
    def rejections(self, name: str, rejected: Iterable[bool]) -> None: ...


@dataclass(frozen=True)
class World:
    """Slopes of five drivers, how much they have in common, and what the outcome is."""

    slopes: tuple[float, ...]
    in_common: float
    noise: float
    kind: str  # "normal", "steps" (1–5, two answers a customer), "left" (0/1)


WORLDS = {
    "apart": World((1.0, 0.55, 0.35, 0.3, 0.0), 0.0, 1.5, "normal"),
    "together": World((1.0, 0.6, 0.4, 0.15, 0.0), 0.3, 1.5, "normal"),
    "steps": World((0.6, 0.5, 0.3, 0.1, 0.0), 0.3, 1.5, "steps"),
    "left": World((0.9, 0.7, 0.6, 0.5, 0.0), 0.2, 1.0, "left"),
}


def draw(world: World, customers: int, seed: int) -> tuple[Floats, Floats, Ints]:
    """Outcome, drivers and customers' codes."""
    rng = np.random.default_rng([seed, len(world.kind)])
    answers = 2 if world.kind == "steps" else 1
    who = np.repeat(np.arange(customers), answers)
    mood = np.repeat(rng.normal(size=customers), answers)
    own = rng.normal(size=(len(who), len(NAMES)))
    drivers = np.sqrt(world.in_common) * mood[:, None] + np.sqrt(1 - world.in_common) * own
    if world.kind == "steps":
        drivers = np.clip(np.rint(3.6 + 1.1 * drivers), 1, 5)
        outcome = drivers @ np.array(world.slopes) + world.noise * rng.normal(size=len(who))
        # What else makes a customer happy stays from answer to answer.
        return outcome + np.repeat(0.7 * rng.normal(size=customers), 2), drivers, who
    pull = drivers @ np.array(world.slopes)
    if world.kind == "left":
        return (rng.random(len(who)) < 1 / (1 + np.exp(1.5 + pull))).astype(float), drivers, who
    return pull + world.noise * rng.normal(size=len(who)), drivers, who


@lru_cache
def true_shares(name: str) -> Floats:
    world = WORLDS[name]
    if world.kind == "normal":
        slopes, p = np.array(world.slopes), len(world.slopes)
        among = np.full((p, p), world.in_common) + (1 - world.in_common) * np.eye(p)
        moments = np.zeros((p + 1, p + 1))
        moments[:p, :p], moments[:p, p], moments[p, :p] = among, among @ slopes, among @ slopes
        moments[p, p] = slopes @ among @ slopes + world.noise**2
    else:
        outcome, drivers, _ = draw(world, 500_000, 987_654)
        moments = np.cov(np.column_stack([drivers, outcome]).T)
    parts = shapley_contributions(moments)
    return np.asarray(parts / parts.sum())


@lru_cache
def studies(name: str, runs: int) -> tuple[DriverStudy, ...]:
    found = []
    for seed in range(runs):
        outcome, drivers, who = draw(WORLDS[name], CUSTOMERS, seed)
        found.append(key_drivers(outcome, drivers, NAMES, who))
    return tuple(found)


@pytest.mark.calibration
@pytest.mark.parametrize("world", list(WORLDS))
def test_shares_cover_from_a_twentieth_on(world: str, runs: int, calibration: Judge) -> None:
    truth = true_shares(world)
    assert (truth >= SMALLEST_SHARE).sum() == 4
    for name, share in zip(NAMES, truth, strict=True):
        if share < SMALLEST_SHARE:
            continue
        estimates = [study.named(name).share for study in studies(world, runs)]
        hits = [bool(e.lower <= share <= e.upper) for e in estimates]  # type: ignore[operator]
        calibration.coverage(f"driver share {share:.3f}, {world}", hits)


@pytest.mark.calibration
@pytest.mark.parametrize("world", list(WORLDS))
def test_a_driver_of_nothing_is_not_called_one(world: str, runs: int, calibration: Judge) -> None:
    called = [study.named("none") for study in studies(world, runs)]
    by_test = [driver.p_value <= 0.05 for driver in called]
    calibration.rejections(f"null driver's coefficient, {world}", by_test)
    calibration.rejections(f"null driver, {world}", [d.distinguishable for d in called])


def alike_segments(kind: str, seed: int) -> bool:
    """Twenty segments from ten customers to three hundred, nothing to tell them apart."""
    rng = np.random.default_rng([seed, 7])
    sizes = np.r_[np.full(6, 10), np.full(6, 25), np.full(5, 80), np.full(3, 300)]
    answers = rng.integers(1, 4, sizes.sum())
    who = np.repeat(np.arange(sizes.sum()), answers)
    segment = np.repeat(np.arange(len(sizes)), sizes)[who]
    mood = rng.normal(size=sizes.sum())[who]
    if kind == "scores":  # most give the best score
        values = np.clip(np.rint(4.6 + 0.6 * mood + 0.6 * rng.normal(size=len(who))), 1, 5)
    elif kind == "shares":  # one in seven leaves
        values = (mood + rng.normal(size=len(who)) > 1.5).astype(float)
    elif kind == "spreads":  # some segments are of one mind, some are not
        values = rng.permutation(np.linspace(0.5, 2.5, len(sizes)))[segment] * mood
    else:  # money with a heavy tail
        values = np.exp(4 + 0.6 * mood + 0.5 * rng.normal(size=len(who)))
    flags = flag_segments(values, [f"segment {s:02d}" for s in segment], list(who))
    assert len(flags.segments) == len(sizes)
    return bool(flags.flagged)


@pytest.mark.calibration
@pytest.mark.parametrize("kind", ["scores", "shares", "spreads", "money"])
def test_segments_without_any_difference_raise_no_flag(
    kind: str, runs: int, calibration: Judge
) -> None:
    flagged = [alike_segments(kind, seed) for seed in range(runs)]
    calibration.rejections(f"any of twenty alike segments, {kind}", flagged)
