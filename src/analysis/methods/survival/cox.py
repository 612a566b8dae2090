"""Cox's proportional hazards for (start, stop] intervals, Efron or Breslow ties, strata.

Newton's method on sums over risk sets (risk_sets.py), which a million customers bear; equal to
R's `coxph` and `cox.zph`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import normal_quantile, p_value_chi_squared, p_value_normal
from analysis.methods.survival.nonparametric import kaplan_meier
from analysis.methods.survival.risk_sets import RiskSets, Ties, arrange, derive, sum_risks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]

MOST_STEPS = 50
CONVERGED = 1e-10
# A log hazard ratio per standard deviation beyond this means that a group (nearly) never leaves.
SEPARATED = 12.0
# Newton's steps towards an infinite log hazard ratio stay near one; others shrink to nothing.
RUNNING_AWAY = 0.5
# A variance of time below this share of its square is none: the losses share one time.
NO_TREND_TO_SEE = 1e-9
# A covariate in standard deviations that varies less than this per loss is constant in each risk
# set, which sums of floats give as almost zero.
NO_VARIANCE = 1e-10


@dataclass(frozen=True, slots=True)
class CoxFit:
    """A fitted model.

    coefficients (k), covariance (k × k): log hazard ratios per unit of each covariate.
    log_likelihood: at the optimum; null_log_likelihood: at zero. n: rows, or customers where the
    caller knows them. clustered: whether errors are clustered by customer.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    null_log_likelihood: float
    n: int
    n_events: int
    ties: Ties
    clustered: bool = False

    @property
    def standard_errors(self) -> Floats:
        return np.sqrt(np.diag(self.covariance))

    def hazard_ratio(self, name: str, confidence_level: float = 0.95) -> Estimate:
        """Hazard ratio per unit of a covariate with its Wald interval."""
        place = self.names.index(name)
        value, error = float(self.coefficients[place]), float(self.standard_errors[place])
        half = normal_quantile(confidence_level) * error
        limits = np.exp([value, value - half, value + half])
        return Estimate(
            float(limits[0]), float(limits[1]), float(limits[2]), "hazard ratio", self.n,
            f"Cox, {self.ties.capitalize()} ties" + ", clustered by customer" * self.clustered,
            confidence_level,
        )  # fmt: skip

    def p_value(self, name: str) -> float:
        """Wald p-value of a covariate."""
        place = self.names.index(name)
        return p_value_normal(float(self.coefficients[place] / self.standard_errors[place]))


def _evaluate(strata: list[RiskSets], coefficients: Floats) -> tuple[float, Floats, Floats]:
    """Partial log-likelihood, its gradient and information."""
    k = len(coefficients)
    likelihood, gradient, information = 0.0, np.zeros(k), np.zeros((k, k))
    for sets in strata:
        sums = sum_risks(sets, coefficients)
        if sums is None:
            return -np.inf, gradient, information
        slope, curvature = derive(sets, sums)
        likelihood += sums.log_likelihood
        gradient += slope
        information += curvature
    return likelihood, gradient, information


def _separated(name: str) -> CannotEstimate:
    return CannotEstimate(
        f"{name} predicts leaving perfectly; check that it was recorded before the end."
    )


