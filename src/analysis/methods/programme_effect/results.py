"""What is known of a programme: its study, its naive figures, its costs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate, Estimate, Label, NotEstimable
from analysis.methods.intervals import t_quantile
from analysis.methods.investment import (
    BenefitFlow,
    Costs,
    InvestmentValue,
    discount_factors,
    discounted_cost,
    value_investment,
)
from analysis.methods.programme_effect.cutoff import Cutoff, Discontinuity
from analysis.methods.programme_effect.honest_trends import HonestTrends
from analysis.methods.programme_effect.permutation import PermutationTest
from analysis.methods.programme_effect.selected import AdjustedDifference, BalanceRow
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

Design = Literal[
    "staggered", "experiment", "balanced", "contradicted", "selected", "cut-off", "none"
]
Programme = Mapping[str, Any]

LABELS: dict[Design, Label] = {
    "staggered": "quasi-experiment",
    "experiment": "experiment",
    "balanced": "quasi-experiment",
    "contradicted": "association",
    "selected": "association",
    "cut-off": "quasi-experiment",
    "none": "description",
}
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
class ArmEffect:
    """One arm of several that share a control. p_value: by Holm over these arms."""

    name: str
    effect: Estimate | NotEstimable
    relative: Estimate | NotEstimable
    p_value: float | None
    customers: int


# What stands in a field that nobody has computed.
NO_CSAT = NotEstimable("no CSAT was compared")
NO_SHARE = NotEstimable("there is no difference to be given in per cent")
NO_EXPERIMENT = NotEstimable("it is not an experiment")
NO_PLACEBO = NotEstimable("the year before last was not compared")
NO_AREAS = NotEstimable("it was not rolled out over areas")
NOT_FEW_AREAS = NotEstimable("it was not rolled out over few areas")
NOBODY = NotEstimable("nobody was reached yet")


@dataclass(frozen=True, slots=True)
class ProgrammeStudy:
    """One programme.

    effect: incremental margin per customer-quarter since the assignment, zeros after leaving (an
    adjusted difference where the label is `association`; at the threshold, after a cut-off).
    variants: the same under other choices, by name. event_study: by quarter since the start
    (roll-outs). windows: by quarter since the assignment, 1 the first (assigned customers).
    satisfaction: difference in the CSAT given afterwards, same design. assignment_p_value: of the
    test that nothing recorded tells who was treated. pre_trend: (p-value, quarters tested).
    largest_share: the share of the treated customers' margin since the start that is one
    customer's.
    design: "experiment" needs a declared draw, "balanced" are arms nothing tells apart and whose
    draw nobody declared, "contradicted" a declared draw that the arms belie, "cut-off" a number
    that decided.

    assumption, overturned_by: what it rests on and what would overturn it, in sentences.
    relative: the effect as a share of the margin without it. scores: difference in "csat" (points
    of its scale) and "nps" (NPS points) afterwards. arms: where several share one control.
    always_valid: the effect with an interval that bears being looked at every quarter.
    placebo: the same comparison for the year before last, which the programme cannot have moved.
    honest: the effect under trends that are not parallel. permutation: randomisation inference
    where areas are too few for an interval. break_even: margin per customer-quarter that covers
    the cost. shares_control_with, p_value_holm: programmes with the same untreated customers, and
    the p-value of the effect by Holm over them.
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
    satisfaction: Estimate | NotEstimable = NO_CSAT
    adjusted: AdjustedDifference | None = None
    assignment_p_value: float | None = None
    pre_trend: tuple[float, int] | None = None
    areas: tuple[int, int] | None = None
    largest_share: float | None = None
    assumption: str = ""
    overturned_by: str = ""
    relative: Estimate | NotEstimable = NO_SHARE
    windows: dict[int, Estimate] = field(default_factory=dict)
    scores: dict[str, Estimate | NotEstimable] = field(default_factory=dict)
    arms: tuple[ArmEffect, ...] = ()
    always_valid: Estimate | NotEstimable = NO_EXPERIMENT
    placebo: Estimate | NotEstimable = NO_PLACEBO
    honest: HonestTrends | NotEstimable = NO_AREAS
    permutation: PermutationTest | NotEstimable = NOT_FEW_AREAS
    cutoff: Cutoff | None = None
    discontinuity: Discontinuity | None = None
    break_even: Estimate | NotEstimable = NOBODY
    shares_control_with: tuple[str, ...] = ()
    p_value_holm: float | None = None

    @property
    def unbalanced(self) -> tuple[BalanceRow, ...]:
        """Everything recorded still more than a tenth of a standard deviation apart."""
        return () if self.adjusted is None else self.adjusted.unbalanced


