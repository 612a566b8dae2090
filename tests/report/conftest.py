"""What the tests of the report share: a workshop with two tiny notebooks, and the real reports."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
STUB = Path(__file__).parent / "stub"
BUILD = [sys.executable, "-m", "analysis.reporting.build"]
PARAMETERS = ("DATASET", "PERIOD", "SEGMENT")


@dataclass(frozen=True)
class Workshop:
    """Folders of a build of its own. dataset: the data set that is built by default."""

    notebooks: Path
    build: Path
    reports: Path
    dataset: Path

    def environment(self, **parameters: str) -> dict[str, str]:
        """The environment of a build, with DATASET, PERIOD, SEGMENT in `parameters`."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name not in PARAMETERS and not name.startswith(("CLIENTELE_", "PYTEST_", "COV_"))
        }
        return {
            **inherited,
            "CLIENTELE_NOTEBOOKS_FOLDER": str(self.notebooks),
            "CLIENTELE_BUILD_FOLDER": str(self.build),
            "CLIENTELE_REPORTS_FOLDER": str(self.reports),
            "DATASET": str(self.dataset),
            **parameters,
        }

    def run(self, **parameters: str) -> subprocess.CompletedProcess[str]:
        """Build in a process of its own, as `make report` does."""
        return subprocess.run(
            BUILD, env=self.environment(**parameters), cwd=ROOT, capture_output=True, text=True
        )

    def files(self, name: str = "2024Q3") -> dict[str, bytes]:
        """What a published report holds, byte for byte."""
        folder = self.reports / "stub-sons" / name
        return {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def executed(self, name: str = "2024Q3") -> dict[str, tuple[int, str]]:
        """When each notebook was executed, and what it is a result of."""
        folder = self.build / "executed" / "stub-sons" / name
        return {
            path.stem: (path.stat().st_mtime_ns, path.with_suffix(".digest").read_text())
            for path in sorted(folder.glob("*.ipynb"))
            if path.with_suffix(".digest").exists()
        }

    def change_cell(self, stem: str, cell_id: str, change: Callable[[str], str]) -> None:
        """Change the source of one cell of a notebook."""
        path = self.notebooks / f"{stem}.ipynb"
        notebook = json.loads(path.read_text(encoding="utf-8"))
        cell = next(cell for cell in notebook["cells"] if cell["id"] == cell_id)
        cell["source"] = change("".join(cell["source"]))
        path.write_text(json.dumps(notebook), encoding="utf-8")

    def with_own_data(self) -> Workshop:
        """The same with a copy of the data set that may be changed."""
        folder = self.build.parent / "data" / self.dataset.name
        shutil.copytree(self.dataset, folder)
        return replace(self, dataset=folder)

    def change_file(self, name: str, change: Callable[[str], str]) -> None:
        """Change a file of the data set."""
        path = self.dataset / name
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


def _make_workshop(folder: Path, dataset: Path, notebooks: Path) -> Workshop:
    shutil.rmtree(folder, ignore_errors=True)  # of an attempt that failed
    shutil.copytree(notebooks, folder / "notebooks")
    return Workshop(folder / "notebooks", folder / "build", folder / "reports", dataset)


@contextmanager
def _alone(factory: pytest.TempPathFactory, name: str) -> Iterator[tuple[Path, bool]]:
    """A folder for all workers of a run, and whether it is still to be made; one enters at a time.

    Session fixtures are made once per worker; a build takes too long for that.
    """
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with (folder / f"{name}.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        made = folder / f"{name}.made"
        yield folder / name, not made.exists()
        made.touch()


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A workshop whose report of 2024Q3 is built; not to be changed."""
    with _alone(tmp_path_factory, "stub") as (folder, to_be_made):
        if not to_be_made:
            parts = (folder / part for part in ("notebooks", "build", "reports"))
            return Workshop(*parts, STUB / "small")
        workshop = _make_workshop(folder, STUB / "small", STUB / "notebooks")
        done = workshop.run()
        assert done.returncode == 0, done.stderr
        return workshop


@pytest.fixture
def workshop(built_once: Workshop, tmp_path: Path) -> Workshop:
    """A copy of the built workshop, to be changed at will."""
    for part in ("notebooks", "build", "reports"):
        shutil.copytree(getattr(built_once, part), tmp_path / part)
    return Workshop(
        tmp_path / "notebooks", tmp_path / "build", tmp_path / "reports", STUB / "small"
    )


@pytest.fixture
def fresh_workshop(tmp_path: Path) -> Workshop:
    """A workshop in which nothing has been built."""
    return _make_workshop(tmp_path, STUB / "small", STUB / "notebooks")


@dataclass(frozen=True)
class Report:
    """A published report. folder: where it lies; html, numbers: what it says."""

    folder: Path
    html: str
    numbers: dict[str, Any]


def _build_real_report(
    factory: pytest.TempPathFactory, name: str, dataset: Path, period: str
) -> Report:
    with _alone(factory, name) as (folder, to_be_made):
        if to_be_made:
            done = _make_workshop(folder, dataset, ROOT / "notebooks").run(PERIOD=period)
            assert done.returncode == 0, done.stderr
    (published,) = (path for path in (folder / "reports").glob("*/*") if path.is_dir())
    return Report(
        published,
        (published / "index.html").read_text(encoding="utf-8"),
        json.loads((published / "numbers.json").read_text(encoding="utf-8")),
    )


@pytest.fixture(scope="session")
def build_real_report(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Report]:
    """Build a report with the real notebooks, once under each name."""

    def build(name: str, dataset: Path, period: str = "") -> Report:
        return _build_real_report(tmp_path_factory, name, dataset, period)

    return build


@pytest.fixture(scope="session")
def build_elsewhere() -> Callable[..., Workshop]:
    """Build a report with the real notebooks in a folder, with PERIOD, SEGMENT in `parameters`."""

    def build(folder: Path, dataset: Path, **parameters: str) -> Workshop:
        workshop = _make_workshop(folder, dataset, ROOT / "notebooks")
        done = workshop.run(**parameters)
        assert done.returncode == 0, done.stderr
        return workshop

    return build


@pytest.fixture(scope="session")
def demo_report(build_real_report: Callable[..., Report]) -> Report:
    """The report of the example company for 2026Q2."""
    return build_real_report("demo", ROOT / "data" / "demo", "2026Q2")


@pytest.fixture(scope="session")
def telco_report(build_real_report: Callable[..., Report]) -> Report:
    """The report of the public sample of a telecom company."""
    return build_real_report("telco", ROOT / "data" / "telco")


def is_file(link: dict[str, str]) -> bool:
    """Whether a link is a file that the page carries."""
    return link["href"].startswith("data:text/csv") and link.get("download", "").endswith(".csv")


VOID = {"meta", "link", "img", "br", "hr", "input", "base"}


@dataclass
class Page(HTMLParser):
    """A page taken apart.

    elements: tag and attributes in order. text: what readers see, scripts and styles left out.
    headings: level and text in order. unbalanced: tags closed that were not open, or left open.
    """

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    headings: list[tuple[int, str]] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    open_tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self.open_tags and self.open_tags[-1] == tag:
            self.open_tags.pop()
        else:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if self.open_tags and self.open_tags[-1] in ("style", "script"):
            (self.styles if self.open_tags[-1] == "style" else self.scripts).append(data)
            return
        self.pieces.append(data)
        if self.headings and any(re.fullmatch("h[1-6]", tag) for tag in self.open_tags):
            level, said = self.headings[-1]
            self.headings[-1] = (level, said + data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.pieces).replace("\u2060", "").split())

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every element of one kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.elements if "id" in attributes]

    def loaded(self) -> list[str]:
        """Everything that a browser would fetch from elsewhere than the page itself."""
        fetched = [
            attributes[name]
            for tag, attributes in self.elements
            for name in ("src", "href", "srcset", "poster", "data", "action", "xlink:href")
            if name in attributes and tag != "a"
        ]
        inline = [attributes.get("style", "") for _, attributes in self.elements]
        for style in (*self.styles, *inline):
            fetched += re.findall(r"url\(\s*['\"]?([^)'\"]*)", style)
            fetched += re.findall(r"@import\s+([^;]+)", style)
        return [address for address in fetched if not address.startswith(("data:", "#"))]

    def foreign_code(self) -> list[str]:
        """Styles and scripts that the page's own policy does not know, to the byte."""
        policies = [a["content"] for a in self.all("meta") if "Security" in a.get("http-equiv", "")]
        found = []
        for kind, texts in (("style", self.styles), ("script", self.scripts)):
            for text in texts:
                digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
                if not any(f"{kind}-src 'sha256-{digest}'" in policy for policy in policies):
                    found.append(f"{kind} that the policy does not name")
        found += [f"style attribute of {tag}" for tag, a in self.elements if "style" in a]
        return found

    def faults(self) -> list[str]:
        """What is wrong with the page as a page that is safe, accessible and self-contained."""
        found = [f"unbalanced </{tag}>" for tag in (*self.unbalanced, *self.open_tags)]
        found += [
            f"duplicate id {i}" for i in sorted({i for i in self.ids if self.ids.count(i) > 1})
        ]
        found += ["image without alternative text" for a in self.all("img") if not a.get("alt")]
        found += [f"loads {address}" for address in self.loaded()]
        tags = {tag for tag, _ in self.elements}
        found += [f"element {tag}" for tag in sorted(tags & {"iframe", "object", "form"})]
        found += self.foreign_code()
        found += [
            f"attribute {name} of {tag}"
            for tag, attributes in self.elements
            for name in attributes
            if name.startswith("on")
        ]
        links = [a["href"] for a in self.all("a") if not is_file(a)]
        found += [f"link {to}" for to in links if not to.startswith(("#", "https://"))]
        found += [
            f"link to nowhere {to}" for to in links if to[0] == "#" and to[1:] not in self.ids
        ]
        levels = [level for level, _ in self.headings]
        if levels[:1] != [1] or levels.count(1) != 1:
            found.append("the page does not begin with its one first heading")
        found += [
            f"heading {said!r} skips a level"
            for (before, _), (level, said) in zip(self.headings, self.headings[1:], strict=False)
            if level > before + 1
        ]
        return found


@pytest.fixture(scope="session")
def read_page() -> Callable[[str], Page]:
    """Take a page apart."""

    def read(html: str) -> Page:
        page = Page()
        page.feed(html)
        page.close()
        return page

    return read


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
    if not BROWSER:
        pytest.skip("there is no Chromium or Chrome on this machine")
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


@dataclass(frozen=True)
class Project:
    """A copy of the product with one small notebook and data of its own, all of it changeable."""

    root: Path

    def run(self, module: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run one of the commands in the copy, in a process of its own."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("CLIENTELE_", "PYTEST_", "COV_"))
        }
        wanted = {"DATASET": "data/small", "PERIOD": "", "SEGMENT": "", **variables}
        return subprocess.run(
            [sys.executable, "-m", f"analysis.reporting.{module}"],
            env={**inherited, "PYTHONPATH": str(self.root / "src"), **wanted},
            cwd=self.root,
            capture_output=True,
            text=True,
        )

    def change(self, name: str, old: str, new: str) -> None:
        """Change a file of the copy."""
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def add_late_rows(self) -> None:
        """Nine more orders in the first quarter of 2024."""
        path = self.root / "data" / "small" / "transactions.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        customer = lines[1].split(",")[1]
        late = [f"late-{i},{customer},2024-02-0{i},99.00" for i in range(1, 10)]
        path.write_text("\n".join([*lines, *late]) + "\n", encoding="utf-8")


@pytest.fixture(scope="session")
def published_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose report of 2024Q3 is built and published; not to be changed."""
    with _alone(tmp_path_factory, "project") as (root, to_be_made):
        project = Project(root)
        if to_be_made:
            shutil.rmtree(root, ignore_errors=True)
            hidden = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / "src" / "analysis", root / "src" / "analysis", ignore=hidden)
            shutil.copytree(STUB / "small", root / "data" / "small")
            (root / "notebooks").mkdir()
            shutil.copy(STUB / "notebooks" / "01_money.ipynb", root / "notebooks")
            (root / "requirements.lock").write_text("pandas==2\n", encoding="utf-8")
            done = project.run("archive")
            assert done.returncode == 0, done.stderr
        return project


@pytest.fixture
def project(published_project: Project, tmp_path: Path) -> Project:
    """The published project copied to another folder; nothing of build/ comes along."""
    without_build = shutil.ignore_patterns("build")
    shutil.copytree(published_project.root, tmp_path / "copy", ignore=without_build)
    return Project(tmp_path / "copy")
