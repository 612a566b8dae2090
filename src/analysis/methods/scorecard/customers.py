"""Customers who were there, came, left, were referred, and ordered a second time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.scorecard.ledger import Ledger
from analysis.methods.scorecard.level import (
    Level,
    ReportPeriod,
    day_after,
    period_months,
    share_level,
    within_period,
)
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

# Days in which a second order is looked for: whoever first ordered on the last day of the period
# before has been seen for as long, whichever quarter or month it is.
SECOND_ORDER_DAYS = {3: 90, 1: 28}


@dataclass(frozen=True, slots=True)
class CustomerFlow:
    """Customers of a period, which add up: at_end = at_start − lost + joined − joined_and_left.

    lost: of those at the start. retention = (at_end − (joined − joined_and_left)) / at_start.
    """

    at_start: int
    lost: int
    joined: int
    joined_and_left: int
    at_end: int


def _dated(lifetimes: pd.DataFrame) -> pd.DataFrame:
    """Lifetimes with the days of entry and end. Raises CannotEstimate where there are no dates."""
    if lifetimes.empty or lifetimes["started_on"].isna().all():
        raise CannotEstimate(
            "Retention by period needs the day on which each customer started; the exports do not "
            "carry it."
        )
    started = lifetimes["started_on"].to_numpy("datetime64[D]")

    def after(column: str) -> np.ndarray:
        days = np.rint(lifetimes[column].to_numpy(float) * DAYS_PER_MONTH)
        return np.asarray(started + days.astype("timedelta64[D]"))

    ended_on = after("exit_months")
    ended_on[~lifetimes["ended"].to_numpy(bool)] = np.datetime64("NaT")
    return lifetimes[["customer_id"]].assign(
        started_on=started.astype("datetime64[ns]"),
        entered_on=after("entry_months").astype("datetime64[ns]"),
        ended_on=ended_on.astype("datetime64[ns]"),
    )


def at_opening(lifetimes: pd.DataFrame, rule: str, period: ReportPeriod) -> pd.DataFrame:
    """Customers there, and seen to be, when the period opened: customer_id, left (in it).

    rule: that of churn. By inactivity whoever enters by an order after an unseen stretch is known
    to be active only after it. Raises CannotEstimate.
    """
    spells = _dated(lifetimes)
    if spells["ended_on"].isna().all():
        raise CannotEstimate(
            "No customer is recorded as lost in any period: either nobody left, or losses are not "
            "recorded."
        )
    opens = np.datetime64(period.first_day)
    there = (spells["started_on"] < opens) & ~(spells["ended_on"] < opens)
    if rule == "inactivity":
        seen = (spells["entered_on"] == spells["started_on"]) | (spells["entered_on"] < opens)
    else:
        seen = spells["entered_on"] <= opens
    rows = spells[there & seen]
    if rows.empty:
        raise CannotEstimate(f"There was no customer when {period.label} opened.")
    left = rows["ended_on"] < day_after(period)
    by_customer = rows.assign(left=left).groupby("customer_id", sort=True)["left"].any()
    return by_customer.reset_index()


def retention_level(lifetimes: pd.DataFrame, rule: str, period: ReportPeriod) -> Level:
    """(Customers at the end − new) / customers at the start, Wilson interval.

    Those who joined within the period are new, whether or not they stayed. Raises CannotEstimate.
    """
    rows = at_opening(lifetimes, rule, period)
    return share_level(~rows["left"].to_numpy(bool), rows["customer_id"].to_numpy())


def churn_level(lifetimes: pd.DataFrame, rule: str, period: ReportPeriod) -> Level:
    """Share of the customers at the start lost by the end, Wilson interval. Raises CannotEstimate."""
    rows = at_opening(lifetimes, rule, period)
    return share_level(rows["left"].to_numpy(bool), rows["customer_id"].to_numpy())


def new_customers(customers: pd.DataFrame, period: ReportPeriod) -> pd.DataFrame:
    """Rows of those who started in the period, sorted by customer. Raises CannotEstimate."""
    if customers.empty or "started_on" not in customers.columns:
        raise CannotEstimate("The exports do not say on which day customers started.")
    rows = within_period(customers, "started_on", period)
    if rows.empty:
        raise CannotEstimate(f"No customer started in {period.label}.")
    return rows.sort_values("customer_id", kind="stable")


def count_flow(
    lifetimes: pd.DataFrame, customers: pd.DataFrame, rule: str, period: ReportPeriod
) -> CustomerFlow:
    """Customers at the start, lost, joined, at the end, each counted on its own.

    Raises CannotEstimate as `at_opening`; where a lost customer may come back (`rule` is
    inactivity), as a return is neither a start nor a loss.
    """
    if rule == "inactivity":
        raise CannotEstimate("Customers who return are not new, so the counts do not form a flow.")
    there = at_opening(lifetimes, rule, period)
    starts = customers[["customer_id", "started_on"]]
    ends = _dated(lifetimes).set_index("customer_id")["ended_on"]
    ended_on = starts["customer_id"].map(ends)
    if "ended_on" in customers.columns:
        ended_on = customers["ended_on"].fillna(ended_on)
    closes = day_after(period)
    new = (starts["started_on"] >= np.datetime64(period.first_day)) & (
        starts["started_on"] < closes
    )
    gone = ended_on < closes
    at_end = (starts["customer_id"].isin(there["customer_id"]) | new) & ~gone
    return CustomerFlow(
        at_start=len(there),
        lost=int(there["left"].sum()),
        joined=int(new.sum()),
        joined_and_left=int((new & gone).sum()),
        at_end=int(at_end.sum()),
    )


def referred_level(customers: pd.DataFrame, period: ReportPeriod) -> Level:
    """Share of the period's new customers recommended by another. Raises CannotEstimate."""
    if "referred_by" not in customers.columns or customers["referred_by"].isna().all():
        raise CannotEstimate("The exports do not say who was recommended by whom.")
    rows = new_customers(customers, period)
    return share_level(rows["referred_by"].notna().to_numpy(bool), rows["customer_id"].to_numpy())


