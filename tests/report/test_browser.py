"""The report in a real browser: it loads nothing, complains of nothing and fits a phone."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("builds")]

OPEN_ALL = "document.querySelectorAll('details').forEach(d => d.open = true)"
TOO_WIDE = """
[...document.querySelectorAll('main *, header *')].filter(e => {
  const r = e.getBoundingClientRect();
  if (r.width === 0 || r.right <= WIDTH + 1) return false;
  for (let p = e.parentElement; p; p = p.parentElement)
    if (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(p).overflowX)) return false;
  return true;
}).map(e => e.tagName + '.' + e.className).slice(0, 5)
"""


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("name", ["demo_report", "telco_report"])
def test_the_report_opens_offline_and_fits(
    request: pytest.FixtureRequest, tab: Any, name: str, width: int
) -> None:
    page: Path = request.getfixturevalue(name).folder / "index.html"
    tab.open_in(page.as_uri(), width)
    tab.value(OPEN_ALL)
    assert tab.value(TOO_WIDE.replace("WIDTH", str(width))) == []
    assert tab.value("document.documentElement.scrollWidth") <= width
    images = tab.value("[...document.images].map(i => i.complete && i.naturalWidth > 0)")
    assert images
    assert all(images)
    assert tab.complaints() == []
    assert tab.files_requested() == {page.as_uri()}


def clicked(tab: Any, selector: str) -> None:
    """Click as a reader does: with the mouse, on the middle of what is there."""
    box = tab.value(
        f"(() => {{const e = document.querySelector({selector!r}); e.scrollIntoView({{block: 'center'}});"
        " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]})()"
    )
    for kind in ("mousePressed", "mouseReleased"):
        tab.call(
            "Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1
        )


def waited(tab: Any, expression: str) -> Any:
    """The value of an expression as soon as it is one."""
    deadline = time.monotonic() + 20
    while not (found := tab.value(expression)):
        assert time.monotonic() < deadline, expression
        time.sleep(0.05)
    return found


def test_a_number_leads_to_the_code_that_made_it(demo_report: Any, tab: Any) -> None:
    tab.open_in((demo_report.folder / "index.html").as_uri(), 1400)
    number = "#at-a-glance .findings a.from"
    place = tab.value(f"document.querySelector({number!r}).hash.slice(1)")
    hidden = f"document.getElementById({place!r}).checkVisibility()"
    assert tab.value(hidden) is False, "code is folded until somebody asks"
    clicked(tab, number)
    assert waited(tab, hidden) is True
    assert waited(
        tab, "Math.abs(document.querySelector(':target').getBoundingClientRect().top) < 400"
    )
    assert tab.value("document.querySelector(':target').className") == "code"
    assert tab.complaints() == []


def test_the_contents_know_where_the_reader_is(demo_report: Any, tab: Any) -> None:
    tab.open_in((demo_report.folder / "index.html").as_uri(), 1400)
    current = "document.querySelector('.contents a[aria-current=location]')?.hash"
    assert waited(tab, current) == "#at-a-glance"
    clicked(tab, ".contents a[href='#04-service-roi']")
    assert waited(tab, f"{current} === '#04-service-roi'")
    assert tab.value("document.querySelectorAll('.contents a[aria-current]').length") == 1
    assert tab.complaints() == []


def test_on_a_phone_the_contents_are_a_bar(demo_report: Any, tab: Any) -> None:
    tab.open_in((demo_report.folder / "index.html").as_uri(), 400)
    is_open = "document.querySelector('.contents-list').open"
    assert tab.value(is_open) is False
    clicked(tab, ".contents summary")
    assert waited(tab, is_open)
    clicked(tab, ".contents a[href='#02-churn-survival']")
    assert waited(tab, f"!{is_open}")
    waited(tab, "document.querySelector('.contents-here').textContent.includes('stay longer')")
    assert tab.value("document.querySelector('.contents').getBoundingClientRect().top") == 0
    below = "document.getElementById('02-churn-survival-title').getBoundingClientRect().top"
    assert tab.value(below) >= tab.value(
        "document.querySelector('.contents').getBoundingClientRect().bottom"
    ), "the bar covers nothing that a link leads to"


def test_a_table_is_downloaded_from_the_file_itself(
    demo_report: Any, tab: Any, tmp_path: Path
) -> None:
    """From within a folded appendix, which opens for a link that leads there."""
    place = "02-churn-survival--retention-table"
    tab.open_in((demo_report.folder / "index.html").as_uri() + f"#{place}", 1400)
    tab.call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    clicked(tab, f'[id^="{place}--"] .table-file a')
    deadline = time.monotonic() + 20
    while not (files := list(tmp_path.glob("*.csv"))):
        assert time.monotonic() < deadline, "nothing was downloaded"
        time.sleep(0.05)
    (file,) = files
    assert file.name.startswith("02-churn-survival--")
    with file.open(encoding="utf-8-sig", newline="") as stream:
        header, *rows = list(csv.reader(stream))
    assert "12 months (%)" in header
    assert "12 months, lower limit (%)" in header
    assert all(0 < float(row[header.index("12 months (%)")]) < 100 for row in rows)
    assert tab.complaints() == []


def test_without_its_script_the_page_can_still_be_read(demo_report: Any, tab: Any) -> None:
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    tab.open_in((demo_report.folder / "index.html").as_uri() + "#finding-programme-live-chat", 400)
    assert tab.value("document.querySelector('.contents-list').open") is True
    assert tab.value("getComputedStyle(document.querySelector('.contents')).position") == "static"
    assert tab.complaints() == []


def test_the_policy_stops_what_does_not_belong(demo_report: Any, tab: Any, tmp_path: Path) -> None:
    """The watch over the page can see a fault: a script and a picture from elsewhere."""
    added = '<script>console.log("ran")</script><img src="http://127.0.0.1:9/a.png" alt="x"></body>'
    page = tmp_path / "tampered.html"
    page.write_text(demo_report.html.replace("</body>", added), encoding="utf-8")
    tab.open_in(page.as_uri(), 1400)
    tab.value("1")
    said = " ".join(tab.complaints())
    assert "script-src" in said
    assert "img-src" in said
    assert "ran" not in [
        argument.get("value")
        for event in tab.events
        if event.get("method") == "Runtime.consoleAPICalled"
        for argument in event["params"]["args"]
    ]


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_text_stands_out_from_its_ground(demo_report: Any, tab: Any, colours: str) -> None:
    tab.open_in((demo_report.folder / "index.html").as_uri(), 1400, colours)
    tab.value(OPEN_ALL)
    assert tab.value(LOW_CONTRAST) == []


LOW_CONTRAST = """
(() => {
  const parse = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] > .99) return c;
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18] : [255, 255, 255];
  };
  const found = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.getClientRects().length) continue;
    const style = getComputedStyle(e);
    const [a, b] = [light(parse(style.color)), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) found.add(`${e.tagName}.${e.className}: ${ratio.toFixed(2)}`);
  }
  return [...found].slice(0, 10);
})()
"""
