"""The data as they stood at the end of a day: later rows gone, later facts blank."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from analysis.intake.notes import Note
from analysis.intake.reading import quoted
from analysis.intake.schema import TABLES, Table
from analysis.intake.settings import Settings

if TYPE_CHECKING:
    import duckdb


def as_of_query(table: Table, present: list[str], day: dt.date) -> str:
    """SELECT of a canonical table as it stood at the end of `day`.

    A row exists from the day of the table's `dated` column on, or of `dated_else` where that is
    empty or not exported; rows without either exist always;
    a field with `known_on` is blank until that date has come.
    """
    moment = f"TIMESTAMP '{day} 23:59:59.999999'"
    fields = []
    for name in present:
        known_on = next((c.known_on for c in table.columns if c.name == name), "")
        if known_on and known_on in present:
            fields.append(
                f"CASE WHEN {quoted(known_on)} <= {moment} THEN {quoted(name)} END AS {quoted(name)}"
            )
        else:
            fields.append(quoted(name))
    where = ""
    dates = [quoted(name) for name in (table.dated, table.dated_else) if name in present]
    if dates:
        where = f" WHERE coalesce(coalesce({', '.join(dates)}) <= {moment}, true)"
    return f"SELECT {', '.join(fields)} FROM canonical.{table.name}{where}"


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
        connection.execute(f"CREATE TABLE as_of_{name} AS {query}")
        undated = [
            column
            for column in present
            if column not in (*table.key, table.dated, "customer_id")
            and not _is_dated(table, column, present)
        ]
        if settings.covers is not None and (table.dated not in present or name == "customers"):
            shown = ", ".join(undated)
            if shown:
                notes.append(Note("info", f"as exported, not as of the period: {shown}", name))
    return notes


def _is_dated(table: Table, column: str, present: list[str]) -> bool:
    known = next((c for c in table.columns if c.name == column), None)
    return known is not None and (
        known.kind in ("date", "datetime") or bool(known.known_on and known.known_on in present)
    )
