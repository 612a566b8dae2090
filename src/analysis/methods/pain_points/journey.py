"""Where the purchase path loses people: who goes on at each step, and whether that has changed in a year."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import holm, p_value_normal, wilson
from analysis.methods.pain_points.levels import ReportPeriod

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the purchase path in a period.

    entered: visitors who reached it. goes_on: share who went on. year_before: the same a year earlier.
    change: now less then, as a difference of shares. p_value: of the change, adjusted by Holm over the
    steps. lost_per_100: visitors lost here, of 100 who entered the path.
    """

    name: str
    entered: int
    goes_on: Estimate
    year_before: Estimate | NotEstimable
    change: Estimate | NotEstimable
    p_value: float | NotEstimable
    lost_per_100: float


@dataclass(frozen=True, slots=True)
class PurchasePath:
    """Steps in the order in which they are taken.

    leaks_most: where most of those who entered the path are lost. turned_worst: the step whose share
    fell most against the year before, beyond chance; "" for none. through: share who come through all steps.
    """

    period: str
    steps: tuple[Step, ...]
    leaks_most: str
    turned_worst: str
    through: Estimate


def difference_of_shares(now: Estimate, before: Estimate) -> Estimate:
    """Difference of two independent shares from their Wilson limits (Newcombe 1998, method 10)."""
    assert now.lower is not None
    assert now.upper is not None
    assert before.lower is not None
    assert before.upper is not None
    value = now.value - before.value
    down = math.hypot(now.value - now.lower, before.upper - before.value)
    up = math.hypot(now.upper - now.value, before.value - before.lower)
    n = min(now.n, before.n)
    return Estimate(value, value - down, value + up, "share", n, "difference of Wilson shares")


def _p_value(now: Estimate, before: Estimate) -> float:
    """Two-sided p-value of two shares being equal, pooled."""
    pooled = (now.value * now.n + before.value * before.n) / (now.n + before.n)
    variance = pooled * (1 - pooled) * (1 / now.n + 1 / before.n)
    if variance <= 0:
        return 1.0
    return p_value_normal((now.value - before.value) / math.sqrt(variance))


def _sums(journey: pd.DataFrame, period: ReportPeriod) -> pd.DataFrame:
    first = np.datetime64(period.first_day)
    last = np.datetime64(period.last_day + dt.timedelta(days=1))
    rows = journey[(journey["month"] >= first) & (journey["month"] < last)]
    rows = rows.dropna(subset=["entered", "completed"])
    if rows.empty or not rows["entered"].sum():
        raise CannotEstimate(f"The exports hold no purchase path for {period.label}.")
    return rows.groupby("step")[["entered", "completed"]].sum().astype(int)


def purchase_path(
    journey: pd.DataFrame, period: ReportPeriod, year_before: ReportPeriod
) -> PurchasePath:
    """The path in a period against the year before.

    Steps stand in the order of how many enter them. Raises CannotEstimate where the exports hold no path, or
    more visitors go on than came.
    """
    needed = {"month", "step", "entered", "completed"}
    if journey.empty or not needed <= set(journey.columns):
        raise CannotEstimate("The exports hold no purchase path.")
    now = _sums(journey, period)
    if (now["completed"] > now["entered"]).any():
        raise CannotEstimate("In the purchase path more visitors go on from a step than reach it.")
    before = attempt(_sums, journey, year_before)
    now = now.sort_values(["entered", "completed"], ascending=False, kind="stable")
    start = int(now["entered"].iloc[0])
    steps = []
    for name, row in now.iterrows():
        entered, completed = int(row["entered"]), int(row["completed"])
        if not entered:
            continue
        goes_on = wilson(completed, entered)
        then = attempt(_step_before, before, str(name))
        steps.append(
            Step(
                str(name), entered, goes_on, then, attempt(difference_of_shares, goes_on, then),
                attempt(_p_value, goes_on, then), 100 * (entered - completed) / start,
            )
        )  # fmt: skip
    tested = {step.name: step.p_value for step in steps if isinstance(step.p_value, float)}
    of = dict(zip(tested, holm(list(tested.values())).tolist(), strict=True)) if tested else {}
    steps = [replace(step, p_value=of[step.name]) if step.name in of else step for step in steps]
    fell = ""
    worse = {
        step.name: step.change.value
        for step in steps
        if isinstance(step.change, Estimate) and step.change.value < 0
        and isinstance(step.p_value, float) and step.p_value < 0.05
    }  # fmt: skip
    if worse:
        fell = min(worse, key=lambda name: (worse[name], name))
    leak = max(steps, key=lambda step: (step.lost_per_100, step.name)).name
    last = int(now["completed"].iloc[-1])
    return PurchasePath(period.label, tuple(steps), leak, fell, wilson(min(last, start), start))


def _step_before(before: pd.DataFrame, name: str) -> Estimate:
    if name not in before.index or not before["entered"].to_dict()[name]:
        raise CannotEstimate("This step is not in the purchase path of the year before.")
    entered, completed = (
        int(before[column].to_dict()[name]) for column in ("entered", "completed")
    )
    return wilson(min(completed, entered), entered)
