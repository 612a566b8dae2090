"""Study of a programme to whose arms, or to which, single customers were assigned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import holm, normal_quantile, p_value_t
from analysis.methods.investment import BenefitFlow, Costs
from analysis.methods.programme_effect.assigned_depth import (
    Arms,
    always_valid_effect,
    placebo_difference,
    regression_adjusted,
    score_difference,
    windows_since,
)
from analysis.methods.programme_effect.cutoff import (
    Cutoff,
    Discontinuity,
    find_cutoff,
    regression_discontinuity,
)
from analysis.methods.programme_effect.experiment import ArmDifference, arm_difference
from analysis.methods.programme_effect.results import (
    QUARTER_MONTHS,
    ArmEffect,
    Design,
    NaiveFigures,
    Programme,
    ProgrammeStudy,
    Terms,
    as_day,
    break_even_effect,
    largest_share,
    mean_with_interval,
    not_studied,
    programme_costs,
    value_programme,
)
from analysis.methods.programme_effect.selected import (
    AdjustedDifference,
    assignment_test,
    compare_alike,
)
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

RANDOM_DRAW_P_VALUE = 0.01
CONTRADICTED_P_VALUE = 0.001
SCORES = ("csat", "nps")


def recognise_design(
    declared: object, recorded: bool, p_value: float | NotEstimable | None
) -> Design:
    """What the arms are, from the declared way of choosing and from their balance.

    declared: the programme's `assignment`, if any. recorded: both arms are. p_value: of the test
    that nothing recorded tells them apart. Balance alone never makes an experiment: in small
    samples it is passed by many a choice.
    """
    if not recorded:
        return "selected"
    tested = p_value if isinstance(p_value, float) else 1.0
    if declared == "random":
        return "contradicted" if tested < CONTRADICTED_P_VALUE else "experiment"
    if isinstance(declared, str) and declared:
        return "selected"
    return "balanced" if tested >= RANDOM_DRAW_P_VALUE else "selected"


def study_assignment(programme: Programme, outcomes: pd.DataFrame, terms: Terms) -> ProgrammeStudy:
    """Recognise the design and study it.

    outcomes: a row per assigned or comparison customer; `arm` is "control" or the name of what
    was given ("treated" where there is one arm).
    """
    followed = outcomes[outcomes["quarters"] > 0] if len(outcomes) else outcomes
    if followed.empty or not (followed["arm"] != "control").any():
        return not_studied(
            programme, "none", "nobody it reached has been followed for a whole quarter"
        )
    followed = followed.reset_index(drop=True)
    arms = Arms.of(followed)
    unit = f"{terms.currency} per customer-quarter"
    naive = NaiveFigures(
        attempt(_naive_assigned_before_after, followed[arms.treated], unit),
        attempt(_plain_difference, arms, unit, "treated less untreated"),
    )
    start = as_day(programme.get("starts_on")) or np.datetime64(
        str(followed.loc[arms.treated, "assigned_on"].min())[:10]
    )
    cutoff = find_cutoff(arms.numbers(), arms.treated)
    recorded = bool(followed["recorded"].all())
    p_value = attempt(assignment_test, arms.covariates, arms.treated) if recorded else None
    if arms.treated.all():
        design: Design = "none"
    elif cutoff is not None:
        design = "cut-off"
    else:
        design = recognise_design(programme.get("assignment"), recorded, p_value)
    study = not_studied(programme, design, "nobody without it is there to compare with")
    study = replace(
        study, naive=naive, assignment_p_value=p_value if isinstance(p_value, float) else None
    )
    if design == "cut-off" and cutoff is not None:
        study, counted = _at_threshold(study, arms, cutoff, unit), followed[arms.treated]
    elif design == "none":
        counted = followed[arms.treated]
    else:
        study, counted = _compared(study, arms, unit)
        flow = attempt(_assignment_flow, study.effect, counted, start)
        study = replace(study, value=attempt(value_programme, programme, start, flow, terms))
    return replace(
        study,
        break_even=attempt(_assigned_break_even, programme, counted, start, terms),
        largest_share=largest_share(
            counted, "customer_id", lambda rows: rows["margin_per_quarter"] * rows["quarters"]
        ),
    )


def _compared(study: ProgrammeStudy, arms: Arms, unit: str) -> tuple[ProgrammeStudy, pd.DataFrame]:
    """Arms compared by the study's design, and the treated rows that were."""
    counted = arms.frame[arms.treated]
    chosen = study.label == "association"
    comparison = attempt(arms.alike)
    adjusted = attempt(compare_alike, comparison, arms.outcome, arms.quarters)
    doubly = attempt(_as_estimate, adjusted, unit)
    ancova = attempt(arm_difference, *arms.regression())
    regression = attempt(
        ArmDifference.estimate, ancova, unit, "least squares on arm and covariates, HC1"
    )
    if chosen:
        if isinstance(adjusted, AdjustedDifference):
            # Who has no counterpart was not compared, so nothing is counted for them either.
            counted = arms.frame[arms.treated & adjusted.inside]
        effect, relative = doubly, attempt(AdjustedDifference.relative, adjusted)
        variants = {"regression on the same covariates": regression}
        if "margin_older" in arms.frame.columns:
            variants["less what differed in the year before last"] = attempt(
                placebo_difference, arms, unit, True
            )
    else:
        effect, relative = regression, attempt(ArmDifference.relative, ancova)
        plain = attempt(_plain_difference, arms, unit, "difference in means, HC1")
        variants = {"difference in means": plain, "doubly robust": doubly}
    windows = windows_since(arms, comparison if chosen else None, unit)
    scores = {name: attempt(score_difference, arms, name, chosen) for name in SCORES}
    return replace(
        study,
        effect=effect,
        relative=relative,
        variants=variants,
        windows=windows,
        scores=scores,
        satisfaction=scores["csat"],
        adjusted=None if isinstance(adjusted, NotEstimable) else adjusted,
        arms=() if chosen else _several_arms(arms, unit),
        always_valid=NotEstimable("it is not an experiment")
        if chosen
        else attempt(always_valid_effect, ancova, effect, windows, arms.looks),
        placebo=attempt(placebo_difference, arms, unit, False),
    ), counted


