"""Everything that notebook 06 argues with."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import AuditRemark, NotEstimable, attempt
from analysis.methods.intervals import holm
from analysis.methods.orientation.asking import (
    Comparison,
    Invitations,
    compare_invitations,
    compare_top_marks,
)
from analysis.methods.orientation.change import Change, change_between_sheets
from analysis.methods.orientation.links import Link, Step, steps_of, study_link
from analysis.methods.orientation.reliability import (
    FEWEST_SHEETS,
    NOTABLE_ERRORS,
    Alpha,
    EmployeeScores,
    cronbach_alpha,
    shrink_scores,
)
from analysis.methods.orientation.served import (
    Served,
    refund_rows,
    satisfaction_rows,
    staying_rows,
)
from analysis.methods.orientation.sheets import Key, Sheets, read_sheets
from analysis.methods.orientation.teams import Teams, compare_teams

if TYPE_CHECKING:
    import pandas as pd

CSAT_UNIT = "CSAT points"
SHARE_UNIT = "points"
PERCENT = 100.0
# Below this a score is too much chance to judge anybody by (Nunnally & Bernstein 1994 ask .9).
RELIABILITY_FOR_PERSONS = 0.9


@dataclass(frozen=True, slots=True)
class OrientationStudy:
    """Sheets, their reliability, scores, and what goes with them.

    customer_alpha, selling_alpha, overall_alpha: by half and of all statements. satisfaction, refunds,
    staying: links of three outcomes. adjusted: Holm's p-values of those that could be given, by
    name. steps: employees in groups alike in orientation, with the CSAT of their customers.
    """

    sheets: Sheets | NotEstimable
    customer_alpha: Alpha | NotEstimable
    selling_alpha: Alpha | NotEstimable
    overall_alpha: Alpha | NotEstimable
    scores: EmployeeScores | NotEstimable
    change: Change | NotEstimable
    teams: Teams | NotEstimable
    satisfaction: Link | NotEstimable
    refunds: Link | NotEstimable
    staying: Link | NotEstimable
    adjusted: dict[str, float]
    steps: tuple[Step, ...] | NotEstimable
    top_marks: Comparison | NotEstimable
    invitations: Invitations | NotEstimable
    audit: tuple[AuditRemark, ...]


def study_orientation(
    orientation: pd.DataFrame,
    surveys: pd.DataFrame,
    contacts: pd.DataFrame,
    customers: pd.DataFrame,
    transactions: pd.DataFrame,
    lifetimes: pd.DataFrame,
    last_day: dt.date,
    key: Key | None = None,
    highest_csat: float = 5.0,
    covariates: dict[str, str] | None = None,
) -> OrientationStudy:
    """Study the sheets and the customers served; each part that cannot be given says why.

    Canonical tables as of `last_day`. covariates: further columns of the customers by kind,
    number or category, to be held equal.
    """
    more = covariates or {}
    day = np.datetime64(last_day, "D")
    sheets = attempt(read_sheets, orientation, key)
    customer, selling, overall = _alphas(sheets)
    scores = attempt(_shrunk, sheets, overall)
    served = attempt(satisfaction_rows, sheets, surveys, customers, more)
    refunds = attempt(refund_rows, sheets, contacts, transactions, customers, more, day)
    staying = attempt(staying_rows, sheets, contacts, lifetimes, customers, more, day)
    answered = (
        np.array([], "datetime64[D]") if isinstance(sheets, NotEstimable) else sheets.answered_on
    )
    links = {
        "satisfaction": study_link(served, scores, answered, CSAT_UNIT),
        "refunds": study_link(refunds, scores, answered, SHARE_UNIT, PERCENT),
        "staying": study_link(staying, scores, answered, SHARE_UNIT, PERCENT),
    }
    known = {name: link.p_value for name, link in links.items() if isinstance(link, Link)}
    adjusted = dict(zip(known, holm(list(known.values())).tolist(), strict=True)) if known else {}
    return OrientationStudy(
        sheets=sheets,
        customer_alpha=customer,
        selling_alpha=selling,
        overall_alpha=overall,
        scores=scores,
        change=attempt(change_between_sheets, sheets),
        teams=attempt(compare_teams, sheets, contacts, customers),
        satisfaction=links["satisfaction"],
        refunds=links["refunds"],
        staying=links["staying"],
        adjusted=adjusted,
        steps=attempt(_steps, served, sheets),
        top_marks=attempt(compare_top_marks, surveys, highest_csat),
        invitations=attempt(compare_invitations, contacts, surveys),
        audit=audit_sheets(sheets, (customer, selling), overall, served),
    )


def _alphas(
    sheets: Sheets | NotEstimable,
) -> tuple[Alpha | NotEstimable, Alpha | NotEstimable, Alpha | NotEstimable]:
    if isinstance(sheets, NotEstimable):
        return sheets, sheets, sheets
    of_selling = sheets.key.selling
    return (
        attempt(cronbach_alpha, sheets.items[:, ~of_selling]),
        attempt(cronbach_alpha, sheets.items[:, of_selling]),
        attempt(cronbach_alpha, sheets.items),
    )


def _shrunk(sheets: Sheets, overall: Alpha) -> EmployeeScores:
    return shrink_scores(sheets.overall, overall.alpha)


def _steps(served: Served, sheets: Sheets) -> tuple[Step, ...]:
    return steps_of(served, sheets.overall, CSAT_UNIT)


def audit_sheets(
    sheets: Sheets | NotEstimable,
    halves: tuple[Alpha | NotEstimable, Alpha | NotEstimable],
    overall: Alpha | NotEstimable,
    served: Served | NotEstimable,
) -> tuple[AuditRemark, ...]:
    """What is to be known of the sheets before anything is read from them."""
    remarks = []
    if isinstance(sheets, NotEstimable):
        return ()
    if sheets.left_out:
        remarks.append(
            AuditRemark(
                "sheets-left-out", "note",
                "Sheets that lack too many answers in a half are left out.",
                {"sheets": sheets.left_out},
            )
        )  # fmt: skip
    if sheets.uniform:
        remarks.append(
            AuditRemark(
                "uniform-sheets", "caution",
                "On some sheets every statement has the same answer, which reads like inattention; "
                "they count all the same.",
                {"sheets": sheets.uniform},
            )
        )  # fmt: skip
    against = sum(half.against_the_rest for half in halves if isinstance(half, Alpha))
    # The halves may each be consistent and yet be keyed the wrong way to one another.
    across = against == 0 and halves_contradict(sheets)
    if against or across:
        remarks.append(
            AuditRemark(
                "items-against-the-rest", "caution",
                "Some statements go against the others in their half: check under `orientation` "
                "which statements count in reverse." if against else
                "The two halves go against one another: check under `orientation` which statements "
                "count in reverse.",
                {"statements": against},
            )
        )  # fmt: skip
    if isinstance(overall, Alpha) and overall.alpha.value < RELIABILITY_FOR_PERSONS:
        remarks.append(
            AuditRemark(
                "low-reliability", "caution",
                "The score is not reliable enough to judge single employees by it.",
            )
        )  # fmt: skip
    if isinstance(served, Served) and served.not_scored:
        remarks.append(
            AuditRemark(
                "served-by-others", "note",
                "Answers about employees without a scored sheet are left out of the comparisons.",
                {"answers": served.not_scored},
            )
        )  # fmt: skip
    return tuple(remarks)


def halves_contradict(sheets: Sheets) -> bool:
    """Whether those high in one half are low in the other by more than chance gives."""
    if sheets.n < FEWEST_SHEETS or min(sheets.customer.std(), sheets.selling.std()) <= 1e-12:
        return False
    correlation = float(np.corrcoef(sheets.customer, sheets.selling)[0, 1])
    return correlation < -NOTABLE_ERRORS / sheets.n**0.5
