"""What each programme brought: recognise its design, estimate, value, compare with naive figures.

The design is read from the data: areas with start dates make a staggered roll-out; arms whose
members cannot be told apart by anything recorded beforehand make an experiment; otherwise
customers were selected, and are compared with customers alike in what was recorded.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, Label, NotEstimable, attempt
from analysis.methods.investment import BenefitFlow, Costs, InvestmentValue, value_investment
from analysis.methods.programme_effect.experiment import arm_difference, t_quantile
from analysis.methods.programme_effect.selected import (
    AdjustedDifference,
    Covariates,
    adjusted_difference,
    assignment_test,
    covariate_matrix,
)
from analysis.methods.programme_effect.staggered import (
    QUARTERS_OF_A_YEAR,
    Combination,
    GroupTimeEffects,
    by_event_time,
    group_time_effects,
    per_unit_period,
    pre_trend,
)

if TYPE_CHECKING:
    import pandas as pd

Design = Literal["staggered", "experiment", "selected", "none"]

LABELS: dict[Design, Label] = {
    "staggered": "quasi-experiment",
    "experiment": "experiment",
    "selected": "association",
    "none": "description",
}
RANDOM_DRAW_P_VALUE = 0.01
DAYS_PER_MONTH = 30.4375
QUARTER_MONTHS = 3
MONEY_BEFORE = ("margin_quarter_before", "margin_year_before")
NOT_COVARIATES = {
    "customer_id", "wave", "arm", "recorded", "assigned_on", "quarters", "margin_per_quarter",
    "csat_after", *MONEY_BEFORE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terms:
    """What turns effects into money. costs_apply: False for a segment, whose share of the costs
    nobody recorded."""

    as_of: dt.date
    currency: str
    discount_rate_annual: float
    costs_apply: bool = True


@dataclass(frozen=True, slots=True)
class NaiveFigures:
    """What one would read off without thinking, per customer-quarter.

    before_after: treated customers, after less the quarter before. treated_untreated: treated
    less untreated customers, after the start.
    """

    before_after: Estimate | NotEstimable
    treated_untreated: Estimate | NotEstimable


@dataclass(frozen=True, slots=True)
class ProgrammeStudy:
    """One programme.

    effect: incremental margin per customer-quarter since the assignment, zeros after leaving (an
    adjusted difference where the label is `association`). variants: the same under other
    choices, by name. event_study: by quarter since the start (roll-outs). satisfaction:
    difference in the CSAT given afterwards, same design. assignment_p_value: of the test that
    nothing recorded tells who was treated. pre_trend: (p-value, quarters tested).
    """

    programme_id: str
    name: str
    design: Design
    label: Label
    effect: Estimate | NotEstimable
    naive: NaiveFigures
    value: InvestmentValue | NotEstimable
    variants: dict[str, Estimate | NotEstimable] = field(default_factory=dict)
    event_study: dict[int, Estimate] = field(default_factory=dict)
    satisfaction: Estimate | NotEstimable = NotEstimable("no CSAT was given by both groups")
    adjusted: AdjustedDifference | None = None
    assignment_p_value: float | None = None
    pre_trend: tuple[float, int] | None = None
    areas: tuple[int, int] | None = None


def study_programmes(
    programmes: pd.DataFrame,
    rollouts: Mapping[str, pd.DataFrame],
    outcomes: Mapping[str, pd.DataFrame],
    terms: Terms,
) -> tuple[ProgrammeStudy, ...]:
    """Study every programme, the best by the lower limit of its net present value first.

    programmes: canonical table. rollouts, outcomes: frames of roll-outs and of assigned
    customers by programme id.
    """
    studies = [
        study_programme(
            row, rollouts.get(row["programme_id"]), outcomes.get(row["programme_id"]), terms
        )
        for row in programmes.to_dict("records")
    ]
    return tuple(sorted(studies, key=_standing))


def _standing(study: ProgrammeStudy) -> tuple[float, str]:
    if isinstance(study.value, NotEstimable):
        return np.inf, study.programme_id
    worth = study.value.net_present_value
    return -(worth.lower if worth.lower is not None else -1e300), study.programme_id


def study_programme(
    programme: Mapping[str, object],
    rollout: pd.DataFrame | None,
    outcomes: pd.DataFrame | None,
    terms: Terms,
) -> ProgrammeStudy:
    """Study one programme; what the data do not bear stands as a reason in place of a number."""
    if rollout is not None:
        return _study_rollout(programme, rollout, terms)
    if outcomes is not None:
        return _study_assignment(programme, outcomes, terms)
    return _not_studied(programme, "none", "neither areas nor customers are recorded for it")


def _not_studied(programme: Mapping[str, object], design: Design, reason: str) -> ProgrammeStudy:
    missing = NotEstimable(f"{programme['name']}: {reason}")
    naive = NaiveFigures(missing, missing)
    return ProgrammeStudy(
        str(programme["programme_id"]), str(programme["name"]), design, LABELS[design],
        missing, naive, missing,
    )  # fmt: skip


def _number(value: object) -> float:
    number = float(value) if isinstance(value, (int, float, np.floating)) else 0.0
    return number if np.isfinite(number) else 0.0


def _as_day(value: object) -> np.datetime64 | None:
    day = np.datetime64("NaT") if value is None else np.datetime64(str(value)[:10])
    return None if np.isnat(day) else day


def programme_costs(programme: Mapping[str, object], start: np.datetime64, as_of: dt.date) -> Costs:
    """Costs from the start to the as-of date or the programme's end; a month begun is paid."""
    end = np.datetime64(as_of)
    ended = _as_day(programme.get("ends_on"))
    if ended is not None and ended < end:
        end = ended
    days = float((end - start).astype("timedelta64[D]").astype(int)) + 1
    # A calendar month can be longer than the average one: a few days do not begin another.
    months = max(int(np.ceil(days / DAYS_PER_MONTH - 0.1)), 0)
    return Costs(
        _number(programme.get("upfront_cost")), _number(programme.get("monthly_cost")), months
    )


