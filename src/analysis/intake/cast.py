"""What turning text into a value comes to: the SQL, and what to say where it fails."""

from __future__ import annotations

from dataclasses import dataclass, field

SQL_TYPES = {
    "id": "VARCHAR", "text": "VARCHAR", "category": "VARCHAR", "date": "DATE",
    "datetime": "TIMESTAMP", "money": "DECIMAL(18,4)", "number": "DOUBLE", "integer": "BIGINT",
    "flag": "BOOLEAN",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cast:
    """How text becomes a canonical value.

    sql: the value as SQL, NULL where it cannot be read. advice: what to say then; empty where
    nothing can fail. reasons: pairs of a condition on the text and a closer advice, tried in turn.
    sentinel: SQL of whether a date stands for “open”. offset: SQL of whether a moment came with
    an offset that was converted. plain: SQL of a typed value that will do where `unusual` holds in
    no row.
    """

    sql: str
    advice: str = ""
    reasons: tuple[tuple[str, str], ...] = field(default=())
    sentinel: str = ""
    offset: str = ""
    plain: str = ""
    unusual: str = ""


def literal(text: str) -> str:
    """An SQL literal, whatever characters it holds."""
    return "'" + text.replace("'", "''") + "'"


def literals(words: tuple[str, ...]) -> str:
    """SQL literals with commas between them."""
    return ", ".join(literal(word) for word in words)
