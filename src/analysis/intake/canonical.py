"""Sources into canonical tables: columns mapped, text cast under the declared forms."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING

from analysis.errors import DataError, Problem, shown_value
from analysis.intake.cast import SQL_TYPES, Cast, literal, literals
from analysis.intake.casting import as_text, cast_column
from analysis.intake.currencies import other_money, sign_pattern
from analysis.intake.notes import Note
from analysis.intake.reading import MOST_EXAMPLES, quoted
from analysis.intake.schema import TABLES, Column, Table
from analysis.intake.settings import ColumnSource, Reading, Settings, TableSource
from analysis.intake.staging import (
    SPACES,
    Mapping,
    create_table,
    own_name,
    trimmed_text,
)
from analysis.intake.suggestions import did_you_mean, valid_names

if TYPE_CHECKING:
    import duckdb

COMPOSITE_SEPARATOR = " | "
# What exports call the column that says in which currency an amount is.
CURRENCY_NAMES = (
    "currency",
    "currency_code",
    "curr",
    "ccy",
    "валюта",
    "waehrung",
    "währung",
    "devise",
)
CONSTANT_SHAPES: dict[str, str] = {
    **dict.fromkeys(("date", "datetime"), "[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9:]+)?"),
    **dict.fromkeys(("money", "number", "integer"), "[-+]?[0-9]*[.]?[0-9]*"),
}
NEED_CUSTOMERS = ("transactions", "periods", "contacts", "programmes", "rollout", "exposures")


def normalise_text(text: str | None) -> str | None:
    """Unicode NFKC without spaces around: what makes two spellings of an id one."""
    return None if text is None else unicodedata.normalize("NFKC", text).strip()


def _constant(column: Column, value: str, i: int) -> Mapping:
    advice = f"the constant is not a {column.kind}; write it as 12.5, 2026-06-30 or true"
    text = own_name("t", i)
    shape = CONSTANT_SHAPES.get(column.kind, "")
    moment = f"TRY_CAST({text} AS TIMESTAMP)" if column.kind in ("date", "datetime") else text
    read = f"TRY_CAST({moment} AS {SQL_TYPES[column.kind]})"
    if shape:
        # The engine's own casts read "epoch", "infinity" and "nan" as well.
        read = f"CASE WHEN regexp_full_match({text}, {literal(shape)}) THEN {read} END"
    cast = Cast(read, advice)
    return Mapping(column, cast, "CAST(? AS VARCHAR)", own_name("s", i), (value,))


def _map_column(
    column: Column,
    origin: ColumnSource,
    available: dict[str, str],
    reading: Reading,
    missing: tuple[str, ...],
    settings: Settings,
    i: int,
) -> Mapping:
    if origin.value is not None:
        return _constant(column, origin.value, i)
    if origin.columns:
        parts = [as_text(quoted(name), available[name]) for name in origin.columns]
        source, sql_type, typed = f" || '{COMPOSITE_SEPARATOR}' || ".join(parts), "VARCHAR", ""
    else:
        typed, sql_type = quoted(origin.column), available[origin.column]
        source = as_text(typed, sql_type)
        if column.kind in ("id", "category", "text") and sql_type in ("DOUBLE", "FLOAT"):
            source = f"nullif({source}, 'nan')"
    text = f"nullif({trimmed_text(own_name('s', i))}, '')"
    if missing:
        text = f"CASE WHEN {text} NOT IN ({literals(missing)}) THEN {text} END"
        typed = f"CASE WHEN {own_name('t', i)} IS NOT NULL THEN {typed} END" if typed else ""
    if origin.values:
        branches = "".join(
            f" WHEN {literal(theirs)} THEN {literal(ours)}"
            for theirs, ours in origin.values.items()
        )
        text, sql_type = f"CASE {text}{branches} ELSE {text} END", "VARCHAR"
    if column.kind in ("id", "category") and sql_type == "VARCHAR":
        # Only text beyond ASCII has more than one spelling; the function is slow on many rows.
        text = (
            f"CASE WHEN strlen({text}) = length({text}) THEN {text} "
            f"ELSE nullif(normalise_text({text}), '') END"
        )

    def cast_in(currency: str, rates: dict[str, float]) -> Cast:
        return cast_column(
            column, own_name("t", i), typed, sql_type, reading, origin, (currency, rates),
            settings.time_zone,
        )  # fmt: skip

    if origin.currency:
        cast = _converted(cast_in, column, origin.currency, available, settings, i)
    else:
        cast = cast_in(settings.currency, settings.rates)
    own = quoted(origin.column) if origin.column and not origin.currency else ""
    return Mapping(column, cast, source, text, (), missing, own, bool(origin.values))


def _converted(
    cast_in: Callable[[str, dict[str, float]], Cast],
    column: Column,
    named_in: str,
    available: dict[str, str],
    settings: Settings,
    i: int,
) -> Cast:
    """The cast of an amount whose currency another column names, in the data set's currency.

    A sign beside the amount has to be of the currency that its row names.
    """
    code = _currency_code(named_in, available)
    rates = {settings.currency: 1.0, **settings.rates}
    own = cast_in(settings.currency, {})
    branches = ""
    for name, rate in rates.items():
        amount = cast_in(name, {}).sql
        if rate != 1:
            amount = f"TRY_CAST(CAST({amount} AS DOUBLE) * {rate!r} AS {SQL_TYPES[column.kind]})"
        pattern = _code_pattern(name, tuple(rates))
        branches += f" WHEN regexp_full_match({code}, '{pattern}') THEN {amount}"
    # A currency without a rate is a problem of its own column, told by `_currencies`.
    value = f"CASE{branches} ELSE {own.sql} END"
    text = own_name("t", i)
    contradicts = (
        other_money(text, settings.currency)[0],
        f"bears another sign of money than {shown_value(named_in)} names, or one too many; correct "
        "one of the two in the export",
    )
    return Cast(value, own.advice or "is not a number", (contradicts, *own.reasons))


def _currency_code(column: str, available: dict[str, str]) -> str:
    return f"upper(trim({as_text(quoted(column), available[column])}, '{SPACES}'))"


def _code_pattern(name: str, known: tuple[str, ...]) -> str:
    """What a column of currencies calls one of those known, the first being the data set's own."""
    return sign_pattern(
        name, but_of=() if name == known[0] else tuple(c for c in known if c != name)
    )


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
    as_of: dt.date | None = None,
) -> tuple[list[Problem], list[Note]]:
    """Create `canonical.<table>` from a relation; give all problems and repairs found.

    relation: SQL name of the loaded source or view. file: its name for messages. as_of: repairs
    are counted among the rows that existed by then.
    """
    described = connection.execute(f"DESCRIBE {relation}").fetchall()
    available = {str(row[0]): str(row[1]) for row in described}
    columns = (*schema.columns, *covariate_columns(settings, schema.name))
    problems: list[Problem] = []
    mappings: list[Mapping] = []
    for column in columns:
        origin = declared.columns.get(column.name)
        if origin is None and column.name in available:
            origin = ColumnSource(column=column.name)
        if origin is None:
            problems += _if_needed(column, schema, settings, available, file)
            continue
        wanted = [name for name in (origin.column, *origin.columns, origin.currency) if name]
        absent = [name for name in wanted if name not in available]
        if absent:
            hint = did_you_mean(absent[0], [n for n in available if n != "_row"])
            problems.append(
                Problem(
                    f"there is no column {shown_value(absent[0])} in the source; {hint}",
                    file, schema.name, column.name,
                )
            )  # fmt: skip
            continue
        missing = reading.missing + (declared.no_answer if column.name == "score" else ())
        i = len(mappings)
        mappings.append(_map_column(column, origin, available, reading, missing, settings, i))
    problems += _currencies(connection, schema, declared, settings, relation, available, file)
    if any(problem.column not in CURRENCY_NAMES for problem in problems):
        return problems, []
    found, notes = create_table(
        connection, schema, mappings, relation, file, "_row" in available, as_of
    )
    return [*problems, *found], notes


