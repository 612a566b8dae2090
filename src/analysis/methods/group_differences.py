"""Differences between separate groups of customers, with p-values for many comparisons."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from analysis.methods.estimate import Estimate
from analysis.methods.intervals import from_standard_error, holm, p_value_normal, p_value_t


class GroupValue(NamedTuple):
    """One group's figure: standard_error in its unit; degrees_of_freedom None for a normal one."""

    name: str
    value: float
    standard_error: float
    n: int
    degrees_of_freedom: float | None = None


@dataclass(frozen=True, slots=True)
class GroupDifference:
    """`first` less `second`, in the figure's unit; the interval is for this pair alone.

    p_value: two-sided, for this pair alone. adjusted_p_value: Holm's, over all pairs compared.
    """

    first: str
    second: str
    difference: Estimate
    p_value: float
    adjusted_p_value: float


def _compare(first: GroupValue, second: GroupValue, unit: str, method: str) -> GroupDifference:
    of_first, of_second = first.standard_error**2, second.standard_error**2
    error = (of_first + of_second) ** 0.5
    degrees = None
    if first.degrees_of_freedom is not None and second.degrees_of_freedom is not None:
        # Welch (1947) and Satterthwaite (1946).
        spread = of_first**2 / first.degrees_of_freedom + of_second**2 / second.degrees_of_freedom
        degrees = (of_first + of_second) ** 2 / spread if spread else first.degrees_of_freedom
    value = first.value - second.value
    if error:
        score = value / error
        p_value = p_value_normal(score) if degrees is None else p_value_t(score, degrees)
    else:
        p_value = 1.0 if value == 0 else 0.0
    estimate = from_standard_error(value, error, unit, first.n + second.n, method, degrees)
    return GroupDifference(first.name, second.name, estimate, p_value, p_value)


def group_differences(
    groups: tuple[GroupValue, ...], unit: str, method: str, against_largest: bool = False
) -> tuple[GroupDifference, ...]:
    """Every pair of groups, or each against the largest, with Holm-adjusted p-values.

    The groups share no customer. Degrees of freedom, where given, after Welch and Satterthwaite.
    Fewer than two groups give no difference.
    """
    if len(groups) < 2:
        return ()
    if against_largest:
        largest = max(groups, key=lambda group: (group.n, group.name))
        pairs = [(group, largest) for group in groups if group is not largest]
    else:
        pairs = [(a, b) for i, a in enumerate(groups) for b in groups[i + 1 :]]
    found = [_compare(first, second, unit, method) for first, second in pairs]
    adjusted = holm([pair.p_value for pair in found])
    return tuple(
        replace(pair, adjusted_p_value=float(p)) for pair, p in zip(found, adjusted, strict=True)
    )
