"""Exports as systems write them: titles, totals, months, lines, credit notes, questions as headers.

Each becomes a first dataset.yml that, once confirmed, gives the figures that are in the file.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from analysis.intake.periods import complete_periods
from analysis.intake.prepared import prepare
from analysis.intake.settings import Settings, load_settings
from analysis.reporting.new_dataset import new_dataset

FIRST = dt.date(2025, 1, 1)


def day(number: int, form: str = "%Y-%m-%d") -> str:
    return format(FIRST + dt.timedelta(days=number), form)


def euros(number: int) -> str:
    """1.234,50 € as German and, with spaces, Russian systems write it."""
    return f"{1000 + number},50"


class Made:
    """A data set made of files and confirmed: its text, settings and canonical tables."""

    def __init__(self, folder: Path, build: Path, given: str) -> None:
        path = folder / "dataset.yml"
        self.text = path.read_text()
        path.write_text(self.text.replace("confirmed: no", "confirmed: yes") + given)
        self.folder, self.build = folder, build

    @property
    def settings(self) -> Settings:
        return load_settings(self.folder)

    def table(self, name: str) -> pd.DataFrame:
        # The last month rather than the last quarter: nearly all rows.
        period = complete_periods(self.settings, 1)[-1]
        place = prepare(self.settings, self.folder, period, self.build)
        return pd.read_parquet(place / f"{name}.parquet")


@pytest.fixture
def make(tmp_path: Path):
    def made(given: str = "currency: EUR\n", **files: str | bytes | openpyxl.Workbook) -> Made:
        origin = tmp_path / "exports"
        origin.mkdir()
        for name, content in files.items():
            path = origin / name.replace("__", ".")
            if isinstance(content, openpyxl.Workbook):
                content.save(path)
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Made(
            new_dataset("acme", origin, tmp_path / "data").folder, tmp_path / "build", given
        )

    return made


def test_a_title_above_and_a_total_beneath_an_accounting_export_are_no_rows(make) -> None:
    rows = [
        f"ООО Ромашка {i % 30};Реализация 0000-{i:05d};{day(i % 365, '%d.%m.%Y')};1\u00a0{i:03d},50"
        for i in range(365)
    ]
    lines = [
        "Отчёт по продажам;;;",
        "Период: 2025 г.;;;",
        "",
        "Контрагент;Документ;Дата;Сумма",
        *rows,
    ]
    made = make(Продажи__csv="\r\n".join([*lines, "Итого;;;431\u00a0977,50"]).encode("cp1251"))
    assert "reading: {skip_lines: 3}" in made.text
    assert "3 lines stand above the header" in made.text
    assert "# 1 line is a total (Итого), not a row" in made.text
    sold = made.table("transactions")
    assert len(sold) == 365
    assert float(sold["amount"].astype(float).sum()) == sum(1000.5 + i for i in range(365))
    assert "Итого" not in set(made.table("customers")["customer_id"])
    assert made.settings.tables["transactions"].columns["transaction_id"].column == "Документ"


def test_a_workbook_with_a_merged_title_serial_days_and_a_sum(make) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A1"] = "Umsatzliste 2025"
    sheet.merge_cells("A1:D1")
    sheet.append([])
    sheet.append(["Rechnungsnr", "Kundennummer", "Datum", "Betrag"])
    for i in range(120):
        sheet.append([5000 + i, 100 + i % 40, 45658 + i, 10.25 + i])
    sheet.append(["Summe", None, None, 8370.0])
    made = make(Umsatz__xlsx=book)
    assert "skip_lines: 2" in made.text
    assert "occurred_on: {column: Datum, dates: excel}" in made.text
    sold = made.table("transactions")
    days = pd.to_datetime(sold["occurred_on"])
    assert (len(sold), str(days.min().date())) == (120, "2025-01-01")
    assert float(sold["amount"].astype(float).sum()) == sum(10.25 + i for i in range(120))


def test_numbers_in_the_range_of_serial_days_stay_numbers_without_a_name_for_days(make) -> None:
    rows = [f"{45000 + i},C{i % 20},{day(i)},{40000 + i}" for i in range(60)]
    made = make(orders__csv="order_id,customer,date,amount\n" + "\n".join(rows))
    assert "excel" not in made.text
    assert "covers: {from: 2025-01-01, to: 2025-03-01}" in made.text


@pytest.mark.parametrize(("form", "decimal"), [("%Y-%m", "."), ("%m.%Y", ","), ("%Y-%m-01", ".")])
def test_bills_that_name_their_month_only_become_periods(make, form: str, decimal: str) -> None:
    bills = [
        f"A{i};{dt.date(2025, month, 1):{form}};{i + 10}{decimal}50"
        for i in range(30)
        for month in range(1, 13)
    ]
    accounts = [f"A{i};{day(i)}" for i in range(30)]
    made = make(
        bills__csv="account;month;fee\n" + "\n".join(bills),
        accounts__csv="account;joined\n" + "\n".join(accounts),
    )
    assert "covers: {from: 2025-01-01, to: 2025-12-31}" in made.text
    assert "to_on: month_ends  # guess: the last day of month" in made.text
    billed = made.table("periods")
    assert len(billed) == 360
    assert set(pd.to_datetime(billed["to_on"]).dt.strftime("%m-%d")) >= {"02-28", "04-30", "12-31"}
    assert float(billed["spend"].astype(float).sum()) == 12 * sum(i + 10.5 for i in range(30))


def test_bills_without_a_list_of_customers_and_with_two_rows_a_month(make) -> None:
    bills = [f"A{i % 30},2025-{i // 30 + 1:02d},{i}.50" for i in range(360)]
    made = make(bills__csv="account,month,fee\n" + "\n".join([*bills, "A0,2025-01,9.99"]))
    assert "undecided: 1 rows share customer and month" in made.text
    assert "since their first period" in made.text


def test_credit_notes_in_a_second_file_are_taken_off(make) -> None:
    invoices = [f"R{i},K{i % 30},{day(i)},50.00" for i in range(120)]
    credits = [f"G{i},K{i},{day(i * 3)},20.00,R{i}" for i in range(30)]
    made = make(
        invoices__csv="invoice_no,customer_no,invoice_date,net_amount\n" + "\n".join(invoices),
        credit_notes__csv="credit_note_no,customer_no,credit_date,net_amount,invoice_no\n"
        + "\n".join(credits),
    )
    assert "and under it credit_notes.csv, which looks like credit notes; confirm" in made.text
    assert "with the sign turned, as none is below zero" in made.text
    assert {"invoices", "credit_notes"} == {n for n, s in made.settings.sources.items() if s.dated}
    sold = made.table("transactions")
    amounts = sold["amount"].astype(float)
    assert (len(sold), amounts.min()) == (150, -20.0)
    assert amounts.sum() == 120 * 50 - 30 * 20


def test_order_lines_whose_first_line_alone_bears_the_total(make) -> None:
    lines = []
    for i in range(120):
        stamp = f"{day(i)} 12:00:00 +0200"
        lines += [f"#{1000 + i},C{i % 30},{stamp},{i}.90,Mug", f"#{1000 + i},,{stamp},,Cup"]
    head = "Name,Customer ID,Created at,Total,Lineitem name\n"
    made = make(orders_export__csv=head + "\n".join(lines))
    assert (
        "transaction_id: Name  # guess: the only column that holds numbers of documents"
        in made.text
    )
    assert "Total in one line of each order only, which is taken; confirm" in made.text
    assert "# time_zone: Europe/Berlin" in made.text
    sold = made.table("transactions")
    assert len(sold) == 120
    assert float(sold["amount"].astype(float).sum()) == pytest.approx(
        sum(i + 0.9 for i in range(120))
    )


def test_money_given_back_and_tax_in_columns_of_their_own_are_pointed_out(make) -> None:
    rows = [f"T{i},C{i % 20},{day(i)},{i}.50,{i % 3}.00,{i}.10" for i in range(60)]
    head = "order_id,customer,date,total,Refunded Amount,VAT\n"
    text = make(orders__csv=head + "\n".join(rows)).text
    assert "undecided: Refunded Amount may be money given back: nothing takes it off total" in text
    assert "undecided: with VAT beside it, total may include tax" in text


def test_lost_deals_of_a_crm_are_not_silently_orders_and_its_contacts_are_customers(make) -> None:
    contacts = [f'"{i}";"Иван";"+7 900 {i}";"{day(i, "%d.%m.%Y")} 10:00:00"' for i in range(1, 41)]
    stages = ("Сделка успешна", "Сделка провалена")
    deals = [
        f'"{900 + i}";"{i % 40 + 1}";"{day(i, "%d.%m.%Y")} 11:15:07";"{i + 100}.00";"{stages[i % 3 == 0]}"'
        for i in range(150)
    ]
    made = make(
        contacts__csv='\ufeff"ID";"Имя";"Рабочий телефон";"Дата создания"\r\n'
        + "\r\n".join(contacts),
        deals__csv='\ufeff"ID";"Контакт: ID";"Дата создания";"Сумма";"Стадия сделки"\r\n'
        + "\r\n".join(deals),
    )
    assert "customers:  # guess: it holds people's names or addresses" in made.text
    assert (
        "undecided: Стадия сделки is Сделка провалена in 50 rows, which may be no sales"
        in made.text
    )
    assert "NOT IN ('Сделка провалена')" in made.text
    assert (len(made.table("customers")), len(made.table("transactions"))) == (40, 150)


def test_questions_as_headers_with_a_second_header_beneath(make) -> None:
    asked = (
        "How likely is it that you would recommend us to a friend?,"
        "Overall how satisfied are you with our service?,How easy was it to get help?"
    )
    rows = [
        f"{118000 + i},C{i % 40},{day(i, '%m/%d/%Y')} 09:15:20 PM,{i % 11},{i % 5 + 1},{i % 7 + 1}"
        for i in range(120)
    ]
    head = f"Respondent ID,Custom Data 1,End Date,{asked}\n,,,Response,Response,Response\n"
    made = make(Survey_results__csv=head + "\n".join(rows))
    assert "# its first line is a second header" in made.text
    assert (
        "nps: [0, 10]  # guess: asked in How likely is it that you would recommend us" in made.text
    )
    answers = made.table("surveys")
    assert answers.groupby("instrument")["score"].agg(["count", "min", "max"]).to_dict("index") == {
        "ces": {"count": 120, "min": 1, "max": 7},
        "csat": {"count": 120, "min": 1, "max": 5},
        "nps": {"count": 120, "min": 0, "max": 10},
    }


def test_the_column_that_holds_the_customers_keys_wins_over_the_better_name(make) -> None:
    users = "external_id,name,created_at\n" + "\n".join(f"C{i},N{i},{day(i)}" for i in range(60))
    tickets = "Id,Requester,Requester external id,Created at,Solved at\n" + "\n".join(
        f"{i},Max,C{i % 60},{day(i)} 10:00,{day(i + 2)} 11:00" for i in range(120)
    )
    made = make(users__csv=users, tickets__csv=tickets)
    assert "customer_id: Requester external id  # guess: 100% of its values are keys" in made.text
    # What was solved after the last ticket was opened lies within what is covered.
    assert "covers: {from: 2025-01-01, to: 2025-05-02}" in made.text
    assert made.table("contacts")["customer_id"].nunique() == 60


def test_keys_that_fit_no_customer_are_undecided(make) -> None:
    users = "customer_id,since\n" + "\n".join(f"C{i},{day(i)}" for i in range(60))
    orders = "order_id,customer_id,date,amount\n" + "\n".join(
        f"{i},X{i % 50},{day(i)},5.50" for i in range(120)
    )
    text = make(customers__csv=users, orders__csv=orders).text
    assert (
        "customer_id: customer_id  # undecided: by its name; only 0% of its values are keys" in text
    )


def test_a_file_with_hardly_a_letter_of_its_own_is_read_like_those_beside_it(make) -> None:
    regions = ("śląskie", "łódzkie", "świętokrzyskie", "małopolskie", "warmińsko-mazurskie")
    clients = [f"K{i};Łukasz;{regions[i % 5]};{day(i, '%d-%m-%Y')}" for i in range(40)]
    orders = [f"Z{i};K{i % 40};{day(i, '%d-%m-%Y')};12,50" for i in range(90)]
    made = make(
        Klienci__csv=("Klient;Imię;Województwo;Data rejestracji\n" + "\n".join(clients)).encode(
            "cp1250"
        ),
        Zamowienia__csv=("Nr zamówienia;Klient;Data zamówienia;Kwota\n" + "\n".join(orders)).encode(
            "cp1250"
        ),
    )
    assert made.settings.reading.encoding == "cp1250"
    assert all(not source.reading.model_fields_set for source in made.settings.sources.values())
    assert set(made.table("customers")["region"]) == set(regions)


def test_a_file_whose_only_letter_is_the_euro_sign(make) -> None:
    rows = [f"B{i};K{i % 30};{day(i, '%d.%m.%Y')};{euros(i)} €" for i in range(90)]
    made = make(
        given="",
        Bestellungen__csv=("Bestellnummer;Kunde;Datum;Betrag\n" + "\n".join(rows)).encode("cp1252"),
    )
    assert made.settings.reading.encoding == "cp1252"
    assert made.settings.currency == "EUR"
    assert float(made.table("transactions")["amount"].astype(float).sum()) == sum(
        1000.5 + i for i in range(90)
    )


def test_amounts_with_the_minus_behind_and_compact_days(make) -> None:
    rows = [
        f"{i:010d}|{i % 30:010d}|{day(i, '%Y%m%d')}|1.{i:03d},00{'-' if i % 10 == 0 else ''}|EUR"
        for i in range(90)
    ]
    made = make(given="", VBAK__txt="VBELN|KUNNR|ERDAT|NETWR|WAERK\n" + "\n".join(rows))
    assert "negative: trailing" in made.text
    sold = made.table("transactions")
    assert (sold["amount"].astype(float) < 0).sum() == 9
    assert sold["customer_id"].str.len().eq(10).all()  # zeros in front belong to a key
    assert made.settings.currency == "EUR"


def test_arms_of_an_experiment_among_the_customers_columns_are_pointed_out(make) -> None:
    users = "user_id,signup_date,experiment_group,experiment_start\n" + "\n".join(
        f"U{i},{day(i)},{'control' if i % 2 else 'treatment'},{day(150)}" for i in range(60)
    )
    text = make(users__csv=users).text
    assert "undecided: experiment_group looks like the arms of an experiment" in text
    assert "arm: {column: experiment_group, values: {treatment: treated, control: control}}" in text
    assert "assigned_on: experiment_start" in text


def test_a_category_named_total_is_a_row_like_any_other(make) -> None:
    rows = [f"T{i},C{i % 20},{day(i)},{i}.50,{'Total' if i % 4 else 'Elf'}" for i in range(60)]
    made = make(orders__csv="order_id,customer,date,amount,category\n" + "\n".join(rows))
    assert "is a total" not in made.text
    assert len(made.table("transactions")) == 59  # as of the end of February
