"""Delimited text, exactly as Python's strict csv reader understands it, or not at all."""

from __future__ import annotations

import csv
import gc
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import DataError, Problem
from analysis.intake.notes import Note
from analysis.intake.reading.decoding import decoded_lines
from analysis.intake.reading.kinds import refuse_unless_text
from analysis.intake.reading.naming import refuse_doubled
from analysis.intake.reading.refusals import LONGEST_EXAMPLE, MOST_EXAMPLES, refuse
from analysis.intake.reading.staging import TextTable
from analysis.intake.settings import Reading

if TYPE_CHECKING:
    import duckdb

# Text handed to the engine at once at most, however few cells it fills.
PIECES_AT_ONCE = 16
MOST_COLUMNS = 10_000


@dataclass(slots=True)
class _Text:
    """The lines of a file as they pass: those of the row that is being read, pieces so far."""

    pieces: Iterator[str]
    lines_of_row: list[str] = field(default_factory=list)
    pieces_read: int = 0

    def __iter__(self) -> Iterator[str]:
        keep = self.lines_of_row.append
        for piece in self.pieces:
            self.pieces_read += 1
            # Lines end where the csv module says: at CR, LF or both, and nowhere else.
            for line in io.StringIO(piece, newline=""):
                keep(line)
                yield line


@dataclass(slots=True)
class _Misfits:
    """Rows that do not have the header's fields: how many, the first of them as examples."""

    count: int = 0
    examples: list[str] = field(default_factory=list)
    widths: set[int] = field(default_factory=set)

    def add(self, line: int, text: str, width: int) -> None:
        self.count += 1
        self.widths.add(width)
        if len(self.examples) < MOST_EXAMPLES:
            self.examples.append(f"line {line}: {text.rstrip()}"[:LONGEST_EXAMPLE])


def read_csv(
    connection: duckdb.DuckDBPyConnection, table: str, path: Path, reading: Reading
) -> list[Note]:
    """Load one CSV, every column as text, `_row` numbering the rows from one.

    Rows are those of `csv.reader(…, strict=True)` with the declared delimiter and quote; blank
    lines are no rows, and an empty cell is no value. Raises DataError if the file is not readable
    so, or if a row does not have the header's fields.
    """
    refuse_unless_text(path)
    if reading.delimiter == reading.quote:
        raise refuse(path.name, "reading.delimiter and reading.quote are the same character")
    notes: list[Note] = []
    text = _Text(decoded_lines(path, reading, notes))
    reader = csv.reader(text, delimiter=reading.delimiter, quotechar=reading.quote, strict=True)
    misfits = _Misfits()
    try:
        with _without_collector():
            header, blank = _header(reader, text, path.name, reading)
            with TextTable(connection, table, header) as rows:
                blank += _rows_into(rows, reader, text, misfits)
                rows.write()
                if not rows.rows and not misfits.count:
                    raise refuse(path.name, "there is a header but no row beneath it")
                if misfits.count:
                    raise _misfits_refused(misfits, len(header), path.name, reading)
    except csv.Error as error:
        problem = _not_csv(error, reader.line_num, text, path.name, reading)
        if misfits.count:
            refused = _misfits_refused(misfits, len(header), path.name, reading)
            raise DataError([problem, *refused.problems]) from None
        raise DataError([problem]) from None
    if blank:
        message = f"{path.name}: blank lines before or between rows were passed over"
        notes.append(Note("repair", message, count=blank))
    return notes


@contextmanager
def _without_collector() -> Iterator[None]:
    # Millions of short-lived lists, none in a cycle: looking for cycles would double the time.
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _header(
    reader: Iterator[list[str]], text: _Text, file: str, reading: Reading
) -> tuple[list[str], int]:
    blank = 0
    for number, row in enumerate(reader):
        text.lines_of_row.clear()
        if number < reading.skip_lines:
            continue
        if row:
            break
        blank += 1
    else:
        beneath = f" beneath the {reading.skip_lines} lines of reading.skip_lines"
        raise refuse(file, f"the file is empty{beneath if reading.skip_lines else ''}")
    # Separators at the end of the header's line make columns without a name.
    header = [
        name.strip(" \t\r\n\u00a0\ufeff") or f"_unnamed_{number}"
        for number, name in enumerate(row, start=1)
    ]
    if all(name.startswith("_unnamed_") for name in header):
        raise refuse(file, "the file is empty: its first line names no column")
    if len(header) > MOST_COLUMNS:
        raise refuse(file, f"the header has {len(header)} columns; is reading.delimiter right?")
    refuse_doubled(header, file)
    others = r"[;\t|]" if reading.delimiter == "," else r"[;\t|,]"
    if len(header) == 1 and re.search(others, header[0]):
        raise refuse(file, "only one column was found; write the separator under reading.delimiter")
    return header, blank


