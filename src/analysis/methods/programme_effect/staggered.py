"""Effects of a programme that reached areas at different dates.

Group-time effects after Callaway and Sant'Anna (2021): each start date is compared, quarter by
quarter, with areas not reached by then, as the change since the quarter before the start. Risk
sets are stacked by start date, so that treated and controls are all active just before it.
Standard errors come from influence functions summed within clusters (areas).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.programme_effect.clusters import Worth, effective_number, worth_of
from analysis.methods.programme_effect.experiment import SMALLEST_ARM

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

ENOUGH_CLUSTERS = 6
BASE = -1
QUARTERS_OF_A_YEAR = 4


def basis(treated: int, control: int) -> int:
    """How many units a difference rests on: the treated, unless hardly any are compared with."""
    return treated if control >= SMALLEST_ARM else min(treated, control)


@dataclass(frozen=True, slots=True)
class Cell:
    """One start date followed to one period.

    cohort: which start date. event_time: periods since it; 0 is the first one treated.
    effect: change since before the start, treated less controls.
    treated, control: units compared.
    """

    cohort: Any
    event_time: int
    effect: float
    treated: int
    control: int


@dataclass(frozen=True, slots=True)
class Combination:
    """A weighted combination of cells. influence: by cluster; its squares sum to the variance.

    treated, control: units. treated_clusters, control_clusters, clusters: those in a cell with a weight,
    as treated, as controls and in either role. worth: what so many, and so unequal, clusters tell.
    """

    value: float
    influence: Floats
    treated: int
    treated_clusters: int
    control_clusters: int
    clusters: int
    control: int
    worth: Worth

    @property
    def standard_error(self) -> float:
        """Without a small-sample factor, as the method's authors have it."""
        return float(np.sqrt(self.influence @ self.influence))

    @property
    def bears_interval(self) -> bool:
        """Whether six treated and six control clusters at least stand behind it.

        Clusters of unequal weight, as where later quarters rest on a few, must come to as many.
        """
        counted = min(self.treated_clusters, self.control_clusters)
        return counted >= ENOUGH_CLUSTERS and round(self.worth.fewest) >= ENOUGH_CLUSTERS

    @property
    def critical(self) -> float:
        """t quantile times the small-sample factor, never less than with G − 1 degrees of freedom."""
        return t_quantile(0.95, self.worth.degrees_of_freedom) * self.worth.inflation


@dataclass(frozen=True, slots=True)
class GroupTimeEffects:
    """All cells; influence, treated units and control units by cluster (cells × clusters)."""

    cells: tuple[Cell, ...]
    influence: Floats
    members: Floats
    controls: Floats
    treated_clusters: int
    control_clusters: int

    @property
    def clusters(self) -> int:
        return self.influence.shape[1]

    def clusters_behind(self, weights: Floats) -> tuple[int, int, int]:
        """Treated, control and all clusters in cells whose weight is not zero."""
        used = weights != 0
        treated = (self.members[used] > 0).any(axis=0)
        control = (self.controls[used] > 0).any(axis=0)
        return int(treated.sum()), int(control.sum()), int((treated | control).sum())

    def combine(
        self, numerator: Callable[[Cell], float], denominator: Callable[[Cell], float]
    ) -> Combination:
        """Σ nᵢ aᵢ effectᵢ / Σ nᵢ bᵢ over cells i with nᵢ treated units.

        The weights nᵢ are estimated too: their share of the influence keeps the error honest
        where a start date has a single area, whose own influence is zero.
        """
        a = np.array([numerator(cell) for cell in self.cells])
        b = np.array([denominator(cell) for cell in self.cells])
        n = np.array([cell.treated for cell in self.cells], dtype=float)
        effect = np.array([cell.effect for cell in self.cells])
        total = float(n @ b)
        if total <= 0:
            raise CannotEstimate("no start date could be followed with a comparison")
        value = float((n * a) @ effect / total)
        weighted = (a * effect - b * value) @ self.members
        influence = ((n * a) @ self.influence + weighted) / total
        treated_part = (
            (n * a) @ np.where(self.members > 0, self.influence, 0.0) + weighted
        ) / total
        used = {cell.cohort: cell for cell, weight in zip(self.cells, a, strict=True) if weight}
        return Combination(
            value,
            influence,
            sum(cell.treated for cell in used.values()),
            *self.clusters_behind(a),
            # The same units are compared with several start dates: the most of any of them.
            max((cell.control for cell in used.values()), default=0),
            worth_of(
                effective_number(n * a, self.members),
                effective_number(n * a, self.controls),
                treated_part,
                influence - treated_part,
                self.clusters_behind(a)[2],
            ),
        )

    def estimate(self, combination: Combination, unit: str, method: str) -> Estimate:
        """With a cluster-t interval where enough clusters stand behind it, else without.

        n: treated units, or `basis` of both.
        """
        half = None
        if combination.bears_interval:
            half = combination.critical * combination.standard_error
        value = combination.value
        return Estimate(
            value,
            None if half is None else value - half,
            None if half is None else value + half,
            unit,
            basis(combination.treated, combination.control),
            method if half is not None else f"{method}, too few areas for an interval",
        )


