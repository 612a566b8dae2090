"""A difference as a percentage of what there would have been without the programme."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import t_quantile

Floats = npt.NDArray[np.float64]

FEWEST_ERRORS_FROM_ZERO = 4


def relative_difference(
    value: float,
    treated_mean: float,
    influence: Floats,
    mean_influence: Floats,
    n: int,
    label: str = "share of the margin without it, delta method",
) -> Estimate:
    """value / (treated_mean − value), with an interval by the delta method.

    influence, mean_influence: shape (G,), of value and treated_mean by independent unit; with
    r the ratio and m the mean without the programme, the ratio's influence is
    (influence − r (mean_influence − influence)) / m. Raises CannotEstimate where m lies within
    four standard errors of zero: a percentage of next to nothing says nothing.
    """
    without = treated_mean - value
    groups = len(influence)
    if groups < 2:
        raise CannotEstimate("there are too few customers for a percentage")
    without_influence = mean_influence - influence
    error = float(np.sqrt(groups / (groups - 1) * (without_influence @ without_influence)))
    if without <= FEWEST_ERRORS_FROM_ZERO * error:
        raise CannotEstimate(
            "the margin without it is too near zero for the difference to be given in per cent"
        )
    ratio = value / without
    change = (influence - ratio * without_influence) / without
    half = t_quantile(0.95, groups - 1) * float(np.sqrt(groups / (groups - 1) * (change @ change)))
    return Estimate(ratio, ratio - half, ratio + half, "share", n, label)
