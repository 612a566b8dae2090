"""Groups of employees by where they mostly serve, and how their orientation differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.group_differences import GroupDifference, GroupValue, group_differences
from analysis.methods.intervals import from_standard_error
from analysis.methods.orientation.served import encounters
from analysis.methods.orientation.sheets import Sheets, places_of

if TYPE_CHECKING:
    import pandas as pd

# What may tell employees apart, in the order in which it is tried.
ENCOUNTER_COLUMNS = ("channel", "touchpoint")
CUSTOMER_COLUMNS = ("region", "segment")
HOME_SHARE = 0.5
FEWEST_CONTACTS = 10
SHARE_WITH_HOME = 0.8
UNIT = "scale points"


@dataclass(frozen=True, slots=True)
class Team:
    """Employees with at least half of their contacts in one place. score: their mean."""

    name: str
    score: Estimate


@dataclass(frozen=True, slots=True)
class Teams:
    """column: what tells the teams apart. without: employees who belong to none."""

    column: str
    teams: tuple[Team, ...]
    differences: tuple[GroupDifference, ...]
    without: int


def compare_teams(
    sheets: Sheets, contacts: pd.DataFrame, customers: pd.DataFrame, smallest: int = 8
) -> Teams:
    """Teams by the first of channel, touchpoint, region and segment that splits the employees.

    It splits them if most have at least half of their contacts in one of its values, and two
    values or more have `smallest` employees. Differences: Welch, Holm over all pairs of teams so
    large. Raises CannotEstimate where nothing does.
    """
    rows = encounters(contacts)
    employee = places_of(rows["employee_id"], sheets.employees)
    for column in (*ENCOUNTER_COLUMNS, *CUSTOMER_COLUMNS):
        values = _values(rows, customers, column)
        if values is None:
            continue
        home = _homes(employee, values, sheets.n)
        names, counts = np.unique(home[home != ""], return_counts=True)
        if (counts >= smallest).sum() >= 2 and (home != "").mean() >= SHARE_WITH_HOME:
            return _teams(sheets, column, home, names, smallest)
    raise CannotEstimate(
        "No two groups of at least eight employees can be told apart by channel, touchpoint, region or "
        "segment of the customers they serve."
    )


def _values(rows: pd.DataFrame, customers: pd.DataFrame, column: str) -> np.ndarray | None:
    if column in ENCOUNTER_COLUMNS:
        if column not in rows:
            return None
        values = rows[column].to_numpy(object)
    else:
        if customers.empty or column not in customers:
            return None
        ordered = customers.sort_values("customer_id")
        place = places_of(rows["customer_id"], tuple(ordered["customer_id"].astype(str)))
        values = ordered[column].to_numpy(object)[place]
        values[place < 0] = None
    return np.array(["" if v is None or v != v else str(v) for v in values], dtype=object)


def _homes(employee: np.ndarray, values: np.ndarray, number: int) -> np.ndarray:
    """Where each employee has at least half of the contacts; "" for nowhere."""
    known = (employee >= 0) & (values != "")
    home = np.full(number, "", dtype=object)
    if not known.any():
        return home
    levels, codes = np.unique(values[known].astype(str), return_inverse=True)
    table = np.zeros((number, len(levels)))
    np.add.at(table, (employee[known], codes), 1)
    totals, most = table.sum(axis=1), table.max(axis=1)
    settled = (totals >= FEWEST_CONTACTS) & (most >= HOME_SHARE * totals)
    home[settled] = levels[table.argmax(axis=1)][settled]
    return home


def _teams(
    sheets: Sheets, column: str, home: np.ndarray, names: np.ndarray, smallest: int
) -> Teams:
    teams, values = [], []
    for name in names:
        scores = sheets.overall[home == name]
        n = len(scores)
        if n < 2:
            teams.append(Team(str(name), Estimate(float(scores[0]), None, None, UNIT, n, "mean")))
            continue
        error = float(scores.std(ddof=1) / np.sqrt(n))
        mean = float(scores.mean())
        teams.append(Team(str(name), from_standard_error(mean, error, UNIT, n, "mean, t", n - 1)))
        if n >= smallest:
            values.append(GroupValue(str(name), mean, error, n, n - 1))
    return Teams(
        column,
        tuple(teams),
        group_differences(tuple(values), UNIT, "Welch"),
        int((home == "").sum()),
    )
