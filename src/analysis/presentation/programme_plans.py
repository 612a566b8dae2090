"""What to do with each programme, what would settle it, and what must be true of planned ones."""

from __future__ import annotations

import math

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.investment.planned import PlannedProgramme
from analysis.methods.investment.portfolio import Recommendation, SettlingTest
from analysis.methods.investment.power import Sample
from analysis.presentation.output import show_reason, show_sentence, show_table
from analysis.presentation.programme_disclosure import Studies
from analysis.presentation.programme_words import shared_reasons, without_name
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate,
    format_money,
    message,
    message_for,
)


def action_text(recommendation: Recommendation) -> str:
    """The action in two words."""
    return {
        "extend": message("extend"), "continue": message("continue"), "stop": message("stop"),
        "test": message("test further"), "plan": message("planned"), "none": NO_VALUE,
    }[recommendation.action]  # fmt: skip


def _quarters(count: int) -> str:
    return message_for("{count} quarter", "{count} quarters", count)


def _rounded_up(customers: int) -> str:
    """A sample size in tens: more digits would feign precision."""
    return format_count(10 * math.ceil(customers / 10))


def _sample_text(sample: Sample) -> str:
    return message(
        "{customers} customers, half of them drawn to get it, all followed for {quarters}",
        customers=_rounded_up(sample.customers), quarters=_quarters(sample.quarters),
    )  # fmt: skip


def advice_sentence(recommendation: Recommendation) -> str:
    """What to do, in a sentence."""
    reason, test = recommendation.reason, recommendation.test
    if reason == "no cost":
        return message("Record what it costs: without that, nothing follows from what it brings.")
    if reason == "early":
        return message(
            "Go on measuring: less than a year is counted, and costs come before what they bring, so "
            "it is too early to stop it."
        )
    if recommendation.action in ("plan", "none"):
        return ""
    if recommendation.action != "test":
        return {
            "pays": message("Extend it to those whom it has not reached."),
            "pays, nobody left": message("Continue it; there is nobody left to extend it to."),
            "running pays": message(
                "Continue it: it earns what it costs to run, and the up-front cost is spent whether "
                "or not it goes on."
            ),
            "loses": message("Do not repeat it as it is."),
            "running loses": message("Stop it as it is: it does not earn what it costs to run."),
            "harms": message("Stop it: it lowers margin."),
        }[str(reason)]
    if not isinstance(test, SettlingTest):
        return message("Test it further, with a random hold-out.")
    if isinstance(test.shortest, NotEstimable):
        return message(
            "Test it further, though customers are too few to settle it soon: see what a test would "
            "take."
        )
    return message(
        "Test it further: {sample}; four of five such tests settle it.",
        sample=_sample_text(test.shortest),
    )


def _told_apart(test: SettlingTest) -> str:
    if test.running:
        return (
            message("the estimate from what it costs to run")
            if test.from_estimate
            else message("what it costs to run from nothing")
        )
    return (
        message("the estimate from break-even")
        if test.from_estimate
        else message("break-even from nothing")
    )


