"""What to do with each programme: continue, extend, stop, or test further.

Only an experiment or a quasi-experiment gives an order. An association never does, however large:
it is tested further, and what such a test would take is said.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.investment.power import (
    MarginSpread,
    Sample,
    samples_needed,
    shortest_feasible,
)
from analysis.methods.investment.value import InvestmentValue

if TYPE_CHECKING:
    from analysis.methods.programme_effect.results import ProgrammeStudy

Action = Literal["extend", "continue", "stop", "test", "plan", "none"]
Reason = Literal[
    "pays",
    "pays, nobody left",
    "running pays",
    "loses",
    "running loses",
    "harms",
    "association",
    "doubtful",
    "no interval",
    "unclear",
    "not studied",
    "not begun",
    "not valued",
    "early",
    "no cost",
]

PROVEN = ("experiment", "quasi-experiment")
DOUBTFUL_PRE_TREND = 0.05
FEWEST_MONTHS = 12  # before them nothing is stopped for what it costs


@dataclass(frozen=True, slots=True)
class SettlingTest:
    """What would settle it.

    gap: the difference per customer-quarter to be told from chance, money. from_estimate: it is
    the distance of the estimate from break-even; otherwise it is the break-even effect itself, so
    that a programme which just pays is told from one that does nothing. samples: for more and more
    quarters. shortest: the first that the customers there are suffice for. running: break-even
    covers what it costs to run, for the up-front cost is spent whether or not it goes on.
    """

    gap: float
    unit: str
    from_estimate: bool
    samples: tuple[Sample, ...]
    shortest: Sample | NotEstimable
    running: bool = False


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What to do with a programme and why; `test` says what would settle it, where that is open."""

    programme_id: str
    action: Action
    reason: Reason
    test: SettlingTest | NotEstimable | None


def is_doubtful(study: ProgrammeStudy) -> bool:
    """Whether the areas of a roll-out did not move in parallel before."""
    return study.pre_trend is not None and study.pre_trend[0] < DOUBTFUL_PRE_TREND


def is_early(value: InvestmentValue) -> bool:
    """Whether less than a year is counted, so that costs are in and much of the benefit is not.

    Where customers are reached one after the other, those reached last have cost and could not
    yet bring; and an up-front cost is spent for more than the first quarters.
    """
    return value.flow.last_month < FEWEST_MONTHS


def has_room(study: ProgrammeStudy) -> bool:
    """Whether there are customers whom a programme has not reached.

    After a draw there are the controls; after a roll-out, areas never reached.
    """
    if study.design != "staggered":
        return True
    never = study.variants.get("against areas never reached")
    return never is None or isinstance(never, Estimate)


def decide(
    label: str, value: InvestmentValue | NotEstimable, doubtful: bool, room: bool
) -> tuple[Action, Reason]:
    """The action from the intervals, and why.

    The up-front cost is spent whether or not a programme goes on: going on is decided by what is
    left without it. room: there are customers whom it has not reached. Nothing is stopped for its
    cost before a year is counted, nor ordered where no cost is recorded.
    """
    if label == "association":
        return "test", "association"
    if isinstance(value, NotEstimable) or label not in PROVEN:
        return "test", "not studied"
    worth, running, benefit = value.net_present_value, value.running_value, value.benefit
    if worth.lower is None or worth.upper is None:
        return "test", "no interval"
    if doubtful:
        return "test", "doubtful"
    if benefit.upper is not None and benefit.upper < 0:
        return "stop", "harms"
    if value.cost <= 0:
        return "none", "no cost"
    if worth.lower > 0:
        return ("extend", "pays") if room else ("continue", "pays, nobody left")
    if value.costs.monthly > 0:
        if running.lower is not None and running.lower > 0:
            return "continue", "running pays"
        loses = running.upper is not None and running.upper < 0
    else:
        loses = worth.upper < 0
    if not loses:
        return "test", "unclear"
    if is_early(value):
        return "test", "early"
    return "stop", "running loses" if value.costs.monthly > 0 else "loses"


def recommend(
    study: ProgrammeStudy, spread: MarginSpread | NotEstimable, begun: bool = True
) -> Recommendation:
    """What to do with a programme; spread: how margin varies, for what a test would take."""
    if not begun:
        return Recommendation(study.programme_id, "plan", "not begun", None)
    if _not_valued(study):
        return Recommendation(study.programme_id, "none", "not valued", None)
    action, reason = decide(study.label, study.value, is_doubtful(study), has_room(study))
    test: SettlingTest | NotEstimable | None = None
    if action == "test" and reason != "early":
        test = attempt(_plan_for, study, study.break_even, spread)
    return Recommendation(study.programme_id, action, reason, test)


def _not_valued(study: ProgrammeStudy) -> bool:
    """Whether what it did is known but not what it cost: in a segment, or withheld."""
    return (
        study.label in PROVEN
        and isinstance(study.effect, Estimate)
        and isinstance(study.value, NotEstimable)
        and isinstance(study.break_even, NotEstimable)
    )


def recommend_programmes(
    studies: tuple[ProgrammeStudy, ...],
    spread: MarginSpread | NotEstimable,
    not_begun: frozenset[str] = frozenset(),
) -> tuple[Recommendation, ...]:
    """What to do with each programme, in the order given; not_begun: ids of planned ones."""
    return tuple(recommend(study, spread, study.programme_id not in not_begun) for study in studies)


def _plan_for(study: ProgrammeStudy, break_even: Estimate, spread: MarginSpread) -> SettlingTest:
    """A figure of all who were reached can be near break-even; one at a threshold cannot.

    Without an interval, above zero, and trends that were alike before, an estimate says too little
    of the effect to expect for a test to be planned on it.
    """
    value, effect = study.value, study.effect
    if study.label not in PROVEN or not isinstance(value, InvestmentValue):
        return plan_test(None, break_even, spread)
    running = value.costs.monthly > 0 and value.costs.upfront > 0 and value.cost > 0
    if running:
        # The question left open is whether to go on, as in `decide`.
        share = (value.cost - value.costs.upfront) / value.cost
        break_even = replace(break_even, value=break_even.value * share)
    known = isinstance(effect, Estimate) and effect.lower is not None and effect.value > 0
    expected = effect if isinstance(effect, Estimate) and known else None
    plan = plan_test(None if is_doubtful(study) else expected, break_even, spread)
    return replace(plan, running=running)


def plan_test(effect: Estimate | None, break_even: Estimate, spread: MarginSpread) -> SettlingTest:
    """What tells whether a programme covers its cost.

    effect: what an experiment or quasi-experiment that left it open found; its distance from
    break-even counts. None where nothing tells the effect to expect, as after an association, so
    that break-even itself counts. Raises CannotEstimate where the estimate lies on break-even.
    """
    gap = break_even.value if effect is None else abs(effect.value - break_even.value)
    if gap <= 1e-9 * abs(break_even.value):
        raise CannotEstimate("the estimate lies on break-even, so no test would tell them apart")
    samples = samples_needed(spread, gap)
    shortest = attempt(shortest_feasible, samples, spread.customers)
    return SettlingTest(gap, break_even.unit, effect is not None, samples, shortest)
