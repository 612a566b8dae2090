"""One sheet of a workbook, row by row: dates as dates, other cells as text."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.errors import DataError
from analysis.intake.notes import Note
from analysis.intake.reading.kinds import refuse_unless_workbook
from analysis.intake.reading.naming import ROW_NUMBER, quoted, refuse_doubled
from analysis.intake.reading.refusals import MOST_EXAMPLES, refuse
from analysis.intake.reading.staging import TextTable
from analysis.intake.settings import Reading
from analysis.intake.suggestions import did_you_mean

if TYPE_CHECKING:
    import duckdb

# A workbook keeps fifteen digits; what is longer was rounded when it was typed.
ROUNDED_FROM = 1e15
STAGED = "cells of a sheet"


@dataclass(slots=True)
class _Sheet:
    """What is found out about a sheet while its rows pass.

    columns: position and name of each named column. dates, others: positions where a date, or
    anything else, was met. errors: cells that hold an error, with coordinates. nameless: values
    in columns without a name.
    """

    columns: dict[int, str]
    dates: set[int] = field(default_factory=set)
    others: set[int] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    error_count: int = 0
    nameless: int = 0


def read_xlsx(
    connection: duckdb.DuckDBPyConnection, table: str, path: Path, sheet: str, reading: Reading
) -> list[Note]:
    """Load one sheet of a workbook, the first if none is named.

    The first row with anything in it is the header, beneath the rows that `reading` skips; rows
    without anything are no rows. Columns that hold only dates stay dates, other cells become text
    in the declared forms. Raises DataError on what is no workbook, cells that hold errors and
    formulas that were never computed.
    """
    refuse_unless_workbook(path)
    with _opened(path, sheet) as cells:
        rows = _filled(islice(cells, reading.skip_lines, None))
        header = next(rows, None)
        if header is None:
            raise refuse(path.name, "the sheet is empty")
        found = _Sheet(_named(header))
        if not found.columns:
            raise refuse(path.name, "the sheet is empty: its first row names no column")
        refuse_doubled(list(found.columns.values()), path.name)
        staged = [f"{kind}{i}" for i in found.columns for kind in ("t", "d")]
        with TextTable(connection, STAGED, staged) as target:
            for row in rows:
                target.append(_as_texts(row, found, reading))
            target.write()
            if not target.rows:
                raise refuse(path.name, "the sheet holds only a header and no row beneath it")
            if found.errors:
                raise refuse(
                    path.name,
                    "cells hold errors; mend them in the workbook, or list them under "
                    "reading.missing",
                    examples=tuple(found.errors),
                    count=found.error_count,
                )
            _refuse_uncomputed(path, sheet, found, reading)
    _keep_dates(connection, table, found, reading)
    if found.nameless:
        message = f"{path.name}: cells in columns without a name were passed over"
        return [Note("warning", message, count=found.nameless)]
    return []


@contextmanager
def _opened(path: Path, sheet: str, *, formulas: bool = False) -> Iterator[Iterator[Any]]:
    """The rows of a sheet. formulas: their text in place of what they gave."""
    import openpyxl

    workbook = None
    with warnings.catch_warnings(), path.open("rb") as stream:
        # Styles and rules that openpyxl does not know are of no concern here.
        warnings.simplefilter("ignore")
        try:
            workbook = openpyxl.load_workbook(stream, True, data_only=not formulas)
            chosen = _chosen(workbook, sheet, path.name)
            # Some programs write a wrong extent, beyond which cells would not be read.
            chosen.reset_dimensions()
            yield chosen.iter_rows()
        except DataError:
            raise
        except Exception as error:
            # A damaged archive fails in as many ways as there are layers beneath.
            raise refuse(
                path.name, f"the workbook is damaged ({type(error).__name__}); save it again"
            ) from None
        finally:
            if workbook is not None:
                workbook.close()


def _chosen(workbook: Any, sheet: str, file: str) -> Any:
    if not sheet:
        if not workbook.worksheets:
            raise refuse(file, "the workbook holds no sheet with cells")
        return workbook.worksheets[0]
    names = [page.title for page in workbook.worksheets]
    if sheet not in names:
        raise refuse(
            file,
            f"there is no sheet {sheet!r}; {did_you_mean(sheet, names)} "
            f"(its sheets: {', '.join(names)})",
        )
    return workbook[sheet]


def _filled(rows: Iterator[Any]) -> Iterator[Any]:
    return (row for row in rows if any(cell.value is not None for cell in row))


def _named(header: Any) -> dict[int, str]:
    names = {}
    for i, cell in enumerate(header):
        name = "" if cell.value is None else str(cell.value).strip(" \t\r\n\u00a0\ufeff")
        if name:
            names[i] = name
    return names


def _as_texts(row: Any, found: _Sheet, reading: Reading) -> list[str | None]:
    """Two cells for each column: text, and a date in the engine's form."""
    texts: list[str | None] = []
    filled = 0
    for i in found.columns:
        cell = row[i] if i < len(row) else None
        value = None if cell is None else cell.value
        if value is None or value == "":
            texts += (None, None)
            continue
        filled += 1
        if isinstance(value, dt.datetime):
            found.dates.add(i)
            texts += (None, value.isoformat(" "))
            continue
        if cell is not None and cell.data_type == "e":
            if str(value) not in reading.missing:
                found.error_count += 1
                if len(found.errors) < MOST_EXAMPLES:
                    found.errors.append(f"{cell.coordinate}: {value}")
            texts += (None, None)
            continue
        found.others.add(i)
        texts += (_as_text(value, reading), None)
    found.nameless += sum(cell.value is not None for cell in row) - filled
    return texts


