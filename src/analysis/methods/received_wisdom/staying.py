"""Who leaves: by satisfaction, by time as a customer, by the number of categories bought."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, attempt
from analysis.methods.intervals import t_quantile
from analysis.methods.received_wisdom.reading import Reading
from analysis.methods.received_wisdom.records import (
    FEWEST_CUSTOMERS,
    FEWEST_EVENTS,
    CompanyRecords,
    day_numbers,
    demand,
)
from analysis.methods.regression import Floats
from analysis.methods.survival.cox import fit_cox
from analysis.methods.survival.groups import MISSING, choose_group
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

EARLY_MONTHS = 12.0
FIRST_MONTHS = 6.0
SMALLEST_HAZARD = -math.log(0.9)
SMALLEST_RATE = math.log(1.25)
CATEGORIES = "categories bought"


def satisfied_stay(ratio: Estimate) -> Reading:
    """The hazard ratio per point, as the study of churn has it."""
    return Reading(ratio, "association", 1.0, -1, SMALLEST_HAZARD, is_ratio=True)


def early_against_late(records: CompanyRecords) -> Reading:
    """Rate of leaving before twelve months as a customer over the rate after them.

    Losses per month at risk, delayed entry honoured; months below the inactivity threshold, in
    which no loss can be seen, do not count. Beside it the same by contract (or segment), since it
    may be true of one kind of customer only. Raises CannotEstimate with too few losses.
    """
    lifetimes = demand(records.lifetimes, "customers", "customer_id", "exit_months")
    if records.threshold_months >= EARLY_MONTHS:
        raise CannotEstimate("Needs losses that show within a year; the threshold is longer.")
    ratio = _early_rate(lifetimes, records.threshold_months)
    group = choose_group(lifetimes)
    asides = {}
    if group:
        # Customers without a value are a group of their own, not nobody.
        for level, rows in lifetimes.groupby(lifetimes[group].fillna(MISSING), sort=True):
            one = attempt(_early_rate, rows, records.threshold_months)
            if isinstance(one, Estimate):
                asides[f"{group.replace('_', ' ')}: {level}"] = one
    contrary = [name for name, one in asides.items() if one.upper is not None and one.upper < 1]
    remark = f"The other way round for {', '.join(contrary)}." if contrary else ""
    return Reading(ratio, "description", 1.0, 1, SMALLEST_RATE, True, asides, remark)


def _early_rate(lifetimes: pd.DataFrame, threshold_months: float) -> Estimate:
    ended = lifetimes["ended"].to_numpy(bool)
    entry, leave = (lifetimes[name].to_numpy(float) for name in ("entry_months", "exit_months"))
    entry = np.maximum(entry, threshold_months)
    early_time = np.clip(np.minimum(leave, EARLY_MONTHS) - entry, 0, None)
    late_time = np.clip(leave - np.maximum(entry, EARLY_MONTHS), 0, None)
    early_loss = (ended & (leave <= EARLY_MONTHS) & (early_time > 0)).astype(float)
    late_loss = (ended & (leave > EARLY_MONTHS) & (late_time > 0)).astype(float)
    return rate_ratio(
        (early_loss, early_time), (late_loss, late_time), lifetimes["customer_id"], "losses"
    )


def rate_ratio(
    first: tuple[Floats, Floats], second: tuple[Floats, Floats], customers: pd.Series, what: str
) -> Estimate:
    """Events per time at risk of `first` over that of `second` (each events, time; n).

    Errors from customers' influence on the log rates, which bears that some cause many events.
    Raises CannotEstimate with fewer than ten events on either side, or thirty customers.
    """
    import pandas as pd

    if min(first[0].sum(), second[0].sum()) < FEWEST_EVENTS:
        raise CannotEstimate(f"Needs at least {FEWEST_EVENTS} {what} on either side.")
    codes, ids = pd.factorize(customers, sort=True)
    if len(ids) < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Needs at least {FEWEST_CUSTOMERS} customers.")
    # Sums in an order that the order of rows does not change.
    order = np.lexsort((first[1], second[1], first[0], second[0], codes))
    codes = codes[order]
    first, second = ((events[order], time[order]) for events, time in (first, second))
    rates = [float(events.sum() / time.sum()) for events, time in (first, second)]
    pulls = [
        np.bincount(codes, events - rate * time, len(ids)) / events.sum()
        for (events, time), rate in zip((first, second), rates, strict=True)
    ]
    influence, n = pulls[0] - pulls[1], len(ids)
    error = float(np.sqrt(influence @ influence * n / (n - 1)))
    ratio, spread = rates[0] / rates[1], math.exp(t_quantile(0.95, n - 1) * error)
    method = f"ratio of {what} per time at risk, by customer, log scale"
    return Estimate(ratio, ratio / spread, ratio * spread, "ratio", n, method)


def categories_hold(records: CompanyRecords) -> Reading:
    """Hazard of leaving after six months, per category bought in them, same number of orders.

    Customers whose first day lies in the export and who were there after six months (a landmark).
    Raises CannotEstimate.
    """
    orders = demand(records.transactions, "transactions", "category", "occurred_on", "customer_id")
    orders = orders[orders["amount"] > 0]
    lifetimes = demand(records.lifetimes, "customers", "started_on")
    new = (lifetimes["spell"] == 1) & (lifetimes["entry_months"] <= 0)
    seen = lifetimes["started_on"] >= np.datetime64(records.first, "D")
    landmark = max(FIRST_MONTHS, records.threshold_months)
    there = lifetimes[new & seen & (lifetimes["exit_months"] > landmark)]
    if len(there) < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Needs at least {FEWEST_CUSTOMERS} customers seen from their start and for longer than "
            f"{landmark:.0f} months."
        )
    start = there.set_index("customer_id")["started_on"].reindex(orders["customer_id"])
    known = start.notna().to_numpy()
    orders, began = orders[known], day_numbers(start[known])
    within = day_numbers(orders["occurred_on"]) < began + FIRST_MONTHS * DAYS_PER_MONTH
    bought = orders[within].groupby("customer_id")
    names = there["customer_id"]
    categories = bought["category"].nunique().reindex(names).fillna(0).to_numpy(float)
    count = bought.size().reindex(names).fillna(0).to_numpy(float)
    stop = there["exit_months"].to_numpy(float)
    design = np.column_stack([categories, np.log1p(count)])
    if design[:, 1].max() == design[:, 1].min():
        design = design[:, :1]
    labels = (CATEGORIES, "orders, logarithm")[: design.shape[1]]
    fit = fit_cox(
        np.full(len(stop), landmark), stop, there["ended"].to_numpy(bool), design, labels
    )  # fmt: skip
    if fit.n_events < FEWEST_EVENTS:
        raise CannotEstimate(f"Needs at least {FEWEST_EVENTS} losses after the first half-year.")
    ratio = fit.hazard_ratio(CATEGORIES)
    return Reading(ratio, "association", 1.0, -1, SMALLEST_HAZARD, is_ratio=True)
