"""The appendix on spend in sentences: shape, relative form, who answers, prices."""

from __future__ import annotations

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.spending.checks import LeadCheck
from analysis.methods.spending.forms import Forms
from analysis.methods.spending.ladder import excludes_zero
from analysis.methods.spending.prices import PriceGroup, PriceStudy
from analysis.methods.spending.shape import GainAndLoss, StepMeans
from analysis.methods.spending.silence import WeightedSlope
from analysis.methods.spending.study import SpendDepth
from analysis.presentation.output import disclosed, show_reason, show_table
from analysis.presentation.spend_words import (
    CHECK_P_VALUE,
    format_p_value,
    said_count,
    show_each,
)
from analysis.presentation.tables import html_table
from analysis.presentation.wording import (
    format_estimate,
    format_estimate_lines,
    format_number,
    format_share,
    message,
)


def word_straight(steps: StepMeans) -> str | NotEstimable:
    """Whether spend rises by the same amount with each point."""
    p_value = steps.straight_p_value
    if isinstance(p_value, NotEstimable):
        return p_value
    if p_value < CHECK_P_VALUE:
        return message(
            "The points are not worth the same: a straight line within customers is rejected ({p}), so "
            "the slope is an average over steps of different size; read the figure instead.",
            p=format_p_value(p_value),
        )
    return message(
        "No bend could be told from chance: within customers every point goes with about the same "
        "spend ({p} against a straight line).",
        p=format_p_value(p_value),
    )


def word_gain_and_loss(found: GainAndLoss) -> str:
    """Whether losing a point goes with more than gaining one."""
    values = {
        "gain": format_estimate(found.gain, 2),
        "loss": format_estimate(found.loss, 2),
        "asymmetry": format_estimate(found.asymmetry, 2),
        "p": format_p_value(found.p_value),
    }
    said = message(
        "From one period to the next, spend changes by {gain} with a point gained and by {loss} with "
        "a point lost, among those who answered in between.",
        **values,
    )
    if found.p_value >= CHECK_P_VALUE:
        return said + " " + message(
            "That losses weigh differently from gains could not be told from chance (difference in "
            "size {asymmetry}, {p}).", **values,
        )  # fmt: skip
    if found.asymmetry.value > 0:
        return said + " " + message(
            "Losses weigh more than gains (difference in size {asymmetry}, {p}).", **values
        )  # fmt: skip
    return said + " " + message(
        "Losses weigh less than gains (difference in size {asymmetry}, {p}).", **values
    )  # fmt: skip


def word_aging(found: LeadCheck) -> str:
    """Whether the slope changes as answers age."""
    values = {"said": format_estimate(found.slope, 2), "p": format_p_value(found.p_value)}
    if found.p_value >= CHECK_P_VALUE:
        return message(
            "That the slope changes as answers age could not be told from chance ({said} for each period "
            "that an answer is older, {p}).",
            **values,
        )
    return message(
        "The slope changes as answers age, by {said} for each period that an answer is older ({p}): the "
        "last answer does not tell today's satisfaction equally well for all.",
        **values,
    )


def show_shape(depth: SpendDepth) -> None:
    """Say whether the line is straight, whether losses weigh as gains do, and answers keep."""
    steps, gains, aging = depth.steps, depth.gain_and_loss, depth.aging
    show_each(
        steps if isinstance(steps, NotEstimable) else word_straight(steps),
        gains if isinstance(gains, NotEstimable) else word_gain_and_loss(gains),
        aging if isinstance(aging, NotEstimable) else word_aging(aging),
    )


def word_relative(forms: Forms, disclosure: Disclosure) -> str | NotEstimable:
    """The slope in per cent, and whether it is buying at all or the size of the spend."""
    relative = forms.elasticity
    if isinstance(relative, NotEstimable):
        return relative
    assert relative.lower is not None
    assert relative.upper is not None
    size = format_estimate(relative, 1)
    if relative.lower > 0:
        said = message(
            "In relative terms, spend of the same customer is {size} higher per point (Poisson "
            "pseudo-likelihood within customers and periods, zeros included).",
            size=size,
        )
    elif relative.upper < 0:
        said = message(
            "In relative terms, spend of the same customer is lower with every point: {size} (Poisson "
            "pseudo-likelihood within customers and periods, zeros included).",
            size=size,
        )
    else:
        said = message(
            "In relative terms, no difference per point could be told from chance: {size} (Poisson "
            "pseudo-likelihood within customers and periods, zeros included).",
            size=size,
        )
    if forms.set_to_zero:
        said += " " + message(
            "Periods in which refunds exceed purchases ({rows}) count as zero in it.",
            rows=said_count(forms.set_to_zero, disclosure),
        )
    return said


