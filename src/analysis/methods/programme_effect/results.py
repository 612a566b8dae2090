"""What is known of a programme: its study, its naive figures, its costs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, Label, NotEstimable
from analysis.methods.intervals import t_quantile
from analysis.methods.investment import BenefitFlow, Costs, InvestmentValue, value_investment
from analysis.methods.programme_effect.selected import AdjustedDifference

if TYPE_CHECKING:
    import pandas as pd

Design = Literal["staggered", "experiment", "balanced", "contradicted", "selected", "none"]
Programme = Mapping[str, Any]

LABELS: dict[Design, Label] = {
    "staggered": "quasi-experiment",
    "experiment": "experiment",
    "balanced": "quasi-experiment",
    "contradicted": "association",
    "selected": "association",
    "none": "description",
}
DAYS_PER_MONTH = 30.4375
QUARTER_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Terms:
    """What turns effects into money. costs_apply: False for a segment, whose share of the costs
    nobody recorded."""

    as_of: dt.date
    currency: str
    discount_rate_annual: float
    costs_apply: bool = True


@dataclass(frozen=True, slots=True)
class NaiveFigures:
    """What one would read off without thinking, per customer-quarter.

    before_after: treated customers, after less the quarter before. treated_untreated: treated
    less untreated customers, after the start.
    """

    before_after: Estimate | NotEstimable
    treated_untreated: Estimate | NotEstimable


@dataclass(frozen=True, slots=True)
class ProgrammeStudy:
    """One programme.

    effect: incremental margin per customer-quarter since the assignment, zeros after leaving (an
    adjusted difference where the label is `association`). variants: the same under other
    choices, by name. event_study: by quarter since the start (roll-outs). satisfaction:
    difference in the CSAT given afterwards, same design. assignment_p_value: of the test that
    nothing recorded tells who was treated. pre_trend: (p-value, quarters tested). largest_share:
    the share of the treated customers' margin since the start that is one customer's.
    design: "experiment" needs a declared draw, "balanced" are arms nothing tells apart and whose
    draw nobody declared, "contradicted" a declared draw that the arms belie.
    """

    programme_id: str
    name: str
    design: Design
    label: Label
    effect: Estimate | NotEstimable
    naive: NaiveFigures
    value: InvestmentValue | NotEstimable
    variants: dict[str, Estimate | NotEstimable] = field(default_factory=dict)
    event_study: dict[int, Estimate] = field(default_factory=dict)
    satisfaction: Estimate | NotEstimable = field(
        default_factory=lambda: NotEstimable("no CSAT was compared")
    )
    adjusted: AdjustedDifference | None = None
    assignment_p_value: float | None = None
    pre_trend: tuple[float, int] | None = None
    areas: tuple[int, int] | None = None
    largest_share: float | None = None


def not_studied(programme: Programme, design: Design, reason: str) -> ProgrammeStudy:
    missing = NotEstimable(f"{programme['name']}: {reason}")
    naive = NaiveFigures(missing, missing)
    return ProgrammeStudy(
        str(programme["programme_id"]), str(programme["name"]), design, LABELS[design],
        missing, naive, missing,
    )  # fmt: skip


def _number(value: object) -> float:
    number = float(value) if isinstance(value, (int, float, np.floating)) else 0.0
    return number if np.isfinite(number) else 0.0


def as_day(value: object) -> np.datetime64 | None:
    day = np.datetime64("NaT") if value is None else np.datetime64(str(value)[:10])
    return None if np.isnat(day) else day


def programme_costs(programme: Programme, start: np.datetime64, as_of: dt.date) -> Costs:
    """Costs from the start to the as-of date or the programme's end; a month begun is paid."""
    end: np.datetime64 = np.datetime64(str(as_of))
    ended = as_day(programme.get("ends_on"))
    if ended is not None and ended < end:
        end = ended
    days = float((end - start).astype("timedelta64[D]").astype(int)) + 1
    # A calendar month can be longer than the average one: a few days do not begin another.
    months = max(int(np.ceil(days / DAYS_PER_MONTH - 0.1)), 0)
    return Costs(
        _number(programme.get("upfront_cost")), _number(programme.get("monthly_cost")), months
    )


def value_programme(
    programme: Programme, start: np.datetime64, flow: BenefitFlow, terms: Terms
) -> InvestmentValue:
    if not terms.costs_apply:
        raise CannotEstimate(
            "costs are recorded for the whole programme, not for a segment of customers"
        )
    costs = programme_costs(programme, start, terms.as_of)
    if len(flow.months):
        # A quarter not yet over has costs and no benefit counted: neither enters.
        counted = int(np.ceil(flow.months.max() - 1e-9))
        costs = replace(costs, months=min(costs.months, counted))
    return value_investment(flow, costs, terms.discount_rate_annual, terms.currency)


def largest_share(
    rows: pd.DataFrame, unit: str, amount: Callable[[pd.DataFrame], pd.Series]
) -> float | None:
    """The largest unit's share of the amounts' absolute sum; None where that is zero."""
    sums = amount(rows).groupby(rows[unit]).sum().abs()
    total = float(sums.sum())
    return float(sums.max()) / total if total > 0 else None


def mean_with_interval(values: np.ndarray, unit: str, method: str) -> Estimate:
    if len(values) < 2:
        raise CannotEstimate("fewer than two customers were treated")
    half = t_quantile(0.95, len(values) - 1) * float(values.std(ddof=1)) / np.sqrt(len(values))
    mean = float(values.mean())
    return Estimate(mean, mean - half, mean + half, unit, len(values), method)


def mean_difference(first: np.ndarray, second: np.ndarray, unit: str) -> Estimate:
    if min(len(first), len(second)) < 2:
        raise CannotEstimate("there are no untreated customers to set beside the treated")
    value = float(first.mean() - second.mean())
    half = t_quantile(0.95, min(len(first), len(second)) - 1) * float(
        np.sqrt(first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second))
    )
    n = len(first) + len(second)
    return Estimate(value, value - half, value + half, unit, n, "treated less untreated")
