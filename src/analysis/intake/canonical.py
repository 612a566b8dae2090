"""Sources into canonical tables: columns mapped, text cast under the declared forms."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from analysis.errors import DataError, Problem
from analysis.intake.notes import Note
from analysis.intake.reading import MOST_EXAMPLES, quoted
from analysis.intake.schema import TABLES, Column, Table
from analysis.intake.settings import ColumnSource, Reading, Settings, TableSource
from analysis.intake.suggestions import did_you_mean

if TYPE_CHECKING:
    import duckdb

# Years that systems write for "no end" and "unknown start".
OPEN_ENDED = ("9999-12-31", "1900-01-01")
TRUE_WORDS = "('true','yes','y','1','да','ja','oui')"
FALSE_WORDS = "('false','no','n','0','нет','nein','non')"
SQL_TYPES = {
    "id": "VARCHAR", "text": "VARCHAR", "category": "VARCHAR", "date": "DATE",
    "datetime": "TIMESTAMP", "money": "DECIMAL(18,4)", "number": "DOUBLE", "integer": "BIGINT",
    "flag": "BOOLEAN",
}  # fmt: skip
SPACES = " \t\r\n\u00a0\ufeff"
COMPOSITE_SEPARATOR = " | "


@dataclass(slots=True)
class _Mapping:
    """How one canonical column is computed: raw text, the cast, what to write when it fails."""

    column: Column
    raw: str
    cast: str
    parameters: list[object] = field(default_factory=list)
    advice: str = ""


def normalise_text(text: str | None) -> str | None:
    """Unicode NFKC without spaces around: what makes two spellings of an id one."""
    return None if text is None else unicodedata.normalize("NFKC", text).strip()


def _as_text(expression: str, sql_type: str) -> str:
    """A source column as text; dates and numbers that come typed keep their plain form."""
    if sql_type in ("DOUBLE", "FLOAT"):
        return (
            f"CASE WHEN {expression} = floor({expression}) AND abs({expression}) < 1e15 THEN "
            f"CAST(CAST({expression} AS BIGINT) AS VARCHAR) ELSE CAST({expression} AS VARCHAR) END"
        )
    return f"CAST({expression} AS VARCHAR)"


def _literals(words: tuple[str, ...]) -> str:
    return ", ".join("'" + word.replace("'", "''") + "'" for word in words)


def _cast(
    column: Column, text: str, typed: str, sql_type: str, reading: Reading, dates: tuple[str, ...]
) -> tuple[str, str]:
    """The SQL that turns a cleaned value into its canonical type, and advice for a failure."""
    target = SQL_TYPES[column.kind]
    if column.kind in ("id", "text", "category"):
        return text, ""
    if column.kind in ("date", "datetime"):
        if sql_type.startswith(("DATE", "TIMESTAMP")):
            return f"CAST({typed} AS {target})", ""
        formats = dates or reading.dates
        parsed = f"try_strptime({text}, [{_literals(formats)}])"
        # strptime reads "24" as the year 24: a two-digit year needs %y.
        sane = f"CASE WHEN year({parsed}) BETWEEN 1000 AND 9999 THEN {parsed} END"
        return f"CAST({sane} AS {target})", (
            f"is not a date of the form {' or '.join(formats)}; write the column's format under "
            'dates, such as {column: …, dates: "%d.%m.%Y"}'
        )
    if column.kind == "flag":
        if sql_type == "BOOLEAN":
            return typed, ""
        lowered = f"lower({text})"
        return (
            f"CASE WHEN {lowered} IN {TRUE_WORDS} THEN true "
            f"WHEN {lowered} IN {FALSE_WORDS} THEN false END",
            "is neither yes nor no; map it with {column: …, values: {theirs: yes, …}}",
        )
    if sql_type in ("DOUBLE", "FLOAT", "BIGINT", "INTEGER", "HUGEINT") or "DECIMAL" in sql_type:
        whole = f" AND {typed} = floor({typed})" if column.kind == "integer" else ""
        number = f"CASE WHEN isfinite(CAST({typed} AS DOUBLE)){whole} THEN {typed} END"
        kind = "whole number" if column.kind == "integer" else "finite number"
        return f"TRY_CAST({number} AS {target})", f"is not a {kind}"
    plain = (
        f"regexp_replace({text}, '[\\s\\x{{00A0}}\\x{{202F}}\\x{{2009}}€₽$£%]|руб\\.?', '', 'g')"
    )
    plain = f"replace({plain}, '−', '-')"
    if reading.decimal == ",":
        # The point is no decimal here: between groups of three it goes, elsewhere it is refused.
        grouped = "'[-+]?[0-9]{1,3}(\\.[0-9]{3})+(,[0-9]*)?'"
        plain = (
            f"CASE WHEN regexp_full_match({plain}, {grouped}) THEN "
            f"replace(replace({plain}, '.', ''), ',', '.') "
            f"WHEN NOT contains({plain}, '.') THEN replace({plain}, ',', '.') END"
        )
    # A plain number only: TRY_CAST alone would let "1e5", "inf" and "nan" pass.
    shape = "[0-9]+(\\.0*)?" if column.kind == "integer" else "([0-9]+\\.?[0-9]*|\\.[0-9]+)"
    plain = f"CASE WHEN regexp_full_match({plain}, '[-+]?{shape}') THEN {plain} END"
    if column.kind == "integer":
        return f"TRY_CAST({plain} AS {target})", (
            "is not a whole number; list words that mean “no value” under reading.missing"
        )
    return f"TRY_CAST({plain} AS {target})", (
        f"is not a number with the decimal {'comma' if reading.decimal == ',' else 'point'}; "
        "write reading.decimal, or list words that mean “no value” under reading.missing"
    )


def _map_column(
    column: Column,
    origin: ColumnSource,
    available: dict[str, str],
    reading: Reading,
    missing: tuple[str, ...],
) -> _Mapping:
    parameters: list[object] = []
    if origin.value is not None:
        raw = "CAST(? AS VARCHAR)"
        cast = f"TRY_CAST({raw} AS {SQL_TYPES[column.kind]})"
        advice = f"the constant is not a {column.kind}; write it as 12.5, 2026-06-30 or true"
        return _Mapping(column, raw, cast, [origin.value], advice)
    if origin.columns:
        parts = [_as_text(quoted(name), available[name]) for name in origin.columns]
        raw, sql_type, typed = f" || '{COMPOSITE_SEPARATOR}' || ".join(parts), "VARCHAR", ""
    else:
        typed, sql_type = quoted(origin.column), available[origin.column]
        raw = _as_text(typed, sql_type)
    text = f"nullif(trim({raw}, '{SPACES}'), '')"
    if missing:
        text = f"CASE WHEN {text} IN ({_literals(missing)}) THEN NULL ELSE {text} END"
        typed = f"CASE WHEN {text} IS NOT NULL THEN {typed} END" if typed else ""
    if origin.values:
        branches = "".join(
            f" WHEN {_literals((theirs,))} THEN {_literals((ours,))}"
            for theirs, ours in origin.values.items()
        )
        text, sql_type = f"CASE {text}{branches} ELSE {text} END", "VARCHAR"
    if column.kind in ("id", "category") and sql_type == "VARCHAR":
        text = f"nullif(normalise_text({text}), '')"
    cast, advice = _cast(column, text, typed, sql_type, reading, origin.dates)
    return _Mapping(column, text, cast, parameters, advice)


def covariate_columns(settings: Settings, table: str) -> tuple[Column, ...]:
    """The declared covariates as columns of the customers table."""
    if table != "customers":
        return ()
    canonical = TABLES[table].column_names
    return tuple(
        Column(name, kind, f"Covariate {name}")
        for name, kind in settings.covariates.items()
        if name not in canonical
    )


def build_canonical(
    connection: duckdb.DuckDBPyConnection,
    schema: Table,
    declared: TableSource,
    settings: Settings,
    relation: str,
    file: str,
    reading: Reading,
) -> tuple[list[Problem], list[Note]]:
    """Create `canonical.<table>` from a relation; give all problems and repairs found.

    relation: SQL name of the loaded source or view. file: its name for messages.
    """
    described = connection.execute(f"DESCRIBE {relation}").fetchall()
    available = {str(row[0]): str(row[1]) for row in described}
    columns = (*schema.columns, *covariate_columns(settings, schema.name))
    problems: list[Problem] = []
    mappings: list[_Mapping] = []
    for column in columns:
        origin = declared.columns.get(column.name)
        if origin is None and column.name in available:
            origin = ColumnSource(column=column.name)
        if origin is None:
            is_covariate = column.name in settings.covariates and schema.name == "customers"
            if column.required or is_covariate:
                hint = did_you_mean(column.name, [n for n in available if n != "_row"])
                problems.append(
                    Problem(
                        f"{column.meaning.lower()} is needed and was not found; {hint}; write "
                        f"tables.{schema.name}.columns.{column.name}",
                        file, schema.name, column.name,
                    )
                )  # fmt: skip
            continue
        wanted = [name for name in (origin.column, *origin.columns) if name]
        absent = [name for name in wanted if name not in available]
        if absent:
            hint = did_you_mean(absent[0], [n for n in available if n != "_row"])
            problems.append(
                Problem(
                    f"there is no column {absent[0]!r} in the source; {hint}",
                    file, schema.name, column.name,
                )
            )  # fmt: skip
            continue
        missing = reading.missing + (declared.no_answer if column.name == "score" else ())
        mappings.append(_map_column(column, origin, available, reading, missing))
    if problems:
        return problems, []
    return _create(connection, schema, mappings, relation, file, "_row" in available)


def _create(
    connection: duckdb.DuckDBPyConnection,
    schema: Table,
    mappings: list[_Mapping],
    relation: str,
    file: str,
    numbered: bool,
) -> tuple[list[Problem], list[Note]]:
    # Only rows that are equal throughout are one row: two lines of an order may look alike in
    # the columns that are mapped.
    every = "*" if numbered else "row_number() OVER () AS _row, *"
    before = _scalar(connection, f"SELECT count(*) FROM {relation}")
    connection.execute(
        "CREATE TEMP TABLE distinct_rows AS SELECT * EXCLUDE (_row), min(_row) AS _row "
        f"FROM (SELECT {every} FROM {relation}) GROUP BY ALL"
    )
    raws = ", ".join(f"{m.raw} AS raw_{i}" for i, m in enumerate(mappings))
    casts = ", ".join(f"{m.cast} AS {quoted(m.column.name)}" for m in mappings)
    parameters = [value for m in mappings for value in m.parameters] * 2
    connection.execute(
        f"CREATE TEMP TABLE staged AS SELECT _row, {raws}, {casts} FROM distinct_rows",
        parameters,
    )
    connection.execute("DROP TABLE distinct_rows")
    problems = []
    for i, mapping in enumerate(mappings):
        if not mapping.advice:
            continue
        name = quoted(mapping.column.name)
        bad = f"FROM staged WHERE raw_{i} IS NOT NULL AND {name} IS NULL"
        count = _scalar(connection, f"SELECT count(*) {bad}")
        if count:
            shown = connection.execute(
                f"SELECT _row, raw_{i} {bad} ORDER BY _row LIMIT {MOST_EXAMPLES}"
            ).fetchall()
            examples = tuple(f"row {number}: {str(text)[:60]!r}" for number, text in shown)
            problems.append(
                Problem(mapping.advice, file, schema.name, mapping.column.name, examples, count)
            )
    notes = _open_sentinels(connection, schema, mappings)
    names = ", ".join(quoted(m.column.name) for m in mappings)
    connection.execute(
        f"CREATE TABLE canonical.{schema.name} AS SELECT {names} FROM staged ORDER BY _row"
    )
    dropped = before - _scalar(connection, f"SELECT count(*) FROM canonical.{schema.name}")
    if dropped:
        message = "exact duplicates of a row were dropped"
        notes.append(Note("repair", message, schema.name, count=dropped))
    connection.execute("DROP TABLE staged")
    return problems, notes


def _open_sentinels(
    connection: duckdb.DuckDBPyConnection, schema: Table, mappings: list[_Mapping]
) -> list[Note]:
    notes = []
    for mapping in mappings:
        if mapping.column.kind not in ("date", "datetime"):
            continue
        name = quoted(mapping.column.name)
        where = f"WHERE CAST({name} AS DATE) IN ({_literals(OPEN_ENDED)})"
        count = _scalar(connection, f"SELECT count(*) FROM staged {where}")
        if count:
            connection.execute(f"UPDATE staged SET {name} = NULL {where}")
            message = f"{' and '.join(OPEN_ENDED)} mean “open” and were blanked"
            notes.append(Note("repair", message, schema.name, mapping.column.name, count))
    return notes


def _scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def refuse_unless_known(settings: Settings) -> None:
    """Raise DataError if a data set declares no customers, on which everything rests."""
    if "customers" not in settings.tables:
        raise DataError(
            [Problem(f"declare tables.customers; known tables are {', '.join(TABLES)}")]
        )
