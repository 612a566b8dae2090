"""Customers chosen by what was recorded of them: doubly robust comparison (AIPW).

The mean over treated customers of what they brought less what customers alike in everything
recorded before the assignment would have: right if either the model of who is chosen or the model
of the outcome without the programme is right (Robins, Rotnitzky and Zhao 1994), and only if all
that decided who was chosen and that moves the outcome is recorded. Nothing in the data can show
the latter, and no rule of choice is recorded in an export. The result is therefore labelled
`association`, however well it is adjusted: a random hold-out is what would prove it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.programme_effect.choice import (
    Covariates,
    assignment_test,
    covariate_matrix,
    fit_logistic,
)
from analysis.methods.programme_effect.experiment import SMALLEST_ARM, independent_columns
from analysis.methods.programme_effect.relative import relative_difference

Floats = npt.NDArray[np.float64]

__all__ = [
    "AdjustedDifference",
    "BalanceRow",
    "Comparison",
    "Covariates",
    "Overlap",
    "adjusted_difference",
    "assignment_test",
    "compare_alike",
    "covariate_matrix",
    "weigh_alike",
]

LOWEST_PROPENSITY, HIGHEST_PROPENSITY = 0.02, 0.98
UNBALANCED = 0.1  # standard deviations


@dataclass(frozen=True, slots=True)
class BalanceRow:
    """Difference of means, treated less control, in standard deviations of the treated."""

    name: str
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Overlap:
    """Probability of being chosen, as a histogram by arm over `edges`.

    left_out: treated customers outside the range of overlap, None where the number is withheld;
    effective_controls: (Σw)² / Σw².
    """

    edges: tuple[float, ...]
    treated: tuple[int, ...]
    control: tuple[int, ...]
    left_out: int | None
    effective_controls: float


@dataclass(frozen=True, slots=True)
class AdjustedDifference:
    """Doubly robust difference on the treated, with what it takes to judge it.

    inside: shape (n,), the rows given that lie in the range of overlap and were compared.
    treated_mean: weighted mean outcome of the treated who were compared. influence,
    mean_influence: by customer, of value and treated_mean.
    """

    value: float
    standard_error: float
    treated: int
    control: int
    clusters: int
    balance: tuple[BalanceRow, ...]
    overlap: Overlap
    inside: npt.NDArray[np.bool_] = field(compare=False, repr=False)
    treated_mean: float = np.nan
    influence: Floats = field(default_factory=lambda: np.empty(0), compare=False, repr=False)
    mean_influence: Floats = field(default_factory=lambda: np.empty(0), compare=False, repr=False)

    @property
    def unbalanced(self) -> tuple[BalanceRow, ...]:
        """Everything still more than a tenth of a standard deviation apart, the worst first."""
        left = [row for row in self.balance if abs(row.after) > UNBALANCED]
        return tuple(sorted(left, key=lambda row: (-abs(row.after), row.name)))

    def estimate(self, unit: str, method: str) -> Estimate:
        """With a 95 % interval from the influence function, clustered by customer."""
        half = t_quantile(0.95, self.clusters - 1) * self.standard_error
        n = self.treated + self.control
        return Estimate(self.value, self.value - half, self.value + half, unit, n, method)

    def relative(self) -> Estimate:
        """The difference as a share of what the treated would have brought without it."""
        return relative_difference(
            self.value, self.treated_mean, self.influence, self.mean_influence,
            self.treated + self.control,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Comparison:
    """Who is compared with whom: found once, used for any outcome.

    inside: shape (n,). arm, odds: shape (m,), of those inside; odds e / (1 − e), zero for the
    treated. design: shape (m, k), of the outcome model. labels: clusters of those inside.
    """

    inside: npt.NDArray[np.bool_]
    arm: Floats
    odds: Floats
    design: Floats
    labels: npt.NDArray[np.int64]
    names: tuple[str, ...]
    matrix: Floats
    edges: Floats
    counts: tuple[tuple[int, ...], tuple[int, ...]]
    left_out: int


def adjusted_difference(
    outcome: npt.ArrayLike,
    treated: npt.ArrayLike,
    covariates: Covariates,
    weights: npt.ArrayLike,
    clusters: npt.ArrayLike,
) -> AdjustedDifference:
    """Doubly robust mean difference on the treated.

    outcome, treated, weights, clusters: shape (n,); weights count the quarters followed. With e
    the probability of being chosen and m the outcome expected without the programme (least
    squares among controls), it is the weighted mean of y − m over the treated less the mean of
    y − m over controls weighted by e / (1 − e). Customers with e outside .02 to .98 are left out:
    there is nobody to compare them with. Raises CannotEstimate without overlap.
    """
    return compare_alike(weigh_alike(treated, covariates, clusters), outcome, weights)


def weigh_alike(
    treated: npt.ArrayLike, covariates: Covariates, clusters: npt.ArrayLike
) -> Comparison:
    """Weights that make controls look like the treated. Raises CannotEstimate without overlap."""
    arm = np.asarray(treated, dtype=float)
    labels = np.unique(np.asarray(clusters), return_inverse=True)[1].astype(np.int64)
    if min(arm.sum(), (1 - arm).sum()) < SMALLEST_ARM:
        raise CannotEstimate("there are too few customers with or without it to compare")
    design = np.column_stack([np.ones(len(arm)), covariates.matrix])
    if (1 - arm).sum() <= 2 * design.shape[1] or arm.sum() <= design.shape[1]:
        raise CannotEstimate("there are too few customers for what has to be adjusted")
    chance, _ = fit_logistic(design, arm)
    edges = np.linspace(0, 1, 21)
    counts = [np.histogram(chance[arm == side], edges)[0] for side in (1, 0)]
    inside = (chance >= LOWEST_PROPENSITY) & (chance <= HIGHEST_PROPENSITY)
    left_out = int((arm * ~inside).sum())
    if min((arm * inside).sum(), ((1 - arm) * inside).sum()) < max(SMALLEST_ARM, design.shape[1]):
        raise CannotEstimate(
            "those who got it and those who did not are too different to be compared: "
            "what is recorded tells who was chosen almost perfectly"
        )
    if left_out > 0.5 * arm.sum():
        raise CannotEstimate("most of those who got it have no counterpart among the others")
    arm, matrix = arm[inside], covariates.matrix[inside]
    # Once more among those who overlap, so that the weights balance these.
    design = independent_columns(
        np.column_stack([np.ones(len(arm)), matrix]), keep=1, tolerance=1e-6
    )
    chance = np.clip(fit_logistic(design, arm)[0], 1e-3, 1 - 1e-3)
    odds = (1 - arm) * chance / (1 - chance)
    return Comparison(
        inside, arm, odds, design, labels[inside], covariates.names, matrix, edges,
        (tuple(int(count) for count in counts[0]), tuple(int(count) for count in counts[1])),
        left_out,
    )  # fmt: skip


def compare_alike(
    comparison: Comparison, outcome: npt.ArrayLike, weights: npt.ArrayLike
) -> AdjustedDifference:
    """The doubly robust difference in one outcome; rows of weight zero need none.

    outcome, weights: shape (n,), for all rows that were given to `weigh_alike`.
    """
    inside, arm, design = comparison.inside, comparison.arm, comparison.design
    w = np.asarray(weights, dtype=float)[inside]
    y = np.where(w > 0, np.asarray(outcome, dtype=float)[inside], 0.0)
    treated_rows, control_rows = (int(((w > 0) & (arm == side)).sum()) for side in (1, 0))
    if min(treated_rows, control_rows) < max(SMALLEST_ARM, design.shape[1]):
        raise CannotEstimate("too few customers of either kind were followed so far")
    odds = w * comparison.odds
    without = (1 - arm) * w
    beta, leverage = _solve(design, y, without)
    residual = y - design @ beta
    on_treated = w * arm
    first = float(on_treated @ residual / on_treated.sum())
    second = float(odds @ residual / odds.sum())
    value = first - second
    followed = w > 0
    codes = np.unique(comparison.labels[followed], return_inverse=True)[1]

    def of_customer(values: Floats) -> Floats:
        """Sum over the customer's rows, for each row."""
        total = np.zeros(len(values))
        total[followed] = np.bincount(codes, values[followed])[codes]
        return np.minimum(total, 0.9)

    influence = on_treated * (residual - first) / on_treated.sum()
    # As if each control were left out in turn: heavy ones pull the fit and the mean to themselves.
    share = odds / odds.sum()
    alone = residual / (1 - of_customer(leverage)) - second
    influence -= share * alone / (1 - of_customer(share))
    mean = float(on_treated @ y / on_treated.sum())
    mean_influence = on_treated * (y - mean) / on_treated.sum()
    by_customer = np.bincount(codes, influence[followed])
    groups = len(by_customer)
    if groups < 2 * SMALLEST_ARM:
        raise CannotEstimate("too few customers of either kind were followed so far")
    error = float(np.sqrt(groups / (groups - 1) * (by_customer @ by_customer)))
    balance = tuple(
        BalanceRow(name, *_imbalance(column, on_treated, without, odds))
        for name, column in zip(comparison.names, comparison.matrix.T, strict=True)
    )
    overlap = Overlap(
        tuple(float(edge) for edge in comparison.edges),
        *comparison.counts,
        comparison.left_out,
        float(odds.sum() ** 2 / (odds @ odds)),
    )
    return AdjustedDifference(
        value, error, treated_rows,
        len(np.unique(comparison.labels[followed & (arm == 0)])), groups, balance, overlap, inside,
        mean, np.asarray(by_customer), np.asarray(np.bincount(codes, mean_influence[followed])),
    )  # fmt: skip


def _solve(design: Floats, y: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Weighted least squares by normal equations, and the leverage of each row.

    The columns are standardised; one without variation among these rows is left at zero.
    """
    weighted = design * weights[:, None]
    values, vectors = np.linalg.eigh(weighted.T @ design)
    kept = values > 1e-10 * values.max()
    root = vectors[:, kept] / np.sqrt(values[kept])
    beta = root @ (root.T @ (weighted.T @ y))
    leverage = weights * ((design @ root) ** 2).sum(axis=1)
    return np.asarray(beta), np.asarray(leverage)


def _imbalance(
    column: Floats, treated: Floats, without: Floats, odds: Floats
) -> tuple[float, float]:
    mean = float(treated @ column / treated.sum())
    spread = float(np.sqrt(treated @ (column - mean) ** 2 / treated.sum())) or 1.0
    before = (mean - float(without @ column / without.sum())) / spread
    after = (mean - float(odds @ column / odds.sum())) / spread
    return before, after
