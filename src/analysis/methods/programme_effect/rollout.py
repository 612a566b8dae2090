"""Study of a programme that reached areas at different dates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import t_quantile
from analysis.methods.investment import BenefitFlow, Costs
from analysis.methods.programme_effect.honest_trends import honest_trends
from analysis.methods.programme_effect.permutation import PermutationTest, permutation_test
from analysis.methods.programme_effect.relative import relative_difference
from analysis.methods.programme_effect.results import (
    LABELS,
    QUARTER_MONTHS,
    NaiveFigures,
    Programme,
    ProgrammeStudy,
    Terms,
    as_day,
    break_even_effect,
    design_sentences,
    largest_share,
    mean_difference,
    mean_with_interval,
    not_studied,
    programme_costs,
    value_programme,
)
from analysis.methods.programme_effect.staggered import (
    QUARTERS_OF_A_YEAR,
    Combination,
    GroupTimeEffects,
    basis,
    by_event_time,
    group_time_effects,
    per_unit_period,
    pre_trend,
)
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd


SCORES = ("csat", "nps")


def study_rollout(programme: Programme, rollout: pd.DataFrame, terms: Terms) -> ProgrammeStudy:
    stack = rollout.rename(
        columns={
            "starts_on": "cohort", "customer_id": "unit", "area": "cluster",
            "quarter": "event_time", "margin": "outcome",
        }
    )  # fmt: skip
    # Numbers in the order of names: everything below compares and groups them again and again.
    codes = {name: stack[name].factorize(sort=True)[0] for name in ("unit", "cluster")}
    stack = stack.assign(**codes)
    effects = attempt(group_time_effects, stack, base_periods=QUARTERS_OF_A_YEAR)
    if isinstance(effects, NotEstimable):
        study = not_studied(programme, "staggered", effects.reason)
        return replace(study, break_even=attempt(_bare_break_even, programme, stack, terms))
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
    total = per_unit_period(effects)
    short = attempt(group_time_effects, stack, base_periods=1)
    scores = {name: attempt(score_effect, stack, name) for name in SCORES}
    assumption, overturned_by = design_sentences("staggered")
    costs = programme_costs(programme, start, terms.as_of)
    counted = min(costs.months, int(flow.months.max()))
    return ProgrammeStudy(
        str(programme["programme_id"]),
        str(programme["name"]),
        "staggered",
        LABELS["staggered"],
        effects.estimate(total, unit, "group-time effects, clusters: areas"),
        NaiveFigures(
            attempt(_naive_before_after, treated, unit),
            attempt(_naive_rollout_difference, stack, treated, unit),
        ),
        attempt(value_programme, programme, start, flow, terms),
        variants={
            "against areas never reached": attempt(
                _rollout_variant,
                attempt(group_time_effects, stack, "never", base_periods=QUARTERS_OF_A_YEAR),
                unit,
                "never",
            ),
            "against the last quarter before the start": attempt(
                _rollout_variant, short, unit, "last quarter before the start"
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
        assumption=assumption,
        overturned_by=overturned_by,
        relative=attempt(relative_effect, stack, effects, total),
        scores=scores,
        satisfaction=scores["csat"],
        honest=attempt(honest_trends, short, unit),
        permutation=NotEstimable("there are enough areas for an interval")
        if total.bears_interval
        else attempt(few_areas_test, stack),
        break_even=attempt(
            break_even_effect, Costs(costs.upfront, costs.monthly, counted), flow.months,
            flow.unit_quarters, flow.n, terms,
        ),
    )  # fmt: skip


def _bare_break_even(programme: Programme, stack: pd.DataFrame, terms: Terms) -> Estimate:
    """The effect that would cover the cost where there is nothing to compare with."""
    if stack.empty or not (reached := stack["treated"] & (stack["event_time"] >= 0)).any():
        raise CannotEstimate("nobody it reached has been followed for a whole quarter")
    rows = stack[reached]
    first = np.datetime64(str(rows["cohort"].min())[:10])
    start = min(as_day(programme.get("starts_on")) or first, first)
    days = (rows["cohort"].to_numpy("datetime64[D]") - start).astype(float)
    ends = np.round(days / DAYS_PER_MONTH) + QUARTER_MONTHS * (rows["event_time"].to_numpy() + 1)
    months, customers = np.unique(ends, return_counts=True)
    costs = programme_costs(programme, start, terms.as_of)
    counted = min(costs.months, int(months.max()))
    return break_even_effect(
        Costs(costs.upfront, costs.monthly, counted), months, customers,
        int(rows["unit"].nunique()), terms,
    )  # fmt: skip


def score_effect(stack: pd.DataFrame, instrument: str) -> Estimate:
    """Effect on a score, from the mean of each area's answers by quarter; areas count alike.

    Other customers answer each quarter, so areas and not customers are followed.
    """
    if instrument not in stack.columns or not stack[instrument].notna().any():
        raise CannotEstimate(f"no {instrument.upper()} was given in these areas")
    answered = stack[stack[instrument].notna()]
    keys = ["cohort", "cluster", "treated", "never", "event_time"]
    areas = answered.groupby(keys, sort=True)[instrument].mean().rename("outcome").reset_index()
    effects = group_time_effects(
        areas.assign(unit=areas["cluster"]), base_periods=QUARTERS_OF_A_YEAR
    )
    found = per_unit_period(effects)
    return replace(
        effects.estimate(found, "points", "group-time effects on areas' mean answers"),
        n=basis(_people(answered[answered["treated"]]), _people(answered[~answered["treated"]])),
    )


def _people(rows: pd.DataFrame) -> int:
    return int(rows["unit"].nunique())


def relative_effect(stack: pd.DataFrame, effects: GroupTimeEffects, total: Combination) -> Estimate:
    """The effect as a share of what treated customers would have brought without it."""
    followed = {(cell.cohort, cell.event_time) for cell in effects.cells if cell.event_time >= 0}
    rows = stack[stack["treated"] & (stack["event_time"] >= 0)]
    last = {cohort: max(t for c, t in followed if c == cohort) for cohort, _ in followed}
    # A start date is followed without a gap from its first quarter on.
    rows = rows[rows["event_time"] <= rows["cohort"].map(last)]
    clusters = np.unique(stack["cluster"].to_numpy())
    code = np.searchsorted(clusters, rows["cluster"].to_numpy())
    outcome = rows["outcome"].to_numpy(float)
    mean = float(outcome.mean())
    moved = np.bincount(code, outcome - mean, minlength=len(clusters)) / len(outcome)
    behind = (total.influence != 0) | (moved != 0)
    share = relative_difference(
        total.value, mean, total.influence[behind], moved[behind], total.treated,
        "share of the margin without it, delta method, clusters: areas",
    )  # fmt: skip
    if not total.bears_interval or share.lower is None or share.upper is None:
        return replace(share, lower=None, upper=None)
    half = (share.upper - share.lower) / 2
    groups = int(behind.sum())
    half *= total.critical / (t_quantile(0.95, groups - 1) * np.sqrt(groups / (groups - 1)))
    return replace(share, lower=share.value - half, upper=share.value + half)


def few_areas_test(stack: pd.DataFrame) -> PermutationTest:
    """Randomisation inference over areas, for each start up to the next one."""
    changes, arms = [], []
    for _, rows in stack.groupby("cohort", sort=True):
        known = rows[rows["outcome"].notna()]
        wide = known.groupby(["cluster", "event_time"])["outcome"].mean().unstack()
        times = [int(column) for column in wide.columns.tolist()]
        arm = rows.groupby("cluster")["treated"].first().loc[wide.index].to_numpy(bool)
        after = [t for t in times if t >= 0 and wide[t].notna().all()]
        before = [t for t in times if -QUARTERS_OF_A_YEAR <= t < 0]
        if not after or not before:
            continue
        change = (wide[after].mean(axis=1) - wide[before].mean(axis=1)).to_numpy(float)
        kept = np.isfinite(change)
        changes.append(change[kept])
        arms.append(arm[kept])
    return permutation_test(changes, arms)


def _rollout_variant(effects: GroupTimeEffects, unit: str, name: str) -> Estimate:
    return effects.estimate(per_unit_period(effects), unit, f"group-time effects, {name}")


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
