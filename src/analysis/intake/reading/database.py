"""Database tables through Ibis: streamed, exact, and without ever saying where they come from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from analysis.errors import DataError
from analysis.intake.engine import open_engine
from analysis.intake.notes import Note
from analysis.intake.reading.naming import ROW_NUMBER, quoted, refuse_doubled
from analysis.intake.reading.refusals import refuse
from analysis.intake.settings import Reading, Settings, Source
from analysis.intake.suggestions import did_you_mean

if TYPE_CHECKING:
    import duckdb

ROWS_AT_ONCE = 50_000
STAGED = "rows of a database"
# Which extra of this package, or which package, brings a driver.
EXTRAS = {"postgres": "clientele[postgres]", "postgresql": "clientele[postgres]"}
# Set by a build: the digests that its plan rests on, so that its kernels rest on the same.
HELD_DIGESTS = "CLIENTELE_DATABASE_DIGESTS"


def read_database(
    connection: duckdb.DuckDBPyConnection, table: str, source: Source, reading: Reading
) -> list[Note]:
    """Load a database table; the address comes from the environment alone.

    Rows are put in the order of their values: a database gives them in any. Raises DataError in
    words that hold neither the address nor anything a driver says, which may repeat it.
    """
    variable = source.connect.removeprefix("env:")
    address = os.environ.get(variable, "")
    if not address:
        raise refuse("", f"set the environment variable {variable} to the database's address")
    failure = ""
    try:
        _stream(connection, table, address, variable, source, reading)
    except DataError:
        raise
    except ImportError:
        failure = _missing_driver(address, variable)
    except Exception as error:
        failure = (
            f"table {source.table!r} at {variable} cannot be read ({type(error).__name__}); try "
            "the address with the database's own client"
        )
    # Outside the handler, so that the driver's error does not hang on ours as its context.
    if failure:
        connection.execute(f"DROP TABLE IF EXISTS {quoted(STAGED)}")
        raise refuse("", failure)
    return []


def _missing_driver(address: str, variable: str) -> str:
    from urllib.parse import urlsplit

    backend = urlsplit(address).scheme.partition("+")[0]
    extra = EXTRAS.get(backend, f"ibis-framework[{backend}]")
    return f"the driver for the database at {variable} is not installed; install {extra}"


def _stream(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    address: str,
    variable: str,
    source: Source,
    reading: Reading,
) -> None:
    import ibis

    _refuse_missing_file(address, variable)
    database = ibis.connect(address)
    try:
        expression = _find_table(database, source.table, variable)
        refuse_doubled(list(expression.columns), f"table {source.table}")
        if database.name == "sqlite":
            casts = _stage_sqlite(connection, database, expression, source, reading)
        else:
            casts = _stage_typed(connection, database, expression)
    finally:
        database.disconnect()
    named = ", ".join(f"{cast} AS {quoted(name)}" for name, cast in casts.items())
    connection.execute(
        f"CREATE TABLE {quoted(table)} AS SELECT row_number() OVER () AS {ROW_NUMBER}, * "
        f"FROM (SELECT {named} FROM {quoted(STAGED)} ORDER BY ALL)"
    )
    connection.execute(f"DROP TABLE {quoted(STAGED)}")
    if connection.execute(f"SELECT 1 FROM {quoted(table)} LIMIT 1").fetchone() is None:
        connection.execute(f"DROP TABLE {quoted(table)}")
        raise refuse("", f"table {source.table!r} at {variable} has no rows")
    held = _held().get(_key(source))
    if held is not None and held != _digest(connection, table):
        raise refuse(
            "",
            f"table {source.table!r} at {variable} changed while it was being read; run it again",
        )


def _refuse_missing_file(address: str, variable: str) -> None:
    # SQLite would make an empty file of that name.
    from pathlib import Path
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(address)
    path = unquote(parts.netloc + parts.path)
    if parts.scheme == "sqlite" and not Path(path).is_file():
        raise refuse("", f"there is no SQLite database where {variable} points to")


def _find_table(database: Any, name: str, variable: str) -> Any:
    """A table by name, or by schema and name with a point between."""
    from ibis.common.exceptions import TableNotFound

    schema, _, plain = name.rpartition(".")
    places: list[tuple[str, str | None]] = [(name, None)]
    if schema:
        places.append((plain, schema))
    for table, place in places:
        try:
            return database.table(table, database=place)
        except TableNotFound:
            continue
    there: list[str] = []
    try:
        there = list(database.list_tables(database=schema or None))
    except Exception:
        # A schema that is not there has no tables either.
        there = []
    shown = [f"{schema}.{found}" for found in there] if schema else there
    raise refuse("", f"there is no table {name!r} at {variable}; {did_you_mean(name, shown)}")


def _stage_typed(
    connection: duckdb.DuckDBPyConnection, database: Any, expression: Any
) -> dict[str, str]:
    """Stream a table batch by batch; give each column's SQL in the staged table.

    Decimals travel as text: the database's may have more digits than Arrow's, or be no numbers.
    """
    schema = expression.schema()
    names = list(schema.names)
    as_text = [name for name in names if not _travels(schema[name])]
    selected = expression.mutate(**{name: expression[name].cast("string") for name in as_text})
    batches = database.to_pyarrow_batches(selected.select(*names), chunk_size=ROWS_AT_ONCE)
    created = False
    for batch in batches:
        created = _add_batch(connection, batch, len(names), created)
    if not created:
        _add_batch(connection, selected.select(*names).schema().to_pyarrow().empty_table(),
                   len(names), False)  # fmt: skip
    return {
        name: _decimal(connection, f"c{i}", schema[name]) if schema[name].is_decimal() else f"c{i}"
        for i, name in enumerate(names)
    }


def _travels(kind: Any) -> bool:
    """Whether Arrow carries a column of this type as it is."""
    return bool(
        kind.is_boolean() or kind.is_integer() or kind.is_floating() or kind.is_string()
        or kind.is_date() or kind.is_timestamp()
    )  # fmt: skip


def _add_batch(
    connection: duckdb.DuckDBPyConnection, batch: Any, width: int, created: bool
) -> bool:
    import pyarrow as pa

    table = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
    view = "rows of a batch"
    connection.register(view, table.rename_columns([f"c{i}" for i in range(width)]))
    verb = f"INSERT INTO {quoted(STAGED)}" if created else f"CREATE TABLE {quoted(STAGED)} AS"
    try:
        connection.execute(f"{verb} SELECT * FROM {quoted(view)}")
    finally:
        connection.unregister(view)
    return True


def _decimal(connection: duckdb.DuckDBPyConnection, column: str, kind: Any) -> str:
    """Text as an exact decimal where every value is one, else as a floating-point number."""
    scale = 10 if kind.scale is None else min(int(kind.scale), 18)
    exact = f"CAST({column} AS DECIMAL(38, {scale}))"
    loses = f"TRY_CAST({column} AS DECIMAL(38, {scale})) IS NULL"
    if kind.scale is None:
        loses += f" OR length(split_part({column}, '.', 2)) > {scale}"
    query = f"SELECT 1 FROM {quoted(STAGED)} WHERE {column} IS NOT NULL AND ({loses}) LIMIT 1"
    return exact if connection.execute(query).fetchone() is None else f"CAST({column} AS DOUBLE)"


def _stage_sqlite(
    connection: duckdb.DuckDBPyConnection,
    database: Any,
    expression: Any,
    source: Source,
    reading: Reading,
) -> dict[str, str]:
    """Stream a SQLite table, whose cells have types of their own, as text.

    Ibis would fetch it whole, through a frame in which a column of whole numbers with gaps loses
    the digits of long ids.
    """
    from analysis.intake.reading.staging import TextTable

    schema = expression.schema()
    names = list(schema.names)
    met: list[set[str]] = [set() for _ in names]
    cursor = database.con.cursor()
    try:
        cursor.execute(database.compile(expression))
        with TextTable(connection, STAGED, [f"c{i}" for i in range(len(names))]) as target:
            for row in _fetched(cursor):
                target.append(
                    [
                        None if value is None else _plain(value, kinds, reading)
                        for value, kinds in zip(row, met, strict=True)
                    ]
                )
    finally:
        cursor.close()
    casts = {}
    for i, (name, kinds) in enumerate(zip(names, met, strict=True)):
        if "bytes" in kinds:
            raise refuse(
                f"table {source.table}", "holds bytes; export the column as text", column=name
            )
        casts[name] = _sqlite_cast(connection, f"c{i}", kinds, schema[name])
    return casts


def _fetched(cursor: Any) -> Iterator[Iterable[object]]:
    while rows := cursor.fetchmany(ROWS_AT_ONCE):
        yield from rows


def _plain(value: object, kinds: set[str], reading: Reading) -> str:
    kinds.add(type(value).__name__)
    if isinstance(value, float):
        plain = repr(value).removesuffix(".0")
        return plain.replace(".", ",") if reading.decimal == "," else plain
    return str(value)


def _sqlite_cast(
    connection: duckdb.DuckDBPyConnection, column: str, kinds: set[str], declared: Any
) -> str:
    """The type that all values of a column have, else text."""
    if kinds and kinds <= {"int"}:
        return f"CAST({column} AS BIGINT)"
    if kinds and kinds <= {"int", "float"}:
        return f"CAST(replace({column}, ',', '.') AS DOUBLE)"
    if kinds == {"str"} and (declared.is_date() or declared.is_timestamp()):
        # Dates are text in SQLite; where all are of the usual form they need no declaration.
        target = "DATE" if declared.is_date() else "TIMESTAMP"
        shape = r"'\d{4}-\d{2}-\d{2}'" if target == "DATE" else r"'\d{4}-\d{2}-\d{2}[ T][\d:.]+'"
        query = (
            f"SELECT 1 FROM {quoted(STAGED)} WHERE {column} IS NOT NULL AND (TRY_CAST({column} AS "
            f"{target}) IS NULL OR NOT regexp_full_match({column}, {shape})) LIMIT 1"
        )
        if connection.execute(query).fetchone() is None:
            return f"CAST({column} AS {target})"
    return column


def _digest(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """A digest of a table's columns and rows, whatever their order."""
    described = connection.execute(f"DESCRIBE {quoted(table)}").fetchall()
    columns = [(str(row[0]), str(row[1])) for row in described if row[0] != ROW_NUMBER]
    every = ", ".join(quoted(name) for name, _ in columns)
    counted = connection.execute(
        f"SELECT count(*), sum(hash({every})::HUGEINT), bit_xor(hash({every})) FROM {quoted(table)}"
    ).fetchone()
    return hashlib.sha256(repr((columns, counted)).encode()).hexdigest()


