"""Intervals that hold in small samples, and the correction for many comparisons."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.methods.estimate import CannotEstimate, Estimate

# Agresti–Coull-like additions for a trinomial difference (Rocks 2016, adjusted Wald).
NPS_ADDED_PROMOTERS = 0.75
NPS_ADDED_PASSIVES = 1.5
NPS_ADDED_DETRACTORS = 0.75


def normal_quantile(confidence_level: float = 0.95) -> float:
    """Two-sided quantile of the standard normal distribution: 1.96 at .95."""
    return NormalDist().inv_cdf(0.5 + confidence_level / 2)


def t_quantile(confidence_level: float, degrees_of_freedom: float) -> float:
    """Two-sided quantile of Student's t distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees_of_freedom, 0.5 + confidence_level / 2))


def p_value_normal(z: float) -> float:
    """Two-sided p-value of a standard normal statistic."""
    return math.erfc(abs(z) / math.sqrt(2))


def p_value_t(t: float, degrees_of_freedom: float) -> float:
    """Two-sided p-value of a t statistic."""
    from scipy.special import stdtr

    return float(2 * stdtr(degrees_of_freedom, -abs(t)))


def p_value_chi_squared(statistic: float, degrees_of_freedom: int) -> float:
    """Upper tail of the chi-squared distribution."""
    from scipy.special import chdtrc

    return float(chdtrc(degrees_of_freedom, statistic))


def wilson(events: int, n: int, confidence_level: float = 0.95) -> Estimate:
    """Share of events among n with the score interval (Wilson 1927).

    Raises CannotEstimate if n is zero.
    """
    if n == 0:
        raise CannotEstimate("There is nobody to take a share of.")
    z = normal_quantile(confidence_level)
    share = events / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    lower = 0.0 if events == 0 else max(centre - half, 0.0)
    upper = 1.0 if events == n else min(centre + half, 1.0)
    return Estimate(share, lower, upper, "share", n, "Wilson", confidence_level)


def net_promoter_score(
    promoters: int, passives: int, detractors: int, confidence_level: float = 0.95
) -> Estimate:
    """NPS in points with the adjusted Wald interval.

    Three pseudo-answers are added (¾ promoter, 1½ passive, ¾ detractor) for the interval only.
    Raises CannotEstimate if there is no answer.
    """
    n = promoters + passives + detractors
    if n == 0:
        raise CannotEstimate("Nobody answered the question whether they would recommend us.")
    total = n + NPS_ADDED_PROMOTERS + NPS_ADDED_PASSIVES + NPS_ADDED_DETRACTORS
    up = (promoters + NPS_ADDED_PROMOTERS) / total
    down = (detractors + NPS_ADDED_DETRACTORS) / total
    half = normal_quantile(confidence_level) * math.sqrt((up + down - (up - down) ** 2) / total)
    centre = up - down
    return Estimate(
        100 * (promoters - detractors) / n,
        100 * max(centre - half, -1.0),
        100 * min(centre + half, 1.0),
        "points",
        n,
        "adjusted Wald",
        confidence_level,
    )


def from_standard_error(
    value: float,
    standard_error: float,
    unit: str,
    n: int,
    method: str,
    degrees_of_freedom: float | None = None,
    confidence_level: float = 0.95,
) -> Estimate:
    """An estimate with a symmetric interval: t with the degrees given, else normal."""
    quantile = (
        normal_quantile(confidence_level)
        if degrees_of_freedom is None
        else t_quantile(confidence_level, degrees_of_freedom)
    )
    half = quantile * standard_error
    return Estimate(value, value - half, value + half, unit, n, method, confidence_level)


def scaled(estimate: Estimate, factor: float, unit: str) -> Estimate:
    """An estimate times a known constant, in a new unit."""
    limits = [
        limit * factor if limit is not None else None for limit in (estimate.lower, estimate.upper)
    ]
    if factor < 0:
        limits.reverse()
    return Estimate(
        estimate.value * factor,
        limits[0],
        limits[1],
        unit,
        estimate.n,
        estimate.method,
        estimate.confidence_level,
    )


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted so that the chance of any false alarm is held (Holm 1979)."""
    raw = np.asarray(p_values, dtype=float)
    order = np.argsort(raw, kind="stable")
    steps = np.arange(len(raw), 0, -1)
    adjusted = np.minimum(np.maximum.accumulate(raw[order] * steps), 1.0)
    result = np.empty_like(adjusted)
    result[order] = adjusted
    return result
