"""What customers are worth: lifetime value, and who brings the margin."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.disclosure import ROUND_TO, Disclosure, step_at_least, to_step
from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import from_standard_error, wilson
from analysis.methods.lifetime_value.contractual import intervals_within, value_on_grid
from analysis.methods.lifetime_value.tenure_grid import tenure_grid
from analysis.methods.scorecard.customers import as_of_earlier
from analysis.methods.scorecard.ledger import ANONYMOUS, NO_MONEY, Ledger
from analysis.methods.scorecard.level import (
    Floats,
    Level,
    ReportPeriod,
    bounded,
    day_after,
    period_months,
)
from analysis.methods.scorecard.rounding import publishable

if TYPE_CHECKING:
    import pandas as pd

GROUPS = 10
SMALLEST_GROUP = 8
MONTHS = 12


@dataclass(frozen=True, slots=True)
class MarginDecile:
    """A tenth of the customers by margin, the first bringing most.

    mean: margin per customer, in currency; None where one customer makes up half of it or more.
    share: of all margin. n: customers.
    """

    place: int
    mean: float | None
    share: float
    n: int


@dataclass(frozen=True, slots=True)
class MarginConcentration:
    """Who brings the margin of the last twelve months.

    deciles: ten groups of equal size. top_share: share of all margin that the first brings.
    at_a_loss: share of customers who cost more than they bring, or why it is withheld.
    gini: 0 if all bring the same. months: how many are added up. service_cost: whether the
    cost of contacts is taken off.
    """

    deciles: tuple[MarginDecile, ...]
    top_share: Estimate
    at_a_loss: Estimate | NotEstimable
    gini: float
    months: int
    service_cost: bool


def lifetime_value_level(
    lifetimes: pd.DataFrame,
    customer_periods: pd.DataFrame,
    rule: str,
    horizon_months: int,
    discount_rate_annual: float,
    currency: str,
    period: ReportPeriod,
    last: ReportPeriod,
) -> Level:
    """Discounted margin of a customer from the start to the horizon, as known at a period's end.

    last: the period that the frames reach to. Raises CannotEstimate, also where losses are told
    by inactivity (see the notebook on churn).
    """
    if lifetimes.empty or lifetimes["started_on"].isna().all():
        raise CannotEstimate(
            "A lifetime value by period needs the days on which customers started."
        )
    if rule == "inactivity":
        raise CannotEstimate(
            "Where customers have no contract, their value rests on the pattern of their orders; "
            "it stands with the analysis of churn."
        )
    if period.label != last.label:
        lifetimes = as_of_earlier(lifetimes, period.last_day)
        if not customer_periods.empty:
            labels = [
                label for label in customer_periods["period"].unique() if label <= period.label
            ]
            customer_periods = customer_periods[customer_periods["period"].isin(labels)]
    lifetimes = lifetimes.sort_values(["customer_id", "spell"], kind="stable")
    grid = tenure_grid(lifetimes, customer_periods, period_months(period))
    if not grid.margin.any():
        raise CannotEstimate("Customers brought no margin in the months that could be followed.")
    value = value_on_grid(grid, horizon_months, discount_rate_annual, currency)
    inside = np.arange(grid.n_intervals) < intervals_within(grid, horizon_months)
    factor = np.where(inside, grid.discount(discount_rate_annual), 0.0)
    influence = grid.influence(np.append(grid.margin * factor, 0.0), grid.survival[:-1] * factor)
    first = lifetimes[lifetimes["spell"] == 1]["customer_id"].to_numpy()
    return Level(value.total, first, influence)


def margin_by_customer(
    ledger: Ledger, contacts: pd.DataFrame, first_day: np.datetime64, period: ReportPeriod
) -> tuple[pd.Series, bool]:
    """Margin less the cost of contacts, by customer who ordered, was refunded or got in touch.

    Second: whether the exports carry the cost of contacts. Raises CannotEstimate.
    """
    if ledger.is_empty:
        raise CannotEstimate(NO_MONEY)
    rows = ledger.rows
    after = day_after(period)
    rows = rows[(rows["occurred_on"] >= first_day) & (rows["occurred_on"] < after)]
    margin = rows.groupby("customer_id", sort=True)["margin"].sum()
    margin = margin[~margin.index.astype(str).str.startswith(ANONYMOUS)]
    costs = [name for name in ("cost", "compensation") if name in contacts.columns]
    if not costs or contacts[costs].isna().all(axis=None):
        return margin, False
    served = contacts[(contacts["opened_at"] >= first_day) & (contacts["opened_at"] < after)]
    cost = served[costs].astype(float).fillna(0.0).sum(axis=1)
    spent = cost.groupby(served["customer_id"]).sum()
    return margin.sub(spent, fill_value=0.0).sort_index(), True


def margin_concentration(
    ledger: Ledger,
    contacts: pd.DataFrame,
    first_day: dt.date | None,
    period: ReportPeriod,
    disclosure: Disclosure,
) -> MarginConcentration:
    """Margin by tenths of the customers over the twelve months up to the period's end.

    first_day: the first that the exports cover; fewer months are used where they begin later.
    Raises CannotEstimate with too few customers or no margin in sum.
    """
    months = MONTHS
    opening = period.shifted(1 - MONTHS // period_months(period))
    while (
        first_day is not None and opening.first_day < first_day and months > period_months(period)
    ):
        opening, months = opening.shifted(1), months - period_months(period)
    margin, service_cost = margin_by_customer(
        ledger, contacts, np.datetime64(opening.first_day), period
    )
    n = len(margin)
    if n < GROUPS * SMALLEST_GROUP:
        raise CannotEstimate(
            f"Tenths of the customers need at least {GROUPS * SMALLEST_GROUP} of them with an order "
            "or a contact."
        )
    amounts = margin.to_numpy(float)
    total = float(math.fsum(amounts))
    if not total > 0:
        raise CannotEstimate("Customers bring no margin in sum, so there are no shares of it.")
    ordered = np.sort(amounts)[::-1]
    parts = np.array_split(ordered, GROUPS)
    if any(disclosure.dominated(part.tolist()) for part in parts):
        raise CannotEstimate("Withheld: one customer makes up half of a tenth's margin or more.")
    return MarginConcentration(
        deciles=tuple(
            _decile(place, part, amounts, disclosure) for place, part in enumerate(parts, start=1)
        ),
        top_share=publishable(_top_share(amounts, len(parts[0])), disclosure, of_money=True),
        at_a_loss=attempt(_share_at_a_loss, amounts, disclosure),
        gini=round(_gini(ordered[::-1]), 2),
        months=months,
        service_cost=service_cost,
    )


def _decile(place: int, part: Floats, amounts: Floats, disclosure: Disclosure) -> MarginDecile:
    """A tenth as it may be published: its mean from the rounded count.

    Both in steps of what five customers of all would change, so that the sum over the tenths tells
    no more than the whole margin does.
    """
    n, sum_of_part = len(part), float(part.sum())
    mean, share = sum_of_part / (disclosure.count(n) or n), sum_of_part / float(amounts.sum())
    if disclosure.enabled:
        portion = ROUND_TO / len(amounts)
        mean = to_step(mean, step_at_least(max(portion * abs(mean), 0.01)))
        share = to_step(share, step_at_least(max(portion * abs(share), 0.001)))
    return MarginDecile(place, mean, share, n)


def _share_at_a_loss(amounts: Floats, disclosure: Disclosure) -> Estimate:
    events = int((amounts < 0).sum())
    if disclosure.suppressed(events):
        raise CannotEstimate("fewer than eight customers")
    return publishable(wilson(events, len(amounts)), disclosure)


def _top_share(amounts: Floats, count: int) -> Estimate:
    """Share of the sum that the largest `count` bring, with the error of a Lorenz ordinate.

    Beach & Davidson 1983: with q the smallest of them and p = count / n, the influence of a
    customer on the part is (y − q)₊ + pq less its mean.
    """
    n, total = len(amounts), float(amounts.sum())
    ordered = np.sort(amounts)[::-1]
    smallest, p = float(ordered[count - 1]), count / n
    share = float(ordered[:count].sum()) / total
    part = np.maximum(amounts - smallest, 0.0) + p * smallest
    influence = (part - share * amounts) / total
    influence = influence - influence.mean()
    error = math.sqrt(float((influence**2).sum()) * n / (n - 1))
    estimate = from_standard_error(share, error, "share", n, "Lorenz ordinate, linearised", n - 1)
    return bounded(estimate, 0.0, math.inf)


def _gini(ascending: Floats) -> float:
    n = len(ascending)
    ranks = np.arange(1, n + 1)
    return float((2 * ranks - n - 1) @ ascending / (n * ascending.sum()))
