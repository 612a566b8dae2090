"""Names of tables and columns, whatever characters they hold."""

from __future__ import annotations

from collections import Counter

from analysis.intake.reading.refusals import refuse

ROW_NUMBER = "_row"


def quoted(identifier: str) -> str:
    """An SQL identifier, whatever characters it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def refuse_doubled(header: list[str], file: str) -> None:
    """Raise DataError where two columns bear one name, or one bears the name of the row's number.

    The engine does not tell "ID" from "id".
    """
    seen = Counter(name.lower() for name in header)
    doubled = sorted({name for name in header if seen[name.lower()] > 1})
    if doubled:
        raise refuse(
            file,
            "columns stand twice in the header: "
            + ", ".join(name[:60] for name in doubled[:20])
            + "; give each a name of its own (capitals do not count)",
        )
    if ROW_NUMBER in seen:
        raise refuse(file, "the name _row is taken by the row's number; rename the column")
