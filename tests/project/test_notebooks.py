"""Every notebook has the shape that lets it argue: short cells, no logic, no typed numbers."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LONGEST_CELL_LINES = 10
LONGEST_NOTEBOOK_LINES = 90
SECTIONS = (
    "Data",
    "Method",
    "Result",
    "Can we trust it?",
    "What it is worth",
    "Limits",
)

pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells_of(path: Path, kind: str) -> list[Any]:
    notebook = nbformat.read(path, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == kind and cell.source.strip()]


def code_lines(cell: Any) -> int:
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def test_begins_with_a_question(path: Path) -> None:
    first = nbformat.read(path, as_version=4).cells[0]
    assert first.cell_type == "markdown"
    assert re.match(r"# .+\?\n", first.source + "\n")


def test_sections_stand_in_order(path: Path) -> None:
    text = "\n".join(cell.source for cell in cells_of(path, "markdown"))
    headings = [h for h in re.findall(r"^## (.+)$", text, flags=re.MULTILINE) if h in SECTIONS]
    assert headings == list(SECTIONS)


def test_parameters_are_literals_for_the_demo(path: Path) -> None:
    tagged = [c for c in cells_of(path, "code") if "parameters" in c.metadata.get("tags", [])]
    assert len(tagged) == 1
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(tagged[0].source).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    assert values == {"dataset": "data/demo", "period": "2026Q2", "segment": ""}


def test_imports_come_from_analysis_only(path: Path) -> None:
    for cell in cells_of(path, "code"):
        for node in ast.walk(ast.parse(cell.source)):
            assert not isinstance(node, ast.Import), cell.source
            if isinstance(node, ast.ImportFrom):
                assert str(node.module).split(".")[0] == "analysis", cell.source


def test_cells_hold_no_logic(path: Path) -> None:
    forbidden = (
        ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.If, ast.Try, ast.Lambda,
        ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp,
    )  # fmt: skip
    for cell in cells_of(path, "code"):
        found = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, forbidden)]
        assert not found, cell.source


def test_cells_are_short(path: Path) -> None:
    lines = [code_lines(cell) for cell in cells_of(path, "code")]
    assert max(lines) <= LONGEST_CELL_LINES
    assert sum(lines) <= LONGEST_NOTEBOOK_LINES


def test_no_number_is_typed_into_prose(path: Path) -> None:
    for cell in cells_of(path, "markdown"):
        prose = re.sub(r"```.*?```|`[^`]*`|\$[^$]*\$", "", cell.source, flags=re.DOTALL)
        prose = re.sub(r"\([^()]*\b(?:19|20)\d\d[a-z]?[^()]*\)", "", prose)  # (author year)
        prose = re.sub(r"\b(?:19|20)\d\d\b", "", prose)  # years of publications
        assert not re.search(r"\d", prose), cell.source


def test_outputs_are_saved_and_hold_no_error(path: Path) -> None:
    for cell in cells_of(path, "code"):
        assert cell.execution_count is not None, "nbval compares nothing without a count"
        assert not [o for o in cell.outputs if o.output_type in ("error", "stream")], cell.source
