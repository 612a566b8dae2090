"""What a notebook leaves behind for the report: findings, metrics, estimates, figures, tables.

Each `show_` function displays one thing twice over: for the reader (HTML, SVG, Markdown) and,
beside it, for the report's assembly (JSON under a MIME type of its own).
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

from IPython.display import display

from analysis.disclosure import Disclosure
from analysis.methods.estimate import Estimate, Finding, Metric, NotEstimable
from analysis.presentation.published import round_estimate
from analysis.presentation.wording import message

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FINDING_MIME = "application/vnd.clientele.finding+json"
METRICS_MIME = "application/vnd.clientele.metrics+json"
ESTIMATES_MIME = "application/vnd.clientele.estimates+json"

PUBLISHED_SIGNIFICANT_DIGITS = 9


def json_ready(value: Any) -> Any:
    """Turn results into JSON: floats at nine significant digits, not-a-number as null."""
    if is_dataclass(value) and not isinstance(value, type):
        ready = {f.name: json_ready(getattr(value, f.name)) for f in fields(value)}
        return {"not_estimable": value.reason} if isinstance(value, NotEstimable) else ready
    if isinstance(value, Mapping):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_ready(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return float(f"{value:.{PUBLISHED_SIGNIFICANT_DIGITS}g}") + 0.0
    return value


def disclosed(value: Any, disclosure: Disclosure | None) -> Any:
    """Results as they may be published: in steps, estimates on fewer than eight withheld.

    None stands for results whose maker has rounded them or, where disclosure is off, has not: their
    values stay as the text has them, and only bases are seen to.
    """
    if isinstance(value, Estimate):
        rules = disclosure or Disclosure()
        if rules.suppressed(value.n):
            return NotEstimable(message("Withheld: it rests on fewer than eight customers."))
        if disclosure is None:
            return replace(value, n=rules.count(value.n) or 0)
        return round_estimate(value, disclosure)
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: disclosed(getattr(value, f.name), disclosure) for f in fields(value)}
        return replace(value, **parts)
    if isinstance(value, Mapping):
        return {key: disclosed(item, disclosure) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(disclosed(item, disclosure) for item in value)
    return value


def publish_output(data: dict[str, Any], metadata: dict[str, Any] | None = None) -> None:
    """Display one output under all its MIME types."""
    display(data, raw=True, metadata=metadata or {})


def show_sentence(sentence: str) -> None:
    """Show a paragraph worded by code."""
    publish_output({"text/html": f"<p>{escape(sentence)}</p>", "text/plain": sentence})


def show_reason(reason: NotEstimable) -> None:
    """Show, in place of a number, why there is none."""
    publish_output(
        {
            "text/html": f'<p class="not-estimable">{escape(reason.reason)}</p>',
            "text/plain": reason.reason,
        }
    )


def show_finding(finding: Finding | NotEstimable, disclosure: Disclosure | None = None) -> None:
    """Show a finding with its label, and hand it to the report's summary and `numbers.json`."""
    finding = disclosed(finding, disclosure)
    if isinstance(finding, NotEstimable):
        show_reason(finding)
        return
    html = (
        f'<div class="finding" id="finding-{escape(finding.id)}">'
        f'<span class="label label-{finding.label}">{escape(message(finding.label))}</span> '
        f"<strong>{escape(finding.sentence)}</strong> "
        f'<span class="assumption">{escape(finding.assumption)}</span></div>'
    )
    publish_output(
        {FINDING_MIME: json_ready(finding), "text/html": html, "text/plain": finding.sentence}
    )


def show_metrics(
    metrics: tuple[Metric, ...] | list[Metric],
    html: str,
    disclosure: Disclosure | None = None,
) -> None:
    """Show the scorecard's table (`html`, escaped by its maker) and hand the metrics over."""
    ready = json_ready(disclosed(list(metrics), disclosure))
    publish_output({METRICS_MIME: {"metrics": ready}, "text/html": html})


def show_table(
    html: str,
    id: str = "",
    estimates: Mapping[str, Estimate | NotEstimable] | None = None,
    disclosure: Disclosure | None = None,
) -> None:
    """Show a table; the `estimates` in it, by name, go to `numbers.json` under `id`."""
    data: dict[str, Any] = {"text/html": html}
    if estimates:
        data[ESTIMATES_MIME] = {
            "id": id,
            "estimates": json_ready(disclosed(dict(estimates), disclosure)),
        }
    publish_output(data)


def show_figure(figure: Figure | NotEstimable, alt: str) -> None:
    """Show a figure as SVG with its alternative text; the same figure gives the same bytes."""
    if isinstance(figure, NotEstimable):
        show_reason(figure)
        return
    import matplotlib as mpl
    from matplotlib import pyplot

    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "clientele", "svg.fonttype": "path"}):
        figure.savefig(
            buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None}
        )
    pyplot.close(figure)
    publish_output(
        {"image/svg+xml": buffer.getvalue(), "text/plain": alt},
        metadata={"image/svg+xml": {"alt": alt}},
    )
