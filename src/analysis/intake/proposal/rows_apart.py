"""Lines of an export that are no rows: a title above the header, a second header, totals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from analysis.intake.proposal.looking import Look
from analysis.intake.proposal.values import is_number_or_day
from analysis.intake.proposal.vocabulary import plain_words
from analysis.intake.reading import quoted

_TOTALS = {
    "total", "totals", "grand total", "subtotal", "sum", "summe", "gesamt", "gesamtsumme", "endsumme",
    "zwischensumme", "insgesamt", "итого", "всего", "итог", "общий итог", "подитог", "somme", "total general",
    "sous total", "suma", "razem", "ogolem", "totale", "totaal", "summa", "celkem", "разом", "усього",
}  # fmt: skip
TOTALS = frozenset(plain_words(word) for word in _TOTALS)
# A total seldom stands alone in more of them.
MOST_TOTALS = 0.2
LONGEST_TOTAL = 30
MOST_SECOND_HEADERS = 2
ROWS_WEIGHED = 200
NEARLY_ALWAYS = 0.9
MOST_TITLE_LINES = 30


def header_position(rows: Sequence[Sequence[str | None]]) -> int:
    """How many of the first rows stand above the header: titles, which fill few of the columns."""
    filled = [sum(bool(cell and cell.strip()) for cell in row) for row in rows]
    widths = Counter(number for number in filled if number > 1)
    if not widths:
        return 0
    usual = max(widths, key=lambda number: (widths[number], number))
    enough = max(2, 0.8 * usual)
    for position, number in enumerate(filled[: MOST_TITLE_LINES + 1]):
        if number >= enough:
            names = [cell.strip() for cell in rows[position] if cell and cell.strip()]
            above = filled[:position]
            is_header = not any(is_number_or_day(name) for name in names)
            return position if is_header and all(n < 0.6 * usual for n in above) else 0
    return 0


def without_other_lines(look: Look) -> Look:
    """A look without totals and second headers; `kept` is then the SQL condition of its rows."""
    return _without_totals(_without_second_header(look))


def _without_second_header(look: Look) -> Look:
    names = list(look.columns)
    known = {
        name
        for name in names
        if _is_numbers_or_days(look.columns[name][MOST_SECOND_HEADERS:ROWS_WEIGHED])
    }
    dropped: list[int] = []
    conditions: list[str] = []
    for position in range(min(MOST_SECOND_HEADERS, look.rows - MOST_SECOND_HEADERS)):
        cells = {name: look.columns[name][position] for name in known}
        words = {name: cell for name, cell in cells.items() if cell}
        if len(words) < 2 or any(is_number_or_day(cell) for cell in words.values()):
            continue
        name, word = next((name, word) for name in names if name in words and (word := words[name]))
        dropped.append(position)
        conditions.append(_unlike(name, [word]))
    if not dropped:
        return look
    lines = "its first line is a second header" if len(dropped) == 1 else (
        f"its first {len(dropped)} lines are further headers"
    )  # fmt: skip
    return _left_out(look, dropped, conditions, lines)


def _is_numbers_or_days(cells: list[str | None]) -> bool:
    given = [cell for cell in cells if cell]
    fitting = sum(is_number_or_day(cell) for cell in given)
    return bool(given) and fitting >= NEARLY_ALWAYS * len(given)


def _without_totals(look: Look) -> Look:
    full = [
        name
        for name, cells in look.columns.items()
        if sum(cell is not None for cell in cells) >= NEARLY_ALWAYS * len(cells)
    ]
    # A category may be called so; a total lacks what every row has.
    lacking = sorted(
        {
            position
            for name in full
            for position, cell in enumerate(look.columns[name])
            if cell is None
        }
    )
    found: dict[str, set[str]] = {}
    dropped: list[int] = []
    for position in lacking:
        for name, cells in look.columns.items():
            cell = cells[position]
            if cell is not None and len(cell) <= LONGEST_TOTAL and _is_total(cell):
                found.setdefault(name, set()).add(cell)
                dropped.append(position)
    dropped = sorted(set(dropped))
    if not dropped or len(dropped) > max(1, MOST_TOTALS * look.rows):
        return look
    conditions = [_unlike(name, sorted(words)) for name, words in found.items()]
    words = ", ".join(sorted({word for words in found.values() for word in words}))
    number = "1 line is a total" if len(dropped) == 1 else f"{len(dropped)} lines are totals"
    return _left_out(look, dropped, conditions, f"{number} ({words}), not a row")


def _is_total(cell: str) -> bool:
    words = plain_words(cell)
    return words in TOTALS or bool(re.fullmatch(r"(итого|total|summe|всего|razem) .{1,12}", words))


def _unlike(column: str, words: list[str]) -> str:
    texts = ", ".join("'" + word.replace("'", "''") + "'" for word in words)
    return f"coalesce(CAST({quoted(column)} AS VARCHAR), '') NOT IN ({texts})"


def _left_out(look: Look, positions: list[int], conditions: list[str], what: str) -> Look:
    out = set(positions)
    columns = {
        name: [cell for position, cell in enumerate(cells) if position not in out]
        for name, cells in look.columns.items()
    }
    kept = " AND ".join([look.kept] * bool(look.kept) + conditions)
    return replace(look, columns=columns, kept=kept, remarks=(*look.remarks, what))
