"""How strong something unrecorded would have to be to explain a slope away.

Omitted-variable bias in terms of partial R² (Cinelli & Hazlett 2020, "Making sense of sensitivity",
Journal of the Royal Statistical Society B 82). A hidden confounder that explains the share R²(D) of
what is left of the regressor and R²(Y) of what is left of the outcome moves the slope by
se · √df · √(R²(Y) R²(D) / (1 − R²(D))).

Partial R² are properties of least squares whatever the errors; where errors are clustered, the
critical value is widened by the ratio of clustered to classical error, as the adjusted error is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.intervals import t_quantile
from analysis.methods.regression import Floats, Ints, LeastSquares, fit_least_squares

NO_VARIATION = 1e-12


@dataclass(frozen=True, slots=True)
class Confounder:
    """The slope beside a hidden confounder of a given strength, at its worst.

    r2_regressor, r2_outcome: share of what is left of either that it explains.
    value, standard_error, lower, upper: of the slope, adjusted towards (or past) zero.
    """

    r2_regressor: float
    r2_outcome: float
    value: float
    standard_error: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Benchmark:
    """What a hidden confounder `times` as strong as a recorded covariate would do.

    name: the covariate (or group of columns). r2_regressor, r2_outcome: its own partial R².
    """

    name: str
    times: float
    r2_regressor: float
    r2_outcome: float
    confounder: Confounder


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Robustness of a slope.

    robustness_value: a confounder explaining less than this share of what is left of both, regressor
    and outcome, cannot bring the slope to zero. robustness_value_interval: nor bring the interval to
    zero (zero where it already holds it). partial_r2: share of what is left of the outcome that the
    regressor explains; a confounder explaining all that is left of the outcome would have to
    explain at least as much of the regressor. benchmarks: strongest covariate first.
    """

    slope: float
    standard_error: float
    partial_r2: float
    robustness_value: float
    robustness_value_interval: float
    benchmarks: tuple[Benchmark, ...]


def partial_r2(estimate: float, standard_error: float, degrees_of_freedom: float) -> float:
    """t²/(t² + df), from a classical standard error."""
    square = (estimate / standard_error) ** 2
    return square / (square + degrees_of_freedom)


def robustness_value(
    estimate: float,
    standard_error: float,
    degrees_of_freedom: float,
    share: float = 1.0,
    critical: float = 0.0,
) -> float:
    """The robustness value RV: equal partial R² with both that bring the slope down by `share`.

    standard_error, degrees_of_freedom: classical. critical: quantile of t with df − 1 (times the
    ratio of clustered to classical error), for the value at which the interval reaches the target.
    """
    cohens_f = share * abs(estimate / standard_error) / math.sqrt(degrees_of_freedom)
    needed = critical / math.sqrt(degrees_of_freedom - 1) if critical else 0.0
    left = cohens_f - needed
    if left <= 0:
        return 0.0
    if needed and cohens_f > 1 / needed:
        return (cohens_f**2 - needed**2) / (1 + cohens_f**2)
    return (math.sqrt(left**4 + 4 * left**2) - left**2) / 2


def adjusted_for(
    estimate: float,
    standard_error: float,
    degrees_of_freedom: float,
    r2_regressor: float,
    r2_outcome: float,
    clustered_error: float | None = None,
    clustered_degrees: float | None = None,
    confidence_level: float = 0.95,
) -> Confounder:
    """The slope beside a confounder of the given strength, which works against it.

    Raises CannotEstimate where the confounder would explain the regressor entirely.
    """
    if r2_regressor >= 1:
        raise CannotEstimate("So strong a confounder would leave nothing of the score to compare.")
    odds = r2_outcome * r2_regressor / (1 - r2_regressor)
    bias = standard_error * math.sqrt(degrees_of_freedom * odds)
    value = estimate - math.copysign(bias, estimate)
    shrink = (1 - r2_outcome) / (1 - r2_regressor)
    wider = math.sqrt(shrink * degrees_of_freedom / (degrees_of_freedom - 1))
    error = (standard_error if clustered_error is None else clustered_error) * wider
    degrees = degrees_of_freedom - 1 if clustered_degrees is None else clustered_degrees
    half = t_quantile(confidence_level, degrees) * error
    return Confounder(r2_regressor, r2_outcome, value, error, value - half, value + half)


def bounds_from_covariate(
    r2_regressor: float, r2_outcome: float, times: float = 1.0
) -> tuple[float, float]:
    """Partial R² of a confounder `times` as strong as a covariate with the given partial R².

    r2_regressor: of the covariate with the regressor, given the other covariates. r2_outcome: with
    the outcome, given regressor and the others. Raises CannotEstimate where a confounder so strong
    cannot exist.
    """
    of_regressor = times * r2_regressor / (1 - r2_regressor) if r2_regressor < 1 else math.inf
    if of_regressor >= 1 or times * r2_regressor >= 1:
        raise CannotEstimate("A confounder so strong would leave nothing of the score to compare.")
    shared = times * r2_regressor**2 / ((1 - times * r2_regressor) * (1 - r2_regressor))
    if shared >= 1 or r2_outcome >= 1:
        raise CannotEstimate("A confounder so strong would leave nothing of the spend to explain.")
    factor = (math.sqrt(times) + math.sqrt(shared)) / math.sqrt(1 - shared)
    return of_regressor, min(factor**2 * r2_outcome / (1 - r2_outcome), 1.0)


