"""Regressions equal R's `lm` with `sandwich`; see regression/make_references.R."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.methods.estimate import Estimate
from analysis.methods.intervals import t_quantile
from analysis.methods.regression import Covariance, dummies, fit_least_squares
from analysis.methods.spending.absorb import fit_within
from analysis.methods.spending.ladder import fit_ladders
from analysis.methods.spending.rows import panel_rows
from analysis.methods.spending.shape import level_contrasts, step_means

HERE = Path(__file__).parent / "regression"
RELATIVE = 1e-8
UNIT = "EUR per customer-quarter"
CONVENTIONS: tuple[Covariance, ...] = ("classical", "HC0", "HC1", "HC3", "cluster")


@pytest.fixture(scope="module")
def golden() -> dict[str, float]:
    return dict(pd.read_csv(HERE / "golden.csv").itertuples(index=False))


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return pd.read_csv(HERE / "panel.csv")


@pytest.fixture(scope="module")
def frame(panel: pd.DataFrame) -> pd.DataFrame:
    """The same rows as a frame of customers × periods."""
    return pd.DataFrame(
        {
            "customer_id": panel["customer"].map("C{:02d}".format),
            "period": panel["quarter"].map("Q{}".format),
            "period_index": panel["quarter"],
            "tenure_months": panel["tenure"],
            "left": False,
            "spend": panel["spend"],
            "margin": panel["spend"] / 2,
            "previous_spend": 0.0,
            "csat_score": panel["score"],
            "csat_age_days": 10.0,
        }
    )


def error_of(estimate: object, customers: float = 40) -> float:
    """The standard error behind a t interval with as many degrees as customers less one."""
    assert isinstance(estimate, Estimate)
    assert estimate.lower is not None
    assert estimate.upper is not None
    return (estimate.upper - estimate.lower) / 2 / t_quantile(0.95, customers - 1)


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_least_squares_equals_r(
    golden: dict[str, float], panel: pd.DataFrame, convention: Covariance
) -> None:
    segment = panel["segment"].astype("category")
    block, names = dummies(
        segment.cat.codes.to_numpy(np.int64), tuple(segment.cat.categories), "segment"
    )
    design = np.column_stack([np.ones(len(panel)), panel["score"], panel["tenure"], block])
    fit = fit_least_squares(
        panel["spend"].to_numpy(float),
        design,
        ("constant", "score", "tenure", *names),
        convention,
        panel["customer"].to_numpy(np.int64) - 1,
    )
    for name in ("score", "tenure"):
        place = fit.position(name)
        assert fit.coefficients[place] == pytest.approx(golden[f"pooled_{name}"], rel=RELATIVE)
        assert fit.standard_errors[place] == pytest.approx(
            golden[f"pooled_{name}_{convention}"], rel=RELATIVE
        )


@pytest.mark.parametrize(("rung", "name"), [("raw", "raw"), ("fixed_effects", "own")])
def test_slopes_equal_r(
    golden: dict[str, float], frame: pd.DataFrame, rung: str, name: str
) -> None:
    rows = panel_rows(frame)
    slope = getattr(fit_ladders(rows, UNIT)[0], rung).slope
    # t of the defended slope counts the customers whose score changes, its error all of them.
    fit = fit_within(rows.spend, [rows.score], ("score",), rows.customer, rows.period)
    clusters = fit.degrees_of_freedom + 1 if rung == "fixed_effects" else slope.n
    assert slope.value == pytest.approx(golden[name], rel=RELATIVE)
    assert error_of(slope, clusters) == pytest.approx(golden[f"{name}_cluster"], rel=RELATIVE)


def test_levels_by_score_equal_r(golden: dict[str, float], frame: pd.DataFrame) -> None:
    rows = panel_rows(frame)
    steps = step_means(rows, UNIT)
    assert isinstance(steps.own, tuple)
    _, codes = np.unique(rows.score, return_inverse=True)
    _, errors, degrees = level_contrasts(rows, codes)
    assert 1 < degrees < rows.changing_customers
    assert steps.steps == (1, 2, 3, 4, 5)
    for score, level, error in zip(steps.steps, steps.own, errors, strict=True):
        assert level.value == pytest.approx(golden[f"level_{score:g}"], rel=RELATIVE)
        assert error == pytest.approx(golden[f"level_{score:g}_cluster"], rel=RELATIVE)
        # Fewer than thirty moved to or from each: too few for an interval.
        assert level.lower is None


def test_share_and_difference_equal_stacked_equations(
    golden: dict[str, float], frame: pd.DataFrame
) -> None:
    ladder, _ = fit_ladders(panel_rows(frame), UNIT)
    assert isinstance(ladder.share_surviving, Estimate)
    assert ladder.share_surviving.value == pytest.approx(golden["share"], rel=RELATIVE)
    assert error_of(ladder.share_surviving) == pytest.approx(golden["share_cluster"], rel=RELATIVE)
    assert error_of(ladder.difference) == pytest.approx(golden["difference_cluster"], rel=RELATIVE)
