"""Findings and sentences on churn."""

from __future__ import annotations

from analysis.methods.estimate import Estimate, Finding, NotEstimable, attempt
from analysis.methods.survival.nonparametric import SurvivalCurve
from analysis.methods.survival.study import ChurnStudy
from analysis.presentation.wording import (
    format_estimate,
    format_number,
    format_share,
    message,
)

TINY_P_VALUE = 0.001
# An intake that must have been several times today's speaks against the count that implies it.
IMPLAUSIBLE_INTAKE_RATIO = 3.0


def format_p_value(p_value: float) -> str:
    """A p-value as print gives it."""
    return "p < 0.001" if p_value < TINY_P_VALUE else f"p = {format_number(p_value, 3)}"


def said_median(curve: SurvivalCurve) -> str:
    """The median in words, or that it lies beyond follow-up."""
    median = attempt(curve.median)
    if isinstance(median, NotEstimable):
        return message("median beyond follow-up")
    return message("median {months} months", months=format_number(median.value, 0))


def find_stay(study: ChurnStudy) -> Finding | NotEstimable:
    """Whether satisfied customers stay, worded by what the data show."""
    ratio = study.score_hazard_ratio
    if isinstance(ratio, NotEstimable):
        return ratio
    assert ratio.lower is not None
    assert ratio.upper is not None
    share = format_share(abs(1 - ratio.value), 0)
    said = message("hazard ratio {ratio}", ratio=format_estimate(ratio))
    if ratio.upper < 1:
        sentence = message(
            "Customers whose last answer is one point higher leave at a rate that is {share} lower ({said}).",
            share=share, said=said,
        )  # fmt: skip
    elif ratio.lower > 1:
        sentence = message(
            "Customers whose last answer is one point higher leave at a rate that is {share} higher ({said}).",
            share=share, said=said,
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
            "Assumes that customers with the same contract, segment and channel differ in nothing else that "
            "moves both their answers and their leaving."
        ),
        money=money,
    )


def find_retention(study: ChurnStudy) -> Finding | NotEstimable:
    """Retention after a year; from a snapshot, both answers and neither as the right one."""
    year = study.retention_after_year
    if isinstance(year, NotEstimable):
        return year
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
    naive = attempt(study.retention, study.overall_naive, 12)
    if isinstance(naive, NotEstimable):
        return naive
    return Finding(
        id="retention-12-months",
        sentence=message(
            "Between {low} and {high} of new customers are still there after a year: this snapshot cannot "
            "say more, because it does not show who left before it.",
            low=format_share(min(year.value, naive.value), 0),
            high=format_share(max(year.value, naive.value), 0),
        ),
        estimates={"counted-from-the-start": naive, "counted-from-the-window-on": year},
        label="description",
        assumption=assumption,
    )
