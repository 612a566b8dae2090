"""The appendix on pain points: touchpoints over time, orders, purchase path, channels."""

from __future__ import annotations

from collections.abc import Callable

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.pain_points.channels import Consistency, Spread
from analysis.methods.pain_points.levels import Levels, TouchpointLevel
from analysis.methods.pain_points.study import PainStudy
from analysis.presentation.output import show_reason, show_sentence, show_table
from analysis.presentation.pain_points_words import channel_sentences, said_change, said_p, shown
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate_lines,
    format_number,
    format_share,
    message,
)

Figure = Callable[[TouchpointLevel], Estimate | NotEstimable]


def _plain(estimate: Estimate | NotEstimable, disclosure: Disclosure, decimals: int) -> str:
    may = shown(estimate, disclosure)
    return NO_VALUE if isinstance(may, NotEstimable) else format_number(may.value, decimals)


def _contacts(level: TouchpointLevel, disclosure: Disclosure) -> str:
    count = None if disclosure.suppressed(level.customers) else disclosure.count(level.contacts)
    return NO_VALUE if not count else format_count(count)


def _over_time(
    levels: Levels, caption: str, cell: Callable[[TouchpointLevel], str], note: str = ""
) -> str:
    rows = [
        [name, *(cell(levels.by[name, period]) for period in levels.periods)]
        for name in levels.touchpoints
    ]
    rows = [row for row in rows if any(text != NO_VALUE for text in row[1:])]
    return html_table([message("touchpoint"), *levels.periods], rows, caption, note=note)


def show_over_time(study: PainStudy, disclosure: Disclosure) -> None:
    """Every touchpoint over the periods: contacts, satisfaction, first reply."""
    levels = study.levels
    if isinstance(levels, NotEstimable):
        show_reason(levels)
        return
    every = list(levels.by.values())
    if any(level.contacts for level in every):
        html = _over_time(
            levels, message("Contacts"), lambda level: _contacts(level, disclosure),
            message("Dashes: none, or of fewer than eight customers."),
        )  # fmt: skip
        show_table(html)
    figures: list[tuple[str, str, Figure, int]] = [
        ("satisfaction", message("Mean CSAT"), lambda level: level.satisfaction, 2),
        ("effort", message("Mean CES"), lambda level: level.effort, 2),
        ("reply", message("First reply, median hours"), lambda level: level.first_reply, 1),
        ("resolution", message("Resolved, median hours"), lambda level: level.resolution, 1),
    ]
    for id, caption, of, decimals in figures:
        if not any(isinstance(of(level), Estimate) for level in every):
            continue
        html = _over_time(
            levels, caption,
            lambda level, of=of, decimals=decimals: _plain(of(level), disclosure, decimals),  # type: ignore[misc]
        )  # fmt: skip
        known = {
            f"{name}, {period}": value
            for (name, period), level in levels.by.items()
            for value in [of(level)]
            if isinstance(value, Estimate)
        }
        show_table(html, f"touchpoints-{id}", known, disclosure)


def show_orders(study: PainStudy, disclosure: Disclosure) -> None:
    """Late deliveries and refunds by period."""
    if isinstance(study.orders, NotEstimable):
        show_reason(study.orders)
        return
    rows: list[list[str]] = []
    known: dict[str, Estimate] = {}
    for level in study.orders:
        orders = disclosure.count(level.orders)
        figures = {
            f"late, {level.period}": shown(level.late, disclosure),
            f"refunded customers, {level.period}": shown(level.refunds, disclosure),
        }
        late, refunds = figures.values()
        money = level.refunded
        hidden = isinstance(refunds, NotEstimable) or isinstance(money, NotEstimable)
        hidden |= disclosure.dominated(level.given_back.tolist())
        rows.append(
            [
                level.period, NO_VALUE if not orders else format_count(orders),
                format_estimate_lines(late, 1), _lines(level.days_late, disclosure, 0),
                format_estimate_lines(refunds, 1),
                NO_VALUE if hidden or isinstance(money, NotEstimable) else format_share(money),
            ]
        )  # fmt: skip
        known |= {name: value for name, value in figures.items() if isinstance(value, Estimate)}
    header = [
        message("period"), message("orders"), message("came late"), message("days late, median"),
        message("customers refunded"), message("money given back"),
    ]  # fmt: skip
    reasons = {
        level.late.reason: None for level in study.orders if isinstance(level.late, NotEstimable)
    }
    note = message(
        "Late: of the orders promised for the period, those that came after the day or have not come. "
        "Refunded: of the customers who ordered or were refunded. Money given back: of the money ordered."
    )
    if reasons:
        note += " " + message("Dashes: {reasons}", reasons=" ".join(reasons))
    html = html_table(header, rows, message("Orders: late, and given back"), note=note)
    show_table(html, "orders-late", known, disclosure)


