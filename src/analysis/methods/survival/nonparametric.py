"""Survival curves and their comparison without a model, with delayed entry throughout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import holm, normal_quantile, p_value_chi_squared

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]

ONE_GROUP = "There is only one group to compare."
NO_EVENT = "Nobody has left, so leaving cannot be compared."


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """A Kaplan–Meier curve.

    times: distinct event times, months, ascending. survival: share still there after each.
    lower, upper: log-log limits. at_risk, events: at each time. n, n_events: in all.
    last_time: end of follow-up; nothing is said beyond it.
    """

    times: Floats
    survival: Floats
    lower: Floats
    upper: Floats
    at_risk: Ints
    events: Ints
    n: int
    n_events: int
    last_time: float
    confidence_level: float = 0.95

    def at(self, months: float) -> Estimate:
        """Survival at a time with its log-log interval.

        Raises CannotEstimate beyond follow-up: a flat line there would be an invention.
        """
        if months > self.last_time:
            raise CannotEstimate(f"Nobody was followed for {months:g} months.")
        place = int(np.searchsorted(self.times, months, side="right")) - 1
        if place < 0:
            return Estimate(1.0, None, None, "share", self.n, "Kaplan–Meier", self.confidence_level)
        return Estimate(
            float(self.survival[place]),
            float(self.lower[place]),
            float(self.upper[place]),
            "share",
            self.n,
            "Kaplan–Meier, log-log",
            self.confidence_level,
        )

    def median(self) -> Estimate:
        """First time at which half or fewer are left, limits by inverting the band.

        Raises CannotEstimate if more than half are left at the end of follow-up.
        """
        if not len(self.times) or self.survival[-1] > 0.5:
            raise CannotEstimate("More than half are still customers at the end of follow-up.")

        def first_below(values: Floats) -> float | None:
            below = np.flatnonzero(values <= 0.5)
            return float(self.times[below[0]]) if len(below) else None

        value = first_below(self.survival)
        assert value is not None
        return Estimate(
            value,
            first_below(self.lower),
            first_below(self.upper),
            "months",
            self.n,
            "Kaplan–Meier, band inverted",
            self.confidence_level,
        )

    def restricted_mean(self, horizon_months: float) -> Estimate:
        """Mean time as a customer within a horizon: the area under the curve, Greenwood's error.

        Raises CannotEstimate if the horizon lies beyond follow-up.
        """
        if horizon_months > self.last_time:
            raise CannotEstimate(f"Nobody was followed for {horizon_months:g} months.")
        inside = self.times < horizon_months
        edges = np.concatenate([[0.0], self.times[inside], [horizon_months]])
        levels = np.concatenate([[1.0], self.survival[inside]])
        areas = levels * np.diff(edges)
        after = np.cumsum(areas[::-1])[::-1][1:]
        at_risk, events = self.at_risk[inside], self.events[inside]
        left = at_risk - events
        # Where all at risk leave, nothing is left after it and the term vanishes.
        terms = np.where(left > 0, events / np.maximum(at_risk * left, 1), 0.0)
        error = float(np.sqrt((after**2 * terms).sum()))
        half = normal_quantile(self.confidence_level) * error
        value = float(areas.sum())
        return Estimate(
            value, value - half, value + half, "months", self.n,
            f"restricted mean to {horizon_months:g} months, Greenwood", self.confidence_level,
        )  # fmt: skip

    def at_risk_at(self, months: float, entry: Floats, exit_: Floats) -> int:
        """How many are under observation just before a time."""
        return int(((entry < months) | (months == 0)).astype(int) @ (exit_ >= months).astype(int))


def _at_risk(entry: Floats, exit_: Floats, times: Floats) -> Ints:
    """Under observation just before each of the sorted times."""
    entered = np.searchsorted(np.sort(entry), times, side="left")
    gone = np.searchsorted(np.sort(exit_), times, side="left")
    return (entered - gone).astype(np.int64)


def curve_of_risk_sets(
    times: Floats,
    at_risk: Ints,
    events: Ints,
    n: int,
    last_time: float,
    confidence_level: float = 0.95,
) -> SurvivalCurve:
    """The curve from the risk set at each distinct event time, however it was counted.

    Greenwood's variance; limits on the log-log scale (Kalbfleisch & Prentice).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        survival = np.asarray(np.cumprod(1 - events / at_risk), dtype=np.float64)
        left = at_risk - events
        greenwood = np.cumsum(np.where(left > 0, events / (at_risk * np.maximum(left, 1)), np.inf))
        spread = normal_quantile(confidence_level) * np.sqrt(greenwood) / np.log(survival)
        lower = np.where((survival > 0) & (survival < 1), survival ** np.exp(-spread), survival)
        upper = np.where((survival > 0) & (survival < 1), survival ** np.exp(spread), survival)
    return SurvivalCurve(
        times, survival, lower, upper, at_risk, events, n, int(events.sum()), last_time, confidence_level,
    )  # fmt: skip


