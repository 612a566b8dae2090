"""Programmes that allow no fair comparison, or an odd one, end to end through their notebook."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

NOTEBOOK = "04_service_roi"
N = 180
START = "2025-01-01"
LEAKED = re.compile(r"\b(nan|inf|None(?! of)|NaT|NotEstimable|Estimate\()")

Tables = dict[str, pd.DataFrame]


def _days(first: str, offsets: np.ndarray) -> np.ndarray:
    """Dates so many days on; empty where the number is missing."""
    whole = np.nan_to_num(offsets).astype(np.int64)
    days = (np.datetime64(first, "D") + whole).astype(str)
    return np.where(np.isnan(offsets), "", days)


def company() -> Tables:
    """Customers who order every month, a tenth of whom leave in the second year."""
    rng = np.random.default_rng(17)
    who = np.array([f"C{i:03d}" for i in range(N)])
    started = np.arange(N) - 400
    leaves = rng.random(N) < 0.1
    ended = np.where(leaves, rng.integers(420, 700, N), np.nan)
    customers = pd.DataFrame(
        {
            "customer_id": who,
            "started_on": _days("2024-01-01", started),
            "ended_on": _days("2024-01-01", ended),
            "segment": np.where(rng.random(N) < 0.5, "private", "business"),
            "contract": "monthly",
            "area": [f"A{i % 20}" for i in range(N)],
        }
    )
    level = rng.gamma(6, 10, N)
    order = np.repeat(np.arange(N), 24)
    day = np.tile(np.arange(24) * 30 + 3, N) + rng.integers(0, 20, 24 * N)
    there = np.where(np.isnan(ended), 720, ended)[order] > day
    orders = pd.DataFrame(
        {
            "transaction_id": [f"T{i:05d}" for i in range(24 * N)],
            "customer_id": who[order],
            "occurred_on": _days("2024-01-01", day),
            "amount": np.round(level[order] * rng.gamma(4, 0.25, 24 * N) + 1, 2),
        }
    )[there]
    return {"customers": customers, "transactions": orders}


def programme(*rows: tuple[Any, ...]) -> pd.DataFrame:
    names = ["programme_id", "name", "starts_on", "upfront_cost", "monthly_cost", "assignment"]
    return pd.DataFrame(list(rows), columns=names)


def exposures(treated: np.ndarray, programme_id: str = "gift", kept: Any = None) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "programme_id": programme_id,
            "customer_id": [f"C{i:03d}" for i in range(N)],
            "assigned_on": START,
            "arm": np.where(treated, "treated", "control"),
        }
    )
    return table if kept is None else table[kept]


GIFT = ("gift", "Gifts", START, 400, 10, "random")
CHAT = ("chat", "Chat", START, 400, 10, "area")


@pytest.fixture
def run(
    tmp_path: Path, write_company: Callable[..., Path], run_notebook: Callable
) -> Callable[..., Any]:
    """Run the notebook on the company with these tables beside its own, and check what holds
    for every one of them."""

    def run_it(disclosure: str = "off", **tables: pd.DataFrame) -> Any:
        folder = write_company(tmp_path / "tiny", {**company(), **tables}, disclosure)
        shown = run_notebook(NOTEBOOK, folder)
        assert not shown.not_available
        assert all(shown.texts), "something was shown that says nothing"
        assert not shown.silent
        leaked = [text for text in shown.texts if LEAKED.search(text)]
        assert not leaked
        return shown

    return run_it


def drawn(seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).random(N) < 0.5


def findings(shown: Any) -> list[str]:
    mime = "application/vnd.clientele.finding+json"
    return [data[mime]["sentence"] for data in shown.published if mime in data]


def test_the_usual_programme_has_a_finding(run: Callable[..., Any]) -> None:
    """Otherwise the cases below would pass because nothing ever works."""
    shown = run(programmes=programme(GIFT), exposures=exposures(drawn()))
    (sentence,) = findings(shown)
    assert sentence.count("Gifts") >= 1
    assert re.search(r"\b(Extend|Continue|Stop|Test) it\b", sentence)


def test_no_untreated_customers(run: Callable[..., Any]) -> None:
    shown = run(programmes=programme(GIFT), exposures=exposures(np.ones(N, dtype=bool)))
    assert not findings(shown)
    assert any(
        re.search(r"Gifts: .*nobody without it|Gifts: one arm holds nobody", reason)
        for reason in shown.reasons
    )
    assert "there is nothing to trust" in shown.text


def test_every_area_reached_at_once(run: Callable[..., Any]) -> None:
    areas = pd.DataFrame(
        {"programme_id": "chat", "area": [f"A{i}" for i in range(20)], "starts_on": START}
    )
    shown = run(programmes=programme(CHAT), rollout=areas)
    assert not findings(shown)
    why = "Chat: every area was reached at the same date: nothing to compare with."
    assert any(reason.startswith(why) for reason in shown.reasons)
    assert "it has to bring" in shown.text, "break-even is all that can be given"
    assert "No roll-out could be followed by quarter." in shown.reasons
    assert "No programme was rolled out over areas." not in shown.text


def test_one_area_only(run: Callable[..., Any]) -> None:
    tables = company()
    areas = pd.DataFrame({"programme_id": ["chat"], "area": ["A0"], "starts_on": [START]})
    shown = run(
        customers=tables["customers"].assign(area="A0"), programmes=programme(CHAT), rollout=areas
    )
    assert not findings(shown)
    reasons = " ".join(shown.reasons)
    assert "Chat:" in reasons
    assert "one area" in reasons


def test_a_start_after_the_as_of_date(run: Callable[..., Any]) -> None:
    later = ("next", "Concierge", "2026-03-01", 5000, 100, "random")
    shown = run(programmes=programme(GIFT, later), exposures=exposures(drawn()))
    assert "Concierge: it starts after the as-of date." in shown.reasons
    assert "Concierge is to start on 2026-03-01" in shown.text
    assert "To pay it must bring" in shown.text
    assert all("Concierge" not in sentence for sentence in findings(shown))


def test_three_members(run: Callable[..., Any]) -> None:
    shown = run(programmes=programme(GIFT), exposures=exposures(np.arange(N) < 3))
    assert not findings(shown)
    assert any("Gifts: one arm holds fewer than 10 customers" in reason for reason in shown.reasons)
    hidden = [reason for reason in shown.reasons if "Gifts" in reason]
    assert all(reason.endswith(".") for reason in hidden)


@pytest.mark.parametrize("disclosure", ["on", "off"])
def test_zero_cost(disclosure: str, run: Callable[..., Any]) -> None:
    free = ("gift", "Gifts", START, 0, 0, "random")
    shown = run(disclosure, programmes=programme(free), exposures=exposures(drawn()))
    (sentence,) = findings(shown)
    assert "no cost is recorded" in sentence
    assert "pays back" not in sentence
    assert "Extend" not in sentence, "without a cost nothing is ordered"
    table = next(text for text in shown.texts if "What each programme brought and cost" in text)
    assert "0.00" not in table, "an unrecorded cost is no cost of nought"
    assert "What if costs and margin are not known exactly?" not in shown.text
    money = next(text for text in shown.texts if "Benefit against cost" in text)
    assert "Infinity" not in money
    assert not re.search(r"\d\.\d\d\s+\d+\.\d+ to", money), "no return is shown at zero cost"


def test_selection_by_a_cut_off(run: Callable[..., Any]) -> None:
    """Who had been a customer longest got it: no adjusting makes the two sides alike."""
    ruled = ("gift", "Gifts", START, 400, 10, "selected")
    shown = run(programmes=programme(ruled), exposures=exposures(np.arange(N) < N // 2))
    assert "threshold" in shown.text
    assert "customers alike in what was recorded" not in shown.text
    assert "doubly robust" not in shown.text.split("Limits")[0].lower()
    (how,) = [text for text in shown.texts if "got it and nobody else" in text]
    threshold = re.search(r"was about ([−\d.,€]+) or (more|less)", how)
    assert threshold
    digits = threshold.group(1).replace(".", "").strip("€0")
    assert len(digits) <= 2, "the exact threshold is the value of one customer"
    money = [text for text in shown.reasons if "near it and not for all" in text]
    assert money, "a figure at the threshold is not multiplied by everybody"
    assert "extend it" not in shown.text.lower()
    assert "stop it" not in shown.text.lower()


def test_two_arms_that_share_one_control(run: Callable[..., Any]) -> None:
    group = np.arange(N) % 3
    np.random.default_rng(8).shuffle(group)
    other = ("call", "Calls", START, 300, 0, "random")
    arms = [
        exposures(group == place + 1, name, (group == 0) | (group == place + 1))
        for place, name in enumerate(["gift", "call"])
    ]
    shown = run(programmes=programme(GIFT, other), exposures=pd.concat(arms))
    assert len(findings(shown)) == 2
    assert "Gifts: " in shown.text
    together = [
        text for text in shown.texts if "Holm" in text and "untreated customers are also" in text
    ]
    assert len(together) == 2, "that both are set beside the same customers is said of both"
    assert "those of Calls" in " ".join(together)


@pytest.mark.parametrize("gain", [0.0, 30.0])
def test_arms_with_names(gain: float, run: Callable[..., Any]) -> None:
    """One programme, two arms with names and a control: all told, and each by itself."""
    group = np.arange(N) % 3
    np.random.default_rng(8).shuffle(group)
    table = exposures(group > 0).assign(arm=np.array(["control", "phone", "letter"])[group])
    orders = company()["transactions"]
    phoned = set(table.loc[table["arm"] == "phone", "customer_id"])
    better = orders["customer_id"].isin(phoned) & (orders["occurred_on"] >= START)
    orders = orders.assign(amount=orders["amount"] + gain * better)
    shown = run(programmes=programme(GIFT), exposures=table, transactions=orders)
    (sentence,) = findings(shown)
    assert re.search(r"one by one: letter −?€[\d.]+ \(.*\), phone −?€[\d.]+ \(", sentence)
    arms = next(text for text in shown.texts if "Arms that share one control" in text)
    assert "letter" in arms
    assert "phone" in arms
    assert "control<" not in arms
    assert "No programme has several arms." not in shown.text
    if gain:
        assert "Told from chance, with all arms allowed for: phone." in sentence
        assert "&lt; 0.001" in arms, "no p-value is nought"
        assert "0.000" not in arms
    else:
        assert "With all arms allowed for, none is told from chance." in sentence


def test_a_young_programme_is_not_stopped_for_its_cost(run: Callable[..., Any]) -> None:
    """Two quarters after a dear start nothing is over: what it costs comes first."""
    started = "2025-07-01"
    dear = ("gift", "Gifts", started, 50_000, 0, "random")
    young = exposures(drawn()).assign(assigned_on=started)
    shown = run(programmes=programme(dear), exposures=young)
    (sentence,) = findings(shown)
    assert "has not earned its cost so far" in sentence
    assert "too early to stop" in sentence
    assert "Do not repeat" not in sentence
    assert "loses money" not in sentence
    old = run(programmes=programme((*dear[:2], START, *dear[3:])), exposures=exposures(drawn()))
    (sentence,) = findings(old)
    assert "Do not repeat it" in sentence


def test_nothing_declared_is_said(run: Callable[..., Any]) -> None:
    unknown = ("new", "Training", START, 100, 0, "random")
    shown = run(programmes=programme(unknown), exposures=exposures(drawn()))
    assert "Training: neither areas nor customers are recorded for it." in shown.reasons
    assert "there is nothing to trust" in shown.text
