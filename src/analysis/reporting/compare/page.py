"""The comparison as one self-contained page."""

from __future__ import annotations

from typing import Any

from analysis.presentation.wording import NO_VALUE, message, message_for
from analysis.reporting.compare.difference import in_words, level_in_words
from analysis.reporting.compare.restatement import Restatement, why_in_words
from analysis.reporting.compare.study import Comparison, Side, summarise
from analysis.reporting.compare.words import (
    change_and_interval,
    how_attributed,
    restatement_in_words,
)
from analysis.reporting.finding_words import money_in_words
from analysis.reporting.page import page_environment
from analysis.reporting.provenance import name_of_kind

TEMPLATE = "comparison.html.j2"
MOST_RESTATED = 60


def _restated_rows(found: Restatement) -> list[dict[str, Any]]:
    return [
        {
            "name": r.difference.name,
            "old": level_in_words(r.difference.old),
            "new": level_in_words(r.difference.new),
            "why": why_in_words(r),
        }
        for r in found.visible[:MOST_RESTATED]
    ]


def _causes_by_kind(found: Restatement) -> list[tuple[str, list[str]]]:
    kinds = dict.fromkeys(cause.kind for cause in found.causes)
    groups = [
        (
            name_of_kind(kind),
            [_cause_line(c.sentence, c.binding) for c in found.causes if c.kind == kind],
        )
        for kind in kinds
    ]
    if found.unread:
        files = ", ".join(found.unread)
        line = message("{files}: nothing that counts up to the period’s end changed", files=files)
        groups.append((message("Files that changed without effect"), [line]))
    return groups


def _cause_line(sentence: str, binding: bool) -> str:
    return (
        message("{sentence} (no number depends on it)", sentence=sentence) if binding else sentence
    )


def _restatement(side: Side) -> dict[str, Any]:
    found = side.restatement
    said = " ".join(restatement_in_words(side.period, found))
    if found is None:
        return {"period": side.period, "said": said, "known": False}
    return {
        "period": side.period,
        "said": said,
        "known": True,
        "how": how_attributed(found),
        "causes": _causes_by_kind(found),
        "sentences": found.sentences,
        "rows": _restated_rows(found),
        "more": max(len(found.visible) - MOST_RESTATED, 0),
        "hidden": len(found.restated) - len(found.visible),
        **_said_of_the_rest(found),
    }


def _said_of_the_rest(found: Restatement) -> dict[str, str]:
    return {
        "more_said": message_for(
            "{count} more is in comparison.json.",
            "{count} more are in comparison.json.",
            len(found.visible) - MOST_RESTATED,
        ),
        "hidden_said": message_for(
            "{count} number differs only in digits that are not printed; it is in comparison.json.",
            "{count} numbers differ only in digits that are not printed; they are in comparison.json.",
            len(found.restated) - len(found.visible),
        ),
    }


def _finding_side(finding: dict[str, Any] | None) -> dict[str, str] | None:
    if finding is None:
        return None
    return {
        "label": finding["label"],
        "sentence": finding["sentence"],
        "money": money_in_words(finding),
    }


def render_comparison(comparison: Comparison) -> str:
    """The page: in short, what moved, what was restated and why."""
    metrics = [
        {
            "name": move.name,
            "old": level_in_words(move.old),
            "new": level_in_words(move.new),
            "change": change_and_interval(move.change),
            "seen": in_words(move.old_seen_later) if move.old_seen_later else "",
            "remark": move.remark,
            "tone": move.tone,
        }
        for move in comparison.metrics
    ]
    findings = [
        {
            "name": move.name,
            "section": move.section,
            "changes": move.changes,
            "old": _finding_side(move.old),
            "new": _finding_side(move.new),
        }
        for move in comparison.findings
    ]
    tables = [
        {
            "name": move.number.name,
            "old": level_in_words(move.old),
            "new": level_in_words(move.new),
            "remark": message("intervals do not overlap") if move.apart else "",
        }
        for move in comparison.tables
        if NO_VALUE not in (in_words(move.old), in_words(move.new))
    ]
    page = (
        page_environment()
        .get_template(TEMPLATE)
        .render(
            comparison=comparison,
            first=comparison.first,
            second=comparison.second,
            summary=summarise(comparison),
            metrics=metrics,
            findings=findings,
            tables=tables,
            apart=sum(1 for row in tables if row["remark"]),
            decisions=comparison.decisions,
            restatements=[_restatement(side) for side in (comparison.first, comparison.second)],
        )
    )
    return page + "\n"
