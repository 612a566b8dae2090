"""Whatever the bytes of a CSV: the rows of Python's strict reader, or a refusal in words."""

from __future__ import annotations

import csv
import io
import tempfile
from functools import cache
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from analysis.errors import DataError
from analysis.intake.reading import decoding, staging
from analysis.intake.reading.delimited import read_csv
from analysis.intake.reading.naming import quoted
from analysis.intake.settings import Reading

BUDGET = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
Rows = list[tuple[str | None, ...]]


@cache
def one_engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def loaded(content: bytes, reading: Reading) -> tuple[list[str], Rows]:
    """Header and rows as intake reads them."""
    engine = one_engine()
    engine.execute("DROP TABLE IF EXISTS data")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        path.write_bytes(content)
        try:
            read_csv(engine, "data", path, reading)
        except DataError:
            assert engine.execute("SHOW TABLES").fetchall() == [], "nothing half-read stays"
            raise
        assert [str(row[0]) for row in engine.execute("SHOW TABLES").fetchall()] == ["data"]
        described = engine.execute(f"DESCRIBE {quoted('data')}").fetchall()
        assert {row[1] for row in described[1:]} == {"VARCHAR"}
        rows = engine.execute("SELECT * FROM data ORDER BY _row").fetchall()
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        return [str(row[0]) for row in described[1:]], [row[1:] for row in rows]


def expected(text: str, reading: Reading) -> tuple[list[str], Rows]:
    """The same by Python's reader; raises csv.Error where that does."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=reading.delimiter,
        quotechar=reading.quote,
        strict=True,
    )
    header, *rows = [row for row in reader if row]
    return header, [tuple(cell or None for cell in row) for row in rows]


def same_or_refused(content: bytes, text: str | None, reading: Reading) -> bool:
    """Compare; give whether the file was read. text: None where it cannot be decoded."""
    try:
        header, rows = loaded(content, reading)
    except DataError:
        return False
    assert text is not None, "read although the bytes are not in the encoding"
    wanted_header, wanted_rows = expected(text.removeprefix("\ufeff"), reading)
    assert rows == wanted_rows
    assert len(header) == len(wanted_header)
    assert all(len(row) == len(header) for row in wanted_rows)
    return True


def decoded(content: bytes, encoding: str) -> str | None:
    if content.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        for wide in ("utf-32", "utf-16"):
            try:
                return content.decode(wide)
            except UnicodeError:
                continue
        return None
    try:
        return content.decode(encoding)
    except UnicodeError:
        return None


MARKS = st.sampled_from(
    [",", ";", '"', '""', "\r", "\n", "\r\n", " ", "\t", "\ufeff", "\0", "'", "a", "b", "я", "1",
     "\x0b", "\x1c", "\x85", "\u2028", "\\", "😀"]
)  # fmt: skip
RARELY_BROKEN = st.sampled_from(
    [",", ",", "a", "b", "1", "\n", "\n", "\r\n", '"a"', '"b,\n"', '""']
)
READINGS = st.builds(
    Reading,
    delimiter=st.sampled_from([",", ";", "\t", "|", " ", "a"]),
    quote=st.sampled_from(['"', "'", "~"]),
)


@BUDGET
@given(st.binary(max_size=80), READINGS)
def test_random_bytes(content: bytes, reading: Reading) -> None:
    same_or_refused(content, decoded(content, "utf-8"), reading)


@BUDGET
@given(st.binary(max_size=80), st.sampled_from(["cp1251", "shift_jis", "gb18030", "utf-16-le"]))
def test_random_bytes_in_other_encodings(content: bytes, encoding: str) -> None:
    text = decoded(b"a,b\n" + content, encoding)
    same_or_refused(b"a,b\n" + content, text, Reading(encoding=encoding))


@BUDGET
@given(st.lists(MARKS, max_size=40), READINGS)
@example(['"a', "\n", "b"], Reading())
@example(["a", "\r", "1", "\r", "2"], Reading())
@example(["a", "\n", '""', "\n", "\n", "1"], Reading())
@example(["a", "\n", '"1\r2"', "\r\n"], Reading())
@example(["a,b\n", 'x"y",z'], Reading())
@example(["a,b\n", ' "y",z'], Reading())
@example(["a,b\n", '"y" ,z'], Reading())
@example(["a,b\n", "1,2\n\n \n"], Reading())
def test_random_text(marks: list[str], reading: Reading) -> None:
    text = "".join(marks)
    same_or_refused(text.encode(), text, reading)


@BUDGET
@given(st.lists(RARELY_BROKEN, max_size=40))
def test_text_that_is_nearly_a_table(marks: list[str]) -> None:
    text = "h,i\n" + "".join(marks)
    same_or_refused(text.encode(), text, Reading())


CELLS = st.one_of(
    st.sampled_from(
        ["", " ", "1,5", 'say "hi"', "two\nlines", "a\r\nb", "\r", ";", "NULL", "\ufeff"]
    ),
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=8),
)
NAMES = ["id", "a name", "x;y", 'q"r']


@BUDGET
@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=8
        )
    ),
    READINGS,
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "utf-7"]),
    st.integers(1, 9),
)
def test_what_a_csv_writer_wrote_comes_back(
    rows: list[list[str]], reading: Reading, line_end: str, encoding: str, block: int
) -> None:
    width = len(rows[0])
    written = io.StringIO(newline="")
    writer = csv.writer(
        written,
        delimiter=reading.delimiter,
        quotechar=reading.quote,
        lineterminator=line_end,
        quoting=csv.QUOTE_ALL,
    )
    writer.writerows([NAMES[:width], *rows])
    reading = reading.model_copy(update={"encoding": encoding})
    with pytest.MonkeyPatch.context() as patch:
        # Blocks of a few bytes: everything straddles their edges.
        patch.setattr(decoding, "BLOCK_BYTES", block)
        patch.setattr(staging, "CELLS_AT_ONCE", 5)
        content = written.getvalue().encode(encoding)
        if width > 1 or reading.delimiter != " ":
            assert same_or_refused(content, written.getvalue(), reading) or width == 1


@pytest.mark.parametrize("encoding", ["utf-8", "cp1251", "utf-16-le", "koi8_r", "iso2022_jp"])
@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
def test_blocks_of_any_size_give_the_same(
    encoding: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        'код,имя\r\n1,"Анна\r\nМария"\r\n2,Пётр\r\n'
        if "jp" not in encoding
        else "番,名\r\n1,東京\r\n"
    )
    monkeypatch.setattr(decoding, "BLOCK_BYTES", block)
    reading = Reading(encoding=encoding)
    assert loaded(text.encode(encoding), reading) == expected(text, reading)
