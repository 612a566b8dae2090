"""What notebook 02 argues with: curves, tests, hazard by satisfaction, what a point goes with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.design_audit import audit_lifetimes
from analysis.methods.estimate import (
    AuditRemark,
    CannotEstimate,
    Estimate,
    NotEstimable,
    attempt,
)
from analysis.methods.survival.by_tenure import RatioByTenure, score_ratio_by_tenure
from analysis.methods.survival.counts import LifetimeCounts, counts_by_group, pool
from analysis.methods.survival.groups import (
    FEWEST_CUSTOMERS,
    GroupCurve,
    choose_group,
    compare_groups,
    compare_pairs,
    count_lifetimes,
    curve_of,
    curves_by_group,
    group_codes,
    lifetime_arrays,
)
from analysis.methods.survival.hazard import (
    PROPORTIONAL_P_VALUE,
    HazardModel,
    concordance_of,
    fit_hazard,
    score_hazard_ratio,
    scored_intervals,
)
from analysis.methods.survival.inverse_weights import log_log_limits
from analysis.methods.survival.landmark import LandmarkStudy, study_landmarks
from analysis.methods.survival.nonparametric import LogRank, SurvivalCurve
from analysis.methods.survival.restricted_mean import by_customer, survival_influence
from analysis.methods.survival.snapshot import ImpliedIntake, implied_intake
from analysis.methods.survival.worth_of_point import (
    can_gain_a_point,
    margin_per_customer_month,
    worth_of_point,
)

if TYPE_CHECKING:
    import pandas as pd

RETENTION_MONTHS = (3, 6, 12, 24, 48)
A_YEAR = 12.0


@dataclass(frozen=True, slots=True)
class ChurnStudy:
    """Results on churn; a field holds the reason where the data do not bear the number.

    group: the column that curves are split by. is_snapshot: tenure and flag instead of dates.
    log_rank, pairwise: differences between groups, pairwise Holm-adjusted; naive_log_rank
    counts everybody from the start. landmark: who stays after an answer. model: hazard by the
    last known score and what is recorded (without scores: by what is recorded); stratified: the
    same with a baseline hazard for each group, where proportionality fails; score_by_tenure: early
    and late, where the ratio of the score itself changes. concordance: of the chosen model. worth: margin over
    the horizon that goes with one point. retention_after_year: with errors clustered by customer
    where some have several spells, which the curves' bands take as independent. customers, spells:
    whoever returns after inactivity opens a new spell. measurable_from_months: the inactivity
    threshold, before which no loss can be seen; 0 with contracts.
    """

    audit: tuple[AuditRemark, ...]
    group: str
    is_snapshot: bool
    overall: SurvivalCurve | NotEstimable
    overall_naive: SurvivalCurve | NotEstimable
    groups: tuple[GroupCurve, ...]
    log_rank: LogRank | NotEstimable
    naive_log_rank: LogRank | NotEstimable
    pairwise: dict[tuple[str, str], float]
    landmark: LandmarkStudy | NotEstimable
    model: HazardModel | NotEstimable
    stratified: HazardModel | NotEstimable
    score_hazard_ratio: Estimate | NotEstimable
    score_by_tenure: RatioByTenure | NotEstimable
    concordance: Estimate | NotEstimable
    worth: Estimate | NotEstimable
    implied_intake: ImpliedIntake | NotEstimable
    horizon_months: int
    window_months: float
    retention_after_year: Estimate | NotEstimable
    customers: int
    spells: int
    measurable_from_months: float

    @property
    def chosen_model(self) -> HazardModel | NotEstimable:
        """The model that the findings rest on: the stratified one where the plain one fails."""
        return self.stratified if isinstance(self.stratified, HazardModel) else self.model

    def retention(self, curve: SurvivalCurve, months: float, counts: LifetimeCounts) -> Estimate:
        """Retention at a time; counts: of the customers the curve is of.

        Where nobody has left by then, the lower limit is exact for those still followed. Raises
        CannotEstimate beyond follow-up, where hardly anybody was followed for so long, and below the
        time at which losses can be seen.
        """
        if months < self.measurable_from_months:
            raise CannotEstimate(
                "Not measurable: a customer counts as lost only after "
                f"{self.measurable_from_months:.0f} months without an order."
            )
        return _retention_at(curve, months, counts)


def _retention_at(curve: SurvivalCurve, months: float, counts: LifetimeCounts) -> Estimate:
    estimate = curve.at(months)
    followed = int(counts.at_risk(months))
    if followed < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Hardly anybody was followed for {months:g} months.")
    if estimate.value < 1:
        return estimate
    level = estimate.confidence_level
    return replace(
        estimate, lower=float((1 - level) ** (1 / followed)), upper=1.0, method="nobody left, exact"
    )


def _retention_after_year(
    lifetimes: pd.DataFrame, curve: SurvivalCurve, counts: LifetimeCounts, threshold_months: float
) -> Estimate:
    """Retention at twelve months, clustered by customer where some have several spells.

    Raises CannotEstimate beyond follow-up, or below the inactivity threshold.
    """
    if threshold_months > A_YEAR:
        raise CannotEstimate(
            f"A customer counts as lost only after {threshold_months:.0f} months without an order, so "
            "retention after a year is not measurable."
        )
    plain = _retention_at(curve, A_YEAR, counts)
    customers, _ = group_codes(lifetimes["customer_id"])
    n = int(customers.max()) + 1
    if n == len(lifetimes) or not 0 < plain.value < 1:
        return plain
    influence = survival_influence(*lifetime_arrays(lifetimes), np.array([A_YEAR]))
    error = float(np.sqrt((by_customer(influence, customers) ** 2).sum() * n / (n - 1)))
    lower, upper = log_log_limits(plain.value, error / plain.value, plain.confidence_level)
    return replace(
        plain, lower=lower, upper=upper, n=n, method="Kaplan–Meier, log-log, clustered by customer"
    )


def _remedy(
    model: HazardModel | NotEstimable, rows: pd.DataFrame, with_score: bool, group: str
) -> HazardModel | NotEstimable:
    """The stratified model, where hazard ratios change over time."""
    test = model.test if isinstance(model, HazardModel) else model
    fails = not isinstance(test, NotEstimable) and test.global_p_value < PROPORTIONAL_P_VALUE
    if fails and group:
        return attempt(fit_hazard, rows, with_score, group)
    return NotEstimable("Proportional hazards hold, no second model is needed.")


def study_churn(
    lifetimes: pd.DataFrame,
    intervals: pd.DataFrame,
    landmarks: pd.DataFrame,
    customer_periods: pd.DataFrame,
    currency: str,
    discount_rate_annual: float,
    horizon_months: int,
    period_months: int = 3,
    window_months: float = 0.0,
    highest_score: float = 5.0,
    threshold_months: float = 0.0,
    count: Callable[[str], pd.DataFrame] | None = None,
) -> ChurnStudy:
    """All that is argued with about churn, from the frames of a data set.

    window_months: length of the observation window of a snapshot, 0 where starts are dated.
    highest_score: upper end of the CSAT scale; who stands there cannot gain a point.
    threshold_months: months without an order after which a customer counts as lost, 0 where
    contracts end. count: gives the counts by time for a column (`Dataset.lifetime_counts`), so that
    curves of any number of customers come from the engine; without it they are counted here.
    """
    group = choose_group(lifetimes)
    scored = attempt(scored_intervals, intervals)
    rows, with_score = (lifetimes, False) if isinstance(scored, NotEstimable) else (scored, True)
    model = attempt(fit_hazard, rows, with_score)
    stratified = _remedy(model, rows, with_score, group)
    chosen = stratified if isinstance(stratified, HazardModel) else model
    ratio = scored if isinstance(scored, NotEstimable) else attempt(score_hazard_ratio, chosen)
    groups = counts_by_group(count(group)) if count else count_lifetimes(lifetimes, group)
    everybody = pool(groups)
    overall = attempt(curve_of, everybody, False)
    worth: Estimate | NotEstimable
    if isinstance(ratio, NotEstimable) or isinstance(scored, NotEstimable):
        worth = ratio if isinstance(ratio, NotEstimable) else NotEstimable("No score is known.")
    else:
        exits = lifetimes[~lifetimes["ended"]].groupby("customer_id")["exit_months"].max()
        worth = attempt(
            worth_of_point,
            overall,
            ratio,
            can_gain_a_point(scored, exits, highest_score),
            attempt(margin_per_customer_month, customer_periods, period_months, currency),
            horizon_months,
            discount_rate_annual,
            currency,
        )
    intake: ImpliedIntake | NotEstimable = NotEstimable(
        "Starts are dated, no intake has to be implied."
    )
    if window_months:
        intake = attempt(implied_intake, lifetimes, overall)
    return ChurnStudy(
        audit=audit_lifetimes(
            lifetimes, group, len(model.fit.names) if isinstance(model, HazardModel) else 0
        ),
        group=group,
        is_snapshot=bool(window_months),
        overall=overall,
        overall_naive=attempt(curve_of, everybody, True),
        groups=curves_by_group(groups),
        log_rank=attempt(compare_groups, groups, False),
        naive_log_rank=attempt(compare_groups, groups, True),
        pairwise=compare_pairs(groups, bool(window_months)) if group else {},
        landmark=attempt(study_landmarks, landmarks),
        model=model,
        stratified=stratified,
        score_hazard_ratio=ratio,
        score_by_tenure=scored
        if isinstance(scored, NotEstimable)
        else attempt(score_ratio_by_tenure, rows, chosen),
        concordance=attempt(concordance_of, rows, with_score, chosen),
        worth=worth,
        implied_intake=intake,
        horizon_months=horizon_months,
        window_months=window_months,
        retention_after_year=attempt(
            _retention_after_year, lifetimes, overall, everybody, threshold_months
        ),
        customers=lifetimes["customer_id"].nunique(),
        spells=len(lifetimes),
        measurable_from_months=threshold_months,
    )
