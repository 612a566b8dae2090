"""A linear model in which every employee has a level of their own, by (restricted) likelihood.

y = X b + u[employee] + e, with u and e normal and independent (Laird & Ware 1982). All that the
likelihood needs of the rows are sums by employee, so that a fit costs no more than some hundred
evaluations on as many rows as there are employees.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate
from analysis.methods.regression import COLLINEAR_TOLERANCE, Floats, Ints, sum_by_cluster

LARGEST_RATIO = 1e6
GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True, slots=True)
class RandomIntercept:
    """A fitted model.

    coefficients: k. covariance: k × k. between_sd: of employees' levels about the line;
    within_sd: of rows about their employee's level. log_likelihood: restricted or not, by
    `method`. degrees_of_freedom: for columns that are constant within employees.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    between_sd: float
    within_sd: float
    log_likelihood: float
    n: int
    clusters: int
    degrees_of_freedom: int
    method: str

    @property
    def standard_errors(self) -> Floats:
        return np.sqrt(np.diag(self.covariance))

    def position(self, name: str) -> int:
        return self.names.index(name)


class _Sums(NamedTuple):
    """Rows added up: counts G, sums of the design G × k and of the outcome G, cross products."""

    n: int
    counts: Floats
    design: Floats
    outcome: Floats
    xx: Floats
    xy: Floats
    yy: float


class _Solved(NamedTuple):
    criterion: float
    coefficients: Floats
    xvx: Floats
    residual: float


def fit_random_intercept(
    outcome: Floats,
    design: Floats,
    names: tuple[str, ...],
    clusters: Ints,
    method: Literal["REML", "ML"] = "REML",
) -> RandomIntercept:
    """Fit `outcome` (n) on `design` (n × k) with a level for each of the clusters 0 … G−1.

    The ratio of the two variances is found on a profile of the likelihood, the rest in closed
    form. Raises CannotEstimate if columns are collinear or rows and employees too few, or if nothing
    is left to explain.
    """
    n, k = design.shape
    groups = int(clusters.max()) + 1 if n else 0
    between = _constant_within(design, clusters, groups)
    if n <= k or groups <= int(between.sum()) + 1:
        raise CannotEstimate("There are too few employees or rows for this comparison.")
    # Scaled columns and a start at least squares keep the sums well conditioned; undone below.
    scale = np.sqrt((design**2).mean(axis=0))
    if (scale == 0).any():
        raise CannotEstimate(f"{names[int(np.argmin(scale))]} does not vary in these data.")
    scaled = design / scale
    small = np.abs(np.diag(np.linalg.qr(scaled, mode="r"))) < COLLINEAR_TOLERANCE * math.sqrt(n)
    if small.any():
        raise CannotEstimate(f"{names[int(np.argmax(small))]} is determined by the other columns.")
    start = np.linalg.lstsq(scaled, outcome, rcond=None)[0]
    rest = outcome - scaled @ start
    if rest @ rest <= 1e-16 * max(float(outcome @ outcome), 1e-300):
        raise CannotEstimate("The outcome does not vary beyond what the other columns say.")
    sums = _Sums(
        n,
        np.bincount(clusters, minlength=groups).astype(float),
        sum_by_cluster(scaled, clusters, groups),
        np.bincount(clusters, rest, minlength=groups).astype(float),
        scaled.T @ scaled,
        scaled.T @ rest,
        float(rest @ rest),
    )
    restricted = method == "REML"
    ratio = _best_ratio(lambda value: _profile(sums, value, restricted).criterion)
    solved = _profile(sums, ratio, restricted)
    degrees = n - k if restricted else n
    within = solved.residual / degrees
    covariance = within * np.linalg.inv(solved.xvx) / np.outer(scale, scale)
    log_likelihood = solved.criterion
    if restricted:
        # As R's nlme has it: on the scale of the design as it was given.
        log_likelihood -= float(np.log(scale).sum())
    return RandomIntercept(
        names, (start + solved.coefficients) / scale, covariance, math.sqrt(ratio * within),
        math.sqrt(within), log_likelihood, n, groups, groups - int(between.sum()), method,
    )  # fmt: skip


def _constant_within(design: Floats, clusters: Ints, groups: int) -> NDArray[np.bool_]:
    """Columns with one value for each cluster."""
    if not len(design):
        return np.zeros(design.shape[1], dtype=bool)
    means = sum_by_cluster(design, clusters, groups)
    means /= np.maximum(np.bincount(clusters, minlength=groups), 1)[:, None]
    largest = np.abs(design).max(axis=0)
    return np.abs(design - means[clusters]).max(axis=0) <= 1e-9 * np.maximum(largest, 1e-300)


def _profile(sums: _Sums, ratio: float, restricted: bool) -> _Solved:
    """Log-likelihood at its best for a ratio of variances, employees' over the rows'."""
    inflated = 1 + ratio * sums.counts
    weights = ratio / inflated
    xvx = sums.xx - sums.design.T @ (sums.design * weights[:, None])
    xvy = sums.xy - sums.design.T @ (weights * sums.outcome)
    coefficients = np.linalg.solve(xvx, xvy)
    yvy = sums.yy - float((weights * sums.outcome**2).sum())
    residual = max(yvy - float(coefficients @ xvy), 1e-300)
    degrees = sums.n - (len(xvy) if restricted else 0)
    criterion = degrees * (math.log(2 * math.pi * residual / degrees) + 1)
    criterion += float(np.log(inflated).sum())
    if restricted:
        criterion += float(np.linalg.slogdet(xvx)[1])
    return _Solved(-criterion / 2, np.asarray(coefficients, dtype=float), xvx, residual)


def _best_ratio(criterion: Callable[[float], float]) -> float:
    """The ratio of variances with the largest criterion: a coarse search, then golden section.

    Searched over the root of the ratio: near zero the criterion is flat in it and not in its
    logarithm.
    """
    roots = np.concatenate([[0.0], np.geomspace(1e-3, math.sqrt(LARGEST_RATIO), 40)])
    values = [criterion(root * root) for root in roots]
    best = int(np.argmax(values))
    low, high = roots[max(best - 1, 0)], roots[min(best + 1, len(roots) - 1)]
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = criterion(left * left), criterion(right * right)
    for _ in range(60):
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = criterion(left * left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = criterion(right * right)
        if high - low <= 1e-9 * max(high, 1e-3):
            break
    middle = (low + high) / 2
    return float(middle * middle) if criterion(middle * middle) > values[0] else 0.0
