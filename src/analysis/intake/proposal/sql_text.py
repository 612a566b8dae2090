"""SELECTs that are proposed where a file is no table of ours as it is: months, lines, credit notes."""

from __future__ import annotations

from analysis.intake.proposal.looking import Look
from analysis.intake.proposal.matching import Lead, TableGuess
from analysis.intake.proposal.reading_form import ReadingForm
from analysis.intake.proposal.values import ColumnLook
from analysis.intake.reading import quoted

Columns = dict[str, ColumnLook]
# The day that spreadsheets count from.
SERIALS_BEGIN = "DATE '1899-12-30'"


def as_source(sql: str) -> list[str]:
    """A SELECT as it stands under a table in `dataset.yml`, line by line."""
    return ["  source:", "    sql: |", *(f"      {line}" for line in sql.split("\n"))]


def literal(text: str) -> str:
    """A text between single quotes."""
    return "'" + text.replace("'", "''") + "'"


def day_sql(column: str, look: Look, shape: ColumnLook, form: ReadingForm) -> str:
    """An expression for the day in a column, however it is written."""
    name = quoted(column)
    if shape.could_be_serials:
        return f"{SERIALS_BEGIN} + CAST(floor(CAST({name} AS DOUBLE)) AS INTEGER)"
    if column in look.typed:
        return f"CAST({name} AS DATE)"
    written = form.own_dates.get(column, "")
    if shape.dates is not None and not shape.dates.undecided:
        written = shape.dates.format
    formats = [written] if written else list(form.dates)
    listed = ", ".join(literal(text) for text in formats)
    return f"CAST(try_strptime({name}, [{listed}]) AS DATE)"


def money_sql(column: str, form: ReadingForm, shape: ColumnLook) -> str:
    """An expression for an amount: signs of money and spaces taken out, the comma made a point."""
    numbers = shape.numbers
    mark = form.decimal or "."
    if numbers is None or (
        mark == "."
        and form.negative == "minus"
        and not numbers.thousands
        and not numbers.currencies
    ):
        return f"CAST({quoted(column)} AS DECIMAL(18,4))"
    text = f"CAST({quoted(column)} AS VARCHAR)"
    digits = f"regexp_replace({text}, '[^0-9{mark}-]', '', 'g')"
    if mark == ",":
        digits = f"replace({digits}, ',', '.')"
    number = f"CAST({digits} AS DECIMAL(18,4))"
    if form.negative == "trailing":
        plain = f"CAST(replace({digits}, '-', '') AS DECIMAL(18,4))"
        return f"CASE WHEN {text} LIKE '%-%' THEN -{plain} ELSE {plain} END"
    if form.negative == "brackets":
        return f"CASE WHEN {text} LIKE '%(%' THEN -{number} ELSE {number} END"
    return number


def rows_kept(look: Look) -> str:
    """A source without its totals and second headers."""
    return f"SELECT * FROM {look.name}\nWHERE {look.kept}"


def months_as_periods(guess: TableGuess, columns: Columns, form: ReadingForm) -> str:
    """Bills that name their month only: its first and last day."""
    month = day_sql(
        guess.leads["from_on"].column, guess.look, columns[guess.leads["from_on"].column], form
    )
    where = f"\nWHERE {guess.look.kept}" if guess.look.kept else ""
    return (
        f"SELECT *, {month} AS month_begins,\n"
        f"  last_day({month}) AS month_ends\n"
        f"FROM {guess.look.name}{where}"
    )


def lines_added_up(guess: TableGuess, columns: Columns, form: ReadingForm, pieces: str) -> str:
    """Order lines added up to orders."""
    leads = guess.leads
    names = {name: quoted(lead.column) for name, lead in leads.items()}
    money = money_sql(leads["amount"].column, form, columns[leads["amount"].column])
    if pieces:
        money = f"CAST({quoted(pieces)} AS DECIMAL(18,4)) * {money}"
    where = f" WHERE {guess.look.kept}" if guess.look.kept else ""
    return (
        f"SELECT {names['transaction_id']} AS transaction_id, {names['customer_id']} AS "
        f"customer_id, {names['occurred_on']} AS occurred_on,\n  sum({money}) AS amount\n"
        f"FROM {guess.look.name}{where} GROUP BY 1, 2, 3"
    )


def with_credit_notes(
    sold: TableGuess,
    credited: TableGuess,
    shapes: dict[str, Columns],
    forms: dict[str, ReadingForm],
) -> str:
    """Sales and credit notes under one another, the latter below zero."""
    wanted = [name for name in sold.leads if name != "transaction_id"]
    return "\nUNION ALL\n".join(
        _signed(guess, wanted, shapes[guess.look.name], forms[guess.look.name], credit)
        for guess, credit in ((sold, False), (credited, True))
    )


def _signed(
    guess: TableGuess, wanted: list[str], columns: Columns, form: ReadingForm, credit: bool
) -> str:
    leads = guess.leads
    key = f"CAST({quoted(leads['transaction_id'].column)} AS VARCHAR)"
    # An invoice and a credit note may bear one number.
    fields = [f"{literal('credit note ') + ' || ' if credit else ''}{key} AS transaction_id"]
    for name in wanted:
        lead = leads.get(name)
        fields.append(f"{_field(name, lead, guess.look, columns, form, credit)} AS {name}")
    where = f"\nWHERE {guess.look.kept}" if guess.look.kept else ""
    return f"SELECT {', '.join(fields)}\nFROM {guess.look.name}{where}"


def _field(
    name: str, lead: Lead | None, look: Look, columns: Columns, form: ReadingForm, credit: bool
) -> str:
    if lead is None:
        return "NULL"
    if name.endswith("_on"):
        return day_sql(lead.column, look, columns[lead.column], form)
    if name in ("amount", "margin", "discount", "list_price"):
        money = money_sql(lead.column, form, columns[lead.column])
        below = columns[lead.column].low < 0
        return f"-({money})" if credit and name in ("amount", "margin") and not below else money
    return f"CAST({quoted(lead.column)} AS VARCHAR)"


def first_days_of_customers(
    guess: TableGuess, day: str, columns: Columns, form: ReadingForm
) -> str:
    """Customers, each since the first row that names them. day: the canonical column of the day."""
    customer = quoted(guess.leads["customer_id"].column)
    lead = guess.leads[day]
    written = day_sql(lead.column, guess.look, columns[lead.column], form)
    kept = f" AND {guess.look.kept}" if guess.look.kept else ""
    return (
        f"SELECT {customer} AS customer_id, min({written}) AS started_on\n"
        f"FROM {guess.look.name} WHERE {customer} IS NOT NULL{kept} GROUP BY 1"
    )
