"""The vocabulary that every method speaks: an estimate, a finding, a reason why there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

Advice = Literal["extend", "continue", "stop", "test", ""]
Label = Literal["experiment", "quasi-experiment", "association", "description"]

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with what is needed to judge it.

    value: the point estimate, in `unit`; rates are fractions.
    lower, upper: limits of the interval at `confidence_level`; None where none can be given.
    unit: "share", "points", "months", "count", "hazard ratio", a currency code, or a currency
        code per something ("EUR per customer-quarter").
    n: the number of customers (or answers, orders, …) the estimate rests on.
    method: the estimator and the interval, in a few words ("Wilson").
    """

    value: float
    lower: float | None
    upper: float | None
    unit: str
    n: int
    method: str
    confidence_level: float = 0.95


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the report says, with its numbers and the kind of evidence behind it.

    id: stable from quarter to quarter, lower case with hyphens ("live-chat-pays").
    sentence: the finding in one or two sentences, worded from the numbers.
    estimates: the numbers in the sentence, by name.
    money: what it is worth over the horizon, in currency; None where no money is attached.
    label: experiment, quasi-experiment, association or description.
    assumption: what the label rests on.
    advice: what to do about a programme; "" where nothing is to be decided.
    name: what it is about, as readers know it ("Live chat"); "" where its sentence says all.
    """

    id: str
    sentence: str
    estimates: dict[str, Estimate]
    label: Label
    assumption: str
    money: Estimate | None = None
    advice: Advice = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of the scorecard, over time.

    id: lower case with hyphens ("net-promoter-score"). name: as readers know it.
    now, previous, year_before: level in this period, the one before and a year ago.
    change, change_on_year: differences, with the covariance of customers in both periods.
    trend: (period label, level) from the oldest to this period; None where not measurable.
    higher_is_better: False for churn, effort, refunds; None where neither.
    target: the level aimed at, from `dataset.yml`.
    """

    id: str
    name: str
    now: Estimate | NotEstimable
    previous: Estimate | NotEstimable
    change: Estimate | NotEstimable
    year_before: Estimate | NotEstimable
    change_on_year: Estimate | NotEstimable
    trend: tuple[tuple[str, float | None], ...] = ()
    higher_is_better: bool | None = True
    target: float | None = None


@dataclass(frozen=True, slots=True)
class NotEstimable:
    """Why a number cannot be given, as a sentence for the reader of the report."""

    reason: str


class CannotEstimate(Exception):  # noqa: N818 -- a finding about the data, not a failure
    """Raised by a method whose data do not bear the estimate; carries the sentence to print."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def attempt(method: Callable[..., ResultT], *args: Any, **kwargs: Any) -> ResultT | NotEstimable:
    """Call a method; give the reason instead where the data do not bear it.

    An argument that is itself a NotEstimable is handed on: what rests on a missing number is
    missing for the same reason.
    """
    for argument in (*args, *kwargs.values()):
        if isinstance(argument, NotEstimable):
            return argument
    try:
        return method(*args, **kwargs)
    except CannotEstimate as cannot:
        return NotEstimable(cannot.reason)


def first_reason(*results: object) -> NotEstimable | None:
    """The first of some results that could not be given; None if all could."""
    return next((result for result in results if isinstance(result, NotEstimable)), None)


@dataclass(frozen=True, slots=True)
class AuditRemark:
    """One observation of the design audit.

    id: which check ("no-events"). severity: "stop" (no estimate can be given), "caution" (the
    estimate stands with a reservation) or "note". sentence: for the reader.
    """

    id: str
    severity: Literal["stop", "caution", "note"]
    sentence: str
    counts: dict[str, int] = field(default_factory=dict)