def group_time_effects(
    stack: pd.DataFrame,
    controls: Literal["not yet", "never"] = "not yet",
    base: Literal["varying", "universal"] = "universal",
    base_periods: int = 1,
) -> GroupTimeEffects:
    """Estimate every cell.

    stack: a row per cohort × unit × event_time, columns cohort, unit, cluster, treated (bool),
    never (bool), event_time (int), outcome. Rows of a control exist only while it is untouched.
    controls: "never" keeps only units never reached. base: what the outcome is compared with.
    "universal": the mean of the last `base_periods` before the start in which the unit was there
    (a period among them: the mean of the others). With four quarters the season cancels and one
    chance quarter weighs a fourth; trends have to be parallel over that year. "varying": after
    the start the period before it, before the start the preceding period.
    Raises CannotEstimate without treated units, controls or a period before the start.
    """
    if stack.empty or not stack["treated"].any():
        raise CannotEstimate("no area with active customers was reached by the as-of date")
    chosen = stack if controls == "not yet" else stack[stack["treated"] | stack["never"]]
    if chosen["treated"].all():
        if chosen["cluster"].nunique() == 1:
            raise CannotEstimate("there is one area only, so nothing to compare it with")
        raise CannotEstimate("every area was reached at the same date: nothing to compare with")
    clusters = np.unique(chosen["cluster"].to_numpy())
    cells: list[Cell] = []
    influence: list[Floats] = []
    members: list[Floats] = []
    compared: list[Floats] = []
    treated_seen = np.zeros(len(clusters), dtype=bool)
    control_seen = np.zeros(len(clusters), dtype=bool)
    for cohort, rows in chosen.groupby("cohort", sort=True):
        wide, first = _by_unit(rows)
        arm = rows["treated"].to_numpy(bool)[first]
        area = np.searchsorted(clusters, rows["cluster"].to_numpy()[first])
        for event_time in sorted(wide):
            if base == "varying":
                before = [event_time - 1 if event_time < 0 else BASE]
            else:
                before = [t for t in range(-base_periods, 0) if t != event_time]
            before = [time for time in before if time in wide]
            if not before:
                continue
            change = wide[event_time] - _mean_known([wide[time] for time in before])
            known = np.isfinite(change)
            there, others = known & arm, known & ~arm
            if not there.any() or not others.any():
                continue
            means = change[there].mean(), change[others].mean()
            parts = np.where(there, (change - means[0]) / there.sum(), 0.0)
            parts -= np.where(others, (change - means[1]) / others.sum(), 0.0)
            cells.append(
                Cell(
                    cohort,
                    int(event_time),
                    float(means[0] - means[1]),
                    int(there.sum()),
                    int(others.sum()),
                )
            )
            size = len(clusters)
            influence.append(np.bincount(area[known], parts[known], minlength=size).astype(float))
            members.append(np.bincount(area[there], minlength=size).astype(float))
            compared.append(np.bincount(area[others], minlength=size).astype(float))
            treated_seen[area[there]] = True
            control_seen[area[others]] = True
    if not any(cell.event_time >= 0 for cell in cells):
        raise CannotEstimate(
            "no start date has a whole quarter before and after it with areas to compare"
        )
    return GroupTimeEffects(
        tuple(cells),
        np.array(influence),
        np.array(members),
        np.array(compared),
        int(treated_seen.sum()),
        int(control_seen.sum()),
    )


