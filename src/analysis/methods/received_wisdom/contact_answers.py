"""CSAT answers put to the contact that they are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.received_wisdom.records import (
    FEWEST_CUSTOMERS,
    CompanyRecords,
    answers_to,
    demand,
)
from analysis.methods.regression import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

LONGEST_DAYS = 7
DAY = np.timedelta64(1, "D")


@dataclass(frozen=True, slots=True)
class ContactAnswers:
    """One entry per answer (n), by customer and day.

    customer, touchpoint, channel, month: codes from zero (all zero where not recorded).
    score: points. reply_minutes: to the first reply, which came before the answer.
    """

    customer: Ints
    score: Floats
    reply_minutes: Floats
    touchpoint: Ints
    channel: Ints
    month: Ints


def _text(table: pd.DataFrame, column: str) -> pd.Series:
    import pandas as pd

    if column not in table.columns:
        return pd.Series("", index=table.index, dtype=object)
    return table[column].fillna("").astype(object)


def answers_with_contacts(records: CompanyRecords) -> pd.DataFrame:
    """Every CSAT answer with the last contact of its customer within a week before it was asked.

    About the same touchpoint, where both tables name one in the same words. A contact counts for
    the first answer after it only. Raises CannotEstimate where none can be put to a contact.
    """
    import pandas as pd

    contacts = demand(records.contacts, "contacts", "customer_id", "opened_at")
    answers = answers_to(records, "csat")
    asked = answers["answered_on"]
    if "invited_on" in answers.columns:
        asked = answers["invited_on"].fillna(asked)
    answers = answers.assign(_at=asked.astype("datetime64[ns]") + DAY)
    answers["touchpoint"] = _text(answers, "touchpoint")
    wanted = ["contact_id", "customer_id", "opened_at", "touchpoint", "channel"]
    contacts = contacts.assign(
        touchpoint=_text(contacts, "touchpoint"), channel=_text(contacts, "channel"),
        opened_at=contacts["opened_at"].astype("datetime64[ns]"),
    )  # fmt: skip
    if "first_reply_at" in contacts.columns:
        wanted.append("first_reply_at")
    if contacts.empty:
        raise CannotEstimate("Needs contacts of known customers with the time they were opened.")
    both = set(answers["touchpoint"]) & set(contacts["touchpoint"]) - {""}
    by = ["customer_id", "touchpoint"] if both else ["customer_id"]
    right = contacts.sort_values(["opened_at", "contact_id"])[wanted]
    left = answers.sort_values(["_at", "customer_id", "response_id"])
    left = left[["response_id", "score", "day", "answered_on", "_at", *by]]
    joined = pd.merge_asof(
        left, right, left_on="_at", right_on="opened_at", by=by, allow_exact_matches=False,
        tolerance=pd.Timedelta(days=LONGEST_DAYS),
    )  # fmt: skip
    joined = joined[joined["contact_id"].notna()].drop_duplicates("contact_id")
    if joined["customer_id"].nunique() < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Needs CSAT answers within {LONGEST_DAYS} days of a contact from at least "
            f"{FEWEST_CUSTOMERS} customers."
        )
    return joined.sort_values(["customer_id", "day", "response_id"], ignore_index=True)


def answered_contacts(records: CompanyRecords) -> ContactAnswers:
    """Answers on contacts whose first reply came before them. Raises CannotEstimate."""
    import pandas as pd

    demand(records.contacts, "contacts", "first_reply_at")
    rows = answers_with_contacts(records)
    reply = rows["first_reply_at"].astype("datetime64[ns]")
    known = reply.notna() & (reply >= rows["opened_at"])
    rows = rows[known & (reply < rows["answered_on"].astype("datetime64[ns]") + DAY)]
    if rows["customer_id"].nunique() < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Needs CSAT answers on contacts with a first reply from at least {FEWEST_CUSTOMERS} "
            "customers."
        )
    waited = rows["first_reply_at"].astype("datetime64[ns]") - rows["opened_at"]

    def codes(values: pd.Series) -> Ints:
        return pd.factorize(values, sort=True)[0].astype(np.int64)

    return ContactAnswers(
        codes(rows["customer_id"]),
        rows["score"].to_numpy(float),
        waited.to_numpy("timedelta64[s]").astype(np.int64) / 60,
        codes(rows["touchpoint"]),
        codes(rows["channel"]),
        codes(rows["opened_at"].dt.to_period("M")),
    )
