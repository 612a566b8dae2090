"""Survival curves and log-rank tests from counts by time, whatever the number of customers.

Times come in days, so a table of some thousand rows holds all that a curve needs of ten million
customers. The results are those of the customers' own rows to the last bit: both ways lead to the
same risk sets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.methods.estimate import CannotEstimate
from analysis.methods.intervals import holm
from analysis.methods.survival.nonparametric import (
    NO_EVENT,
    ONE_GROUP,
    LogRank,
    SurvivalCurve,
    curve_of_risk_sets,
    log_rank_of_risk_sets,
)

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LifetimeCounts:
    """Customers of one group by time.

    times: distinct, months, ascending. entries: who came under observation at that time; exits:
    whose observation ended then, for whatever reason; losses: those of them who left.
    """

    times: Floats
    entries: Ints
    exits: Ints
    losses: Ints

    @property
    def n(self) -> int:
        """Customers in all."""
        return int(self.exits.sum())

    @property
    def n_events(self) -> int:
        """Customers who left."""
        return int(self.losses.sum())

    @property
    def last_time(self) -> float:
        """End of follow-up, months. Raises CannotEstimate if there is nobody."""
        seen = np.flatnonzero(self.exits)
        if not len(seen):
            raise CannotEstimate("There is nobody to follow.")
        return float(self.times[seen[-1]])

    def event_times(self) -> Floats:
        """The times at which somebody left."""
        return self.times[self.losses > 0]

    def at_risk(self, times: ArrayLike) -> Ints:
        """Under observation just before each time: who entered before it and is not yet gone."""
        under = np.concatenate([[0], np.cumsum(self.entries - self.exits)])
        return np.asarray(under[np.searchsorted(self.times, times, side="left")], dtype=np.int64)

    def losses_at(self, times: Floats) -> Ints:
        """Who left at each time."""
        place = np.searchsorted(self.times, times, side="left")
        inside = np.minimum(place, max(len(self.times) - 1, 0))
        found = (place < len(self.times)) & (self.times[inside] == times)
        return np.where(found, self.losses[inside], 0).astype(np.int64)

    def from_the_start(self) -> LifetimeCounts:
        """The same as if everybody had been observed from the start: delayed entry ignored."""
        times = np.concatenate([[0.0], self.times])
        entries = np.zeros(len(times), dtype=np.int64)
        entries[0] = self.n
        nobody = np.zeros(1, dtype=np.int64)
        return lifetime_counts(
            times,
            entries,
            np.concatenate([nobody, self.exits]),
            np.concatenate([nobody, self.losses]),
        )


def lifetime_counts(
    times: ArrayLike, entries: ArrayLike, exits: ArrayLike, losses: ArrayLike
) -> LifetimeCounts:
    """Counts by time, in any order; equal times, as of groups to be pooled, are added up.

    Raises ValueError where columns differ in length, a count is negative or no whole number, more
    are lost than go, or entries and exits do not balance.
    """
    at = np.asarray(times, dtype=np.float64)
    columns = [np.asarray(column) for column in (entries, exits, losses)]
    if any(column.shape != at.shape for column in columns) or not np.isfinite(at).all():
        raise ValueError("each time, a number, has its entries, exits and losses")
    if any((column < 0).any() or (column != np.floor(column)).any() for column in columns):
        raise ValueError("entries, exits and losses are whole numbers of customers")
    distinct, place = np.unique(at, return_inverse=True)
    entered, gone, lost = (np.zeros(len(distinct), dtype=np.int64) for _ in columns)
    for total, column in zip((entered, gone, lost), columns, strict=True):
        np.add.at(total, place, column.astype(np.int64))
    if (lost > gone).any() or entered.sum() != gone.sum():
        raise ValueError("who is lost has gone, and who goes has entered")
    return LifetimeCounts(distinct, entered, gone, lost)


def counts_by_group(frame: pd.DataFrame) -> dict[str, LifetimeCounts]:
    """Counts of each group from a frame with group, months, entries, exits and losses."""
    if frame.empty:
        return {}
    return {
        str(name): lifetime_counts(part["months"], part["entries"], part["exits"], part["losses"])
        for name, part in frame.groupby("group", observed=True)
    }


def pool(groups: Mapping[str, LifetimeCounts]) -> LifetimeCounts:
    """Counts of all groups together."""
    parts = list(groups.values())
    nothing: tuple[Ints, ...] = (np.zeros(0, dtype=np.int64),)
    return lifetime_counts(
        np.concatenate([np.zeros(0), *(part.times for part in parts)]),
        np.concatenate([*nothing, *(part.entries for part in parts)]),
        np.concatenate([*nothing, *(part.exits for part in parts)]),
        np.concatenate([*nothing, *(part.losses for part in parts)]),
    )


def kaplan_meier_from_counts(
    counts: LifetimeCounts, confidence_level: float = 0.95
) -> SurvivalCurve:
    """Kaplan–Meier estimate (1958) from counts, delayed entry honoured; equal to `kaplan_meier`.

    Raises CannotEstimate if there is nobody.
    """
    last_time, times = counts.last_time, counts.event_times()
    return curve_of_risk_sets(
        times,
        counts.at_risk(times),
        counts.losses_at(times),
        counts.n,
        last_time,
        confidence_level,
    )


def log_rank_from_counts(groups: Mapping[str, LifetimeCounts]) -> LogRank:
    """Log-rank test (Mantel 1966) from counts of each group, in their order; equal to `log_rank`.

    Raises CannotEstimate with fewer than two groups or without events.
    """
    parts = [part for part in groups.values() if part.n]
    if len(parts) < 2:
        raise CannotEstimate(ONE_GROUP)
    times = np.unique(np.concatenate([part.event_times() for part in parts]))
    if not len(times):
        raise CannotEstimate(NO_EVENT)
    return log_rank_of_risk_sets(
        np.stack([part.at_risk(times) for part in parts]),
        np.stack([part.losses_at(times) for part in parts]),
    )


def pairwise_log_rank_from_counts(
    groups: Mapping[str, LifetimeCounts],
) -> dict[tuple[str, str], float]:
    """Holm-adjusted p-values of the log-rank test for every pair of groups."""
    names = [name for name, part in groups.items() if part.n]
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    raw = []
    for a, b in pairs:
        try:
            raw.append(log_rank_from_counts({a: groups[a], b: groups[b]}).p_value)
        except CannotEstimate:
            raw.append(1.0)
    return dict(zip(pairs, holm(raw).tolist(), strict=True))
