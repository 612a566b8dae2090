"""Prepared tables taken off disk: as little of them as the question needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def read_plain(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """A prepared table with dates as datetime64[ns] and money as float: what NumPy works with.

    The file's own types decide, so that a column without any value has its type as well. columns:
    those wanted, all by default.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    # One thread: a table of the usual size is read before others are awake.
    table = pq.read_table(path, columns=columns, use_threads=pq.read_metadata(path).num_rows > 1e6)
    frame = table.to_pandas(date_as_object=False)
    converted: dict[str, pd.Series] = {}
    for field in table.schema:
        if pa.types.is_decimal(field.type):
            converted[field.name] = frame[field.name].astype(float)
        elif pa.types.is_date(field.type) or pa.types.is_timestamp(field.type):
            converted[field.name] = frame[field.name].astype("datetime64[ns]")
    return frame.assign(**converted) if converted else frame


def count_rows(path: Path) -> int:
    """The rows of a prepared table, by what its file says."""
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def column_names(path: Path) -> list[str]:
    """The columns of a prepared table, in order."""
    import pyarrow.parquet as pq

    return list(pq.read_schema(path).names)


def has_value(path: Path, column: str) -> bool:
    """Whether a column of a prepared table holds any value.

    By the counts of empty cells in the file, where they are there; else row group by row group.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        place = file.schema_arrow.names.index(column)
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            statistics = file.metadata.row_group(group).column(place).statistics
            if statistics is not None and statistics.has_null_count:
                empty = statistics.null_count
            else:
                empty = file.read_row_group(group, columns=[column]).column(0).null_count
            if empty < rows:
                return True
    return False
