"""Workbooks as people save them: what is read, what is refused, in words with coordinates."""

from __future__ import annotations

import datetime as dt
import io
import random
import re
import zipfile
from pathlib import Path

import duckdb
import pytest
from openpyxl import Workbook

from analysis.errors import DataError
from analysis.intake.notes import Note
from analysis.intake.reading.workbook import read_xlsx
from analysis.intake.settings import Reading

Cells = list[list[object]]


def write(path: Path, rows: Cells, title: str = "Sheet", **more: Cells) -> Path:
    book = Workbook()
    book.active.title = title
    for name, content in {title: rows, **more}.items():
        sheet = book[name] if name in book.sheetnames else book.create_sheet(name)
        for row in content:
            sheet.append(row)
    book.save(path)
    return path


def read(
    path: Path, sheet: str = "", **reading: object
) -> tuple[list[Note], dict[str, str], list[tuple[object, ...]]]:
    with duckdb.connect() as engine:
        notes = read_xlsx(engine, "t", path, sheet, Reading(**reading))  # type: ignore[arg-type]
        types = {str(r[0]): str(r[1]) for r in engine.execute("DESCRIBE t").fetchall()}
        assert [r[0] for r in engine.execute("SHOW TABLES").fetchall()] == ["t"]
        numbers = [r[0] for r in engine.execute("SELECT _row FROM t").fetchall()]
        assert numbers == list(range(1, len(numbers) + 1))
        rows = engine.execute("SELECT * EXCLUDE (_row) FROM t ORDER BY _row").fetchall()
    del types["_row"]
    return notes, types, rows


def refusal(path: Path, sheet: str = "", **reading: object) -> str:
    with pytest.raises(DataError) as caught:
        read(path, sheet, **reading)
    text = str(caught.value)
    assert str(path.parent) not in text
    assert path.name in text
    return text


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "book.xlsx"


def test_cells_of_every_kind(book: Path) -> None:
    moment = dt.datetime(2025, 3, 4, 16, 30)
    write(
        book,
        [
            ["id", "paid", "on", "at", "ok", "note", 2024],
            [7, 1.5, dt.date(2025, 1, 2), moment, True, " x ", 0],
            ["007", 0.1 + 0.2, dt.date(2025, 1, 3), None, False, "", -1],
            [123456789012345, 1e-3, None, moment, None, "é\n'", None],
        ],
    )
    _, types, rows = read(book)
    assert types == {
        "id": "VARCHAR", "paid": "VARCHAR", "on": "TIMESTAMP", "at": "TIMESTAMP", "ok": "VARCHAR",
        "note": "VARCHAR", "2024": "VARCHAR",
    }  # fmt: skip
    assert rows == [
        ("7", "1.5", dt.datetime(2025, 1, 2), moment, "true", " x ", "0"),
        ("007", "0.3", dt.datetime(2025, 1, 3), None, "false", None, "-1"),
        ("123456789012345", "0.001", None, moment, None, "é\n'", None),
    ]


def test_numbers_take_the_declared_comma_and_dates_among_text_the_declared_form(book: Path) -> None:
    write(book, [["paid", "on"], [1.5, dt.datetime(2025, 1, 2)], ["2,5", "03.01.2025"]])
    _, types, rows = read(book, decimal=",", dates=["%d.%m.%Y"])
    assert types == {"paid": "VARCHAR", "on": "VARCHAR"}
    assert rows == [("1,5", "02.01.2025"), ("2,5", "03.01.2025")]


def test_numbers_that_lost_digits_show_it(book: Path) -> None:
    write(book, [["id"], [123456789012345678], [1.5e17]])
    assert [row[0] for row in read(book)[2]] == ["1.23456789012346e+17", "1.5e+17"]


def test_times_of_day_and_serials_are_text(book: Path) -> None:
    write(book, [["at", "serial"], [dt.time(16, 30), 45000]])
    assert read(book)[2] == [("16:30:00", "45000")]


def test_blank_rows_and_nameless_columns(book: Path) -> None:
    write(
        book,
        [
            [],
            [None, "id", None, "name"],
            [],
            ["aside", "1", None, "a"],
            [None, "2", "y", None, "z"],
            [],
        ],
    )
    notes, _, rows = read(book)
    assert rows == [("1", "a"), ("2", None)]
    assert [(note.kind, note.count) for note in notes] == [("warning", 3)]
    assert "cells in columns without a name were passed over" in notes[0].message


def test_sheets_by_name(book: Path) -> None:
    write(book, [["a"], [1]], "first", second=[["b"], [2]])
    assert read(book)[2] == [("1",)]
    assert read(book, "second")[2] == [("2",)]
    text = refusal(book, "secnd")
    assert "there is no sheet 'secnd'; did you mean second? (its sheets: first, second)" in text


