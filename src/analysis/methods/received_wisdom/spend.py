"""Satisfied customers spend more; loyal ones mind the price less: from the studies of spend."""

from __future__ import annotations

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.received_wisdom.reading import Reading
from analysis.methods.received_wisdom.records import CompanyRecords, answers_to
from analysis.methods.spending.ladder import Rung
from analysis.methods.spending.prices import study_prices
from analysis.methods.spending.study import SpendStudy

SMALLEST_SHARE_OF_SPEND = 0.02
SMALLEST_RESPONSE = 0.2


def satisfied_spend(study: SpendStudy) -> Reading:
    """The defended slope, each customer against itself, with the raw one and what is left of it.

    Raises CannotEstimate where there is no such slope.
    """
    fixed, rows = study.spend.fixed_effects, study.rows
    if isinstance(fixed, NotEstimable):
        raise CannotEstimate(fixed.reason)
    assert not isinstance(rows, NotEstimable)  # a slope was fitted to them
    asides: dict[str, Estimate] = {}
    if isinstance(study.spend.raw, Rung):
        asides["as it stands, between customers"] = study.spend.raw.slope
    if isinstance(study.spend.share_surviving, Estimate):
        asides["share of that which is left"] = study.spend.share_surviving
    smallest = SMALLEST_SHARE_OF_SPEND * abs(float(rows.spend.mean()))
    return Reading(fixed.slope, "association", 0.0, 1, smallest, asides=asides)


def mind_price_less(records: CompanyRecords) -> Reading:
    """Response of order size to the price, promoters less detractors: below zero, they mind less.

    Raises CannotEstimate where it cannot be measured.
    """
    carried = records.transactions.columns
    if not any(name in carried for name in ("discount", "list_price")):
        raise CannotEstimate(
            "Needs transactions.discount or transactions.list_price, which the export does not carry."
        )
    answers_to(records, "nps")
    prices = study_prices(records.transactions, records.surveys)
    difference, at_discount = prices.response_difference, prices.at_discount_difference
    if isinstance(difference, NotEstimable):
        raise CannotEstimate(difference.reason)
    asides = {}
    if isinstance(at_discount, Estimate):
        asides["orders at a discount, promoters less detractors"] = at_discount
    return Reading(difference, "association", 0.0, -1, SMALLEST_RESPONSE, asides=asides)
