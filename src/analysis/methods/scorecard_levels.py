"""The figures of the scorecard, each taken in one period, and the change between two.

Each level carries, per customer, how far that customer pulls it (its influence function), so that
the interval of a change counts customers who are in both periods once, with their covariance.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import (
    from_standard_error,
    net_promoter_score,
    p_value_normal,
    wilson,
)

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

NPS_SCALE = (0.0, 10.0)
PROMOTER_FROM, DETRACTOR_TO = 9, 6


class ReportPeriod(Protocol):
    """A quarter or month that knows its neighbours."""

    @property
    def label(self) -> str: ...
    @property
    def first_day(self) -> dt.date: ...
    @property
    def last_day(self) -> dt.date: ...
    @property
    def previous(self) -> ReportPeriod: ...
    @property
    def year_before(self) -> ReportPeriod: ...
    def shifted(self, periods: int, /) -> ReportPeriod: ...


@dataclass(frozen=True, slots=True)
class Level:
    """A figure of one period with its influence function.

    customers: ids, each once, sorted. influence: how far each pulls the figure, in its unit; the
    sum of squares estimates the variance. amounts: money per customer, for the dominance rule.
    """

    estimate: Estimate
    customers: NDArray[Any]
    influence: Floats
    amounts: Floats | None = None


def within_period(frame: pd.DataFrame, column: str, period: ReportPeriod) -> pd.DataFrame:
    """Rows whose date lies in the period, first and last day included."""
    days = frame[column]
    after = days >= np.datetime64(period.first_day)
    return frame[after & (days < np.datetime64(period.last_day + dt.timedelta(days=1)))]


def instrument_rows(surveys: pd.DataFrame, instrument: str) -> pd.DataFrame:
    """Rows of one instrument; an anonymous answer stands for a customer of its own."""
    if surveys.empty or "score" not in surveys.columns:
        raise CannotEstimate("The exports hold no surveys with a score.")
    rows = surveys[surveys["instrument"] == instrument]
    if rows.empty:
        raise CannotEstimate(f"The exports hold no {instrument.upper()} survey.")
    own = rows["response_id"].map("answer {}".format)
    named = rows["customer_id"] if "customer_id" in rows.columns else own
    return rows.assign(customer_id=named.where(named.notna(), own))


def last_answers(surveys: pd.DataFrame, instrument: str, period: ReportPeriod) -> pd.DataFrame:
    """The last answer of each customer in the period: customer_id, score, sorted by customer.

    Raises CannotEstimate where nobody answered, or where nobody was asked in the period: late
    answers to an earlier wave are no measurement of their own.
    """
    rows = instrument_rows(surveys, instrument)
    dated = "invited_on" in rows.columns and rows["invited_on"].notna().any()
    if dated and within_period(rows, "invited_on", period).empty:
        raise CannotEstimate(f"No {instrument.upper()} survey was sent in {period.label}.")
    answered = within_period(rows[rows["score"].notna()], "answered_on", period)
    if answered.empty:
        raise CannotEstimate(f"Nobody answered the {instrument.upper()} survey in {period.label}.")
    ordered = answered.sort_values(["customer_id", "answered_on", "response_id"], kind="stable")
    return ordered.drop_duplicates("customer_id", keep="last")


def promoter_level(
    surveys: pd.DataFrame, scale: tuple[float, float], period: ReportPeriod
) -> Level:
    """NPS in points: 9 and 10 less 0 to 6, adjusted Wald interval. Raises CannotEstimate."""
    if tuple(map(float, scale)) != NPS_SCALE:
        raise CannotEstimate("A Net Promoter Score needs answers on the scale from 0 to 10.")
    answers = last_answers(surveys, "nps", period)
    score = answers["score"].to_numpy(float)
    vote = np.where(score >= PROMOTER_FROM, 1.0, np.where(score <= DETRACTOR_TO, -1.0, 0.0))
    estimate = net_promoter_score(*(int((vote == side).sum()) for side in (1, 0, -1)))
    influence = 100 * (vote - vote.mean()) / len(vote)
    return Level(estimate, answers["customer_id"].to_numpy(), influence)


def _share_level(event: NDArray[np.bool_], customers: NDArray[Any]) -> Level:
    n = len(event)
    return Level(wilson(int(event.sum()), n), customers, (event - event.mean()) / n)


def top_two_level(surveys: pd.DataFrame, scale: tuple[float, float], period: ReportPeriod) -> Level:
    """Share of customers whose last CSAT is one of the two top answers. Raises CannotEstimate."""
    if scale[1] - scale[0] < 2:
        raise CannotEstimate("The CSAT scale is too short for a share of the two top answers.")
    answers = last_answers(surveys, "csat", period)
    top = answers["score"].to_numpy(float) >= scale[1] - 1
    return _share_level(top, answers["customer_id"].to_numpy())


def mean_level(surveys: pd.DataFrame, scale: tuple[float, float], period: ReportPeriod) -> Level:
    """Mean of customers' last CSAT with a t interval inside the scale. Raises CannotEstimate."""
    answers = last_answers(surveys, "csat", period)
    score = answers["score"].to_numpy(float)
    level = _ratio_level(
        answers["customer_id"].to_numpy(), score, np.ones(len(score)), "CSAT points", "mean, t"
    )
    return replace(level, estimate=_bounded(level.estimate, *scale))


