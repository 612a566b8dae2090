"""Notebooks on disk: what counts as their source, and how outputs are made comparable."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from analysis.errors import BuildError
from analysis.reporting.key import digest_of


def notebook_paths(folder: Path) -> list[Path]:
    """The notebooks of the suite in the order of their names."""
    paths = sorted(path for path in folder.glob("*.ipynb") if not path.name.startswith("."))
    if not paths:
        raise BuildError(f"there is no notebook in {folder.name}/")
    return paths


def source_digest(path: Path) -> str:
    """Digest of a notebook's cells without outputs, counts and metadata but tags.

    Running a notebook in JupyterLab and saving it leaves this unchanged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        cells = [
            [
                cell["cell_type"],
                "".join(cell["source"]),
                sorted(cell.get("metadata", {}).get("tags", [])),
            ]
            for cell in content["cells"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise BuildError(f"{path.name} is not a notebook: {error}") from None
    return digest_of(cells)


def strip_run_metadata(notebook: Any) -> None:
    """Take out what changes from run to run: times, papermill's notes, versions."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
