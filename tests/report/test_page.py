"""The page says what notebooks hand over: escaped, in order, accessible, loading nothing."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.intake.dataset import Segment
from analysis.intake.periods import Period
from analysis.intake.settings import Settings
from analysis.methods.estimate import Estimate, Finding, Label, Metric, NotEstimable
from analysis.presentation import output
from analysis.presentation.figures import new_figure
from analysis.presentation.tables import html_table
from analysis.reporting.anchors import Names, link_numbers
from analysis.reporting.assemble import assemble
from analysis.reporting.finding_words import headline, ordered
from analysis.reporting.first_screen import judge, make_tile
from analysis.reporting.key import Run
from analysis.reporting.sections import read_section, render_code, render_markdown
from analysis.reporting.small_charts import common_scale, draw_interval, draw_sparkline

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror="alert(1)">',
    "</style><script>alert(2)</script>",
    "</title></head><body onload=alert(3)>",
    "$\\frac{1}{$ and $$x$$",
    "<!-- never closed",
    "{{ 7 * 7 }}{% for x in y %}",
    "' onmouseover='alert(4)",
    "javascript:alert(5)",
    '=HYPERLINK("http://a.example")',
    "a\u202eb\u0000c",
]
NOTHING = NotEstimable("There is nothing to compare with.")


def money(value: float, lower: float | None, upper: float | None) -> Estimate:
    return Estimate(value, lower, upper, "EUR", 100, "made up")


def finding(name: str, sentence: str, label: Label, worth: Estimate | None = None) -> Finding:
    return Finding(name, sentence, {}, label, "Made up.", worth)


def metric(name: str, now: Estimate | NotEstimable, **rest: Any) -> Metric:
    return Metric(
        name, name.title(), now, NOTHING, rest.pop("change", NOTHING), NOTHING, NOTHING, **rest
    )


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[dict[str, Any]]]:
    """What showing things leaves in a notebook's cell."""

    def record(*shown: Callable[[], None]) -> list[dict[str, Any]]:
        kept: list[dict[str, Any]] = []

        def display(data: dict[str, Any], raw: bool, metadata: dict[str, Any]) -> None:
            made = {"output_type": "display_data", "data": data, "metadata": metadata}
            kept.append(json.loads(json.dumps(made)))

        monkeypatch.setattr(output, "display", display)
        for show in shown:
            show()
        return kept

    return record


