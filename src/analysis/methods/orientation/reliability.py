"""How much of a sheet's score is the person and how much is chance: Cronbach's alpha."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.regression import Floats

FEWEST_SHEETS = 3
# Standard errors of a correlation about zero beyond which a negative one is remarked on.
NOTABLE_ERRORS = 2.0


@dataclass(frozen=True, slots=True)
class Alpha:
    """Internal consistency of a set of statements.

    alpha: share of the variance of the mean score that its statements have in common, with the
        interval of Feldt (1965). statements: how many. left_out: sheets with a gap, which do not count.
    rest_correlations: of each statement with the sum of the others; NaN where it does not vary.
    """

    alpha: Estimate
    statements: int
    left_out: int
    rest_correlations: Floats

    @property
    def against_the_rest(self) -> int:
        """How many statements go against the others by more than chance: a sign of a wrong key."""
        known = self.rest_correlations[np.isfinite(self.rest_correlations)]
        return int((known < -NOTABLE_ERRORS / self.alpha.n**0.5).sum())


@dataclass(frozen=True, slots=True)
class EmployeeScores:
    """Employees' scores drawn towards the mean by as much as they are chance.

    mean, spread: of the observed scores (standard deviation), in points of the scale.
    reliability: used for shrinking, between 0 and 1. error_of_measurement: standard deviation of
        chance in one score. observed, shrunk: m. error_of_shrunk: standard deviation that is left
        about a shrunk score.
    apart: employees whose interval of 95 % leaves out the mean.
    """

    mean: Estimate
    spread: float
    reliability: float
    error_of_measurement: float
    observed: Floats
    shrunk: Floats
    error_of_shrunk: float
    apart: int

    @property
    def standardised(self) -> Floats:
        """Observed scores in standard deviations from the mean."""
        return (self.observed - self.mean.value) / self.spread


def cronbach_alpha(items: Floats, confidence_level: float = 0.95) -> Alpha:
    """Cronbach's (1951) alpha of items (n × k), all keyed one way, from sheets without a gap.

    alpha = k/(k−1) × (1 − Σ variances of items / variance of their sum). Interval: under equal
    variances and covariances (1 − alpha)/(1 − estimate) follows F with n−1 and (n−1)(k−1) degrees
    of freedom (Feldt 1965). Raises CannotEstimate where too few sheets are whole or all are equal.
    """
    from scipy.special import fdtri

    whole = items[np.isfinite(items).all(axis=1)]
    n, k = whole.shape
    if k < 2:
        raise CannotEstimate("A half needs at least two statements for its consistency.")
    if n < FEWEST_SHEETS:
        raise CannotEstimate(
            "How consistent the statements are cannot be told: fewer than three sheets are complete."
        )
    totals = whole.sum(axis=1)
    variance = float(totals.var(ddof=1))
    if variance <= 1e-12 * max(float(np.abs(totals).max()), 1.0):
        raise CannotEstimate(
            "How consistent the statements are cannot be told: all employees have the same score."
        )
    value = k / (k - 1) * (1 - float(whole.var(axis=0, ddof=1).sum()) / variance)
    tail = (1 - confidence_level) / 2
    first, second = n - 1, (n - 1) * (k - 1)
    lower, upper = (
        1 - (1 - value) * float(fdtri(first, second, share)) for share in (1 - tail, tail)
    )
    estimate = Estimate(value, lower, upper, "reliability", n, "Cronbach, Feldt", confidence_level)
    return Alpha(estimate, k, len(items) - n, _rest_correlations(whole))


def _rest_correlations(whole: Floats) -> Floats:
    rest = whole.sum(axis=1, keepdims=True) - whole
    own, others = whole - whole.mean(axis=0), rest - rest.mean(axis=0)
    scale = np.sqrt((own**2).sum(axis=0) * (others**2).sum(axis=0))
    varies = scale > 1e-9
    products = (own * others).sum(axis=0)
    return np.where(varies, products / np.where(varies, scale, 1.0), np.nan)


def shrink_scores(scores: Floats, alpha: Estimate) -> EmployeeScores:
    """Draw scores (m) towards their mean by 1 − reliability (Kelley 1927; empirical Bayes).

    Raises CannotEstimate where the scores do not differ or nothing of them is consistent.
    """
    from analysis.methods.intervals import from_standard_error, normal_quantile

    n = len(scores)
    spread = float(scores.std(ddof=1)) if n > 1 else 0.0
    if n < FEWEST_SHEETS or spread <= 1e-12:
        raise CannotEstimate("Employees do not differ in their scores, or there are too few.")
    reliability = min(alpha.value, 1.0)
    if reliability <= 0:
        raise CannotEstimate(
            "The statements do not hang together, so that a score says nothing about an employee."
        )
    mean = float(scores.mean())
    error = spread * np.sqrt(1 - reliability)
    shrunk = mean + reliability * (scores - mean)
    left = float(spread * np.sqrt(reliability * (1 - reliability)))
    estimate = from_standard_error(
        mean, float(spread / np.sqrt(n)), "scale points", n, "mean, t", n - 1
    )
    apart = int((np.abs(shrunk - mean) > normal_quantile() * left).sum())
    return EmployeeScores(estimate, spread, reliability, float(error), scores, shrunk, left, apart)