def kaplan_meier(
    entry_months: Floats, exit_months: Floats, ended: Booleans, confidence_level: float = 0.95
) -> SurvivalCurve:
    """Kaplan–Meier estimate (1958), delayed entry honoured: at risk is who has entered before.

    entry_months, exit_months, ended: one entry per customer, exit after entry.
    Raises CannotEstimate if there is nobody.
    """
    if not len(exit_months):
        raise CannotEstimate("There is nobody to follow.")
    times, events = np.unique(exit_months[ended], return_counts=True)
    return curve_of_risk_sets(
        times,
        _at_risk(entry_months, exit_months, times),
        events.astype(np.int64),
        len(exit_months),
        float(exit_months.max()),
        confidence_level,
    )


@dataclass(frozen=True, slots=True)
class LogRank:
    """A log-rank test: statistic, degrees of freedom, p-value; observed and expected by group."""

    statistic: float
    degrees_of_freedom: int
    p_value: float
    observed: Floats
    expected: Floats


def log_rank_of_risk_sets(at_risk: Ints, events: Ints) -> LogRank:
    """The test from risk sets: groups × the times at which any of them has an event."""
    risk, lost = at_risk.astype(float), events.astype(float)
    n, d = risk.sum(axis=0), lost.sum(axis=0)
    expected = (risk * (d / n)).sum(axis=1)
    observed = lost.sum(axis=1)
    weight = np.where(n > 1, d * (n - d) / np.maximum(n - 1, 1), 0.0)
    share = risk / n
    covariance = np.diag((share * weight).sum(axis=1)) - (share * weight) @ share.T
    difference = (observed - expected)[:-1]
    degrees = len(risk) - 1
    statistic = float(difference @ np.linalg.pinv(covariance[:-1, :-1]) @ difference)
    return LogRank(statistic, degrees, p_value_chi_squared(statistic, degrees), observed, expected)


def log_rank(entry_months: Floats, exit_months: Floats, ended: Booleans, group: Ints) -> LogRank:
    """Log-rank test of equal hazards in groups 0 … G−1 (Mantel 1966), delayed entry honoured.

    Raises CannotEstimate with fewer than two groups or without events.
    """
    groups = np.unique(group)
    if len(groups) < 2:
        raise CannotEstimate(ONE_GROUP)
    times = np.unique(exit_months[ended])
    if not len(times):
        raise CannotEstimate(NO_EVENT)
    at_risk, events = [], []
    for g in groups:
        inside = group == g
        at_risk.append(_at_risk(entry_months[inside], exit_months[inside], times))
        lost = np.searchsorted(times, exit_months[inside & ended])
        events.append(np.bincount(lost, minlength=len(times)).astype(np.int64))
    return log_rank_of_risk_sets(np.stack(at_risk), np.stack(events))


def pairwise_log_rank(
    entry_months: Floats, exit_months: Floats, ended: Booleans, group: Ints
) -> dict[tuple[int, int], float]:
    """Holm-adjusted p-values of the log-rank test for every pair of groups."""
    levels = [int(level) for level in np.unique(group)]
    pairs = [(a, b) for i, a in enumerate(levels) for b in levels[i + 1 :]]
    raw = []
    for a, b in pairs:
        chosen = (group == a) | (group == b)
        try:
            test = log_rank(entry_months[chosen], exit_months[chosen], ended[chosen], group[chosen])
            raw.append(test.p_value)
        except CannotEstimate:
            raw.append(1.0)
    return dict(zip(pairs, holm(raw).tolist(), strict=True))
