"""Means, shares and medians of answers, contacts or orders, several of which may be one customer's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import from_standard_error, normal_quantile, wilson

Floats = NDArray[np.float64]

# Below this many values no pair of ranks encloses the median at 95 %.
FEWEST_FOR_A_MEDIAN = 6


def _by_customer(deviations: Floats, customers: NDArray[Any]) -> Floats:
    _, codes = np.unique(customers.astype(str), return_inverse=True)
    return np.bincount(codes, deviations).astype(float)


def clustered_mean(
    values: Floats, customers: NDArray[Any], unit: str, smallest: float = -math.inf,
    largest: float = math.inf,
) -> Estimate:  # fmt: skip
    """Mean of n values, t interval clustered by customer, kept within what can occur.

    n of the estimate: customers. Raises CannotEstimate without a value.
    """
    if not len(values):
        raise CannotEstimate("There is no value to take a mean of.")
    mean = float(values.mean())
    influence = _by_customer((values - mean) / len(values), customers)
    groups = len(influence)
    method = "mean, clustered by customer"
    square = float((influence**2).sum())
    if groups < 2 or square <= 0:
        return Estimate(mean, None, None, unit, groups, method)
    error = math.sqrt(square * groups / (groups - 1))
    plain = from_standard_error(mean, error, unit, groups, method, groups - 1)
    assert plain.lower is not None
    assert plain.upper is not None
    lower, upper = max(plain.lower, smallest), min(plain.upper, largest)
    return Estimate(mean, lower, upper, unit, groups, method)


def clustered_share(happened: NDArray[np.bool_], customers: NDArray[Any]) -> Estimate:
    """Share of n rows, Wilson interval on the effective number of rows (Korn & Graubard 1998).

    The number is n over the design effect of rows of one customer resembling one another, never more
    than n. Raises CannotEstimate without a row.
    """
    n = len(happened)
    if n == 0:
        raise CannotEstimate("There is nothing to take a share of.")
    events = int(happened.sum())
    influence = _by_customer((happened - happened.mean()) / n, customers)
    groups = len(influence)
    plain = wilson(events, n)
    binomial = plain.value * (1 - plain.value) / n
    if binomial == 0 or groups < 2:
        simple = wilson(events, n)
        return Estimate(simple.value, simple.lower, simple.upper, "share", groups, "Wilson")
    effect = max(float((influence**2).sum()) * groups / (groups - 1) / binomial, 1.0)
    size, z = n / effect, normal_quantile()
    centre = (plain.value + z * z / (2 * size)) / (1 + z * z / size)
    spread = math.sqrt(plain.value * (1 - plain.value) / size + z * z / (4 * size * size))
    half = z * spread / (1 + z * z / size)
    method = "Wilson, effective sample by customer"
    return Estimate(
        plain.value, max(centre - half, 0.0), min(centre + half, 1.0), "share", groups, method
    )


def median_of(values: Floats, customers: NDArray[Any], unit: str) -> Estimate:
    """Median of n values with the interval of order statistics (sign test).

    Not yet known values may stand as infinity: they are longer than any known one. The ranks are the
    binomial quantiles at ½. n of the estimate: customers. Raises CannotEstimate where there is no value,
    or where more than half are not known.
    """
    n = len(values)
    if n == 0:
        raise CannotEstimate("There is no value to take a median of.")
    ordered = np.sort(values)
    middle = float(ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    if not math.isfinite(middle):
        raise CannotEstimate("More than half are still open, so no median can be given.")
    groups = len(np.unique(customers.astype(str)))
    method = "median, order statistics"
    if n < FEWEST_FOR_A_MEDIAN:
        return Estimate(middle, None, None, unit, groups, method)
    from scipy.special import bdtr

    ranks = np.arange(n // 2 + 1)
    # The smallest rank whose lower tail reaches 2.5 %: R's qbinom(.025, n, .5).
    first = int(np.argmax(np.asarray(bdtr(ranks, n, 0.5)) >= 0.025))
    upper = float(ordered[n - first])
    return Estimate(
        middle, float(ordered[max(first, 1) - 1]), upper if math.isfinite(upper) else None, unit,
        groups, method,
    )  # fmt: skip
