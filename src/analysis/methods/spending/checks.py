"""What must not be there if the defended slope is to be believed.

A score given later cannot have moved earlier spend. Where it goes with it all the same, spend moves
scores (feedback), or something moves both, or single answers are noisy measures of what lasts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import p_value_t, t_quantile
from analysis.methods.regression import Ints, LeastSquares
from analysis.methods.spending.absorb import fit_within
from analysis.methods.spending.ladder import slope_of
from analysis.methods.spending.rows import FEWEST_CUSTOMERS, PanelRows
from analysis.tenure import DAYS_PER_MONTH

POWER = 0.8
# By how much the shortest quarter or month is shorter than the mean one, and a day to spare.
SHORTEST_PERIOD_LESS_DAYS = 2.5


@dataclass(frozen=True, slots=True)
class LeadCheck:
    """An association that should not be there, the score of the period itself held fixed.

    slope: per point of a later score, or by which the slope changes as answers age. p_value: of no
    association. detectable: the size of slope that would have been told from zero in four runs of
    five.
    """

    slope: Estimate
    p_value: float
    detectable: float


def rows_ahead(rows: PanelRows, lead: int) -> tuple[Ints, Ints]:
    """Rows of which the same customer has another `lead` periods later, and those others."""
    key = rows.customer * (int(rows.period.max()) + 1 + lead) + rows.period
    place = np.searchsorted(key, key + lead)
    found = place < len(key)
    found[found] = key[place[found]] == (key + lead)[found]
    now = np.flatnonzero(found)
    return now, place[found]


def check_lead(rows: PanelRows, now: Ints, later: Ints, unit: str) -> LeadCheck:
    """Slope of a later score in the defended comparison. Raises CannotEstimate."""
    if len(now) < FEWEST_CUSTOMERS:
        raise CannotEstimate("Too few customers have a score in two periods running.")
    _, customer = np.unique(rows.customer[now], return_inverse=True)
    _, period = np.unique(rows.period[now], return_inverse=True)
    scores = [rows.score[now], rows.score[later]]
    fit = fit_within(rows.spend[now], scores, ("score", "later score"), customer, period)
    return _check(fit, "later score", unit)


def _check(fit: LeastSquares, name: str, unit: str) -> LeadCheck:
    slope = slope_of(fit, name, unit)
    error = float(fit.standard_errors[fit.position(name)])
    if error <= 0:
        raise CannotEstimate("Spend does not vary beside the score, so nothing can be checked.")
    degrees = fit.degrees_of_freedom
    reach = t_quantile(0.95, degrees) + t_quantile(2 * POWER - 1, degrees)
    return LeadCheck(slope, p_value_t(slope.value / error, degrees), reach * error)


def check_feedback(rows: PanelRows, unit: str) -> LeadCheck:
    """Does the *next* score, given while the period went on, go with its spend?"""
    return check_lead(rows, *rows_ahead(rows, 1), unit)


def check_past_spend(rows: PanelRows, unit: str) -> LeadCheck:
    """Negative control: does a score given after a period had closed go with its spend?

    Only answers younger than the shortest period when the second period after it opened count, so
    that none was given in the period itself. Raises CannotEstimate where there are too few.
    """
    now, later = rows_ahead(rows, 2)
    length = rows.period_months * DAYS_PER_MONTH
    fresh = rows.age_days[later] <= length - SHORTEST_PERIOD_LESS_DAYS
    return check_lead(rows, now[fresh], later[fresh], unit)


def check_aging(rows: PanelRows, unit: str) -> LeadCheck:
    """Does the defended slope change with the age of the answer, per period of age?

    Satisfaction is taken to stay as last answered; a slope that shrinks as answers age says that it
    does not. Raises CannotEstimate where all answers are equally old.
    """
    periods = rows.age_days / (rows.period_months * DAYS_PER_MONTH)
    older = periods - periods.mean()
    if np.ptp(older) < 1:
        raise CannotEstimate(
            "All answers are about equally old, so nothing is seen of their aging."
        )
    scores = [rows.score, older, (rows.score - rows.score.mean()) * older]
    names = ("score", "age", "score as it ages")
    fit = fit_within(rows.spend, scores, names, rows.customer, rows.period)
    return _check(fit, "score as it ages", unit)