def slope_sensitivity(
    outcome: Floats,
    design: Floats,
    names: tuple[str, ...],
    regressor: str,
    cluster: Ints,
    covariates: dict[str, tuple[str, ...]] | None = None,
    times: float = 1.0,
    absorbed: int = 0,
    confidence_level: float = 0.95,
) -> Sensitivity:
    """Fit `outcome` (n) on `design` (n × k), clustered, and ask `sensitivity_of_fit`.

    Raises CannotEstimate where the slope cannot be fitted or the fit is perfect.
    """
    fit = fit_least_squares(outcome, design, names, "cluster", cluster)
    return sensitivity_of_fit(
        fit, outcome, design, regressor, covariates, times, absorbed, confidence_level
    )


def sensitivity_of_fit(
    fit: LeastSquares,
    outcome: Floats,
    design: Floats,
    regressor: str,
    covariates: dict[str, tuple[str, ...]] | None = None,
    times: float = 1.0,
    absorbed: int = 0,
    confidence_level: float = 0.95,
) -> Sensitivity:
    """Sensitivity of one slope of a fit of `outcome` (n) on `design` (n × k), its errors clustered.

    covariates: recorded things to measure a hidden one by, each a name and its columns (a segment
    has several); without it there are no benchmarks. times: how many times as strong the hidden one
    is taken to be. absorbed: effects taken out before, for the degrees of freedom.
    A covariate so strong that a second like it cannot exist is passed over.
    Raises CannotEstimate where rows are too few or the fit is perfect.
    """
    place = fit.position(regressor)
    slope, clustered = float(fit.coefficients[place]), float(fit.standard_errors[place])
    degrees = len(outcome) - len(fit.names) - absorbed
    if degrees < 2:
        raise CannotEstimate("There are too few rows to ask how strong a confounder must be.")
    products = _Products.of(design, fit.residuals)
    if products.left_of_outcome <= NO_VARIATION * float(outcome @ outcome):
        raise CannotEstimate("The regression fits perfectly, so nothing is left to be confounded.")
    everything = range(len(fit.names))
    left = products.left_of(place, [one for one in everything if one != place])
    classical = math.sqrt(products.left_of_outcome / degrees / left)
    critical = t_quantile(confidence_level, fit.degrees_of_freedom) * clustered / classical
    found = []
    for name, columns in (covariates or {}).items():
        group = [fit.position(column) for column in columns]
        fewer = [one for one in everything if one != place and one not in group]
        with_regressor = 1 - left / products.left_of(place, fewer)
        with_outcome = products.explained(fit.coefficients, group)
        try:
            strength = bounds_from_covariate(with_regressor, with_outcome, times)
        except CannotEstimate:
            continue
        confounder = adjusted_for(
            slope,
            classical,
            degrees,
            *strength,
            clustered,
            fit.degrees_of_freedom,
            confidence_level,
        )
        found.append(Benchmark(name, times, with_regressor, with_outcome, confounder))
    side = math.copysign(1.0, slope)
    return Sensitivity(
        slope=slope,
        standard_error=clustered,
        partial_r2=partial_r2(slope, classical, degrees),
        robustness_value=robustness_value(slope, classical, degrees),
        robustness_value_interval=robustness_value(slope, classical, degrees, critical=critical),
        benchmarks=tuple(sorted(found, key=lambda one: (side * one.confounder.value, one.name))),
    )


@dataclass(frozen=True, slots=True)
class _Products:
    """Cross products of a design, so that every partial R² needs small matrices only.

    gram: of the columns at length one. size: their lengths. left_of_outcome: sum of squares.
    """

    gram: Floats
    size: Floats
    left_of_outcome: float

    @classmethod
    def of(cls, design: Floats, residuals: Floats) -> _Products:
        size = np.sqrt((design**2).sum(axis=0))
        gram = design.T @ design / np.outer(size, size)
        return cls(gram, size, float(residuals @ residuals))

    def left_of(self, column: int, others: list[int]) -> float:
        """Sum of squares of a column that the others leave."""
        beside = self.gram[others, column]
        taken = beside @ np.linalg.solve(self.gram[np.ix_(others, others)], beside)
        return float((1 - taken) * self.size[column] ** 2)

    def explained(self, coefficients: Floats, group: list[int]) -> float:
        """Partial R² of a group of columns with the outcome, given all others."""
        inverse = np.linalg.inv(self.gram)[np.ix_(group, group)]
        own = coefficients[group] * self.size[group]
        more = float(own @ np.linalg.solve(inverse, own))
        return more / (more + self.left_of_outcome)
