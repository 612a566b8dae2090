"""Ratios and slopes of the tests of claims equal R's; see received_wisdom/make_references.R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.received_wisdom.repeat_buyers import paired_rise
from analysis.methods.received_wisdom.service import slope_beside
from analysis.methods.received_wisdom.staying import rate_ratio
from analysis.methods.spending.absorb import Held

HERE = Path(__file__).parent / "received_wisdom"
RELATIVE = 1e-8


@pytest.fixture(scope="module")
def golden() -> dict[str, float]:
    return dict(pd.read_csv(HERE / "golden.csv").itertuples(index=False))


def log_and_error(value: float, low: float, high: float, clusters: int) -> tuple[float, float]:
    """A ratio and its limits as the logarithm and its standard error."""
    return np.log(value), np.log(high / low) / 2 / t_quantile(0.95, clusters - 1)


def limits(estimate: Estimate) -> tuple[float, float]:
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower, estimate.upper


def test_ratio_of_rates(golden: dict[str, float]) -> None:
    rows = pd.read_csv(HERE / "rates.csv")
    first = rows["first"].to_numpy(float)
    events, time = (rows[name].to_numpy(float) for name in ("events", "time"))
    ratio = rate_ratio(
        (events * first, time * first), (events * (1 - first), time * (1 - first)),
        rows["customer"], "events",
    )  # fmt: skip
    value, error = log_and_error(ratio.value, *limits(ratio), 400)
    assert value == pytest.approx(golden["rate_log_ratio"], rel=RELATIVE)
    assert error == pytest.approx(golden["rate_log_error"], rel=RELATIVE)


def test_rise_of_the_same_customers(golden: dict[str, float]) -> None:
    rows = pd.read_csv(HERE / "halves.csv")
    rise = paired_rise(rows["early"].to_numpy(float), rows["late"].to_numpy(float))
    low, high = limits(rise)
    value, error = log_and_error(1 + rise.value, 1 + low, 1 + high, 150)
    assert value == pytest.approx(golden["halves_log_ratio"], rel=RELATIVE)
    assert error == pytest.approx(golden["halves_log_error"], rel=RELATIVE)


def test_satisfaction_beside_the_wait(golden: dict[str, float]) -> None:
    rows = pd.read_csv(HERE / "replies.csv")
    held = Held(
        tuple(
            (name, pd.factorize(rows[name], sort=True)[0].astype(np.int64))
            for name in ("touchpoint", "channel", "month")
        )
    )
    customer = pd.factorize(rows["customer"], sort=True)[0].astype(np.int64)
    slope = slope_beside(
        rows["score"].to_numpy(float), -np.log2(rows["minutes"].to_numpy(float)), held, customer,
        "points", "a wait",
    )  # fmt: skip
    low, high = limits(slope)
    error = (high - low) / 2 / t_quantile(0.95, int(customer.max()))
    assert slope.value == pytest.approx(golden["replies_slope"], rel=RELATIVE)
    assert error == pytest.approx(golden["replies_error"], rel=RELATIVE)
