"""Effect of a programme whose customers were assigned to arms: mean difference and ANCOVA.

Least squares with heteroscedasticity-consistent (HC1) or clustered standard errors; weights are
the number of quarters followed, so that the effect is one per customer-quarter.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.programme_effect.relative import relative_difference
from analysis.methods.regression import fit_least_squares

Floats = npt.NDArray[np.float64]

SMALLEST_ARM = 10


@dataclass(frozen=True, slots=True)
class ArmDifference:
    """Difference in the mean outcome, treated less control.

    classical_error: standard error under equal variances. robust_error: HC1, or clustered.
    treated_mean: weighted mean outcome of the treated. influence, mean_influence: by row or
    cluster, of value and treated_mean.
    """

    value: float
    classical_error: float
    robust_error: float
    treated: int
    control: int
    degrees_of_freedom: int
    treated_mean: float = np.nan
    influence: Floats = field(default_factory=lambda: np.empty(0), compare=False, repr=False)
    mean_influence: Floats = field(default_factory=lambda: np.empty(0), compare=False, repr=False)

    def relative(self) -> Estimate:
        """The difference as a share of what the treated would have brought without it."""
        return relative_difference(
            self.value, self.treated_mean, self.influence, self.mean_influence,
            self.treated + self.control,
        )  # fmt: skip

    def estimate(self, unit: str, method: str) -> Estimate:
        """With a 95 % interval from the robust error and the t distribution."""
        half = t_quantile(0.95, self.degrees_of_freedom) * self.robust_error
        n = self.treated + self.control
        return Estimate(self.value, self.value - half, self.value + half, unit, n, method)


def arm_difference(
    outcome: npt.ArrayLike,
    treated: npt.ArrayLike,
    covariates: npt.ArrayLike | None = None,
    weights: npt.ArrayLike | None = None,
    clusters: npt.ArrayLike | None = None,
) -> ArmDifference:
    """Regress the outcome on the arm and, if given, on covariates from before the assignment.

    outcome, treated: shape (n,). covariates: shape (n, p). weights: shape (n,), 1 by default.
    clusters: labels of units that appear more than once. Columns that add nothing to the others
    are left out. Without covariates this is the difference in (weighted) means. Raises
    CannotEstimate if either arm holds fewer than ten customers.
    """
    # Small integer types overflow when squared: everything is computed in floats.
    y = np.asarray(outcome, dtype=float)
    arm = np.asarray(treated, dtype=float)
    w = np.ones_like(y) if weights is None else np.asarray(weights, dtype=float)
    smaller = int(min(arm.sum(), (1 - arm).sum()))
    if smaller < SMALLEST_ARM:
        raise CannotEstimate(
            "one arm holds nobody who could be followed"
            if smaller == 0
            else f"one arm holds fewer than {SMALLEST_ARM} customers, too few for a comparison"
        )
    columns = [np.ones_like(y), arm]
    if covariates is not None:
        columns += list(np.asarray(covariates, dtype=float).reshape(len(y), -1).T)
    root = np.sqrt(w)
    design = independent_columns(np.column_stack(columns), keep=2) * root[:, None]
    names = tuple(f"x{i}" for i in range(design.shape[1]))
    plain = fit_least_squares(y * root, design, names, "classical")
    if clusters is None:
        robust = fit_least_squares(y * root, design, names, "HC1")
    else:
        codes = np.unique(np.asarray(clusters), return_inverse=True)[1].astype(np.int64)
        robust = fit_least_squares(y * root, design, names, "cluster", codes)
    influence = _arm_influence(design, plain.residuals)
    mean = float((w * arm) @ y / (w * arm).sum())
    mean_influence = w * arm * (y - mean) / (w * arm).sum()
    if clusters is not None:
        influence, mean_influence = (
            np.asarray(np.bincount(codes, values), dtype=float)
            for values in (influence, mean_influence)
        )
    return ArmDifference(
        float(plain.coefficients[1]),
        float(plain.standard_errors[1]),
        float(robust.standard_errors[1]),
        int(arm.sum()),
        int((1 - arm).sum()),
        int(robust.degrees_of_freedom),
        mean,
        influence,
        mean_influence,
    )


def _arm_influence(design: Floats, residuals: Floats) -> Floats:
    """By how much each row moves the coefficient of the second column (Frisch–Waugh–Lovell)."""
    others = np.delete(design, 1, axis=1)
    rest = design[:, 1] - others @ np.linalg.lstsq(others, design[:, 1], rcond=None)[0]
    return np.asarray(rest * residuals / (rest @ rest))


def fast_arm_difference(
    design: Floats,
    outcome: npt.ArrayLike,
    weights: npt.ArrayLike,
    clusters: npt.ArrayLike | None = None,
) -> ArmDifference:
    """As `arm_difference`, from a design (constant, arm, covariates) checked once, by normal
    equations: for many outcomes of the same customers.

    outcome: shape (n,); rows of weight zero need none. Raises CannotEstimate with a small arm.
    """
    w = np.asarray(weights, dtype=float)
    y = np.where(w > 0, np.asarray(outcome, dtype=float), 0.0)
    arm = design[:, 1]
    rows = int((w > 0).sum())
    treated, control = int(((w > 0) & (arm == 1)).sum()), int(((w > 0) & (arm == 0)).sum())
    if min(treated, control) < SMALLEST_ARM or rows <= 2 * design.shape[1]:
        raise CannotEstimate("too few customers of either kind were followed so far")
    weighted = design * w[:, None]
    # Of waves not yet followed nothing is left in some columns: the ridge keeps them at zero.
    gram = weighted.T @ design
    gram += np.diag(np.where(np.diag(gram) <= 0, 1.0, 1e-10 * np.diag(gram)))
    unit = np.zeros(design.shape[1])
    unit[1] = 1.0
    beta, row = np.linalg.solve(gram, np.column_stack([weighted.T @ y, unit])).T
    residual = y - design @ beta
    influence = (weighted @ row) * residual
    mean = float((w * arm) @ y / (w * arm).sum())
    mean_influence = w * arm * (y - mean) / (w * arm).sum()
    degrees = rows - design.shape[1]
    factor = rows / degrees
    if clusters is not None:
        codes = np.unique(np.asarray(clusters)[w > 0], return_inverse=True)[1]
        influence, mean_influence = (
            np.asarray(np.bincount(codes, values[w > 0]), dtype=float)
            for values in (influence, mean_influence)
        )
        if len(influence) < 2:
            raise CannotEstimate("too few customers of either kind were followed so far")
        degrees = len(influence) - 1
        factor = len(influence) / degrees
    error = float(np.sqrt(factor * (influence @ influence)))
    return ArmDifference(
        float(beta[1]), np.nan, error, treated, control, degrees, mean, influence, mean_influence
    )


def independent_columns(design: Floats, keep: int = 0, tolerance: float = 1e-9) -> Floats:
    """The design without columns that are combinations of those before them.

    keep: that many first columns are never dropped.
    """
    basis = Basis(*design.shape)
    chosen = [
        position
        for position, column in enumerate(design.T)
        if basis.add(column, tolerance) or position < keep
    ]
    return design if len(chosen) == design.shape[1] else design[:, chosen]


class Basis:
    """Orthonormal columns, built up one by one (Gram–Schmidt, twice is enough)."""

    def __init__(self, rows: int, most: int) -> None:
        self._columns = np.empty((rows, most), order="F")
        self._count = 0

    def add(self, column: Floats, tolerance: float) -> bool:
        """Whether the column adds something, relative to its length, to those so far."""
        basis = self._columns[:, : self._count]
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)
        size = float(np.linalg.norm(rest))
        if size > 0 and size > tolerance * max(float(np.linalg.norm(column)), 1.0):
            self._columns[:, self._count] = rest / size
            self._count += 1
            return True
        return False
