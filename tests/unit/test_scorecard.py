"""Levels, changes and what stands behind them, worked out by hand with their intervals."""

from __future__ import annotations

import datetime as dt
import math
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from analysis.disclosure import Disclosure
from analysis.errors import SettingsError
from analysis.intake.periods import Period
from analysis.methods.estimate import CannotEstimate, Estimate, Metric, NotEstimable
from analysis.methods.intervals import holm, wilson
from analysis.methods.revenue_split import (
    Reconciliation,
    RevenueFactors,
    RevenueSplit,
    reconcile,
    split_revenue_change,
)
from analysis.methods.scorecard.answers import Answers, response_level
from analysis.methods.scorecard.measures import Tables
from analysis.methods.scorecard.study import KEY_FIGURES, Scorecard, study_scorecard
from analysis.presentation import scorecard_trust_words as trust_words
from analysis.presentation import scorecard_words as words
from analysis.presentation.scorecard_figures import draw_small_trends, draw_trends

NOW = Period(dt.date(2026, 4, 1), 3)
OPEN = Disclosure(enabled=False)
Z = 1.959963984540054


def surveys() -> pd.DataFrame:
    rows: list[tuple[str | None, str, str, str | None, float | None]] = []
    rows += [("A", "nps", "2026-04-01", "2026-04-02", 3)]  # replaced by the answer in June
    spring = {"A": 10, "B": 9, "C": 9, "D": 8, "E": 6}
    rows += [(who, "nps", "2026-06-01", "2026-06-30", score) for who, score in spring.items()]
    winter = {"A": 10, "B": 5, "C": 9, "D": 8, "E": 6}
    rows += [(who, "nps", "2026-03-01", "2026-03-31", score) for who, score in winter.items()]
    csat = {"A": 5, "B": 4, "C": 4, "D": 3, "E": 1}
    rows += [(who, "csat", "2026-05-01", "2026-05-02", score) for who, score in csat.items()]
    rows += [(who, "csat", "2026-05-01", None, None) for who in "FGH"]
    rows += [("I", "csat", "2026-06-29", "2026-07-02", 5)]  # answered too late to count
    frame = pd.DataFrame(
        rows, columns=["customer_id", "instrument", "invited_on", "answered_on", "score"]
    )
    frame["response_id"] = [f"R{i:02d}" for i in range(len(frame))]
    for column in ("invited_on", "answered_on"):
        frame[column] = pd.to_datetime(frame[column])
    return frame


def transactions() -> pd.DataFrame:
    rows = [
        ("A", "2026-01-01", 80.0), ("B", "2026-02-01", 100.0), ("B", "2026-03-31", -10.0),
        ("A", "2026-04-01", 100.0), ("A", "2026-06-30", 50.0), ("B", "2026-05-01", 200.0),
        ("B", "2026-05-09", -20.0), ("C", "2026-05-09", -30.0),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["customer_id", "occurred_on", "amount"])
    return frame.assign(occurred_on=pd.to_datetime(frame["occurred_on"]))


def lifetimes() -> pd.DataFrame:
    """Nine of ten stay in the second quarter, eight of ten in the first."""
    rows = [(who, "2025-01-01", None) for who in "ABCDEFGH"]
    rows += [("I", "2026-02-01", None), ("J", "2026-02-01", "2026-05-01")]
    rows += [(who, "2025-01-01", "2026-02-15") for who in "KL"]
    frame = pd.DataFrame(rows, columns=["customer_id", "started_on", "ended_on"])
    started, ended = (pd.to_datetime(frame[name]) for name in ("started_on", "ended_on"))
    last = ended.fillna(pd.Timestamp("2026-06-30"))
    return pd.DataFrame(
        {
            "customer_id": frame["customer_id"],
            "spell": 1,
            "started_on": started,
            "entry_months": 0.0,
            "exit_months": (last - started).dt.days / 30.4375,
            "ended": ended.notna(),
        }
    )


