"""Employees' sheets of 24 statements, scored so that more is more customer-oriented.

SOCO: twelve statements on customer-oriented and twelve on selling-oriented conduct, answered from
1 to 9 (Saxe & Weitz 1982); those on selling count in reverse.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate
from analysis.methods.regression import Floats

if TYPE_CHECKING:
    import pandas as pd

STATEMENTS = 24
ITEM_COLUMNS = tuple(f"item_{number:02d}" for number in range(1, STATEMENTS + 1))


@dataclass(frozen=True, slots=True)
class Key:
    """How the statements are read.

    selling_items: numbers of the statements that count in reverse. lowest, highest: of the scale.
    most_missing: how many answers a half may lack and still be scored.
    """

    selling_items: tuple[int, ...] = tuple(range(13, 25))
    lowest: float = 1.0
    highest: float = 9.0
    most_missing: int = 4

    @property
    def selling(self) -> NDArray[np.bool_]:
        """Which of the 24 statements count in reverse."""
        return np.isin(np.arange(1, STATEMENTS + 1), self.selling_items)


@dataclass(frozen=True, slots=True)
class Sheets:
    """The last sheet of each employee that could be scored, in the order of their ids.

    employees: ids, m. items: m × 24, reversed where the key says so, NaN where not answered.
    customer, selling, overall: m, means of a half and of both halves, in points of the scale;
        a high `selling` means that statements on selling were rejected.
    answered_on: m, days; NaT where not recorded. previous: m, overall score of the sheet before
        the last, NaN without one.
    sheets: how many came in. left_out: sheets that lack too many answers. uniform: scored sheets
        with one and the same answer throughout.
    """

    key: Key
    employees: tuple[str, ...]
    items: Floats
    customer: Floats
    selling: Floats
    overall: Floats
    answered_on: NDArray[np.datetime64]
    previous: Floats
    sheets: int
    left_out: int
    uniform: int

    @property
    def n(self) -> int:
        return len(self.employees)


def half_scores(keyed: Floats, most_missing: int) -> Floats:
    """Means over the answers of a half (n × items); NaN where more than `most_missing` lack.

    The mean of those answered stands for those missing, which is the person-mean rule.
    """
    known = np.isfinite(keyed)
    counts = known.sum(axis=1)
    totals = np.where(known, keyed, 0.0).sum(axis=1)
    enough = (counts > 0) & (keyed.shape[1] - counts <= most_missing)
    return np.where(enough, totals / np.maximum(counts, 1), np.nan)


def keyed_items(answers: Floats, key: Key) -> Floats:
    """Answers (n × 24) with the selling-oriented statements reversed: lowest + highest − answer.

    Raises CannotEstimate where answers lie outside the scale.
    """
    known = answers[np.isfinite(answers)]
    outside = int(((known < key.lowest) | (known > key.highest)).sum())
    if outside:
        raise CannotEstimate(
            f"Some answers on the sheets lie outside the declared scale of {key.lowest:g} to "
            f"{key.highest:g}: either the scale or the export is wrong."
        )
    return np.where(key.selling, key.lowest + key.highest - answers, answers)


def read_sheets(table: pd.DataFrame, key: Key | None = None) -> Sheets:
    """Score the sheets of table `orientation`: employee_id, answered_on, item_01 … item_24.

    Each employee's last sheet that can be scored counts. Raises CannotEstimate if there is no
    sheet, none can be scored, or several undated ones of one employee leave open which is the last.
    """
    key = key or Key()
    if table.empty:
        raise CannotEstimate("No employee has filled in a sheet on customer orientation.")
    answers = np.column_stack([_numbers(table, column) for column in ITEM_COLUMNS])
    ids = table["employee_id"].astype(str).to_numpy()
    days = _days(table, "answered_on")
    keyed = keyed_items(answers, key)
    customer = half_scores(keyed[:, ~key.selling], key.most_missing)
    selling = half_scores(keyed[:, key.selling], key.most_missing)
    scored = np.isfinite(customer) & np.isfinite(selling)
    if not scored.any():
        raise CannotEstimate(
            "Every sheet on customer orientation lacks too many answers to be scored."
        )
    overall = (customer + selling) / 2
    rows = np.flatnonzero(scored)
    undated = np.isnat(days[rows])
    names, counts = np.unique(ids[rows], return_counts=True)
    if np.isin(ids[rows][undated], names[counts > 1]).any():
        raise CannotEstimate(
            "Some employees filled in several sheets without a date, so that the last one cannot "
            "be told; record the day of the answers."
        )
    rows = rows[np.lexsort((days[rows], ids[rows]))]
    last = np.append(ids[rows][1:] != ids[rows][:-1], True)
    before = np.full(len(rows), np.nan)
    before[1:] = np.where(ids[rows][1:] == ids[rows][:-1], overall[rows][:-1], np.nan)
    chosen = rows[last]
    spread = np.nanmax(answers[chosen], axis=1) - np.nanmin(answers[chosen], axis=1)
    return Sheets(
        key=key,
        employees=tuple(ids[chosen].tolist()),
        items=keyed[chosen],
        customer=customer[chosen],
        selling=selling[chosen],
        overall=overall[chosen],
        answered_on=days[chosen],
        previous=before[last],
        sheets=len(table),
        left_out=int((~scored).sum()),
        uniform=int((spread == 0).sum()),
    )


def places_of(ids: Iterable[object], known: tuple[str, ...]) -> NDArray[np.int64]:
    """Position of each id among the sorted known ones; −1 where it is not among them."""
    names = np.array(known, dtype=str)
    wanted = np.array(["" if value is None else str(value) for value in ids], dtype=str)
    if not len(names) or not len(wanted):
        return np.full(len(wanted), -1, dtype=np.int64)
    places = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
    return np.where(names[places] == wanted, places, -1).astype(np.int64)


def _numbers(table: pd.DataFrame, column: str) -> Floats:
    if column not in table:
        return np.full(len(table), np.nan)
    return table[column].to_numpy(dtype=float, na_value=np.nan)


def _days(table: pd.DataFrame, column: str) -> NDArray[np.datetime64]:
    if column not in table:
        return np.full(len(table), np.datetime64("NaT"), dtype="datetime64[D]")
    return table[column].to_numpy(dtype="datetime64[D]")
