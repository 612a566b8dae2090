"""`make new-dataset`: a folder under data/ with the files and a first `dataset.yml` of guesses."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from analysis.errors import ParameterError
from analysis.intake.proposal.looking import Look, look_at_folder
from analysis.intake.proposal.proposing import Proposal, propose
from analysis.intake.proposal.writing import render
from analysis.paths import PROJECT_ROOT, SETTINGS_FILE
from analysis.presentation.wording import message
from analysis.reporting.commands import parameter, run_command

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class NewDataset:
    """What was made: the folder, the files copied into it, and what was guessed.

    variable: environment variable for the address of a database file, "" if there is none.
    """

    folder: Path
    copied: tuple[str, ...]
    proposal: Proposal
    variable: str


def new_dataset(name: str, source: str | Path, data: Path) -> NewDataset:
    """Look at the files in `source` and write `data/<name>/dataset.yml`, the files beside it.

    The files are only read; those that look like tables are copied, unless they lie in the new
    folder already. Nothing that exists is overwritten. Raises ParameterError.
    """
    target = _target(name, data)
    origin = _origin(source, target)
    in_place = origin == target.resolve()
    if (target / SETTINGS_FILE).exists():
        raise ParameterError(
            f"NAME: data/{target.name} has a {SETTINGS_FILE}, which is never overwritten; remove it "
            "or choose another NAME"
        )
    if not in_place and target.exists():
        raise ParameterError(
            f"NAME: data/{target.name} exists; choose another NAME, or put the files into it and "
            f"write FROM=data/{target.name}"
        )
    looks, unread = look_at_folder(origin)
    if not looks:
        said = "".join(f"\n  - {item.file}: {item.reason}" for item in unread[:20])
        raise ParameterError(
            f"FROM: no table was found in {origin.name}; wanted are CSV, text, xlsx, Parquet or "
            f"SQLite files{said}"
        )
    proposal = propose(looks, unread)
    variable = _variable(target.name, looks)
    text = render(proposal, target.name, variable)
    if in_place:
        _write_beside(target, text)
        return NewDataset(target, (), proposal, variable)
    files = _files_of(looks, origin)
    scratch = data / f".{target.name}.{os.getpid()}.part"
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        scratch.mkdir(parents=True)
        for file in files:
            (scratch / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(origin / file, scratch / file)
        (scratch / SETTINGS_FILE).write_text(text, encoding="utf-8")
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return NewDataset(target, tuple(files), proposal, variable)


def _target(name: str, data: Path) -> Path:
    plain = name.strip().removeprefix("data/").rstrip("/")
    if not NAME.fullmatch(plain):
        what = f"{name!r} cannot be a folder's name" if name.strip() else "is missing"
        raise ParameterError(
            f"NAME: {what}; write letters, digits, - and _, such as make new-dataset NAME=acme "
            "FROM=exports"
        )
    return data / plain


def _origin(source: str | Path, target: Path) -> Path:
    if not str(source).strip():
        if target.is_dir():
            return target.resolve()
        raise ParameterError(
            f"FROM: is missing; write the folder with the exports, such as make new-dataset "
            f"NAME={target.name} FROM=exports"
        )
    for base in (Path.cwd(), PROJECT_ROOT):
        folder = base / Path(source).expanduser()
        if folder.is_dir():
            return folder.resolve()
    if Path(source).is_file():
        raise ParameterError("FROM: names a file; name the folder that it lies in")
    raise ParameterError(f"FROM: there is no folder {str(source)!r}")


def _variable(name: str, looks: list[Look]) -> str:
    plain = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    return (
        f"{'' if plain[:1].isalpha() else 'DATA_'}{plain}_DATABASE"
        if any(k.table for k in looks)
        else ""
    )


def _files_of(looks: list[Look], origin: Path) -> list[str]:
    found = {
        path.relative_to(origin).as_posix()
        for look in looks
        for path in (origin.glob(look.file) if "*" in look.file else [origin / look.file])
        if path.is_file()
    }
    return sorted(found)


def _write_beside(folder: Path, text: str) -> None:
    # "x": if somebody else wrote one meanwhile, theirs stays.
    with (folder / SETTINGS_FILE).open("x", encoding="utf-8") as stream:
        stream.write(text)


def _say(made: NewDataset) -> None:
    from analysis.reporting.terminal import Page

    page = Page()
    place = f"data/{made.folder.name}"
    proposal = made.proposal
    page.heading(f"{place}/{SETTINGS_FILE} was written")
    if made.copied:
        page.line(
            f"{len(made.copied)} files were copied beside it; the originals are untouched", indent=2
        )
    used = {look.name: look.place for look in proposal.looks}
    rows = [
        (table.name, used.get(table.source, "SQL over the sources"), table.reason)
        for table in proposal.tables
    ]
    page.heading("Taken for tables: guesses, to be confirmed")
    if rows:
        page.table(("table", "from", "why"), rows, "lll")
    else:
        page.line(
            "none: no column looked like a customer's key beside days and amounts. Write sources and "
            "tables into dataset.yml yourself; data/README.md names every table and column.",
            indent=2,
        )
    aside = [(used[name], reason) for name, reason in sorted(proposal.not_used.items())]
    aside += [(item.file, item.reason) for item in proposal.unread]
    if aside:
        page.heading("Left aside")
        page.table(("file", "why"), aside, "ll")
    steps = [
        f"1. open {place}/{SETTINGS_FILE}, look at every guess, fill in what no file tells",
        "2. write `confirmed: yes` in it",
        f"3. make check-data DATASET={place}",
        f"4. make report DATASET={place}",
    ]
    if made.variable:
        file = next(look.file for look in proposal.looks if look.table)
        steps.insert(0, f"0. export {made.variable}=sqlite:///{place}/{file}")
    page.heading("Next")
    for step in steps:
        page.line(step, indent=2)
    page.write()


def main() -> int:
    """Make the data set that NAME and FROM name; give the exit status."""
    return run_command(_make, message("nothing was written"))


def _make() -> int:
    _say(new_dataset(parameter("NAME"), parameter("FROM"), PROJECT_ROOT / "data"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
