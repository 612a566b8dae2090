"""Tables of databases: exact values, any order, changed or not, and no word of the address."""

from __future__ import annotations

import datetime as dt
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from analysis.errors import DataError
from analysis.intake.dataset import open_dataset
from analysis.intake.notes import Note
from analysis.intake.periods import choose_period
from analysis.intake.prepared import prepared_key
from analysis.intake.reading import database
from analysis.intake.reading.database import (
    HELD_DIGESTS,
    database_digests,
    hold_database_digests,
    read_database,
)
from analysis.intake.settings import Reading, Source, load_settings

PASSWORD = "hunter2-geheim"
HEAD = "company: A\ncurrency: EUR\ndisclosure: off\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"
SETTINGS = HEAD + (
    'sources: {customers: {connect: "env:CRM_ADDRESS", table: customers}}\n'
    "tables: {customers: {covariates: {age: number}}}\n"
)


def read(
    table: str, reading: Reading | None = None
) -> tuple[dict[str, str], list[tuple[object, ...]]]:
    source = Source(connect="env:CRM_ADDRESS", table=table)
    with duckdb.connect() as engine:
        engine.execute("SET TimeZone = 'UTC'")
        notes: list[Note] = read_database(engine, "t", source, reading or Reading())
        assert notes == []
        assert [row[0] for row in engine.execute("SHOW TABLES").fetchall()] == ["t"]
        types = {str(r[0]): str(r[1]) for r in engine.execute("DESCRIBE t").fetchall()}
        rows = engine.execute("SELECT * EXCLUDE (_row) FROM t ORDER BY _row").fetchall()
    assert types.pop("_row") == "BIGINT"
    return types, rows


def refusal(table: str, address: str = "") -> str:
    with pytest.raises(DataError) as caught:
        read(table)
    said = "".join(traceback.format_exception(caught.value))
    hanging = [caught.value.__cause__, caught.value.__context__]
    assert hanging == [None, None], "a driver's error may hold the address"
    assert PASSWORD not in said
    assert not address or address not in said
    return str(caught.value)


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "crm.db"
    monkeypatch.setenv("CRM_ADDRESS", f"sqlite:///{path}")
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def fill(connection: sqlite3.Connection, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement)
    connection.commit()


def test_sqlite_cells_keep_their_values(sqlite: sqlite3.Connection) -> None:
    fill(
        sqlite,
        "CREATE TABLE c (id INTEGER, code TEXT, paid REAL, mixed NUMERIC, on_day DATE, "
        "at DATETIME, odd_day DATE, untyped, nil TEXT)",
        "INSERT INTO c VALUES (123456789012345678, '007', 1.5, 'x', '2025-01-02', "
        "'2025-01-02 03:04:05', '02.01.2025', 1, NULL)",
        "INSERT INTO c VALUES (NULL, ' é', NULL, 7.0, NULL, NULL, NULL, 2, NULL)",
        "INSERT INTO c VALUES (3, '', 0.1, 0.1, '2025-01-03', '2025-01-03T01:00:00', '', 3, NULL)",
    )
    types, rows = read("c")
    assert types == {
        "id": "BIGINT", "code": "VARCHAR", "paid": "DOUBLE", "mixed": "VARCHAR", "on_day": "DATE",
        "at": "TIMESTAMP", "odd_day": "VARCHAR", "untyped": "BIGINT", "nil": "VARCHAR",
    }  # fmt: skip
    day = dt.date(2025, 1, 2)
    expected = {
        (
            123456789012345678,
            "007",
            1.5,
            "x",
            day,
            dt.datetime(2025, 1, 2, 3, 4, 5),
            "02.01.2025",
            1,
            None,
        ),
        (None, " é", None, "7", None, None, None, 2, None),
        (3, None, 0.1, "0.1", dt.date(2025, 1, 3), dt.datetime(2025, 1, 3, 1), None, 3, None),
    }
    assert set(rows) == expected