def _at_threshold(study: ProgrammeStudy, arms: Arms, cutoff: Cutoff, unit: str) -> ProgrammeStudy:
    """The jump where the number passes the threshold; never an adjustment for what is recorded."""
    number = arms.numbers()[cutoff.name]
    name = cutoff.name.replace("_", " ")

    def jump(outcome: np.ndarray) -> Discontinuity:
        if cutoff.misplaced:
            raise CannotEstimate(
                f"{study.name}: customers were chosen by a threshold on {name}, from which some "
                "were exempted: neither adjusting nor the threshold gives a figure"
            )
        return regression_discontinuity(
            outcome, number, cutoff.threshold, cutoff.above, arms.frame["customer_id"].to_numpy()
        )

    found = attempt(jump, arms.outcome)
    effect: Estimate | NotEstimable = (
        found if isinstance(found, NotEstimable) else (found.estimate(unit))
    )
    before = NotEstimable("the year before last is not recorded")
    scores: dict[str, Estimate | NotEstimable] = {}
    for score in SCORES:
        after = arms.column(f"{score}_after")
        at = attempt(jump, after) if after is not None else NotEstimable("nobody was asked")
        scores[score] = at if isinstance(at, NotEstimable) else at.estimate("points")
    older = arms.column("margin_older")
    earlier = attempt(jump, older) if older is not None else before
    return replace(
        study,
        effect=effect,
        value=NotEstimable(
            f"{study.name}: customers were chosen by a threshold, so a figure holds for those near "
            "it and not for all who were reached"
        ),
        cutoff=cutoff,
        discontinuity=found if isinstance(found, Discontinuity) else None,
        scores=scores,
        satisfaction=scores["csat"],
        placebo=earlier if isinstance(earlier, NotEstimable) else earlier.estimate(unit),
    )