def _value(
    programme: Mapping[str, object], start: np.datetime64, flow: BenefitFlow, terms: Terms
) -> InvestmentValue:
    if not terms.costs_apply:
        raise CannotEstimate(
            "costs are recorded for the whole programme, not for a segment of customers"
        )
    costs = programme_costs(programme, start, terms.as_of)
    return value_investment(flow, costs, terms.discount_rate_annual, terms.currency)


# Roll-outs


def _study_rollout(
    programme: Mapping[str, object], rollout: pd.DataFrame, terms: Terms
) -> ProgrammeStudy:
    stack = rollout.rename(
        columns={
            "starts_on": "cohort", "customer_id": "unit", "area": "cluster",
            "quarter": "event_time", "margin": "outcome",
        }
    )  # fmt: skip
    effects = attempt(group_time_effects, stack, base_periods=QUARTERS_OF_A_YEAR)
    if isinstance(effects, NotEstimable):
        return _not_studied(programme, "staggered", effects.reason)
    unit = f"{terms.currency} per customer-quarter"
    studied = {cell.cohort for cell in effects.cells if cell.event_time >= 0}
    treated = stack[stack["treated"] & stack["cohort"].isin(studied)]
    first = min(studied)
    declared = _as_day(programme.get("starts_on"))
    start = (
        min(declared, np.datetime64(str(first)[:10]))
        if declared
        else np.datetime64(str(first)[:10])
    )
    flow = _rollout_flow(effects, treated, start)
    return ProgrammeStudy(
        str(programme["programme_id"]),
        str(programme["name"]),
        "staggered",
        LABELS["staggered"],
        effects.estimate(per_unit_period(effects), unit, "group-time effects, clusters: areas"),
        NaiveFigures(
            attempt(_naive_before_after, treated, unit),
            attempt(_naive_rollout_difference, stack, treated, unit),
        ),
        attempt(_value, programme, start, flow, terms),
        variants={
            "against areas never reached": attempt(_rollout_variant, stack, unit, "never"),
            "against the last quarter before the start": attempt(
                _rollout_variant, stack, unit, "not yet", 1
            ),
        },
        event_study={
            time: effects.estimate(combination, unit, "event study, clusters: areas")
            for time, combination in by_event_time(effects).items()
        },
        pre_trend=pre_trend(effects),
        areas=(effects.treated_clusters, effects.control_clusters),
    )


def _rollout_variant(
    stack: pd.DataFrame,
    unit: str,
    controls: Literal["not yet", "never"],
    base_periods: int = QUARTERS_OF_A_YEAR,
) -> Estimate:
    effects = group_time_effects(stack, controls, base_periods=base_periods)
    return effects.estimate(per_unit_period(effects), unit, f"group-time effects, {controls}")


