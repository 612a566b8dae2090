"""Two periods of a data set compared: built if due, side by side, with what was published."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import ClienteleError, ParameterError
from analysis.intake.periods import Period, choose_period
from analysis.intake.settings import Settings, load_settings
from analysis.paths import find_dataset_folder
from analysis.presentation.wording import message
from analysis.reporting.archive import find_publications
from analysis.reporting.build import build_report
from analysis.reporting.compare.difference import Content, find_differences, numbers_of
from analysis.reporting.compare.movement import (
    DecisionMove,
    FindingMove,
    MetricMove,
    NumberMove,
    Report,
    compare_decisions,
    compare_findings,
    compare_metrics,
    compare_tables,
)
from analysis.reporting.compare.restatement import (
    Restatement,
    lay_out_old_settings,
    needs_rerun,
    restate,
    restored_settings,
)
from analysis.reporting.key import digest_of
from analysis.reporting.layout import Layout
from analysis.reporting.scratch import build_apart, scratch_layout


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two periods as computed now. run: the name of its report's folder.

    restatement: against what was published; None if nothing was.
    """

    period: str
    run: str
    numbers: Report
    restatement: Restatement | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that the page shows. gap: see `compare_metrics`."""

    company: str
    currency: str
    disclosure: str
    segment: str
    first: Side
    second: Side
    gap: str
    metrics: tuple[MetricMove, ...]
    findings: tuple[FindingMove, ...]
    tables: tuple[NumberMove, ...]
    decisions: tuple[DecisionMove, ...]


def choose_periods(start: str, end: str, settings: Settings) -> tuple[Period, Period]:
    """The two periods to compare: the ones named, or the last whole one and the one before.

    Raises ParameterError if one is not valid, or the earlier one is not the first.
    """
    if end or not start:
        second = choose_period(end, settings)
        first = choose_period(start or second.previous.label, settings)
    else:
        first = choose_period(start, settings)
        second = choose_period("" if "Q" in start else _last_month(settings), settings)
    if first.months != second.months:
        raise ParameterError("compare: write two quarters or two months as FROM and TO")
    if not first < second:
        raise ParameterError(
            f"compare: FROM has to lie before TO; found {first.label} and {second.label}"
        )
    return first, second


def _last_month(settings: Settings) -> str:
    from analysis.intake.periods import complete_periods

    return complete_periods(settings, 1)[-1].label if settings.covers else ""


def gap_between(first: Period, second: Period) -> str:
    """Which of its changes the later report gives between these two; empty if none."""
    if second.previous == first:
        return "previous"
    return "year_before" if second.year_before == first else ""


def _read(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return content


def _numbers_with_old_settings(
    manifest: dict[str, Any],
    manifest_now: dict[str, Any],
    dataset: Path,
    period: str,
    segment: str,
    layout: Layout,
) -> dict[str, Content]:
    """The report's numbers from today's data and code under the settings of then; made once."""
    key = digest_of([manifest["settings"], manifest_now["digest"]])
    kept = layout.build / "settings-of-then" / f"{key}.json"
    if not kept.is_file():
        tree = restored_settings(manifest["settings"], manifest_now["settings"], dataset)
        sys.stderr.write(
            message("{period} once more, with the settings of the time:", period=period) + "\n"
        )
        with scratch_layout(layout) as fresh:
            folder = lay_out_old_settings(tree, dataset, fresh.build.parent / "data")
            files = build_apart(str(folder), period, segment, fresh)
        kept.parent.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f"{kept.name}.{os.getpid()}")
        part.write_bytes(files["numbers.json"])
        part.replace(kept)
    numbers = numbers_of(_read(kept.parent, kept.name))
    return {key: number.content for key, number in numbers.items()}


def _take_side(dataset: str, period: Period, segment: str, layout: Layout) -> tuple[Side, Path]:
    report, _ = build_report(dataset, period.label, segment, layout)
    numbers, manifest_now = _read(report, "numbers.json"), _read(report, "manifest.json")
    company, run = report.parts[-2:]
    publications = find_publications(layout.published / company / run)
    if not publications:
        return Side(period.label, run, numbers, None), report
    latest = publications[-1]
    published, manifest = latest.read("numbers.json"), latest.read("manifest.json")
    between, refused = None, ""
    differs = bool(find_differences(published, numbers))
    if needs_rerun(manifest, manifest_now, differs):
        try:
            between = _numbers_with_old_settings(
                manifest, manifest_now, find_dataset_folder(dataset), period.label, segment, layout
            )
        except (ClienteleError, OSError) as error:
            refused = str(error)
    found = restate(
        published, manifest, numbers, manifest_now, (latest.revision, len(publications)),
        between, refused,
    )  # fmt: skip
    return Side(period.label, run, numbers, found), report


def compare_periods(
    dataset: str, start: str, end: str, segment: str, layout: Layout
) -> tuple[Comparison, Path]:
    """Build both reports if due and compare them with one another and with what was published.

    Gives the comparison and the folder it belongs into. Raises ClienteleError.
    """
    settings = load_settings(find_dataset_folder(dataset))
    first, second = choose_periods(start, end, settings)
    gap = gap_between(first, second)
    (old, _), (new, report) = (
        _take_side(dataset, period, segment, layout) for period in (first, second)
    )
    name = f"compare-{first.label}-{second.label}{new.run.removeprefix(second.label)}"
    comparison = Comparison(
        company=settings.company,
        currency=settings.currency,
        disclosure=settings.disclosure,
        segment=segment,
        first=old,
        second=new,
        gap=gap,
        metrics=tuple(compare_metrics(old.numbers, new.numbers, gap)),
        findings=tuple(compare_findings(old.numbers, new.numbers)),
        tables=tuple(compare_tables(old.numbers, new.numbers)),
        decisions=tuple(compare_decisions(old.numbers, new.numbers)),
    )
    return comparison, report.parent / name


def summarise(comparison: Comparison) -> list[str]:
    """The comparison in a few sentences, for the top of the page and the terminal."""
    from analysis.reporting.compare.words import change_in_words, restatement_in_words

    moved = [move for move in comparison.metrics if move.tone != "neutral"]
    lines = [
        message(
            "{name}: {remark}, {change}.",
            name=move.name, remark=move.remark, change=change_in_words(move.change),
        )
        for move in moved
    ]  # fmt: skip
    if not comparison.metrics:
        lines.append(message("Neither report has a key figure."))
    elif not moved and comparison.gap:
        lines.append(message("No key figure moved by more than chance would."))
    elif not moved:
        lines += [
            message("{name}: the intervals of the two periods do not overlap.", name=move.name)
            for move in comparison.metrics
            if move.change is None and move.remark == message("the intervals do not overlap")
        ]
    lines += [_finding_line(move) for move in comparison.findings if move.changes]
    lines += [
        message(
            "Decision “{action}”: {changes}.",
            action=move.action, changes="; ".join(move.changes),
        )
        for move in comparison.decisions
        if move.changes
    ]  # fmt: skip
    for side in (comparison.first, comparison.second):
        lines.append(" ".join(restatement_in_words(side.period, side.restatement)))
    return lines


def _finding_line(move: FindingMove) -> str:
    """What became of a finding; its sentence where one of the two reports does not have it."""
    if move.new is None:
        return message("No longer found: {sentence}", sentence=(move.old or {}).get("sentence", ""))
    if move.old is None:
        return message("New: {sentence}", sentence=move.new["sentence"])
    return message("Finding “{name}”: {changes}.", name=move.name, changes="; ".join(move.changes))
