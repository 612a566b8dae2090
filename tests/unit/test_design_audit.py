"""The design audit says what a careful reader would ask, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.methods.design_audit import audit_lifetimes, audit_panel
from analysis.methods.estimate import attempt
from analysis.methods.spending.rows import CONTROLS, panel_rows


def lifetimes(n: int = 100, ended: float = 0.5, **columns: object) -> pd.DataFrame:
    """Customers of whom a share has left, half of them in each of two segments."""
    left = np.arange(n) % 100 < 100 * ended
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(n)],
            "entry_months": 0.0,
            "exit_months": 12.0,
            "ended": left,
            "segment": np.where(np.arange(n) % 2 == 0, "private", "business"),
        }
    )
    return frame.assign(**columns)


def remarks(frame: pd.DataFrame, group: str = "segment", covariates: int = 1) -> dict[str, str]:
    return {r.id: r.severity for r in audit_lifetimes(frame, group, covariates)}


def test_nothing_to_remark_on() -> None:
    assert remarks(lifetimes()) == {}


def test_nobody_has_left() -> None:
    found = remarks(lifetimes(ended=0))
    assert found == {"no-events": "stop"}


def test_everybody_has_left() -> None:
    assert remarks(lifetimes(ended=1)) == {"all-events": "caution"}


def test_few_customers() -> None:
    assert "few-rows" in remarks(lifetimes(n=29), covariates=0)
    assert "few-rows" not in remarks(lifetimes(n=30), covariates=0)


@pytest.mark.parametrize(("covariates", "expected"), [(5, False), (6, True)])
def test_ten_losses_for_each_covariate(covariates: int, expected: bool) -> None:
    assert ("few-events" in remarks(lifetimes(), covariates=covariates)) is expected


def test_one_group() -> None:
    assert remarks(lifetimes(segment="private")) == {"one-group": "note"}
    assert remarks(lifetimes(), group="") == {}


def test_a_group_that_never_leaves_is_suspicious() -> None:
    frame = lifetimes()
    frame["segment"] = np.where(frame["ended"], "private", "business")
    (remark,) = audit_lifetimes(frame, "segment", 1)
    assert remark.id == "separation"
    assert "business, private" in remark.sentence
    # A small group may well do so by chance.
    frame["segment"] = np.where(np.arange(100) >= 80, "new", "old")
    assert remarks(frame) == {}


def test_delayed_entry_is_said_with_its_share() -> None:
    frame = lifetimes(entry_months=np.where(np.arange(100) < 25, 3.0, 0.0))
    (remark,) = audit_lifetimes(frame, "segment", 1)
    assert remark.id == "delayed-entry"
    assert "25%" in remark.sentence


def test_an_empty_table_is_no_accident() -> None:
    assert remarks(lifetimes(n=0)) == {
        "no-events": "stop",
        "few-rows": "caution",
        "one-group": "note",
    }


# Customers × periods with answers -----------------------------------------------------------

CUSTOMERS, PERIODS = 120, 4


def panel(**columns: object) -> pd.DataFrame:
    """Customers × quarters with a fresh answer each; some leave in the third quarter."""
    who = np.repeat(np.arange(CUSTOMERS), PERIODS)
    quarter = np.tile(np.arange(PERIODS), CUSTOMERS)
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i:03d}" for i in who],
            "period": [f"2025Q{i + 1}" for i in quarter],
            "period_index": quarter,
            "tenure_months": 3.0 * quarter,
            "left": (quarter == 2) & (who % 10 == 0),
            "spend": 50.0 + who % 7 + quarter,
            "margin": 20.0 + who % 7,
            "csat_score": 1.0 + (who + quarter) % 5,
            "csat_age_days": 30.0,
            "previous_spend": np.where(quarter > 0, 50.0, np.nan),
            "segment": np.where(who % 2 == 0, "private", "business"),
            "region": np.where(who % 3 == 0, "North", "South"),
        }
    )
    return frame.assign(**columns)


def asked(answered: float = 0.5, day: str = "2025-03-01") -> pd.DataFrame:
    """Invitations of which a share is answered."""
    n = 100
    silent = np.arange(n) >= 100 * answered
    return pd.DataFrame(
        {
            "customer_id": [f"C{i:03d}" for i in range(n)],
            "instrument": "csat",
            "invited_on": pd.Timestamp(day),
            "answered_on": pd.Series([pd.Timestamp(day)] * n).mask(silent),
            "score": np.where(silent, np.nan, 4.0),
        }
    )


def people(ended: str | None = None, started: str = "2024-01-01") -> pd.DataFrame:
    names = [f"C{i:03d}" for i in range(CUSTOMERS)]
    return pd.DataFrame(
        {
            "customer_id": names,
            "started_on": pd.Timestamp(started),
            "ended_on": pd.Timestamp(ended) if ended else pd.NaT,
        }
    )


def found(
    frame: pd.DataFrame, surveys: pd.DataFrame | None = None, customers: pd.DataFrame | None = None
) -> dict[str, str]:
    remarks = audit_panel(
        frame,
        attempt(panel_rows, frame),
        asked() if surveys is None else surveys,
        people() if customers is None else customers,
        CONTROLS,
    )
    return {remark.id: remark.severity for remark in remarks}


def test_nothing_to_remark_on_in_a_panel() -> None:
    assert found(panel()) == {}


def test_an_empty_panel_stops_the_audit() -> None:
    assert found(panel().head(0)) == {"no-rows": "stop"}


@pytest.mark.parametrize(("left", "remark"), [(False, "nobody-left"), (True, "nobody-stays")])
def test_survivors_only_or_nobody_left(left: bool, remark: str) -> None:
    assert found(panel(left=left)) == {remark: "caution"}


@pytest.mark.parametrize(
    "customers", [people(ended="2025-02-28"), people(started="2025-03-02")], ids=["after", "before"]
)
def test_answers_after_the_end_or_before_the_start(customers: pd.DataFrame) -> None:
    assert found(panel(), customers=customers) == {"answers-outside": "caution"}
    (remark,) = audit_panel(panel(), attempt(panel_rows, panel()), asked(), customers, CONTROLS)
    assert remark.counts == {"customers": 50}


def test_an_answer_on_the_last_day_is_no_fault() -> None:
    assert found(panel(), customers=people(ended="2025-03-01")) == {}


def test_few_who_answer() -> None:
    assert found(panel(), asked(answered=0.19)) == {"few-answer": "caution"}
    assert found(panel(), asked(answered=0.2)) == {}


def test_few_periods_with_a_fresh_answer() -> None:
    frame = panel()
    silent = frame["customer_id"] >= "C031"
    few = frame.assign(csat_score=frame["csat_score"].mask(silent))
    assert found(few)["few-rows-scored"] == "caution"


def test_stale_answers() -> None:
    frame = panel()
    old = np.where(frame["customer_id"] >= "C040", 900.0, 30.0)
    assert found(frame.assign(csat_age_days=old))["stale-answers"] == "caution"


def test_columns_that_are_constant_or_follow_from_one_another() -> None:
    frame = panel(region="North", acquisition_channel=panel()["segment"].str.upper())
    assert found(frame) == {"constant-region": "note", "collinear-acquisition_channel": "note"}


def test_few_customers_for_what_is_held_fixed() -> None:
    frame = panel()
    few = frame[frame["customer_id"] < "C040"]
    assert found(few)["few-customers"] == "caution"
