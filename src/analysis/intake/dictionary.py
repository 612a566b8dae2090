"""The data dictionary, `data/README.md`, rendered from the schema: `make dictionary`."""

from __future__ import annotations

from pathlib import Path

from analysis.intake.schema import DEFAULT_SCALES, TABLES, Column, Table
from analysis.paths import PROJECT_ROOT

DICTIONARY_FILE = PROJECT_ROOT / "data" / "README.md"

INTRODUCTION = """\
# Data dictionary

*Made from `src/analysis/intake/schema.py` by `make dictionary`; change it there.*

A data set is a folder with your exports and a `dataset.yml` that says what they mean. The exports
stay as they are: `dataset.yml` leads from their columns to the tables described below. Declare
the tables you have; `customers` is needed wherever facts about customers are (anonymous surveys alone do
without), and a section of the report whose tables are missing says what it would need.

```yaml
company: Example Home
currency: EUR
covers: {from: 2023-07-01, to: 2026-06-30}   # first and last day about which the exports speak
economics: {gross_margin: 0.38, discount_rate_annual: 0.10, horizon_months: 24}
churn: {rule: contract}                      # or {rule: inactivity, days: 180}, or {rule: flag}
```

More can be said: `targets` and `competitors` (a level by figure), `key_figures` (three to five for the
first screen), `maturity` and `importance` (thresholds and weights of the scorecard), `control_totals`
(the ledger, to reconcile with), `orientation` (the key of the employees' sheets), `open_sections`
(appendices that stand open), `disclosure: "off"` (public data, internal use), `year_starts` (the month in
which the fiscal year begins), `confirmed: no` (written by `make new-dataset`: no report is built before
somebody has looked at its guesses and wrote `yes`).

Nothing is guessed. Text becomes a date or a number in the declared form only, ids stay text, and
whatever does not fit is reported with its file, column and rows, all of it at once. A key that
is misspelt is refused, and the nearest valid one is named.

## Five rules

**1. Name the files under `sources`.** A file (CSV, xlsx or Parquet), several by a pattern, or a
database table whose address stands in an environment variable. Say under `reading` how its text
is to be understood, where that differs from the rest, and under `dated` by which column the file
is cut when an earlier period is looked at.

```yaml
sources:
  surveys: surveys.csv
  crm: {file: crm.csv, reading: {encoding: cp1251, delimiter: ";", decimal: ",", dates: "%d.%m.%Y"}}
  lines: {file: "orders/*.parquet", dated: invoice_date}
  tickets: {connect: "env:HELPDESK_URL", table: tickets}
```

**2. Say under `tables` where each table comes from.** From a source, from one SELECT over the
sources, or from rows written down here. If source and table bear the same name, nothing needs
to be said.

```yaml
tables:
  customers: {source: crm}
  transactions:
    source: {sql: "SELECT invoice AS transaction_id, customer AS customer_id,
      min(invoice_date) AS occurred_on, sum(quantity * price) AS amount FROM lines GROUP BY 1, 2"}
  programmes:
    source: {rows: [{programme_id: chat, name: Live chat, starts_on: 2025-01-01}]}
```

**3. Lead from their columns to ours under `columns`.** A column of ours takes a column of theirs,
if need be with its values or date format translated; or a constant; or several columns that only
together identify a row. Columns that already bear our names need no line.

```yaml
    columns:
      customer_id: {columns: [country, number]}
      started_on: {column: signup, dates: "%d/%m/%Y"}
      segment: {column: plan, values: {B2B: business, B2C: home}}
      instrument: {value: csat}
```

**4. Name what else may matter under `covariates`, and what means “no value” under
`reading.missing`.** Covariates are columns of the customers, numbers or categories, for which
comparisons are adjusted.

```yaml
reading: {missing: ["99", "n/a"]}
tables:
  customers:
    covariates: {contract: category, age: number}
```

**5. Say who a customer is, and whether the export is a snapshot.** `unit` is the word the report
uses. An export that carries a time as a customer and a mark for those who left, instead of
dates, declares the day it was drawn and how many months back losses were recorded.

```yaml
unit: subscriber
snapshot_on: 2026-06-30
churn: {rule: flag, observation_window_months: 3}
```

## How text is read

Everything under `reading` holds for all sources; a source's own `reading` says what differs.

- `encoding` (utf-8): any encoding that Python knows; a byte order mark at the start of the file prevails.
- `delimiter` (`,`) and `quote` (`"`): one character each; a tab is `"\\t"`.
- `decimal` (`.`): `.` or `,`.
- `thousands` (none): `.`, `,` or `'` between groups of three digits. Spaces of any width may always stand
  there, and a point where the decimal is a comma.
- `negative` (`minus`): `brackets` reads (1) and `trailing` reads 1- as −1, beside a leading minus.
- `dates` (`%Y-%m-%d`, also with `%H:%M` or `%H:%M:%S`): one format or several, as in `strptime`. Each names a
  year; `%y` is 1969 to 2068, `%I` needs `%p`.
- `missing` (none): words that mean “no value”, beside the empty cell.

More about dates and money:

- **One column's own format:** `started_on: {column: signup, dates: "%d/%m/%Y"}`. `dates: excel` reads the
  serial numbers of a spreadsheet (45000 is 2023-03-15).
- **Offsets:** a format with `%z` reads `+02:00`, `+0200` and `Z`; the moment becomes local time of
  `time_zone: Europe/Berlin` (`UTC` if nothing is said), and its day is the day there.
- **“Open”:** 9999-12-31, 2999-12-31, 1900-01-01 and 1899-12-30 are no days but mean that there is none.
- **Money** bears no sign or that of `currency`. Amounts in other currencies need
  `rates: {USD: 0.92, GBP: 1.17}`, what one unit is worth; then signs beside the amounts tell them apart, or a
  column does: `amount: {column: total, currency: ccy}`. A sign that contradicts the column is an error, as is
  one that two currencies with a rate share. Money is kept to four decimals.

Files may be:

- **CSV**, read as strict CSV. Every row has as many fields as the header, blank lines are no rows.
- **xlsx**: `sheet` names the sheet, the first is read otherwise. Its first row with anything in it is the
  header. Hidden and filtered rows and columns are rows and columns like all others. Formulas count
  with the value that was saved last.
- **Parquet**, one file or many by a pattern, columns by name.
- **Database tables**, read only. The address, such as `sqlite:////data/crm.db` or
  `postgresql://user:password@host/base`, stands in an environment variable and appears nowhere else.

All lie in the data set's folder, or beneath it. Packed files (.gz, .zip) and old workbooks (.xls) are
refused: unpack them, or save them anew.

SQL is one SELECT over the sources and plain functions. What reads files, settings or the clock, or depends
on chance, is refused; so is what takes longer than a quarter of an hour.

## What is refused, mended or remarked upon

*Refused*, with file, column, number of rows and up to five examples, all problems at once:

- files that are empty, unreadable in the declared encoding, garbled or something else than their name says;
  header names that stand twice; rows with other fields than the header; unclosed quotes; NUL bytes;
  cells with errors, formulas never computed;
- columns that are missing, empty cells where a value is needed, values out of range, customers that stand
  twice; ids that a spreadsheet has turned into 1.23E+17;
- days that do not exist or are not of the declared form, facts after `covers.to`, ends before starts;
- text, infinity and scientific notation in numbers, undeclared thousands, brackets or currencies;
- scores off the declared scale; misspelt or contradictory settings.

*Mended*, counted, and listed in the report's data section: a byte order mark or UTF-16; blank lines; rows that are
equal throughout (one stays); spaces around values; letters of unusual form in ids and categories (NFKC);
words declared as missing; days that mean “open”; offsets.

*Remarked upon*, with the number of rows: rows of customers who are not in the customer table, missing or repeated
keys, ids that look alike (Cyrillic for Latin letters, characters that are not seen, capitals), refunds,
several answers of one customer (the last counts), scales that look wrong, exposure before a
programme began, customers whose time is of no length, columns that some of several files lack.

## As of a date

Every number is as of the end of the reported period. Rows dated later are gone, and what became
known later is blank: an answer not yet given, an end that lies ahead. In the tables below, *known
on* names the date from which a column speaks. Columns without a date, such as a region, stand as
they were exported, and the report says so. Planned dates may lie ahead.

## Tables
"""


