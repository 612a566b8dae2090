"""Maximum likelihood by Newton's method for concave likelihoods of one linear predictor.

What `poisson` and `logistic` share: walking over the rows in blocks so that a million of them need
little memory, columns that cannot be told apart, coefficients that have no finite value
(separation), and errors clustered by the convention of `regression` (HC0 × G/(G−1)).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.regression import COLLINEAR_TOLERANCE, Floats, Ints, clustered_covariance

# A block of rows and its products fit into the processor's cache.
ROWS_AT_ONCE = 1 << 11
MOST_STEPS = 60
MOST_HALVINGS = 40
# The last step is below this before it is taken, and Newton's error is the square of the step.
STEP_TOLERANCE = 1e-8
# Squared part of a column that the others leave, relatively: below the first a look at the columns
# themselves decides; below the second the information has run out, and the columns separate.
DOUBTFUL_PIVOT = 1e-7
EMPTY_PIVOT = 1e-13

Derivatives = tuple[float, Floats, Floats]


@dataclass(frozen=True, slots=True)
class LikelihoodFit:
    """A regression fitted by likelihood, with errors that hold where only its mean is right.

    coefficients: k, of the linear predictor. covariance: k × k, HC0 × G/(G−1) over clusters (over
    rows where none are given). influence: by cluster code (codes × k), by how much each cluster
    moves the coefficients to first order. bread: k × k, inverse of the information. n: rows used.
    units: clusters used, G. degrees_of_freedom: G − 1, for t.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    influence: Floats = field(repr=False)
    bread: Floats = field(repr=False)
    n: int
    units: int
    degrees_of_freedom: float
    method: str

    @property
    def standard_errors(self) -> Floats:
        return np.sqrt(np.diag(self.covariance))

    def position(self, name: str) -> int:
        return self.names.index(name)


def blocks(n: int) -> Iterator[slice]:
    """Slices that cover n rows."""
    for start in range(0, n, ROWS_AT_ONCE):
        yield slice(start, min(start + ROWS_AT_ONCE, n))


def require_known(names: tuple[str, ...], outcome: Floats, design: Floats) -> None:
    """Raises CannotEstimate where a value is missing: rows never vanish without being counted."""
    for name, column in (("the outcome", outcome), *zip(names, design.T, strict=True)):
        missing = 0 if np.isfinite(column.sum()) else int((~np.isfinite(column)).sum())
        if missing:
            rows = "1 row" if missing == 1 else f"{missing} rows"
            raise CannotEstimate(f"A value of {name} is missing in {rows}.")


def require_distinct(design: Floats, names: tuple[str, ...]) -> None:
    """Raises CannotEstimate where a column is zero throughout or follows from those before it."""
    n, k = design.shape
    if n <= k:
        raise CannotEstimate(f"There are {n} rows for {k} coefficients.")
    scale = np.sqrt((design**2).sum(axis=0))
    if (scale == 0).any():
        raise CannotEstimate(f"{names[int(np.argmin(scale))]} does not vary in these data.")
    gram = design.T @ design / np.outer(scale, scale)
    if smallest_pivot(gram)[0] > DOUBTFUL_PIVOT:
        return
    small = np.abs(np.diag(np.linalg.qr(design / scale, mode="r"))) < COLLINEAR_TOLERANCE
    if small.any():
        raise CannotEstimate(f"{names[int(np.argmax(small))]} is determined by the other columns.")


def smallest_pivot(gram: Floats) -> tuple[float, int]:
    """Least share of a column's squares that the columns before it leave, and which column.

    gram: cross products with a diagonal of ones.
    """
    left = np.array(gram)
    k = len(left)
    least, where = 1.0, 0
    for column in range(k):
        pivot = float(left[column, column])
        if pivot < least:
            least, where = pivot, column
        if pivot <= 0:
            return 0.0, column
        rest = slice(column + 1, k)
        left[rest, rest] -= np.outer(left[rest, column], left[column, rest]) / pivot
    return least, where


class Separation(CannotEstimate):
    """Raised where a column settles the outcome, so that its coefficient grows without end.

    column: its name.
    """

    def __init__(self, column: str) -> None:
        self.column = column
        super().__init__(
            f"{column} alone settles the outcome in some rows, so no finite coefficient describes it."
        )


def settled(amount: Floats, design: Floats, names: tuple[str, ...]) -> None:
    """Raises Separation where a column is positive only in rows whose outcome is zero."""
    alone = (amount @ design == 0) & (design.min(axis=0) >= 0)
    if alone.any():
        raise Separation(names[int(np.argmax(alone))])


def runaway(at: Floats, names: tuple[str, ...]) -> str:
    """The column whose coefficient ran away; where the constant runs against it, not the constant."""
    far = np.flatnonzero(np.abs(at) >= np.abs(at).max() / 2)
    return names[int(far[-1])]


def climb(
    derivatives: Callable[[Floats], Derivatives], start: Floats, names: tuple[str, ...]
) -> tuple[Floats, Floats]:
    """The coefficients where a concave log-likelihood is highest, and the inverse information.

    derivatives: coefficients to (log-likelihood, gradient, information); columns should be of
    like size. Raises CannotEstimate where there is no finite highest point.
    """
    at = np.array(start, dtype=float)
    value, gradient, information = derivatives(at)
    for _ in range(MOST_STEPS):
        inverse = _inverse(information, at, names)
        step = inverse @ gradient
        if np.abs(step).max() <= STEP_TOLERANCE * max(1.0, float(np.abs(at).max())):
            at = at + step
            _, _, information = derivatives(at)
            return at, _inverse(information, at, names)
        for _ in range(MOST_HALVINGS):
            tried = derivatives(at + step)
            if np.isfinite(tried[0]) and tried[0] >= value - 1e-12 * abs(value):
                break
            step = step / 2
        at = at + step
        value, gradient, information = tried
    raise Separation(runaway(at, names))


def _inverse(information: Floats, at: Floats, names: tuple[str, ...]) -> Floats:
    size = np.sqrt(np.diag(information))
    if not np.isfinite(information).all() or (size <= 0).any():
        raise Separation(runaway(at, names))
    scaled = information / np.outer(size, size)
    if smallest_pivot(scaled)[0] < EMPTY_PIVOT:
        raise Separation(runaway(at, names))
    return np.asarray(np.linalg.inv(scaled) / np.outer(size, size))


def column_sizes(design: Floats) -> Floats:
    """Largest absolute value of each column, 1 where it is zero."""
    size = np.abs(design).max(axis=0)
    return np.where(size > 0, size, 1.0)


def clustered_influence(
    design: Floats, residuals: Floats, inverse: Floats, cluster: Ints | None
) -> Floats:
    """Sums of the scores within clusters times the inverse information: codes × k."""
    if cluster is None:
        return (design * residuals[:, None]) @ inverse
    codes = int(cluster.max()) + 1
    sums = [np.bincount(cluster, column * residuals, minlength=codes) for column in design.T]
    return np.column_stack(sums) @ inverse


def covariance_of(influence: Floats, units: int) -> Floats:
    """HC0 × G/(G−1), where codes without rows have influence zero and are not among the G."""
    if units < 2:
        raise CannotEstimate("All rows belong to one customer.")
    codes = len(influence)
    # clustered_covariance counts all codes; take its correction back and put that of the G in.
    return clustered_covariance(influence, influence) * ((codes - 1) / codes * units / (units - 1))


def count_clusters(cluster: Ints | None, n: int) -> int:
    """Clusters that have rows; every row its own where none are given."""
    return n if cluster is None else int((np.bincount(cluster) > 0).sum())
