"""Figures as they may be published: so coarse that five customers more or less do not show.

Counts are published in fives. Were a figure per customer published to the last digit, a sum
divided by it would give the exact count again. So figures are rounded to steps (1, 2, 5 and some between)
no finer than what five customers more or less would change: value × 5 / n for what is counted
per customer or order, 5 / n for shares, 100 × 5 / n for the Net Promoter Score. Values go to the
nearest step, limits outwards. Sums of money stay exact, as the books publish them; a share of
money in money holds no count and takes the step of its own size. Of fewer than twenty customers no
figure but a sum of money is published.
"""

from __future__ import annotations

import math
from dataclasses import replace

from analysis.disclosure import ROUND_TO, Disclosure
from analysis.methods.estimate import Estimate

# Below, five customers are more than a quarter of all: what is left after rounding misleads.
FEWEST_FOR_A_RATE = 4 * ROUND_TO
CONTACT_RATE = "contacts per 100 orders"
# Those that go into the whole: a share and what is left of it are then rounded alike.
STEPS = (1, 2, 2.5, 4, 5, 8, 10)
FULL_SCALE = {"share": 1.0, "points": 100.0, "points of 100": 100.0, CONTACT_RATE: 100.0}
BOUNDS = {"share": (0.0, 1.0), "points": (-100.0, 100.0), "points of 100": (0.0, 100.0)}


def coarse_step(value: float, n: int, unit: str, of_money: bool = False) -> float:
    """The step to publish in; 0 for sums of money, which stay as they are.

    of_money: whether a share is one of money.
    """
    if len(unit) == 3 and unit.isupper():
        return 0.0
    largest = abs(value) if of_money else FULL_SCALE.get(unit, abs(value))
    least = max(ROUND_TO * largest / max(n, 1), printed_step(unit))  # no finer than printed
    power = 10.0 ** math.floor(math.log10(least))
    return next(
        step * power
        for step in STEPS
        if step * power >= least * (1 - 1e-12) and _goes_into(step * power)
    )


def _goes_into(step: float) -> bool:
    """Whether one (or, for larger steps, a hundred) is a multiple of the step."""
    whole = 1.0 if step <= 1 else 10.0 ** math.ceil(math.log10(step) + 1)
    return abs(whole / step - round(whole / step)) < 1e-9


def printed_step(unit: str) -> float:
    """The last digit printed: per mille, tenths of a point, hundredths."""
    return 0.001 if unit == "share" else 0.1 if unit in BOUNDS else 0.01


def as_printed(estimate: Estimate) -> Estimate:
    """A figure that holds no count, to the last digit printed; limits outwards."""
    step = printed_step(estimate.unit)
    return replace(
        estimate,
        value=to_step(estimate.value, step),
        lower=None if estimate.lower is None else to_step(estimate.lower, step, -1),
        upper=None if estimate.upper is None else to_step(estimate.upper, step, 1),
    )


def too_few_for_a_rate(estimate: Estimate) -> bool:
    """Whether a figure, rounded so far, would mislead. Sums of money and n = 0 (exported) do not."""
    is_sum = len(estimate.unit) == 3 and estimate.unit.isupper()
    return not is_sum and 0 < estimate.n < FEWEST_FOR_A_RATE


def to_step(value: float, step: float, towards: int = 0) -> float:
    """The nearest multiple of a step; the next below (−1) or above (1) if told so."""
    if not step:
        return value
    steps = value / step
    whole = round(steps)
    if towards and abs(steps - whole) > 1e-9:
        whole = math.floor(steps) if towards < 0 else math.ceil(steps)
    # Through the step's own decimals: .1 × 3 would leave its mark in the last digit.
    decimals = max(0, 1 - math.floor(math.log10(step)))
    return round(whole * step, decimals) + 0.0


def publishable(
    estimate: Estimate,
    disclosure: Disclosure,
    at: float | None = None,
    of_money: bool = False,
) -> Estimate:
    """An estimate as it may be published; unchanged where disclosure is off.

    at: the level that a difference is one of, whose step it takes.
    """
    if not disclosure.enabled or not estimate.n:  # a ratio of exported sums holds no count
        return estimate
    size = estimate.value if at is None else at
    step = coarse_step(size, estimate.n, estimate.unit, of_money)
    numbers = [
        to_step(estimate.value, step),
        None if estimate.lower is None else to_step(estimate.lower, step, -1),
        None if estimate.upper is None else to_step(estimate.upper, step, 1),
    ]
    if estimate.unit in BOUNDS and at is None:
        low, high = BOUNDS[estimate.unit]
        numbers = [None if x is None else min(max(x, low), high) for x in numbers]
        if estimate.value in (low, high):  # all or none, which no step may blur
            numbers[0] = estimate.value
    value, lower, upper = numbers
    assert value is not None
    return replace(estimate, value=value, lower=lower, upper=upper)
