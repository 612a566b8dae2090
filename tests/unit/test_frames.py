"""Lifetimes, intervals and customer × period of a few customers, worked out by hand in days."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.intake.dataset import Dataset, open_dataset

MONTH = 30.4375
CONTRACT = """\
company: A
currency: EUR
disclosure: 'off'
covers: {from: 2024-07-01, to: 2025-12-31}
economics: {gross_margin: 0.5}
sources: {customers: customers.csv, transactions: transactions.csv, surveys: surveys.csv}
tables:
  customers: {covariates: {age: number}}
  transactions: {}
  surveys: {columns: {instrument: {value: csat}}}
"""
CUSTOMERS = """\
customer_id,started_on,ended_on,end_reason,observed_from,region,age
C01,2024-07-01,,,,North,31
C02,2025-01-01,2025-03-31,price,,North,32
C03,2024-01-01,,,2024-07-01,South,33
C04,2025-05-01,2025-07-15,moved,,South,34
C05,2025-06-30,,,,South,35
C06,2025-07-01,,,,South,36
C07,2025-02-01,2025-02-01,error,,South,37
C08,2024-10-01,2025-04-01,service,,South,38
C09,2025-04-01,,,,,39
C10,,,,,North,40
"""
TRANSACTIONS = """\
transaction_id,customer_id,occurred_on,amount
1,C01,2024-08-01,100
2,C01,2024-11-01,50
3,C01,2024-12-31,30
4,C01,2025-01-01,-20
5,C01,2025-02-02,60
6,C08,2025-04-01,5
7,C03,2024-07-01,10
8,C03,2025-07-01,1000
9,C99,2025-01-01,7
"""
SURVEYS = """\
response_id,customer_id,invited_on,answered_on,score
1,C01,2024-10-01,2024-10-01,4
2,C01,2025-01-09,2025-01-10,2
3,C01,2025-01-10,2025-01-10,4
4,C01,2025-05-01,,
5,C02,2024-12-31,2024-12-31,5
6,C02,2025-03-31,2025-03-31,1
7,C03,2025-06-01,2025-07-02,1
"""


@pytest.fixture
def contract(make_dataset) -> Dataset:
    folder = make_dataset(CONTRACT, customers=CUSTOMERS, transactions=TRANSACTIONS, surveys=SURVEYS)
    return open_dataset(folder, "2025Q2")


def in_days(frame: pd.DataFrame, *columns: str) -> list[tuple[float, ...]]:
    rows = (frame[list(columns)] * MONTH).round(6).to_numpy()
    return [tuple(row) for row in rows.tolist()]


def test_contract_lifetimes(contract: Dataset) -> None:
    lifetimes = contract.lifetimes().set_index("customer_id")
    days = dict(
        zip(lifetimes.index, in_days(lifetimes, "entry_months", "exit_months"), strict=True)
    )
    assert days == {
        "C01": (0, 364), "C02": (0, 89), "C03": (182, 546), "C04": (0, 60),
        "C08": (0, 182), "C09": (0, 90),
    }  # fmt: skip
    assert list(lifetimes.index[lifetimes["ended"]]) == ["C02", "C08"]
    assert lifetimes["end_reason"].dropna().to_dict() == {"C02": "price", "C08": "service"}
    assert (lifetimes["spell"] == 1).all()
    assert lifetimes["age"].tolist() == [31, 32, 33, 34, 38, 39]
    assert lifetimes.loc["C09", "region"] is None


def test_customers_without_time_at_risk_are_counted(contract: Dataset) -> None:
    (note,) = [note for note in contract.notes if "time at risk" in note.message]
    assert (note.kind, note.count) == ("warning", 2)  # C05 and C10
    (note,) = [note for note in contract.notes if "time as a customer is zero" in note.message]
    assert (note.kind, note.count) == ("warning", 1)  # C07


def test_intervals_are_cut_at_the_end_of_the_day_of_an_answer(contract: Dataset) -> None:
    intervals = contract.intervals()
    first = intervals[intervals["customer_id"] == "C01"]
    assert in_days(first, "start_months", "stop_months") == [(0, 92), (92, 193), (193, 364)]
    assert first["score"].fillna(-1).tolist() == [-1, 4, 3]  # two answers of a day: their mean
    assert in_days(first.iloc[1:], "score_age_months") == [(0,), (0,)]
    assert not first["ended"].any()


def test_answers_before_the_start_count_and_those_of_the_last_day_do_not(
    contract: Dataset,
) -> None:
    intervals = contract.intervals()
    (row,) = intervals[intervals["customer_id"] == "C02"].to_dict("records")
    assert (row["score"], row["ended"]) == (5, True)
    assert row["stop_months"] * MONTH == pytest.approx(89)


def test_a_loss_on_the_day_after_an_answer_meets_the_new_score(make_dataset) -> None:
    folder = make_dataset(
        CONTRACT.replace("transactions: transactions.csv, ", "").replace("  transactions: {}\n", "")
        .replace("{covariates: {age: number}}", "{}"),
        customers="customer_id,started_on,ended_on,observed_from\n"
        "A,2025-01-01,2025-01-11,\nB,2025-01-01,2025-01-11,\nC,2025-01-01,2025-01-11,\n"
        "D,2024-06-01,2025-01-11,2024-07-01\n",
        surveys="response_id,customer_id,invited_on,answered_on,score\n"
        "1,A,2025-01-10,2025-01-10,1\n2,B,2025-01-11,2025-01-11,1\n3,C,2025-01-01,2025-01-01,1\n"
        "4,D,2024-07-01,2024-07-01,1\n5,D,2024-07-02,2024-07-02,2\n",
    )  # fmt: skip
    intervals = open_dataset(folder, "2025Q1").intervals()
    rows = zip(
        intervals["customer_id"], in_days(intervals, "start_months", "stop_months"),
        intervals["score"].fillna(-1), intervals["ended"], strict=True,
    )  # fmt: skip
    assert list(rows) == [
        ("A", (0, 9), -1, False),
        ("A", (9, 10), 1, True),  # lost on day 10, knowing the answer of day 9
        ("B", (0, 10), -1, True),  # the answer of the last day itself came too late
        ("C", (0, 10), 1, True),  # that of the first day makes no empty interval
        ("D", (30, 31), 1, False),  # nor that of the day of entry
        ("D", (31, 224), 2, True),
    ]


def test_intervals_add_up_to_lifetimes(contract: Dataset) -> None:
    intervals, lifetimes = contract.intervals(), contract.lifetimes()
    spans = (intervals["stop_months"] - intervals["start_months"]).groupby(intervals["customer_id"])
    expected = lifetimes.set_index("customer_id").eval("exit_months - entry_months")
    pd.testing.assert_series_equal(spans.sum(), expected, check_names=False)
    assert intervals["ended"].sum() == lifetimes["ended"].sum()


def test_customer_periods_hold_those_active_at_the_opening(contract: Dataset) -> None:
    panel = contract.customer_periods()
    rows = panel.groupby("customer_id")["period"].agg(list).to_dict()
    assert rows == {
        "C01": ["2024Q4", "2025Q1", "2025Q2"],
        "C03": ["2024Q3", "2024Q4", "2025Q1", "2025Q2"],
        "C08": ["2025Q1", "2025Q2"],
    }
    left = panel[panel["left"]]
    assert left[["customer_id", "period"]].to_numpy().tolist() == [["C08", "2025Q2"]]


def test_customers_enter_the_panel_when_they_are_seen(make_dataset) -> None:
    customers = CUSTOMERS.replace("C03,2024-01-01,,,2024-07-01", "C03,2024-01-01,,,2024-10-02")
    folder = make_dataset(CONTRACT, customers=customers, transactions=TRANSACTIONS, surveys=SURVEYS)
    panel = open_dataset(folder, "2025Q2").customer_periods()
    late = panel[panel["customer_id"] == "C03"]
    assert late["period"].tolist() == ["2025Q1", "2025Q2"]  # 2024Q4 opened the day before
    assert late["previous_spend"].isna().tolist() == [True, False]


def test_refunds_are_not_orders_and_lower_spend_on_their_own_date(contract: Dataset) -> None:
    panel = contract.customer_periods()
    first = panel[panel["customer_id"] == "C01"]
    assert first["spend"].tolist() == [80, 40, 0]
    assert first["orders"].tolist() == [2, 1, 0]
    assert first["refunded"].tolist() == [0, 20, 0]
    assert first["margin"].tolist() == [40, 20, 0]
    assert first["previous_spend"].fillna(-1).tolist() == [-1, 80, 40]


def test_scores_are_those_known_before_the_period(contract: Dataset) -> None:
    panel = contract.customer_periods()
    first = panel[panel["customer_id"] == "C01"]
    assert first["csat_score"].fillna(-1).tolist() == [-1, 4, 3]
    assert first["csat_age_days"].fillna(-1).tolist() == [-1, 92, 81]
    assert in_days(first, "tenure_months") == [(92,), (184,), (274,)]


def test_months_panel_when_a_month_is_reported(make_dataset) -> None:
    folder = make_dataset(CONTRACT, customers=CUSTOMERS, transactions=TRANSACTIONS, surveys=SURVEYS)
    panel = open_dataset(folder, "2025-02").customer_periods()
    first = panel[panel["customer_id"] == "C01"].set_index("period")["spend"]
    assert first.index[0] == "2024-08"
    assert first.index[-1] == "2025-02"
    assert first[first != 0].to_dict() == {
        "2024-08": 100, "2024-11": 50, "2024-12": 30, "2025-01": -20, "2025-02": 60
    }  # fmt: skip


def test_flag_with_tenure_enters_at_the_opening_of_the_window(make_dataset) -> None:
    folder = make_dataset(
        "company: A\ncurrency: EUR\ndisclosure: off\nsnapshot_on: 2025-06-30\n"
        "churn: {rule: flag, observation_window_months: 3}\n"
        "sources: {customers: customers.csv}\n"
        "tables: {customers: {columns: {tenure_unit: {value: months}}}}\n",
        customers="customer_id,tenure,ended\nA,2,yes\nB,10,no\nC,0,no\nD,3.5,yes\n",
    )
    data = open_dataset(folder)
    rows = data.lifetimes()[["customer_id", "entry_months", "exit_months", "ended"]]
    assert rows.to_numpy().tolist() == [
        ["A", 0, 2, True], ["B", 7, 10, False], ["D", 0.5, 3.5, True]
    ]  # fmt: skip
    assert [note.count for note in data.notes if "as a customer is zero" in note.message] == [1]
    assert data.customer_periods().empty
    assert data.intervals().empty


@pytest.mark.parametrize(
    ("unit", "months"), [("days", 12 / MONTH), ("weeks", 84 / MONTH), ("years", 144)]
)
def test_tenure_in_other_units(make_dataset, unit: str, months: float) -> None:
    folder = make_dataset(
        "company: A\ncurrency: EUR\ndisclosure: off\nsnapshot_on: 2025-06-30\nchurn: {rule: flag}\n"
        "sources: {customers: customers.csv}\n"
        f"tables: {{customers: {{columns: {{tenure_unit: {{value: {unit}}}}}}}}}\n",
        customers="customer_id,tenure,ended\nA,12,yes\n",
    )
    assert open_dataset(folder).lifetimes()["exit_months"].tolist() == pytest.approx([months])


def test_inactivity_ends_on_first_passage_and_a_return_opens_a_new_spell(make_dataset) -> None:
    folder = make_dataset(
        "company: A\ncurrency: EUR\ndisclosure: off\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"
        "churn: {rule: inactivity, days: 30}\n"
        "sources: {customers: customers.csv, transactions: transactions.csv}\n"
        "tables: {customers: {}, transactions: {}}\n",
        customers="customer_id,started_on\n"
        "A,2025-01-01\nB,2025-02-01\nC,2025-03-01\nD,2025-03-02\n",
        transactions="transaction_id,customer_id,occurred_on,amount\n"
        "1,A,2025-01-01,5\n2,A,2025-01-20,5\n3,A,2025-02-15,-5\n4,A,2025-03-10,5\n"
        "5,B,2025-03-03,5\n6,C,2025-04-02,5\n",
    )
    data = open_dataset(folder, "2025Q1")
    lifetimes = data.lifetimes()
    rows = [
        (row.customer_id, row.spell, f"{row.started_on:%m-%d}", round(row.exit_months * MONTH), row.ended)
        for row in lifetimes.itertuples()
    ]  # fmt: skip
    assert rows == [
        ("A", 1, "01-01", 49, True),  # a refund is no sign of life
        ("A", 2, "03-10", 21, False),
        ("B", 1, "02-01", 30, True),  # back on the very day: too late
        ("B", 2, "03-03", 28, False),
        ("C", 1, "03-01", 30, True),  # the order of 2 April is not known yet
        ("D", 1, "03-02", 29, False),
    ]
    assert (lifetimes["entry_months"] == 0).all()


INACTIVITY = (
    "company: A\ncurrency: EUR\ndisclosure: off\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"
    "churn: {rule: inactivity, days: 30}\n"
    "sources: {customers: customers.csv, transactions: transactions.csv}\n"
    "tables: {customers: {}, transactions: {}}\n"
)
# Started on 1 December 2024, 31 days before the export: the last unknown passage is on the 30th
# of January, so risk begins at the end of that day, day 60. K is seen from 1 February only.
UNSEEN = (
    "customer_id,started_on,observed_from\nE,2024-12-01,\nF,2024-12-01,\nG,2024-12-01,\n"
    "H,2024-12-01,\nI,2024-12-01,\nJ,2025-01-01,\nK,2024-12-01,2025-02-01\nL,,\n"
)
UNSEEN_ORDERS = (
    "transaction_id,customer_id,occurred_on,amount\n"
    "1,E,2025-01-01,5\n2,F,2025-01-20,5\n3,F,2025-02-10,5\n4,F,2025-05-01,5\n"
    "5,G,2025-01-31,5\n6,H,2025-01-30,5\n7,I,2025-02-10,-5\n8,K,2025-01-15,5\n9,K,2025-02-05,5\n"
)


def test_gaps_that_began_before_the_export_are_no_losses(make_dataset) -> None:
    folder = make_dataset(INACTIVITY, customers=UNSEEN, transactions=UNSEEN_ORDERS)
    data = open_dataset(folder, "2025Q2")
    lifetimes = data.lifetimes()
    rows = zip(
        lifetimes["customer_id"], lifetimes["spell"], lifetimes["started_on"].dt.strftime("%m-%d"),
        in_days(lifetimes, "entry_months", "exit_months"), lifetimes["ended"], strict=True,
    )  # fmt: skip
    assert list(rows) == [
        ("E", 1, "12-01", (60, 61), True),  # ordered on the first day seen, lost 30 days later
        ("F", 1, "12-01", (60, 101), True),
        ("F", 2, "05-01", (0, 30), True),
        ("G", 2, "01-31", (0, 30), True),  # a return: surely lost before, unseen
        ("H", 1, "12-01", (60, 90), True),  # the last day on which an order shows no gap
        ("J", 1, "01-01", (0, 30), True),  # the start is seen: it counts as an order
        ("K", 1, "12-01", (91, 96), True),
    ]
    notes = {
        note.message.partition(" (")[0][:40]: note.count
        for note in data.notes
        if note.kind == "warning" and note.table == "customers"
    }
    assert notes == {
        "customers without time at risk": 1,  # L has no start and no order
        "customers who started before the exporte": 1,  # I
    }


def test_nobody_seen_from_before_is_at_risk_while_the_last_order_is_unknown(make_dataset) -> None:
    folder = make_dataset(INACTIVITY, customers=UNSEEN, transactions=UNSEEN_ORDERS)
    data = open_dataset(folder, "2025-01")
    # Only J's loss (the 31st) and E's are seen by the end of January; F and H are active.
    lifetimes = data.lifetimes().set_index("customer_id")
    assert lifetimes["ended"].to_dict() == {"E": True, "F": False, "H": False, "J": True}
    warnings = [note for note in data.notes if note.kind == "warning" and note.table == "customers"]
    # G back that very day, L; I. K is under observation from February, and in no table before.
    assert {note.column: note.count for note in warnings} == {"": 2, "started_on": 1}


def test_an_order_to_come_makes_nobody_active_at_a_period_s_opening(make_dataset) -> None:
    folder = make_dataset(INACTIVITY, customers=UNSEEN, transactions=UNSEEN_ORDERS)
    panel = open_dataset(folder, "2025-05").customer_periods()
    rows = panel.groupby("period")["customer_id"].agg(list).to_dict()
    # When January opened (for K: February, March) nobody's last order was known, whatever they
    # ordered later; E and J are lost within January, and F's return of 1 May opens no period.
    assert rows == {"2025-02": ["F", "G", "H"], "2025-03": ["F", "G", "H"]}
    assert panel.loc[panel["left"], "period"].tolist() == ["2025-03"] * 3


def test_periods_table_takes_the_place_of_transactions(make_dataset) -> None:
    folder = make_dataset(
        "company: A\ncurrency: EUR\ndisclosure: off\ncovers: {from: 2025-01-01, to: 2025-06-30}\n"
        "economics: {gross_margin: 0.25}\n"
        "sources: {customers: customers.csv, periods: periods.csv}\n"
        "tables: {customers: {}, periods: {}}\n",
        customers="customer_id,started_on\nA,2024-01-01\n",
        periods="customer_id,from_on,to_on,spend,orders,refunded,margin\n"
        "A,2025-01-01,2025-01-31,10,1,0,9\nA,2025-02-01,2025-02-28,20,2,4,\n"
        "A,2025-06-01,2025-06-30,8,1,0,\n",
    )
    panel = open_dataset(folder).customer_periods()
    columns = ["period", "spend", "orders", "refunded", "margin"]
    assert panel[columns].to_numpy().tolist() == [
        ["2025Q1", 30, 3, 4, 14],
        ["2025Q2", 8, 1, 0, 2],
    ]


def test_a_covariate_may_be_a_canonical_column(make_dataset) -> None:
    settings = CONTRACT.replace("{age: number}", "{age: number, region: category}")
    folder = make_dataset(settings, customers=CUSTOMERS, transactions=TRANSACTIONS, surveys=SURVEYS)
    data = open_dataset(folder, "2025Q2")
    for frame in (data.lifetimes(), data.intervals(), data.customer_periods()):
        assert list(frame.columns).count("region") == 1
        assert not [name for name in frame.columns if name.startswith("region_")]


def test_frames_are_the_same_twice(contract: Dataset, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CLIENTELE_BUILD_FOLDER", str(tmp_path / "again"))
    again = open_dataset(tmp_path / "company", "2025Q2")
    assert again.prepared != contract.prepared
    for file in contract.prepared.iterdir():
        assert file.read_bytes() == (again.prepared / file.name).read_bytes(), file.name


def test_tenure_without_a_window_counts_from_the_start_and_says_so(make_dataset) -> None:
    folder = make_dataset(
        "company: A\ncurrency: EUR\ndisclosure: off\nsnapshot_on: 2025-06-30\nchurn: {rule: flag}\n"
        "sources: {customers: customers.csv}\ntables: {customers: {}}\n",
        customers="customer_id,tenure,ended\nA,12,yes\n",
    )
    data = open_dataset(folder)
    assert data.lifetimes()["entry_months"].tolist() == [0]
    assert [n.kind for n in data.notes if "observation_window_months" in n.message] == ["warning"]
