"""Findings and sentences on churn."""

from __future__ import annotations

import numpy as np

from analysis.disclosure import Disclosure
from analysis.methods.estimate import CannotEstimate, Estimate, Finding, NotEstimable, attempt
from analysis.methods.survival.hazard import SCORE, HazardModel
from analysis.methods.survival.nonparametric import SurvivalCurve
from analysis.methods.survival.study import ChurnStudy
from analysis.presentation.published import round_estimate
from analysis.presentation.wording import (
    format_estimate,
    format_number,
    format_share,
    message,
)

TINY_P_VALUE = 0.001
A_YEAR = 12.0
# An intake that must have been several times today's speaks against the count that implies it.
IMPLAUSIBLE_INTAKE_RATIO = 3.0


def format_p_value(p_value: float) -> str:
    """A p-value as print gives it."""
    return "p < 0.001" if p_value < TINY_P_VALUE else f"p = {format_number(p_value, 3)}"


def refuse_few(curve: SurvivalCurve, months: float, disclosure: Disclosure) -> None:
    """Raise CannotEstimate where fewer than eight have left by a time, or are at risk then."""
    place = int(np.searchsorted(curve.times, months, side="right")) - 1
    if place < 0:
        return
    few_left = disclosure.suppressed(int(curve.events[: place + 1].sum()))
    if few_left or disclosure.suppressed(int(curve.at_risk[place])):
        raise CannotEstimate(message("Withheld: it rests on fewer than eight customers."))


def level_shown(curve: SurvivalCurve, months: float, disclosure: Disclosure) -> Estimate:
    """The curve's level at a time, as it may be published.

    Raises CannotEstimate beyond follow-up, and where too few have left by then or are at risk.
    """
    level = curve.at(months)
    refuse_few(curve, months, disclosure)
    return round_estimate(level, disclosure)


def median_shown(curve: SurvivalCurve, disclosure: Disclosure) -> Estimate:
    """The curve's median, as it may be published. Raises CannotEstimate where it may not."""
    median = curve.median()
    refuse_few(curve, median.value, disclosure)
    return round_estimate(median, disclosure)


def said_median(curve: SurvivalCurve, disclosure: Disclosure) -> str:
    """The median in words, or that it is withheld or lies beyond follow-up."""
    if isinstance(attempt(curve.median), NotEstimable):
        return message("median beyond follow-up")
    median = attempt(median_shown, curve, disclosure)
    if isinstance(median, NotEstimable):
        return message("median withheld")
    return message("median {months} months", months=format_number(median.value, 0))


def held_equal(study: ChurnStudy) -> str:
    """What the model holds equal beside the score, in words: "contract, segment"; "" if nothing."""
    model = study.chosen_model
    if not isinstance(model, HazardModel):
        return ""
    columns = [name.split(": ")[0] for name in model.fit.names if name != SCORE]
    names = dict.fromkeys([model.stratified_by, *columns] if model.stratified_by else columns)
    return ", ".join(name.replace("_", " ") for name in names)


def find_stay(study: ChurnStudy) -> Finding | NotEstimable:
    """Whether satisfied customers stay, worded by what the data show."""
    ratio = study.score_hazard_ratio
    if isinstance(ratio, NotEstimable):
        return ratio
    assert ratio.lower is not None
    assert ratio.upper is not None
    share = format_share(abs(1 - ratio.value), 0)
    ends = sorted(abs(1 - limit) for limit in (ratio.lower, ratio.upper))
    limits = message("{low} to {high}", low=format_share(ends[0], 0), high=format_share(ends[1], 0))
    said = message("hazard ratio {ratio}", ratio=format_estimate(ratio))
    if ratio.upper < 1:
        sentence = message(
            "Customers whose last answer is one point higher leave at a rate that is {share} ({limits}) "
            "lower. That is a hazard ratio of {ratio}.", share=share, limits=limits, ratio=format_estimate(ratio),
        )  # fmt: skip
    elif ratio.lower > 1:
        sentence = message(
            "Customers whose last answer is one point higher leave at a rate that is {share} ({limits}) "
            "higher. That is a hazard ratio of {ratio}.", share=share, limits=limits, ratio=format_estimate(ratio),
        )  # fmt: skip
    else:
        sentence = message(
            "Whether satisfied customers stay longer cannot be told from these data ({said}).",
            said=said,
        )
    estimates = {"hazard-ratio-per-point": ratio}
    money = study.worth if isinstance(study.worth, Estimate) else None
    if money:
        estimates["worth"] = money
    return Finding(
        id="satisfied-customers-stay",
        sentence=sentence,
        estimates=estimates,
        label="association",
        assumption=message(
            "Assumes that customers alike in what is recorded ({recorded}) differ in nothing else that moves "
            "both their answers and their leaving.",
            recorded=recorded,
        )
        if (recorded := held_equal(study))
        else message(
            "Assumes that customers differ in nothing that moves both their answers and their leaving: "
            "nothing is recorded that could be held equal."
        ),
        money=money,
    )


def find_retention(study: ChurnStudy, disclosure: Disclosure) -> Finding | NotEstimable:
    """Retention after a year; from a snapshot, both answers and neither as the right one."""
    year = study.retention_after_year
    if isinstance(year, NotEstimable):
        return year
    if isinstance(study.overall, SurvivalCurve):
        withheld = attempt(level_shown, study.overall, A_YEAR, disclosure)
        if isinstance(withheld, NotEstimable):
            return withheld
    assumption = message("Assumes that customers not yet gone will leave as those before them did.")
    if not study.is_snapshot:
        return Finding(
            id="retention-12-months",
            sentence=message(
                "{share} of new customers are still there after a year.",
                share=format_estimate(year),
            )
            if study.spells == study.customers
            else message(
                "{share} of customers who start, or come back, are still there after a year.",
                share=format_estimate(year),
            ),
            estimates={"retention-12-months": year},
            label="description",
            assumption=assumption,
        )
    if isinstance(study.overall_naive, NotEstimable):
        return study.overall_naive
    naive = attempt(level_shown, study.overall_naive, A_YEAR, disclosure)
    if isinstance(naive, NotEstimable):
        return naive
    low, high = sorted((year, naive), key=lambda level: level.value)
    return Finding(
        id="retention-12-months",
        sentence=message(
            "Between {low} and {high} of new customers are still there after a year: this snapshot cannot "
            "say more, because it does not show who left before it.",
            low=format_estimate(low, 0),
            high=format_estimate(high, 0),
        ),
        estimates={"counted-from-the-start": naive, "counted-from-the-window-on": year},
        label="description",
        assumption=message(
            "The one assumes that nobody joined and left unseen, the other that today's risk at each tenure has "
            "always been the same."
        ),
    )
