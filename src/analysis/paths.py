"""Where the project and a data set live."""

from __future__ import annotations

from pathlib import Path

from analysis.errors import ParameterError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
BUILD_FOLDER = PROJECT_ROOT / "build"
REPORTS_FOLDER = PROJECT_ROOT / "reports"
PUBLISHED_FOLDER = PROJECT_ROOT / "published"
NOTEBOOKS_FOLDER = PROJECT_ROOT / "notebooks"
SETTINGS_FILE = "dataset.yml"


def find_dataset_folder(dataset: str | Path) -> Path:
    """Give the folder of a data set, named relative to the working folder or the project.

    Raises ParameterError if there is no `dataset.yml` in it.
    """
    for base in (Path.cwd(), PROJECT_ROOT):
        folder = base / dataset
        if (folder / SETTINGS_FILE).is_file():
            return folder.resolve()
    known = sorted(file.parent.name for file in (PROJECT_ROOT / "data").glob(f"*/{SETTINGS_FILE}"))
    hint = ", ".join(f"data/{name}" for name in known)
    raise ParameterError(
        f"dataset: there is no folder {str(dataset)!r} with a {SETTINGS_FILE} in it; "
        f"here are: {hint}"
    )
