"""Groups of customers set side by side: their curves, and whether they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, NotEstimable, attempt
from analysis.methods.survival.nonparametric import (
    Booleans,
    Floats,
    Ints,
    LogRank,
    SurvivalCurve,
    kaplan_meier,
    log_rank,
    pairwise_log_rank,
)

if TYPE_CHECKING:
    import pandas as pd

PREFERRED_GROUPS = ("contract", "segment", "region", "acquisition_channel")
MOST_LEVELS = 8
FEWEST_CUSTOMERS = 8
EVERYBODY = "all"
MISSING = "(missing)"


@dataclass(frozen=True, slots=True)
class GroupCurve:
    """The curve of one group, counted from entry on; `naive` counts everybody from the start."""

    name: str
    curve: SurvivalCurve | NotEstimable
    naive: SurvivalCurve | NotEstimable
    entry: Floats
    exit: Floats


def choose_group(lifetimes: pd.DataFrame) -> str:
    """The column to split curves by: contract where there is one, else segment and so on.

    A column that all customers share is better than none; "" where there is none to use.
    """
    for name in PREFERRED_GROUPS:
        if name in lifetimes.columns and 2 <= lifetimes[name].nunique() <= MOST_LEVELS:
            return name
    for name in PREFERRED_GROUPS:
        if name in lifetimes.columns and lifetimes[name].nunique() == 1:
            return name
    return ""


def lifetime_arrays(frame: pd.DataFrame) -> tuple[Floats, Floats, Booleans]:
    """Entry and exit in months of tenure, and whether the exit was a loss."""
    return (
        frame["entry_months"].to_numpy(float),
        frame["exit_months"].to_numpy(float),
        frame["ended"].to_numpy(bool),
    )


def curve_of(frame: pd.DataFrame, naive: bool) -> SurvivalCurve:
    """The curve of some lifetimes; `naive` counts everybody from the start.

    Raises CannotEstimate with too few customers, or if nobody has left.
    """
    entry, exit_, ended = lifetime_arrays(frame)
    if len(frame) < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Fewer than {FEWEST_CUSTOMERS} customers: no curve is drawn.")
    if not ended.any():
        raise CannotEstimate("Nobody has left, so there is no curve to draw.")
    return kaplan_meier(np.zeros_like(entry) if naive else entry, exit_, ended)


def curves_by_group(lifetimes: pd.DataFrame, group: str) -> tuple[GroupCurve, ...]:
    """A curve for each value of a column, missing values as a group of their own.

    Without a column (""): one curve of everybody.
    """
    names = lifetimes[group].fillna(MISSING) if group else [EVERYBODY] * len(lifetimes)
    parts = lifetimes.groupby(names, observed=True)
    return tuple(
        GroupCurve(
            str(name),
            attempt(curve_of, part, False),
            attempt(curve_of, part, True),
            part["entry_months"].to_numpy(float),
            part["exit_months"].to_numpy(float),
        )
        for name, part in parts
    )


def group_codes(column: pd.Series) -> tuple[Ints, tuple[str, ...]]:
    """Codes from zero and their labels, missing values as a group of their own."""
    coded = column.fillna(MISSING).astype("category")
    return np.asarray(coded.cat.codes, dtype=np.int64), tuple(str(c) for c in coded.cat.categories)


def compare_groups(lifetimes: pd.DataFrame, group: str, naive: bool) -> LogRank:
    """Log-rank test between the values of a column.

    Raises CannotEstimate without a column, with too few customers, one group, or no loss.
    """
    if not group:
        raise CannotEstimate(
            f"No column splits customers into 2 to {MOST_LEVELS} groups that could be compared."
        )
    if len(lifetimes) < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Fewer than {FEWEST_CUSTOMERS} customers: groups are not compared.")
    entry, exit_, ended = lifetime_arrays(lifetimes)
    codes, _ = group_codes(lifetimes[group])
    return log_rank(np.zeros_like(entry) if naive else entry, exit_, ended, codes)


def compare_pairs(lifetimes: pd.DataFrame, group: str, naive: bool) -> dict[tuple[str, str], float]:
    """Holm-adjusted p-values of the log-rank test for each pair of values of a column."""
    entry, exit_, ended = lifetime_arrays(lifetimes)
    codes, names = group_codes(lifetimes[group])
    pairs = pairwise_log_rank(np.zeros_like(entry) if naive else entry, exit_, ended, codes)
    return {(names[a], names[b]): p for (a, b), p in pairs.items()}
