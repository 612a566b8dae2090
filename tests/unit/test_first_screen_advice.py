"""What the first screen advises follows the findings, and an association never makes an order."""

from __future__ import annotations

from typing import Any

import pytest

from analysis.reporting.answers import became_of, five_answers
from analysis.reporting.finding_words import ordered
from analysis.reporting.sections import Section


def finding(name: str, label: str, advice: str) -> dict[str, Any]:
    return {
        "id": f"programme-{name}", "label": label, "advice": advice, "sentence": "Said.",
        "money": None, "estimates": {}, "assumption": "",
    }  # fmt: skip


def advised(*findings: dict[str, Any]) -> list[str]:
    section = Section(id="04", title="T", findings=list(findings))
    return answered(section)["What to do?"]


def answered(section: Section) -> dict[str, list[str]]:
    """The five questions with their sentences."""
    answers = five_answers([section], [], 24)
    assert [answer.id for answer in answers] == [
        "how-are-we", "what-changed", "what-it-costs", "what-paid", "what-to-do",
    ]  # fmt: skip
    return {answer.question: [said.text for said in answer.sentences] for answer in answers}


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


def test_a_programme_is_called_by_its_name() -> None:
    """An abbreviation keeps its capitals within the sentence."""
    calls = finding("call-backs", "experiment", "stop") | {"name": "Call-backs after low scores"}
    budget = finding("x", "experiment", "extend") | {"name": "CSAT budget"}
    assert advised(calls, budget) == [
        "Extend: CSAT budget.", "Do not repeat as it is: call-backs after low scores.",
    ]  # fmt: skip


def test_what_is_proven_and_advises_nothing_makes_no_order() -> None:
    """A draw has been made: that a segment's costs are not known is no reason for another."""
    assert advised(finding("gifts", "experiment", "")) == [
        "Collect what the sections below say they need."
    ]


def test_programmes_without_a_figure_are_named_together() -> None:
    section = Section(id="04", title="T", findings=[
        finding("gifts", "experiment", ""), finding("chat", "experiment", ""),
    ])  # fmt: skip
    assert answered(section)["What paid?"] == [
        "No figure after costs: chat, gifts. Their section says why."
    ]


def test_equal_lower_bounds_are_ordered_by_the_rest_of_the_interval() -> None:
    """Rounding makes bounds equal; what "hurts most" still stands first."""
    late, desk = (
        finding(name, "association", "")
        | {"id": f"pain-point-{name}", "section": "05", "cell": "findings"}
        | {"money": {"value": 1600.0, "lower": 400.0, "upper": upper, **MONEY}}
        for name, upper in (("a-late", 2800.0), ("returns", 3200.0))
    )
    assert [f["id"] for f in ordered([late, desk], ("association",))] == [
        "pain-point-returns", "pain-point-a-late",
    ]  # fmt: skip


MONEY = {"unit": "EUR", "n": 340, "method": "made up", "confidence_level": 0.95}


def test_what_it_costs_begins_with_what_hurts() -> None:
    pain = finding("chat", "association", "") | {
        "id": "pain-point-returns-desk", "section": "05", "cell": "findings",
        "money": {"value": 10617.0, "lower": 7769.0, "upper": 13465.0, **MONEY},
    }  # fmt: skip
    section = Section(id="05", title="T", findings=[pain])
    (said,) = answered(section)["What does it cost?"]
    assert said == (
        "Returns desk: €10,617 (€7,769 to €13,465) over 24 months, if margin follows satisfaction there."
    )
    assert answered(section)["What to do?"] == [
        "Mend on trial, with some left as they are: returns desk."
    ]
    assert five_answers([section], [], 24)[2].sentences[0].place == "05--findings"
    assert became_of(pain) == "€10,617 (€7,769 to €13,465) over the horizon"


def test_without_money_from_satisfaction_the_data_do_not_connect_them() -> None:
    assert answered(Section(id="05", title="T"))["What does it cost?"] == [
        "The data do not connect satisfaction with money."
    ]


@pytest.mark.parametrize(
    ("label", "lower", "upper", "said"),
    [
        ("experiment", 2.0, 8.0, "Chat paid: €5.00 (€2.00 to €8.00) after costs."),
        ("experiment", -8.0, -2.0, "Chat did not pay: €5.00 (−€8.00 to −€2.00) after costs."),
        ("quasi-experiment", -2.0, 8.0, "Chat, not decided: €5.00 (−€2.00 to €8.00) after costs."),
        ("association", 2.0, 8.0, "Chat, not proven: €5.00 (€2.00 to €8.00) after costs, if the "
         "whole difference comes from it."),
    ],
)  # fmt: skip
def test_a_programme_paid_only_if_its_whole_interval_says_so(
    label: str, lower: float, upper: float, said: str
) -> None:
    chat = finding("chat", label, "")
    chat["money"] = {"value": 5.0, "lower": lower, "upper": upper, **MONEY}
    assert answered(Section(id="04", title="T", findings=[chat]))["What paid?"] == [said]


def test_what_became_of_a_decision_is_said_short() -> None:
    chat = finding("chat", "experiment", "extend")
    assert became_of(chat) == "Said."
    chat["money"] = {
        "value": 5.0, "lower": None, "upper": None, "unit": "EUR", "n": 9, "method": "",
        "confidence_level": 0.95,
    }  # fmt: skip
    assert became_of(chat) == "€5.00 after costs: extend"
