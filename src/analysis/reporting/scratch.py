"""A report built apart from all others, from nothing that was made before."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from analysis.reporting.build import build_report
from analysis.reporting.layout import Layout
from analysis.reporting.publish import clear

BUILD_VARIABLE = "CLIENTELE_BUILD_FOLDER"
IN_USE = ".in-use"


@contextmanager
def _own_folder(parent: Path, turn: Path) -> Iterator[Path]:
    """An empty folder, removed afterwards; what killed processes left behind is removed before.

    Who uses a folder holds the lock in it, which goes with the process. turn: a lock for making
    and clearing folders, so that none is cleared before its lock is held.
    """
    parent.mkdir(parents=True, exist_ok=True)
    turn.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as used:
        with turn.open("w") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            for remains in parent.iterdir():
                if not _is_used(remains):
                    clear(remains)
            folder = Path(tempfile.mkdtemp(dir=parent))
            used.callback(clear, folder)
            fcntl.flock(used.enter_context((folder / IN_USE).open("w")), fcntl.LOCK_EX)
        yield folder


def _is_used(folder: Path) -> bool:
    try:
        with (folder / IN_USE).open("r+") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def scratch_layout(layout: Layout) -> Iterator[Layout]:
    """Empty folders for a build, removed afterwards; kernels write there as well."""
    before = os.environ.get(BUILD_VARIABLE)
    with _own_folder(layout.build / "scratch", layout.build / "locks" / "scratch.lock") as folder:
        fresh = replace(layout, build=folder / "build", reports=folder / "reports")
        os.environ[BUILD_VARIABLE] = str(fresh.build)
        try:
            yield fresh
        finally:
            if before is None:
                del os.environ[BUILD_VARIABLE]
            else:
                os.environ[BUILD_VARIABLE] = before


def files_in(folder: Path) -> dict[str, bytes]:
    """Every file of a folder by its path within it, hidden ones left out."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def build_apart(dataset: str, period: str, segment: str, fresh: Layout) -> dict[str, bytes]:
    """The files of a report built in scratch folders. Raises ClienteleError."""
    report, _ = build_report(dataset, period, segment, fresh)
    return files_in(report)
