"""A first dataset.yml by looking at the files: what is guessed, how it is said, and that it holds."""

from __future__ import annotations

import csv
import datetime as dt
import random
import re
import shutil
import sqlite3
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

from analysis.errors import SettingsError
from analysis.intake.dataset import open_dataset
from analysis.intake.periods import choose_period
from analysis.intake.prepared import prepare
from analysis.intake.proposal.looking import Look
from analysis.intake.proposal.text_files import guess_encoding
from analysis.intake.proposal.values import look_at_column
from analysis.intake.settings import load_settings
from analysis.paths import PROJECT_ROOT
from analysis.reporting.check_data import check_data
from analysis.reporting.new_dataset import new_dataset

DEMO = PROJECT_ROOT / "data" / "demo"
# What no file can tell: whoever confirms the guesses writes it.
UNTOLD = ("company", "currency", "economics", "churn", "orientation", "targets", "control_totals")


def confirm(folder: Path, given: str = "") -> Path:
    """Confirm all guesses; lines in `given` stand in place of those with the same keys."""
    path = folder / "dataset.yml"
    keys = [line.split(":")[0] for line in given.splitlines()]
    lines = [line for line in path.read_text().splitlines() if line.split(":")[0] not in keys]
    path.write_text("\n".join(lines).replace("confirmed: no", "confirmed: yes") + "\n" + given)
    return folder


@pytest.fixture
def make(tmp_path: Path):
    """Write files into a folder and make a data set of it: gives the folder and its text."""

    def made(**files: str | bytes) -> tuple[Path, str]:
        origin = tmp_path / "exports"
        origin.mkdir(exist_ok=True)
        for name, content in files.items():
            path = origin / name.replace("__", ".")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        folder = new_dataset("acme", origin, tmp_path / "data").folder
        return folder, (folder / "dataset.yml").read_text()

    return made


def prepared(folder: Path, tmp_path: Path) -> Path:
    settings = load_settings(folder)
    return prepare(settings, folder, choose_period("", settings), tmp_path / "build")


def part_of_the_demo(folder: Path) -> Path:
    """The demo's files with one customer in fifteen; whole files where no customer is named."""
    folder.mkdir()
    for path in DEMO.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as stream:
            head, *rows = csv.reader(stream)
        if "customer_id" in head:
            place = head.index("customer_id")
            # Their numbers follow one another; anonymous answers stay out.
            rows = [row for row in rows if re.sub(r"\D", "", row[place]).zfill(2)[-2:] < "07"]
        with (folder / path.name).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([head, *rows])
    return folder


def test_demos_own_files_confirmed_give_the_demos_tables(tmp_path: Path) -> None:
    origin = part_of_the_demo(tmp_path / "exports")
    folder = new_dataset("demo", origin, tmp_path / "data").folder
    told = [
        line for line in (DEMO / "dataset.yml").read_text().splitlines() if line.startswith(UNTOLD)
    ]
    confirm(folder, "\n".join(told))
    settings = load_settings(DEMO)
    assert load_settings(folder) == settings
    ours = prepared(folder, tmp_path)
    shutil.copyfile(DEMO / "dataset.yml", origin / "dataset.yml")
    theirs = prepare(settings, origin, choose_period("", settings), tmp_path / "build")
    names = sorted(path.name for path in theirs.glob("*.parquet"))
    assert names == sorted(path.name for path in ours.glob("*.parquet"))
    assert len(names) >= 16
    for name in names:
        assert pq.read_table(ours / name).equals(pq.read_table(theirs / name)), name


