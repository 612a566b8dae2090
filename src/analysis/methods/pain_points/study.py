"""Everything that notebook 05 argues with."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from analysis.methods.estimate import AuditRemark, Estimate, NotEstimable, attempt
from analysis.methods.pain_points.answers import (
    answered,
    delivery_touchpoint,
    survey_encounters,
)
from analysis.methods.pain_points.gaps import Gaps, touchpoint_gaps
from analysis.methods.pain_points.journey import PurchasePath, purchase_path
from analysis.methods.pain_points.levels import (
    Levels,
    ReportPeriod,
    touchpoint_levels,
    usable_contacts,
    waiting,
)
from analysis.methods.pain_points.orders import OrderLevel, order_levels
from analysis.methods.pain_points.small_samples import clustered_share
from analysis.methods.pain_points.worth import (
    MarginSlope,
    Valued,
    affected_customers,
    margin_slope,
    order_by_money,
    value_gap,
)
from analysis.methods.spending.rows import panel_rows

if TYPE_CHECKING:
    import pandas as pd

SHOWN_PERIODS = 8
FEWEST_ANSWERED = 0.2


class Period(ReportPeriod, Protocol):
    """A report's period: it knows its neighbours."""

    @property
    def months(self) -> int: ...
    @property
    def year_before(self) -> Period: ...
    def shifted(self, periods: int, /) -> Period: ...


@dataclass(frozen=True, slots=True)
class PainStudy:
    """The argument: levels, gaps, money.

    encounters: what customers were asked about, answered or not. gaps: each touchpoint against the others.
    pains: those rated worse beyond chance, by their money. others: the remaining places. slope: margin that
    goes with a point. deliveries_asked_at: the touchpoint that is asked about after late orders, "" for none.
    waits: median hours to a first reply in the last year, there and elsewhere, by touchpoint. response: share of
    invitations answered, by place. first_period: whether there is no period before to compare with.
    """

    audit: tuple[AuditRemark, ...]
    encounters: pd.DataFrame | NotEstimable
    levels: Levels | NotEstimable
    orders: tuple[OrderLevel, ...] | NotEstimable
    path: PurchasePath | NotEstimable
    gaps: Gaps | NotEstimable
    slope: MarginSlope | NotEstimable
    pains: tuple[Valued, ...]
    others: tuple[Valued, ...]
    deliveries_asked_at: str
    waits: dict[str, tuple[Estimate, Estimate]]
    response: dict[str, Estimate]
    currency: str
    horizon_months: int
    period_months: int
    period_label: str
    first_period: bool


@dataclass(frozen=True, slots=True)
class Economics:
    """What money is counted in: currency code, discount rate per year, horizon and period in months."""

    currency: str
    discount_rate_annual: float
    horizon_months: int
    period_months: int


def periods_shown(period: Period, first_day: dt.date | None) -> tuple[Period, ...]:
    """The period and those before it that the exports cover whole, the oldest first; eight at most."""
    found = [period]
    while first_day is not None and len(found) < SHOWN_PERIODS:
        before = found[0].shifted(-1)
        if before.first_day < first_day:
            break
        found.insert(0, before)
    return tuple(found)


def last_year(period: Period) -> tuple[Period, ...]:
    """The periods of the year that ends with this one, the oldest first."""
    return tuple(period.shifted(-back) for back in range(12 // period.months - 1, -1, -1))


def audit_answers(encounters: pd.DataFrame) -> tuple[AuditRemark, ...]:
    """What a careful reader would ask of the answers first."""
    remarks = []
    share = float(encounters["score"].notna().mean())
    if share < FEWEST_ANSWERED:
        remarks.append(
            AuditRemark(
                "few-answers", "caution",
                "Fewer than one invitation in five is answered: those who answer may feel otherwise than those "
                "who do not.",
            )
        )  # fmt: skip
    anonymous = float(encounters["customer_id"].isna().mean())
    if anonymous > 0:
        some = "All" if anonymous == 1 else "Some"
        remarks.append(
            AuditRemark(
                "anonymous-answers", "caution",
                f"{some} answers are anonymous: they count in the levels of touchpoints, but not where "
                "customers are compared with themselves or money is attached.",
            )
        )  # fmt: skip
    if not encounters["late"].notna().any():
        remarks.append(
            AuditRemark(
                "no-deliveries", "note",
                "No answer can be set beside a delivery: the exports hold no promised days, or no answers of "
                "known customers that follow an order.",
            )
        )  # fmt: skip
    return tuple(remarks)


def _waits(
    contacts: pd.DataFrame | NotEstimable, valued: list[Valued], first_day: dt.date
) -> dict[str, tuple[Estimate, Estimate]]:
    found = {
        pain.gap.place: attempt(waiting, contacts, pain.gap.place, first_day) for pain in valued
    }
    return {place: pair for place, pair in found.items() if not isinstance(pair, NotEstimable)}


def _response(encounters: pd.DataFrame) -> dict[str, Estimate]:
    named = encounters["customer_id"].notna()
    own = "answer " + encounters["response_id"].astype(str)
    who = encounters["customer_id"].where(named, own).to_numpy(object)
    answered_there = encounters["score"].notna().to_numpy(bool)
    place = encounters["place"].to_numpy(object)
    return {
        str(name): clustered_share(answered_there[place == name], who[place == name])
        for name in sorted(set(place))
    }


def study_pain_points(
    surveys: pd.DataFrame,
    contacts: pd.DataFrame,
    transactions: pd.DataFrame,
    customer_periods: pd.DataFrame,
    journey: pd.DataFrame,
    period: Period,
    as_of: dt.date,
    first_day: dt.date | None,
    economics: Economics,
    scales: dict[str, tuple[float, float]],
) -> PainStudy:
    """All that the section argues with; what cannot be told is missing with its reason."""
    shown, year = periods_shown(period, first_day), last_year(period)
    months, currency = economics.period_months, economics.currency
    encounters = attempt(survey_encounters, surveys, contacts, transactions, as_of)
    answers = attempt(answered, encounters)
    gaps = attempt(touchpoint_gaps, answers, months, year[0].first_day)
    rows = attempt(panel_rows, customer_periods, period_months=months)
    unit = f"{currency} per customer-{'quarter' if months == 3 else 'month'}"
    slope = attempt(margin_slope, rows, unit)
    openings = tuple((each.label, each.first_day) for each in year)
    affected = attempt(affected_customers, encounters, customer_periods, openings)
    valued: list[Valued] = []
    if isinstance(gaps, Gaps):
        valued = [
            value_gap(
                gap, gaps, slope, affected, currency, economics.horizon_months, months,
                economics.discount_rate_annual,
            )
            for gap in gaps.places
        ]  # fmt: skip
    asked = None if isinstance(encounters, NotEstimable) else encounters
    return PainStudy(
        audit=() if asked is None else audit_answers(asked),
        encounters=encounters,
        levels=attempt(touchpoint_levels, surveys, contacts, shown, scales),
        orders=attempt(order_levels, transactions, shown, as_of),
        path=attempt(purchase_path, journey, period, period.year_before),
        gaps=gaps,
        slope=slope,
        pains=order_by_money([pain for pain in valued if pain.gap.hurts]),
        others=tuple(pain for pain in valued if not pain.gap.hurts),
        deliveries_asked_at="" if asked is None else delivery_touchpoint(asked),
        waits=_waits(attempt(usable_contacts, contacts), valued, year[0].first_day),
        response={} if asked is None else _response(asked),
        currency=currency,
        horizon_months=economics.horizon_months,
        period_months=months,
        period_label=period.label,
        first_period=len(shown) == 1,
    )