def settings(**changed: Any) -> SimpleNamespace:
    values: dict[str, Any] = {
        "currency": "EUR",
        "scales": {"nps": (0, 10), "csat": (1, 5)},
        "targets": {"retention": 0.97},
        "control_totals": {"revenue": {"2026Q2": 300.0, "2026Q1": 200.0}},
        "key_figures": (),
        "competitors": {},
        "maturity": {},
        "importance": {},
        "churn": SimpleNamespace(rule="contract"),
        "covers": SimpleNamespace(first=dt.date(2025, 7, 1)),
        "economics": SimpleNamespace(gross_margin=0.4, discount_rate_annual=0.1, horizon_months=12),
    }
    return SimpleNamespace(**{**values, **changed})


def study(disclosure: Disclosure = OPEN, segment: str = "", **changed: Any) -> Scorecard:
    empty = pd.DataFrame()
    customers = lifetimes()[["customer_id", "started_on"]]
    frames = {
        "customers": customers, "lifetimes": lifetimes(), "customer_periods": empty,
        "transactions": transactions(), "periods": empty, "surveys": surveys(), "contacts": empty,
        "marketing": empty,
    }  # fmt: skip
    tables = Tables(**{name: changed.pop(name, frame) for name, frame in frames.items()})
    return study_scorecard(NOW, tables, settings(**changed), disclosure, segment)


def taken(id: str, part: str = "now", **changed: Any) -> tuple[float, float, float]:
    found = getattr(study(**changed).metric(id), part)
    assert isinstance(found, Estimate), found
    assert found.lower is not None
    assert found.upper is not None
    return found.value, found.lower, found.upper


def test_promoters_less_detractors_among_last_answers() -> None:
    half = 100 * Z * math.sqrt((3.75 / 8 + 1.75 / 8 - 0.25**2) / 8)
    assert taken("net-promoter-score") == pytest.approx((40, 25 - half, 25 + half))
    before = study().metric("net-promoter-score").previous
    assert isinstance(before, Estimate)
    assert before.value == pytest.approx(0)
    assert taken("net-promoter-score", "change")[0] == pytest.approx(40)


def test_two_top_answers() -> None:
    assert taken("csat-top-two") == pytest.approx((0.6, 0.2307, 0.8824), abs=5e-5)


def test_mean_answer_keeps_to_the_scale() -> None:
    t4, error = 2.7764451, math.sqrt(2.3 / 5)
    assert taken("csat-mean") == pytest.approx((3.4, 3.4 - t4 * error, 5.0))


def test_retention_and_its_change_with_customers_in_both() -> None:
    assert taken("retention") == pytest.approx((0.9, 0.59585, 0.98212), abs=1e-5)
    now, before = wilson(9, 10), wilson(8, 10)
    assert now.lower is not None and now.upper is not None  # noqa: PT018
    assert before.lower is not None and before.upper is not None  # noqa: PT018
    down, up = 0.9 - now.lower, now.upper - 0.9
    down_0, up_0 = 0.8 - before.lower, before.upper - 0.8
    shared = 8 * 0.01 * 0.02 / math.sqrt(0.009 * 0.016)
    lower = 0.1 - math.sqrt(down**2 + up_0**2 - 2 * shared * down * up_0)
    upper = 0.1 + math.sqrt(up**2 + down_0**2 - 2 * shared * up * down_0)
    assert taken("retention", "change") == pytest.approx((0.1, lower, upper))


def test_revenue_counts_refunds_and_takes_customers_as_a_draw() -> None:
    half = Z * math.sqrt(150**2 + 180**2 + 30**2)
    assert taken("revenue") == pytest.approx((300, 300 - half, 300 + half))
    half = Z * math.sqrt((150 - 80) ** 2 + (180 - 90) ** 2 + 30**2)
    assert taken("revenue", "change") == pytest.approx((130, 130 - half, 130 + half))


def test_order_value_leaves_refunds_out() -> None:
    t1, error = 12.7062047, math.sqrt(2 * (250 / 9) ** 2 * 2)
    assert taken("average-order-value") == pytest.approx((350 / 3, 0, 350 / 3 + t1 * error))