ItemT = TypeVar("ItemT")


def map_estimates(item: ItemT, change: Callable[[Estimate], Estimate | NotEstimable]) -> ItemT:
    """The same structure with every Estimate in it replaced, however deep.

    For disclosure: whatever field is added to a study, none of its estimates escapes.
    """
    result: Any = item
    if isinstance(item, Estimate):
        result = change(item)
    elif isinstance(item, dict):
        result = {key: map_estimates(value, change) for key, value in item.items()}
    elif isinstance(item, tuple):
        result = tuple(map_estimates(value, change) for value in item)
    elif is_dataclass(item) and not isinstance(item, type):
        inner = {one.name: getattr(item, one.name) for one in fields(item)}
        result = replace(
            item, **{name: map_estimates(value, change) for name, value in inner.items()}
        )
    return cast("ItemT", result)


def not_studied(programme: Programme, design: Design, reason: str) -> ProgrammeStudy:
    """The study of a programme of which nothing can be told, and why."""
    absent = NotEstimable(f"{programme['name']}: {reason}")
    naive = NaiveFigures(absent, absent)
    assumption, overturned_by = design_sentences(design)
    return ProgrammeStudy(
        str(programme["programme_id"]), str(programme["name"]), design, LABELS[design],
        absent, naive, absent, assumption=assumption, overturned_by=overturned_by,
    )  # fmt: skip


def design_sentences(design: Design) -> tuple[str, str]:
    """What a design assumes, and what would overturn its result."""
    return {
        "staggered": (
            "Areas reached early and late would have moved in parallel without it.",
            "Something else that began in the same areas at the same dates, or areas picked "
            "because they were about to improve.",
        ),
        "experiment": (
            "Chance decided who was treated, as is recorded.",
            "A draw that was not followed, or controls whom the programme reached all the same.",
        ),
        "balanced": (
            "Chance decided who was treated, though that is not recorded.",
            "A rule of choice that looked at something not in the export.",
        ),
        "contradicted": (
            "All that decided who was chosen, and that moves margin, is recorded; the draw that "
            "was declared cannot have been one.",
            "A trait not in the export by which customers were chosen and which moves margin.",
        ),
        "selected": (
            "All that decided who was chosen, and that moves margin, is recorded.",
            "A trait not in the export by which customers were chosen and which moves margin; a "
            "random hold-out would show it.",
        ),
        "cut-off": (
            "Without it, customers just above and just below the threshold would have brought the "
            "same; the figure holds at the threshold only.",
            "Another offer that hangs on the same threshold, or customers who moved themselves "
            "across it.",
        ),
        "none": (
            "There is nobody to compare with.",
            "A group without it, picked by lot, would give a figure.",
        ),
    }[design]


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


def break_even_effect(
    costs: Costs, months: npt.ArrayLike, customers: npt.ArrayLike, n: int, terms: Terms
) -> Estimate:
    """Margin per customer-quarter at which the programme would have brought what it cost.

    months, customers: the months at whose end a quarter closes and the customers treated in it.
    n: treated customers. Raises CannotEstimate without any quarter or cost.
    """
    if not terms.costs_apply:
        raise CannotEstimate(
            "costs are recorded for the whole programme, not for a segment of customers"
        )
    weight = np.asarray(customers, dtype=float)
    quarters = float(weight @ discount_factors(months, terms.discount_rate_annual))
    if quarters <= 0:
        raise CannotEstimate("nobody it reached has been followed for a whole quarter")
    cost = discounted_cost(costs, terms.discount_rate_annual)
    if cost <= 0:
        raise CannotEstimate("no cost is recorded, so there is none to be covered")
    return Estimate(
        cost / quarters, None, None, f"{terms.currency} per customer-quarter", n,
        "cost / discounted customer-quarters",
    )  # fmt: skip


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
    # The smaller side: what is published of it must not rest on a few.
    n = min(len(first), len(second))
    return Estimate(value, value - half, value + half, unit, n, "treated less untreated")
