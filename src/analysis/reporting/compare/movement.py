"""What moved between two periods: figures, findings, decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from analysis.presentation.wording import message
from analysis.reporting.compare.difference import (
    Content,
    Number,
    apart,
    in_words,
    numbers_of,
    same,
    words_of_id,
)
from analysis.reporting.finding_words import as_estimate
from analysis.reporting.first_screen import judge

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MetricMove:
    """A figure of the scorecard in two periods.

    old, new: levels as each period's report gives them. change: with the covariance of customers
    in both periods; None where the later report does not carry it. old_seen_later: the earlier
    level as the later report gives it, where that is another number. remark, tone: what can be
    said, and "better", "worse" or "neutral".
    """

    id: str
    name: str
    old: Content | None
    new: Content | None
    change: Content | None
    old_seen_later: Content | None
    remark: str
    tone: str


@dataclass(frozen=True, slots=True)
class FindingMove:
    """A finding in two periods; None on the side that does not have it.

    changes: sentences on its label, its advice, its coming or going; empty where none.
    """

    id: str
    name: str
    section: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    changes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NumberMove:
    """A further number of both reports. apart: its two intervals do not overlap."""

    number: Number
    old: Content | None
    new: Content | None
    apart: bool


@dataclass(frozen=True, slots=True)
class DecisionMove:
    """A decision as the two reports show it. changes: what became of it in between."""

    finding: str
    action: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    changes: tuple[str, ...]


def _remark_on(
    metric: dict[str, Any], old: Content | None, new: Content | None, change: Content | None
) -> tuple[str, str]:
    if as_estimate(new) is None:
        return message("not measured in the later period"), "neutral"
    if as_estimate(old) is None:
        return message("not measured in the earlier period"), "neutral"
    estimate = as_estimate(change)
    if estimate is not None and estimate.lower is not None:
        return judge(estimate, metric.get("higher_is_better"))
    if apart(old, new):
        return message("the intervals do not overlap"), "neutral"
    return message("no interval of the change is known"), "neutral"


def compare_metrics(old: Report, new: Report, gap: str) -> list[MetricMove]:
    """Figures of both reports in the order of the later one.

    gap: "previous" if the periods follow one another, "year_before" if a year lies between them,
    else "": only then does the later report carry the interval of the change.
    """
    before = {metric["id"]: metric for metric in old.get("metrics", [])}
    after = {metric["id"]: metric for metric in new.get("metrics", [])}
    changes = {"previous": "change", "year_before": "change_on_year"}
    moves = []
    for id in [*after, *(id for id in before if id not in after)]:
        metric = after.get(id) or before[id]
        first, second = (side.get(id, {}).get("now") for side in (before, after))
        change = after.get(id, {}).get(changes.get(gap, ""))
        if as_estimate(change) is None:
            change = None
        seen = after.get(id, {}).get(gap) if as_estimate(first) is not None else None
        if as_estimate(seen) is None or in_words(seen) == in_words(first) or same(seen, first):
            seen = None
        remark, tone = _remark_on(metric, first, second, change)
        moves.append(MetricMove(id, metric["name"], first, second, change, seen, remark, tone))
    return moves


def _advice_in_words(advice: str) -> str:
    return {
        "extend": message("extend"),
        "continue": message("go on"),
        "stop": message("do not repeat"),
        "test": message("test further"),
    }.get(advice, message("none"))


def changes_of(old: dict[str, Any] | None, new: dict[str, Any] | None) -> tuple[str, ...]:
    """What changed in a finding's label and advice, or that it came or went."""
    if old is None or new is None:
        appeared = message("new") if old is None else message("no longer found")
        return (appeared,)
    found = []
    if old["label"] != new["label"]:
        found.append(
            message(
                "label: {old} became {new}", old=message(old["label"]), new=message(new["label"])
            )
        )
    advice = [str(side.get("advice") or "") for side in (old, new)]
    if advice[0] != advice[1]:
        first, second = map(_advice_in_words, advice)
        found.append(message("advice: {old} became {new}", old=first, new=second))
    return tuple(found)


def compare_findings(old: Report, new: Report) -> list[FindingMove]:
    """Findings of either report; those that came, went or changed first."""
    before = {finding["id"]: finding for finding in old.get("findings", [])}
    after = {finding["id"]: finding for finding in new.get("findings", [])}
    moves = []
    for id in [*after, *(id for id in before if id not in after)]:
        first, second = before.get(id), after.get(id)
        section = str((second or first or {}).get("section", ""))
        changes = changes_of(first, second)
        if first and second and apart(first.get("money"), second.get("money")):
            changes = (*changes, message("worth: the intervals do not overlap"))
        moves.append(FindingMove(id, words_of_id(id), section, first, second, changes))
    return sorted(moves, key=lambda move: not move.changes)


def compare_tables(old: Report, new: Report) -> list[NumberMove]:
    """The numbers of the tables behind the findings, where either report has them."""
    before, after = numbers_of(old), numbers_of(new)
    moves = []
    for key in [*after, *(key for key in before if key not in after)]:
        if key.startswith("table:"):
            number = after.get(key) or before[key]
            first, second = (side[key].content if key in side else None for side in (before, after))
            moves.append(NumberMove(number, first, second, apart(first, second)))
    return moves


def compare_decisions(old: Report, new: Report) -> list[DecisionMove]:
    """Decisions of either report by finding and day, with what became of them."""

    def by_key(report: Report) -> dict[tuple[str, str], dict[str, Any]]:
        decisions = report.get("decisions", [])
        return {(str(d["finding_id"]), str(d["decided_on"])): d for d in decisions}

    before, after = by_key(old), by_key(new)
    moves = []
    for key in [*before, *(key for key in after if key not in before)]:
        first, second = before.get(key), after.get(key)
        shown = second or first or {}
        changes = []
        if first is None:
            changes.append(message("new, {status}", status=shown["status"] or message("open")))
        elif second is None:
            changes.append(message("no longer among the decisions"))
        elif first["status"] != second["status"]:
            changes.append(message("{old} became {new}", old=first["status"], new=second["status"]))
        moves.append(
            DecisionMove(words_of_id(key[0]), str(shown["action"]), first, second, tuple(changes))
        )
    return moves
