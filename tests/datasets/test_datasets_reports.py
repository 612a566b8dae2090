"""A report of each data set: what stands in it, by hand, and what must never."""

from __future__ import annotations

import csv
import datetime as dt
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analysis.intake.dataset import Dataset
from analysis.paths import PROJECT_ROOT

# The data sets are prepared, and their reports bound, once for all tests here.
pytestmark = pytest.mark.xdist_group("datasets")

HERE = Path(__file__).parent
NAMES = sorted(path.parent.name for path in HERE.glob("*/dataset.yml"))
# What code writes when it forgets that a number may be missing, or that words have a plural.
LEAKED = re.compile(r"\b(nan|inf|None(?! of)|NaT|NotEstimable|Traceback|frame_\w+|1 rows)\b")
CHURN, SPEND, ROI = "02-churn-survival", "03-spend-on-satisfaction", "04-service-roi"
PAINS, SHEETS, WISDOM = "05-pain-points", "06-customer-orientation", "07-received-wisdom"
SCORECARD = "01-scorecard"
SCORED, MONEY = "surveys with a score", "transactions or periods"
PROGRAMMES = "programmes with a name, and rollout or exposures"
EXPERIENCE = "surveys with a score or contacts or journey or transactions with promised_on"
NOBODY_ASKED = {SPEND: SCORED, ROI: PROGRAMMES, PAINS: EXPERIENCE}
MISSING: dict[str, dict[str, str]] = {
    "order_lines": NOBODY_ASKED,
    "wide_survey": {SPEND: MONEY, ROI: f"{PROGRAMMES}, and {MONEY}"},
    "experiment_arms": {SPEND: SCORED, PAINS: EXPERIENCE},
    "subscriptions": NOBODY_ASKED,
    "markets": {SPEND: SCORED, PAINS: EXPERIENCE},
    "credit_notes": NOBODY_ASKED,
    "regional_export": {ROI: PROGRAMMES},
    "workbook": {ROI: PROGRAMMES},
    "database": {SPEND: SCORED, ROI: PROGRAMMES},
    "snapshot": {
        SCORECARD: "customers with started_on or transactions or periods or surveys with a score",
        SPEND: f"{SCORED}, and {MONEY}",
        ROI: f"{PROGRAMMES}, and {MONEY}",
        PAINS: EXPERIENCE,
    },
    "anonymous_reviews": {
        CHURN: "customers with a first day or a tenure",
        SPEND: MONEY,
        ROI: f"{PROGRAMMES}, and {MONEY}",
        WISDOM: "customers",
    },
    "fiscal_years": {ROI: PROGRAMMES},
}
UNITS = {
    "wide_survey": "members",
    "subscriptions": "subscribers",
    "markets": "markets",
    "snapshot": "lines",
}
# Sentences that only these data call for.
SAID: dict[str, tuple[str, ...]] = {
    "order_lines": ("a customer counts as lost only after 7 months without an order",),
    "wide_survey": ("Effort (CES), mean 3.00", "Less effort satisfies"),
    "experiment_arms": (
        "Gift in the parcel: a recorded draw, which nothing recorded beforehand contradicts",
    ),
    "subscriptions": ("The exports add up money without counting the orders.",),
    "markets": (
        "Longer opening hours: 16 areas, each from when it was reached",
        "Nobody has left, so there is no curve to draw.",
    ),
    "credit_notes": ("Withheld: one customer makes up half of it or more.",),
    "regional_export": ("долго ждал", "RUB\u00a0", "Тёплый дом"),
    "workbook": ("Share of customers still there by segment",),
    "database": ("The contacts do not say at which touchpoint they were.",),
    "snapshot": (
        "Two curves from the same snapshot",
        "it shows who is here and who left within the last 3 months, not who left before",
        "The data carry no key figure for this period.",
    ),
    "anonymous_reviews": (
        "Returns hurts most",
        "Answers are anonymous, so nobody can be called.",
        "each counts as a customer of its own",
    ),
    "fiscal_years": ("Monthly review of customers", "Revenue in 2026-05 was", "on 2026-04", "on 2025-05"),
}  # fmt: skip


def rows_of(name: str, table: str) -> list[dict[str, str]]:
    path = HERE / name / f"expected/{table}.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def money_within(name: str, table: str, day: str, amount: str, first: str, last: str) -> float:
    """The sum of a column of money between two days, from the table beside the data set."""
    return math.fsum(float(r[amount]) for r in rows_of(name, table) if first <= r[day] <= last)


