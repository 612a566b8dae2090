"""Places in the page that survive a rebuild, and numbers that lead to the cell that made them.

A place is named after what it is: the notebook's file, the cell's id, the words of a heading or a
caption. Nothing is counted through the page, so that what is added elsewhere moves no link.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from html import escape
from typing import Any

LONGEST_SLUG = 60
# A number as it is written for readers: sign, currency, digits, per cent or a short scale; what
# belongs to a word or a date (2026Q2, 2026-06-30) is none.
_NUMBER = (
    r"(?<![\w#&/-])(?<!\d[.,:])[+−-]?\u2060?[€$£¥₽₴₸₹]?\d+(?:,\d{3})*(?:\.\d+)?(?:%|bn|[km])?"
    r"(?![\w/]|[-.,:]\d)"
)
_NUMBER_WITH_INTERVAL = re.compile(rf"{_NUMBER}(?: \({_NUMBER} to {_NUMBER}\)| to {_NUMBER})?")
_MARKUP = re.compile(r"(<[^>]*>|&[#\w]+;)")
_KEPT_AS_THEY_ARE = ("a", "table", "pre", "code", "h1", "h2", "h3", "h4", "h5", "h6", "summary")


def slug_of(text: str) -> str:
    """Words as part of a place's name: small letters of any script, no digits, with hyphens.

    Digits are left out because a number in a caption changes with the data. Empty where the text
    holds no letter.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"[\W\d_]+", "-", plain).strip("-")[:LONGEST_SLUG].strip("-")


def section_id(stem: str) -> str:
    """The place of a notebook's section, from the notebook's file name."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", stem)


def cell_name(cell: dict[str, Any]) -> str:
    """The name of a cell within its notebook: its id.

    A cell without id (old notebooks) is named by a digest of its source.
    """
    name = re.sub(r"[^A-Za-z0-9-]+", "-", str(cell.get("id", ""))).strip("-")
    if name:
        return name
    source = cell["source"]
    text = "".join(source) if isinstance(source, list) else str(source)
    return f"cell-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def place_of(entry: dict[str, Any]) -> str:
    """The place of the code that handed over a finding or metric; empty where that is not known.

    entry: with the keys `section` and `cell`.
    """
    section, cell = str(entry.get("section", "")), str(entry.get("cell", ""))
    return f"{section}--{cell}" if section and cell else ""


class Names:
    """Names given within one cell or document: the second of the same kind gets a 2."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.given: dict[str, int] = {}

    def name(self, text: str, kind: str) -> str:
        """A name from the words of a text; `kind` where the text holds none."""
        base = f"{self.prefix}--{slug_of(text) or kind}"
        self.given[base] = self.given.get(base, 0) + 1
        return base if self.given[base] == 1 else f"{base}-{self.given[base]}"


def link_numbers(html: str, place: str) -> str:
    """HTML in which every number of a sentence leads to `place`.

    html: safe HTML of ours, with tags closed. A number and its interval are one link. Numbers in
    tables, headings, code and links are left as they are. An empty `place` links nothing.
    """
    if not place:
        return html
    target = escape(place, quote=True)
    pieces, depth = _MARKUP.split(html), 0
    for at, piece in enumerate(pieces):
        if at % 2:
            tag = re.match(r"<(/?)(\w+)", piece)
            if tag and tag.group(2) in _KEPT_AS_THEY_ARE:
                depth += -1 if tag.group(1) else 1
        elif depth == 0 and piece:
            pieces[at] = _NUMBER_WITH_INTERVAL.sub(
                lambda number: f'<a class="from" href="#{target}">{number.group()}</a>', piece
            )
    return "".join(pieces)


def link_numbers_of_text(text: str, place: str) -> str:
    """The same for a text that is not yet HTML."""
    return link_numbers(escape(text), place)
