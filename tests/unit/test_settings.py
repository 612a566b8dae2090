"""dataset.yml means what stands there, and says what it does not understand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from analysis.errors import SettingsError
from analysis.intake.settings import Settings, load_settings

BASE = """\
company: A
currency: EUR
covers: {from: 2025-01-01, to: 2025-12-31}
sources: {customers: customers.csv}
tables: {customers: {}}
"""


def read(folder: Path, text: str) -> Settings:
    (folder / "dataset.yml").write_text(text, encoding="utf-8")
    return load_settings(folder)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        read(folder, text)
    return str(caught.value)


def test_yaml_turns_nothing_into_something_else(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        BASE.replace("company: A", "company: NO").replace(
            "{customers: {}}",
            "{customers: {columns: {segment: {column: p, values: {010: 12:30, on: 1_0, ~: null}}}}}",
        ),
    )
    assert settings.company == "NO"
    values = settings.tables["customers"].columns["segment"].values
    assert values == {"010": "12:30", "on": "1_0", "~": "null"}


def test_defaults_are_stated(tmp_path: Path) -> None:
    settings = read(tmp_path, BASE)
    assert settings.last_day == dt.date(2025, 12, 31)
    assert settings.disclosure == "on"
    assert settings.scales == {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), "csi": (1, 10)}
    assert not settings.economics.margin_declared
    assert read(tmp_path, BASE + "economics: {gross_margin: 1}").economics.margin_declared


def test_declared_scale_replaces_its_default_only(tmp_path: Path) -> None:
    text = BASE.replace("csv}", "csv, surveys: s.csv}").replace(
        "{customers: {}}", "{customers: {}, surveys: {scales: {csat: [1, 7]}}}"
    )
    scales = read(tmp_path, text).scales
    assert scales["csat"] == (1, 7)
    assert scales["nps"] == (0, 10)


def test_source_reading_overrides_only_what_it_names(tmp_path: Path) -> None:
    text = BASE.replace(
        "customers.csv", '{file: c.csv, reading: {delimiter: ";", dates: "%d.%m.%Y"}}'
    )
    settings = read(tmp_path, text + 'reading: {decimal: ",", missing: [x]}\n')
    reading = settings.reading_of(settings.sources["customers"])
    assert (reading.delimiter, reading.decimal) == (";", ",")
    assert (reading.dates, reading.missing) == (("%d.%m.%Y",), ("x",))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("econmics: {gross_margin: 1}", "econmics: this key is not known; did you mean economics?"),
        (
            "economics: {gros_margin: 1}",
            "economics.gros_margin: this key is not known; did you mean gross_margin?",
        ),
        ("economics: {gross_margin: 1.2}", "economics.gross_margin: "),
        ("economics: {gross_margin: nan}", "economics.gross_margin: "),
        ("targets: {retention: inf}", "targets.retention: "),
        ("reading: {encoding: utf8000}", "this encoding is not known; write utf-8"),
        ("reading: {encoding: hex}", "this encoding is not known"),
        ('reading: {delimiter: ";;"}', "reading.delimiter: write exactly one character"),
        ('reading: {delimiter: ""}', "reading.delimiter: write exactly one character"),
        ("reading: {quote: '\"\"'}", "reading.quote: write exactly one character"),
        ("reading: {dates: dd.mm.yyyy}", "'dd.mm.yyyy' is not a format"),
        ('reading: {dates: "%d.%Q"}', "'%d.%Q' is not a format"),
        ("reading: {decimal: ';'}", "reading.decimal: valid are '.' or ','"),
        ("churn: {rule: contarct}", "churn.rule: valid are 'contract', 'inactivity' or 'flag'"),
        ("disclosure: maybe", "disclosure: valid are 'on' or 'off'"),
        ("snapshot_on: 30.06.2025", "snapshot_on: write a day as YYYY-MM-DD"),
        ("year_starts: 13", "year_starts: "),
    ],
)
def test_what_cannot_be_is_refused_by_name(tmp_path: Path, wrong: str, said: str) -> None:
    assert said in refusal(tmp_path, BASE + wrong + "\n")


@pytest.mark.parametrize("day", ["1735689600", "2025-01-01T10:00", "01.01.2025", "2025-1-1", "x"])
def test_days_look_like_days(tmp_path: Path, day: str) -> None:
    said = refusal(tmp_path, BASE.replace("2025-01-01", f'"{day}"'))
    assert "covers.from: write a day as YYYY-MM-DD" in said


def test_day_that_is_none(tmp_path: Path) -> None:
    assert "covers.from: " in refusal(tmp_path, BASE.replace("2025-01-01", "2025-02-30"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "customers.csv",
            "{file: c.csv, reading: {encodng: utf-8}}",
            "sources.customers.reading.encodng: this key is not known; did you mean encoding?",
        ),
        (
            "customers.csv",
            "{flie: c.csv}",
            "sources.customers.flie: this key is not known; did you mean file?",
        ),
        ("customers.csv", '{connect: "postgres://u:p@h/d", table: t}', 'write connect: "env:NAME"'),
        ("customers.csv", '{connect: "env:CRM"}', "name the database's `table:`"),
        ("{customers: {}}", "{custmers: {}}", "no such table; did you mean customers?"),
        (
            "{customers: {}}",
            "{customers: {columns: {startd_on: a}}}",
            "tables.customers.columns.startd_on: there is no such column; did you mean started_on?",
        ),
        (
            "{customers: {}}",
            "{customers: {columns: {started_on: {colum: a}}}}",
            "colum: this key is not known; did you mean column?",
        ),
        (
            "{customers: {}}",
            "{customers: {source: custmers}}",
            "there is no source 'custmers'; did you mean customers?",
        ),
        (
            "{customers: {}}",
            "{customers: {scales: {csat: [1, 5]}}}",
            "tables.customers.scales: belongs under tables.surveys",
        ),
        (
            "{customers: {}}",
            "{customers: {covariates: {spell: number}}}",
            "tables.customers.covariates.spell: this name is taken",
        ),
        ("{customers: c", "{Customers: x.csv, customers: c", "differ in capitals only"),
        ("{customers: {}}", "{customers: {source: {query: x}}}", "query is not known; write sql"),
        ("company: A", "unit: A", "company: is missing"),
        ("to: 2025-12-31", "to: 2024-12-31", "`to` lies before `from`"),
        ("covers: {from: 2025-01-01, to: 2025-12-31}", "", "write `covers: {from: …, to: …}`"),
    ],
)
def test_misspelt_names_lead_to_the_right_ones(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert said in refusal(tmp_path, BASE.replace(old, new))


def test_aliases_are_not_followed(tmp_path: Path) -> None:
    said = refusal(tmp_path, BASE + "targets: &a {retention: 1}\ncontrol_totals: {revenue: *a}\n")
    assert "line 7: aliases (*name) are not read" in said


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, BASE.replace("EUR", "euro") + "colour: red\nyear_starts: x\n")
    assert all(place in said for place in ("currency: ", "colour: ", "year_starts: "))


def test_what_is_wrong_is_said_without_words_of_the_library(tmp_path: Path) -> None:
    said = refusal(
        tmp_path,
        BASE
        + "targets: x\norientation: {selling_items: 3}\nchurn: {days: many}\nyear_starts: 1.5\n"
        + f"unit: [a]\nconfirmed: perhaps\neconomics: yes\ntime_zone: {'z' * 5000}\n",
    )
    assert "targets: write keys with values beneath it" in said
    assert "orientation.selling_items: write a list" in said
    assert "churn.days: write a whole number (found 'many')" in said
    assert "year_starts: write a whole number (found '1.5')" in said
    assert "unit: write one word or text" in said
    assert "confirmed: write yes or no (found 'perhaps')" in said
    assert "economics: write keys with values beneath it" in said
    for word in ("Input", "tuple", "dictionary", "parse", "instance"):
        assert word not in said
    assert len(said) < 2000
