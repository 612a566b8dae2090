"""Parquet files, alone or many that make one table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.intake.notes import Note
from analysis.intake.reading.kinds import ADVICE, kind_of
from analysis.intake.reading.naming import ROW_NUMBER, quoted, refuse_doubled
from analysis.intake.reading.refusals import MOST_EXAMPLES, refuse

if TYPE_CHECKING:
    import duckdb


def read_parquet(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    files: list[Path],
    pattern: str,
    mapped: frozenset[str] = frozenset(),
    as_view: bool = False,
) -> list[Note]:
    """Load Parquet files as one table, columns by name.

    as_view: leave the rows in the files, which are read again whenever they are asked for.
    mapped: columns that canonical columns come from directly; these have to be plain values.
    Raises DataError on what is not Parquet, on columns of different kinds in different files,
    and on mapped columns that are nested.
    """
    import duckdb

    schemas = {path: _schema(path) for path in files}
    notes = _agree(schemas, mapped)
    try:
        rows = f"read_parquet([{', '.join(_literal(path) for path in files)}], union_by_name=true)"
        if as_view:
            connection.execute(f"CREATE VIEW {_plain_name(table)} AS SELECT * FROM {rows}")
            rows = _plain_name(table)
        connection.execute(
            f"CREATE {'VIEW' if as_view else 'TABLE'} {quoted(table)} AS "
            f"SELECT row_number() OVER () AS {ROW_NUMBER}, * FROM {rows}"
        )
        row = connection.execute(f"SELECT 1 FROM {quoted(table)} LIMIT 1").fetchone()
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise
        raise refuse(pattern, "cannot be read as Parquet; export it again") from None
    if row is None:
        connection.execute(f"DROP {'VIEW' if as_view else 'TABLE'} {quoted(table)}")
        raise refuse(pattern, "there are columns but no row")
    return notes


VIEW_OF_FILES = "files of "


def _plain_name(table: str) -> str:
    return quoted(f"{VIEW_OF_FILES}{table}")


def _literal(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def files_behind_views(connection: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The sources that are views, with the files that they read."""
    views = connection.execute(
        "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal AND starts_with(view_name, ?)",
        [VIEW_OF_FILES],
    ).fetchall()
    found = {}
    for name, sql in views:
        literals = re.findall(r"'((?:[^']|'')*)'", sql)
        found[str(name).removeprefix(VIEW_OF_FILES)] = [
            text.replace("''", "'") for text in literals
        ]
    return found


def plain_relation(source: str, views: dict[str, list[str]]) -> str:
    """SQL name of a source's rows; of a view those without numbers, which would cost time."""
    return _plain_name(source) if source in views else quoted(source)


def _schema(path: Path) -> Any:
    import pyarrow.parquet as pq

    kind = kind_of(path)
    if path.stat().st_size == 0:
        raise refuse(path.name, "the file is empty")
    if kind in ADVICE:
        raise refuse(path.name, ADVICE[kind])
    try:
        schema = pq.read_schema(path)
    except Exception as error:
        # Damaged bytes fail in many ways; the library's own words are of no help.
        raise refuse(
            path.name, f"cannot be read as Parquet ({type(error).__name__}); export it again"
        ) from None
    if not schema.names:
        raise refuse(path.name, "the file has no columns")
    refuse_doubled(schema.names, path.name)
    return schema


def _family(kind: Any) -> str:
    """What a column's type is good for: columns of one family become one column."""
    import pyarrow.types as types

    if types.is_dictionary(kind):
        return _family(kind.value_type)
    families = {
        "text": (types.is_string, types.is_large_string, types.is_string_view),
        "number": (types.is_integer, types.is_floating, types.is_decimal),
        "date": (types.is_date, types.is_timestamp),
        "yes or no": (types.is_boolean,),
        "time of day": (types.is_time,),
        "nothing": (types.is_null,),
        "bytes": (types.is_binary, types.is_large_binary, types.is_fixed_size_binary),
        "nested": (types.is_nested,),
    }
    for family, tests in families.items():
        if any(test(kind) for test in tests):
            return family
    return "other"


def _agree(schemas: dict[Path, Any], mapped: frozenset[str]) -> list[Note]:
    """Raise DataError where files contradict each other; note columns that some lack."""
    notes = []
    first: dict[str, tuple[str, Path]] = {}
    spellings: dict[str, str] = {}
    for path, schema in schemas.items():
        for column in schema:
            family = _family(column.type)
            spelt = spellings.setdefault(column.name.lower(), column.name)
            if spelt != column.name:
                raise refuse(
                    path.name, f"the column {column.name!r} is called {spelt!r} in other files"
                )
            if family in ("nested", "bytes") and column.name in mapped:
                raise refuse(
                    path.name,
                    f"holds {'several values in one cell' if family == 'nested' else 'bytes'} "
                    f"({column.type}); take the value out with SQL under source.sql, or export it "
                    "as a plain column",
                    column=column.name,
                )
            if family == "number" and str(column.type).startswith("decimal256"):
                # The engine reads other numbers than stand there.
                raise refuse(
                    path.name,
                    f"holds numbers of more than 38 digits ({column.type}); export them as decimal "
                    "with fewer, or as text",
                    column=column.name,
                )
            if column.name in mapped and str(column.type).startswith("duration"):
                raise refuse(
                    path.name, f"holds lengths of time ({column.type}); export them as numbers",
                    column=column.name,
                )  # fmt: skip
            known, where = first.setdefault(column.name, (family, path))
            if known == "nothing":
                first[column.name] = (family, path)
            elif family not in (known, "nothing"):
                raise refuse(
                    path.name,
                    f"is {column.type} ({family}) here, but {known} in {where.name}; export all "
                    "files alike",
                    column=column.name,
                )
    for path, schema in schemas.items():
        lacking = [name for name in first if name not in schema.names]
        if lacking:
            listed = ", ".join(lacking[:MOST_EXAMPLES])
            notes.append(
                Note("warning", f"{path.name}: lacks columns that other files have ({listed}); "
                     "they are blank there")
            )  # fmt: skip
    return notes
