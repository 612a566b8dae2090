"""Scores as they stand and weighted for who answered, and what the silent would have to be.

Of the customers invited in a period: weights by the chance of answering, from what was known on
the day of the invitation (time as a customer, orders, contacts, the answer before, groups).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from analysis.disclosure import Disclosure
from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.response_weights import (
    Balance,
    TippingPoint,
    raw_mean,
    response_weights,
    tipping_point,
    weighted_mean,
    weighting_shift,
)
from analysis.methods.scorecard.answers import Answers
from analysis.methods.scorecard.level import Floats, ReportPeriod, day_after, within_period
from analysis.methods.scorecard.rounding import as_printed, publishable

if TYPE_CHECKING:
    import pandas as pd

YEAR_DAYS, QUARTER_DAYS = 365, 91
GROUPS = ("segment", "region")
RAREST_GROUP = 30


@dataclass(frozen=True, slots=True)
class WeightedScore:
    """A score of those invited in the period, as it stands and weighted.

    shift: weighted less raw. threshold: what the tipping point is taken of; threshold_is: whether
    that is the "target" or the level of the period "before". response_share: of those invited.
    effective_n: answers that would be as precise unweighted. balance: worst before weighting first.
    """

    id: str
    name: str
    raw: Estimate
    weighted: Estimate
    shift: Estimate
    threshold: float | None
    threshold_is: str
    tipping: TippingPoint | NotEstimable
    response_share: float
    effective_n: float
    balance: tuple[Balance, ...]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Customers invited in a period, in order of their ids.

    score: the last answer by the period's end, missing where there is none. columns (n × c) and
    names: what was known of each on the day of the first invitation.
    """

    customers: tuple[str, ...]
    score: Floats
    columns: Floats
    names: tuple[str, ...]

    @property
    def answered(self) -> np.ndarray:
        return np.isfinite(self.score)


def find_candidates(
    answers: Answers,
    instrument: str,
    customers: pd.DataFrame,
    ledger_rows: pd.DataFrame,
    contacts: pd.DataFrame,
    period: ReportPeriod,
) -> Candidates:
    """Those invited, their answers, and what was known of them before. Raises CannotEstimate."""
    rows = answers.rows(instrument)
    if "invited_on" not in rows.columns:
        raise CannotEstimate(
            "The exports do not say who was invited, so answers cannot be weighted for silence."
        )
    rows = rows[~rows["anonymous"]]
    asked = within_period(rows, "invited_on", period)
    if asked.empty:
        raise CannotEstimate(
            f"No {instrument.upper()} invitation of {period.label} carries a customer, so answers "
            "cannot be weighted for silence."
        )
    day = asked.groupby("customer_id", sort=True)["invited_on"].min()
    in_time = asked[asked["score"].notna() & (asked["answered_on"] < day_after(period))]
    in_time = in_time.sort_values(["customer_id", "answered_on", "response_id"], kind="stable")
    last = in_time.drop_duplicates("customer_id", keep="last").set_index("customer_id")["score"]
    columns, names = _known_before(day, rows, customers, ledger_rows, contacts)
    score = last.reindex(day.index).to_numpy(float)
    return Candidates(tuple(map(str, day.index)), score, columns, names)


def _sums_before(
    day: pd.Series, frame: pd.DataFrame, dated: str, days: int, values: str = ""
) -> Floats:
    """By customer: rows (or the sum of `values`) in so many days before `day`."""
    if frame.empty or dated not in frame.columns:
        return np.zeros(len(day))
    since = (frame["customer_id"].map(day) - frame[dated]).dt.total_seconds() / 86400
    chosen = frame[(since > 0) & (since <= days)]
    grouped = chosen.groupby("customer_id")
    found = grouped[values].sum() if values else grouped.size()
    return np.asarray(found.reindex(day.index).fillna(0.0), dtype=np.float64)