def _lines(
    estimate: Estimate | NotEstimable, disclosure: Disclosure, decimals: int | None = None
) -> str:
    return format_estimate_lines(shown(estimate, disclosure), decimals)


def show_path(study: PainStudy, disclosure: Disclosure) -> None:
    """The purchase path step by step, against the year before."""
    path = study.path
    if isinstance(path, NotEstimable):
        show_reason(path)
        return
    rows, estimates = [], {}
    for step in path.steps:
        entered = disclosure.count(step.entered)
        lost = round(step.entered * (1 - step.goes_on.value))
        hidden = entered is None or disclosure.suppressed(lost)
        before = step.year_before
        rows.append(
            [
                step.name, NO_VALUE if entered is None else format_count(entered),
                NO_VALUE if hidden else format_estimate_lines(step.goes_on),
                NO_VALUE if isinstance(before, NotEstimable) else format_share(before.value),
                NO_VALUE if hidden or isinstance(step.change, NotEstimable)
                else said_change(step.change).replace(" (", "\n").rstrip(")"),
                NO_VALUE if isinstance(step.p_value, NotEstimable) else said_p(step.p_value),
                NO_VALUE if hidden else format_number(step.lost_per_100, 1),
            ]
        )  # fmt: skip
        if not hidden:
            estimates[step.name] = step.goes_on
    header = [
        message("step"), message("visitors"), message("go on"), message("a year before"),
        message("change, percentage points"), message("p, Holm"), message("lost of 100 at the start"),
    ]  # fmt: skip
    caption = message("The purchase path in {period}", period=path.period)
    note = message(
        "All visitors of the company, whatever the segment. Wilson intervals; change by Newcombe. Visitors "
        "are taken as independent."
    )
    show_table(html_table(header, rows, caption, note=note), "purchase-path", estimates, disclosure)


def show_channels(found: Consistency, disclosure: Disclosure) -> None:
    """Satisfaction and reply time by channel, with the mix of touchpoints held equal."""
    spreads = [
        (message("CSAT against all"), found.satisfaction, 2),
        (message("first reply, times the usual"), found.reply, 2),
    ]
    known = [(name, spread, d) for name, spread, d in spreads if isinstance(spread, Spread)]
    if known:
        channels = sorted({channel for _, spread, _ in known for channel in spread.by_channel})
        rows = []
        estimates: dict[str, Estimate] = {}
        for channel in channels:
            row = [channel]
            for name, spread, decimals in known:
                level = spread.by_channel.get(channel)
                if level is None or disclosure.suppressed(level.n):
                    row.append(NO_VALUE)
                    continue
                row.append(format_estimate_lines(level, decimals))
                estimates[f"{channel}, {name}"] = level
            rows.append(row)
        header = [message("channel"), *(name for name, _, _ in known)]
        note = message("Touchpoint and period held equal; clustered by customer.")
        html = html_table(header, rows, message("Channels set against one another"), note=note)
        show_table(html, "channels", estimates, disclosure)
    for sentence in channel_sentences(found):
        show_sentence(sentence)
