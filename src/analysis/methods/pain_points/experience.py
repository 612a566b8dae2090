"""What each customer had been through in the year before a period opened, beside what followed.

Rows are active customers × periods of the last year. Experience at a touchpoint is the mean of what the
customer answered about it less the mean of all answers, zero without an answer: so it is told by who was
there and how it was. Nothing here is held equal but the other columns.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate, NotEstimable, attempt
from analysis.methods.pain_points.answers import orders_with_promise
from analysis.methods.regression import Floats

if TYPE_CHECKING:
    import pandas as pd

FEWEST_ROWS = 30
LOOK_BACK_DAYS = 365
REPLY = "slow replies"
LATE_ORDERS = "orders that came late"
REPEATS = "contacts that had to be repeated"
SHORTEST_HOURS = 1 / 60


@dataclass(frozen=True, slots=True)
class ExperienceRows:
    """columns: drivers by name, n each. scores: mean answer about each place, missing without. overall: the NPS
    answer of the period, missing without. margin: of the period. left: whether the customer left in it.
    customer_ids: n, text.
    """

    columns: dict[str, Floats]
    scores: dict[str, Floats]
    overall: Floats
    margin: Floats
    left: NDArray[np.bool_]
    customer_ids: NDArray[Any]


def _between(rows: pd.DataFrame, column: str, opening: dt.date) -> pd.DataFrame:
    import pandas as pd

    end = pd.Timestamp(opening)
    start = end - pd.Timedelta(days=LOOK_BACK_DAYS)
    return rows[(rows[column] >= start) & (rows[column] < end)]


def _aligned(means: pd.Series, ids: pd.Series, empty: float = 0.0) -> Floats:
    return means.reindex(ids).fillna(empty).to_numpy(np.float64)


def _mean_scores(
    answers: pd.DataFrame, places: list[str], opening: dt.date, ids: pd.Series
) -> dict[str, Floats]:
    past = _between(answers, "day", opening)
    return {
        place: _aligned(
            past[past["place"] == place].groupby("customer_id")["score"].mean(), ids, np.nan
        )
        for place in places
    }


def _service(contacts: pd.DataFrame, opening: dt.date, ids: pd.Series) -> dict[str, Floats]:
    past = _between(contacts, "opened_at", opening)
    mean = past[past["waited"].notna()].groupby("customer_id")["waited"].mean()
    repeated = past.groupby("customer_id")["repeat"].mean().astype(float)
    return {REPLY: _aligned(mean, ids), REPEATS: _aligned(repeated, ids)}


def _against_the_usual(contacts: pd.DataFrame) -> pd.DataFrame:
    """Contacts with `waited`: the logarithm of hours to a reply less its mean at the touchpoint.

    A desk that is slow by its nature is then not taken for a slow reply.
    """
    hours = contacts["reply_hours"].to_numpy(float)
    known = np.isfinite(hours)
    logarithm = np.where(
        known, np.log(np.maximum(np.where(known, hours, 1.0), SHORTEST_HOURS)), np.nan
    )
    frame = contacts.assign(waited=logarithm)
    return frame.assign(
        waited=frame["waited"]
        - frame.groupby("touchpoint", dropna=False)["waited"].transform("mean")
    )


def experience_rows(
    answers: pd.DataFrame | NotEstimable,
    contacts: pd.DataFrame | NotEstimable,
    transactions: pd.DataFrame,
    surveys: pd.DataFrame,
    customer_periods: pd.DataFrame,
    periods: tuple[tuple[str, dt.date, dt.date], ...],
    as_of: dt.date,
) -> ExperienceRows:
    """Rows of the periods (label, first and last day of each), columns that vary only.

    answers: as `answers.answered`; contacts: as `levels.usable_contacts`. Raises CannotEstimate where no
    active customer, or nothing that they went through, is known.
    """
    if customer_periods.empty:
        raise CannotEstimate(
            "It is not known who was a customer when and what they spent, so nothing can be set beside it."
        )
    labels = [label for label, _, _ in periods]
    frame = customer_periods[customer_periods["period"].isin(labels)]
    if frame["customer_id"].nunique() < FEWEST_ROWS:
        raise CannotEstimate(f"Fewer than {FEWEST_ROWS} customers were active in the last year.")
    orders = attempt(orders_with_promise, transactions, as_of)
    late = None if isinstance(orders, NotEstimable) else orders
    places: list[str] = []
    middle = 0.0
    if not isinstance(answers, NotEstimable):
        answers = answers[answers["customer_id"].notna()]
        places = sorted(answers["place"].unique())
        middle = float(answers["score"].mean()) if len(answers) else 0.0
    if not isinstance(contacts, NotEstimable):
        contacts = _against_the_usual(contacts)
    columns: dict[str, list[Floats]] = {}
    scores: dict[str, list[Floats]] = {place: [] for place in places}
    overall, margin, left, ids_of_rows = [], [], [], []
    for label, opening, closing in periods:
        rows = frame[frame["period"] == label].sort_values("customer_id")
        ids = rows["customer_id"]
        block: dict[str, Floats] = {}
        if not isinstance(answers, NotEstimable):
            for place, mean in _mean_scores(answers, places, opening, ids).items():
                scores[place].append(mean)
                block[place] = np.where(np.isnan(mean), 0.0, mean - middle)
        if not isinstance(contacts, NotEstimable):
            block = _service(contacts, opening, ids) | block
        if late is not None:
            past = _between(late, "occurred_on", opening)
            block.setdefault(LATE_ORDERS, _aligned(past.groupby("customer_id")["late"].mean(), ids))
        for name, values in block.items():
            columns.setdefault(name, []).append(values)
        overall.append(_overall(surveys, opening, closing, ids))
        margin.append(rows["margin"].to_numpy(np.float64))
        left.append(rows["left"].to_numpy(bool))
        ids_of_rows.append(ids.to_numpy(object))
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    drivers = {name: values for name, values in joined.items() if np.ptp(values) > 0}
    if not drivers:
        raise CannotEstimate("Nothing that customers went through is recorded.")
    return ExperienceRows(
        drivers,
        {place: np.concatenate(parts) for place, parts in scores.items()},
        np.concatenate(overall),
        np.concatenate(margin),
        np.concatenate(left),
        np.concatenate(ids_of_rows),
    )


def _overall(surveys: pd.DataFrame, opening: dt.date, closing: dt.date, ids: pd.Series) -> Floats:
    """The last NPS answer of each customer in a period, missing without one."""
    import pandas as pd

    needed = {"customer_id", "answered_on", "score", "instrument"}
    if surveys.empty or not needed <= set(surveys.columns):
        return np.full(len(ids), np.nan)
    rows = surveys[(surveys["instrument"] == "nps") & surveys["score"].notna()]
    rows = rows.dropna(subset=["customer_id", "answered_on"])
    end = pd.Timestamp(closing) + pd.Timedelta(days=1)
    rows = rows[(rows["answered_on"] >= pd.Timestamp(opening)) & (rows["answered_on"] < end)]
    rows = rows.sort_values(["answered_on", "response_id"]).drop_duplicates(
        "customer_id", keep="last"
    )
    return rows.set_index("customer_id")["score"].reindex(ids).to_numpy(np.float64)