def test_orders_per_customer_who_ordered() -> None:
    value, _, upper = taken("orders-per-customer")
    assert (value, upper) == pytest.approx((1.5, 1.5 + 12.7062047 * 0.5))
    alike = study().metric("orders-per-customer").previous
    assert isinstance(alike, Estimate)
    assert (alike.value, alike.lower) == (1.0, None), "all alike leaves no spread to judge by"


def test_refunds_as_a_share_of_money() -> None:
    r = 50 / 350
    squares = (150 * r) ** 2 + (20 - 200 * r) ** 2 + 30**2
    half = 4.3026527 * math.sqrt(squares * 3 / 2) / 350
    assert taken("refund-share") == pytest.approx((r, 0, r + half))


def test_response_counts_invitations_and_answers_in_time() -> None:
    expected = wilson(5, 9)
    assert taken("response-rate-csat") == pytest.approx(
        (expected.value, expected.lower, expected.upper)
    )


def test_response_with_several_invitations_is_clustered() -> None:
    level = response_level(Answers(surveys()), "nps", NOW)
    assert level.estimate.value == 1.0
    silent = surveys()
    silent.loc[0, ["answered_on", "score"]] = [pd.NaT, None]
    level = response_level(Answers(silent), "nps", NOW)
    r = 5 / 6
    error = math.sqrt(((1 - 2 * r) ** 2 + 4 * (1 - r) ** 2) * 5 / 4) / 6
    assert level.estimate.value == pytest.approx(r)
    assert level.estimate.lower == pytest.approx(r - 2.7764451 * error)
    assert level.estimate.upper == 1.0


def test_anonymous_answers_count_one_by_one() -> None:
    unnamed = surveys().assign(customer_id=None)
    found = study(surveys=unnamed).metric("net-promoter-score").now
    assert isinstance(found, Estimate)
    assert found.n == 6
    assert found.value == pytest.approx(100 * (3 - 2) / 6)
    nameless = unnamed.assign(response_id=None)
    assert study(surveys=nameless).metric("net-promoter-score").now == found


def test_order_of_rows_and_names_do_not_matter() -> None:
    shuffled = study(
        surveys=surveys().sample(frac=1, random_state=1),
        transactions=transactions().sample(frac=1, random_state=2),
        lifetimes=lifetimes().sample(frac=1, random_state=3),
    )
    assert shuffled == study()


def test_periods_that_are_not_covered_are_neither_compared_nor_drawn() -> None:
    revenue = study().metric("revenue")
    assert isinstance(revenue.year_before, NotEstimable)
    assert "do not cover 2025Q2" in revenue.year_before.reason
    assert isinstance(revenue.change_on_year, NotEstimable)
    assert revenue.trend == (("2025Q3", None), ("2025Q4", None), ("2026Q1", 170), ("2026Q2", 300))


@pytest.mark.parametrize(
    ("missing", "id", "reason"),
    [
        ("surveys", "net-promoter-score", "no surveys"),
        ("surveys", "response-rate-csat", "no surveys"),
        ("transactions", "revenue", "no transactions"),
        ("transactions", "average-order-value", "no transactions"),
        ("lifetimes", "retention", "day on which each customer started"),
    ],
)
def test_missing_tables_give_a_sentence_in_place(missing: str, id: str, reason: str) -> None:
    empty: dict[str, Any] = {missing: pd.DataFrame()}
    found = study(**empty)
    now = found.metric(id).now
    assert isinstance(now, NotEstimable)
    assert reason in now.reason
    others = [m for m in found.metrics if isinstance(m.now, Estimate)]
    assert others, "the rest of the scorecard stands"


def test_nobody_lost_is_not_perfect_retention() -> None:
    kept = study(lifetimes=lifetimes().assign(ended=False)).metric("retention").now
    assert isinstance(kept, NotEstimable)
    assert "not recorded" in kept.reason


