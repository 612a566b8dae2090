"""Study of a programme to whose arms, or to which, single customers were assigned."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import normal_quantile
from analysis.methods.investment import BenefitFlow
from analysis.methods.programme_effect.experiment import arm_difference
from analysis.methods.programme_effect.results import (
    DAYS_PER_MONTH,
    LABELS,
    QUARTER_MONTHS,
    Design,
    NaiveFigures,
    Programme,
    ProgrammeStudy,
    Terms,
    as_day,
    largest_share,
    mean_with_interval,
    not_studied,
    value_programme,
)
from analysis.methods.programme_effect.selected import (
    AdjustedDifference,
    Covariates,
    adjusted_difference,
    assignment_test,
    covariate_matrix,
)

if TYPE_CHECKING:
    import pandas as pd

RANDOM_DRAW_P_VALUE = 0.01
CONTRADICTED_P_VALUE = 0.001
MONEY_BEFORE = ("margin_quarter_before", "margin_year_before")
NOT_COVARIATES = {
    "customer_id", "wave", "arm", "recorded", "assigned_on", "quarters", "margin_per_quarter",
    "csat_after", *MONEY_BEFORE,
}  # fmt: skip


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
    followed = outcomes[outcomes["quarters"] > 0] if len(outcomes) else outcomes
    if followed.empty or not (followed["arm"] == "treated").any():
        return not_studied(
            programme, "none", "nobody it reached has been followed for a whole quarter"
        )
    followed = followed.reset_index(drop=True)
    unit = f"{terms.currency} per customer-quarter"
    covariates = recorded_covariates(followed)
    treated = (followed["arm"] == "treated").to_numpy()
    recorded = bool(followed["recorded"].all())
    p_value = attempt(assignment_test, covariates, treated) if recorded else None
    design = recognise_design(programme.get("assignment"), recorded, p_value)
    naive = NaiveFigures(
        attempt(_naive_assigned_before_after, followed[treated], unit),
        attempt(_plain_difference, followed, unit, "treated less untreated"),
    )
    counted = followed[treated]
    if LABELS[design] != "association":
        plain = attempt(_plain_difference, followed, unit, "difference in means, HC1")
        effect = attempt(_ancova, followed, covariates, unit)
        adjusted = attempt(_adjusted, followed, covariates)
        variants = {
            "difference in means": plain,
            "doubly robust": attempt(_as_estimate, adjusted, unit),
        }
    else:
        adjusted = attempt(_adjusted, followed, covariates)
        if isinstance(adjusted, AdjustedDifference):
            # Who has no counterpart was not compared, so nothing is counted for them either.
            counted = followed[treated & adjusted.inside]
        effect = attempt(_as_estimate, adjusted, unit)
        variants = {
            "regression on the same covariates": attempt(_ancova, followed, covariates, unit)
        }
    start = as_day(programme.get("starts_on")) or np.datetime64(
        str(followed.loc[treated, "assigned_on"].min())[:10]
    )
    flow = attempt(_assignment_flow, effect, counted, start)
    return ProgrammeStudy(
        str(programme["programme_id"]),
        str(programme["name"]),
        design,
        LABELS[design],
        effect,
        naive,
        attempt(value_programme, programme, start, flow, terms),
        variants=variants,
        satisfaction=attempt(_satisfaction, followed, design),
        adjusted=None if isinstance(adjusted, NotEstimable) else adjusted,
        assignment_p_value=p_value if isinstance(p_value, float) else None,
        largest_share=largest_share(
            counted, "customer_id", lambda rows: rows["margin_per_quarter"] * rows["quarters"]
        ),
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
    return mean_with_interval(change.dropna().to_numpy(), unit, "before and after")


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
    if LABELS[design] == "association":
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
    critical = normal_quantile()
    covariance = None
    if effect.lower is not None and effect.upper is not None:
        # The interval of the effect is handed on unchanged: its half-width over the quantile.
        error = (effect.upper - effect.lower) / 2 / critical
        covariance = np.asarray(error**2 * np.outer(counts, counts), dtype=float)
    return BenefitFlow(
        months.astype(float),
        np.asarray(effect.value * counts, dtype=float),
        covariance,
        counts.astype(float),
        critical,
        len(treated),
        f"{effect.method}, times customer-quarters",
    )
