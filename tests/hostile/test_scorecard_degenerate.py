"""Companies that can show little: the scorecard says why, in its place, and runs to its end."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import ParameterError
from analysis.intake.dataset import open_dataset

NOTEBOOK = "01_scorecard"
LEAKED = re.compile(r"\b(nan|inf|None(?! of)|NaT|NotEstimable)\b")

Tables = dict[str, pd.DataFrame]
Run = Callable[..., "object"]


def customers(n: int = 90, started: str = "2024-03-01") -> pd.DataFrame:
    who = [f"C{i:03d}" for i in range(n)]
    ended = ["2025-11-15" if i % 9 == 0 else "" for i in range(n)]
    segment = ["private" if i % 2 else "business" for i in range(n)]
    return pd.DataFrame(
        {
            "customer_id": who, "started_on": started, "ended_on": ended, "segment": segment,
            "contract": "yearly",
        }
    )  # fmt: skip


def surveys(n: int = 90) -> pd.DataFrame:
    rows = [
        (f"R{when}{i}", f"C{i:03d}", kind, day, day if i % 2 else "", (i * 7 + when) % top + low if i % 2 else "")
        for when, day in enumerate(("2025-08-01", "2025-11-01"))
        for kind, low, top in (("nps", 0, 11), ("csat", 1, 5))
        for i in range(n)
    ]  # fmt: skip
    columns = ["response_id", "customer_id", "instrument", "invited_on", "answered_on", "score"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.assign(response_id=[f"R{i}" for i in range(len(frame))])


def transactions(n: int = 90) -> pd.DataFrame:
    rows = [
        (f"C{i:03d}", day, 40.0 + 3 * i)
        for day in ("2025-08-03", "2025-10-10", "2025-11-03")
        for i in range(n)
        if (i + len(day)) % 3 or day > "2025-09"
    ]
    frame = pd.DataFrame(rows, columns=["customer_id", "occurred_on", "amount"])
    return frame.assign(transaction_id=[f"T{i}" for i in range(len(frame))])


def first_period_ever() -> Tables:
    dated = surveys()
    return {
        "customers": customers(started="2025-09-15"),
        "surveys": dated[dated["invited_on"] > "2025-10"],
        "transactions": transactions()[lambda f: f["occurred_on"] > "2025-10"],
    }


def anonymous_answers() -> Tables:
    return {"customers": customers(), "surveys": surveys().assign(customer_id="")}


def no_surveys() -> Tables:
    return {"customers": customers(), "transactions": transactions()}


def surveys_alone() -> Tables:
    people = customers()[["customer_id", "segment", "contract"]]
    return {"customers": people, "surveys": surveys()}


def sums_alone() -> Tables:
    rows = transactions().groupby("customer_id", as_index=False)["amount"].sum()
    sums = rows.rename(columns={"amount": "spend"}).assign(from_on="2025-10-01", to_on="2025-12-31")
    return {"customers": customers(), "periods": sums}


def sums_by_year() -> Tables:
    sums = sums_alone()["periods"].assign(from_on="2025-01-01")
    return {"customers": customers(), "periods": sums}


def one_channel_of_advertising() -> Tables:
    months = ["2025-10-01", "2025-11-01", "2025-12-01"]
    marketing = pd.DataFrame(
        {
            "month": months,
            "channel": "search",
            "cost": 100.0,
            "leads": 0,
            "new_customers": [0, 0, 0],
        }
    )
    return {**no_surveys(), "marketing": marketing}


def advertising_for_a_month() -> Tables:
    tables = one_channel_of_advertising()
    return {**tables, "marketing": tables["marketing"].head(1)}


def one_open_contact() -> Tables:
    contacts = pd.DataFrame(
        {
            "contact_id": ["K1"], "customer_id": ["C001"], "opened_at": ["2025-11-01 10:00"],
            "first_reply_at": [""], "cost": [""],
        }
    )  # fmt: skip
    return {**no_surveys(), "contacts": contacts}


CASES: dict[str, Callable[[], Tables]] = {
    make.__name__: make
    for make in (
        first_period_ever, anonymous_answers, no_surveys, surveys_alone, sums_alone, sums_by_year,
        one_channel_of_advertising, advertising_for_a_month, one_open_contact,
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def companies(
    tmp_path_factory: pytest.TempPathFactory, write_company: Callable[..., Path]
) -> Callable[..., Path]:
    root = tmp_path_factory.mktemp("scorecards")

    def company(case: str, disclosure: str = "off") -> Path:
        folder = root / disclosure / case
        if not folder.exists():
            write_company(folder, CASES[case](), disclosure)
        return folder

    return company


@pytest.mark.parametrize("disclosure", ["on", "off"])
@pytest.mark.parametrize("case", CASES)
def test_scorecard_runs_to_its_end_on(
    case: str, disclosure: str, companies: Callable, run_notebook: Callable
) -> None:
    shown = run_notebook(NOTEBOOK, companies(case, disclosure))
    assert not shown.not_available
    assert shown.texts
    assert all(shown.texts), "something was shown that says nothing"
    assert not [text for text in shown.texts if LEAKED.search(text)]


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("first_period_ever", "with no level of 2025Q3 to compare"),
        ("anonymous_answers", "name no customer: each counts as a customer of its own"),
        ("anonymous_answers", "carries a customer, so answers cannot be weighted for silence."),
        ("no_surveys", "The exports hold no surveys with a score."),
        ("surveys_alone", "The exports hold no transactions and no sums by period."),
        ("surveys_alone", "Retention by period needs the day on which each customer started"),
        ("sums_alone", "The exports add up money without counting the orders."),
        ("sums_by_year", "Money is added up over longer spans than 2025Q4"),
        ("one_channel_of_advertising", "No new customer is recorded in 2025Q4."),
        ("one_channel_of_advertising", "No enquiry is recorded in 2025Q4."),
        ("advertising_for_a_month", "Advertising cost is not exported for all of 2025Q4."),
        ("one_open_contact", "The exports do not say when contacts were first answered."),
    ],
)
def test_each_gap_has_its_sentence(
    case: str, sentence: str, companies: Callable, run_notebook: Callable
) -> None:
    assert sentence in run_notebook(NOTEBOOK, companies(case)).text


def test_a_month_is_a_period_as_well(companies: Callable, run_notebook: Callable) -> None:
    shown = run_notebook(NOTEBOOK, companies("no_surveys"), "2025-11")
    assert "Change on 2025-10" in shown.text
    assert not LEAKED.search(shown.text)


def test_an_unfinished_period_is_refused_with_what_is_valid(
    companies: Callable, run_notebook: Callable
) -> None:
    with pytest.raises(ParameterError, match="not a whole period that the exports cover"):
        open_dataset(companies("no_surveys"), "2026Q1")
