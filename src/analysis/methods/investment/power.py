"""How many customers, followed for how many quarters, tell a gain in margin from chance.

A draw with two arms of equal size, margin per customer-quarter averaged over the quarters followed
and adjusted for its mean over the four quarters before (analysis of covariance). With the same
correlation ρ between any two quarters of a customer, the variance of the adjusted mean over q
quarters after and p before is σ² [ (1 + (q − 1) ρ) / q − p ρ² / (1 + (p − 1) ρ) ]
(Frison & Pocock 1992).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.intervals import normal_quantile

if TYPE_CHECKING:
    import pandas as pd

POWER = 0.8
QUARTERS_BEFORE = 4
FEWEST_CUSTOMERS = 30
MOST_CORRELATED = 0.99


@dataclass(frozen=True, slots=True)
class MarginSpread:
    """How margin varies between customers and quarters, zeros after leaving.

    standard_deviation: of one customer's quarter, after taking out the quarters' means, currency.
    correlation: between two quarters of a customer. customers: active now, who could take part.
    """

    standard_deviation: float
    correlation: float
    customers: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Customers in both arms together, and quarters followed; power is four in five."""

    customers: int
    quarters: int


def margin_spread(customer_periods: pd.DataFrame) -> MarginSpread:
    """Measure the spread on customers active four whole periods ago.

    customer_periods: the frame, columns customer_id, period_index, margin, left. Whoever left since
    counts with zero. Raises CannotEstimate for fewer than thirty customers or four periods.
    """
    if customer_periods.empty:
        raise CannotEstimate("no margin by quarter is known")
    last = int(customer_periods["period_index"].max())
    window = range(last - QUARTERS_BEFORE + 1, last + 1)
    recent = customer_periods[customer_periods["period_index"].isin(window)]
    there = recent.loc[recent["period_index"] == window[0], "customer_id"]
    if len(there) < FEWEST_CUSTOMERS or recent["period_index"].nunique() < QUARTERS_BEFORE:
        raise CannotEstimate("fewer than thirty customers can be followed over four quarters")
    wide = recent[recent["customer_id"].isin(there)].pivot(
        index="customer_id", columns="period_index", values="margin"
    )
    margin = wide.fillna(0.0).to_numpy(float)
    covariance = np.cov(margin, rowvar=False)
    variance = float(np.diag(covariance).mean())
    if variance <= 0:
        raise CannotEstimate("margin does not vary between customers")
    between = float(
        (covariance.sum() - np.trace(covariance)) / (QUARTERS_BEFORE**2 - QUARTERS_BEFORE)
    )
    correlation = min(max(between / variance, 0.0), MOST_CORRELATED)
    at_end = customer_periods["period_index"] == last
    active = int((at_end & ~customer_periods["left"].astype(bool)).sum())
    return MarginSpread(math.sqrt(variance), correlation, active)


def adjusted_variance(spread: MarginSpread, quarters: int) -> float:
    """Variance of a customer's mean over the quarters followed, adjusted for the year before."""
    rho, before = spread.correlation, QUARTERS_BEFORE
    left = (1 + (quarters - 1) * rho) / quarters - before * rho**2 / (1 + (before - 1) * rho)
    return spread.standard_deviation**2 * left


def sample_needed(spread: MarginSpread, gap: float, quarters: int, power: float = POWER) -> Sample:
    """Customers in two equal arms that find a difference of `gap` per customer-quarter.

    At 95 % confidence, two-sided. Raises CannotEstimate where there is no difference to find.
    """
    if not gap or not math.isfinite(gap):
        raise CannotEstimate("there is no difference to look for")
    quantiles = normal_quantile() + normal_quantile(2 * power - 1)
    each = 2 * quantiles**2 * adjusted_variance(spread, quarters) / gap**2
    return Sample(2 * math.ceil(each), quarters)


def samples_needed(spread: MarginSpread, gap: float, most_quarters: int = 8) -> tuple[Sample, ...]:
    """The sample for one, two, four … quarters of following."""
    spans = [q for q in (1, 2, 4, 8, 12) if q <= most_quarters]
    return tuple(sample_needed(spread, gap, quarters) for quarters in spans)


def shortest_feasible(samples: tuple[Sample, ...], customers: int) -> Sample:
    """The sample with the fewest quarters that `customers` suffice for.

    Raises CannotEstimate where they suffice for none.
    """
    for sample in samples:
        if sample.customers <= customers:
            return sample
    raise CannotEstimate("a test would need more customers than there are")
