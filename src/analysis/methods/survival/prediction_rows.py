"""What was known at an earlier day, and what became of those active on it.

Two ways to hold outcomes back: a day (fit on what was known then, look at what followed), where
starts are dated; or half of the customers (fit on the others), where a snapshot has no dates.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.survival.cox import Booleans, Floats, Ints
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class KnownThen:
    """Rows to fit on: intervals (start, stop] as they stood, covariates n × k, strata n codes."""

    start: Floats
    stop: Floats
    ended: Booleans
    covariates: Floats
    names: tuple[str, ...]
    strata: Ints | None


@dataclass(frozen=True, slots=True)
class ActiveThen:
    """Customers active at the cut, one entry each, and what became of them.

    tenure_months, covariates, strata: as of the cut. followed_months: time after it until they
    left (`left`) or were last seen. months: the horizon of the prediction.
    """

    tenure_months: Floats
    covariates: Floats
    strata: Ints | None
    followed_months: Floats
    left: Booleans
    months: float


def tenure_on_day(started_on: pd.Series, day: dt.date) -> Floats:
    """Months from each start to a day; negative before the start.

    Raises CannotEstimate where starts are not dated.
    """
    if started_on.isna().any():
        raise CannotEstimate("Starts are not dated, so nothing can be fitted as of an earlier day.")
    import pandas as pd

    return np.asarray((pd.Timestamp(day) - started_on).dt.days / DAYS_PER_MONTH, dtype=float)


def months_between(first: dt.date, last: dt.date) -> float:
    """Months of 30.4375 days from one day to another."""
    return (last - first).days / DAYS_PER_MONTH


def _varying(covariates: Floats, chosen: Booleans) -> Booleans:
    """Columns that vary among the chosen rows: a level not yet seen at the cut cannot be fitted."""
    if not chosen.any():
        raise CannotEstimate("Nobody was a customer before the cut, so nothing can be fitted.")
    part = covariates[chosen]
    return np.asarray(part.max(axis=0) > part.min(axis=0))


def as_known_at(
    start: Floats,
    stop: Floats,
    ended: Booleans,
    spell: Ints,
    covariates: Floats,
    names: tuple[str, ...],
    tenure_then: Floats,
    months: float,
    strata: Ints | None = None,
) -> tuple[KnownThen, ActiveThen]:
    """Split intervals (start, stop] at a day: what was known then, and who was active.

    spell: codes of the spells that rows belong to. tenure_then (n): the spell's tenure on the day
    (`tenure_on_day`), months: from the day to the end of follow-up (`months_between`). The row
    that holds the day gives a customer's covariates. Columns without variation before the day
    (a level not yet seen) are left out of both.
    Raises CannotEstimate if nobody was there before, or nobody was active on the day.
    """
    before = start < tenure_then
    varying = _varying(covariates, before)
    stopped = np.minimum(stop, tenure_then)
    known = KnownThen(
        start[before], stopped[before], (ended & (stop <= tenure_then))[before],
        covariates[before][:, varying], tuple(np.array(names)[varying].tolist()),
        None if strata is None else strata[before],
    )  # fmt: skip
    holding = (start <= tenure_then) & (stop > tenure_then)
    if not holding.any():
        raise CannotEstimate("Nobody was a customer on the day of the cut.")
    codes = int(spell.max()) + 1
    last, left = np.full(codes, -np.inf), np.zeros(codes, dtype=bool)
    np.maximum.at(last, spell, stop)
    np.logical_or.at(left, spell, ended)
    mine = spell[holding]
    tenure = tenure_then[holding]
    active = ActiveThen(
        tenure, covariates[holding][:, varying], None if strata is None else strata[holding],
        last[mine] - tenure, left[mine], months,
    )  # fmt: skip
    return known, active


def content_key(*parts: str) -> float:
    """A number in [0, 1) that the text alone decides, so that it does not move with row order."""
    digest = hashlib.sha256("\n".join(parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def customer_halves(
    start: Floats,
    stop: Floats,
    ended: Booleans,
    customer_id: Sequence[str],
    covariates: Floats,
    names: tuple[str, ...],
    months: float,
    strata: Ints | None = None,
) -> tuple[KnownThen, ActiveThen]:
    """Fit on one half of the customers, predict the other from the tenure at which they enter.

    For a snapshot: a row per customer, observed for the window of `months` before it. The halves
    are drawn by customer_id. What is held back are customers, not time. A leaver counts as at risk for
    the whole window, having left at its end: where many leave, predicted shares lie below observed
    ones, so this judges who is told apart rather than how many leave.
    Raises CannotEstimate if a half is empty.
    """
    held = np.array([content_key("half", str(name)) < 0.5 for name in customer_id], dtype=bool)
    if held.all() or not held.any():
        raise CannotEstimate("Too few customers to hold half of them back.")
    varying = _varying(covariates, ~held)
    known = KnownThen(
        start[~held], stop[~held], ended[~held], covariates[~held][:, varying],
        tuple(np.array(names)[varying].tolist()), None if strata is None else strata[~held],
    )  # fmt: skip
    active = ActiveThen(
        start[held], covariates[held][:, varying], None if strata is None else strata[held],
        (stop - start)[held], ended[held], months,
    )  # fmt: skip
    return known, active
