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

from analysis.disclosure import Disclosure
from analysis.errors import NotAvailable, ParameterError
from analysis.intake.notes import Note
from analysis.intake.periods import Period, choose_period
from analysis.intake.prepared import prepare, read_notes
from analysis.intake.settings import Settings, load_settings
from analysis.intake.suggestions import did_you_mean, valid_names
from analysis.paths import BUILD_FOLDER, find_dataset_folder

if TYPE_CHECKING:
    import pandas as pd

GROUPS = ("segment", "region", "area", "acquisition_channel")


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
        import pyarrow.parquet as pq

        if column not in pq.read_schema(path).names:
            return False
        return bool(self.table(table)[column].notna().any())

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
            raise NotAvailable(" and ".join(missing))
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
        return counts_of_prepared(self.prepared, group, segment)

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
        customers = self.table("customers")
        count = self.disclosure.count(len(customers))
        parts = [f"{count:,} {self.unit}s" if count is not None else f"fewer than 8 {self.unit}s"]
        for name in ("transactions", "surveys", "contacts"):
            if self.has(name):
                rows = self.disclosure.count(len(self.table(name)))
                parts.append(f"{rows:,} {name}" if rows is not None else f"hardly any {name}")
        where = f", {self.segment.label}" if self.segment else ""
        excluded = sum(note.count for note in self.notes if note.kind == "warning")
        doubts = f"; {excluded:,} rows with a remark, see the data section" if excluded else ""
        return f"{self.name}, {self.period.label}{where}, as of {self.as_of}: {', '.join(parts)}{doubts}."

    @cached_property
    def _segment_customers(self) -> frozenset[str]:
        assert self.segment is not None
        customers = self._open("customers")
        chosen = customers[customers[self.segment.column] == self.segment.value]
        return frozenset(chosen["customer_id"])

    def _open(self, name: str) -> pd.DataFrame:
        import pandas as pd

        path = self.prepared / f"{name}.parquet"
        return _plain_types(path) if path.is_file() else pd.DataFrame()

    def _read(self, name: str) -> pd.DataFrame:
        frame = self._open(name)
        if self.segment is None or "customer_id" not in frame.columns:
            return frame
        return frame[frame["customer_id"].isin(self._segment_customers)].reset_index(drop=True)


def _plain_types(path: Path) -> pd.DataFrame:
    """A prepared table with dates as datetime64[ns] and money as float: what NumPy works with.

    The file's own types decide, so that a column without any value has its type as well.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    frame = table.to_pandas()
    converted: dict[str, pd.Series] = {}
    for field in table.schema:
        if pa.types.is_decimal(field.type):
            converted[field.name] = frame[field.name].astype(float)
        elif pa.types.is_date(field.type) or pa.types.is_timestamp(field.type):
            converted[field.name] = pd.to_datetime(frame[field.name]).astype("datetime64[ns]")
    return frame.assign(**converted)


def _in_words(requirement: str) -> str:
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
    return Segment(column, value)


def open_dataset(dataset: str | Path, period: str = "", segment: str = "") -> Dataset:
    """Open a data set as of the end of a period; the last whole quarter if none is named.

    Validates and prepares it first where that has not been done. Raises ParameterError,
    SettingsError, DataError, each with what to write instead.
    """
    folder = find_dataset_folder(dataset)
    settings = load_settings(folder)
    chosen = choose_period(period, settings)
    build = Path(os.environ.get("CLIENTELE_BUILD_FOLDER", BUILD_FOLDER))
    prepared = prepare(settings, folder, chosen, build)
    part = choose_segment(segment, settings, prepared)
    return Dataset(folder.name, settings, chosen, part, read_notes(prepared), prepared)
