"""Compare what unhappy customers write with what happy ones write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.methods.comments.log_odds import pooled_prior, weighted_log_odds
from analysis.methods.comments.reading import (
    MOODS,
    CommentsRead,
    Key,
    Mood,
    Users,
    read_comments,
)
from analysis.methods.comments.words import Language
from analysis.methods.estimate import CannotEstimate, Estimate, NotEstimable
from analysis.methods.intervals import from_standard_error, holm, p_value_normal

# No term is told that fewer customers used: it could be somebody's own words.
FEWEST_CUSTOMERS = 8
# Terms written by nearly the same unhappy (or happy) customers say one thing once.
SAME_CUSTOMERS = 0.8
MOST_COMPANIONS = 3
SIGNIFICANCE = 0.05
METHOD = "log-odds with informative Dirichlet prior"
LANGUAGE_NAMES: dict[Language, str] = {"en": "English", "ru": "Russian"}


@dataclass(frozen=True, slots=True)
class CommentTerm:
    """A word or pair, and who writes it. Never a sentence of a customer.

    term: as most often written. stem: what is counted. words: one or two.
    unhappy, happy: customers of each group who used it; customers: of both, each once.
    log_odds: unhappy against happy; z: over its standard error, positive among the unhappy.
    p_value, adjusted_p_value: two-sided; Holm's over all terms of the language.
    companions: other terms that nearly the same customers used. repeats: the term is itself such
    a companion of one ranked higher. touchpoint: where the unhappy use it more than elsewhere, ""
    where nowhere in particular.
    """

    term: str
    stem: str
    language: Language
    words: int
    unhappy: int
    happy: int
    customers: int
    log_odds: Estimate
    z: float
    p_value: float
    adjusted_p_value: float
    companions: tuple[str, ...] = ()
    repeats: bool = False
    touchpoint: str = ""

    @property
    def distinguishable(self) -> bool:
        return self.adjusted_p_value <= SIGNIFICANCE


@dataclass(frozen=True, slots=True)
class TouchpointTerm:
    """A term among the unhappy at one touchpoint (here) against the unhappy elsewhere."""

    touchpoint: str
    term: str
    stem: str
    language: Language
    here: int
    elsewhere: int
    log_odds: Estimate
    z: float
    p_value: float
    adjusted_p_value: float


@dataclass(frozen=True, slots=True)
class LanguageBase:
    """Customers who wrote in a language, by group: what shares of a term are shares of."""

    language: Language
    unhappy: int
    happy: int


@dataclass(frozen=True, slots=True)
class CommentStudy:
    """Terms by language, most typical of the unhappy first.

    bases: languages compared. unavailable: (language, reason) for those that were not.
    touchpoint_terms: by touchpoint, most typical first. comments: with words, by group.
    unread: comments without a word in either script.
    """

    terms: tuple[CommentTerm, ...]
    touchpoint_terms: tuple[TouchpointTerm, ...]
    bases: tuple[LanguageBase, ...]
    unavailable: tuple[tuple[Language, NotEstimable], ...]
    unhappy_comments: int
    happy_comments: int
    unread: int

    def top(
        self, language: Language, count: int = 5, mood: Mood = "unhappy"
    ) -> tuple[CommentTerm, ...]:
        """The most typical terms of a group that chance does not explain, each saying its own."""
        sign = 1 if mood == "unhappy" else -1
        found = [
            term
            for term in self.terms
            if term.language == language
            and sign * term.z > 0
            and term.distinguishable
            and not term.repeats
        ]
        return tuple(sorted(found, key=lambda term: -sign * term.z)[:count])

    def at_touchpoint(
        self, touchpoint: str, language: Language, count: int = 5
    ) -> tuple[TouchpointTerm, ...]:
        """What the unhappy write about a touchpoint more than about others."""
        found = (
            term
            for term in self.touchpoint_terms
            if (term.touchpoint, term.language) == (touchpoint, language)
            and term.z > 0
            and term.adjusted_p_value <= SIGNIFICANCE
        )
        return tuple(found)[:count]


def compare_comments(
    comments: Sequence[str | None],
    scores: Iterable[float],
    customers: Sequence[object],
    unhappy_to: float,
    happy_from: float,
    touchpoints: Sequence[str] | None = None,
) -> CommentStudy:
    """What customers with low scores write that those with high scores do not.

    comments, scores, customers, touchpoints: one per answer (n). Scores up to `unhappy_to` are
    unhappy, from `happy_from` on happy; answers between, without a score or without a comment are
    left out. Customers are told apart by their names.
    Raises CannotEstimate where there are no comments, none by one of the groups, or no term that
    eight customers used.
    """
    read = read_comments(comments, scores, customers, unhappy_to, happy_from, touchpoints)
    terms: list[CommentTerm] = []
    placed: list[TouchpointTerm] = []
    bases: list[LanguageBase] = []
    unavailable: list[tuple[Language, NotEstimable]] = []
    for language in LANGUAGE_NAMES:
        try:
            base, found = _compare_language(read, language)
        except CannotEstimate as cannot:
            unavailable.append((language, NotEstimable(cannot.reason)))
            continue
        here = _compare_touchpoints(read, language)
        bases.append(base)
        placed += here
        terms += _with_touchpoints(found, here)
    if not bases:
        raise CannotEstimate(_common_reason(read, unavailable))
    return CommentStudy(
        tuple(terms),
        tuple(placed),
        tuple(bases),
        tuple(unavailable),
        read.comments["unhappy"],
        read.comments["happy"],
        read.unread,
    )


def _common_reason(read: CommentsRead, unavailable: list[tuple[Language, NotEstimable]]) -> str:
    """Why no language could be compared, in one sentence."""
    for mood, called in zip(MOODS, ("an unhappy", "a happy"), strict=True):
        if not read.comments[mood]:
            if read.unread:
                return f"No comment by {called} customer holds a word in Latin or Cyrillic letters."
            return f"No comment was left by {called} customer, so there is nothing to compare."
    return " ".join(reason.reason for _, reason in unavailable)


def _compare_language(
    read: CommentsRead, language: Language
) -> tuple[LanguageBase, list[CommentTerm]]:
    name = LANGUAGE_NAMES[language]
    base = LanguageBase(language, *(len(read.writers[mood][language]) for mood in MOODS))
    if not base.unhappy and not base.happy:
        raise CannotEstimate(f"No comment is written in {name}.")
    for count, called in ((base.unhappy, "unhappy"), (base.happy, "happy")):
        if count < FEWEST_CUSTOMERS:
            raise CannotEstimate(
                f"Fewer than {FEWEST_CUSTOMERS} {called} customers left a comment in {name}, too few "
                "to compare words without showing somebody's own."
            )
    unhappy, happy = read.users["unhappy"], read.users["happy"]
    everybody = {
        key: unhappy.get(key, set()) | happy.get(key, set())
        for key in sorted(read.display)
        if key[0] == language
    }
    keys = [key for key, who in everybody.items() if len(who) >= FEWEST_CUSTOMERS]
    if not keys:
        raise CannotEstimate(
            f"No word was used in {name} by {FEWEST_CUSTOMERS} customers or more, so none is told."
        )
    compared = _log_odds(keys, unhappy, happy, base.unhappy, base.happy)
    terms = [
        CommentTerm(
            read.display[key], key[1], language, read.words[key],
            len(unhappy.get(key, ())), len(happy.get(key, ())), len(everybody[key]),
            estimate, z, p, adjusted,
        )
        for key, (estimate, z, p, adjusted) in zip(keys, compared, strict=True)
    ]  # fmt: skip
    # Of terms that the same customers used a pair says more than its words.
    terms.sort(key=lambda term: (-round(term.z, 9), -term.words, term.stem))
    return base, _grouped(terms, unhappy, happy)


def _log_odds(
    keys: list[Key], first: Users, second: Users, first_base: int, second_base: int
) -> list[tuple[Estimate, float, float, float]]:
    """Log-odds with interval, z, p and Holm's p of each term."""
    used, used_by_others = (
        np.array([len(users.get(key, ())) for key in keys]) for users in (first, second)
    )
    prior = pooled_prior(used, used_by_others, first_base, second_base)
    odds = weighted_log_odds(used, used_by_others, first_base, second_base, prior)
    p_values = [p_value_normal(float(z)) for z in odds.z]
    return [
        (
            from_standard_error(float(value), float(error), "log odds ratio", int(n), METHOD),
            float(z),
            p,
            float(adjusted),
        )
        for value, error, n, z, p, adjusted in zip(
            odds.value, odds.standard_error, used + used_by_others, odds.z, p_values,
            holm(p_values), strict=True,
        )
    ]  # fmt: skip


