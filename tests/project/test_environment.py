"""environment.yml, the locks and pyproject.toml name the same things."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DECLARED = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]


def locked(name: str) -> dict[str, str]:
    text = (ROOT / name).read_text("utf-8")
    found = re.findall(r"^([A-Za-z0-9_.-]+)==([^ \\;]+)", text, flags=re.MULTILINE)
    return {canonicalize_name(package): version for package, version in found}


def test_conda_environment_names_what_pyproject_declares() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    declared = DECLARED + PROJECT["optional-dependencies"]["lab"]
    assert sorted(line for line in pip if not line.startswith("--")) == sorted(declared)
    assert f"python{PROJECT['requires-python']}" in environment["dependencies"]


def test_lock_holds_a_version_of_everything_declared() -> None:
    versions = locked("requirements.lock")
    for line in DECLARED:
        requirement = Requirement(line)
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is not locked: make lock"
        assert requirement.specifier.contains(version, prereleases=True), line


def test_lab_is_locked_apart() -> None:
    assert "jupyterlab" in locked("requirements-lab.lock")
    assert "jupyterlab" not in locked("requirements.lock")


def test_every_locked_file_has_hashes() -> None:
    for name in ("requirements.lock", "requirements-lab.lock"):
        text = (ROOT / name).read_text("utf-8")
        assert text.count("==") <= text.count("--hash=sha256:")
