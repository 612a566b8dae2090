"""Lifetime value in words and tables."""

from __future__ import annotations

from dataclasses import replace

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Finding, NotEstimable, first_reason
from analysis.methods.lifetime_value.contractual import LifetimeValue, LifetimeValues
from analysis.methods.lifetime_value.retention_worth import RetentionGain, RetentionWorth
from analysis.methods.lifetime_value.study import RepeatBuying, ValueStudy
from analysis.presentation.churn_words import format_p_value
from analysis.presentation.output import show_finding, show_reason, show_sentence, show_table
from analysis.presentation.published import may_be_dominated
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate,
    format_estimate_lines,
    format_number,
    format_share,
    message,
)


def find_value(study: ValueStudy, disclosure: Disclosure) -> Finding | NotEstimable:
    """What a new customer brings within the horizon."""
    value = study.overall
    if isinstance(value, NotEstimable):
        return value
    if may_be_dominated(value.total, disclosure):
        return dominated_reason()
    sentence = message(
        "A new customer brings {value} of margin within {months} months, discounted, losses on the way "
        "counted.",
        value=format_estimate(value.total), months=value.horizon_months,
    )  # fmt: skip
    for remark in value.remarks:
        sentence += " " + remark
    return Finding(
        id="lifetime-value",
        sentence=sentence,
        estimates={"lifetime-value": value.total},
        label="description",
        assumption=message(
            "Assumes that new customers stay and buy as those before them did at the same tenure; counted from "
            "the first whole period on, and nothing beyond {months} months.",
            months=value.horizon_months,
        ),
    )


def show_value(study: ValueStudy, disclosure: Disclosure) -> None:
    """Show the lifetime value as a finding."""
    show_finding(find_value(study, disclosure), disclosure)


def dominated_reason() -> NotEstimable:
    """Why money is withheld that may be one customer's."""
    return NotEstimable(message("Withheld: one customer may make up half of it or more."))


def without_dominated(values: LifetimeValues, disclosure: Disclosure) -> LifetimeValues:
    """The values as they may be published: none of which one customer may make up half."""
    hidden = {
        name
        for name, value in values.groups
        if isinstance(value, LifetimeValue) and may_be_dominated(value.total, disclosure)
    }
    if not hidden:
        return values
    return replace(
        values,
        groups=tuple(
            (name, dominated_reason() if name in hidden else value) for name, value in values.groups
        ),
        differences=tuple(
            pair for pair in values.differences if not {pair.first, pair.second} & hidden
        ),
    )


def _group_table(values: LifetimeValues, header: str, caption: str, disclosure: Disclosure) -> str:
    rows = [
        [name, *_value_cells(value, disclosure)]
        for name, value in values.groups
    ]  # fmt: skip
    rows += [
        [
            message("{first} less {second}", first=pair.first, second=pair.second),
            format_estimate_lines(pair.difference),
            NO_VALUE,
            format_p_value(pair.adjusted_p_value),
        ]
        for pair in values.differences
    ]
    head = [header, message("value"), message("still there at the end"), message("p, Holm")]
    reasons = [value.reason for _, value in values.groups if isinstance(value, NotEstimable)]
    note = " ".join(
        [message("Margin × survival, discounted monthly; intervals unadjusted."), *reasons]
    )
    return html_table(head, rows, caption, note=note)


def _value_cells(value: LifetimeValue | NotEstimable, disclosure: Disclosure) -> list[str]:
    if isinstance(value, NotEstimable):
        return [NO_VALUE, NO_VALUE, NO_VALUE]
    share, n = float(value.survival[-1]), value.total.n
    withheld = disclosure.suppressed(round(n * share)) or disclosure.suppressed(
        round(n * (1 - share))
    )
    return [
        format_estimate_lines(value.total),
        NO_VALUE if withheld else format_share(share, 0),
        NO_VALUE,
    ]


def _estimates(values: LifetimeValues) -> dict[str, Estimate]:
    known = {name: value.total for name, value in values.groups if isinstance(value, LifetimeValue)}
    return known | {
        f"{pair.first} less {pair.second}": pair.difference for pair in values.differences
    }


