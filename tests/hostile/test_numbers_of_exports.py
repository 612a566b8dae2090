"""Numbers of exports: read under the declared marks, refused with a way out under any other."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from analysis.errors import SettingsError
from analysis.intake.dataset import open_dataset

HEAD = (
    "company: A\ncurrency: {currency}\ndisclosure: off\ncovers: {{from: 2025-01-01, to: 2025-06-30}}\n"
    "sources: {{customers: customers.csv, transactions: transactions.csv}}\n"
)
TABLES = "tables: {customers: {}, transactions: {}}\n"
CUSTOMERS = "customer_id,started_on\nA,2024-11-02\n"
NUMBERS = "tables: {customers: {covariates: {share: number}}}\n"


def settings(currency: str = "EUR", reading: str = "", more: str = "", tables: str = TABLES) -> str:
    told = f"reading: {{{reading}}}\n" if reading else ""
    return HEAD.format(currency=currency) + told + more + tables


def orders(*amounts: str) -> str:
    rows = "".join(f'{i},A,2025-02-01,"{amount}"\n' for i, amount in enumerate(amounts, start=1))
    return "transaction_id,customer_id,occurred_on,amount\n" + rows


def amounts_of(folder) -> list[float]:
    return open_dataset(folder).table("transactions")["amount"].tolist()


READ = [
    ("EUR", 'decimal: ","', "1 234,50", 1234.5),
    ("EUR", 'decimal: ","', "1\u00a0234,50", 1234.5),
    ("EUR", 'decimal: ","', "1\u202f234\u202f567,5", 1234567.5),
    ("EUR", 'decimal: ","', "1\u2009234,50", 1234.5),
    ("EUR", 'decimal: ","', "1.234,50", 1234.5),
    ("EUR", 'decimal: ","', "1.234", 1234),
    ("EUR", 'decimal: ","', "12,", 12),
    ("EUR", 'decimal: ","', ",5", 0.5),
    ("EUR", "", "1 234.50", 1234.5),
    ("EUR", "", "\u221212.50", -12.5),
    ("EUR", "", "\u2212 12.50", -12.5),
    ("EUR", "", "+12.50", 12.5),
    ("EUR", "", "€12.50", 12.5),
    ("EUR", "", "€ 12.50", 12.5),
    ("EUR", "", "12.50\u00a0€", 12.5),
    ("EUR", "", "-€12.50", -12.5),
    ("EUR", "", "€ -12.50", -12.5),
    ("EUR", "", "EUR 12.50", 12.5),
    ("EUR", "", "12.50 eur", 12.5),
    ("RUB", 'decimal: ","', "1\u00a0234,50 ₽", 1234.5),
    ("RUB", 'decimal: ","', "1 234,50 руб.", 1234.5),
    ("RUB", 'decimal: ","', "1 234,50 р.", 1234.5),
    ("USD", "", "$1234.50", 1234.5),
    ("CAD", "", "$1234.50", 1234.5),
    ("GBP", "", "£5", 5),
    ("USD", 'thousands: ","', "$1,234.50", 1234.5),
    ("USD", 'thousands: ","', "1,234,567", 1234567),
    ("CHF", 'thousands: "\'"', "1'234.50", 1234.5),
    ("CHF", 'thousands: "\'"', "CHF 1’234’567.50", 1234567.5),
    ("EUR", "negative: brackets", "(123.40)", -123.4),
    ("EUR", "negative: brackets", "(€ 123.40)", -123.4),
    ("EUR", "negative: brackets", "-5", -5),
    ("EUR", "negative: trailing", "123.40-", -123.4),
    ("EUR", 'decimal: ",", negative: trailing', "1.123,40- €", -1123.4),
]


@pytest.mark.parametrize(("currency", "reading"), sorted({(c, r) for c, r, _, _ in READ}))
def test_numbers_are_read_under_the_declared_settings(make_dataset, currency, reading) -> None:
    cases = [(text, value) for c, r, text, value in READ if (c, r) == (currency, reading)]
    folder = make_dataset(
        settings(currency, reading), customers=CUSTOMERS,
        transactions=orders(*(text for text, _ in cases)),
    )  # fmt: skip
    assert amounts_of(folder) == [value for _, value in cases]


@pytest.mark.parametrize(
    ("reading", "text", "said"),
    [
        ("", "inf", "it is infinite or undefined"),
        ("", "-Infinity", "it is infinite or undefined"),
        ("", "nan", "it is infinite or undefined"),
        ("", "1.5e3", "it is in scientific notation; export it in full"),
        ("", "12 pieces", "write reading.decimal, or list words that mean “no value”"),
        ("", "1O0", "list words that mean “no value” under reading.missing"),
        ("", "1,5", 'write reading.decimal: ","'),
        ("", "1,234.50", 'commas stand between the thousands; write reading.thousands: ","'),
        ("", "1'234.50", 'apostrophes stand between the thousands; write reading.thousands: "\'"'),
        ("", "(123)", "it stands in brackets; write reading.negative: brackets if they mean minus"),
        ("", "123-", "the minus stands behind; write reading.negative: trailing"),
        ("", "1 2", "is not a number"),
        ("", "12 34", "is not a number"),
        ("", "1 2345", "is not a number"),
        ("", "--5", "is not a number"),
        ("", "5 %", "is not a number"),
        ('decimal: ","', "1.5", 'write reading.decimal: "."'),
        ('decimal: ","', "0.234", 'write reading.decimal: "."'),
        ('decimal: ","', "1,234.50", "is not a number with the decimal comma"),
        ('decimal: ","', "1,2,3", "is not a number"),
    ],
)
def test_what_is_no_number_is_named(refused, reading: str, text: str, said: str) -> None:
    error = refused(settings(reading=reading), customers=CUSTOMERS, transactions=orders("5", text))
    (problem,) = error.problems
    assert (problem.file, problem.column) == ("transactions.csv", "amount")
    assert said in problem.message
    assert (problem.count, problem.examples) == (1, (f"row 2: {text!r}",))


def test_infinities_that_come_as_numbers(refused, make_dataset) -> None:
    text = settings().replace("transactions.csv", "transactions.parquet")
    frame = pd.DataFrame(
        {"transaction_id": ["1", "2"], "customer_id": "A", "occurred_on": "2025-02-01",
         "amount": [1.5, math.inf]}
    )  # fmt: skip
    frame.to_parquet(make_dataset(text) / "transactions.parquet")
    error = refused(text, customers=CUSTOMERS)
    assert "column amount: is not a finite number (1 rows)" in str(error)
    assert "row 2: 'inf'" in str(error)


def test_shares_may_bear_a_percent_sign(make_dataset) -> None:
    text = settings(tables=NUMBERS).replace(", transactions: transactions.csv", "")
    folder = make_dataset(
        text, customers="customer_id,started_on,share\nA,2025-01-02,12.5 %\nB,2025-01-02,7%\n"
    )
    assert open_dataset(folder).table("customers")["share"].tolist() == [12.5, 7]


def test_a_sign_of_another_currency_needs_a_rate(make_dataset, refused) -> None:
    amounts = ("5 €", "$ 10", "10 USD", "£3")
    error = refused(settings(), customers=CUSTOMERS, transactions=orders(*amounts))
    (problem,) = error.problems
    assert "bears the sign of another currency than EUR" in problem.message
    assert "write what one unit is worth, such as rates: {USD: 0.92}" in problem.message
    assert problem.count == 3
    rates = "rates: {USD: 0.5, GBP: 1.25}\n"
    folder = make_dataset(settings(more=rates), customers=CUSTOMERS, transactions=orders(*amounts))
    assert amounts_of(folder) == [5, 5, 5, 3.75]


IN_COLUMN = "transaction_id,customer_id,occurred_on,amount,currency\n" + "".join(
    f"{i},A,2025-02-01,10,{code}\n" for i, code in enumerate(("EUR", "USD", " usd", "€", "CHF"))
)
DECLARED = "tables: {customers: {}, transactions: {columns: {amount: {column: amount, currency: currency}}}}\n"


def test_two_currencies_in_one_column_need_a_rate(make_dataset, refused) -> None:
    error = refused(settings(), customers=CUSTOMERS, transactions=IN_COLUMN)
    (problem,) = error.problems
    assert (problem.file, problem.table, problem.column) == (
        "transactions.csv", "transactions", "currency"
    )  # fmt: skip
    assert "names other currencies than EUR; write amount: {column: …, currency: currency}" in (
        problem.message
    )
    assert (problem.count, problem.examples) == (3, ("'USD'", "'CHF'"))
    error = refused(
        settings(more="rates: {USD: 0.5}\n", tables=DECLARED),
        customers=CUSTOMERS,
        transactions=IN_COLUMN,
    )
    (problem,) = error.problems
    assert "names currencies without a rate; write what one unit of each is worth in EUR" in (
        problem.message
    )
    assert "rates: {CHF: 0.92}" in problem.message
    assert problem.examples == ("'CHF'",)
    folder = make_dataset(
        settings(more="rates: {USD: 0.5, CHF: 1.1}\n", tables=DECLARED),
        customers=CUSTOMERS,
        transactions=IN_COLUMN,
    )
    assert amounts_of(folder) == [10, 5, 5, 10, 11]


def in_currencies(*amounts: tuple[str, str]) -> str:
    rows = "".join(
        f'{i},A,2025-02-01,"{amount}",{code}\n' for i, (amount, code) in enumerate(amounts, start=1)
    )
    return "transaction_id,customer_id,occurred_on,amount,currency\n" + rows


def test_a_sign_beside_an_amount_does_not_convert_it_twice(make_dataset) -> None:
    folder = make_dataset(
        settings(more="rates: {USD: 0.5}\n", tables=DECLARED),
        customers=CUSTOMERS,
        transactions=in_currencies(("$10", "USD"), ("10", "USD"), ("10 USD", "$"), ("€10", "EUR")),
    )
    assert amounts_of(folder) == [5, 5, 5, 10]


def test_a_sign_that_contradicts_the_column_of_currencies_is_an_error(refused) -> None:
    error = refused(
        settings(more="rates: {USD: 0.5}\n", tables=DECLARED),
        customers=CUSTOMERS,
        transactions=in_currencies(("€10", "USD"), ("$10", "EUR"), ("7", "EUR")),
    )
    (problem,) = error.problems
    assert "bears another sign of money than 'currency' names" in problem.message
    assert problem.examples == ("row 1: '€10'", "row 2: '$10'")


def test_a_sign_that_two_currencies_share_is_not_guessed(refused) -> None:
    error = refused(
        settings(more="rates: {USD: 0.5, CAD: 0.25}\n"),
        customers=CUSTOMERS,
        transactions=orders("$10", "US$ 10", "CAD 10"),
    )
    (problem,) = error.problems
    assert "bears a sign of money that CAD and USD share" in problem.message
    assert problem.examples == ("row 1: '$10'",)


def test_an_amount_too_large_once_converted_is_told(refused) -> None:
    error = refused(
        settings(more="rates: {USD: 90}\n"),
        customers=CUSTOMERS,
        transactions=orders("$99999999999999"),
    )
    assert error.problems[0].examples == ("row 1: '$99999999999999'",)


def test_an_amount_without_its_currency_is_an_error(refused) -> None:
    error = refused(
        settings(more="rates: {USD: 0.5}\n", tables=DECLARED),
        customers=CUSTOMERS,
        transactions=IN_COLUMN.replace("CHF", ""),
    )
    assert error.problems[0].examples == ("'(empty)'",)


def test_the_own_currency_named_throughout_is_fine(make_dataset) -> None:
    content = "transaction_id,customer_id,occurred_on,amount,Currency\n1,A,2025-02-01,10,EUR\n"
    assert amounts_of(make_dataset(settings(), customers=CUSTOMERS, transactions=content)) == [10]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("rates: {USD: 0}\n", "rates.USD: "),
        ("rates: {USD: inf}\n", "rates.USD: "),
        ("rates: {Dollar: 1}\n", "rates.Dollar"),
        ("rates: {EUR: 2}\n", "rates.EUR: is the data set's own currency, worth 1 of itself"),
        ('reading: {decimal: ",", thousands: ","}\n', "is the decimal mark as well"),
        ('reading: {thousands: "_"}\n', "reading.thousands: valid are"),
    ],
)
def test_marks_and_rates_that_cannot_be(make_dataset, more: str, said: str) -> None:
    folder = make_dataset(settings(more=more), customers=CUSTOMERS, transactions=orders("1"))
    with pytest.raises(SettingsError) as caught:
        open_dataset(folder)
    assert said in str(caught.value)


def test_a_refund_counts_on_its_own_date_and_is_no_order(make_dataset, noted) -> None:
    folder = make_dataset(
        settings(),
        customers=CUSTOMERS,
        transactions="transaction_id,customer_id,occurred_on,amount\n"
        "1,A,2025-01-20,100\n1,A,2025-04-05,-30\n2,A,2025-04-06,50\n",
    )
    data = open_dataset(folder)
    said = "negative amounts are refunds on their own dates, never orders"
    assert noted(data, "info", said, "transactions", "amount") == 1
    periods = data.customer_periods().set_index("period")[["spend", "orders", "refunded"]]
    assert periods.loc["2025Q1"].tolist() == [100, 1, 0]
    assert periods.loc["2025Q2"].tolist() == [20, 1, 30]
