"""What `make check-data` says: what is in the data, what can be done with it, and what is wrong."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from analysis.errors import BuildError
from analysis.intake.prepared import FRAMES
from analysis.paths import NOTEBOOKS_FOLDER
from analysis.reporting import check_data as command
from analysis.reporting.check_data import FRAMES_IN_WORDS, check_data
from analysis.reporting.check_data_page import show
from analysis.reporting.notebook_needs import notebook_needs
from analysis.reporting.notebooks import notebook_paths
from analysis.reporting.terminal import WIDEST, Page

SETTINGS = """\
company: Молочный двор
currency: EUR
covers: {from: 2024-01-01, to: 2024-12-31}
economics: {gross_margin: 0.4}
sources: {customers: customers.csv, transactions: transactions.csv}
tables:
  customers: {source: customers, covariates: {Город проживания: category}}
  transactions: {source: transactions}
"""
CUSTOMERS = "customer_id,started_on,ended_on,Город проживания\n" + "".join(
    f"C{i},2024-0{i % 9 + 1}-01,,{'Пермь' if i % 2 else ''}\n" for i in range(20)
)
TRANSACTIONS = "transaction_id,customer_id,occurred_on,amount\n" + "".join(
    f"T{i},C{i % 22},2024-{i % 12 + 1:02d}-28,{i}.50\n" for i in range(44)
)
Run = Callable[[], tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command as `make` does; gives exit status, output and errors."""

    def ran(folder: Path, period: str = "") -> tuple[int, str, str]:
        monkeypatch.setenv("DATASET", str(folder))
        monkeypatch.setenv("PERIOD", period)
        status = command.main()
        written = capsys.readouterr()
        return status, written.out, written.err

    return ran


def test_summary_tells_tables_periods_gaps_orphans_and_what_to_do_next(make_dataset, run) -> None:
    folder = make_dataset(SETTINGS, customers=CUSTOMERS, transactions=TRANSACTIONS)
    status, out, err = run(folder)
    assert (status, err) == (0, "")
    words = " ".join(out.split())
    assert "Молочный двор (company)" in words
    assert "covers 2024-01-01 to 2024-12-31" in words
    assert "4 quarters, 2024Q1 to 2024Q4; 12 months, 2024-01 to 2024-12" in words
    assert "customers customers.csv 20 2024-01-01 2024-09-01 20" in words
    assert "transactions transactions.csv 44 2024-01-28 2024-12-28 22 4" in words
    assert "orphans: rows of customers who are not in the customer table" in words
    assert "ended_on 100 %, Город проживания 50 %" in words
    assert f"make report DATASET={folder}" in " ".join(out.split())


def test_an_earlier_period_shows_the_data_as_they_stood(make_dataset, run) -> None:
    folder = make_dataset(SETTINGS, customers=CUSTOMERS, transactions=TRANSACTIONS)
    status, out, _ = run(folder, "2024Q2")
    assert status == 0
    words = " ".join(out.split())
    assert "2024Q2: everything below is as of 2024-06-30" in words
    assert "transactions transactions.csv 24 2024-01-28 2024-06-28" in words
    assert "PERIOD=2024Q2" in words


def test_each_notebook_says_what_it_lacks(make_dataset, tmp_path: Path) -> None:
    folder = make_dataset(SETTINGS, customers=CUSTOMERS, transactions=TRANSACTIONS)
    check = check_data(folder, build=tmp_path / "build")
    by_name = {notebook.name: notebook for notebook in check.notebooks}
    assert by_name["01_scorecard"].missing == ""
    assert "surveys" in by_name["01_scorecard"].without
    assert "periods" not in by_name["01_scorecard"].without  # transactions stand in
    assert by_name["02_churn_survival"].missing == ""
    assert by_name["03_spend_on_satisfaction"].missing == "surveys with a score"
    assert "programmes" in by_name["04_service_roi"].missing
    assert by_name["06_customer_orientation"].missing == "orientation"


def test_verdicts_are_those_of_the_notebooks_themselves(
    make_dataset, tmp_path: Path, run_cells
) -> None:
    folder = make_dataset(SETTINGS, customers=CUSTOMERS, transactions=TRANSACTIONS)
    check = check_data(folder, build=tmp_path / "build")
    for notebook in check.notebooks:
        assert (notebook.missing == "") == run_cells(notebook.name, folder), notebook.name


