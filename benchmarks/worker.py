"""The process in which one contender is measured; started by `harness.measure`."""

from __future__ import annotations

import gc
import importlib
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.harness import resolve

BYTES_PER_MEGABYTE = 1e6
PEAK, NOW = "VmHWM:", "VmRSS:"
PROCESS = Path("/proc/self")


def _status(field: str) -> float:
    lines = (PROCESS / "status").read_text(encoding="ascii").splitlines()
    return next(1024 * float(line.split()[1]) for line in lines if line.startswith(field))


def forget_peak() -> float:
    """Begin to watch memory: what the process holds now, in bytes.

    A started process inherits the peak of the one that started it, and loading has a peak of its
    own. Linux can forget both; elsewhere the peak so far is the baseline.
    """
    gc.collect()
    try:
        (PROCESS / "clear_refs").write_text("5", encoding="ascii")
        return _status(NOW)
    except (OSError, StopIteration):
        return peak()


def peak() -> float:
    """Most memory that the process has held, in bytes."""
    try:
        return _status(PEAK)
    except (OSError, StopIteration):
        unit = 1 if sys.platform == "darwin" else 1024
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


def main(arguments: list[str]) -> None:
    """Measure: function, load, imports, repeats, patience_seconds, folder, file for the answer."""
    function, load, imports, repeats, patience, folder, answer = arguments
    for module in filter(None, imports.split(",")):
        importlib.import_module(module)
    call = resolve(function)
    data = resolve(load)(Path(folder)) if load else Path(folder)
    seconds: list[float] = []
    megabytes = 0.0
    while len(seconds) < int(repeats) and sum(seconds) < float(patience):
        before = forget_peak()
        started = time.perf_counter()
        result = call(data)
        seconds.append(time.perf_counter() - started)
        if len(seconds) == 1:
            megabytes = (peak() - before) / BYTES_PER_MEGABYTE
    record = {
        "seconds": seconds,
        "megabytes": megabytes,
        "result": np.atleast_1d(np.asarray(result, dtype=np.float64)).ravel().tolist(),
    }
    Path(answer).write_text(json.dumps(record), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
