"""What every page of the product shares: templates that escape, style, script, the page's policy."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.presentation.wording import MINUS, message
from analysis.reporting.anchors import Names, link_numbers_of_text
from analysis.reporting.table_files import offer_files

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATE_FOLDER = Path(__file__).parent / "template"
WORD_JOINER = "\u2060"


def keep_signs(text: str) -> str:
    """A sentence whose signs stay on the line of their number."""
    return text.replace(MINUS, MINUS + WORD_JOINER).replace("+", "+" + WORD_JOINER)


def content_policy(style: str, script: str) -> str:
    """The Content-Security-Policy of a page: this style, this script, pictures within; no more.

    style, script: what stands between the tags, to the byte.
    """

    def source(text: str) -> str:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        return f"'sha256-{digest}'"

    return (
        f"default-src 'none'; img-src data:; style-src {source(style)}; script-src {source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def page_environment() -> Environment:
    """Templates in which everything is escaped and a name that is not there is an error.

    Globals: `_`, `style`, `script`, `policy`. Filters: `safe_html` for HTML of ours, `keep` for
    text whose signs stay with their numbers, `from_cell(place)` for text whose numbers lead to a
    cell, `with_files(name)` for HTML whose tables can be downloaded.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (
        (TEMPLATE_FOLDER / name).read_text(encoding="utf-8") for name in ("report.css", "report.js")
    )
    environment.globals["_"] = message
    environment.globals["style"] = Markup(style)
    environment.globals["script"] = Markup(script)
    environment.globals["policy"] = content_policy(style, script)
    environment.filters["safe_html"] = Markup
    environment.filters["keep"] = keep_signs
    environment.filters["from_cell"] = lambda text, place: Markup(
        link_numbers_of_text(keep_signs(str(text)), place)
    )
    environment.filters["with_files"] = lambda html, name: Markup(
        offer_files(str(html), Names(name))
    )
    return environment