def test_telco_is_seen_to_be_a_snapshot(tmp_path: Path) -> None:
    folder = new_dataset("telco", PROJECT_ROOT / "data" / "telco", tmp_path / "data").folder
    text = (folder / "dataset.yml").read_text()
    assert "# snapshot_on: 2026-06-30   # no file tells" in text
    assert "observation_window_months: 3}  # undecided:" in text
    # What no file tells keeps the file from being loaded, in words.
    with pytest.raises(SettingsError, match="currency: is missing"):
        load_settings(folder)
    confirm(folder, "currency: USD\nsnapshot_on: 2017-09-30\n")
    settings = load_settings(folder)
    assert settings.unit == "subscriber"
    columns = {
        name: c.column or c.value for name, c in settings.tables["customers"].columns.items()
    }
    assert columns == {"customer_id": "subscriber", "ended": "churn", "tenure_unit": "months"}
    assert settings.covariates["contract"] == "category"
    assert settings.covariates["monthly_charges"] == "number"
    customers = pd.read_parquet(prepared(folder, tmp_path) / "customers.parquet")
    assert (len(customers), int(customers["ended"].sum())) == (7043, 1869)


def russian_exports() -> dict[str, bytes]:
    """Clients, sales and a questionnaire as an old accounting system writes them."""
    chance = random.Random(7)
    day = dt.date(2024, 1, 1)
    clients = ["Код клиента;Дата регистрации;Дата ухода;Сегмент;Город"]
    sales = ["Номер заказа;Клиент;Дата;Сумма"]
    answers = ["Номер анкеты;Клиент;Дата ответа;NPS;Удовлетворённость"]
    for number in range(60):
        left = f"{day + dt.timedelta(days=400 + number):%d.%m.%Y}" if number % 5 == 0 else ""
        start = day + dt.timedelta(days=number)
        clients.append(
            f"К{number:03d};{start:%d.%m.%Y};{left};{'Бизнес' if number % 3 else 'Семья'};Уфа"
        )
    for number in range(240):
        when = day + dt.timedelta(days=60 + number)
        amount = f"{chance.randrange(1_000_00, 9_000_00) / 100:,.2f}"
        amount = amount.replace(",", "\u00a0").replace(".", ",")
        sales.append(f"{number};К{number % 60:03d};{when:%d.%m.%Y};{amount} руб.")
        answers.append(
            f"{number};К{number % 60:03d};{when:%d.%m.%Y};{number % 11};{number % 5 + 1}"
        )
    tables = {"Клиенты__csv": clients, "Продажи__csv": sales, "Опрос__csv": answers}
    return {name: "\r\n".join(lines).encode("cp1251") for name, lines in tables.items()}


def test_cyrillic_exports_with_commas_and_points_are_understood(make, tmp_path: Path) -> None:
    files = russian_exports()
    folder, text = make(**files)
    settings = load_settings(confirm(folder))
    assert (settings.reading.encoding, settings.reading.delimiter) == ("cp1251", ";")
    assert (settings.reading.decimal, settings.reading.dates) == (",", ("%d.%m.%Y",))
    assert settings.currency == "RUB"
    assert "its sign stands beside the numbers of Сумма in Продажи.csv" in text
    assert str(settings.covers.first) == "2024-03-01"
    assert settings.churn.rule == "contract"
    place = prepared(folder, tmp_path)
    sold = pd.read_parquet(place / "transactions.parquet")["amount"].astype(float).sum()
    written = files["Продажи__csv"].decode("cp1251").split("\r\n")[1:]
    # As of the last whole quarter.
    rows = [line.split(";") for line in written if line.split(";")[2][3:5] < "10"]
    expected = sum(
        float(row[3].removesuffix(" руб.").replace("\u00a0", "").replace(",", ".")) for row in rows
    )
    assert len(rows) > 200
    assert sold == pytest.approx(expected)
    # A column for each question becomes a row for each answer.
    surveys = pd.read_parquet(place / "surveys.parquet")
    assert surveys.groupby("instrument")["score"].agg(["count", "min", "max"]).to_dict("index") == {
        "csat": {"count": len(rows), "min": 1, "max": 5},
        "nps": {"count": len(rows), "min": 0, "max": 10},
    }


