"""Raw files into DuckDB tables, by declaration and never by guess."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import DataError, Problem
from analysis.intake.fingerprint import source_files
from analysis.intake.notes import Note
from analysis.intake.settings import Reading, Settings, Source

if TYPE_CHECKING:
    import duckdb

BLOCK_BYTES = 1 << 20
MOST_EXAMPLES = 5
# UTF-8 read as latin-1 or cp1252 (Ã©, Ð°), or as cp1251 (РњРѕ): letters that never meet otherwise.
MOJIBAKE = re.compile(
    r"(?:[ÃÐÑÂ][\u0080-\u00bf]){2,}|(?:[РС][\u0400-\u040f\u0450-\u045f°±²³µ¶·»јѕ]){3,}"
)


def quoted(identifier: str) -> str:
    """An SQL identifier, whatever characters it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def _refuse(file: str, message: str, **details: object) -> DataError:
    return DataError([Problem(message, file=file, **details)])  # type: ignore[arg-type]


def decode_to_utf8(path: Path, reading: Reading, target: Path) -> list[Note]:
    """Decode a text file strictly, block by block, into a UTF-8 file.

    Raises DataError on bytes that are not in the declared encoding, NUL and mojibake.
    """
    notes = []
    encoding = reading.encoding
    with path.open("rb") as stream:
        start = stream.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
        notes.append(Note("repair", f"{path.name}: read as UTF-16, as its first bytes say"))
    elif start.startswith(codecs.BOM_UTF8):
        encoding = "utf-8-sig"
        notes.append(Note("repair", f"{path.name}: byte order mark taken off"))
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError:
        raise _refuse(path.name, f"reading.encoding {encoding!r} is not known") from None
    position = 0
    with path.open("rb") as source, target.open("w", encoding="utf-8", newline="") as sink:
        while True:
            block = source.read(BLOCK_BYTES)
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                raise _refuse(
                    path.name,
                    f"byte {position + error.start + 1} is not {encoding}; "
                    "write the file's encoding under reading.encoding (cp1251, utf-16 …)",
                ) from None
            if "\0" in text:
                raise _refuse(path.name, "holds NUL bytes, which cut values off; export it again")
            garbled = MOJIBAKE.search(text)
            if garbled:
                raise _refuse(
                    path.name,
                    f"the text is garbled; it is not really {encoding}: write the encoding that "
                    "was used under reading.encoding",
                    examples=(garbled.group()[:40],),
                )
            sink.write(text)
            position += len(block)
            if not block:
                return notes


def read_header(target: Path, file: str, reading: Reading) -> tuple[list[str], int]:
    """Column names of a decoded CSV, and how many lines they take."""
    with target.open(encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream, delimiter=reading.delimiter, quotechar=reading.quote)
        # Separators at the end of the header's line make columns without a name.
        header = [
            name.strip() or f"_unnamed_{number}"
            for number, name in enumerate(next(reader, []), start=1)
        ]
        lines = reader.line_num
        has_rows = any(stream.read(BLOCK_BYTES).split())
    if all(name.startswith("_unnamed_") for name in header):
        raise _refuse(file, "the file is empty")
    if not has_rows:
        raise _refuse(file, "there is a header but no row beneath it")
    _refuse_doubled(header, file)
    if len(header) == 1 and re.search(r"[;\t|]", header[0]):
        raise _refuse(
            file, "only one column was found; write the separator under reading.delimiter"
        )
    return header, lines


def _refuse_doubled(header: list[str], file: str) -> None:
    # The engine does not tell "ID" from "id", and keeps a name of its own for the row's number.
    lowered = [name.lower() for name in header]
    doubled = sorted({name for name in header if lowered.count(name.lower()) > 1})
    if doubled:
        raise _refuse(file, f"columns stand twice in the header: {', '.join(doubled)}")
    if "_row" in lowered:
        raise _refuse(file, "the name _row is taken by the row's number; rename the column")


def read_csv(
    connection: duckdb.DuckDBPyConnection, table: str, path: Path, reading: Reading
) -> list[Note]:
    """Load one CSV, every column as text, `_row` numbering the rows from one."""
    with tempfile.TemporaryDirectory() as scratch:
        decoded = Path(scratch) / "decoded.csv"
        notes = decode_to_utf8(path, reading, decoded)
        header, lines = read_header(decoded, path.name, reading)
        columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(header)))
        names = ", ".join(f"c{i} AS {quoted(name)}" for i, name in enumerate(header))
        query = (
            f"CREATE TABLE {quoted(table)} AS SELECT row_number() OVER () AS _row, {names} "
            f"FROM read_csv(?, auto_detect=false, header=false, skip={lines}, delim=?, quote=?, "
            f"escape=?, columns={{{columns}}}, strict_mode=true, null_padding=false, "
            "store_rejects=true, max_line_size=10000000)"
        )
        import duckdb

        try:
            connection.execute(
                query, [str(decoded), reading.delimiter, reading.quote, reading.quote]
            )
        except duckdb.Error as error:
            reason = str(error).split("\n")[0].replace(str(decoded), path.name)
            raise _refuse(path.name, f"cannot be read as CSV: {reason}") from None
        rejected = connection.execute(
            "SELECT line, min(error_type), any_value(csv_line) FROM reject_errors "
            "GROUP BY line ORDER BY line"
        ).fetchall()
        connection.execute("DROP TABLE IF EXISTS reject_errors")
        connection.execute("DROP TABLE IF EXISTS reject_scans")
    if rejected:
        shown = tuple(f"line {line}: {str(text)[:80]}" for line, _, text in rejected)
        kinds = ", ".join(sorted({str(kind).lower() for _, kind, _ in rejected}))
        raise _refuse(
            path.name,
            f"lines do not have the header's {len(header)} fields ({kinds}); a separator or quote "
            "inside a value shifts columns: quote such values, or declare reading.delimiter",
            examples=shown[:MOST_EXAMPLES],
            count=len(rejected),
        )
    return notes


