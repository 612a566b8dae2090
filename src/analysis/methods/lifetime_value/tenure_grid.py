"""Survival and mean margin by tenure on one grid of periods, with their joint uncertainty.

Tenure is cut at multiples of a period's length. Survival is that to the opening of an interval;
margin is the mean over customers who were there when the period opened, what they brought while
there and nothing after. So a loss counts once: within its period in the margin, afterwards in
the survival. A period opens at any tenure, and belongs to the interval whose opening is nearest:
its money then falls, on average, into that interval and not half a period later. Where customers
start (or answer) late in a period only, so that too few periods open near enough, it belongs to
the interval within which it opens, and `lag_months` says by how much it comes late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.methods.estimate import CannotEstimate
from analysis.methods.survival.nonparametric import (
    Booleans,
    Floats,
    Ints,
    SurvivalCurve,
    kaplan_meier,
)
from analysis.methods.survival.restricted_mean import weighted_influence
from analysis.tenure import DAYS_PER_MONTH

if TYPE_CHECKING:
    import pandas as pd

FEWEST_CUSTOMERS = 8
HALF_A_DAY = 0.5 / DAYS_PER_MONTH


@dataclass(frozen=True, slots=True)
class TenureGrid:
    """N intervals of `period_months` that follow-up and eight customers in each allow.

    survival (N + 1): share still there when each interval opens, and at the end of the last.
    margin (N): mean margin in a period among those there at its opening. base (N): customers
    that the margin rests on. n: customers followed. active (N): those still there, by the
    interval nearest to their tenure; active_in_all: all of them. lag_months: mean time from an
    interval's opening to that of its periods, 0 where they are placed by the nearest. Row arrays
    carry each customer's part: lifetimes (n), and periods within the grid (`row_customer`,
    `row_interval`, `row_margin`).
    """

    period_months: int
    survival: Floats
    margin: Floats
    base: Ints
    active: Ints
    active_in_all: int
    lag_months: float
    curve: SurvivalCurve
    entry: Floats
    exit: Floats
    ended: Booleans
    row_customer: Ints
    row_interval: Ints
    row_margin: Floats

    @property
    def n(self) -> int:
        return len(self.exit)

    @property
    def n_intervals(self) -> int:
        return len(self.margin)

    def discount(self, rate_annual: float) -> Floats:
        """Mean factor (1 + r)^(−m/12) of the months of each interval, each at its end (N)."""
        months = np.arange(1, self.n_intervals * self.period_months + 1)
        factors = (1 + rate_annual) ** (-months / 12)
        return factors.reshape(self.n_intervals, self.period_months).mean(axis=1)

    def influence(self, by_survival: Floats, by_margin: Floats) -> Floats:
        """Each customer's influence (n) on a figure with these derivatives.

        by_survival (N + 1), by_margin (N): the figure's derivatives by `survival` and `margin`.
        """
        opens = np.arange(self.n_intervals + 1) * float(self.period_months)
        # The figure's derivative by log S from s on: all grid points whose curve includes s.
        points = np.append(by_survival * self.survival, 0.0)
        to_come = np.cumsum(points[::-1])[::-1]
        weights = to_come[np.searchsorted(opens, self.curve.times, side="right")]
        influence = weighted_influence(self.curve, self.entry, self.exit, self.ended, weights)
        rows = np.bincount(self.row_interval, minlength=self.n_intervals)
        residual = self.row_margin - self.margin[self.row_interval]
        share = (by_margin / rows)[self.row_interval] * residual
        return np.asarray(influence + np.bincount(self.row_customer, share, minlength=self.n))

    def standard_error(self, by_survival: Floats, by_margin: Floats) -> float:
        """Error of a figure from its derivatives by `survival` (N + 1) and by `margin` (N).

        Each customer's influence on the curve and on the means is added before squaring, so that
        those who bring more and stay longer are not counted as two independent samples.
        """
        influence = self.influence(by_survival, by_margin)
        return float(np.sqrt((influence**2).sum() * self.n / (self.n - 1)))


def _first_spells(lifetimes: pd.DataFrame) -> pd.DataFrame:
    """Tenure in later spells counts from a return; only the first shares its clock with margin."""
    chosen = lifetimes[lifetimes["spell"] == 1] if "spell" in lifetimes.columns else lifetimes
    if chosen["customer_id"].duplicated().any():
        raise ValueError("lifetimes: more than one row for a customer")
    return chosen


def _rows_at_risk(
    lifetimes: pd.DataFrame, customer_periods: pd.DataFrame, tenure_column: str
) -> tuple[Ints, Floats, Floats]:
    """Customer's place in lifetimes, tenure at opening and margin of periods within a lifetime."""
    import pandas as pd

    place = pd.Index(lifetimes["customer_id"]).get_indexer(customer_periods["customer_id"])
    tenure = customer_periods[tenure_column].to_numpy(float)
    margin = customer_periods["margin"].to_numpy(float)
    entry = lifetimes["entry_months"].to_numpy(float)
    exit_ = lifetimes["exit_months"].to_numpy(float)
    known = (place >= 0) & np.isfinite(tenure) & np.isfinite(margin)
    place, tenure, margin = place[known], tenure[known], margin[known]
    # Half a day of tolerance, as tenure is days over the length of a mean month.
    there = (tenure >= np.maximum(entry[place], 0.0) - HALF_A_DAY) & (
        tenure <= exit_[place] + HALF_A_DAY
    )
    return place[there].astype(np.int64), tenure[there], margin[there]


