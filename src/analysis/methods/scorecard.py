"""The scorecard: satisfaction, retention and money of a period, with change and trend."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from analysis.disclosure import Disclosure
from analysis.errors import SettingsError
from analysis.methods.estimate import CannotEstimate, Estimate, Metric, NotEstimable, attempt
from analysis.methods.intervals import holm
from analysis.methods.revenue_split import (
    Reconciliation,
    RevenueFactors,
    RevenueSplit,
    reconcile,
    revenue_factors,
    split_revenue_change,
)
from analysis.methods.scorecard_levels import (
    NPS_SCALE,
    Level,
    ReportPeriod,
    change_between,
    change_p_value,
    frequency_level,
    instrument_rows,
    mean_level,
    order_value_level,
    promoter_level,
    refund_level,
    response_level,
    retention_level,
    top_two_level,
    total_level,
    transactions_of,
    within_period,
)

if TYPE_CHECKING:
    import pandas as pd

KEY_FIGURES = (
    "net-promoter-score", "csat-top-two", "retention", "revenue", "average-order-value",
)  # fmt: skip
TREND_PERIODS = 12


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of the scorecard and how it is taken in a period."""

    id: str
    name: str
    higher_is_better: bool | None
    level: Callable[[ReportPeriod], Level]


@dataclass(frozen=True, slots=True)
class AnswerCount:
    """Answers to an instrument in the period, and the customers they are of."""

    instrument: str
    answers: int
    customers: int


@dataclass(frozen=True, slots=True)
class Movement:
    """Whether a key figure moved. p_adjusted: for all key figures looked at (Holm)."""

    id: str
    p_value: float
    p_adjusted: float


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


@dataclass(frozen=True, slots=True)
class Scorecard:
    """All that notebook 01 shows. metrics: key figures first, in order, then the others.

    margin: gross margin of the period, in currency. split_…: exact parts of revenue's change.
    reconciliations: this period's (or why there is none), then those before it.
    """

    period: str
    previous: str
    year_before: str
    metrics: tuple[Metric, ...]
    key_figures: tuple[str, ...]
    movements: tuple[Movement, ...]
    last_measured: tuple[LastMeasured, ...]
    answers: tuple[AnswerCount, ...]
    margin: Metric
    split_on_previous: RevenueSplit | NotEstimable
    split_on_year: RevenueSplit | NotEstimable
    reconciliation: Reconciliation | NotEstimable
    reconciliations: tuple[Reconciliation, ...]

    def metric(self, id: str) -> Metric:
        """The metric with this id."""
        return next(metric for metric in self.metrics if metric.id == id)


def _released(measure: Measure, disclosure: Disclosure, period: ReportPeriod) -> Level:
    """A level that may be published. Raises CannotEstimate with the rule that forbids it."""
    level = measure.level(period)
    if disclosure.suppressed(level.estimate.n):
        raise CannotEstimate("Withheld: it rests on fewer than eight customers.")
    if level.amounts is not None and disclosure.dominated(level.amounts.tolist()):
        raise CannotEstimate("Withheld: one customer makes up half of it or more.")
    return level


class _Taker:
    """Takes each measure once per period, and only in periods that the exports cover whole."""

    def __init__(self, covered_from: dt.date | None, disclosure: Disclosure) -> None:
        self._from, self._disclosure = covered_from, disclosure
        self._taken: dict[tuple[str, str], Level | NotEstimable] = {}

    def covers(self, period: ReportPeriod) -> bool:
        return self._from is None or period.first_day >= self._from

    def take(self, measure: Measure, period: ReportPeriod) -> Level | NotEstimable:
        if not self.covers(period):
            return NotEstimable(f"The exports do not cover {period.label}.")
        key = (measure.id, period.label)
        if key not in self._taken:
            self._taken[key] = attempt(_released, measure, self._disclosure, period)
        return self._taken[key]

    def metric(self, measure: Measure, period: ReportPeriod, target: float | None) -> Metric:
        def estimate(level: Level | NotEstimable) -> Estimate | NotEstimable:
            return level.estimate if isinstance(level, Level) else level

        now = self.take(measure, period)
        previous = self.take(measure, period.previous)
        year_before = self.take(measure, period.year_before)
        past = [period.shifted(-back) for back in range(TREND_PERIODS - 1, -1, -1)]
        levels = [(p.label, self.take(measure, p)) for p in past if self.covers(p)]
        return Metric(
            id=measure.id,
            name=measure.name,
            now=estimate(now),
            previous=estimate(previous),
            change=attempt(change_between, now, previous),
            year_before=estimate(year_before),
            change_on_year=attempt(change_between, now, year_before),
            trend=tuple((t, x.estimate.value if isinstance(x, Level) else None) for t, x in levels),
            higher_is_better=measure.higher_is_better,
            target=target,
        )

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
        if len(found) == 1:
            nothing = NotEstimable(f"{measure.name} was not measured before {label}.")
            return LastMeasured(measure.id, label, level.estimate, "", nothing)
        before, other = found[1]
        change = change_between(level, other)
        return LastMeasured(measure.id, label, level.estimate, before, change)


