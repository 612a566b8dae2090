"""What is said of a service programme; the wording follows its numbers and its design."""

from __future__ import annotations

from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.investment import InvestmentValue
from analysis.methods.programme_effect.results import ProgrammeStudy
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate,
    format_money,
    format_number,
    format_share,
    format_value,
    message,
)

IMBALANCE = 0.1
DOUBTFUL_PRE_TREND = 0.05


def finding_id(study: ProgrammeStudy) -> str:
    """Stable name: "programme-live-chat"."""
    kept = "".join(c if c.isalnum() else "-" for c in study.programme_id.lower())
    return f"programme-{kept}"


def design_name(study: ProgrammeStudy) -> str:
    """The design as readers know it."""
    return {
        "staggered": message("roll-out over areas"),
        "experiment": message("experiment"),
        "selected": message("customers chosen"),
        "none": message("nothing to compare"),
    }[study.design]


def assumption_of(study: ProgrammeStudy) -> str:
    """What the label rests on."""
    return {
        "staggered": message(
            "Assumes that areas reached early and late would have moved in parallel without it."
        ),
        "experiment": message(
            "Assumes that chance decided who was treated; what was recorded beforehand is balanced "
            "as after a random draw."
        ),
        "selected": message(
            "Assumes that all that decided who was chosen, and that moves margin, is recorded. "
            "A random hold-out would prove it."
        ),
        "none": message("There is nobody to compare with."),
    }[study.design]


def probability_text(value: InvestmentValue) -> str:
    """Probability of a net present value above zero; never quite certain."""
    probability = value.probability_positive
    if probability is None:
        return NO_VALUE
    if probability > 0.99:
        return message("over 99%")
    return message("under 1%") if probability < 0.01 else format_share(probability, 0)


def payback_text(value: InvestmentValue) -> str:
    """The month by which it was paid back, or that it was not."""
    month = value.payback_month
    if isinstance(month, NotEstimable):
        return message("not yet") if value.cost > 0 else NO_VALUE
    return message("month {month}", month=format_count(month.value))


def _what(study: ProgrammeStudy, effect: Estimate) -> str:
    values = {"said": format_estimate(effect, 2)}
    if study.label == "association":
        return message(
            "customers chosen for it differ by {said} margin a quarter from customers alike in what "
            "was recorded before", **values,
        )  # fmt: skip
    return message("it changed margin per customer and quarter by {said}", **values)


def verdict_sentence(study: ProgrammeStudy) -> str:
    """Pays back, loses, or cannot be told: from the interval of the net present value."""
    effect, value = study.effect, study.value
    assert isinstance(effect, Estimate)
    name, what = study.name, _what(study, effect)
    if isinstance(value, NotEstimable):
        return message("{name}: {what}. {why}.", name=name, what=what, why=_capital(value.reason))
    worth = value.net_present_value
    values = {
        "name": name,
        "what": what,
        "worth": format_estimate(worth),
        "cost": format_money(value.cost, worth.unit),
        "months": format_count(value.months),
    }
    if worth.lower is None or worth.upper is None:
        return message(
            "{name}: {what}; over {months} months that is {worth} after costs of {cost}. There are "
            "too few areas for an interval, so whether it pays cannot be told.", **values,
        )  # fmt: skip
    if study.label == "association":
        if worth.upper < 0:
            text = message(
                "{name} does not look worth its cost: {what}. Even if all of that were its doing, "
                "over {months} months it would come to {worth} after costs of {cost}.", **values,
            )  # fmt: skip
        elif worth.lower > 0:
            text = message(
                "{name} looks worth its cost, which is to be tested: {what}. If that were its "
                "doing, over {months} months it would come to {worth} after costs of {cost}.",
                **values,
            )
        else:
            text = message(
                "Whether {name} is worth its cost cannot be told: {what}. If that were its doing, "
                "over {months} months it would come to {worth} after costs of {cost}.", **values,
            )  # fmt: skip
        return text
    if value.cost <= 0:
        return message("{name}: {what}; no cost is recorded. Benefit so far: {worth}.", **values)
    if worth.lower > 0:
        return message(
            "{name} pays back: {what}. Over {months} months that is {worth} after costs of {cost}.",
            **values,
        )
    if worth.upper < 0:
        return message(
            "{name} loses money: {what}. Over {months} months that is {worth} after costs of "
            "{cost}.", **values,
        )  # fmt: skip
    return message(
        "Whether {name} pays cannot be told: {what}. Over {months} months that is {worth} after "
        "costs of {cost}.", **values,
    )  # fmt: skip


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".")


