"""Maximum of a smooth likelihood by Newton's method that also climbs out of saddles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Evaluate = Callable[[Floats], tuple[float, Floats, Floats]]

MOST_STEPS = 100
MOST_HALVINGS = 40
# No parameter moves further in one step; parameters are expected on a scale where one is a lot.
LONGEST_STEP = 1.5
# What another step could still gain in log-likelihood (half the Newton decrement).
SETTLED = 1e-14
# The same where rounding of a long sum keeps any step from gaining.
SETTLED_WITHIN_ROUNDING = 1e-8
# Smallest over largest eigenvalue of the information: below it a direction is not determined.
FLAT = 1e-11


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where a search ended.

    parameters, gradient (k); information (k × k): minus the second derivatives there.
    settled: whether no step gains and the information determines every parameter.
    """

    parameters: Floats
    value: float
    gradient: Floats
    information: Floats
    settled: bool

    @property
    def covariance(self) -> Floats:
        """Inverse of the information; meaningful only where the search settled."""
        inverse = np.linalg.inv(self.information)
        return (inverse + inverse.T) / 2


def maximise(evaluate: Evaluate, start: Floats, most_steps: int = MOST_STEPS) -> Maximum:
    """Climb from `start`; `evaluate` gives value, gradient and second derivatives.

    A value that is not finite counts as lower than any other. Directions of wrong curvature are
    walked uphill (absolute eigenvalues), steps are halved until they gain.
    """
    here = np.asarray(start, dtype=np.float64)
    value, gradient, second = evaluate(here)
    settled = False
    for _ in range(most_steps):
        if not (np.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(second).all()):
            break
        curvature, directions = np.linalg.eigh(-second)
        steepness = np.maximum(np.abs(curvature), max(np.abs(curvature).max(), 1e-12) * FLAT)
        along = directions.T @ gradient
        gain = float((along**2 / steepness).sum()) / 2
        determined = bool(curvature[0] > FLAT * curvature[-1])
        if gain < SETTLED:
            settled = determined
            break
        step = directions @ (along / steepness)
        step *= min(1.0, LONGEST_STEP / float(np.abs(step).max()))
        for _ in range(MOST_HALVINGS):
            fresh = evaluate(here + step)
            if np.isfinite(fresh[0]) and fresh[0] > value:
                break
            step = step / 2
        else:
            settled = determined and gain < SETTLED_WITHIN_ROUNDING
            break
        here = here + step
        value, gradient, second = fresh
    return Maximum(here, value, gradient, -second, settled)


def with_numeric_curvature(
    value_and_gradient: Callable[[Floats], tuple[float, Floats]], width: float = 1e-5
) -> Evaluate:
    """Add second derivatives by central differences of an analytic gradient."""

    def evaluate(parameters: Floats) -> tuple[float, Floats, Floats]:
        value, gradient = value_and_gradient(parameters)
        k = len(parameters)
        second = np.zeros((k, k))
        if not np.isfinite(value):
            return value, gradient, second
        for place in range(k):
            shift = np.zeros(k)
            shift[place] = width
            ahead, behind = (value_and_gradient(parameters + sign * shift)[1] for sign in (1, -1))
            second[place] = (ahead - behind) / (2 * width)
        return value, gradient, (second + second.T) / 2

    return evaluate
