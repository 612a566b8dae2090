"""The page can be used by everybody: rules of WCAG 2.2 AA, checked by axe-core in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / ".axe" / "axe_playwright_python" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("builds"),
    pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: make .axe/ready"),
]

# All is opened. Of what is all alike and most of the page's elements, some stays: three pieces of code,
# four rows of each table, three linked numbers of each paragraph.
PREPARE = """
document.querySelectorAll('details').forEach(d => d.open = true);
document.querySelectorAll('pre.code').forEach((e, i) => { if (i > 2) e.textContent = '…'; });
document.querySelectorAll('tbody tr:nth-child(n + 5)').forEach(e => e.remove());
document.querySelectorAll('section.notebook p').forEach(p => {
  [...p.querySelectorAll('a.from')].slice(3).forEach(a => a.replaceWith(...a.childNodes));
});
"""
# To see that a fault is found, the first screen is enough.
FIRST_SCREEN_ALONE = (
    "document.querySelectorAll('main > section + section').forEach(e => e.remove());"
)
LIKE_THOSE_BEFORE = "[...b.rows].slice(25).forEach(row => row.remove())"
LONGEST_SECONDS = 300
CHECK = """
axe.run(document, {runOnly: {type: 'tag', values: TAGS}, resultTypes: ['violations', 'passes']})
  .then(r => JSON.stringify({
    passed: r.passes.map(p => p.id),
    violations: r.violations.map(v => [v.id, v.nodes.length, v.nodes.slice(0, 3).map(n => n.html.slice(0, 200))]),
  }))
"""


def violations(tab: Any, passed_at_least: int) -> list[Any]:
    """What axe-core finds in the page that the tab shows."""
    tab.socket.settimeout(LONGEST_SECONDS)
    tab.value(AXE.read_text(encoding="utf-8"))
    answer = tab.call(
        "Runtime.evaluate",
        expression=CHECK.replace("TAGS", json.dumps(TAGS)),
        awaitPromise=True,
        returnByValue=True,
    )
    assert "exceptionDetails" not in answer, answer
    found = json.loads(answer["result"]["value"])
    assert len(found["passed"]) >= passed_at_least, "axe-core did not look at the page"
    return list(found["violations"])


@pytest.mark.parametrize(("width", "colours"), [(400, "dark"), (1400, "light")])
def test_the_report_breaks_no_rule(demo_report: Any, tab: Any, width: int, colours: str) -> None:
    tab.open_in((demo_report.folder / "index.html").as_uri(), width, colours)
    tab.value(PREPARE)
    assert violations(tab, 30) == []


def test_the_watch_sees_a_fault(demo_report: Any, tab: Any, tmp_path: Path) -> None:
    page = tmp_path / "faulty.html"
    added = '<img src="data:,"><p class="note">pale</p></body>'
    page.write_text(demo_report.html.replace("</body>", added), encoding="utf-8")
    tab.open_in(page.as_uri(), 1400)
    tab.value(FIRST_SCREEN_ALONE)
    assert "image-alt" in [rule for rule, *_ in violations(tab, 30)]


def as_published(now: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a report as another day would have had them: higher, a finding less."""

    def raised(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {
                key: item * 1.5 if key in ("value", "lower", "upper") and item else raised(item)
                for key, item in tree.items()
            }
        return [raised(item) for item in tree] if isinstance(tree, list) else tree

    labels = [{**finding, "label": "association"} for finding in raised(now["findings"])[1:]]
    return {**raised(now), "findings": labels}


@pytest.fixture(scope="module")
def comparison_page(demo_report: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison with all its parts: what moved, what was restated, and every kind of cause."""
    from analysis.reporting.compare import movement
    from analysis.reporting.compare.page import render_comparison
    from analysis.reporting.compare.restatement import restate
    from analysis.reporting.compare.study import Comparison, Side

    now = demo_report.numbers
    old = {**as_published(now), "period": "2026Q1"}
    manifest = json.loads((demo_report.folder / "manifest.json").read_text(encoding="utf-8"))
    other = {**manifest, "lock": "", "python": "3.0", "code": {}, "notebooks": {}}
    other["settings"] = {**manifest["settings"], "unit": "household"}
    other["tables"] = {"customers": manifest["tables"]["customers"]}
    sides = [
        Side("2026Q1", "2026Q1", old, None),
        Side("2026Q2", "2026Q2", now, restate(as_published(now), other, now, manifest, (2, 2))),
    ]
    comparison = Comparison(
        *("Example Home", "EUR", "on", "region=North", *sides, "previous"),
        metrics=tuple(movement.compare_metrics(old, now, "previous")),
        findings=tuple(movement.compare_findings(old, now)),
        tables=tuple(movement.compare_tables(old, now)),
        decisions=tuple(movement.compare_decisions(old, now)),
    )
    page = tmp_path_factory.mktemp("comparison") / "index.html"
    page.write_text(render_comparison(comparison), encoding="utf-8")
    return page


@pytest.fixture(scope="module")
def segments_page(demo_report: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page that leads to the reports of segments, one of which could not be built."""
    from analysis.intake.periods import choose_period
    from analysis.intake.settings import load_settings
    from analysis.reporting import segments

    settings = load_settings(ROOT / "data" / "demo")
    run = SimpleNamespace(settings=settings, period=choose_period("2026Q2", settings))
    reports = [
        segments.SegmentReport("North", "2026Q2-north", segments._tiles(demo_report.folder)),
        segments.SegmentReport("South", "2026Q2-south", segments._tiles(demo_report.folder)),
        segments.SegmentReport("Orkney", reason="segment: too few customers for a report"),
    ]
    page = tmp_path_factory.mktemp("segments") / "index.html"
    page.write_text(segments.render_index("region", run, reports), encoding="utf-8")  # type: ignore[arg-type]
    return page


@pytest.mark.parametrize("name", ["comparison_page", "segments_page"])
@pytest.mark.parametrize(("width", "colours"), [(400, "dark"), (1400, "light")])
def test_pages_beside_the_report_break_no_rule(
    name: str, width: int, colours: str, tab: Any, request: pytest.FixtureRequest
) -> None:
    page = request.getfixturevalue(name)
    tab.open_in(page.as_uri(), width, colours)
    tab.value(PREPARE)
    tab.value(f"document.querySelectorAll('tbody').forEach(b => {LIKE_THOSE_BEFORE})")
    assert violations(tab, 20) == []
    assert tab.value("document.documentElement.scrollWidth <= innerWidth")
    # The checker's own script is not of the page: the policy has to let nothing else in.
    assert tab.complaints() == []
