"""Intervals of accelerated failure times hold under delayed entry and censoring."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pytest

from analysis.methods.survival.parametric import (
    FAMILIES,
    MEDIAN_ERROR,
    Family,
    fit_parametric,
)

LOCATION, SLOPE, SCALE = 3.2, 0.5, 0.8
CUSTOMERS = 500


class Calibration(Protocol):
    def coverage(self, name: str, covered: list[bool]) -> None: ...


def covered(family: Family, seed: int) -> tuple[bool, bool]:
    """Whether the ratio of times, and the survival at the median of one row, hold the truth."""
    rng = np.random.default_rng(seed)
    error = {
        "weibull": lambda: np.log(rng.exponential(size=CUSTOMERS)),
        "log-normal": lambda: rng.normal(size=CUSTOMERS),
        "log-logistic": lambda: rng.logistic(size=CUSTOMERS),
    }[family]()
    x = rng.integers(0, 2, CUSTOMERS).astype(float)
    life = np.exp(LOCATION + SLOPE * x + SCALE * error)
    entry = np.where(rng.random(CUSTOMERS) < 0.6, rng.uniform(0, 25, CUSTOMERS), 0.0)
    until = np.minimum(72.0, entry + rng.uniform(12, 72, CUSTOMERS))
    seen = life > entry
    fit = fit_parametric(
        entry[seen], np.minimum(life, until)[seen], (life <= until)[seen], x[seen, None], ("x",),
        family,
    )  # fmt: skip
    ratio = fit.acceleration("x")
    half = fit.survival(float(np.exp(LOCATION + SCALE * MEDIAN_ERROR[family])), np.zeros(1))
    return ratio.lower <= np.exp(SLOPE) <= ratio.upper, half.lower <= 0.5 <= half.upper


@pytest.mark.calibration
@pytest.mark.parametrize("family", FAMILIES)
def test_intervals_of_accelerated_failure_times_cover(
    family: Family, runs: int, calibration: Calibration
) -> None:
    found = [covered(family, seed) for seed in range(runs)]
    calibration.coverage(f"time ratio, {family}, late entry", [one[0] for one in found])
    calibration.coverage(f"survival, {family}, late entry", [one[1] for one in found])
