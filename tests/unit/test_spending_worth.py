"""What a point is worth: nothing counts twice, the parts sum, and signs follow the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.disclosure import Disclosure
from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable, attempt
from analysis.methods.spending.horizon import MarginPerMonth, worth_over_horizon
from analysis.methods.spending.rows import panel_rows
from analysis.methods.spending.worth import WorthStudy, margin_among_active, study_worth
from analysis.methods.survival.nonparametric import SurvivalCurve, kaplan_meier
from analysis.presentation import output, spend_tables, spend_words

OPEN = Disclosure(enabled=False)
CUSTOMERS, PERIODS = 300, 8


def flat_curve(hazard: float = 0.02, n: int = 400) -> SurvivalCurve:
    lasts = np.random.default_rng(1).exponential(1 / hazard, n)
    return kaplan_meier(np.zeros(n), np.minimum(lasts, 90), lasts <= 90)


def ratio_of(value: float, error: float = 0.05) -> Estimate:
    limits = value * np.exp(1.959964 * error * np.array([-1, 1]))
    return Estimate(value, float(limits[0]), float(limits[1]), "hazard ratio", 400, "given")


def margin_of(level: float = 15.0, slope: float = 2.0, variance: Any = None) -> MarginPerMonth:
    return MarginPerMonth(level, slope, np.diag([0.2, 0.1]) if variance is None else variance)


TENURE = np.linspace(0, 20, 25)


def worth(
    curve: SurvivalCurve, ratio: Estimate | None, margin: MarginPerMonth, **options: Any
) -> Any:
    settings = {"horizon_months": 24, "discount_rate_annual": 0.1, "currency": "EUR"} | options
    return worth_over_horizon(curve, TENURE, ratio, margin, **settings)


def test_the_sum_is_that_of_its_definition() -> None:
    curve, level, slope = flat_curve(), 15.0, 2.0
    total = 0.0
    for tenure in TENURE:
        for month in range(1, 25):
            stays = curve.at(tenure + month).value / curve.at(tenure).value
            gained = stays**0.8 * (level + slope) - stays * level
            total += gained * 1.1 ** (-month / 12)
    found = worth(curve, ratio_of(0.8), margin_of(level, slope))
    assert found.total.value == pytest.approx(total)
    assert found.by_spend.value + found.by_staying.value == pytest.approx(total)


def test_without_a_slope_only_staying_counts_and_without_a_ratio_only_spend() -> None:
    curve = flat_curve()
    staying = worth(curve, ratio_of(0.8), margin_of(slope=0.0))
    assert staying.by_spend.value == 0
    assert staying.total.value == pytest.approx(staying.by_staying.value)
    assert staying.total.value > 0
    spending = worth(curve, None, margin_of())
    assert spending.by_staying.value == pytest.approx(0)
    assert spending.total.value == pytest.approx(spending.by_spend.value)


def test_interval_holds_the_moves_of_each_input() -> None:
    """The delta method against numerical derivatives, input by input."""
    curve = flat_curve()

    def total(ratio: float = 0.8, level: float = 15.0, slope: float = 2.0) -> float:
        found = worth(curve, ratio_of(ratio), margin_of(level, slope))
        return float(found.total.value)

    def half(estimate: Estimate) -> float:
        assert estimate.upper is not None
        return estimate.upper - estimate.value

    step = 1e-5
    by_log_ratio = (total(0.8 * np.exp(step)) - total(0.8 * np.exp(-step))) / (2 * step)
    by_level = (total(level=15 + step) - total(level=15 - step)) / (2 * step)
    by_slope = (total(slope=2 + step) - total(slope=2 - step)) / (2 * step)
    none = np.zeros((2, 2))
    of_curve = half(worth(curve, None, margin_of(slope=2, variance=none)).total)
    exact = worth(curve, ratio_of(0.8, 1e-9), margin_of(variance=none))
    both = np.array([[0.2, 0.05], [0.05, 0.1]])
    moved = np.array([by_level, by_slope])
    expected = 1.959964 * np.sqrt(moved @ both @ moved + (0.05 * by_log_ratio) ** 2)
    found = worth(curve, ratio_of(0.8), margin_of(variance=both))
    assert np.sqrt(half(found.total) ** 2 - half(exact.total) ** 2) == pytest.approx(
        expected, rel=1e-5
    )
    assert of_curve > 0


def test_error_of_the_curve_is_greenwoods() -> None:
    """One customer, one month of horizon, margin one: V is the share that stays."""
    curve = flat_curve(hazard=0.1)
    margin = MarginPerMonth(0.0, 1.0, np.zeros((2, 2)))
    found = worth_over_horizon(curve, np.array([0.0]), None, margin, 1, 0.0, "EUR")
    at = curve.at(1.0)
    place = int(np.searchsorted(curve.times, 1.0, side="right"))
    risk, events = curve.at_risk[:place], curve.events[:place]
    greenwood = at.value * np.sqrt((events / (risk * (risk - events))).sum())
    assert found.total.value == pytest.approx(at.value)
    assert found.total.upper is not None
    assert (found.total.upper - found.total.value) / 1.959964 == pytest.approx(greenwood)


def test_nobody_is_extrapolated() -> None:
    curve = flat_curve()
    far = np.concatenate([TENURE, [80.0, 85.0]])
    found = worth_over_horizon(curve, far, None, margin_of(), 24, 0.1, "EUR")
    assert (found.customers, found.left_out) == (25, 2)
    with pytest.raises(CannotEstimate, match="within follow-up"):
        worth_over_horizon(curve, np.array([85.0]), None, margin_of(), 24, 0.1, "EUR")


# The whole, from frames ---------------------------------------------------------------------


def company(
    slope: float = 5.0, ratio: float = 0.7
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Customer-periods, lifetimes and intervals; the score moves spend and the hazard."""
    rng = np.random.default_rng(21)
    rows, lives, spans = [], [], []
    for i in range(CUSTOMERS):
        name, mood = f"C{i:03d}", rng.normal(3.5, 0.6)
        tenure = float(rng.uniform(1, 40))
        previous = np.nan
        for period in range(PERIODS):
            score = float(np.clip(np.rint(mood + rng.normal(0, 0.9)), 1, 5))
            leaves = rng.random() < 1 - np.exp(-0.06 * ratio ** (score - 3))
            stays = rng.random() if leaves else 1.0
            spend = stays * (100 + 15 * mood + slope * score + 8 * rng.normal())
            rows.append((name, period, tenure, leaves, spend, previous, score, 2 * score))
            spans.append((name, 1, tenure, tenure + 3 * stays, leaves, score))
            previous, tenure = spend, tenure + 3 * stays
            if leaves:
                break
        lives.append((name, 1, spans[-1 - period][2], tenure, leaves))
    frame = pd.DataFrame(
        rows,
        columns=[
            "customer_id", "period_index", "tenure_months", "left", "spend", "previous_spend",
            "csat_score", "nps_score",
        ],
    ).assign(csat_age_days=10.0, nps_age_days=10.0)  # fmt: skip
    frame = frame.assign(
        period="P" + frame["period_index"].astype(str), margin=0.4 * frame["spend"],
        segment=np.where(frame["customer_id"].str[-1].isin(list("02468")), "a", "b"),
    )  # fmt: skip
    groups = frame.drop_duplicates("customer_id").set_index("customer_id")["segment"]
    lifetimes = pd.DataFrame(
        lives, columns=["customer_id", "spell", "entry_months", "exit_months", "ended"]
    )
    intervals = pd.DataFrame(
        spans, columns=["customer_id", "spell", "start_months", "stop_months", "ended", "score"]
    )
    return (
        frame,
        lifetimes.assign(segment=lifetimes["customer_id"].map(groups)),
        intervals.assign(segment=intervals["customer_id"].map(groups)),
    )


