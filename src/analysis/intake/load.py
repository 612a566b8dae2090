"""From a data set's folder to canonical tables in DuckDB, or one message with all problems."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import DataError, Problem, SettingsError
from analysis.intake.canonical import build_canonical, normalise_text, refuse_unless_known
from analysis.intake.notes import Note
from analysis.intake.reading import load_source, quoted
from analysis.intake.schema import TABLES
from analysis.intake.settings import Reading, Settings
from analysis.intake.sql import check_select, lock_down
from analysis.intake.suggestions import did_you_mean
from analysis.intake.validation import check_across, check_table

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class LoadedTables:
    """The canonical tables that now exist in the connection's schema `canonical`."""

    tables: tuple[str, ...]
    notes: tuple[Note, ...]


def load_tables(
    settings: Settings,
    folder: Path,
    connection: duckdb.DuckDBPyConnection,
    as_of: dt.date | None = None,
) -> LoadedTables:
    """Read all sources, lock the engine down, and build and check every canonical table.

    as_of: sources that declare `dated` show no row after it.
    Raises DataError with the problems of all tables, SettingsError for refused SQL.
    """
    refuse_unless_known(settings)
    connection.execute("SET TimeZone='UTC'")
    connection.create_function("normalise_text", normalise_text, ["VARCHAR"], "VARCHAR")  # type: ignore[list-item, arg-type]
    connection.execute("CREATE SCHEMA canonical")
    problems: list[Problem] = []
    notes: list[Note] = []
    loaded: set[str] = set()
    for name, source in settings.sources.items():
        try:
            notes += load_source(connection, name, source, settings, folder)
            loaded.add(name)
            if source.dated and as_of is not None:
                _cut_source(connection, name, source.dated, settings.reading_of(source), as_of)
        except DataError as error:
            problems += error.problems
    for name, table in settings.tables.items():
        if table.rows:
            _rows_as_table(connection, name, table.rows)
    lock_down(connection)
    built = []
    for name, table in settings.tables.items():
        relation, file, reading = quoted(name), name, settings.reading
        if table.sql:
            query = check_select(table.sql, name, list(settings.sources))
            if problems:
                continue
            relation, file = _run_select(connection, query, name), f"SQL of {name}"
        elif table.rows:
            relation, file, reading = quoted(f"rows of {name}"), "dataset.yml", Reading()
        else:
            source = settings.sources[table.source or name]
            if (table.source or name) not in loaded:
                continue
            relation, file = quoted(table.source or name), Path(source.file).name
            reading = settings.reading_of(source)
        found, repaired = build_canonical(
            connection, TABLES[name], table, settings, relation, file, reading
        )
        notes += repaired
        problems += found
        if not _exists(connection, name):
            continue
        frame = connection.execute(f"SELECT * FROM canonical.{name}").df()
        # What could not be read is blank by now, which is no second problem.
        unread = {problem.column for problem in found}
        checked = check_table(frame, TABLES[name], settings, file)
        problems += [problem for problem in checked if problem.column not in unread]
        built.append(name)
    if problems:
        raise DataError(problems)
    # From here on the sources' names are free for tables of our own.
    for name in loaded:
        connection.execute(f"DROP TABLE {quoted(name)}")
    return LoadedTables(tuple(built), (*notes, *check_across(connection, tuple(built))))


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    query = "SELECT 1 FROM duckdb_tables() WHERE schema_name = 'canonical' AND table_name = ?"
    return connection.execute(query, [table]).fetchone() is not None


def _cut_source(
    connection: duckdb.DuckDBPyConnection, name: str, dated: str, reading: Reading, as_of: dt.date
) -> None:
    described = connection.execute(f"DESCRIBE {quoted(name)}").fetchall()
    types = {str(row[0]): str(row[1]) for row in described}
    if dated not in types:
        hint = did_you_mean(dated, [column for column in types if column != "_row"])
        raise DataError([Problem(f"sources.{name}.dated: there is no column {dated!r}; {hint}")])
    day = f"CAST({quoted(dated)} AS DATE)"
    if types[dated] == "VARCHAR":
        formats = ", ".join("'" + text.replace("'", "''") + "'" for text in reading.dates)
        day = f"CAST(try_strptime({quoted(dated)}, [{formats}]) AS DATE)"
    connection.execute(f"DELETE FROM {quoted(name)} WHERE {day} > ?", [as_of])


def _rows_as_table(
    connection: duckdb.DuckDBPyConnection, name: str, rows: tuple[dict[str, str], ...]
) -> None:
    import pyarrow as pa

    columns = list(dict.fromkeys(key for row in rows for key in row))
    data = {key: pa.array([row.get(key) for row in rows], pa.string()) for key in columns}
    connection.register("declared_rows", pa.table(data))
    connection.execute(
        f"CREATE TABLE {quoted(f'rows of {name}')} AS "
        "SELECT row_number() OVER () AS _row, * FROM declared_rows"
    )
    connection.unregister("declared_rows")


def _run_select(connection: duckdb.DuckDBPyConnection, query: str, name: str) -> str:
    import duckdb

    relation = quoted(f"select for {name}")
    try:
        connection.execute(f"CREATE TEMP TABLE {relation} AS {query}")
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise SettingsError(f"dataset.yml: tables.{name}.source.sql: {reason}") from None
    return relation
