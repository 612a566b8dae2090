"""The ladder: the same slope in comparisons that are each fairer than the one before."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import from_standard_error
from analysis.methods.regression import (
    Floats,
    LeastSquares,
    clustered_covariance,
    fit_least_squares,
)
from analysis.methods.spending.absorb import (
    Held,
    require_changes,
    take_out,
    take_out_customers_and_periods,
    unchanging,
)
from analysis.methods.spending.rows import PanelRows

RUNG_NAMES = ("raw", "customer", "history", "fixed_effects")
LEAST_SQUARES = "least squares, clustered by customer"
PREVIOUS_SPEND = "previous_spend"


@dataclass(frozen=True, slots=True)
class Rung:
    """One comparison of the ladder.

    id: raw, customer, history or fixed_effects. slope: currency per point and period.
    rows, customers: what it rests on. moved_by: by what is held fixed, how much of the raw slope
    went to its account (Gelbach 2016); empty for raw and fixed effects. influence: by customer,
    how much each moves the slope.
    """

    id: str
    slope: Estimate
    rows: int
    customers: int
    moved_by: tuple[tuple[str, float], ...] = ()
    influence: Floats = field(repr=False, compare=False, default_factory=lambda: np.empty(0))


@dataclass(frozen=True, slots=True)
class Ladder:
    """All rungs for one outcome.

    share_surviving: defended slope over raw slope. difference: raw slope less the defended one.
    between: slope of customers' mean spend on their mean score. sign_flips: rungs, told from zero,
    between which the sign changes; rungs that cannot be told from zero are passed over.
    """

    raw: Rung | NotEstimable
    customer: Rung | NotEstimable
    history: Rung | NotEstimable
    fixed_effects: Rung | NotEstimable
    share_surviving: Estimate | NotEstimable
    difference: Estimate | NotEstimable
    between: Estimate | NotEstimable
    sign_flips: tuple[tuple[str, str], ...]

    @property
    def rungs(self) -> tuple[Rung | NotEstimable, ...]:
        return (self.raw, self.customer, self.history, self.fixed_effects)


def slope_of(fit: LeastSquares, name: str, unit: str, method: str = LEAST_SQUARES) -> Estimate:
    """A coefficient with its cluster-t interval."""
    place = fit.position(name)
    value, error = float(fit.coefficients[place]), float(fit.standard_errors[place])
    return from_standard_error(value, error, unit, fit.clusters, method, fit.degrees_of_freedom)


def from_influence(value: float, influence: Floats, unit: str, method: str) -> Estimate:
    """An estimate whose error comes from its influence by customer, HC0 × G/(G−1)."""
    error = float(np.sqrt(clustered_covariance(influence, influence)))
    customers = len(influence)
    return from_standard_error(value, error, unit, customers, method, customers - 1)


def held_by(rows: PanelRows, rung: str) -> Held:
    """What a rung below the fixed effects holds fixed."""
    if rung == "raw":
        return Held()
    groups = [(category.name, category.codes) for category in rows.categories]
    numbers = [("tenure", rows.tenure_months)]
    if rung == "history":
        numbers.append((PREVIOUS_SPEND, rows.previous_spend))
    return Held((*groups, ("period", rows.period)), tuple(numbers))


def fit_rung(rows: PanelRows, rung: str, unit: str) -> tuple[Rung, Rung | NotEstimable]:
    """Fit one rung for spend and for margin: raw, customer (+ what is recorded of the customer, and
    period), history (+ spend in the period before) or fixed_effects (each customer against itself).

    The margin may be missing alone, where it does not vary. Raises CannotEstimate.
    """
    columns = [rows.spend, rows.margin, rows.score]
    taken: list[dict[str, float]] = [{}, {}, {}]
    centred = rows.score - rows.score.mean()
    if rung == "fixed_effects":
        left = take_out_customers_and_periods(columns, rows.customer, rows.period)
        pair = (rows.score, left[2])
        degrees: float | None = require_changes((rows.spend, left[0]), pair, rows.customer)
    else:
        left, taken = take_out(columns, held_by(rows, rung), centred)
        degrees = None
        if unchanging(rows.score, left[2]):
            raise CannotEstimate("The score is determined by what is recorded of the customers.")
        if unchanging(rows.spend, left[0]):
            raise CannotEstimate("Spend is determined by what is recorded of the customers.")
    spread = float(centred @ centred)
    spend = _rung(rows, rung, unit, left[0], left[2], taken[0], taken[2], spread, degrees)
    if unchanging(rows.margin, left[1]):
        return spend, NotEstimable("The margin does not vary beside what is held fixed.")
    return spend, _rung(rows, rung, unit, left[1], left[2], taken[1], taken[2], spread, degrees)


def _rung(
    rows: PanelRows, rung: str, unit: str, money: Floats, score: Floats,
    of_money: dict[str, float], of_score: dict[str, float], spread: float, degrees: float | None,
) -> Rung:  # fmt: skip
    fit = fit_least_squares(money, score[:, None], ("score",), "cluster", rows.customer)
    if degrees is not None:
        fit = replace(fit, degrees_of_freedom=degrees)
    slope = slope_of(fit, "score", unit)
    moved_by = tuple(
        (name, (of_money[name] - slope.value * of_score[name]) / spread) for name in of_money
    )
    return Rung(rung, slope, rows.n, fit.clusters, moved_by, fit.influence[:, 0])


def between_slope(rows: PanelRows, unit: str, outcome: str = "spend") -> Estimate:
    """Slope of customers' mean spend on their mean score, HC1 errors."""
    counts = np.bincount(rows.customer)
    score = np.bincount(rows.customer, rows.score) / counts
    money = np.bincount(rows.customer, rows.outcome(outcome)) / counts
    design = np.column_stack([np.ones(len(score)), score])
    fit = fit_least_squares(money, design, ("constant", "score"), "HC1")
    error = float(fit.standard_errors[1])
    return from_standard_error(
        float(fit.coefficients[1]), error, unit, len(score), "least squares of customers' means, HC1",
        fit.degrees_of_freedom,
    )  # fmt: skip


