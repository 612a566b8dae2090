"""What the first screen advises follows the findings, and an association never makes an order."""

from __future__ import annotations

from typing import Any

from analysis.reporting.first_screen import became_of, five_answers
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


def test_what_hurts_stands_with_its_money_and_not_among_what_satisfaction_is_worth() -> None:
    pain = finding("chat", "association", "") | {
        "id": "pain-point-returns-desk",
        "money": {
            "value": 10617.0, "lower": 7769.0, "upper": 13465.0, "unit": "EUR", "n": 340,
            "method": "made up", "confidence_level": 0.95,
        },
    }  # fmt: skip
    section = Section(id="05", title="T", findings=[pain])
    answers = dict(five_answers([section], []))
    assert answers["What hurts?"][0].startswith("Returns desk: €10,617 (€7,769 to €13,465)")
    assert answers["What is satisfaction worth?"] == [
        "The data do not connect satisfaction with money."
    ]
    assert became_of(pain) == "€10,617 (€7,769 to €13,465) over the horizon"


def test_what_became_of_a_decision_is_said_short() -> None:
    chat = finding("chat", "experiment", "extend")
    assert became_of(chat) == "Said."
    chat["money"] = {
        "value": 5.0, "lower": None, "upper": None, "unit": "EUR", "n": 9, "method": "",
        "confidence_level": 0.95,
    }  # fmt: skip
    assert became_of(chat) == "€5.00 after costs: extend"
