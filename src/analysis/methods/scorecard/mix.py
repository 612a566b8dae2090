"""Whether a figure moved, or only the mix of customers behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.disclosure import Disclosure
from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import from_standard_error
from analysis.methods.scorecard.level import Floats, Level
from analysis.methods.scorecard.rounding import publishable

Ints = NDArray[np.int64]

MISSING = "(missing)"


@dataclass(frozen=True, slots=True)
class MixSplit:
    """The change of a figure in two parts that add up to it.

    total: the change. mix: what shares of the segments that grew or shrank account for, each
    segment valued at the mean of its two levels. within: what levels within the segments account
    for, each segment at the mean of its two shares. groups: how many segments.
    """

    total: float
    mix: Estimate
    within: Estimate
    groups: int


def published_mix(split: MixSplit, level: float, disclosure: Disclosure) -> MixSplit:
    """The parts as they may be published, still adding up. level: that of the figure."""
    if not disclosure.enabled:
        return split
    mix = publishable(split.mix, disclosure, at=level)
    within = publishable(split.within, disclosure, at=level)
    return replace(split, total=mix.value + within.value, mix=mix, within=within)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Shares and levels by group (G), and what customers (n) pull them by."""

    share: Floats
    level: Floats
    code: Ints
    weight: Floats
    residual: Floats

    def pulls(self, by_share: Floats, by_level: Floats) -> Floats:
        """Influence of customers (n) on a figure with these derivatives (G each)."""
        on_share = self.weight * (by_share[self.code] - self.share @ by_share)
        return np.asarray(on_share + self.residual * by_level[self.code])


def segment_of(customers: NDArray[Any], group_of: Mapping[str, str]) -> NDArray[Any]:
    """The segment of each customer, MISSING where none is known."""
    import pandas as pd

    found = pd.Series(customers, dtype=object).map(group_of)
    return found.astype(object).where(found.notna(), MISSING).to_numpy(object)


def split_by_mix(now: Level, before: Level, group_of: Mapping[str, str]) -> MixSplit:
    """Split a change exactly by the midpoint: Σ Δw·m̄ (mix) + Σ w̄·Δm (within).

    A figure is Σ w m over segments: w the segment's share of what is divided by, m its level. A
    segment that is there in one of the periods only counts wholly as mix. group_of: each
    customer's segment; customers without one make a segment of their own. Intervals count
    customers who are in both periods once. Raises CannotEstimate: a figure that is not a ratio,
    or one segment only.
    """
    parts = [_check(level) for level in (now, before)]
    owns = [segment_of(level.customers, group_of) for level in (now, before)]
    groups, code = np.unique(np.concatenate(owns).astype(str), return_inverse=True)
    codes = np.split(code, [len(owns[0])])
    if len(groups) < 2:
        raise CannotEstimate(
            "All customers counted are of one segment, so there is no mix to change."
        )
    a, b = (_by_group(*part, own, len(groups)) for part, own in zip(parts, codes, strict=True))
    level_a = np.where(np.isnan(a.level), b.level, a.level)
    level_b = np.where(np.isnan(b.level), a.level, b.level)
    mean_level, mean_share = (level_a + level_b) / 2, (a.share + b.share) / 2
    rise, shift = level_a - level_b, a.share - b.share
    mix, within = float(shift @ mean_level), float(mean_share @ rise)

    def estimate(value: float, now_pulls: Floats, before_pulls: Floats) -> Estimate:
        _, here, there = np.intersect1d(now.customers, before.customers, True, return_indices=True)
        variance = float((now_pulls**2).sum()) + float((before_pulls**2).sum())
        variance += 2 * float((now_pulls[here] * before_pulls[there]).sum())
        n = min(now.estimate.n, before.estimate.n)
        error = math.sqrt(max(variance, 0.0))
        if error <= 1e-12 * max(abs(value), 1.0):  # all alike: no spread to judge by
            return Estimate(value, None, None, now.estimate.unit, n, "midpoint")
        return from_standard_error(value, error, now.estimate.unit, n, "midpoint, linearised")

    # Derivatives of Σ Δw·m̄ and of Σ w̄·Δm by the shares and levels of either period.
    return MixSplit(
        total=mix + within,
        mix=estimate(mix, a.pulls(mean_level, shift / 2), b.pulls(-mean_level, shift / 2)),
        within=estimate(within, a.pulls(rise / 2, mean_share), b.pulls(rise / 2, -mean_share)),
        groups=len(groups),
    )


def _check(level: Level) -> tuple[Floats, Floats]:
    if level.numerator is None or level.denominator is None:
        raise CannotEstimate("The figure is no mean over customers, so it has no mix.")
    return level.numerator, level.denominator


def _by_group(numerator: Floats, denominator: Floats, code: Ints, n_groups: int) -> _Parts:
    base = denominator.sum()
    weights = np.bincount(code, denominator, minlength=n_groups)
    sums = np.bincount(code, numerator, minlength=n_groups)
    level = np.divide(sums, weights, out=np.full(n_groups, np.nan), where=weights > 0)
    # Customers lie closer to their own segment's level than to the true one: n / (n − 1).
    count = np.bincount(code, minlength=n_groups)
    spread = np.sqrt(count / np.maximum(count - 1, 1)) / np.where(weights > 0, weights, 1.0)
    residual = (numerator - denominator * np.nan_to_num(level)[code]) * spread[code]
    return _Parts(weights / base, level, code, denominator / base, residual)
