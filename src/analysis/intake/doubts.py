"""Doubts about tables that can be read: what a reader should know before believing a number.

Everything is asked of the tables as of the period's end, so that an earlier report counts what
was to be seen by then. Counts only: which customers they are stays with the data.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from analysis.intake.cast import literal
from analysis.intake.notes import Note
from analysis.intake.periods import Period
from analysis.intake.schema import TABLES
from analysis.intake.settings import Settings
from analysis.intake.validation import KEYS_MAY_REPEAT

if TYPE_CHECKING:
    import duckdb

# Letters of two alphabets that look the same; upper and lower case side by side.
CYRILLIC = "АВЕЅІЈКМНОРСТУХаеѕіјорсух"
LATIN = "ABESIJKMHOPCTYXaesijopcyx"
# Soft hyphens, joiners, marks of direction: they are in the text, and nobody sees them.
UNSEEN = (
    "\u00ad\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068"
    "\u2069\ufeff"
)
# Fewer answers than these may well use a part of their scale only.
FEWEST_ANSWERS = 20
FEWEST_IN_BOTH = 30
MOST_EXAMPLES = 5


class _Tables:
    """The tables as of a day, asked one question after the other."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, tables: tuple[str, ...]) -> None:
        self._connection = connection
        self.columns = {
            name: {str(row[0]) for row in connection.execute(f"DESCRIBE as_of_{name}").fetchall()}
            for name in tables
        }

    def has(self, table: str, *columns: str) -> bool:
        return table in self.columns and set(columns) <= self.columns[table]

    def row(self, query: str) -> tuple[Any, ...]:
        found = self._connection.execute(query).fetchone()
        assert found is not None
        return found

    def count(self, query: str) -> int:
        return int(self.row(query)[0] or 0)

    def some(self, query: str) -> tuple[str, ...]:
        rows = self._connection.execute(f"{query} ORDER BY 1 LIMIT {MOST_EXAMPLES}").fetchall()
        return tuple(str(row[0]) for row in rows)


def find_doubts(
    connection: duckdb.DuckDBPyConnection,
    tables: tuple[str, ...],
    settings: Settings,
    period: Period,
) -> list[Note]:
    """Notes on the tables `as_of_<table>`: keys, money, answers, programmes."""
    asked = _Tables(connection, tables)
    notes = [note for name in tables for note in _keys(asked, name)]
    notes += _look_alikes(asked)
    notes += _programmes(asked)
    notes += _money(asked)
    notes += _answers(asked, settings, period)
    notes += _not_cut(settings)
    return notes


def folded(column: str) -> str:
    """SQL of an id as it looks: Cyrillic letters written as Latin ones, the unseen left out."""
    # What has no counterpart goes.
    return f"translate({column}, '{CYRILLIC}{UNSEEN}', '{LATIN}')"


def _keys(asked: _Tables, name: str) -> list[Note]:
    table = TABLES[name]
    notes = []
    if name != "customers" and asked.has(name, "customer_id"):
        anonymous = asked.count(f"SELECT count(*) FILTER (customer_id IS NULL) FROM as_of_{name}")
        if anonymous:
            message = "rows without a customer count only where none is needed"
            notes.append(Note("warning", message, name, "customer_id", anonymous))
        if asked.has("customers"):
            notes += _orphans(asked, name)
    if name not in KEYS_MAY_REPEAT or not asked.has(name, *table.key):
        return notes
    keys = ", ".join(table.key)
    known = " AND ".join(f"{key} IS NOT NULL" for key in table.key)
    nameless = asked.count(f"SELECT count(*) FILTER (NOT ({known})) FROM as_of_{name}")
    if nameless:
        message = "rows without an id of their own; every row counts"
        notes.append(Note("warning", message, name, keys, nameless))
    # A table that is a view has been seen to have a key of its own in every row.
    unique = asked.row(
        "SELECT count(*) FROM duckdb_views() WHERE schema_name = 'canonical' "
        f"AND view_name = '{name}'"
    )[0]
    repeated = (
        0
        if unique
        else asked.count(
            f"SELECT count(*) - count(DISTINCT ({keys})) FROM as_of_{name} WHERE {known}"
        )
    )
    if repeated:
        message = "keys that stand more than once; every row counts"
        notes.append(Note("warning", message, name, keys, repeated))
    return notes


