"""From looks at the files to a whole `dataset.yml`: each line with what it rests on."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from dataclasses import dataclass

from analysis.intake.proposal.answers import declare_surveys
from analysis.intake.proposal.looking import Look, Unread
from analysis.intake.proposal.matching import Shapes, TableGuess, assign_tables, shapes_of
from analysis.intake.proposal.reading_form import ReadingForm, common_reading, reading_form
from analysis.intake.proposal.rows_apart import without_other_lines
from analysis.intake.proposal.tables import (
    Guess,
    ProposedTable,
    customers_from,
    declare_table,
    with_credits,
)
from analysis.intake.proposal.vocabulary import CREDITS, likeness, plain_words
from analysis.intake.schema import TABLES

DAYS_TO_MONTH_END = 4
CURRENCY_WORDS = "waerk; currency code; waehrung; валюта; devise; moneda; valuta; waluta"
CURRENCY_IN_NAME = re.compile(
    r"(?<![A-Z])(EUR|USD|GBP|RUB|PLN|CZK|SEK|NOK|DKK|CHF|UAH|KZT|TRY)(?![A-Z])"
)
ACTIVITY = {
    "transactions": ("occurred_on",), "surveys": ("invited_on", "answered_on"), "contacts": ("opened_at",),
    "periods": ("from_on", "to_on"), "exposures": ("assigned_on",),
}  # fmt: skip

# What happened to a row afterwards; nothing that happened can lie after the days covered.
LATER_FACTS = {
    "transactions": ("fulfilled_on",),
    "contacts": ("first_reply_at", "resolved_at"),
    "exposures": ("exposed_on",),
}


@dataclass(frozen=True, slots=True)
class Proposal:
    """Everything that is written into a first `dataset.yml`."""

    looks: tuple[Look, ...]
    unread: tuple[Unread, ...]
    forms: dict[str, ReadingForm]
    common: ReadingForm
    currency: Guess | None
    covers: Guess | None
    snapshot: bool
    unit: Guess
    churn: Guess | None
    tables: tuple[ProposedTable, ...]
    not_used: dict[str, str]


def propose(looks: list[Look], unread: list[Unread]) -> Proposal:
    """Guess a whole `dataset.yml` from what was seen."""
    looks = [without_other_lines(look) for look in looks]
    shapes = shapes_of(looks)
    forms = {look.name: reading_form(look, shapes[look.name]) for look in looks}
    common = common_reading([forms[look.name] for look in looks])
    chosen, others = assign_tables(looks, shapes)
    tables = [
        declare_table(guess, shapes, forms, common) for guess in chosen if guess.table != "surveys"
    ]
    surveys = [guess for guess in chosen if guess.table == "surveys"]
    if surveys:
        tables.append(declare_surveys(surveys, shapes, forms, common))
    by_name = {guess.table: guess for guess in chosen}
    for name, day in (("transactions", "occurred_on"), ("periods", "from_on")):
        if name in by_name and not any(table.name == "customers" for table in tables):
            tables.append(customers_from(by_name[name], day, shapes, forms))
    credited = _credit_notes(by_name.get("transactions"), others)
    if credited is not None:
        sold = by_name["transactions"]
        tables = [
            with_credits(table, sold, credited, shapes, forms)
            if table.name == "transactions"
            else table
            for table in tables
        ]
        chosen = [*chosen, credited]
        others = [guess for guess in others if guess is not credited]
    order = list(TABLES)
    tables.sort(key=lambda table: order.index(table.name))
    customers = by_name.get("customers")
    snapshot = (
        customers is not None
        and "tenure" in customers.leads
        and "started_on" not in customers.leads
    )
    used = {guess.look.name for guess in chosen}
    not_used = {
        guess.look.name: f"looks most like {guess.table}"
        + (f", but nothing in it looked like {' or '.join(guess.lacking)}" if guess.lacking else "")
        + (
            ""
            if guess.lacking or guess.table not in by_name
            else f", which {by_name[guess.table].look.place} gives already; SQL with UNION ALL puts both together"
        )
        for guess in others
    }
    not_used |= {
        look.name: "like none of the tables"
        for look in looks
        if look.name not in used | set(not_used)
    }
    # Sources stand in the order of the tables that they fill, the others behind them.
    rank = {guess.look.name: order.index(guess.table) for guess in chosen}
    looks = sorted(looks, key=lambda look: rank.get(look.name, len(order)))
    return Proposal(
        tuple(looks), tuple(unread), forms, common,
        _currency(looks, shapes, used), None if snapshot else _covers(chosen, shapes), snapshot,
        _unit(customers), _churn(by_name, snapshot), tuple(tables), not_used,
    )  # fmt: skip


def _currency(looks: list[Look], shapes: Shapes, used: set[str]) -> Guess | None:
    found: Counter[str] = Counter()
    where: dict[str, str] = {}
    for look in looks:
        if look.name not in used:
            continue
        for name, shape in shapes[look.name].items():
            codes = list(shape.numbers.currencies) if shape.numbers else []
            reason = "its sign stands beside the numbers of"
            words = plain_words(name).split()
            if not codes:
                in_name = CURRENCY_IN_NAME.findall(name.upper())
                codes = (
                    in_name or ["EUR"] * ("€" in name) or ["RUB"] * ("₽" in name or "руб" in words)
                )
                reason = "it stands in the name of"
            if not codes and likeness(name, "currency", CURRENCY_WORDS) >= 0.95:
                codes = [word for word, _ in shape.words if re.fullmatch("[A-Z]{3}", word)]
                reason = "it stands in"
            for code in codes:
                found[code] += 1
                where.setdefault(code, f"{reason} {name} in {look.place}")
    if not found:
        return None
    code = min(found, key=lambda c: (-found[c], c))
    others = sorted(set(found) - {code})
    return Guess(code, where[code], f"{', '.join(others)} too" if others else "")


def _covers(chosen: list[TableGuess], shapes: Shapes) -> Guess | None:
    firsts: list[dt.date] = []
    lasts: list[dt.date] = []
    files = []
    whole = True
    for guess in chosen:
        for name in ACTIVITY.get(guess.table, ()):
            if name in guess.leads:
                shape = shapes[guess.look.name][guess.leads[name].column]
                if shape.first and shape.last:
                    firsts.append(shape.first)
                    lasts.append(_end_of(shape.last) if shape.monthly else shape.last)
                    files.append(guess.look.file)
                    whole = whole and guess.look.whole
        for name in LATER_FACTS.get(guess.table, ()):
            if name in guess.leads and firsts:
                end = shapes[guess.look.name][guess.leads[name].column].last
                lasts += [end] if end else []
    if not firsts:
        for guess in chosen:
            if guess.table == "customers":
                found = [
                    shapes[guess.look.name][lead.column]
                    for lead in guess.leads.values()
                    if TABLES["customers"].column(lead.canonical).kind == "date"
                ]
                firsts += [shape.first for shape in found if shape.first]
                lasts += [shape.last for shape in found if shape.last]
                files.append(guess.look.file)
    if not firsts:
        return None
    first, last = min(firsts), max(lasts)
    month_start = first.replace(day=1)
    month_end = _end_of(last)
    begin = month_start if (first - month_start).days < DAYS_TO_MONTH_END else first
    end = month_end if (month_end - last).days < DAYS_TO_MONTH_END else last
    seen = f"first and last day in {', '.join(dict.fromkeys(files))}: {first} and {last}"
    rounded = "; taken to whole months" if (begin, end) != (first, last) else ""
    part = "" if whole else "; of large files only a part was looked at"
    return Guess({"from": str(begin), "to": str(end)}, f"{seen}{rounded}{part}")


def _end_of(day: dt.date) -> dt.date:
    """The last day of a day's month."""
    return (day.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1)


