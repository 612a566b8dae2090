"""The report in a real browser: it loads nothing, complains of nothing and fits a phone."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
        if (found := shutil.which(name))
    ),
    "",
)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
]
PATIENCE_SECONDS = 60
COMPLAINTS = (
    "Runtime.exceptionThrown",
    "Runtime.consoleAPICalled",
    "Log.entryAdded",
    "Audits.issueAdded",
    "Network.loadingFailed",
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("builds"),
    pytest.mark.skipif(not BROWSER, reason="there is no Chromium or Chrome on this machine"),
]


class Tab:
    """A tab of a browser, spoken to over its debugging protocol. events: all that it reported."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self.number = 0
        self.session = ""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method and give its result."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return dict(answer["result"])
            self.events.append(answer)

    def open_in(self, address: str, width: int, colours: str = "light") -> None:
        """Open a page in a window of this width, and wait until all of it is there."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=900, deviceScaleFactor=1, mobile=width < 800,
        )  # fmt: skip
        self.call(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": colours}],
        )
        self.call("Page.navigate", url=address)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (
            self.value("document.readyState") != "complete"
            or self.value("location.href") != address
        ):
            assert time.monotonic() < deadline, "the page does not finish loading"
            time.sleep(0.05)

    def value(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def complaints(self) -> list[str]:
        """Console messages, exceptions, violations of the policy, requests that leave the file."""
        found = []
        for event in self.events:
            method, parameters = event.get("method", ""), event.get("params", {})
            if (
                method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
                or method == "Audits.issueAdded"
            ):
                found.append(json.dumps(parameters))
            elif method == "Network.requestWillBeSent":
                address = parameters["request"]["url"]
                if not address.startswith(("file://", "data:")):
                    found.append(address)
        return found

    def files_requested(self) -> set[str]:
        return {
            event["params"]["request"]["url"]
            for event in self.events
            if event.get("method") == "Network.requestWillBeSent"
            and event["params"]["request"]["url"].startswith("file://")
        }


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A headless browser of its own; gives the address of its debugging protocol."""
    profile = tmp_path_factory.mktemp("profile")
    process = subprocess.Popen(
        [BROWSER, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        said = profile / "DevToolsActivePort"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (said.exists() and len(said.read_text().splitlines()) == 2):
            assert process.poll() is None, "the browser does not start"
            assert time.monotonic() < deadline, "the browser does not answer"
            time.sleep(0.05)
        port, path = said.read_text().splitlines()
        yield f"ws://127.0.0.1:{port}{path}"
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@pytest.fixture
def tab(browser: str) -> Iterator[Tab]:
    """A fresh tab that reports what happens in it."""
    import websocket

    socket = websocket.create_connection(browser, timeout=PATIENCE_SECONDS)
    try:
        made = Tab(socket)
        target = made.call("Target.createTarget", url="about:blank")["targetId"]
        session = made.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        made.session = session
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            made.call(f"{domain}.enable")
        made.events.clear()
        yield made
        made.session = ""
        made.call("Target.closeTarget", targetId=target)
    finally:
        socket.close()


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
    request: pytest.FixtureRequest, tab: Tab, name: str, width: int
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


def test_the_policy_stops_what_does_not_belong(demo_report: Any, tab: Tab, tmp_path: Path) -> None:
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
def test_text_stands_out_from_its_ground(demo_report: Any, tab: Tab, colours: str) -> None:
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
