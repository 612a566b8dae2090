"""A company's tables and frames, as the tests of claims take them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.regression import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

FEWEST_CUSTOMERS = 30
FEWEST_EVENTS = 10
HALF_YEAR_DAYS = 183
YEAR_DAYS = 365


@dataclass(frozen=True, slots=True)
class CompanyRecords:
    """Canonical tables and the frame of lifetimes; empty where the export has none.

    first_day: of the exports, None for a snapshot. as_of: the last day known. csat_scale: lowest
    and highest answer. threshold_months: months without an order that make a loss, 0 with
    contracts. is_segment: some of the customers only, so that costs of all are not theirs.
    """

    customers: pd.DataFrame
    transactions: pd.DataFrame
    surveys: pd.DataFrame
    contacts: pd.DataFrame
    programmes: pd.DataFrame
    marketing: pd.DataFrame
    lifetimes: pd.DataFrame
    first_day: dt.date | None
    as_of: dt.date
    currency: str
    csat_scale: tuple[float, float] = (1.0, 5.0)
    threshold_months: float = 0.0
    is_segment: bool = False

    @property
    def last(self) -> int:
        """The as-of date as a day number."""
        return day_number(self.as_of)

    @property
    def first(self) -> int:
        """The first day as a day number. Raises CannotEstimate for a snapshot."""
        if self.first_day is None:
            raise CannotEstimate("Needs dated exports; a snapshot has no course of time.")
        return day_number(self.first_day)

    @property
    def low_score(self) -> float:
        """The highest CSAT that counts as dissatisfied: the lowest quarter of the scale."""
        low, high = self.csat_scale
        return low + (high - low) / 4

    @property
    def good_score(self) -> float:
        """The lowest CSAT that counts as satisfied: the highest quarter of the scale."""
        low, high = self.csat_scale
        return high - (high - low) / 4


def day_number(day: dt.date) -> int:
    return int(np.datetime64(day, "D").astype(np.int64))


def day_numbers(column: pd.Series) -> Ints:
    """Days since 1970 of a column of dates without gaps."""
    return column.to_numpy("datetime64[D]").astype(np.int64)


def demand(table: pd.DataFrame, name: str, *columns: str) -> pd.DataFrame:
    """The rows of a table in which all of the columns are known.

    Raises CannotEstimate, naming table and columns, where the export carries none.
    """
    missing = [c for c in columns if c not in table.columns or not table[c].notna().any()]
    if missing:
        *most, last = missing
        listed = f"{', '.join(most)} and {last}" if most else last
        wanted = f"{name} with {listed}" if most or not len(table.columns) else f"{name}.{last}"
        raise CannotEstimate(f"Needs {wanted}, which the export does not carry.")
    return table[table[list(columns)].notna().all(axis=1)]


def answers_to(records: CompanyRecords, instrument: str) -> pd.DataFrame:
    """Answers of known customers by customer and day, with the day as a number in `day`.

    Several of one customer on one day stand in the order of their ids. Raises CannotEstimate.
    """
    wanted = ("customer_id", "answered_on", "score")
    known = demand(records.surveys, "surveys", "instrument", *wanted)
    mine = known[known["instrument"] == instrument]
    if mine.empty:
        raise CannotEstimate(f"Needs {instrument.upper()} answers in surveys; there are none.")
    mine = mine.assign(day=day_numbers(mine["answered_on"]))
    return mine.sort_values(["customer_id", "day", "response_id"], ignore_index=True)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Money of customers by day, for sums between two days."""

    ids: pd.Index
    keys: Ints
    running: Floats

    STEP = 10_000_000

    @classmethod
    def of(cls, transactions: pd.DataFrame) -> Ledger:
        """Raises CannotEstimate where no dated orders are carried."""
        import pandas as pd

        rows = demand(transactions, "transactions", "customer_id", "occurred_on", "amount")
        ids = pd.Index(np.unique(rows["customer_id"].to_numpy(object).astype(str)))
        codes = ids.get_indexer(pd.Index(rows["customer_id"].astype(str)))
        keys = codes.astype(np.int64) * cls.STEP + day_numbers(rows["occurred_on"])
        amount = rows["amount"].to_numpy(float)
        order = np.lexsort((amount, keys))
        return cls(ids, keys[order], np.concatenate([[0.0], np.cumsum(amount[order])]))

    def between(self, customers: pd.Series, opens: Ints, closes: Ints) -> Floats:
        """Sum of each row's customer from the day `opens` until the day before `closes`."""
        import pandas as pd

        own = self.ids.get_indexer(pd.Index(customers.astype(str))).astype(np.int64)
        first = np.searchsorted(self.keys, own * self.STEP + opens)
        last = np.searchsorted(self.keys, own * self.STEP + closes)
        return np.where(own >= 0, self.running[last] - self.running[first], 0.0)