def _if_needed(
    column: Column, schema: Table, settings: Settings, available: dict[str, str], file: str
) -> list[Problem]:
    is_covariate = column.name in settings.covariates and schema.name == "customers"
    if not column.required and not is_covariate:
        return []
    hint = did_you_mean(column.name, [n for n in available if n != "_row"])
    message = (
        f"{column.meaning.lower()} is needed and was not found; {hint}; write "
        f"tables.{schema.name}.columns.{column.name}"
    )
    return [Problem(message, file, schema.name, column.name)]


def _currencies(
    connection: duckdb.DuckDBPyConnection,
    schema: Table,
    declared: TableSource,
    settings: Settings,
    relation: str,
    available: dict[str, str],
    file: str,
) -> list[Problem]:
    """Amounts in currencies of which no rate is declared, whether the column is declared or not."""
    named = {c: o.currency for c, o in declared.columns.items() if o.currency in available}
    money = [c.name for c in schema.columns if c.kind == "money"]
    has_money = any(name in available or name in declared.columns for name in money)
    by_name = {name.lower(): name for name in available}
    unsaid = [by_name[name] for name in CURRENCY_NAMES if name in by_name]
    used = {origin.column for origin in declared.columns.values()}
    problems = []
    if not any(named.values()) and has_money and unsaid and unsaid[0] not in used:
        others = _other_currencies(connection, relation, unsaid[0], available, (settings.currency,))
        if others:
            column = next((name for name in money if name in declared.columns), "amount")
            message = (
                f"names other currencies than {settings.currency}; write {column}: {{column: …, "
                f"currency: {unsaid[0]}}} and rates: {{{others[0][0]}: 0.92}}, what one unit of each "
                "is worth"
            )
            problems.append(_unknown_money(message, file, schema, unsaid[0], others))
    for origin in dict.fromkeys(name for name in named.values() if name):
        known = (settings.currency, *settings.rates)
        others = _other_currencies(connection, relation, origin, available, known)
        if others:
            message = (
                "names currencies without a rate; write what one unit of each is worth in "
                f"{settings.currency}, such as rates: {{{others[0][0]}: 0.92}}"
            )
            problems.append(_unknown_money(message, file, schema, origin, others))
    return problems


