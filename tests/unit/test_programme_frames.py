"""Frames of programmes from exports made by hand: who counts, from when, and with what margin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.errors import NotAvailable
from analysis.intake.dataset import Dataset, open_dataset
from analysis.intake.programme_frames import (
    add_months,
    assignment_outcomes,
    days_of,
    rollout_panels,
)

SETTINGS = """\
company: Small
currency: EUR
covers: {from: 2024-01-01, to: 2025-06-30}
economics: {gross_margin: 0.5}
disclosure: "off"
sources: {customers: customers.csv, transactions: transactions.csv, surveys: surveys.csv,
  programmes: programmes.csv, rollout: rollout.csv, exposures: exposures.csv}
tables: {customers: {}, transactions: {}, surveys: {}, programmes: {}, rollout: {}, exposures: {}}
"""
FILES = {
    "customers": """customer_id,started_on,ended_on,segment,area
stays,2023-03-01,,home,early
leaves,2023-03-01,2025-02-10,home,early
late,2023-05-01,,home,late
never,2023-05-01,,shop,never
gone,2023-03-01,2024-11-30,shop,early
joiner,2025-02-01,,shop,early
fresh,2024-12-01,,home,never
""",
    # 10 a month for each customer, from the start on and until the end.
    "programmes": """programme_id,name,starts_on,upfront_cost,monthly_cost
chat,Chat,2025-01-01,100,10
gift,Gift,2025-01-15,100,0
""",
    "rollout": """programme_id,area,starts_on
chat,early,2025-01-01
chat,late,2025-04-01
chat,never,
""",
    "exposures": """programme_id,customer_id,assigned_on,arm
gift,stays,2025-01-15,treated
gift,gone,2025-01-15,treated
""",
    "surveys": """response_id,customer_id,instrument,invited_on,answered_on,score
