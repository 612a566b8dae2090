"""Everything that notebook 03 argues with."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.methods.design_audit import audit_panel
from analysis.methods.estimate import AuditRemark, NotEstimable, attempt
from analysis.methods.spending.checks import (
    LeadCheck,
    check_aging,
    check_feedback,
    check_past_spend,
)
from analysis.methods.spending.doubts import Doubts, find_doubts
from analysis.methods.spending.forms import Forms, other_forms
from analysis.methods.spending.ladder import Ladder, Rung, fit_ladders
from analysis.methods.spending.prices import PriceStudy, study_prices
from analysis.methods.spending.reliability import (
    AnswerNoise,
    Reliability,
    correct_for_noise,
    noise_of_surveys,
)
from analysis.methods.spending.rows import CONTROLS, OLDEST_ANSWER_DAYS, PanelRows, panel_rows
from analysis.methods.spending.shape import (
    GainAndLoss,
    StepMeans,
    gain_and_loss,
    promoter_means,
    step_means,
)
from analysis.methods.spending.silence import WeightedSlope, weighted_slope

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class SpendStudy:
    """The argument: the ladder in spend and in margin, and whether it can be trusted.

    feedback: does the next score go with present spend. control: does a score given after a period
    had closed go with its spend. noise, reliability: chance in single answers, and the slope
    corrected for it. oldest_answer_days: older answers do not count when a period opens. audit: what
    a careful reader would remark on beforehand.
    """

    rows: PanelRows | NotEstimable
    spend: Ladder
    margin: Ladder
    feedback: LeadCheck | NotEstimable
    control: LeadCheck | NotEstimable
    noise: AnswerNoise | NotEstimable
    reliability: Reliability | NotEstimable
    oldest_answer_days: float
    audit: tuple[AuditRemark, ...] = ()


@dataclass(frozen=True, slots=True)
class SpendDepth:
    """What stands in the appendix: shape, aging of answers, other forms, who answers, prices, diagnostics."""

    steps: StepMeans | NotEstimable
    promoters: StepMeans | NotEstimable
    gain_and_loss: GainAndLoss | NotEstimable
    aging: LeadCheck | NotEstimable
    forms: Forms | NotEstimable
    silence: WeightedSlope | NotEstimable
    prices: PriceStudy | NotEstimable
    doubts: Doubts | NotEstimable


def unit_of(currency: str, period_months: int) -> str:
    """Money per customer and period."""
    return f"{currency} per customer-{'quarter' if period_months == 3 else 'month'}"


def study_spend(
    customer_periods: pd.DataFrame,
    surveys: pd.DataFrame,
    currency: str,
    period_months: int = 3,
    instrument: str = "csat",
    oldest_answer_days: float = OLDEST_ANSWER_DAYS,
    customers: pd.DataFrame | None = None,
) -> SpendStudy:
    """The ladder and its checks, from customers × periods and the table of surveys.

    customers: with their first and last days, for the design audit.
    """
    unit = unit_of(currency, period_months)
    rows = attempt(panel_rows, customer_periods, instrument, oldest_answer_days, period_months)
    noise = attempt(noise_of_surveys, surveys, rows)
    spend, margin = fit_ladders(rows, unit)
    return SpendStudy(
        rows=rows,
        spend=spend,
        margin=margin,
        feedback=attempt(check_feedback, rows, unit),
        control=attempt(check_past_spend, rows, unit),
        noise=noise,
        reliability=attempt(correct_for_noise, rows, noise, unit),
        oldest_answer_days=oldest_answer_days,
        audit=audit_panel(
            customer_periods,
            rows,
            surveys,
            surveys[:0] if customers is None else customers,
            CONTROLS,
        ),
    )


def study_depth(
    study: SpendStudy,
    nps_rows: PanelRows | NotEstimable,
    customer_periods: pd.DataFrame,
    surveys: pd.DataFrame,
    transactions: pd.DataFrame,
    last_opening: dt.date,
    currency: str,
    period_months: int = 3,
) -> SpendDepth:
    """The same question turned over: from the study's rows, and those of NPS.

    last_opening: first day of the last period.
    """
    unit = unit_of(currency, period_months)
    rows, fixed = study.rows, study.spend.fixed_effects
    silence: WeightedSlope | NotEstimable
    if isinstance(fixed, Rung):
        silence = attempt(
            weighted_slope, rows, fixed, customer_periods, surveys, last_opening, unit
        )
    else:
        silence = fixed
    return SpendDepth(
        steps=attempt(step_means, rows, unit),
        promoters=attempt(promoter_means, nps_rows, unit),
        gain_and_loss=attempt(gain_and_loss, rows, unit),
        aging=attempt(check_aging, rows, unit),
        forms=attempt(other_forms, rows, unit),
        silence=silence,
        prices=attempt(study_prices, transactions, surveys),
        doubts=attempt(find_doubts, rows),
    )
