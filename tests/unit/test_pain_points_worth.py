"""A pain point in money, and whom to call: by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.pain_points.detractors import (
    LIST_COLUMNS,
    DetractorList,
    detractors_to_call,
    unhappy_limit,
)
from analysis.methods.pain_points.gaps import Gap, Gaps
from analysis.methods.pain_points.worth import (
    Affected,
    MarginSlope,
    affected_customers,
    discounted_periods,
    order_by_money,
    value_gap,
)
from analysis.presentation.pain_points_words import finding_id, money_sentence

OPENINGS = (("2025Q3", dt.date(2025, 7, 1)), ("2025Q4", dt.date(2025, 10, 1)))
SCALES = {"csat": (1.0, 5.0), "nps": (0.0, 10.0), "ces": (1.0, 7.0)}


def gap_of(place: str, value: float, influence: np.ndarray, within: bool = True) -> Gap:
    error = float(np.sqrt((influence**2).sum() * len(influence) / (len(influence) - 1)))
    estimate = Estimate(value, value - 2 * error, value + 2 * error, "CSAT points", 50, "")
    nothing = NotEstimable("")
    return Gap(place, estimate, estimate, within, 0.001, nothing, 100, influence)


def slope_of(value: float, influence: np.ndarray) -> MarginSlope:
    ids = tuple(f"C{i:02d}" for i in range(len(influence)))
    return MarginSlope(Estimate(value, 0, 9, "EUR per customer-quarter", 50, ""), influence, ids)


class TestMoney:
    def test_by_hand(self) -> None:
        rng = np.random.default_rng(1)
        influence, other = rng.normal(0, 0.01, 40), rng.normal(0, 0.1, 40)
        ids = tuple(f"C{i:02d}" for i in range(40))
        gap = gap_of("desk", -1.2, influence)
        gaps = Gaps((gap,), ids, 0, "")
        affected = {"desk": Affected(100.0, 150.0, 1000.0, 4)}
        found = value_gap(gap, gaps, slope_of(4.0, other), affected, "EUR", 24, 3, 0.10)
        assert isinstance(found.per_period, Estimate)
        assert found.per_period.value == pytest.approx(1.2 * 4.0 * 100)
        factor = sum(1.1 ** (-month / 12) for month in range(3, 25, 3))
        assert isinstance(found.horizon, Estimate)
        assert found.horizon.value == pytest.approx(480 * factor)
        assert isinstance(found.if_silent_alike, Estimate)
        assert found.if_silent_alike.value == pytest.approx(720 * factor)
        # Joint by customer: the error of a product of two figures of the same customers.
        moved = -4.0 * influence + 1.2 * other
        error = np.sqrt((moved**2).sum() * 40 / 39) * 100
        half = (found.per_period.upper - found.per_period.lower) / 2  # type: ignore[operator]
        assert half == pytest.approx(1.959964 * error, rel=1e-6)

    def test_customers_of_one_figure_only_count_too(self) -> None:
        influence, other = np.full(30, 0.01), np.full(30, 0.02)
        gap = gap_of("desk", -1.0, influence)
        elsewhere = tuple(f"X{i:02d}" for i in range(30))
        gaps = Gaps((gap,), elsewhere, 0, "")
        affected = {"desk": Affected(1.0, 1.0, 10.0, 4)}
        found = value_gap(gap, gaps, slope_of(2.0, other), affected, "EUR", 24, 3, 0.1)
        assert isinstance(found.per_period, Estimate)
        error = np.sqrt(((2 * influence) ** 2).sum() + (other**2).sum()) * np.sqrt(60 / 59)
        half = (found.per_period.upper - found.per_period.lower) / 2  # type: ignore[operator]
        assert half == pytest.approx(1.959964 * error, rel=1e-6)

    def test_anonymous_gaps_are_not_valued(self) -> None:
        gap = gap_of("desk", -1.0, np.ones(5), within=False)
        gaps = Gaps((gap,), (), 0, "Answers are anonymous, so nothing.")
        affected = {"desk": Affected(1.0, 1.0, 10.0, 4)}
        found = value_gap(gap, gaps, slope_of(2.0, np.ones(5)), affected, "EUR", 24, 3, 0.1)
        assert found.horizon == NotEstimable("Answers are anonymous, so nothing.")
        assert "not valued" in money_sentence(found, 24)

    def test_a_horizon_shorter_than_a_period(self) -> None:
        with pytest.raises(CannotEstimate, match="horizon"):
            discounted_periods(2, 3, 0.1)

    def test_the_costliest_stands_first(self) -> None:
        influence = np.full(30, 0.001)
        ids = tuple(f"C{i:02d}" for i in range(30))
        small, large = gap_of("small", -1.5, influence), gap_of("large", -0.5, influence)
        gaps = Gaps((small, large), ids, 0, "")
        affected = {"small": Affected(10, 10, 99, 4), "large": Affected(90, 90, 99, 4)}
        slope = slope_of(4.0, influence)
        valued = [value_gap(g, gaps, slope, affected, "EUR", 24, 3, 0.1) for g in gaps.places]
        assert [pain.gap.place for pain in order_by_money(valued)] == ["large", "small"]

    def test_finding_ids_are_plain(self) -> None:
        assert finding_id("returns desk") == "pain-point-returns-desk"
        assert finding_id("late delivery") == "pain-point-late-delivery"
        assert finding_id("Пункт возврата") == "pain-point-пункт-возврата"


class TestAffected:
    def test_by_hand(self) -> None:
        def row(customer: str | None, day: str, place: str, score: float) -> dict[str, object]:
            return {"customer_id": customer, "day": pd.Timestamp(day), "place": place,
                    "touchpoint": place, "score": score, "late": np.nan}  # fmt: skip

        rows = [
            row("old", "2023-01-01", "desk", 1),  # too long ago
            row("A", "2025-02-01", "desk", 1),
            row("B", "2025-02-01", "desk", 2),
            row("B", "2025-08-01", "line", 4),  # from the second opening on elsewhere
            row("C", "2025-06-01", "desk", np.nan),  # met it, said nothing
            row("gone", "2025-06-01", "desk", 1),
            row(None, "2025-06-02", "desk", 1),
        ]
        active = [(c, q) for q in ("2025Q3", "2025Q4") for c in ("old", "A", "B", "C")]
        periods = pd.DataFrame(active, columns=["customer_id", "period"])
        table = pd.DataFrame(rows).sort_values("day", kind="stable")
        found = affected_customers(table, periods, OPENINGS)
        assert found["desk"] == Affected((2 + 1) / 2, (3 + 2) / 2, 4, 2)
        assert found["line"] == Affected(0.5, 0.5, 4, 2)

    def test_nobody_is_known(self) -> None:
        table = pd.DataFrame({"customer_id": [None], "day": [pd.Timestamp("2025-01-01")]})
        with pytest.raises(CannotEstimate, match="anonymous"):
            affected_customers(table, pd.DataFrame(), OPENINGS)


def to_call(**changes: pd.DataFrame) -> DetractorList:
    """A company of six: who is on the list."""
    surveys = pd.DataFrame(
        [
            ("R1", "low", "nps", "2025-12-01", 3.0),
            ("R2", "lower", "csat", "2025-12-20", 2.0),
            ("R3", "mended", "csat", "2025-11-01", 1.0),
            ("R4", "mended", "nps", "2025-12-01", 9.0),
            ("R5", "spoken", "csat", "2025-11-20", 1.0),
            ("R6", "gone", "csat", "2025-11-20", 1.0),
            ("R7", "long ago", "csat", "2025-06-20", 1.0),
            ("R8", "trial", "csat", "2025-12-10", 1.0),
        ],
        columns=["response_id", "customer_id", "instrument", "answered_on", "score"],
    )
    surveys = surveys.assign(answered_on=pd.to_datetime(surveys["answered_on"]), comment="secret")
    names = ["low", "lower", "mended", "spoken", "gone", "long ago", "trial"]
    lifetimes = pd.DataFrame({"customer_id": names, "ended": [n == "gone" for n in names]})
    contacts = pd.DataFrame(
        {
            "customer_id": ["spoken", "low"],
            "opened_at": pd.to_datetime(["2025-11-25 10:00", "2025-11-20 10:00"]),
        }
    )
    exposures = pd.DataFrame(
        {"customer_id": ["trial"], "assigned_on": pd.to_datetime(["2025-12-11"])}
    )
    periods = pd.DataFrame(
        {"customer_id": ["low", "lower"], "period_index": [7, 7], "margin": [10.0, 40.0]}
    )
    tables = {"surveys": surveys, "contacts": contacts, "exposures": exposures,
              "lifetimes": lifetimes, "customer_periods": periods} | changes  # fmt: skip
    found = detractors_to_call(
        tables["surveys"], tables["contacts"], tables["exposures"], tables["lifetimes"],
        tables["customer_periods"], dt.date(2025, 12, 31), "2025Q4", SCALES,
    )  # fmt: skip
    return found


class TestDetractors:
    def test_by_hand(self) -> None:
        found = to_call()
        assert found.customers["customer_id"].tolist() == ["lower", "low"]
        assert found.customers["days_since"].tolist() == [11, 30]
        assert list(found.customers.columns) == LIST_COLUMNS
        assert "comment" not in found.customers
        assert (found.unhappy, found.contacted, found.in_a_trial) == (4, 1, 1)
        assert found.margin == 50.0

    def test_without_money_the_unhappiest_come_first(self) -> None:
        found = to_call(customer_periods=pd.DataFrame())
        assert found.customers["score"].tolist() == [2.0, 3.0]
        assert isinstance(found.margin, NotEstimable)

    def test_the_draw_does_not_move_with_the_order_of_rows(self) -> None:
        names = [f"C{i:03d}" for i in range(200)]
        surveys = pd.DataFrame(
            {
                "response_id": names, "customer_id": names, "instrument": "csat", "score": 1.0,
                "answered_on": pd.Timestamp("2025-12-01"),
            }
        )  # fmt: skip
        lifetimes = pd.DataFrame({"customer_id": names, "ended": False})
        empty = pd.DataFrame()
        rest = {
            "lifetimes": lifetimes,
            "contacts": empty,
            "exposures": empty,
            "customer_periods": empty,
        }
        first = to_call(surveys=surveys, **rest).customers
        second = to_call(surveys=surveys.iloc[::-1], **rest).customers
        pd.testing.assert_frame_equal(first, second)
        assert 8 <= first["hold_out"].sum() <= 35

    def test_unhappy_by_the_scale(self) -> None:
        assert unhappy_limit("csat", (1, 5)) == 2
        assert unhappy_limit("csat", (0, 10)) == 2.5
        assert unhappy_limit("nps", (0, 10)) == 6

    @pytest.mark.parametrize(
        ("surveys", "reason"),
        [
            (pd.DataFrame(), "no surveys"),
            (pd.DataFrame({"score": [1.0], "customer_id": [None]}), "anonymous"),
        ],
    )
    def test_says_why_there_is_no_list(self, surveys: pd.DataFrame, reason: str) -> None:
        with pytest.raises(CannotEstimate, match=reason):
            to_call(surveys=surveys)