@pytest.mark.parametrize("name", NAMES)
def test_report_holds_what_the_data_bear_and_nothing_else(
    name: str, bound: Callable[[str], Any]
) -> None:
    report = bound(name)
    text = report.text
    needs = {section: needed.removeprefix("not available: needs ") for section, needed in
             report.numbers["not_available"].items()}  # fmt: skip
    assert needs == {**MISSING[name], SHEETS: "orientation"}
    for needed in needs.values():
        assert f"Not available: needs {needed}." in text
    assert not LEAKED.findall(text)
    assert "nan" not in report.files["numbers.json"].decode().lower().split()
    plain = text.replace("\u00a0", " ")
    for sentence in SAID[name]:
        assert sentence.replace("\u00a0", " ") in plain, sentence
    disclosed = (HERE / name / "dataset.yml").read_text(encoding="utf-8").find(
        "disclosure: off"
    ) < 0
    assert report.numbers["disclosure"] == ("on" if disclosed else "off")


@pytest.mark.parametrize("name", NAMES)
def test_notes_stand_in_the_data_section(
    name: str, bound: Callable[[str], Any], opened: Callable[[str], Dataset]
) -> None:
    text = bound(name).text.rsplit(" Data What was mended", 1)[-1]
    for note in opened(name).notes:
        where = f"{note.table} · {note.column}" if note.column else note.table or "files"
        assert f"{where} {note.kind} {' '.join(note.message.split())} {note.count or '–'}" in text


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_named(name: str, bound: Callable[[str], Any]) -> None:
    report = bound(name)
    published = report.text + report.files["numbers.json"].decode()
    tables = [path.stem for path in sorted((HERE / name / "expected").glob("*.csv"))]
    private = {
        row[column].strip()
        for table in tables
        for row in rows_of(name, table)
        for column in ("customer_id", "transaction_id", "response_id", "contact_id", "comment")
        if column in row
    }
    # Whole numbers of a few digits would be found in any table of figures.
    told = {word for word in private if word and not re.fullmatch(r"[1-9]\d{0,4}", word)}
    assert len(told) > 0 or name == "anonymous_reviews"
    found = [w for w in sorted(told) if re.search(rf"(?<![\w-]){re.escape(w)}(?![\w-])", published)]
    assert not found
    for secret in ("sqlite://", "crm.db", "Zaphod", str(HERE), os.sep + "tests" + os.sep):
        assert secret not in published + report.files["manifest.json"].decode()


@pytest.mark.parametrize("name", sorted(UNITS))
def test_a_customer_is_called_what_the_data_set_calls_it(
    name: str, bound: Callable[[str], Any], opened: Callable[[str], Dataset]
) -> None:
    unit = UNITS[name]
    assert f" {unit}" in opened(name).summary()
    assert "customers" not in opened(name).summary()
    assert opened(name).summary() in bound(name).text
    assert f"review of {unit} " in bound(name).text


@pytest.mark.parametrize(
    ("name", "table", "day", "amount", "first", "last"),
    [
        ("order_lines", "transactions", "occurred_on", "amount", "2025-10-01", "2025-12-31"),
        ("markets", "periods", "to_on", "spend", "2025-10-01", "2025-12-31"),
        ("experiment_arms", "transactions", "occurred_on", "amount", "2025-10-01", "2025-12-31"),
        ("subscriptions", "periods", "to_on", "spend", "2025-10-01", "2025-12-31"),
        ("regional_export", "transactions", "occurred_on", "amount", "2025-10-01", "2025-12-31"),
        ("database", "transactions", "occurred_on", "amount", "2025-10-01", "2025-12-31"),
        ("workbook", "transactions", "occurred_on", "amount", "2025-10-01", "2025-12-31"),
        ("fiscal_years", "transactions", "occurred_on", "amount", "2026-05-01", "2026-05-31"),
    ],
)
def test_revenue_is_the_sum_of_the_rows(
    name: str, table: str, day: str, amount: str, first: str, last: str, bound: Callable[[str], Any]
) -> None:
    ours = bound(name).metrics["revenue"]["now"]["value"]
    by_hand = money_within(name, table, day, amount, first, last)
    if bound(name).numbers["disclosure"] == "off":
        assert ours == pytest.approx(by_hand, rel=1e-9)
        return
    # Under disclosure a sum is rounded so far that neither the largest customer nor five show.
    brought: dict[str, float] = {}
    for row in rows_of(name, table):
        if first <= row[day] <= last:
            brought[row["customer_id"]] = brought.get(row["customer_id"], 0) + float(row[amount])
    five = 5 * abs(by_hand) / len(brought)
    assert abs(ours - by_hand) <= max(five, *(abs(amount) for amount in brought.values()))


