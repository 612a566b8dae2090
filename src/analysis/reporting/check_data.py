"""`make check-data`: the intake alone, and what a data set can bear, for the one who owns it."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from analysis.errors import ClienteleError, DataError, NotAvailable, Problem
from analysis.intake.dataset import Dataset
from analysis.intake.disclosure_family import write_family
from analysis.intake.inventory import TableInventory, inventory_of, inventory_of_folder
from analysis.intake.notes import Note
from analysis.intake.periods import Period, choose_period
from analysis.intake.prepared import prepare, read_notes, write_loaded
from analysis.intake.settings import Settings, load_settings
from analysis.paths import BUILD_FOLDER, NOTEBOOKS_FOLDER, SETTINGS_FILE, find_dataset_folder
from analysis.presentation.wording import message
from analysis.reporting.commands import (
    EXIT_STATUS_OF_ERRORS,
    parameters_of_a_report,
    run_command,
)
from analysis.reporting.notebook_needs import NotebookNeeds, notebook_needs
from analysis.reporting.notebooks import notebook_paths

# How each frame is called where a reader has to give what it is made of.
FRAMES_IN_WORDS = {
    "frame_lifetimes": "starts and ends of customers",
    "frame_intervals": "dated CSAT answers of customers",
    "frame_customer_periods": "spend by period",
    "frame_landmarks": "dated answers of customers",
    "frame_landmark_periods": "spend after an answer",
}
# Either of the two tells what customers spent.
STANDS_IN = {"periods": "transactions", "transactions": "periods"}


@dataclass(frozen=True, slots=True)
class NotebookOutlook:
    """Whether a notebook can be run on the data.

    missing: what it cannot do without, in words, "" if all is there. without: further tables and
    frames that it would use and that are not there, in words.
    """

    name: str
    question: str
    missing: str
    without: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataCheck:
    """Everything `make check-data` says.

    guesses: lines of `dataset.yml` that are still marked as guesses, with their numbers.
    problems: what has to be put right before a report can be built. notes and notebooks are then
    those of what could be read; notebooks are empty where not even that can be worked with.
    hints: what in the files may be behind the problems.
    """

    name: str
    settings: Settings
    period: Period
    tables: tuple[TableInventory, ...]
    notes: tuple[Note, ...]
    notebooks: tuple[NotebookOutlook, ...]
    guesses: tuple[tuple[int, str], ...]
    problems: tuple[Problem, ...] = field(default=())
    hints: tuple[str, ...] = field(default=())


def check_data(
    dataset: str | Path,
    period: str = "",
    build: Path = BUILD_FOLDER,
    notebooks: Path = NOTEBOOKS_FOLDER,
) -> DataCheck:
    """Read, check and prepare a data set, and say what is in it; guesses need not be confirmed.

    Raises ParameterError and SettingsError; what is wrong with the data is in `problems`.
    """
    folder = find_dataset_folder(dataset)
    settings = load_settings(folder)
    chosen = choose_period(period, settings)
    guesses = _guesses(folder / SETTINGS_FILE)
    from analysis.intake.proposal.hints import hints_for

    try:
        prepared = prepare(settings, folder, chosen, build)
    except DataError as error:
        tables, notes, outlooks = _what_can_be_read(settings, folder, chosen, notebooks)
        return DataCheck(
            folder.name, settings, chosen, tables, notes, outlooks, guesses, error.problems,
            hints_for(settings, folder),
        )  # fmt: skip
    data = Dataset(folder.name, settings, chosen, None, read_notes(prepared), prepared)
    outlooks = _outlooks(data, notebooks)
    tables = inventory_of_folder(prepared)
    return DataCheck(folder.name, settings, chosen, tables, data.notes, outlooks, guesses)


def _guesses(path: Path) -> tuple[tuple[int, str], ...]:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    marked = re.compile(r"# (guess|undecided): ")
    return tuple(
        (number, line.strip()) for number, line in enumerate(lines, 1) if marked.search(line)
    )


def _what_can_be_read(
    settings: Settings, folder: Path, period: Period, notebooks: Path
) -> tuple[tuple[TableInventory, ...], tuple[Note, ...], tuple[NotebookOutlook, ...]]:
    """The tables that could be made although others, or some of their values, are wrong.

    With what was mended and doubted in them, and the notebooks that could work on them.
    """
    import duckdb

    from analysis.intake.engine import open_engine
    from analysis.intake.load import load_tables

    notes: list[Note] = []
    day = period.last_day if settings.covers else settings.last_day
    with TemporaryDirectory() as place, open_engine() as connection:
        scratch = Path(place)
        # The problems are known already, from the same call.
        with suppress(ClienteleError):
            load_tables(settings, folder, connection, as_of=day, writable=scratch, known=notes)
        tables = inventory_of(connection)
        names = tuple(table.name for table in tables)
        try:
            notes += write_loaded(connection, names, settings, period, scratch)
            write_family(scratch, settings.covariates)
        except (ClienteleError, duckdb.Error):
            # Half a table may lack what the next step rests on.
            return tables, tuple(notes), ()
        data = Dataset(folder.name, settings, period, None, tuple(notes), scratch)
        return tables, tuple(notes), _outlooks(data, notebooks)


def _outlooks(data: Dataset, notebooks: Path) -> tuple[NotebookOutlook, ...]:
    return tuple(_outlook(notebook_needs(path), data) for path in notebook_paths(notebooks))


def _outlook(needs: NotebookNeeds, data: Dataset) -> NotebookOutlook:
    missing = []
    for requirement in needs.requirements:
        try:
            data.needs(requirement)
        except NotAvailable as error:
            missing.append(error.needs)
    without = tuple(
        FRAMES_IN_WORDS.get(name, name)
        for name in needs.uses
        if not data.has(name) and not data.has(STANDS_IN.get(name, name))
    )
    return NotebookOutlook(needs.name, needs.question, "; and ".join(missing), without)


def main() -> int:
    """Check the data set that DATASET and PERIOD name; give the exit status."""
    dataset, period, _ = parameters_of_a_report()
    return run_command(lambda: _check(dataset, period), message("nothing was changed"))


def _check(dataset: str, period: str) -> int:
    from analysis.reporting.check_data_page import show
    from analysis.reporting.terminal import Page

    build = Path(os.environ.get("CLIENTELE_BUILD_FOLDER", BUILD_FOLDER))
    page = Page()
    check = check_data(dataset, period, build)
    asked = f" PERIOD={period}" if period else ""
    show(check, f"make report DATASET={dataset}{asked}", page)
    page.write()
    return EXIT_STATUS_OF_ERRORS if check.problems else 0


if __name__ == "__main__":
    sys.exit(main())
