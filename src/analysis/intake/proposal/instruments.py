"""Which instrument answers are of, and which of them stand for none."""

from __future__ import annotations

import re
from collections.abc import Container
from functools import cache

from analysis.intake.proposal.looking import Look
from analysis.intake.proposal.values import ColumnLook
from analysis.intake.proposal.vocabulary import likeness, plain_words

INSTRUMENT_WORDS = {
    "nps": "nps; net promoter; net promoter score; recommend; recommendation; likelihood to recommend; "
    "would recommend; empfehlung; weiterempfehlung; рекомендация; готовность рекомендовать; порекомендуете; "
    "recommandation; recomendacion",
    "csat": "csat; satisfaction; customer satisfaction; overall satisfaction; satisfaction score; "
    "zufriedenheit; gesamtzufriedenheit; удовлетворенность; satisfaccion; soddisfazione; zadowolenie",
    "ces": "ces; effort; customer effort; effort score; ease; aufwand; усилия; простота; легкость; esfuerzo",
    "csi": "csi; satisfaction index; csi score; индекс удовлетворенности",
}  # fmt: skip


# A whole question as a column's name: its instrument by the stem that carries it.
QUESTION_STEMS = {
    "nps": r"recommend|empfehl|реком|рекоменд|порекоменд|recommand|recomend|raccomand|polec|aanbevel",
    "ces": r"effort|\beasy\b|\bease\b|easily|aufwand|einfach|leicht|легко|усили|просто|facil|facile|moeite",
    "csat": r"satisf|zufrieden|удовлетвор|доволь|zadowol|soddisf|tevreden",
}


WORDS_OF_A_QUESTION = 4


def _asked(words: str) -> str:
    """The instrument of a question written out in words, or "" if it speaks of none or several."""
    if len(words.split()) < WORDS_OF_A_QUESTION:
        return ""
    found = [name for name, stems in QUESTION_STEMS.items() if re.search(stems, words)]
    return found[0] if len(found) == 1 else ""


@cache
def instrument_named(name: str) -> str:
    """The instrument that a column's or file's name stands for, or ""."""
    asked = _asked(plain_words(name))
    if asked:
        return asked
    best, found = 0.69, ""
    for instrument, synonyms in INSTRUMENT_WORDS.items():
        alike = likeness(name, instrument, synonyms)
        if instrument in plain_words(name).split():
            alike = 1.0
        if alike > best:
            best, found = alike, instrument
    return found


NO_ANSWER = {"-1", "-9", "77", "88", "97", "98", "99", "999"}


def instrument_of(look: Look, columns: dict[str, ColumnLook], score: str) -> str:
    """The instrument of a file's only score: from a name, or else from the range it fills."""
    for name in (score, look.sheet, look.table, look.file):
        found = instrument_named(name) if name else ""
        if found:
            return found
    shape = columns[score]
    low, high = answered_range(shape)
    if shape.kind != "number" or not shape.whole_numbers or low < 0:
        return ""
    if low == 0 or high == 10:
        return "nps" if high <= 10 else ""
    return "csat" if high <= 5 else "ces" if high <= 7 else ""


def no_answer_codes(shape: ColumnLook) -> tuple[str, ...]:
    """Numbers in a column of answers that usually stand for “no answer”."""
    return tuple(sorted(word for word, _ in shape.words if word in NO_ANSWER))


def answered_range(shape: ColumnLook) -> tuple[float, float]:
    """Lowest and highest answer without the codes for “no answer”."""
    if shape.kind != "number" or not no_answer_codes(shape):
        return shape.low, shape.high
    real = [word.replace(",", ".") for word, _ in shape.words if word not in NO_ANSWER]
    numbers = [float(word) for word in real if word.replace(".", "", 1).isdigit()]
    return (min(numbers), max(numbers)) if numbers else (shape.low, shape.high)


def answer_columns(columns: dict[str, ColumnLook], leads: Container[str]) -> dict[str, str]:
    """Columns that each hold the answers of one instrument, in a table that is wide: {column: nps}."""
    if "instrument" in leads and "score" in leads:
        return {}
    found: dict[str, str] = {}
    for name, shape in columns.items():
        instrument = instrument_named(name)
        low, high = answered_range(shape)
        within = shape.kind == "number" and low >= 0 and high <= 10
        if instrument and within and instrument not in found.values():
            found[name] = instrument
    return found if len(found) > 1 else {}
