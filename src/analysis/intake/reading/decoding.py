"""Bytes into text: strictly, in the declared encoding, block by block."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from analysis.intake.notes import Note
from analysis.intake.reading.garbling import Garbling
from analysis.intake.reading.refusals import refuse
from analysis.intake.settings import Reading

BLOCK_BYTES = 1 << 20
LONGEST_LINE = 10_000_000
# The mark of UTF-32 begins like that of UTF-16: it comes first.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF8, "utf-8", ""),
)
# In an encoding of one byte per character, text is UTF-8 by accident never; where two bytes make
# a character, a few may be.
FEW_CHARACTERS = 20


def decoded_lines(path: Path, reading: Reading, notes: list[Note]) -> Iterator[str]:
    """The text of a file in pieces that end where lines end; repairs are added to `notes`.

    Raises DataError on bytes that are not in the declared encoding, on NUL, on text that is
    garbled, and on a line without end. A piece holds about a million characters at most, unless
    a line is longer.
    """
    encoding = _encoding_by_mark(path, reading, notes)
    garbling = Garbling()
    held = ""
    lines = 0
    for text in _decoded_blocks(path, encoding, notes):
        held += text
        cut = held.rfind("\n") + 1
        if not cut:
            # Line ends of old Macs; one at the end may be half of a pair.
            cut = held.rfind("\r", 0, -1) + 1
        if not cut:
            if len(held) > LONGEST_LINE:
                raise refuse(path.name, f"line {lines + 1} has no end; is this a text file?")
            continue
        piece, held = held[:cut], held[cut:]
        garbling.look_at(piece)
        yield piece
        lines += piece.count("\n")
    if held:
        garbling.look_at(held)
        yield held
    _judge(garbling, encoding, path, notes)


def _encoding_by_mark(path: Path, reading: Reading, notes: list[Note]) -> str:
    with path.open("rb") as stream:
        start = stream.read(4)
    for mark, encoding, name in MARKS:
        if start.startswith(mark):
            if name:
                notes.append(Note("repair", f"{path.name}: read as {name}, as its first bytes say"))
            return encoding
    return reading.encoding


def _decoded_blocks(path: Path, encoding: str, notes: list[Note]) -> Iterator[str]:
    try:
        decoder = codecs.getincrementaldecoder(encoding)()
    except LookupError:
        raise refuse(path.name, f"reading.encoding {encoding!r} is not known") from None
    shadow = _ShadowOfUtf8(encoding)
    position = lines = 0
    is_start = True
    with path.open("rb") as source:
        while True:
            block = source.read(BLOCK_BYTES)
            try:
                text = decoder.decode(block, final=not block)
                if not text.isascii():
                    text.encode()  # halves of characters, which UTF-7 lets through
            except UnicodeError as error:
                place = _place(error, block, position, lines)
                raise refuse(
                    path.name,
                    f"{place} is not {encoding}; write the file's encoding under "
                    "reading.encoding (cp1251, utf-16 …)",
                ) from None
            if is_start and text:
                is_start = False
                if text[0] == "\ufeff":
                    text = text[1:]
                    notes.append(Note("repair", f"{path.name}: byte order mark taken off"))
            if "\0" in text:
                line = lines + text[: text.index("\0")].count("\n") + 1
                raise refuse(
                    path.name,
                    f"line {line} holds NUL bytes, which cut values off; export it again, or "
                    "write encoding: utf-16-le under reading if it is UTF-16 without a mark",
                )
            shadow.look_at(block)
            yield text
            position += len(block)
            lines += text.count("\n")
            if not block:
                break
    if shadow.is_utf8():
        raise refuse(
            path.name,
            f"the text is garbled when read as {encoding}: the file is UTF-8; write encoding: "
            "utf-8 under reading",
        )


def _place(error: UnicodeError, block: bytes, position: int, lines: int) -> str:
    if isinstance(error, UnicodeDecodeError):
        # A decoder that kept the beginning of a character counts from there.
        read = bytes(error.object)
        before = position + len(block) - len(read) + error.start
        line = lines + read[: error.start].count(b"\n") + 1
        return f"line {line}, byte {before + 1}"
    return f"something after line {lines + 1}"


class _ShadowOfUtf8:
    """Whether the bytes of a file that is declared otherwise are UTF-8 from end to end."""

    def __init__(self, encoding: str) -> None:
        name = codecs.lookup(encoding).name
        self.decoder: codecs.IncrementalDecoder | None = None
        if not name.startswith("utf"):
            self.decoder = codecs.getincrementaldecoder("utf-8")()
        high = bytes(range(0x80, 0x100))
        self.needed = 1 if len(high.decode(encoding, "replace")) == len(high) else FEW_CHARACTERS
        self.characters = 0

    def look_at(self, block: bytes) -> None:
        if self.decoder is None:
            return
        try:
            text = self.decoder.decode(block, final=not block)
        except UnicodeDecodeError:
            self.decoder = None
            return
        if not text.isascii():
            self.characters += len(text) - len(text.encode("ascii", "ignore"))

    def is_utf8(self) -> bool:
        return self.decoder is not None and self.characters >= self.needed


def _judge(garbling: Garbling, encoding: str, path: Path, notes: list[Note]) -> None:
    if not garbling.garbled:
        return
    if garbling.is_general:
        raise refuse(
            path.name,
            f"the text is garbled; it is not really {encoding}: write the encoding that was used "
            "under reading.encoding, or export the file again if it was saved so",
            examples=tuple(garbling.examples),
        )
    notes.append(
        Note(
            "warning",
            f"{path.name}: some text was garbled before it was exported, such as "
            f"{garbling.examples[0]!r}; it is shown as it is",
            count=garbling.places,
        )
    )
