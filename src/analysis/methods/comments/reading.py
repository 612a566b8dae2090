"""Comments read into who wrote which term; the texts go no further."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from analysis.methods.comments.words import Language, terms_of
from analysis.methods.estimate import CannotEstimate

Mood = Literal["unhappy", "happy"]
MOODS: tuple[Mood, Mood] = ("unhappy", "happy")
Key = tuple[Language, str]
Users = dict[Key, set[int]]


@dataclass(frozen=True, slots=True)
class CommentsRead:
    """Comments read: who used which term, by mood and by touchpoint among the unhappy."""

    users: dict[Mood, Users]
    writers: dict[Mood, dict[Language, set[int]]]
    at: dict[str, Users]
    at_writers: dict[str, dict[Language, set[int]]]
    display: dict[Key, str]
    words: dict[Key, int]
    comments: dict[Mood, int]
    unread: int


def _mood(score: float, unhappy_to: float, happy_from: float) -> Mood | None:
    if score <= unhappy_to:
        return "unhappy"
    return "happy" if score >= happy_from else None


def read_comments(
    comments: Sequence[str | None],
    scores: Iterable[float],
    customers: Sequence[object],
    unhappy_to: float,
    happy_from: float,
    touchpoints: Sequence[str] | None,
) -> CommentsRead:
    if unhappy_to >= happy_from:
        raise ValueError("unhappy scores must end below where happy ones begin")
    read = CommentsRead(
        {"unhappy": defaultdict(set), "happy": defaultdict(set)},
        {"unhappy": defaultdict(set), "happy": defaultdict(set)},
        {}, {}, {}, {}, {"unhappy": 0, "happy": 0}, 0,
    )  # fmt: skip
    places = touchpoints if touchpoints is not None else [""] * len(comments)
    codes: dict[object, int] = {}
    written: dict[Key, Counter[str]] = defaultdict(Counter)
    unread = texts = 0
    for comment, score, customer, place in zip(comments, scores, customers, places, strict=True):
        if not isinstance(comment, str) or not comment.strip():
            continue
        texts += 1
        mood = _mood(float(score), unhappy_to, happy_from)
        if mood is None:
            continue
        who = codes.setdefault(customer, len(codes))
        found = list(terms_of(comment))
        unread += not found
        read.comments[mood] += bool(found)
        stages = [(read.users[mood], read.writers[mood])]
        if mood == "unhappy" and isinstance(place, str) and place:
            stages.append(
                (
                    read.at.setdefault(place, defaultdict(set)),
                    read.at_writers.setdefault(place, defaultdict(set)),
                )
            )
        for term in found:
            key = (term.language, term.stem)
            written[key][term.written] += 1
            read.words[key] = term.words
            for users, writers in stages:
                users[key].add(who)
                writers[term.language].add(who)
    if not texts:
        raise CannotEstimate("No answer carries a comment.")
    for key, forms in written.items():
        read.display[key] = min(forms, key=lambda form: (-forms[form], form))
    return replace(read, unread=unread)