def _key(source: Source) -> str:
    """Which table of which database, without saying so."""
    address = os.environ.get(source.connect.removeprefix("env:"), "")
    return hashlib.sha256(f"{address}\n{source.table}".encode()).hexdigest()


def _held() -> dict[str, str]:
    import json

    try:
        held = json.loads(os.environ.get(HELD_DIGESTS, "{}"))
    except ValueError:
        return {}
    return held if isinstance(held, dict) else {}


def database_digests(settings: Settings) -> dict[str, str]:
    """A digest of what each database table holds, by "database/<source>".

    A table is read whole for it, unless a build holds its digest. Raises DataError if a table
    cannot be read.
    """
    held = _held()
    digests = {}
    for name, source in settings.sources.items():
        if not source.connect:
            continue
        digest = held.get(_key(source))
        if digest is None:
            with open_engine() as connection:
                read_database(connection, name, source, settings.reading_of(source))
                digest = _digest(connection, name)
        digests[f"database/{name}"] = digest
    return digests


def hold_database_digests(settings: Settings) -> None:
    """Read every database table anew, and let this process and its children rest on that."""
    import json

    os.environ.pop(HELD_DIGESTS, None)
    digests = database_digests(settings)
    if digests:
        held = {_key(settings.sources[key.partition("/")[2]]): d for key, d in digests.items()}
        os.environ[HELD_DIGESTS] = json.dumps(held, sort_keys=True)
