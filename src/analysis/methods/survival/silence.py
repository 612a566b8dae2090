"""Without contracts: the chance that a customer's silence goes on until he counts as lost.

A loss is a silence of so many days. Who ordered lately cannot be lost in the coming quarter; who
has been silent for long needs only a little more. The chance is that of gaps between orders as
long as his so far: S(threshold) / S(silence), Kaplan–Meier over gaps, for customers with about as
many orders before.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import normal_quantile
from analysis.methods.survival.at_risk import (
    MONTHS_PER_QUARTER,
    AtRiskList,
    AtRiskSummary,
    expected_margin,
    hold_out_flags,
)
from analysis.methods.survival.nonparametric import Floats, SurvivalCurve, kaplan_meier

if TYPE_CHECKING:
    import pandas as pd

# Customers with so many orders before a gap are alike enough to share a curve: 1, 2–3, 4–7, 8 up.
ORDER_CLASSES = (1, 2, 4, 8)
FEWEST_GAPS = 30


@dataclass(frozen=True, slots=True)
class SilenceRisk:
    """customers: customer_id, silent_days, risk of reaching the threshold within the days ahead."""

    customers: pd.DataFrame
    threshold_days: int
    days_ahead: int
    gaps: int


def _gaps(transactions: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Gaps between days with orders: length in days, closed by an order or open, orders before."""
    import pandas as pd

    bought = transactions.loc[transactions["amount"] > 0, ["customer_id", "occurred_on"]]
    days = bought.drop_duplicates().sort_values(["customer_id", "occurred_on"])
    following = days.groupby("customer_id")["occurred_on"].shift(-1)
    until = following.fillna(pd.Timestamp(as_of))
    return days.assign(
        days=(until - days["occurred_on"]).dt.days.to_numpy(float),
        closed=following.notna().to_numpy(),
        before=days.groupby("customer_id").cumcount().to_numpy() + 1,
    )


def risk_of_silence(
    transactions: pd.DataFrame, as_of: dt.date, threshold_days: int, days_ahead: int
) -> SilenceRisk:
    """The chance of each active customer to be lost within the days ahead.

    transactions: customer_id, occurred_on, amount; refunds are no orders. Active is whose silence
    is below the threshold. Raises CannotEstimate with fewer than 30 gaps, or with nobody active.
    """
    if transactions.empty:
        raise CannotEstimate("The export carries no orders, so silence cannot be told.")
    gaps = _gaps(transactions, as_of)
    if len(gaps) < FEWEST_GAPS:
        raise CannotEstimate(f"Fewer than {FEWEST_GAPS} orders: no risk can be told from them.")
    active = gaps[~gaps["closed"] & (gaps["days"] < threshold_days)]
    if active.empty:
        raise CannotEstimate("Nobody is a customer any more, so nobody is at risk.")
    group = np.searchsorted(ORDER_CLASSES, gaps["before"], side="right")
    of_active = np.searchsorted(ORDER_CLASSES, active["before"], side="right")
    silent = active["days"].to_numpy(float)
    risk = np.zeros(len(active))
    for code in np.unique(of_active):
        chosen = group == code
        if chosen.sum() < FEWEST_GAPS:
            chosen = np.ones(len(gaps), dtype=bool)
        length = gaps.loc[chosen, "days"].to_numpy(float)
        # A gap of no days (an order on the as-of day) has no time at risk.
        lasting = length > 0
        curve = kaplan_meier(
            np.zeros(int(lasting.sum())), length[lasting],
            gaps.loc[chosen, "closed"].to_numpy(bool)[lasting],
        )  # fmt: skip
        mine = of_active == code
        risk[mine] = _still_silent(curve, silent[mine], float(threshold_days))
    risk[silent + days_ahead < threshold_days] = 0.0
    table = active[["customer_id"]].assign(silent_days=silent, risk=risk)
    return SilenceRisk(table.reset_index(drop=True), threshold_days, days_ahead, len(gaps))


def _still_silent(curve: SurvivalCurve, silent: Floats, threshold: float) -> Floats:
    """S(threshold) / S(silence): an order on the very day of the threshold comes too late."""
    steps = np.concatenate([[1.0], curve.survival])
    now = steps[np.searchsorted(curve.times, silent, side="right")]
    then = steps[np.searchsorted(curve.times, threshold, side="left")]
    return np.where(now > 0, then / np.where(now > 0, now, 1.0), 1.0)


def rank_silent_customers(
    silence: SilenceRisk,
    customer_periods: pd.DataFrame,
    period_label: str,
    currency: str,
    period_months: int = MONTHS_PER_QUARTER,
    confidence_level: float = 0.95,
) -> AtRiskList:
    """Rank active customers by the chance of silence reaching the threshold × expected margin.

    The list and its summary are those of `rank_customers_at_risk`, with the days of silence in
    place of tenure. Intervals carry who happens to be lost, the chances taken as known.
    """
    table = silence.customers.rename(columns={"risk": "risk_next_quarter"})
    risk = table["risk_next_quarter"].to_numpy(float)
    quantile = normal_quantile(confidence_level)

    def total(amounts: Floats, unit: str) -> Estimate:
        value = float(risk @ amounts)
        half = quantile * float(np.sqrt((risk * (1 - risk)) @ amounts**2))
        return Estimate(
            value, max(value - half, 0.0), value + half, unit, len(table),
            "Kaplan–Meier over gaps between orders; interval of who is lost", confidence_level,
        )  # fmt: skip

    margins = attempt(expected_margin, customer_periods, period_months)
    at_risk: Estimate | NotEstimable
    if isinstance(margins, NotEstimable):
        margin, missing = np.full(len(table), np.nan), np.zeros(len(table), dtype=bool)
        at_risk, by = margins, "risk_next_quarter"
    else:
        margin = margins.reindex(table["customer_id"]).to_numpy(float)
        missing = np.isnan(margin)
        margin = np.where(missing, margin[~missing].mean() if not missing.all() else 0.0, margin)
        at_risk, by = total(margin, currency), "margin_at_risk"
    table = table.assign(expected_margin_per_quarter=margin, margin_at_risk=risk * margin)
    table = table.sort_values(
        [by, "customer_id"], ascending=[False, True], kind="stable", ignore_index=True
    )
    table["hold_out"] = hold_out_flags(table["customer_id"], period_label)
    top = None
    if isinstance(at_risk, Estimate) and at_risk.value > 0:
        top = float(table["margin_at_risk"].iloc[: -(-len(table) // 10)].sum() / at_risk.value)
    summary = AtRiskSummary(
        len(table), 0, int(missing.sum()), total(np.ones(len(table)), "customers"), at_risk, top,
        int(table["hold_out"].sum()),
    )  # fmt: skip
    return AtRiskList(table, summary)
