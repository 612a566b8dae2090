"""Spend on satisfaction in words: what survives, whether to trust it, what it is worth."""

from __future__ import annotations

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.spending.checks import LeadCheck
from analysis.methods.spending.ladder import Ladder, Rung, excludes_zero
from analysis.methods.spending.study import SpendStudy
from analysis.methods.spending.worth import WorthStudy
from analysis.presentation.output import disclosed, show_reason, show_sentence
from analysis.presentation.wording import (
    format_count,
    format_estimate,
    format_money,
    format_number,
    format_share,
    message,
)

# Below this p-value an association that must not be there is not put down to chance.
CHECK_P_VALUE = 0.05
TINY_P_VALUE = 0.001


def format_p_value(p_value: float) -> str:
    """A p-value as print gives it."""
    if p_value < TINY_P_VALUE:
        return f"p < {format_number(TINY_P_VALUE, 3)}"
    return f"p = {format_number(p_value, 3)}"


def currency_of(estimate: Estimate) -> str:
    """The currency code of an amount per something."""
    return estimate.unit.split(" ", 1)[0]


def span_of(estimate: Estimate) -> str:
    """The period of an amount per customer and period: "quarter" or "month"."""
    return estimate.unit.rsplit("-", 1)[-1].rsplit(" ", 1)[-1]


def said_count(n: int, disclosure: Disclosure) -> str:
    """A count as it may be published."""
    shown = disclosure.count(n)
    return message("fewer than eight") if shown is None else format_count(shown)


def held_names(study: SpendStudy) -> list[str]:
    """What the second rung holds fixed, as readers know it."""
    words = {
        "segment": message("segment"),
        "acquisition_channel": message("channel"),
        "region": message("region"),
    }
    rows = study.rows
    held = set() if isinstance(rows, NotEstimable) else {c.name for c in rows.categories}
    named = [word for name, word in words.items() if name in held]
    return [*named, message("tenure"), message("period")]


def rung_name(rung_id: str, study: SpendStudy) -> str:
    """A rung of the ladder as readers know it, with the controls that these data have."""
    if rung_id == "customer":
        return message("+ {controls}", controls=", ".join(held_names(study)))
    return {
        "raw": message("Raw: satisfied against dissatisfied"),
        "history": message("+ spend in the period before"),
        "fixed_effects": message("Each customer against itself (defended)"),
    }[rung_id]


def show_rows(study: SpendStudy, disclosure: Disclosure) -> None:
    """Say what the ladder stands on, and what was left out."""
    rows = study.rows
    if isinstance(rows, NotEstimable):
        show_reason(rows)
        return
    show_sentence(
        message(
            "{rows} customer-periods of {customers} customers; left out: {unscored} without an "
            "answer, {stale} whose last answer is older than {days} days, {first} in their first "
            "period. Spend is net of refunds, zero without an order. The answer changes for {changing} "
            "of the customers; the defended comparison draws its slope from them.",
            rows=said_count(rows.n, disclosure),
            customers=said_count(rows.customers, disclosure),
            unscored=said_count(rows.left_out_unscored, disclosure),
            stale=said_count(rows.left_out_stale, disclosure),
            first=said_count(rows.left_out_first, disclosure),
            days=format_count(study.oldest_answer_days),
            changing=said_count(rows.changing_customers, disclosure),
        )
    )


def word_surviving(ladder: Ladder) -> str | NotEstimable:
    """How much of the raw association survives the fair comparison."""
    raw, fixed, share = ladder.raw, ladder.fixed_effects, ladder.share_surviving
    if isinstance(raw, NotEstimable):
        return raw
    if isinstance(fixed, NotEstimable):
        return fixed
    if isinstance(share, NotEstimable):
        return share
    currency = currency_of(raw.slope)
    values = {
        "raw": format_money(raw.slope.value, currency, 2),
        "own": format_money(fixed.slope.value, currency, 2),
        "rest": format_estimate(share, 0),
    }
    assert share.lower is not None
    assert share.upper is not None
    if share.upper < 0:
        return message(
            "The sign turns: compared with one another, customers differ by {raw} per point; "
            "compared with themselves over time, by {own}.",
            **values,
        )
    if share.lower <= 0:
        return message(
            "Whether any of the raw association survives cannot be told from these data: {raw} per "
            "point between customers, {own} within the same customer, a share of {rest}.",
            **values,
        )
    if share.upper < 1:
        said = message(
            "{rest} of the raw association survives: customers who differ by one point differ in "
            "spend by {raw}, but when the same customer's answer changes by one point, spend goes "
            "with it by {own}.",
            **values,
        )
        if raw.slope.value < 0:
            return said + " " + message(
                "That is consistent with customers who are easier to satisfy spending less anyway, and "
                "with noise in single answers; it proves neither."
            )  # fmt: skip
        return said + " " + message(
            "That is consistent with customers who are easier to satisfy spending more anyway, and "
            "with noise in single answers; it proves neither."
        )  # fmt: skip
    if share.lower > 1:
        return message(
            "The association is stronger within the same customer: {raw} per point between "
            "customers, {own} when a customer's own answer changes ({rest}).",
            **values,
        )
    return message(
        "The association holds up as far as these data can tell: {raw} per point between customers, "
        "{own} within the same customer ({rest}).",
        **values,
    )


