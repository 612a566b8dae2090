"""Raw files of services: monthly subscriptions, markets, a database, a snapshot."""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from pathlib import Path
from random import Random

from rows import Row, answer, days, money, people, spread, with_duplicates, write


def _month_by_month(first: dt.date, last: dt.date) -> list[tuple[dt.date, dt.date]]:
    """First and last day of every month that the two days touch."""
    found, day = [], first.replace(day=1)
    while day <= last:
        end = day.replace(day=monthrange(day.year, day.month)[1])
        found.append((day, end))
        day = days(end, 1)
    return found


def subscriptions(folder: Path) -> None:
    """Monthly bills; who comes back has a second contract, with a number of its own."""
    chance, first, last = Random(104), dt.date(2024, 7, 1), dt.date(2025, 12, 31)
    contracts: list[Row] = []
    bills: list[Row] = []
    customers: list[Row] = []
    periods: list[Row] = []

    def sign(subscriber: str, contract: int, started: dt.date, ended: dt.date | None) -> None:
        plan = chance.choice(("basic", "plus"))
        reason = chance.choice(("price", "moved")) if ended else ""
        key = f"{subscriber} | {contract}"
        contracts.append(
            {
                "subscriber": subscriber, "contract": contract, "start": started,
                "end": ended or "9999-12-31", "why": reason, "plan": plan,
            }
        )  # fmt: skip
        customers.append(
            {
                "customer_id": key, "started_on": started, "ended_on": ended or "",
                "end_reason": reason, "segment": plan,
            }
        )  # fmt: skip
        for opens, closes in _month_by_month(started, ended or last):
            fee = 19.9 if plan == "plus" else 9.9
            back = fee if chance.random() < 0.06 else 0.0
            bills.append(
                {
                    "subscriber": subscriber, "contract": contract, "month": f"{opens:%Y-%m}",
                    "fee": money(fee), "returned": money(back) if back else "-",
                }
            )  # fmt: skip
            periods.append(
                {
                    "customer_id": key, "from_on": opens, "to_on": closes,
                    "spend": money(fee - back), "refunded": money(back),
                }
            )  # fmt: skip

    for person in people(chance, 42, first, last, "S{:03d}".format, stay=260):
        sign(person.key, 1, person.started, person.ended)
        again = days(person.ended, chance.randint(40, 90)) if person.ended else last
        if person.ended and chance.random() < 0.3 and again < last:
            sign(person.key, 2, again, None)
    write(folder / "contracts.csv", with_duplicates(contracts, 3), end="\r\n")
    write(folder / "bills.csv", with_duplicates(bills, 20, 21), "utf-8-sig")
    write(folder / "expected/customers.csv", customers)
    write(folder / "expected/periods.csv", periods)


