"""How often customers without a contract will buy again: the BG/NBD model.

While a customer is active he buys at random at his own rate (gamma among customers); after each
purchase he stops for good with his own chance (beta among customers). Fader, Hardie & Lee (2005).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma, gammaln, hyp2f1

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import normal_quantile
from analysis.methods.newton import Maximum, maximise, with_numeric_curvature

if TYPE_CHECKING:
    import datetime as dt

    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PARAMETERS = ("r", "alpha", "a", "b")
FEWEST_CUSTOMERS = 30
FEWEST_REPEAT_BUYERS = 10
# A logarithm beyond this is a parameter on its way to nought or infinity.
FURTHEST_LOG = 8.0
MOST_STEPS = 40
# Searches start at these r, alpha over the mean age, a and b.
STARTS = ((0.5, 0.3, 1.0, 3.0), (2.0, 1.0, 0.3, 3.0), (0.3, 0.1, 3.0, 10.0))
# The formula for purchases has a removable pole where a is one, and one where a + b + x is one.
POLE = 1e-6


def purchase_history(
    transactions: pd.DataFrame, last_day: dt.date, time_unit_days: float = 7.0
) -> pd.DataFrame:
    """One row per customer who bought, sorted by customer_id.

    transactions: customer_id, occurred_on, amount; refunds (amounts not above nought) are no
    purchases, and purchases of one day are one. Days after `last_day` are not used.
    Gives frequency (days of purchase after the first), recency (from the first to the last), age
    (from the first to `last_day`), both in units of `time_unit_days`; mean_value (mean amount of
    the days after the first, NaN where there is none). A customer's first purchase must lie in
    the data: leave out customers who bought before the data begin.
    Raises CannotEstimate if nobody bought.
    """
    import pandas as pd

    days = pd.to_datetime(transactions["occurred_on"]).dt.normalize()
    amounts = transactions["amount"].astype(float)
    used = (amounts > 0) & (days <= pd.Timestamp(last_day))
    if not used.any():
        raise CannotEstimate("Nobody bought anything in the period.")
    chosen = pd.DataFrame(
        {"customer_id": transactions["customer_id"], "day": days, "amount": amounts}
    )[used]
    by_day = chosen.groupby(["customer_id", "day"], observed=True)["amount"].sum().reset_index()
    grouped = by_day.groupby("customer_id", observed=True)
    first, last = grouped["day"].min(), grouped["day"].max()
    frequency = grouped.size() - 1
    again = by_day[by_day["day"] > by_day["customer_id"].map(first)]
    value = again.groupby("customer_id", observed=True)["amount"].mean()
    return pd.DataFrame(
        {
            "frequency": frequency.astype("int64"),
            "recency": (last - first).dt.days / time_unit_days,
            "age": (pd.Timestamp(last_day) - first).dt.days / time_unit_days,
            "mean_value": value.reindex(frequency.index).astype(float),
        }
    ).reset_index()


def log_likelihoods(
    log_parameters: Floats, frequency: Ints, recency: Floats, age: Floats
) -> tuple[Floats, Floats]:
    """Each customer's log-likelihood (n), and its slopes on the log parameters (n × 4)."""
    r, alpha, a, b = np.exp(log_parameters)
    bought = frequency > 0
    counts = np.arange(int(frequency.max(initial=0)) + 1)
    # What depends on the number of purchases alone is worked out once for each number.
    level = (
        gammaln(r + counts) - gammaln(r) + r * np.log(alpha)
        + gammaln(a + b) + gammaln(b + counts) - gammaln(b) - gammaln(a + b + counts)
    )  # fmt: skip
    on_r = digamma(r + counts) - digamma(r) + np.log(alpha)
    on_a = digamma(a + b) - digamma(a + b + counts)
    on_b = on_a + digamma(b + counts) - digamma(b)
    tries = r + frequency
    log_age, log_recency = np.log(alpha + age), np.log(alpha + recency)
    last = np.where(bought, b + frequency - 1, 1.0)
    # Odds of having stopped at the last purchase against being active still.
    log_odds = np.where(bought, np.log(a / last) + tries * (log_age - log_recency), -np.inf)
    stopped = np.exp(log_odds - np.logaddexp(0, log_odds))
    values = level[frequency] - tries * log_age + np.logaddexp(0, log_odds)
    slopes = np.empty((len(frequency), 4))
    slopes[:, 0] = on_r[frequency] - (1 - stopped) * log_age - stopped * log_recency
    slopes[:, 1] = r / alpha - tries * ((1 - stopped) / (alpha + age) + stopped / (alpha + recency))
    slopes[:, 2] = on_a[frequency] + stopped / a
    slopes[:, 3] = on_b[frequency] - stopped / last
    return values, slopes * np.array([r, alpha, a, b])


def probability_alive(
    log_parameters: Floats, frequency: Ints, recency: Floats, age: Floats
) -> Floats:
    """Chance that each customer still buys."""
    r, alpha, a, b = np.exp(log_parameters)
    bought = frequency > 0
    last = np.where(bought, b + frequency - 1, 1.0)
    growth = (r + frequency) * (np.log(alpha + age) - np.log(alpha + recency))
    log_odds = np.where(bought, np.log(a / last) + growth, -np.inf)
    return np.exp(-np.logaddexp(0, log_odds))


