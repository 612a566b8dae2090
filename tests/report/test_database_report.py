"""A report from a database: built anew when a table changes, and silent about its address."""

from __future__ import annotations

import csv
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PASSWORD = "hunter2-geheim"
SOURCES = (
    '{customers: {connect: "env:CRM_ADDRESS", table: customers}, transactions: transactions.csv, '
    "surveys: surveys.csv}"
)


def fill(database: Path, export: Path) -> None:
    with export.open(encoding="utf-8", newline="") as stream:
        header, *rows = csv.reader(stream)
    connection = sqlite3.connect(database)
    connection.execute(f"CREATE TABLE customers ({', '.join(f'{name} TEXT' for name in header)})")
    marks = ", ".join("?" * len(header))
    connection.executemany(
        f"INSERT INTO customers VALUES ({marks})", [[cell or None for cell in row] for row in rows]
    )
    connection.commit()
    connection.close()


def written(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.name, path.read_bytes()


def assert_silent(workshop: Any, done: Any) -> None:
    """Neither the address nor the password is in anything that a build says or leaves."""
    for word in (PASSWORD, "sqlite://", "postgresql://"):
        assert word not in done.stdout
        assert word not in done.stderr
        hidden = word.encode()
        for folder in (workshop.build, workshop.reports):
            for name, content in written(folder):
                assert hidden not in content, f"{word} stands in {name}"
                assert hidden not in _unpacked(content), f"{word} stands in {name}, compressed"


def _unpacked(content: bytes) -> bytes:
    try:
        return zlib.decompress(content, wbits=47)
    except zlib.error:
        return b""


@pytest.mark.build
def test_report_from_a_database(fresh_workshop: Any) -> None:
    workshop = fresh_workshop.with_own_data()
    for other in sorted(workshop.notebooks.glob("*.ipynb"))[1:]:
        other.unlink()  # what one notebook does with a changed table, all do
    database = workshop.build.parent / f"{PASSWORD}.db"
    fill(database, workshop.dataset / "customers.csv")
    (workshop.dataset / "customers.csv").unlink()
    own = "{customers: customers.csv, transactions: transactions.csv, surveys: surveys.csv}"
    workshop.change_file("dataset.yml", lambda text: text.replace(own, SOURCES))
    address = f"sqlite:///{database}"

    done = workshop.run(CRM_ADDRESS=address)
    assert done.returncode == 0, done.stderr
    assert_silent(workshop, done)
    first, executed = workshop.files(), workshop.executed()

    done = workshop.run(CRM_ADDRESS=address)
    assert "is up to date" in done.stdout
    assert (workshop.files(), workshop.executed()) == (first, executed)

    connection = sqlite3.connect(database)
    connection.execute("DELETE FROM customers WHERE customer_id = 'C0003'")
    connection.commit()
    connection.close()
    done = workshop.run(CRM_ADDRESS=address)
    assert done.returncode == 0, done.stderr
    assert_silent(workshop, done)
    assert workshop.files()["manifest.json"] != first["manifest.json"]
    assert {name for name, run in workshop.executed().items() if run == executed[name]} == set()

    second = workshop.files()
    (workshop.dataset / "surveys.csv").write_bytes(b"")
    done = workshop.run(CRM_ADDRESS=f"postgresql://clerk:{PASSWORD}@127.0.0.1:1/crm")
    assert done.returncode == 2
    assert "2 problems in the data" in done.stderr, "the file's is told beside the database's"
    assert "CRM_ADDRESS" in done.stderr
    assert "surveys.csv: the file is empty" in done.stderr
    assert "Traceback" not in done.stderr
    assert_silent(workshop, done)
    assert workshop.files() == second
