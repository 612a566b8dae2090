"""Scores of employees' sheets by hand, links from small tables, and what may be published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.disclosure import Disclosure
from analysis.errors import SettingsError
from analysis.intake.settings import Settings, load_settings
from analysis.methods.estimate import CannotEstimate, Estimate, Finding, NotEstimable
from analysis.methods.orientation.asking import compare_invitations, compare_top_marks
from analysis.methods.orientation.change import Change, change_between_sheets
from analysis.methods.orientation.links import Link
from analysis.methods.orientation.random_intercept import fit_random_intercept
from analysis.methods.orientation.reliability import (
    EmployeeScores,
    cronbach_alpha,
    shrink_scores,
)
from analysis.methods.orientation.served import refund_rows, satisfaction_rows, staying_rows
from analysis.methods.orientation.sheets import (
    ITEM_COLUMNS,
    Key,
    half_scores,
    places_of,
    read_sheets,
)
from analysis.methods.orientation.study import OrientationStudy, study_orientation
from analysis.methods.orientation.teams import Teams, compare_teams
from analysis.presentation import orientation, orientation_asking, orientation_links, output

LAST_DAY = np.datetime64("2026-06-30")
OPEN, CLOSED = Disclosure(enabled=False), Disclosure(enabled=True)


def sheet(employee: str, answers: list[float], day: str = "2026-01-10") -> dict[str, Any]:
    return {
        "employee_id": employee,
        "answered_on": pd.Timestamp(day),
        **dict(zip(ITEM_COLUMNS, answers, strict=True)),
    }


def company(
    employees: int = 24, slope: float = 0.6, seed: int = 7, per_employee: int = 40
) -> dict[str, pd.DataFrame]:
    """Employees with two sheets each, their customers' answers, contacts, refunds and lifetimes."""
    rng = np.random.default_rng(seed)
    person = rng.normal(size=employees)
    names = [f"E{i:02d}" for i in range(employees)]
    sign = np.where(np.arange(24) < 12, 1.0, -1.0)
    sheets = []
    for day in ("2025-01-10", "2026-01-10"):
        noise = rng.normal(size=(employees, 24))
        items = np.clip(np.rint(5 + sign * 1.2 * person[:, None] + noise), 1, 9)
        sheets += [sheet(name, row.tolist(), day) for name, row in zip(names, items, strict=True)]
    n = employees * per_employee
    who = rng.integers(0, 300, n)
    employee = np.repeat(np.arange(employees), per_employee)
    day = np.datetime64("2025-03-01") + rng.integers(0, 420, n)
    score = np.clip(np.rint(3 + slope * person[employee] + rng.normal(size=n)), 1, 5)
    ids, served_by = np.array([f"C{i:03d}" for i in who]), np.array(names)[employee]
    days = day.astype("datetime64[ns]")
    customers = pd.DataFrame(
        {
            "customer_id": [f"C{i:03d}" for i in range(300)],
            "segment": np.where(np.arange(300) % 3, "private", "business"),
            "region": np.where(np.arange(300) % 2, "North", "South"),
        }
    )
    back = rng.random(n) < 0.1
    return {
        "orientation": pd.DataFrame(sheets),
        "surveys": pd.DataFrame(
            {"customer_id": ids, "instrument": "csat", "invited_on": days, "answered_on": days,
             "score": score, "employee_id": served_by,
             "touchpoint": np.where(rng.random(n) < 0.5, "chat", "phone")}
        ),
        "contacts": pd.DataFrame(
            {"customer_id": ids, "opened_at": days, "employee_id": served_by,
             "channel": np.where(employee < employees / 2, "chat", "phone")}
        ),
        "customers": customers,
        "transactions": pd.DataFrame(
            {"customer_id": ids[back], "occurred_on": days[back] + np.timedelta64(10, "D"),
             "amount": -20.0}
        ),
        "lifetimes": pd.DataFrame(
            {"customer_id": customers["customer_id"], "spell": 0,
             "started_on": pd.Timestamp("2024-01-01"),
             "exit_months": np.where(np.arange(300) % 4, 29.93, 20.0),
             "ended": np.arange(300) % 4 == 0}
        ),
    }  # fmt: skip


