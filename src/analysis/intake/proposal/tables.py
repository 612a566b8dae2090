"""One canonical table as it will be declared, each line with what it rests on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from analysis.intake.proposal.matching import Lead, Shapes, TableGuess
from analysis.intake.proposal.reading_form import ReadingForm
from analysis.intake.proposal.remarks import (
    arms,
    lost_orders,
    money_beside,
    numbers_apart,
    one_row_a_month,
)
from analysis.intake.proposal.sql_text import (
    as_source,
    first_days_of_customers,
    lines_added_up,
    months_as_periods,
    rows_kept,
    with_credit_notes,
)
from analysis.intake.proposal.values import ColumnLook
from analysis.intake.proposal.vocabulary import likeness, plain_words
from analysis.intake.reading import quoted
from analysis.intake.schema import TABLES
from analysis.intake.settings import TAKEN_NAMES

QUANTITY = (
    "qty; pieces; units; menge; anzahl; stueck; количество; кол во; quantite; cantidad; ilosc"
)
MOST_COVARIATES = 6
MOST_GROUPS_OF_A_COVARIATE = 20
FULL = 0.98
TABLES_BY_COLUMN = {c.name: c.kind for table in TABLES.values() for c in table.columns}


@dataclass(frozen=True, slots=True)
class Guess:
    """A value of `dataset.yml` with its reason; `undecided` says what else it may be."""

    value: object
    reason: str
    undecided: str = ""


@dataclass(frozen=True, slots=True)
class ProposedTable:
    """A canonical table as it will be declared.

    columns: by canonical name. sql: where it comes from a SELECT; dated: then the
    column by which each source is cut when an earlier period is looked at. aside: raw columns that lead
    nowhere. remarks: further comments.
    """

    name: str
    source: str
    reason: str
    columns: dict[str, Guess] = field(default_factory=dict)
    covariates: dict[str, Guess] = field(default_factory=dict)
    more_covariates: tuple[str, ...] = ()
    scales: dict[str, Guess] = field(default_factory=dict)
    sql: str = ""
    no_answer: Guess | None = None
    dated: dict[str, str] = field(default_factory=dict)
    aside: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def _column_guess(lead: Lead, form: ReadingForm, shape: ColumnLook) -> Guess | None:
    """What is written for a column; None where it bears our name and needs no line."""
    value: object = lead.column
    details: dict[str, object] = {}
    if lead.values:
        details["values"] = lead.values
    if lead.column in form.own_dates:
        details["dates"] = form.own_dates[lead.column]
    dated = TABLES_BY_COLUMN.get(lead.canonical) in ("date", "datetime")
    if dated and shape.could_be_serials:
        details["dates"] = "excel"
    if details:
        value = {"column": lead.column, **details}
    undecided = lead.doubt or form.undecided.get(lead.column, "")
    if lead.column == lead.canonical and not details and not undecided:
        return None
    words = " and by the words in it" if lead.values else ""
    return Guess(value, (lead.reason or "by its name") + words, undecided)


def declare_table(
    guess: TableGuess, shapes: Shapes, forms: dict[str, ReadingForm], common: ReadingForm
) -> ProposedTable:
    """How a raw table is declared as a canonical one."""
    form, columns = forms[guess.look.name], shapes[guess.look.name]
    declared = {
        name: made
        for name, lead in guess.leads.items()
        if (made := _column_guess(lead, form, columns[lead.column])) is not None
    }
    led = {lead.column for lead in guess.leads.values()}
    aside = [name for name in columns if name not in led]
    remarks: list[str] = list(guess.look.remarks)
    covariates: dict[str, Guess] = {}
    more: list[str] = []
    if guess.table == "customers":
        found = {name: made for name in aside if (made := _covariate(columns[name])) is not None}
        for name, made in found.items():
            if len(covariates) < MOST_COVARIATES and name not in TAKEN_NAMES:
                covariates[name] = made
            else:
                more.append(name)
        aside = [name for name in aside if name not in found]
        if "tenure" in guess.leads and "tenure_unit" not in guess.leads:
            declared["tenure_unit"] = _tenure_unit(guess.leads["tenure"], columns)
    if guess.table == "transactions":
        guess = _with_one_line_an_order(guess, columns)
        remarks = list(guess.look.remarks)
    sql = rows_kept(guess.look) if guess.look.kept else ""
    dated: dict[str, str] = {}
    if guess.table == "transactions":
        remarks += _order_remarks(guess, columns, declared, form)
        remarks += lost_orders(guess, columns)
        remarks += money_beside(
            columns, {lead.column for lead in guess.leads.values()}, amount_of(guess)
        )
    if guess.table == "periods" and "to_on" not in guess.leads:
        remarks += one_row_a_month(guess)
        month = guess.leads["from_on"].column
        sql = months_as_periods(guess, columns, form)
        declared["from_on"] = Guess("month_begins", f"the first day of {month}")
        declared["to_on"] = Guess("month_ends", f"the last day of {month}: no column has the end")
    if sql:
        dated = dated_by(guess, columns, form)
        declared |= _read_alike(declared, guess, columns, form, common)
        remarks += numbers_apart(guess, columns, form, common)
    if guess.table == "customers":
        remarks += arms(guess, columns)
        key = columns[guess.leads["customer_id"].column]
        if not key.unique:
            remarks.append(
                f"{key.name} does not tell all rows apart: each customer is to stand once"
            )
    return ProposedTable(
        guess.table, "" if sql else guess.look.name, guess.reason, declared, covariates, tuple(more), {},
        sql=sql, dated=dated, aside=tuple(aside), remarks=tuple(remarks),
    )  # fmt: skip


def _read_alike(
    declared: dict[str, Guess],
    guess: TableGuess,
    columns: dict[str, ColumnLook],
    form: ReadingForm,
    common: ReadingForm,
) -> dict[str, Guess]:
    """What a SELECT gives is read as the data set says, not as its source: days say theirs."""
    own: dict[str, Guess] = {}
    for name, lead in guess.leads.items():
        dates = columns[lead.column].dates
        said = declared.get(name, Guess(lead.column, "by its name"))
        if dates is None or dates.format in common.dates or said.value != lead.column:
            continue
        value = {"column": lead.column, "dates": form.own_dates.get(lead.column, dates.format)}
        own[name] = Guess(value, said.reason, said.undecided)
    return own


def amount_of(guess: TableGuess) -> str:
    """The raw column that leads to the amount of an order."""
    return guess.leads["amount"].column


def _stands_once_an_order(key: ColumnLook, amount: ColumnLook) -> bool:
    """Whether of the lines of an order only one bears the amount."""
    lines = amount.filled * amount.rows
    return amount.filled < FULL and FULL * lines <= key.distinct <= lines / FULL


def _with_one_line_an_order(guess: TableGuess, columns: dict[str, ColumnLook]) -> TableGuess:
    """Order lines of which the first alone has the total, cut down to these."""
    if "transaction_id" not in guess.leads:
        return guess
    key = columns[guess.leads["transaction_id"].column]
    amount = columns[guess.leads["amount"].column]
    if key.unique or not _stands_once_an_order(key, amount):
        return guess
    condition = f"{quoted(amount.name)} IS NOT NULL"
    said = (
        f"guess: {key.name} stands more than once, {amount.name} in one line of each order only, "
        "which is taken; confirm"
    )
    kept = f"{guess.look.kept} AND {condition}" if guess.look.kept else condition
    look = replace(guess.look, kept=kept, remarks=(*guess.look.remarks, said))
    return replace(guess, look=look)


def _covariate(shape: ColumnLook) -> Guess | None:
    if (
        shape.kind == "number"
        and shape.distinct > 10
        and not (shape.unique and shape.whole_numbers)
    ):
        return Guess("number", f"numbers from {shape.low:g} to {shape.high:g}")
    few = 2 <= shape.distinct <= MOST_GROUPS_OF_A_COVARIATE
    if shape.kind in ("text", "flag", "number") and few:
        return Guess("category", f"{shape.distinct} different values")
    return None


def _tenure_unit(lead: Lead, columns: dict[str, ColumnLook]) -> Guess:
    words = plain_words(lead.column).split()
    for unit, known in {
        "days": ("day", "days", "tage", "дней", "дни"),
        "weeks": ("week", "weeks", "wochen", "недель"),
        "months": ("month", "months", "monate", "месяцев", "мес"),
        "years": ("year", "years", "jahre", "лет", "годы"),
    }.items():
        if any(word in known for word in words):
            return Guess({"value": unit}, "by the column's name")
    high = columns[lead.column].high
    unit = "months" if high <= 240 else "days"
    return Guess({"value": unit}, f"the longest is {high:g}", "days, weeks, months or years")


def _order_remarks(
    guess: TableGuess,
    columns: dict[str, ColumnLook],
    declared: dict[str, Guess],
    form: ReadingForm,
) -> list[str]:
    leads = guess.leads
    if "transaction_id" not in leads:
        parts = [
            leads[name].column for name in ("customer_id", "occurred_on", "amount") if name in leads
        ]
        rows = list(zip(*(guess.look.columns[part] for part in parts), strict=True))
        twice = len(rows) - len(set(rows))
        doubt = f"{twice:,} rows are alike in all of them, and would count once" if twice else ""
        reason = "no column identifies an order" + ("" if twice else "; these do together")
        declared["transaction_id"] = Guess({"columns": parts}, reason, doubt)
        return []
    amount = leads["amount"].column
    pieces = next((name for name in columns if likeness(name, "quantity", QUANTITY) >= 0.95), "")
    if pieces:
        doubt = f"with {pieces} beside it, it may be the price of one piece"
        declared["amount"] = Guess(amount, leads["amount"].reason or "by its name", doubt)
    key = columns[leads["transaction_id"].column]
    if key.unique or key.distinct >= 0.99 * key.rows:
        return []
    said = (
        f"{key.name} stands more than once ({key.rows:,} rows, {key.distinct:,} different): order "
        "lines, each of which counts as an order"
    )
    if _stands_once_an_order(key, columns[amount]):
        return []
    return [
        f"{said}. To add them up write:",
        *as_source(lines_added_up(guess, columns, form, pieces)),
    ]


def customers_from(
    guess: TableGuess, day: str, shapes: Shapes, forms: dict[str, ReadingForm]
) -> ProposedTable:
    """Customers as another table names them. day: its canonical column that dates its rows."""
    form = forms[guess.look.name]
    sql = first_days_of_customers(guess, day, shapes[guess.look.name], form)
    first = "order" if day == "occurred_on" else "period"
    reason = f"no file lists customers: those of {guess.look.place}, since their first {first}"
    dated = dated_by(guess, shapes[guess.look.name], form)
    return ProposedTable("customers", "", reason, sql=sql, dated=dated)


def with_credits(
    table: ProposedTable,
    sold: TableGuess,
    credited: TableGuess,
    shapes: Shapes,
    forms: dict[str, ReadingForm],
) -> ProposedTable:
    """Orders together with a file of credit notes, whose amounts are taken off."""
    sql = with_credit_notes(sold, credited, shapes, forms)
    lead = credited.leads["amount"]
    below = shapes[credited.look.name][lead.column].low < 0
    sign = (
        "as they are below zero there" if below else "with the sign turned, as none is below zero"
    )
    remarks = [
        *table.remarks,
        f"the amounts of {credited.look.place} count as refunds, {sign}",
    ]
    dated = table.dated | dated_by(credited, shapes[credited.look.name], forms[credited.look.name])
    dated |= dated_by(sold, shapes[sold.look.name], forms[sold.look.name])
    kept = {n: g for n, g in table.columns.items() if n == "transaction_id" and n not in sold.leads}
    return replace(
        table, source="", sql=sql, columns=kept, dated=dated, remarks=tuple(remarks),
        reason=f"{sold.look.place}, and under it {credited.look.place}, which looks like credit notes",
    )  # fmt: skip


def dated_by(
    guess: TableGuess, columns: dict[str, ColumnLook], form: ReadingForm
) -> dict[str, str]:
    """The column that dates a source's rows, where all its days are written alike."""
    for name in ("occurred_on", "invited_on", "answered_on", "to_on", "from_on"):
        if name not in guess.leads:
            continue
        column = guess.leads[name].column
        plain = column not in form.own_dates and not columns[column].could_be_serials
        # A second header or a total may stand where the day is wanted.
        if plain and quoted(column) not in guess.look.kept:
            return {guess.look.name: column}
    return {}
