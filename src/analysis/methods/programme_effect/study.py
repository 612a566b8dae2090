"""What each programme brought: recognise its design, estimate, value, compare with naive figures.

Areas with start dates make a staggered roll-out. A declared draw whose arms are balanced makes an
experiment; balanced arms without such a declaration could be one, and count as a quasi-experiment;
where a recorded number decided, customers are compared at its threshold; otherwise customers were
selected, and are compared with customers alike in what was recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import NotEstimable
from analysis.methods.intervals import holm, normal_quantile, p_value_normal
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
    return tuple(sorted(note_shared_controls(studies, outcomes), key=_standing))


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
    start = as_day(programme.get("starts_on"))
    if start is not None and start > np.datetime64(str(terms.as_of)):
        return not_studied(programme, "none", "it starts after the as-of date")
    if rollout is not None:
        return study_rollout(programme, rollout, terms)
    if outcomes is not None:
        return study_assignment(programme, outcomes, terms)
    return not_studied(programme, "none", "neither areas nor customers are recorded for it")


def note_shared_controls(
    studies: list[ProgrammeStudy], outcomes: Mapping[str, pd.DataFrame]
) -> list[ProgrammeStudy]:
    """Say which programmes were set beside the same untreated customers, with Holm's p-values.

    Programmes share a control where at least half of the smaller recorded control is the other's.
    """
    controls = {}
    for study in studies:
        frame = outcomes.get(study.programme_id)
        if frame is None or not len(frame) or isinstance(study.effect, NotEstimable):
            continue
        rows = frame[(frame["arm"] == "control") & frame["recorded"].astype(bool)]
        if len(rows):
            controls[study.programme_id] = frozenset(rows["customer_id"])
    shared = {
        one: sorted(
            other
            for other in controls
            if other != one
            and 2 * len(controls[one] & controls[other])
            >= min(len(controls[one]), len(controls[other]))
        )
        for one in controls
    }
    raw = {study.programme_id: _p_value(study) for study in studies}
    noted = []
    for study in studies:
        others = shared.get(study.programme_id, [])
        family = [study.programme_id, *others]
        p_values = [raw[member] for member in family]
        if others and all(value is not None for value in p_values):
            adjusted = holm(np.array(p_values, dtype=float))
            study = replace(
                study, shares_control_with=tuple(others), p_value_holm=float(adjusted[0])
            )
        noted.append(study)
    return noted


def _p_value(study: ProgrammeStudy) -> float | None:
    effect = study.effect
    if isinstance(effect, NotEstimable) or effect.lower is None or effect.upper is None:
        return None
    half = (effect.upper - effect.lower) / 2
    return p_value_normal(effect.value / half * normal_quantile()) if half > 0 else None
