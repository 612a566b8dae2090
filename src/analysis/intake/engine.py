"""The embedded engine with bounds: so much memory, so many threads, a place to spill."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

THREADS = 2
MOST_MEMORY_BYTES = 5 * 1024**3
# The process, Arrow and the operating system need memory too.
SHARE_OF_MACHINE = 0.6


def memory_limit_bytes() -> int:
    """How much memory the engine may use before it spills to disk."""
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return MOST_MEMORY_BYTES
    return min(MOST_MEMORY_BYTES, int(SHARE_OF_MACHINE * there))


@contextmanager
def open_engine(scratch: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine that lives as long as the context; what it spills is gone with it.

    scratch: folder in which it may spill; a folder of the operating system's if none is given.
    """
    import duckdb

    spill = Path(tempfile.mkdtemp(prefix="spill-", dir=scratch))
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": THREADS,
        "memory_limit": f"{memory_limit_bytes()}B",
        "temp_directory": str(spill),
        "python_enable_replacements": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        with duckdb.connect(":memory:", config=config) as connection:
            yield connection
    finally:
        shutil.rmtree(spill, ignore_errors=True)
