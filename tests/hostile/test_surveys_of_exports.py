"""Surveys of exports: scales, codes for no answer, directions, several answers of one customer."""

from __future__ import annotations

import pytest

from analysis.intake.dataset import open_dataset
from analysis.methods.scorecard.answers import Answers

SETTINGS = (
    "company: A\ncurrency: EUR\ndisclosure: off\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"
    "sources: {customers: customers.csv, surveys: surveys.csv}\n"
    "tables: {customers: {}, surveys: {}}\n"
)
HEAD = "response_id,customer_id,instrument,invited_on,answered_on,score\n"
MANY = range(40)
CUSTOMERS = "customer_id,started_on\n" + "".join(f"c{i},2025-01-01\n" for i in MANY)


def answers(instrument: str, scores: list[float], day: str = "2025-05-02") -> str:
    return "".join(
        f"{instrument}{i},c{i},{instrument},2025-05-01,{day},{score:g}\n"
        for i, score in enumerate(scores)
    )


@pytest.mark.parametrize(
    ("instrument", "score", "scale"),
    [("csat", 6, "1 to 5"), ("csat", 0, "1 to 5"), ("nps", 11, "0 to 10"), ("nps", -1, "0 to 10"),
     ("ces", 8, "1 to 7"), ("csi", 0, "1 to 10")],
)  # fmt: skip
def test_scores_outside_the_scale(refused, instrument: str, score: int, scale: str) -> None:
    error = refused(SETTINGS, customers=CUSTOMERS, surveys=HEAD + answers(instrument, [3, score]))
    (problem,) = error.problems
    assert (problem.file, problem.table, problem.column) == ("surveys.csv", "surveys", "score")
    assert f"lies outside the {instrument} scale of {scale}" in problem.message
    assert f"declare tables.surveys.scales.{instrument}, or list codes for “no answer”" in (
        problem.message
    )
    assert problem.count == 1
    assert problem.examples[0].endswith(f"score {float(score)}")


def test_a_declared_scale_holds(make_dataset, refused) -> None:
    text = SETTINGS.replace("surveys: {}", "surveys: {scales: {csat: [1, 10]}}")
    data = open_dataset(
        make_dataset(text, customers=CUSTOMERS, surveys=HEAD + answers("csat", [9]))
    )
    assert data.table("surveys")["score"].tolist() == [9]


def test_codes_for_no_answer_become_missing_and_are_counted(make_dataset, noted) -> None:
    text = SETTINGS.replace("surveys: {}", 'surveys: {no_answer: ["99", "-1", "n/a"]}')
    rows = HEAD + answers("nps", [9, 99, -1, 99, 7]) + "x,c9,nps,2025-05-01,2025-05-02,n/a\n"
    data = open_dataset(make_dataset(text, customers=CUSTOMERS, surveys=rows))
    assert data.table("surveys")["score"].dropna().tolist() == [9, 7]
    said = "words declared to mean “no value” were blanked"
    assert noted(data, "repair", said, "surveys", "score") == 4


ON_FIVE = "nps is declared from 0 to 10 and holds only 1 to 5"


@pytest.mark.parametrize(
    ("scores", "warned"),
    [
        ([1, 2, 3, 4, 5] * 6, 30),
        ([1, 2, 3, 4, 5] * 2, 0),  # too few to say
        ([0, 2, 3, 4, 5] * 6, 0),
        ([1, 2, 3, 4, 6] * 6, 0),
    ],
)
def test_a_wide_scale_of_which_a_part_is_used(make_dataset, noted, scores, warned) -> None:
    data = open_dataset(
        make_dataset(SETTINGS, customers=CUSTOMERS, surveys=HEAD + answers("nps", scores))
    )
    assert noted(data, "warning", ON_FIVE, "surveys", "score") == warned
    if warned:
        (note,) = (note for note in data.notes if ON_FIVE in note.message)
        assert "declare tables.surveys.scales.nps: [1, 5]" in note.message


@pytest.mark.parametrize(("turned", "warned"), [(True, 40), (False, 0)])
def test_effort_that_runs_against_satisfaction(make_dataset, noted, turned, warned) -> None:
    csat = [1 + i % 5 for i in MANY]
    ces = [6 - score if turned else score + 1 for score in csat]
    rows = HEAD + answers("csat", csat) + answers("ces", ces)
    data = open_dataset(make_dataset(SETTINGS, customers=CUSTOMERS, surveys=rows))
    said = "ces runs against csat (correlation -1.0): where a low ces is good, turn it"
    assert noted(data, "warning", said, "surveys", "score") == warned


def test_turning_the_effort_is_a_matter_of_values(make_dataset, noted) -> None:
    text = SETTINGS.replace(
        "surveys: {}",
        "surveys: {columns: {score: {column: score, values: {1: 7, 2: 6, 3: 5, 5: 3, 6: 2, 7: 1}}}}",
    )
    rows = HEAD + answers("ces", [1, 2, 4, 7])
    data = open_dataset(make_dataset(text, customers=CUSTOMERS, surveys=rows))
    assert data.table("surveys")["score"].tolist() == [7, 6, 4, 1]


def test_of_several_answers_the_last_in_the_period_counts_and_the_number_is_shown(
    make_dataset, noted
) -> None:
    rows = HEAD + (
        "1,c1,nps,2025-02-01,2025-02-02,1\n2,c1,nps,2025-04-01,2025-04-02,2\n"
        "3,c1,nps,2025-05-01,2025-05-02,9\n4,c1,nps,2025-06-01,2025-06-02,10\n"
        "5,c1,csat,2025-05-01,2025-05-02,4\n6,c2,nps,2025-05-01,2025-05-02,6\n"
        "7,,nps,2025-05-01,2025-05-02,6\n8,,nps,2025-05-01,2025-05-02,6\n"
    )
    folder = make_dataset(SETTINGS, customers=CUSTOMERS, surveys=rows)
    said = "answers that a later one of the same customer follows in this period"
    data = open_dataset(folder, "2025Q2")
    assert noted(data, "info", said, "surveys", "score") == 2
    last = Answers(data.table("surveys")).last("nps", data.period)
    scores = dict(zip(last["customer_id"], last["score"], strict=True))
    assert (scores["c1"], scores["c2"], len(scores)) == (10, 6, 4)
    assert noted(open_dataset(folder, "2025Q1"), "info", said) == 0
    assert noted(open_dataset(folder, "2025-05"), "info", said) == 0


def test_an_unknown_instrument_is_to_be_mapped(refused) -> None:
    error = refused(SETTINGS, customers=CUSTOMERS, surveys=HEAD + answers("mood", [3]))
    assert "column instrument: is not a declared instrument; map it with values to nps" in str(
        error
    )
