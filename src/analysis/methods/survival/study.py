"""Everything notebook 02 shows: curves, tests, hazard by satisfaction, what a point goes with."""

from __future__ import annotations

from dataclasses import dataclass
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
from analysis.methods.intervals import from_standard_error
from analysis.methods.regression import dummies
from analysis.methods.survival.cox import CoxFit, ProportionalityTest, fit_cox, proportionality
from analysis.methods.survival.nonparametric import (
    Floats,
    Ints,
    LogRank,
    SurvivalCurve,
    kaplan_meier,
    log_rank,
    pairwise_log_rank,
)

if TYPE_CHECKING:
    import pandas as pd

RETENTION_MONTHS = (3, 6, 12, 24, 48)
PREFERRED_GROUPS = ("contract", "segment", "region", "acquisition_channel")
MODEL_COVARIATES = ("contract", "segment", "acquisition_channel", "internet_service")
MOST_LEVELS = 8
FEWEST_CUSTOMERS = 8
INTAKE_SPAN_MONTHS = 6.0
OLD_TENURE_QUANTILE = 0.9
SCORE = "CSAT, per point"
EVERYBODY = "all"
PROPORTIONAL_P_VALUE = 0.05


@dataclass(frozen=True, slots=True)
class GroupCurve:
    """The curve of one group, counted from entry on; `naive` counts everybody from the start."""

    name: str
    curve: SurvivalCurve | NotEstimable
    naive: SurvivalCurve | NotEstimable
    entry: Floats
    exit: Floats


@dataclass(frozen=True, slots=True)
class HazardModel:
    """A Cox model with the test of its proportionality."""

    fit: CoxFit
    test: ProportionalityTest | NotEstimable
    stratified_by: str = ""


@dataclass(frozen=True, slots=True)
class ImpliedIntake:
    """How many starters a month it takes to explain today's customers, counted from the window on.

    recent: from customers in their first months. long_ago: from those with the longest tenure.
    """

    recent_per_month: float
    long_ago_per_month: float
    long_ago_months: float