def worth_of(slope: float = 5.0, ratio: float = 0.7, months: int = 12) -> WorthStudy:
    frame, lifetimes, intervals = company(slope, ratio)
    rows, nps = attempt(panel_rows, frame), attempt(panel_rows, frame, "nps")
    return study_worth(rows, nps, frame, lifetimes, intervals, "EUR", 3, 0.1, months)


def known(value: object) -> Any:
    assert not isinstance(value, NotEstimable), value
    return value


def test_margin_in_the_horizon_is_that_of_customers_who_stay() -> None:
    study = worth_of(ratio=0.4)
    total = known(study.csat.per_customer).value * 0.4
    among_active = known(study.csat.slope_active)
    # Who leaves spends less that quarter; satisfied customers leave less: the total slope holds both.
    assert among_active.lower < 5 * 0.4 < among_active.upper
    assert total > among_active.value
    assert known(study.csat.level_active) > 0


def test_level_and_slope_have_the_errors_that_each_has_alone() -> None:
    frame, *_ = company()
    rows = panel_rows(frame)
    both = margin_among_active(rows, frame)
    stayed = frame[~frame["left"]]
    monthly = stayed["margin"] / 3
    sums = (monthly - monthly.mean()).groupby(stayed["customer_id"]).sum()
    customers = len(sums)
    error = np.sqrt((sums**2).sum() * customers / (customers - 1)) / len(stayed)
    assert both.level == pytest.approx(monthly.mean())
    assert np.sqrt(both.variance[0, 0]) == pytest.approx(error)
    alone = known(worth_of().csat.slope_active)
    assert both.slope == pytest.approx(alone.value / 3)
    # The slope's own error counts only customers with a score; here that is nearly everybody.
    half = alone.upper - alone.value
    assert 1.96 * np.sqrt(both.variance[1, 1]) == pytest.approx(half / 3, rel=0.02)
    assert abs(both.variance[0, 1]) > 0


