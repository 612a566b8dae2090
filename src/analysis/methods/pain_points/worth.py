"""What a pain point may be worth: the gap in satisfaction × the margin that goes with a point × who is affected.

    V = a · |gap| · slope · n

slope: margin per customer and period that goes with a point of the last answer, each customer compared
with itself. n: active customers whose last answer, when a period opens, is about the touchpoint; mean of
the last year. a: discounted periods of the horizon. Both factors are associations, and so is V.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import from_standard_error
from analysis.methods.pain_points.answers import LATE_DELIVERY
from analysis.methods.pain_points.gaps import Gap, Gaps
from analysis.methods.regression import Floats, clustered_covariance
from analysis.methods.spending.absorb import fit_within
from analysis.methods.spending.rows import OLDEST_ANSWER_DAYS, PanelRows

if TYPE_CHECKING:
    import pandas as pd

PERIODS_OF_A_YEAR = {1: 12, 3: 4}


@dataclass(frozen=True, slots=True)
class MarginSlope:
    """Margin that goes with a point: per customer and period. influence: by customer of customer_ids."""

    slope: Estimate
    influence: Floats
    customer_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Affected:
    """Customers affected when a period opens, mean over the last year.

    answered: active customers whose last answer is about the place. met: whose last encounter was there,
    answered or not. active: all active ones. periods: openings that the mean is over.
    """

    answered: float
    met: float
    active: float
    periods: int


@dataclass(frozen=True, slots=True)
class Valued:
    """A pain point with its money.

    per_period: margin per period that would go with its gap. horizon: the same over the horizon,
    discounted. if_silent_alike: `horizon` if those who met it without answering felt likewise.
    """

    gap: Gap
    affected: Affected | NotEstimable
    per_period: Estimate | NotEstimable
    horizon: Estimate | NotEstimable
    if_silent_alike: Estimate | NotEstimable


def margin_slope(rows: PanelRows, unit: str) -> MarginSlope:
    """The defended slope of margin on the last answer, with its influence by customer.

    Raises CannotEstimate where customers cannot be compared with themselves.
    """
    fit = fit_within(rows.margin, [rows.score], ("score",), rows.customer, rows.period)
    slope = from_standard_error(
        float(fit.coefficients[0]), float(fit.standard_errors[0]), unit, fit.clusters,
        "least squares within customers and periods, clustered by customer", fit.degrees_of_freedom,
    )  # fmt: skip
    return MarginSlope(slope, fit.influence[:, 0], rows.customer_ids)


def _last_before(encounters: pd.DataFrame, opening: dt.date, places: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    first = pd.Timestamp(opening) - pd.Timedelta(days=OLDEST_ANSWER_DAYS)
    chosen = encounters[(encounters["day"] < pd.Timestamp(opening)) & (encounters["day"] >= first)]
    return chosen.drop_duplicates("customer_id", keep="last").merge(places, on="customer_id")


def affected_customers(
    encounters: pd.DataFrame,
    customer_periods: pd.DataFrame,
    openings: tuple[tuple[str, dt.date], ...],
) -> dict[str, Affected]:
    """By place, who is affected when a period opens.

    encounters: as `answers.survey_encounters`, in the order of days. openings: label and first day of the
    last year's periods. `late delivery` beside a touchpoint counts by the order in mind.
    Raises CannotEstimate where nobody who is known was active then.
    """
    known = encounters[encounters["customer_id"].notna()]
    if known.empty:
        raise CannotEstimate("Answers are anonymous, so it is not known who is affected.")
    if customer_periods.empty:
        raise CannotEstimate(
            "It is not known who was a customer when and what they spent, so nobody can be counted."
        )
    sums: dict[str, list[float]] = {}
    active_sum, counted = 0.0, 0
    answered = known[known["score"].notna()]
    for label, opening in openings:
        active = customer_periods.loc[customer_periods["period"] == label, ["customer_id"]]
        active = active.drop_duplicates()
        if active.empty:
            continue
        counted += 1
        active_sum += len(active)
        for position, rows in enumerate((answered, known)):
            last = _last_before(rows, opening, active)
            counts = last["place"].value_counts().to_dict()
            counts.setdefault(LATE_DELIVERY, int((last["late"] == 1).sum()))
            for place, n in counts.items():
                sums.setdefault(str(place), [0.0, 0.0])[position] += n
    if not counted:
        raise CannotEstimate("There is no whole period in the last year to count customers in.")
    return {
        place: Affected(of_answers / counted, met / counted, active_sum / counted, counted)
        for place, (of_answers, met) in sums.items()
    }


def discounted_periods(horizon_months: int, period_months: int, rate_annual: float) -> float:
    """Periods of the horizon, each discounted from its end. Raises CannotEstimate without a whole one."""
    ends = np.arange(period_months, horizon_months + 1, period_months)
    if not len(ends):
        raise CannotEstimate("The horizon is shorter than a period.")
    return float(((1 + rate_annual) ** (-ends / 12)).sum())


def _joint_error(gap: Gap, gaps: Gaps, slope: MarginSlope) -> float:
    """Standard error of −gap × slope, by customers who are in either (delta method)."""
    ids = np.unique(np.array([*gaps.customer_ids, *slope.customer_ids], dtype=object).astype(str))
    influence = np.zeros(len(ids))
    at = np.searchsorted(ids, np.array(gaps.customer_ids, dtype=str))
    influence[at] -= slope.slope.value * gap.influence
    at = np.searchsorted(ids, np.array(slope.customer_ids, dtype=str))
    influence[at] -= gap.gap.value * slope.influence
    return float(np.sqrt(clustered_covariance(influence, influence)))


def _per_customer(gap: Gap, gaps: Gaps, slope: MarginSlope) -> Estimate:
    if not gap.within:
        raise CannotEstimate(gaps.reason)
    return from_standard_error(
        -gap.gap.value * slope.slope.value, _joint_error(gap, gaps, slope), slope.slope.unit,
        gap.gap.n, "gap × slope of margin, both within customers, delta method",
    )  # fmt: skip


def _times(estimate: Estimate, factor: float, n: float, unit: str) -> Estimate:
    assert estimate.lower is not None
    assert estimate.upper is not None
    return Estimate(
        estimate.value * factor * n, estimate.lower * factor * n, estimate.upper * factor * n, unit,
        round(n), estimate.method, estimate.confidence_level,
    )  # fmt: skip


def value_gap(
    gap: Gap,
    gaps: Gaps,
    slope: MarginSlope | NotEstimable,
    affected: dict[str, Affected] | NotEstimable,
    currency: str,
    horizon_months: int,
    period_months: int,
    rate_annual: float,
) -> Valued:
    """A gap in money. What is missing is missing with its reason."""
    mine: Affected | NotEstimable
    if isinstance(affected, NotEstimable):
        mine = affected
    else:
        mine = affected.get(
            gap.place, NotEstimable("In the last year nobody came into a period from there.")
        )
    each = attempt(_per_customer, gap, gaps, slope)
    periods = attempt(discounted_periods, horizon_months, period_months, rate_annual)
    span = "quarter" if period_months == 3 else "month"

    def amount(factor: float, counted: Affected, per_customer: Estimate, unit: str) -> Estimate:
        return _times(per_customer, factor, counted.answered, unit)

    def with_silent(factor: float, counted: Affected, per_customer: Estimate) -> Estimate:
        return _times(per_customer, factor, max(counted.met, counted.answered), currency)

    return Valued(
        gap, mine,
        attempt(amount, 1.0, mine, each, f"{currency} per {span}"),
        attempt(amount, periods, mine, each, currency),
        attempt(with_silent, periods, mine, each),
    )  # fmt: skip


def order_by_money(valued: list[Valued]) -> tuple[Valued, ...]:
    """Those with money by its amount, then the others by their gap; the largest first."""

    def key(pain: Valued) -> tuple[float, float, str]:
        money = pain.horizon.value if isinstance(pain.horizon, Estimate) else -np.inf
        return (-money, pain.gap.gap.value, pain.gap.place)

    return tuple(sorted(valued, key=key))
