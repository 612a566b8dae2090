"""Every touchpoint in every period: how much goes on there, and how it goes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.pain_points.small_samples import (
    Floats,
    clustered_mean,
    clustered_share,
    median_of,
)

if TYPE_CHECKING:
    import pandas as pd

REPEAT_WITHIN_DAYS = 14
ALL = ""


class ReportPeriod(Protocol):
    """A quarter or month that knows its neighbours."""

    @property
    def label(self) -> str: ...
    @property
    def first_day(self) -> dt.date: ...
    @property
    def last_day(self) -> dt.date: ...


@dataclass(frozen=True, slots=True)
class TouchpointLevel:
    """A touchpoint in a period.

    contacts: opened. satisfaction, top_two: of the answers given in it. effort: CES. first_reply,
    resolution: median hours, what is open counted as longer than what is not. repeats: share of contacts that
    follow one of the same customer at the same touchpoint within 14 days. cost, compensation: money in
    all, of `customers`. dominated: amounts per customer, for disclosure.
    """

    touchpoint: str
    period: str
    contacts: int
    customers: int
    satisfaction: Estimate | NotEstimable
    top_two: Estimate | NotEstimable
    effort: Estimate | NotEstimable
    first_reply: Estimate | NotEstimable
    resolution: Estimate | NotEstimable
    repeats: Estimate | NotEstimable
    cost: float | NotEstimable
    compensation: float | NotEstimable
    cost_amounts: Floats
    compensation_amounts: Floats


@dataclass(frozen=True, slots=True)
class Levels:
    """touchpoints: names, the busiest first. periods: labels, the oldest first. by: level of each pair."""

    touchpoints: tuple[str, ...]
    periods: tuple[str, ...]
    by: dict[tuple[str, str], TouchpointLevel]

    def now(self, touchpoint: str) -> TouchpointLevel:
        """The level in the last period."""
        return self.by[touchpoint, self.periods[-1]]


def flag_repeats(
    contacts: pd.DataFrame, within_days: int = REPEAT_WITHIN_DAYS
) -> NDArray[np.bool_]:
    """Whether each contact follows one of the same customer and touchpoint within so many days."""
    order = contacts.sort_values(["customer_id", "touchpoint", "opened_at", "contact_id"])
    before = order.groupby(["customer_id", "touchpoint"], sort=False)["opened_at"].shift()
    days = (order["opened_at"] - before).dt.total_seconds() / 86400
    return np.asarray((days <= within_days).reindex(contacts.index), dtype=bool)


def hours_until(contacts: pd.DataFrame, column: str) -> Floats:
    """Hours from opening to a reply or its end; infinite while it is open.

    Raises CannotEstimate where the export does not carry it.
    """
    if column not in contacts.columns or not contacts[column].notna().any():
        what = "first reply" if column == "first_reply_at" else "resolution"
        raise CannotEstimate(f"The exports hold no time of {what}.")
    hours = (contacts[column] - contacts["opened_at"]).dt.total_seconds().to_numpy(float) / 3600
    return np.where(np.isnan(hours), np.inf, hours)


def _in_period(days: pd.Series, period: ReportPeriod) -> NDArray[np.bool_]:
    after = days >= np.datetime64(period.first_day)
    return np.asarray(after & (days < np.datetime64(period.last_day + dt.timedelta(days=1))))


def usable_contacts(contacts: pd.DataFrame) -> pd.DataFrame:
    """Contacts with a touchpoint and what is derived from them: reply_hours, resolution_hours, repeat.

    Raises CannotEstimate without contacts or touchpoints.
    """
    if contacts.empty or "opened_at" not in contacts.columns:
        raise CannotEstimate("The exports hold no contacts.")
    if "touchpoint" not in contacts.columns or not contacts["touchpoint"].notna().any():
        raise CannotEstimate("The contacts do not say at which touchpoint they were.")
    rows = contacts[contacts["touchpoint"].notna()].reset_index(drop=True)
    derived: dict[str, Any] = {"repeat": flag_repeats(rows)}
    for name, column in (("reply_hours", "first_reply_at"), ("resolution_hours", "resolved_at")):
        hours = attempt(hours_until, rows, column)
        derived[name] = np.nan if isinstance(hours, NotEstimable) else hours
    return rows.assign(**derived)


def _hours(rows: pd.DataFrame, column: str) -> Estimate:
    values = rows[column].to_numpy(float)
    if len(values) and np.isnan(values).all():
        what = "first reply" if column == "reply_hours" else "resolution"
        raise CannotEstimate(f"The exports hold no time of {what}.")
    return median_of(values, rows["customer_id"].to_numpy(object), "hours")


def _money(rows: pd.DataFrame, column: str) -> tuple[float | NotEstimable, Floats]:
    if column not in rows.columns or not rows[column].notna().any():
        return NotEstimable(f"The exports hold no {column} of contacts."), np.empty(0)
    sums = rows.groupby("customer_id", sort=True)[column].sum().to_numpy(float)
    return float(sums.sum()), sums


def _scores(
    rows: pd.DataFrame, scale: tuple[float, float], unit: str
) -> tuple[Estimate | NotEstimable, Estimate | NotEstimable]:
    score, who = rows["score"].to_numpy(float), rows["customer_id"].to_numpy(object)
    mean = attempt(clustered_mean, score, who, unit, *scale)
    return mean, attempt(clustered_share, score >= scale[1] - 1, who)


def named_answers(surveys: pd.DataFrame, instrument: str) -> pd.DataFrame:
    """Answers of an instrument that name a touchpoint: customer_id (one of its own if anonymous), touchpoint,
    day, score; empty without any."""
    import pandas as pd

    empty = pd.DataFrame({"customer_id": [], "touchpoint": [], "day": [], "score": []})
    if surveys.empty or not {"score", "touchpoint", "answered_on"} <= set(surveys.columns):
        return empty.astype({"day": "datetime64[ns]"})
    rows = surveys[(surveys["instrument"] == instrument) & surveys["score"].notna()]
    rows = rows[rows["touchpoint"].notna()]
    own = "answer " + rows["response_id"].astype(str)
    who = (
        rows["customer_id"].where(rows["customer_id"].notna(), own)
        if "customer_id" in rows
        else own
    )
    day = rows["answered_on"]
    if "invited_on" in rows:
        day = day.fillna(rows["invited_on"])
    return pd.DataFrame(
        {"customer_id": who, "touchpoint": rows["touchpoint"], "day": day, "score": rows["score"]}
    )


def touchpoint_levels(
    surveys: pd.DataFrame,
    contacts: pd.DataFrame,
    periods: tuple[ReportPeriod, ...],
    scales: dict[str, tuple[float, float]],
) -> Levels:
    """All touchpoints in all of these periods (the oldest first).

    Raises CannotEstimate where neither an answer nor a contact names a touchpoint.
    """
    csat, ces = named_answers(surveys, "csat"), named_answers(surveys, "ces")
    there = attempt(usable_contacts, contacts)
    if isinstance(there, NotEstimable) and csat.empty and ces.empty:
        raise CannotEstimate(there.reason + " Nor does an answer name one.")
    busy: dict[str, int] = {}
    for rows in (csat, ces, there):
        if not isinstance(rows, NotEstimable):
            for name, n in rows["touchpoint"].value_counts().items():
                busy[str(name)] = busy.get(str(name), 0) + int(n)
    names = tuple(sorted(busy, key=lambda name: (-busy[name], name)))
    by = {}
    no_effort = NotEstimable("No answer says how much effort it was.") if ces.empty else None
    for period in periods:
        mine = csat[_in_period(csat["day"], period)]
        effort = ces[_in_period(ces["day"], period)]
        opened = there
        if not isinstance(there, NotEstimable):
            opened = there[_in_period(there["opened_at"], period)]
        for name in names:
            by[name, period.label] = _level(
                name, period.label, mine, effort, opened, scales, no_effort
            )
    return Levels(names, tuple(period.label for period in periods), by)


def _level(
    name: str, period: str, csat: pd.DataFrame, ces: pd.DataFrame, contacts: pd.DataFrame | NotEstimable,
    scales: dict[str, tuple[float, float]], no_effort: NotEstimable | None,
) -> TouchpointLevel:  # fmt: skip
    mean, top = _scores(csat[csat["touchpoint"] == name], scales["csat"], "CSAT points")
    effort, _ = _scores(ces[ces["touchpoint"] == name], scales["ces"], "points")
    if isinstance(contacts, NotEstimable):
        nothing = contacts
        return TouchpointLevel(
            name, period, 0, 0, mean, top, no_effort or effort, nothing, nothing, nothing, nothing,
            nothing, np.empty(0), np.empty(0),
        )  # fmt: skip
    rows = contacts[contacts["touchpoint"] == name]
    who = rows["customer_id"].to_numpy(object)
    cost, cost_amounts = _money(rows, "cost")
    compensation, compensation_amounts = _money(rows, "compensation")
    return TouchpointLevel(
        name, period, len(rows), len(set(who)), mean, top, no_effort or effort,
        attempt(_hours, rows, "reply_hours"), attempt(_hours, rows, "resolution_hours"),
        attempt(clustered_share, rows["repeat"].to_numpy(bool), who),
        cost, compensation, cost_amounts, compensation_amounts,
    )  # fmt: skip


def waiting(
    contacts: pd.DataFrame, touchpoint: str, first_day: dt.date
) -> tuple[Estimate, Estimate]:
    """Median hours to a first reply at a touchpoint since a day, and at the others.

    contacts: as `usable_contacts`. Raises CannotEstimate where either is not known.
    """
    rows = contacts[contacts["opened_at"] >= np.datetime64(first_day)]
    here = rows["touchpoint"] == touchpoint
    return _hours(rows[here], "reply_hours"), _hours(rows[~here], "reply_hours")


def trend(levels: Levels, touchpoint: str, of: Callable[[TouchpointLevel], Any]) -> tuple[Any, ...]:
    """One figure of a touchpoint over the periods, the oldest first."""
    return tuple(of(levels.by[touchpoint, period]) for period in levels.periods)
