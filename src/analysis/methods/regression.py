"""Least squares from arrays, with the errors that panels and unequal variances need.

Conventions, each equal to R's `lm` with `sandwich`:
HC0, HC1 (× n/(n−k)), HC3 (residuals over 1−h); clusters: HC0 summed within clusters ×
G/(G−1), degrees of freedom G−1; effects that were absorbed are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Covariance = Literal["classical", "HC0", "HC1", "HC3", "cluster"]

# Columns whose part not explained by the others is smaller than this, relatively, are collinear.
COLLINEAR_TOLERANCE = 1e-9
WITHIN_TOLERANCE = 1e-13
WITHIN_MOST_SWEEPS = 2000


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """A fitted regression.

    coefficients: k. covariance: k × k, by the convention named in `method`.
    residuals: n. n, clusters: rows and clusters (0 without). degrees_of_freedom: for t.
    influence: G × k with clustered errors, by how much each cluster moves the coefficients to
    first order; their cross product × G/(G−1) is the covariance. Empty otherwise.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    residuals: Floats
    n: int
    clusters: int
    degrees_of_freedom: float
    method: str
    influence: Floats

    @property
    def standard_errors(self) -> Floats:
        return np.sqrt(np.diag(self.covariance))

    def position(self, name: str) -> int:
        return self.names.index(name)


def fit_least_squares(
    outcome: Floats,
    design: Floats,
    names: tuple[str, ...],
    covariance: Covariance = "HC1",
    clusters: Ints | None = None,
) -> LeastSquares:
    """Ordinary least squares of `outcome` (n) on `design` (n × k).

    clusters: codes 0 … G−1, for covariance="cluster".
    Raises CannotEstimate if a column is constant zero or collinear, or rows are too few.
    """
    n, k = design.shape
    if n <= k:
        raise CannotEstimate(f"There are {n} rows for {k} coefficients.")
    scale = np.sqrt((design**2).sum(axis=0))
    if (scale == 0).any():
        empty = names[int(np.argmin(scale))]
        raise CannotEstimate(f"{empty} does not vary in these data.")
    q, r = np.linalg.qr(design / scale)
    small = np.abs(np.diag(r)) < COLLINEAR_TOLERANCE
    if small.any():
        raise CannotEstimate(f"{names[int(np.argmax(small))]} is determined by the other columns.")
    inverse_r = np.linalg.inv(r)
    coefficients = (inverse_r @ (q.T @ outcome)) / scale
    residuals = outcome - design @ coefficients
    bread = (inverse_r @ inverse_r.T) / np.outer(scale, scale)
    degrees: float = n - k
    groups = 0
    influence = np.empty((0, k))
    if covariance == "classical":
        matrix = bread * (residuals @ residuals) / (n - k)
    elif covariance == "cluster":
        if clusters is None:
            raise ValueError("clusters are needed for clustered errors")
        groups = int(clusters.max()) + 1
        if groups < 2:
            raise CannotEstimate("All rows belong to one cluster.")
        influence = sum_by_cluster(design * residuals[:, None], clusters, groups) @ bread
        matrix = clustered_covariance(influence, influence)
        degrees = groups - 1
    else:
        weights = residuals**2
        if covariance == "HC3":
            leverage = (q**2).sum(axis=1)
            weights = weights / np.maximum(1 - leverage, 1e-12) ** 2
        matrix = bread @ (design.T @ (design * weights[:, None])) @ bread
        if covariance == "HC1":
            matrix = matrix * n / (n - k)
    return LeastSquares(
        names, coefficients, matrix, residuals, n, groups, degrees, covariance, influence
    )


def clustered_covariance(first: Floats, second: Floats) -> Floats:
    """Covariance of two statistics from their influence by cluster (G or G × k): HC0 × G/(G−1)."""
    groups = len(first)
    return first.T @ second * groups / (groups - 1)


def sum_by_cluster(values: Floats, clusters: Ints, groups: int) -> Floats:
    """Sums of the rows of `values` (n × k) within clusters (G × k)."""
    return np.column_stack([np.bincount(clusters, column, minlength=groups) for column in values.T])


def within(values: Floats, first: Ints, second: Ints) -> Floats:
    """Take the means of two groupings out of every column, by turns until nothing changes.

    The residuals equal those of a regression on dummies for both (Frisch–Waugh–Lovell).
    Raises CannotEstimate if the sweeps do not settle.
    """
    result = np.array(values, dtype=float)
    counts = [np.maximum(np.bincount(codes), 1) for codes in (first, second)]
    spread = np.maximum(np.abs(result).max(axis=0), 1e-300)
    for _ in range(WITHIN_MOST_SWEEPS):
        before = result.copy()
        for codes, count in zip((first, second), counts, strict=True):
            means = sum_by_cluster(result, codes, len(count)) / count[:, None]
            result = result - means[codes]
        if (np.abs(result - before).max(axis=0) <= WITHIN_TOLERANCE * spread).all():
            return result
    raise CannotEstimate("Customer and period effects could not be separated.")


def dummies(codes: Ints, labels: tuple[str, ...], name: str) -> tuple[Floats, tuple[str, ...]]:
    """Indicator columns for all but the first level that occurs."""
    present = np.unique(codes)[1:]
    columns = (codes[:, None] == present).astype(float)
    return columns, tuple(f"{name}: {labels[level]}" for level in present)
