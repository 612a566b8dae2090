"""What customers said about an encounter: the touchpoint, the channel, and whether an order was late.

Times are days. An encounter is an invitation that names a touchpoint, or a contact that does.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate

if TYPE_CHECKING:
    import pandas as pd

LATE_DELIVERY = "late delivery"
# How long after a delivery an answer is taken to have it in mind.
DAYS_AFTER_DELIVERY = 14
# How long after a contact an answer is taken to be about it.
DAYS_AFTER_CONTACT = 14
MOSTLY = 0.5
ANSWER_COLUMNS = [
    "customer_id",
    "response_id",
    "day",
    "score",
    "touchpoint",
    "place",
    "channel",
    "late",
]


def is_late(orders: pd.DataFrame, as_of: dt.date) -> pd.Series:
    """Whether each order came after the day promised; not delivered by then is late as well.

    orders: promised_on, fulfilled_on. Missing where it cannot be known: nothing promised, or still to come.
    """
    import pandas as pd

    promised, fulfilled = orders["promised_on"], orders["fulfilled_on"]
    late = fulfilled > promised
    overdue = fulfilled.isna() & (promised < pd.Timestamp(as_of))
    known = promised.notna() & (fulfilled.notna() | overdue)
    return (late | overdue).where(known)


def orders_with_promise(transactions: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """Orders for which it is known whether they came late: customer_id, occurred_on, until, late.

    until: the last day on which an answer is taken to have the order in mind.
    Raises CannotEstimate where no order carries a promised day and a delivery.
    """
    import pandas as pd

    needed = {"promised_on", "fulfilled_on"}
    if transactions.empty or not needed <= set(transactions.columns):
        raise CannotEstimate("The exports hold no promised days, so late deliveries are not known.")
    orders = transactions[transactions["amount"] > 0]
    late = is_late(orders, as_of)
    known = late.notna()
    if not known.any():
        raise CannotEstimate("The exports hold no promised days, so late deliveries are not known.")
    orders = orders[known]
    arrived = orders["fulfilled_on"].fillna(pd.Timestamp(as_of))
    last = np.maximum(arrived.to_numpy(), orders["promised_on"].to_numpy())
    return pd.DataFrame(
        {
            "customer_id": orders["customer_id"],
            "transaction_id": orders["transaction_id"],
            "occurred_on": orders["occurred_on"],
            "until": last + np.timedelta64(DAYS_AFTER_DELIVERY, "D"),
            "late": late[known].astype(bool),
        }
    ).sort_values(
        ["occurred_on", "customer_id", "transaction_id"], kind="stable", ignore_index=True
    )


def _with_late_order(encounters: pd.DataFrame, orders: pd.DataFrame) -> pd.Series:
    """Whether the last order that each encounter may have had in mind was late; missing without one."""
    import pandas as pd

    left = encounters[["customer_id", "day"]].assign(place_in=np.arange(len(encounters)))
    left = left[left["customer_id"].notna()].sort_values(["day", "customer_id"], kind="stable")
    joined = pd.merge_asof(
        left, orders[["customer_id", "occurred_on", "until", "late"]], left_on="day",
        right_on="occurred_on", by="customer_id",
    )  # fmt: skip
    in_mind = joined["until"].notna() & (joined["day"] <= joined["until"])
    late = np.full(len(encounters), np.nan)
    chosen = joined[in_mind]
    late[chosen["place_in"].to_numpy(int)] = chosen["late"].astype(float).to_numpy()
    return pd.Series(late, index=encounters.index)


def _channels(encounters: pd.DataFrame, contacts: pd.DataFrame) -> pd.Series:
    """The channel of the last contact of the same customer at the same touchpoint before each encounter."""
    import pandas as pd

    needed = {"touchpoint", "channel", "customer_id"}
    if contacts.empty or not needed <= set(contacts.columns):
        return pd.Series(None, index=encounters.index, dtype=object)
    right = contacts[["customer_id", "touchpoint", "channel", "opened_at", "contact_id"]].dropna()
    right = right.assign(opened_on=right["opened_at"].dt.normalize())
    right = right.sort_values(["opened_on", "contact_id"], kind="stable")
    left = encounters[["customer_id", "touchpoint", "day"]].assign(
        place_in=np.arange(len(encounters))
    )
    left = left.dropna(subset=["customer_id", "touchpoint"]).sort_values(
        ["day", "customer_id"], kind="stable"
    )
    joined = pd.merge_asof(
        left, right[["customer_id", "touchpoint", "channel", "opened_on"]], left_on="day",
        right_on="opened_on", by=["customer_id", "touchpoint"],
        tolerance=pd.Timedelta(days=DAYS_AFTER_CONTACT),
    )  # fmt: skip
    channel = np.full(len(encounters), None, dtype=object)
    channel[joined["place_in"].to_numpy(int)] = joined["channel"].to_numpy(object)
    known = pd.Series(channel, index=encounters.index, dtype=object)
    return known.mask(known.isna(), None)


def survey_encounters(
    surveys: pd.DataFrame,
    contacts: pd.DataFrame,
    transactions: pd.DataFrame,
    as_of: dt.date,
    instrument: str = "csat",
) -> pd.DataFrame:
    """A row per invitation about a touchpoint, answered or not: ANSWER_COLUMNS.

    day: of the answer, else of the invitation. score: missing while silent. late: 1.0 or 0.0 for the order
    that the customer had in mind, missing without one. place: the touchpoint; `late delivery` for answers
    after a late order at the touchpoint that is mostly asked about then, so that nothing counts twice.
    Raises CannotEstimate where no invitation names a touchpoint.
    """
    named = instrument.upper()
    if surveys.empty or "score" not in surveys.columns:
        raise CannotEstimate("The exports hold no surveys with a score.")
    rows = surveys[surveys["instrument"] == instrument]
    if rows.empty:
        raise CannotEstimate(f"The exports hold no {named} survey.")
    if "touchpoint" not in rows.columns or not rows["touchpoint"].notna().any():
        raise CannotEstimate(f"The {named} survey does not name the encounter it asks about.")
    rows = rows[rows["touchpoint"].notna()]
    invited = rows["invited_on"] if "invited_on" in rows.columns else rows["answered_on"]
    known = (invited if "answered_on" not in rows.columns else rows["answered_on"]).fillna(invited)
    frame = rows[["response_id", "score", "touchpoint"]].assign(
        day=known.dt.normalize(),
        customer_id=rows["customer_id"] if "customer_id" in rows.columns else None,
    )
    own = rows["channel"] if "channel" in rows.columns else None
    frame = frame.assign(channel=own)[frame["day"].notna().to_numpy()]
    frame = frame.sort_values(["day", "response_id"], kind="stable", ignore_index=True)
    if not frame["channel"].notna().any():
        frame["channel"] = _channels(frame, contacts)
    try:
        late = _with_late_order(frame, orders_with_promise(transactions, as_of))
    except CannotEstimate:
        late = frame["score"] * np.nan
    frame = frame.assign(late=late, place=frame["touchpoint"].astype(object))
    about = delivery_touchpoint(frame)
    if about:
        chosen = (frame["touchpoint"] == about) & (frame["late"] == 1)
        frame["place"] = frame["place"].mask(chosen, LATE_DELIVERY)
    return frame[ANSWER_COLUMNS]


def delivery_touchpoint(encounters: pd.DataFrame) -> str:
    """The touchpoint asked about mostly after late orders, and where most of those are asked; else ""."""
    late = encounters["late"] == 1
    if not late.any():
        return ""
    counts = encounters.loc[late, "touchpoint"].value_counts()
    top = max(counts.index, key=lambda name: (counts[name], name))
    own = (encounters["touchpoint"] == top).sum()
    return str(top) if counts[top] >= MOSTLY * max(own, late.sum()) else ""


def answered(encounters: pd.DataFrame) -> pd.DataFrame:
    """The answered ones. Raises CannotEstimate where nobody answered."""
    rows = encounters[encounters["score"].notna()]
    if rows.empty:
        raise CannotEstimate("Nobody answered a survey about an encounter.")
    return rows.reset_index(drop=True)