def show_value_by_group(study: ValueStudy, disclosure: Disclosure) -> None:
    """Lifetime value by segment, or what else splits the customers."""
    if isinstance(study.by_group, NotEstimable):
        show_reason(study.by_group)
        return
    caption = message(
        "Margin per new customer within {months} months, by {group}",
        months=study.by_group.horizon_months, group=study.group.replace("_", " "),
    )  # fmt: skip
    values = without_dominated(study.by_group, disclosure)
    html = _group_table(values, study.group.replace("_", " "), caption, disclosure)
    show_table(html, "lifetime-value-by-group", _estimates(values), disclosure)


def show_value_by_answer(study: ValueStudy, disclosure: Disclosure) -> None:
    """Lifetime value from the first answer on, by what was answered."""
    if isinstance(study.by_answer, NotEstimable):
        show_reason(study.by_answer)
        return
    instrument = study.instrument.upper()
    caption = message(
        "Margin per customer within {months} months of the first {instrument} answer",
        months=study.by_answer.horizon_months, instrument=instrument,
    )  # fmt: skip
    header = message("first {instrument} answer", instrument=instrument)
    values = without_dominated(study.by_answer, disclosure)
    html = _group_table(values, header, caption, disclosure)
    show_table(html, "lifetime-value-by-answer", _estimates(values), disclosure)
    show_sentence(
        message(
            "These are customers who answered differently, not what raising an answer would bring: "
            "nothing but the answer is held equal."
        )
    )


def _gain_sentence(worth: RetentionWorth, currency: str) -> str:
    gain = worth.active
    assert isinstance(gain, RetentionGain)
    rise = message("five points") if worth.rise == "points" else message("five per cent")
    return message(
        "{rise} more ({before} to {after} a year) would be {gain}, {lift} of the margin expected of them",
        rise=rise, before=format_share(gain.retention.value), after=format_share(gain.raised_to),
        gain=format_estimate(gain.gain), lift=format_share(gain.lift.value, 1),
    )  # fmt: skip


def _worth_may_be_dominated(study: ValueStudy, disclosure: Disclosure) -> bool:
    """Whether the margins that the worth of retention is reckoned from may be one customer's."""
    overall = study.overall
    return isinstance(overall, LifetimeValue) and may_be_dominated(overall.total, disclosure)


def show_worth_of_retention(study: ValueStudy, disclosure: Disclosure) -> None:
    """What five points, and five per cent, more retention would be worth: arithmetic, no effect."""
    points, share = study.five_points, study.five_per_cent
    if _worth_may_be_dominated(study, disclosure):
        show_reason(dominated_reason())
        return
    if isinstance(points, NotEstimable) or isinstance(share, NotEstimable):
        reason = first_reason(points, share)
        if reason and reason != study.overall:
            show_reason(reason)
        return
    if isinstance(points.active, NotEstimable):
        show_reason(points.active)
        return
    if isinstance(share.active, NotEstimable):
        show_reason(share.active)
        return
    currency = points.active.gain.unit
    n = disclosure.count(points.active.customers)
    sentence = message(
        "What more retention of {n} active customers would be worth over {months} months, before the cost "
        "of raising it: {points}; {share}.",
        n=NO_VALUE if n is None else format_count(n), months=points.horizon_months,
        points=_gain_sentence(points, currency), share=_gain_sentence(share, currency),
    )  # fmt: skip
    if points.left_out:
        left_out = disclosure.count(points.left_out)
        sentence += " " + message(
            "Active customers whose months ahead lie beyond what anybody was followed for are left out: {n}.",
            n=message("fewer than eight") if left_out is None else format_count(left_out),
        )
    remark = points.active.remark or share.active.remark
    show_sentence(
        sentence
        + (f" {remark}" if remark else "")
        + " "
        + message("It is arithmetic on the curve, no evidence that anything would raise it.")
    )


