"""What a finding says beside its sentence: its label in plain words, its money, its headline."""

from __future__ import annotations

from typing import Any

from analysis.methods.estimate import Estimate
from analysis.presentation.wording import format_interval, format_value, message

PROVEN = ("experiment", "quasi-experiment")
LONGEST_HEADLINE = 110


def as_estimate(content: dict[str, Any] | None) -> Estimate | None:
    """An estimate from its JSON; None where there is none."""
    if not content or "not_estimable" in content:
        return None
    return Estimate(**content)


def label_explained(label: str) -> str:
    """What a label means, for somebody who has never met it."""
    return {
        "experiment": message(
            "Chance decided who was treated, so the difference is its doing, within the interval."
        ),
        "quasi-experiment": message(
            "Timing or a rule decided who was treated; the difference is its doing if the stated "
            "assumption holds."
        ),
        "association": message(
            "The two go together. Nobody tried it, so something else may be behind both."
        ),
        "description": message("What is, without a comparison that could say why."),
    }[label]


def lower_bound_of_money(finding: dict[str, Any]) -> float:
    """What findings are ordered by; those without money come last."""
    money = finding.get("money") or {}
    lower = money.get("lower")
    return float("-inf") if lower is None else float(lower)


def ordered(findings: list[dict[str, Any]], labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """Findings of these labels by the lower bound of their money, largest first.

    Rounded bounds may be equal: then by the amount, the upper bound, the id.
    """
    chosen = [finding for finding in findings if finding["label"] in labels]

    def place(finding: dict[str, Any]) -> tuple[float, float, float, str]:
        bound = lower_bound_of_money(finding)
        money = (finding.get("money") or {}) if bound > float("-inf") else {}
        value, upper = (float(money.get(name) or 0.0) for name in ("value", "upper"))
        return (-bound, -value, -upper, str(finding["id"]))

    return sorted(chosen, key=place)


def money_in_words(finding: dict[str, Any]) -> str:
    """The money of a finding with its interval; empty where it has none."""
    money = as_estimate(finding.get("money"))
    if money is None:
        return ""
    value = format_value(money.value, money.unit)
    if money.lower is None:
        return value
    return message("{value} ({interval})", value=value, interval=format_interval(money))


def headline(sentence: str) -> tuple[str, str]:
    """A finding's sentence as what is said first, and the rest.

    What is said first ends with the first colon, if no number stands before it, or with the first
    sentence. Nothing is left out: both together are the sentence.
    """
    first, colon, rest = sentence.partition(": ")
    if colon and len(first) <= LONGEST_HEADLINE and not any(c.isdigit() for c in first):
        return f"{first}.", rest[:1].upper() + rest[1:]
    first, stop, rest = sentence.partition(". ")
    return (f"{first}.", rest) if stop else (sentence, "")
