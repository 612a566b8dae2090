"""Figures as they may be published: so coarse that five customers more or less do not show.

Counts are published in fives. Were a figure per customer published to the last digit, a sum
divided by it would give the exact count again. So figures are rounded to steps (1, 2, 5 and some between)
no finer than what five customers more or less would change: value × 5 / n for what is counted
per customer or order, 5 / n for shares, 100 × 5 / n for the Net Promoter Score. Values go to the
nearest step, limits outwards. A sum of money is published in steps of at least what the largest
customer adds to it, so that no difference of two sums gives one customer's away; a share of
money in money holds no count and takes the step of its own size. Of fewer than twenty customers no
figure but a sum of money is published.
"""

from __future__ import annotations

from dataclasses import replace

from analysis.disclosure import (
    BOUNDS,
    FULL_SCALE,
    ROUND_TO,
    Disclosure,
    is_sum_of_money,
    printed_step,
    step_at_least,
    to_step,
)
from analysis.methods.estimate import Estimate

# Below, five customers are more than a quarter of all: what is left after rounding misleads.
FEWEST_FOR_A_RATE = 4 * ROUND_TO
CONTACT_RATE = "contacts per 100 orders"


def coarse_step(
    value: float, n: int, unit: str, of_money: bool = False, largest: float = 0.0
) -> float:
    """The step to publish in; 0 for a sum of money whose largest part is not known.

    of_money: whether a share is one of money. largest: the most that one customer adds to the
        value; a sum of money is published in steps of at least that.
    """
    if is_sum_of_money(unit):
        least = max(largest, ROUND_TO * abs(value) / max(n, 1), printed_step(unit))
        return step_at_least(least) if largest else 0.0
    full = abs(value) if of_money else FULL_SCALE.get(unit, abs(value))
    return step_at_least(max(ROUND_TO * full / max(n, 1), largest, printed_step(unit)))


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
    return not is_sum_of_money(estimate.unit) and 0 < estimate.n < FEWEST_FOR_A_RATE


def publishable(
    estimate: Estimate,
    disclosure: Disclosure,
    at: float | None = None,
    of_money: bool = False,
    largest: float = 0.0,
) -> Estimate:
    """An estimate as it may be published; unchanged where disclosure is off.

    at: the level that a difference is one of, whose step it takes. largest: the most that one
        customer adds to the level.
    """
    if not disclosure.enabled or not estimate.n:  # a ratio of exported sums holds no count
        return estimate
    size = estimate.value if at is None else at
    step = coarse_step(size, estimate.n, estimate.unit, of_money, largest)
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
