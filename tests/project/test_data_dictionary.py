"""data/README.md is what the schema says, and its examples are valid."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from analysis.intake.dictionary import DICTIONARY_FILE, render_dictionary, write_dictionary
from analysis.intake.schema import TABLES
from analysis.intake.settings import load_settings


def test_dictionary_is_in_step_with_the_schema() -> None:
    assert DICTIONARY_FILE.read_text(encoding="utf-8") == render_dictionary(), (
        "run `make dictionary`"
    )


def test_dictionary_names_every_table_and_column(tmp_path: Path) -> None:
    write_dictionary(tmp_path / "README.md")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^### |\Z)", text, re.DOTALL | re.MULTILINE))
    assert list(sections) == list(TABLES)
    for name, table in TABLES.items():
        described = re.findall(r"^\| `(\w+)` \|", sections[name], re.MULTILINE)
        assert described == list(table.column_names)


HEAD = "company: A\ncurrency: EUR\ncovers: {from: 2025-01-01, to: 2025-12-31}\n"
SOURCES = "sources: {customers: c.csv, crm: c.csv, lines: l.csv}\n"


@pytest.mark.parametrize("number", range(6))
def test_examples_are_accepted(number: int, tmp_path: Path) -> None:
    example = re.findall(r"```yaml\n(.*?)```", render_dictionary(), re.DOTALL)[number]
    keys = set(re.findall(r"^(\w+):", example, re.MULTILINE))
    if example.startswith("    columns"):
        example = example.replace("instrument", "region")
        example = f"tables:\n  customers:\n{example}"
        keys = {"tables"}
    head = "".join(line + "\n" for line in HEAD.splitlines() if line.split(":")[0] not in keys)
    rest = ("" if "sources" in keys else SOURCES) + (
        "" if "tables" in keys else "tables: {customers: {source: crm}}\n"
    )
    (tmp_path / "dataset.yml").write_text(head + rest + example, encoding="utf-8")
    assert load_settings(tmp_path).tables
