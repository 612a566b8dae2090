"""What the first screen advises follows the findings, and an association never makes an order."""

from __future__ import annotations

from typing import Any

from analysis.reporting.first_screen import five_answers
from analysis.reporting.sections import Section


def finding(name: str, label: str, advice: str) -> dict[str, Any]:
    return {
        "id": f"programme-{name}", "label": label, "advice": advice, "sentence": "Said.",
        "money": None, "estimates": {}, "assumption": "",
    }  # fmt: skip


def advised(*findings: dict[str, Any]) -> list[str]:
    section = Section(id="04", title="T", findings=list(findings))
    return five_answers([section], [])[-1][1]


def test_each_programme_stands_where_its_finding_puts_it() -> None:
    said = advised(
        finding("chat", "experiment", "extend"), finding("post", "quasi-experiment", "continue"),
        finding("calls", "experiment", "stop"), finding("cards", "experiment", "test"),
    )  # fmt: skip
    assert said == [
        "Extend: chat.", "Go on with: post.", "Do not repeat as it is: calls.",
        "Test with a random hold-out first: cards.",
    ]  # fmt: skip


def test_an_association_is_tested_whatever_it_advises() -> None:
    assert advised(finding("gifts", "association", "stop")) == [
        "Test with a random hold-out first: gifts."
    ]


def test_without_advice_it_is_tested() -> None:
    assert advised(finding("gifts", "experiment", "")) == [
        "Test with a random hold-out first: gifts."
    ]
