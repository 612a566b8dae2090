"""Which rows of a table a check would find fault with: found in SQL, so that only they are taken out.

A table may have fifty million rows and three faults. Every check of `validation` looks at one row,
or at rows with the same key; the conditions under which it objects are written here a second time,
as SQL over the whole table. All tables pass through this sieve, whatever their size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.intake.cast import literals
from analysis.intake.reading import quoted
from analysis.intake.schema import Table
from analysis.intake.settings import Settings
from analysis.intake.validation import ENDS_AFTER_STARTS, KEYS_MAY_REPEAT, needs_value

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

# With more rows at fault than these the words are the same; the count is then a lower bound.
MOST_ROWS = 500_000


def doubtful(table: Table, settings: Settings, present: list[str]) -> list[str]:
    """SQL conditions over a canonical table, each true of rows that a check objects to."""
    conditions = []
    for column in table.columns:
        if column.name not in present:
            continue
        name = quoted(column.name)
        if needs_value(table, column):
            conditions.append(f"{name} IS NULL")
        if column.minimum is not None:
            conditions.append(f"{name} < {column.minimum!r}")
        if column.maximum is not None:
            conditions.append(f"{name} > {column.maximum!r}")
        if column.allowed:
            conditions.append(f"{name} NOT IN ({literals(column.allowed)})")
        if column.kind in ("date", "datetime") and column.fact and column.name != "ended_on":
            conditions.append(f"{name} > TIMESTAMP '{settings.last_day} 23:59:59.999999'")
    first, last = ENDS_AFTER_STARTS.get(table.name, ("", ""))
    if first in present and last in present:
        conditions.append(f"{quoted(last)} < {quoted(first)}")
    if table.name == "surveys" and "score" in present and "instrument" in present:
        known = literals(tuple(settings.scales))
        conditions.append(f"instrument NOT IN ({known})" if known else "true")
        conditions.append("instrument IS NULL")
        for instrument, (low, high) in settings.scales.items():
            conditions.append(
                f"(instrument = {literals((instrument,))} AND (score < {low!r} OR score > {high!r}))"
            )
    if set(table.key) <= set(present) and table.key and table.name not in KEYS_MAY_REPEAT:
        keys = ", ".join(quoted(name) for name in table.key)
        # IS NOT DISTINCT FROM: two empty parts of a key are the same part.
        same = " AND ".join(
            f"doubled.{quoted(name)} IS NOT DISTINCT FROM rows.{quoted(name)}" for name in table.key
        )
        conditions.append(
            f"EXISTS (SELECT 1 FROM (SELECT {keys} FROM canonical.{table.name} GROUP BY ALL "
            f"HAVING count(*) > 1) doubled WHERE {same})"
        )
    return conditions


def rows_in_doubt(
    connection: duckdb.DuckDBPyConnection, table: Table, settings: Settings
) -> pd.DataFrame:
    """The rows of `canonical.<table>` that a check objects to, numbered from zero by their place.

    The columns are all there, with their types, where no row is at fault.
    """
    described = connection.execute(f"DESCRIBE canonical.{table.name}").fetchall()
    present = [str(row[0]) for row in described]
    conditions = doubtful(table, settings, present)
    where = " OR ".join(f"coalesce({condition}, false)" for condition in conditions) or "false"
    relation = f"canonical.{table.name} AS rows"
    found = connection.execute(f"SELECT 1 FROM {relation} WHERE {where} LIMIT 1").fetchone()
    if found is None:
        return connection.execute(f"SELECT * FROM canonical.{table.name} LIMIT 0").df()
    frame = connection.execute(
        f'SELECT * FROM (SELECT row_number() OVER () - 1 AS "~place", * FROM canonical.{table.name}) '
        f'AS rows WHERE {where} ORDER BY "~place" LIMIT {MOST_ROWS}'
    ).df()
    return frame.set_index("~place").rename_axis(None)
