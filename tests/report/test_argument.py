"""What a reader meets first in a section and on the first screen, and what waits behind a fold."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from analysis.intake.periods import Period
from analysis.methods.estimate import Estimate, Finding, Metric, NotEstimable
from analysis.presentation.output import json_ready
from analysis.reporting.answers import five_answers
from analysis.reporting.first_screen import make_tiles
from analysis.reporting.sections import read_section, render_finding, used_parameters

NOTHING = NotEstimable("There is nothing to compare with.")
PERIOD = Period(dt.date(2026, 4, 1), 3)


def eur(value: float, lower: float, upper: float) -> Estimate:
    return Estimate(value, lower, upper, "EUR", 100, "made up")


def notebook(*cells: tuple[str, str, list[str]]) -> dict[str, Any]:
    """A notebook of cells: kind, source, tags."""
    first = {"cell_type": "markdown", "metadata": {}, "source": "# Is it so?"}
    rest = [
        {"cell_type": kind, "metadata": {"tags": tags}, "source": text, "outputs": []}
        for kind, text, tags in cells
    ]
    return {"metadata": {}, "cells": [first, *rest]}


def answers_to(*metrics: Metric) -> dict[str, list[str]]:
    tiles = make_tiles([json_ready(metric) for metric in metrics], PERIOD)
    return {a.question: [s.text for s in a.sentences] for a in five_answers([], tiles, 24)}


def revenue(target: float | None = None, higher_is_better: bool | None = True) -> Metric:
    return Metric(
        "revenue", "Revenue", eur(500, 480, 520), NOTHING, eur(-70, -90, -50), NOTHING,
        eur(40, 10, 70), higher_is_better=higher_is_better, target=target,
    )  # fmt: skip


def test_a_change_on_the_year_stands_beside_that_on_the_period_before() -> None:
    """One that falls every spring is not only worse."""
    still = Metric("orders", "Orders", eur(5, 4, 6), NOTHING, eur(0, -1, 1), NOTHING, eur(0, -1, 1))
    assert answers_to(revenue(), still)["What changed?"] == [
        "Revenue: −€70.00 (−€90.00 to −€50.00) on 2026Q1, worse; "
        "+€40.00 (+€10.00 to +€70.00) on 2025Q2, better.",
        "The other key figures moved no more than chance would.",
    ]
    (tile,) = make_tiles([json_ready(revenue())], PERIOD)
    assert [(c.since, c.verdict) for c in tile.clear_changes] == [
        ("2026Q1", "worse"), ("2025Q2", "better"),
    ]  # fmt: skip


def test_without_a_comparison_none_is_said_to_have_failed() -> None:
    alone = Metric("orders", "Orders", eur(5, 4, 6), NOTHING, NOTHING, NOTHING, NOTHING)
    assert answers_to(alone)["What changed?"] == ["There is nothing to compare with."]


@pytest.mark.parametrize(
    ("target", "higher_is_better", "said"),
    [
        (600.0, True, "Revenue €500.00: short of its target of €600.00."),
        (600.0, False, "Revenue €500.00: better than its target of €600.00."),
        (450.0, True, "Revenue €500.00: better than its target of €450.00."),
        (500.0, True, "Revenue €500.00: on its target of €500.00."),
        (510.0, True, "Revenue €500.00: short of its target of €510.00, by no more than chance."),
        (
            490.0,
            True,
            "Revenue €500.00: better than its target of €490.00, by no more than chance.",
        ),
        (600.0, None, "Revenue €500.00."),
        (None, True, "Revenue €500.00."),
    ],
)
def test_how_we_are_is_said_against_the_target(
    target: float | None, higher_is_better: bool | None, said: str
) -> None:
    assert answers_to(revenue(target, higher_is_better))["How are we?"] == [said]


def test_the_method_keeps_its_equation_and_folds_its_prose() -> None:
    made = read_section("01", notebook(("markdown", "## Method\n\n```\na = b\n```\n\nWhy so.", [])))
    shown, fold, hidden = made.parts[0].html.partition('<details class="depth">')
    assert fold
    assert "a = b" in shown
    assert "Why so." in hidden
    assert "Why so." not in shown


@pytest.mark.parametrize("text", ["## Method\n\n```\na = b\n```", "## Limits\n\nNone."])
def test_nothing_is_folded_where_there_is_nothing_or_no_method(text: str) -> None:
    assert "<details" not in read_section("01", notebook(("markdown", text, []))).parts[0].html


def test_the_parameters_shown_are_those_it_ran_with() -> None:
    made = read_section(
        "01",
        notebook(
            ("code", 'dataset = "data/demo"\nperiod = "2026Q2"', ["parameters"]),
            ("code", '# Parameters\ndataset = "data/telco"\nperiod = "2017Q3"', ["injected-parameters"]),
        ),
    )  # fmt: skip
    (part,) = made.parts
    assert "telco" in part.html
    assert "2017Q3" in part.html
    assert "demo" not in part.html


@pytest.mark.parametrize(
    ("dataset", "shown"),
    [("data/demo", "demo"), ("/home/somebody/shop", "shop"), ("../other/shop", "shop")],
)
def test_no_path_of_a_machine_is_shown(dataset: str, shown: str) -> None:
    said = used_parameters(f"dataset = {json.dumps(dataset)}\nsegment = 'a=\"b\"'")
    assert said == f'dataset = "{shown}"\nsegment = "a=\\"b\\""'


def test_a_finding_leads_with_its_headline() -> None:
    made = Finding("x", "It pays: it brought €5.00. Extend it.", {}, "experiment", "Made up.")
    html = render_finding(json_ready(made))
    assert '<p class="finding-sentence">It pays.</p><p>It brought €5.00. Extend it.</p>' in html
