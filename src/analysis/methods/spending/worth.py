"""What one CSAT point and ten NPS points go with in money: per customer, for the base, in time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import scaled
from analysis.methods.regression import clustered_covariance
from analysis.methods.spending.absorb import fit_within
from analysis.methods.spending.horizon import HorizonWorth, MarginPerMonth, worth_over_horizon
from analysis.methods.spending.ladder import slope_of
from analysis.methods.spending.rows import PanelRows
from analysis.methods.spending.shape import NPS_STEPS
from analysis.methods.survival.cox import fit_cox
from analysis.methods.survival.groups import FEWEST_CUSTOMERS, choose_group
from analysis.methods.survival.hazard import (
    PROPORTIONAL_P_VALUE,
    SCORE,
    fit_hazard,
    hazard_design,
    score_hazard_ratio,
    scored_intervals,
)
from analysis.methods.survival.nonparametric import SurvivalCurve, kaplan_meier
from analysis.methods.survival.worth_of_point import can_gain_a_point

if TYPE_CHECKING:
    import pandas as pd

TEN_POINTS = 0.1  # in customers who move one NPS group up, per customer


@dataclass(frozen=True, slots=True)
class Worth:
    """Money that goes with a higher score, of one instrument.

    per_customer, base: spend per period and active customer, and for all who are active.
    base_margin: the same in margin. hazard_ratio: of leaving, with the score raised. slope_active,
    level_active: margin per period among customers active throughout, per step and as it is.
    horizon: both together over the horizon, no customer's loss counted twice.
    """

    per_customer: Estimate | NotEstimable
    base: Estimate | NotEstimable
    base_margin: Estimate | NotEstimable
    hazard_ratio: Estimate | NotEstimable
    level_active: float | NotEstimable
    slope_active: Estimate | NotEstimable
    horizon: HorizonWorth | NotEstimable


@dataclass(frozen=True, slots=True)
class WorthStudy:
    """One CSAT point, and ten NPS points: one customer in ten a group higher."""

    csat: Worth
    nps: Worth
    active_customers: int
    horizon_months: int


def active_at_the_end(customer_periods: pd.DataFrame) -> int:
    """Customers active when the last period opened and not gone by its end."""
    if customer_periods.empty:
        return 0
    last = customer_periods["period_index"] == customer_periods["period_index"].max()
    return int((last & ~customer_periods["left"]).sum())


def promoter_rows(rows: PanelRows) -> PanelRows:
    """The same rows with the NPS group as score: 0 detractor, 1 passive, 2 promoter."""
    return replace(rows, score=np.searchsorted(NPS_STEPS, rows.score).astype(float))


def _slope(rows: PanelRows, outcome: str, unit: str) -> Estimate:
    fit = fit_within(rows.outcome(outcome), [rows.score], ("score",), rows.customer, rows.period)
    return slope_of(fit, "score", unit)


def for_base(slope: Estimate, active: int, unit: str) -> Estimate:
    """A slope carried over to all active customers; it rests on as many as it is spread over."""
    if active == 0:
        raise CannotEstimate("No customer was active at the end of the last period.")
    return replace(scaled(slope, active, unit), n=active)


def margin_among_active(rows: PanelRows, customer_periods: pd.DataFrame) -> MarginPerMonth:
    """Margin per month of customers active through the whole period, and its slope, jointly.

    The level is the mean over all such customers; the slope is the defended one of those scored.
    Raises CannotEstimate.
    """
    import pandas as pd

    stayed = customer_periods[~customer_periods["left"].to_numpy(bool)]
    active = rows.select(~rows.left)
    months = rows.period_months
    margin = stayed["margin"].to_numpy(float) / months
    customer, ids = pd.factorize(stayed["customer_id"], sort=True)
    fit = fit_within(
        active.margin / months, [active.score], ("score",), active.customer, active.period
    )
    influence = np.zeros((len(ids), 2))
    influence[:, 0] = np.bincount(customer, margin - margin.mean()) / len(margin)
    influence[pd.Index(ids).get_indexer(active.customer_ids), 1] = fit.influence[:, 0]
    return MarginPerMonth(
        float(margin.mean()), float(fit.coefficients[0]), clustered_covariance(influence, influence)
    )


def _curve(lifetimes: pd.DataFrame) -> SurvivalCurve:
    if len(lifetimes) < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Fewer than {FEWEST_CUSTOMERS} customers: no curve is drawn.")
    ended = lifetimes["ended"].to_numpy(bool)
    if not ended.any():
        raise CannotEstimate("Nobody has left, so nothing can be said about who stays.")
    entry, last = (lifetimes[f"{name}_months"].to_numpy(float) for name in ("entry", "exit"))
    return kaplan_meier(entry, last, ended)


def hazard_ratio_per_point(lifetimes: pd.DataFrame, intervals: pd.DataFrame) -> Estimate:
    """The hazard ratio that the notebook on churn argues with.

    Stratified by group where hazards are not proportional. Raises CannotEstimate.
    """
    rows = scored_intervals(intervals)
    model = fit_hazard(rows, True)
    group = choose_group(lifetimes)
    test = model.test
    if group and not isinstance(test, NotEstimable) and test.global_p_value < PROPORTIONAL_P_VALUE:
        stratified = attempt(fit_hazard, rows, True, group)
        model = model if isinstance(stratified, NotEstimable) else stratified
    return score_hazard_ratio(model)


def hazard_ratio_per_group(customer_periods: pd.DataFrame, period_months: int) -> Estimate:
    """Hazard ratio of one NPS group higher, from the last answer before each period opened.

    Time is tenure; who leaves in a period leaves at its end. Raises CannotEstimate.
    """
    if "nps_score" not in customer_periods.columns:
        raise CannotEstimate("No customer has a known NPS answer.")
    known = customer_periods[customer_periods["nps_score"].notna()]
    if known["customer_id"].nunique() < 2 * FEWEST_CUSTOMERS:
        raise CannotEstimate("Too few customers have answered to set NPS beside churn.")
    opened = known["tenure_months"].to_numpy(float)
    rows = known.assign(
        start_months=opened,
        stop_months=opened + period_months,
        ended=known["left"].to_numpy(bool),
        score=np.searchsorted(NPS_STEPS, known["nps_score"].to_numpy(float)).astype(float),
    )
    start, stop = (rows[f"{name}_months"].to_numpy(float) for name in ("start", "stop"))
    design, names = hazard_design(rows, True)
    return fit_cox(start, stop, rows["ended"].to_numpy(bool), design, names).hazard_ratio(SCORE)


def _tenures_csat(lifetimes: pd.DataFrame, intervals: pd.DataFrame, highest: float) -> np.ndarray:
    exits = lifetimes[~lifetimes["ended"]].groupby("customer_id")["exit_months"].max()
    return can_gain_a_point(scored_intervals(intervals), exits, highest)


def _tenures_nps(customer_periods: pd.DataFrame, period_months: int) -> tuple[np.ndarray, int]:
    """Tenure of active customers who are not promoters; and how many active ones answered."""
    last = customer_periods["period_index"] == customer_periods["period_index"].max()
    known = customer_periods[last & ~customer_periods["left"]]
    known = known[known["nps_score"].notna()]
    below = known["nps_score"].to_numpy(float) < NPS_STEPS[1]
    return known["tenure_months"].to_numpy(float)[below] + period_months, len(known)


def study_worth(
    rows: PanelRows | NotEstimable,
    nps_rows: PanelRows | NotEstimable,
    customer_periods: pd.DataFrame,
    lifetimes: pd.DataFrame,
    intervals: pd.DataFrame,
    currency: str,
    period_months: int,
    discount_rate_annual: float,
    horizon_months: int,
    highest_score: float = 5.0,
) -> WorthStudy:
    """All that a higher score goes with in money.

    rows, nps_rows: those of the ladders. highest_score: who stands there cannot gain a point.
    """
    span = "quarter" if period_months == 3 else "month"
    unit, base_unit = f"{currency} per customer-{span}", f"{currency} per {span}"
    active = active_at_the_end(customer_periods)
    curve = attempt(_curve, lifetimes)
    ratio = attempt(hazard_ratio_per_point, lifetimes, intervals)
    tenure = attempt(_tenures_csat, lifetimes, intervals, highest_score)
    csat = _worth(
        rows, customer_periods, active, unit, base_unit, 1.0, curve, ratio, tenure, 1.0,
        horizon_months, discount_rate_annual,
    )  # fmt: skip
    groups = attempt(promoter_rows, nps_rows)
    group_ratio = attempt(hazard_ratio_per_group, customer_periods, period_months)
    can: np.ndarray | NotEstimable = NotEstimable("No customer has a known NPS answer.")
    share = TEN_POINTS
    if "nps_score" in customer_periods.columns:
        can, known = _tenures_nps(customer_periods, period_months)
        # One step up for one in ten of those known, taken by those who can rise.
        share = TEN_POINTS * known / len(can) if len(can) else TEN_POINTS
    nps = _worth(
        groups, customer_periods, active, unit, base_unit, TEN_POINTS, curve, group_ratio, can, share,
        horizon_months, discount_rate_annual,
    )  # fmt: skip
    return WorthStudy(csat, nps, active, horizon_months)


def _worth(
    rows: PanelRows | NotEstimable, customer_periods: pd.DataFrame, active: int, unit: str,
    base_unit: str, step: float, curve: object, ratio: Estimate | NotEstimable, tenure: object,
    scale: float, horizon_months: int, rate: float,
) -> Worth:  # fmt: skip
    slope = attempt(_slope, rows, "spend", unit)
    margin_slope = attempt(_slope, rows, "margin", unit)
    per_customer = attempt(scaled, slope, step, unit)
    margin = attempt(margin_among_active, rows, customer_periods)
    months = 1 if isinstance(rows, NotEstimable) else rows.period_months
    return Worth(
        per_customer=per_customer,
        base=attempt(for_base, per_customer, active, base_unit),
        base_margin=attempt(for_base, attempt(scaled, margin_slope, step, unit), active, base_unit),
        hazard_ratio=ratio,
        level_active=margin if isinstance(margin, NotEstimable) else margin.level * months,
        slope_active=attempt(_active_slope, rows, unit),
        horizon=attempt(
            worth_over_horizon, curve, tenure, ratio, margin, horizon_months, rate,
            unit.split(" ", 1)[0], scale,
        ),
    )  # fmt: skip


def _active_slope(rows: PanelRows, unit: str) -> Estimate:
    return _slope(rows.select(~rows.left), "margin", unit)
