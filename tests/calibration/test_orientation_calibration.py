"""How often the intervals on orientation hold what was planted, and the checks cry wolf."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import Estimate
from analysis.methods.orientation.asking import compare_invitations, compare_top_marks
from analysis.methods.orientation.links import fit_link, slope_of_levels
from analysis.methods.orientation.reliability import cronbach_alpha, shrink_scores
from analysis.methods.orientation.served import Served

pytestmark = pytest.mark.calibration

SLOPE = 0.25
EMPLOYEES = 20
ITEMS = 24


def holds(estimate: Estimate, truth: float) -> bool:
    assert estimate.lower is not None
    assert estimate.upper is not None
    return estimate.lower <= truth <= estimate.upper


def sheets_of(seed: int, employees: int, chance: float) -> tuple[np.ndarray, np.ndarray]:
    """Persons with one standard deviation, and statements with chance of their own each."""
    rng = np.random.default_rng([1951, seed])
    person = rng.normal(size=employees)
    return person, person[:, None] + chance * rng.normal(size=(employees, ITEMS // 2))


def served_of(
    seed: int, slope: float, own: float, score: np.ndarray | None = None
) -> tuple[Served, np.ndarray]:
    """Answers about some employees more often than about others, each with a level of their own."""
    rng = np.random.default_rng([1982, seed])
    score = rng.normal(size=EMPLOYEES) if score is None else score
    counts = rng.integers(5, 40, EMPLOYEES)
    employee = np.repeat(np.arange(EMPLOYEES), counts)
    hard = rng.integers(0, 2, len(employee)).astype(float)
    level = slope * score + own * rng.normal(size=EMPLOYEES)
    outcome = np.clip(
        np.rint(2 * (3.3 + level[employee] - 0.8 * hard + rng.normal(size=len(employee)))) / 2,
        -3,
        10,
    )
    days = np.full(len(employee), np.datetime64("2025-01-01"), dtype="datetime64[D]")
    return Served(
        employee, outcome, days, hard[:, None], ("hard",), ("touchpoint",), len(employee), 0
    ), score


def test_alpha_covers(runs: int, calibration) -> None:
    for employees, chance in ((12, 1.5), (40, 1.0)):
        truth = 1 / (1 + chance**2 / (ITEMS // 2))
        hits = [
            holds(cronbach_alpha(sheets_of(seed, employees, chance)[1]).alpha, truth)
            for seed in range(runs)
        ]
        calibration.coverage(f"alpha, {employees} employees", hits)


@pytest.mark.parametrize("own", [0.15, 0.3])
def test_slope_covers(own: float, runs: int, calibration) -> None:
    mixed, levels = [], []
    for seed in range(runs):
        served, score = served_of(seed, SLOPE, own)
        mixed.append(holds(fit_link(served, score, "points"), SLOPE))
        levels.append(holds(slope_of_levels(served, score, "points", 1.0), SLOPE))
    calibration.coverage(f"slope on orientation, levels {own}", mixed)
    calibration.coverage(f"slope of levels, levels {own}", levels)


def test_slope_is_on_the_safe_side_where_employees_have_no_level_of_their_own(
    runs: int, calibration
) -> None:
    # The variance between employees is then estimated at or above its bound, never below.
    hits = []
    for seed in range(runs):
        served, score = served_of(seed, SLOPE, 0.0)
        hits.append(holds(fit_link(served, score, "points"), SLOPE))
    calibration.at_least("covers where employees have no level of their own", hits, 0.95)


def test_no_slope_raises_no_alarm(runs: int, calibration) -> None:
    alarms = []
    for seed in range(runs):
        served, score = served_of(seed, 0.0, 0.3)
        alarms.append(not holds(fit_link(served, score, "points"), 0.0))
    calibration.rejections("slope on orientation", alarms)


def test_the_corrected_slope_covers_and_the_plain_one_falls_short(runs: int, calibration) -> None:
    plain, corrected = [], []
    for seed in range(runs):
        # A short and noisy sheet: reliability .5.
        person, items = sheets_of(seed, EMPLOYEES, np.sqrt(ITEMS / 2))
        served, _ = served_of(seed, 2 * SLOPE, 0.1, person)
        scores = shrink_scores(items.mean(axis=1), Estimate(0.5, None, None, "", EMPLOYEES, ""))
        slope = fit_link(served, (items.mean(axis=1) - scores.mean.value) / np.sqrt(2), "points")
        plain.append(slope.value)
        assert slope.lower is not None
        assert slope.upper is not None
        # The slope is per standard deviation of the noisy score, the truth per one of the person.
        corrected.append(slope.lower * 2**0.5 <= 2 * SLOPE <= slope.upper * 2**0.5)
    assert np.mean(plain) == pytest.approx(2 * SLOPE / 2**0.5, rel=0.08)
    calibration.coverage("slope corrected for chance in the sheets", corrected)


def marks_of(seed: int, moved: float = 0.0) -> pd.DataFrame:
    """Marks from 1 to 5 about employees of different ability; one moves 4 to 5 if moved > 0."""
    rng = np.random.default_rng([2008, seed])
    employee = np.repeat(np.arange(40), 150)
    latent = 3.5 + 0.4 * rng.normal(size=40)[employee] + rng.normal(size=len(employee))
    score = np.clip(np.rint(latent), 1, 5)
    score[(employee == 7) & (score == 4) & (rng.random(len(score)) < moved)] = 5
    names = np.array([f"E{i:02d}" for i in range(40)])
    return pd.DataFrame({"instrument": "csat", "employee_id": names[employee], "score": score})


def test_top_marks_that_do_not_heap_raise_no_alarm(runs: int, calibration) -> None:
    calibration.rejections(
        "top marks heap, family-wise",
        [compare_top_marks(marks_of(seed), 5).stands_out for seed in range(runs)],
    )


def test_top_marks_that_heap_are_seen(runs: int, calibration) -> None:
    calibration.at_least(
        "one employee moves half of the fours to fives",
        [compare_top_marks(marks_of(seed, 0.5), 5).stands_out for seed in range(runs)],
        0.8,
    )


def asked_of(seed: int, choosy: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Contacts of which half are followed by an invitation; one employee picks by the last answer."""
    rng = np.random.default_rng([2013, seed])
    customers, employees = 1200, 20
    last = rng.integers(1, 6, customers).astype(float)
    employee = rng.integers(0, employees, customers)
    chance = np.where(employee == 3, 0.5 + choosy * (last - 3), 0.5)
    invited = rng.random(customers) < chance
    ids = np.array([f"C{i:04d}" for i in range(customers)])
    names = np.array([f"E{i:02d}" for i in range(employees)])
    day, before = np.datetime64("2025-03-01", "ns"), np.datetime64("2025-01-10", "ns")
    contacts = pd.DataFrame({"customer_id": ids, "employee_id": names[employee], "opened_at": day})
    asked = names[employee[invited]].astype(object)
    both = np.concatenate([ids, ids[invited]])
    first, second = np.full(customers, before), np.full(len(asked), day)
    nobody, silent = np.full(customers, None), np.full(len(asked), np.nan)
    surveys = pd.DataFrame(
        {
            "customer_id": both,
            "instrument": "csat",
            "invited_on": np.concatenate([first, second]),
            "answered_on": np.concatenate([first, np.full(len(asked), np.datetime64("NaT"))]),
            "score": np.concatenate([last, silent]),
            "employee_id": np.concatenate([nobody, asked]),
        }
    )
    return contacts, surveys


def test_asking_everybody_alike_raises_no_alarm(runs: int, calibration) -> None:
    alarms, average = [], []
    for seed in range(runs):
        found = compare_invitations(*asked_of(seed, 0.0))
        assert found.comparison is not None
        assert found.preference is not None
        alarms.append(found.comparison.stands_out)
        average.append(holds(found.preference, 0.0))
    calibration.rejections("choosing whom to ask, family-wise", alarms)
    calibration.coverage("preference of the average employee", average)


def test_asking_the_satisfied_is_seen(runs: int, calibration) -> None:
    calibration.at_least(
        "one employee asks the satisfied",
        [compare_invitations(*asked_of(seed, 0.24)).comparison.stands_out for seed in range(runs)],
        0.8,
    )
