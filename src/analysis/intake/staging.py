"""From a source to a canonical table in one pass: values cast, repairs and failures counted."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from analysis.errors import Problem, shown_value
from analysis.intake.as_of import exists_on, known_by
from analysis.intake.cast import Cast, literals
from analysis.intake.date_casting import OPEN_ENDED
from analysis.intake.notes import Note
from analysis.intake.reading import MOST_EXAMPLES, quoted
from analysis.intake.schema import Column, Table

if TYPE_CHECKING:
    import duckdb

# All that Unicode calls a space, what old systems put between fields, and the byte order mark.
SPACES = (
    " \t\r\n\x0b\x0c\x1c\x1d\x1e\x1f\x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
)
# Names of our own beside the source's columns, which may be called anything else.
COPIES = '"~copies"'
TEXT_KINDS = ("id", "category", "text")


@dataclass(frozen=True, slots=True)
class Mapping:
    """How one canonical column is computed, step by step.

    source: SQL of the text as exported. text: SQL of the cleaned text, over the former as "~s i".
    cast: over the cleaned text as "~t i". missing: words that were blanked. typed: SQL of the
    source's own column where there is one alone. values: whether words are exchanged for others.
    """

    column: Column
    cast: Cast
    source: str = ""
    text: str = ""
    parameters: tuple[object, ...] = ()
    missing: tuple[str, ...] = field(default=())
    typed: str = ""
    values: bool = False


def own_name(letter: str, i: int) -> str:
    """The name of a step of column number `i`: s (as exported), t (cleaned), v (its value), …"""
    return f'"~{letter} {i}"'


def has_no_spaces(text: str) -> str:
    """SQL of whether a text is plain, and begins and ends with what is seen: quick to tell."""
    return f"(strlen({text}) = length({text}) AND ascii({text}) > 32 AND {text}[-1] > ' ')"


def trimmed_text(text: str) -> str:
    """SQL of a text without spaces around; most have none, and looking for them is slow."""
    return f"CASE WHEN {has_no_spaces(text)} THEN {text} ELSE trim({text}, '{SPACES}') END"


def create_table(
    connection: duckdb.DuckDBPyConnection,
    schema: Table,
    mappings: list[Mapping],
    relation: str,
    file: str,
    numbered: bool,
    as_of: dt.date | None = None,
) -> tuple[list[Problem], list[Note]]:
    viewed = _as_view(connection, schema, mappings, relation, file, as_of)
    if viewed is not None:
        return viewed
    columns, flags = _columns(mappings)
    parameters = [value for m in mappings for value in m.parameters]
    cast_rows = _cast(mappings, _distinct_rows(connection, schema, mappings, relation, numbered))
    connection.execute(
        f"CREATE TEMP TABLE staged AS SELECT _row, {COPIES}, {', '.join([*columns, *flags])} "
        f"FROM ({cast_rows})",
        parameters,
    )
    present = [m.column.name for m in mappings]
    problems, notes = _counted(connection, schema, mappings, present, as_of)
    reported = [
        problem
        for i in problems
        for problem in _failures(connection, mappings, i, cast_rows, parameters, file, schema)
    ]
    names = ", ".join(quoted(name) for name in present)
    connection.execute(
        f"CREATE TABLE canonical.{schema.name} AS SELECT {names} FROM staged ORDER BY _row"
    )
    connection.execute("DROP TABLE staged")
    connection.execute("DROP TABLE IF EXISTS distinct_rows")
    return reported, notes


def _columns(mappings: list[Mapping]) -> tuple[list[str], list[str]]:
    """SQL of the canonical columns, and of what is to be counted, over the cast rows."""
    columns, flags = [], []
    for i, m in enumerate(mappings):
        value = own_name("v", i)
        if m.cast.sentinel:
            value = f"CASE WHEN NOT ({m.cast.sentinel}) THEN {value} END"
        columns.append(f"{value} AS {quoted(m.column.name)}")
        flags += [f"{condition} AS {own_name(flag, i)}" for flag, condition in _flags(m, i)]
    return columns, flags


def _cast(mappings: list[Mapping], rows: str) -> str:
    """Rows with every column as exported, cleaned and cast beside the source's own columns."""
    values = [f"{m.cast.sql} AS {own_name('v', i)}" for i, m in enumerate(mappings)]
    return f"SELECT *, {', '.join(values)} FROM ({_texts(mappings, rows)})"


