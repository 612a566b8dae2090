"""Parquet files: of every type, many as one, and those that do not belong together."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.errors import DataError
from analysis.intake.dataset import open_dataset
from analysis.intake.notes import Note
from analysis.intake.reading.parquet import read_parquet


def read(*paths: Path, mapped: tuple[str, ...] = ()) -> tuple[list[Note], list[tuple[object, ...]]]:
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        notes = read_parquet(engine, "t", list(paths), "*.parquet", frozenset(mapped))
        rows = engine.execute("SELECT * FROM t ORDER BY _row").fetchall()
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    return notes, [row[1:] for row in rows]


def refusal(*paths: Path, mapped: tuple[str, ...] = ()) -> str:
    with pytest.raises(DataError) as caught:
        read(*paths, mapped=mapped)
    text = str(caught.value)
    assert str(paths[0].parent) not in text
    return text


def write(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_types_are_kept(tmp_path: Path) -> None:
    moment = dt.datetime(2025, 1, 2, 3, 4, tzinfo=dt.UTC)
    path = write(
        tmp_path / "a.parquet",
        money=pa.array([Decimal("0.10")], pa.decimal128(38, 2)),
        at=pa.array([moment], pa.timestamp("us", "Europe/Berlin")),
        on=pa.array([dt.date(2025, 1, 2)]),
        word=pa.array(["x"]).dictionary_encode(),
        id=pa.array([123456789012345678]),
        nothing=pa.array([None], pa.null()),
        ok=pa.array([True]),
    )
    _, ((money, at, on, word, number, nothing, ok),) = read(path)
    assert (money, on, word, number, nothing, ok) == (
        Decimal("0.10"), dt.date(2025, 1, 2), "x", 123456789012345678, None, True
    )  # fmt: skip
    assert at == moment


def test_many_files_are_one_table_by_name(tmp_path: Path) -> None:
    first = write(tmp_path / "a.parquet", id=[1], paid=[1])
    second = write(tmp_path / "b.parquet", paid=[2.5], id=[2], region=["North"])
    notes, rows = read(first, second)
    assert rows == [(1, 1.0, None), (2, 2.5, "North")]
    (note,) = notes
    assert note.kind == "warning"
    assert note.message == (
        "a.parquet: lacks columns that other files have (region); they are blank there"
    )


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"id": ["a"]}, "b.parquet, column id: is string (text) here, but number in a.parquet"),
        ({"id": [dt.date(2025, 1, 1)]}, "is date32[day] (date) here, but number in a.parquet"),
        ({"id": [True]}, "(yes or no) here, but number in a.parquet; export all files alike"),
        ({"ID": [1]}, "b.parquet: the column 'ID' is called 'id' in other files"),
    ],
)
def test_files_that_contradict_each_other(
    tmp_path: Path, other: dict[str, object], said: str
) -> None:
    first = write(tmp_path / "a.parquet", id=[1])
    assert said in refusal(first, write(tmp_path / "b.parquet", **other))


def test_nested_and_binary_columns_are_refused_only_where_they_are_used(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", id=[1], items=[[1, 2]], who={"a": [1]}["a"], raw=[b"x"])
    assert read(path, mapped=("id",))[1] == [(1, [1, 2], 1, b"x")]
    text = refusal(path, mapped=("id", "items"))
    assert "column items: holds several values in one cell (list<element: int64>)" in text
    assert "take the value out with SQL under source.sql" in text
    assert "column raw: holds bytes (binary)" in refusal(path, mapped=("raw",))


def test_nested_columns_through_a_data_set(make_dataset) -> None:
    head = "company: A\ncurrency: EUR\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"
    direct = head + "sources: {customers: c.parquet}\ntables: {customers: {}}\n"
    folder = make_dataset(direct.replace("{}}", "{columns: {region: address}}}"))
    columns = {
        "customer_id": ["A"], "started_on": [dt.date(2025, 1, 1)], "address": [{"city": "Bonn"}]
    }  # fmt: skip
    write(folder / "c.parquet", **columns)
    with pytest.raises(DataError, match="column address: holds several values in one cell"):
        open_dataset(folder)
    sql = "SELECT * EXCLUDE (address), address.city AS region FROM customers"
    make_dataset(
        direct.replace("{customers: {}}", f"{{customers: {{source: {{sql: '{sql}'}}}}}}")
        + "disclosure: off\n"
    )
    assert open_dataset(folder).table("customers")["region"].tolist() == ["Bonn"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "a.parquet: the file is empty"),
        (b"id,name\n1,a\n", "a.parquet: cannot be read as Parquet"),
        (b"PAR1 not parquet PAR1", "a.parquet: cannot be read as Parquet"),
        (b"\x1f\x8babc", "a.parquet: this file is compressed"),
        (b"\xd0\xcf\x11\xe0abc", "workbook"),
    ],
)
def test_files_that_are_no_parquet(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    assert said in refusal(path)


def test_columns_but_no_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", id=pa.array([], pa.int64()))
    assert "there are columns but no row" in refusal(path)


def test_names_that_the_engine_does_not_tell_apart(tmp_path: Path) -> None:
    assert "stand twice in the header: ID, id" in refusal(
        write(tmp_path / "a.parquet", id=[1], ID=[2])
    )
    assert "the name _row is taken" in refusal(write(tmp_path / "b.parquet", _row=[1]))


def test_hostile_names_are_names(tmp_path: Path) -> None:
    names = ["'; DROP TABLE t; --", '"q"', "$x$", "<script>", "😀", "n" * 5000]
    path = write(tmp_path / "a.parquet", **{name: [name] for name in names})
    assert read(path)[1] == [tuple(names)]


def test_damaged_anywhere_it_is_read_or_refused(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.parquet", id=list(range(500)), name=[f"text {i}" for i in range(500)]
    )
    whole = path.read_bytes()
    chance = random.Random(3)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(chance.choice([1, 10])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(bytes(damaged[: chance.choice([len(damaged), len(damaged) // 2])]))
        try:
            read(path)
        except DataError:
            refused += 1
    assert refused > 10


def test_numbers_that_the_engine_would_misread_are_refused(tmp_path: Path) -> None:
    wide = pa.array([Decimal("1.5")], pa.decimal256(50, 10))
    said = refusal(write(tmp_path / "a.parquet", paid=wide))
    assert "a.parquet, column paid: holds numbers of more than 38 digits" in said
    long = write(tmp_path / "b.parquet", paid=pa.array([1], pa.duration("us")))
    assert "holds lengths of time" in refusal(long, mapped=("paid",))


@pytest.mark.parametrize("day", [2**31 - 1, -(2**31) + 1, -719162, 6585000])
def test_days_beyond_all_calendars_are_told(tmp_path: Path, refused, day: int) -> None:
    """Infinite, the year 1, the year 19999: what is no day of customers is no traceback either."""
    (tmp_path / "company").mkdir()
    days = pa.array([day, 20000], pa.int32()).cast(pa.date32())
    write(tmp_path / "company" / "customers.parquet", customer_id=["A", "B"], started_on=days)
    error = refused(
        "company: A\ncurrency: EUR\ndisclosure: off\ncovers: {from: 2024-01-01, to: 2025-06-30}\n"
        "sources: {customers: customers.parquet}\ntables: {customers: {}}\n"
    )
    (problem,) = error.problems
    assert "is no day of the years 1000 to 9999" in problem.message
    assert problem.count == 1
