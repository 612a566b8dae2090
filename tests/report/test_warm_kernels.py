"""Forked kernels: the fixed environment holds in them, and they share nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

# In a process of its own: the warm process is started once, with the environment of that moment.
PROGRAM = """
import json, sys
from pathlib import Path
from analysis.reporting.execute import run_notebook
from analysis.reporting.kernels import warm_up

if __name__ == "__main__":
    paths = [Path(name) for name in sys.argv[1:]]
    assert warm_up(paths)
    for path in paths:
        cells = run_notebook(path, {"given": "by the build"}, warm=True).cells
        print("".join(o.text for cell in cells for o in cell.get("outputs", [])), end="")
"""
SOURCES = (
    'given = "nothing"',
    "import os, sys\nprint(hash('order'), os.environ['PYTHONHASHSEED'], os.environ['TZ'])",
    "print(given, 'left' in dir(sys))\nsys.left = 1",
    "print('matplotlib.pyplot' in sys.modules)",
)


def write_notebook(path: Path) -> Path:
    cells = [
        {"cell_type": "code", "id": f"c{i}", "source": source, "outputs": [], "metadata": {},
         "execution_count": None}
        for i, source in enumerate(SOURCES)
    ]  # fmt: skip
    cells[0]["metadata"] = {"tags": ["parameters"]}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_environment_holds_and_nothing_is_shared(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    notebooks = [write_notebook(tmp_path / f"{name}.ipynb") for name in ("one", "two")]
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    done = subprocess.run(
        [sys.executable, str(program), *map(str, notebooks)],
        env=environment, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    fixed = subprocess.run(
        [sys.executable, "-c", "print(hash('order'))"],
        env=os.environ | {"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    expected = [f"{fixed} 0 UTC", "by the build False", "True"]
    assert done.stdout.splitlines() == expected * 2
