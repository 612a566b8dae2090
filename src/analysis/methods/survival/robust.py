"""Errors of Cox's model clustered by customer: a customer who came back is not two customers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.survival.cox import Booleans, CoxFit, Floats, Ints


def score_residuals(
    fit: CoxFit,
    start: Floats,
    stop: Floats,
    ended: Booleans,
    covariates: Floats,
    strata: Ints | None = None,
) -> Floats:
    """Each row's part of the score (n × k), equal to R's `residuals(coxph, "score")`.

    Arguments as `fit_cox`. With Efron's ties a tied death is at risk for a part of the others.
    """
    groups = np.zeros(len(stop), dtype=np.int64) if strata is None else strata
    centre = covariates.mean(axis=0)
    x = covariates - centre
    linear = x @ fit.coefficients
    risk = np.exp(linear - linear.max())
    residuals = np.zeros_like(x)
    for level in np.unique(groups):
        rows = np.flatnonzero(groups == level)
        if ended[rows].any():
            residuals[rows] = _of_stratum(
                start[rows], stop[rows], ended[rows], x[rows], risk[rows], fit.ties == "efron"
            )
    return residuals


def _at_risk(order: Ints, values: Floats, at: Floats, times: Floats) -> Floats:
    """Sums of values (n × k) over rows whose `at`, in the order given, is not before each time."""
    total = np.zeros((len(order) + 1, values.shape[1]))
    total[:-1] = np.cumsum(values[order][::-1], axis=0)[::-1]
    return total[np.searchsorted(at[order], times, side="left")]


def _of_stratum(
    start: Floats, stop: Floats, ended: Booleans, x: Floats, risk: Floats, efron: bool
) -> Floats:
    times, place, counts = np.unique(stop[ended], return_inverse=True, return_counts=True)
    weighed = np.column_stack([risk, risk[:, None] * x])
    by_stop, by_start = np.argsort(stop, kind="stable"), np.argsort(start, kind="stable")
    sums = _at_risk(by_stop, weighed, stop, times) - _at_risk(by_start, weighed, start, times)
    dying = np.zeros_like(sums)
    np.add.at(dying, place, weighed[ended])
    event = np.repeat(np.arange(len(times)), counts)
    rank = np.arange(len(event)) - np.repeat(np.cumsum(counts) - counts, counts)
    fraction = (rank / counts[event] if efron else np.zeros(len(event)))[:, None]
    each = sums[event] - fraction * dying[event]
    hazard, mean = 1 / each[:, :1], each[:, 1:] / each[:, :1]

    def per_time(values: Floats) -> Floats:
        total = np.zeros((len(times), values.shape[1]))
        np.add.at(total, event, values)
        return total

    cumulative = np.vstack(
        [np.zeros(1 + x.shape[1]), np.cumsum(per_time(np.hstack([hazard, hazard * mean])), axis=0)]
    )
    exposed = (
        cumulative[np.searchsorted(times, stop, side="right")]
        - cumulative[np.searchsorted(times, start, side="right")]
    )
    residuals = -risk[:, None] * (x * exposed[:, :1] - exposed[:, 1:])
    spared = per_time(np.hstack([fraction * hazard, fraction * hazard * mean]))[place]
    own = x[ended]
    residuals[ended] += own - (per_time(mean) / counts[:, None])[place]
    residuals[ended] += risk[ended][:, None] * (own * spared[:, :1] - spared[:, 1:])
    return residuals


def clustered(fit: CoxFit, residuals: Floats, customer: Ints) -> CoxFit:
    """The fit with errors clustered by customer (Lin & Wei 1989), as R's `coxph(cluster=)`.

    residuals: of `score_residuals`. customer: codes from zero, one per row.
    Raises CannotEstimate with fewer clusters than covariates.
    """
    groups = int(customer.max()) + 1
    if groups <= len(fit.names):
        raise CannotEstimate("Too few customers for errors clustered by customer.")
    sums = np.column_stack([np.bincount(customer, column, groups) for column in residuals.T])
    influence = sums @ fit.covariance
    return replace(fit, covariance=influence.T @ influence, clustered=True)
