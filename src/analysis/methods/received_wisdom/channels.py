"""Customers who are served alike in every channel, and whether they recommend us."""

from __future__ import annotations

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.received_wisdom.contact_answers import answers_with_contacts
from analysis.methods.received_wisdom.reading import Reading
from analysis.methods.received_wisdom.records import FEWEST_CUSTOMERS, CompanyRecords, answers_to
from analysis.methods.received_wisdom.service import slope_beside
from analysis.methods.spending.absorb import Held

SMALLEST_PER_POINT = 0.25


def consistent_channels(records: CompanyRecords) -> Reading:
    """Last NPS answer per point between the means of the best and the worst channel before it.

    Customers with CSAT answers in at least two channels before their last NPS answer. Held: mean
    of these answers by half points, its line, the last of them, how many there are and in how many
    channels, since more answers lie further apart by chance. The channel is that of the answer,
    else that of its contact. Raises CannotEstimate.
    """
    nps = answers_to(records, "nps").drop_duplicates("customer_id", keep="last")
    surveys = records.surveys
    if "channel" in surveys.columns and surveys["channel"].notna().any():
        rows = answers_to(records, "csat")
        rows = rows[rows["channel"].notna()]
    else:
        try:
            rows = answers_with_contacts(records)
        except CannotEstimate:
            rows = surveys.iloc[:0]
        rows = rows[rows["channel"] != ""] if "channel" in rows.columns else rows
    if rows.empty:
        raise CannotEstimate("Needs surveys.channel, or contacts.channel of contacts with a CSAT.")
    rows = rows.merge(nps[["customer_id", "day", "score"]], on="customer_id", suffixes=("", "_nps"))
    rows = rows[rows["day"] < rows["day_nps"]].sort_values(["customer_id", "day", "response_id"])
    by_channel = rows.groupby(["customer_id", "channel"])["score"].mean().groupby("customer_id")
    of_customer = rows.groupby("customer_id")
    channels = by_channel.size()
    used = channels.index[channels >= 2]
    if len(used) < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Needs at least {FEWEST_CUSTOMERS} customers with CSAT answers in two channels and an "
            "NPS answer after them."
        )
    spread = (by_channel.max() - by_channel.min()).loc[used].to_numpy(float)
    mean = of_customer["score"].mean().loc[used].to_numpy(float)
    last = of_customer["score"].last().loc[used].to_numpy(float)
    answers = np.asarray(of_customer["score"].size().loc[used], dtype=np.float64)
    halves = np.unique(np.rint(2 * mean), return_inverse=True)[1].astype(np.int64)
    number = np.unique(channels.loc[used].to_numpy(np.int64), return_inverse=True)[1]
    held = Held(
        (("mean", halves), ("channels", number.astype(np.int64))),
        (("mean itself", mean), ("last", last), ("answers", answers)),
    )
    score = of_customer["score_nps"].first().loc[used].to_numpy(float)
    name = "a gap between channels"
    customer = np.arange(len(used), dtype=np.int64)
    slope = slope_beside(score, spread, held, customer, "points", name)
    return Reading(slope, "association", 0.0, -1, SMALLEST_PER_POINT)
