"""The comparison in words and as JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analysis.presentation.output import json_ready
from analysis.presentation.wording import (
    NO_VALUE,
    format_interval,
    format_value,
    message,
    message_for,
)
from analysis.reporting.compare.difference import Content
from analysis.reporting.compare.restatement import Restatement, why_in_words
from analysis.reporting.finding_words import as_estimate
from analysis.reporting.provenance import name_of_kind

if TYPE_CHECKING:
    from analysis.reporting.compare.study import Comparison, Side


def change_and_interval(change: Content | None) -> tuple[str, str]:
    """A change with its sign, and its interval; shares in points; a dash where there is none."""
    estimate = as_estimate(change)
    if estimate is None:
        return NO_VALUE, ""
    points = ""
    if estimate.unit in ("share", "points"):
        factor = 100 if estimate.unit == "share" else 1
        value, lower, upper = (
            None if x is None else factor * x
            for x in (estimate.value, estimate.lower, estimate.upper)
        )
        estimate = replace(estimate, value=value or 0.0, lower=lower, upper=upper, unit="points")
        points = message(" points")
    size = format_value(estimate.value, estimate.unit) + points
    if estimate.value > 0:
        size = f"+{size}"
    return size, "" if estimate.lower is None else format_interval(estimate)


def change_in_words(change: Content | None) -> str:
    """A change with its sign, its interval in brackets; a dash where there is none."""
    size, interval = change_and_interval(change)
    return f"{size} ({interval})" if interval else size


def restatement_in_words(period: str, found: Restatement | None) -> list[str]:
    """What became of the numbers of a published report, in one to three sentences."""
    if found is None:
        return [
            message(
                "{period} was never published, so it cannot be said what was restated since. To keep "
                "what is presented: make publish PERIOD={period}",
                period=period,
            )
        ]
    which = (
        message("{period} as published", period=period)
        if found.publications == 1
        else message("{period} as published last (revision {r})", period=period, r=found.revision)
    )
    total, count, seen = found.total, len(found.restated), len(found.visible)
    if not count:
        said = message("{which}: all {total} numbers come out the same today.",
                       which=which, total=total)  # fmt: skip
        return [said]
    printed = (
        message("only in digits that are not printed")
        if not seen
        else message("visibly")
        if seen == count
        else message("{seen} of them visibly", seen=seen)
    )
    lines = [
        message_for(
            "{which}: {count} of {total} numbers comes out differently today, {printed}.",
            "{which}: {count} of {total} numbers come out differently today, {printed}.",
            count, which=which, total=total, printed=printed,
        )
    ]  # fmt: skip
    return [*lines, *_causes_in_words(found)]


def _causes_in_words(found: Restatement) -> list[str]:
    kinds = dict.fromkeys(kind for r in found.restated for kind in r.why)
    if not kinds and found.causes:
        return [
            message(
                "None of the known changes should touch a number: whoever maintains the code has to "
                "look into it."
            )
        ]
    if not kinds:
        return [
            message(
                "No cause is known: data, settings, code and versions are the same. Either the "
                "manifest was changed by hand, or this machine computes differently."
            )
        ]
    names = [name_of_kind(kind) for kind in kinds]
    if len(names) == 1:
        return [message("The cause is {cause}.", cause=names[0])]
    said = [why_in_words(r) for r in found.restated]
    if len(set(said)) == 1:
        return [
            message(
                "The cause is {cause} (which one cannot be told).",
                cause=said[0],
            )
            if not found.restated[0].together
            else message("The cause is {cause}.", cause=said[0])
        ]
    return [
        message_for(
            "{count} of them is due to {cause}.",
            "{count} of them are due to {cause}.",
            said.count(cause),
            cause=cause,
        )
        for cause in dict.fromkeys(said)
    ]


def how_attributed(found: Restatement) -> str:
    """How causes were told apart, or why they could not be; empty where there is one or none."""
    kinds = {kind for r in found.restated for kind in r.why}
    if found.rerun:
        return message(
            "Computed once more from today’s data and code with the settings of the time: a number that "
            "then comes out as published was changed by the settings; one that stays as it is today "
            "was not."
        )
    if found.refused:
        return message(
            "The settings of the time could not be tried on today’s data: {reason}.",
            reason=found.refused.rstrip("."),
        )
    if len(kinds) > 1:
        return message(
            "Several things changed at once. The data and the code of the time are not kept, so they "
            "cannot be tried one by one."
        )
    return ""


def _side_as_json(side: Side) -> dict[str, Any]:
    found = side.restatement
    if found is None:
        return {"period": side.period, "published": False}
    return {
        "period": side.period,
        "published": True,
        "revision": found.revision,
        "publications": found.publications,
        "numbers": found.total,
        "restated": [
            {
                "key": r.difference.key,
                "section": r.difference.section,
                "name": r.difference.name,
                "published": r.difference.old,
                "now": r.difference.new,
                "visible": r.difference.visible,
                "why": list(r.why),
                "together": r.together,
            }
            for r in found.restated
        ],
        "reworded": list(found.sentences),
        "causes": [
            {"kind": c.kind, "name": c.name, "sentence": c.sentence, "page_only": c.binding}
            for c in found.causes
        ],
        "files_without_effect": list(found.unread),
        "computed_with_settings_of_then": found.rerun,
    }


def as_json(comparison: Comparison) -> dict[str, Any]:
    """`comparison.json`: all that the page shows, as numbers."""
    content = {
        "company": comparison.company,
        "currency": comparison.currency,
        "segment": comparison.segment,
        "disclosure": comparison.disclosure,
        "from": _side_as_json(comparison.first),
        "to": _side_as_json(comparison.second),
        "metrics": [
            {
                "id": m.id, "name": m.name, "from": m.old, "to": m.new, "change": m.change,
                "from_as_the_later_report_has_it": m.old_seen_later, "remark": m.remark,
            }
            for m in comparison.metrics
        ],
        "findings": [
            {"id": f.id, "from": f.old, "to": f.new, "changes": list(f.changes)}
            for f in comparison.findings
        ],
        "estimates": [
            {"key": t.number.key, "name": t.number.name, "from": t.old, "to": t.new, "apart": t.apart}
            for t in comparison.tables
        ],
        "decisions": [
            {"finding": d.finding, "from": d.old, "to": d.new, "changes": list(d.changes)}
            for d in comparison.decisions
        ],
    }  # fmt: skip
    ready: dict[str, Any] = json_ready(content)
    return ready
