"""Every claim beside this company's figure: the table of notebook 07."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import Estimate, Label, NotEstimable, attempt
from analysis.methods.intervals import holm
from analysis.methods.lifetime_value.retention_worth import RetentionWorth
from analysis.methods.programme_effect.results import ProgrammeStudy
from analysis.methods.received_wisdom import claims
from analysis.methods.received_wisdom.channels import consistent_channels
from analysis.methods.received_wisdom.claims import Claim
from analysis.methods.received_wisdom.costs import winning_against_keeping
from analysis.methods.received_wisdom.programmes import programme_return
from analysis.methods.received_wisdom.reading import Reading
from analysis.methods.received_wisdom.records import CompanyRecords, demand
from analysis.methods.received_wisdom.recovery import called_back, recovered_spend
from analysis.methods.received_wisdom.referrals import referrals_by_promoters
from analysis.methods.received_wisdom.repeat_buyers import later_half_year, nearest_half_year
from analysis.methods.received_wisdom.retention import retention_lift
from analysis.methods.received_wisdom.service import fast_replies, less_effort
from analysis.methods.received_wisdom.spend import mind_price_less, satisfied_spend
from analysis.methods.received_wisdom.staying import (
    categories_hold,
    early_against_late,
    satisfied_stay,
)
from analysis.methods.received_wisdom.verdicts import Verdict, judge
from analysis.methods.spending.study import SpendStudy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CompanyRecords", "ReceivedWisdom", "Row", "study_received_wisdom"]


# What tests that rest on other studies need at the least: table and columns.
NEEDED = {
    claims.FIVE_POINTS: ("customers", "started_on"),
    claims.FIVE_PER_CENT: ("customers", "started_on"),
    claims.STAY: ("surveys", "score"),
    claims.SPEND: ("surveys", "score"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One claim with its reading and verdict.

    about: the programme it is about, else "". p_value: of no difference, None where nothing is
    tested. p_value_holm: the same over all rows that test something.
    """

    claim: Claim
    reading: Reading | NotEstimable
    verdict: Verdict
    about: str = ""
    p_value: float | None = None
    p_value_holm: float | None = None

    @property
    def label(self) -> Label | None:
        """What kind of evidence; None where there is none."""
        return None if isinstance(self.reading, NotEstimable) else self.reading.label


@dataclass(frozen=True, slots=True)
class ReceivedWisdom:
    """All rows in the order of the catalogue; nearest: the latest half-year that can be set beside
    the first, by its last month, where the published one cannot."""

    rows: tuple[Row, ...]
    nearest: tuple[int, Reading] | NotEstimable

    @property
    def tested(self) -> int:
        """How many p-values the correction is over."""
        return sum(row.p_value is not None for row in self.rows)


def study_received_wisdom(
    records: CompanyRecords,
    hazard_ratio: Estimate | NotEstimable,
    spend: SpendStudy,
    worth: tuple[RetentionWorth, RetentionWorth] | NotEstimable,
    programmes: tuple[ProgrammeStudy, ...] = (),
    outcomes: Mapping[str, pd.DataFrame] | None = None,
    discount_rate_annual: float = 0.0,
) -> ReceivedWisdom:
    """Test every claim; what the data do not bear stands as a reason in place of a number.

    hazard_ratio: per point of the last score, of the study of churn. spend: the study of spend.
    worth: of five points and of five per cent of retention. programmes: their studies; outcomes:
    frames of assigned customers by programme id. discount_rate_annual: a fraction.
    """
    points, per_cent = (worth, worth) if isinstance(worth, NotEstimable) else worth
    tests: tuple[tuple[Claim, Callable[..., Reading], tuple[object, ...]], ...] = (
        (claims.FIVE_POINTS, retention_lift, (points, discount_rate_annual)),
        (claims.FIVE_PER_CENT, retention_lift, (per_cent, discount_rate_annual)),
        (claims.REPEAT_BUYERS, later_half_year, (records,)),
        (claims.STAY, satisfied_stay, (hazard_ratio,)),
        (claims.SPEND, satisfied_spend, (spend,)),
        (claims.REFERRALS, referrals_by_promoters, (records,)),
        (claims.PRICES, mind_price_less, (records,)),
        (claims.NEW_CUSTOMERS, early_against_late, (records,)),
        (claims.KEEPING, winning_against_keeping, (records,)),
        (claims.REPLIES, fast_replies, (records,)),
        (claims.EFFORT, less_effort, (records,)),
        (claims.RECOVERED, recovered_spend, (records,)),
        (claims.CALL_BACKS, called_back, (programmes, outcomes or {}, records.low_score)),
        (claims.CHANNELS, consistent_channels, (records,)),
        (claims.CATEGORIES, categories_hold, (records,)),
    )
    rows = [
        _row(claim, _naming_columns(claim, attempt(test, *arguments), records))
        for claim, test, arguments in tests
    ]
    rows += [
        _row(claims.PROGRAMMES, attempt(programme_return, study), study.name)
        for study in programmes
    ]
    if not programmes:
        missing = NotEstimable("Needs programmes, with rollout or exposures.")
        rows.append(_row(claims.PROGRAMMES, missing))
    rows += [_row(claim, NotEstimable(claim.not_testable)) for claim in claims.OTHERS]
    nearest: tuple[int, Reading] | NotEstimable = NotEstimable("The published months are there.")
    if isinstance(rows[2].reading, NotEstimable):
        nearest = attempt(nearest_half_year, records)
    return ReceivedWisdom(with_holm(tuple(rows)), nearest)


def _naming_columns(
    claim: Claim, reading: Reading | NotEstimable, records: CompanyRecords
) -> Reading | NotEstimable:
    """A reason of another study, or the columns it lacks where the export has none of them."""
    if isinstance(reading, NotEstimable) and claim in NEEDED:
        missing = attempt(demand, getattr(records, NEEDED[claim][0]), *NEEDED[claim])
        return missing if isinstance(missing, NotEstimable) else reading
    return reading


def _row(claim: Claim, reading: Reading | NotEstimable, about: str = "") -> Row:
    p_value = None if isinstance(reading, NotEstimable) else reading.p_value
    return Row(claim, reading, judge(reading, claim.published), about, p_value)


def with_holm(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows with p-values by Holm over all that have one."""
    raw = [row.p_value for row in rows if row.p_value is not None]
    if not raw:
        return rows
    adjusted = iter(holm(np.array(raw)))
    return tuple(
        row if row.p_value is None else replace(row, p_value_holm=float(next(adjusted)))
        for row in rows
    )
