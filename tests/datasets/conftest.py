"""The data sets settled in a folder of their own, and their reports bound in this process.

A report of a tiny company is all start-up when every notebook has a kernel to itself. Here the
cells of the real notebooks run one after the other in this process; everything before and after
(parameters, intake, lists, binding) is what a build does.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
import pytest

from analysis.errors import NotAvailable
from analysis.intake.dataset import Dataset, open_dataset
from analysis.paths import NOTEBOOKS_FOLDER

HERE = Path(__file__).parent
# The period of each report where it is not the last whole quarter.
PERIODS = {"fiscal_years": "2026-05"}
ADDRESS = "CRM_ADDRESS"
WORKBOOK_DATES, WORKBOOK_NUMBERS = ("Day",), ("Value", "Stars")


def write_database(folder: Path) -> str:
    """Make the CRM's database from its statements; give the address."""
    path = folder / "crm.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((folder / "crm.sql").read_text(encoding="utf-8"))
    connection.close()
    return f"sqlite:///{path}"


def write_workbook(folder: Path, error_in: str = "Read me") -> Path:
    """Bind the sheets into one workbook, the first of which holds remarks; one holds errors."""
    import openpyxl

    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.title = "Read me"
    book.active.append(["Exported by the shop"])
    for path in sorted((HERE / "workbook/sheets").glob("*.csv")):
        sheet = book.create_sheet(path.stem)
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        sheet.append(list(rows[0]))
        for row in rows:
            sheet.append([_as_cell(name, value) for name, value in row.items()])
    spoilt = book[error_in]
    spoilt["B3"], spoilt["C5"] = "#N/A", "#DIV/0!"
    book.save(folder / "export.xlsx")
    return folder / "export.xlsx"


def _as_cell(name: str, value: str) -> object:
    if name in WORKBOOK_DATES:
        return dt.datetime.fromisoformat(value)
    return float(value) if name in WORKBOOK_NUMBERS else value or None


@pytest.fixture(scope="session")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """A copy of a data set with its workbook or database made; prepared under a build of its own."""
    root = tmp_path_factory.mktemp("datasets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIENTELE_BUILD_FOLDER", str(root / "build"))

        def settle(name: str) -> Path:
            folder = root / name
            if not folder.exists():
                shutil.copytree(HERE / name, folder)
                if name == "workbook":
                    write_workbook(folder)
                if name == "database":
                    patch.setenv(ADDRESS, write_database(folder))
            return folder

        yield settle


@pytest.fixture
def spoil() -> Callable[[Path, str], Path]:
    """Write the workbook into a folder with errors in the sheet that is named."""
    return write_workbook


@pytest.fixture(scope="session")
def opened(settled: Callable[[str], Path]) -> Callable[[str], Dataset]:
    """A data set as its notebooks open it."""

    def open_named(name: str) -> Dataset:
        return open_dataset(settled(name), period=PERIODS.get(name, ""))

    return open_named


@pytest.fixture(scope="session")
def opened_whole(settled: Callable[[str], Path]) -> Callable[[str], Dataset]:
    """A data set with nothing withheld: under disclosure small groups are put together."""

    def open_named(name: str) -> Dataset:
        folder = settled(name).parent / "whole" / name
        if not folder.exists():
            shutil.copytree(settled(name), folder)
            text = (folder / "dataset.yml").read_text(encoding="utf-8")
            kept = [line for line in text.splitlines() if not line.startswith("disclosure:")]
            text = "\n".join([*kept, "disclosure: off", ""])
            (folder / "dataset.yml").write_text(text, encoding="utf-8")
        return open_dataset(folder, period=PERIODS.get(name, ""))

    return open_named


@dataclass(frozen=True)
class BoundReport:
    """A report as it would be published. files: by name; numbers: what numbers.json holds."""

    files: dict[str, bytes]
    numbers: dict[str, Any]

    @property
    def html(self) -> str:
        return self.files["index.html"].decode()

    @property
    def text(self) -> str:
        """What readers see: figures by their alternative text; code and assumptions left out."""
        html = re.sub(r"(?s)<(style|script|pre)\b.*?</\1>", " ", self.html)
        html = re.sub(r'<img alt="([^"]*)"[^>]*>', r" \1 ", html)
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).replace("\u2060", "").split())

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        return {metric["id"]: metric for metric in self.numbers["metrics"]}


def bind_report(dataset: Path, period: str, lists: Path, patch: pytest.MonkeyPatch) -> BoundReport:
    """Run every notebook's cells on a data set and bind them, as a build does."""
    from analysis.presentation import output
    from analysis.presentation.lists import FOLDER_VARIABLE
    from analysis.reporting.assemble import assemble
    from analysis.reporting.execute import read_lists
    from analysis.reporting.key import digest_of, plan_run
    from analysis.reporting.layout import current_layout
    from analysis.reporting.notebooks import notebook_paths, source_digest

    outputs: list[dict[str, Any]] = []

    def publish(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        shown = {"output_type": "display_data", "data": data, "metadata": metadata or {}}
        outputs.append(json.loads(json.dumps(shown)))

    patch.setattr(output, "publish_output", publish)
    patch.setenv(FOLDER_VARIABLE, str(lists / "lists"))
    run = plan_run(str(dataset), period, "", current_layout())
    paths = notebook_paths(NOTEBOOKS_FOLDER)
    executed: dict[str, dict[str, Any]] = {}
    written: dict[str, bytes] = {}
    for path in paths:
        notebook = json.loads(nbformat.writes(nbformat.read(path, as_version=4)))
        namespace: dict[str, Any] = {}
        for cell in notebook["cells"]:
            if cell["cell_type"] != "code":
                continue
            outputs.clear()
            if "parameters" in cell["metadata"].get("tags", []):
                namespace |= run.parameters
                cell["outputs"] = []
                continue
            try:
                exec(
                    compile("".join(cell["source"]), f"{path.stem}:{cell['id']}", "exec"), namespace
                )
            except NotAvailable as missing:
                notebook["metadata"]["clientele"] = {"not_available": str(missing)}
                break
            cell["outputs"] = list(outputs)
        executed[path.stem] = notebook
        if "clientele" not in notebook["metadata"]:
            written |= read_lists(lists / path.name, notebook)
    sources = {path.name: source_digest(path) for path in paths}
    files = assemble(run, executed, sources, digest_of("in this process"), written)
    return BoundReport(files, json.loads(files["numbers.json"]))


@pytest.fixture(scope="session")
def bound(
    settled: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], BoundReport]:
    """The report of a data set, bound once."""
    reports: dict[str, BoundReport] = {}

    def bind(name: str) -> BoundReport:
        if name not in reports:
            lists = tmp_path_factory.mktemp(name)
            with pytest.MonkeyPatch.context() as patch:
                reports[name] = bind_report(settled(name), PERIODS.get(name, ""), lists, patch)
        return reports[name]

    return bind
