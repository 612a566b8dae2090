"""Which raw table is which canonical one, and which column leads to which."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice

from analysis.intake.proposal.instruments import (
    answer_columns,
    instrument_named,
    instrument_of,
)
from analysis.intake.proposal.looking import Look
from analysis.intake.proposal.values import ColumnLook, look_at_column
from analysis.intake.proposal.vocabulary import (
    COLUMN_WORDS,
    PERSONAL,
    likeness,
    plain_words,
    table_likeness,
)
from analysis.intake.schema import TABLES, Column, Table

LEFT_WORDS = {
    "churned", "churn", "left", "lost", "inactive", "cancelled", "canceled", "closed", "terminated",
    "exited", "gekuendigt", "inaktiv", "verloren", "ушел", "отток", "неактивен", "неактивный",
    "расторгнут", "потерян", "закрыт", "baja", "inactivo", "resilie",
}  # fmt: skip
STAYING_WORDS = {
    "active", "current", "stayed", "retained", "open", "existing", "aktiv", "bestehend", "активен",
    "активный", "действует", "открыт", "alta", "activo", "actif", "attivo", "aktywny",
}  # fmt: skip
MOST_CATEGORIES = 200
# A table is taken for one of ours from here on.
ENOUGH = 0.8
# A second best guess is taken only if it is hardly worse: other files of a kind are no new kind.
HARDLY_WORSE = 0.15
# Below this it is like none of ours.
WORTH_NAMING = 0.6
LEAST_ALIKE = 0.6
NEARLY_UNIQUE = 0.9
CERTAIN = 1.05
FEW_SHARED = 0.5
FEWEST_NUMBERS = 0.2
FEWEST_PERSONAL = 2
# A month alone does not say when these were.
NEEDS_A_DAY = {"occurred_on", "opened_at", "answered_on", "invited_on", "assigned_on"}
FEWEST_KEYS = 20
SHARED_KEYS = 0.8


@dataclass(frozen=True, slots=True)
class Lead:
    """A canonical column and the raw one that leads to it.

    alike: how sure, 0 to 1. reason: why, in words; "" where the names are the same.
    values: their words in ours. doubt: what may be wrong, "" if nothing speaks against it.
    """

    canonical: str
    column: str
    alike: float
    reason: str
    values: dict[str, str] = field(default_factory=dict)
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class TableGuess:
    """A raw table taken for a canonical one. lacking: required columns that nothing leads to."""

    table: str
    look: Look
    leads: dict[str, Lead]
    likeness: float
    reason: str
    lacking: tuple[str, ...] = ()


Shapes = dict[str, dict[str, ColumnLook]]


def shapes_of(looks: list[Look]) -> Shapes:
    """The shape of every column, by source and name."""
    return {
        look.name: {name: look_at_column(look, name) for name in look.columns} for look in looks
    }


def assign_tables(looks: list[Look], shapes: Shapes) -> tuple[list[TableGuess], list[TableGuess]]:
    """The best raw table for each canonical one, and what else could be one of ours.

    Each raw table is used once; answers may come from several.
    """
    guesses = [
        _guess(look, table, shapes, frozenset()) for look in looks for table in TABLES.values()
    ]
    chosen = _choose(guesses)
    keys = _customer_keys(chosen, shapes)
    if keys:
        # Now that the customers are known, their keys are recognised wherever they stand.
        again = [_guess(look, table, shapes, keys) for look in looks for table in TABLES.values()]
        chosen = _choose(again)
        guesses = again
    used = {guess.look.name for guess in chosen}
    rest: dict[str, TableGuess] = {}
    for guess in sorted(guesses, key=lambda g: -g.likeness):
        if guess.look.name not in used and guess.leads and guess.likeness >= WORTH_NAMING:
            rest.setdefault(guess.look.name, guess)
    return chosen, list(rest.values())


def _choose(guesses: list[TableGuess]) -> list[TableGuess]:
    chosen: list[TableGuess] = []
    best: dict[str, float] = {}
    for guess in guesses:
        if not guess.lacking:
            best[guess.look.name] = max(guess.likeness, best.get(guess.look.name, 0.0))
    usable = [
        guess
        for guess in guesses
        if not guess.lacking and guess.likeness >= max(ENOUGH, best[guess.look.name] - HARDLY_WORSE)
    ]
    for guess in sorted(usable, key=lambda g: (-g.likeness, g.look.name, g.table)):
        sources = {other.look.name for other in chosen}
        tables = {other.table for other in chosen}
        several = guess.table == "surveys"
        if guess.look.name not in sources and (several or guess.table not in tables):
            chosen.append(guess)
    order = list(TABLES)
    return sorted(chosen, key=lambda g: order.index(g.table))


def _customer_keys(chosen: list[TableGuess], shapes: Shapes) -> frozenset[str]:
    for guess in chosen:
        if guess.table == "customers":
            return shapes[guess.look.name][guess.leads["customer_id"].column].values
    return frozenset()


def _guess(look: Look, table: Table, shapes: Shapes, keys: frozenset[str]) -> TableGuess:
    columns = shapes[look.name]
    leads = _lead(columns, table, keys)
    if table.name == "surveys":
        answers = answer_columns(columns, leads)
        if answers:
            leads.pop("score", None)
    else:
        answers = {}
    lacking = _lacking(look, columns, table, leads, answers)
    named = max(
        table_likeness(text, table.name)
        for text in (
            look.sheet or look.table or look.file.rsplit("/", 1)[-1].rsplit(".", 1)[0],
            look.name,
        )
    )
    found = sum(lead.alike for lead in leads.values()) + len(answers)
    explained = found / max(1, len(columns))
    required = [column.name for column in table.columns if column.required]
    firm = sum(leads[name].alike for name in required if name in leads) / max(1, len(required))
    total = 0.8 * named + explained + 0.3 * firm + (0.3 if answers else 0.0)
    # A CRM calls its customers contacts: names and telephones tell.
    people = sum(plain_words(name) in PERSONAL for name in columns)
    whole = table.name == "customers" and people >= FEWEST_PERSONAL and not lacking
    total += 0.8 if whole and named < 0.8 else 0.0
    if (
        table.name == "customers"
        and {"occurred_on", "amount"} <= set(_lead(columns, TABLES["transactions"], keys))
        and named < 0.8
    ):
        total -= 0.5  # fmt: skip
    why = (
        f"{look.place} is named so"
        if named >= 0.8
        else "it holds people's names or addresses"
        if whole
        else f"its columns look like those of {table.name}"
    )
    return TableGuess(table.name, look, leads, total, why, lacking)


def _lacking(
    look: Look,
    columns: dict[str, ColumnLook],
    table: Table,
    leads: dict[str, Lead],
    answers: dict[str, str],
) -> tuple[str, ...]:
    lacking = {column.name for column in table.columns if column.required} - set(leads)
    if table.name == "surveys":
        one = "score" in leads and ("instrument" in leads or _instrument_of(look, columns, leads))
        if answers or one:
            lacking.discard("instrument")
        else:
            lacking.add("score")
        if "customer_id" in leads or "answered_on" in leads:
            lacking.discard("response_id")
    if table.name == "transactions" and "customer_id" in leads and "occurred_on" in leads:
        lacking.discard("transaction_id")
    if table.name == "periods" and "from_on" in leads and columns[leads["from_on"].column].monthly:
        lacking.discard("to_on")
    if table.name == "customers" and "customer_id" in leads:
        key = columns[leads["customer_id"].column]
        if key.distinct < NEARLY_UNIQUE * key.rows * key.filled or key.filled < NEARLY_UNIQUE:
            lacking.add("customer_id")
    if table.name == "orientation" and sum(name.startswith("item_") for name in leads) < 12:
        lacking.add("item_01")
    return tuple(sorted(lacking))


def _instrument_of(look: Look, columns: dict[str, ColumnLook], leads: dict[str, Lead]) -> str:
    return instrument_of(look, columns, leads["score"].column) if "score" in leads else ""


def _lead(columns: dict[str, ColumnLook], table: Table, keys: frozenset[str]) -> dict[str, Lead]:
    words = COLUMN_WORDS.get(table.name, {})
    pairs: list[tuple[float, int, int, Lead]] = []
    for rank, column in enumerate(table.columns):
        for place, (name, shape) in enumerate(columns.items()):
            lead = _pair(column, name, shape, words.get(column.name, ""), keys, table)
            if lead is not None:
                pairs.append((-lead.alike, rank, place, lead))
    leads: dict[str, Lead] = {}
    taken: set[str] = set()
    for _, _, _, lead in sorted(pairs, key=lambda pair: pair[:3]):
        if lead.canonical not in leads and lead.column not in taken:
            leads[lead.canonical] = lead
            taken.add(lead.column)
    _by_shape(columns, table, leads, taken)
    return {column: leads[column] for column in table.column_names if column in leads}


def _pair(
    column: Column, name: str, shape: ColumnLook, synonyms: str, keys: frozenset[str], table: Table
) -> Lead | None:
    if column.name.startswith("item_"):
        alike = 1.0 if name == column.name else _numbered_item(name, column.name)
    else:
        alike = likeness(name, column.name, synonyms)
    reason = "" if name == column.name else "by its name"
    doubt = ""
    is_customer = column.name == "customer_id" and table.name != "customers"
    if is_customer and keys and len(shape.values) > 1:
        shared = len(shape.values & keys) / len(shape.values)
        if shared >= SHARED_KEYS and shape.kind in ("text", "number"):
            # Where many values are keys of customers, that tells more than any name.
            alike = max(alike, CERTAIN if len(shape.values) > FEWEST_KEYS else LEAST_ALIKE)
            reason = reason and f"{shared:.0%} of its values are keys of the customers"
        elif shared < FEW_SHARED and alike >= LEAST_ALIKE:
            doubt = f"only {shared:.0%} of its values are keys of the customers"
    if alike < LEAST_ALIKE:
        return None
    values = _translation(column, shape)
    if values is None or not _fits(column, shape, alike):
        return None
    if column.kind in ("date", "datetime") and shape.could_be_serials:
        reason = "by its name; its numbers are days as spreadsheets count them"
    if shape.kind == "empty":
        doubt = "the column is empty"
    return Lead(column.name, name, alike, reason, values, doubt)


def _numbered_item(name: str, canonical: str) -> float:
    words = plain_words(name).split()
    number = canonical.removeprefix("item_").lstrip("0")
    heads = {"item", "q", "frage", "question", "statement", "вопрос", "пункт", "soco"}
    joined = "".join(words)
    return 0.9 if any(joined in (f"{head}{number}", f"{head}0{number}") for head in heads) else 0.0


def _translation(column: Column, shape: ColumnLook) -> dict[str, str] | None:
    """Their words in ours, where the schema knows a few only; None if they cannot be translated."""
    words = [word for word, _ in shape.words]
    if column.name == "instrument":
        found = {word: instrument_named(word) for word in words}
        if not words or sum(bool(name) for name in found.values()) < 0.5 * len(words):
            return None
        return {word: name for word, name in found.items() if name and name != word}
    if column.kind == "flag" and shape.kind == "text" and len(words) == 2:
        plain = {word: plain_words(word) for word in words}
        found = {
            w: "yes" if p in LEFT_WORDS else "no" if p in STAYING_WORDS else ""
            for w, p in plain.items()
        }
        return found if set(found.values()) == {"yes", "no"} else None
    if column.allowed and shape.kind != "empty":
        allowed = {word: plain_words(word) for word in words}
        if not words or not set(allowed.values()) <= set(column.allowed):
            return None
        return {word: ours for word, ours in allowed.items() if word != ours}
    return {}


def _fits(column: Column, shape: ColumnLook, alike: float) -> bool:
    if shape.kind == "empty":
        return alike >= 0.7
    if column.kind in ("date", "datetime"):
        if shape.is_month_only and column.name in NEEDS_A_DAY:
            return False
        return shape.is_dated or (shape.could_be_serials and alike >= LEAST_ALIKE)
    if column.kind in ("money", "number"):
        return shape.kind in ("number", "flag") and shape.distinct > 0
    if column.kind == "integer":
        return shape.kind in ("number", "flag") and (shape.kind == "flag" or shape.whole_numbers)
    if column.kind == "flag":
        return shape.kind in ("flag", "text") or (shape.kind == "number" and shape.distinct <= 2)
    if shape.is_dated:
        return False
    if column.kind == "category":
        return (
            shape.kind != "number" or alike >= 0.95 if shape.distinct <= MOST_CATEGORIES else False
        )
    if column.kind == "id":
        # A few whole numbers under a name that only resembles a key's are answers or counts.
        key = shape.whole_numbers and (alike >= 0.9 or shape.distinct > FEWEST_KEYS)
        return shape.kind in ("text", "flag") or (shape.kind == "number" and key)
    return True


def _are_numbers_of(shape: ColumnLook) -> bool:
    """Whether the words are numbers such as #1001 or RE-2025-17."""
    number = re.compile(r"(?:[^\W\d_]{1,4}[-/ ]?|[#№-]+)(?:\d+[-/]?)+")
    enough = shape.distinct >= FEWEST_KEYS and shape.distinct >= FEWEST_NUMBERS * shape.rows
    return enough and all(number.fullmatch(word) for word in islice(shape.values, 500))


