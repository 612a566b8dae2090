"""What notebook 05 argues with: findings, touchpoints in the period, what would overturn it, worth."""

from __future__ import annotations

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.pain_points.detractors import RECENT_DAYS, DetractorList
from analysis.methods.pain_points.levels import TouchpointLevel
from analysis.methods.pain_points.study import PainStudy
from analysis.presentation.lists import write_list
from analysis.presentation.output import (
    show_finding,
    show_reason,
    show_sentence,
    show_table,
)
from analysis.presentation.pain_points_words import (
    MOST_NAMED,
    adjustment_sentence,
    change_sentence,
    find_pain,
    find_path,
    more_pains_sentence,
    no_pain_sentence,
    place_name,
    response_sentence,
    shown,
)
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate,
    format_estimate_lines,
    format_money,
    message,
)

LIST_NAME = "detractors_to_call"


def show_audit(study: PainStudy) -> None:
    """Show what the design audit found, and what answers about encounters there are."""
    if isinstance(study.encounters, NotEstimable):
        show_reason(study.encounters)
        return
    for remark in study.audit:
        show_sentence(remark.sentence)
    if study.deliveries_asked_at:
        show_sentence(
            message(
                "Answers about “{touchpoint}” that follow a late order are counted as late delivery, and "
                "nowhere else.",
                touchpoint=study.deliveries_asked_at,
            )
        )
    elif not study.audit:
        show_sentence(message("The answers raise no objection that the data could speak to."))


def show_findings(study: PainStudy, disclosure: Disclosure) -> None:
    """The two or three worst pain points, the costliest first."""
    if isinstance(study.gaps, NotEstimable):
        show_reason(study.gaps)
        return
    if not study.pains:
        show_sentence(no_pain_sentence(study))
        return
    for rank, pain in enumerate(study.pains[:MOST_NAMED]):
        show_finding(find_pain(pain, rank, study, disclosure), disclosure)
    more = more_pains_sentence(study)
    if more:
        show_sentence(more)


def show_path_finding(study: PainStudy, disclosure: Disclosure) -> None:
    """Where the purchase path loses people."""
    if isinstance(study.path, NotEstimable):
        show_reason(study.path)
        return
    show_finding(find_path(study.path, disclosure), disclosure)


def _cell(
    estimate: Estimate | NotEstimable, disclosure: Disclosure, decimals: int | None = None
) -> str:
    return format_estimate_lines(shown(estimate, disclosure), decimals)


def money_cell(
    amount: float | NotEstimable,
    amounts: object,
    customers: int,
    currency: str,
    disclosure: Disclosure,
) -> str:
    """A sum of money, where it rests on enough customers and on none of them alone."""
    if isinstance(amount, NotEstimable) or not customers or disclosure.suppressed(customers):
        return NO_VALUE
    published = disclosure.money(amount, list(amounts))  # type: ignore[call-overload]
    return NO_VALUE if published is None else format_money(published, currency)


def _published(
    estimates: dict[str, Estimate | NotEstimable], disclosure: Disclosure
) -> dict[str, Estimate | NotEstimable]:
    """Those that may be published."""
    found = {name: shown(value, disclosure) for name, value in estimates.items()}
    return {name: value for name, value in found.items() if isinstance(value, Estimate)}


def show_touchpoints(study: PainStudy, currency: str, disclosure: Disclosure) -> None:
    """Every touchpoint in the period."""
    levels = study.levels
    if isinstance(levels, NotEstimable):
        show_reason(levels)
        return
    rows: list[list[str]] = []
    estimates: dict[str, Estimate | NotEstimable] = {}
    found = [levels.now(name) for name in levels.touchpoints]
    asked_effort = any(isinstance(level.effort, Estimate) for level in found)
    gave = any(isinstance(level.compensation, float) for level in found)
    for level in found:
        rows.append(_touchpoint_row(level, currency, disclosure, asked_effort, gave))
        name = level.touchpoint
        estimates |= {
            f"{name}, mean CSAT": level.satisfaction, f"{name}, top two": level.top_two,
            f"{name}, first reply": level.first_reply, f"{name}, resolution": level.resolution,
            f"{name}, repeats": level.repeats, f"{name}, CES": level.effort,
        }  # fmt: skip
    header = [
        message("touchpoint"), message("contacts"), message("CSAT, mean"), message("CSAT, top two"),
        *([message("CES, mean")] if asked_effort else []),
        message("first reply, hours"), message("resolved, hours"), message("repeats"),
        message("handling cost"), *([message("compensation")] if gave else []),
    ]  # fmt: skip
    note = message(
        "Hours are medians; what is still open counts as longer than what is not. Repeats: contacts that "
        "follow one of the same customer at the same touchpoint within 14 days. 95% intervals, unadjusted. "
        "Dashes: not recorded there, or fewer than eight customers."
    )
    caption = message("Touchpoints in {period}", period=study.period_label)
    html = html_table(header, rows, caption, note=note)
    show_table(html, "touchpoints", _published(estimates, disclosure), disclosure)


