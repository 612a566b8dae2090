"""CSV files that cannot be read as they are: which line, what is wrong, what to write."""

from __future__ import annotations

import codecs
from pathlib import Path

import duckdb
import pytest

from analysis.errors import DataError, SettingsError
from analysis.intake.notes import Note
from analysis.intake.reading import decoding
from analysis.intake.reading.delimited import read_csv
from analysis.intake.settings import Reading, load_settings


def read(
    folder: Path, content: str | bytes, **reading: str
) -> tuple[list[Note], list[tuple[str | None, ...]]]:
    path = folder / "export.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with duckdb.connect() as engine:
        notes = read_csv(engine, "export", path, Reading(**reading))  # type: ignore[arg-type]
        rows = engine.execute("SELECT * EXCLUDE (_row) FROM export ORDER BY _row").fetchall()
    return notes, rows


def refusal(folder: Path, content: str | bytes, **reading: str) -> str:
    with pytest.raises(DataError) as caught:
        read(folder, content, **reading)
    assert str(folder) not in str(caught.value)
    return str(caught.value)


ROWS = "id,name\n1,a\n"
LONG = "x" * 200_000


@pytest.mark.parametrize(
    ("content", "reading", "said"),
    [
        ("", {}, ["the file is empty"]),
        ("\n\r\n", {}, ["the file is empty"]),
        (",,\n1,2,3\n", {}, ["its first line names no column"]),
        ("id,name\n", {}, ["there is a header but no row beneath it"]),
        ("id,name\n\n\n", {}, ["there is a header but no row beneath it"]),
        (
            ROWS + "2,b,c\n",
            {},
            ["the header's 2 fields (they have 3)", "line 3: 2,b,c", "(1 rows)"],
        ),
        (
            ROWS + "2\n" * 7,
            {},
            ["(they have 1)", "(7 rows)", "line 3: 2; line 4: 2; line 5: 2; line 6: 2; line 7: 2"],
        ),
        (
            'id,name\n"1\n\n2",a\n3,4,5\n',
            {},
            ["line 5: 3,4,5", 'put such values between " and "'],
        ),
        ("id,price\n1,2,50\n2,3,00\n", {}, ["(they have 3)", "line 2: 1,2,50", "shifts columns"]),
        (
            ROWS + '2,"b\n3,c\n',
            {},
            ["a quote that opens on line 3 is never closed", 'line 3: 2,"b'],
        ),
        (
            'id,name\n"1\n\n2","\n\n\n3,c\n',
            {},
            ["a quote that opens on line 4 is never closed", 'line 4: 2","'],
        ),
        (ROWS + '2,"', {}, ["a quote that opens on line 3"]),
        (ROWS + '2,"b"c\n', {}, ["line 3: text stands after a closing quote", 'twice ("")']),
        (
            ROWS + '2,"b\n3,"c\n',
            {},
            ["line 4: text stands after a closing quote (the row begins on line 3)"],
        ),
        (
            ROWS + '2,"b"c\n',
            {},
            ["write a character that does not occur in it under reading.quote"],
        ),
        (ROWS + "2,'b'c\n", {"quote": "'"}, ["line 3: text stands after a closing quote"]),
        (ROWS + f'2,"{LONG}', {}, ["a quote that opens on line 3", "more than 131072 characters"]),
        (ROWS + f"2,{LONG}\n", {}, ["line 3: a value is longer than 131072 characters"]),
        ('id,"name\n', {}, ["a quote that opens on line 1 is never closed"]),
        (
            ROWS + '2,b,c\n3,"d"e\n',
            {},
            ["line 4: text stands", "the header's 2 fields", "2 problems"],
        ),
        ("id;name\n1;a\n", {}, ["only one column was found"]),
        ("id,name\n1,a\n", {"delimiter": ";"}, ["only one column was found"]),
        ("id,ID\n1,2\n", {}, ["columns stand twice in the header: ID, id"]),
        ("id,_ROW\n1,2\n", {}, ["the name _row is taken"]),
        ("id,name\n1,a\n2,b\0\n", {}, ["line 3 holds NUL bytes", "export it again"]),
        (b"PK\x03\x04abc", {}, ["a workbook or zip archive"]),
        (b"\x1f\x8b\x08abc", {}, ["is compressed; unpack it"]),
        (b"SQLite format 3\0", {}, ["a SQLite database", "env:NAME"]),
        (b"PAR1abc", {}, ["a Parquet file; name it .parquet"]),
        (b"%PDF-1.7", {}, ["a PDF"]),
        ("\n <!DOCTYPE html><html>", {}, ["a web page"]),
        (ROWS, {"quote": ","}, ["delimiter and reading.quote are the same"]),
    ],
)
def test_words(
    tmp_path: Path, content: str | bytes, reading: dict[str, str], said: list[str]
) -> None:
    text = refusal(tmp_path, content, **reading)
    assert "export.csv: " in text
    assert [part for part in said if part not in text] == [], text


