"""ARCHITECTURE.md names every folder and module that matters, and nothing that is not there."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def tracked_files() -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listing.returncode:
        pytest.skip("not a git checkout: the list of tracked files is not to be had")
    return [name for name in listing.stdout.splitlines() if (ROOT / name).exists()]


def described_paths() -> list[str]:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)


def test_every_described_path_exists() -> None:
    missing = [path for path in described_paths() if not (ROOT / path).exists()]
    assert described_paths(), "the table of ARCHITECTURE.md could not be read"
    assert missing == []


def test_every_module_and_top_level_folder_is_described() -> None:
    described = set(described_paths())
    modules = {
        name
        for name in tracked_files()
        if re.fullmatch(r"src/analysis/.+\.py", name) and not name.endswith("__init__.py")
    }
    folders = {f"{name.split('/')[0]}/" for name in tracked_files() if "/" in name}

    def is_described(path: str) -> bool:
        parents = [f"{parent}/" for parent in Path(path).parents]
        # A package described as a whole covers its modules; src/ and src/analysis/ cover nothing.
        return path in described or any(
            parent in described and parent.count("/") > 2 for parent in parents
        )

    assert sorted(path for path in modules | folders if not is_described(path)) == []
