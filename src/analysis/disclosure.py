"""What may be published: small cells withheld, counts and figures rounded, dominated money withheld."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

SMALLEST_CELL = 8
ROUND_TO = 5
LARGEST_SHARE_OF_ONE = 0.5
AT_RISK_BLOCK = 6

# Those that go into the whole: a share and what is left of it are then rounded alike.
STEPS = (1, 2, 2.5, 4, 5, 8, 10)
FULL_SCALE = {
    "share": 1.0,
    "points": 100.0,
    "points of 100": 100.0,
    "contacts per 100 orders": 100.0,
}
BOUNDS = {"share": (0.0, 1.0), "points": (-100.0, 100.0), "points of 100": (0.0, 100.0)}


@dataclass(frozen=True, slots=True)
class Disclosure:
    """The rules of disclosure; with `enabled` False everything passes unchanged."""

    enabled: bool = True

    def suppressed(self, n: int) -> bool:
        """Whether a figure resting on n customers is withheld. Zero hides nobody."""
        return self.enabled and 0 < n < SMALLEST_CELL

    def count(self, n: int) -> int | None:
        """A count as it may be published: None below eight, else the nearest multiple of five."""
        if not self.enabled or n == 0:
            return n
        return None if n < SMALLEST_CELL else ROUND_TO * round(n / ROUND_TO)

    def share(self, events: int, n: int) -> float | None:
        """A rate from rounded counts; None where the base or the events are too few."""
        shown_events, shown_n = self.count(events), self.count(n)
        if not shown_n or shown_events is None:
            return None
        return min(shown_events / shown_n, 1.0)

    def dominated(self, amounts: Sequence[float]) -> bool:
        """Whether one customer makes up half of a sum of money or more."""
        if not self.enabled:
            return False
        import numpy as np

        sizes = np.abs(np.asarray(amounts, dtype=float))
        total = float(sizes.sum())
        return bool(total) and float(sizes.max()) >= LARGEST_SHARE_OF_ONE * total

    def money(self, amount: float, amounts: Sequence[float]) -> float | None:
        """A sum of money as it may be published, from what each customer adds to it.

        None where fewer than eight customers are behind it or one makes up half of it; else in
        steps of at least what the largest adds, and no finer than what five would change.
        """
        if not self.enabled:
            return amount
        sizes = [abs(one) for one in amounts if one]
        if not sizes:
            return to_step(amount, 1.0)
        if self.suppressed(len(sizes)) or self.dominated(sizes):
            return None
        return to_step(
            amount, step_at_least(max(max(sizes), ROUND_TO * abs(amount) / len(sizes), 0.01))
        )


def is_sum_of_money(unit: str) -> bool:
    """Whether a unit is a currency alone, not a currency per something."""
    return len(unit) == 3 and unit.isupper()


def printed_step(unit: str) -> float:
    """The last digit printed: per mille, tenths of a point, hundredths."""
    return 0.001 if unit == "share" else 0.1 if unit in BOUNDS else 0.01


def step_at_least(least: float) -> float:
    """The smallest of the steps (1, 2, 2.5, 4, 5, 8 × a power of ten) that is no finer."""
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