def test_other_scale_has_no_promoter_score() -> None:
    now = study(scales={"nps": (1, 5), "csat": (1, 5)}).metric("net-promoter-score").now
    assert isinstance(now, NotEstimable)
    assert "from 0 to 10" in now.reason


def test_key_figures_come_first_in_their_order() -> None:
    assert tuple(m.id for m in study().metrics[:5]) == KEY_FIGURES
    chosen = study(key_figures=("refund-share", "revenue"))
    assert [m.id for m in chosen.metrics[:2]] == ["refund-share", "revenue"]
    assert len(chosen.metrics) == len(study().metrics)
    with pytest.raises(SettingsError, match=r"'profit'.*valid are.*revenue"):
        study(key_figures=("profit",))


def test_movements_allow_for_how_many_were_looked_at() -> None:
    moved = study().movements
    # CSAT was not asked in the first quarter, so there is no change of it to test.
    assert [m.id for m in moved] == [
        "net-promoter-score", "retention", "revenue", "average-order-value",
    ]  # fmt: skip
    assert [m.p_adjusted for m in moved] == pytest.approx(holm([m.p_value for m in moved]))


def test_revenue_splits_exactly() -> None:
    split = study().split_on_previous
    assert isinstance(split, RevenueSplit)
    assert (split.customers, split.frequency, split.order_value) == (0.0, 103.33, 66.67)
    assert (split.refunds, split.total) == (-40.0, 130.0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (RevenueFactors(0, 0, 0, 0), RevenueFactors(7, 11, 100_003, 17)),
        (RevenueFactors(7, 11, 100_003, 17), RevenueFactors(0, 0, 0, 500)),
        (RevenueFactors(3, 7, 99_999, 1), RevenueFactors(11, 13, 70_001, 3)),
    ],
)
def test_parts_add_up_to_the_cent_even_with_empty_periods(
    before: RevenueFactors, after: RevenueFactors
) -> None:
    split = split_revenue_change(before, after)
    parts = (split.customers, split.frequency, split.order_value, split.refunds)
    assert sum(round(100 * part) for part in parts) == round(100 * split.total)
    back = split_revenue_change(after, before)
    assert back.customers == pytest.approx(-split.customers, abs=0.011)


def test_reconciliation_in_money_and_per_cent() -> None:
    found = study()
    assert isinstance(found.reconciliation, Reconciliation)
    assert found.reconciliation.difference == 0
    assert "agrees to the cent" in trust_words.word_reconciliation(found.reconciliation, "EUR")
    earlier = found.reconciliations[0]
    assert (earlier.difference, earlier.share) == (-30.0, pytest.approx(-0.15))
    said = trust_words.word_reconciliation(earlier, "EUR")
    assert "falls short" in said
    assert "€30.00 (15.00%)" in said
    with pytest.raises(CannotEstimate, match="2026Q2"):
        reconcile("2026Q2", pd.Series([1.0]), {})


def test_totals_of_all_are_not_held_against_a_segment() -> None:
    found = study(segment="segment=family")
    assert isinstance(found.reconciliation, NotEstimable)
    assert not found.reconciliations


def test_few_customers_are_withheld_everywhere() -> None:
    found = study(Disclosure(enabled=True))
    for metric in found.metrics:
        assert isinstance(metric.now, NotEstimable), metric.id
        assert {level for _, level in metric.trend} <= {None}, "a trend hides nobody less"
    retention = found.metric("retention").now
    assert isinstance(retention, NotEstimable)
    assert "fewer than twenty" in retention.reason, "ten, all told by one share"
    assert isinstance(found.split_on_previous, NotEstimable)
    assert isinstance(found.reconciliation, NotEstimable)


def test_money_of_one_dominant_customer_is_withheld() -> None:
    many = pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(10)],
            "occurred_on": pd.Timestamp("2026-05-01"),
            "amount": [1000.0] + [10.0] * 9,
        }
    )
    revenue = study(Disclosure(enabled=True), transactions=many).metric("revenue").now
    assert isinstance(revenue, NotEstimable)
    assert "half" in revenue.reason
    assert isinstance(study(transactions=many).metric("revenue").now, Estimate)