def test_a_line_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", 64)
    monkeypatch.setattr(decoding, "LONGEST_LINE", 1000)
    assert "line 3 has no end" in refusal(tmp_path, ROWS + "x" * 2000)


def test_blank_lines_between_rows_are_counted(tmp_path: Path) -> None:
    notes, rows = read(tmp_path, "\nid,name\n1,a\n\n\r\n2,b\n\n\n")
    assert rows == [("1", "a"), ("2", "b")]
    assert [(note.kind, note.count) for note in notes] == [("repair", 3)]
    assert "blank lines before or between rows were passed over" in notes[0].message


def test_last_line_without_an_end(tmp_path: Path) -> None:
    assert read(tmp_path, "id,name\n1,a\n2,b")[1] == [("1", "a"), ("2", "b")]


def test_a_byte_order_mark_within_is_data(tmp_path: Path) -> None:
    notes, rows = read(tmp_path, "\ufeffid,name\n\ufeff1,a\n")
    assert rows == [("\ufeff1", "a")]
    assert [note.message for note in notes] == ["export.csv: byte order mark taken off"]


TEXTS = {
    "cp1251": "код;имя\n1;Ёлкин «Щит» № 5\n",
    "cp866": "код;имя\n1;Съёмка░▒▓\n",
    "koi8_r": "код;имя\n1;чаЩА Съезд\n",
    "koi8_u": "код;ім'я\n1;Їжак Ґанок\n",
    "mac_cyrillic": "код;имя\n1;Эхо Ёж\n",
    "iso8859_5": "код;имя\n1;Дождь\n",
    "shift_jis": "番号;名前\n1;東京ソ能\n",
    "euc_jp": "番号;名前\n1;東京\n",
    "iso2022_jp": "番号;名前\n1;東京ｱ\n".replace("ｱ", "ア"),
    "iso2022_kr": "번호;이름\n1;서울\n",
    "hz": "号;名\n1;北京\n",
    "gb18030": "编号;姓名\n1;北京𠀀€\n",
    "gbk": "编号;姓名\n1;联通移动\n",
    "big5": "編號;姓名\n1;臺北功\n",
    "cp949": "번호;이름\n1;서울뷁\n",
    "cp1252": "n°;nom\n1;Œuvre – “Déjà vu” €\n",
    "cp1253": "κωδ;όνομα\n1;Ελληνικά Ώρα\n",
    "cp1254": "no;ad\n1;İğdır şeker\n",
    "cp1255": "קוד;שם\n1;שלום\n",
    "cp1256": "رقم;اسم\n1;مرحبا\n",
    "cp1257": "nr;vārds\n1;Žģīķļ\n",
    "cp1258": "số;tên\n1;Đăng\n".replace("số", "so").replace("tên", "ten"),
    "cp037": "no;name\n1;Smith\n",
    "utf-7": "no;имя\n1;Москва + 1\n",
    "utf-8": "no;имя\n1;😀 naïve\n",
    "utf-16": "no;имя\n1;😀\n",
    "utf-16-le": "no;имя\n1;😀ਊ\n",
    "utf-16-be": "no;имя\n1;😀ਊ\n",
    "utf-32": "no;имя\n1;😀\n",
    "utf-32-be": "no;имя\n1;😀\n",
    "utf-8-sig": "no;имя\n1;x\n",
    "tis-620": "รหัส;ชื่อ\n1;สวัสดี\n",
    "ptcp154": "код;аты\n1;Әлия\n",
}


