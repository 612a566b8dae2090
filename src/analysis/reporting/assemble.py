"""Bind executed notebooks into one self-contained page, its numbers and its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from analysis.reporting.key import Run
from analysis.reporting.manifest import (
    MANIFEST_FILE,
    NUMBERS_FILE,
    PAGE_FILE,
    collect_numbers,
    digest_of_bytes,
    json_bytes,
    make_manifest,
)
from analysis.reporting.report_page import decisions_of, render_page
from analysis.reporting.sections import Section, read_section

NOTHING_READ: Mapping[str, Section] = MappingProxyType({})


def assemble(
    run: Run,
    executed: dict[str, dict[str, Any]],
    sources: dict[str, str],
    digest: str,
    lists: dict[str, bytes],
    read: Mapping[str, Section] = NOTHING_READ,
) -> dict[str, bytes]:
    """All files of a report by name, from the executed notebooks and their lists of customers.

    read: sections of them that were read before, by the notebook's stem.
    """
    sections = [read.get(stem) or read_section(stem, executed[stem]) for stem in executed]
    for section in sections:
        section.folded = section.folded and section.id not in run.settings.open_sections
    manifest = make_manifest(run, sources, digest, lists)
    findings = [finding for section in sections for finding in section.findings]
    decisions = decisions_of(run, findings)
    files = {NUMBERS_FILE: json_bytes(collect_numbers(run, sections, digest, decisions))}
    files[PAGE_FILE] = render_page(run, sections, manifest).encode()
    manifest["files"] = {name: digest_of_bytes(content) for name, content in files.items()}
    return {
        **files,
        MANIFEST_FILE: json_bytes(manifest),
        **{f"lists/{name}": content for name, content in lists.items()},
    }
