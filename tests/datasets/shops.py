"""Raw files of shops: order lines, arms in the customer file, credit notes, cp1251, fiscal years."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from random import Random

from rows import Row, answer, days, money, people, spread, with_duplicates, write


def order_lines(folder: Path) -> None:
    """One file of order lines and nothing else: customers are whoever bought."""
    chance, first, last = Random(101), dt.date(2024, 1, 1), dt.date(2025, 12, 31)
    lines: list[Row] = []
    since: dict[str, dt.date] = {}
    orders: list[Row] = []

    def book(invoice: str, customer: str, day: dt.date, sold: list[tuple[int, int]]) -> None:
        for number, (quantity, cents) in enumerate(sold, 1):
            lines.append(
                {
                    "Invoice": invoice, "Line": number, "Customer": customer,
                    "InvoiceDate": f"{day} {9 + number}:15",
                    "Product": chance.choice(("cup", "plate", "vase, blue", 'bowl "large"')),
                    "Quantity": quantity, "UnitPrice": money(cents / 100),
                }
            )  # fmt: skip
        total = sum(quantity * cents for quantity, cents in sold) / 100
        orders.append(
            {
                "transaction_id": invoice, "customer_id": customer, "occurred_on": day,
                "amount": money(total),
            }
        )  # fmt: skip
        if customer:
            since[customer] = min(day, since.get(customer, day))

    number = 0
    for person in people(chance, 44, first, last, "{:05d}".format):
        for day in spread(chance, person, last, 60, 190):
            number += 1
            sold = [
                (chance.randint(1, 4), chance.randrange(500, 6000, 5))
                for _ in range(chance.randint(1, 3))
            ]
            book(f"I{number:04d}", person.key, day, sold)
            if number % 14 == 0 and days(day, 9) <= last:
                book(f"R{number:04d}", person.key, days(day, 9), [(-1, sold[0][1])])
    for number, day in enumerate(
        (dt.date(2025, 3, 3), dt.date(2025, 10, 8), dt.date(2025, 11, 5)), 1
    ):
        book(f"T{number:04d}", "", day, [(1, 1990)])
    raw = [dict(line) for line in lines]
    # Stray spaces in one of the lines of an invoice, and lines that came twice.
    for place in (3, 40, 80, 120):
        raw[place]["Customer"] = f"  {raw[place]['Customer']} "
    write(folder / "order_lines.csv", with_duplicates(raw, 5, 6, 50), "utf-8-sig", end="\r\n")
    write(
        folder / "expected/customers.csv",
        ({"customer_id": key, "started_on": since[key]} for key in sorted(since)),
    )
    write(folder / "expected/transactions.csv", orders)


def experiment_arms(folder: Path) -> None:
    """Arms of a trial as a column of the customer file."""
    chance, first, last = Random(103), dt.date(2024, 1, 1), dt.date(2025, 12, 31)
    drawn_on = dt.date(2025, 4, 1)
    raw: list[Row] = []
    customers: list[Row] = []
    exposures: list[Row] = []
    orders: list[Row] = []
    for person in people(chance, 80, first, last, stay=900):
        there = person.started < drawn_on and (person.ended is None or person.ended > drawn_on)
        cell = chance.choice("AB") if there else ""
        reached = days(drawn_on, chance.randint(2, 20))
        reached_on = reached if cell == "A" and reached <= person.there(last) else None
        raw.append(
            {
                "Client": person.key, "Since": person.started, "Until": person.ended or "9999-12-31",
                "Cell": cell, "DrawnOn": drawn_on if cell else "", "ParcelSent": reached_on or "",
            }
        )  # fmt: skip
        customers.append(
            {
                "customer_id": person.key,
                "started_on": person.started,
                "ended_on": person.ended or "",
            }
        )
        if cell:
            exposures.append(
                {
                    "programme_id": "parcel_gift", "customer_id": person.key, "assigned_on": drawn_on,
                    "arm": "treated" if cell == "A" else "control", "exposed_on": reached_on or "",
                }
            )  # fmt: skip
        for day in spread(chance, person, last, 70, 130):
            gain = 25 if cell == "A" and day > drawn_on else 0
            amount = 40 + 8 * person.mood + gain + chance.randrange(3000) / 100
            orders.append(
                {
                    "transaction_id": f"O{len(orders) + 1:04d}", "customer_id": person.key,
                    "occurred_on": day, "amount": money(amount), "margin": money(amount * 0.4),
                }
            )  # fmt: skip
    names = {
        "transaction_id": "Order", "customer_id": "Client", "occurred_on": "Day",
        "amount": "Value", "margin": "Contribution",
    }  # fmt: skip
    write(folder / "clients.csv", with_duplicates(raw, 0, 1), end="\r\n")
    write(folder / "orders.csv", ({names[k]: v for k, v in row.items()} for row in orders))
    write(folder / "expected/customers.csv", customers)
    write(folder / "expected/transactions.csv", orders)
    write(folder / "expected/exposures.csv", exposures)
    write(
        folder / "expected/programmes.csv",
        [
            {
                "programme_id": "parcel_gift", "name": "Gift in the parcel", "starts_on": drawn_on,
                "upfront_cost": "500.00", "monthly_cost": "20.00", "assignment": "random",
            }
        ],
    )  # fmt: skip


def credit_notes(folder: Path) -> None:
    """Invoices and credit notes in one file a year, signs and currency as a ledger prints them."""
    chance, first, last = Random(106), dt.date(2024, 1, 1), dt.date(2025, 12, 31)
    customers: list[Row] = []
    booked: list[Row] = []
    for person in people(chance, 50, first, last, "D{:04d}".format, stay=700):
        customers.append(
            {
                "customer_id": person.key, "started_on": person.started,
                "ended_on": person.ended or "", "region": chance.choice(("North", "South")),
            }
        )  # fmt: skip
        for day in spread(chance, person, last, 60, 120):
            number, amount = f"{len(booked) + 1:06d}", chance.randrange(5000, 150000) / 100
            booked.append(
                {
                    "transaction_id": number, "customer_id": person.key, "occurred_on": day,
                    "amount": money(amount),
                }
            )  # fmt: skip
            # A credit note bears the number of its invoice and a date of its own.
            back = days(day, chance.randint(5, 40))
            if chance.random() < 0.12 and back <= person.there(last):
                booked.append(
                    {
                        "transaction_id": number, "customer_id": person.key, "occurred_on": back,
                        "amount": money(-round(amount * 0.5, 2)),
                    }
                )  # fmt: skip
    # One customer makes up most of what was paid back in the last quarter.
    large = next(row for row in customers if not row["ended_on"])
    booked.append(
        {
            "transaction_id": "900001", "customer_id": large["customer_id"],
            "occurred_on": dt.date(2025, 11, 20), "amount": "-25000.00",
        }
    )  # fmt: skip
    for year in (2024, 2025):
        rows = [
            {
                "Document": row["transaction_id"], "Account": row["customer_id"],
                "Booked": f"{row['occurred_on']:%d/%m/%Y}",
                "Amount": f"{float(str(row['amount'])):,.2f} €".replace(",", "\u2009").replace("-", "−"),
            }
            for row in booked
            if str(row["occurred_on"]).startswith(str(year))
        ]  # fmt: skip
        write(folder / f"bookings/{year}.csv", with_duplicates(rows, 2), delimiter=";")
    accounts = [
        {
            "Account": row["customer_id"], "Opened": f"{row['started_on']:%d/%m/%Y}",
            "Closed": f"{row['ended_on']:%d/%m/%Y}" if row["ended_on"] else "", "Region": f"{row['region']} ",
        }
        for row in customers
    ]  # fmt: skip
    write(folder / "accounts.csv", accounts, delimiter=";")
    write(folder / "expected/customers.csv", customers)
    write(folder / "expected/transactions.csv", booked)


def regional_export(folder: Path) -> None:
    """A Russian export: cp1251, semicolons, decimal commas, dd.mm.yyyy; returns in UTF-8."""
    chance, first, last = Random(107), dt.date(2024, 1, 1), dt.date(2025, 12, 31)
    customers: list[Row] = []
    orders: list[Row] = []
    surveys: list[Row] = []
    comments = {
        1: "Доставка опоздала, курьер грубил", 2: "Долго ждал ответа", 3: "", 4: "Всё в порядке",
        5: "Спасибо, быстро и вежливо",
    }  # fmt: skip
    for person in people(chance, 60, first, last, "{:06d}".format):
        customers.append(
            {
                "customer_id": person.key, "started_on": person.started,
                "ended_on": person.ended or "", "segment": chance.choice(("business", "private")),
                "region": chance.choice(("Север", "Юг")),
            }
        )  # fmt: skip
        for day in spread(chance, person, last, 80, 150):
            sign = -1 if len(orders) % 15 == 14 else 1
            orders.append(
                {
                    "transaction_id": f"З-{len(orders) + 1:04d}", "customer_id": person.key,
                    "occurred_on": day, "amount": money(sign * chance.randrange(90000, 450000) / 100),
                }
            )  # fmt: skip
            asked = days(day, 3)
            if asked <= person.there(last):
                score = answer(chance, person, 1, 5) if chance.random() < 0.7 else None
                surveys.append(
                    {
                        "response_id": f"О-{len(surveys) + 1:04d}", "customer_id": person.key,
                        "instrument": "csat", "invited_on": asked,
                        "answered_on": asked if score else "", "score": score or "",
                        "comment": comments[score] if score else "",
                    }
                )  # fmt: skip
    types = {"business": "юр. лицо", "private": "физ. лицо"}

    def day_of(value: object) -> str:
        return f"{value:%d.%m.%Y}" if value else ""

    def amount_of(value: object, space: str, sign: str) -> str:
        return f"{abs(float(str(value))):,.2f}".replace(",", space).replace(".", ",") + sign

    write(
        folder / "clients.csv",
        with_duplicates(
            [
                {
                    "Код клиента": row["customer_id"], "Дата начала": day_of(row["started_on"]),
                    "Дата окончания": day_of(row["ended_on"]) or "31.12.9999",
                    "Тип": types[str(row["segment"])], "Регион": row["region"],
                }
                for row in customers
            ],
            4,
        ),
        "cp1251", ";", "\r\n",
    )  # fmt: skip
    # cp1251 knows the no-break space only; the returns, in UTF-8, come with the narrow one.
    for file, encoding, space, unit in (
        ("orders.csv", "cp1251", "\u00a0", " руб."), ("returns.csv", "utf-8-sig", "\u202f", "\u202f₽"),
    ):  # fmt: skip
        write(
            folder / file,
            (
                {
                    "Номер": row["transaction_id"], "Клиент": row["customer_id"],
                    "Дата": day_of(row["occurred_on"]), "Сумма": amount_of(row["amount"], space, unit),
                }
                for row in orders
                if str(row["amount"]).startswith("-") == (file == "returns.csv")
            ),
            encoding, ";", "\r\n",
        )  # fmt: skip
    write(
        folder / "answers.csv",
        (
            {
                "Номер": row["response_id"], "Клиент": row["customer_id"],
                "Приглашён": day_of(row["invited_on"]), "Ответил": day_of(row["answered_on"]),
                "Оценка": str(row["score"]) or "н/д", "Отзыв": row["comment"],
            }
            for row in surveys
        ),
        "cp1251", ";", "\r\n",
    )  # fmt: skip
    write(folder / "expected/customers.csv", customers)
    write(folder / "expected/transactions.csv", orders)
    write(folder / "expected/surveys.csv", surveys)


def fiscal_years(folder: Path) -> None:
    """Years that begin in April, reported by month."""
    chance, first, last = Random(112), dt.date(2024, 4, 1), dt.date(2026, 5, 31)
    customers: list[Row] = []
    orders: list[Row] = []
    surveys: list[Row] = []
    for person in people(chance, 45, first, last, stay=600):
        customers.append(
            {
                "customer_id": person.key,
                "started_on": person.started,
                "ended_on": person.ended or "",
            }
        )
        for day in spread(chance, person, last, 20, 70):
            orders.append(
                {
                    "transaction_id": f"O{len(orders) + 1:04d}", "customer_id": person.key,
                    "occurred_on": day, "amount": money(20 + 6 * person.mood + chance.randrange(2000) / 100),
                }
            )  # fmt: skip
            if len(orders) % 2 == 0:
                surveys.append(
                    {
                        "response_id": f"R{len(orders):04d}", "customer_id": person.key,
                        "instrument": "nps", "invited_on": day, "answered_on": day,
                        "score": answer(chance, person, 0, 10),
                    }
                )  # fmt: skip
    raw = [dict(row) for row in orders]
    raw[10]["customer_id"] = f" {raw[10]['customer_id']}"
    stray = {
        "transaction_id": "O9999",
        "customer_id": "C999",
        "occurred_on": last,
        "amount": "12.00",
    }
    write(folder / "customers.csv", customers)
    write(folder / "transactions.csv", [*raw, stray])
    write(folder / "surveys.csv", with_duplicates(surveys, 7))
    write(folder / "expected/customers.csv", customers)
    write(folder / "expected/transactions.csv", [*orders, stray])
    write(folder / "expected/surveys.csv", surveys)
