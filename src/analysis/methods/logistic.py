"""Buying at all, answering at all: logistic regression with errors clustered by customer.

Equal to R's `glm(family = binomial)` with `sandwich::vcovCL(type = "HC0", cadjust = TRUE)`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import from_standard_error
from analysis.methods.likelihood import (
    Derivatives,
    LikelihoodFit,
    Separation,
    blocks,
    climb,
    clustered_influence,
    column_sizes,
    count_clusters,
    covariance_of,
    require_distinct,
    require_known,
    runaway,
    settled,
)
from analysis.methods.regression import Floats, Ints

METHOD = "logistic regression, clustered by customer"
# Doubt left per row, on average, where the columns foretell every row.
NO_DOUBT = 1e-9


@dataclass(frozen=True, slots=True)
class LogisticFit(LikelihoodFit):
    """A fitted logistic regression.

    probabilities: n, fitted. events: rows in which it happened.
    """

    probabilities: Floats = field(repr=False)
    events: int


def fit_logistic(
    happened: NDArray[np.bool_] | Floats,
    design: Floats,
    names: tuple[str, ...],
    cluster: Ints | None = None,
    event: str = "a purchase",
) -> LogisticFit:
    """Logistic regression of `happened` (n, true or false) on `design` (n × k, with its constant).

    cluster: codes from zero; without it every row stands for itself. event: what happened, with
    its article, for the reasons. Raises CannotEstimate where it always or never happened, columns
    are collinear, or some of them foretell it perfectly (separation).
    """
    yes = np.asarray(happened, dtype=float)
    if not len(yes):
        raise CannotEstimate("There are no rows.")
    require_known(names, yes, design)
    events = int(yes.sum())
    if events == 0:
        raise CannotEstimate(f"No row has {event}, so nothing tells apart who has.")
    if events == len(yes):
        raise CannotEstimate(f"Every row has {event}, so nothing tells apart who has not.")
    require_distinct(design, names)
    for side in (yes, 1 - yes):
        settled(side, design, names)
    size = column_sizes(design)
    columns = design / size

    def derivatives(at: Floats) -> Derivatives:
        value, gradient, information = 0.0, np.zeros(len(at)), np.zeros((len(at), len(at)))
        for block in blocks(len(yes)):
            x, y = columns[block], yes[block]
            predictor = x @ at
            rare = np.exp(-np.abs(predictor))
            value += float(y @ predictor - (np.maximum(predictor, 0) + np.log1p(rare)).sum())
            chance = np.where(predictor >= 0, 1.0, rare) / (1 + rare)
            gradient += (y - chance) @ x
            information += x.T @ ((chance * (1 - chance))[:, None] * x)
        if value > -NO_DOUBT * len(yes):
            raise Separation(runaway(at, names))
        return value, gradient, information

    at, inverse = climb(derivatives, np.zeros(len(size)), names)
    chances = probability(columns @ at)
    influence = clustered_influence(columns, yes - chances, inverse, cluster) / size
    units = count_clusters(cluster, len(yes))
    return LogisticFit(
        names=names,
        coefficients=at / size,
        covariance=covariance_of(influence, units),
        influence=influence,
        bread=inverse / np.outer(size, size),
        n=len(yes),
        units=units,
        degrees_of_freedom=units - 1,
        method=METHOD if cluster is not None else "logistic regression, robust",
        probabilities=chances,
        events=events,
    )


def average_slope(
    fit: LogisticFit, design: Floats, name: str, cluster: Ints | None = None
) -> Estimate:
    """Mean over the rows of the slope p(1 − p)b: the share more per unit of a regressor.

    With g the gradient of the mean slope in the coefficients, a cluster moves it by
    g'(its influence) + Σ (own slope − mean slope) / n; so the rows are a sample too.
    cluster: as in the fit.
    """
    place = fit.position(name)
    slope = float(fit.coefficients[place])
    chance = fit.probabilities
    spread = chance * (1 - chance)
    own = spread * slope
    mean = float(own.mean())
    gradient = (spread * (1 - 2 * chance) * slope) @ design / fit.n
    gradient[place] += spread.mean()
    of_rows = (own - mean) / fit.n
    if cluster is not None:
        of_rows = np.asarray(np.bincount(cluster, of_rows, len(fit.influence)), dtype=float)
    influence = (fit.influence @ gradient + of_rows)[:, None]
    error = math.sqrt(float(covariance_of(influence, fit.units)[0, 0]))
    return from_standard_error(mean, error, "share", fit.units, fit.method, fit.degrees_of_freedom)


def probability(predictor: Floats) -> Floats:
    """1 / (1 + exp(−x))."""
    rare = np.exp(-np.abs(predictor))
    return np.asarray(np.where(predictor >= 0, 1.0, rare) / (1 + rare))