def test_every_guess_carries_its_mark_and_no_report_is_built_before_it_is_confirmed(
    make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENTELE_BUILD_FOLDER", str(tmp_path / "build"))
    folder, text = make(**russian_exports())
    for line in text.splitlines():
        leads = re.match(r"      \w+: ", line)
        top = re.match(r"(company|currency|unit|covers|churn|reading): ", line)
        table = re.match(r"  \w+:  ?#", line)
        if (leads and "sql:" not in line) or top or table:
            assert re.search(r"# (guess|undecided): .+; confirm$", line), line
    with pytest.raises(SettingsError, match=r"its guesses are not confirmed; .*confirmed: yes"):
        open_dataset(folder)
    # Looking at the data works before: that is how guesses are judged.
    check = check_data(folder, build=tmp_path / "build")
    assert check.problems == ()
    assert any("currency: RUB" in line for _, line in check.guesses)
    confirm(folder)
    assert len(open_dataset(folder).table("customers")) == 60


def test_sheets_of_a_workbook_become_sources(make, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Kunden"
    sheet.append(["Kundennr.", "Kunde seit", "Kündigung am", "Bundesland"])
    orders = book.create_sheet("Bestellungen")
    orders.append(["Bestellnr.", "Kundennr.", "Bestelldatum", "Betrag (EUR)"])
    for number in range(40):
        start = dt.datetime(2024, 1, 1) + dt.timedelta(days=number)
        ended = start + dt.timedelta(days=200) if number % 4 == 0 else None
        sheet.append([f"0{number:03d}", start, ended, "Bayern"])
        orders.append([number, f"0{number:03d}", start + dt.timedelta(days=50), number + 0.5])
    notes = book.create_sheet("Notizen")
    notes.append(["nichts"])
    (tmp_path / "exports").mkdir()
    book.save(tmp_path / "exports" / "Export.xlsx")
    folder, text = make(notes__pdf=b"%PDF-1.7")
    settings = load_settings(confirm(folder))
    assert {name: source.sheet for name, source in settings.sources.items()} == {
        "kunden": "Kunden",
        "bestellungen": "Bestellungen",
    }
    assert settings.currency == "EUR"
    assert settings.tables["customers"].columns["ended_on"].column == "Kündigung am"
    assert "#   notes.pdf: a document, not a table" in text
    place = prepared(folder, tmp_path)
    # Zeros in front of a key survive.
    assert pd.read_parquet(place / "customers.parquet")["customer_id"].min() == "0000"
    assert float(pd.read_parquet(place / "transactions.parquet")["amount"].sum()) == 800


TWO_YEARS = "covers: {from: 2024-01-01, to: 2025-12-31}"
ORDERS = "Order #,Customer,Order Date,Total\n"


def test_days_that_can_be_read_in_two_ways_are_said_to_be_undecided(make) -> None:
    rows = [
        f'{i},C{i % 9},{i % 12 + 1:02d}/{i % 11 + 1:02d}/2024,"$1,{i:03d}.50"' for i in range(60)
    ]
    folder, text = make(orders__csv=ORDERS + "\n".join(rows))
    assert (
        "occurred_on: Order Date  # undecided: by its name; days and months could stand the other way "
        "round: then %m/%d/%Y; confirm" in text
    )
    settings = load_settings(folder)
    assert settings.reading_of(settings.sources["orders"]).thousands == ","
    assert settings.currency == "USD"
    # Nobody lists the customers, so they are those who ordered.
    assert "min(CAST(try_strptime" in settings.tables["customers"].sql
    assert settings.churn.rule == "inactivity"


def test_one_unmistakable_day_settles_the_order_of_day_and_month(make) -> None:
    rows = [f"{i},C{i % 9},{i % 12 + 1:02d}/{i % 28 + 1:02d}/2024,{i}.50" for i in range(60)]
    _, text = make(orders__csv=ORDERS + "\n".join(rows))
    assert 'dates: ["%m/%d/%Y"]' in text
    assert "stand the other way round" not in text


def test_parts_of_one_export_become_a_pattern_and_its_customers_are_derived(
    make, tmp_path: Path
) -> None:
    def part(year: int) -> str:
        return ORDERS + "\n".join(
            f"{year}-{i},C{i},{year}-0{i % 8 + 1}-15,{i}.00" for i in range(1, 50)
        )

    folder, text = make(orders_2024__csv=part(2024), orders_2025__csv=part(2025))
    assert "orders: {file: orders_*.csv, dated: Order Date}  # guess: cut by Order Date" in text
    place = prepared(confirm(folder, f"currency: EUR\n{TWO_YEARS}"), tmp_path)
    assert len(pd.read_parquet(place / "transactions.parquet")) == 98
    customers = pd.read_parquet(place / "customers.parquet")
    assert len(customers) == 49
    assert pd.to_datetime(customers["started_on"]).dt.year.max() == 2024


def test_a_database_file_is_read_by_an_address_from_the_environment(
    make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "exports").mkdir()
    connection = sqlite3.connect(tmp_path / "exports" / "shop.db")
    connection.execute("create table clients(client_id text, signup text, country text)")
    connection.execute(
        "create table invoices(invoice_no text, client_id text, day text, total real)"
    )
    for i in range(30):
        connection.execute("insert into clients values (?, '2024-01-05', 'DE')", [f"A{i}"])
        connection.execute(
            "insert into invoices values (?, ?, ?, ?)",
            [f"I{i}", f"A{i}", f"2024-0{i % 9 + 1}-07", i],
        )
    connection.commit()
    connection.close()
    folder, text = make()
    assert 'clients: {connect: "env:ACME_DATABASE", table: clients}' in text
    assert str(tmp_path) not in text
    monkeypatch.setenv("ACME_DATABASE", f"sqlite:///{folder / 'shop.db'}")
    place = prepared(confirm(folder, f"currency: EUR\n{TWO_YEARS}"), tmp_path)
    assert len(pd.read_parquet(place / "customers.parquet")) == 30
    assert float(pd.read_parquet(place / "transactions.parquet")["amount"].sum()) == 435


def test_files_that_are_like_no_table_stand_in_comments(make) -> None:
    folder, text = make(
        customers__csv="id,started,region\n"
        + "\n".join(f"C{i},2024-01-0{i % 9 + 1},North" for i in range(20)),
        weather__csv="station,celsius\nA,3\nB,4\n",
        leer__csv="",
        kopf__csv="a,b\n",
    )
    assert "  # weather: weather.csv   # like none of the tables; not used" in text
    assert "#   leer.csv: it is empty" in text
    assert "#   kopf.csv: it has a header but no row beneath it" in text
    assert list(load_settings(confirm(folder, "currency: EUR")).sources) == ["customers"]


def test_order_lines_are_pointed_out_with_what_to_write(make) -> None:
    rows = [f"I{i // 3},C{i % 9},2024-02-{i // 3 % 28 + 1:02d},{i}.00" for i in range(90)]
    _, text = make(orders__csv="invoice,customer,date,amount\n" + "\n".join(rows))
    assert "invoice stands more than once (90 rows, 30 different): order lines" in text
    assert 'SELECT "invoice" AS transaction_id' in text


def test_a_price_of_one_piece_is_not_silently_the_amount(make) -> None:
    rows = [f"I{i // 2},C{i % 9},2024-02-{i % 28 + 1:02d},{i % 4 + 1},{i}.25" for i in range(80)]
    _, text = make(orders__csv="invoice,customer,date,quantity,price\n" + "\n".join(rows))
    assert "amount: price  # undecided: by its name; with quantity beside it" in text
    assert 'sum(CAST("quantity" AS DECIMAL(18,4)) * CAST("price" AS DECIMAL(18,4)))' in text


def test_codes_for_no_answer_stand_outside_the_scale(make) -> None:
    rows = [
        f"{i},C{i % 9},2024-02-{i % 28 + 1:02d},{99 if i % 7 == 0 else i % 5 + 1}"
        for i in range(80)
    ]
    _, text = make(csat_survey__csv="id,customer,date,score\n" + "\n".join(rows))
    assert 'no_answer: ["99"]  # guess: far from all other answers; confirm' in text
    assert "csat: [1, 5]  # guess: the usual one; answers run from 1 to 5; confirm" in text
    assert "instrument: {value: csat}" in text


def test_a_second_file_of_a_kind_is_not_pressed_into_another_kind(make) -> None:
    rows = [f"{i},C{i % 9},2024-02-{i % 28 + 1:02d},{i}.25" for i in range(80)]
    head = "number,client,date,amount\n"
    returns = head + "\n".join(row.replace(",2024", ",2025") for row in rows[:30])
    folder, text = make(orders__csv=head + "\n".join(rows), marktplatz__csv=returns)
    settings = load_settings(confirm(folder, "currency: EUR"))
    assert set(settings.tables) == {"customers", "transactions"}
    assert "# marktplatz: marktplatz.csv   # looks most like transactions, which orders.csv" in text


SENTENCE = "Клиент доволен обслуживанием; доставка опоздала, но оператор извинился"
GERMAN = "Kunde;Straße;Größe;Übergabe am Montag;schöne Grüße aus Köln"


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        (SENTENCE, "utf-8", "utf-8"),
        (SENTENCE, "cp1251", "cp1251"),
        (SENTENCE, "koi8-r", "koi8-r"),
        (SENTENCE, "cp866", "cp866"),
        (SENTENCE, "utf-16", "utf-16"),
        (SENTENCE, "utf-16-le", "utf-16-le"),
        (GERMAN, "cp1252", "cp1252"),
        (GERMAN, "utf-8-sig", "utf-8"),
        ("plain,text\n1,2", "ascii", "utf-8"),
    ],
)
def test_encodings_are_told_by_their_letters(text: str, encoding: str, expected: str) -> None:
    found, reason = guess_encoding([text.encode(encoding)])
    assert found == expected
    assert reason


