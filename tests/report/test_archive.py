"""What was presented is kept as it was: never overwritten, never half, without lists."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import BuildError
from analysis.reporting.archive import find_publications, keep, publish_report, read_kept_files
from analysis.reporting.layout import Layout
from analysis.reporting.manifest import digest_of_bytes

ROOT = Path(__file__).resolve().parents[2]


def made(text: str) -> dict[str, bytes]:
    """The files of a report that says `text`."""
    files = {"index.html": text.encode(), "numbers.json": b"{}"}
    manifest = {"dataset": "small", "files": {n: digest_of_bytes(c) for n, c in files.items()}}
    return {**files, "manifest.json": json.dumps(manifest).encode()}


def held(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*") if p.is_file()
    }


def lay(workshop: Any) -> Layout:
    published = workshop.build.parent / "published"
    return Layout(workshop.notebooks, workshop.build, workshop.reports, published)


def run_publish(workshop: Any, **parameters: str) -> subprocess.CompletedProcess[str]:
    folder = str(workshop.build.parent / "published")
    return subprocess.run(
        [sys.executable, "-m", "analysis.reporting.archive"],
        env=workshop.environment(CLIENTELE_PUBLISHED_FOLDER=folder, **parameters),
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_what_was_first_stays_and_revisions_follow(tmp_path: Path) -> None:
    folder = tmp_path / "stub-sons" / "2024Q3"
    first, new = keep(made("one"), folder)
    assert (first.revision, new, first.folder) == (1, True, folder)
    again, new = keep(made("one"), folder)
    assert (again, new) == (first, False)
    second, new = keep(made("two"), folder)
    assert (second.revision, second.folder.name, new) == (2, "revision-2", True)
    assert keep(made("two"), folder) == (second, False)
    # Data put back as they were are presented a third time: the latest is what was said last.
    third, _ = keep(made("one"), folder)
    assert [p.revision for p in find_publications(folder)] == [1, 2, 3]
    assert third.folder.name == "revision-3"
    pages = {p.revision: (p.folder / "index.html").read_bytes() for p in find_publications(folder)}
    assert pages == {1: b"one", 2: b"two", 3: b"one"}
    assert not [path.name for path in folder.rglob(".*")]


def test_tenth_revision_comes_after_the_ninth(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for number in range(1, 12):
        keep(made(str(number)), folder)
    assert [p.revision for p in find_publications(folder)] == list(range(1, 12))


DYING = """
import os, signal, sys
from pathlib import Path
from analysis.reporting import archive
count = 0
def dying(name, method):
    def call(*arguments):
        global count
        count += 1
        if sys.argv[2] == f"before {name} {count}":
            os.kill(os.getpid(), signal.SIGKILL)
        result = method(*arguments)
        if sys.argv[2] == f"after {name} {count}":
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    return call
archive.os.fsync = dying("fsync", os.fsync)
Path.rename = dying("rename", Path.rename)
archive.keep({name: b"two" for name in archive.KEPT_FILES}, Path(sys.argv[1]))
"""


@pytest.mark.parametrize(
    "step", ["before fsync 1", "after fsync 2", "before rename 4", "after rename 4"]
)
@pytest.mark.parametrize("first", [True, False])
def test_killed_at_any_step_nothing_is_lost_or_half(tmp_path: Path, step: str, first: bool) -> None:
    folder = tmp_path / "company" / "2024Q3"
    if not first:
        keep(made("one"), folder)
    died = subprocess.run([sys.executable, "-c", DYING, str(folder), step], cwd=ROOT)
    assert died.returncode == -signal.SIGKILL
    kept = find_publications(folder)
    expected = ([] if first else [1]) + ([1 if first else 2] if step == "after rename 4" else [])
    assert [p.revision for p in kept] == expected
    if not first:
        assert (folder / "index.html").read_bytes() == b"one"
    latest, _ = keep(made("three"), folder)
    assert latest.revision == len(expected) + 1
    assert not list(folder.parent.rglob(".*"))


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "company"
    folder.write_text("a file in the way")
    with pytest.raises(BuildError, match="nothing was published, what had been stays"):
        keep(made("one"), folder / "2024Q3")


def test_a_page_changed_by_hand_is_not_published(tmp_path: Path) -> None:
    for name, content in made("one").items():
        (tmp_path / name).write_bytes(content)
    assert read_kept_files(tmp_path) == made("one")
    (tmp_path / "index.html").write_bytes(b"better numbers")
    with pytest.raises(BuildError, match=r"index\.html was changed after it was built"):
        read_kept_files(tmp_path)
    (tmp_path / "index.html").unlink()
    with pytest.raises(BuildError, match="is not whole"):
        read_kept_files(tmp_path)


def test_publish_keeps_the_page_its_numbers_and_manifest_and_no_list(workshop: Any) -> None:
    report = workshop.reports / "stub-sons" / "2024Q3"
    (report / "lists").mkdir()
    (report / "lists" / "customers.csv").write_text("customer_id\n7\n")
    done = run_publish(workshop)
    assert done.returncode == 0, done.stderr
    assert "is published; commit it" in done.stdout
    folder = workshop.build.parent / "published" / "stub-sons" / "2024Q3"
    assert set(held(folder)) == {"index.html", "manifest.json", "numbers.json"}
    assert held(folder)["index.html"] == (report / "index.html").read_bytes()
    before = held(folder)
    done = run_publish(workshop)
    assert "is published already" in done.stdout
    assert held(folder) == before
    done = run_publish(workshop, PERIOD="2031Q1")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert held(folder) == before


def test_another_data_set_of_the_same_company_is_refused(
    workshop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENTELE_BUILD_FOLDER", str(workshop.build))
    layout = lay(workshop)
    publication, _ = publish_report(str(workshop.dataset), layout=layout)
    manifest = json.loads((publication.folder / "manifest.json").read_text())
    text = json.dumps({**manifest, "dataset": "large"})
    (publication.folder / "manifest.json").write_text(text)
    with pytest.raises(BuildError, match="another data set than 'small'"):
        publish_report(str(workshop.dataset), layout=layout)


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    publication, _ = keep(made("one"), tmp_path / "company" / "run")
    (publication.folder / "numbers.json").write_text('{"metrics": []}')
    with pytest.raises(BuildError, match=r"numbers\.json is missing or is not what was published"):
        publication.read("numbers.json")
    os.truncate(publication.folder / "numbers.json", 1)
    with pytest.raises(
        BuildError, match=r"company/run/numbers\.json is missing or is not what was"
    ):
        publication.read("numbers.json")
