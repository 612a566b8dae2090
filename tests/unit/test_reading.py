"""Files of many kinds into the same tables, by declaration and never by guess."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import Workbook

from analysis.intake.dataset import Dataset, open_dataset

HEAD = "company: A\ncurrency: EUR\ndisclosure: off\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"
PLAIN = HEAD + (
    "sources: {customers: customers.csv}\n"
    "tables: {customers: {covariates: {age: number, note: category}}}\n"
)
ROWS = (
    "customer_id,started_on,age,note\n007,2025-01-02,1.5,Москва\n123456789012345678,2025-02-03,,é\n"
)


def assert_plain(data: Dataset) -> None:
    customers = data.table("customers")
    assert customers["customer_id"].tolist() == ["007", "123456789012345678"]
    assert customers["started_on"].tolist() == [pd.Timestamp(2025, 1, 2), pd.Timestamp(2025, 2, 3)]
    assert customers["age"].fillna(-1).tolist() == [1.5, -1]
    assert customers["note"].tolist() == ["Москва", "é"]


@pytest.mark.parametrize(
    ("encoding", "remark"),
    [("utf-8", ""), ("utf-8-sig", "byte order mark taken off"), ("utf-16", "read as UTF-16")],
)
def test_unicode_files(make_dataset, encoding: str, remark: str) -> None:
    data = open_dataset(make_dataset(PLAIN, customers=ROWS.encode(encoding)))
    assert_plain(data)
    repairs = [note.message for note in data.notes if note.kind == "repair"]
    assert [remark in text for text in repairs] == ([True] if remark else [])


def test_line_ends_and_blank_lines_at_the_end(make_dataset) -> None:
    assert_plain(open_dataset(make_dataset(PLAIN, customers=ROWS.replace("\n", "\r\n") + "\r\n")))


def test_russian_export_as_excel_writes_it(make_dataset) -> None:
    folder = make_dataset(
        HEAD
        + "sources:\n  crm: {file: crm.csv, reading: {encoding: cp1251, delimiter: ';', "
        + 'decimal: ",", dates: "%d.%m.%Y"}}\n  sales: {file: sales.csv, reading: {encoding: '
        + 'utf-8, delimiter: ";", decimal: ",", dates: "%d.%m.%Y"}}\n'
        + "tables:\n  customers: {source: crm, columns: {customer_id: Код, started_on: Дата, "
        + "acquisition_cost: Цена, region: Город}}\n"
        + "  transactions: {source: sales, columns: {transaction_id: n, customer_id: k, "
        + "occurred_on: d, amount: a}}\n",
        crm="Код;Дата;Цена;Город\n01;31.01.2025;1\u00a0234,50;Москва\n02;01.02.2025;12 €;Тверь\n".encode(
            "cp1251"
        ),
        sales="n;k;d;a\n1;01;01.03.2025;12\u2009345,67\n2;01;02.03.2025;−5,5 €\n"
        "3;02;03.03.2025;1\u202f000\n4;02;04.03.2025;1.234,56\n5;02;05.03.2025;1.234\n",
    )
    data = open_dataset(folder)
    customers = data.table("customers")
    assert customers["acquisition_cost"].tolist() == [1234.5, 12]
    assert customers["started_on"].tolist() == [pd.Timestamp(2025, 1, 31), pd.Timestamp(2025, 2, 1)]
    assert customers["region"].tolist() == ["Москва", "Тверь"]
    amounts = data.table("transactions")["amount"].tolist()
    assert amounts == [12345.67, -5.5, 1000, 1234.56, 1234]


def test_quoted_values_keep_separators_quotes_and_line_breaks(make_dataset) -> None:
    folder = make_dataset(
        PLAIN,
        customers='customer_id,started_on,age,note\nA,2025-01-02,1,"x, ""y""\nz"\n B ,2025-01-03,2,""\n',
    )
    customers = open_dataset(folder).table("customers")
    assert customers["note"].tolist() == ['x, "y"\nz', None]
    assert customers["customer_id"].tolist() == ["A", "B"]


def test_columns_without_a_name_are_passed_over(make_dataset) -> None:
    rows = "\n".join(line + ",," for line in ROWS.splitlines()) + "\n"
    assert_plain(open_dataset(make_dataset(PLAIN, customers=rows)))


def test_workbook(make_dataset) -> None:
    folder = make_dataset(
        HEAD
        + "sources:\n  crm: {file: crm.xlsx, sheet: Клиенты}\n  log: {file: crm.xlsx, sheet: log}\n"
        + "tables:\n  customers: {source: crm, covariates: {age: number, note: category}}\n"
        + "  contacts: {source: log}\n"
    )
    book = Workbook()
    book.active.append(["not", "this"])
    sheet = book.create_sheet("Клиенты")
    sheet.append(["customer_id", "started_on", None, "age", "note"])
    sheet.append([])
    sheet.append(["007", dt.datetime(2025, 1, 2), "aside", 1.5, "Москва"])
    sheet.append(["123456789012345678", dt.datetime(2025, 2, 3), None, None, "é"])
    log = book.create_sheet("log")
    log.append(["contact_id", "customer_id", "opened_at", "cost"])
    log.append([17, "007", dt.datetime(2025, 3, 4, 16, 30), 2])
    book.save(folder / "crm.xlsx")
    data = open_dataset(folder)
    assert_plain(data)
    (contact,) = data.table("contacts").to_dict("records")
    assert contact == {
        "contact_id": "17",
        "customer_id": "007",
        "opened_at": pd.Timestamp(2025, 3, 4, 16, 30),
        "cost": 2.0,
    }


def test_parquet_files_by_pattern(make_dataset) -> None:
    folder = make_dataset(
        HEAD
        + 'sources: {customers: customers.csv, orders: "orders/*.parquet"}\n'
        + "tables:\n  customers: {}\n  transactions:\n    source: orders\n"
        + "    columns: {transaction_id: number, discount: cut}\n"
        + 'reading: {missing: ["99"]}\n',
        customers="customer_id,started_on\n7,2025-01-01\n",
    )
    (folder / "orders").mkdir()
    for month in (2, 1):
        table = pa.table(
            {
                "number": [month * 10, month * 10 + 1],
                "customer_id": [7.0, 7.0],
                "occurred_on": [dt.date(2025, month, 1), dt.date(2025, month, 2)],
                "amount": [Decimal("0.10"), Decimal("-5.25")],
                "cut": [99, month],
            }
        )
        pq.write_table(table, folder / "orders" / f"{month}.parquet")
    orders = open_dataset(folder).table("transactions")
    assert orders["transaction_id"].tolist() == ["10", "11", "20", "21"]
    assert set(orders["customer_id"]) == {"7"}
    assert orders["amount"].tolist() == [0.1, -5.25, 0.1, -5.25]
    assert orders["discount"].fillna(-1).tolist() == [-1, 1, -1, 2]  # 99 means no value


def test_several_csv_by_pattern_stand_in_the_order_of_their_names(make_dataset) -> None:
    folder = make_dataset(
        HEAD + 'sources: {customers: "c*.csv"}\ntables: {customers: {}}\n',
        c2="customer_id,started_on\nB,2025-01-01\nA,2025-01-01\n",
        c1="started_on,customer_id,region\n2025-01-01,Z,North\n2025-01-01,Y,South\n",
    )
    customers = open_dataset(folder).table("customers")
    assert customers["customer_id"].tolist() == ["Z", "Y", "B", "A"]
    assert customers["region"].tolist() == ["North", "South", None, None]


def test_table_from_sql_over_several_sources(make_dataset) -> None:
    folder = make_dataset(
        HEAD
        + "sources: {customers: customers.csv, lines: lines.csv, prices: prices.csv}\n"
        + "tables:\n  customers: {}\n  transactions:\n    source:\n      sql: |\n"
        + "        WITH priced AS (SELECT * FROM lines JOIN prices USING (product))\n"
        + "        SELECT invoice AS transaction_id, client, min(day) AS occurred_on,\n"
        + "          sum(CAST(quantity AS INT) * CAST(price AS DECIMAL(9, 2))) AS amount\n"
        + "        FROM priced GROUP BY ALL;\n"
        + "    columns: {customer_id: client}\n",
        customers="customer_id,started_on\nA,2025-01-01\n",
        lines="invoice,client,day,product,quantity\n1,A,2025-02-01,p,2\n1,A,2025-02-01,q,1\n",
        prices="product,price\np,1.10\nq,0.05\n",
    )
    (order,) = open_dataset(folder).table("transactions").to_dict("records")
    assert (order["transaction_id"], order["customer_id"], order["amount"]) == ("1", "A", 2.25)


def test_rows_constants_composite_keys_and_translated_values(make_dataset) -> None:
    folder = make_dataset(
        HEAD
        + "sources: {crm: crm.csv}\n"
        + "tables:\n  customers:\n    source: crm\n    columns:\n"
        + "      customer_id: {columns: [country, number]}\n"
        + '      started_on: {column: since, dates: ["%m/%d/%Y", "%d %b %Y"]}\n'
        + "      segment: {column: plan, values: {B2B: business, '1': home}}\n"
        + "      acquisition_cost: {column: cost, values: {free: 0}}\n"
        + "      region: {value: North}\n"
        + "  programmes:\n    source: {rows: [{programme_id: chat, name: Live chat, "
        + "starts_on: 2027-01-01, monthly_cost: 12.50}]}\n",
        crm="country,number,since,plan,cost\nDE,1,01/31/2025,B2B,free\nAT,1,05 Feb 2025,1,3.5\n"
        "AT,2,02/01/2025,other,\n",
    )
    data = open_dataset(folder)
    customers = data.table("customers")
    assert customers["customer_id"].tolist() == ["DE | 1", "AT | 1", "AT | 2"]
    assert customers["started_on"].dt.day.tolist() == [31, 5, 1]
    assert customers["segment"].tolist() == ["business", "home", "other"]
    assert customers["acquisition_cost"].fillna(-1).tolist() == [0, 3.5, -1]
    assert set(customers["region"]) == {"North"}
    (programme,) = data.table("programmes").to_dict("records")
    assert programme["starts_on"] == pd.Timestamp(2027, 1, 1)
    assert programme["monthly_cost"] == 12.5


def test_equal_rows_are_one_and_lines_that_look_alike_stay(make_dataset) -> None:
    folder = make_dataset(
        HEAD
        + "sources: {customers: customers.csv, lines: lines.csv}\n"
        + "tables: {customers: {}, transactions: {source: lines}}\n",
        customers="customer_id,started_on\nA,2025-01-01\nA,2025-01-01\n",
        lines="transaction_id,customer_id,occurred_on,amount,product\n"
        "1,A,2025-02-01,5,p\n1,A,2025-02-01,5,q\n1,A,2025-02-01,5,q\n",
    )
    data = open_dataset(folder)
    assert len(data.table("customers")) == 1
    assert data.table("transactions")["amount"].tolist() == [5, 5]
    dropped = {n.table: n.count for n in data.notes if "exact duplicates" in n.message}
    assert dropped == {"customers": 1, "transactions": 1}


def test_database_whose_address_is_in_the_environment(
    make_dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("ibis.backends.duckdb")
    import duckdb

    address = tmp_path / "crm.duckdb"
    with duckdb.connect(str(address)) as connection:
        connection.execute(
            "CREATE TABLE clients AS SELECT '007' AS customer_id, DATE '2025-01-02' AS started_on"
        )
    monkeypatch.setenv("CRM_ADDRESS", f"duckdb://{address}")
    folder = make_dataset(
        HEAD + 'sources: {customers: {connect: "env:CRM_ADDRESS", table: clients}}\n'
        "tables: {customers: {}}\n"
    )
    assert open_dataset(folder).table("customers")["customer_id"].tolist() == ["007"]


def test_open_end_dates_are_blanked_and_counted(make_dataset) -> None:
    folder = make_dataset(
        HEAD + "sources: {customers: customers.csv}\ntables: {customers: {}}\n",
        customers="customer_id,started_on,ended_on\nA,2025-01-01,9999-12-31\nB,2025-01-01,\n",
    )
    data = open_dataset(folder)
    assert data.table("customers")["ended_on"].isna().all()
    assert not data.lifetimes()["ended"].any()
    assert [n.count for n in data.notes if "stand for “open”" in n.message] == [1]


@pytest.mark.parametrize("name", ["answers", "lifetimes", "as_of_customers", "staged", "spans"])
def test_sources_may_bear_any_name(make_dataset, name: str) -> None:
    folder = make_dataset(
        HEAD
        + f"sources: {{customers: customers.csv, {name}: more.csv}}\n"
        + f"tables: {{customers: {{source: {name}}}, surveys: {{source: customers}},\n"
        + f"  transactions: {{source: {{sql: SELECT * FROM {name}}}}}}}\n",
        customers="response_id,customer_id,instrument,answered_on,score\n1,A,csat,2025-02-01,5\n",
        more="customer_id,started_on,transaction_id,occurred_on,amount\n"
        "A,2025-01-01,1,2025-04-01,5\n",
    )
    panel = open_dataset(folder).customer_periods()
    assert panel[["period", "spend", "csat_score"]].to_numpy().tolist() == [["2025Q2", 5, 5]]


def test_instruments_may_bear_any_name(make_dataset) -> None:
    folder = make_dataset(
        HEAD
        + "sources: {customers: c.csv, surveys: s.csv, transactions: t.csv}\n"
        + 'tables: {customers: {}, transactions: {}, surveys: {scales: {"it\'s so": [1, 5]}}}\n',
        c="customer_id,started_on\nA,2025-01-01\n",
        s="response_id,customer_id,instrument,answered_on,score\n1,A,it's so,2025-02-01,3\n",
        t="transaction_id,customer_id,occurred_on,amount\n1,A,2025-02-02,5\n",
    )
    assert open_dataset(folder).customer_periods()["it's so_score"].tolist() == [3]
