"""`manifest.json` and `numbers.json`: what a report is made of, and what it says.

Neither holds a clock, a path, a name of a user or a machine, or an address: the same data,
settings, code and versions give the same bytes anywhere on the same platform.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.intake.fingerprint import cached_digests
from analysis.intake.settings import Settings
from analysis.intake.table_digests import tables_of
from analysis.paths import PROJECT_ROOT
from analysis.presentation.output import json_ready
from analysis.reporting.key import BOUND_DOCUMENTS, Run, digest_of
from analysis.reporting.layout import current_layout

if TYPE_CHECKING:
    from analysis.reporting.sections import Section

MANIFEST_FILE, NUMBERS_FILE, PAGE_FILE = "manifest.json", "numbers.json", "index.html"
# Printed from the page when wanted: a copy of it for paper, no part of what is built.
PDF_FILE = "report.pdf"
LOCK_FILE = "requirements.lock"
CODE_ROOT = "src/analysis"
SHORT_DIGEST = 16
HIDDEN_SETTINGS = ("sql", "rows")
DIGESTED = "sha256:"


def json_bytes(content: object) -> bytes:
    """JSON as it is published: keys in order, floats at nine significant digits, UTF-8."""
    ready = json_ready(content)
    return (json.dumps(ready, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def digest_of_bytes(content: bytes) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()


def _pruned(tree: Any) -> Any:
    """A tree without what says nothing: empty texts and lists."""
    if isinstance(tree, dict):
        pruned = {key: _pruned(item) for key, item in tree.items()}
        return {key: item for key, item in pruned.items() if item not in ("", None, [])}
    if isinstance(tree, list):
        return [_pruned(item) for item in tree]
    return tree


def describe_settings(settings: Settings) -> dict[str, Any]:
    """The checked settings as a tree in the words of `dataset.yml`, defaults included.

    SQL and rows written into `dataset.yml` can hold ids: of them only the digest is given. An
    address of a database is not among the settings, only the name of its variable.
    """
    tree = settings.model_dump(mode="json", by_alias=True, exclude={"sources", "tables"})
    if not settings.economics.margin_declared:
        del tree["economics"]["gross_margin"]
    # What a source leaves open it takes from the data set: only what it says itself is shown.
    part = settings.model_dump(
        mode="json", by_alias=True, exclude_unset=True, include={"sources", "tables"}
    )
    for table in part.get("tables", {}).values():
        for key in HIDDEN_SETTINGS:
            if table.get(key):
                table[key] = DIGESTED + digest_of(table[key])
    described: dict[str, Any] = _pruned({**tree, **part})
    return described


def digest_code(cache: Path) -> dict[str, str]:
    """Digest of every file of the package and of the documents bound in, by path in the project."""
    root = PROJECT_ROOT / CODE_ROOT
    files = sorted(
        path
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    )
    files += [PROJECT_ROOT / name for name in BOUND_DOCUMENTS if (PROJECT_ROOT / name).is_file()]
    digests = cached_digests(files, cache)
    return {
        path.relative_to(PROJECT_ROOT).as_posix(): digest[:SHORT_DIGEST]
        for path, digest in digests.items()
    }


def digest_lock() -> str:
    """Digest of the locked versions; empty where there is no lock."""
    path = PROJECT_ROOT / LOCK_FILE
    return digest_of_bytes(path.read_bytes()) if path.is_file() else ""


def library_versions() -> dict[str, str]:
    """Versions of the libraries that the product itself asks for, as they are installed."""
    names = sorted(
        re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0]
        for line in requires("clientele") or []
        if "extra ==" not in line
    )
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


def make_manifest(
    run: Run, sources: dict[str, str], digest: str, lists: dict[str, bytes]
) -> dict[str, Any]:
    """What the report was made of, as digests and versions; `files` is added when all are made.

    sources: digest of each notebook's cells. lists: lists of customers by name, of which only the
    digests are kept.
    """
    return {
        "digest": digest,
        "dataset": run.folder.name,
        "parameters": {**run.parameters, "dataset": run.folder.name},
        "inputs": run.inputs,
        "tables": tables_of(run.prepared, run.settings),
        "settings": describe_settings(run.settings),
        "notebooks": sources,
        "code": digest_code(current_layout().build / "fingerprints.json"),
        "lock": digest_lock(),
        "clientele": version("clientele"),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "libraries": library_versions(),
        "lists": {name: digest_of_bytes(lists[name]) for name in sorted(lists)},
    }


def collect_numbers(
    run: Run, sections: list[Section], digest: str, decisions: list[dict[str, str]]
) -> dict[str, Any]:
    """`numbers.json`: every published number with the notebook and the cell that made it.

    metrics, findings: each with `section`, `notebook`, `cell`. estimates: by section and table;
    `origins` has the notebook and the cell of each table. decisions: those of the last review,
    with what the data say now.
    """
    return {
        "company": run.settings.company,
        "currency": run.settings.currency,
        "dataset": run.folder.name,
        "period": run.period.label,
        "as_of": str(run.period.last_day if run.settings.covers else run.settings.last_day),
        "segment": run.segment.label if run.segment else "",
        "disclosure": run.settings.disclosure,
        "metrics": [metric for section in sections for metric in section.metrics],
        "findings": [finding for section in sections for finding in section.findings],
        "estimates": {s.id: s.estimates for s in sections if s.estimates},
        "origins": {s.id: s.origins for s in sections if s.origins},
        "decisions": decisions,
        "not_available": {s.id: s.needs for s in sections if s.needs},
        "provenance": {"digest": digest},
    }
