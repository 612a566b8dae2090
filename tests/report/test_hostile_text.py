"""Text from customers and settings is data: nothing of it comes alive in page, list or notebook."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
EVERY_NTH_CUSTOMER = 6
# One of these goes behind each value of every text column, in turn.
HOSTILE = (
    "<script>window.alive=1</script>",
    '"><img src=x onerror=window.alive=1>',
    "'; DROP TABLE customers; --",
    "[x](javascript:window.alive=1)",
    "</style><svg onload=window.alive=1>",
    "$\\frac{1}{$ and $x$",
    "{{ 7*7 }} {name} %s {0}",
    "`x` **bold** | pipe | # head",
    "\u202egnp.exe &lt;b&gt;",
)
FORMULAS = ('=HYPERLINK("http://x.example")', "+1+1", "-2+3", "@SUM(A1)", "\tx")
ALIVE_TAGS = {"iframe", "object", "embed", "form", "base", "applet", "audio", "video"}
# Names that settings refer to, and what has a form of its own.
KEPT = {
    "customer_id", "response_id", "transaction_id", "contact_id", "referred_by", "instrument",
    "assignment", "arm", "programme_id", "finding_id", "status",
}  # fmt: skip


def is_text(column: pd.Series) -> bool:
    held = column[column != ""]
    return not held.empty and not held.str.fullmatch(r"[\d.: -]+").all()


def poisoned(column: pd.Series, number: int) -> pd.Series:
    """Every value with something hostile behind it, the same for equal values."""
    values = sorted(set(column) - {""})
    new = {v: f"{v} {HOSTILE[(i + number) % len(HOSTILE)]}" for i, v in enumerate(values)}
    return column.map(lambda value: new.get(value, ""))


@pytest.fixture(scope="module")
def hostile_company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of the example company with hostile text in all text columns, names and settings."""
    folder = tmp_path_factory.mktemp("hostile") / "demo & $x$ <b>"
    folder.mkdir()
    demo = ROOT / "data" / "demo"
    tables = {
        path.stem: pd.read_csv(path, dtype=str, keep_default_na=False)
        for path in sorted(demo.glob("*.csv"))
    }
    kept = set(sorted(tables["customers"]["customer_id"])[::EVERY_NTH_CUSTOMER])
    number = 0
    for name, table in tables.items():
        if "customer_id" in table:
            table = table[table["customer_id"].isin(kept)].copy()
        for column in table.columns:
            if column not in KEPT and is_text(table[column]):
                number += 1
                table[column] = poisoned(table[column], number)
        tables[name] = table
    # Programmes are referred to by other tables: the same poison in all of them.
    for name in ("programmes", "rollout", "exposures"):
        tables[name]["programme_id"] += " <script>window.alive=1</script>"
    ids = {value: f"{FORMULAS[i % len(FORMULAS)]} {value}" for i, value in enumerate(sorted(kept))}
    for table in tables.values():
        for column in ("customer_id", "referred_by"):
            if column in table:
                table[column] = table[column].map(lambda value: ids.get(value, "")).fillna("")
    for name, table in tables.items():
        (folder / f"{name} ; $x$ <i>.csv").write_text(
            table.to_csv(index=False, quoting=csv.QUOTE_ALL), encoding="utf-8", newline=""
        )
    settings = (demo / "dataset.yml").read_text("utf-8")
    settings = re.sub(r"^  (\w+): \1\.csv$", r'  \1: "\1 ; $x$ <i>.csv"', settings, flags=re.M)
    settings = settings.replace(
        "company: Example Home", "company: '<script>window.alive=1</script> & $x$ {name} ../../up'"
    )
    settings = settings.replace("unit: customer", "unit: 'buyer<img src=x onerror=window.alive=1>'")
    settings = re.sub(r"^control_totals:.*\n", "", settings, flags=re.M)
    (folder / "dataset.yml").write_text(settings, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def built(
    hostile_company: Path, tmp_path_factory: pytest.TempPathFactory, build_elsewhere: Any
) -> Any:
    """The report of that company's region North, poisoned as well."""
    customers = pd.read_csv(next(hostile_company.glob("customers*.csv")), dtype=str)
    region = next(v for v in sorted(customers["region"].unique()) if v.startswith("North"))
    workshop = build_elsewhere(
        tmp_path_factory.mktemp("built"), hostile_company, SEGMENT=f"region={region}"
    )
    return workshop


class Alive(HTMLParser):
    """What could come alive in a page: scripts, handlers, addresses, elements that load."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.scripts: list[str] = []
        self.in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.in_script = tag == "script"
        if tag in ALIVE_TAGS:
            self.found.append(tag)
        for name, value in attrs:
            address = re.sub(r"[\s\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or name == "srcdoc":
                self.found.append(f"{tag} {name}={value}")
            if name in ("href", "src") and not address.startswith(("#", "data:", "../")):
                self.found.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        self.in_script = False

    def handle_data(self, data: str) -> None:
        if self.in_script:
            self.scripts.append(data)


def test_nothing_is_alive_in_the_page(built: Any) -> None:
    (page,) = built.reports.glob("*/*/index.html")
    html = page.read_text("utf-8")
    watcher = Alive()
    watcher.feed(html)
    assert watcher.found == []
    assert not [script for script in watcher.scripts if "alive" in script]
    assert "window.alive" in html, (
        "the poison has to be there, as text, for this test to mean anything"
    )
    assert "49 " not in "".join(re.findall(r"\{\{.*?\}\}", html))
    assert "{{ 7*7 }}" in html


def test_nothing_is_alive_in_the_executed_notebooks(built: Any) -> None:
    notebooks = list(built.build.glob("executed/*/*/*.ipynb"))
    assert len(notebooks) == 7
    for path in notebooks:
        for cell in json.loads(path.read_text("utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                watcher = Alive()
                watcher.feed("".join(output.get("data", {}).get("text/html", "")))
                assert watcher.found == [], path.name
                assert watcher.scripts == [], path.name
                svg = "".join(output.get("data", {}).get("image/svg+xml", ""))
                assert "<script" not in svg
                assert "onerror=" not in re.sub(r"<!--.*?-->", "", svg, flags=re.S)


def test_no_cell_of_a_list_is_a_formula(built: Any) -> None:
    lists = list(built.reports.glob("*/*/lists/*.csv"))
    assert lists
    seen = 0
    for path in lists:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.reader(stream):
                for value in row:
                    number = re.fullmatch(r"-?\d+(\.\d+)?", value)
                    assert number or not value.startswith(("=", "+", "-", "@", "\t", "\r")), value
                    seen += "HYPERLINK" in value
    assert seen, "the poison has to be there for this test to mean anything"


def test_the_folder_stays_in_its_place_and_data_name_no_path(built: Any) -> None:
    (company,) = (path for path in built.reports.iterdir() if path.is_dir())
    assert re.fullmatch(r"[a-z0-9-]+", company.name)
    (report,) = company.iterdir()
    assert re.fullmatch(r"[A-Za-z0-9-]+", report.name)


@pytest.mark.parametrize("value", ["region=North", "region=<script>", "region='; DROP TABLE x; --"])
def test_a_segment_that_is_not_there_is_refused_in_words(hostile_company: Path, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", REFUSED, str(hostile_company), value],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "region has no value" in done.stdout


REFUSED = """
import sys, tempfile, os
os.environ["CLIENTELE_BUILD_FOLDER"] = tempfile.mkdtemp()
from analysis.errors import ParameterError
from analysis.intake.dataset import open_dataset
try:
    open_dataset(sys.argv[1], "2026Q2", sys.argv[2])
except ParameterError as error:
    print(error)
"""
