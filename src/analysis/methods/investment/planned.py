"""What must be true for a planned programme to pay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.investment.cash_flows import (
    QUARTER_MONTHS,
    Costs,
    discount_factors,
    discounted_cost,
)
from analysis.methods.investment.power import (
    MarginSpread,
    Sample,
    samples_needed,
    shortest_feasible,
)
from analysis.methods.investment.value import break_even_effect
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

    from analysis.methods.programme_effect.results import ProgrammeStudy, Terms


@dataclass(frozen=True, slots=True)
class PlannedProgramme:
    """A programme that has not begun.

    customers: whom it would reach. named: whether areas or customers are named for it; otherwise
    all active customers are taken. months: until its end, or the horizon. cost: discounted.
    break_even: margin per customer-quarter that covers it. best: name and effect of the best
    proven programme, if any. samples: that tell break-even from nothing; shortest: the first that
    the customers suffice for.
    """

    programme_id: str
    name: str
    starts_on: dt.date
    customers: int
    named: bool
    months: int
    cost: float
    currency: str
    break_even: Estimate | NotEstimable
    best: tuple[str, Estimate] | None
    samples: tuple[Sample, ...] | NotEstimable
    shortest: Sample | NotEstimable

    @property
    def beyond_best(self) -> bool | None:
        """Whether break-even lies above all that the best proven effect may be; None if unknown."""
        if self.best is None or isinstance(self.break_even, NotEstimable):
            return None
        upper = self.best[1].upper
        return None if upper is None else self.break_even.value > upper


def best_proven(studies: Iterable[ProgrammeStudy]) -> tuple[str, Estimate] | None:
    """The programme with the largest effect by lower limit, among those told from zero."""
    proven = [
        (study.name, study.effect)
        for study in studies
        if study.label in ("experiment", "quasi-experiment")
        and isinstance(study.effect, Estimate)
        and study.effect.lower is not None
        and study.effect.lower > 0
    ]
    return max(proven, key=lambda item: (item[1].lower or 0.0, item[0]), default=None)


def active_customers(customers: pd.DataFrame, lifetimes: pd.DataFrame) -> pd.DataFrame:
    """Those who have not left, by the churn rule declared; all where lifetimes are not known.

    lifetimes: columns customer_id, ended; who came back has a spell that has not ended.
    """
    if lifetimes.empty:
        return customers
    there = set(lifetimes.loc[~lifetimes["ended"].astype(bool), "customer_id"].astype(str))
    return customers[customers["customer_id"].astype(str).isin(there)]


def customers_reached(
    programme_id: str,
    customers: pd.DataFrame,
    rollout: pd.DataFrame | None,
    exposures: pd.DataFrame | None,
) -> tuple[int, bool]:
    """How many active customers a programme would reach, and whether any are named for it."""
    if rollout is not None and len(rollout) and "area" in customers.columns:
        mine = rollout[
            (rollout["programme_id"].astype(str) == programme_id) & rollout["starts_on"].notna()
        ]
        if len(mine):
            return int(customers["area"].isin(set(mine["area"])).sum()), True
    if exposures is not None and len(exposures):
        mine = exposures[exposures["programme_id"].astype(str) == programme_id]
        if "arm" in mine.columns:
            mine = mine[mine["arm"].fillna("treated") != "control"]
        if len(mine):
            who = set(mine["customer_id"].astype(str))
            return int(customers["customer_id"].astype(str).isin(who).sum()), True
    return len(customers), False


def _money(value: object) -> float:
    number = float(value) if isinstance(value, (int, float, np.floating)) else 0.0
    return number if np.isfinite(number) else 0.0


def _day(value: object) -> dt.date | None:
    day = np.datetime64("NaT") if value is None else np.datetime64(str(value)[:10])
    return None if np.isnat(day) else day.astype(dt.date)


def plan_programme(
    programme: Mapping[str, Any],
    reached: tuple[int, bool],
    best: tuple[str, Estimate] | None,
    spread: MarginSpread | NotEstimable,
    terms: Terms,
    horizon_months: int,
) -> PlannedProgramme:
    """What one planned programme has to bring.

    programme: name, starts_on, ends_on, upfront_cost, monthly_cost. reached: how many customers,
    and whether they are named. Months: from start to end, at most the horizon, in whole quarters.
    Customers who leave stay in with zero, as everywhere, so customer-quarters are customers ×
    quarters. In a segment costs are not known, and nothing rests on them.
    """
    starts_on, ends_on = _day(programme["starts_on"]), _day(programme.get("ends_on"))
    if starts_on is None:
        raise CannotEstimate("a planned programme needs a first day")
    months = horizon_months
    if ends_on is not None:
        days = (ends_on - starts_on).days + 1
        months = min(months, max(round(days / DAYS_PER_MONTH), 1))
    months = QUARTER_MONTHS * max(months // QUARTER_MONTHS, 1)
    costs = Costs(
        _money(programme.get("upfront_cost")), _money(programme.get("monthly_cost")), months
    )
    cost = discounted_cost(costs, terms.discount_rate_annual)
    customers, named = reached
    ends = np.arange(QUARTER_MONTHS, months + 1, QUARTER_MONTHS)
    quarters = customers * float(discount_factors(ends, terms.discount_rate_annual).sum())
    even: Estimate | NotEstimable = NotEstimable(
        "costs are recorded for the whole programme, not for a segment of customers"
    )
    if terms.costs_apply:
        even = attempt(break_even_effect, cost, quarters, customers, terms.currency)
    samples = attempt(_samples, spread, even, months // QUARTER_MONTHS)
    return PlannedProgramme(
        str(programme["programme_id"]),
        str(programme["name"]),
        starts_on,
        customers,
        named,
        months,
        cost,
        terms.currency,
        even,
        best,
        samples,
        attempt(shortest_feasible, samples, customers),
    )


def _samples(spread: MarginSpread, even: Estimate, most_quarters: int) -> tuple[Sample, ...]:
    return samples_needed(spread, even.value, most_quarters)


def not_begun(programmes: pd.DataFrame, as_of: dt.date) -> frozenset[str]:
    """Ids of the programmes that start after the as-of date."""
    if "starts_on" not in programmes.columns:
        return frozenset()
    pairs = zip(programmes["programme_id"], programmes["starts_on"], strict=True)
    days = {str(key): _day(value) for key, value in pairs}
    return frozenset(key for key, day in days.items() if day is not None and day > as_of)


def plan_programmes(
    tables: Mapping[str, pd.DataFrame],
    lifetimes: pd.DataFrame,
    studies: Iterable[ProgrammeStudy],
    spread: MarginSpread | NotEstimable,
    terms: Terms,
    horizon_months: int,
) -> tuple[PlannedProgramme, ...]:
    """Every programme that starts after the as-of date, the earliest first.

    tables: canonical programmes, customers and, where there are any, rollout and exposures.
    """
    programmes = tables["programmes"]
    best, ahead = best_proven(studies), not_begun(programmes, terms.as_of)
    active = active_customers(tables["customers"], lifetimes)
    planned = []
    for values in programmes.to_dict("records"):
        key = str(values["programme_id"])
        if key not in ahead:
            continue
        reached = customers_reached(key, active, tables.get("rollout"), tables.get("exposures"))
        programme = {str(name): value for name, value in values.items()}
        planned.append(plan_programme(programme, reached, best, spread, terms, horizon_months))
    return tuple(sorted(planned, key=lambda one: (one.starts_on, one.programme_id)))
