"""What to do with each programme: continue, extend, stop, or test further.

Only an experiment or a quasi-experiment gives an order. An association never does, however large:
it is tested further, and what such a test would take is said.
"""

from __future__ import annotations

from dataclasses import dataclass
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
]

PROVEN = ("experiment", "quasi-experiment")
DOUBTFUL_PRE_TREND = 0.05


@dataclass(frozen=True, slots=True)
class SettlingTest:
    """What would settle it.

    gap: the difference per customer-quarter to be told from chance, money. from_estimate: it is
    the distance of the estimate from break-even; otherwise it is the break-even effect itself, so
    that a programme which just pays is told from one that does nothing. samples: for more and more
    quarters. shortest: the first that the customers there are suffice for.
    """

    gap: float
    unit: str
    from_estimate: bool
    samples: tuple[Sample, ...]
    shortest: Sample | NotEstimable


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
    left without it. room: there are customers whom it has not reached.
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
    if worth.lower > 0:
        return ("extend", "pays") if room else ("continue", "pays, nobody left")
    if benefit.upper is not None and benefit.upper < 0:
        return "stop", "harms"
    if value.costs.monthly > 0:
        if running.upper is not None and running.upper < 0:
            return "stop", "running loses"
        if running.lower is not None and running.lower > 0:
            return "continue", "running pays"
    elif worth.upper < 0:
        return "stop", "loses"
    return "test", "unclear"


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
    if action == "test":
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
    """A figure of all who were reached can be near break-even; one at a threshold cannot."""
    whole = study.label in PROVEN and isinstance(study.value, InvestmentValue)
    effect = study.effect if whole and isinstance(study.effect, Estimate) else None
    return plan_test(effect, break_even, spread)


def plan_test(effect: Estimate | None, break_even: Estimate, spread: MarginSpread) -> SettlingTest:
    """What tells whether a programme covers its cost.

    effect: what an experiment or quasi-experiment that left it open found; its distance from
    break-even counts. None after an association, which says nothing of the effect to expect, so
    that break-even itself counts. Raises CannotEstimate where the estimate lies on break-even.
    """
    gap = break_even.value if effect is None else abs(effect.value - break_even.value)
    if gap <= 1e-9 * abs(break_even.value):
        raise CannotEstimate("the estimate lies on break-even, so no test would tell them apart")
    samples = samples_needed(spread, gap)
    shortest = attempt(shortest_feasible, samples, spread.customers)
    return SettlingTest(gap, break_even.unit, effect is not None, samples, shortest)
