"""What this company's data say on a claim: the figure, where "none" lies, what it could miss."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from analysis.methods.estimate import Estimate, Label
from analysis.methods.intervals import normal_quantile, p_value_normal

POWER = 0.8


@dataclass(frozen=True, slots=True)
class Reading:
    """Ours.

    label: what kind of evidence. null: the value at which there is no difference; None where
    nothing is tested. direction: on which side of it the claim lies, +1 or −1. smallest: how far
    from it a figure must lie to matter, always positive (of ratios: on the log scale). is_ratio:
    judged on the log scale. asides: further figures by name. remark: a sentence that belongs
    beside the figure, or "".
    """

    estimate: Estimate
    label: Label
    null: float | None = 0.0
    direction: int = 1
    smallest: float = 0.0
    is_ratio: bool = False
    asides: dict[str, Estimate] = field(default_factory=dict)
    remark: str = ""

    def distance(self, value: float) -> float:
        """How far a value lies from no difference, positive where the claim lies."""
        assert self.null is not None
        if self.is_ratio:
            # A limit of zero is as far off as can be.
            return self.direction * (math.log(max(value, 1e-300)) - math.log(self.null))
        return self.direction * (value - self.null)

    def interval(self) -> tuple[float, float] | None:
        """Limits as distances from no difference, the lower first; None without an interval."""
        if self.estimate.lower is None or self.estimate.upper is None:
            return None
        ends = (self.distance(self.estimate.lower), self.distance(self.estimate.upper))
        return min(ends), max(ends)

    def value_at(self, distance: float) -> float:
        """The figure that lies at a distance from no difference."""
        assert self.null is not None
        if self.is_ratio:
            return self.null * math.exp(self.direction * distance)
        return self.null + self.direction * distance

    @property
    def standard_error(self) -> float | None:
        """From the interval; None where there is none."""
        ends = self.interval()
        if ends is None:
            return None
        return (ends[1] - ends[0]) / (2 * normal_quantile(self.estimate.confidence_level))

    @property
    def detectable(self) -> float | None:
        """Distance that is told from none in four of five samples like this one."""
        error = self.standard_error
        if error is None:
            return None
        return (normal_quantile() + normal_quantile(2 * POWER - 1)) * error

    @property
    def p_value(self) -> float | None:
        """Two-sided, of no difference, from the interval; None where nothing is tested."""
        if self.null is None:
            return None
        error = self.standard_error
        if not error:
            return None
        return p_value_normal(self.distance(self.estimate.value) / error)
