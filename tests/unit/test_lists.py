"""Lists of customers go beside the report, never into an output."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.presentation import output
from analysis.presentation.lists import FOLDER_VARIABLE, LIST_MIME, list_bytes, write_list

ROWS = pd.DataFrame(
    {
        "customer_id": ["=cmd()", "C2", "-1"],
        "риск": ["+7 900", "тихо", "@x"],
        "margin": [-1.5, 2, 3],
    }
)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    outputs: list[dict[str, Any]] = []
    monkeypatch.setattr(output, "publish_output", outputs.append)
    return outputs


def test_no_cell_is_run_by_a_spreadsheet() -> None:
    lines = list_bytes(ROWS).decode("utf-8-sig").splitlines()
    assert lines == [
        "customer_id,риск,margin", "'=cmd(),'+7 900,-1.5000", "C2,тихо,2.0000", "'-1,'@x,3.0000",
    ]  # fmt: skip


def test_a_build_gets_the_file_and_the_page_its_name_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: list[dict[str, Any]]
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "lists"))
    write_list(ROWS, "customers_at_risk")
    content = (tmp_path / "lists/customers_at_risk.csv").read_bytes()
    assert shown[0][LIST_MIME] == {
        "file": "customers_at_risk.csv", "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip
    assert "C2" not in str(shown)


def test_outside_a_build_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: list[dict[str, Any]]
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    write_list(ROWS, "customers_at_risk")
    assert list(tmp_path.iterdir()) == []
    assert "lists/customers_at_risk.csv" in shown[0]["text/plain"]
