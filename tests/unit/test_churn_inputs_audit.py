"""Tables behind churn that disagree with one another are remarked on."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.methods.survival.inputs_audit import audit_churn_inputs

DAY = pd.Timestamp("2025-01-01")


def company(n: int = 40) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    ids = [f"C{i}" for i in range(n)]
    customers = pd.DataFrame({"customer_id": ids, "started_on": DAY - pd.Timedelta(days=700)})
    customers["ended_on"] = [DAY if i < 10 else pd.NaT for i in range(n)]
    orders = pd.DataFrame(
        {"customer_id": ids, "occurred_on": DAY - pd.Timedelta(days=5), "amount": 9.0}
    )
    surveys = pd.DataFrame(
        {
            "customer_id": ids, "instrument": "csat", "invited_on": DAY - pd.Timedelta(days=20),
            "answered_on": DAY - pd.Timedelta(days=20), "score": 4.0,
        }
    )  # fmt: skip
    return customers, surveys, orders


def ids(
    customers: pd.DataFrame, surveys: pd.DataFrame, orders: pd.DataFrame, rule: str
) -> set[str]:
    return {remark.id for remark in audit_churn_inputs(customers, surveys, orders, rule)}


def test_tables_that_agree_pass() -> None:
    assert ids(*company(), "contract") == set()


def test_orders_after_the_end() -> None:
    customers, surveys, orders = company()
    late = orders.head(3).assign(occurred_on=DAY + pd.Timedelta(days=30))
    orders = pd.concat([orders, late])
    assert ids(customers, surveys, orders, "contract") == {"orders-after-the-end"}
    assert ids(customers, surveys, orders, "inactivity") == set()


def test_customers_long_silent() -> None:
    customers, surveys, orders = company()
    orders = orders[~orders["customer_id"].isin(["C20", "C21", "C22"])]
    assert ids(customers, surveys, orders, "contract") == {"silent-customers"}


def test_answers_after_the_end_and_few_answers() -> None:
    customers, surveys, orders = company()
    surveys.loc[0, "answered_on"] = DAY + pd.Timedelta(days=9)
    assert ids(customers, surveys, orders, "contract") == {"answers-outside"}
    surveys.loc[5:, ["answered_on", "score"]] = None
    assert ids(customers, surveys, orders, "contract") == {"answers-outside", "few-answer"}


@pytest.mark.parametrize("rule", ["contract", "inactivity", "flag"])
def test_missing_tables_are_no_trouble(rule: str) -> None:
    assert audit_churn_inputs(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), rule) == ()
