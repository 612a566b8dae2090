"""Whom to call: active customers whose last answer is an unhappy one and whom nobody has spoken to since.

As with customers at risk, a random part is held out, so that the calls can be judged (Ascarza 2018).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate, NotEstimable, attempt
from analysis.methods.survival.at_risk import expected_margin, hold_out_flags

if TYPE_CHECKING:
    import pandas as pd

RECENT_DAYS = 90
DETRACTOR_TO = 6
# On a scale of satisfaction, the lowest two of five answers and their like.
UNHAPPY_SHARE = 0.25
LIST_COLUMNS = [
    "customer_id", "instrument", "score", "touchpoint", "days_since", "expected_margin_per_quarter",
    "hold_out",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class DetractorList:
    """customers: LIST_COLUMNS, the largest margin first; not for the report, it names customers.

    unhappy: active customers whose last answer is unhappy and recent. contacted: of them, those who have
    been in touch since. in_a_trial: those assigned to a programme since; a call would disturb it. margin: expected
    per quarter of those listed; missing without money. without_history: listed at the mean margin.
    """

    customers: pd.DataFrame
    unhappy: int
    contacted: int
    in_a_trial: int
    held_out: int
    margin: float | NotEstimable
    without_history: int


def unhappy_limit(instrument: str, scale: tuple[float, float]) -> float:
    """The highest answer that counts as unhappy: 6 of NPS, 2 of a scale from 1 to 5."""
    low, high = scale
    return DETRACTOR_TO if instrument == "nps" else low + UNHAPPY_SHARE * (high - low)


def last_answers(
    surveys: pd.DataFrame, as_of: dt.date, scales: dict[str, tuple[float, float]],
    recent_days: int = RECENT_DAYS,
) -> pd.DataFrame:  # fmt: skip
    """The last NPS or CSAT answer of each customer, if it is recent: with `unhappy`.

    Raises CannotEstimate without answers of known customers.
    """
    import pandas as pd

    if surveys.empty or "score" not in surveys.columns:
        raise CannotEstimate("The exports hold no surveys with a score.")
    if "customer_id" not in surveys.columns or not surveys["customer_id"].notna().any():
        raise CannotEstimate("Answers are anonymous, so nobody can be called.")
    rows = surveys[surveys["instrument"].isin(("nps", "csat"))]
    rows = rows.dropna(subset=["customer_id", "answered_on", "score"])
    if rows.empty:
        raise CannotEstimate("No customer has given an answer.")
    if "touchpoint" not in rows.columns:
        rows = rows.assign(touchpoint=None)
    rows = rows.sort_values(["answered_on", "response_id"], kind="stable")
    last = rows.drop_duplicates("customer_id", keep="last")
    age = (pd.Timestamp(as_of) - last["answered_on"].dt.normalize()).dt.days
    limit = last["instrument"].map(
        {name: unhappy_limit(name, scale) for name, scale in scales.items()}
    )
    return last.assign(days_since=age, unhappy=last["score"] <= limit)[age <= recent_days]


def _since(events: pd.DataFrame, column: str, answers: pd.DataFrame) -> np.ndarray:
    """Whether each answer was followed by an event of the same customer on a later day."""
    if events.empty or not {"customer_id", column} <= set(events.columns):
        return np.zeros(len(answers), dtype=bool)
    newest = events.groupby("customer_id")[column].max()
    last = newest.reindex(answers["customer_id"]).dt.normalize().to_numpy()
    return np.asarray(last > answers["answered_on"].dt.normalize().to_numpy(), dtype=bool)


def detractors_to_call(
    surveys: pd.DataFrame,
    contacts: pd.DataFrame,
    exposures: pd.DataFrame,
    lifetimes: pd.DataFrame,
    customer_periods: pd.DataFrame,
    as_of: dt.date,
    period_label: str,
    scales: dict[str, tuple[float, float]],
    period_months: int = 3,
) -> DetractorList:
    """Unhappy, active, not in touch since; by margin. Raises CannotEstimate with the reason for no list."""
    answers = last_answers(surveys, as_of, scales)
    active: list[str] = []
    if not lifetimes.empty:
        active = lifetimes.loc[~lifetimes["ended"].astype(bool), "customer_id"].tolist()
    unhappy = answers[answers["unhappy"] & answers["customer_id"].isin(active)]
    if unhappy.empty:
        raise CannotEstimate(
            f"No active customer's last answer in the {RECENT_DAYS} days before the end was an unhappy one."
        )
    contacted = _since(contacts, "opened_at", unhappy)
    tried = _since(exposures, "assigned_on", unhappy) & ~contacted
    rows = unhappy[~contacted & ~tried]
    if rows.empty:
        raise CannotEstimate("Everybody who was unhappy has been in touch since, or is in a trial.")
    margins = attempt(expected_margin, customer_periods, period_months)
    missing = np.zeros(len(rows), dtype=bool)
    margin = np.full(len(rows), np.nan)
    if not isinstance(margins, NotEstimable):
        margin = margins.reindex(rows["customer_id"]).to_numpy(float)
        missing = np.isnan(margin)
        mean = margin[~missing].mean() if not missing.all() else 0.0
        margin = np.where(missing, mean, margin)
    table = rows.assign(expected_margin_per_quarter=margin)
    order = ["expected_margin_per_quarter", "score", "customer_id"]
    if isinstance(margins, NotEstimable):
        order = order[1:]
    ascending = [name != "expected_margin_per_quarter" for name in order]
    table = table.sort_values(order, ascending=ascending, kind="stable", ignore_index=True)
    table = table.assign(
        hold_out=hold_out_flags(table["customer_id"], f"detractors {period_label}")
    )
    return DetractorList(
        table[LIST_COLUMNS], len(unhappy), int(contacted.sum()), int(tried.sum()),
        int(table["hold_out"].sum()),
        margins if isinstance(margins, NotEstimable) else float(margin.sum()),
        int(missing.sum()),
    )  # fmt: skip