def _as_text(value: object, reading: Reading) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) or (isinstance(value, int) and abs(value) >= ROUNDED_FROM):
        # An exponent tells what follows that digits were lost.
        plain = f"{value:.15g}"
        return plain.replace(".", ",") if reading.decimal == "," else plain
    return str(value)


def _refuse_uncomputed(path: Path, sheet: str, found: _Sheet, reading: Reading) -> None:
    """Raise DataError if a column is empty because its formulas were never computed."""
    empty = [i for i in found.columns if i not in found.dates and i not in found.others]
    if not empty:
        return
    with _opened(path, sheet, formulas=True) as cells:
        rows = _filled(islice(cells, reading.skip_lines, None))
        next(rows, None)
        for row in rows:
            for i in empty:
                if i < len(row) and row[i].data_type == "f":
                    raise refuse(
                        path.name,
                        "the column holds formulas that were never computed; open the workbook "
                        "and save it, or paste the values",
                        column=found.columns[i],
                        examples=(str(row[i].coordinate),),
                    )


def _keep_dates(
    connection: duckdb.DuckDBPyConnection, table: str, found: _Sheet, reading: Reading
) -> None:
    """The staged cells as a table: columns of dates alone as dates, all others as text."""
    cells = ""
    for i, name in found.columns.items():
        date = f"CAST(d{i} AS TIMESTAMP)"
        if i in found.dates and i not in found.others:
            cells += f", {date} AS {quoted(name)}"
        elif i in found.dates:
            # As text, a date has to fit the declared form like every other one.
            cells += f", coalesce(t{i}, {_date_as_text(date, reading)}) AS {quoted(name)}"
        else:
            cells += f", t{i} AS {quoted(name)}"
    connection.execute(
        f"CREATE TABLE {quoted(table)} AS SELECT {ROW_NUMBER}{cells} FROM {quoted(STAGED)}"
    )
    connection.execute(f"DROP TABLE {quoted(STAGED)}")


def _date_as_text(date: str, reading: Reading) -> str:
    form = reading.dates[0]
    if form == "excel":
        days = f"epoch({date} - TIMESTAMP '1899-12-30') / 86400"
        return f"CAST(CAST({days} AS DECIMAL(18, 6)) AS VARCHAR)"
    literal = form.replace("'", "''")
    return f"strftime({date}, '{literal}')"
