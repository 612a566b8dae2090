"""Results as they may be published: so coarse that five customers more or less do not show.

One place for text, tables, pictures and `numbers.json`: notebooks round a study before they show
it, and what leaves as data is rounded by the same rule. Rounding what is rounded changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from analysis.disclosure import (
    BOUNDS,
    FULL_SCALE,
    ROUND_TO,
    SMALLEST_CELL,
    STEPS,
    Disclosure,
    step_at_least,
    to_step,
)
from analysis.methods.estimate import Estimate
from analysis.presentation.wording import is_currency

Floats = NDArray[np.float64]
ResultT = TypeVar("ResultT")

# Of fewer, what is left after rounding would mislead; steps grow no further.
FEWEST_TO_ROUND_BY = 4 * ROUND_TO
# What is already in steps of this part of the due one was rounded before, by a base not yet rounded.
COARSE_ENOUGH = 0.6
FINEST = 0.001
# Estimators that count or add up, by the words their method begins with: of these, and a base, the
# exact count or sum could be reckoned back. All others are fitted, and hold no single count.
COUNTED = (
    "Wilson", "adjusted Wald", "mean, ", "mean of ", "weighted mean", "total",
    "ratio, linearised", "ratio, customers", "Poisson count", "Kaplan–Meier",
    "Aalen–Johansen", "margin × survival", "restricted mean",
    "Lorenz ordinate", "cost of the year", "cost / ",
)  # fmt: skip
WIDTH_IN_ERRORS = 2 * 1.96


def round_estimate(estimate: Estimate, disclosure: Disclosure) -> Estimate:
    """An estimate as it may be published, its base in fives; unchanged where disclosure is off.

    The step is what five customers more or less would change. Of what is counted or added up: 5 / n
    of the whole for shares and scores out of a hundred, value × 5 / n for anything per customer and
    for sums. Of what is fitted: five times what one customer moves it, which is its standard error
    over √n. A mean of money of which one customer may hold half: as much as that one may add to it.
    The value goes to the nearest step, limits outwards, but not as far as nought; a share of some is
    not rounded to none or all. A figure with n = 0 is none of customers (a price, an exported
    total); one of fewer than eight is left
    for `disclosed` to withhold.
    """
    if not disclosure.enabled or estimate.n < SMALLEST_CELL:
        return estimate
    shown = replace(estimate, n=disclosure.count(estimate.n) or 0)
    least = _least_step(shown)
    if is_currency(shown.unit) and not _is_fitted(shown) and may_be_dominated(shown, disclosure):
        least = max(least, _most_of_one(shown))
    numbers = [shown.value, shown.lower, shown.upper]
    if _is_in_steps(numbers, least):
        return shown
    step = step_at_least(least)
    value = shown.value if shown.value in BOUNDS.get(shown.unit, ()) else to_step(shown.value, step)
    some = shown.unit == "share" and 0.0 < shown.value < 1.0 and not _is_fitted(shown)
    if some and value in (0.0, 1.0):
        value = to_step(abs(value - step), step)  # few are not none: whoever withholds few must see
    lower = None if shown.lower is None else to_step(shown.lower, step, -1)
    upper = None if shown.upper is None else to_step(shown.upper, step, 1)
    if _is_fitted(shown):  # what is told from nought stays told from nought
        lower = step if (shown.lower or 0.0) > 0.0 and lower == 0.0 else lower
        upper = -step if (shown.upper or 0.0) < 0.0 and upper == 0.0 else upper
    low, high = BOUNDS.get(shown.unit, (None, None))
    if low is not None and lower is not None and (shown.lower or 0.0) >= low > lower:
        lower = low
    if high is not None and upper is not None and (shown.upper or 0.0) <= high < upper:
        upper = high
    return replace(shown, value=value, lower=lower, upper=upper)


def in_steps(result: ResultT, disclosure: Disclosure) -> ResultT:
    """A study, or any part of one, with every estimate in it rounded; the rest is the same object."""
    if not disclosure.enabled:
        return result
    found: Any = result
    if isinstance(found, Estimate):
        return round_estimate(found, disclosure)  # type: ignore[return-value]
    if is_dataclass(found) and not isinstance(found, type):
        changed = {}
        for field in fields(found):
            old = getattr(found, field.name)
            new = in_steps(old, disclosure)
            if new is not old:
                changed[field.name] = new
        return replace(found, **changed) if changed else result  # type: ignore[return-value]
    if isinstance(found, Mapping):
        items = {key: in_steps(item, disclosure) for key, item in found.items()}
        same = all(items[key] is found[key] for key in found)
        return result if same else items  # type: ignore[return-value]
    if isinstance(found, (list, tuple)):
        parts = [in_steps(item, disclosure) for item in found]
        if all(new is old for new, old in zip(parts, found, strict=True)):
            return result
        named = hasattr(found, "_fields")
        return type(found)(*parts) if named else type(found)(parts)  # type: ignore[return-value]
    return result


def may_be_dominated(estimate: Estimate, disclosure: Disclosure) -> bool:
    """Whether one customer may make up half of a mean of money, told from its interval alone.

    Where one of n holds half of the sum, the standard error is at least (n/2 − 1) / √(n(n − 1)) of
    the mean: a smaller one rules it out.
    """
    n, value = estimate.n, abs(estimate.value)
    if not disclosure.enabled or n < SMALLEST_CELL or estimate.lower is None:
        return False
    error = ((estimate.upper or 0.0) - estimate.lower) / WIDTH_IN_ERRORS
    return error >= value * (n / 2 - 1) / math.sqrt(n * (n - 1))


def _most_of_one(estimate: Estimate) -> float:
    """The most that one customer can add to a mean whose interval alone is known.

    The square of one deviation is no more than the sum of all: (x − mean)² ≤ n (n − 1) error².
    """
    error = ((estimate.upper or 0.0) - (estimate.lower or 0.0)) / WIDTH_IN_ERRORS
    return error + abs(estimate.value) / max(estimate.n, 1)


def levels_in_steps(levels: Floats, n: int, disclosure: Disclosure) -> Floats:
    """Shares of n customers as they may be drawn: in steps of five customers."""
    if not disclosure.enabled:
        return levels
    step = step_at_least(ROUND_TO / max(n, FEWEST_TO_ROUND_BY))
    return np.round(np.round(levels / step) * step, 9)


def _is_fitted(estimate: Estimate) -> bool:
    """Whether a figure is fitted, with an interval that tells how far one customer moves it."""
    if estimate.lower is None or estimate.upper is None or estimate.method.startswith(COUNTED):
        return False
    width = estimate.upper - estimate.lower
    return math.isfinite(width) and width > 1e-9 * max(abs(estimate.value), 1.0)


def _least_step(estimate: Estimate) -> float:
    base = max(estimate.n, FEWEST_TO_ROUND_BY)
    if _is_fitted(estimate):
        error = ((estimate.upper or 0.0) - (estimate.lower or 0.0)) / WIDTH_IN_ERRORS
        return ROUND_TO * error / math.sqrt(base)
    finest = 0.01 if is_currency(estimate.unit) else FINEST
    full = FULL_SCALE.get(estimate.unit, abs(estimate.value))
    return max(ROUND_TO * full / base, finest)


def _is_in_steps(numbers: list[float | None], least: float) -> bool:
    """Whether the numbers stand in steps that are coarse enough already."""
    step = step_at_least(COARSE_ENOUGH * least)
    while step <= 2 * len(STEPS) * least:
        if all(
            number is None or abs(to_step(number, step) - number) <= 1e-9 * max(abs(number), step)
            for number in numbers
        ):
            return True
        step = step_at_least(step * 1.01)
    return False
