"""Plain tables for a terminal: at most 100 columns, wide letters aligned, colour only on a terminal."""

from __future__ import annotations

import io
import os
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import TextIO

WIDEST = 100


def harmless(text: object) -> str:
    """A text without anything that a terminal would obey: control codes become a mark."""
    return "".join(
        "\ufffd" if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co") else letter
        for letter in str(text).replace("\n", " ").replace("\t", " ")
    )


class Page:
    """Text that is written at once, at the width of the terminal or 100 columns when piped."""

    def __init__(self, stream: TextIO | None = None) -> None:
        from rich.console import Console

        stream = stream or sys.stdout
        on_terminal = stream.isatty() and not os.environ.get("NO_COLOR")
        width = shutil.get_terminal_size((WIDEST, 24)).columns if stream.isatty() else WIDEST
        self._stream = stream
        self._written = io.StringIO()
        self._console = Console(
            file=self._written,
            width=max(40, min(WIDEST, width)),
            force_terminal=on_terminal,
            color_system="standard" if on_terminal else None,
            highlight=False,
            markup=False,
            emoji=False,
            legacy_windows=False,
        )

    def heading(self, text: str) -> None:
        """A line that opens a part."""
        self._print("")
        self._print(text, "bold")

    def line(self, text: str = "", indent: int = 0) -> None:
        """A sentence, wrapped between words."""
        self._print(text, indent=indent)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]], right: str) -> None:
        """Rows under a header; `right` holds an r for every column of numbers, else an l."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
        for name, side in zip(header, right, strict=True):
            table.add_column(
                Text(name),
                justify="right" if side == "r" else "left",
                overflow="fold",
                no_wrap=side == "r",
            )
        for row in rows:
            table.add_row(*(Text(harmless(cell)) for cell in row))
        self._print(table, indent=2)

    def pairs(self, rows: Sequence[tuple[object, object]]) -> None:
        """Names and what is to be said of each, the latter wrapped beside the former."""
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for name, text in rows:
            grid.add_row(Text(harmless(name)), Text(harmless(text)))
        self._print(grid, indent=2)

    def _print(self, content: object, style: str = "", indent: int = 0) -> None:
        from rich.padding import Padding
        from rich.text import Text

        shown = Text(harmless(content)) if isinstance(content, str) else content
        self._console.print(Padding(shown, (0, 0, 0, indent)), style=style or None)  # type: ignore[arg-type]

    def write(self) -> None:
        """Hand everything over, without spaces at the ends of lines."""
        lines = [line.rstrip() for line in self._written.getvalue().splitlines()]
        content = "\n".join(lines).strip("\n") + "\n"
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        # A terminal that knows no arrows or Cyrillic shows marks instead of failing.
        self._stream.write(content.encode(encoding, "replace").decode(encoding))
        self._stream.flush()
