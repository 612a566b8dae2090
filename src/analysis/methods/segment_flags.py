"""Which segments differ from the rest, with false alarms held however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.intervals import from_standard_error, holm, p_value_t
from analysis.methods.regression import Floats, Ints

FEWEST_CUSTOMERS = 8
SIGNIFICANCE = 0.05
METHOD = "difference of means, clustered by customer, Welch"


@dataclass(frozen=True, slots=True)
class SegmentFlag:
    """A segment's mean less that of all others; the interval is for this segment alone.

    customers: in the segment. mean: of its rows. p_value, adjusted_p_value: two-sided, Holm's over
    the segments compared. flagged: chance does not explain the difference.
    """

    segment: str
    mean: float
    difference: Estimate
    customers: int
    p_value: float
    adjusted_p_value: float
    flagged: bool


@dataclass(frozen=True, slots=True)
class SegmentFlags:
    """Segments compared, lowest adjusted p-value first; unavailable: (segment, reason)."""

    segments: tuple[SegmentFlag, ...]
    unavailable: tuple[tuple[str, NotEstimable], ...]

    @property
    def flagged(self) -> tuple[SegmentFlag, ...]:
        return tuple(segment for segment in self.segments if segment.flagged)


@dataclass(frozen=True, slots=True)
class _Pooled:
    """Clustered variance of a mean, times its rows, over all segments together."""

    variance_per_row: float
    degrees_of_freedom: int


def flag_segments(
    values: Floats,
    groups: Sequence[str],
    customers: Sequence[object] | None = None,
    unit: str = "points",
    confidence_level: float = 0.95,
) -> SegmentFlags:
    """Compare each segment with all rows outside it; adjust for their number (Holm 1979).

    values, groups, customers: one per row (n); rows without a value or a segment are left out.
    Rows of one customer count as one cluster, also where the customer is in several segments. The
    variance within a segment is at least what all segments together lead to expect: few answers
    that happen to agree are no proof of anything.
    Raises CannotEstimate with fewer than two segments of eight customers.
    """
    numbers = np.asarray(values, dtype=float)
    labels = np.asarray(["" if _is_gap(group) else str(group) for group in groups], dtype=object)
    whole = np.isfinite(numbers) & (labels != "")
    numbers, labels = numbers[whole], labels[whole]
    who = np.arange(len(whole)) if customers is None else _codes(customers)
    codes = np.unique(who[whole], return_inverse=True)[1]
    names = sorted(set(labels))
    if len(names) < 2:
        raise CannotEstimate("There is only one segment, so there is nothing to compare it with.")
    present = np.zeros((len(names), int(codes.max()) + 1))
    np.add.at(present, (np.searchsorted(names, labels.astype(str)), codes), 1)
    sizes = dict(zip(names, (present > 0).sum(axis=1).tolist(), strict=True))
    outside = ((present.sum(axis=0) - present) > 0).sum(axis=1).tolist()
    compared = [
        name
        for name, others in zip(names, outside, strict=True)
        if min(sizes[name], others) >= FEWEST_CUSTOMERS
    ]
    unavailable = tuple(
        (
            name,
            NotEstimable(f"Fewer than {FEWEST_CUSTOMERS} customers are in {name} or outside it."),
        )
        for name in names
        if name not in compared
    )
    if not compared:
        raise CannotEstimate(
            f"No segment has {FEWEST_CUSTOMERS} customers in it and as many outside."
        )
    pooled = _pooled(numbers, labels, codes, names)
    found = [
        _against_rest(numbers, labels == name, codes, pooled, unit, confidence_level)
        for name in compared
    ]
    adjusted = holm([p for _, _, p in found])
    segments = [
        SegmentFlag(name, mean, difference, sizes[name], p, float(q), bool(q <= SIGNIFICANCE))
        for name, (mean, difference, p), q in zip(compared, found, adjusted, strict=True)
    ]
    ranked = sorted(segments, key=lambda one: (one.adjusted_p_value, one.p_value, one.segment))
    return SegmentFlags(tuple(ranked), unavailable)


def _is_gap(group: object) -> bool:
    return group is None or group == "" or group != group  # a NaN differs from itself


def _codes(customers: Sequence[object]) -> Ints:
    known: dict[object, int] = {}
    return np.array([known.setdefault(who, len(known)) for who in customers], dtype=np.int64)


def _pooled(values: Floats, labels: np.ndarray, codes: Ints, names: list[str]) -> _Pooled:
    total, clusters = 0.0, 0
    for name in names:
        inside = labels == name
        sums = np.bincount(codes[inside], values[inside] - values[inside].mean())
        total += float(sums @ sums)
        clusters += int(np.count_nonzero(np.bincount(codes[inside])))
    degrees = max(clusters - len(names), 1)
    return _Pooled(total * clusters / degrees / len(values), degrees)


def _against_rest(
    values: Floats,
    inside: np.ndarray,
    codes: Ints,
    pooled: _Pooled,
    unit: str,
    confidence_level: float,
) -> tuple[float, Estimate, float]:
    """The segment's mean, its difference from the mean outside, and the p-value."""
    total = int(codes.max()) + 1
    means, moved, variances, degrees_of = [], [], [], []
    for part in (inside, ~inside):
        rows = int(part.sum())
        mean = float(values[part].mean())
        influence = np.bincount(codes[part], values[part] - mean, minlength=total) / rows
        clusters = int(np.count_nonzero(np.bincount(codes[part])))
        own = float(influence @ influence) * clusters / (clusters - 1)
        expected = pooled.variance_per_row / rows
        means.append(mean)
        moved.append(influence)
        variances.append(max(own, expected))
        degrees_of.append(clusters - 1 if own >= expected else pooled.degrees_of_freedom)
    covariance = float(moved[0] @ moved[1])  # of customers on both sides
    error = float(np.sqrt(max(sum(variances) - 2 * covariance, 0.0)))
    value = means[0] - means[1]
    if error == 0:
        degrees = float(min(degrees_of))
        p_value = 1.0 if value == 0 else 0.0
    else:
        # Welch (1947) and Satterthwaite (1946), clusters for observations.
        spread = sum(v * v / d for v, d in zip(variances, degrees_of, strict=True))
        degrees = sum(variances) ** 2 / spread
        p_value = p_value_t(value / error, degrees)
    estimate = from_standard_error(value, error, unit, total, METHOD, degrees, confidence_level)
    return means[0], estimate, p_value