def _grouped(terms: list[CommentTerm], unhappy: Users, happy: Users) -> list[CommentTerm]:
    """Terms that nearly the same customers used are companions of the first ranked."""
    result = {term.stem: term for term in terms}
    for users, ranked in ((unhappy, terms), (happy, terms[::-1])):
        leads: list[CommentTerm] = []
        for term in ranked:
            if (term.z > 0) != (users is unhappy) or not term.distinguishable:
                continue
            key = (term.language, term.stem)
            lead = next((a for a in leads if _same(users[key], users[(a.language, a.stem)])), None)
            if lead is None:
                leads.append(term)
                continue
            result[term.stem] = replace(result[term.stem], repeats=True)
            told = result[lead.stem]
            if len(told.companions) < MOST_COMPANIONS:
                result[lead.stem] = replace(told, companions=(*told.companions, term.term))
    return list(result.values())


def _same(first: set[int], second: set[int]) -> bool:
    both = len(first & second)
    return both >= FEWEST_CUSTOMERS and both >= SAME_CUSTOMERS * len(first | second)


def _compare_touchpoints(read: CommentsRead, language: Language) -> list[TouchpointTerm]:
    """Each touchpoint against all others, among the unhappy; those under eight on a side left out."""
    found: list[TouchpointTerm] = []
    for place in sorted(read.at):
        others = [name for name in read.at if name != place]
        here = read.at_writers[place][language]
        there = set().union(*(read.at_writers[name][language] for name in others))
        if min(len(here), len(there)) < FEWEST_CUSTOMERS:
            continue
        users = read.at[place]
        elsewhere: Users = defaultdict(set)
        for name in others:
            for key, who in read.at[name].items():
                elsewhere[key] |= who
        keys = [
            key
            for key in sorted(set(users) | set(elsewhere))
            if key[0] == language
            and len(users.get(key, set()) | elsewhere.get(key, set())) >= FEWEST_CUSTOMERS
        ]
        if not keys:
            continue
        compared = _log_odds(keys, users, elsewhere, len(here), len(there))
        found += [
            TouchpointTerm(
                place, read.display[key], key[1], language, len(users.get(key, ())),
                len(elsewhere.get(key, ())), *numbers,
            )
            for key, numbers in zip(keys, compared, strict=True)
        ]  # fmt: skip
    # One family: all terms at all touchpoints of the language.
    adjusted = holm([term.p_value for term in found])
    found = [
        replace(term, adjusted_p_value=float(p)) for term, p in zip(found, adjusted, strict=True)
    ]
    return sorted(found, key=lambda term: (term.touchpoint, -round(term.z, 9), term.stem))


def _with_touchpoints(terms: list[CommentTerm], placed: list[TouchpointTerm]) -> list[CommentTerm]:
    best: dict[str, TouchpointTerm] = {}
    for place in placed:
        if place.z > 0 and place.adjusted_p_value <= SIGNIFICANCE:
            known = best.get(place.stem)
            if known is None or place.z > known.z:
                best[place.stem] = place
    return [
        replace(term, touchpoint=best[term.stem].touchpoint) if term.stem in best else term
        for term in terms
    ]
