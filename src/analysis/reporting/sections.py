"""Executed notebooks as sections of the report: prose, code, outputs, what they hand over."""

from __future__ import annotations

import ast
import base64
import json
import re
from dataclasses import dataclass, field
from html import escape, unescape
from pathlib import PurePath
from typing import Any

from analysis.presentation.output import ESTIMATES_MIME, FINDING_MIME, METRICS_MIME
from analysis.presentation.wording import message
from analysis.reporting.anchors import Names, cell_name, link_numbers, place_of, section_id
from analysis.reporting.finding_words import headline, label_explained, money_in_words
from analysis.reporting.page import keep_signs
from analysis.reporting.table_files import offer_files

PARAMETERS, INJECTED = "parameters", "injected-parameters"
METHOD = re.compile(r"##\s+Method\b")


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
    findings, metrics, estimates: what it hands over to the first screen. origins: notebook and
    cell of each table of estimates; findings and metrics carry their own.
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
    origins: dict[str, dict[str, str]] = field(default_factory=dict)


def render_markdown(text: str, names: Names | None = None) -> str:
    """Markdown as HTML, raw HTML escaped, headings one level down so that the page has one H1.

    names: gives each heading a place of its own; without it headings have none.
    """
    import mistune

    renderer = mistune.create_markdown(escape=True, plugins=["table"])
    html = str(renderer(text))

    def lower(match: re.Match[str]) -> str:
        level, inner = min(int(match.group(1)) + 1, 6), match.group(2)
        said = unescape(re.sub(r"<[^>]*>", "", inner))
        place = f' id="{escape(names.name(said, "part"))}"' if names else ""
        return f"<h{level}{place}>{inner}</h{level}>"

    html = re.sub(r"<h([1-6])>(.*?)</h\1>", lower, html, flags=re.DOTALL)
    html = html.replace("<pre>", '<pre tabindex="0">')
    # A wide table scrolls within its frame instead of widening the page of a phone.
    return html.replace("<table>", '<div class="table"><table>').replace(
        "</table>", "</table></div>"
    )