@pytest.mark.parametrize("encoding", TEXTS)
@pytest.mark.parametrize("block", [3, 1 << 20])
def test_any_encoding(
    tmp_path: Path, encoding: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", block)
    text = TEXTS[encoding]
    _, rows = read(tmp_path, text.encode(encoding), encoding=encoding, delimiter=";")
    assert rows == [tuple(text.splitlines()[1].split(";"))]


@pytest.mark.parametrize(
    "mark", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE,
             codecs.BOM_UTF32_BE]
)  # fmt: skip
def test_a_mark_says_what_the_declaration_does_not(tmp_path: Path, mark: bytes) -> None:
    names = {2: "utf-16", 3: "utf-8", 4: "utf-32"}
    encoding = names[len(mark)] + ("" if len(mark) == 3 else "-be" if mark[-1] == 0xFF else "-le")
    if mark == codecs.BOM_UTF32_BE:
        encoding = "utf-32-be"
    notes, rows = read(tmp_path, mark + "no,имя\n1,Ы\n".encode(encoding), encoding="cp1251")
    assert rows == [("1", "Ы")]
    assert [note.kind for note in notes if note.kind == "repair"] == ["repair"]


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        ("n\n" * 5 + "Москва", ("cp1251", "utf-8"), "line 6, byte 11 is not utf-8"),
        ("a,b\n1,é\n", ("latin-1", "ascii"), "line 2, byte 7 is not ascii"),
        ("a,b\n1,Москва\n", ("utf-8", "cp1251"), "the file is UTF-8; write encoding: utf-8"),
        ("a,b\n1,São\n", ("utf-8", "latin-1"), "the file is UTF-8; write encoding: utf-8"),
        ("a,b\n1,não é só\n", ("utf-8", "cp1252"), "the file is UTF-8; write encoding: utf-8"),
        ("код,имя\n1,Москва Тверская\n", ("cp1251", "latin-1"), "the text is garbled"),
        ("κωδ,όνομα\n1,Ελληνικά\n", ("cp1253", "latin-1"), "the text is garbled"),
        ("a,b\n1,東京東京\n", ("shift_jis", "utf-8"), "is not utf-8"),
        ("a,b\n1,2\n", ("utf-16-le", "utf-8"), "NUL bytes"),
        ("a,b\n1,2\n", ("utf-8", "utf-16-be"), "garbled|not utf-16|only one|empty|no row"),
        ("a,b\n1,+2AA-\n", ("ascii", "utf-7"), "is not utf-7"),
    ],
)
def test_wrong_encodings(
    tmp_path: Path, content: str, encoding: tuple[str, str], said: str
) -> None:
    written, declared = encoding
    text = refusal(tmp_path, content.encode(written), encoding=declared)
    assert any(part in text for part in said.split("|")), text


@pytest.mark.parametrize(
    ("real", "taken_for"),
    [
        ("Москва, улица Тверская", "cp1251"),
        ("Москва", "latin-1"),
        ("Москва, Санкт-Петербург", "cp1252"),
        ("não é só São Paulo", "cp1252"),
        ("Das schöne Mädchen grüßt", "latin-1"),
        ("It’s “done”…", "cp1252"),
    ],
)
@pytest.mark.parametrize("block", [5, 1 << 20])
def test_text_saved_garbled(
    tmp_path: Path, real: str, taken_for: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "BLOCK_BYTES", block)
    garbled = real.encode().decode(taken_for, "replace")
    text = refusal(tmp_path, f'id,name\n1,"{garbled}"\n2,plain\n')
    assert "the text is garbled; it is not really utf-8" in text
    assert "for example: " in text


def test_a_few_garbled_comments_are_remarked_on(tmp_path: Path) -> None:
    rows = "".join(f"{i},Москва и Санкт-Петербург\n" for i in range(100))
    notes, read_rows = read(tmp_path, "id,name\n" + rows + "100,donâ€™t\n101,Ã©Ã©\n")
    assert len(read_rows) == 102
    (note,) = notes
    assert (note.kind, note.count) == ("warning", 2)
    assert "was garbled before it was exported, such as 'â€™'" in note.message


