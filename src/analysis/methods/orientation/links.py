"""Does employees' orientation go with what becomes of the customers they serve?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import from_standard_error, p_value_t, scaled
from analysis.methods.orientation.random_intercept import RandomIntercept, fit_random_intercept
from analysis.methods.orientation.reliability import EmployeeScores
from analysis.methods.orientation.served import Served, independent_columns
from analysis.methods.regression import Floats, Ints, fit_least_squares

ORIENTATION = "orientation"
FEWEST_EMPLOYEES = 8
FEWEST_ROWS = 30
# An employee's level from fewer rows than this is nearly all chance.
FEWEST_ROWS_OF_ONE = 5


@dataclass(frozen=True, slots=True)
class Link:
    """How an outcome goes with orientation, per standard deviation of the employees' scores.

    slope: mixed model with an employee random intercept; n counts employees. corrected: the slope
    on the score freed of chance. by_means: second opinion from employees' levels. after_sheet:
    only what came after the sheet. p_value: of the slope.
    between_sd: of employees' levels that orientation leaves unexplained. mean: of the outcome.
    rows, customers, employees: how many. held_equal: what is held equal.
    """

    slope: Estimate
    corrected: Estimate | NotEstimable
    by_means: Estimate | NotEstimable
    after_sheet: Estimate | NotEstimable
    p_value: float
    between_sd: float
    mean: float
    rows: int
    customers: int
    employees: int
    not_scored: int
    held_equal: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """Employees alike in orientation. orientation: mean score, points of the scale; level: mean
    of the outcome over employees, all else held equal; n: employees."""

    orientation: float
    level: Estimate


def fit_link(served: Served, standardised: Floats, unit: str, factor: float = 1.0) -> Estimate:
    """Slope of the outcome × factor on the employees' scores in standard deviations (m).

    Restricted likelihood; t with employees less two degrees of freedom. Raises CannotEstimate
    for fewer than eight employees or thirty rows, or if nothing varies.
    """
    return _slope_of(_fit(served, standardised, factor), unit)


def _fit(served: Served, standardised: Floats, factor: float) -> RandomIntercept:
    codes = _employees_in(served)
    score = standardised[served.employee]
    if score.std() <= 1e-12:
        raise CannotEstimate("The employees who served these customers have the same score.")
    if served.outcome.std() <= 1e-12:
        raise CannotEstimate("The outcome is the same for all customers.")
    design = np.column_stack([np.ones(len(score)), score, served.design])
    names = ("constant", ORIENTATION, *served.names)
    return fit_random_intercept(factor * served.outcome, design, names, codes)


def _slope_of(fit: RandomIntercept, unit: str) -> Estimate:
    return from_standard_error(
        float(fit.coefficients[1]), float(fit.standard_errors[1]), unit, fit.clusters,
        "random intercept of employees, t", fit.degrees_of_freedom,
    )  # fmt: skip


def _employees_in(served: Served) -> Ints:
    present, codes = np.unique(served.employee, return_inverse=True)
    if len(present) < FEWEST_EMPLOYEES:
        raise CannotEstimate(
            "Fewer than eight employees with a sheet served customers of whom this is known, which "
            "is too few to compare employees."
        )
    if len(codes) < FEWEST_ROWS:
        raise CannotEstimate("Fewer than thirty answers or contacts are linked to an employee.")
    return codes.astype(np.int64)


def study_link(
    served: Served | NotEstimable,
    scores: EmployeeScores | NotEstimable,
    answered_on: np.ndarray,
    unit: str,
    factor: float = 1.0,
) -> Link | NotEstimable:
    """The link of one outcome with its checks; the reason where there is none."""
    if isinstance(served, NotEstimable):
        return served
    if isinstance(scores, NotEstimable):
        return scores
    return attempt(_link, served, scores, answered_on, unit, factor)


def _link(
    served: Served, scores: EmployeeScores, answered_on: np.ndarray, unit: str, factor: float
) -> Link:
    fit = _fit(served, scores.standardised, factor)
    slope = _slope_of(fit, unit)
    after = served.days > answered_on[served.employee]  # NaT compares as False
    return Link(
        slope=slope,
        corrected=scaled(slope, scores.reliability**-0.5, unit),
        by_means=attempt(slope_of_levels, served, scores.standardised, unit, factor),
        after_sheet=attempt(_after, served, after, scores.standardised, unit, factor),
        p_value=p_value_t(
            float(fit.coefficients[1] / fit.standard_errors[1]), fit.degrees_of_freedom
        ),
        between_sd=fit.between_sd,
        mean=factor * float(served.outcome.mean()),
        rows=fit.n,
        customers=served.customers,
        employees=fit.clusters,
        not_scored=served.not_scored,
        held_equal=served.held_equal,
    )


def _after(
    served: Served, after: np.ndarray, standardised: Floats, unit: str, factor: float
) -> Estimate:
    if not after.any():
        raise CannotEstimate("Nothing is recorded after the day of the sheets.")
    chosen = served.select(after)
    kept = independent_columns(chosen.design)
    names = tuple(name for name, keep in zip(served.names, kept, strict=True) if keep)
    return fit_link(
        replace(chosen, design=chosen.design[:, kept], names=names), standardised, unit, factor
    )


def employee_levels(served: Served) -> tuple[np.ndarray, Floats, Floats]:
    """Each employee's level of the outcome, all else held equal at its mean.

    Gives positions of the employees, levels and rows of each; those with few rows are left out.
    Coefficients are those of a regression within employees.
    """
    present, codes = np.unique(served.employee, return_inverse=True)
    counts = np.bincount(codes).astype(float)

    def means(values: Floats) -> Floats:
        return np.bincount(codes, values) / counts

    outcome = served.outcome - means(served.outcome)[codes]
    level = means(served.outcome)
    if served.design.shape[1]:
        of_employee = np.column_stack([means(column) for column in served.design.T])
        inner = served.design - of_employee[codes]
        coefficients = np.linalg.lstsq(inner, outcome, rcond=None)[0]
        level = level - (of_employee - served.design.mean(axis=0)) @ coefficients
    enough = counts >= FEWEST_ROWS_OF_ONE
    return present[enough], level[enough], counts[enough]


def slope_of_levels(served: Served, standardised: Floats, unit: str, factor: float) -> Estimate:
    """Slope through employees' levels, every employee counted once, errors HC3.

    It rests on no assumption about how levels or rows scatter. Raises CannotEstimate for fewer
    than eight employees with five rows each.
    """
    present, level, _ = employee_levels(served)
    if len(present) < FEWEST_EMPLOYEES:
        raise CannotEstimate("Fewer than eight employees served enough customers.")
    design = np.column_stack([np.ones(len(present)), standardised[present]])
    fit = fit_least_squares(factor * level, design, ("constant", ORIENTATION), "HC3")
    return from_standard_error(
        float(fit.coefficients[1]), float(fit.standard_errors[1]), unit, len(present),
        "employees' levels, HC3", fit.degrees_of_freedom,
    )  # fmt: skip


def steps_of(
    served: Served, overall: Floats, unit: str, factor: float = 1.0, smallest: int = 8
) -> tuple[Step, ...]:
    """Up to five groups of employees alike in orientation, each of at least `smallest`.

    Raises CannotEstimate where there are too few employees for two groups.
    """
    present, level, _ = employee_levels(served)
    number = min(5, len(present) // smallest)
    if number < 2:
        raise CannotEstimate("There are too few employees to be shown in groups of eight.")
    order = np.lexsort((present, overall[present]))
    steps = []
    for part in np.array_split(order, number):
        values = factor * level[part]
        error = float(values.std(ddof=1) / np.sqrt(len(part)))
        steps.append(
            Step(
                float(overall[present][part].mean()),
                from_standard_error(
                    float(values.mean()), error, unit, len(part), "mean of levels, t", len(part) - 1
                ),
            )
        )
    return tuple(steps)
