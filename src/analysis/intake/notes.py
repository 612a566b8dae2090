"""What intake mended, doubted or left as exported: the report's data section lists it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Note:
    """One remark on the data.

    kind: "repair" (mended and counted), "warning" (the reader should know) or "info".
    table, column: canonical names, empty where they do not apply. count: rows concerned.
    examples: some of them, for who checks the data at a terminal; no report shows them.
    """

    kind: Literal["repair", "warning", "info"]
    message: str
    table: str = ""
    column: str = ""
    count: int = 0
    examples: tuple[str, ...] = field(default=(), repr=False)
