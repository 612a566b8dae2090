"""What a notebook opens: a data set as of a period, for all customers or a segment of them."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.disclosure import SMALLEST_CELL, Disclosure
from analysis.errors import NotAvailable, ParameterError
from analysis.intake.disclosure_family import FACTS, GROUPS, TOGETHER, Value, read_family
from analysis.intake.notes import Note
from analysis.intake.opened import column_names, count_rows, has_value, read_plain
from analysis.intake.periods import Period, choose_period
from analysis.intake.prepared import prepare, read_notes
from analysis.intake.settings import Settings, load_settings, refuse_unless_confirmed
from analysis.intake.suggestions import did_you_mean, valid_names
from analysis.paths import BUILD_FOLDER, find_dataset_folder

if TYPE_CHECKING:
    import pandas as pd

# Tables with more rows are read anew each time: nobody wants them in memory twice.
MOST_ROWS_KEPT = 2_000_000


@dataclass(frozen=True, slots=True)
class Segment:
    """The customers whose `column` holds `value`."""

    column: str
    value: str

    @property
    def label(self) -> str:
        return f"{self.column}={self.value}"

    @property
    def slug(self) -> str:
        """Safe as part of a folder's name, and different for different values."""
        plain = re.sub(r"[^A-Za-z0-9]+", "-", self.label).strip("-").lower()[:40]
        return f"{plain}-{hashlib.sha256(self.label.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class Dataset:
    """A data set as it stood at the end of a period.

    Tables and frames are those of the customers in `segment`, or of all. No path is kept in
    anything that is shown.
    """

    name: str
    settings: Settings
    period: Period
    segment: Segment | None
    notes: tuple[Note, ...]
    prepared: Path

    @property
    def company(self) -> str:
        return self.settings.company

    @property
    def currency(self) -> str:
        return self.settings.currency

    @property
    def unit(self) -> str:
        return self.settings.unit

    @property
    def disclosure(self) -> Disclosure:
        return Disclosure(enabled=self.settings.disclosure == "on")

    @cached_property
    def _together(self) -> dict[str, tuple[Value, ...]]:
        """By column, the values that no report of this period may show alone."""
        if not self.disclosure.enabled or not (self.prepared / "customers.parquet").is_file():
            return {}
        part = (self.segment.column, self.segment.value) if self.segment else ("", "")
        return read_family(self.prepared).together(*part)

    @cached_property
    def _blank_in_facts(self) -> dict[str, tuple[Value, ...]]:
        """By column of answers and contacts, what a table by it would give few away of."""
        if not self.disclosure.enabled or not (self.prepared / "customers.parquet").is_file():
            return {}
        part = (self.segment.column, self.segment.value) if self.segment else ("", "")
        return read_family(self.prepared).blank_in_facts(*part)

    @property
    def as_of(self) -> dt.date:
        """The day up to which the data are known."""
        return self.period.last_day if self.settings.covers else self.settings.last_day

    @property
    def first_day(self) -> dt.date | None:
        """The first day that the exports cover; None where they are a snapshot."""
        return self.settings.covers.first if self.settings.covers else None

    def has(self, requirement: str) -> bool:
        """Whether a table ("surveys") or a column with values ("surveys.score") is there."""
        table, _, column = requirement.partition(".")
        path = self.prepared / f"{table}.parquet"
        if not path.is_file():
            return False
        if not column:
            return True
        if column not in column_names(path):
            return False
        if self.segment is None and not (table in FACTS and column in self._blank_in_facts):
            return has_value(path, column)
        return bool(self._read(table, (column,))[column].notna().any())

    def needs(self, *requirements: str) -> Dataset:
        """Give the data set itself if all requirements are met; "a|b" is met by either.

        Raises NotAvailable, with all that is missing in words.
        """
        missing = [
            " or ".join(_in_words(option) for option in requirement.split("|"))
            for requirement in requirements
            if not any(self.has(option) for option in requirement.split("|"))
        ]
        if missing:
            raise NotAvailable(", and ".join(missing))
        return self

    def table(self, name: str) -> pd.DataFrame:
        """A canonical table as of the period's end; empty without columns if not declared."""
        return self._read(name)

    def lifetimes(self) -> pd.DataFrame:
        """A row per customer or spell: entry, exit (months of tenure), ended, groups."""
        return self._read("frame_lifetimes")

    def lifetime_counts(self, group: str = "") -> pd.DataFrame:
        """Lifetimes counted by group and time in the engine: entries, exits and losses.

        Some thousand rows for any number of customers; group "" counts all together. Empty
        where there are no lifetimes. Raises ParameterError for a column that they do not carry.
        """
        import pandas as pd

        path = self.prepared / "frame_lifetimes.parquet"
        if not path.is_file():
            return pd.DataFrame()
        from analysis.intake.lifetime_counts import carried_columns, counts_of_prepared

        valid = carried_columns(path)
        if group and group not in valid:
            raise ParameterError(
                f"group: lifetimes carry no column {group!r}, only {valid_names(valid)}"
            )
        segment = (self.segment.column, self.segment.value) if self.segment else None
        together = self._together.get(group, ())
        return counts_of_prepared(self.prepared, group, segment, together, TOGETHER)

    def intervals(self) -> pd.DataFrame:
        """Lifetimes split where the last known CSAT changes; empty without answers."""
        return self._read("frame_intervals")

    def customer_periods(self) -> pd.DataFrame:
        """Customer × period: spend, orders, refunds, margin, last scores and their age."""
        return self._read("frame_customer_periods")

    def landmarks(self) -> pd.DataFrame:
        """Customer × instrument: the first answer under observation, time as a customer after it."""
        return self._read("frame_landmarks")

    def landmark_periods(self) -> pd.DataFrame:
        """Customer × period after the first answer: margin, months since it at the opening."""
        return self._read("frame_landmark_periods")

    def rollout_panel(self, programme_id: str) -> pd.DataFrame:
        """Customer × period frame of a roll-out over areas."""
        from analysis.intake.programme_frames import rollout_panel

        return rollout_panel(self, programme_id)

    def experiment_outcomes(self, programme_id: str) -> pd.DataFrame:
        """One row per customer assigned to a programme, with what came before and after."""
        from analysis.intake.programme_frames import experiment_outcomes

        return experiment_outcomes(self, programme_id)

    def summary(self) -> str:
        """One line on what the notebook works with."""
        parts = []
        if self.has("customers"):
            count = self.disclosure.count(self._rows("customers"))
            parts.append(
                f"fewer than 8 {self.unit}s" if count is None else f"{count:,} {self.unit}s"
            )
        for name in ("transactions", "surveys", "contacts"):
            if self.has(name):
                rows = self.disclosure.count(self._rows(name))
                parts.append(f"{rows:,} {name}" if rows is not None else f"hardly any {name}")
        where = f", {self.segment.label}" if self.segment else ""
        excluded = sum(note.count for note in self.notes if note.kind == "warning")
        rows_word = "row" if excluded == 1 else "rows"
        doubts = (
            f"; {excluded:,} {rows_word} with a remark, see the data section" if excluded else ""
        )
        return f"{self.name}, {self.period.label}{where}, as of {self.as_of}: {', '.join(parts)}{doubts}."

    @cached_property
    def _segment_customers(self) -> frozenset[str]:
        assert self.segment is not None
        path = self.prepared / "customers.parquet"
        customers = read_plain(path, list({"customer_id": 1, self.segment.column: 1}))
        chosen = customers[customers[self.segment.column] == self.segment.value]
        return frozenset(chosen["customer_id"])

    @cached_property
    def _kept(self) -> dict[str, pd.DataFrame]:
        """Tables that were asked for before: a notebook asks for most of them many times."""
        return {}

    def _read(self, name: str, columns: tuple[str, ...] = ()) -> pd.DataFrame:
        """A table or frame, with the columns named at least; all without a name.

        A copy each time, so that whoever writes into one changes nobody else's.
        """
        if name in self._kept:
            return self._kept[name].copy()
        frame = self._taken_off_disk(name, columns)
        if not columns and len(frame) <= MOST_ROWS_KEPT:
            self._kept[name] = frame
            return frame.copy()
        return frame

    def _taken_off_disk(self, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
        import pandas as pd

        path = self.prepared / f"{name}.parquet"
        if not path.is_file():
            return pd.DataFrame()
        present = column_names(path)
        wanted = [c for c in present if c in columns or c == "customer_id"] if columns else None
        frame = read_plain(path, wanted)
        if "customer_id" not in present:
            return frame
        if self.segment is not None:
            inside = frame["customer_id"].isin(self._segment_customers)
            frame = frame[inside].reset_index(drop=True)
        if name in FACTS:
            return _blanked(frame, self._blank_in_facts)
        return _put_together(frame, self._together)

    def _rows(self, name: str) -> int:
        """The rows of a table that is there."""
        path = self.prepared / f"{name}.parquet"
        if self.segment is None or "customer_id" not in column_names(path):
            return count_rows(path)
        return len(self._read(name, ("customer_id",)))


def _put_together(frame: pd.DataFrame, together: dict[str, tuple[Value, ...]]) -> pd.DataFrame:
    """The frame with values that may not be shown alone under one name."""
    put = {}
    for column in frame.columns.intersection(list(together)):
        values = together[column]
        away = frame[column].isin([value for value in values if value is not None])
        if None in values:
            away |= frame[column].isna()
        put[column] = frame[column].mask(away, TOGETHER)
    return frame.assign(**put) if put else frame


def _blanked(frame: pd.DataFrame, blank: dict[str, tuple[Value, ...]]) -> pd.DataFrame:
    """The frame without some values: the rows stay, and count where nothing is asked of them."""
    put = {
        column: frame[column].mask(frame[column].isin(list(blank[column])), None)
        for column in frame.columns.intersection(list(blank))
    }
    return frame.assign(**put) if put else frame


def _in_words(requirement: str) -> str:
    if requirement == "frame_lifetimes":
        return "customers with a first day or a tenure"
    table, _, column = requirement.partition(".")
    if not column:
        return table
    article = "" if "_" in column else ("an " if column[0] in "aeiou" else "a ")
    return f"{table} with {article}{column}"


def choose_segment(text: str, settings: Settings, prepared: Path) -> Segment | None:
    """The segment named as "column=value", or None for all customers.

    Raises ParameterError, listing what is valid.
    """
    if not text:
        return None
    import pandas as pd

    customers = pd.read_parquet(prepared / "customers.parquet")
    categories = [name for name, kind in settings.covariates.items() if kind == "category"]
    valid = [name for name in (*GROUPS, *categories) if name in customers.columns]
    column, separator, value = text.partition("=")
    if not separator or column not in valid:
        raise ParameterError(
            f"segment: write column=value; {column!r} is not a column to split by, valid are "
            f"{valid_names(valid)}"
        )
    values = sorted(str(v) for v in customers[column].dropna().unique())
    if value not in values:
        raise ParameterError(
            f"segment: {column} has no value {value!r}; {did_you_mean(value, values)}; "
            f"valid are {valid_names(values)}"
        )
    if settings.disclosure == "on" and read_family(prepared).refuses(column, value):
        raise ParameterError(
            f"segment: the report of {column}={value} would give fewer than {SMALLEST_CELL} "
            f"{settings.unit}s away, by itself or less the other values' reports; put it together "
            f"with others under `values:` of tables.customers.columns.{column} in dataset.yml"
        )
    return Segment(column, value)


def open_dataset(dataset: str | Path, period: str = "", segment: str = "") -> Dataset:
    """Open a data set as of the end of a period; the last whole quarter if none is named.

    Validates and prepares it first where that has not been done. Raises ParameterError,
    SettingsError, DataError, each with what to write instead.
    """
    folder = find_dataset_folder(dataset)
    settings = load_settings(folder)
    refuse_unless_confirmed(settings)
    chosen = choose_period(period, settings)
    build = Path(os.environ.get("CLIENTELE_BUILD_FOLDER", BUILD_FOLDER))
    prepared = prepare(settings, folder, chosen, build)
    part = choose_segment(segment, settings, prepared)
    return Dataset(folder.name, settings, chosen, part, read_notes(prepared), prepared)
