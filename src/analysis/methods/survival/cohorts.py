"""Retention by the quarter in which customers started; what is not yet known stays blank."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.survival.groups import FEWEST_CUSTOMERS, lifetime_arrays
from analysis.methods.survival.nonparametric import SurvivalCurve, kaplan_meier
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

MOST_COHORTS = 12
MONTHS_PER_COLUMN = 3


@dataclass(frozen=True, slots=True)
class Cohort:
    """Customers who started in one quarter.

    label: "2024Q3". retention: share still there at each month of the table. n: customers.
    """

    label: str
    retention: tuple[Estimate | NotEstimable, ...]
    n: int


@dataclass(frozen=True, slots=True)
class CohortTable:
    """Cohorts from the oldest to the newest; `months`: what the columns stand for."""

    months: tuple[int, ...]
    cohorts: tuple[Cohort, ...]


def _mature(curve: SurvivalCurve, months: int, followed_months: float) -> Estimate:
    if months > followed_months:
        raise CannotEstimate("Not all of the cohort could have been customers for so long.")
    return curve.at(months)


def retention_by_cohort(
    lifetimes: pd.DataFrame, as_of: dt.date, measurable_from_months: float = 0.0
) -> CohortTable:
    """Kaplan–Meier retention of each quarter's starters, every third month.

    First spells of customers seen from their start: of the others those who left early are not known. A cell
    is blank until the last of the cohort could have stayed so long, and below the time at which a
    loss can be measured. Raises CannotEstimate where starts are not dated or no cohort is old
    enough.
    """
    first = lifetimes[lifetimes["spell"] == 1]
    dated = first[first["started_on"].notna() & (first["entry_months"] == 0)]
    if dated.empty:
        raise CannotEstimate("No customer was seen from a dated start on, so there are no cohorts.")
    quarter = dated["started_on"].dt.to_period("Q")
    parts = [
        (period, part)
        for period, part in dated.groupby(quarter)
        if len(part) >= FEWEST_CUSTOMERS
    ][-MOST_COHORTS:]  # fmt: skip
    followed = [(as_of - period.end_time.date()).days / DAYS_PER_MONTH for period, _ in parts]
    longest = max(followed, default=0.0)
    months = tuple(
        m
        for m in range(MONTHS_PER_COLUMN, int(longest) + 1, MONTHS_PER_COLUMN)
        if m >= measurable_from_months
    )
    if not months:
        raise CannotEstimate("No cohort is old enough for its retention to be known.")
    cohorts = []
    for (period, part), months_followed in zip(parts, followed, strict=True):
        curve = kaplan_meier(*lifetime_arrays(part))
        cells = tuple(attempt(_mature, curve, m, months_followed) for m in months)
        cohorts.append(Cohort(f"{period.year}Q{period.quarter}", cells, len(part)))
    return CohortTable(months, tuple(cohorts))
