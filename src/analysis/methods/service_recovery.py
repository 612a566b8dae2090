"""What a service does for customers chosen because of a low score, regression to the mean apart.

Who is picked for a low score scores higher next time, whatever is done: part of a low score is
chance. So the rise after a call is not the call's doing. It is set against the rise of customers
who gave as low a score and got no call (Barnett, van der Pols & Dobson 2005).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.intervals import from_standard_error
from analysis.methods.programme_effect.experiment import SMALLEST_ARM

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ScoreRecovery:
    """Change of the CSAT from the last answer before to the mean of answers after, in points.

    treated, control: change of each arm, of those who answered both times; the control's is what a
    low score does by itself. credited: treated less control afterwards, adjusted, as the study of
    the programme has it: what is left for the service.
    """

    treated: Estimate
    control: Estimate
    credited: Estimate

    @property
    def rises_by_itself(self) -> bool:
        """Whether those left alone rose as well, told from chance: regression to the mean."""
        return self.control.lower is not None and self.control.lower > 0


def recovered_scores(outcomes: pd.DataFrame, credited: Estimate) -> ScoreRecovery:
    """Set the change of scores in both arms beside what is credited to the programme.

    outcomes: one row per customer assigned (or compared), columns arm, csat_score, csat_after.
    Customers without both answers are left out: whoever answers has stayed. Controls whose score
    before no treated customer gave are left out as well. Raises CannotEstimate where an arm holds
    fewer than ten such customers.
    """
    if not {"csat_score", "csat_after"} <= set(outcomes.columns):
        raise CannotEstimate("no CSAT was given before and afterwards")
    both = outcomes[outcomes["csat_score"].notna() & outcomes["csat_after"].notna()]
    before = both["csat_score"].to_numpy(float)
    arm = (both["arm"] != "control").to_numpy()
    comparable = np.isin(np.rint(before), np.unique(np.rint(before[arm])))
    rise = (both["csat_after"].to_numpy(float) - before)[comparable]
    arm = arm[comparable]
    if min(arm.sum(), (~arm).sum()) < SMALLEST_ARM:
        raise CannotEstimate(
            f"fewer than {SMALLEST_ARM} customers of one arm gave a CSAT before and afterwards"
        )
    return ScoreRecovery(mean_rise(rise[arm]), mean_rise(rise[~arm]), credited)


def mean_rise(rise: np.ndarray) -> Estimate:
    """Mean of changes in points, shape (n,), with a t interval."""
    error = float(rise.std(ddof=1)) / float(np.sqrt(len(rise)))
    return from_standard_error(
        float(rise.mean()), error, "points", len(rise), "mean change", len(rise) - 1
    )