@pytest.fixture
def run_cells():
    """Run a notebook up to the cell that says what it needs: whether it goes on."""
    from analysis.errors import NotAvailable

    def runs(name: str, folder: Path) -> bool:
        cells = json.loads((NOTEBOOKS_FOLDER / f"{name}.ipynb").read_text())["cells"]
        source = next(
            "".join(cell["source"])
            for cell in cells
            if cell["cell_type"] == "code" and "open_dataset(" in "".join(cell["source"])
        )
        from analysis.intake.dataset import open_dataset

        lines = [line for line in source.splitlines() if not line.startswith("show_")]
        names = {"open_dataset": open_dataset, "dataset": str(folder), "period": "", "segment": ""}
        try:
            exec("\n".join(lines), names)
        except NotAvailable:
            return False
        return True

    return runs


def test_every_notebook_says_what_it_needs_and_every_frame_has_words() -> None:
    for path in notebook_paths(NOTEBOOKS_FOLDER):
        needs = notebook_needs(path)
        assert needs.requirements, path.name
        assert needs.question.endswith("?"), path.name
    assert set(FRAMES_IN_WORDS) == {f"frame_{name}" for name in FRAMES}


def test_needs_that_cannot_be_read_off_are_refused(tmp_path: Path) -> None:
    cell = {"cell_type": "code", "source": "wanted = 'surveys'\ndata.needs(wanted)", "metadata": {}}
    path = tmp_path / "01_x.ipynb"
    path.write_text(json.dumps({"cells": [cell]}))
    with pytest.raises(BuildError, match="plain texts in quotes"):
        notebook_needs(path)


def test_tables_opened_by_another_name_count_as_used(tmp_path: Path) -> None:
    source = "of, settings = data.table, data.settings\nstudy(of('contacts'), data.intervals())"
    path = tmp_path / "01_x.ipynb"
    path.write_text(
        json.dumps({"cells": [{"cell_type": "code", "source": source, "metadata": {}}]})
    )
    assert notebook_needs(path).uses == ("contacts", "frame_intervals")


def test_problems_of_all_tables_stand_together_beside_what_could_be_read(make_dataset, run) -> None:
    settings = SETTINGS.replace("transactions.csv}", "transactions.csv, surveys: surveys.csv}")
    folder = make_dataset(
        settings + "  surveys: {source: surveys}\n",
        customers=CUSTOMERS.replace("2024-02-01", "01.02.2024"),
        transactions=TRANSACTIONS.replace("5.50", "fünf"),
        surveys="response_id,instrument,score\nR1,nps,11\nR2,nps,9\n",
    )
    status, out, err = run(folder)
    assert (status, err) == (2, "")
    words = " ".join(out.split())
    assert "problems to put right" in words
    for place in (
        "customers.csv, table customers, column started_on",
        "transactions.csv, table transactions, column amount",
        "surveys.csv, table surveys, column score",
    ):
        assert place in words
    assert "%d.%m.%Y" in words  # what to write
    assert "transactions transactions.csv 44" in words  # what is in it all the same
    assert "make report" not in words


def test_problems_hide_neither_repairs_nor_what_the_report_could_answer(make_dataset, run) -> None:
    orders = (
        TRANSACTIONS.replace("5.50", "fünf").replace("T1,", "\ufeffT1,") + "T1,C1,2024-02-28,1.50\n"
    )
    folder = make_dataset(SETTINGS, customers="\ufeff" + CUSTOMERS, transactions=orders)
    status, out, err = run(folder)
    assert (status, err) == (2, "")
    words = " ".join(out.split())
    assert "customers.csv: byte order mark taken off" in words
    assert "What the report can answer, once the problems below are put right" in words
    assert "no: needs orientation" in words
    assert "in part, without surveys" in words
    assert "1 problem to put right" in words
    assert "make report" not in words


