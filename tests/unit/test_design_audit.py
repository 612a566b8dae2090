"""The design audit says what a careful reader would ask, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.methods.design_audit import audit_lifetimes


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
