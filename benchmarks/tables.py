"""A comparison in words: a table of contenders, and whether its limits are met."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from benchmarks.harness import (
    Comparison,
    Limit,
    Measurement,
    Outcome,
    Skipped,
    is_equal,
    memory_ratio,
    time_ratio,
)

HEADINGS = ("contender", "seconds", "to ours", "memory, MB", "to ours", "result")
DIFFERS = "DIFFERS"


@dataclass(frozen=True, slots=True)
class Report:
    """What a comparison prints, and whether all is as it should be."""

    text: str
    good: bool


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _row(name: str, outcome: Outcome, ours: Outcome, tolerance: float) -> tuple[str, ...]:
    if not isinstance(outcome, Measurement):
        return (name, "–", "", "–", "", outcome.reason)
    numbers = [f"{outcome.seconds:.3f}", "", _number(outcome.megabytes), "", ""]
    if isinstance(ours, Measurement) and outcome is not ours:
        equal = is_equal(ours.result, outcome.result, tolerance)
        numbers[1] = f"{_number(time_ratio(outcome, ours))} ×"
        numbers[3] = f"{_number(memory_ratio(outcome, ours))} ×"
        numbers[4] = "equal" if equal else DIFFERS
    return (name, *numbers)


def _judge(limit: Limit, ours: Outcome, other: Outcome) -> list[tuple[str, bool]]:
    """Each part of a limit in words, and whether it is met; a skipped contender decides nothing."""
    if not isinstance(ours, Measurement) or not isinstance(other, Measurement):
        return []
    parts = (
        ("time", limit.time, 1 / time_ratio(other, ours)),
        ("memory", limit.memory, 1 / memory_ratio(other, ours)),
    )
    judged = []
    for what, most, is_ in parts:
        if most is not None:
            allowed = str(Fraction(most).limit_denominator(100))
            met = is_ <= most
            verdict = "met" if met else "NOT MET"
            words = f"{what} at most {allowed} of {limit.against}: {verdict} ({_number(is_)})"
            judged.append((words, met))
    return judged


def report(comparison: Comparison, outcomes: list[Outcome], rows: int) -> Report:
    """The table of a comparison. Limits are judged at full scale only."""
    ours = outcomes[0]
    named = {c.name: o for c, o in zip(comparison.contenders, outcomes, strict=True)}
    body = [_row(name, outcome, ours, comparison.tolerance) for name, outcome in named.items()]
    table = [HEADINGS, *body]
    widths = [max(len(row[i]) for row in table) for i in range(len(HEADINGS))]
    lines = [f"{comparison.name}: {comparison.title}, {rows:,} rows"]
    for row in table:
        first, *numbers, last = (
            cell.ljust(width) if i in (0, len(HEADINGS) - 1) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append(f"  {'  '.join([first, *numbers, last])}".rstrip())
    failed = any(isinstance(outcome, Skipped) and outcome.failed for outcome in outcomes)
    good = not failed and not any(DIFFERS in row for row in body)
    for limit in comparison.limits:
        for words, met in _judge(limit, ours, named[limit.against]):
            if rows == comparison.rows:
                lines.append(f"  {words}")
                good = good and met
            else:
                lines.append(f"  {words}; judged at {comparison.rows:,} rows only")
    return Report("\n".join(lines) + "\n", good)