def make_notebook(
    outputs: list[dict[str, Any]], question: str = "# Is it so?\n\nAsked by a test.", tags: Any = ()
) -> dict[str, Any]:
    """An executed notebook whose one cell of code left these outputs."""
    return {
        "metadata": {},
        "cells": [
            {"cell_type": "markdown", "metadata": {}, "source": question.splitlines(True)},
            {
                "cell_type": "code",
                "metadata": {"tags": ["injected-parameters"]},
                "source": 'dataset = "/home/somebody/data"',
                "outputs": [],
            },
            {"cell_type": "markdown", "metadata": {}, "source": "## Result"},
            {
                "cell_type": "code",
                "metadata": {"tags": list(tags)},
                "source": "show(result)",
                "outputs": outputs,
            },
        ],
    }


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A report to be bound, without any data behind it."""
    (tmp_path / "notes.json").write_text("[]", encoding="utf-8")
    settings = Settings.model_validate(
        {
            "company": "Stub & Sons",
            "currency": "EUR",
            "covers": {"from": "2024-01-01", "to": "2024-09-30"},
            "tables": {"customers": {"rows": [{"customer_id": "1"}]}},
        }
    )
    period = Period(dt.date(2024, 7, 1), 3)
    return Run("data/x", tmp_path / "x", settings, period, None, tmp_path, {"data/x.csv": "0" * 64})


def bind(run: Run, notebooks: dict[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    files = assemble(
        run, notebooks, {f"{stem}.ipynb": "1" * 64 for stem in notebooks}, "2" * 64, {}
    )
    assert set(files) == {"index.html", "numbers.json", "manifest.json"}
    return files["index.html"].decode(), json.loads(files["numbers.json"])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_stays_text(run: Run, outputs: Any, read_page: Any, text: str) -> None:
    figure, axes = new_figure(height=1.5)
    axes[0].set_title(text.replace("\x00", ""))
    label: Label = "association"
    shown = outputs(
        lambda: output.show_sentence(text),
        lambda: output.show_reason(NotEstimable(text)),
        lambda: output.show_finding(finding("a-finding", text, label, money(5, 1, 9))),
        lambda: output.show_finding(NotEstimable(text)),
        lambda: output.show_table(
            html_table([text, text], [[text, f"1\n{text}"]], text, note=text),
            "table",
            {text: money(1, 0, 2)},
        ),
        lambda: output.show_figure(figure, f"Chart of {text}"),
        lambda: output.show_metrics([replace(metric("m", money(1, 0, 2)), name=text)], ""),
    )
    shown.append({"output_type": "stream", "name": "stdout", "text": text})
    shown.append({"output_type": "execute_result", "data": {"text/plain": text}, "metadata": {}})
    (run.prepared / "notes.json").write_text(
        json.dumps(
            [
                {
                    "kind": "warning",
                    "message": text,
                    "table": text,
                    "column": text,
                    "count": 3,
                    "examples": [],
                }
            ]
        )
    )
    decision = dict.fromkeys(("action", "owner_role", "status"), text)
    pd.DataFrame([{**decision, "finding_id": "a-finding"}]).to_parquet(
        run.prepared / "decisions.parquet"
    )
    settings = run.settings.model_copy(update={"company": text})
    hostile = replace(run, settings=settings, segment=Segment("region", text), inputs={text: text})
    html, numbers = bind(
        hostile,
        {"01_is_it": make_notebook(shown), "02_says": make_notebook([], f"# {text}\n\n{text}")},
    )
    page = read_page(html)
    assert page.faults() == []
    assert len(page.all("style")) == 1
    assert len(page.styles) == 1
    assert "alert" not in "".join(page.styles)
    readable = " ".join(text.replace("\x00", "").split())
    said = page.text.replace("\x00", "").replace("\ufffd", "")
    # Cover, finding, table, note, decision, title: wherever it was put, it can be read.
    assert said.count(readable) >= 10, html
    assert numbers["company"] == text
    assert numbers["findings"][0]["sentence"] == text
    assert list(numbers["estimates"]["01-is-it"]["table"]) == [text]


def test_pages_of_hostile_markdown_are_harmless(read_page: Any) -> None:
    html = render_markdown(
        "# A\n\n<b onclick=alert(1)>x</b> [link](javascript:alert(1)) `<i>`\n\n"
        "<script>alert(1)</script>\n\n| a | b |\n|---|---|\n| <u> | $x$ |\n"
    )
    page = read_page(html)
    tags = {tag for tag, _ in page.elements}
    assert tags <= {"h2", "p", "a", "code", "table", "div", "thead", "tbody", "tr", "th", "td"}
    assert all(not a["href"].startswith("javascript") for a in page.all("a"))
    assert "<script>alert(1)</script>" in page.text
    assert render_markdown("###### Deep").startswith("<h6>")
    named = render_markdown("# 1. A <b>name</b>\n\n## A name", Names("doc"))
    assert '<h2 id="doc--a-b-name-b">' in named
    assert '<h3 id="doc--a-name">' in named


def test_code_is_shown_as_text(read_page: Any) -> None:
    page = read_page(render_code("a = '</code></pre><script>'  # & so on\n"))
    assert {tag for tag, _ in page.elements} == {"pre", "code", "span"}
    assert page.text == "a = '</code></pre><script>' # & so on"


def test_findings_stand_in_two_columns_by_the_lower_bound(
    run: Run, outputs: Any, read_page: Any
) -> None:
    made = [
        finding("small-but-sure", "Small but sure.", "experiment", money(20, 10, 30)),
        finding("large-but-unsure", "Large but unsure.", "quasi-experiment", money(900, -5, 1800)),
        finding("surest", "The surest.", "quasi-experiment", money(60, 50, 70)),
        finding("no-money", "Without money.", "experiment"),
        finding("no-interval", "Without limits.", "experiment", money(500, None, None)),
        finding("goes-along", "Goes along.", "association", money(40, 2, 80)),
        finding("goes-well", "Goes well along.", "association", money(40, 30, 80)),
        finding("what-is", "What is.", "description"),
    ]
    shown = outputs(*[lambda f=f: output.show_finding(f) for f in made])
    html, numbers = bind(run, {"01_is_it": make_notebook(shown)})
    proven = html[html.index('<h3 id="proven"') : html.index('<h3 id="worth-testing"')]
    testing = html[html.index('<h3 id="worth-testing"') : html.index('class="notebook"')]

    def order(part: str, names: list[str]) -> list[str]:
        assert all(name in part for name in names)
        return sorted(names, key=part.index)

    expected = [
        "The surest.",
        "Small but sure.",
        "Large but unsure.",
        "Without limits.",
        "Without money.",
    ]
    assert order(proven, expected[:3]) == expected[:3]
    assert proven.index(expected[2]) < min(proven.index(said) for said in expected[3:])
    assert order(testing, ["Goes well along.", "Goes along."]) == [
        "Goes well along.",
        "Goes along.",
    ]
    assert "Goes along." not in proven
    assert "surest" not in testing.lower()
    assert "What is." not in proven + testing
    assert [f["id"] for f in numbers["findings"]] == [f.id for f in made]
    assert {f["section"] for f in numbers["findings"]} == {"01-is-it"}
    page = read_page(html)
    assert page.faults() == []
    for shown_finding in made[:-1]:
        assert [a for a in page.all("a") if a["href"] == f"#finding-{shown_finding.id}"], (
            "every finding in a column leads to where it is argued"
        )
    assert html.count('class="range"') == 5, "every interval is drawn, no other"


def test_the_order_of_findings_is_that_of_lower_bounds_then_ids() -> None:
    def made(name: str, lower: float | None) -> dict[str, Any]:
        return {"id": name, "label": "experiment", "money": {"lower": lower, "value": 9e9}}

    findings = [made("b", None), made("d", -1), made("c", 3), made("a", 3)]
    findings.append({"id": "aa", "label": "experiment", "money": None})
    assert [f["id"] for f in ordered(findings, ("experiment",))] == ["a", "c", "d", "aa", "b"]
    assert ordered(findings, ("association",)) == []


def test_tiles_show_level_interval_change_and_verdict(
    run: Run, outputs: Any, read_page: Any
) -> None:
    def points(value: float, lower: float, upper: float) -> Estimate:
        return Estimate(value, lower, upper, "points", 100, "made up")

    trend = (("2024Q1", 20.0), ("2024Q2", None), ("2024Q3", 31.5))
    made = [
        metric("promoters", points(31.5, 28, 35), change=points(4, 1, 7), trend=trend),
        metric("effort", points(2, 1, 3), change=points(1, 0.5, 1.5), higher_is_better=False),
        metric("orders", points(5, 4, 6), change=points(1, 0.5, 1.5), higher_is_better=None),
        metric("steady", points(5, 4, 6), change=points(1, -1, 3)),
        metric("unknown", NOTHING),
        metric("alone", points(7, 6, 8)),
        metric("sixth", points(8, 7, 9)),
    ]
    shown = outputs(lambda: output.show_metrics(made, "<p>The table.</p>"))
    html, numbers = bind(run, {"01_is_it": make_notebook(shown)})
    page = read_page(html)
    assert page.faults() == []
    tiles = [a for a in page.all("li") if a.get("class") == "tile"]
    assert len(tiles) == 5, "as many as fit, those without a level left out"
    first = html[html.index('<ul class="tiles">') : html.index('<dl class="answers">')]
    first = first.replace("\u2060", "")
    for said in (
        "Promoters",
        "31.5",
        "28.0 to 35.0",
        "+4.0",
        "+1.0 to +7.0",
        "on 2024Q2",
        "better",
        "worse",
        "higher",
    ):
        assert said in first
    assert "2024Q1 20.0, 2024Q2 –, 2024Q3 31.5" in first
    assert "Unknown" not in first
    assert "Sixth" not in first
    assert [m["id"] for m in numbers["metrics"]] == [m.id for m in made]
    assert numbers["metrics"][4]["now"] == {"not_estimable": NOTHING.reason}


@pytest.mark.parametrize(
    ("lower", "upper", "higher_is_better", "tone"),
    [
        (1, 2, True, "better"),
        (-2, -1, True, "worse"),
        (1, 2, False, "worse"),
        (-2, -1, False, "better"),
        (1, 2, None, "neutral"),
        (-1, 2, True, "neutral"),
        (0, 2, True, "neutral"),
        (None, None, True, "neutral"),
    ],
)
def test_a_verdict_needs_an_interval_without_nought(
    lower: float | None, upper: float | None, higher_is_better: bool | None, tone: str
) -> None:
    assert judge(money(1, lower, upper), higher_is_better)[1] == tone


def test_a_trend_is_drawn_from_the_levels_there_are() -> None:
    assert draw_sparkline([1.0, None]) == ""
    assert draw_sparkline([]) == ""
    assert "nan" not in draw_sparkline([1.0, 1.0, 1.0])
    rising = draw_sparkline([0.0, None, 10.0])
    assert rising.count(",") == 2
    heights = [
        float(point.split(",")[1]) for point in rising.split('points="')[1].split('"')[0].split()
    ]
    assert heights[0] > heights[1], "up is a smaller ordinate"


def test_a_metric_without_level_has_no_tile() -> None:
    assert make_tile(output.json_ready(metric("unknown", NOTHING))) is None


def test_decisions_stand_beside_what_is_said_now(run: Run, outputs: Any, read_page: Any) -> None:
    pd.DataFrame(
        {
            "finding_id": ["still-there", "gone"],
            "decided_on": [dt.date(2024, 5, 1), None],
            "action": ["Keep it", "Try again"],
            "owner_role": ["Head of service", None],
            "due_on": [dt.date(2024, 8, 15), None],
            "status": ["open", None],
        }
    ).to_parquet(run.prepared / "decisions.parquet")
    shown = outputs(
        lambda: output.show_finding(finding("still-there", "It still pays.", "experiment"))
    )
    html, _ = bind(run, {"01_is_it": make_notebook(shown)})
    page = read_page(html)
    assert page.faults() == []
    part = read_page(html[html.index('id="decided"') : html.index('class="notebook"')]).text
    for said in ("Keep it", "Head of service", "2024-08-15", "open", "It still pays.", "Try again"):
        assert said in part
    for unsaid in ("NaT", "nan", "None", "00:00"):
        assert unsaid not in part


def test_what_is_not_there_is_not_made_up(run: Run, read_page: Any) -> None:
    missing = {
        **make_notebook([]),
        "metadata": {"clientele": {"not_available": "not available: needs a & b"}},
    }
    html, numbers = bind(run, {"01_is_it": missing})
    page = read_page(html)
    assert page.faults() == []
    assert "Not available: needs a & b." in page.text
    assert "What the last review decided" not in page.text
    assert "show(result)" not in page.text
    assert numbers["not_available"] == {"01-is-it": "not available: needs a & b"}
    assert numbers["findings"] == numbers["metrics"] == []


def test_figures_are_images_with_alternative_text(run: Run, outputs: Any, read_page: Any) -> None:
    figure, axes = new_figure(height=1.5)
    axes[0].plot([1, 2])
    shown = outputs(lambda: output.show_figure(figure, 'A line from "1" to 2'))
    html, _ = bind(run, {"01_is_it": make_notebook(shown, tags=["appendix"])})
    page = read_page(html)
    assert page.faults() == []
    (image,) = page.all("img")
    assert image["alt"] == 'A line from "1" to 2'
    assert image["src"].startswith("data:image/svg+xml;base64,")
    assert html.index("Appendix to this section") < html.index("<img")


def test_parameters_as_handed_over_are_not_shown(run: Run) -> None:
    html, _ = bind(run, {"01_is_it": make_notebook([])})
    assert "somebody" not in html


def test_a_page_may_load_nothing_and_run_nothing(run: Run, read_page: Any) -> None:
    html, _ = bind(run, {"01_is_it": make_notebook([])})
    page = read_page(html)
    (policy,) = (a["content"] for a in page.all("meta") if "Security" in a.get("http-equiv", ""))
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert policy.count("sha256-") == 2, "one style, one script, known to the byte"
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert page.foreign_code() == []
    tampered = read_page(html.replace("</style>", "p{}</style>").replace("<script>", "<script>;"))
    assert len(tampered.foreign_code()) == 2
    assert page.all("html")[0]["lang"] == "en"


def test_the_same_notebooks_give_the_same_bytes(run: Run, outputs: Any) -> None:
    shown = outputs(lambda: output.show_finding(finding("a", "A.", "experiment", money(1, 0, 2))))
    notebooks = {"01_is_it": make_notebook(shown)}
    assert bind(run, notebooks) == bind(run, json.loads(json.dumps(notebooks)))


def test_a_section_is_named_by_its_file_and_its_first_heading() -> None:
    section = read_section("07_a_b", make_notebook([], "# Why?\n\nBecause."))
    assert (section.id, section.title, section.lead) == ("07-a-b", "Why?", "<p>Because.</p>\n")
    assert [part.kind for part in section.parts] == ["prose", "code"]


def test_a_section_tagged_as_appendix_is_closed_unless_asked_for(
    run: Run, outputs: Any, read_page: Any
) -> None:
    notebook = make_notebook(outputs(lambda: output.show_sentence("Said in the depth.")))
    notebook["cells"][0]["metadata"] = {"tags": ["appendix"]}
    closed, _ = bind(run, {"06_depth": notebook})
    assert "Open this section" in closed
    assert read_page(closed).faults() == []
    settings = run.settings.model_copy(update={"open_sections": ("06-depth",)})
    opened, _ = bind(replace(run, settings=settings), {"06_depth": notebook})
    assert "Open this section" not in opened
    assert "Said in the depth." in opened


def test_a_headline_and_the_rest_are_the_whole_sentence() -> None:
    assert headline("Chat pays: it brought 3. So go on.") == (
        "Chat pays.",
        "It brought 3. So go on.",
    )
    assert headline("Of 5: none stay. Why?") == ("Of 5: none stay.", "Why?")
    assert headline("One sentence.") == ("One sentence.", "")
    assert headline("") == ("", "")


def test_intervals_are_drawn_on_one_scale_with_nought() -> None:
    scale = common_scale([(5.0, 10.0), (-10.0, -5.0)])
    assert scale[0] < -10 < 10 < scale[1]
    left, right = (draw_interval(v, v - 2.5, v + 2.5, scale) for v in (-7.5, 7.5))

    def at(svg: str, kind: str) -> float:
        return float(svg.split(f'class="{kind}" d="M')[1].split(" ")[0])

    assert at(left, "nought") == at(right, "nought")
    assert at(left, "whisker") < at(left, "point") < at(left, "nought") < at(right, "whisker")
    assert common_scale([]) == (-1.0, 1.0)
    level = draw_sparkline([1.0, 2.0], 1.5, 4.0)
    assert 'class="whisker"' in level
    assert 'class="whisker"' not in draw_sparkline([1.0, 2.0])


def test_numbers_lead_to_their_cell_and_nothing_else_does() -> None:
    said = (
        "In 2026Q2, as of 2026-06-30, −€1,234.50 (−€2k to €3.1m) is 12% of 7; A4 and v1.2.3 stay."
    )
    html = link_numbers(
        f"<p>{said}</p><table><tr><td>5</td></tr></table><p>&#39;5&#39;</p>", "s--c"
    )
    linked = re.findall(r'<a class="from" href="#s--c">(.*?)</a>', html)
    assert linked == ["−€1,234.50 (−€2k to €3.1m)", "12%", "7", "5"]
    assert "<td>5</td>" in html
    assert re.sub(r"</?a[^>]*>", "", html).startswith(f"<p>{said}</p>"), "nothing is changed"
    assert link_numbers("<p>5</p>", "") == "<p>5</p>"


def test_places_survive_what_changes_elsewhere(run: Run, outputs: Any, read_page: Any) -> None:
    """Numbers move with the data, cells and sections are added: links of last month still hold."""

    def places(worth: float, more: bool) -> set[str]:
        made = finding("it-pays", f"It pays {worth}.", "experiment", money(worth, 1, 9))
        shown = outputs(
            lambda: output.show_finding(made),
            lambda: output.show_table(html_table(["A"], [["1"]], f"Spend of {worth}, EUR")),
        )
        notebook = make_notebook(shown)
        notebook["cells"][3]["id"] = "result"
        if more:
            extra = {"cell_type": "markdown", "metadata": {}, "id": "new", "source": "## Result"}
            notebook["cells"].insert(1, extra)
        notebooks = {"02_is_it": notebook}
        if more:
            notebooks = {"01_new": make_notebook(shown[1:]), **notebooks}
        return set(read_page(bind(run, notebooks)[0]).ids)

    before, after = places(5, False), places(7, True)
    assert before < after
    assert {"02-is-it", "02-is-it--result", "finding-it-pays", "at-a-glance--it-pays"} <= before
    assert "02-is-it--result--spend-of-eur" in before


def test_two_tables_of_a_cell_have_two_places() -> None:
    names = Names("s--c")
    given = [names.name(text, "table") for text in ("Spend", "Spend", "", "<b>", "Цена, 5")]
    assert given == ["s--c--spend", "s--c--spend-2", "s--c--table", "s--c--b", "s--c--цена"]
