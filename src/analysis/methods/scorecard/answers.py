"""What customers answered: NPS, CSAT, effort, and how many answered at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.intervals import net_promoter_score
from analysis.methods.scorecard.level import (
    Floats,
    Level,
    ReportPeriod,
    bounded,
    clustered_share_level,
    day_after,
    ratio_level,
    share_level,
    within_period,
)

if TYPE_CHECKING:
    import pandas as pd

NPS_SCALE = (0.0, 10.0)
PROMOTER_FROM, DETRACTOR_TO = 9, 6


@dataclass(frozen=True, slots=True)
class AnswerCount:
    """Answers to an instrument in the period, and the customers they are of.

    anonymous: answers without a customer; each counts as a customer of its own.
    """

    instrument: str
    answers: int
    customers: int
    anonymous: int = 0


class Answers:
    """Surveys by instrument, read once. An anonymous answer stands for a customer of its own.

    `surveys`: response_id, instrument, score, and customer_id, invited_on, answered_on where
    exported.
    """

    def __init__(self, surveys: pd.DataFrame) -> None:
        self.surveys = surveys
        self._rows: dict[str, pd.DataFrame] = {}
        self._last: dict[tuple[str, str], pd.DataFrame] = {}

    def others(self) -> tuple[str, ...]:
        """Instruments asked besides CSAT and NPS, of those that there are figures for."""
        if "instrument" not in self.surveys.columns:
            return ()
        return tuple(i for i in ("ces", "csi") if (self.surveys["instrument"] == i).any())

    def rows(self, instrument: str) -> pd.DataFrame:
        """All invitations of an instrument; `anonymous` where no customer is known.

        Raises CannotEstimate.
        """
        if self.surveys.empty or "score" not in self.surveys.columns:
            raise CannotEstimate("The exports hold no surveys with a score.")
        if instrument not in self._rows:
            rows = self.surveys[self.surveys["instrument"] == instrument]
            if "customer_id" not in rows.columns:
                rows = rows.assign(customer_id=None)
            nameless = rows["customer_id"].isna().to_numpy(bool)
            if nameless.any():
                # By position: an answer without an id of its own is one more all the same.
                import pandas as pd

                own = pd.Series([f"answer {i}" for i in range(len(rows))], index=rows.index)
                rows = rows.assign(customer_id=rows["customer_id"].mask(nameless, own))
            self._rows[instrument] = rows.assign(anonymous=nameless)
        rows = self._rows[instrument]
        if rows.empty:
            raise CannotEstimate(f"The exports hold no {instrument.upper()} survey.")
        return rows

    def within(self, instrument: str, period: ReportPeriod) -> pd.DataFrame:
        """All answers with a score given in the period.

        Raises CannotEstimate where nobody answered, or where nobody was asked in the period: late
        answers to an earlier wave are no measurement of their own.
        """
        rows = self.rows(instrument)
        name = instrument.upper()
        if "answered_on" not in rows.columns:
            raise CannotEstimate("The exports hold no day of answering.")
        dated = "invited_on" in rows.columns and rows["invited_on"].notna().any()
        if dated and within_period(rows, "invited_on", period).empty:
            raise CannotEstimate(f"No {name} survey was sent in {period.label}.")
        answered = within_period(rows, "answered_on", period)
        answered = answered[answered["score"].notna()]
        if answered.empty:
            raise CannotEstimate(f"Nobody answered the {name} survey in {period.label}.")
        return answered

    def last(self, instrument: str, period: ReportPeriod) -> pd.DataFrame:
        """The last answer of each customer in the period, sorted by customer.

        Raises CannotEstimate (see `within`).
        """
        key = (instrument, period.label)
        if key not in self._last:
            order = ["customer_id", "answered_on", "response_id"]
            ordered = self.within(instrument, period).sort_values(order, kind="stable")
            self._last[key] = ordered.drop_duplicates("customer_id", keep="last")
        return self._last[key]


def count_answers(answers: Answers, instrument: str, period: ReportPeriod) -> AnswerCount:
    """How many answers there are, and of how many customers. Raises CannotEstimate."""
    rows = answers.within(instrument, period)
    customers = int(rows["customer_id"].nunique())
    return AnswerCount(instrument, len(rows), customers, int(rows["anonymous"].sum()))


def recommend_vote(score: Floats) -> Floats:
    """1 for promoters (9, 10), −1 for detractors (0 to 6), 0 for passives."""
    return np.where(score >= PROMOTER_FROM, 1.0, np.where(score <= DETRACTOR_TO, -1.0, 0.0))


def check_promoter_scale(scale: tuple[float, float]) -> None:
    """Raise CannotEstimate unless answers run from 0 to 10."""
    if tuple(map(float, scale)) != NPS_SCALE:
        raise CannotEstimate("A Net Promoter Score needs answers on the scale from 0 to 10.")


def promoter_level(answers: Answers, scale: tuple[float, float], period: ReportPeriod) -> Level:
    """NPS in points: 9 and 10 less 0 to 6, adjusted Wald interval. Raises CannotEstimate."""
    check_promoter_scale(scale)
    rows = answers.last("nps", period)
    vote = recommend_vote(rows["score"].to_numpy(float))
    estimate = net_promoter_score(*(int((vote == side).sum()) for side in (1, 0, -1)))
    influence = 100 * (vote - vote.mean()) / len(vote)
    customers = rows["customer_id"].to_numpy()
    parts = {"numerator": 100 * vote, "denominator": np.ones(len(vote))}
    return Level(estimate, customers, influence, **parts)


def check_top_two(scale: tuple[float, float]) -> None:
    """Raise CannotEstimate where the two top answers would be (nearly) the whole scale."""
    if scale[1] - scale[0] < 2:
        raise CannotEstimate("The CSAT scale is too short for a share of the two top answers.")


def top_two_level(answers: Answers, scale: tuple[float, float], period: ReportPeriod) -> Level:
    """Share of customers whose last CSAT is one of the two top answers. Raises CannotEstimate."""
    check_top_two(scale)
    rows = answers.last("csat", period)
    top = rows["score"].to_numpy(float) >= scale[1] - 1
    return share_level(top, rows["customer_id"].to_numpy())


def mean_level(
    answers: Answers, instrument: str, scale: tuple[float, float], period: ReportPeriod
) -> Level:
    """Mean of customers' last answers with a t interval inside the scale. Raises CannotEstimate."""
    rows = answers.last(instrument, period)
    score = rows["score"].to_numpy(float)
    unit = f"{instrument.upper()} points"
    level = ratio_level(rows["customer_id"].to_numpy(), score, np.ones(len(score)), unit, "mean, t")
    return replace(level, estimate=bounded(level.estimate, *scale))


def response_level(answers: Answers, instrument: str, period: ReportPeriod) -> Level:
    """Share of the period's invitations answered by its end, for every period alike.

    Wilson where each customer was invited once (or all, or none, answered); otherwise a ratio
    linearised by customer. Raises CannotEstimate.
    """
    rows = answers.rows(instrument)
    if "invited_on" not in rows.columns:
        raise CannotEstimate("The exports hold no day of invitation, so silence cannot be counted.")
    invited = within_period(rows, "invited_on", period)
    if invited.empty:
        raise CannotEstimate(f"No {instrument.upper()} survey was sent in {period.label}.")
    if "answered_on" not in rows.columns:
        raise CannotEstimate("The exports hold no day of answering.")
    in_time = invited["answered_on"] < day_after(period)
    counted = invited[["customer_id"]].assign(
        answered=(in_time & invited["score"].notna()).astype(float), invited=1.0
    )
    sums = counted.groupby("customer_id", sort=True).sum()
    answered, sent = sums["answered"].to_numpy(float), sums["invited"].to_numpy(float)
    return clustered_share_level(sums.index.to_numpy(), answered, sent)
