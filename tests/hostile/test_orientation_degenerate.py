"""Questionnaires and companies that bear no estimate: a sentence each, nobody named."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.errors import DataError

NOTEBOOK = "06_customer_orientation"
ITEMS = [f"item_{i:02d}" for i in range(1, 25)]
LEAKED = re.compile(r"\b(nan|inf|None(?! of)|NaT|NotEstimable)\b")
Tables = dict[str, pd.DataFrame]


def dated(days: Any) -> pd.Series:
    return pd.Series((np.datetime64("2024-01-01") + np.asarray(days, dtype=int)).astype(str))


def company(employees: int = 20, sheets: int = 2, seed: int = 11, slope: float = 0.5) -> Tables:
    """Two years in which employees fill in sheets and serve 120 customers."""
    rng = np.random.default_rng(seed)
    person = rng.normal(size=employees)
    names = np.array([f"E{i:02d}" for i in range(employees)])
    sign = np.where(np.arange(24) < 12, 1.0, -1.0)
    filled = []
    for number in range(sheets):
        noise = rng.normal(size=(employees, 24))
        items = np.clip(np.rint(5 + 1.2 * sign * person[:, None] + noise), 1, 9).astype(int)
        frame = pd.DataFrame(items, columns=ITEMS)
        frame.insert(0, "answered_on", dated(np.full(employees, 100 + 200 * number)))
        frame.insert(0, "employee_id", names)
        filled.append(frame)
    n = 30 * employees
    who, employee = rng.integers(0, 120, n), np.repeat(np.arange(employees), 30)
    day = rng.integers(20, 700, n)
    score = np.clip(np.rint(3 + slope * person[employee] + rng.normal(size=n)), 1, 5).astype(int)
    ids = np.array([f"C{i:03d}" for i in range(120)])
    back = rng.random(n) < 0.15
    return {
        "customers": pd.DataFrame(
            {"customer_id": ids, "started_on": dated(np.arange(120) % 15),
             "ended_on": dated(np.arange(120) * 5 + 100).where(pd.Series(np.arange(120) % 4 == 0)),
             "segment": np.where(np.arange(120) % 3, "private", "business"), "contract": "monthly"}
        ),
        "surveys": pd.DataFrame(
            {"response_id": [f"R{i:04d}" for i in range(n)], "customer_id": ids[who],
             "instrument": "csat", "invited_on": dated(day), "answered_on": dated(day),
             "score": score, "employee_id": names[employee]}
        ),
        "contacts": pd.DataFrame(
            {"contact_id": [f"K{i:04d}" for i in range(n)], "customer_id": ids[who],
             "opened_at": dated(day), "employee_id": names[employee]}
        ),
        "transactions": pd.DataFrame(
            {"transaction_id": [f"T{i:04d}" for i in range(2 * n)],
             "customer_id": np.tile(ids[who], 2), "occurred_on": dated(np.tile(day + 5, 2)),
             "amount": np.concatenate([np.full(n, 50.0), np.where(back, -20.0, 10.0)])}
        ),
        "orientation": pd.concat(filled, ignore_index=True),
    }  # fmt: skip


def without(tables: Tables, *names: str) -> Tables:
    return {name: table for name, table in tables.items() if name not in names}


def items_set(tables: Tables, values: Any) -> Tables:
    return {**tables, "orientation": tables["orientation"].assign(**dict.fromkeys(ITEMS, values))}


def three_employees() -> Tables:
    return company(employees=3)


def one_sheet() -> Tables:
    tables = company()
    return {**tables, "orientation": tables["orientation"].head(1)}


def all_items_equal() -> Tables:
    return items_set(company(), 5)


def every_sheet_full_of_gaps() -> Tables:
    tables = company()
    gaps = tables["orientation"].assign(**dict.fromkeys(ITEMS[:6], ""))
    return {**tables, "orientation": gaps}


def half_of_the_items_not_exported() -> Tables:
    tables = company()
    return {**tables, "orientation": tables["orientation"].drop(columns=ITEMS[12:])}


def no_surveys() -> Tables:
    return without(company(), "surveys")


def nothing_but_sheets() -> Tables:
    return without(company(), "surveys", "contacts", "transactions")


def answers_name_nobody() -> Tables:
    tables = company()
    return {**tables, "surveys": tables["surveys"].drop(columns="employee_id")}


def employees_without_contacts() -> Tables:
    tables = company()
    return {
        **tables,
        "contacts": tables["contacts"].assign(employee_id="E99"),
        "surveys": tables["surveys"].assign(employee_id="E99"),
    }


def everybody_answers_five() -> Tables:
    tables = company()
    return {**tables, "surveys": tables["surveys"].assign(score=5)}


def nobody_answers() -> Tables:
    tables = company()
    return {**tables, "surveys": tables["surveys"].assign(score="", answered_on="")}


def no_refunds() -> Tables:
    tables = company()
    return {**tables, "transactions": tables["transactions"].assign(amount=10.0)}


def one_employee_serves_all() -> Tables:
    tables = company()
    return {
        **tables,
        "contacts": tables["contacts"].assign(employee_id="E01"),
        "surveys": tables["surveys"].assign(employee_id="E01"),
    }


def keyed_the_wrong_way() -> Tables:
    tables = company()
    sheets = tables["orientation"]
    turned = {name: 10 - sheets[name] for name in ITEMS[12:]}
    return {**tables, "orientation": sheets.assign(**turned)}


def undated_sheets() -> Tables:
    tables = company(sheets=1)
    return {**tables, "orientation": tables["orientation"].drop(columns="answered_on")}


SAID: dict[Callable[[], Tables], tuple[str, ...]] = {
    three_employees: ("Withheld: fewer than eight employees",),
    one_sheet: ("Withheld: fewer than eight employees",),
    all_items_equal: ("all employees have the same score", "every statement has the same answer"),
    every_sheet_full_of_gaps: ("lacks too many answers",),
    half_of_the_items_not_exported: ("lacks too many answers",),
    no_surveys: ("No answer of a customer is linked",),
    nothing_but_sheets: ("No answer of a customer is linked", "Contacts do not say which employee"),
    answers_name_nobody: ("No answer of a customer is linked",),
    employees_without_contacts: ("None of the employees who filled in a sheet",),
    everybody_answers_five: ("The outcome is the same for all customers",),
    nobody_answers: ("No answer of a customer is linked",),
    no_refunds: ("No refund is recorded",),
    one_employee_serves_all: ("Fewer than eight employees",),
    keyed_the_wrong_way: ("The two halves go against one another",),
    undated_sheets: ("hardly any employee has filled in two sheets", "Nothing is recorded after"),
}


@pytest.mark.parametrize("disclosure", ["on", "off"])
@pytest.mark.parametrize("make", list(SAID), ids=lambda make: make.__name__)
def test_says_why(
    make: Callable[[], Tables],
    disclosure: str,
    tmp_path: Path,
    write_company: Callable[..., Path],
    run_notebook: Callable[..., Any],
) -> None:
    folder = write_company(tmp_path / "tiny", make(), disclosure)
    shown = run_notebook(NOTEBOOK, folder)
    assert shown.not_available == ""
    assert shown.silent in ([], ["steps"], ["reading"])
    assert not LEAKED.search(shown.text), shown.text
    assert not re.search(r"\bE\d\d\b", shown.text)
    wanted = SAID[make]
    if disclosure == "on" or "Withheld" not in wanted[0]:
        for words in wanted:
            assert words in shown.text
    if make.__name__ in ("three_employees", "one_sheet"):
        assert shown.text.count("as said under the data") >= 7 or disclosure == "off"
        # Nothing that a person's score could be read from, whatever is withheld.
        assert disclosure == "off" or not re.search(r"class=.table", str(shown.published))


def test_without_the_table_it_says_what_it_needs(
    tmp_path: Path, write_company: Callable[..., Path], run_notebook: Callable[..., Any]
) -> None:
    folder = write_company(tmp_path / "tiny", without(company(), "orientation"))
    assert run_notebook(NOTEBOOK, folder).not_available == "orientation"


def test_answers_off_the_scale_are_refused_when_read(
    tmp_path: Path, write_company: Callable[..., Path], run_notebook: Callable[..., Any]
) -> None:
    folder = write_company(tmp_path / "tiny", items_set(company(), 12))
    with pytest.raises(DataError, match="lies above 9"):
        run_notebook(NOTEBOOK, folder)
