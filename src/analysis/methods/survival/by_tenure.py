"""The score's hazard ratio early and late, where a single one hides a change over tenure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.survival.cox import fit_cox
from analysis.methods.survival.groups import group_codes
from analysis.methods.survival.hazard import (
    PROPORTIONAL_P_VALUE,
    SCORE,
    HazardModel,
    hazard_design,
)
from analysis.methods.survival.robust import clustered, score_residuals

if TYPE_CHECKING:
    import pandas as pd

EARLY, LATE = f"{SCORE}, early", f"{SCORE}, late"


@dataclass(frozen=True, slots=True)
class RatioByTenure:
    """split_months: median tenure of the losses. early, late: hazard ratio per point before, after."""

    split_months: float
    early: Estimate
    late: Estimate


def score_ratio_by_tenure(rows: pd.DataFrame, model: HazardModel) -> RatioByTenure:
    """Fit the chosen model with a ratio of the score before and one after the median loss.

    rows: scored intervals. Raises CannotEstimate where the score's ratio shows no change over tenure
    (the single ratio stands), or too few losses lie on a side.
    """
    if isinstance(model.test, NotEstimable) or SCORE not in model.test.names:
        raise CannotEstimate("Whether the score's ratio changes over tenure cannot be told.")
    if model.test.p_values[model.test.names.index(SCORE)] >= PROPORTIONAL_P_VALUE:
        raise CannotEstimate("The score's ratio shows no change over tenure.")
    split = float(np.median(rows.loc[rows["ended"], "stop_months"]))
    before = rows[rows["start_months"] < split]
    crossing = before["stop_months"] > split
    before = before.assign(
        stop_months=before["stop_months"].clip(upper=split), ended=before["ended"] & ~crossing
    )
    after = rows[rows["stop_months"] > split]
    after = after.assign(start_months=after["start_months"].clip(lower=split))
    import pandas as pd

    halves = pd.concat([before, after], ignore_index=True)
    late = np.arange(len(halves)) >= len(before)
    design, names = hazard_design(halves, True, model.stratified_by)
    score = design[:, names.index(SCORE)]
    others = np.delete(design, names.index(SCORE), axis=1)
    other_names = tuple(name for name in names if name != SCORE)
    columns = np.column_stack([np.where(late, 0.0, score), np.where(late, score, 0.0), others])
    start, stop = (halves[name].to_numpy(float) for name in ("start_months", "stop_months"))
    ended = halves["ended"].to_numpy(bool)
    strata = group_codes(halves[model.stratified_by])[0] if model.stratified_by else None
    fit = fit_cox(start, stop, ended, columns, (EARLY, LATE, *other_names), strata)
    if model.fit.clustered:
        customer, _ = group_codes(halves["customer_id"])
        residuals = score_residuals(fit, start, stop, ended, columns, strata)
        fit = clustered(fit, residuals, customer)
    return RatioByTenure(split, fit.hazard_ratio(EARLY), fit.hazard_ratio(LATE))