def _orphans(asked: _Tables, name: str) -> list[Note]:
    unknown = (
        f"FROM as_of_{name} WHERE customer_id IS NOT NULL AND customer_id NOT IN "
        "(SELECT customer_id FROM as_of_customers)"
    )
    orphans = asked.count(f"SELECT count(*) {unknown}")
    if not orphans:
        return []
    shown = asked.some(f"SELECT DISTINCT customer_id {unknown}")
    message = (
        "rows of customers who are not in the customer table count only where nothing is asked of "
        "the customer"
    )
    notes = [Note("warning", message, name, "customer_id", orphans, shown)]
    alike = (
        f"{unknown} AND upper({folded('customer_id')}) IN "
        f"(SELECT upper({folded('customer_id')}) FROM as_of_customers)"
    )
    nearly = asked.count(f"SELECT count(*) {alike}")
    if nearly:
        message = (
            "of these, rows whose id is a customer's but for capitals, for Cyrillic letters that "
            "look Latin or for characters that are not seen; write the ids alike in both exports"
        )
        shown = asked.some(f"SELECT DISTINCT customer_id {alike}")
        notes.append(Note("warning", message, name, "customer_id", nearly, shown))
    return notes


def _look_alikes(asked: _Tables) -> list[Note]:
    if not asked.has("customers", "customer_id"):
        return []
    notes = []
    # Ids of plain ASCII cannot be taken for one another.
    beyond = "strlen(customer_id) <> length(customer_id)"
    twins = (
        f"FROM as_of_customers WHERE {beyond} AND {folded('customer_id')} <> customer_id AND "
        f"{folded('customer_id')} IN (SELECT customer_id FROM as_of_customers)"
    )
    count = asked.count(f"SELECT count(*) {twins}")
    if count:
        message = (
            "customers whose id looks the same as another's, with Cyrillic letters in place of Latin "
            "ones or characters that are not seen; they count as two: if they are one, write the "
            "ids alike"
        )
        shown = asked.some(f"SELECT DISTINCT customer_id {twins}")
        notes.append(Note("warning", message, "customers", "customer_id", count, shown))
    mixed = (
        f"FROM as_of_customers WHERE {beyond} AND regexp_matches(customer_id, '[A-Za-z]') "
        f"AND regexp_matches(customer_id, '[{CYRILLIC}]')"
    )
    count = asked.count(f"SELECT count(*) {mixed}")
    if count:
        message = "ids that mix Latin letters with Cyrillic ones that look Latin"
        shown = asked.some(f"SELECT DISTINCT customer_id {mixed}")
        notes.append(Note("warning", message, "customers", "customer_id", count, shown))
    return notes


def _programmes(asked: _Tables) -> list[Note]:
    notes = []
    for name in ("rollout", "exposures"):
        if not asked.has("programmes", "programme_id") or not asked.has(name, "programme_id"):
            continue
        count = asked.count(
            f"SELECT count(*) FROM as_of_{name} WHERE programme_id NOT IN "
            "(SELECT programme_id FROM as_of_programmes)"
        )
        if count:
            message = "rows of programmes that are not in the table of programmes"
            notes.append(Note("warning", message, name, "programme_id", count))
        if name == "exposures" and asked.has("programmes", "starts_on"):
            notes += _before_the_start(asked)
    if asked.has("rollout", "area") and asked.has("customers", "area"):
        count = asked.count(
            "SELECT count(*) FROM as_of_rollout WHERE area NOT IN "
            "(SELECT area FROM as_of_customers WHERE area IS NOT NULL)"
        )
        if count:
            message = "areas of a roll-out in which no customer lives; are they spelt alike?"
            notes.append(Note("warning", message, "rollout", "area", count))
    return notes