def _ratio_level(
    customers: NDArray[Any],
    numerator: Floats,
    denominator: Floats,
    unit: str,
    method: str = "ratio, linearised by customer",
    largest: float = math.inf,
) -> Level:
    """Σ numerator / Σ denominator over customers, interval by linearisation, not below zero."""
    value = float(numerator.sum() / denominator.sum())
    influence = (numerator - value * denominator) / denominator.sum()
    g = len(customers)
    error = math.sqrt(float((influence**2).sum()) * g / (g - 1)) if g > 1 else 0.0
    if error <= 1e-12 * abs(value):  # all alike: no spread to judge by
        return Level(Estimate(value, None, None, unit, g, method), customers, influence)
    estimate = from_standard_error(value, error, unit, g, method, g - 1)
    return Level(_bounded(estimate, 0.0, largest), customers, influence)


def _bounded(estimate: Estimate, smallest: float, largest: float) -> Estimate:
    """An estimate whose interval keeps to values that can occur."""
    if estimate.lower is None or estimate.upper is None:
        return estimate
    return replace(
        estimate, lower=max(estimate.lower, smallest), upper=min(estimate.upper, largest)
    )


def retention_level(customer_periods: pd.DataFrame, period: ReportPeriod) -> Level:
    """(Customers at the end − new) / customers at the start, Wilson interval.

    Those who joined within the period are new, whether or not they stayed. Raises CannotEstimate.
    """
    if customer_periods.empty:
        raise CannotEstimate("Retention needs customers with dates of start and end.")
    if not customer_periods["left"].any():
        raise CannotEstimate(
            "No customer is recorded as lost in any period: either nobody left, or losses are not "
            "recorded."
        )
    rows = customer_periods[customer_periods["period"] == period.label]
    if rows.empty:
        raise CannotEstimate(f"There was no customer when {period.label} opened.")
    rows = rows.sort_values("customer_id", kind="stable").drop_duplicates("customer_id")
    return _share_level(~rows["left"].to_numpy(bool), rows["customer_id"].to_numpy())


def transactions_of(transactions: pd.DataFrame, period: ReportPeriod) -> pd.DataFrame:
    """The transactions of a period. Raises CannotEstimate where there is none."""
    if transactions.empty or "amount" not in transactions.columns:
        raise CannotEstimate("The exports hold no transactions.")
    rows = within_period(transactions, "occurred_on", period)
    if rows.empty:
        raise CannotEstimate(f"There is no transaction in {period.label}.")
    return rows


def total_level(
    transactions: pd.DataFrame, column: str, currency: str, period: ReportPeriod
) -> Level:
    """Sum of a column of money, refunds counted against it.

    The interval takes the customers, their number included, for a draw from those who might have
    been ours (compound Poisson): variance = Σ of squared sums per customer. Raises CannotEstimate.
    """
    sums = transactions_of(transactions, period).groupby("customer_id", sort=True)[column].sum()
    amounts = sums.to_numpy(float)
    total = float(math.fsum(amounts))
    error = math.sqrt(float((amounts**2).sum()))
    method = "total, customers as a draw"
    estimate = from_standard_error(total, error, currency, len(amounts), method)
    return Level(estimate, sums.index.to_numpy(), amounts, amounts)


def _per_customer(transactions: pd.DataFrame, period: ReportPeriod) -> pd.DataFrame:
    """By customer who ordered or was refunded: gross, refunded, orders. Raises CannotEstimate."""
    rows = transactions_of(transactions, period)
    amount = rows["amount"]
    parts = rows[["customer_id"]].assign(
        gross=amount.clip(lower=0),
        refunded=-amount.clip(upper=0),
        orders=(amount > 0).astype(float),
    )
    sums = parts.groupby("customer_id", sort=True).sum()
    if not sums["orders"].any():
        raise CannotEstimate(f"There is no order in {period.label}.")
    return sums