def share_surviving(raw: Rung, defended: Rung) -> Estimate:
    """Ratio of the slopes; interval by the delta method from the customers' joint influence.

    Raises CannotEstimate if the raw slope cannot be told from zero.
    """
    if not excludes_zero(raw.slope):
        raise CannotEstimate(
            "The raw slope cannot be told from zero, so it cannot be said which share of it survives."
        )
    share = defended.slope.value / raw.slope.value
    influence = (defended.influence - share * raw.influence) / raw.slope.value
    return from_influence(
        share, influence, "share", "ratio of slopes, delta method, clustered by customer"
    )


def slope_difference(raw: Rung, defended: Rung) -> Estimate:
    """Raw slope less the defended one, with the covariance of the two."""
    value = raw.slope.value - defended.slope.value
    influence = raw.influence - defended.influence
    return from_influence(
        value, influence, raw.slope.unit, "difference of slopes, clustered by customer"
    )


def excludes_zero(estimate: Estimate) -> bool:
    """Whether an interval lies on one side of zero."""
    low, high = estimate.lower, estimate.upper
    return low is not None and high is not None and not low <= 0 <= high


def find_sign_flips(rungs: tuple[Rung | NotEstimable, ...]) -> tuple[tuple[str, str], ...]:
    """Rungs with opposite signs, each told from zero, with none told from zero between them."""
    told = [rung for rung in rungs if isinstance(rung, Rung) and excludes_zero(rung.slope)]
    return tuple(
        (a.id, b.id) for a, b in itertools.pairwise(told) if a.slope.value * b.slope.value < 0
    )


def fit_ladders(rows: PanelRows | NotEstimable, unit: str) -> tuple[Ladder, Ladder]:
    """All rungs on the same rows, for spend and for margin, and how they compare."""
    fitted = [attempt(fit_rung, rows, rung, unit) for rung in RUNG_NAMES]
    spend = [pair if isinstance(pair, NotEstimable) else pair[0] for pair in fitted]
    margin = [pair if isinstance(pair, NotEstimable) else pair[1] for pair in fitted]
    return _ladder(rows, spend, unit, "spend"), _ladder(rows, margin, unit, "margin")


def _ladder(
    rows: PanelRows | NotEstimable, rungs: list[Rung | NotEstimable], unit: str, outcome: str
) -> Ladder:
    raw, customer, history, fixed = rungs
    return Ladder(
        raw,
        customer,
        history,
        fixed,
        attempt(share_surviving, raw, fixed),
        attempt(slope_difference, raw, fixed),
        attempt(between_slope, rows, unit, outcome),
        find_sign_flips((raw, customer, history, fixed)),
    )
