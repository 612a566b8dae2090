"""Assigned customers in depth: windows, scores, and controls of the comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.programme_effect.experiment import (
    ArmDifference,
    arm_difference,
    fast_arm_difference,
    independent_columns,
)
from analysis.methods.programme_effect.selected import (
    Comparison,
    Covariates,
    compare_alike,
    covariate_matrix,
    weigh_alike,
)
from analysis.methods.programme_effect.sequential import always_valid

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

MONEY_BEFORE = ("margin_quarter_before", "margin_year_before")
NOT_COVARIATES = {
    "customer_id", "wave", "arm", "recorded", "assigned_on", "quarters", "margin_per_quarter",
    *MONEY_BEFORE,
}  # fmt: skip
WINDOW = "margin_after_"


@dataclass(frozen=True, slots=True)
class Arms:
    """Customers followed, and what was recorded of them beforehand. treated: shape (n,)."""

    frame: pd.DataFrame
    treated: npt.NDArray[np.bool_]
    covariates: Covariates

    @classmethod
    def of(cls, frame: pd.DataFrame, without: tuple[str, ...] = ()) -> Arms:
        """without: columns not to be adjusted for."""
        return cls(
            frame, (frame["arm"] != "control").to_numpy(), recorded_covariates(frame, without)
        )

    @property
    def outcome(self) -> Floats:
        return self.frame["margin_per_quarter"].to_numpy(float)

    @property
    def quarters(self) -> Floats:
        return self.frame["quarters"].to_numpy(float)

    @property
    def repeated(self) -> npt.NDArray[np.object_] | None:
        """Customers as clusters where any appears twice."""
        ids = self.frame["customer_id"]
        return ids.to_numpy() if bool(ids.duplicated().any()) else None

    @property
    def looks(self) -> int:
        """Ends of quarters at which figures could have been looked at."""
        return int(self.quarters.max(initial=1))

    def column(self, name: str) -> Floats | None:
        if name not in self.frame.columns:
            return None
        return self.frame[name].to_numpy(dtype=float, na_value=np.nan)

    def numbers(self) -> dict[str, Floats]:
        """Numbers recorded before the assignment, by which somebody could have been chosen."""
        import pandas as pd

        names = [*MONEY_BEFORE, *recorded_names(self.frame)]
        return {
            name: self.frame[name].to_numpy(dtype=float, na_value=np.nan)
            for name in names
            if name in self.frame.columns and pd.api.types.is_numeric_dtype(self.frame[name])
        }

    def regression(self) -> tuple[Floats, Floats, Floats, Floats, npt.NDArray[np.object_] | None]:
        """What `arm_difference` takes."""
        return (
            self.outcome, self.treated.astype(float), self.covariates.matrix, self.quarters,
            self.repeated,
        )  # fmt: skip

    def alike(self) -> Comparison:
        """Weights that make controls look like the treated."""
        return weigh_alike(self.treated, self.covariates, self.frame["customer_id"].to_numpy())

    def part(self, rows: npt.NDArray[np.bool_], without: tuple[str, ...] = ()) -> Arms:
        return Arms.of(self.frame[rows].reset_index(drop=True), without)


def recorded_names(frame: pd.DataFrame) -> list[str]:
    """Columns that were known before the assignment, but for the margin of the last year.

    What came afterwards is named so: csat_after, margin_after_1.
    """
    return [name for name in frame.columns if name not in NOT_COVARIATES and "_after" not in name]


def recorded_covariates(frame: pd.DataFrame, without: tuple[str, ...] = ()) -> Covariates:
    """All that was recorded before the assignment, and the wave, as a matrix."""
    import pandas as pd

    names = [name for name in recorded_names(frame) if name not in without]
    numbers = tuple(n for n in names if pd.api.types.is_numeric_dtype(frame[n]))
    groups = tuple(n for n in names if n not in numbers)
    return covariate_matrix(
        frame.assign(wave=frame["wave"].astype(str)),
        ("margin_year_before",),
        ("margin_quarter_before", *numbers),
        (*groups, "wave"),
    )


def regression_adjusted(arms: Arms, with_covariates: bool = True) -> ArmDifference:
    """Difference between the arms by least squares."""
    outcome, arm, matrix, quarters, ids = arms.regression()
    return arm_difference(outcome, arm, matrix if with_covariates else None, quarters, ids)


def windows_since(
    arms: Arms, comparison: Comparison | NotEstimable | None, unit: str
) -> dict[int, Estimate]:
    """Difference in the first, second … quarter since the customer's own assignment.

    comparison: weights to be used again, for customers who were chosen; None for arms that chance
    made. Only who has been followed so far enters; what cannot be told is left out.
    """
    found: dict[int, Estimate] = {}
    design = None
    window = 0
    while (outcome := arms.column(f"{WINDOW}{window + 1}")) is not None:
        window += 1
        there = np.isfinite(outcome).astype(float)
        method = f"quarter {window} since the assignment"
        if comparison is not None:
            adjusted = attempt(compare_alike, comparison, outcome, there)
            if not isinstance(adjusted, NotEstimable):
                found[window] = adjusted.estimate(unit, f"{method}, doubly robust")
            continue
        if design is None:
            columns = [np.ones(len(outcome)), arms.treated.astype(float), arms.covariates.matrix]
            design = independent_columns(np.column_stack(columns), keep=2, tolerance=1e-6)
        fit = attempt(fast_arm_difference, design, outcome, there, arms.repeated)
        if not isinstance(fit, NotEstimable):
            found[window] = fit.estimate(unit, f"{method}, least squares")
    return found


def always_valid_effect(
    fit: ArmDifference, effect: Estimate, windows: dict[int, Estimate], looks: int
) -> Estimate:
    """The effect with an interval that holds at every quarter's end together.

    Tuned to be narrowest at the first look, whose error is that of the first quarter.
    """
    first = windows.get(1)
    if first is None or first.lower is None or first.upper is None:
        raise CannotEstimate("the first quarter cannot be told by itself")
    ratio = (first.upper - first.lower) / max(_width(effect), 1e-300)
    return always_valid(effect, fit.robust_error, fit.robust_error * ratio, looks)


def _width(estimate: Estimate) -> float:
    if estimate.lower is None or estimate.upper is None:
        raise CannotEstimate("there is no interval")
    return estimate.upper - estimate.lower


def score_difference(arms: Arms, instrument: str, chosen: bool) -> Estimate:
    """Difference in the score given after the assignment, among those who answered.

    Whoever answers has stayed: the programme may decide who does, so this is a second look.
    """
    name = f"{instrument}_after"
    after = arms.column(name)
    if after is None or not np.isfinite(after).any():
        raise CannotEstimate(f"no {instrument.upper()} was given afterwards")
    part = arms.part(np.isfinite(after))
    outcome = part.frame[name].to_numpy(float)
    ids = part.frame["customer_id"].to_numpy()
    if chosen:
        fit = compare_alike(part.alike(), outcome, np.ones(len(outcome)))
        return fit.estimate("points", "doubly robust (AIPW) on the treated who answered")
    plain = arm_difference(outcome, part.treated.astype(float), part.covariates.matrix, None, ids)
    return plain.estimate("points", "least squares on arm and covariates, those who answered")


def placebo_difference(arms: Arms, unit: str, taken_off: bool) -> Estimate:
    """The same comparison where the programme cannot have had a part: the year before last.

    A difference there is what the choice and the adjustment left over. taken_off: the difference
    since the assignment less that one instead; right if what was left over does not change.
    Both arms enter with customers who were there in the year before last, and that year itself is
    not adjusted for.
    """
    older = arms.column("margin_older")
    if older is None or not np.isfinite(older).any():
        raise CannotEstimate("nobody's margin in the year before last is recorded")
    part = arms.part(np.isfinite(older), ("margin_older",))
    outcome = part.frame["margin_older"].to_numpy(float)
    if taken_off:
        outcome = part.outcome - outcome
    fit = compare_alike(part.alike(), outcome, part.quarters)
    name = "difference less that of the year before last" if taken_off else "year before last"
    return fit.estimate(unit, f"{name}, doubly robust (AIPW)")
