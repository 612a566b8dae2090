"""What the scorecard finds: changes, targets and findings, worded by the data."""

from __future__ import annotations

import re

from analysis.methods.estimate import Estimate, Finding, Metric, NotEstimable
from analysis.methods.revenue_split import RevenueSplit
from analysis.methods.scorecard.study import Scorecard
from analysis.presentation.wording import (
    format_estimate,
    format_interval,
    format_value,
    message,
    message_for,
)

MOVED_P_VALUE = 0.05


def in_points(change: Estimate) -> Estimate:
    """A difference of shares in percentage points; other differences unchanged."""
    if change.unit != "share":
        return change
    limits = [None if x is None else 100 * x for x in (change.lower, change.upper)]
    return Estimate(100 * change.value, limits[0], limits[1], "points", change.n, change.method)


def signed(value: float, unit: str) -> str:
    """A number in its unit, with a plus sign where it is above zero."""
    text = format_value(value, unit)
    return f"+{text}" if value > 0 and any(digit in text for digit in "123456789") else text


def may_be_chance(change: Estimate) -> bool:
    """Whether the interval of a change holds no change, or there is no interval."""
    return change.lower is None or change.upper is None or change.lower <= 0 <= change.upper


def word_change(change: Estimate | NotEstimable, period: str) -> str:
    """A change in words: up, down, or not to be told from chance."""
    if isinstance(change, NotEstimable):
        return message("with no level of {period} to compare", period=period)
    change = in_points(change)
    points = message(" points") if change.unit == "points" else ""
    if change.lower is None or change.upper is None:
        said = signed(change.value, change.unit)
        return message("{said}{points} on {period}", said=said, points=points, period=period)
    if change.lower <= 0 <= change.upper:
        return message(
            "a change of {said}{points} ({interval}) on {period} that could be chance",
            said=signed(change.value, change.unit),
            points=points,
            interval=format_interval(change),
            period=period,
        )
    if change.lower > 0:
        text = "up by {said}{points} ({interval}) on {period}"
    else:
        text = "down by {said}{points} ({interval}) on {period}"
        change = Estimate(
            -change.value, -change.upper, -change.lower, change.unit, change.n, change.method
        )
    return message(
        text,
        said=format_value(change.value, change.unit),
        points=points,
        interval=format_interval(change),
        period=period,
    )


def _after_colon(change: Estimate | NotEstimable, period: str) -> str:
    """A change as what follows a level: after a colon, or after a comma where there is none."""
    mark = ", " if isinstance(change, NotEstimable) else ": "
    return mark + word_change(change, period)


def word_target(metric: Metric, now: Estimate) -> str:
    """Where a level lies beside its target; empty without one."""
    if metric.target is None or now.lower is None or now.upper is None:
        return ""
    target = format_value(metric.target, now.unit)
    if now.lower > metric.target:
        return message("That is above the target of {target}.", target=target)
    if now.upper < metric.target:
        return message("That is below the target of {target}.", target=target)
    return message("The target of {target} lies within the interval.", target=target)


def estimates_of(metric: Metric) -> dict[str, Estimate]:
    """A figure's level and changes by name, those that could be given."""
    parts = {
        "now": metric.now, "change": metric.change, "change-on-year": metric.change_on_year,
    }  # fmt: skip
    return {name: part for name, part in parts.items() if isinstance(part, Estimate)}


def find_retention(study: Scorecard) -> Finding | NotEstimable:
    """How many of those who were there stayed."""
    metric = study.metric("retention")
    now = metric.now
    if isinstance(now, NotEstimable):
        return now
    sentence = message(
        "Of the customers at the start of {period}, {share} ({interval}) were still there at its "
        "end{change}. {target}",
        period=study.period,
        share=format_value(now.value, now.unit),
        interval=format_interval(now),
        change=_after_colon(metric.change, study.previous),
        target=word_target(metric, now),
    ).strip()
    return Finding(
        id="scorecard-retention",
        sentence=sentence,
        estimates=estimates_of(metric),
        label="description",
        assumption=message("Describes the records; why customers stay or leave is not said here."),
    )


