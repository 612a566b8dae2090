"""Killed at any moment, a build leaves the last report whole and the next one able to work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def kernels_of(process: int) -> list[str]:
    """Processes whose environment says that this one started them as kernels."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
            alive = (entry / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            continue
        if alive and f"JPY_PARENT_PID={process}".encode() in variables:
            found.append(entry.name)
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs a /proc to look into")
@pytest.mark.parametrize("moment", [0.3, 0.9, 1.5, 2.1, 2.7, 3.3])
def test_killed_while_building(workshop: Any, moment: float) -> None:
    old = workshop.files()
    for stem, cell in (("01_money", "finding"), ("02_scores", "sentence")):
        workshop.change_cell(stem, cell, lambda source: source.replace('f"', 'f"Now: '))
    process = subprocess.Popen(
        [sys.executable, "-m", "analysis.reporting.build"],
        env=workshop.environment(),
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        process.wait(timeout=moment)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    status = process.wait()
    if status == 0:
        assert moment > 2, "a build cannot have run two kernels by now"
        assert b"Now: Customers spent" in workshop.files()["index.html"]
        return
    assert status == -signal.SIGKILL
    seen = workshop.files()
    done = workshop.run()
    assert done.returncode == 0, done.stderr
    files = workshop.files()
    # Killed on its way out, it may have published just before: the old report whole, or the new.
    assert seen in (old, files)
    assert set(files) == set(old)
    assert b"Now: Customers spent" in files["index.html"]
    assert b"Now: The mean score" in files["index.html"]
    assert [path.name for path in (workshop.reports / "stub-sons").iterdir()] == ["2024Q3"]
    assert not list((workshop.build / "executed" / "stub-sons" / "2024Q3").glob(".*"))
    deadline = time.monotonic() + 20
    while kernels_of(process.pid):
        assert time.monotonic() < deadline, "a kernel outlives the build that started it"
        time.sleep(0.2)


# Publishes {"a": b"new", "b/c": b"new"} and kills itself at the step that is named.
PUBLISH_AND_DIE = """
import os, signal, sys
from pathlib import Path
from analysis.reporting import publish

target, step, exchanges = Path(sys.argv[1]), sys.argv[2], sys.argv[3] == "exchanges"
count = 0

def dying(name, method):
    def call(*arguments):
        global count
        number = count = count + 1
        if step == f"before {name} {number}":
            os.kill(os.getpid(), signal.SIGKILL)
        result = method(*arguments)
        if step == f"after {name} {number}":
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call

exchange = publish._exchange if exchanges else lambda first, second: False
publish.os.fsync = dying("fsync", os.fsync)
publish._exchange = dying("exchange", exchange)
Path.rename = dying("rename", Path.rename)
publish.publish({"a": b"new", "b/c": b"new"}, target)
"""


@pytest.mark.parametrize(
    ("step", "way", "expected"),
    [
        ("before fsync 1", "exchanges", "old"),
        ("after fsync 2", "exchanges", "old"),
        ("before exchange 3", "exchanges", "old"),
        ("after exchange 3", "exchanges", "new"),
        ("before rename 4", "renames", "old"),
        ("after rename 4", "renames", "old"),
        ("before rename 5", "renames", "old"),
        ("after rename 5", "renames", "new"),
    ],
)
def test_killed_while_publishing(tmp_path: Path, step: str, way: str, expected: str) -> None:
    from analysis.reporting.publish import publish, recover

    target = tmp_path / "2024Q3"
    publish({"a": b"old", "b/c": b"old"}, target)
    died = subprocess.run([sys.executable, "-c", PUBLISH_AND_DIE, str(target), step, way])
    assert died.returncode == -signal.SIGKILL
    if step != "after rename 4" and step != "before rename 5":
        # At any moment but between the two renames the report can be read where it was.
        assert (target / "a").read_bytes() == expected.encode()
    recover(target)
    assert {(target / "a").read_bytes(), (target / "b" / "c").read_bytes()} == {expected.encode()}
    assert [path.name for path in tmp_path.iterdir()] == ["2024Q3"]
    publish({"a": b"next"}, target)
    assert [path.name for path in target.iterdir()] == ["a"]
    assert (target / "a").read_bytes() == b"next"


def test_a_build_finds_the_report_that_a_kill_left_aside(workshop: Any) -> None:
    old = workshop.files()
    folder = workshop.reports / "stub-sons"
    (folder / "2024Q3").rename(folder / ".2024Q3.old")
    (folder / ".2024Q3.new").mkdir()
    (folder / ".2024Q3.new" / "index.html").write_text("half")
    done = workshop.run()
    assert done.returncode == 0
    assert "is up to date" in done.stdout
    assert workshop.files() == old
    assert [path.name for path in folder.iterdir()] == ["2024Q3"]
    assert json.loads(old["manifest.json"])["digest"]