def test_numbers_are_numbers_whatever_the_files_comma(sqlite: sqlite3.Connection) -> None:
    fill(sqlite, "CREATE TABLE c (a REAL, b TEXT)", "INSERT INTO c VALUES (1.5, 2.5)")
    types, rows = read("c", Reading(decimal=","))
    assert types == {"a": "DOUBLE", "b": "VARCHAR"}
    assert rows == [(1.5, "2.5")]


def test_rows_stand_in_the_order_of_their_values(sqlite: sqlite3.Connection) -> None:
    fill(sqlite, "CREATE TABLE c (a TEXT, b INT)", "CREATE VIEW d AS SELECT * FROM c ORDER BY b")
    fill(sqlite, *[f"INSERT INTO c VALUES ('x{i % 7}', {i})" for i in range(50, 0, -1)])
    rows = read("c")[1]
    assert rows == read("d")[1]
    assert rows == sorted(rows)  # type: ignore[type-var]


def test_a_table_goes_in_batches(
    sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ROWS_AT_ONCE", 7)
    fill(sqlite, "CREATE TABLE c (a INT)", *[f"INSERT INTO c VALUES ({i})" for i in range(50)])
    assert read("c")[1] == [(i,) for i in range(50)]


def test_refusals(
    sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fill(
        sqlite, "CREATE TABLE customers (a INT)", "CREATE TABLE raw (b BLOB)",
        "INSERT INTO raw VALUES (x'00ff')", "CREATE TABLE twice (_row INT)",
    )  # fmt: skip
    address = os.environ["CRM_ADDRESS"]
    assert "there is no table 'custmers' at CRM_ADDRESS; did you mean customers?" in refusal(
        "custmers", address
    )
    assert "table 'customers' at CRM_ADDRESS has no rows" in refusal("customers", address)
    assert "table raw, column b: holds bytes" in refusal("raw", address)
    assert "the name _row is taken" in refusal("twice", address)
    assert "did you mean main.customers?" in refusal("main.custmers", address)
    monkeypatch.setenv("CRM_ADDRESS", f"sqlite:///{tmp_path}/{PASSWORD}.db")
    assert "there is no SQLite database where CRM_ADDRESS points to" in refusal("customers")
    assert not (tmp_path / f"{PASSWORD}.db").exists()
    (tmp_path / "text.db").write_text("hello " * 1000, encoding="utf-8")
    monkeypatch.setenv("CRM_ADDRESS", f"sqlite:///{tmp_path}/text.db")
    assert "table 'customers' at CRM_ADDRESS cannot be read (DatabaseError)" in refusal("customers")
    monkeypatch.setenv("CRM_ADDRESS", f"nonsense://me:{PASSWORD}@host/db")
    assert "at CRM_ADDRESS cannot be read" in refusal("customers")
    monkeypatch.setenv("CRM_ADDRESS", "")
    assert "set the environment variable CRM_ADDRESS" in refusal("customers")


@pytest.mark.parametrize(
    ("address", "module", "extra"),
    [
        (f"postgres://me:{PASSWORD}@localhost/db", "psycopg", "clientele[postgres]"),
        (f"mysql://me:{PASSWORD}@localhost/db", "MySQLdb", "ibis-framework[mysql]"),
    ],
)
def test_a_driver_that_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, address: str, module: str, extra: str
) -> None:
    monkeypatch.setenv("CRM_ADDRESS", address)
    monkeypatch.setitem(sys.modules, module, None)
    for name in [name for name in sys.modules if name.startswith("ibis.backends.")]:
        monkeypatch.delitem(sys.modules, name)
    text = refusal("t")
    assert f"the driver for the database at CRM_ADDRESS is not installed; install {extra}" in text


def key_of(folder: Path) -> str:
    settings = load_settings(folder)
    return prepared_key(settings, folder, choose_period("", settings), folder.parent / "build")


def test_a_changed_table_is_another_and_an_unchanged_one_the_same(
    make_dataset, sqlite: sqlite3.Connection
) -> None:
    fill(
        sqlite, "CREATE TABLE customers (customer_id TEXT, started_on DATE, age INT)",
        "INSERT INTO customers VALUES ('A', '2025-01-01', 30), ('B', '2025-01-02', NULL)",
    )  # fmt: skip
    folder = make_dataset(SETTINGS)
    first = open_dataset(folder)
    assert first.table("customers")["customer_id"].tolist() == ["A", "B"]
    before = key_of(folder)
    assert open_dataset(folder).prepared == first.prepared
    fill(sqlite, "UPDATE customers SET age = 31 WHERE customer_id = 'A'")
    assert key_of(folder) != before
    assert open_dataset(folder).table("customers")["age"].tolist()[0] == 31
    fill(
        sqlite, "DELETE FROM customers",
        "INSERT INTO customers VALUES ('B', '2025-01-02', NULL), ('A', '2025-01-01', 30)",
    )  # fmt: skip
    assert key_of(folder) == before, "the order of rows is no content"
    fill(sqlite, "INSERT INTO customers VALUES ('A', '2025-01-01', 30)")
    assert key_of(folder) != before, "a row that stands twice is content"
    digests = database_digests(load_settings(folder))
    fill(sqlite, "ALTER TABLE customers RENAME COLUMN age TO years")
    assert database_digests(load_settings(folder)) != digests


def test_what_a_build_holds_is_what_its_notebooks_see(
    make_dataset, sqlite: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(HELD_DIGESTS, "{}")
    fill(
        sqlite, "CREATE TABLE customers (customer_id TEXT, started_on DATE, age INT)",
        "INSERT INTO customers VALUES ('A', '2025-01-01', 30)",
    )  # fmt: skip
    folder = make_dataset(SETTINGS)
    settings = load_settings(folder)
    hold_database_digests(settings)
    held = os.environ[HELD_DIGESTS]
    assert str(folder.parent) not in held
    planned = open_dataset(folder).prepared
    fill(sqlite, "INSERT INTO customers VALUES ('B', '2025-01-01', 31)")
    assert open_dataset(folder).prepared == planned
    hold_database_digests(settings)
    assert os.environ[HELD_DIGESTS] != held
    assert open_dataset(folder).prepared != planned
    fill(sqlite, "INSERT INTO customers VALUES ('C', '2025-01-01', 32)")
    assert "changed while it was being read; run it again" in refusal("customers")


def binaries() -> Path | None:
    found = shutil.which("initdb")
    places = [Path(found).parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server that lives as long as these tests."""
    place = binaries()
    if place is None:
        pytest.skip("no PostgreSQL server is installed here (initdb was not found)")
    pytest.importorskip("psycopg", reason="the driver is not installed: clientele[postgres]")
    user: str | None = None
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    if os.geteuid() == 0:
        # The server refuses to run as root.
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
        shutil.chown(folder, "postgres")
        user = "postgres"
    secret = folder / "secret"
    secret.write_text(PASSWORD, encoding="utf-8")
    secret.chmod(0o644)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(*command: str) -> None:
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder,
            user=user, env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip

    data, log = str(folder / "data"), str(folder / "log")
    control = [str(place / "pg_ctl"), "-D", data, "-l", log, "-w"]
    try:
        run(
            str(place / "initdb"), "-D", data, "-U", "clerk", "-A", "scram-sha-256", "-N",
            f"--pwfile={secret}", "-E", "UTF8",
        )  # fmt: skip
        options = f"-k {folder} -p {port} -c listen_addresses=127.0.0.1 -c fsync=off"
        run(*control, "-o", options, "start")
        try:
            yield f"postgresql://clerk:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            run(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("CRM_ADDRESS", server)
    return server


def execute(address: str, *statements: str) -> None:
    import psycopg

    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def test_postgres_values_are_exact(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "ROWS_AT_ONCE", 2)
    execute(
        postgres,
        "CREATE SCHEMA sales",
        "CREATE TYPE mood AS ENUM ('sad', 'happy')",
        "CREATE TABLE sales.orders (id bigint, code text, price numeric(12, 2), exact numeric, "
        "rough double precision, on_day date, at timestamptz, local timestamp, ok boolean, "
        "mood mood, uid uuid, small smallint, fixed char(3), notes jsonb, hour time)",
        "INSERT INTO sales.orders VALUES (123456789012345678, '007', 0.10, 12345678901234567.125, "
        "0.1, '2025-01-02', '2025-01-02 03:00+03', '2025-01-02 03:00', true, 'happy', "
        "'00000000-0000-0000-0000-000000000001', 7, 'ab', '{\"a\": 1}', '16:30')",
        "INSERT INTO sales.orders (id) VALUES (1), (2), (3)",
    )
    types, rows = read("sales.orders")
    assert len(rows) == 4
    assert types["id"] == "BIGINT"
    assert types["price"].startswith("DECIMAL")
    assert types["exact"].startswith("DECIMAL")
    assert types["at"] == "TIMESTAMP WITH TIME ZONE"
    full = next(row for row in rows if row[1] is not None)
    named = dict(zip(types, full, strict=True))
    assert named["id"] == 123456789012345678
    assert named["code"] == "007"
    assert named["price"] == Decimal("0.10")
    assert named["exact"] == Decimal("12345678901234567.125")
    assert named["on_day"] == dt.date(2025, 1, 2)
    assert named["at"] == dt.datetime(2025, 1, 2, 0, tzinfo=dt.UTC)
    assert named["local"] == dt.datetime(2025, 1, 2, 3)
    assert (named["rough"], named["ok"], named["mood"], named["small"]) == (0.1, True, "happy", 7)
    assert str(named["uid"]).endswith("0001")
    empty = [row for row in rows if row[1] is None]
    assert all(set(row[1:]) == {None} for row in empty)


def test_postgres_numbers_that_are_none_are_refused_where_they_are_used(
    make_dataset, postgres: str
) -> None:
    execute(
        postgres,
        "CREATE TABLE customers (customer_id text, started_on date, acquisition_cost numeric)",
        "INSERT INTO customers VALUES ('A', '2025-01-01', 'NaN'), ('B', '2025-01-01', 1.5)",
    )
    folder = make_dataset(SETTINGS.replace("{covariates: {age: number}}", "{}"))
    with pytest.raises(DataError, match="acquisition_cost: is not a finite number"):
        open_dataset(folder)
    execute(postgres, "UPDATE customers SET acquisition_cost = NULL WHERE customer_id = 'A'")
    customers = open_dataset(folder).table("customers")
    assert customers["acquisition_cost"].fillna(-1).tolist() == [-1, 1.5]
    execute(postgres, "DROP TABLE customers")


def test_postgres_failures_hold_no_address(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(postgres, "CREATE TABLE IF NOT EXISTS contacts (a int)")
    assert "there is no table 'contcts' at CRM_ADDRESS; did you mean contacts?" in refusal(
        "contcts"
    )
    assert "there is no table 'nowhere.contacts'" in refusal("nowhere.contacts")
    assert "has no rows" in refusal("contacts")
    execute(
        postgres, "CREATE TABLE IF NOT EXISTS endless (on_day date)",
        "INSERT INTO endless VALUES ('infinity')",
    )  # fmt: skip
    assert "table 'endless' at CRM_ADDRESS cannot be read" in refusal("endless")
    wrong = postgres.replace(PASSWORD, PASSWORD + "x")
    monkeypatch.setenv("CRM_ADDRESS", wrong)
    assert "table 'contacts' at CRM_ADDRESS cannot be read (OperationalError)" in refusal(
        "contacts", wrong
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"postgresql://clerk:{PASSWORD}@127.0.0.1:{probe.getsockname()[1]}/db"
    monkeypatch.setenv("CRM_ADDRESS", nobody)
    assert "cannot be read (OperationalError)" in refusal("contacts", nobody)


def test_hostile_table_names_are_names(sqlite: sqlite3.Connection) -> None:
    for name in ("'; DROP TABLE c; --", 'q"r', "a.b", "юникод"):
        quoted = '"' + name.replace('"', '""') + '"'
        fill(sqlite, f"CREATE TABLE {quoted} (a INT)", f"INSERT INTO {quoted} VALUES (1)")
        assert read(name)[1] == [(1,)]
