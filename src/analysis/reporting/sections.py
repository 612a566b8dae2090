"""Executed notebooks as sections of the report: prose, code, outputs, what they hand over."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from html import escape
from typing import Any

from analysis.presentation.output import ESTIMATES_MIME, FINDING_MIME, METRICS_MIME

HIDDEN_TAGS = {"injected-parameters"}


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a section. kind: "prose", "code", "output". html: safe to insert."""

    kind: str
    html: str


@dataclass(slots=True)
class Section:
    """A notebook in the report.

    title: its first heading. lead: the prose under it. folded: it stands as an appendix of the
    report, closed unless asked for. needs: what it would need, where it is not available.
    findings, metrics, estimates: what it hands over to the first screen.
    """

    id: str
    title: str
    lead: str = ""
    folded: bool = False
    needs: str = ""
    parts: list[Part] = field(default_factory=list)
    appendix: list[Part] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    metrics: list[dict[str, Any]] = field(default_factory=list)
    estimates: dict[str, dict[str, Any]] = field(default_factory=dict)


def render_markdown(text: str, lower_headings: int = 1) -> str:
    """Markdown as HTML, raw HTML escaped, headings one level down so that the page has one H1."""
    import mistune

    renderer = mistune.create_markdown(escape=True, plugins=["table"])
    html = str(renderer(text))

    def lower(match: re.Match[str]) -> str:
        level = min(int(match.group(2)) + lower_headings, 6)
        return f"<{match.group(1)}h{level}>"

    html = re.sub(r"<(/?)h([1-6])>", lower, html)
    # A wide table scrolls within its frame instead of widening the page of a phone.
    return html.replace("<table>", '<div class="table"><table>').replace(
        "</table>", "</table></div>"
    )


def render_code(source: str) -> str:
    """Python source with classes for colours."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    body = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
    return f'<pre class="code" tabindex="0"><code>{body}</code></pre>'


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def render_output(output: dict[str, Any]) -> str:
    """An output of a cell as HTML: figures as images with their alternative text."""
    data = output.get("data", {})
    if "image/svg+xml" in data:
        svg = _text(data["image/svg+xml"])
        alt = output.get("metadata", {}).get("image/svg+xml", {}).get("alt", "")
        coded = base64.b64encode(svg.encode()).decode()
        return (
            f'<figure><img alt="{escape(alt, quote=True)}" '
            f'src="data:image/svg+xml;base64,{coded}"></figure>'
        )
    if "text/html" in data:
        return _text(data["text/html"])
    if "text/plain" in data:
        return f"<pre>{escape(_text(data['text/plain']))}</pre>"
    return ""


def read_section(stem: str, notebook: dict[str, Any]) -> Section:
    """Turn an executed notebook into a section."""
    first = _text(notebook["cells"][0]["source"])
    heading, _, rest = first.partition("\n")
    section = Section(id=stem.replace("_", "-"), title=heading.lstrip("# ").strip())
    section.lead = render_markdown(rest.strip()) if rest.strip() else ""
    # A notebook whose very first cell is tagged as appendix stands as one.
    section.folded = "appendix" in notebook["cells"][0].get("metadata", {}).get("tags", [])
    missing = notebook.get("metadata", {}).get("clientele", {}).get("not_available", "")
    if missing:
        section.needs = missing
        return section
    for cell in notebook["cells"][1:]:
        tags = set(cell.get("metadata", {}).get("tags", []))
        if tags & HIDDEN_TAGS:
            continue
        target = section.appendix if "appendix" in tags else section.parts
        source = _text(cell["source"])
        if cell["cell_type"] == "markdown":
            target.append(Part("prose", render_markdown(source)))
            continue
        if cell["cell_type"] != "code" or not source.strip():
            continue
        if target and target[-1].kind == "code":
            target[-1] = Part("code", target[-1].html + render_code(source))
        else:
            target.append(Part("code", render_code(source)))
        for output in cell.get("outputs", []):
            _collect(section, output.get("data", {}))
            html = render_output(output)
            if html:
                target.append(Part("output", html))
    return section


def _collect(section: Section, data: dict[str, Any]) -> None:
    if FINDING_MIME in data:
        section.findings.append({**data[FINDING_MIME], "section": section.id})
    if METRICS_MIME in data:
        section.metrics += data[METRICS_MIME]["metrics"]
    if ESTIMATES_MIME in data:
        content = data[ESTIMATES_MIME]
        section.estimates[content["id"]] = content["estimates"]
