"""The rows that the ladder stands on: customer × period, with the last score before it opened.

Customers active when the period opened; the period in which they leave stays in with its zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from analysis.methods.estimate import CannotEstimate
from analysis.methods.regression import Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

OLDEST_ANSWER_DAYS = 365
FEWEST_CUSTOMERS = 30
CONTROLS = ("segment", "acquisition_channel", "region")
MISSING = "(missing)"
# An answer that has aged by less than this share of the time passed is another one.
SAME_ANSWER = 0.95

Booleans = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Category:
    """A column of groups: `codes` (n) point into `labels`."""

    name: str
    codes: Ints
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PanelRows:
    """The rows that the ladder stands on, one entry each, by customer and period.

    spend, margin, previous_spend: currency per period. score: points. age_days: of the score when
    the period opened. customer, period: codes from zero. left: whether the customer left in it.
    categories: what is recorded of the customer. customer_ids, period_labels: what the codes stand
    for. left_out_…: rows that the frame has beyond these.
    """

    spend: Floats
    margin: Floats
    previous_spend: Floats
    score: Floats
    age_days: Floats
    customer: Ints
    period: Ints
    tenure_months: Floats
    left: Booleans
    categories: tuple[Category, ...]
    period_labels: tuple[str, ...]
    customer_ids: tuple[str, ...]
    period_months: int = 3
    instrument: str = "csat"
    left_out_unscored: int = 0
    left_out_stale: int = 0
    left_out_first: int = 0

    @property
    def n(self) -> int:
        return len(self.score)

    @property
    def customers(self) -> int:
        return int(self.customer.max()) + 1

    @property
    def changing_customers(self) -> int:
        """Customers with more than one score: those whom the defended slope is drawn from."""
        same_customer = self.customer[1:] == self.customer[:-1]
        changed = same_customer & (self.score[1:] != self.score[:-1])
        return len(np.unique(self.customer[1:][changed]))

    def outcome(self, name: str) -> Floats:
        """`spend` or `margin`."""
        return self.margin if name == "margin" else self.spend

    def select(self, chosen: Booleans | Ints) -> PanelRows:
        """Some of the rows, customers and periods coded anew; rows stay in their order.

        Raises CannotEstimate if too few customers are among them.
        """
        kept = np.unique(self.customer[chosen])
        customer = _recoded(self.customer[chosen])
        if not len(customer) or int(customer.max()) + 1 < FEWEST_CUSTOMERS:
            raise CannotEstimate(f"Fewer than {FEWEST_CUSTOMERS} customers are left to compare.")
        present, period = np.unique(self.period[chosen], return_inverse=True)
        return replace(
            self,
            spend=self.spend[chosen],
            margin=self.margin[chosen],
            previous_spend=self.previous_spend[chosen],
            score=self.score[chosen],
            age_days=self.age_days[chosen],
            customer=customer,
            period=period.astype(np.int64),
            tenure_months=self.tenure_months[chosen],
            left=self.left[chosen],
            categories=tuple(replace(c, codes=c.codes[chosen]) for c in self.categories),
            period_labels=tuple(self.period_labels[p] for p in present),
            customer_ids=tuple(self.customer_ids[c] for c in kept),
        )


def _recoded(codes: Ints) -> Ints:
    """Codes without gaps, in the same order."""
    if not len(codes):
        return codes
    present = np.zeros(int(codes.max()) + 1, dtype=bool)
    present[codes] = True
    return np.asarray((np.cumsum(present) - 1)[codes], dtype=np.int64)


def _ordered_codes(column: pd.Series) -> tuple[Ints, tuple[str, ...]]:
    """Codes by the order of the labels, so that the order of rows does not matter."""
    import pandas as pd

    codes, labels = pd.factorize(column)
    names = np.asarray(labels, dtype=object)
    if len(names) > 1 and not all(names[:-1] <= names[1:]):
        order = np.argsort(names, kind="stable")
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        codes, names = rank[codes], names[order]
    return codes.astype(np.int64), tuple(str(name) for name in names)


def _scored_rows(
    frame: pd.DataFrame, instrument: str, oldest_answer_days: float
) -> tuple[Booleans, tuple[int, int, int]]:
    """Which rows bear the comparison, and how many are left out: unscored, stale, first."""
    named = instrument.upper()
    score, age = f"{instrument}_score", f"{instrument}_age_days"
    if frame.empty:
        raise CannotEstimate("It is not known what customers spent in which period.")
    if score not in frame.columns or frame[score].isna().all():
        raise CannotEstimate(f"No customer has a known {named} answer.")
    scored = frame[score].notna().to_numpy()
    fresh = scored & (frame[age].to_numpy(float) <= oldest_answer_days)
    if not fresh.any():
        raise CannotEstimate(
            f"No customer has a {named} answer that was fresh when a period opened."
        )
    seen_before = frame["previous_spend"].notna().to_numpy()
    kept = fresh & seen_before
    if not kept.any():
        raise CannotEstimate(
            f"No customer with a fresh {named} answer is seen in two periods running, so nobody can "
            "be compared over time."
        )
    left_out = (~scored).sum(), (scored & ~fresh).sum(), (fresh & ~seen_before).sum()
    return kept, (int(left_out[0]), int(left_out[1]), int(left_out[2]))


def panel_rows(
    customer_periods: pd.DataFrame,
    instrument: str = "csat",
    oldest_answer_days: float = OLDEST_ANSWER_DAYS,
    period_months: int = 3,
) -> PanelRows:
    """Choose and code the rows: scored not too long ago, and active the period before.

    All rungs stand on the same rows, so that differences between them are not differences of
    customers. Raises CannotEstimate where too few remain, or nothing varies.
    """
    named = instrument.upper()
    kept, left_out = _scored_rows(customer_periods, instrument, oldest_answer_days)
    columns = [f"{instrument}_score", f"{instrument}_age_days", "customer_id", "period"]
    columns += ["period_index", "tenure_months", "left", "spend", "margin", "previous_spend"]
    controls = [name for name in CONTROLS if name in customer_periods.columns]
    frame = customer_periods.loc[kept, columns + controls]
    customer, ids = _ordered_codes(frame["customer_id"])
    index = frame["period_index"].to_numpy(np.int64)
    key = customer * (int(index.max()) + 1) + index
    if (key[1:] < key[:-1]).any():
        order = np.argsort(key, kind="stable")
        frame, customer, index = frame.iloc[order], customer[order], index[order]
    if int(customer.max()) + 1 < FEWEST_CUSTOMERS:
        fresh = customer_periods[columns[1]].to_numpy(float) <= oldest_answer_days
        if customer_periods.loc[fresh, "customer_id"].nunique() < FEWEST_CUSTOMERS:
            raise CannotEstimate(
                f"Fewer than {FEWEST_CUSTOMERS} customers have a fresh {named} answer; "
                "a slope needs at least as many."
            )
        raise CannotEstimate(
            f"Fewer than {FEWEST_CUSTOMERS} customers with a fresh {named} answer are seen in two "
            "periods running; a slope needs at least as many."
        )
    score = frame[f"{instrument}_score"].to_numpy(float)
    if not frame["spend"].any():
        raise CannotEstimate("Nobody spent anything in these periods.")
    if (frame["spend"] == frame["spend"].iloc[0]).all():
        raise CannotEstimate("Everybody spent the same in every period, so nothing goes with it.")
    if (score == score[0]).all():
        raise CannotEstimate(f"Every {named} answer is the same.")
    present, first, period = np.unique(index, return_index=True, return_inverse=True)
    labels = frame["period"].to_numpy(object)[first]
    coded = [(name, *_ordered_codes(frame[name].fillna(MISSING))) for name in controls]
    return PanelRows(
        spend=frame["spend"].to_numpy(float),
        margin=frame["margin"].to_numpy(float),
        previous_spend=frame["previous_spend"].to_numpy(float),
        score=score,
        age_days=frame[f"{instrument}_age_days"].to_numpy(float),
        customer=customer,
        period=period.astype(np.int64),
        tenure_months=frame["tenure_months"].to_numpy(float),
        left=frame["left"].to_numpy(bool),
        categories=tuple(Category(*parts) for parts in coded if len(parts[2]) > 1),
        period_labels=tuple(str(label) for label in labels[: len(present)]),
        customer_ids=ids,
        period_months=period_months,
        instrument=instrument,
        left_out_unscored=left_out[0],
        left_out_stale=left_out[1],
        left_out_first=left_out[2],
    )
