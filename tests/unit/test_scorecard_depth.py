"""Rounding, mix, segments, stages, concentration, silence: each against what it must be."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.disclosure import Disclosure
from analysis.errors import SettingsError
from analysis.intake.dataset import open_dataset
from analysis.intake.periods import Period
from analysis.methods.estimate import CannotEstimate, Estimate, Metric, NotEstimable
from analysis.methods.scorecard.answers import Answers
from analysis.methods.scorecard.customer_value import margin_concentration
from analysis.methods.scorecard.ledger import Ledger, make_ledger
from analysis.methods.scorecard.level import (
    Level,
    change_between,
    median_level,
    ratio_level,
    share_level,
)
from analysis.methods.scorecard.maturity import DEFAULT_MATURITY, read_maturity
from analysis.methods.scorecard.measures import Tables, measures
from analysis.methods.scorecard.mix import published_mix, split_by_mix
from analysis.methods.scorecard.nonresponse import (
    WeightedScore,
    find_candidates,
    published_score,
    weigh_score,
)
from analysis.methods.scorecard.rounding import (
    coarse_step,
    publishable,
    to_step,
    too_few_for_a_rate,
)
from analysis.methods.scorecard.segments import flag_segments
from analysis.methods.scorecard.study import study_scorecard
from analysis.presentation.scorecard_trust_words import (
    word_concentration,
    word_maturity,
    word_silence,
)

ON, OFF = Disclosure(enabled=True), Disclosure(enabled=False)
NOW = Period(dt.date(2026, 4, 1), 3)
NOTHING = NotEstimable("Nothing.")


def ids(*numbers: int) -> np.ndarray:
    return np.array([f"C{i:03d}" for i in numbers], dtype=object)


@pytest.mark.parametrize("n", [20, 77, 519, 2931, 60_013])
@pytest.mark.parametrize("each", [0.013, 1.6063, 119.27, 3041.7])
def test_no_division_gives_the_exact_number_back(n: int, each: float) -> None:
    """A sum, exact, over the published mean: five numbers of customers or more would do."""
    total = n * each
    step = coarse_step(each, n, "EUR per customer")
    shown = to_step(each, step)
    tried = np.arange(1, 2 * n + 10)
    could_be = tried[np.abs(total / tried - shown) <= step / 2 + 1e-12]
    assert n in could_be
    assert len(could_be) >= 5


def test_shares_keep_five_more_or_less_unseen() -> None:
    for n in (40, 676, 4416):
        step = coarse_step(0.5, n, "share")
        assert 5 / n - 1e-12 <= step <= 10 / n
        assert round(1 / step) * step == pytest.approx(1.0), "a share and its rest go together"
    few, enough = (Estimate(0.5, 0.2, 0.8, "share", n, "") for n in (19, 20))
    assert too_few_for_a_rate(few)
    assert not too_few_for_a_rate(enough)
    assert not too_few_for_a_rate(Estimate(5.0, None, None, "EUR", 9, "")), "sums hold no count"


def test_limits_are_rounded_outwards_and_money_not_at_all() -> None:
    exact = Estimate(0.46301, 0.42534, 0.50070, "share", 676, "Wilson")
    shown = publishable(exact, ON)
    assert (shown.value, shown.lower, shown.upper) == (0.464, 0.424, 0.504)
    assert publishable(exact, OFF) == exact
    money = Estimate(548_995.72, 1.0, 2.0, "EUR", 2936, "total")
    assert publishable(money, ON) == money
    assert publishable(Estimate(0.999, 0.99, 0.9999, "share", 100, ""), ON).upper == 1.0
    assert publishable(Estimate(1.0, None, None, "share", 76, ""), ON).value == 1.0
    assert publishable(Estimate(5.0, 4.9, 5.0, "CSAT points", 333, ""), ON).upper == 5.0
    assert to_step(0.3, 0.1, 1) == 0.3, "a multiple stays where it is"


def test_mix_and_within_add_up_exactly() -> None:
    rng = np.random.default_rng(1)
    levels = []
    for period in range(2):
        who = np.sort(rng.choice(400, 250, replace=False))
        orders = rng.integers(1, 5, 250).astype(float)
        levels.append(
            ratio_level(ids(*who), orders * rng.gamma(2, 30 + 5 * period, 250), orders, "EUR each")
        )
    group_of = {f"C{i:03d}": "abc"[i % 3] for i in range(390)}  # the last ten have none
    split = split_by_mix(levels[0], levels[1], group_of)
    change = change_between(levels[0], levels[1])
    assert split.mix.value + split.within.value == pytest.approx(change.value, rel=1e-12)
    assert split.groups == 4
    shown = published_mix(split, levels[0].estimate.value, ON)
    assert shown.mix.value + shown.within.value == shown.total


def test_pure_mix_and_pure_change_are_told_apart() -> None:
    group_of = {f"C{i:03d}": "good" if i < 100 else "poor" for i in range(200)}

    def level(good: range, poor: range, of_good: int, of_poor: int) -> Level:
        who = [*good, *poor]
        event = [i < good.start + of_good for i in good] + [i < poor.start + of_poor for i in poor]
        return share_level(np.array(event), ids(*who))

    # Nine of ten good and one of ten poor before and after; only their numbers change.
    moved = split_by_mix(
        level(range(80), range(100, 120), 72, 2), level(range(20), range(100, 180), 18, 8), group_of
    )
    assert moved.within.value == pytest.approx(0.0)
    assert moved.mix.value == pytest.approx(0.74 - 0.26)
    assert moved.mix.lower is not None
    assert moved.mix.lower > 0
    # The same customers, the good ones better.
    better = split_by_mix(
        level(range(50), range(100, 150), 45, 5), level(range(50), range(100, 150), 25, 5), group_of
    )
    assert better.mix.value == pytest.approx(0.0)
    assert better.within.value == pytest.approx(0.2)
    one = level(range(50), range(100, 150), 45, 5)
    with pytest.raises(CannotEstimate, match="one segment"):
        split_by_mix(one, one, dict.fromkeys(group_of, "all"))


def test_a_segment_that_ends_counts_as_mix() -> None:
    now = share_level(np.array([True, False]), ids(1, 2))
    before = share_level(np.array([True, False, True, True]), ids(1, 2, 3, 4))
    split = split_by_mix(now, before, {"C001": "a", "C002": "a", "C003": "b", "C004": "b"})
    assert split.within.value == 0
    assert split.mix.value == pytest.approx(0.5 - 0.75)
    with pytest.raises(CannotEstimate, match="one segment"):
        split_by_mix(now, before, {"C099": "a"})


def test_segments_are_flagged_by_what_holm_leaves() -> None:
    rng = np.random.default_rng(3)
    who = ids(*range(900))
    worse = np.arange(900) < 300
    level = share_level(rng.random(900) < np.where(worse, 0.3, 0.6), who)
    groups = {
        "region": {
            str(c): "West" if i < 300 else ("East", "South")[i % 2] for i, c in enumerate(who)
        }
    }
    found = flag_segments([("csat-top-two", "CSAT", level)], groups, ON)
    assert found.compared == 3
    assert {f.value for f in found.flags} >= {"West"}
    west = next(f for f in found.flags if f.value == "West")
    assert west.difference.upper is not None
    assert west.difference.upper < 0
    two = {"plan": {str(c): "ab"[i % 2] for i, c in enumerate(who)}}
    assert flag_segments([("x", "X", level)], two, ON).compared == 1, "of two, one is enough"
    few = {"plan": {str(c): "a" if i < 29 else "b" for i, c in enumerate(who)}}
    assert flag_segments([("x", "X", level)], few, ON).compared == 0


def test_group_of_all_alike_does_not_shout() -> None:
    """Thirty of thirty is no certainty: a variance of nought is not believed."""
    event = np.r_[np.ones(30, bool), np.arange(300) % 20 > 0]
    group = {f"C{i:03d}": "a" if i < 30 else "b" for i in range(330)}
    found = flag_segments([("x", "X", share_level(event, ids(*range(330))))], {"g": group}, ON)
    assert found.compared == 1
    assert not found.flags


def metric(id: str, value: float, half: float, better: bool = True) -> Metric:
    now = Estimate(value, value - half, value + half, "share", 500, "x")
    return Metric(id, id, now, NOTHING, NOTHING, NOTHING, NOTHING, (), better)


def test_stages_are_reached_one_after_the_other() -> None:
    asked = {"basic": {"a": 0.5}, "expected": {"b": 0.5}, "extended": {"c": 0.1}}
    metrics = {
        m.id: m
        for m in (metric("a", 0.6, 0.05), metric("b", 0.4, 0.2), metric("c", 0.05, 0.01, False))
    }
    found = read_maturity(metrics, asked)
    assert (found.reached, found.open, found.certain) == ("basic", "expected", False)
    assert [r.verdict for r in found.requirements] == ["met", "just missed", "met"]
    assert not found.default
    assert (
        "has reached basic. For the stage expected it lacks “b” of at least 50.0%"
        in word_maturity(found)
    )
    metrics["b"] = metric("b", 0.9, 0.01)
    done = read_maturity(metrics, asked)
    assert (done.reached, done.open) == ("extended", "anticipating"), (
        "nothing was asked of the last"
    )
    missing = {id: Metric(id, id, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING) for id in "abc"}
    assert "cannot be read" in word_maturity(read_maturity(missing, asked))


def test_default_stages_name_figures_that_exist() -> None:
    empty = pd.DataFrame()
    tables = Tables(*[empty] * 8)
    economics = SimpleNamespace(gross_margin=0.4, discount_rate_annual=0.1, horizon_months=12)
    settings = SimpleNamespace(
        scales={}, importance={}, currency="EUR", churn=SimpleNamespace(rule="contract"),
        economics=economics,
    )  # fmt: skip
    found = measures(tables, Answers(empty), Ledger(empty), settings, NOW)
    known = {m.id: m for m in found}
    for asked in DEFAULT_MATURITY.values():
        for id in asked:
            assert known[id].higher_is_better is not None
    for measure in found:
        with pytest.raises(CannotEstimate):
            measure.level(NOW)


def money(amounts: np.ndarray) -> Ledger:
    rows = pd.DataFrame(
        {
            "customer_id": ids(*range(len(amounts))),
            "occurred_on": pd.Timestamp("2026-05-01"),
            "amount": amounts,
        }
    )
    return Ledger(make_ledger(rows, pd.DataFrame(), 0.5))


def test_margin_by_tenths() -> None:
    # 1 to 100, margin half of that: the last ten hold (91 + … + 100) / 5050 = 955 / 5050.
    found = margin_concentration(
        money(np.arange(1.0, 101.0)), pd.DataFrame(), dt.date(2026, 1, 1), NOW, OFF
    )
    assert found.top_share.value == pytest.approx(955 / 5050)
    assert [d.mean for d in found.deciles[:2]] == pytest.approx([95.5 / 2, 85.5 / 2])
    assert sum(d.share for d in found.deciles) == pytest.approx(1.0)
    # Gini of 1 … n is (n − 1) / (3 n): 99 / 300.
    assert found.gini == 0.33
    assert found.months == 6
    assert "Nobody cost more" in word_concentration(found)


def test_contacts_may_cost_more_than_a_customer_brings() -> None:
    contacts = pd.DataFrame(
        {
            "customer_id": ids(*range(12)),
            "opened_at": pd.Timestamp("2026-05-02"),
            "cost": 60.0,
            "compensation": [None, 1.0] * 6,
        }
    )
    ledger = money(np.full(100, 100.0))
    found = margin_concentration(ledger, contacts, None, NOW, ON)
    assert found.service_cost
    assert isinstance(found.at_a_loss, Estimate)
    assert found.at_a_loss.value == pytest.approx(0.12, abs=0.03)
    few = margin_concentration(ledger, contacts[:5], None, NOW, ON)
    assert isinstance(few.at_a_loss, NotEstimable), "five customers are not pointed at"
    assert "Fewer than eight" in word_concentration(few)
    with pytest.raises(CannotEstimate, match="at least 80"):
        margin_concentration(money(np.ones(79)), pd.DataFrame(), None, NOW, ON)


def test_median_counts_what_is_still_open() -> None:
    who = ids(*range(5))
    found = median_level(np.array([1.0, 2.0, 3.0, np.inf, np.inf]), who, "hours")
    assert found.estimate.value == 3.0
    assert found.estimate.lower is None, "the upper limit lies beyond what was seen"
    with pytest.raises(CannotEstimate, match="still open"):
        median_level(np.array([1.0, 2.0, np.inf, np.inf, np.inf]), who, "hours")


def survey_of(rng: np.random.Generator, n: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Those who order more are happier and answer more often."""
    who = ids(*range(n))
    orders = rng.poisson(3, n)
    answers = rng.random(n) < 1 / (1 + np.exp(-(orders - 3.0)))
    score = np.clip(np.round(5 + orders + rng.normal(0, 1, n)), 0, 10)
    surveys = pd.DataFrame(
        {
            "response_id": who, "customer_id": who, "instrument": "nps",
            "invited_on": pd.Timestamp("2026-05-01"),
            "answered_on": pd.Series(pd.Timestamp("2026-05-03"), index=range(n)).where(answers),
            "score": np.where(answers, score, np.nan),
        }
    )  # fmt: skip
    spent = pd.DataFrame(
        {
            "customer_id": np.repeat(who, orders),
            "occurred_on": pd.Timestamp("2026-03-01"),
            "amount": 10.0,
        }
    )
    customers = pd.DataFrame({"customer_id": who, "started_on": pd.Timestamp("2025-01-01")})
    return surveys.assign(truth=score), spent, customers


