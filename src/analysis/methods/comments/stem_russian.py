"""Russian words to their stems, by the rules published with the Snowball language (Porter 2001).

Endings are looked for in what follows the first vowel only; the longest that fits is taken, and
those marked below only after а or я.
"""

from __future__ import annotations

import re

# Taken off only after а or я | taken off anywhere.
GERUND = ("в вши вшись", "ив ивши ившись ыв ывши ывшись")
PARTICIPLE = ("ем нн вш ющ щ", "ивш ывш ующ")
VERB = (
    "ла на ете йте ли й л ем н ло но ет ют ны ть ешь нно",
    "ила ыла ена ейте уйте ите или ыли ей уй ил ыл им ым ен ило ыло ено ят ует уют ит ыт ены ить "
    "ыть ишь ую ю",
)
ADJECTIVE = (
    "",
    "ее ие ые ое ими ыми ей ий ый ой ем им ым ом его ого ему ому их ых ую юю ая яя ою ею",
)
NOUN = (
    "",
    "а ев ов ие ье е иями ями ами еи ии и ией ей ой ий й иям ям ием ем ам ом о у ах иях ях ы ь ию "
    "ью ю ия ья я",
)

Endings = tuple[tuple[str, bool], ...]


def _longest_first(kind: tuple[str, str]) -> Endings:
    after_a, anywhere = kind
    endings = [(ending, True) for ending in after_a.split()]
    endings += [(ending, False) for ending in anywhere.split()]
    return tuple(sorted(endings, key=lambda pair: (-len(pair[0]), pair[0])))


_GERUND, _PARTICIPLE, _VERB = (_longest_first(kind) for kind in (GERUND, PARTICIPLE, VERB))
_ADJECTIVE, _NOUN = _longest_first(ADJECTIVE), _longest_first(NOUN)
_FIRST_VOWEL = re.compile("[аеиоуыэюя]")
_REGION = re.compile("[аеиоуыэюя][^аеиоуыэюя]")


def stem_russian(word: str) -> str:
    """The stem of a lower-case Russian word written with е for ё."""
    vowel = _FIRST_VOWEL.search(word)
    if vowel is None:
        return word
    head, tail = word[: vowel.end()], word[vowel.end() :]
    second = _second_region(word)
    shorter = _cut(tail, _GERUND)
    if shorter is None:
        shorter = _without_inflection(re.sub("(ся|сь)$", "", tail))
    shorter = shorter.removesuffix("и")
    ending = re.search("ость?$", shorter)
    if ending and len(head) + ending.start() >= second:
        shorter = shorter[: ending.start()]
    return head + _tidied(shorter)


def _second_region(word: str) -> int:
    """Where the part begins that follows the second consonant after a vowel."""
    place = 0
    for _ in range(2):
        found = _REGION.search(word, place)
        if found is None:
            return len(word)
        place = found.end()
    return place


def _cut(tail: str, endings: Endings) -> str | None:
    """The tail without the longest ending that fits; None where none does."""
    for ending, only_after_a in endings:
        if tail.endswith(ending):
            rest = tail[: -len(ending)]
            return None if only_after_a and not rest.endswith(("а", "я")) else rest
    return None


def _without_inflection(tail: str) -> str:
    adjective = _cut(tail, _ADJECTIVE)
    if adjective is not None:
        participle = _cut(adjective, _PARTICIPLE)
        return adjective if participle is None else participle
    verb = _cut(tail, _VERB)
    if verb is not None:
        return verb
    noun = _cut(tail, _NOUN)
    return tail if noun is None else noun


def _tidied(tail: str) -> str:
    superlative = re.search("ейше?$", tail)
    if superlative:
        tail = tail[: superlative.start()]
        return tail[:-1] if tail.endswith("нн") else tail
    if tail.endswith("нн"):
        return tail[:-1]
    return tail.removesuffix("ь")