def _by_unit(rows: pd.DataFrame) -> tuple[dict[int, Floats], npt.NDArray[np.int64]]:
    """Outcome of every unit (in order of name) by event time, missing as NaN; each unit's row."""
    codes, names = rows["unit"].factorize(sort=True)
    outcome = rows["outcome"].to_numpy(float)
    times = rows["event_time"].to_numpy(np.int64)
    wide = {}
    for time in np.unique(times):
        at = times == time
        values = np.full(len(names), np.nan)
        values[codes[at]] = outcome[at]
        wide[int(time)] = values
    first = np.empty(len(names), dtype=np.int64)
    first[codes] = np.arange(len(rows))
    return wide, first


def _mean_known(columns: list[Floats]) -> Floats:
    """Mean over the columns in which a unit is known; NaN where it is in none."""
    known = sum(np.isfinite(column).astype(float) for column in columns)
    total = sum(np.nan_to_num(column) for column in columns)
    return np.asarray(np.where(known > 0, total / np.maximum(known, 1), np.nan))


def stack_panel(
    panel: pd.DataFrame, unit: str, period: str, first_treated: str, outcome: str
) -> pd.DataFrame:
    """Stack a panel of units, treated from period `first_treated` on (0: never), by start.

    Gives what `group_time_effects` takes, each unit its own cluster.
    """
    import pandas as pd

    parts = []
    start = panel[first_treated]
    for cohort in sorted(start[start > 0].unique()):
        untouched = (start == cohort) | (start == 0) | (start > panel[period])
        rows = panel[untouched]
        parts.append(
            pd.DataFrame(
                {
                    "cohort": cohort,
                    "unit": rows[unit],
                    "cluster": rows[unit],
                    "treated": rows[first_treated] == cohort,
                    "never": rows[first_treated] == 0,
                    "event_time": (rows[period] - cohort).astype(int),
                    "outcome": rows[outcome].astype(float),
                }
            )
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def per_unit_period(effects: GroupTimeEffects) -> Combination:
    """Mean effect per treated unit and period since the start."""
    return effects.combine(
        lambda cell: float(cell.event_time >= 0), lambda cell: float(cell.event_time >= 0)
    )


def by_event_time(effects: GroupTimeEffects) -> dict[int, Combination]:
    """Event study: mean effect by periods since the start."""
    times = sorted({cell.event_time for cell in effects.cells})
    return {time: _at(effects, time) for time in times}


def _at(effects: GroupTimeEffects, time: int) -> Combination:
    def indicator(cell: Cell) -> float:
        return float(cell.event_time == time)

    return effects.combine(indicator, indicator)


def dynamic(effects: GroupTimeEffects) -> Combination:
    """Plain mean of the event-time effects from the start on."""
    after = [c for time, c in by_event_time(effects).items() if time >= 0]
    value = float(np.mean([c.value for c in after]))
    influence = np.mean([c.influence for c in after], axis=0)
    weights = np.array([float(cell.event_time >= 0) for cell in effects.cells])
    behind = effects.clusters_behind(weights)
    most = (max(c.treated for c in after), *behind, max(c.control for c in after))
    return Combination(value, influence, *most, per_unit_period(effects).worth)


def by_group(effects: GroupTimeEffects) -> Combination:
    """Mean over treated units of their start date's mean effect since the start."""
    length: dict[Any, int] = {}
    for cell in effects.cells:
        length[cell.cohort] = length.get(cell.cohort, 0) + (cell.event_time >= 0)

    def weight(cell: Cell) -> float:
        return 1.0 / length[cell.cohort] if cell.event_time >= 0 else 0.0

    return effects.combine(weight, weight)


def pre_trend(effects: GroupTimeEffects) -> tuple[float, int] | None:
    """Joint Wald test that all event-time effects before the start are zero.

    Gives (p-value, number of effects tested) or None without such effects. Its power is low: a
    large p-value does not show that the trends are parallel.
    """
    before = [c for time, c in by_event_time(effects).items() if time < 0]
    # The newest of the base quarters is tied to the others by their mean.
    before = before[-max(effects.clusters // 5, 1) - 1 : -1]
    before = [combination for combination in before if combination.bears_interval]
    if not before:
        return None
    values = np.array([c.value for c in before])
    influence = np.array([c.influence for c in before])
    covariance = influence @ influence.T
    from scipy.special import fdtrc

    degrees = effects.clusters - len(values)
    if degrees < 1 or np.linalg.matrix_rank(covariance) < len(values):
        return None
    wald = float(values @ np.linalg.solve(covariance, values))
    scale = degrees / ((effects.clusters - 1) * len(values))
    return float(fdtrc(len(values), degrees, wald * scale)), len(values)
