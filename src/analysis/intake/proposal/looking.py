"""A folder looked at: its files, sheets and database tables with a bounded sample of their rows."""

from __future__ import annotations

import datetime as dt
import fnmatch
import re
import sqlite3
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from analysis.intake.proposal.text_files import NotATable, look_at_text, usual_encoding
from analysis.paths import SETTINGS_FILE

MOST_ROWS = 100_000
MOST_FILES = 500
ROWS_FOR_A_HEADER = 100
TEXT_KINDS = {".csv", ".tsv", ".txt", ".tab", ".psv"}
WORKBOOKS = {".xlsx", ".xlsm"}
DATABASES = {".db", ".sqlite", ".sqlite3"}
UNREAD_KINDS = {
    ".xls": "an old workbook: save it as xlsx or CSV",
    ".zip": "an archive: unpack it",
    ".gz": "packed: unpack it",
    ".json": "JSON is not read: export it as CSV",
    ".xml": "XML is not read: export it as CSV",
    ".pdf": "a document, not a table",
}


@dataclass(frozen=True, slots=True)
class Look:
    """One raw table as far as it was looked at.

    file: path or pattern within the folder. sheet: of a workbook. table: of a database file.
    columns: texts by column, None where empty; numbers and dates of typed files in plain form.
    typed: columns that come as dates or numbers from the file itself, with "date" or "number".
    whole: whether every row was looked at. remarks: what the person should know.
    skip_lines: how many lines stand above the header. kept: an SQL condition that leaves out lines
    which are no rows, "" if there are none.
    """

    name: str
    file: str
    columns: dict[str, list[str | None]]
    encoding: str = ""
    encoding_reason: str = ""
    delimiter: str = ""
    sheet: str = ""
    table: str = ""
    typed: dict[str, str] = field(default_factory=dict)
    whole: bool = True
    remarks: tuple[str, ...] = ()
    skip_lines: int = 0
    kept: str = ""

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    @property
    def place(self) -> str:
        """The file, with the sheet or table where there are several."""
        inner = self.sheet or self.table
        return f"{self.file}, {inner}" if inner else self.file


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that is left aside, and why."""

    file: str
    reason: str


def look_at_folder(folder: Path) -> tuple[list[Look], list[Unread]]:
    """Look at every file of a folder and of the folders in it, in the order of their names."""
    looks: list[Look] = []
    unread: list[Unread] = []
    paths = sorted(
        path
        for path in [*folder.glob("*"), *folder.glob("*/*")]
        if path.is_file() and not any(p.startswith(".") for p in path.relative_to(folder).parts)
    )
    usual = usual_encoding([p for p in paths[:MOST_FILES] if p.suffix.lower() in TEXT_KINDS])
    for path in paths[:MOST_FILES]:
        file = path.relative_to(folder).as_posix()
        if file == SETTINGS_FILE:
            continue
        try:
            looks += _look_at_file(path, file, usual)
        except NotATable as reason:
            unread.append(Unread(file, str(reason)))
        except OSError as error:
            unread.append(Unread(file, f"cannot be opened ({error.strerror})"))
    unread += [
        Unread(path.relative_to(folder).as_posix(), f"not looked at: more than {MOST_FILES} files")
        for path in paths[MOST_FILES:]
    ]
    return _with_names(
        _join_parts(looks, [p.relative_to(folder).as_posix() for p in paths])
    ), unread


def _look_at_file(path: Path, file: str, usual: str) -> list[Look]:
    kind = path.suffix.lower()
    with path.open("rb") as stream:
        start = stream.read(512)
    if not start:
        raise NotATable("it is empty")
    if start.startswith(b"SQLite format 3\0"):
        return _look_at_database(path, file)
    if start.startswith(b"PAR1"):
        return [_look_at_parquet(path, file)]
    if kind in WORKBOOKS:
        return _look_at_workbook(path, file, start)
    if kind in UNREAD_KINDS:
        raise NotATable(UNREAD_KINDS[kind])
    if kind not in TEXT_KINDS and kind != "":
        raise NotATable("not a kind of file that is read: CSV, text, xlsx, Parquet, SQLite")
    text = look_at_text(path, usual)
    names = [name or f"_unnamed_{number}" for number, name in enumerate(text.header, start=1)]
    lowered = [name.lower() for name in names]
    doubled = sorted({name for name in names if lowered.count(name.lower()) > 1})
    if doubled:
        raise NotATable(f"columns stand twice in its header: {', '.join(doubled)}; rename them")
    if _looks_like_values(names):
        raise NotATable(
            "its first line looks like values: write a line with the columns' names above"
        )
    remarks = (
        [f"{text.broken:,} lines do not have the header's {len(names)} fields"]
        if text.broken
        else []
    )
    columns: dict[str, list[str | None]] = {
        name: [row[position].strip() or None for row in text.rows]
        for position, name in enumerate(names)
    }
    return [
        Look("", file, columns, text.encoding, text.encoding_reason, text.delimiter,
             whole=text.whole, remarks=tuple(remarks), skip_lines=text.skip_lines)
    ]  # fmt: skip


def _looks_like_values(header: list[str]) -> bool:
    value = re.compile(r"[-+]?\d+([.,]\d+)?|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}.*|.+@.+\..+")
    return bool(header) and sum(bool(value.fullmatch(name)) for name in header) >= max(
        1, len(header) / 2
    )


def _plain(value: Any) -> str | None:
    """A typed value as the text that the intake would make of it."""
    if value is None or value == "":
        return None
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d" if value.time() == dt.time() else "%Y-%m-%d %H:%M:%S")
    if isinstance(value, float):
        return None if value != value else f"{value:.15g}"
    return str(value).strip() or None


def _types(values: list[Any]) -> str:
    kinds = {type(value) for value in values if value is not None and value != ""}
    if kinds and all(issubclass(kind, dt.date) for kind in kinds):
        return "date"
    if kinds and all(issubclass(kind, (int, float)) and kind is not bool for kind in kinds):
        return "number"
    return "number" if kinds and {kind.__name__ for kind in kinds} <= {"Decimal", "int"} else ""


def _from_rows(file: str, header: list[str], rows: list[tuple[Any, ...]], **details: Any) -> Look:
    columns: dict[str, list[str | None]] = {}
    typed = {}
    for position, name in enumerate(header):
        values = [row[position] if position < len(row) else None for row in rows]
        kind = _types(values)
        if kind:
            typed[name] = kind
        columns[name] = [_plain(value) for value in values]
    return Look("", file, columns, typed=typed, whole=len(rows) < MOST_ROWS, **details)


def _look_at_workbook(path: Path, file: str, start: bytes) -> list[Look]:
    if start.lstrip()[:1] == b"<":
        raise NotATable("a web page named xlsx: save it as a real workbook or CSV")
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise NotATable("an old or password-protected workbook: save it as plain xlsx")
    import zipfile
    from itertools import islice
    from xml.etree.ElementTree import ParseError

    import openpyxl

    from analysis.intake.proposal.rows_apart import header_position

    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True)
        looks = []
        for sheet in workbook.worksheets:
            sheet.reset_dimensions()
            every = list(islice(sheet.iter_rows(), MOST_ROWS + 1))
            start_rows = [[_plain(cell.value) for cell in row] for row in every[:ROWS_FOR_A_HEADER]]
            skipped = header_position(start_rows)
            filled = [row for row in every[skipped:] if any(cell.value is not None for cell in row)]
            if len(filled) < 2:
                continue
            errors = sum(cell.data_type == "e" for row in filled for cell in row)
            header = {
                i: str(c.value).strip() for i, c in enumerate(filled[0]) if c.value is not None
            }
            rows = [
                tuple(
                    None if i >= len(row) or row[i].data_type == "e" else row[i].value
                    for i in header
                )
                for row in filled[1:]
            ]
            remarks = (f"{errors:,} cells hold errors",) if errors else ()
            names = list(header.values())
            if len(names) > 1 and len({n.lower() for n in names}) == len(names):
                looks.append(
                    _from_rows(
                        file, names, rows, sheet=sheet.title, remarks=remarks, skip_lines=skipped
                    )
                )
        workbook.close()
    except (zipfile.BadZipFile, KeyError, ValueError, ParseError, TypeError, EOFError) as error:
        raise NotATable(f"the workbook is damaged ({type(error).__name__})") from None
    if not looks:
        raise NotATable("no sheet holds a header with rows beneath it")
    return looks


def _look_at_parquet(path: Path, file: str) -> Look:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as parquet:
            header = list(parquet.schema_arrow.names)
            batches = parquet.iter_batches(batch_size=MOST_ROWS // 2)
            first = next(batches, None)
            parts = [] if first is None else first.to_pylist()
            total = parquet.metadata.num_rows
            if first is not None and total > len(parts):
                # The end as well: dates mostly rise along a file.
                last = parquet.read_row_group(parquet.num_row_groups - 1)
                parts += last.slice(max(0, last.num_rows - MOST_ROWS // 2)).to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise NotATable(f"the Parquet file is damaged ({type(error).__name__})") from None
    if not parts or len(header) < 2:
        raise NotATable("it holds no rows")
    rows = [tuple(part[name] for name in header) for part in parts]
    return replace(_from_rows(file, header, rows), whole=total <= len(first or ()))


def _look_at_database(path: Path, file: str) -> list[Look]:
    looks = []
    try:
        # Immutable: not even a journal is written beside the file.
        address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
        connection = sqlite3.connect(address, uri=True)
        try:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            names = connection.execute(
                "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') "
                "AND name NOT LIKE 'sqlite_%' ORDER BY name"
            ).fetchall()
            for (name,) in names:
                quoted = '"' + name.replace('"', '""') + '"'
                cursor = connection.execute(f"SELECT * FROM {quoted} LIMIT ?", [MOST_ROWS])
                header = [str(column[0]) for column in cursor.description]
                rows = [tuple(None if isinstance(v, bytes) else v for v in row) for row in cursor]
                if rows and len(header) > 1:
                    looks.append(_from_rows(file, header, rows, table=str(name)))
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise NotATable(f"the database cannot be read ({error})") from None
    if not looks:
        raise NotATable("no table in it holds rows")
    return looks


def _join_parts(looks: list[Look], files: list[str]) -> list[Look]:
    """Files that differ in numbers only and have one header become one source with a pattern."""
    groups: dict[tuple[str, ...], list[Look]] = {}
    for look in looks:
        stem = re.sub(r"\d+", "#", Path(look.file).as_posix())
        numbered = "#" in stem and not look.sheet and not look.table
        key = (stem, *look.columns) if numbered else (look.file, look.sheet, look.table)
        groups.setdefault(key, []).append(look)
    joined = []
    for members in groups.values():
        names = [member.file for member in members]
        pattern = _pattern_of(names)
        alone = len(members) == 1 or {f for f in files if fnmatch.fnmatch(f, pattern)} != set(names)
        joined += members if alone else [_as_one(members, pattern)]
    return joined


def _pattern_of(names: list[str]) -> str:
    first, last = min(names), max(names)
    start = 0
    while start < min(len(first), len(last)) and first[start] == last[start]:
        start += 1
    # Whole numbers go, not halves of them.
    while start and first[start - 1].isdigit():
        start -= 1
    end = 0
    shortest = min(len(name) for name in names) - start
    while end < shortest and len({name[-1 - end] for name in names}) == 1:
        end += 1
    while end and first[len(first) - end].isdigit():
        end -= 1
    return f"{first[:start]}*{first[len(first) - end :]}"


def _as_one(members: list[Look], pattern: str) -> Look:
    columns = {
        name: [value for member in members for value in member.columns[name]]
        for name in members[0].columns
    }
    remark = f"{len(members)} files with one header, read as one table"
    return replace(
        members[0],
        file=pattern,
        columns=columns,
        whole=all(member.whole for member in members),
        remarks=(remark, *dict.fromkeys(r for m in members for r in m.remarks)),
    )


def _with_names(looks: list[Look]) -> list[Look]:
    """Give each source a name of letters, digits and _ that no other bears."""
    from analysis.intake.proposal.vocabulary import plain_words

    taken: set[str] = set()
    named = []
    for look in looks:
        stem = (
            Path(look.file.split("*")[0] or look.file).stem
            if "*" in look.file
            else Path(look.file).stem
        )
        alone = sum(other.file == look.file for other in looks) == 1
        words = stem if alone or not (look.sheet or look.table) else (look.sheet or look.table)
        ascii_words = re.sub(r"[^a-z0-9]+", "_", latin_letters(plain_words(words))).strip("_")
        base = (
            ascii_words if ascii_words and not ascii_words[0].isdigit() else f"source_{ascii_words}"
        )
        base = base.strip("_")
        name, number = base, 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        taken.add(name)
        named.append(replace(look, name=name))
    return named


_CYRILLIC = (
    "а=a б=b в=v г=g д=d е=e ж=zh з=z и=i й=y к=k л=l м=m н=n о=o п=p р=r с=s т=t у=u ф=f х=kh ц=ts ч=ch "
    "ш=sh щ=shch ъ= ы=y ь= э=e ю=yu я=ya і=i ї=yi є=ye ґ=g"
)
CYRILLIC = {pair[0]: pair[2:] for pair in _CYRILLIC.split()}


def latin_letters(text: str) -> str:
    """Cyrillic letters in Latin ones, for names of sources."""
    return "".join(CYRILLIC.get(letter, letter) for letter in text)
