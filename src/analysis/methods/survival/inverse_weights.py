"""Kaplan–Meier weighted by the inverse probability of still being followed.

Where customers drop out of sight for reasons that go with leaving, those who remain are no
picture of those who vanished. Weighting each by one over the chance of still being followed, given what
is recorded, repairs as much of this as the record explains (Robins & Finkelstein 2000).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import normal_quantile
from analysis.methods.regression import sum_by_cluster
from analysis.methods.survival.baseline import baseline_hazard
from analysis.methods.survival.cox import Booleans, CoxFit, Floats, Ints, fit_cox

TRUNCATED_AT = (0.01, 0.99)
# Rows × event times handled at once: some 30 MB.
BLOCK = 4_000_000


@dataclass(frozen=True, slots=True)
class WeightedSurvival:
    """Weighted retention at a horizon.

    censoring: the Cox model of being lost to sight. effective_sample_size: customers that the
    weighted ones at the horizon are worth, of `followed` there. truncated: share of weights cut.
    """

    retention: Estimate
    censoring: CoxFit
    effective_sample_size: float
    followed: int
    truncated: float


def log_log_limits(
    survival: float, error_of_log: float, confidence_level: float
) -> tuple[float | None, float | None]:
    """Limits of a survival share from the standard error of its logarithm; None at 0 and 1."""
    if not 0 < survival < 1:
        return None, None
    half = normal_quantile(confidence_level) * error_of_log / abs(np.log(survival))
    return float(survival ** np.exp(half)), float(survival ** np.exp(-half))


def _up_to(times: Floats, cumulative: Floats, at: Floats, before: bool) -> Floats:
    """A cumulative hazard at given times, or just before them."""
    padded = np.concatenate([[0.0], cumulative])
    return np.asarray(padded[np.searchsorted(times, at, side="left" if before else "right")])


def _nelson_aalen(start: Floats, stop: Floats, ended: Booleans) -> tuple[Floats, Floats]:
    times, counts = np.unique(stop[ended], return_counts=True)
    entered = np.searchsorted(np.sort(start), times, side="left")
    gone = np.searchsorted(np.sort(stop), times, side="left")
    return times, np.cumsum(counts / (entered - gone))


@dataclass(frozen=True, slots=True)
class _Weights:
    """The logarithm of row i's weight at t is base[i] + ratio[i] A(t−) − M(t−), cut at `limits`."""

    base: Floats
    ratio: Floats
    times: Floats
    cumulative: Floats
    marginal_times: Floats
    marginal: Floats
    limits: tuple[float, float]

    def logarithms(self, rows: Ints, at: Floats) -> Floats:
        """Logarithms of the weights, uncut, rows and times broadcast against each other."""
        hazard = _up_to(self.times, self.cumulative, at, before=True)
        marginal = _up_to(self.marginal_times, self.marginal, at, before=True)
        return np.asarray(self.base[rows] + self.ratio[rows] * hazard - marginal)


def _weights(
    fit: CoxFit, start: Floats, stop: Floats, leaves_first: Floats, censored: Booleans,
    spell: Ints, covariates: Floats,
) -> tuple[_Weights, float]:  # fmt: skip
    baseline = baseline_hazard(fit, start, leaves_first, censored, covariates)
    hazard = baseline.strata[0]
    times, marginal = _nelson_aalen(start, leaves_first, censored)
    ratio = np.exp((covariates - baseline.reference) @ fit.coefficients)
    opened = _up_to(hazard.times, hazard.cumulative, start, before=False)
    grown = ratio * (_up_to(hazard.times, hazard.cumulative, stop, before=False) - opened)
    order = np.lexsort((start, spell))
    first = np.r_[True, np.diff(spell[order]) != 0]
    earlier = np.cumsum(grown[order]) - grown[order]
    sizes = np.diff(np.r_[np.flatnonzero(first), len(order)])
    base = np.empty(len(start))
    entry = np.repeat(start[order][first], sizes)
    base[order] = (
        earlier - np.repeat(earlier[first], sizes) + _up_to(times, marginal, entry, before=False)
    )
    base -= ratio * opened
    free = _Weights(
        base, ratio, hazard.times, hazard.cumulative, times, marginal, (-np.inf, np.inf)
    )
    logarithms = free.logarithms(np.arange(len(start)), stop)
    low, high = np.quantile(logarithms, TRUNCATED_AT)
    truncated = float(((logarithms < low) | (logarithms > high)).mean())
    limits = (float(low), float(high))
    return _Weights(
        base, ratio, hazard.times, hazard.cumulative, times, marginal, limits
    ), truncated


