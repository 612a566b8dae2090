"""A list of customers is published beside the page, whole, and nowhere else."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

MORE = """
from analysis.presentation.lists import write_list
write_list(data.table("customers")[["customer_id"]], "everybody")
"""
NAME = "lists/everybody.csv"


@pytest.fixture
def listing(workshop: Any) -> Any:
    workshop.change_cell("01_money", "result", lambda source: source + MORE)
    done = workshop.run()
    assert done.returncode == 0, done.stderr
    return workshop


def test_the_list_is_in_the_report_and_in_its_manifest_only(listing: Any) -> None:
    files = listing.files()
    ids = (listing.dataset / "customers.csv").read_text().splitlines()[1:]
    names = [line.split(",")[0] for line in ids]
    assert files[NAME].decode("utf-8-sig").splitlines() == ["customer_id", *sorted(names)]
    manifest = json.loads(files["manifest.json"])
    assert manifest["lists"] == {"everybody.csv": hashlib.sha256(files[NAME]).hexdigest()}
    for name in ("index.html", "numbers.json", "manifest.json"):
        assert not [who for who in names if who in files[name].decode()]
    assert NAME in files["index.html"].decode()


def test_a_published_list_that_is_gone_comes_back(listing: Any) -> None:
    before, files = listing.executed(), listing.files()
    (listing.reports / "stub-sons" / "2024Q3" / NAME).unlink()
    assert listing.run().returncode == 0
    assert listing.files() == files
    assert listing.executed() == before


def test_a_list_that_was_tampered_with_is_made_anew(listing: Any) -> None:
    files = listing.files()
    (listing.build / "executed/stub-sons/2024Q3" / NAME).write_text("customer_id\nme\n")
    (listing.reports / "stub-sons" / "2024Q3" / NAME).unlink()
    done = listing.run()
    assert "1 of 2 notebooks are due" in done.stderr
    assert listing.files() == files


def test_a_list_no_longer_written_is_no_longer_published(listing: Any) -> None:
    listing.change_cell("01_money", "result", lambda source: source.replace(MORE, ""))
    assert listing.run().returncode == 0
    assert NAME not in listing.files()
