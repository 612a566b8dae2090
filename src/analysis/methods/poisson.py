"""Relative differences in spend: Poisson pseudo-likelihood, plain and within customers.

The outcome need not be a count: with mean exp(x'b) the estimator is consistent whatever the
distribution (Gourieroux, Monfort & Trognon 1984; Santos Silva & Tenreyro 2006), zeros belong to it,
and the errors, clustered, do not assume Poisson's variance. Within customers the effects are
concentrated out (Hausman, Hall & Griliches 1984; Wooldridge 1999): a customer who never spent says
nothing about b and is dropped, with a count.

Equal to R's `glm(family = poisson)` with a dummy for every customer and
`sandwich::vcovCL(type = "HC0", cadjust = TRUE)`, on the rows that are left.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.likelihood import (
    ROWS_AT_ONCE,
    Derivatives,
    LikelihoodFit,
    blocks,
    climb,
    clustered_influence,
    column_sizes,
    count_clusters,
    covariance_of,
    require_distinct,
    require_known,
    settled,
)
from analysis.methods.regression import Floats, Ints

POOLED = "Poisson pseudo-likelihood, clustered by customer"
WITHIN = "Poisson pseudo-likelihood within customers, clustered by customer"
# What is left of a column within customers, relative to its size, that is rounding.
UNCHANGING = 1e-10


@dataclass(frozen=True, slots=True)
class PoissonFit(LikelihoodFit):
    """A fitted Poisson pseudo-likelihood.

    dropped_units, dropped_rows: customers without any spend, and their rows (within customers).
    contributing_units: customers who can be compared with themselves (plain: all).
    set_to_zero: rows with an outcome below zero (refunds above purchases), counted as zero, since a
    mean of the form exp(x'b) cannot be negative. share_set_to_zero: their sum over that of the rest.
    """

    dropped_units: int
    dropped_rows: int
    contributing_units: int
    set_to_zero: int
    share_set_to_zero: float


def change_per_unit(fit: PoissonFit, name: str, confidence_level: float = 0.95) -> Estimate:
    """exp(b) − 1: by which share the outcome is higher where a regressor is higher by one."""
    place = fit.position(name)
    value, error = float(fit.coefficients[place]), float(fit.standard_errors[place])
    half = t_quantile(confidence_level, fit.degrees_of_freedom) * error
    low, middle, high = (math.expm1(min(x, 700.0)) for x in (value - half, value, value + half))
    return Estimate(middle, low, high, "share", fit.units, fit.method, confidence_level)


def fit_poisson(
    outcome: Floats, regressors: Floats, names: tuple[str, ...], cluster: Ints | None = None
) -> PoissonFit:
    """Poisson pseudo-likelihood of `outcome` (n) on `regressors` (n × k, with their constant).

    cluster: codes from zero; without it every row stands for itself.
    Raises CannotEstimate where nothing was spent, columns are collinear, or one of them separates.
    """
    amount, below, share_below = _not_negative(outcome)
    require_known(names, amount, regressors)
    if not amount.any():
        raise CannotEstimate("Nobody spent anything, so there is no relative difference.")
    require_distinct(regressors, names)
    settled(amount, regressors, names)
    size = column_sizes(regressors)
    design = regressors / size

    def derivatives(at: Floats) -> Derivatives:
        value, gradient, information = 0.0, np.zeros(len(at)), np.zeros((len(at), len(at)))
        for block in blocks(len(amount)):
            x, y = design[block], amount[block]
            predictor = x @ at
            with np.errstate(over="ignore", invalid="ignore"):
                mean = np.exp(predictor)
                value += float(y @ predictor - mean.sum())
                gradient += (y - mean) @ x
                information += x.T @ (mean[:, None] * x)
        return value, gradient, information

    start = _start(amount, design)
    if not math.isfinite(derivatives(start)[0]):
        start = np.zeros(len(size))
    at, inverse = climb(derivatives, start, names)
    residuals = amount - np.exp(design @ at)
    influence = clustered_influence(design, residuals, inverse, cluster) / size
    units = count_clusters(cluster, len(amount))
    return PoissonFit(
        names=names,
        coefficients=at / size,
        covariance=covariance_of(influence, units),
        influence=influence,
        bread=inverse / np.outer(size, size),
        n=len(amount),
        units=units,
        degrees_of_freedom=units - 1,
        method=POOLED if cluster is not None else "Poisson pseudo-likelihood, robust",
        dropped_units=0,
        dropped_rows=0,
        contributing_units=units,
        set_to_zero=below,
        share_set_to_zero=share_below,
    )


def fit_poisson_fixed_effects(
    outcome: Floats, regressors: Floats, names: tuple[str, ...], unit: Ints
) -> PoissonFit:
    """Poisson pseudo-likelihood within units; `regressors` (n × k) without a constant.

    Period effects go in as indicator columns. unit: codes from zero, in any order. Errors are
    clustered by unit; G counts all units that spent, as R does with dummies.
    Raises CannotEstimate where nothing was spent, no unit can be compared with itself, columns are
    collinear within units, or one of them separates.
    """
    amount, below, share_below = _not_negative(outcome)
    require_known(names, amount, regressors)
    totals = np.bincount(unit, amount)
    rows_of = np.bincount(unit)
    spent = totals > 0
    if not spent.any():
        raise CannotEstimate("Nobody spent anything, so there is no relative difference.")
    contributing = _require_contributing(int((spent & (rows_of > 1)).sum()), len(names))
    kept = spent[unit]
    order = _by_unit(unit, kept)
    panel = _Panel.of(amount[order], regressors[order], unit[order], names)
    at, inverse = climb(panel.derivatives, np.zeros(len(names)), names)
    influence = np.zeros((len(totals), len(names)))
    influence[panel.codes] = panel.scores(at) @ inverse / panel.size
    units = int(spent.sum())
    return PoissonFit(
        names=names,
        coefficients=at / panel.size,
        covariance=covariance_of(influence, units),
        influence=influence,
        bread=inverse / np.outer(panel.size, panel.size),
        n=len(order),
        units=units,
        degrees_of_freedom=units - 1,
        method=WITHIN,
        dropped_units=int(((rows_of > 0) & ~spent).sum()),
        dropped_rows=int(len(amount) - len(order)),
        contributing_units=contributing,
        set_to_zero=below,
        share_set_to_zero=share_below,
    )


@dataclass(frozen=True, slots=True)
class _Panel:
    """Rows in the order of their units, regressors less their unit's mean and of like size.

    Taking means out changes nothing in the concentrated likelihood and spares the information
    a difference of large numbers. starts: first row of each unit. totals: its sum of outcomes.
    """

    amount: Floats
    design: Floats
    size: Floats
    starts: Ints
    counts: Ints
    codes: Ints
    totals: Floats

    @classmethod
    def of(cls, amount: Floats, regressors: Floats, unit: Ints, names: tuple[str, ...]) -> _Panel:
        starts = np.flatnonzero(np.concatenate([[True], unit[1:] != unit[:-1]]))
        counts = np.diff(np.append(starts, len(unit)))
        position = np.repeat(np.arange(len(starts)), counts)
        moved = np.empty(regressors.shape)
        for column in range(regressors.shape[1]):
            values = regressors[:, column]
            means = np.bincount(position, values) / counts
            moved[:, column] = values - means[position]
        left = np.abs(moved).max(axis=0)
        still = left <= UNCHANGING * np.maximum(np.abs(regressors).max(axis=0), 1e-300)
        if still.any():
            raise CannotEstimate(
                f"{names[int(np.argmax(still))]} never changes for any customer who spent, "
                "so none can be compared with itself."
            )
        require_distinct(moved, names)
        settled(amount, regressors, names)
        moved /= left
        totals = np.add.reduceat(amount, starts)
        return cls(amount, moved, left, starts, counts, unit[starts], totals)

    def _blocks(self) -> Iterator[tuple[slice, slice]]:
        """Whole units with about as many rows as are taken at once: (units, rows)."""
        ends = self.starts + self.counts
        first = 0
        while first < len(self.starts):
            reach = self.starts[first] + ROWS_AT_ONCE
            last = max(int(np.searchsorted(ends, reach, side="right")), first + 1)
            yield slice(first, last), slice(int(self.starts[first]), int(ends[last - 1]))
            first = last

    def _shares(self, units: slice, rows: slice, at: Floats) -> tuple[Floats, Floats, Ints]:
        """Predictor less the unit's log-sum, each row's share of its unit's mean, and starts."""
        starts = self.starts[units] - self.starts[units.start]
        counts = self.counts[units]
        predictor = self.design[rows] @ at
        predictor -= np.repeat(np.maximum.reduceat(predictor, starts), counts)
        raised = np.exp(predictor)
        sums = np.add.reduceat(raised, starts)
        predictor -= np.repeat(np.log(sums), counts)
        return predictor, raised / np.repeat(sums, counts), starts

    def derivatives(self, at: Floats) -> Derivatives:
        value, gradient, information = 0.0, np.zeros(len(at)), np.zeros((len(at), len(at)))
        for units, rows in self._blocks():
            logs, shares, starts = self._shares(units, rows, at)
            x, y, totals = self.design[rows], self.amount[rows], self.totals[units]
            mean = shares * np.repeat(totals, self.counts[units])
            value += float(y @ logs)
            gradient += (y - mean) @ x
            middle = np.add.reduceat(shares[:, None] * x, starts, axis=0)
            information += x.T @ (mean[:, None] * x) - middle.T @ (totals[:, None] * middle)
        return value, gradient, information

    def scores(self, at: Floats) -> Floats:
        """Each unit's score (units × k)."""
        parts = []
        for units, rows in self._blocks():
            _, shares, starts = self._shares(units, rows, at)
            left = self.amount[rows] - shares * np.repeat(self.totals[units], self.counts[units])
            parts.append(np.add.reduceat(left[:, None] * self.design[rows], starts, axis=0))
        return np.concatenate(parts)


def _require_contributing(customers: int, coefficients: int) -> int:
    """The number of customers who can be compared with themselves, if there are enough."""
    if customers > coefficients:
        return customers
    if customers == 0:
        raise CannotEstimate("No customer who spent was seen in more than one period.")
    seen = (
        "one customer who spent was" if customers == 1 else f"{customers} customers who spent were"
    )
    number = "a coefficient" if coefficients == 1 else f"{coefficients} coefficients"
    raise CannotEstimate(f"Only {seen} seen in more than one period, too few for {number}.")


def _by_unit(unit: Ints, kept: np.ndarray) -> Ints:
    rows = np.flatnonzero(kept)
    codes = unit[rows]
    return rows if (codes[1:] >= codes[:-1]).all() else rows[np.argsort(codes, kind="stable")]


def _not_negative(outcome: Floats) -> tuple[Floats, int, float]:
    """The outcome with zero for what is below; how many rows that were, and their weight."""
    if not len(outcome):
        raise CannotEstimate("There are no rows.")
    below = outcome < 0
    if not below.any():
        return np.asarray(outcome, dtype=float), 0, 0.0
    amount = np.where(below, 0.0, outcome)
    total = float(amount.sum())
    share = float(-outcome[below].sum() / total) if total > 0 else 1.0
    return amount, int(below.sum()), share


def _start(amount: Floats, design: Floats) -> Floats:
    """One weighted least-squares step from means halfway between each row and the average."""
    k = design.shape[1]
    gram, side = np.zeros((k, k)), np.zeros(k)
    average = float(amount.mean())
    for block in blocks(len(amount)):
        x, y = design[block], amount[block]
        mean = (y + average) / 2
        gram += x.T @ (mean[:, None] * x)
        side += (mean * np.log(mean) + y - mean) @ x
    return np.asarray(np.linalg.lstsq(gram, side, rcond=None)[0])