def _as_view(
    connection: duckdb.DuckDBPyConnection,
    schema: Table,
    mappings: list[Mapping],
    relation: str,
    file: str,
    as_of: dt.date | None,
) -> tuple[list[Problem], list[Note]] | None:
    """Make the table a view where the source is one; None, and nothing done, where that cannot be.

    It cannot where keys repeat: rows may then be equal throughout, which only a copy can tell. The
    order of the rows is that of the files.
    """
    viewed = connection.execute(
        "SELECT 1 FROM duckdb_views() WHERE view_name = ? AND NOT internal",
        [relation.strip('"').replace('""', '"')],
    ).fetchone()
    present = [m.column.name for m in mappings]
    if not viewed or any(m.parameters for m in mappings):
        return None
    if not schema.key or not set(schema.key) <= set(present):
        return None
    mappings = _without_repairs(connection, mappings, relation)
    columns, flags = _columns(mappings)
    cast_rows = _cast(mappings, f"(SELECT *, 1 AS {COPIES} FROM {relation})")
    target = f"canonical.{schema.name}"
    connection.execute(f"CREATE VIEW {target} AS SELECT {', '.join(columns)} FROM ({cast_rows})")
    # Different digests are of different keys; that two keys share one is so rare that the slower
    # way may be gone for it.
    keys = ", ".join(quoted(name) for name in schema.key)
    repeated = connection.execute(
        f"SELECT count(*) <> count(DISTINCT hash({keys})) FROM {target}"
    ).fetchone()
    if repeated is None or repeated[0]:
        connection.execute(f"DROP VIEW {target}")
        return None
    connection.execute(
        f"CREATE TEMP VIEW staged AS SELECT {COPIES}, {', '.join([*columns, *flags])} "
        f"FROM ({cast_rows})"
    )
    failed, notes = _counted(connection, schema, mappings, present, as_of)
    connection.execute("DROP VIEW staged")
    numbered = _cast(
        mappings, f"(SELECT row_number() OVER () AS _row, *, 1 AS {COPIES} FROM {relation})"
    )
    problems = [
        problem
        for i in failed
        for problem in _failures(connection, mappings, i, numbered, [], file, schema)
    ]
    return problems, notes


def _without_repairs(
    connection: duckdb.DuckDBPyConnection, mappings: list[Mapping], relation: str
) -> list[Mapping]:
    """The mappings, plain ones in place of those that would mend nothing in any row.

    A view is evaluated whenever it is read, so what has nothing to do must cost nothing.
    """
    asked: dict[int, str] = {}
    plain: dict[int, Mapping] = {}
    for i, m in enumerate(mappings):
        if m.missing or m.values:
            continue
        if m.column.kind in TEXT_KINDS and m.typed and m.source == m.typed:
            unusual = f"NOT {has_no_spaces(m.source)} OR contains({m.source}, '+')"
            asked[i] = unusual
            plain[i] = replace(m, text=m.source, cast=Cast(m.source))
        elif m.cast.plain:
            asked[i] = m.cast.unusual
            plain[i] = replace(m, cast=Cast(m.cast.plain))
    if not asked:
        return mappings
    counts = ", ".join(f"count(*) FILTER ({condition})" for condition in asked.values())
    row = connection.execute(f"SELECT {counts} FROM {relation}").fetchone()
    assert row is not None
    idle = {i for i, count in zip(asked, row, strict=True) if not count}
    return [plain[i] if i in idle else m for i, m in enumerate(mappings)]


def _texts(mappings: list[Mapping], rows: str) -> str:
    """Texts as exported (s_i) and cleaned (t_i) beside the source's own columns."""
    sources = "".join(f", {m.source} AS {own_name('s', i)}" for i, m in enumerate(mappings))
    cleaned = "".join(f", {m.text} AS {own_name('t', i)}" for i, m in enumerate(mappings))
    return f"SELECT *{cleaned} FROM (SELECT *{sources} FROM {rows})"


def _distinct_rows(
    connection: duckdb.DuckDBPyConnection,
    schema: Table,
    mappings: list[Mapping],
    relation: str,
    numbered: bool,
) -> str:
    """The relation with rows that are equal throughout once, and how often they stood there.

    Rows that are equal only in the columns that are mapped may be two lines of an order.
    """
    every = "*" if numbered else "row_number() OVER () AS _row, *"
    key = [m.source for m in mappings if m.column.name in schema.key and not m.parameters]
    if key and len(key) == len(schema.key):
        doubled = connection.execute(
            f"SELECT 1 FROM {relation} GROUP BY {', '.join(key)} HAVING count(*) > 1 LIMIT 1"
        ).fetchone()
        if doubled is None:
            return f"(SELECT {every}, 1 AS {COPIES} FROM {relation})"
    connection.execute(
        f"CREATE TEMP TABLE distinct_rows AS SELECT * EXCLUDE (_row), min(_row) AS _row, "
        f"count(*) AS {COPIES} FROM (SELECT {every} FROM {relation}) GROUP BY ALL"
    )
    return "distinct_rows"


