"""The shape behind the slope: spend by step of the score, and losses against gains."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import from_standard_error, p_value_t
from analysis.methods.regression import (
    Floats,
    Ints,
    LeastSquares,
    clustered_covariance,
    fit_least_squares,
)
from analysis.methods.spending.absorb import Held, changing_customers, fit_within, take_out
from analysis.methods.spending.checks import rows_ahead
from analysis.methods.spending.ladder import LEAST_SQUARES, slope_of
from analysis.methods.spending.rows import (
    FEWEST_CUSTOMERS,
    SAME_ANSWER,
    PanelRows,
)
from analysis.tenure import DAYS_PER_MONTH

# NPS: up to six a detractor, nine and ten a promoter.
NPS_STEPS = (6.5, 8.5)


@dataclass(frozen=True, slots=True)
class StepMeans:
    """Mean spend by step of the score, between customers and within them.

    steps: rounded scores, or 0, 1, 2 for detractors, passives, promoters. raw: mean spend. own:
    levels of a regression on the steps with customer and period effects, shifted so that their
    mean over the rows is the overall mean; differences between them are those of a customer
    against itself. Their intervals take the overall mean as given.
    straight_p_value: of all steps being worth the same within customers.
    """

    steps: tuple[float, ...]
    raw: tuple[Estimate, ...]
    own: tuple[Estimate, ...] | NotEstimable
    straight_p_value: float | NotEstimable


@dataclass(frozen=True, slots=True)
class GainAndLoss:
    """Change of spend from period to period with a point gained and with a point lost.

    gain: per point up. loss: per point down (negative where spend falls). asymmetry: loss taken
    as positive, less gain; zero where losing a point costs what gaining one brings.
    """

    gain: Estimate
    loss: Estimate
    asymmetry: Estimate
    p_value: float


def p_value_f(statistic: float, numerator: int, denominator: float) -> float:
    """Upper tail of the F distribution."""
    from scipy.special import fdtrc

    return float(fdtrc(numerator, denominator, statistic))


def _mean_of_rows(values: Floats, customer: Ints, unit: str) -> Estimate:
    _, codes = np.unique(customer, return_inverse=True)
    mean = float(values.mean())
    influence = np.bincount(codes, values - mean) / len(values)
    customers = len(influence)
    if customers < 2:
        return Estimate(mean, None, None, unit, customers, "mean")
    error = float(np.sqrt(clustered_covariance(influence, influence)))
    return from_standard_error(
        mean, error, unit, customers, "mean, clustered by customer", customers - 1
    )


def _fit_steps(rows: PanelRows, codes: Ints) -> LeastSquares:
    levels = int(codes.max()) + 1
    indicators = [(codes == level).astype(float) for level in range(1, levels)]
    names = tuple(f"step {level}" for level in range(1, levels))
    score = codes.astype(float)
    return fit_within(rows.spend, indicators, names, rows.customer, rows.period, steps_of=score)


def level_contrasts(rows: PanelRows, codes: Ints) -> tuple[Floats, Floats, float]:
    """Levels of spend by step within customers, their clustered errors, degrees of freedom.

    With b the slopes of the steps' indicators (the first step's is zero) and w the steps'
    shares of the rows, a level is the overall mean + b − w'b.
    """
    fit = _fit_steps(rows, codes)
    shares = np.bincount(codes) / rows.n
    contrasts = np.eye(len(shares))[:, 1:] - shares[1:]
    values = rows.spend.mean() + contrasts @ fit.coefficients
    errors = np.sqrt(np.einsum("lk,km,lm->l", contrasts, fit.covariance, contrasts))
    return values, errors, fit.degrees_of_freedom


def own_levels(rows: PanelRows, codes: Ints, unit: str) -> tuple[Estimate, ...]:
    """Spend by step within customers: level contrasts of a fixed-effects regression.

    A step to and from which fewer than thirty customers moved has no interval. Raises
    CannotEstimate where the changes of score do not connect all steps.
    """
    values, errors, degrees = level_contrasts(rows, codes)
    levels = []
    for code, (value, error) in enumerate(zip(values, errors, strict=True)):
        holders = len(np.unique(rows.customer[codes == code]))
        level = from_standard_error(
            float(value), float(error), unit, holders, LEAST_SQUARES, degrees
        )
        if changing_customers((codes == code).astype(float), rows.customer) < FEWEST_CUSTOMERS:
            level = replace(level, lower=None, upper=None)
        levels.append(level)
    return tuple(levels)


def straightness(rows: PanelRows, levels: Floats, codes: Ints) -> float:
    """Wald test that spend within customers rises by the same amount with each point.

    levels: the score of each step. Gives the p-value, by Hotelling's F with as many degrees of
    freedom as the fit has: the chi-squared that R's Wald test takes rejects far too often where few
    scores change. Raises CannotEstimate with two steps.
    """
    if len(levels) < 3:
        raise CannotEstimate("With two steps every line is straight.")
    fit = _fit_steps(rows, codes)
    rises = np.diff(np.eye(len(levels))[:, 1:], axis=0) / np.diff(levels)[:, None]
    unequal = np.diff(rises, axis=0)
    value = unequal @ fit.coefficients
    covariance = unequal @ fit.covariance @ unequal.T
    if not np.linalg.cond(covariance) <= 1e12:
        raise CannotEstimate("Too few customers changed between scores to test the shape.")
    statistic = float(value @ np.linalg.solve(covariance, value))
    tested = len(value)
    degrees = fit.degrees_of_freedom - tested + 1
    if degrees < 1:
        raise CannotEstimate("There are too few customers to test the shape.")
    return p_value_f(statistic * degrees / (fit.degrees_of_freedom * tested), tested, degrees)


def _step_means(rows: PanelRows, steps: Floats, codes: Ints, unit: str) -> StepMeans:
    chosen = [codes == code for code in range(len(steps))]
    return StepMeans(
        tuple(float(step) for step in steps),
        tuple(_mean_of_rows(rows.spend[own], rows.customer[own], unit) for own in chosen),
        attempt(own_levels, rows, codes, unit),
        attempt(straightness, rows, steps, codes),
    )


def step_means(rows: PanelRows, unit: str) -> StepMeans:
    """Mean spend by rounded score, between customers and within them."""
    levels, codes = np.unique(np.rint(rows.score), return_inverse=True)
    return _step_means(rows, levels, codes.astype(np.int64), unit)


def promoter_means(rows: PanelRows, unit: str) -> StepMeans:
    """Mean spend of detractors, passives and promoters, between customers and within them.

    Raises CannotEstimate if all belong to one group.
    """
    groups = np.searchsorted(NPS_STEPS, rows.score)
    levels, codes = np.unique(groups, return_inverse=True)
    if len(levels) < 2:
        raise CannotEstimate("All who answered belong to one of the three NPS groups.")
    return _step_means(rows, levels.astype(float), codes.astype(np.int64), unit)


def gain_and_loss(rows: PanelRows, unit: str) -> GainAndLoss:
    """Changes of spend on changes of score, ups and downs apart, periods held fixed.

    Whether the customer answered in between is held fixed too: whoever buys is asked, so that an
    answer of either kind follows spend, and without this both would seem to lower it.
    Raises CannotEstimate where too few scores went up, or too few went down.
    """
    now, later = rows_ahead(rows, 1)
    change = rows.score[later] - rows.score[now]
    length = rows.period_months * DAYS_PER_MONTH
    answered = (rows.age_days[later] - rows.age_days[now] < SAME_ANSWER * length).astype(float)
    _, customer = np.unique(rows.customer[now], return_inverse=True)
    for chosen, word in ((change > 0, "rose"), (change < 0, "fell")):
        if len(np.unique(customer[chosen])) < FEWEST_CUSTOMERS:
            raise CannotEstimate(
                f"The score of fewer than {FEWEST_CUSTOMERS} customers {word} from one period to the "
                "next, so losses and gains cannot be set against each other."
            )
    columns = [
        rows.spend[later] - rows.spend[now], np.maximum(change, 0.0), np.maximum(-change, 0.0)
    ]  # fmt: skip
    held = Held((("period", rows.period[later]),), (("answered", answered),))
    left, _ = take_out(columns, held)
    fit = fit_least_squares(
        left[0], np.column_stack(left[1:]), ("gain", "loss"), "cluster", customer
    )
    sums = np.array([-1.0, -1.0])
    value, error = float(sums @ fit.coefficients), float(np.sqrt(sums @ fit.covariance @ sums))
    if error <= 0:
        raise CannotEstimate("Spend does not vary beside the score, so nothing can be checked.")
    asymmetry = from_standard_error(
        value, error, unit, fit.clusters, LEAST_SQUARES, fit.degrees_of_freedom
    )
    return GainAndLoss(
        slope_of(fit, "gain", unit),
        slope_of(fit, "loss", unit),
        asymmetry,
        p_value_t(value / error, fit.degrees_of_freedom),
    )
