"""Spend on satisfaction equals R's `lm` with `sandwich`; see spending/make_references.R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import chdtri, fdtrc

from analysis.methods.estimate import Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.spending.absorb import fit_within
from analysis.methods.spending.checks import check_feedback, rows_ahead
from analysis.methods.spending.ladder import Rung, between_slope, fit_rung, slope_of
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


def agrees(estimate: Estimate, golden: dict[str, float], name: str, degrees: float = 89) -> None:
    assert estimate.lower is not None
    assert estimate.upper is not None
    error = (estimate.upper - estimate.lower) / 2 / t_quantile(0.95, degrees)
    assert estimate.value == pytest.approx(golden[name], rel=RELATIVE)
    assert error == pytest.approx(golden[f"{name}_error"], rel=RELATIVE)


def degrees_within(rows: PanelRows) -> float:
    """Ours, not R's: customers whose score does not change tell nothing of the slope."""
    fit = fit_within(rows.spend, [rows.score], ("score",), rows.customer, rows.period)
    assert 1 < fit.degrees_of_freedom < rows.changing_customers
    return float(fit.degrees_of_freedom)


@pytest.mark.parametrize("rung", ["customer", "history", "fixed_effects"])
def test_rungs_equal_dummies(rows: PanelRows, golden: dict[str, float], rung: str) -> None:
    spend, margin = fit_rung(rows, rung, UNIT)
    # R counts all clusters; t counts those whose score changes, the others telling nothing.
    degrees = degrees_within(rows) if rung == "fixed_effects" else rows.customers - 1
    agrees(spend.slope, golden, rung, degrees)
    assert isinstance(margin, Rung)
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
    agrees(slope_of(fit, "score", UNIT), golden, "weighted", fit.degrees_of_freedom)


def test_share_within_customers_equals_r(rows: PanelRows, golden: dict[str, float]) -> None:
    bought = (rows.spend > np.median(rows.spend)).astype(float)
    fit = fit_within(bought, [rows.score], ("score",), rows.customer, rows.period)
    agrees(slope_of(fit, "score", "share"), golden, "share", degrees_within(rows))


def test_shape_equals_r(rows: PanelRows, golden: dict[str, float]) -> None:
    # R gives the chi-squared of the same statistic; F with the degrees of those who change is ours.
    steps = step_means(rows, UNIT)
    tested, degrees = len(steps.steps) - 2, degrees_within(rows)
    statistic = float(chdtri(tested, golden["straight_p"]))
    rest = degrees - tested + 1
    expected = float(fdtrc(tested, rest, statistic * rest / (degrees * tested)))
    assert steps.straight_p_value == pytest.approx(expected, rel=1e-6)
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
    now, later = rows_ahead(rows, 1)
    _, customer = np.unique(rows.customer[now], return_inverse=True)
    scores = (rows.score[now], rows.score[later])
    fit = fit_within(rows.spend[now], scores, ("a", "b"), customer, rows.period[now])
    agrees(found.slope, golden, "feedback", fit.degrees_of_freedom)


def test_customers_means_equal_r(rows: PanelRows, golden: dict[str, float]) -> None:
    agrees(between_slope(rows, UNIT), golden, "between", 88)
