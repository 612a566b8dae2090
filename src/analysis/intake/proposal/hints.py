"""What may be behind a data set's problems: lines of its files that are no rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from analysis.intake.proposal.looking import Look, look_at_folder
from analysis.intake.proposal.rows_apart import without_other_lines
from analysis.intake.proposal.sql_text import rows_kept
from analysis.intake.settings import Settings, Source


def hints_for(settings: Settings, folder: Path) -> tuple[str, ...]:
    """For every source whose file has a title above its header or totals: what to write."""
    looks, _ = look_at_folder(folder)
    hints: list[str] = []
    for name, source in settings.sources.items():
        look = next((look for look in looks if _is_of(look, source)), None)
        if look is None:
            continue
        skipped = settings.reading_of(source).skip_lines
        if look.skip_lines != skipped:
            hints.append(
                f"{look.place}: its header seems to stand in line {look.skip_lines + 1}; write sources."
                f"{name}.reading: {{skip_lines: {look.skip_lines}}}"
            )
        hints += _totals(name, look, settings)
    return tuple(hints)


def _is_of(look: Look, source: Source) -> bool:
    # Without a sheet the first one is read, which is the first that was looked at.
    return bool(source.file) and look.file == source.file and source.sheet in ("", look.sheet)


def _totals(name: str, look: Look, settings: Settings) -> list[str]:
    sifted = without_other_lines(look)
    read_by = [
        table
        for table, declared in settings.tables.items()
        if not declared.sql and not declared.rows and (declared.source or table) == name
    ]
    if not sifted.kept or not read_by:
        return []
    what = "; ".join(sifted.remarks[len(look.remarks) :])
    query = " ".join(rows_kept(replace(sifted, name=name)).split("\n"))
    return [
        f"{look.place}: {what}. To leave it out write under tables.{table}: source: with sql: {query}"
        for table in read_by
    ]