def _by_shape(
    columns: dict[str, ColumnLook], table: Table, leads: dict[str, Lead], taken: set[str]
) -> None:
    """What no name tells, where only one column can be meant."""
    free = {name: shape for name, shape in columns.items() if name not in taken}
    if table.name == "transactions" and "customer_id" in leads:
        dated = [n for n, shape in free.items() if shape.is_dated and not shape.is_month_only]
        money = [
            name
            for name, shape in free.items()
            if shape.kind == "number" and not shape.unique and not shape.whole_numbers
        ]
        for canonical, found, what in (("occurred_on", dated, "dates"), ("amount", money, "money")):
            if canonical not in leads and len(found) == 1:
                reason = f"the only column that can hold its {what}"
                leads[canonical] = Lead(canonical, found[0], LEAST_ALIKE, reason)
                taken.add(found[0])
    if table.name == "transactions" and "customer_id" in leads and "transaction_id" not in leads:
        # Of several, the one with words and figures in it is more likely than a time.
        keys = [n for n, s in free.items() if s.unique and s.kind in ("text", "number")]
        reason = "the only column without a value twice"
        if not keys:
            # Lines of one order bear its number.
            keys = [n for n, s in free.items() if s.kind == "text" and _are_numbers_of(s)]
            reason = "the only column that holds numbers of documents"
        if len(keys) == 1 and columns[keys[0]].rows >= FEWEST_KEYS and keys[0] not in taken:
            leads["transaction_id"] = Lead("transaction_id", keys[0], LEAST_ALIKE, reason)
            taken.add(keys[0])
    if table.name == "periods" and "from_on" in leads and "spend" not in leads:
        money = [n for n, s in free.items() if s.kind == "number" and not s.unique]
        if len(money) == 1:
            reason = "the only column that can hold money"
            leads["spend"] = Lead("spend", money[0], LEAST_ALIKE, reason)
            taken.add(money[0])
    if table.name == "surveys" and not {"invited_on", "answered_on"} & set(leads):
        dated = [name for name, shape in free.items() if shape.is_dated]
        if len(dated) == 1:
            reason = "the only column of days"
            leads["answered_on"] = Lead("answered_on", dated[0], LEAST_ALIKE, reason)
            taken.add(dated[0])
    if table.name == "customers" and "customer_id" not in leads:
        keys = [
            name
            for name, shape in free.items()
            if shape.distinct >= NEARLY_UNIQUE * shape.rows and shape.kind in ("text", "number")
        ]
        if keys and keys[0] == next(iter(columns), ""):
            leads["customer_id"] = Lead(
                "customer_id", keys[0], LEAST_ALIKE, "the first column, and hardly a value twice"
            )
            taken.add(keys[0])