def study_of(tables: dict[str, pd.DataFrame], **options: Any) -> OrientationStudy:
    return study_orientation(
        tables["orientation"], tables["surveys"], tables["contacts"], tables["customers"],
        tables["transactions"], tables["lifetimes"], LAST_DAY.item(), **options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def study() -> OrientationStudy:
    return study_of(company())


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    texts: list[str] = []
    monkeypatch.setattr(
        output, "publish_output",
        lambda data, metadata=None: texts.append(data.get("text/html") or data["text/plain"]),
    )  # fmt: skip
    return texts


def show_everything(study: OrientationStudy, disclosure: Disclosure) -> None:
    for show in (
        orientation.show_sheets, orientation.show_reliability_table, orientation.show_scores,
        orientation.show_change, orientation.show_teams, orientation_links.show_steps_figure,
        orientation_links.show_orientation_finding, orientation_links.show_reading,
        orientation_links.show_doubts, orientation_links.show_links_table,
        orientation_asking.show_asking,
    ):  # fmt: skip
        show(study, disclosure)


def test_statements_on_selling_count_in_reverse() -> None:
    found = read_sheets(pd.DataFrame([sheet("a", [9.0] * 12 + [1.0] * 12)]))
    assert (found.customer[0], found.selling[0], found.overall[0]) == (9, 9, 9)
    turned = read_sheets(
        pd.DataFrame([sheet("a", [9.0, 1.0] * 12)]), Key(selling_items=tuple(range(2, 25, 2)))
    )
    assert (turned.customer[0], turned.selling[0]) == (9, 9)
    narrow = read_sheets(pd.DataFrame([sheet("a", [7.0] * 24)]), Key(highest=7))
    assert (narrow.customer[0], narrow.selling[0], narrow.overall[0]) == (7, 1, 4)


def test_a_half_may_lack_some_answers() -> None:
    keyed = np.full((3, 12), 4.0)
    keyed[:, 0] = 8
    keyed[1, 8:] = np.nan  # four lack: 8 and seven 4s are left
    keyed[2, 7:] = np.nan  # five lack
    scores = half_scores(keyed, 4)
    assert scores[:2] == pytest.approx([52 / 12, 36 / 8])
    assert np.isnan(scores[2])
    assert np.isnan(half_scores(np.full((1, 12), np.nan), 12)).all()


def test_the_last_sheet_that_can_be_scored_counts() -> None:
    gaps = [np.nan] * 8 + [5.0] * 16
    table = pd.DataFrame(
        [
            sheet("b", [3.0] * 24, "2026-03-01"), sheet("a", [9.0] * 12 + [5.0] * 12, "2025-01-01"),
            sheet("a", [5.0] * 12 + [1.0] * 12, "2024-01-01"), sheet("b", gaps, "2026-06-01"),
        ]
    )  # fmt: skip
    found = read_sheets(table)
    assert found.employees == ("a", "b")
    assert found.overall.tolist() == [7.0, 5.0]
    assert found.previous[0] == 7.0
    assert np.isnan(found.previous[1])
    assert (found.sheets, found.left_out, found.uniform) == (4, 1, 1)
    shuffled = read_sheets(table.iloc[::-1])
    assert shuffled.overall.tolist() == found.overall.tolist()


def test_answers_outside_the_declared_scale_are_said() -> None:
    with pytest.raises(CannotEstimate, match="declared scale of 1 to 7"):
        read_sheets(pd.DataFrame([sheet("a", [8.0] * 24)]), Key(highest=7))


def test_undated_sheets_of_one_employee_leave_open_which_is_the_last() -> None:
    table = pd.DataFrame([sheet("a", [3.0] * 24), sheet("a", [4.0] * 24)]).drop(
        columns="answered_on"
    )
    with pytest.raises(CannotEstimate, match="without a date"):
        read_sheets(table)
    assert read_sheets(table.head(1)).n == 1


def test_alpha_by_hand() -> None:
    items = np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 3.0], [4.0, 5.0]])
    # Variances 5/3 and 35/12, of the sum 101/12 … : 2 × (1 − (5/3 + 35/12) / variance of the sum).
    total = items.sum(axis=1).var(ddof=1)
    wanted = 2 * (1 - (5 / 3 + items[:, 1].var(ddof=1)) / total)
    assert cronbach_alpha(items).alpha.value == pytest.approx(wanted)
    same = np.tile(np.arange(5.0)[:, None], 3)
    assert cronbach_alpha(same).alpha.value == pytest.approx(1)
    opposed = cronbach_alpha(np.column_stack([same, -same[:, 0] * 2 + [0.1, 0, 0.2, 0, 0.1]]))
    assert opposed.alpha.value < 0
    assert opposed.against_the_rest >= 1


