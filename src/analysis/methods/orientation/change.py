"""Has employees' orientation changed from one sheet to the next, and how stable is it?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import from_standard_error, normal_quantile
from analysis.methods.orientation.sheets import Sheets
from analysis.methods.regression import Floats

FEWEST_PAIRS = 4


@dataclass(frozen=True, slots=True)
class Change:
    """Last sheet against the one before, of employees who filled in both.

    change: mean, in points of the scale. stability: correlation of the two scores. A second reading
    of reliability, over which true change and chance both count against the sheet.
    """

    change: Estimate
    stability: Estimate | NotEstimable


def change_between_sheets(sheets: Sheets) -> Change:
    """Mean change with a paired t interval. Raises CannotEstimate for fewer than four pairs."""
    both = np.isfinite(sheets.previous)
    n = int(both.sum())
    if n < FEWEST_PAIRS:
        raise CannotEstimate(
            "Change over time cannot be told: hardly any employee has filled in two sheets."
        )
    now, before = sheets.overall[both], sheets.previous[both]
    difference = now - before
    if difference.std() <= 1e-12:
        raise CannotEstimate(
            "Change over time cannot be told: every employee has changed by the same since the sheet "
            "before, or not at all."
        )
    error = float(difference.std(ddof=1) / np.sqrt(n))
    change = from_standard_error(
        float(difference.mean()), error, "scale points", n, "paired, t", n - 1
    )
    return Change(change, attempt(_stability, now, before))


def _stability(now: Floats, before: Floats) -> Estimate:
    if now.std() <= 1e-12 or before.std() <= 1e-12:
        raise CannotEstimate("Employees do not differ in their scores.")
    n = len(now)
    value = float(np.corrcoef(now, before)[0, 1])
    if abs(value) >= 1 - 1e-12:
        return Estimate(value, None, None, "correlation", n, "Pearson")
    half = normal_quantile() / np.sqrt(n - 3)
    low, high = np.tanh(np.arctanh(value) - half), np.tanh(np.arctanh(value) + half)
    return Estimate(value, float(low), float(high), "correlation", n, "Pearson, Fisher")
