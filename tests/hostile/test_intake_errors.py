"""Bad exports and settings end in one message that says what, where, and what to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.errors import ClienteleError, DataError, SettingsError
from analysis.intake.dataset import open_dataset

HEAD = "company: A\ncurrency: EUR\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"
CUSTOMERS_ONLY = HEAD + "sources: {customers: customers.csv}\ntables: {customers: {}}\n"
GOOD = "customer_id,started_on,acquisition_cost\nA,2025-01-02,1.50\nB,2025-01-03,2\n"
WITH_SURVEYS = (
    HEAD + "sources: {customers: customers.csv, surveys: surveys.csv}\n"
    "tables: {customers: {}, surveys: {}}\n"
)


def refusal(folder: Path, kind: type[ClienteleError] = DataError) -> str:
    with pytest.raises(kind) as caught:
        open_dataset(folder)
    text = str(caught.value)
    assert str(folder.parent) not in text, "a message shows no path of the machine"
    assert not list((folder.parent / "build").glob("prepared/*")), "nothing half-made stays"
    return text


def test_good_file_is_accepted(make_dataset) -> None:
    assert len(open_dataset(make_dataset(CUSTOMERS_ONLY, customers=GOOD)).table("customers")) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", ["customers.csv: the file is empty"]),
        ("\n\n", ["customers.csv: the file is empty"]),
        (
            "customer_id,started_on\n",
            ["customers.csv: there is a header but no row beneath it"],
        ),
        (
            "customer_id,customer_id\nA,B\n",
            ["columns stand twice in the header: customer_id"],
        ),
        ("customer_id,Region,region\nA,B,C\n", ["stand twice in the header: Region, region"]),
        ("customer_id;started_on\nA;2025-01-01\n", ["write the separator under reading.delimiter"]),
        (
            GOOD + "C,2025-01-04,1,5\n",
            ["lines do not have the header's 3 fields", "(1 rows)", "line 4: C,2025-01-04,1,5"],
        ),
        (
            GOOD + "C,2025-01-04\nD\n",
            [
                "lines do not have the header's 3 fields",
                "(2 rows)",
                "line 4: C,2025-01-04",
                "line 5",
            ],
        ),
        (GOOD + 'C,"2025-01-04,1\nD,2025-01-05,2\n', ["customers.csv: ", "quote"]),
        (GOOD + 'C,"2025-01-04"x,1\n', ["customers.csv: ", "quote"]),
        (GOOD.replace("B", "B\0"), ["customers.csv: line 3 holds NUL bytes", "export it again"]),
        (
            GOOD + "A,2025-02-02,1\n",
            [
                "customers.csv, table customers, column customer_id: stands more than once",
                "(2 rows)",
                "for example: A",
            ],
        ),
        (
            GOOD + "C,2025-02-30,1\n",
            [
                "column started_on: is not a date of the form %Y-%m-%d",
                "there is no such day in the calendar; correct it in the export",
                "(1 rows)",
                "row 3: '2025-02-30'",
            ],
        ),
        (GOOD + "C,25-02-03,1\n", ["column started_on: is not a date", "row 3: '25-02-03'"]),
        (GOOD + "C,03.02.2025,1\n", ["column started_on: is not a date", "row 3: '03.02.2025'"]),
        (
            GOOD + "C,2025-02-03,abc\n",
            [
                "column acquisition_cost: is not a number with the decimal point",
                "reading.missing",
                "row 3: 'abc'",
            ],
        ),
        (GOOD + 'C,2025-02-03,"1,5"\n', ["acquisition_cost: is not a number", "row 3: '1,5'"]),
        (GOOD + "C,2025-02-03,inf\n", ["acquisition_cost: is not a number", "row 3: 'inf'"]),
        (GOOD + "C,2025-02-03,NaN\n", ["acquisition_cost: is not a number", "row 3: 'NaN'"]),
        (GOOD + "C,2025-02-03,1e5\n", ["acquisition_cost: is not a number", "row 3: '1e5'"]),
        (GOOD + "C,2025-02-03,1 2 x\n", ["acquisition_cost: is not a number"]),
        (GOOD + ",2025-02-03,1\n", ["column customer_id: is empty where a value is needed"]),
        (
            GOOD + "C,2025-07-01,1\n",
            [
                "column started_on: lies after covers.to (2025-06-30); move covers.to",
                "customer_id C, started_on 2025-07-01",
            ],
        ),
        (
            GOOD.replace("customer_id", "custmer_id"),
            [
                "the customer is needed and was not found; did you mean custmer_id?",
                "write tables.customers.columns.customer_id",
            ],
        ),
        (
            "customer_id,started_on,ended_on\nA,2025-03-01,2025-02-01\n",
            [
                "column ended_on: lies before started_on",
                "customer_id A, started_on 2025-03-01, ended_on 2025-02-01",
            ],
        ),
        ("customer_id,tenure\nA,-1\n", ["column tenure: lies below 0", "row 1: -1"]),
        (
            "customer_id,tenure,tenure_unit\nA,1,fortnights\n",
            ["column tenure_unit: is not one of days, weeks, months, years", "fortnights"],
        ),
        ("customer_id,ended\nA,perhaps\n", ["column ended: is neither yes nor no", "'perhaps'"]),
        ("customer_id,_row\nA,1\n", ["the name _row is taken"]),
    ],
)
def test_bad_csv(make_dataset, content: str, said: list[str]) -> None:
    text = refusal(make_dataset(CUSTOMERS_ONLY, customers=content))
    assert [part for part in said if part not in text] == [], text


@pytest.mark.parametrize(
    ("content", "encoding", "said"),
    [
        ("Москва", "cp1251", "is not utf-8; write the file's encoding under reading.encoding"),
        ("café au lait", "latin-1", "byte 34 is not utf-8"),
        ("Москва".encode().decode("cp1251"), "utf-8", "the text is garbled"),
        ("Москва", "utf-16-le", "NUL bytes"),
    ],
)
def test_wrong_encoding(make_dataset, content: str, encoding: str, said: str) -> None:
    text = f"customer_id,region\nAAAAAAAAAA,{content}\n"
    assert said in refusal(make_dataset(CUSTOMERS_ONLY, customers=text.encode(encoding)))


SURVEY_HEAD = "response_id,customer_id,instrument,invited_on,answered_on,score\n"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            "1,A,csat,2025-02-01,2025-02-02,9",
            [
                "column score: lies outside the csat scale of 1 to 5",
                "tables.surveys.scales.csat",
                "no_answer",
                "score 9",
            ],
        ),
        ("1,A,nps,2025-02-01,2025-02-02,-1", ["lies outside the nps scale of 0 to 10"]),
        (
            "1,A,happiness,2025-02-01,2025-02-02,1",
            [
                "column instrument: is not a declared instrument",
                "map it with values to nps, csat, ces, csi",
                "happiness",
            ],
        ),
        ("1,A,csat,2025-02-03,2025-02-02,1", ["column answered_on: lies before invited_on"]),
        ("1,A,csat,2025-02-03,2025-07-02,1", ["column answered_on: lies after covers.to"]),
        ("1,A,,2025-02-03,2025-02-04,1", ["column instrument: is empty where a value is needed"]),
    ],
)
def test_bad_survey(make_dataset, row: str, said: list[str]) -> None:
    folder = make_dataset(WITH_SURVEYS, customers=GOOD, surveys=SURVEY_HEAD + row + "\n")
    text = refusal(folder)
    assert [part for part in said if part not in text] == [], text


def test_whole_numbers_are_whole(make_dataset) -> None:
    folder = make_dataset(
        HEAD + "sources: {customers: customers.csv, orientation: orientation.csv}\n"
        "tables: {customers: {}, orientation: {}}\n",
        customers=GOOD,
        orientation="employee_id,answered_on,item_01,item_02\nE,2025-01-01,3.7,10\n",
    )
    text = refusal(folder)
    assert "column item_01: is not a whole number" in text
    assert "row 1: '3.7'" in text


def test_constant_that_does_not_fit(make_dataset) -> None:
    settings = CUSTOMERS_ONLY.replace(
        "{customers: {}}", "{customers: {columns: {observed_from: {value: yesterday}}}}"
    )
    text = refusal(make_dataset(settings, customers=GOOD))
    assert "column observed_from: the constant is not a date" in text
    assert "yesterday" in text


def test_missing_file_and_column_name_the_nearest(make_dataset) -> None:
    folder = make_dataset(CUSTOMERS_ONLY.replace("customers.csv", "custmers.csv"), customers=GOOD)
    assert (
        "custmers.csv: sources.customers: there is no such file; did you mean customers.csv?"
        in refusal(folder)
    )
    settings = CUSTOMERS_ONLY.replace("{}", "{columns: {started_on: strated_on}}")
    assert "there is no column 'strated_on' in the source; did you mean started_on?" in refusal(
        make_dataset(settings, customers=GOOD)
    )
    settings = CUSTOMERS_ONLY.replace("customers.csv", "{file: customers.csv, dated: startd_on}")
    assert (
        "sources.customers.dated: there is no column 'startd_on'; did you mean started_on?"
        in refusal(make_dataset(settings, customers=GOOD))
    )


@pytest.mark.parametrize("path", ["../secret.csv", "sub/../../secret.csv", "{absolute}"])
def test_path_that_leaves_the_folder(make_dataset, tmp_path: Path, path: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(GOOD, encoding="utf-8")
    settings = CUSTOMERS_ONLY.replace("customers.csv", f'"{path.format(absolute="/etc/hostname")}"')
    assert "the file has to lie in the data set's folder" in refusal(make_dataset(settings))


def test_link_that_leaves_the_folder(make_dataset, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text(GOOD, encoding="utf-8")
    folder = make_dataset(CUSTOMERS_ONLY)
    (folder / "customers.csv").symlink_to(tmp_path / "secret.csv")
    assert "the file has to lie in the data set's folder" in refusal(folder)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("c.xlsx", b"<html><table></table></html>", "this is a web page named xlsx"),
        ("c.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old or password-protected workbook"),
        ("c.xlsx", b"PK\x03\x04 not a zip", "the workbook is damaged"),
        ("c.parquet", b"PAR1 not parquet PAR1", "c.parquet: cannot be read as Parquet"),
    ],
)
def test_files_that_are_not_what_they_say(
    make_dataset, name: str, content: bytes, said: str
) -> None:
    folder = make_dataset(CUSTOMERS_ONLY.replace("customers.csv", name))
    (folder / name).write_bytes(content)
    assert said in refusal(folder)


def test_workbook_with_errors_in_cells(make_dataset) -> None:
    from openpyxl import Workbook

    folder = make_dataset(CUSTOMERS_ONLY.replace("customers.csv", "c.xlsx"))
    book = Workbook()
    book.active.append(["customer_id", "acquisition_cost"])
    book.active.append(["A", "#DIV/0!"])
    book.save(folder / "c.xlsx")
    text = refusal(folder)
    assert "cells hold errors" in text
    assert "B2: #DIV/0!" in text


def test_database_without_address_and_without_its_password(
    make_dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = CUSTOMERS_ONLY.replace("customers.csv", '{connect: "env:CRM_ADDRESS", table: t}')
    monkeypatch.delenv("CRM_ADDRESS", raising=False)
    assert "set the environment variable CRM_ADDRESS" in refusal(make_dataset(settings))
    two = settings.replace("sources: {", 'sources: {more: {connect: "env:CRM_ADDRESS", table: u}, ')
    assert refusal(make_dataset(two)).count("set the environment variable CRM_ADDRESS") == 1
    monkeypatch.setenv("CRM_ADDRESS", "nonsense://user:hunter2@host/db")
    text = refusal(make_dataset(settings))
    assert "table 't' at CRM_ADDRESS cannot be read" in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM 'customers.csv'", "customers.csv"),
        ("SELECT * FROM read_csv('customers.csv')", "only sources are read"),
        ("SELECT * FROM read_csv_auto('/etc/passwd')", "only sources are read"),
        ("SELECT * FROM read_text('/etc/passwd')", "only sources are read"),
        ("SELECT * FROM glob('*')", "only sources are read"),
        ("SELECT * FROM duckdb_settings()", "only sources are read"),
        ("SELECT * FROM duckdb_settings", "there is no source 'duckdb_settings'"),
        ("SELECT * FROM information_schema.tables", "only sources are read"),
        ("SELECT *, getenv('HOME') AS region FROM customers", "getenv() is not allowed"),
        ("SELECT *, now() AS started_on FROM customers", "is not allowed, it changes from run"),
        ("SELECT *, current_date AS started_on FROM customers", "is not allowed"),
        ("SELECT *, random() AS tenure FROM customers", "is not allowed"),
        ("SELECT *, (SELECT uuid()) AS region FROM customers", "is not allowed"),
        ("SELECT *, current_setting('threads') AS region FROM customers", "is not allowed"),
        ("SELECT * FROM customers; SELECT 1", "write exactly one SELECT"),
        ("SELECT * FROM customers; DROP TABLE customers", "write exactly one SELECT"),
        ("DROP TABLE customers", "write exactly one SELECT"),
        ("COPY customers TO 'x.csv'", "write exactly one SELECT"),
        ("ATTACH 'x.db'", "write exactly one SELECT"),
        ("SET memory_limit='1GB'", "write exactly one SELECT"),
        ("INSTALL httpfs", "SELECT"),
        ("", "tables.customers: source: `sql` or `rows` is empty"),
        ("SELECT * FROM custmers", "there is no source 'custmers'; did you mean customers?"),
        ("SELECT * FROM (SELECT * FROM query('SELECT 1'))", "is not"),
        ("SELECT nonsense FROM customers", "nonsense"),
        ("SELECT * FROM customers USING SAMPLE 1", "samples are not allowed"),
        ("SELECT * FROM customers WHERE", "not readable as SQL"),
        ("SELEC * FROM customers", "dataset.yml: tables.customers.source.sql: "),
    ],
)
def test_sql_that_is_more_than_a_select(make_dataset, sql: str, said: str) -> None:
    quoted = sql.replace("'", "''")
    settings = CUSTOMERS_ONLY.replace("{}", f"{{source: {{sql: '{quoted}'}}}}")
    text = refusal(make_dataset(settings, customers=GOOD), SettingsError)
    assert said in text


def test_yaml_key_that_stands_twice(make_dataset) -> None:
    text = refusal(make_dataset(CUSTOMERS_ONLY + "company: B\n", customers=GOOD), SettingsError)
    assert text == "dataset.yml, line 6: key 'company' stands twice"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"company: \xcc\xee\xf1\n", "dataset.yml, line 1: not UTF-8; save the file as UTF-8"),
        (b"company: [A\n", "dataset.yml, line 2"),
        (b"", "write keys with values"),
        (b"- a\n- b\n", "write keys with values"),
        (b"[" * 3000, "dataset.yml"),
        (b"? {a: b}\n: c\n", "a key has to be a single word"),
        (b"company: A\x00B\n", "dataset.yml: not readable as YAML"),
        (b"company: !!python/object/apply:os.getcwd []\n", "line 1: tags (!…) are not read"),
    ],
)
def test_settings_that_are_no_settings(make_dataset, content: bytes, said: str) -> None:
    folder = make_dataset("", customers=GOOD)
    (folder / "dataset.yml").write_bytes(content)
    assert said in refusal(folder, SettingsError)


def test_misspelt_key_names_the_nearest(make_dataset) -> None:
    text = refusal(make_dataset(CUSTOMERS_ONLY + "curency: EUR\n", customers=GOOD), SettingsError)
    assert "curency: this key is not known; did you mean currency?" in text


def test_everything_wrong_is_said_at_once(make_dataset) -> None:
    folder = make_dataset(
        HEAD + "sources: {customers: customers.csv, surveys: surveys.csv, contacts: contcts.csv}\n"
        "tables: {customers: {}, surveys: {}, contacts: {}}\n",
        customers="customer_id,started_on,ended_on,acquisition_cost\n"
        "A,2025-03-01,2025-02-01,x\nA,2025-13-01,,1\nC,2026-01-01,,1\n",
        surveys=SURVEY_HEAD + "1,A,csat,2025-02-01,2025-02-02,9\n",
        contacts=GOOD,
    )
    with pytest.raises(DataError) as caught:
        open_dataset(folder)
    places = {(problem.table, problem.column) for problem in caught.value.problems}
    assert places == {
        ("", ""),  # the file that is not there
        ("customers", "started_on"),
        ("customers", "ended_on"),
        ("customers", "acquisition_cost"),
        ("customers", "customer_id"),
        ("surveys", "score"),
    }
    assert str(caught.value).startswith(f"{len(caught.value.problems)} problems in the data:")


def test_examples_are_five_at_most_and_all_rows_are_counted(make_dataset) -> None:
    rows = "".join(f"{i},2025-02-30\n" for i in range(1000))
    folder = make_dataset(CUSTOMERS_ONLY, customers="customer_id,started_on\n" + rows)
    with pytest.raises(DataError) as caught:
        open_dataset(folder)
    (problem,) = caught.value.problems
    assert problem.count == 1000
    assert problem.examples == tuple(f"row {i}: '2025-02-30'" for i in range(1, 6))
