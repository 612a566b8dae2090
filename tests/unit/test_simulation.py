"""The example company: the same every time, possible in itself, and as it is committed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis.simulation.__main__ import main
from analysis.simulation.journeys import Histories, live_through, quarter_openings
from analysis.simulation.people import People, draw_people
from analysis.simulation.programmes import NEVER, Switches, gift_probability
from analysis.simulation.world import Streams, World

DEMO = Path(__file__).resolve().parents[2] / "data/demo"
LARGEST_DEMO_BYTES = 6_291_456
WORLD = World()


def make(folder: Path, *arguments: str) -> Path:
    main([*arguments, "--replicates", "0", "--to", str(folder)])
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("small"), "--customers", "300", "--seed", "8")


@pytest.fixture(scope="module")
def tables(small: Path) -> dict[str, pd.DataFrame]:
    return {path.stem: pd.read_csv(path) for path in small.glob("*.csv")}


@pytest.fixture(scope="module")
def company() -> tuple[People, Streams, Histories]:
    streams = Streams(8)
    people = draw_people(WORLD, streams, 1500)
    return people, streams, live_through(WORLD, people, streams)


def test_the_same_seed_gives_the_same_bytes(small: Path, tmp_path: Path) -> None:
    again = make(tmp_path, "--customers", "300", "--seed", "8")
    assert contents(again) == contents(small)


def test_another_seed_gives_another_company(small: Path, tmp_path: Path) -> None:
    other = contents(make(tmp_path, "--customers", "300", "--seed", "9"))
    same = {name for name, content in contents(small).items() if other[name] == content}
    assert same == {"decisions.csv"}


# Possible in itself


def test_nothing_happens_before_the_start_or_after_the_end(tables: dict) -> None:
    customers = tables["customers"].set_index("customer_id")
    assert customers["ended_on"].notna().any()
    dates = {"transactions": "occurred_on", "contacts": "opened_at", "surveys": "invited_on"}
    for name, column in dates.items():
        rows = tables[name]
        day = rows[column].str[:10]
        ended = rows["customer_id"].map(customers["ended_on"]).fillna("9999")
        assert (day <= ended).all(), name
        assert (day >= rows["customer_id"].map(customers["started_on"])).all(), name
        assert day.between(str(WORLD.first_day), str(WORLD.last_day)).all(), name


def test_answers_follow_invitations(tables: dict) -> None:
    surveys = tables["surveys"]
    answered = surveys[surveys["answered_on"].notna()]
    assert (answered["answered_on"] >= answered["invited_on"]).all()
    assert (surveys["score"].notna() == surveys["answered_on"].notna()).all()
    low, high = (
        surveys["instrument"].map({"csat": 1, "nps": 0}),
        surveys["instrument"].map({"csat": 5, "nps": 10}),
    )
    assert ((surveys["score"] >= low) & (surveys["score"] <= high))[surveys["score"].notna()].all()
    assert surveys["score"].isna().any()


def test_keys_are_unique_and_known(tables: dict) -> None:
    keys = {"customers": "customer_id", "transactions": "transaction_id", "contacts": "contact_id",
            "surveys": "response_id"}  # fmt: skip
    for name, key in keys.items():
        assert tables[name][key].is_unique, name
    known = set(tables["customers"]["customer_id"])
    for name in ("transactions", "surveys", "contacts", "exposures"):
        assert set(tables[name]["customer_id"]) <= known, name


def test_the_ledger_agrees_with_the_orders(small: Path, tables: dict) -> None:
    settings = yaml.safe_load((small / "dataset.yml").read_text(encoding="utf-8"))
    transactions = tables["transactions"]
    quarter = pd.PeriodIndex(pd.to_datetime(transactions["occurred_on"]), freq="Q").astype(str)
    sums = transactions["amount"].groupby(quarter).sum()
    ledger = settings["control_totals"]["revenue"]
    assert list(ledger) == ["2025Q3", "2025Q4", "2026Q1", "2026Q2"]
    for name, total in ledger.items():
        assert sums[name] == pytest.approx(total, abs=0.005)


def test_refunds_follow_an_order_of_the_same_customer(tables: dict) -> None:
    transactions = tables["transactions"]
    refunds = transactions[transactions["amount"] < 0]
    assert len(refunds)
    first = transactions[transactions["amount"] > 0].groupby("customer_id")["occurred_on"].min()
    assert (refunds["occurred_on"] > refunds["customer_id"].map(first)).all()


# Programmes can be told apart from chance and from nothing


def test_both_arms_are_possible_for_everybody() -> None:
    chance = gift_probability(np.array([0.0, 100.0, 520.0, 1e3, 1e6]))
    assert chance.min() >= 0.05
    assert chance.max() <= 0.95
    assert (np.diff(chance) >= 0).all()
    assert 0.05 <= WORLD.call_backs_share <= 0.95
    assert 0.05 <= WORLD.compensation_customers_share <= 0.95


def test_shares_given_a_programme_are_those_planted(company: tuple) -> None:
    _, _, histories = company
    gifts = histories.gifts[histories.gift_pool]
    assert 0.05 < gifts.mean() < 0.95
    assert not histories.gifts[~histories.gift_pool].any()
    decided = histories.call_back_day < NEVER
    called = histories.called[decided].mean()
    assert abs(called - WORLD.call_backs_share) < 4 * np.sqrt(0.25 / decided.sum())
    assert not histories.called[~decided].any()


def test_waves_and_areas_never_reached(tables: dict) -> None:
    rollout = tables["rollout"]
    assert rollout["area"].is_unique
    assert len(rollout) == WORLD.areas
    assert rollout["starts_on"].nunique() >= 3
    assert rollout["starts_on"].isna().sum() >= 8
    first = dt.date.fromisoformat(rollout["starts_on"].dropna().min())
    assert (first - WORLD.first_day).days >= 365  # there is a before to compare with


# Common random numbers


@pytest.mark.parametrize(
    "programme", ["live_chat", "loyalty_gifts", "compensation_budget", "call_backs"]
)
def test_switching_a_programme_off_touches_only_the_treated(programme: str, company: tuple) -> None:
    people, streams, on = company
    off = live_through(WORLD, people, streams, Switches(**{programme: False}))
    treated = {
        "live_chat": on.rollout_day[people.area] < NEVER,
        "loyalty_gifts": on.gifts,
        "compensation_budget": on.compensated,
        "call_backs": on.called,
    }[programme]
    assert treated.any()
    assert (~treated).any()
    np.testing.assert_array_equal(on.spend[~treated], off.spend[~treated])
    np.testing.assert_array_equal(on.end_day[~treated], off.end_day[~treated])
    gained = (on.spend - off.spend)[treated].sum()
    # Call-backs are planted as doing nothing at all: noise, not a gain.
    assert gained == 0 if programme == "call_backs" else gained > 0
    if programme != "live_chat":  # more spend before them brings more gifts: part of what it does
        np.testing.assert_array_equal(on.gifts, off.gifts)


def test_a_raised_score_changes_nothing_before_its_quarter(company: tuple) -> None:
    people, streams, base = company
    quarter = 6
    raised = live_through(WORLD, people, streams, shifted_quarter=quarter)
    np.testing.assert_array_equal(base.spend[:, :quarter], raised.spend[:, :quarter])
    active = base.active_at_opening[:, quarter]
    np.testing.assert_array_equal(active, raised.active_at_opening[:, quarter])
    assert raised.spend[active, quarter].mean() > base.spend[active, quarter].mean()


def test_streams_repeat_and_differ_by_purpose_and_step() -> None:
    streams = Streams(3)
    first = streams.of("noise", 2).random(5)
    np.testing.assert_array_equal(first, streams.of("noise", 2).random(5))
    for other in (streams.of("noise", 3), streams.of("churn", 2), Streams(4).of("noise", 2)):
        assert not np.isin(first, other.random(5)).any()


def test_quarters_open_on_their_first_days() -> None:
    openings = quarter_openings(WORLD)
    days = [WORLD.first_day + dt.timedelta(days=int(number)) for number in openings]
    assert days[0] == WORLD.first_day
    assert days[-1] == WORLD.last_day + dt.timedelta(days=1)
    assert len(days) == 13
    assert {day.day for day in days} == {1}
    assert {day.month for day in days} == {1, 4, 7, 10}


# As it is committed


def test_demo_is_small_enough_to_commit() -> None:
    assert sum(path.stat().st_size for path in DEMO.iterdir()) <= LARGEST_DEMO_BYTES


def test_demo_is_what_the_code_writes(tmp_path: Path) -> None:
    made = contents(make(tmp_path))
    committed = contents(DEMO)
    assert set(committed) == {*made, "truth.yml"}
    differing = [name for name, content in made.items() if committed[name] != content]
    assert differing == []
    truth = yaml.safe_load(committed["truth.yml"])
    ratio = truth["estimands"]["churn_hazard_ratio_per_csat_point"]["value"]
    assert ratio == WORLD.csat_hazard_ratio