def test_weights_move_a_score_towards_that_of_all() -> None:
    surveys, spent, customers = survey_of(np.random.default_rng(5), 900)
    rows = make_ledger(spent, pd.DataFrame(), 1.0)
    found = find_candidates(Answers(surveys), "nps", customers, rows, pd.DataFrame(), NOW)
    assert len(found.customers) == 900
    score = weigh_score("x", "The mean", found, lambda x: x, "points", (0.0, 10.0), 9.5, "target")
    truth = float(surveys["truth"].mean())
    assert score.raw.lower is not None
    assert score.weighted.lower is not None
    assert score.weighted.upper is not None
    assert score.raw.lower > truth
    assert score.weighted.lower <= truth <= score.weighted.upper
    assert score.shift.value == pytest.approx(score.weighted.value - score.raw.value)
    assert "Even if all the silent" in word_silence(score, "2026Q1") or "To reach" in word_silence(
        score, "2026Q1"
    )


def test_published_scores_part_by_what_the_weights_do() -> None:
    surveys, spent, customers = survey_of(np.random.default_rng(5), 90)
    rows = make_ledger(spent, pd.DataFrame(), 1.0)
    found = find_candidates(Answers(surveys), "nps", customers, rows, pd.DataFrame(), NOW)
    exact = weigh_score("x", "The score", found, lambda x: 10 * x, "points", (0.0, 100.0), None, "")
    shown = published_score(exact, ON)
    assert isinstance(shown, WeightedScore)
    assert shown.shift.value == pytest.approx(exact.shift.value, abs=0.05)
    assert shown.weighted.value - shown.raw.value == pytest.approx(shown.shift.value)
    assert shown.raw.value % coarse_step(0, shown.raw.n, "points") == 0
    assert isinstance(exact.tipping, NotEstimable)
    assert published_score(exact, OFF) == exact


