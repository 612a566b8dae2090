"""Comments to terms: words and pairs by their stems, in Russian and English.

The script of a word decides its language: Cyrillic is read as Russian, Latin as English. Whatever
holds a digit (order numbers, telephone numbers, prices) or looks like an address is left out, so
that a term is letters only.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from analysis.methods.comments.stem_english import stem_english
from analysis.methods.comments.stem_russian import stem_russian

Language = Literal["ru", "en"]

LONGEST_WORD = 40
# So many stop words may lie between the words of a pair ("hard to understand").
MOST_BETWEEN = 2


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Kept in pairs ("not working", "не работает"), never a term alone.
NEGATIONS = _listed("no not never without cannot не нет ни без никогда")
STOP_ENGLISH = _listed(
    "a about after all also am an and any are as at be because been before being but by can "
    "could did do does doing done down for from get gets getting got had has have having he her "
    "here hers him his how i if in into is it its just let like made make many may me might mine "
    "more most much must my now of off on once one only or other our ours out over own per please "
    "rather really same shall she should so some still such than that the their theirs them then "
    "there these they this those though through to too two under until up upon us very was we "
    "were what when where which while who whom whose why will with would yet you your yours "
    "i'm i've i'll i'd it's that's there's he's she's they're they've we're we've we'll you're "
    "you've let's oh ok okay"
)
STOP_RUSSIAN = _listed(
    "а бы был была были было быть в вам вас ваш ваша ваше ваши весь во вот все всего всем всех всю "
    "вы да даже для до если есть еще же за здесь и из изо или им их к как какая какие какой ко "
    "когда которая которое которые который кто ли либо меня мне мной мною мой моя мое мои мы на "
    "над нам нами нас наш наша наше наши него нее ней нем ним них но ну о об обо однако он она они "
    "оно от ото очень по под после потом потому при про раз с сам сама сами само свой своя "
    "свое свои себе себя со так также такая такие такое такой там тебя тем то того тоже той только "
    "том тот ты у уж уже хотя чего чем что чтоб чтобы эта эти это этого этой этом этот эту я бывает "
    "просто вообще снова пока тут туда сюда"
)
STOP_WORDS: dict[Language, frozenset[str]] = {"ru": STOP_RUSSIAN, "en": STOP_ENGLISH}

_ADDRESS_SIGNS = ("://", "@", "www.")
_TOKEN = re.compile(r"[^\W_]+(?:['’ʼ\-‐‑][^\W_]+)*|[.!?…;:,()\[\]{}<>«»\"“”|/\\=\n]")
# Soft hyphens, joiners and marks of direction: format characters that break a word unseen.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_CYRILLIC = re.compile("[а-яѐ-ԯ-]+")
_LATIN = re.compile("[a-zà-öø-ɏ'-]+")
# Latin letters that are typed for Cyrillic ones by mistake, in words otherwise Cyrillic.
_LOOKALIKES = str.maketrans("aceopxyk", "асеорхук")
_CONTRACTION = re.compile("(?:n't|^cannot|^cant|^dont|^didnt|^doesnt|^wont)$")


@dataclass(frozen=True, slots=True)
class Term:
    """A word or pair in a comment: its stems, its language, and how it was written."""

    stem: str
    language: Language
    written: str
    words: int


@dataclass(frozen=True, slots=True)
class _Word:
    written: str
    stem: str
    language: Language
    kind: Literal["word", "stop", "negation"]


def normalised(text: str) -> str:
    """A comment in one spelling: NFKC, lower case, е for ё, no invisible characters."""
    text = unicodedata.normalize("NFKC", text).lower().replace("ё", "е")
    return text if text.isascii() else _INVISIBLE.sub("", text)


def _without_addresses(text: str) -> str:
    """The text with mail and web addresses taken for the end of a clause."""
    if not any(sign in text for sign in _ADDRESS_SIGNS):
        return text
    parts = re.split(r"([ \n]+)", text)
    return "".join(
        " ; " if any(sign in part for sign in _ADDRESS_SIGNS) else part for part in parts
    )


@lru_cache(maxsize=65536)
def _word(token: str) -> _Word | None:
    """What a token is; None for what is not a word of either language."""
    token = token.replace("’", "'").replace("ʼ", "'").replace("‐", "-").replace("‑", "-")
    if len(token) > LONGEST_WORD or any(sign.isdigit() for sign in token):
        return None
    if not _LATIN.fullmatch(token) and re.search("[а-я]", token):
        token = token.translate(_LOOKALIKES)
    language: Language
    if _CYRILLIC.fullmatch(token):
        language, stem = "ru", stem_russian(token)
    elif _LATIN.fullmatch(token):
        language, stem = "en", stem_english(token)
    else:
        return None
    if token in NEGATIONS or _CONTRACTION.search(token):
        return _Word(token, "не" if language == "ru" else "not", language, "negation")
    if token in STOP_WORDS[language] or len(token) < 2:
        return _Word(token, stem, language, "stop")
    return _Word(token, stem, language, "word")


def terms_of(comment: str) -> Iterator[Term]:
    """The words of a comment and the pairs of neighbours within a clause.

    Stop words are no terms and may stand between the two of a pair; a negation is half a pair.
    """
    before: list[_Word] = []
    for token in _TOKEN.findall(_without_addresses(normalised(comment))):
        word = _word(token)
        if word is None:  # punctuation, numbers and other scripts end the clause
            before = []
            continue
        if word.kind == "word":
            yield Term(word.stem, word.language, word.written, 1)
        if word.kind == "stop":
            before = [*before, word] if before and len(before) <= MOST_BETWEEN else []
            continue
        if before and _is_pair(before[0], word):
            written = " ".join(part.written for part in (*before, word))
            yield Term(f"{before[0].stem} {word.stem}", word.language, written, 2)
        before = [word]


def _is_pair(first: _Word, second: _Word) -> bool:
    both_negate = first.kind == second.kind == "negation"
    return first.language == second.language and not both_negate
