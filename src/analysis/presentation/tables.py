"""HTML tables: everything escaped, numbers to the right, readable on a phone."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

SHADES = 5


def html_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str,
    text_columns: int = 1,
    note: str = "",
    shades: Sequence[Sequence[float | None]] = (),
) -> str:
    """Give a table as HTML.

    header, rows: cell texts, already formatted, not yet escaped; what follows a line break in a
        cell (an interval) is set small beneath.
    caption: what the table shows, with the unit. note: a line beneath it.
    text_columns: how many columns from the left hold words; the others are aligned as numbers.
    shades: for each number of each row, from 0 (pale) to 1 (full), how dark its cell is, so that a
        table can be read as a map; the number itself says the same in words.
    """

    def content(text: str) -> str:
        first, _, rest = text.partition("\n")
        beneath = f'<br><span class="interval">{escape(rest)}</span>' if rest else ""
        return escape(first) + beneath

    def shade(row: int, column: int) -> str:
        value = shades[row][column - text_columns] if shades else None
        return "" if value is None else f" shade-{round(SHADES * min(max(value, 0), 1))}"

    def cell(tag: str, text: str, column: int, more: str = "") -> str:
        scope = ' scope="col"' if tag == "th" else ""
        if tag == "td" and column == 0:
            return f'<th scope="row">{content(text)}</th>'
        align = "" if column < text_columns else f' class="number{more}"'
        return f"<{tag}{scope}{align}>{content(text)}</{tag}>"

    head = "".join(cell("th", text, column) for column, text in enumerate(header))
    body = "".join(
        "<tr>"
        + "".join(
            cell("td", text, column, shade(place, column) if column >= text_columns else "")
            for column, text in enumerate(row)
        )
        + "</tr>"
        for place, row in enumerate(rows)
    )
    below = f'<p class="note">{escape(note)}</p>' if note else ""
    return (
        f'<div class="table"><table><caption>{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{below}"
    )
