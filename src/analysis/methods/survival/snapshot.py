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
    """Active customers by tenure divided by survival to that tenure.

    Raises CannotEstimate: nobody active, short tenures, or a curve at zero where customers are.
    """
    active = lifetimes.loc[~lifetimes["ended"], "exit_months"].to_numpy(float)
    if not len(active):
        raise CannotEstimate("Nobody is a customer any more, so no intake can be implied.")
    oldest = float(np.quantile(active, OLD_TENURE_QUANTILE))
    if oldest <= 2 * INTAKE_SPAN_MONTHS:
        raise CannotEstimate("Tenures are too short to check the intake that they imply.")

    def starters(low: float, high: float) -> float:
        here = float(((active > low) & (active <= high)).sum()) / (high - low)
        middle = (low + high) / 2
        stays = curve.at(middle).value
        if here and stays <= 0:
            raise CannotEstimate(
                f"Check of the second count: it leaves nobody after {middle:.0f} months, and yet there "
                "are customers of that tenure. So this count is not right either."
            )
        return here / max(stays, 1e-9)

    return ImpliedIntake(
        starters(0, INTAKE_SPAN_MONTHS),
        starters(oldest - INTAKE_SPAN_MONTHS, oldest),
        oldest - INTAKE_SPAN_MONTHS / 2,
    )