def show_tests(studies: Studies, recommendations: tuple[Recommendation, ...]) -> None:
    """How many customers and quarters would settle what is left open."""
    by_id = {study.programme_id: study for study in studies}
    rows = []
    reasons = []
    for item in recommendations:
        study = by_id.get(item.programme_id)
        if study is None or item.test is None:
            continue
        name = study.name
        if isinstance(item.test, NotEstimable):
            reasons.append((without_name(study, item.test.reason), name))
        else:
            money = format_money(item.test.gap, item.test.unit.split(" ")[0], 2)
            # Where customers suffice for none, the longest says so well enough.
            short = isinstance(item.test.shortest, NotEstimable)
            rows += [
                [
                    name,
                    _told_apart(item.test),
                    money,
                    _quarters(s.quarters),
                    _rounded_up(s.customers),
                ]
                for s in (item.test.samples[-1:] if short else item.test.samples)
            ]
    if rows:
        header = [
            message("Programme"), message("To be told apart"),
            message("Difference per customer-quarter"), message("Followed"), message("Customers"),
        ]  # fmt: skip
        note = message(
            "Two equal groups by a draw, margin adjusted for the year before; found in four of five "
            "tests at 95% confidence. Spread and memory of margin as among customers active a year "
            "ago, and a difference as large in every quarter as on average so far. Break-even "
            "is that of the time counted so far: the longer a difference lasts, the less it has to be. "
            "Nothing in it looks at interim results."
        )
        caption = message("What a test would take")
        show_table(html_table(header, rows, caption, 2, note))
    elif not reasons:
        show_reason(NotEstimable(message("No programme is left open.")))
    for reason in shared_reasons(reasons):
        show_reason(NotEstimable(reason))


def show_planned(planned: tuple[PlannedProgramme, ...], disclosure: Disclosure) -> None:
    """What must be true for each planned programme to pay."""
    if not planned:
        show_reason(NotEstimable(message("No programme is planned to start after the as-of date.")))
    for programme in planned:
        for sentence in planned_sentences(programme, disclosure):
            show_sentence(sentence)


def planned_sentences(programme: PlannedProgramme, disclosure: Disclosure) -> list[str]:
    """Break-even, the best proven programme beside it, and the sample that would show it."""
    shown = disclosure.count(programme.customers)
    whom = "" if shown is None else format_count(shown)
    even = programme.break_even
    values = {
        "name": programme.name, "day": programme.starts_on.isoformat(),
        "cost": format_money(programme.cost, programme.currency),
        "months": format_count(programme.months), "customers": whom,
    }  # fmt: skip
    if shown is None:
        # What it costs and has to bring each would tell how many they are.
        even = NotEstimable(message("It would reach fewer than eight, of whom nothing is said"))
    if isinstance(even, NotEstimable):
        return [
            message(
                "{name} is to start on {day}. {why}.", why=even.reason[:1].upper() + even.reason[1:],
                **values,
            )
        ]  # fmt: skip
    values["even"] = format_money(even.value, programme.currency, 2)
    reached = (
        message("the {customers} active customers named for it", customers=whom)
        if programme.named
        else message("all {customers} active customers, none being named for it", customers=whom)
    )
    sentences = [
        message(
            "{name} is to start on {day} and to cost {cost} over {months} months, discounted. To pay "
            "it must bring {even} of margin per customer and quarter, for {reached}.",
            reached=reached, **values,
        )
    ]  # fmt: skip
    sentences.append(_beside_best(programme, values))
    if isinstance(programme.shortest, Sample):
        sentences.append(
            message(
                "To tell that from nothing takes {sample}; four of five such tests find it.",
                sample=_sample_text(programme.shortest),
            )
        )
    elif not isinstance(programme.samples, NotEstimable):
        longest = programme.samples[-1]
        sentences.append(
            message(
                "No test among those it would reach could tell that from nothing: {sample} would be "
                "needed.", sample=_sample_text(longest),
            )
        )  # fmt: skip
    return sentences


def _beside_best(programme: PlannedProgramme, values: dict[str, str]) -> str:
    if programme.best is None:
        return message(
            "No programme has been proven to raise margin so far, so none can be set beside it."
        )
    name, effect = programme.best
    beside = {"best": name, "effect": format_estimate(effect, 2)}
    assert isinstance(programme.break_even, Estimate)
    if programme.beyond_best:
        return message(
            "That is more than the best proven programme, {best}, may be bringing: {effect}.",
            **beside,
        )
    if effect.lower is not None and programme.break_even.value < effect.lower:
        return message(
            "The best proven programme, {best}, brings more than that: {effect}.", **beside
        )
    return message(
        "That lies within what the best proven programme, {best}, may be bringing: {effect}.",
        **beside,
    )
