"""Quarters and months, of calendar or fiscal years, and which of them may be reported."""

from __future__ import annotations

import calendar
import datetime as dt
import re
from dataclasses import dataclass

from analysis.errors import ParameterError, shown_value
from analysis.intake.settings import Settings
from analysis.intake.suggestions import valid_names


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A quarter ("2026Q2") or a month ("2026-05").

    first_day, last_day: both within the period. year_starts: first month of the fiscal year; a
    fiscal year bears the number of the calendar year in which it begins.
    """

    first_day: dt.date
    months: int
    year_starts: int = 1

    @property
    def last_day(self) -> dt.date:
        return _add_months(self.first_day, self.months) - dt.timedelta(days=1)

    @property
    def label(self) -> str:
        if self.months == 1:
            return f"{self.first_day:%Y-%m}"
        months_into_year = (self.first_day.month - self.year_starts) % 12
        year = self.first_day.year - (self.first_day.month < self.year_starts)
        return f"{year}Q{months_into_year // 3 + 1}"

    @property
    def previous(self) -> Period:
        return self.shifted(-1)

    @property
    def year_before(self) -> Period:
        return self.shifted(-12 // self.months)

    def shifted(self, periods: int) -> Period:
        """The period so many later, or earlier if negative."""
        first = _add_months(self.first_day, periods * self.months)
        return Period(first, self.months, self.year_starts)


def _add_months(day: dt.date, months: int) -> dt.date:
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return dt.date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def period_containing(day: dt.date, months: int, year_starts: int = 1) -> Period:
    """The quarter or month in which a day lies."""
    offset = (day.month - year_starts) % months
    return Period(_add_months(day.replace(day=1), -offset), months, year_starts)


def complete_periods(settings: Settings, months: int) -> list[Period]:
    """All whole quarters (months=3) or months (months=1) that the exports cover, in order."""
    assert settings.covers is not None
    period = period_containing(settings.covers.first, months, settings.year_starts)
    if period.first_day < settings.covers.first:
        period = period.shifted(1)
    periods = []
    while period.last_day <= settings.covers.last:
        periods.append(period)
        period = period.shifted(1)
    return periods


def choose_period(text: str, settings: Settings) -> Period:
    """The period to report: the one named, or the last complete quarter.

    An export that carries tenure instead of dates has one period only, the quarter that holds
    `snapshot_on`. Raises ParameterError, listing what is valid.
    """
    if settings.covers is None:
        assert settings.snapshot_on is not None
        only = period_containing(settings.snapshot_on, 3, settings.year_starts)
        if text in ("", only.label):
            return only
        raise ParameterError(
            f"period: {shown_value(text)} cannot be shown, the export is a snapshot of {settings.snapshot_on}; "
            f"valid is {only.label}"
        )
    quarters = complete_periods(settings, 3)
    months = complete_periods(settings, 1)
    if not text:
        if quarters or months:
            return (quarters or months)[-1]
        raise ParameterError(
            "period: the exports cover no whole month; widen covers in dataset.yml"
        )
    shaped = re.fullmatch(r"\d{4}Q\d|\d{4}-\d{2}", text)
    for period in quarters if "Q" in text else months:
        if period.label == text:
            return period
    valid = [period.label for period in (months if "-" in text else quarters or months)]
    what = "is not a whole period that the exports cover" if shaped else "is not a period"
    raise ParameterError(f"period: {shown_value(text)} {what}; valid are {valid_names(valid, 40)}")