def weighted_survival(
    start: Floats,
    stop: Floats,
    ended: Booleans,
    censored: Booleans,
    spell: Ints,
    customer: Ints,
    covariates: Floats,
    names: tuple[str, ...],
    horizon_months: float,
    confidence_level: float = 0.95,
) -> WeightedSurvival:
    """Retention at the horizon, each row weighted by one over its chance of still being followed.

    Rows are intervals (start, stop], closed by leaving (`ended`), by being lost to sight
    (`censored`), or by neither; covariates (n × k) as known at the start. spell, customer: codes
    from zero. Weights are stabilised and cut at their 1st and 99th percentiles; the interval is
    clustered by customer and takes them as known, which is wide rather than narrow.
    Raises CannotEstimate if nobody was lost or left before the horizon, or the model fails.
    """
    inside = start < horizon_months
    start, stop, spell, customer = start[inside], stop[inside], spell[inside], customer[inside]
    ended = ended[inside] & (stop <= horizon_months)
    censored = censored[inside] & (stop < horizon_months)
    stop, covariates = np.minimum(stop, horizon_months), covariates[inside]
    if not censored.any():
        raise CannotEstimate("Nobody was lost to sight before the horizon: no weights are needed.")
    if not ended.any():
        raise CannotEstimate("Nobody has left before the horizon, so there is nothing to weigh.")
    # Who leaves on a day is no longer at risk of being lost on it.
    leaves_first = np.where(ended, np.nextafter(stop, 0.0), stop)
    fit = fit_cox(start, leaves_first, censored, covariates, names)
    weights, truncated = _weights(fit, start, stop, leaves_first, censored, spell, covariates)
    times, place = np.unique(stop[ended], return_inverse=True)
    dead = np.flatnonzero(ended)
    log_survival, influence = 0.0, np.zeros(len(start))
    size = max(BLOCK // len(start), 1)
    for block in range(0, len(times), size):
        at = times[block : block + size]
        here = (start[:, None] < at) & (stop[:, None] >= at)
        logarithms = weights.logarithms(np.arange(len(start))[:, None], at[None, :])
        weight = np.where(here, np.exp(np.clip(logarithms, *weights.limits)), 0.0)
        mine = (place >= block) & (place < block + size)
        at_risk = weight.sum(axis=0)
        of_dead = weight[dead[mine], place[mine] - block]
        hazard = np.bincount(place[mine] - block, of_dead, minlength=len(at)) / at_risk
        if (hazard >= 1 - 1e-12).any():
            raise CannotEstimate("All who were followed have left before the horizon.")
        log_survival += float(np.log1p(-hazard).sum())
        spread = at_risk * (1 - hazard)
        influence += weight @ (hazard / spread)
        influence[dead[mine]] -= of_dead / spread[place[mine] - block]
    of_customer = sum_by_cluster(influence[:, None], customer, int(customer.max()) + 1)[:, 0]
    groups = len(np.unique(customer))
    error = float(np.sqrt((of_customer**2).sum() * groups / max(groups - 1, 1)))
    survival = float(np.exp(log_survival))
    lower, upper = log_log_limits(survival, error, confidence_level)
    last = np.flatnonzero((start < times[-1]) & (stop >= times[-1]))
    final = np.exp(np.clip(weights.logarithms(last, times[-1:]), *weights.limits))
    retention = Estimate(
        survival, lower, upper, "share", groups,
        "Kaplan–Meier weighted by the inverse chance of being followed", confidence_level,
    )  # fmt: skip
    effective = float(final.sum() ** 2 / (final**2).sum())
    return WeightedSurvival(retention, fit, effective, len(last), truncated)