def _touchpoint_row(
    level: TouchpointLevel, currency: str, disclosure: Disclosure, effort: bool, gave: bool
) -> list[str]:
    contacts = disclosure.count(level.contacts)
    if disclosure.suppressed(level.customers):
        contacts = None
    row = [
        level.touchpoint,
        NO_VALUE if not contacts else format_count(contacts),
        _cell(level.satisfaction, disclosure, 2),
        _cell(level.top_two, disclosure, 0),
    ]
    if effort:
        row.append(_cell(level.effort, disclosure, 2))
    row += [
        _cell(level.first_reply, disclosure, 1),
        _cell(level.resolution, disclosure, 1),
        _cell(level.repeats, disclosure, 1),
        money_cell(level.cost, level.cost_amounts, level.customers, currency, disclosure),
    ]
    if gave:
        row.append(
            money_cell(
                level.compensation,
                level.compensation_amounts,
                level.customers,
                currency,
                disclosure,
            )
        )
    return row


def show_trust(study: PainStudy) -> None:
    """What speaks for the comparison and against it."""
    if isinstance(study.gaps, NotEstimable):
        show_reason(study.gaps)
        return
    sentences = [adjustment_sentence(study), change_sentence(study), response_sentence(study)]
    for sentence in sentences:
        if sentence:
            show_sentence(sentence)


def show_worth(study: PainStudy, currency: str, disclosure: Disclosure) -> None:
    """Every pain point in money."""
    if isinstance(study.gaps, NotEstimable):
        show_reason(study.gaps)
        return
    if not study.pains:
        show_sentence(message("Nothing hurts beyond chance, so nothing is valued."))
        return
    rows: list[list[str]] = []
    estimates: dict[str, Estimate | NotEstimable] = {}
    for pain in study.pains:
        name = place_name(pain.gap.place)
        affected = (
            None if isinstance(pain.affected, NotEstimable)
            else disclosure.count(round(pain.affected.answered))
        )  # fmt: skip
        rows.append(
            [
                name, _cell(pain.gap.gap, disclosure, 2),
                NO_VALUE if affected is None else format_count(affected),
                _cell(pain.per_period, disclosure), _cell(pain.horizon, disclosure),
                _cell(pain.if_silent_alike, disclosure),
            ]
        )  # fmt: skip
        estimates |= {
            f"{name}, per period": pain.per_period, f"{name}, horizon": pain.horizon,
            f"{name}, if the silent felt likewise": pain.if_silent_alike,
        }  # fmt: skip
    reasons = {
        pain.horizon.reason: None for pain in study.pains if isinstance(pain.horizon, NotEstimable)
    }
    span = message("quarter") if study.period_months == 3 else message("month")
    header = [
        message("pain point"), message("gap, points"), message("customers concerned"),
        message("margin per {span}", span=span), message("over {m} months", m=study.horizon_months),
        message("if the silent felt likewise"),
    ]  # fmt: skip
    note = message(
        "Customers concerned: whose last answer, not older than a year, is about it when a {span} opens, "
        "mean of the last year. Discounted from the end of each {span}. Not added up: mending one changes "
        "what the others are measured against, and costs of mending are not in it.",
        span=span,
    )
    if reasons:
        note += " " + message("Dashes: {reasons}", reasons=" ".join(reasons))
    caption = message("Margin that would go with closing the gap")
    known = {name: value for name, value in estimates.items() if isinstance(value, Estimate)}
    show_table(html_table(header, rows, caption, note=note), "pain-points-worth", known, disclosure)
    if not isinstance(study.slope, NotEstimable):
        show_sentence(
            message(
                "A point goes with {slope} of margin per customer and {span}, each customer compared with "
                "itself. What staying longer would bring is not in these sums, nor are customers whose last "
                "answer is older than a year.",
                slope=format_estimate(study.slope.slope, 2), span=span,
            )
        )  # fmt: skip


def show_detractors(
    found: DetractorList | NotEstimable, currency: str, disclosure: Disclosure
) -> None:
    """Counts and totals of the list of whom to call; the list itself goes beside the report."""
    if isinstance(found, NotEstimable):
        show_reason(found)
        return
    listed = len(found.customers)
    if disclosure.suppressed(listed):
        show_sentence(message("Fewer than eight customers are to be called."))
    else:
        sentence = message(
            "To be called: {n} active customers whose last answer, within {days} days, is an unhappy one and "
            "whom nobody has spoken to since.",
            n=format_count(disclosure.count(listed) or 0), days=RECENT_DAYS,
        )  # fmt: skip
        if isinstance(found.margin, float) and found.margin > 0:
            amounts = found.customers["expected_margin_per_quarter"].tolist()
            margin = disclosure.money(found.margin, amounts)
            if margin:
                sentence += " " + message(
                    "Together they bring {money} of margin a quarter.",
                    money=format_money(margin, currency),
                )
        show_sentence(sentence)
    if found.contacted or found.in_a_trial:
        show_sentence(
            message(
                "Left out are unhappy customers who have been in touch since ({contacted}), and those "
                "assigned to a programme since ({in_a_trial}): a call would spoil a running trial.",
                contacted=_few(found.contacted, disclosure), in_a_trial=_few(found.in_a_trial, disclosure),
            )
        )  # fmt: skip
    show_sentence(
        message(
            "One listed customer in ten, drawn at random, is marked “hold out”: leave them alone, and "
            "compare in a quarter. Only that shows what the calls bring."
        )
    )
    write_list(found.customers, LIST_NAME)


def _few(n: int, disclosure: Disclosure) -> str:
    shown = disclosure.count(n)
    return message("fewer than eight") if shown is None else format_count(shown)
