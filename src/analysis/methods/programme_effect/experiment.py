"""Effect of a programme whose customers were assigned to arms: mean difference and ANCOVA.

Least squares with heteroscedasticity-consistent (HC1) or clustered standard errors; weights are
the number of quarters followed, so that the effect is one per customer-quarter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.regression import fit_least_squares

Floats = npt.NDArray[np.float64]

SMALLEST_ARM = 10


@dataclass(frozen=True, slots=True)
class ArmDifference:
    """Difference in the mean outcome, treated less control.

    classical_error: standard error under equal variances. robust_error: HC1, or clustered.
    """

    value: float
    classical_error: float
    robust_error: float
    treated: int
    control: int
    degrees_of_freedom: int

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
    return ArmDifference(
        float(plain.coefficients[1]),
        float(plain.standard_errors[1]),
        float(robust.standard_errors[1]),
        int(arm.sum()),
        int((1 - arm).sum()),
        int(robust.degrees_of_freedom),
    )


def independent_columns(design: Floats, keep: int = 0, tolerance: float = 1e-9) -> Floats:
    """The design without columns that are combinations of those before them.

    keep: that many first columns are never dropped.
    """
    basis = np.empty((len(design), 0))
    chosen = []
    for position, column in enumerate(design.T):
        rest = column - basis @ (basis.T @ column)
        rest -= basis @ (basis.T @ rest)
        size = np.linalg.norm(rest)
        if position < keep or size > tolerance * max(float(np.linalg.norm(column)), 1.0):
            chosen.append(position)
            if size > 0:
                basis = np.column_stack([basis, rest / size])
    return design[:, chosen]
