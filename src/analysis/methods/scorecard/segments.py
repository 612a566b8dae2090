"""Segments that differ from all others by more than chance, allowing for how many were looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate
from analysis.methods.intervals import from_standard_error, holm, p_value_t
from analysis.methods.scorecard.level import Floats, Level
from analysis.methods.scorecard.mix import MISSING, segment_of
from analysis.methods.scorecard.rounding import publishable

FEWEST_CUSTOMERS = 30
FLAGGED_P_VALUE = 0.05


@dataclass(frozen=True, slots=True)
class SegmentFlag:
    """A segment whose figure differs from that of all other customers.

    column, value: the segment. level, others: both levels, exact, not
    for publication. difference: of the two, with its unadjusted interval.
    p_adjusted: for all segments and figures looked at (Holm).
    """

    id: str
    name: str
    column: str
    value: str
    level: float
    others: float
    difference: Estimate
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class SegmentReading:
    """Flags, most certain first, and how many comparisons were made."""

    flags: tuple[SegmentFlag, ...]
    compared: int


def _compare(level: Level, inside: np.ndarray) -> tuple[float, float, float, float] | None:
    """Level inside and outside, error of the difference, degrees of freedom (Welch).

    The larger of the errors with separate and with common variance: a group in which all are alike
    has a variance of zero by its own account. None where either side is too small.
    """
    assert level.numerator is not None
    assert level.denominator is not None
    found: list[tuple[float, Floats, float]] = []
    for side in (inside, ~inside):
        base = level.denominator[side]
        if side.sum() < FEWEST_CUSTOMERS or not base.sum() > 0:
            return None
        mean = float(level.numerator[side].sum() / base.sum())
        found.append((mean, (level.numerator[side] - mean * base) / base.mean(), float(side.sum())))
    (here, pulls_a, n_a), (there, pulls_b, n_b) = found
    a, b = (float((p**2).sum()) / (n - 1) / n for _, p, n in found)
    common = float((pulls_a**2).sum() + (pulls_b**2).sum()) / (n_a + n_b - 2)
    error = math.sqrt(max(a + b, common * (1 / n_a + 1 / n_b)))
    if not error:
        return None
    freedom = (a + b) ** 2 / (a**2 / (n_a - 1) + b**2 / (n_b - 1)) if a + b > 0 else n_a - 1
    return here, there, error, freedom


def _published(flag: SegmentFlag, disclosure: Disclosure) -> SegmentFlag:
    size = max(abs(flag.level), abs(flag.others))
    return replace(flag, difference=publishable(flag.difference, disclosure, at=size))


def flag_segments(
    levels: Sequence[tuple[str, str, Level]],
    groups: Mapping[str, Mapping[str, str]],
    disclosure: Disclosure,
) -> SegmentReading:
    """Compare each segment with all others in each figure (Welch), and flag by Holm.

    levels: id, name and level of each figure; those that are no ratio over customers are passed
    over. groups: by column, each customer's segment. Of two segments only one is compared.
    """
    looked_at: list[tuple[SegmentFlag, float]] = []
    for id, name, level in levels:
        if level.numerator is None:
            continue
        for column, group_of in groups.items():
            own = segment_of(level.customers, group_of).astype(str)
            values = [value for value in np.unique(own) if value != MISSING]
            for value in values[:1] if len(values) == 2 else values:
                found = _compare(level, own == value)
                if found is None:
                    continue
                here, there, error, freedom = found
                difference = from_standard_error(
                    here - there, error, level.estimate.unit, int((own == value).sum()),
                    "difference from all others, Welch", freedom,
                )  # fmt: skip
                p = p_value_t((here - there) / error, freedom)
                flag = SegmentFlag(id, name, column, str(value), here, there, difference, p)
                looked_at.append((flag, p))
    adjusted = holm([p for _, p in looked_at])
    flags = [
        SegmentFlag(f.id, f.name, f.column, f.value, f.level, f.others, f.difference, float(p))
        for (f, _), p in zip(looked_at, adjusted, strict=True)
        if p < FLAGGED_P_VALUE
    ]
    flags = [_published(flag, disclosure) for flag in flags]
    flags.sort(key=lambda flag: (flag.p_adjusted, flag.id, flag.column, flag.value))
    return SegmentReading(tuple(flags), len(looked_at))
