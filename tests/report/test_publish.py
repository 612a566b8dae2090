"""Publishing puts a report in its place whole, or leaves the old one there."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.errors import BuildError
from analysis.reporting import publish as module
from analysis.reporting.layout import slug
from analysis.reporting.publish import only_build, publish, recover

OLD, NEW = {"a": b"old", "only-old": b"x"}, {"a": b"new", "lists/b.csv": b"new"}


@pytest.fixture(params=["exchange", "two renames"])
def target(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A report with OLD in it, on a system that can exchange folders and on one that cannot."""
    if request.param == "two renames":
        monkeypatch.setattr(module, "_exchange", lambda first, second: False)
    publish(OLD, tmp_path / "reports" / "2024Q3")
    return tmp_path / "reports" / "2024Q3"


def content(target: Path) -> dict[str, bytes]:
    return {
        path.relative_to(target).as_posix(): path.read_bytes()
        for path in target.rglob("*")
        if path.is_file()
    }


def test_the_new_report_replaces_the_old_one_whole(target: Path) -> None:
    assert content(target) == OLD
    publish(NEW, target)
    assert content(target) == NEW
    assert [path.name for path in target.parent.iterdir()] == ["2024Q3"]


def test_this_system_exchanges_or_says_that_it_cannot(tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).touch()
    exchanged = module._exchange(tmp_path / "first", tmp_path / "second")
    inside = [path.name for path in (tmp_path / "first").iterdir()]
    assert inside == (["second"] if exchanged else ["first"])
    assert not module._exchange(tmp_path / "first", tmp_path / "not there")


def test_a_system_without_exchange_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.ctypes, "CDLL", lambda *arguments, **options: object())
    assert module._exchange(tmp_path, tmp_path) is False


@pytest.mark.parametrize("failing", [1, 2])
def test_a_rename_that_fails_leaves_the_old_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    target = tmp_path / "2024Q3"
    publish(OLD, target)
    monkeypatch.setattr(module, "_exchange", lambda first, second: False)
    rename, calls = Path.rename, []

    def fail(self: Path, to: Path) -> Path:
        calls.append(to)
        if len(calls) == failing:
            raise OSError(13, "Permission denied")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(BuildError, match="Permission denied"):
        publish(NEW, target)
    assert content(target) == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["2024Q3"]


@pytest.mark.parametrize("failing", [1, 2])
def test_a_full_disk_leaves_the_old_report(
    target: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    calls = []

    def fill(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == failing:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "fsync", fill)
    with pytest.raises(BuildError, match="No space left"):
        publish(NEW, target)
    assert content(target) == OLD
    assert [path.name for path in target.parent.iterdir()] == ["2024Q3"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file where the folder should be")
    with pytest.raises(BuildError, match="cannot be written"):
        publish(NEW, tmp_path / "reports" / "2024Q3")
    assert (tmp_path / "reports").is_file()


def test_recovery_leaves_other_reports_alone(tmp_path: Path) -> None:
    for name in ("2024Q3", "2024Q3-region-north-1", ".2024Q30.new", ".2024Q3-region-north-1.new"):
        publish(OLD, tmp_path / name)
    (tmp_path / ".2024Q3.new").mkdir()
    recover(tmp_path / "2024Q3")
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".2024Q3-region-north-1.new", ".2024Q30.new", "2024Q3", "2024Q3-region-north-1",
    ]  # fmt: skip


def test_a_report_put_aside_is_taken_back_only_if_there_is_none(tmp_path: Path) -> None:
    publish(OLD, tmp_path / ".2024Q3.old")
    recover(tmp_path / "2024Q3")
    assert content(tmp_path / "2024Q3") == OLD
    publish(NEW, tmp_path / ".2024Q3.old")
    recover(tmp_path / "2024Q3")
    assert content(tmp_path / "2024Q3") == OLD


def test_the_lock_is_for_one_and_goes_with_its_process(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "a.lock"
    with only_build(lock):
        holder = "another process"
        with pytest.raises(BuildError, match=holder), only_build(lock):
            pass
        with only_build(tmp_path / "locks" / "b.lock"):
            pass
    code = (
        "import sys, os, signal\nfrom pathlib import Path\n"
        "from analysis.reporting.publish import only_build\n"
        "with only_build(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(lock)]).returncode == -9
    with only_build(lock), lock.open("w") as stream, pytest.raises(OSError):  # noqa: PT011
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize(
    ("company", "folder"),
    [
        ("Stub & Sons", "stub-sons"),
        ("Société Générale", "societe-generale"),
        ("../../etc/passwd", "etc-passwd"),
        ("a" * 300, "a" * 60),
    ],
)
def test_a_company_names_a_folder_and_never_a_path(company: str, folder: str) -> None:
    assert slug(company) == folder


def test_companies_in_other_scripts_have_folders_of_their_own() -> None:
    names = {slug("Ромашка"), slug("Василёк"), slug("..")}
    assert len(names) == 3
    assert all("/" not in name and name.strip(".") for name in names)
