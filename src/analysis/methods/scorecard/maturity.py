"""How far the service has come: basic, expected, extended, anticipating.

Each stage asks for levels of some figures. A stage is reached if all its figures that are measured
meet their levels, and all stages below are reached. The default levels are conventions to begin
with, not norms: what a stage should ask for is for the company to declare (`maturity:`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from analysis.methods.estimate import Estimate, Metric, NotEstimable

STAGES = ("basic", "expected", "extended", "anticipating")
Verdict = Literal["met", "just met", "just missed", "missed", "not measured"]

DEFAULT_MATURITY: dict[str, dict[str, float]] = {
    # What was promised happens.
    "basic": {"on-time-delivery": 0.90, "refunds-per-order": 0.05},
    # Help comes within a working day, and more than half are content.
    "expected": {"first-reply-hours": 8, "csat-top-two": 0.60},
    # Customers would recommend us, and stay.
    "extended": {"net-promoter-score": 30, "retention": 0.95},
    # There is little left to ask for, and others are brought along.
    "anticipating": {"contacts-per-100-orders": 10, "referred-share": 0.20},
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a stage asks of a figure, and whether the figure gives it.

    verdict: met or missed where the interval lies on one side; "just" where it does not.
    """

    stage: str
    id: str
    name: str
    asked: float
    at_least: bool
    now: Estimate | NotEstimable
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Maturity:
    """The stage reached ("" if none), what was asked, and whether the thresholds are our default.

    open: the first stage that is not reached; "" if all are. certain: whether no verdict up to
    there hangs on chance.
    """

    reached: str
    open: str
    certain: bool
    requirements: tuple[Requirement, ...]
    default: bool


def read_maturity(
    metrics: Mapping[str, Metric], declared: Mapping[str, Mapping[str, float]]
) -> Maturity:
    """Read the stage from the figures of a period; empty `declared` stands for the default."""
    asked = declared or DEFAULT_MATURITY
    found = tuple(
        _require(stage, metrics[id], level)
        for stage in STAGES
        for id, level in asked.get(stage, {}).items()
    )
    reached, first_open = "", ""
    for stage in STAGES:
        measured = [r for r in found if r.stage == stage and r.verdict != "not measured"]
        if not measured or any(r.verdict in ("missed", "just missed") for r in measured):
            first_open = stage
            break
        reached = stage
    looked_at = STAGES[: STAGES.index(first_open) + 1] if first_open else STAGES
    just = [r for r in found if r.stage in looked_at and r.verdict.startswith("just")]
    firm = [r for r in found if r.stage == first_open and r.verdict == "missed"]
    certain = not [r for r in just if r.stage != first_open or not firm]
    return Maturity(reached, first_open, certain, found, not declared)


def _require(stage: str, metric: Metric, asked: float) -> Requirement:
    at_least = metric.higher_is_better is not False
    now = metric.now
    verdict: Verdict = "not measured"
    if isinstance(now, Estimate):
        sign = 1 if at_least else -1
        meets = sign * (now.value - asked) >= 0
        limits = [limit for limit in (now.lower, now.upper) if limit is not None]
        clear = all((sign * (limit - asked) >= 0) == meets for limit in limits)
        verdict = (
            ("met" if meets else "missed") if clear else "just met" if meets else "just missed"
        )
    return Requirement(stage, metric.id, metric.name, asked, at_least, now, verdict)
