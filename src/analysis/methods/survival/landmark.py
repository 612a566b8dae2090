"""Curves by survey group, the clock starting at the answer.

From the start as a customer they would flatter every group: one has to stay to be asked
(immortal time; Anderson, Cain & Gelber 1983).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, NotEstimable, attempt
from analysis.methods.scorecard.answers import DETRACTOR_TO, PROMOTER_FROM
from analysis.methods.survival.groups import (
    MOST_LEVELS,
    GroupCurve,
    compare_groups,
    compare_pairs,
    count_lifetimes,
    curves_by_group,
)
from analysis.methods.survival.nonparametric import LogRank

if TYPE_CHECKING:
    import pandas as pd

NPS_GROUPS = ("detractor", "passive", "promoter")
GROUP = "group"


@dataclass(frozen=True, slots=True)
class LandmarkStudy:
    """Who stays after an answer, by what was answered.

    instrument: "nps" or "csat". groups: a curve each, from the answer on, in the order of the
    answers. pairwise: Holm-adjusted p-values.
    """

    instrument: str
    groups: tuple[GroupCurve, ...]
    log_rank: LogRank | NotEstimable
    pairwise: dict[tuple[str, str], float]


def nps_groups(score: pd.Series) -> np.ndarray:
    """Detractor (up to 6), passive (7, 8) or promoter (9, 10) of each answer from 0 to 10."""
    return np.where(
        score >= PROMOTER_FROM,
        NPS_GROUPS[2],
        np.where(score <= DETRACTOR_TO, NPS_GROUPS[0], NPS_GROUPS[1]),
    )


def landmark_groups(landmarks: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """The instrument to group by (NPS, else CSAT) and its landmarks with a column `group`.

    CSAT answers are grouped by the rounded score. Raises CannotEstimate without answers.
    """
    if landmarks.empty:
        raise CannotEstimate("There is no answer to a survey within the time under observation.")
    nps = landmarks[landmarks["instrument"] == "nps"]
    if len(nps):
        return "nps", nps.assign(**{GROUP: nps_groups(nps["score"])})
    csat = landmarks[landmarks["instrument"] == "csat"]
    rounded = csat["score"].round().astype(int)
    if rounded.nunique() > MOST_LEVELS:
        raise CannotEstimate("The satisfaction scale has too many steps for a curve each.")
    width = len(str(rounded.max()))
    return "csat", csat.assign(**{GROUP: rounded.astype(str).str.zfill(width)})


def study_landmarks(landmarks: pd.DataFrame) -> LandmarkStudy:
    """Curves by what was answered, from the first answer on.

    landmarks: customer_id, instrument, score, entry_months (0), exit_months since the answer,
    ended. Raises CannotEstimate without answers.
    """
    instrument, grouped = landmark_groups(landmarks)
    groups = count_lifetimes(grouped, GROUP)
    return LandmarkStudy(
        instrument,
        curves_by_group(groups),
        attempt(compare_groups, groups, False),
        compare_pairs(groups, False),
    )
