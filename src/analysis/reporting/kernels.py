"""Kernels that are there at once: forked from one process in which the libraries are imported.

A kernel that starts from nothing spends most of its time on imports, the same ones in every
notebook. Here one process imports them while the build still plans, and every kernel is a copy of
it: a process of its own, with a namespace of its own, that can die without harming another.
"""

from __future__ import annotations

import ast
import json
import multiprocessing
import multiprocessing.forkserver
import os
import signal
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

from analysis.paths import PROJECT_ROOT
from analysis.reporting.execute import KERNEL_ENVIRONMENT

# What a notebook of the suite brings in, whatever it imports by name: many functions import late.
LIBRARIES = (
    "ipykernel.ipkernel", "ipykernel.kernelapp", "ipykernel.zmqshell", "pandas", "pyarrow.compute",
    "pyarrow.dataset", "pyarrow.parquet", "duckdb", "babel.dates", "matplotlib.pyplot",
    "matplotlib.backends.backend_agg", "matplotlib.backends.backend_svg", "mpl_toolkits.mplot3d",
    "scipy.special", "analysis.reporting.execute", "analysis.reporting.publish",
)  # fmt: skip
ARGUMENTS_BEFORE = 3  # python -m ipykernel_launcher …


def imports_of(notebooks: list[Path]) -> list[str]:
    """The modules of ours that notebooks import, sorted; cells that are no Python are passed over."""
    names: set[str] = set()
    for path in notebooks:
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            sources = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        for source in sources:
            try:
                nodes = ast.walk(ast.parse(source))
            except SyntaxError:
                continue
            names |= {
                node.module
                for node in nodes
                if isinstance(node, ast.ImportFrom)
                and node.module
                and node.module.startswith("analysis.")
            }
    return sorted(names)


def _state_of_code() -> tuple[tuple[str, int, int], ...]:
    """Size and time of every file of ours: what the warm process has read, if none has changed."""
    root = PROJECT_ROOT / "src" / "analysis"
    paths = sorted(root.rglob("*.py"))
    return tuple((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in paths)


@cache
def _warmed() -> list[tuple[tuple[str, int, int], ...]]:
    """The state of the code when the warm process was started; empty before."""
    return []


def warm_up(notebooks: list[Path]) -> bool:
    """Start the process that imports what these notebooks need, and give back at once.

    Its environment is the present one with KERNEL_ENVIRONMENT. False if it was started earlier, in
    this process, and code has changed since: its copies would run the old code.
    """
    state = _state_of_code()
    if not _warmed():
        # Seen before anything is imported: a change in between is a change later on.
        _warmed().append(state)
        os.environ.update(KERNEL_ENVIRONMENT)
        multiprocessing.get_context("forkserver").set_forkserver_preload(
            [*LIBRARIES, *imports_of(notebooks), "analysis.reporting.warmed"]
        )
        multiprocessing.forkserver.ensure_running()
    return _warmed()[0] == state


def _become_kernel(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """Turn this fresh copy into a kernel; does not return before it is shut down."""
    from ipykernel.kernelapp import IPKernelApp

    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(
            number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        )
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    # The kernel ends with the process that it was copied from, which ends with the build.
    watched = f"--IPKernelApp.parent_handle={os.getppid()}"
    IPKernelApp.launch_instance(argv=[*arguments, watched])


class _Copy:
    """A forked kernel with the manners of `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, arguments: list[str], environment: dict[str, str], folder: str) -> None:
        context = multiprocessing.get_context("forkserver")
        self._process = context.Process(
            target=_become_kernel, args=(arguments, environment, folder), daemon=True
        )
        self._process.start()
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """The exit status, None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the end."""
        self._process.join(timeout)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        """Send a signal to the kernel alone."""
        if self.poll() is None and self.pid is not None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the kernel to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End the kernel."""
        self._process.kill()


class WarmProvisioner(LocalProvisioner):
    """Gives a copy of the warm process for each kernel."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Fork, and serve under the connection that the manager has prepared."""
        environment = dict(kwargs.get("env") or os.environ)
        folder = kwargs.get("cwd") or str(Path.cwd())
        copy = _Copy(cmd[ARGUMENTS_BEFORE:], environment, folder)
        self.process = copy  # type: ignore[assignment]
        self.pid = self.pgid = copy.pid
        self.cwd = folder
        return self.connection_info


class WarmKernelManager(AsyncKernelManager):
    """A kernel manager whose kernels are copies of the warm process."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.provisioner = WarmProvisioner(
            kernel_id=self.kernel_id or "warm", kernel_spec=self.kernel_spec, parent=self
        )
