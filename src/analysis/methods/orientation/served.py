"""What became of the customers whom an employee served: one row per answer or contact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate
from analysis.methods.orientation.sheets import Sheets, places_of
from analysis.methods.regression import Floats, Ints, dummies
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

REFUND_DAYS = 90
STAYING_DAYS = 182
MOST_LEVELS = 12
NOT_RECORDED = "not recorded"
CUSTOMER_COLUMNS = ("segment", "region", "acquisition_channel")
ENCOUNTER_COLUMNS = ("touchpoint", "channel")
COLLINEAR_SHARE = 1e-7


@dataclass(frozen=True, slots=True)
class Served:
    """Rows of one outcome.

    employee: n, positions in the sheets. outcome: n. days: n, of the encounter. design: n × k of
    what is held equal, without a constant; names: k. held_equal: the columns behind it.
    customers: how many different ones. not_scored: rows of employees without a scored sheet.
    """

    employee: Ints
    outcome: Floats
    days: NDArray[np.datetime64]
    design: Floats
    names: tuple[str, ...]
    held_equal: tuple[str, ...]
    customers: int
    not_scored: int

    def select(self, chosen: NDArray[np.bool_]) -> Served:
        """The rows chosen; the number of customers is that of all rows."""
        return Served(
            self.employee[chosen], self.outcome[chosen], self.days[chosen], self.design[chosen],
            self.names, self.held_equal, self.customers, self.not_scored,
        )  # fmt: skip


def satisfaction_rows(
    sheets: Sheets, surveys: pd.DataFrame, customers: pd.DataFrame, covariates: dict[str, str]
) -> Served:
    """CSAT answers about an encounter with a known employee.

    covariates: further columns of the customers and their kind, number or category. Raises
    CannotEstimate if no answer names the employee.
    """
    if "employee_id" not in surveys or "instrument" not in surveys or "score" not in surveys:
        raise CannotEstimate("No answer of a customer is linked to the employee who served them.")
    chosen = (surveys["instrument"] == "csat") & surveys["score"].notna()
    rows = surveys[chosen & surveys["employee_id"].notna()]
    if rows.empty:
        raise CannotEstimate("No answer of a customer is linked to the employee who served them.")
    day = rows["invited_on"] if "invited_on" in rows else rows["answered_on"]
    if "answered_on" in rows:
        day = day.fillna(rows["answered_on"])
    return _assemble(sheets, rows, rows["score"].to_numpy(float), day, customers, covariates)


def encounters(contacts: pd.DataFrame) -> pd.DataFrame:
    """Contacts with a known employee. Raises CannotEstimate if there is none."""
    if "employee_id" not in contacts or "opened_at" not in contacts:
        raise CannotEstimate("Contacts do not say which employee dealt with them.")
    rows = contacts[contacts["employee_id"].notna() & contacts["opened_at"].notna()]
    if rows.empty:
        raise CannotEstimate("Contacts do not say which employee dealt with them.")
    return rows


def refund_rows(
    sheets: Sheets,
    contacts: pd.DataFrame,
    transactions: pd.DataFrame,
    customers: pd.DataFrame,
    covariates: dict[str, str],
    last_day: np.datetime64,
) -> Served:
    """Whether money went back to the customer within 90 days after a contact (1 or 0).

    Contacts that were not followed for so long do not count. Raises CannotEstimate if no contact
    names the employee or refunds are not recorded.
    """
    rows = encounters(contacts)
    if transactions.empty or not (transactions["amount"] < 0).any():
        raise CannotEstimate("No refund is recorded.")
    day = rows["opened_at"].to_numpy("datetime64[D]")
    rows = rows[day + REFUND_DAYS <= last_day]
    if rows.empty:
        raise CannotEstimate("No contact has been followed for ninety days.")
    back = transactions[transactions["amount"] < 0]
    outcome = _happened_within(
        rows["customer_id"].to_numpy(str), rows["opened_at"].to_numpy("datetime64[D]"),
        back["customer_id"].to_numpy(str), back["occurred_on"].to_numpy("datetime64[D]"), REFUND_DAYS,
    )  # fmt: skip
    return _assemble(sheets, rows, outcome, rows["opened_at"], customers, covariates)


def staying_rows(
    sheets: Sheets,
    contacts: pd.DataFrame,
    lifetimes: pd.DataFrame,
    customers: pd.DataFrame,
    covariates: dict[str, str],
    last_day: np.datetime64,
) -> Served:
    """Whether the customer was still there half a year after a contact (1 or 0).

    Contacts after the customer had left, or less than half a year before the as-of date, do not
    count. Raises CannotEstimate if no contact names the employee or ends are not dated.
    """
    rows = encounters(contacts)
    if lifetimes.empty or "started_on" not in lifetimes:
        raise CannotEstimate("Starts and ends of customers are not dated.")
    last = lifetimes.sort_values(["customer_id", "spell"]).drop_duplicates(
        "customer_id", keep="last"
    )
    length = np.rint(last["exit_months"].to_numpy(float) * DAYS_PER_MONTH).astype("timedelta64[D]")
    end = last["started_on"].to_numpy("datetime64[D]") + length
    never = last_day + 10 * STAYING_DAYS
    ended = np.where(last["ended"].to_numpy(bool), end, never)
    ids = tuple(last["customer_id"].astype(str))
    place = places_of(rows["customer_id"], ids)
    day = rows["opened_at"].to_numpy("datetime64[D]")
    end_of_row = np.where(place >= 0, ended[place], day)
    counts = (place >= 0) & (end_of_row > day) & (day + STAYING_DAYS <= last_day)
    rows, end_of_row, day = rows[counts], end_of_row[counts], day[counts]
    if rows.empty:
        raise CannotEstimate("No contact has been followed for half a year.")
    outcome = (end_of_row > day + STAYING_DAYS).astype(float)
    return _assemble(sheets, rows, outcome, rows["opened_at"], customers, covariates)


def _happened_within(
    who: NDArray[np.str_],
    when: NDArray[np.datetime64],
    of_whom: NDArray[np.str_],
    on: NDArray[np.datetime64],
    days: int,
) -> Floats:
    """1 where something happened to the same person in the days after, else 0."""
    names = np.unique(of_whom)
    place = np.minimum(np.searchsorted(names, who), len(names) - 1)
    known = names[place] == who
    stride = 1_000_000
    dated = np.sort(np.searchsorted(names, of_whom) * stride + on.astype(int))
    start = place * stride + when.astype(int)
    # Not on the day itself: what came first that day is not known.
    first = np.searchsorted(dated, start, side="right")
    last = np.searchsorted(dated, start + days, side="right")
    return (known & (last > first)).astype(float)


def _assemble(
    sheets: Sheets,
    rows: pd.DataFrame,
    outcome: Floats,
    day: pd.Series,
    customers: pd.DataFrame,
    covariates: dict[str, str],
) -> Served:
    place = places_of(rows["employee_id"], sheets.employees)
    scored = place >= 0
    if not scored.any():
        raise CannotEstimate("None of the employees who filled in a sheet served a known customer.")
    kept = rows[scored]
    days = day.to_numpy("datetime64[D]")[scored]
    who = np.array(
        [("" if v is None or v != v else str(v)) for v in kept["customer_id"]], dtype=str
    )
    design, names, held = held_equal(kept, who, days, customers, covariates)
    number = len(np.unique(who[who != ""]))
    return Served(
        place[scored], outcome[scored], days, design, names, held, number, int((~scored).sum())
    )


def held_equal(
    rows: pd.DataFrame,
    who: NDArray[np.str_],
    days: NDArray[np.datetime64],
    customers: pd.DataFrame,
    covariates: dict[str, str],
) -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    """Columns of what is held equal: the encounter, the customer, the quarter.

    Columns that do not vary, or are determined by others, are left out. Gives the design (n × k),
    its names, and the columns it was made from.
    """
    blocks: list[tuple[str, Floats, tuple[str, ...]]] = []
    for column in ENCOUNTER_COLUMNS:
        if column in rows:
            blocks += _categories(column, rows[column].to_numpy(object))
    ids = tuple(customers["customer_id"].astype(str).sort_values()) if len(customers) else ()
    ordered = customers.sort_values("customer_id") if len(customers) else customers
    place = places_of(who, ids)
    kinds = dict.fromkeys(CUSTOMER_COLUMNS, "category") | covariates
    for column, kind in kinds.items():
        if column not in ordered or not ids:
            continue
        values = ordered[column].to_numpy(object)[place]
        values[place < 0] = None
        if kind == "number":
            blocks += _numbers(column, values)
        else:
            blocks += _categories(column, values)
    quarter = days.astype("datetime64[M]").astype(int) // 3
    levels, codes = np.unique(quarter, return_inverse=True)
    columns, names = dummies(
        codes.astype(np.int64), tuple(str(level) for level in levels), "quarter"
    )
    blocks.append(("quarter", columns, names))
    design = np.column_stack([columns for _, columns, _ in blocks])
    every = tuple(name for _, _, names in blocks for name in names)
    kept = independent_columns(design)
    chosen = tuple(name for name, keep in zip(every, kept, strict=True) if keep)
    held = tuple(
        dict.fromkeys(name for name, _, names in blocks if any(n in chosen for n in names))
    )
    return design[:, kept], chosen, held


def _categories(
    column: str, values: NDArray[np.object_]
) -> list[tuple[str, Floats, tuple[str, ...]]]:
    words = np.array([NOT_RECORDED if v is None or v != v else str(v) for v in values], dtype=str)
    levels, codes = np.unique(words, return_inverse=True)
    if not 1 < len(levels) <= MOST_LEVELS:
        return []
    columns, names = dummies(codes.astype(np.int64), tuple(levels.tolist()), column)
    return [(column, columns, names)]


def _numbers(column: str, values: NDArray[np.object_]) -> list[tuple[str, Floats, tuple[str, ...]]]:
    numbers = np.array([np.nan if v is None else float(v) for v in values])
    known = np.isfinite(numbers)
    if not known.any():
        return []
    mean, spread = float(numbers[known].mean()), float(numbers[known].std())
    if spread == 0:
        return []
    filled = np.where(known, (numbers - mean) / spread, 0.0)
    columns = np.column_stack([filled, (~known).astype(float)])
    return [(column, columns, (column, f"{column}: {NOT_RECORDED}"))]


def independent_columns(design: Floats) -> NDArray[np.bool_]:
    """Which columns add something to a constant and those before them."""
    kept = np.zeros(design.shape[1], dtype=bool)
    basis = np.full((len(design), 1), 1 / np.sqrt(max(len(design), 1)))
    for column in range(design.shape[1]):
        values = design[:, column]
        rest = values - basis @ (basis.T @ values)
        rest = rest - basis @ (basis.T @ rest)
        size = float(np.sqrt(rest @ rest))
        if size > COLLINEAR_SHARE * max(float(np.sqrt(values @ values)), 1e-300):
            kept[column] = True
            basis = np.column_stack([basis, rest / size])
    return kept
