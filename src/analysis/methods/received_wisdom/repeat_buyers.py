"""What the same customers spend in a later half-year against their first."""

from __future__ import annotations

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.received_wisdom.reading import Reading
from analysis.methods.received_wisdom.records import (
    FEWEST_CUSTOMERS,
    CompanyRecords,
    Ledger,
    demand,
)
from analysis.methods.regression import Floats
from analysis.tenure import DAYS_PER_MONTH

LAST_MONTH = 36
HALF_YEAR_MONTHS = 6
SMALLEST_RISE = 0.05
# The shortest later half-year that does not touch the first.
EARLIEST_LAST_MONTH = 12


def paired_rise(early: Floats, late: Floats) -> Estimate:
    """Ratio of the mean of `late` (n) to that of `early` (n), less one; pairs are customers.

    Delta method on the log scale with the pairs' covariance, t limits. Raises CannotEstimate
    where there was no spend.
    """
    n = len(early)
    if early.sum() <= 0 or late.sum() <= 0:
        raise CannotEstimate("Nothing was spent in one of the two half-years.")
    influence = late / late.sum() - early / early.sum()
    error = float(np.sqrt(influence @ influence * n / (n - 1)))
    ratio = float(late.sum() / early.sum())
    spread = float(np.exp(t_quantile(0.95, n - 1) * error))
    method = "ratio of means, paired by customer, log scale"
    return Estimate(ratio - 1, ratio / spread - 1, ratio * spread - 1, "share", n, method)


def later_half_year(records: CompanyRecords, last_month: int = LAST_MONTH) -> Reading:
    """Spend in the six months up to `last_month` against that of the first six, less one.

    Customers whose first day lies in the export and who were there for `last_month` months
    (those who were not are left out: survivors). Refunds are taken off. Raises CannotEstimate.
    """
    first = records.first
    lifetimes = demand(records.lifetimes, "customers", "started_on")
    new = (lifetimes["spell"] == 1) & (lifetimes["entry_months"] <= 0)
    seen = lifetimes["started_on"] >= np.datetime64(first, "D")
    there = lifetimes[new & seen & (lifetimes["exit_months"] >= last_month)]
    ledger = Ledger.of(records.transactions)
    if len(there) < FEWEST_CUSTOMERS:
        covered = int((records.last - first + 1) / DAYS_PER_MONTH)
        raise CannotEstimate(
            f"Needs orders of at least {FEWEST_CUSTOMERS} customers over their first {last_month} "
            f"months; the export covers {covered} months in all."
        )
    start = there["started_on"].to_numpy("datetime64[D]").astype(np.int64)

    def spent(opens: int, closes: int) -> Floats:
        days = [start + round(month * DAYS_PER_MONTH) for month in (opens, closes)]
        return ledger.between(there["customer_id"], days[0], days[1])

    late = spent(last_month - HALF_YEAR_MONTHS, last_month)
    rise = paired_rise(spent(0, HALF_YEAR_MONTHS), late)
    return Reading(rise, "description", 0.0, 1, SMALLEST_RISE, remark="Survivors only.")


def nearest_half_year(records: CompanyRecords) -> tuple[int, Reading]:
    """The latest half-year that the export bears, by its last month, short of the published one.

    Raises CannotEstimate where there is none after the first year.
    """
    for last_month in range(LAST_MONTH - HALF_YEAR_MONTHS, EARLIEST_LAST_MONTH - 1, -6):
        try:
            return last_month, later_half_year(records, last_month)
        except CannotEstimate as cannot:
            reason = cannot.reason
    raise CannotEstimate(reason)
