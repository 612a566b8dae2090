"""Tiny companies with something wrong with them, and a way to run a notebook on one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

from analysis.errors import DataError, NotAvailable
from analysis.intake.dataset import Dataset, open_dataset
from analysis.paths import NOTEBOOKS_FOLDER
from analysis.presentation import output

SETTINGS = """\
company: Tiny
currency: EUR
disclosure: "{disclosure}"
{dates}
economics: {{gross_margin: 0.4, discount_rate_annual: 0.1, horizon_months: 3}}
sources:
{sources}
tables:
{tables}
"""
DATED = "covers: {from: 2024-01-01, to: 2025-12-31}\nchurn: {rule: contract}"
SNAPSHOT = "snapshot_on: 2025-12-31\nchurn: {rule: flag, observation_window_months: 3}"
DECLARED = {
    "customers": "{source: customers, covariates: {contract: category}}",
    "surveys": "{source: surveys, scales: {csat: [1, 5], nps: [0, 10]}}",
}


def write_tiny_company(
    folder: Path, tables: dict[str, pd.DataFrame], disclosure: str = "on"
) -> Path:
    """Write tables and the `dataset.yml` that declares them; tenure makes it a snapshot."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    text = SETTINGS.format(
        disclosure=disclosure,
        dates=SNAPSHOT if "tenure" in tables["customers"] else DATED,
        sources="\n".join(f"  {name}: {name}.csv" for name in tables),
        tables="\n".join(
            f"  {name}: {DECLARED.get(name, f'{{source: {name}}}')}" for name in tables
        ),
    )
    (folder / "dataset.yml").write_text(text, encoding="utf-8")
    return folder


@dataclass
class Shown:
    """What a notebook left behind.

    texts: everything a reader sees, in order. reasons: those standing in place of a number.
    not_available: what the notebook says it needs, "" where it ran to its end.
    silent: ids of the displaying cells that showed nothing.
    """

    texts: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    published: list[dict[str, Any]] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    not_available: str = ""

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


def execute_notebook(
    name: str, dataset: Path, period: str, monkeypatch: pytest.MonkeyPatch
) -> Shown:
    """Run a notebook's code cells in this process; NotAvailable ends it, as in the report."""
    shown = Shown()

    def publish(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
        shown.published.append(data)
        html = data.get("text/html", "")
        said = re.sub(r"<[^>]+>", " ", html) if html else data.get("text/plain", "")
        shown.texts.append(said.strip())
        if "not-estimable" in html:
            shown.reasons.append(said.strip())

    monkeypatch.setattr(output, "publish_output", publish)
    notebook = nbformat.read(NOTEBOOKS_FOLDER / f"{name}.ipynb", as_version=4)
    namespace: dict[str, Any] = {}
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if "parameters" in cell.metadata.get("tags", []):
            namespace |= {"dataset": str(dataset), "period": period, "segment": ""}
            continue
        before = len(shown.published)
        try:
            exec(compile(cell.source, f"{name}:{cell.id}", "exec"), namespace)
        except NotAvailable as missing:
            shown.not_available = missing.needs
            break
        if ".show_" in cell.source and len(shown.published) == before:
            shown.silent.append(cell.id)
    return shown


@pytest.fixture(scope="session")
def write_company() -> Callable[..., Path]:
    """Write a tiny company: `write_company(folder, {"customers": frame, …}, disclosure="on")`."""
    return write_tiny_company


@pytest.fixture
def run_notebook(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Path], Shown]:
    """Run a notebook on a tiny company: `run_notebook("02_churn_survival", folder)`."""

    def run(name: str, dataset: Path, period: str = "2025Q4") -> Shown:
        monkeypatch.setenv("CLIENTELE_BUILD_FOLDER", str(dataset.parent / "build"))
        return execute_notebook(name, dataset, period, monkeypatch)

    return run


@pytest.fixture
def refused(make_dataset: Callable[..., Path]) -> Callable[..., DataError]:
    """Open a data set that must be refused: `refused(settings, customers=csv)` gives the error."""

    def refuse(settings: str, **files: str | bytes) -> DataError:
        folder = make_dataset(settings, **files)
        with pytest.raises(DataError) as caught:
            open_dataset(folder)
        assert str(folder.parent) not in str(caught.value), "a message shows no path"
        assert not list((folder.parent / "build").glob("prepared/*")), "nothing half-made stays"
        return caught.value

    return refuse


@pytest.fixture
def noted() -> Callable[..., int]:
    """How many rows the notes of a kind, with these words, count: `noted(data, "repair", "…")`."""

    def rows(data: Dataset, kind: str, words: str, table: str = "", column: str = "") -> int:
        found = [
            note.count
            for note in data.notes
            if note.kind == kind and words in note.message
            and table in ("", note.table) and column in ("", note.column)
        ]  # fmt: skip
        assert len(found) <= 1, "said once"
        return found[0] if found else 0

    return rows
