"""Companies that record little, or oddly: notebook 05 runs to its end and says so in its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.errors import ParameterError

PAIN = "05_pain_points"
Tables = dict[str, pd.DataFrame]
LEAKED = re.compile(r"\b(nan|inf|None(?! of)|NaT|NotEstimable)\b")
FIRST_DAY = np.datetime64("2024-01-01")
DAYS = 730
RUDE = ("Refund took weeks", "Parcel lost, no refund", "Возврат денег тянется неделями")
KIND = ("Quick and friendly", "Problem solved at once", "Быстро и вежливо помогли")


def dated(days: Any) -> pd.Series:
    """Days as dates, empty where not known."""
    offsets = np.asarray(days, dtype=float)
    known = np.isfinite(offsets)
    whole = np.where(known, offsets, 0).astype(np.int64)
    return pd.Series(np.where(known, (FIRST_DAY + whole).astype(str), ""))


def company(n: int = 120, seed: int = 6) -> Tables:
    """Two years; an encounter in most quarters, worse at the desk; an order a month, some of them late."""
    rng = np.random.default_rng(seed)
    names = np.array([f"C{i:03d}" for i in range(n)])
    met = np.repeat(np.arange(n), 8)
    day = np.tile(np.arange(8) * 91 + 5, n) + rng.integers(0, 60, 8 * n)
    place = rng.choice(["desk", "line", "shop"], 8 * n)
    trait = rng.normal(0, 0.6, n)
    score = np.clip(
        np.rint(3.6 + trait[met] - 1.3 * (place == "desk") + rng.normal(0, 0.7, 8 * n)), 1, 5
    )
    answered = rng.random(8 * n) < 0.7
    words = [rng.choice(RUDE) if s <= 2 else rng.choice(KIND) if s >= 4 else "" for s in score]
    surveys = pd.DataFrame(
        {
            "response_id": [f"R{i:05d}" for i in range(8 * n)],
            "customer_id": names[met],
            "instrument": "csat",
            "invited_on": dated(day),
            "answered_on": dated(np.where(answered, day, np.nan)),
            "score": np.where(answered, score.astype(int).astype(str), ""),
            "touchpoint": place,
            "comment": np.where(answered, words, ""),
        }
    )
    nps = surveys.assign(
        instrument="nps", touchpoint="", comment="", response_id="N" + surveys["response_id"],
        score=np.where(answered, (2 * score).astype(int).astype(str), ""),
    )  # fmt: skip
    hours = rng.exponential(np.where(place == "desk", 6, 2))
    opened = FIRST_DAY.astype("datetime64[m]") + (day * 1440 + 600).astype("timedelta64[m]")
    replied = opened + np.rint(hours * 60).astype("timedelta64[m]")
    contacts = pd.DataFrame(
        {
            "contact_id": [f"K{i:05d}" for i in range(8 * n)],
            "customer_id": names[met],
            "opened_at": pd.Series(opened).dt.strftime("%Y-%m-%d %H:%M"),
            "first_reply_at": pd.Series(replied).dt.strftime("%Y-%m-%d %H:%M"),
            "resolved_at": pd.Series(replied + np.timedelta64(90, "m")).dt.strftime(
                "%Y-%m-%d %H:%M"
            ),
            "touchpoint": place,
            "channel": rng.choice(["phone", "mail"], 8 * n),
            "cost": np.round(rng.gamma(4, 1.5, 8 * n), 2),
            "compensation": np.round(rng.gamma(1, 1.0, 8 * n), 2),
        }
    )
    bought = np.repeat(np.arange(n), 22)
    order_day = np.tile(np.arange(22) * 32 + 3, n) + rng.integers(0, 20, 22 * n)
    late = rng.random(22 * n) < 0.12
    transactions = pd.DataFrame(
        {
            "transaction_id": [f"T{i:05d}" for i in range(22 * n)],
            "customer_id": names[bought],
            "occurred_on": dated(order_day),
            "amount": np.round(60 + 20 * trait[bought] + rng.gamma(3, 10, 22 * n), 2),
            "promised_on": dated(order_day + 3),
            "fulfilled_on": dated(order_day + 3 + np.where(late, 4, 0)),
        }
    )
    months = pd.date_range("2024-01-01", "2025-12-01", freq="MS").strftime("%Y-%m-%d")
    journey = pd.DataFrame(
        [
            (month, step, entered, completed)
            for month in months
            for step, entered, completed in (
                ("visit", 900, 400),
                ("basket", 400, 250),
                ("pay", 250, 230),
            )
        ],
        columns=["month", "step", "entered", "completed"],
    )
    customers = pd.DataFrame(
        {
            "customer_id": names, "started_on": "2023-06-01", "ended_on": "",
            "observed_from": "2024-01-01", "segment": np.where(np.arange(n) % 2, "a", "b"),
            "contract": "monthly",
        }
    )  # fmt: skip
    return {
        "customers": customers, "surveys": pd.concat([surveys, nps], ignore_index=True),
        "contacts": contacts, "transactions": transactions, "journey": journey,
    }  # fmt: skip


def without(*names: str) -> Tables:
    return {name: table for name, table in company().items() if name not in names}


def changed(table: str, **columns: Any) -> Tables:
    tables = company()
    return {**tables, table: tables[table].assign(**columns)}


def no_promises() -> Tables:
    tables = company()
    bare = tables["transactions"].drop(columns=["promised_on", "fulfilled_on"])
    return {**tables, "transactions": bare}


def five_customers() -> Tables:
    tables = company()
    few = {f"C{i:03d}" for i in range(5)}
    return {
        name: table[table["customer_id"].isin(few)] if "customer_id" in table else table
        for name, table in tables.items()
    }


def nobody_answered() -> Tables:
    return changed("surveys", score="", answered_on="", comment="")


def formulas() -> Tables:
    tables = company()
    bad = {
        "desk": "=cmd|' /C calc'!A0",
        "line": "<script>alert(1)</script>",
        "shop": "{shop} $x$ _y",
    }
    return {
        **tables,
        "surveys": tables["surveys"].assign(
            touchpoint=tables["surveys"]["touchpoint"].replace(bad)
        ),
        "contacts": tables["contacts"].assign(
            touchpoint=tables["contacts"]["touchpoint"].replace(bad)
        ),
    }


def clashing_names() -> Tables:
    """Touchpoints named like what is derived."""
    tables = company()
    bad = {"desk": "late delivery", "line": "slow replies", "shop": "orders that came late"}
    return {
        **tables,
        "surveys": tables["surveys"].assign(
            touchpoint=tables["surveys"]["touchpoint"].replace(bad)
        ),
        "contacts": tables["contacts"].assign(
            touchpoint=tables["contacts"]["touchpoint"].replace(bad)
        ),
    }


def strange_comments() -> Tables:
    return changed("surveys", comment="😀 … 12345 -- <b>да</b>")


CASES: dict[str, tuple[Callable[[], Tables], str, tuple[str, ...]]] = {
    "usual": (company, "2025Q4", ("Desk hurts most", "come through", "To be called")),
    "no surveys": (
        lambda: without("surveys"), "2025Q4", ("hold no surveys with a score", "come through"),
    ),
    "no contacts": (lambda: without("contacts"), "2025Q4", ("Desk hurts most", "no contacts")),
    "no transactions": (
        lambda: without("transactions"), "2025Q4", ("Desk hurts most", "is not valued"),
    ),
    "no journey": (lambda: without("journey"), "2025Q4", ("hold no purchase path",)),
    "no promises": (no_promises, "2025Q4", ("no promised days",)),
    "anonymous": (
        lambda: changed("surveys", customer_id=""), "2025Q4",
        ("Desk hurts most: it is rated", "anonymous", "is not valued"),
    ),
    "one channel": (lambda: changed("contacts", channel="phone"), "2025Q4", ("only one channel",)),
    "no channel": (
        lambda: changed("contacts", channel=""), "2025Q4", ("not known in which channel",),
    ),
    "one touchpoint": (
        lambda: changed("surveys", touchpoint="desk"), "2025Q4", ("Fewer than two touchpoints",),
    ),
    "unnamed touchpoints": (
        lambda: changed("surveys", touchpoint=""), "2025Q4", ("does not name the encounter",),
    ),
    "all satisfied alike": (
        lambda: changed("surveys", score="4", answered_on=company()["surveys"]["invited_on"]),
        "2025Q4", ("No touchpoint is rated worse",),
    ),
    "nobody answered": (nobody_answered, "2025Q4", ("Nobody answered",)),
    "never replied": (
        lambda: changed("contacts", first_reply_at="", resolved_at=""), "2025Q4", ("Desk hurts most",),
    ),
    "first period": (company, "2024Q1", ("first period the exports cover", "no year before")),
    "a month": (company, "2025-11", ("Desk hurts most", "When a month opens")),
    "five customers": (five_customers, "2025Q4", ()),
    "formulas": (formulas, "2025Q4", ("=cmd",)),
    "clashing names": (clashing_names, "2025Q4", ()),
    "strange comments": (strange_comments, "2025Q4", ("Desk hurts most",)),
    "only a journey": (
        lambda: without("surveys", "contacts", "transactions"), "2025Q4", ("come through",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_runs_to_its_end_and_says_why(
    name: str, tmp_path: Path, write_company: Any, run_notebook: Any
) -> None:
    make, period, expected = CASES[name]
    shown = run_notebook(PAIN, write_company(tmp_path / "tiny", make()), period)
    assert not shown.not_available
    assert not shown.silent
    assert not LEAKED.search(shown.text), LEAKED.search(shown.text)
    for sentence in expected:
        assert sentence in shown.text, sentence
    assert "<script>" not in "".join(data.get("text/html", "") for data in shown.published)


def test_needs_something_to_look_at(tmp_path: Path, write_company: Any, run_notebook: Any) -> None:
    tables = without("surveys", "contacts", "transactions", "journey")
    shown = run_notebook(PAIN, write_company(tmp_path / "tiny", tables))
    assert "surveys" in shown.not_available


def test_five_customers_give_no_number_away(
    tmp_path: Path, write_company: Any, run_notebook: Any
) -> None:
    tables = five_customers()
    shown = run_notebook(PAIN, write_company(tmp_path / "tiny", tables))
    assert "To be called:" not in shown.text
    assert "points (" not in shown.text


def test_no_comment_leaves_with_the_list(
    tmp_path: Path, write_company: Any, run_notebook: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "lists"
    monkeypatch.setenv("CLIENTELE_LISTS_FOLDER", str(folder))
    run_notebook(PAIN, write_company(tmp_path / "tiny", company()))
    text = (folder / "detractors_to_call.csv").read_text(encoding="utf-8-sig")
    assert text.splitlines()[0].startswith("customer_id,instrument,score,touchpoint,days_since")
    assert "Refund" not in text
    assert "Возврат" not in text


def test_an_unfinished_period_is_refused(
    tmp_path: Path, write_company: Any, run_notebook: Any
) -> None:
    with pytest.raises(ParameterError, match="not a whole period"):
        run_notebook(PAIN, write_company(tmp_path / "tiny", company(20)), "2026Q1")


def test_few_repeats_are_not_given_away(
    tmp_path: Path, write_company: Any, run_notebook: Any
) -> None:
    """Three contacts that had to be repeated: neither the table nor what is published tells."""
    tables = company()
    rows = tables["contacts"]
    last = rows[(rows["opened_at"] > "2025-10-20") & (rows["touchpoint"] == "desk")].head(3)
    again = last.assign(
        contact_id="A" + last["contact_id"],
        opened_at=(pd.to_datetime(last["opened_at"]) + pd.Timedelta(days=2)).dt.strftime("%Y-%m-%d %H:%M"),
        first_reply_at="", resolved_at="",
    )  # fmt: skip
    tables["contacts"] = pd.concat([rows, again], ignore_index=True)
    shown = run_notebook(PAIN, write_company(tmp_path / "tiny", tables))
    published = [
        data["application/vnd.clientele.estimates+json"]["estimates"]
        for data in shown.published
        if "application/vnd.clientele.estimates+json" in data
    ]
    names = {name for estimates in published for name in estimates}
    assert "desk, mean CSAT" in names
    assert "desk, repeats" not in names
