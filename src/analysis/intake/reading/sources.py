"""One source of `dataset.yml` as a table of its own name, whatever it is made of."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.intake.fingerprint import source_files
from analysis.intake.notes import Note
from analysis.intake.reading.database import read_database
from analysis.intake.reading.delimited import read_csv
from analysis.intake.reading.kinds import is_parquet, is_workbook
from analysis.intake.reading.naming import ROW_NUMBER, quoted
from analysis.intake.reading.parquet import read_parquet
from analysis.intake.reading.refusals import MOST_EXAMPLES, refuse
from analysis.intake.reading.workbook import read_xlsx
from analysis.intake.schema import TABLES
from analysis.intake.settings import Reading, Settings, Source

if TYPE_CHECKING:
    import duckdb


def load_source(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    source: Source,
    settings: Settings,
    folder: Path,
) -> list[Note]:
    """Load one source as a table of its own name, with `_row` numbering its rows from one.

    Raises DataError, in words for whoever wrote `dataset.yml`.
    """
    import duckdb

    reading = settings.reading_of(source)
    if source.connect:
        return read_database(connection, name, source, reading)
    files = source_files(name, source, folder)
    try:
        return _load_files(connection, name, files, source, settings, reading)
    except OSError as error:
        raise refuse(source.file, f"cannot be opened ({error.strerror})") from None
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        raise refuse(
            source.file,
            "does not fit into memory and the space on disk that stands in for it; make room, or "
            "export fewer columns",
        ) from None


def _load_files(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    files: list[Path],
    source: Source,
    settings: Settings,
    reading: Reading,
) -> list[Note]:
    if all(is_parquet(path) for path in files):
        mapped = _mapped_columns(name, settings)
        # Rows that a day cuts are taken out of a table; others can stay where they are.
        as_view = not source.dated
        return read_parquet(connection, name, files, source.file, mapped, as_view)
    if any(is_parquet(path) for path in files):
        raise refuse(source.file, "stands for Parquet and other files; name one kind only")
    if len(files) == 1:
        return _load_file(connection, name, files[0], source, reading)
    parts = [f"{name}, file {number}" for number in range(len(files))]
    notes = []
    for part, path in zip(parts, files, strict=True):
        notes += _load_file(connection, part, path, source, reading)
    notes += _lacking(connection, parts, files)
    # The number of the part keeps the order of the files, and of the rows in each.
    union = " UNION ALL BY NAME ".join(
        f"SELECT *, {number} AS {quoted('part of a source')} FROM {quoted(part)}"
        for number, part in enumerate(parts)
    )
    order = f"{quoted('part of a source')}, {ROW_NUMBER}"
    connection.execute(
        f"CREATE TABLE {quoted(name)} AS SELECT row_number() OVER (ORDER BY {order}) AS "
        f"{ROW_NUMBER}, * EXCLUDE ({order}) FROM ({union}) ORDER BY 1"
    )
    for part in parts:
        connection.execute(f"DROP TABLE {quoted(part)}")
    return notes


def _load_file(
    connection: duckdb.DuckDBPyConnection, table: str, path: Path, source: Source, reading: Reading
) -> list[Note]:
    if is_workbook(path):
        return read_xlsx(connection, table, path, source.sheet, reading)
    if source.sheet:
        raise refuse(path.name, "has no sheets; take `sheet:` out, or name an xlsx file")
    return read_csv(connection, table, path, reading)


def _lacking(
    connection: duckdb.DuckDBPyConnection, parts: list[str], files: list[Path]
) -> list[Note]:
    """A note for every file that lacks columns which other files of its source have."""
    columns = [
        [str(row[0]) for row in connection.execute(f"DESCRIBE {quoted(part)}").fetchall()]
        for part in parts
    ]
    every = list(dict.fromkeys(name for names in columns for name in names))
    notes = []
    for path, names in zip(files, columns, strict=True):
        lacking = [name for name in every if name not in names]
        if lacking:
            listed = ", ".join(lacking[:MOST_EXAMPLES])
            message = (
                f"{path.name}: lacks columns that other files have ({listed}); they are blank there"
            )
            notes.append(Note("warning", message))
    return notes


def _mapped_columns(name: str, settings: Settings) -> frozenset[str]:
    """The source's columns that canonical columns come from without SQL in between."""
    mapped: set[str] = set()
    for table_name, table in settings.tables.items():
        if table.sql or table.rows or (table.source or table_name) != name:
            continue
        for canonical, origin in table.columns.items():
            mapped |= {canonical, origin.column, *origin.columns}
        mapped |= set(TABLES[table_name].column_names) - set(table.columns)
    return frozenset(mapped)
