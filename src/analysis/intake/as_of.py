"""The data as they stood at the end of a day: later rows gone, later facts blank."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from analysis.errors import DataError, Problem, shown_value
from analysis.intake.date_casting import parse_date
from analysis.intake.notes import Note
from analysis.intake.reading import MOST_EXAMPLES, quoted
from analysis.intake.schema import TABLES, Table
from analysis.intake.settings import Reading, Settings
from analysis.intake.suggestions import did_you_mean

if TYPE_CHECKING:
    import duckdb


def _end_of(day: dt.date) -> str:
    return f"TIMESTAMP '{day} 23:59:59.999999'"


def exists_on(table: Table, present: list[str], day: dt.date) -> str:
    """SQL of whether a row was there at the end of `day`.

    It is from the day of the table's `dated` column on, or of `dated_else` where that is empty or
    not exported, and not before `dated_also`; rows without any of them always are.
    """
    dates = [quoted(name) for name in (table.dated, table.dated_else) if name in present]
    since = [f"coalesce({', '.join(dates)})"] if dates else []
    if table.dated_also in present:
        since.append(quoted(table.dated_also))
    return " AND ".join(f"coalesce({day_of} <= {_end_of(day)}, true)" for day_of in since) or "true"


def known_by(table: Table, present: list[str], column: str, day: dt.date) -> str:
    """SQL of whether a column's value is not one that became known only after `day`."""
    known_on = next((c.known_on for c in table.columns if c.name == column), "")
    if not known_on or known_on not in present:
        return "true"
    return f"coalesce({quoted(known_on)} <= {_end_of(day)}, true)"


def as_of_query(table: Table, present: list[str], day: dt.date) -> str:
    """SELECT of a canonical table as it stood at the end of `day`.

    Rows exist by `exists_on`; a field with `known_on` is blank until that date has come.
    """
    fields = []
    for name in present:
        known_on = next((c.known_on for c in table.columns if c.name == name), "")
        if known_on and known_on in present:
            fields.append(
                f"CASE WHEN {quoted(known_on)} <= {_end_of(day)} THEN {quoted(name)} END "
                f"AS {quoted(name)}"
            )
        else:
            fields.append(quoted(name))
    condition = exists_on(table, present, day)
    where = "" if condition == "true" else f" WHERE {condition}"
    return f"SELECT {', '.join(fields)} FROM canonical.{table.name}{where}"


def cut_source(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    dated: str,
    reading: Reading,
    time_zone: str,
    as_of: dt.date | None,
) -> None:
    """Take the rows after a day out of a source; without a day, only see that it could be done.

    Raises DataError if there is no column `dated`, or if it holds what is no date.
    """
    described = connection.execute(f"DESCRIBE {quoted(name)}").fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    if dated not in types:
        hint = did_you_mean(dated, [column for column in types if column != "_row"])
        raise DataError(
            [Problem(f"sources.{name}.dated: there is no column {shown_value(dated)}; {hint}")]
        )
    day = f"CAST({quoted(dated)} AS DATE)"
    if types[dated] == "VARCHAR":
        text = f"nullif(trim({quoted(dated)}), '')"
        day = f"CAST({parse_date(text, reading.dates, time_zone, reading.decimal)} AS DATE)"
        _refuse_unreadable(connection, name, dated, reading, text, day)
    if as_of is not None:
        connection.execute(f"DELETE FROM {quoted(name)} WHERE {day} > ?", [as_of])


def _refuse_unreadable(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    dated: str,
    reading: Reading,
    text: str,
    day: str,
) -> None:
    """A row whose day cannot be read could be later than any: it must not slip through."""
    found = connection.execute(
        f"SELECT count(*), min_by({text}, _row, {MOST_EXAMPLES}), min_by(_row, _row, {MOST_EXAMPLES}) "
        f"FROM {quoted(name)} WHERE {text} IS NOT NULL AND {day} IS NULL"
    ).fetchone()
    assert found is not None
    count, texts, rows = found
    if count:
        message = (
            f"sources.{name}.dated: {dated} is not a date of the form {' or '.join(reading.dates)}; "
            f"write its format under sources.{name}.reading.dates"
        )
        examples = tuple(
            f"row {row}: {shown_value(value)}" for row, value in zip(rows, texts, strict=True)
        )
        raise DataError([Problem(message, examples=examples, count=int(count))])


def cut_tables(
    connection: duckdb.DuckDBPyConnection,
    tables: tuple[str, ...],
    settings: Settings,
    day: dt.date,
) -> list[Note]:
    """Create `main`-schema tables named `as_of_<table>`, and note what cannot be cut.

    Flags that stand for a date (`ended` of a snapshot) are left: a snapshot has one as-of date.
    """
    notes = []
    for name in tables:
        table = TABLES[name]
        present = [
            str(row[0]) for row in connection.execute(f"DESCRIBE canonical.{name}").fetchall()
        ]
        query = as_of_query(table, present, day)
        connection.execute(f"CREATE VIEW as_of_{name} AS {query}")
        undated = as_exported(table, present)
        if settings.covers is not None and undated:
            message = f"as exported, not as of the period: {', '.join(undated)}"
            notes.append(Note("info", message, name))
    return notes


def as_exported(table: Table, present: list[str]) -> list[str]:
    """The columns of which nobody knows what they held on an earlier day.

    Those of the customers and of tables whose rows bear no date; of other tables those that may
    change after the row came into being.
    """
    dated = table.dated in present or (bool(table.dated_else) and table.dated_else in present)
    all_may_change = table.name == "customers" or not dated
    return [
        column
        for column in present
        if column not in (*table.key, table.dated, "customer_id")
        and not _is_dated(table, column, present)
        and (all_may_change or any(c.name == column and c.changes for c in table.columns))
    ]


def _is_dated(table: Table, column: str, present: list[str]) -> bool:
    known = next((c for c in table.columns if c.name == column), None)
    return known is not None and (
        known.kind in ("date", "datetime") or bool(known.known_on and known.known_on in present)
    )