def _credit_notes(sold: TableGuess | None, others: list[TableGuess]) -> TableGuess | None:
    """Another file of orders that is named like credit notes."""
    if sold is None or "transaction_id" not in sold.leads:
        return None
    for guess in others:
        wanted = {"transaction_id", "customer_id", "occurred_on", "amount"}
        names = [guess.look.name, guess.look.file, guess.look.sheet, *guess.look.columns]
        named = any(CREDITS.search(plain_words(name)) for name in names)
        if guess.table == "transactions" and named and wanted <= set(guess.leads):
            return guess
    return None


def _unit(customers: TableGuess | None) -> Guess:
    if customers is not None:
        name = plain_words(customers.leads["customer_id"].column)
        for word, known in {
            "subscriber": ("subscriber", "abonnent", "абонент"),
            "member": ("member", "mitglied"),
            "user": ("user", "пользователь"),
        }.items():
            if any(text in name for text in known):
                return Guess(word, f"the key is named {customers.leads['customer_id'].column}")
    return Guess("customer", "the usual word")


def _churn(tables: dict[str, TableGuess], snapshot: bool) -> Guess | None:
    customers = tables.get("customers")
    leads = customers.leads if customers else {}
    if snapshot:
        return Guess({"rule": "flag", "observation_window_months": 3}, "a time as a customer and no dates",
                     "over how many months losses were recorded no file tells")  # fmt: skip
    if "ended_on" in leads:
        return Guess({"rule": "contract"}, f"{leads['ended_on'].column} says when customers left")
    if "transactions" in tables:
        return Guess({"rule": "inactivity", "days": 180}, "no column says when customers left",
                     "after how many days without an order a customer counts as lost")  # fmt: skip
    return (
        Guess({"rule": "flag"}, "a mark, but no date, says who left") if "ended" in leads else None
    )