def word_sign_flip(first: str, second: str, study: SpendStudy) -> str:
    """That a sign changes between two rungs, why, and which rung answers the question."""
    ladder = study.spend
    rungs = {rung.id: rung for rung in ladder.rungs if isinstance(rung, Rung)}
    said = message(
        "The sign changes between “{first}” and “{second}”.",
        first=rung_name(first, study), second=rung_name(second, study),
    )  # fmt: skip
    before, after = rungs[first], rungs[second]
    currency = currency_of(after.slope)
    if second == "fixed_effects":
        between = ladder.between if isinstance(ladder.between, Estimate) else before.slope
        why = message(
            "Customers whose answers are higher on average differ in spend by {between} per point, "
            "for whatever makes them who they are; when one customer's own answer rises, spend goes "
            "with it by {own}.",
            between=format_money(between.value, currency, 2),
            own=format_money(after.slope.value, currency, 2),
        )
    else:
        earlier = dict(before.moved_by)
        moved = {name: amount - earlier.get(name, 0.0) for name, amount in after.moved_by}
        most = max(moved, key=lambda name: (abs(moved[name]), name))
        why = message(
            "Customers with higher answers differ in {what}, and that alone accounts for {amount} of "
            "the first slope.",
            what=moved_name(most), amount=format_money(moved[most], currency, 2),
        )  # fmt: skip
    if isinstance(ladder.fixed_effects, NotEstimable):
        answer = message(
            "The question is about one customer at different times; that comparison cannot be made here."
        )
    else:
        answer = message(
            "The question is about one customer at different times: the defended comparison answers it."
        )
    return f"{said} {why} {answer}"


def moved_name(name: str) -> str:
    """What is held fixed, in words."""
    return {
        "segment": message("segment"),
        "acquisition_channel": message("channel"),
        "region": message("region"),
        "tenure": message("tenure"),
        "period": message("period"),
        "previous_spend": message("spend in the period before"),
    }.get(name, name.replace("_", " "))


def show_surviving(study: SpendStudy) -> None:
    """Show how much survives, and any sign that turns between comparisons.

    Nothing where no comparison stands: the table says why.
    """
    if isinstance(study.rows, NotEstimable):
        return
    sentence = word_surviving(study.spend)
    if isinstance(sentence, NotEstimable):
        show_reason(sentence)
    else:
        show_sentence(sentence)
    for first, second in study.spend.sign_flips:
        show_sentence(word_sign_flip(first, second, study))


def word_feedback(check: LeadCheck) -> str:
    """Whether the next score goes with present spend, and what the check could have seen."""
    values = _check_values(check)
    if check.p_value < CHECK_P_VALUE:
        return message(
            "Feedback check: the next score goes with present spend ({said} per point, {p}). Spend may "
            "move scores, something may move both, or single answers are noisy; read the defended "
            "figure with care.",
            **values,
        )
    return message(
        "Feedback check: no evidence that spend moves scores. The next score goes with present spend "
        "by {said} per point ({p}); {detectable} or more would have been seen in four samples of five, "
        "a smaller one may have been missed.",
        **values,
    )


def word_control(check: LeadCheck) -> str:
    """Whether a score given after a period had closed goes with its spend."""
    values = _check_values(check)
    if check.p_value < CHECK_P_VALUE:
        return message(
            "Negative control: an answer given after a period had closed goes with its spend all the "
            "same ({said} per point, {p}). A score cannot move spend that came before it, so something "
            "else is at work, and the defended figure holds some of it.",
            **values,
        )
    return message(
        "Negative control: no association between spend and an answer given after its period had "
        "closed could be told from chance ({said} per point, {p}; {detectable} or more would have been "
        "seen in four samples of five).",
        **values,
    )


def _check_values(check: LeadCheck) -> dict[str, str]:
    return {
        "said": format_estimate(check.slope, 2),
        "p": format_p_value(check.p_value),
        "detectable": format_money(check.detectable, currency_of(check.slope), 2),
    }


