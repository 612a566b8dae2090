"""What can go wrong, in words for the person who has to put it right.

Every error that a user can cause derives from `ClienteleError`; its text is the whole message.
Commands print it without a traceback, and Jupyter shows it the same way.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

UNSEEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
LONGEST_VALUE = 60


def neutralised(text: str) -> str:
    """Text without characters that steer a terminal or hide: escaped, line ends kept."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(
        ascii(mark)[1:-1] if mark != "\n" and unicodedata.category(mark) in UNSEEN else mark
        for mark in text
    )


def shorten(text: str, most: int = LONGEST_VALUE) -> str:
    """The beginning of a text, and how long it is where it is longer than `most` characters."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def shown_value(value: object, most: int = LONGEST_VALUE) -> str:
    """A value from outside as a message shows it: quoted, on one line, cut where it is long."""
    text = str(value)
    cut = f"… ({len(text):,} characters)" if len(text) > most else ""
    return neutralised(repr(text[:most])) + cut


class ClienteleError(Exception):
    """An error whose text tells the user what happened, where, and what to write instead.

    Characters that steer a terminal are escaped, wherever they come from.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(neutralised(message))

    def _render_traceback_(self) -> list[str]:
        """Show only the message in Jupyter: IPython looks this method up by name."""
        return [f"{type(self).__name__}: {self}"]


class ParameterError(ClienteleError):
    """A parameter (dataset, period, segment) has a value that is not among the valid ones."""


class SettingsError(ClienteleError):
    """`dataset.yml` says something that cannot be understood or does not fit the schema."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an export.

    file, table, column: where it stands (empty when it does not apply).
    message: what is wrong and what to write in `dataset.yml`.
    examples: up to five offending rows or values, as text.
    count: how many rows are affected.
    """

    message: str
    file: str = ""
    table: str = ""
    column: str = ""
    examples: tuple[str, ...] = field(default=())
    count: int = 0

    def __str__(self) -> str:
        place = ", ".join(
            part
            for part in (
                self.file,
                f"table {self.table}" if self.table else "",
                f"column {self.column}" if self.column else "",
            )
            if part
        )
        rows = f" ({self.count} rows)" if self.count else ""
        shown = f"\n    for example: {'; '.join(self.examples)}" if self.examples else ""
        return f"{place}: {self.message}{rows}{shown}" if place else f"{self.message}{rows}{shown}"


class DataError(ClienteleError):
    """The exports cannot be used as they are; `problems` lists everything found at once."""

    def __init__(self, problems: tuple[Problem, ...] | list[Problem]) -> None:
        # Sources that share a fault say it once.
        self.problems = tuple(dict.fromkeys(problems))
        number = len(self.problems)
        head = "1 problem in the data" if number == 1 else f"{number} problems in the data"
        super().__init__("\n".join([f"{head}:", *(f"  - {problem}" for problem in self.problems)]))


class NotAvailable(ClienteleError):  # noqa: N818 -- a state of the report, not a failure
    """A notebook's tables or columns are missing: the report says so in its place.

    needs: what would have to be there, in words ("surveys with a score").
    """

    def __init__(self, needs: str) -> None:
        self.needs = needs
        super().__init__(f"not available: needs {needs}")


class BuildError(ClienteleError):
    """The report could not be built; the last good one is untouched."""