def test_a_sheet_with_a_gap_is_left_out_of_alpha() -> None:
    items = np.random.default_rng(1).normal(size=(10, 4)) + np.arange(10.0)[:, None]
    gap = items.copy()
    gap[3, 2] = np.nan
    found = cronbach_alpha(gap)
    assert (found.left_out, found.alpha.n) == (1, 9)
    assert found.alpha.value == cronbach_alpha(np.delete(items, 3, axis=0)).alpha.value


def test_scores_are_drawn_towards_the_mean_by_what_is_chance() -> None:
    scores = np.array([2.0, 4.0, 6.0])
    found = shrink_scores(scores, Estimate(0.75, None, None, "", 3, ""))
    assert found.shrunk == pytest.approx([2.5, 4.0, 5.5])
    assert found.error_of_measurement == pytest.approx(2 * 0.25**0.5)
    assert found.error_of_shrunk == pytest.approx(2 * (0.75 * 0.25) ** 0.5)
    with pytest.raises(CannotEstimate, match="do not hang together"):
        shrink_scores(scores, Estimate(-0.1, None, None, "", 3, ""))


def test_a_balanced_random_intercept_by_hand() -> None:
    # Balanced one-way layout: REML is analysis of variance.
    rng = np.random.default_rng(4)
    levels, each = 12, 5
    codes = np.repeat(np.arange(levels), each)
    outcome = rng.normal(0, 1, levels)[codes] + rng.normal(0, 0.7, levels * each)
    fit = fit_random_intercept(outcome, np.ones((levels * each, 1)), ("constant",), codes)
    means = outcome.reshape(levels, each).mean(axis=1)
    within = ((outcome - means[codes]) ** 2).sum() / (levels * (each - 1))
    between = means.var(ddof=1) - within / each
    assert fit.coefficients[0] == pytest.approx(outcome.mean())
    assert fit.within_sd**2 == pytest.approx(within, rel=1e-6)
    assert fit.between_sd**2 == pytest.approx(between, rel=1e-6)
    assert fit.standard_errors[0] ** 2 == pytest.approx(means.var(ddof=1) / levels, rel=1e-6)
    assert fit.degrees_of_freedom == levels - 1


def test_refunds_and_staying_are_counted_from_the_contact() -> None:
    sheets = read_sheets(pd.DataFrame([sheet("a", [5.0] * 24), sheet("b", [6.0] * 24)]))
    contacts = pd.DataFrame(
        {
            "customer_id": ["x", "x", "y", "y", "z", "x"],
            "opened_at": pd.to_datetime(
                [
                    "2025-01-01",
                    "2025-06-01",
                    "2025-01-01",
                    "2026-05-01",
                    "2025-01-01",
                    "2025-02-01",
                ]
            ),
            "employee_id": ["a", "a", "b", "b", "b", "stranger"],
        }
    )
    money = pd.DataFrame(
        {
            "customer_id": ["x", "x", "y", "y"],
            # On the day itself, after 90 days, an order, after 91 days.
            "occurred_on": pd.to_datetime(["2025-01-01", "2025-08-30", "2025-01-05", "2025-04-02"]),
            "amount": [-1.0, -1.0, 5.0, -2.0],
        }
    )
    nobody = pd.DataFrame({"customer_id": []})
    refunds = refund_rows(sheets, contacts, money, nobody, {}, LAST_DAY)
    assert refunds.outcome.tolist() == [0.0, 1.0, 0.0, 0.0]  # too recent: May 2026
    assert refunds.not_scored == 1
    lifetimes = pd.DataFrame(
        {
            "customer_id": ["x", "y", "z"],
            "spell": 0,
            "started_on": pd.Timestamp("2024-12-01"),
            "exit_months": [19.0, 5.0, 0.5],
            "ended": [False, True, True],
        }
    )
    staying = staying_rows(sheets, contacts, lifetimes, nobody, {}, LAST_DAY)
    # z had left before the contact, y leaves in May 2025, x stays.
    assert staying.outcome.tolist() == [1.0, 1.0, 0.0]


def test_what_is_planted_is_found_and_labelled(study: OrientationStudy) -> None:
    assert isinstance(study.satisfaction, Link)
    slope = study.satisfaction.slope
    assert slope.lower is not None
    assert slope.upper is not None
    assert 0.3 < slope.lower < slope.upper < 0.8
    assert isinstance(study.satisfaction.corrected, Estimate)
    assert study.satisfaction.corrected.value > slope.value
    assert set(study.satisfaction.held_equal) == {"touchpoint", "segment", "region", "quarter"}
    finding = orientation_links.find_orientation(study, CLOSED)
    assert isinstance(finding, Finding)
    assert finding.label == "association"
    assert "effect" not in finding.sentence


