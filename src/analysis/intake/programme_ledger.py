"""Every customer's margin by day, ready for sums over any span of days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from analysis.errors import NotAvailable

if TYPE_CHECKING:
    import pandas as pd

    from analysis.intake.dataset import Dataset

Days = npt.NDArray[np.int64]

FAR_AHEAD = 99_000  # days since 1970: later than any date, and it keeps the ledger's key unique
KEY_STEP = 100_000


@dataclass(frozen=True, slots=True)
class MarginLedger:
    """Every customer's margin by day, ready for sums over any span.

    keys: customer's code × KEY_STEP + day, sorted. running: sums up to each key, one longer.
    """

    keys: Days
    running: npt.NDArray[np.float64]

    def between(self, codes: Days, first: Days, end: Days) -> npt.NDArray[np.float64]:
        """Margin of customers `codes` from day `first` on and before day `end`."""
        lower = np.searchsorted(self.keys, codes * KEY_STEP + first)
        upper = np.searchsorted(self.keys, codes * KEY_STEP + end)
        return np.asarray(self.running[upper] - self.running[lower])


def days_of(values: Any) -> Days:
    """Dates as whole days since 1970; open dates lie far ahead."""
    import pandas as pd

    dates = np.asarray(pd.to_datetime(pd.Series(values)), dtype="datetime64[D]")
    return np.where(np.isnat(dates), FAR_AHEAD, dates.astype(np.int64)).astype(np.int64)


def add_months(days: Days, months: int) -> Days:
    """The same day so many months on; the last of the month where it has no such day."""
    dates = days.astype("datetime64[D]")
    start = dates.astype("datetime64[M]")
    into = dates - start.astype("datetime64[D]")
    target = (start + months).astype("datetime64[D]")
    last = (start + months + 1).astype("datetime64[D]") - np.timedelta64(1, "D")
    return np.asarray(np.minimum(target + into, last).astype(np.int64))


def build_ledger(data: Dataset, customers: pd.Index) -> MarginLedger:
    """The margin ledger of all transactions, or of periods already added up (at their end).

    Raises NotAvailable where neither is declared.
    """
    import pandas as pd

    if not data.has("transactions") and not data.has("periods"):
        raise NotAvailable("transactions, or periods already added up")

    gross = data.settings.economics.gross_margin
    if data.has("transactions"):
        rows, day, amount = data.table("transactions"), "occurred_on", "amount"
    else:
        rows, day, amount = data.table("periods"), "to_on", "spend"
    margin = rows[amount].astype(float) * gross
    if "margin" in rows.columns:
        margin = rows["margin"].astype(float).fillna(margin)
    codes = customers.get_indexer(pd.Index(rows["customer_id"])).astype(np.int64)
    keys = codes * KEY_STEP + days_of(rows[day])
    known = codes >= 0
    # Ties are summed in order of amount, so that the order of rows changes no digit.
    order = np.lexsort((margin.to_numpy()[known], keys[known]))
    running = np.concatenate([[0.0], np.cumsum(margin.to_numpy()[known][order])])
    return MarginLedger(keys[known][order], running)