def show_gains_table(study: ValueStudy, disclosure: Disclosure) -> None:
    """The same in figures, for a new customer and for the active ones; silent where there are none."""
    if first_reason(study.five_points, study.five_per_cent) or _worth_may_be_dominated(
        study, disclosure
    ):
        return
    rows, estimates = [], {}
    for worth in (study.five_points, study.five_per_cent):
        assert isinstance(worth, RetentionWorth)
        rise = message("five points") if worth.rise == "points" else message("five per cent")
        for whom, gain in (
            (message("a new customer"), worth.per_customer),
            (message("active customers"), worth.active),
        ):
            if isinstance(gain, NotEstimable):
                rows.append([f"{rise}, {whom}", NO_VALUE, NO_VALUE, NO_VALUE])
                continue
            rows.append(
                [
                    f"{rise}, {whom}",
                    format_share(gain.retention.value) + " → " + format_share(gain.raised_to),
                    format_estimate_lines(gain.gain),
                    format_estimate_lines(gain.lift),
                ]
            )
            estimates[f"{rise}, {whom}"] = gain.gain
            estimates[f"{rise}, {whom}, lift"] = gain.lift
    header = [
        message("Retention raised by"), message("a year on"), message("worth"), message("more margin"),
    ]  # fmt: skip
    caption = message("What higher retention would be worth over the horizon")
    show_table(html_table(header, rows, caption), "worth-of-retention", estimates, disclosure)


def show_repeat_buying(study: ValueStudy, disclosure: Disclosure) -> None:
    """For companies without contracts: who still buys, what is to come, and how well it predicts."""
    model = study.repeat_buying
    if isinstance(model, NotEstimable):
        show_reason(model)
        return
    if disclosure.suppressed(model.purchases.n):
        show_reason(NotEstimable(message("Too few customers for a model of repeat buying.")))
        return
    left_out = disclosure.count(model.left_out)
    if left_out:
        show_sentence(
            message(
                "Fitted to customers whose first order is in the export; others are left out: {n}.",
                n=format_count(left_out),
            )
        )
    if isinstance(model.share_still_buying, Estimate):
        show_sentence(
            message(
                "By the pattern of their orders, {alive} of the customers still buy. That is more than the curve "
                "shows, because most whom the rule counts as lost order again: the rule speaks of a silence, the "
                "model of the end. Whoever has bought only once counts as buying, as the model has it.",
                alive=format_estimate(model.share_still_buying),
            )
        )
    if isinstance(model.residual_value, Estimate):
        show_sentence(
            message(
                "Extrapolated over the coming horizon, a customer is worth {value} of margin; beside it stands "
                "the value within follow-up above. The two answer different questions: this one is of all "
                "customers so far, that one of a new customer.",
                value=format_estimate(model.residual_value),
            )
        )
    else:
        show_reason(model.residual_value)
    _show_holdout(model, disclosure)


def _show_holdout(model: RepeatBuying, disclosure: Disclosure) -> None:
    correlation = model.value_against_frequency
    if isinstance(correlation, Estimate):
        show_sentence(
            message(
                "The model takes how often and how much for unrelated; here their correlation is {value}.",
                value=format_estimate(correlation),
            )
        )
    check = model.check
    if isinstance(check, NotEstimable):
        show_reason(check)
        return
    rows, estimates = [], {}
    for group in check.classes:
        if disclosure.suppressed(group.n):
            continue
        name = format_count(group.repeat_purchases) + ("+" if group.and_more else "")
        rows.append(
            [
                name,
                format_count(disclosure.count(group.n) or 0),
                format_number(group.predicted),
                format_number(group.actual),
                format_estimate_lines(group.difference),
            ]
        )
        estimates[name] = group.difference
    header = [
        message("Repeat orders before"), message("customers"), message("predicted"), message("ordered"),
        message("difference"),
    ]  # fmt: skip
    caption = message("Orders per customer in months held back, predicted and actual")
    show_table(html_table(header, rows, caption), "repeat-buying", estimates, disclosure)