def test_the_sentence_turns_with_the_sign() -> None:
    worse = orientation_links.find_orientation(study_of(company(slope=-0.6)), CLOSED)
    assert isinstance(worse, Finding)
    assert "less satisfied" in worse.sentence
    nothing = orientation_links.find_orientation(study_of(company(slope=0.0, seed=2)), CLOSED)
    assert isinstance(nothing, Finding)
    assert "cannot be told" in nothing.sentence


def test_order_names_and_days_change_nothing(study: OrientationStudy) -> None:
    tables = {name: table.copy() for name, table in company().items()}
    for table in tables.values():
        if "employee_id" in table:
            table["employee_id"] = "Z" + table["employee_id"]
        if "customer_id" in table:
            table["customer_id"] = "K" + table["customer_id"]
    other = study_of({name: table.sample(frac=1, random_state=3) for name, table in tables.items()})
    for name in ("satisfaction", "refunds", "staying"):
        first, second = getattr(study, name), getattr(other, name)
        assert second.slope.value == pytest.approx(first.slope.value, rel=1e-8)
        assert second.slope.upper == pytest.approx(first.slope.upper, rel=1e-8)
    assert isinstance(study.scores, EmployeeScores)
    assert isinstance(other.scores, EmployeeScores)
    assert other.scores.shrunk == pytest.approx(study.scores.shrunk)
    assert (
        other.steps == pytest.approx(study.steps) if isinstance(study.steps, NotEstimable) else True
    )


def test_change_by_hand() -> None:
    rows = []
    for number, (before, now) in enumerate(
        [(3.0, 4.0), (5.0, 7.0), (6.0, 6.0), (4.0, 5.0), (2.0, 3.0)]
    ):
        for day, level in (("2025-01-01", before), ("2026-01-01", now)):
            rows.append(sheet(f"e{number}", [level] * 12 + [10 - level] * 12, day))
    found = change_between_sheets(read_sheets(pd.DataFrame(rows)))
    assert isinstance(found, Change)
    assert (found.change.value, found.change.n) == (1.0, 5)
    assert isinstance(found.stability, Estimate)
    wanted = np.corrcoef([3, 5, 6, 4, 2], [4, 7, 6, 5, 3])[0, 1]
    assert found.stability.value == pytest.approx(wanted)


def test_teams_are_where_employees_mostly_serve(study: OrientationStudy) -> None:
    assert isinstance(study.teams, Teams)
    assert study.teams.column == "channel"
    assert [(team.name, team.score.n) for team in study.teams.teams] == [
        ("chat", 12),
        ("phone", 12),
    ]
    assert study.teams.without == 0


def test_small_teams_are_hidden_and_cannot_be_worked_out(study: OrientationStudy) -> None:
    tables = company()
    few = tables["contacts"]["employee_id"].isin([f"E{i:02d}" for i in range(4)])
    tables["contacts"].loc[few, "channel"] = "counter"
    some = tables["contacts"]["employee_id"].isin([f"E{i:02d}" for i in range(15, 24)])
    tables["contacts"].loc[some, "channel"] = "mail"
    tables["contacts"].loc[~few & ~some, "channel"] = "phone"
    teams = compare_teams(
        read_sheets(tables["orientation"]), tables["contacts"], tables["customers"]
    )
    other = replace(study, teams=teams)
    # Four are hidden; of mail (9) and phone (11) the smaller one goes with them.
    assert [team.name for team in orientation.teams_shown(other, CLOSED)] == ["phone"]
    assert len(orientation.teams_shown(other, OPEN)) == 3


def test_top_marks_foretold_by_the_others_do_not_heap() -> None:
    surveys = company(slope=0.5, per_employee=90)["surveys"]
    assert not compare_top_marks(surveys, 5).stands_out
    mine = (surveys["employee_id"] == "E03") & (surveys["score"] == 4)
    everybody = pd.concat(
        [surveys.assign(score=surveys["score"].clip(1, 4))] * 3, ignore_index=True
    )
    heaped = pd.concat([surveys] * 3 + [surveys[mine].assign(score=5)] * 12, ignore_index=True)
    heaped.loc[(heaped["employee_id"] == "E03") & (heaped["score"] == 4), "score"] = 5
    assert compare_top_marks(heaped, 5).stands_out
    with pytest.raises(CannotEstimate):
        compare_top_marks(everybody.head(0), 5)


