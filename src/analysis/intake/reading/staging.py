"""Rows of text into a table of the engine, batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from analysis.intake.reading.naming import ROW_NUMBER, quoted

if TYPE_CHECKING:
    import duckdb

CELLS_AT_ONCE = 400_000


class TextTable:
    """A table of text columns that grows by batches; `_row` numbers the rows from one.

    An empty cell is no value. Use as a context: rows left over are written at its end, and a
    table that was not finished is dropped. batch: rows that wait to be written.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, table: str, columns: Sequence[str]
    ) -> None:
        self.connection = connection
        self.table = quoted(table)
        self.width = len(columns)
        self.rows_at_once = max(CELLS_AT_ONCE // max(self.width, 1), 1)
        self.rows = 0
        self.batch: list[Sequence[str | None]] = []
        named = "".join(f", {quoted(name)} VARCHAR" for name in columns)
        connection.execute(f"CREATE TABLE {self.table} ({ROW_NUMBER} BIGINT{named})")

    def __enter__(self) -> TextTable:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.write()
        else:
            self.connection.execute(f"DROP TABLE IF EXISTS {self.table}")

    def append(self, row: Sequence[str | None]) -> None:
        """Add a row of as many cells as there are columns."""
        self.batch.append(row)
        if self.is_full:
            self.write()

    @property
    def is_full(self) -> bool:
        """Whether the rows that wait are as many as should."""
        return len(self.batch) >= self.rows_at_once

    def write(self) -> None:
        """Hand the rows that wait to the engine."""
        if not self.batch:
            return
        import pyarrow as pa

        columns = [pa.array(cells, pa.string()) for cells in zip(*self.batch, strict=True)]
        numbers = range(self.rows + 1, self.rows + len(self.batch) + 1)
        names = [f"c{i}" for i in range(self.width)]
        batch = pa.table([pa.array(numbers, pa.int64()), *columns], names=["n", *names])
        cells = "".join(f", nullif({name}, '')" for name in names)
        view = "rows of a batch"
        self.connection.register(view, batch)
        try:
            self.connection.execute(f"INSERT INTO {self.table} SELECT n{cells} FROM {quoted(view)}")
        finally:
            self.connection.unregister(view)
        self.rows += len(self.batch)
        self.batch.clear()
