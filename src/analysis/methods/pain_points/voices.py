"""What unhappy customers write, with the touchpoint it goes with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.comments import CommentStudy, compare_comments
from analysis.methods.estimate import CannotEstimate, NotEstimable
from analysis.methods.pain_points.detractors import unhappy_limit

if TYPE_CHECKING:
    import pandas as pd

PROMOTER_FROM = 9
UNHAPPY, NEITHER, HAPPY = 1.0, 3.0, 5.0


def happy_limit(instrument: str, scale: tuple[float, float]) -> float:
    """The lowest answer that counts as happy: 9 of NPS, 4 of a scale from 1 to 5."""
    low, high = scale
    return PROMOTER_FROM if instrument == "nps" else high - (unhappy_limit(instrument, scale) - low)


def words_of_the_unhappy(
    surveys: pd.DataFrame,
    encounters: pd.DataFrame | None,
    scales: dict[str, tuple[float, float]],
) -> CommentStudy:
    """Terms of unhappy against happy customers, from comments on NPS and CSAT.

    encounters: as `answers.survey_encounters`, for where each was; None where no answer says.
    Raises CannotEstimate where there is nothing to compare.
    """
    needed = {"comment", "score", "instrument"}
    if surveys.empty or not needed <= set(surveys.columns):
        raise CannotEstimate("No answer carries a comment.")
    rows = surveys[surveys["instrument"].isin(("nps", "csat"))]
    rows = rows[rows["score"].notna() & rows["comment"].notna()]
    if rows.empty:
        raise CannotEstimate("No answer carries a comment.")
    low = rows["instrument"].map({name: unhappy_limit(name, s) for name, s in scales.items()})
    high = rows["instrument"].map({name: happy_limit(name, s) for name, s in scales.items()})
    mood = np.where(rows["score"] <= low, UNHAPPY, np.where(rows["score"] >= high, HAPPY, NEITHER))
    places = [""] * len(rows)
    if encounters is not None:
        of_answer = encounters.set_index("response_id")["place"].to_dict()
        places = [str(of_answer.get(name, "")) for name in rows["response_id"]]
    customers = [f"answer {name}" for name in rows["response_id"]]
    if "customer_id" in rows.columns:
        customers = [
            own if who is None or who != who else f"customer {who}"
            for own, who in zip(customers, rows["customer_id"].tolist(), strict=True)
        ]
    return compare_comments(rows["comment"].tolist(), mood, customers, UNHAPPY, HAPPY, places)


def words_at(
    found: CommentStudy | NotEstimable, place: str, count: int = 3
) -> dict[str, tuple[str, ...]]:
    """By language, what the unhappy write about a place: first what is typical of them in all, then of it."""
    said: dict[str, tuple[str, ...]] = {}
    if isinstance(found, NotEstimable):
        return said
    for base in found.bases:
        terms = [t.term for t in found.top(base.language, 4 * count) if t.touchpoint == place]
        repeats = {
            term.term for term in found.terms if term.repeats and term.language == base.language
        }
        for term in found.at_touchpoint(place, base.language, 4 * count):
            if term.term not in terms and term.term not in repeats:
                terms.append(term.term)
        if terms:
            said[base.language] = tuple(terms[:count])
    return said
