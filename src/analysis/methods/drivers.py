"""Key drivers: how the explained variance of an outcome is shared among things that go together.

The share of a driver is what it adds to R², averaged over all orders in which the drivers could
enter (Lindeman, Merenda & Gold 1980; the same as Shapley's value). It is an association: a driver
that merely goes with another one takes part of the other's share, so whether it goes with the
outcome of its own is told by its coefficient beside the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import (
    from_standard_error,
    holm,
    normal_quantile,
    p_value_t,
)
from analysis.methods.regression import Floats, Ints, LeastSquares, fit_least_squares

MOST_DRIVERS = 12
# Below this share or this many customers the interval of a share is not trusted.
SMALLEST_TRUSTED_SHARE = 0.05
FEWEST_FOR_SHARES = 1000
SIGNIFICANCE = 0.05
METHOD = "Shapley (LMG) share of R², influence functions"


@dataclass(frozen=True, slots=True)
class Driver:
    """One driver.

    share: of the explained variance (all add up to 1). share_is_trusted: at least a twentieth, of
    at least a thousand customers; below, `distinguishable` says more than the share.
    contribution: what it adds to R² on average. coefficient: outcome per unit of the driver, the
    others equal. p_value, adjusted_p_value: of the coefficient; Holm's over the drivers.
    distinguishable: the driver goes with the outcome beside the others, chance aside. A driver that
    is not has a share all the same if it goes with others that do.
    """

    name: str
    share: Estimate
    share_is_trusted: bool
    contribution: float
    coefficient: Estimate
    p_value: float
    adjusted_p_value: float
    distinguishable: bool


@dataclass(frozen=True, slots=True)
class DriverStudy:
    """Drivers by share, largest first.

    explained: R² of all drivers, of the variance that controls leave. p_value: of all
    coefficients together. rows, customers: used. rows_left_out: with a gap in any column.
    """

    drivers: tuple[Driver, ...]
    explained: Estimate
    p_value: float
    outcome: str
    rows: int
    customers: int
    rows_left_out: int

    def named(self, name: str) -> Driver:
        return next(driver for driver in self.drivers if driver.name == name)


@dataclass(frozen=True, slots=True)
class _Shapley:
    """R² by driver as a linear form of second moments, and its gradient.

    contributions: p, in parts of the outcome's variance. on_products: p × p × p, what a product of
    two drivers moves each contribution by; on_outcome: p × p, likewise driver times outcome.
    """

    contributions: Floats
    on_products: Floats
    on_outcome: Floats


def shapley_contributions(moments: Floats) -> Floats:
    """Each driver's part of R² (p) from the covariance of drivers and outcome (p + 1, outcome last).

    Exact: the average gain over all orders, by all subsets.
    """
    return _shapley(np.asarray(moments, dtype=float)).contributions


def _shapley(moments: Floats) -> _Shapley:
    p = len(moments) - 1
    among, with_outcome, variance = moments[:p, :p], moments[:p, p], moments[p, p]
    contributions = np.zeros(p)
    on_products, on_outcome = np.zeros((p, p, p)), np.zeros((p, p))
    for size in range(1, p + 1):
        subsets = np.array(list(combinations(range(p), size)))
        blocks = among[subsets[:, :, None], subsets[:, None, :]]
        slopes = np.linalg.solve(blocks, with_outcome[subsets][:, :, None])[:, :, 0]
        padded = np.zeros((len(subsets), p))
        np.put_along_axis(padded, subsets, slopes, axis=1)
        # A set of this size gains for its members and is what others would add to.
        inside = np.zeros((len(subsets), p), dtype=bool)
        np.put_along_axis(inside, subsets, True, axis=1)
        gains = 1 / (p * comb(p - 1, size - 1))
        loses = 1 / (p * comb(p - 1, size)) if size < p else 0.0
        weights = np.where(inside, gains, -loses)
        contributions += weights.T @ (padded @ with_outcome)
        on_outcome += 2 * weights.T @ padded
        squares = (padded[:, :, None] * padded[:, None, :]).reshape(len(subsets), p * p)
        on_products -= (weights.T @ squares).reshape(p, p, p)
    return _Shapley(contributions / variance, on_products / variance, on_outcome / variance)


def _influence(drivers: Floats, outcome: Floats, shapley: _Shapley) -> Floats:
    """By how much each row moves n times the contributions, to first order (n × p).

    The contributions are ratios of second moments: a row's products less what they are on average,
    less the contribution times what the row adds to the outcome's variance.
    """
    n, p = drivers.shape
    raw = (drivers @ shapley.on_outcome.T) * outcome[:, None]
    for j in range(p):
        raw[:, j] += ((drivers @ shapley.on_products[j]) * drivers).sum(axis=1)
    relative = outcome**2 / (outcome @ outcome / n)
    # On average `raw` is the contribution itself (Euler: the form is homogeneous of degree one).
    return np.asarray(raw - relative[:, None] * shapley.contributions)


def _by_customer(influence: Floats, codes: Ints, groups: int) -> Floats:
    return np.column_stack([np.bincount(codes, column, minlength=groups) for column in influence.T])


def residuals_on(columns: Floats, controls: Floats | None) -> Floats:
    """What controls (n × c, or none) and a constant leave of each column (n × k)."""
    n = len(columns)
    if controls is None or controls.shape[1] == 0:
        return np.asarray(columns - columns.mean(axis=0))
    design = np.column_stack([np.ones(n), controls])
    q, r = np.linalg.qr(design / np.maximum(np.abs(design).max(axis=0), 1e-300))
    kept = q[:, np.abs(np.diag(r)) > 1e-9 * np.sqrt(n)]  # collinear controls control once
    return np.asarray(columns - kept @ (kept.T @ columns))


def _checked(
    outcome: Floats, predictors: Floats, names: tuple[str, ...], outcome_name: str
) -> None:
    n, p = predictors.shape
    if p == 0:
        raise CannotEstimate("There is no driver to look at.")
    if p > MOST_DRIVERS:
        raise CannotEstimate(
            f"There are {p} drivers; shares are computed for {MOST_DRIVERS} at most."
        )
    if n < p + 3:
        raise CannotEstimate(f"Too few complete answers ({n}) for the number of drivers ({p}).")
    constant = np.ptp(predictors, axis=0) == 0
    if constant.any():
        raise CannotEstimate(f"{names[int(np.argmax(constant))]} is the same for everybody.")
    if np.ptp(outcome) == 0:
        raise CannotEstimate(f"{outcome_name} is the same for everybody.")


def key_drivers(
    outcome: Floats,
    predictors: Floats,
    names: tuple[str, ...],
    customers: Ints | None = None,
    controls: Floats | None = None,
    outcome_name: str = "The outcome",
    unit: str = "points",
    confidence_level: float = 0.95,
) -> DriverStudy:
    """Shares of R² of each driver with intervals, and whether it goes with the outcome at all.

    outcome: n (a score, 0/1 for having left, money). predictors: n × p, at most twelve.
    customers: codes of whom rows belong to, if several rows can be one customer's; errors are
    clustered by them. controls: n × c, taken out of outcome and drivers first; shares are then of
    the variance that is left. unit: of the outcome. Rows with a gap are left out and counted.
    Raises CannotEstimate for constant or collinear columns, too few rows, and where all drivers
    together explain no more than chance would.
    """
    predictors = np.asarray(predictors, dtype=float)
    outcome = np.asarray(outcome, dtype=float)
    whole = np.isfinite(outcome) & np.isfinite(predictors).all(axis=1)
    if controls is not None:
        whole &= np.isfinite(controls).all(axis=1)
        controls = np.asarray(controls, dtype=float)[whole]
    who = np.arange(len(outcome)) if customers is None else np.asarray(customers)
    outcome, predictors = outcome[whole], predictors[whole]
    _checked(outcome, predictors, names, outcome_name)
    codes = np.unique(who[whole], return_inverse=True)[1]
    groups = int(codes.max()) + 1
    left = residuals_on(np.column_stack([predictors, outcome]), controls)
    _check_left(left, predictors, outcome, names, outcome_name)
    x, y = left[:, :-1] / left[:, :-1].std(axis=0), left[:, -1]
    fit = fit_least_squares(y, x, names, "cluster", codes)
    together = _together(fit)
    if together > SIGNIFICANCE:
        raise CannotEstimate(
            f"Taken together, the drivers go with {outcome_name[:1].lower()}{outcome_name[1:]} no more "
            "than chance would have it, so there is nothing to share out."
        )
    shapley = _shapley(np.column_stack([x, y]).T @ np.column_stack([x, y]) / len(y))
    moved = _by_customer(_influence(x, y, shapley), codes, groups) / len(y)
    moved *= np.sqrt(groups / (groups - 1))
    p_values = [
        p_value_t(float(b / se), groups - 1)
        for b, se in zip(fit.coefficients, fit.standard_errors, strict=True)
    ]
    adjusted = holm(p_values)
    r_squared = float(shapley.contributions.sum())
    errors = np.sqrt((_share_influence(moved, shapley.contributions) ** 2).sum(axis=0))
    scale = left[:, :-1].std(axis=0)
    found = []
    for j, name in enumerate(names):
        share = float(shapley.contributions[j]) / r_squared
        coefficient = from_standard_error(
            float(fit.coefficients[j] / scale[j]), float(fit.standard_errors[j] / scale[j]),
            f"{unit} per unit", groups, "least squares, clustered by customer", groups - 1,
            confidence_level,
        )  # fmt: skip
        found.append(
            Driver(
                name,
                _bounded(share, float(errors[j]), groups, METHOD, confidence_level),
                share >= SMALLEST_TRUSTED_SHARE and groups >= FEWEST_FOR_SHARES,
                float(shapley.contributions[j]),
                coefficient,
                p_values[j],
                float(adjusted[j]),
                bool(adjusted[j] <= SIGNIFICANCE),
            )
        )
    explained = _bounded(
        r_squared, float(np.sqrt((moved.sum(axis=1) ** 2).sum())), groups,
        "R², influence functions", confidence_level,
    )  # fmt: skip
    return DriverStudy(
        tuple(sorted(found, key=lambda driver: (-driver.share.value, driver.name))),
        explained,
        together,
        outcome_name,
        len(y),
        groups,
        int((~whole).sum()),
    )


def _check_left(
    left: Floats, predictors: Floats, outcome: Floats, names: tuple[str, ...], outcome_name: str
) -> None:
    """Nothing may be left to explain, or to explain with, once controls are taken out."""
    before = np.column_stack([predictors, outcome]).std(axis=0)
    gone = left.std(axis=0) < 1e-7 * before
    if gone.any():
        name = (*names, outcome_name)[int(np.argmax(gone))]
        raise CannotEstimate(f"{name} is determined by the columns that are held equal.")


def _together(fit: LeastSquares) -> float:
    """P-value of all coefficients at once (Wald, clustered; Hotelling's F for few customers)."""
    from scipy.special import fdtrc

    if fit.clusters <= len(fit.names):
        raise CannotEstimate(
            f"{fit.clusters} customers are too few for {len(fit.names)} drivers at once."
        )
    statistic = float(fit.coefficients @ np.linalg.solve(fit.covariance, fit.coefficients))
    together, others = len(fit.names), fit.clusters - len(fit.names)
    f = statistic * others / (together * (fit.clusters - 1))
    return float(fdtrc(together, others, f))


def _share_influence(moved: Floats, contributions: Floats) -> Floats:
    total = contributions.sum()
    share = contributions / total
    return np.asarray((moved - moved.sum(axis=1, keepdims=True) * share) / total)


def _bounded(share: float, error: float, n: int, method: str, confidence_level: float) -> Estimate:
    """Interval of a share on the scale of its arcsine root, where its spread hardly depends on it."""
    share = min(max(share, 0.0), 1.0)
    if share in (0.0, 1.0):
        return Estimate(share, None, None, "share", n, method, confidence_level)
    centre = np.arcsin(np.sqrt(share))
    half = normal_quantile(confidence_level) * error / (2 * np.sqrt(share * (1 - share)))
    lower = np.sin(max(centre - half, 0.0)) ** 2
    upper = np.sin(min(centre + half, np.pi / 2)) ** 2
    return Estimate(share, float(lower), float(upper), "share", n, method, confidence_level)
