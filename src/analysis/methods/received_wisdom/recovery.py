"""Dissatisfied customers: those who answer well afterwards, and those who are called back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.programme_effect.results import ProgrammeStudy
from analysis.methods.received_wisdom.reading import Reading
from analysis.methods.received_wisdom.records import (
    FEWEST_CUSTOMERS,
    HALF_YEAR_DAYS,
    YEAR_DAYS,
    CompanyRecords,
    Ledger,
    answers_to,
    day_numbers,
    demand,
)
from analysis.methods.received_wisdom.service import slope_beside
from analysis.methods.regression import Floats
from analysis.methods.spending.absorb import Held

if TYPE_CHECKING:
    import pandas as pd

SMALLEST_SHARE_OF_SPEND = 0.05
MOSTLY = 0.95


def _pairs(records: CompanyRecords) -> pd.DataFrame:
    """The first answer of each customer with half a year of spend before it, and the next one.

    Half a year has to follow the second answer within the export. Raises CannotEstimate.
    """
    answers = answers_to(records, "csat")
    started = demand(records.customers, "customers", "started_on").set_index("customer_id")
    start = started["started_on"].reindex(answers["customer_id"])
    answers = answers[start.notna().to_numpy()]
    seen = np.maximum(day_numbers(start.dropna()), records.first)
    answers = answers[answers["day"].to_numpy() - seen >= HALF_YEAR_DAYS]
    by_customer = answers.groupby("customer_id")
    following = answers.assign(
        next_day=by_customer["day"].shift(-1), next_score=by_customer["score"].shift(-1)
    )
    pairs = following.drop_duplicates("customer_id")
    gap = pairs["next_day"] - pairs["day"]
    inside = pairs["next_day"] + HALF_YEAR_DAYS <= records.last
    return pairs[(gap > 0) & (gap <= YEAR_DAYS) & inside].reset_index(drop=True)


def recovered_spend(records: CompanyRecords) -> Reading:
    """Spend in the half-year after the second answer: second good against not, first low.

    Held: the first score, spend in the half-year before the first answer, the quarter of the
    second. Zero after leaving. Beside it: those recovered against those good both times, with
    spend before held. Raises CannotEstimate.
    """
    ledger, pairs = Ledger.of(records.transactions), _pairs(records)
    low = pairs["score"] <= records.low_score
    mended = pairs["next_score"] >= records.good_score
    estimate, mean = _difference(ledger, pairs[low], mended[low], records, True)
    always = pairs["score"] >= records.good_score
    both_good = mended & (low | always)
    steady = attempt(_difference, ledger, pairs[both_good], low[both_good], records, False)
    asides = {}
    if not isinstance(steady, NotEstimable):
        asides["won back, less those always satisfied"] = steady[0]
    smallest = SMALLEST_SHARE_OF_SPEND * abs(mean)
    return Reading(estimate, "association", 0.0, 1, smallest, asides=asides)


def _difference(
    ledger: Ledger, rows: pd.DataFrame, first: pd.Series, records: CompanyRecords, by_score: bool
) -> tuple[Estimate, float]:
    """Mean spend afterwards of `first` less the others, adjusted, and the others' mean."""
    import pandas as pd

    group = first.to_numpy(float)
    if min(group.sum(), len(group) - group.sum()) < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Needs at least {FEWEST_CUSTOMERS} customers whose CSAT was low and good at the next "
            "answer, and as many others, with orders in the half-years before and after."
        )

    def spent(opens: pd.Series, closes: pd.Series) -> Floats:
        days = [column.to_numpy(float).astype(np.int64) for column in (opens, closes)]
        return ledger.between(rows["customer_id"], days[0], days[1])

    after = spent(rows["next_day"] + 1, rows["next_day"] + 1 + HALF_YEAR_DAYS)
    before = spent(rows["day"] - HALF_YEAR_DAYS, rows["day"])
    quarter = ((rows["next_day"].to_numpy(float) - records.first) // (YEAR_DAYS / 4)).astype(int)
    groups = [("quarter", np.unique(quarter, return_inverse=True)[1].astype(np.int64))]
    if by_score:
        groups.append(("score", pd.factorize(rows["score"], sort=True)[0].astype(np.int64)))
    held = Held(tuple(groups), (("before", before),))
    unit = f"{records.currency} per customer and half-year"
    customer = np.arange(len(rows), dtype=np.int64)
    estimate = slope_beside(after, group, held, customer, unit, "a second answer")
    return estimate, float(after[group == 0].mean())


def called_back(
    studies: tuple[ProgrammeStudy, ...], outcomes: Mapping[str, pd.DataFrame], low_score: float
) -> Reading:
    """Margin per period of those called back less the others, as the programme's study has it.

    A programme for which customers were picked after a low score counts as call-backs: nearly all
    of those assigned had given one. The first by its id, if there are several. Raises
    CannotEstimate.
    """
    for study in sorted(studies, key=lambda one: one.programme_id):
        frame = outcomes.get(study.programme_id)
        if frame is None or not _picked_for_low_score(frame, low_score):
            continue
        if isinstance(study.effect, NotEstimable):
            raise CannotEstimate(as_sentence(study.effect.reason))
        control = frame.loc[frame["arm"] == "control", "margin_per_quarter"]
        smallest = SMALLEST_SHARE_OF_SPEND * abs(float(control.mean()))
        return Reading(
            study.effect, study.label, 0.0, 1, smallest, remark=f"Programme: {study.name}."
        )
    raise CannotEstimate(
        "Needs a programme in exposures to which customers were assigned after a low CSAT."
    )


def _picked_for_low_score(frame: pd.DataFrame, low_score: float) -> bool:
    if not {"csat_score", "arm", "margin_per_quarter", "recorded"} <= set(frame.columns):
        return False
    score = frame.loc[frame["recorded"].astype(bool), "csat_score"]
    if score.notna().sum() < FEWEST_CUSTOMERS or score.isna().mean() > 1 - MOSTLY:
        return False
    return bool((score.dropna() <= low_score).mean() >= MOSTLY)


def as_sentence(reason: str) -> str:
    """A reason with a capital and a full stop."""
    text = reason[:1].upper() + reason[1:]
    return text if text.endswith(".") else f"{text}."