def second_order_level(customers: pd.DataFrame, ledger: Ledger, period: ReportPeriod) -> Level:
    """Share of the new customers of the period before who ordered again soon.

    Of those who started, and first ordered, in the period before: who ordered on a later day,
    within 90 days (28 where periods are months) of the first order. All have been seen for as
    long. Raises CannotEstimate.
    """
    before = period.previous
    started = new_customers(customers, before)["customer_id"]
    if ledger.is_empty or ledger.rows["orders"].isna().any():
        raise CannotEstimate("A second order needs orders with their days.")
    rows = ledger.rows
    if (rows["from_on"] != rows["occurred_on"]).any():
        raise CannotEstimate("A second order needs orders with their days, not sums by period.")
    orders = rows[(rows["orders"] > 0) & rows["customer_id"].isin(started)]
    first = orders.groupby("customer_id", sort=True)["occurred_on"].min()
    opens, closes = np.datetime64(before.first_day), day_after(before)
    first = first[(first >= opens) & (first < closes)]
    if first.empty:
        raise CannotEstimate(f"No new customer of {before.label} ordered in it.")
    days = SECOND_ORDER_DAYS.get(period_months(period), 90)
    since = (orders["occurred_on"] - orders["customer_id"].map(first)).dt.days
    again = orders.loc[(since > 0) & (since <= days), "customer_id"].unique()
    return share_level(first.index.isin(again), first.index.to_numpy())


def as_of_earlier(lifetimes: pd.DataFrame, day: dt.date) -> pd.DataFrame:
    """Dated lifetimes by contract as they were known at the end of an earlier day."""
    started = lifetimes["started_on"].to_numpy("datetime64[D]")
    seen = (np.datetime64(day) - started).astype(float) / DAYS_PER_MONTH
    known = lifetimes.assign(
        exit_months=np.minimum(lifetimes["exit_months"].to_numpy(float), seen),
        # Half a day of tolerance: tenure is days over the length of a mean month.
        ended=lifetimes["ended"].to_numpy(bool)
        & (lifetimes["exit_months"].to_numpy(float) <= seen + 0.5 / DAYS_PER_MONTH),
    )
    return known[known["exit_months"] > known["entry_months"]]
