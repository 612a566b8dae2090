"""Mean time as a customer within a horizon, between groups, and each customer's influence on it.

Influence functions are in the martingale form (Andersen et al. 1993, IV.3): customer i moves a
figure that depends on the curve by −Σ g(s) dMᵢ(s) / (Y(s) − d(s)), with Mᵢ their loss less what
the hazard expected of them, Y at risk and d losses at s, and g how much the figure changes for a
relative change of the curve from s on. They let errors be clustered by customer and combined with
those of other figures of the same customers, such as margin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.group_differences import GroupDifference, GroupValue, group_differences
from analysis.methods.intervals import from_standard_error, normal_quantile
from analysis.methods.survival.nonparametric import (
    Booleans,
    Floats,
    Ints,
    SurvivalCurve,
    kaplan_meier,
)

FEWEST_CUSTOMERS = 8


def weighted_influence(
    curve: SurvivalCurve, entry: Floats, exit_: Floats, ended: Booleans, weights: Floats
) -> Floats:
    """Influence of each row on a figure of the curve; the sum of squares is its variance.

    curve: of the same rows. weights: at each of `curve.times`, the figure's derivative by the
    logarithm of the curve from that time on. Returns one number per row, which sum to zero.
    """
    at_risk = curve.at_risk.astype(float)
    left = at_risk - curve.events
    # Where all at risk leave, the curve is zero from there on and nothing moves it.
    per_loss = np.where(left > 0, weights / np.maximum(left, 1), 0.0)
    expected = np.concatenate([[0.0], np.cumsum(per_loss * curve.events / at_risk)])
    until_exit = expected[np.searchsorted(curve.times, exit_, side="right")]
    until_entry = expected[np.searchsorted(curve.times, entry, side="right")]
    result = np.asarray(until_exit - until_entry, dtype=np.float64)
    result[ended] -= per_loss[np.searchsorted(curve.times, exit_[ended])]
    return result


def survival_influence(entry: Floats, exit_: Floats, ended: Booleans, at_months: Floats) -> Floats:
    """Influence of each row (n × number of times) on the Kaplan–Meier curve at given times.

    Delayed entry is honoured. Sums of squares over rows (over customers, where one has several
    spells: `by_customer`) are the robust variances.
    Raises CannotEstimate beyond follow-up, or if there is nobody.
    """
    curve = kaplan_meier(entry, exit_, ended)
    columns = []
    for months in np.atleast_1d(at_months):
        weights = np.where(curve.times <= months, curve.at(float(months)).value, 0.0)
        columns.append(weighted_influence(curve, entry, exit_, ended, weights))
    return np.column_stack(columns)


def restricted_mean_influence(
    entry: Floats, exit_: Floats, ended: Booleans, horizon_months: float
) -> Floats:
    """Influence of each row (n) on the restricted mean to a horizon, in months.

    Raises CannotEstimate if the horizon lies beyond follow-up, or if there is nobody.
    """
    curve = kaplan_meier(entry, exit_, ended)
    curve.restricted_mean(horizon_months)
    inside = np.minimum(curve.times, horizon_months)
    areas = curve.survival * np.diff(np.append(inside, horizon_months))
    still_to_come = np.cumsum(areas[::-1])[::-1]
    return weighted_influence(curve, entry, exit_, ended, still_to_come)


def by_customer(influence: Floats, customers: Ints) -> Floats:
    """Influence summed over the spells of each customer (codes 0 … G−1): G, or G × k."""
    if influence.ndim == 1:
        return np.asarray(np.bincount(customers, influence), dtype=np.float64)
    return np.column_stack([np.bincount(customers, column) for column in influence.T])


def followed_months(
    entry: Floats, exit_: Floats, group: Ints, wanted_months: float, fewest: int = FEWEST_CUSTOMERS
) -> float:
    """The wanted horizon, or the last whole month at which each group has `fewest` at risk.

    A restricted mean to a horizon that only few reach rests on these few.
    """
    horizon = float(wanted_months)
    for level in np.unique(group):
        chosen = group == level
        while horizon > 0 and (
            ((entry[chosen] < horizon) & (exit_[chosen] >= horizon)).sum() < fewest
        ):
            horizon = float(np.ceil(horizon) - 1)
    return max(horizon, 0.0)


@dataclass(frozen=True, slots=True)
class RestrictedMeans:
    """Mean months as a customer within a horizon, by group, and their differences."""

    horizon_months: float
    groups: tuple[tuple[str, Estimate | NotEstimable], ...]
    differences: tuple[GroupDifference, ...]


def _mean_of_group(
    entry: Floats, exit_: Floats, ended: Booleans, customers: Ints, name: str, horizon: float
) -> Estimate:
    codes = np.unique(customers, return_inverse=True)[1]
    n = int(codes.max()) + 1 if len(codes) else 0
    if n < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Fewer than {FEWEST_CUSTOMERS} customers in {name}: no mean time is given."
        )
    if horizon > exit_.max():
        raise CannotEstimate(f"Nobody in {name} was followed for {horizon:g} months.")
    curve = kaplan_meier(entry, exit_, ended)
    plain = curve.restricted_mean(horizon)
    if not (curve.times < horizon).any():
        method = f"restricted mean to {horizon:g} months, nobody left"
        return Estimate(plain.value, None, None, "months", n, method)
    if n == len(exit_):
        return plain
    influence = by_customer(restricted_mean_influence(entry, exit_, ended, horizon), codes)
    error = float(np.sqrt((influence**2).sum() * n / (n - 1)))
    method = f"restricted mean to {horizon:g} months, clustered by customer"
    return from_standard_error(plain.value, error, "months", n, method)


def restricted_mean_difference(
    entry: Floats,
    exit_: Floats,
    ended: Booleans,
    group: Ints,
    names: tuple[str, ...],
    horizon_months: float,
    customers: Ints | None = None,
    against_largest: bool = False,
) -> RestrictedMeans:
    """Restricted means of groups and their differences, with Holm-adjusted p-values.

    entry, exit_, ended: n spells. group: codes into `names`. customers: codes of customers where
    some have several spells; errors are then clustered, else Greenwood's. against_largest: each
    group against the largest instead of every pair. Groups of fewer than eight, not followed to
    the horizon, or without a loss before it carry no interval and are not compared.
    Raises CannotEstimate if no group can be followed to the horizon.
    """
    who = np.arange(len(exit_)) if customers is None else customers
    means: list[tuple[str, Estimate | NotEstimable]] = []
    comparable = []
    for code, name in enumerate(names):
        chosen = group == code
        mean = attempt(
            _mean_of_group, entry[chosen], exit_[chosen], ended[chosen], who[chosen], name,
            horizon_months,
        )  # fmt: skip
        means.append((name, mean))
        if not isinstance(mean, NotEstimable) and mean.upper is not None:
            error = (mean.upper - mean.value) / normal_quantile()
            comparable.append(GroupValue(name, mean.value, error, mean.n))
    if all(isinstance(mean, NotEstimable) for _, mean in means):
        raise CannotEstimate(f"No group can be followed for {horizon_months:g} months.")
    method = f"difference of restricted means to {horizon_months:g} months"
    differences = group_differences(tuple(comparable), "months", method, against_largest)
    return RestrictedMeans(float(horizon_months), tuple(means), differences)
