"""What a regression rests on: its form, its columns, its few most influential customers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.regression import (
    Floats,
    Ints,
    LeastSquares,
    clustered_covariance,
    fit_least_squares,
    sum_by_cluster,
    within,
)

POWERS = (2, 3)
# Belsley, Kuh & Welsch (1980): above this, single coefficients begin to depend on small changes.
HIGH_CONDITION = 30.0
# A column belongs to a near-dependence that makes up more than this share of its variance.
LARGE_SHARE = 0.5
# Cross products square the condition number; where it is higher than 1e3 the columns are asked.
SAFE_SQUARE = 1e-6
REST_THAT_IS_ROUNDING = 1e-8


@dataclass(frozen=True, slots=True)
class FormTest:
    """Ramsey's RESET: do powers of the fitted values add anything?

    statistic: F with (numerator, denominator) degrees of freedom. method: convention of the errors.
    """

    statistic: float
    numerator: int
    denominator: float
    p_value: float
    method: str


@dataclass(frozen=True, slots=True)
class Conditioning:
    """Condition number of a design with columns of length one (Belsley).

    entangled: columns that share its weakest direction, where the number is high.
    """

    number: float
    entangled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Influence:
    """How much of a slope hangs on few customers.

    customer: code of the most influential one. largest_share: by how much leaving it out moves the
    slope, to first order, as a share of the slope. order: customers' codes, most influential first.
    fewest_to_turn: the least number of customers whose leaving out would turn the sign, to first
    order; None where even leaving out all who speak for it does not. share_to_turn: of customers.
    """

    customer: int
    largest_share: float
    fewest_to_turn: int | None
    share_to_turn: float | None
    order: Ints = field(repr=False)


@dataclass(frozen=True, slots=True)
class Winsorised:
    """Values cut at quantiles. moved: how many were. lower, upper: the limits."""

    values: Floats
    lower: float
    upper: float
    moved: int


def reset(
    fit: LeastSquares,
    outcome: Floats,
    design: Floats,
    cluster: Ints | None = None,
    absorb: tuple[Ints, Ints] | None = None,
    powers: tuple[int, ...] = POWERS,
) -> FormTest:
    """RESET by powers of the fitted values (Ramsey 1969), for a fit of `outcome` on `design`.

    Without clusters the classical F, equal to R's `lmtest::resettest(type = "fitted")`; with them a
    Wald test over the number of powers with the clustered covariance, F with G − 1 degrees.
    absorb: codes of customers and periods, for an outcome and a design from which their effects
    were taken out; the powers are then taken out of likewise.
    Raises CannotEstimate where the fitted values take too few levels.
    """
    fitted = outcome - fit.residuals
    if absorb is None and _has_constant(design):
        fitted = fitted - fitted.mean()
    size = float(np.abs(fitted).max(initial=0.0))
    if size <= REST_THAT_IS_ROUNDING * float(np.abs(outcome).max(initial=0.0)):
        raise CannotEstimate("The regression foretells the same for every row.")
    extra = np.column_stack([(fitted / size) ** power for power in powers])
    if absorb is not None:
        extra = within(extra, *absorb)
    # What the design leaves of the powers, at length one and orthogonal: their coefficients then
    # need no further regression (Frisch–Waugh–Lovell), and the test does not depend on the basis.
    columns_size = np.sqrt((design**2).sum(axis=0))
    bread = np.linalg.inv(design.T @ design / np.outer(columns_size, columns_size))
    bread = bread / np.outer(columns_size, columns_size)
    new = np.empty((len(outcome), 0))
    for column in extra.T:
        left = column
        for _ in range(2):  # the second time takes out what rounding left
            left = left - design @ (bread @ (left @ design))
            left = left - new @ (left @ new)
        length = float(np.sqrt(left @ left))
        if length <= REST_THAT_IS_ROUNDING * float(np.sqrt(column @ column)):
            raise CannotEstimate("The fitted values take too few levels to look for a bend.")
        new = np.column_stack([new, left / length])
    added = fit.residuals @ new
    residuals = fit.residuals - new @ added
    degrees: float = len(outcome) - design.shape[1] - len(powers)
    if degrees < 1 or residuals @ residuals <= REST_THAT_IS_ROUNDING**2 * (outcome @ outcome):
        raise CannotEstimate("The regression fits perfectly, so there is nothing to look for.")
    if cluster is None:
        statistic = float(added @ added / len(powers) / (residuals @ residuals / degrees))
    else:
        groups = int(cluster.max()) + 1
        if groups <= len(powers):
            raise CannotEstimate("There are too few customers to look for a bend.")
        scores = sum_by_cluster(new * residuals[:, None], cluster, groups)
        covariance = clustered_covariance(scores, scores)
        statistic = float(added @ np.linalg.solve(covariance, added)) / len(powers)
        degrees = groups - 1
    return FormTest(
        statistic=statistic,
        numerator=len(powers),
        denominator=degrees,
        p_value=_p_value_f(statistic, len(powers), degrees),
        method="RESET" if cluster is None else "RESET, clustered by customer",
    )


def _has_constant(design: Floats) -> bool:
    return bool((np.ptp(design, axis=0) == 0).any())


def _p_value_f(statistic: float, numerator: int, denominator: float) -> float:
    from scipy.special import fdtrc

    return float(fdtrc(numerator, denominator, statistic))


def conditioning(design: Floats, names: tuple[str, ...]) -> Conditioning:
    """Condition number and, where it is high, the columns behind it.

    Raises CannotEstimate where a column is zero throughout.
    """
    size = np.sqrt((design**2).sum(axis=0))
    if (size == 0).any():
        raise CannotEstimate(f"{names[int(np.argmin(size))]} does not vary in these data.")
    gram = design.T @ design / np.outer(size, size)
    squares, vectors = np.linalg.eigh(gram)
    if squares[0] > SAFE_SQUARE * squares[-1]:
        singular, directions = np.sqrt(squares[::-1]), vectors.T[::-1]
    else:
        _, singular, directions = np.linalg.svd(np.linalg.qr(design / size, mode="r"))
    if singular[-1] <= np.finfo(float).eps * singular[0]:
        raise CannotEstimate("Some columns are determined by the others.")
    number = float(singular[0] / singular[-1])
    if number <= HIGH_CONDITION:
        return Conditioning(number, ())
    variance = (directions / singular[:, None]) ** 2
    share = variance[-1] / variance.sum(axis=0)
    return Conditioning(
        number, tuple(name for name, one in zip(names, share, strict=True) if one > LARGE_SHARE)
    )


def influence_of_customers(fit: LeastSquares, name: str) -> Influence:
    """How much of the slope of `name` hangs on single customers; needs clustered errors.

    Leaving a customer out moves the slope by minus its influence, to first order; the fewest to turn
    the sign are those who speak for it most (Broderick, Giordano & Meager 2020).
    Raises CannotEstimate where the slope is zero.
    """
    slope = float(fit.coefficients[fit.position(name)])
    moves = fit.influence[:, fit.position(name)]
    if slope == 0 or not len(moves):
        raise CannotEstimate("The slope is zero, so nobody's share of it can be given.")
    order = np.lexsort((np.arange(len(moves)), -np.abs(moves)))
    for_it = np.sort(np.maximum(moves * np.sign(slope), 0))[::-1]
    gone = np.cumsum(for_it)
    enough = gone >= abs(slope)
    fewest = int(np.argmax(enough)) + 1 if enough.any() else None
    return Influence(
        customer=int(order[0]),
        largest_share=float(abs(moves[order[0]] / slope)),
        fewest_to_turn=fewest,
        share_to_turn=None if fewest is None else fewest / len(moves),
        order=order,
    )


def fit_without(
    outcome: Floats, design: Floats, names: tuple[str, ...], cluster: Ints, left_out: Ints
) -> LeastSquares:
    """The regression fitted anew without some customers (their codes), clustered."""
    kept = ~np.isin(cluster, left_out)
    if not kept.any():
        raise CannotEstimate("Nobody is left.")
    _, codes = np.unique(cluster[kept], return_inverse=True)
    return fit_least_squares(outcome[kept], design[kept], names, "cluster", codes)


def winsorise(values: Floats, upper_share: float = 0.99, lower_share: float = 0.0) -> Winsorised:
    """Cut what is above one quantile (and below another) to it, so that few do not decide.

    Quantiles are values that occur. Raises CannotEstimate where there is no value.
    """
    if not len(values):
        raise CannotEstimate("There are no rows.")
    lower = float(np.quantile(values, lower_share, method="lower"))
    upper = float(np.quantile(values, upper_share, method="higher"))
    cut = np.clip(values, lower, upper)
    return Winsorised(cut, lower, upper, int((cut != values).sum()))
