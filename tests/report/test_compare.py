"""Two periods compared, and what was published beside what is computed now, with the reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.errors import ParameterError
from analysis.intake.settings import load_settings
from analysis.reporting.compare.difference import apart, find_differences, numbers_of, same
from analysis.reporting.compare.movement import (
    compare_decisions,
    compare_findings,
    compare_metrics,
    compare_tables,
)
from analysis.reporting.compare.page import render_comparison
from analysis.reporting.compare.restatement import attribute, restate, why_in_words
from analysis.reporting.compare.study import (
    Comparison,
    Side,
    choose_periods,
    gap_between,
)
from analysis.reporting.compare.words import (
    change_in_words,
    how_attributed,
    restatement_in_words,
)
from analysis.reporting.provenance import Cause

STUB = Path(__file__).parent / "stub"


def estimate(
    value: float, lower: float | None, upper: float | None, unit: str = "EUR"
) -> dict[str, Any]:
    return {
        "value": value, "lower": lower, "upper": upper, "unit": unit, "n": 100, "method": "mean",
        "confidence_level": 0.95,
    }  # fmt: skip


def metric(now: dict[str, Any], **parts: Any) -> dict[str, Any]:
    none = {"not_estimable": "none"}
    return {
        "id": "revenue", "name": "Revenue", "section": "01-money", "now": now, "previous": none,
        "change": none, "year_before": none, "change_on_year": none, "trend": [],
        "higher_is_better": True, **parts,
    }  # fmt: skip


def finding(id: str = "spend", label: str = "association", **parts: Any) -> dict[str, Any]:
    return {
        "id": id, "label": label, "section": "01-money", "sentence": "It is.", "assumption": "",
        "estimates": {}, "money": None, "advice": "", **parts,
    }  # fmt: skip


def test_numbers_differ_beyond_rounding_only() -> None:
    old = estimate(123456.789, 1, 2)
    assert same(old, estimate(123456.7890001, 1, 2))
    assert not same(old, estimate(123456.9, 1, 2))
    assert not same(old, estimate(123456.789, 1, None))
    assert not same(old, None)
    assert not same(old, {"not_estimable": "withheld"})
    assert not same(old, {**old, "n": 105})
    assert not same({"not_estimable": "withheld"}, {"not_estimable": "no rows"})


def test_a_difference_that_is_not_printed_is_not_visible() -> None:
    reports = [{"metrics": [metric(estimate(value, None, None))]} for value in (10.001, 10.002)]
    (found,) = find_differences(*reports)
    assert (found.key, found.visible) == ("metric:revenue:now", False)
    reports[1] = {"metrics": [metric(estimate(11, None, None))]}
    assert find_differences(*reports)[0].visible
    (gone,) = find_differences({"findings": [finding(money=estimate(1, 0, 2))]}, {})
    assert (gone.key, gone.new, gone.visible) == ("finding:spend:money", None, True)


def test_every_number_has_a_key_of_its_own() -> None:
    report = {
        "metrics": [metric(estimate(1, 0, 2), trend=[["2024Q1", 3.0], ["2024Q2", None]])],
        "findings": [finding(money=estimate(1, 0, 2), estimates={"slope": estimate(3, 2, 4)})],
        "estimates": {"01-money": {"money": {"spend": estimate(5, 4, 6)}}},
    }
    keys = [key for key, number in numbers_of(report).items() if number.section == "01-money"]
    assert keys == [
        "metric:revenue:now", "metric:revenue:change", "metric:revenue:previous",
        "metric:revenue:year_before", "metric:revenue:change_on_year", "metric:revenue:trend:2024Q1",
        "finding:spend:slope", "finding:spend:money", "table:01-money:money:spend",
    ] or set(keys) >= {"metric:revenue:trend:2024Q1", "finding:spend:money"}  # fmt: skip
    assert len(keys) == 9


def test_a_verdict_needs_the_interval_of_the_change() -> None:
    old = {"metrics": [metric(estimate(10, 9, 11))]}
    changed = metric(
        estimate(20, 19, 21), change=estimate(10, 8, 12), previous=estimate(10.5, 9, 12)
    )
    (move,) = compare_metrics(old, {"metrics": [changed]}, "previous")
    assert (move.remark, move.tone) == ("better", "better")
    assert move.old_seen_later == estimate(10.5, 9, 12)
    (move,) = compare_metrics(old, {"metrics": [changed]}, "")
    assert (move.remark, move.tone, move.change) == (
        "the intervals do not overlap",
        "neutral",
        None,
    )
    near = {"metrics": [metric(estimate(10.5, 9, 12))]}
    (move,) = compare_metrics(old, near, "")
    assert move.remark == "no interval of the change is known"
    (move,) = compare_metrics({}, near, "previous")
    assert move.remark == "not measured in the earlier period"
    assert not apart(estimate(1, 0, 2), estimate(5, None, None))
    assert not apart(estimate(1, 0, 2, "EUR"), estimate(5, 4, 6, "months"))


def test_findings_come_go_and_change() -> None:
    old = {"findings": [finding("a"), finding("b"), finding("c", advice="test")]}
    new = {"findings": [finding("b"), finding("c", "experiment", advice="extend"), finding("d")]}
    changes = {move.id: move.changes for move in compare_findings(old, new)}
    assert changes == {
        "a": ("no longer found",),
        "d": ("new",),
        "c": ("label: association became experiment", "advice: test further became extend"),
        "b": (),
    }
    assert [move.id for move in compare_findings(old, new)][-1] == "b"


def test_decisions_are_followed() -> None:
    first = {"finding_id": "chat", "decided_on": "2026-01-10", "action": "Extend", "status": "open"}
    done, other = {**first, "status": "done"}, {**first, "decided_on": "2026-04-10"}
    moves = compare_decisions({"decisions": [first]}, {"decisions": [done, other]})
    assert [move.changes for move in moves] == [("open became done",), ("new, open",)]


def test_changes_are_worded_with_sign_and_unit() -> None:
    share = estimate(0.012, -0.004, 0.028, "share")
    assert change_in_words(share) == "+1.2 points (−0.4 to 2.8)"
    assert change_in_words(estimate(-3, None, None)) == "−€3.00"
    assert change_in_words(None) == "–"


def test_which_periods_are_compared() -> None:
    settings = load_settings(STUB / "small")
    labels = [p.label for p in choose_periods("", "", settings)]
    assert labels == ["2024Q2", "2024Q3"]
    assert [p.label for p in choose_periods("2024Q1", "", settings)] == ["2024Q1", "2024Q3"]
    assert [p.label for p in choose_periods("2024-05", "", settings)] == ["2024-05", "2024-09"]
    assert gap_between(*choose_periods("2024Q1", "2024Q2", settings)) == "previous"
    assert gap_between(*choose_periods("2024Q1", "2024Q3", settings)) == ""
    for start, end, words in [
        ("2024Q3", "2024Q1", "FROM has to lie before TO"),
        ("2024Q2", "2024Q2", "FROM has to lie before TO"),
        ("2024-05", "2024Q3", "two quarters or two months"),
        ("2019Q1", "2024Q3", "2019Q1"),
    ]:
        with pytest.raises(ParameterError, match=words):
            choose_periods(start, end, settings)


def test_a_number_is_put_down_to_what_can_have_changed_it() -> None:
    reports = [{"findings": [finding(money=estimate(value, None, None))]} for value in (1, 2)]
    (difference,) = find_differences(*reports)
    data, settings = Cause("data", "t", ""), Cause("settings", "s", "")
    elsewhere = Cause("notebooks", "02.ipynb", "", ("02-other",))
    page = Cause("code", "reporting", "", binding=True)
    found = attribute(difference, [data, elsewhere, page], None)
    assert (found.why, why_in_words(found)) == (("data",), "late or changed data")
    found = attribute(difference, [data, settings], None)
    assert why_in_words(found) == "late or changed data, or changed settings"
    tried = {difference.key: estimate(1, None, None)}
    assert attribute(difference, [data, settings], tried).why == ("settings",)
    tried = {difference.key: estimate(2, None, None)}
    assert attribute(difference, [data, settings], tried).why == ("data",)
    tried = {difference.key: estimate(1.5, None, None)}
    found = attribute(difference, [data, settings], tried)
    assert why_in_words(found) == "late or changed data, together with changed settings"
    assert why_in_words(attribute(difference, [page], None)) == "not known"


def test_data_and_code_changed_at_once_cannot_be_told_apart() -> None:
    old, new = (
        {"period": "2024Q3", "findings": [finding(money=estimate(v, None, None))]} for v in (1, 2)
    )
    manifests = [
        {"tables": {"transactions": {"digest": x}}, "code": {"src/analysis/methods/a.py": x}}
        for x in ("1", "2")
    ]
    found = restate(old, manifests[0], new, manifests[1], (1, 1))
    assert [cause.kind for cause in found.causes] == ["data", "code"]
    said = " ".join(restatement_in_words("2024Q3", found))
    assert "The cause is late or changed data, or changed code (which one cannot be told)." in said
    assert "cannot be tried one by one" in how_attributed(found)


def test_restated_without_a_known_cause_is_said() -> None:
    old, new = (
        {"period": "2024Q3", "findings": [finding(money=estimate(v, None, None))]} for v in (1, 2)
    )
    said = " ".join(restatement_in_words("2024Q3", restate(old, {}, new, {}, (2, 2))))
    assert (
        "as published last (revision 2): 1 of 1 numbers comes out differently today, visibly."
        in said
    )
    assert "No cause is known: data, settings, code and versions are the same." in said
    page_only = [{"code": {"src/analysis/reporting/a.py": x}} for x in ("1", "2")]
    said = " ".join(
        restatement_in_words("2024Q3", restate(old, page_only[0], new, page_only[1], (1, 1)))
    )
    assert "None of the known changes should touch a number" in said


def compared(project: Any, start: str = "2024Q2", end: str = "2024Q3") -> tuple[str, Any, str]:
    done = project.run("compare", FROM=start, TO=end)
    assert done.returncode == 0, done.stderr
    folder = project.root / "reports" / "stub-sons" / f"compare-{start}-{end}"
    page = (folder / "index.html").read_text(encoding="utf-8")
    return done.stdout, json.loads((folder / "comparison.json").read_text(encoding="utf-8")), page


def test_nothing_changed_nothing_restated(project: Any, read_page: Callable[[str], Any]) -> None:
    said, numbers, html = compared(project)
    assert "2024Q2 was never published" in said
    assert "2024Q3 as published: all 3 numbers come out the same today." in said
    assert numbers["from"] == {"period": "2024Q2", "published": False}
    assert numbers["to"]["restated"] == []
    assert str(project.root) not in html
    page = read_page(html)
    assert [f for f in page.faults() if not f.startswith("link ../")] == []
    (moved,) = numbers["findings"]
    assert moved["from"]["money"]["value"] < moved["to"]["money"]["value"]


def test_late_data_are_told_from_changed_settings(project: Any) -> None:
    """The setting is one that no number of this suite rests on: tried, and found not to matter."""
    project.add_late_rows()
    project.change("data/small/dataset.yml", "gross_margin: 0.5", "gross_margin: 0.4")
    said, numbers, html = compared(project)
    assert "3 of 3 numbers come out differently today, visibly." in said
    assert "The cause is late or changed data." in said
    assert "transactions: rows dated 2024Q1 (about 10 rows more) (from transactions.csv)" in html
    assert "economics.gross_margin: 0.5 became 0.4" in html
    assert numbers["to"]["computed_with_settings_of_then"]
    assert {tuple(r["why"]) for r in numbers["to"]["restated"]} == {("data",)}
    old, new = (numbers["to"]["restated"][0][side]["value"] for side in ("published", "now"))
    assert 500 < new - old < 1300, "nine late orders of 99, rounded as published"
    again = project.run("compare", FROM="2024Q2", TO="2024Q3")
    assert "due" not in again.stderr, "the settings of then are tried once"
    assert again.stdout == said


def test_a_wrong_period_is_said(project: Any) -> None:
    done = project.run("compare", FROM="2024Q2", TO="2031Q1")
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)
    assert "2031Q1" in done.stderr


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> {name} {{ 7*7 }}"


def test_hostile_text_stays_text_on_the_page(read_page: Callable[[str], Any]) -> None:
    def report(value: float) -> dict[str, Any]:
        decided = {"finding_id": HOSTILE, "decided_on": "2026-01-10", "action": HOSTILE,
                   "status": HOSTILE, "now": HOSTILE}  # fmt: skip
        return {
            "period": "2024Q3",
            "metrics": [metric(estimate(value, 0, 9), name=HOSTILE)],
            "findings": [finding(HOSTILE, sentence=HOSTILE, money=estimate(value, None, None))],
            "estimates": {"01-money": {HOSTILE: {HOSTILE: estimate(value, 0, 9)}}},
            "decisions": [decided],
            "not_available": {} if value == 1 else {HOSTILE: HOSTILE},
        }

    old, new = report(1), report(2)
    manifests = [
        {"settings": {HOSTILE: x}, "code": {HOSTILE: x}, "notebooks": {HOSTILE: x},
         "libraries": {HOSTILE: x}, "inputs": {f"data/{HOSTILE}": x},
         "tables": {HOSTILE: {"digest": x}}}
        for x in (HOSTILE, "2")
    ]  # fmt: skip
    sides = [
        Side("2024Q2", "2024Q2", old, None),
        Side("2024Q3", "2024Q3", new, restate(old, manifests[0], new, manifests[1], (1, 1))),
    ]
    comparison = Comparison(
        *(HOSTILE, "EUR", "on", HOSTILE, *sides, "previous"),
        metrics=tuple(compare_metrics(old, new, "previous")),
        findings=tuple(compare_findings(old, new)),
        tables=tuple(compare_tables(old, new)),
        decisions=tuple(compare_decisions(old, new)),
    )
    html = render_comparison(comparison)
    page = read_page(html)
    assert html.count("alert(1)") > 20, "the poison has to be there for this test to mean anything"
    assert "alert" not in "".join(page.scripts)
    assert not page.all("img")
    assert not [name for _, given in page.elements for name in given if name.startswith("on")]
    assert "{{ 7*7 }}" in page.text
