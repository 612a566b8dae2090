"""What a notebook opens: segments of any name, what is missing in words, nothing heavy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from analysis.errors import NotAvailable, ParameterError
from analysis.intake.dataset import Segment, open_dataset

SETTINGS = """\
company: A
currency: EUR
disclosure: off
covers: {from: 2025-01-01, to: 2025-06-30}
sources: {customers: customers.csv, transactions: transactions.csv, surveys: surveys.csv}
tables:
  customers: {covariates: {plan: category, age: number}}
  transactions: {}
  surveys: {}
"""
CUSTOMERS = """\
customer_id,started_on,segment,plan,age
A,2025-01-01,NA,None,1
B,2025-01-02,a/b=c,null,2
C,2025-01-03,../x,"it's, ""so"" far",3
D,2025-01-04,,nan,4
"""
TRANSACTIONS = "transaction_id,customer_id,occurred_on,amount\n" + "".join(
    f"{i},{customer},2025-02-0{i},{i}.10\n" for i, customer in enumerate("AABCD", start=1)
)
SURVEYS = "response_id,customer_id,instrument,invited_on,answered_on,score\n1,A,nps,2025-02-01,,\n"


@pytest.fixture
def folder(make_dataset) -> Path:
    return make_dataset(SETTINGS, customers=CUSTOMERS, transactions=TRANSACTIONS, surveys=SURVEYS)


@pytest.mark.parametrize(
    ("segment", "customers"),
    [
        ("segment=NA", ["A"]),
        ("segment=a/b=c", ["B"]),
        ("segment=../x", ["C"]),
        ("plan=None", ["A"]),
        ("plan=null", ["B"]),
        ('plan=it\'s, "so" far', ["C"]),
        ("plan=nan", ["D"]),
        ("", ["A", "B", "C", "D"]),
    ],
)
def test_segment_values_are_taken_as_they_are(
    folder: Path, segment: str, customers: list[str]
) -> None:
    data = open_dataset(folder, segment=segment)
    assert data.table("customers")["customer_id"].tolist() == customers
    assert sorted(set(data.table("transactions")["customer_id"])) == customers
    assert data.lifetimes()["customer_id"].tolist() == customers
    assert sorted(set(data.customer_periods()["customer_id"])) == customers


def test_missing_segment_is_missing_and_no_word(folder: Path) -> None:
    assert open_dataset(folder).table("customers")["segment"].isna().tolist() == [
        False, False, False, True
    ]  # fmt: skip


def test_folder_names_of_segments_are_safe_and_differ() -> None:
    slugs = [Segment("segment", value).slug for value in ("../x", "..-x", "NA", "na", "Ж" * 300)]
    assert len(set(slugs)) == len(slugs)
    assert all(slug.replace("-", "").isalnum() and len(slug) < 60 for slug in slugs)


@pytest.mark.parametrize(
    ("segment", "said"),
    [
        ("segment=N", "segment has no value 'N'; did you mean NA?; valid are ../x, NA, a/b=c"),
        ("sgement=NA", "'sgement' is not a column to split by, valid are segment, plan"),
        ("age=1", "'age' is not a column to split by"),
        ("segment", "write column=value"),
    ],
)
def test_unknown_segments_list_the_valid_ones(folder: Path, segment: str, said: str) -> None:
    with pytest.raises(ParameterError) as caught:
        open_dataset(folder, segment=segment)
    assert said in str(caught.value)


def test_needs_gives_the_data_set_or_says_what_is_missing(folder: Path) -> None:
    data = open_dataset(folder)
    assert data.needs("surveys", "transactions|periods", "customers.segment") is data
    with pytest.raises(NotAvailable) as caught:
        data.needs("surveys.score", "contacts|rollout.area", "transactions")
    assert caught.value.needs == "surveys with a score, and contacts or rollout with an area"
    assert str(caught.value).startswith("not available: needs surveys with a score")


def test_a_column_without_values_in_the_segment_is_not_there(make_dataset) -> None:
    folder = make_dataset(
        SETTINGS,
        customers=CUSTOMERS,
        transactions=TRANSACTIONS,
        surveys=SURVEYS.replace("01,,", "01,2025-02-02,9"),
    )
    assert open_dataset(folder).has("surveys.score")
    assert open_dataset(folder, segment="segment=NA").has("surveys.score")
    assert not open_dataset(folder, segment="segment=../x").has("surveys.score")
    assert not open_dataset(folder).has("surveys.nonsense")


def test_types_hold_even_without_a_value(folder: Path) -> None:
    data = open_dataset(folder)
    surveys, money = data.table("surveys"), data.table("transactions")
    assert surveys.dtypes["answered_on"] == "datetime64[ns]"
    assert surveys.dtypes["score"] == "float64"
    assert money.dtypes["occurred_on"] == "datetime64[ns]"
    assert money["amount"].tolist() == [1.1, 2.1, 3.1, 4.1, 5.1]
    assert data.table("contacts").empty


def test_margin_that_equals_revenue_is_remarked_on(make_dataset) -> None:
    files = {"customers": CUSTOMERS, "transactions": TRANSACTIONS, "surveys": SURVEYS}
    said = "no gross_margin declared: margin equals revenue"
    plain = open_dataset(make_dataset(SETTINGS, **files))
    assert [note.kind for note in plain.notes if said in note.message] == ["warning"]
    declared = open_dataset(make_dataset(SETTINGS + "economics: {gross_margin: 1}\n", **files))
    assert not [note for note in declared.notes if said in note.message]


def test_summary_names_no_path(folder: Path) -> None:
    text = open_dataset(folder, segment="segment=a/b=c").summary()
    assert text.startswith(
        "company, 2025Q2, segment=a/b=c, as of 2025-06-30: 1 customers, 1 transactions"
    )
    assert str(folder.parent) not in text


def test_nothing_is_prepared_twice_and_change_is_seen(folder: Path) -> None:
    first = open_dataset(folder)
    kept = (first.prepared / "notes.json").stat().st_mtime_ns
    assert open_dataset(folder).prepared == first.prepared
    assert (first.prepared / "notes.json").stat().st_mtime_ns == kept
    (folder / "customers.csv").write_text(CUSTOMERS + "E,2025-01-05,NA,x,5\n", encoding="utf-8")
    changed = open_dataset(folder)
    assert changed.prepared != first.prepared
    assert len(changed.table("customers")) == 5
    assert len(first.table("customers")) == 4


def test_opening_what_is_prepared_imports_nothing_heavy(folder: Path) -> None:
    open_dataset(folder)
    program = (
        "import sys; from analysis.intake.dataset import open_dataset\n"
        f"data = open_dataset({str(folder)!r}, '', 'segment=NA').needs('transactions|periods')\n"
        "assert len(data.lifetimes()) == 1 and len(data.customer_periods()) == 1\n"
        "assert data.has('customers.age') and data.summary()\n"
        "sys.stdout.write(' '.join(sorted(m for m in sys.modules if '.' not in m)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    heavy = {"duckdb", "ibis", "pandera", "sqlglot", "openpyxl", "matplotlib", "scipy"}
    assert heavy & set(ran.stdout.split()) == set()
    assert "pandas" in ran.stdout.split()


def test_unknown_data_set_lists_those_there() -> None:
    with pytest.raises(ParameterError, match=r"no folder 'data/dmo' .* here are: data/demo"):
        open_dataset("data/dmo")


def test_who_writes_into_a_table_changes_nobody_elses(folder: Path) -> None:
    data = open_dataset(folder)
    mine = data.table("customers")
    mine.loc[0, "segment"] = "changed"
    mine["new"] = 1
    theirs = data.table("customers")
    assert theirs["segment"].tolist()[0] == "NA"
    assert "new" not in theirs.columns


def test_whether_a_column_has_values_is_told_without_reading_tables(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = open_dataset(folder)

    def read(*_: object) -> None:
        raise AssertionError("a table was read")

    monkeypatch.setattr("analysis.intake.dataset.read_plain", read)
    assert data.has("surveys.invited_on")
    assert not data.has("surveys.score")
    assert not data.has("surveys.reason")
    assert "4 customers, 5 transactions, 1 surveys" in data.summary()