def word_parts(forms: Forms) -> str | NotEstimable:
    """Whether it is more periods with spend, more spend in them, or both."""
    buying, more = forms.buying, forms.if_buying
    if isinstance(more, NotEstimable):
        return more
    if isinstance(buying, NotEstimable):
        return buying
    values = {
        "mean": format_share(forms.mean_buying, 0),
        "buying": format_number(100 * buying.value, 1),
        "low": format_number(100 * (buying.lower or 0.0), 1),
        "high": format_number(100 * (buying.upper or 0.0), 1),
        "more": format_estimate(more, 2),
    }
    said = message(
        "In two parts: there is spend in {mean} of all rows; with each point that share differs by "
        "{buying} percentage points ({low} to {high}), and spend, where there is any, by {more}. The "
        "second part compares periods that were chosen by having spend.",
        **values,
    )
    return said


def show_forms_sentences(depth: SpendDepth, disclosure: Disclosure) -> None:
    """Say what the other forms add; nothing where the table has said why there are none."""
    forms = depth.forms
    if isinstance(forms, NotEstimable):
        return
    show_each(word_relative(forms, disclosure), word_parts(forms))


def word_silence(silence: WeightedSlope) -> str:
    """What weighting for who answers does to the slope."""
    values = {
        "invited": format_share(silence.share_invited, 0),
        "answered": format_share(silence.share_answered, 0),
        "slope": format_estimate(silence.slope, 2),
        "shift": format_estimate(silence.shift, 2),
        "effective": format_share(silence.effective_share, 0),
    }
    said = message(
        "Who answers: {invited} of active customers are invited in a period, and {answered} of those "
        "invited answer. Weighted for both by what was known before, the defended slope is {slope}; "
        "that differs from the same rows unweighted by {shift}. Weighting costs precision: the answers "
        "tell as much as {effective} of their number would unweighted.",
        **values,
    )
    if excludes_zero(silence.shift):
        said += " " + message("The weights move it by more than chance: who answers matters here.")
    else:
        said += " " + message("The weights do not move it by more than chance.")
    return said + " " + message(
        "Weights cannot mend answering that depends on spend among customers with the same score."
    )  # fmt: skip


def show_silence(depth: SpendDepth) -> None:
    """Say what weighting for who answers does."""
    silence = depth.silence
    show_each(silence if isinstance(silence, NotEstimable) else word_silence(silence))


def word_prices(prices: PriceStudy) -> str | NotEstimable:
    """Whether promoters buy less at a discount, or react less to prices, than detractors."""
    parts = []
    share, response = prices.at_discount_difference, prices.response_difference
    if isinstance(share, Estimate):
        low, high = (format_number(100 * (x or 0.0), 1) for x in (share.lower, share.upper))
        value = format_number(100 * share.value, 1)
        parts.append(
            message(
                "Promoters less detractors: the share of orders at a reduced price differs by {value} "
                "percentage points ({low} to {high}).",
                value=value, low=low, high=high,
            )
        )  # fmt: skip
        if not excludes_zero(share):
            parts.append(message("That is within what chance allows."))
    if isinstance(response, Estimate):
        parts.append(
            message(
                "The response of an order's size (per cent larger for a price lower by one per cent, "
                "within customers) differs by {value}.",
                value=format_estimate(response, 2),
            )
        )
        if not excludes_zero(response):
            parts.append(message("That too could be chance."))
    if parts:
        return " ".join(parts)
    assert isinstance(share, NotEstimable)
    return share


def _price_row(group: PriceGroup, disclosure: Disclosure) -> list[str]:
    names = {
        "detractors": message("detractors"),
        "passives": message("passives"),
        "promoters": message("promoters"),
    }
    return [
        names[group.name],
        said_count(group.orders, disclosure),
        format_estimate_lines(disclosed(group.at_discount, disclosure)),
        format_estimate_lines(disclosed(group.response, disclosure), 2),
    ]


def show_prices(depth: SpendDepth, disclosure: Disclosure) -> None:
    """Price sensitivity by NPS group, or that no price is carried."""
    prices = depth.prices
    if isinstance(prices, NotEstimable):
        show_reason(prices)
        return
    show_each(word_prices(prices))
    header = [
        message("NPS group"),
        message("Orders"),
        message("At a reduced price"),
        message("Order size, per cent per per cent"),
    ]
    lines = [_price_row(group, disclosure) for group in prices.groups]
    caption = message("Price sensitivity by NPS group, 95% intervals")
    note = message(
        "Associations within customers. A reduction by a fixed amount is a larger share of a small "
        "order, which by itself pulls the last column down."
    )
    show_table(html_table(header, lines, caption, note=note))