def word_reliability(study: SpendStudy, disclosure: Disclosure) -> str | NotEstimable:
    """How noisy single answers are, and the slope without the noise."""
    reliability, fixed = study.reliability, study.spend.fixed_effects
    if isinstance(fixed, NotEstimable):
        return fixed
    if isinstance(reliability, NotEstimable):
        return reliability
    said = message(
        "Noise in single answers: judged by {pairs} pairs of answers of one customer a few weeks apart, "
        "{within} of what moves a customer's score is change that lasts (of all differences in score, "
        "those between customers among them, {between}).",
        pairs=said_count(reliability.pairs, disclosure),
        within=format_estimate(reliability.within, 0),
        between=format_estimate(reliability.between, 0),
    )
    if isinstance(reliability.corrected, NotEstimable):
        return f"{said} {reliability.corrected.reason}"
    return said + " " + message(
        "If spend goes with what lasts, the slope is {corrected} per point rather than {own}; if it "
        "goes with the single experience, the defended slope stands.",
        corrected=format_estimate(reliability.corrected, 2),
        own=format_estimate(fixed.slope, 2),
    )  # fmt: skip


def show_trust(study: SpendStudy) -> None:
    """Say what the checks found: feedback and the negative control."""
    fixed, feedback, control = study.spend.fixed_effects, study.feedback, study.control
    if isinstance(fixed, NotEstimable):
        show_reason(fixed)
        return
    show_each(
        NotEstimable(message("Feedback check: {reason}", reason=feedback.reason))
        if isinstance(feedback, NotEstimable)
        else word_feedback(feedback),
        NotEstimable(message("Negative control: {reason}", reason=control.reason))
        if isinstance(control, NotEstimable)
        else word_control(control),
    )


def show_noise(study: SpendStudy, disclosure: Disclosure) -> None:
    """Say how noisy single answers are, and the slope without the noise."""
    show_each(word_reliability(study, disclosure))


def show_each(*said: str | NotEstimable) -> None:
    """Show sentences one after the other; a reason that several share, once."""
    for sentence in dict.fromkeys(said):
        if isinstance(sentence, NotEstimable):
            show_reason(sentence)
        else:
            show_sentence(sentence)


def word_worth(worth: WorthStudy, disclosure: Disclosure) -> str | NotEstimable:
    """What a point goes with over the horizon, and why nothing in it counts twice."""
    horizon, ratio = worth.csat.horizon, worth.csat.hazard_ratio
    if isinstance(horizon, NotEstimable):
        return horizon
    shown = disclosed(horizon.total, disclosure)
    if isinstance(shown, NotEstimable):
        return shown
    assert isinstance(ratio, Estimate)
    total, by_spend, by_staying = horizon.total, horizon.by_spend, horizon.by_staying
    spend_words = (
        message("higher spend of those who stay")
        if by_spend.value >= 0
        else message("lower spend of those who stay")
    )
    staying_words = (
        message("more of them staying")
        if by_staying.value >= 0
        else message("fewer of them staying")
    )
    said = message(
        "Over {months} months, one point goes with {total} of margin, discounted, for active customers "
        "who can gain one and whose horizon lies within what was observed ({customers}): {spend} lies in "
        "{spend_words}, {staying} in {staying_words} (hazard ratio {ratio} per point).",
        months=worth.horizon_months,
        total=format_estimate(total, 0),
        customers=said_count(horizon.customers, disclosure),
        spend=format_estimate(by_spend, 0),
        staying=format_estimate(by_staying, 0),
        spend_words=spend_words,
        staying_words=staying_words,
        ratio=format_estimate(ratio),
    )
    reason = message(
        "A customer who leaves is counted once, in the share that stays: the margin is that of customers "
        "who stay through the whole period."
    )
    left = ""
    if horizon.left_out:
        left = " " + message(
            "Left out, rather than extrapolated: those whose horizon lies beyond follow-up ({left}).",
            left=said_count(horizon.left_out, disclosure),
        )
    opposed = ""
    if (
        excludes_zero(by_spend)
        and excludes_zero(by_staying)
        and by_spend.value * by_staying.value < 0
    ):
        opposed = " " + message(
            "The two pull in opposite directions: spend and staying do not go with satisfaction alike "
            "in this company."
        )
    return f"{said} {reason}{left}{opposed}"


def show_worth_sentence(worth: WorthStudy, disclosure: Disclosure) -> None:
    """Show what a point goes with over the horizon."""
    said = word_worth(worth, disclosure)
    if isinstance(said, NotEstimable):
        show_reason(said)
    else:
        show_sentence(said)


def share_of_raw(rung: Rung, ladder: Ladder) -> str:
    """A rung's slope as a share of the raw one; "" where the raw one may be zero."""
    raw = ladder.raw
    if isinstance(raw, NotEstimable) or not excludes_zero(raw.slope):
        return ""
    if rung.id == "fixed_effects" and isinstance(ladder.share_surviving, Estimate):
        # The share that the sentence beneath gives with its interval.
        return format_share(ladder.share_surviving.value, 0)
    return format_share(rung.slope.value / raw.slope.value, 0)
