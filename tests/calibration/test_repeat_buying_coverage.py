"""Intervals of forecasts for customers without a contract hold the truth that made the data."""

from __future__ import annotations

from functools import cache
from typing import Protocol

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import Estimate
from analysis.methods.lifetime_value import purchase_value, repeat_buying
from analysis.methods.lifetime_value.purchase_value import fit_gamma_gamma
from analysis.methods.lifetime_value.repeat_buying import fit_bg_nbd
from analysis.methods.lifetime_value.residual_value import (
    expected_residual_value,
    share_still_buying,
)
from analysis.tenure import DAYS_PER_MONTH

RATES = np.log([0.6, 6.0, 0.9, 3.0])
AMOUNTS = np.log([6.0, 4.0, 60.0])
CUSTOMERS = 1000
MANY_CUSTOMERS = 300_000
MONTHS = 6
MARGIN = 0.3
RATE = 0.1


class Calibration(Protocol):
    def coverage(self, name: str, covered: list[bool]) -> None: ...


def drawn(n: int, seed: int) -> pd.DataFrame:
    """Histories of n customers, followed for twenty to eighty weeks each."""
    rng = np.random.default_rng(seed)
    r, alpha, a, b = np.exp(RATES)
    p, q, v = np.exp(AMOUNTS)
    age, rate, stop = rng.uniform(20, 80, n), rng.gamma(r, 1 / alpha, n), rng.beta(a, b, n)
    frequency, recency, now = np.zeros(n, dtype=int), np.zeros(n), np.zeros(n)
    buying = np.arange(n)
    while len(buying):
        now[buying] += rng.exponential(size=len(buying)) / np.maximum(rate[buying], 1e-300)
        buying = buying[now[buying] <= age[buying]]
        frequency[buying] += 1
        recency[buying] = now[buying]
        buying = buying[rng.random(len(buying)) >= stop[buying]]
    times = np.maximum(frequency, 1)
    mean = rng.gamma(p * times) / times * v / rng.gamma(q, size=n)
    value = np.where(frequency > 0, mean, np.nan)
    return pd.DataFrame(
        {"frequency": frequency, "recency": recency, "age": age, "mean_value": value}
    )


@cache
def truth() -> tuple[float, float]:
    """Mean margin to come and mean chance to be buying still, by the parameters planted."""
    history = drawn(MANY_CUSTOMERS, 1_000_003)
    columns = [history[name].to_numpy() for name in ("frequency", "recency", "age")]
    worth = purchase_value.expected_value(
        AMOUNTS, columns[0].astype(float), history["mean_value"].to_numpy()
    )
    total, before = np.zeros(len(history)), np.zeros(len(history))
    for month in range(1, MONTHS + 1):
        reached = repeat_buying.expected_purchases(RATES, month * DAYS_PER_MONTH / 7, *columns)
        total += (reached - before) * (1 + RATE) ** (-month / 12)
        before = reached
    alive = repeat_buying.probability_alive(RATES, *columns)
    return MARGIN * float((total * worth).mean()), float(alive.mean())


def estimates(seed: int) -> tuple[Estimate, Estimate]:
    history = drawn(CUSTOMERS, seed)
    model = fit_bg_nbd(history["frequency"], history["recency"], history["age"])
    amounts = fit_gamma_gamma(history["frequency"], history["mean_value"])
    value = expected_residual_value(model, amounts, history, MARGIN, MONTHS, RATE, "EUR")
    return value, share_still_buying(model, history)


def holds(found: Estimate, value: float) -> bool:
    assert found.lower is not None
    assert found.upper is not None
    return found.lower <= value <= found.upper


@pytest.mark.calibration
def test_intervals_of_forecasts_for_repeat_buyers_cover(
    runs: int, calibration: Calibration
) -> None:
    found = [estimates(seed) for seed in range(runs)]
    value, alive = truth()
    calibration.coverage(
        "margin to come, customers without a contract", [holds(one[0], value) for one in found]
    )
    calibration.coverage("share still buying", [holds(one[1], alive) for one in found])
