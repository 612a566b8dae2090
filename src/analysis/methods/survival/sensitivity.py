"""What would overturn the results on churn: unmeasured confounding, and dependent censoring."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import normal_quantile
from analysis.methods.regression import clustered_covariance, sum_by_cluster
from analysis.methods.survival.cox import Booleans, Floats, Ints
from analysis.methods.survival.inverse_weights import (
    WeightedSurvival,
    log_log_limits,
    weighted_survival,
)
from analysis.methods.survival.nonparametric import kaplan_meier
from analysis.methods.survival.piecewise import (
    cut_by_month,
    fit_log_hazard,
    spline_knots,
    tenure_terms,
)
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

# With fewer events a hazard ratio is near enough to a risk ratio (VanderWeele & Ding 2017).
RARE_SHARE = 0.15
TIMES_THE_HAZARD = (1.5, 2.0, 3.0)
LATER_START = "started a year later"


@dataclass(frozen=True, slots=True)
class EValue:
    """How strong an unmeasured common cause would have to be to explain a hazard ratio away.

    contrast: what is compared, in words. hazard_ratio: its estimate. risk_ratio: the hazard
    ratio as a risk ratio; `approximation` says by which formula. point: the risk ratio that the
    common cause would need with both the score and leaving, given all recorded covariates.
    limit: the same for the limit nearer to one; 1 if the interval holds one.
    """

    contrast: str
    hazard_ratio: Estimate
    risk_ratio: float
    approximation: str
    point: float
    limit: float


def contrast_of_steps(per_point: Estimate, points: float) -> Estimate:
    """The hazard ratio of so many points: 4 down to 2 is −2 points, HR to the power of −2."""
    assert per_point.lower is not None
    assert per_point.upper is not None
    limits = sorted((per_point.lower**points, per_point.upper**points))
    return Estimate(
        per_point.value**points, limits[0], limits[1], per_point.unit, per_point.n,
        f"{per_point.method}, to the power of {points:g}", per_point.confidence_level,
    )  # fmt: skip


def e_value_of_risk_ratio(ratio: float) -> float:
    """RR + √(RR (RR − 1)) for a risk ratio above one, of its inverse below (VanderWeele & Ding 2017).

    Raises CannotEstimate if the ratio is not a positive number.
    """
    if not (np.isfinite(ratio) and ratio > 0):
        raise CannotEstimate("The ratio is not a positive number, so it has no E-value.")
    above = max(ratio, 1 / ratio)
    return float(above + np.sqrt(above * (above - 1)))


def risk_ratio_of(hazard_ratio: float, common: bool) -> float:
    """A hazard ratio as a risk ratio: itself if rare, else (1 − ½^√HR) / (1 − ½^√(1/HR))."""
    if not common:
        return hazard_ratio
    root = np.sqrt(hazard_ratio)
    return float((1 - 0.5**root) / (1 - 0.5 ** (1 / root)))


def e_value(contrast: str, hazard_ratio: Estimate, share_with_event: float) -> EValue:
    """The E-value of a named contrast's hazard ratio and of its limit nearer to one.

    share_with_event: share of customers who left by the end of follow-up; above 15 % the
    formula for common outcomes is used. Raises CannotEstimate without an interval.
    """
    lower, upper = hazard_ratio.lower, hazard_ratio.upper
    if lower is None or upper is None:
        raise CannotEstimate("The hazard ratio has no interval, so its E-value cannot be judged.")
    common = share_with_event > RARE_SHARE
    if lower <= 1 <= upper:
        limit = 1.0
    else:
        nearer = lower if lower > 1 else upper
        limit = e_value_of_risk_ratio(risk_ratio_of(nearer, common))
    ratio = risk_ratio_of(hazard_ratio.value, common)
    approximation = (
        "square-root approximation, as more than 15 % have left"
        if common
        else "hazard ratio taken as risk ratio, as at most 15 % have left"
    )
    return EValue(contrast, hazard_ratio, ratio, approximation, e_value_of_risk_ratio(ratio), limit)


@dataclass(frozen=True, slots=True)
class CensoringBound:
    """Retention if those no longer followed left at `times_hazard` times the hazard of the others."""

    times_hazard: float
    retention: Estimate


@dataclass(frozen=True, slots=True)
class DependentCensoring:
    """How far retention rests on those no longer followed being like the rest.

    plain: Kaplan–Meier. weighted: weighted by the inverse chance of being followed. by_calendar:
    all are censored by the as-of date; the chance of being followed is then 0 or 1 given the start,
    so there are no weights, and dependence can only mean that later starters differ:
    later_start is the hazard ratio of starting a year later. bounds: what if they left faster.
    """

    horizon_months: float
    by_calendar: bool
    no_longer_followed: int
    plain: Estimate | NotEstimable
    weighted: WeightedSurvival | NotEstimable
    later_start: Estimate | NotEstimable
    bounds: tuple[CensoringBound, ...] | NotEstimable


_Jumps = tuple[Booleans, Floats, Floats, Floats]


def _moves(times: Floats, start: Floats, stop: Floats, *kinds: _Jumps) -> Floats:
    """By how much each row moves the bounds (n × factors), to first order.

    kinds: which rows close with such a jump, its hazard and the number at risk at each time, and how
    the bounds move with that hazard (times × factors).
    """
    first = np.searchsorted(times, start, side="right")
    last = np.searchsorted(times, stop, side="right")
    total = np.zeros((len(start), kinds[0][3].shape[1]))
    for closes, hazard, at_risk, slope in kinds:
        each = slope / at_risk[:, None]
        summed = np.vstack(
            [np.zeros((1, each.shape[1])), np.cumsum(each * hazard[:, None], axis=0)]
        )
        total -= summed[last] - summed[first]
        mine = closes & (last > 0)
        place = np.maximum(last - 1, 0)
        mine &= times[place] == stop
        total[mine] += each[place[mine]]
    return total


def leaving_bounds(
    start: Floats,
    stop: Floats,
    ended: Booleans,
    censored: Booleans,
    horizon_months: float,
    times_hazard: tuple[float, ...] = TIMES_THE_HAZARD,
    customer: Ints | None = None,
    confidence_level: float = 0.95,
) -> tuple[CensoringBound, ...]:
    """Retention if those censored before the horizon leave at k times the hazard of the others.

    Of all who start, a part is still followed and a part, censored before, is not; the first
    leaves at the observed hazard, the second at k times it: at each time (1 − λ)^k stay. With
    k = 1 this is Kaplan–Meier with Greenwood's error; delayed entry is honoured. customer: codes
    from zero where customers have several spells; the interval is then clustered by customer.
    Raises CannotEstimate if nobody was followed so long, or nobody left.
    """
    curve = kaplan_meier(start, stop, ended, confidence_level)
    curve.at(horizon_months)  # raises beyond follow-up
    leaves = stop[ended & (stop <= horizon_months)]
    lost = stop[censored & (stop < horizon_months)]
    if not len(leaves):
        raise CannotEstimate("Nobody has left before the horizon, so there is no hazard to vary.")
    times = np.unique(np.concatenate([leaves, lost]))
    entered = np.searchsorted(np.sort(start), times, side="left")
    at_risk = (entered - np.searchsorted(np.sort(stop), times, side="left")).astype(float)

    def counted(values: Floats) -> Floats:
        return np.bincount(np.searchsorted(times, values), minlength=len(times)).astype(float)

    events, losses = counted(leaves), counted(lost)
    hazard = events / at_risk
    after = np.maximum(at_risk - events, 1.0)
    losing = losses / after
    k = np.array(times_hazard)
    followed = np.concatenate([[1.0], np.cumprod((1 - hazard) * (1 - losing))])
    staying = (1 - hazard)[:, None] ** k
    unseen = np.zeros((len(times) + 1, len(k)))
    for j in range(len(times)):
        unseen[j + 1] = unseen[j] * staying[j] + followed[j] * (1 - hazard[j]) * losing[j]
    of_followed, of_unseen = np.ones(len(k)), np.ones(len(k))
    by_hazard, by_losing = np.zeros_like(staying), np.zeros_like(staying)
    for j in reversed(range(len(times))):
        # Backwards: how retention at the horizon moves with each hazard (delta method).
        moved = of_followed * (1 - losing[j]) + of_unseen * losing[j]
        steeper = k * (1 - hazard[j]) ** np.maximum(k - 1, 0.0)
        by_hazard[j] = -moved * followed[j] - of_unseen * unseen[j] * steeper
        by_losing[j] = followed[j] * (1 - hazard[j]) * (of_unseen - of_followed)
        of_followed = moved * (1 - hazard[j])
        of_unseen = of_unseen * staying[j]
    if customer is None:
        variance = (hazard * (1 - hazard) / at_risk) @ by_hazard**2
        variance += (losing * (1 - losing) / after) @ by_losing**2
        method = ""
    else:
        moves = _moves(
            times,
            start,
            stop,
            (ended, hazard, at_risk, by_hazard),
            (censored, losing, after, by_losing),
        )
        of_customer = sum_by_cluster(moves, customer, int(customer.max()) + 1)
        variance = np.diag(clustered_covariance(of_customer, of_customer))
        method = ", clustered by customer"
    n = curve.n if customer is None else len(np.unique(customer))
    bounds = []
    for place, factor in enumerate(times_hazard):
        value = float(followed[-1] + unseen[-1, place])
        error = float(np.sqrt(variance[place]))
        lower, upper = log_log_limits(value, error / max(value, 1e-300), confidence_level)
        retention = Estimate(
            value, lower, upper, "share", n,
            f"Kaplan–Meier, those no longer followed at {factor:g} times the hazard{method}",
            confidence_level,
        )  # fmt: skip
        bounds.append(CensoringBound(factor, retention))
    return tuple(bounds)


def censored_by_calendar(lifetimes: pd.DataFrame) -> bool:
    """Whether all who have not left were followed up to one day: the as-of date, or the snapshot.

    lifetimes: started_on (no dates in a snapshot), exit_months, ended.
    """
    staying = lifetimes[~lifetimes["ended"].to_numpy(bool)]
    if "started_on" not in staying.columns or staying["started_on"].isna().all():
        return True
    import pandas as pd

    days = np.round(staying["exit_months"].to_numpy(float) * DAYS_PER_MONTH)
    last = staying["started_on"] + pd.to_timedelta(days, unit="D")
    return bool(last.nunique() <= 1)


def last_of_spell(spell: Ints, stop: Floats) -> Booleans:
    """Marks the row of each spell that stops last."""
    order = np.lexsort((stop, spell))
    marked = np.zeros(len(spell), dtype=bool)
    marked[order] = np.r_[np.diff(spell[order]) != 0, True] if len(spell) else []
    return marked


def _later_start(
    start: Floats, stop: Floats, ended: Booleans, customer: Ints, covariates: Floats,
    names: tuple[str, ...], started_years: Floats, confidence_level: float,
) -> Estimate:  # fmt: skip
    """Hazard ratio of starting a year later, same tenure and covariates, clustered by customer."""
    pieces = cut_by_month(start, stop, ended)
    course = tenure_terms(pieces.tenure, spline_knots(stop[ended]))
    if len(stop) and stop.max() <= 1:
        course = course[:, :0]  # all within the first month: there is no course over tenure
    design = np.column_stack(
        [np.ones(len(pieces.row)), course, started_years[pieces.row], covariates[pieces.row]]
    )
    place = 1 + course.shape[1]
    labels = ("constant", *(f"tenure {i}" for i in range(1, place)), LATER_START, *names)
    fit = fit_log_hazard(design, pieces.months, pieces.ended, customer[pieces.row], labels, place)
    groups = int(customer.max()) + 1
    error = np.sqrt((fit.influence[:, place] ** 2).sum() * groups / max(groups - 1, 1))
    half = normal_quantile(confidence_level) * error
    low, mid, high = (float(np.exp(fit.coefficients[place] + sign * half)) for sign in (-1, 0, 1))
    return Estimate(
        mid, low, high, "hazard ratio", groups, "smooth hazard model, clustered by customer",
        confidence_level,
    )  # fmt: skip


def dependent_censoring(
    start: Floats,
    stop: Floats,
    ended: Booleans,
    spell: Ints,
    customer: Ints,
    covariates: Floats,
    names: tuple[str, ...],
    horizon_months: float,
    by_calendar: bool,
    started_years: Floats | None = None,
    confidence_level: float = 0.95,
) -> DependentCensoring:
    """Everything on dependent censoring for intervals (start, stop] or whole lifetimes.

    spell, customer: codes from zero; the last row of a spell that does not end in leaving is
    censored. covariates (n × k): recorded attributes and the last score, for the weights.
    by_calendar: as `censored_by_calendar` says. started_years (n): start in years, any origin.
    """
    censored = last_of_spell(spell, stop) & ~ended
    weighted: WeightedSurvival | NotEstimable
    later: Estimate | NotEstimable
    if by_calendar:
        weighted = NotEstimable(
            "Customers are followed up to one day, so how long follows from their start alone: "
            "there are no weights to give, only a bound."
        )
    else:
        weighted = attempt(
            weighted_survival, start, stop, ended, censored, spell, customer, covariates, names,
            horizon_months, confidence_level,
        )  # fmt: skip
    if started_years is None or not np.isfinite(started_years).all():
        later = NotEstimable(
            "Starts are not dated, so earlier and later starters cannot be compared."
        )
    else:
        later = attempt(
            _later_start, start, stop, ended, customer, covariates, names, started_years,
            confidence_level,
        )  # fmt: skip

    customers = len(np.unique(customer))
    repeated = customer if len(np.unique(spell)) > customers else None
    rows = start, stop, ended, censored, horizon_months

    def plain() -> Estimate:
        if repeated is None:
            level = kaplan_meier(start, stop, ended, confidence_level).at(horizon_months)
            return replace(level, n=customers)
        (same,) = leaving_bounds(*rows, (1.0,), repeated, confidence_level)
        return replace(same.retention, method="Kaplan–Meier, clustered by customer")

    def bounded() -> tuple[CensoringBound, ...]:
        found = leaving_bounds(*rows, TIMES_THE_HAZARD, repeated, confidence_level)
        return tuple(
            CensoringBound(b.times_hazard, replace(b.retention, n=customers)) for b in found
        )

    bounds = attempt(bounded)
    lost = int((censored & (stop < horizon_months)).sum())
    return DependentCensoring(
        horizon_months, by_calendar, lost, attempt(plain), weighted, later, bounds
    )
