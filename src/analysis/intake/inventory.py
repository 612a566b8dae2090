"""What is in each canonical table: rows, dates, customers, gaps. For whoever owns the data."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.intake.schema import TABLES

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class TableInventory:
    """One canonical table in figures.

    first, last: earliest and latest day on which a row came into being; None for tables without
    dates. customers: how many different ones; orphans: rows of customers who are not in the
    customer table; both None where the table knows no customers.
    missing: share of rows without a value, by column, for every column that is given.
    not_given: columns of the schema that the export does not carry.
    """

    name: str
    rows: int
    first: dt.date | None
    last: dt.date | None
    customers: int | None
    orphans: int | None
    missing: dict[str, float]
    not_given: tuple[str, ...]


def inventory_of_folder(prepared: Path) -> tuple[TableInventory, ...]:
    """The inventory of a prepared folder's canonical tables, in the schema's order."""
    from analysis.intake.engine import open_engine

    with open_engine() as connection:
        connection.execute("CREATE SCHEMA canonical")
        for name in TABLES:
            path = prepared / f"{name}.parquet"
            if path.is_file():
                # A view: nothing is held in memory, however long the table.
                file = str(path).replace("'", "''")
                connection.execute(
                    f"CREATE VIEW canonical.{name} AS SELECT * FROM read_parquet('{file}')"
                )
        return inventory_of(connection)


def inventory_of(connection: duckdb.DuckDBPyConnection) -> tuple[TableInventory, ...]:
    """The inventory of every table in the connection's schema `canonical`."""
    rows = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'canonical'"
    ).fetchall()
    there = {str(row[0]) for row in rows}
    return tuple(_count(connection, name, there) for name in TABLES if name in there)


def _count(connection: duckdb.DuckDBPyConnection, name: str, there: set[str]) -> TableInventory:
    table = TABLES[name]
    described = connection.execute(f"DESCRIBE canonical.{name}").fetchall()
    columns = [str(row[0]) for row in described]
    dates = [column for column in (table.dated, table.dated_else) if column in columns]
    day = f"CAST(coalesce({', '.join(dates)}) AS DATE)" if dates else "CAST(NULL AS DATE)"
    known = "customer_id" in columns
    quoted = ['"' + column.replace('"', '""') + '"' for column in columns]
    wanted = [
        "count(*)",
        f"min({day})",
        f"max({day})",
        "count(DISTINCT customer_id)" if known else "NULL",
        *(f"count({column})" for column in quoted),
    ]
    counted = connection.execute(f"SELECT {', '.join(wanted)} FROM canonical.{name}").fetchone()
    assert counted is not None
    total, first, last, customers, *filled = counted
    orphans = None
    if known and name != "customers" and "customers" in there:
        found = connection.execute(
            f"SELECT count(*) FROM canonical.{name} WHERE customer_id IS NOT NULL AND customer_id "
            "NOT IN (SELECT customer_id FROM canonical.customers WHERE customer_id IS NOT NULL)"
        ).fetchone()
        orphans = int(found[0]) if found else None
    missing = {
        column: 1 - count / total if total else 1.0
        for column, count in zip(columns, filled, strict=True)
    }
    return TableInventory(
        name, int(total), first, last, customers, orphans, missing,
        tuple(column for column in table.column_names if column not in columns),
    )  # fmt: skip
