"""What is said of a service programme; the wording follows its numbers and its design."""

from __future__ import annotations

from collections.abc import Iterable

from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.investment import InvestmentValue
from analysis.methods.investment.portfolio import is_doubtful, is_early
from analysis.methods.programme_effect.results import ProgrammeStudy
from analysis.presentation.programme_trust_words import (
    DOUBTFUL_DRAW,
    IMBALANCE,
    trust_sentences,
    worst_balance,
)
from analysis.presentation.wording import (
    NO_VALUE,
    format_count,
    format_estimate,
    format_estimate_lines,
    format_money,
    format_share,
    format_value,
    message,
)

__all__ = [
    "arms_sentence",
    "assumption_of",
    "design_name",
    "doubt_about",
    "finding_id",
    "naive_sentence",
    "payback_text",
    "reason_of",
    "share_text",
    "trust_sentences",
    "verdict_sentence",
]


HOLM_LEVEL = 0.05


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
        "cut-off": message("chosen by a threshold"),
        "none": message("nothing to compare"),
    }[study.design]


def assumption_of(study: ProgrammeStudy) -> str:
    """What the label rests on."""
    if study.design == "experiment" and is_doubtful_draw(study):
        return message(
            "Assumes that chance decided who was treated, as is recorded, though what was recorded "
            "beforehand tells the arms apart."
        )
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
        "cut-off": message(
            "Assumes that customers just above and just below the threshold would have brought the "
            "same without it. Holds at the threshold only."
        ),
        "none": message("There is nobody to compare with."),
    }[study.design]


def is_doubtful_draw(study: ProgrammeStudy) -> bool:
    """Whether the arms of a recorded draw differ more than after most draws."""
    p_value = study.assignment_p_value
    return study.design == "experiment" and p_value is not None and p_value < DOUBTFUL_DRAW


def reason_of(study: ProgrammeStudy, reason: str) -> str:
    """A reason as a sentence that says which programme it is about."""
    if not reason.startswith(study.name):
        reason = message("{name}: {reason}", name=study.name, reason=reason)
    return reason.rstrip(".") + "."


def share_text(share: float | None) -> str:
    """Share of draws with a net present value above zero; never quite all or none."""
    if share is None:
        return NO_VALUE
    if share > 0.99:
        return message("over 99%")
    return message("under 1%") if share < 0.01 else format_share(share, 0)


def payback_text(value: InvestmentValue) -> str:
    """The month by which it was paid back, or that it was not."""
    month = value.payback_month
    if isinstance(month, NotEstimable):
        return message("not yet") if value.cost > 0 else NO_VALUE
    return message("month {month}", month=format_count(month.value))


def money_lines(estimate: Estimate) -> str:
    """Money for a table cell, in whole units where any part of it runs into thousands."""
    parts = [estimate.value, estimate.lower or 0.0, estimate.upper or 0.0]
    largest = max(abs(part) for part in parts)
    return format_estimate_lines(estimate, 0 if 1e3 <= largest < 1e5 else None)


def told_from_zero(estimate: Estimate) -> bool:
    """Whether the interval leaves zero out; taken as so where there is no interval."""
    if estimate.lower is None or estimate.upper is None:
        return True
    return estimate.lower > 0 or estimate.upper < 0


def shared_reasons(reasons: Iterable[tuple[str, str]]) -> list[str]:
    """Reasons, each once, with the names of the programmes it holds for before it.

    reasons: pairs of a reason without a name and the programme's name.
    """
    names: dict[str, list[str]] = {}
    for reason, name in reasons:
        names.setdefault(reason, []).append(name)
    return [
        message("{names}: {reason}.", names=", ".join(held), reason=reason.rstrip("."))
        for reason, held in names.items()
    ]


def without_name(study: ProgrammeStudy, reason: str) -> str:
    """A reason without the programme's name before it."""
    return reason.removeprefix(f"{study.name}: ")


def _what(study: ProgrammeStudy, effect: Estimate) -> str:
    values = {"said": format_estimate(effect, 2)}
    if study.design == "cut-off":
        if not told_from_zero(effect):
            return message(
                "at the threshold, no difference in margin could be told from chance, put at "
                "{said} per customer and quarter", **values,
            )  # fmt: skip
        return message(
            "at the threshold, it changed margin per customer and quarter by {said}", **values
        )
    if study.label == "association":
        if not told_from_zero(effect):
            return message(
                "no difference in margin to customers alike in what was recorded before could be "
                "told from chance, put at {said} a quarter", **values,
            )  # fmt: skip
        return message(
            "customers chosen for it differ by {said} margin a quarter from customers alike in what "
            "was recorded before", **values,
        )  # fmt: skip
    if effect.lower is None:
        return message(
            "the difference in margin per customer and quarter is put at {said}", **values
        )
    if not told_from_zero(effect):
        return message(
            "no difference in margin could be told from chance, put at {said} per customer "
            "and quarter", **values,
        )  # fmt: skip
    if isinstance(study.relative, Estimate):
        share = format_share(study.relative.value, 0)
        return message(
            "it changed margin per customer and quarter by {said}, {share} of what it would have been",
            share=share, **values,
        )  # fmt: skip
    return message("it changed margin per customer and quarter by {said}", **values)


