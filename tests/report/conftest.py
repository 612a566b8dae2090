"""What the tests of the report share: a workshop with two tiny notebooks, and the real reports."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
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
def demo_report(build_real_report: Callable[..., Report]) -> Report:
    """The report of the example company for 2026Q2."""
    return build_real_report("demo", ROOT / "data" / "demo", "2026Q2")


@pytest.fixture(scope="session")
def telco_report(build_real_report: Callable[..., Report]) -> Report:
    """The report of the public sample of a telecom company."""
    return build_real_report("telco", ROOT / "data" / "telco")


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
        if self.open_tags and self.open_tags[-1] == "style":
            self.styles.append(data)
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

    def faults(self) -> list[str]:
        """What is wrong with the page as a page that is safe, accessible and self-contained."""
        found = [f"unbalanced </{tag}>" for tag in (*self.unbalanced, *self.open_tags)]
        found += [
            f"duplicate id {i}" for i in sorted({i for i in self.ids if self.ids.count(i) > 1})
        ]
        found += ["image without alternative text" for a in self.all("img") if not a.get("alt")]
        found += [f"loads {address}" for address in self.loaded()]
        tags = {tag for tag, _ in self.elements}
        found += [f"element {tag}" for tag in sorted(tags & {"script", "iframe", "object", "form"})]
        found += [
            f"attribute {name} of {tag}"
            for tag, attributes in self.elements
            for name in attributes
            if name.startswith("on")
        ]
        links = [attributes["href"] for attributes in self.all("a")]
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
