"""A second opinion on satisfaction and staying: retention if everybody scored a point higher.

Hazard ratios are hard to read, and satisfaction and contacts move one another over time. Here a
smooth model of the hazard, with the score before the present one as history, predicts for those
active today how many stay, with scores as answered and with all of them a point higher (the
g-formula, Robins 1986, with scores carried forward). It rests on the same assumption as the
hazard ratio (what is recorded accounts for what goes with both), so it is an association.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.intervals import from_standard_error, normal_quantile
from analysis.methods.survival.baseline import followed_until
from analysis.methods.survival.cox import Booleans, Floats, Ints
from analysis.methods.survival.inverse_weights import log_log_limits
from analysis.methods.survival.piecewise import (
    LogHazardFit,
    cut_by_month,
    fit_log_hazard,
    spline_knots,
    tenure_terms,
)

if TYPE_CHECKING:
    import pandas as pd

SCORE = "score, per point"
FEWEST_CUSTOMERS = 30
FEWEST_LOSSES = 10


@dataclass(frozen=True, slots=True)
class StandardisedDifference:
    """Share of today's customers still there after `at_months`, as answered and shifted.

    as_is, shifted, difference: shares, over the `difference.n` customers whose months to come lie
    within follow-up; beyond_follow_up: left out. capped: of n, those whose score was moved by
    less than the shift, as nobody is moved above the scale. with_history: whether the score before the
    present one was known and used. hazard_ratio: per point in this model. implied_by_cox: the
    difference that the Cox hazard ratio implies for the same customers; agrees: whether the two
    intervals overlap.
    """

    at_months: float
    shift: float
    as_is: Estimate
    shifted: Estimate
    difference: Estimate
    capped: int
    beyond_follow_up: int
    with_history: bool
    hazard_ratio: Estimate
    implied_by_cox: Estimate | NotEstimable
    agrees: bool | None
    method: str


def previous_scores(spell: Ints, start: Floats, score: Floats) -> Floats:
    """The score of the row before within each spell; NaN in its first row."""
    order = np.lexsort((start, spell))
    earlier = np.r_[np.nan, score[order][:-1]]
    earlier[np.r_[True, np.diff(spell[order]) != 0]] = np.nan
    result = np.empty(len(score))
    result[order] = earlier
    return result


@dataclass(frozen=True, slots=True)
class _Columns:
    """How rows become columns of the design: constant, tenure by stratum, score, history, covariates."""

    knots: Floats
    strata: Ints
    history_mean: float | None
    some_without_history: bool
    covariate_names: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        terms = 1 + max(len(self.knots) - 2, 0)
        names = ["constant"] + [f"tenure {i}" for i in range(1, terms + 1)]
        for code in self.strata[1:]:
            names += [f"group {code}"] + [f"group {code}, tenure {i}" for i in range(1, terms + 1)]
        names.append(SCORE)
        if self.history_mean is not None:
            names += ["no earlier score"] * self.some_without_history + ["earlier score"]
        return (*names, *self.covariate_names)

    @property
    def score_place(self) -> int:
        return self.names.index(SCORE)

    def design(
        self, tenure: Floats, group: Ints, score: Floats, earlier: Floats, covariates: Floats
    ) -> Floats:
        terms = np.column_stack([np.ones(len(tenure)), tenure_terms(tenure, self.knots)])
        blocks = [terms] + [terms * (group == code)[:, None] for code in self.strata[1:]]
        blocks.append(score[:, None])
        if self.history_mean is not None:
            unknown = np.isnan(earlier)
            if self.some_without_history:
                blocks.append(unknown.astype(float)[:, None])
            blocks.append(np.where(unknown, 0.0, earlier - self.history_mean)[:, None])
        return np.hstack([*blocks, covariates])


def _columns(
    earlier: Floats, group: Ints, names: tuple[str, ...], tenure_of_losses: Floats
) -> _Columns:
    known = earlier[~np.isnan(earlier)]
    # History of hardly anybody, or the same for all, has nothing to tell.
    useful = len(known) >= FEWEST_CUSTOMERS and known.max() > known.min()
    return _Columns(
        spline_knots(tenure_of_losses), np.unique(group), float(known.mean()) if useful else None,
        len(known) < len(earlier), names,
    )  # fmt: skip


def _cumulative(
    fit: LogHazardFit, columns: _Columns, tenure: Floats, group: Ints, score: Floats,
    earlier: Floats, covariates: Floats, months: float,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Each customer's cumulative hazard over the months to come, and its gradient (n × k)."""
    total = np.zeros(len(tenure))
    gradient = np.zeros((len(tenure), len(columns.names)))
    whole = int(np.ceil(months - 1e-9))
    for month in range(whole):
        length = min(1.0, months - month)
        design = columns.design(tenure + month + length / 2, group, score, earlier, covariates)
        hazard = length * np.exp(design @ fit.coefficients)
        total += hazard
        gradient += design * hazard[:, None]
    return total, gradient


