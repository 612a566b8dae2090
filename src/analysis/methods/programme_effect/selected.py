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
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import p_value_chi_squared, t_quantile
from analysis.methods.programme_effect.experiment import (
    SMALLEST_ARM,
    independent_columns,
)

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

RIDGE = 1e-6
LOWEST_PROPENSITY, HIGHEST_PROPENSITY = 0.02, 0.98
SMALLEST_LEVEL = 20
SPLINE_KNOTS = (0.2, 0.4, 0.6, 0.8, 0.95)
EVENTS_PER_COVARIATE = 5


@dataclass(frozen=True, slots=True)
class Covariates:
    """What was recorded before the assignment, standardised. matrix: shape (n, p)."""

    names: tuple[str, ...]
    matrix: Floats


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
    """

    value: float
    standard_error: float
    treated: int
    control: int
    clusters: int
    balance: tuple[BalanceRow, ...]
    overlap: Overlap
    inside: npt.NDArray[np.bool_] = field(compare=False, repr=False)

    def estimate(self, unit: str, method: str) -> Estimate:
        """With a 95 % interval from the influence function, clustered by customer."""
        half = t_quantile(0.95, self.clusters - 1) * self.standard_error
        n = self.treated + self.control
        return Estimate(self.value, self.value - half, self.value + half, unit, n, method)


def covariate_matrix(
    frame: pd.DataFrame, money: tuple[str, ...], numbers: tuple[str, ...], groups: tuple[str, ...]
) -> Covariates:
    """Turn recorded columns into numbers: money as a broken line, groups as indicators.

    The line may bend at the quantiles `SPLINE_KNOTS`. Missing numbers become the mean with an
    indicator beside them; levels held by fewer than twenty rows are merged; constant and
    collinear columns are left out.
    """
    columns: dict[str, Floats] = {}
    for name in (*money, *numbers):
        values = frame[name].to_numpy(dtype=float, na_value=np.nan)
        missing = ~np.isfinite(values)
        if missing.all():
            continue
        filled = np.where(missing, values[~missing].mean(), values)
        columns[name] = filled
        if name in money:
            for knot in np.unique(np.quantile(filled, SPLINE_KNOTS)):
                columns[f"{name} above {knot:.0f}"] = np.maximum(filled - knot, 0.0)
        if missing.any():
            columns[f"{name} is missing"] = missing.astype(float)
    for name in groups:
        levels = frame[name].astype(object).where(frame[name].notna(), "(missing)").astype(str)
        counts = levels.value_counts()
        common = sorted(str(level) for level, count in counts.items() if count >= SMALLEST_LEVEL)
        for level in common[1:]:
            columns[f"{name}: {level}"] = np.asarray(levels == level, dtype=float)
    names, kept = [], []
    basis = np.ones((len(frame), 1))
    for name, values in columns.items():
        spread = values.std()
        if spread <= 1e-12 * max(1.0, float(np.abs(values).max(initial=0))):
            continue
        candidate = np.column_stack([basis, (values - values.mean()) / spread])
        if independent_columns(candidate, tolerance=1e-6).shape[1] > basis.shape[1]:
            basis = candidate
            names.append(name)
            kept.append(candidate[:, -1])
    return Covariates(tuple(names), np.column_stack(kept) if kept else np.empty((len(frame), 0)))


def fit_logistic(design: Floats, treated: Floats, steps: int = 50) -> tuple[Floats, float]:
    """Probabilities and log-likelihood of a logistic regression, by iterated least squares.

    design: shape (n, p) with its constant. A tiny ridge keeps separated data finite.
    """
    beta = np.zeros(design.shape[1])
    penalty = RIDGE * np.eye(design.shape[1])
    probability = np.full(len(treated), 0.5)
    for _ in range(steps):
        weight = probability * (1 - probability)
        gradient = design.T @ (treated - probability) - penalty @ beta
        step = np.linalg.solve((design * weight[:, None]).T @ design + penalty, gradient)
        step *= min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        beta = beta + step
        probability = 1 / (1 + np.exp(-np.clip(design @ beta, -30, 30)))
        if np.abs(step).max() < 1e-10:
            break
    safe = np.clip(probability, 1e-13, 1 - 1e-13)
    likelihood = float(treated @ np.log(safe) + (1 - treated) @ np.log1p(-safe))
    return probability, likelihood


def assignment_test(covariates: Covariates, treated: npt.ArrayLike) -> float:
    """p-value of the likelihood-ratio test that nothing recorded tells who was treated.

    After a random draw it is uniform; near zero, customers were selected. Raises CannotEstimate
    where an arm holds fewer than ten customers.
    """
    arm = np.asarray(treated, dtype=float)
    smaller = min(arm.sum(), (1 - arm).sum())
    if smaller < SMALLEST_ARM:
        raise CannotEstimate("the arms hold too few customers to tell how they were assigned")
    most = max(int(smaller // EVENTS_PER_COVARIATE), 1)
    matrix = covariates.matrix[:, :most]
    if not matrix.shape[1]:
        return 1.0
    constant = np.ones((len(arm), 1))
    _, full = fit_logistic(np.column_stack([constant, matrix]), arm)
    share = arm.mean()
    null = float(len(arm) * (share * np.log(share) + (1 - share) * np.log1p(-share)))
    return p_value_chi_squared(max(2 * (full - null), 0.0), matrix.shape[1])


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
    y, arm = np.asarray(outcome, dtype=float), np.asarray(treated, dtype=float)
    w = np.asarray(weights, dtype=float)
    labels = np.asarray(clusters)
    if min(arm.sum(), (1 - arm).sum()) < SMALLEST_ARM:
        raise CannotEstimate("there are too few customers with or without it to compare")
    design = np.column_stack([np.ones(len(y)), covariates.matrix])
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
    everybody = covariates.matrix
    y, arm, w, labels = y[inside], arm[inside], w[inside], labels[inside]
    matrix = everybody[inside]
    # Once more among those who overlap, so that the weights balance these.
    design = independent_columns(np.column_stack([np.ones(len(y)), matrix]), keep=1, tolerance=1e-6)
    chance = np.clip(fit_logistic(design, arm)[0], 1e-3, 1 - 1e-3)
    odds = (1 - arm) * w * chance / (1 - chance)
    without = (1 - arm) * w
    root = np.sqrt(without)[:, None]
    expected = design @ np.linalg.lstsq(design * root, y * root[:, 0], rcond=None)[0]
    residual = y - expected
    on_treated = w * arm
    first = float(on_treated @ residual / on_treated.sum())
    second = float(odds @ residual / odds.sum())
    value = first - second
    influence = on_treated * (residual - first) / on_treated.sum()
    influence -= odds * (residual - second) / odds.sum()
    by_customer = np.bincount(np.unique(labels, return_inverse=True)[1], influence)
    groups = len(by_customer)
    error = float(np.sqrt(groups / (groups - 1) * (by_customer @ by_customer)))
    balance = tuple(
        BalanceRow(name, *_imbalance(column, on_treated, without, odds))
        for name, column in zip(covariates.names, matrix.T, strict=True)
    )
    overlap = Overlap(
        tuple(float(edge) for edge in edges),
        tuple(int(count) for count in counts[0]),
        tuple(int(count) for count in counts[1]),
        left_out,
        float(odds.sum() ** 2 / (odds @ odds)),
    )
    treated_rows = int(arm.sum())
    controls = len(np.unique(labels[arm == 0]))
    return AdjustedDifference(
        value, error, treated_rows, controls, groups, balance, overlap, inside
    )


def _imbalance(
    column: Floats, treated: Floats, without: Floats, odds: Floats
) -> tuple[float, float]:
    mean = float(treated @ column / treated.sum())
    spread = float(np.sqrt(treated @ (column - mean) ** 2 / treated.sum())) or 1.0
    before = (mean - float(without @ column / without.sum())) / spread
    after = (mean - float(odds @ column / odds.sum())) / spread
    return before, after
