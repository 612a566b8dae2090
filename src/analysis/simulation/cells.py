"""How values stand in an export: as text for CSV, or typed for Parquet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from analysis.simulation.programmes import NEVER
from analysis.simulation.world import World

# Digits of an id, with its letter: customers, orders, survey answers, contacts, employees.
DEMO_WIDTHS = {"C": 4, "T": 5, "S": 5, "K": 5, "E": 2}
WIDE_WIDTHS = {"C": 7, "T": 8, "S": 8, "K": 8, "E": 4}


def as_days(world: World, days: np.ndarray) -> np.ndarray:
    """Day numbers as datetime64[D]; NEVER as not-a-time."""
    known = np.asarray(days) < NEVER
    # Whole days: floats with gaps would be multiplied in memory that nobody has filled.
    stamps = np.datetime64(world.first_day, "D") + np.where(known, days, 0).astype(int)
    return np.where(known, stamps, np.datetime64("NaT"))


@dataclass(slots=True)
class TextCells:
    """Cells as they stand in a CSV file.

    first_customer: number of the first customer of those being written. given: how many ids of
    each letter were given out before.
    """

    first_customer: int = 0
    widths: dict[str, int] = field(default_factory=lambda: dict(DEMO_WIDTHS))
    given: dict[str, int] = field(default_factory=dict)

    def ids(self, letter: str, numbers: np.ndarray | range) -> Any:
        """Ids of a kind; empty where the number is negative."""
        width = self.widths[letter]
        return [f"{letter}{number:0{width}d}" if number >= 0 else "" for number in numbers]

    def customers(self, numbers: np.ndarray) -> Any:
        """Ids of customers, numbered from the first of those being written."""
        return self.ids("C", np.where(numbers >= 0, numbers + self.first_customer, -1))

    def fresh_ids(self, letter: str, count: int) -> Any:
        """The next ids of a kind."""
        first = self.given.get(letter, 0)
        self.given[letter] = first + count
        return self.ids(letter, np.arange(first, first + count))

    def dates(self, world: World, days: np.ndarray) -> Any:
        """Day numbers as dates; NEVER as empty."""
        return pd.Series(pd.to_datetime(as_days(world, days))).dt.strftime("%Y-%m-%d")

    def moments(self, moments: pd.Series) -> Any:
        """Points in time to the minute."""
        return moments.dt.strftime("%Y-%m-%d %H:%M")

    def money(self, values: pd.Series) -> Any:
        """Euro and cents."""
        return values.map("{:.2f}".format)

    def whole(self, values: pd.Series) -> Any:
        """Whole numbers; NaN as empty."""
        return values.map(lambda x: "" if np.isnan(x) else f"{x:.0f}")


@dataclass(slots=True)
class TypedCells(TextCells):
    """Cells with the types that Parquet knows."""

    widths: dict[str, int] = field(default_factory=lambda: dict(WIDE_WIDTHS))

    def ids(self, letter: str, numbers: np.ndarray | range) -> Any:
        import pyarrow as pa
        import pyarrow.compute as pc

        plain = np.asarray(numbers, dtype=np.int64)
        digits = pc.utf8_lpad(pa.array(plain).cast(pa.string()), self.widths[letter], "0")
        named = pc.binary_join_element_wise(pa.scalar(letter), digits, "")
        return pd.array(pc.if_else(pa.array(plain >= 0), named, None), dtype="string[pyarrow]")

    def dates(self, world: World, days: np.ndarray) -> Any:
        return as_days(world, days).astype("datetime64[s]")

    def moments(self, moments: pd.Series) -> Any:
        return moments

    def money(self, values: pd.Series) -> Any:
        return values

    def whole(self, values: pd.Series) -> Any:
        return values
