"""Text files looked at in part: encoding, separator, header and some of the rows."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

# What is read of a file: its beginning, its end, and blocks between them where it is longer.
HEAD_BYTES = 8 << 20
BLOCK_BYTES = 1 << 18
BLOCKS_BETWEEN = 8
DELIMITERS = (",", ";", "\t", "|")
# One byte a letter; none of them can be told by trying, so that letters have to be weighed.
ENCODINGS = ("cp1251", "cp1252", "koi8_r", "cp866", "cp1250", "iso8859_7")
IN_WORDS = {"koi8_r": "koi8-r", "iso8859_7": "iso8859-7"}
WORDS_WEIGHED = 5_000
LINES_FOR_A_HEADER = 100
# With fewer words than these the files beside it tell more than its own letters.
FEWEST_WORDS = 12
# Begins where no letter stands before, so that a long run of letters is gone through once.
WORD = rb"(?<![A-Za-z\x80-\xff])[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*"
PLAIN_LETTERS = "it holds plain letters only"


class NotATable(Exception):  # noqa: N818 -- a finding, not a failure
    """The file is no table that intake reads; the text says why."""


@dataclass(frozen=True, slots=True)
class TextLook:
    """What was seen of a text file.

    encoding_reason: why this encoding. rows: below the header, as far as they were looked at.
    whole: whether that is all of them. broken: rows that do not have the header's fields.
    skip_lines: lines above the header.
    """

    encoding: str
    encoding_reason: str
    delimiter: str
    header: tuple[str, ...]
    rows: list[list[str]]
    whole: bool
    broken: int
    skip_lines: int = 0


def look_at_text(path: Path, usual: str = "") -> TextLook:
    """Look at a delimited text file. Raises NotATable with the reason if it is none.

    usual: the encoding of the files beside it, for one with too few letters to tell by itself.
    """
    blocks, whole = _read_blocks(path)
    if not any(block.strip() for block in blocks):
        raise NotATable("it is empty")
    encoding, reason = guess_encoding(blocks, usual)
    texts = _decode(blocks, encoding)
    delimiter = guess_delimiter(texts[0])
    header, rows, broken, skipped = _parse(texts, delimiter)
    if len(header) < 2:
        raise NotATable("it holds no columns: no comma, semicolon, tab or | separates anything")
    if not rows:
        raise NotATable("it has a header but no row beneath it")
    return TextLook(encoding, reason, delimiter, header, rows, whole, broken, skipped)


def _read_blocks(path: Path) -> tuple[list[bytes], bool]:
    size = path.stat().st_size
    with path.open("rb") as stream:
        blocks = [stream.read(HEAD_BYTES)]
        if size <= HEAD_BYTES:
            return blocks, True
        rest = size - HEAD_BYTES
        step = max(BLOCK_BYTES, rest // (BLOCKS_BETWEEN + 1))
        # Even positions: UTF-16 takes two bytes a letter.
        starts = [HEAD_BYTES + step * i // 2 * 2 for i in range(1, BLOCKS_BETWEEN + 1)]
        last = max(HEAD_BYTES, size - BLOCK_BYTES) // 2 * 2
        for start in [*(s for s in starts if s + BLOCK_BYTES <= last), last]:
            stream.seek(start)
            blocks.append(stream.read(BLOCK_BYTES))
    return blocks, False


def usual_encoding(paths: list[Path]) -> str:
    """The encoding of most letters in the files that are not Unicode; "" if none is seen."""
    words: dict[str, int] = {}
    for path in paths:
        try:
            blocks, _ = _read_blocks(path)
            if any(block.strip() for block in blocks) and _as_unicode(blocks) is None:
                encoding, _ = _weigh_letters(blocks, "")
                number = len(_foreign_words(blocks))
                words[encoding] = words.get(encoding, 0) + number
        except (NotATable, OSError):
            continue
    return min(words, key=lambda name: (-words[name], name)) if words else ""


def guess_encoding(blocks: list[bytes], usual: str = "") -> tuple[str, str]:
    """The encoding of a text seen in blocks, and why.

    usual: that of the files beside it. Raises NotATable for what is no text.
    """
    return _as_unicode(blocks) or _weigh_letters(blocks, usual)


def _as_unicode(blocks: list[bytes]) -> tuple[str, str] | None:
    head = blocks[0]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "its first bytes say so"
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8", "its first bytes say so"
    start = head[:4096]
    if b"\0" in start:
        evens, odds = start[0::2].count(0), start[1::2].count(0)
        wide = "utf-16-le" if odds else "utf-16-be"
        if min(evens, odds) == 0 and _is_readable(start, wide):
            return wide, "two bytes make a letter"
        raise NotATable("it holds bytes that no text has")
    if all(_is_utf8(block, first=not position) for position, block in enumerate(blocks)):
        plain = all(block.isascii() for block in blocks)
        return "utf-8", PLAIN_LETTERS if plain else "every letter fits"
    return None


def _is_readable(start: bytes, encoding: str) -> bool:
    text = start[: len(start) // 2 * 2].decode(encoding, "replace")
    printable = sum(letter.isprintable() or letter in "\r\n\t" for letter in text)
    return printable > 0.98 * len(text)


def _is_utf8(block: bytes, first: bool) -> bool:
    # A block may begin and end within a letter.
    begins = (i for i in range(4) if not 0x80 <= (block[i] if i < len(block) else 0) < 0xC0)
    begin = 0 if first else next(begins, 0)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(block[begin:])
    except UnicodeDecodeError:
        return False
    return True


def _foreign_words(blocks: list[bytes]) -> list[bytes]:
    """Words with letters beyond the plain ones, each once.

    A letter that stands before ten thousand keys says nothing more than once.
    """
    words = (word for block in blocks for word in re.findall(WORD, block))
    return list(islice(dict.fromkeys(words), WORDS_WEIGHED))


def _fits_money_signs(words: list[bytes], encoding: str) -> bool:
    """Whether all that is not a plain letter are signs of money or spaces in an encoding."""
    try:
        text = b" ".join(words).decode(encoding)
    except UnicodeDecodeError:
        return False
    return all(letter.isascii() or letter in "€£¥§№°«»–— \u00a0’“”„" for letter in text)


def _weigh_letters(blocks: list[bytes], usual: str) -> tuple[str, str]:
    words = _foreign_words(blocks)
    for name in ("cp1252", "cp1251"):
        if _fits_money_signs(words, name):
            return name, "its only letters beyond the plain ones are signs such as €"
    chosen, reason = _read_best(b" ".join(words))
    if usual != chosen and len(words) < FEWEST_WORDS and _could_be(b" ".join(words), usual):
        return usual, "its few letters can be read like those of the files beside it"
    if not chosen:
        raise NotATable("its letters fit no encoding that is known here; it may not be text")
    return chosen, reason


def _read_best(sample: bytes) -> tuple[str, str]:
    from charset_normalizer import from_bytes

    found = from_bytes(sample, cp_isolation=list(ENCODINGS))
    names = [name for match in found for name in (match.encoding, *match.could_be_from_charset)]
    best = found.best()
    if best is None:
        return "", ""
    alike = [best.encoding, *best.could_be_from_charset]
    # Western and Central European letters often coincide: the western name is the usual one.
    chosen = "cp1252" if "cp1252" in alike else str(best.encoding)
    others = list(dict.fromkeys(IN_WORDS.get(n, n) for n in names if n != chosen))
    doubt = f"; it could also be {', '.join(others[:3])}" if others else ""
    return IN_WORDS.get(chosen, chosen), f"it is not utf-8, and its letters read best so{doubt}"


def _could_be(sample: bytes, encoding: str) -> bool:
    """Whether all bytes are letters, spaces or signs that tables hold."""
    try:
        text = sample.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    # No word is half Latin and half Cyrillic.
    mixed = re.search(r"[A-Za-z][\u0400-\u04ff]|[\u0400-\u04ff][A-Za-z]", text)
    return not mixed and all(
        letter.isascii() or letter.isalpha() or letter in "€£¥§№°«»–— \u00a0’“”„" for letter in text
    )


def _decode(blocks: list[bytes], encoding: str) -> list[str]:
    texts = []
    for position, block in enumerate(blocks):
        if encoding == "utf-16" and position:
            little = blocks[0].startswith(codecs.BOM_UTF16_LE)
            text = block.decode("utf-16-le" if little else "utf-16-be", "ignore")
        else:
            text = block.decode(encoding, "ignore")
        texts.append(text.removeprefix("\ufeff"))
    return texts


def guess_delimiter(text: str) -> str:
    """The separator under which most lines have equally many fields, more than one."""
    lines = [line for line in text[:200_000].splitlines() if line.strip()][:200]
    if len(text) > 200_000:
        lines = lines[:-1] or lines
    best, best_rank = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        try:
            rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter))
        except csv.Error:
            continue
        widths = Counter(len(row) for row in rows if len(row) > 1)
        # The first line may be a title.
        first = len(rows[0]) if rows else 0
        width = first if first > 1 else max(widths, key=lambda w: (widths[w], w), default=0)
        if width > 1 and (first > 1 or widths[width] >= 0.5 * len(rows)):
            rank = (widths[width] / len(rows), width)
            if rank > best_rank:
                best, best_rank = delimiter, rank
    return best


def _parse(texts: list[str], delimiter: str) -> tuple[tuple[str, ...], list[list[str]], int, int]:
    from analysis.intake.proposal.rows_apart import header_position

    skipped = 0
    header: tuple[str, ...] = ()
    rows: list[list[str]] = []
    broken = 0
    for position, text in enumerate(texts):
        lines = text
        if position or len(texts) > 1:
            # A block begins and ends within a line.
            begin = re.search(r"\n", lines) if position else None
            lines = lines[begin.end() if begin else 0 :]
            if position < len(texts) - 1:
                lines = lines[: lines.rfind("\n") + 1]
        try:
            every = list(csv.reader(io.StringIO(lines, newline=""), delimiter=delimiter))
        except csv.Error as error:
            raise NotATable(f"it cannot be read as a table ({error})") from None
        if not position:
            skipped = header_position(every[:LINES_FOR_A_HEADER])
            every = every[skipped:]
        parsed = [row for row in every if row]
        if not position:
            header = tuple(name.strip() for name in parsed[0]) if parsed else ()
            parsed = parsed[1:]
        fitting = [row for row in parsed if len(row) == len(header)]
        broken += 0 if position else len(parsed) - len(fitting)
        rows += fitting
    return header, rows, broken, skipped
