"""What customers without a contract will still bring, and whether such a forecast came true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import from_standard_error, normal_quantile
from analysis.methods.lifetime_value import purchase_value, repeat_buying
from analysis.methods.lifetime_value.purchase_value import GammaGamma
from analysis.methods.lifetime_value.repeat_buying import BgNbd, fit_bg_nbd, purchase_history
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

    import pandas as pd

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

STEP = 1e-4
LAST_CLASS = 7
# What the interval of a forecast carries, and what not.
CARRIES = "parameters and the sampling of customers, not the choice of model or the share of margin"


@dataclass(frozen=True, slots=True)
class _Base:
    """Histories of all customers, and the distinct ones among them."""

    frequency: NDArray[np.int64]
    recency: Floats
    age: Floats
    mean_value: Floats
    distinct: tuple[NDArray[np.int64], Floats, Floats]
    which: NDArray[np.int64]


def _base(history: pd.DataFrame, model: BgNbd) -> _Base:
    if len(history) != model.n:
        raise ValueError("the history must be that of the customers the model was fitted to")
    x = history["frequency"].to_numpy(np.int64)
    seen, old = history["recency"].to_numpy(float), history["age"].to_numpy(float)
    each_x, each_seen, each_old, which = repeat_buying.distinct_histories(x, seen, old)
    worth = history["mean_value"].to_numpy(float)
    return _Base(x, seen, old, worth, (each_x, each_seen, each_old), which)


def _discounted_purchases(
    log_parameters: Floats, base: _Base, months: int, units_per_month: float, rate: float
) -> Floats:
    """Purchases expected of each customer, each month's discounted from its end."""
    factors = (1 + rate) ** (-np.arange(1, months + 2) / 12)
    factors[-1] = 0.0
    total = np.zeros(len(base.distinct[0]))
    for month in range(1, months + 1):  # sum of d(m) [E(m) - E(m-1)], by parts
        reached = repeat_buying.expected_purchases(
            log_parameters, month * units_per_month, *base.distinct
        )
        total += (factors[month - 1] - factors[month]) * reached
    return total[base.which]


def _slope(of: Callable[[Floats], Floats], at: Floats, chosen: Booleans) -> Floats:
    """Slope of a mean over the chosen customers on each parameter, by central differences."""
    return np.array(
        [
            (of(at + step)[chosen].mean() - of(at - step)[chosen].mean()) / (2 * STEP)
            for step in STEP * np.eye(len(at))
        ]
    )


def _from_influence(
    each: Floats, chosen: Booleans, shifts: list[Floats], unit: str, method: str
) -> Estimate:
    """Mean over the chosen with the error of its influence function.

    A customer moves the mean by being in it and by moving the parameters; the two go together,
    which adding their variances would overlook. Limits are symmetric on the log scale: the mean
    is above nought, and its estimates lie further above the truth than below.
    """
    n, value = len(each), float(each[chosen].mean())
    influence = np.where(chosen, each - value, 0.0) * (n / chosen.sum())
    for shift in shifts:
        influence = influence + n * shift
    error = float(np.sqrt((influence**2).sum())) / n
    ratio = float(np.exp(normal_quantile() * error / value))
    return Estimate(value, value / ratio, value * ratio, unit, int(chosen.sum()), method)


def _chosen(members: Booleans | None, n: int) -> Booleans:
    chosen = np.ones(n, dtype=bool) if members is None else np.asarray(members, dtype=bool)
    if chosen.shape != (n,):
        raise ValueError("members must say yes or no for each customer of the history")
    if chosen.sum() < repeat_buying.FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Fewer than {repeat_buying.FEWEST_CUSTOMERS} customers: too few for a mean forecast."
        )
    return chosen


def share_still_buying(
    model: BgNbd, history: pd.DataFrame, members: Booleans | None = None
) -> Estimate:
    """Mean chance that a customer still buys, among all or `members` (a mask of the history).

    Customers without a repeat purchase count as buying, as the model has it: read it beside their
    number. Raises CannotEstimate with fewer than 30 customers, or where nobody bought twice.
    """
    base = _base(history, model)
    chosen = _chosen(members, model.n)
    if not base.frequency[chosen].any():
        raise CannotEstimate("Nobody among them bought twice, so the model takes all for active.")

    def alive(log_parameters: Floats) -> Floats:
        return repeat_buying.probability_alive(log_parameters, *base.distinct)[base.which]

    at = model.log_parameters
    _, scores = repeat_buying.log_likelihoods(at, base.frequency, base.recency, base.age)
    shift = scores @ model.covariance @ _slope(alive, at, chosen)
    found = _from_influence(alive(at), chosen, [shift], "share", f"BG/NBD; interval: {CARRIES}")
    return Estimate(
        found.value, max(found.lower or 0.0, 0.0), min(found.upper or 1.0, 1.0), found.unit,
        found.n, found.method,
    )  # fmt: skip


