"""From a data set's folder to canonical tables in DuckDB, or one message with all problems."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import DataError, Problem
from analysis.intake.as_of import cut_source
from analysis.intake.canonical import build_canonical, normalise_text, refuse_unless_known
from analysis.intake.notes import Note
from analysis.intake.reading import load_source, quoted
from analysis.intake.reading.parquet import files_behind_views, plain_relation
from analysis.intake.schema import TABLES
from analysis.intake.settings import Reading, Settings
from analysis.intake.sieve import rows_in_doubt
from analysis.intake.sql import check_select, lock_down, run_select
from analysis.intake.validation import check_table

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
    writable: Path | None = None,
    known: list[Note] | None = None,
) -> LoadedTables:
    """Read all sources, lock the engine down, and build and check every canonical table.

    as_of: sources that declare `dated` show no row after it. writable: the one folder in which the
    engine may write files afterwards. known: gets every note as it comes, so that they are not lost
    where the tables are refused.
    Raises DataError with the problems of all tables, SettingsError for refused SQL.
    """
    import duckdb

    refuse_unless_known(settings)
    connection.execute("SET TimeZone='UTC'")
    connection.create_function("normalise_text", normalise_text, ["VARCHAR"], "VARCHAR")  # type: ignore[list-item, arg-type]
    connection.execute("CREATE SCHEMA canonical")
    problems: list[Problem] = []
    notes: list[Note] = [] if known is None else known
    loaded: set[str] = set()
    for name, source in settings.sources.items():
        try:
            notes += load_source(connection, name, source, settings, folder)
            loaded.add(name)
            if source.dated:
                reading = settings.reading_of(source)
                cut_source(connection, name, source.dated, reading, settings.time_zone, as_of)
        except DataError as error:
            problems += error.problems
    for name, table in settings.tables.items():
        if table.rows:
            _rows_as_table(connection, name, table.rows)
    if any(table.sql for table in settings.tables.values()):
        # Sums of fractions differ in their last digits by who adds first, and so does "any value".
        connection.execute("SET threads = 1")
    views = files_behind_views(connection)
    lock_down(connection, [file for files in views.values() for file in files], writable)
    built = []
    for name, table in settings.tables.items():
        relation, file, reading = quoted(name), name, settings.reading
        if table.sql:
            query = check_select(table.sql, name, list(settings.sources))
            if problems:
                continue
            relation, file = run_select(connection, query, name), f"SQL of {name}"
        elif table.rows:
            relation, file, reading = quoted(f"rows of {name}"), "dataset.yml", Reading()
        else:
            source = settings.sources[table.source or name]
            if (table.source or name) not in loaded:
                continue
            relation = plain_relation(table.source or name, views)
            file = Path(source.file).name or f"database table {source.table}"
            reading = settings.reading_of(source)
        try:
            found, repaired = build_canonical(
                connection, TABLES[name], table, settings, relation, file, reading, as_of
            )
        except duckdb.Error as error:
            # Of Parquet the pages are read here only; its first bytes were looked at before.
            if (table.source or name) not in views or isinstance(
                error, duckdb.OutOfMemoryException
            ):
                raise
            message = "cannot be read as Parquet; export it again"
            problems.append(Problem(message, file=settings.sources[table.source or name].file))
            continue
        notes += repaired
        problems += found
        if not _exists(connection, name):
            continue
        # What could not be read is blank by now, which is no second problem.
        unread = {problem.column for problem in found}
        frame = rows_in_doubt(connection, TABLES[name], settings)
        checked = [] if frame.empty else check_table(frame, TABLES[name], settings, file)
        problems += [problem for problem in checked if problem.column not in unread]
        built.append(name)
    if problems:
        raise DataError(problems)
    # From here on the sources' names are free for tables of our own.
    for name in loaded:
        kind = "VIEW" if name in views else "TABLE"
        connection.execute(f"DROP {kind} {quoted(name)}")
    return LoadedTables(tuple(built), tuple(notes))


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    query = "SELECT 1 FROM information_schema.tables WHERE table_schema = 'canonical' AND table_name = ?"
    return connection.execute(query, [table]).fetchone() is not None


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
