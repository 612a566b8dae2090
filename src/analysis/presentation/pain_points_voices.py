"""What unhappy customers write, in words that many of them used: never a comment itself."""

from __future__ import annotations

from analysis.disclosure import Disclosure
from analysis.methods.comments import CommentTerm
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.pain_points.depth import PainDepth
from analysis.methods.pain_points.study import PainStudy
from analysis.methods.pain_points.voices import words_at
from analysis.presentation.output import show_reason, show_sentence, show_table
from analysis.presentation.pain_points_words import MOST_NAMED, place_name
from analysis.presentation.tables import html_table
from analysis.presentation.wording import NO_VALUE, format_share, message

TERMS_SHOWN = 5


def language_name(language: str) -> str:
    """A language as readers know it."""
    return {"en": message("English"), "ru": message("Russian")}.get(language, language)


def show_words(depth: PainDepth, study: PainStudy) -> None:
    """What unhappy customers write about the pain points, one sentence for each."""
    if isinstance(depth.words, NotEstimable):
        show_reason(depth.words)
        return
    shown = 0
    for pain in study.pains[:MOST_NAMED]:
        said = "; ".join(
            message(
                "{terms} ({language})",
                terms=", ".join(f"“{term}”" for term in terms), language=language_name(language),
            )
            for language, terms in words_at(depth.words, pain.gap.place).items()
        )  # fmt: skip
        if said:
            shown += 1
            show_sentence(
                message(
                    "What unhappy customers write mostly about {name}: {said}.",
                    name=place_name(pain.gap.place), said=said,
                )
            )  # fmt: skip
    if not shown:
        top = [
            term.term for base in depth.words.bases for term in depth.words.top(base.language, 3)
        ]
        if top:
            terms = ", ".join(f"“{term}”" for term in top)
            show_sentence(
                message("Unhappy customers write, and happy ones do not: {terms}.", terms=terms)
            )
        else:
            show_sentence(
                message("Unhappy customers write no word that happy ones do not, beyond chance.")
            )


def _term(term: CommentTerm) -> str:
    if not term.companions:
        return term.term
    return message("{term}\nwith {others}", term=term.term, others=", ".join(term.companions))


def show_words_table(depth: PainDepth, disclosure: Disclosure) -> None:
    """The words most typical of unhappy customers, by language, and where they go."""
    words = depth.words
    if isinstance(words, NotEstimable):
        show_reason(words)
        return
    rows: list[list[str]] = []
    estimates: dict[str, Estimate] = {}
    for base in words.bases:
        for term in words.top(base.language, TERMS_SHOWN):
            unhappy = disclosure.share(term.unhappy, base.unhappy)
            happy = disclosure.share(term.happy, base.happy)
            rows.append(
                [
                    _term(term), language_name(base.language),
                    place_name(term.touchpoint) if term.touchpoint else NO_VALUE,
                    NO_VALUE if unhappy is None else format_share(unhappy, 0),
                    NO_VALUE if happy is None else format_share(happy, 0),
                ]
            )  # fmt: skip
            estimates[f"{base.language}, {term.term}"] = term.log_odds
    if rows:
        header = [
            message("word or pair"), message("language"), message("mostly about"),
            message("of the unhappy"), message("of the happy"),
        ]  # fmt: skip
        note = message(
            "Of the customers who wrote in the language, each once. In the order of the log-odds with an "
            "informative prior (Monroe, Colaresi & Quinn 2008); words that chance explains, and words of "
            "fewer than eight, are left out. Beneath: words of the same customers. Dashes: nowhere in "
            "particular, or fewer than eight."
        )
        html = html_table(
            header, rows, message("What unhappy customers write that happy ones do not"), 3, note
        )
        show_table(html, "words-of-the-unhappy", estimates, disclosure)
    else:
        show_sentence(
            message("Unhappy customers write no word that happy ones do not, beyond chance.")
        )
    for _, reason in words.unavailable:
        show_sentence(reason.reason)
