"""Lists of customers for those who act on them: files beside the report, never outputs.

A list is written only where a build names a folder for it. What the notebook shows, and keeps, is
the file's name and digest.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.presentation import output
from analysis.presentation.wording import message

if TYPE_CHECKING:
    import pandas as pd

LIST_MIME = "application/vnd.clientele.list+json"
FOLDER_VARIABLE = "CLIENTELE_LISTS_FOLDER"
# Spreadsheets run a cell that begins with one of these as a formula.
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def neutralised(value: object) -> object:
    """A text that a spreadsheet shows instead of running it; anything else as it is."""
    if isinstance(value, str) and value.startswith(STARTS_A_FORMULA):
        return "'" + value
    return value


def list_bytes(rows: pd.DataFrame) -> bytes:
    """A list as CSV in UTF-8 with a byte order mark, so that spreadsheets read Cyrillic."""
    safe = rows.rename(columns=neutralised).map(neutralised)
    return safe.to_csv(index=False, lineterminator="\n", float_format="%.4f").encode("utf-8-sig")


def write_list(rows: pd.DataFrame, name: str) -> None:
    """Write `lists/<name>.csv` of the report that is being built, and say where it is.

    Outside a build nothing is written: an analyst has the frame itself.
    """
    content = list_bytes(rows)
    file = f"{name}.csv"
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / file).write_bytes(content)
    said = message(
        "The list itself, customer by customer, goes to lists/{file} beside the report; it is not in this page.",
        file=file,
    )
    output.publish_output(
        {
            LIST_MIME: {"file": file, "sha256": hashlib.sha256(content).hexdigest()},
            "text/html": f'<p class="note">{said}</p>',
            "text/plain": said,
        }
    )
