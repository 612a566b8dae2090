"""Whom to call first: active customers by the margin that the coming quarter puts at risk.

Risk is not uplift: those most likely to leave need not be those whom a call would keep (Ascarza
2018). A random part is therefore held out of every action, so that the action can be judged.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.survival.baseline import Baseline, conditional_risk, expected_total
from analysis.methods.survival.cox import CoxFit, Floats, Ints
from analysis.methods.survival.prediction_rows import content_key

if TYPE_CHECKING:
    import pandas as pd

MONTHS_PER_QUARTER = 3
RECENT_PERIODS = 4
HELD_OUT = 0.1


@dataclass(frozen=True, slots=True)
class AtRiskSummary:
    """The list in figures.

    customers: on the list. beyond_follow_up: active customers not on it, as too few have been
    followed over their coming quarter. without_history: on it with the mean margin of the others, for
    want of a period of their own. expected_losses: customers expected to leave in the quarter.
    margin_at_risk: expected quarterly margin of those expected to leave. share_of_top_tenth: of
    the margin at risk, that of the first tenth of the list. held_out: customers flagged.
    """

    customers: int
    beyond_follow_up: int
    without_history: int
    expected_losses: Estimate
    margin_at_risk: Estimate | NotEstimable
    share_of_top_tenth: float | None
    held_out: int


@dataclass(frozen=True, slots=True)
class AtRiskList:
    """The list and its summary.

    customers: customer_id, tenure_months, risk_next_quarter, expected_margin_per_quarter,
    margin_at_risk, hold_out; the largest margin at risk first. Not for the report: it names customers.
    """

    customers: pd.DataFrame
    summary: AtRiskSummary


def hold_out_flags(
    customer_ids: Iterable[str], period_label: str, share: float = HELD_OUT, seed: int = 0
) -> np.ndarray:
    """Whom to leave out of any action this period: decided by seed, period and customer alone."""
    return np.array(
        [content_key(str(seed), period_label, str(name)) < share for name in customer_ids],
        dtype=bool,
    )


def expected_margin(
    customer_periods: pd.DataFrame, period_months: int = MONTHS_PER_QUARTER
) -> pd.Series:
    """Mean margin per quarter over each customer's last four periods, not below zero.

    customer_periods: customer_id, period_index, margin; periods in which a customer was not
    active do not count. Raises CannotEstimate without any.
    """
    if customer_periods.empty:
        raise CannotEstimate("The export carries no money, so customers are ranked by risk alone.")
    last = customer_periods["period_index"].max()
    recent = customer_periods[customer_periods["period_index"] > last - RECENT_PERIODS]
    mean = recent.groupby("customer_id")["margin"].mean()
    return mean.clip(lower=0.0) * (MONTHS_PER_QUARTER / period_months)


def rank_customers_at_risk(
    fit: CoxFit,
    baseline: Baseline,
    active: pd.DataFrame,
    covariates: Floats,
    customer_periods: pd.DataFrame,
    period_label: str,
    currency: str,
    strata: Ints | None = None,
    period_months: int = MONTHS_PER_QUARTER,
    hold_out_share: float = HELD_OUT,
    seed: int = 0,
    confidence_level: float = 0.95,
) -> AtRiskList:
    """Rank active customers by probability of leaving in the coming quarter × expected margin.

    active: customer_id and tenure_months today, a row per active customer; covariates (n × k) as
    the model's, with the last score; strata: codes as the baseline's. customer_periods: as the frame;
    where empty, customers are ranked by risk and margins are NaN.
    Raises CannotEstimate if nobody is active or no coming quarter lies within follow-up.
    """
    if active.empty:
        raise CannotEstimate("Nobody is a customer any more, so nobody is at risk.")
    tenure = active["tenure_months"].to_numpy(float)
    risk = conditional_risk(fit, baseline, tenure, covariates, MONTHS_PER_QUARTER, strata)
    known = np.isfinite(risk)
    if not known.any():
        raise CannotEstimate("No active customer's coming quarter lies within follow-up.")
    margins = attempt(expected_margin, customer_periods, period_months)
    missing = np.zeros(len(active), dtype=bool)
    if isinstance(margins, NotEstimable):
        margin = np.full(len(active), np.nan)
    else:
        margin = margins.reindex(active["customer_id"]).to_numpy(float)
        missing = np.isnan(margin)
        margin = np.where(missing, margin[~missing].mean() if not missing.all() else 0.0, margin)
    table = active.loc[known, ["customer_id", "tenure_months"]].assign(
        risk_next_quarter=risk[known],
        expected_margin_per_quarter=margin[known],
        margin_at_risk=(risk * margin)[known],
    )
    by = "risk_next_quarter" if isinstance(margins, NotEstimable) else "margin_at_risk"
    table = table.sort_values(
        [by, "customer_id"], ascending=[False, True], kind="stable", ignore_index=True
    )
    table["hold_out"] = hold_out_flags(table["customer_id"], period_label, hold_out_share, seed)

    def total(amounts: Floats, unit: str) -> Estimate:
        return expected_total(
            fit, baseline, tenure, covariates, MONTHS_PER_QUARTER, amounts, unit, strata,
            confidence_level,
        )  # fmt: skip

    at_risk: Estimate | NotEstimable
    if isinstance(margins, NotEstimable):
        at_risk, top = margins, None
    else:
        at_risk = total(margin, currency)
        first = table["margin_at_risk"].iloc[: -(-len(table) // 10)].sum()
        top = float(first / at_risk.value) if at_risk.value > 0 else None
    summary = AtRiskSummary(
        len(table), int((~known).sum()), int((missing & known).sum()),
        total(np.ones(len(active)), "customers"), at_risk, top, int(table["hold_out"].sum()),
    )  # fmt: skip
    return AtRiskList(table, summary)
