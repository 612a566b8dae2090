"""A smooth model of the hazard: events against time at risk, by month of tenure.

The likelihood of a hazard that is constant within each piece of a month (piecewise exponential) is
that of a Poisson count with the piece's length as exposure, so losses dated to the day and months
cut short count exactly; a pooled logistic regression of whole months would not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.regression import sum_by_cluster
from analysis.methods.survival.cox import Booleans, Floats, Ints

MOST_STEPS = 60
# A log hazard ratio per standard deviation beyond this means that a group (nearly) never leaves.
SEPARATED = 12.0
# With fewer losses a curve over tenure cannot be told from a line.
LOSSES_FOR_A_CURVE = 40
KNOT_QUANTILES = (0.05, 0.35, 0.65, 0.95)


@dataclass(frozen=True, slots=True)
class Pieces:
    """Rows of intervals cut at whole months: which row, length in months, tenure in the middle."""

    row: Ints
    months: Floats
    tenure: Floats
    ended: Booleans


def cut_by_month(start: Floats, stop: Floats, ended: Booleans) -> Pieces:
    """Cut intervals (start, stop] at whole months of tenure."""
    first = np.floor(start).astype(np.int64)
    number = np.maximum(np.ceil(stop).astype(np.int64) - first, 1)
    row = np.repeat(np.arange(len(start)), number)
    place = np.arange(len(row)) - np.repeat(np.cumsum(number) - number, number)
    month = first[row] + place
    low, high = np.maximum(start[row], month), np.minimum(stop[row], month + 1)
    last = place == number[row] - 1
    return Pieces(row, high - low, month + 0.5, ended[row] & last)


def spline_knots(tenure_of_losses: Floats) -> Floats:
    """Knots at quantiles of the tenure of losses; two or fewer mean a line."""
    if len(tenure_of_losses) < LOSSES_FOR_A_CURVE:
        return np.empty(0)
    knots = np.unique(np.round(np.quantile(tenure_of_losses, KNOT_QUANTILES), 6))
    return knots if len(knots) > 2 else np.empty(0)


def tenure_terms(tenure: Floats, knots: Floats) -> Floats:
    """A line and a restricted cubic spline of tenure (Harrell), in units of a year."""
    columns = [tenure / 12]
    if len(knots) > 2:
        last, before = knots[-1], knots[-2]
        span = (last - knots[0]) ** 2

        def cubed(at: float) -> Floats:
            return np.asarray(np.maximum(tenure - at, 0.0) ** 3)

        for knot in knots[:-2]:
            columns.append(
                (
                    cubed(knot)
                    - cubed(before) * (last - knot) / (last - before)
                    + cubed(last) * (before - knot) / (last - before)
                )
                / span
            )
    return np.column_stack(columns)


@dataclass(frozen=True, slots=True)
class LogHazardFit:
    """Log hazard per month: coefficients (k), and by how much each customer moves them (G × k)."""

    names: tuple[str, ...]
    coefficients: Floats
    influence: Floats
    n_events: int


def fit_log_hazard(
    design: Floats,
    months: Floats,
    ended: Booleans,
    customer: Ints,
    names: tuple[str, ...],
    covariates_from: int = 1,
) -> LogHazardFit:
    """Fit log hazard = design × coefficients by Newton's method; the first column is the constant.

    covariates_from: place of the first covariate. Columns before it describe the course over
    tenure; they overlap, so that large coefficients of theirs are no sign of separation.
    Raises CannotEstimate: too few losses, collinear columns, separation.
    """
    events = ended.astype(float)
    if not ended.any():
        raise CannotEstimate(
            "Nobody has left, so nothing can be said about what goes with leaving."
        )
    if ended.sum() <= design.shape[1]:
        raise CannotEstimate("Too few customers have left to say what goes with leaving.")
    centre, spread = design.mean(axis=0), design.std(axis=0)
    if (spread[1:] == 0).any():
        raise CannotEstimate(
            f"{names[1 + int(np.argmax(spread[1:] == 0))]} does not vary in these data."
        )
    centre[0], spread[0] = 0.0, 1.0
    x = (design - centre) / spread
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(events.sum() / months.sum())

    def likelihood(at: Floats) -> tuple[float, Floats]:
        expected = months * np.exp(np.minimum(x @ at, 50.0))
        return float(events @ (x @ at) - expected.sum()), expected

    value, expected = likelihood(beta)
    for _ in range(MOST_STEPS):
        information = x.T @ (x * expected[:, None])
        if not np.linalg.cond(information) <= 1e12:
            raise CannotEstimate("The covariates determine one another, or a group has no event.")
        step = np.linalg.solve(information, x.T @ (events - expected))
        fresh, fresh_expected = likelihood(beta + step)
        while fresh < value - 1e-9 and np.abs(step).max() > 1e-9:
            step = step / 2
            fresh, fresh_expected = likelihood(beta + step)
        beta, value, expected = beta + step, fresh, fresh_expected
        steep = np.abs(beta[covariates_from:])
        if steep.max(initial=0.0) > SEPARATED:
            name = names[covariates_from + int(np.argmax(steep))]
            raise CannotEstimate(
                f"{name} predicts leaving perfectly; check that it was recorded before the end."
            )
        if np.abs(step).max() < 1e-9:
            break
    else:
        raise CannotEstimate("The hazard model did not settle.")
    information = x.T @ (x * expected[:, None])
    scores = sum_by_cluster(x * (events - expected)[:, None], customer, int(customer.max()) + 1)
    moved = scores @ np.linalg.inv(information) / spread
    coefficients = beta / spread
    # Back to columns that are not centred: the constant takes up what the centres held.
    coefficients[0] -= float((beta / spread)[1:] @ centre[1:])
    moved[:, 0] -= moved[:, 1:] @ centre[1:]
    return LogHazardFit(names, coefficients, moved, int(ended.sum()))
