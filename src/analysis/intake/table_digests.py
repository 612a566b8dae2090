"""What canonical tables hold as of a day: rows and a digest per table and quarter of its dates.

A later export can hold more than new rows: what it adds to quarters already presented, or changes
in them, shows here, where digests of whole files cannot tell the one from the other.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.disclosure import Disclosure
from analysis.intake.periods import period_containing
from analysis.intake.reading import quoted
from analysis.intake.schema import TABLES, Table
from analysis.intake.settings import Settings

if TYPE_CHECKING:
    import duckdb

TABLES_FILE = "tables.json"
UNDATED = "undated"
DIGEST_LENGTH = 16
# Below, MD5 of a row's text, which will still be the same in years; above, the engine's own hash,
# fifteen times as fast and good for one version of it.
MOST_ROWS_AS_TEXT = 2_000_000

Sums = tuple[int, int, int]


def _row_as_text(columns: list[str]) -> str:
    # A separator and a mark of what is missing that no value of a text column can hold.
    parts = (f"coalesce(CAST({quoted(name)} AS VARCHAR), chr(30))" for name in columns)
    return f"concat_ws(chr(31), {', '.join(parts)})"


def _sums_by_month(
    connection: duckdb.DuckDBPyConnection, path: Path, table: Table
) -> tuple[str, list[tuple[Any, ...]]]:
    """By what rows are digested, and (first of month or None, rows, two sums) in any order."""
    described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)])
    columns = sorted(str(row[0]) for row in described.fetchall())
    counted = connection.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone()
    dates = [quoted(name) for name in (table.dated, table.dated_else) if name in columns]
    since = [f"coalesce({', '.join(dates)})"] if dates else []
    if table.dated_also in columns:
        since.append(quoted(table.dated_also))
    # Rows are there from the later of two days on; greatest passes over what is missing.
    month = f"CAST(date_trunc('month', greatest({', '.join(since)})) AS DATE)" if since else "NULL"
    if counted and counted[0] > MOST_ROWS_AS_TEXT:
        row = f"hash({', '.join(map(quoted, columns))})"
        by, lower, upper = (
            f"hash of {connection.execute('SELECT version()').fetchall()[0][0]}",
            "row",
            "0",
        )
    else:
        row = _row_as_text(columns)
        by, lower, upper = "md5", "md5_number_lower(row)", "md5_number_upper(row)"
    # Sums of the rows' digests: the order of rows makes no difference, and none is held in memory.
    found = connection.execute(
        f"SELECT month, count(*), sum({lower}::HUGEINT), sum({upper}::HUGEINT) "
        f"FROM (SELECT {month} AS month, {row} AS row FROM read_parquet(?)) GROUP BY month",
        [str(path)],
    ).fetchall()
    return by, found


def _entry(sums: Sums, disclosure: Disclosure) -> dict[str, Any]:
    digest = hashlib.sha256(":".join(map(str, sums)).encode()).hexdigest()[:DIGEST_LENGTH]
    return {"rows": disclosure.count(sums[0]), "digest": digest}


def _added(first: Sums, second: Sums) -> Sums:
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]


def digest_tables(prepared: Path, settings: Settings) -> dict[str, Any]:
    """Rows and digest per prepared table, in all and per quarter of the date that it goes by.

    Gives {table: {"by", "rows", "digest", "quarters": {label: {"rows", "digest"}}}}. Rows are counted
    as they may be published; quarters are those of the data set's year, "undated" the rest.
    """
    from analysis.intake.engine import open_engine

    disclosure = Disclosure(enabled=settings.disclosure == "on")
    found: dict[str, Any] = {}
    with open_engine() as connection:
        for name, table in sorted(TABLES.items()):
            path = prepared / f"{name}.parquet"
            if not path.is_file():
                continue
            quarters: dict[str, Sums] = defaultdict(lambda: (0, 0, 0))
            whole: Sums = (0, 0, 0)
            by, months = _sums_by_month(connection, path, table)
            for month, rows, lower, upper in months:
                label = (
                    period_containing(month, 3, settings.year_starts).label if month else UNDATED
                )
                sums = (int(rows), int(lower), int(upper))
                quarters[label] = _added(quarters[label], sums)
                whole = _added(whole, sums)
            found[name] = {
                **_entry(whole, disclosure),
                "by": by,
                "quarters": {q: _entry(quarters[q], disclosure) for q in sorted(quarters)},
            }
    return found


def tables_of(prepared: Path, settings: Settings) -> dict[str, Any]:
    """`digest_tables`, made once per prepared folder and kept in it."""
    path = prepared / TABLES_FILE
    try:
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return kept
    except (OSError, ValueError):
        found = digest_tables(prepared, settings)
    scratch = path.with_name(f"{TABLES_FILE}.{os.getpid()}")
    scratch.write_text(json.dumps(found), encoding="utf-8")
    scratch.replace(path)
    return found
