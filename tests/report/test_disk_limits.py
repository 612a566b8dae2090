"""A disk that takes no more, folders that nobody may write into, two builds at once: the old or the
new, whole, and a sentence on what was wrong."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
WRITABLE_BYTES = (0, 30_000)
PR_CAPBSET_DROP = 24
OVERRIDING = (1, 2)  # what lets an administrator write and search where nobody may


def start(
    module: str, workshop: Any, before: Callable[[], None] | None = None, **parameters: str
) -> subprocess.Popen[str]:
    """Start a command of the workshop; `before` is called in the new process."""
    published = str(workshop.build.parent / "published")
    return subprocess.Popen(
        [sys.executable, "-m", f"analysis.reporting.{module}"],
        env=workshop.environment(CLIENTELE_PUBLISHED_FOLDER=published, **parameters),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,
    )


def run(
    module: str, workshop: Any, before: Callable[[], None] | None = None, **parameters: str
) -> tuple[int, str, str]:
    """Status, output and what is said beside it."""
    process = start(module, workshop, before, **parameters)
    said, complained = process.communicate()
    assert "Traceback" not in complained
    return process.returncode, said, complained


def limit(size: int) -> Callable[[], None]:
    """No file of the process or of what it starts can be longer than so many bytes."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def heed_permissions() -> None:
    """Take from an administrator what makes permissions mean nothing."""
    if os.geteuid() == 0:
        for capability in OVERRIDING:
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


@contextmanager
def read_only(folder: Path, *, whole: bool = False) -> Iterator[None]:
    """A folder that nobody may write into, with all below where `whole`."""
    paths = [folder, *(folder.rglob("*") if whole else ())]
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        probe = [sys.executable, "-c", f"open({str(folder / 'probe')!r}, 'w')"]
        done = subprocess.run(probe, preexec_fn=heed_permissions, stderr=subprocess.DEVNULL)
        if done.returncode == 0:
            (folder / "probe").unlink()
            pytest.skip("permissions cannot be made to mean anything here")
        yield
    finally:
        for path in paths:
            if path.exists():
                path.chmod(modes[path])


def held(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones among them."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")
            if p.is_file()}  # fmt: skip


def make_binding_due(workshop: Any) -> None:
    """Have the report bound and published again from the notebooks as executed."""
    manifest = workshop.reports / "stub-sons" / "2024Q3" / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**content, "digest": "of another day"}), encoding="utf-8")


@pytest.mark.parametrize("size", WRITABLE_BYTES)
def test_a_full_disk_leaves_the_last_report(workshop: Any, size: int) -> None:
    make_binding_due(workshop)
    old = held(workshop.reports)
    status, said, complained = run("build", workshop, limit(size))
    assert (status, said) == (2, "")
    assert "File too large" in complained
    assert held(workshop.reports) == old
    assert run("build", workshop)[0] == 0
    assert held(workshop.reports) != old


@pytest.mark.parametrize("size", WRITABLE_BYTES)
def test_a_full_disk_publishes_nothing(workshop: Any, size: int) -> None:
    published = workshop.build.parent / "published"
    status, said, complained = run("archive", workshop, limit(size))
    assert (status, said) == (2, "")
    assert "File too large" in complained
    assert not list(published.rglob("*.*"))
    assert run("archive", workshop)[0] == 0
    first = held(published)
    assert set(first) == {
        f"stub-sons/2024Q3/{name}" for name in ("index.html", "manifest.json", "numbers.json")
    }
    make_binding_due(workshop)
    # The page is bound again: the same, and so there is nothing to publish.
    assert run("archive", workshop)[1].endswith("is published already\n")
    assert held(published) == first


