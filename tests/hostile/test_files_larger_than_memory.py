"""A file is read piece by piece: what it takes does not grow with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# The engine spills above its limit; Python holds a few pieces at a time.
PROGRAM = """
import resource, sys
from pathlib import Path
import pyarrow
from analysis.intake.engine import open_engine
from analysis.intake.reading.delimited import read_csv
from analysis.intake.settings import Reading

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

with open_engine(Path(sys.argv[2])) as engine:
    engine.execute("SET memory_limit = '25MB'")
    read_csv(engine, "small", Path(sys.argv[1]), Reading(encoding="cp1251"))
    before = peak()
    read_csv(engine, "large", Path(sys.argv[3]), Reading(encoding="cp1251"))
    rows, total = engine.execute("SELECT count(*), sum(id::BIGINT) FROM large").fetchone()
    print(rows, total, peak() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is read the POSIX way")
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    row = '%d,2025-01-02,"Москва, улица Тверская, дом",1234.50\n'
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    for path, number in ((small, 150_000), (large, 500_000)):
        with path.open("w", encoding="cp1251") as stream:
            stream.write("id,on,place,amount\n")
            stream.writelines(row % i for i in range(number))
    assert large.stat().st_size > 25_000_000
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(small), str(tmp_path), str(large)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    rows, total, megabytes = (int(word) for word in done.stdout.split())
    assert (rows, total) == (500_000, 500_000 * 499_999 // 2)
    # Held whole, the cells alone would take some 200 MB more as Python's text.
    assert megabytes < 40, f"{megabytes} MB more for a file three times as long"
