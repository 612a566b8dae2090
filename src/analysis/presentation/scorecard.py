"""What notebook 01 argues with: key figures, findings, whether to trust them, what they are worth."""

from __future__ import annotations

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Metric, NotEstimable
from analysis.methods.scorecard.answers import AnswerCount
from analysis.methods.scorecard.study import Scorecard
from analysis.presentation.output import (
    show_figure,
    show_finding,
    show_metrics,
    show_reason,
    show_sentence,
    show_table,
)
from analysis.presentation.scorecard_figures import draw_trends
from analysis.presentation.scorecard_trust_words import (
    word_concentration,
    word_maturity,
    word_mix,
    word_reconciliation,
    word_silence,
)
from analysis.presentation.scorecard_words import (
    estimates_of,
    find_last_measured,
    find_moved,
    find_retention,
    find_revenue,
    find_segments,
    in_points,
    signed,
)
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate_lines,
    format_share,
    format_value,
    message,
    message_for,
)


def format_change(change: Estimate | NotEstimable) -> str:
    """A difference with its sign, its interval on a line of its own."""
    if isinstance(change, NotEstimable):
        return NO_VALUE
    change = in_points(change)
    said = signed(change.value, change.unit)
    if change.lower is None or change.upper is None:
        return said
    low, high = signed(change.lower, change.unit), signed(change.upper, change.unit)
    return said + "\n" + message("{low} to {high}", low=low, high=high)


def count_shown(n: int, disclosure: Disclosure) -> str:
    """A count as it may be published, in words where it may not."""
    shown = disclosure.count(n)
    return message("fewer than eight") if shown is None else format_count(shown)


def show_basis(study: Scorecard, disclosure: Disclosure) -> None:
    """Say how many answers there are, of how many customers, or why there are none."""
    reasons = dict.fromkeys(f.reason for f in study.answers if isinstance(f, NotEstimable))
    for reason in reasons:
        show_reason(NotEstimable(reason))
    for found in study.answers:
        if not isinstance(found, AnswerCount):
            continue
        said = message(
            "{instrument} in {period}: {answers} answers of {customers} customers; of several "
            "answers of one customer the last counts.",
            instrument=found.instrument.upper(),
            period=study.period,
            answers=count_shown(found.answers, disclosure),
            customers=count_shown(found.customers, disclosure),
        )
        if found.anonymous:
            said += " " + message_for(
                "{shown} of the answers names no customer: it counts as a customer of its own, and "
                "cannot be weighted for who was silent.",
                "{shown} of the answers name no customer: each counts as a customer of its own, and "
                "they cannot be weighted for who was silent.",
                found.anonymous,
                shown=count_shown(found.anonymous, disclosure),
            )
        show_sentence(said)


def missing_note(metrics: list[Metric]) -> str:
    """Why some figures are not there, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for metric in metrics:
        if isinstance(metric.now, NotEstimable):
            by_reason.setdefault(metric.now.reason, []).append(message(metric.name))
    return " ".join(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items())


def show_scorecard(study: Scorecard, disclosure: Disclosure) -> None:
    """The table of the key figures, and the figures themselves for the first screen."""
    keys = [metric for metric in study.metrics if metric.id in study.key_figures]
    others = any(metric.id in study.competitors for metric in keys)
    rows = [
        [
            message(metric.name),
            format_estimate_lines(metric.now),
            format_change(metric.change),
            format_change(metric.change_on_year),
            _target(metric, study, metric.target),
            *([_target(metric, study, study.competitors.get(metric.id))] if others else []),
        ]
        for metric in keys
    ]
    header = [
        message("Figure"),
        study.period,
        message("Change on {period}", period=study.previous),
        message("Change on {period}", period=study.year_before),
        message("Target"),
        *([message("Competitors")] if others else []),
    ]
    caption = message("Levels and changes with 95% intervals; shares change in percentage points")
    notes = [missing_note(keys)]
    if disclosure.enabled:
        notes.append(
            message(
                "Figures are rounded so far that five customers more or less would not show, changes by "
                "themselves; limits are rounded outwards."
            )
        )
    note = " ".join(text for text in notes if text)
    show_metrics(keys, html_table(header, rows, caption, note=note), disclosure)


def _target(metric: Metric, study: Scorecard, level: float | None) -> str:
    if level is None:
        return NO_VALUE
    earlier = [found.level.unit for found in study.last_measured if found.id == metric.id]
    unit = metric.now.unit if isinstance(metric.now, Estimate) else "".join(earlier)
    return format_value(level, unit)


def show_key_trends(study: Scorecard) -> None:
    """Show the trends of the key figures."""
    show_figure(*draw_trends([m for m in study.metrics if m.id in study.key_figures], study))


def show_findings(study: Scorecard, disclosure: Disclosure) -> None:
    """Show what there is to say on retention, revenue and any other key figure that moved."""
    show_finding(find_retention(study), disclosure)
    show_finding(find_revenue(study), disclosure)
    moved = find_moved(study)
    for finding in (*moved, *find_segments(study), *find_last_measured(study)):
        show_finding(finding, disclosure)
    said = []
    if not moved and study.movements:
        said.append(
            message(
                "None of the other key figures moved on {period} by more than chance would, "
                "allowing for how many were looked at.",
                period=study.previous,
            )
        )
    said.append(word_mix(study))
    if study.segments.compared and not study.segments.flags:
        said.append(
            message_for(
                "One comparison of a segment with all other customers was made, and showed no "
                "difference beyond chance.",
                "Of {count} comparisons of a segment with all other customers none stands out, "
                "allowing for how many there are.",
                study.segments.compared,
            )
        )
    show_sentence(" ".join(text for text in said if text))
    show_sentence(word_maturity(study.maturity))


def show_reconciliation(study: Scorecard, currency: str) -> None:
    """Compare this period's revenue, and margin where declared, with the totals of the books."""
    for found in (study.reconciliation, study.margin_reconciliation):
        if isinstance(found, NotEstimable):
            show_reason(found)
        elif found is not None:
            show_sentence(word_reconciliation(found, currency))


def show_silence(study: Scorecard) -> None:
    """Say how many were silent, what weights make of it, and what the silent would have to be."""
    said: list[str] = []
    for score in study.weighted:
        if isinstance(score, NotEstimable):
            if score.reason not in said:
                said.append(score.reason)
                show_reason(score)
        else:
            show_sentence(word_silence(score, study.previous))


def show_worth(study: Scorecard, gross_margin: float, disclosure: Disclosure) -> None:
    """Show what revenue and its changes are in margin, and who brings it."""
    margin = study.metric("gross-margin")
    if isinstance(margin.now, NotEstimable):
        show_reason(margin.now)
        return
    rows = [
        [
            message(metric.name),
            format_estimate_lines(metric.now),
            format_change(metric.change),
            format_change(metric.change_on_year),
        ]
        for metric in (study.metric("revenue"), margin, study.metric("customer-lifetime-value"))
        if isinstance(metric.now, Estimate)
    ]
    header = [
        message("Money"),
        study.period,
        message("Change on {period}", period=study.previous),
        message("Change on {period}", period=study.year_before),
    ]
    note = message(
        "Margin as exported; where it is not, {share} of the amount as declared.",
        share=format_share(gross_margin, 0),
    )
    table = html_table(
        header, rows, message("Revenue, margin and value of a customer, 95% intervals"), note=note
    )
    show_table(table, "scorecard-worth", estimates_of(margin), disclosure)
    concentration = study.concentration
    if isinstance(concentration, NotEstimable):
        show_reason(concentration)
    else:
        show_sentence(word_concentration(concentration))