@pytest.fixture(scope="module")
def compared_once(published_project: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project in which two quarters have been compared; not to be changed."""
    root = tmp_path_factory.mktemp("compared") / "project"
    shutil.copytree(published_project.root, root)
    project = type(published_project)(root)
    done = project.run("compare", FROM="2024Q2", TO="2024Q3")
    assert done.returncode == 0, done.stderr
    return project


def test_a_full_disk_leaves_the_last_comparison(compared_once: Any) -> None:
    folder = compared_once.root / "reports"
    old = held(folder)
    command = "import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}));"
    command += "runpy.run_module('analysis.reporting.compare', run_name='__main__')"
    for size in (0, 10_000):
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("CLIENTELE_")}
        done = subprocess.run(
            [sys.executable, "-c", command.format(size)],
            env={
                **inherited, "PYTHONPATH": str(compared_once.root / "src"),
                "DATASET": "data/small", "FROM": "2024Q2", "TO": "2024Q3", "SEGMENT": "",
            },
            cwd=compared_once.root, capture_output=True, text=True,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert "File too large" in done.stderr
        assert "Traceback" not in done.stderr
        assert held(folder) == old


def test_a_folder_of_reports_that_nobody_may_write_into(workshop: Any) -> None:
    make_binding_due(workshop)
    old = held(workshop.reports)
    with read_only(workshop.reports / "stub-sons"):
        status, said, complained = run("build", workshop, heed_permissions)
        assert (status, said) == (2, "")
        assert "Permission denied" in complained
        assert held(workshop.reports) == old
    assert run("build", workshop)[0] == 0


def test_a_report_protected_from_writing_is_replaced_and_leaves_no_remains(workshop: Any) -> None:
    make_binding_due(workshop)
    report = workshop.reports / "stub-sons" / "2024Q3"
    with read_only(report, whole=True):
        status, _, complained = run("build", workshop, heed_permissions)
        assert status == 0, complained
        assert "of another day" not in (report / "manifest.json").read_text(encoding="utf-8")
        assert [path.name for path in report.parent.iterdir()] == ["2024Q3"]


def test_an_archive_that_nobody_may_write_into(workshop: Any) -> None:
    published = workshop.build.parent / "published"
    published.mkdir()
    with read_only(published):
        status, said, complained = run("archive", workshop, heed_permissions)
    assert (status, said) == (2, "")
    assert "nothing was published, what had been stays: Permission denied" in complained
    assert not list(published.iterdir())


@pytest.mark.parametrize(
    ("module", "remains"),
    [
        ("build", "the last report stands"),
        ("segments", "the last reports stand"),
        ("archive", "what was published stays as it was"),
        ("compare", "the last comparison stands"),
    ],
)
def test_an_intermediate_folder_that_nobody_may_write_into(
    workshop: Any, module: str, remains: str
) -> None:
    own = workshop.with_own_data()
    own.change_file("dataset.yml", lambda text: text + "\n# another day\n")
    old = held(own.reports)
    with read_only(own.build, whole=True):
        status, said, complained = run(
            module, own, heed_permissions, SEGMENTS="region", FROM="2024Q2", TO="2024Q3"
        )
    assert (status, said) == (2, "")
    assert "Permission denied" in complained
    assert remains in complained
    assert str(own.build) not in complained
    assert held(own.reports) == old


def test_data_that_nobody_may_write_into_are_enough(workshop: Any) -> None:
    own = workshop.with_own_data()
    with read_only(own.dataset, whole=True):
        shutil.rmtree(own.build / "prepared")
        (own.reports / "stub-sons" / "2024Q3" / "index.html").unlink()
        status, _, complained = run("build", own, heed_permissions)
        assert status == 0, complained
        assert not [path for path in own.dataset.iterdir() if path.name.startswith(".")]
    assert own.files() == workshop.files()


def test_the_same_report_built_twice_at_once(workshop: Any) -> None:
    make_binding_due(workshop)
    shutil.rmtree(workshop.build / "prepared")
    both = [start("build", workshop) for _ in range(2)]
    for process in both:
        _, complained = process.communicate()
        assert "Traceback" not in complained
        assert process.returncode == 0 or "is being built by another process" in complained
    assert 0 in [process.returncode for process in both]
    status, said, _ = run("build", workshop)
    assert (status, said.endswith("is up to date\n")) == (0, True)
    assert [path.name for path in (workshop.reports / "stub-sons").iterdir()] == ["2024Q3"]
    assert not list((workshop.build / "prepared").glob("*.part"))


def test_a_segment_and_the_whole_at_once(built_once: Any, fresh_workshop: Any) -> None:
    both = [
        start("build", fresh_workshop),
        start("build", fresh_workshop, SEGMENT="region=North"),
    ]
    for process in both:
        _, complained = process.communicate()
        assert process.returncode == 0, complained
    assert fresh_workshop.files() == built_once.files()
    folders = sorted(path.name for path in (fresh_workshop.reports / "stub-sons").iterdir())
    assert folders[0] == "2024Q3"
    assert folders[1].startswith("2024Q3-region-north-")
    assert len(folders) == 2
