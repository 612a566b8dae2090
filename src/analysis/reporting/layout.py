"""Where a build reads and writes; tests point it elsewhere by environment variables."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from analysis.paths import BUILD_FOLDER, NOTEBOOKS_FOLDER, PUBLISHED_FOLDER, REPORTS_FOLDER


@dataclass(frozen=True, slots=True)
class Layout:
    """notebooks: sources. build: intermediate results. reports: what is built last.

    published: what was presented, kept as it was.
    """

    notebooks: Path
    build: Path
    reports: Path
    published: Path = PUBLISHED_FOLDER


def current_layout() -> Layout:
    """The project's folders, or those that CLIENTELE_… variables name."""
    return Layout(
        Path(os.environ.get("CLIENTELE_NOTEBOOKS_FOLDER", NOTEBOOKS_FOLDER)),
        Path(os.environ.get("CLIENTELE_BUILD_FOLDER", BUILD_FOLDER)),
        Path(os.environ.get("CLIENTELE_REPORTS_FOLDER", REPORTS_FOLDER)),
        Path(os.environ.get("CLIENTELE_PUBLISHED_FOLDER", PUBLISHED_FOLDER)),
    )


def slug(text: str) -> str:
    """A name as a folder: ASCII letters and digits with hyphens; never empty, never a path."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    cleaned = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:60]
    return cleaned or "company-" + text.encode().hex()[:12]
