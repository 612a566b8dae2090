"""The sieve lets through every row that a check objects to, and Parquet is read as CSV is."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.errors import DataError
from analysis.intake.periods import choose_period
from analysis.intake.prepared import prepare, read_notes
from analysis.intake.schema import TABLES, Column, Table
from analysis.intake.settings import Settings, load_settings
from analysis.intake.sieve import rows_in_doubt
from analysis.intake.validation import check_table

SETTINGS = """\
company: Sieve
currency: EUR
covers: {from: 2024-01-01, to: 2025-12-31}
economics: {gross_margin: 0.5, discount_rate_annual: 0.1, horizon_months: 24}
churn: {rule: contract}
disclosure: "off"
sources: {customers: customers.csv}
tables:
  customers: {source: customers}
"""
DAYS = st.sampled_from(
    [dt.date(2023, 12, 31), dt.date(2024, 5, 1), dt.date(2025, 12, 31), dt.date(2026, 1, 1), None]
)
SQL_TYPES = {"id": "VARCHAR", "text": "VARCHAR", "category": "VARCHAR", "date": "DATE",
             "datetime": "TIMESTAMP", "money": "DECIMAL(18,4)", "number": "DOUBLE",
             "integer": "BIGINT", "flag": "BOOLEAN"}  # fmt: skip


def values_of(table: Table, column: Column) -> st.SearchStrategy[Any]:
    if column.name == "instrument":
        return st.sampled_from(["csat", "nps", "foo", None])
    if column.allowed:
        return st.sampled_from([*column.allowed, "else", None])
    if column.kind in ("date", "datetime"):
        return DAYS
    if column.kind in ("money", "number", "integer"):
        return st.sampled_from([-3, 0, 1, 4, 9, 10, 11, 400, None])
    if column.kind == "flag":
        return st.sampled_from([True, False, None])
    return st.sampled_from(["A", "B", "C", "D", "E", "F", None])


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("sieve")
    (folder / "dataset.yml").write_text(SETTINGS, encoding="utf-8")
    (folder / "customers.csv").write_text("customer_id\nA\n", encoding="utf-8")
    return load_settings(folder)


@pytest.mark.parametrize("name", sorted(TABLES))
@settings(
    max_examples=6, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(drawn=st.data())
def test_what_passes_the_sieve_is_found_by_the_checks_alike(
    name: str, declared: Settings, drawn: st.DataObject
) -> None:
    table = TABLES[name]
    columns = [c for c in table.columns if c.required or drawn.draw(st.booleans())]
    row = st.tuples(*(values_of(table, column) for column in columns))
    rows = drawn.draw(st.lists(row, min_size=1, max_size=6))
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA canonical")
        shape = ", ".join(f'"{c.name}" {SQL_TYPES[c.kind]}' for c in columns)
        connection.execute(f"CREATE TABLE canonical.{name} ({shape})")
        marks = ", ".join("?" for _ in columns)
        connection.executemany(f"INSERT INTO canonical.{name} VALUES ({marks})", rows)
        everything = connection.execute(f"SELECT * FROM canonical.{name}").df()
        doubtful = rows_in_doubt(connection, table, declared)
    whole = check_table(everything, table, declared, "f")
    sieved = check_table(doubtful, table, declared, "f") if len(doubtful) else []
    assert sieved == whole
    if not whole:
        assert doubtful.empty


def test_rows_keep_their_place(declared: Settings) -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA canonical")
        connection.execute(
            "CREATE TABLE canonical.customers AS SELECT CASE WHEN i <> 41 THEN 'C' || i END AS customer_id "
            "FROM range(100) t(i)"
        )
        frame = rows_in_doubt(connection, TABLES["customers"], declared)
        [problem] = check_table(frame, TABLES["customers"], declared, "f")
    assert list(frame.index) == [41]
    assert problem.examples == ("row 42: empty",)


# Parquet that stays in its files


DEMO = Path(__file__).resolve().parents[2] / "data/demo"
TYPED = {"started_on": pa.date32(), "ended_on": pa.date32(), "observed_from": pa.date32(),
         "occurred_on": pa.date32(), "promised_on": pa.date32(), "fulfilled_on": pa.date32(),
         "invited_on": pa.date32(), "answered_on": pa.date32(), "score": pa.int8(),
         "amount": pa.decimal128(9, 2), "acquisition_cost": pa.decimal128(9, 2)}  # fmt: skip


def as_parquet(folder: Path) -> Path:
    """The demo with its large tables as typed Parquet in two files each."""
    text = (DEMO / "dataset.yml").read_text(encoding="utf-8")
    for path in DEMO.glob("*.csv"):
        if path.stem not in ("customers", "transactions", "surveys"):
            (folder / path.name).write_bytes(path.read_bytes())
            continue
        names = pa.csv.open_csv(path).schema.names
        options = pa.csv.ConvertOptions(
            column_types={n: TYPED.get(n, pa.string()) for n in names if n != "age"},
            strings_can_be_null=True, null_values=[""],
        )  # fmt: skip
        rows = pa.csv.read_csv(path, convert_options=options)
        (folder / path.stem).mkdir()
        half = rows.num_rows // 2
        pq.write_table(rows.slice(0, half), folder / path.stem / "1.parquet")
        pq.write_table(rows.slice(half), folder / path.stem / "2.parquet")
        text = text.replace(f"{path.stem}.csv", f'"{path.stem}/*.parquet"')
    (folder / "dataset.yml").write_text(text, encoding="utf-8")
    return folder


def prepared(folder: Path, build: Path) -> Path:
    declared = load_settings(folder)
    return prepare(declared, folder, choose_period("", declared), build)


def test_parquet_and_csv_give_the_same_tables_and_frames(tmp_path: Path) -> None:
    (tmp_path / "parquet").mkdir()
    ours = prepared(as_parquet(tmp_path / "parquet"), tmp_path / "b")
    theirs = prepared(DEMO, tmp_path / "b")
    names = sorted(path.name for path in theirs.glob("*.parquet"))
    assert len(names) > 12
    for name in names:
        pd.testing.assert_frame_equal(pd.read_parquet(ours / name), pd.read_parquet(theirs / name))
    assert read_notes(ours) == read_notes(theirs)


CUSTOMERS = pa.table(
    {
        "customer_id": pa.array(["A", " B ", "C", "\uff24"]),
        "started_on": pa.array([dt.date(2024, 1, day) for day in (1, 2, 3, 4)]),
        "ended_on": pa.array([None, dt.date(9999, 12, 31), None, dt.date(2025, 3, 1)]),
    }
)


def small(folder: Path, *parts: pa.Table) -> Path:
    (folder / "customers").mkdir(parents=True)
    for number, part in enumerate(parts):
        pq.write_table(part, folder / "customers" / f"{number}.parquet")
    text = SETTINGS.replace("customers.csv", '"customers/*.parquet"')
    (folder / "dataset.yml").write_text(text, encoding="utf-8")
    return folder


def test_views_mend_and_count_as_tables_do(tmp_path: Path) -> None:
    target = prepared(small(tmp_path / "d", CUSTOMERS), tmp_path / "b")
    customers = pd.read_parquet(target / "customers.parquet")
    assert list(customers["customer_id"]) == ["A", "B", "C", "D"]
    assert customers["ended_on"].notna().sum() == 1
    repairs = {n.message.split()[0]: n.count for n in read_notes(target) if n.kind == "repair"}
    assert repairs == {"spaces": 1, "letters": 1, "days": 1}


def test_rows_that_stand_twice_in_parquet_are_dropped_once(tmp_path: Path) -> None:
    target = prepared(small(tmp_path / "d", CUSTOMERS, CUSTOMERS.slice(0, 1)), tmp_path / "b")
    assert len(pd.read_parquet(target / "customers.parquet")) == 4
    [note] = [n for n in read_notes(target) if "exact duplicates" in n.message]
    assert note.count == 1


def test_one_key_with_two_rows_in_parquet_is_refused(tmp_path: Path) -> None:
    other = CUSTOMERS.slice(1, 1).set_column(0, "customer_id", pa.array(["A"]))
    with pytest.raises(DataError, match="stands more than once"):
        prepared(small(tmp_path / "d", CUSTOMERS, other), tmp_path / "b")


def test_damaged_pages_are_refused_in_words(tmp_path: Path) -> None:
    folder = small(tmp_path / "d", CUSTOMERS)
    file = folder / "customers" / "0.parquet"
    content = bytearray(file.read_bytes())
    content[4:120] = b"\xff" * 116
    file.write_bytes(bytes(content))
    with pytest.raises(DataError, match="cannot be read as Parquet; export it again"):
        prepared(folder, tmp_path / "b")
