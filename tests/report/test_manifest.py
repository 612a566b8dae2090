"""The manifest says what a report is made of, and nothing of where, when or by whom."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.intake.settings import Settings, load_settings
from analysis.intake.table_digests import digest_tables, tables_of
from analysis.reporting.manifest import describe_settings, json_bytes, library_versions

ROOT = Path(__file__).resolve().parents[2]
STUB = Path(__file__).parent / "stub"


def settings_with(**parts: Any) -> Settings:
    tree = {
        "company": "Stub", "currency": "EUR", "covers": {"from": "2024-01-01", "to": "2024-09-30"},
        "tables": {"customers": {}}, **parts,
    }  # fmt: skip
    return Settings.model_validate(tree)


def write_orders(folder: Path, rows: list[tuple[str, str, float]]) -> Path:
    folder.mkdir(exist_ok=True)
    frame = pd.DataFrame(rows, columns=["transaction_id", "occurred_on", "amount"])
    frame["occurred_on"] = pd.to_datetime(frame["occurred_on"])
    frame.to_parquet(folder / "transactions.parquet")
    return folder


ORDERS = [(f"t{i}", f"2024-0{1 + i // 10}-0{1 + i % 9}", float(i)) for i in range(60)]


def test_a_table_is_told_by_quarter_whatever_the_order(tmp_path: Path) -> None:
    settings = settings_with(disclosure="off")
    whole = digest_tables(write_orders(tmp_path / "a", ORDERS), settings)["transactions"]
    assert (
        whole == digest_tables(write_orders(tmp_path / "b", ORDERS[::-1]), settings)["transactions"]
    )
    assert {q: entry["rows"] for q, entry in whole["quarters"].items()} == {
        "2024Q1": 30,
        "2024Q2": 30,
    }
    late = [*ORDERS, ("late", "2024-02-29", 1.0)]
    more = digest_tables(write_orders(tmp_path / "c", late), settings)["transactions"]
    assert more["digest"] != whole["digest"]
    assert more["quarters"]["2024Q2"] == whole["quarters"]["2024Q2"]
    assert more["quarters"]["2024Q1"]["rows"] == 31
    changed = [(*ORDERS[0][:2], 0.01), *ORDERS[1:]]
    other = digest_tables(write_orders(tmp_path / "d", changed), settings)["transactions"]
    assert other["quarters"]["2024Q1"]["rows"] == 30
    assert other["quarters"]["2024Q1"]["digest"] != whole["quarters"]["2024Q1"]["digest"]


def test_a_row_twice_is_not_a_row_less(tmp_path: Path) -> None:
    """Sums of digests: a repeated row neither cancels out nor goes unseen."""
    settings = settings_with(disclosure="off")
    once = digest_tables(write_orders(tmp_path / "a", ORDERS), settings)
    twice = digest_tables(write_orders(tmp_path / "b", [*ORDERS, ORDERS[0], ORDERS[0]]), settings)
    assert once["transactions"]["digest"] != twice["transactions"]["digest"]


def test_fiscal_quarters_and_undated_rows(tmp_path: Path) -> None:
    rows: list[tuple[Any, ...]] = [("a", "2024-04-01", 1.0), ("b", None, 2.0)]
    found = digest_tables(
        write_orders(tmp_path, rows), settings_with(year_starts=4, disclosure="off")
    )
    assert set(found["transactions"]["quarters"]) == {"2024Q1", "undated"}


def test_rows_are_counted_as_they_may_be_published(tmp_path: Path) -> None:
    found = digest_tables(write_orders(tmp_path, ORDERS[:33]), settings_with())["transactions"]
    assert found["rows"] == 35
    assert {q: entry["rows"] for q, entry in found["quarters"].items()} == {
        "2024Q1": 30,
        "2024Q2": None,
    }


def test_values_do_not_run_into_one_another(tmp_path: Path) -> None:
    settings = settings_with()
    digests = set()
    for number, pair in enumerate(
        [("ab", "c"), ("a", "bc"), ("abc", None), (None, "abc"), ("abc", "")]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        pd.DataFrame([pair], columns=["reason", "channel"], dtype=object).astype(
            "string"
        ).to_parquet(folder / "contacts.parquet")
        digests.add(digest_tables(folder, settings)["contacts"]["digest"])
    assert len(digests) == 5


def test_large_tables_are_digested_by_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from analysis.intake import table_digests

    monkeypatch.setattr(table_digests, "MOST_ROWS_AS_TEXT", 10)
    settings = settings_with()
    first = digest_tables(write_orders(tmp_path / "a", ORDERS), settings)["transactions"]
    assert first["by"].startswith("hash of v")
    assert (
        first == digest_tables(write_orders(tmp_path / "b", ORDERS[::-1]), settings)["transactions"]
    )
    other = digest_tables(write_orders(tmp_path / "c", ORDERS[1:]), settings)["transactions"]
    assert other["digest"] != first["digest"]


def test_tables_are_digested_once(tmp_path: Path) -> None:
    write_orders(tmp_path, ORDERS)
    first = tables_of(tmp_path, settings_with())
    (tmp_path / "transactions.parquet").unlink()
    assert tables_of(tmp_path, settings_with()) == first
    (tmp_path / "tables.json").write_text("half a fi")
    assert tables_of(tmp_path, settings_with()) == {}


def test_settings_as_a_tree_without_addresses_sql_or_rows() -> None:
    settings = settings_with(
        sources={"crm": {"connect": "env:CRM_URL", "table": "people"}},
        tables={
            "customers": {"source": {"sql": "SELECT * FROM crm WHERE id <> 'Jane Doe'"}},
            "programmes": {"source": {"rows": [{"programme_id": "p", "name": "Jane Doe"}]}},
        },
    )
    tree = describe_settings(settings)
    assert tree["covers"] == {"from": "2024-01-01", "to": "2024-09-30"}
    assert tree["economics"]["horizon_months"] == 24
    assert "gross_margin" not in tree["economics"], "not declared is not the same as declared as 1"
    assert tree["sources"] == {"crm": {"connect": "env:CRM_URL", "table": "people"}}
    assert re.fullmatch("sha256:[0-9a-f]{64}", tree["tables"]["customers"]["sql"])
    assert re.fullmatch("sha256:[0-9a-f]{64}", tree["tables"]["programmes"]["rows"])
    assert "Jane" not in json.dumps(tree)


@pytest.mark.parametrize("folder", [STUB / "small", ROOT / "data/demo", ROOT / "data/telco"])
def test_settings_can_be_read_again_from_their_tree(folder: Path, tmp_path: Path) -> None:
    settings = load_settings(folder)
    (tmp_path / "dataset.yml").write_bytes(json_bytes(describe_settings(settings)))
    again = load_settings(tmp_path)
    assert describe_settings(again) == describe_settings(settings)
    assert again.economics.margin_declared == settings.economics.margin_declared
    for name, source in settings.sources.items():
        assert again.reading_of(again.sources[name]) == settings.reading_of(source)


def test_versions_are_those_of_the_declared_libraries() -> None:
    found = library_versions()
    assert {"pandas", "duckdb", "lifelines", "papermill"} <= set(found)
    assert not {"pytest", "ruff", "jupyterlab"} & set(found)
    assert all(re.match(r"\d", number) for number in found.values())


def test_the_manifest_of_a_build(built_once: Any) -> None:
    files = built_once.files()
    manifest = json.loads(files["manifest.json"])
    assert manifest["parameters"] == {"dataset": "small", "period": "2024Q3", "segment": ""}
    assert (
        manifest["inputs"]["data/surveys.csv"]
        == hashlib.sha256((built_once.dataset / "surveys.csv").read_bytes()).hexdigest()
    )
    assert manifest["files"] == {
        name: hashlib.sha256(files[name]).hexdigest() for name in ("index.html", "numbers.json")
    }
    assert manifest["settings"]["company"] == "Stub & Sons"
    assert set(manifest["tables"]) == {"customers", "transactions", "surveys"}
    assert manifest["tables"]["transactions"]["quarters"]["2024Q1"]["rows"] == 25
    assert manifest["code"]["src/analysis/methods/intervals.py"]
    assert manifest["code"]["docs/glossary.md"]
    assert sorted(manifest["notebooks"]) == ["01_money.ipynb", "02_scores.ipynb"]
    assert re.fullmatch(r"[0-9a-f]{64}", manifest["lock"])
    assert manifest["platform"].count(" ") == 1


def test_every_number_names_the_cell_that_made_it(built_once: Any) -> None:
    numbers = json.loads(built_once.files()["numbers.json"])
    (finding,) = numbers["findings"]
    assert (finding["section"], finding["notebook"], finding["cell"]) == (
        "01-money",
        "01_money.ipynb",
        "finding",
    )
    assert numbers["origins"]["01-money"]["money"] == {
        "notebook": "01_money.ipynb",
        "cell": "result",
    }
    assert set(numbers["estimates"]) == set(numbers["origins"])
    assert numbers["decisions"] == []


def test_same_bytes_in_another_folder_for_another_user_at_another_time(
    built_once: Any, fresh_workshop: Any, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "another name" / "small"
    shutil.copytree(built_once.dataset, elsewhere)
    done = fresh_workshop.run(
        DATASET=str(elsewhere), HOME=str(tmp_path), USER="somebody", LOGNAME="somebody",
        TZ="Pacific/Auckland", PYTHONHASHSEED="12", LANG="C", COLUMNS="40",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    files = fresh_workshop.files()
    assert files == built_once.files()
    for content in files.values():
        for word in (str(tmp_path), str(built_once.build), "somebody", str(Path.home())):
            assert word.encode() not in content
