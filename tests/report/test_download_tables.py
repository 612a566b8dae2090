"""Every table can be had as a file from the page: plain numbers, units in headers, no formula."""

from __future__ import annotations

import base64
import csv
import io
import re
from typing import Any

import pytest

from analysis.presentation.tables import html_table
from analysis.reporting.anchors import Names
from analysis.reporting.table_files import Amount, offer_files, read_amount, table_csv


def rows_of(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf"), "spreadsheets ask for a byte order mark"
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def files_in(html: str) -> list[tuple[str, bytes]]:
    """The files that a page carries: name and content."""
    found = re.findall(
        r'download="([^"]+)"[^>]*href="data:text/csv;charset=utf-8;base64,([^"]+)"', html
    )
    return [(name, base64.b64decode(content)) for name, content in found]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("10.0\n3.0 to 18.0", Amount("10.0", "3.0", "18.0", "")),
        ("−8.0\n−18.0 to +2.0", Amount("-8.0", "-18.0", "2.0", "")),
        ("97.0%", Amount("97.0", "", "", "%")),
        ("€549k\n€525k to €573k", Amount("549000", "525000", "573000", "EUR")),
        ("−€1.24m", Amount("-1240000", "", "", "EUR")),
        ("$2.5bn", Amount("2500000000", "", "", "USD")),
        ("0.75 (0.71 to 0.80)", Amount("0.75", "0.71", "0.80", "")),
        ("1,234,567", Amount("1234567", "", "", "")),
        ("12", Amount("12", "", "", "")),
    ],
)
def test_readers_numbers_become_a_spreadsheets(text: str, amount: Amount) -> None:
    assert read_amount(text) == amount


@pytest.mark.parametrize(
    "text", ["", "–", "p < 0.001", "fewer than eight", "12 of 30", "month 12", "=1+1", "-", "€"]
)
def test_what_is_no_number_alone_stays_a_text(text: str) -> None:
    assert read_amount(text) is None


def test_values_limits_and_units_have_columns_of_their_own() -> None:
    table = html_table(
        ["Figure", "2026Q2", "Change"],
        [
            ["Retention", "97.0%\n96.4% to 97.6%", "+0.2"],
            ["Revenue", "€549k\n€525k to €573k", "–"],
            ["Silent", "withheld", "−8.0"],
        ],
        "Levels",
    )
    assert rows_of(table_csv(table)) == [
        [
            "Figure",
            "2026Q2",
            "2026Q2, lower limit",
            "2026Q2, upper limit",
            "2026Q2, unit",
            "Change",
        ],
        ["Retention", "97.0", "96.4", "97.6", "%", "0.2"],
        ["Revenue", "549000", "525000", "573000", "EUR", ""],
        ["Silent", "withheld", "", "", "", "-8.0"],
    ]
    one_unit = html_table(["Who", "Spend"], [["a", "€2.00\n€1.00 to €3.00"]], "Spend")
    assert rows_of(table_csv(one_unit))[0] == [
        "Who", "Spend (EUR)", "Spend, lower limit (EUR)", "Spend, upper limit (EUR)",
    ]  # fmt: skip


HOSTILE = [
    '=HYPERLINK("http://a.example")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    "\t=1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_spreadsheet_runs_nothing(text: str) -> None:
    table = html_table([text, text], [[text, text], [f"a\n{text}", "-5"]], text)
    for row in rows_of(table_csv(table)):
        for cell in row:
            assert cell == "-5" or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell
    assert rows_of(table_csv(table))[2][1] == "-5", "a number below nought stays a number"


def test_names_in_any_script_and_commas_survive() -> None:
    table = html_table(["Имя", "Σ"], [['доставка, "быстро"', "1"]], "Слова")
    assert rows_of(table_csv(table)) == [["Имя", "Σ"], ['доставка, "быстро"', "1"]]


def test_a_place_and_a_file_for_every_table() -> None:
    tables = html_table(["A"], [["1"]], "Spend") + html_table(["B"], [["2"]], "Spend")
    html = offer_files(tables, Names("s--c"))
    assert [name for name, _ in files_in(html)] == ["s--c--spend.csv", "s--c--spend-2.csv"]
    assert 'id="s--c--spend"' in html
    assert [rows_of(content)[0] for _, content in files_in(html)] == [["A"], ["B"]]


def test_every_table_of_the_report_is_a_file(demo_report: Any, read_page: Any) -> None:
    page = read_page(demo_report.html)
    files = files_in(demo_report.html)
    assert len(files) == len(page.all("table")) > 60
    assert len({name for name, _ in files}) == len(files)
    for name, content in files:
        rows = rows_of(content)
        assert len({len(row) for row in rows}) == 1, name
        assert len(rows) >= 2, name
        for cell in (cell for row in rows for cell in row):
            if cell.startswith(("=", "+", "-", "@", "\t", "\r")):
                float(cell)
