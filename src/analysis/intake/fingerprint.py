"""What a data set is made of, as digests: the same content gives the same fingerprint."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from analysis.errors import DataError, Problem
from analysis.intake.settings import Settings, Source
from analysis.intake.suggestions import did_you_mean
from analysis.paths import PROJECT_ROOT, SETTINGS_FILE


def source_files(name: str, source: Source, folder: Path) -> list[Path]:
    """The files that a source's name or glob stands for, sorted.

    Raises DataError if there are none, or if the path leaves the data set's folder.
    """
    pattern = source.file
    inside = not Path(pattern).is_absolute() and ".." not in Path(pattern).parts
    files = sorted(path for path in folder.glob(pattern) if path.is_file()) if inside else []
    if inside and all(folder.resolve() in path.resolve().parents for path in files) and files:
        return files
    if not inside or files:
        raise DataError(
            [Problem(f"sources.{name}: the file has to lie in the data set's folder", file=pattern)]
        )
    there = [path.name for path in folder.iterdir() if path.is_file()]
    hint = did_you_mean(pattern, there)
    raise DataError([Problem(f"sources.{name}: there is no such file; {hint}", file=pattern)])


def digest_of_file(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def cached_digests(files: list[Path], cache: Path) -> dict[Path, str]:
    """Digest files, trusting path, size and time of change for those seen before."""
    try:
        known = json.loads(cache.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    digests, fresh = {}, False
    for path in files:
        status = path.stat()
        state = [status.st_size, status.st_mtime_ns, status.st_ino]
        entry = known.get(str(path))
        if entry is None or entry[:3] != state:
            entry, fresh = [*state, digest_of_file(path)], True
            known[str(path)] = entry
        digests[path] = entry[3]
    if fresh:
        cache.parent.mkdir(parents=True, exist_ok=True)
        scratch = cache.with_name(f"{cache.name}.{os.getpid()}")
        scratch.write_text(json.dumps(known), encoding="utf-8")
        scratch.replace(cache)
    return digests


def fingerprint_files(settings: Settings, folder: Path, cache: Path) -> dict[str, str]:
    """Digest `dataset.yml`, every file that the sources name, and every database table.

    By path within the folder, tables as "database/<source>".
    """
    from analysis.intake.reading.database import database_digests

    files = [folder / SETTINGS_FILE]
    for name, source in settings.sources.items():
        if source.file:
            files += source_files(name, source, folder)
    digests = cached_digests(files, cache)
    named = {path.relative_to(folder).as_posix(): digest for path, digest in digests.items()}
    return named | database_digests(settings)


def fingerprint_code(packages: tuple[str, ...], cache: Path) -> str:
    """Digest the source of the named packages of `analysis`, and the locked versions."""
    root = PROJECT_ROOT / "src" / "analysis"
    files = [
        path
        for package in packages
        for path in (sorted((root / package).rglob("*")) if package else sorted(root.glob("*.py")))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    lock = PROJECT_ROOT / "requirements.lock"
    digests = cached_digests([*files, *([lock] if lock.is_file() else [])], cache)
    lines = [f"{p.relative_to(PROJECT_ROOT).as_posix()} {d}" for p, d in digests.items()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
