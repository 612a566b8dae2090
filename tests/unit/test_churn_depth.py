"""Retention by cohort, reasons for leaving."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.survival.cohorts import retention_by_cohort
from analysis.methods.survival.reasons import incidence_by_reason

AS_OF = dt.date(2025, 12, 31)


def lifetimes(n: int = 400, entry: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    started = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 600, n), unit="D")
    followed = np.asarray((pd.Timestamp(AS_OF) - started).days) / 30.4375
    life = rng.exponential(20, n)
    ended = life < followed
    return pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(n)], "spell": 1, "started_on": started, "entry_months": entry,
            "exit_months": np.minimum(life, followed) + entry, "ended": ended,
            "end_reason": np.where(ended, np.where(rng.random(n) < 0.7, "price", "moved"), None),
        }
    )  # fmt: skip


def test_a_cohort_is_blank_until_its_last_member_could_have_stayed_so_long() -> None:
    table = retention_by_cohort(lifetimes(), AS_OF)
    assert table.months == tuple(range(3, 22, 3))
    cells = {cohort.label: cohort.retention for cohort in table.cohorts}
    assert list(cells) == ["2024Q1", "2024Q2", "2024Q3", "2024Q4", "2025Q1", "2025Q2", "2025Q3"]
    # 2024Q1 ended on 2024-03-31, 21 months before; 2025Q1 9 months before.
    assert all(isinstance(cell, Estimate) for cell in cells["2024Q1"])
    known = [isinstance(cell, Estimate) for cell in cells["2025Q1"]]
    assert known == [True, True, True, False, False, False, False]


def test_a_complete_cohort_is_a_share() -> None:
    frame = lifetimes()
    table = retention_by_cohort(frame, AS_OF)
    first = frame[frame["started_on"] <= "2024-03-31"]
    share = float((first["exit_months"] > 12).mean())
    cell = table.cohorts[0].retention[table.months.index(12)]
    assert isinstance(cell, Estimate)
    assert cell.value == pytest.approx(share, abs=1e-12)


def test_no_cell_below_the_time_at_which_a_loss_can_be_seen() -> None:
    assert retention_by_cohort(lifetimes(), AS_OF, 6.1).months[0] == 9


def test_customers_not_seen_from_their_start_make_no_cohort() -> None:
    with pytest.raises(CannotEstimate, match="seen from a dated start"):
        retention_by_cohort(lifetimes(entry=2.0), AS_OF)


def test_reasons_add_up_to_one_less_survival() -> None:
    frame = lifetimes()
    reasons = incidence_by_reason(frame)
    assert list(reasons) == ["price", "moved"]
    total = sum(float(r.incidence[-1]) for r in reasons.values())
    assert 0 < total < 1
    in_all = reasons["price"].events.sum() + reasons["moved"].events.sum()
    assert in_all == frame["ended"].sum()


def test_rare_reasons_are_taken_together() -> None:
    frame = lifetimes()
    rare = frame.index[frame["ended"]][:5]
    frame.loc[rare, "end_reason"] = ["a", "b", "c", "d", "e"]
    # Five customers by themselves would be told by what the others leave of all: "moved" joins them.
    five = incidence_by_reason(frame)
    assert list(five) == ["price", "other reasons"]
    moved = int((frame["end_reason"] == "moved").sum())
    assert five["other reasons"].events.sum() == moved + 5
    more = frame.index[frame["ended"]][5:9]
    frame.loc[more, "end_reason"] = ["f", "g", "h", "i"]
    assert list(incidence_by_reason(frame)) == ["price", "moved", "other reasons"]


def test_a_missing_reason_is_shown_as_not_recorded() -> None:
    frame = lifetimes()
    frame.loc[frame["end_reason"] == "moved", "end_reason"] = None
    assert list(incidence_by_reason(frame)) == ["price", "not recorded"]


@pytest.mark.parametrize(
    ("change", "said"),
    [({"ended": False}, "Nobody has left"), ({"end_reason": None}, "carries no reasons")],
)
def test_without_losses_or_reasons_there_is_a_sentence(change: dict, said: str) -> None:
    with pytest.raises(CannotEstimate, match=said):
        incidence_by_reason(lifetimes().assign(**change))


def test_cells_are_estimates_or_reasons() -> None:
    table = retention_by_cohort(lifetimes(), AS_OF)
    kinds = {type(cell) for cohort in table.cohorts for cell in cohort.retention}
    assert kinds == {Estimate, NotEstimable}
