"""Are scores managed? What the data can say of it, and what they cannot. Nobody is named."""

from __future__ import annotations

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, NotEstimable
from analysis.methods.orientation.asking import Comparison, Invitations
from analysis.methods.orientation.study import OrientationStudy
from analysis.presentation.orientation import said_count
from analysis.presentation.output import show_sentence
from analysis.presentation.wording import format_estimate, format_share, message


def word_invitations(invitations: Invitations | NotEstimable, disclosure: Disclosure) -> str:
    """Whether satisfied customers are asked rather than others."""
    if isinstance(invitations, NotEstimable):
        return message("Who is asked: {reason}", reason=invitations.reason)
    if invitations.reason == "all":
        return message(
            "Every contact was followed by an invitation, so that nobody can have chosen whom to ask."
        )
    if invitations.reason == "none":
        return message(
            "No contact was followed by an invitation about the same employee, so that whom they ask "
            "cannot be told."
        )
    share = format_share(invitations.invited.value, 0)
    if invitations.comparison is None or not isinstance(invitations.preference, Estimate):
        return message(
            "{share} of contacts were followed by an invitation. Whether satisfied customers were "
            "asked rather than others cannot be told: too few employees have both invited and not "
            "invited customers of whom an earlier answer is known.",
            share=share,
        )
    preference = invitations.preference
    said = message(
        "{share} of contacts were followed by an invitation. The earlier answers of those invited "
        "exceed those of the others by {preference} CSAT points in the average employee.",
        share=share,
        preference=format_estimate(preference, 2),
    )
    return f"{said} {_word_comparison(invitations.comparison, 'asked', disclosure)}"


def _word_comparison(comparison: Comparison, what: str, disclosure: Disclosure) -> str:
    """What the comparison of employees shows; never how many stand out, nor who."""
    n = said_count(comparison.employees, disclosure)
    if what == "asked" and comparison.stands_out:
        return message(
            "At least one of {n} employees invites satisfied customers more than colleagues do, after "
            "allowing for so many comparisons (Holm): send invitations centrally before scores decide "
            "on pay.",
            n=n,
        )
    if what == "asked":
        return message(
            "None of {n} employees stands out in whom they invite, after allowing for so many "
            "comparisons (Holm).",
            n=n,
        )
    if comparison.stands_out:
        return message(
            "At least one of {n} employees gets more top marks than the other marks foretell, after "
            "allowing for so many comparisons (Holm). Asking for top marks would look like that, and "
            "so would service that some find perfect: look at how answers are collected before scores "
            "decide on pay.",
            n=n,
        )
    return message(
        "Top marks do not heap with any of {n} employees: they are as frequent as the other marks "
        "foretell, after allowing for so many comparisons (Holm).",
        n=n,
    )


def word_top_marks(top_marks: Comparison | NotEstimable, disclosure: Disclosure) -> str:
    """Whether top marks heap with somebody."""
    if isinstance(top_marks, NotEstimable):
        return top_marks.reason
    return _word_comparison(top_marks, "marks", disclosure)


def show_asking(study: OrientationStudy, disclosure: Disclosure) -> None:
    """Show whether scores look managed."""
    show_sentence(word_invitations(study.invitations, disclosure))
    show_sentence(word_top_marks(study.top_marks, disclosure))
