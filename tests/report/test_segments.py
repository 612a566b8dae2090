"""A report for each value of a column, one failing not stopping the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOSTILE = '<script>alert("x")</script>'


@pytest.fixture
def workshop(workshop: Any) -> Any:
    """With one of the two notebooks: reports are what is asked for here, many of them."""
    (workshop.notebooks / "02_scores.ipynb").unlink()
    return workshop


def make_reports(workshop: Any, **parameters: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "analysis.reporting.segments"],
        env=workshop.environment(**parameters),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def folder_of(workshop: Any, value: str) -> str:
    from analysis.intake.dataset import Segment

    return f"2024Q3-{Segment('region', value).slug}"


def test_a_report_for_each_value_and_a_page_that_leads_to_them(
    workshop: Any, read_page: Any
) -> None:
    done = make_reports(workshop, SEGMENTS="region")
    assert done.returncode == 0, done.stderr
    assert "2024Q3-by-region/index.html: 2 reports" in done.stdout
    reports = workshop.reports / "stub-sons"
    page = read_page((reports / "2024Q3-by-region" / "index.html").read_text("utf-8"))
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    for value in ("North", "South"):
        assert f"../{folder_of(workshop, value)}/index.html" in links
        report = (reports / folder_of(workshop, value) / "index.html").read_text("utf-8")
        assert f"region={value}" in report
    assert not page.unbalanced
    assert "Not built" not in "".join(page.pieces)
    again = make_reports(workshop, SEGMENTS="region")
    assert "notebooks are due" not in again.stderr


def test_one_that_fails_is_named_and_the_others_are_built(workshop: Any, read_page: Any) -> None:
    workshop.change_cell(
        "01_money",
        "finding",
        lambda source: source + "\nassert segment != 'region=North', 'North is closed'",
    )
    done = make_reports(workshop, SEGMENTS="region")
    assert done.returncode == 2
    assert "region=North" in done.stderr
    assert "North is closed" in done.stderr
    assert "Traceback" not in done.stderr
    reports = workshop.reports / "stub-sons"
    assert not (reports / folder_of(workshop, "North")).exists()
    assert (reports / folder_of(workshop, "South") / "index.html").is_file()
    page = read_page((reports / "2024Q3-by-region" / "index.html").read_text("utf-8"))
    text = "".join(page.pieces)
    assert "Not built" in text
    assert "North is closed" in text


def test_a_value_that_looks_like_a_page_stays_text(workshop: Any) -> None:
    own = workshop.with_own_data()
    own.change_file("customers.csv", lambda text: text.replace("South", HOSTILE.replace('"', "'")))
    done = make_reports(own, SEGMENTS="region")
    assert done.returncode == 0, done.stderr
    pages = list((own.reports / "stub-sons").glob("*/index.html"))
    assert len(pages) >= 3
    for page in pages:
        assert "<script>alert" not in page.read_text("utf-8")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("", "name a column to split by"),
        ("regoin", "did you mean region?"),
        ("customer_id", "is not a column to split by"),
        ("region; rm -rf x", "is not a column to split by"),
    ],
)
def test_columns_that_nothing_can_be_split_by(workshop: Any, asked: str, said: str) -> None:
    done = make_reports(workshop, SEGMENTS=asked)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