def _cox_implies(
    hazard: Floats, shift: Floats, ratio: Estimate | NotEstimable | None, confidence_level: float
) -> Estimate | NotEstimable:
    if ratio is None:
        return NotEstimable("No hazard ratio was given to compare with.")
    if isinstance(ratio, NotEstimable):
        return ratio

    def gained(per_point: float | None) -> float | None:
        if per_point is None:
            return None
        return float((np.exp(-hazard * per_point**shift) - np.exp(-hazard)).mean())

    value = gained(ratio.value)
    assert value is not None
    return Estimate(
        value, gained(ratio.upper), gained(ratio.lower), "share", len(hazard),
        "implied by the Cox hazard ratio, retention as answered taken as known", confidence_level,
    )  # fmt: skip


def _overlap(first: Estimate, second: Estimate | NotEstimable) -> bool | None:
    if isinstance(second, NotEstimable):
        return None
    limits = (first.lower, first.upper, second.lower, second.upper)
    low_a, high_a, low_b, high_b = limits
    if low_a is None or high_a is None or low_b is None or high_b is None:
        return None
    return bool(low_a <= high_b and low_b <= high_a)


def _check(customers: int, ended: Booleans, score: Floats) -> None:
    if customers < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Fewer than {FEWEST_CUSTOMERS} customers have a score: retention is not standardised."
        )
    if ended.sum() < FEWEST_LOSSES:
        raise CannotEstimate(
            f"Fewer than {FEWEST_LOSSES} customers with a score have left: retention is not "
            "standardised."
        )
    if score.min() == score.max():
        raise CannotEstimate("All customers gave the same score.")


