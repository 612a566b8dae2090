"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

import re
from pathlib import Path

from analysis.intake.reading.refusals import refuse

WORKBOOKS = {".xlsx", ".xlsm", ".xls"}
PARQUET = {".parquet", ".pq"}
FIRST_BYTES = 4096
SIGNATURES = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\xd0\xcf\x11\xe0", "ole"),
    (b"PAR1", "parquet"),
    (b"\x1f\x8b", "compressed"),
    (b"BZh", "compressed"),
    (b"\xfd7zXZ\x00", "compressed"),
    (b"\x28\xb5\x2f\xfd", "compressed"),
    (b"7z\xbc\xaf\x27\x1c", "compressed"),
    (b"SQLite format 3\x00", "database"),
    (b"%PDF-", "pdf"),
)
WEB_PAGE = re.compile(rb"\s*<(?:!doctype|html|head|body|table|\?xml|meta)\b", re.IGNORECASE)
ADVICE = {
    "ole": "an old or password-protected workbook; save it as plain xlsx, without a password",
    "compressed": "this file is compressed; unpack it and name the unpacked file",
    "pdf": "this is a PDF, from which no table is read; export the data as CSV or xlsx",
    "database": 'this is a SQLite database; write {connect: "env:NAME", table: …} in place of file '
    "and set NAME to its address, sqlite:///path",
}


def kind_of(path: Path) -> str:
    """What the first bytes say: zip, ole, parquet, compressed, database, pdf, page or ''."""
    with path.open("rb") as stream:
        start = stream.read(FIRST_BYTES)
    for signature, kind in SIGNATURES:
        if start.startswith(signature):
            return kind
    return "page" if WEB_PAGE.match(start.removeprefix(b"\xef\xbb\xbf")) else ""


def is_workbook(path: Path) -> bool:
    """Whether the name says that this is a workbook."""
    return path.suffix.lower() in WORKBOOKS


def is_parquet(path: Path) -> bool:
    """Whether the name says that this is a Parquet file."""
    return path.suffix.lower() in PARQUET


def refuse_unless_text(path: Path) -> None:
    """Raise DataError if a file that should be CSV is something else."""
    kind = kind_of(path)
    if kind == "zip":
        raise refuse(path.name, "this is a workbook or zip archive; name it .xlsx, or unpack it")
    if kind == "parquet":
        raise refuse(path.name, "this is a Parquet file; name it .parquet")
    if kind == "page":
        raise refuse(path.name, "this is a web page, perhaps a log-in form; export the data again")
    if kind:
        raise refuse(path.name, ADVICE[kind])


def refuse_unless_workbook(path: Path) -> None:
    """Raise DataError if a file that should be a workbook is something else."""
    kind = kind_of(path)
    if path.stat().st_size == 0:
        raise refuse(path.name, "the file is empty")
    if kind == "page":
        raise refuse(path.name, "this is a web page named xlsx; save it as a real workbook or CSV")
    if kind in ADVICE:
        raise refuse(path.name, ADVICE[kind])
    if kind != "zip":
        raise refuse(
            path.name,
            "the workbook is damaged (it does not begin like one); save it again as xlsx, or name "
            "it .csv if it is text",
        )
