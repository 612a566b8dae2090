"""The exports of a large company as Parquet: several files a table, a row group a block."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.simulation.blocks import BLOCK_CUSTOMERS, make_blocks
from analysis.simulation.cells import TypedCells
from analysis.simulation.world import Streams, World
from analysis.simulation.writing import Won, tables_of_company

if TYPE_CHECKING:
    import pyarrow as pa

# A file holds so many blocks: about a hundred and thirty thousand customers.
BLOCKS_A_FILE = 8


def parquet_schemas() -> dict[str, pa.Schema]:
    """Types of the tables that come in blocks; a block may lack any value of a column."""
    import pyarrow as pa

    text, day, money, moment = pa.string(), pa.date32(), pa.decimal128(12, 2), pa.timestamp("s")
    columns: dict[str, dict[str, pa.DataType]] = {
        "customers": {
            "customer_id": text, "started_on": day, "ended_on": day, "end_reason": text,
            "observed_from": day, "segment": text, "region": text, "area": text,
            "acquisition_channel": text, "acquisition_cost": money, "referred_by": text,
            "contract": text, "age": pa.int16(),
        },
        "transactions": {
            "transaction_id": text, "customer_id": text, "occurred_on": day, "amount": money,
            "promised_on": day, "fulfilled_on": day,
        },
        "surveys": {
            "response_id": text, "customer_id": text, "instrument": text, "invited_on": day,
            "answered_on": day, "score": pa.int8(), "touchpoint": text, "employee_id": text,
            "comment": text,
        },
        "contacts": {
            "contact_id": text, "customer_id": text, "opened_at": moment, "first_reply_at": moment,
            "resolved_at": moment, "touchpoint": text, "channel": text, "employee_id": text,
            "cost": money,
        },
        "exposures": {"programme_id": text, "customer_id": text, "assigned_on": day, "arm": text},
    }  # fmt: skip
    return {name: pa.schema(list(fields.items())) for name, fields in columns.items()}


def as_arrow(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    """A table with typed cells under its schema; empty text is no value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    arrays = []
    for field in schema:
        values = pa.array(frame[field.name], from_pandas=True)
        if pa.types.is_string(field.type) or pa.types.is_large_string(values.type):
            values = values.cast(field.type)
            values = pc.if_else(pc.equal(values, ""), None, values)
        elif pa.types.is_timestamp(values.type) or pa.types.is_decimal(field.type):
            # Through whole seconds, and through rounded cents: nothing finer is meant.
            values = values.cast(field.type, safe=False)
        arrays.append(values.cast(field.type))
    return pa.table(arrays, schema=schema)


def write_parquet(
    folder: Path, world: World, seed: int, customers: int, size: int = BLOCK_CUSTOMERS
) -> tuple[dict[str, str], np.ndarray]:
    """Write a company's tables; give the files of each by name, and revenue by quarter in cents.

    Tables of customers lie in folders of their own, `transactions/part-000.parquet` and so on.
    """
    import pyarrow.parquet as pq

    schemas = parquet_schemas()
    cells = TypedCells()
    revenue: np.ndarray = np.zeros(1, dtype=np.int64)
    won, gifts = Won(np.zeros(1, dtype=int), np.zeros(1)), 0
    with ExitStack() as stack:
        for number, block in enumerate(make_blocks(world, seed, customers, cells, size)):
            if number % BLOCKS_A_FILE == 0:
                stack.close()
                part = f"part-{number // BLOCKS_A_FILE:03d}.parquet"
                writers = {}
                for name, schema in schemas.items():
                    (folder / name).mkdir(parents=True, exist_ok=True)
                    writer = pq.ParquetWriter(folder / name / part, schema, compression="zstd")
                    writers[name] = stack.enter_context(writer)
            for name, frame in block.tables.items():
                writers[name].write_table(as_arrow(frame, schemas[name]), row_group_size=len(frame))
            revenue, won, gifts = revenue + block.revenue, won + block.won, gifts + block.gifts
    files = {name: f"{name}/*.parquet" for name in schemas}
    for name, frame in tables_of_company(world, Streams(seed), won, gifts, cells).items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
        files[name] = f"{name}.parquet"
    return files, revenue