LEGITIMATE = [
    "São Paulo, SÃO PAULO, AÇÃO, «IRMû, “MAÇÔ, Ã, ÂNGELA",
    "Où êtes-vous né, à Noël ? Ça, c’est l’œuvre créée — déjà vu… ÉTÉ ÀÉÈ",
    "Größe, Übermaß, ÄÖÜ, Straße, „süß“",
    "Україна: Їжак, Ґанок, Євген, СІРІ, РІЄ, Сёмка, РЁВ",
    "Ελληνικά: Ώρα, Αθήνα, ΌΧΙ",
    "Ñandú, ESPAÑA, «niño», “Ñ”, 25 °C, 3 µm, 5 €, ±2",
    "İstanbul, ığdır, Şişli; Łódź, żółć, GĄSKA; Žďár, ĎÁBEL",
    "Đặng Thị Ngọc Ánh; Þórður Ævar; jäääär, töööö, Õueäär",
    "Србија, Ђорђе, Љубљана, Њујорк, Ќерка, Ѕвезда",
    "東京、서울、北京、สวัสดี, שלום, مرحبا, हिन्दी 😀👩‍👩‍👧",
    "РС РУ СССР СЕРЁЖА, СТРОЙ, Р‑12",
]


@pytest.mark.parametrize("text", LEGITIMATE)
def test_no_language_is_taken_for_garbled(tmp_path: Path, text: str) -> None:
    notes, rows = read(tmp_path, f'id,name\n1,"{text}"\n2,"{text.upper()}"\n')
    assert notes == []
    assert rows == [("1", text), ("2", text.upper())]


@pytest.mark.parametrize("encoding", ["cp1251", "latin-1", "cp1252", "iso8859_15", "cp850"])
def test_western_and_russian_files_are_not_taken_for_utf8(tmp_path: Path, encoding: str) -> None:
    text = "Ёж, Россия, «Щит»" if encoding == "cp1251" else "Ñandú, São Tomé, Größe, «Noël»"
    _, rows = read(tmp_path, f'id,name\n1,"{text}"\n'.encode(encoding), encoding=encoding)
    assert rows == [("1", text)]


HEAD = "company: A\ncurrency: EUR\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"


@pytest.mark.parametrize(
    "encoding",
    ["rot13", "base64", "hex", "zip", "bz2", "uu", "quopri", "idna", "punycode", "undefined",
     "unicode_escape", "raw_unicode_escape", "charmap", "utf-9", "", "\\0"],
)  # fmt: skip
def test_what_is_no_encoding_of_text_is_refused_in_settings(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "dataset.yml").write_text(
        HEAD + f'reading: {{encoding: "{encoding}"}}\ntables: {{}}\n', encoding="utf-8"
    )
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path)
    assert "reading.encoding: this" in str(caught.value)
    assert "write utf-8, utf-16, cp1251" in str(caught.value)


HOSTILE = [
    "'; DROP TABLE export; --", '"quoted"', "$x^2$", "<script>alert(1)</script>", "{{7*7}}",
    "\u202eabc", "😀", "a\nb", "../../etc/passwd", "=1+1", "?", "$1", "%s", "n" * 10_000, "_unnamed_9",
    "c0", "n",
]  # fmt: skip


def test_hostile_names_and_values_are_data(tmp_path: Path) -> None:
    import csv
    import io

    written = io.StringIO(newline="")
    writer = csv.writer(written)
    writer.writerows([HOSTILE, HOSTILE])
    path = tmp_path / "export.csv"
    path.write_text(written.getvalue(), encoding="utf-8", newline="")
    with duckdb.connect() as engine:
        read_csv(engine, "'; DROP TABLE x; --", path, Reading())
        result = engine.execute('SELECT * EXCLUDE (_row) FROM "\'; DROP TABLE x; --"')
        assert [column[0] for column in result.description] == HOSTILE
        assert result.fetchall() == [tuple(HOSTILE)]
