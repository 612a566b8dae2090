"""Opening a data set as of a period equals opening exports drawn at that period's end."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from analysis.intake.dataset import Dataset, open_dataset
from analysis.paths import PROJECT_ROOT

DEMO = PROJECT_ROOT / "data" / "demo"
LAST_DAY = "2025-09-30"
# Written out by hand, not taken from the schema, which is what is being tested.
ROW_SINCE = {
    "customers": "started_on", "transactions": "occurred_on", "surveys": "invited_on",
    "contacts": "opened_at", "exposures": "assigned_on", "orientation": "answered_on",
    "marketing": "month", "journey": "month", "decisions": "decided_on",
}  # fmt: skip
FIELD_SINCE = {
    "customers": {"ended_on": "ended_on", "end_reason": "ended_on"},
    "transactions": {"fulfilled_on": "fulfilled_on"},
    "surveys": {"answered_on": "answered_on", "score": "answered_on", "comment": "answered_on"},
    "contacts": {"first_reply_at": "first_reply_at", "resolved_at": "resolved_at"},
}
TABLES = (*ROW_SINCE, "programmes", "rollout")
FRAMES = ("lifetimes", "intervals", "customer_periods", "landmarks", "landmark_periods")


def cut_export(path: Path, table: str) -> int:
    """Rewrite a CSV as it would have been exported on LAST_DAY; give the number of rows."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        names = list(reader.fieldnames or [])
        rows = [row for row in reader if row[ROW_SINCE[table]][:10] <= LAST_DAY]
    for row in rows:
        later = [
            field
            for field, since in FIELD_SINCE.get(table, {}).items()
            if field in row and row[since][:10] > LAST_DAY
        ]
        row.update(dict.fromkeys(later, ""))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


@pytest.fixture(scope="module")
def full_and_cut(tmp_path_factory: pytest.TempPathFactory) -> tuple[Dataset, Dataset]:
    scratch = tmp_path_factory.mktemp("as_of")
    folder = scratch / "demo"
    shutil.copytree(DEMO, folder)
    settings = yaml.load((folder / "dataset.yml").read_text("utf-8"), yaml.BaseLoader)
    settings["covers"]["to"] = LAST_DAY
    for table in ROW_SINCE:
        if cut_export(folder / f"{table}.csv", table) == 0:
            del settings["sources"][table], settings["tables"][table]
    (folder / "dataset.yml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIENTELE_BUILD_FOLDER", str(scratch / "build"))
        return open_dataset(DEMO, "2025Q3"), open_dataset(folder, "2025Q3")


@pytest.mark.parametrize("table", TABLES)
def test_table_is_as_it_was_exported_then(
    full_and_cut: tuple[Dataset, Dataset], table: str
) -> None:
    full, cut = full_and_cut
    if cut.has(table):
        pd.testing.assert_frame_equal(full.table(table), cut.table(table))
    else:
        assert full.table(table).empty


@pytest.mark.parametrize("frame", FRAMES)
def test_frame_is_as_it_was_then(full_and_cut: tuple[Dataset, Dataset], frame: str) -> None:
    full, cut = (getattr(data, frame)() for data in full_and_cut)
    assert len(full) > 100
    pd.testing.assert_frame_equal(full, cut)


def test_every_demo_table_is_compared_and_the_cut_bites(
    full_and_cut: tuple[Dataset, Dataset],
) -> None:
    full, _ = full_and_cut
    assert set(TABLES) == set(full.settings.tables)
    for table in ("customers", "transactions", "surveys", "contacts"):
        with (DEMO / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
            exported = sum(1 for _ in csv.DictReader(stream))
        assert 0 < len(full.table(table)) < exported, table
    answered = full.table("surveys")["answered_on"].dropna()
    assert answered.max() <= pd.Timestamp(LAST_DAY)


def test_remarks_count_what_was_there_then(full_and_cut: tuple[Dataset, Dataset]) -> None:
    full, cut = full_and_cut
    declared = set(cut.settings.tables)
    assert [note for note in full.notes if note.table in declared] == list(cut.notes)
    assert sum(note.count for note in cut.notes) > 100


SURVEYS = """\
response_id,customer_id,instrument,answered_on,score
1,A,csat,2025-03-31,4
2,A,csat,2025-04-01,5
"""
SETTINGS = """\
company: A
currency: EUR
covers: {from: 2025-01-01, to: 2025-06-30}
sources: {customers: customers.csv, surveys: surveys.csv}
tables: {customers: {}, surveys: {}}
"""


def test_answers_without_invitation_exist_from_their_own_day(make_dataset) -> None:
    folder = make_dataset(
        SETTINGS, customers="customer_id,started_on\nA,2025-01-01\n", surveys=SURVEYS
    )
    assert open_dataset(folder, "2025Q1").table("surveys")["response_id"].tolist() == ["1"]
    assert open_dataset(folder, "2025Q2").table("surveys")["response_id"].tolist() == ["1", "2"]


def test_a_contact_of_the_last_evening_is_in_and_its_later_answer_is_not(make_dataset) -> None:
    folder = make_dataset(
        SETTINGS.replace("surveys", "contacts"),
        customers="customer_id,started_on\nA,2025-01-01\n",
        contacts="contact_id,customer_id,opened_at,resolved_at\n"
        "1,A,2025-03-31 23:59:59,2025-04-01 00:00:00\n2,A,2025-04-01 00:00:00,\n",
    )
    contacts = open_dataset(folder, "2025Q1").table("contacts")
    assert contacts["contact_id"].tolist() == ["1"]
    assert contacts["resolved_at"].isna().all()
    assert contacts.dtypes["resolved_at"] == contacts.dtypes["opened_at"] == "datetime64[ns]"


def test_source_is_cut_by_its_dated_column_before_sql_sees_it(make_dataset) -> None:
    folder = make_dataset(
        "company: A\ncurrency: EUR\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"
        "sources:\n  customers: customers.csv\n"
        '  lines: {file: lines.csv, dated: day, reading: {dates: "%d.%m.%Y"}}\n'
        "tables:\n  customers: {}\n"
        "  transactions:\n    source: {sql: 'SELECT invoice AS transaction_id, client AS customer_id,"
        " max(day) AS occurred_on, sum(CAST(price AS DOUBLE)) AS amount FROM lines GROUP BY ALL'}\n"
        '    columns: {occurred_on: {column: occurred_on, dates: "%d.%m.%Y"}}\n',
        customers="customer_id,started_on\nA,2025-01-01\n",
        lines="invoice,client,day,price\n1,A,31.03.2025,5\n1,A,31.03.2025,2.5\n1,A,01.04.2025,90\n",
    )
    assert open_dataset(folder, "2025Q1").table("transactions")["amount"].tolist() == [7.5]


def test_what_cannot_be_cut_is_said(full_and_cut: tuple[Dataset, Dataset]) -> None:
    said = {note.table: note.message for note in full_and_cut[0].notes if note.kind == "info"}
    assert "as exported, not as of the period" in said["customers"]
    assert all(name in said["customers"] for name in ("segment", "region", "age"))
    assert "ended_on" not in said["customers"]