def read_xlsx(
    connection: duckdb.DuckDBPyConnection, table: str, path: Path, sheet: str, reading: Reading
) -> list[Note]:
    """Load one sheet of a workbook: dates as dates, other cells as text in the declared forms."""
    start = path.read_bytes()[:512]
    if start.lstrip()[:1] == b"<":
        raise _refuse(path.name, "this is a web page named xlsx; save it as a real workbook or CSV")
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise _refuse(path.name, "an old or password-protected workbook; save it as plain xlsx")
    import zipfile

    import openpyxl
    import pyarrow as pa

    try:
        workbook = openpyxl.load_workbook(io.BytesIO(path.read_bytes()), True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise _refuse(path.name, f"the workbook is damaged ({error})") from None
    if sheet and sheet not in workbook.sheetnames:
        raise _refuse(
            path.name, f"there is no sheet {sheet!r}; there are {', '.join(workbook.sheetnames)}"
        )
    rows = list((workbook[sheet] if sheet else workbook.worksheets[0]).iter_rows())
    workbook.close()
    filled = [row for row in rows if any(cell.value is not None for cell in row)]
    if len(filled) < 2:
        raise _refuse(path.name, "the sheet is empty or holds only a header")
    errors = [f"{c.coordinate}: {c.value}" for row in filled for c in row if c.data_type == "e"]
    if errors:
        raise _refuse(
            path.name,
            "cells hold errors; mend them in the workbook",
            examples=tuple(errors[:MOST_EXAMPLES]),
            count=len(errors),
        )
    header = {i: str(cell.value).strip() for i, cell in enumerate(filled[0]) if cell.value}
    _refuse_doubled(list(header.values()), path.name)

    def text(value: object) -> str | None:
        if value is None:
            return None
        if isinstance(value, dt.datetime):
            return value.strftime(reading.dates[0])
        if isinstance(value, float):
            plain = f"{value:.15g}"
            return plain.replace(".", ",") if reading.decimal == "," else plain
        return str(value)

    columns = {}
    for i, name in header.items():
        values = [row[i].value if i < len(row) else None for row in filled[1:]]
        if all(value is None or isinstance(value, dt.datetime) for value in values):
            # Real dates stay dates: as text, those with a time would have to fit a format.
            columns[name] = pa.array(values, pa.timestamp("us"))
        else:
            columns[name] = pa.array([text(value) for value in values], pa.string())
    connection.register("sheet_rows", pa.table(columns))
    connection.execute(
        f"CREATE TABLE {quoted(table)} AS SELECT row_number() OVER () AS _row, * FROM sheet_rows"
    )
    connection.unregister("sheet_rows")
    return []


def read_database(connection: duckdb.DuckDBPyConnection, table: str, source: Source) -> list[Note]:
    """Load a database table through Ibis; the address comes from the environment alone."""
    import os

    import ibis

    variable = source.connect.removeprefix("env:")
    address = os.environ.get(variable)
    if not address:
        raise _refuse("", f"set the environment variable {variable} to the database's address")
    try:
        rows = ibis.connect(address).table(source.table).to_pyarrow()
    except Exception as error:
        # The driver's own text may repeat the address, and with it the password.
        raise _refuse(
            "", f"table {source.table!r} at {variable} cannot be read ({type(error).__name__})"
        ) from None
    connection.register("database_rows", rows)
    connection.execute(
        f"CREATE TABLE {quoted(table)} AS SELECT row_number() OVER () AS _row, * FROM database_rows"
    )
    connection.unregister("database_rows")
    return []


def load_source(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    source: Source,
    settings: Settings,
    folder: Path,
) -> list[Note]:
    """Load one source as a table of its own name."""
    reading = settings.reading_of(source)
    if source.connect:
        return read_database(connection, name, source)
    files = source_files(name, source, folder)
    kinds = {path.suffix.lower() for path in files}
    if kinds == {".parquet"}:
        import duckdb

        try:
            connection.execute(
                f"CREATE TABLE {quoted(name)} AS SELECT row_number() OVER () AS _row, * "
                "FROM read_parquet(?, union_by_name=true)",
                [[str(path) for path in files]],
            )
        except duckdb.Error:
            raise _refuse(source.file, "cannot be read as Parquet; export it again") from None
        return []
    if len(files) > 1:
        parts = [f"{name}__{number}" for number in range(len(files))]
        notes = []
        for part, path in zip(parts, files, strict=True):
            notes += _load_file(connection, part, path, source, reading)
        union = " UNION ALL BY NAME ".join(f"SELECT * FROM {quoted(part)}" for part in parts)
        connection.execute(
            f"CREATE TABLE {quoted(name)} AS "
            f"SELECT row_number() OVER () AS _row, * EXCLUDE (_row) FROM ({union})"
        )
        for part in parts:
            connection.execute(f"DROP TABLE {quoted(part)}")
        return notes
    return _load_file(connection, name, files[0], source, reading)


def _load_file(
    connection: duckdb.DuckDBPyConnection, table: str, path: Path, source: Source, reading: Reading
) -> list[Note]:
    if path.suffix.lower() in {".xlsx", ".xlsm", ".xls"}:
        return read_xlsx(connection, table, path, source.sheet, reading)
    return read_csv(connection, table, path, reading)