def render_code(source: str, place: str = "") -> str:
    """Python source with classes for colours, at a place of its own."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    body = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
    named = f' id="{escape(place)}"' if place else ""
    return f'<pre class="code"{named} tabindex="0"><code>{body}</code></pre>'


def used_parameters(source: str) -> str:
    """The parameters that a notebook ran with, as code; the data set by its folder's name alone.

    source: of the cell that was put in; only its assignments of literals are taken.
    """
    lines = []
    for statement in ast.parse(source).body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Constant):
            continue
        value, target = statement.value.value, statement.targets[0]
        name = target.id if isinstance(target, ast.Name) else ""
        if name == "dataset":
            value = PurePath(str(value)).name
        lines.append(f"{name} = {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines)


def fold_method(html: str) -> str:
    """The prose of a method with all behind its heading and equation folded away."""
    head, end, rest = html.partition("</pre>")
    if not end:
        head, end, rest = html.partition("</h3>")
    if not rest.strip():
        return html
    summary = escape(message("How it is compared, and what that rests on"))
    return f'{head}{end}<details class="depth"><summary>{summary}</summary>{rest}</details>'


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def render_output(output: dict[str, Any], place: str, names: Names) -> str:
    """An output of the cell at `place` as HTML.

    Figures are images with their alternative text; numbers in sentences lead to the cell; every
    table leads to itself as a file.
    """
    data = output.get("data", {})
    if "image/svg+xml" in data:
        svg = _text(data["image/svg+xml"])
        alt = output.get("metadata", {}).get("image/svg+xml", {}).get("alt", "")
        coded = base64.b64encode(svg.encode()).decode()
        return (
            f'<figure id="{escape(names.name("", "figure"))}"><img alt="{escape(alt, quote=True)}" '
            f'src="data:image/svg+xml;base64,{coded}"></figure>'
        )
    if FINDING_MIME in data:
        return link_numbers(render_finding(data[FINDING_MIME]), place)
    if "text/html" in data:
        return offer_files(link_numbers(_text(data["text/html"]), place), names)
    if "text/plain" in data:
        return f'<pre tabindex="0">{escape(_text(data["text/plain"]))}</pre>'
    return ""


def render_finding(finding: dict[str, Any]) -> str:
    """A finding where it is argued: its label in plain words, the sentence, its worth."""
    label = str(finding["label"])
    money = money_in_words(finding)
    head, rest = headline(str(finding["sentence"]))
    # Where the sentence says what it is worth, saying it again beneath would only be longer.
    said = not money or money in finding["sentence"]
    worth = "" if said else message("Worth over the horizon: {money}.", money=money)
    lines = [
        f'<p class="finding-label"><span class="label label-{escape(label)}">{escape(message(label))}</span>'
        f" {escape(label_explained(label))}</p>",
        f'<p class="finding-sentence">{escape(keep_signs(head))}</p>',
        f"<p>{escape(keep_signs(rest))}</p>" if rest else "",
        f'<p class="assumption">{escape(keep_signs(" ".join(filter(None, (worth, finding["assumption"])))))}</p>',
    ]
    return f'<div class="finding" id="finding-{escape(str(finding["id"]))}">{"".join(lines)}</div>'


def _tags(cell: dict[str, Any]) -> set[str]:
    return set(cell.get("metadata", {}).get("tags", []))


def read_section(stem: str, notebook: dict[str, Any]) -> Section:
    """Turn an executed notebook into a section."""
    first = _text(notebook["cells"][0]["source"])
    heading, _, rest = first.partition("\n")
    section = Section(id=section_id(stem), title=heading.lstrip("# ").strip())
    section.lead = render_markdown(rest.strip()) if rest.strip() else ""
    # A notebook whose very first cell is tagged as appendix stands as one.
    section.folded = "appendix" in notebook["cells"][0].get("metadata", {}).get("tags", [])
    missing = notebook.get("metadata", {}).get("clientele", {}).get("not_available", "")
    if missing:
        section.needs = missing
        return section
    injected = [cell for cell in notebook["cells"] if INJECTED in _tags(cell)]
    for cell in notebook["cells"][1:]:
        tags = _tags(cell)
        if INJECTED in tags:
            continue
        target = section.appendix if "appendix" in tags else section.parts
        source = _text(cell["source"])
        if PARAMETERS in tags and injected:
            source = used_parameters(_text(injected[0]["source"]))
        where = {"section": section.id, "cell": cell_name(cell)}
        place = place_of(where)
        names = Names(place)
        if cell["cell_type"] == "markdown":
            prose = offer_files(render_markdown(source, names), names)
            target.append(Part("prose", fold_method(prose) if METHOD.match(source) else prose))
            continue
        if cell["cell_type"] != "code" or not source.strip():
            continue
        if target and target[-1].kind == "code":
            target[-1] = Part("code", target[-1].html + render_code(source, place))
        else:
            target.append(Part("code", render_code(source, place)))
        origin = {"notebook": f"{stem}.ipynb", "cell": where["cell"]}
        for output in cell.get("outputs", []):
            _collect(section, output.get("data", {}), origin)
            html = render_output(output, place, names)
            if html:
                target.append(Part("output", html))
    return section


def _collect(section: Section, data: dict[str, Any], origin: dict[str, str]) -> None:
    """Take what an output hands over, with the notebook and the cell that made it."""
    where = {"section": section.id, **origin}
    if FINDING_MIME in data:
        section.findings.append({**data[FINDING_MIME], **where})
    if METRICS_MIME in data:
        section.metrics += [{**metric, **where} for metric in data[METRICS_MIME]["metrics"]]
    if ESTIMATES_MIME in data:
        content = data[ESTIMATES_MIME]
        section.estimates[content["id"]] = content["estimates"]
        section.origins[content["id"]] = origin