def _before_the_start(asked: _Tables) -> list[Note]:
    """Exposure that began before the programme: time that cannot have been its doing."""
    day = (
        "coalesce(exposed_on, assigned_on)"
        if asked.has("exposures", "exposed_on")
        else "assigned_on"
    )
    count = asked.count(
        f"SELECT count(*) FROM as_of_exposures JOIN as_of_programmes USING (programme_id) "
        f"WHERE {day} < starts_on"
    )
    if not count:
        return []
    message = "customers assigned or reached before the programme's first day; correct the dates"
    return [Note("warning", message, "exposures", "assigned_on", count)]


def _money(asked: _Tables) -> list[Note]:
    if not asked.has("transactions", "amount"):
        return []
    refunds = asked.count("SELECT count(*) FROM as_of_transactions WHERE amount < 0")
    if not refunds:
        return []
    message = "negative amounts are refunds on their own dates, never orders"
    return [Note("info", message, "transactions", "amount", refunds)]


def _answers(asked: _Tables, settings: Settings, period: Period) -> list[Note]:
    if not asked.has("surveys", "instrument", "score"):
        return []
    notes = []
    for instrument, (low, high) in sorted(settings.scales.items()):
        where = f"FROM as_of_surveys WHERE instrument = {literal(instrument)} AND score IS NOT NULL"
        count, least, most = asked.row(f"SELECT count(*), min(score), max(score) {where}")
        if low == 0 and high == 10 and count >= FEWEST_ANSWERS and least >= 1 and most <= 5:
            message = (
                f"{instrument} is declared from 0 to 10 and holds only {least:g} to {most:g}: if it "
                f"was asked from 1 to 5, declare tables.surveys.scales.{instrument}: [1, 5]"
            )
            notes.append(Note("warning", message, "surveys", "score", int(count)))
    if asked.has("surveys", "customer_id"):
        notes += _effort_against_satisfaction(asked)
        notes += _several_answers(asked, period)
    return notes


def _effort_against_satisfaction(asked: _Tables) -> list[Note]:
    means = (
        "SELECT customer_id, avg(score) AS mean FROM as_of_surveys WHERE instrument = '{}' "
        "AND score IS NOT NULL AND customer_id IS NOT NULL GROUP BY 1"
    )
    correlation, customers = asked.row(
        f"SELECT corr(e.mean, s.mean), count(*) FROM ({means.format('ces')}) e "
        f"JOIN ({means.format('csat')}) s USING (customer_id)"
    )
    if customers < FEWEST_IN_BOTH or correlation is None:
        return []
    # Two standard errors: further against than chance would take it.
    if not correlation < -2 / customers**0.5:
        return []
    message = (
        f"ces runs against csat (correlation {correlation:.1f}): where a low ces is good, turn it "
        "with score: {column: …, values: {1: 7, 2: 6, …}}"
    )
    return [Note("warning", message, "surveys", "score", int(customers))]


def _several_answers(asked: _Tables, period: Period) -> list[Note]:
    if not asked.has("surveys", "answered_on"):
        return []
    kind = "instrument, attribute" if asked.has("surveys", "attribute") else "instrument"
    earlier = asked.count(
        f"SELECT sum(answers - 1) FROM (SELECT count(*) AS answers FROM as_of_surveys "
        "WHERE customer_id IS NOT NULL AND score IS NOT NULL AND answered_on BETWEEN "
        f"DATE '{period.first_day}' AND DATE '{period.last_day}' "
        f"GROUP BY customer_id, {kind})"
    )
    if not earlier:
        return []
    message = (
        "answers that a later one of the same customer follows in this period: of several, the last "
        "counts"
    )
    return [Note("info", message, "surveys", "score", earlier)]


def _not_cut(settings: Settings) -> list[Note]:
    """Tables added up by SQL from sources that no date cuts: sums hold later rows as well."""
    if settings.covers is None:
        return []
    undated = [name for name, source in settings.sources.items() if not source.dated]
    notes = []
    for name, table in settings.tables.items():
        words = {word.strip('"').lower() for word in _words(table.sql)}
        read = [source for source in undated if source.lower() in words]
        if read:
            message = (
                f"made by SQL from {', '.join(read)}, which no day cuts: what is added "
                "up there is as exported; declare `dated` under the source"
            )
            notes.append(Note("info", message, name))
    return notes


def _words(sql: str) -> list[str]:
    return re.findall(r'"[^"]+"|\w+', sql)