def _several_arms(arms: Arms, unit: str) -> tuple[ArmEffect, ...]:
    """Each arm against the control that all share, p-values by Holm; empty with one arm."""
    names = sorted(set(arms.frame.loc[arms.treated, "arm"].astype(str)))
    if len(names) < 2:
        return ()
    fits, results = [], []
    for name in names:
        part = Arms.of(arms.frame[arms.frame["arm"].isin([name, "control"])].reset_index(drop=True))
        fit = attempt(arm_difference, *part.regression())
        fits.append(fit)
        results.append(
            ArmEffect(
                name,
                attempt(ArmDifference.estimate, fit, unit, "least squares, shared control, HC1"),
                attempt(ArmDifference.relative, fit),
                None,
                int(part.treated.sum()),
            )
        )
    told = [i for i, fit in enumerate(fits) if isinstance(fit, ArmDifference)]
    raw = [
        p_value_t(fit.value / fit.robust_error, fit.degrees_of_freedom)
        for fit in fits
        if isinstance(fit, ArmDifference)
    ]
    for place, p_value in zip(told, holm(raw) if raw else [], strict=True):
        results[place] = replace(results[place], p_value=float(p_value))
    return tuple(results)


def _plain_difference(arms: Arms, unit: str, method: str) -> Estimate:
    return regression_adjusted(arms, with_covariates=False).estimate(unit, method)


def _as_estimate(adjusted: AdjustedDifference, unit: str) -> Estimate:
    return adjusted.estimate(unit, "doubly robust (AIPW) on the treated")


def _naive_assigned_before_after(treated: pd.DataFrame, unit: str) -> Estimate:
    change = treated["margin_per_quarter"] - treated["margin_quarter_before"]
    return mean_with_interval(change.dropna().to_numpy(), unit, "before and after")


def _quarters_by_month(
    treated: pd.DataFrame, start: np.datetime64
) -> tuple[np.ndarray, np.ndarray]:
    """Months since the start at whose end customer-quarters close, and how many."""
    days = (treated["assigned_on"].to_numpy("datetime64[D]") - start).astype(float)
    offset = np.maximum(np.ceil(days / DAYS_PER_MONTH - 0.1), 0)
    quarters = treated["quarters"].to_numpy(int)
    if not len(quarters):
        raise CannotEstimate("nobody it reached has been followed for a whole quarter")
    ends = np.concatenate(
        [offset[quarters >= k] + QUARTER_MONTHS * k for k in range(1, int(quarters.max()) + 1)]
    )
    months, counts = np.unique(ends, return_counts=True)
    return months.astype(float), counts.astype(float)


def _assigned_break_even(
    programme: Programme, treated: pd.DataFrame, start: np.datetime64, terms: Terms
) -> Estimate:
    months, counts = _quarters_by_month(treated, start)
    costs = programme_costs(programme, start, terms.as_of)
    counted = min(costs.months, int(np.ceil(months.max() - 1e-9)))
    return break_even_effect(
        Costs(costs.upfront, costs.monthly, counted), months, counts, len(treated), terms
    )


def _assignment_flow(effect: Estimate, treated: pd.DataFrame, start: np.datetime64) -> BenefitFlow:
    """The effect per customer-quarter times the customer-quarters that ended by each month.

    The effect is spread evenly over the quarters followed; summed over them it is exact.
    """
    months, counts = _quarters_by_month(treated, start)
    critical = normal_quantile()
    covariance = None
    if effect.lower is not None and effect.upper is not None:
        # The interval of the effect is handed on unchanged: its half-width over the quantile.
        error = (effect.upper - effect.lower) / 2 / critical
        covariance = np.asarray(error**2 * np.outer(counts, counts), dtype=float)
    return BenefitFlow(
        months,
        np.asarray(effect.value * counts, dtype=float),
        covariance,
        counts,
        critical,
        len(treated),
        f"{effect.method}, times customer-quarters",
    )
