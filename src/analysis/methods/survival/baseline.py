"""The baseline hazard of a fitted Cox model, and the risk of leaving for those still there.

Equal to R's `survfit(coxph, newdata)`: increments by Breslow or Efron as the model's ties,
delayed entry honoured. Nothing is said beyond follow-up, nor where hardly anybody was at risk: such
risks are NaN, never flat lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import normal_quantile
from analysis.methods.survival.cox import Booleans, CoxFit, Floats, Ints

# With fewer at risk a single loss would move everybody's risk by an eighth or more.
FEWEST_AT_RISK = 8


@dataclass(frozen=True, slots=True)
class StratumHazard:
    """Cumulative hazard of one stratum at the reference covariates.

    times: distinct event times, months. cumulative: hazard up to and including each. variance: of
    its increments, summed. drift: times × k, sums of increment × mean covariates of those at risk
    less the reference (how the curve moves with the coefficients). thin: how many of the times up
    to each had too few at risk. followed_months: last time with enough customers at risk.
    """

    code: int
    times: Floats
    cumulative: Floats
    variance: Floats
    drift: Floats
    thin: Floats
    followed_months: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """The strata's hazards at the covariates `reference` (k)."""

    reference: Floats
    strata: tuple[StratumHazard, ...]


def followed_until(start: Floats, stop: Floats, fewest_at_risk: int = FEWEST_AT_RISK) -> float:
    """The last time at which at least so many are under observation, 0 if there is none."""
    times = np.unique(stop)
    entered = np.searchsorted(np.sort(start), times, side="left")
    gone = np.searchsorted(np.sort(stop), times, side="left")
    enough = np.flatnonzero(entered - gone >= fewest_at_risk)
    return float(times[enough[-1]]) if len(enough) else 0.0


def _tail_sums(values: Floats, at: Floats, times: Floats) -> Floats:
    """Sums of the rows whose `at` is at or after each of the times."""
    order = np.argsort(at, kind="stable")
    total = np.zeros((len(at) + 1, values.shape[1]))
    total[:-1] = np.cumsum(values[order][::-1], axis=0)[::-1]
    return total[np.searchsorted(at[order], times, side="left")]


def _of_stratum(
    code: int, start: Floats, stop: Floats, ended: Booleans, x: Floats, risk: Floats,
    efron: bool, fewest_at_risk: int,
) -> StratumHazard:  # fmt: skip
    dead = np.flatnonzero(ended)
    times, place = np.unique(stop[dead], return_inverse=True)
    order = np.argsort(place, kind="stable")
    dead, place = dead[order], place[order]
    counts = np.bincount(place, minlength=len(times))
    rank = np.arange(len(dead)) - np.repeat(np.cumsum(counts) - counts, counts)
    fraction = rank / counts[place] if efron else np.zeros(len(dead))
    weighed = np.column_stack([risk, x * risk[:, None]])
    at_risk = _tail_sums(weighed, stop, times) - _tail_sums(weighed, start, times)
    dying = np.column_stack(
        [np.bincount(place, column, minlength=len(times)) for column in weighed[dead].T]
    ).reshape(len(times), weighed.shape[1])
    each = at_risk[place] - fraction[:, None] * dying[place]
    step = 1 / each[:, 0]

    def summed(values: Floats) -> Floats:
        return np.cumsum(np.bincount(place, values, minlength=len(times)))

    entered = np.searchsorted(np.sort(start), times, side="left")
    under_observation = entered - np.searchsorted(np.sort(stop), times, side="left")
    drift = [summed(column * step**2) for column in each[:, 1:].T]
    return StratumHazard(
        code, times, summed(step), summed(step**2),
        np.column_stack(drift) if drift else np.zeros((len(times), 0)),
        np.cumsum((under_observation < fewest_at_risk).astype(float)),
        followed_until(start, stop, fewest_at_risk),
    )  # fmt: skip


def baseline_hazard(
    fit: CoxFit,
    start: Floats,
    stop: Floats,
    ended: Booleans,
    covariates: Floats,
    strata: Ints | None = None,
    fewest_at_risk: int = FEWEST_AT_RISK,
) -> Baseline:
    """The hazard at mean covariates, from the rows that the model was fitted on."""
    reference = covariates.mean(axis=0)
    x = covariates - reference
    risk = np.exp(x @ fit.coefficients)
    codes = np.zeros(len(stop), dtype=np.int64) if strata is None else strata
    parts = []
    for code in np.unique(codes):
        here = codes == code
        parts.append(
            _of_stratum(
                int(code), start[here], stop[here], ended[here], x[here], risk[here],
                fit.ties == "efron", fewest_at_risk,
            )
        )  # fmt: skip
    return Baseline(reference, tuple(parts))


