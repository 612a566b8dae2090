"""What each programme brought: recognise its design, estimate, value, compare with naive figures.

Areas with start dates make a staggered roll-out. A declared draw whose arms are balanced makes an
experiment; balanced arms without such a declaration could be one, and count as a quasi-experiment;
otherwise customers were selected, and are compared with customers alike in what was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import NotEstimable
from analysis.methods.programme_effect.assigned import study_assignment
from analysis.methods.programme_effect.results import (
    Programme,
    ProgrammeStudy,
    Terms,
    as_day,
    not_studied,
)
from analysis.methods.programme_effect.rollout import study_rollout

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ProgrammeStudy", "Terms", "study_programme", "study_programmes"]


def study_programmes(
    programmes: pd.DataFrame,
    rollouts: Mapping[str, pd.DataFrame],
    outcomes: Mapping[str, pd.DataFrame],
    terms: Terms,
) -> tuple[ProgrammeStudy, ...]:
    """Study every programme, the best by the lower limit of its net present value first.

    programmes: canonical table. rollouts, outcomes: frames of roll-outs and of assigned
    customers by programme id.
    """
    names = [str(name) for name in programmes.columns]
    studies = []
    for values in programmes.itertuples(index=False):
        programme = dict(zip(names, values, strict=True))
        key = str(programme["programme_id"])
        studies.append(study_programme(programme, rollouts.get(key), outcomes.get(key), terms))
    return tuple(sorted(studies, key=_standing))


def _standing(study: ProgrammeStudy) -> tuple[float, str]:
    if isinstance(study.value, NotEstimable):
        return np.inf, study.programme_id
    worth = study.value.net_present_value
    return -(worth.lower if worth.lower is not None else -1e300), study.programme_id


def study_programme(
    programme: Programme,
    rollout: pd.DataFrame | None,
    outcomes: pd.DataFrame | None,
    terms: Terms,
) -> ProgrammeStudy:
    """Study one programme; what the data do not bear stands as a reason in place of a number."""
    if rollout is not None:
        return study_rollout(programme, rollout, terms)
    if outcomes is not None:
        return study_assignment(programme, outcomes, terms)
    start = as_day(programme.get("starts_on"))
    if start is not None and start > np.datetime64(str(terms.as_of)):
        return not_studied(programme, "none", "it starts after the as-of date")
    return not_studied(programme, "none", "neither areas nor customers are recorded for it")
