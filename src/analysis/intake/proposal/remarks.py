"""What to look at before a table is confirmed: each remark says what was seen and what to write."""

from __future__ import annotations

import re

from analysis.intake.proposal.matching import TableGuess
from analysis.intake.proposal.reading_form import ReadingForm
from analysis.intake.proposal.sql_text import as_source, literal, money_sql
from analysis.intake.proposal.values import ColumnLook
from analysis.intake.proposal.vocabulary import CREDITS, LOST_WORDS, TAXES, plain_words
from analysis.intake.proposal.yaml_text import scalar
from analysis.intake.reading import quoted

CONTROL_WORDS = {
    "control",
    "control group",
    "kontrolle",
    "kontrollgruppe",
    "контроль",
    "контрольная",
    "controle",
}


ARM_DAYS = re.compile("experiment|assign|test|trial|эксперимент|назнач|versuch")


def numbers_apart(
    guess: TableGuess, columns: dict[str, ColumnLook], form: ReadingForm, common: ReadingForm
) -> list[str]:
    alike = (form.decimal or common.decimal) == common.decimal and form.negative == common.negative
    numbers = [lead.column for lead in guess.leads.values() if columns[lead.column].numbers]
    if alike or not numbers:
        return []
    money = money_sql(numbers[0], form, columns[numbers[0]])
    return [
        f"undecided: numbers here are written unlike those of most files; write {money} "
        f"in the SQL in place of {numbers[0]}; confirm"
    ]


def one_row_a_month(guess: TableGuess) -> list[str]:
    customers = guess.look.columns[guess.leads["customer_id"].column]
    months = guess.look.columns[guess.leads["from_on"].column]
    pairs = list(zip(customers, months, strict=True))
    twice = len(pairs) - len(set(pairs))
    if not twice:
        return []
    return [
        f"undecided: {twice:,} rows share customer and month with another one: add them up in the SQL "
        "(sum(…) and GROUP BY), or name further columns in customer_id; confirm"
    ]


def money_beside(columns: dict[str, ColumnLook], led: set[str], amount: str) -> list[str]:
    """Refunds and taxes in columns of their own, of which the amount may or may not be free."""
    said = []
    for name, shape in columns.items():
        if name in led or shape.kind != "number" or shape.low == shape.high == 0:
            continue
        words = plain_words(name)
        if CREDITS.search(words):
            said.append(
                f"undecided: {name} may be money given back: nothing takes it off {amount}; declare refunds "
                "as rows with a negative amount; confirm"
            )
        elif TAXES.search(words):
            said.append(f"undecided: with {name} beside it, {amount} may include tax; confirm")
    return said


def lost_orders(guess: TableGuess, columns: dict[str, ColumnLook]) -> list[str]:
    """Rows that look like orders but were none: cancelled, failed, lost."""
    led = {lead.column for name, lead in guess.leads.items() if name != "channel"}
    for name, shape in columns.items():
        lost = [word for word, _ in shape.words if LOST_WORDS.search(plain_words(word))]
        if name in led or shape.kind != "text" or not 0 < len(lost) < shape.distinct:
            continue
        number = sum(count for word, count in shape.words if word in lost)
        words = ", ".join(literal(word) for word in lost)
        condition = f"coalesce({quoted(name)}, '') NOT IN ({words})"
        if guess.look.kept:
            condition = f"{guess.look.kept} AND {condition}"
        return [
            f"undecided: {name} is {', '.join(lost)} in {number:,} rows, which may be no sales. To leave "
            "them out write; confirm:",
            *as_source(f"SELECT * FROM {guess.look.name}\nWHERE {condition}"),
        ]
    return []


def arms(guess: TableGuess, columns: dict[str, ColumnLook]) -> list[str]:
    """Arms of an experiment among the customers' columns: what to write to have them compared."""
    for name, shape in columns.items():
        words = {word: plain_words(word) for word, _ in shape.words}
        control = [word for word, plain in words.items() if plain in CONTROL_WORDS]
        treated = [word for word in words if word not in control]
        if len(control) != 1 or len(treated) != 1:
            continue
        days = [n for n, s in columns.items() if s.is_dated and ARM_DAYS.search(plain_words(n))]
        day = scalar(days[0]) if days else "…"
        key = scalar(guess.leads["customer_id"].column)
        return [
            f"undecided: {name} looks like the arms of an experiment. To have its effect estimated write "
            "beside customers; confirm:",
            "  programmes:",
            "    source: {rows: [{programme_id: trial, starts_on: …, assignment: random}]}",
            "  exposures:",
            f"    source: {guess.look.name}",
            f"    columns: {{programme_id: {{value: trial}}, customer_id: {key}, assigned_on: {day},",
            f"      arm: {{column: {scalar(name)}, values: {{{scalar(treated[0])}: treated, "
            f"{scalar(control[0])}: control}}}}}}",
        ]
    return []