def _known_before(
    day: pd.Series,
    surveys: pd.DataFrame,
    customers: pd.DataFrame,
    ledger_rows: pd.DataFrame,
    contacts: pd.DataFrame,
) -> tuple[Floats, tuple[str, ...]]:
    by_customer = customers.drop_duplicates("customer_id").set_index("customer_id")
    columns: list[Floats] = []
    names: list[str] = []
    if "started_on" in by_customer.columns:
        tenure = (day - by_customer["started_on"].reindex(day.index)).dt.days.to_numpy(float)
        columns.append(np.log1p(np.maximum(np.nan_to_num(tenure), 0.0)))
        names.append("time as a customer")
    columns.append(_sums_before(day, ledger_rows, "occurred_on", YEAR_DAYS, "orders"))
    columns.append(
        np.log1p(np.maximum(_sums_before(day, ledger_rows, "occurred_on", YEAR_DAYS, "gross"), 0))
    )
    columns.append(_sums_before(day, contacts, "opened_at", QUARTER_DAYS))
    names += ["orders in the year before", "spend in the year before", "contacts before"]
    earlier = surveys[surveys["score"].notna()]
    earlier = earlier[earlier["answered_on"] < earlier["customer_id"].map(day)]
    order = ["customer_id", "answered_on", "response_id"]
    known = earlier.sort_values(order, kind="stable").drop_duplicates("customer_id", keep="last")
    score = known.set_index("customer_id")["score"].reindex(day.index).to_numpy(float)
    has = np.isfinite(score)
    columns.append(has.astype(float))
    columns.append(np.where(has, score - (score[has].mean() if has.any() else 0.0), 0.0))
    names += ["having answered before", "the answer before"]
    for group in GROUPS:
        if group in by_customer.columns:
            value = by_customer[group].reindex(day.index).astype(object).fillna("(missing)")
            common = value.value_counts()
            kept = sorted(str(name) for name in common.index[common >= RAREST_GROUP])
            for name in kept[1:]:
                columns.append(np.asarray(value == name, dtype=np.float64))
                names.append(f"{group}: {name}")
    return np.column_stack(columns), tuple(names)


def weigh_score(
    id: str,
    name: str,
    candidates: Candidates,
    value_of: Callable[[Floats], Floats],
    unit: str,
    scale: tuple[float, float],
    threshold: float | None,
    threshold_is: str,
) -> WeightedScore:
    """The score raw and weighted, and its tipping point.

    value_of: what an answer counts (a vote, a top answer, itself), in `unit` within `scale`.
    Raises CannotEstimate where everybody, or fewer than thirty, answered.
    """
    answered = candidates.answered
    if answered.all():
        raise CannotEstimate(f"Everybody invited answered, so {name} needs no weights.")
    values = np.full(len(answered), np.nan)
    values[answered] = value_of(candidates.score[answered])
    asked = np.ones(len(answered), dtype=bool)
    weights = response_weights(asked, answered, candidates.columns, candidates.names)
    raw, weighted = raw_mean(values, weights, unit), weighted_mean(values, weights, unit)
    nothing = NotEstimable("There is neither a target nor an earlier level to be turned.")
    tipping = (
        nothing
        if threshold is None
        else attempt(
            tipping_point,
            weighted,
            weights.response_share,
            threshold,
            float(values[answered].std(ddof=1)),
            scale,
            raw.value,
        )
    )
    return WeightedScore(
        id=id,
        name=name,
        raw=raw,
        weighted=weighted,
        shift=weighting_shift(values, weights, unit),
        threshold=threshold,
        threshold_is=threshold_is,
        tipping=tipping,
        response_share=weights.response_share,
        effective_n=weights.effective_n,
        balance=weights.balance,
    )


def published_score(
    score: WeightedScore | NotEstimable, disclosure: Disclosure
) -> WeightedScore | NotEstimable:
    """A score as it may be published: the raw one rounded, the weighted one by its distance to it.

    The distance holds no count and is given as it is printed; rounding both scores by themselves
    would make them part, or meet, by chance.
    """
    if isinstance(score, NotEstimable) or not disclosure.enabled:
        return score
    raw = publishable(score.raw, disclosure)
    shift = as_printed(score.shift)
    weighted = publishable(score.weighted, disclosure)
    value = raw.value + shift.value
    if weighted.lower is not None and weighted.upper is not None:
        value = min(max(value, weighted.lower), weighted.upper)
    return replace(score, raw=raw, weighted=replace(weighted, value=value), shift=shift)
