"""Time after the first answer, worked out by hand in days."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.intake.dataset import Dataset, open_dataset
from analysis.methods.estimate import CannotEstimate
from analysis.methods.survival.landmark import landmark_groups, nps_groups, study_landmarks

MONTH = 30.4375
SETTINGS = """\
company: A
currency: EUR
covers: {from: 2024-07-01, to: 2025-12-31}
economics: {gross_margin: 0.5}
sources: {customers: customers.csv, transactions: transactions.csv, surveys: surveys.csv}
tables: {customers: {}, transactions: {}, surveys: {}}
"""
CUSTOMERS = """\
customer_id,started_on,ended_on,observed_from
C1,2024-07-01,,
C2,2025-01-01,2025-05-31,
C3,2024-01-01,,2024-10-01
C4,2025-01-01,2025-03-01,
C5,2025-01-01,,
"""
SURVEYS = """\
response_id,customer_id,instrument,invited_on,answered_on,score
1,C1,nps,2024-12-01,2024-12-31,9
2,C1,nps,2025-02-01,2025-02-01,2
3,C2,nps,2025-01-31,2025-01-31,6
4,C3,nps,2024-08-01,2024-08-01,8
5,C3,nps,2024-11-01,2024-11-01,7
6,C4,nps,2025-03-01,2025-03-01,3
7,C5,csat,2025-01-10,2025-01-10,4
8,C5,nps,2025-01-10,,
"""
TRANSACTIONS = """\
transaction_id,customer_id,occurred_on,amount
1,C1,2025-01-15,100
2,C1,2024-11-15,40
3,C2,2025-04-02,60
"""


@pytest.fixture
def data(make_dataset) -> Dataset:
    folder = make_dataset(SETTINGS, customers=CUSTOMERS, surveys=SURVEYS, transactions=TRANSACTIONS)
    return open_dataset(folder, "2025Q4")


def test_the_clock_starts_at_the_first_answer_under_observation(data: Dataset) -> None:
    landmarks = data.landmarks().set_index(["instrument", "customer_id"])
    # C4 answered on the day of the end: no time after it. C3's first answer came before it was
    # under observation, so the second counts.
    assert set(landmarks.index) == {("nps", "C1"), ("nps", "C2"), ("nps", "C3"), ("csat", "C5")}
    days = {
        ("nps", "C1"): 365, ("nps", "C2"): 120, ("nps", "C3"): 425, ("csat", "C5"): 355,
    }  # fmt: skip
    for key, expected in days.items():
        assert landmarks.loc[key, "exit_months"] * MONTH == pytest.approx(expected)
        assert landmarks.loc[key, "entry_months"] == 0
    assert landmarks.loc[("nps", "C2"), "ended"]
    assert not landmarks.loc[("nps", "C1"), "ended"]
    assert landmarks.loc[("nps", "C1"), "score"] == 9


def test_an_answer_is_unknown_before_it_was_given(make_dataset) -> None:
    folder = make_dataset(SETTINGS, customers=CUSTOMERS, surveys=SURVEYS, transactions=TRANSACTIONS)
    landmarks = open_dataset(folder, "2025Q1").landmarks().set_index("customer_id")
    assert landmarks.loc["C2", "exit_months"] * MONTH == pytest.approx(59)
    assert not landmarks.loc["C2", "ended"]


def test_later_periods_carry_the_months_since_the_answer(data: Dataset) -> None:
    periods = data.landmark_periods()
    first = periods[(periods["customer_id"] == "C1") & (periods["instrument"] == "nps")].iloc[0]
    assert first["period"] == "2025Q1"
    assert first["months_since_answer"] * MONTH == pytest.approx(1)
    assert first["margin"] == 50
    last = periods[periods["customer_id"] == "C2"]
    assert list(last["period"]) == ["2025Q2"]
    assert last["left"].all()


def test_groups_of_answers() -> None:
    scores = pd.Series([0, 6, 7, 8, 9, 10])
    assert list(nps_groups(scores)) == [
        "detractor", "detractor", "passive", "passive", "promoter", "promoter",
    ]  # fmt: skip


def test_csat_stands_in_where_nobody_was_asked_to_recommend() -> None:
    landmarks = pd.DataFrame({"instrument": "csat", "score": [1.0, 4.6, 5.0]})
    instrument, grouped = landmark_groups(landmarks)
    assert instrument == "csat"
    assert list(grouped["group"]) == ["1", "5", "5"]


def test_no_answer_no_curve() -> None:
    with pytest.raises(CannotEstimate, match="no answer to a survey"):
        study_landmarks(pd.DataFrame())


def test_who_stays_longer_after_a_good_answer_is_told_apart() -> None:
    rng = np.random.default_rng(1)
    n = 900
    score = rng.integers(0, 11, n)
    exit_ = rng.exponential(np.where(score >= 9, 40.0, 10.0))
    landmarks = pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(n)], "instrument": "nps", "score": score,
            "entry_months": 0.0, "exit_months": np.minimum(exit_, 20), "ended": exit_ < 20,
        }
    )  # fmt: skip
    study = study_landmarks(landmarks)
    at = {group.name: group.curve.at(12).value for group in study.groups}
    assert list(at) == ["detractor", "passive", "promoter"]
    assert at["promoter"] == pytest.approx(np.exp(-12 / 40), abs=0.08)
    assert at["detractor"] == pytest.approx(np.exp(-12 / 10), abs=0.08)
    assert study.pairwise[("detractor", "promoter")] < 0.001
    assert study.pairwise[("detractor", "passive")] > 0.01
