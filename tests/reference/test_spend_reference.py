"""Spend on satisfaction equals R's `lm` with `sandwich`; see spending/make_references.R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.spending.absorb import fit_within
from analysis.methods.spending.checks import check_feedback
from analysis.methods.spending.ladder import between_slope, fit_rung, slope_of
from analysis.methods.spending.rows import PanelRows, panel_rows
from analysis.methods.spending.shape import gain_and_loss, step_means

HERE = Path(__file__).parent / "spending"
RELATIVE = 1e-8
UNIT = "EUR per customer-quarter"


@pytest.fixture(scope="module")
def golden() -> dict[str, float]:
    return dict(pd.read_csv(HERE / "golden.csv").itertuples(index=False))


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return pd.read_csv(HERE / "panel.csv")


@pytest.fixture(scope="module")
def rows(panel: pd.DataFrame) -> PanelRows:
    frame = pd.DataFrame(
        {
            "customer_id": panel["customer"].map("C{:02d}".format),
            "period": panel["quarter"].map("Q{}".format),
            "period_index": panel["quarter"],
            "tenure_months": panel["tenure"],
            "left": False,
            "spend": panel["spend"],
            "margin": panel["spend"] / 2,
            "previous_spend": panel["previous"],
            "csat_score": panel["score"].astype(float),
            "csat_age_days": panel["age"].astype(float),
            "segment": panel["segment"],
            "acquisition_channel": panel["channel"],
        }
    )
    return panel_rows(frame)


def agrees(estimate: Estimate, golden: dict[str, float], name: str, degrees: int = 89) -> None:
    assert estimate.lower is not None
    assert estimate.upper is not None
    error = (estimate.upper - estimate.lower) / 2 / t_quantile(0.95, degrees)
    assert estimate.value == pytest.approx(golden[name], rel=RELATIVE)
    assert error == pytest.approx(golden[f"{name}_error"], rel=RELATIVE)


@pytest.mark.parametrize("rung", ["customer", "history", "fixed_effects"])
def test_rungs_equal_dummies(rows: PanelRows, golden: dict[str, float], rung: str) -> None:
    spend, margin = fit_rung(rows, rung, UNIT)
    agrees(spend.slope, golden, rung)
    assert margin.slope.value == pytest.approx(golden[rung] / 2, rel=RELATIVE)


def test_accounts_equal_gelbachs(rows: PanelRows, golden: dict[str, float]) -> None:
    moved = dict(fit_rung(rows, "history", UNIT)[0].moved_by)
    names = {
        "segment": "segment",
        "acquisition_channel": "channel",
        "tenure": "tenure",
        "period": "factor(quarter)",
        "previous_spend": "previous",
    }
    assert set(moved) == set(names)
    for ours, theirs in names.items():
        # What was taken out goes to the account with its sign: raw less history is their sum.
        assert moved[ours] == pytest.approx(golden[f"account_{theirs}"], rel=RELATIVE)
    raw, history = (fit_rung(rows, rung, UNIT)[0].slope.value for rung in ("raw", "history"))
    assert sum(moved.values()) == pytest.approx(raw - history, rel=RELATIVE)


def test_weighted_slope_equals_r(
    rows: PanelRows, panel: pd.DataFrame, golden: dict[str, float]
) -> None:
    order = panel.sort_values(["customer", "quarter"])
    weights = order["weight"].to_numpy(float)
    fit = fit_within(rows.spend, [rows.score], ("score",), rows.customer, rows.period, weights)
    agrees(slope_of(fit, "score", UNIT), golden, "weighted")


def test_share_within_customers_equals_r(rows: PanelRows, golden: dict[str, float]) -> None:
    bought = (rows.spend > np.median(rows.spend)).astype(float)
    fit = fit_within(bought, [rows.score], ("score",), rows.customer, rows.period)
    agrees(slope_of(fit, "score", "share"), golden, "share")


def test_shape_equals_r(rows: PanelRows, golden: dict[str, float]) -> None:
    assert step_means(rows, UNIT).straight_p_value == pytest.approx(
        golden["straight_p"], rel=RELATIVE
    )
    found = gain_and_loss(rows, UNIT)
    agrees(found.gain, golden, "gain", found.gain.n - 1)
    agrees(found.loss, golden, "loss", found.loss.n - 1)
    assert found.asymmetry.value == pytest.approx(-golden["gain"] - golden["loss"], rel=RELATIVE)
    assert found.asymmetry.upper is not None
    half = found.asymmetry.upper - found.asymmetry.value
    error = half / t_quantile(0.95, found.asymmetry.n - 1)
    assert error == pytest.approx(golden["asymmetry_error"], rel=RELATIVE)


def test_later_score_equals_r(rows: PanelRows, golden: dict[str, float]) -> None:
    found = check_feedback(rows, UNIT)
    agrees(found.slope, golden, "feedback", found.slope.n - 1)


def test_customers_means_equal_r(rows: PanelRows, golden: dict[str, float]) -> None:
    agrees(between_slope(rows, UNIT), golden, "between", 88)
