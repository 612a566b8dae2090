"""What intake mended or doubts stands in the report's data section: in words, counted, nameless."""

from __future__ import annotations

import os
import re
from html import unescape
from pathlib import Path

import pytest

from analysis.reporting.key import plan_run
from analysis.reporting.layout import Layout
from analysis.reporting.report_page import render_page

SETTINGS = """\
company: A
currency: EUR
disclosure: off
covers: {from: 2025-01-01, to: 2025-06-30}
reading: {missing: ["99"]}
sources: {customers: customers.csv, transactions: transactions.csv}
tables: {customers: {}, transactions: {}}
"""
CUSTOMERS = (
    "customer_id,started_on,ended_on,segment\n"
    "A1,2025-01-02,9999-12-31,home \nA1,2025-01-02,9999-12-31,home \nB\uff12,2025-01-02,,99\n"
    "C3,2025-01-02,2025-01-02,<b>x</b>\n\u04211,2025-01-02,,\n"
)
TRANSACTIONS = (
    "transaction_id,customer_id,occurred_on,amount\n1,A1,2025-02-01,5\n2,nobody-7,2025-02-01,5\n"
    ",A1,2025-02-01,-5\n4,,2025-02-03,5\n"
)


@pytest.fixture
def rows(make_dataset, tmp_path: Path) -> list[list[str]]:
    folder = make_dataset(SETTINGS, customers=CUSTOMERS, transactions=TRANSACTIONS)
    build = Path(os.environ["CLIENTELE_BUILD_FOLDER"])
    layout = Layout(tmp_path / "notebooks", build, tmp_path / "reports")
    run = plan_run(str(folder), "2025Q2", "", layout)
    versions = {"clientele": "1", "python": "3", "libraries": {}}
    page = render_page(run, [], {"digest": "0" * 64, "inputs": {}, **versions})
    assert "nobody-7" not in page, "no id of a customer reaches the page"
    section = page.partition('<section id="data"')[2].partition("</section>")[0]
    found = re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", section, re.DOTALL)
    return [
        [
            unescape(re.sub("<[^>]+>", "", cell)).strip()
            for cell in re.split("</t[hd]>", row)
            if cell
        ]
        for row in found
    ]


def test_every_repair_and_doubt_is_shown_with_its_count(rows: list[list[str]]) -> None:
    shown = {(where, kind, what[:34]): count for where, kind, what, count in rows}
    assert shown == {
        ("customers", "repair", "exact duplicates of a row were dro"): "1",
        ("customers · ended_on", "repair", "days that stand for “open” (9999-1"): "1",
        ("customers · customer_id", "repair", "letters of unusual form (full widt"): "1",
        ("customers · segment", "repair", "spaces around values were taken of"): "1",
        ("customers · segment", "repair", "words declared to mean “no value” "): "1",
        ("customers", "info", "as exported, not as of the period:"): "–",
        ("customers", "warning", "customers whose time as a customer"): "1",
        ("transactions · customer_id", "warning", "rows without a customer count only"): "1",
        ("transactions · customer_id", "warning", "rows of customers who are not in t"): "1",
        ("transactions · transaction_id", "warning", "rows without an id of their own; e"): "1",
        ("transactions · amount", "info", "negative amounts are refunds on th"): "1",
        ("transactions · margin", "warning", "no gross_margin declared: margin e"): "–",
    }