def _unknown_money(
    message: str, file: str, schema: Table, column: str, others: list[tuple[str, int]]
) -> Problem:
    examples = tuple(shown_value(name) for name, _ in others[:MOST_EXAMPLES])
    count = sum(number for _, number in others)
    return Problem(message, file, schema.name, column, examples, count)


def _other_currencies(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    column: str,
    available: dict[str, str],
    known: tuple[str, ...],
) -> list[tuple[str, int]]:
    """What a column names beside the known currencies, and in how many rows."""
    patterns = "|".join(_code_pattern(name, known) for name in known)
    code = _currency_code(column, available)
    rows = connection.execute(
        f"SELECT coalesce({code}, '(empty)') AS code, count(*) FROM {relation} "
        f"GROUP BY 1 HAVING NOT regexp_full_match(code, '{patterns}') ORDER BY 2 DESC, 1"
    ).fetchall()
    return [(str(name), int(number)) for name, number in rows]


def refuse_unless_known(settings: Settings) -> None:
    """Raise DataError if a data set declares no table, or none of the customers others rest on."""
    resting = [name for name in NEED_CUSTOMERS if name in settings.tables]
    if "customers" in settings.tables or (settings.tables and not resting):
        return
    because = f", on which {valid_names(resting)} rest" if resting else ""
    raise DataError(
        [Problem(f"declare tables.customers{because}; known tables are {', '.join(TABLES)}")]
    )
