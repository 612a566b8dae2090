"""A source that is several files, or not quite the file that it is taken for."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from analysis.errors import DataError
from analysis.intake.dataset import open_dataset

HEAD = (
    "company: A\ncurrency: EUR\ndisclosure: off\n"
    "covers: {from: 2025-01-01, to: 2025-06-30}\ntables: {customers: {}}\n"
)


def test_a_file_that_lacks_a_column_is_named(make_dataset) -> None:
    folder = make_dataset(
        HEAD + 'sources: {customers: "c*.csv"}\n',
        c1="customer_id,started_on,region\nA,2025-01-01,North\n",
        c2="customer_id,started_on\nB,2025-01-01\n",
    )
    data = open_dataset(folder)
    assert data.table("customers")["region"].fillna("").tolist() == ["North", ""]
    said = [note.message for note in data.notes if "lacks" in note.message]
    assert said == ["c2.csv: lacks columns that other files have (region); they are blank there"]


def test_workbooks_by_pattern(make_dataset) -> None:
    folder = make_dataset(HEAD + 'sources: {customers: {file: "c*.xlsx", sheet: crm}}\n')
    for name in ("c2", "c1"):
        book = Workbook()
        book.active.title = "crm"
        for row in (["customer_id", "started_on"], [name, "2025-01-01"]):
            book.active.append(row)
        book.save(folder / f"{name}.xlsx")
    assert open_dataset(folder).table("customers")["customer_id"].tolist() == ["c1", "c2"]


def test_one_bad_file_of_many_is_named(make_dataset) -> None:
    folder = make_dataset(
        HEAD + 'sources: {customers: "c*.csv"}\n',
        c1="customer_id,started_on\nA,2025-01-01\n",
        c2="customer_id,started_on\nB,2025-01-01,x\n",
    )
    with pytest.raises(DataError, match=r"c2\.csv: lines do not have the header's 2 fields"):
        open_dataset(folder)


def test_kinds_are_not_mixed(make_dataset) -> None:
    folder = make_dataset(
        HEAD + 'sources: {customers: "c*"}\n', c1="customer_id,started_on\nA,2025-01-01\n"
    )
    pq.write_table(pa.table({"customer_id": ["B"]}), folder / "c2.parquet")
    with pytest.raises(DataError, match="stands for Parquet and other files; name one kind only"):
        open_dataset(folder)


def test_a_sheet_of_a_file_that_has_none(make_dataset) -> None:
    folder = make_dataset(
        HEAD + "sources: {customers: {file: customers.csv, sheet: crm}}\n",
        customers="customer_id,started_on\nA,2025-01-01\n",
    )
    with pytest.raises(DataError, match=r"customers\.csv: has no sheets; take `sheet:` out"):
        open_dataset(folder)