def _customers_by_interval(interval: Ints, place: Ints, n_intervals: int) -> Ints:
    """How many different customers have a period in each of the intervals."""
    inside = interval < n_intervals
    has_one = np.zeros((n_intervals, int(place.max(initial=0)) + 1), dtype=bool)
    has_one[interval[inside], place[inside]] = True
    return np.asarray(has_one.sum(axis=1), dtype=np.int64)


def tenure_grid(
    lifetimes: pd.DataFrame,
    customer_periods: pd.DataFrame,
    period_months: int,
    tenure_column: str = "tenure_months",
) -> TenureGrid:
    """The grid from a row per customer and a row per customer and period.

    lifetimes: customer_id, entry_months, exit_months, ended; where there is a `spell`, first
    spells only. customer_periods: customer_id, the tenure at the period's opening, margin in it.
    The grid ends with follow-up, or before the first interval with fewer than eight customers.
    Raises CannotEstimate: no money, nobody left, fewer than eight customers from the start on.
    Raises ValueError if a customer has more than one lifetime on the clock.
    """
    if customer_periods.empty or tenure_column not in customer_periods.columns:
        raise CannotEstimate("The export carries no money by period to value a customer's time by.")
    chosen = _first_spells(lifetimes)
    if len(chosen) < FEWEST_CUSTOMERS:
        raise CannotEstimate(
            f"Fewer than {FEWEST_CUSTOMERS} customers: no lifetime value is given."
        )
    entry = chosen["entry_months"].to_numpy(float)
    exit_ = chosen["exit_months"].to_numpy(float)
    ended = chosen["ended"].to_numpy(bool)
    if not ended.any():
        raise CannotEstimate("Nobody has left, so how long customers stay cannot be valued.")
    place, tenure, margin = _rows_at_risk(chosen, customer_periods, tenure_column)
    curve = kaplan_meier(entry, exit_, ended)
    within_follow_up = int((curve.last_time + HALF_A_DAY) // period_months)
    opens = np.arange(within_follow_up + 1) * float(period_months)
    steps = np.concatenate([[1.0], curve.survival])
    survival = steps[np.searchsorted(curve.times, opens, side="left")]
    interval = np.floor(tenure / period_months + 0.5).astype(np.int64)
    base = _customers_by_interval(interval, place, within_follow_up)
    lag_months = 0.0
    if base[:1].sum() < FEWEST_CUSTOMERS:
        interval = np.floor(np.maximum(tenure, 0.0) / period_months).astype(np.int64)
        base = _customers_by_interval(interval, place, within_follow_up)
        lag_months = float((tenure - interval * period_months).mean()) if len(tenure) else 0.0
    at_risk = np.searchsorted(np.sort(entry), opens, side="left") - np.searchsorted(
        np.sort(exit_), opens, side="left"
    )
    at_risk[0] = (entry <= 0).sum()
    bears = (base >= FEWEST_CUSTOMERS) & (at_risk[:-1] >= FEWEST_CUSTOMERS) & (survival[:-1] > 0)
    n = within_follow_up if bears.all() else int(np.argmin(bears))
    if n == 0:
        raise CannotEstimate(
            f"Fewer than {FEWEST_CUSTOMERS} customers are followed, with their money, from their "
            "first months on, so a customer's time cannot be valued from its start."
        )
    inside = interval < n
    place, interval, margin = place[inside], interval[inside], margin[inside]
    means = np.bincount(interval, margin, minlength=n) / np.bincount(interval, minlength=n)
    today = np.floor(exit_[~ended] / period_months + 0.5).astype(np.int64)
    return TenureGrid(
        period_months,
        survival[: n + 1],
        means,
        base[:n],
        np.bincount(today, minlength=n)[:n].astype(np.int64),
        int((~ended).sum()),
        lag_months,
        curve,
        entry,
        exit_,
        ended,
        place,
        interval,
        margin,
    )