def markets(folder: Path) -> None:
    """Markets take the place of customers; an improvement reaches them one after the other."""
    chance, first = Random(105), dt.date(2023, 1, 1)
    customers: list[Row] = []
    rollout: list[Row] = []
    periods: list[Row] = []
    for i in range(1, 25):
        market, region = f"M{i:02d}", chance.choice(("Coast", "Inland"))
        starts = {0: dt.date(2024, 4, 1), 1: dt.date(2024, 10, 1)}.get(i % 3)
        customers.append(
            {
                "customer_id": market,
                "started_on": dt.date(2019, 1 + i % 12, 1),
                "region": region,
                "area": market,
            }
        )
        rollout.append({"programme_id": "longer_hours", "area": market, "starts_on": starts or ""})
        level = chance.uniform(8000, 20000)
        for opens, closes in _month_by_month(first, dt.date(2025, 12, 31))[::3]:
            closes = days(opens, 92).replace(day=1) - dt.timedelta(days=1)
            gain = 900 if starts and opens >= starts else 0
            spend = level + 150 * (opens.year - 2023) + gain + chance.uniform(-600, 600)
            periods.append(
                {
                    "customer_id": market, "from_on": opens, "to_on": closes,
                    "spend": money(spend), "orders": int(spend // 35),
                }
            )  # fmt: skip
    write(
        folder / "markets.csv",
        (
            {
                "Market": f" {row['customer_id']}",
                "Opened": row["started_on"],
                "Region": row["region"],
            }
            for row in customers
        ),
    )
    names = {
        "customer_id": "Market",
        "from_on": "From",
        "to_on": "To",
        "spend": "Sales",
        "orders": "Tickets",
    }
    sales = [{names[k]: v for k, v in row.items()} for row in periods]
    closed = {**sales[-1], "Market": "M99"}
    write(folder / "sales.csv", [*with_duplicates(sales, 0), closed])
    write(
        folder / "hours.csv",
        ({"Market": r["area"], "Starts": r["starts_on"] or "never"} for r in rollout),
    )
    write(folder / "expected/customers.csv", customers)
    write(folder / "expected/rollout.csv", rollout)
    write(folder / "expected/periods.csv", [*periods, {**periods[-1], "customer_id": "M99"}])
    write(
        folder / "expected/programmes.csv",
        [
            {
                "programme_id": "longer_hours", "name": "Longer opening hours", "starts_on": "2024-04-01",
                "upfront_cost": "9000.00", "monthly_cost": "400.00",
            }
        ],
    )  # fmt: skip


def database(folder: Path) -> None:
    """A CRM's tables as the statements that make them; ids with zeros in front, typed columns."""
    chance, first, last = Random(109), dt.date(2024, 1, 1), dt.date(2025, 12, 31)
    customers: list[Row] = []
    orders: list[Row] = []
    contacts: list[Row] = []
    for person in people(chance, 40, first, last, "{:08d}".format):
        customers.append(
            {
                "customer_id": person.key, "started_on": person.started,
                "ended_on": person.ended or "", "acquisition_channel": chance.choice(("web", "shop")),
            }
        )  # fmt: skip
        for day in spread(chance, person, last, 60, 140):
            orders.append(
                {
                    "transaction_id": f"{len(orders) + 1}", "customer_id": person.key,
                    "occurred_on": day, "amount": money(chance.randrange(1500, 30000) / 100),
                }
            )  # fmt: skip
            if len(orders) % 4 == 0:
                hours = chance.randint(1, 60)
                opened = dt.datetime.combine(day, dt.time(9, 30))
                resolved = opened + dt.timedelta(hours=hours)
                done = resolved.date() <= last
                contacts.append(
                    {
                        "contact_id": f"K{len(contacts) + 1:03d}", "customer_id": person.key,
                        "opened_at": opened, "resolved_at": resolved if done else "",
                        "channel": chance.choice(("telephone", "mail")),
                        "cost": money(4.5 if hours < 20 else 9.0),
                    }
                )  # fmt: skip

    def inserts(table: str, rows: list[Row], numbers: tuple[str, ...] = ()) -> list[str]:
        lines = []
        for row in rows:
            values = (
                str(v) if k in numbers else ("NULL" if v == "" else f"'{v}'")
                for k, v in row.items()
            )
            lines.append(f"INSERT INTO {table} VALUES ({', '.join(values)});")
        return lines

    statements = [
        "CREATE TABLE client (id TEXT, since DATE, until DATE, came_by TEXT);",
        "CREATE TABLE sale (id INTEGER, client TEXT, day DATE, total NUMERIC(10, 2));",
        "CREATE TABLE ticket (id TEXT, client TEXT, opened TIMESTAMP, closed TIMESTAMP, channel TEXT, cost REAL);",
        *inserts("client", customers),
        *inserts("sale", orders, ("transaction_id", "amount")),
        "INSERT INTO sale SELECT * FROM sale WHERE id = 3;",
        *inserts("ticket", contacts, ("cost",)),
    ]
    (folder / "crm.sql").write_text("\n".join(statements) + "\n", encoding="utf-8")
    write(folder / "expected/customers.csv", customers)
    write(folder / "expected/transactions.csv", orders)
    write(folder / "expected/contacts.csv", contacts)


def snapshot(folder: Path) -> None:
    """Tenure and a flag only, in weeks, with words for "yes" and "no"."""
    chance = Random(110)
    raw: list[Row] = []
    customers: list[Row] = []
    for i in range(1, 91):
        plan = chance.choice(("prepaid", "contract"))
        weeks = chance.randint(1, 150)
        gone = chance.random() < (0.3 if plan == "prepaid" else 0.12)
        fee = "" if i % 30 == 0 else money(chance.randrange(800, 4000) / 100)
        raw.append(
            {
                "line": f"L{i:03d}",
                "weeks": weeks,
                "gone": "Ja" if gone else "Nein",
                "plan": plan,
                "fee": fee or "NaN",
            }
        )
        customers.append(
            {
                "customer_id": f"L{i:03d}", "tenure": weeks, "tenure_unit": "weeks", "ended": gone,
                "plan": plan, "fee": fee,
            }
        )  # fmt: skip
    write(
        folder / "lines.csv", with_duplicates(raw, 8), delimiter="\t", end="\r\n", encoding="utf-16"
    )
    write(folder / "expected/customers.csv", customers)


def workbook(folder: Path) -> None:
    """The sheets of a workbook; `open_workbook` of the tests binds them into one."""
    chance, first, last = Random(108), dt.date(2024, 1, 1), dt.date(2025, 12, 31)
    customers: list[Row] = []
    orders: list[Row] = []
    surveys: list[Row] = []
    for person in people(chance, 48, first, last):
        customers.append(
            {
                "customer_id": person.key, "started_on": person.started,
                "ended_on": person.ended or "", "segment": chance.choice(("NA", "EU")),
            }
        )  # fmt: skip
        for day in spread(chance, person, last, 70, 140):
            orders.append(
                {
                    "transaction_id": str(10000 + len(orders)), "customer_id": person.key,
                    "occurred_on": day, "amount": money(20 + 10 * person.mood + chance.randrange(4000) / 100),
                }
            )  # fmt: skip
            surveys.append(
                {
                    "response_id": f"A{len(surveys) + 1:03d}", "customer_id": person.key,
                    "instrument": "csat", "answered_on": day, "score": answer(chance, person, 1, 5),
                }
            )  # fmt: skip
    rename = {
        "customer_id": "Client", "started_on": "Since", "ended_on": "Until", "segment": "Market",
        "transaction_id": "Order", "occurred_on": "Day", "amount": "Value", "response_id": "Answer",
        "answered_on": "Day", "score": "Stars", "instrument": "",
    }  # fmt: skip
    for sheet, rows in (
        ("Clients", customers),
        ("Orders", with_duplicates(orders, 1)),
        ("Answers", surveys),
    ):
        write(
            folder / f"sheets/{sheet}.csv",
            ({rename[k]: v for k, v in row.items() if rename[k]} for row in rows),
        )
    write(folder / "expected/customers.csv", customers)
    write(folder / "expected/transactions.csv", orders)
    write(folder / "expected/surveys.csv", surveys)
