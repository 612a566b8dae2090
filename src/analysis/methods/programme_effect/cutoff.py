"""Customers chosen by a cut-off: recognised by separation, compared at the threshold.

Whoever lies just above the threshold is like whoever lies just below it, but for the programme:
the jump at the threshold is its effect there (and only there). It is read from straight lines in
a window on either side (triangular weights); its interval is that of Calonico, Cattaneo and
Titiunik (2014) with equal bandwidths for estimate and bias, which is the local quadratic fit and
its error. The window is that of Imbens and Kalyanaraman (2012), shrunk by n^(−1/20) as Calonico,
Cattaneo and Farrell (2018) advise for intervals. Adjusting for what was recorded cannot replace
this: nobody below the threshold is like those above.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import t_quantile

Floats = npt.NDArray[np.float64]

FEWEST_OF_AN_ARM = 20
FEWEST_NEAR = 30
FEWEST_VALUES = 20
NEARLY = 0.02
EDGE_CONSTANT = 3.4375  # triangular kernel at an edge


@dataclass(frozen=True, slots=True)
class Cutoff:
    """A number recorded before the assignment that decided it.

    name: of the number. threshold: the last value on the treated side. above: the treated lie at
    or above it. misplaced: rows on the wrong side. values: distinct values of the number.
    """

    name: str
    threshold: float
    above: bool
    misplaced: int
    values: int


@dataclass(frozen=True, slots=True)
class Discontinuity:
    """The jump at the threshold: local quadratic (bias corrected), and local linear beside it.

    bandwidth: in units of the number. below, above: rows in the window on either side.
    """

    value: float
    standard_error: float
    linear: float
    bandwidth: float
    below: int
    above: int
    degrees_of_freedom: int

    def estimate(self, unit: str) -> Estimate:
        half = t_quantile(0.95, self.degrees_of_freedom) * self.standard_error
        return Estimate(
            self.value, self.value - half, self.value + half, unit, self.below + self.above,
            "jump at the threshold, local linear with robust bias correction",
        )  # fmt: skip


def find_cutoff(numbers: Mapping[str, npt.ArrayLike], treated: npt.ArrayLike) -> Cutoff | None:
    """The number on one side of which all, or nearly all, treated lie and no others; else None.

    numbers: columns of shape (n,) from before the assignment, missing as NaN: who has none is not
    judged by it, but every treated customer must have one. "Nearly": at most 2 % of the smaller
    arm misplaced. Arms of fewer than twenty are not judged, for they separate by chance.
    """
    arm = np.asarray(treated, dtype=bool)
    best: Cutoff | None = None
    for name in sorted(numbers):
        values = np.asarray(numbers[name], dtype=float)
        known = np.isfinite(values)
        if not known[arm].all():
            continue
        side, x = arm[known], values[known]
        smaller = int(min(side.sum(), (~side).sum()))
        if smaller < FEWEST_OF_AN_ARM:
            continue
        for above in (True, False):
            found = _separation(name, x, side, above)
            if found.misplaced <= NEARLY * smaller and (
                best is None or found.misplaced < best.misplaced
            ):
                best = found
    return best


def _separation(name: str, x: Floats, arm: npt.NDArray[np.bool_], above: bool) -> Cutoff:
    signed = x if above else -x
    order = np.argsort(signed, kind="stable")
    levels, first = np.unique(signed[order], return_index=True)
    treated_below = np.concatenate([[0], np.cumsum(arm[order])])[first]
    others_below = first - treated_below
    wrong = treated_below + (int((~arm).sum()) - others_below)
    place = int(np.argmin(wrong))
    threshold = float(levels[place] if above else -levels[place])
    return Cutoff(name, threshold, above, int(wrong[place]), len(levels))


def regression_discontinuity(
    outcome: npt.ArrayLike,
    number: npt.ArrayLike,
    threshold: float,
    above: bool = True,
    clusters: npt.ArrayLike | None = None,
    bandwidth: float | None = None,
) -> Discontinuity:
    """The jump in the outcome where the number passes the threshold, treated less untreated.

    outcome, number, clusters: shape (n,). above: the treated lie at or above the threshold.
    bandwidth: from the data by default. Raises CannotEstimate where the number takes too few
    values or too few customers lie near the threshold.
    """
    y = np.asarray(outcome, dtype=float)
    x = (np.asarray(number, dtype=float) - threshold) * (1 if above else -1)
    usable = np.isfinite(x) & np.isfinite(y)
    codes = np.arange(len(y))
    if clusters is not None:
        codes = np.unique(np.asarray(clusters), return_inverse=True)[1]
    y, x, codes = y[usable], x[usable], codes[usable]
    if len(np.unique(x)) < FEWEST_VALUES:
        raise CannotEstimate(
            "they were chosen by a threshold on a number with few steps, so that nobody lies "
            "near it on either side"
        )
    if min((x >= 0).sum(), (x < 0).sum()) < FEWEST_NEAR:
        raise CannotEstimate("too few customers lie near the threshold by which they were chosen")
    h = choose_bandwidth(y, x) if bandwidth is None else bandwidth
    if not h > 0:
        raise CannotEstimate("near the threshold by which they were chosen nothing varies")
    weight = np.maximum(1 - np.abs(x) / h, 0.0)
    sides = [(x >= 0) & (weight > 0), (x < 0) & (weight > 0)]
    for inside in sides:
        if inside.sum() < FEWEST_NEAR or len(np.unique(x[inside])) < 5:
            raise CannotEstimate(
                "too few customers lie near the threshold by which they were chosen"
            )
    fits = [_edge(y[inside], x[inside] / h, weight[inside], 2) for inside in sides]
    lines = [_edge(y[inside], x[inside] / h, weight[inside], 1) for inside in sides]
    moved = np.concatenate([fits[0][1], -fits[1][1]])
    groups = np.unique(np.concatenate([codes[inside] for inside in sides]), return_inverse=True)[1]
    by_unit = np.bincount(groups, moved)
    return Discontinuity(
        fits[0][0] - fits[1][0],
        float(np.sqrt(by_unit @ by_unit)),
        lines[0][0] - lines[1][0],
        float(h),
        int(sides[1].sum()),
        int(sides[0].sum()),
        max(len(by_unit) - 6, 1),
    )


def _edge(y: Floats, u: Floats, weight: Floats, degree: int) -> tuple[float, Floats]:
    """Level at u = 0 of a weighted polynomial, and the rows' influence on it (HC3)."""
    design = np.vander(u, degree + 1, increasing=True)
    weighted = design * weight[:, None]
    inverse = np.linalg.pinv(weighted.T @ design)
    beta = inverse @ (weighted.T @ y)
    leverage = np.einsum("ij,jk,ik->i", weighted, inverse, design)
    residual = (y - design @ beta) / np.maximum(1 - leverage, 1e-6)
    return float(beta[0]), np.asarray(weighted @ inverse[0] * residual)


