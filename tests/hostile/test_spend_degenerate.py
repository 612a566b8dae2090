"""Companies that spend otherwise than expected: the sentences follow the data."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

SPEND = "03_spend_on_satisfaction"
Tables = dict[str, pd.DataFrame]
LEAKED = re.compile(r"\b(nan|inf|None(?! of)|NaT|NotEstimable)\b")
FIRST_DAY = pd.Timestamp("2024-01-01")
DAYS = 730


def dated(days: Any) -> pd.Series:
    """Days as dates, empty where not known. Whole numbers: pandas multiplies unfilled memory else."""
    offsets = np.asarray(days, dtype=float)
    known = np.isfinite(offsets)
    whole = np.where(known, offsets, 0).astype(np.int64)
    dates = (FIRST_DAY.to_datetime64().astype("datetime64[D]") + whole).astype(str)
    return pd.Series(np.where(known, dates, ""))


def company(
    n: int = 150, per_point: float = 10.0, richer: float = 25.0, ratio: float = 0.6, seed: int = 4
) -> Tables:
    """Two years of a small company: an order a month, an answer in most quarters.

    An order is worth 60 + per_point × the last answer + richer × mood; the hazard of leaving is
    multiplied by `ratio` with each point.
    """
    rng = np.random.default_rng(seed)
    customers, surveys, orders = [], [], []
    for i in range(n):
        name, mood = f"C{i:03d}", rng.normal(0, 0.7)
        start = int(rng.integers(0, 200))
        score, end = 3, DAYS
        for day in range(start + 1, DAYS, 30):
            if rng.random() < 0.5:
                score = int(np.clip(np.rint(3 + mood + rng.normal(0, 1)), 1, 5))
                surveys.append((name, "csat", day, score))
                surveys.append((name, "nps", day, 2 * score))
            amount = max(60 + per_point * score + richer * mood + 6 * rng.normal(), 1.0)
            orders.append((name, day, round(amount, 2)))
            if rng.random() < 1 - np.exp(-0.03 * ratio ** (score - 3)):
                end = day + 10
                break
        customers.append((name, start, end if end < DAYS else np.nan, "AB"[i % 2]))
    people = pd.DataFrame(customers, columns=["customer_id", "start", "end", "segment"])
    asked = pd.DataFrame(surveys, columns=["customer_id", "instrument", "day", "score"])
    bought = pd.DataFrame(orders, columns=["customer_id", "day", "amount"])
    return {
        "customers": pd.DataFrame(
            {
                "customer_id": people["customer_id"],
                "started_on": dated(people["start"]),
                "ended_on": dated(people["end"]),
                "segment": people["segment"],
                "contract": "monthly",
            }
        ),
        "surveys": pd.DataFrame(
            {
                "response_id": [f"R{i:05d}" for i in range(len(asked))],
                "customer_id": asked["customer_id"],
                "instrument": asked["instrument"],
                "invited_on": dated(asked["day"]),
                "answered_on": dated(asked["day"]),
                "score": asked["score"],
            }
        ),
        "transactions": pd.DataFrame(
            {
                "transaction_id": [f"T{i:05d}" for i in range(len(bought))],
                "customer_id": bought["customer_id"],
                "occurred_on": dated(bought["day"]),
                "amount": bought["amount"],
            }
        ),
    }


def usual() -> Tables:
    return company()


def satisfied_leave_more() -> Tables:
    return company(n=300, ratio=1.7)


def satisfied_spend_less() -> Tables:
    return company(per_point=-10.0, richer=0.0, ratio=1.0)


def who_is_satisfied_spends_less() -> Tables:
    """Between customers the sign is against the one within them."""
    return company(n=300, per_point=12.0, richer=-60.0, ratio=1.0)


def no_scores() -> Tables:
    tables = company(n=60)
    silent = tables["surveys"].assign(score="", answered_on="")
    return {**tables, "surveys": silent}


def one_respondent() -> Tables:
    tables = company(n=60)
    surveys = tables["surveys"]
    others = surveys["customer_id"] != "C000"
    return {
        **tables,
        "surveys": surveys.assign(
            score=surveys["score"].mask(others), answered_on=surveys["answered_on"].mask(others)
        ),
    }


def nobody_spends() -> Tables:
    tables = company(n=60)
    return {**tables, "transactions": tables["transactions"].assign(amount=0)}


def seen_once() -> Tables:
    """Everybody starts in one quarter and is gone before the one after next opens."""
    rng = np.random.default_rng(2)
    n = 90
    who = [f"C{i:03d}" for i in range(n)]
    quarter = rng.integers(0, 6, n)
    start = quarter * 91.3 + 30
    answered = start + 10
    bought = quarter * 91.3 + 100
    return {
        "customers": pd.DataFrame(
            {
                "customer_id": who,
                "started_on": dated(start),
                "ended_on": dated(bought + 20),
                "segment": ["AB"[i % 2] for i in range(n)],
                "contract": "monthly",
            }
        ),
        "surveys": pd.DataFrame(
            {
                "response_id": [f"R{i:03d}" for i in range(n)],
                "customer_id": who,
                "instrument": "csat",
                "invited_on": dated(answered),
                "answered_on": dated(answered),
                "score": rng.integers(1, 6, n),
            }
        ),
        "transactions": pd.DataFrame(
            {
                "transaction_id": [f"T{i:03d}" for i in range(n)],
                "customer_id": who,
                "occurred_on": dated(bought),
                "amount": 50 + rng.integers(0, 50, n),
            }
        ),
    }


def with_prices() -> Tables:
    tables = company()
    orders = tables["transactions"]
    rng = np.random.default_rng(3)
    share = np.where(rng.random(len(orders)) < 0.4, rng.uniform(0.05, 0.3, len(orders)), 0.0)
    listed = (orders["amount"] / (1 - share)).round(2)
    return {**tables, "transactions": orders.assign(list_price=listed)}


def few_change() -> Tables:
    """Everybody answers; the answers of all but a few stay as they were."""
    tables = company(n=90)
    surveys = tables["surveys"]
    first = surveys.groupby(["customer_id", "instrument"])["score"].transform("first")
    changes = surveys["customer_id"] < "C012"
    return {**tables, "surveys": surveys.assign(score=surveys["score"].where(changes, first))}


def same_fee() -> Tables:
    """Everybody pays a fee of their own once a quarter, whatever they answer."""
    tables = company(n=90, ratio=1.0)
    people = tables["customers"].assign(started_on=dated(np.zeros(90)), ended_on="")
    days = np.array([45, 136, 227, 319, 410, 501, 592, 684])
    who = np.repeat(people["customer_id"].to_numpy(), len(days))
    fee = np.repeat(20.0 + np.arange(90) % 3, len(days))
    bought = pd.DataFrame(
        {
            "transaction_id": [f"T{i:05d}" for i in range(len(who))],
            "customer_id": who,
            "occurred_on": dated(np.tile(days, 90)),
            "amount": fee,
        }
    )
    return {**tables, "customers": people, "transactions": bought}


def answers_after_leaving() -> Tables:
    """Those who left are asked once more, and few of those invited ever answer."""
    tables = company()
    people, surveys = tables["customers"], tables["surveys"]
    gone = people[people["ended_on"] != ""]
    late = pd.DataFrame(
        {
            "response_id": [f"L{i:05d}" for i in range(len(gone))],
            "customer_id": gone["customer_id"].to_numpy(),
            "instrument": "csat",
            "invited_on": "2025-12-30",
            "answered_on": "2025-12-30",
            "score": 1,
        }
    )
    silent = pd.concat([surveys] * 6).assign(score="", answered_on="")
    silent["response_id"] = [f"S{i:05d}" for i in range(len(silent))]
    return {**tables, "surveys": pd.concat([surveys, late, silent])}


CASES: dict[str, Callable[[], Tables]] = {
    make.__name__: make
    for make in (
        usual, satisfied_leave_more, satisfied_spend_less, who_is_satisfied_spends_less, no_scores,
        one_respondent, nobody_spends, seen_once, with_prices, few_change, same_fee,
        answers_after_leaving,
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def companies(
    tmp_path_factory: pytest.TempPathFactory, write_company: Callable[..., Path]
) -> Callable[..., Path]:
    """Each company is written, and prepared, once."""
    root = tmp_path_factory.mktemp("spenders")

    def of(case: str, disclosure: str = "off") -> Path:
        folder = root / disclosure / case
        if not folder.exists():
            write_company(folder, CASES[case](), disclosure)
        return folder

    return of


@pytest.mark.parametrize(
    ("case", "disclosure"),
    [(case, "off") for case in CASES] + [("usual", "on"), ("one_respondent", "on")],
)
def test_notebook_runs_to_its_end(
    case: str, disclosure: str, companies: Callable[..., Path], run_notebook: Callable[..., Any]
) -> None:
    shown = run_notebook(SPEND, companies(case, disclosure))
    if case == "no_scores":
        assert shown.not_available == "surveys with a score"
        return
    assert shown.texts
    assert all(shown.texts)
    assert not shown.silent
    assert not [text for text in shown.texts if LEAKED.search(text)]


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("one_respondent", "Fewer than 30 customers have a fresh CSAT answer"),
        ("nobody_spends", "Nobody spent anything in these periods."),
        ("seen_once", "is seen in two periods running, so nobody can be compared over time."),
    ],
)
def test_a_sentence_stands_where_no_slope_can(
    case: str, sentence: str, companies: Callable[..., Path], run_notebook: Callable[..., Any]
) -> None:
    shown = run_notebook(SPEND, companies(case))
    assert sentence in shown.text
    assert not any("image/svg+xml" in data for data in shown.published)
    assert "€" not in shown.text


def findings_of(shown: Any) -> list[dict[str, Any]]:
    key = "application/vnd.clientele.finding+json"
    return [data[key] for data in shown.published if key in data]


def test_usual_company_says_the_usual(
    companies: Callable[..., Path], run_notebook: Callable[..., Any]
) -> None:
    text = run_notebook(SPEND, companies("usual")).text
    assert "higher per quarter" in text
    assert "lies in higher spend of those who stay" in text
    assert "in more of them staying" in text


def test_satisfied_customers_who_leave_more_often_are_said_to(
    companies: Callable[..., Path], run_notebook: Callable[..., Any]
) -> None:
    text = run_notebook(SPEND, companies("satisfied_leave_more")).text
    assert "in fewer of them staying" in text
    assert "lies in higher spend of those who stay" in text
    assert "The two pull in opposite directions" in text


def test_satisfied_customers_who_spend_less_are_said_to(
    companies: Callable[..., Path], run_notebook: Callable[..., Any]
) -> None:
    shown = run_notebook(SPEND, companies("satisfied_spend_less"))
    finding = findings_of(shown)[0]
    assert "spend is lower" in finding["sentence"]
    assert finding["money"]["value"] < 0
    assert "lies in lower spend of those who stay" in shown.text


def test_a_sign_that_turns_is_announced_with_its_reason(
    companies: Callable[..., Path], run_notebook: Callable[..., Any]
) -> None:
    shown = run_notebook(SPEND, companies("who_is_satisfied_spends_less"))
    assert "The sign turns" in shown.text
    assert "The sign changes between" in shown.text
    assert "the defended comparison answers it" in shown.text
    assert [finding["id"] for finding in findings_of(shown)] == [
        "satisfied-customers-spend-more",
        "raw-slope-turns",
    ]


def test_prices_that_are_carried_are_set_beside_nps(
    companies: Callable[..., Path], run_notebook: Callable[..., Any]
) -> None:
    assert "Price sensitivity by NPS group" in run_notebook(SPEND, companies("with_prices")).text
    usual = run_notebook(SPEND, companies("usual")).text
    assert "neither discounts nor list prices" in usual


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("few_change", "The score changes for fewer than 30 customers"),
        ("same_fee", "spend ever changes, so no change of it can go with one of satisfaction"),
    ],
)
def test_no_slope_is_drawn_from_changes_that_are_not_there(
    case: str, sentence: str, companies: Callable[..., Path], run_notebook: Callable[..., Any]
) -> None:
    shown = run_notebook(SPEND, companies(case))
    assert sentence in shown.text
    assert "Raw: satisfied against dissatisfied" in shown.text
    assert "(defended)" not in shown.text
    assert not findings_of(shown)


def test_design_audit_follows_the_data(
    companies: Callable[..., Path], run_notebook: Callable[..., Any]
) -> None:
    said = run_notebook(SPEND, companies("answers_after_leaving")).text
    assert "Some answers are dated before their customer started or after" in said
    assert "Fewer than 20% of those invited answer" in said
    assert "Nobody leaves in these periods" in run_notebook(SPEND, companies("same_fee")).text
    usual = run_notebook(SPEND, companies("usual")).text
    assert "Some answers are dated" not in usual
    assert "Nobody leaves" not in usual