@dataclass(frozen=True, slots=True)
class ChurnStudy:
    """Results on churn; a field holds the reason where the data do not bear the number.

    group: the column that curves are split by. is_snapshot: tenure and flag instead of dates.
    log_rank, pairwise: differences between groups, pairwise Holm-adjusted; naive_log_rank
    counts everybody from the start. model: hazard by the last known score and what is recorded
    (without scores: by what is recorded); stratified: the same with a baseline hazard for each
    group, where proportionality fails. worth: margin over the horizon that goes with one point.
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
    model: HazardModel | NotEstimable
    stratified: HazardModel | NotEstimable
    score_hazard_ratio: Estimate | NotEstimable
    worth: Estimate | NotEstimable
    implied_intake: ImpliedIntake | NotEstimable
    horizon_months: int
    window_months: float


def choose_group(lifetimes: pd.DataFrame) -> str:
    """The column to split curves by: contract where there is one, else segment and so on.

    A column that all customers share is better than none; "" where there is none to use.
    """
    for name in PREFERRED_GROUPS:
        if name in lifetimes.columns and 2 <= lifetimes[name].nunique() <= MOST_LEVELS:
            return name
    for name in PREFERRED_GROUPS:
        if name in lifetimes.columns and lifetimes[name].nunique() == 1:
            return name
    return ""


def _arrays(frame: pd.DataFrame) -> tuple[Floats, Floats, np.ndarray]:
    return (
        frame["entry_months"].to_numpy(float),
        frame["exit_months"].to_numpy(float),
        frame["ended"].to_numpy(bool),
    )


def _curve(frame: pd.DataFrame, naive: bool) -> SurvivalCurve:
    entry, exit_, ended = _arrays(frame)
    if len(frame) < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Fewer than {FEWEST_CUSTOMERS} customers: no curve is drawn.")
    if not ended.any():
        raise CannotEstimate("Nobody has left, so there is no curve to draw.")
    return kaplan_meier(np.zeros_like(entry) if naive else entry, exit_, ended)


def _group_curves(lifetimes: pd.DataFrame, group: str) -> tuple[GroupCurve, ...]:
    parts = lifetimes.groupby(group, observed=True) if group else [(EVERYBODY, lifetimes)]
    return tuple(
        GroupCurve(
            str(name),
            attempt(_curve, part, False),
            attempt(_curve, part, True),
            part["entry_months"].to_numpy(float),
            part["exit_months"].to_numpy(float),
        )
        for name, part in parts
    )


def _codes(column: pd.Series) -> tuple[Ints, tuple[str, ...]]:
    coded = column.fillna("(missing)").astype("category")
    return np.asarray(coded.cat.codes, dtype=np.int64), tuple(str(c) for c in coded.cat.categories)


def _compare(lifetimes: pd.DataFrame, group: str, naive: bool) -> LogRank:
    if not group:
        raise CannotEstimate(
            f"No column splits customers into 2 to {MOST_LEVELS} groups that could be compared."
        )
    if len(lifetimes) < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Fewer than {FEWEST_CUSTOMERS} customers: groups are not compared.")
    entry, exit_, ended = _arrays(lifetimes)
    codes, _ = _codes(lifetimes[group])
    return log_rank(np.zeros_like(entry) if naive else entry, exit_, ended, codes)


def _compare_pairs(
    lifetimes: pd.DataFrame, group: str, naive: bool
) -> dict[tuple[str, str], float]:
    entry, exit_, ended = _arrays(lifetimes)
    codes, names = _codes(lifetimes[group])
    pairs = pairwise_log_rank(np.zeros_like(entry) if naive else entry, exit_, ended, codes)
    return {(names[a], names[b]): p for (a, b), p in pairs.items()}


def _merge_rare(column: pd.Series, customer: pd.Series) -> pd.Series:
    """Levels with fewer than eight customers join the largest: a ratio of their own would expose them."""
    filled = column.fillna("(missing)").astype(str)
    customers = customer.groupby(filled).nunique()
    rare = customers.index[customers < FEWEST_CUSTOMERS]
    return filled.where(~filled.isin(rare), str(customers.idxmax()))


def _design(rows: pd.DataFrame, with_score: bool, leave_out: str) -> tuple[Floats, tuple[str, ...]]:
    columns: list[Floats] = []
    names: tuple[str, ...] = ()
    if with_score:
        columns.append(rows["score"].to_numpy(float)[:, None])
        names = (SCORE,)
    for name in MODEL_COVARIATES:
        if name in rows.columns and name != leave_out and 2 <= rows[name].nunique() <= MOST_LEVELS:
            codes, labels = _codes(_merge_rare(rows[name], rows["customer_id"]))
            if len(labels) > 1:
                block, labelled = dummies(codes, labels, name)
                columns.append(block)
                names += labelled
    if not columns:
        raise CannotEstimate("The export carries nothing that the hazard of leaving could go with.")
    return np.hstack(columns), names


def _model(rows: pd.DataFrame, with_score: bool, stratified_by: str = "") -> HazardModel:
    """Cox model of the rows: intervals (start_months, stop_months], or whole lifetimes."""
    if rows["customer_id"].nunique() < FEWEST_CUSTOMERS:
        raise CannotEstimate(f"Fewer than {FEWEST_CUSTOMERS} customers: no hazard model is fitted.")
    start = rows["start_months" if with_score else "entry_months"].to_numpy(float)
    stop = rows["stop_months" if with_score else "exit_months"].to_numpy(float)
    ended = rows["ended"].to_numpy(bool)
    design, names = _design(rows, with_score, stratified_by)
    strata = _codes(rows[stratified_by])[0] if stratified_by else None
    fit = fit_cox(start, stop, ended, design, names, strata)
    test = attempt(proportionality, fit, start, stop, ended, design, strata)
    return HazardModel(fit, test, stratified_by)


def _scored(intervals: pd.DataFrame) -> pd.DataFrame:
    if intervals.empty:
        raise CannotEstimate(
            "No satisfaction score is in the data, so it cannot be set beside churn."
        )
    scored = intervals[intervals["score"].notna()]
    if scored["customer_id"].nunique() < FEWEST_CUSTOMERS * 2:
        raise CannotEstimate("Too few customers have answered to set satisfaction beside churn.")
    return scored


def _score_hazard_ratio(model: HazardModel) -> Estimate:
    return model.fit.hazard_ratio(SCORE)


def _can_gain_a_point(intervals: pd.DataFrame, as_of_exit: pd.Series, highest: float) -> Floats:
    """Tenure today of active customers whose last answer can still rise by a point."""
    last = intervals.sort_values("start_months").groupby("customer_id").last()
    active = last[~last["ended"] & last["score"].notna() & (last["score"] <= highest - 1)]
    return as_of_exit.reindex(active.index).dropna().to_numpy(float)


def _worth_of_point(
    curve: SurvivalCurve,
    hazard_ratio: Estimate,
    tenure_months: Floats,
    margin_per_month: Estimate,
    horizon_months: int,
    discount_rate_annual: float,
    currency: str,
) -> Estimate:
    """Margin over the horizon that goes with one more point for those who can gain one.

    Each customer's survival from today's tenure on is S(t+m)/S(t); with the hazard multiplied by
    HR it is that to the power of HR. Customers whose horizon lies beyond follow-up are left out
    rather than extrapolated. The interval carries the uncertainty of the hazard ratio and of the
    mean margin; the curve is taken as known.
    """
    enough = curve.times[curve.at_risk >= FEWEST_CUSTOMERS]
    followed = float(enough[-1]) if len(enough) else 0.0
    tenure = tenure_months[tenure_months + horizon_months <= followed]
    if not len(tenure):
        raise CannotEstimate("No active customer's horizon lies within follow-up.")
    steps = np.concatenate([[1.0], np.maximum(curve.survival, 1e-12)])

    def survival(months: Floats) -> Floats:
        return steps[np.searchsorted(curve.times, months, side="right")]

    months = np.arange(1, horizon_months + 1)
    discount = (1 + discount_rate_annual) ** (-months / 12)
    staying = survival(tenure[:, None] + months) / survival(tenure)[:, None]

    def months_gained(ratio: float) -> float:
        return float((((staying**ratio) - staying) * discount).sum())

    assert hazard_ratio.lower is not None
    assert hazard_ratio.upper is not None
    assert margin_per_month.lower is not None
    gained, margin = months_gained(hazard_ratio.value), margin_per_month.value
    best, worst = months_gained(hazard_ratio.lower), months_gained(hazard_ratio.upper)
    of_margin = gained * (margin - margin_per_month.lower)
    value = gained * margin
    return Estimate(
        value,
        value - float(np.hypot((gained - worst) * margin, of_margin)),
        value + float(np.hypot((best - gained) * margin, of_margin)),
        currency,
        len(tenure),
        "survival to the power of the hazard ratio; interval of ratio and margin, curve taken as known",
        hazard_ratio.confidence_level,
    )


def _margin_per_month(
    customer_periods: pd.DataFrame, period_months: int, currency: str
) -> Estimate:
    """Mean margin of active customers per month, clustered by customer."""
    if customer_periods.empty:
        raise CannotEstimate("The export carries no money to set beside churn.")
    margin = customer_periods["margin"].to_numpy(float) / period_months
    if margin.mean() <= 0:
        raise CannotEstimate("Customers brought no margin, so there is none to keep.")
    centred = margin - margin.mean()
    sums = (
        customer_periods.assign(centred=centred).groupby("customer_id")["centred"].sum().to_numpy()
    )
    customers = len(sums)
    if customers < FEWEST_CUSTOMERS:
        raise CannotEstimate("Too few customers carry money to set beside churn.")
    error = float(np.sqrt((sums**2).sum() * customers / (customers - 1))) / len(margin)
    return from_standard_error(
        float(margin.mean()), error, f"{currency} per customer-month", customers, "mean, clustered by customer",
        customers - 1,
    )  # fmt: skip


def _implied_intake(lifetimes: pd.DataFrame, curve: SurvivalCurve) -> ImpliedIntake:
    """Active customers by tenure divided by survival to that tenure."""
    active = lifetimes.loc[~lifetimes["ended"], "exit_months"].to_numpy(float)
    if not len(active):
        raise CannotEstimate("Nobody is a customer any more, so no intake can be implied.")
    oldest = float(np.quantile(active, OLD_TENURE_QUANTILE))
    if oldest <= 2 * INTAKE_SPAN_MONTHS:
        raise CannotEstimate("Tenures are too short to check the intake that they imply.")

    def starters(low: float, high: float) -> float:
        here = float(((active > low) & (active <= high)).sum()) / (high - low)
        return here / max(curve.at((low + high) / 2).value, 1e-9)

    return ImpliedIntake(
        starters(0, INTAKE_SPAN_MONTHS),
        starters(oldest - INTAKE_SPAN_MONTHS, oldest),
        oldest - INTAKE_SPAN_MONTHS / 2,
    )


def study_churn(
    lifetimes: pd.DataFrame,
    intervals: pd.DataFrame,
    customer_periods: pd.DataFrame,
    currency: str,
    discount_rate_annual: float,
    horizon_months: int,
    period_months: int = 3,
    window_months: float = 0.0,
    highest_score: float = 5.0,
) -> ChurnStudy:
    """All results on churn from the frames of a data set.

    window_months: length of the observation window of a snapshot, 0 where starts are dated.
    highest_score: upper end of the CSAT scale; who stands there cannot gain a point.
    """
    group = choose_group(lifetimes)
    scored = attempt(_scored, intervals)
    rows, with_score = (lifetimes, False) if isinstance(scored, NotEstimable) else (scored, True)
    model = attempt(_model, rows, with_score)
    covariates = len(model.fit.names) if isinstance(model, HazardModel) else 0
    audit = audit_lifetimes(lifetimes, group, covariates)
    test = model.test if isinstance(model, HazardModel) else model
    fails = not isinstance(test, NotEstimable) and test.global_p_value < PROPORTIONAL_P_VALUE
    stratified: HazardModel | NotEstimable
    if fails and group:
        stratified = attempt(_model, rows, with_score, group)
    else:
        stratified = NotEstimable("Proportional hazards hold, no second model is needed.")
    chosen = stratified if isinstance(stratified, HazardModel) else model
    ratio = scored if isinstance(scored, NotEstimable) else attempt(_score_hazard_ratio, chosen)
    overall = attempt(_curve, lifetimes, False)
    margin = attempt(_margin_per_month, customer_periods, period_months, currency)
    worth: Estimate | NotEstimable
    if isinstance(ratio, NotEstimable) or isinstance(scored, NotEstimable):
        worth = ratio if isinstance(ratio, NotEstimable) else NotEstimable("No score is known.")
    else:
        exits = lifetimes[~lifetimes["ended"]].groupby("customer_id")["exit_months"].max()
        tenure = _can_gain_a_point(scored, exits, highest_score)
        worth = attempt(
            _worth_of_point,
            overall,
            ratio,
            tenure,
            margin,
            horizon_months,
            discount_rate_annual,
            currency,
        )
    intake: ImpliedIntake | NotEstimable = NotEstimable(
        "Starts are dated, no intake has to be implied."
    )
    if window_months:
        intake = attempt(_implied_intake, lifetimes, overall)
    return ChurnStudy(
        audit=audit,
        group=group,
        is_snapshot=bool(window_months),
        overall=overall,
        overall_naive=attempt(_curve, lifetimes, True),
        groups=_group_curves(lifetimes, group),
        log_rank=attempt(_compare, lifetimes, group, False),
        naive_log_rank=attempt(_compare, lifetimes, group, True),
        pairwise=_compare_pairs(lifetimes, group, bool(window_months)) if group else {},
        model=model,
        stratified=stratified,
        score_hazard_ratio=ratio,
        worth=worth,
        implied_intake=intake,
        horizon_months=horizon_months,
        window_months=window_months,
    )
