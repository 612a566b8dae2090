"""Touchpoints, deliveries, the purchase path: each figure by hand, each finding where it was planted."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from analysis.intake.periods import Period
from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.intervals import wilson
from analysis.methods.pain_points.answers import (
    LATE_DELIVERY,
    answered,
    delivery_touchpoint,
    is_late,
    survey_encounters,
)
from analysis.methods.pain_points.channels import Spread, channel_spread, study_consistency
from analysis.methods.pain_points.gaps import Gaps, touchpoint_gaps
from analysis.methods.pain_points.journey import purchase_path
from analysis.methods.pain_points.levels import (
    flag_repeats,
    hours_until,
    touchpoint_levels,
    usable_contacts,
    waiting,
)
from analysis.methods.pain_points.orders import order_levels
from analysis.methods.pain_points.small_samples import clustered_mean, clustered_share, median_of

QUARTER = Period(dt.date(2025, 10, 1), 3)
AS_OF = dt.date(2025, 12, 31)
SCALES = {"csat": (1.0, 5.0), "nps": (0.0, 10.0), "ces": (1.0, 7.0)}


def days(*texts: str) -> pd.Series:
    return pd.Series(pd.to_datetime(list(texts)))


def contacts_table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "contact_id": ["K1", "K2", "K3", "K4", "K5"],
            "customer_id": ["A", "A", "A", "B", "B"],
            "opened_at": days(
                "2025-10-01 08:00", "2025-10-15 08:00", "2025-11-20 08:00", "2025-10-02 09:00",
                "2025-10-03 09:00",
            ),
            "first_reply_at": days(
                "2025-10-01 09:00", "2025-10-15 10:00", "2025-11-20 11:00", "2025-10-02 13:00", "NaT"
            ),
            "touchpoint": ["desk", "desk", "desk", "desk", "line"],
            "channel": ["phone", "mail", "mail", "phone", "phone"],
            "cost": [4.0, 6.0, 5.0, 2.0, 1.0],
        }
    )  # fmt: skip


def surveys_table(n: int = 240, gap: float = -1.0, seed: int = 1) -> pd.DataFrame:
    """Each of n customers is asked about two touchpoints in each of four quarters."""
    rng = np.random.default_rng(seed)
    customer = np.repeat(np.arange(n), 8)
    place = rng.choice(["desk", "line", "shop"], 8 * n)
    trait = rng.normal(0, 0.7, n)[customer]
    score = 3.4 + trait + gap * (place == "desk") + rng.normal(0, 0.7, 8 * n)
    quarter = np.tile(np.arange(8) // 2, n)
    day = np.datetime64("2025-01-15") + 91 * quarter + rng.integers(0, 60, 8 * n)
    return pd.DataFrame(
        {
            "response_id": [f"R{i:05d}" for i in range(8 * n)],
            "customer_id": [f"C{i:03d}" for i in customer],
            "instrument": "csat",
            "invited_on": day.astype("datetime64[ns]"),
            "answered_on": day.astype("datetime64[ns]"),
            "score": np.clip(np.rint(score), 1, 5),
            "touchpoint": place,
        }
    )


def encounters(surveys: pd.DataFrame, **tables: pd.DataFrame) -> pd.DataFrame:
    empty = pd.DataFrame()
    return survey_encounters(
        surveys, tables.get("contacts", empty), tables.get("transactions", empty), AS_OF
    )


class TestSmallSamples:
    def test_share_of_one_row_each_is_wilson(self) -> None:
        happened = np.arange(40) < 13
        found = clustered_share(happened, np.arange(40))
        plain = wilson(13, 40)
        # With one row each the design effect is n/(n - 1): hardly wider than Wilson, never narrower.
        assert found.value == plain.value
        assert found.lower == pytest.approx(plain.lower, abs=0.003)
        assert found.lower <= plain.lower < plain.upper <= found.upper  # type: ignore[operator]

    def test_rows_of_one_customer_count_as_one(self) -> None:
        happened = np.repeat(np.arange(20) < 6, 5)
        found = clustered_share(happened, np.repeat(np.arange(20), 5))
        once = clustered_share(happened[::5], np.arange(20))
        assert (found.lower, found.upper) == pytest.approx((once.lower, once.upper))

    def test_mean_keeps_to_the_scale(self) -> None:
        found = clustered_mean(np.array([5.0, 5, 5, 4]), np.arange(4), "CSAT points", 1, 5)
        assert found.upper == 5.0
        assert found.lower is not None
        assert found.lower < 4.75

    def test_open_contacts_count_as_longest(self) -> None:
        hours = np.array([1.0, 2, 3, 4, math.inf, math.inf, math.inf])
        assert median_of(hours, np.arange(7), "hours").value == 4.0
        with pytest.raises(CannotEstimate, match="still open"):
            median_of(np.array([1.0, math.inf, math.inf]), np.arange(3), "hours")

    def test_median_interval_covers(self) -> None:
        rng = np.random.default_rng(7)
        hits = 0
        for _ in range(400):
            found = median_of(rng.exponential(size=25), np.arange(25), "hours")
            hits += found.lower <= math.log(2) <= found.upper  # type: ignore[operator]
        assert 0.93 <= hits / 400 <= 0.99  # exact coverage .957


class TestAnswers:
    def test_late_is_late_or_overdue(self) -> None:
        orders = pd.DataFrame(
            {
                "promised_on": days("2025-10-05", "2025-10-05", "2025-10-05", "2026-01-05", "NaT"),
                "fulfilled_on": days("2025-10-05", "2025-10-06", "NaT", "NaT", "2025-10-06"),
            }
        )
        assert is_late(orders, AS_OF).astype(object).tolist()[:3] == [False, True, True]
        assert is_late(orders, AS_OF).isna().tolist() == [False, False, False, True, True]

    def test_an_answer_has_the_last_order_in_mind(self) -> None:
        surveys = pd.DataFrame(
            {
                "response_id": ["R1", "R2", "R3", "R4"],
                "customer_id": ["A", "A", "A", "B"],
                "instrument": "csat",
                "answered_on": days("2025-10-08", "2025-10-30", "2025-11-12", "2025-10-08"),
                "score": [1.0, 3, 4, 5],
                "touchpoint": "desk",
            }
        )
        orders = pd.DataFrame(
            {
                "transaction_id": ["T1", "T2"],
                "customer_id": ["A", "A"],
                "occurred_on": days("2025-10-01", "2025-11-10"),
                "amount": [10.0, 10.0],
                "promised_on": days("2025-10-03", "2025-11-11"),
                "fulfilled_on": days("2025-10-06", "2025-11-11"),
            }
        )
        found = encounters(surveys, transactions=orders).set_index("response_id")["late"]
        # After a late one; too long after it; after one in time; never ordered.
        assert found["R1"] == 1
        assert math.isnan(found["R2"])
        assert found["R3"] == 0
        assert math.isnan(found["R4"])

    def test_the_touchpoint_of_late_orders_is_found_by_what_it_holds(self) -> None:
        table = pd.DataFrame(
            {
                "touchpoint": ["parcel"] * 8 + ["desk"] * 20,
                "late": [1.0] * 7 + [0.0] + [1.0] * 2 + [0.0] * 18,
            }
        )
        assert delivery_touchpoint(table) == "parcel"
        assert delivery_touchpoint(table.assign(late=0.0)) == ""
        assert delivery_touchpoint(table[table["touchpoint"] == "desk"]) == ""

    def test_the_channel_is_that_of_the_contact_before(self) -> None:
        surveys = pd.DataFrame(
            {
                "response_id": ["R1", "R2"],
                "customer_id": ["A", "A"],
                "instrument": "csat",
                "answered_on": days("2025-10-02", "2025-10-16"),
                "score": [1.0, 3],
                "touchpoint": ["desk", "line"],
            }
        )
        found = encounters(surveys, contacts=contacts_table()).set_index("response_id")["channel"]
        assert found["R1"] == "phone"
        assert found["R2"] is None

    @pytest.mark.parametrize(
        ("surveys", "reason"),
        [
            (pd.DataFrame(), "no surveys"),
            (surveys_table(3).drop(columns="touchpoint"), "does not name the encounter"),
            (surveys_table(3).assign(instrument="nps"), "no CSAT survey"),
        ],
    )
    def test_says_what_is_missing(self, surveys: pd.DataFrame, reason: str) -> None:
        with pytest.raises(CannotEstimate, match=reason):
            encounters(surveys)

    def test_says_that_nobody_answered(self) -> None:
        silent = surveys_table(3).assign(score=np.nan, answered_on=np.datetime64("NaT"))
        with pytest.raises(CannotEstimate, match="Nobody answered"):
            answered(encounters(silent))


class TestGaps:
    def test_finds_what_was_planted(self) -> None:
        gaps = touchpoint_gaps(answered(encounters(surveys_table())))
        worst = gaps.places[0]
        assert (worst.place, worst.hurts, worst.within) == ("desk", True, True)
        assert worst.gap.lower < -0.95 < worst.gap.upper  # type: ignore[operator]
        assert not any(gap.hurts for gap in gaps.places[1:])

    def test_who_goes_there_drops_out(self) -> None:
        surveys = surveys_table(gap=0.0)
        gloomy = surveys["customer_id"].str[1:].astype(int) < 100
        desk = surveys["touchpoint"] == "desk"
        # The gloomy go to the desk, and answer low everywhere.
        rng = np.random.default_rng(2)
        moved = gloomy & (rng.random(len(surveys)) < 0.6)
        surveys = surveys.assign(
            touchpoint=surveys["touchpoint"].mask(moved, "desk").mask(desk & ~gloomy, "line"),
            score=surveys["score"] - gloomy,
        )
        surveys = surveys.assign(score=surveys["score"].clip(1, 5))
        worst = next(
            g for g in touchpoint_gaps(answered(encounters(surveys))).places if g.place == "desk"
        )
        assert worst.plain.upper < -0.3  # type: ignore[operator]
        assert worst.gap.lower < 0.05  # type: ignore[operator]
        assert abs(worst.gap.value) < 0.15

    def test_order_of_rows_and_names_change_nothing(self) -> None:
        table = answered(encounters(surveys_table(80)))
        first = touchpoint_gaps(table)
        shuffled = touchpoint_gaps(table.sample(frac=1, random_state=3))
        renamed = touchpoint_gaps(table.assign(customer_id="Z" + table["customer_id"].str[::-1]))
        for other in (shuffled, renamed):
            for a, b in zip(first.places, other.places, strict=True):
                assert a.place == b.place
                assert a.gap.value == pytest.approx(b.gap.value, rel=1e-10)
                assert a.gap.lower == pytest.approx(b.gap.lower, rel=1e-10)

    def test_anonymous_answers_are_compared_as_they_stand(self) -> None:
        gaps = touchpoint_gaps(answered(encounters(surveys_table().assign(customer_id=None))))
        assert "anonymous" in gaps.reason
        worst = gaps.places[0]
        assert (worst.place, worst.hurts, worst.within) == ("desk", True, False)
        assert worst.gap == worst.plain

    def test_late_orders_count_beside_the_touchpoint(self) -> None:
        table = answered(encounters(surveys_table(gap=0.0)))
        late = np.random.default_rng(5).random(len(table)) < 0.2
        table = table.assign(
            late=late.astype(float), score=(table["score"] - 1.0 * late).clip(1, 5)
        )
        worst = touchpoint_gaps(table).places[0]
        assert (worst.place, worst.hurts) == (LATE_DELIVERY, True)
        assert -1.05 < worst.gap.value < -0.75

    def test_a_change_in_the_last_year_is_seen(self) -> None:
        table = answered(encounters(surveys_table(gap=0.0)))
        half = dt.date(2025, 7, 1)
        later = (table["day"] >= pd.Timestamp(half)) & (table["place"] == "desk")
        table = table.assign(score=(table["score"] - later).clip(1, 5))
        gap = next(g for g in touchpoint_gaps(table, recent_from=half).places if g.place == "desk")
        assert isinstance(gap.recent_change, Estimate)
        assert gap.recent_change.upper < -0.6  # type: ignore[operator]

    def test_one_touchpoint_cannot_be_compared(self) -> None:
        table = answered(encounters(surveys_table().assign(touchpoint="desk")))
        with pytest.raises(CannotEstimate, match="Fewer than two touchpoints"):
            touchpoint_gaps(table)

    def test_answers_all_alike_hurt_nobody(self) -> None:
        gaps = attempt(touchpoint_gaps, answered(encounters(surveys_table().assign(score=4.0))))
        assert isinstance(gaps, Gaps)
        assert not any(gap.hurts for gap in gaps.places)


class TestLevels:
    def test_by_hand(self) -> None:
        levels = touchpoint_levels(pd.DataFrame(), contacts_table(), (QUARTER,), SCALES)
        desk = levels.now("desk")
        assert (desk.contacts, desk.customers, desk.cost) == (4, 2, 17.0)
        assert isinstance(desk.first_reply, Estimate)
        assert desk.first_reply.value == 2.5  # 1, 2, 3 and 4 hours
        assert isinstance(desk.repeats, Estimate)
        assert desk.repeats.value == 0.25  # the second of A, 14 days after the first
        assert isinstance(desk.satisfaction, NotEstimable)
        assert isinstance(levels.now("line").first_reply, NotEstimable)  # still open
        assert isinstance(desk.resolution, NotEstimable)

    def test_repeats_look_back_at_the_same_touchpoint(self) -> None:
        table = contacts_table()
        assert flag_repeats(table).tolist() == [False, True, False, False, False]
        assert flag_repeats(table.iloc[::-1]).tolist() == [False, False, False, True, False]
        same = table.assign(touchpoint="desk")
        assert flag_repeats(same).tolist() == [False, True, False, False, True]

    def test_effort_where_it_is_asked(self) -> None:
        surveys = surveys_table(20)
        asked = surveys.assign(instrument="ces", response_id="E" + surveys["response_id"])
        both = pd.concat([surveys, asked], ignore_index=True)
        levels = touchpoint_levels(both, pd.DataFrame(), (QUARTER,), SCALES)
        assert isinstance(levels.now("desk").effort, Estimate)
        without = touchpoint_levels(surveys, pd.DataFrame(), (QUARTER,), SCALES)
        assert isinstance(without.now("desk").effort, NotEstimable)

    def test_waiting_here_and_elsewhere(self) -> None:
        table = pd.concat([contacts_table()] * 3, ignore_index=True)
        table["first_reply_at"] = table["first_reply_at"].fillna(pd.Timestamp("2025-10-03 09:30"))
        here, there = waiting(usable_contacts(table), "line", dt.date(2025, 10, 1))
        assert (here.value, there.value) == (0.5, 2.5)

    def test_times_that_are_not_exported(self) -> None:
        with pytest.raises(CannotEstimate, match="no time of resolution"):
            hours_until(contacts_table(), "resolved_at")
        with pytest.raises(CannotEstimate, match="no contacts"):
            usable_contacts(pd.DataFrame())


class TestOrders:
    def test_by_hand(self) -> None:
        table = pd.DataFrame(
            {
                "transaction_id": [f"T{i}" for i in range(5)],
                "customer_id": ["A", "A", "B", "C", "A"],
                "occurred_on": days(
                    "2025-10-01", "2025-10-10", "2025-11-01", "2025-12-30", "2025-11-02"
                ),
                "amount": [100.0, 50.0, 50.0, 200.0, -40.0],
                "promised_on": days("2025-10-03", "2025-10-12", "2025-11-03", "2026-01-02", "NaT"),
                "fulfilled_on": days("2025-10-06", "2025-10-12", "NaT", "NaT", "NaT"),
            }
        )  # fmt: skip
        (level,) = order_levels(table, (QUARTER,), AS_OF)
        assert level.orders == 4
        assert isinstance(level.late, Estimate)
        assert level.late.value == pytest.approx(2 / 3)  # one late, one never came, one in time
        assert isinstance(level.days_late, Estimate)
        assert level.days_late.value == 3
        assert isinstance(level.refunds, Estimate)
        assert level.refunds.value == pytest.approx(1 / 3)
        assert level.refunded == pytest.approx(0.1)

    def test_without_promises(self) -> None:
        table = pd.DataFrame(
            {"customer_id": ["A"], "occurred_on": days("2025-10-01"), "amount": [5.0]}
        )
        (level,) = order_levels(table, (QUARTER,), AS_OF)
        assert isinstance(level.late, NotEstimable)
        assert "no promised days" in level.late.reason


def journey(now: dict[str, tuple[int, int]], then: dict[str, tuple[int, int]]) -> pd.DataFrame:
    rows = [("2025-11-01", step, *counts) for step, counts in now.items()]
    rows += [("2024-11-01", step, *counts) for step, counts in then.items()]
    frame = pd.DataFrame(rows, columns=["month", "step", "entered", "completed"])
    return frame.assign(month=pd.to_datetime(frame["month"]))


class TestJourney:
    def test_by_hand(self) -> None:
        table = journey(
            {"pay": (400, 300), "visit": (1000, 500), "basket": (500, 400)},
            {"pay": (400, 360), "visit": (1000, 500), "basket": (500, 400)},
        )
        path = purchase_path(table, QUARTER, QUARTER.year_before)
        assert [step.name for step in path.steps] == ["visit", "basket", "pay"]
        assert [step.lost_per_100 for step in path.steps] == [50, 10, 10]
        assert (path.leaks_most, path.turned_worst) == ("visit", "pay")
        assert path.through.value == 0.3
        change = path.steps[2].change
        assert isinstance(change, Estimate)
        assert change.value == pytest.approx(-0.15)
        assert change.upper < -0.09  # type: ignore[operator]

    def test_first_year(self) -> None:
        path = purchase_path(journey({"visit": (10, 5)}, {}), QUARTER, QUARTER.year_before)
        assert isinstance(path.steps[0].change, NotEstimable)
        assert path.turned_worst == ""

    @pytest.mark.parametrize(
        ("table", "reason"),
        [
            (pd.DataFrame(), "no purchase path"),
            (journey({}, {"visit": (10, 5)}), "no purchase path for 2025Q4"),
            (journey({"visit": (10, 12)}, {}), "more visitors go on"),
        ],
    )
    def test_says_why_not(self, table: pd.DataFrame, reason: str) -> None:
        with pytest.raises(CannotEstimate, match=reason):
            purchase_path(table, QUARTER, QUARTER.year_before)


class TestChannels:
    def test_a_channel_that_serves_the_bad_touchpoint_is_not_worse(self) -> None:
        table = answered(encounters(surveys_table()))
        rng = np.random.default_rng(8)
        phone = rng.random(len(table)) < np.where(table["place"] == "desk", 0.9, 0.3)
        table = table.assign(channel=np.where(phone, "phone", "chat"))
        raw = table.groupby("channel")["score"].mean()
        assert raw["phone"] < raw["chat"] - 0.25
        spread = channel_spread(table, "score", "CSAT points")
        assert spread.p_value > 0.05
        assert abs(spread.by_channel["phone"].value) < 0.1

    def test_a_channel_that_is_worse_is_seen(self) -> None:
        table = answered(encounters(surveys_table(gap=0.0)))
        mail = np.random.default_rng(9).random(len(table)) < 0.4
        table = table.assign(
            channel=np.where(mail, "mail", "chat"), score=(table["score"] - 0.5 * mail)
        )
        found = study_consistency(table, NotEstimable("No contacts."), 3)
        assert isinstance(found.satisfaction, Spread)
        assert found.satisfaction.p_value < 0.001
        assert found.satisfaction.spread.value == pytest.approx(0.5, abs=0.12)
        assert found.reply == NotEstimable("No contacts.")

    def test_one_channel(self) -> None:
        table = answered(encounters(surveys_table(40))).assign(channel="chat")
        with pytest.raises(CannotEstimate, match="only one channel"):
            channel_spread(table, "score", "CSAT points")
        with pytest.raises(CannotEstimate, match="not known in which channel"):
            channel_spread(table.assign(channel=None), "score", "CSAT points")
