"""Bind executed notebooks into one self-contained page, its numbers and its manifest."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from analysis.intake.prepared import read_notes
from analysis.paths import PROJECT_ROOT
from analysis.presentation.output import json_ready
from analysis.presentation.wording import MINUS, message
from analysis.reporting.first_screen import (
    MOST_TILES,
    PROVEN,
    became_of,
    five_answers,
    make_tile,
    money_in_words,
    ordered,
)
from analysis.reporting.key import BOUND_DOCUMENTS, Run
from analysis.reporting.sections import Section, read_section, render_markdown

WORD_JOINER = "\u2060"
TEMPLATE_FOLDER = Path(__file__).parent / "template"
NAMED_LIBRARIES = ("pandas", "numpy", "scipy", "duckdb", "matplotlib", "papermill")


def keep_signs(text: str) -> str:
    """A sentence whose signs stay on the line of their number."""
    return text.replace(MINUS, MINUS + WORD_JOINER).replace("+", "+" + WORD_JOINER)


def label_explained(label: str) -> str:
    """What a label means, for somebody who has never met it."""
    return {
        "experiment": message("chance decided who was treated"),
        "quasi-experiment": message("timing or rules decided, compared under a stated assumption"),
        "association": message("goes together; nobody tried it"),
        "description": message("what is, without comparison"),
    }[label]


def collect_numbers(run: Run, sections: list[Section], digest: str) -> dict[str, Any]:
    """`numbers.json`: every published number by section and name, with its provenance."""
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
        "not_available": {s.id: s.needs for s in sections if s.needs},
        "provenance": {"digest": digest},
    }


def make_manifest(run: Run, sources: dict[str, str], digest: str) -> dict[str, Any]:
    """`manifest.json`: what the report was made of, as digests and versions."""
    return {
        "digest": digest,
        "dataset": run.folder.name,
        "parameters": {**run.parameters, "dataset": run.folder.name},
        "inputs": run.inputs,
        "notebooks": sources,
        "clientele": version("clientele"),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in NAMED_LIBRARIES},
    }


def _json_bytes(content: object) -> bytes:
    return (
        json.dumps(json_ready(content), ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    ).encode()


def _document(name: str) -> str:
    path = PROJECT_ROOT / name
    if not path.is_file():
        return ""
    _, _, body = path.read_text(encoding="utf-8").partition("\n")
    return render_markdown(body)


def render_page(run: Run, sections: list[Section], manifest: dict[str, Any]) -> str:
    """The report as one HTML page that loads nothing."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["_"] = message
    environment.filters["safe_html"] = Markup
    environment.filters["keep"] = keep_signs
    metrics = [metric for section in sections for metric in section.metrics]
    findings = [finding for section in sections for finding in section.findings]
    for finding in findings:
        finding["money_words"] = money_in_words(finding)
        finding["label_explained"] = label_explained(finding["label"])
    page = environment.get_template("report.html.j2").render(
        run=run,
        as_of=run.period.last_day if run.settings.covers else run.settings.last_day,
        style=Markup((TEMPLATE_FOLDER / "report.css").read_text(encoding="utf-8")),
        sections=sections,
        tiles=[tile for tile in map(make_tile, metrics) if tile][:MOST_TILES],
        answers=five_answers(sections, metrics),
        proven=ordered(findings, PROVEN),
        worth_testing=ordered(findings, ("association",)),
        notes=read_notes(run.prepared),
        assumptions=_document(BOUND_DOCUMENTS[0]),
        glossary=_document(BOUND_DOCUMENTS[1]),
        manifest=manifest,
        decisions=_decisions(run, findings),
    )
    return page + "\n"


def _decisions(run: Run, findings: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What the last review decided, beside what the finding says now."""
    path = run.prepared / "decisions.parquet"
    if not path.is_file():
        return []
    import pandas as pd

    said_now = {finding["id"]: became_of(finding) for finding in findings}
    table = pd.read_parquet(path).astype(object)
    columns = ("finding_id", "decided_on", "action", "owner_role", "due_on", "status")
    rows = []
    for record in table.to_dict("records"):
        row = {name: str(record.get(name) or "") for name in columns}
        row["now"] = said_now.get(row["finding_id"], message("not among this period's findings"))
        rows.append(row)
    return rows


def assemble(
    run: Run,
    executed: dict[str, dict[str, Any]],
    sources: dict[str, str],
    digest: str,
    lists: dict[str, bytes],
) -> dict[str, bytes]:
    """All files of a report by name, from the executed notebooks and their lists of customers."""
    sections = [read_section(stem, notebook) for stem, notebook in executed.items()]
    for section in sections:
        section.folded = section.folded and section.id not in run.settings.open_sections
    manifest = make_manifest(run, sources, digest)
    manifest["lists"] = {name: hashlib.sha256(lists[name]).hexdigest() for name in sorted(lists)}
    numbers = collect_numbers(run, sections, digest)
    return {
        "numbers.json": _json_bytes(numbers),
        "manifest.json": _json_bytes(manifest),
        "index.html": render_page(run, sections, manifest).encode(),
        **{f"lists/{name}": content for name, content in lists.items()},
    }