def expected_residual_value(
    model: BgNbd,
    amounts: GammaGamma,
    history: pd.DataFrame,
    margin_share: float,
    horizon_months: int,
    discount_rate_annual: float,
    currency: str,
    members: Booleans | None = None,
) -> Estimate:
    """Margin still to come per customer within a horizon after the history ends, discounted.

    history: as from `purchase_history`, of exactly the customers both models were fitted to.
    margin_share: margin per unit of amount. members: mask of the customers to average over (a
    segment), all if None. Each month's purchases are discounted from its end, (1 + rate)^(m / 12).
    The forecast lies beyond follow-up by nature and says "extrapolated".
    Raises CannotEstimate: fewer than 30 customers, or amounts without a mean.
    """
    if not 0 < horizon_months == int(horizon_months):
        raise ValueError("the horizon must be a whole number of months above nought")
    base = _base(history, model)
    chosen = _chosen(members, model.n)
    amounts.expected_value(base.frequency, base.mean_value)  # refuses means that are not bounded
    units = DAYS_PER_MONTH / model.time_unit_days

    def purchases(log_parameters: Floats) -> Floats:
        return _discounted_purchases(
            log_parameters, base, horizon_months, units, discount_rate_annual
        )

    def value(log_parameters: Floats) -> Floats:
        return purchase_value.expected_value(
            log_parameters, base.frequency.astype(float), base.mean_value
        )

    at, at_amounts = model.log_parameters, amounts.log_parameters
    bought, worth = purchases(at), margin_share * value(at_amounts)
    _, scores = repeat_buying.log_likelihoods(at, base.frequency, base.recency, base.age)
    slope = _slope(lambda where: purchases(where) * worth, at, chosen)
    slope_amounts = _slope(lambda where: margin_share * value(where) * bought, at_amounts, chosen)
    again = np.flatnonzero(base.frequency > 0)
    scores_amounts = np.zeros((model.n, len(at_amounts)))
    scores_amounts[again] = purchase_value.log_likelihoods(
        at_amounts, base.frequency[again].astype(float), base.mean_value[again]
    )[1]
    return _from_influence(
        bought * worth,
        chosen,
        [scores @ model.covariance @ slope, scores_amounts @ amounts.covariance @ slope_amounts],
        f"{currency} per customer",
        f"BG/NBD and Gamma-Gamma, extrapolated {horizon_months} months; interval: {CARRIES}",
    )


@dataclass(frozen=True, slots=True)
class FrequencyClass:
    """Customers by repeat purchases until the cut, and what they bought after it.

    repeat_purchases: from; `and_more`: the class is open upwards. predicted, actual: purchases per
    customer after the cut. difference: actual less predicted, per customer, with the interval of
    the customers' sampling.
    """

    repeat_purchases: int
    and_more: bool
    n: int
    predicted: float
    actual: float
    difference: Estimate


@dataclass(frozen=True, slots=True)
class HoldoutCheck:
    """Purchases after a day predicted from those until then.

    classes: by repeat purchases until then. overall: all customers who had bought until then.
    weeks: length of the time predicted, in weeks.
    """

    model: BgNbd
    classes: tuple[FrequencyClass, ...]
    overall: FrequencyClass
    weeks: float


def _class(first: int, and_more: bool, predicted: Floats, actual: Floats) -> FrequencyClass:
    gap = actual - predicted
    n = len(gap)
    method = "actual less predicted by BG/NBD, t"
    unit = "purchases per customer"
    if n < 2:
        difference = Estimate(float(gap.mean()), None, None, unit, n, method)
    else:
        error = float(gap.std(ddof=1) / np.sqrt(n))
        difference = from_standard_error(float(gap.mean()), error, unit, n, method, n - 1)
    return FrequencyClass(
        first, and_more, n, float(predicted.mean()), float(actual.mean()), difference
    )


def holdout_check(
    transactions: pd.DataFrame,
    calibration_end: dt.date,
    last_day: dt.date,
    time_unit_days: float = 7.0,
) -> HoldoutCheck:
    """Fit on what was bought until `calibration_end`, predict until `last_day`, compare.

    transactions: as in `purchase_history`. Customers who first bought later do not count.
    Raises CannotEstimate where the model cannot be fitted, or nobody could buy after the cut.
    """
    import pandas as pd

    if last_day <= calibration_end:
        raise CannotEstimate("No time is left after the cut in which to compare.")
    history = purchase_history(transactions, calibration_end, time_unit_days)
    columns = (history["frequency"], history["recency"], history["age"])
    model = fit_bg_nbd(*columns, time_unit_days=time_unit_days)
    days = (last_day - calibration_end).days
    predicted = model.expected_purchases(days / time_unit_days, *columns)
    when = pd.to_datetime(transactions["occurred_on"]).dt.normalize()
    later = transactions.assign(day=when)[
        (when > pd.Timestamp(calibration_end))
        & (when <= pd.Timestamp(last_day))
        & (transactions["amount"].astype(float) > 0)
    ]
    counts = later.drop_duplicates(["customer_id", "day"]).groupby("customer_id", observed=True)
    bought = history["customer_id"].map(counts.size()).fillna(0)
    actual = np.asarray(bought, dtype=np.float64)
    level = np.minimum(history["frequency"].to_numpy(), LAST_CLASS)
    classes = tuple(
        _class(int(k), k == LAST_CLASS, predicted[level == k], actual[level == k])
        for k in np.unique(level)
    )
    return HoldoutCheck(model, classes, _class(0, True, predicted, actual), days / 7)