def choose_bandwidth(y: Floats, x: Floats) -> float:
    """Imbens and Kalyanaraman's window for a jump at x = 0, times n^(−1/20)."""
    n = len(x)
    first = 1.84 * float(x.std(ddof=1)) * n ** (-1 / 5)
    near = [(x >= 0) & (x <= first), (x < 0) & (x >= -first)]
    sides = [x >= 0, x < 0]
    density = sum(int(inside.sum()) for inside in near) / (2 * n * first)
    if min(inside.sum() for inside in near) < 3 or density <= 0:
        raise CannotEstimate("too few customers lie near the threshold by which they were chosen")
    noise = [float(y[inside].var(ddof=1)) for inside in near]
    medians = [float(np.median(x[side])) for side in sides]
    middle = (x <= medians[0]) & (x >= medians[1])
    scale = float(np.abs(x).max())
    cubic = np.column_stack([np.ones(n), x >= 0, *((x / scale) ** k for k in (1, 2, 3))])
    third = 6 * float(np.linalg.lstsq(cubic[middle], y[middle], rcond=None)[0][4]) / scale**3
    curves, doubts = [], []
    for side, spread in zip(sides, noise, strict=True):
        count = int(side.sum())
        bend = max(third**2, 1e-12 * spread / scale**6)
        pilot = min(3.56 * (spread / (density * bend)) ** (1 / 7) * count ** (-1 / 7), scale)
        inside = side & (np.abs(x) <= pilot)
        if inside.sum() < 10:
            inside = side
            pilot = float(np.abs(x[side]).max())
        square = np.vander(x[inside] / scale, 3, increasing=True)
        bend_here = np.linalg.lstsq(square, y[inside], rcond=None)[0][2]
        curves.append(2 * float(bend_here) / scale**2)
        doubts.append(2160 * spread / (int(inside.sum()) * pilot**4))
    bias = (curves[0] - curves[1]) ** 2 + sum(doubts)
    best = EDGE_CONSTANT * (sum(noise) / (density * max(bias, 1e-300))) ** (1 / 5) * n ** (-1 / 5)
    return min(float(best * n ** (-1 / 20)), float(np.abs(x).max()))
