"""Run the notebooks that are due, two kernels at a time; keep what succeeds."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.errors import BuildError, ClienteleError, ParameterError
from analysis.intake.suggestions import did_you_mean
from analysis.presentation.lists import FOLDER_VARIABLE, LIST_MIME
from analysis.reporting.notebooks import strip_run_metadata

KERNELS_AT_ONCE = 2
# One BLAS thread: sums in the same order give the same bytes. The hash seed fixes set order.
KERNEL_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "agg",
    "TZ": "UTC",
}
NOT_AVAILABLE = "NotAvailable"
LONGEST_CELL_SECONDS = 1800
STARTS = 3
KERNEL_ARGUMENTS = ["--IPKernelApp.log_level=50"]


@dataclass(frozen=True, slots=True)
class Job:
    """A notebook to run: its source, where the result goes, what it is a result of."""

    source: Path
    target: Path
    digest: str


def digest_path(target: Path) -> Path:
    """The file beside an executed notebook that says what it is a result of."""
    return target.with_suffix(".digest")


def lists_folder(target: Path) -> Path:
    """Where the notebooks of a run leave their lists of customers."""
    return target.parent / "lists"


def read_lists(target: Path, notebook: dict[str, Any]) -> dict[str, bytes]:
    """The lists that an executed notebook left, by file name.

    Raises BuildError if one is missing or is not the one that the notebook wrote.
    """
    lists = {}
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            entry = output.get("data", {}).get(LIST_MIME)
            if not entry:
                continue
            path = lists_folder(target) / Path(entry["file"]).name
            content = path.read_bytes() if path.is_file() else b""
            if hashlib.sha256(content).hexdigest() != entry["sha256"]:
                raise BuildError(f"{target.name}: its list {path.name} is not as it was written")
            lists[path.name] = content
    return lists


def is_done(job: Job) -> bool:
    """Whether the executed notebook is there with its lists, and of these very inputs."""
    try:
        if not job.target.is_file() or digest_path(job.target).read_text() != job.digest:
            return False
        read_lists(job.target, read_executed(job.target))
    except (OSError, ValueError, BuildError):
        return False
    return True


def check_parameters(source: Path, parameters: dict[str, str]) -> None:
    """Papermill only warns of a parameter that a notebook does not have: refuse it instead."""
    import papermill

    known = papermill.inspect_notebook(str(source))
    for name in parameters:
        if name not in known:
            raise ParameterError(
                f"{source.name}: its cell tagged “parameters” has no {name!r}; every notebook takes "
                f"{', '.join(parameters)}" + (f"; {did_you_mean(name, known)}" if known else "")
            )
    for name in known:
        if name not in parameters:
            raise ParameterError(
                f"{source.name}: the parameter {name!r} is not one that a build sets; "
                f"{did_you_mean(name, parameters)}"
            )


def _execute(source: Path, parameters: dict[str, str], warm: bool = False) -> Any:
    """Run a notebook, again if its kernel does not come up: another program may take its ports.

    Raises BuildError if none of STARTS comes up.
    """
    import papermill
    from nbclient.exceptions import DeadKernelError

    from analysis.reporting.kernels import WarmKernelManager

    for start in range(1, STARTS + 1):
        try:
            return papermill.execute_notebook(
                str(source),
                None,
                parameters=parameters,
                kernel_name="python3",
                progress_bar=False,
                log_output=False,
                execution_timeout=LONGEST_CELL_SECONDS,
                extra_arguments=KERNEL_ARGUMENTS,
                # Nothing is left to do for a kernel whose last cell has run.
                shutdown_kernel="immediate",
                **({"kernel_manager_class": WarmKernelManager} if warm else {}),
            )
        except DeadKernelError:
            raise
        except RuntimeError as error:
            if "kernel_info" not in str(error) and "respond" not in str(error):
                raise
            if start == STARTS:
                raise BuildError(
                    f"{source.name}: its kernel does not start ({error}); is there memory left?"
                ) from None
    raise AssertionError("unreachable")


def run_notebook(source: Path, parameters: dict[str, str], warm: bool = False) -> Any:
    """Execute a notebook and give it back with outputs; nothing is written.

    warm: in a copy of the process that `warm_up` has started, in place of a kernel from nothing.

    A notebook that finds its tables missing comes back with metadata["clientele"] saying what it
    needs. Raises BuildError naming notebook, cell and message.
    """
    import nbformat
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    try:
        notebook = _execute(source, parameters, warm)
    except PapermillExecutionError as error:
        if error.ename == NOT_AVAILABLE:
            notebook = nbformat.read(source, as_version=4)
            for cell in notebook.cells:
                if cell.cell_type == "code":
                    cell.outputs, cell.execution_count = [], None
            notebook.metadata["clientele"] = {"not_available": str(error.evalue)}
        else:
            raise BuildError(
                f"{source.name}, cell {error.exec_count}: {error.ename}: {error.evalue}"
            ) from None
    except DeadKernelError:
        raise BuildError(
            f"{source.name}: its kernel died, most likely for want of memory; nothing else is known"
        ) from None
    except CellTimeoutError:
        raise BuildError(
            f"{source.name}: a cell ran longer than {LONGEST_CELL_SECONDS} s and was stopped"
        ) from None
    strip_run_metadata(notebook)
    return notebook


def _run_and_keep(
    job: Job, parameters: dict[str, str], digest_now: Callable[[Path], str], warm: bool
) -> float:
    import nbformat

    started = time.monotonic()
    check_parameters(job.source, parameters)
    notebook = run_notebook(job.source, parameters, warm)
    # Kept under the digest of what it was run on, or not at all: inputs put back as they were
    # must not find the result of others.
    if digest_now(job.source) != job.digest:
        raise BuildError(
            f"{job.source.name}: data, code or cells changed while it ran; run it again"
        )
    job.target.parent.mkdir(parents=True, exist_ok=True)
    for remains in job.target.parent.glob(f".{job.target.name}.*"):
        remains.unlink(missing_ok=True)
    scratch = job.target.with_name(f".{job.target.name}.{os.getpid()}")
    digest_path(job.target).unlink(missing_ok=True)
    scratch.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    scratch.replace(job.target)
    digest_path(job.target).write_text(job.digest)
    return time.monotonic() - started


def _longest_first(jobs: list[Job]) -> list[Job]:
    """The jobs by how much code their notebooks hold, the most first: the last one is then short."""

    def code(job: Job) -> int:
        cells = json.loads(job.source.read_text(encoding="utf-8"))["cells"]
        return sum(len("".join(c["source"])) for c in cells if c["cell_type"] == "code")

    return sorted(jobs, key=code, reverse=True)


def run_jobs(
    jobs: list[Job],
    parameters: dict[str, str],
    report: Callable[[str], None],
    digest_now: Callable[[Path], str],
    finished: Callable[[Job], object] | None = None,
) -> None:
    """Run all jobs, two at a time. Those that succeed are kept even if another fails.

    digest_now: gives the digest that a job for this notebook would have now; called from threads.
    finished: called with each job that has succeeded, while others run.
    Raises BuildError with the messages of all that failed.
    """
    from analysis.reporting.kernels import warm_up

    os.environ.update(KERNEL_ENVIRONMENT)
    os.environ[FOLDER_VARIABLE] = str(lists_folder(jobs[0].target).resolve())
    # After the digests were taken: what is imported now and was not part of them is noticed.
    warm = warm_up([job.source for job in jobs])
    failures = []
    with ThreadPoolExecutor(KERNELS_AT_ONCE) as pool:
        running = {
            pool.submit(_run_and_keep, job, parameters, digest_now, warm): job
            for job in _longest_first(jobs)
        }
        for number, future in enumerate(as_completed(running), 1):
            job = running[future]
            try:
                seconds = future.result()
                report(f"[{number}/{len(jobs)}] {job.source.stem}  {seconds:.1f} s")
                if finished is not None:
                    finished(job)
            except ClienteleError as error:
                failures.append(str(error))
                report(f"[{number}/{len(jobs)}] {job.source.stem}  failed")
    if failures:
        raise BuildError(
            "nothing was published, the last report stands:\n"
            + "\n".join(f"  - {failure}" for failure in sorted(failures))
        )


def read_executed(target: Path) -> dict[str, Any]:
    """An executed notebook as JSON."""
    content: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return content


def refresh_in_place(paths: list[Path]) -> None:
    """Execute notebooks with their own parameters and save the outputs in them."""
    import nbformat

    os.environ.update(KERNEL_ENVIRONMENT)
    os.environ.pop(FOLDER_VARIABLE, None)
    for number, path in enumerate(paths, 1):
        started = time.monotonic()
        notebook = run_notebook(path, {})
        scratch = path.with_name(f".{path.name}.part")
        scratch.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
        scratch.replace(path)
        seconds = time.monotonic() - started
        sys.stderr.write(f"[{number}/{len(paths)}] {path.stem}  {seconds:.1f} s\n")
