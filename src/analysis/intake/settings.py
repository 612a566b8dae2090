"""`dataset.yml`: what a data set says of itself, read so that YAML changes nothing."""

from __future__ import annotations

import datetime as dt
import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from analysis.errors import SettingsError, shorten, shown_value
from analysis.intake.declarations import ColumnSource, Model, Reading, Source, TableSource
from analysis.intake.schema import DEFAULT_SCALES, TABLES
from analysis.intake.strict_yaml import load_text_tree
from analysis.intake.suggestions import did_you_mean, nearest
from analysis.paths import SETTINGS_FILE
from analysis.tenure import DAYS_PER_MONTH

__all__ = [
    "Churn", "ColumnSource", "Covers", "Economics", "Orientation", "Reading", "Settings", "Source",
    "TableSource", "load_settings",
]  # fmt: skip


def _written_as_a_day(value: Any) -> Any:
    # Pydantic alone would take "1688169600" for seconds and a time of day for a day.
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        raise ValueError("write a day as YYYY-MM-DD, such as 2026-06-30")
    return value


Day = Annotated[dt.date, BeforeValidator(_written_as_a_day)]
Currency = Annotated[str, Field(pattern="^[A-Z]{3}$")]


# Names that the tables made from the customers bear themselves.
TAKEN_NAMES = {
    "customer_id", "spell", "started_on", "entry_months", "exit_months", "ended", "end_reason",
    "start_months", "stop_months", "score", "score_age_months", "period", "period_index",
    "tenure_months", "left", "spend", "orders", "refunded", "margin", "previous_spend", "opens",
}  # fmt: skip


class Covers(Model):
    """First and last day the exports cover."""

    first: Day = Field(alias="from")
    last: Day = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Covers:
        if self.last < self.first:
            raise ValueError("`to` lies before `from`")
        return self


class Economics(Model):
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


class Churn(Model):
    """When a customer counts as lost."""

    rule: Literal["contract", "inactivity", "flag"] = "contract"
    days: int = Field(default=180, ge=1)
    observation_window_months: float = Field(default=0, ge=0)

    @property
    def threshold_months(self) -> float:
        """Months without an order after which a customer counts as lost; 0 by other rules."""
        return self.days / DAYS_PER_MONTH if self.rule == "inactivity" else 0.0


class Orientation(Model):
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


def _zone_hint(value: str, zones: set[str]) -> str:
    found = nearest(value, zones)
    return f"did you mean {found}?" if found else "write UTC, Europe/Berlin, Europe/Moscow …"


class Settings(Model):
    """A whole `dataset.yml`. confirmed: "no" while nobody has looked at what was guessed."""

    company: str
    currency: Currency
    rates: dict[Currency, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    time_zone: str = "UTC"
    unit: str = "customer"
    disclosure: Literal["on", "off"] = "on"
    confirmed: bool = True
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

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        import zoneinfo

        zones = zoneinfo.available_timezones()
        if value not in zones:
            raise ValueError(f"this time zone is not known; {_zone_hint(value, zones)}")
        return value

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


# The library's own words speak of tuples and dictionaries.
WORDS_FOR = {
    "dict_type": "write keys with values beneath it, such as `key: value`",
    "model_type": "write keys with values beneath it, such as `key: value`",
    "model_attributes_type": "write keys with values beneath it, such as `key: value`",
    "tuple_type": "write a list, such as [a, b]",
    "list_type": "write a list, such as [a, b]",
    "string_type": "write one word or text",
    "float_parsing": "write a number, with a decimal point",
    "float_type": "write a number, with a decimal point",
    "finite_number": "write a finite number",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "int_parsing_size": "write a smaller number",
    "bool_parsing": "write yes or no",
    "bool_type": "write yes or no",
    "too_long": "holds too many values",
}
LONGEST_REASON = 400


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    """The keys that `dataset.yml` knows beside the one at `location`."""
    places: dict[str, type[Model]] = {
        "covers": Covers, "economics": Economics, "churn": Churn, "reading": Reading,
        "orientation": Orientation,
    }  # fmt: skip
    if len(location) == 1:
        model: type[Model] = Settings
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
        place = ".".join(shorten(str(part), 60) for part in item["loc"])
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
            text = WORDS_FOR.get(item["type"], text.replace("Input should be", "has to be"))
            text = shorten(text, LONGEST_REASON)
            given = item["input"]
            shown = f" (found {shown_value(given)})" if isinstance(given, (str, int, float)) else ""
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


def refuse_unless_confirmed(settings: Settings) -> None:
    """Raise SettingsError while a `dataset.yml` written from guesses says `confirmed: no`."""
    if not settings.confirmed:
        raise SettingsError(
            f"{SETTINGS_FILE}: its guesses are not confirmed; look at every line marked “guess” or "
            "“undecided” (make check-data lists them), correct what is wrong, then write "
            "`confirmed: yes`"
        )


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
        problems += [
            f"tables.{name}.columns.{column}.currency: belongs beside an amount of money"
            for column, origin in table.columns.items()
            if origin.currency and not _is_money(name, column)
        ]
    readings = {"reading": settings.reading} | {
        f"sources.{name}.reading": settings.reading_of(source)
        for name, source in settings.sources.items()
    }
    problems += [
        f"{place}.thousands: {reading.thousands!r} is the decimal mark as well; write another one"
        for place, reading in readings.items()
        if reading.thousands == reading.decimal
    ]
    if settings.rates.get(settings.currency, 1) != 1:
        problems.append(
            f"rates.{settings.currency}: is the data set's own currency, worth 1 of itself"
        )
    lowered = [name.lower() for name in settings.sources]
    for name in settings.sources:
        if lowered.count(name.lower()) > 1:
            problems.append(f"sources.{name}: names that differ in capitals only are one name")
        if not name.replace("_", "").isalnum() or not name.isascii():
            problems.append(f"sources.{name}: use letters, digits and _ in a source's name")
    if problems:
        raise SettingsError(f"{SETTINGS_FILE}:\n" + "\n".join(f"  - {line}" for line in problems))


def _is_money(table: str, column: str) -> bool:
    return any(known.name == column and known.kind == "money" for known in TABLES[table].columns)
