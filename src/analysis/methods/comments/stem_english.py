"""English words to their stems, by the rules Porter published as his second stemmer (2002).

Regions: R1 is what follows the first consonant after a vowel, R2 the same within R1. Endings are
taken off only where they lie in the region their rule names, so that short words keep themselves.
"""

from __future__ import annotations

import re

VOWELS = "aeiouy"
DOUBLES = ("bb", "dd", "ff", "gg", "mm", "nn", "pp", "rr", "tt")
BEFORE_LI = "cdeghkmnrt"

EXCEPTIONS = {
    "skis": "ski", "skies": "sky", "dying": "die", "lying": "lie", "tying": "tie", "idly": "idl",
    "gently": "gentl", "ugly": "ugli", "early": "earli", "only": "onli", "singly": "singl",
} | {word: word for word in ("sky", "news", "howe", "atlas", "cosmos", "bias", "andes")}  # fmt: skip
WHOLE_AFTER_PLURAL = frozenset(
    ("inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed")
)
STEP_TWO = (
    ("ization", "ize"), ("ational", "ate"), ("fulness", "ful"), ("ousness", "ous"),
    ("iveness", "ive"), ("tional", "tion"), ("biliti", "ble"), ("lessli", "less"),
    ("entli", "ent"), ("ation", "ate"), ("alism", "al"), ("aliti", "al"), ("ousli", "ous"),
    ("iviti", "ive"), ("fulli", "ful"), ("enci", "ence"), ("anci", "ance"), ("abli", "able"),
    ("izer", "ize"), ("ator", "ate"), ("alli", "al"), ("bli", "ble"), ("ogi", "og"), ("li", ""),
)  # fmt: skip
STEP_THREE = (
    ("ational", "ate"), ("tional", "tion"), ("alize", "al"), ("icate", "ic"), ("iciti", "ic"),
    ("ative", ""), ("ical", "ic"), ("ness", ""), ("ful", ""),
)  # fmt: skip
STEP_FOUR = (
    "ement", "ance", "ence", "able", "ible", "ment", "ant", "ent", "ism", "ate", "iti", "ous",
    "ive", "ize", "ion", "al", "er", "ic",
)  # fmt: skip

_VOWEL = re.compile("[aeiouy]")
_REGION = re.compile("[aeiouy][^aeiouy]")
_LONG_PREFIX = re.compile("^(?:gener|commun|arsen)")
_SHORT_END = re.compile("(?:[^aeiouy][aeiouy][^aeiouywxY]|^[aeiouy][^aeiouy])$")


def stem_english(word: str) -> str:
    """The stem of a lower-case English word; words of one or two letters as they are."""
    if len(word) <= 2:
        return word
    if word in EXCEPTIONS:
        return EXCEPTIONS[word]
    word = word.removeprefix("'")
    word = re.sub("(^|[aeiouy])y", r"\1Y", word)  # a y that sounds as a consonant
    prefix = _LONG_PREFIX.match(word)
    first = prefix.end() if prefix else _region(word, 0)
    second = _region(word, first)
    word = _without_plural(_without_apostrophe(word))
    if word in WHOLE_AFTER_PLURAL:
        return word
    word = _without_past(word, first)
    if len(word) > 2 and word[-1] in "yY" and word[-2] not in VOWELS:
        word = word[:-1] + "i"
    word = _step_two(word, first)
    word = _step_three(word, first, second)
    word = _step_four(word, second)
    return _without_final(word, first, second).replace("Y", "y")


def _region(word: str, start: int) -> int:
    found = _REGION.search(word, start)
    return found.end() if found else len(word)


def _is_short(word: str, first: int) -> bool:
    return first >= len(word) and _SHORT_END.search(word) is not None


def _without_apostrophe(word: str) -> str:
    return re.sub("('s'|'s|')$", "", word)


def _without_plural(word: str) -> str:
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith(("ied", "ies")):
        return word[:-2] if len(word) > 4 else word[:-1]
    if word.endswith(("us", "ss")) or not word.endswith("s"):
        return word
    return word[:-1] if _VOWEL.search(word[:-2]) else word


def _without_past(word: str, first: int) -> str:
    for ending in ("eedly", "eed"):
        if word.endswith(ending):
            start = len(word) - len(ending)
            return word[:start] + "ee" if start >= first else word
    for ending in ("ingly", "edly", "ing", "ed"):
        if word.endswith(ending):
            rest = word[: -len(ending)]
            if not _VOWEL.search(rest):
                return word
            if rest.endswith(("at", "bl", "iz")):
                return rest + "e"
            if rest.endswith(DOUBLES):
                return rest[:-1]
            return rest + "e" if _is_short(rest, first) else rest
    return word


def _step_two(word: str, first: int) -> str:
    for ending, replacement in STEP_TWO:
        if word.endswith(ending):
            start = len(word) - len(ending)
            before = word[start - 1 : start]
            if start < first or (ending == "ogi" and before != "l"):
                return word
            if ending == "li" and (not before or before not in BEFORE_LI):
                return word
            return word[:start] + replacement
    return word


def _step_three(word: str, first: int, second: int) -> str:
    for ending, replacement in STEP_THREE:
        if word.endswith(ending):
            start = len(word) - len(ending)
            allowed = start >= (second if ending == "ative" else first)
            return word[:start] + replacement if allowed else word
    return word


def _step_four(word: str, second: int) -> str:
    for ending in STEP_FOUR:
        if word.endswith(ending):
            start = len(word) - len(ending)
            allowed = start >= second and (ending != "ion" or word[start - 1] in "st")
            return word[:start] if allowed else word
    return word


def _without_final(word: str, first: int, second: int) -> str:
    last = len(word) - 1
    if word.endswith("e"):
        short = _SHORT_END.search(word[:-1]) is not None
        return word[:-1] if last >= second or (last >= first and not short) else word
    return word[:-1] if word.endswith("ll") and last >= second else word
