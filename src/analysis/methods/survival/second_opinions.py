"""Beside the argument on churn: what other models say, and what would overturn it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.survival.families import ParametricStudy, fit_families
from analysis.methods.survival.groups import FEWEST_CUSTOMERS, group_codes, lifetime_arrays
from analysis.methods.survival.hazard import HazardModel, hazard_design, scored_intervals
from analysis.methods.survival.nonparametric import Floats, Ints
from analysis.methods.survival.restricted_mean import (
    RestrictedMeans,
    followed_months,
    restricted_mean_difference,
)
from analysis.methods.survival.sensitivity import (
    DependentCensoring,
    EValue,
    censored_by_calendar,
    contrast_of_steps,
    dependent_censoring,
    e_value,
)
from analysis.methods.survival.standardised import StandardisedDifference, standardised_difference
from analysis.methods.survival.study import ChurnStudy

if TYPE_CHECKING:
    import pandas as pd

MONTHS_AHEAD = 12
RETENTION_MONTHS = 12
DAYS_PER_YEAR = 365.25
# A group followed for less than this share of the longest horizon would cut all others down.
COMPARABLE_SHARE = 0.5
NO_LENGTH = (
    "A snapshot cannot settle how long customers stay, so no model of it is set beside the curves."
)


@dataclass(frozen=True, slots=True)
class SecondOpinions:
    """Results beside the argument; a field holds the reason where the data do not bear it.

    restricted_means: mean months as a customer within the horizon, by group. families: parametric
    models by AIC. standardised: retention if everybody scored a point higher. e_value: of a score
    a quarter of the scale above the lowest against one a quarter below the highest. censoring:
    how far retention rests on those no longer followed being like the rest.
    """

    restricted_means: RestrictedMeans | NotEstimable
    families: ParametricStudy | NotEstimable
    standardised: StandardisedDifference | NotEstimable
    e_value: EValue | NotEstimable
    censoring: DependentCensoring | NotEstimable


def recorded_design(rows: pd.DataFrame, leave_out: str = "") -> tuple[Floats, tuple[str, ...]]:
    """Indicators of what is recorded of the customers; no columns where nothing is."""
    try:
        return hazard_design(rows, False, leave_out)
    except CannotEstimate:
        return np.zeros((len(rows), 0)), ()


def _customers(rows: pd.DataFrame) -> Ints:
    return group_codes(rows["customer_id"])[0]


def _restricted_means(
    lifetimes: pd.DataFrame, study: ChurnStudy, horizon_months: float
) -> RestrictedMeans:
    if not study.group:
        raise CannotEstimate("No column splits customers into groups that could be compared.")
    entry, exit_, ended = lifetime_arrays(lifetimes)
    codes, names = group_codes(lifetimes[study.group])
    customers = _customers(lifetimes)
    reach = np.zeros(len(names))
    for code in range(len(names)):
        mine = codes == code
        if len(np.unique(customers[mine])) >= FEWEST_CUSTOMERS:
            reach[code] = followed_months(entry[mine], exit_[mine], codes[mine], horizon_months)
    # A handful of customers, or a group that is new, must not shorten the comparison of the others.
    compared = np.flatnonzero((reach >= COMPARABLE_SHARE * reach.max()) & (reach >= 1))
    if not len(compared):
        raise CannotEstimate("No group was followed for a month: no mean time is compared.")
    horizon = float(reach[compared].min())
    here = np.isin(codes, compared)
    found = restricted_mean_difference(
        entry[here], exit_[here], ended[here], np.searchsorted(compared, codes[here]),
        tuple(names[code] for code in compared), horizon, customers[here],
    )  # fmt: skip
    left_out = tuple(
        (
            name,
            NotEstimable(
                f"{name}: too few customers were followed for {horizon:g} months to be compared."
            ),
        )
        for code, name in enumerate(names)
        if code not in compared
    )
    return replace(found, groups=found.groups + left_out)


def _families(lifetimes: pd.DataFrame) -> ParametricStudy:
    design, names = recorded_design(lifetimes)
    families = fit_families(*lifetime_arrays(lifetimes), design if names else None, names)
    families.best  # noqa: B018 -- raises where no family could be fitted
    return families


def _standardised(
    intervals: pd.DataFrame, study: ChurnStudy, highest_score: float
) -> StandardisedDifference:
    scored = scored_intervals(intervals)
    chosen = study.chosen_model
    stratified_by = chosen.stratified_by if isinstance(chosen, HazardModel) else ""
    design, names = recorded_design(scored, stratified_by)
    strata = group_codes(scored[stratified_by])[0] if stratified_by else None
    return standardised_difference(
        scored, design, names, MONTHS_AHEAD, highest_score, strata=strata,
        cox_hazard_ratio=study.score_hazard_ratio,
    )  # fmt: skip


def _e_value(per_point: Estimate, scale: tuple[float, float], share_with_event: float) -> EValue:
    quarter = (scale[1] - scale[0]) / 4
    low, high = scale[0] + quarter, scale[1] - quarter
    contrast = f"{low:g} against {high:g}"
    return e_value(contrast, contrast_of_steps(per_point, low - high), share_with_event)


def _censoring(lifetimes: pd.DataFrame) -> DependentCensoring:
    entry, exit_, ended = lifetime_arrays(lifetimes)
    if not ended.any():
        raise CannotEstimate("Nobody has left, so there is no retention to doubt.")
    design, names = recorded_design(lifetimes)
    started = lifetimes["started_on"]
    years = None if started.isna().any() else np.asarray(
        (started - started.min()).dt.days / DAYS_PER_YEAR, dtype=float
    )  # fmt: skip
    return dependent_censoring(
        entry, exit_, ended, np.arange(len(exit_)), _customers(lifetimes), design, names,
        RETENTION_MONTHS, censored_by_calendar(lifetimes), years,
    )  # fmt: skip


def study_second_opinions(
    lifetimes: pd.DataFrame,
    intervals: pd.DataFrame,
    study: ChurnStudy,
    scale: tuple[float, float],
) -> SecondOpinions:
    """All second opinions, from the same frames as the study. scale: ends of the CSAT scale.

    Of a snapshot nothing that is a length of time is given.
    """
    timeless = NotEstimable(NO_LENGTH) if study.is_snapshot else lifetimes
    return SecondOpinions(
        attempt(_restricted_means, timeless, study, study.horizon_months),
        attempt(_families, timeless),
        attempt(_standardised, intervals, study, scale[1]),
        attempt(_e_value, study.score_hazard_ratio, scale, float(lifetimes["ended"].mean())),
        attempt(_censoring, timeless),
    )