def test_dominated_revenue_is_withheld_beside_what_can_be_shown(
    bound: Callable[[str], Any],
) -> None:
    report = bound("credit_notes")
    assert "not_estimable" in report.metrics["revenue"]["now"]
    assert "not_estimable" in report.metrics["gross-margin"]["now"]
    assert report.metrics["average-order-value"]["now"]["value"] > 0
    assert "none or as all" in report.metrics["retention"]["now"]["not_estimable"], "few were lost"
    assert "25,000" not in report.text


def test_share_of_the_content_is_counted_by_hand(bound: Callable[[str], Any]) -> None:
    report = bound("anonymous_reviews")
    stars = [
        int(row["score"])
        for row in rows_of("anonymous_reviews", "surveys")
        if row["answered_on"] >= "2025-10-01"
    ]
    now = report.metrics["csat-top-two"]["now"]
    assert now["n"] == len(stars)
    assert now["value"] == pytest.approx(sum(score >= 4 for score in stars) / len(stars))


def test_net_promoter_score_of_the_panel_is_counted_by_hand(bound: Callable[[str], Any]) -> None:
    known = {row["customer_id"] for row in rows_of("wide_survey", "customers")}
    scores = [
        int(row["score"])
        for row in rows_of("wide_survey", "surveys")
        if row["instrument"] == "nps" and row["answered_on"] >= "2025-10-01" and row["score"]
    ]
    assert len(known) == 60
    by_hand = 100 * (sum(s >= 9 for s in scores) - sum(s <= 6 for s in scores)) / len(scores)
    now = bound("wide_survey").metrics["net-promoter-score"]["now"]
    # Counts are rounded to five, so the score moves in steps of a customer among so few.
    assert abs(now["value"] - by_hand) <= 500 / len(scores)
    assert now["lower"] <= by_hand <= now["upper"]


def test_survival_of_the_snapshot_is_reckoned_by_hand(bound: Callable[[str], Any]) -> None:
    at = {
        (int(row["tenure"]) * 7 / 30.4375, row["ended"] == "True", i)
        for i, row in enumerate(rows_of("snapshot", "customers"))
    }
    share = 1.0
    for moment in sorted({months for months, gone, _ in at if gone and months <= 12}):
        lost = sum(months == moment and gone for months, gone, _ in at)
        share *= 1 - lost / sum(months >= moment for months, _, _ in at)
    estimates = bound("snapshot").numbers["estimates"][CHURN]["snapshot"]
    (named,) = [name for name in estimates if "12 months" in name and "delayed" not in name]
    assert estimates[named]["value"] == pytest.approx(share, rel=1e-6)


def test_difference_of_the_arms_is_reckoned_by_hand(bound: Callable[[str], Any]) -> None:
    margin = {row["customer_id"]: 0.0 for row in rows_of("experiment_arms", "exposures")}
    for row in rows_of("experiment_arms", "transactions"):
        if row["customer_id"] in margin and "2025-04-01" <= row["occurred_on"] <= "2025-12-31":
            margin[row["customer_id"]] += float(row["margin"]) / 3
    arms: dict[str, list[float]] = {"treated": [], "control": []}
    for row in rows_of("experiment_arms", "exposures"):
        arms[row["arm"]].append(margin[row["customer_id"]])
    means = {arm: math.fsum(values) / len(values) for arm, values in arms.items()}
    by_hand = means["treated"] - means["control"]
    assert f"Gift in the parcel difference in means £{by_hand:.2f}" in bound("experiment_arms").text
    finding = next(f for f in bound("experiment_arms").numbers["findings"] if f["section"] == ROI)
    assert finding["label"] == "experiment"


def test_hours_reached_the_markets_as_planned(bound: Callable[[str], Any]) -> None:
    finding = next(f for f in bound("markets").numbers["findings"] if f["section"] == ROI)
    assert finding["label"] == "quasi-experiment"
    # 900 a quarter of sales were put into the data; a quarter of it is margin.
    effect = next(
        e
        for e in finding["estimates"].values()
        if "quarter" in e["unit"] and e["lower"] is not None
    )
    assert effect["lower"] < 900 * 0.25 < effect["upper"]


def test_report_by_kernels_is_the_report_bound_in_this_process(
    bound: Callable[[str], Any], settled: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = settled("subscriptions")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "DATASET": str(folder), "PERIOD": "", "SEGMENT": "",
        "CLIENTELE_BUILD_FOLDER": str(tmp_path / "build"),
        "CLIENTELE_REPORTS_FOLDER": str(tmp_path / "reports"),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "analysis.reporting.build"],
        env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (published,) = tmp_path.glob("reports/*/*/numbers.json")
    built, ours = json.loads(published.read_text(encoding="utf-8")), bound("subscriptions").numbers
    assert dt.date.fromisoformat(built["as_of"]) == dt.date(2025, 12, 31)
    for part in ("metrics", "findings", "estimates", "not_available"):
        assert built[part] == ours[part], part