def _rows_into(rows: TextTable, reader: Iterator[list[str]], text: _Text, misfits: _Misfits) -> int:
    """Hand every row to the table; give the number of blank lines between rows."""
    # Millions of rows pass here: what can be looked at once per piece is not looked at per row.
    width, lines, add = rows.width, text.lines_of_row, rows.batch.append
    blank = between = 0
    seen = written = text.pieces_read
    for row in reader:
        if len(row) == width:
            add(row)
            if blank:
                between += blank
                blank = 0
        elif row:
            first = reader.line_num - len(lines) + 1  # type: ignore[attr-defined]
            misfits.add(first, "".join(lines), len(row))
        else:
            blank += 1
        lines.clear()
        if text.pieces_read != seen:
            seen = text.pieces_read
            if rows.is_full or seen - written >= PIECES_AT_ONCE:
                rows.write()
                written = seen
    return between


def _misfits_refused(misfits: _Misfits, width: int, file: str, reading: Reading) -> DataError:
    found = ", ".join(str(number) for number in sorted(misfits.widths)[:MOST_EXAMPLES])
    quote = reading.quote
    return refuse(
        file,
        f"lines do not have the header's {width} fields (they have {found}); a separator or quote "
        f"inside a value shifts columns: put such values between {quote} and {quote}, or declare "
        "reading.delimiter",
        examples=tuple(misfits.examples),
        count=misfits.count,
    )


def _not_csv(error: csv.Error, line: int, text: _Text, file: str, reading: Reading) -> Problem:
    """The csv module's complaint in words, with the line where the trouble begins."""
    reason = str(error)
    quote = reading.quote
    advice = (
        f"; if {quote} means nothing in this file, write a character that does not occur in it "
        "under reading.quote"
    )
    first = line - len(text.lines_of_row) + 1
    if "expected after" in reason:
        shown = text.lines_of_row[-1].rstrip() if text.lines_of_row else ""
        began = f" (the row begins on line {first})" if first < line else ""
        message = (
            f"line {line}: text stands after a closing quote{began}; write a quote inside a value "
            f"twice ({quote}{quote}){advice}"
        )
        return Problem(message, file, examples=(f"line {line}: {shown}"[:LONGEST_EXAMPLE],))
    if "unexpected end" in reason or "field limit" in reason:
        opened = _line_of_open_quote(text.lines_of_row, first, reading)
        shown = text.lines_of_row[opened - first].rstrip() if text.lines_of_row else ""
        if opened == line and quote not in shown:
            message = f"line {line}: a value is longer than {csv.field_size_limit()} characters"
        else:
            message = (
                f"a quote that opens on line {opened} is never closed, or holds more than "
                f"{csv.field_size_limit()} characters; close it, or write a quote inside a value "
                f"twice ({quote}{quote}){advice}"
            )
        return Problem(message, file, examples=(f"line {opened}: {shown}"[:LONGEST_EXAMPLE],))
    return Problem(f"line {line}: cannot be read as CSV: {reason}", file)


def _line_of_open_quote(lines: list[str], first: int, reading: Reading) -> int:
    """Where the value that is open at the end of `lines` began."""
    for last in range(len(lines), 0, -1):
        try:
            # Not strict: an open value is given as far as it goes.
            *_, row = csv.reader(lines[:last], delimiter=reading.delimiter, quotechar=reading.quote)
        except (csv.Error, ValueError):
            continue
        spanned = len(io.StringIO(row[-1], newline="").readlines()) if row else 1
        return first + last - max(spanned, 1)
    return first