def expected_purchases(
    log_parameters: Floats, horizon: float, frequency: Ints, recency: Floats, age: Floats
) -> Floats:
    """Purchases expected of each customer within a horizon after his age, units of time.

    Equation 10 of the paper. What a customer would lose by stopping takes one of two forms, equal
    by Euler's transformation of the hypergeometric function; the one of smaller powers is used.
    """
    r, alpha, a, b = np.exp(log_parameters)
    if abs(a - 1) < POLE:
        a = 1 + POLE
    bound = a + b + frequency - 1
    bound = np.where(np.abs(bound) < POLE, POLE, bound)
    share = horizon / (alpha + age + horizon)
    plain = r + frequency < a - 1
    power = np.where(plain, r + frequency, a - 1)
    first = np.where(plain, b + frequency, a + b - 1 - r)
    left = (1 - share) ** power * hyp2f1(first, power, bound, share)
    alive = probability_alive(np.log([r, alpha, a, b]), frequency, recency, age)
    return bound / (a - 1) * (1 - left) * alive


@dataclass(frozen=True, slots=True)
class BgNbd:
    """A fitted BG/NBD model.

    r, alpha: shape and rate of the gamma distribution of purchase rates; alpha is in time units of
    `time_unit_days`. a, b: of the beta distribution of the chance to stop after a purchase.
    covariance (4 × 4): of the logarithms of r, alpha, a, b. n: customers; n_repeat: of them, those
    who bought again.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    covariance: Floats
    n: int
    n_repeat: int
    time_unit_days: float

    @property
    def log_parameters(self) -> Floats:
        """Logarithms of r, alpha, a, b."""
        return np.log([self.r, self.alpha, self.a, self.b])

    def parameter(self, name: str) -> Estimate:
        """A parameter with its interval, symmetric on the log scale."""
        place = PARAMETERS.index(name)
        log_value = float(self.log_parameters[place])
        half = normal_quantile() * float(np.sqrt(self.covariance[place, place]))
        value, lower, upper = np.exp([log_value, log_value - half, log_value + half])
        return Estimate(
            float(value), float(lower), float(upper), "parameter", self.n, "BG/NBD, log scale"
        )

    def probability_alive(self, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> Floats:
        """Chance that customers with these histories still buy; one without a repeat purchase
        is alive by construction of the model, since only a purchase can be the last."""
        return probability_alive(self.log_parameters, *_arrays(frequency, recency, age))

    def expected_purchases(
        self, horizon: float, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike
    ) -> Floats:
        """Purchases expected within `horizon` time units after the history ends."""
        return expected_purchases(self.log_parameters, horizon, *_arrays(frequency, recency, age))


def _arrays(
    frequency: ArrayLike, recency: ArrayLike, age: ArrayLike
) -> tuple[Ints, Floats, Floats]:
    return (
        np.atleast_1d(np.asarray(frequency, dtype=np.int64)),
        np.atleast_1d(np.asarray(recency, dtype=np.float64)),
        np.atleast_1d(np.asarray(age, dtype=np.float64)),
    )


def distinct_histories(
    frequency: Ints, recency: Floats, age: Floats
) -> tuple[Ints, Floats, Floats, Ints]:
    """Distinct histories in ascending order, and which of them each customer has."""
    order = np.lexsort((age, recency, frequency))
    x, seen, old = frequency[order], recency[order], age[order]
    fresh = np.ones(len(x), dtype=bool)
    fresh[1:] = (x[1:] != x[:-1]) | (seen[1:] != seen[:-1]) | (old[1:] != old[:-1])
    which = np.empty(len(x), dtype=np.int64)
    which[order] = np.cumsum(fresh) - 1
    return x[fresh], seen[fresh], old[fresh], which


def _search(frequency: Ints, recency: Floats, age: Floats) -> Maximum:
    """The first settled end of the searches."""
    x, seen, old, which = distinct_histories(frequency, recency, age)
    weights = np.bincount(which).astype(float)
    typical = max(float(age.mean()), 1e-9)
    middle = np.log([1, typical, 1, 1])

    def value_and_gradient(log_parameters: Floats) -> tuple[float, Floats]:
        if np.abs(log_parameters - middle).max() > FURTHEST_LOG:
            return -np.inf, np.zeros(4)
        values, slopes = log_likelihoods(log_parameters, x, seen, old)
        return float(weights @ values), weights @ slopes

    evaluate = with_numeric_curvature(value_and_gradient)
    for r, alpha, a, b in STARTS:
        maximum = maximise(evaluate, np.log([r, alpha * typical, a, b]), MOST_STEPS)
        if maximum.settled:
            return maximum
    raise CannotEstimate(
        "The purchases do not tell customers who have stopped from customers who pause, so no "
        "repeat purchases can be predicted."
    )


def fit_bg_nbd(
    frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, time_unit_days: float = 7.0
) -> BgNbd:
    """Fit by maximum likelihood on the log parameters; equal histories are worked out once.

    frequency, recency, age: as in `purchase_history`, one entry per customer.
    Raises CannotEstimate: fewer than 30 customers, nobody or hardly anybody bought again, or
    purchases that do not determine all four parameters.
    """
    x, seen, old = _arrays(frequency, recency, age)
    if ((x < 0) | (seen < 0) | (seen > old)).any():
        raise ValueError("frequency and recency must not be negative, nor recency beyond age")
    n, n_repeat = len(x), int((x > 0).sum())
    if n < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Fewer than {FEWEST_CUSTOMERS} customers bought: too few to predict repeat purchases."
        )
    if n_repeat == 0:
        raise CannotEstimate("Nobody bought twice, so nothing can be said about buying again.")
    if n_repeat < FEWEST_REPEAT_BUYERS:
        raise CannotEstimate(
            f"Fewer than {FEWEST_REPEAT_BUYERS} customers bought again: too few to predict repeat "
            "purchases."
        )
    maximum = _search(x, seen, old)
    r, alpha, a, b = (float(value) for value in np.exp(maximum.parameters))
    return BgNbd(
        r, alpha, a, b, maximum.value, maximum.covariance, n, n_repeat, time_unit_days
    )  # fmt: skip