def test_titles_and_totals_behind_problems_are_named_with_what_to_write(make_dataset, run) -> None:
    orders = f"Orders 2024,,,\nby day,,,\n{TRANSACTIONS}Total,,,966.00\n"
    folder = make_dataset(SETTINGS, customers=CUSTOMERS, transactions=orders)
    status, out, err = run(folder)
    assert (status, err) == (2, "")
    words = " ".join(out.split())
    assert "What may be behind it" in words
    assert (
        "header seems to stand in line 3; write sources.transactions.reading: {skip_lines: 2}"
        in words
    )
    assert "1 line is a total (Total), not a row" in words
    # Written so, both are out of the way.
    mended = SETTINGS.replace(
        "transactions: transactions.csv", "transactions: {file: transactions.csv, reading: {skip_lines: 2}}"
    ).replace("{source: transactions}", "{source: {sql: \"SELECT * FROM transactions WHERE "
              "coalesce(CAST(transaction_id AS VARCHAR), '') NOT IN ('Total')\"}}")  # fmt: skip
    (folder / "dataset.yml").write_text(mended)
    status, out, _ = run(folder)
    assert status == 0
    assert "transactions SQL 44" in " ".join(out.split())


def test_a_rule_that_nothing_in_the_data_feeds_is_said_to_lose_nobody(make_dataset, run) -> None:
    customers = CUSTOMERS.replace(",ended_on", "").replace(",,", ",")
    folder = make_dataset(SETTINGS + "churn: {rule: contract}\n", customers=customers,
                          transactions=TRANSACTIONS)  # fmt: skip
    words = " ".join(run(folder)[1].split())
    assert "but ended_on is not in the export, so that nobody counts as lost" in words


def test_a_missing_file_does_not_hide_what_is_wrong_with_the_others(make_dataset, run) -> None:
    folder = make_dataset(SETTINGS, customers=CUSTOMERS.replace("2024-02-01", "02/01/24"))
    status, out, _ = run(folder)
    assert status == 2
    words = " ".join(out.split())
    assert "there is no such file" in words
    assert "column started_on" in words


def test_parameters_and_settings_that_are_wrong_give_their_message_only(
    make_dataset, run, tmp_path: Path
) -> None:
    folder = make_dataset(SETTINGS, customers=CUSTOMERS, transactions=TRANSACTIONS)
    assert run(tmp_path / "nowhere")[0] == 2
    status, out, err = run(folder, "2024Q9")
    assert (status, out) == (2, "")
    assert "2024Q9" in err
    assert "Traceback" not in err
    (folder / "dataset.yml").write_text(SETTINGS.replace("currency", "curency"))
    status, out, err = run(folder)
    assert (status, out) == (2, "")
    assert "did you mean currency?" in err


def width(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line)


def test_pages_stay_within_their_width_and_columns_stay_aligned() -> None:
    stream = io.StringIO()
    page = Page(stream)
    page.table(
        ("имя", "rows", "what"),
        [("Город", "1", "x " * 90), ("東京都", "22", "слово " * 40), ("a", "333", "z" * 150)],
        "lrl",
    )
    page.write()
    lines = stream.getvalue().splitlines()
    assert max(width(line) for line in lines) <= WIDEST
    assert "\x1b" not in stream.getvalue()  # piped: no colour
    assert all(line == line.rstrip() for line in lines)
    starts = {width(line[: line.index(mark)]) for line, mark in zip(lines, ("what",), strict=False)}
    first = next(line for line in lines if "Город" in line)
    wide = next(line for line in lines if "東京都" in line)
    assert starts == {
        width(first[: first.index("x x")]),
    }
    assert starts == {width(wide[: wide.index("слово")])}


def test_nothing_in_the_data_commands_the_terminal(make_dataset, run) -> None:
    settings = SETTINGS.replace("Молочный двор", '"A\\e[31mB [red]x[/red]\\u202e"')
    folder = make_dataset(settings, customers=CUSTOMERS, transactions=TRANSACTIONS)
    status, out, _ = run(folder)
    assert status == 0
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "[red]x[/red]" in out


def test_a_terminal_that_lacks_letters_shows_marks(make_dataset, tmp_path: Path) -> None:
    folder = make_dataset(SETTINGS, customers=CUSTOMERS, transactions=TRANSACTIONS)
    raw = io.BytesIO()
    page = Page(io.TextIOWrapper(raw, encoding="ascii"))
    show(check_data(folder, build=tmp_path / "build"), "make report", page)
    page.write()
    assert b"(company)" in raw.getvalue()