def _rollout_flow(
    effects: GroupTimeEffects, treated: pd.DataFrame, start: np.datetime64
) -> BenefitFlow:
    """Total incremental margin by month since the start, with its covariance.

    Every amount is written as treated customers × mean over them, so that the number of
    customers is taken as it was and the mean carries the uncertainty.
    """
    offset = {
        cohort: round(float((np.datetime64(str(cohort)[:10]) - start).astype(int)) / DAYS_PER_MONTH)
        for cohort in treated["cohort"].unique()
    }
    after = [cell for cell in effects.cells if cell.event_time >= 0]
    reference = {cell.cohort: cell.event_time for cell in reversed(after)}
    customers = sum(cell.treated for cell in after if reference[cell.cohort] == cell.event_time)

    def month_of(cohort: object, event_time: int) -> int:
        return offset[cohort] + QUARTER_MONTHS * (event_time + 1)

    months = sorted({month_of(cell.cohort, cell.event_time) for cell in after})

    def total(month: int) -> Combination:
        return effects.combine(
            lambda cell: float(
                cell.event_time >= 0 and month_of(cell.cohort, cell.event_time) == month
            ),
            lambda cell: float(reference.get(cell.cohort) == cell.event_time),
        )

    totals = [total(month) for month in months]
    influence = customers * np.array([combination.influence for combination in totals])
    covariance = influence @ influence.T if effects.bears_interval else None
    quarters = [
        sum(c.treated for c in after if month_of(c.cohort, c.event_time) == month)
        for month in months
    ]
    return BenefitFlow(
        np.array(months, dtype=float),
        customers * np.array([combination.value for combination in totals]),
        covariance,
        np.array(quarters, dtype=float),
        effects.critical if effects.bears_interval else np.nan,
        customers,
        "group-time effects summed over customers, clusters: areas",
    )


def _naive_before_after(treated: pd.DataFrame, unit: str) -> Estimate:
    before = treated[treated["event_time"] == -1].set_index(["cohort", "unit"])["outcome"]
    after = treated[treated["event_time"] >= 0].groupby(["cohort", "unit"])["outcome"].mean()
    return _mean_with_interval((after - before).dropna().to_numpy(), unit, "before and after")


def _naive_rollout_difference(stack: pd.DataFrame, treated: pd.DataFrame, unit: str) -> Estimate:
    after = stack[(stack["event_time"] >= 0) & stack["never"]]
    others = after[after["cohort"] == after["cohort"].min()].groupby("unit")["outcome"].mean()
    mine = treated[treated["event_time"] >= 0].groupby("unit")["outcome"].mean()
    return _welch(mine.to_numpy(), others.to_numpy(), unit)


def _mean_with_interval(values: np.ndarray, unit: str, method: str) -> Estimate:
    if len(values) < 2:
        raise CannotEstimate("fewer than two customers were treated")
    half = t_quantile(len(values) - 1) * float(values.std(ddof=1)) / np.sqrt(len(values))
    mean = float(values.mean())
    return Estimate(mean, mean - half, mean + half, unit, len(values), method)


def _welch(first: np.ndarray, second: np.ndarray, unit: str) -> Estimate:
    if min(len(first), len(second)) < 2:
        raise CannotEstimate("there are no untreated customers to set beside the treated")
    value = float(first.mean() - second.mean())
    half = t_quantile(min(len(first), len(second)) - 1) * float(
        np.sqrt(first.var(ddof=1) / len(first) + second.var(ddof=1) / len(second))
    )
    n = len(first) + len(second)
    return Estimate(value, value - half, value + half, unit, n, "treated less untreated")


# Assigned customers


def _study_assignment(
    programme: Mapping[str, object], outcomes: pd.DataFrame, terms: Terms
) -> ProgrammeStudy:
    followed = outcomes[outcomes["quarters"] > 0] if len(outcomes) else outcomes
    if followed.empty or not (followed["arm"] == "treated").any():
        return _not_studied(
            programme, "none", "nobody it reached has been followed for a whole quarter"
        )
    followed = followed.reset_index(drop=True)
    unit = f"{terms.currency} per customer-quarter"
    covariates = recorded_covariates(followed)
    treated = (followed["arm"] == "treated").to_numpy()
    recorded = bool(followed["recorded"].all())
    p_value = attempt(assignment_test, covariates, treated) if recorded else 0.0
    naive = NaiveFigures(
        attempt(_naive_assigned_before_after, followed[treated], unit),
        attempt(_plain_difference, followed, unit, "treated less untreated"),
    )
    if isinstance(p_value, NotEstimable) or p_value >= RANDOM_DRAW_P_VALUE:
        design: Design = "experiment"
        plain = attempt(_plain_difference, followed, unit, "difference in means, HC1")
        effect = attempt(_ancova, followed, covariates, unit)
        adjusted = attempt(_adjusted, followed, covariates)
        variants = {
            "difference in means": plain,
            "doubly robust": attempt(_as_estimate, adjusted, unit),
        }
    else:
        design = "selected"
        adjusted = attempt(_adjusted, followed, covariates)
        effect = attempt(_as_estimate, adjusted, unit)
        variants = {
            "regression on the same covariates": attempt(_ancova, followed, covariates, unit)
        }
    start = _as_day(programme.get("starts_on")) or np.datetime64(
        str(followed.loc[treated, "assigned_on"].min())[:10]
    )
    flow = attempt(_assignment_flow, effect, followed[treated], start)
    return ProgrammeStudy(
        str(programme["programme_id"]),
        str(programme["name"]),
        design,
        LABELS[design],
        effect,
        naive,
        attempt(_value, programme, start, flow, terms),  # type: ignore[arg-type]
        variants=variants,
        satisfaction=attempt(_satisfaction, followed, design),
        adjusted=None if isinstance(adjusted, NotEstimable) else adjusted,
        assignment_p_value=None if isinstance(p_value, NotEstimable) or not recorded else p_value,
    )


