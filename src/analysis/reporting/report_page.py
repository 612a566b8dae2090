"""The report as one page: sections, first screen and provenance put into the template."""

from __future__ import annotations

from typing import Any

from analysis.intake.prepared import read_notes
from analysis.paths import PROJECT_ROOT
from analysis.presentation.wording import message
from analysis.reporting.anchors import Names, place_of
from analysis.reporting.answers import became_of, five_answers
from analysis.reporting.finding_words import PROVEN
from analysis.reporting.first_screen import (
    finding_lines,
    make_tiles,
    scale_of,
)
from analysis.reporting.key import BOUND_DOCUMENTS, Run
from analysis.reporting.page import page_environment
from analysis.reporting.sections import Section, render_markdown
from analysis.reporting.table_files import offer_files


def document_as_html(name: str, place: str) -> str:
    """A document of the project without its title; its headings and tables named after `place`."""
    path = PROJECT_ROOT / name
    if not path.is_file():
        return ""
    _, _, body = path.read_text(encoding="utf-8").partition("\n")
    names = Names(place)
    return offer_files(render_markdown(body, names), names)


def decisions_of(run: Run, findings: list[dict[str, Any]]) -> list[dict[str, str]]:
    """What the last review decided, beside what the finding says now and where that comes from."""
    path = run.prepared / "decisions.parquet"
    if not path.is_file():
        return []
    import pandas as pd

    found = {finding["id"]: finding for finding in findings}
    table = pd.read_parquet(path).astype(object)
    columns = ("finding_id", "decided_on", "action", "owner_role", "due_on", "status")
    rows = []
    for record in table.to_dict("records"):
        row = {name: str(record.get(name) or "") for name in columns}
        finding = found.get(row["finding_id"])
        row["now"] = became_of(finding) if finding else message("not among this period's findings")
        row["place"] = place_of(finding) if finding else ""
        rows.append(row)
    return rows


def render_page(run: Run, sections: list[Section], manifest: dict[str, Any]) -> str:
    """The report as one HTML page that loads nothing."""
    metrics = [metric for section in sections for metric in section.metrics]
    findings = [finding for section in sections for finding in section.findings]
    tiles = make_tiles(metrics, run.period)
    horizon_months = run.settings.economics.horizon_months
    scale = scale_of([f for f in findings if f["label"] != "description"])
    page = (
        page_environment()
        .get_template("report.html.j2")
        .render(
            run=run,
            as_of=run.period.last_day if run.settings.covers else run.settings.last_day,
            sections=sections,
            tiles=tiles,
            answers=five_answers(sections, tiles, horizon_months),
            horizon_months=horizon_months,
            proven=finding_lines(findings, PROVEN, scale),
            worth_testing=finding_lines(findings, ("association",), scale),
            notes=read_notes(run.prepared),
            assumptions=document_as_html(BOUND_DOCUMENTS[0], "assumptions"),
            glossary=document_as_html(BOUND_DOCUMENTS[1], "glossary"),
            manifest=manifest,
            decisions=decisions_of(run, findings),
        )
    )
    return page + "\n"
