"""Study of a programme that reached areas at different dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from analysis.methods.estimate import Estimate, NotEstimable, attempt
from analysis.methods.investment import BenefitFlow
from analysis.methods.programme_effect.results import (
    DAYS_PER_MONTH,
    LABELS,
    QUARTER_MONTHS,
    NaiveFigures,
    Programme,
    ProgrammeStudy,
    Terms,
    as_day,
    largest_share,
    mean_difference,
    mean_with_interval,
    not_studied,
    value_programme,
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


def study_rollout(programme: Programme, rollout: pd.DataFrame, terms: Terms) -> ProgrammeStudy:
    stack = rollout.rename(
        columns={
            "starts_on": "cohort", "customer_id": "unit", "area": "cluster",
            "quarter": "event_time", "margin": "outcome",
        }
    )  # fmt: skip
    effects = attempt(group_time_effects, stack, base_periods=QUARTERS_OF_A_YEAR)
    if isinstance(effects, NotEstimable):
        return not_studied(programme, "staggered", effects.reason)
    unit = f"{terms.currency} per customer-quarter"
    studied = {cell.cohort for cell in effects.cells if cell.event_time >= 0}
    treated = stack[stack["treated"] & stack["cohort"].isin(studied)]
    first = min(studied)
    declared = as_day(programme.get("starts_on"))
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
        attempt(value_programme, programme, start, flow, terms),
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
        largest_share=largest_share(
            treated[treated["event_time"] >= 0], "unit", lambda rows: rows["outcome"]
        ),
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
    everything = effects.combine(
        lambda cell: float(cell.event_time >= 0),
        lambda cell: float(reference.get(cell.cohort) == cell.event_time),
    )
    covariance = influence @ influence.T if everything.bears_interval else None
    quarters = [
        sum(c.treated for c in after if month_of(c.cohort, c.event_time) == month)
        for month in months
    ]
    return BenefitFlow(
        np.array(months, dtype=float),
        customers * np.array([combination.value for combination in totals]),
        covariance,
        np.array(quarters, dtype=float),
        everything.critical if everything.bears_interval else np.nan,
        customers,
        "group-time effects summed over customers, clusters: areas",
        all(combination.bears_interval for combination in totals),
    )


def _naive_before_after(treated: pd.DataFrame, unit: str) -> Estimate:
    before = treated[treated["event_time"] == -1].set_index(["cohort", "unit"])["outcome"]
    after = treated[treated["event_time"] >= 0].groupby(["cohort", "unit"])["outcome"].mean()
    return mean_with_interval((after - before).dropna().to_numpy(), unit, "before and after")


def _naive_rollout_difference(stack: pd.DataFrame, treated: pd.DataFrame, unit: str) -> Estimate:
    after = stack[(stack["event_time"] >= 0) & stack["never"]]
    others = after[after["cohort"] == after["cohort"].min()].groupby("unit")["outcome"].mean()
    mine = treated[treated["event_time"] >= 0].groupby("unit")["outcome"].mean()
    return mean_difference(mine.to_numpy(), others.to_numpy(), unit)