def measures(
    customer_periods: pd.DataFrame,
    transactions: pd.DataFrame,
    surveys: pd.DataFrame,
    currency: str,
    scales: dict[str, tuple[float, float]],
) -> tuple[Measure, ...]:
    """All figures of the scorecard, in their usual order."""
    money, asked = transactions, surveys
    nps, csat = scales.get("nps", NPS_SCALE), scales.get("csat", (1.0, 5.0))
    return (
        Measure("net-promoter-score", "Net Promoter Score", True, partial(promoter_level, asked, nps)),
        Measure("csat-top-two", "CSAT, two top answers", True, partial(top_two_level, asked, csat)),
        Measure("retention", "Retention", True, partial(retention_level, customer_periods)),
        Measure("revenue", "Revenue", True, partial(total_level, money, "amount", currency)),
        Measure("average-order-value", "Order value", True, partial(order_value_level, money, currency)),
        Measure("csat-mean", "CSAT, mean", True, partial(mean_level, asked, csat)),
        Measure("orders-per-customer", "Orders per customer", True, partial(frequency_level, money)),
        Measure("refund-share", "Refunds, share of money", False, partial(refund_level, money)),
        Measure("response-rate-csat", "CSAT response rate", True, partial(response_level, asked, "csat")),
        Measure("response-rate-nps", "NPS response rate", True, partial(response_level, asked, "nps")),
    )  # fmt: skip


def _ordered(found: tuple[Measure, ...], keys: tuple[str, ...]) -> list[Measure]:
    by_id = {measure.id: measure for measure in found}
    unknown = [key for key in keys if key not in by_id]
    if unknown:
        raise SettingsError(
            f"key_figures: there is no figure {', '.join(map(repr, unknown))}; "
            f"valid are {', '.join(sorted(by_id))}"
        )
    keys = tuple(dict.fromkeys(keys))
    return [by_id[key] for key in keys] + [m for m in found if m.id not in keys]


def _movements(
    taker: _Taker, key_measures: list[Measure], period: ReportPeriod
) -> tuple[Movement, ...]:
    tested: list[tuple[str, float]] = []
    for measure in key_measures:
        levels = taker.take(measure, period), taker.take(measure, period.previous)
        p_value = attempt(change_p_value, *levels)
        if not isinstance(p_value, NotEstimable):
            tested.append((measure.id, p_value))
    adjusted = holm([p for _, p in tested])
    return tuple(Movement(id, p, float(q)) for (id, p), q in zip(tested, adjusted, strict=True))


def study_scorecard(
    period: ReportPeriod,
    customer_periods: pd.DataFrame,
    transactions: pd.DataFrame,
    surveys: pd.DataFrame,
    settings: Any,
    disclosure: Disclosure,
    segment: str = "",
) -> Scorecard:
    """All that notebook 01 shows, from the tables as of the period's end.

    settings: currency, scales, targets, key_figures, control_totals, covers, economics of the data
    set. segment: not empty if the tables are of a part of the customers only; control totals are
    of all, so none is compared then. Raises SettingsError for a key figure that does not exist.
    """
    taker = _Taker(settings.covers.first if settings.covers else None, disclosure)
    keys = tuple(settings.key_figures) or KEY_FIGURES
    found = measures(customer_periods, transactions, surveys, settings.currency, settings.scales)
    chosen = _ordered(found, keys)
    revenue = next(measure for measure in found if measure.id == "revenue")

    def factors(which: ReportPeriod) -> RevenueFactors | NotEstimable:
        level = taker.take(revenue, which)
        if isinstance(level, NotEstimable):
            return level
        return revenue_factors(transactions_of(transactions, which))

    def checked(which: ReportPeriod) -> Reconciliation | NotEstimable:
        if segment:
            return NotEstimable("Control totals are of all customers; none is compared here.")
        declared = settings.control_totals.get("revenue", {})
        return attempt(reconcile, which.label, factors(which), declared)

    def counted(instrument: str) -> AnswerCount | NotEstimable:
        def count() -> AnswerCount:
            rows = instrument_rows(surveys, instrument)
            answers = within_period(rows[rows["score"].notna()], "answered_on", period)
            return AnswerCount(instrument, len(answers), int(answers["customer_id"].nunique()))

        return attempt(count)

    key_measures = chosen[: len(set(keys))]
    earlier = [taker.last_measured(measure, period) for measure in key_measures]
    past = [checked(period.shifted(-back)) for back in range(1, TREND_PERIODS)]
    return Scorecard(
        period=period.label,
        previous=period.previous.label,
        year_before=period.year_before.label,
        metrics=tuple(taker.metric(m, period, settings.targets.get(m.id)) for m in chosen),
        key_figures=tuple(dict.fromkeys(keys)),
        movements=_movements(taker, key_measures, period),
        last_measured=tuple(found for found in earlier if found),
        answers=tuple(c for c in map(counted, ("csat", "nps")) if isinstance(c, AnswerCount)),
        margin=taker.metric(_margin_measure(transactions, settings), period, None),
        split_on_previous=attempt(split_revenue_change, factors(period.previous), factors(period)),
        split_on_year=attempt(split_revenue_change, factors(period.year_before), factors(period)),
        reconciliation=checked(period),
        reconciliations=tuple(r for r in past if isinstance(r, Reconciliation)),
    )


def _margin_measure(transactions: pd.DataFrame, settings: Any) -> Measure:
    """Gross margin: as exported, else the declared share of the amount."""
    if not transactions.empty:
        margin = transactions["amount"] * settings.economics.gross_margin
        if "margin" in transactions.columns:
            margin = transactions["margin"].fillna(margin)
        transactions = transactions.assign(margin=margin)
    level = partial(total_level, transactions, "margin", settings.currency)
    return Measure("gross-margin", "Gross margin", True, level)
