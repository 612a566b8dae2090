"""What if treated and other areas would not have gone on in parallel? (Rambachan and Roth 2023)

The roll-out's effect rests on parallel trends, which no test can prove. Two questions are asked
instead. How large may the departure from one quarter to the next be, against the largest seen
before the start (relative magnitudes, ratio M), until the interval includes zero? And how strong
a difference in trend would have been noticed at all?

The bound on the departure is M times the largest of the changes before the start. The limits
of the effect are then the largest and the least of finitely many linear combinations of event
study coefficients, and the union of these combinations' ordinary intervals covers: at the
combination that is truly the extreme one, its own interval does. That is simple, valid and wider
than the conditional intervals of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import normal_quantile
from analysis.methods.programme_effect.staggered import (
    GroupTimeEffects,
    by_event_time,
    per_unit_period,
)

Floats = npt.NDArray[np.float64]

RATIOS = (0.0, 0.5, 1.0, 1.5, 2.0)
LARGEST_RATIO = 10.0
POWER = 0.80


@dataclass(frozen=True, slots=True)
class HonestTrends:
    """The effect under trends that need not be parallel; all against the last quarter before.

    intervals: by ratio M (0: parallel). breakdown: the least M at which the interval includes
    zero, 0 if it does under parallel trends, infinite if never up to ten. largest_change: the
    largest change of the difference between areas from one quarter to the next before the start.
    linear: the effect if the difference in trend before the start had gone on. slope: that
    difference, per quarter. detectable_slope: the one that would be found with 80 % power.
    bend: by how much that difference may change from one quarter to the next (smoothness) until
    the interval around `linear` includes zero; 0 if it does already.
    """

    effect: Estimate
    intervals: dict[float, tuple[float, float]]
    breakdown: float
    largest_change: float
    linear: Estimate
    slope: Estimate
    detectable_slope: float
    bend: float


def relative_magnitudes(
    effect: float,
    influence: Floats,
    changes: Floats,
    change_influence: Floats,
    carried: float,
    critical: float,
    ratio: float,
) -> tuple[float, float]:
    """Interval of the effect if no later change of the departure exceeds `ratio` times the
    largest change before the start.

    effect: mean of post-period coefficients Σ wₜ βₜ. changes: shape (k,), of the coefficients
    from one period to the next before the start. influence: shape (G,); change_influence: shape
    (k, G), by cluster. carried: Σ wₜ (t + 1), how often a change adds up by then. critical: the
    quantile by which standard errors are multiplied.
    """
    reach = ratio * carried * np.concatenate([changes, -changes])
    moved = influence + ratio * carried * np.concatenate([change_influence, -change_influence])
    errors = np.sqrt((moved**2).sum(axis=1))
    ends = effect + reach
    return float((ends - critical * errors).min()), float((ends + critical * errors).max())


def breakdown_ratio(
    effect: float,
    influence: Floats,
    changes: Floats,
    change_influence: Floats,
    carried: float,
    critical: float,
) -> float:
    """The least ratio at which the interval includes zero; infinite above `LARGEST_RATIO`."""

    def includes_zero(ratio: float) -> bool:
        lower, upper = relative_magnitudes(
            effect, influence, changes, change_influence, carried, critical, ratio
        )
        return lower <= 0 <= upper

    if includes_zero(0.0):
        return 0.0
    grid = np.linspace(0, LARGEST_RATIO, 201)
    inside = [ratio for ratio in grid if includes_zero(float(ratio))]
    if not inside:
        return float("inf")
    high = float(inside[0])
    low = high - LARGEST_RATIO / 200
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if includes_zero(middle) else (middle, high)
    return high


def bias_per_bend(times: Floats, weights: Floats) -> float:
    """Largest bias of Σ weightsₜ βₜ for second differences of the departure of at most one.

    times: consecutive periods. weights: shape (k,), such that a straight line has no weight: then
    the departure d counts by its bends alone, Σ weightsₜ dₜ = Σⱼ bendⱼ Σₜ weightsₜ max(t − j, 0).
    """
    return float(sum(abs(weights @ np.maximum(times - bend, 0.0)) for bend in times[1:-1]))


def honest_trends(effects: GroupTimeEffects, unit: str) -> HonestTrends:
    """From group-time effects against the last quarter before the start (universal base).

    Raises CannotEstimate without two quarters before the start on enough areas, or where areas
    are too few for an interval.
    """
    total = per_unit_period(effects)
    if not total.bears_interval:
        raise CannotEstimate("too few areas for an interval under other trends")
    events = by_event_time(effects)
    times = [time for time in sorted(events) if time < -1 and events[time].bears_interval]
    # Only an unbroken run up to the start has changes from one quarter to the next.
    times = [time for time in times if all(t in times for t in range(time, -1))]
    if not times:
        raise CannotEstimate(
            "before the start there are too few quarters to tell how trends differed"
        )
    values = np.array([*(events[time].value for time in times), 0.0])
    influence = np.array([*(events[time].influence for time in times), np.zeros(effects.clusters)])
    weights = {time: 0 for time in events if time >= 0}
    for cell in effects.cells:
        if cell.event_time >= 0:
            weights[cell.event_time] += cell.treated
    carried = sum(n * (time + 1) for time, n in weights.items()) / sum(weights.values())
    parts = (
        total.value, total.influence, np.diff(values), np.diff(influence, axis=0), carried,
        total.critical,
    )  # fmt: skip
    at = np.array([*times, -1], dtype=float)
    rise = (at - at.mean()) / ((at - at.mean()) @ (at - at.mean()))
    slope, slope_influence = float(rise @ values), rise @ influence
    slope_error = float(np.sqrt(slope_influence @ slope_influence))
    linear_influence = total.influence - carried * slope_influence

    # The effect with the trend carried on, as weights of the coefficients by period.
    span = np.arange(times[0], max(weights) + 1, dtype=float)
    total_weight = sum(weights.values())
    shares = np.array([weights.get(int(time), 0) / total_weight for time in span])
    shares[span == -1] -= 1.0
    shares[: len(at)] -= carried * rise
    clear = abs(total.value - carried * slope) - total.critical * float(
        np.sqrt(linear_influence @ linear_influence)
    )
    bias = bias_per_bend(span, shares)

    def around(value: float, moved: Floats, name: str, method: str) -> Estimate:
        half = total.critical * float(np.sqrt(moved @ moved))
        return Estimate(value, value - half, value + half, name, total.treated, method)

    return HonestTrends(
        around(total.value, total.influence, unit, "against the last quarter before the start"),
        {ratio: relative_magnitudes(*parts, ratio) for ratio in RATIOS},
        breakdown_ratio(*parts),
        float(np.abs(np.diff(values)).max()),
        around(
            total.value - carried * slope, linear_influence, unit,
            "difference in trend before the start carried on",
        ),
        around(slope, slope_influence, f"{unit}, per quarter", "least squares before the start"),
        (total.critical + normal_quantile(2 * POWER - 1)) * slope_error,
        max(clear, 0.0) / bias if bias > 0 else float("inf"),
    )  # fmt: skip
