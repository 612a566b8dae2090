"""What a comparison is, and how it is measured.

Each contender runs in a process of its own that does nothing else. Data are made beforehand and
kept; imports and loading are not timed. The function is then called some times: the shortest call
counts, as anything else that the machine does can only lengthen one. Memory is what the first call
needs at its peak above what the process held before it. Linear algebra has one thread, as in a
report.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.paths import BUILD_FOLDER, PROJECT_ROOT

Floats = NDArray[np.float64]

DATA_FOLDER = BUILD_FOLDER / "benchmarks"
R_RUNNER = PROJECT_ROOT / "benchmarks" / "runner.R"
# What R says last, whatever went wrong.
HALTED = "Execution halted"
THREAD_SETTINGS = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
ONE_THREAD = dict.fromkeys(THREAD_SETTINGS, "1")
# A process that needs less than this above its baseline is not measured well: ratios count from here.
LEAST_MEGABYTES = 1.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A way to reach the result, in Python.

    function: "module:function", called with what `load` gives; it returns a number or an array.
    load: "module:function", called with the folder of data before the clock starts; without it
    the function gets the folder itself. imports: modules imported before the clock starts.
    repeats: calls at most; no further one is made once `patience_seconds` are spent.
    """

    name: str
    function: str
    load: str = ""
    imports: tuple[str, ...] = ()
    repeats: int = 3
    patience_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class RContender:
    """A way to reach the result, in R.

    script: a file in this folder that defines `load(folder)`, not timed, and `run(data)`, timed.
    packages: attached before the clock starts. Skipped where R or a package is not installed.
    """

    name: str
    script: str
    packages: tuple[str, ...] = ("survival",)
    repeats: int = 3
    patience_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Limit:
    """Ours takes at most `time` times the seconds and `memory` times the memory of another."""

    against: str
    time: float | None = None
    memory: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Contenders on the same data; the first is ours.

    make_data: "module:function", called with an empty folder and the number of rows.
    rows: at full scale; few_rows: in the test that contenders agree. tolerance: how far each number
    may differ from ours, relative where it is larger than one. rounds: how often contenders take
    turns, so that what else the machine does falls on all of them.
    """

    name: str
    title: str
    make_data: str
    rows: int
    contenders: tuple[Contender | RContender, ...]
    limits: tuple[Limit, ...] = ()
    tolerance: float = 1e-6
    few_rows: int = 2_000
    rounds: int = 1


@dataclass(frozen=True, slots=True)
class Measurement:
    """Shortest call in seconds, peak memory above the baseline in megabytes, and the result."""

    seconds: float
    megabytes: float
    result: Floats


@dataclass(frozen=True, slots=True)
class Skipped:
    """Why a contender was not measured; failed: it ought to have been."""

    reason: str
    failed: bool = False


Outcome = Measurement | Skipped


def resolve(reference: str) -> Callable[..., Any]:
    """The function named "module:function"."""
    module, _, name = reference.partition(":")
    function = getattr(importlib.import_module(module), name)
    assert callable(function), reference
    return function


def make_data(comparison: Comparison, rows: int, parent: Path = DATA_FOLDER) -> Path:
    """The folder with a comparison's data, made if not there yet.

    It is named after the source that makes it; data of an earlier source are removed.
    """
    maker = resolve(comparison.make_data)
    source = inspect.getsource(importlib.import_module(comparison.make_data.partition(":")[0]))
    digest = hashlib.sha256(f"{comparison.make_data} {source}".encode()).hexdigest()[:8]
    target = parent / f"{comparison.name}-{rows}-{digest}"
    if not target.is_dir():
        scratch = target.with_suffix(f".{os.getpid()}.part")
        scratch.mkdir(parents=True)
        try:
            maker(scratch, rows)
            for earlier in parent.glob(f"{comparison.name}-{rows}-????????"):
                shutil.rmtree(earlier, ignore_errors=True)
            scratch.rename(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return target


def run_here(contender: Contender, folder: Path) -> Floats:
    """The result of a contender, in this process and unmeasured."""
    data = resolve(contender.load)(folder) if contender.load else folder
    return np.atleast_1d(np.asarray(resolve(contender.function)(data), dtype=np.float64)).ravel()


def measure(contender: Contender | RContender, folder: Path) -> Outcome:
    """Run a contender in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        answer = Path(scratch) / "answer"
        if isinstance(contender, RContender):
            if not has_r(contender.packages):
                return Skipped("R is not here, skipped")
            script = R_RUNNER.parent / contender.script
            packages = ",".join(contender.packages)
            command = ["Rscript", "--vanilla", str(R_RUNNER), str(script), packages]
        else:
            absent = absent_import(contender.imports)
            if absent:
                return Skipped(f"{absent} is not here, skipped")
            imports = ",".join(contender.imports)
            command = [sys.executable, "-m", "benchmarks.worker", contender.function]
            command += [contender.load, imports]
        command += [str(contender.repeats), str(contender.patience_seconds), str(folder)]
        done = subprocess.run(
            [*command, str(answer)], cwd=PROJECT_ROOT, env=os.environ | ONE_THREAD,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode or not answer.is_file():
            lines = [line for line in done.stderr.splitlines() if line.strip() and line != HALTED]
            said = lines[-1].strip() if lines else f"ended with status {done.returncode}"
            return Skipped(f"failed: {said[:90]}", failed=True)
        return _read_answer(answer)


def measure_all(comparison: Comparison, folder: Path) -> list[Outcome]:
    """Measure the contenders in turn, round by round; of each the quickest outcome counts."""
    best: list[Outcome | None] = [None] * len(comparison.contenders)
    for _ in range(comparison.rounds):
        for place, contender in enumerate(comparison.contenders):
            before = best[place]
            if not isinstance(before, Skipped):
                best[place] = _quicker(before, measure(contender, folder))
    return [outcome for outcome in best if outcome is not None]


def _quicker(before: Measurement | None, now: Outcome) -> Outcome:
    if before is None or isinstance(now, Skipped) or now.seconds < before.seconds:
        return now
    return before


def _read_answer(answer: Path) -> Measurement:
    record = json.loads(answer.read_text(encoding="utf-8"))
    result = np.atleast_1d(np.asarray(record["result"], dtype=np.float64))
    return Measurement(min(record["seconds"]), float(record["megabytes"]), result)


def absent_import(imports: tuple[str, ...]) -> str:
    """The first package of these imports that is not installed, "" if all are."""
    packages = (name.partition(".")[0] for name in imports)
    return next((name for name in packages if importlib.util.find_spec(name) is None), "")


def has_r(packages: tuple[str, ...]) -> bool:
    """Whether R and the packages are installed."""
    if shutil.which("Rscript") is None:
        return False
    wanted = ", ".join(f"'{name}'" for name in packages)
    test = f"quit(status = !all(sapply(c({wanted}), requireNamespace, quietly = TRUE)))"
    done = subprocess.run(["Rscript", "--vanilla", "-e", test], capture_output=True, check=False)
    return done.returncode == 0


def is_equal(ours: Floats, other: Floats, tolerance: float) -> bool:
    """Whether each number agrees to the tolerance, relative where it is larger than one."""
    if ours.shape != other.shape or not (np.isfinite(ours).all() and np.isfinite(other).all()):
        return False
    return bool((np.abs(ours - other) <= tolerance * np.maximum(1.0, np.abs(ours))).all())


def time_ratio(outcome: Measurement, ours: Measurement) -> float:
    """Seconds of another in those of ours."""
    return outcome.seconds / ours.seconds


def memory_ratio(outcome: Measurement, ours: Measurement) -> float:
    """Memory of another in that of ours."""
    return max(outcome.megabytes, LEAST_MEGABYTES) / max(ours.megabytes, LEAST_MEGABYTES)
