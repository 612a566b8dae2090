"""What may be published: small cells suppressed, counts rounded, dominated money withheld."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SMALLEST_CELL = 8
ROUND_TO = 5
LARGEST_SHARE_OF_ONE = 0.5
AT_RISK_BLOCK = 6


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
        total = sum(abs(amount) for amount in amounts)
        if not self.enabled or not total:
            return False
        return max(abs(amount) for amount in amounts) >= LARGEST_SHARE_OF_ONE * total