def test_an_invitation_goes_with_the_contact_before_it() -> None:
    day = pd.to_datetime(["2025-01-01", "2025-01-01", "2025-02-01"])
    contacts = pd.DataFrame(
        {"customer_id": ["a", "b", "a"], "employee_id": ["x"] * 3, "opened_at": day}
    )
    surveys = pd.DataFrame(
        {
            "customer_id": ["a", "b", "a"],
            "employee_id": ["x", "y", "x"],
            "instrument": "csat",
            "invited_on": pd.to_datetime(["2025-01-15", "2025-01-01", "2025-02-20"]),
        }
    )
    # The first in time; the second about somebody else; the third after more than a fortnight.
    assert compare_invitations(contacts, surveys).invited.value == pytest.approx(1 / 3)


def test_nobody_is_named(study: OrientationStudy, shown: list[str]) -> None:
    show_everything(study, CLOSED)
    text = "\n".join(shown)
    assert "E0" not in text
    assert "employee_id" not in text
    assert "effect" not in text
    for leaked in ("nan", "None", "NaT", "NotEstimable"):
        assert f" {leaked}" not in text


def test_fewer_than_eight_employees_are_withheld(shown: list[str]) -> None:
    tables = company(employees=7)
    few = study_of(tables)
    show_everything(few, CLOSED)
    assert sum("Withheld" in text for text in shown) == 2
    assert sum("as said under the data" in text for text in shown) >= 6
    assert not any('class="table"' in text for text in shown)
    assert isinstance(orientation_links.find_orientation(few, OPEN), NotEstimable)


def test_places_of_unknown_ids() -> None:
    assert places_of(["b", None, "c", "bb"], ("a", "b", "bb")).tolist() == [1, -1, -1, 2]
    assert places_of(["b"], ()).tolist() == [-1]


def test_anonymous_answers_count_without_a_customer() -> None:
    tables = company()
    sheets = read_sheets(tables["orientation"])
    anonymous = tables["surveys"].assign(customer_id=None)
    rows = satisfaction_rows(sheets, anonymous, tables["customers"], {})
    assert len(rows.outcome) == len(anonymous)
    assert rows.customers == 0
    assert "segment" not in rows.held_equal


SETTINGS = """\
company: A
currency: EUR
covers: {from: 2025-01-01, to: 2025-12-31}
sources: {customers: customers.csv}
tables: {customers: {}}
"""


def settings_of(folder: Path, line: str) -> Settings:
    (folder / "dataset.yml").write_text(SETTINGS + line, encoding="utf-8")
    return load_settings(folder)


def test_the_key_is_declared(tmp_path: Path) -> None:
    usual = settings_of(tmp_path, "").orientation
    assert usual.selling_items == tuple(range(13, 25))
    assert (usual.scale, usual.most_missing) == ((1, 9), 4)
    assert Key() == Key(usual.selling_items, *usual.scale, usual.most_missing)
    own = settings_of(tmp_path, "orientation: {selling_items: [4, 2], scale: [1, 7]}\n").orientation
    assert (own.selling_items, own.scale, own.most_missing) == ((2, 4), (1, 7), 4)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{selling_item: [1, 2]}", "selling_items"),
        ("{selling_items: [1, 25]}", "each from 1 to 24"),
        ("{selling_items: [3, 3]}", "once"),
        ("{selling_items: [3]}", "at least two"),
        ("{scale: [0, 10]}", "both from 1 to 9"),
        ("{scale: [9, 1]}", "lowest, highest"),
        ("{most_missing: 12}", "most_missing"),
    ],
)
def test_a_wrong_key_is_refused(line: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=said):
        settings_of(tmp_path, f"orientation: {line}\n")


def test_fewer_than_eight_customers_are_withheld(study: OrientationStudy, shown: list[str]) -> None:
    assert isinstance(study.satisfaction, Link)
    few = replace(study, satisfaction=replace(study.satisfaction, customers=7))
    show_everything(few, CLOSED)
    assert sum("fewer than eight customers" in text for text in shown) >= 3
    assert isinstance(orientation_links.find_orientation(few, CLOSED), NotEstimable)
    assert isinstance(orientation_links.find_orientation(few, OPEN), Finding)
