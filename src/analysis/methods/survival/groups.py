"""Groups of customers set side by side: their curves, and whether they differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, NotEstimable, attempt
from analysis.methods.survival.counts import (
    LifetimeCounts,
    kaplan_meier_from_counts,
    lifetime_counts,
    log_rank_from_counts,
    pairwise_log_rank_from_counts,
    pool,
)
from analysis.methods.survival.nonparametric import Booleans, Floats, Ints, LogRank, SurvivalCurve

if TYPE_CHECKING:
    import pandas as pd

PREFERRED_GROUPS = ("contract", "segment", "region", "acquisition_channel")
# Columns of text that are no group to compare: areas are too many, reasons known afterwards.
NO_GROUPS = {"customer_id", "end_reason", "area"}
MOST_LEVELS = 8
FEWEST_CUSTOMERS = 8
EVERYBODY = "all"
MISSING = "(missing)"

Groups = Mapping[str, LifetimeCounts]


@dataclass(frozen=True, slots=True)
class GroupCurve:
    """The curve of one group, counted from entry on; `naive` counts everybody from the start."""

    name: str
    curve: SurvivalCurve | NotEstimable
    naive: SurvivalCurve | NotEstimable
    counts: LifetimeCounts


def choose_group(lifetimes: pd.DataFrame) -> str:
    """The column to split curves by: contract where there is one, else segment and so on.

    After those, the first of the categories that a data set declares as covariates. A column that
    all customers share is better than none; "" where there is none to use.
    """
    declared = [
        name
        for name in lifetimes.columns
        if lifetimes[name].dtype == object and name not in NO_GROUPS
    ]
    for name in (*PREFERRED_GROUPS, *declared):
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


def group_codes(column: pd.Series) -> tuple[Ints, tuple[str, ...]]:
    """Codes from zero and their labels, missing values as a group of their own."""
    coded = column.fillna(MISSING).astype("category")
    return np.asarray(coded.cat.codes, dtype=np.int64), tuple(str(c) for c in coded.cat.categories)


def count_lifetimes(lifetimes: pd.DataFrame, group: str) -> dict[str, LifetimeCounts]:
    """Counts by time of each value of a column, missing values as a group of their own.

    Without a column (""): of everybody. The engine gives the same for any number of customers.
    """
    names = lifetimes[group].fillna(MISSING).astype(str) if group else EVERYBODY
    counted = {}
    for name, part in lifetimes.assign(group_name=names).groupby("group_name", observed=True):
        entry, exit_, ended = lifetime_arrays(part)
        nobody = np.zeros(len(part), dtype=np.int64)
        counted[str(name)] = lifetime_counts(
            np.concatenate([entry, exit_]),
            np.concatenate([nobody + 1, nobody]),
            np.concatenate([nobody, nobody + 1]),
            np.concatenate([nobody, ended.astype(np.int64)]),
        )
    return counted


def curve_of(counts: LifetimeCounts, naive: bool) -> SurvivalCurve:
    """The curve of some lifetimes; `naive` counts everybody from the start.

    Raises CannotEstimate with too few customers, or if nobody has left.
    """
    if counts.n < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Fewer than {FEWEST_CUSTOMERS} customers: no curve is drawn.")
    if not counts.n_events:
        raise CannotEstimate("Nobody has left, so there is no curve to draw.")
    return kaplan_meier_from_counts(counts.from_the_start() if naive else counts)


def curves_by_group(groups: Groups) -> tuple[GroupCurve, ...]:
    """A curve for each group."""
    return tuple(
        GroupCurve(name, attempt(curve_of, part, False), attempt(curve_of, part, True), part)
        for name, part in groups.items()
    )


def compare_groups(groups: Groups, naive: bool) -> LogRank:
    """Log-rank test between groups.

    Raises CannotEstimate where customers are not split, with too few of them, one group, or no
    loss.
    """
    if set(groups) <= {EVERYBODY}:
        raise CannotEstimate(
            f"No column splits customers into 2 to {MOST_LEVELS} groups that could be compared."
        )
    if pool(groups).n < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Fewer than {FEWEST_CUSTOMERS} customers: groups are not compared.")
    return log_rank_from_counts(_from_the_start(groups) if naive else groups)


def compare_pairs(groups: Groups, naive: bool) -> dict[tuple[str, str], float]:
    """Holm-adjusted p-values of the log-rank test for each pair of groups."""
    return pairwise_log_rank_from_counts(_from_the_start(groups) if naive else groups)


def _from_the_start(groups: Groups) -> dict[str, LifetimeCounts]:
    return {name: part.from_the_start() for name, part in groups.items()}
