"""How much service the customers of a programme used the year before, and what they were given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from analysis.intake.programme_ledger import KEY_STEP, add_months, days_of

if TYPE_CHECKING:
    import pandas as pd

    from analysis.intake.dataset import Dataset

YEAR_MONTHS = 12


def outcomes_with_use(
    data: Dataset, outcomes: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """The outcomes of every programme, each with its customers' use of service."""
    return {name: with_service_use(data, frame) for name, frame in outcomes.items()}


def with_service_use(data: Dataset, outcomes: pd.DataFrame) -> pd.DataFrame:
    """The outcomes of a programme with what each row's customer used and was given.

    Adds contacts_before (in the year before the assignment), contacts_after (per quarter followed,
    missing where none was) and, where compensation is recorded, compensation_after (currency per
    quarter followed). Unchanged where no contacts are recorded or nobody was assigned.
    """
    if outcomes.empty or not data.has("contacts.opened_at") or "assigned_on" not in outcomes:
        return outcomes
    import pandas as pd

    contacts = data.table("contacts")
    contacts = contacts[contacts["customer_id"].notna() & contacts["opened_at"].notna()]
    everybody = pd.Index(contacts["customer_id"].astype(str).unique())
    codes = everybody.get_indexer(pd.Index(contacts["customer_id"].astype(str))).astype(np.int64)
    keys = codes * KEY_STEP + days_of(contacts["opened_at"])
    given: npt.NDArray[np.float64] = np.zeros(len(keys))
    if "compensation" in contacts.columns:
        given = contacts["compensation"].fillna(0).to_numpy(float)
    # Ties are summed in order of amount, so that the order of rows changes no digit.
    order = np.lexsort((given, keys))
    keys, running = keys[order], np.concatenate([[0.0], np.cumsum(given[order])])
    own = everybody.get_indexer(pd.Index(outcomes["customer_id"].astype(str))).astype(np.int64)
    day = days_of(outcomes["assigned_on"])
    quarters = outcomes["quarters"].to_numpy(np.int64)
    closes = day.copy()
    for count in np.unique(quarters):
        same = quarters == count
        closes[same] = add_months(day[same], 3 * int(count))

    def place(days: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        # Customers without any contact (code −1) fall before everybody, into an empty span.
        return np.searchsorted(keys, own * KEY_STEP + days).astype(np.int64)

    def per_quarter(total: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(quarters > 0, total / np.maximum(quarters, 1), np.nan)

    before = place(day) - place(add_months(day, -YEAR_MONTHS))
    # What happened on the day itself may be what led to the assignment.
    first = place(day + 1)
    last = np.maximum(place(closes), first)
    found = outcomes.assign(
        contacts_before=before.astype(float),
        contacts_after=per_quarter((last - first).astype(float)),
    )
    if "compensation" not in contacts.columns:
        return found
    return found.assign(compensation_after=per_quarter(running[last] - running[first]))
