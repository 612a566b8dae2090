"""What was recorded before an assignment, as a matrix, and whether it tells who was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate
from analysis.methods.intervals import p_value_chi_squared
from analysis.methods.programme_effect.experiment import SMALLEST_ARM, Basis

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

RIDGE = 1e-6
SMALLEST_LEVEL = 20
SPLINE_KNOTS = (0.2, 0.4, 0.6, 0.8, 0.95)
EVENTS_PER_COVARIATE = 5


@dataclass(frozen=True, slots=True)
class Covariates:
    """What was recorded before the assignment, standardised. matrix: shape (n, p)."""

    names: tuple[str, ...]
    matrix: Floats


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
    basis = Basis(len(frame), len(columns) + 1)
    basis.add(np.ones(len(frame)), 0.0)
    names, kept = [], []
    for name, values in columns.items():
        spread = values.std()
        if spread <= 1e-12 * max(1.0, float(np.abs(values).max(initial=0))):
            continue
        standard = (values - values.mean()) / spread
        if basis.add(standard, 1e-6):
            names.append(name)
            kept.append(standard)
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