def test_merged_cells_count_in_their_first_cell(book: Path) -> None:
    file = Workbook()
    sheet = file.active
    for row in (["id", "name", None], ["1", "a", None], ["2", None, None]):
        sheet.append(row)
    sheet.merge_cells("B1:C1")
    sheet.merge_cells("B2:B3")
    file.save(book)
    assert read(book)[2] == [("1", "a"), ("2", None)]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "the sheet is empty"),
        ([[None, ""], [" ", None]], "its first row names no column"),
        ([["id", "name"]], "holds only a header"),
        ([["id", "ID"], [1, 2]], "columns stand twice in the header: ID, id"),
        ([["id", "_row"], [1, 2]], "the name _row is taken"),
        (
            [["id", "x"], [1, "#N/A"], [2, "#DIV/0!"], *[[i, "#REF!"] for i in range(5)]],
            "cells hold errors; mend them in the workbook, or list them under reading.missing "
            "(7 rows)\n    for example: B2: #N/A; B3: #DIV/0!; B4: #REF!; B5: #REF!; B6: #REF!",
        ),
        (
            [["id", "x"], [1, "=A2+1"], [2, "=A3+1"]],
            "column x: the column holds formulas that were",
        ),
    ],
)
def test_refused_in_words(book: Path, rows: Cells, said: str) -> None:
    assert said in refusal(write(book, rows))


def test_errors_that_are_declared_missing_are_no_values(book: Path) -> None:
    write(book, [["id", "x"], [1, "#N/A"], [2, "b"]])
    assert read(book, missing=["#N/A"])[2] == [("1", None), ("2", "b")]


def test_a_wrong_extent_hides_no_rows(book: Path) -> None:
    write(book, [["id", "name"], *[[i, "x"] for i in range(20)]])
    _rewrite(book, "xl/worksheets/sheet1.xml", rb'ref="A1:B21"', b'ref="A1:A2"')
    assert len(read(book)[2]) == 20


def _rewrite(path: Path, name: str, old: bytes, new: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        parts = {item: archive.read(item) for item in archive.namelist()}
    changed = re.sub(old, new, parts[name])
    assert changed != parts[name]
    with zipfile.ZipFile(path, "w") as archive:
        for item, content in parts.items():
            archive.writestr(item, changed if item == name else content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"  <html><table>", "this is a web page named xlsx"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><Workbook>", "this is a web page named xlsx"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or password-protected workbook"),
        (b"id;name\n1;a\n", "it does not begin like one"),
        (b"\x1f\x8babc", "compressed"),
        (b"%PDF-1.4", "this is a PDF"),
        (b"PK\x03\x04abc", "the workbook is damaged"),
    ],
)
def test_files_that_are_no_workbook(book: Path, content: bytes, said: str) -> None:
    book.write_bytes(content)
    assert said in refusal(book)


def test_an_archive_without_a_workbook(book: Path) -> None:
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert "the workbook is damaged" in refusal(book)


def test_damaged_anywhere_it_is_read_or_refused(book: Path) -> None:
    write(book, [["id", "name"], *[[i, f"text {i}"] for i in range(30)]])
    whole = book.read_bytes()
    chance = random.Random(5)
    outcomes = set()
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(chance.choice([1, 3, 30])):
            damaged[chance.randrange(4, len(damaged))] = chance.randrange(256)
        book.write_bytes(bytes(damaged[: chance.choice([len(damaged), len(damaged) // 2])]))
        try:
            read(book)
            outcomes.add("read")
        except DataError:
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_hostile_names_and_values_are_data(book: Path) -> None:
    hostile = ["'; DROP TABLE t; --", '"q"', "$x$", "<script>", "=1+1", "\u202ex", "😀", "n" * 5000]
    file = Workbook()
    for row in (hostile, hostile):
        file.active.append(row)
    for cell in (file.active["E1"], file.active["E2"]):
        cell.data_type = "s"
    file.save(book)
    _, types, rows = read(book)
    assert list(types) == hostile
    assert rows == [tuple(hostile)]


def test_a_long_sheet_goes_in_pieces(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from analysis.intake.reading import staging

    monkeypatch.setattr(staging, "CELLS_AT_ONCE", 50)
    write(book, [["id", "name"], *[[i, f"n{i}"] for i in range(1000)]])
    assert read(book)[2] == [(str(i), f"n{i}") for i in range(1000)]


def test_styles_that_are_not_known_are_passed_over_in_silence(book: Path) -> None:
    write(book, [["id"], [1]])
    # A workbook without styles, as some programs write it, makes openpyxl warn.
    with zipfile.ZipFile(book) as archive:
        parts = {item: archive.read(item) for item in archive.namelist()}
    parts["xl/styles.xml"] = (
        b'<?xml version="1.0"?><styleSheet xmlns="http://schemas.openxmlformats.org/'
        b'spreadsheetml/2006/main"></styleSheet>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for item, content in parts.items():
            archive.writestr(item, content)
    book.write_bytes(buffer.getvalue())
    assert read(book)[2] == [("1",)]
