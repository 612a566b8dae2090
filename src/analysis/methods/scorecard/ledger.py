"""Orders and refunds, from transactions or from sums already added up, and their figures.

A ledger has a row per order, refund or sum: customer_id, occurred_on, gross (of orders),
refunded (positive), amount (gross − refunded), margin, orders and refunds (counts; missing where
sums were exported without them), from_on (first day that the row adds up).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.scorecard.level import (
    Level,
    ReportPeriod,
    ratio_level,
    share_level,
    total_level,
    within_period,
)

if TYPE_CHECKING:
    import pandas as pd

# Begins the key of a row that names no customer; no id of an export can hold it.
ANONYMOUS = "\0"
SUMMED = ("gross", "refunded", "amount", "margin", "orders", "refunds")
NO_MONEY = "The exports hold no transactions and no sums by period."


def make_ledger(
    transactions: pd.DataFrame, periods: pd.DataFrame, gross_margin: float
) -> pd.DataFrame:
    """Rows of money; of transactions where there are any, else of sums by period.

    A negative transaction is a refund, not an order. Margin as exported, else `gross_margin` times
    the amount. A row that names no customer, such as an order at the till, counts as a customer of
    its own. Empty where neither table holds money.
    """
    import pandas as pd

    if not transactions.empty and "amount" in transactions.columns:
        amount = transactions["amount"].astype(float)
        made = pd.DataFrame(
            {
                "customer_id": _owners(transactions["customer_id"]),
                "occurred_on": transactions["occurred_on"],
                "from_on": transactions["occurred_on"],
                "gross": amount.clip(lower=0),
                "refunded": -amount.clip(upper=0) + 0.0,
                "orders": (amount > 0).astype(float),
                "refunds": (amount < 0).astype(float),
            }
        )
        exported = transactions.get("margin")
    elif not periods.empty and "spend" in periods.columns:
        amount = periods["spend"].astype(float)
        refunded = _filled(periods, "refunded", 0.0)
        made = pd.DataFrame(
            {
                "customer_id": _owners(periods["customer_id"]),
                "occurred_on": periods["to_on"],
                "from_on": periods["from_on"],
                "gross": amount + refunded,
                "refunded": refunded,
                "orders": _filled(periods, "orders", np.nan),
                "refunds": np.nan,
            }
        )
        exported = periods.get("margin")
    else:
        return pd.DataFrame()
    margin = amount * gross_margin
    if exported is not None:
        margin = exported.astype(float).fillna(margin)
    return made.assign(amount=amount, margin=margin)


def _owners(customers: pd.Series) -> pd.Series:
    """Whose each row is; those that name nobody under keys of their own."""
    nameless = customers.isna()
    if not nameless.any():
        return customers
    keys = [f"{ANONYMOUS}{place}" for place in range(int(nameless.sum()))]
    named = customers.astype(object)
    named[nameless] = keys
    return named


def _filled(frame: pd.DataFrame, column: str, otherwise: float) -> pd.Series:
    import pandas as pd

    if column not in frame.columns:
        return pd.Series(otherwise, index=frame.index)
    return frame[column].astype(float).fillna(otherwise)


class Ledger:
    """A ledger that adds up each period once. `rows`: see `make_ledger`."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows = rows
        self._sums: dict[str, pd.DataFrame] = {}

    @cached_property
    def is_empty(self) -> bool:
        return self.rows.empty

    def within(self, period: ReportPeriod) -> pd.DataFrame:
        """Rows of a period. Raises CannotEstimate: no money, or sums that cross its opening."""
        if self.is_empty:
            raise CannotEstimate(NO_MONEY)
        rows = within_period(self.rows, "occurred_on", period)
        if rows.empty:
            raise CannotEstimate(f"There is no order and no refund in {period.label}.")
        if (rows["from_on"] < np.datetime64(period.first_day)).any():
            raise CannotEstimate(
                f"Money is added up over longer spans than {period.label}, so it cannot be told "
                "what belongs to it."
            )
        return rows

    def by_customer(self, period: ReportPeriod) -> pd.DataFrame:
        """Sums of a period by customer, sorted; missing where one of a customer's rows is."""
        if period.label not in self._sums:
            grouped = self.within(period).groupby("customer_id", sort=True)[list(SUMMED)]
            self._sums[period.label] = grouped.sum(min_count=1)
        return self._sums[period.label]

    def known_buyers(self, period: ReportPeriod) -> pd.DataFrame:
        """As `buyers`, without orders that name no customer. Raises CannotEstimate."""
        sums = self.buyers(period)
        known = sums[~sums.index.astype(str).str.startswith(ANONYMOUS)]
        if known.empty:
            raise CannotEstimate(f"No order in {period.label} names its customer.")
        return known

    def buyers(self, period: ReportPeriod) -> pd.DataFrame:
        """Sums of those who ordered. Raises CannotEstimate where orders are not counted."""
        sums = self.by_customer(period)
        if sums["orders"].isna().any():
            raise CannotEstimate("The exports add up money without counting the orders.")
        sums = sums[sums["orders"] > 0]
        if sums.empty:
            raise CannotEstimate(f"There is no order in {period.label}.")
        return sums


def sum_level(ledger: Ledger, column: str, currency: str, period: ReportPeriod) -> Level:
    """Sum of a column of money; refunds count against it. Raises CannotEstimate."""
    return total_level(ledger.by_customer(period)[column], currency)


def order_value_level(ledger: Ledger, currency: str, period: ReportPeriod) -> Level:
    """Mean amount of an order; refunds are not orders. Raises CannotEstimate."""
    sums = ledger.buyers(period)
    gross, orders = sums["gross"].to_numpy(float), sums["orders"].to_numpy(float)
    level = ratio_level(sums.index.to_numpy(), gross, orders, f"{currency} per order")
    return replace(level, amounts=gross)


def frequency_level(ledger: Ledger, period: ReportPeriod) -> Level:
    """Orders per customer who ordered in the period. Raises CannotEstimate."""
    orders = ledger.known_buyers(period)["orders"]
    ones = np.ones(len(orders))
    unit = "orders per customer"
    return ratio_level(orders.index.to_numpy(), orders.to_numpy(float), ones, unit, "mean, t")


def repeat_level(ledger: Ledger, period: ReportPeriod) -> Level:
    """Share of those who ordered in the period who did so at least twice. Raises CannotEstimate."""
    orders = ledger.known_buyers(period)["orders"]
    return share_level(orders.to_numpy(float) >= 2, orders.index.to_numpy())


def refund_money_level(ledger: Ledger, period: ReportPeriod) -> Level:
    """Money paid back in the period over the sum of its orders. Raises CannotEstimate."""
    sums = ledger.by_customer(period)
    gross, refunded = sums["gross"].to_numpy(float), sums["refunded"].to_numpy(float)
    if not gross.sum() > 0:
        raise CannotEstimate(f"There is no order in {period.label}.")
    level = ratio_level(sums.index.to_numpy(), refunded, gross, "share")
    return replace(level, amounts=refunded)


def refund_count_level(ledger: Ledger, period: ReportPeriod) -> Level:
    """Refunds booked in the period over its orders. Raises CannotEstimate."""
    ledger.buyers(period)
    sums = ledger.by_customer(period)
    refunds, orders = sums["refunds"].to_numpy(float), sums["orders"].to_numpy(float)
    if np.isnan(refunds).any():
        raise CannotEstimate("The exports add up money without counting the refunds.")
    return ratio_level(sums.index.to_numpy(), refunds, orders, "share")