def _range(column: Column) -> str:
    if column.allowed:
        return ", ".join(column.allowed)
    if column.minimum is not None and column.maximum is not None:
        return f"{column.minimum:g} to {column.maximum:g}"
    if column.minimum is not None:
        return f"from {column.minimum:g}"
    return f"up to {column.maximum:g}" if column.maximum is not None else ""


def _meaning(column: Column) -> str:
    known = f" (known on {column.known_on})" if column.known_on not in ("", column.name) else ""
    planned = " (may lie ahead)" if not column.fact else ""
    return f"{column.meaning}{known}{planned}"


def _section(table: Table) -> list[str]:
    lines = [f"### {table.name}", "", f"One row: {table.grain}.", ""]
    if table.key:
        lines.append(f"Identified by {', '.join(f'`{name}`' for name in table.key)}.")
    if table.dated:
        instead = f", or else `{table.dated_else}`" if table.dated_else else ""
        later = f", and not seen before `{table.dated_also}`" if table.dated_also else ""
        lines.append(f"Dated by `{table.dated}`{instead}{later}.")
    if table.name == "orientation":
        lines.append(
            "Statements 13 to 24 count against customer orientation, and a half may lack four answers, "
            "unless `orientation: {selling_items: [2, 4, …], scale: [1, 9], most_missing: 4}` says "
            "otherwise."
        )
    if table.name == "surveys":
        usual = "; ".join(f"{name} {low:g} to {high:g}" for name, (low, high) in _scales())
        lines.append(f"Scales unless `scales` says otherwise: {usual}.")
    lines += [
        "",
        "| column | type | unit | range | needed | meaning |",
        "|---|---|---|---|---|---|",
    ]
    for column in table.columns:
        needed = "yes" if column.required else ""
        cells = (f"`{column.name}`", column.kind, column.unit, _range(column), needed)
        lines.append(f"| {' | '.join(cells)} | {_meaning(column)} |")
    return [*lines, ""]


def _scales() -> list[tuple[str, tuple[float, float]]]:
    return list(DEFAULT_SCALES.items())


def render_dictionary() -> str:
    """The whole of `data/README.md` as text."""
    lines = [line for table in TABLES.values() for line in _section(table)]
    return INTRODUCTION + "\n" + "\n".join(lines).rstrip() + "\n"


def write_dictionary(path: Path = DICTIONARY_FILE) -> None:
    """Write the data dictionary."""
    path.write_text(render_dictionary(), encoding="utf-8")


if __name__ == "__main__":
    write_dictionary()