def test_base_is_all_who_are_active_at_the_end() -> None:
    study = worth_of()
    frame, *_ = company()
    last = frame[frame["period_index"] == PERIODS - 1]
    assert study.active_customers == int((~last["left"]).sum())
    base = known(study.csat.base)
    assert base.value == pytest.approx(
        known(study.csat.per_customer).value * study.active_customers
    )
    assert base.n == study.active_customers


def test_ten_nps_points_are_a_tenth_of_a_group() -> None:
    frame, lifetimes, intervals = company()
    rows = panel_rows(frame, "nps")
    study = worth_of()
    contributions = np.where(rows.score > 8.5, 1.0, np.where(rows.score > 6.5, 0.0, -1.0))
    frame_of_groups = frame.assign(
        csat_score=np.where(
            frame["nps_score"] > 8.5, 1.0, np.where(frame["nps_score"] > 6.5, 0.0, -1.0)
        )
    )
    assert set(contributions) == {-1.0, 0.0, 1.0}
    groups = panel_rows(frame_of_groups)
    one = study_worth(groups, rows, frame_of_groups, lifetimes, intervals, "EUR", 3, 0.1, 12)
    assert known(study.nps.per_customer).value == pytest.approx(
        0.1 * known(one.csat.per_customer).value
    )
    assert known(study.nps.hazard_ratio).value < 1
    assert known(study.nps.horizon).total.value > 0


def shown(study: WorthStudy, monkeypatch: pytest.MonkeyPatch, disclosure: Disclosure) -> str:
    texts: list[str] = []

    def publish(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        texts.append(data.get("text/html") or data.get("text/plain", ""))

    monkeypatch.setattr(output, "publish_output", publish)
    spend_tables.show_worth_table(study, disclosure)
    spend_words.show_worth_sentence(study, disclosure)
    return " ".join(texts)


def test_words_follow_the_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = shown(worth_of(), monkeypatch, OPEN)
    assert "lies in higher spend of those who stay" in usual
    assert "in more of them staying" in usual
    assert "opposite directions" not in usual
    contrary = shown(worth_of(ratio=1.8), monkeypatch, OPEN)
    assert "in fewer of them staying" in contrary
    assert "The two pull in opposite directions" in contrary


def test_money_of_few_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, lifetimes, intervals = company()
    last = frame["period_index"] == PERIODS - 1
    here = frame["customer_id"][last & ~frame["left"]].head(5)
    few = frame.assign(left=frame["left"] | (last & ~frame["customer_id"].isin(here)))
    rows = attempt(panel_rows, few)
    study = study_worth(rows, rows, few, lifetimes, intervals, "EUR", 3, 0.1, 12)
    assert study.active_customers == 5
    text = shown(study, monkeypatch, Disclosure(enabled=True))
    assert "active at the end (fewer than eight)" in text
    row = next(part for part in text.split("<tr>") if "Margin of all active customers" in part)
    assert "€" not in row


def test_nobody_left_at_the_end_is_worth_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, lifetimes, intervals = company()
    gone = frame.assign(left=frame["left"] | (frame["period_index"] == PERIODS - 1))
    rows = attempt(panel_rows, gone)
    ended = lifetimes.assign(ended=True)
    study = study_worth(rows, rows, gone, ended, intervals, "EUR", 3, 0.1, 12)
    assert isinstance(study.csat.base, NotEstimable)
    assert isinstance(study.csat.horizon, NotEstimable)
    assert shown(study, monkeypatch, OPEN)


def test_nothing_known_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, lifetimes, intervals = company()
    empty = NotEstimable("No customer has a known CSAT answer.")
    bare = frame.drop(columns=["csat_score", "nps_score"])
    study = study_worth(empty, empty, bare, lifetimes, intervals.head(0), "EUR", 3, 0.1, 12)
    assert "No customer has a known CSAT answer." in shown(study, monkeypatch, OPEN)


def test_sum_over_the_base_gives_no_exact_count_away(monkeypatch: pytest.MonkeyPatch) -> None:
    frame, lifetimes, intervals = company()
    rows = attempt(panel_rows, frame)
    study = study_worth(rows, rows, frame, lifetimes, intervals, "EUR", 3, 0.1, 12)
    published: list[dict[str, Any]] = []
    monkeypatch.setattr(
        output, "publish_output", lambda data, metadata=None: published.append(data)
    )
    spend_tables.show_worth_table(study, Disclosure(enabled=True))
    shown = published[0][output.ESTIMATES_MIME]["estimates"]
    ratio = shown["csat-base"]["value"] / shown["csat-per-customer"]["value"]
    assert ratio == pytest.approx(study.active_customers, rel=0.1)
    exact = study.csat.per_customer.value
    for name, n in (("csat-per-customer", 1), ("csat-base", 5 * round(study.active_customers / 5))):
        value = shown[name]["value"]
        assert 1e-4 < abs(value / (exact * n) - 1) < 0.05, "both are in steps"
