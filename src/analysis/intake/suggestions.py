"""Naming the nearest valid name, for messages."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, valid: Iterable[str]) -> str:
    """Give the valid name that looks most like `name`, or an empty text if none does."""
    names = sorted(valid)
    by_lower = {known.lower(): known for known in reversed(names)}
    found = get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def did_you_mean(name: str, valid: Iterable[str]) -> str:
    """Words that lead from a wrong name to the right one: the nearest, else all there are."""
    names = sorted(valid)
    found = nearest(name, names)
    if found:
        return f"did you mean {found}?"
    return f"valid are: {valid_names(names)}" if names else "there are none"


def valid_names(names: Iterable[str], most: int = 30) -> str:
    """A list of names in words, cut after `most`."""
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more