r1,stays,csat,2024-06-01,2024-06-01,2
r2,stays,csat,2025-01-15,2025-01-15,5
r3,stays,csat,2025-03-01,2025-03-01,4
r4,stays,nps,2025-02-01,2025-02-01,9
r5,stays,nps,2025-03-01,2025-03-01,5
r6,late,nps,2025-02-01,2025-02-01,8
""",
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setenv("CLIENTELE_BUILD_FOLDER", str(tmp_path / "build"))
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "dataset.yml").write_text(SETTINGS, encoding="utf-8")
    for name, text in FILES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    customers = pd.read_csv(folder / "customers.csv")
    lines = ["transaction_id,customer_id,occurred_on,amount"]
    for _, row in customers.iterrows():
        first = max(pd.Timestamp(row["started_on"]), pd.Timestamp("2024-01-01"))
        last = pd.Timestamp(row["ended_on"]) if isinstance(row["ended_on"], str) else None
        for day in pd.date_range(first, last or "2025-06-30", freq="MS"):
            day = day + pd.Timedelta(days=1)
            if last is None or day <= last:
                lines.append(f"t{len(lines)},{row['customer_id']},{day.date()},20")
    (folder / "transactions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return open_dataset(folder, "2025Q2")


def margins(panel: pd.DataFrame, start: str, customer: str) -> dict[int, float]:
    rows = panel[(panel["starts_on"] == start) & (panel["customer_id"] == customer)]
    return dict(zip(rows["quarter"], rows["margin"], strict=True))


def test_months_are_added_by_the_calendar() -> None:
    days = days_of(pd.Series(["2024-11-30", "2024-01-31", "2024-12-15"]))
    on = add_months(days, 3).astype("datetime64[D]").astype(str)
    assert list(on) == ["2025-02-28", "2024-04-30", "2025-03-15"]
    back = add_months(days, -12).astype("datetime64[D]").astype(str)
    assert list(back) == ["2023-11-30", "2023-01-31", "2023-12-15"]


def test_risk_set_of_each_start(data: Dataset) -> None:
    panel = rollout_panels(data)["chat"]
    first = panel[panel["starts_on"] == "2025-01-01"]
    assert set(first["customer_id"]) == {"stays", "leaves", "late", "never", "fresh"}
    second = panel[panel["starts_on"] == "2025-04-01"]
    # Who joined an area reached before, or left, is no part of the later comparison.
    assert set(second["customer_id"]) == {"late", "never", "fresh"}
    assert set(first[first["treated"]]["customer_id"]) == {"stays", "leaves"}
    assert set(second[second["treated"]]["customer_id"]) == {"late"}
    assert set(panel[panel["never"]]["area"]) == {"never"}


def test_margin_is_zero_after_leaving(data: Dataset) -> None:
    panel = rollout_panels(data)["chat"]
    assert margins(panel, "2025-01-01", "stays") == dict.fromkeys(range(-4, 2), 30.0)
    left = margins(panel, "2025-01-01", "leaves")
    assert (left[-1], left[0], left[1]) == (30.0, 20.0, 0.0)


def test_controls_end_before_their_own_area_is_reached(data: Dataset) -> None:
    panel = rollout_panels(data)["chat"]
    assert max(margins(panel, "2025-01-01", "late")) == 0
    assert max(margins(panel, "2025-01-01", "never")) == 1
    assert margins(panel, "2025-04-01", "late")[0] == 30.0


def test_newcomers_count_from_the_last_quarter_before_the_start(data: Dataset) -> None:
    fresh = margins(rollout_panels(data)["chat"], "2025-01-01", "fresh")
    assert set(fresh) == {-1, 0, 1}
    assert fresh[-1] == 10.0


def test_only_whole_quarters_that_have_ended(data: Dataset) -> None:
    panel = rollout_panels(data)["chat"]
    assert panel.groupby("starts_on")["quarter"].max().tolist() == [1, 0]
    assert panel.groupby("starts_on")["quarter"].min().tolist() == [-4, -5]


def test_assigned_and_comparison_customers(data: Dataset) -> None:
    rows = assignment_outcomes(data)["gift"].set_index("customer_id")
    assert set(rows.index) == {"stays", "leaves", "late", "never", "fresh"}, "gone has left"
    assert rows["arm"].to_dict()["stays"] == "treated"
    assert not rows.drop("stays")["recorded"].any()
    # 15 January to 15 April is the only whole quarter; payments on the 2nd of each month.
    assert set(rows["quarters"]) == {1}
    assert rows.loc["stays", "margin_per_quarter"] == 30.0
    assert rows.loc["leaves", "margin_per_quarter"] == 10.0
    assert rows.loc["stays", "margin_year_before"] == 120.0
    assert rows.loc["fresh", "margin_year_before"] == 20.0


def test_margin_by_quarter_since_the_assignment(data: Dataset, tmp_path: Path) -> None:
    text = FILES["exposures"].replace("2025-01-15", "2024-12-15")
    rows = assignment_outcomes(_again(tmp_path, exposures=text))["gift"].set_index("customer_id")
    windows = [name for name in rows.columns if name.startswith("margin_after_")]
    assert windows == ["margin_after_1", "margin_after_2"]
    assert rows.loc["stays", windows].tolist() == [30.0, 30.0]
    assert rows.loc["leaves", windows].tolist() == [20.0, 0.0]
    mean = rows[windows].mean(axis=1)
    assert np.allclose(mean, rows["margin_per_quarter"]), "the windows make up the whole"


def test_margin_of_the_year_before_last_is_of_those_who_were_there(
    data: Dataset, tmp_path: Path
) -> None:
    rows = assignment_outcomes(data)["gift"].set_index("customer_id")
    # Nothing is observed of the year before January 2024.
    assert rows["margin_older"].isna().all()
    text = FILES["exposures"].replace("2025-01-15", "2025-06-15")
    text += "".join(f"gift,{name},2025-06-15,control\n" for name in ("never", "fresh", "joiner"))
    later = assignment_outcomes(_again(tmp_path, exposures=text))["gift"].set_index("customer_id")
    # One whole quarter before June 2024 was observed: from mid-March on, three payments.
    assert later.loc["stays", "margin_older"] == 30.0
    assert later.loc["never", "margin_older"] == 30.0
    assert np.isnan(later.loc["fresh", "margin_older"]), "not a customer then"


def test_answers_stand_in_the_quarter_in_which_they_were_given(data: Dataset) -> None:
    panel = rollout_panels(data)["chat"]
    mine = panel[(panel["customer_id"] == "stays") & (panel["starts_on"] == "2025-01-01")]
    by_quarter = mine.set_index("quarter")
    assert by_quarter.loc[0, "csat"] == 4.5
    assert by_quarter.loc[0, "nps"] == 0
    assert by_quarter.loc[-3, "csat"] == 2
    assert np.isnan(by_quarter.loc[1, "csat"])
    others = panel[panel["customer_id"] == "never"]
    assert others["csat"].isna().all()


def test_later_assignment_does_not_end_the_follow_up(data: Dataset, tmp_path: Path) -> None:
    """Else whoever leaves would keep all quarters as a control and whoever stays would not."""
    text = FILES["exposures"] + "gift,late,2025-02-20,treated\n"
    rows = assignment_outcomes(_again(tmp_path, exposures=text))["gift"]
    late = rows[(rows["customer_id"] == "late") & (rows["arm"] == "control")]
    assert late["quarters"].tolist() == [1]
    assert late["margin_per_quarter"].tolist() == [30.0]


def test_customers_count_once_they_are_observed(data: Dataset, tmp_path: Path) -> None:
    """Margin from before is missing and not zero; who is observed only later is left out."""
    header, *lines = FILES["customers"].splitlines()
    seen = {"stays": "2024-06-01", "late": "2025-01-15", "never": "2025-02-01"}
    text = "\n".join(
        [f"{header},observed_from", *(f"{r},{seen.get(r.split(',')[0], '')}" for r in lines)]
    )
    again = _again(tmp_path, customers=text + "\n")
    rows = assignment_outcomes(again)["gift"].set_index("customer_id")
    assert set(rows.index) == {"stays", "leaves", "fresh"}
    assert np.isnan(rows.loc["stays", "margin_year_before"])
    assert rows.loc["stays", "margin_quarter_before"] == 30.0
    assert rows.loc["leaves", "margin_year_before"] == 120.0
    assert rows.loc["fresh", "margin_year_before"] == 20.0, "joined under observation: no gap"
    panel = rollout_panels(again)["chat"]
    assert set(margins(panel, "2025-01-01", "stays")) == {-2, -1, 0, 1}
    assert not margins(panel, "2025-01-01", "late")


def _again(folder: Path, **texts: str) -> Dataset:
    """The same company with some of its files replaced."""
    for name, text in texts.items():
        (folder / "small" / f"{name}.csv").write_text(text, encoding="utf-8")
    return open_dataset(folder / "small", "2025Q2")


def test_scores_are_those_known_before(data: Dataset) -> None:
    rows = assignment_outcomes(data)["gift"].set_index("customer_id")
    assert rows.loc["stays", "csat_score"] == 2, "the answer of the day itself is not before it"
    assert rows.loc["stays", "csat_age_days"] == 228
    assert rows.loc["stays", "csat_after"] == 4
    assert rows.loc["stays", "nps_after"] == 0, "a promoter and a detractor"
    assert rows.loc["late", "nps_after"] == 0, "a passive"
    assert np.isnan(rows.loc["late", "csat_score"])


def test_segment_keeps_its_customers_only(data: Dataset, tmp_path: Path) -> None:
    part = open_dataset(tmp_path / "small", "2025Q2", "segment=home")
    panel = rollout_panels(part)["chat"]
    assert set(panel["customer_id"]) <= {"stays", "leaves", "late", "fresh"}
    assert len(panel) > 0


def test_without_money_the_outcomes_say_what_they_need(data: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "small"
    settings = (folder / "dataset.yml").read_text(encoding="utf-8")
    without = settings.replace(" transactions: transactions.csv,", "").replace(
        " transactions: {},", ""
    )
    (folder / "dataset.yml").write_text(without, encoding="utf-8")
    assert data.has("transactions")
    with pytest.raises(NotAvailable, match="needs transactions, or periods already added up"):
        open_dataset(folder, "2025Q2").experiment_outcomes("chat")


def test_before_any_start_the_frames_are_empty(data: Dataset, tmp_path: Path) -> None:
    earlier = open_dataset(tmp_path / "small", "2024Q3")
    assert rollout_panels(earlier)["chat"].empty
    assert assignment_outcomes(earlier) == {}
