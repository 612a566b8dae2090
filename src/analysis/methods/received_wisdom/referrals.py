"""How many customers promoters bring, against all others who answered."""

from __future__ import annotations

import math

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.received_wisdom.reading import Reading
from analysis.methods.received_wisdom.records import (
    FEWEST_CUSTOMERS,
    CompanyRecords,
    answers_to,
    day_numbers,
    demand,
)
from analysis.methods.received_wisdom.staying import rate_ratio

PROMOTER_FROM = 9
SMALLEST_RATIO = math.log(1.5)


def referrals_by_promoters(records: CompanyRecords) -> Reading:
    """Referrals per year of promoters over those of passives and detractors.

    Counted from the day after the first NPS answer until the referrer leaves or the as-of date, so
    that nobody is credited for customers brought before the answer. Raises CannotEstimate.
    """
    import pandas as pd

    referred = demand(records.customers, "customers", "referred_by", "started_on")
    answers = answers_to(records, "nps").drop_duplicates("customer_id")
    if min((answers["score"] >= PROMOTER_FROM).sum(), (answers["score"] < PROMOTER_FROM).sum()) < (
        FEWEST_CUSTOMERS
    ):
        raise CannotEstimate(f"Needs at least {FEWEST_CUSTOMERS} promoters and as many others.")
    answers = answers.set_index("customer_id")
    end = np.full(len(answers), records.last + 1, dtype=np.int64)
    if "ended_on" in records.customers.columns:
        left = records.customers.set_index("customer_id")["ended_on"].reindex(answers.index)
        gone = left.notna().to_numpy()
        end[gone] = np.minimum(end[gone], day_numbers(left[gone]) + 1)
    opens = answers["day"].to_numpy(np.int64) + 1
    years = np.maximum(end - opens, 0) / 365.25
    place = answers.index.get_indexer(pd.Index(referred["referred_by"]))
    began = day_numbers(referred["started_on"])
    counts = (place >= 0) & (began >= opens[place]) & (began < end[place])
    brought = np.bincount(place[counts], minlength=len(answers)).astype(float)
    promoter = (answers["score"] >= PROMOTER_FROM).to_numpy()
    ratio = rate_ratio(
        (brought * promoter, years * promoter),
        (brought * ~promoter, years * ~promoter),
        answers.index.to_series(),
        "referrals",
    )
    return Reading(ratio, "association", 1.0, 1, SMALLEST_RATIO, is_ratio=True)