def test_figure_not_measured_now_is_told_as_it_was_last() -> None:
    early = surveys()
    early = early[(early["instrument"] != "nps") | (early["answered_on"] < "2026-04-01")]
    found = study(surveys=early)
    assert isinstance(found.metric("net-promoter-score").now, NotEstimable)
    assert [(last.id, last.period) for last in found.last_measured] == [
        ("net-promoter-score", "2026Q1")
    ]
    (finding,) = words.find_last_measured(found)
    assert "has no figure for 2026Q2; in 2026Q1 it was 0.0" in finding.sentence


def test_late_answers_to_an_earlier_wave_are_no_measurement() -> None:
    late = surveys()
    late.loc[late["instrument"] == "nps", "invited_on"] = pd.Timestamp("2026-03-30")
    now = study(surveys=late).metric("net-promoter-score").now
    assert now == NotEstimable("No NPS survey was sent in 2026Q2.")
    undated = study(surveys=surveys().drop(columns="invited_on")).metric("net-promoter-score").now
    assert isinstance(undated, Estimate), "without days of invitation answers are all there is"


def test_findings_are_worded_by_what_the_interval_bears() -> None:
    retention = words.find_retention(study())
    assert not isinstance(retention, NotEstimable)
    assert retention.label == "description"
    assert "90.0% (59.6% to 98.2%)" in retention.sentence
    assert "could be chance" in retention.sentence
    assert "97.0% lies within the interval" in retention.sentence
    up = Estimate(0.02, 0.01, 0.03, "share", 900, "x")
    down = Estimate(-50.0, -80.0, -20.0, "EUR", 900, "x")
    assert words.word_change(up, "2026Q1") == "up by 2.0 points (1.0 to 3.0) on 2026Q1"
    assert words.word_change(down, "2026Q1") == "down by €50.00 (€20.00 to €80.00) on 2026Q1"


def test_only_figures_that_moved_become_findings() -> None:
    many = pd.DataFrame(
        [
            (f"C{i}", "nps", when, when, score if i % 10 else 0.0, f"{when}{i}")
            for when, score in (("2026-02-01", 7.0), ("2026-05-01", 10.0))
            for i in range(200)
        ],
        columns=["customer_id", "instrument", "invited_on", "answered_on", "score", "response_id"],
    )
    for column in ("invited_on", "answered_on"):
        many[column] = pd.to_datetime(many[column])
    findings = words.find_moved(study(surveys=many))
    assert [finding.id for finding in findings] == ["scorecard-net-promoter-score"]
    assert "up by 90.0 points" in findings[0].sentence
    assert words.find_moved(study()) == []


def test_trends_have_alternative_text_with_numbers() -> None:
    from matplotlib import pyplot

    found = study()
    figure, alt = draw_trends(list(found.metrics), found)
    assert not isinstance(figure, NotEstimable)
    assert "Retention: 90.0% (59.6% to 98.2%) in 2026Q2" in alt
    pyplot.close(figure)
    beside = study(competitors={"retention": 0.93}, targets={"retention": 0.97})
    figure, alt = draw_trends(list(beside.metrics), beside)
    assert "target 97.0%, competitors 93.0%" in alt
    assert not isinstance(figure, NotEstimable)
    words_drawn = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {"target", "competitors"} <= words_drawn
    pyplot.close(figure)
    figure, alt = draw_small_trends(list(found.metrics), found)
    assert not isinstance(figure, NotEstimable)
    assert "Retention: 100.0% in 2025Q3, 90.0% (59.6% to 98.2%) in 2026Q2" in alt
    pyplot.close(figure)
    no = NotEstimable("No.")
    nothing = Metric("x", "X", no, no, no, no, no)
    reason, _ = draw_trends([nothing], found)
    assert reason == no
