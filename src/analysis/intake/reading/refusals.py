"""Refusing a file in words: which one, what is wrong, where, what to write instead."""

from __future__ import annotations

from analysis.errors import DataError, Problem

MOST_EXAMPLES = 5
LONGEST_EXAMPLE = 80


def refuse(
    file: str, message: str, *, column: str = "", examples: tuple[str, ...] = (), count: int = 0
) -> DataError:
    """The error to raise for a file that cannot be read as it is.

    examples: offending places as text; five of them are shown. count: rows concerned.
    """
    shown = tuple(example[:LONGEST_EXAMPLE] for example in examples[:MOST_EXAMPLES])
    return DataError([Problem(message, file=file, column=column, examples=shown, count=count)])
