"""The first stage of a build: validate once, write tables and frames as Parquet under `build/`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import DataError
from analysis.intake.disclosure_family import write_family
from analysis.intake.fingerprint import fingerprint_code, fingerprint_files
from analysis.intake.notes import Note
from analysis.intake.periods import Period
from analysis.intake.settings import Settings

if TYPE_CHECKING:
    import duckdb

FRAMES = ("lifetimes", "intervals", "customer_periods", "landmarks", "landmark_periods")
NOTES_FILE = "notes.json"
# Written once and read by seven notebooks: what a higher level saves in space it costs in time.
COMPRESSION = "COMPRESSION zstd, COMPRESSION_LEVEL 1"
# A year of months and some segments' worth of work in JupyterLab.
KEPT_FOLDERS = 24
CODE_THAT_PREPARES = ("", "intake")


def prepared_key(settings: Settings, folder: Path, period: Period, build: Path) -> str:
    """Digest of all that the prepared tables depend on: data, settings, intake code, period."""
    cache = build / "fingerprints.json"
    parts = {
        "files": fingerprint_files(settings, folder, cache),
        "code": fingerprint_code(CODE_THAT_PREPARES, cache),
        "period": period.label,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def prepare(
    settings: Settings,
    folder: Path,
    period: Period,
    build: Path,
    before: Callable[[], object] | None = None,
) -> Path:
    """Give the folder with canonical tables and frames as of the period's end; make it if needed.

    before: called first where it has to be made.
    Written beside and renamed, so a folder that is there is whole. Raises DataError,
    SettingsError.
    """
    try:
        key = prepared_key(settings, folder, period, build)
    except DataError:
        # A file is missing. The others are read all the same: everything wrong is said at once.
        say_all_problems(settings, folder)
        raise
    target = build / "prepared" / f"{folder.name}-{key}"
    if target.is_dir():
        return target
    if before is not None:
        before()
    scratch = target.with_name(f"{target.name}.{os.getpid()}.part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        notes = _write(settings, folder, period, scratch)
        write_family(scratch, settings.covariates)
        records = [asdict(note) for note in notes]
        text = json.dumps(records, ensure_ascii=False, indent=1)
        (scratch / NOTES_FILE).write_text(text, encoding="utf-8")
        _rename(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    _clear_old(target.parent)
    return target


def _clear_old(parent: Path) -> None:
    """Remove what killed builds left, and all but the newest prepared folders."""
    folders = [path for path in parent.iterdir() if path.is_dir()]
    for path in folders:
        if path.suffix == ".part" and not _is_running(path.name.split(".")[-2]):
            shutil.rmtree(path, ignore_errors=True)
    whole = sorted(
        (path for path in folders if path.suffix != ".part"),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    for path in whole[KEPT_FOLDERS:]:
        shutil.rmtree(path, ignore_errors=True)


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def say_all_problems(settings: Settings, folder: Path) -> None:
    """Read every source for what is wrong with it. Raises DataError with all there is to say."""
    from analysis.intake.engine import open_engine
    from analysis.intake.load import load_tables

    with open_engine() as connection:
        load_tables(settings, folder, connection)


def _rename(scratch: Path, target: Path) -> None:
    try:
        scratch.rename(target)
    except OSError:
        # Another process prepared the same content at the same time; either copy will do.
        if not target.is_dir():
            raise


def _write(settings: Settings, folder: Path, period: Period, scratch: Path) -> list[Note]:
    from analysis.intake.engine import open_engine
    from analysis.intake.load import load_tables

    day = period.last_day if settings.covers else settings.last_day
    with open_engine(scratch) as connection:
        loaded = load_tables(settings, folder, connection, as_of=day, writable=scratch)
        return [*loaded.notes, *write_loaded(connection, loaded.tables, settings, period, scratch)]


def write_loaded(
    connection: duckdb.DuckDBPyConnection,
    tables: tuple[str, ...],
    settings: Settings,
    period: Period,
    scratch: Path,
) -> list[Note]:
    """Cut loaded tables, find what is doubtful in them, and write them and the frames as Parquet."""
    from analysis.intake.as_of import cut_tables
    from analysis.intake.doubts import find_doubts
    from analysis.intake.frames import (
        build_answers,
        build_answers_exist,
        build_customer_periods,
        build_intervals,
        build_lifetimes,
    )
    from analysis.intake.landmarks import build_landmark_periods, build_landmarks

    day = period.last_day if settings.covers else settings.last_day
    notes = [*cut_tables(connection, tables, settings, day)]
    notes += find_doubts(connection, tables, settings, period)
    notes += _margin_note(connection, tables, settings)
    notes += build_lifetimes(connection, settings, day)
    made = {str(row[0]) for row in connection.execute("SHOW TABLES").fetchall()}
    if "lifetimes" in made:
        if build_answers(connection) and settings.covers is not None:
            build_intervals(connection, settings)
            build_landmarks(connection)
        has_money = build_customer_periods(connection, settings, period)
        if has_money and settings.covers is not None and build_answers_exist(connection):
            build_landmark_periods(connection)
    made = {str(row[0]) for row in connection.execute("SHOW TABLES").fetchall()}
    wanted = {f"as_of_{name}": name for name in tables}
    wanted |= {name: f"frame_{name}" for name in FRAMES if name in made}
    for source, name in sorted(wanted.items()):
        target = str(scratch / f"{name}.parquet").replace("'", "''")
        connection.execute(f"COPY {source} TO '{target}' (FORMAT parquet, {COMPRESSION})")
    return notes


def _margin_note(
    connection: duckdb.DuckDBPyConnection, tables: tuple[str, ...], settings: Settings
) -> list[Note]:
    if settings.economics.margin_declared:
        return []
    for name in ("transactions", "periods"):
        if name in tables:
            rows = connection.execute(f"SELECT * FROM as_of_{name} LIMIT 0").description
            if "margin" not in [column[0] for column in rows or []]:
                message = "no gross_margin declared: margin equals revenue; write economics"
                return [Note("warning", message, name, "margin")]
    return []


def read_notes(prepared: Path) -> tuple[Note, ...]:
    """The notes that `prepare` left."""
    records = json.loads((prepared / NOTES_FILE).read_text(encoding="utf-8"))
    return tuple(Note(**{**record, "examples": tuple(record["examples"])}) for record in records)
