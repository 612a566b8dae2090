"""Takes each figure once per period, only where the exports cover it and it may be published."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np

from analysis.disclosure import Disclosure, is_sum_of_money
from analysis.methods.estimate import CannotEstimate, Estimate, Metric, NotEstimable, attempt
from analysis.methods.scorecard.level import Level, ReportPeriod, change_between
from analysis.methods.scorecard.measures import TREND_PERIODS, Measure
from analysis.methods.scorecard.rounding import coarse_step, publishable, too_few_for_a_rate


@dataclass(frozen=True, slots=True)
class LastMeasured:
    """A key figure without a level in this period: the last one it had, and its change.

    before: the period measured before that one; empty if there is none.
    """

    id: str
    period: str
    level: Estimate
    before: str
    change: Estimate | NotEstimable


def _released(measure: Measure, disclosure: Disclosure, period: ReportPeriod) -> Level:
    """A level that may be published. Raises CannotEstimate with the rule that forbids it."""
    level = measure.level(period)
    if disclosure.suppressed(level.estimate.n):
        raise CannotEstimate("Withheld: it rests on fewer than eight customers.")
    if disclosure.enabled and too_few_for_a_rate(level.estimate):
        raise CannotEstimate(
            "Withheld: of fewer than twenty customers no rate can be given without their number."
        )
    if level.amounts is not None and disclosure.dominated(level.amounts.tolist()):
        raise CannotEstimate("Withheld: one customer makes up half of it or more.")
    if _is_swallowed(level, disclosure):
        raise CannotEstimate(
            "Withheld: rounded as figures of few must be, it would read as none or as all."
        )
    return level


def _is_swallowed(level: Level, disclosure: Disclosure) -> bool:
    """Whether rounding makes none, or all, of what is neither.

    A score between −100 and 100 may be nought; a rate, or money, at nought would be read as none,
    a rate of one as all.
    """
    exact = level.estimate
    if exact.unit == "points":
        return False
    ends = (0.0, 1.0) if exact.unit == "share" else (0.0,)
    return exact.value not in ends and published_level(level, disclosure).value in ends


def largest_part(level: Level) -> float:
    """The most that one customer adds to a figure of money, in its unit; 0 for other figures."""
    unit = level.estimate.unit
    if is_sum_of_money(unit):
        return 0.0 if level.amounts is None else float(np.abs(level.amounts).max(initial=0.0))
    if not is_sum_of_money(unit.split(" per ")[0]) or level.numerator is None:
        return 0.0
    whole = 0.0 if level.denominator is None else abs(float(level.denominator.sum()))
    return float(np.abs(level.numerator).max(initial=0.0)) / whole if whole else 0.0


def published_level(level: Level, disclosure: Disclosure) -> Estimate:
    """A level as readers may see it: neither five customers more nor the largest one shows."""
    return publishable(
        level.estimate,
        disclosure,
        of_money=level.amounts is not None,
        largest=largest_part(level),
    )


def money_step(level: Level) -> float:
    """The step in which a sum of money is published."""
    estimate = level.estimate
    return coarse_step(estimate.value, estimate.n, estimate.unit, True, largest_part(level))


class Taker:
    """Levels exact, for further reckoning (`take`), and rounded, for readers (`metric`)."""

    def __init__(self, covered_from: dt.date | None, disclosure: Disclosure) -> None:
        self._from, self._disclosure = covered_from, disclosure
        self._taken: dict[tuple[str, str], Level | NotEstimable] = {}

    def covers(self, period: ReportPeriod) -> bool:
        """Whether the exports cover the period whole."""
        return self._from is None or period.first_day >= self._from

    def take(self, measure: Measure, period: ReportPeriod) -> Level | NotEstimable:
        """The exact level of a period, or why there is none."""
        if not self.covers(period):
            return NotEstimable(f"The exports do not cover {period.label}.")
        key = (measure.id, period.label)
        if key not in self._taken:
            self._taken[key] = attempt(_released, measure, self._disclosure, period)
        return self._taken[key]

    def _shown(self, level: Level | NotEstimable) -> Estimate | NotEstimable:
        if isinstance(level, NotEstimable):
            return level
        return published_level(level, self._disclosure)

    def _change(
        self, now: Level | NotEstimable, before: Level | NotEstimable
    ) -> Estimate | NotEstimable:
        change = attempt(change_between, now, before)
        if not isinstance(now, Level) or not isinstance(before, Level):
            return change
        assert isinstance(change, Estimate)
        size = max(abs(now.estimate.value), abs(before.estimate.value))
        most = max(largest_part(now), largest_part(before))
        shown = publishable(change, self._disclosure, size, now.amounts is not None, most)
        if self._disclosure.enabled and is_sum_of_money(change.unit):
            return self._between_published(shown, now, before)
        return shown

    def _between_published(self, change: Estimate, now: Level, before: Level) -> Estimate:
        """A change of a sum as the difference of the two that stand beside it, as readers reckon."""
        sums = [published_level(level, self._disclosure).value for level in (now, before)]
        value = round(sums[0] - sums[1], 2)
        lower = None if change.lower is None else min(change.lower, value)
        upper = None if change.upper is None else max(change.upper, value)
        return replace(change, value=value, lower=lower, upper=upper)

    def metric(self, measure: Measure, period: ReportPeriod, target: float | None) -> Metric:
        """A figure with its changes and trend, as readers may see it."""
        now = self.take(measure, period)
        previous = self.take(measure, period.previous)
        year_before = self.take(measure, period.year_before)
        past = [period.shifted(-back) for back in range(measure.trend - 1, -1, -1)]
        trend = [(p.label, self.take(measure, p)) for p in past if self.covers(p)]
        return Metric(
            id=measure.id,
            name=measure.name,
            now=self._shown(now),
            previous=self._shown(previous),
            change=self._change(now, previous),
            year_before=self._shown(year_before),
            change_on_year=self._change(now, year_before),
            trend=tuple((label, self._value(level)) for label, level in trend),
            higher_is_better=measure.higher_is_better,
            target=target,
        )

    def _value(self, level: Level | NotEstimable) -> float | None:
        shown = self._shown(level)
        return shown.value if isinstance(shown, Estimate) else None

    def last_measured(self, measure: Measure, period: ReportPeriod) -> LastMeasured | None:
        """The last level before this period, where this period has none; else None."""
        if isinstance(self.take(measure, period), Level):
            return None
        found: list[tuple[str, Level]] = []
        for back in range(1, TREND_PERIODS):
            level = self.take(measure, period.shifted(-back))
            if isinstance(level, Level):
                found.append((period.shifted(-back).label, level))
        if not found:
            return None
        label, level = found[0]
        shown = self._shown(level)
        assert isinstance(shown, Estimate)
        if len(found) == 1:
            nothing = NotEstimable(f"{measure.name} was not measured before {label}.")
            return LastMeasured(measure.id, label, shown, "", nothing)
        before, other = found[1]
        return LastMeasured(measure.id, label, shown, before, self._change(level, other))
