"""Orders that came late, and orders given back, period by period."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.pain_points.answers import is_late
from analysis.methods.pain_points.levels import ReportPeriod
from analysis.methods.pain_points.small_samples import Floats, clustered_share, median_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class OrderLevel:
    """Orders in a period.

    orders: placed in it. late: share of those promised for it that came late, or have not come. days_late:
    median, of the late ones. refunds: share of customers who ordered or were refunded in it that were refunded.
    refunded: money given back over money ordered. given_back: by customer, for disclosure.
    """

    period: str
    orders: int
    late: Estimate | NotEstimable
    days_late: Estimate | NotEstimable
    refunds: Estimate | NotEstimable
    refunded: float | NotEstimable
    given_back: Floats


def _between(rows: pd.DataFrame, column: str, period: ReportPeriod) -> pd.DataFrame:
    first = np.datetime64(period.first_day)
    last = np.datetime64(period.last_day + dt.timedelta(days=1))
    return rows[(rows[column] >= first) & (rows[column] < last)]


def late_share(orders: pd.DataFrame, period: ReportPeriod, as_of: dt.date) -> Estimate:
    """Share of orders promised for a day of the period that were late. Raises CannotEstimate."""
    if not {"promised_on", "fulfilled_on"} <= set(orders.columns):
        raise CannotEstimate("The exports hold no promised days, so late deliveries are not known.")
    if not orders["promised_on"].notna().any():
        raise CannotEstimate("The exports hold no promised days, so late deliveries are not known.")
    due = _between(orders, "promised_on", period)
    late = is_late(due, as_of)
    known = late.notna()
    if not known.any():
        raise CannotEstimate(f"No order was promised for {period.label}.")
    return clustered_share(
        late[known].to_numpy(bool), due.loc[known, "customer_id"].to_numpy(object)
    )


def _days_late(orders: pd.DataFrame, period: ReportPeriod) -> Estimate:
    if not {"promised_on", "fulfilled_on"} <= set(orders.columns):
        raise CannotEstimate("The exports hold no promised days, so late deliveries are not known.")
    due = _between(orders, "promised_on", period)
    due = due[due["fulfilled_on"] > due["promised_on"]]
    if due.empty:
        raise CannotEstimate(f"No order promised for {period.label} is known to have come late.")
    days = (due["fulfilled_on"] - due["promised_on"]).dt.days.to_numpy().astype(np.float64)
    return median_of(days, due["customer_id"].to_numpy(object), "days")


def _refunds(rows: pd.DataFrame, orders: pd.DataFrame, label: str) -> Estimate:
    """Customers refunded in the period, of those who ordered or were refunded in it."""
    if orders.empty:
        raise CannotEstimate(f"There is no order in {label}.")
    back = rows[rows["amount"] < 0]
    customers = np.unique(np.concatenate([orders["customer_id"], back["customer_id"]]).astype(str))
    refunded = np.isin(customers, back["customer_id"].to_numpy(object).astype(str))
    return clustered_share(refunded, customers)


def _over(given: float, paid: float, label: str) -> float | NotEstimable:
    return given / paid if paid > 0 else NotEstimable(f"There is no order in {label}.")


def order_levels(
    transactions: pd.DataFrame, periods: tuple[ReportPeriod, ...], as_of: dt.date
) -> tuple[OrderLevel, ...]:
    """Orders in each period, the oldest first. Raises CannotEstimate without transactions."""
    if transactions.empty or "amount" not in transactions.columns:
        raise CannotEstimate("The exports hold no transactions.")
    all_orders = transactions[transactions["amount"] > 0]
    found = []
    for period in periods:
        rows = _between(transactions, "occurred_on", period)
        orders = rows[rows["amount"] > 0]
        paid = float(orders["amount"].sum())
        returned = rows[rows["amount"] < 0]
        given = -returned.groupby("customer_id", sort=True)["amount"].sum().to_numpy(np.float64)
        found.append(
            OrderLevel(
                period.label, len(orders),
                attempt(late_share, all_orders, period, as_of),
                attempt(_days_late, all_orders, period),
                attempt(_refunds, rows, orders, period.label),
                _over(float(given.sum()), paid, period.label),
                given,
            )
        )  # fmt: skip
    return tuple(found)