def naive_sentence(study: ProgrammeStudy) -> str:
    """Say where the naive difference would have misled; empty where it would not."""
    naive, effect = study.naive.treated_untreated, study.effect
    if isinstance(naive, NotEstimable) or isinstance(effect, NotEstimable):
        return ""
    if effect.lower is None or effect.upper is None:
        return ""
    if effect.lower <= naive.value <= effect.upper:
        return ""
    values = {"naive": format_value(naive.value, naive.unit, 2)}
    if naive.value > effect.value:
        return message(
            "The plain difference between customers with and without it, {naive}, flatters it.",
            **values,
        )
    return message(
        "The plain difference between customers with and without it, {naive}, makes it look worse "
        "than it is.",
        **values,
    )


def trust_sentences(study: ProgrammeStudy) -> list[str]:
    """How the design was recognised, and what the data say for or against it."""
    name = study.name
    if study.design == "none" or isinstance(study.effect, NotEstimable):
        return []
    if study.design == "staggered":
        return _trust_rollout(study)
    if study.design == "experiment":
        if study.assignment_p_value is None:
            return [message("{name}: the arms are too small to check the draw.", name=name)]
        return [
            message(
                "{name}: both arms are recorded, and nothing recorded beforehand tells them apart "
                "(p = {p}), as after a random draw. Treated are compared with controls, adjusted "
                "for what was recorded before.",
                name=name, p=format_number(study.assignment_p_value, 3),
            )
        ]  # fmt: skip
    return _trust_selected(study)


def _trust_rollout(study: ProgrammeStudy) -> list[str]:
    assert study.areas is not None
    sentences = [
        message(
            "{name}: areas were reached at different dates. Each start is compared with areas not "
            "reached by then, as the change since the year before; {treated} areas reached and "
            "{control} to compare with.",
            name=study.name, treated=format_count(study.areas[0]), control=format_count(study.areas[1]),
        )
    ]  # fmt: skip
    if study.pre_trend is None:
        sentences.append(
            message(
                "{name}: whether the areas moved in parallel before cannot be tested.",
                name=study.name,
            )
        )
        return sentences
    p_value, quarters = study.pre_trend
    values = {
        "name": study.name,
        "p": format_number(p_value, 3),
        "quarters": format_count(quarters),
    }
    if p_value < DOUBTFUL_PRE_TREND:
        sentences.append(
            message(
                "{name}: the areas did not move in parallel over {quarters} quarters before the start "
                "(p = {p}); read the figure with care.", **values,
            )
        )  # fmt: skip
    else:
        sentences.append(
            message(
                "{name}: no difference in trend over {quarters} quarters before the start (p = {p}). "
                "Such a test has little power, so it supports the comparison without proving it.",
                **values,
            )
        )
    return sentences


def _trust_selected(study: ProgrammeStudy) -> list[str]:
    sentences = [
        message(
            "{name}: what was recorded beforehand tells who was chosen, so this was no random draw. "
            "Those chosen are compared with others of the same past, twice over: by how likely they "
            "were to be chosen, and by what they would have been expected to bring.",
            name=study.name,
        )
    ]
    if study.adjusted is None:
        return sentences
    balance = study.adjusted.balance
    raw = max((abs(row.before) for row in balance), default=0.0)
    left = max((abs(row.after) for row in balance), default=0.0)
    values = {
        "name": study.name,
        "raw": format_number(raw),
        "left": format_number(left),
        "controls": format_count(study.adjusted.overlap.effective_controls),
    }
    if left <= IMBALANCE:
        sentences.append(
            message(
                "{name}: the largest difference in the past falls from {raw} to {left} standard "
                "deviations; the comparison carries as much as {controls} untreated customers.",
                **values,
            )
        )
    else:
        sentences.append(
            message(
                "{name}: the adjustment leaves a difference of {left} standard deviations in the past "
                "(from {raw}); the comparison carries as much as {controls} untreated customers. "
                "Read the figure with care.", **values,
            )
        )  # fmt: skip
    return sentences
