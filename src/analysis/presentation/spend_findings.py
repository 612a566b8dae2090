"""Findings on spend, and what the design audit found: what a point goes with, what misleads."""

from __future__ import annotations

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Finding, NotEstimable
from analysis.methods.spending.checks import LeadCheck
from analysis.methods.spending.ladder import Rung, excludes_zero
from analysis.methods.spending.study import SpendStudy
from analysis.methods.spending.worth import WorthStudy
from analysis.presentation.output import show_finding, show_sentence
from analysis.presentation.spend_words import CHECK_P_VALUE, said_count, span_of
from analysis.presentation.wording import format_estimate, message


def find_spend(study: SpendStudy, worth: WorthStudy | None = None) -> Finding | NotEstimable:
    """The finding on spend, worded by what the data show."""
    fixed = study.spend.fixed_effects
    if isinstance(fixed, NotEstimable):
        return fixed
    slope = fixed.slope
    assert slope.lower is not None
    assert slope.upper is not None
    values = {"said": format_estimate(slope, 2), "span": span_of(slope)}
    if slope.lower > 0:
        sentence = message(
            "When a customer's satisfaction is one point higher than it used to be, spend is "
            "{said} higher per {span}.",
            **values,
        )
    elif slope.upper < 0:
        sentence = message(
            "When a customer's satisfaction is one point higher than it used to be, spend is lower: "
            "{said} per {span}.",
            **values,
        )
    else:
        sentence = message(
            "Whether spend goes with a customer's own satisfaction cannot be told from these data: "
            "{said} per point and {span}.",
            **values,
        )
    estimates: dict[str, Estimate] = {"slope": slope}
    if isinstance(study.spend.raw, Rung):
        estimates["raw-slope"] = study.spend.raw.slope
    if isinstance(study.spend.share_surviving, Estimate):
        estimates["share-surviving"] = study.spend.share_surviving
    money = None
    if worth is not None and not isinstance(worth.csat.horizon, NotEstimable):
        money = worth.csat.horizon.by_spend
        estimates["worth-with-staying"] = worth.csat.horizon.total
    return Finding(
        id="satisfied-customers-spend-more",
        sentence=sentence,
        estimates=estimates,
        label="association",
        assumption=_word_assumption(study, money is not None),
        money=money,
    )


def _word_assumption(study: SpendStudy, with_money: bool) -> str:
    """What the finding rests on, and whether a check speaks against it."""
    said = message(
        "Assumes that nothing that changes over time moves both satisfaction and spend, and that "
        "past spend does not move scores."
    )
    checks = [check for check in (study.feedback, study.control) if isinstance(check, LeadCheck)]
    if any(check.p_value < CHECK_P_VALUE for check in checks):
        said += " " + message("A check speaks against that: a later score goes with earlier spend.")
    elif not checks:
        said += " " + message("These data do not allow a check of that.")
    if with_money:
        said += " " + message(
            "The money is that of customers who stay; what staying itself is worth belongs to the "
            "finding on churn."
        )
    return said


def find_raw_slope(study: SpendStudy) -> Finding | None:
    """What the raw figure would have made of a point, where that differs from the defended one.

    None unless the raw interval excludes the defended slope and their difference is more than
    chance allows, which a defended slope known only roughly does not show.
    """
    ladder = study.spend
    raw, fixed, difference = ladder.raw, ladder.fixed_effects, ladder.difference
    if not (isinstance(raw, Rung) and isinstance(fixed, Rung) and isinstance(difference, Estimate)):
        return None
    low, high = raw.slope.lower, raw.slope.upper
    if low is None or high is None or low <= fixed.slope.value <= high:
        return None
    if not excludes_zero(difference):
        return None
    values = {
        "raw": format_estimate(raw.slope, 2),
        "own": format_estimate(fixed.slope, 2),
        "span": span_of(raw.slope),
    }
    told = excludes_zero(raw.slope) and excludes_zero(fixed.slope)
    if told and raw.slope.value * fixed.slope.value < 0:
        kind = "turns"
        sentence = message(
            "Customers set against one another point the other way: {raw} per point and {span}, "
            "against {own} when each is compared with itself.",
            **values,
        )
    elif abs(raw.slope.value) > abs(fixed.slope.value):
        kind = "overstates"
        sentence = message(
            "Setting satisfied customers against dissatisfied ones overstates what goes with a point: "
            "{raw} per {span}, against {own} when each is compared with itself.",
            **values,
        )
    else:
        kind = "understates"
        sentence = message(
            "Setting satisfied customers against dissatisfied ones understates what goes with a "
            "point: {raw} per {span}, against {own} when each is compared with itself.",
            **values,
        )
    estimates = {"raw-slope": raw.slope, "slope": fixed.slope, "difference": difference}
    if isinstance(ladder.share_surviving, Estimate):
        estimates["share-surviving"] = ladder.share_surviving
    return Finding(
        id=f"raw-slope-{kind}",
        sentence=sentence,
        estimates=estimates,
        label="description",
        assumption=message(
            "Both figures rest on the same customers and periods. Noise in single answers can be part "
            "of the difference."
        ),
    )


def show_spend_finding(study: SpendStudy, worth: WorthStudy, disclosure: Disclosure) -> None:
    """Show the finding on spend."""
    show_finding(find_spend(study, worth), disclosure=disclosure)


def show_raw_finding(study: SpendStudy, disclosure: Disclosure) -> None:
    """Show, where the raw figure misleads, the finding that it does."""
    raw = find_raw_slope(study)
    if raw is not None:
        show_finding(raw, disclosure=disclosure)


def show_audit(study: SpendStudy, disclosure: Disclosure) -> None:
    """Show what the design audit found, in one paragraph."""
    if not study.audit and isinstance(study.rows, NotEstimable):
        show_sentence(
            message(
                "Design audit: nothing to remark on in who leaves, when answers are dated and who "
                "answers; the rest cannot be looked at without rows."
            )
        )
        return
    if not study.audit:
        show_sentence(
            message(
                "Design audit: nothing to remark on (customers who leave, dates of answers, who "
                "answers, age of answers, what is held fixed, number of customers)."
            )
        )
        return
    said = []
    for remark in study.audit:
        sentence = remark.sentence
        if "customers" in remark.counts:
            sentence += " " + message(
                "Customers concerned: {count}.",
                count=said_count(remark.counts["customers"], disclosure),
            )
        said.append(sentence)
    show_sentence(message("Design audit: {remarks}", remarks=" ".join(said)))
