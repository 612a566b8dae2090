"""`dataset.yml`: what a data set says of itself, read so that YAML changes nothing."""

from __future__ import annotations

import codecs
import datetime as dt
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from analysis.errors import SettingsError
from analysis.intake.schema import DEFAULT_SCALES, TABLES
from analysis.intake.strict_yaml import load_text_tree
from analysis.intake.suggestions import did_you_mean
from analysis.paths import SETTINGS_FILE
from analysis.tenure import DAYS_PER_MONTH


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False
    )


def _written_as_a_day(value: Any) -> Any:
    # Pydantic alone would take "1688169600" for seconds and a time of day for a day.
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("write a day as YYYY-MM-DD, such as 2026-06-30")
    return value


Day = Annotated[dt.date, BeforeValidator(_written_as_a_day)]


# Names that the tables made from the customers bear themselves.
TAKEN_NAMES = {
    "customer_id", "spell", "started_on", "entry_months", "exit_months", "ended", "end_reason",
    "start_months", "stop_months", "score", "score_age_months", "period", "period_index",
    "tenure_months", "left", "spend", "orders", "refunded", "margin", "previous_spend", "opens",
}  # fmt: skip


def _date_formats(formats: tuple[str, ...]) -> tuple[str, ...]:
    for text in formats:
        if "%" not in text or not re.fullmatch(r"(%-?[aAbBdmyYjHIpMSfzZ%]|[^%])+", text):
            raise ValueError(f'{text!r} is not a format; write days as "%d.%m.%Y" and the like')
    return formats


class Reading(_Model):
    """How text is to be understood. dates: strptime formats, tried in turn."""

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    decimal: Literal[".", ","] = "."
    dates: tuple[str, ...] = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M")
    missing: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _one_format_is_a_list(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("dates"), str):
            return {**value, "dates": [value["dates"]]}
        return value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        try:
            "".encode(codecs.lookup(value).name)
        except (LookupError, UnicodeError):
            raise ValueError(
                "this encoding is not known; write utf-8, utf-16, cp1251, cp1252, latin-1 …"
            ) from None
        return value

    @field_validator("delimiter", "quote")
    @classmethod
    def _one_character(cls, value: str) -> str:
        if len(value) != 1 or value in "\r\n":
            raise ValueError('write exactly one character, a tab as "\\t" in double quotes')
        return value

    @field_validator("dates")
    @classmethod
    def _formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError('write at least one format, such as "%Y-%m-%d"')
        return _date_formats(value)