def order_value_level(transactions: pd.DataFrame, currency: str, period: ReportPeriod) -> Level:
    """Mean amount of an order; refunds are not orders. Raises CannotEstimate."""
    sums = _per_customer(transactions, period)
    sums = sums[sums["orders"] > 0]
    gross = sums["gross"].to_numpy(float)
    customers, orders = sums.index.to_numpy(), sums["orders"].to_numpy(float)
    level = _ratio_level(customers, gross, orders, f"{currency} per order")
    return replace(level, amounts=gross)


def frequency_level(transactions: pd.DataFrame, period: ReportPeriod) -> Level:
    """Orders per customer who ordered in the period. Raises CannotEstimate."""
    sums = _per_customer(transactions, period)
    orders = sums.loc[sums["orders"] > 0, "orders"]
    return _ratio_level(
        orders.index.to_numpy(),
        orders.to_numpy(float),
        np.ones(len(orders)),
        "orders per customer",
        "mean, t",
    )


def refund_level(transactions: pd.DataFrame, period: ReportPeriod) -> Level:
    """Money paid back in the period over the sum of its orders. Raises CannotEstimate."""
    sums = _per_customer(transactions, period)
    refunded = sums["refunded"].to_numpy(float)
    level = _ratio_level(sums.index.to_numpy(), refunded, sums["gross"].to_numpy(float), "share")
    return replace(level, amounts=refunded)


def response_level(surveys: pd.DataFrame, instrument: str, period: ReportPeriod) -> Level:
    """Share of the period's invitations answered by its end, for every period alike.

    Wilson where each customer was invited once (or all, or none, answered); otherwise a ratio
    linearised by customer. Raises CannotEstimate.
    """
    rows = instrument_rows(surveys, instrument)
    if "invited_on" not in rows.columns:
        raise CannotEstimate("The exports hold no day of invitation, so silence cannot be counted.")
    invited = within_period(rows, "invited_on", period)
    if invited.empty:
        raise CannotEstimate(f"No {instrument.upper()} survey was sent in {period.label}.")
    in_time = invited["answered_on"] < np.datetime64(period.last_day + dt.timedelta(days=1))
    counted = invited[["customer_id"]].assign(
        answered=(in_time & invited["score"].notna()).astype(float), invited=1.0
    )
    sums = counted.groupby("customer_id", sort=True).sum()
    answered, sent = sums["answered"].to_numpy(float), sums["invited"].to_numpy(float)
    customers = sums.index.to_numpy()
    if sent.max() == 1 or answered.sum() in (0.0, sent.sum()):
        return _share_level(answered > 0, customers)
    return _ratio_level(customers, answered, sent, "share", largest=1.0)


def _joint(now: Level, before: Level) -> tuple[float, float, float]:
    """Variances of two levels and their covariance through customers in both."""
    _, here, there = np.intersect1d(now.customers, before.customers, True, return_indices=True)
    covariance = float((now.influence[here] * before.influence[there]).sum())
    return float((now.influence**2).sum()), float((before.influence**2).sum()), covariance


def change_between(now: Level, before: Level) -> Estimate:
    """Difference of two levels; its limits from theirs and their correlation.

    Newcombe 1998 and Zou & Donner 2008 (method of variance estimates recovery): equal to the
    influence-function interval where the levels' intervals are symmetric, better where not.
    n: the smaller of the two bases.
    """
    a, b = now.estimate, before.estimate
    value, n = a.value - b.value, min(a.n, b.n)
    if a.lower is None or a.upper is None or b.lower is None or b.upper is None:
        return Estimate(value, None, None, a.unit, n, "difference")
    variance_a, variance_b, covariance = _joint(now, before)
    scale = math.sqrt(variance_a * variance_b)
    correlation = max(-1.0, min(1.0, covariance / scale)) if scale > 0 else 0.0

    def distance(this: float, that: float) -> float:
        return math.sqrt(max(this**2 + that**2 - 2 * correlation * this * that, 0.0))

    lower = value - distance(a.value - a.lower, b.upper - b.value)
    upper = value + distance(a.upper - a.value, b.value - b.lower)
    return Estimate(value, lower, upper, a.unit, n, f"difference of {a.method}")


def change_p_value(now: Level, before: Level) -> float:
    variance_a, variance_b, covariance = _joint(now, before)
    variance = variance_a + variance_b - 2 * covariance
    if variance <= 0:
        raise CannotEstimate("Nothing varies that the change could be judged by.")
    return p_value_normal((now.estimate.value - before.estimate.value) / math.sqrt(variance))
