"""Lines above the header: titles of reports are skipped where `reading.skip_lines` says so."""

from __future__ import annotations

import pytest
from openpyxl import Workbook

from analysis.errors import DataError
from analysis.intake.dataset import open_dataset

HEAD = (
    "company: A\ncurrency: EUR\ndisclosure: off\n"
    "covers: {from: 2025-01-01, to: 2025-06-30}\ntables: {customers: {}}\n"
)
TITLED = (
    'List of customers\n\n"as of, 2025",,x\ncustomer_id,started_on\nA,2025-01-01\nB,2025-02-01\n'
)


def test_titles_of_any_width_and_blank_lines_are_skipped(make_dataset) -> None:
    source = "sources: {customers: {file: customers.csv, reading: {skip_lines: 3}}}\n"
    data = open_dataset(make_dataset(HEAD + source, customers=TITLED))
    assert data.table("customers")["customer_id"].tolist() == ["A", "B"]
    # What was declared is no repair.
    assert not [note for note in data.notes if "blank lines" in note.message]


def test_lines_in_messages_are_counted_from_the_top_of_the_file(make_dataset) -> None:
    settings = HEAD + "reading: {skip_lines: 3}\nsources: {customers: customers.csv}\n"
    folder = make_dataset(settings, customers=TITLED + "C,2025-03-01,x\n")
    with pytest.raises(DataError, match=r"line 7: C,2025-03-01,x"):
        open_dataset(folder)


def test_more_lines_than_there_are_leave_nothing(make_dataset) -> None:
    settings = HEAD + "reading: {skip_lines: 9}\nsources: {customers: customers.csv}\n"
    with pytest.raises(DataError, match=r"empty beneath the 9 lines of reading\.skip_lines"):
        open_dataset(make_dataset(settings, customers=TITLED))


@pytest.mark.parametrize("number", ["-1", "1001", "two"])
def test_the_number_of_lines_is_a_small_whole_number(make_dataset, number: str) -> None:
    settings = HEAD + f"reading: {{skip_lines: {number}}}\nsources: {{customers: customers.csv}}\n"
    with pytest.raises(Exception, match="skip_lines"):
        open_dataset(make_dataset(settings, customers=TITLED))


def test_rows_of_a_sheet_are_skipped_empty_ones_too(make_dataset) -> None:
    source = "sources: {customers: {file: crm.xlsx, reading: {skip_lines: 2}}}\n"
    folder = make_dataset(HEAD + source)
    book = Workbook()
    sheet = book.active
    sheet["A1"] = "Customers of 2025"
    sheet.merge_cells("A1:B1")
    sheet["A3"], sheet["B3"] = "customer_id", "started_on"
    sheet["A4"], sheet["B4"] = "A", "2025-01-01"
    book.save(folder / "crm.xlsx")
    assert open_dataset(folder).table("customers")["customer_id"].tolist() == ["A"]