def test_anonymous_invitations_cannot_be_weighted() -> None:
    surveys, spent, customers = survey_of(np.random.default_rng(5), 60)
    rows = make_ledger(spent, pd.DataFrame(), 1.0)
    nameless = Answers(surveys.assign(customer_id=None))
    with pytest.raises(CannotEstimate, match="carries a customer"):
        find_candidates(nameless, "nps", customers, rows, pd.DataFrame(), NOW)


def test_undeclared_figures_are_refused_with_what_is_valid(make_dataset: Any) -> None:
    base = (
        "company: A\ncurrency: EUR\ncovers: {from: 2026-01-01, to: 2026-06-30}\n"
        "sources: {customers: customers.csv}\ntables: {customers: {}}\n"
    )
    csv = "customer_id,started_on\nA,2026-01-01\n"
    for line, place in (
        ("competitors: {nps: 30}", "competitors"), ("targets: {profit: 1}", "targets"),
        ("competitors: {retention: inf}", "competitors.retention"),
        ("importance: {price: -1}", "importance.price"),
        ("maturity: {basic: {speed: 1}}", "maturity.basic"),
        ("maturity: {heroic: {retention: 1}}", "no stage 'heroic'"),
    ):  # fmt: skip
        folder = make_dataset(base + line + "\n", customers=csv)
        with pytest.raises(SettingsError, match=place):
            refuse(folder)


def refuse(folder: Path) -> None:
    data = open_dataset(folder, period="2026Q2")
    tables = Tables(data.table("customers"), *[pd.DataFrame()] * 7)
    study_scorecard(data.period, tables, data.settings, data.disclosure)
