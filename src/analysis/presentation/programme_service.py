"""Scores beside money, call-backs, what a budget bought, and return by use: tables and sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable, attempt
from analysis.methods.investment.agreement import Agreement, compare_score_and_money
from analysis.methods.investment.intensity import UseGroup, extra_per_quarter, returns_by_use
from analysis.methods.investment.portfolio import PROVEN
from analysis.methods.programme_effect.results import ProgrammeStudy
from analysis.methods.service_recovery import ScoreRecovery, recovered_scores
from analysis.presentation.output import disclosed, show_reason, show_sentence, show_table
from analysis.presentation.programme_disclosure import Studies
from analysis.presentation.programme_figures import nothing_studied
from analysis.presentation.programme_words import finding_id, told_from_zero
from analysis.presentation.published import in_steps
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate,
    format_estimate_lines,
    format_money,
    format_value,
    message,
)

if TYPE_CHECKING:
    import pandas as pd

Outcomes = Mapping[str, "pd.DataFrame"]


def show_score_and_money(studies: Studies, worth_of_point: Estimate | NotEstimable) -> None:
    """Effect on the score beside the effect on money, and whether they agree."""
    rows, estimates = [], {}
    for study in studies:
        if not isinstance(study.effect, Estimate) or not isinstance(study.satisfaction, Estimate):
            continue
        found = attempt(compare_score_and_money, study.effect, study.satisfaction, worth_of_point)
        line = [study.name, format_estimate_lines(study.satisfaction, 2)]
        line.append(format_estimate_lines(study.effect, 2))
        if isinstance(found, Agreement):
            line += [
                format_estimate_lines(found.expected, 2),
                format_estimate_lines(found.difference, 2),
                _agreement_text(found),
            ]
            estimates[f"{finding_id(study)}-expected-from-score"] = found.expected
            estimates[f"{finding_id(study)}-beyond-score"] = found.difference
        else:
            line += [NO_VALUE] * 3
        rows.append(line)
    if not rows:
        show_reason(NotEstimable(message("No programme has both a score and a margin to compare.")))
        return
    header = [
        message("Programme"), message("CSAT"), message("Margin"),
        message("Expected"), message("Beyond it"), message("The margin found"),
    ]  # fmt: skip
    if isinstance(worth_of_point, NotEstimable):
        note = message("What a point is worth is not known: {why}", why=worth_of_point.reason)
    else:
        note = message(
            "CSAT in points; margin per customer and quarter. Expected: difference in CSAT × {worth} "
            "of margin per point, customer and quarter, each customer against itself, as in the "
            "section on spend. CSAT is compared among those who answered, and a point is an "
            "association: the check can contradict, not prove. The interval of what lies beyond "
            "takes the three figures as independent.",
            worth=format_estimate(worth_of_point, 2),
        )
    caption = message("Do score and money agree?")
    show_table(
        html_table(header, rows, caption, 1, note), "programmes-score-and-money", dict(estimates)
    )


def show_agreement(studies: Studies, worth_of_point: Estimate | NotEstimable) -> None:
    """Whether score and money agree, all programmes in a sentence or two."""
    groups: dict[str, list[str]] = {}
    for study in studies:
        found = attempt(compare_score_and_money, study.effect, study.satisfaction, worth_of_point)
        if isinstance(found, Agreement):
            groups.setdefault(_agreement_text(found), []).append(study.name)
    if not groups:
        none = message("No programme has both a score and a margin to compare.")
        if isinstance(worth_of_point, NotEstimable):
            none = message(
                "Whether score and money agree cannot be told, for what a point is worth is not known: "
                "{why}.", why=worth_of_point.reason.rstrip("."),
            )  # fmt: skip
        show_reason(NotEstimable(none))
    for verdict, names in groups.items():
        show_sentence(
            message(
                "{names}: the margin found {verdict}, at what a point of CSAT is worth.",
                names=", ".join(names), verdict=verdict,
            )
        )  # fmt: skip


def _agreement_text(found: Agreement) -> str:
    if found.agrees:
        return message("does not contradict the score")
    if found.difference.value > 0:
        return message("is more than the score accounts for")
    return message("is less than the score would give")


def show_recovery(studies: Studies, outcomes: Outcomes, disclosure: Disclosure) -> None:
    """Rise of scores after a programme, and what of it the untreated show as well."""
    rows, said = [], []
    for study in studies:
        if study.programme_id not in outcomes:
            continue
        found = attempt(recovered_scores, outcomes[study.programme_id], study.satisfaction)
        found = disclosed(found, disclosure)
        if not isinstance(found, ScoreRecovery) or not isinstance(found.credited, Estimate):
            continue
        rows.append(
            [
                study.name,
                format_estimate_lines(found.treated, 2),
                format_estimate_lines(found.control, 2),
                format_estimate_lines(found.credited, 2),
            ]
        )
        if isinstance(found.control, Estimate) and found.rises_by_itself:
            said.append(_recovery_sentence(study, found))
    if not rows:
        show_reason(
            NotEstimable(message("No programme has scores before and after in both groups."))
        )
        return
    header = [
        message("Programme"), message("Change with it"), message("Change without it"),
        message("Left for it"),
    ]  # fmt: skip
    note = message(
        "CSAT in points, last answer before and mean of answers after, of those who gave both. Left "
        "for it: with less without afterwards, adjusted for what was recorded before. Whoever is "
        "picked for a low score scores higher next time whatever is done (regression to the mean): "
        "that is the change without it."
    )
    show_table(html_table(header, rows, message("Scores before and after"), 1, note))
    for sentence in said:
        show_sentence(sentence)


def _recovery_sentence(study: ProgrammeStudy, found: ScoreRecovery) -> str:
    values = {
        "name": study.name,
        "treated": format_value(found.treated.value, "points", 2),
        "control": format_value(found.control.value, "points", 2),
        "left": format_estimate(found.credited, 2),
    }
    if not told_from_zero(found.credited):
        return message(
            "{name}: scores rose by {treated} points with it and by {control} without it. That is "
            "what low scores do by themselves; what is left for it, {left}, cannot be told from "
            "chance, and nothing is credited to it.", **values,
        )  # fmt: skip
    return message(
        "{name}: scores rose by {treated} points with it and by {control} without it, which low "
        "scores do by themselves; {left} is left for it.", **values,
    )  # fmt: skip


def show_bought(studies: Studies, outcomes: Outcomes, disclosure: Disclosure) -> None:
    """What each programme cost per customer-quarter, and what that bought."""
    rows, said = [], []
    for study in studies:
        value = study.value
        if isinstance(value, NotEstimable):
            continue
        frame = outcomes.get(study.programme_id)
        contacts: Estimate | NotEstimable = NotEstimable("no contacts are recorded")
        paid: Estimate | NotEstimable = contacts
        if frame is not None:
            contacts = attempt(extra_per_quarter, frame, "contacts_after", "contacts")
            money = f"{value.net_present_value.unit} per customer-quarter"
            paid = attempt(extra_per_quarter, frame, "compensation_after", money)
        contacts, paid = disclosed(contacts, disclosure), disclosed(paid, disclosure)
        rows.append(
            [
                study.name,
                format_estimate_lines(value.break_even_effect, 2),
                format_estimate_lines(study.effect, 2),
                format_estimate_lines(study.satisfaction, 2),
                format_estimate_lines(contacts, 2),
            ]
        )
        if isinstance(paid, Estimate):
            said.append(_paid_sentence(study, paid))
    if not rows:
        show_reason(nothing_studied())
        return
    header = [
        message("Programme"), message("Cost"), message("Margin"), message("CSAT, points"),
        message("Contacts"),
    ]  # fmt: skip
    note = message(
        "Per customer treated and quarter, with less without; CSAT among those who answered. Of "
        "chosen customers these are differences, not consequences."
    )
    show_table(html_table(header, rows, message("What a programme cost and bought"), 1, note))
    for sentence in said:
        show_sentence(sentence)


def _paid_sentence(study: ProgrammeStudy, paid: Estimate) -> str:
    value = study.value
    assert not isinstance(value, NotEstimable)
    values = {"name": study.name, "paid": format_estimate(paid, 2)}
    even = value.break_even_effect
    if isinstance(even, Estimate) and paid.lower is not None and paid.lower > even.value:
        return message(
            "{name}: customers with it were given {paid} more compensation per quarter than those "
            "without, which is more than the cost declared for it: the return is overstated.",
            **values,
        )
    return message(
        "{name}: customers with it were given {paid} more compensation per quarter than those "
        "without.", **values,
    )  # fmt: skip


def show_use(studies: Studies, outcomes: Outcomes, disclosure: Disclosure) -> None:
    """Marginal against average return by use of service before, for proven designs."""
    rows, reasons = [], []
    for study in studies:
        value, frame = study.value, outcomes.get(study.programme_id)
        if study.label not in PROVEN or frame is None or isinstance(value, NotEstimable):
            continue
        currency = value.net_present_value.unit
        groups = attempt(returns_by_use, frame, value.costs.total, currency)
        if isinstance(groups, NotEstimable):
            reasons.append(f"{study.name}: {groups.reason.rstrip('.')}.")
            continue
        rows += [
            _use_row(study, in_steps(group, disclosure), currency, disclosure) for group in groups
        ]
    if rows:
        header = [
            message("Programme"), message("Contacts the year before"),
            message("Margin"), message("Cost"),
            message("Marginal return"), message("Average return"),
        ]  # fmt: skip
        note = message(
            "Margin per customer and quarter. Returns: benefit per unit of cost, not discounted, of these "
            "customers and of all up to them; below one, serving them costs more than it "
            "brings. Groups by contacts before the assignment, so that the draw holds within each; "
            "the cost is spread by contacts since, which is an assumption. Intervals are not widened "
            "for the number of groups."
        )
        caption = message("Marginal and average return by use of service")
        show_table(html_table(header, rows, caption, 2, note))
    elif not reasons:
        show_reason(
            NotEstimable(message("No programme with a fair comparison and a record of contacts."))
        )
    for reason in dict.fromkeys(reasons):
        show_reason(NotEstimable(reason))


def _use_row(
    study: ProgrammeStudy, group: UseGroup, currency: str, disclosure: Disclosure
) -> list[str]:
    used = (
        message("{count} or more", count=format_count(group.lowest))
        if group.highest is None
        else format_count(group.lowest)
        if group.lowest == group.highest
        else message(
            "{low} to {high}", low=format_count(group.lowest), high=format_count(group.highest)
        )
    )
    hidden = disclosure.suppressed(group.treated) or disclosure.suppressed(group.control)
    if hidden:
        return [study.name, used, *[NO_VALUE] * 4]
    return [
        study.name,
        used,
        format_estimate_lines(group.effect, 2),
        format_money(group.cost, currency, 0),
        format_estimate_lines(group.marginal_return),
        format_estimate_lines(group.average_return),
    ]
