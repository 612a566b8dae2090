"""How raw exports are declared: where a file lies, how it is read, which column is which."""

from __future__ import annotations

import codecs
import itertools
import re
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from analysis.errors import shown_value


class Model(BaseModel):
    """What every part of `dataset.yml` has in common: unknown keys and infinities are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False
    )


# Days since the end of 1899, as spreadsheets keep them: a column has to declare it by this word.
EXCEL_SERIAL = "excel"
DIRECTIVE = re.compile(r"%-?([aAbBdmyYjHIpMSfz%])")


def _date_formats(formats: tuple[str, ...], serials: bool = False) -> tuple[str, ...]:
    for text in formats:
        if serials and text == EXCEL_SERIAL:
            continue
        if "%" not in text or not re.fullmatch(rf"({DIRECTIVE.pattern}|[^%])+", text):
            raise ValueError(
                f'{shown_value(text)} is not a format; write days as "%d.%m.%Y" and the like'
            )
        _whole_day(text)
    for first, second in itertools.combinations(formats, 2):
        # %d.%m.%Y and %m.%d.%Y both read 01.02.2024: which it is would be a guess.
        same_look = _look(first) == _look(second)
        if same_look and DIRECTIVE.findall(first) != DIRECTIVE.findall(second):
            raise ValueError(
                f"{first!r} and {second!r} read the same text as different days; give each column "
                "its own format under dates"
            )
    return formats


def _whole_day(date_format: str) -> None:
    """Raise ValueError where strptime would fill in what a format does not say."""
    said = set(DIRECTIVE.findall(date_format))
    lacking = ""
    if not said & {"Y", "y"}:
        lacking = "a year (%Y)"
    elif said & {"d", "a", "A"} and not said & {"m", "b", "B"}:
        lacking = "a month (%m)"
    elif "I" in said and "p" not in said:
        lacking = "the half of the day (%p)"
    if lacking:
        raise ValueError(f"{shown_value(date_format)} lacks {lacking}")


def _look(date_format: str) -> str:
    """What a text of the format looks like: two digits, four digits, letters."""
    looks = {"Y": "####", "j": "###", **dict.fromkeys("aAbBp", "w"), "z": "+##:##", "%": "%"}
    return DIRECTIVE.sub(lambda found: looks.get(found.group(1), "##"), date_format)


# Python keeps them among the encodings, but they write names and source code, not files.
NO_ENCODINGS_OF_FILES = {
    "idna", "punycode", "unicode-escape", "unicode_escape", "raw-unicode-escape",
    "raw_unicode_escape", "undefined", "charmap",
}  # fmt: skip


class Reading(Model):
    """How text is to be understood.

    skip_lines: how many lines, or rows of a sheet, stand above the header, such as a title.
    dates: strptime formats, tried in turn. thousands: what stands between groups of three digits
    beside spaces; a point needs no word where the decimal is a comma. negative: how amounts below
    zero are written beside a leading minus: (1) or 1-. missing: words that mean “no value”.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    skip_lines: int = Field(default=0, ge=0, le=1000)
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", "'"] = ""
    negative: Literal["minus", "brackets", "trailing"] = "minus"
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
            codec = codecs.lookup(value)
            "".encode(codec.name)
        except (LookupError, UnicodeError, ValueError):
            raise ValueError(
                "this encoding is not known; write utf-8, utf-16, cp1251, cp1252, latin-1 …"
            ) from None
        if codec.name in NO_ENCODINGS_OF_FILES or codec.incrementaldecoder is None:
            raise ValueError(
                "this is no encoding of text files; write utf-8, utf-16, cp1251, cp1252, latin-1 …"
            )
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


class Source(Model):
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


class ColumnSource(Model):
    """Where a canonical column comes from: a column, a constant or several columns.

    values: their words → ours. dates: the column's own formats, or "excel" for serial numbers.
    currency: the column that names each amount's currency.
    """

    column: str = ""
    columns: tuple[str, ...] = ()
    value: str | None = None
    values: dict[str, str] = Field(default_factory=dict)
    dates: tuple[str, ...] = ()
    currency: str = ""

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
        _date_formats(self.dates, serials=True)
        if self.currency and not self.column:
            raise ValueError("`currency` stands beside `column`")
        return self


class TableSource(Model):
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
