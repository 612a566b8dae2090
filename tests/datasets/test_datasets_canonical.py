"""Each data set gives the canonical tables that stand beside it, mended and counted as said."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from analysis.errors import DataError
from analysis.intake.dataset import Dataset, open_dataset
from analysis.intake.schema import TABLES

# The data sets are prepared, and their reports bound, once for all tests here.
pytestmark = pytest.mark.xdist_group("datasets")

HERE = Path(__file__).parent
NAMES = sorted(path.parent.name for path in HERE.glob("*/dataset.yml"))
EXPECTED = [(path.parents[1].name, path.stem) for path in sorted(HERE.glob("*/expected/*.csv"))]
# What must be said of each: kind, table, column, rows, words of the message.
NOTES: dict[str, tuple[tuple[str, str, str, int, str], ...]] = {
    "order_lines": (
        ("repair", "", "", 0, "order_lines.csv: byte order mark taken off"),
        ("warning", "transactions", "customer_id", 3, "without a customer"),
    ),
    "wide_survey": (
        ("repair", "", "", 0, "members.csv: byte order mark taken off"),
        ("repair", "customers", "ended_on", 17, "9999-12-31"),
        ("warning", "surveys", "customer_id", 5, "not in the customer table"),
    ),
    "experiment_arms": (
        ("repair", "customers", "ended_on", 45, "9999-12-31"),
        ("repair", "customers", "", 2, "exact duplicates"),
    ),
    "subscriptions": (
        ("repair", "", "", 0, "bills.csv: byte order mark taken off"),
        ("repair", "customers", "ended_on", 17, "9999-12-31"),
        ("repair", "customers", "", 1, "exact duplicates"),
    ),
    "markets": (
        ("repair", "periods", "", 1, "exact duplicates"),
        ("warning", "periods", "customer_id", 1, "not in the customer table"),
    ),
    "credit_notes": (
        ("repair", "transactions", "", 2, "exact duplicates"),
        ("warning", "transactions", "transaction_id", 30, "more than once"),
    ),
    "regional_export": (
        ("repair", "", "", 0, "returns.csv: byte order mark taken off"),
        ("repair", "customers", "ended_on", 20, "9999-12-31"),
        ("repair", "customers", "", 1, "exact duplicates"),
    ),
    "workbook": (("repair", "transactions", "", 1, "exact duplicates"),),
    "database": (("repair", "transactions", "", 1, "exact duplicates"),),
    "snapshot": (
        ("repair", "", "", 0, "lines.csv: read as UTF-16"),
        ("repair", "customers", "", 1, "exact duplicates"),
    ),
    "anonymous_reviews": (
        ("repair", "", "", 0, "reviews.tsv: byte order mark taken off"),
        ("repair", "surveys", "", 3, "exact duplicates"),
    ),
    "fiscal_years": (
        ("repair", "surveys", "", 1, "exact duplicates"),
        ("warning", "transactions", "customer_id", 1, "not in the customer table"),
    ),
}


def read_expected(path: Path, covariates: dict[str, str]) -> pd.DataFrame:
    """A table that stands beside a data set, each column as the contract types it."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    columns = {}
    for name in rows[0]:
        kind = {**covariates, **{c.name: c.kind for c in TABLES[path.stem].columns}}[name]
        given = [row[name] or None for row in rows]
        if kind in ("date", "datetime"):
            columns[name] = pd.Series(pd.to_datetime(given), dtype="datetime64[ns]")
        elif kind in ("money", "number"):
            columns[name] = pd.Series(given, dtype=float)
        elif kind == "integer":
            columns[name] = pd.Series([int(str(value)) for value in given])
        elif kind == "flag":
            columns[name] = pd.Series([value == "True" for value in given])
        else:
            columns[name] = pd.Series(given, dtype=object)
    return pd.DataFrame(columns)


@pytest.mark.parametrize(("name", "table"), EXPECTED)
def test_canonical_table(name: str, table: str, opened_whole: Callable[[str], Dataset]) -> None:
    data = opened_whole(name)
    expected = read_expected(HERE / name / f"expected/{table}.csv", dict(data.settings.covariates))
    by = list(expected.columns)
    given = data.table(table)
    assert list(given.columns) == by
    pd.testing.assert_frame_equal(
        given.sort_values(by).reset_index(drop=True),
        expected.sort_values(by).reset_index(drop=True),
    )


@pytest.mark.parametrize("name", NAMES)
def test_no_other_table_is_made(name: str, opened: Callable[[str], Dataset]) -> None:
    made = {table for table in TABLES if opened(name).has(table)}
    assert made == {table for owner, table in EXPECTED if owner == name}


@pytest.mark.parametrize("name", NAMES)
def test_what_was_mended_is_counted(name: str, opened: Callable[[str], Dataset]) -> None:
    notes = opened(name).notes
    for kind, table, column, count, words in NOTES[name]:
        found = [n for n in notes if (n.kind, n.table) == (kind, table) and words in n.message]
        assert [(n.column, n.count) for n in found] == [(column, count)], (name, words, notes)


def test_there_are_twelve_and_each_has_notes_to_give() -> None:
    assert len(NAMES) == 12
    assert set(NOTES) == set(NAMES)


def test_committed_files_are_those_that_are_described(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "-B", str(HERE / "make.py"), str(tmp_path)], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    files = [path.relative_to(tmp_path) for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    assert len(files) > 50
    for path in files:
        assert (HERE / path).read_bytes() == (tmp_path / path).read_bytes(), path


def test_errors_in_a_sheet_that_is_used_are_named_by_their_cells(
    settled: Callable[[str], Path], spoil: Callable[[Path, str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "workbook"
    folder.mkdir()
    (folder / "dataset.yml").write_bytes((settled("workbook") / "dataset.yml").read_bytes())
    spoil(folder, "Orders")
    with pytest.raises(DataError) as caught:
        open_dataset(folder)
    said = str(caught.value)
    assert "export.xlsx" in said
    assert "B3: #N/A" in said
    assert "C5: #DIV/0!" in said
    assert not list(folder.parent.glob("**/*.parquet"))


def test_a_period_before_the_last_shows_less(settled: Callable[[str], Path]) -> None:
    # The credit note of the last quarter is not known a quarter earlier.
    earlier = open_dataset(settled("credit_notes"), period="2025Q3").table("transactions")
    assert earlier["occurred_on"].max() <= pd.Timestamp("2025-09-30")
    assert "900001" not in set(earlier["transaction_id"])
    assert (earlier["amount"] < 0).any()


def test_fiscal_quarters_bear_the_year_in_which_they_begin(settled: Callable[[str], Path]) -> None:
    data = open_dataset(settled("fiscal_years"), period="2025Q4")
    assert (str(data.period.first_day), str(data.period.last_day)) == ("2026-01-01", "2026-03-31")
    month = open_dataset(settled("fiscal_years"), period="2026-05").period
    assert (month.year_before.label, month.previous.label) == ("2025-05", "2026-04")


def test_a_subscriber_who_returns_has_a_second_contract(opened: Callable[[str], Dataset]) -> None:
    lifetimes = opened("subscriptions").lifetimes()
    again = lifetimes[lifetimes["customer_id"].str.endswith("| 2")]
    assert len(again) == 6
    assert not again["ended"].any()
