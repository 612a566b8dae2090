"""Putting a report in its place whole: exchanged in one step, the old one there until then."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from analysis.errors import BuildError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextmanager
def only_build(lock: Path) -> Iterator[None]:
    """Hold the lock of a report while it is built.

    Raises BuildError if another build holds it. The lock goes with the process, even if killed.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BuildError(
                "this report is being built by another process; wait for it to finish"
            ) from None
        yield


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two folders in one step; False where the system cannot."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    result = renameat2(
        _AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE
    )
    return bool(result == 0)


def clear(folder: Path) -> None:
    """Remove a folder and all within as far as possible, also what was protected from writing."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):
                path.chmod(path.stat().st_mode | stat.S_IRWXU)
    shutil.rmtree(folder, ignore_errors=True)


def recover(target: Path) -> None:
    """Mend what a kill between two renames can leave, and clear remains of killed builds."""
    old = target.with_name(f".{target.name}.old")
    if old.exists() and not target.exists():
        old.rename(target)
    for remains in target.parent.glob(f".{target.name}.*"):
        clear(remains)


def _replace_in_two_steps(fresh: Path, target: Path) -> None:
    """Where folders cannot be exchanged: move the old one aside, back if the new one fails."""
    old = target.with_name(f".{target.name}.old")
    target.rename(old)
    try:
        fresh.rename(target)
    except OSError:
        old.rename(target)
        raise
    clear(old)


def publish(files: dict[str, bytes], target: Path) -> None:
    """Write a report's files beside `target` and put them in its place.

    Raises BuildError if the disk is full or the folder cannot be written; the old report stays.
    """
    fresh = target.with_name(f".{target.name}.new")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        recover(target)
        for name, content in files.items():
            path = fresh / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        if not target.exists():
            fresh.rename(target)
        elif not _exchange(fresh, target):
            _replace_in_two_steps(fresh, target)
    except OSError as error:
        raise BuildError(f"the report cannot be written: {error.strerror or error}") from None
    finally:
        clear(fresh)
