"""Dates of exports: only the declared form is read, and every other form is named with a way out."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.errors import DataError, SettingsError
from analysis.intake.dataset import open_dataset

HEAD = "company: A\ncurrency: EUR\ndisclosure: off\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"
CUSTOMERS_ONLY = HEAD + "sources: {customers: customers.csv}\ntables: {customers: {}}\n"
FORM = 'reading: {dates: "%d.%m.%Y"}\n'


def with_column(extra: str) -> str:
    return CUSTOMERS_ONLY.replace("{}", "{columns: {started_on: " + extra + "}}")


def customers(*days: str) -> str:
    return "customer_id,started_on\n" + "".join(f'{i},"{day}"\n' for i, day in enumerate(days, 1))


def days_of(folder) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in open_dataset(folder).table("customers")["started_on"]]


@pytest.mark.parametrize(
    ("dates", "expected"), [('"%d.%m.%Y"', "2025-02-01"), ('"%m.%d.%Y"', "2025-01-02")]
)
def test_a_day_is_read_as_declared_and_no_other_way(make_dataset, dates, expected) -> None:
    folder = make_dataset(with_column(f"{{column: started_on, dates: {dates}}}"),
                          customers=customers("01.02.2025"))  # fmt: skip
    assert days_of(folder) == [expected]


def test_a_day_without_declared_form_is_not_guessed(refused) -> None:
    error = refused(CUSTOMERS_ONLY, customers=customers("2025-02-01", "01.02.2025", "02/01/2025"))
    (problem,) = error.problems
    assert "is not a date of the form %Y-%m-%d" in problem.message
    assert 'write the column\'s format under dates, such as {column: …, dates: "%d.%m.%Y"}' in (
        problem.message
    )
    assert problem.examples == ("row 2: '01.02.2025'", "row 3: '02/01/2025'")


@pytest.mark.parametrize(
    ("dates", "text"),
    [
        ("%Y-%m-%d", "epoch"),
        ("%Y-%m-%d", "-infinity"),
        ("%Y%m%d", "2025105"),
        ("%j %Y", "366 2023"),
        ("%a %d %b %Y", "Mon 07 Jan 2025"),
        ("excel", "45,000"),
    ],
)
def test_a_text_that_only_the_engine_takes_for_a_day_is_refused(refused, dates, text) -> None:
    """strptime knows words, and lets the rest of a text say what it likes."""
    error = refused(
        with_column(f'{{column: started_on, dates: "{dates}"}}'), customers=customers(text)
    )
    (problem,) = error.problems
    assert f"is not a date of the form {dates}" in problem.message
    assert problem.examples == (f"row 1: '{text}'",)


@pytest.mark.parametrize("text", ["epoch", "infinity", "2025-01-01 25:00"])
def test_a_constant_is_a_day_or_refused(refused, text) -> None:
    error = refused(with_column(f'{{value: "{text}"}}'), customers=customers("2025-01-01"))
    assert "the constant is not a date" in error.problems[0].message


def test_days_of_which_all_is_said_are_read(make_dataset) -> None:
    for dates, text, expected in (
        ("%Y%m%d", "20250105", "2025-01-05"),
        ("%j %Y", "60 2024", "2024-02-29"),
        ("%a %d %b %Y", "tue 7 jan 2025", "2025-01-07"),
        ("excel", "45658.5", "2025-01-01"),
    ):
        told = with_column(f'{{column: started_on, dates: "{dates}"}}')
        assert days_of(make_dataset(told, customers=customers(text))) == [expected]


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        ("%d.%m", "lacks a year (%Y)"),
        ("%d %Y", "lacks a month (%m)"),
        ("%d.%m.%Y %I:%M", "lacks the half of the day (%p)"),
        ("%Y-%m-%d %Z", "is not a format"),
    ],
)
def test_a_format_that_leaves_something_out_is_refused(make_dataset, dates, said) -> None:
    folder = make_dataset(
        with_column(f'{{column: started_on, dates: "{dates}"}}'), customers=customers("2025-01-01")
    )
    with pytest.raises(SettingsError) as caught:
        open_dataset(folder)
    assert said in str(caught.value)


def test_forms_that_read_one_text_as_two_days_cannot_both_be_declared(make_dataset) -> None:
    folder = make_dataset(
        CUSTOMERS_ONLY + 'reading: {dates: ["%d/%m/%Y", "%m/%d/%Y"]}\n',
        customers=customers("01/02/2025"),
    )
    with pytest.raises(
        SettingsError, match=r"reading.dates: .*read the same text as different days"
    ):
        open_dataset(folder)
    folder = make_dataset(
        CUSTOMERS_ONLY + 'reading: {dates: ["%d/%m/%Y", "%Y-%m-%d", "%d.%m.%y"]}\n',
        customers=customers("01/02/2025", "2025-03-01", "05.04.25"),
    )
    assert days_of(folder) == ["2025-02-01", "2025-03-01", "2025-04-05"]


@pytest.mark.parametrize("day", ["31.04.2025", "29.02.2025", "00.01.2025", "01.13.2025"])
def test_impossible_days(refused, day: str) -> None:
    error = refused(CUSTOMERS_ONLY + FORM, customers=customers("01.02.2025", day))
    (problem,) = error.problems
    assert problem.column == "started_on"
    assert "there is no such day in the calendar; correct it in the export" in problem.message
    assert (problem.count, problem.examples) == (1, (f"row 2: '{day}'",))


def test_mixed_forms_are_told_apart(refused) -> None:
    error = refused(
        CUSTOMERS_ONLY + FORM,
        customers=customers("01.02.2025", "2025-02-01", "31.02.2025", "45689", "1.2.25", "soon"),
    )
    said = {problem.message.partition(": ")[2][:40]: problem for problem in error.problems}
    assert all(problem.message.startswith("is not a date of the form %d.%m.%Y")
               for problem in error.problems)  # fmt: skip
    examples = [problem.examples for problem in error.problems]
    assert sorted(examples) == [
        ("row 2: '2025-02-01'", "row 6: 'soon'"), ("row 3: '31.02.2025'",), ("row 4: '45689'",),
        ("row 5: '1.2.25'",),
    ], said  # fmt: skip


def test_years_of_two_digits_need_a_word(make_dataset, refused) -> None:
    error = refused(CUSTOMERS_ONLY + FORM, customers=customers("03.02.25", "03.02.2025"))
    assert "the year has two digits; write the column's format with %y" in str(error)
    assert "row 1: '03.02.25'" in str(error)
    folder = make_dataset(with_column('{column: started_on, dates: "%d.%m.%y"}'),
                          customers=customers("03.02.25", "04.05.99"))  # fmt: skip
    assert days_of(folder) == ["2025-02-03", "1999-05-04"]


def test_serial_numbers_of_spreadsheets(make_dataset, refused) -> None:
    error = refused(CUSTOMERS_ONLY, customers=customers("45689", "45690.5"))
    assert "these are a spreadsheet's serial numbers of days" in str(error)
    assert "write {column: …, dates: excel}" in str(error)
    assert "row 1: '45689'; row 2: '45690.5'" in str(error)
    folder = make_dataset(with_column("{column: started_on, dates: excel}"),
                          customers=customers("45689", "45690.5"))  # fmt: skip
    assert days_of(folder) == ["2025-02-01", "2025-02-02"]


def test_facts_after_the_covered_days(refused) -> None:
    error = refused(CUSTOMERS_ONLY, customers=customers("2025-06-30", "2025-07-01"))
    (problem,) = error.problems
    assert (
        problem.message == "lies after covers.to (2025-06-30); move covers.to or correct the dates"
    )
    assert problem.examples == ("customer_id 2, started_on 2025-07-01",)


TABLES_WITH_AN_END = {
    "customers": ("customer_id,started_on,ended_on\nA,2025-03-02,2025-03-01\n", "ended_on"),
    "periods": ("customer_id,from_on,to_on,spend\nA,2025-03-02,2025-03-01,1\n", "to_on"),
    "surveys": (
        "response_id,customer_id,instrument,invited_on,answered_on,score\n"
        "1,A,nps,2025-03-02,2025-03-01,9\n", "answered_on",
    ),
    "contacts": (
        "contact_id,customer_id,opened_at,resolved_at\n"
        "1,A,2025-03-02 10:00,2025-03-02 09:59\n", "resolved_at",
    ),
    "programmes": ("programme_id,name,starts_on,ends_on\np,P,2026-03-02,2026-03-01\n", "ends_on"),
}  # fmt: skip


@pytest.mark.parametrize("table", TABLES_WITH_AN_END)
def test_ends_before_their_start(refused, table: str) -> None:
    content, column = TABLES_WITH_AN_END[table]
    files = {"customers": customers("2025-01-01"), table: content}
    names = ", ".join(files)
    error = refused(
        HEAD + "sources: {" + ", ".join(f"{name}: {name}.csv" for name in files) + "}\n"
        "tables: {" + names.replace(",", ": {},") + ": {}}\n", **files,
    )  # fmt: skip
    (problem,) = error.problems
    assert (problem.table, problem.column, problem.count) == (table, column, 1)
    assert "lies before" in problem.message
    assert "correct the dates, or check their declared format" in problem.message


def test_planned_dates_lie_ahead_and_are_open(make_dataset) -> None:
    folder = make_dataset(
        HEAD + "sources: {customers: c.csv, programmes: p.csv, rollout: r.csv}\n"
        "tables: {customers: {source: customers}, programmes: {}, rollout: {}}\n",
        c="customer_id,started_on,ended_on,area\nA,2025-01-02,2025-12-31,x\nB,2025-01-02,,x\n",
        p="programme_id,name,starts_on,ends_on\np,P,2025-05-01,2027-01-01\n",
        r="programme_id,area,starts_on\np,x,2025-09-01\n",
    )
    data = open_dataset(folder)
    assert data.table("customers")["ended_on"].isna().all()
    assert not data.lifetimes()["ended"].any()
    assert data.table("programmes")["ends_on"].tolist() == [pd.Timestamp("2027-01-01")]
    assert data.table("rollout")["starts_on"].tolist() == [pd.Timestamp("2025-09-01")]


@pytest.mark.parametrize(
    ("form", "ends", "starts"),
    [
        (
            "%Y-%m-%d",
            ["9999-12-31", "2999-12-31", "2025-03-01"],
            ["1900-01-01"] * 2 + ["2025-01-01"],
        ),
        (
            "%d.%m.%Y",
            ["31.12.9999", "31.12.2999", "01.03.2025"],
            ["01.01.1900"] * 2 + ["01.01.2025"],
        ),
        (
            "%Y-%m-%d %H:%M:%S",
            ["9999-12-31 23:59:59", "9999-12-31 00:00:00", "2025-03-01 00:00:00"],
            ["1900-01-01 00:00:00", "1899-12-30 00:00:00", "2025-01-01 00:00:00"],
        ),
    ],
)
def test_days_that_stand_for_open(make_dataset, noted, form, ends, starts) -> None:
    rows = "".join(f"{i},{s},{e}\n" for i, (s, e) in enumerate(zip(starts, ends, strict=True)))
    folder = make_dataset(
        CUSTOMERS_ONLY + f'reading: {{dates: "{form}"}}\n',
        customers="customer_id,started_on,ended_on\n" + rows,
    )
    data = open_dataset(folder)
    assert data.table("customers")["ended_on"].isna().tolist() == [True, True, False]
    assert data.table("customers")["started_on"].isna().tolist() == [True, True, False]
    said = (
        "days that stand for “open” (9999-12-31, 2999-12-31, 1900-01-01, 1899-12-30) were blanked"
    )
    assert noted(data, "repair", said, "customers", "ended_on") == 2
    assert noted(data, "repair", said, "customers", "started_on") == 2


def test_an_open_day_where_one_is_needed_is_empty(refused) -> None:
    error = refused(
        HEAD + "sources: {customers: customers.csv, transactions: transactions.csv}\n"
        "tables: {customers: {}, transactions: {}}\n",
        customers=customers("2025-01-01"),
        transactions="transaction_id,customer_id,occurred_on,amount\n1,1,9999-12-31,5\n",
    )
    assert "column occurred_on: is empty where a value is needed" in str(error)


MOMENTS = (
    HEAD + "time_zone: {zone}\nsources: {{customers: customers.csv, contacts: contacts.csv}}\n"
    "tables:\n  customers: {{}}\n  contacts:\n"
    '    columns: {{opened_at: {{column: at, dates: "%Y-%m-%dT%H:%M:%S%z"}}}}\n'
)


def opened(make_dataset, zone: str, *moments: str):
    rows = "".join(f"{i},1,{moment}\n" for i, moment in enumerate(moments))
    folder = make_dataset(
        MOMENTS.replace("{zone}", zone).replace("{{", "{").replace("}}", "}"),
        customers=customers("2025-01-01"), contacts="contact_id,customer_id,at\n" + rows,
    )  # fmt: skip
    data = open_dataset(folder)
    return data, [f"{moment:%Y-%m-%d %H:%M}" for moment in data.table("contacts")["opened_at"]]


def test_offsets_are_converted_to_the_declared_zone(make_dataset, noted) -> None:
    written = ("2025-02-01T23:30:00+03:00", "2025-02-01T23:30:00Z", "2025-02-01T23:30:00-0500")
    data, utc = opened(make_dataset, "UTC", *written)
    assert utc == ["2025-02-01 20:30", "2025-02-01 23:30", "2025-02-02 04:30"]
    said = "moments with an offset were converted to the declared time zone"
    assert noted(data, "repair", said, "contacts", "opened_at") == 3
    _, moscow = opened(make_dataset, "Europe/Moscow", *written)
    assert moscow == ["2025-02-01 23:30", "2025-02-02 02:30", "2025-02-02 07:30"]


def test_offsets_across_the_change_of_the_clocks(make_dataset) -> None:
    _, berlin = opened(
        make_dataset, "Europe/Berlin",
        "2025-03-30T00:59:59+00:00", "2025-03-30T01:00:00+00:00", "2025-03-29T23:30:00+00:00",
    )  # fmt: skip
    assert berlin == ["2025-03-30 01:59", "2025-03-30 03:00", "2025-03-30 00:30"]


def test_the_day_of_a_moment_is_the_day_in_the_declared_zone(make_dataset) -> None:
    text = (
        CUSTOMERS_ONLY + "time_zone: Europe/Moscow\n"
        'reading: {dates: "%Y-%m-%dT%H:%M:%S%z"}\n'
    )  # fmt: skip
    folder = make_dataset(text, customers=customers("2025-02-01T20:59:59Z", "2025-02-01T21:00:00Z"))
    assert days_of(folder) == ["2025-02-01", "2025-02-02"]


def test_an_offset_without_a_word_is_an_error(refused) -> None:
    error = refused(CUSTOMERS_ONLY, customers=customers("2025-02-01T20:59:59+03:00"))
    assert "the time bears an offset; write the format with %z" in str(error)
    assert "time_zone: Europe/Berlin" in str(error)


def test_an_open_day_stays_open_in_every_zone(make_dataset, noted) -> None:
    folder = make_dataset(
        CUSTOMERS_ONLY + "time_zone: Asia/Tokyo\n"
        'reading: {dates: ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"]}\n',
        customers="customer_id,started_on,ended_on\nA,2025-01-01,9999-12-31T23:59:59Z\n",
    )
    data = open_dataset(folder)
    assert data.table("customers")["ended_on"].isna().all()
    assert noted(data, "repair", "stand for “open”", "customers", "ended_on") == 1


def test_unknown_time_zone_names_the_nearest(make_dataset) -> None:
    folder = make_dataset(CUSTOMERS_ONLY + "time_zone: Europe/Mosow\n", customers=customers("x"))
    with pytest.raises(
        SettingsError, match=r"time_zone: this time zone .* did you mean Europe/Moscow"
    ):
        open_dataset(folder)


def test_each_column_may_have_a_form_of_its_own(make_dataset) -> None:
    folder = make_dataset(
        CUSTOMERS_ONLY.replace(
            "{}", '{columns: {ended_on: {column: gone, dates: ["%d/%m/%y", "%Y%m%d"]}}}'
        ),
        customers="customer_id,started_on,gone\nA,2025-01-02,03/02/25\nB,2025-01-02,20250204\n",
    )
    gone = open_dataset(folder).table("customers")["ended_on"]
    assert gone.tolist() == [pd.Timestamp("2025-02-03"), pd.Timestamp("2025-02-04")]


def test_lifetimes_of_length_zero_are_left_out_and_said(make_dataset, noted) -> None:
    folder = make_dataset(
        CUSTOMERS_ONLY,
        customers="customer_id,started_on,ended_on\n"
        "A,2025-01-02,2025-01-02\nB,2025-02-02,2025-02-02\nC,2025-01-02,\n,,\n".replace(",,\n", ""),
    )
    data = open_dataset(folder)
    assert data.lifetimes()["customer_id"].tolist() == ["C"]
    assert noted(data, "warning", "whose time as a customer is zero", "customers") == 2


def test_a_dated_column_that_cannot_be_read_is_no_way_around_the_cut(make_dataset) -> None:
    folder = make_dataset(
        HEAD
        + "sources: {customers: {file: customers.csv, dated: started_on}}\ntables: {customers: {}}\n",
        customers=customers("2025-02-01", "01.02.2025"),
    )
    with pytest.raises(DataError) as caught:
        open_dataset(folder)
    assert "sources.customers.dated: started_on is not a date of the form %Y-%m-%d" in str(
        caught.value
    )
    assert "write its format under sources.customers.reading.dates" in str(caught.value)
    assert "row 2: '01.02.2025'" in str(caught.value)
