"""Quarters and months, calendar and fiscal, and which may be reported."""

from __future__ import annotations

import datetime as dt

import pytest

from analysis.errors import ParameterError
from analysis.intake.periods import Period, choose_period, complete_periods, period_containing
from analysis.intake.settings import Settings


def covering(first: str, last: str, **more: object) -> Settings:
    return Settings.model_validate(
        {"company": "A", "currency": "EUR", "covers": {"from": first, "to": last}, "tables": {}}
        | more
    )


def test_quarter_has_its_days_and_neighbours() -> None:
    quarter = period_containing(dt.date(2026, 5, 14), 3)
    assert quarter.label == "2026Q2"
    assert (quarter.first_day, quarter.last_day) == (dt.date(2026, 4, 1), dt.date(2026, 6, 30))
    assert quarter.previous.label == "2026Q1"
    assert quarter.previous.previous.label == "2025Q4"
    assert quarter.year_before.label == "2025Q2"


def test_month_ends_in_leap_february() -> None:
    month = period_containing(dt.date(2024, 2, 1), 1)
    assert (month.label, month.last_day) == ("2024-02", dt.date(2024, 2, 29))
    assert month.year_before.last_day == dt.date(2023, 2, 28)


@pytest.mark.parametrize(
    ("day", "year_starts", "label"),
    [
        ("2026-03-31", 4, "2025Q4"),
        ("2026-04-01", 4, "2026Q1"),
        ("2026-12-31", 4, "2026Q3"),
        ("2026-01-31", 2, "2025Q4"),
        ("2026-02-01", 2, "2026Q1"),
        ("2025-12-01", 12, "2025Q1"),
        ("2026-02-28", 12, "2025Q1"),
    ],
)
def test_fiscal_year_bears_the_year_it_begins_in(day: str, year_starts: int, label: str) -> None:
    period = period_containing(dt.date.fromisoformat(day), 3, year_starts)
    assert period.label == label
    assert period.first_day <= dt.date.fromisoformat(day) <= period.last_day


def test_unfinished_periods_are_not_listed() -> None:
    settings = covering("2025-01-02", "2025-12-30")
    assert [p.label for p in complete_periods(settings, 3)] == ["2025Q2", "2025Q3"]
    months = [p.label for p in complete_periods(settings, 1)]
    assert (months[0], months[-1], len(months)) == ("2025-02", "2025-11", 10)


def test_default_is_the_last_whole_quarter_or_else_month() -> None:
    assert choose_period("", covering("2025-01-01", "2025-11-30")).label == "2025Q3"
    assert choose_period("", covering("2025-02-01", "2025-03-31")).label == "2025-03"
    with pytest.raises(ParameterError, match="cover no whole month; widen covers"):
        choose_period("", covering("2025-02-02", "2025-03-01"))


@pytest.mark.parametrize("text", ["2025Q4", "2025Q5", "2024Q4", "2025-12", "2025-13"])
def test_period_outside_lists_the_valid_ones(text: str) -> None:
    with pytest.raises(ParameterError) as caught:
        choose_period(text, covering("2025-01-01", "2025-11-30"))
    assert f"'{text}' is not a whole period that the exports cover; valid are" in str(caught.value)
    assert ("2025-11" if "-" in text else "2025Q1, 2025Q2, 2025Q3") in str(caught.value)


@pytest.mark.parametrize("text", ["Q2", "second quarter", "2025q2", "2025-1", "2025Q2 "])
def test_what_is_no_period_is_said(text: str) -> None:
    with pytest.raises(ParameterError, match="is not a period; valid are"):
        choose_period(text, covering("2025-01-01", "2025-11-30"))


def test_snapshot_has_one_period() -> None:
    settings = covering("2025-01-01", "2025-01-31", covers=None, snapshot_on="2017-09-30")
    assert choose_period("", settings).label == choose_period("2017Q3", settings).label == "2017Q3"
    with pytest.raises(ParameterError, match="snapshot of 2017-09-30; valid is 2017Q3"):
        choose_period("2017Q2", settings)


def test_periods_are_ordered_by_time() -> None:
    periods = [Period(dt.date(2025, month, 1), 3) for month in (7, 1, 4)]
    assert [p.label for p in sorted(periods)] == ["2025Q1", "2025Q2", "2025Q3"]