def shape(*values: str | None):
    return look_at_column(Look("x", "x.csv", {"c": list(values)}), "c")


@pytest.mark.parametrize(
    ("values", "kind", "form"),
    [
        (("2024-01-31", "2024-02-01"), "date", "%Y-%m-%d"),
        (("31.01.2024", "01.02.2024"), "date", "%d.%m.%Y"),
        (("31.01.24", "01.02.24"), "date", "%d.%m.%y"),
        (("01/31/2024", "02/01/2024"), "date", "%m/%d/%Y"),
        (("2024-01-31 10:00", "2024-02-01 09:30"), "datetime", "%Y-%m-%d %H:%M"),
        (("2024-01-31T10:00:05+03:00",), "datetime", "%Y-%m-%dT%H:%M:%S%z"),
        (("2024-01", "2024-02"), "date", "%Y-%m"),
        (("20240131", "20240201"), "date", "%Y%m%d"),
        (("19 Apr 25", "02 Aug 25"), "date", "%d %b %y"),
    ],
)
def test_forms_of_days(values: tuple[str, ...], kind: str, form: str) -> None:
    found = shape(*values)
    assert found.kind == kind
    assert found.dates is not None
    assert (found.dates.format, found.dates.undecided) == (form, "")


@pytest.mark.parametrize(
    ("values", "decimal", "thousands"),
    [
        (("1234.50", "2.25"), ".", ""),
        (("1234,50", "2,25"), ",", ""),
        (("1 234,50", "2,25"), ",", " "),
        (("1\u202f234,50", "12"), ",", "\u202f"),
        (("1.234,50", "2,25"), ",", "."),
        (("1,234.50", "2.25"), ".", ","),
        (("1,234,567", "12"), "", ","),
        (("−5.20", "3.10"), ".", ""),
    ],
)
def test_forms_of_numbers(values: tuple[str, ...], decimal: str, thousands: str) -> None:
    found = shape(*values)
    assert found.kind == "number"
    assert found.numbers is not None
    assert (found.numbers.decimal, found.numbers.thousands) == (decimal, thousands)
    assert not found.numbers.undecided


def test_a_number_that_may_be_thousands_or_a_fraction_is_undecided() -> None:
    found = shape("1,234", "5,678")
    assert found.numbers is not None
    assert found.numbers.undecided == "1,234"


def test_keys_are_no_numbers() -> None:
    assert shape("007", "008", "012").kind == "text"
    assert shape("123456789012345678", "123456789012345679").kind == "text"
