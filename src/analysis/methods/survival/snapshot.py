"""What a snapshot of customers can and cannot say about lifetimes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.survival.nonparametric import SurvivalCurve

if TYPE_CHECKING:
    import pandas as pd

INTAKE_SPAN_MONTHS = 6.0
OLD_TENURE_QUANTILE = 0.9


@dataclass(frozen=True, slots=True)
class ImpliedIntake:
    """How many starters a month it takes to explain today's customers, counted from the window on.

    recent: from customers in their first months. long_ago: from those with the longest tenure.
    """

    recent_per_month: float
    long_ago_per_month: float
    long_ago_months: float


def implied_intake(lifetimes: pd.DataFrame, curve: SurvivalCurve) -> ImpliedIntake:
    """Active customers by tenure divided by survival to that tenure."""
    active = lifetimes.loc[~lifetimes["ended"], "exit_months"].to_numpy(float)
    if not len(active):
        raise CannotEstimate("Nobody is a customer any more, so no intake can be implied.")
    oldest = float(np.quantile(active, OLD_TENURE_QUANTILE))
    if oldest <= 2 * INTAKE_SPAN_MONTHS:
        raise CannotEstimate("Tenures are too short to check the intake that they imply.")

    def starters(low: float, high: float) -> float:
        here = float(((active > low) & (active <= high)).sum()) / (high - low)
        return here / max(curve.at((low + high) / 2).value, 1e-9)

    return ImpliedIntake(
        starters(0, INTAKE_SPAN_MONTHS),
        starters(oldest - INTAKE_SPAN_MONTHS, oldest),
        oldest - INTAKE_SPAN_MONTHS / 2,
    )
