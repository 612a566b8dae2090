"""The report of the example company beside the floor under it.

The floor is one process that, two kernels at a time, starts a kernel per notebook, imports what
this notebook has in `sys.modules` after it ran and had not before, and does nothing else. Ours
starts with nothing built: tables are prepared, every notebook runs, the page is published.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.paths import NOTEBOOKS_FOLDER, PROJECT_ROOT
from benchmarks.harness import Comparison, Contender, Limit

Floats = NDArray[np.float64]

KERNELS_AT_ONCE = 2
MOST_BYTES_OF_PAGE = 3_000_000
LOADED = "import sys; print(chr(10).join(sys.modules))"
ARGUMENTS = ["--IPKernelApp.log_level=50"]


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "CLIENTELE_NOTEBOOKS_FOLDER": str(folder / "notebooks"),
        "CLIENTELE_BUILD_FOLDER": str(folder / "build"),
        "CLIENTELE_REPORTS_FOLDER": str(folder / "reports"),
        "DATASET": str(folder / "demo"), "PERIOD": "", "SEGMENT": "",
    }  # fmt: skip


def _build(folder: Path) -> float:
    """Build the report in a process of its own; give its seconds."""
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "analysis.reporting.build"], cwd=PROJECT_ROOT,
        env=_environment(folder), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    return time.perf_counter() - started


@asynccontextmanager
async def _kernel() -> AsyncIterator[Any]:
    """The client of a kernel; by sockets that are files, as ports may be lost to another program.

    Sockets are named after the connection file beside them, so each kernel has a folder of its own.
    """
    from jupyter_client.manager import AsyncKernelManager

    with tempfile.TemporaryDirectory() as scratch:
        manager = AsyncKernelManager(
            kernel_name="python3", transport="ipc", connection_file=f"{scratch}/kernel.json"
        )
        await manager.start_kernel(extra_arguments=ARGUMENTS)
        client = manager.client()
        client.start_channels()
        try:
            await client.wait_for_ready(timeout=60)
            yield client
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)


async def _run_code(client: Any, code: str) -> str:
    """Run code in a kernel; give what it prints."""
    printed: list[str] = []

    def keep(message: dict[str, Any]) -> None:
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    await client.execute_interactive(code, store_history=False, output_hook=keep)
    return "".join(printed)


async def _modules_of(path: Path, dataset: Path) -> list[str]:
    """What a notebook imports, in order: loaded after it ran, and not before."""
    async with _kernel() as client:
        before = set((await _run_code(client, LOADED)).split())
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                source = "".join(cell["source"])
                await _run_code(client, source.replace('"data/demo"', repr(str(dataset))))
        return [name for name in (await _run_code(client, LOADED)).split() if name not in before]


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, path.name
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def make_copy(folder: Path, rows: int) -> None:
    """So many notebooks and the demo; of all of them, incremental times and the page's size are told."""
    (folder / "notebooks").mkdir()
    for path in sorted(NOTEBOOKS_FOLDER.glob("*.ipynb"))[:rows]:
        shutil.copy(path, folder / "notebooks")
    shutil.copytree(PROJECT_ROOT / "data" / "demo", folder / "demo")
    notebooks = sorted((folder / "notebooks").glob("*.ipynb"))
    modules = {path.stem: asyncio.run(_modules_of(path, folder / "demo")) for path in notebooks}
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    if rows < len(list(NOTEBOOKS_FOLDER.glob("*.ipynb"))):
        return
    told = [f"everything {_build(folder):.1f} s", f"nothing {_build(folder):.2f} s"]
    _edit(notebooks[0], '"cells": [', '"cells": [{"cell_type": "markdown", "id": "added", '
          '"metadata": {}, "source": ["One more."]},')  # fmt: skip
    told.append(f"one notebook {_build(folder):.1f} s")
    with (folder / "demo" / "decisions.csv").open("a", encoding="utf-8") as stream:
        stream.write("retention,2026-05-02,Look again,Head of service,2026-09-30,open\n")
    told.append(f"data {_build(folder):.1f} s")
    _edit(
        folder / "demo" / "dataset.yml", "discount_rate_annual: 0.10", "discount_rate_annual: 0.11"
    )
    told.append(f"settings {_build(folder):.1f} s")
    [page] = (folder / "reports").glob("*/*/index.html")
    size = page.stat().st_size
    if size > MOST_BYTES_OF_PAGE:
        raise ValueError(f"the page has {size:,} bytes, {MOST_BYTES_OF_PAGE:,} at most")
    sys.stdout.write(
        f"(rebuilt where there changed: {'; '.join(told)}. The page has {size / 1e6:.2f} MB of at "
        f"most {MOST_BYTES_OF_PAGE / 1e6:.0f}.)\n"
    )


def built(folder: Path) -> Floats:
    """Ours: tables prepared, every notebook run, to the published page."""
    shutil.rmtree(folder / "build", ignore_errors=True)
    shutil.rmtree(folder / "reports", ignore_errors=True)
    _build(folder)
    [page] = (folder / "reports").glob("*/*/index.html")
    return np.array([float(page.is_file()), len(list((folder / "notebooks").glob("*.ipynb")))])


def floor(folder: Path) -> Floats:
    """Kernels started and libraries imported, two at a time, and nothing else."""
    modules: dict[str, list[str]] = json.loads((folder / "modules.json").read_text("utf-8"))

    async def start(names: list[str], turn: asyncio.Semaphore) -> int:
        async with turn, _kernel() as client:
            await _run_code(
                client,
                f"import contextlib, importlib\nfor name in {names!r}:\n"
                "    with contextlib.suppress(Exception):\n        importlib.import_module(name)",
            )
        return 1

    async def start_all() -> int:
        turn = asyncio.Semaphore(KERNELS_AT_ONCE)
        return sum(await asyncio.gather(*(start(names, turn) for names in modules.values())))

    return np.array([1.0, asyncio.run(start_all())])


COMPARISONS = (
    Comparison(
        name="report",
        title="The demo's report with every notebook due, notebooks",
        make_data="benchmarks.report:make_copy",
        rows=7,
        contenders=(
            Contender("ours, the whole build", "benchmarks.report:built", repeats=1),
            Contender("the floor: kernels and imports", "benchmarks.report:floor", repeats=1,
                      imports=("jupyter_client",)),
        ),
        limits=(Limit("the floor: kernels and imports", time=1.3),),
        few_rows=1,
        rounds=3,
    ),
)  # fmt: skip
