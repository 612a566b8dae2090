"""The defended slope weighted for who answered: a sensitivity, not a repair.

Candidates are customers in each period with a survey: invited in it or not, answered or not. An answer carries
its weight into the periods in which it is the last one known. Weights matter for means; a slope
is biased by silence only where answering depends on spend among customers with the same score.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate
from analysis.methods.regression import Ints, dummies
from analysis.methods.response_weights import ResponseWeights, response_weights
from analysis.methods.spending.absorb import fit_within
from analysis.methods.spending.ladder import Rung, from_influence, slope_of
from analysis.methods.spending.rows import CONTROLS, MISSING, PanelRows

if TYPE_CHECKING:
    import pandas as pd

RARE = 30


@dataclass(frozen=True, slots=True)
class WeightedSlope:
    """The defended slope as if all candidates had answered.

    slope: weights taken as known. shift: less the unweighted one on the same rows. share_invited,
    share_answered: of candidates, of those invited. effective_share: answers as precise unweighted.
    """

    slope: Estimate
    shift: Estimate
    share_invited: float
    share_answered: float
    effective_share: float


def _period_of_days(days: np.ndarray, last_opening: dt.date, months: int, last_index: int) -> Ints:
    """Index of the period in which each day lies, counted as in the frame."""
    month = days.astype("datetime64[M]").astype(np.int64)
    anchor = int(np.datetime64(last_opening, "M").astype(np.int64))
    return np.asarray((month - anchor) // months + last_index, dtype=np.int64)


def weigh_candidates(
    customer_periods: pd.DataFrame, surveys: pd.DataFrame, instrument: str, last_opening: dt.date,
    period_months: int,
) -> tuple[ResponseWeights, dict[tuple[str, int], float]]:  # fmt: skip
    """Two-stage weights from what was known when the period of asking opened.

    last_opening: first day of the last period in the frame. Gives the weights, and each answer's
    by customer and period. Raises CannotEstimate.
    """
    import pandas as pd

    if "invited_on" not in surveys.columns or surveys["invited_on"].isna().all():
        raise CannotEstimate(
            "The export does not say who was invited, so answers are not weighted."
        )
    chosen = surveys[(surveys["instrument"] == instrument) & surveys["customer_id"].notna()]
    chosen = chosen[chosen["invited_on"].notna()]
    last_index = int(customer_periods["period_index"].max())
    index = _period_of_days(
        chosen["invited_on"].to_numpy("datetime64[D]"), last_opening, period_months, last_index
    )
    asked = (
        pd.DataFrame(
            {
                "customer_id": chosen["customer_id"].to_numpy(),
                "period_index": index,
                "answered": chosen["score"].notna().to_numpy(),
            }
        )
        .groupby(["customer_id", "period_index"])["answered"]
        .any()
    )
    # Periods without a survey tell nothing of who is invited.
    with_survey = customer_periods["period_index"].isin(np.unique(index))
    frame = customer_periods[with_survey & customer_periods["previous_spend"].notna()]
    if frame.empty:
        raise CannotEstimate(
            "No invitation falls into a period with customers seen in the one before."
        )
    keys = pd.MultiIndex.from_frame(frame[["customer_id", "period_index"]])
    place = asked.index.get_indexer(keys)
    invited = place >= 0
    answered = np.zeros(len(frame), dtype=bool)
    answered[invited] = asked.to_numpy()[place[invited]]
    covariates, names = [frame[["tenure_months", "previous_spend"]].to_numpy(float)], ["tenure"]
    names.append("spend in the period before")
    for control in CONTROLS:
        if control in frame.columns:
            coded = frame[control].fillna(MISSING)
            common = coded.value_counts()
            coded = coded.where(coded.map(common) >= RARE, common.index[0]).astype("category")
            labels = tuple(str(label) for label in coded.cat.categories)
            block, labelled = dummies(np.asarray(coded.cat.codes, dtype=np.int64), labels, control)
            covariates.append(block)
            names += labelled
    customer, _ = pd.factorize(frame["customer_id"], sort=True)
    weights = response_weights(
        invited, answered, np.hstack(covariates), tuple(names), customer.astype(np.int64)
    )
    who = frame["customer_id"].to_numpy(object)[weights.rows]
    when = frame["period_index"].to_numpy(np.int64)[weights.rows]
    by_answer = dict(zip(zip(who, when.tolist(), strict=True), weights.weights, strict=True))
    return weights, by_answer


def weighted_slope(
    rows: PanelRows, fixed: Rung, customer_periods: pd.DataFrame, surveys: pd.DataFrame,
    last_opening: dt.date, unit: str,
) -> WeightedSlope:  # fmt: skip
    """The defended slope with each row weighted as its answer is.

    Raises CannotEstimate, also where fewer than half the rows' answers have a weight.
    """
    weights, by_answer = weigh_candidates(
        customer_periods, surveys, rows.instrument, last_opening, rows.period_months
    )
    present = customer_periods.drop_duplicates("period").set_index("period")["period_index"]
    opened = present.loc[list(rows.period_labels)].to_numpy(np.int64)[rows.period]
    length = rows.period_months * 365.25 / 12
    given_in = opened - np.maximum(np.ceil(rows.age_days / length), 1).astype(np.int64)
    found = np.array(
        [
            by_answer.get((rows.customer_ids[customer], int(when)), np.nan)
            for customer, when in zip(rows.customer, given_in, strict=True)
        ]
    )
    known = np.isfinite(found)
    if known.mean() < 0.5:
        raise CannotEstimate("Too few answers could be weighted for who was asked.")
    part = rows.select(known)
    scale = found[known]
    fit = fit_within(part.spend, [part.score], ("score",), part.customer, part.period, scale)
    plain = fit_within(part.spend, [part.score], ("score",), part.customer, part.period)
    slope = slope_of(fit, "score", unit, "weighted for response, clustered by customer")
    return WeightedSlope(
        slope,
        from_influence(
            slope.value - float(plain.coefficients[0]),
            fit.influence[:, 0] - plain.influence[:, 0],
            unit,
            "difference of slopes, clustered by customer",
        ),
        weights.share_invited,
        weights.share_answered,
        weights.effective_n / weights.n,
    )