def _flags(mapping: Mapping, i: int) -> list[tuple[str, str]]:
    """What is to be counted about a column: names and conditions over the cast rows."""
    source, text, value = own_name("s", i), own_name("t", i), own_name("v", i)
    trimmed = trimmed_text(source)
    flags = []
    if mapping.cast.advice:
        flags.append(("bad", f"{text} IS NOT NULL AND {value} IS NULL"))
    untouched = mapping.text == mapping.source and mapping.text != ""
    if mapping.column.kind in TEXT_KINDS and not mapping.parameters and not untouched:
        stray = f"CASE WHEN {has_no_spaces(source)} THEN false ELSE {source} <> {trimmed} AND {trimmed} <> '' END"
        flags.append(("stray", stray))
        if "normalise_text" in mapping.text:
            normalised = f"normalise_text({trimmed}) <> {trimmed}"
            flags.append(
                ("form", f"CASE WHEN strlen({source}) <> length({source}) THEN {normalised} END")
            )
    if mapping.missing:
        flags.append(("missing", f"{trimmed} IN ({literals(mapping.missing)})"))
    if mapping.cast.sentinel:
        flags.append(("open", mapping.cast.sentinel))
    if mapping.cast.offset:
        flags.append(("offset", f"{value} IS NOT NULL AND {mapping.cast.offset}"))
    return flags


REPAIRS = {
    "stray": "spaces around values were taken off",
    "form": "letters of unusual form (full width, ligatures) were written as plain ones (NFKC)",
    "missing": "words declared to mean “no value” were blanked",
    "open": "days that stand for “open” ({open}) were blanked",
    "offset": "moments with an offset were converted to the declared time zone",
}


def _counted(
    connection: duckdb.DuckDBPyConnection,
    schema: Table,
    mappings: list[Mapping],
    present: list[str],
    as_of: dt.date | None,
) -> tuple[list[int], list[Note]]:
    """The columns in which something could not be read, and the repairs, in one pass."""
    exists = exists_on(schema, present, as_of) if as_of else "true"
    wanted = [("copies", -1)]
    sums = [f"sum({COPIES} - 1) FILTER ({exists})"]
    for i, mapping in enumerate(mappings):
        known = known_by(schema, present, mapping.column.name, as_of) if as_of else "true"
        for flag, _ in _flags(mapping, i):
            among = "true" if flag == "bad" else f"({exists}) AND ({known})"
            wanted.append((flag, i))
            sums.append(f"count(*) FILTER (coalesce({own_name(flag, i)}, false) AND {among})")
    row = connection.execute(f"SELECT {', '.join(sums)} FROM staged").fetchone()
    assert row is not None
    failed, notes = [], []
    for (flag, i), count in zip(wanted, row, strict=True):
        if not count:
            continue
        if flag == "bad":
            failed.append(i)
        elif flag == "copies":
            message = "exact duplicates of a row were dropped"
            notes.append(Note("repair", message, schema.name, count=int(count)))
        else:
            message = REPAIRS[flag].format(open=", ".join(OPEN_ENDED))
            notes.append(Note("repair", message, schema.name, mappings[i].column.name, int(count)))
    return failed, notes


def _failures(
    connection: duckdb.DuckDBPyConnection,
    mappings: list[Mapping],
    i: int,
    cast_rows: str,
    parameters: list[object],
    file: str,
    schema: Table,
) -> list[Problem]:
    """Why values of a column could not be read: a problem for each reason, with its rows."""
    cast, text, value = mappings[i].cast, own_name("t", i), own_name("v", i)
    branches = "".join(
        f" WHEN {condition} THEN {number}" for number, (condition, _) in enumerate(cast.reasons)
    )
    reason = f"CASE{branches} ELSE {len(cast.reasons)} END" if branches else "0"
    found = connection.execute(
        f"SELECT reason, count(*), min_by(_row, _row, {MOST_EXAMPLES}), "
        f"min_by({text}, _row, {MOST_EXAMPLES}) FROM (SELECT _row, {text}, {reason} AS reason "
        f"FROM ({cast_rows}) WHERE {text} IS NOT NULL AND {value} IS NULL) GROUP BY 1 ORDER BY 1",
        parameters,
    ).fetchall()
    advice = [*(message for _, message in cast.reasons), cast.advice]
    return [
        Problem(
            advice[number], file, schema.name, mappings[i].column.name,
            tuple(f"row {n}: {shown_value(shown)}" for n, shown in zip(rows, texts, strict=True)),
            int(count),
        )
        for number, count, rows, texts in found
    ]  # fmt: skip
