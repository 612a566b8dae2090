"""Every number on the first screen leads to the code of the cell whose output holds it."""

from __future__ import annotations

import html as html_module
import json
import re
from typing import Any

import pytest

from analysis.reporting.finding_words import money_in_words

LINK = re.compile(r'<a class="from[^"]*" href="#([^"]+)">(.*?)</a>', re.DOTALL)
# Digits of periods and dates are none that a cell made.
NUMBER = re.compile(r"(?<![\w-])\d[\d,]*(?:\.\d+)?(?![\w-]*\d|\w*Q)")
FINDING = "application/vnd.clientele.finding+json"


def plain(html: str) -> str:
    """Markup as readers see it."""
    html = re.sub(r'<span class="visually-hidden">.*?</span>', " ", html)
    return html_module.unescape(re.sub(r"<[^>]*>", " ", html)).replace("\u2060", "")


@pytest.fixture(scope="module")
def first_screen(demo_report: Any) -> str:
    page = str(demo_report.html)
    return page[
        page.index('<section class="first-screen"') : page.index('<section class="notebook"')
    ]


@pytest.fixture(scope="module")
def held(demo_report: Any) -> dict[str, str]:
    """What the outputs of each cell of code hold, by the cell's place in the page."""
    company, period = demo_report.folder.parts[-2:]
    folder = demo_report.folder.parents[2] / "build" / "executed" / company / period
    found = {}
    for path in sorted(folder.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            texts = []
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                texts.append(plain("".join(data.get("text/html", ""))))
                if FINDING in data:
                    texts.append(money_in_words(data[FINDING]))
            found[f"{path.stem.replace('_', '-')}--{cell['id']}"] = " ".join(texts)
    return found


def test_every_number_is_held_by_the_cell_it_leads_to(
    demo_report: Any, first_screen: str, held: dict[str, str]
) -> None:
    links = LINK.findall(first_screen)
    assert len(links) > 40
    for place, said in links:
        assert f'<pre class="code" id="{place}"' in demo_report.html, f"{place} is no code"
        for number in NUMBER.findall(plain(said)):
            assert number in NUMBER.findall(held[place]), f"{number} is not in {place}"


def test_every_sentence_with_a_number_has_a_way_back(first_screen: str) -> None:
    body = re.sub(r"<(caption|svg|h\d)\b.*?</\1>", "", first_screen, flags=re.DOTALL)
    body = re.sub(r'<p class="(?:note|visually-hidden)">.*?</p>', "", body, flags=re.DOTALL)
    body = re.sub(r'<a class="(?:from)[^>]*>.*?</a>', "<a>§</a>", body, flags=re.DOTALL)
    body = re.sub(r"<[^>]*aria-label=[^>]*>", "", body)
    left = [
        piece.strip()
        for piece in re.split(r"</?(?:p|li|dd|td|th|dt|div|ul|ol)[^>]*>", body)
        if NUMBER.findall(plain(piece))
    ]
    assert left == [], "a number without a way back to its cell"


def test_every_tile_has_a_way_back(first_screen: str) -> None:
    tiles = re.findall(r'<li class="tile".*?</p>\s*</li>', first_screen, flags=re.DOTALL)
    assert len(tiles) == 5
    for tile in tiles:
        linked = " ".join(plain(said) for _, said in LINK.findall(tile))
        value = re.search(r'class="tile-value">([^<]+)<', tile)
        assert value
        assert plain(value.group(1)) in linked
        assert "on 20" in linked, "changes as well"


def test_sentences_in_the_sections_lead_to_their_own_cell(demo_report: Any) -> None:
    links = LINK.findall(demo_report.html)
    places = set(re.findall(r'<pre class="code" id="([^"]+)"', demo_report.html))
    assert {place for place, _ in links} <= places
    sections = {place.split("--")[0] for place, _ in links}
    assert len(sections) >= 6
