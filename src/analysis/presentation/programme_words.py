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
DOUBTFUL_DRAW = 0.01


def finding_id(study: ProgrammeStudy) -> str:
    """Stable name: "programme-live-chat"."""
    kept = "".join(c if c.isalnum() else "-" for c in study.programme_id.lower())
    return f"programme-{kept}"


def design_name(study: ProgrammeStudy) -> str:
    """The design as readers know it."""
    return {
        "staggered": message("roll-out over areas"),
        "experiment": message("experiment"),
        "balanced": message("two balanced arms"),
        "contradicted": message("draw not borne out"),
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
            "Assumes that chance decided who was treated, as is recorded; nothing recorded "
            "beforehand contradicts it."
        ),
        "balanced": message(
            "Assumes that chance decided, which is not recorded: if it did, nothing recorded "
            "beforehand tells the arms apart, and nothing does."
        ),
        "contradicted": message(
            "Recorded as decided by chance, which the arms belie. Assumes that all that decided who "
            "was chosen, and that moves margin, is recorded."
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


def told_from_zero(estimate: Estimate) -> bool:
    """Whether the interval leaves zero out; taken as so where there is no interval."""
    if estimate.lower is None or estimate.upper is None:
        return True
    return estimate.lower > 0 or estimate.upper < 0


def _what(study: ProgrammeStudy, effect: Estimate) -> str:
    values = {"said": format_estimate(effect, 2)}
    if study.label == "association":
        if not told_from_zero(effect):
            return message(
                "no difference in margin to customers alike in what was recorded before could be "
                "told from chance ({said} a quarter)", **values,
            )  # fmt: skip
        return message(
            "customers chosen for it differ by {said} margin a quarter from customers alike in what "
            "was recorded before", **values,
        )  # fmt: skip
    if not told_from_zero(effect):
        return message(
            "no difference in margin could be told from chance ({said} per customer and quarter)",
            **values,
        )
    return message("it changed margin per customer and quarter by {said}", **values)


def _worst_balance(study: ProgrammeStudy) -> float:
    if study.adjusted is None:
        return 0.0
    return max((abs(row.after) for row in study.adjusted.balance), default=0.0)


def doubt_about(study: ProgrammeStudy) -> str:
    """What in the data speaks against the comparison; empty where nothing does."""
    if study.pre_trend is not None and study.pre_trend[0] < DOUBTFUL_PRE_TREND:
        return message("but the areas differed in trend before")
    if study.label == "association" and _worst_balance(study) > IMBALANCE:
        return message("but the groups still differ in what was recorded before")
    return ""


def verdict_sentence(study: ProgrammeStudy) -> str:
    """Pays back, loses, or cannot be told: from the interval of the net present value.

    A loss is laid to its cause: where no effect can be told from chance, it is the cost.
    """
    effect, value = study.effect, study.value
    assert isinstance(effect, Estimate)
    name, what = study.name, _what(study, effect)
    if isinstance(value, NotEstimable):
        return message("{name}: {what}. {why}.", name=name, what=what, why=_capital(value.reason))
    worth, doubt = value.net_present_value, doubt_about(study)
    values = {
        "name": name,
        "what": what,
        "worth": format_estimate(worth),
        "cost": format_money(value.cost, worth.unit),
        "months": format_count(value.months),
        "doubt": f", {doubt}" if doubt else "",
    }
    if worth.lower is None or worth.upper is None:
        return message(
            "{name}: {what}; over {months} months that is {worth} after costs of {cost}. There are "
            "too few areas for an interval, so whether it pays cannot be told.", **values,
        )  # fmt: skip
    if study.label == "association":
        return _association_verdict(worth, values)
    if value.cost <= 0:
        return message("{name}: {what}; no cost is recorded. Benefit so far: {worth}.", **values)
    if worth.lower > 0 and told_from_zero(effect):
        values["pays"] = message("looks as if it pays back") if doubt else message("pays back")
        return message(
            "{name} {pays}{doubt}: {what}. Over {months} months that is {worth} after costs of "
            "{cost}.", **values,
        )  # fmt: skip
    if worth.upper < 0:
        return _loss_verdict(effect, doubt, values)
    return message(
        "Whether {name} pays cannot be told{doubt}: {what}; it has not been shown to earn its cost "
        "of {cost}. Over {months} months that is {worth} after costs.", **values,
    )  # fmt: skip


def _loss_verdict(effect: Estimate, doubt: str, values: dict[str, str]) -> str:
    values = values | {
        "loses": message("looks as if it loses money") if doubt else message("loses money")
    }
    if not told_from_zero(effect):
        return message(
            "{name} {loses} through what it costs{doubt}: {what}; it has not earned its cost of "
            "{cost}. Over {months} months that is {worth} after costs.", **values,
        )  # fmt: skip
    if effect.value > 0:
        return message(
            "{name} {loses} through what it costs{doubt}: {what}, which does not cover its cost of "
            "{cost}. Over {months} months that is {worth} after costs.", **values,
        )  # fmt: skip
    return message(
        "{name} {loses}, through its cost of {cost} and through what it did to margin{doubt}: "
        "{what}. Over {months} months that is {worth} after costs.", **values,
    )  # fmt: skip


def _association_verdict(worth: Estimate, values: dict[str, str]) -> str:
    assert worth.lower is not None
    assert worth.upper is not None
    values = values | {
        "if_so": message(
            "If the whole difference were its doing, and nothing hid a larger one, over {months} "
            "months it would come to {worth} after costs of {cost}.", **values,
        )
    }  # fmt: skip
    if worth.upper < 0:
        return message("{name} does not look worth its cost{doubt}: {what}. {if_so}", **values)
    if worth.lower > 0:
        return message(
            "{name} looks worth its cost, which is to be tested{doubt}: {what}. {if_so}", **values
        )
    return message(
        "Whether {name} is worth its cost cannot be told{doubt}: {what}. {if_so}", **values
    )


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
    if study.design == "none" or isinstance(study.effect, NotEstimable):
        return []
    if study.design == "staggered":
        return _trust_rollout(study)
    if study.design in ("experiment", "balanced"):
        return [_trust_draw(study)]
    return _trust_selected(study)


def _trust_draw(study: ProgrammeStudy) -> str:
    p_value = study.assignment_p_value
    if p_value is None:
        return message("{name}: the arms are too small to check the draw.", name=study.name)
    values = {"name": study.name, "p": format_number(p_value, 3)}
    if study.design == "balanced":
        return message(
            "{name}: both arms are recorded, but not how they were chosen. Nothing recorded "
            "beforehand tells them apart (p = {p}), as after a random draw; a choice by something "
            "not recorded would look the same. Record the way of choosing to settle it.", **values,
        )  # fmt: skip
    if p_value < DOUBTFUL_DRAW:
        return message(
            "{name}: a random draw is recorded, yet what was recorded beforehand tells the arms apart "
            "better than after most draws (p = {p}). Treated are compared with controls, adjusted "
            "for it; read the figure with care.", **values,
        )  # fmt: skip
    return message(
        "{name}: a random draw is recorded, and nothing recorded beforehand tells the arms apart "
        "(p = {p}). Treated are compared with controls, adjusted for what was recorded before.",
        **values,
    )


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


def _recognised_choice(study: ProgrammeStudy) -> str:
    if study.design == "contradicted":
        return message(
            "{name}: a random draw is recorded, but what was recorded beforehand tells who was chosen "
            "(p below 0.001), which contradicts it.", name=study.name,
        )  # fmt: skip
    if study.assignment_p_value is None or study.assignment_p_value >= DOUBTFUL_DRAW:
        return message("{name}: customers were chosen, not drawn.", name=study.name)
    return message(
        "{name}: what was recorded beforehand tells who was chosen, so this was no random draw.",
        name=study.name,
    )


def _trust_selected(study: ProgrammeStudy) -> list[str]:
    compared = message(
        "Those chosen are compared with others of the same past, twice over: by how likely they were "
        "to be chosen, and by what they would have been expected to bring."
    )
    sentences = [f"{_recognised_choice(study)} {compared}"]
    if study.adjusted is None:
        return sentences
    balance = study.adjusted.balance
    raw = max((abs(row.before) for row in balance), default=0.0)
    left = _worst_balance(study)
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
    if study.adjusted.overlap.left_out != 0:
        sentences.append(
            message(
                "{name}: {left_out} of those given it have no counterpart among the others; they are "
                "left out of the comparison and of the benefit, but not of the cost.",
                name=study.name, left_out=_few(study.adjusted.overlap.left_out),
            )
        )  # fmt: skip
    return sentences


def _few(count: int | None) -> str:
    return message("a few") if count is None else format_count(count)