def doubt_about(study: ProgrammeStudy) -> str:
    """What in the data speaks against the comparison; empty where nothing does."""
    if is_doubtful(study):
        return message("but the areas differed in trend before")
    if is_doubtful_draw(study):
        return message("but what was recorded before tells the arms apart")
    if study.label == "association" and worst_balance(study) > IMBALANCE:
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
        return message(
            "What “{name}” is worth after costs cannot be told: {what}. {why}.",
            name=name,
            what=what,
            why=_capital(without_name(study, value.reason)),
        )
    worth, doubt = value.net_present_value, doubt_about(study)
    # In quotation marks, a name of several words or things still goes with "pays" and "its".
    values = {
        "name": message("“{name}”", name=name),
        "what": what,
        "worth": format_estimate(worth),
        "cost": format_money(value.cost, worth.unit),
        "months": format_count(value.months),
        "doubt": f", {doubt}" if doubt else "",
    }
    if worth.lower is None or worth.upper is None:
        return message(
            "{name}: {what}; over {months} months that is {worth} after costs of {cost}. Areas are "
            "too few, or count too unequally, for an interval, so whether it pays cannot be told.", **values,
        )  # fmt: skip
    if study.label == "association":
        return _association_verdict(worth, values, value.cost <= 0, is_early(value))
    if value.cost <= 0:
        return message("{name}: {what}; no cost is recorded. Benefit so far: {worth}.", **values)
    if worth.lower > 0 and told_from_zero(effect):
        values["pays"] = message("looks as if it pays back") if doubt else message("pays back")
        return message(
            "{name} {pays}{doubt}: {what}. Over {months} months that is {worth} after costs of "
            "{cost}.", **values,
        )  # fmt: skip
    if worth.upper < 0:
        return _loss_verdict(effect, doubt, values, is_early(value))
    return message(
        "Whether {name} pays cannot be told{doubt}: {what}; it has not been shown to earn its cost "
        "of {cost}. Over {months} months that is {worth} after costs.", **values,
    )  # fmt: skip


def _loss_verdict(effect: Estimate, doubt: str, values: dict[str, str], early: bool) -> str:
    if early and (effect.upper is None or effect.upper >= 0):
        return message(
            "{name} has not earned its cost so far{doubt}: {what}. Over {months} months that is "
            "{worth} after costs of {cost}.", **values,
        )  # fmt: skip
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


def _association_verdict(worth: Estimate, values: dict[str, str], free: bool, early: bool) -> str:
    assert worth.lower is not None
    assert worth.upper is not None
    if free:
        return message(
            "{name}: {what}; no cost is recorded. If the whole difference were its doing, over "
            "{months} months it would come to {worth}.", **values,
        )  # fmt: skip
    values = values | {
        "if_so": message(
            "If the whole difference were its doing, and nothing hid a larger one, over {months} "
            "months it would come to {worth} after costs of {cost}.", **values,
        )
    }  # fmt: skip
    if worth.upper < 0:
        if early:
            return message(
                "{name} does not look worth its cost so far{doubt}: {what}. {if_so}", **values
            )
        return message("{name} does not look worth its cost{doubt}: {what}. {if_so}", **values)
    if worth.lower > 0:
        return message(
            "{name} looks worth its cost, which is to be tested{doubt}: {what}. {if_so}", **values
        )
    return message(
        "Whether {name} is worth its cost cannot be told{doubt}: {what}. {if_so}", **values
    )


def arms_sentence(study: ProgrammeStudy) -> str:
    """Each arm by itself, where the finding takes several together; empty with one arm."""
    known = [arm for arm in study.arms if isinstance(arm.effect, Estimate)]
    if not known:
        return ""
    told = [arm.name for arm in known if arm.p_value is not None and arm.p_value < HOLM_LEVEL]
    last = (
        message("Told from chance, with all arms allowed for: {arms}.", arms=", ".join(told))
        if told
        else message("With all arms allowed for, none is told from chance.")
    )
    return message(
        "Its arms are taken together there; one by one: {arms}. {last}", last=last,
        arms=", ".join(f"{arm.name} {format_estimate(arm.effect, 2)}" for arm in known),
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
        "than this comparison does.",
        **values,
    )
