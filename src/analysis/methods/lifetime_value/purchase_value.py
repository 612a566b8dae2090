"""What a purchase of each customer is worth: the Gamma-Gamma model.

Amounts of one customer vary about his own mean (gamma), means vary among customers (inverse
gamma), and neither goes with how often he buys. Fader & Hardie (2013), after Colombo & Jiang.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import normal_quantile
from analysis.methods.newton import maximise, with_numeric_curvature

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

PARAMETERS = ("p", "q", "v")
FEWEST_REPEAT_BUYERS = 30
FURTHEST_LOG = 12.0
# Means of purchases that differ by less than this share of themselves are one value.
SAME_VALUE = 1e-9


def log_likelihoods(
    log_parameters: Floats, frequency: Floats, mean_value: Floats
) -> tuple[Floats, Floats]:
    """Each repeat buyer's log-likelihood (n), and its slopes on the log parameters (n × 3)."""
    p, q, v = np.exp(log_parameters)
    times, total = p * frequency, v + frequency * mean_value
    log_share = np.log(frequency * mean_value) - np.log(total)
    values = (
        gammaln(times + q) - gammaln(times) - gammaln(q)
        + q * (np.log(v) - np.log(total)) + times * log_share - np.log(mean_value)
    )  # fmt: skip
    joint = digamma(times + q)
    slopes = np.empty((len(frequency), 3))
    slopes[:, 0] = frequency * (joint - digamma(times) + log_share)
    slopes[:, 1] = joint - digamma(q) + np.log(v) - np.log(total)
    slopes[:, 2] = q / v - (times + q) / total
    return values, slopes * np.array([p, q, v])


def expected_value(log_parameters: Floats, frequency: Floats, mean_value: Floats) -> Floats:
    """Expected amount of a purchase of each customer: his own mean drawn towards everybody's."""
    p, q, v = np.exp(log_parameters)
    spent = np.where(frequency > 0, frequency * np.nan_to_num(mean_value), 0.0)
    return p * (v + spent) / (p * frequency + q - 1)


@dataclass(frozen=True, slots=True)
class GammaGamma:
    """A fitted Gamma-Gamma model.

    p: shape of one customer's amounts. q, v: shape and scale of how means vary; v is in currency.
    covariance (3 × 3): of the logarithms of p, q, v. n: customers who bought again.
    """

    p: float
    q: float
    v: float
    log_likelihood: float
    covariance: Floats
    n: int

    @property
    def log_parameters(self) -> Floats:
        """Logarithms of p, q, v."""
        return np.log([self.p, self.q, self.v])

    def parameter(self, name: str) -> Estimate:
        """A parameter with its interval, symmetric on the log scale."""
        place = PARAMETERS.index(name)
        log_value = float(self.log_parameters[place])
        half = normal_quantile() * float(np.sqrt(self.covariance[place, place]))
        value, lower, upper = np.exp([log_value, log_value - half, log_value + half])
        return Estimate(
            float(value), float(lower), float(upper), "parameter", self.n, "Gamma-Gamma, log scale"
        )

    def expected_value(self, frequency: ArrayLike, mean_value: ArrayLike) -> Floats:
        """Expected amount of a purchase; customers who never bought again get everybody's mean.

        Raises CannotEstimate if everybody's mean is not bounded and somebody needs it.
        """
        times = np.atleast_1d(np.asarray(frequency, dtype=np.float64))
        values = np.atleast_1d(np.asarray(mean_value, dtype=np.float64))
        if (self.p * times + self.q <= 1).any():
            raise CannotEstimate(
                "Customers spend so differently that no mean amount of a purchase can be given."
            )
        return expected_value(self.log_parameters, times, values)


def fit_gamma_gamma(frequency: ArrayLike, mean_value: ArrayLike) -> GammaGamma:
    """Fit by maximum likelihood to the customers who bought again.

    frequency: repeat purchases; mean_value: their mean amount, currency. Customers with frequency
    nought are left out. Raises CannotEstimate: fewer than 30 repeat buyers, amounts that are not
    above nought or all the same, or that do not determine all three parameters.
    """
    times = np.asarray(frequency, dtype=np.float64)
    values = np.asarray(mean_value, dtype=np.float64)[times > 0]
    times = times[times > 0]
    if not len(times):
        raise CannotEstimate("Nobody bought twice, so nothing can be said about later purchases.")
    if len(times) < FEWEST_REPEAT_BUYERS:
        raise CannotEstimate(
            f"Fewer than {FEWEST_REPEAT_BUYERS} customers bought again: too few to say what a "
            "purchase of each is worth."
        )
    if not (values > 0).all():
        raise CannotEstimate("The amounts of some repeat purchases are missing or not above zero.")
    typical = float(values.mean())
    if values.std() <= SAME_VALUE * typical:
        raise CannotEstimate(
            "All purchases have the same value, so there is nothing by which customers differ."
        )

    def value_and_gradient(log_parameters: Floats) -> tuple[float, Floats]:
        if np.abs(log_parameters).max() > 2 * FURTHEST_LOG:
            return -np.inf, np.zeros(3)
        levels, slopes = log_likelihoods(log_parameters, times, values / typical)
        return float(levels.sum()), slopes.sum(axis=0)

    maximum = maximise(with_numeric_curvature(value_and_gradient), np.log([4.0, 3.0, 0.7]))
    if not maximum.settled or np.abs(maximum.parameters).max() > FURTHEST_LOG:
        raise CannotEstimate(
            "The amounts do not tell how much the purchases of one customer vary from how much "
            "customers differ."
        )
    p, q, v = (float(value) for value in np.exp(maximum.parameters))
    likelihood = maximum.value - len(times) * float(np.log(typical))
    return GammaGamma(p, q, v * typical, likelihood, maximum.covariance, len(times))


def value_against_frequency(history: pd.DataFrame) -> Estimate:
    """Correlation of frequency and mean value among repeat buyers; the model takes it for nought.

    history: as from `purchase_history`. Fisher's interval. Raises CannotEstimate with fewer than
    30 repeat buyers or where one of the two does not vary.
    """
    again = history[history["frequency"] > 0]
    n = len(again)
    if n < FEWEST_REPEAT_BUYERS:
        raise CannotEstimate(f"Fewer than {FEWEST_REPEAT_BUYERS} customers bought again.")
    times, values = again["frequency"].to_numpy(float), again["mean_value"].to_numpy(float)
    if np.ptp(times) == 0 or np.ptp(values) <= SAME_VALUE * values.mean():
        raise CannotEstimate(
            "Customers who bought again do not differ in how often, or in how much, they bought."
        )
    value = float(np.clip(np.corrcoef(times, values)[0, 1], -1 + 1e-12, 1 - 1e-12))
    half = normal_quantile() / float(np.sqrt(n - 3))
    lower, upper = np.tanh(np.arctanh(value) + np.array([-half, half]))
    return Estimate(
        value, float(lower), float(upper), "correlation", n, "Pearson correlation, Fisher"
    )
