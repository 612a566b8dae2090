"""Accelerated failure time models: Weibull, log-normal, log-logistic, delayed entry honoured.

log T = x'b + scale × error, the error extreme-value, normal or logistic: R's `survreg` and its
parameters (Kalbfleisch & Prentice 2002, ch. 3). A customer who came under observation late counts
given that he had stayed until then: log S(entry) is taken off.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_ndtr

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import normal_quantile, p_value_normal
from analysis.methods.newton import Maximum, maximise

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
Family = Literal["weibull", "log-normal", "log-logistic"]
Derivatives = tuple[Floats, Floats, Floats]

FAMILIES: tuple[Family, ...] = ("weibull", "log-normal", "log-logistic")
FAMILY_NAMES: dict[Family, str] = {
    "weibull": "Weibull", "log-normal": "log-normal", "log-logistic": "log-logistic",
}  # fmt: skip
INTERCEPT = "intercept"
# Median of the standard error term of each family.
MEDIAN_ERROR: dict[Family, float] = {
    "weibull": float(np.log(np.log(2.0))), "log-normal": 0.0, "log-logistic": 0.0,
}  # fmt: skip
# A difference in log time per standard deviation of a covariate, in scales, that no data bear out.
RUN_AWAY = 12.0
# A scale outside these has collapsed to one point in time or spread without bound.
SCALE_RANGE = (1e-3, 1e3)
LOG_ROOT_TWO_PI = 0.5 * float(np.log(2 * np.pi))


def _log_density(family: Family, z: Floats) -> Derivatives:
    """Log density of the error and its first two derivatives."""
    if family == "weibull":
        grown = np.exp(z)
        return z - grown, 1 - grown, -grown
    if family == "log-normal":
        return -(z**2) / 2 - LOG_ROOT_TWO_PI, -z, -np.ones_like(z)
    share = expit(z)
    return z - 2 * np.logaddexp(0, z), 1 - 2 * share, -2 * share * (1 - share)


def _log_survival(family: Family, z: Floats) -> Derivatives:
    """Log of the chance that the error exceeds z, and its first two derivatives."""
    if family == "weibull":
        grown = np.exp(z)
        return -grown, -grown, -grown
    if family == "log-normal":
        tail = log_ndtr(-z)
        hazard = np.exp(-(z**2) / 2 - LOG_ROOT_TWO_PI - tail)
        return tail, -hazard, -hazard * (hazard - z)
    share = expit(z)
    return -np.logaddexp(0, z), -share, -share * (1 - share)


def _survival_at(family: Family, z: Floats) -> Floats:
    if family == "weibull":
        return np.exp(-np.exp(np.minimum(z, 700)))
    return np.exp(log_ndtr(-z)) if family == "log-normal" else expit(-z)


@dataclass(frozen=True, slots=True)
class ParametricFit:
    """A fitted family.

    names, coefficients (1 + k): the intercept, then covariates, on log time in months. scale: of
    the error. covariance (2 + k squared): of the coefficients and log scale. n: customers used;
    left_out: rows without any time under observation. last_time: end of follow-up, months.
    """

    family: Family
    names: tuple[str, ...]
    coefficients: Floats
    scale: float
    covariance: Floats
    log_likelihood: float
    aic: float
    n: int
    n_events: int
    left_out: int
    last_time: float

    @property
    def standard_errors(self) -> Floats:
        """Of the coefficients, then of log scale."""
        return np.sqrt(np.diag(self.covariance))

    def _row(self, covariates: Floats | None) -> Floats:
        given = np.zeros(0) if covariates is None else np.asarray(covariates, dtype=np.float64)
        if given.shape != (len(self.names) - 1,):
            raise ValueError(f"one value for each of {self.names[1:]} is needed")
        return np.concatenate([[1.0], given])

    def _method(self, extrapolated: bool = False) -> str:
        said = f"{FAMILY_NAMES[self.family]}, accelerated failure time"
        return f"{said}, extrapolated" if extrapolated else said

    def _survival(self, months: float, covariates: Floats | None) -> Estimate:
        extrapolated = months > self.last_time
        if months <= 0:
            return Estimate(1.0, None, None, "share", self.n, self._method())
        row = self._row(covariates)
        z = float(np.log(months) - row @ self.coefficients) / self.scale
        slope = np.concatenate([-row / self.scale, [-z]])
        half = normal_quantile() * float(np.sqrt(slope @ self.covariance @ slope))
        value, upper, lower = _survival_at(self.family, np.array([z, z - half, z + half]))
        return Estimate(
            float(value), float(lower), float(upper), "share", self.n, self._method(extrapolated)
        )

    def survival(self, months: float, covariates: Floats | None = None) -> Estimate:
        """Share still there after some months for one row of covariates, delta-method interval.

        Raises CannotEstimate beyond follow-up; `extrapolated_survival` goes on, and says so.
        """
        if months > self.last_time:
            raise CannotEstimate(f"Nobody was followed for {months:g} months.")
        return self._survival(months, covariates)

    def extrapolated_survival(self, months: float, covariates: Floats | None = None) -> Estimate:
        """The same at any time; beyond follow-up the method says "extrapolated".

        The interval carries the parameters, not the doubt about the family: show a second one.
        """
        return self._survival(months, covariates)

    def curve(self, months: Floats, covariates: Floats | None = None) -> Floats:
        """Shares still there at each of some times, for drawing.

        Raises CannotEstimate if a time lies beyond follow-up.
        """
        times = np.asarray(months, dtype=np.float64)
        if len(times) and times.max() > self.last_time:
            raise CannotEstimate(f"Nobody was followed for {times.max():g} months.")
        with np.errstate(divide="ignore"):
            z = (np.log(times) - self._row(covariates) @ self.coefficients) / self.scale
        return _survival_at(self.family, z)

    def median(self, covariates: Floats | None = None) -> Estimate:
        """Months until half have left, for one row of covariates.

        Raises CannotEstimate if that lies beyond follow-up.
        """
        found = self.extrapolated_median(covariates)
        if found.value > self.last_time:
            raise CannotEstimate("More than half are still customers at the end of follow-up.")
        return found

    def extrapolated_median(self, covariates: Floats | None = None) -> Estimate:
        """The same wherever it lies; beyond follow-up the method says "extrapolated"."""
        row = self._row(covariates)
        error = MEDIAN_ERROR[self.family]
        log_months = float(row @ self.coefficients + self.scale * error)
        slope = np.concatenate([row, [self.scale * error]])
        half = normal_quantile() * float(np.sqrt(slope @ self.covariance @ slope))
        limits = [log_months, log_months - half, log_months + half]
        value, lower, upper = np.exp(np.minimum(limits, 700))
        return Estimate(
            float(value), float(lower), float(upper), "months", self.n,
            self._method(value > self.last_time),
        )  # fmt: skip

    def acceleration(self, name: str, confidence_level: float = 0.95) -> Estimate:
        """How many times as long customers stay per unit of a covariate, with its Wald interval.

        A ratio of times that goes with the covariate: an association unless chance assigned it.
        """
        place = self.names.index(name)
        value, error = float(self.coefficients[place]), float(self.standard_errors[place])
        half = normal_quantile(confidence_level) * error
        ratio, lower, upper = np.exp(np.clip([value, value - half, value + half], -700, 700))
        return Estimate(
            float(ratio), float(lower), float(upper), "time ratio", self.n, self._method(),
            confidence_level,
        )  # fmt: skip

    def p_value(self, name: str) -> float:
        """Wald p-value of a covariate."""
        place = self.names.index(name)
        return p_value_normal(float(self.coefficients[place] / self.standard_errors[place]))


def _likelihood(
    family: Family, entry: Floats, exit_: Floats, ended: Booleans, x: Floats
) -> Callable[[Floats], tuple[float, Floats, Floats]]:
    """Log-likelihood in (coefficients, log scale) with its derivatives; x carries the intercept."""
    late = np.flatnonzero(entry > 0)
    log_exit, log_entry, x_late = np.log(exit_), np.log(entry[late]), x[late]
    constant = -float(log_exit[ended].sum())
    n_events = int(ended.sum())
    x_ended, x_censored = x[ended], x[~ended]

    def evaluate(parameters: Floats) -> tuple[float, Floats, Floats]:
        beta, log_scale = parameters[:-1], parameters[-1]
        scale, k = np.exp(log_scale), len(beta)
        value = constant - n_events * log_scale
        gradient, second = np.zeros(k + 1), np.zeros((k + 1, k + 1))
        gradient[-1] = -n_events
        parts = (
            (_log_density, log_exit[ended], x_ended, 1.0),
            (_log_survival, log_exit[~ended], x_censored, 1.0),
            (_log_survival, log_entry, x_late, -1.0),
        )
        for part, log_time, rows, sign in parts:
            z = (log_time - rows @ beta) / scale
            level, first, bend = part(family, z)
            value += sign * float(level.sum())
            gradient[:-1] -= sign * rows.T @ first / scale
            gradient[-1] -= sign * float(first @ z)
            second[:-1, :-1] += sign * (rows * bend[:, None]).T @ rows / scale**2
            second[:-1, -1] += sign * rows.T @ (bend * z + first) / scale
            second[-1, -1] += sign * float((bend * z + first) @ z)
        second[-1, :-1] = second[:-1, -1]
        return float(value), gradient, second

    def guarded(parameters: Floats) -> tuple[float, Floats, Floats]:
        # A step too far overflows; its value is then not finite and the step is halved.
        with np.errstate(over="ignore", invalid="ignore"):
            return evaluate(parameters)

    return guarded


def _require(exit_: Floats, ended: Booleans, x: Floats, names: tuple[str, ...]) -> None:
    if not len(exit_):
        raise CannotEstimate("There is nobody to follow.")
    if not ended.any():
        raise CannotEstimate(
            "Nobody has left, so no model of how long customers stay can be fitted."
        )
    if not np.isfinite(x).all():
        raise CannotEstimate("Some covariates are missing for some customers.")
    if ended.sum() <= x.shape[1] + 2:
        raise CannotEstimate("Too few customers have left for a model of how long they stay.")
    for place, name in enumerate(names):
        column = x[:, place]
        low, high = column.min(), column.max()
        if low == high:
            raise CannotEstimate(f"{name} does not vary in these data.")
        among = column[ended]
        if ((column == low) | (column == high)).all() and among.min() == among.max():
            raise CannotEstimate(
                f"{name} separates customers: on one side of it nobody has left, so a ratio of "
                "times has no bound."
            )


def _checked(maximum: Maximum, family: Family, names: tuple[str, ...]) -> tuple[Floats, float]:
    beta, scale = maximum.parameters[:-1], float(np.exp(maximum.parameters[-1]))
    if scale < SCALE_RANGE[0]:
        raise CannotEstimate("The losses lie too close together in time for a model of it.")
    run = np.abs(beta[1:]) / scale
    if len(run) and run.max() > RUN_AWAY:
        raise CannotEstimate(
            f"{names[int(np.argmax(run))]} predicts leaving perfectly; check that it was recorded "
            "before the end."
        )
    if not maximum.settled or scale > SCALE_RANGE[1]:
        raise CannotEstimate(f"The {FAMILY_NAMES[family]} model did not settle.")
    return beta, scale


def fit_parametric(
    entry_months: Floats,
    exit_months: Floats,
    ended: Booleans,
    covariates: Floats | None,
    names: tuple[str, ...],
    family: Family,
) -> ParametricFit:
    """Fit one family by Newton's method with analytic derivatives.

    entry_months, exit_months, ended: one entry per customer, `ended` where the exit is a loss.
    Rows whose exit is not after their entry (zero durations) are left out and counted.
    covariates: n × k or None; names: of the k. Covariates are standardised inside.
    Raises CannotEstimate: nobody, no or too few losses, a constant or collinear covariate,
    separation, a search that did not settle.
    """
    entry, exit_ = np.asarray(entry_months, float), np.asarray(exit_months, float)
    lost = np.asarray(ended, dtype=bool)
    given = np.zeros((len(exit_), 0)) if covariates is None else np.asarray(covariates, float)
    if given.shape != (len(exit_), len(names)):
        raise ValueError("covariates must be n × k with a name each")
    seen = exit_ > np.maximum(entry, 0)
    entry, exit_, lost, given = entry[seen], exit_[seen], lost[seen], given[seen]
    _require(exit_, lost, given, names)
    centre, spread = given.mean(axis=0), given.std(axis=0)
    x = np.column_stack([np.ones(len(exit_)), (given - centre) / spread])
    if not np.linalg.cond(x.T @ x) <= 1e12:
        raise CannotEstimate("The covariates determine one another.")
    start = np.zeros(x.shape[1] + 1)
    start[0] = np.log((exit_ - np.maximum(entry, 0)).sum() / lost.sum())  # the exponential model
    maximum = maximise(_likelihood(family, entry, exit_, lost, x), start)
    beta, scale = _checked(maximum, family, names)
    back = np.eye(len(start))  # from standardised covariates to those given
    back[0, 1:-1] = -centre / spread
    back[range(1, len(beta)), range(1, len(beta))] = 1 / spread
    return ParametricFit(
        family, (INTERCEPT, *names), (back @ maximum.parameters)[:-1], scale,
        back @ maximum.covariance @ back.T, maximum.value,
        2 * len(start) - 2 * maximum.value, len(exit_), int(lost.sum()), int((~seen).sum()),
        float(exit_.max()),
    )  # fmt: skip
