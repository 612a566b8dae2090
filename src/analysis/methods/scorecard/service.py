"""Deliveries on time, how fast service answers, and how often customers have to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.scorecard.ledger import Ledger
from analysis.methods.scorecard.level import (
    Level,
    ReportPeriod,
    clustered_share_level,
    day_after,
    median_level,
    ratio_level,
    within_period,
)
from analysis.methods.scorecard.rounding import CONTACT_RATE

if TYPE_CHECKING:
    import pandas as pd


def on_time_level(transactions: pd.DataFrame, period: ReportPeriod) -> Level:
    """Share of the orders promised for a day of the period that came by that day.

    An order not yet delivered by then is late. Raises CannotEstimate.
    """
    columns = {"amount", "promised_on", "fulfilled_on"}
    if transactions.empty or not columns <= set(transactions.columns):
        raise CannotEstimate("The exports do not say when orders were promised and delivered.")
    due = within_period(transactions[transactions["amount"] > 0], "promised_on", period)
    if due.empty:
        raise CannotEstimate(f"No order was promised for a day in {period.label}.")
    kept = (due["fulfilled_on"] <= due["promised_on"]).astype(float)
    sums = due[["customer_id"]].assign(kept=kept, due=1.0).groupby("customer_id", sort=True).sum()
    kept_by, due_by = sums["kept"].to_numpy(float), sums["due"].to_numpy(float)
    return clustered_share_level(sums.index.to_numpy(), kept_by, due_by)


def inbound_contacts(contacts: pd.DataFrame, period: ReportPeriod) -> pd.DataFrame:
    """Contacts that customers opened in the period. Raises CannotEstimate."""
    if contacts.empty:
        raise CannotEstimate("The exports hold no service contacts.")
    rows = within_period(contacts, "opened_at", period)
    if "direction" in rows.columns:
        rows = rows[~rows["direction"].astype(str).str.lower().eq("outbound")]
    if rows.empty:
        raise CannotEstimate(f"No customer got in touch in {period.label}.")
    return rows


def waiting_level(contacts: pd.DataFrame, until: str, period: ReportPeriod) -> Level:
    """Median hours from a contact's opening to `until` (first_reply_at, resolved_at).

    Whatever had not come by the period's end, in every period alike, counts as longer than all
    others, not as absent. Raises CannotEstimate.
    """
    rows = inbound_contacts(contacts, period)
    if until not in rows.columns or rows[until].isna().all():
        done = "first answered" if until == "first_reply_at" else "settled"
        raise CannotEstimate(f"The exports do not say when contacts were {done}.")
    hours = (rows[until] - rows["opened_at"]).dt.total_seconds().to_numpy(float) / 3600
    if (hours < 0).any():
        raise CannotEstimate("Some contacts were answered before they were opened.")
    in_time = (rows[until] < day_after(period)).to_numpy(bool)
    values = np.where(in_time, hours, np.inf)
    return median_level(values, rows["customer_id"].to_numpy(), "hours")


def contact_rate_level(contacts: pd.DataFrame, ledger: Ledger, period: ReportPeriod) -> Level:
    """Contacts that customers opened per hundred orders of the period. Raises CannotEstimate."""
    if contacts.empty:
        raise CannotEstimate("The exports hold no service contacts.")
    orders = ledger.buyers(period)["orders"]
    asked = inbound_contacts(contacts, period).groupby("customer_id").size()
    customers = orders.index.union(asked.index)
    contacts_by = np.asarray(asked.reindex(customers, fill_value=0), dtype=np.float64)
    orders_by = np.asarray(orders.reindex(customers, fill_value=0), dtype=np.float64)
    return ratio_level(customers.to_numpy(), 100 * contacts_by, orders_by, CONTACT_RATE)
