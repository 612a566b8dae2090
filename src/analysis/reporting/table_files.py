"""Every table of the page as a CSV file that is carried by the page itself.

Readers' numbers become a spreadsheet's: "€1.24m (€1.1m to €1.4m)" is three columns of plain
numbers with the unit in the header. Text that a spreadsheet would run is neutralised.
"""

from __future__ import annotations

import base64
import csv
import io
import re
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

from analysis.presentation.lists import neutralised
from analysis.presentation.wording import MINUS, NO_VALUE, message
from analysis.reporting.anchors import Names

WORD_JOINER = "\u2060"
SCALES = {"": 0, "k": 3, "m": 6, "bn": 9}
CURRENCY_CODES = {
    "€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₽": "RUB", "₴": "UAH", "₸": "KZT", "₹": "INR",
}  # fmt: skip
_AMOUNT = (
    r"(?P<sign{0}>[+−-]?)(?P<unit{0}>[A-Z]{{3}}|[€$£¥₽₴₸₹]|)\s?"
    r"(?P<digits{0}>\d[\d,]*(?:\.\d+)?)(?P<scale{0}>bn|[km]|)(?P<share{0}>%|)"
)
_CELL = re.compile(rf"{_AMOUNT.format(0)}(?:\s*\(?{_AMOUNT.format(1)} to {_AMOUNT.format(2)}\)?)?")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: its text, whether it stands in a column of numbers, whether it heads something."""

    text: str
    is_number: bool
    is_head: bool


@dataclass(frozen=True, slots=True)
class Amount:
    """A number out of a cell as text with a decimal point, with its limits and unit."""

    value: str
    lower: str
    upper: str
    unit: str


@dataclass
class TableReader(HTMLParser):
    """Tables of ours taken apart. rows: those of the header first. caption: as written."""

    rows: list[list[Cell]] = field(default_factory=list)
    caption: str = ""
    pieces: list[str] = field(default_factory=list)
    kind: str = ""
    is_number: bool = False

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("th", "td", "caption"):
            self.kind, self.pieces = tag, []
            self.is_number = "number" in (dict(attrs).get("class") or "").split()
        elif tag == "br":
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag != self.kind or not tag:
            return
        text = "".join(self.pieces).replace(WORD_JOINER, "")
        if tag == "caption":
            self.caption = " ".join(text.split())
        elif self.rows:
            self.rows[-1].append(Cell(text.strip(), self.is_number, tag == "th"))
        self.kind, self.pieces = "", []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


def read_table(html: str) -> TableReader:
    """Take one table apart."""
    reader = TableReader()
    reader.feed(html)
    reader.close()
    return reader


def _plain(match: re.Match[str], place: int) -> str:
    digits = match.group(f"digits{place}").replace(",", "")
    power = SCALES[match.group(f"scale{place}")]
    if power:
        whole, _, decimals = digits.partition(".")
        digits = whole + decimals[:power].ljust(power, "0")
        digits += f".{decimals[power:]}" if decimals[power:] else ""
    return ("-" if match.group(f"sign{place}") in (MINUS, "-") else "") + digits


def read_amount(text: str) -> Amount | None:
    """A cell's number with its limits, in plain digits; None where the cell is not just that."""
    match = _CELL.fullmatch(text.strip())
    if not match:
        return None
    unit = CURRENCY_CODES.get(match.group("unit0"), match.group("unit0"))
    if match.group("share0"):
        unit = "%"
    limits = ("", "")
    if match.group("digits1") is not None:
        limits = (_plain(match, 1), _plain(match, 2))
    return Amount(_plain(match, 0), *limits, unit)


def _text(text: str) -> str:
    """A text for a spreadsheet: on one line, never a formula."""
    return str(neutralised(" · ".join(part.strip() for part in text.split("\n") if part.strip())))


def _columns(head: str, cells: list[Cell]) -> list[tuple[str, list[str]]]:
    """One column of the page as columns of the file: value, limits, and the unit if it varies."""
    amounts = [read_amount(cell.text) if cell.is_number else None for cell in cells]
    found = [amount for amount in amounts if amount]
    if not found:
        return [(head, ["" if c.text == NO_VALUE else _text(c.text) for c in cells])]
    units = {amount.unit for amount in found}
    (unit,) = units if len(units) == 1 else ("",)
    named = f"{head} ({unit})" if unit else head
    values = [
        amount.value if amount else "" if cell.text == NO_VALUE else _text(cell.text)
        for amount, cell in zip(amounts, cells, strict=True)
    ]
    columns = [(named, values)]
    if any(amount.lower for amount in found):
        for words, limit in ((message("lower limit"), "lower"), (message("upper limit"), "upper")):
            limits = [getattr(amount, limit) if amount else "" for amount in amounts]
            columns.append((f"{head}, {words}" + (f" ({unit})" if unit else ""), limits))
    if len(units) > 1:
        columns.append((f"{head}, {message('unit')}", [a.unit if a else "" for a in amounts]))
    return columns


def table_csv(html: str) -> bytes:
    """A table as CSV in UTF-8 with a byte order mark; numbers with a decimal point.

    html: one table as `html_table` makes it; without a header its columns are named by number.
    """
    rows = [row for row in read_table(html).rows if row]
    width = max((len(row) for row in rows), default=0)
    rows = [row + [Cell("", False, False)] * (width - len(row)) for row in rows]
    headed = bool(rows) and all(cell.is_head for cell in rows[0])
    heads = [cell.text for cell in rows[0]] if headed else [""] * width
    body = rows[1:] if headed else rows
    columns = [
        (_text(name), values)
        for place, head in enumerate(heads)
        for name, values in _columns(" ".join(head.split()), [row[place] for row in body])
    ]
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    if headed:
        writer.writerow([name for name, _ in columns])
    writer.writerows(zip(*(values for _, values in columns), strict=True))
    return stream.getvalue().encode("utf-8-sig")


_TABLE = re.compile(r'<div class="table">(<table.*?</table>)</div>', re.DOTALL)


def offer_files(html: str, names: Names) -> str:
    """HTML in which every table has a place of its own and leads to itself as a file.

    html: safe HTML of ours. names: what the places are called.
    """

    def offered(match: re.Match[str]) -> str:
        table = match.group(1)
        caption = read_table(table).caption
        place = escape(names.name(caption, "table"), quote=True)
        content = base64.b64encode(table_csv(table)).decode()
        label = escape(caption or message("Table"), quote=True)
        said = escape(
            message("CSV, table as a file: {what}", what=caption or names.prefix), quote=True
        )
        return (
            f'<div class="table-frame" id="{place}">'
            f'<div class="table" tabindex="0" role="group" aria-label="{label}">{table}</div>'
            f'<p class="table-file"><a download="{place}.csv" aria-label="{said}" '
            f'href="data:text/csv;charset=utf-8;base64,{content}">CSV</a></p></div>'
        )

    return _TABLE.sub(offered, html)
