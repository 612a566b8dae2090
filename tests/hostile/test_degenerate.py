"""Samples that bear no estimate: every notebook runs to its end and says why in a sentence."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.paths import NOTEBOOKS_FOLDER

Tables = dict[str, pd.DataFrame]

NOTEBOOKS = tuple(path.stem for path in sorted(NOTEBOOKS_FOLDER.glob("0[1-4]_*.ipynb")))
# The other three have cases of their own beside this file; here they meet the samples by name.
LATER_NOTEBOOKS = tuple(path.stem for path in sorted(NOTEBOOKS_FOLDER.glob("0[5-7]_*.ipynb")))
SCORECARD = "01_scorecard"
CHURN = "02_churn_survival"
SPEND = "03_spend_on_satisfaction"
# What code writes when it forgets that a number may be missing.
LEAKED = re.compile(r"\b(nan|inf|None(?! of)|NaT|NotEstimable)\b")


def _days(first: str, offsets: np.ndarray) -> pd.Series:
    """Days as dates. Whole numbers, because pandas multiplies unfilled memory where one is missing."""
    known = np.isfinite(offsets)
    whole = np.where(known, offsets, 0).astype(np.int64)
    return pd.Series((np.datetime64(first, "D") + whole).astype(str)).where(known)


def usual(n: int = 60) -> Tables:
    """A small company with nothing wrong: two contracts, some losses, answers and orders."""
    rng = np.random.default_rng(3)
    who = np.array([f"C{i:03d}" for i in range(n)])
    started = rng.integers(0, 450, n)
    lasts = rng.integers(90, 900, n)
    ended = np.where(started + lasts < 720, started + lasts, np.nan)
    customers = pd.DataFrame(
        {
            "customer_id": who,
            "started_on": _days("2024-01-01", started),
            "ended_on": _days("2024-01-01", ended),
            "end_reason": np.where(
                np.isnan(ended), "", np.where(np.arange(n) % 2, "price", "moved")
            ),
            "segment": np.where(rng.random(n) < 0.5, "private", "business"),
            "region": np.where(rng.random(n) < 0.5, "North", "South"),
            "contract": np.where(rng.random(n) < 0.5, "monthly", "yearly"),
            "area": [f"A{i % 6}" for i in range(n)],
        }
    )
    asked = np.repeat(np.arange(n), 4)
    day = started[asked] + np.tile([10, 100, 200, 300], n) + rng.integers(0, 30, 4 * n)
    there = np.where(np.isnan(ended), 729, ended)[asked] >= day
    surveys = pd.DataFrame(
        {
            "response_id": [f"R{i:04d}" for i in range(4 * n)],
            "customer_id": who[asked],
            "instrument": "csat",
            "invited_on": _days("2024-01-01", day),
            "answered_on": _days("2024-01-01", day),
            "score": rng.integers(1, 6, 4 * n),
        }
    )[there]
    bought = np.repeat(np.arange(n), 8)
    day = started[bought] + np.tile(np.arange(8) * 45, n) + rng.integers(0, 40, 8 * n)
    there = np.where(np.isnan(ended), 729, ended)[bought] >= day
    transactions = pd.DataFrame(
        {
            "transaction_id": [f"T{i:04d}" for i in range(8 * n)],
            "customer_id": who[bought],
            "occurred_on": _days("2024-01-01", day),
            "amount": np.round(rng.gamma(4, 20, 8 * n), 2),
        }
    )[there]
    programmes = pd.DataFrame(
        [("chat", "Chat", "2025-01-01", 500, 20), ("gift", "Gifts", "2025-01-01", 100, 0)],
        columns=["programme_id", "name", "starts_on", "upfront_cost", "monthly_cost"],
    )
    rollout = pd.DataFrame(
        {
            "programme_id": "chat",
            "area": [f"A{i}" for i in range(6)],
            "starts_on": ["2025-01-01", "2025-01-01", "2025-04-01", "2025-04-01", "", ""],
        }
    )
    exposures = pd.DataFrame(
        {
            "programme_id": "gift",
            "customer_id": who,
            "assigned_on": "2025-01-01",
            "arm": np.where(rng.random(n) < 0.5, "treated", "control"),
        }
    )[(started < 366) & ~(ended < 366)]
    return {
        "customers": customers,
        "surveys": surveys,
        "transactions": transactions,
        "programmes": programmes,
        "rollout": rollout,
        "exposures": exposures,
    }


def _of(tables: Tables, customers: pd.DataFrame) -> Tables:
    kept = customers["customer_id"]
    rest = {
        name: table[table["customer_id"].isin(kept)] if "customer_id" in table else table
        for name, table in tables.items()
    }
    return {**rest, "customers": customers}


def no_events() -> Tables:
    tables = usual()
    return {**tables, "customers": tables["customers"].assign(ended_on="")}


def all_events() -> Tables:
    tables = usual()
    return _of(tables, tables["customers"].dropna(subset=["ended_on"]).reset_index(drop=True))


def all_leave_on_one_day() -> Tables:
    tables = usual()
    customers = tables["customers"].assign(started_on="2024-02-01", ended_on="2025-09-30")
    dated = {"surveys": "answered_on", "transactions": "occurred_on"}
    rest = {
        name: tables[name][tables[name][day].between("2024-02-02", "2025-09-30")]
        for name, day in dated.items()
    }
    return {**tables, **rest, "customers": customers}


def one_loss() -> Tables:
    tables = usual()
    ended = tables["customers"]["ended_on"]
    only = ended.where(ended.index == ended.last_valid_index())
    return {**tables, "customers": tables["customers"].assign(ended_on=only)}


def one_group() -> Tables:
    tables = usual()
    same = {"segment": "private", "region": "North", "contract": "yearly"}
    return {**tables, "customers": tables["customers"].assign(**same)}


def collinear() -> Tables:
    """Three columns that say the same of every customer, under different words."""
    tables = usual()
    segment = tables["customers"]["segment"]
    same = {
        "region": segment.map({"private": "North", "business": "South"}),
        "contract": segment.map({"private": "monthly", "business": "yearly"}),
    }
    return {**tables, "customers": tables["customers"].assign(**same)}


def every_weight_zero() -> Tables:
    """Attributes asked about, none of which matters to anybody, and nothing spent on winning."""
    tables = usual()
    asked = tables["surveys"].assign(
        response_id="I" + tables["surveys"]["response_id"], instrument="csi",
        attribute=np.where(np.arange(len(tables["surveys"])) % 2, "price", "speed"), importance=0,
    )  # fmt: skip
    marketing = pd.DataFrame(
        {
            "month": ["2025-10-01", "2025-11-01", "2025-12-01"], "channel": "search",
            "cost": 0, "leads": 0, "new_customers": 0,
        }
    )  # fmt: skip
    journey = pd.DataFrame(
        {"month": "2025-12-01", "step": ["visit", "basket"], "entered": 0, "completed": 0}
    )
    return {
        **tables, "surveys": pd.concat([tables["surveys"], asked]), "marketing": marketing,
        "journey": journey,
    }  # fmt: skip


def no_groups() -> Tables:
    tables = usual()
    customers = tables["customers"].assign(segment="", region="", contract="")
    return {**tables, "customers": customers}


def groups_of_one() -> Tables:
    tables = usual()
    customers = tables["customers"]
    names = [f"S{i}" for i in range(len(customers))]
    return {**tables, "customers": customers.assign(segment=names, region=names, contract="")}


def separated_by_contract() -> Tables:
    tables = usual()
    left = tables["customers"]["ended_on"].notna()
    contract = np.where(left, "monthly", "yearly")
    return {**tables, "customers": tables["customers"].assign(contract=contract)}


def separated_by_score() -> Tables:
    tables = usual()
    left = tables["customers"].set_index("customer_id")["ended_on"].notna()
    score = np.where(tables["surveys"]["customer_id"].map(left), 1, 5)
    return {**tables, "surveys": tables["surveys"].assign(score=score)}


def five_customers() -> Tables:
    tables = usual()
    return _of(tables, tables["customers"].head(5))


def one_customer() -> Tables:
    tables = usual()
    return _of(tables, tables["customers"].head(1))


def no_answers() -> Tables:
    tables = usual()
    return {**tables, "surveys": tables["surveys"].assign(answered_on="", score="")}


def no_surveys() -> Tables:
    tables = usual()
    return {name: table for name, table in tables.items() if name != "surveys"}


def one_respondent() -> Tables:
    tables = usual()
    surveys = tables["surveys"]
    others = surveys["customer_id"] != surveys["customer_id"].iloc[0]
    silent = surveys.assign(
        answered_on=surveys["answered_on"].mask(others), score=surveys["score"].mask(others)
    )
    return {**tables, "surveys": silent}


def all_answer_alike() -> Tables:
    tables = usual()
    return {**tables, "surveys": tables["surveys"].assign(score=4)}


def no_transactions() -> Tables:
    tables = usual()
    return {name: table for name, table in tables.items() if name != "transactions"}


def nobody_spends() -> Tables:
    tables = usual()
    return {**tables, "transactions": tables["transactions"].assign(amount=0)}


def only_refunds() -> Tables:
    tables = usual()
    amount = -tables["transactions"]["amount"]
    return {**tables, "transactions": tables["transactions"].assign(amount=amount)}


def no_programme_starts() -> Tables:
    tables = usual()
    return {**tables, "rollout": tables["rollout"].assign(starts_on="")}


def all_treated() -> Tables:
    tables = usual()
    return {
        **tables,
        "rollout": tables["rollout"].assign(starts_on="2025-01-01"),
        "exposures": tables["exposures"].assign(arm="treated"),
    }


def one_area() -> Tables:
    tables = usual()
    return {**tables, "customers": tables["customers"].assign(area="A0")}


def snapshot() -> Tables:
    rng = np.random.default_rng(4)
    tenure = rng.integers(1, 40, 60)
    customers = pd.DataFrame(
        {
            "customer_id": [f"C{i:03d}" for i in range(60)],
            "tenure": tenure,
            "ended": np.where(rng.random(60) < 0.3, "yes", "no"),
            "contract": np.where(rng.random(60) < 0.5, "monthly", "yearly"),
        }
    )
    return {"customers": customers}


def snapshot_of_all_who_left() -> Tables:
    return {"customers": snapshot()["customers"].assign(ended="yes")}


def snapshot_of_none_who_left() -> Tables:
    return {"customers": snapshot()["customers"].assign(ended="no")}


def snapshot_of_newcomers() -> Tables:
    return {"customers": snapshot()["customers"].assign(tenure=2)}


def snapshot_of_five() -> Tables:
    return {"customers": snapshot()["customers"].head(5)}


CASES: dict[str, Callable[[], Tables]] = {
    make.__name__: make
    for make in (
        usual, no_events, all_events, all_leave_on_one_day, one_loss, one_group, no_groups, collinear,
        every_weight_zero,
        groups_of_one, separated_by_contract, separated_by_score, five_customers, one_customer,
        no_answers, no_surveys, one_respondent, all_answer_alike, no_transactions,
        nobody_spends, only_refunds, no_programme_starts, all_treated, one_area,
        snapshot, snapshot_of_all_who_left, snapshot_of_none_who_left, snapshot_of_newcomers,
        snapshot_of_five,
    )
}  # fmt: skip


@pytest.fixture(scope="module")
def companies(
    tmp_path_factory: pytest.TempPathFactory, write_company: Callable[..., Path]
) -> Callable[[str, str], Path]:
    """Each company is written, and prepared, once for all notebooks."""
    root = tmp_path_factory.mktemp("companies")

    def company(case: str, disclosure: str) -> Path:
        folder = root / disclosure / case
        if not folder.exists():
            write_company(folder, CASES[case](), disclosure)
        return folder

    return company


@pytest.mark.parametrize("notebook", NOTEBOOKS)
@pytest.mark.parametrize("case", CASES)
def test_notebook_runs_to_its_end_on(
    case: str, notebook: str, companies: Callable, run_notebook: Callable
) -> None:
    # Where nothing is withheld, numbers show themselves that disclosure would hide.
    shown = run_notebook(notebook, companies(case, "off"))
    if shown.not_available:
        assert len(shown.texts) == 0
        return
    assert shown.texts
    assert all(shown.texts), "something was shown that says nothing"
    # The audit, and what concerns snapshots or past checks of programmes, may have nothing to say.
    quiet = {"study", "audit", "snapshot", "trust-sentences", "gains-table", "second-opinion"}
    assert set(shown.silent) <= quiet | {"worth-of-retention"}
    leaked = [text for text in shown.texts if LEAKED.search(text)]
    assert not leaked


@pytest.mark.parametrize("notebook", LATER_NOTEBOOKS)
@pytest.mark.parametrize(
    "case",
    [
        "no_events", "all_events", "one_group", "separated_by_score", "collinear", "one_customer",
        "no_answers", "every_weight_zero",
    ],
)  # fmt: skip
def test_later_notebook_runs_to_its_end_on(
    case: str, notebook: str, companies: Callable, run_notebook: Callable
) -> None:
    shown = run_notebook(notebook, companies(case, "off"))
    assert shown.not_available or shown.texts
    assert all(shown.texts), "something was shown that says nothing"
    assert not LEAKED.search(shown.text)


@pytest.mark.parametrize("notebook", NOTEBOOKS)
@pytest.mark.parametrize("case", ["usual", "five_customers", "one_customer", "one_loss"])
def test_notebook_runs_to_its_end_under_disclosure_on(
    case: str, notebook: str, companies: Callable, run_notebook: Callable
) -> None:
    shown = run_notebook(notebook, companies(case, "on"))
    assert shown.not_available or all(shown.texts)
    assert not LEAKED.search(shown.text)


@pytest.mark.parametrize("notebook", [CHURN, SPEND])
def test_nothing_is_missing_from_the_usual_company(
    notebook: str, companies: Callable, run_notebook: Callable
) -> None:
    # Otherwise the cases below would pass because nothing ever works.
    shown = run_notebook(notebook, companies("usual", "off"))
    assert not shown.not_available
    allowed = {
        "The raw slope cannot be told from zero, so it cannot be said which share of it survives.",
        "Negative control: The score changes for fewer than 30 customers, too few to compare customers "
        "with themselves.",
        "Fewer than 30 customers answered twice within 45 days, so chance in single answers cannot be "
        "told from change.",
        "No customer has a known NPS answer.",
        "The export carries neither discounts nor list prices, so price sensitivity cannot be measured.",
        "Contracts end on a day that is known, so no model of repeat buying is needed to tell who is still a "
        "customer.",
        "Fewer than 30 customers&#x27; next 12 months lie within follow-up.",
        "Fewer than 30 customers are left to judge the prediction by.",
        "Fewer than 8 active customers have their horizon within follow-up.",
    }
    assert set(shown.reasons) <= allowed


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("no_events", "Nobody has left, so there is no curve to draw."),
        ("no_events", "Nobody has left, so nothing can be said about what goes with leaving."),
        ("all_events", "Everybody has left."),
        ("all_leave_on_one_day", "Too few customers left at different times"),
        ("one_loss", "Too few customers have left to say what goes with leaving."),
        ("one_group", "There is only one group to compare."),
        ("no_groups", "No column splits customers into 2 to 8 groups"),
        ("groups_of_one", "No column splits customers into 2 to 8 groups"),
        ("collinear", "The covariates determine one another"),
        ("separated_by_contract", "contract: yearly predicts leaving perfectly"),
        ("separated_by_contract", "check that the column was recorded before the end."),
        ("separated_by_score", "CSAT, per point predicts leaving perfectly"),
        ("five_customers", "Fewer than 8 customers: no curve is drawn."),
        ("five_customers", "Fewer than 8 customers: no hazard model is fitted."),
        ("no_answers", "Too few customers have answered to set satisfaction beside churn."),
        ("no_surveys", "No satisfaction score is in the data"),
        ("one_respondent", "Too few customers have answered to set satisfaction beside churn."),
        ("all_answer_alike", "CSAT, per point does not vary in these data."),
        ("no_transactions", "The export carries no money to set beside churn."),
        ("nobody_spends", "Customers brought no margin, so there is none to keep."),
        ("only_refunds", "Customers brought no margin, so there is none to keep."),
    ],
)
def test_churn_says_why_there_is_no_number(
    case: str, sentence: str, companies: Callable, run_notebook: Callable
) -> None:
    assert sentence in run_notebook(CHURN, companies(case, "off")).text


def test_churn_shows_no_ratio_of_five_customers(
    companies: Callable, run_notebook: Callable
) -> None:
    shown = run_notebook(CHURN, companies("five_customers", "on"))
    assert "Hazard ratios:" not in shown.text
    assert not any("image/svg+xml" in data for data in shown.published)


@pytest.mark.parametrize("case", ["no_answers", "no_surveys"])
def test_spend_is_not_available_without_answers(
    case: str, companies: Callable, run_notebook: Callable
) -> None:
    assert run_notebook(SPEND, companies(case, "off")).not_available == "surveys with a score"


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("five_customers", "a slope needs at least"),
        ("one_respondent", "a slope needs at least"),
        ("all_answer_alike", "Every CSAT answer is the same."),
        ("nobody_spends", "Nobody spent anything in these periods."),
    ],
)
def test_spend_says_why_there_is_no_slope(
    case: str, sentence: str, companies: Callable, run_notebook: Callable
) -> None:
    assert sentence in run_notebook(SPEND, companies(case, "off")).text


def test_columns_that_say_the_same_are_held_fixed_as_one(
    companies: Callable, run_notebook: Callable
) -> None:
    text = run_notebook(SPEND, companies("collinear", "off")).text
    assert "The region follows from the segment: the two are held fixed as one." in text
    assert "Each customer against itself (defended)" in text


@pytest.mark.parametrize(
    ("declared", "sentence"),
    [
        ("", "No attribute is of any importance to those who answered."),
        (
            "importance: {price: 0, speed: 0}\n",
            "Every attribute has an importance of zero, so none weighs anything.",
        ),
    ],
)
def test_weights_that_are_all_zero_give_no_index(
    declared: str, sentence: str, companies: Callable, run_notebook: Callable, tmp_path: Path
) -> None:
    folder = tmp_path / "weightless" / "company"
    shutil.copytree(companies("every_weight_zero", "off"), folder)
    with (folder / "dataset.yml").open("a", encoding="utf-8") as stream:
        stream.write(declared)
    text = run_notebook(SCORECARD, folder).text
    assert f"Satisfaction index (CSI): {sentence}" in text
    assert "CSAT, two top answers" in text