def standardised_difference(
    intervals: pd.DataFrame,
    covariates: Floats,
    covariate_names: tuple[str, ...],
    at_months: float,
    highest_score: float,
    shift: float = 1.0,
    strata: Ints | None = None,
    cox_hazard_ratio: Estimate | NotEstimable | None = None,
    confidence_level: float = 0.95,
) -> StandardisedDifference:
    """Retention of today's customers with every score `shift` points higher, less as answered.

    intervals: rows with a score: customer_id, spell, start_months, stop_months, ended, score and,
    if there is one, previous_score; without it the score of the row before is the history.
    covariates (n × k), strata (n codes, each with its own course over tenure): rows as intervals.
    highest_score: upper end of the scale; nobody is moved above it.
    The interval is by influence functions summed within customers; it holds both the model's
    uncertainty and that today's customers are a sample.
    Raises CannotEstimate: few customers or losses, one score only, nobody active within follow-up.
    """
    import pandas as pd

    if intervals.empty:
        raise CannotEstimate("No satisfaction score is in the data, so nothing can be shifted.")
    score = intervals["score"].to_numpy(float)
    ended = intervals["ended"].to_numpy(bool)
    start = intervals["start_months"].to_numpy(float)
    stop = intervals["stop_months"].to_numpy(float)
    customer = pd.factorize(intervals["customer_id"], sort=True)[0].astype(np.int64)
    groups = int(customer.max(initial=-1)) + 1
    _check(groups, ended, score)
    spells = intervals.groupby(["customer_id", "spell"], sort=True).ngroup()
    spell = np.asarray(spells, dtype=np.int64)
    if "previous_score" in intervals.columns:
        earlier = intervals["previous_score"].to_numpy(float)
    else:
        earlier = previous_scores(spell, start, score)
    group = np.zeros(len(score), dtype=np.int64) if strata is None else strata
    columns = _columns(earlier, group, covariate_names, stop[ended])
    pieces = cut_by_month(start, stop, ended)
    row = pieces.row
    design = columns.design(pieces.tenure, group[row], score[row], earlier[row], covariates[row])
    fit = fit_log_hazard(
        design, pieces.months, pieces.ended, customer[row], columns.names, columns.score_place
    )

    newest = np.zeros(int(spell.max()) + 1)
    np.maximum.at(newest, spell, stop)
    today = np.flatnonzero((stop == newest[spell]) & ~ended)
    # Each stratum has its own course over tenure, so each is carried only as far as it was followed.
    reach = np.array(
        [followed_until(start[group == g], stop[group == g]) for g in range(int(group.max()) + 1)]
    )
    within = stop[today] + at_months <= reach[group[today]] + 1e-9
    beyond = int((~within).sum())
    today = today[within]
    if len(today) < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Fewer than {FEWEST_CUSTOMERS} customers' next {at_months:g} months lie within follow-up."
        )
    moved = np.clip(highest_score - score[today], 0.0, shift)

    def ahead(scores: Floats) -> tuple[Floats, Floats]:
        return _cumulative(
            fit, columns, stop[today], group[today], scores, earlier[today], covariates[today],
            at_months,
        )  # fmt: skip

    hazard, gradient = ahead(score[today])
    hazard_up, gradient_up = ahead(score[today] + moved)
    stays, stays_up = np.exp(-hazard), np.exp(-hazard_up)

    def error(values: Floats, slopes: Floats) -> float:
        """Standard error of the mean of values (n) whose gradients are slopes (n × k)."""
        influence = fit.influence @ slopes.mean(axis=0)
        influence += np.bincount(
            customer[today], (values - values.mean()) / len(values), minlength=groups
        )
        return float(np.sqrt((influence**2).sum() * groups / (groups - 1)))

    with_history = columns.history_mean is not None
    method = (
        "g-formula on a smooth hazard model, scores carried forward, "
        + ("earlier score as history" if with_history else "without earlier scores")
        + ", clustered by customer"
    )

    def level(values: Floats, slopes: Floats) -> Estimate:
        mean = float(values.mean())
        lower, upper = log_log_limits(mean, error(values, slopes) / mean, confidence_level)
        return Estimate(mean, lower, upper, "share", len(values), method, confidence_level)

    slope, slope_up = -stays[:, None] * gradient, -stays_up[:, None] * gradient_up
    difference = from_standard_error(
        float((stays_up - stays).mean()), error(stays_up - stays, slope_up - slope), "share",
        len(today), method, confidence_level=confidence_level,
    )  # fmt: skip
    place = columns.score_place
    log_ratio = float(fit.coefficients[place])
    spread = float(np.sqrt((fit.influence[:, place] ** 2).sum() * groups / (groups - 1)))
    half = normal_quantile(confidence_level) * spread
    low, mid, high = (float(np.exp(log_ratio + sign * half)) for sign in (-1, 0, 1))
    ratio = Estimate(mid, low, high, "hazard ratio", groups, method, confidence_level)
    implied = _cox_implies(hazard, moved, cox_hazard_ratio, confidence_level)
    return StandardisedDifference(
        at_months=at_months,
        shift=shift,
        as_is=level(stays, slope),
        shifted=level(stays_up, slope_up),
        difference=difference,
        capped=int((moved < shift).sum()),
        beyond_follow_up=beyond,
        with_history=with_history,
        hazard_ratio=ratio,
        implied_by_cox=implied,
        agrees=_overlap(difference, implied),
        method=method,
    )