def _between(part: StratumHazard, values: Floats, after: Floats, until: Floats) -> Floats:
    """How much a cumulative quantity grows over the times in (after, until]."""
    padded = np.concatenate([np.zeros((1, *values.shape[1:])), values])
    first = np.searchsorted(part.times, after, side="right")
    last = np.searchsorted(part.times, until, side="right")
    return np.asarray(padded[last] - padded[first])


def conditional_risk(
    fit: CoxFit,
    baseline: Baseline,
    tenure_months: Floats,
    covariates: Floats,
    months: float,
    strata: Ints | None = None,
) -> Floats:
    """Probability of leaving within so many months for those still there: 1 − S(t+h)/S(t).

    tenure_months (n), covariates (n × k), strata (n codes). NaN where the months to come lie
    beyond follow-up or hold a loss among hardly any at risk, or where the stratum was never seen.
    """
    codes = np.zeros(len(tenure_months), dtype=np.int64) if strata is None else strata
    ratio = np.exp((covariates - baseline.reference) @ fit.coefficients)
    result = np.full(len(tenure_months), np.nan)
    for part in baseline.strata:
        here = (codes == part.code) & (tenure_months + months <= part.followed_months + 1e-9)
        after = tenure_months[here]
        gained = _between(part, part.cumulative, after, after + months)
        thin = _between(part, part.thin, after, after + months) > 0
        result[here] = np.where(thin, np.nan, -np.expm1(-gained * ratio[here]))
    return result


def expected_total(
    fit: CoxFit,
    baseline: Baseline,
    tenure_months: Floats,
    covariates: Floats,
    months: float,
    amounts: Floats,
    unit: str,
    strata: Ints | None = None,
    confidence_level: float = 0.95,
) -> Estimate:
    """Expected sum of `amounts` (n) over those who leave within the months; ones count losses.

    The interval is for what will be seen: the model's uncertainty (hazard ratios and baseline,
    as in R's `survfit`) and the chance of who leaves. Amounts are taken as known; customers
    without a risk are left out. Raises CannotEstimate if nobody has one.
    """
    codes = np.zeros(len(tenure_months), dtype=np.int64) if strata is None else strata
    risk = conditional_risk(fit, baseline, tenure_months, covariates, months, strata)
    known = np.isfinite(risk)
    if not known.any():
        raise CannotEstimate("No active customer's coming months lie within follow-up.")
    x = covariates - baseline.reference
    ratio = np.exp(x @ fit.coefficients)
    slope = np.where(known, amounts * (1 - np.nan_to_num(risk)) * ratio, 0.0)
    variance, gradient = 0.0, np.zeros(len(fit.coefficients))
    for part in baseline.strata:
        here = known & (codes == part.code)
        after = tenure_months[here]
        until = after + months
        gained = _between(part, part.cumulative, after, until)
        moved = x[here] * gained[:, None] - _between(part, part.drift, after, until)
        gradient += slope[here] @ moved
        # How much all customers together move with each jump of the hazard.
        change = np.zeros(len(part.times) + 1)
        np.add.at(change, np.searchsorted(part.times, after, side="right"), slope[here])
        np.add.at(change, np.searchsorted(part.times, until, side="right"), -slope[here])
        of_jump = np.cumsum(change)[:-1]
        variance += float(of_jump**2 @ np.diff(part.variance, prepend=0.0))
    variance += float(gradient @ fit.covariance @ gradient)
    chance = float((amounts[known] ** 2 * risk[known] * (1 - risk[known])).sum())
    value = float(amounts[known] @ risk[known])
    half = normal_quantile(confidence_level) * float(np.sqrt(variance + chance))
    lowest = 0.0 if (amounts[known] >= 0).all() else -np.inf
    return Estimate(
        value, max(value - half, lowest), value + half, unit, int(known.sum()),
        "Cox, conditional on tenure; interval of the model and of who leaves", confidence_level,
    )  # fmt: skip