def fit_cox(
    start: Floats,
    stop: Floats,
    ended: Booleans,
    covariates: Floats,
    names: tuple[str, ...],
    strata: Ints | None = None,
    ties: Ties = "efron",
) -> CoxFit:
    """Fit by Newton's method.

    start, stop, ended: n intervals (start, stop], `ended` where the event closes it.
    covariates: n × k. strata: codes of groups with a baseline hazard each.
    Raises CannotEstimate: no or too few events, a constant or collinear covariate, separation.
    """
    ended = np.asarray(ended, dtype=bool)
    if not ended.any():
        raise CannotEstimate(
            "Nobody has left, so nothing can be said about what goes with leaving."
        )
    constant = covariates.max(axis=0) == covariates.min(axis=0)
    if constant.any():
        raise CannotEstimate(f"{names[int(np.argmax(constant))]} does not vary in these data.")
    if ended.sum() <= covariates.shape[1]:
        raise CannotEstimate("Too few customers have left to say what goes with leaving.")
    spread = covariates.std(axis=0)
    centre = covariates.mean(axis=0)
    prepared = list(arrange(start, stop, ended, covariates, centre, spread, strata, ties))
    beta = np.zeros(covariates.shape[1])
    likelihood, gradient, information = _evaluate(prepared, beta)
    null = likelihood
    flat = np.diag(information) < NO_VARIANCE * ended.sum()
    if flat.any():
        raise CannotEstimate(
            f"{names[int(np.argmax(flat))]} does not vary among customers compared with one another."
        )
    for _ in range(MOST_STEPS):
        if not np.linalg.cond(information) <= 1e12:
            raise CannotEstimate("The covariates determine one another, or a group has no event.")
        step = np.linalg.solve(information, gradient)
        fresh = _evaluate(prepared, beta + step)
        while fresh[0] < likelihood - 1e-9 and np.abs(step).max() > 1e-8:
            step = step / 2
            fresh = _evaluate(prepared, beta + step)
        beta = beta + step
        gain = fresh[0] - likelihood
        likelihood, gradient, information = fresh
        if np.abs(beta).max() > SEPARATED:
            raise _separated(names[int(np.argmax(np.abs(beta)))])
        if abs(gain) < CONVERGED * (abs(likelihood) + 1) and np.abs(step).max() < 1e-9:
            break
    else:
        run = np.abs(step / spread)
        if run.max() > RUNNING_AWAY:
            raise _separated(names[int(np.argmax(run))])
        raise CannotEstimate("The hazard model did not settle.")
    covariance = np.linalg.inv(information) / np.outer(spread, spread)
    return CoxFit(
        names, beta / spread, covariance, likelihood, null, len(stop), int(ended.sum()), ties
    )


@dataclass(frozen=True, slots=True)
class ProportionalityTest:
    """Whether hazard ratios stay the same over time: chi-squared by covariate, and global."""

    names: tuple[str, ...]
    statistics: Floats
    p_values: Floats
    global_statistic: float
    global_p_value: float


def proportionality(
    fit: CoxFit,
    start: Floats,
    stop: Floats,
    ended: Booleans,
    covariates: Floats,
    strata: Ints | None = None,
) -> ProportionalityTest:
    """Score test of a time trend in each hazard ratio, time as one minus Kaplan–Meier.

    Equal to R's `cox.zph(transform="km")` of survival 3 (Grambsch & Therneau 1994).
    Raises CannotEstimate if the losses lie too close together for a trend to be seen.
    """
    ended = np.asarray(ended, dtype=bool)
    centre, spread = covariates.mean(axis=0), covariates.std(axis=0)
    beta = fit.coefficients * spread
    curve = kaplan_meier(start, stop, ended)
    k = len(beta)
    score = np.zeros(k)
    plain, mixed, squared = np.zeros((k, k)), np.zeros((k, k)), np.zeros((k, k))
    for sets in arrange(start, stop, ended, covariates, centre, spread, strata, fit.ties):
        sums = sum_risks(sets, beta)
        assert sums is not None  # the fit ended here
        place = np.searchsorted(curve.times, sets.times, side="left")
        time = 1 - np.concatenate([[1.0], curve.survival])[place]
        slope, once = derive(sets, sums, time)
        score += slope
        plain += derive(sets, sums)[1]
        mixed += once
        squared += derive(sets, sums, time**2)[1]
    inner = squared - mixed @ np.linalg.solve(plain, mixed)
    seen = np.diag(inner) > NO_TREND_TO_SEE * np.diag(squared)
    if not seen.all() or not np.linalg.cond(inner) <= 1e12:
        raise CannotEstimate(
            "Too few customers left at different times to tell whether hazard ratios stay the same."
        )
    single = score**2 / np.diag(inner)
    together = float(score @ np.linalg.solve(inner, score))
    return ProportionalityTest(
        fit.names,
        single,
        np.array([p_value_chi_squared(float(s), 1) for s in single]),
        together,
        p_value_chi_squared(together, k),
    )
