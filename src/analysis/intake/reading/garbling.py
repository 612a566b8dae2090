"""Text that was decoded wrongly somewhere on its way: “РњРѕСЃРєРІР°”, “SÃ£o”, “Ìîñêâà”."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# What the continuation bytes of UTF-8 look like when read as latin-1 or cp1252.
_TAIL = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
# Pairs and triples that no language writes: UTF-8 read as latin-1 or cp1252.
_UTF8_AS_WESTERN = re.compile(
    rf"(?:[ÃÐÑÂÎÏ][{_TAIL}]){{2,}}|(?<=[a-z])[ÃÂÅÄ][{_TAIL}](?=[a-z\s,;.\"]|$)"
    "|â(?:€|\u0080)[\u0080-\u00bf™œžšŸ“”˜¦]"
)
# UTF-8 read as cp1251: “Р” or “С” before letters that do not follow them three times in a row.
_UTF8_AS_CYRILLIC = re.compile(
    r"(?:[РС][\u0400-\u040f\u0450-\u045f°±²³µ¶·»јѕ‚ѓ„…†‡€‰‹‘’“”•–—™›]){3,}"
)
# cp1251 or another national code page read as latin-1: words of accented letters only.
_PAGE_AS_WESTERN = re.compile(r"(?<![A-Za-zÀ-ÖØ-öø-ÿ])[À-ÖØ-öø-ÿ]{5,}(?![A-Za-zÀ-ÖØ-öø-ÿ])")
# The patterns are slow on long texts; no match is possible without one of these.
_WESTERN_SIGNS = ("Ã", "Ð", "Ñ", "Â", "Î", "Ï", "Å", "Ä", "â€", "â\u0080")
_CYRILLIC_SIGNS = ("Р°", "Рѕ", "Рµ", "Рё", "РЅ", "СЂ", "С‚", "СЃ", "Р»")
# A file was written in one encoding: if so much of it says nothing, all of it may be wrong.
GARBLED_SHARE_REFUSED = 0.05
SAMPLED_CHARACTERS = 4_000_000
MOST_SHOWN = 40


@dataclass(slots=True)
class Garbling:
    """Counts of characters beyond ASCII, and of those that are garbled, as a text passes by."""

    foreign: int = 0
    garbled: int = 0
    places: int = 0
    examples: list[str] = field(default_factory=list)
    sampled: int = 0

    def look_at(self, text: str) -> None:
        """Count what is garbled in whole lines of text."""
        if text.isascii():
            return
        self.foreign += len(text) - len(text.encode("ascii", "ignore"))
        if any(sign in text for sign in _WESTERN_SIGNS):
            self._count(_UTF8_AS_WESTERN, text)
        if any(sign in text for sign in _CYRILLIC_SIGNS):
            self._count(_UTF8_AS_CYRILLIC, text)
        if self.sampled < SAMPLED_CHARACTERS:
            self.sampled += len(text)
            self._count(_PAGE_AS_WESTERN, text)

    def _count(self, pattern: re.Pattern[str], text: str) -> None:
        for match in pattern.finditer(text):
            found = match.group()
            self.garbled += len(found)
            self.places += 1
            if len(self.examples) < 3:
                self.examples.append(found[:MOST_SHOWN])

    @property
    def is_general(self) -> bool:
        """Whether so much is garbled that the encoding must be wrong."""
        return self.garbled >= max(1.0, GARBLED_SHARE_REFUSED * self.foreign)
