"""Lifetimes counted by time in the engine: what a survival curve needs, whatever the customers' number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from analysis.intake.reading import quoted

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

EVERYBODY = "all"
MISSING = "(missing)"
NOT_GROUPS = ("customer_id", "started_on", "entry_months", "exit_months", "ended", "end_reason")


def lifetime_counts(
    connection: duckdb.DuckDBPyConnection, relation: str, group: str = ""
) -> pd.DataFrame:
    """Counts by group and time, ordered by both.

    relation: SQL of a table with entry_months, exit_months and ended, a row per customer or spell.
    group: one of its columns, or "" for all together. Gives `group` (text; "(missing)" where there
    is none), `months`, and `entries`, `exits` and `losses` at that time: who came under
    observation, whose observation ended for whatever reason, and those of them who left.
    """
    level = quoted(group) if group else f"'{EVERYBODY}'"
    # Each side is counted on its own: entry × exit has far more combinations than either has times.
    # Text is made of the counts, not of the rows.
    return connection.execute(f"""
        WITH counted AS (
            SELECT {level} AS level, entry_months AS months, count(*) AS entries, 0 AS exits, 0 AS losses
            FROM {relation} GROUP BY ALL
            UNION ALL
            SELECT {level}, exit_months, 0, count(*), count(*) FILTER (ended) FROM {relation} GROUP BY ALL
        ), labelled AS (
            SELECT * REPLACE (coalesce(CAST(level AS VARCHAR), '{MISSING}') AS level) FROM counted
        )
        SELECT level AS "group", months, CAST(sum(entries) AS BIGINT) AS entries,
            CAST(sum(exits) AS BIGINT) AS exits, CAST(sum(losses) AS BIGINT) AS losses
        FROM labelled GROUP BY ALL ORDER BY ALL""").df()


def carried_columns(lifetimes: Path) -> list[str]:
    """The columns of prepared lifetimes that customers can be grouped by."""
    import pyarrow.parquet as pq

    return [name for name in pq.read_schema(lifetimes).names if name not in NOT_GROUPS]


def counts_of_prepared(
    prepared: Path,
    group: str = "",
    segment: tuple[str, str] | None = None,
    together: tuple[str | None, ...] = (),
    name_together: str = "",
) -> pd.DataFrame:
    """Counts of a prepared data set, of all customers or of those with a value in a column.

    together: values of the group that are counted as one, `name_together`; None stands for none.
    """
    from analysis.intake.engine import open_engine

    relation = f"read_parquet({_text(str(prepared / 'frame_lifetimes.parquet'))})"
    if segment is not None:
        column, value = segment
        customers = f"read_parquet({_text(str(prepared / 'customers.parquet'))})"
        chosen = f"SELECT customer_id FROM {customers} WHERE {quoted(column)} = {_text(value)}"
        relation = f"(SELECT * FROM {relation} WHERE customer_id IN ({chosen}))"
    if group and together:
        held = [_text(value) for value in together if value is not None]
        name = quoted(group)
        tests = [f"CAST({name} AS VARCHAR) IN ({', '.join(held)})"] if held else []
        tests += [f"{name} IS NULL"] if None in together else []
        put = f"CASE WHEN {' OR '.join(tests)} THEN {_text(name_together)} ELSE CAST({name} AS VARCHAR) END"
        relation = f"(SELECT * REPLACE ({put} AS {name}) FROM {relation})"
    with open_engine() as connection:
        return lifetime_counts(connection, relation, group)


def _text(value: str) -> str:
    """An SQL literal, whatever characters it holds."""
    return "'" + value.replace("'", "''") + "'"
