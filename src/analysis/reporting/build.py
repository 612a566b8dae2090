"""One report from start to end: plan, run what is due, bind, publish."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import BuildError, SettingsError
from analysis.intake.fingerprint import digest_of_file
from analysis.intake.suggestions import did_you_mean
from analysis.reporting.commands import parameters_of_a_report, run_command, say, shown
from analysis.reporting.execute import Job, is_done, read_executed, read_lists, run_jobs
from analysis.reporting.key import (
    Run,
    collect_inputs,
    digest_of,
    digest_of_binding,
    plan_run,
)
from analysis.reporting.layout import Layout, current_layout
from analysis.reporting.notebooks import notebook_paths, source_digest
from analysis.reporting.publish import only_build, publish, recover

if TYPE_CHECKING:
    from analysis.reporting.sections import Section


def _digest_of_job(path: Path, run: Run, inputs: dict[str, str]) -> str:
    # By its name: the same data set in another folder gives the same report, digests included.
    parameters = {**run.parameters, "dataset": run.folder.name}
    return digest_of([source_digest(path), parameters, inputs])


def _plan_jobs(run: Run, layout: Layout) -> list[Job]:
    folder = layout.build / "executed" / run.company / run.name
    return [
        Job(path, folder / path.name, _digest_of_job(path, run, run.inputs))
        for path in notebook_paths(layout.notebooks)
    ]


def _refuse_unknown_sections(run: Run, jobs: list[Job]) -> None:
    """Raise SettingsError if `open_sections` names a section that no notebook makes."""
    known = [job.source.stem.replace("_", "-") for job in jobs]
    for name in run.settings.open_sections:
        if name not in known:
            raise SettingsError(
                f"dataset.yml: open_sections names {name!r}; {did_you_mean(name, known)}; sections are "
                f"{', '.join(known)}"
            )


def _refuse_foreign(target: Path, run: Run) -> None:
    """Raise BuildError if the place holds the report of another data set."""
    try:
        manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        other = str(manifest["dataset"])
    except (OSError, ValueError, KeyError, TypeError):
        return
    if other != run.folder.name:
        raise BuildError(
            f"{run.company}/{run.name} holds the report of the data set {other!r}; give one of the two "
            "another `company:` in its dataset.yml"
        )


def _published_digest(target: Path) -> str:
    """What the published report is made of; "" if a file is gone or is not as it was made."""
    try:
        manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        lists = {f"lists/{name}": digest for name, digest in manifest["lists"].items()}
        made = {**manifest["files"], **lists}
        whole = all(digest_of_file(target / name) == digest for name, digest in made.items())
        return str(manifest["digest"]) if whole else ""
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _warm_up(layout: Layout) -> None:
    from analysis.reporting.kernels import warm_up

    warm_up(notebook_paths(layout.notebooks))


def build_report(
    dataset: str, period: str = "", segment: str = "", layout: Layout | None = None
) -> tuple[Path, bool]:
    """Build the report if anything it depends on has changed.

    Gives its folder and whether anything was done. Raises ClienteleError; the last good report
    then stands as it was.
    """
    layout = layout or current_layout()
    started = time.monotonic()
    # Tables that have to be prepared take a while: what kernels are copied from starts beside it.
    run = plan_run(dataset, period, segment, layout, lambda: _warm_up(layout))
    target = layout.reports / run.company / run.name
    digesting = threading.Lock()

    def digest_now(path: Path) -> str:
        with digesting:
            return _digest_of_job(path, run, collect_inputs(run.settings, run.folder, layout))

    with only_build(layout.build / "locks" / f"{run.company}--{run.name}.lock"):
        recover(target)
        _refuse_foreign(target, run)
        jobs = _plan_jobs(run, layout)
        _refuse_unknown_sections(run, jobs)
        digest = digest_of([[job.digest for job in jobs], digest_of_binding(layout)])
        if _published_digest(target) == digest:
            return target, False
        early: dict[str, Section] = {}

        def read_early(job: Job) -> None:
            from analysis.reporting.sections import read_section

            early[job.source.stem] = read_section(job.source.stem, read_executed(job.target))

        due = [job for job in jobs if not is_done(job)]
        _say(f"{run.settings.company}, {run.name}: {len(due)} of {len(jobs)} notebooks are due")
        if due:
            run_jobs(due, run.parameters, _say, digest_now, read_early)
        from analysis.reporting.assemble import assemble

        executed = {job.source.stem: read_executed(job.target) for job in jobs}
        sources = {job.source.name: source_digest(job.source) for job in jobs}
        lists = {
            name: content
            for job in jobs
            for name, content in read_lists(job.target, executed[job.source.stem]).items()
        }
        files = assemble(run, executed, sources, digest, lists, early)
        now = [[digest_now(job.source) for job in jobs], digest_of_binding(layout)]
        if digest_of(now) != digest:
            raise BuildError(
                "data, code or notebooks changed during the build; nothing was published, run it again"
            )
        publish(files, target)
    _say(f"bound and published, {time.monotonic() - started:.1f} s")
    return target, True


def _say(line: str) -> None:
    """Progress for whoever waits, and a quiet log beside."""
    say(line)
    log = current_layout().build / "build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


def _build() -> int:
    target, done = build_report(*parameters_of_a_report())
    sys.stdout.write(f"{shown(target / 'index.html')}{'' if done else ' is up to date'}\n")
    return 0


def main() -> int:
    """Build the report that DATASET, PERIOD and SEGMENT name; give the exit status."""
    return run_command(_build, "the last report stands")


if __name__ == "__main__":
    sys.exit(main())
