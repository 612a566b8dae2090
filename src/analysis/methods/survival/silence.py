"""Without contracts: the chance that a customer's silence goes on until he counts as lost.

A loss is a silence of so many days. Who has been silent for long needs only a little more; who
ordered lately cannot be lost in the coming quarter, unless the threshold is shorter. The chance is
that of gaps between orders as long as his so far: S(threshold) / S(silence), Kaplan–Meier over the
gaps lived through in the latest year, for customers who ordered about as often until then.
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
from analysis.methods.survival.nonparametric import (
    Booleans,
    Floats,
    Ints,
    SurvivalCurve,
    kaplan_meier,
)
from analysis.methods.survival.restricted_mean import weighted_influence

if TYPE_CHECKING:
    import pandas as pd

# Customers share a curve with those who ordered about as often until then, by quarters of their pace.
QUARTERS = (0.25, 0.5, 0.75)
FEWEST_GAPS = 30
# Older gaps are of those who were customers then.
LOOK_BACK_DAYS = 365
HARDLY_ANY = 1e-12
STEP = 1e-5


@dataclass(frozen=True, slots=True)
class _GapClass:
    """The curve of one class of gaps, its rows, and who of the active it speaks for (a mask).

    customer: codes of the customers that the gaps belong to, over all classes.
    """

    curve: SurvivalCurve
    entry: Floats
    length: Floats
    closed: Booleans
    customer: Ints
    speaks_for: Booleans


@dataclass(frozen=True, slots=True)
class SilenceRisk:
    """customers: customer_id, silent_days, risk of reaching the threshold within the days ahead.

    classes: the curves that the risks come from.
    """

    customers: pd.DataFrame
    threshold_days: int
    days_ahead: int
    gaps: int
    classes: tuple[_GapClass, ...]


def _gaps(transactions: pd.DataFrame, as_of: dt.date, look_back_days: int) -> pd.DataFrame:
    """Gaps between days with orders that reach into the days looked back on.

    entry: length when the days looked back on begin; days: length; closed by an order or open; pace:
    mean length of the customer's gaps before, NaN for the first.
    """
    import pandas as pd

    bought = transactions.loc[transactions["amount"] > 0, ["customer_id", "occurred_on"]]
    days = bought.drop_duplicates().sort_values(["customer_id", "occurred_on"])
    following = days.groupby("customer_id")["occurred_on"].shift(-1)
    until = following.fillna(pd.Timestamp(as_of))
    since = pd.Timestamp(as_of) - pd.Timedelta(days=look_back_days)
    of_customer = days.groupby("customer_id")["occurred_on"]
    before = of_customer.cumcount().to_numpy()
    since_first = (days["occurred_on"] - of_customer.transform("min")).dt.days.to_numpy(float)
    gaps = days.assign(
        entry=np.maximum((since - days["occurred_on"]).dt.days.to_numpy(float), 0.0),
        days=(until - days["occurred_on"]).dt.days.to_numpy(float),
        closed=following.notna().to_numpy(),
        pace=np.where(before > 0, since_first / np.maximum(before, 1), np.nan),
    )
    # An open gap of no days (an order on the as-of day) has no time at risk, but a customer.
    return gaps[(gaps["days"] > gaps["entry"]) | ~gaps["closed"]]


def risk_of_silence(
    transactions: pd.DataFrame, as_of: dt.date, threshold_days: int, days_ahead: int
) -> SilenceRisk:
    """The chance of each active customer to be lost within the days ahead.

    transactions: customer_id, occurred_on, amount; refunds are no orders. Active is whose silence
    is below the threshold. Raises CannotEstimate with fewer than 30 gaps, or with nobody active.
    """
    if transactions.empty:
        raise CannotEstimate("The export carries no orders, so silence cannot be told.")
    gaps = _gaps(transactions, as_of, max(LOOK_BACK_DAYS, 2 * threshold_days))
    if len(gaps) < FEWEST_GAPS:
        raise CannotEstimate(f"Fewer than {FEWEST_GAPS} orders: no risk can be told from them.")
    active = gaps[~gaps["closed"] & (gaps["days"] < threshold_days)]
    if active.empty:
        raise CannotEstimate("Nobody is a customer any more, so nobody is at risk.")
    edges = np.quantile(gaps["pace"].dropna(), QUARTERS) if gaps["pace"].notna().any() else []
    group, of_active = (
        np.where(some["pace"].isna(), 0, 1 + np.searchsorted(edges, some["pace"], side="left"))
        for some in (gaps, active)
    )
    silent = active["days"].to_numpy(float)
    risk = np.zeros(len(active))
    customer = np.unique(gaps["customer_id"].to_numpy(str), return_inverse=True)[1]
    classes = []
    for code in np.unique(of_active):
        chosen = group == code
        if chosen.sum() < FEWEST_GAPS:
            chosen = np.ones(len(gaps), dtype=bool)
        length = gaps.loc[chosen, "days"].to_numpy(float)
        entry = gaps.loc[chosen, "entry"].to_numpy(float)
        lasting = length > entry
        entry, length = entry[lasting], length[lasting]
        closed = gaps.loc[chosen, "closed"].to_numpy(bool)[lasting]
        curve = kaplan_meier(entry, length, closed)
        mine = of_active == code
        classes.append(_GapClass(curve, entry, length, closed, customer[chosen][lasting], mine))
        by_days = _risk_by_silence(_log_steps(curve, threshold_days), days_ahead)
        risk[mine] = by_days[silent[mine].astype(np.int64)]
    table = active[["customer_id"]].assign(silent_days=silent, risk=risk)
    return SilenceRisk(
        table.reset_index(drop=True), threshold_days, days_ahead, len(gaps), tuple(classes)
    )


def _log_steps(curve: SurvivalCurve, threshold_days: int) -> Floats:
    """Log of the chance that a silence which has lasted until a day outlasts it, for days from 0 on."""
    steps = np.zeros(threshold_days)
    inside = curve.times < threshold_days
    stays = 1 - curve.events[inside] / curve.at_risk[inside]
    steps[curve.times[inside].astype(np.int64)] = np.log(np.maximum(stays, HARDLY_ANY))
    return steps


def _risk_by_silence(log_steps: Floats, days_ahead: int) -> Floats:
    """Chance of being lost within the days ahead, by days of silence so far (0 to threshold − 1).

    Either the silence goes on to the threshold (an order on that very day comes too late), or an
    order ends it and the next silence, or a later one, still reaches it in time: that takes a
    threshold below the days ahead. The next silence is taken to be of the same class.
    """
    threshold = len(log_steps)
    lasts = np.exp(np.cumsum(log_steps))
    ends = np.concatenate([[0.0], -np.diff(lasts)])
    # after_order[h]: chance to be lost within h days of an order.
    after_order = np.zeros(days_ahead + 1)
    for ahead in range(threshold, days_ahead + 1):
        gaps = np.arange(1, min(threshold, ahead + 1))
        after_order[ahead] = lasts[-1] + ends[gaps] @ after_order[ahead - gaps]
    reached = np.where(np.arange(threshold) + days_ahead >= threshold, lasts[-1], 0.0)
    for silent in range(threshold if days_ahead > threshold else 0):
        gaps = np.arange(silent + 1, min(threshold, silent + days_ahead + 1))
        reached[silent] += ends[gaps] @ after_order[days_ahead - (gaps - silent)]
    return reached / lasts


def _error_of_curves(silence: SilenceRisk, amounts: Floats) -> float:
    """Standard error that the curves' own uncertainty gives to the sum of risk × amount.

    The same curve speaks for many customers, so their risks err together. Each gap's influence, by
    the sum's derivative at each step of the curve, is summed within the customers whose gaps they are.
    """
    silent = silence.customers["silent_days"].to_numpy(np.int64)
    by_customer = np.zeros(max(int(part.customer.max(initial=0)) for part in silence.classes) + 1)
    for part in silence.classes:
        mine, steps = part.speaks_for, _log_steps(part.curve, silence.threshold_days)
        held = np.bincount(silent[mine], amounts[mine], silence.threshold_days)
        weights = np.zeros(len(part.curve.times))
        for place, day in enumerate(part.curve.times[part.curve.times < silence.threshold_days]):
            moved = np.zeros(len(steps))
            moved[int(day)] = STEP
            higher = _risk_by_silence(steps + moved, silence.days_ahead)
            lower = _risk_by_silence(steps - moved, silence.days_ahead)
            weights[place] = held @ (higher - lower) / (2 * STEP)
        influence = weighted_influence(part.curve, part.entry, part.length, part.closed, weights)
        by_customer += np.bincount(part.customer, influence, minlength=len(by_customer))
    return float(np.sqrt((by_customer**2).sum()))


def _expected_total(
    silence: SilenceRisk, amounts: Floats, unit: str, confidence_level: float
) -> Estimate:
    """Sum of risk × amount with the interval of what will be seen."""
    risk = silence.customers["risk"].to_numpy(float)
    value = float(risk @ amounts)
    chance = float((risk * (1 - risk)) @ amounts**2)
    error = float(np.sqrt(chance + _error_of_curves(silence, amounts) ** 2))
    half = normal_quantile(confidence_level) * error
    return Estimate(
        value, max(value - half, 0.0), value + half, unit, len(risk),
        "Kaplan–Meier over gaps between orders; interval of the curves and of who is lost",
        confidence_level,
    )  # fmt: skip


def expected_share(silence: SilenceRisk, confidence_level: float = 0.95) -> Estimate:
    """Share of the active expected to be lost, with the interval of what will be seen."""
    n = len(silence.customers)
    return _expected_total(silence, np.full(n, 1 / n), "share", confidence_level)


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
    place of tenure. Intervals carry who happens to be lost and the uncertainty of the curves,
    clustered by customer.
    """
    table = silence.customers.rename(columns={"risk": "risk_next_quarter"})
    risk = table["risk_next_quarter"].to_numpy(float)

    def total(amounts: Floats, unit: str) -> Estimate:
        return _expected_total(silence, amounts, unit, confidence_level)

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
