"""The map of importance and performance (Martilla & James 1977)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.methods.drivers import DriverStudy
from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.regression import Floats, Ints

Quadrant = Literal["concentrate here", "keep up", "low priority", "possible overkill"]


@dataclass(frozen=True, slots=True)
class MapPoint:
    """A driver on the map.

    importance: its share of R². performance: mean score, 0 the worst answer and 100 the best.
    clear: neither interval reaches over a line of the map, so the quadrant is not by chance.
    """

    name: str
    importance: Estimate
    performance: Estimate
    quadrant: Quadrant
    clear: bool


@dataclass(frozen=True, slots=True)
class ImportanceMap:
    """Points by importance, and the two lines that part the map.

    importance_line: an equal share for each. performance_line: mean performance of the drivers.
    """

    points: tuple[MapPoint, ...]
    importance_line: float
    performance_line: float


def performance_score(
    name: str,
    scores: Floats,
    customers: Ints,
    scale: tuple[float, float],
    confidence_level: float = 0.95,
) -> Estimate:
    """Mean answer (n) on 0–100, clustered by customer; scale: (worst, best), which may descend.

    Answers without a number are left out. Raises CannotEstimate with fewer than two customers.
    """
    worst, best = scale
    if worst == best:
        raise ValueError("a scale needs two ends")
    given = np.isfinite(scores)
    codes = np.unique(np.asarray(customers)[given], return_inverse=True)[1]
    groups = int(codes.max(initial=-1)) + 1
    if groups < 2:
        raise CannotEstimate(f"Fewer than two customers scored {name}.")
    percent = 100 * (np.asarray(scores, dtype=float)[given] - worst) / (best - worst)
    mean = float(percent.mean())
    by_customer = np.bincount(codes, percent - mean, minlength=groups) / len(percent)
    error = float(np.sqrt((by_customer**2).sum() * groups / (groups - 1)))
    half = t_quantile(confidence_level, groups - 1) * error
    return Estimate(
        mean, max(mean - half, 0.0), min(mean + half, 100.0), "points of 100", groups,
        "mean, clustered by customer", confidence_level,
    )  # fmt: skip


def importance_performance(
    study: DriverStudy,
    names: tuple[str, ...],
    scores: Floats,
    customers: Ints,
    scales: tuple[tuple[float, float], ...],
) -> ImportanceMap:
    """Place the drivers of a study by how much they matter and how well they are scored.

    names, scales: of the columns of `scores` (n × p); scales are (worst, best) answers.
    """
    performance = {
        name: performance_score(name, scores[:, j], customers, scales[j])
        for j, name in enumerate(names)
    }
    importance_line = 1 / len(study.drivers)
    performance_line = float(np.mean([performance[d.name].value for d in study.drivers]))
    points = []
    for driver in study.drivers:
        score = performance[driver.name]
        quadrant = _quadrant(driver.share.value >= importance_line, score.value >= performance_line)
        clear = _is_beside(driver.share, importance_line) and _is_beside(score, performance_line)
        points.append(MapPoint(driver.name, driver.share, score, quadrant, clear))
    return ImportanceMap(tuple(points), importance_line, performance_line)


def _quadrant(matters: bool, does_well: bool) -> Quadrant:
    if matters:
        return "keep up" if does_well else "concentrate here"
    return "possible overkill" if does_well else "low priority"


def _is_beside(estimate: Estimate, line: float) -> bool:
    lower, upper = estimate.lower, estimate.upper
    return lower is not None and upper is not None and not lower <= line <= upper
