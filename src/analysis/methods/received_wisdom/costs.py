"""What it costs to win a customer, and to keep one for a year."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import from_standard_error, normal_quantile
from analysis.methods.received_wisdom.reading import Reading
from analysis.methods.received_wisdom.records import (
    FEWEST_CUSTOMERS,
    YEAR_DAYS,
    CompanyRecords,
    day_numbers,
    demand,
)
from analysis.methods.regression import Floats
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_RATIO = math.log(1.25)
MONTHS = 12


@dataclass(frozen=True, slots=True)
class Cost:
    """Cost per customer with its standard error, and how many customers it rests on."""

    mean: float
    error: float
    n: int
    method: str

    def estimate(self, unit: str) -> Estimate:
        return from_standard_error(self.mean, self.error, unit, self.n, self.method, self.n - 1)


def cost_of_winning(records: CompanyRecords) -> Cost:
    """Cost per customer won within the last year: as recorded of each, else from advertising
    where no such column is carried.

    Advertising cost per customer won is a quotient of totals: its error comes from months.
    Raises CannotEstimate where neither is carried.
    """
    own = attempt(_recorded, records)
    if isinstance(own, Cost):
        return own
    if records.is_segment or "acquisition_cost" in records.customers.columns:
        raise CannotEstimate(own.reason)
    from_advertising = attempt(_advertised, records)
    if isinstance(from_advertising, NotEstimable):
        raise CannotEstimate(
            "Needs customers.acquisition_cost, or marketing.cost and marketing.new_customers."
        )
    return from_advertising


def _recorded(records: CompanyRecords) -> Cost:
    rows = demand(records.customers, "customers", "acquisition_cost", "started_on")
    began = day_numbers(rows["started_on"])
    cost = rows["acquisition_cost"].to_numpy(float)[began > records.last - YEAR_DAYS]
    if len(cost) < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Needs customers.acquisition_cost of at least {FEWEST_CUSTOMERS} customers won within "
            "the year."
        )
    error = float(cost.std(ddof=1)) / math.sqrt(len(cost))
    return Cost(float(cost.mean()), error, len(cost), "mean of customers won, t")


def _advertised(records: CompanyRecords) -> Cost:
    rows = demand(records.marketing, "marketing", "month", "cost", "new_customers")
    month = rows["month"].to_numpy("datetime64[M]").astype(np.int64)
    rows, month = rows[month > month.max() - MONTHS], month[month > month.max() - MONTHS]
    place = month - month.min()
    cost = np.bincount(place, rows["cost"].to_numpy(float))
    won = np.bincount(place, rows["new_customers"].to_numpy(float))
    if won.sum() < FEWEST_CUSTOMERS or len(won) < 3:
        raise CannotEstimate("Too few customers were won by advertising.")
    mean = float(cost.sum() / won.sum())
    influence = (cost - mean * won) / won.sum()
    error = float(np.sqrt(influence @ influence * len(won) / (len(won) - 1)))
    return Cost(mean, error, int(won.sum()), "advertising cost per customer won, by month")


def cost_of_keeping(records: CompanyRecords) -> Cost:
    """The last year's cost of contacts, compensation and programmes per customer kept through it.

    Customers active when the year opened; those who left in it have their cost counted and are
    not kept. Programmes are left out for a segment. Raises CannotEstimate.
    """
    import pandas as pd

    opens = records.last - YEAR_DAYS + 1
    if records.first > opens:
        raise CannotEstimate("Needs contacts of a whole year; the export covers less.")
    there, kept = _kept_through(records, opens)
    if kept.sum() < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Needs at least {FEWEST_CUSTOMERS} customers kept through the year.")
    contacts = demand(records.contacts, "contacts", "cost", "opened_at", "customer_id")
    contacts = contacts[day_numbers(contacts["opened_at"]) >= opens]
    cost = contacts["cost"].to_numpy(float)
    if "compensation" in contacts.columns:
        cost = cost + contacts["compensation"].fillna(0).to_numpy(float)
    place = there.get_indexer(pd.Index(contacts["customer_id"].astype(str)))
    inside = place >= 0
    own = np.bincount(place[inside], cost[inside], len(there))
    total = float(own.sum()) + programme_costs_of_year(records, opens)
    mean = total / float(kept.sum())
    if mean <= 0:
        raise CannotEstimate("Needs costs of service above zero.")
    influence = (own - own.mean() - mean * (kept - kept.mean())) / kept.sum()
    n = len(there)
    error = float(np.sqrt(influence @ influence * n / (n - 1)))
    return Cost(mean, error, int(kept.sum()), "cost of the year per customer kept")


def _kept_through(records: CompanyRecords, opens: int) -> tuple[pd.Index, Floats]:
    """Customers active on the day `opens`, sorted, and whether each still is on the last day."""
    import pandas as pd

    rows = demand(records.lifetimes, "customers", "started_on", "exit_months")
    start = day_numbers(rows["started_on"])
    leave = start + np.rint(rows["exit_months"].to_numpy(float) * DAYS_PER_MONTH).astype(np.int64)
    ended = rows["ended"].to_numpy(bool)
    there = rows[(start < opens) & ((leave >= opens) | ~ended)]
    names = pd.Index(np.unique(there["customer_id"].to_numpy(object).astype(str)))
    # Who was lost by inactivity and came back within the year is a customer at its end as well.
    return names, names.isin(rows.loc[~ended, "customer_id"].astype(str)).astype(float)


def programme_costs_of_year(records: CompanyRecords, opens: int) -> float:
    """What programmes cost from the day `opens` to the as-of date; 0 for a segment."""
    table = records.programmes
    if records.is_segment or "starts_on" not in table.columns:
        return 0.0
    rows = table[table["starts_on"].notna()]
    start = day_numbers(rows["starts_on"])
    stop = np.full(len(rows), records.last, dtype=np.int64)
    if "ends_on" in rows.columns:
        over = rows["ends_on"].notna().to_numpy()
        stop[over] = np.minimum(day_numbers(rows["ends_on"][over]), records.last)
    months = np.clip(stop - np.maximum(start, opens) + 1, 0, None) * MONTHS / YEAR_DAYS
    cost = 0.0
    if "monthly_cost" in rows.columns:
        cost += float(rows["monthly_cost"].fillna(0).to_numpy(float) @ months)
    if "upfront_cost" in rows.columns:
        within = (start >= opens) & (start <= records.last)
        cost += float(rows["upfront_cost"].fillna(0).to_numpy(float) @ within)
    return cost


def winning_against_keeping(records: CompanyRecords) -> Reading:
    """Cost of winning one customer over the year's cost of keeping one; above one, as is said.

    The two rest on different customers, so their errors are independent. Raises CannotEstimate.
    """
    keeping, winning = cost_of_keeping(records), cost_of_winning(records)
    if winning.mean <= 0:
        raise CannotEstimate("Needs costs of winning customers above zero.")
    ratio = winning.mean / keeping.mean
    error = math.hypot(winning.error / winning.mean, keeping.error / keeping.mean)
    spread = math.exp(normal_quantile() * error)
    n = winning.n + keeping.n
    estimate = Estimate(ratio, ratio / spread, ratio * spread, "ratio", n, "ratio, log scale")
    asides = {
        "winning one": winning.estimate(records.currency),
        "keeping one for a year": keeping.estimate(records.currency),
    }
    remark = "Costs of programmes are not in it." if records.is_segment else ""
    return Reading(estimate, "description", 1.0, 1, SMALLEST_RATIO, True, asides, remark)