def recorded_covariates(followed: pd.DataFrame) -> Covariates:
    """All that was recorded before the assignment, and the wave, as a matrix."""
    import pandas as pd

    names = [name for name in followed.columns if name not in NOT_COVARIATES]
    numbers = tuple(n for n in names if pd.api.types.is_numeric_dtype(followed[n]))
    groups = tuple(n for n in names if n not in numbers)
    frame = followed.assign(wave=followed["wave"].astype(str))
    return covariate_matrix(
        frame, ("margin_year_before",), ("margin_quarter_before", *numbers), (*groups, "wave")
    )


def _arrays(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
    """Outcome, arm, quarters followed, and customers as clusters where any appears twice."""
    ids = frame["customer_id"].to_numpy()
    repeated = bool(frame["customer_id"].duplicated().any())
    return (
        frame["margin_per_quarter"].to_numpy(float),
        (frame["arm"] == "treated").to_numpy(float),
        frame["quarters"].to_numpy(float),
        ids if repeated else None,
    )


def _plain_difference(frame: pd.DataFrame, unit: str, method: str) -> Estimate:
    outcome, arm, quarters, clusters = _arrays(frame)
    return arm_difference(outcome, arm, None, quarters, clusters).estimate(unit, method)


def _ancova(frame: pd.DataFrame, covariates: Covariates, unit: str) -> Estimate:
    outcome, arm, quarters, clusters = _arrays(frame)
    fit = arm_difference(outcome, arm, covariates.matrix, quarters, clusters)
    return fit.estimate(unit, "least squares on arm and covariates, HC1")


def _adjusted(frame: pd.DataFrame, covariates: Covariates) -> AdjustedDifference:
    outcome, arm, quarters, _ = _arrays(frame)
    ids = frame["customer_id"].to_numpy()
    return adjusted_difference(outcome, arm, covariates, quarters, ids)


def _as_estimate(adjusted: AdjustedDifference, unit: str) -> Estimate:
    return adjusted.estimate(unit, "doubly robust (AIPW) on the treated")


def _naive_assigned_before_after(treated: pd.DataFrame, unit: str) -> Estimate:
    change = treated["margin_per_quarter"] - treated["margin_quarter_before"]
    return _mean_with_interval(change.dropna().to_numpy(), unit, "before and after")


def _satisfaction(followed: pd.DataFrame, design: Design) -> Estimate:
    """Difference in the CSAT given after the assignment, among those who answered.

    Whoever answers has stayed: the programme may decide who does, so this is a second look.
    """
    if "csat_after" not in followed.columns:
        raise CannotEstimate("no CSAT was given afterwards")
    answered = followed[followed["csat_after"].notna()].reset_index(drop=True)
    covariates = recorded_covariates(answered)
    arm = (answered["arm"] == "treated").to_numpy(float)
    outcome = answered["csat_after"].to_numpy(float)
    ids = answered["customer_id"].to_numpy()
    if design == "selected":
        fit = adjusted_difference(outcome, arm, covariates, np.ones(len(arm)), ids)
        return fit.estimate("points", "doubly robust (AIPW) on the treated who answered")
    plain = arm_difference(outcome, arm, covariates.matrix, None, ids)
    return plain.estimate("points", "least squares on arm and covariates, those who answered")


def _assignment_flow(effect: Estimate, treated: pd.DataFrame, start: np.datetime64) -> BenefitFlow:
    """The effect per customer-quarter times the customer-quarters that ended by each month.

    The effect is spread evenly over the quarters followed; summed over them it is exact.
    """
    days = (treated["assigned_on"].to_numpy("datetime64[D]") - start).astype(float)
    offset = np.maximum(np.ceil(days / DAYS_PER_MONTH - 0.1), 0)
    quarters = treated["quarters"].to_numpy(int)
    ends = np.concatenate(
        [offset[quarters >= k] + QUARTER_MONTHS * k for k in range(1, int(quarters.max()) + 1)]
    )
    months, counts = np.unique(ends, return_counts=True)
    error = None
    if effect.lower is not None and effect.upper is not None:
        error = (effect.upper - effect.lower) / 2
    return BenefitFlow(
        months.astype(float),
        effect.value * counts,
        # The half-width already holds the critical value, hence critical = 1.96 below.
        None if error is None else (error / NORMAL_CRITICAL) ** 2 * np.outer(counts, counts),
        counts.astype(float),
        NORMAL_CRITICAL,
        len(treated),
        f"{effect.method}, times customer-quarters",
    )


NORMAL_CRITICAL = 1.959963984540054
