"""Killed at any moment, a build leaves the last report whole and the next one able to work."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def state_of(process: int) -> tuple[str, int, str]:
    """Whether a process runs ("Z": it has ended), its parent, and when it began; else ValueError."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError as error:
        raise ValueError(process) from error
    return fields[0], int(fields[1]), fields[19]


def descendants(process: int) -> set[tuple[int, str]]:
    """All that a process has started, and what these have, each with when it began.

    Kernels are copies of one process that the build started: no variable tells whose they are.
    """
    parents: dict[int, list[tuple[int, str]]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            _, parent, began = state_of(int(entry.name))
        except ValueError:
            continue
        parents.setdefault(parent, []).append((int(entry.name), began))
    found: set[tuple[int, str]] = set()
    left = [process]
    while left:
        mine = parents.get(left.pop(), [])
        found.update(mine)
        left += [pid for pid, _ in mine]
    return found


def has_kernels(process: int) -> bool:
    """Whether a build runs kernels by now: copies of a process that it started."""
    mine = descendants(process)
    return any(descendants(pid) for pid, _ in mine)


def is_alive(process: int, began: str) -> bool:
    """Whether a process still runs, and is not another that took its number."""
    try:
        state, _, since = state_of(process)
    except ValueError:
        return False
    return state != "Z" and since == began


MOMENTS = (0.2, 0.5, 0.8, 1.1, 1.4, 1.7, 2.0, 2.3, 2.6, 2.9, 3.2, 3.6)


def started(workshop: Any) -> subprocess.Popen[bytes]:
    """A build, in a group of processes of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "analysis.reporting.build"],
        env=workshop.environment(),
        cwd=ROOT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill(process: subprocess.Popen[bytes]) -> set[tuple[int, str]]:
    """Kill a build; give what it had started."""
    remains = descendants(process.pid)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return remains


def await_death(remains: set[tuple[int, str]]) -> None:
    """Fail if a kernel outlives the build that started it."""
    deadline = time.monotonic() + 20
    while any(is_alive(*process) for process in remains):
        assert time.monotonic() < deadline, "a kernel outlives the build that started it"
        time.sleep(0.2)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs a /proc to look into")
def test_killed_a_dozen_times_while_building(workshop: Any) -> None:
    standing, remains, killed = workshop.files(), set(), 0
    for number, moment in enumerate(MOMENTS, start=1):
        for stem, cell in (("01_money", "finding"), ("02_scores", "sentence")):
            workshop.change_cell(
                stem,
                cell,
                lambda source, n=number: re.sub(r'f"(Try \d+: )?', f'f"Try {n}: ', source),
            )
        process = started(workshop)
        try:
            process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            remains |= kill(process)
            killed += 1
        seen = workshop.files()
        if seen != standing:
            # Published just before it was killed, or done: the new report, and whole.
            assert moment > 1, "a build cannot have run two kernels by now"
            assert f"Try {number}: Customers spent".encode() in seen["index.html"]
            assert f"Try {number}: The mean score".encode() in seen["index.html"]
            assert set(seen) == set(standing)
            standing = seen
    assert killed >= len(MOMENTS) // 2
    assert remains, "no build was killed while it had started anything"
    await_death(remains)
    done = workshop.run()
    assert done.returncode == 0, done.stderr
    files = workshop.files()
    assert set(files) == set(standing)
    assert f"Try {len(MOMENTS)}: Customers spent".encode() in files["index.html"]
    assert f"Try {len(MOMENTS)}: The mean score".encode() in files["index.html"]
    assert [path.name for path in (workshop.reports / "stub-sons").iterdir()] == ["2024Q3"]
    assert not list((workshop.build / "executed" / "stub-sons" / "2024Q3").glob(".*"))
    assert not list((workshop.build / "prepared").glob("*.part"))


@pytest.mark.build
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs a /proc to look into")
def test_killed_three_times_while_building_the_whole_suite(
    telco_report: Any, workshop: Any
) -> None:
    whole = replace(
        workshop, notebooks=ROOT / "notebooks", dataset=ROOT / "data" / "telco"
    ).with_own_data()
    folder = whole.reports / telco_report.folder.parent.name
    shutil.rmtree(whole.reports)
    shutil.copytree(telco_report.folder, folder / telco_report.folder.name)
    name = telco_report.folder.name

    def files() -> dict[str, bytes]:
        found = sorted(path for path in (folder / name).rglob("*") if path.is_file())
        return {path.relative_to(folder / name).as_posix(): path.read_bytes() for path in found}

    old = files()
    assert {"index.html", "numbers.json", "manifest.json"} <= set(old)
    executed = whole.build / "executed"
    shutil.rmtree(executed, ignore_errors=True)
    whole.change_file("dataset.yml", lambda text: text.replace("company:", "# again\ncompany:", 1))
    remains = set()
    for done_by_then in (0, 2, 4):
        process = started(whole)
        # By what is done, not by the clock: what a killed build has finished is kept.
        while not has_kernels(process.pid) or len(list(executed.rglob("*.digest"))) < done_by_then:
            assert process.poll() is None, "the whole suite cannot be done by now"
            time.sleep(0.02)
        remains |= kill(process)
        assert files() == old
    await_death(remains)
    done = whole.run()
    assert done.returncode == 0, done.stderr
    new = files()
    assert set(new) == set(old)
    assert new["manifest.json"] != old["manifest.json"]
    assert [path.name for path in folder.iterdir()] == [name]


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
