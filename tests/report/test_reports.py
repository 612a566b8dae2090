"""The reports of the data that come with the suite, built once with the notebooks as they are."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import html as html_module
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "data" / "demo"
LARGEST_PAGE_BYTES = 3_000_000

pytestmark = [pytest.mark.build, pytest.mark.xdist_group("builds")]


def embedded_images(html: str) -> Iterator[str]:
    for coded in re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", html):
        yield base64.b64decode(coded).decode()


def without_images(html: str) -> str:
    return re.sub(r"base64,[A-Za-z0-9+/=]+", "", html)


def assert_nobody_is_in(text: str) -> None:
    """No identifier of a customer or an employee, nothing that a customer wrote."""
    assert re.findall(r"\bC\d{4}\b", text) == []
    assert re.findall(r"\bE\d{2}\b", text) == []
    assert re.findall(r"\b[KST]\d{5}\b", text) == []
    with (DEMO / "surveys.csv").open(encoding="utf-8", newline="") as stream:
        comments = {row["comment"].strip() for row in csv.DictReader(stream)} - {""}
    assert len(comments) > 3
    plain = html_module.unescape(text)
    assert [comment for comment in comments if comment in plain] == []


def test_the_report_is_three_files_and_its_lists(demo_report: Any) -> None:
    files = [path for path in demo_report.folder.rglob("*") if path.is_file()]
    names = sorted(path.relative_to(demo_report.folder).as_posix() for path in files)
    manifest = json.loads((demo_report.folder / "manifest.json").read_text(encoding="utf-8"))
    listed = [f"lists/{name}" for name in manifest["lists"]]
    assert names == sorted(["index.html", "manifest.json", "numbers.json", *listed])
    assert "lists/customers_at_risk.csv" in listed
    assert len(demo_report.html.encode()) < LARGEST_PAGE_BYTES


def test_numbers_hold_metrics_findings_and_estimates(demo_report: Any) -> None:
    numbers = demo_report.numbers
    assert numbers["not_available"] == {}
    assert len(numbers["metrics"]) >= 3
    labels = {finding["label"] for finding in numbers["findings"]}
    assert "association" in labels
    assert labels & {"experiment", "quasi-experiment"}
    stems = {path.stem.replace("_", "-") for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert set(numbers["estimates"]) <= stems
    sections = re.findall(r'<section class="notebook" id="([^"]+)"', demo_report.html)
    assert sections == sorted(stems)
    for text in ("NaN", "Infinity"):
        assert text not in json.dumps(numbers)


def test_the_page_is_whole_safe_and_self_contained(demo_report: Any, read_page: Any) -> None:
    page = read_page(demo_report.html)
    assert page.faults() == []
    assert len(page.all("img")) >= 4
    assert "not available" not in page.text.lower()
    prose = read_page(re.sub(r"<pre.*?</pre>", "", demo_report.html, flags=re.DOTALL)).text
    assert re.findall(r"\b(?:nan|NaN|NaT|inf|None(?! of )|dtype)\b", prose) == []


def test_nobody_can_be_found_in_the_report(demo_report: Any) -> None:
    assert_nobody_is_in(without_images(demo_report.html))
    assert_nobody_is_in((demo_report.folder / "numbers.json").read_text(encoding="utf-8"))
    assert_nobody_is_in((demo_report.folder / "manifest.json").read_text(encoding="utf-8"))
    for image in embedded_images(demo_report.html):
        assert_nobody_is_in(image)


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_nobody_can_be_found_in_the_notebooks_as_saved(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    assert_nobody_is_in(json.dumps(outputs, ensure_ascii=False))


def test_no_path_is_published(demo_report: Any) -> None:
    for path in (p for p in demo_report.folder.rglob("*") if p.is_file()):
        text = path.read_text(encoding="utf-8")
        for place in (str(ROOT), str(demo_report.folder.parents[1]), str(Path.home())):
            assert place not in text


def test_the_public_sample_gives_its_known_numbers(telco_report: Any) -> None:
    """Reference: survfit and survdiff in R, on the sample as right-censored tenure."""
    estimates = telco_report.numbers["estimates"]["02-churn-survival"]
    kept = estimates["retention"]
    for months, share in ((12, 0.7031), (24, 0.5859), (48, 0.3973)):
        assert round(kept[f"Month-to-month, {months} months"]["value"], 4) == share
    assert kept["Month-to-month, median"]["value"] == 35
    (test,) = estimates["log-rank"].values()
    assert test["value"] == pytest.approx(2352.87253826, abs=1e-5)
    assert "2 degrees" in test["method"]


def test_the_public_sample_says_what_it_lacks(telco_report: Any, read_page: Any) -> None:
    numbers, page = telco_report.numbers, read_page(telco_report.html)
    assert page.faults() == []
    assert "03-spend-on-satisfaction" in numbers["not_available"]
    assert "04-service-roi" in numbers["not_available"]
    assert "02-churn-survival" not in numbers["not_available"]
    for said in numbers["not_available"].values():
        assert said.startswith("not available: needs ")
        assert f"N{said[1:]}." in page.text
    assert re.findall(r"\bS\d{4}\b", without_images(telco_report.html)) == []


# For each export: the column that dates a row, and the columns known from the day in another.
DATED: dict[str, tuple[str, dict[str, str]]] = {
    "customers": ("started_on", {"ended_on": "ended_on", "end_reason": "ended_on"}),
    "transactions": ("occurred_on", {"fulfilled_on": "fulfilled_on"}),
    "surveys": (
        "invited_on",
        {"answered_on": "answered_on", "score": "answered_on", "comment": "answered_on"},
    ),
    "contacts": (
        "opened_at",
        {"first_reply_at": "first_reply_at", "resolved_at": "resolved_at"},
    ),
    "programmes": ("", {}),
    "rollout": ("", {"starts_on": "starts_on"}),
    "exposures": ("assigned_on", {}),
    "orientation": ("answered_on", {}),
    "marketing": ("month", {}),
    "journey": ("month", {}),
    "decisions": ("decided_on", {}),
}


def cut_exports(source: Path, target: Path, day: dt.date) -> dict[str, int]:
    """Copy a data set as it would have been exported at the end of `day`; give the rows left."""
    target.mkdir(parents=True)
    last = f"{day} 23:59:59"
    left = {}
    for path in sorted(source.glob("*.csv")):
        dated, known = DATED[path.stem]
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            columns = list(reader.fieldnames or [])
            rows = [row for row in reader if not dated or row[dated] <= last]
        for row in rows:
            later = [name for name, on in known.items() if row[on] and row[on] > last]
            row.update(dict.fromkeys(later, ""))
        with (target / path.name).open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        left[path.stem] = len(rows)
    settings = (source / "dataset.yml").read_text(encoding="utf-8")
    moved = re.sub(r"(covers: .*to: )\d{4}-\d{2}-\d{2}", rf"\g<1>{day}", settings)
    assert moved != settings
    (target / "dataset.yml").write_text(moved, encoding="utf-8")
    return left


def differences(first: Any, second: Any, place: str = "") -> list[str]:
    """Where two trees of JSON differ."""
    if isinstance(first, dict) and isinstance(second, dict):
        return [
            line
            for key in sorted({*first, *second})
            for line in differences(first.get(key), second.get(key), f"{place}/{key}")
        ]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        return [
            line
            for number, (one, other) in enumerate(zip(first, second, strict=True))
            for line in differences(one, other, f"{place}/{number}")
        ]
    return [] if first == second else [f"{place}: {first!r} | {second!r}"]


def test_an_earlier_period_is_the_report_of_exports_cut_then(
    build_real_report: Callable[..., Any], tmp_path: Path
) -> None:
    day = dt.date(2025, 9, 30)
    left = cut_exports(DEMO, tmp_path / "demo", day)
    assert all(rows for name, rows in left.items() if name != "decisions")
    if not left["decisions"]:
        # An export that holds no row yet is not declared yet.
        settings = tmp_path / "demo" / "dataset.yml"
        lines = settings.read_text(encoding="utf-8").splitlines(keepends=True)
        settings.write_text("".join(line for line in lines if "decisions" not in line), "utf-8")
        (tmp_path / "demo" / "decisions.csv").unlink()
    shutil.copy(DEMO / "truth.yml", tmp_path / "demo")
    earlier = build_real_report("earlier", DEMO, "2025Q3").numbers
    cut = build_real_report("cut", tmp_path / "demo", "2025Q3").numbers
    assert earlier["as_of"] == cut["as_of"] == str(day)
    assert earlier["findings"]
    del earlier["provenance"], cut["provenance"]
    assert differences(earlier, cut) == []