class Source(_Model):
    """A raw file or a database table. dated: the column by which the as-of date cuts it.

    reading: only what differs from the data set's own reading.
    """

    file: str = ""
    sheet: str = ""
    connect: str = ""
    table: str = ""
    dated: str = ""
    reading: Reading = Reading()

    @model_validator(mode="before")
    @classmethod
    def _a_name_is_a_file(cls, value: Any) -> Any:
        return {"file": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> Source:
        if bool(self.file) == bool(self.connect):
            raise ValueError('give either `file: name` or `connect: "env:NAME"` with `table:`')
        if self.connect and not self.connect.startswith("env:"):
            raise ValueError('an address belongs into the environment: write connect: "env:NAME"')
        if self.connect and not self.table:
            raise ValueError("name the database's `table:` beside `connect:`")
        return self


class ColumnSource(_Model):
    """Where a canonical column comes from: a column, a constant or several columns."""

    column: str = ""
    columns: tuple[str, ...] = ()
    value: str | None = None
    values: dict[str, str] = Field(default_factory=dict)
    dates: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _a_name_is_a_column(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"column": value}
        if isinstance(value, dict) and isinstance(value.get("dates"), str):
            return {**value, "dates": [value["dates"]]}
        return value

    @model_validator(mode="after")
    def _one_form(self) -> ColumnSource:
        if bool(self.column) + bool(self.columns) + (self.value is not None) != 1:
            raise ValueError("give one of `column`, `columns` or `value`")
        _date_formats(self.dates)
        return self


class TableSource(_Model):
    """Where a canonical table comes from. source: a source's name, {sql: …} or {rows: […]}."""

    source: str = ""
    sql: str = ""
    rows: tuple[dict[str, str], ...] = ()
    columns: dict[str, ColumnSource] = Field(default_factory=dict)
    covariates: dict[str, Literal["number", "category"]] = Field(default_factory=dict)
    scales: dict[str, tuple[float, float]] = Field(default_factory=dict)
    no_answer: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _unfold_source(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("source"), dict):
            inner = dict(value["source"])
            unknown = set(inner) - {"sql", "rows"}
            if unknown:
                raise ValueError(
                    f"source: {', '.join(sorted(unknown))} is not known; write sql or rows"
                )
            if not any(inner.values()):
                raise ValueError("source: `sql` or `rows` is empty")
            return {**{k: v for k, v in value.items() if k != "source"}, **inner}
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> TableSource:
        if bool(self.source) + bool(self.sql) + bool(self.rows) > 1:
            raise ValueError("give one of a source's name, `sql` or `rows`")
        for instrument, (low, high) in self.scales.items():
            if not low < high:
                raise ValueError(f"scales.{instrument}: write [lowest, highest]")
        return self


class Covers(_Model):
    """First and last day the exports cover."""

    first: Day = Field(alias="from")
    last: Day = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Covers:
        if self.last < self.first:
            raise ValueError("`to` lies before `from`")
        return self


class Economics(_Model):
    """What turns spend into money worth having. horizon_months: how far findings are valued.

    gross_margin: margin as a share of spend; 1, with a warning, where none is declared.
    """

    gross_margin: float = Field(default=1.0, gt=0, le=1)
    discount_rate_annual: float = Field(default=0.10, ge=0, lt=1)
    horizon_months: int = Field(default=24, ge=1, le=120)

    @property
    def margin_declared(self) -> bool:
        """Whether `dataset.yml` says what share of spend is margin."""
        return "gross_margin" in self.model_fields_set


class Churn(_Model):
    """When a customer counts as lost."""

    rule: Literal["contract", "inactivity", "flag"] = "contract"
    days: int = Field(default=180, ge=1)
    observation_window_months: float = Field(default=0, ge=0)

    @property
    def threshold_months(self) -> float:
        """Months without an order after which a customer counts as lost; 0 by other rules."""
        return self.days / DAYS_PER_MONTH if self.rule == "inactivity" else 0.0


class Orientation(_Model):
    """How the 24 statements of the employees' sheets are keyed.

    selling_items: statements that count against customer orientation. scale: lowest and highest
    answer. most_missing: how many answers a half may lack and still be scored.
    """

    selling_items: tuple[int, ...] = tuple(range(13, 25))
    scale: tuple[int, int] = (1, 9)
    most_missing: int = Field(default=4, ge=0, le=11)

    @field_validator("selling_items")
    @classmethod
    def _statements(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) != len(value) or not all(1 <= item <= 24 for item in value):
            raise ValueError("write numbers of statements, each from 1 to 24 and once")
        if not 2 <= len(value) <= 22:
            raise ValueError("name at least two statements and leave at least two for the others")
        return tuple(sorted(value))

    @field_validator("scale")
    @classmethod
    def _lowest_and_highest(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= value[0] < value[1] <= 9:
            raise ValueError("write [lowest, highest], both from 1 to 9")
        return value


class Settings(_Model):
    """A whole `dataset.yml`."""

    company: str
    currency: str = Field(pattern="^[A-Z]{3}$")
    unit: str = "customer"
    disclosure: Literal["on", "off"] = "on"
    covers: Covers | None = None
    year_starts: int = Field(default=1, ge=1, le=12)
    snapshot_on: Day | None = None
    economics: Economics = Economics()
    churn: Churn = Churn()
    orientation: Orientation = Orientation()
    reading: Reading = Reading()
    control_totals: dict[str, dict[str, float]] = Field(default_factory=dict)
    targets: dict[str, float] = Field(default_factory=dict)
    competitors: dict[str, float] = Field(default_factory=dict)
    maturity: dict[str, dict[str, float]] = Field(default_factory=dict)
    importance: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    key_figures: tuple[str, ...] = ()
    open_sections: tuple[str, ...] = ()
    sources: dict[str, Source] = Field(default_factory=dict)
    tables: dict[str, TableSource]

    @model_validator(mode="after")
    def _dated(self) -> Settings:
        if self.covers is None and self.snapshot_on is None:
            raise ValueError(
                "write `covers: {from: …, to: …}`, or `snapshot_on: …` for an export that carries "
                "tenure instead of dates"
            )
        return self

    @cached_property
    def last_day(self) -> dt.date:
        """The last day about which the exports say anything."""
        if self.covers is not None:
            return self.covers.last
        assert self.snapshot_on is not None
        return self.snapshot_on

    @cached_property
    def scales(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest answer by instrument, as declared or usual."""
        surveys = self.tables.get("surveys")
        return {**DEFAULT_SCALES, **(surveys.scales if surveys else {})}

    @cached_property
    def covariates(self) -> dict[str, Literal["number", "category"]]:
        """Customer columns beyond the canonical ones, by name."""
        customers = self.tables.get("customers")
        return dict(customers.covariates) if customers else {}

    def reading_of(self, source: Source) -> Reading:
        """The data set's reading with what the source declares differently."""
        own = {name: getattr(source.reading, name) for name in source.reading.model_fields_set}
        return self.reading.model_copy(update=own)


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """The keys that `dataset.yml` knows beside the one at `location`."""
    places: dict[str, type[_Model]] = {
        "covers": Covers, "economics": Economics, "churn": Churn, "reading": Reading,
        "orientation": Orientation,
    }  # fmt: skip
    if len(location) == 1:
        model: type[_Model] = Settings
    elif location[0] == "sources":
        model = Reading if location[2:-1] == ("reading",) else Source
    elif location[0] == "tables":
        model = ColumnSource if location[2:3] == ("columns",) else TableSource
    else:
        model = places.get(str(location[0]), Settings)
    return [field.alias or name for name, field in model.model_fields.items()]


def _in_words(error: ValidationError) -> str:
    lines = []
    for item in error.errors():
        place = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            unknown = str(item["loc"][-1])
            lines.append(
                f"{place}: this key is not known; {did_you_mean(unknown, _known_keys(item['loc']))}"
            )
        elif item["type"] == "missing":
            lines.append(f"{place}: is missing; it has to be given")
        else:
            text = item["msg"].removeprefix("Value error, ")
            if item["type"] == "literal_error":
                text = f"valid are {item['ctx']['expected']}"
            given = item["input"]
            shown = f" (found {given!r})" if isinstance(given, (str, int, float)) else ""
            lines.append(f"{place or 'dataset'}: {text}{shown}")
    return "\n".join(f"  - {line}" for line in lines)


def load_settings(folder: Path) -> Settings:
    """Read and check `dataset.yml` of a data set's folder.

    Raises SettingsError with every problem, the nearest valid key beside a misspelt one.
    """
    path = folder / SETTINGS_FILE
    content = load_text_tree(path.read_bytes(), SETTINGS_FILE)
    if not isinstance(content, dict):
        raise SettingsError(f"{SETTINGS_FILE}: write keys with values, such as `company: …`")
    try:
        settings = Settings.model_validate(content)
    except ValidationError as error:
        raise SettingsError(f"{SETTINGS_FILE}:\n{_in_words(error)}") from error
    _check_names(settings)
    return settings


def _check_names(settings: Settings) -> None:
    problems = []
    for name, table in settings.tables.items():
        if name not in TABLES:
            problems.append(
                f"tables.{name}: there is no such table; {did_you_mean(name, list(TABLES))}"
            )
            continue
        known = [*TABLES[name].column_names, *table.covariates]
        problems += [
            f"tables.{name}.covariates.{covariate}: this name is taken; give the covariate "
            "another one and lead to it under columns"
            for covariate in table.covariates
            if covariate in TAKEN_NAMES
        ]
        problems += [
            f"tables.{name}.columns.{column}: there is no such column; {did_you_mean(column, known)}"
            for column in table.columns
            if column not in known
        ]
        for key, owner in (("covariates", "customers"), ("scales", "surveys")):
            if getattr(table, key) and name != owner:
                problems.append(f"tables.{name}.{key}: belongs under tables.{owner}")
        origin = table.source or name
        if not table.sql and not table.rows and origin not in settings.sources:
            problems.append(
                f"tables.{name}.source: there is no source {origin!r}"
                + f"; {did_you_mean(origin, settings.sources)}"
            )
    lowered = [name.lower() for name in settings.sources]
    for name in settings.sources:
        if lowered.count(name.lower()) > 1:
            problems.append(f"sources.{name}: names that differ in capitals only are one name")
        if not name.replace("_", "").isalnum() or not name.isascii():
            problems.append(f"sources.{name}: use letters, digits and _ in a source's name")
    if problems:
        raise SettingsError(f"{SETTINGS_FILE}:\n" + "\n".join(f"  - {line}" for line in problems))
