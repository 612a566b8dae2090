"""Fixtures for tests that make small data sets of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

MakeDataset = Callable[..., Path]


@pytest.fixture
def make_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeDataset:
    """Write files and a dataset.yml into a fresh folder, prepared in a fresh build folder."""
    monkeypatch.setenv("CLIENTELE_BUILD_FOLDER", str(tmp_path / "build"))

    def make(settings: str, **files: str | bytes) -> Path:
        folder = tmp_path / "company"
        folder.mkdir(exist_ok=True)
        (folder / "dataset.yml").write_text(settings, encoding="utf-8")
        for name, content in files.items():
            path = folder / f"{name}.csv"
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder

    return make
