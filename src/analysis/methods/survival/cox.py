"""Cox's proportional hazards for (start, stop] intervals, Efron or Breslow ties, strata.

Vectorised over event times with cumulative sums; equal to R's `coxph` and `cox.zph`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import normal_quantile, p_value_chi_squared, p_value_normal
from analysis.methods.survival.nonparametric import kaplan_meier

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Ties = Literal["efron", "breslow"]

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
    log_likelihood: at the optimum; null_log_likelihood: at zero.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    log_likelihood: float
    null_log_likelihood: float
    n: int
    n_events: int
    ties: Ties

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
            f"Cox, {self.ties.capitalize()} ties", confidence_level,
        )  # fmt: skip

    def p_value(self, name: str) -> float:
        """Wald p-value of a covariate."""
        place = self.names.index(name)
        return p_value_normal(float(self.coefficients[place] / self.standard_errors[place]))


@dataclass(frozen=True, slots=True)
class _Stratum:
    """Rows of one stratum, and for each death: its time's place, its tie fraction."""

    rows: Ints
    stop_order: Ints
    start_order: Ints
    first_stop: Ints
    first_start: Ints
    deaths: Ints
    time_of_death: Ints
    fraction: Floats
    times: Floats


def _prepare(
    start: Floats, stop: Floats, ended: Booleans, strata: Ints, ties: Ties
) -> list[_Stratum]:
    prepared = []
    for level in np.unique(strata):
        rows = np.flatnonzero(strata == level)
        dead = rows[ended[rows]]
        if not len(dead):
            continue
        times, place = np.unique(stop[dead], return_inverse=True)
        order = np.argsort(place, kind="stable")
        dead, place = dead[order], place[order]
        counts = np.bincount(place)
        rank = np.arange(len(dead)) - np.repeat(np.cumsum(counts) - counts, counts)
        fraction = rank / counts[place] if ties == "efron" else np.zeros(len(dead))
        stop_order = rows[np.argsort(stop[rows], kind="stable")]
        start_order = rows[np.argsort(start[rows], kind="stable")]
        prepared.append(
            _Stratum(
                rows, stop_order, start_order,
                np.searchsorted(stop[stop_order], times, side="left"),
                np.searchsorted(start[start_order], times, side="left"),
                dead, place, fraction, times,
            )
        )  # fmt: skip
    return prepared


def _tail_sums(values: Floats, order: Ints, first: Ints) -> Floats:
    """Sums of the rows from each place in an ordering on to its end."""
    total = np.zeros((len(order) + 1, values.shape[1]))
    total[:-1] = np.cumsum(values[order][::-1], axis=0)[::-1]
    return total[first]


def _moments(stratum: _Stratum, x: Floats, risk: Floats) -> tuple[Floats, Floats, Floats]:
    """For each death: sum of risks, mean covariates and their covariance in its risk set."""
    k = x.shape[1]
    products = (x[:, :, None] * x[:, None, :]).reshape(len(x), k * k)
    stacked = np.column_stack([np.ones(len(x)), x, products]) * risk[:, None]
    at_risk = _tail_sums(stacked, stratum.stop_order, stratum.first_stop) - _tail_sums(
        stacked, stratum.start_order, stratum.first_start
    )
    dying = np.zeros_like(at_risk)
    np.add.at(dying, stratum.time_of_death, stacked[stratum.deaths])
    each = at_risk[stratum.time_of_death] - stratum.fraction[:, None] * dying[stratum.time_of_death]
    total = each[:, 0]
    mean = each[:, 1 : k + 1] / total[:, None]
    second = each[:, k + 1 :].reshape(-1, k, k) / total[:, None, None]
    return total, mean, second - mean[:, :, None] * mean[:, None, :]


def _evaluate(
    strata: list[_Stratum], x: Floats, coefficients: Floats
) -> tuple[float, Floats, Floats]:
    """Partial log-likelihood, its gradient and information."""
    linear = x @ coefficients
    shift = float(linear.max())
    risk = np.exp(linear - shift)
    likelihood, k = 0.0, x.shape[1]
    gradient, information = np.zeros(k), np.zeros((k, k))
    for stratum in strata:
        total, mean, spread = _moments(stratum, x, risk)
        if not (total > 0).all():
            return -np.inf, gradient, information  # a step too far: risks underflow
        likelihood += float((linear[stratum.deaths] - shift - np.log(total)).sum())
        gradient += (x[stratum.deaths] - mean).sum(axis=0)
        information += spread.sum(axis=0)
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
    groups = np.zeros(len(stop), dtype=np.int64) if strata is None else strata
    prepared = _prepare(start, stop, ended, groups, ties)
    centre = covariates.mean(axis=0)
    x = (covariates - centre) / spread
    beta = np.zeros(x.shape[1])
    likelihood, gradient, information = _evaluate(prepared, x, beta)
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
        fresh = _evaluate(prepared, x, beta + step)
        while fresh[0] < likelihood - 1e-9 and np.abs(step).max() > 1e-8:
            step = step / 2
            fresh = _evaluate(prepared, x, beta + step)
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
    groups = np.zeros(len(stop), dtype=np.int64) if strata is None else strata
    centre, spread = covariates.mean(axis=0), covariates.std(axis=0)
    x = (covariates - centre) / spread
    beta = fit.coefficients * spread
    linear = x @ beta
    risk = np.exp(linear - linear.max())
    curve = kaplan_meier(start, stop, ended)
    k = x.shape[1]
    score = np.zeros(k)
    plain, mixed, squared = np.zeros((k, k)), np.zeros((k, k)), np.zeros((k, k))
    for stratum in _prepare(start, stop, ended, groups, fit.ties):
        _, mean, variance = _moments(stratum, x, risk)
        place = np.searchsorted(curve.times, stratum.times, side="left")
        time = (1 - np.concatenate([[1.0], curve.survival])[place])[stratum.time_of_death]
        score += ((x[stratum.deaths] - mean) * time[:, None]).sum(axis=0)
        plain += variance.sum(axis=0)
        mixed += (variance * time[:, None, None]).sum(axis=0)
        squared += (variance * (time**2)[:, None, None]).sum(axis=0)
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