def find_revenue(study: Scorecard) -> Finding | NotEstimable:
    """Revenue, its change, and which factor carries most of it."""
    metric = study.metric("revenue")
    now = metric.now
    if isinstance(now, NotEstimable):
        return now
    sentence = message(
        "Revenue in {period} was {said} after refunds{change}, {change_on_year}.",
        period=study.period,
        said=format_estimate(now),
        change=_after_colon(metric.change, study.previous),
        change_on_year=word_change(metric.change_on_year, study.year_before),
    )
    on_year = metric.change_on_year
    moved = isinstance(on_year, Estimate) and not may_be_chance(on_year)
    part = word_largest_part(study.split_on_year, study.year_before) if moved else ""
    return Finding(
        id="scorecard-revenue",
        sentence=f"{sentence} {part}".strip(),
        estimates=estimates_of(metric),
        label="description",
        assumption=message(
            "The interval says how far another draw of customers might have been from the sum. "
            "The split is arithmetic, not a cause."
        ),
    )


def word_largest_part(split: RevenueSplit | NotEstimable, period: str) -> str:
    """The factor that carries most of a change; empty where there is none."""
    if isinstance(split, NotEstimable) or not split.total:
        return ""
    up = split.total > 0
    names = {
        "customers": message("more customers ordering")
        if up
        else message("fewer customers ordering"),
        "frequency": message("more orders each") if up else message("fewer orders each"),
        "order_value": message("larger orders") if up else message("smaller orders"),
        "refunds": message("smaller refunds") if up else message("larger refunds"),
    }
    largest = max(names, key=lambda name: getattr(split, name) * (1 if up else -1))
    return message(
        "The largest part of the change on {period} is {name}.", period=period, name=names[largest]
    )


def find_moved(study: Scorecard) -> list[Finding]:
    """Other key figures that moved, allowing for how many were looked at."""
    findings = []
    for movement in study.movements:
        if movement.id in ("retention", "revenue") or movement.p_adjusted >= MOVED_P_VALUE:
            continue
        metric = study.metric(movement.id)
        now = metric.now
        assert isinstance(now, Estimate)
        sentence = message(
            "{name} in {period}: {said}, {change}. {target}",
            name=message(metric.name),
            period=study.period,
            said=format_estimate(now),
            change=word_change(metric.change, study.previous),
            target=word_target(metric, now),
        ).strip()
        assumption = message_for(
            "One key figure was looked at.",
            "Stands after allowing for the {count} key figures looked at (Holm); a season may "
            "account for it.",
            len(study.movements),
        )
        findings.append(
            Finding(
                f"scorecard-{metric.id}", sentence, estimates_of(metric), "description", assumption
            )
        )
    return findings


def find_last_measured(study: Scorecard) -> list[Finding]:
    """Key figures that this period does not measure or may not show, as they were last."""
    findings = []
    for found in study.last_measured:
        metric = study.metric(found.id)
        values = {
            "name": message(metric.name),
            "period": study.period,
            "last": found.period,
            "said": format_estimate(found.level),
            "target": word_target(metric, found.level),
        }
        estimates = {"last-measured": found.level}
        if isinstance(found.change, Estimate):
            estimates["change"] = found.change
            sentence = message(
                "{name} has no figure for {period}; in {last} it was {said}, {change}. {target}",
                change=word_change(found.change, found.before),
                **values,
            )
        else:
            sentence = message(
                "{name} has no figure for {period}; in {last} it was {said}. {target}", **values
            )
        assumption = message("Describes what was then, not what is today.")
        findings.append(
            Finding(f"scorecard-{found.id}", sentence.strip(), estimates, "description", assumption)
        )
    return findings


def find_segments(study: Scorecard) -> list[Finding]:
    """Segments whose key figure differs from that of all other customers."""
    findings = []
    for flag in study.segments.flags:
        difference = in_points(flag.difference)
        text = (
            "{name} of {column} {value} is {size}{points} ({interval}) above that of all other "
            "customers in {period}."
            if difference.value > 0
            else "{name} of {column} {value} is {size}{points} ({interval}) below that of all other "
            "customers in {period}."
        )
        size = difference
        if difference.value < 0 and difference.lower is not None and difference.upper is not None:
            size = Estimate(
                -difference.value, -difference.upper, -difference.lower, difference.unit,
                difference.n, difference.method,
            )  # fmt: skip
        sentence = message(
            text,
            name=message(flag.name),
            column=flag.column.replace("_", " "),
            value=flag.value,
            size=format_value(size.value, size.unit),
            points=message(" points") if size.unit == "points" else "",
            interval=format_interval(size),
            period=study.period,
        )
        assumption = message_for(
            "One comparison was made.",
            "Stands after allowing for the {count} comparisons of segments (Holm).",
            study.segments.compared,
        )
        id = f"scorecard-{flag.id}-{_slug(flag.column)}-{_slug(flag.value)}"
        findings.append(
            Finding(id, sentence, {"difference": flag.difference}, "description", assumption)
        )
    return findings


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "other"
