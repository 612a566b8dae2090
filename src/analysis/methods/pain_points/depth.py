"""What stands behind the argument on pain points: key drivers, comments, channels."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.comments import CommentStudy
from analysis.methods.drivers import DriverStudy, key_drivers
from analysis.methods.estimate import CannotEstimate, NotEstimable, attempt
from analysis.methods.importance_performance import ImportanceMap, importance_performance
from analysis.methods.pain_points.answers import answered
from analysis.methods.pain_points.channels import Consistency, study_consistency
from analysis.methods.pain_points.experience import ExperienceRows, experience_rows
from analysis.methods.pain_points.levels import usable_contacts
from analysis.methods.pain_points.study import PainStudy, Period, last_year
from analysis.methods.pain_points.voices import words_of_the_unhappy
from analysis.methods.penalty_reward import FEWEST_PER_STEP, PenaltyRewardStudy, penalty_reward
from analysis.methods.regression import Floats

if TYPE_CHECKING:
    import pandas as pd

# A column that too few went through says nothing.
FEWEST_WITH = 30
RECOMMENDING = "An answer on recommending us"
LEAVING = "Leaving"
# Low and high answers are the outer quarters of the scale: 1–2 and 4–5 of five.
OUTER = 0.25


@dataclass(frozen=True, slots=True)
class PainDepth:
    """What stands in the appendix.

    rows: experience of the year before each period. overall, churn, margin: its drivers, of the NPS answer
    of the period, of leaving in it and of its margin. importance: how much each place goes with
    recommending, and how it is rated. asymmetry: whether a bad experience there costs more than a good one
    brings. words: what the unhappy write and the happy do not. channels: whether customers are served alike.
    """

    rows: ExperienceRows | NotEstimable
    overall: DriverStudy | NotEstimable
    churn: DriverStudy | NotEstimable
    margin: DriverStudy | NotEstimable
    importance: ImportanceMap | NotEstimable
    asymmetry: PenaltyRewardStudy | NotEstimable
    words: CommentStudy | NotEstimable
    channels: Consistency


def _since(answers: pd.DataFrame, first_day: dt.date) -> pd.DataFrame:
    return answers[answers["day"] >= np.datetime64(first_day)]


def _drivers(
    rows: ExperienceRows, outcome: Floats, name: str, unit: str, places_only: bool = False
) -> DriverStudy:
    known = np.isfinite(outcome)
    if name == LEAVING and not outcome.any():
        raise CannotEstimate("Nobody left in the last year.")
    if known.sum() < FEWEST_WITH:
        raise CannotEstimate(
            f"Fewer than {FEWEST_WITH} customers have {name[:1].lower()}{name[1:]} in the last year."
        )
    columns = {
        column: values[known]
        for column, values in rows.columns.items()
        if (not places_only or column in rows.scores)
        and (values[known] != 0).sum() >= FEWEST_WITH
        and np.ptp(values[known]) > 0
    }
    _, codes = np.unique(rows.customer_ids[known].astype(str), return_inverse=True)
    if not columns:
        raise CannotEstimate("Too few customers went through anything that is recorded.")
    return key_drivers(
        outcome[known], np.column_stack(list(columns.values())), tuple(columns),
        codes.astype(np.int64), outcome_name=name, unit=unit,
    )  # fmt: skip


def importance_map(
    rows: ExperienceRows, answers: pd.DataFrame, scale: tuple[float, float]
) -> ImportanceMap:
    """Places by their share in what goes with recommending, and by the answers of the last year there.

    Raises CannotEstimate where nobody recommends or nothing goes with it.
    """
    study = _drivers(rows, rows.overall, RECOMMENDING, "points", places_only=True)
    if len(study.drivers) < 2:
        raise CannotEstimate("Only one touchpoint was answered about, so there is no map.")
    names = tuple(driver.name for driver in study.drivers)
    place = answers["place"].to_numpy(object)
    score = answers["score"].to_numpy(np.float64)
    scores = np.column_stack([np.where(place == name, score, np.nan) for name in names])
    own = ("answer " + answers["response_id"].astype(str)).to_numpy(object)
    who = np.where(answers["customer_id"].isna(), own, answers["customer_id"].to_numpy(object))
    codes = np.unique(who.astype(str), return_inverse=True)[1].astype(np.int64)
    return importance_performance(study, names, scores, codes, (scale,) * len(names))


def asymmetry_of_places(rows: ExperienceRows, scale: tuple[float, float]) -> PenaltyRewardStudy:
    """Recommending by low and high mean answers at each place, against middling ones there.

    Who was not there stands apart by an indicator of its own. Low and high are the outer quarters of the
    scale. Raises CannotEstimate where no place has enough of all three.
    """
    known = np.isfinite(rows.overall)
    low, high = scale
    edge = OUTER * (high - low)
    chosen = {}
    for place, values in rows.scores.items():
        there = values[known][np.isfinite(values[known])]
        middling = ((there > low + edge) & (there < high - edge)).sum()
        counts = (there <= low + edge).sum(), middling, (there >= high - edge).sum()
        if min(counts) >= FEWEST_PER_STEP:
            chosen[place] = values[known]
    if not chosen:
        raise CannotEstimate(
            "No touchpoint has enough customers with low, middle and high scores to compare."
        )
    scores = np.column_stack(list(chosen.values()))
    there = np.isfinite(scores)
    _, codes = np.unique(rows.customer_ids[known].astype(str), return_inverse=True)
    return penalty_reward(
        rows.overall[known], np.where(there, scores, (low + high) / 2), tuple(chosen), low + edge,
        high - edge, codes.astype(np.int64), there.astype(np.float64), "points",
    )  # fmt: skip


def study_depth(
    study: PainStudy,
    surveys: pd.DataFrame,
    contacts: pd.DataFrame,
    transactions: pd.DataFrame,
    customer_periods: pd.DataFrame,
    period: Period,
    as_of: dt.date,
    scales: dict[str, tuple[float, float]],
) -> PainDepth:
    """All of the appendix; what cannot be told is missing with its reason."""
    answers = attempt(answered, study.encounters)
    usable = attempt(usable_contacts, contacts)
    asked = None if isinstance(study.encounters, NotEstimable) else study.encounters
    recent = attempt(_since, answers, last_year(period)[0].first_day)
    spans = tuple((each.label, each.first_day, each.last_day) for each in last_year(period))
    rows: ExperienceRows | NotEstimable
    try:
        rows = experience_rows(
            answers, usable, transactions, surveys, customer_periods, spans, as_of
        )
    except CannotEstimate as cannot:
        rows = NotEstimable(cannot.reason)

    def drivers(outcome: str, name: str, unit: str) -> DriverStudy | NotEstimable:
        if isinstance(rows, NotEstimable):
            return rows
        values = np.asarray(getattr(rows, outcome), dtype=np.float64)
        return attempt(_drivers, rows, values, name, unit)

    return PainDepth(
        rows=rows,
        overall=drivers("overall", RECOMMENDING, "points"),
        churn=drivers("left", LEAVING, "share"),
        margin=drivers("margin", "Margin", study.currency),
        importance=attempt(importance_map, rows, recent, scales["csat"]),
        asymmetry=attempt(asymmetry_of_places, rows, scales["csat"]),
        words=attempt(words_of_the_unhappy, surveys, asked, scales),
        channels=study_consistency(answers, usable, period.months),
    )
